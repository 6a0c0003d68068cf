/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_tree.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

char tree_dir[] = "/tmp/oomlens-sample-XXXXXX";

void tree_put(const char *path, const char *fmt, ...)
{
	char full[512];
	va_list ap;
	FILE *f;

	snprintf(full, sizeof(full), "%s/%s", tree_dir, path);
	for (char *at = full + strlen(tree_dir) + 1; (at = strchr(at, '/')) != NULL; at++) {
		*at = '\0';
		(void)mkdir(full, 0755);
		*at = '/';
	}
	f = fopen(full, "w");
	assert_non_null(f);
	va_start(ap, fmt);
	vfprintf(f, fmt, ap);
	va_end(ap);
	fclose(f);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void tree_clear(const char *path)
{
	char full[512];

	snprintf(full, sizeof(full), "%s/%s", tree_dir, path);
	(void)nftw(full, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

void tree_process(int pid, int adj, int rss_kb, int swap_kb, int pte_kb)
{
	char path[64];

	snprintf(path, sizeof(path), "proc/%d/status", pid);
	tree_put(path,
	    "Name:\tp%d\nTgid:\t%d\nPid:\t%d\nPPid:\t1\nUid:\t7\t8\t9\t9\nVmSize:\t%8d kB\nVmRSS:\t%8d kB\n"
	    "RssAnon:\t%8d kB\nRssFile:\t       0 kB\nRssShmem:\t       0 kB\nVmPTE:\t%8d kB\nVmSwap:\t%8d "
	    "kB\nThreads:\t1\n",
	    pid, pid, pid, rss_kb + swap_kb, rss_kb, rss_kb, pte_kb, swap_kb);
	snprintf(path, sizeof(path), "proc/%d/oom_score_adj", pid);
	tree_put(path, "%d\n", adj);
}

int tree_set_up(void **state)
{
	(void)state;
	memcpy(strstr(tree_dir, "sample-") + 7, "XXXXXX", 6);
	assert_non_null(mkdtemp(tree_dir));
	tree_put("proc/meminfo",
			    "MemTotal: 4000000 kB\nMemFree: 1000 kB\nMemAvailable: 2000000 kB\nSwapTotal: "
			    "400000 kB\nSwapFree: 400000 kB\n");
	tree_put("proc/sys/kernel/osrelease", "6.1.0\n");
	tree_put("proc/sys/vm/swappiness", "60\n");
	tree_put("cgroup/x", "%s", "");
	return 0;
}

int tree_tear_down(void **state)
{
	(void)state;
	oom_alloc_fail_at(0);
	tree_clear("");
	return 0;
}

struct oom_sampler *tree_open_at(const char *proc, const char *cgroup, unsigned want, size_t keep)
{
	const struct oom_sampler_opts opts = {
		.proc_root = proc, .cgroup_root = cgroup, .want = want, .keep_files = keep, .page_size = 4096,
	};
	struct oom_err err = { 0 };
	struct oom_sampler *s = NULL;

	assert_int_equal(oom_sampler_open(&opts, &s, &err), 0);
	return s;
}

struct oom_sampler *tree_open_keeping(unsigned want, size_t keep)
{
	char proc[256], cgroup[256];

	snprintf(proc, sizeof(proc), "%s/proc", tree_dir);
	snprintf(cgroup, sizeof(cgroup), "%s/cgroup", tree_dir);
	return tree_open_at(proc, cgroup, want, keep);
}

struct oom_sampler *tree_open(unsigned want)
{
	return tree_open_keeping(want, 0);
}

struct oom_sample tree_pass(struct oom_sampler *s)
{
	struct oom_err err = { 0 };
	struct oom_sample m;
	int r = oom_sampler_next(s, &m, &err);

	if (r < 0)
		fail_msg("%d: %s", r, err.text);
	return m;
}

const struct oom_domain *tree_domain(const struct oom_sample *m, const char *path)
{
	for (size_t i = 0; i < m->ndomains; i++)
		if (oom_str_is(m->domain[i].path, path))
			return &m->domain[i];
	fail_msg("no domain '%s'", path);
	return NULL;
}

struct oom_sampler *tree_open_recorded(unsigned want)
{
	return tree_open_at("tests/proc/6.1-v2/proc", "tests/proc/6.1-v2/cgroup", want, 0);
}
