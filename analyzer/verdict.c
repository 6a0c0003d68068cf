/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the replay's choice, held against the kernel's, is worth.  The steps go from what the log says
 * outright to what arithmetic must decide; the first that settles the case ends it.
 */
#include "pass.h"

#include <stdlib.h>
#include <string.h>

#include "release.h"

static bool settle(struct oom_case *c, enum oom_verdict v, enum oom_reason r, int64_t line)
{
	c->verdict = v;
	c->reason = r;
	c->line = line;
	return true;
}

static bool insufficient(struct oom_case *c, enum oom_reason r, int64_t line)
{
	c->winner = -1;
	c->margin = OOM_NA;
	return settle(c, OOM_VERDICT_INSUFFICIENT, r, line);
}

static int64_t killed_pid(const struct oom_event *ev)
{
	return ev->nvictims ? ev->victim[0].pid : OOM_NA;
}

/* Rows of the chosen and of the killed pid in one walk: by thread group, else by the thread that the row
 * names. */
static void find_rows(const struct oom_event *ev, ptrdiff_t *chosen, ptrdiff_t *victim)
{
	ptrdiff_t by_tgid[2] = { -1, -1 }, by_pid[2] = { -1, -1 };
	const int64_t pid[2] = { ev->chosen_pid, killed_pid(ev) };

	for (size_t i = 0; i < ev->ntasks; i++) {
		const struct oom_task *t = &ev->task[i];

		for (int k = 0; k < 2; k++) {
			if (t->tgid == pid[k] && by_tgid[k] < 0)
				by_tgid[k] = (ptrdiff_t)i;
			if (t->pid == pid[k] && by_pid[k] < 0)
				by_pid[k] = (ptrdiff_t)i;
		}
	}
	*chosen = pid[0] == OOM_NA ? -1 : by_tgid[0] >= 0 ? by_tgid[0] : by_pid[0];
	*victim = pid[1] == OOM_NA ? -1 : by_tgid[1] >= 0 ? by_tgid[1] : by_pid[1];
}

/* ---- what the log says outright -------------------------------------------------------------------- */

static bool step_will_free(struct oom_case *c)
{
	if (c->ev->outcome != OOM_OUTCOME_WILL_FREE)
		return false;
	return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_WILL_FREE, c->ev->at[OOM_AT_OUTCOME]);
}

static bool step_allocating(struct oom_case *c)
{
	if (c->ev->allocating_task != 1)
		return false;
	return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_ALLOCATING_TASK, c->ev->at[OOM_AT_KILL]);
}

static bool step_policy(struct oom_case *c)
{
	if (oom_str_find(c->ev->constraint, "BPF") < 0)
		return false;
	return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_POLICY, c->ev->at[OOM_AT_SUMMARY]);
}

static bool step_panic(struct oom_case *c)
{
	if (c->ev->outcome != OOM_OUTCOME_PANIC || oom_str_find(c->ev->outcome_text, "panic_on_oom") < 0)
		return false;
	return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_PANIC_ON_OOM, c->ev->at[OOM_AT_OUTCOME]);
}

static bool step_no_table(struct oom_case *c)
{
	if (c->ev->ntasks)
		return false;
	/* an empty complete table is no gap: there was nobody */
	if (c->ev->has_table == 1 && c->ev->table_complete == 1 &&
	    (c->ev->outcome == OOM_OUTCOME_NO_KILLABLE || c->ev->outcome == OOM_OUTCOME_PANIC))
		return false;
	return insufficient(c, OOM_REASON_NO_TASK_TABLE, c->ev->at[OOM_AT_INVOKED]);
}

/* Rows that feeds told.  A walk shows all processes: unless it is known whose memory ran out, nobody knows which of
 * them were candidates. */
static bool step_ballot_gaps(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;

	if (ev->ballot == OOM_BALLOT_NONE || ev->has_table == 1)
		return false;
	if (ev->table_complete == 1)
		return c->pick.damaged ? insufficient(c, OOM_REASON_DAMAGED_TABLE, OOM_NA) : false;
	if (ev->ballot == OOM_BALLOT_RECONSTRUCTED && ev->ballot_lost <= 0)
		return insufficient(c, OOM_REASON_UNKNOWN_DOMAIN, OOM_NA);
	return insufficient(c, OOM_REASON_BALLOT_LOST, OOM_NA);
}

/* Damage inside the table: a line that could not be read may have been the best candidate. */
static bool step_table_gaps(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	int64_t from = ev->at[OOM_AT_TABLE], to = ev->ntasks ? ev->task[ev->ntasks - 1].line : OOM_NA;

	if (ev->table_complete != 1)
		return insufficient(c, OOM_REASON_TRUNCATED_TABLE, to);
	for (size_t i = 0; i < ev->nnotes && from != OOM_NA && to != OOM_NA; i++)
		if (oom_str_is(ev->note[i].kind, "damaged_line") && ev->note[i].line >= from &&
		    ev->note[i].line <= to)
			return insufficient(c, OOM_REASON_DAMAGED_TABLE, ev->note[i].line);
	if (c->pick.damaged)
		return insufficient(c, OOM_REASON_DAMAGED_TABLE, from);
	return false;
}

static bool step_no_killable(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;

	if (ev->outcome != OOM_OUTCOME_NO_KILLABLE && ev->outcome != OOM_OUTCOME_PANIC)
		return false;
	c->winner = -1;
	c->margin = OOM_NA;
	if (!c->pick.eligible)
		return settle(c, OOM_VERDICT_EXACT, OOM_REASON_NO_KILLABLE, ev->at[OOM_AT_OUTCOME]);
	c->other = c->pick.best;
	/* who is left may be an earlier victim whose mm is marked: killed before this log begins, or in doubt
	 */
	if (oom_case_skipped(c, c->other))
		return insufficient(c, OOM_REASON_PREVIOUS_VICTIM_SKIPPED, ev->task[c->other].line);
	return settle(c, OOM_VERDICT_UNEXPLAINED, OOM_REASON_NO_KILLABLE, ev->at[OOM_AT_OUTCOME]);
}

static bool step_totalpages(struct oom_case *c)
{
	if (!oom_case_per_mille(c) || oom_case_total_known(c))
		return false;
	return insufficient(c, OOM_REASON_UNKNOWN_TOTALPAGES, c->ev->at[OOM_AT_TABLE]);
}

static bool step_no_kill(struct oom_case *c)
{
	if (c->ev->chosen_pid != OOM_NA || c->ev->nvictims)
		return false;
	return settle(c, OOM_VERDICT_INSUFFICIENT, OOM_REASON_NO_KILL_LINE, c->ev->last_line);
}

/*
 * Whom did the kernel choose?  The summary (5.0+) and the first kill line (up to 5.0) name the chosen one,
 * the last line the one that got the signal: a child of it up to 5.0, or the thread of it that owns the mm.
 */
static bool step_actual(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	ptrdiff_t chosen = c->chosen_row, victim = c->victim_row;
	int64_t summary = ev->at[OOM_AT_SUMMARY];

	if (chosen < 0 && victim < 0)
		return insufficient(c, OOM_REASON_VICTIM_NOT_IN_TABLE, ev->at[OOM_AT_KILL]);
	c->actual = chosen >= 0 ? chosen : victim;
	c->by_thread = chosen < 0 && ev->chosen_pid != OOM_NA;
	/* the summary names the group's leader, which a row always shows: if none does, the line is cut or
	 * not of this dump */
	if (c->by_thread && summary != OOM_NA) {
		c->by_thread = false;
		for (size_t i = 0; i < ev->nnotes; i++)
			if (ev->note[i].line == summary && oom_str_is(ev->note[i].kind, "damaged_line"))
				return false;
		c->detail = oom_arena_fmt(c->arena, "the summary names pid %lld, which has no row",
					  (long long)ev->chosen_pid);
		return insufficient(c, OOM_REASON_DAMAGED_TABLE, summary);
	}
	if (chosen >= 0 && victim != chosen && ev->nvictims && ev->victim[0].role == OOM_ROLE_CHILD)
		c->child = victim;
	else if (chosen >= 0 && victim >= 0 && victim != chosen)
		c->child = victim;
	if (c->child >= 0 && !(c->p->flags & OOM_PROFILE_CHILD)) {
		c->detail = OOM_STR("the lines name two different processes");
		return insufficient(c, OOM_REASON_DAMAGED_TABLE, ev->at[OOM_AT_KILL]);
	}
	return false;
}

/* ---- cross-checks ---------------------------------------------------------------------------------- */

/*
 * The kill line reads the same mm a moment after the table did.  Its counters may have drifted, its address space
 * hardly; anything beyond that means that the row or the line is not what the kernel wrote.
 */
static bool check_kill_sizes(struct oom_case *c, const struct oom_victim *v, const struct oom_task *t)
{
	int64_t page = c->ev->page_size, moved = c->drift_pages, rss = 0;

	if (page < 1024 || v->anon_rss_kb == OOM_NA || v->file_rss_kb == OOM_NA)
		return true;
	for (size_t i = 0; i < 3; i++) {
		int64_t kb = i == 0 ? v->anon_rss_kb : i == 1 ? v->file_rss_kb : v->shmem_rss_kb;

		if (kb != OOM_NA && !oom_eval_pages_ok(kb))
			return true;
		rss += kb == OOM_NA ? 0 : kb / (page / 1024);
	}
	if (!oom_eval_pages_ok(t->rss_pages))
		return true;
	if (llabs(rss - t->rss_pages) > moved) {
		c->detail = oom_arena_fmt(c->arena, "its row has %s resident pages, the kill line %s",
					  oom_case_number(c, t->rss_pages), oom_case_number(c, rss));
		return false;
	}
	if (oom_eval_pages_ok(t->total_vm_pages) && v->total_vm_kb >= 0 &&
	    llabs(v->total_vm_kb / (page / 1024) - t->total_vm_pages) > moved) {
		c->detail = oom_arena_fmt(c->arena, "its row has %s pages of address space, the kill line %s",
					  oom_case_number(c, t->total_vm_pages),
					  oom_case_number(c, v->total_vm_kb / (page / 1024)));
		return false;
	}
	return true;
}

/* The row and the kill line must be of one process. */
static bool check_kill_line(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	ptrdiff_t row = c->child >= 0 ? c->child : c->actual;
	const struct oom_task *t = &ev->task[row];
	const struct oom_victim *v = ev->victim;

	if (!ev->nvictims || c->victim_row != row)
		return true;
	if (v->oom_score_adj != OOM_NA && v->oom_score_adj != t->oom_score_adj) {
		c->detail =
			oom_arena_fmt(c->arena, "its row has oom_score_adj %lld, the kill line %lld",
				      (long long)t->oom_score_adj, (long long)v->oom_score_adj);
		return false;
	}
	return check_kill_sizes(c, v, t);
}

static bool is_origin(const struct oom_case *c)
{
	/* swapoff and ksm writers are chosen at the top of the scale: the old line prints (2^64 - 1000) / T,
	 * cut to 32 bits */
	int64_t s = c->ev->chosen_score;

	return s != OOM_NA && oom_case_total_known(c) && c->total.lo == c->total.hi &&
	       !oom_case_per_mille(c) && s == (int64_t)(uint32_t)((UINT64_MAX - 999) / (uint64_t)c->total.lo);
}

static bool contradicted(struct oom_case *c)
{
	int score = oom_case_check_score(c);

	/* the kernel's own points are no matter of how its lines are read */
	if (oom_case_own(c, c->actual, -1))
		return false;
	if (score == 2 && is_origin(c))
		return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_OOM_TASK_ORIGIN, c->ev->at[OOM_AT_SCORE]);
	if (score == 2)
		return settle(c, OOM_VERDICT_INSUFFICIENT, OOM_REASON_SCORE_MISMATCH,
			      c->ev->at[OOM_AT_SCORE]);
	if (!check_kill_line(c))
		return settle(c, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE, c->ev->at[OOM_AT_KILL]);
	if (score == 1)
		return settle(c, OOM_VERDICT_WITHIN_DRIFT, OOM_REASON_COUNTER_DRIFT, c->ev->at[OOM_AT_SCORE]);
	return false;
}

/* ---- the arithmetic -------------------------------------------------------------------------------- */

/* An earlier victim that would have won: the rule that passed it over stands in the log. */
static bool passed_over_victim(struct oom_case *c)
{
	struct oom_terms x, a = c->actual_terms;

	for (size_t i = 0; i < c->nskips; i++) {
		const struct oom_skip *s = &c->skip[i];

		if (oom_eval_task(&c->eval, &c->ev->task[s->index], &x) != OOM_WHY_ELIGIBLE || x.lo <= a.hi)
			continue;
		c->other = (ptrdiff_t)s->index;
		return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_PREVIOUS_VICTIM_SKIPPED, s->prior->line);
	}
	return false;
}

static bool agreed(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	int64_t kill = ev->at[OOM_AT_KILL];

	if (contradicted(c))
		return true;
	if (c->child >= 0 || (ev->nvictims && ev->victim[0].role == OOM_ROLE_CHILD))
		return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_CHILD_SACRIFICED, ev->at[OOM_AT_SCORE]);
	if (passed_over_victim(c))
		return true;
	if (ev->oom_group == 1)
		return settle(c, OOM_VERDICT_EXACT, OOM_REASON_GROUP_KILL, kill);
	if (ev->sysrq == 1)
		return settle(c, OOM_VERDICT_EXACT, OOM_REASON_SYSRQ, kill);
	if (c->by_thread || (oom_event_logged(ev) && c->chosen_row >= 0 && c->victim_row >= 0 &&
			     killed_pid(ev) != ev->chosen_pid))
		return settle(c, OOM_VERDICT_EXACT, OOM_REASON_THREAD_OF_CHOSEN, kill);
	if (c->pick.tied > 1)
		return settle(c, OOM_VERDICT_EXACT, OOM_REASON_TIE_BREAK, kill);
	return settle(c, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS, kill);
}

/* The actual row may have won; the log does not say enough to be sure.  Name the doubt. */
static bool undecided(struct oom_case *c)
{
	bool must, may;

	c->other = c->pick.best != c->actual ? c->pick.best : c->pick.second;
	if (!c->order_known && c->pick.tied > 1 && c->pick.best_points == c->actual_terms.nominal &&
	    !c->pick.wide)
		return insufficient(c, OOM_REASON_TIE_BREAK, c->ev->at[OOM_AT_TABLE]);
	oom_case_weigh(c, true, &must, &may);
	if (must && !contradicted(c)) /* only the doubt about root's capability was left */
		return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_ROOT_BONUS,
			      c->other >= 0 ? c->ev->task[c->other].line : OOM_NA);
	if (must)
		return true;
	for (size_t i = 0; i < c->nskips; i++)
		if (c->skip[i].maybe &&
		    ((ptrdiff_t)c->skip[i].index == c->pick.best || c->skip[i].index == (size_t)c->actual))
			return insufficient(c, OOM_REASON_PREVIOUS_VICTIM_SKIPPED, c->skip[i].prior->line);
	if (c->scope_doubt || (oom_case_total_matters(c) && !c->pick.wide))
		return insufficient(c, OOM_REASON_UNKNOWN_TOTALPAGES, c->ev->at[OOM_AT_TABLE]);
	if (!oom_case_hides_terms(c) && c->p->root != OOM_ROOT_NONE)
		return insufficient(c, OOM_REASON_ROOT_BONUS, c->ev->at[OOM_AT_TABLE]);
	return insufficient(c, OOM_REASON_HIDDEN_TERM, c->ev->at[OOM_AT_TABLE]);
}

/* At the floor of 1 the pages below it are not seen: only a task that the drift lifts above it can gain. */
static bool drift_matters(const struct oom_case *c)
{
	struct oom_profile bare = *c->p;
	struct oom_eval e = c->eval;
	struct oom_terms x;

	if (oom_case_per_mille(c) || c->p->floor == OOM_NA)
		return true;
	bare.floor = OOM_NA;
	e.p = &bare;
	return oom_eval_task(&e, &c->ev->task[c->actual], &x) == OOM_WHY_ELIGIBLE &&
	       x.hi + c->drift > c->p->floor;
}

static bool same_mm(const struct oom_task *a, const struct oom_task *b)
{
	return a->total_vm_pages == b->total_vm_pages && a->rss_pages == b->rss_pages &&
	       a->swap_pages == b->swap_pages && a->pgtables_bytes == b->pgtables_bytes &&
	       a->nr_ptes == b->nr_ptes && a->uid == b->uid && a->total_vm_pages != OOM_NA &&
	       a->rss_pages > 0;
}

static bool vendor_policy(const struct oom_case *c)
{
	struct oom_release r;

	return c->ev->kernel.p && oom_release_parse(c->ev->kernel, &r) &&
	       (r.vendor == OOM_VENDOR_EULER || r.vendor == OOM_VENDOR_ANOLIS ||
		r.vendor == OOM_VENDOR_TENCENT);
}

static bool disagreed(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	const struct oom_task *a = &ev->task[c->actual],
			      *w = c->pick.best >= 0 ? &ev->task[c->pick.best] : NULL;
	int64_t short_of = w ? c->pick.best_points - c->actual_terms.nominal : 0;
	bool first_line = ev->chosen_pid != OOM_NA || !(c->p->flags & OOM_PROFILE_CHILD);

	c->other = c->pick.best;
	if (is_origin(c))
		return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_OOM_TASK_ORIGIN, ev->at[OOM_AT_SCORE]);
	if (oom_case_own(c, c->actual, c->pick.best))
		return settle(c, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER, OOM_NA);
	if (!check_kill_line(c))
		return insufficient(c, OOM_REASON_DAMAGED_TABLE, ev->at[OOM_AT_KILL]);
	if (w && same_mm(a, w) && w->kernel_flags == OOM_NA && c->p >= oom_profile_named("4.7"))
		return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_VFORK_CHILD, w->line);
	if (w && c->actual_eligible && short_of >= 0 && short_of <= c->drift && first_line &&
	    drift_matters(c))
		return settle(c, OOM_VERDICT_WITHIN_DRIFT, OOM_REASON_COUNTER_DRIFT, w->line);
	if (c->by_thread && c->p->flags & OOM_PROFILE_CHILD && w && oom_str_eq(w->comm, ev->chosen_comm)) {
		c->child = c->actual; /* a thread of the winner was named, its child was killed */
		c->actual = c->pick.best;
		return settle(c, OOM_VERDICT_EXPLAINED, OOM_REASON_CHILD_SACRIFICED, ev->at[OOM_AT_SCORE]);
	}
	if (c->by_thread)
		return insufficient(c, OOM_REASON_VICTIM_NOT_IN_TABLE, ev->at[OOM_AT_SCORE]);
	if (!first_line)
		return insufficient(c, OOM_REASON_NO_KILL_LINE, ev->at[OOM_AT_KILL]);
	if (vendor_policy(c) || oom_event_has_note(ev, "would_have_killed"))
		return insufficient(c, OOM_REASON_POLICY, ev->at[OOM_AT_KILL]);
	if (oom_str_is(a->comm, "swapoff"))
		return insufficient(c, OOM_REASON_OOM_TASK_ORIGIN, a->line);
	return settle(c, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER, w ? w->line : OOM_NA);
}

/* A task that asked to be the first (swapoff, ksm) is taken without a score, the last such one; 5.3 on. */
static bool step_origin(struct oom_case *c)
{
	ptrdiff_t first = -1;

	for (size_t i = 0; i < c->ev->ntasks; i++)
		if (oom_task_is_origin(c->ev, &c->ev->task[i]))
			first = (ptrdiff_t)i;
	if (first < 0)
		return false;
	c->winner = c->other = first;
	c->runner_up = -1;
	c->margin = OOM_NA;
	return settle(c, first == c->actual ? OOM_VERDICT_EXPLAINED : OOM_VERDICT_UNEXPLAINED,
		      OOM_REASON_OOM_TASK_ORIGIN, OOM_NA);
}

static bool step_arithmetic(struct oom_case *c)
{
	bool must, may;

	oom_case_drift(c);
	oom_case_doubt_scope(c);
	oom_case_narrow(c);
	c->actual_eligible =
		oom_eval_task(&c->eval, &c->ev->task[c->actual], &c->actual_terms) == OOM_WHY_ELIGIBLE &&
		!oom_case_skipped(c, c->actual);
	if (!c->actual_eligible)
		memset(&c->actual_terms, 0, sizeof(c->actual_terms));
	oom_case_weigh(c, false, &must, &may);
	if (must) {
		c->winner = c->actual;
		return agreed(c);
	}
	return may ? undecided(c) : disagreed(c);
}

/* ---- the case ---------------------------------------------------------------------------------------- */

/* Up to 5.2 a memcg's scan does not follow the table, nor does RHEL 8.3's, which scans 5.3's way but prints
 * the old way. */
static bool order_is_known(const struct oom_case *c)
{
	struct oom_release r;

	if (c->ev->scope != OOM_SCOPE_MEMCG)
		return true;
	if (c->ev->kernel.p && oom_release_parse(c->ev->kernel, &r) && r.el == 8 &&
	    !strcmp(c->p->name, "5.3"))
		return false;
	return !(c->p->flags & OOM_PROFILE_MEMCG_THREADS);
}

int oom_case_judge(struct oom_case *c)
{
	static bool (*const steps[])(struct oom_case *) = {
		step_will_free, step_allocating, step_policy,	   step_panic,
		step_no_table,	step_ballot_gaps, step_table_gaps, step_no_killable,
		step_totalpages, step_no_kill,	 step_actual,	   step_origin,
		step_arithmetic,
	};
	int r;

	c->actual = c->winner = c->runner_up = c->other = c->child = -1;
	c->margin = c->drift = c->elapsed_us = c->line = OOM_NA;
	c->tie = c->ev->scope == OOM_SCOPE_MEMCG ? c->p->tie_memcg : c->p->tie_global;
	c->order_known = order_is_known(c);
	c->total = oom_totalpages(c->p, c->ev, c->arena, &c->total_how);
	oom_eval_init(&c->eval, c->p, c->ev);
	r = oom_case_skips(c);
	if (r < 0)
		return r;
	oom_case_look(c);
	find_rows(c->ev, &c->chosen_row, &c->victim_row);
	oom_case_check_ballot(c, &c->check);
	if (c->check.differ)
		oom_case_drift(c);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(steps); i++)
		if (steps[i](c))
			break;
	if (c->actual < 0)
		c->actual = c->chosen_row >= 0 ? c->chosen_row : c->victim_row;
	return 0;
}
