/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/badness.h>

#include <string.h>

#include <oomlens/fact.h>

#include "evaluate.h"

#define PAGES  (OOM_PROFILE_PTES)
#define THREAD (OOM_PROFILE_PTES | OOM_PROFILE_MEMCG_THREADS)

/*
 * Every rule set from the rewrite of 2.6.36 on, oldest first.  The thread-group rows of the dump stand for
 * all threads of a group (they share the mm and so the score).  Up to 3.5 a memcg kill walks the global list
 * and the table is its order; from 3.6 to 5.2 it walks the css sets, an order that the text does not show.
 */
const struct oom_profile oom_profiles[] = {
	{ "2.6.36", "2.6.36", "2.6.38", OOM_PROFILE_PER_MILLE | OOM_PROFILE_CHILD,
	  OOM_ROOT_MINUS_30, OOM_TIE_FIRST, OOM_TIE_FIRST, 1, 1000,
	  "(rss + swap) * 1000 / totalpages, root -30, + oom_score_adj, within 1..1000",
	  "a63d83f427fb oom: badness heuristic rewrite" },
	{ "2.6.39", "2.6.39", "3.1",
	  OOM_PROFILE_PER_MILLE | OOM_PROFILE_INT_OVERFLOW | OOM_PROFILE_PTES | OOM_PROFILE_CHILD,
	  OOM_ROOT_MINUS_30, OOM_TIE_FIRST, OOM_TIE_FIRST, 1, 1000,
	  "(int)(rss + page tables + swap) * 1000 / totalpages, root -30, + oom_score_adj, within 1..1000",
	  "f755a042d82b oom: use pte pages in OOM score" },
	{ "3.2", "3.2", "3.4", OOM_PROFILE_PER_MILLE | OOM_PROFILE_PTES | OOM_PROFILE_CHILD,
	  OOM_ROOT_MINUS_30, OOM_TIE_FIRST, OOM_TIE_FIRST, 1, 1000,
	  "(rss + page tables + swap) * 1000 / totalpages, root -30, + oom_score_adj, within 1..1000",
	  "56c6a8a4aadc oom: fix integer overflow of points in oom_badness" },
	{ "3.2.71", "3.2.71", "3.2.y", OOM_PROFILE_PER_MILLE | OOM_PROFILE_PTES | OOM_PROFILE_CHILD,
	  OOM_ROOT_MINUS_3_PERCENT, OOM_TIE_FIRST, OOM_TIE_FIRST, 1, 1000,
	  "(rss + page tables + swap) * 1000 / totalpages, root -3 % of it, + oom_score_adj, within 1..1000",
	  "stable backport of 778c14affaf9 to 3.2.y" },
	{ "3.5", "3.5", "3.13", THREAD | OOM_PROFILE_CHILD,
	  OOM_ROOT_ADJ_MINUS_30, OOM_TIE_FIRST, OOM_TIE_FIRST, 1, OOM_NA,
	  "rss + page tables + swap + (oom_score_adj, root -30) * (totalpages / 1000), at least 1",
	  "mm, oom: normalize oom scores to oom_score_adj scale only for userspace" },
	{ "3.10.105", "3.10.y, 3.13.10", "3.13.y, RHEL 7", THREAD | OOM_PROFILE_CHILD,
	  OOM_ROOT_MINUS_3_PERCENT, OOM_TIE_FIRST, OOM_TIE_FIRST, 1, OOM_NA,
	  "rss + page tables + swap, root -3 % of that, + oom_score_adj * (totalpages / 1000), at least 1",
	  "stable backport of 778c14affaf9" },
	{ "3.14", "3.14", "4.6", THREAD | OOM_PROFILE_CHILD,
	  OOM_ROOT_MINUS_3_PERCENT, OOM_TIE_FIRST_LEADER, OOM_TIE_FIRST_LEADER, 1, OOM_NA,
	  "rss + page tables + swap, root -3 % of that, + oom_score_adj * (totalpages / 1000), at least 1",
	  "778c14affaf9 mm, oom: base root bonus on current usage" },
	{ "4.7", "4.7", "4.8", THREAD | OOM_PROFILE_CHILD,
	  OOM_ROOT_MINUS_3_PERCENT, OOM_TIE_LAST, OOM_TIE_FIRST_LEADER, 1, OOM_NA,
	  "rss + page tables + swap, root -3 % of that, + oom_score_adj * (totalpages / 1000), at least 1",
	  "4.7: the global scan goes by process, the last of equals wins" },
	{ "4.9", "4.9", "4.16", THREAD | OOM_PROFILE_CHILD,
	  OOM_ROOT_MINUS_3_PERCENT, OOM_TIE_FIRST, OOM_TIE_FIRST_LEADER, 1, OOM_NA,
	  "rss + page tables + swap, root -3 % of that, + oom_score_adj * (totalpages / 1000), at least 1",
	  "4.9: one scan for both domains, the first group leader of equals wins" },
	{ "4.17", "4.17", "5.0", THREAD | OOM_PROFILE_CHILD,
	  OOM_ROOT_NONE, OOM_TIE_FIRST, OOM_TIE_FIRST_LEADER, 1, OOM_NA,
	  "rss + page tables + swap + oom_score_adj * (totalpages / 1000), at least 1",
	  "4.17: no bonus for root" },
	{ "5.1", "5.1", "5.2", THREAD,
	  OOM_ROOT_NONE, OOM_TIE_FIRST, OOM_TIE_FIRST_LEADER, 1, OOM_NA,
	  "rss + page tables + swap + oom_score_adj * (totalpages / 1000), at least 1",
	  "mm, oom: remove 'prefer children over parent' heuristic" },
	{ "5.3", "5.3", "5.8", PAGES,
	  OOM_ROOT_NONE, OOM_TIE_LAST, OOM_TIE_LAST, 1, OOM_NA,
	  "rss + page tables + swap + oom_score_adj * (totalpages / 1000), at least 1",
	  "5.3: only processes are scanned, the last of equals wins" },
	{ "5.9", "5.9", "6.19", PAGES | OOM_PROFILE_SIGNED,
	  OOM_ROOT_NONE, OOM_TIE_LAST, OOM_TIE_LAST, OOM_NA, OOM_NA,
	  "rss + page tables + swap + oom_score_adj * (totalpages / 1000), may be negative",
	  "mm, oom: make the calculation of oom badness more accurate" },
	{ "7.0", "7.0", "7.1", PAGES | OOM_PROFILE_SIGNED | OOM_PROFILE_EXACT_SUMS,
	  OOM_ROOT_NONE, OOM_TIE_LAST, OOM_TIE_LAST, OOM_NA, OOM_NA,
	  "rss + page tables + swap + oom_score_adj * (totalpages / 1000), may be negative, exact sums",
	  "7.0: rss and swap entries are summed over the CPUs" },
};
const size_t oom_profile_count = OOM_ARRAY_SIZE(oom_profiles);

const char *const oom_why_not_names[] = {
	[OOM_WHY_ELIGIBLE]       = "eligible",
	[OOM_WHY_ADJ_MIN]        = "oom_score_adj_min",
	[OOM_WHY_ALREADY_VICTIM] = "already_victim",
	[OOM_WHY_GLOBAL_INIT]    = "global_init",
	[OOM_WHY_ADJ_UNKNOWN]    = "adj_unknown",
	[OOM_WHY_DAMAGED_ROW]    = "damaged_row",
	[OOM_WHY_OTHER_NODES]    = "other_nodes",
	[OOM_WHY_NO_MM]          = "no_mm",
	[OOM_WHY_MM_SKIPPED]     = "mm_skipped",
	[OOM_WHY_VFORK_CHILD]    = "vfork_child",
	[OOM_WHY_REFUSED]        = "refused",
	[OOM_WHY_NOT_SCANNED]    = "not_scanned",
	NULL,
};

const struct oom_profile *oom_profile_named(const char *name)
{
	for (size_t i = 0; i < oom_profile_count; i++)
		if (!strcmp(oom_profiles[i].name, name))
			return &oom_profiles[i];
	return NULL;
}

/* ---- what holds for the whole event ---------------------------------------------------------------- */

static int64_t swap_in_use(const struct oom_event *ev, int64_t page)
{
	if (ev->swap_total_kb == OOM_NA) {
		/* Mem-Info without swap lines: a kernel built without swap */
		if (ev->has_mem_info && ev->boot_swap_total_kb == OOM_NA && ev->ram_pages != OOM_NA)
			return 0;
		if (ev->boot_swap_total_kb < 0)
			return OOM_PAGES_MAX;
		return oom_eval_min(ev->boot_swap_total_kb / (page / 1024), OOM_PAGES_MAX);
	}
	if (ev->swap_total_kb <= 0)
		return 0;
	/* slots may be freed between the selection and the dump, so free swap that is larger than total
	 * cannot bound */
	if (ev->swap_free_kb < 0 || ev->swap_free_kb > ev->swap_total_kb)
		return oom_eval_min(ev->swap_total_kb / (page / 1024), OOM_PAGES_MAX);
	return oom_eval_min((ev->swap_total_kb - ev->swap_free_kb) / (page / 1024), OOM_PAGES_MAX);
}

static int64_t pagetables_of_machine(const struct oom_event *ev)
{
	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];

		if (m->area == OOM_AREA_GLOBAL && oom_str_is(m->name, "pagetables") &&
		    m->unit == OOM_UNIT_PAGES && oom_eval_pages_ok(m->value))
			return m->value;
	}
	return OOM_PAGES_MAX;
}

/* Nothing was lost, as far as anybody knows, and whom the kernel took is among those that it looked at. */
static bool ballot_is_whole(const struct oom_event *ev)
{
	const struct oom_task *t = ev->chosen_pid == OOM_NA ? NULL : oom_event_task(ev, ev->chosen_pid);

	return ev->ballot_lost <= 0 && (!t || t->kernel_flags != OOM_NA);       /* OOM_NA is below 0 */
}

void oom_eval_init(struct oom_eval *e, const struct oom_profile *p, const struct oom_event *ev)
{
	bool known = ev->page_size >= 1024 && ev->page_size <= 1 << 20;

	memset(e, 0, sizeof(*e));
	e->p = p;
	e->page_lo = known ? ev->page_size : 4096;
	e->page_hi = known ? ev->page_size : 65536;
	e->page_shift = -1;
	if (known && !(ev->page_size & (ev->page_size - 1)))
		e->page_shift = __builtin_ctzll((uint64_t)ev->page_size);
	e->swap_cap = swap_in_use(ev, e->page_lo);
	e->pt_cap = p->flags & OOM_PROFILE_PTES ? pagetables_of_machine(ev) : 0;
	e->ballot = ev->ballot;
	e->sysrq = ev->sysrq == 1;
	e->whole = ev->ballot == OOM_BALLOT_RECORDED && ballot_is_whole(ev);
}

void oom_eval_total(struct oom_eval *e, struct oom_range total)
{
	e->total.lo = total.lo > 0 ? oom_eval_min(total.lo, OOM_PAGES_MAX) : 1;      /* 0 is guarded to 1 */
	e->total.hi = total.hi > 0 ? oom_eval_min(total.hi, OOM_PAGES_MAX) : 1;
	e->k = e->total.lo / 1000;
}

/* ---- per mille, 2.6.36-3.4 ------------------------------------------------------------------------- */

static int64_t clamp_old(const struct oom_profile *p, int64_t points)
{
	if (points <= 0)
		return p->floor;
	return points > p->ceiling ? p->ceiling : points;
}

int64_t oom_eval_per_mille(unsigned flags, int64_t usage, int64_t total)
{
	if (flags & OOM_PROFILE_INT_OVERFLOW) {
		/* int points: the product wraps, is sign-extended to unsigned long by the division, and cut
		 * to int again */
		int32_t points = (int32_t)(uint32_t)((uint64_t)usage * 1000);

		return (int32_t)((uint64_t)(int64_t)points / (uint64_t)total);
	}
	return (int32_t)((uint64_t)usage * 1000 / (uint64_t)total);
}

static int64_t old_points(const struct oom_profile *p, int64_t usage, int64_t total, int64_t adj, bool root,
			  int64_t *bonus)
{
	int64_t points = oom_eval_per_mille(p->flags, usage, total);

	*bonus = p->root == OOM_ROOT_MINUS_3_PERCENT ? -(points * 3 / 100) : -30;
	if (root)
		points += *bonus;
	return clamp_old(p, points + adj);
}

void oom_eval_old(const struct oom_eval *e, const struct oom_task *t, struct oom_terms *out)
{
	const struct oom_profile *p = e->p;
	int64_t lo = t->rss_pages + out->swap_lo + out->pt_lo;
	int64_t hi = t->rss_pages + out->swap_hi + out->pt_hi;
	int64_t total = e->total.lo + (e->total.hi - e->total.lo) / 2;
	bool maybe_root = t->uid == 0 || (t->uid == OOM_NA && !e->trust_root);
	int64_t bonus;

	out->nominal = old_points(p, lo + (hi - lo) / 2, total, t->oom_score_adj, t->uid == 0, &out->root);
	if (!maybe_root)
		out->root = 0;
	out->adj_pages = t->oom_score_adj;
	out->lo = old_points(p, lo, e->total.hi, t->oom_score_adj, maybe_root, &bonus);
	out->hi = old_points(p, hi, e->total.lo, t->oom_score_adj, maybe_root && e->trust_root, &bonus);
	/* past the int32 product or quotient the score is no longer monotonic: anything is possible */
	if ((lo != hi || e->total.lo != e->total.hi) &&
	    (p->flags & OOM_PROFILE_INT_OVERFLOW ? hi > INT32_MAX / 1000 : hi > INT32_MAX / 1000 * e->total.lo)) {
		out->lo = p->floor;
		out->hi = p->ceiling;
	}
}

/* ---- ballots --------------------------------------------------------------------------------------- */

/* What speaks against a row, in the order in which oom_evaluate_task() and oom_badness() ask. */
static int flags_say(const struct oom_eval *e, const struct oom_task *t)
{
	int64_t flags = t->kernel_flags;
	bool victim = flags & OOM_FACT_OOM_VICTIM;

	if (t->tgid == 1)
		return OOM_WHY_GLOBAL_INIT;
	if (flags & OOM_FACT_PASSED_OVER)
		return victim ? OOM_WHY_ALREADY_VICTIM : OOM_WHY_OTHER_NODES;
	/* a victim that has yet to free its memory ends the scan; that this one did not end there means that it
	 * was done with */
	if (victim && (!e->sysrq || flags & OOM_FACT_OOM_SKIP))
		return OOM_WHY_ALREADY_VICTIM;
	if (flags & OOM_FACT_NO_MM)
		return OOM_WHY_NO_MM;
	if (t->oom_score_adj == -1000)
		return OOM_WHY_ADJ_MIN;
	if (flags & OOM_FACT_OOM_SKIP)
		return OOM_WHY_MM_SKIPPED;
	if (flags & OOM_FACT_VFORK)
		return OOM_WHY_VFORK_CHILD;
	return flags & OOM_FACT_INELIGIBLE ? OOM_WHY_REFUSED : OOM_WHY_ELIGIBLE;
}

static int kernel_says(const struct oom_eval *e, const struct oom_task *t)
{
	const int64_t not_scored = OOM_FACT_INELIGIBLE | OOM_FACT_PASSED_OVER;
	bool flags = t->kernel_flags != OOM_NA;

	if (oom_eval_own(e, t) && !(flags && t->kernel_flags & not_scored))
		return t->kernel_points >= -4 * OOM_PAGES_MAX && t->kernel_points <= 4 * OOM_PAGES_MAX
			       ? OOM_WHY_ELIGIBLE : OOM_WHY_DAMAGED_ROW;
	if (flags)
		return flags_say(e, t);
	return e->whole && t->tgid != 1 ? OOM_WHY_NOT_SCANNED : OOM_WHY_ELIGIBLE;
}

int oom_eval_ballot(const struct oom_eval *e, const struct oom_task *t, struct oom_terms *out)
{
	int why = kernel_says(e, t);

	if (why != OOM_WHY_ELIGIBLE)
		return why;
	why = oom_eval_formula(e, t, out);
	if (!oom_eval_own(e, t))
		return why;
	if (why != OOM_WHY_ELIGIBLE)          /* the feed could not read all terms, but the points it has */
		*out = (struct oom_terms){ .swap_lo = 1, .pt_lo = 1, .adj_pages = OOM_NA };
	out->lo = out->hi = out->nominal = t->kernel_points;
	return OOM_WHY_ELIGIBLE;
}

bool oom_task_is_origin(const struct oom_event *ev, const struct oom_task *t)
{
	const int64_t not_now = OOM_FACT_PASSED_OVER | OOM_FACT_OOM_VICTIM;

	return ev->ballot == OOM_BALLOT_RECORDED && t->kernel_flags != OOM_NA &&
	       t->kernel_flags & OOM_FACT_ORIGIN && !(t->kernel_flags & not_now);
}

/* ---- the public evaluator -------------------------------------------------------------------------- */

struct oom_range oom_eval_shown(const struct oom_profile *p, const struct oom_event *ev,
				struct oom_range total)
{
	int64_t v = total.lo;

	if (total.lo > total.hi)
		return (struct oom_range){ 1, 1 };
	if (p->flags & OOM_PROFILE_PER_MILLE)
		return total;
	if (total.hi - total.lo <= total.lo / 20)
		v += (total.hi - total.lo) / 2;
	else if (total.hi < OOM_PAGES_MAX / 2 && ev->scope != OOM_SCOPE_CPUSET &&
		 ev->scope != OOM_SCOPE_MEMPOLICY)
		v = total.hi;
	return (struct oom_range){ v, v };
}

static void span(struct oom_score *s, const struct oom_eval *e, const struct oom_task *t)
{
	struct oom_terms x;

	if (!e || oom_eval_task(e, t, &x) != OOM_WHY_ELIGIBLE)
		return;
	s->points.lo = x.lo < s->points.lo ? x.lo : s->points.lo;
	s->points.hi = x.hi > s->points.hi ? x.hi : s->points.hi;
}

void oom_score_fill(const struct oom_eval *e, const struct oom_eval *lo, const struct oom_eval *hi,
		    const struct oom_task *t, struct oom_score *ret)
{
	struct oom_terms x;

	ret->why_not = (uint8_t)oom_eval_task(e, t, &x);
	if (ret->why_not != OOM_WHY_ELIGIBLE)
		return;
	ret->points = (struct oom_range){ x.lo, x.hi };
	ret->nominal = x.nominal;
	ret->rss = (struct oom_range){ t->rss_pages, t->rss_pages };
	ret->swap = (struct oom_range){ x.swap_lo, x.swap_hi };
	ret->pgtables = (struct oom_range){ x.pt_lo, x.pt_hi };
	ret->root = (struct oom_range){ x.root, 0 };
	ret->adj_pages = x.adj_pages;
	span(ret, lo, t);
	span(ret, hi, t);
}

void oom_badness(const struct oom_profile *p, const struct oom_event *ev, const struct oom_task *t,
		 struct oom_range total, struct oom_score *ret)
{
	bool two = !(p->flags & OOM_PROFILE_PER_MILLE) && total.lo < total.hi;
	struct oom_eval e, lo, hi;

	memset(ret, 0, sizeof(*ret));
	oom_eval_init(&e, p, ev);
	lo = hi = e;
	oom_eval_total(&e, oom_eval_shown(p, ev, total));
	oom_eval_total(&lo, (struct oom_range){ total.lo, total.lo });
	oom_eval_total(&hi, (struct oom_range){ total.hi, total.hi });
	oom_score_fill(&e, two ? &lo : NULL, two ? &hi : NULL, t, ret);
}

void oom_badness_points(const struct oom_profile *p, const struct oom_event *ev, struct oom_range total,
			const uint32_t *task, size_t n, int64_t *ret)
{
	struct oom_eval e;
	struct oom_terms x;

	oom_eval_init(&e, p, ev);
	oom_eval_total(&e, oom_eval_shown(p, ev, total));
	for (size_t i = 0; i < n; i++)
		ret[i] = oom_eval_task(&e, &ev->task[task[i]], &x) == OOM_WHY_ELIGIBLE ? x.nominal : OOM_NA;
}

int64_t oom_score_per_mille(const struct oom_profile *p, int64_t points, struct oom_range total)
{
	uint32_t lo, hi;

	if (p->flags & OOM_PROFILE_PER_MILLE)
		return points;
	if (total.lo > total.hi || points == OOM_NA)
		return OOM_NA;
	/* "score %u" of 3.5-5.0: unsigned long arithmetic, printed as unsigned int */
	lo = (uint32_t)((uint64_t)points * 1000 / (uint64_t)(total.lo > 0 ? total.lo : 1));
	hi = (uint32_t)((uint64_t)points * 1000 / (uint64_t)(total.hi > 0 ? total.hi : 1));
	return lo == hi ? (int64_t)lo : OOM_NA;
}
