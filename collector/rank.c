/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to a sample: whom would this domain lose, in which order, and as which event would the kernel
 * see it. */
#include "sample_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- scoring ---------------------------------------------------------------------------------------- */

bool oom_scorer_init(struct scorer *sc, const struct oom_sampler *s, const struct oom_domain *d)
{
	*sc = (struct scorer){ .ev = &s->event, .p = s->profile };
	sc->total.lo = sc->total.hi = d->total_pages;
	if (!sc->p)
		return false;
	sc->tie = d->scope == OOM_SCOPE_MEMCG ? sc->p->tie_memcg : sc->p->tie_global;
	if (d->total_pages != OOM_NA)
		return true;
	/* only adjustments, and scores per mille, need the denominator */
	sc->total = (struct oom_range){ 1, 1 };
	if (sc->p->flags & OOM_PROFILE_PER_MILLE)
		return false;
	for (size_t i = 0; i < d->ntasks; i++)
		if (s->task[d->task[i]].oom_score_adj != 0 && s->task[d->task[i]].oom_score_adj != -1000)
			return false;
	return true;
}

#define BLOCK 256                          /* candidates scored at a time */

/* The candidates of d from `from` on; OOM_NA for who cannot be chosen.  Returns how many were scored. */
static size_t score(const struct oom_sampler *s, const struct scorer *sc, const struct oom_domain *d, size_t from,
		    int64_t points[static BLOCK])
{
	size_t n = d->ntasks - from < BLOCK ? d->ntasks - from : BLOCK;

	oom_badness_points(sc->p, sc->ev, sc->total, d->task + from, n, points);
	for (size_t i = 0; i < n; i++)
		if (s->row[d->task[from + i]].passed_over)
			points[i] = OOM_NA;
	return n;
}

/* oom_evaluate_task(): does an equal, scanned later, take the place of the best? */
static bool equal_wins(const struct scorer *sc, uint32_t best)
{
	const struct oom_task *t = &sc->ev->task[best];

	return sc->tie == OOM_TIE_LAST || (sc->tie == OOM_TIE_FIRST_LEADER && t->pid != t->tgid);
}

static void consider(const struct scorer *sc, struct oom_domain *d, uint32_t task, int64_t points, int64_t *second)
{
	bool more = d->victim < 0 || points > d->points;

	if (!more && points == d->points)
		d->tied++;
	if (more || (points == d->points && equal_wins(sc, (uint32_t)d->victim))) {
		d->tied = more ? 1 : d->tied;
		d->runner_up = d->victim;
		*second = d->points;
		d->victim = (ptrdiff_t)task;
		d->points = points;
	} else if (d->runner_up < 0 || points > *second) {
		d->runner_up = (ptrdiff_t)task;
		*second = points;
	}
}

static void choose(const struct oom_sampler *s, const struct scorer *sc, struct oom_domain *d)
{
	int64_t points[BLOCK], second = 0;

	d->victim = d->runner_up = -1;
	d->tied = 0;
	for (size_t from = 0, n; from < d->ntasks; from += n) {
		n = score(s, sc, d, from, points);
		for (size_t i = 0; i < n; i++)
			if (points[i] != OOM_NA)
				consider(sc, d, d->task[from + i], points[i], &second);
	}
	d->margin_pages = d->runner_up >= 0 ? d->points - second : OOM_NA;
}

/* From 5.9 on the file holds 0 for who cannot be chosen and hardly ever for anybody else: an eligible task
 * stands at (1000 + points * 1000 / totalpages) * 2 / 3. */
static bool kernel_passes_over(const struct oom_sampler *s, size_t task)
{
	char path[32];

	if (s->census)                             /* told by the kernel already */
		return false;
	snprintf(path, sizeof(path), "%" PRId64 "/oom_score", s->task[task].tgid);
	return s->profile->flags & OOM_PROFILE_SIGNED && s->task[task].oom_score_adj > -900 &&
	       oom_proc_number(s->proc, path) == 0;
}

#define SECOND_LOOKS 16

void oom_scorer_choose(struct oom_sampler *s, struct oom_domain *d)
{
	struct scorer sc;

	if (!oom_scorer_init(&sc, s, d))
		return;
	for (int i = 0; i < SECOND_LOOKS; i++) {
		choose(s, &sc, d);
		if (d->victim < 0 || !kernel_passes_over(s, (size_t)d->victim))
			break;
		s->row[d->victim].passed_over = true;
	}
	if (d->victim < 0)
		d->points = OOM_NA;
	d->certain = d->victim >= 0 && d->tied == 1 && !s->partial;
	if (d->runner_up >= 0 && d->margin_pages <= 2 * s->drift_pages)
		d->certain = false;
}

/* ---- the first k ------------------------------------------------------------------------------------ */

/* Worse means: further down.  Equals keep the scan order, turned round where the kernel takes the last. */
static bool worse(enum oom_tie_rule tie, const struct oom_sample_rank *a, const struct oom_sample_rank *b)
{
	if (a->points != b->points)
		return a->points < b->points;
	return tie == OOM_TIE_LAST ? a->task < b->task : a->task > b->task;
}

/* A heap with the worst on top: whoever beats it takes its place. */
static void sift(struct oom_sample_rank *v, size_t n, size_t i, enum oom_tie_rule tie)
{
	struct oom_sample_rank x = v[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < n && worse(tie, &v[child + 1], &v[child]))
			child++;
		if (child >= n || !worse(tie, &v[child], &x))
			break;
		v[i] = v[child];
		i = child;
	}
	v[i] = x;
}

static void swap(struct oom_sample_rank *a, struct oom_sample_rank *b)
{
	struct oom_sample_rank t = *a;

	*a = *b;
	*b = t;
}

static void make_heap(struct oom_sample_rank *v, size_t n, enum oom_tie_rule tie)
{
	for (size_t i = n / 2; i-- > 0;)
		sift(v, n, i, tie);
}

/* v has k places, n of them filled; it is a heap from the moment on when all are. */
static size_t keep_best(struct oom_sample_rank *v, size_t k, size_t n, const struct oom_sample_rank *x,
			enum oom_tie_rule tie)
{
	if (n < k) {
		v[n++] = *x;
		if (n == k)
			make_heap(v, n, tie);
	} else if (worse(tie, &v[0], x)) {
		v[0] = *x;
		sift(v, n, 0, tie);
	}
	return n;
}

size_t oom_sampler_top(const struct oom_sampler *s, const struct oom_domain *d, size_t k,
		       struct oom_sample_rank *ret)
{
	int64_t points[BLOCK];
	struct scorer sc;
	size_t n = 0;

	if (!k || !oom_scorer_init(&sc, s, d))
		return 0;
	/* While ranks are compared, `task` is the place in the scan order; the index comes in at the end. */
	for (size_t from = 0, scored; from < d->ntasks; from += scored) {
		scored = score(s, &sc, d, from, points);
		for (size_t i = 0; i < scored; i++) {
			const struct oom_sample_rank x = { (uint32_t)(from + i), points[i] };

			if (points[i] != OOM_NA)
				n = keep_best(ret, k, n, &x, sc.tie);
		}
	}
	if (n < k)
		make_heap(ret, n, sc.tie);
	for (size_t left = n; left > 1; left--) {
		swap(&ret[0], &ret[left - 1]);
		sift(ret, left - 1, 0, sc.tie);
	}
	for (size_t i = 0; i < n; i++)
		ret[i].task = d->task[ret[i].task];
	return n;
}

/* ---- the domain as an event ------------------------------------------------------------------------- */

/* How the kernel prints a counter without a limit: PAGE_COUNTER_MAX pages in kB. */
static int64_t printed_limit(const struct oom_sampler *s, int64_t kb)
{
	return kb == OOM_UNLIMITED ? INT64_MAX / (s->page_kb * 1024) * s->page_kb : kb;
}

static void memcg_facts(const struct oom_sampler *s, const struct oom_domain *d, struct oom_event *ev)
{
	ev->constraint = OOM_STR("CONSTRAINT_MEMCG");
	ev->oom_memcg = d->path;
	ev->memcg_version = s->cgroups.version;
	ev->memcg_limit_kb = d->limit_kb;
	ev->memcg_usage_kb = d->usage_kb;
	ev->memcg_failcnt = d->max_events;
	if (s->cgroups.version == 1) {
		ev->memsw_limit_kb = printed_limit(s, d->swap_limit_kb);
		ev->memsw_usage_kb = d->swap_usage_kb;
	} else {
		ev->memcg_swap_limit_kb = printed_limit(s, d->swap_limit_kb);
		ev->memcg_swap_usage_kb = d->swap_usage_kb;
	}
	ev->protect_min_kb = d->min_kb;
	ev->protect_low_kb = d->low_kb;
	if (d->victim >= 0)
		ev->task_memcg = s->task[d->victim].cgroup;
	if (d->group >= 0) {
		ev->oom_group = 1;
		ev->oom_group_path = s->cgroup[d->group].path;
	}
}

int oom_sampler_view(struct oom_sampler *s, const struct oom_domain *d, struct oom_event *ret)
{
	if (oom_sample_room((void **)&s->view, &s->cap_view, d->ntasks, sizeof(*s->view)) < 0)
		return -ENOMEM;
	*ret = s->event;
	ret->arena = (struct oom_arena){ 0 };
	ret->scope = d->scope;
	ret->total_pages = d->total_pages;
	ret->ntasks = 0;
	for (size_t i = 0; i < d->ntasks; i++)
		if (!s->row[d->task[i]].passed_over)
			s->view[ret->ntasks++] = s->task[d->task[i]];
	ret->task = s->view;
	ret->cap_tasks = 0;
	if (d->scope == OOM_SCOPE_MEMCG) {
		memcg_facts(s, d, ret);
	} else if (d->scope == OOM_SCOPE_CPUSET) {
		ret->constraint = OOM_STR("CONSTRAINT_CPUSET");
		ret->mems_allowed = d->path;
	} else if (d->scope == OOM_SCOPE_MEMPOLICY) {
		ret->constraint = OOM_STR("CONSTRAINT_MEMORY_POLICY");
		ret->nodemask = d->path;
	} else {
		ret->global_oom = 1;
	}
	return 0;
}

int64_t oom_sampler_group(struct oom_sampler *s, size_t i)
{
	return i < s->cgroups.n ? oom_cgroups_group(&s->cgroups, i) : OOM_NA;
}

/* ---- one process ------------------------------------------------------------------------------------ */

int oom_sampler_detail(struct oom_sampler *s, size_t task, struct oom_sample_detail *ret)
{
	char path[32], stat_text[1024];
	struct oom_str text;
	struct stat st;
	int64_t ticks, hz = sysconf(_SC_CLK_TCK);
	int dir, r;

	*ret = (struct oom_sample_detail){ .start_us = OOM_NA };
	if (task >= s->nrows)
		return -EINVAL;
	snprintf(path, sizeof(path), "%" PRId64, s->task[task].tgid);
	dir = openat(s->proc, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return -errno;
	/* the directory stands for one process; its inode, or the start of the process, says whether it is the
	 * one that was sampled */
	r = fstat(dir, &st) ? -errno : s->census || (uint64_t)st.st_ino == s->row[task].ident ? 0 : -ESRCH;
	if (r == 0)
		r = oom_proc_read(dir, "stat", stat_text, sizeof(stat_text), &text);
	if (r == 0) {
		ticks = oom_proc_start_ticks(text);
		if (s->census && hz > 0 && ticks != (int64_t)(s->row[task].ident / (1000000000 / (uint64_t)hz)))
			r = -ESRCH;
	}
	if (r == 0) {
		if (ticks >= 0 && hz > 0 && ticks < INT64_MAX / 1000000)
			ret->start_us = ticks * 1000000 / hz;
		if (oom_proc_read(dir, "cmdline", ret->cmdline, sizeof(ret->cmdline), &text) == 0)
			ret->ncmdline = text.n;
	}
	close(dir);
	return r;
}
