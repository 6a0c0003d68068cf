/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Real dumps told again: other processes, groups, sizes and clocks, in the words of that kernel. */
#include "fleet.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <oomlens/replay.h>
#include <oomlens/source.h>

#define LINES_MAX 8192
#define SERIES_MAX 16

enum slot { LITERAL, COMM, PID, OOM_MEMCG, TASK_MEMCG, ORDER, FREE };
struct piece { struct oom_str text; enum slot slot; };
struct line { struct piece *piece; size_t n; int64_t after_us; bool row; };

struct dump {
	struct dump *next;
	int weight;
	bool memcg, nobody;              /* nobody: all of them were spared */
	struct line *line;
	size_t nlines, last_row;         /* 0: no table */
	struct oom_str heading;          /* columns of the table, behind the pid */
	int64_t points, total_pages;     /* of the winner; 0: not known */
	struct oom_str comm, pid, oom_memcg, task_memcg;
};

/* How often a scenario comes; 1 where it is not named. */
static const struct { const char *name; int weight; } weights[] = {
	{ "global", 20 }, { "memcg", 40 }, { "memcg-swap", 15 }, { "memcg-v1", 10 }, { "adj", 8 }, { "group-kill", 6 },
	{ "swap", 5 }, { "no-dump", 2 }, { "tree", 2 }, { "unable-to-reap", 2 }, { "unkillable", 2 }, { "cpuset", 2 },
};
/* Names that would steer what is replaced, or logs that are not dumps alone. */
static const char *const unsuited[] = { "console", "names", "show-memory", "panic", "quiet" };

static struct { char name[8]; struct dump *dump; } series[SERIES_MAX];
static int nseries;
static struct oom_arena arena;           /* for ever */

void fleet_die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("fleet_gen: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

static void *need(void *p)
{
	if (!p)
		fleet_die("out of memory");
	return p;
}

static struct oom_str kept(struct oom_str s)
{
	if (oom_arena_str(&arena, s, &s))
		fleet_die("out of memory");
	return s;
}

/* ---- taking apart ------------------------------------------------------------------------------------ */

static bool in_word(char c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') || c == '_' || c == '-' || c == '.' || c == '/';
}

static bool word_at(struct oom_str s, size_t i, struct oom_str word)
{
	return word.n && s.n - i >= word.n && !memcmp(s.p + i, word.p, word.n) && (!i || !in_word(s.p[i - 1])) &&
	       (i + word.n == s.n || !in_word(s.p[i + word.n]));
}

/* What stands at i: its slot, *skip bytes of text before it that stay, *n bytes that it replaces. */
static enum slot slot_at(const struct dump *t, struct oom_str s, size_t i, size_t *skip, size_t *n)
{
	static const struct { const char *key; const char *end; enum slot slot; } keys[] = {
		{ "oom_memcg=", ",", OOM_MEMCG }, { "task_memcg=", ",", TASK_MEMCG }, { " order=0", ",", ORDER },
		{ " free:", " ", FREE },
	};
	const struct { struct oom_str word; enum slot slot; } words[] = {
		{ t->task_memcg, TASK_MEMCG }, { t->oom_memcg, OOM_MEMCG }, { t->comm, COMM }, { t->pid, PID },
	};
	struct oom_str rest = oom_str_sub(s, i, s.n);

	*skip = 0;
	for (size_t k = 0; k < OOM_ARRAY_SIZE(keys); k++) {
		size_t len = strcspn(keys[k].key, "0");

		if (!oom_str_starts(rest, keys[k].key) || (keys[k].slot == FREE && i))
			continue;
		*skip = len;
		for (*n = 0; len + *n < rest.n && rest.p[len + *n] != *keys[k].end; ++*n)
			;
		return keys[k].slot;
	}
	for (size_t k = 0; k < OOM_ARRAY_SIZE(words); k++) {
		if (!word_at(s, i, words[k].word))
			continue;
		*n = words[k].word.n;
		return words[k].slot;
	}
	return LITERAL;
}

static void add_piece(struct line *l, size_t *cap, struct oom_str text, enum slot slot)
{
	if (!text.n && slot == LITERAL)
		return;
	l->piece = need(oom_arena_grow(&arena, l->piece, l->n, cap, sizeof(*l->piece)));
	l->piece[l->n++] = (struct piece){ text, slot };
}

static void take_apart(const struct dump *t, struct oom_str s, struct line *l)
{
	size_t from = 0, cap = 0;

	for (size_t i = 0; i < s.n;) {
		size_t skip, n = 0;
		enum slot slot = slot_at(t, s, i, &skip, &n);

		if (slot == LITERAL) {
			i++;
			continue;
		}
		add_piece(l, &cap, oom_str_sub(s, from, i + skip - from), LITERAL);
		add_piece(l, &cap, oom_str_sub(s, i + skip, n), slot);
		from = i = i + skip + n;
	}
	add_piece(l, &cap, oom_str_sub(s, from, s.n), LITERAL);
}

static void know(struct dump *t, const struct oom_event *ev)
{
	const struct oom_victim *v = ev->nvictims ? &ev->victim[0] : NULL;
	struct oom_replay r;

	t->memcg = ev->scope == OOM_SCOPE_MEMCG;
	t->nobody = ev->outcome == OOM_OUTCOME_NO_KILLABLE;
	if (v && v->comm.n > 1)
		t->comm = kept(v->comm);
	if (v && v->pid >= 100)
		t->pid = oom_arena_fmt(&arena, "%lld", (long long)v->pid);
	if (ev->oom_memcg.n > 1)
		t->oom_memcg = kept(ev->oom_memcg);
	if (ev->task_memcg.n > 1)
		t->task_memcg = kept(ev->task_memcg);
	if (oom_replay_run(ev, NULL, &r) < 0)
		fleet_die("out of memory");
	if (r.winner >= 0 && r.total.lo == r.total.hi) {
		t->points = r.winner_score.nominal;
		t->total_pages = r.total.lo;
	}
	oom_replay_release(&r);
}

static void add_dump(struct dump **list, int weight, const struct oom_event *ev, const struct oom_str *text, const int64_t *us)
{
	struct dump *t = need(oom_arena_alloc(&arena, sizeof(*t)));

	know(t, ev);
	t->weight = weight;
	t->line = need(oom_arena_alloc(&arena, ev->nraw * sizeof(*t->line)));
	for (size_t i = 0; i < ev->nraw; i++) {
		int64_t at = ev->raw[i].line;
		struct line *l = &t->line[t->nlines];

		if (at >= LINES_MAX || !text[at].p)
			continue;
		for (size_t k = 0; k < ev->ntasks; k++)
			l->row = l->row || ev->task[k].line == at;
		take_apart(t, text[at], l);
		l->after_us = us[at] == OOM_NA || ev->boot_us == OOM_NA ? 0 : us[at] - ev->boot_us;
		t->nlines++;
		if (l->row)
			t->last_row = t->nlines;
		if (oom_str_starts(text[at], "[") && oom_str_ends(text[at], " oom_score_adj name"))
			t->heading = oom_str_sub(text[at], (size_t)(oom_str_find(text[at], "]") + 1), text[at].n);
	}
	t->next = *list;
	*list = t;
}

/* ---- loading ----------------------------------------------------------------------------------------- */

static void load_log(const char *path, struct dump **list, int weight)
{
	static struct oom_str text[LINES_MAX];
	static int64_t us[LINES_MAX];
	struct oom_parser *p = NULL;
	struct oom_input *in = NULL;
	struct oom_err err = { 0 };
	struct oom_event ev;
	struct oom_line line;

	memset(text, 0, sizeof(text));
	if (oom_input_open(&path, 1, &in, &err) || oom_input_next_text(in, &err) != 1)
		fleet_die("%s", err.text);
	if (oom_parser_new(&p) || oom_parser_begin(p, oom_str_from(path)))
		fleet_die("out of memory");
	while (oom_input_next_line(in, false, &line, &err) == 1) {
		if (line.lineno < LINES_MAX) {
			text[line.lineno] = kept(line.text);
			us[line.lineno] = line.boot_us;
		}
		if (oom_parser_feed(p, &line))
			fleet_die("out of memory");
	}
	if (oom_parser_finish(p))
		fleet_die("out of memory");
	while (oom_parser_take(p, &ev) == 1) {
		if (ev.has_invoked && ev.boot_us != OOM_NA)
			add_dump(list, weight, &ev, text, us);
		oom_event_release(&ev);
	}
	oom_parser_free(p);
	oom_input_close(in);
}

static int weight_of(const char *scenario)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(unsuited); i++)
		if (strstr(scenario, unsuited[i]))
			return 0;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(weights); i++)
		if (!strcmp(scenario, weights[i].name))
			return weights[i].weight;
	return 1;
}

/* "6.12-memcg": a kernel series and a scenario. */
static void load_case(const char *dir, const char *name)
{
	const char *dash = strchr(name, '-');
	size_t n = dash ? (size_t)(dash - name) : 0;
	int weight = dash ? weight_of(dash + 1) : 0, i = 0;
	struct oom_str path;

	if (name[0] < '0' || name[0] > '9' || !weight || n >= sizeof(series[0].name) || strstr(name, "memcg1"))
		return;
	while (i < nseries && (strlen(series[i].name) != n || memcmp(series[i].name, name, n)))
		i++;
	if (i == SERIES_MAX)
		return;
	if (i == nseries)
		memcpy(series[nseries++].name, name, n);
	path = oom_arena_fmt(&arena, "%s/%s/log%c", dir, name, 0);
	load_log(need((void *)(uintptr_t)path.p), &series[i].dump, weight);
}

void fleet_load(const char *dir)
{
	struct dirent **names = NULL;
	int n = scandir(dir, &names, NULL, alphasort);

	for (int i = 0; i < n; i++) {
		load_case(dir, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	if (!nseries)
		fleet_die("no dumps below %s", dir);
}

int fleet_series(void)
{
	return nseries;
}

bool fleet_is_memcg(const struct dump *t)
{
	return t->memcg;
}

const struct dump *fleet_dump(int i, bool memcg, struct dice *d)
{
	int64_t sum = 0;

	for (const struct dump *t = series[i].dump; t; t = t->next)
		sum += t->memcg == memcg ? t->weight : 0;
	sum = roll(d, sum);
	for (const struct dump *t = series[i].dump; t; t = t->next)
		if (t->memcg == memcg && (sum -= t->weight) < 0)
			return t;
	return series[i].dump;
}

/* ---- telling ----------------------------------------------------------------------------------------- */

struct teller {
	const struct dump *t;
	const struct telling *how;
	struct dice *d;
	struct oom_parser *p;
	struct oom_buf text, raw;
	int64_t line, pid;
	char stamp[40];
};

static void add(struct oom_buf *b, const void *p, size_t n)
{
	if (oom_buf_add(b, p, n))
		fleet_die("out of memory");
}

static void add_int(struct oom_buf *b, int64_t v)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t u = v < 0 ? (uint64_t)-v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while ((u /= 10));
	if (v < 0)
		*--p = '-';
	add(b, p, (size_t)(digits + sizeof(digits) - p));
}

/* As syslogs have it, with the kernel's own clock behind. */
static void feed(struct teller *w, int64_t after_us)
{
	int64_t us = w->how->boot_us + after_us, wall = w->how->wall_us;
	struct oom_line l = {
		.text = { w->text.p, w->text.n }, .host = w->how->host, .boot_id = w->how->boot_id, .boot_us = us,
		.wall_us = w->how->zone ? wall + after_us : OOM_NA, .seq = OOM_NA, .lineno = w->line++,
		.stamp = oom_str_from(w->stamp),
	};

	w->raw.n = 0;
	if (oom_buf_fmt(&w->raw, "%s %.*s kernel: [%5lld.%06lld] ", w->stamp, (int)l.host.n, l.host.p, (long long)(us / 1000000),
			(long long)(us % 1000000)))
		fleet_die("out of memory");
	add(&w->raw, l.text.p, l.text.n);
	l.raw = (struct oom_str){ w->raw.p, w->raw.n };
	if (oom_parser_feed(w->p, &l))
		fleet_die("out of memory");
}

static void add_piece_text(struct teller *w, const struct piece *p)
{
	const char *text = NULL;

	switch (p->slot) {
	case COMM:       text = w->how->comm; break;
	case OOM_MEMCG:  text = w->how->oom_memcg; break;
	case TASK_MEMCG: text = w->how->task_memcg; break;
	case ORDER:      text = w->how->roomy ? "4" : NULL; break;
	case PID:        add_int(&w->text, w->pid); return;
	case FREE:
		if (w->how->roomy) {
			add_int(&w->text, 9000 + roll(w->d, 9000));
			return;
		}
		break;
	case LITERAL:
		break;
	}
	if (text)
		add(&w->text, text, strlen(text));
	else
		add(&w->text, p->text.p, p->text.n);
}

/* A row under the heading of this dump. */
struct row { int64_t pid, uid, rss, swap, pgtables, adj; const char *comm; };

static int64_t value_of(struct teller *w, struct oom_str column, const struct row *r)
{
	int64_t anon = r->rss * 3 / 4;

	if (oom_str_is(column, "uid"))
		return r->uid;
	if (oom_str_is(column, "tgid"))
		return r->pid;
	if (oom_str_is(column, "total_vm"))
		return r->rss + 900 + roll(w->d, 20000);
	if (oom_str_is(column, "rss"))
		return r->rss;
	if (oom_str_is(column, "rss_anon"))
		return anon;
	if (oom_str_is(column, "rss_file"))
		return r->rss - anon;
	if (oom_str_is(column, "pgtables_bytes"))
		return r->pgtables;
	if (oom_str_is(column, "swapents"))
		return r->swap;
	return oom_str_is(column, "oom_score_adj") ? r->adj : 0;
}

/* As dump_task() aligns it. */
static void add_aligned(struct oom_buf *b, struct oom_str column, int64_t v)
{
	bool adj = oom_str_is(column, "oom_score_adj"), shmem = oom_str_is(column, "rss_shmem");
	bool narrow = adj || oom_str_is(column, "uid") || oom_str_is(column, "tgid");

	if (oom_buf_fmt(b, "%s%*lld", adj ? "        " : "", narrow ? 5 : shmem ? 9 : 8, (long long)v))
		fleet_die("out of memory");
}

static void tell_row(struct teller *w, const struct row *r, int64_t after_us)
{
	struct oom_str rest = w->t->heading, column;

	w->text.n = 0;
	if (oom_buf_fmt(&w->text, "[%7lld]", (long long)r->pid))
		fleet_die("out of memory");
	while (oom_take_blanks(&rest), oom_take_word(&rest, &column)) {
		add(&w->text, " ", 1);
		if (oom_str_is(column, "name"))
			add(&w->text, r->comm, strlen(r->comm));
		else
			add_aligned(&w->text, column, value_of(w, column, r));
	}
	feed(w, after_us);
}

/* Others of the machine, all smaller than the winner; and the odd ones that were asked for. */
static void tell_rows(struct teller *w, int64_t after_us)
{
	static const char *const names[] = {
		"systemd-journal", "systemd-udevd", "sshd", "bash", "postgres", "nginx", "agetty", "cron", "containerd-shim",
		"pause", "node_exporter", "rsyslogd", "dbus-daemon", "python3", "chronyd", "redis-server", "envoy",
	};
	static const int adj[] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, -1000, -250, -500, -900, -998 };
	const struct dump *t = w->t;
	int n = w->how->tasks / 2 + (int)roll(w->d, w->how->tasks + 1);
	int64_t top = t->points > 40 ? t->points / 2 : 20;
	struct row r = { .pid = 20000, .pgtables = 8192 };

	for (int i = 0; i < n; i++) {
		r.pid += 1 + roll(w->d, 40);
		r.uid = chance(w->d, 60) ? 0 : 1000 + roll(w->d, 20);
		r.rss = 10 + roll(w->d, 1 + roll(w->d, top > 6000 ? 6000 : top));
		r.pgtables = 4096 * (8 + roll(w->d, 60));
		r.adj = t->nobody ? -1000 : adj[roll(w->d, OOM_ARRAY_SIZE(adj))];
		r.comm = names[roll(w->d, OOM_ARRAY_SIZE(names))];
		tell_row(w, &r, after_us);
	}
	if (!t->points || w->how->cut)
		return;
	if (w->how->shield)
		tell_row(w, &(struct row){ r.pid + 1, 0, t->points + 1 + roll(w->d, t->points), 0, 81920, -1000, "oracle" }, after_us);
	if (w->how->favour)
		tell_row(w, &(struct row){ r.pid + 2, 999, t->points + t->total_pages / 5, 0, 4096, -600, "postgres" }, after_us);
	if (w->how->rival)
		tell_row(w, &(struct row){ r.pid + 3, 1001, t->points - 3 - roll(w->d, t->points / 64 + 1), 0, 4096, 0, "java" },
			 after_us);
}

void fleet_tell(const struct dump *t, const struct telling *how, struct dice *d, struct oom_parser *p)
{
	struct teller w = { .t = t, .how = how, .d = d, .p = p };
	time_t s = how->wall_us / 1000000;
	struct tm tm;

	w.line = 1 + roll(d, 100000);
	w.pid = 3000 + roll(d, 16000);
	strftime(w.stamp, sizeof(w.stamp), how->zone ? "%Y-%m-%dT%H:%M:%S+00:00" : "%b %e %H:%M:%S", gmtime_r(&s, &tm));
	if (oom_parser_begin(p, how->path))
		fleet_die("out of memory");
	for (size_t i = 0; i < t->nlines; i++) {
		w.text.n = 0;
		for (size_t k = 0; k < t->line[i].n; k++)
			add_piece_text(&w, &t->line[i].piece[k]);
		feed(&w, t->line[i].after_us);
		if (i + 1 != t->last_row)
			continue;
		tell_rows(&w, t->line[i].after_us);
		if (how->cut)
			break;
	}
	if (oom_parser_finish(p))
		fleet_die("out of memory");
	oom_buf_release(&w.text);
	oom_buf_release(&w.raw);
}
