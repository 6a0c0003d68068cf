/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The flight recorder: a ring of samples, each the largest tasks with what a kernel log does not tell of them.  What is
 * the same process in two samples: the inode of its directory says so quickly, its start time for good, since under
 * memory pressure /proc forgets directories and numbers them anew.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <oomlens/sample.h>

#include "cgroup.h"
#include "pressure.h"
#include "procfs.h"
#include "recorder_impl.h"

#define ROWS       64
#define DEPTH_MAX  12
#define SPAN_US    INT64_C(60000000)           /* growth is measured over about a minute */
#define KEEP_FILES 128                         /* of /proc; 64 processes: two fifths less CPU on a small machine */

struct row {
	uint64_t ident, cgroup_id;
	int64_t pid, uid, oom_score_adj, start_us, points, rss_pages, swap_pages, pgtables_bytes, usage_pages;
	uint16_t ncomm, ncgroup, ncmdline;     /* of cgroup and cmdline: 0 = not known */
	char comm[16], cgroup[384], cmdline[256];
};

struct sample {
	int64_t begin_us, end_us;              /* CLOCK_MONOTONIC */
	struct oom_pressure_values pressure;
	size_t n;
	struct row row[ROWS];
};

struct oom_flight_ring {
	struct oom_sampler *sampler;
	struct oom_pressure pressure;
	struct oom_cgroups cgroups;            /* its version alone */
	int proc;
	struct oom_sample_rank rank[ROWS];
	size_t depth, newest, n;               /* newest: index; n: samples taken, up to depth */
	struct sample sample[];
};

/* ---- open and close --------------------------------------------------------------------------------- */

static size_t depth_for(int64_t every_us)
{
	int64_t n = every_us > 0 ? SPAN_US / every_us : DEPTH_MAX;

	return n < 2 ? 2 : n > DEPTH_MAX ? DEPTH_MAX : (size_t)n;
}

int oom_flight_new_at(const char *proc_root, const char *cgroup_root, int64_t every_us, struct oom_flight_ring **ret,
		      struct oom_err *reterr)
{
	const struct oom_sampler_opts opts = { .proc_root = proc_root, .cgroup_root = cgroup_root,
					       .want = OOM_SAMPLE_KERNEL, .keep_files = KEEP_FILES };
	size_t depth = depth_for(every_us), size = sizeof(struct oom_flight_ring) + depth * sizeof(struct sample);
	struct oom_flight_ring *r = oom_malloc(size);
	int mount, error;

	if (!r)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	/* a sample's rows become resident when it is taken: not while the sampler's BPF program is loaded */
	memset(r, 0, sizeof(*r));
	for (size_t i = 0; i < depth; i++)
		r->sample[i].n = 0;
	r->depth = depth;
	r->proc = oom_proc_root(proc_root ? proc_root : "/proc");
	oom_pressure_open(&r->pressure, r->proc);
	mount = oom_proc_root(cgroup_root ? cgroup_root : "/sys/fs/cgroup");
	oom_cgroups_open(&r->cgroups, mount);
	if (mount >= 0)
		close(mount);
	error = oom_sampler_open(&opts, &r->sampler, reterr);
	if (error < 0) {
		oom_flight_free(r);
		return error;
	}
	*ret = r;
	return 0;
}

int oom_flight_new(int64_t every_us, struct oom_flight_ring **ret, struct oom_err *reterr)
{
	return oom_flight_new_at(NULL, NULL, every_us, ret, reterr);
}

void oom_flight_free(struct oom_flight_ring *r)
{
	if (!r)
		return;
	oom_sampler_close(r->sampler);
	oom_pressure_close(&r->pressure);
	oom_cgroups_close(&r->cgroups);
	if (r->proc >= 0)
		close(r->proc);
	oom_free(r);
}

/* ---- one sample ------------------------------------------------------------------------------------- */

static const struct sample *sample_back(const struct oom_flight_ring *r, size_t back)
{
	return &r->sample[(r->newest + r->depth - back) % r->depth];
}

static bool same_process(const struct row *a, const struct row *b)
{
	return a->pid == b->pid && (a->ident == b->ident || (a->start_us != OOM_NA && a->start_us == b->start_us));
}

/* Beyond the buffer is not known: half a path names another cgroup. */
static void read_cgroup(const struct oom_flight_ring *r, struct row *row)
{
	char path[48], buf[4096];
	struct oom_str text;

	row->ncgroup = 0;
	snprintf(path, sizeof(path), "%" PRId64 "/cgroup", row->pid);
	if (oom_proc_read(r->proc, path, buf, sizeof(buf), &text) < 0 || text.n == sizeof(buf))
		return;
	text = oom_cgroups_path(&r->cgroups, text);
	if (!text.p || text.n > sizeof(row->cgroup))
		return;
	memcpy(row->cgroup, text.p, text.n);
	row->ncgroup = (uint16_t)text.n;
}

static void read_detail(struct oom_flight_ring *r, size_t task, struct row *row)
{
	struct oom_sample_detail d;

	row->start_us = OOM_NA;
	row->ncmdline = 0;
	if (oom_sampler_detail(r->sampler, task, &d) < 0)
		return;
	while (d.ncmdline && !d.cmdline[d.ncmdline - 1])
		d.ncmdline--;
	for (size_t i = 0; i < d.ncmdline; i++)
		row->cmdline[i] = d.cmdline[i] ? d.cmdline[i] : ' ';
	row->ncmdline = (uint16_t)d.ncmdline;
	row->start_us = d.start_us;
}

/* What was read of this very process before. */
static const struct row *recall(const struct sample *before, const struct row *row)
{
	for (size_t i = 0; i < before->n; i++)
		if (before->row[i].pid == row->pid && before->row[i].ident == row->ident)
			return &before->row[i];
	return NULL;
}

static void fill_texts(struct oom_flight_ring *r, size_t task, const struct row *old, struct row *row)
{
	/* until it calls itself by another name, as execve() makes it do */
	if (old && old->start_us != OOM_NA && old->ncomm == row->ncomm && !memcmp(old->comm, row->comm, row->ncomm)) {
		row->start_us = old->start_us;
		row->ncmdline = old->ncmdline;
		memcpy(row->cmdline, old->cmdline, old->ncmdline);
	} else {
		read_detail(r, task, row);
	}
	if (old && old->cgroup_id && old->cgroup_id == row->cgroup_id && old->ncgroup) {
		row->ncgroup = old->ncgroup;
		memcpy(row->cgroup, old->cgroup, old->ncgroup);
	} else {
		read_cgroup(r, row);
	}
}

static void fill_row(struct oom_flight_ring *r, const struct oom_sample *m, const struct oom_sample_rank *rank,
		     const struct sample *before, struct row *row)
{
	const struct oom_task *t = &m->event->task[rank->task];

	row->ident = m->row[rank->task].ident;
	row->cgroup_id = m->row[rank->task].cgroup_id;
	row->pid = t->tgid;
	row->uid = t->uid;
	row->oom_score_adj = t->oom_score_adj;
	row->points = rank->points;
	row->rss_pages = t->rss_pages;
	row->swap_pages = t->swap_pages;
	row->pgtables_bytes = t->pgtables_bytes;
	row->usage_pages = m->row[rank->task].usage_pages;
	row->ncomm = (uint16_t)t->comm.n;
	memcpy(row->comm, t->comm.p, t->comm.n);
	fill_texts(r, rank->task, recall(before, row), row);
}

static int64_t monotonic_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int oom_flight_tick(struct oom_flight_ring *r, int64_t now_us)
{
	const struct sample *before = sample_back(r, 0);
	size_t next = (r->newest + 1) % r->depth;
	struct sample *s = &r->sample[next];
	int64_t begin_us = monotonic_us();
	struct oom_sample m;
	int error = oom_sampler_next(r->sampler, &m, NULL);

	if (error < 0)
		return error;
	s->n = oom_sampler_top(r->sampler, &m.domain[0], ROWS, r->rank);
	for (size_t i = 0; i < s->n; i++)
		fill_row(r, &m, &r->rank[i], before, &s->row[i]);
	oom_pressure_read(&r->pressure, &s->pressure);
	s->begin_us = now_us;
	s->end_us = now_us + monotonic_us() - begin_us;
	r->newest = next;
	r->n += r->n < r->depth;
	return 0;
}

/* ---- what it knew ----------------------------------------------------------------------------------- */

static void growth(const struct oom_flight_ring *r, size_t back, const struct row *row, struct oom_flight *f)
{
	const struct sample *now = sample_back(r, back);

	for (size_t old = r->n - 1; old > back; old--) {
		const struct sample *then = sample_back(r, old);

		for (size_t i = 0; i < then->n; i++) {
			if (!same_process(&then->row[i], row))
				continue;
			f->growth_pages = row->usage_pages - then->row[i].usage_pages;
			f->growth_us = now->begin_us - then->begin_us;
			return;
		}
	}
}

static int copy_text(struct oom_event *ev, const char *p, size_t n, struct oom_str *ret)
{
	return n ? oom_arena_str(&ev->arena, (struct oom_str){ p, n }, ret) : 0;
}

static int add_row(const struct oom_flight_ring *r, size_t back, const struct row *row, struct oom_event *ev)
{
	struct oom_flight *f = oom_event_add_flight(ev);

	if (!f)
		return -ENOMEM;
	f->pid = row->pid;
	f->uid = row->uid;
	f->oom_score_adj = row->oom_score_adj;
	f->sampled_us = sample_back(r, back)->begin_us;
	f->start_us = row->start_us;
	f->points = row->points;
	f->rss_pages = row->rss_pages;
	f->swap_pages = row->swap_pages;
	f->pgtables_bytes = row->pgtables_bytes;
	growth(r, back, row, f);
	if (oom_arena_str(&ev->arena, (struct oom_str){ row->comm, row->ncomm }, &f->comm) < 0 ||
	    copy_text(ev, row->cgroup, row->ncgroup, &f->cgroup) < 0 ||
	    copy_text(ev, row->cmdline, row->ncmdline, &f->cmdline) < 0)
		return -ENOMEM;
	return 0;
}

int oom_flight_attach(const struct oom_flight_ring *r, int64_t until_us, struct oom_event *ev)
{
	const struct sample *s;
	size_t back = 0;
	int error = 0;

	/* a pass that was under way at the kill has seen what came after it */
	while (back < r->n && sample_back(r, back)->end_us > until_us)
		back++;
	if (back == r->n)
		return 0;
	s = sample_back(r, back);
	for (size_t i = 0; i < s->n && error == 0; i++)
		error = add_row(r, back, &s->row[i], ev);
	return error < 0 ? error : oom_pressure_add(&s->pressure, "sampled_", ev);
}
