/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentence for people: every reason has one, with the numbers of the case. */
#include "pass.h"

#include <string.h>

const char *oom_case_number(const struct oom_case *c, int64_t v)
{
	char digits[32], out[48];
	int n = snprintf(digits, sizeof(digits), "%lld", (long long)v), k = 0;

	for (int i = 0; i < n; i++) {
		out[k++] = digits[i];
		if (digits[i] != '-' && i + 1 < n && (n - 1 - i) % 3 == 0)
			out[k++] = ',';
	}
	struct oom_str s = oom_arena_fmt(c->arena, "%.*s", k, out);

	return s.p ? s.p : "?";
}

/* "1,234 points (4.8 MiB)"; per-mille profiles have points of a thousandth of totalpages. */
static const char *amount(const struct oom_case *c, int64_t points, bool unit)
{
	int64_t page = c->ev->page_size;
	struct oom_str s;
	double mib;

	if (c->p->flags & OOM_PROFILE_PER_MILLE)
		s = oom_arena_fmt(c->arena, "%s%s", oom_case_number(c, points),
				  unit ? " points of 1,000" : "");
	else if (page == OOM_NA || page <= 0)
		s = oom_arena_fmt(c->arena, "%s%s", oom_case_number(c, points), unit ? " points" : "");
	else {
		mib = (double)points * (double)page / 1048576.0;
		s = mib < 1024 && mib > -1024
			    ? oom_arena_fmt(c->arena, "%s%s (%.1f MiB)", oom_case_number(c, points),
					    unit ? " points" : "", mib)
			    : oom_arena_fmt(c->arena, "%s%s (%.1f GiB)", oom_case_number(c, points),
					    unit ? " points" : "", mib / 1024);
	}
	return s.p ? s.p : "?";
}

static const char *named(const struct oom_case *c, struct oom_str comm, int64_t pid)
{
	struct oom_str s = comm.n ?
			   oom_arena_fmt(c->arena, "%.*s (pid %lld)", (int)comm.n, comm.p, (long long)pid) :
			   oom_arena_fmt(c->arena, "a task without a name (pid %lld)", (long long)pid);

	return s.p ? s.p : "?";
}

static const char *who(const struct oom_case *c, ptrdiff_t row)
{
	const struct oom_task *t = row >= 0 ? &c->ev->task[row] : NULL;

	return t ? named(c, t->comm, t->tgid != OOM_NA ? t->tgid : t->pid) : "no task";
}

/* The process that the log says was chosen or killed, whether it has a row or not. */
static const char *victim(const struct oom_case *c)
{
	const struct oom_event *ev = c->ev;

	if (c->actual >= 0)
		return who(c, c->actual);
	if (ev->chosen_pid != OOM_NA)
		return named(c, ev->chosen_comm, ev->chosen_pid);
	return ev->nvictims ? named(c, ev->victim[0].comm, ev->victim[0].pid) : "the victim";
}

static bool anybody(const struct oom_case *c)
{
	return c->ev->chosen_pid != OOM_NA || c->ev->nvictims;
}

static const char *killed_child(const struct oom_case *c)
{
	const struct oom_event *ev = c->ev;

	if (c->child >= 0 || !ev->nvictims)
		return who(c, c->child);
	return named(c, ev->victim[0].comm, ev->victim[0].pid);
}

static const char *tasks(const struct oom_case *c)
{
	struct oom_str s = oom_arena_fmt(c->arena, "%s task%s", oom_case_number(c, (int64_t)c->pick.eligible),
					 c->pick.eligible == 1 ? "" : "s");

	return s.p ? s.p : "the tasks";
}

static int64_t points_of(const struct oom_case *c, ptrdiff_t row)
{
	struct oom_terms x;

	if (row < 0 || oom_eval_task(&c->eval, &c->ev->task[row], &x) != OOM_WHY_ELIGIBLE)
		return 0;
	/* until 3.4 the kill line states the badness itself */
	if (row == c->actual && c->p->flags & OOM_PROFILE_PER_MILLE && c->ev->chosen_score != OOM_NA)
		return c->ev->chosen_score;
	return x.nominal;
}

/* What an event was taken from, where a sentence says what that lacks. */
static const char *source(const struct oom_case *c)
{
	return oom_event_logged(c->ev) ? "the log" : "the record";
}

static const char *the_table(const struct oom_case *c)
{
	return c->ev->ballot == OOM_BALLOT_NONE ? "the task table" : "the ballot";
}

/* "16,618 points (64.9 MiB)", with "about" where a term or totalpages is not exactly known. */
static const char *holds(const struct oom_case *c, ptrdiff_t row)
{
	struct oom_terms x;
	struct oom_str s;
	bool known = row >= 0 && oom_eval_task(&c->eval, &c->ev->task[row], &x) == OOM_WHY_ELIGIBLE &&
		     (x.lo == x.hi || c->p->root != OOM_ROOT_NONE) &&
		     (x.swap_lo == x.swap_hi && x.pt_lo == x.pt_hi);

	if (row == c->actual && c->p->flags & OOM_PROFILE_PER_MILLE && c->ev->chosen_score != OOM_NA)
		known = true;
	if (oom_case_own(c, row, -1))
		known = true;
	else if (known && !(c->p->flags & OOM_PROFILE_PER_MILLE) && c->ev->task[row].oom_score_adj &&
	    c->total.lo != c->total.hi)
		known = false;
	s = oom_arena_fmt(c->arena, "%s%s", known ? "" : "about ", amount(c, points_of(c, row), true));
	return s.p ? s.p : "?";
}

/* ", 1,234 (4.8 MiB) more than the next, mysqld (pid 99)" */
static const char *lead(const struct oom_case *c)
{
	ptrdiff_t next = c->pick.best == c->actual ? c->pick.second : c->pick.best;
	int64_t by = next >= 0 ? points_of(c, c->actual) - points_of(c, next) : 0;
	struct oom_str s;

	if (next < 0)
		return "; there was no other candidate";
	if (by <= 0)
		return "";
	s = oom_arena_fmt(c->arena, ", %s more than the next, %s", amount(c, by, false), who(c, next));
	return s.p ? s.p : "";
}

/* The clause that most sentences begin with; verb: "killed" or "chosen". */
static const char *had_highest(const struct oom_case *c, const char *verb)
{
	struct oom_str s;

	if (!c->ev->nvictims)
		verb = "chosen";

	if (c->pick.eligible == 1)
		s = oom_arena_fmt(c->arena, "%s was %s: it was the only task that could be killed (%s)",
				  victim(c), verb, holds(c, c->actual));
	else
		s = oom_arena_fmt(c->arena, "%s was %s because it had the highest badness of %s%s: %s%s",
				  victim(c), verb, tasks(c),
				  oom_case_own(c, c->actual, -1) ? " by the kernel's own count" : "",
				  holds(c, c->actual), lead(c));
	return s.p ? s.p : "?";
}

static const char *expected(const struct oom_case *c)
{
	struct oom_str s;

	if (c->pick.best < 0)
		return "";
	s = oom_arena_fmt(c->arena, "; by its rules %s would have been chosen, with %s", who(c, c->pick.best),
			  amount(c, c->pick.best_points, true));
	return s.p ? s.p : "";
}

/* ---- a sentence per reason ------------------------------------------------------------------------- */

static struct oom_str say_highest(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena, "%s.", had_highest(c, "killed"));
}

static struct oom_str say_tie(const struct oom_case *c)
{
	if (c->verdict == OOM_VERDICT_INSUFFICIENT)
		return oom_arena_fmt(
			c->arena,
			"%s shares the highest badness, %s, with %s other task%s; which of equals a %s "
			"kernel takes in a memory cgroup depends on an order that the log does not show.",
			victim(c), amount(c, c->pick.best_points, true),
			oom_case_number(c, (int64_t)c->pick.tied - 1), c->pick.tied == 2 ? "" : "s",
			c->p->since);
	return oom_arena_fmt(
		c->arena,
		"%s was killed: %s tasks shared the highest badness, %s, and of equals this kernel takes "
		"the %s of its list.",
		victim(c), oom_case_number(c, (int64_t)c->pick.tied), amount(c, c->pick.best_points, true),
		c->tie == OOM_TIE_LAST ? "last" : "first");
}

static struct oom_str say_allocating(const struct oom_case *c)
{
	return oom_arena_fmt(
		c->arena,
		"%s was killed because vm.oom_kill_allocating_task is set: the task that asked for memory "
		"dies and no badness is compared.",
		victim(c));
}

static struct oom_str say_sysrq(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena, "Somebody asked for a kill with SysRq-f; %s.",
			     had_highest(c, "killed"));
}

static struct oom_str say_child(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena,
			     "%s had the highest badness of %s, %s, but up to 5.0 the kernel kills the "
			     "worst child that has memory of its own in its place: %s.",
			     who(c, c->actual), tasks(c), holds(c, c->actual), killed_child(c));
}

static struct oom_str say_previous(const struct oom_case *c)
{
	if (c->verdict == OOM_VERDICT_INSUFFICIENT)
		return oom_arena_fmt(c->arena,
				     "It cannot be decided: %s stands in the table, but the log does not "
				     "show whether the kernel still counted it as killed before.",
				     who(c, c->other >= 0 ? c->other : c->pick.best));
	return oom_arena_fmt(c->arena, "%s; %s shows %s, but it had been killed before and was passed over.",
			     had_highest(c, "killed"), who(c, c->other), holds(c, c->other));
}

static struct oom_str say_group(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena, "%s; memory.oom.group took %s process%s in all.",
			     had_highest(c, "chosen"), oom_case_number(c, (int64_t)c->ev->nvictims),
			     c->ev->nvictims == 1 ? "" : "es");
}

static struct oom_str say_drift(const struct oom_case *c)
{
	int64_t by = c->pick.best_points - points_of(c, c->actual);
	struct oom_str when = OOM_STR("");

	if (c->elapsed_us != OOM_NA)
		when = oom_arena_fmt(c->arena, " in the %lld.%03lld s up to the kill",
				     (long long)(c->elapsed_us / 1000000),
				     (long long)(c->elapsed_us / 1000 % 1000));
	if (c->pick.best == c->actual)
		return oom_arena_fmt(c->arena,
				     "%s; the score of its kill line differs from the table by no more "
				     "than the %s that the counters may have moved%.*s.",
				     had_highest(c, "killed"), amount(c, c->drift, true), (int)when.n,
				     when.p ? when.p : "");
	if (!by)
		return oom_arena_fmt(c->arena,
				     "%s was killed with the highest badness, %s, which the table also "
				     "gives %s: of such equals the kernel takes the other, unless the "
				     "counters moved%.*s.",
				     victim(c), amount(c, c->pick.best_points, true), who(c, c->pick.best),
				     (int)when.n, when.p ? when.p : "");
	return oom_arena_fmt(c->arena,
			     "The table puts %s ahead of %s by %s, which is within the %s that the "
			     "counters may have moved between the selection and the table%.*s.",
			     who(c, c->pick.best), victim(c), amount(c, by, false),
			     amount(c, c->drift, false), (int)when.n, when.p ? when.p : "");
}

static struct oom_str say_root(const struct oom_case *c)
{
	if (c->verdict == OOM_VERDICT_INSUFFICIENT)
		return oom_arena_fmt(c->arena,
				     "%s was killed, which fits the table but is not proven by it: this kernel "
				     "favours tasks with CAP_SYS_ADMIN, which the table does not show, and %s is "
				     "near enough that it decides.",
				     victim(c), c->other >= 0 ? who(c, c->other) : "another task");
	return oom_arena_fmt(c->arena,
			     "%s was killed with %s; this kernel favours tasks with CAP_SYS_ADMIN, and "
			     "with that bonus for uid 0 no other task has more (without it, %s might).",
			     victim(c), holds(c, c->actual), who(c, c->other));
}

static struct oom_str say_hidden(const struct oom_case *c)
{
	struct oom_str score = OOM_STR("");

	if (c->ev->chosen_score != OOM_NA)
		score = oom_arena_fmt(c->arena, " at score %s", oom_case_number(c, c->ev->chosen_score));
	return oom_arena_fmt(c->arena,
			     "%s was killed%.*s, which fits the table but is not proven by it: this "
			     "kernel also counts %s that the table does not show, enough to put %s ahead.",
			     victim(c), (int)score.n, score.p ? score.p : "",
			     c->ev->task[c->actual].swap_pages == OOM_NA ? "swap and page tables"
									 : "page tables",
			     c->other >= 0 ? who(c, c->other) : "another task");
}

static struct oom_str say_origin(const struct oom_case *c)
{
	if (c->verdict == OOM_VERDICT_UNEXPLAINED)
		return oom_arena_fmt(c->arena,
				     "Not explained: %s was killed although %s had asked to be the first "
				     "(swapoff or KSM), and the kernel takes such a task without a score.",
				     victim(c), who(c, c->other));
	if (c->winner >= 0 && c->ev->ballot == OOM_BALLOT_RECORDED)
		return oom_arena_fmt(c->arena,
				     "%s was killed because it had asked to be the first, as swapoff and KSM "
				     "do: the kernel takes such a task without a score.",
				     victim(c));
	if (c->verdict == OOM_VERDICT_INSUFFICIENT)
		return oom_arena_fmt(c->arena,
				     "%s was killed with less badness than %s; a task inside swapoff is "
				     "preferred by the kernel, but the log does not show whether it was.",
				     victim(c), who(c, c->other));
	return oom_arena_fmt(c->arena,
			     "%s was killed because it was swapping in for swapoff or KSM: its kill line "
			     "has the score that the kernel gives to such tasks.",
			     victim(c));
}

static struct oom_str say_policy(const struct oom_case *c)
{
	if (oom_event_has_note(c->ev, "would_have_killed"))
		return oom_arena_fmt(c->arena,
				     "%s was named although %s has more badness; this test kernel lets "
				     "its victims live, so that earlier ones stand in the table and are "
				     "passed over.",
				     victim(c), who(c, c->other));
	if (c->verdict == OOM_VERDICT_INSUFFICIENT)
		return oom_arena_fmt(c->arena,
				     "%s was killed with less badness than %s; kernels of this vendor can "
				     "prefer cgroups of low priority, which the log does not show.",
				     victim(c), who(c, c->other));
	return oom_arena_fmt(c->arena, "%s was killed by a BPF policy (%.*s), not by badness.", victim(c),
			     (int)c->ev->constraint.n, c->ev->constraint.p);
}

static struct oom_str say_thread(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena, "%s; the kernel's lines name it by two of its threads, %lld and %lld.",
			     had_highest(c, "killed"), (long long)c->ev->chosen_pid,
			     (long long)(c->ev->nvictims ? c->ev->victim[0].pid : c->ev->chosen_pid));
}

static struct oom_str say_no_killable(const struct oom_case *c)
{
	if (c->verdict == OOM_VERDICT_UNEXPLAINED)
		return oom_arena_fmt(c->arena,
				     "The kernel found no killable process, yet %s shows %s: %s does "
				     "not say why it was no candidate.",
				     who(c, c->other), holds(c, c->other), source(c));
	if (!c->ev->ntasks)
		return OOM_STR("Nothing could be killed: the task table is empty.");
	if (c->ev->ballot != OOM_BALLOT_NONE)
		return oom_arena_fmt(c->arena, "Nothing could be killed: the kernel looked at %s process%s, and none "
				     "of them may be killed.", oom_case_number(c, (int64_t)c->ev->ntasks),
				     c->ev->ntasks == 1 ? "" : "es");
	return OOM_STR("Nothing could be killed: every task in the table has oom_score_adj -1000 or had been "
		       "killed before.");
}

static struct oom_str say_panic(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena, "Nobody was killed: vm.panic_on_oom made the kernel panic instead%s.",
			     expected(c));
}

static struct oom_str say_will_free(const struct oom_case *c)
{
	if (c->actual >= 0 && c->pick.best == c->actual && oom_case_own(c, c->actual, -1))
		return oom_arena_fmt(c->arena,
				     "Nobody was killed anew: %s had the highest badness of %s, %s, but was "
				     "exiting already and got the memory reserves; the kernel logs and counts "
				     "no such case.",
				     victim(c), tasks(c), holds(c, c->actual));
	if (!oom_event_logged(c->ev))
		return oom_arena_fmt(c->arena,
				     "Nobody was killed anew: %s was exiting already and got the memory "
				     "reserves; the kernel logs and counts no such case.",
				     victim(c));
	return oom_arena_fmt(c->arena,
			     "Nobody was killed anew: %s was exiting already and got the memory reserves.",
			     victim(c));
}

static struct oom_str say_no_table(const struct oom_case *c)
{
	if (!oom_event_logged(c->ev) && !anybody(c))
		return OOM_STR("The record holds neither the candidates nor a victim of this event.");
	if (!oom_event_logged(c->ev))
		return oom_arena_fmt(
			c->arena,
			"%s was killed, but no feed told of the candidates, so nobody can be compared with it.",
			victim(c));
	if (!anybody(c))
		return OOM_STR("The log holds neither a task table nor a kill line of this event.");
	return oom_arena_fmt(
		c->arena,
		"%s was killed, but the log holds no task table, so nobody can be compared with it.",
		victim(c));
}

static struct oom_str say_truncated(const struct oom_case *c)
{
	if (!anybody(c))
		return oom_arena_fmt(c->arena,
				     "The task table is cut short after %s row%s, and the log does not "
				     "hold the kill line.",
				     oom_case_number(c, (int64_t)c->ev->ntasks),
				     c->ev->ntasks == 1 ? "" : "s");
	return oom_arena_fmt(
		c->arena,
		"The task table is cut short after %s row%s, so %s cannot be compared with all candidates.",
		oom_case_number(c, (int64_t)c->ev->ntasks), c->ev->ntasks == 1 ? "" : "s", victim(c));
}

static struct oom_str say_damaged(const struct oom_case *c)
{
	if (c->detail.p)
		return oom_arena_fmt(c->arena, "%s was killed, but the lines contradict each other: %.*s.",
				     victim(c), (int)c->detail.n, c->detail.p);
	return oom_arena_fmt(
		c->arena,
		"Part of the task table could not be read, so %s cannot be compared with all candidates.",
		victim(c));
}

static struct oom_str say_no_kill(const struct oom_case *c)
{
	if (c->actual >= 0)
		return oom_arena_fmt(c->arena,
				     "%s was killed, but %s has more badness, and the line that names the "
				     "chosen process (up to 5.0 a child may be killed for it) is not in "
				     "the log.",
				     victim(c), who(c, c->other));
	if (!oom_event_logged(c->ev))
		return oom_arena_fmt(c->arena, "No feed told whom the kernel killed%s.", expected(c));
	return oom_arena_fmt(c->arena, "The log does not hold the kill line%s.", expected(c));
}

static struct oom_str say_not_in_table(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena,
			     "%s was killed but is not in %s, so its badness is not known.",
			     victim(c), the_table(c));
}

static struct oom_str say_total(const struct oom_case *c)
{
	if (c->p->flags & OOM_PROFILE_PER_MILLE)
		return OOM_STR("This kernel scores in thousandths of RAM and swap, and their sizes are not "
			       "in the log.");
	return oom_arena_fmt(c->arena,
			     "oom_score_adj counts in thousandths of the memory that the domain may use, "
			     "and that number is not in %s: with one value %s is first, with another "
			     "it is not.",
			     source(c), c->actual >= 0 ? who(c, c->actual) : "a task");
}

static struct oom_str say_vfork(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena,
			     "%s was killed; %s shows the same memory to the page, the mark of a vfork "
			     "child that shares its parent's, and such a child is never a candidate.",
			     victim(c), who(c, c->other));
}

static struct oom_str say_mismatch(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena,
			     "%s has the highest badness, but its kill line says score %s, which its row "
			     "(%s) does not give: this kernel counts differently, so the choice is not "
			     "proven.",
			     victim(c), oom_case_number(c, c->ev->chosen_score), holds(c, c->actual));
}

static struct oom_str say_unexplained(const struct oom_case *c)
{
	if (c->actual >= 0 && c->ev->task[c->actual].oom_score_adj == -1000)
		return oom_arena_fmt(
			c->arena,
			"Not explained: %s was killed although its oom_score_adj of -1000 forbids it.",
			victim(c));
	if (oom_case_own(c, c->actual, c->other))
		return oom_arena_fmt(
			c->arena,
			"Not explained: %s was killed with %s, but the kernel itself gave %s %s, and nothing "
			"recorded says why it was passed over.",
			victim(c), holds(c, c->actual), who(c, c->other), holds(c, c->other));
	return oom_arena_fmt(
		c->arena,
		"Not explained: %s was killed with %s, but %s has %s, and nothing in %s says why it "
		"was passed over.",
		victim(c), holds(c, c->actual), who(c, c->other), holds(c, c->other), source(c));
}

static struct oom_str say_lost(const struct oom_case *c)
{
	if (c->ev->ballot_lost <= 0)
		return oom_arena_fmt(c->arena, "%s was killed, but the kernel's ballot was not seen to its end, so it "
				     "cannot be compared with all candidates.", victim(c));
	return oom_arena_fmt(c->arena,
			     "%s was killed, but %s candidate%s of the kernel's ballot got lost before the "
			     "recorder had them, so it cannot be compared with all.",
			     victim(c), oom_case_number(c, c->ev->ballot_lost), c->ev->ballot_lost == 1 ? "" : "s");
}

static struct oom_str say_domain(const struct oom_case *c)
{
	return oom_arena_fmt(c->arena,
			     "%s was killed, but whose memory had run out was not recorded, so which of the %s recorded "
			     "processes were candidates is not known.",
			     victim(c), oom_case_number(c, (int64_t)c->ev->ntasks));
}

static struct oom_str (*const say[OOM_REASON_COUNT])(const struct oom_case *) = {
	[OOM_REASON_HIGHEST_BADNESS] = say_highest,
	[OOM_REASON_TIE_BREAK] = say_tie,
	[OOM_REASON_ALLOCATING_TASK] = say_allocating,
	[OOM_REASON_SYSRQ] = say_sysrq,
	[OOM_REASON_CHILD_SACRIFICED] = say_child,
	[OOM_REASON_PREVIOUS_VICTIM_SKIPPED] = say_previous,
	[OOM_REASON_GROUP_KILL] = say_group,
	[OOM_REASON_COUNTER_DRIFT] = say_drift,
	[OOM_REASON_ROOT_BONUS] = say_root,
	[OOM_REASON_HIDDEN_TERM] = say_hidden,
	[OOM_REASON_OOM_TASK_ORIGIN] = say_origin,
	[OOM_REASON_POLICY] = say_policy,
	[OOM_REASON_THREAD_OF_CHOSEN] = say_thread,
	[OOM_REASON_NO_KILLABLE] = say_no_killable,
	[OOM_REASON_PANIC_ON_OOM] = say_panic,
	[OOM_REASON_WILL_FREE] = say_will_free,
	[OOM_REASON_NO_TASK_TABLE] = say_no_table,
	[OOM_REASON_TRUNCATED_TABLE] = say_truncated,
	[OOM_REASON_DAMAGED_TABLE] = say_damaged,
	[OOM_REASON_NO_KILL_LINE] = say_no_kill,
	[OOM_REASON_VICTIM_NOT_IN_TABLE] = say_not_in_table,
	[OOM_REASON_UNKNOWN_TOTALPAGES] = say_total,
	[OOM_REASON_HIGHER_SCORE_PASSED_OVER] = say_unexplained,
	[OOM_REASON_VFORK_CHILD] = say_vfork,
	[OOM_REASON_SCORE_MISMATCH] = say_mismatch,
	[OOM_REASON_BALLOT_LOST] = say_lost,
	[OOM_REASON_UNKNOWN_DOMAIN] = say_domain,
};

/* A second sentence where the formula and the kernel's own points are not the same. */
static struct oom_str with_check(const struct oom_case *c, struct oom_str text)
{
	const struct oom_ballot_check *k = &c->check;

	if (!k->differ || !text.p)
		return text;
	return oom_arena_fmt(c->arena,
			     "%.*s By the formula %s of %s candidates %s from the kernel's own points, by at most "
			     "%s; %s %s%s.",
			     (int)text.n, text.p, oom_case_number(c, (int64_t)k->differ),
			     oom_case_number(c, (int64_t)k->compared), k->differ == 1 ? "differs" : "differ",
			     amount(c, k->off, true), k->off > c->drift ? "more than the stated drift" : "stated drift",
			     amount(c, c->drift, true),
			     k->off > c->drift ? ", so the rules of this profile may not be those of the kernel" : "");
}

struct oom_str oom_case_text(const struct oom_case *c)
{
	return say[c->reason] ? with_check(c, say[c->reason](c)) : OOM_STR_NULL;
}
