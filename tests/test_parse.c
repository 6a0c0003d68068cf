/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <oomlens/parse.h>

#include <string.h>

/* A kernel's text as dmesg shows it; lines without a stamp are continuations. */
static void feed(struct oom_parser *p, const char *text)
{
	struct oom_prefix_state st = { .last = 0 };
	struct oom_buf scratch = { .p = NULL };
	int64_t n = 0;

	while (*text) {
		struct oom_str raw = { text, strcspn(text, "\n") };
		struct oom_line line;

		oom_prefix_parse(&st, raw, &scratch, &line);
		line.raw = raw;
		line.lineno = ++n;
		assert_int_equal(oom_parser_feed(p, &line), 0);
		text += raw.n + (text[raw.n] == '\n');
	}
	oom_buf_release(&scratch);
}

/* Parses text; returns the number of events, the first max of them in ev. */
static size_t parse(const char *text, struct oom_event *ev, size_t max)
{
	struct oom_parser *p;
	struct oom_event one;
	size_t n = 0;

	assert_int_equal(oom_parser_new(&p), 0);
	assert_int_equal(oom_parser_begin(p, OOM_STR("test.log")), 0);
	feed(p, text);
	assert_int_equal(oom_parser_finish(p), 0);
	while (oom_parser_take(p, &one) == 1) {
		if (n < max)
			ev[n] = one;
		else
			oom_event_release(&one);
		n++;
	}
	oom_parser_free(p);
	return n;
}

static const char global_6_12[] =
	"[  100.000001] eater invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=5\n"
	"[  100.000002] CPU: 1 UID: 1000 PID: 321 Comm: eater Not tainted 6.12.9-test #1\n"
	"[  100.000003] Call Trace:\n"
	"[  100.000004]  out_of_memory+0x100/0x590\n"
	"[  100.000005] Mem-Info:\n"
	"[  100.000006] active_anon:100 inactive_anon:200 isolated_anon:0\n"
	"                free:300 free_pcp:1 free_cma:0\n"
	"[  100.000007] Node 0 DMA: 1*4kB (U) 2*8kB (UM) = 20kB\n"
	"[  100.000008] Free swap  = 0kB\n"
	"[  100.000009] Total swap = 1024kB\n"
	"[  100.000010] 130944 pages RAM\n"
	"[  100.000011] 9000 pages reserved\n"
	"[  100.000012] Tasks state (memory values in pages):\n"
	"[  100.000013] [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name\n"
	"[  100.000014] [    201]     0   201     3000     1500     1000      500         0    61440       11          -250 systemd journal\n"
	"[  100.000015] [    321]  1000   321   100000    90000    89000     1000         0   770048        0             5 eater\n"
	"[  100.000016] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/user,task=eater,pid=321,uid=1000\n"
	"[  100.000017] Out of memory: Killed process 321 (eater) total-vm:400000kB, anon-rss:356000kB, file-rss:4000kB, shmem-rss:0kB, UID:1000 pgtables:752kB oom_score_adj:5\n"
	"[  102.000018] oom_reaper: reaped process 321 (eater), now anon-rss:0kB, file-rss:4kB, shmem-rss:0kB\n";

static void test_whole_report(void **state)
{
	struct oom_event ev;
	const struct oom_victim *v;

	(void)state;
	assert_int_equal(parse(global_6_12, &ev, 1), 1);
	assert_true(oom_str_is(ev.trigger_comm, "eater"));
	assert_int_equal(ev.trigger_pid, 321);
	assert_int_equal(ev.trigger_uid, 1000);
	assert_int_equal(ev.trigger_adj, 5);
	assert_true(oom_str_is(ev.kernel, "6.12.9-test"));
	assert_int_equal(ev.scope, OOM_SCOPE_GLOBAL);
	assert_int_equal(ev.page_size, 4096);
	assert_int_equal(ev.ram_pages, 130944);
	assert_int_equal(ev.swap_total_kb, 1024);
	assert_int_equal(ev.table_complete, 1);
	assert_int_equal(ev.ntasks, 2);
	assert_true(oom_str_is(ev.task[0].comm, "systemd journal"));
	assert_int_equal(ev.task[0].swap_pages, 11);
	assert_int_equal(ev.task[0].rss_pages, 1500);
	assert_int_equal(ev.task[0].oom_score_adj, -250);
	assert_int_equal(ev.nvictims, 1);
	v = &ev.victim[0];
	assert_int_equal(v->pgtables_kb, 752);
	assert_int_equal(v->reap, OOM_REAP_REAPED);
	assert_int_equal(v->reap_us - v->killed_us, 2000001);
	assert_int_equal(ev.nraw, 19);
	assert_true(oom_str_ends(oom_event_line(&ev, 11), "130944 pages RAM"));
	oom_event_release(&ev);
}

int test_parse(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_report),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
