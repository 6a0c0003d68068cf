/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What holds for the whole range of what the log leaves open: passes at the ends of the intervals, the score
 * line as evidence, and how far the counters may have drifted.
 */
#include "pass.h"

#include <string.h>

#include "release.h"

bool oom_case_per_mille(const struct oom_case *c)
{
	return c->p->flags & OOM_PROFILE_PER_MILLE;
}

bool oom_case_total_known(const struct oom_case *c)
{
	return c->total.lo <= c->total.hi;
}

/* ---- passes ---------------------------------------------------------------------------------------- */

static struct oom_pick pass(const struct oom_case *c, const struct oom_eval *e, enum oom_side side,
			    int64_t apart_points)
{
	struct oom_pass p = {
		.ev = c->ev, .eval = e, .tie = c->tie, .skip = c->skip, .nskips = c->nskips, .side = side,
		.apart = apart_points == OOM_NA ? -1 : c->actual, .apart_points = apart_points,
	};
	struct oom_pick k;

	oom_pass_run(&p, &k);
	return k;
}

bool oom_case_skipped(const struct oom_case *c, ptrdiff_t row)
{
	for (size_t i = 0; i < c->nskips; i++)
		if ((ptrdiff_t)c->skip[i].index == row)
			return true;
	return false;
}

/* The kernel's own points of a row, where the score line narrows what the table leaves open. */
static void narrow_points(const struct oom_case *c, const struct oom_eval *e, struct oom_terms *x)
{
	int64_t s = c->ev->chosen_score, lo, hi;

	if (s == OOM_NA || s < 0 || s > INT32_MAX || c->ev->allocating_task == 1)
		return;
	if (oom_case_per_mille(c)) {
		lo = hi = s;
	} else {
		if (!oom_case_total_known(c) || e->total.hi > INT64_MAX / 2 / (s + 1))
			return;
		/* points * 1000 / totalpages == s */
		lo = (s * e->total.lo + 999) / 1000;
		hi = ((s + 1) * e->total.hi - 1) / 1000;
	}
	if (lo <= x->hi && hi >= x->lo) {
		x->lo = x->lo > lo ? x->lo : lo;
		x->hi = x->hi < hi ? x->hi : hi;
	}
}

/* Columns that the table of this kernel lacks; root's capability is no such term, it has a usual answer. */
bool oom_case_hides_terms(const struct oom_case *c)
{
	const struct oom_task *t = c->ev->task;

	return c->ev->ntasks &&
	       (t->swap_pages == OOM_NA ||
		(c->p->flags & OOM_PROFILE_PTES && t->pgtables_bytes == OOM_NA && t->nr_ptes == OOM_NA));
}

/* Must the actual row win, whatever the hidden terms are?  Could it? */
static void weigh(const struct oom_case *c, const struct oom_eval *e, bool *must, bool *may)
{
	struct oom_pick k;
	struct oom_terms x;

	*must = *may = false;
	if (oom_eval_task(e, &c->ev->task[c->actual], &x) != OOM_WHY_ELIGIBLE)
		return;
	narrow_points(c, e, &x);
	k = pass(c, e, OOM_SIDE_HIGH, x.lo);
	*must = *may = k.best == c->actual && (c->order_known || k.tied == 1);
	if (*must)
		return;
	k = pass(c, e, OOM_SIDE_LOW, x.hi);
	*may = k.best == c->actual || (k.best >= 0 && k.best_points == x.hi &&
				       (k.wide || !c->order_known) && !oom_case_skipped(c, c->actual));
}

/* One value, not an interval: nothing hidden, and no doubt about root's capability. */
static bool is_known(const struct oom_case *c, ptrdiff_t row)
{
	struct oom_terms x;

	return oom_eval_task(&c->eval, &c->ev->task[row], &x) == OOM_WHY_ELIGIBLE && x.lo == x.hi;
}

/* No row that an interval leaves open could stand between the winner and the runner-up. */
static bool is_next(const struct oom_case *c)
{
	const struct oom_pick *k = &c->pick;

	if (!is_known(c, c->runner_up))
		return false;
	return !k->wide || (k->top == c->winner ? k->next_points : k->top_points) <= k->second_points;
}

void oom_case_look(struct oom_case *c)
{
	oom_eval_total(&c->eval, oom_eval_shown(c->p, c->ev, c->total));
	c->pick = pass(c, &c->eval, OOM_SIDE_NOMINAL, OOM_NA);
	c->winner = c->pick.best;
	c->runner_up = c->pick.second;
	c->margin = OOM_NA;
	if (c->winner >= 0 && c->runner_up >= 0 && is_known(c, c->winner) && is_next(c))
		c->margin = c->pick.best_points - c->pick.second_points;
	/* points shift with totalpages unless none is adjusted */
	if ((!oom_case_total_known(c) || (!oom_case_per_mille(c) && c->total.lo != c->total.hi)) &&
	    c->pick.any_adj)
		c->margin = OOM_NA;
}

struct scene { struct oom_range t[2]; size_t n; };

/* Page profiles are linear in totalpages, so what holds at both ends holds between; per mille takes the range
 * at once. */
static struct scene scenes(const struct oom_case *c)
{
	struct scene s = { .n = 1 };

	if (oom_case_per_mille(c)) {
		s.t[0] = c->total;
		return s;
	}
	if (!oom_case_total_known(c)) {
		s.t[0] = (struct oom_range){ 1, 1 };
		s.t[1] = (struct oom_range){ OOM_PAGES_MAX, OOM_PAGES_MAX };
	} else {
		s.t[0] = (struct oom_range){ c->total.lo, c->total.lo };
		s.t[1] = (struct oom_range){ c->total.hi, c->total.hi };
	}
	s.n = s.t[0].lo == s.t[1].lo || (!c->pick.any_adj && c->p->root != OOM_ROOT_ADJ_MINUS_30) ? 1 : 2;
	return s;
}

/* must: in every scene; may: in one, or somewhere between two scenes that choose differently. */
void oom_case_weigh(const struct oom_case *c, bool trust_root, bool *must, bool *may)
{
	struct scene s = scenes(c);
	ptrdiff_t best[2] = { -1, -1 };

	if (s.n == 1 && !c->pick.wide) { /* one value for every candidate: oom_case_look() has the answer */
		*must = c->pick.best == c->actual && (c->order_known || c->pick.tied == 1);
		*may = *must || (!c->order_known && c->pick.best >= 0 &&
				 c->actual_terms.nominal == c->pick.best_points && c->actual_eligible);
		return;
	}
	*must = true;
	*may = false;
	for (size_t i = 0; i < s.n; i++) {
		struct oom_eval e = c->eval;
		bool m, y;

		e.trust_root = trust_root;
		oom_eval_total(&e, s.t[i]);
		weigh(c, &e, &m, &y);
		*must &= m;
		*may |= y;
		if (s.n == 2)
			best[i] = pass(c, &e, OOM_SIDE_NOMINAL, OOM_NA).best;
	}
	if (s.n == 2 && best[0] != best[1])
		*may = true;
}

/* ---- drift ----------------------------------------------------------------------------------------- */

/*
 * Between the selection and a row of the table other CPUs go on.  Three things move a counter by then: a
 * batch that a thread or CPU kept to itself is flushed (64 events for each of four counters until 6.1;
 * from 6.2 at least 32 per CPU, taken as 128 for the machines that have many); a transparent huge page is
 * mapped or split at once (512 pages); and the task faults on, for which 100 pages per millisecond (400 MB/s)
 * between the event's first line and the kill line is allowed, never more than a hundredth of totalpages.
 */
#define DRIFT_HUGE_PAGE   512
#define DRIFT_PER_MS      100

/* f1a7941243c1 (6.2) made the counters per-CPU; who names no kernel, or RHEL's, may be on either side of it. */
static int64_t drift_batch(const struct oom_case *c)
{
	struct oom_release r;

	if (c->p->flags & OOM_PROFILE_EXACT_SUMS)
		return 0;
	if (!(c->p->flags & OOM_PROFILE_SIGNED))
		return 4 * 64;
	if (c->ev->kernel.p && oom_release_parse(c->ev->kernel, &r) && !r.el &&
	    !oom_release_since(&r, 6, 2))
		return 4 * 64;
	return 4 * 128;
}

void oom_case_drift(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	int64_t base = DRIFT_HUGE_PAGE + drift_batch(c), total = oom_case_total_known(c) ? c->total.hi : OOM_PAGES_MAX,
		cap;

	c->elapsed_us = OOM_NA;
	if (ev->nvictims && ev->victim[0].killed_us >= ev->boot_us && ev->boot_us >= 0 &&
	    ev->victim[0].killed_us - ev->boot_us < 600000000)
		c->elapsed_us = ev->victim[0].killed_us - ev->boot_us;
	c->drift = base + (c->elapsed_us == OOM_NA ? 0 : c->elapsed_us / 1000 * DRIFT_PER_MS);
	cap = total / 100 > base ? total / 100 : base;
	if (c->drift > cap)
		c->drift = cap;
	c->drift_pages = c->drift;
	if (oom_case_per_mille(c))
		c->drift = oom_case_total_known(c) ? 1 + c->drift * 1000 / (c->total.lo > 0 ? c->total.lo : 1)
						   : 1;
}

/*
 * The lowest and highest score that the actual row allows, its pages moved by up to `d` either way.  At one
 * totalpages the kernel's arithmetic is followed to the digit; over a range adj * (T / 1000) * 1000 / T is a
 * sawtooth that stays within |adj| * 1000 / T below adj.
 */
static bool score_range(const struct oom_case *c, int64_t d, struct oom_range *ret)
{
	const struct oom_task *t = &c->ev->task[c->actual];
	bool exact = oom_case_per_mille(c) || c->total.lo == c->total.hi;
	bool adj_bonus = c->p->root == OOM_ROOT_ADJ_MINUS_30 && t->uid == 0;
	int64_t adj = t->oom_score_adj, least = adj_bonus ? adj - 30 : adj, lost;
	struct oom_eval e = c->eval;
	struct oom_terms x;

	oom_eval_total(&e, exact ? c->total : (struct oom_range){ 1, 1 });     /* { 1, 1 }: no adjustment */
	if (oom_eval_task(&e, t, &x) != OOM_WHY_ELIGIBLE)
		return false;
	*ret = (struct oom_range){ x.lo - d > 1 ? x.lo - d : 1, x.hi + d };
	if (oom_case_per_mille(c))
		return true;
	ret->lo = ret->lo * 1000 / c->total.hi;
	ret->hi = ret->hi * 1000 / c->total.lo;
	if (exact)
		return true;
	lost = (least < 0 ? -least : adj) * 1000 / c->total.lo + 1;
	ret->lo = ret->lo + least > lost ? ret->lo + least - lost : 0;
	ret->hi += adj + lost;
	if (ret->hi < 1000 / c->total.lo)
		ret->hi = 1000 / c->total.lo;
	return true;
}

/* 0: the score line agrees; 1: it agrees within the drift; 2: it contradicts. */
int oom_case_check_score(const struct oom_case *c)
{
	int64_t s = c->ev->chosen_score;
	struct oom_range r;

	if (s == OOM_NA || !oom_case_total_known(c))
		return 0;
	for (int slack = 0; slack < 2; slack++) {
		if (!score_range(c, slack ? c->drift : 0, &r))
			return 2;
		if (s >= r.lo && s <= r.hi)
			return slack;
	}
	return 2;
}

/*
 * A memcg's totalpages depends on swappiness and swap that are not printed; S = points * 1000 / T (3.5-5.0)
 * says where between its ends it was.
 */
void oom_case_narrow(struct oom_case *c)
{
	int64_t s = c->ev->chosen_score, adj = c->ev->task[c->actual].oom_score_adj, q, lost, lo, hi;
	struct oom_terms x;
	struct oom_eval e = c->eval;

	if (s == OOM_NA || s < 1 || s > INT32_MAX || oom_case_per_mille(c) || !oom_case_total_known(c) ||
	    c->total.lo == c->total.hi)
		return;
	oom_eval_total(&e, (struct oom_range){ 1, 1 });       /* without the adjustment's term */
	if (oom_eval_task(&e, &c->ev->task[c->actual], &x) != OOM_WHY_ELIGIBLE)
		return;
	/* adj * (T / 1000) is up to |adj| pages short of adj * T / 1000, and the pages may have drifted */
	lost = (adj < 0 ? -adj : adj) * 1000 / c->total.lo + (adj != 0);
	q = s - adj - lost;
	if (q < 1)
		return;
	lo = (x.lo > c->drift ? x.lo - c->drift : 1) * 1000 / (q + 1 + 2 * lost);
	hi = (x.hi + c->drift) * 1000 / q + 1;
	if (lo > c->total.hi || hi < c->total.lo)
		return; /* a contradiction: oom_case_check_score() will say so */
	c->total.lo = lo > c->total.lo ? lo : c->total.lo;
	c->total.hi = hi < c->total.hi ? hi : c->total.hi;
	oom_case_look(c);
}

/* Zones or the cpuset's mask name a node besides 0: only then can a cpuset or policy confine an allocation. */
static bool several_nodes(const struct oom_event *ev)
{
	if (ev->mems_allowed.n && !oom_str_is(ev->mems_allowed, "0"))
		return true;
	for (size_t i = 0; i < ev->nmemory; i++)
		if (ev->memory[i].area == OOM_AREA_ZONE && ev->memory[i].node > 0)
			return true;
	return false;
}

/* The score line fits this totalpages and none that is clearly smaller: points * 1000 / T grows as T shrinks, but for
 * the steps of T / 1000, which a range takes into account. */
static bool score_confirms(const struct oom_case *c)
{
	struct oom_case less = *c;

	less.total.lo -= less.total.lo / 8;
	less.total.hi -= less.total.hi / 16;
	return c->ev->chosen_score != OOM_NA && !oom_case_check_score(c) && oom_case_check_score(&less);
}

/*
 * Until 4.20 no line says that a cpuset or memory policy confined the allocation, and the one of 5.0 and 5.1 lies
 * (fixed by 432b1de0de02).  Where the machine has several nodes, its whole memory as totalpages is then only the
 * likeliest value: a score line that agrees with it confirms it, else it may be that of any set of nodes.
 */
void oom_case_doubt_scope(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	struct oom_release r;
	bool told = ev->constraint.p != NULL, mask = !oom_str_is(ev->nodemask, "(null)");

	if (ev->scope != OOM_SCOPE_GLOBAL || !oom_case_total_known(c) || ev->total_pages != OOM_NA ||
	    !several_nodes(ev))
		return;
	if (!ev->kernel.p || !oom_release_parse(ev->kernel, &r))
		memset(&r, 0, sizeof(r));
	if (told && r.major == 5 && (r.minor == 0 || (r.minor == 1 && r.patch < 19)))
		told = false;
	/* from 3.13 the memory dump shows it, if a cpuset did it, and 4.11 tells of policies */
	if (told || (!mask && oom_release_since(&r, 4, 11)))
		return;
	if (score_confirms(c))
		return;
	c->scope_doubt = true;
	c->total = (struct oom_range){ 1, OOM_PAGES_MAX };
	c->total_how = OOM_STR("this kernel does not say whether a cpuset or a memory policy confined the allocation");
	oom_case_look(c);
}

/*
 * The formula against the kernel's own points, row by row.  The kernel's decide; that the two agree shows that the
 * profile is the right one.  A row that the log printed a moment later may have moved meanwhile.
 */
void oom_case_check_ballot(const struct oom_case *c, struct oom_ballot_check *ret)
{
	struct oom_eval e = c->eval;
	struct oom_terms x;
	int64_t off;

	*ret = (struct oom_ballot_check){ 0 };
	if (c->ev->ballot != OOM_BALLOT_RECORDED || !oom_case_total_known(c) || oom_case_per_mille(c))
		return;
	for (size_t i = 0; i < c->ev->ntasks; i++) {
		const struct oom_task *t = &c->ev->task[i];

		if (!oom_eval_own(&e, t) || oom_eval_task(&e, t, &x) != OOM_WHY_ELIGIBLE)
			continue;
		ret->points++;
		if (oom_eval_formula(&e, t, &x) != OOM_WHY_ELIGIBLE)
			continue;
		ret->compared++;
		off = t->kernel_points < x.lo ? x.lo - t->kernel_points :
		      t->kernel_points > x.hi ? t->kernel_points - x.hi : 0;
		ret->differ += off != 0;
		ret->off = off > ret->off ? off : ret->off;
	}
}

/* Do the kernel's own points decide between these two? */
bool oom_case_own(const struct oom_case *c, ptrdiff_t a, ptrdiff_t b)
{
	return a >= 0 && oom_eval_own(&c->eval, &c->ev->task[a]) &&
	       (b < 0 || oom_eval_own(&c->eval, &c->ev->task[b]));
}

bool oom_case_total_matters(const struct oom_case *c)
{
	return scenes(c).n > 1;
}
