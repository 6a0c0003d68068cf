/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The denominator of the selection: what mm/oom_kill.c:constrained_alloc() and mem_cgroup_get_max() returned,
 * taken back from the dump.  Exact where the dump allows it, else a range that holds it.
 */
#include <oomlens/badness.h>

#include <string.h>

#include "evaluate.h"
#include "release.h"

static const struct oom_range unknown = { 1, 0 };

struct facts {
	const struct oom_event *ev;
	struct oom_release r;         /* major 0 = no release */
	int64_t page;                 /* bytes */
	struct oom_range swap;        /* total swap, pages */
	bool swap_elsewhere;          /* known from another dump of the boot */
};

static struct oom_range add(struct oom_range a, struct oom_range b)
{
	return (struct oom_range){ oom_eval_min(a.lo + b.lo, OOM_PAGES_MAX),
				   oom_eval_min(a.hi + b.hi, OOM_PAGES_MAX) };
}

static bool since(const struct facts *f, int64_t major, int64_t minor)
{
	return oom_release_since(&f->r, major, minor);
}

/* Of 2.6.x, where the third number counts. */
static bool since_2_6(const struct facts *f, int64_t patch)
{
	return f->r.major > 2 || f->r.patch >= patch;
}

static int64_t pages_of_kb(const struct facts *f, int64_t kb)
{
	if (kb < 0)
		return OOM_NA;
	return oom_eval_min(kb / (f->page / 1024), OOM_PAGES_MAX);
}

/* Unlimited prints as LLONG_MAX or ULONG_MAX bytes, or LONG_MAX pages, depending on the version: all far
 * above any RAM. */
static int64_t limit_pages(const struct facts *f, int64_t kb)
{
	if (kb == OOM_NA)
		return OOM_NA;
	return kb < 0 || kb >= (int64_t)1 << 52 ? OOM_PAGES_MAX : pages_of_kb(f, kb);
}

static void gather(struct facts *f, const struct oom_profile *p, const struct oom_event *ev)
{
	struct oom_release r;
	struct oom_str name = oom_str_from(p ? p->name : NULL);

	memset(f, 0, sizeof(*f));
	f->ev = ev;
	f->page = ev->page_size >= 1024 && ev->page_size <= 1 << 20 ? ev->page_size : 4096;
	if (ev->kernel.p && oom_release_parse(ev->kernel, &r))
		f->r = r;
	else if (name.p && oom_release_parse(name, &r))
		f->r = r;
	if (ev->swap_total_kb != OOM_NA) {
		f->swap.lo = f->swap.hi = pages_of_kb(f, ev->swap_total_kb);
	} else if (ev->has_mem_info && ev->ram_pages != OOM_NA) {
		f->swap.lo = f->swap.hi = 0;                       /* CONFIG_SWAP=n prints no swap lines */
	} else if (ev->boot_swap_total_kb != OOM_NA) {
		f->swap.lo = f->swap.hi = pages_of_kb(f, ev->boot_swap_total_kb);
		f->swap_elsewhere = true;
	} else {
		f->swap = (struct oom_range){ 0, OOM_PAGES_MAX };
	}
	if (f->swap.lo < 0)
		f->swap = (struct oom_range){ 0, OOM_PAGES_MAX };
}

/* ---- zones ----------------------------------------------------------------------------------------- */

static bool node_listed(struct oom_str list, int64_t node)
{
	int64_t from, to;

	while (oom_take_i64(&list, &from)) {
		to = from;
		if (oom_take_char(&list, '-') && !oom_take_i64(&list, &to))
			return false;
		if (node >= from && node <= to)
			return true;
		if (!oom_take_char(&list, ','))
			return false;
	}
	return false;
}

/* Sum of a zone field over all zones, or over those of the listed nodes; OOM_NA if no zone carried it. */
static int64_t zone_sum(const struct facts *f, const char *name, const struct oom_str *nodes)
{
	int64_t kb = OOM_NA;

	for (size_t i = 0; i < f->ev->nmemory; i++) {
		const struct oom_memory *m = &f->ev->memory[i];

		if (m->area != OOM_AREA_ZONE || m->value < 0 || !oom_str_is(m->name, name))
			continue;
		if (nodes && !node_listed(*nodes, m->node == OOM_NA ? 0 : m->node))
			continue;
		if (m->value > OOM_PAGES_MAX || (kb != OOM_NA && kb > OOM_PAGES_MAX * 1024))
			return OOM_NA;
		kb = (kb == OOM_NA ? 0 : kb) + m->value;
	}
	return kb == OOM_NA ? OOM_NA : pages_of_kb(f, kb);
}

/* ---- no constraint: all RAM and swap --------------------------------------------------------------- */

static struct oom_range around(int64_t pages)
{
	return (struct oom_range){ pages - pages / 200, pages + pages / 200 };
}

static struct oom_range ram(const struct facts *f, const char **how)
{
	const struct oom_event *ev = f->ev;
	int64_t present = zone_sum(f, "present", NULL), managed = zone_sum(f, "managed", NULL), v;
	bool rhel7 = f->r.vendor == OOM_VENDOR_RHEL && f->r.el == 7;

	if (!oom_eval_pages_ok(ev->ram_pages) || ev->reserved_pages == OOM_NA)
		return unknown;
	v = (int64_t)((uint64_t)ev->ram_pages - (uint64_t)ev->reserved_pages);
	if (!rhel7 && since(f, 3, 19) && !since(f, 4, 2) && ev->cma_reserved_pages > 0) {
		/* 3.19-4.1 print reserved less the CMA pages, and may wrap below zero doing so */
		v = (int64_t)((uint64_t)v - (uint64_t)ev->cma_reserved_pages);
		*how = "pages RAM - reserved - cma reserved";
		return v > 0 && v <= ev->ram_pages ? (struct oom_range){ v, v } : unknown;
	}
	if (!rhel7 && since(f, 3, 13) && !since(f, 3, 18)) {
		/* `reserved` holds the last zone only; the zones' own managed counters add up if all of them
		 * are shown */
		if (managed != OOM_NA && present == ev->ram_pages) {
			*how = "the managed pages of all zones";
			return (struct oom_range){ managed, managed };
		}
		/* what the other zones reserve is a few percent, never half */
		*how = "at most pages RAM - reserved (3.13-3.17 count only one zone's reserve)";
		return (struct oom_range){ managed != OOM_NA && managed > 0 ? managed : v / 2, v };
	}
	if (v <= 0 || v > ev->ram_pages)
		return unknown;
	if (rhel7 || since(f, 3, 18)) {
		*how = "pages RAM - reserved";
		return (struct oom_range){ v, v };
	}
	/* until 3.12 PageReserved was counted page by page, which misses balloons and init memory */
	if (managed != OOM_NA && present == ev->ram_pages) {
		*how = "the managed pages of all zones, within 0.5 %";
		return around(managed);
	}
	*how = "pages RAM - reserved, within 0.5 %";
	return around(v);
}

struct oom_range oom_managed_pages(const struct oom_event *ev)
{
	const struct oom_profile *p[4];
	const char *how = "";
	struct facts f;

	/* an unknown release counts as a new one, as everywhere: its dump tells the exact number */
	gather(&f, oom_profile_for(ev, p, &how) ? p[0] : NULL, ev);
	return ram(&f, &how);
}

static struct oom_range of_machine(const struct facts *f, struct oom_arena *a, struct oom_str *how)
{
	const char *words = "";
	struct oom_range r = ram(f, &words);

	if (r.lo > r.hi)
		return unknown;
	*how = oom_arena_fmt(a, "%s + total swap", words);
	return add(r, f->swap);
}

/* ---- cpuset and memory policy ---------------------------------------------------------------------- */

static struct oom_range of_nodes(const struct facts *f, struct oom_str nodes, struct oom_arena *a,
				 struct oom_str *how)
{
	int64_t present = nodes.p ? zone_sum(f, "present", &nodes) : OOM_NA;
	const int64_t movable = 0xa; /* __GFP_HIGHMEM | __GFP_MOVABLE, the same bits in every version */
	struct oom_range r;

	if (present == OOM_NA)
		return unknown;
	r.lo = r.hi = present;
	if (!since(f, 5, 4)) {
		/* node_spanned_pages: holes count and are not in the text; node addresses rarely span more
		 * than twice */
		*how = oom_arena_fmt(a,
				     "at least the present pages of nodes %.*s + total swap (this kernel "
				     "counts holes too)",
				     (int)nodes.n, nodes.p);
		r.hi = OOM_PAGES_MAX;
	} else {
		*how = oom_arena_fmt(a, "the present pages of nodes %.*s + total swap", (int)nodes.n,
				     nodes.p);
		/* 6.1+ hides the zones above the one that the request could use */
		if (since(f, 6, 1) && (f->ev->gfp_mask == OOM_NA || (f->ev->gfp_mask & movable) != movable))
			r.hi = oom_eval_pages_ok(f->ev->ram_pages) && f->ev->ram_pages > present
				       ? f->ev->ram_pages
				       : present;
	}
	return add(r, f->swap);
}

/* ---- memory cgroups -------------------------------------------------------------------------------- */

/*
 * memory.max plus what swap may add, by version.  Swappiness is never printed, and with swappiness 0 swap
 * adds nothing (3.7 on), so the lower end is the bare limit whenever swap exists.
 */
static struct oom_range of_memcg(const struct facts *f, struct oom_arena *a, struct oom_str *how)
{
	int64_t limit = limit_pages(f, f->ev->memcg_limit_kb);
	int64_t memsw = limit_pages(f, f->ev->memsw_limit_kb);
	int64_t swap_max = limit_pages(f, f->ev->memcg_swap_limit_kb);
	struct oom_range r, swap = f->swap;

	if (limit == OOM_NA)
		return unknown;
	if (swap_max != OOM_NA) {
		swap.lo = oom_eval_min(swap.lo, swap_max);
		swap.hi = oom_eval_min(swap.hi, swap_max);
	} else if (since(f, 4, 5) && memsw == OOM_NA) {
		swap.lo = 0;                          /* v2: swap.max exists but was not printed before 5.3 */
	}
	/* until 2.6.37 the limit, in bytes, and swap, in pages, were added as they are */
	if (f->r.major == 2 && !f->r.el && !since_2_6(f, 38)) {
		swap.lo /= f->page;
		swap.hi = (swap.hi + f->page - 1) / f->page;
	}
	r = add((struct oom_range){ limit, limit }, swap);
	if (memsw != OOM_NA) {
		r.lo = oom_eval_min(r.lo, memsw > limit ? memsw : limit);
		r.hi = oom_eval_min(r.hi, memsw > limit ? memsw : limit);
	}
	if (since(f, 3, 4) || f->r.major == 0 || f->r.el == 6)
		r.lo = limit;                         /* swappiness may be 0 */
	if (r.lo == r.hi)
		*how = oom_arena_fmt(a, "the memory limit of the cgroup%s",
				     r.hi > limit ? " and its swap" : "");
	else
		*how = oom_arena_fmt(
			a, "the memory limit of the cgroup, plus its swap unless swappiness is 0%s%s",
			f->swap_elsewhere ? " (total swap from another dump of this boot)" : "",
			f->swap.hi == OOM_PAGES_MAX && swap_max == OOM_NA && memsw == OOM_NA
				? " (the machine's total swap is not in the log)"
				: "");
	return r;
}

/* ---- which of them --------------------------------------------------------------------------------- */

struct oom_range oom_totalpages(const struct oom_profile *p, const struct oom_event *ev, struct oom_arena *a,
				struct oom_str *how)
{
	struct oom_range r = unknown;
	struct facts f;

	gather(&f, p, ev);
	*how = OOM_STR("nothing in the log tells");
	if (ev->total_pages != OOM_NA && ev->total_pages > 0) {
		*how = OOM_STR("recorded from the kernel itself");
		r.lo = r.hi = oom_eval_min(ev->total_pages, OOM_PAGES_MAX);
		return r;
	}
	switch (ev->scope) {
	case OOM_SCOPE_MEMCG:
		return of_memcg(&f, a, how);
	case OOM_SCOPE_CPUSET:
		return of_nodes(&f, ev->mems_allowed, a, how);
	case OOM_SCOPE_MEMPOLICY:
		return of_nodes(&f, ev->nodemask, a, how);
	default:
		return of_machine(&f, a, how);
	}
}
