/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who asked for memory, which limit stood in the way, and what the memory was full of. */
#include <string.h>

#include "explain_impl.h"

/* ---- the request ------------------------------------------------------------ */

/* Flags that a person on call can do something with; the rest is shown by name only. */
static const struct { const char *flag, *words; } gfp_words[] = {
	{ "GFP_HIGHUSER_MOVABLE",  "ordinary user memory" },
	{ "GFP_HIGHUSER",          "user memory that cannot be moved" },
	{ "GFP_USER",              "memory that user space and the kernel share" },
	{ "GFP_KERNEL",            "kernel memory" },
	{ "GFP_KERNEL_ACCOUNT",    "kernel memory charged to the cgroup" },
	{ "GFP_NOFS",              "kernel memory, file systems may not be called to free some" },
	{ "GFP_NOIO",              "kernel memory, no I/O may be started to free some" },
	{ "GFP_ATOMIC",            "kernel memory without waiting" },
	{ "GFP_NOWAIT",            "kernel memory without waiting" },
	{ "GFP_TEMPORARY",         "kernel memory for a short time" },
	{ "GFP_TRANSHUGE",         "a transparent huge page" },
	{ "GFP_TRANSHUGE_LIGHT",   "a transparent huge page" },
	{ "GFP_DMA",               "only from the lowest zone (DMA)" },
	{ "GFP_DMA32",             "only from below 4 GiB (DMA32)" },
	{ "__GFP_DMA",             "only from the lowest zone (DMA)" },
	{ "__GFP_DMA32",           "only from below 4 GiB (DMA32)" },
	{ "__GFP_ACCOUNT",         "charged to the cgroup" },
	{ "__GFP_ZERO",            "zeroed" },
	{ "__GFP_NOFAIL",          "must not fail" },
	{ "__GFP_THISNODE",        "from one NUMA node only" },
	{ "__GFP_HARDWALL",        "inside its cpuset" },
	{ "__GFP_RETRY_MAYFAIL",   "may fail after trying hard" },
	{ "__GFP_REPEAT",          "may fail after trying hard" },
	{ "__GFP_NORETRY",         "may fail early" },
	{ "__GFP_RECLAIMABLE",     "slab that can be reclaimed" },
};

static const char *gfp_meaning(struct oom_say *s, struct oom_str names)
{
	const char *list = "";
	struct oom_str one;

	while (names.n) {
		if (!oom_take_until(&names, '|', &one)) {
			one = names;
			names.n = 0;
		} else {
			oom_take_char(&names, '|');
		}
		for (size_t i = 0; i < OOM_ARRAY_SIZE(gfp_words); i++)
			if (oom_str_is(one, gfp_words[i].flag))
				list = oom_say_join(s, list, ", ", gfp_words[i].words);
	}
	return list;
}

static const char *amount(struct oom_say *s)
{
	int64_t order = s->ev->order;
	const char *size;

	if (order == OOM_NA || order < 0 || order > 30)
		return "";
	size = oom_say_size(s, (int64_t)1 << order);
	if (s->ev->page_size == OOM_NA)
		return order ? oom_say_z(s, "%s in one piece (order %lld)", size, (long long)order)
			     : "1 page";
	return order ? oom_say_z(s, "%lld contiguous pages (%s, order %lld)", 1LL << order, size,
				 (long long)order)
		     : oom_say_z(s, "1 page (%s)", size);
}

static void say_request(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	struct oom_str names = oom_gfp_names(ev, &s->doc->arena);
	const char *text = amount(s), *meaning = names.p ? gfp_meaning(s, names) : "";

	if (ev->gfp_mask == 0)
		text = "one that the kernel did not keep, as after a page fault";
	text = oom_say_join(s, text, " of ", meaning);
	if (names.p && names.n)
		text = oom_say_join(s, text, "; ", oom_say_safe(s, names));
	if (ev->gfp_raw.p)
		text = oom_say_join(s, text, ", ", oom_say_z(s, "gfp_mask %s", oom_say_name(s, ev->gfp_raw)));
	if (*text)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "request", "%s", text);
}

static void say_trigger(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const char *adj = "", *itself = "";

	if (ev->sysrq == 1) {
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, ev->at[OOM_AT_INVOKED], "asked by",
			"a person or a program, through "
			"sysrq-f; the memory was not necessarily short");
		return;
	}
	if (!ev->trigger_comm.p && ev->trigger_pid == OOM_NA)
		return;
	if (ev->trigger_adj != OOM_NA)
		adj = oom_say_z(s, ", oom_score_adj %lld", (long long)ev->trigger_adj);
	if (ev->nvictims && ev->trigger_pid != OOM_NA && ev->victim[0].pid == ev->trigger_pid)
		itself = ", the victim itself";
	oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, ev->at[OOM_AT_INVOKED], "asked by", "%s%s%s",
		oom_say_proc(s, ev->trigger_comm, ev->trigger_pid), adj, itself);
	say_request(s);
}

/* ---- the limit ------------------------------------------------------------ */

static void say_counter(struct oom_say *s, const char *what, int64_t usage_kb, int64_t limit_kb)
{
	if (usage_kb == OOM_NA && limit_kb == OOM_NA)
		return;
	if (limit_kb == OOM_NA)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, what, "%s used", oom_say_kb(s, usage_kb));
	else if (!limit_kb)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, what, "none allowed");
	else if (oom_unlimited_kb(limit_kb))
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, what, "%s used, no limit",
			oom_say_kb(s, usage_kb));
	else
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, what, "%s used of %s",
			oom_say_kb(s, usage_kb), oom_say_kb(s, limit_kb));
}

static void say_memcg(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const char *whose = "";

	if (ev->oom_memcg.p && ev->task_memcg.p && (ev->nvictims || ev->chosen_pid != OOM_NA))
		whose = oom_str_eq(ev->oom_memcg, ev->task_memcg) ? ", the cgroup of the victim itself" :
			", above the victim's own cgroup";
	oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, ev->at[OOM_AT_LIMIT], "limit of", "%s%s",
		ev->oom_memcg.p ? oom_say_name(s, ev->oom_memcg)
				: oom_event_logged(ev) ? "a memory cgroup that the log does not name"
						       : "a memory cgroup whose path is not known",
		whose);
	say_counter(s, "memory", ev->memcg_usage_kb, ev->memcg_limit_kb);
	say_counter(s, "with swap", ev->memsw_usage_kb, ev->memsw_limit_kb);
	say_counter(s, "swap", ev->memcg_swap_usage_kb, ev->memcg_swap_limit_kb);
	if (ev->kmem_usage_kb != OOM_NA && ev->kmem_usage_kb)
		say_counter(s, "kernel", ev->kmem_usage_kb, ev->kmem_limit_kb);
}

static void say_scope(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;

	switch ((enum oom_scope)ev->scope) {
	case OOM_SCOPE_GLOBAL:
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "domain",
			"the whole system; no cgroup limit was involved");
		return;
	case OOM_SCOPE_MEMCG:
		say_memcg(s);
		return;
	case OOM_SCOPE_CPUSET:
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "domain", "%s of the cpuset %s",
			oom_say_nodes(s, ev->mems_allowed), oom_say_name(s, ev->cpuset));
		return;
	case OOM_SCOPE_MEMPOLICY:
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "domain", "%s of a memory policy",
			oom_say_nodes(s, ev->nodemask));
		return;
	case OOM_SCOPE_SYSRQ:
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "domain", "the whole system, by hand");
		return;
	case OOM_SCOPE_UNKNOWN:
		break;
	}
	oom_say(s, OOM_NODE_FACT, OOM_TONE_WARN, OOM_NA, "domain",
		oom_event_logged(ev) ? "the log does not say which limit was hit"
				     : "no feed told which limit was hit");
}

/* ---- the memory ------------------------------------------------------------ */

static int64_t as_kb(const struct oom_event *ev, const struct oom_memory *m)
{
	switch ((enum oom_unit)m->unit) {
	case OOM_UNIT_PAGES:
		return oom_say_pages_kb(ev, m->value);
	case OOM_UNIT_BYTES:
		return m->value / 1024;
	case OOM_UNIT_KB:
		return m->value;
	case OOM_UNIT_NONE:
	case OOM_UNIT_US:
		break;
	}
	return OOM_NA;
}

/* Sum over everything of that name in an area (the memcgs of a subtree are counted apart from each other). */
static int64_t sum_kb(const struct oom_event *ev, int64_t area, const char *name)
{
	int64_t sum = OOM_NA, kb;

	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];

		if (m->area != area || !oom_str_is(m->name, name))
			continue;
		kb = as_kb(ev, m);
		if (kb == OOM_NA)
			continue;
		if (sum == OOM_NA)
			sum = kb;
		else if (__builtin_add_overflow(sum, kb, &sum))
			return OOM_NA;
	}
	return sum;
}

static int64_t add_kb(int64_t a, int64_t b)
{
	int64_t sum;

	if (a == OOM_NA || b == OOM_NA)
		return a == OOM_NA ? b : a;
	return __builtin_add_overflow(a, b, &sum) ? OOM_NA : sum;
}

static void part(struct oom_say *s, const char **list, int64_t kb, const char *what)
{
	if (kb != OOM_NA)
		*list = oom_say_join(s, *list, ", ", oom_say_z(s, "%s %s", oom_say_some(s, kb), what));
}

/* A part that the whole includes; when the counters have drifted apart, it stands alone. */
static void part_of(struct oom_say *s, const char **list, int64_t kb, int64_t whole_kb, const char *what)
{
	if (kb == OOM_NA || whole_kb == OOM_NA || !kb)
		return;
	if (kb > whole_kb)
		part(s, list, kb, what);
	else
		*list = oom_say_z(s, "%s (%s of it %s)", *list, oom_say_kb(s, kb), what);
}

/* Reserved as huge pages, whether they are in use or not: not to be had by anybody else. */
static int64_t huge_kb(const struct oom_event *ev, const char *name)
{
	int64_t sum = 0, size, kb;

	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];
		struct oom_str zone = m->zone;

		if (m->area != OOM_AREA_HUGEPAGES || !oom_str_is(m->name, name) || m->value == OOM_NA)
			continue;
		if (!oom_take_i64(&zone, &size) || __builtin_mul_overflow(size, m->value, &kb) ||
		    __builtin_add_overflow(sum, kb, &sum))
			return OOM_NA;
	}
	return sum;
}

static void say_ram(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const int64_t g = OOM_AREA_GLOBAL;
	int64_t ram = ev->ram_pages, anon, slab, v, huge = huge_kb(ev, "hugepages_total");
	const char *list = "", *all = "";

	if (ram != OOM_NA && ev->reserved_pages != OOM_NA && ev->reserved_pages <= ram)
		ram -= ev->reserved_pages;
	if (ram != OOM_NA)
		all = oom_say_z(s, "%s: ", oom_say_size(s, ram));
	anon = add_kb(sum_kb(ev, g, "active_anon"), sum_kb(ev, g, "inactive_anon"));
	part(s, &list, anon, "anonymous and shared memory");
	part_of(s, &list, sum_kb(ev, g, "shmem"), anon, "shared");
	part(s, &list, add_kb(sum_kb(ev, g, "active_file"), sum_kb(ev, g, "inactive_file")), "file cache");
	v = sum_kb(ev, g, "unevictable");
	if (v > 0 && (ram == OOM_NA || v >= oom_say_pages_kb(ev, ram) / 100))
		part(s, &list, v, "locked");
	v = sum_kb(ev, g, "slab_unreclaimable");
	slab = add_kb(v, sum_kb(ev, g, "slab_reclaimable"));
	part(s, &list, slab, "slab");
	part_of(s, &list, v, slab, "not reclaimable");
	part(s, &list, sum_kb(ev, g, "pagetables"), "page tables");
	if (huge > 0)
		part(s, &list, huge, "huge pages set aside");
	part(s, &list, sum_kb(ev, g, "free"), "free");
	if (*list)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, ev->at[OOM_AT_MEMINFO], "RAM", "%s%s", all, list);
}

static void say_swap(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;

	if (ev->swap_total_kb == OOM_NA)
		return;
	if (!ev->swap_total_kb)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, ev->at[OOM_AT_SWAP], "swap", "none");
	else if (ev->swap_free_kb == OOM_NA || ev->swap_free_kb > ev->swap_total_kb)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, ev->at[OOM_AT_SWAP], "swap", "%s",
			oom_say_kb(s, ev->swap_total_kb));
	else
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, ev->at[OOM_AT_SWAP], "swap",
			"%s used of %s, %s free", oom_say_kb(s, ev->swap_total_kb - ev->swap_free_kb),
			oom_say_kb(s, ev->swap_total_kb),
			ev->swap_free_kb ? oom_say_kb(s, ev->swap_free_kb) : "nothing");
}

/* The numbers of a zone stand together, free first. */
static int64_t zone_kb(const struct oom_event *ev, size_t from, const char *name)
{
	const struct oom_memory *z = &ev->memory[from];

	for (size_t i = from + 1; i < ev->nmemory && i < from + 64; i++) {
		const struct oom_memory *m = &ev->memory[i];

		if (m->area != OOM_AREA_ZONE || m->node != z->node || !oom_str_eq(m->zone, z->zone))
			break;
		if (oom_str_is(m->name, name))
			return as_kb(ev, m);
	}
	return OOM_NA;
}

static bool one_node(const struct oom_event *ev)
{
	for (size_t i = 0; i < ev->nmemory; i++)
		if (ev->memory[i].area == OOM_AREA_ZONE && ev->memory[i].node != OOM_NA &&
		    ev->memory[i].node != 0)
			return false;
	return true;
}

#define ZONES_MAX 6
static void say_zones(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const bool single = one_node(ev);
	const char *list = "", *node, *gap;
	int64_t n = 0, below = 0;

	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];
		int64_t free_kb, min_kb;

		if (m->area != OOM_AREA_ZONE || !oom_str_is(m->name, "free"))
			continue;
		free_kb = as_kb(ev, m);
		min_kb = zone_kb(ev, i, "min");
		if (free_kb == OOM_NA || min_kb == OOM_NA)
			continue;
		below += free_kb < min_kb;
		if (n++ >= ZONES_MAX)
			continue;
		node = single || m->node == OOM_NA ? "" : oom_say_z(s, "node %lld ", (long long)m->node);
		gap = free_kb < min_kb ? oom_say_z(s, "%s BELOW its min of", oom_say_kb(s, min_kb - free_kb))
				       : "min";
		list = oom_say_join(s, list, "; ",
				    oom_say_z(s, "%s%s %s, %s %s", node, oom_say_name(s, m->zone),
					      oom_say_kb(s, free_kb), gap, oom_say_kb(s, min_kb)));
	}
	if (n > ZONES_MAX)
		list = oom_say_z(s, "%s; and %s more", list, oom_say_num(s, n - ZONES_MAX));
	if (n)
		oom_say(s, OOM_NODE_FACT, below ? OOM_TONE_WARN : OOM_TONE_PLAIN, OOM_NA, "free by zone",
			"%s", list);
}

/* memory.stat of v1 has its own names, and totals over the subtree where the kernel prints them. */
static int64_t v1_kb(const struct oom_event *ev, const char *total, const char *own)
{
	int64_t kb = sum_kb(ev, OOM_AREA_MEMCG, total);

	return kb != OOM_NA ? kb : sum_kb(ev, OOM_AREA_MEMCG, own);
}

static void say_memcg_stat(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const int64_t m = OOM_AREA_MEMCG;
	const char *list = "";
	int64_t file, v;

	if (sum_kb(ev, m, "anon") != OOM_NA) {
		part(s, &list, sum_kb(ev, m, "anon"), "anonymous");
		file = sum_kb(ev, m, "file");
		part(s, &list, file, "file cache");
		part_of(s, &list, sum_kb(ev, m, "shmem"), file, "shared memory");
		v = sum_kb(ev, m, "kernel");
		if (v == OOM_NA)
			v = add_kb(add_kb(sum_kb(ev, m, "slab"), sum_kb(ev, m, "kernel_stack")),
				   sum_kb(ev, m, "pagetables"));
		part(s, &list, v, "kernel");
		v = sum_kb(ev, m, "sock");
		if (v > 0)
			part(s, &list, v, "sockets");
	} else {
		part(s, &list, v1_kb(ev, "total_rss", "rss"), "anonymous");
		file = v1_kb(ev, "total_cache", "cache");
		part(s, &list, file, "file cache");
		part_of(s, &list, v1_kb(ev, "total_shmem", "shmem"), file, "shared memory");
		v = v1_kb(ev, "total_swap", "swap");
		if (v > 0)
			part(s, &list, v, "swapped out");
	}
	if (*list)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "in it", "%s", list);
}

void oom_say_where(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;

	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Where the memory was short");
	say_trigger(s);
	say_scope(s);
	if (ev->scope == OOM_SCOPE_MEMCG)
		say_memcg_stat(s);
	if (ev->has_mem_info != 1)
		return;
	say_ram(s);
	say_swap(s);
	say_zones(s);
}
