/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pack.h"

#include <errno.h>
#include <zstd.h>

#define LEVEL 1        /* 3 is 5 % less, and 400 KiB more in a recorder that has to be small */

/* What kernels write, learnt by tests/lexicon.sh.  Never to be changed: what was packed with it needs it. */
static const unsigned char lexicon[] = {
#include "lexicon.inc"
};

struct oom_packer {
	ZSTD_CCtx *c;
	ZSTD_DCtx *d;
	ZSTD_CDict *write;             /* NULL until something is packed, or unpacked */
	ZSTD_DDict *read;
};

int oom_packer_new(struct oom_packer **ret)
{
	struct oom_packer *p = oom_malloc(sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = (struct oom_packer){ .c = ZSTD_createCCtx(), .d = ZSTD_createDCtx() };
	/* the format says which dictionary it is */
	if (!p->c || !p->d || ZSTD_isError(ZSTD_CCtx_setParameter(p->c, ZSTD_c_dictIDFlag, 0))) {
		oom_packer_free(p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

void oom_packer_free(struct oom_packer *p)
{
	if (!p)
		return;
	(void)ZSTD_freeCCtx(p->c);
	(void)ZSTD_freeDCtx(p->d);
	(void)ZSTD_freeCDict(p->write);
	(void)ZSTD_freeDDict(p->read);
	oom_free(p);
}

static bool can_write(struct oom_packer *p)
{
	if (p->write)
		return true;
	p->write = ZSTD_createCDict(lexicon, sizeof(lexicon), LEVEL);
	return p->write && !ZSTD_isError(ZSTD_CCtx_refCDict(p->c, p->write));
}

static int reserve(struct oom_buf *b, size_t more)
{
	char *p;

	if (more <= b->cap - b->n)
		return 0;
	if (more > SIZE_MAX / 2 - b->n)
		return -EOVERFLOW;
	p = oom_realloc(b->p, b->n + more);
	if (!p)
		return -ENOMEM;
	b->p = p;
	b->cap = b->n + more;
	return 0;
}

int oom_pack(struct oom_packer *p, struct oom_str in, struct oom_buf *out)
{
	size_t n = ZSTD_compressBound(in.n);
	int r = reserve(out, n);

	if (!r && !can_write(p))
		r = -ENOMEM;
	if (r)
		return r;
	n = ZSTD_compress2(p->c, out->p + out->n, out->cap - out->n, in.p, in.n);
	if (ZSTD_isError(n))
		return -ENOMEM;
	out->n += n;
	return 0;
}

int oom_unpack(struct oom_packer *p, struct oom_str in, bool plain, size_t max, struct oom_buf *out)
{
	unsigned long long n = ZSTD_getFrameContentSize(in.p, in.n);
	size_t got;

	if (n == ZSTD_CONTENTSIZE_UNKNOWN || n == ZSTD_CONTENTSIZE_ERROR || n > max)
		return -EBADMSG;
	out->n = 0;
	if (reserve(out, (size_t)n + 1))
		return -ENOMEM;
	if (!plain && !p->read)
		p->read = ZSTD_createDDict(lexicon, sizeof(lexicon));
	if (!plain && !p->read)
		return -ENOMEM;
	got = plain ? ZSTD_decompressDCtx(p->d, out->p, out->cap, in.p, in.n)
		    : ZSTD_decompress_usingDDict(p->d, out->p, out->cap, in.p, in.n, p->read);
	if (ZSTD_isError(got) || got != n)
		return -EBADMSG;
	out->n = got;
	return 0;
}
