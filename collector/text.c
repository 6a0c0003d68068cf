/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Blocks are read, not mapped: a log may be cut short while we read it.  The buffer always holds whole lines
 * as long as lines are shorter than OOM_LINE_MAX; of a longer one only the head is kept.
 */
#include "text.h"
#include "prefix.h"
#include "scan.h"

#include <errno.h>
#include <string.h>

#define FRESH_LINES 256         /* the head of a text may lie in the middle of a dump: it is read in full */

int oom_text_open(struct oom_text *t, struct oom_stream *in, struct oom_err *reterr)
{
	struct oom_buf scratch = t->scratch;
	char *buf = t->buf ? t->buf : oom_malloc(OOM_TEXT_BLOCK);

	scratch.n = 0;
	*t = (struct oom_text){ .in = *in, .buf = buf, .scratch = scratch, .seq = OOM_NA };
	if (!buf) {
		oom_stream_close(&t->in);
		return oom_err_set(reterr, ENOMEM, "out of memory");
	}
	while (t->end < OOM_HEAD && oom_text_fill(t) > 0)
		;
	if (t->end >= 3 && !memcmp(buf, "\xef\xbb\xbf", 3))
		t->at = 3;
	/* __CURSOR is the first field of every exported record */
	t->export = t->end - t->at > 9 && !memcmp(buf + t->at, "__CURSOR=", 9);
	t->page = oom_text_is_page(buf + t->at, t->end - t->at);
	return 0;
}

void oom_text_open_journal(struct oom_text *t, struct oom_journal *j)
{
	*t = (struct oom_text){
		.journal = j, .buf = t->buf, .scratch = t->scratch, .seq = OOM_NA, .eof = true,
	};
}

void oom_text_close(struct oom_text *t)
{
	oom_stream_close(&t->in);
	oom_journal_close(t->journal);
	t->journal = NULL;
	t->at = t->end = 0;
	t->eof = true;
	t->more = OOM_STR_NULL;
}

void oom_text_release(struct oom_text *t)
{
	oom_text_close(t);
	oom_free(t->buf);
	oom_buf_release(&t->scratch);
	t->buf = NULL;
}

int oom_text_fill(struct oom_text *t)
{
	ssize_t n;

	if (t->eof)
		return 0;
	/* the tail moves to the front when half of the buffer lies behind it */
	if (t->at > OOM_TEXT_BLOCK / 2 || (t->at && t->end == OOM_TEXT_BLOCK)) {
		memmove(t->buf, t->buf + t->at, t->end - t->at);
		t->end -= t->at;
		t->at = 0;
	}
	if (t->end == OOM_TEXT_BLOCK)
		return 0;
	n = oom_stream_read(&t->in, t->buf + t->end, OOM_TEXT_BLOCK - t->end, &t->err);
	if (n <= 0) {
		t->eof = true;
		t->error = (int)n;
		return 0;
	}
	t->end += (size_t)n;
	t->bytes += n;
	return 1;
}

/* The rest of a cut line is looked at for its end only. */
static void skip_rest(struct oom_text *t)
{
	while (t->skipping) {
		char *nl = memchr(t->buf + t->at, '\n', t->end - t->at);

		if (nl) {
			t->at = (size_t)(nl - t->buf) + 1;
			t->skipping = false;
			return;
		}
		t->at = t->end;
		if (!oom_text_fill(t))
			t->skipping = false;
	}
}

/* The next physical line, cut if it is too long.  1, or 0 at the end. */
static int take_physical(struct oom_text *t, struct oom_str *ret, bool *cut)
{
	const char *nl;
	size_t n;

	if (t->skipping)
		skip_rest(t);
	for (;;) {
		n = t->end - t->at;
		nl = n ? memchr(t->buf + t->at, '\n', n) : NULL;
		if (nl || n > OOM_LINE_MAX || !oom_text_fill(t))
			break;
	}
	n = nl ? (size_t)(nl - t->buf) - t->at : t->end - t->at;
	if (!nl && !n)
		return 0;
	*cut = n > OOM_LINE_MAX || (!nl && t->error);
	*ret = (struct oom_str){ t->buf + t->at, n > OOM_LINE_MAX ? OOM_LINE_MAX : n };
	t->at += n + (nl != NULL);
	t->skipping = !nl && n > OOM_LINE_MAX;
	t->lines++;
	t->damaged_lines += *cut;
	return 1;
}

/* Offset behind the last line feed (in export format: the last empty line) in [from, to), or from. */
static size_t last_end(const struct oom_text *t, size_t from, size_t to)
{
	for (;;) {
		const char *nl = to > from ? memrchr(t->buf + from, '\n', to - from) : NULL;

		if (!nl)
			return from;
		to = (size_t)(nl - t->buf);
		if (!t->export || (to > from && t->buf[to - 1] == '\n'))
			return to + 1;
	}
}

static void pass_over(struct oom_text *t, size_t to)
{
	t->lines += (int64_t)oom_scan_newlines(t->buf + t->at, to - t->at);
	/* the last line of a text may lack its line feed */
	t->lines += !t->export && to > t->at && t->buf[to - 1] != '\n';
	t->at = to;
}

/* A line that fills the buffer's limit and holds no anchor in the part that would be kept. */
static bool pass_giant(struct oom_text *t)
{
	size_t n = t->end - t->at;

	if (n <= OOM_LINE_MAX || oom_scan_anchor(t->buf + t->at, OOM_LINE_MAX) < OOM_LINE_MAX)
		return false;
	t->lines++;
	t->damaged_lines++;
	t->at = t->end;
	t->skipping = true;
	return true;
}

/* Passes over what holds no anchor.  Then the next line (record) is to be delivered, or the text is at its
 * end. */
static void pass_quiet(struct oom_text *t)
{
	for (;;) {
		size_t whole, hit, start, last;

		skip_rest(t);
		whole = t->eof ? t->end : last_end(t, t->at, t->end);
		hit = t->at + oom_scan_anchor(t->buf + t->at, whole - t->at);
		if (hit < whole) {
			start = last_end(t, t->at, hit);
			/* mail programs wrap "x invoked\noom-killer": the line before a hit comes along */
			last = t->export || start == t->at ? start : last_end(t, t->at, start - 1);
			t->owed = 1 + (last != start);
			pass_over(t, last);
			return;
		}
		/* the last line stays, to stand before the first of the next block */
		last = whole > t->at && !t->eof ? last_end(t, t->at, whole - 1) : whole;
		if (whole - last > OOM_LINE_MAX)
			last = whole;
		pass_over(t, last);
		if (t->eof)
			return;
		if (t->end - whole > OOM_LINE_MAX && !t->export) {
			pass_over(t, whole);
			if (!pass_giant(t)) {
				t->owed = 1;
				return;
			}
			continue;
		}
		if (!oom_text_fill(t) && !t->eof)
			return;
	}
}

static void note_sequence(struct oom_text *t, struct oom_line *line)
{
	if (line->seq == OOM_NA)
		return;
	if (t->seq != OOM_NA && line->seq > t->seq + 1) {
		line->lost = line->seq - t->seq - 1;
		t->lost += line->lost;
	}
	t->seq = line->seq;
}

static void part(struct oom_text *t, struct oom_line *line)
{
	t->more = oom_line_part(line);
	if (t->more.p)
		t->cur = *line;
}

int oom_text_next(struct oom_text *t, bool quiet, struct oom_line *ret, struct oom_err *reterr)
{
	struct oom_str raw = OOM_STR_NULL;
	bool cut = false;
	int r;

	if (t->more.p) {
		*ret = t->cur;
		ret->text = t->more;
		ret->lost = 0;
		part(t, ret);
		return 1;
	}
	quiet = quiet && !t->live && !t->page && t->lines >= FRESH_LINES;
	if (quiet && !t->owed && !t->journal) {
		int64_t before = t->lines;

		pass_quiet(t);
		if (t->lines != before)
			t->seq = OOM_NA;
	}
	if (t->journal)
		r = oom_journal_next(t->journal, t, quiet, ret);
	else
		r = t->export ? oom_export_next(t, ret) : take_physical(t, &raw, &cut);
	while (r && t->page && !oom_page_line(t->buf, &raw))
		r = take_physical(t, &raw, &cut);
	if (!r) {
		int e = t->error;

		t->error = 0;
		return e ? oom_err_set(reterr, -e, "%s", t->err.text) : 0;
	}
	t->owed -= t->owed > 0;
	if (!t->export && !t->journal) {
		while (raw.n && raw.p[raw.n - 1] == '\r')
			raw.n--;
		oom_prefix_parse(&t->st, raw, &t->scratch, ret);
		ret->lineno = t->lines;
		ret->cut = cut;
		note_sequence(t, ret);
		/* only escapes bring line feeds, and their text lies in scratch */
		if (ret->text.p >= raw.p && ret->text.p <= raw.p + raw.n)
			return 1;
	}
	part(t, ret);
	return 1;
}

const char *oom_text_format(const struct oom_text *t)
{
	const char *best = "bare";
	uint64_t most = 0;

	if (t->journal)
		return "journal";
	for (unsigned i = 0; oom_prefix_name(i); i++)
		if (t->st.hits[i] > most) {
			most = t->st.hits[i];
			best = oom_prefix_name(i);
		}
	return best;
}

bool oom_text_is_kernel(struct oom_text *t)
{
	struct oom_prefix_state st = { .last = 0 };
	size_t at;
	const char *nl;

	while (t->end - t->at < OOM_TEXT_BLOCK / 4 && oom_text_fill(t) > 0)
		;
	at = t->at;
	if (memchr(t->buf + at, 0, t->end - at))
		return false;
	while (at < t->end && (nl = memchr(t->buf + at, '\n', t->end - at))) {
		struct oom_line line;
		size_t n = (size_t)(nl - t->buf) - at;

		oom_prefix_parse(&st, (struct oom_str){ t->buf + at, n < OOM_LINE_MAX ? n : OOM_LINE_MAX },
				 &t->scratch, &line);
		if (line.boot_us != OOM_NA || (!line.foreign && oom_str_find(line.raw, " kernel: ") >= 0) ||
		    oom_str_find(line.text, " invoked oom-killer: ") >= 0)
			return true;
		at += n + 1;
	}
	return false;
}
