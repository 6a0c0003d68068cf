/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A request that was confined to some of the NUMA nodes, by a cpuset or a memory policy. */
#include "cause_impl.h"

/* From 2.6.39 on the dump shows the zones of the allowed nodes only, and its counters are those of the machine. */
static int64_t free_elsewhere(const struct oom_case *c)
{
	int64_t all = oom_ledger_kb(c->machine, "free"), here = 0;

	if (all == OOM_NA || !c->zones.n)
		return OOM_NA;
	for (size_t i = 0; i < c->zones.n; i++)
		here += c->zones.zone[i].free_kb > 0 ? c->zones.zone[i].free_kb : 0;
	return all > here ? all - here : 0;
}

void oom_cause_nodes(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	struct oom_say *s = &c->say;
	const bool cpuset = ev->scope == OOM_SCOPE_CPUSET;
	int64_t elsewhere = free_elsewhere(c);
	const char *nodes = oom_say_nodes(s, cpuset ? ev->mems_allowed : ev->nodemask);
	struct oom_finding *f;
	bool plenty;

	if (!cpuset && ev->scope != OOM_SCOPE_MEMPOLICY)
		return;
	/* With less than a twentieth of RAM free elsewhere, the other nodes were as good as full, too. */
	plenty = elsewhere == OOM_NA || c->base_kb == OOM_NA || elsewhere >= c->base_kb / 20;
	f = oom_case_find(c, cpuset ? OOM_CAUSE_CPUSET : OOM_CAUSE_MEMPOLICY, OOM_CONFIDENCE_CERTAIN, elsewhere, plenty,
			  oom_say_z(s, "%s confined the request to %s%s.",
				    cpuset ? oom_say_z(s, "The cpuset %s", oom_say_name(s, ev->cpuset)) : "A memory policy", nodes,
				    elsewhere == OOM_NA ? "" : oom_say_z(s, ", and %s were free on other nodes",
									 oom_say_some(s, elsewhere))));
	oom_case_prove(c, f, ev->at[OOM_AT_SUMMARY], "the kernel's own word: %s",
		       ev->constraint.p ? oom_say_safe(s, ev->constraint) : "a constraint on nodes");
	if (elsewhere != OOM_NA)
		oom_case_prove(c, f, ev->at[OOM_AT_MEMINFO], "%s free in the machine, %s of it on other nodes",
			       oom_say_kb(s, oom_ledger_kb(c->machine, "free")), oom_say_kb(s, elsewhere));
	oom_case_prove_zones(c, f);
	if (plenty)
		oom_cause_zones(c);
}
