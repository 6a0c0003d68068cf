/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's own counters, by BPF, of processes of this machine; each test is skipped where BPF cannot be loaded. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <oomlens/fact.h>
#include <oomlens/sample.h>

#include "../collector/census.h"
#include "test_tree.h"
#include "unit.h"

static struct oom_census *open_census(unsigned int room)
{
	struct oom_census *c;
	struct oom_err err = { 0 };

	if (oom_census_open(CENSUS_NODES, room, &c, &err) < 0) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
	return c;
}

static void *stay(void *arg)
{
	while (!arg)
		pause();
	return NULL;
}

static pid_t child(void (*act)(void))
{
	pid_t self = getpid(), pid = fork();

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != self)
			_exit(0);
		prctl(PR_SET_NAME, "census");
		if (act)
			act();
		for (;;)
			pause();
	}
	assert_true(pid > 0);
	return pid;
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* ---- the census ------------------------------------------------------------------------------------- */

struct seen {
	pid_t look_for;
	size_t n, found;
	int last;
	bool ordered;
	struct census_rec rec;
};

static int see(void *arg, const struct census_rec *r)
{
	struct seen *s = arg;

	s->ordered &= r->tgid > s->last;
	s->last = r->tgid;
	s->n++;
	if (r->tgid == s->look_for) {
		s->found++;
		s->rec = *r;
	}
	return 0;
}

static struct seen take(struct oom_census *c, pid_t look_for)
{
	struct seen s = { .look_for = look_for, .ordered = true };

	assert_int_equal(oom_census_read(c, see, &s), 0);
	assert_true(s.ordered);
	return s;
}

static void test_room_grows(void **state)
{
	struct oom_census *c = open_census(1);
	struct seen s;

	(void)state;
	for (int i = 0; i < 3; i++) {
		s = take(c, getpid());
		assert_true(s.n > 2);
		assert_int_equal(s.found, 1);
		assert_int_equal(s.rec.ppid, getppid());
		assert_int_equal(s.rec.uid, getuid());
		assert_true(s.rec.has & OOMWATCH_HAS_RSS && s.rec.total_vm > 0);
	}
	oom_census_close(c);
}

static int refuse(void *arg, const struct census_rec *r)
{
	(void)r;
	++*(int *)arg;
	return -EBADMSG;
}

static void test_refusal_ends_it(void **state)
{
	struct oom_census *c = open_census(0);
	int calls = 0;

	(void)state;
	assert_int_equal(oom_census_read(c, refuse, &calls), -EBADMSG);
	assert_int_equal(calls, 1);
	(void)take(c, 0);
	oom_census_close(c);
}

static void leave_a_thread(void)
{
	pthread_t t;

	if (!pthread_create(&t, NULL, stay, NULL))
		pthread_exit(NULL);
}

/* The leader has exited; the process is as large as its other threads. */
static void test_dead_leader(void **state)
{
	struct oom_census *c = open_census(0);
	pid_t pid = child(leave_a_thread);
	struct seen s = { .n = 0 };

	(void)state;
	for (int i = 0; i < 400 && !(s.rec.flags & OOM_FACT_DEAD_LEADER); i++) {
		usleep(5000);
		s = take(c, pid);
	}
	assert_int_equal(s.found, 1);
	assert_true(s.rec.flags & OOM_FACT_DEAD_LEADER);
	assert_false(s.rec.flags & OOM_FACT_NO_MM);
	assert_true(s.rec.pid > pid);
	assert_int_equal(s.rec.threads, 2);
	assert_true(s.rec.total_vm > 0 && s.rec.rss[OOMWATCH_ANON] > 0);
	assert_string_equal(s.rec.comm, "census");
	end(pid);
	s = take(c, pid);
	assert_int_equal(s.found, 0);
	oom_census_close(c);
}

/* One that waits to be buried has no memory, and is no candidate. */
static void test_zombie(void **state)
{
	struct oom_census *c = open_census(0);
	pid_t pid = child(NULL);
	struct seen s = { .n = 0 };
	siginfo_t info;

	(void)state;
	kill(pid, SIGKILL);
	assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	s = take(c, pid);
	assert_int_equal(s.found, 1);
	assert_true(s.rec.flags & OOM_FACT_NO_MM);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	oom_census_close(c);
}

/* ---- the sampler with it ------------------------------------------------------------------------------ */

/* The kernel's own counters and /proc tell the same of a process that sits still: all but the resident set to the page,
 * that within the bound that the sample of /proc states. */
static void test_agrees_with_proc(void **state)
{
	struct oom_sampler *a = tree_open_at(NULL, NULL, OOM_SAMPLE_ALL | OOM_SAMPLE_KERNEL, 0);
	struct oom_sampler *b = tree_open_at(NULL, NULL, OOM_SAMPLE_ALL, 0);
	pid_t pid[20];
	struct oom_sample m = tree_pass(a), n;

	(void)state;
	if (!m.kernel_counters) {
		print_message("skipped: BPF cannot be loaded here\n");
		oom_sampler_close(a);
		oom_sampler_close(b);
		skip();
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(pid); i++)
		pid[i] = child(NULL);
	for (int k = 0; k < 400; k++) {
		size_t named = 0;

		usleep(10000);
		n = tree_pass(b);
		for (size_t i = 0; i < OOM_ARRAY_SIZE(pid); i++)
			named += oom_event_task(n.event, pid[i]) && oom_str_is(oom_event_task(n.event, pid[i])->comm, "census");
		if (named == OOM_ARRAY_SIZE(pid))
			break;
	}
	m = tree_pass(a);
	n = tree_pass(b);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(pid); i++) {
		const struct oom_task *x = oom_event_task(m.event, pid[i]), *y = oom_event_task(n.event, pid[i]);
		const struct oom_sample_row *r, *q;
		struct oom_sample_detail detail;

		assert_non_null(x);
		assert_non_null(y);
		r = &m.row[x - m.event->task];
		q = &n.row[y - n.event->task];
		assert_int_equal(x->tgid, y->tgid);
		assert_int_equal(x->uid, y->uid);
		assert_int_equal(x->oom_score_adj, y->oom_score_adj);
		assert_int_equal(x->pgtables_bytes, y->pgtables_bytes);
		assert_int_equal(x->swap_pages, y->swap_pages);
		assert_int_equal(x->total_vm_pages, y->total_vm_pages);
		assert_true(oom_str_eq(x->comm, y->comm));
		assert_true(oom_str_eq(x->cgroup, y->cgroup));
		assert_int_equal(r->ppid, q->ppid);
		assert_true(labs(x->rss_pages - y->rss_pages) <= n.drift_pages);
		assert_int_equal(oom_sampler_detail(a, (size_t)(x - m.event->task), &detail), 0);
		assert_true(detail.start_us / 1000000 == (int64_t)(r->ident / 1000000000));
	}
	assert_int_equal(m.drift_pages, 0);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(pid); i++)
		end(pid[i]);
	m = tree_pass(a);
	assert_null(oom_event_task(m.event, pid[0]));
	oom_sampler_close(a);
	oom_sampler_close(b);
}

int test_census(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_room_grows), cmocka_unit_test(test_refusal_ends_it), cmocka_unit_test(test_dead_leader),
		cmocka_unit_test(test_zombie), cmocka_unit_test(test_agrees_with_proc),
	};

	return cmocka_run_group_tests_name("census", tests, NULL, NULL);
}
