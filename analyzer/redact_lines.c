/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines of the log with pseudonyms.  They are read once more by the parser, which says of each logical line by which
 * rule it was taken; the rule's own pattern says which parts are names.  A line that no rule took is left out, and so
 * is whatever of a line nobody knows: what is not understood cannot be redacted.
 */
#include <errno.h>
#include <string.h>

#include "redact.h"
#include "rules.h"

struct lines {
	struct oom_redactor *r;
	const struct oom_event *ev;       /* as it was */
	struct oom_event *ret;
	struct oom_buf text;              /* the line that is being made */
	size_t left_out;
};

static void put(struct lines *l, struct oom_str s)
{
	if (s.n && oom_buf_add(&l->text, s.p, s.n) < 0)
		l->r->nomem = true;
}

static void put_z(struct lines *l, const char *z)
{
	put(l, oom_str_from(z));
}

/* ---- pieces that hold names -------------------------------------------------------------------------------- */

enum what { KEEP, COMM, PATH, GONE };

static void put_as(struct lines *l, enum what what, struct oom_str s)
{
	if (what == KEEP)
		put(l, s);
	else if (what == COMM)
		put(l, oom_redact_comm(l->r, s));
	else if (what == PATH)
		put(l, oom_redact_path(l->r, s));
	else
		put_z(l, "(redacted)");
}

/* Takes s up to `end` ("" = all of it) and puts it as what it is, `end` behind it.  last: the last place of `end`. */
static bool piece(struct lines *l, struct oom_str *s, const char *end, bool last, enum what what)
{
	ptrdiff_t at = !*end ? (ptrdiff_t)s->n : last ? oom_str_rfind(*s, end) : oom_str_find(*s, end);

	if (at < 0)
		return false;
	put_as(l, what, oom_str_sub(*s, 0, (size_t)at));
	put_z(l, end);
	*s = oom_str_sub(*s, (size_t)at + strlen(end), s->n);
	return true;
}

/* "hog Not tainted 6.1.0-42-amd64 #1  Debian 6.1.159-1": the name, the flags and the release; who built it goes. */
static void put_task_line(struct lines *l, struct oom_str s)
{
	/* RHEL's kernels tell of kdump between the two */
	if (!piece(l, &s, " Kdump: loaded", true, COMM) && !piece(l, &s, " Not tainted", true, COMM) &&
	    !piece(l, &s, " Tainted:", true, COMM)) {
		put_as(l, COMM, s);
		return;
	}
	for (size_t i = 0; l->ev->kernel.n && i + l->ev->kernel.n <= s.n; i++)
		if (!memcmp(s.p + i, l->ev->kernel.p, l->ev->kernel.n)) {
			put(l, oom_str_sub(s, 0, i + l->ev->kernel.n));
			put_z(l, " #1");
			return;
		}
}

/* Field by field, for shapes that patched kernels print; a field that is not known goes. */
static void put_fields(struct lines *l, struct oom_str s)
{
	static const struct { const char *key; enum what what; } keys[] = {
		{ "constraint=", KEEP }, { "nodemask=", KEEP }, { "mems_allowed=", KEEP }, { "pid=", KEEP }, { "uid=", KEEP },
		{ "global_oom", KEEP }, { "cpuset=", PATH }, { "origin_memcg=", PATH }, { "oom_memcg=", PATH }, { "kill_memcg=", PATH },
		{ "task_memcg=", PATH }, { "task=", COMM },
	};

	for (const char *sep = ""; s.n; sep = ",") {
		const char *comma = memchr(s.p, ',', s.n);
		struct oom_str one = oom_str_trim(oom_str_sub(s, 0, comma ? (size_t)(comma - s.p) : s.n));

		s = comma ? oom_str_sub(s, (size_t)(comma - s.p) + 1, s.n) : OOM_STR("");
		for (size_t i = 0; i < OOM_ARRAY_SIZE(keys); i++)
			if (oom_take_lit(&one, keys[i].key)) {
				put_z(l, sep);
				put_z(l, keys[i].key);
				put_as(l, keys[i].what, one);
				break;
			}
	}
}

/* constraint=..,nodemask=..,cpuset=NAME,mems_allowed=..,oom_memcg=PATH,task_memcg=PATH,task=COMM,pid=..,uid=.. */
static void put_summary(struct lines *l, struct oom_str s)
{
	if (oom_str_find(s, "cpuset=") < 0 || oom_str_find(s, ",mems_allowed=") < 0) {
		put_fields(l, s);
		return;
	}
	(void)piece(l, &s, "cpuset=", false, KEEP);
	(void)piece(l, &s, ",mems_allowed=", true, PATH);
	if (oom_str_find(s, ",oom_memcg=") >= 0 && oom_str_find(s, ",oom_memcg=") < oom_str_find(s, ",task_memcg=")) {
		(void)piece(l, &s, ",oom_memcg=", false, KEEP);
		(void)piece(l, &s, ",task_memcg=", false, PATH);
	} else if (!piece(l, &s, ",task_memcg=", false, KEEP)) {
		piece(l, &s, ",", false, KEEP);
		return;
	}
	if (!piece(l, &s, ",task=", false, PATH)) {
		put_as(l, PATH, s);
		return;
	}
	if (!piece(l, &s, ",pid=", true, COMM))
		put_as(l, COMM, s);
	put(l, s);
}

/* "12 (hog) total-vm:..": in the name anything may stand, so the fact that came of the line tells where it ends. */
static void put_killed(struct lines *l, struct oom_str s, int64_t line)
{
	for (size_t i = 0; i < l->ev->nvictims; i++) {
		const struct oom_victim *v = &l->ev->victim[i];
		struct oom_str name;
		ptrdiff_t at;

		if (v->line != line || !v->comm.p)
			continue;
		name = oom_arena_fmt(l->r->arena, "(%.*s)", (int)v->comm.n, v->comm.p);
		l->r->nomem |= !name.p;
		at = name.p ? oom_str_find(s, name.p) : -1;
		if (at < 0)
			continue;
		put(l, oom_str_sub(s, 0, (size_t)at + 1));
		put_as(l, COMM, v->comm);
		put(l, oom_str_sub(s, (size_t)at + name.n - 1, s.n));
		return;
	}
	/* no such fact: the number is all that is sure */
	for (size_t n = 0; n <= s.n; n++)
		if (n == s.n || s.p[n] < '0' || s.p[n] > '9') {
			put(l, oom_str_sub(s, 0, n));
			return;
		}
}

/* " for /a/b:", and the counters of cgroup v1 behind it */
static void put_stats(struct lines *l, struct oom_str s)
{
	ptrdiff_t counters = oom_str_find(s, ": cache:");

	if (!oom_take_lit(&s, " for ")) {
		put_z(l, ":");
		return;
	}
	put_z(l, " for ");
	if (counters >= 5) {
		counters -= 5;
		put_as(l, PATH, oom_str_sub(s, 0, (size_t)counters));
		put(l, oom_str_sub(s, (size_t)counters, s.n));
		return;
	}
	if (oom_str_ends(s, ":"))
		s.n--;
	put_as(l, PATH, s);
	put_z(l, ":");
}

/* A row: the name is what stands at its end. */
static void put_row(struct lines *l, struct oom_str s, int64_t line)
{
	for (size_t i = 0; i < l->ev->ntasks; i++) {
		const struct oom_task *t = &l->ev->task[i];
		ptrdiff_t at;

		if (t->line != line || !t->comm.p)
			continue;
		at = -1;
		for (size_t k = s.n + 1; k-- > 0 && at < 0 && t->comm.n;)
			if (k + t->comm.n <= s.n && !memcmp(s.p + k, t->comm.p, t->comm.n))
				at = (ptrdiff_t)k;
		put(l, oom_str_sub(s, 0, at < 0 ? s.n : (size_t)at));
		if (at < 0 && t->comm.n)
			break;
		put_as(l, COMM, t->comm);
		put_z(l, t->comm.n ? "" : " ");      /* an empty name is not a missing one */
		return;
	}
	/* a row that could not be read: its numbers, up to the first letter */
	l->text.n = 0;
	for (size_t n = 0; n <= s.n; n++)
		if (n == s.n || !memchr("[] \t-0123456789", s.p[n], 15)) {
			put(l, oom_str_sub(s, 0, n));
			put_as(l, COMM, oom_str_sub(s, n, s.n));
			return;
		}
}

/* " out_of_memory+0x1/0x2": functions of the kernel; a module's name goes with its functions. */
static void put_trace(struct lines *l, struct oom_str s)
{
	if (memchr(s.p, '[', s.n) && oom_str_ends(s, "]"))
		put_z(l, "module+0x0/0x0");
	else
		put(l, s);
}

static void put_slab(struct lines *l, struct oom_str s)
{
	struct oom_str word;

	(void)oom_take_word(&s, &word);
	put(l, oom_redact_cache(l->r, word));
	put(l, s);
}

static void put_alloc(struct lines *l, struct oom_str s)
{
	ptrdiff_t open = oom_str_find(s, " ["), close = oom_str_find(s, "] ");

	if (open < 0 || close < open) {
		put(l, s);
		return;
	}
	/* bytes and calls; whose they are goes */
	for (size_t n = 0; n <= s.n; n++)
		if (n == s.n || !memchr(" .0123456789KMGTiB", s.p[n], 18)) {
			put(l, oom_str_sub(s, 0, n));
			put_z(l, "a.c:1 func:a_module");
			return;
		}
}

/* ---- by rule ----------------------------------------------------------------------------------------------- */

/* What a hole of a pattern holds, by its name. */
static const struct { const char *name; enum what what; } holes[] = {
	{ "comm", COMM }, { "task", PATH }, { "memcg", PATH }, { "path", PATH }, { "cpuset", PATH }, { "model", GONE }, { "name", COMM },
	{ "rest", GONE }, { "mask", KEEP }, { "mems", KEEP }, { "release", KEEP }, { "why", KEEP }, { "flags", KEEP },
	{ "pages", KEEP }, { "columns", KEEP },
};

static enum what hole_what(const char *hole)
{
	if (hole[1] == '#')
		return KEEP;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(holes); i++) {
		size_t n = strlen(holes[i].name);

		if (!strncmp(hole + 1, holes[i].name, n) && (hole[n + 1] == '}' || hole[n + 1] == '*'))
			return holes[i].what;
	}
	return GONE;
}

/* Rules whose last hole holds numbers and the kernel's words. */
static bool keeps_rest(const struct oom_rule *rule)
{
	return !strcmp(rule->name, "reaped") || !strcmp(rule->name, "allocations");
}

/* The text as it stands, but for the holes that the pattern says are names; nothing of what follows the pattern. */
static void put_pattern(struct lines *l, const struct oom_rule *rule, struct oom_str s)
{
	const char *p = rule->pattern, *hole;
	struct oom_caps m;

	(void)oom_rule_match(rule->pattern, s, &m);
	for (size_t i = 0; (hole = strchr(p, '{')) != NULL && i < m.n; i++, p = strchr(hole, '}') + 1) {
		enum what what = hole_what(hole);

		put(l, (struct oom_str){ p, (size_t)(hole - p) });
		put_as(l, what == GONE && keeps_rest(rule) ? KEEP : what, m.s[i]);
	}
	if (!hole)
		put_z(l, p);
}

static void put_split(struct lines *l, struct oom_str s, const char *after, enum what what)
{
	if (!piece(l, &s, after, false, what))
		put_as(l, what, s);
	else
		put(l, s);
}

static void put_cpuset(struct lines *l, struct oom_str s)
{
	if (piece(l, &s, " cpuset=", true, COMM) && piece(l, &s, " mems_allowed=", true, PATH))
		put(l, s);
}

/* Rules whose last hole has parts of its own: what stands in front of it, and who writes it. */
static const struct { const char *rule, *front; void (*fn)(struct lines *l, struct oom_str s); } special[] = {
	{ "pid", " comm: ", put_task_line }, { "cpu", " Comm: ", put_task_line }, { "cpu_uid", " Comm: ", put_task_line },
	{ "summary", "oom-kill:", put_summary }, { "memcg_stats", "Memory cgroup stats", put_stats },
};

static bool put_special(struct lines *l, const struct oom_rule *rule, struct oom_str s)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(special); i++)
		if (!strcmp(rule->name, special[i].rule) && piece(l, &s, special[i].front, false, KEEP)) {
			special[i].fn(l, s);
			return true;
		}
	return false;
}

static void put_by_code(struct lines *l, enum oom_rule_id id, struct oom_str s, int64_t line)
{
	switch (id) {
	case OOM_RULE_INVOKED:
		put_split(l, s, " invoked oom-killer:", COMM);
		return;
	case OOM_RULE_CPUSET:
		put_cpuset(l, s);
		return;
	case OOM_RULE_ALLOC_FAILURE:
		put_split(l, s, ": page allocation failure", COMM);
		return;
	case OOM_RULE_ALLOC_STALL:
		put_split(l, s, ": page allocation stalls", COMM);
		return;
	case OOM_RULE_TRACE:
		put_trace(l, s);
		return;
	case OOM_RULE_SLAB_ROW:
		put_slab(l, s);
		return;
	case OOM_RULE_ALLOC_ROW:
		put_alloc(l, s);
		return;
	case OOM_RULE_ROW:
		put_row(l, s, line);
		return;
	case OOM_RULE_SUMMARY_TAIL:
		if (piece(l, &s, ",task=", false, KEEP) && piece(l, &s, ",pid=", true, COMM))
			put(l, s);
		return;
	default:
		put(l, s);             /* counters: the kernel's words and numbers */
	}
}

/* No words, as "..." where somebody left out rows. */
static bool is_mark(struct oom_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if ((unsigned char)s.p[i] > 0x7e || (s.p[i] | 32) >= 'a')
			return false;
	return s.n > 0;
}

static bool put_text(struct lines *l, const struct oom_rule *rule, bool table, struct oom_str s, int64_t line)
{
	struct oom_str rest = s;

	if (!rule) {
		/* what the table lost must not look as if it had never been there */
		put(l, table && !is_mark(s) ? OOM_STR("...") : s);
		return table || is_mark(s);
	}
	if (rule < &oom_rules[OOM_RULE_BY_CODE]) {
		put_by_code(l, (enum oom_rule_id)(rule - oom_rules), s, line);
		return l->text.n > 0;
	}
	(void)oom_take_message(&rest);
	put(l, oom_str_sub(s, 0, (size_t)(rest.p - s.p)));
	if (!strcmp(rule->name, "killed")) {
		(void)piece(l, &rest, "Killed process ", false, KEEP);
		put_killed(l, rest, line);
	} else if (!put_special(l, rule, rest)) {
		put_pattern(l, rule, rest);
	}
	return true;
}

/* ---- the lines ---------------------------------------------------------------------------------------------- */

/* As the programs write them: "2026-11-20T13:27:43,5 text", "Nov 20 13:27:43 kernel: text", "[Fri Nov 20 13:27:43 2026] text". */
static int put_stamp(struct oom_buf *b, struct oom_str stamp)
{
	bool iso = stamp.p[0] >= '0' && stamp.p[0] <= '9';
	bool syslog = !iso && stamp.n > 8 && stamp.p[stamp.n - 3] == ':' && stamp.p[stamp.n - 6] == ':';

	return oom_buf_fmt(b, iso ? "%.*s " : syslog ? "%.*s kernel: " : "[%.*s] ", (int)stamp.n, stamp.p);
}

static int put_prefix(struct oom_buf *b, const struct oom_line *line, struct oom_str host)
{
	int r = 0;

	if (host.n && line->stamp.n)
		r = oom_buf_fmt(b, "%.*s %.*s kernel: ", (int)line->stamp.n, line->stamp.p, (int)host.n, host.p);
	if (r >= 0 && line->boot_us != OOM_NA && line->boot_us >= 0)
		r = oom_buf_fmt(b, "[%5lld.%06lld] ", (long long)(line->boot_us / 1000000), (long long)(line->boot_us % 1000000));
	else if (r >= 0 && !host.n && line->stamp.n)
		r = put_stamp(b, line->stamp);
	if (r >= 0 && line->caller.n)
		r = oom_buf_fmt(b, "[%5.*s] ", (int)line->caller.n, line->caller.p);
	return r;
}

static int add_line(struct lines *l, const struct oom_line *line, struct oom_str text)
{
	struct oom_buf b = { .p = NULL };
	struct oom_raw *raw = oom_event_add_raw(l->ret);
	int r = raw ? put_prefix(&b, line, line->host.n ? l->ret->host : OOM_STR_NULL) : -ENOMEM;

	if (r >= 0)
		r = oom_buf_add(&b, text.p ? text.p : "", text.n);
	/* a newline in a name is a byte of a name; the rest is one line */
	for (size_t i = 0; r >= 0 && i < b.n; i++)
		if (b.p[i] == '\n')
			b.p[i] = ' ';
	if (r >= 0)
		r = oom_arena_str(&l->ret->arena, (struct oom_str){ b.p, b.n }, &raw->text);
	if (r >= 0)
		raw->line = line->lineno;
	oom_buf_release(&b);
	return r < 0 ? r : 0;
}

static int saw(void *arg, const struct oom_episode *ep, const struct oom_rule *rule, const struct oom_line *line,
	       struct oom_str text)
{
	struct lines *l = arg;

	l->text.n = 0;
	if (!put_text(l, rule, ep->section == OOM_SEC_TABLE, text, line->lineno)) {
		l->left_out++;
		return l->r->nomem ? -ENOMEM : 0;
	}
	return l->r->nomem ? -ENOMEM : add_line(l, line, (struct oom_str){ l->text.p, l->text.n });
}

static int feed(struct oom_parser *p, const struct oom_event *ev)
{
	struct oom_prefix_state st = { .last = 0 };
	struct oom_buf scratch = { .p = NULL };
	int r = oom_parser_begin(p, ev->path);

	for (size_t i = 0; i < ev->nraw && r >= 0; i++) {
		struct oom_line line;

		oom_prefix_parse(&st, ev->raw[i].text, &scratch, &line);
		line.raw = ev->raw[i].text;
		line.lineno = ev->raw[i].line;
		r = oom_parser_feed(p, &line);
	}
	if (r >= 0)
		r = oom_parser_finish(p);
	oom_buf_release(&scratch);
	return r;
}

int oom_redact_lines(struct oom_redactor *r, const struct oom_event *ev, struct oom_event *ret)
{
	struct lines l = { .r = r, .ev = ev, .ret = ret };
	struct oom_parser *p;
	int e;

	ret->raw = NULL;
	ret->nraw = ret->cap_raw = 0;
	if (!ev->nraw)
		return 0;
	e = oom_parser_new(&p);
	if (e < 0)
		return e;
	p->saw = saw;
	p->saw_arg = &l;
	e = feed(p, ev);
	oom_parser_free(p);
	oom_buf_release(&l.text);
	return e;
}
