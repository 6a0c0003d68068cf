/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The flight recorder and the kernel's counters, over trees of files and over the running machine. */
#include "test_tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../collector/recorder_impl.h"

#define SECOND INT64_C(1000000)

/* ---- processes of the tree -------------------------------------------------------------------------- */

/* What the flight recorder reads beyond the sampler's own files; start in ticks of 1/100 s. */
static void person(int pid, int rss_kb, int start, const char *comm, const char *cgroup)
{
	char path[64];

	tree_process(pid, 0, rss_kb, 0, 0);
	snprintf(path, sizeof(path), "proc/%d/status", pid);
	tree_put(path, "Name:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t1\nUid:\t7\t7\t7\t7\nVmSize:\t%d kB\nVmRSS:\t%d kB\n"
		 "RssAnon:\t%d kB\nVmPTE:\t0 kB\nVmSwap:\t0 kB\nThreads:\t1\n", comm, pid, pid, rss_kb, rss_kb, rss_kb);
	snprintf(path, sizeof(path), "proc/%d/stat", pid);
	tree_put(path, "%d (%s) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 %d 0 0\n", pid, comm, start);
	snprintf(path, sizeof(path), "proc/%d/cgroup", pid);
	tree_put(path, "0::%s\n", cgroup);
}

static void say(int pid, const char *bytes, size_t n)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof(path), "%s/proc/%d/cmdline", tree_dir, pid);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
}

#define SAY(pid, text) say(pid, text, sizeof(text))

/* A directory of another inode takes the place of pid's. */
static void renumber(int pid)
{
	char old[512], aside[512], made[32];

	snprintf(old, sizeof(old), "%s/proc/%d", tree_dir, pid);
	snprintf(aside, sizeof(aside), "%s/aside", tree_dir);
	assert_int_equal(rename(old, aside), 0);
	snprintf(made, sizeof(made), "proc/%d/x", pid);
	tree_put(made, "x");
	tree_clear("aside");
}

static struct oom_flight_ring *ring_open(int64_t every_us)
{
	char proc[256], cgroup[256];
	struct oom_flight_ring *r = NULL;
	struct oom_err err = { 0 };

	snprintf(proc, sizeof(proc), "%s/proc", tree_dir);
	snprintf(cgroup, sizeof(cgroup), "%s/cgroup", tree_dir);
	assert_int_equal(oom_flight_new_at(proc, cgroup, every_us, &r, &err), 0);
	return r;
}

static void tick(struct oom_flight_ring *r, int64_t at_us)
{
	assert_int_equal(oom_flight_tick(r, at_us), 0);
}

static struct oom_event attached(const struct oom_flight_ring *r, int64_t until_us)
{
	struct oom_event ev;

	oom_event_init(&ev);
	assert_int_equal(oom_flight_attach(r, until_us, &ev), 0);
	return ev;
}

static const struct oom_flight *flight_of(const struct oom_event *ev, int64_t pid)
{
	for (size_t i = 0; i < ev->nflights; i++)
		if (ev->flight[i].pid == pid)
			return &ev->flight[i];
	fail_msg("no row of %d", (int)pid);
	return NULL;
}

/* ---- flight ----------------------------------------------------------------------------------------- */

static void test_rows(void **state)
{
	struct oom_flight_ring *r;
	const struct oom_flight *f;
	struct oom_event ev;

	(void)state;
	tree_put("cgroup/cgroup.controllers", "cpu memory\n");
	tree_put("proc/pressure/memory", "some avg10=1.05 avg60=0.00 avg300=100.00 total=77\n"
					 "full avg10=0.50 avg60=0.00 avg300=0.00 total=5\n");
	person(10, 4000, 500, "small", "/a");
	person(20, 40000, 700, "big", "/b c/d");
	SAY(20, "big\0--size\0" "9");
	r = ring_open(5 * SECOND);
	tick(r, 100 * SECOND);
	ev = attached(r, 200 * SECOND);
	assert_int_equal(ev.nflights, 2);
	f = &ev.flight[0];
	assert_int_equal(f->pid, 20);
	assert_int_equal(f->uid, 7);
	assert_int_equal(f->oom_score_adj, 0);
	assert_int_equal(f->points, 10000);
	assert_int_equal(f->rss_pages, 10000);
	assert_int_equal(f->swap_pages, 0);
	assert_int_equal(f->pgtables_bytes, 0);
	assert_int_equal(f->sampled_us, 100 * SECOND);
	assert_int_equal(f->start_us, 7 * SECOND);
	assert_true(oom_str_is(f->comm, "big"));
	assert_true(oom_str_is(f->cgroup, "/b c/d"));
	assert_true(oom_str_is(f->cmdline, "big --size 9"));
	/* one sample tells nothing of growth, and who has no command line has none */
	assert_int_equal(f->growth_pages, OOM_NA);
	assert_int_equal(f->growth_us, OOM_NA);
	assert_null(flight_of(&ev, 10)->cmdline.p);
	assert_int_equal(ev.nmemory, 8);
	assert_int_equal(ev.memory[0].area, OOM_AREA_PSI);
	assert_true(oom_str_is(ev.memory[0].zone, "memory"));
	assert_true(oom_str_is(ev.memory[0].name, "sampled_some_avg10"));
	assert_int_equal(ev.memory[0].value, 105);
	assert_int_equal(ev.memory[2].value, 10000);
	assert_true(oom_str_is(ev.memory[7].name, "sampled_full_total"));
	assert_int_equal(ev.memory[7].value, 5);
	assert_int_equal(ev.memory[7].unit, OOM_UNIT_US);
	oom_event_release(&ev);
	oom_flight_free(r);
}

static void test_growth_over_the_ring(void **state)
{
	struct oom_flight_ring *r;
	struct oom_event ev;

	(void)state;
	person(30, 4000, 1, "grows", "/");
	person(31, 8000, 1, "late", "/");
	r = ring_open(5 * SECOND);
	for (int i = 0; i < 20; i++) {
		person(30, 4000 + 40 * i, 1, "grows", "/");
		if (i == 18)
			person(32, 100000, 1, "newcomer", "/");
		tick(r, (100 + 5 * i) * SECOND);
	}
	ev = attached(r, INT64_MAX);
	assert_int_equal(flight_of(&ev, 30)->growth_pages, 11 * 10);
	assert_int_equal(flight_of(&ev, 30)->growth_us, 55 * SECOND);
	assert_int_equal(flight_of(&ev, 31)->growth_pages, 0);
	assert_int_equal(flight_of(&ev, 32)->growth_us, 5 * SECOND);
	oom_event_release(&ev);
	/* a kill of three samples ago: growth up to then, over what the ring still has from before */
	ev = attached(r, (100 + 5 * 17) * SECOND - 1);
	assert_int_equal(flight_of(&ev, 30)->sampled_us, (100 + 5 * 16) * SECOND);
	assert_int_equal(flight_of(&ev, 30)->growth_pages, 8 * 10);
	assert_int_equal(flight_of(&ev, 30)->growth_us, 40 * SECOND);
	oom_event_release(&ev);
	/* one from before the ring: nothing is better than what came after it */
	ev = attached(r, 110 * SECOND);
	assert_int_equal(ev.nflights, 0);
	assert_int_equal(ev.nmemory, 0);
	oom_event_release(&ev);
	oom_flight_free(r);
}

static void test_who_is_the_same(void **state)
{
	struct oom_flight_ring *r;
	struct oom_event ev;

	(void)state;
	tree_put("cgroup/cgroup.controllers", "memory\n");
	person(40, 4000, 11, "forgotten", "/");
	person(41, 4000, 12, "recycled", "/");
	person(42, 4000, 13, "before", "/");
	SAY(40, "forgotten");
	SAY(41, "old one");
	SAY(42, "sh");
	r = ring_open(5 * SECOND);
	tick(r, 100 * SECOND);
	/* /proc numbers the same process anew */
	renumber(40);
	person(40, 8000, 11, "forgotten", "/");
	/* the pid is another process, of the same name */
	renumber(41);
	person(41, 8000, 99, "recycled", "/moved");
	SAY(41, "new one");
	/* execve(): the same process */
	person(42, 8000, 13, "after", "/moved");
	SAY(42, "server -x");
	tick(r, 105 * SECOND);
	ev = attached(r, INT64_MAX);
	assert_int_equal(flight_of(&ev, 40)->growth_pages, 1000);
	assert_int_equal(flight_of(&ev, 41)->growth_pages, OOM_NA);
	assert_int_equal(flight_of(&ev, 41)->start_us, 990000);
	assert_true(oom_str_is(flight_of(&ev, 41)->cmdline, "new one"));
	assert_true(oom_str_is(flight_of(&ev, 41)->cgroup, "/moved"));
	assert_int_equal(flight_of(&ev, 42)->growth_pages, 1000);
	assert_true(oom_str_is(flight_of(&ev, 42)->cmdline, "server -x"));
	assert_true(oom_str_is(flight_of(&ev, 42)->cgroup, "/moved"));
	oom_event_release(&ev);
	oom_flight_free(r);
}

static void test_long_and_many(void **state)
{
	char line[600], path[600];
	struct oom_flight_ring *r;
	struct oom_event ev;

	(void)state;
	tree_put("cgroup/cgroup.controllers", "memory\n");
	memset(line, 'a', sizeof(line));
	memset(path, 'p', sizeof(path));
	path[0] = '/';
	path[sizeof(path) - 1] = '\0';
	for (int pid = 101; pid <= 170; pid++)
		person(pid, 4 * pid, 1, "many", "/");
	person(171, 4000, 1, "long", path);
	say(171, line, sizeof(line));
	r = ring_open(5 * SECOND);
	tick(r, SECOND);
	ev = attached(r, INT64_MAX);
	/* the largest, largest first */
	assert_int_equal(ev.nflights, 64);
	assert_int_equal(ev.flight[0].pid, 171);
	assert_int_equal(ev.flight[63].pid, 108);
	/* a command line may be cut, a cgroup may not: it would be another one */
	assert_int_equal(ev.flight[0].cmdline.n, 256);
	assert_null(ev.flight[0].cgroup.p);
	oom_event_release(&ev);
	oom_flight_free(r);
}

static void test_ticks_allocate_nothing(void **state)
{
	struct oom_flight_ring *r;
	struct oom_event ev;

	(void)state;
	tree_put("cgroup/cgroup.controllers", "memory\n");
	for (int pid = 101; pid <= 170; pid++)
		person(pid, 4 * pid, 1, "many", "/a");
	r = ring_open(SECOND);
	tick(r, SECOND);
	tick(r, 2 * SECOND);
	oom_alloc_fail_at(1);
	for (int i = 3; i < 40; i++)
		tick(r, i * SECOND);
	oom_alloc_fail_at(0);
	ev = attached(r, INT64_MAX);
	assert_true(ev.nflights > 0);
	oom_event_release(&ev);
	oom_flight_free(r);
}

static void test_memory_fails(void **state)
{
	struct oom_flight_ring *r = NULL;
	char proc[256], cgroup[256];
	struct oom_event ev;
	long n;
	int e = -1;

	(void)state;
	snprintf(proc, sizeof(proc), "%s/proc", tree_dir);
	snprintf(cgroup, sizeof(cgroup), "%s/cgroup", tree_dir);
	person(50, 400, 1, "one", "/a");
	for (n = 1; e < 0 && n < 200; n++) {
		r = NULL;
		oom_event_init(&ev);
		oom_alloc_fail_at(n);
		e = oom_flight_new_at(proc, cgroup, SECOND, &r, NULL);
		if (e == 0)
			e = oom_flight_tick(r, SECOND);
		if (e == 0)
			e = oom_flight_attach(r, INT64_MAX, &ev);
		oom_alloc_fail_at(0);
		oom_event_release(&ev);
		oom_flight_free(r);
	}
	assert_int_equal(e, 0);
	assert_true(n > 5);
}

/* Whatever way the sampler reads this machine's processes. */
static void test_flight_of_this_machine(void **state)
{
	struct oom_flight_ring *r = NULL;
	const struct oom_flight *f = NULL;
	struct oom_err err = { 0 };
	struct oom_event ev;

	(void)state;
	assert_int_equal(oom_flight_new(5 * SECOND, &r, &err), 0);
	tick(r, SECOND);
	tick(r, 6 * SECOND);
	ev = attached(r, INT64_MAX);
	for (size_t i = 0; i < ev.nflights; i++) {
		assert_true(i == 0 || ev.flight[i - 1].points >= ev.flight[i].points);
		assert_true(ev.flight[i].pid > 0 && ev.flight[i].comm.p);
		if (ev.flight[i].pid == getpid())
			f = &ev.flight[i];
	}
	/* among the first 64 of most machines */
	if (f) {
		assert_int_equal(f->uid, getuid());
		assert_true(f->start_us > 0 && f->rss_pages > 0);
		assert_true(oom_str_find(f->cmdline, "unit") >= 0);
		assert_int_equal(f->growth_us, 5 * SECOND);
	}
	oom_event_release(&ev);
	oom_flight_free(r);
}

/* ---- counters --------------------------------------------------------------------------------------- */

static struct oom_counters *counters_open(void)
{
	char proc[256], cgroup[256];
	struct oom_counters *c = NULL;
	struct oom_err err = { 0 };

	snprintf(proc, sizeof(proc), "%s/proc", tree_dir);
	snprintf(cgroup, sizeof(cgroup), "%s/cgroup", tree_dir);
	assert_int_equal(oom_counters_open_at(proc, cgroup, &c, &err), 0);
	return c;
}

static int64_t counter(const struct oom_event *ev, const char *zone, const char *name)
{
	for (size_t i = 0; i < ev->nmemory; i++)
		if (ev->memory[i].area == OOM_AREA_COUNTER && oom_str_is(ev->memory[i].zone, zone) &&
		    oom_str_is(ev->memory[i].name, name))
			return ev->memory[i].value;
	return OOM_NA;
}

static void test_counters_v2(void **state)
{
	struct oom_counters *c;
	struct oom_event ev;

	(void)state;
	tree_put("proc/vmstat", "nr_free_pages 1\noom_kill_x 8\noom_kill 9\nlast 3\n");
	tree_put("cgroup/cgroup.controllers", "memory\n");
	tree_put("cgroup/a/memory.events", "low 0\nhigh 1\nmax 22\noom 3\noom_kill 2\noom_group_kill 0\n");
	tree_put("cgroup/a/memory.events.local", "oom_kill 1\n");
	tree_put("cgroup/a/b c/memory.events", "oom_kill 7\n");
	tree_put("memory.events", "oom_kill 666\n");
	c = counters_open();
	assert_int_equal(oom_counters_kills(c), 9);
	oom_event_init(&ev);
	ev.oom_memcg = OOM_STR("/a");
	ev.task_memcg = OOM_STR("/a/b c");
	assert_int_equal(oom_counters_attach(c, &ev), 0);
	assert_int_equal(ev.nmemory, 1 + 6 + 1 + 1);
	assert_int_equal(counter(&ev, "vmstat", "oom_kill"), 9);
	assert_int_equal(counter(&ev, "memory.events /a", "max"), 22);
	assert_int_equal(counter(&ev, "memory.events /a", "oom_kill"), 2);
	assert_int_equal(counter(&ev, "memory.events.local /a", "oom_kill"), 1);
	assert_int_equal(counter(&ev, "memory.events /a/b c", "oom_kill"), 7);
	oom_event_release(&ev);
	/* the same cgroup twice is read once; one that is gone or lies outside is not read at all */
	oom_event_init(&ev);
	ev.oom_memcg = ev.task_memcg = OOM_STR("/a/b c");
	assert_int_equal(oom_counters_attach(c, &ev), 0);
	assert_int_equal(ev.nmemory, 2);
	ev.oom_memcg = OOM_STR("/gone");
	ev.task_memcg = OOM_STR("/..");
	assert_int_equal(oom_counters_attach(c, &ev), 0);
	ev.task_memcg = OOM_STR("/a/../..");
	assert_int_equal(oom_counters_attach(c, &ev), 0);
	assert_int_equal(ev.nmemory, 4);
	assert_int_equal(ev.nnotes, 0);
	oom_event_release(&ev);
	oom_counters_close(c);
}

static void test_counters_v1(void **state)
{
	struct oom_counters *c;
	struct oom_event ev;

	(void)state;
	tree_put("cgroup/memory/cgroup.procs", "%s", "");
	tree_put("cgroup/memory/g/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n");
	tree_put("cgroup/memory/g/memory.failcnt", "1234\n");
	c = counters_open();
	assert_int_equal(oom_counters_kills(c), OOM_NA);
	oom_event_init(&ev);
	ev.task_memcg = OOM_STR("/g");
	assert_int_equal(oom_counters_attach(c, &ev), 0);
	assert_int_equal(ev.nmemory, 4);
	assert_int_equal(counter(&ev, "memory.oom_control /g", "oom_kill"), 5);
	assert_int_equal(counter(&ev, "memory.failcnt /g", "failcnt"), 1234);
	oom_event_release(&ev);
	oom_counters_close(c);
}

static void test_pressure_is_hostile(void **state)
{
	struct oom_counters *c;
	struct oom_event ev;

	(void)state;
	tree_put("proc/pressure/cpu", "some avg10=1 avg60=0.5x avg300=-1.00 total=18446744073709551615\nnone avg10=1.00\n");
	tree_put("proc/pressure/io", "some avg10=0.07 avg60= total=3\nfull");
	c = counters_open();
	oom_event_init(&ev);
	assert_int_equal(oom_counters_attach(c, &ev), 0);
	assert_int_equal(ev.nmemory, 2);
	assert_int_equal(ev.memory[0].value, 7);
	assert_true(oom_str_is(ev.memory[0].zone, "io"));
	assert_true(oom_str_is(ev.memory[1].name, "some_total"));
	oom_event_release(&ev);
	oom_counters_close(c);
}

/* The running kernel's file is longer than one read() of it. */
static void test_counters_of_this_machine(void **state)
{
	struct oom_counters *c = NULL;
	long long before = -1, after = -1, v;
	char line[256];
	int64_t kills = OOM_NA;

	(void)state;
	assert_int_equal(oom_counters_open(&c, NULL), 0);
	for (int i = 0; i < 2; i++) {
		FILE *f = fopen("/proc/vmstat", "r");

		while (f && fgets(line, sizeof(line), f))
			if (sscanf(line, "oom_kill %lld", &v) == 1)
				*(i ? &after : &before) = v;
		if (f)
			fclose(f);
		if (!i)
			kills = oom_counters_kills(c);
	}
	if (before >= 0)
		assert_in_range(kills, before, after);
	assert_int_equal(oom_counters_kills(c) == OOM_NA, before < 0);
	oom_counters_close(c);
}

#define ON_TREE(f) cmocka_unit_test_setup_teardown(f, tree_set_up, tree_tear_down)

int test_flight(void)
{
	const struct CMUnitTest tests[] = {
		ON_TREE(test_rows),
		ON_TREE(test_growth_over_the_ring),
		ON_TREE(test_who_is_the_same),
		ON_TREE(test_long_and_many),
		ON_TREE(test_ticks_allocate_nothing),
		ON_TREE(test_memory_fails),
		cmocka_unit_test(test_flight_of_this_machine),
		ON_TREE(test_counters_v2),
		ON_TREE(test_counters_v1),
		ON_TREE(test_pressure_is_hostile),
		cmocka_unit_test(test_counters_of_this_machine),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
