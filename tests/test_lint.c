/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Policy mistakes of machines made of files; those of past events are in tests/cli/lint.sh. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oomlens/lint.h>

#include "test_tree.h"
#include "unit.h"

static void process(int pid, int ppid, const char *name, int uid, int adj, int rss_kb)
{
	char path[64];

	tree_process(pid, adj, rss_kb, 0, 0);
	snprintf(path, sizeof(path), "proc/%d/status", pid);
	tree_put(path, "Name:\t%s\nTgid:\t%d\nPid:\t%d\nPPid:\t%d\nUid:\t%d\t%d\t%d\t%d\nVmSize:\t%8d kB\nVmRSS:\t%8d kB\n"
		 "RssAnon:\t%8d kB\nRssFile:\t       0 kB\nRssShmem:\t       0 kB\nVmPTE:\t       0 kB\nVmSwap:\t       0 kB\n"
		 "Threads:\t1\n", name, pid, pid, ppid, uid, uid, uid, uid, rss_kb, rss_kb, rss_kb);
}

static void look(struct oom_lint *l, int64_t log_bytes)
{
	struct oom_sampler *s = tree_open(OOM_SAMPLE_ALL);
	struct oom_sample m = tree_pass(s);
	struct oom_policy p;
	char proc[128];

	snprintf(proc, sizeof(proc), "%s/proc", tree_dir);
	oom_policy_read(proc, &p);
	assert_int_equal(p.log_bytes, OOM_NA);
	p.log_bytes = log_bytes;
	*l = (struct oom_lint){ 0 };
	assert_int_equal(oom_lint_live(l, &m, &p), 0);
	oom_sampler_close(s);
}

static const struct oom_lint_finding *found(const struct oom_lint *l, const char *check)
{
	for (size_t i = 0; i < l->nfindings; i++)
		if (!strcmp(l->finding[i].check->name, check))
			return &l->finding[i];
	return NULL;
}

static void says(const struct oom_lint *l, const char *check, const char *text)
{
	const struct oom_lint_finding *f = found(l, check);

	if (!f) {
		fail_msg("no finding %s", check);
		return;
	}
	if (!f->text.n || !strstr(f->text.p, text))
		fail_msg("%s says '%.*s', not '%s'", check, (int)f->text.n, f->text.p, text);
}

static void test_nothing_wrong(void **state)
{
	struct oom_lint l;

	(void)state;
	tree_put("proc/sys/vm/panic_on_oom", "0\n");
	tree_put("proc/sys/vm/oom_kill_allocating_task", "0\n");
	tree_put("proc/sys/vm/oom_dump_tasks", "1\n");
	process(1, 0, "systemd", 0, -1000, 90000);
	process(200, 1, "systemd-udevd", 0, -1000, 9000);
	process(201, 1, "sshd", 0, -1000, 9000);
	process(300, 1, "app", 1000, 200, 400000);
	process(301, 1, "db", 70, 0, 300000);
	look(&l, 1 << 17);
	assert_int_equal(l.nfindings, 0);
	oom_lint_release(&l);
}

static void test_settings(void **state)
{
	struct oom_lint l;

	(void)state;
	process(300, 1, "app", 0, 0, 4000);
	tree_put("proc/sys/vm/panic_on_oom", "2\n");
	tree_put("proc/sys/kernel/panic", "0\n");
	tree_put("proc/sys/vm/oom_kill_allocating_task", "1\n");
	tree_put("proc/sys/vm/oom_dump_tasks", "0\n");
	look(&l, OOM_NA);
	says(&l, "panic-on-oom", "vm.panic_on_oom is 2: the machine panics even when only a memory cgroup is full");
	says(&l, "panic-on-oom", "stays down");
	says(&l, "allocating-task", "vm.oom_kill_allocating_task is 1");
	says(&l, "no-task-dump", "vm.oom_dump_tasks is 0");
	assert_int_equal(l.nfindings, 3);
	oom_lint_release(&l);
	/* what cannot be read is not wrong */
	tree_clear("proc/sys/vm");
	look(&l, OOM_NA);
	assert_int_equal(l.nfindings, 0);
	oom_lint_release(&l);
}

static void test_log_buffer(void **state)
{
	struct oom_lint l;

	(void)state;
	for (int pid = 300; pid < 700; pid++)
		process(pid, 1, "app", 0, 0, 4000);
	look(&l, 65536);
	assert_null(found(&l, "log-buffer"));
	oom_lint_release(&l);
	look(&l, 32768);
	says(&l, "log-buffer", "400 processes");
	says(&l, "log-buffer", "holds 32 KiB");
	oom_lint_release(&l);
}

static void test_unkillable(void **state)
{
	const struct oom_lint_finding *f;
	struct oom_lint l;

	(void)state;
	process(1, 0, "init", 0, -1000, 4000);
	process(200, 1, "sshd", 0, -1000, 800000);           /* usual, were it not so large */
	process(210, 1, "agent", 0, -1000, 40000);
	process(211, 210, "job", 0, -1000, 400000);
	process(212, 210, "other", 0, -999, 900000);
	look(&l, OOM_NA);
	f = found(&l, "unkillable");
	assert_non_null(f);
	assert_int_equal(f->tasks, 3);
	assert_int_equal(f->kb, 1240000);
	assert_int_equal(f->npids, 3);
	assert_int_equal(f->pid[0], 200);
	assert_int_equal(f->pid[1], 211);
	says(&l, "unkillable", "3 processes at oom_score_adj -1000 hold 1.2 GiB (sshd (pid 200) 781.3 MiB, job (pid 211)");
	says(&l, "unkillable", "1 of them inherited it");
	oom_lint_release(&l);
}

static void test_user_services(void **state)
{
	struct oom_lint l;

	(void)state;
	process(300, 1, "pipewire", 1000, 200, 40000);
	process(301, 1, "hog", 70, 0, 500000);
	look(&l, OOM_NA);
	says(&l, "user-services", "pipewire (pid 300)");
	says(&l, "user-services", "would die before hog (pid 301)");
	oom_lint_release(&l);
	/* the largest dies first, whoever it is */
	process(300, 1, "pipewire", 1000, 200, 600000);
	look(&l, OOM_NA);
	assert_null(found(&l, "user-services"));
	oom_lint_release(&l);
	/* 200, but not of a user's manager */
	process(300, 1, "batch", 70, 200, 40000);
	look(&l, OOM_NA);
	assert_null(found(&l, "user-services"));
	oom_lint_release(&l);
}

static void cgroup(const char *path, const char *max, const char *swap, int pid)
{
	static const struct { const char *name, *text; } files[] = {
		{ "memory.current", "1048576\n" }, { "memory.swap.current", "0\n" }, { "memory.oom.group", "0\n" },
		{ "memory.min", "0\n" }, { "memory.low", "0\n" },
	};
	char name[128];

	for (size_t i = 0; i < OOM_ARRAY_SIZE(files); i++) {
		snprintf(name, sizeof(name), "cgroup/%s/%s", path, files[i].name);
		tree_put(name, "%s", files[i].text);
	}
	snprintf(name, sizeof(name), "cgroup/%s/memory.max", path);
	tree_put(name, "%s\n", max);
	snprintf(name, sizeof(name), "cgroup/%s/memory.swap.max", path);
	tree_put(name, "%s\n", swap);
	snprintf(name, sizeof(name), "cgroup/%s/cgroup.procs", path);
	tree_put(name, "%d\n", pid);
}

static void test_domains(void **state)
{
	struct oom_lint l;

	(void)state;
	tree_put("cgroup/cgroup.controllers", "memory\n");
	tree_put("cgroup/cgroup.procs", "%s", "");
	process(1, 0, "init", 0, 0, 4000);
	process(300, 1, "locked", 0, -1000, 4000);
	process(301, 1, "app", 0, 0, 4000);
	process(302, 1, "free", 0, 0, 4000);
	cgroup("guarded", "67108864", "max", 300);
	cgroup("tight", "67108864", "0", 301);
	cgroup("open", "max", "0", 302);
	look(&l, OOM_NA);
	says(&l, "nobody-to-kill", "1 memory cgroup with a limit: all tasks of /guarded");
	says(&l, "no-swap", "1 memory cgroup may not use any of the machine's 390.6 MiB of swap: /tight");
	oom_lint_release(&l);
	/* without swap nobody misses it */
	tree_put("proc/meminfo", "MemTotal: 4000000 kB\nMemFree: 1000 kB\nMemAvailable: 2000000 kB\nSwapTotal: 0 kB\n"
		 "SwapFree: 0 kB\n");
	look(&l, OOM_NA);
	assert_null(found(&l, "no-swap"));
	oom_lint_release(&l);
}

static void test_pod_request(void **state)
{
	static const char *const pod = "kubepods.slice/kubepods-burstable.slice/"
		"kubepods-burstable-pod0a1b2c3d_0a1b_0a1b_0a1b_0a1b2c3d4e5f.slice";
	struct oom_lint l;
	char path[192];

	(void)state;
	tree_put("cgroup/cgroup.controllers", "memory\n");
	tree_put("cgroup/cgroup.procs", "%s", "");
	process(300, 1, "java", 0, 990, 400000);              /* requests about 1.1 % of 4,000,000 kB */
	process(301, 1, "modest", 0, 990, 40000);
	cgroup(pod, "max", "0", 300);
	snprintf(path, sizeof(path), "cgroup/%s/cgroup.procs", pod);
	tree_put(path, "300\n301\n");
	look(&l, OOM_NA);
	says(&l, "pod-request", "1 process of burstable pods holds more than twice");
	says(&l, "pod-request", "java (pid 300)");
	oom_lint_release(&l);
}

/* Each word of a name is somebody's choice. */
static void test_hostile_names(void **state)
{
	struct oom_lint l;
	struct oom_doc doc = { 0 };
	char *json = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&json, &n);

	(void)state;
	process(300, 1, "a\"b\\c", 0, -1000, 400000);
	look(&l, OOM_NA);
	assert_int_equal(oom_lint_explain(&l, OOM_STR("h\x1b[2J"), &doc), 0);
	for (size_t i = 0; i < doc.nnodes; i++)
		assert_null(memchr(doc.node[i].text.p, 0x1b, doc.node[i].text.n));
	oom_doc_release(&doc);
	assert_non_null(out);
	assert_int_equal(oom_lint_json(&l, OOM_STR("h\"\x1b"), out), 0);
	fclose(out);
	assert_null(strchr(json, 0x1b));
	assert_non_null(strstr(json, "\"host\": \"h\\\"\\u001B\""));
	free(json);
	oom_lint_release(&l);
}

int test_lint(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, tree_set_up, tree_tear_down)
	const struct CMUnitTest tests[] = {
		T(test_nothing_wrong), T(test_settings), T(test_log_buffer), T(test_unkillable), T(test_user_services),
		T(test_domains), T(test_pod_request), T(test_hostile_names),
	};
#undef T
	return cmocka_run_group_tests_name("lint", tests, NULL, NULL);
}
