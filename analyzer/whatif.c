/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The dry run: two clones of the event, one of them edited, and the replay over both. */
#include <errno.h>
#include <string.h>

#include <oomlens/fact.h>

#include "evaluate.h"
#include "whatif_impl.h"

/* ---- one clone -------------------------------------------------------------------------------------- */

void oom_dry_remove(struct oom_dry_run *d, size_t row)
{
	size_t after = --d->event.ntasks - row;

	memmove(&d->event.task[row], &d->event.task[row + 1], after * sizeof(*d->event.task));
	memmove(&d->origin[row], &d->origin[row + 1], after * sizeof(*d->origin));
}

static bool is_row_of(const struct oom_task *t, int64_t pid)
{
	return pid != OOM_NA && (t->tgid == pid || t->pid == pid);
}

/* What the kernel decided is no fact of a dry run.  An earlier victim that was killed again was a candidate again. */
static void forget_outcome(struct oom_event *ev)
{
	int64_t killed = ev->nvictims ? ev->victim[0].pid : OOM_NA;
	size_t kept = 0;

	for (size_t i = 0; i < ev->npriors; i++)
		if (ev->prior[i].pid != killed && ev->prior[i].pid != ev->chosen_pid)
			ev->prior[kept++] = ev->prior[i];
	ev->npriors = kept;
	ev->nvictims = 0;
	ev->chosen_pid = ev->chosen_uid = ev->chosen_score = OOM_NA;
	ev->chosen_comm = ev->outcome_text = OOM_STR_NULL;
	ev->allocating_task = ev->oom_group = ev->sysrq = 0;
	ev->at[OOM_AT_SUMMARY] = ev->at[OOM_AT_SCORE] = ev->at[OOM_AT_KILL] = OOM_NA;
}

/*
 * The kernel's own points are of the old values.  What they differ from the row's formula goes into its memory, so that
 * the formula gives them back, and follows an edit from there.
 */
static void take_ballot(struct oom_dry_run *d, const struct oom_profile *p, struct oom_range total)
{
	struct oom_event *ev = &d->event;
	struct oom_eval e;

	if (ev->ballot != OOM_BALLOT_RECORDED || total.lo != total.hi || p->flags & OOM_PROFILE_PER_MILLE)
		return;
	oom_eval_init(&e, p, ev);
	oom_eval_total(&e, total);
	for (size_t i = 0; i < ev->ntasks; i++) {
		struct oom_task *t = &ev->task[i];
		struct oom_terms x;

		if (oom_eval_own(&e, t) && oom_eval_formula(&e, t, &x) == OOM_WHY_ELIGIBLE &&
		    t->rss_pages + t->kernel_points - x.nominal >= 0) {
			t->rss_pages += t->kernel_points - x.nominal;
			t->kernel_points = OOM_NA;
			t->kernel_flags = t->kernel_flags == OOM_NA ? 0 : t->kernel_flags;
		}
		/* refused for its adjustment, which may be another one now */
		if (t->kernel_flags != OOM_NA && t->oom_score_adj == -1000)
			t->kernel_flags &= ~(int64_t)OOM_FACT_INELIGIBLE;
	}
}

/* A vfork child is no candidate, whatever its value (4.8+). */
static void drop_vfork_children(struct oom_dry_run *d, const struct oom_replay *base)
{
	if (base->reason != OOM_REASON_VFORK_CHILD || base->actual < 0)
		return;
	for (size_t i = d->event.ntasks; i-- > 0;)
		if (d->origin[i] != (uint32_t)base->actual &&
		    oom_dry_one_mm(&d->event.task[i], &base->event->task[base->actual]))
			oom_dry_remove(d, i);
}

static int dry_init(struct oom_whatif *w, struct oom_dry_run *d, const struct oom_whatif_opts *o)
{
	const struct oom_event *ev = w->event;
	size_t n = ev->ntasks;

	if (oom_event_clone(&d->event, ev) < 0)
		return -ENOMEM;
	d->origin = oom_arena_alloc(&w->arena, (n + 1) * sizeof(*d->origin));
	d->group = oom_arena_alloc(&w->arena, (o->ngroups + o->nedits + 1) * sizeof(*d->group));
	if (!d->origin || !d->group)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		d->origin[i] = (uint32_t)i;
	for (size_t i = 0; i < o->ngroups; i++)
		d->group[d->ngroups++] = o->group[i];
	if (ev->oom_group == 1 && ev->oom_group_path.p)
		d->group[d->ngroups++] = ev->oom_group_path;
	forget_outcome(&d->event);
	drop_vfork_children(d, &w->base);
	take_ballot(d, w->base.profile, w->base.total);
	d->total = w->base.total;
	/* a memory cgroup's OOM never asks that sysctl */
	d->allocating = ev->scope != OOM_SCOPE_MEMCG &&
			(ev->allocating_task == 1 || oom_event_has_note(ev, "allocating_task"));
	d->winner = -1;
	d->verdict = OOM_VERDICT_INSUFFICIENT;
	d->margin = d->bound = OOM_NA;
	return 0;
}

/* ---- who is chosen ---------------------------------------------------------------------------------- */

bool oom_dry_per_mille(const struct oom_dry_run *d)
{
	return d->replay.profile && d->replay.profile->flags & OOM_PROFILE_PER_MILLE;
}

int64_t oom_dry_total(const struct oom_dry_run *d, const struct oom_profile *p)
{
	if (d->total.lo == d->total.hi)
		return d->total.lo;
	if (p->flags & OOM_PROFILE_PER_MILLE)
		return OOM_NA;
	return oom_eval_shown(p, &d->event, d->total).lo;
}

/* The selection at one totalpages, held against a choice that is supposed (OOM_NA: none). */
static int replay_at(struct oom_dry_run *d, const struct oom_profile *p, int64_t total, int64_t chosen,
		     struct oom_replay *ret)
{
	d->event.total_pages = total;
	d->event.chosen_pid = chosen;
	d->event.outcome = chosen == OOM_NA ? OOM_OUTCOME_TRUNCATED : OOM_OUTCOME_KILLED;
	return oom_replay_run(&d->event, p, ret);
}

int oom_dry_replay(struct oom_dry_run *d, const struct oom_profile *p, struct oom_replay *ret)
{
	return replay_at(d, p, oom_dry_total(d, p), OOM_NA, ret);
}

/*
 * Had the kernel taken the winner: would the replay call that exact?  Page profiles are linear in totalpages, so what
 * holds at both of its ends holds between them.
 */
static int judge(const struct oom_whatif *w, struct oom_dry_run *d)
{
	const struct oom_profile *p = w->base.profile;
	const struct oom_task *t = &d->event.task[d->winner];
	int64_t nominal = d->event.total_pages, ends[2] = { nominal, nominal };
	size_t n = 1;

	if (!(p->flags & OOM_PROFILE_PER_MILLE) && d->total.lo != d->total.hi) {
		ends[0] = d->total.lo <= d->total.hi ? d->total.lo : 1;
		ends[1] = d->total.lo <= d->total.hi ? d->total.hi : OOM_PAGES_MAX;
		n = 2;
	}
	d->verdict = OOM_VERDICT_EXACT;
	for (size_t i = 0; i < n; i++) {
		struct oom_replay r;
		int err = replay_at(d, p, ends[i], t->tgid != OOM_NA ? t->tgid : t->pid, &r);
		bool same = r.verdict <= OOM_VERDICT_EXPLAINED && r.winner == d->winner;

		if (d->verdict != OOM_VERDICT_INSUFFICIENT) {
			d->verdict = same ? r.verdict : OOM_VERDICT_INSUFFICIENT;
			d->reason = same || n == 1 ? r.reason : OOM_REASON_UNKNOWN_TOTALPAGES;
			d->bound = r.drift_bound;
		}
		oom_replay_release(&r);
		if (err < 0)
			return err;
	}
	d->event.total_pages = nominal;
	d->event.chosen_pid = OOM_NA;
	d->event.outcome = OOM_OUTCOME_TRUNCATED;
	return 0;
}

ptrdiff_t oom_dry_trigger(const struct oom_dry_run *d)
{
	for (size_t i = 0; i < d->event.ntasks; i++)
		if (is_row_of(&d->event.task[i], d->event.trigger_pid))
			return (ptrdiff_t)i;
	return -1;
}

/*
 * vm.oom_kill_allocating_task: whoever allocates is taken if it can be killed, else there is a selection.  Who that is,
 * is known of a past event alone, and there a thread need not have a row of its own.  Until 3.5 the
 * adjustment was not looked at.
 */
static void take_allocating(const struct oom_whatif *w, struct oom_dry_run *d)
{
	ptrdiff_t row = oom_dry_trigger(d);
	const struct oom_task *t = row < 0 ? NULL : &d->event.task[row];

	if (w->event->allocating_task == 1)
		for (size_t i = 0; row < 0 && i < d->event.ntasks; i++)
			if ((ptrdiff_t)d->origin[i] == w->base.actual)
				row = (ptrdiff_t)i, t = &d->event.task[i];
	if (t && (t->tgid == 1 || (t->oom_score_adj == -1000 && w->base.profile > oom_profile_named("3.5"))))
		return;
	d->reason = OOM_REASON_ALLOCATING_TASK;
	d->verdict = t && t->oom_score_adj != -1000 ? OOM_VERDICT_EXPLAINED : OOM_VERDICT_INSUFFICIENT;
	d->winner = d->verdict == OOM_VERDICT_EXPLAINED ? row : -1;
	d->margin = OOM_NA;
}

bool oom_whatif_forbidden(const struct oom_replay *b)
{
	static const enum oom_reason open[] = {
		OOM_REASON_HIDDEN_TERM, OOM_REASON_TIE_BREAK, OOM_REASON_ROOT_BONUS, OOM_REASON_UNKNOWN_TOTALPAGES,
		OOM_REASON_NO_KILL_LINE, OOM_REASON_PREVIOUS_VICTIM_SKIPPED,
	};
	static const enum oom_reason rules[] = {
		OOM_REASON_OOM_TASK_ORIGIN, OOM_REASON_POLICY, OOM_REASON_PANIC_ON_OOM, OOM_REASON_WILL_FREE,
	};

	if (b->verdict == OOM_VERDICT_UNEXPLAINED)
		return true;
	if (b->verdict == OOM_VERDICT_INSUFFICIENT) {
		for (size_t i = 0; i < OOM_ARRAY_SIZE(open); i++)
			if (b->reason == open[i])
				return false;
		return true;
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rules); i++)
		if (b->reason == rules[i])
			return true;
	return false;
}

/* Where the log leaves several sets of rules, they must agree. */
static int ask_other_rules(const struct oom_whatif *w, struct oom_dry_run *d)
{
	const struct oom_profile *p[4];
	const char *how;
	size_t n = w->forced ? 0 : oom_profile_for(w->event, p, &how);
	int err = 0;

	for (size_t i = 1; i < n && err == 0; i++) {
		struct oom_replay r;

		err = oom_dry_replay(d, p[i], &r);
		if (r.winner != d->winner) {
			d->verdict = OOM_VERDICT_INSUFFICIENT;
			d->reason = OOM_REASON_UNKNOWN_KERNEL;
		}
		oom_replay_release(&r);
	}
	return err;
}

int oom_dry_decide(const struct oom_whatif *w, struct oom_dry_run *d, int64_t drift)
{
	int r;

	oom_replay_release(&d->replay);
	r = oom_dry_replay(d, w->base.profile, &d->replay);
	if (r == 0)
		r = oom_replay_rank(&d->replay);
	if (r < 0)
		return r;
	d->winner = d->replay.winner;
	d->margin = d->replay.margin;
	d->verdict = OOM_VERDICT_INSUFFICIENT;
	d->reason = d->replay.reason;
	if (d->winner >= 0)
		r = judge(w, d);
	else if (d->reason == OOM_REASON_NO_KILL_LINE && !d->replay.neligible)
		d->verdict = OOM_VERDICT_EXACT, d->reason = OOM_REASON_NO_KILLABLE;
	if (r == 0)
		r = ask_other_rules(w, d);
	if (w->base.ballot.points && w->base.ballot.points >= w->base.neligible)
		d->bound = OOM_NA;             /* the kernel's own points at that moment */
	else if (drift != OOM_NA)
		d->bound = drift;
	if (d->verdict <= OOM_VERDICT_EXPLAINED && d->margin != OOM_NA && d->bound != OOM_NA && d->margin <= d->bound) {
		d->verdict = OOM_VERDICT_WITHIN_DRIFT;
		d->reason = OOM_REASON_COUNTER_DRIFT;
	}
	if (d->allocating)
		take_allocating(w, d);
	if (oom_whatif_forbidden(&w->base)) {
		d->verdict = OOM_VERDICT_INSUFFICIENT;
		d->reason = w->base.reason;
	}
	return r;
}

/* Of what the kernel did, the log knows more than arithmetic does. */
static void keep_what_was(struct oom_whatif *w)
{
	struct oom_dry_run *d = &w->before;

	if (w->base.actual < 0 || w->base.verdict > OOM_VERDICT_WITHIN_DRIFT)
		return;
	for (size_t i = 0; i < d->event.ntasks; i++)
		if ((ptrdiff_t)d->origin[i] == w->base.actual) {
			if (d->winner != (ptrdiff_t)i)
				d->margin = OOM_NA;
			d->winner = (ptrdiff_t)i;
			d->verdict = w->base.verdict;
			d->reason = w->base.reason;
		}
}

/* ---- the run ---------------------------------------------------------------------------------------- */

/* Nothing was changed, so nothing is. */
static void copy_answer(struct oom_dry_run *to, const struct oom_dry_run *from)
{
	to->winner = from->winner;
	to->verdict = from->verdict;
	to->reason = from->reason;
	to->margin = from->margin;
	to->bound = from->bound;
}

static int no_rules(const struct oom_whatif *w, struct oom_err *reterr)
{
	return oom_err_set(reterr, ENOTSUP, "%.*s", (int)(w->base.text.n < 380 ? w->base.text.n : 380),
			   w->base.text.p ? w->base.text.p : "");
}

int oom_whatif_run(const struct oom_event *ev, const struct oom_whatif_opts *o, struct oom_whatif *ret,
		   struct oom_err *reterr)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	ret->event = ev;
	ret->forced = o->profile != NULL;
	r = oom_replay_run(ev, o->profile, &ret->base);
	if (r == 0 && (!ret->base.profile || ret->base.reason == OOM_REASON_UNKNOWN_KERNEL))
		return no_rules(ret, reterr);
	if (r == 0)
		r = dry_init(ret, &ret->before, o);
	if (r == 0)
		r = dry_init(ret, &ret->after, o);
	if (r == 0)
		r = oom_dry_decide(ret, &ret->before, o->drift);
	if (r == 0) {
		keep_what_was(ret);
		r = oom_whatif_edit(ret, o, reterr);
	}
	if (r == 0)
		r = oom_dry_decide(ret, &ret->after, o->drift);
	if (r == 0 && !ret->changed)
		copy_answer(&ret->after, &ret->before);
	if (r == 0 && o->spare)
		r = oom_whatif_spare(ret, o, reterr);
	if (r == -ENOMEM)
		oom_err_set(reterr, ENOMEM, "out of memory");
	return r;
}

static void dry_release(struct oom_dry_run *d)
{
	oom_replay_release(&d->replay);
	oom_event_release(&d->event);
}

void oom_whatif_release(struct oom_whatif *w)
{
	if (!w)
		return;
	dry_release(&w->before);
	dry_release(&w->after);
	oom_replay_release(&w->base);
	oom_arena_release(&w->arena);
	memset(w, 0, sizeof(*w));
}
