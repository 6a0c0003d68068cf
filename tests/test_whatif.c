/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Dry runs: selectors and edits as text, the solver against every value there is, what stays and what moves. */
#include "test_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <oomlens/whatif.h>

/* ---- scenes ----------------------------------------------------------------------------------------- */

/* A complete event: totalpages 1,000,000 of the machine, or 100,000 of /a. */
static void scene(struct oom_event *ev, const char *release, enum oom_scope scope)
{
	oom_event_init(ev);
	ev->kernel = oom_str_from(release);
	ev->kernel_from = OOM_STR("header");
	ev->scope = scope;
	ev->page_size = 4096;
	ev->has_invoked = ev->has_table = ev->table_complete = ev->has_mem_info = 1;
	ev->swap_total_kb = ev->swap_free_kb = 0;
	ev->outcome = OOM_OUTCOME_KILLED;
	ev->last_line = 600;
	ev->order = 0;
	if (scope == OOM_SCOPE_MEMCG) {
		ev->oom_memcg = OOM_STR("/a");
		ev->memcg_limit_kb = ev->memcg_usage_kb = 400000;
		ev->memcg_version = 2;
	} else {
		ev->ram_pages = 1000000;
		ev->reserved_pages = 0;
	}
}

static struct oom_task *row(struct oom_event *ev, int64_t pid, const char *comm, int64_t rss, int64_t adj)
{
	struct oom_task *t = oom_event_add_task(ev);

	t->pid = t->tgid = pid;
	t->uid = 1000 + pid % 2;
	t->comm = oom_str_from(comm);
	t->total_vm_pages = 2 * rss + pid;
	t->rss_pages = rss;
	t->swap_pages = 0;
	t->pgtables_bytes = 0;
	t->oom_score_adj = adj;
	return t;
}

static void chosen(struct oom_event *ev, int64_t pid, const char *comm)
{
	struct oom_victim *v = oom_event_add_victim(ev);

	ev->chosen_pid = v->pid = pid;
	ev->chosen_comm = v->comm = oom_str_from(comm);
	v->role = OOM_ROLE_CHOSEN;
}

/* php-fpm 16000, mysqld 15000, redis 9000 */
static void three(struct oom_event *ev, const char *release, enum oom_scope scope)
{
	scene(ev, release, scope);
	row(ev, 20, "php-fpm", 16000, 0);
	row(ev, 30, "mysqld", 15000, 0);
	row(ev, 40, "redis", 9000, 0);
	chosen(ev, 20, "php-fpm");
}

struct asked {
	struct oom_edit edit[4];
	struct oom_selector spare;
	struct oom_whatif_opts o;
	struct oom_err err;
	struct oom_whatif w;
};

static int ask(struct asked *a, const struct oom_event *ev, const char *spare, const char *const edits[])
{
	static const struct { const char *prefix; enum oom_edit_kind kind; } kinds[] = {
		{ "set ", OOM_EDIT_SET }, { "without ", OOM_EDIT_WITHOUT }, { "grow ", OOM_EDIT_GROW },
		{ "limit ", OOM_EDIT_LIMIT }, { "swap ", OOM_EDIT_SWAP }, { "group ", OOM_EDIT_GROUP },
		{ "allocating ", OOM_EDIT_ALLOCATING },
	};

	memset(a, 0, sizeof(*a));
	a->o = (struct oom_whatif_opts){ .edit = a->edit, .drift = 0 };
	for (size_t i = 0; edits && edits[i]; i++) {
		struct oom_str text = oom_str_from(edits[i]);
		size_t k = 0;

		while (!oom_take_lit(&text, kinds[k].prefix))
			k++;
		if (oom_edit_parse(kinds[k].kind, text, NULL, &a->edit[a->o.nedits++], &a->err) < 0)
			return -EINVAL;
	}
	if (spare && oom_selector_parse(oom_str_from(spare), NULL, &a->spare, &a->err) < 0)
		return -EINVAL;
	a->o.spare = spare ? &a->spare : NULL;
	return oom_whatif_run(ev, &a->o, &a->w, &a->err);
}
#define ASK(a, ev, spare, ...) ask(a, ev, spare, (const char *const[]){ __VA_ARGS__, NULL })

static int64_t victim(const struct oom_dry_run *d)
{
	return d->winner < 0 ? -1 : d->event.task[d->winner].pid;
}

/* ---- text ------------------------------------------------------------------------------------------- */

static void selectors(void **state)
{
	static const struct { const char *text; int kind; int64_t number; const char *rest; } good[] = {
		{ "42", OOM_SELECT_PID, 42, NULL },
		{ "comm:a=b*", OOM_SELECT_COMM, 0, "a=b*" },
		{ "cgroup:/a/b/", OOM_SELECT_CGROUP, 0, "/a/b" },
		{ "cgroup:/", OOM_SELECT_CGROUP, 0, "/" },
		{ "uid:0", OOM_SELECT_UID, 0, "0" },
		{ "unit:db@1.service", OOM_SELECT_UNIT, 0, "db@1.service" },
	};
	static const char *const bad[] = {
		"", "0", "-1", "99999999999", "12x", "comm:", "cgroup:a/b", "uid:nobody", "uid:4294967295", "pid:3", "unit:",
	};
	struct oom_selector s;

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(good); i++) {
		assert_int_equal(oom_selector_parse(oom_str_from(good[i].text), NULL, &s, NULL), 0);
		assert_int_equal(s.kind, good[i].kind);
		assert_int_equal(s.number, good[i].number);
		if (good[i].rest)
			assert_true(oom_str_is(s.text, good[i].rest));
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(bad); i++)
		assert_int_equal(oom_selector_parse(oom_str_from(bad[i]), NULL, &s, NULL), -EINVAL);
}

static void sizes(void **state)
{
	static const struct { const char *text; int64_t bytes; } good[] = {
		{ "0", 0 }, { "4096", 4096 }, { "64K", 65536 }, { "64k", 65536 }, { "1.5G", 1610612736 }, { "2GiB", 2147483648 },
		{ "3MB", 3145728 },
	};
	static const char *const bad[] = { "", "-1", "1.5", "1.K", "G", "5 M", "99999999999999999999", "9999999P", "1X" };
	struct oom_str s;
	int64_t v;

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(good); i++) {
		s = oom_str_from(good[i].text);
		assert_true(oom_take_bytes(&s, &v));
		assert_int_equal(v, good[i].bytes);
		assert_int_equal(s.n, 0);
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(bad); i++) {
		s = oom_str_from(bad[i]);
		assert_false(oom_take_bytes(&s, &v));
	}
}

static void edits(void **state)
{
	static const struct { const char *text; bool relative; int64_t value; } good[] = {
		{ "1=5", false, 5 }, { "1=+5", true, 5 }, { "1=-5", true, -5 }, { "1==-5", false, -5 }, { "1==5", false, 5 },
		{ "comm:a=b=1000", false, 1000 }, { "1=-2000", true, -2000 },
	};
	static const char *const bad[] = { "1", "1=", "1=x", "1=1001", "1==-1001", "1=+-5", "1=5 ", "=5", "1=--5" };
	struct oom_edit e;

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(good); i++) {
		assert_int_equal(oom_edit_parse(OOM_EDIT_SET, oom_str_from(good[i].text), NULL, &e, NULL), 0);
		assert_int_equal(e.relative, good[i].relative);
		assert_int_equal(e.value, good[i].value);
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(bad); i++)
		assert_int_equal(oom_edit_parse(OOM_EDIT_SET, oom_str_from(bad[i]), NULL, &e, NULL), -EINVAL);
	assert_int_equal(oom_edit_parse(OOM_EDIT_LIMIT, OOM_STR("cgroup:/a=1G"), NULL, &e, NULL), 0);
	assert_true(oom_str_is(e.sel.text, "/a"));
	assert_int_equal(oom_edit_parse(OOM_EDIT_GROUP, OOM_STR("/a=2"), NULL, &e, NULL), -EINVAL);
	assert_int_equal(oom_edit_parse(OOM_EDIT_SWAP, OOM_STR("1T"), NULL, &e, NULL), 0);
}

/* ---- whom a selector means -------------------------------------------------------------------------- */

static void cgroups(void **state)
{
	struct oom_event ev;

	(void)state;
	three(&ev, "6.1.0", OOM_SCOPE_MEMCG);
	/* a log: all are below /a; only of the chosen one more is known */
	ev.task_memcg = OOM_STR("/a/web.service");
	assert_int_equal(oom_task_in_cgroup(&ev, 1, OOM_STR("/")), 1);
	assert_int_equal(oom_task_in_cgroup(&ev, 1, OOM_STR("/a")), 1);
	assert_int_equal(oom_task_in_cgroup(&ev, 1, OOM_STR("/ab")), 0);
	assert_int_equal(oom_task_in_cgroup(&ev, 1, OOM_STR("/a/web.service")), -1);
	assert_int_equal(oom_task_in_cgroup(&ev, 0, OOM_STR("/a/web.service")), 1);
	assert_int_equal(oom_task_in_cgroup(&ev, 0, OOM_STR("/a/web")), 0);
	ev.task[1].cgroup = OOM_STR("/a/db.service/x");
	assert_int_equal(oom_task_in_cgroup(&ev, 1, OOM_STR("/a/db.service")), 1);
	assert_int_equal(oom_task_in_cgroup(&ev, 1, OOM_STR("/a/db")), 0);
	struct oom_selector s;

	assert_int_equal(oom_selector_parse(OOM_STR("unit:db"), NULL, &s, NULL), 0);
	assert_int_equal(oom_selector_match(&s, &ev, 1), 1);
	assert_int_equal(oom_selector_match(&s, &ev, 0), 0);
	assert_int_equal(oom_selector_match(&s, &ev, 2), -1);
	oom_event_release(&ev);
}

/* ---- runs ------------------------------------------------------------------------------------------- */

static void set_moves_the_choice(void **state)
{
	struct oom_event ev;
	struct asked a;

	(void)state;
	three(&ev, "5.10.44", OOM_SCOPE_GLOBAL);
	assert_int_equal(ASK(&a, &ev, NULL, "set comm:red*=7"), 0);    /* 9000 + 7 * 1000: a tie, and the last wins */
	assert_int_equal(victim(&a.w.before), 20);
	assert_int_equal(victim(&a.w.after), 40);
	assert_int_equal(a.w.after.margin, 0);
	assert_int_equal(a.w.after.verdict, OOM_VERDICT_WITHIN_DRIFT);
	assert_int_equal(a.w.nchanges, 1);
	assert_int_equal(a.w.change[0].adj_to, 7);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "set 40=+8"), 0);
	assert_int_equal(a.w.after.verdict, OOM_VERDICT_EXACT);
	assert_int_equal(a.w.after.margin, 1000);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "set 20==-1000", "set 30==-1000"), 0);
	assert_int_equal(victim(&a.w.after), 40);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "set uid:1000==-1000"), 0);
	assert_int_equal(victim(&a.w.after), -1);
	assert_int_equal(a.w.after.reason, OOM_REASON_NO_KILLABLE);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "without 20"), 0);
	assert_int_equal(victim(&a.w.after), 30);
	assert_int_equal(a.w.after.event.ntasks, 2);
	assert_int_equal(a.w.after.origin[0], 1);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "grow 30=4M"), 0);         /* 1024 pages: 24 more than php-fpm */
	assert_int_equal(victim(&a.w.after), 30);
	assert_int_equal(a.w.after.margin, 24);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
}

static void nothing_changed(void **state)
{
	struct oom_event ev;
	struct asked a;

	(void)state;
	three(&ev, "5.10.44", OOM_SCOPE_GLOBAL);
	assert_int_equal(ASK(&a, &ev, NULL, "set 20=0", "set 20=+0", "set uid:1001=0"), -EINVAL);    /* twice */
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "set 20=0", "swap 0"), 0);
	assert_false(a.w.changed);
	assert_int_equal(victim(&a.w.after), 20);
	assert_int_equal(a.w.after.verdict, OOM_VERDICT_EXACT);
	assert_int_equal(a.w.after.reason, OOM_REASON_HIGHEST_BADNESS);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
}

static void limits_and_swap(void **state)
{
	struct oom_event ev;
	struct asked a;
	struct oom_need need;

	(void)state;
	three(&ev, "5.10.44", OOM_SCOPE_MEMCG);
	ev.task[1].oom_score_adj = 11;                                 /* 15000 + 11 * 100: wins by 100 */
	ev.chosen_pid = ev.victim[0].pid = 30;
	assert_int_equal(ASK(&a, &ev, NULL, "limit /a=256M"), 0);       /* 11 * 65 is less than 1000 */
	assert_int_equal(victim(&a.w.before), 30);
	assert_int_equal(victim(&a.w.after), 20);
	assert_int_equal(a.w.after.total.lo, 65536);
	oom_whatif_need(&a.w, &need);
	assert_int_equal(need.kb, 400000 + 4 - 262144);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "limit /a=1G"), 0);
	oom_whatif_need(&a.w, &need);
	assert_int_equal(need.kb, 0);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "limit /b=1G"), -EINVAL);
	assert_non_null(strstr(a.err.text, "/a"));
	oom_whatif_release(&a.w);
	/* swap may or may not count (swappiness): 11 * 100 wins, and so does 11 * (100 + 97) */
	assert_int_equal(ASK(&a, &ev, NULL, "swap 400M"), 0);
	assert_int_equal(a.w.after.total.lo, 100000);
	assert_int_equal(a.w.after.total.hi, 100000 + 102400);
	assert_int_equal(a.w.after.verdict, OOM_VERDICT_EXACT);
	oom_whatif_release(&a.w);
	/* here it decides */
	assert_int_equal(ASK(&a, &ev, NULL, "swap 400M", "set 30=9"), 0);
	assert_int_equal(a.w.after.verdict, OOM_VERDICT_INSUFFICIENT);
	assert_int_equal(a.w.after.reason, OOM_REASON_UNKNOWN_TOTALPAGES);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
}

static void clear_errors(void **state)
{
	static const struct { const char *edit, *says; } bad[] = {
		{ "set 99=5", "pid 99" }, { "set comm:nobody=5", "selects nobody" }, { "set 30=+1", "beyond" },
		{ "limit /a=1G", "no limit" }, { "set cgroup:/x=5", "does not say" }, { "set 20=1001", "from -1000 to 1000" },
	};
	struct oom_event ev;
	struct asked a;

	(void)state;
	three(&ev, "5.10.44", OOM_SCOPE_GLOBAL);
	ev.task[1].oom_score_adj = 1000;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(bad); i++) {
		assert_int_equal(ASK(&a, &ev, NULL, bad[i].edit), -EINVAL);
		if (!strstr(a.err.text, bad[i].says))
			fail_msg("'%s' lacks '%s'", a.err.text, bad[i].says);
		oom_whatif_release(&a.w);
	}
	assert_int_equal(ASK(&a, &ev, NULL, "without 20", "set comm:php*=5"), -EINVAL);
	assert_non_null(strstr(a.err.text, "contradictory"));
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "set 20=5", "set comm:php*=5"), 0);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "swap 1G", "swap 2G"), -EINVAL);
	oom_whatif_release(&a.w);
	ev.kernel = OOM_STR("2.6.18");
	assert_int_equal(ASK(&a, &ev, NULL, "set 20=5"), -ENOTSUP);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
}

static void groups(void **state)
{
	struct oom_event ev;
	struct asked a;
	enum oom_role role;

	(void)state;
	three(&ev, "6.1.0", OOM_SCOPE_MEMCG);
	ev.task[0].cgroup = OOM_STR("/a/web");
	ev.task[1].cgroup = OOM_STR("/a/db");
	ev.task[2].cgroup = OOM_STR("/a/web/x");
	assert_int_equal(ASK(&a, &ev, NULL, "group /a/web=1"), 0);
	assert_true(a.w.changed);
	assert_int_equal(oom_dry_dies_with(&a.w.after, &ev, 0, 2, &role), 1);
	assert_int_equal(role, OOM_ROLE_GROUP);
	assert_int_equal(oom_dry_dies_with(&a.w.after, &ev, 0, 1, &role), 0);
	assert_int_equal(oom_dry_dies_with(&a.w.before, &ev, 0, 2, &role), 0);
	oom_whatif_release(&a.w);
	/* whoever would die with the group of the next victim is helped by -1000 alone */
	assert_int_equal(ASK(&a, &ev, "40", "group /a=1"), 0);
	assert_int_equal(a.w.spare[0].kind, OOM_SPARE_ONLY_MIN);
	assert_true(a.w.spare[0].in_group);
	assert_int_equal(oom_dry_dies_with(&a.w.after, &ev, 0, 2, &role), 0);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
}

static void allocating_task(void **state)
{
	struct oom_event ev;
	struct asked a;

	(void)state;
	three(&ev, "5.10.44", OOM_SCOPE_GLOBAL);
	ev.trigger_pid = 40;
	assert_int_equal(ASK(&a, &ev, NULL, "allocating 1"), 0);
	assert_int_equal(victim(&a.w.after), 40);
	assert_int_equal(a.w.after.reason, OOM_REASON_ALLOCATING_TASK);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, "40", "allocating 1"), 0);
	assert_int_equal(a.w.spare[0].kind, OOM_SPARE_ONLY_MIN);
	assert_int_equal(victim(&a.w.after), 20);
	oom_whatif_release(&a.w);
	/* the log that had it set, without it */
	ev.allocating_task = 1;
	ev.chosen_pid = ev.victim[0].pid = 40;
	assert_int_equal(ASK(&a, &ev, NULL, "allocating 0"), 0);
	assert_int_equal(victim(&a.w.before), 40);
	assert_int_equal(victim(&a.w.after), 20);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
	/* a memory cgroup's OOM does not ask the sysctl; nobody knows who allocates next */
	three(&ev, "5.10.44", OOM_SCOPE_GLOBAL);
	ev.origin = OOM_ORIGIN_LIVE;
	assert_int_equal(ASK(&a, &ev, NULL, "allocating 1"), 0);
	assert_int_equal(a.w.after.verdict, OOM_VERDICT_INSUFFICIENT);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
}

/* The lines fit 5.3 and 5.9, which part ways below zero: 1 against 1, or -2900 against -1900. */
static void rules_in_doubt(void **state)
{
	struct oom_event ev;
	struct asked a;

	(void)state;
	three(&ev, "5.10.44", OOM_SCOPE_GLOBAL);
	ev.kernel = OOM_STR_NULL;
	ev.victim[0].pgtables_kb = 4;
	assert_int_equal(ASK(&a, &ev, NULL, "set 40=+8"), 0);
	assert_int_equal(a.w.after.verdict, OOM_VERDICT_EXACT);
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "set 20==-18", "set 30==-17", "set 40==-10"), 0);
	assert_int_equal(a.w.after.verdict, OOM_VERDICT_EXACT);        /* the last of equals has the most, too */
	oom_whatif_release(&a.w);
	assert_int_equal(ASK(&a, &ev, NULL, "set 20==-18", "set 30==-16", "set 40==-11"), 0);
	assert_int_equal(a.w.after.verdict, OOM_VERDICT_INSUFFICIENT);
	assert_int_equal(a.w.after.reason, OOM_REASON_UNKNOWN_KERNEL);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
}

/* Every allocation may fail: then nothing is answered, and nothing is lost. */
static void out_of_memory(void **state)
{
	struct oom_event ev;
	long failed = 0;
	int r = 0;

	(void)state;
	three(&ev, "6.1.0", OOM_SCOPE_MEMCG);
	for (long n = 1; n < 80; n++) {
		struct oom_whatif_answer answer = { .age_us = OOM_NA };
		struct oom_kill *kill = NULL;
		struct oom_doc doc = { 0 };
		struct oom_buf lines = { 0 };
		struct asked a;

		oom_alloc_fail_at(n);
		r = ASK(&a, &ev, "20", "set 30=+2", "group /a=1", "swap 1M", "grow 30=4K");
		if (r == 0)
			r = oom_whatif_kills(&a.w, OOM_NA, 0, &kill, &answer.nkills);
		if (r == 0)
			r = oom_whatif_apply(&a.w, &a.o, OOM_APPLY_CHOOM, &lines);
		answer.w = &a.w;
		answer.opts = &a.o;
		answer.kill = kill;
		oom_whatif_need(&a.w, &answer.need);
		if (r == 0)
			r = oom_whatif_explain(&answer, &doc);
		oom_alloc_fail_at(0);
		oom_doc_release(&doc);
		oom_buf_release(&lines);
		oom_whatif_release(&a.w);
		assert_true(r == 0 || r == -ENOMEM);
		failed += r != 0;
	}
	assert_int_equal(r, 0);
	assert_true(failed > 8);
	oom_event_release(&ev);
}

static void kills_in_order(void **state)
{
	struct oom_event ev;
	struct asked a;
	struct oom_kill *k;
	size_t n;

	(void)state;
	three(&ev, "6.1.0", OOM_SCOPE_MEMCG);
	ev.task[1].rss_anon_pages = 14000;
	assert_int_equal(ASK(&a, &ev, NULL, "set 40=+200"), 0);
	assert_int_equal(oom_whatif_kills(&a.w, OOM_NA, 0, &k, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(ev.task[k[0].task].pid, 40);
	assert_int_equal(ev.task[k[1].task].pid, 20);
	assert_int_equal(ev.task[k[2].task].pid, 30);
	assert_int_equal(k[0].frees_kb.lo, 0);                /* the table does not part anonymous from mapped */
	assert_int_equal(k[0].frees_kb.hi, 36000);
	assert_int_equal(k[2].frees_kb.lo, 56000);
	assert_int_equal(k[2].total_kb.hi, 36000 + 64000 + 56000);
	assert_int_equal(oom_whatif_kills(&a.w, 40000, 0, &k, &n), 0);
	assert_int_equal(n, 2);
	assert_int_equal(oom_whatif_kills(&a.w, OOM_NA, 1, &k, &n), 0);
	assert_int_equal(n, 1);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
}

/* ---- the solver ------------------------------------------------------------------------------------- */

/* Whom the replay takes with the row at this value. */
static ptrdiff_t winner_at(struct oom_dry_run *d, const struct oom_profile *p, size_t task, int64_t adj)
{
	int64_t was = d->event.task[task].oom_score_adj;
	struct oom_replay r;
	ptrdiff_t winner;

	d->event.task[task].oom_score_adj = adj;
	assert_int_equal(oom_replay_run(&d->event, p, &r), 0);
	winner = r.winner;
	oom_replay_release(&r);
	d->event.task[task].oom_score_adj = was;
	return winner;
}

/* At each of the 2001 values (WHATIF_ALL), or at some of them and all around the solution: does the row survive, and does
 * the solution say so? */
static void every_value(const struct oom_event *ev, size_t task)
{
	struct oom_selector sel = { .kind = OOM_SELECT_PID, .number = ev->task[task].tgid };
	struct oom_whatif_opts none = { .drift = OOM_NA }, o = { .drift = OOM_NA, .spare = &sel };
	struct oom_whatif w, plain;
	bool all = getenv("WHATIF_ALL") != NULL;
	size_t row = 0;
	int64_t adj;

	if (sel.number <= 1 || oom_event_task(ev, sel.number) != &ev->task[task])
		return;
	assert_int_equal(oom_whatif_run(ev, &none, &plain, NULL), 0);
	assert_int_equal(oom_whatif_run(ev, &o, &w, NULL), 0);
	while (row < plain.after.event.ntasks && plain.after.origin[row] != task)
		row++;
	if (w.nspares == 1 && !w.spare[0].in_group && w.spare[0].kind != OOM_SPARE_UNDECIDABLE &&
	    w.spare[0].kind != OOM_SPARE_IMPOSSIBLE && !plain.after.allocating)
		for (adj = -1000; adj <= 1000; adj += all || llabs(adj - w.spare[0].adj) < 20 || adj < -990 ? 1 : 17)
			if ((winner_at(&plain.after, plain.base.profile, row, adj) != (ptrdiff_t)row) !=
			    (adj <= w.spare[0].adj))
				fail_msg("event %lld, pid %lld: solved %lld, but %lld tells otherwise", (long long)ev->id,
					 (long long)sel.number, (long long)w.spare[0].adj, (long long)adj);
	oom_whatif_release(&w);
	oom_whatif_release(&plain);
}

static void solved(void **state)
{
	struct oom_event ev;
	struct asked a;

	(void)state;
	three(&ev, "5.10.44", OOM_SCOPE_GLOBAL);
	assert_int_equal(ASK(&a, &ev, "comm:php-fpm", NULL), 0);
	assert_int_equal(a.w.spare[0].adj, -1);                /* 15000 against 15000: the last of equals dies */
	assert_int_equal(victim(&a.w.after), 30);
	oom_whatif_release(&a.w);
	/* first of equals: one more step is needed */
	ev.kernel = OOM_STR("4.19.0");
	assert_int_equal(ASK(&a, &ev, "comm:php-fpm", NULL), 0);
	assert_int_equal(a.w.spare[0].adj, -2);
	oom_whatif_release(&a.w);
	/* both are to live */
	assert_int_equal(ASK(&a, &ev, "uid:1000", "without 40"), 0);
	assert_int_equal(a.w.nspares, 2);
	assert_int_equal(a.w.spare[0].kind, OOM_SPARE_NOBODY_ELSE);
	assert_int_equal(victim(&a.w.after), -1);
	oom_whatif_release(&a.w);
	/* at the floor of 1 no value below helps but -1000 */
	ev.task[1].oom_score_adj = ev.task[2].oom_score_adj = -900;
	ev.kernel = OOM_STR("4.19.0");
	assert_int_equal(ASK(&a, &ev, "20", NULL), 0);
	assert_int_equal(a.w.spare[0].kind, OOM_SPARE_ONLY_MIN);
	assert_int_equal(a.w.spare[0].adj, -1000);
	assert_int_equal(oom_whatif_warnings(&a.w), OOM_WHATIF_KILLS_PROTECTED | OOM_WHATIF_LARGEST_UNKILLABLE);
	oom_whatif_release(&a.w);
	/* who is safe is told how far */
	assert_int_equal(ASK(&a, &ev, "40", NULL), 0);
	assert_int_equal(a.w.spare[0].kind, OOM_SPARE_ALREADY);
	assert_int_equal(a.w.spare[0].adj, 7);
	assert_false(a.w.changed);
	oom_whatif_release(&a.w);
	oom_event_release(&ev);
}

static uint64_t chance(uint64_t *x)
{
	*x = *x * 6364136223846793005u + 1442695040888963407u;
	return *x >> 33;
}

/* Random tables under every profile: sizes close together, ties, floors, root, dead leaders, huge and tiny totalpages. */
static void solver_equals_every_value(void **state)
{
	static const int64_t totals[] = { 900, 5000, 100000, 6000000 };
	uint64_t x = 7;

	(void)state;
	for (size_t k = 0; k < oom_profile_count * 8; k++) {
		const struct oom_profile *p = &oom_profiles[k % oom_profile_count];
		struct oom_event ev;

		scene(&ev, p->name, k % 3 ? OOM_SCOPE_GLOBAL : OOM_SCOPE_MEMCG);
		ev.id = (int64_t)k;
		ev.total_pages = totals[k / oom_profile_count % OOM_ARRAY_SIZE(totals)];
		for (int i = 0; i < 5; i++) {
			int64_t rss = (int64_t)(chance(&x) % 4 ? chance(&x) % 4 : chance(&x) % (uint64_t)ev.total_pages);
			struct oom_task *t = row(&ev, 20 + i, "x", rss, (int64_t)(chance(&x) % 2001) - 1000);

			t->uid = (int64_t)(chance(&x) % 2);
			t->oom_score_adj = chance(&x) % 2 ? t->oom_score_adj : -(int64_t)(chance(&x) % 3);
			t->nr_ptes = 0;
			if (chance(&x) % 4 == 0)
				t->pid = 100 + i;
		}
		for (size_t i = 0; i < ev.ntasks; i++)
			every_value(&ev, i);
		oom_event_release(&ev);
	}
}

/* ---- the cases -------------------------------------------------------------------------------------- */

static size_t weighed, complete;

static int64_t told(const struct oom_replay *base)
{
	const struct oom_event *ev = base->event;

	return base->actual < 0 ? -1 : ev->task[base->actual].pid;
}

static void check_event(struct oom_event *ev)
{
	struct oom_whatif_opts none = { .drift = OOM_NA };
	size_t rows = getenv("WHATIF_ALL") ? SIZE_MAX : 3;
	struct oom_whatif w;
	int r = oom_whatif_run(ev, &none, &w, NULL);

	if (r == 0) {
		assert_false(w.changed);
		assert_int_equal(victim(&w.before), victim(&w.after));
		assert_int_equal(w.before.verdict, w.after.verdict);
		/* the arithmetic of the dry run is that of the replay */
		if (w.base.verdict == OOM_VERDICT_EXACT && w.base.winner >= 0 && !w.before.allocating) {
			assert_int_equal(ev->task[w.base.winner].pid, told(&w.base));
			assert_int_equal(w.before.event.task[w.before.replay.winner].pid, told(&w.base));
			complete++;
		}
		/* the first of the ranking */
		for (size_t k = 0; ev->table_complete == 1 && k < rows && k < w.before.replay.nscores; k++) {
			every_value(ev, w.before.origin[w.before.replay.rank[k]]);
			weighed++;
		}
	} else {
		assert_int_equal(r, -ENOTSUP);
	}
	oom_whatif_release(&w);
}

/* WHATIF_LOGS: other logs than the cases. */
static void cases(void **state)
{
	const char *pattern = getenv("WHATIF_LOGS");

	(void)state;
	read_logs(pattern ? pattern : "tests/cases/6.1*/log", check_event);
	print_message("%zu exact events chosen again, %zu tasks solved\n", complete, weighed);
	assert_true(pattern || complete > 40);
}

int test_whatif(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selectors), cmocka_unit_test(sizes), cmocka_unit_test(edits), cmocka_unit_test(cgroups),
		cmocka_unit_test(set_moves_the_choice), cmocka_unit_test(nothing_changed), cmocka_unit_test(limits_and_swap),
		cmocka_unit_test(clear_errors), cmocka_unit_test(groups), cmocka_unit_test(allocating_task),
		cmocka_unit_test(kills_in_order), cmocka_unit_test(rules_in_doubt), cmocka_unit_test(out_of_memory),
		cmocka_unit_test(solved), cmocka_unit_test(solver_equals_every_value),
		cmocka_unit_test(cases),
	};

	return cmocka_run_group_tests_name("whatif", tests, NULL, NULL);
}
