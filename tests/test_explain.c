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
	assert_non_null(strstr(text, "Why there was no memory"));
	assert_non_null(strstr(text, "100.0 MiB used of 100.0 MiB"));
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

/* ---- what a recorder adds ------------------------------------------------------------------------------ */

static int setup_recorded(void **state)
{
	(void)state;
	return sample_make(&s) || sample_record(&s);
}

static void a_text_has_no_recorder(void **state)
{
	(void)state;
	EXPECT("!What the recorder saw", "!witnesses", "!Before the kill", "What the log does not show");
}

static void the_recorder_tells_of_the_life(void **state)
{
	(void)state;
	EXPECT("afterwards    its own exit freed the memory 23 ms after the selection; the oom_reaper was not needed",
	       "mysqld (pid 2430) was selected and killed; its own exit freed the memory 23 ms after the selection;",
	       "timeline      selected, SIGKILL +0.21 ms, marked as a victim and queued for the oom_reaper +0.23 ms, "
	       "exit began to free +4.10 ms, exit had freed +23 ms, process gone +1.04 s",
	       "witnesses     the kernel log, the kernel's ballot (BPF), the oom tracepoints",
	       "kernel log    has the dump and the kill",
	       "ballot        recorded as the kernel voted: its own points of 3 candidates; the formula agrees for all",
	       "it had the most points of 3 candidates by the kernel's own count (exact)",
	       "= points, by the kernel itself", "!second victim", "!meanwhile");
}

static void the_recorder_tells_who_grew(void **state)
{
	(void)state;
	EXPECT("command       /usr/sbin/mysqld --defaults-file=/etc/my.cnf",
	       "The flight recorder's last sample, 2.36 s before the kill, kept the 3 largest processes.",
	       "mysqld (pid 2430) grew fastest: by 25.0 MiB in 15.00 s.", "+100.0 MiB", "-400 KiB",
	       "java -jar x.jar \\x1b[2J\\xff", "!\033",
	       "pressure      of the last 10 s some tasks of the machine waited for memory 83.1 % (all at once 61.1 %), "
	       "for io 2.0 %",
	       "counters      vmstat: oom_kill 3; memory.events /db.slice: max 1,311", "!high 0",
	       "Who grew before the kill need not be the culprit", "!A dump is one moment");
}

/* Outside of the cgroup that hit its limit nobody could help. */
static void only_those_inside_the_limit(void **state)
{
	(void)state;
	s.ev.flight[0].cgroup = OOM_STR("/db.slice/mysql.service");
	s.ev.flight[1].cgroup = OOM_STR("/db.slicer");
	s.ev.flight[2].cgroup = OOM_STR("/");
	EXPECT("kept the 3 largest processes, 1 of them in /db.slice.", "--defaults-file", "!java -jar");
	s.ev.flight[0].cgroup = OOM_STR("/");
	EXPECT("kept the 3 largest processes, none of them in /db.slice.", "!growth/min", "!grew fastest");
	s.ev.flight[0].start_us = 5000000;                 /* the pid of the victim has belonged to another process */
	s.ev.life[0].start_us = 9000000;
	EXPECT("!command");
}

static void who_freed_the_memory(void **state)
{
	struct oom_life *l = &s.ev.life[0];

	(void)state;
	l->woken_us = l->selected_us + 2001000;
	l->reap_start_us = l->selected_us + 2001500;
	l->reap_end_us = l->selected_us + 2013500;
	l->freed_by = OOM_FREED_REAPER;
	l->exit_end_us = OOM_NA;
	l->reap_skips = 3;
	EXPECT("the oom_reaper freed its memory 2.01 s after the selection, in 12 ms; before that 3 attempts of the "
	       "oom_reaper in vain", "!not needed");
	l->aborted_rounds = 311;
	l->next_selected_us = l->reap_end_us - 13000;
	EXPECT("meanwhile     311 further selections were given up, because its memory was not yet free",
	       "A second victim was selected 13 ms before this memory was free, and may not have been needed.");
	l->freed_by = OOM_FREED_NOBODY;
	l->reap_skips = 10;
	EXPECT("nobody freed its memory while the recorder watched: 10 attempts of the oom_reaper in vain",
	       "A second victim was selected 2.00 s later, when this memory was not yet free and the oom_reaper had "
	       "not got at it.");
	l->selected_us = OOM_NA;                           /* without a ballot times count from the kill */
	l->freed_by = OOM_FREED_UNSEEN;
	EXPECT("mysqld (pid 2430) was killed; the process was gone 1.04 s after the kill; whether its exit or the "
	       "oom_reaper freed the memory was not seen", "timeline      SIGKILL, marked");
	l->killed_us = l->reap_start_us = l->reap_skips = l->queued_us = OOM_NA;
	EXPECT("was gone 1.04 s after it was marked; the oom_reaper was not seen at work on it",
	       "timeline      marked as a victim, exit began to free");
	l->freed_us = OOM_NA;
	EXPECT("what became of its memory was not seen", "reaped 2020 ms after the kill");
}

static void classes_in_plain_words(void **state)
{
	static const char *const words[] = {
		[OOM_CLASS_RATE_LIMITED] = "its rate limit suppressed the dump",
		[OOM_CLASS_ALREADY_EXITING] = "prints no line, nor does it count it",
		[OOM_CLASS_LOG_LOST] = "gave no line of it: overwritten, dropped, or not read at all",
	};

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(words); i++) {
		if (!words[i])
			continue;
		s.ev.life[0].class = (int64_t)i;
		EXPECT(words[i]);
	}
}

static void without_a_line_of_the_log(void **state)
{
	(void)state;
	s.ev.first_line = s.ev.last_line = OOM_NA;
	s.ev.has_invoked = s.ev.has_table = s.ev.table_complete = 0;
	s.ev.feeds = OOM_STR("walk gossip");
	s.ev.ballot = OOM_BALLOT_RECONSTRUCTED;
	s.r.ballot = (struct oom_ballot_check){ 0 };
	EXPECT("No line of the kernel log tells of this event", "!The line that names the task", "!oom_dump_tasks",
	       "a walk over all processes at the kill (BPF), gossip",
	       "reconstructed: the processes as they stood at the kill");
	s.ev.nvictims = 0;
	s.ev.outcome = OOM_OUTCOME_WILL_FREE;
	s.ev.life[0].class = OOM_CLASS_ALREADY_EXITING;
	s.r.verdict = OOM_VERDICT_EXPLAINED;
	s.r.reason = OOM_REASON_WILL_FREE;
	EXPECT("Nothing was killed and nothing logged: the memory cgroup /db.slice", "mysqld (pid 2430) was dying "
	       "already, and the kernel gave it the memory reserves", "dying         mysqld (pid 2430)",
	       "mysqld (pid 2430) was dying already when the kernel selected it", "!(pid 2430) was killed");
}

static void many_lives_are_counted(void **state)
{
	(void)state;
	for (int i = 0; i < 40; i++) {
		struct oom_life *l = oom_event_add_life(&s.ev);

		assert_non_null(l);
		l->pid = l->tgid = 3000 + i;
		l->comm = OOM_STR("worker");
		l->class = OOM_CLASS_GROUP_MEMBER;
		l->freed_by = i % 3 ? OOM_FREED_EXIT_MMAP : OOM_FREED_REAPER;
	}
	EXPECT("worker (pid 3000) was killed with the group of the selected process",
	       "... and 37 more processes; memory freed: 13 by the oom_reaper, 24 by their own exit", "!3003");
}

static void each_failed_allocation_is_survived(void **state)
{
	struct oom_doc doc;
	int r = -ENOMEM;

	(void)state;
	assert_int_equal(sample_record(&s), 0);
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
		cmocka_unit_test_setup_teardown(a_text_has_no_recorder, setup, teardown),
		cmocka_unit_test_setup_teardown(the_recorder_tells_of_the_life, setup_recorded, teardown),
		cmocka_unit_test_setup_teardown(the_recorder_tells_who_grew, setup_recorded, teardown),
		cmocka_unit_test_setup_teardown(only_those_inside_the_limit, setup_recorded, teardown),
		cmocka_unit_test_setup_teardown(who_freed_the_memory, setup_recorded, teardown),
		cmocka_unit_test_setup_teardown(classes_in_plain_words, setup_recorded, teardown),
		cmocka_unit_test_setup_teardown(without_a_line_of_the_log, setup_recorded, teardown),
		cmocka_unit_test_setup_teardown(many_lives_are_counted, setup_recorded, teardown),
		cmocka_unit_test_setup_teardown(each_failed_allocation_is_survived, setup, teardown),
	};

	return cmocka_run_group_tests_name("explain", tests, NULL, NULL);
}
