/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The shapes of single lines, oldest to newest, and what odd bytes in a name do to them. */
#include "test_parse.h"

#include <string.h>

#define INVOKED "[    1.000000] eater invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"
#define DONE    "[    1.900000] Killed process 7 (x) total-vm:70kB, anon-rss:7kB, file-rss:0kB\n"

/* Every rule at least once, in reports as kernels of all ages print them. */
static const char *const every_rule[] = {
	/* RHEL 6, x86 */
	"[    1.000000] php invoked oom-killer: gfp_mask=0x280da, order=0, oom_adj=0, oom_score_adj=0\n"
	"[    1.000001] php cpuset=/ mems_allowed=0-1\n"
	"[    1.000002] Pid: 23, comm: php Not tainted 2.6.32-642.el6.x86_64 #1\n"
	"[    1.000003] Call Trace:\n"
	"[    1.000004]  [<ffffffff81131dc0>] ? dump_header+0x90/0x1b0\n"
	"[    1.000005] Mem-Info:\n"
	"[    1.000006] Node 0 DMA per-cpu:\n"
	"[    1.000007] CPU    0: hi:    0, btch:   1 usd:   0\n"
	"[    1.000008] active_anon:1 inactive_anon:2 isolated_anon:3\n"
	"[    1.000009] Node 0 DMA free:15kB min:8kB low:9kB high:10kB pages_scanned:0 all_unreclaimable? yes\n"
	"[    1.000010] lowmem_reserve[]: 0 2991 4001\n"
	"[    1.000011] Node 0 DMA: 3*4kB 1*8kB = 20kB\n"
	"[    1.000012] 11 total pagecache pages\n"
	"[    1.000013] 12 pages in swap cache\n"
	"[    1.000014] Swap cache stats: add 1, delete 2, find 3/4\n"
	"[    1.000015] Free swap  = 5kB\n"
	"[    1.000016] Total swap = 6kB\n"
	"[    1.000017] 1000 pages RAM\n"
	"[    1.000018] 20 pages HighMem\n"
	"[    1.000019] 30 pages reserved\n"
	"[    1.000020] 40 pages shared\n"
	"[    1.000021] 50 pages non-shared\n"
	"[    1.000022] 60 pages in pagetable cache\n"
	"[    1.000023] [ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name\n"
	"[    1.000024] [   33]     0    33     2667      111   2     -17         -1000 udevd\n"
	"[    1.000025] Out of memory: Kill process 33 (udevd) score 4 or sacrifice child\n"
	"[    1.000026] Killed process 34, UID 48, (child) total-vm:8kB, anon-rss:4kB, file-rss:4kB\n"
	"[    1.000027] Kill process 35 (pal) sharing same memory\n"
	"[    1.000028] oom killer 34 (child) has mm pinned by 1 (init)\n"
	/* 32-bit ARM */
	"[    2.000000] sh invoked oom-killer: gfp_mask=0xd0, order=0, oom_adj=0, oom_score_adj=0\n"
	"[    2.000001] Backtrace:\n"
	"[    2.000002] Mem-info:\n"
	"[    2.000003] 900 pages of RAM\n"
	"[    2.000004] 80 free pages\n"
	"[    2.000005] 70 reserved pages\n"
	"[    2.000006] 60 slab pages\n"
	"[    2.000007] 5 pages swap cached\n"
	"[    2.000008] Kernel panic - not syncing: Out of memory and no killable processes...\n"
	/* memory cgroups: 3.15, 4.x, 4.18 */
	"[    3.000000] Task in /a\n"
	"[    3.000001]  killed as a result of limit of /b\n"
	"[    3.000002] memory: usage 1kB, limit 2kB, failcnt 3\n"
	"[    3.000003] memory+swap: usage 4kB, limit 5kB, failcnt 6\n"
	"[    3.000004] kmem: usage 7kB, limit 8kB, failcnt 9\n"
	"[    3.000005] Memory cgroup stats for /b: cache:1KB rss:2KB\n"
	"[    3.000006] Memory cgroup out of memory: Kill process 9 (x) score 1 or sacrifice child\n"
	"[    3.000007] Killed process 9 (x) total-vm:8kB, anon-rss:4kB, file-rss:4kB\n"
	"[    3.500000] Task in /c/d killed as a result of limit of /c\n"
	"[    3.500001] Memory cgroup out of memory: OOM victim 10 (y) is already exiting. Skip killing the task\n"
	"[    3.600000] Memory limit reached of cgroup /c\n"
	"[    3.600001] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled\n",
	/* arm64, profiling, slabs */
	"[    4.000000] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), nodemask=(null), order=2, oom_score_adj=0\n"
	"[    4.000001] COMPACTION is disabled!!!\n"
	"[    4.000002] CPU: 3 PID: 5 Comm: a Tainted: G        W  O      5.4.0-test #1\n"
	"[    4.000003] Hardware name: Board\n"
	"[    4.000004] Workqueue: events work\n"
	"[    4.000005] Call trace:\n"
	"[    4.000006] Mem-Info:\n"
	"[    4.000007] Node 0 active_anon:4kB inactive_anon:8kB all_unreclaimable? no\n"
	"[    4.000008] Node 0 hugepages_total=1 hugepages_free=2 hugepages_surp=3 hugepages_size=2048kB\n"
	"[    4.000009] 20 pages HighMem/MovableOnly\n"
	"[    4.000010] 30 pages cma reserved\n"
	"[    4.000011] 40 pages hwpoisoned\n"
	"[    4.000012] Memory allocations (profiling is currently turned on):\n"
	"[    4.000013]      1.50 MiB      384 mm/slub.c:3060 func:alloc_slab_page\n"
	"[    4.000014] Unreclaimable slab info:\n"
	"[    4.000015] Name                      Used          Total\n"
	"[    4.000016] kmalloc-8k               123KB        456KB\n"
	"[    4.000017] excessive unreclaimable slab but cannot dump stats\n"
	"[    4.000018] Memory cgroup min protection 4kB -- low protection 8kB\n"
	"[    4.000019] Tasks state (memory values in pages):\n"
	"[    4.000020] [  pid  ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
	"[    4.000021] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/\n"
	"[    4.000022] ,task=a,pid=5,uid=0\n"
	"[    4.000023] heaviest_task:a(5) rss_pages:1\n"
	"[    4.000024] Out of memory: Killed process 5 (a) total-vm:8kB, anon-rss:4kB, file-rss:4kB, shmem-rss:0kB\n"
	"[    6.000000] oom_reaper: reaped process 5 (a), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n"
	"[    6.000001] oom_reaper: unable to reap pid:5 (a)\n"
	"[    6.000002] oom_reaper: giving up pid:5 (a)\n"
	"[    6.000003] Unable to start OOM reaper -12. Continuing regardless\n"
	/* sysrq and memory cgroup v2 */
	"[    7.000000] SysRq : Manual OOM execution\n"
	"[    7.000000] sysrq: SysRq : Manual OOM execution\n"
	"[    7.000000] sysrq: Manual OOM execution\n"
	"[    7.000001] kworker/0:1 invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=-1, oom_score_adj=0\n"
	"[    7.000002] CPU: 0 UID: 0 PID: 6 Comm: kworker/0:1 Tainted: G        W           6.12.0-test #1\n"
	"[    7.000003] Tainted: [W]=WARN\n"
	"[    7.000004] OOM request ignored. No task eligible\n"
	"[    7.000005] sysrq: OOM request ignored. No task eligible\n"
	"[    7.000006] swap: usage 1kB, limit 2kB, failcnt 3\n"
	"[    7.000007] Memory cgroup stats for /v2:\n"
	"[    7.000008] anon 4096\n"
	"[    7.000009] Out of memory and no killable processes...\n"
	"[    7.000010] Kernel panic - not syncing: System is deadlocked on memory\n"
	"[    8.000000] Tasks in /g are going to be killed due to memory.oom.group set\n"
	"[    8.000001] oom_kill_process: would have killed process 749 (j), but continuing instead...\n"
	"[    8.000002] Would have killed process 7 (j). But continuing instead.\n"
	"[    9.000000] OOM killer disabled.\n"
	"[    9.000001] OOM killer enabled.\n"
	"[    9.000002] oom_kill_process: 3 callbacks suppressed\n"
	"[    9.000003] dump_header: 3 callbacks suppressed\n"
	"[    9.000004] out_of_memory: 3 callbacks suppressed\n"
	"[    9.000005] Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF\n"
	"[    9.000006] x: page allocation failure: order:1, mode:0x20\n"
	"[    9.000007] x: page allocation stalls for 10001ms, order:0, mode:0x20\n"
	"[    9.000008] oom-killer: gfp_mask=0xd0, order=0, oom_adj=0\n"
	"[    9.000009] Out of memory: kill process 3 (old) score 130 or a child\n"
	"[    9.000010] Killed process 3 (old) vsz:4kB, anon-rss:4kB, file-rss:0kB\n"
	"[    0.000000] Linux version 6.12.0-test (me) #1\n",
};

static void every_rule_is_hit(void **state)
{
	struct oom_rule_use use[200];
	struct oom_parser *p;
	struct oom_event ev;
	size_t n;

	(void)state;
	assert_int_equal(oom_parser_new(&p), 0);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(every_rule); i++)
		assert_int_equal(feed_text(p, every_rule[i]), 0);
	assert_int_equal(oom_parser_finish(p), 0);
	while (oom_parser_take(p, &ev) == 1)
		oom_event_release(&ev);
	n = oom_parser_rules(p, use, OOM_ARRAY_SIZE(use));
	assert_in_range(n, 60, OOM_ARRAY_SIZE(use));
	for (size_t i = 0; i < n; i++)
		if (!use[i].hits || !use[i].name || !use[i].pattern || !use[i].seen)
			fail_msg("no line of this test hits rule %s", use[i].name);
	oom_parser_free(p);
}

/* ---- names ------------------------------------------------------------------------------------------------ */

static const char *const hostile[] = {
	"(sd-pam)", "x) total-vm:9kB", "runc:[1:CHILD]", "a,pid=1,uid=0", "in:imjournal", "b) [9] 0", "Web Content", "\xff\xfe\x01\x80",
	"score 1 or sac", ", UID 1, (x", "531", "x] 1 2 3", "=,:;()[]{}", "Not tainted 9.9", " #1", ")", "(", "-", "+0x1/0x2",
	"\xd0\xbf\xd1\x80\xd0\xb8", "order=9", "oom_reaper: x",
};

static void names_that_look_like_the_rest(void **state)
{
	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(hostile); i++) {
		const char *c = hostile[i];
		char text[2000];
		struct oom_event ev;

		sprintf(text,
			"[    1.000000] %s invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=7\n"
			"[    1.000001] CPU: 1 PID: 44 Comm: %s Not tainted 5.0.9-test #1\n"
			"[    1.000002] [ pid ]   uid  tgid total_vm      rss pgtables_bytes swapents oom_score_adj name\n"
			"[    1.000003] [   44]     0    44      100       50    40960        0             7 %s\n"
			"[    1.000004] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=%s,mems_allowed=0,global_oom,task_memcg=/,task=%s,pid=44,uid=0\n"
			"[    1.000005] Out of memory: Kill process 44 (%s) score 3 or sacrifice child\n"
			"[    1.000006] Killed process 44 (%s) total-vm:400kB, anon-rss:200kB, file-rss:0kB, shmem-rss:0kB\n"
			"[    3.000006] oom_reaper: reaped process 44 (%s), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n",
			c, c, c, i % 2 ? "/" : c, c, c, c, c);
		assert_int_equal(parse_text(text, &ev, 1), 1);
		c += *c == ' ';       /* blanks around the prefix are nobody's */
		assert_str(ev.trigger_comm, c);
		assert_int_equal(ev.trigger_pid, 44);
		assert_int_equal(ev.order, 0);
		assert_str(ev.kernel, "5.0.9-test");
		assert_int_equal(ev.ntasks, 1);
		assert_str(ev.task[0].comm, hostile[i]);
		assert_str(ev.mems_allowed, "0");
		assert_int_equal(ev.chosen_pid, 44);
		assert_int_equal(ev.chosen_score, 3);
		assert_int_equal(ev.nvictims, 1);
		assert_str(ev.victim[0].comm, hostile[i]);
		assert_int_equal(ev.victim[0].total_vm_kb, 400);
		assert_int_equal(ev.victim[0].reap, OOM_REAP_REAPED);
		assert_int_equal(ev.table_complete, 1);
		oom_event_release(&ev);
	}
}

static void empty_names(void **state)
{
	static const char text[] =
		INVOKED
		"[    1.000002] [ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name\n"
		"[    1.000003] [   44]     0    44      100       50       4        0             7 \n"
		"[    1.000004] [   45]     0    45      100       50       4        0             7 y\n"
		"[    1.000005] Out of memory: Kill process 44 () score 3 or sacrifice child\n"
		"[    1.000006] Killed process 44 () total-vm:400kB, anon-rss:200kB, file-rss:0kB\n";
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_int_equal(ev.ntasks, 2);
	assert_non_null(ev.task[0].comm.p);
	assert_int_equal(ev.task[0].comm.n, 0);
	assert_int_equal(ev.task[0].nr_ptes, 4);
	assert_str(ev.task[1].comm, "y");
	assert_int_equal(ev.victim[0].comm.n, 0);
	assert_int_equal(ev.table_complete, 1);
	oom_event_release(&ev);
}

/* dmesg breaks such a record in two lines with the same stamp. */
static void newlines_in_names(void **state)
{
	static const char text[] =
		"[    1.000000] b) x invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
		"[    1.000001] CPU: 1 UID: 0 PID: 44 Comm: a\n"
		"[    1.000001] b) x Not tainted 6.12.0-test #1\n"
		"[    1.000004] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=a\n"
		"[    1.000004] b) x,pid=44,uid=0\n"
		"[    1.000006] Out of memory: Killed process 44 (a\n"
		"[    1.000006] b) x) total-vm:400kB, anon-rss:200kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n";
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_str(ev.trigger_comm, "a\nb) x");
	assert_str(ev.kernel, "6.12.0-test");
	assert_str(ev.chosen_comm, "a\nb) x");
	assert_int_equal(ev.chosen_pid, 44);
	assert_str(ev.victim[0].comm, "a\nb) x");
	assert_int_equal(ev.victim[0].total_vm_kb, 400);
	assert_int_equal(ev.damaged_lines, 0);
	oom_event_release(&ev);
}

/* The group's path and the name both hold the separator: the kill line tells which is which. */
static void separators_in_the_summary(void **state)
{
	static const char text[] =
		"[    1.000004] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=0-1,3,cpuset=,a,b,mems_allowed=0-1,3,oom_memcg=/p,q,"
		"task_memcg=/p,q/r,task=,task=x,pid=1,pid=44,uid=-2\n"
		"[    1.000006] Memory cgroup out of memory: Killed process 44 (,task=x,pid=1) total-vm:400kB, anon-rss:200kB, "
		"file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n";
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_str(ev.nodemask, "0-1,3");
	assert_str(ev.cpuset, ",a,b");
	assert_str(ev.mems_allowed, "0-1,3");
	assert_str(ev.oom_memcg, "/p,q");
	assert_str(ev.task_memcg, "/p,q/r");
	assert_str(ev.chosen_comm, ",task=x,pid=1");
	assert_int_equal(ev.chosen_pid, 44);
	assert_int_equal(ev.chosen_uid, -2);
	oom_event_release(&ev);
}

/* ---- the table -------------------------------------------------------------------------------------------- */

static size_t table(const char *heading, const char *row, struct oom_event *ev)
{
	char text[2000];

	sprintf(text, INVOKED "[    1.000002] %s\n[    1.000003] %s\n"
		"[    1.000004] Out of memory: Kill process 7 (x) score 1 or sacrifice child\n" DONE, heading, row);
	return parse_text(text, ev, 1);
}

static void columns_by_heading(void **state)
{
	struct oom_event ev;

	(void)state;
	assert_int_equal(table("[ pid ]   uid  tgid total_vm total_rss (   rss     swap  ) nr_ptes nr_pmds swapents oom_score_adj name",
			       "[   44]  1000    44      100       55 (      50        5) "
			       "     3       2        6          -900 n", &ev), 1);
	assert_int_equal(ev.task[0].rss_pages, 50);
	assert_int_equal(ev.task[0].nr_ptes, 3);
	assert_int_equal(ev.task[0].nr_pmds, 2);
	assert_int_equal(ev.task[0].swap_pages, 6);
	assert_int_equal(ev.task[0].oom_score_adj, -900);
	assert_int_equal(ev.table_complete, 1);
	oom_event_release(&ev);

	assert_int_equal(table("[ pid ]   uid  tgid total_vm      rss cpu oom_adj oom_score_adj name",
			       "[1234567] 4294967294 1234567 34359215953 1064390656   3     -17         -1000 a", &ev), 1);
	assert_int_equal(ev.task[0].pid, 1234567);
	assert_int_equal(ev.task[0].uid, 4294967294);
	assert_int_equal(ev.task[0].total_vm_pages, 34359215953);
	assert_int_equal(ev.task[0].cpu, 3);
	assert_int_equal(ev.task[0].oom_adj, -17);
	assert_int_equal(ev.task[0].swap_pages, OOM_NA);
	oom_event_release(&ev);
}

static void damaged_tables_are_not_complete(void **state)
{
	static const char heading[] = "[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name";
	static const char *const rows[] = {
		"[   44]     0    44      100 18446744073709551615       4        0             7 big",
		"[   44]     0    44      100",
		"]     0    44      100       50       4        0             7 torn",
		"[   44]     0    44      1x0       50       4        0             7 x",
		"...", "<...snip...>", "[...]", "(...snipped...)",
	};
	struct oom_event ev;

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rows); i++) {
		assert_int_equal(table(heading, rows[i], &ev), 1);
		assert_int_equal(ev.table_complete, 0);
		assert_true(ev.damaged_lines || oom_event_has_note(&ev, "truncated_table"));
		if (i == 0)
			assert_int_equal(ev.task[0].rss_pages, OOM_NA);
		oom_event_release(&ev);
	}
	assert_int_equal(table("[ pid ]   uid  tgid total_vm      rss nr_ptes sw...", "[   44]     0    44      100       50 ...", &ev), 1);
	assert_int_equal(ev.table_complete, 0);
	assert_int_equal(ev.task[0].rss_pages, 50);
	assert_null(ev.task[0].comm.p);
	oom_event_release(&ev);
}

static void foreign_lines_inside(void **state)
{
	struct oom_event ev;

	(void)state;
	assert_int_equal(table("[ pid ]   uid  tgid total_vm      rss nr_ptes swapents oom_score_adj name",
			       "[   44]     0    44      100       50       4        0             7 x\n"
			       "[    1.000003] usb 1-1: new high-speed device\n"
			       "[    1.000003] Mem-Info:\n[    1.000003] 5 pages RAM\n"
			       "[    1.000003] [   45]     0    45      100       50       4        0             7 y", &ev), 1);
	assert_int_equal(ev.ntasks, 2);
	assert_int_equal(ev.table_complete, 1);
	assert_int_equal(ev.ram_pages, OOM_NA);
	oom_event_release(&ev);
}

/* ---- memory ------------------------------------------------------------------------------------------------ */

static const struct oom_memory *find(const struct oom_event *ev, enum oom_area area, const char *zone, const char *name)
{
	for (size_t i = 0; i < ev->nmemory; i++)
		if (ev->memory[i].area == (int64_t)area && oom_str_is(ev->memory[i].name, name) &&
		    (zone ? oom_str_is(ev->memory[i].zone, zone) : !ev->memory[i].zone.n))
			return &ev->memory[i];
	fail_msg("no %s", name);
	return NULL;
}

static void memory_of_the_machine(void **state)
{
	static const char text[] =
		INVOKED
		"[    1.000001] Mem-Info:\n"
		"[    1.000002] active_anon:61 inactive_anon:7\n"
		"                mapped:8\n"
		"[    1.000003] Node 0 active_anon:244kB shmem_thp: 12kB anon_thp:\n"
		"16kB all_unreclaimable? yes\n"
		"[    1.000004] Normal free:111kB boost:0kB min:22kB\n"
		"low:33kB present:884728kB free_cma:0kB\n"
		"[    1.000005] lowmem_reserve[]: 0 17 18\n"
		"[    1.000006] Normal: 3*64kB (UE) 0*128kB 1*256kB\n"
		"(M) = 448kB\n"
		"[    1.000007] 4194174 pages RAM\n" DONE;
	const struct oom_memory *m;
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_int_equal(ev.page_size, 65536);
	assert_int_equal(find(&ev, OOM_AREA_GLOBAL, NULL, "active_anon")->value, 61);
	assert_int_equal(find(&ev, OOM_AREA_GLOBAL, NULL, "mapped")->unit, OOM_UNIT_PAGES);
	assert_int_equal(find(&ev, OOM_AREA_NODE, NULL, "shmem_thp")->value, 12);
	assert_int_equal(find(&ev, OOM_AREA_NODE, NULL, "anon_thp")->value, 16);
	assert_str(find(&ev, OOM_AREA_NODE, NULL, "all_unreclaimable")->text, "yes");
	m = find(&ev, OOM_AREA_ZONE, "Normal", "low");
	assert_int_equal(m->value, 33);
	assert_int_equal(m->node, OOM_NA);
	assert_int_equal(find(&ev, OOM_AREA_ZONE, "Normal", "lowmem_reserve[1]")->value, 17);
	assert_str(find(&ev, OOM_AREA_FREELIST, "Normal", "256kB")->text, "M");
	assert_int_equal(find(&ev, OOM_AREA_FREELIST, "Normal", "64kB")->value, 3);
	oom_event_release(&ev);
}

static void memory_of_a_cgroup(void **state)
{
	static const char text[] =
		INVOKED
		"[    1.000001] Task in /a/b killed as a result of limit of /a\n"
		"[    1.000002] memory: usage 1024kB, limit 2048kB, failcnt 3\n"
		"[    1.000003] memory+swap: usage 1024kB, limit 9007199254740988kB, failcnt 0\n"
		"[    1.000004] Memory cgroup stats for /a: cache:0KB rss:10KB\n"
		"[    1.000005] Memory cgroup stats for /a/b: cache:5KB rss:11KB\n"
		"writeback:12KB\n"
		"[    1.000006] Memory cgroup out of memory: Kill process 7 (x) score 1 or sacrifice child\n" DONE
		"[    5.000000] memory: usage 10240kB, limit 10240kB, failcnt 51\n"
		"[    5.000001] swap: usage 5kB, limit 6kB, failcnt 0\n"
		"[    5.000002] Memory cgroup stats for /v2:\n"
		"[    5.000003] anon 314535936\n"
		"                file 8\n"
		"                pgfault 99\n"
		"[    5.000004] Memory cgroup min protection 4kB -- low protection 8kB\n"
		"[    5.000005] Memory cgroup out of memory: Killed process 8 (y) total-vm:70kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n";
	struct oom_event ev[2];

	(void)state;
	assert_int_equal(parse_text(text, ev, 2), 2);
	assert_int_equal(ev[0].scope, OOM_SCOPE_MEMCG);
	assert_str(ev[0].oom_memcg, "/a");
	assert_str(ev[0].task_memcg, "/a/b");
	assert_int_equal(ev[0].memcg_limit_kb, 2048);
	assert_int_equal(ev[0].memcg_failcnt, 3);
	assert_int_equal(ev[0].memsw_limit_kb, 9007199254740988);
	assert_int_equal(find(&ev[0], OOM_AREA_MEMCG, "/a", "rss")->value, 10);
	assert_int_equal(find(&ev[0], OOM_AREA_MEMCG, "/a/b", "writeback")->value, 12);
	assert_int_equal(ev[1].memcg_version, 2);
	assert_int_equal(ev[1].memcg_swap_limit_kb, 6);
	assert_int_equal(ev[1].protect_low_kb, 8);
	assert_str(ev[1].oom_memcg, "/v2");
	assert_int_equal(find(&ev[1], OOM_AREA_MEMCG, "/v2", "anon")->unit, OOM_UNIT_BYTES);
	assert_int_equal(find(&ev[1], OOM_AREA_MEMCG, "/v2", "pgfault")->unit, OOM_UNIT_NONE);
	assert_true(oom_event_has_note(&ev[1], "no_header"));
	release_events(ev, 2);
}

/* ---- scope and outcome ------------------------------------------------------------------------------------- */

static void scopes(void **state)
{
	static const struct { const char *text; int64_t scope, outcome; } cases[] = {
		{ "[    1.000000] a invoked oom-killer: gfp_mask=0xd0(G), nodemask=1, order=0, oom_score_adj=0\n"
		  "[    1.000001] a cpuset=/ mems_allowed=0-1\n"
		  "[    1.000002] CPU: 1 PID: 4 Comm: a Not tainted 4.14.0 #1\n", OOM_SCOPE_MEMPOLICY, OOM_OUTCOME_TRUNCATED },
		{ "[    1.000000] a invoked oom-killer: gfp_mask=0xd0(G), nodemask=0-1, order=0, oom_score_adj=0\n"
		  "[    1.000001] a cpuset=/ mems_allowed=0-1\n"
		  "[    1.000002] CPU: 1 PID: 4 Comm: a Not tainted 4.9.0 #1\n"
		  "[    1.000003] Mem-Info:\n", OOM_SCOPE_GLOBAL, OOM_OUTCOME_TRUNCATED },
		{ "[    1.000000] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/a,task_memcg=/a,task=a,pid=1,uid=0\n",
		  OOM_SCOPE_MEMCG, OOM_OUTCOME_TRUNCATED },
		{ "[    1.000000] oom-kill:constraint=CONSTRAINT_CPUSET,nodemask=(null), cpuset=c,mems_allowed=0,global_oom,task_memcg=/a,task=a,pid=1,uid=0\n",
		  OOM_SCOPE_CPUSET, OOM_OUTCOME_TRUNCATED },
		{ "[    1.000000] kworker/0:1 invoked oom-killer: gfp_mask=0xd0, order=-1, oom_score_adj=0\n",
		  OOM_SCOPE_SYSRQ, OOM_OUTCOME_TRUNCATED },
		{ INVOKED "[    1.000001] Memory cgroup out of memory: OOM victim 10 (y) is already exiting. Skip killing the task\n",
		  OOM_SCOPE_MEMCG, OOM_OUTCOME_WILL_FREE },
		{ INVOKED "[    1.000001]  mem_cgroup_out_of_memory+0x1/0x2\n[    1.000002] Out of memory and no killable processes...\n",
		  OOM_SCOPE_MEMCG, OOM_OUTCOME_NO_KILLABLE },
		{ INVOKED "[    1.000002] Out of memory and no killable processes...\n"
		  "[    1.000003] Kernel panic - not syncing: System is deadlocked on memory\n", OOM_SCOPE_GLOBAL, OOM_OUTCOME_PANIC },
		{ INVOKED, OOM_SCOPE_UNKNOWN, OOM_OUTCOME_TRUNCATED },
	};
	struct oom_event ev;

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(cases); i++) {
		assert_int_equal(parse_text(cases[i].text, &ev, 1), 1);
		assert_int_equal(ev.scope, cases[i].scope);
		assert_int_equal(ev.outcome, cases[i].outcome);
		oom_event_release(&ev);
	}
}

static void kill_lines_of_all_ages(void **state)
{
	static const char *const lines[] = {
		"Killed process 7 (x) total-vm:70kB, anon-rss:6kB, file-rss:5kB",
		"Killed process 7 (x) total-vm:70kB, anon-rss:6kB, file-rss:5kB, shmem-rss:4kB",
		"Killed process 7, UID 48, (x) total-vm:70kB, anon-rss:6kB, file-rss:5kB",
		"Killed process 7 (x), UID 48, total-vm:70kB, anon-rss:6kB, file-rss:5kB, shmem-rss:4kB",
		"Out of memory: Killed process 7 (x) total-vm:70kB, anon-rss:6kB, file-rss:5kB, shmem-rss:4kB, UID:48",
		"Out of memory: Killed process 7 (x) total-vm:70kB, anon-rss:6kB, file-rss:5kB, shmem-rss:4kB, UID:48 pgtables:8kB oom_score_adj:0",
		"Out of memory (oom_kill_allocating_task): Killed process 7 (x) total-vm:70kB, anon-rss:6kB, file-rss:5kB, shmem-rss:4kB, UID:48 pgtables:8kB oom_score_adj:0",
		"Killed process 7 (x) total-vm:70kB, anon-rss:6kB, file-rss:5kB, shmem-rss:4kB <======== here",
	};

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(lines); i++) {
		char text[400];
		struct oom_event ev;

		sprintf(text, "[    1.000000] %s\n", lines[i]);
		assert_int_equal(parse_text(text, &ev, 1), 1);
		assert_int_equal(ev.nvictims, 1);
		assert_int_equal(ev.victim[0].pid, 7);
		assert_str(ev.victim[0].comm, "x");
		assert_int_equal(ev.victim[0].total_vm_kb, 70);
		assert_int_equal(ev.victim[0].file_rss_kb, 5);
		assert_true(ev.victim[0].uid == (strstr(lines[i], "UID") ? 48 : OOM_NA));
		assert_true(ev.victim[0].shmem_rss_kb == (strstr(lines[i], "shmem") ? 4 : OOM_NA));
		assert_int_equal(ev.allocating_task, strstr(lines[i], "allocating") != NULL);
		oom_event_release(&ev);
	}
}

int test_parse_lines(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_rule_is_hit),
		cmocka_unit_test(names_that_look_like_the_rest),
		cmocka_unit_test(empty_names),
		cmocka_unit_test(newlines_in_names),
		cmocka_unit_test(separators_in_the_summary),
		cmocka_unit_test(columns_by_heading),
		cmocka_unit_test(damaged_tables_are_not_complete),
		cmocka_unit_test(foreign_lines_inside),
		cmocka_unit_test(memory_of_the_machine),
		cmocka_unit_test(memory_of_a_cgroup),
		cmocka_unit_test(scopes),
		cmocka_unit_test(kill_lines_of_all_ages),
	};

	return cmocka_run_group_tests_name("parse_lines", tests, NULL, NULL);
}
