/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one evaluator of badness, inline because it is the body of the pass over all candidates.  Everything
 * that depends on the event alone is decided before the pass, in struct oom_eval.
 */
#ifndef OOMLENS_ANALYZER_EVALUATE_H
#define OOMLENS_ANALYZER_EVALUATE_H

#include <oomlens/badness.h>

/* 2^44 pages is more than any address space; a larger number in the table is damage, or one of the counters
 * that went negative and print as huge unsigned values up to 3.3.  Bounding the terms here keeps all sums
 * below 2^63. */
#define OOM_PAGES_MAX ((int64_t)1 << 44)

struct oom_eval {
	const struct oom_profile *p;
	struct oom_range total;          /* page profiles are evaluated at one end (lo == hi) at a time */
	int64_t k;                       /* totalpages / 1000 */
	int64_t swap_cap, pt_cap;        /* hidden terms: no task can hold more than this */
	int64_t page_lo, page_hi;        /* possible page sizes, bytes; equal when known */
	int64_t page_shift;              /* of page_lo when page_lo == page_hi and a power of two, else -1 */
	bool trust_root;                 /* take uid 0 to hold CAP_SYS_ADMIN, no doubt */
	bool sysrq, whole;               /* of the ballot: earlier victims count again; no candidate was lost */
	int64_t ballot;                  /* enum oom_ballot; NONE: rows are judged by the formula alone */
};

struct oom_terms {
	int64_t lo, hi, nominal;
	int64_t swap_lo, swap_hi, pt_lo, pt_hi, root;    /* root: the bonus with the capability, <= 0 */
	int64_t adj_pages;
};

/* Bounds that the event gives; the caller sets the totalpages with oom_eval_total(). */
void oom_eval_init(struct oom_eval *e, const struct oom_profile *p, const struct oom_event *ev);
void oom_eval_total(struct oom_eval *e, struct oom_range total);
/* usage (pages) -> per mille, as the int that oom_badness() of 2.6.36-3.4 computed. */
int64_t oom_eval_per_mille(unsigned flags, int64_t usage, int64_t total);
/* The value of totalpages to show points by: the middle of an estimate, of a cgroup the end with its swap
 * (swappiness 0 is rare), and the lower end where the upper is no more than a bound. */
struct oom_range oom_eval_shown(const struct oom_profile *p, const struct oom_event *ev,
				struct oom_range total);
/* A zeroed *ret: the terms under e, spanned to those under lo and hi (the ends of totalpages; NULL = none).
 */
void oom_score_fill(const struct oom_eval *e, const struct oom_eval *lo, const struct oom_eval *hi,
		    const struct oom_task *t, struct oom_score *ret);
/* The per-mille profiles; out->swap_*, pt_* are set already. */
void oom_eval_old(const struct oom_eval *e, const struct oom_task *t, struct oom_terms *out);

/* RAM that the kernel hands out: all but what was reserved at boot, as far as the dump tells; lo > hi: unknown. */
struct oom_range oom_managed_pages(const struct oom_event *ev);

static inline bool oom_eval_pages_ok(int64_t v)
{
	return (uint64_t)v <= (uint64_t)OOM_PAGES_MAX;     /* OOM_NA is far above as unsigned */
}

static inline int64_t oom_eval_min(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Swap entries that the table does not show: never more than the machine has in use, nor than what the
 * address space leaves beside the resident pages (every page table entry is one or the other). */
static inline int64_t oom_eval_swap_cap(const struct oom_eval *e, const struct oom_task *t)
{
	int64_t room = OOM_PAGES_MAX;

	if (oom_eval_pages_ok(t->total_vm_pages))
		room = t->total_vm_pages > t->rss_pages ? t->total_vm_pages - t->rss_pages : 0;
	return oom_eval_min(room, e->swap_cap);
}

/* A page of page tables maps at least one page of the address space, and the machine counts them all. */
static inline int64_t oom_eval_pt_cap(const struct oom_eval *e, const struct oom_task *t)
{
	int64_t room = oom_eval_pages_ok(t->total_vm_pages) ? t->total_vm_pages : OOM_PAGES_MAX;

	return oom_eval_min(room, e->pt_cap);
}

static inline bool oom_eval_pt(const struct oom_eval *e, const struct oom_task *t, struct oom_terms *out)
{
	if (t->pgtables_bytes != OOM_NA) {
		if (t->pgtables_bytes < 0)
			return false;
		if (e->page_shift >= 0) {
			out->pt_lo = out->pt_hi = t->pgtables_bytes >> e->page_shift;
		} else {
			out->pt_lo = t->pgtables_bytes / e->page_hi;
			out->pt_hi = t->pgtables_bytes / e->page_lo;
		}
		return oom_eval_pages_ok(out->pt_hi);
	}
	if (t->nr_ptes != OOM_NA) {
		if (!oom_eval_pages_ok(t->nr_ptes) ||
		    (t->nr_pmds != OOM_NA && !oom_eval_pages_ok(t->nr_pmds)))
			return false;
		out->pt_lo = out->pt_hi = t->nr_ptes + (t->nr_pmds != OOM_NA ? t->nr_pmds : 0);
		return true;
	}
	out->pt_lo = 0;
	out->pt_hi = oom_eval_pt_cap(e, t);
	return true;
}

/* mm/oom_kill.c:oom_badness(), page profiles: usage, root bonus, adj * (totalpages / 1000) with the division
 * first, floor. */
static inline void oom_eval_pages(const struct oom_eval *e, const struct oom_task *t, struct oom_terms *out)
{
	const struct oom_profile *p = e->p;
	int64_t lo = t->rss_pages + out->swap_lo + out->pt_lo;
	int64_t hi = t->rss_pages + out->swap_hi + out->pt_hi;
	int64_t mid = lo + (hi - lo) / 2;

	out->root = 0;
	out->adj_pages = t->oom_score_adj * e->k;
	if (p->root != OOM_ROOT_NONE && (t->uid == 0 || (t->uid == OOM_NA && !e->trust_root))) {
		/* the 3.14 form (778c14affaf9) takes 3 % of the task's own usage, 3.5's takes 30 from the
		 * adjustment */
		bool own = p->root == OOM_ROOT_MINUS_3_PERCENT;

		out->root = own ? -(mid * 3 / 100) : -30 * e->k;
		lo -= own ? lo * 3 / 100 : 30 * e->k;
		if (t->uid == 0)
			mid += out->root;
		if (e->trust_root)
			hi -= own ? hi * 3 / 100 : 30 * e->k;
	}
	out->lo = lo + out->adj_pages;
	out->hi = hi + out->adj_pages;
	out->nominal = mid + out->adj_pages;
	if (p->floor != OOM_NA) {
		out->lo = out->lo > 0 ? out->lo : p->floor;
		out->hi = out->hi > 0 ? out->hi : p->floor;
		out->nominal = out->nominal > 0 ? out->nominal : p->floor;
	}
}

/* By the profile's formula.  Fills *out and returns OOM_WHY_ELIGIBLE, or says why the task was no candidate. */
static inline int oom_eval_formula(const struct oom_eval *e, const struct oom_task *t, struct oom_terms *out)
{
	if (t->oom_score_adj == OOM_NA)
		return OOM_WHY_ADJ_UNKNOWN;
	if (t->oom_score_adj == -1000)
		return OOM_WHY_ADJ_MIN;
	if ((uint64_t)t->oom_score_adj + 1000 > 2000 || !oom_eval_pages_ok(t->rss_pages))
		return OOM_WHY_DAMAGED_ROW;
	if (t->tgid == 1)
		return OOM_WHY_GLOBAL_INIT;
	if (t->swap_pages != OOM_NA) {
		if (!oom_eval_pages_ok(t->swap_pages))
			return OOM_WHY_DAMAGED_ROW;
		out->swap_lo = out->swap_hi = t->swap_pages;
	} else {
		out->swap_lo = 0;
		out->swap_hi = oom_eval_swap_cap(e, t);
	}
	out->pt_lo = out->pt_hi = 0;
	if (e->p->flags & OOM_PROFILE_PTES && !oom_eval_pt(e, t, out))
		return OOM_WHY_DAMAGED_ROW;
	if (e->p->flags & OOM_PROFILE_PER_MILLE)
		oom_eval_old(e, t, out);
	else
		oom_eval_pages(e, t, out);
	return OOM_WHY_ELIGIBLE;
}

/* Has the row the points that the kernel itself gave it? */
static inline bool oom_eval_own(const struct oom_eval *e, const struct oom_task *t)
{
	return e->ballot == OOM_BALLOT_RECORDED && t->kernel_points != OOM_NA;
}

/* The same where the event has a ballot: what the kernel said of the row comes before what the row adds up to. */
int oom_eval_ballot(const struct oom_eval *e, const struct oom_task *t, struct oom_terms *out);

static inline int oom_eval_task(const struct oom_eval *e, const struct oom_task *t, struct oom_terms *out)
{
	return e->ballot == OOM_BALLOT_NONE ? oom_eval_formula(e, t, out) : oom_eval_ballot(e, t, out);
}

#endif
