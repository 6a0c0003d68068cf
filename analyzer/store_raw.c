/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of an event as one blob: a format byte and a zstd frame.  Most lines are rows of the task table, which follow
 * from their fields, behind a prefix in which only the kernel's clock moves on; such parts are left out, and what a line
 * is made of stands before the texts, kind by kind.  Formats of before are read for ever.
 *
 * Format 2: the number of lines, the format of rows (store_row.c), the bytes of the first four streams, the streams:
 *   heads    0 = no text is known; else 1 + (bytes of the line in texts << 2 | it has a stamp << 1 | it is a row)
 *   lines    distance from the line after the one before
 *   same     of lines without a stamp: bytes that the text begins with as the one before
 *   stamps   of the others: microseconds since the stamp before; what is before that is as before it there
 *   texts
 */
#include "store_impl.h"

#include <errno.h>
#include <string.h>

#define FORMAT       2
#define FORMAT_LINES 1                 /* lines as they are, each but what it shares with the one before */
#define VARINT_MAX   10
/* Lines are at most OOM_LINE_MAX and live in an arena: a frame that claims more is damaged. */
#define UNPACKED_MAX OOM_ARENA_LIMIT

enum { HEAD_ROW = 1, HEAD_STAMP = 2, HEAD_BITS = 2 };
enum { S_HEADS, S_LINES, S_SAME, S_STAMPS, S_TEXTS, STREAMS };

/* ---- numbers -------------------------------------------------------------------------------------------- */

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

/* ---- stamps ---------------------------------------------------------------------------------------------- */

/* What the latest line with the kernel's stamp had before it, and when that was. */
struct stamp { struct oom_str before; int64_t us; };

#define STAMP_MAX 40

/* As printk writes it: "[%5lu.%06lu] ". */
static size_t put_stamp(char ret[STAMP_MAX], int64_t us)
{
	char p[STAMP_MAX], *end = p + sizeof(p), *at = end;
	uint64_t v = (uint64_t)us;

	*--at = ' ';
	*--at = ']';
	for (int digit = 0; digit < 6 + 5 || v; digit++, v /= 10) {
		if (digit == 6)
			*--at = '.';
		*--at = v || digit <= 6 ? (char)('0' + v % 10) : ' ';
	}
	*--at = '[';
	memcpy(ret, at, (size_t)(end - at));
	return (size_t)(end - at);
}

/* The first "[ 1234.567890] " of the text; its bytes, 0 if there is none that put_stamp() would write. */
static size_t find_stamp(struct oom_str text, struct stamp *ret)
{
	char p[STAMP_MAX];

	for (size_t i = 0; i < text.n; i++) {
		struct oom_str s = oom_str_sub(text, i + 1, 16 + 8);
		int64_t sec, us;
		size_t n;

		if (text.p[i] != '[')
			continue;
		while (oom_take_char(&s, ' '))
			;
		if (!s.n || s.p[0] == '-' || !oom_take_i64(&s, &sec) || sec > 999999999 || !oom_take_char(&s, '.') || s.n < 8 ||
		    s.p[0] == '-')
			continue;
		s.n = 6;
		if (!oom_take_i64(&s, &us) || s.n)
			continue;
		ret->us = sec * 1000000 + us;
		ret->before = oom_str_sub(text, 0, i);
		n = put_stamp(p, ret->us);
		return n <= text.n - i && !memcmp(p, text.p + i, n) ? n : 0;
	}
	return 0;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

struct writer {
	const struct oom_event *ev;
	struct oom_buf stream[STREAMS];
	struct stamp stamp;
	struct oom_str last;                 /* text of the line before */
	uint64_t line;                       /* its line */
	size_t task;                         /* the next one that may come */
	unsigned rows;                       /* format; 0 = not known yet */
};

/* The task whose row stands on the line, NULL. */
static const struct oom_task *task_on(const struct oom_event *ev, size_t *next, int64_t line)
{
	while (*next < ev->ntasks && (ev->task[*next].line == OOM_NA || ev->task[*next].line < line))
		++*next;
	return line != OOM_NA && *next < ev->ntasks && ev->task[*next].line == line ? &ev->task[*next] : NULL;
}

static bool ends_with_row(struct oom_str text, const struct oom_task *t, unsigned format, size_t *ret)
{
	char row[OOM_ROW_MAX];
	size_t n = oom_row_text(format, t, row);

	*ret = n;
	return n && n <= text.n && !memcmp(text.p + text.n - n, row, n);
}

/* Bytes at the end of the text that follow from the task; 0. */
static size_t row_bytes(struct writer *w, struct oom_str text, int64_t line)
{
	const struct oom_task *t = task_on(w->ev, &w->task, line);
	size_t n;

	if (!t)
		return 0;
	if (w->rows)
		return ends_with_row(text, t, w->rows, &n) ? n : 0;
	for (unsigned f = 1; f < OOM_ROW_FORMATS; f++)
		if (ends_with_row(text, t, f, &n)) {
			w->rows = f;
			return n;
		}
	return 0;
}

static int add_text(struct writer *w, struct oom_str text, int64_t line)
{
	size_t row = row_bytes(w, text, line), from, n;
	struct stamp now = { .us = 0 };
	size_t stamp = find_stamp(text, &now);
	bool follows = stamp && w->stamp.before.p && oom_str_eq(now.before, w->stamp.before) &&
		       now.before.n + stamp <= text.n - row;
	int r;

	from = follows ? now.before.n + stamp : common(oom_str_sub(text, 0, text.n - row), w->last);
	n = text.n - row - from;
	r = add_varint(&w->stream[S_HEADS], 1 + ((uint64_t)n << HEAD_BITS | (follows ? HEAD_STAMP : 0) | (row ? HEAD_ROW : 0)));
	if (!r)
		r = follows ? add_varint(&w->stream[S_STAMPS], zigzag(now.us - w->stamp.us))
			    : add_varint(&w->stream[S_SAME], from);
	if (stamp)
		w->stamp = now;
	return r ? r : oom_buf_add(&w->stream[S_TEXTS], text.p + from, n);
}

static int add_lines(struct writer *w)
{
	int r = 0;

	for (size_t i = 0; !r && i < w->ev->nraw; i++) {
		const struct oom_raw *raw = &w->ev->raw[i];

		r = add_varint(&w->stream[S_LINES], zigzag((int64_t)((uint64_t)raw->line - w->line - 1)));
		if (!r)
			r = raw->text.p ? add_text(w, raw->text, raw->line) : add_varint(&w->stream[S_HEADS], 0);
		w->last = raw->text;
		w->line = (uint64_t)raw->line;
	}
	return r;
}

/* All streams in one. */
static int join(const struct writer *w, struct oom_buf *ret)
{
	int r = add_varint(ret, w->ev->nraw);

	if (!r)
		r = add_varint(ret, w->rows);
	for (int i = 0; !r && i < S_TEXTS; i++)
		r = add_varint(ret, w->stream[i].n);
	for (int i = 0; !r && i < STREAMS; i++)
		r = oom_buf_add(ret, w->stream[i].p, w->stream[i].n);
	return r;
}

int oom_store_pack_raw(struct oom_store *s, const struct oom_event *ev, struct oom_err *reterr)
{
	const char format = FORMAT;
	struct writer w = { .ev = ev };
	int r;

	s->lines.n = s->packed.n = 0;
	for (int i = 0; i < STREAMS; i++) {
		w.stream[i] = s->stream[i];
		w.stream[i].n = 0;
	}
	r = add_lines(&w);
	if (!r)
		r = join(&w, &s->lines);
	memcpy(s->stream, w.stream, sizeof(w.stream));
	if (!r && s->lines.n > UNPACKED_MAX)
		r = -EOVERFLOW;
	if (!r)
		r = oom_buf_add(&s->packed, &format, 1);
	if (!r)
		r = oom_pack(s->packer, (struct oom_str){ s->lines.p, s->lines.n }, &s->packed);
	return r ? oom_store_fail(s, -r, "cannot write", reterr) : 0;
}

/* ---- reading --------------------------------------------------------------------------------------------- */

struct reader {
	struct oom_event *ev;
	struct oom_str stream[STREAMS];
	struct stamp stamp;
	struct oom_str last;
	uint64_t line;
	size_t task;
	unsigned rows;
};

/* The line of these pieces: 0, -ENOMEM, -EBADMSG. */
static int make_text(struct reader *r, struct oom_str before, const char *stamp, size_t nstamp, size_t n, const char *row,
		     size_t nrow, struct oom_str *ret)
{
	struct oom_str *texts = &r->stream[S_TEXTS];
	char *p;

	if (n > texts->n)
		return -EBADMSG;
	p = oom_arena_alloc(&r->ev->arena, before.n + nstamp + n + nrow + 1);
	if (!p)
		return -ENOMEM;
	*ret = (struct oom_str){ p, before.n + nstamp + n + nrow };
	memcpy(p, before.p ? before.p : "", before.n);
	memcpy(p += before.n, stamp, nstamp);
	memcpy(p += nstamp, texts->p, n);
	memcpy(p + n, row, nrow);
	*texts = oom_str_sub(*texts, n, texts->n);
	return 0;
}

static int load_text(struct reader *r, uint64_t head, int64_t line, struct oom_str *ret)
{
	const struct oom_task *t = task_on(r->ev, &r->task, line);
	char stamp[STAMP_MAX], row[OOM_ROW_MAX];
	struct stamp now = r->stamp;
	size_t nstamp = 0, nrow = 0;
	struct oom_str before;
	uint64_t v;
	int e;

	if (head & HEAD_ROW && (!t || !(nrow = oom_row_text(r->rows, t, row))))
		return -EBADMSG;
	if (!take_varint(&r->stream[head & HEAD_STAMP ? S_STAMPS : S_SAME], &v))
		return -EBADMSG;
	if (head & HEAD_STAMP) {
		now.us = (int64_t)((uint64_t)now.us + (uint64_t)unzigzag(v));
		if (!now.before.p || now.us < 0)
			return -EBADMSG;
		before = now.before;
		nstamp = put_stamp(stamp, now.us);
	} else {
		if (v > r->last.n)
			return -EBADMSG;
		before = oom_str_sub(r->last, 0, (size_t)v);
	}
	e = make_text(r, before, stamp, nstamp, (size_t)(head >> HEAD_BITS), row, nrow, ret);
	if (!e && (head & HEAD_STAMP || find_stamp(*ret, &now)))
		r->stamp = now;
	return e;
}

static int load_lines(struct reader *r, uint64_t n)
{
	for (uint64_t i = 0; i < n; i++) {
		struct oom_raw *raw;
		uint64_t head, line;
		int e;

		if (!take_varint(&r->stream[S_HEADS], &head) || !take_varint(&r->stream[S_LINES], &line))
			return -EBADMSG;
		raw = oom_event_add_raw(r->ev);
		if (!raw)
			return -ENOMEM;
		r->line += (uint64_t)unzigzag(line) + 1;
		raw->line = (int64_t)r->line;
		e = head ? load_text(r, head - 1, raw->line, &raw->text) : 0;
		if (e)
			return e;
		r->last = raw->text;
	}
	return r->stream[S_TEXTS].n ? -EBADMSG : 0;
}

static int unpack_rows(struct oom_str in, struct oom_event *ev)
{
	struct reader r = { .ev = ev };
	uint64_t n, rows, size[S_TEXTS];

	if (!take_varint(&in, &n) || n > OOM_MAX_PARTS || !take_varint(&in, &rows) || rows >= OOM_ROW_FORMATS)
		return -EBADMSG;
	r.rows = (unsigned)rows;
	for (int i = 0; i < S_TEXTS; i++)
		if (!take_varint(&in, &size[i]))
			return -EBADMSG;
	for (int i = 0; i < S_TEXTS; i++) {
		if (size[i] > in.n)
			return -EBADMSG;
		r.stream[i] = oom_str_sub(in, 0, (size_t)size[i]);
		in = oom_str_sub(in, (size_t)size[i], in.n);
	}
	r.stream[S_TEXTS] = in;
	return load_lines(&r, n);
}

/* ---- format 1 -------------------------------------------------------------------------------------------- */

/* The number of lines, three numbers for each (distance from the line before, bytes that its text begins with as that one
 * does, bytes that follow them; a text that is not known has the length 0, others one more), and those bytes. */
static int unpack_lines(struct oom_str in, struct oom_event *ev)
{
	struct oom_str heads = in, before = { NULL, 0 };
	struct reader r = { .ev = ev };
	uint64_t n, skip, line, same, len;

	if (!take_varint(&heads, &n) || n > OOM_MAX_PARTS)
		return -EBADMSG;
	in = heads;
	for (uint64_t i = 0; i < 3 * n; i++)
		if (!take_varint(&in, &skip))
			return -EBADMSG;
	r.stream[S_TEXTS] = in;
	for (uint64_t i = 0; i < n; i++) {
		struct oom_raw *raw;
		int e = 0;

		if (!take_varint(&heads, &line) || !take_varint(&heads, &same) || !take_varint(&heads, &len) || same > before.n)
			return -EBADMSG;
		raw = oom_event_add_raw(ev);
		if (!raw)
			return -ENOMEM;
		r.line += (uint64_t)unzigzag(line);
		raw->line = (int64_t)r.line;
		if (len)
			e = make_text(&r, oom_str_sub(before, 0, (size_t)same), "", 0, (size_t)len - 1, "", 0, &raw->text);
		if (e)
			return e;
		before = raw->text;
	}
	return r.stream[S_TEXTS].n ? -EBADMSG : 0;
}

int oom_store_unpack_raw(struct oom_store *s, struct oom_str blob, struct oom_event *ev,
			 struct oom_err *reterr)
{
	char format = blob.n ? blob.p[0] : 0;
	int r;

	(void)reterr;
	if (format != FORMAT && format != FORMAT_LINES)
		return -EBADMSG;
	r = oom_unpack(s->packer, oom_str_sub(blob, 1, blob.n), format == FORMAT_LINES, UNPACKED_MAX, &s->lines);
	if (r)
		return r;
	return format == FORMAT ? unpack_rows((struct oom_str){ s->lines.p, s->lines.n }, ev)
				: unpack_lines((struct oom_str){ s->lines.p, s->lines.n }, ev);
}
