/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The live sampler over trees of files, and over the running machine where only that will do. */
#include "test_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <oomlens/replay.h>

/* ---- the recorded tree ------------------------------------------------------------------------------ */

static void test_terms(void **state)
{
	struct oom_sampler *s = tree_open_recorded(OOM_SAMPLE_ALL);
	struct oom_sample m = tree_pass(s);
	const struct oom_task *t = oom_event_task(m.event, 812);

	(void)state;
	assert_int_equal(m.event->origin, OOM_ORIGIN_LIVE);
	assert_true(oom_str_is(m.event->kernel, "6.1.0-56-amd64"));
	assert_true(oom_str_is(m.event->host, "box"));
	assert_string_equal(m.profile->name, "5.9");
	assert_int_equal(m.points, OOM_POINTS_EXACT);
	assert_int_equal(m.event->total_pages, 2000000 + 500000);
	assert_int_equal(m.event->ram_pages, 2080000);
	assert_int_equal(m.event->reserved_pages, 80000);
	assert_int_equal(t->rss_anon_pages, 300000);
	assert_int_equal(t->rss_pages, 310500);
	assert_int_equal(t->swap_pages, 20000);
	assert_int_equal(t->pgtables_bytes, 3400 * 1024);
	assert_int_equal(t->total_vm_pages, 850000);
	assert_int_equal(t->uid, 112);
	assert_true(oom_str_is(t->cgroup, "/system.slice/db.service"));
	/* kernel threads (without a Kthread line before 6.8) and zombies are no rows */
	assert_int_equal(m.info.kernel_threads, 2);
	assert_int_equal(m.info.no_mm, 1);
	assert_null(oom_event_task(m.event, 1300));
	assert_int_equal(m.event->ntasks, 8);
	oom_sampler_close(s);
}

static void test_dead_leader(void **state)
{
	struct oom_sampler *s = tree_open_recorded(0);
	struct oom_sample m = tree_pass(s);
	const struct oom_task *t = oom_event_task(m.event, 1400);

	(void)state;
	/* as dump_task() prints it: the thread that has the mm, its name, the adjustment of the process */
	assert_non_null(t);
	assert_int_equal(t->pid, 1401);
	assert_int_equal(t->tgid, 1400);
	assert_true(oom_str_is(t->comm, "heir"));
	assert_int_equal(t->oom_score_adj, 200);
	assert_int_equal(t->rss_anon_pages, 55000);
	assert_int_equal(m.info.dead_leaders, 1);
	oom_sampler_close(s);
}

static void test_view_replays(void **state)
{
	struct oom_sampler *s = tree_open_recorded(OOM_SAMPLE_ALL);
	struct oom_sample m = tree_pass(s);

	(void)state;
	for (size_t i = 0; i < m.ndomains; i++) {
		const struct oom_domain *d = &m.domain[i];
		struct oom_event view;
		struct oom_replay r;

		assert_int_equal(oom_sampler_view(s, d, &view), 0);
		assert_int_equal(view.ntasks, d->ntasks);
		assert_int_equal(oom_replay_run(&view, NULL, &r), 0);
		assert_true(r.winner >= 0);
		assert_int_equal(view.task[r.winner].pid, m.event->task[d->victim].pid);
		assert_int_equal(r.winner_score.points.lo, d->points);
		assert_int_equal(r.total.lo, d->total_pages);
		assert_int_equal(r.margin, d->margin_pages);
		oom_replay_release(&r);
	}
	oom_sampler_close(s);
}

/* ---- names and numbers ------------------------------------------------------------------------------ */

static void test_hostile_names(void **state)
{
	static const struct { const char *file, *comm; size_t n; } names[] = {
		{ "a b) R 1 (", "a b) R 1 (", 10 },
		{ "ev\\nUid:\\t0", "ev\nUid:\\t0", 10 },           /* only \n and \\ are escapes */
		{ "back\\\\slash\\", "back\\slash\\", 11 },
		{ "", "", 0 },
		{ "\x1b[31m\xff\xfe", "\x1b[31m\xff\xfe", 7 },
		{ "0123456789abcdefXYZ", "0123456789abcde", 15 },
	};
	struct oom_sampler *s = tree_open(0);

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(names); i++) {
		const struct oom_task *t;
		struct oom_sample m;

		tree_put("proc/77/status",
		    "Name:\t%s\nTgid:\t77\nPid:\t77\nUid:\t5\t0\t0\t0\nVmSize:\t 40 kB\nVmRSS:\t 8 "
		    "kB\nVmPTE:\t 4 kB\nVmSwap:\t 0 kB\n",
		    names[i].file);
		tree_put("proc/77/oom_score_adj", "3\n");
		m = tree_pass(s);
		t = oom_event_task(m.event, 77);
		assert_non_null(t);
		assert_int_equal(t->comm.n, names[i].n);
		assert_memory_equal(t->comm.p, names[i].comm, names[i].n);
		assert_int_equal(t->uid, 5);
		assert_int_equal(t->rss_pages, 2);          /* before 4.5 only the sum is there */
		assert_int_equal(t->rss_anon_pages, OOM_NA);
	}
	oom_sampler_close(s);
}

static void test_damaged_files(void **state)
{
	static const char *const status[] = {
		"",
		"\n\n\n",
		"Name:\tx",
		"Name:\tx\nVmSize:\t99999999999999999999999 kB\n",
		"VmSize:\t-5 kB\nVmRSS:\t-9 kB\n",
		"Name:\tx\nVmSize:\t4 kB\nVmRSS:\t9223372036854775807 kB\nRssAnon:\tx kB\n",
		"Pid:\t-3\nTgid:\t0\nVmSize:\t4 kB\nThreads:\t-1\n",
	};
	struct oom_sampler *s = tree_open(OOM_SAMPLE_ALL);

	(void)state;
	tree_process(1, 0, 4000, 0, 40);
	tree_put("proc/079/status", "Name:\tno pid\n");              /* none of these three is a process */
	tree_put("proc/4194305000/status", "Name:\tno pid\n");
	tree_put("proc/12x/status", "Name:\tno pid\n");
	tree_put("proc/90/oom_score_adj", "0\n");                   /* gone between listing and reading */
	for (size_t i = 0; i < OOM_ARRAY_SIZE(status); i++) {
		struct oom_sample m;

		tree_put("proc/80/status", "%s", status[i]);
		tree_put("proc/80/oom_score_adj", i % 2 ? "12345678901234567890123\n" : "");
		m = tree_pass(s);
		assert_int_equal(m.info.processes, 3);
		assert_true(m.info.vanished >= 1);
		assert_true(oom_event_has_note(m.event, "vanished"));
		assert_int_equal(m.domain[0].victim, -1);          /* 1 is init, 80 has no readable
								    * adjustment */
	}
	oom_sampler_close(s);
}

static void test_no_roots(void **state)
{
	const struct oom_sampler_opts opts = { .proc_root = "/nonexistent/proc" };
	struct oom_err err = { 0 };
	struct oom_sampler *s = NULL;
	struct oom_sample m;

	(void)state;
	assert_int_equal(oom_sampler_open(&opts, &s, &err), -ENOENT);
	assert_non_null(strstr(err.text, "/nonexistent/proc"));
	tree_clear("proc/sys");
	tree_clear("proc/meminfo");
	tree_process(5, 0, 400, 0, 4);
	s = tree_open(OOM_SAMPLE_ALL);
	m = tree_pass(s);
	assert_null(m.profile);
	assert_int_equal(m.points, OOM_POINTS_UNKNOWN);
	assert_int_equal(m.domain[0].total_pages, OOM_NA);
	assert_int_equal(m.domain[0].victim, -1);
	assert_true(oom_event_has_note(m.event, "no_memory_cgroups"));
	assert_true(oom_event_has_note(m.event, "hidden_processes"));
	oom_sampler_close(s);
}

static void test_points_of_kernels(void **state)
{
	static const struct { const char *release; enum oom_sample_points points; } kernels[] = {
		{ "4.19.0-20-amd64", OOM_POINTS_EXACT },
		{ "6.1.0-56-amd64", OOM_POINTS_EXACT },
		{ "6.2.0", OOM_POINTS_PRECISE_SUM },
		{ "6.12.117+deb12-amd64", OOM_POINTS_PRECISE_SUM },
		{ "5.14.0-427.el9.x86_64", OOM_POINTS_PRECISE_SUM },
		{ "7.0.1", OOM_POINTS_EXACT },
		{ "2.6.18", OOM_POINTS_UNKNOWN },
	};

	(void)state;
	tree_put("proc/stat", "cpu  1\ncpu0 1\ncpu1 1\nintr 4\n");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(kernels); i++) {
		struct oom_sampler *s;
		struct oom_sample m;

		tree_put("proc/sys/kernel/osrelease", "%s\n", kernels[i].release);
		s = tree_open(0);
		m = tree_pass(s);
		assert_int_equal(m.points, kernels[i].points);
		assert_int_equal(m.drift_pages, m.points == OOM_POINTS_PRECISE_SUM ? 4 * 32 * 2 : 0);
		assert_int_equal(oom_event_has_note(m.event, "precise_sum"),
				 m.points == OOM_POINTS_PRECISE_SUM);
		oom_sampler_close(s);
	}
}

/* ---- from pass to pass ------------------------------------------------------------------------------ */

static void test_growth_and_reuse(void **state)
{
	struct oom_sampler *s;
	struct oom_sample m;
	char from[256], to[256];

	(void)state;
	tree_process(50, 0, 4000, 400, 40);
	tree_process(60, 0, 400, 0, 4);
	s = tree_open(0);
	m = tree_pass(s);
	assert_int_equal(m.row[0].prev_usage_pages, OOM_NA);
	assert_int_equal(m.info.interval_us, OOM_NA);
	tree_process(50, 0, 8000, 400, 40);
	m = tree_pass(s);
	assert_int_equal(m.row[0].prev_usage_pages, 1000 + 100 + 10);
	assert_int_equal(m.row[0].usage_pages, 2000 + 100 + 10);
	assert_true(m.info.interval_us >= 0);
	/* the same pid, another process: a directory of its own */
	snprintf(from, sizeof(from), "%s/proc/50", tree_dir);
	snprintf(to, sizeof(to), "%s/proc/old", tree_dir);
	assert_int_equal(rename(from, to), 0);
	tree_process(50, 0, 1200, 0, 4);
	m = tree_pass(s);
	assert_int_equal(m.event->task[0].tgid, 50);
	assert_int_equal(m.row[0].prev_usage_pages, OOM_NA);
	assert_int_equal(m.row[1].prev_usage_pages, 101);
	oom_sampler_close(s);
}

static void test_no_allocation_once_warm(void **state)
{
	struct oom_sample_rank top[64];
	struct oom_sampler *s = tree_open_recorded(OOM_SAMPLE_ALL);
	struct oom_sample m;
	struct oom_event view;
	struct oom_err err = { 0 };

	(void)state;
	m = tree_pass(s);
	assert_int_equal(oom_sampler_view(s, &m.domain[0], &view), 0);
	oom_alloc_fail_at(1);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(oom_sampler_next(s, &m, &err), 0);
		assert_int_equal(oom_sampler_view(s, &m.domain[0], &view), 0);
		assert_int_equal(oom_sampler_top(s, &m.domain[0], 64, top), 6);
	}
	oom_alloc_fail_at(0);
	oom_sampler_close(s);
}

static void test_failing_allocations(void **state)
{
	const struct oom_sampler_opts opts = {
		.proc_root = "tests/proc/6.1-v2/proc",
		.cgroup_root = "tests/proc/6.1-v2/cgroup",
		.want = OOM_SAMPLE_ALL,
	};
	int failures = 0;

	(void)state;
	for (long n = 1; n < 100; n++) {
		struct oom_sampler *s = NULL;
		struct oom_err err = { 0 };
		struct oom_sample m;
		struct oom_event view;
		int r;

		oom_alloc_fail_at(n);
		r = oom_sampler_open(&opts, &s, &err);
		if (r == 0)
			r = oom_sampler_next(s, &m, &err);
		if (r == 0)
			r = oom_sampler_view(s, &m.domain[0], &view);
		oom_alloc_fail_at(0);
		assert_true(r == 0 || r == -ENOMEM);
		failures += r != 0;
		/* whatever failed, the next pass is whole again */
		if (s) {
			m = tree_pass(s);
			assert_int_equal(m.event->ntasks, 8);
			assert_int_equal(m.ndomains, 4);
		}
		oom_sampler_close(s);
	}
	assert_true(failures >= 10);
}

/* ---- ranks ------------------------------------------------------------------------------------------ */

static void test_top_is_the_ranking(void **state)
{
	struct oom_sample_rank top[300];
	struct oom_sampler *s;
	struct oom_sample m;
	struct oom_replay r;

	(void)state;
	srand(5);
	tree_process(1, 0, 4, 0, 4);
	/* few different values: many ties, which fall as they fall in the kernel */
	for (int pid = 100; pid < 300; pid++)
		tree_process(pid, pid % 11 ? rand() % 5 : -1000, 4 * (rand() % 20), 0, 4);
	s = tree_open(0);
	m = tree_pass(s);
	assert_int_equal(oom_replay_run(m.event, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	for (size_t k = 0; k <= 300; k += 30) {
		size_t n = oom_sampler_top(s, &m.domain[0], k, top);

		assert_int_equal(n, k < r.neligible ? k : r.neligible);
		for (size_t i = 0; i < n; i++) {
			assert_int_equal(top[i].task, r.rank[i]);
			assert_int_equal(top[i].points, r.score[r.rank[i]].nominal);
		}
	}
	assert_int_equal(m.domain[0].victim, r.winner);
	assert_int_equal(m.domain[0].victim, r.rank[0]);
	assert_int_equal(m.domain[0].runner_up, r.rank[1]);
	oom_replay_release(&r);
	oom_sampler_close(s);
}

static void test_passed_over(void **state)
{
	struct oom_sampler *s;
	struct oom_sample m;
	struct oom_event view;

	(void)state;
	tree_process(20, 0, 40000, 0, 40);
	tree_process(21, 0, 20000, 0, 40);
	tree_put("proc/20/oom_score", "0\n");       /* a vfork child, or reaped: large, but no candidate */
	tree_put("proc/21/oom_score", "669\n");
	s = tree_open(0);
	m = tree_pass(s);
	assert_int_equal(m.event->task[m.domain[0].victim].pid, 21);
	assert_true(m.row[0].passed_over);
	assert_int_equal(oom_sampler_view(s, &m.domain[0], &view), 0);
	assert_int_equal(view.ntasks, 1);
	oom_sampler_close(s);
	/* up to 5.8 a small task shows 0, too */
	tree_put("proc/sys/kernel/osrelease", "5.4.10\n");
	s = tree_open(0);
	m = tree_pass(s);
	assert_int_equal(m.event->task[m.domain[0].victim].pid, 20);
	oom_sampler_close(s);
}

/* Who is hidden may be the victim: a prediction without everybody is none to rely on. */
static void test_hidden_processes(void **state)
{
	struct oom_sampler *s;
	struct oom_sample m;
	struct oom_replay r;
	char link[256];

	(void)state;
	tree_process(20, 0, 40000, 0, 40);
	s = tree_open(0);
	m = tree_pass(s);
	assert_true(oom_event_has_note(m.event, "hidden_processes"));
	assert_int_equal(m.event->table_complete, 0);
	assert_int_equal(m.event->task[m.domain[0].victim].pid, 20);
	assert_false(m.domain[0].certain);
	assert_int_equal(oom_replay_run(m.event, NULL, &r), 0);
	assert_int_equal(r.verdict, OOM_VERDICT_INSUFFICIENT);
	oom_replay_release(&r);
	tree_process(1, 0, 4, 0, 4);
	m = tree_pass(s);
	assert_int_equal(m.event->table_complete, 1);
	assert_true(m.domain[0].certain);
	oom_sampler_close(s);
	tree_put("proc/self/ns/x", "%s", "");
	snprintf(link, sizeof(link), "%s/proc/self/ns/pid", tree_dir);
	assert_int_equal(symlink("pid:[4026532000]", link), 0);
	s = tree_open(0);
	m = tree_pass(s);
	assert_true(oom_event_has_note(m.event, "pid_namespace"));
	assert_false(m.domain[0].certain);
	oom_sampler_close(s);
}

/* ---- the running machine ---------------------------------------------------------------------------- */

static pid_t child_named(const char *name)
{
	pid_t pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		prctl(PR_SET_NAME, name);
		for (;;)
			pause();
	}
	return pid;
}

static void test_live(void **state)
{
	for (size_t keep = 0; keep <= 1 << 16; keep += 1 << 16) {
		struct oom_sampler *s = tree_open_at(NULL, NULL, OOM_SAMPLE_ALL, keep);
		struct oom_sample_detail detail;
		pid_t pid = child_named("a) b\n(c");
		const struct oom_task *t = NULL;
		struct oom_sample m;
		ptrdiff_t i;

		(void)state;
		for (int k = 0; k < 200 && (!t || !oom_str_is(t->comm, "a) b\n(c")); k++) {
			usleep(5000);
			m = tree_pass(s);
			t = oom_event_task(m.event, pid);
		}
		assert_non_null(t);
		i = t - m.event->task;
		assert_true(oom_str_is(t->comm, "a) b\n(c"));
		assert_int_equal(t->tgid, pid);
		assert_int_equal(t->uid, getuid());
		assert_int_equal(m.row[i].ppid, getpid());
		assert_true(t->rss_pages > 0 && t->pgtables_bytes > 0 && t->total_vm_pages > t->rss_pages);
		assert_int_equal(oom_sampler_detail(s, (size_t)i, &detail), 0);
		assert_true(detail.start_us > 0 && detail.start_us <= m.event->boot_us);
		assert_true(m.event->total_pages > 0);
		assert_true(m.profile != NULL);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		assert_int_equal(oom_sampler_detail(s, (size_t)i, &detail), -ENOENT);
		m = tree_pass(s);
		assert_null(oom_event_task(m.event, pid));
		oom_sampler_close(s);
	}
}

/* Kept files are a luxury: within the limit, and given back when the process runs out of them. */
static void test_out_of_files(void **state)
{
	struct rlimit before, low;
	struct oom_sampler *s;
	struct oom_sample m;
	int fd[200];
	size_t n = 0;

	(void)state;
	for (int pid = 1; pid < 41; pid++)
		tree_process(pid, 0, 400, 0, 4);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	low = (struct rlimit){ .rlim_cur = 120, .rlim_max = before.rlim_max };
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	s = tree_open_keeping(OOM_SAMPLE_ALL, 1 << 20);
	m = tree_pass(s);
	assert_int_equal(m.info.kept_files, 120 - 64);
	while (n < OOM_ARRAY_SIZE(fd) && (fd[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		n++;
	assert_true(n < OOM_ARRAY_SIZE(fd));
	m = tree_pass(s);
	assert_int_equal(m.event->ntasks, 40);
	assert_int_equal(m.info.kept_files, 0);
	while (n)
		close(fd[--n]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	m = tree_pass(s);
	assert_int_equal(m.event->ntasks, 40);
	oom_sampler_close(s);
}

int test_sampler(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, tree_set_up, tree_tear_down)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_terms), cmocka_unit_test(test_dead_leader),
		cmocka_unit_test(test_view_replays), T(test_hostile_names), T(test_damaged_files),
		T(test_no_roots), T(test_points_of_kernels),
		T(test_growth_and_reuse), cmocka_unit_test(test_no_allocation_once_warm),
		cmocka_unit_test(test_failing_allocations), T(test_top_is_the_ranking), T(test_passed_over),
		T(test_hidden_processes), T(test_out_of_files), cmocka_unit_test(test_live),
	};
#undef T
	return cmocka_run_group_tests_name("sampler", tests, NULL, NULL);
}
