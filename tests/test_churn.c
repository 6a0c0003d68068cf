/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sampler on this machine while processes come and go under its hands, from /proc and, where it loads, from BPF. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <oomlens/sample.h>

#include "test_tree.h"
#include "unit.h"

static void be(const char *name)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
}

static bool is_named(pid_t pid, const char *name)
{
	char path[32], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	if (fd >= 0)
		close(fd);
	text[strcspn(text, "\n")] = '\0';
	return !strcmp(text, name);
}

/* Returns when it has its name, however busy the machine is. */
static pid_t child(const char *name, void (*act)(void))
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0) {
		be(name);
		if (act)
			act();
		while (getppid() == self)
			pause();
		_exit(0);
	}
	assert_true(pid > 0);
	for (int i = 0; i < 10000 && !is_named(pid, name); i++)
		usleep(1000);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static bool put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

	if (fd >= 0)
		close(fd);
	return n == (ssize_t)strlen(text);
}

/* ---- a storm of forks --------------------------------------------------------------------------------- */

static void fork_on(void)
{
	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		if (pid > 0)
			waitpid(pid, NULL, 0);
	}
}

static void check_rows(const struct oom_sample *m)
{
	int64_t last = 0;

	for (size_t i = 0; i < m->event->ntasks; i++) {
		const struct oom_task *t = &m->event->task[i];

		assert_true(t->tgid > last);
		last = t->tgid;
		assert_true(t->rss_pages == OOM_NA || (t->rss_pages >= 0 && t->rss_pages < (int64_t)1 << 40));
		assert_true(t->oom_score_adj == OOM_NA || (t->oom_score_adj >= -1000 && t->oom_score_adj <= 1000));
		assert_true(m->row[i].threads >= 1);
		assert_true(m->row[i].ident != 0);
	}
}

/* Who stays has the same identity and size in each pass, whatever happens around. */
static void storm(unsigned want, size_t keep)
{
	struct oom_sampler *s = tree_open_at(NULL, NULL, want, keep);
	pid_t steady[4], busy[4];
	uint64_t ident[4] = { 0 };
	int64_t rss[4] = { 0 };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(steady); i++)
		steady[i] = child("steady", NULL);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(busy); i++)
		busy[i] = child("busy", fork_on);
	for (int pass = 0; pass < 60; pass++) {
		struct oom_sample m = tree_pass(s);

		check_rows(&m);
		for (size_t i = 0; i < OOM_ARRAY_SIZE(steady); i++) {
			const struct oom_task *t = oom_event_task(m.event, steady[i]);
			const struct oom_sample_row *row;

			assert_non_null(t);
			row = &m.row[t - m.event->task];
			assert_true(oom_str_is(t->comm, "steady"));
			assert_int_equal(row->ppid, getpid());
			assert_true(!pass || row->ident == ident[i]);
			assert_true(!pass || row->prev_usage_pages == rss[i]);
			ident[i] = row->ident;
			rss[i] = row->usage_pages;
		}
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(steady); i++) {
		end(busy[i]);
		end(steady[i]);
	}
	oom_sampler_close(s);
}

static void test_fork_storm(void **state)
{
	(void)state;
	storm(OOM_SAMPLE_ALL, 0);
	storm(OOM_SAMPLE_ALL, 1 << 16);
	storm(OOM_SAMPLE_ALL | OOM_SAMPLE_KERNEL, 0);
}

/* ---- a pid that is used again --------------------------------------------------------------------------- */

enum { DONE = 0, WRONG = 1, CANNOT = 77 };

static bool has_name(pid_t pid, const char *name)
{
	char path[32], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/comm", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	comm[strcspn(comm, "\n")] = '\0';
	return !strcmp(comm, name);
}

/* The pid is free until the parent of the one who had it has waited. */
static pid_t child_as(pid_t pid, const char *name)
{
	char last[16];
	pid_t got;

	snprintf(last, sizeof(last), "%d", pid - 1);
	if (!put("/proc/sys/kernel/ns_last_pid", last))
		return -1;
	got = child(name, NULL);
	/* on a busy machine it takes a while until it has its name */
	for (int i = 0; i < 1000 && got == pid && !has_name(pid, name); i++)
		usleep(5000);
	return got;
}

static const struct oom_sample_row *row_of(const struct oom_sample *m, pid_t pid, const char *name)
{
	const struct oom_task *t = oom_event_task(m->event, pid);

	return t && oom_str_is(t->comm, name) ? &m->row[t - m->event->task] : NULL;
}

/* The first process of its own PID namespace, with its own /proc. */
static int reuse(size_t keep)
{
	const struct oom_sample_row *row;
	struct oom_sampler *s;
	struct oom_sample m;
	uint64_t ident;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) || mount("proc", "/proc", "proc", 0, NULL))
		return CANNOT;
	if (child_as(300, "first") != 300)
		return CANNOT;
	s = tree_open_at(NULL, NULL, 0, keep);
	(void)tree_pass(s);
	m = tree_pass(s);
	row = row_of(&m, 300, "first");
	if (!row || row->prev_usage_pages != row->usage_pages)
		return WRONG;
	ident = row->ident;
	for (int i = 0; i < 20; i++) {
		const char *name = i % 2 ? "first" : "second";

		end(300);
		if (child_as(300, name) != 300)
			return CANNOT;
		m = tree_pass(s);
		row = row_of(&m, 300, name);
		if (!row || row->ident == ident || row->prev_usage_pages != OOM_NA)
			return WRONG;
		ident = row->ident;
	}
	oom_sampler_close(s);
	return DONE;
}

static void test_pid_is_used_again(void **state)
{
	(void)state;
	for (size_t keep = 0; keep <= 1 << 16; keep += 1 << 16) {
		pid_t pid = fork();
		int status;

		assert_true(pid >= 0);
		if (pid == 0) {
			pid_t first;

			if (unshare(CLONE_NEWPID | CLONE_NEWNS))
				_exit(CANNOT);
			first = fork();
			if (first == 0)
				_exit(reuse(keep));
			if (first < 0 || waitpid(first, &status, 0) != first || !WIFEXITED(status))
				_exit(WRONG);
			_exit(WEXITSTATUS(status));
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		if (WEXITSTATUS(status) == CANNOT) {
			print_message("skipped: no PID namespace of its own here\n");
			skip();
		}
		assert_int_equal(WEXITSTATUS(status), DONE);
	}
}

/* ---- cgroups that go away ------------------------------------------------------------------------------- */

static const struct oom_domain *domain_of(const struct oom_sample *m, const char *path)
{
	for (size_t i = 0; i < m->ndomains; i++)
		if (oom_str_is(m->domain[i].path, path))
			return &m->domain[i];
	return NULL;
}

static const char *memory_root(const char **limit)
{
	bool v2 = !access("/sys/fs/cgroup/cgroup.controllers", F_OK);

	*limit = v2 ? "memory.max" : "memory.limit_in_bytes";
	return v2 ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory";
}

static void removal(unsigned want)
{
	const char *limit, *root = memory_root(&limit);
	char path[64], dir[160], file[256], text[16];
	struct oom_sampler *s = tree_open_at(NULL, NULL, want, 0);
	pid_t pid = child("inside", NULL);

	snprintf(path, sizeof(path), "/oomlens-churn-%d", (int)getpid());
	snprintf(dir, sizeof(dir), "%s%s", root, path);
	snprintf(text, sizeof(text), "%d", (int)pid);
	for (int i = 0; i < 10; i++) {
		const struct oom_domain *d;
		struct oom_sample m;
		bool made = !mkdir(dir, 0755);

		snprintf(file, sizeof(file), "%s/%s", dir, limit);
		made = made && put(file, "67108864");
		snprintf(file, sizeof(file), "%s/cgroup.procs", dir);
		if (!made || !put(file, text)) {
			print_message("skipped: no memory cgroup can be made here\n");
			(void)rmdir(dir);
			end(pid);
			oom_sampler_close(s);
			skip();
		}
		m = tree_pass(s);
		d = domain_of(&m, path);
		assert_non_null(d);
		assert_int_equal(d->limit_kb, 65536);
		assert_int_equal(d->ntasks, 1);
		assert_int_equal(m.event->task[d->victim].pid, pid);
		snprintf(file, sizeof(file), "%s/cgroup.procs", root);
		assert_true(put(file, text));
		assert_int_equal(rmdir(dir), 0);
		m = tree_pass(s);
		assert_null(domain_of(&m, path));
		assert_non_null(oom_event_task(m.event, pid));
	}
	end(pid);
	oom_sampler_close(s);
}

static void test_cgroups_go_away(void **state)
{
	(void)state;
	removal(OOM_SAMPLE_ALL);
	removal(OOM_SAMPLE_ALL | OOM_SAMPLE_KERNEL);
}

/* ---- threads -------------------------------------------------------------------------------------------- */

#define THREADS 2000

static void *sit(void *arg)
{
	while (!arg)
		pause();
	return NULL;
}

static void spread(void)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 65536);
	for (int i = 1; i < THREADS; i++)
		if (pthread_create(&t, &attr, sit, NULL))
			break;
}

/* All threads of a process are one row. */
static void many_threads(unsigned want)
{
	struct oom_sampler *s = tree_open_at(NULL, NULL, want, 0);
	pid_t pid = child("spread", spread);
	const struct oom_sample_row *row = NULL;
	struct oom_sample m;

	for (int i = 0; i < 400 && (!row || row->threads < THREADS); i++) {
		usleep(10000);
		m = tree_pass(s);
		row = row_of(&m, pid, "spread");
	}
	assert_non_null(row);
	assert_int_equal(row->threads, THREADS);
	assert_true(m.info.threads >= THREADS);
	check_rows(&m);
	end(pid);
	oom_sampler_close(s);
}

static void test_many_threads(void **state)
{
	(void)state;
	many_threads(OOM_SAMPLE_ALL);
	many_threads(OOM_SAMPLE_ALL | OOM_SAMPLE_KERNEL);
}

int test_churn(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fork_storm), cmocka_unit_test(test_pid_is_used_again),
		cmocka_unit_test(test_cgroups_go_away), cmocka_unit_test(test_many_threads),
	};

	return cmocka_run_group_tests_name("churn", tests, NULL, NULL);
}
