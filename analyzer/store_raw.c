/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of an event as one blob: a format byte, then a zstd frame of the number of lines, three numbers
 * for each line (distance from the line before, bytes that its text begins with as that one does, bytes that
 * follow them) and those bytes.  Prefixes of log lines hardly differ from line to line: leaving them out
 * halves the work of the compressor.
 */
#include "store_impl.h"

#include <errno.h>
#include <string.h>

#define FORMAT 1
#define VARINT_MAX 10
/* Lines are at most OOM_LINE_MAX and live in an arena: a frame that claims more is damaged. */
#define UNPACKED_MAX OOM_ARENA_LIMIT

static size_t put_varint(char *p, uint64_t v)
{
	size_t n = 0;

	for (; v > 0x7f; v >>= 7)
		p[n++] = (char)(v | 0x80);
	p[n++] = (char)v;
	return n;
}

static bool take_varint(struct oom_str *s, uint64_t *ret)
{
	uint64_t v = 0;

	for (size_t i = 0; i < s->n && i < VARINT_MAX; i++) {
		unsigned char c = (unsigned char)s->p[i];

		v |= (uint64_t)(c & 0x7f) << (7 * i);
		if (c & 0x80)
			continue;
		*s = oom_str_sub(*s, i + 1, s->n);
		*ret = v;
		return true;
	}
	return false;
}

/* Small distances of either sign become small numbers; OOM_NA is as good a number as any. */
static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

static int add_varint(struct oom_buf *b, uint64_t v)
{
	char p[VARINT_MAX];

	return oom_buf_add(b, p, put_varint(p, v));
}

static size_t common(struct oom_str a, struct oom_str b)
{
	size_t n = a.n < b.n ? a.n : b.n, i = 0;

	while (i < n && a.p[i] == b.p[i])
		i++;
	return i;
}

/* Texts go to *texts while the numbers are written.  A text that is not known has the length 0, others one
 * more. */
static int add_lines(struct oom_buf *b, struct oom_buf *texts, const struct oom_event *ev)
{
	uint64_t last = 0;
	struct oom_str before = { NULL, 0 };
	int r = add_varint(b, ev->nraw);

	for (size_t i = 0; !r && i < ev->nraw; i++) {
		const struct oom_raw *raw = &ev->raw[i];
		size_t same = common(raw->text, before), n;
		char p[3 * VARINT_MAX];

		n = put_varint(p, zigzag((int64_t)((uint64_t)raw->line - last)));
		n += put_varint(p + n, same);
		n += put_varint(p + n, raw->text.p ? (uint64_t)(raw->text.n - same) + 1 : 0);
		r = oom_buf_add(b, p, n);
		if (!r)
			r = oom_buf_add(texts, raw->text.p ? raw->text.p + same : NULL, raw->text.n - same);
		before = raw->text;
		last = (uint64_t)raw->line;
	}
	return r ? r : oom_buf_add(b, texts->p, texts->n);
}

int oom_store_pack_raw(struct oom_store *s, const struct oom_event *ev, struct oom_err *reterr)
{
	const char format = FORMAT;
	int r;

	s->lines.n = s->packed.n = s->memory.n = 0;
	r = add_lines(&s->lines, &s->memory, ev);
	if (!r && s->lines.n > UNPACKED_MAX)
		r = -EOVERFLOW;
	if (!r)
		r = oom_buf_add(&s->packed, &format, 1);
	if (!r)
		r = oom_pack(s->packer, (struct oom_str){ s->lines.p, s->lines.n }, &s->packed);
	return r ? oom_store_fail(s, -r, "cannot write", reterr) : 0;
}

/* A line that begins with `same` bytes of the one before and goes on with the first n of *texts. */
static int load_text(struct oom_event *ev, struct oom_str before, size_t same, size_t n,
		     struct oom_str *texts, struct oom_str *ret)
{
	char *p = oom_arena_alloc(&ev->arena, same + n + 1);

	if (!p)
		return -ENOMEM;
	memcpy(p, before.p ? before.p : "", same);
	memcpy(p + same, texts->p, n);
	*ret = (struct oom_str){ p, same + n };
	*texts = oom_str_sub(*texts, n, texts->n);
	return 0;
}

/* heads: the numbers of n lines; texts: what follows them. */
static int load_lines(struct oom_str heads, struct oom_str texts, uint64_t n, struct oom_event *ev)
{
	struct oom_str before = { NULL, 0 };
	uint64_t last = 0;

	for (uint64_t i = 0; i < n; i++) {
		struct oom_raw *raw;
		uint64_t line, same, len;

		if (!take_varint(&heads, &line) || !take_varint(&heads, &same) ||
		    !take_varint(&heads, &len) || same > before.n || (len && len - 1 > texts.n))
			return -EBADMSG;
		raw = oom_event_add_raw(ev);
		if (!raw)
			return -ENOMEM;
		last += (uint64_t)unzigzag(line);
		raw->line = (int64_t)last;
		if (len && load_text(ev, before, (size_t)same, (size_t)len - 1, &texts, &raw->text))
			return -ENOMEM;
		before = raw->text;
	}
	return texts.n ? -EBADMSG : 0;
}

int oom_store_unpack_raw(struct oom_store *s, struct oom_str blob, struct oom_event *ev,
			 struct oom_err *reterr)
{
	struct oom_str heads, texts;
	uint64_t n, skip;
	int r;

	(void)reterr;
	if (!blob.n || blob.p[0] != FORMAT)
		return -EBADMSG;
	r = oom_unpack(s->packer, oom_str_sub(blob, 1, blob.n), UNPACKED_MAX, &s->lines);
	if (r)
		return r;
	heads = (struct oom_str){ s->lines.p, s->lines.n };
	if (!take_varint(&heads, &n) || n > OOM_MAX_PARTS)
		return -EBADMSG;
	texts = heads;
	for (uint64_t i = 0; i < 3 * n; i++)
		if (!take_varint(&texts, &skip))
			return -EBADMSG;
	heads.n -= texts.n;
	return load_lines(heads, texts, n, ev);
}
