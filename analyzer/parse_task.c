/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The task table: its own heading says what the columns are, names may hold anything. */
#include "rules.h"

#include <errno.h>
#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* A vendor table groups columns with loose parentheses: "( rss swap )", "(%8lu %8lu)". */
static bool is_gap(char c)
{
	return is_blank(c) || c == '(' || c == ')';
}

/* "[ 1234] 0 ..." and not a trace entry, a time stamp or "[name]". */
bool oom_is_row(struct oom_str t)
{
	size_t i = 1;

	if (t.n < 4 || t.p[0] != '[')
		return false;
	while (i < t.n && is_blank(t.p[i]))
		i++;
	if (i == t.n || !is_digit(t.p[i]))
		return false;
	while (i < t.n && is_digit(t.p[i]))
		i++;
	while (i < t.n && is_blank(t.p[i]))
		i++;
	if (i + 1 >= t.n || t.p[i] != ']' || !is_blank(t.p[i + 1]))
		return false;
	for (i++; i < t.n && is_blank(t.p[i]); )
		i++;
	return i < t.n && (is_digit(t.p[i]) || t.p[i] == '-');
}

/* ---- heading ------------------------------------------------------------------------------------------- */

static const struct oom_field *field_of(struct oom_str word)
{
	const struct oom_record *r = &oom_task_record;

	for (size_t i = 0; i < r->nfields; i++)
		if (r->field[i].type == OOM_TYPE_INT && r->field[i].kernel && oom_str_is(word, r->field[i].kernel))
			return &r->field[i];
	return NULL;
}

static bool is_loose(struct oom_str w)
{
	return w.n == 1 && (w.p[0] == '(' || w.p[0] == ')');
}

/* Columns up to "name"; false if that word has not come. */
static bool read_heading(struct oom_str s, struct oom_heading *hd)
{
	struct oom_str word;

	hd->n = 0;
	hd->col[hd->n++].field = field_of(OOM_STR("pid"));
	while (oom_take_word(&s, &word)) {
		(void)oom_take_blanks(&s);
		if (oom_str_is(word, "name"))
			return true;
		if (is_loose(word))
			continue;
		if (hd->n == OOM_MAX_COLUMNS)
			return false;
		hd->col[hd->n++].field = field_of(word);
	}
	return false;
}

static struct oom_episode *table_begin(struct oom_ctx *c)
{
	struct oom_episode *ep = c->ep;

	/* a second table: the head of its report was lost */
	if (!ep || (ep->seen & (OOM_IN(OOM_SEC_TABLE) | OOM_IN(OOM_SEC_KILL))))
		ep = oom_episode_begin(c);
	if (!ep)
		return NULL;
	oom_episode_enter(c, ep, OOM_SEC_TABLE);
	ep->ev.has_table = 1;
	ep->ev.at[OOM_AT_TABLE] = c->line->lineno;
	return ep;
}

int oom_on_tasks_state(struct oom_ctx *c, const struct oom_caps *m)
{
	(void)m;
	return table_begin(c) ? OOM_MATCH : -ENOMEM;
}

int oom_on_heading(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_heading hd = { .n = 0 };
	struct oom_episode *ep = c->ep;

	if (!m->n)
		return OOM_NO;
	if (!read_heading(m->s[0], &hd)) {
		if (!c->final)
			return OOM_PARTIAL;
		hd.clipped = true;
		if (hd.n > 1)
			hd.n--;       /* the last word may be a piece of one */
	}
	if (hd.n < 3)
		return OOM_NO;
	/* "Tasks state" has opened the table already */
	if (!ep || ep->section != OOM_SEC_TABLE || ep->heading.n || ep->ev.ntasks)
		ep = table_begin(c);
	if (!ep)
		return -ENOMEM;
	ep->heading = hd;
	c->took = ep;
	if (!hd.clipped) {
		c->h->heading = hd;
		return OOM_MATCH;
	}
	ep->table_bad = true;
	return oom_damaged(c, ep, "the heading of the task table is cut") < 0 ? -ENOMEM : OOM_MATCH;
}

/* ---- rows ---------------------------------------------------------------------------------------------- */

struct row {
	int64_t v[OOM_MAX_COLUMNS];
	unsigned n;                   /* columns read */
	bool ended;                   /* the text ended there */
	bool overflow;
	struct oom_str name;
};

/* Digits up to a gap or the end; OOM_NA with *overflow when they do not fit. */
static bool take_number(const char **at, const char *end, int64_t *v, bool *overflow)
{
	const char *p = *at, *from;
	bool minus = p < end && *p == '-';
	uint64_t u = 0;

	p += minus;
	for (from = p; p < end && is_digit(*p); p++)
		u = u * 10 + (unsigned)(*p - '0');
	if (p == from || (p < end && !is_gap(*p)))
		return false;
	*v = minus ? (int64_t)-u : (int64_t)u;
	if (p - from > 18) {                  /* 18 digits always fit */
		struct oom_str digits = { *at, (size_t)(p - *at) };

		if (!oom_take_i64(&digits, v)) {
			*v = OOM_NA;
			*overflow = true;
		}
	}
	*at = p;
	return true;
}

static void read_row(struct oom_str t, const struct oom_heading *hd, struct row *row)
{
	const char *p = t.p + 1, *end = t.p + t.n;

	row->overflow = row->ended = false;
	while (is_blank(*p))
		p++;
	/* the pid ends with its bracket, not with a blank */
	for (row->v[0] = 0; is_digit(*p); p++) {
		if (row->v[0] > INT32_MAX)
			row->overflow = true;
		else
			row->v[0] = row->v[0] * 10 + (*p - '0');
	}
	p = memchr(p, ']', (size_t)(end - p));
	p++;
	for (row->n = 1; row->n < hd->n; row->n++) {
		while (p < end && is_gap(*p))
			p++;
		if (!take_number(&p, end, &row->v[row->n], &row->overflow))
			break;
	}
	row->ended = p == end;
	if (p < end && is_blank(*p))
		p++;
	row->name = (struct oom_str){ p, (size_t)(end - p) };
}

static int add_row(struct oom_ctx *c, struct oom_episode *ep, const struct oom_heading *hd, const struct row *row)
{
	struct oom_task *task;

	if (oom_full(ep) || ep->ev.ntasks >= OOM_MAX_PARTS) {
		ep->table_bad = true;
		return OOM_MATCH;
	}
	task = oom_event_add_task(&ep->ev);
	if (!task)
		return -ENOMEM;
	task->line = c->line->lineno;
	for (unsigned i = 0; i < row->n; i++)
		if (hd->col[i].field)
			memcpy((char *)task + hd->col[i].field->offset, &row->v[i], sizeof(row->v[i]));
	oom_rule_hit(c, OOM_RULE_ROW);
	if (row->n == hd->n && !hd->clipped) {
		task->comm = oom_intern(c->p, ep, row->name);
		if (!task->comm.p)
			return -ENOMEM;
	}
	return OOM_MATCH;
}

static int broken_row(struct oom_ctx *c, struct oom_episode *ep, const char *what)
{
	ep->table_bad = true;
	return oom_damaged(c, ep, what) < 0 ? -ENOMEM : OOM_MATCH;
}

/* A row without a heading of its own: the ring buffer or an editor lost it.  The same kernel printed one earlier? */
static int lost_heading(struct oom_ctx *c, struct oom_episode *ep)
{
	if (ep->section == OOM_SEC_KILL && ep->seen & OOM_IN(OOM_SEC_TABLE))
		return broken_row(c, ep, "a row stands behind the end of the task table");
	if (ep->section != OOM_SEC_TABLE && (ep->seen & (OOM_IN(OOM_SEC_TABLE) | OOM_IN(OOM_SEC_KILL))))
		return OOM_NO;
	if (ep->section != OOM_SEC_TABLE && !table_begin(c))
		return -ENOMEM;
	ep->table_bad = true;
	if (!oom_event_has_note(&ep->ev, "truncated_table") &&
	    oom_event_note(&ep->ev, c->line->lineno, "truncated_table", "the heading of the task table is missing") < 0)
		return -ENOMEM;
	if (!c->h->heading.n)
		return OOM_MATCH;
	ep->heading = c->h->heading;
	return OOM_NO;
}

#define TORN_WITHIN 48         /* bytes before a row that is still searched for: a stamp, a bracket, a name */

/* The next row, where the newline before it was lost: no name is that long and looks like one.  SIZE_MAX: none. */
static size_t second_row(struct oom_str name)
{
	struct oom_str rest;

	for (size_t i = 0; name.n > OOM_COMM_LEN && i <= TORN_WITHIN && i < name.n; i++) {
		rest = oom_str_sub(name, i, name.n);
		if (oom_is_row(rest))
			return i;
	}
	return SIZE_MAX;
}

/* A name that begins with a padded number: one of the columns before it had fallen in two. */
static bool shifted(struct oom_str name)
{
	int64_t v;

	return oom_take_blanks(&name) && oom_take_i64(&name, &v) && oom_take_blanks(&name);
}

static int task_row(struct oom_ctx *c, struct oom_episode *ep)
{
	const struct oom_heading *hd = &ep->heading;
	struct row row;
	size_t next;

	if (!hd->n || ep->section != OOM_SEC_TABLE) {
		int r = lost_heading(c, ep);

		if (r != OOM_NO || !hd->n)
			return r;
	}
	read_row(c->text, hd, &row);
	if (hd->clipped) {
		ep->table_bad = true;
		return row.n < 3 ? broken_row(c, ep, "a row of the task table is cut") : add_row(c, ep, hd, &row);
	}
	if (row.n < hd->n || !row.name.n) {
		if (row.ended && !c->final)
			return OOM_PARTIAL;
		if (row.n < hd->n)
			return broken_row(c, ep, "a row of the task table could not be read");
		/* the kernel puts a blank before the name, even before none: without it the number may be cut */
		if (c->line != &c->h->hold.line || !c->h->hold.blank_end)
			return broken_row(c, ep, "a row of the task table ends before its name");
	}
	if (c->line == &c->h->hold.line && row.name.n > OOM_COMM_LEN && !c->final)
		return OOM_NO;        /* what was joined is no name */
	if (row.overflow && broken_row(c, ep, "a number in the task table does not fit") < 0)
		return -ENOMEM;
	if (shifted(row.name))
		return broken_row(c, ep, "the columns of a row of the task table are shifted");
	next = second_row(row.name);
	if (next != SIZE_MAX) {
		row.name.n = next;
		if (broken_row(c, ep, "two rows of the task table on one line") < 0)
			return -ENOMEM;
	}
	return add_row(c, ep, hd, &row);
}

/* It begins as a row does, but is none; a stamp would have a dot behind the digits. */
static bool is_stump(struct oom_str t)
{
	size_t i = 1;

	if (!t.n || t.p[0] != '[')
		return false;
	while (i < t.n && is_blank(t.p[i]))
		i++;
	if (i == t.n)
		return true;
	if (!is_digit(t.p[i]))
		return false;
	while (i < t.n && is_digit(t.p[i]))
		i++;
	return i == t.n || t.p[i] != '.';
}

/* "...", "<...snip...>", "[...]", "(...snipped...)": somebody shortened the log. */
static bool is_cut_mark(struct oom_str t)
{
	while (t.n && strchr("<([-", t.p[0])) {
		t.p++;
		t.n--;
	}
	return oom_str_starts(t, "...") || oom_str_starts(t, "\xe2\x80\xa6") || oom_str_starts(t, "snip") ||
	       oom_str_starts(t, "SNIP");
}

/* A row whose beginning was overwritten or moved: several numbers and a name, or a row behind something else. */
static bool is_torn_row(struct oom_str t)
{
	size_t most = t.n < TORN_WITHIN ? t.n : TORN_WITHIN;
	const char *q = memchr(t.p, ']', most);
	unsigned numbers = 0;
	struct oom_str w;
	int64_t v;

	for (size_t i = 1; i < most; i++)
		if (oom_is_row(oom_str_sub(t, i, t.n)))
			return true;
	if (q)
		t = oom_str_sub(t, (size_t)(q - t.p) + 1, t.n);
	for (; numbers < 4; numbers++) {
		(void)oom_take_blanks(&t);
		if (!oom_take_word(&t, &w) || !oom_take_i64(&w, &v) || w.n)
			break;
	}
	/* two numbers at the very beginning are the end of a row; behind something else it takes more */
	return numbers >= (q ? 4 : 2);
}

int oom_task_line(struct oom_ctx *c)
{
	struct oom_episode *ep = c->ep;

	if (oom_is_row(c->text))
		return task_row(c, ep);
	if (ep->section != OOM_SEC_TABLE)
		return OOM_NO;
	if (is_cut_mark(c->text)) {
		ep->table_bad = true;
		if (!oom_event_has_note(&ep->ev, "truncated_table") &&
		    oom_event_note(&ep->ev, c->line->lineno, "truncated_table", "rows were left out of the log here") < 0)
			return -ENOMEM;
		c->took = ep;
		return OOM_MATCH;
	}
	if (is_stump(c->text))
		return c->final ? broken_row(c, ep, "a row of the task table is cut") : OOM_PARTIAL;
	if (is_torn_row(c->text))
		return broken_row(c, ep, "a piece of a row of the task table");
	return OOM_NO;
}
