/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What only the whole event can tell: scope, roles, completeness, and what is missing. */
#include "rules.h"

#include <errno.h>
#include <string.h>

/* ---- scope ------------------------------------------------------------------------------------------------ */

/* "4.19.3" -> 419; 0 when there is no such number. */
static int64_t version(const struct oom_event *ev)
{
	struct oom_str s = ev->kernel;
	int64_t major, minor;

	if (!s.p || !oom_take_i64(&s, &major) || !oom_take_char(&s, '.') || !oom_take_i64(&s, &minor) || major < 2 ||
	    major > 99 || minor < 0 || minor > 99)
		return 0;
	return major * 100 + minor;
}

static bool in_list(struct oom_str s, int64_t node)
{
	int64_t from, to;

	while (oom_take_i64(&s, &from)) {
		to = from;
		if (oom_take_char(&s, '-') && !oom_take_i64(&s, &to))
			return true;
		if (node >= from && node <= to)
			return true;
		if (!oom_take_char(&s, ','))
			break;
	}
	return false;
}

/*
 * The zones of nodes that the cpuset excludes are not printed (from 2.6.39), but their RAM is counted: show_mem() adds
 * up the zones' present pages from 3.13 on.  A dump with damaged lines may only have lost a zone.
 */
static bool hides_zones(const struct oom_event *ev)
{
	int64_t present = 0, kb = ev->page_size / 1024;

	if (version(ev) < 313 || ev->damaged_lines || ev->page_size < 1024 || ev->ram_pages <= 0 ||
	    ev->ram_pages >> 44 || !ev->mems_allowed.n)
		return false;
	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];

		if (m->area != OOM_AREA_ZONE || !oom_str_is(m->name, "present") || m->value < 0)
			continue;
		if (!in_list(ev->mems_allowed, m->node == OOM_NA ? 0 : m->node) || m->value / kb > ev->ram_pages)
			return false;
		present += m->value / kb;
	}
	return present > 0 && present < ev->ram_pages - ev->ram_pages / 64;
}

/* Huge page lines were not filtered by the cpuset until 5.19: a node among them that the cpuset does not allow. */
static bool confined_by_cpuset(const struct oom_episode *ep)
{
	if (!ep->ev.mems_allowed.n)
		return false;
	for (int64_t node = 0; node < 63; node++)
		if ((ep->node_seen_mask >> node & 1) && !in_list(ep->ev.mems_allowed, node))
			return true;
	return hides_zones(&ep->ev);
}

/* Up to 4.20 nothing says it outright. 4.11 and later print "(null)" when no policy applies; 4.9 and 4.10 print the
 * cpuset's nodes then.  A policy over all nodes (numactl --interleave=all) confines nothing. */
static int64_t scope_without_summary(struct oom_episode *ep)
{
	struct oom_event *ev = &ep->ev;
	int64_t v = version(ev);
	bool mask = ev->nodemask.p && !oom_str_is(ev->nodemask, "(null)"), confined = confined_by_cpuset(ep);

	if (mask && v != 0 && ((v >= 411 && confined) || !oom_str_eq(ev->nodemask, ev->mems_allowed)))
		return OOM_SCOPE_MEMPOLICY;
	if (confined)
		return OOM_SCOPE_CPUSET;
	if (ep->message == OOM_MSG_GLOBAL || ep->message == OOM_MSG_ALLOCATING || ev->has_mem_info || ep->stack_alloc ||
	    ep->deadlock || (ep->seen & OOM_IN(OOM_SEC_SLAB)))      /* memory cgroups print no caches */
		return OOM_SCOPE_GLOBAL;
	return OOM_SCOPE_UNKNOWN;
}

/* 5.0 and 5.1 before 5.1.19 never set the field; fixed by 432b1de0de02 */
static bool constraint_lies(const struct oom_event *ev)
{
	struct oom_str s = ev->kernel;
	int64_t n;

	if (version(ev) != 501)
		return version(ev) == 500;
	s = oom_str_sub(s, 3, s.n);
	return !oom_take_char(&s, '.') || !oom_take_i64(&s, &n) || n < 19;
}

static int64_t scope(struct oom_episode *ep)
{
	struct oom_event *ev = &ep->ev;

	if (ev->sysrq)
		return OOM_SCOPE_SYSRQ;
	if (ev->oom_memcg.n || ep->message == OOM_MSG_MEMCG || oom_str_is(ev->constraint, "CONSTRAINT_MEMCG"))
		return OOM_SCOPE_MEMCG;
	if (oom_str_is(ev->constraint, "CONSTRAINT_CPUSET"))
		return OOM_SCOPE_CPUSET;
	if (oom_str_is(ev->constraint, "CONSTRAINT_MEMORY_POLICY"))
		return OOM_SCOPE_MEMPOLICY;
	if (ep->memcg_block || ep->stack_memcg)
		return OOM_SCOPE_MEMCG;
	if (oom_str_is(ev->constraint, "CONSTRAINT_NONE"))
		return constraint_lies(ev) ? scope_without_summary(ep) : OOM_SCOPE_GLOBAL;
	if (ev->constraint.p)                 /* a program's own: BPF */
		return ev->global_oom ? OOM_SCOPE_GLOBAL : OOM_SCOPE_UNKNOWN;
	return scope_without_summary(ep);
}

static int scope_notes(struct oom_episode *ep)
{
	struct oom_event *ev = &ep->ev;

	if (ev->scope == OOM_SCOPE_GLOBAL && ev->constraint.p && constraint_lies(ev))
		return oom_event_note(ev, ev->at[OOM_AT_SUMMARY], "constraint_unreliable",
				      "this kernel prints CONSTRAINT_NONE for cpuset and mempolicy too");
	if (ev->scope == OOM_SCOPE_GLOBAL && !ev->constraint.p && ev->has_invoked && (ep->node_seen_mask & ~INT64_C(1)))
		return oom_event_note(ev, ev->at[OOM_AT_INVOKED], "scope_assumed",
				      "this kernel does not say whether a memory policy confined the allocation");
	return 0;
}

/* ---- victims ---------------------------------------------------------------------------------------------- */

/* Up to 5.0 a child may die in place of the task that was chosen; a thread's leader may, too, and is the same victim. */
static enum oom_role first_role(const struct oom_episode *ep)
{
	const struct oom_event *ev = &ep->ev;
	const struct oom_victim *v = &ev->victim[0];
	const struct oom_task *chosen, *killed;

	if (!ep->stage1 || ev->chosen_pid == v->pid || v->role != OOM_ROLE_CHOSEN)
		return (enum oom_role)v->role;
	chosen = oom_event_task(ev, ev->chosen_pid);
	killed = oom_event_task(ev, v->pid);
	if (chosen)
		return chosen->tgid == v->pid || (killed && killed->tgid == chosen->tgid) ? OOM_ROLE_CHOSEN : OOM_ROLE_CHILD;
	if (killed)
		return OOM_ROLE_CHOSEN;       /* the chosen thread is no leader: only leaders have rows */
	return v->pid > ev->chosen_pid ? OOM_ROLE_CHILD : OOM_ROLE_CHOSEN;
}

/* 5.4.0 printed the page tables in bytes and called them kB. */
static void mend_pgtables(struct oom_event *ev)
{
	for (size_t i = 0; i < ev->nvictims && i < 64; i++) {
		struct oom_victim *v = &ev->victim[i];
		const struct oom_task *t = v->pgtables_kb > 0 ? oom_event_task(ev, v->pid) : NULL;

		if (t && t->pgtables_bytes == v->pgtables_kb)
			v->pgtables_kb /= 1024;
	}
}

/* ---- completeness ------------------------------------------------------------------------------------------- */

static void judge_table(struct oom_episode *ep)
{
	struct oom_event *ev = &ep->ev;

	ev->table_complete = ev->has_table && ep->heading.n && !ep->heading.clipped && !ep->table_bad &&
			     ep->table_follows && (ev->ntasks || !ev->nvictims);
}

static int64_t memcg_version(const struct oom_episode *ep)
{
	const struct oom_event *ev = &ep->ev;
	int64_t v = version(ev);

	if (ev->memcg_version != OOM_NA || !ep->memcg_block)
		return ev->memcg_version;
	if (v && v < 405)                     /* v2 came with 4.5 */
		return 1;
	/* 5.3+ prints memory+swap on v1 only; the summary came with 5.0, and 5.0-5.2 printed all three on v2 too */
	return ev->memsw_usage_kb != OOM_NA && v >= 503 ? 1 : OOM_NA;
}

static int missing(struct oom_episode *ep)
{
	struct oom_event *ev = &ep->ev;
	bool any = ev->has_table || ev->has_mem_info || ep->memcg_block;
	int r = 0;

	if (!ev->has_invoked)
		r = oom_event_note(ev, ev->first_line, any ? "no_header" : "no_dump", "%s",
				   any ? "the beginning of the report is missing" :
				   "only the kill was logged: the report was suppressed or filtered out");
	if (r >= 0 && ev->has_invoked && !ev->has_table)
		r = oom_event_note(ev, ev->first_line, "no_task_table", "the report holds no task table");
	if (r >= 0 && ev->has_table && !ev->table_complete && !oom_event_has_note(ev, "truncated_table"))
		r = oom_event_note(ev, ev->at[OOM_AT_TABLE], "truncated_table", "the task table is cut or damaged");
	if (r >= 0 && !ev->nvictims && ev->outcome == OOM_OUTCOME_TRUNCATED && !oom_event_has_note(ev, "would_have_killed"))
		r = oom_event_note(ev, ev->last_line, "no_kill_line", "the log does not say what the kernel did");
	if (r >= 0 && ep->legacy)
		r = oom_event_note(ev, ev->first_line, "unsupported_kernel",
				   "written by the heuristic of 2.6.35 and older, which weighed age, nice and root");
	return r;
}

int oom_finish_event(struct oom_episode *ep)
{
	struct oom_event *ev = &ep->ev;
	int r;

	if (ep->stack_sysrq)
		ev->sysrq = 1;
	ev->scope = scope(ep);
	if (ev->nvictims) {
		ev->outcome = OOM_OUTCOME_KILLED;
		ev->victim[0].role = first_role(ep);
	}
	mend_pgtables(ev);
	judge_table(ep);
	ev->memcg_version = memcg_version(ep);
	r = scope_notes(ep);
	return r < 0 ? r : missing(ep);
}
