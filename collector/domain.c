/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The domains of a sample: what can run out of memory by itself, with the kernel's totalpages for it and whom
 * it would choose.  A domain's candidates are a stretch of one shared order, never a copy.
 */
#include "sample_impl.h"

#include <errno.h>
#include <string.h>

static struct oom_domain *add_domain(struct oom_sampler *s, int64_t scope)
{
	struct oom_domain *d;

	if (oom_sample_room((void **)&s->domain, &s->cap_domains, s->ndomains + 1, sizeof(*s->domain)) < 0)
		return NULL;
	d = &s->domain[s->ndomains++];
	*d = (struct oom_domain){
		.scope = scope, .cgroup = -1, .parent = -1, .total_pages = OOM_NA,
		.limit_kb = OOM_NA, .usage_kb = OOM_NA, .headroom_kb = OOM_NA,
		.swap_limit_kb = OOM_NA, .swap_usage_kb = OOM_NA, .reclaimable_kb = OOM_NA, .room_kb = OOM_NA,
		.prev_usage_kb = OOM_NA, .min_kb = OOM_NA, .low_kb = OOM_NA, .oom_group = OOM_NA,
		.kill_disabled = OOM_NA, .under_oom = OOM_NA, .max_events = OOM_NA, .oom_events = OOM_NA,
		.oom_kills = OOM_NA, .swappiness = OOM_NA, .victim = -1, .runner_up = -1, .points = OOM_NA,
		.margin_pages = OOM_NA, .group = -1,
	};
	return d;
}

static int64_t less(int64_t a, int64_t b)
{
	return a == OOM_NA || b == OOM_NA ? OOM_NA : a - b;
}

static int64_t smaller(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t zero_if_unknown(int64_t v)
{
	return v == OOM_NA ? 0 : v;
}

/* ---- the machine ------------------------------------------------------------------------------------ */

static int add_global(struct oom_sampler *s)
{
	struct oom_domain *d = add_domain(s, OOM_SCOPE_GLOBAL);
	const struct oom_proc_meminfo *m = &s->mem;
	struct oom_str text;

	if (!d)
		return -ENOMEM;
	d->total_pages = s->event.total_pages;
	d->limit_kb = m->total_kb;
	d->headroom_kb = m->available_kb == OOM_NA ? m->free_kb : m->available_kb;
	d->usage_kb = less(m->total_kb, d->headroom_kb);
	d->swap_limit_kb = m->swap_total_kb;
	d->swap_usage_kb = less(m->swap_total_kb, m->swap_free_kb);
	d->room_kb = d->headroom_kb == OOM_NA ? OOM_NA : d->headroom_kb + zero_if_unknown(m->swap_free_kb);
	d->swappiness = s->swappiness;
	/* 4.13+; kills in cgroups are in it */
	if (s->opts.want & OOM_SAMPLE_COUNTERS &&
	    oom_proc_read(s->proc, "vmstat", s->text, sizeof(s->text), &text) == 0)
		d->oom_kills = oom_proc_keyed(text, "oom_kill");
	d->task = s->all;
	d->ntasks = s->nrows;
	return 0;
}

/* ---- memory cgroups --------------------------------------------------------------------------------- */

/*
 * mem_cgroup_get_max(): the limit, and what swap may add to it unless swappiness is 0 (3.7+): up to swap.max
 * on v2, up to what the memory+swap limit leaves on v1.  v2 takes vm.swappiness, v1 its own.  Without swap
 * accounting the limits of swap count as unset.
 */
static int64_t memcg_total(const struct oom_sampler *s, const struct oom_cgroup_memory *m)
{
	int64_t swappiness = m->swappiness == OOM_NA ? s->swappiness : m->swappiness;
	int64_t limit = m->limit_kb / s->page_kb, swap, extra = OOM_UNLIMITED;

	if (swappiness == 0 || s->mem.swap_total_kb == 0)
		return limit > 0 ? limit : 1;
	if (s->mem.swap_total_kb == OOM_NA)
		return OOM_NA;
	swap = s->mem.swap_total_kb / s->page_kb;
	if (m->swap_limit_kb != OOM_NA && m->swap_limit_kb != OOM_UNLIMITED)
		extra = m->swap_limit_kb / s->page_kb - (s->cgroups.version == 1 ? limit : 0);
	limit += smaller(extra > 0 ? extra : 0, swap);
	return limit > 0 ? limit : 1;
}

/* What can still be charged: an estimate for people, from below where a counter is not known. */
static int64_t memcg_room(const struct oom_sampler *s, const struct oom_domain *d)
{
	int64_t own, swap = zero_if_unknown(s->mem.swap_free_kb), left;

	if (d->headroom_kb == OOM_NA)
		return OOM_NA;
	own = d->headroom_kb + smaller(zero_if_unknown(d->reclaimable_kb), d->usage_kb);
	if (d->swappiness == 0)
		swap = 0;
	left = d->swap_limit_kb == OOM_NA || d->swap_limit_kb == OOM_UNLIMITED ? OOM_UNLIMITED :
	       less(d->swap_limit_kb, d->swap_usage_kb);
	if (left == OOM_NA)
		return own;
	if (s->cgroups.version == 2)
		return own + smaller(swap, left > 0 ? left : 0);
	/* v1 counts both together: swapping does not lower it, dropping cache does */
	own += swap;
	return left == OOM_UNLIMITED ? own : smaller(own, left + zero_if_unknown(d->reclaimable_kb));
}

static void fill_memcg(const struct oom_sampler *s, const struct oom_cgroup *n, struct oom_domain *d)
{
	const struct oom_cgroup_memory *m = &n->memory;

	d->path = n->pub.path;
	d->total_pages = memcg_total(s, m);
	d->limit_kb = m->limit_kb;
	d->usage_kb = m->usage_kb;
	d->headroom_kb = less(m->limit_kb, m->usage_kb);
	if (d->headroom_kb != OOM_NA && d->headroom_kb < 0)
		d->headroom_kb = 0;
	d->swap_limit_kb = m->swap_limit_kb;
	d->swap_usage_kb = m->swap_usage_kb;
	d->reclaimable_kb = m->reclaimable_kb;
	d->swappiness = m->swappiness == OOM_NA ? s->swappiness : m->swappiness;
	d->min_kb = m->min_kb;
	d->low_kb = m->low_kb;
	d->oom_group = m->oom_group;
	d->kill_disabled = m->kill_disabled;
	d->under_oom = m->under_oom;
	d->max_events = m->max_events;
	d->oom_events = m->oom_events;
	d->oom_kills = m->oom_kills;
	d->room_kb = memcg_room(s, d);
	/* v1 without use_hierarchy (up to 5.10) neither charges nor searches the groups below */
	d->task = s->by_cgroup + n->pub.first;
	d->ntasks = m->use_hierarchy == 0 ? n->pub.ntasks : n->pub.ntasks_below;
}

/* Parents stand before their children, so an ancestor's domain is known by then. */
static int32_t domain_above(const struct oom_sampler *s, const struct oom_cgroup *n)
{
	for (int32_t up = n->pub.parent; up >= 0; up = s->cgroups.node[up].pub.parent)
		if (s->cgroups.node[up].pub.domain >= 0)
			return s->cgroups.node[up].pub.domain;
	return 0;
}

static int add_memcgs(struct oom_sampler *s)
{
	for (size_t i = 0; i < s->cgroups.n; i++) {
		struct oom_cgroup *n = &s->cgroups.node[i];
		struct oom_domain *d;
		int64_t above;

		if (!oom_cgroup_limited(&n->memory))
			continue;
		d = add_domain(s, OOM_SCOPE_MEMCG);
		if (!d)
			return -ENOMEM;
		n->pub.domain = (int32_t)s->ndomains - 1;
		d->cgroup = (int32_t)i;
		d->parent = domain_above(s, n);
		fill_memcg(s, n, d);
		above = s->domain[d->parent].room_kb;
		if (d->room_kb != OOM_NA && above != OOM_NA)
			d->room_kb = smaller(d->room_kb, above);
	}
	for (size_t i = 0; i < s->cgroups.n; i++)
		s->cgroup[i] = s->cgroups.node[i].pub;
	return 0;
}

/* mem_cgroup_get_oom_group(): the highest cgroup between the victim's and the domain's that is to be
 * killed as one. */
static int32_t group_of(struct oom_sampler *s, const struct oom_domain *d)
{
	int32_t group = -1, at = d->victim < 0 ? -1 : s->row[d->victim].cgroup;

	for (; at >= 0; at = s->cgroups.node[at].pub.parent) {
		if (oom_cgroups_group(&s->cgroups, (size_t)at) == 1)
			group = at;
		if (at == d->cgroup)
			break;
	}
	return group;
}

/* ---- nodes ------------------------------------------------------------------------------------------ */

/* oom_cpuset_eligible(): under a policy those whose own bind policy meets it, else those whose cpuset
 * does. */
static bool node_candidate(const struct oom_sampler *s, const struct oom_sample_row *row,
			   const struct oom_node_set *set, int64_t scope)
{
	int32_t own = scope == OOM_SCOPE_MEMPOLICY ? row->bind : row->mems;

	return own < 0 || oom_nodes_meet(&s->nodes->set[own], set);
}

static int add_node_domain(struct oom_sampler *s, const struct oom_node_set *set, int64_t scope)
{
	struct oom_node sum = oom_nodes_sum(s->nodes, set);
	struct oom_domain *d = add_domain(s, scope);
	size_t first = s->nnode_tasks;

	if (!d || oom_sample_room((void **)&s->node_tasks, &s->cap_node_tasks, first + s->nrows,
				  sizeof(*s->node_tasks)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < s->nrows; i++)
		if (node_candidate(s, &s->row[i], set, scope))
			s->node_tasks[s->nnode_tasks++] = (uint32_t)i;
	d->path = oom_str_from(set->text);
	d->parent = 0;
	d->ntasks = s->nnode_tasks - first;
	/* constrained_alloc(): node_present_pages of the nodes, and all swap (5.4+; spanned pages before) */
	if (s->mem.swap_total_kb != OOM_NA)
		d->total_pages = sum.present + s->mem.swap_total_kb / s->page_kb;
	d->limit_kb = sum.managed * s->page_kb;
	d->headroom_kb = sum.free * s->page_kb;
	d->usage_kb = d->limit_kb > d->headroom_kb ? d->limit_kb - d->headroom_kb : 0;
	d->reclaimable_kb = sum.file * s->page_kb;
	d->swap_limit_kb = s->mem.swap_total_kb;
	d->swap_usage_kb = less(s->mem.swap_total_kb, s->mem.swap_free_kb);
	d->room_kb = d->headroom_kb + d->reclaimable_kb + zero_if_unknown(s->mem.swap_free_kb);
	d->swappiness = s->swappiness;
	return 0;
}

static bool used_by_somebody(const struct oom_sampler *s, int32_t set, int64_t scope)
{
	for (size_t i = 0; i < s->nrows; i++)
		if ((scope == OOM_SCOPE_MEMPOLICY ? s->row[i].bind : s->row[i].mems) == set)
			return true;
	return false;
}

static int add_nodes(struct oom_sampler *s)
{
	static const int64_t scopes[] = { OOM_SCOPE_CPUSET, OOM_SCOPE_MEMPOLICY };
	const uint32_t *at;
	int r = 0;

	s->nnode_tasks = 0;
	if (!s->nodes || s->nodes->with_memory < 2)
		return 0;
	for (size_t k = 0; k < OOM_ARRAY_SIZE(scopes) && r == 0; k++)
		for (size_t i = 0; i < s->nodes->nsets && r == 0; i++)
			if (!oom_nodes_all(s->nodes, &s->nodes->set[i]) &&
			    used_by_somebody(s, (int32_t)i, scopes[k]))
				r = add_node_domain(s, &s->nodes->set[i], scopes[k]);
	/* the order may have moved while it grew */
	at = s->node_tasks;
	for (size_t i = 0; i < s->ndomains; i++) {
		if (s->domain[i].scope != OOM_SCOPE_CPUSET && s->domain[i].scope != OOM_SCOPE_MEMPOLICY)
			continue;
		s->domain[i].task = at;
		at += s->domain[i].ntasks;
	}
	return r;
}

/* ---- growth ----------------------------------------------------------------------------------------- */

static uint64_t domain_id(const struct oom_sampler *s, const struct oom_domain *d)
{
	return d->cgroup < 0 ? 0 : s->cgroups.node[d->cgroup].pub.id;
}

#define NEARBY 64

/* Domains keep their order but for those that come and go, so the old place is near the new one. */
static void recall(struct oom_sampler *s)
{
	size_t hint = 0;

	for (size_t i = 0; i < s->ndomains && s->domain[i].scope <= OOM_SCOPE_MEMCG; i++) {
		uint64_t id = domain_id(s, &s->domain[i]);

		for (size_t j = hint; j < s->nbefore && j < hint + NEARBY; j++) {
			if (s->before[j].id != id)
				continue;
			s->domain[i].prev_usage_kb = s->before[j].usage_kb;
			hint = j + 1;
			break;
		}
	}
}

static int remember(struct oom_sampler *s)
{
	s->nbefore = 0;
	if (oom_sample_room((void **)&s->before, &s->cap_before, s->ndomains, sizeof(*s->before)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < s->ndomains && s->domain[i].scope <= OOM_SCOPE_MEMCG; i++)
		s->before[s->nbefore++] = (struct domain_memory){
			.id = domain_id(s, &s->domain[i]), .usage_kb = s->domain[i].usage_kb,
		};
	return 0;
}

/* ---- all of them ------------------------------------------------------------------------------------ */

int oom_sample_domains(struct oom_sampler *s)
{
	int r = add_global(s);

	if (r == 0)
		r = add_memcgs(s);
	if (r == 0)
		r = add_nodes(s);
	if (r < 0)
		return r;
	for (size_t i = 0; i < s->ndomains; i++) {
		oom_scorer_choose(s, &s->domain[i]);
		s->domain[i].group = group_of(s, &s->domain[i]);
	}
	recall(s);
	return remember(s);
}

/* ---- which first ------------------------------------------------------------------------------------ */

static double passes_left(const struct oom_domain *d)
{
	if (d->room_kb == OOM_NA || d->usage_kb == OOM_NA || d->prev_usage_kb == OOM_NA ||
	    d->usage_kb <= d->prev_usage_kb)
		return -1;
	return (double)d->room_kb / (double)(d->usage_kb - d->prev_usage_kb);
}

static double share_left(const struct oom_domain *d)
{
	if (d->room_kb == OOM_NA || d->limit_kb <= 0)
		return 2;
	return (double)d->room_kb / (double)d->limit_kb;
}

int oom_domain_compare(const struct oom_domain *a, const struct oom_domain *b)
{
	double x = passes_left(a), y = passes_left(b);

	if ((x >= 0) != (y >= 0))
		return x >= 0 ? -1 : 1;
	if (x < 0) {
		x = share_left(a);
		y = share_left(b);
	}
	return (x > y) - (x < y);
}
