/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Swap that was not there, full, or not allowed: never the cause alone, often why nothing else could help. */
#include "cause_impl.h"

/* What a dump prints; without CONFIG_SWAP there are no such lines between the pagecache's and that of RAM. */
static int64_t total_kb(const struct oom_event *ev)
{
	if (ev->swap_total_kb != OOM_NA)
		return oom_kb_ok(ev->swap_total_kb) ? ev->swap_total_kb : OOM_NA;
	if (ev->has_mem_info == 1 && ev->ram_pages != OOM_NA &&
	    oom_memory_sum(ev, OOM_AREA_GLOBAL, OOM_ANY_NODE, "page_cache").kb != OOM_NA)
		return 0;
	return oom_kb_ok(ev->boot_swap_total_kb) ? ev->boot_swap_total_kb : OOM_NA;
}

int64_t oom_case_swap_free(const struct oom_case *c)
{
	int64_t total = total_kb(c->ev);

	if (total == 0)
		return 0;
	return total == OOM_NA || c->ev->swap_free_kb < 0 || c->ev->swap_free_kb > total ? OOM_NA : c->ev->swap_free_kb;
}

static bool of_group(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	struct oom_say *s = &c->say;
	int64_t usage = ev->memcg_swap_usage_kb, limit = ev->memcg_swap_limit_kb;
	struct oom_finding *f;

	if (limit == 0) {
		f = oom_case_find(c, OOM_CAUSE_SWAP_DISABLED, OOM_CONFIDENCE_CERTAIN, OOM_NA, false,
				  "The cgroup was not allowed any swap.");
		oom_case_prove(c, f, ev->at[OOM_AT_LIMIT], "swap limit 0");
		return true;
	}
	/* the amount below the limit is what one batch of charges takes */
	if (oom_kb_ok(usage) && usage && oom_kb_ok(limit) && !oom_unlimited_kb(limit) && limit - usage <= limit / 50 + 256) {
		f = oom_case_find(c, OOM_CAUSE_SWAP_FULL, OOM_CONFIDENCE_CERTAIN, usage, false,
				  oom_say_z(s, "The cgroup's swap was used up, too: %s of %s.", oom_say_kb(s, usage),
					    oom_say_kb(s, limit)));
		oom_case_prove(c, f, ev->at[OOM_AT_LIMIT], "swap: %s used of %s", oom_say_kb(s, usage), oom_say_kb(s, limit));
		return true;
	}
	return false;
}

void oom_cause_swap(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	struct oom_say *s = &c->say;
	int64_t total = total_kb(ev), free_kb = oom_case_swap_free(c);
	int64_t line = ev->swap_total_kb != OOM_NA ? ev->at[OOM_AT_SWAP] : ev->boot_swap_line;
	struct oom_finding *f;

	if (ev->scope == OOM_SCOPE_MEMCG && of_group(c))
		return;
	if (total == 0) {
		f = oom_case_find(c, OOM_CAUSE_SWAP_ABSENT, OOM_CONFIDENCE_CERTAIN, OOM_NA, false, "The machine had no swap.");
		oom_case_prove(c, f, line, "Total swap 0");
	} else if (total > 0 && free_kb != OOM_NA && free_kb <= total / 10) {
		/* The last tenth: clusters that are partly used, and slots that others were about to take. */
		f = oom_case_find(c, OOM_CAUSE_SWAP_FULL, OOM_CONFIDENCE_CERTAIN, total - free_kb, false,
				  oom_say_z(s, "Swap was used up, too: %s of %s.", oom_say_kb(s, total - free_kb),
					    oom_say_kb(s, total)));
		oom_case_prove(c, f, line, "%s of %s swap free", free_kb ? oom_say_kb(s, free_kb) : "nothing",
			       oom_say_kb(s, total));
	}
}
