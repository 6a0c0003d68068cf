/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of an event as one blob: a format byte, then a zstd frame of the number of lines, each line's distance from
 * the one before and its length, and all texts one after the other.
 */
#include "store_impl.h"

#include <errno.h>

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

static int add_lines(struct oom_buf *b, const struct oom_event *ev)
{
	uint64_t last = 0;
	int r = add_varint(b, ev->nraw);

	for (size_t i = 0; !r && i < ev->nraw; i++) {
		const struct oom_raw *raw = &ev->raw[i];
		char p[2 * VARINT_MAX];
		size_t n = put_varint(p, zigzag((int64_t)((uint64_t)raw->line - last)));

		n += put_varint(p + n, raw->text.p ? (uint64_t)raw->text.n + 1 : 0);
		r = oom_buf_add(b, p, n);
		last = (uint64_t)raw->line;
	}
	for (size_t i = 0; !r && i < ev->nraw; i++)
		r = oom_buf_add(b, ev->raw[i].text.p, ev->raw[i].text.n);
	return r;
}

int oom_store_pack_raw(struct oom_store *s, const struct oom_event *ev, struct oom_err *reterr)
{
	const char format = FORMAT;
	int r;

	s->lines.n = s->packed.n = 0;
	r = add_lines(&s->lines, ev);
	if (!r && s->lines.n > UNPACKED_MAX)
		r = -EOVERFLOW;
	if (!r)
		r = oom_buf_add(&s->packed, &format, 1);
	if (!r)
		r = oom_pack(s->packer, (struct oom_str){ s->lines.p, s->lines.n }, &s->packed);
	return r ? oom_store_fail(s, -r, "cannot write", reterr) : 0;
}

/* heads: the distances and lengths; texts: what follows them. */
static int load_lines(struct oom_str heads, struct oom_str texts, uint64_t n, struct oom_event *ev)
{
	uint64_t last = 0;

	for (uint64_t i = 0; i < n; i++) {
		struct oom_raw *raw;
		uint64_t line, len;

		if (!take_varint(&heads, &line) || !take_varint(&heads, &len) || (len && len - 1 > texts.n))
			return -EBADMSG;
		raw = oom_event_add_raw(ev);
		if (!raw)
			return -ENOMEM;
		last += (uint64_t)unzigzag(line);
		raw->line = (int64_t)last;
		if (len && oom_arena_str(&ev->arena, oom_str_sub(texts, 0, len - 1), &raw->text))
			return -ENOMEM;
		if (len)
			texts = oom_str_sub(texts, len - 1, texts.n);
	}
	return texts.n ? -EBADMSG : 0;
}

int oom_store_unpack_raw(struct oom_store *s, struct oom_str blob, struct oom_event *ev, struct oom_err *reterr)
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
	for (uint64_t i = 0; i < 2 * n; i++)
		if (!take_varint(&texts, &skip))
			return -EBADMSG;
	heads.n -= texts.n;
	return load_lines(heads, texts, n, ev);
}
