/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can run out of memory by itself: totalpages, candidates, room, the next victim. */
#include "test_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void test_domains(void **state)
{
	struct oom_sampler *s = tree_open_recorded(OOM_SAMPLE_ALL);
	struct oom_sample m = tree_pass(s);
	const struct oom_domain *d;

	(void)state;
	assert_int_equal(m.cgroup_version, 2);
	assert_int_equal(m.ndomains, 4);       /* the machine and three limits; "max" is none */
	d = &m.domain[0];
	assert_int_equal(d->scope, OOM_SCOPE_GLOBAL);
	assert_int_equal(m.event->task[d->victim].pid, 1201);
	assert_int_equal(d->oom_kills, 3);
	d = tree_domain(&m, "/system.slice/db.service");
	assert_int_equal(d->total_pages, 1048576 + 131072);        /* 4 GiB + swap.max, less than the
								    * machine's swap */
	assert_int_equal(d->headroom_kb, 4194304 - 3276800);
	assert_int_equal(d->reclaimable_kb, 40960 + 1024);
	assert_int_equal(d->room_kb, 917504 + 41984 + (524288 - 80000));
	assert_int_equal(d->low_kb, 1048576);
	assert_int_equal(d->oom_kills, 2);
	assert_int_equal(d->ntasks, 2);
	assert_int_equal(m.event->task[d->victim].pid, 812);       /* 813 is larger, but at -1000 */
	assert_int_equal(d->runner_up, -1);
	assert_true(d->certain);
	d = tree_domain(&m, "/kubepods");
	assert_int_equal(d->total_pages, 65536 + 500000);          /* all of the machine's swap */
	assert_int_equal(d->ntasks, 3);
	assert_int_equal(m.event->task[d->victim].pid, 1201);
	assert_int_equal(d->margin_pages, (24000 + 75) - (11500 + 50));
	assert_true(oom_str_is(m.cgroup[d->group].path, "/kubepods/pod1"));
	d = tree_domain(&m, "/kubepods/pod1/main");
	assert_int_equal(d->total_pages, 32768);                   /* swap.max 0 */
	assert_int_equal(d->group, -1);                            /* pod1 is one, but lies above the
								    * domain */
	assert_true(oom_str_is(m.domain[d->parent].path, "/kubepods"));
	oom_sampler_close(s);
}

/* ---- cgroup v1 -------------------------------------------------------------------------------------- */

static void put_v1(const char *path, const char *limit, const char *memsw, int swappiness)
{
	const struct { const char *file, *text; } files[] = {
		{ "memory.limit_in_bytes", limit }, { "memory.memsw.limit_in_bytes", memsw },
		{ "memory.usage_in_bytes", "1048576" }, { "memory.memsw.usage_in_bytes", "1048576" },
		{ "memory.oom_control", "oom_kill_disable 1\nunder_oom 0\noom_kill 4" },
		{ "memory.stat", "inactive_file 9\ntotal_inactive_file 8192\ntotal_active_file 4096" },
	};
	char full[256];

	for (size_t i = 0; i < OOM_ARRAY_SIZE(files); i++) {
		snprintf(full, sizeof(full), "cgroup/memory/%s%s", path, files[i].file);
		tree_put(full, "%s\n", files[i].text);
	}
	snprintf(full, sizeof(full), "cgroup/memory/%smemory.swappiness", path);
	tree_put(full, "%d\n", swappiness);
	snprintf(full, sizeof(full), "cgroup/memory/%scgroup.procs", path);
	tree_put(full, "%s", "");
}

static void test_v1_totalpages(void **state)
{
	static const char *const unlimited = "9223372036854771712";
	struct oom_sampler *s;
	struct oom_sample m;
	const struct oom_domain *d;
	struct oom_event view;

	(void)state;
	put_v1("", unlimited, unlimited, 60);
	put_v1("swap/", "104857600", unlimited, 60);
	put_v1("memsw/", "104857600", "125829120", 60);
	put_v1("still/", "104857600", unlimited, 0);
	put_v1("tight/", "104857600", "104857600", 60);
	s = tree_open(OOM_SAMPLE_ALL);
	m = tree_pass(s);
	assert_int_equal(m.cgroup_version, 1);
	assert_int_equal(m.ndomains, 5);
	assert_int_equal(tree_domain(&m, "/swap")->total_pages, 25600 + 100000);
	assert_int_equal(tree_domain(&m, "/memsw")->total_pages, 25600 + 5120);
	assert_int_equal(tree_domain(&m, "/still")->total_pages, 25600);
	assert_int_equal(tree_domain(&m, "/tight")->total_pages, 25600);
	d = tree_domain(&m, "/swap");
	assert_int_equal(d->swap_limit_kb, OOM_UNLIMITED);
	assert_int_equal(d->kill_disabled, 1);
	assert_int_equal(d->oom_kills, 4);
	assert_int_equal(d->reclaimable_kb, 12);
	assert_int_equal(d->victim, -1);
	assert_int_equal(d->ntasks, 0);
	assert_int_equal(oom_sampler_view(s, d, &view), 0);
	assert_int_equal(view.memsw_limit_kb, 9007199254740988);    /* as the kernel prints it */
	oom_sampler_close(s);
}

static void test_subtrees(void **state)
{
	static const char *const unlimited = "9223372036854771712";
	struct oom_sampler *s;
	struct oom_sample m;
	const struct oom_domain *d;

	(void)state;
	for (int pid = 10; pid < 16; pid++)
		tree_process(pid, 0, pid * 400, 0, 4);
	put_v1("", unlimited, unlimited, 60);
	put_v1("a/", "104857600", unlimited, 60);
	put_v1("a/b,task=x/", unlimited, unlimited, 60);
	put_v1("a/b,task=x/c d/", "52428800", unlimited, 60);
	put_v1("z/", unlimited, unlimited, 60);
	tree_put("cgroup/memory/cgroup.procs", "0\n15\n");
	tree_put("cgroup/memory/a/cgroup.procs", "10\n");
	tree_put("cgroup/memory/a/b,task=x/cgroup.procs", "11\n999\n10\n"); /* 10 moved during the walk */
	tree_put("cgroup/memory/a/b,task=x/c d/cgroup.procs", "12\n13");      /* no newline at the end */
	tree_put("cgroup/memory/z/cgroup.procs", "14\n");
	s = tree_open(OOM_SAMPLE_ALL);
	m = tree_pass(s);
	d = tree_domain(&m, "/a");
	assert_int_equal(d->ntasks, 4);
	assert_int_equal(m.event->task[d->victim].pid, 13);
	d = tree_domain(&m, "/a/b,task=x/c d");
	assert_int_equal(d->ntasks, 2);
	assert_true(oom_str_is(m.domain[d->parent].path, "/a"));
	assert_true(oom_str_is(oom_event_task(m.event, 11)->cgroup, "/a/b,task=x"));
	assert_true(oom_str_is(oom_event_task(m.event, 15)->cgroup, "/"));
	assert_int_equal(m.info.unplaced, 0);
	/* before 5.11 a group could leave out its subtree */
	tree_put("cgroup/memory/a/memory.use_hierarchy", "0\n");
	m = tree_pass(s);
	assert_int_equal(tree_domain(&m, "/a")->ntasks, 1);
	/* a group removed between two passes */
	tree_clear("cgroup/memory/a");
	m = tree_pass(s);
	assert_int_equal(m.ndomains, 1);
	assert_null(oom_event_task(m.event, 12)->cgroup.p);
	assert_int_equal(m.info.unplaced, 4);
	oom_sampler_close(s);
}

/* Where threads abound, v1 asks the processes instead of the cgroups: the same sample comes out. */
static void test_v1_by_process(void **state)
{
	static const char *const unlimited = "9223372036854771712";
	struct oom_sampler *s;
	struct oom_sample m;

	(void)state;
	put_v1("", unlimited, unlimited, 60);
	put_v1("a:b/", "104857600", unlimited, 60);
	put_v1("a:b/sub/", unlimited, unlimited, 60);
	tree_put("proc/self/cgroup", "3:cpu:/\n2:memory,hugetlb:/a:b\n");
	for (int pid = 20; pid < 26; pid++) {
		char path[64];

		tree_process(pid, 0, pid * 400, 0, 4);
		snprintf(path, sizeof(path), "proc/%d/cgroup", pid);
		tree_put(path,
			 "9:name=systemd:/memory\n3:cpu,memoryless:/a:b\n2:hugetlb,memory:%s\n0::/else\n",
		    pid < 22 ? "/" : pid < 24 ? "/a:b" : "/a:b/sub");
	}
	tree_put("proc/20/status",
		 "Name:\tmany\nPid:\t20\nVmSize:\t4 kB\nVmRSS:\t4 kB\nVmPTE:\t4 kB\nVmSwap:\t0 "
			      "kB\nThreads:\t32000\n");
	s = tree_open(OOM_SAMPLE_ALL);
	m = tree_pass(s);
	assert_int_equal(m.info.threads, 32005);
	assert_int_equal(m.info.unplaced, 0);
	assert_int_equal(m.domain[1].ntasks, 4);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(m.event->task[m.domain[1].task[i]].pid, 22 + i);
	assert_true(oom_str_is(oom_event_task(m.event, 25)->cgroup, "/a:b/sub"));
	/* the mount shows another part of the tree than /proc names: the cgroups are asked after all */
	tree_put("proc/self/cgroup", "2:memory:/docker/1\n");
	tree_put("cgroup/memory/a:b/cgroup.procs", "23\n");
	m = tree_pass(s);
	assert_int_equal(m.domain[1].ntasks, 1);
	assert_int_equal(m.info.unplaced, 5);
	oom_sampler_close(s);
}

static void test_deep_tree(void **state)
{
	char path[2048] = "cgroup/";
	struct oom_sampler *s;
	struct oom_sample m;
	size_t n;

	(void)state;
	tree_put("cgroup/cgroup.controllers", "cpu memory\n");
	for (int i = 0; i < 100; i++)
		strcat(path, "d/");
	for (n = strlen("cgroup/d/"); n <= strlen(path); n += 2) {
		char full[4096];

		snprintf(full, sizeof(full), "%s/%.*s", tree_dir, (int)n, path);
		assert_int_equal(mkdir(full, 0755), 0);
	}
	s = tree_open(OOM_SAMPLE_ALL);
	m = tree_pass(s);
	assert_int_equal(m.ncgroups, 64);
	assert_true(oom_event_has_note(m.event, "cgroups_cut"));
	oom_sampler_close(s);
}

/* ---- nodes ------------------------------------------------------------------------------------------ */

static void put_on_nodes(int pid, int rss_kb, const char *mems, const char *policy)
{
	char path[64];

	tree_process(pid, 100, rss_kb, 0, 4);
	snprintf(path, sizeof(path), "proc/%d/status", pid);
	tree_put(path,
	    "Name:\tp%d\nTgid:\t%d\nPid:\t%d\nUid:\t1\nVmSize:\t%d kB\nVmRSS:\t%d kB\nVmPTE:\t4 "
	    "kB\nVmSwap:\t0 kB\nThreads:\t1\n"
	    "Mems_allowed:\t3\nMems_allowed_list:\t%s\n",
	    pid, pid, pid, rss_kb, rss_kb, mems);
	snprintf(path, sizeof(path), "proc/%d/numa_maps", pid);
	tree_put(path, "55d0c0000000 %s file=/bin/x mapped=3\n55d0c0003000 default anon=1\n", policy);
}

static void test_node_domains(void **state)
{
	struct oom_sampler *s;
	struct oom_sample m;
	const struct oom_domain *cpuset = NULL, *policy = NULL;

	(void)state;
	tree_put("proc/zoneinfo",
			    "Node 0, zone DMA\n  per-node stats\n      nr_inactive_file 10\n  pages free "
			     "1\n        spanned 4095\n        present 3000\n"
			     "        managed 2900\n      nr_free_pages 100\nNode 0, zone Normal\n        "
			     "present 397000\n        managed 390000\n      nr_free_pages 200\n"
			     "Node 1, zone Normal\n  per-node stats\n      nr_active_file 40\n        "
			     "present 500000\n        managed 490000\n      nr_free_pages 700");
	put_on_nodes(11, 4000, "0-1", "default");
	put_on_nodes(12, 5000, "0", "default");
	put_on_nodes(13, 9000, "1", "default");
	put_on_nodes(14, 8000, "0-1", "bind=static:0");
	s = tree_open(OOM_SAMPLE_NODES | OOM_SAMPLE_POLICIES);
	m = tree_pass(s);
	for (size_t i = 0; i < m.ndomains; i++) {
		if (m.domain[i].scope == OOM_SCOPE_CPUSET && oom_str_is(m.domain[i].path, "0"))
			cpuset = &m.domain[i];
		if (m.domain[i].scope == OOM_SCOPE_MEMPOLICY)
			policy = &m.domain[i];
	}
	assert_int_equal(m.ndomains, 4);       /* the machine, cpusets of node 0 and of node 1, the policy;
					        * 0-1 is everything */
	assert_non_null(cpuset);
	assert_int_equal(cpuset->total_pages, 400000 + 100000);
	assert_int_equal(cpuset->ntasks, 3);                       /* not 13: its cpuset has node 1 alone */
	assert_int_equal(m.event->task[cpuset->victim].pid, 14);
	assert_int_equal(cpuset->room_kb, (300 + 10) * 4 + 400000);
	assert_non_null(policy);
	assert_true(oom_str_is(policy->path, "0"));
	assert_int_equal(policy->ntasks, 4);                       /* whoever has no bind policy may have
								    * memory anywhere */
	assert_int_equal(m.event->task[policy->victim].pid, 13);
	oom_sampler_close(s);
}

static void test_which_first(void **state)
{
	struct oom_domain a = { .limit_kb = 1000, .usage_kb = 900, .room_kb = 100, .prev_usage_kb = 900 };
	struct oom_domain b = { .limit_kb = 1000, .usage_kb = 500, .room_kb = 500, .prev_usage_kb = 400 };
	struct oom_domain c = { .limit_kb = 1000, .usage_kb = 500, .room_kb = 500, .prev_usage_kb = OOM_NA };
	struct oom_domain d = {
		.limit_kb = 1000, .usage_kb = OOM_NA, .room_kb = OOM_NA, .prev_usage_kb = OOM_NA
	};

	(void)state;
	assert_true(oom_domain_compare(&b, &a) < 0);           /* the one that grows */
	assert_true(oom_domain_compare(&a, &c) < 0);           /* the one with less left */
	assert_true(oom_domain_compare(&c, &d) < 0);           /* the unknown last */
	assert_int_equal(oom_domain_compare(&a, &a), 0);
}

int test_domain(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, tree_set_up, tree_tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_domains), T(test_v1_totalpages), T(test_subtrees),
		T(test_v1_by_process), T(test_deep_tree), T(test_node_domains),
		cmocka_unit_test(test_which_first),
	};
#undef T
	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
