/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <oomlens/render.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "test_sample.h"

static struct sample s;

static int setup(void **state)
{
	(void)state;
	return sample_make(&s);
}

static int teardown(void **state)
{
	(void)state;
	sample_release(&s);
	return 0;
}

static char *page_wide(const struct oom_explain_opts *opts, unsigned width)
{
	struct oom_doc doc;
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(oom_explain(&s.r, opts, &doc), 0);
	oom_render_text(&doc, width, false, f);
	oom_doc_release(&doc);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* Every want (up to NULL) must stand in the page, every text after a "!" must not. */
static void expect(const char *const want[])
{
	char *text = page_wide(NULL, 4000);

	for (size_t i = 0; want[i]; i++) {
		bool absent = want[i][0] == '!';

		if (!strstr(text, want[i] + absent) != absent)
			fail_msg("%s \"%s\" in:\n%s", absent ? "did not want" : "missing", want[i] + absent,
				 text);
	}
	free(text);
}
#define EXPECT(...) expect((const char *const[]){ __VA_ARGS__, NULL })

static void first_screen_says_it_all(void **state)
{
	char *text = page_wide(NULL, 80), *line = text;

	(void)state;
	for (int i = 0; i < 24; i++)
		line = strchr(line, '\n') + 1;
	*line = '\0';
	assert_non_null(strstr(text, "mysqld (pid 2430), holding 64.7 MiB, was"));
	assert_non_null(strstr(text, "/db.slice reached its"));
	assert_non_null(strstr(text, "(exact)"));
	assert_non_null(strstr(text, "64.7 MiB"));
	assert_non_null(strstr(text, "16,618"));
	free(text);
}

static void terms_in_pages_and_sizes(void **state)
{
	(void)state;
	EXPECT("memory in RAM (rss)", "16,574", "64.7 MiB", "page tables", "44", "176 KiB", "16,618",
	       "64.9 MiB", "!root bonus");
}

static void a_limit_above_the_victim_is_named(void **state)
{
	(void)state;
	EXPECT("/db.slice, above the victim's own cgroup", "100.0 MiB used of 100.0 MiB");
	s.ev.task_memcg = s.ev.oom_memcg;
	EXPECT("/db.slice, the cgroup of the victim itself");
}

static void an_unlimited_counter_is_not_the_limit(void **state)
{
	(void)state;
	s.ev.memcg_limit_kb = 9007199254740988;
	s.ev.memsw_usage_kb = 51200;
	s.ev.memsw_limit_kb = 51200;
	EXPECT("reached its memory+swap limit of 50.0 MiB", "no limit", "!PiB");
}

static void without_a_page_size_only_pages(void **state)
{
	(void)state;
	s.ev.page_size = OOM_NA;
	EXPECT("16,618", "tells the page size", "!64.9 MiB");
}

static void an_interval_is_told_as_one(void **state)
{
	(void)state;
	s.score[1].points.hi += 100;
	s.r.actual_score = s.r.winner_score = s.score[1];
	s.r.total.hi += 1000;
	EXPECT("16,618..16,718", "between 25,600 and 26,600 pages", "swappiness");
}

static void ineligible_tasks_have_reasons(void **state)
{
	(void)state;
	EXPECT("oom_score_adj -1000 forbids it: sshd (pid 2432)");
}

static void a_small_ranking_still_shows_victim_and_trigger(void **state)
{
	struct oom_explain_opts opts = { .top = 1 };
	char *text;

	(void)state;
	s.ev.trigger_pid = 2400;
	text = page_wide(&opts, 100);
	assert_non_null(strstr(text, "bash  "));
	assert_non_null(strstr(text, "asked"));
	assert_null(strstr(text, "java  "));
	assert_non_null(strstr(text, "... and 1 more candidate\n"));
	free(text);
}

static void outcomes_without_a_kill(void **state)
{
	(void)state;
	s.ev.nvictims = 0;
	s.ev.chosen_pid = OOM_NA;
	s.r.actual = -1;
	s.r.verdict = OOM_VERDICT_INSUFFICIENT;
	s.ev.outcome = OOM_OUTCOME_NO_KILLABLE;
	EXPECT("Nothing was killed: the memory cgroup /db.slice reached", "!was killed because");
	s.ev.outcome = OOM_OUTCOME_PANIC;
	s.ev.outcome_text = OOM_STR("Kernel panic - not syncing: Out of memory: system-wide panic_on_oom is "
				    "enabled");
	EXPECT("The kernel panicked", "panic_on_oom");
	s.ev.outcome = OOM_OUTCOME_TRUNCATED;
	EXPECT("not whom the kernel killed", "(insufficient)");
}

static void a_sacrificed_child_is_not_the_chosen_one(void **state)
{
	(void)state;
	s.ev.victim[0].pid = 2500;
	s.ev.victim[0].role = OOM_ROLE_CHILD;
	s.ev.victim[0].comm = OOM_STR("mysqld_safe");
	EXPECT("mysqld_safe (pid 2500), a child of the chosen mysqld (pid 2430), was killed");
}

static void a_hostile_name_cannot_leave_its_cell(void **state)
{
	(void)state;
	s.ev.victim[0].comm = OOM_STR("x) was\tkilled\n\033[2J");
	s.ev.task[1].comm = s.ev.victim[0].comm;
	EXPECT("\"x) was\\x09killed\\x0a\\x1b[2J\" (pid 2430), holding", "!\033");
}

static void without_profile_there_is_no_arithmetic(void **state)
{
	(void)state;
	s.r.profile = NULL;
	s.r.score = NULL;
	s.r.nscores = 0;
	s.r.rank = NULL;
	s.r.winner = -1;
	s.r.verdict = OOM_VERDICT_INSUFFICIENT;
	EXPECT("(insufficient)", "!= points", "!Against whom");
}

static void group_members_are_named_a_few(void **state)
{
	(void)state;
	s.ev.oom_group = 1;
	s.ev.oom_group_path = OOM_STR("/db.slice");
	for (int i = 0; i < 40; i++) {
		struct oom_victim *v = oom_event_add_victim(&s.ev);

		assert_non_null(v);
		v->pid = 3000 + i;
		v->comm = OOM_STR("worker");
		v->role = OOM_ROLE_GROUP;
	}
	EXPECT("and 40 more processes were killed", "memory.oom.group is set", "... and 34 more", "!3006");
}

static void each_failed_allocation_is_survived(void **state)
{
	struct oom_doc doc;
	int r = -ENOMEM;

	(void)state;
	for (long n = 1; r < 0; n++) {
		assert_true(n < 10000);
		oom_alloc_fail_at(n);
		r = oom_explain(&s.r, NULL, &doc);
		oom_alloc_fail_at(0);
		if (r < 0)
			assert_int_equal(r, -ENOMEM);
		oom_doc_release(&doc);
	}
}

int test_explain(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(first_screen_says_it_all, setup, teardown),
		cmocka_unit_test_setup_teardown(terms_in_pages_and_sizes, setup, teardown),
		cmocka_unit_test_setup_teardown(a_limit_above_the_victim_is_named, setup, teardown),
		cmocka_unit_test_setup_teardown(an_unlimited_counter_is_not_the_limit, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_page_size_only_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(an_interval_is_told_as_one, setup, teardown),
		cmocka_unit_test_setup_teardown(ineligible_tasks_have_reasons, setup, teardown),
		cmocka_unit_test_setup_teardown(a_small_ranking_still_shows_victim_and_trigger, setup,
						teardown),
		cmocka_unit_test_setup_teardown(outcomes_without_a_kill, setup, teardown),
		cmocka_unit_test_setup_teardown(a_sacrificed_child_is_not_the_chosen_one, setup, teardown),
		cmocka_unit_test_setup_teardown(a_hostile_name_cannot_leave_its_cell, setup, teardown),
		cmocka_unit_test_setup_teardown(without_profile_there_is_no_arithmetic, setup, teardown),
		cmocka_unit_test_setup_teardown(group_members_are_named_a_few, setup, teardown),
		cmocka_unit_test_setup_teardown(each_failed_allocation_is_survived, setup, teardown),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
