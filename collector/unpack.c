/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Compressed streams of which every good byte counts.  libarchive hands out whole blocks only, so that of a
 * file that was cut short it loses the last 64 KiB; these decoders give what they have and then say what is
 * wrong.
 */
#include "stream.h"

#include <errno.h>
#include <lzma.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define XZ_MEMORY ((uint64_t)256 << 20)         /* xz -9 needs 65 MiB; what asks for more is no log */

struct unpack;

enum step { STEP_OK, STEP_END, STEP_BAD };      /* END: a member is complete; another may follow */

struct format {
	const char *name;
	size_t nmagic;
	const char *magic;
	bool (*start)(struct unpack *u);        /* stop() follows, whatever it returns */
	/* Moves in_at and *done on. */
	enum step (*step)(struct unpack *u, char *p, size_t n, size_t *done);
	void (*stop)(struct unpack *u);
};

struct unpack {
	const struct format *format;
	const char *path;
	struct oom_stream in;
	struct oom_err err;             /* what went wrong, said again at each read */
	union {
		z_stream z;
		lzma_stream xz;
		ZSTD_DStream *zstd;
	} as;
	bool ended, in_eof;
	size_t in_at, in_n;
	char block[65536];
};

/* ---- gzip ---------------------------------------------------------------------------------------------- */

static voidpf z_alloc(voidpf self, uInt n, uInt size)
{
	(void)self;
	return oom_malloc((size_t)n * size);
}

static void z_free(voidpf self, voidpf p)
{
	(void)self;
	oom_free(p);
}

static bool gzip_start(struct unpack *u)
{
	u->as.z = (z_stream){ .zalloc = z_alloc, .zfree = z_free };
	return inflateInit2(&u->as.z, 15 + 16) == Z_OK;         /* 16: gzip header and trailer */
}

static enum step gzip_step(struct unpack *u, char *p, size_t n, size_t *done)
{
	z_stream *z = &u->as.z;
	int r;

	z->next_in = (Bytef *)u->block + u->in_at;
	z->avail_in = (uInt)(u->in_n - u->in_at);
	z->next_out = (Bytef *)p;
	z->avail_out = n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (uInt)n;
	r = inflate(z, Z_NO_FLUSH);
	u->in_at = u->in_n - z->avail_in;
	*done = (size_t)(z->next_out - (Bytef *)p);
	if (r == Z_STREAM_END)
		return STEP_END;
	return r == Z_OK || r == Z_BUF_ERROR ? STEP_OK : STEP_BAD;
}

static void gzip_stop(struct unpack *u)
{
	inflateEnd(&u->as.z);
}

/* ---- xz ------------------------------------------------------------------------------------------------ */

static void *xz_alloc(void *self, size_t n, size_t size)
{
	(void)self;
	return oom_malloc(n * size);    /* liblzma has checked the product */
}

static void xz_free(void *self, void *p)
{
	(void)self;
	oom_free(p);
}

static const lzma_allocator xz_memory = { xz_alloc, xz_free, NULL };

static bool xz_start(struct unpack *u)
{
	u->as.xz = (lzma_stream)LZMA_STREAM_INIT;
	u->as.xz.allocator = &xz_memory;
	return lzma_stream_decoder(&u->as.xz, XZ_MEMORY, 0) == LZMA_OK;
}

static enum step xz_step(struct unpack *u, char *p, size_t n, size_t *done)
{
	lzma_stream *xz = &u->as.xz;
	lzma_ret r;

	xz->next_in = (const uint8_t *)u->block + u->in_at;
	xz->avail_in = u->in_n - u->in_at;
	xz->next_out = (uint8_t *)p;
	xz->avail_out = n;
	r = lzma_code(xz, LZMA_RUN);
	u->in_at = u->in_n - xz->avail_in;
	*done = n - xz->avail_out;
	if (r == LZMA_STREAM_END)
		return STEP_END;
	return r == LZMA_OK || r == LZMA_BUF_ERROR ? STEP_OK : STEP_BAD;
}

static void xz_stop(struct unpack *u)
{
	lzma_end(&u->as.xz);
}

/* ---- zstd ---------------------------------------------------------------------------------------------- */

static bool zstd_start(struct unpack *u)
{
	u->as.zstd = ZSTD_createDStream();
	return u->as.zstd && !ZSTD_isError(ZSTD_initDStream(u->as.zstd));
}

static enum step zstd_step(struct unpack *u, char *p, size_t n, size_t *done)
{
	ZSTD_inBuffer in = { u->block, u->in_n, u->in_at };
	ZSTD_outBuffer out = { p, n, 0 };
	size_t r = ZSTD_decompressStream(u->as.zstd, &out, &in);

	u->in_at = in.pos;
	*done = out.pos;
	if (ZSTD_isError(r))
		return STEP_BAD;
	return r == 0 ? STEP_END : STEP_OK;
}

static void zstd_stop(struct unpack *u)
{
	ZSTD_freeDStream(u->as.zstd);
}

/* ---- the stream --------------------------------------------------------------------------------------- */

static const struct format formats[] = {
	{ "gzip", 3, "\x1f\x8b\x08",     gzip_start, gzip_step, gzip_stop },
	{ "xz",   6, "\xfd""7zXZ\0",     xz_start,   xz_step,   xz_stop },
	{ "zstd", 4, "\x28\xb5\x2f\xfd", zstd_start, zstd_step, zstd_stop },
};

static const struct format *format_of(struct oom_str head)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(formats); i++)
		if (head.n >= formats[i].nmagic && !memcmp(head.p, formats[i].magic, formats[i].nmagic))
			return &formats[i];
	return NULL;
}

static int fail(struct unpack *u, int code, const char *why)
{
	return oom_err_set(&u->err, code, "cannot unpack '%s': %s %s data", u->path, why, u->format->name);
}

/* More input behind a member: another member of the same kind, or padding, which ends the text. */
static int next_member(struct unpack *u)
{
	size_t left = u->in_n - u->in_at;

	memmove(u->block, u->block + u->in_at, left);
	u->in_at = 0;
	u->in_n = left;
	while (u->in_n < u->format->nmagic && !u->in_eof) {
		ssize_t n = oom_stream_read(&u->in, u->block + u->in_n, sizeof(u->block) - u->in_n, &u->err);

		if (n < 0)
			return (int)n;
		u->in_eof = n == 0;
		u->in_n += (size_t)n;
	}
	if (format_of((struct oom_str){ u->block, u->in_n }) != u->format) {
		u->ended = true;
		return 0;
	}
	u->format->stop(u);
	return u->format->start(u) ? 0 : fail(u, ENOMEM, "out of memory for");
}

static int refill(struct unpack *u)
{
	ssize_t n;

	if (u->in_at < u->in_n || u->in_eof)
		return 0;
	n = oom_stream_read(&u->in, u->block, sizeof(u->block), &u->err);
	if (n < 0)
		return (int)n;
	u->in_eof = n == 0;
	u->in_at = 0;
	u->in_n = (size_t)n;
	return 0;
}

static ssize_t unpack_read(void *self, char *p, size_t n, struct oom_err *reterr)
{
	struct unpack *u = self;
	size_t done = 0;

	while (!done && !u->ended && !u->err.code && refill(u) == 0) {
		switch (u->format->step(u, p, n, &done)) {
		case STEP_END:
			(void)next_member(u);
			break;
		case STEP_BAD:
			(void)fail(u, EBADMSG, "damaged");
			break;
		case STEP_OK:
			if (!done && u->in_eof && u->in_at == u->in_n)
				(void)fail(u, EBADMSG, "truncated");
		}
	}
	/* an error waits until the good bytes before it are out */
	return done || !u->err.code ? (ssize_t)done : oom_err_set(reterr, u->err.code, "%s", u->err.text);
}

static void unpack_close(void *self)
{
	struct unpack *u = self;

	u->format->stop(u);
	oom_stream_close(&u->in);
	oom_free(u);
}

int oom_stream_unpack(struct oom_stream *s, const char *path, struct oom_err *reterr)
{
	const struct format *format;
	struct oom_str head;
	struct unpack *u;
	int r = oom_stream_peek(s, &head, reterr);

	format = r < 0 ? NULL : format_of(head);
	if (!format)
		return r;
	u = oom_malloc(sizeof(*u));
	if (!u)
		return oom_err_set(reterr, ENOMEM, "cannot unpack '%s': out of memory", path);
	memset(u, 0, offsetof(struct unpack, block));
	u->format = format;
	u->path = path;
	if (!format->start(u)) {
		format->stop(u);
		oom_free(u);
		return oom_err_set(reterr, ENOMEM, "cannot unpack '%s': out of memory", path);
	}
	u->in = *s;
	*s = (struct oom_stream){ .read = unpack_read, .close = unpack_close, .self = u };
	return 1;
}
