/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The journal's export format: fields "NAME=value\n", or "NAME\n" with a length of eight little-endian bytes
 * and that many bytes of value where it is no plain text; an empty line ends the record.
 */
#include "text.h"
#include "journal_fields.h"
#include "scan.h"

#include <string.h>

struct cursor {
	const struct oom_text *t;
	size_t at;
	int64_t lines;          /* line feeds passed */
};

enum step { STEP_MORE, STEP_END, STEP_FIELD };

static bool binary_value(struct cursor *c, struct oom_str *value)
{
	const unsigned char *p = (const unsigned char *)c->t->buf + c->at;
	uint64_t n = 0;

	if (c->t->end - c->at < 8)
		return false;
	for (int i = 7; i >= 0; i--)
		n = n << 8 | p[i];
	if (n >= c->t->end - c->at - 8)
		return false;
	*value = (struct oom_str){ (const char *)p + 8, (size_t)n };
	c->at += 8 + (size_t)n + 1;
	/* a length of ten is spelled with a line feed, as every tool that counts lines sees it */
	c->lines += (int64_t)oom_scan_newlines((const char *)p, 8 + (size_t)n + 1);
	return true;
}

static enum step next_field(struct cursor *c, struct oom_str *key, struct oom_str *value)
{
	const struct oom_text *t = c->t;
	const char *p = t->buf + c->at, *nl, *eq;
	struct cursor keep = *c;

	nl = t->end > c->at ? memchr(p, '\n', t->end - c->at) : NULL;
	if (!nl)
		return STEP_MORE;
	c->at += (size_t)(nl - p) + 1;
	c->lines++;
	if (nl == p)
		return STEP_END;
	eq = memchr(p, '=', (size_t)(nl - p));
	*key = (struct oom_str){ p, (size_t)((eq ? eq : nl) - p) };
	if (eq) {
		*value = (struct oom_str){ eq + 1, (size_t)(nl - eq - 1) };
		return STEP_FIELD;
	}
	if (binary_value(c, value))
		return STEP_FIELD;
	*c = keep;
	return STEP_MORE;
}

/* Lines are counted by their feeds, whatever a damaged record makes of them. */
static void pass(struct oom_text *t, size_t to)
{
	t->lines += (int64_t)oom_scan_newlines(t->buf + t->at, to - t->at);
	t->at = to;
}

/* What is there cannot be finished: it is longer than the buffer, or the text ends in it. */
static void give_up(struct oom_text *t)
{
	t->damaged_lines++;
	while (t->at < t->end) {
		const char *gap = memmem(t->buf + t->at, t->end - t->at, "\n\n", 2);

		if (gap) {
			pass(t, (size_t)(gap - t->buf) + 2);
			return;
		}
		pass(t, t->end);
		(void)oom_text_fill(t);
	}
}

static bool finish(struct oom_text *t, const struct oom_journal_fields *f, int64_t lineno,
		   struct oom_line *line)
{
	struct oom_px px = { .line = line, .scratch = &t->scratch };

	*line = (struct oom_line){ .boot_us = OOM_NA, .wall_us = OOM_NA, .seq = OOM_NA, .lineno = lineno };
	if (oom_journal_fill(f, &px) == OOM_THEN_NO)
		return false;
	if (px.s.n > OOM_LINE_MAX) {
		px.s.n = OOM_LINE_MAX;
		line->cut = true;
		t->damaged_lines++;
	}
	line->text = px.s;
	line->raw = px.s;
	t->st.hits[oom_prefix_index("export")]++;
	return true;
}

int oom_export_next(struct oom_text *t, struct oom_line *ret)
{
	for (;;) {
		struct oom_journal_fields f = { .message = OOM_STR_NULL };
		struct cursor c = { .t = t, .at = t->at };
		struct oom_str key, value, *slot;
		int64_t lineno = 0, before = 0;
		enum step step;

		for (; (step = next_field(&c, &key, &value)) == STEP_FIELD; before = c.lines) {
			slot = oom_journal_field(&f, key);
			if (slot && !slot->p) {
				*slot = value;
				if (slot == &f.message)
					lineno = t->lines + before + 1;
			}
		}
		if (step == STEP_MORE && oom_text_fill(t))
			continue;
		if (t->at == t->end)
			return 0;
		if (step == STEP_MORE && !t->eof) {
			give_up(t);
			continue;
		}
		/* at the end of the text the empty line may be missing */
		pass(t, step == STEP_END ? c.at : t->end);
		if (finish(t, &f, lineno, ret))
			return 1;
	}
}
