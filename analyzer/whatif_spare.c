/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The highest oom_score_adj at which a task survives.  A score never falls as the adjustment rises, so every rival has
 * one threshold: the highest value at which the kernel still prefers the rival.  Whoever stays behind one rival is not
 * chosen, so the highest of the thresholds is the answer; nothing is searched for.
 */
#include <errno.h>
#include <string.h>

#include "evaluate.h"
#include "whatif_impl.h"

#define ADJ_MIN (-1000)
#define ADJ_MAX 1000

/* ---- one rival -------------------------------------------------------------------------------------- */

/* Of two equals, does the scan end with a? */
static bool wins_tie(const struct oom_dry_run *d, size_t a, size_t b)
{
	const struct oom_profile *p = d->replay.profile;
	const struct oom_task *x = &d->event.task[a], *y = &d->event.task[b];
	enum oom_tie_rule tie = d->event.scope == OOM_SCOPE_MEMCG ? p->tie_memcg : p->tie_global;
	bool lead_x = x->pid == x->tgid || x->tgid == OOM_NA, lead_y = y->pid == y->tgid || y->tgid == OOM_NA;

	if (tie == OOM_TIE_FIRST_LEADER && lead_x != lead_y)
		return lead_x;
	/* before the first leader comes, equals replace each other */
	if (tie == OOM_TIE_LAST || (tie == OOM_TIE_FIRST_LEADER && !lead_x))
		return a > b;
	return a < b;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* The score is `base` + adj * `step`, before floor and ceiling. */
struct line { int64_t base, step; };

/* The terms without the adjustment; certain: the most that they may be, without a bonus that root may not have. */
static bool line_of(const struct oom_dry_run *d, size_t row, bool certain, struct line *ret)
{
	const struct oom_profile *p = d->replay.profile;
	struct oom_task t = d->event.task[row];
	struct oom_range total = d->replay.total;
	struct oom_score x;
	int64_t lo, hi, usage, bonus, pm;

	t.oom_score_adj = 0;
	oom_badness(p, &d->event, &t, total, &x);
	if (x.why_not != OOM_WHY_ELIGIBLE)
		return false;
	lo = x.rss.lo + x.swap.lo + x.pgtables.lo;
	hi = x.rss.hi + x.swap.hi + x.pgtables.hi;
	usage = certain ? hi : lo + (hi - lo) / 2;
	bonus = !certain && t.uid == 0 ? x.root.lo : 0;
	if (!(p->flags & OOM_PROFILE_PER_MILLE)) {
		*ret = (struct line){ usage + bonus, (total.lo > 0 ? total.lo : 1) / 1000 };
		return true;
	}
	pm = oom_eval_per_mille(p->flags, usage, certain ? total.lo : total.lo + (total.hi - total.lo) / 2);
	if (bonus)                             /* x.root is of the same usage, but may be clamped with it */
		bonus = p->root == OOM_ROOT_MINUS_3_PERCENT ? -(pm * 3 / 100) : -30;
	*ret = (struct line){ pm + bonus, 1 };
	return true;
}

/* The highest adj of -999..1000 whose score is at most `target`, else -1000. */
static int64_t highest(const struct oom_profile *p, struct line l, int64_t target)
{
	int64_t adj;

	if (p->ceiling != OOM_NA && target >= p->ceiling)
		return ADJ_MAX;
	if (p->floor != OOM_NA && target < p->floor)
		return ADJ_MIN;
	if (!l.step)                           /* below a thousand pages an adjustment weighs nothing */
		return l.base <= target ? ADJ_MAX : ADJ_MIN;
	adj = floor_div(target - l.base, l.step);
	return adj < ADJ_MIN ? ADJ_MIN : adj > ADJ_MAX ? ADJ_MAX : adj;
}

int64_t oom_dry_threshold(const struct oom_dry_run *d, size_t task, size_t rival, int64_t slack)
{
	const struct oom_replay *r = &d->replay;
	const struct oom_score *x = &r->score[rival];
	struct line l;

	if (r->score[task].why_not == OOM_WHY_ALREADY_VICTIM || !line_of(d, task, slack >= 0, &l))
		return ADJ_MAX;
	if (d->total.lo > d->total.hi)
		return OOM_NA;
	if (x->why_not != OOM_WHY_ELIGIBLE)
		return ADJ_MIN;
	if (slack >= 0)
		return highest(r->profile, l, x->points.lo - 1 - slack);
	return highest(r->profile, l, wins_tie(d, rival, task) ? x->nominal : x->nominal - 1);
}

/* ---- all rivals ------------------------------------------------------------------------------------- */

static void solve(const struct oom_dry_run *d, size_t row, const bool *spared, struct oom_spare *ret)
{
	const struct oom_replay *r = &d->replay;
	int64_t slack = d->bound == OOM_NA ? 0 : d->bound;
	bool rivals = false;

	ret->adj = ret->adj_certain = ADJ_MIN;
	for (size_t i = 0; i < d->event.ntasks; i++) {
		int64_t adj, certain;

		if (spared[i] || r->score[i].why_not != OOM_WHY_ELIGIBLE)
			continue;
		rivals = true;
		adj = oom_dry_threshold(d, row, i, -1);
		certain = oom_dry_threshold(d, row, i, slack);
		if (adj == OOM_NA) {
			ret->adj = ret->adj_certain = OOM_NA;
			ret->kind = OOM_SPARE_UNDECIDABLE;
			return;
		}
		ret->adj = adj > ret->adj ? adj : ret->adj;
		ret->adj_certain = certain > ret->adj_certain ? certain : ret->adj_certain;
	}
	if (ret->adj >= ret->adj_from)
		ret->kind = OOM_SPARE_ALREADY;
	else if (!rivals)
		ret->kind = OOM_SPARE_NOBODY_ELSE;
	else
		ret->kind = ret->adj == ADJ_MIN ? OOM_SPARE_ONLY_MIN : OOM_SPARE_SOLVED;
}

static int give(struct oom_whatif *w, size_t row, int64_t adj)
{
	struct oom_change *c = oom_whatif_change(w, row);

	if (!c)
		return -ENOMEM;
	c->adj_to = w->after.event.task[row].oom_score_adj = adj;
	c->spared = true;
	w->changed = true;
	return 0;
}

/* A rule that takes the task without looking at its score. */
static void bend(const struct oom_whatif *w, size_t row, struct oom_spare *s)
{
	const struct oom_dry_run *d = &w->after;

	if (d->replay.reason != OOM_REASON_NO_KILL_LINE) {      /* the table has gaps, or another rule chose */
		s->kind = OOM_SPARE_UNDECIDABLE;
		s->adj = s->adj_certain = OOM_NA;
	} else if (w->base.reason == OOM_REASON_OOM_TASK_ORIGIN && (ptrdiff_t)d->origin[row] == w->base.actual) {
		s->kind = OOM_SPARE_IMPOSSIBLE;
		s->adj = s->adj_certain = OOM_NA;
	} else if (d->allocating && (ptrdiff_t)row == d->winner) {
		s->kind = OOM_SPARE_ONLY_MIN;
		s->adj = s->adj_certain = ADJ_MIN;
	}
}

/* Who is not chosen may still die with the group of whom is. */
static int leave_group(struct oom_whatif *w, const struct oom_whatif_opts *o, const bool *spared)
{
	struct oom_dry_run *d = &w->after;
	enum oom_role role;
	size_t k = 0;
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < d->event.ntasks && r == 0; i++) {
		if (!spared[i])
			continue;
		k++;
		if (d->winner < 0 || oom_dry_dies_with(d, w->event, (size_t)d->winner, i, &role) != 1)
			continue;
		any = true;
		w->spare[k - 1].in_group = true;
		w->spare[k - 1].adj = w->spare[k - 1].adj_certain = role == OOM_ROLE_GROUP ? ADJ_MIN : OOM_NA;
		w->spare[k - 1].kind = role == OOM_ROLE_GROUP ? OOM_SPARE_ONLY_MIN : OOM_SPARE_IMPOSSIBLE;
		if (role == OOM_ROLE_GROUP)
			r = give(w, i, ADJ_MIN);
	}
	return r == 0 && any ? oom_dry_decide(w, d, o->drift) : r;
}

static int solve_all(struct oom_whatif *w, const bool *spared)
{
	struct oom_dry_run *d = &w->after;
	size_t k = 0;
	int r = 0;

	/* all of them first: the values of one must not move the others' rivals */
	for (size_t i = 0; i < d->event.ntasks; i++) {
		struct oom_spare *s = &w->spare[k];

		if (!spared[i])
			continue;
		*s = (struct oom_spare){
			.task = d->origin[i], .rival = -1, .adj_from = d->event.task[i].oom_score_adj,
		};
		solve(d, i, spared, s);
		bend(w, i, s);
		k++;
	}
	k = 0;
	for (size_t i = 0; i < d->event.ntasks && r == 0; i++) {
		if (!spared[i])
			continue;
		if (w->spare[k].kind >= OOM_SPARE_SOLVED && w->spare[k].kind <= OOM_SPARE_NOBODY_ELSE)
			r = give(w, i, w->spare[k].adj);
		k++;
	}
	return r;
}

int oom_whatif_spare(struct oom_whatif *w, const struct oom_whatif_opts *o, struct oom_err *reterr)
{
	struct oom_dry_run *d = &w->after;
	size_t n = d->event.ntasks;
	bool *spared = oom_arena_alloc(&w->arena, n + 1);
	int r = spared ? oom_whatif_select(w, o->spare, o->allow_empty, spared, reterr) : -ENOMEM;

	for (size_t i = 0; i < n && r == 0; i++)
		w->nspares += spared[i];
	if (r < 0 || !w->nspares)
		return r;
	if (!d->replay.nscores)                /* nobody can be weighed */
		return oom_err_set(reterr, ENOTSUP, "nobody can be weighed here: %s", oom_reason_name(d->reason));
	w->spare = oom_arena_alloc(&w->arena, w->nspares * sizeof(*w->spare));
	if (!w->spare)
		return -ENOMEM;
	r = solve_all(w, spared);
	if (r == 0 && w->changed)
		r = oom_dry_decide(w, d, o->drift);
	if (r == 0)
		r = leave_group(w, o, spared);
	for (size_t i = 0; i < w->nspares && r == 0; i++)
		w->spare[i].rival = d->winner < 0 ? -1 : (ptrdiff_t)d->origin[d->winner];
	return r;
}

/* ---- what to mind ----------------------------------------------------------------------------------- */

static int64_t holds(const struct oom_task *t)
{
	int64_t swap = oom_eval_pages_ok(t->swap_pages) ? t->swap_pages : 0;

	return oom_eval_pages_ok(t->rss_pages) ? t->rss_pages + swap : 0;
}

unsigned oom_whatif_warnings(const struct oom_whatif *w)
{
	const struct oom_dry_run *a = &w->after, *b = &w->before;
	const struct oom_change *c;
	unsigned found = 0;
	size_t top = 0;

	if (a->winner >= 0 && a->event.task[a->winner].oom_score_adj < 0 &&
	    (b->winner < 0 || a->origin[a->winner] != b->origin[b->winner]))
		found |= OOM_WHATIF_KILLS_PROTECTED;
	for (size_t i = 1; i < a->event.ntasks; i++)
		if (holds(&a->event.task[i]) > holds(&a->event.task[top]))
			top = i;
	if (!a->event.ntasks || !w->change_of || !w->change_of[a->origin[top]])
		return found;
	c = &w->change[w->change_of[a->origin[top]] - 1];
	if (c->adj_to == ADJ_MIN && c->adj_from != ADJ_MIN)
		found |= OOM_WHATIF_LARGEST_UNKILLABLE;
	return found;
}
