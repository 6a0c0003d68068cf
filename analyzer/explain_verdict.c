/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sentence that can be forwarded alone: what the kernel did, why there was no memory, and how sure we
 * are. */
#include <string.h>

#include "explain_impl.h"

/* ---- which limit ------------------------------------------------------------ */

/* "No limit" is LONG_MAX in pages or bytes, printed in kB; the form differs from version to version
 * (2^53 - 1, 2^54 - 1, 2^53 - page size in kB), so anything above half an EiB is taken for it. */
bool oom_unlimited_kb(int64_t limit_kb)
{
	return limit_kb >= (int64_t)1 << 49;
}

struct oom_limit oom_say_limit(const struct oom_event *ev)
{
	const struct oom_limit counters[] = {
		{ "memory", ev->memcg_usage_kb, ev->memcg_limit_kb, false },
		{ "memory+swap", ev->memsw_usage_kb, ev->memsw_limit_kb, false },
		{ "kernel memory", ev->kmem_usage_kb, ev->kmem_limit_kb, false },
	};
	struct oom_limit best = counters[0];
	int64_t gap, least = INT64_MAX;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(counters); i++) {
		const struct oom_limit *c = &counters[i];

		if (c->usage_kb < 0 || c->limit_kb < 0 || oom_unlimited_kb(c->limit_kb))
			continue;              /* OOM_NA is below 0 */
		gap = c->limit_kb - c->usage_kb;
		if (gap >= least)
			continue;
		least = gap;
		best = *c;
		/* Charges come in batches and the dump is printed a little later: near is reached. */
		best.reached = gap <= 1024 || gap <= c->limit_kb / 50;
	}
	return best;
}

static const char *because_memcg(struct oom_say *s)
{
	struct oom_limit l = oom_say_limit(s->ev);
	const char *where = s->ev->oom_memcg.p && s->ev->oom_memcg.n ?
		oom_say_z(s, "the memory cgroup %s", oom_say_name(s, s->ev->oom_memcg)) : "a memory cgroup";

	if (l.limit_kb == OOM_NA || oom_unlimited_kb(l.limit_kb))
		return oom_say_z(s, "%s ran out of the memory that its limit allows", where);
	if (!l.reached)
		return oom_say_z(s, "%s could not be charged more memory (%s usage %s, limit %s)", where,
				 l.what, oom_say_kb(s, l.usage_kb), oom_say_kb(s, l.limit_kb));
	return oom_say_z(s, "%s reached its %s limit of %s", where, l.what, oom_say_kb(s, l.limit_kb));
}

static const char *because(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;

	switch ((enum oom_scope)ev->scope) {
	case OOM_SCOPE_MEMCG:
		return because_memcg(s);
	case OOM_SCOPE_CPUSET:
		return oom_say_z(s, "%s of its cpuset ran out of memory", oom_say_nodes(s, ev->mems_allowed));
	case OOM_SCOPE_MEMPOLICY:
		return oom_say_z(s, "%s of a memory policy ran out of memory",
				 oom_say_nodes(s, ev->nodemask));
	case OOM_SCOPE_SYSRQ:
		return "somebody asked for an OOM kill by hand (sysrq-f)";
	case OOM_SCOPE_GLOBAL:
		if (ev->order != OOM_NA && ev->order > 0 && ev->order < 32)
			return oom_say_z(s, "the system could not find %lld contiguous free pages",
					 1LL << ev->order);
		return "the whole system ran out of memory";
	case OOM_SCOPE_UNKNOWN:
		break;
	}
	return "memory ran out";
}

/* ---- what the kernel did ------------------------------------------------------------ */

static const char *panic_why(const struct oom_event *ev)
{
	if (oom_str_find(ev->outcome_text, "panic_on_oom") >= 0)
		return "the sysctl panic_on_oom told it to";
	if (oom_str_find(ev->outcome_text, "killable") >= 0 ||
	    oom_str_find(ev->outcome_text, "deadlock") >= 0)
		return "there was no process left that it may kill";
	return "no kill could help";
}

static const char *others(struct oom_say *s)
{
	size_t n = s->ev->nvictims - 1;

	if (!s->ev->nvictims || !n)
		return "";
	return oom_say_z(s, " and %s", oom_say_count(s, (int64_t)n, "more process", "more processes"));
}

static const char *holding(struct oom_say *s, const struct oom_victim *v)
{
	int64_t kb = oom_resident_kb(v);

	return s->ev->nvictims == 1 && kb > 0 ? oom_say_z(s, ", holding %s,", oom_say_kb(s, kb)) : "";
}

static const char *killed(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const struct oom_victim *v = ev->nvictims ? &ev->victim[0] : NULL;
	const char *verb = ev->nvictims > 1 ? "were" : "was";

	if (!v && ev->chosen_pid == OOM_NA && !oom_event_logged(ev))
		return "The kernel counted an OOM kill of which neither its log nor a feed told";
	if (!v)
		return oom_say_z(s, "The kernel killed %s because %s",
				 oom_say_proc(s, ev->chosen_comm, ev->chosen_pid), because(s));
	if (v->role == OOM_ROLE_CHILD && ev->chosen_pid != OOM_NA && ev->chosen_pid != v->pid)
		return oom_say_z(s, "%s, a child of the chosen %s,%s %s killed because %s",
				 oom_say_proc(s, v->comm, v->pid),
				 oom_say_proc(s, ev->chosen_comm, ev->chosen_pid), others(s), verb,
				 because(s));
	return oom_say_z(s, "%s%s%s %s killed because %s", oom_say_proc(s, v->comm, v->pid), others(s),
			 holding(s, v), verb, because(s));
}

static const char *deed(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;

	switch ((enum oom_outcome)ev->outcome) {
	case OOM_OUTCOME_KILLED:
		return killed(s);
	case OOM_OUTCOME_PANIC:
		if (ev->nvictims)
			return oom_say_z(s, "%s, and then the kernel panicked because %s", killed(s),
					 panic_why(ev));
		return oom_say_z(s, "The kernel panicked: %s, and %s", because(s), panic_why(ev));
	case OOM_OUTCOME_NO_KILLABLE:
		return oom_say_z(s,
				 "Nothing was killed: %s, and no process was left that the kernel may kill",
				 because(s));
	case OOM_OUTCOME_WILL_FREE:
		if (!oom_event_logged(ev))
			return oom_say_z(s,
					 "Nothing was killed and nothing logged: %s, but %s was dying already, and the "
					 "kernel gave it the memory reserves",
					 because(s), oom_say_proc(s, ev->chosen_comm, ev->chosen_pid));
		return oom_say_z(s,
				 "Nothing was killed anew: %s, but %s was already exiting, and the kernel "
				 "waited for it",
				 because(s), oom_say_proc(s, ev->chosen_comm, ev->chosen_pid));
	case OOM_OUTCOME_TRUNCATED:
		break;
	}
	if (ev->chosen_pid != OOM_NA)
		return oom_say_z(s,
				 "The kernel chose %s because %s, but the log ends before it says that it "
				 "was killed",
				 oom_say_proc(s, ev->chosen_comm, ev->chosen_pid), because(s));
	return oom_say_z(s, "The log shows that %s, but not whom the kernel killed", because(s));
}

/* ---- how sure ------------------------------------------------------------ */

static const char *const explained[OOM_REASON_COUNT] = {
	[OOM_REASON_ALLOCATING_TASK] = "oom_kill_allocating_task is set, so it died for asking and nothing "
				       "was compared",
	[OOM_REASON_CHILD_SACRIFICED] = "the replay agrees, and this kernel kills a child in place of the "
					"chosen process",
	[OOM_REASON_PREVIOUS_VICTIM_SKIPPED] = "processes with more points had been killed before, and the "
					       "kernel passes those over",
	[OOM_REASON_OOM_TASK_ORIGIN] = "a task that swaps in or merges for others (swapoff, KSM) is taken "
				       "before all",
	[OOM_REASON_POLICY] = "a policy other than badness made the choice",
	[OOM_REASON_ROOT_BONUS] = "it follows from the bonus that this kernel gives to root",
	[OOM_REASON_VFORK_CHILD] = "the one with more points is a vfork child in the victim's memory and was "
				   "not eligible",
	[OOM_REASON_PANIC_ON_OOM] = "there was no choice to check",
	[OOM_REASON_WILL_FREE] = "there was no choice to check",
};

static const char *const insufficient[OOM_REASON_COUNT] = {
	[OOM_REASON_NO_TASK_TABLE] = "there is no task table to check the choice against",
	[OOM_REASON_TRUNCATED_TABLE] = "the task table is cut, so the choice cannot be checked",
	[OOM_REASON_DAMAGED_TABLE] = "the task table is damaged, so the choice cannot be checked",
	[OOM_REASON_NO_KILL_LINE] = "there is no choice to check",
	[OOM_REASON_VICTIM_NOT_IN_TABLE] = "it is not in the task table, so the choice cannot be checked",
	[OOM_REASON_UNKNOWN_KERNEL] = "which kernel's rules apply is not known, so the choice cannot be "
				      "checked",
	[OOM_REASON_UNSUPPORTED_KERNEL] = "the rules of this kernel are not supported, so the choice cannot "
					  "be checked",
	[OOM_REASON_UNKNOWN_TOTALPAGES] = "how much memory the kernel reckoned with is not in the log, and "
					  "that could decide the choice",
	[OOM_REASON_HIDDEN_TERM] = "terms that this kernel does not print could decide the choice",
	[OOM_REASON_ROOT_BONUS] = "who had the bonus that this kernel gives to root is not in the log, and "
				  "that could decide the choice",
	[OOM_REASON_TIE_BREAK] = "others have the same points, and the order in which the kernel looked is "
				 "not in the log",
	[OOM_REASON_PREVIOUS_VICTIM_SKIPPED] = "whether an earlier victim still counted is not in the log, "
					       "and that could decide the choice",
	[OOM_REASON_SCORE_MISMATCH] = "the score that the kernel printed contradicts its table",
	[OOM_REASON_BALLOT_LOST] = "candidates of the kernel's ballot were lost, so the choice cannot be checked",
	[OOM_REASON_UNKNOWN_DOMAIN] = "in which domain memory ran out was not recorded, so who was a candidate is not "
				      "known",
	[OOM_REASON_POLICY] = "this vendor's kernel has policies that the log does not show",
	[OOM_REASON_OOM_TASK_ORIGIN] = "a task in swapoff is taken before all, but the log does not show "
				       "whether it was in it",
};

static const char *certainty(struct oom_say *s)
{
	const struct oom_replay *r = s->r;
	const char *w = NULL;

	switch (r->verdict) {
	case OOM_VERDICT_EXACT:
		if (r->reason == OOM_REASON_NO_KILLABLE)
			return "the task table confirms it (exact)";
		if (r->ballot.points && r->neligible > 1)
			return oom_say_z(s, "it had the most points of %s by the kernel's own count (exact)",
					 oom_say_count(s, (int64_t)r->neligible, "candidate", "candidates"));
		if (r->neligible == 1)
			return "it was the only candidate, and the replay of the choice agrees (exact)";
		return oom_say_z(s, "the replay of the choice among %s agrees (exact)",
				 oom_say_count(s, (int64_t)r->neligible, "candidate", "candidates"));
	case OOM_VERDICT_EXPLAINED:
		w = explained[r->reason];
		if (r->reason == OOM_REASON_WILL_FREE && r->ballot.points && r->winner >= 0 && r->winner == r->actual)
			w = "it was also the kernel's choice, by its own count";
		return oom_say_z(s, "%s (explained)", w ? w : "the log itself shows why the kernel chose so");
	case OOM_VERDICT_WITHIN_DRIFT:
		if (r->winner == r->actual)
			return "the replay agrees, but for less than the counters can have moved meanwhile "
			       "(within_drift)";
		return "another process has more points, but by less than the counters can have moved since "
		       "the choice (within_drift)";
	case OOM_VERDICT_UNEXPLAINED:
		if (r->reason == OOM_REASON_NO_KILLABLE)
			return "the task table still lists processes that it may kill, and nothing in "
			       "the log says why it did not "
			       "(unexplained)";
		if (r->ballot.points)
			return "by the kernel's own count, however, another process came first, and nothing "
			       "recorded says why it was spared (unexplained)";
		return "by this kernel's rules, however, another process came first, and nothing in the log "
		       "says why it was spared "
		       "(unexplained)";
	case OOM_VERDICT_INSUFFICIENT:
		break;
	}
	if (r->reason == OOM_REASON_NO_TASK_TABLE && !oom_event_logged(s->ev))
		return "no feed told of the candidates, so the choice cannot be checked (insufficient)";
	if (s->ev->outcome == OOM_OUTCOME_TRUNCATED && s->ev->chosen_pid == OOM_NA && r->winner < 0)
		return "there is no choice to check (insufficient)";
	w = insufficient[r->reason];
	return oom_say_z(s, "%s (insufficient)", w ? w : "the log does not hold enough to check the choice");
}

static const enum oom_tone verdict_tones[] = {
	[OOM_VERDICT_EXACT] = OOM_TONE_GOOD,
	[OOM_VERDICT_EXPLAINED] = OOM_TONE_GOOD,
	[OOM_VERDICT_WITHIN_DRIFT] = OOM_TONE_WARN,
	[OOM_VERDICT_UNEXPLAINED] = OOM_TONE_BAD,
	[OOM_VERDICT_INSUFFICIENT] = OOM_TONE_WARN,
};

void oom_say_verdict(struct oom_say *s)
{
	oom_say(s, OOM_NODE_VERDICT, verdict_tones[s->r->verdict], OOM_NA, NULL, "%s; %s.", deed(s),
		certainty(s));
}
