/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two accounts of one event made into one: who wins, what stays apart, and that doing it twice is doing it once. */
#include "unit.h"
#include "test_event.h"

#include <errno.h>
#include <string.h>

#include <oomlens/fact.h>

static void merge(struct oom_event *ev, const struct oom_event *from)
{
	struct oom_event once;

	assert_int_equal(oom_event_merge(ev, from), 0);
	assert_int_equal(oom_event_clone(&once, ev), 0);
	assert_int_equal(oom_event_merge(ev, from), 0);
	test_event_same(&once, ev);
	oom_event_release(&once);
}

static struct oom_task *add_task(struct oom_event *ev, int64_t pid, int64_t tgid)
{
	struct oom_task *t = oom_event_add_task(ev);

	t->pid = pid;
	t->tgid = tgid;
	return t;
}

/* What the kernel log gives of a kill among pids 10, 20 ... */
static void a_log(struct oom_event *ev, int n)
{
	oom_event_init(ev);
	ev->path = OOM_STR("/dev/kmsg");
	ev->first_line = 100;
	ev->boot_us = 5000000;
	ev->kernel = OOM_STR("6.1.0");
	ev->kernel_from = OOM_STR("header");
	ev->outcome = OOM_OUTCOME_KILLED;
	ev->scope = OOM_SCOPE_GLOBAL;
	ev->has_invoked = ev->has_table = ev->table_complete = 1;
	ev->at[OOM_AT_TABLE] = 110;
	ev->chosen_pid = 20;
	ev->feeds = OOM_STR("log");
	for (int i = 1; i <= n; i++) {
		struct oom_task *t = add_task(ev, 10 * i, 10 * i);

		t->rss_pages = 100 * i;
		t->line = 110 + i;
	}
	oom_event_add_victim(ev)->pid = 20;
	ev->victim[0].line = 130;
	oom_event_add_raw(ev)->line = 100;
	ev->raw[0].text = OOM_STR("hog invoked oom-killer");
}

/* What a feed gives of it. */
static void a_ballot(struct oom_event *ev, int n)
{
	oom_event_init(ev);
	ev->origin = OOM_ORIGIN_RECORD;
	ev->boot_us = 5000123;
	ev->total_pages = 4000;
	ev->chosen_pid = 20;
	ev->feeds = OOM_STR("ballot trace");
	ev->ballot = OOM_BALLOT_RECORDED;
	ev->ballot_lost = 0;
	for (int i = 1; i <= n; i++) {
		struct oom_task *t = add_task(ev, 10 * i, 10 * i);

		t->rss_pages = 1;
		t->kernel_points = 1000 * i;
		t->kernel_flags = 0;
		t->cgroup = OOM_STR("/a");
	}
	oom_event_add_life(ev)->tgid = 20;
	ev->life[0].class = OOM_CLASS_LOG_LOST;
}

static void a_log_gains_what_the_feeds_know(void **state)
{
	struct oom_event ev, from;

	(void)state;
	a_log(&ev, 3);
	a_ballot(&from, 3);
	merge(&ev, &from);
	assert_int_equal(ev.origin, OOM_ORIGIN_RECORD);
	assert_int_equal(ev.boot_us, 5000000);
	assert_int_equal(ev.total_pages, 4000);
	assert_int_equal(ev.outcome, OOM_OUTCOME_KILLED);
	assert_int_equal(ev.ballot, OOM_BALLOT_RECORDED);
	assert_int_equal(ev.ballot_lost, 0);
	assert_true(oom_str_is(ev.feeds, "log ballot trace"));
	assert_int_equal(ev.ntasks, 3);
	assert_int_equal(ev.task[2].kernel_points, 3000);
	assert_int_equal(ev.task[2].rss_pages, 300);
	assert_int_equal(ev.task[2].line, 113);
	assert_true(oom_str_is(ev.task[2].cgroup, "/a"));
	assert_int_equal(ev.nlives, 1);
	assert_int_equal(ev.nnotes, 0);
	oom_event_release(&ev);
	oom_event_release(&from);
}

static void feeds_gain_the_log_and_its_lines(void **state)
{
	struct oom_event ev, from;

	(void)state;
	a_ballot(&ev, 3);
	a_log(&from, 3);
	oom_event_note(&from, 104, "damaged_line", "x");
	merge(&ev, &from);
	assert_int_equal(ev.boot_us, 5000123);
	assert_int_equal(ev.first_line, 100);
	assert_true(oom_str_is(ev.path, "/dev/kmsg"));
	assert_int_equal(ev.at[OOM_AT_TABLE], 110);
	assert_int_equal(ev.table_complete, 1);
	assert_int_equal(ev.outcome, OOM_OUTCOME_KILLED);
	assert_int_equal(ev.task[0].line, 111);
	assert_int_equal(ev.task[0].rss_pages, 1);
	assert_int_equal(ev.nvictims, 1);
	assert_int_equal(ev.victim[0].line, 130);
	assert_int_equal(ev.note[0].line, 104);
	assert_true(oom_str_is(oom_event_line(&ev, 100), "hog invoked oom-killer"));
	oom_event_release(&ev);
	oom_event_release(&from);
}

/* Line 104 of one file says nothing about another file. */
static void lines_of_two_sources_do_not_mix(void **state)
{
	struct oom_event ev, from;

	(void)state;
	a_log(&ev, 1);
	a_log(&from, 1);
	from.path = OOM_STR("kern.log");
	from.at[OOM_AT_SWAP] = 140;
	from.swap_total_kb = 7;
	ev.task[0].line = ev.victim[0].line = OOM_NA;
	oom_event_add_victim(&from)->pid = 30;
	from.victim[1].line = 131;
	oom_event_note(&from, 104, "damaged_line", "x");
	merge(&ev, &from);
	assert_true(oom_str_is(ev.path, "/dev/kmsg"));
	assert_int_equal(ev.swap_total_kb, 7);
	assert_int_equal(ev.at[OOM_AT_SWAP], OOM_NA);
	assert_int_equal(ev.task[0].line, OOM_NA);
	assert_int_equal(ev.victim[1].pid, 30);
	assert_int_equal(ev.victim[1].line, OOM_NA);
	assert_int_equal(ev.nnotes, 1);
	assert_int_equal(ev.note[0].line, OOM_NA);
	assert_int_equal(ev.nraw, 1);
	oom_event_release(&ev);
	oom_event_release(&from);
}

static void a_value_keeps_to_what_it_is_about(void **state)
{
	struct oom_event ev, from;

	(void)state;
	a_log(&ev, 1);
	a_log(&from, 1);
	ev.kernel_from = OOM_STR_NULL;
	from.kernel = OOM_STR("6.12.0");
	from.chosen_pid = 77;
	from.chosen_comm = OOM_STR("other");
	from.trigger_pid = 5;
	from.trigger_comm = OOM_STR("hog");
	ev.victim[0].reap = OOM_REAP_UNABLE;
	from.victim[0].reap = OOM_REAP_REAPED;
	from.victim[0].reap_us = 6;
	merge(&ev, &from);
	assert_null(ev.kernel_from.p);
	assert_null(ev.chosen_comm.p);
	assert_true(oom_str_is(ev.trigger_comm, "hog"));
	assert_int_equal(ev.victim[0].reap, OOM_REAP_UNABLE);
	assert_int_equal(ev.victim[0].reap_us, OOM_NA);
	oom_event_release(&ev);
	oom_event_release(&from);
}

static void the_stronger_ballot_wins_as_a_whole(void **state)
{
	struct oom_event ev, from, back;

	(void)state;
	a_ballot(&ev, 2);
	ev.ballot = OOM_BALLOT_RECONSTRUCTED;
	ev.ballot_lost = 9;
	ev.task[0].kernel_points = OOM_NA;
	ev.task[0].kernel_flags = ev.task[1].kernel_flags = OOM_FACT_RECONSTRUCTED;
	assert_int_equal(oom_event_clone(&back, &ev), 0);
	a_ballot(&from, 2);
	from.ballot_lost = OOM_NA;
	merge(&ev, &from);
	assert_int_equal(ev.ballot, OOM_BALLOT_RECORDED);
	assert_int_equal(ev.ballot_lost, OOM_NA);
	assert_int_equal(ev.task[0].kernel_flags, 0);
	assert_int_equal(ev.task[0].kernel_points, 1000);
	/* and the other way round the weaker one adds nothing */
	from.task[0].kernel_points = OOM_NA;
	back.task[0].kernel_points = 5;
	merge(&from, &back);
	assert_int_equal(from.ballot, OOM_BALLOT_RECORDED);
	assert_int_equal(from.ballot_lost, OOM_NA);
	assert_int_equal(from.task[0].kernel_points, OOM_NA);
	oom_event_release(&ev);
	oom_event_release(&from);
	oom_event_release(&back);
}

static void a_dead_leader_is_found_by_its_group(void **state)
{
	struct oom_event ev, from;

	(void)state;
	a_log(&ev, 2);
	ev.task[1].pid = 23;
	a_ballot(&from, 2);
	from.task[1].pid = 25;
	merge(&ev, &from);
	assert_int_equal(ev.ntasks, 2);
	assert_int_equal(ev.task[1].pid, 23);
	assert_int_equal(ev.task[1].kernel_points, 2000);
	oom_event_release(&ev);
	oom_event_release(&from);
}

static void a_complete_table_stays_as_printed(void **state)
{
	struct oom_event ev, from;

	(void)state;
	a_log(&ev, 2);
	a_ballot(&from, 4);
	from.task[3].kernel_flags = OOM_FACT_NO_MM | OOM_FACT_INELIGIBLE;
	merge(&ev, &from);
	assert_int_equal(ev.ntasks, 2);
	assert_int_equal(ev.nnotes, 1);
	assert_true(oom_str_is(ev.note[0].kind, "ballot_only"));
	assert_true(oom_str_starts(ev.note[0].text, "1 of"));
	assert_true(oom_str_ends(ev.note[0].text, " 30"));
	oom_event_release(&ev);
	oom_event_release(&from);
}

/* Ties fall by the kernel's order: what was cut out must come back to its place. */
static void a_cut_table_is_filled_in_order(void **state)
{
	static const int64_t want[] = { 10, 20, 30, 40, 99, 50, 60 };
	struct oom_event ev, from;

	(void)state;
	a_log(&ev, 0);
	ev.table_complete = 0;
	add_task(&ev, 30, 30);
	add_task(&ev, 40, 40);
	add_task(&ev, 99, 99);
	add_task(&ev, 50, 50);
	a_ballot(&from, 7);
	from.table_complete = 1;
	from.task[6].kernel_flags = OOM_FACT_NO_MM;
	merge(&ev, &from);
	assert_int_equal(ev.ntasks, OOM_ARRAY_SIZE(want));
	for (size_t i = 0; i < OOM_ARRAY_SIZE(want); i++)
		if (ev.task[i].pid != want[i])
			fail_msg("row %zu is pid %lld", i, (long long)ev.task[i].pid);
	assert_int_equal(ev.table_complete, 1);
	assert_int_equal(ev.nnotes, 0);
	oom_event_release(&ev);
	oom_event_release(&from);
}

static void lives_of_one_process_are_joined(void **state)
{
	struct oom_event ev, from;

	(void)state;
	oom_event_init(&ev);
	oom_event_init(&from);
	*oom_event_add_life(&ev) = (struct oom_life){ .tgid = 20, .start_us = 1000000, .marked_us = 5, .reap_skips = 2,
		.reap_end_us = OOM_NA, .freed_by = OOM_FREED_NOBODY, .class = OOM_CLASS_LOG_LOST };
	*oom_event_add_life(&from) = (struct oom_life){ .tgid = 20, .start_us = 7000000, .marked_us = 50 };
	*oom_event_add_life(&from) = (struct oom_life){ .tgid = 20, .start_us = 1009999, .marked_us = 6, .reap_skips = 3,
		.reap_end_us = 9, .freed_by = OOM_FREED_REAPER, .class = OOM_CLASS_GROUP_MEMBER };
	merge(&ev, &from);
	assert_int_equal(ev.nlives, 2);
	assert_int_equal(ev.life[0].marked_us, 5);
	assert_int_equal(ev.life[0].reap_skips, 3);
	assert_int_equal(ev.life[0].reap_end_us, 9);
	assert_int_equal(ev.life[0].freed_by, OOM_FREED_REAPER);
	assert_int_equal(ev.life[0].class, OOM_CLASS_GROUP_MEMBER);
	assert_int_equal(ev.life[1].marked_us, 50);
	oom_event_release(&ev);
	oom_event_release(&from);
}

/* The kill line names a thread; only a feed knows its process. */
static void a_life_is_known_by_its_thread_too(void **state)
{
	struct oom_event ev, from;
	struct oom_life *l;

	(void)state;
	oom_event_init(&ev);
	oom_event_init(&from);
	oom_event_add_life(&ev)->pid = 21;
	oom_event_add_life(&ev)->pid = 31;
	l = oom_event_add_life(&from);
	l->pid = 31;
	l->tgid = 30;
	oom_event_add_life(&from)->pid = 21;
	merge(&ev, &from);
	assert_int_equal(ev.nlives, 2);
	assert_int_equal(ev.life[0].tgid, OOM_NA);
	assert_int_equal(ev.life[1].tgid, 30);
	oom_event_release(&ev);
	oom_event_release(&from);
}

static void a_class_gives_way_to_a_better_informed_one(void **state)
{
	static const struct { int64_t invoked, to, from_invoked, from, want; } cases[] = {
		{ 0, OOM_CLASS_LOGGED, 0, OOM_CLASS_LOG_LOST, OOM_CLASS_LOG_LOST },
		{ 1, OOM_CLASS_LOGGED, 0, OOM_CLASS_LOG_LOST, OOM_CLASS_LOGGED },
		{ 1, OOM_CLASS_LOGGED, 0, OOM_CLASS_ALREADY_EXITING, OOM_CLASS_ALREADY_EXITING },
		{ 0, OOM_CLASS_RATE_LIMITED, 1, OOM_CLASS_LOGGED, OOM_CLASS_LOGGED },
		{ 0, OOM_CLASS_RATE_LIMITED, 0, OOM_CLASS_LOGGED, OOM_CLASS_RATE_LIMITED },
		{ 0, OOM_CLASS_LOG_LOST, 0, OOM_CLASS_RATE_LIMITED, OOM_CLASS_RATE_LIMITED },
		{ 0, OOM_CLASS_GROUP_MEMBER, 1, OOM_CLASS_LOGGED, OOM_CLASS_GROUP_MEMBER },
	};

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(cases); i++) {
		struct oom_event ev, from;

		oom_event_init(&ev);
		oom_event_init(&from);
		ev.has_invoked = cases[i].invoked;
		from.has_invoked = cases[i].from_invoked;
		oom_event_add_life(&ev)->tgid = 1;
		oom_event_add_life(&from)->tgid = 1;
		ev.life[0].class = cases[i].to;
		from.life[0].class = cases[i].from;
		merge(&ev, &from);
		if (ev.life[0].class != cases[i].want)
			fail_msg("case %zu: %s", i, oom_class_names[ev.life[0].class]);
		oom_event_release(&ev);
		oom_event_release(&from);
	}
}

static void counters_come_one_by_one_the_dump_whole(void **state)
{
	static const struct oom_memory free_kb = { OOM_AREA_ZONE, 0, 1, OOM_UNIT_KB, 5, { "DMA", 3 }, { "free", 4 }, { NULL, 0 } },
		min_kb = { OOM_AREA_ZONE, 0, 1, OOM_UNIT_KB, 5, { "DMA", 3 }, { "min", 3 }, { NULL, 0 } },
		kills = { OOM_AREA_COUNTER, OOM_NA, 3, OOM_UNIT_NONE, OOM_NA, { "vmstat", 6 }, { "oom_kill", 8 }, { NULL, 0 } },
		local = { OOM_AREA_COUNTER, OOM_NA, 4, OOM_UNIT_NONE, OOM_NA, { "memory.events /a", 16 }, { "oom_kill", 8 }, { NULL, 0 } };
	struct oom_event ev, from;

	(void)state;
	oom_event_init(&ev);
	oom_event_init(&from);
	*oom_event_add_memory(&ev) = kills;
	ev.memory[0].value = 2;
	*oom_event_add_memory(&from) = free_kb;
	*oom_event_add_memory(&from) = kills;
	*oom_event_add_memory(&from) = local;
	merge(&ev, &from);
	assert_int_equal(ev.nmemory, 3);
	assert_int_equal(ev.memory[0].value, 2);
	assert_int_equal(ev.memory[1].area, OOM_AREA_ZONE);
	assert_int_equal(ev.memory[2].value, 4);
	*oom_event_add_memory(&from) = min_kb;
	merge(&ev, &from);
	assert_int_equal(ev.nmemory, 3);
	oom_event_add_flight(&ev)->pid = 1;
	oom_event_add_flight(&from)->pid = 2;
	merge(&ev, &from);
	assert_int_equal(ev.nflights, 1);
	oom_event_release(&ev);
	oom_event_release(&from);
}

/* Whatever an event holds, doubles and rows without a pid included. */
static void merging_with_itself_changes_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		struct oom_event ev, same;

		test_event_random(&ev, (size_t)i);
		assert_int_equal(oom_event_clone(&same, &ev), 0);
		assert_int_equal(oom_event_merge(&ev, &same), 0);
		test_event_same(&same, &ev);
		assert_int_equal(oom_event_merge(&ev, &ev), 0);
		test_event_same(&same, &ev);
		oom_event_release(&ev);
		oom_event_release(&same);
	}
}

/* Some have a pid, some have lost it, a few are in the other table. */
static void number_tasks(struct oom_event *ev, int step)
{
	for (size_t i = 0; i < ev->ntasks; i++) {
		ev->task[i].pid = i % 3 ? (int64_t)i * step : OOM_NA;
		ev->task[i].tgid = i % 4 ? (int64_t)i * step : OOM_NA;
	}
}

/* Any two, one after the other: the second time is of no effect. */
static void merging_twice_is_merging_once(void **state)
{
	(void)state;
	for (int i = 0; i < 60; i++) {
		struct oom_event ev, from;

		test_event_random(&ev, (size_t)i % 7);
		test_event_random(&from, (size_t)i % 11);
		number_tasks(&ev, 1 + i % 3);
		number_tasks(&from, 2);
		merge(&ev, &from);
		oom_event_release(&ev);
		oom_event_release(&from);
	}
}

/* Thousands of rows with one pid would make the join quadratic: it must stay quick and exact. */
static void doubles_are_joined_in_order(void **state)
{
	struct oom_event ev, from;
	const int n = 20000;

	(void)state;
	oom_event_init(&ev);
	oom_event_init(&from);
	for (int i = 0; i < n; i++) {
		add_task(&ev, 7, 7);
		add_task(&from, 7, 7)->rss_pages = i;
	}
	assert_int_equal(oom_event_merge(&ev, &from), 0);
	assert_int_equal(ev.ntasks, n);
	for (int i = 0; i < n; i++)
		assert_int_equal(ev.task[i].rss_pages, i);
	oom_event_release(&ev);
	oom_event_release(&from);
}

/* Wherever memory runs out, doing it again gives what an undisturbed merge gives. */
static void failing_allocations_are_survived(void **state)
{
	for (int kind = 0; kind < 3; kind++) {
		struct oom_event a, from, want;
		bool done = false;

		(void)state;
		if (kind == 2)
			a_ballot(&a, 3);
		else
			a_log(&a, 30);
		a.table_complete = kind != 1;
		if (kind == 2)
			a_log(&from, 300);
		else
			a_ballot(&from, 300);
		oom_event_note(&from, 1, "x", "y");
		assert_int_equal(oom_event_clone(&want, &a), 0);
		assert_int_equal(oom_event_merge(&want, &from), 0);
		for (long n = 1; !done && n < 1000; n++) {
			struct oom_event ev;
			int r;

			assert_int_equal(oom_event_clone(&ev, &a), 0);
			oom_alloc_fail_at(n);
			r = oom_event_merge(&ev, &from);
			oom_alloc_fail_at(0);
			done = r == 0;
			assert_true(r == 0 || r == -ENOMEM);
			if (r)
				assert_int_equal(oom_event_merge(&ev, &from), 0);
			test_event_same(&want, &ev);
			oom_event_release(&ev);
		}
		assert_true(done);
		oom_event_release(&a);
		oom_event_release(&from);
		oom_event_release(&want);
	}
}

#define T(f) cmocka_unit_test(f)

int test_merge(void)
{
	const struct CMUnitTest tests[] = {
		T(a_log_gains_what_the_feeds_know),
		T(feeds_gain_the_log_and_its_lines),
		T(lines_of_two_sources_do_not_mix),
		T(a_value_keeps_to_what_it_is_about),
		T(the_stronger_ballot_wins_as_a_whole),
		T(a_dead_leader_is_found_by_its_group),
		T(a_complete_table_stays_as_printed),
		T(a_cut_table_is_filled_in_order),
		T(lives_of_one_process_are_joined),
		T(a_life_is_known_by_its_thread_too),
		T(a_class_gives_way_to_a_better_informed_one),
		T(counters_come_one_by_one_the_dump_whole),
		T(merging_with_itself_changes_nothing),
		T(merging_twice_is_merging_once),
		T(doubles_are_joined_in_order),
		T(failing_allocations_are_survived),
	};

	return cmocka_run_group_tests_name("merge", tests, NULL, NULL);
}
