/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rows of a pass from the kernel's own counters, by BPF. */
#include "sample_impl.h"

#include <errno.h>
#include <string.h>

#include <oomlens/fact.h>

#include "census.h"

#define NODES_MAX 64                           /* bits of a record */

void oom_sample_census_open(struct oom_sampler *s)
{
	bool summed = s->profile && s->profile->flags & OOM_PROFILE_EXACT_SUMS;
	unsigned int what = s->cgroups.version == 2 ? CENSUS_V2 : 0;

	if (s->nodes)
		oom_nodes_read(s->nodes, s->proc, s->text, sizeof(s->text));
	s->census_nodes = s->nodes && s->nodes->with_memory > 1;
	/* tasks are numbered by the outermost namespace; from 7.0 on /proc is what the kernel compares */
	if (s->opts.proc_root || s->outer_hidden || summed || (s->census_nodes && s->nodes->n > NODES_MAX))
		return;
	if (oom_census_open(what | (s->census_nodes ? CENSUS_NODES : 0), 0, &s->census, NULL) < 0)
		return;
	s->proc_points = s->points;
	s->proc_drift_pages = s->drift_pages;
	if (s->points != OOM_POINTS_PRECISE_SUM)
		return;
	s->points = OOM_POINTS_EXACT;
	s->drift_pages = 0;
}

/* A per-CPU counter's approximate sum may stand a little below 0; the kernel takes that for 0. */
static int64_t pages_of(const struct census_rec *t, int counter)
{
	if (!(t->has & OOMWATCH_HAS_RSS))
		return OOM_NA;
	return t->rss[counter] > 0 ? t->rss[counter] : 0;
}

static int64_t sum(int64_t a, int64_t b)
{
	return a == OOM_NA || b == OOM_NA ? OOM_NA : a + b;
}

static void fill_task(struct oom_task *t, const struct census_rec *r, const char *comm)
{
	const char *end = memchr(r->comm, 0, OOMWATCH_COMM);

	*t = (struct oom_task){
		.pid = r->pid, .tgid = r->tgid, .uid = r->uid, .oom_score_adj = r->adj,
		.rss_anon_pages = pages_of(r, OOMWATCH_ANON), .rss_file_pages = pages_of(r, OOMWATCH_FILE),
		.rss_shmem_pages = pages_of(r, OOMWATCH_SHMEM), .swap_pages = pages_of(r, OOMWATCH_SWAP),
		.total_vm_pages = (int64_t)r->total_vm, .pgtables_bytes = (int64_t)r->pgtables_bytes,
		.nr_ptes = OOM_NA, .nr_pmds = OOM_NA, .cpu = OOM_NA, .oom_adj = OOM_NA,
		.line = OOM_NA, .kernel_points = OOM_NA, .kernel_flags = OOM_NA,
		.comm = { comm, end ? (size_t)(end - r->comm) : OOMWATCH_COMM },
	};
	t->rss_pages = sum(sum(t->rss_anon_pages, t->rss_file_pages), t->rss_shmem_pages);
}

/* Both lists are in the order of pids. */
static int64_t usage_before(struct oom_sampler *s, int32_t pid, uint64_t ident)
{
	while (s->before_at < s->slots.n && s->slots.v[s->before_at].pid < pid)
		s->before_at++;
	if (s->before_at >= s->slots.n || s->slots.v[s->before_at].pid != pid || s->slots.v[s->before_at].ino != ident)
		return OOM_NA;
	return s->slots.v[s->before_at].usage_pages;
}

static int add_row(void *arg, const struct census_rec *r)
{
	struct oom_sampler *s = arg;
	struct oom_sample_row *row;
	struct oom_task *t;
	int e;

	s->info.processes++;
	if (r->flags & OOM_FACT_NO_MM) {
		s->info.no_mm++;
		return 0;
	}
	e = oom_sample_rows(s, s->nrows + 1);
	if (!e)
		e = oom_sample_room((void **)&s->old.v, &s->old.cap, s->old.n + 1, sizeof(*s->old.v));
	if (e)
		return e;
	t = &s->task[s->nrows];
	row = &s->row[s->nrows];
	s->cgroup_id[s->nrows] = r->memcg_id;
	*row = (struct oom_sample_row){
		.ident = r->start_ns, .ppid = r->ppid, .threads = r->threads, .cgroup = -1, .cgroup_id = r->memcg_id,
		.mems = -1, .bind = -1,
		.prev_usage_pages = usage_before(s, r->tgid, r->start_ns),
		.dead_leader = r->pid != r->tgid,
		.passed_over = r->flags & (OOM_FACT_VFORK | OOM_FACT_OOM_SKIP),
	};
	memcpy(row->comm, r->comm, OOMWATCH_COMM);
	fill_task(t, r, row->comm);
	row->usage_pages = t->rss_pages == OOM_NA ? 0 : t->rss_pages + t->swap_pages;
	row->usage_pages += t->pgtables_bytes / (s->page_kb * 1024);
	s->old.v[s->old.n++] = (struct slot){
		.ino = row->ident, .usage_pages = row->usage_pages, .pid = r->tgid, .status_fd = -1, .adj_fd = -1,
	};
	if (s->census_nodes) {
		row->mems = s->opts.want & OOM_SAMPLE_NODES ? oom_nodes_mask(s->nodes, r->mems) : -1;
		row->bind = s->opts.want & OOM_SAMPLE_POLICIES && r->bind ? oom_nodes_mask(s->nodes, r->bind) : -1;
	}
	s->info.dead_leaders += row->dead_leader;
	s->info.threads += r->threads > 0 ? (size_t)r->threads : 1;
	s->nrows++;
	return 0;
}

/* BPF stopped to work, there are more processes than it gets memory for, or it cannot tell what is needed: this pass and
 * all others read /proc. */
static void give_up(struct oom_sampler *s)
{
	oom_census_close(s->census);
	s->census = NULL;
	s->points = s->proc_points;
	s->drift_pages = s->proc_drift_pages;
	s->slots.n = s->old.n = s->nrows = 0;      /* they are numbered otherwise */
	s->info = (struct oom_sample_info){ .interval_us = s->info.interval_us };
}

int oom_sample_census(struct oom_sampler *s)
{
	size_t room = s->cap_rows;
	struct slots swap;
	int r;

	if (s->nodes && s->nodes->with_memory > 1 && !s->census_nodes) {       /* memory was plugged in */
		give_up(s);
		return 0;
	}
	s->old.n = s->before_at = 0;
	r = oom_census_read(s->census, add_row, s);
	if (r == -ENOMEM) {
		s->old.n = 0;
		return r;
	}
	if (r < 0) {
		give_up(s);
		return 0;
	}
	for (size_t i = 0; s->cap_rows != room && i < s->nrows; i++)        /* the rows have moved */
		s->task[i].comm.p = s->row[i].comm;
	swap = s->slots;
	s->slots = s->old;
	s->old = swap;
	return 0;
}
