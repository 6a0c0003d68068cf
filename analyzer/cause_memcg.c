/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A memory cgroup that was full: whose limit, and who sits in it. */
#include "cause_impl.h"

static bool below(struct oom_str path, struct oom_str ancestor)
{
	return path.p && ancestor.p && path.n > ancestor.n && !memcmp(path.p, ancestor.p, ancestor.n) &&
	       (oom_str_is(ancestor, "/") || path.p[ancestor.n] == '/');
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
	if (!l.reached) {
		c->missing = l.limit_kb == OOM_NA ? "the log does not show the limit of the memory cgroup"
						  : "the usage of the memory cgroup is below the limits that the log shows";
		return;
	}
	above = below(ev->task_memcg, ev->oom_memcg);
	f = oom_case_find(c, above ? OOM_WHY_MEMCG_ANCESTOR : OOM_WHY_MEMCG_LIMIT, OOM_CONFIDENCE_CERTAIN, l.usage_kb,
			  oom_say_z(s, "The memory cgroup %s reached its %s limit of %s.",
				    ev->oom_memcg.p ? oom_say_name(s, ev->oom_memcg) : "of the victim", l.what,
				    oom_say_kb(s, l.limit_kb)));
	oom_case_prove(c, f, ev->at[OOM_AT_LIMIT], "%s: %s used of %s", l.what, oom_say_kb(s, l.usage_kb),
		       oom_say_kb(s, l.limit_kb));
	if (above)
		oom_case_prove(c, f, ev->at[OOM_AT_SUMMARY], "the victim was in %s, below it",
			       oom_say_name(s, ev->task_memcg));
}
