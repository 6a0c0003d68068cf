/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pass.h"

#include <string.h>

static inline bool is_leader(const struct oom_task *t)
{
	return t->pid == t->tgid || t->tgid == OOM_NA;
}

/* oom_evaluate_task(): does a candidate of equal score take the place of the best so far? */
static inline bool equal_replaces(enum oom_tie_rule tie, const struct oom_task *best)
{
	return tie == OOM_TIE_LAST || (tie == OOM_TIE_FIRST_LEADER && !is_leader(best));
}

static inline bool beats(const struct oom_pass *p, int64_t points, ptrdiff_t best, int64_t best_points)
{
	return best < 0 || points > best_points ||
	       (points == best_points && equal_replaces(p->tie, &p->ev->task[best]));
}

/* At its low end a doubtful row is no candidate, at its high end it is one. */
static inline bool is_skipped(const struct oom_pass *p, const struct oom_skip *s)
{
	if (!s->maybe)
		return true;
	if ((ptrdiff_t)s->index == p->apart)
		return p->side == OOM_SIDE_HIGH;
	return p->side == OOM_SIDE_LOW;
}

static inline void take(const struct oom_pass *p, struct oom_pick *k, ptrdiff_t i, int64_t points)
{
	if (k->best >= 0 && points == k->best_points)
		k->tied++;
	if (beats(p, points, k->best, k->best_points)) {
		if (k->best < 0 || points > k->best_points)
			k->tied = 1;
		k->second = k->best;
		k->second_points = k->best_points;
		k->best = i;
		k->best_points = points;
	} else if (beats(p, points, k->second, k->second_points)) {
		k->second = i;
		k->second_points = points;
	}
}

static inline void note_top(struct oom_pick *k, ptrdiff_t i, int64_t hi)
{
	if (hi > k->top_points) {
		k->next_points = k->top_points;
		k->top = i;
		k->top_points = hi;
	} else if (hi > k->next_points) {
		k->next_points = hi;
	}
}

void oom_pass_run(const struct oom_pass *p, struct oom_pick *ret)
{
	const struct oom_eval e = *p->eval;
	const struct oom_task *t = p->ev->task;
	size_t n = p->ev->ntasks, next = p->nskips ? p->skip[0].index : SIZE_MAX, s = 0;
	struct oom_pick k = {
		.best = -1, .second = -1, .top = -1, .top_points = INT64_MIN, .next_points = INT64_MIN,
	};

	for (size_t i = 0; i < n; i++, t++) {
		struct oom_terms x;
		int64_t points;
		int why = oom_eval_task(&e, t, &x);

		if (why != OOM_WHY_ELIGIBLE) {
			k.damaged += why == OOM_WHY_DAMAGED_ROW || why == OOM_WHY_ADJ_UNKNOWN;
			if (i == next)
				next = ++s < p->nskips ? p->skip[s].index : SIZE_MAX;
			continue;
		}
		if (i == next) {
			const struct oom_skip *skip = &p->skip[s++];

			next = s < p->nskips ? p->skip[s].index : SIZE_MAX;
			k.wide |= skip->maybe;
			if (is_skipped(p, skip))
				continue;
		} else {
			note_top(&k, (ptrdiff_t)i, x.hi);
		}
		k.eligible++;
		k.wide |= x.lo != x.hi;
		k.any_adj |= t->oom_score_adj != 0 && !oom_eval_own(&e, t);
		points = p->side == OOM_SIDE_NOMINAL ? x.nominal : p->side == OOM_SIDE_LOW ? x.lo : x.hi;
		if ((ptrdiff_t)i == p->apart)
			points = p->apart_points;
		take(p, &k, (ptrdiff_t)i, points);
	}
	*ret = k;
}
