/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A memory cgroup that was full: whose limit it was. */
#include "cause_impl.h"

static bool below(struct oom_str path, struct oom_str ancestor)
{
	return path.p && ancestor.p && path.n > ancestor.n && !memcmp(path.p, ancestor.p, ancestor.n) &&
	       (oom_str_is(ancestor, "/") || path.p[ancestor.n] == '/');
}

/* The kernel names the group only when its limit stopped a charge; a kill line says "Memory cgroup out of memory". */
static bool kernels_word(const struct oom_event *ev)
{
	return oom_str_is(ev->constraint, "CONSTRAINT_MEMCG") || ev->oom_memcg.p || ev->nvictims;
}

static const char *deed(struct oom_case *c, const struct oom_limit *l)
{
	struct oom_say *s = &c->say;
	const char *who = c->ev->oom_memcg.p ? oom_say_z(s, "The memory cgroup %s", oom_say_name(s, c->ev->oom_memcg)) :
			  "A memory cgroup that the log does not name";

	if (l->limit_kb == OOM_NA)
		return oom_say_z(s, "%s was full; the log does not show its limit.", who);
	if (oom_unlimited_kb(l->limit_kb))
		return oom_say_z(s, "%s could not be charged more, although the log shows no limit for it.", who);
	if (!l->reached)
		return oom_say_z(s, "%s could not be charged more; when the dump was made it was below its limit of %s again.",
				 who, oom_say_kb(s, l->limit_kb));
	return oom_say_z(s, "%s reached its %s limit of %s.", who, l->what, oom_say_kb(s, l->limit_kb));
}

int64_t oom_case_protected_kb(const struct oom_event *ev)
{
	const int64_t most = (int64_t)1 << 50;

	return (ev->protect_min_kb > 0 && ev->protect_min_kb < most ? ev->protect_min_kb : 0) +
	       (ev->protect_low_kb > 0 && ev->protect_low_kb < most ? ev->protect_low_kb : 0);
}

static void protection(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	int64_t usage = ev->memcg_usage_kb, kb = oom_case_protected_kb(ev);
	struct oom_finding *f;

	if (usage <= 0 || kb < usage / 4)
		return;
	f = oom_case_find(c, OOM_CAUSE_PROTECTION, OOM_CONFIDENCE_LIKELY, kb, false,
			  "Part of its memory was protected by memory.min or memory.low of groups below it.");
	oom_case_prove(c, f, OOM_NA, "memory.min protects %s and memory.low %s of %s", oom_say_kb(&c->say, ev->protect_min_kb),
		       oom_say_kb(&c->say, ev->protect_low_kb), oom_say_kb(&c->say, usage));
}

void oom_cause_memcg(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	struct oom_say *s = &c->say;
	struct oom_limit l = oom_say_limit(ev);
	struct oom_finding *f;
	bool above;

	if (ev->scope != OOM_SCOPE_MEMCG)
		return;
	if (!kernels_word(ev) && !l.reached && l.limit_kb != OOM_NA) {
		oom_case_lacks(c, "the usage of the memory cgroup is below the limits that the log shows");
		return;
	}
	above = below(ev->task_memcg, ev->oom_memcg);
	/* without any of these words only the call trace shows that a charge failed */
	f = oom_case_find(c, above ? OOM_CAUSE_MEMCG_ANCESTOR : OOM_CAUSE_MEMCG_LIMIT,
			  kernels_word(ev) || l.reached ? OOM_CONFIDENCE_CERTAIN : OOM_CONFIDENCE_LIKELY, l.usage_kb, true,
			  deed(c, &l));
	if (l.usage_kb != OOM_NA)
		oom_case_prove(c, f, ev->at[OOM_AT_LIMIT], "%s: %s used of %s", l.what, oom_say_kb(s, l.usage_kb),
			       oom_unlimited_kb(l.limit_kb) ? "no limit" : oom_say_kb(s, l.limit_kb));
	if (above)
		oom_case_prove(c, f, ev->at[OOM_AT_SUMMARY] != OOM_NA ? ev->at[OOM_AT_SUMMARY] : ev->at[OOM_AT_MEMCG],
			       "the victim was in %s, below it", oom_say_name(s, ev->task_memcg));
	else if (oom_str_is(ev->constraint, "CONSTRAINT_MEMCG"))
		oom_case_prove(c, f, ev->at[OOM_AT_SUMMARY], "the kernel's own word: CONSTRAINT_MEMCG");
	protection(c);
}
