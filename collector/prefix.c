/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The prefix of a line, whatever wrote it.  Rows are tried in turn, the one that matched last first (rows
 * exclude each other, so the order is only a matter of time); what follows a prefix may be another one, and
 * the innermost stamp and host win, as they are the nearest to the kernel.
 */
#include "prefix.h"
#include "scan.h"

#include <string.h>

#define DEPTH_MAX 5     /* prefixes in a row: container, relay, daemon, kernel */

/* What the first byte of a prefix can be: most rows are ruled out by it. */
enum { BRACKET = 1, DIGIT = 2, BRACE = 4, OTHER = 8, ANY = 15 };

static const struct prefix {
	const char *name;
	enum oom_then (*take)(struct oom_px *px);
	uint8_t first;
	bool stamp;             /* may stand behind a tag */
} prefixes[] = {
	{ "dmesg",          oom_px_kernel,       BRACKET,       true },
	{ "syslog",         oom_px_rfc3164,      OTHER,         false },
	{ "dmesg-T",        oom_px_ctime,        BRACKET,       true },
	{ "dmesg-iso",      oom_px_dmesg_iso,    DIGIT,         true },
	{ "container",      oom_px_container,    DIGIT,         false },
	{ "iso",            oom_px_iso,          DIGIT,         false },
	{ "syslog-5424",    oom_px_rfc5424,      DIGIT,         false },
	{ "journal-full",   oom_px_journal_full, OTHER,         false },
	{ "journal-unix",   oom_px_journal_unix, DIGIT,         false },
	{ "kmsg",           oom_px_kmsg,         DIGIT,         false },
	{ "dmesg-x",        oom_px_facility,     OTHER,         false },
	{ "dmesg-reltime",  oom_px_reltime,      BRACKET,       true },
	{ "json",           oom_px_json,         BRACE | OTHER, false },
	{ "tag",            oom_px_tag,          OTHER,         false },
	{ "serial",         oom_px_noise,        ANY,           false },   /* last: looks inside the text */
	{ "priority",       NULL,                0,             false },   /* <6> alone */
	{ "record",         NULL,                0,             false },   /* a field a line, see prefix_record.c */
	{ "export",         NULL,                0,             false },   /* read by records, see export.c */
};

_Static_assert(OOM_ARRAY_SIZE(prefixes) <= OOM_ARRAY_SIZE(((struct oom_prefix_state *)0)->hits),
	       "one counter each");

const char *oom_prefix_name(unsigned index)
{
	return index < OOM_ARRAY_SIZE(prefixes) ? prefixes[index].name : NULL;
}

unsigned oom_prefix_index(const char *name)
{
	unsigned i = 0;

	while (i < OOM_ARRAY_SIZE(prefixes) && strcmp(prefixes[i].name, name))
		i++;
	return i;
}

/* Blanks, tabs and the marks of quoted mail and diffs in front of a line. */
static void skip_quoting(struct oom_str *s)
{
	const char *p = s->p, *end = p + s->n;

	while (p < end && (*p == ' ' || *p == '\t' || *p == '>'))
		p++;
	if (end - p > 1 && (*p == '+' || *p == '-') && p[1] == '[')
		p++;
	*s = (struct oom_str){ p, (size_t)(end - p) };
}

/* "<6>": level and facility of whatever follows */
static bool take_priority(struct oom_px *px)
{
	struct oom_str r = px->s;
	int64_t prio;

	if (!oom_take_char(&r, '<') || !oom_px_digits(&r, 1, 3, &prio) || !oom_take_char(&r, '>'))
		return false;
	px->line->foreign = prio >> 3 != 0;
	px->s = r;
	return true;
}

static uint8_t class_of(char c)
{
	if (c == '[')
		return BRACKET;
	if (c >= '0' && c <= '9')
		return DIGIT;
	return c == '{' ? BRACE : OTHER;
}

static enum oom_then take_one(struct oom_px *px, enum oom_then may, unsigned first, unsigned *which)
{
	uint8_t class = class_of(px->s.p[0]);
	enum oom_then then;

	/* i is one off: round 0 is the row that matched last */
	for (unsigned i = 0; i <= OOM_ARRAY_SIZE(prefixes); i++) {
		const struct prefix *row = &prefixes[i ? i - 1 : first];

		if (!(row->first & class) || (may == OOM_THEN_STAMP && !row->stamp) ||
		    (i && i - 1 == first) || (row->take == oom_px_noise && !px->outer))
			continue;
		then = row->take(px);
		if (then != OOM_THEN_NO) {
			*which = (unsigned)(row - prefixes);
			return then;
		}
	}
	return OOM_THEN_NO;
}

/* Escape sequences of terminals go, no-break spaces become blanks: into scratch, if there is anything to do.
 * Out of memory leaves the line as it is. */
static struct oom_str plain(struct oom_str raw, struct oom_buf *scratch)
{
	char *to;
	size_t n = 0;

	if (!memchr(raw.p, 0x1b, raw.n) && !memchr(raw.p, 0xc2, raw.n))
		return raw;
	scratch->n = 0;
	if (oom_buf_add(scratch, raw.p, raw.n) < 0)
		return raw;
	to = scratch->p;
	for (size_t i = 0; i < raw.n; i++) {
		const char *p = raw.p + i;
		size_t left = raw.n - i, k = 2;

		if (left >= 2 && p[0] == '\xc2' && p[1] == '\xa0') {
			to[n++] = ' ';
			i++;
			continue;
		}
		if (left >= 3 && p[0] == 0x1b && p[1] == '[') {
			while (k < left && (unsigned char)p[k] >= 0x20 && (unsigned char)p[k] < 0x40)
				k++;
			if (k < left && (unsigned char)p[k] >= 0x40 && (unsigned char)p[k] < 0x7f) {
				i += k;
				continue;
			}
		}
		to[n++] = *p;
	}
	return (struct oom_str){ to, n };
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* One escape at p: its byte, or -1.  Of rsyslog's only control characters are undone: the others look like
 * numbers of kernel builds ("#101-Ubuntu"). */
static int escaped(const struct oom_px *px, const char *p, size_t left)
{
	if (left < 4)
		return -1;
	if (px->unescape_hex && p[0] == '\\' && p[1] == 'x' && hex(p[2]) >= 0 && hex(p[3]) >= 0)
		return hex(p[2]) * 16 + hex(p[3]);
	if (px->unescape_octal && p[0] == '#' && p[1] == '0' && p[2] >= '0' && p[2] <= '3' &&
	    p[3] >= '0' && p[3] <= '7')
		return (p[2] - '0') * 8 + p[3] - '0';
	return -1;
}

/* The text is the end of the line, so that it may be rewritten without moving what was found before it. */
static void unescape(struct oom_px *px)
{
	char mark = px->unescape_hex ? '\\' : '#';
	bool mine = px->scratch->n && px->s.p >= px->scratch->p && px->s.p <= px->scratch->p + px->scratch->n;
	size_t n = 0;
	char *to;

	if ((!px->unescape_hex && !px->unescape_octal) || !px->s.n || !memchr(px->s.p, mark, px->s.n))
		return;
	if (mine) {
		to = px->scratch->p + (px->s.p - px->scratch->p);
	} else {
		px->scratch->n = 0;
		if (oom_buf_add(px->scratch, px->s.p, px->s.n) < 0)
			return;
		to = px->scratch->p;
	}
	for (size_t i = 0; i < px->s.n; i++) {
		int c = escaped(px, px->s.p + i, px->s.n - i);

		to[n++] = c < 0 ? px->s.p[i] : (char)c;
		i += c < 0 ? 0 : 3;
	}
	px->s = (struct oom_str){ to, n };
}

/* The dictionary behind a /dev/kmsg record: " SUBSYSTEM=pci".  It is no text. */
static bool is_dictionary(const struct oom_prefix_state *st, struct oom_str raw)
{
	size_t i = 1;

	if (strcmp(prefixes[st->last].name, "kmsg") || !raw.n || raw.p[0] != ' ')
		return false;
	while (i < raw.n && ((raw.p[i] >= 'A' && raw.p[i] <= 'Z') || raw.p[i] == '_'))
		i++;
	return i > 2 && i < raw.n && raw.p[i] == '=';
}

/* Lines that the log's carrier wrote, not the kernel. */
static bool is_carrier(const struct oom_prefix_state *st, struct oom_str raw)
{
	int64_t count, part;

	return is_dictionary(st, raw) ||
	       (raw.n < 40 && raw.p[raw.n - 1] != ' ' && oom_pstore_part(raw, &count, &part));
}

static void line_init(struct oom_line *ret, struct oom_str raw)
{
	*ret = (struct oom_line){
		.raw = raw, .text = raw,
		.boot_us = OOM_NA, .wall_us = OOM_NA, .seq = OOM_NA, .lineno = OOM_NA,
	};
}

/* One record can be dozens of lines long (memory.stat, 5.3-6.4), so that few prefixes are enough to tell. */
static bool others_have_prefixes(const struct oom_prefix_state *st)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(prefixes); i++)
		sum += st->hits[i];
	return sum && sum >= st->bare / 64;
}

void oom_prefix_parse(struct oom_prefix_state *st, struct oom_str raw, struct oom_buf *scratch,
		      struct oom_line *ret)
{
	struct oom_px px = { .s = raw, .line = ret, .scratch = scratch, .outer = true };
	enum oom_then then = OOM_THEN_ANY;
	unsigned family = OOM_ARRAY_SIZE(prefixes), which, first = st->last < family ? st->last : 0;
	bool special;

	line_init(ret, raw);
	if (!raw.n || !raw.p) {
		ret->text = OOM_STR("");
		ret->bare = true;
		ret->cont = others_have_prefixes(st);
		return;
	}
	special = oom_scan_special(raw.p, raw.n);
	if (special)
		px.s = plain(raw, scratch);
	skip_quoting(&px.s);
	if (px.s.n && (px.s.p[0] == '"' || raw.p[0] == ' ') && oom_px_record(st, &px) != OOM_THEN_NO) {
		family = oom_prefix_index("record");
		then = OOM_THEN_TEXT;
	}
	for (int depth = 0; depth < DEPTH_MAX && then > OOM_THEN_TEXT && px.s.n; depth++) {
		bool priority = take_priority(&px);

		if (priority && family == OOM_ARRAY_SIZE(prefixes))
			family = oom_prefix_index("priority");
		then = take_one(&px, then, first, &which);
		if (then == OOM_THEN_NO)
			break;
		if (px.outer)
			family = which;
		px.outer = false;
		first = 0;
	}
	if (special)
		unescape(&px);
	ret->text = px.s;
	if (family < OOM_ARRAY_SIZE(prefixes)) {
		st->last = !prefixes[family].take || prefixes[family].take == oom_px_noise ? st->last : family;
		st->hits[family]++;
		return;
	}
	if (is_carrier(st, raw)) {
		ret->text = OOM_STR("");
		ret->foreign = true;
		return;
	}
	ret->bare = true;
	ret->cont = others_have_prefixes(st);
	st->bare++;
}

struct oom_str oom_line_part(struct oom_line *line)
{
	const char *nl = line->text.n ? memchr(line->text.p, '\n', line->text.n) : NULL;
	struct oom_str rest;

	if (!nl)
		return OOM_STR_NULL;
	rest = oom_str_sub(line->text, (size_t)(nl - line->text.p) + 1, line->text.n);
	line->text.n = (size_t)(nl - line->text.p);
	return rest;
}
