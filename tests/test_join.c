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
		.since_us = OOM_NA, .oom_kill = OOM_NA, .cgroup_path = path_of,
	};
}

static void begin(struct oom_join_opts o)
{
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
		assert_false(out->first);
		/* the parts of the latest version; what only an earlier one had stays with the store */
		if (!out->ev.ntasks && !out->ev.nvictims && !out->ev.nraw) {
			struct oom_event *ev = &seen[i].ev;

			ev->nlives = 0;
			for (size_t k = 0; k < out->ev.nlives; k++) {
				struct oom_life *l = oom_event_add_life(ev);

				*l = out->ev.life[k];
				assert_int_equal(oom_arena_str(&ev->arena, l->comm, &l->comm), 0);
				assert_int_equal(oom_arena_str(&ev->arena, l->cgroup, &l->cgroup), 0);
			}
			oom_event_release(&out->ev);
		} else {
			oom_event_release(&seen[i].ev);
			seen[i].ev = out->ev;
		}
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
	memset(seen, 0, sizeof(seen));
	nseen = 0;
	nputs = 0;
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

int test_join(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_logged),
		cmocka_unit_test(test_ballot_of_a_logged_kill),
		cmocka_unit_test(test_rate_limited),
		cmocka_unit_test(test_lost_candidates),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_allocating),
		cmocka_unit_test(test_log_lost),
		cmocka_unit_test(test_group),
	};

	return cmocka_run_group_tests_name("join", tests, NULL, NULL);
}
