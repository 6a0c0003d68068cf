/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/digest.h>

#include <oomlens/cause.h>

#include "evaluate.h"

/* ---- whose ---------------------------------------------------------------------------------------------- */

struct oom_str oom_victim_cgroup(const struct oom_event *ev)
{
	int64_t pid = ev->nvictims ? ev->victim[0].pid : ev->chosen_pid;
	const struct oom_task *t;

	if (ev->task_memcg.p)
		return ev->task_memcg;
	for (size_t i = 0; i < ev->nlives; i++)
		if (ev->life[i].cgroup.p && (pid == OOM_NA || ev->life[i].tgid == pid || ev->life[i].pid == pid))
			return ev->life[i].cgroup;
	if (pid == OOM_NA)
		return OOM_STR_NULL;
	for (size_t i = 0; i < ev->nflights; i++)
		if (ev->flight[i].cgroup.p && ev->flight[i].pid == pid)
			return ev->flight[i].cgroup;
	t = oom_event_task(ev, pid);
	return t ? t->cgroup : OOM_STR_NULL;
}

/* ---- who holds what ------------------------------------------------------------------------------------- */

/* Would it be a candidate, were its adjustment another one? */
static bool takes_part(const struct oom_replay *r, size_t row)
{
	return r->score[row].why_not == OOM_WHY_ELIGIBLE || r->score[row].why_not == OOM_WHY_ADJ_MIN;
}

/* The row's terms, were its adjustment 0, by the formula alone: points that a ballot recorded are of the real one. */
static bool unadjusted_terms(const struct oom_eval *e, const struct oom_task *t, struct oom_terms *ret)
{
	struct oom_task plain = *t;

	plain.oom_score_adj = 0;
	return oom_eval_formula(e, &plain, ret) == OOM_WHY_ELIGIBLE;
}

static struct oom_range size_of(const struct oom_task *t, const struct oom_terms *x)
{
	return (struct oom_range){ t->rss_pages + x->swap_lo + x->pt_lo, t->rss_pages + x->swap_hi + x->pt_hi };
}

/* The best of rows that are known within bounds. */
struct best { ptrdiff_t row; struct oom_range v; int64_t rival; };       /* rival: upper end of all others */

static void consider(struct best *b, size_t row, struct oom_range v)
{
	if (b->row < 0 || v.lo > b->v.lo) {
		if (b->row >= 0 && b->v.hi > b->rival)
			b->rival = b->v.hi;
		b->row = (ptrdiff_t)row;
		b->v = v;
	} else if (v.hi > b->rival) {
		b->rival = v.hi;
	}
}

static void find_sizes(const struct oom_replay *r, const struct oom_eval *e, struct oom_digest *ret)
{
	struct best b = { .row = -1, .rival = INT64_MIN };
	bool damaged = false;

	for (size_t i = 0; i < r->nscores; i++) {
		const struct oom_task *t = &r->event->task[i];
		struct oom_terms x;
		struct oom_range v;

		damaged |= r->score[i].why_not == OOM_WHY_DAMAGED_ROW;
		if (!unadjusted_terms(e, t, &x))
			continue;
		v = size_of(t, &x);
		if (t->oom_score_adj == -1000)
			ret->unkillable_pages = v.lo == v.hi && ret->unkillable_pages != OOM_NA ?
				ret->unkillable_pages + v.lo : OOM_NA;
		if (takes_part(r, i))
			consider(&b, i, v);
	}
	if (damaged || b.row < 0 || b.v.lo < b.rival)
		return;
	ret->largest = b.row;
	ret->largest_pages = b.v.lo == b.v.hi ? b.v.lo : OOM_NA;
}

/* ---- what the adjustments did ---------------------------------------------------------------------------- */

/* Did the arithmetic choose, with nothing left open? */
static bool chosen_by_points(const struct oom_replay *r)
{
	static const enum oom_reason rules[] = {
		OOM_REASON_ALLOCATING_TASK, OOM_REASON_OOM_TASK_ORIGIN, OOM_REASON_POLICY, OOM_REASON_PANIC_ON_OOM,
		OOM_REASON_WILL_FREE,
	};

	if (r->winner < 0 || r->winner != r->actual || r->verdict > OOM_VERDICT_WITHIN_DRIFT)
		return false;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rules); i++)
		if (r->reason == rules[i])
			return false;
	return true;
}

/* May the row have been passed over because it was killed before? */
static bool was_victim(const struct oom_event *ev, const struct oom_task *t)
{
	for (size_t i = 0; i < ev->npriors; i++)
		if (ev->prior[i].pid == t->tgid || ev->prior[i].pid == t->pid)
			return true;
	return false;
}

/* Points at both ends of totalpages, which a bonus of root or per mille depend on. */
static bool unadjusted_points(const struct oom_eval e[2], const struct oom_task *t, struct oom_range *ret)
{
	struct oom_terms a, b;

	if (!unadjusted_terms(&e[0], t, &a) || !unadjusted_terms(&e[1], t, &b))
		return false;
	*ret = (struct oom_range){ a.lo < b.lo ? a.lo : b.lo, a.hi > b.hi ? a.hi : b.hi };
	return true;
}

static void find_unadjusted(const struct oom_replay *r, const struct oom_eval *e, struct oom_digest *ret)
{
	const struct oom_event *ev = r->event;
	bool adjusted = false, per_mille = r->profile->flags & OOM_PROFILE_PER_MILLE;
	struct oom_range total = r->total.lo <= r->total.hi ? r->total : (struct oom_range){ 1, OOM_PAGES_MAX };
	struct oom_eval at[2] = { *e, *e };
	struct best b = { .row = -1, .rival = INT64_MIN };
	struct oom_range v;

	if (!chosen_by_points(r) || (per_mille && r->total.lo > r->total.hi))
		return;
	oom_eval_total(&at[0], per_mille ? r->total : (struct oom_range){ total.lo, total.lo });
	oom_eval_total(&at[1], per_mille ? r->total : (struct oom_range){ total.hi, total.hi });
	for (size_t i = 0; i < r->nscores; i++) {
		if (!takes_part(r, i))
			continue;
		adjusted |= ev->task[i].oom_score_adj != 0;
		if (!unadjusted_points(at, &ev->task[i], &v))
			return;
		consider(&b, i, v);
	}
	if (!adjusted)
		b.row = r->winner;
	else if (b.row < 0 || b.v.lo <= b.rival || was_victim(ev, &ev->task[b.row]) ||
		 (b.rival != INT64_MIN && r->drift_bound != OOM_NA && b.v.lo - b.rival <= r->drift_bound))
		return;
	ret->unadjusted = b.row;
	ret->adj_decided = b.row != r->winner;
}

/* ---- the rest -------------------------------------------------------------------------------------------- */

static int64_t kb_of(const struct oom_event *ev, int64_t pages)
{
	bool known = ev->page_size >= 1024 && ev->page_size <= 1 << 20 && oom_eval_pages_ok(pages);

	return known ? pages * (ev->page_size / 1024) : OOM_NA;
}

static int64_t free_kb(const struct oom_event *ev)
{
	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];

		if (m->area != OOM_AREA_GLOBAL || !oom_str_is(m->name, "free"))
			continue;
		if (m->unit == OOM_UNIT_KB)
			return m->value;
		return m->unit == OOM_UNIT_PAGES ? kb_of(ev, m->value) : OOM_NA;
	}
	return OOM_NA;
}

static int64_t unkillable(const struct oom_event *ev)
{
	int64_t n = 0;

	for (size_t i = 0; i < ev->ntasks; i++) {
		if (ev->task[i].oom_score_adj == OOM_NA)
			return OOM_NA;
		n += ev->task[i].oom_score_adj == -1000;
	}
	return n;
}

static void find_grower(const struct oom_event *ev, struct oom_digest *ret)
{
	int64_t most = 0;

	for (size_t i = 0; i < ev->nflights; i++) {
		const struct oom_flight *f = &ev->flight[i];

		if (f->growth_pages > most && f->growth_us > 0 && oom_eval_pages_ok(f->growth_pages)) {
			most = f->growth_pages;
			ret->grower = (ptrdiff_t)i;
		}
	}
	if (ret->grower < 0)
		return;
	ret->growth_us = ev->flight[ret->grower].growth_us;
	ret->growth_kb = kb_of(ev, most);
}

#define WEIGHT_BITS 20

static int64_t limited(size_t n)
{
	return n < (1 << WEIGHT_BITS) ? (int64_t)n : (1 << WEIGHT_BITS) - 1;
}

static int64_t weight(const struct oom_event *ev)
{
	int64_t w = ev->ballot == OOM_BALLOT_RECORDED ? 2 : oom_event_recorded(ev);

	w = w << 1 | (ev->table_complete == 1);
	w = w << WEIGHT_BITS | limited(ev->ntasks);
	return w << WEIGHT_BITS |
	       limited(ev->nvictims + ev->nlives + ev->nflights + ev->npriors + ev->nmemory + ev->nraw);
}

/* Without memory the cause stays unknown; the next analyze finds it. */
static void find_cause(const struct oom_replay *r, struct oom_digest *ret)
{
	struct oom_diagnosis why;

	if (oom_diagnose(r, &why) == 0 && why.finding[0].confidence != OOM_CONFIDENCE_NONE)
		ret->cause = oom_diagnosis_keyword(&why);
	oom_diagnosis_release(&why);
}

void oom_digest(const struct oom_replay *r, struct oom_digest *ret)
{
	const struct oom_event *ev = r->event;
	struct oom_eval e;

	*ret = (struct oom_digest){
		.candidates = ev->ntasks || ev->has_table == 1 ? (int64_t)ev->ntasks : OOM_NA, .eligible = OOM_NA,
		.largest = -1, .largest_pages = OOM_NA, .unadjusted = -1, .adj_decided = OOM_NA,
		.unkillable_tasks = OOM_NA, .unkillable_pages = OOM_NA, .free_kb = free_kb(ev), .grower = -1,
		.growth_kb = OOM_NA, .growth_us = OOM_NA, .weight = weight(ev),
	};
	oom_identify(oom_victim_cgroup(ev), &ret->identity);
	find_grower(ev, ret);
	find_cause(r, ret);
	if (!ev->ntasks)
		return;
	ret->unkillable_tasks = unkillable(ev);
	if (!r->profile || !r->nscores || ret->unkillable_tasks == OOM_NA)
		return;
	ret->eligible = (int64_t)r->neligible;
	ret->unkillable_pages = 0;
	oom_eval_init(&e, r->profile, ev);
	oom_eval_total(&e, oom_eval_shown(r->profile, ev, r->total));
	find_sizes(r, &e, ret);
	find_unadjusted(r, &e, ret);
}
