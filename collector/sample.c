/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sampler: open and close, and what one pass consists of. */
#include "sample_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "census.h"

#define SPARE_FILES    64                      /* left of RLIMIT_NOFILE for everybody else */

const char *const oom_sample_points_names[] = { "exact", "precise_sum", "unknown", NULL };

static int64_t clock_us(clockid_t id)
{
	struct timespec t;

	return clock_gettime(id, &t) ? OOM_NA : (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int oom_sample_room(void **array, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap ? *cap : 64;
	void *p;

	if (n <= *cap)
		return 0;
	while (want < n)
		want *= 2;
	p = oom_realloc(*array, want * size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*cap = want;
	return 0;
}

/* ---- open and close --------------------------------------------------------------------------------- */

static size_t files_to_keep(size_t asked)
{
	struct rlimit l;

	if (!asked || getrlimit(RLIMIT_NOFILE, &l))
		return 0;
	if (l.rlim_cur == RLIM_INFINITY)
		return asked;
	if (l.rlim_cur <= SPARE_FILES)
		return 0;
	return asked < l.rlim_cur - SPARE_FILES ? asked : (size_t)l.rlim_cur - SPARE_FILES;
}

int oom_sampler_open(const struct oom_sampler_opts *opts, struct oom_sampler **ret, struct oom_err *reterr)
{
	const char *proc = opts->proc_root ? opts->proc_root : "/proc";
	const char *cgroups = opts->cgroup_root ? opts->cgroup_root : "/sys/fs/cgroup";
	struct oom_sampler *s = oom_malloc(sizeof(*s));

	if (!s)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	memset(s, 0, offsetof(struct oom_sampler, text));
	s->opts = *opts;
	s->cgroups.root = s->cgroup_mount = -1;
	s->last_us = OOM_NA;
	s->page_kb = (opts->page_size ? opts->page_size : sysconf(_SC_PAGESIZE)) / 1024;
	oom_event_init(&s->event);
	s->proc = s->page_kb > 0 ? oom_proc_root(proc) : -EINVAL;
	if (s->proc < 0) {
		int r = oom_err_set(reterr, -s->proc, "cannot open '%s': %s", proc, strerror(-s->proc));

		s->proc = -1;
		oom_sampler_close(s);
		return r;
	}
	if (opts->want & OOM_SAMPLE_CGROUPS) {
		s->cgroup_mount = oom_proc_root(cgroups);
		oom_cgroups_open(&s->cgroups, s->cgroup_mount);
		s->cgroups.counters = opts->want & OOM_SAMPLE_COUNTERS;
		s->cgroups.text = s->text;
		s->cgroups.text_cap = sizeof(s->text);
	}
	if (opts->want & (OOM_SAMPLE_NODES | OOM_SAMPLE_POLICIES)) {
		s->nodes = oom_malloc(sizeof(*s->nodes));
		if (!s->nodes) {
			oom_sampler_close(s);
			return oom_err_set(reterr, ENOMEM, "out of memory");
		}
		memset(s->nodes, 0, sizeof(*s->nodes));
	}
	s->keep = files_to_keep(opts->keep_files);
	oom_sample_boot(s);
	if (opts->want & OOM_SAMPLE_KERNEL)
		oom_sample_census_open(s);
	*ret = s;
	return 0;
}

void oom_sampler_close(struct oom_sampler *s)
{
	if (!s)
		return;
	oom_sample_proc_forget(s);
	oom_census_close(s->census);
	oom_cgroups_close(&s->cgroups);
	if (s->proc >= 0)
		close(s->proc);
	if (s->cgroup_mount >= 0)
		close(s->cgroup_mount);
	oom_event_release(&s->event);
	oom_free(s->slots.v);
	oom_free(s->old.v);
	oom_free(s->task);
	oom_free(s->row);
	oom_free(s->all);
	oom_free(s->by_cgroup);
	oom_free(s->cgroup_id);
	oom_free(s->by_id);
	oom_free(s->cgroup);
	oom_free(s->nodes);
	oom_free(s->node_tasks);
	oom_free(s->domain);
	oom_free(s->before);
	oom_free(s->view);
	oom_free(s);
}

/* ---- the pass --------------------------------------------------------------------------------------- */

static bool hides_init(const struct oom_sampler *s)
{
	return !s->census && s->slots.n && s->slots.v[0].pid != 1;
}

int oom_sample_rows(struct oom_sampler *s, size_t n)
{
	size_t cap[5];

	if (n <= s->cap_rows)
		return 0;
	/* five arrays of one length: the capacity that all of them have is the one that counts */
	for (size_t i = 0; i < OOM_ARRAY_SIZE(cap); i++)
		cap[i] = s->cap_rows;
	if (oom_sample_room((void **)&s->task, &cap[0], n, sizeof(*s->task)) < 0 ||
	    oom_sample_room((void **)&s->row, &cap[1], n, sizeof(*s->row)) < 0 ||
	    oom_sample_room((void **)&s->all, &cap[2], n, sizeof(*s->all)) < 0 ||
	    oom_sample_room((void **)&s->by_cgroup, &cap[3], n, sizeof(*s->by_cgroup)) < 0 ||
	    oom_sample_room((void **)&s->cgroup_id, &cap[4], n, sizeof(*s->cgroup_id)) < 0)
		return -ENOMEM;
	for (size_t i = s->cap_rows; i < cap[0]; i++)
		s->all[i] = (uint32_t)i;
	s->cap_rows = cap[0];
	return 0;
}

struct sample_note { bool yes; const char *kind; size_t n; const char *text; };

static int add_notes(struct oom_sampler *s)
{
	const struct sample_note notes[] = {
		{ s->info.vanished, "vanished", s->info.vanished, "processes went away while being read" },
		{ s->info.denied, "denied", s->info.denied, "processes may not be read by this user" },
		{ s->points == OOM_POINTS_PRECISE_SUM, "precise_sum", (size_t)s->drift_pages,
		  "pages at most lie between a row and the approximate counters that this kernel compares" },
		{ hides_init(s), "hidden_processes", s->nrows,
		  "processes are shown, process 1 is not: /proc hides others (hidepid)" },
		{ s->outer_hidden, "pid_namespace", s->nrows,
		  "processes are shown: those of this PID namespace, not of the whole machine" },
		{ s->cgroups.cut, "cgroups_cut", s->cgroups.n, "cgroups were read, the tree has more" },
		{ s->opts.want & OOM_SAMPLE_CGROUPS && s->cgroups.version == OOM_NA, "no_memory_cgroups", 0,
		  "memory cgroups found" },
		{ s->info.unplaced, "unplaced", s->info.unplaced, "processes are in none of the cgroups" },
		{ s->nodes && s->nodes->full, "node_sets", OOM_NODE_SETS_MAX,
		  "different sets of memory nodes were looked at, there are more" },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(notes); i++) {
		const struct sample_note *n = &notes[i];

		if (n->yes && oom_event_note(&s->event, OOM_NA, n->kind, "%zu %s", n->n, n->text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_all(struct oom_sampler *s)
{
	int r = s->census ? oom_sample_census(s) : 0;

	if (r == 0 && !s->census)                  /* it may just have been given up */
		r = oom_sample_proc(s);
	if (r < 0)
		return r;
	s->event.task = s->task;
	s->event.ntasks = s->nrows;
	s->partial = s->info.denied || s->outer_hidden || hides_init(s);
	s->event.table_complete = !s->partial;
	return oom_sample_members(s);
}

int oom_sampler_next(struct oom_sampler *s, struct oom_sample *ret, struct oom_err *reterr)
{
	int64_t begin = clock_us(CLOCK_MONOTONIC);
	int r;

	s->info = (struct oom_sample_info){ .interval_us = OOM_NA };
	if (s->last_us != OOM_NA)
		s->info.interval_us = begin - s->last_us;
	s->last_us = begin;
	s->nrows = s->ndomains = 0;
	s->pass++;
	r = oom_sample_machine(s);
	if (r == 0) {
		s->event.boot_us = clock_us(CLOCK_BOOTTIME);
		s->event.wall_us = clock_us(CLOCK_REALTIME);
		r = read_all(s);
	}
	if (r == 0)
		r = oom_sample_domains(s);
	if (r == 0)
		r = add_notes(s);
	if (r < 0)
		return oom_err_set(reterr, -r, "cannot sample the processes: %s", strerror(-r));
	s->info.kept_files = s->kept;
	s->info.took_us = clock_us(CLOCK_MONOTONIC) - begin;
	*ret = (struct oom_sample){
		.event = &s->event, .row = s->row, .cgroup = s->cgroup, .ncgroups = s->cgroups.n,
		.domain = s->domain, .ndomains = s->ndomains, .profile = s->profile, .points = s->points,
		.drift_pages = s->drift_pages, .cgroup_version = s->cgroups.version, .info = s->info,
		.kernel_counters = s->census != NULL,
	};
	return 0;
}
