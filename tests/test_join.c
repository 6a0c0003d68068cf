/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts and events of the log become one event per decision of the kernel. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "../collector/feed.h"
#include "../collector/recorder_impl.h"

#define S INT64_C(1000000)
#define MS INT64_C(1000)

/* ---- a join, and what it puts out ----------------------------------------------------------------------- */

#define MAX_OUT 4096
static struct oom_join *j;
static struct { struct oom_event ev; char print[33]; int outs, firsts; int64_t decided_us, first_us; } seen[MAX_OUT];
static size_t nseen;
static int nputs;

static int path_of(int64_t id, char *buf, size_t size)
{
	return id == 7 ? snprintf(buf, size, "/a") : id == 8 ? snprintf(buf, size, "/a/b") :
	       id == 9 ? snprintf(buf, size, "/c") : -2;
}

static struct oom_join_opts everything(void)
{
	return (struct oom_join_opts){
		.self = { .host = OOM_STR("db7"), .machine_id = OOM_STR("m"), .boot_id = OOM_STR("b"),
			  .kernel = OOM_STR("6.12.1"), .page_size = 4096, .wall_minus_mono_us = 1000 * S },
		.has_log = true, .has_ballot = true, .has_marks = true, .has_exits = true,
		.since_line = OOM_NA, .oom_kill = OOM_NA, .cgroup_path = path_of,
	};
}

static void begin(struct oom_join_opts o)
{
	memset(seen, 0, sizeof(seen));
	nseen = 0;
	nputs = 0;
	assert_int_equal(oom_join_new(&o, &j), 0);
}

/* As the store does: versions of one event by their fingerprint. */
static void keep(struct oom_join_out *out, int64_t now)
{
	char print[33];
	size_t i = 0;

	oom_event_fingerprint(&out->ev, print);
	while (i < nseen && strcmp(seen[i].print, print) != 0)
		i++;
	assert_true(i < MAX_OUT);
	nputs++;
	if (i == nseen) {
		assert_true(out->first);
		nseen++;
		seen[i].ev = out->ev;
		seen[i].decided_us = out->decided_us;
		seen[i].first_us = now;
		memcpy(seen[i].print, print, sizeof(print));
	} else {
		assert_int_equal(oom_event_merge(&seen[i].ev, &out->ev), 0);
		oom_event_release(&out->ev);
	}
	seen[i].outs++;
	seen[i].firsts += out->first;
}

static void pull(int64_t now)
{
	struct oom_join_out out;

	while (oom_join_next(j, now, &out) == 1)
		keep(&out, now);
}

/* Turns of the loop from one deadline to the next; the log is at its end. */
static void run(int64_t from, int64_t to, int64_t counter)
{
	int64_t now = from;

	for (int n = 0; now < to; n++) {
		int64_t next;

		assert_true(n < 100000);
		oom_join_log_read(j, false, now);
		if (oom_join_wants_counter(j, now))
			oom_join_counter(j, counter, now);
		pull(now);
		next = oom_join_deadline(j);
		now = next > now ? next : now + 1 * MS;
	}
}

static void end(void)
{
	oom_join_finish(j);
	pull(INT64_MAX / 2);
	oom_join_free(j);
	for (size_t i = 0; i < nseen; i++)
		oom_event_release(&seen[i].ev);
}

static struct oom_join_tally tally(void)
{
	struct oom_join_tally t;

	oom_join_tally(j, &t);
	return t;
}

/* ---- facts ------------------------------------------------------------------------------------------------ */

static void tell(const char *feed, struct oom_fact f)
{
	assert_int_equal(oom_join_fact(j, feed, &f, f.mono_us), 0);
}

static struct oom_fact fact(int64_t kind, int64_t us, int64_t round, int64_t pid)
{
	struct oom_fact f;

	oom_fact_init(&f, kind, us);
	f.round = round;
	f.pid = f.tgid = pid;
	return f;
}

static struct oom_fact task(int64_t kind, int64_t us, int64_t round, int64_t pid)
{
	struct oom_fact f = fact(kind, us, round, pid);

	f.uid = 1000;
	f.oom_score_adj = 0;
	f.comm = OOM_STR("hog");
	f.start_us = pid * 1000;
	f.memcg_id = 8;
	f.total_vm_pages = 2000;
	f.rss_anon_pages = 1000 + pid;
	f.rss_file_pages = 10;
	f.rss_shmem_pages = 1;
	f.swap_pages = 5;
	f.pgtables_bytes = 8192;
	f.points = 1000 + pid + 10 + 1 + 5 + 2;
	return f;
}

/* What one feed tells with the pid alone. */
static struct oom_fact bare(int64_t kind, int64_t us, int64_t pid)
{
	struct oom_fact f = fact(kind, us, OOM_NA, pid);

	f.tgid = OOM_NA;
	return f;
}

static struct oom_fact selection(int64_t us, int64_t round, int64_t memcg_id)
{
	struct oom_fact f = fact(OOM_FACT_SELECTION, us, round, 50);

	f.uid = 0;
	f.oom_score_adj = 100;
	f.comm = OOM_STR("asks");
	f.memcg_id = memcg_id;
	f.total_pages = 123456;
	f.constraint = memcg_id ? 3 : 0;
	f.gfp_mask = 0xcc0;
	f.order = 0;
	return f;
}

/* A ballot of three that takes pid. */
static void ballot(int64_t us, int64_t round, int64_t pid, int64_t memcg_id)
{
	tell("ballot", selection(us, round, memcg_id));
	tell("ballot", task(OOM_FACT_CANDIDATE, us, round, 60));
	tell("ballot", task(OOM_FACT_CANDIDATE, us, round, 61));
	tell("ballot", task(OOM_FACT_CANDIDATE, us, round, pid));
	tell("ballot", task(OOM_FACT_CHOSEN, us + 10, round, pid));
}

static void killed(int64_t us, int64_t round, int64_t pid)
{
	tell("ballot", task(OOM_FACT_KILL, us, round, pid));
	tell("ballot", task(OOM_FACT_MARK_VICTIM, us + 5, round, pid));
	tell("trace", bare(OOM_FACT_MARK_VICTIM, us + 6, pid));
}

static void gone(int64_t us, int64_t pid)
{
	tell("ballot", fact(OOM_FACT_QUEUE_REAPER, us, OOM_NA, pid));
	tell("ballot", fact(OOM_FACT_EXIT_MMAP_BEGIN, us + 100, OOM_NA, pid));
	tell("ballot", fact(OOM_FACT_EXIT_MMAP_END, us + 200, OOM_NA, pid));
	tell("ballot", fact(OOM_FACT_FREED, us + 300, OOM_NA, pid));
}

/* ---- the log's events --------------------------------------------------------------------------------------- */

static struct oom_event report(int64_t line, int64_t us, int64_t pid)
{
	struct oom_event ev;
	struct oom_victim *v;

	oom_event_init(&ev);
	ev.first_line = line;
	ev.last_line = line + 40;
	ev.boot_us = us;
	ev.has_invoked = 1;
	ev.has_table = ev.table_complete = 1;
	ev.scope = OOM_SCOPE_GLOBAL;
	ev.constraint = OOM_STR("CONSTRAINT_NONE");
	ev.outcome = OOM_OUTCOME_KILLED;
	ev.chosen_pid = pid;
	for (int i = 0; i < 3; i++) {
		struct oom_task *t = oom_event_add_task(&ev);

		t->pid = t->tgid = i == 2 ? pid : 60 + i;
		t->rss_pages = 1000;
	}
	v = oom_event_add_victim(&ev);
	v->pid = pid;
	v->killed_us = us + 100;
	v->comm = OOM_STR("hog");
	return ev;
}

static struct oom_event kill_line(int64_t line, int64_t us, int64_t pid)
{
	struct oom_event ev = report(line, us, pid);

	ev.has_invoked = ev.has_table = ev.table_complete = 0;
	ev.ntasks = 0;
	ev.constraint = OOM_STR_NULL;
	ev.chosen_pid = OOM_NA;
	return ev;
}

static void add_victim(struct oom_event *ev, int64_t pid)
{
	struct oom_victim *v = oom_event_add_victim(ev);

	v->pid = pid;
	v->role = OOM_ROLE_GROUP;
	v->killed_us = ev->boot_us + 200;
	v->comm = OOM_STR("hog");
	ev->oom_group = 1;
}

static void log_event(struct oom_event ev, bool final, int64_t now)
{
	assert_int_equal(oom_join_log(j, &ev, final, now), 0);
}

/* ---- rules ---------------------------------------------------------------------------------------------------- */

static void test_logged(void **state)
{
	const struct oom_event *ev;
	const struct oom_life *l;

	(void)state;
	begin(everything());
	ballot(100 * S, 3, 70, 0);
	killed(100 * S + 20, 3, 70);
	/* dmesg's clock is behind */
	log_event(report(11, 100 * S - 700 * MS, 70), false, 100 * S + 2 * MS);
	run(100 * S + 2 * MS, 100 * S + 50 * MS, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_true(seen[0].first_us <= 100 * S + 20 * MS);
	assert_int_equal(seen[0].decided_us, 100 * S + 10);
	gone(100 * S + 60 * MS, 70);
	run(100 * S + 100 * MS, 103 * S, OOM_NA);
	log_event(report(11, 100 * S - 700 * MS, 70), true, 110 * S);
	run(110 * S, 300 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].firsts, 1);
	assert_int_equal(seen[0].outs, 3);
	ev = &seen[0].ev;
	assert_true(oom_str_is(ev->host, "db7"));
	assert_true(oom_str_is(ev->feeds, "log ballot trace"));
	assert_int_equal(ev->wall_us, 100 * S - 700 * MS + 1000 * S);
	assert_int_equal(ev->nlives, 1);
	l = &ev->life[0];
	assert_int_equal(l->class, OOM_CLASS_LOGGED);
	assert_int_equal(l->selected_us, 100 * S + 10);
	assert_int_equal(l->killed_us, 100 * S + 20);
	assert_int_equal(l->marked_us, 100 * S + 25);
	assert_int_equal(l->freed_by, OOM_FREED_EXIT_MMAP);
	assert_int_equal(l->exit_end_us, 100 * S + 60 * MS + 200);
	assert_int_equal(l->freed_us, 100 * S + 60 * MS + 300);
	assert_int_equal(l->reap_skips, 0);
	assert_int_equal(l->aborted_rounds, 0);
	assert_int_equal(l->next_selected_us, OOM_NA);
	assert_true(oom_str_is(l->cgroup, "/a/b"));
	assert_int_equal(tally().by_class[OOM_CLASS_LOGGED], 1);
	assert_int_equal(tally().counted, 1);
	assert_int_equal(oom_join_waiting(j), OOM_NA);
	assert_int_equal(oom_join_deadline(j), INT64_MAX);
	end();
}

static void test_ballot_of_a_logged_kill(void **state)
{
	(void)state;
	begin(everything());
	ballot(100 * S, 3, 70, 0);
	killed(100 * S + 20, 3, 70);
	log_event(report(11, 100 * S, 70), false, 100 * S + 2 * MS);
	assert_int_equal(oom_join_waiting(j), 11);
	run(100 * S + 2 * MS, 100 * S + 50 * MS, OOM_NA);
	assert_int_equal(oom_join_waiting(j), OOM_NA);
	assert_int_equal(seen[0].ev.ballot, OOM_BALLOT_RECORDED);
	assert_int_equal(seen[0].ev.ballot_lost, 0);
	assert_int_equal(seen[0].ev.total_pages, 123456);
	assert_int_equal(seen[0].ev.ntasks, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct oom_task *t = &seen[0].ev.task[i];

		assert_int_equal(t->kernel_points, 1000 + t->pid + 18);
		assert_int_equal(t->rss_pages, 1000);              /* what the log had stays */
		assert_true(oom_str_is(t->cgroup, "/a/b"));
	}
	end();
}

/* The dump was suppressed: the candidates are the table. */
static void test_rate_limited(void **state)
{
	(void)state;
	begin(everything());
	ballot(100 * S, 3, 70, 7);
	killed(100 * S + 20, 3, 70);
	log_event(kill_line(11, 100 * S, 70), false, 100 * S + 2 * MS);
	run(100 * S + 2 * MS, 100 * S + 50 * MS, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].ev.life[0].class, OOM_CLASS_RATE_LIMITED);
	assert_int_equal(seen[0].ev.has_table, 0);
	assert_int_equal(seen[0].ev.table_complete, 1);
	assert_int_equal(seen[0].ev.ntasks, 3);
	assert_int_equal(seen[0].ev.task[1].pid, 61);
	assert_int_equal(seen[0].ev.task[1].rss_pages, 1061 + 11);
	assert_int_equal(seen[0].ev.task[1].swap_pages, 5);
	assert_int_equal(seen[0].ev.chosen_pid, 70);
	assert_int_equal(seen[0].ev.scope, OOM_SCOPE_MEMCG);
	assert_true(oom_str_is(seen[0].ev.oom_memcg, "/a"));
	assert_true(oom_str_is(seen[0].ev.task_memcg, "/a/b"));
	assert_true(oom_str_is(seen[0].ev.trigger_comm, "asks"));
	end();
}

/* A walk sees everybody, whatever group ran out: without the log's word for it nobody was passed over. */
static void test_walk_without_domain(void **state)
{
	struct oom_fact f = selection(100 * S, 3, 0);

	(void)state;
	begin(everything());
	f.flags = OOM_FACT_RECONSTRUCTED;
	f.memcg_id = f.constraint = f.total_pages = OOM_NA;
	tell("walk", f);
	for (int64_t pid = 60; pid <= 70; pid += 10) {
		f = task(OOM_FACT_CANDIDATE, 100 * S, 3, pid);
		f.flags = OOM_FACT_RECONSTRUCTED;
		f.points = OOM_NA;
		tell("walk", f);
	}
	tell("walk", task(OOM_FACT_MARK_VICTIM, 100 * S + 5, 3, 70));
	log_event(kill_line(11, 100 * S, 70), false, 100 * S + 2 * MS);
	run(100 * S + 2 * MS, 100 * S + 50 * MS, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].ev.life[0].class, OOM_CLASS_RATE_LIMITED);
	assert_int_equal(seen[0].ev.ntasks, 0);
	assert_int_equal(seen[0].ev.table_complete, 0);
	assert_int_equal(seen[0].ev.ballot, OOM_BALLOT_NONE);
	end();
}

static void test_lost_candidates(void **state)
{
	(void)state;
	begin(everything());
	ballot(100 * S, 3, 70, 0);
	killed(100 * S + 20, 3, 70);
	oom_join_lost(j, "ballot", 4);
	log_event(kill_line(11, 100 * S, 70), false, 100 * S + 2 * MS);
	run(100 * S + 2 * MS, 100 * S + 50 * MS, OOM_NA);
	assert_int_equal(seen[0].ev.ballot_lost, 4);
	assert_int_equal(seen[0].ev.table_complete, 0);
	end();
}

static void test_silent(void **state)
{
	struct oom_fact f = task(OOM_FACT_MARK_VICTIM, 100 * S, 9, 70);

	(void)state;
	begin(everything());
	f.flags = OOM_FACT_SILENT;
	tell("trace", bare(OOM_FACT_MARK_VICTIM, 100 * S + 1, 70));
	tell("ballot", f);
	tell("trace", bare(OOM_FACT_REAP_START, 102 * S, 70));
	tell("trace", bare(OOM_FACT_REAP_FINISH, 102 * S + 500, 70));
	run(100 * S, 101 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_true(seen[0].first_us <= 100 * S + 100 * MS);
	assert_int_equal(seen[0].ev.outcome, OOM_OUTCOME_WILL_FREE);
	assert_int_equal(seen[0].ev.nvictims, 0);
	assert_int_equal(seen[0].ev.chosen_pid, 70);
	assert_int_equal(seen[0].ev.life[0].class, OOM_CLASS_ALREADY_EXITING);
	run(101 * S, 104 * S, OOM_NA);
	assert_int_equal(seen[0].ev.life[0].freed_by, OOM_FREED_REAPER);
	assert_int_equal(seen[0].ev.life[0].reap_end_us, 102 * S + 500);
	assert_int_equal(tally().counted, 0);
	end();
}

/* vm.oom_kill_allocating_task: nobody is looked at, and the choice has no points. */
static void test_allocating(void **state)
{
	struct oom_fact f = task(OOM_FACT_CHOSEN, 100 * S + 10, 3, 50);

	(void)state;
	begin(everything());
	tell("ballot", selection(100 * S, 3, 0));
	f.points = OOM_NA;
	tell("ballot", f);
	killed(100 * S + 20, 3, 50);
	run(100 * S, 102 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].ev.allocating_task, 1);
	assert_int_equal(seen[0].ev.ballot, OOM_BALLOT_NONE);
	end();
}

static void test_log_lost(void **state)
{
	const struct oom_event *ev = &seen[0].ev;

	(void)state;
	begin(everything());
	ballot(100 * S, 3, 70, 7);
	killed(100 * S + 20, 3, 70);
	/* while the parser is inside a report the kill line may still come */
	for (int64_t t = 100 * S; t < 101 * S; t += 100 * MS) {
		oom_join_log_read(j, true, t);
		pull(t);
	}
	assert_int_equal(nseen, 0);
	run(101 * S, 101 * S + 100 * MS, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(ev->outcome, OOM_OUTCOME_KILLED);
	assert_int_equal(ev->boot_us, 100 * S);
	assert_int_equal(ev->nvictims, 1);
	assert_int_equal(ev->victim[0].pid, 70);
	assert_int_equal(ev->victim[0].anon_rss_kb, 1070 * 4);
	assert_int_equal(ev->life[0].class, OOM_CLASS_LOG_LOST);
	assert_true(oom_str_is(ev->constraint, "CONSTRAINT_MEMCG"));
	assert_true(oom_str_is(ev->feeds, "ballot trace"));
	assert_true(oom_event_has_note(ev, "log_lost"));
	/* it was late, not lost: the same event, now with its lines */
	log_event(report(11, 100 * S - 300 * MS, 70), false, 102 * S);
	run(102 * S, 103 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(ev->life[0].class, OOM_CLASS_LOGGED);
	assert_int_equal(tally().by_class[OOM_CLASS_LOG_LOST], 0);
	assert_int_equal(tally().by_class[OOM_CLASS_LOGGED], 1);
	assert_int_equal(tally().counted, 1);
	end();
}

/* One report, three deaths; the tracepoints know nothing of groups. */
static void test_group(void **state)
{
	struct oom_join_opts o = everything();
	struct oom_event ev = report(11, 100 * S, 70);

	(void)state;
	o.has_ballot = false;
	o.oom_kill = 40;
	begin(o);
	for (int pid = 70; pid < 73; pid++)
		tell("trace", bare(OOM_FACT_MARK_VICTIM, 100 * S + pid * 10, pid));
	add_victim(&ev, 71);
	add_victim(&ev, 72);
	for (int i = 0; i < 4; i++) {
		struct oom_raw *raw = oom_event_add_raw(&ev);

		raw->line = 50 + i;
		raw->text = OOM_STR("<3>Memory cgroup out of memory: Killed process 70 (hog)");
	}
	log_event(ev, false, 100 * S + 1 * MS);
	run(100 * S, 120 * S, 44);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].ev.nlives, 3);
	assert_int_equal(seen[0].ev.life[0].class, OOM_CLASS_LOGGED);
	assert_int_equal(seen[0].ev.life[1].class, OOM_CLASS_GROUP_MEMBER);
	assert_int_equal(seen[0].ev.life[2].class, OOM_CLASS_GROUP_MEMBER);
	assert_int_equal(tally().counted, 4);         /* the first twice */
	end();
}

/* A dying process has many threads; each may be marked, the process dies once. */
static void test_threads(void **state)
{
	struct oom_fact f;

	(void)state;
	begin(everything());
	ballot(100 * S, 3, 70, 0);
	killed(100 * S + 20, 3, 70);
	for (int i = 1; i < 40; i++) {
		tell("trace", bare(OOM_FACT_MARK_VICTIM, 100 * S + i * MS + 1, 70 + i));
		f = task(OOM_FACT_MARK_VICTIM, 100 * S + i * MS, 3 + i, 70 + i);
		f.tgid = 70;
		f.start_us = 70000;
		f.flags = OOM_FACT_SILENT;
		tell("ballot", f);
	}
	log_event(report(11, 100 * S, 70), false, 100 * S + 50 * MS);
	run(100 * S + 50 * MS, 105 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].ev.nlives, 1);
	assert_int_equal(seen[0].ev.life[0].class, OOM_CLASS_LOGGED);
	assert_int_equal(seen[0].ev.life[0].pid, 70);
	assert_int_equal(tally().counted, 1);
	end();
}

/* The tracepoints tell pids alone, and pids come again. */
static void test_pid_again(void **state)
{
	struct oom_join_opts o = everything();

	(void)state;
	o.has_ballot = o.has_exits = false;
	begin(o);
	for (int i = 0; i < 3; i++) {
		int64_t us = (100 + 20 * i) * S;

		tell("trace", bare(OOM_FACT_MARK_VICTIM, us, 70));
		log_event(report(11 + 100 * i, us - 900 * MS, 70), false, us + 1 * MS);
		tell("trace", bare(OOM_FACT_REAP_FINISH, us + 2 * S + i, 70));
		run(us + 1 * MS, us + 10 * S, OOM_NA);
		log_event(report(11 + 100 * i, us - 900 * MS, 70), true, us + 10 * S);
	}
	run(150 * S, 300 * S, OOM_NA);
	assert_int_equal(nseen, 3);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(seen[i].ev.nlives, 1);
		assert_int_equal(seen[i].ev.life[0].marked_us, (100 + 20 * i) * S);
		assert_int_equal(seen[i].ev.life[0].reap_end_us, (102 + 20 * i) * S + i);
	}
	end();
}

/* ---- the victim's life ------------------------------------------------------------------------------------------ */

static void attempt(int64_t us, int64_t pid, bool partial)
{
	tell("ballot", bare(OOM_FACT_REAP_START, us, pid));
	tell("trace", bare(OOM_FACT_REAP_START, us + 1, pid));
	if (partial)
		tell("ballot", fact(OOM_FACT_REAP_PARTIAL, us + 500, OOM_NA, pid));
	tell("ballot", bare(OOM_FACT_REAP_FINISH, us + 510, pid));
	tell("trace", bare(OOM_FACT_REAP_FINISH, us + 511, pid));
}

static void reaper_skips(int64_t us, int64_t pid)
{
	tell("trace", bare(OOM_FACT_REAP_SKIP, us + 1, pid));
	tell("ballot", bare(OOM_FACT_REAP_SKIP, us, pid));
}

static void stuck(int64_t us, int64_t round, int64_t pid)
{
	ballot(us, round, pid, 0);
	killed(us + 20, round, pid);
	log_event(report(us / MS, us, pid), true, us + 1 * MS);
}

/* It had to leave parts twice, then it got all: the first end is none. */
static void test_reaped_at_last(void **state)
{
	const struct oom_life *l;

	(void)state;
	begin(everything());
	stuck(100 * S, 3, 70);
	tell("ballot", bare(OOM_FACT_WAKE_REAPER, 102 * S, 70));
	reaper_skips(102 * S + 100 * MS, 70);
	attempt(102 * S + 200 * MS, 70, true);
	attempt(102 * S + 300 * MS, 70, true);
	attempt(102 * S + 400 * MS, 70, false);
	tell("ballot", fact(OOM_FACT_EXIT_MMAP_BEGIN, 103 * S, OOM_NA, 70));
	tell("ballot", fact(OOM_FACT_EXIT_MMAP_END, 104 * S, OOM_NA, 70));
	tell("ballot", fact(OOM_FACT_FREED, 105 * S, OOM_NA, 70));
	run(106 * S, 120 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	l = &seen[0].ev.life[0];
	assert_int_equal(l->woken_us, 102 * S);
	assert_int_equal(l->reap_skips, 1);           /* two feeds told of it */
	assert_int_equal(l->reap_start_us, 102 * S + 200 * MS);
	assert_int_equal(l->reap_end_us, 102 * S + 400 * MS + 510);
	assert_int_equal(l->freed_by, OOM_FREED_REAPER);
	end();
}

static void test_exit_before_reaper(void **state)
{
	(void)state;
	begin(everything());
	stuck(100 * S, 3, 70);
	tell("ballot", fact(OOM_FACT_EXIT_MMAP_BEGIN, 101 * S, OOM_NA, 70));
	tell("ballot", bare(OOM_FACT_REAP_START, 102 * S, 70));
	tell("ballot", fact(OOM_FACT_EXIT_MMAP_END, 102 * S + 1, OOM_NA, 70));
	tell("ballot", bare(OOM_FACT_REAP_FINISH, 102 * S + 2, 70));
	run(103 * S, 120 * S, OOM_NA);
	assert_int_equal(seen[0].ev.life[0].freed_by, OOM_FREED_EXIT_MMAP);
	end();
}

/* Nobody within a minute, then somebody after all. */
static void test_nobody_frees(void **state)
{
	struct oom_fact f = fact(OOM_FACT_ABORTED, 103 * S, OOM_NA, 70);

	(void)state;
	begin(everything());
	f.count = 400;
	tell("ballot", fact(OOM_FACT_ABORTED, 99 * S, OOM_NA, 71));      /* nobody's */
	stuck(100 * S, 3, 70);
	tell("ballot", f);
	f.count = 22;
	tell("ballot", f);
	run(103 * S, 159 * S, OOM_NA);
	assert_int_equal(seen[0].ev.life[0].freed_by, OOM_FREED_UNSEEN);
	run(159 * S, 200 * S, OOM_NA);
	assert_int_equal(seen[0].ev.life[0].freed_by, OOM_FREED_NOBODY);
	assert_int_equal(seen[0].ev.life[0].aborted_rounds, 422);
	gone(200 * S, 70);
	run(200 * S, 300 * S, OOM_NA);
	assert_int_equal(seen[0].ev.life[0].freed_by, OOM_FREED_EXIT_MMAP);
	assert_int_equal(seen[0].ev.life[0].exit_end_us, 200 * S + 200);
	assert_in_range(seen[0].outs, 3, 5);
	assert_int_equal(oom_join_deadline(j), INT64_MAX);
	end();
}

/* Only who can see the end of the memory may say that it never came. */
static void test_unseen_end(void **state)
{
	struct oom_join_opts o = everything();

	(void)state;
	o.has_ballot = o.has_exits = false;
	begin(o);
	tell("trace", bare(OOM_FACT_MARK_VICTIM, 100 * S, 70));
	log_event(report(11, 100 * S, 70), true, 100 * S + 1);
	run(100 * S, 300 * S, OOM_NA);
	assert_int_equal(seen[0].ev.life[0].freed_by, OOM_FREED_UNSEEN);
	assert_int_equal(seen[0].ev.life[0].next_selected_us, OOM_NA);
	assert_int_equal(seen[0].outs, 1);
	end();
}

/* Aborted rounds are told before the mark that they wait for has been read. */
static void test_told_too_early(void **state)
{
	struct oom_fact f = fact(OOM_FACT_ABORTED, 100 * S + 100, OOM_NA, 70);

	(void)state;
	begin(everything());
	f.count = 5;
	tell("ballot", f);
	stuck(100 * S, 3, 70);
	run(100 * S + 2 * MS, 110 * S, OOM_NA);
	assert_int_equal(seen[0].ev.life[0].aborted_rounds, 5);
	end();
}

/* ---- was the second kill needless? ------------------------------------------------------------------------------ */

static int64_t next_after(int64_t first_memcg, int64_t second_memcg, int64_t second_us)
{
	int64_t next;

	begin(everything());
	ballot(100 * S, 3, 70, first_memcg);
	killed(100 * S + 20, 3, 70);
	log_event(report(11, 100 * S, 70), true, 100 * S + 1 * MS);
	ballot(second_us, 4, 80, second_memcg);
	killed(second_us + 20, 4, 80);
	log_event(report(111, second_us, 80), true, second_us + 1 * MS);
	gone(101 * S, 70);                            /* its end: 200 us later */
	gone(second_us + 50 * MS, 80);
	run(102 * S, 120 * S, OOM_NA);
	assert_int_equal(nseen, 2);
	next = seen[0].ev.life[0].next_selected_us;
	assert_int_equal(seen[1].ev.life[0].next_selected_us, OOM_NA);
	end();
	return next;
}

static void test_next_selected(void **state)
{
	const int64_t early = 100 * S + 500 * MS, late = 101 * S + 300;

	(void)state;
	assert_int_equal(next_after(0, 0, early), early + 10);
	assert_int_equal(next_after(0, 0, late), OOM_NA);
	assert_int_equal(next_after(7, 0, early), early + 10);         /* its memory is the machine's, too */
	assert_int_equal(next_after(7, 7, early), early + 10);
	assert_int_equal(next_after(0, 8, early), early + 10);         /* it sat in that group */
	assert_int_equal(next_after(8, 7, early), early + 10);         /* ... or below it */
	assert_int_equal(next_after(7, 9, early), OOM_NA);             /* a stranger's limit */
}

/* ---- log and counter ---------------------------------------------------------------------------------------------- */

static void test_silent_or_lost(void **state)
{
	struct oom_join_opts o = everything();

	(void)state;
	o.has_ballot = o.has_exits = false;
	o.oom_kill = 40;
	begin(o);
	tell("trace", bare(OOM_FACT_MARK_VICTIM, 100 * S, 70));
	run(100 * S, 110 * S, 40);
	tell("trace", bare(OOM_FACT_MARK_VICTIM, 110 * S, 80));
	run(110 * S, 120 * S, 41);
	assert_int_equal(nseen, 2);
	assert_int_equal(seen[0].ev.life[0].class, OOM_CLASS_ALREADY_EXITING);
	assert_int_equal(seen[0].ev.outcome, OOM_OUTCOME_WILL_FREE);
	assert_int_equal(seen[1].ev.life[0].class, OOM_CLASS_LOG_LOST);
	assert_int_equal(seen[1].ev.outcome, OOM_OUTCOME_KILLED);
	assert_int_equal(tally().counted, 1);
	end();
}

/* A kill of which the log has lost the line, in the middle of others, while the log is never read to its end. */
static void test_lost_in_a_storm(void **state)
{
	struct oom_join_opts o = everything();

	(void)state;
	o.has_ballot = o.has_exits = false;
	o.oom_kill = 40;
	begin(o);
	tell("trace", bare(OOM_FACT_MARK_VICTIM, 100 * S - 10 * MS, 70));
	for (int i = 0; i < 40; i++) {
		int64_t now = 100 * S + i * 80 * MS;

		tell("trace", bare(OOM_FACT_MARK_VICTIM, now, 80 + i));
		log_event(kill_line(11 + i, now, 80 + i), true, now);
		for (int turn = 0; turn < 20; turn++, now += 4 * MS) {
			oom_join_log_read(j, true, now);
			if (oom_join_wants_counter(j, now))
				oom_join_counter(j, 42 + i, now);
			pull(now);
		}
	}
	run(104 * S, 120 * S, 81);
	assert_int_equal(nseen, 41);
	assert_int_equal(tally().by_class[OOM_CLASS_ALREADY_EXITING], 0);
	assert_int_equal(tally().by_class[OOM_CLASS_LOG_LOST], 1);
	assert_int_equal(tally().counted, 41);
	end();
}

static void test_unseen_kills(void **state)
{
	struct oom_join_opts o = everything();

	(void)state;
	o.oom_kill = 40;
	begin(o);
	run(100 * S, 101 * S, 40);
	oom_join_counter(j, 43, 101 * S);
	run(101 * S, 102 * S, 43);
	assert_int_equal(nseen, 0);                   /* whoever died may yet be told */
	stuck(102 * S, 3, 70);
	run(102 * S + 1 * MS, 110 * S, 43);
	assert_int_equal(nseen, 2);
	assert_true(oom_event_has_note(&seen[1].ev, "unseen_kills"));
	assert_non_null(strstr(seen[1].ev.note[0].text.p, "counted 2 kills"));
	assert_int_equal(seen[1].ev.life[0].class, OOM_CLASS_LOG_LOST);
	assert_int_equal(tally().by_class[OOM_CLASS_LOG_LOST], 2);
	assert_int_equal(tally().counted, 3);
	assert_int_equal(oom_join_past(j, OOM_NA).oom_kill, 43);
	/* a restart that reads the report again must not count it twice */
	assert_int_equal(oom_join_past(j, 102 * S / MS).oom_kill, 42);
	assert_int_equal(oom_join_past(j, 102 * S / MS + 1).oom_kill, 43);
	end();
}

/* Names of processes and cgroups that look like the kernel's line of a kill. */
static void test_hostile_lines(void **state)
{
	static const char *const lines[] = {
		"[  70] 0 70 19137 18432 180224 0 0 Killed process ",
		"oom-kill:constraint=CONSTRAINT_MEMCG,cpuset=Killed process 1 (x),task=x,pid=70,uid=0",
		"oom-kill:constraint=CONSTRAINT_MEMCG,cpuset=/,oom_memcg=/Killed process 1 (x),task=x,pid=70,uid=0",
		"Tasks in /a/Killed process 1 (x) are going to be killed due to memory.oom.group set",
		"Memory cgroup out of memory: Killed process 70 (Killed process ) total-vm:76548kB",
	};
	struct oom_join_opts o = everything();
	struct oom_event ev = report(11, 100 * S, 70);

	(void)state;
	o.oom_kill = 40;
	begin(o);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(lines); i++)
		oom_event_add_raw(&ev)->text = oom_str_from(lines[i]);
	log_event(ev, true, 100 * S + 2 * MS);
	run(100 * S + 2 * MS, 110 * S, 41);
	assert_int_equal(tally().counted, 1);
	assert_int_equal(oom_join_past(j, OOM_NA).oom_kill, 41);
	end();
}

/* The log's backlog is older than we are: the counter had it before. */
static void test_backlog(void **state)
{
	struct oom_join_opts o = everything();

	(void)state;
	o.oom_kill = 40;
	o.since_line = 100 * 600 + 1;
	begin(o);
	for (int i = 0; i < 600; i++) {
		log_event(report(100 * i + 1, (100 + i) * S, 70), true, 1000 * S);
		pull(1000 * S);
	}
	assert_int_equal(nseen, 600);
	assert_int_equal(nputs, 600);
	assert_int_equal(seen[0].decided_us, OOM_NA);
	assert_int_equal(seen[599].ev.life[0].class, OOM_CLASS_LOGGED);
	run(1000 * S, 1010 * S, 40);
	assert_int_equal(nseen, 600);
	assert_int_equal(oom_join_deadline(j), INT64_MAX);
	assert_int_equal(tally().counted, 0);
	end();
}

/* A run that is killed, and the next one that reads from the mark on: together they count what the kernel counts. */
static void restart(int killed_at, int kills, int unseen)
{
	struct oom_join_opts o = everything();
	struct oom_join_past past;
	int64_t line = 200 * killed_at + 1;

	o.oom_kill = 40;
	begin(o);
	for (int i = 0; i < kills; i++) {
		log_event(report(200 * i + 1, (100 + i) * S, 70 + i), true, 400 * S);
		pull(400 * S);
	}
	assert_int_equal(tally().counted, kills);
	past = oom_join_past(j, line);
	assert_int_equal(past.kills, killed_at);
	assert_int_equal(past.oom_kill, 40 + killed_at);
	oom_join_free(j);
	for (size_t i = 0; i < nseen; i++)
		oom_event_release(&seen[i].ev);

	o.oom_kill = past.oom_kill;
	begin(o);
	for (int i = killed_at; i < kills; i++) {
		log_event(report(200 * i + 1, (100 + i) * S, 70 + i), true, 400 * S);
		pull(400 * S);
	}
	run(400 * S, 410 * S, 40 + kills + unseen);
	assert_int_equal(past.kills + tally().counted, kills + unseen);
	assert_int_equal(tally().by_class[OOM_CLASS_LOG_LOST], unseen);
	assert_int_equal(oom_join_past(j, OOM_NA).oom_kill, 40 + kills + unseen);
	end();
}

static void test_counted_again(void **state)
{
	(void)state;
	for (int killed_at = 0; killed_at <= 12; killed_at++)
		restart(killed_at, 12, killed_at % 4);
}

/* Kills that the counter had before we began are no news; but if a restart reads their lines again, they are. */
static void test_counted_before(void **state)
{
	struct oom_join_opts o = everything();

	(void)state;
	o.oom_kill = 40;
	o.since_line = 201;
	begin(o);
	for (int i = 0; i < 3; i++)
		log_event(report(200 * i + 1, (100 + i) * S, 70 + i), i > 0, 103 * S);
	/* the oldest is still in the parser's hands, the others were put out and left their slots */
	run(103 * S, 150 * S, 42);
	assert_int_equal(nseen, 3);
	assert_int_equal(tally().counted, 2);
	assert_int_equal(oom_join_past(j, 401).kills, 1);
	assert_int_equal(oom_join_past(j, 401).oom_kill, 41);
	assert_int_equal(oom_join_past(j, 1).kills, 0);
	assert_int_equal(oom_join_past(j, 1).oom_kill, 39);
	end();
}

/* What is counted and not yet put out is not past: a restart must find it again. */
static void test_unseen_is_not_yet_past(void **state)
{
	struct oom_join_opts o = everything();
	struct oom_join_out out;

	(void)state;
	o.oom_kill = 40;
	begin(o);
	run(100 * S, 101 * S, 40);
	oom_join_counter(j, 43, 101 * S);
	oom_join_counter(j, 43, 103 * S);
	oom_alloc_fail_at(1);
	assert_int_equal(oom_join_next(j, 103 * S, &out), -12);
	oom_alloc_fail_at(0);
	assert_int_equal(oom_join_past(j, OOM_NA).oom_kill, 40);
	pull(103 * S);
	assert_int_equal(nseen, 1);
	assert_int_equal(oom_join_past(j, OOM_NA).oom_kill, 43);
	assert_int_equal(oom_join_past(j, OOM_NA).kills, 3);
	end();
}

/* A log that cannot be read any more is not waited for. */
static void test_log_ends(void **state)
{
	struct oom_join_opts o = everything();

	(void)state;
	begin(o);
	ballot(100 * S, 3, 70, 0);
	killed(100 * S + 20, 3, 70);
	pull(100 * S + 200 * MS);
	assert_int_equal(nseen, 0);
	o.has_log = false;
	oom_join_witnesses(j, &o);
	assert_true(oom_join_deadline(j) <= 100 * S + 200 * MS);
	pull(100 * S + 200 * MS);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].ev.life[0].class, OOM_CLASS_LOG_LOST);
	assert_true(oom_str_is(seen[0].ev.feeds, "ballot trace"));
	end();
}

/* No log: what the ballot and the marks say is all there is, and soon. */
static void test_without_a_log(void **state)
{
	struct oom_join_opts o = everything();

	(void)state;
	o.has_log = false;
	begin(o);
	ballot(100 * S, 3, 70, 0);
	for (int pid = 70; pid < 73; pid++)
		killed(100 * S + pid, 3, pid);
	tell("ballot", task(OOM_FACT_KILL, 100 * S + 90, 3, 70));        /* a member of its own group */
	run(100 * S, 110 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_true(seen[0].first_us <= 100 * S + 200 * MS);
	assert_int_equal(seen[0].ev.nvictims, 3);
	assert_int_equal(seen[0].ev.victim[0].role, OOM_ROLE_CHOSEN);
	assert_int_equal(seen[0].ev.victim[1].role, OOM_ROLE_GROUP);
	assert_int_equal(seen[0].ev.life[0].class, OOM_CLASS_LOG_LOST);
	assert_int_equal(seen[0].ev.life[2].class, OOM_CLASS_GROUP_MEMBER);
	assert_int_equal(seen[0].ev.scope, OOM_SCOPE_GLOBAL);
	assert_int_equal(seen[0].ev.gfp_mask, 0xcc0);
	assert_int_equal(tally().counted, 4);
	end();
}

/* The kill line did not make it into the log, its report did. */
static void test_report_without_kill(void **state)
{
	struct oom_event ev = report(11, 100 * S, 70);

	(void)state;
	begin(everything());
	ballot(100 * S, 3, 70, 0);
	killed(100 * S + 20, 3, 70);
	ev.nvictims = 0;
	ev.outcome = OOM_OUTCOME_TRUNCATED;
	log_event(ev, true, 100 * S + 300 * MS);
	run(100 * S + 300 * MS, 110 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].ev.outcome, OOM_OUTCOME_KILLED);
	assert_int_equal(seen[0].ev.victim[0].pid, 70);
	assert_int_equal(seen[0].ev.life[0].class, OOM_CLASS_LOG_LOST);
	end();
}

static void test_truncated_table(void **state)
{
	struct oom_event ev = report(11, 100 * S, 70);

	(void)state;
	begin(everything());
	ballot(100 * S, 3, 70, 0);
	killed(100 * S + 20, 3, 70);
	ev.ntasks = 1;
	ev.table_complete = 0;
	log_event(ev, true, 100 * S + 1 * MS);
	run(100 * S + 1 * MS, 101 * S, OOM_NA);
	assert_int_equal(seen[0].ev.ntasks, 3);
	assert_int_equal(seen[0].ev.has_table, 1);
	assert_int_equal(seen[0].ev.table_complete, 1);
	end();
}

/* A walk sees all processes; the log says whose limit it was. */
static void test_walk(void **state)
{
	struct oom_event ev = report(11, 100 * S, 70);

	(void)state;
	begin(everything());
	for (int i = 0; i < 4; i++) {
		struct oom_fact f = task(i ? OOM_FACT_CANDIDATE : OOM_FACT_SELECTION, 100 * S, 3, 67 + i);

		f.flags = OOM_FACT_RECONSTRUCTED;
		f.memcg_id = i == 1 ? 9 : i ? 8 : OOM_NA;
		f.points = OOM_NA;
		tell("walk", f);
	}
	tell("walk", task(OOM_FACT_MARK_VICTIM, 100 * S + 5, 3, 70));
	ev.has_table = ev.table_complete = 0;          /* oom_dump_tasks is off */
	ev.ntasks = 0;
	ev.scope = OOM_SCOPE_MEMCG;
	ev.oom_memcg = OOM_STR("/a");
	ev.constraint = OOM_STR("CONSTRAINT_MEMCG");
	log_event(ev, true, 100 * S + 1 * MS);
	run(100 * S + 1 * MS, 101 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].ev.ballot, OOM_BALLOT_RECONSTRUCTED);
	assert_int_equal(seen[0].ev.ntasks, 2);
	assert_int_equal(seen[0].ev.task[0].pid, 69);
	assert_int_equal(seen[0].ev.task[0].kernel_points, OOM_NA);
	assert_int_equal(seen[0].ev.table_complete, 1);
	end();
}

static void test_no_victim(void **state)
{
	struct oom_event ev = report(11, 100 * S, 70);

	(void)state;
	begin(everything());
	tell("ballot", selection(100 * S, 3, 0));
	tell("ballot", task(OOM_FACT_CANDIDATE, 100 * S, 3, 60));
	tell("ballot", fact(OOM_FACT_NO_VICTIM, 100 * S + 50, 3, 50));
	ev.nvictims = 0;
	ev.chosen_pid = OOM_NA;
	ev.trigger_pid = 50;
	ev.outcome = OOM_OUTCOME_NO_KILLABLE;
	log_event(ev, true, 100 * S + 1 * MS);
	/* told once a second, and logged no more */
	tell("ballot", selection(101 * S, 4, 0));
	tell("ballot", fact(OOM_FACT_NO_VICTIM, 101 * S + 50, 4, 50));
	run(101 * S, 120 * S, OOM_NA);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen[0].ev.outcome, OOM_OUTCOME_NO_KILLABLE);
	assert_int_equal(seen[0].ev.nlives, 0);
	assert_int_equal(seen[0].ev.task[0].kernel_points, 1060 + 18);
	assert_int_equal(tally().counted, 0);
	assert_int_equal(oom_join_deadline(j), INT64_MAX);
	end();
}

/* ---- bounds ----------------------------------------------------------------------------------------------------- */

static void test_too_many(void **state)
{
	struct oom_fact f;
	int64_t us = 100 * S;
	int kills = 0;

	(void)state;
	begin(everything());
	for (int i = 0; i < 300; i++, us += 100) {
		ballot(us, i + 1, 1000 + i, 0);
		killed(us + 20, i + 1, 1000 + i);
		kills++;
		pull(us);
	}
	assert_int_equal(nseen, 300 - 256);            /* the oldest were given up to make room */
	assert_int_equal(seen[0].ev.life[0].pid, 1000);
	/* slots are finite between two calls of next() */
	for (;; kills++, us += 100) {
		f = task(OOM_FACT_MARK_VICTIM, us, 1000 + kills, 1000 + kills);
		if (oom_join_fact(j, "ballot", &f, us))
			break;
	}
	assert_int_equal(kills, 300 + 320 - 256);
	pull(us);
	tell("ballot", f);
	run(us, us + 200 * S, OOM_NA);
	assert_int_equal(nseen, kills + 1);
	end();
}

/* A storm beyond the room: the parser keeps each report for seconds, and then hands it over once more. */
static void test_storm(void **state)
{
	struct oom_join_opts o = everything();
	int64_t us = 100 * S;

	(void)state;
	o.oom_kill = 0;
	begin(o);
	for (int i = 0; i < 700; i++, us += 20 * MS) {
		ballot(us, i + 1, 1000 + i, 0);
		killed(us + 20, i + 1, 1000 + i);
		log_event(report(100 * i + 1, us, 1000 + i), false, us + 200);
		gone(us + 300, 1000 + i);
		pull(us + 19 * MS);
	}
	assert_int_equal(tally().counted, 700);
	assert_int_equal(oom_join_past(j, 1).oom_kill, 0);
	for (int i = 0; i < 700; i++) {
		log_event(report(100 * i + 1, 100 * S + i * 20 * MS, 1000 + i), true, us + 10 * S);
		pull(us + 10 * S);
	}
	run(us + 10 * S, us + 100 * S, 700);
	assert_int_equal(nseen, 700);
	for (int i = 0; i < 700; i++) {
		assert_int_equal(seen[i].firsts, 1);
		assert_int_equal(seen[i].ev.nlives, 1);
		assert_int_equal(seen[i].ev.life[0].marked_us, 100 * S + i * 20 * MS + 25);
		assert_int_equal(seen[i].ev.ballot, OOM_BALLOT_RECORDED);
	}
	assert_int_equal(tally().by_class[OOM_CLASS_LOGGED], 700);
	assert_int_equal(tally().counted, 700);
	assert_int_equal(oom_join_past(j, OOM_NA).oom_kill, 700);
	assert_int_equal(oom_join_deadline(j), INT64_MAX);
	end();
}

static void test_large_ballots(void **state)
{
	(void)state;
	begin(everything());
	for (int i = 0; i < 40; i++) {
		int64_t us = 100 * S + i * MS;

		tell("ballot", selection(us, i + 1, 0));
		for (int k = 0; k < 4000; k++)
			tell("ballot", task(OOM_FACT_CANDIDATE, us, i + 1, 1000 + k));
		tell("ballot", task(OOM_FACT_CHOSEN, us + 10, i + 1, 1000 + i));
		killed(us + 20, i + 1, 1000 + i);
		pull(us);
	}
	assert_in_range(nseen, 20, 39);                /* 16 MB of candidates in 6 */
	assert_int_equal(seen[0].ev.ntasks, 4000);
	end();
}

static void test_memory_fails(void **state)
{
	(void)state;
	for (long n = 1; n < 400; n++) {
		struct oom_join_opts o = everything();
		struct oom_join_out out;
		struct oom_fact f;
		int r;

		begin(o);
		for (int i = 0; i < 3; i++)
			stuck(100 * S + i * 10 * MS, i + 1, 70 + i);
		oom_alloc_fail_at(n);
		for (int64_t pid = 90; pid < 99; pid++) {      /* a group, which needs room */
			f = task(OOM_FACT_KILL, 101 * S, 9, pid);
			(void)oom_join_fact(j, "ballot", &f, 101 * S);
			f = task(OOM_FACT_CANDIDATE, 101 * S, 9, pid);
			(void)oom_join_fact(j, "ballot", &f, 101 * S);
			f = bare(OOM_FACT_MARK_VICTIM, 101 * S, pid);
			(void)oom_join_fact(j, "trace", &f, 101 * S);
		}
		oom_join_finish(j);
		for (int tries = 0; (r = oom_join_next(j, 102 * S, &out)) != 0; ) {
			assert_true(r == 1 || tries++ < 2);
			if (r == 1)
				keep(&out, 102 * S);
		}
		oom_alloc_fail_at(0);
		for (int i = 0; i < 3; i++) {                  /* nothing of these got lost or doubled */
			assert_int_equal(seen[i].ev.life[0].pid, 70 + i);
			assert_int_equal(seen[i].ev.ntasks, 3);
			assert_int_equal(seen[i].ev.nnotes, 0);
			assert_int_equal(seen[i].ev.task[2].kernel_points, 1000 + 70 + i + 18);
			assert_true(oom_str_is(seen[i].ev.feeds, "log ballot trace"));
		}
		end();
	}
}

/* ---- many kills at once, told in any order -------------------------------------------------------------------- */

static uint64_t dice;

static int64_t roll(int64_t n)
{
	dice = dice * 6364136223846793005ull + 1442695040888963407ull;
	return (int64_t)((dice >> 33) % (uint64_t)n);
}

enum { LOGGED, LIMITED, SILENT, LOST, GROUP, KINDS };
enum { BALLOT, TRACE, LOG, STREAMS };
#define KILLS 60
#define ITEMS (KILLS * 80)

/* What the kernel did. */
static struct death { int kind; int64_t us, pid, n; } death[KILLS];

/* What a stream tells, and when it is read. */
static struct item { int64_t us, at; int stream, index; struct oom_fact f; int death; bool final; } item[ITEMS];
static int nitems;

static void put(int stream, struct oom_fact f)
{
	assert_true(nitems < ITEMS);
	item[nitems] = (struct item){ .us = f.mono_us, .stream = stream, .index = nitems, .f = f };
	nitems++;
}

static void put_log(int i, int64_t us, bool final)
{
	item[nitems] = (struct item){ .us = us, .stream = LOG, .index = nitems, .death = i, .final = final };
	nitems++;
}

/* Each process of its own start, even where the pid is an old one's. */
static struct oom_fact of_death(int i, int64_t kind, int64_t us, int64_t pid)
{
	struct oom_fact f = task(kind, us, i + 1, pid);

	f.start_us = 1000 * i + pid;
	return f;
}

static void put_victim(int i, int64_t us, int64_t pid, bool silent)
{
	struct oom_fact f = of_death(i, OOM_FACT_MARK_VICTIM, us + 5, pid);

	if (!silent)
		put(BALLOT, of_death(i, OOM_FACT_KILL, us, pid));
	f.flags = silent ? OOM_FACT_SILENT : 0;
	put(BALLOT, f);
	put(TRACE, bare(OOM_FACT_MARK_VICTIM, us + 6, pid));
	put(BALLOT, fact(OOM_FACT_QUEUE_REAPER, us + 20, OOM_NA, pid));
	put(BALLOT, fact(OOM_FACT_EXIT_MMAP_BEGIN, us + 3000, OOM_NA, pid));
	put(BALLOT, fact(OOM_FACT_EXIT_MMAP_END, us + 30000 + pid, OOM_NA, pid));
	put(BALLOT, fact(OOM_FACT_FREED, us + 60000, OOM_NA, pid));
}

static void put_death(int i)
{
	const struct death *d = &death[i];

	if (d->kind != SILENT) {
		put(BALLOT, selection(d->us, i + 1, 0));
		put(BALLOT, of_death(i, OOM_FACT_CANDIDATE, d->us, 60));
		put(BALLOT, of_death(i, OOM_FACT_CANDIDATE, d->us, d->pid));
		put(BALLOT, of_death(i, OOM_FACT_CHOSEN, d->us + 50, d->pid));
	}
	for (int64_t k = 0; k < d->n; k++)
		put_victim(i, d->us + 100 + 40 * k, d->pid + k, d->kind == SILENT);
	if (d->kind == LOGGED || d->kind == LIMITED || d->kind == GROUP) {
		put_log(i, d->us + 150, false);
		put_log(i, d->us + 10 * S, true);
	}
}

static struct oom_event log_of(int i, int64_t clock_off)
{
	const struct death *d = &death[i];
	struct oom_event ev = d->kind == LIMITED ? kill_line(1000 * i + 1, d->us + clock_off, d->pid)
						 : report(1000 * i + 1, d->us + clock_off, d->pid);

	for (int64_t k = 1; k < d->n; k++)
		add_victim(&ev, d->pid + k);
	for (int64_t k = 0; k < d->n + (d->n > 1); k++) {
		struct oom_raw *raw = oom_event_add_raw(&ev);

		raw->line = 1000 * i + 10 + k;
		raw->text = OOM_STR("Out of memory: Killed process 1 (hog)");
	}
	return ev;
}

/* pids come again, but only after their last owner is long gone */
static void die(int64_t least, int64_t gap)
{
	int64_t us = 1000 * S;

	nitems = 0;
	for (int i = 0; i < KILLS; i++) {
		us += least + roll(gap);
		death[i] = (struct death){ .kind = (int)roll(KINDS), .us = us, .pid = 100 + 10 * (i % 25), .n = 1 };
		if (i % 25 == 24)
			us += 8 * S;
		if (death[i].kind == GROUP)
			death[i].n = 2 + roll(3);
	}
	for (int i = 0; i < KILLS; i++)
		put_death(i);
}

static int by_arrival(const void *pa, const void *pb)
{
	const struct item *a = pa, *b = pb;

	if (a->at != b->at)
		return a->at < b->at ? -1 : 1;
	return a->us != b->us ? (a->us < b->us ? -1 : 1) : a->index - b->index;
}

/* Each stream keeps its order and is read when the loop comes to it. */
static void arrive(int64_t worst_lag)
{
	int64_t lag[STREAMS];

	for (int s = 0; s < STREAMS; s++)
		lag[s] = s == LOG ? roll(worst_lag / 4 + 1) : roll(worst_lag + 1);
	for (int i = 0; i < nitems; i++)
		item[i].at = item[i].us + lag[item[i].stream];
	qsort(item, (size_t)nitems, sizeof(item[0]), by_arrival);
}

static int64_t counted_by(int64_t us)
{
	int64_t n = 0;

	for (int i = 0; i < KILLS; i++)
		if (death[i].kind != SILENT && death[i].us <= us)
			n += death[i].n + (death[i].n > 1);
	return n;
}

static void turns(int64_t now, int64_t until)
{
	for (int n = 0; now < until; n++) {
		int64_t due;

		assert_true(n < 5000);
		oom_join_log_read(j, false, now);
		if (oom_join_wants_counter(j, now))
			oom_join_counter(j, 70 + counted_by(now), now);
		pull(now);
		due = oom_join_deadline(j);
		now = due > now + MS ? due : now + MS;
	}
}

static void play(unsigned streams, int64_t clock_off)
{
	for (int i = 0; i < nitems; i++) {
		const struct item *it = &item[i];

		if (!(streams >> it->stream & 1)) {
			/* nobody tells */
		} else if (it->stream == LOG) {
			struct oom_event ev = log_of(it->death, clock_off);

			assert_int_equal(oom_join_log(j, &ev, it->final, it->at), 0);
		} else {
			assert_int_equal(oom_join_fact(j, it->stream == BALLOT ? "ballot" : "trace", &it->f, it->at), 0);
		}
		turns(it->at, i + 1 < nitems ? item[i + 1].at : it->at + 100 * S);
	}
}

static const struct oom_life *life_of(int i, int64_t pid, size_t *ret)
{
	const struct oom_life *found = NULL;

	for (size_t e = 0; e < nseen; e++)
		for (size_t k = 0; k < seen[e].ev.nlives; k++) {
			const struct oom_life *l = &seen[e].ev.life[k];

			if (l->pid != pid || llabs(l->marked_us - death[i].us) > 100000)
				continue;
			assert_null(found);           /* exactly once */
			found = l;
			*ret = e;
		}
	return found;
}

static int64_t class_of(const struct death *d, int64_t k)
{
	static const int64_t class[] = {
		[LOGGED] = OOM_CLASS_LOGGED, [LIMITED] = OOM_CLASS_RATE_LIMITED, [SILENT] = OOM_CLASS_ALREADY_EXITING,
		[LOST] = OOM_CLASS_LOG_LOST, [GROUP] = OOM_CLASS_LOGGED,
	};

	return k ? OOM_CLASS_GROUP_MEMBER : class[d->kind];
}

static void check_life(int i, int64_t k, unsigned streams)
{
	const struct death *d = &death[i];
	int64_t us = d->us + 100 + 40 * k;
	size_t e = 0;
	const struct oom_life *l = life_of(i, d->pid + k, &e);

	assert_non_null(l);
	assert_int_equal(l->class, class_of(d, k));
	assert_int_equal(seen[e].ev.nlives, d->n);
	assert_int_equal(seen[e].firsts, 1);
	assert_in_range(seen[e].outs, 1, 4);
	if (!(streams >> BALLOT & 1))
		return;
	assert_in_range(l->marked_us, us + 5, us + 6);     /* either feed may be the first that is stored */
	assert_int_equal(l->start_us, 1000 * i + d->pid + k);
	assert_int_equal(l->exit_end_us, us + 30000 + d->pid + k);
	assert_int_equal(l->freed_us, us + 60000);
	assert_int_equal(l->freed_by, OOM_FREED_EXIT_MMAP);
	if (d->kind != SILENT)
		assert_int_equal(seen[e].ev.ballot, OOM_BALLOT_RECORDED);
}

static void check_deaths(unsigned streams)
{
	int64_t want[5] = { 0 };

	assert_int_equal(nseen, KILLS);
	for (int i = 0; i < KILLS; i++)
		for (int64_t k = 0; k < death[i].n; k++) {
			check_life(i, k, streams);
			want[class_of(&death[i], k)]++;
		}
	for (int k = 0; k < 5; k++)
		assert_int_equal(tally().by_class[k], want[k]);
	assert_int_equal(tally().counted, counted_by(INT64_MAX));
	assert_int_equal(oom_join_past(j, OOM_NA).oom_kill, 70 + counted_by(INT64_MAX));
}

/* Every kill exactly once, in its class, whatever the order and whichever feeds there are. */
static void test_any_order(void **state)
{
	static const struct { unsigned streams; int64_t least, gap, lag; } setups[] = {
		{ 7, 200, 3000, 0 }, { 7, 200, 3000, 250 * MS }, { 7, 200, 300 * MS, 250 * MS },
		{ 1 << BALLOT | 1 << LOG, 200, 20 * MS, 250 * MS },
		/* the counter tells a silent mark from a lost line, if they do not come at once */
		{ 1 << TRACE | 1 << LOG, 1500 * MS, 3 * S, 100 * MS },
	};

	(void)state;
	for (int n = 0; n < 100; n++) {
		unsigned streams = setups[n % 5].streams;
		struct oom_join_opts o = everything();

		dice = (uint64_t)n * 77 + 5;
		o.oom_kill = 70;
		o.has_ballot = o.has_exits = streams >> BALLOT & 1;
		begin(o);
		die(setups[n % 5].least, setups[n % 5].gap);
		arrive(setups[n % 5].lag);
		play(streams, roll(2 * S) - 1 * S);
		check_deaths(streams);
		end();
	}
}

int test_join(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logged),
		cmocka_unit_test(test_ballot_of_a_logged_kill),
		cmocka_unit_test(test_rate_limited),
		cmocka_unit_test(test_walk_without_domain),
		cmocka_unit_test(test_lost_candidates),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_allocating),
		cmocka_unit_test(test_log_lost),
		cmocka_unit_test(test_group),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_pid_again),
		cmocka_unit_test(test_reaped_at_last),
		cmocka_unit_test(test_exit_before_reaper),
		cmocka_unit_test(test_nobody_frees),
		cmocka_unit_test(test_unseen_end),
		cmocka_unit_test(test_told_too_early),
		cmocka_unit_test(test_next_selected),
		cmocka_unit_test(test_silent_or_lost),
		cmocka_unit_test(test_lost_in_a_storm),
		cmocka_unit_test(test_unseen_kills),
		cmocka_unit_test(test_hostile_lines),
		cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_counted_again),
		cmocka_unit_test(test_counted_before),
		cmocka_unit_test(test_unseen_is_not_yet_past),
		cmocka_unit_test(test_log_ends),
		cmocka_unit_test(test_without_a_log),
		cmocka_unit_test(test_report_without_kill),
		cmocka_unit_test(test_truncated_table),
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_no_victim),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_large_ballots),
		cmocka_unit_test(test_memory_fails),
		cmocka_unit_test(test_any_order),
	};

	return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
