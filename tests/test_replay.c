/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Selections made again, and what each is worth: one scene per rule, small enough to check by hand. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include <oomlens/replay.h>

/* A complete global event of a 5.10 kernel: totalpages 1,000,000, nothing hidden. */
static void scene(struct oom_event *ev, const char *release)
{
	oom_event_init(ev);
	ev->kernel = oom_str_from(release);
	ev->kernel_from = OOM_STR("header");
	ev->scope = OOM_SCOPE_GLOBAL;
	ev->page_size = 4096;
	ev->has_invoked = ev->has_table = ev->table_complete = ev->has_mem_info = 1;
	ev->ram_pages = 1000000;
	ev->reserved_pages = 0;
	ev->swap_total_kb = 0;
	ev->outcome = OOM_OUTCOME_KILLED;
	ev->at[OOM_AT_TABLE] = 1;
	ev->at[OOM_AT_SUMMARY] = 500;
	ev->at[OOM_AT_SCORE] = 501;
	ev->at[OOM_AT_KILL] = 502;
	ev->at[OOM_AT_OUTCOME] = 503;
	ev->last_line = 600;
}

static struct oom_task *row(struct oom_event *ev, int64_t pid, const char *comm, int64_t rss, int64_t adj)
{
	struct oom_task *t = oom_event_add_task(ev);

	t->pid = t->tgid = pid;
	t->uid = 1000;
	t->comm = oom_str_from(comm);
	t->total_vm_pages = 2 * rss;
	t->rss_pages = rss;
	t->swap_pages = 0;
	t->pgtables_bytes = 0;
	t->oom_score_adj = adj;
	t->line = 100 + (int64_t)ev->ntasks;
	return t;
}

static struct oom_victim *kill_pid(struct oom_event *ev, int64_t pid, const char *comm)
{
	struct oom_victim *v = oom_event_add_victim(ev);

	v->pid = pid;
	v->comm = oom_str_from(comm);
	return v;
}

static void chosen(struct oom_event *ev, int64_t pid, const char *comm)
{
	ev->chosen_pid = pid;
	ev->chosen_comm = oom_str_from(comm);
	(void)kill_pid(ev, pid, comm);
}

static void expect(struct oom_event *ev, enum oom_verdict verdict, enum oom_reason reason)
{
	struct oom_replay r;

	assert_int_equal(oom_replay_run(ev, NULL, &r), 0);
	if (r.verdict != verdict || r.reason != reason)
		fail_msg("%s/%s: %.*s", oom_verdict_names[r.verdict], oom_reason_name(r.reason),
			 (int)r.text.n, r.text.p);
	assert_non_null(r.text.p);
	assert_int_equal(r.text.p[r.text.n - 1], '.');
	oom_replay_release(&r);
}

static void done(struct oom_event *ev, enum oom_verdict verdict, enum oom_reason reason)
{
	expect(ev, verdict, reason);
	oom_event_release(ev);
}

static void highest(void **state)
{
	struct oom_event ev;
	struct oom_replay r;

	(void)state;
	scene(&ev, "5.10.44");
	row(&ev, 10, "sshd", 500, -1000);
	row(&ev, 20, "php-fpm", 16000, 0)->pgtables_bytes = 618 * 4096;
	row(&ev, 30, "mysqld", 15000, 0)->swap_pages = 384;
	chosen(&ev, 20, "php-fpm");
	assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
	assert_int_equal(r.verdict, OOM_VERDICT_EXACT);
	assert_int_equal(r.reason, OOM_REASON_HIGHEST_BADNESS);
	assert_int_equal(r.winner, 1);
	assert_int_equal(r.runner_up, 2);
	assert_int_equal(r.actual, 1);
	assert_int_equal(r.margin, 16618 - 15384);
	assert_int_equal(r.neligible, 2);
	assert_int_equal(r.winner_score.points.lo, 16618);
	assert_int_equal(r.evidence_line, 502);
	assert_true(oom_str_is(
		r.text,
		"php-fpm (pid 20) was killed because it had the highest badness of 2 tasks: 16,618 points "
		"(64.9 MiB), 1,234 (4.8 MiB) more than the next, mysqld (pid 30)."));
	assert_null(r.rank);
	assert_int_equal(oom_replay_rank(&r), 0);
	assert_int_equal(r.rank[0], 1);
	assert_int_equal(r.rank[1], 2);
	assert_int_equal(r.rank[2], 0);
	assert_int_equal(r.score[0].why_not, OOM_WHY_ADJ_MIN);
	assert_int_equal(r.score[2].points.hi, 15384);
	oom_replay_release(&r);
	oom_event_release(&ev);
}

static void wrong_choice(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "5.10.44");
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 90000, 0);
	chosen(&ev, 20, "a");
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
	/* the same numbers a few pages apart are what the counters may move; with time more, but not without
	 * end */
	ev.task[1].rss_pages = 16700;
	expect(&ev, OOM_VERDICT_WITHIN_DRIFT, OOM_REASON_COUNTER_DRIFT);
	ev.task[1].rss_pages = 17100;
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
	ev.boot_us = 1000000;
	ev.victim[0].killed_us = 1020000;
	expect(&ev, OOM_VERDICT_WITHIN_DRIFT, OOM_REASON_COUNTER_DRIFT);
	ev.victim[0].killed_us = 9000000;
	ev.task[1].rss_pages = 16000 + 10001;
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
	ev.task[0].oom_score_adj = -1000;
	done(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
}

/* The row, the kill line and the score line must tell of one process. */
static void kill_line_contradicts(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "5.10.44");
	row(&ev, 20, "a", 90000, 0);
	row(&ev, 30, "b", 16000, 0);
	chosen(&ev, 20, "a");
	ev.victim[0].total_vm_kb = 180000 * 4;
	ev.victim[0].anon_rss_kb = 89000 * 4;
	ev.victim[0].file_rss_kb = 700 * 4;
	ev.victim[0].shmem_rss_kb = 0;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.victim[0].anon_rss_kb = 80000 * 4;
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE);
	ev.victim[0].anon_rss_kb = 99000 * 4;
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE);
	/* slowly, as on a serial console, it may have moved so far */
	ev.boot_us = 1000000;
	ev.victim[0].killed_us = 1100000;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.victim[0].anon_rss_kb = 89000 * 4;
	ev.victim[0].total_vm_kb = 1800 * 4;
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE);
	/* another row has more, but it is the victim's row that is wrong */
	ev.victim[0].total_vm_kb = 180000 * 4;
	ev.victim[0].killed_us = 1001000;
	ev.task[0].rss_pages = 9000;
	done(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE);
}

/* Until 4.20 nothing says that a policy confined the allocation; where there are several nodes the score line must. */
static void nodes_in_doubt(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "4.4.100");
	ev.mems_allowed = OOM_STR("0-1");
	row(&ev, 20, "a", 90000, 0);
	row(&ev, 30, "b", 60000, 50);
	chosen(&ev, 20, "a");
	ev.chosen_score = 110;                    /* of b, if all nodes counted */
	ev.chosen_pid = ev.victim[0].pid = 30;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.chosen_pid = ev.victim[0].pid = 20;
	ev.chosen_score = 180;                    /* of a, if half of the memory counted */
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.mems_allowed = OOM_STR("0");
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
	/* the line of 5.1 says CONSTRAINT_NONE always, and nothing else tells */
	ev.kernel = OOM_STR("5.1.0");
	ev.chosen_score = OOM_NA;
	ev.constraint = OOM_STR("CONSTRAINT_NONE");
	ev.mems_allowed = OOM_STR("0-1");
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_UNKNOWN_TOTALPAGES);
	ev.kernel = OOM_STR("5.1.19");
	done(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
}

static void three_equals(struct oom_event *ev, const char *release, int64_t winner)
{
	scene(ev, release);
	row(ev, 20, "a", 16000, 0);
	row(ev, 30, "b", 16000, 0);
	row(ev, 40, "c", 16000, 0);
	chosen(ev, winner, "x");
}

static void ties(void **state)
{
	struct oom_event ev;

	(void)state;
	three_equals(&ev, "5.10.44", 40);              /* the last of equals from 5.3 on */
	done(&ev, OOM_VERDICT_EXACT, OOM_REASON_TIE_BREAK);
	three_equals(&ev, "4.19.0", 20);               /* the first before */
	done(&ev, OOM_VERDICT_EXACT, OOM_REASON_TIE_BREAK);
	three_equals(&ev, "4.8.15", 40);               /* but for 4.7 and 4.8 */
	done(&ev, OOM_VERDICT_EXACT, OOM_REASON_TIE_BREAK);
	three_equals(&ev, "3.16.0", 20);
	ev.task[0].pid = 21; /* a thread whose leader is dead does not hold its place */
	expect(&ev, OOM_VERDICT_WITHIN_DRIFT, OOM_REASON_COUNTER_DRIFT);
	ev.chosen_pid = ev.victim[0].pid = 30;
	done(&ev, OOM_VERDICT_EXACT, OOM_REASON_TIE_BREAK);
	three_equals(&ev, "4.19.0", 30); /* a memory cgroup's scan order is not the table's before 5.3 */
	ev.scope = OOM_SCOPE_MEMCG;
	ev.memcg_limit_kb = 400000;
	done(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_TIE_BREAK);
	three_equals(&ev, "5.10.44", 40);
	ev.scope = OOM_SCOPE_MEMCG;
	done(&ev, OOM_VERDICT_EXACT, OOM_REASON_TIE_BREAK);
}

static void floor_of_one(void **state)
{
	struct oom_event ev;

	(void)state;
	/* two tasks deep below zero: 5.3-5.8 see 1 and 1 and take the last, 5.9 compares what they are */
	scene(&ev, "5.8.1");
	row(&ev, 20, "big", 16000, -998);
	row(&ev, 30, "pause", 1, -998);
	chosen(&ev, 30, "pause");
	done(&ev, OOM_VERDICT_EXACT, OOM_REASON_TIE_BREAK);
	scene(&ev, "5.10.44");
	row(&ev, 20, "big", 16000, -998);
	row(&ev, 30, "pause", 1, -998);
	chosen(&ev, 20, "big");
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	/* 5.4.0-N hides which of the two it is, and here they differ */
	ev.kernel = OOM_STR("5.4.0-100-generic");
	done(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_UNKNOWN_KERNEL);
}

static void log_has_the_rule(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "5.10.44");
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 90000, 0);
	chosen(&ev, 20, "a");
	ev.allocating_task = 1;
	expect(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_ALLOCATING_TASK);
	ev.allocating_task = 0;
	ev.constraint = OOM_STR("CONSTRAINT_BPF_PSI_MEM");
	expect(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_POLICY);
	ev.constraint = OOM_STR("CONSTRAINT_NONE");
	ev.outcome = OOM_OUTCOME_WILL_FREE;
	expect(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_WILL_FREE);
	ev.outcome = OOM_OUTCOME_PANIC;
	ev.outcome_text =
		OOM_STR("Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled");
	expect(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_PANIC_ON_OOM);
	ev.outcome_text = OOM_STR("Kernel panic - not syncing: System is deadlocked on memory");
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_NO_KILLABLE);
	ev.task[0].oom_score_adj = ev.task[1].oom_score_adj = -1000;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_NO_KILLABLE);
	ev.outcome = OOM_OUTCOME_NO_KILLABLE;
	done(&ev, OOM_VERDICT_EXACT, OOM_REASON_NO_KILLABLE);
	scene(&ev, "5.10.44");
	row(&ev, 20, "a", 16000, 0);
	chosen(&ev, 20, "a");
	ev.sysrq = 1;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_SYSRQ);
	ev.sysrq = 0;
	ev.oom_group = 1;
	done(&ev, OOM_VERDICT_EXACT, OOM_REASON_GROUP_KILL);
}

static void children_and_threads(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "4.19.0");
	ev.at[OOM_AT_SUMMARY] = OOM_NA;
	row(&ev, 20, "parent", 16000, 0);
	row(&ev, 30, "child", 100, 0);
	ev.chosen_pid = 20;
	kill_pid(&ev, 30, "child");
	ev.chosen_score = 16;
	expect(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_CHILD_SACRIFICED);
	ev.chosen_pid = 30;                            /* the chosen one has to be the highest all the same */
	ev.chosen_score = 0;
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
	ev.chosen_pid = OOM_NA; /* without the first line nobody knows whose child it was */
	ev.chosen_score = OOM_NA;
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_NO_KILL_LINE);
	ev.chosen_pid = 25;                            /* a thread of the process that was killed */
	ev.victim[0].pid = 20;
	ev.chosen_score = 16;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_THREAD_OF_CHOSEN);
	ev.victim[0].pid = 30;
	ev.chosen_comm = OOM_STR("parent");
	expect(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_CHILD_SACRIFICED);
	ev.chosen_comm = OOM_STR("other");
	done(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_VICTIM_NOT_IN_TABLE);
	/* the summary names a dead leader, the kill line its living thread */
	scene(&ev, "6.1.0");
	row(&ev, 759, "live-thread", 16000, 0)->tgid = 755;
	row(&ev, 30, "b", 100, 0);
	ev.chosen_pid = 755;
	kill_pid(&ev, 759, "live-thread");
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_THREAD_OF_CHOSEN);
	ev.chosen_pid = 75;                            /* a summary that names nobody's leader */
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE);
	assert_int_equal(oom_event_note(&ev, 500, "damaged_line", "the summary is cut"), 0);
	done(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
}

static void gaps(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "5.10.44");
	ev.has_table = ev.table_complete = 0;
	chosen(&ev, 20, "a");
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_NO_TASK_TABLE);
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 100, 0);
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_TRUNCATED_TABLE);
	ev.table_complete = 1;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.task[1].rss_pages = OOM_NA;
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE);
	ev.task[1].rss_pages = 100;
	ev.victim[0].oom_score_adj = 300;              /* not the process of that row */
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE);
	ev.victim[0].oom_score_adj = 0;
	assert_int_equal(oom_event_note(&ev, 102, "damaged_line", "unreadable"), 0);
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE);
	ev.note[0].line = 400;                         /* outside the table it does not matter */
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.chosen_pid = ev.victim[0].pid = 77;
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_VICTIM_NOT_IN_TABLE);
	ev.chosen_pid = OOM_NA;
	ev.nvictims = 0;
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_NO_KILL_LINE);
	ev.kernel = OOM_STR("2.6.32-5-amd64");
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_UNSUPPORTED_KERNEL);
	ev.kernel = OOM_STR_NULL;
	ev.task[0].pgtables_bytes = OOM_NA;
	ev.at[OOM_AT_SUMMARY] = OOM_NA;
	done(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_UNKNOWN_KERNEL);
}

static void score_line(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "4.19.0");
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 100, 0);
	chosen(&ev, 20, "a");
	ev.chosen_score = 16;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.task[0].rss_pages = 15900;                  /* 15 by the table: it grew or shrank by 100 pages */
	expect(&ev, OOM_VERDICT_WITHIN_DRIFT, OOM_REASON_COUNTER_DRIFT);
	ev.chosen_score = 500;
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_SCORE_MISMATCH);
	ev.scope = OOM_SCOPE_MEMCG; /* where swap makes totalpages open, the score tells it */
	ev.memcg_limit_kb = 4 * 20000;
	ev.swap_total_kb = 4 * 20000;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.chosen_score = 200;
	done(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_SCORE_MISMATCH);
}

static void root_doubt(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "4.4.155");
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 16400, 0)->uid = 0;          /* 15,908 with the bonus */
	chosen(&ev, 20, "a");
	expect(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_ROOT_BONUS);
	ev.task[1].rss_pages = 15000;                  /* less either way */
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.kernel = OOM_STR("4.17.0");                 /* no bonus any more */
	ev.task[1].rss_pages = 90000;
	done(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
}

static void hidden_terms(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "3.5.0");
	row(&ev, 20, "a", 16000, 0)->pgtables_bytes = OOM_NA;
	row(&ev, 30, "b", 9000, 0)->pgtables_bytes = OOM_NA;
	ev.task[0].swap_pages = ev.task[1].swap_pages = OOM_NA;
	ev.task[0].oom_adj = ev.task[1].oom_adj = 0;
	ev.swap_total_kb = 4 * 10000;
	ev.swap_free_kb = 4 * 9000;
	chosen(&ev, 20, "a");
	struct oom_memory *m = oom_event_add_memory(&ev);

	m->area = OOM_AREA_GLOBAL;
	m->unit = OOM_UNIT_PAGES;
	m->name = OOM_STR("pagetables");
	m->value = 100;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	ev.swap_free_kb = 0;                           /* b may have 9,000 pages in swap */
	done(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_HIDDEN_TERM);
}

static void unknown_total(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "5.10.44");
	ev.ram_pages = OOM_NA;
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 100, -500);
	chosen(&ev, 20, "a");
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);    /* whatever totalpages was */
	ev.task[1].oom_score_adj = 500;                /* now a small total favours a, a large one b */
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_UNKNOWN_TOTALPAGES);
	ev.task[1].rss_pages = 90000;                  /* and now none does */
	done(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
}

static void history(void **state)
{
	struct oom_event ev;
	struct oom_replay r;
	struct oom_prior *p;

	(void)state;
	scene(&ev, "6.1.0");
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 90000, 0);
	chosen(&ev, 20, "a");
	ev.boot_us = 5000000;
	p = oom_event_add_prior(&ev);
	p->pid = 30;
	p->comm = OOM_STR("b");
	p->reap = OOM_REAP_UNABLE;
	p->killed_us = 1000000;
	p->line = 7;
	assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
	assert_int_equal(r.verdict, OOM_VERDICT_EXPLAINED);
	assert_int_equal(r.reason, OOM_REASON_PREVIOUS_VICTIM_SKIPPED);
	assert_int_equal(r.evidence_line, 7);
	assert_int_equal(oom_replay_rank(&r), 0);
	assert_int_equal(r.score[1].why_not, OOM_WHY_ALREADY_VICTIM);
	assert_int_equal(r.rank[0], 0);
	oom_replay_release(&r);
	ev.prior[0].comm = OOM_STR("c");               /* the pid has a new owner */
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
	ev.prior[0].comm = OOM_STR("b");
	ev.prior[0].reap = OOM_REAP_UNSEEN; /* the scan ended, so the victim was marked, seen or not */
	expect(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_PREVIOUS_VICTIM_SKIPPED);
	ev.boot_us = 500000000;                        /* too long ago to say */
	done(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_PREVIOUS_VICTIM_SKIPPED);
}

static void odd_mms(void **state)
{
	struct oom_event ev;

	(void)state;
	scene(&ev, "6.1.0");
	row(&ev, 20, "parent", 16000, 0);
	row(&ev, 30, "vforked", 16000, 0);
	chosen(&ev, 20, "parent");
	ev.task[1].rss_pages = ev.task[0].rss_pages = 16000;
	expect(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_VFORK_CHILD);
	oom_event_release(&ev);
	scene(&ev, "4.4.155");
	row(&ev, 20, "swapoff", 100, 0);
	row(&ev, 30, "b", 90000, 0);
	chosen(&ev, 20, "swapoff");
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_OOM_TASK_ORIGIN);
	ev.chosen_score = (int64_t)(uint32_t)((UINT64_MAX - 999) / 1000000);
	done(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_OOM_TASK_ORIGIN);
}

/* The radix path agrees with the definition. */
static void big_rank(void **state)
{
	struct oom_event ev;
	struct oom_replay r;
	uint64_t x = 1;

	(void)state;
	scene(&ev, "5.10.44");
	for (int i = 0; i < 5000; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		row(&ev, 10 + i, "t", (int64_t)(x >> 40) % 3000,
		    i % 7 ? (int64_t)(x >> 33) % 2001 - 1000 : 0);
	}
	chosen(&ev, 12, "t");
	assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	assert_int_equal(r.nscores, 5000);
	for (size_t i = 1; i < 5000; i++) {
		const struct oom_score *a = &r.score[r.rank[i - 1]], *b = &r.score[r.rank[i]];

		assert_true(a->why_not == OOM_WHY_ELIGIBLE || b->why_not != OOM_WHY_ELIGIBLE);
		if (b->why_not != OOM_WHY_ELIGIBLE)
			continue;
		assert_true(a->nominal >= b->nominal);
		if (a->nominal == b->nominal)
			assert_true(r.rank[i - 1] > r.rank[i]);
	}
	oom_replay_release(&r);
	oom_event_release(&ev);
}

static void out_of_memory(void **state)
{
	struct oom_event ev;
	int ret = -ENOMEM;

	(void)state;
	scene(&ev, "5.4.0-1-generic");
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 90000, 0);
	chosen(&ev, 30, "b");
	oom_event_add_prior(&ev)->pid = 20;
	for (long n = 1; n < 50 && ret < 0; n++) {
		struct oom_replay r;

		oom_alloc_fail_at(n);
		ret = oom_replay_run(&ev, NULL, &r);
		if (!ret)
			ret = oom_replay_rank(&r);
		oom_alloc_fail_at(0);
		assert_true(!ret || ret == -ENOMEM);
		oom_replay_release(&r);
	}
	assert_int_equal(ret, 0);
	oom_event_release(&ev);
}

int test_replay(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(highest),
		cmocka_unit_test(wrong_choice),
		cmocka_unit_test(kill_line_contradicts),
		cmocka_unit_test(nodes_in_doubt),
		cmocka_unit_test(ties),
		cmocka_unit_test(floor_of_one),
		cmocka_unit_test(log_has_the_rule),
		cmocka_unit_test(children_and_threads),
		cmocka_unit_test(gaps),
		cmocka_unit_test(score_line),
		cmocka_unit_test(root_doubt),
		cmocka_unit_test(hidden_terms),
		cmocka_unit_test(unknown_total),
		cmocka_unit_test(history),
		cmocka_unit_test(odd_mms),
		cmocka_unit_test(big_rank),
		cmocka_unit_test(out_of_memory),
	};

	return cmocka_run_group_tests_name("replay", tests, NULL, NULL);
}
