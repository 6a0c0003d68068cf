/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/replay.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pass.h"
#include "release.h"

const char *const oom_verdict_names[] = {
	[OOM_VERDICT_EXACT]        = "exact",
	[OOM_VERDICT_EXPLAINED]    = "explained",
	[OOM_VERDICT_WITHIN_DRIFT] = "within_drift",
	[OOM_VERDICT_UNEXPLAINED]  = "unexplained",
	[OOM_VERDICT_INSUFFICIENT] = "insufficient",
	NULL,
};

static const char *const reason_names[OOM_REASON_COUNT] = {
	[OOM_REASON_HIGHEST_BADNESS]          = "highest_badness",
	[OOM_REASON_TIE_BREAK]                = "tie_break",
	[OOM_REASON_ALLOCATING_TASK]          = "allocating_task",
	[OOM_REASON_SYSRQ]                    = "sysrq",
	[OOM_REASON_CHILD_SACRIFICED]         = "child_sacrificed",
	[OOM_REASON_PREVIOUS_VICTIM_SKIPPED]  = "previous_victim_skipped",
	[OOM_REASON_GROUP_KILL]               = "group_kill",
	[OOM_REASON_COUNTER_DRIFT]            = "counter_drift",
	[OOM_REASON_ROOT_BONUS]               = "root_bonus",
	[OOM_REASON_HIDDEN_TERM]              = "hidden_term",
	[OOM_REASON_OOM_TASK_ORIGIN]          = "oom_task_origin",
	[OOM_REASON_POLICY]                   = "policy",
	[OOM_REASON_THREAD_OF_CHOSEN]         = "thread_of_chosen",
	[OOM_REASON_NO_KILLABLE]              = "no_killable",
	[OOM_REASON_PANIC_ON_OOM]             = "panic_on_oom",
	[OOM_REASON_WILL_FREE]                = "will_free",
	[OOM_REASON_NO_TASK_TABLE]            = "no_task_table",
	[OOM_REASON_TRUNCATED_TABLE]          = "truncated_table",
	[OOM_REASON_DAMAGED_TABLE]            = "damaged_table",
	[OOM_REASON_NO_KILL_LINE]             = "no_kill_line",
	[OOM_REASON_VICTIM_NOT_IN_TABLE]      = "victim_not_in_table",
	[OOM_REASON_UNKNOWN_KERNEL]           = "unknown_kernel",
	[OOM_REASON_UNSUPPORTED_KERNEL]       = "unsupported_kernel",
	[OOM_REASON_UNKNOWN_TOTALPAGES]       = "unknown_totalpages",
	[OOM_REASON_HIGHER_SCORE_PASSED_OVER] = "higher_score_passed_over",
	[OOM_REASON_VFORK_CHILD]              = "vfork_child",
	[OOM_REASON_SCORE_MISMATCH]           = "score_mismatch",
	[OOM_REASON_BALLOT_LOST]              = "ballot_lost",
	[OOM_REASON_UNKNOWN_DOMAIN]           = "unknown_domain",
};

const char *oom_reason_name(enum oom_reason r)
{
	return (unsigned)r < OOM_REASON_COUNT ? reason_names[r] : "unknown";
}

/* ---- run ------------------------------------------------------------------------------------------- */

static void keep(struct oom_replay *r, const struct oom_case *c)
{
	r->profile = c->p;
	r->total = c->total;
	r->total_how = c->total_how;
	r->neligible = c->pick.eligible;
	r->winner = c->winner;
	r->runner_up = c->runner_up;
	r->actual = c->actual;
	r->margin = c->margin;
	r->drift_bound = c->drift;
	r->ballot = c->check;
	r->verdict = c->verdict;
	r->reason = c->reason;
	r->evidence_line = c->line;
	r->text = oom_case_text(c);
	if (c->winner >= 0)
		oom_badness(c->p, r->event, &r->event->task[c->winner], c->total, &r->winner_score);
	if (c->actual >= 0)
		oom_badness(c->p, r->event, &r->event->task[c->actual], c->total, &r->actual_score);
}

/* Whoever is sure of a choice must be sure of the same; where none is, nothing hangs on the rules. */
static bool same_outcome(const struct oom_case *a, const struct oom_case *b)
{
	if (a->verdict != b->verdict)
		return false;
	if (a->verdict == OOM_VERDICT_INSUFFICIENT)
		return true;
	return a->reason == b->reason || (a->verdict == OOM_VERDICT_EXACT && a->winner == b->winner);
}

/* No rules to replay by: the log's own rule (a panic, the allocating task) would need none, but the rest
 * does. */
static int without_profile(struct oom_replay *r)
{
	const struct oom_event *ev = r->event;
	struct oom_release release;
	bool old = oom_event_has_note(ev, "unsupported_kernel") ||
		   (ev->kernel.p && oom_release_parse(ev->kernel, &release));
	bool anybody = ev->nvictims || ev->chosen_pid != OOM_NA;

	r->verdict = OOM_VERDICT_INSUFFICIENT;
	r->reason = old		 ? OOM_REASON_UNSUPPORTED_KERNEL
		    : ev->ntasks ? OOM_REASON_UNKNOWN_KERNEL
				 : OOM_REASON_NO_TASK_TABLE;
	r->text =
		r->reason == OOM_REASON_UNSUPPORTED_KERNEL
			? OOM_STR("This kernel chose by rules older than 2.6.36 or by its vendor's own, "
				  "which are not replayed.")
		: r->reason == OOM_REASON_UNKNOWN_KERNEL
			? OOM_STR("The log does not say which kernel wrote it, and its lines fit several "
				  "that choose differently.")
			: anybody ? OOM_STR("The log holds no task table, so nobody can be compared with the victim.") :
		  OOM_STR("The log holds neither a task table nor a kill line of this event.");
	r->evidence_line = ev->at[ev->at[OOM_AT_HEADER] != OOM_NA ? OOM_AT_HEADER : OOM_AT_INVOKED];
	return 0;
}

static void disagreeing(struct oom_replay *r, const struct oom_case *a, const struct oom_case *b)
{
	r->verdict = OOM_VERDICT_INSUFFICIENT;
	r->reason = OOM_REASON_UNKNOWN_KERNEL;
	r->winner = -1;
	r->margin = OOM_NA;
	r->evidence_line = r->event->at[OOM_AT_HEADER];
	r->text = oom_arena_fmt(
		&r->arena,
		"The log does not settle which rules its kernel used: those of %s give another result "
		"than those of %s.",
		a->p->name, b->p->name);
}

/* *ret is zero but for its arena. */
static int run(const struct oom_event *ev, const struct oom_profile *forced, struct oom_replay *ret)
{
	const struct oom_profile *p[4] = { forced };
	struct oom_case c[4];
	size_t n = 1;
	int r;

	memset(c, 0, sizeof(c));
	ret->event = ev;
	ret->total = (struct oom_range){ 1, 0 };
	ret->winner = ret->runner_up = ret->actual = -1;
	ret->margin = ret->drift_bound = ret->evidence_line = OOM_NA;
	ret->profile_how = "asked for";
	if (!forced)
		n = oom_profile_for(ev, p, &ret->profile_how);
	if (!n)
		return without_profile(ret);
	for (size_t i = 0; i < n; i++) {
		c[i].ev = ev;
		c[i].p = p[i];
		c[i].arena = &ret->arena;
		r = oom_case_judge(&c[i]);
		if (r < 0)
			return r;
	}
	keep(ret, &c[0]);
	for (size_t i = 1; i < n; i++)
		if (!same_outcome(&c[0], &c[i]))
			disagreeing(ret, &c[0], &c[i]);
	return ret->text.p ? 0 : -ENOMEM;
}

int oom_replay_run(const struct oom_event *ev, const struct oom_profile *forced, struct oom_replay *ret)
{
	memset(ret, 0, sizeof(*ret));
	return run(ev, forced, ret);
}

int oom_replay_again(const struct oom_event *ev, const struct oom_profile *forced, struct oom_replay *io)
{
	struct oom_arena arena = io->arena;

	oom_arena_fold(&arena);
	memset(io, 0, sizeof(*io));
	io->arena = arena;
	return run(ev, forced, io);
}

void oom_replay_release(struct oom_replay *r)
{
	if (!r)
		return;
	oom_arena_release(&r->arena);
	memset(r, 0, sizeof(*r));
}

/* ---- rank ------------------------------------------------------------------------------------------ */

/* A key that sorts ascending: eligible first, more points first; the second part breaks ties as the scan
 * would. */
struct key { uint64_t points; uint32_t order, index; };

static uint32_t tie_order(const struct oom_task *t, enum oom_tie_rule tie, size_t i)
{
	bool leader = t->pid == t->tgid || t->tgid == OOM_NA;

	switch (tie) {
	case OOM_TIE_LAST:
		return UINT32_MAX - (uint32_t)i;
	case OOM_TIE_FIRST_LEADER: /* the first leader stays; before one comes, equals replace each other */
		return leader ? (uint32_t)i : UINT32_MAX - (uint32_t)i;
	default:
		return (uint32_t)i;
	}
}

/* LSD radix sort, 16 bits a turn, turns without differing bits left out; stable, so that the order sorts
 * first. */
static void sort_by(struct key *k, struct key *tmp, size_t n, uint32_t *count, unsigned shift, bool by_order)
{
	uint32_t sum = 0;

	memset(count, 0, 65536 * sizeof(*count));
	for (size_t i = 0; i < n; i++)
		count[((by_order ? k[i].order : k[i].points) >> shift) & 0xffff]++;
	for (size_t i = 0; i < 65536; i++) {
		uint32_t c = count[i];

		count[i] = sum;
		sum += c;
	}
	for (size_t i = 0; i < n; i++)
		tmp[count[((by_order ? k[i].order : k[i].points) >> shift) & 0xffff]++] = k[i];
	memcpy(k, tmp, n * sizeof(*k));
}

static int compare(const void *pa, const void *pb)
{
	const struct key *a = pa, *b = pb;

	if (a->points != b->points)
		return a->points < b->points ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

#define RADIX_FROM 2048        /* below, the 64 Ki counters cost more than a comparison sort */

static void sort_keys(struct key *k, struct key *tmp, size_t n, uint32_t *count)
{
	uint64_t points = 0, first = n ? k[0].points : 0;
	uint32_t order = 0;

	if (n < RADIX_FROM) {
		qsort(k, n, sizeof(*k), compare);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		points |= k[i].points ^ first;
		order |= k[i].order ^ k[0].order;
	}
	for (unsigned shift = 0; shift < 32; shift += 16)
		if (order >> shift & 0xffff)
			sort_by(k, tmp, n, count, shift, true);
	for (unsigned shift = 0; shift < 64; shift += 16)
		if (points >> shift & 0xffff)
			sort_by(k, tmp, n, count, shift, false);
}

/* One context for all rows; oom_badness() for each would find the machine's bounds again every time. */
static void score_rows(struct oom_replay *r, const struct oom_case *c, struct oom_score *score, struct key *k)
{
	const struct oom_event *ev = r->event;
	bool two = !(r->profile->flags & OOM_PROFILE_PER_MILLE) && r->total.lo < r->total.hi;
	struct oom_eval e = c->eval, lo = c->eval, hi = c->eval;

	oom_eval_total(&e, oom_eval_shown(r->profile, r->event, r->total));
	oom_eval_total(&lo, (struct oom_range){ r->total.lo, r->total.lo });
	oom_eval_total(&hi, (struct oom_range){ r->total.hi, r->total.hi });
	for (size_t i = 0, s = 0; i < ev->ntasks; i++) {
		struct oom_score *x = &score[i];

		oom_score_fill(&e, two ? &lo : NULL, two ? &hi : NULL, &ev->task[i], x);
		for (; s < c->nskips && c->skip[s].index <= i; s++)
			if (c->skip[s].index == i && !c->skip[s].maybe && x->why_not == OOM_WHY_ELIGIBLE)
				x->why_not = OOM_WHY_ALREADY_VICTIM;
		k[i].index = (uint32_t)i;
		k[i].order = tie_order(&ev->task[i], c->tie, i);
		/* signed points, most first; the ineligible last, in the table's order */
		k[i].points = x->why_not == OOM_WHY_ELIGIBLE ? (uint64_t)INT64_MAX - (uint64_t)x->nominal
							     : UINT64_MAX;
		if (x->why_not != OOM_WHY_ELIGIBLE)
			k[i].order = (uint32_t)i;
		else if (oom_task_is_origin(ev, &ev->task[i]))
			k[i].points = 0;
	}
}

int oom_replay_rank(struct oom_replay *r)
{
	size_t n = r->event->ntasks;
	struct oom_case c = { .ev = r->event, .p = r->profile, .arena = &r->arena };
	struct key *k;
	uint32_t *count, *rank;
	struct oom_score *score;

	if (!r->profile || r->rank || !n)
		return 0;
	c.tie = r->event->scope == OOM_SCOPE_MEMCG ? c.p->tie_memcg : c.p->tie_global;
	oom_eval_init(&c.eval, c.p, r->event);
	if (oom_case_skips(&c) < 0)
		return -ENOMEM;
	score = oom_arena_alloc(&r->arena, n * sizeof(*score));
	rank = oom_arena_alloc(&r->arena, n * sizeof(*rank));
	k = oom_arena_alloc(&r->arena, 2 * n * sizeof(*k));
	count = n >= RADIX_FROM ? oom_arena_alloc(&r->arena, 65536 * sizeof(*count)) : NULL;
	if (!score || !rank || !k || (n >= RADIX_FROM && !count))
		return -ENOMEM;
	score_rows(r, &c, score, k);
	sort_keys(k, k + n, n, count);
	for (size_t i = 0; i < n; i++)
		rank[i] = k[i].index;
	r->score = score;
	r->nscores = n;
	r->rank = rank;
	return 0;
}
