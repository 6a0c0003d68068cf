/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who asked for memory, which limit stood in the way, and where it all was. */
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

static bool told(const struct oom_say *s, const char *keyword)
{
	for (size_t i = 0; i < s->why->nfindings; i++)
		if (oom_str_starts(oom_str_from(s->why->finding[i].cause->keyword), keyword))
			return true;
	return false;
}

/* What the cause has told already is left out. */
static void say_memcg(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const char *at_limit = told(s, "memcg_") ? oom_say_limit(ev).what : "", *whose = "";

	if (ev->oom_memcg.p && ev->task_memcg.p && (ev->nvictims || ev->chosen_pid != OOM_NA))
		whose = oom_str_eq(ev->oom_memcg, ev->task_memcg) ? ", the cgroup of the victim itself" :
			", above the victim's own cgroup";
	oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, ev->at[OOM_AT_LIMIT], "limit of", "%s%s",
		ev->oom_memcg.p ? oom_say_name(s, ev->oom_memcg)
				: oom_event_logged(ev) ? "a memory cgroup that the log does not name"
						       : "a memory cgroup whose path is not known",
		whose);
	if (strcmp(at_limit, "memory"))
		say_counter(s, "memory", ev->memcg_usage_kb, ev->memcg_limit_kb);
	if (strcmp(at_limit, "memory+swap"))
		say_counter(s, "with swap", ev->memsw_usage_kb, ev->memsw_limit_kb);
	if (!told(s, "swap_"))
		say_counter(s, "swap", ev->memcg_swap_usage_kb, ev->memcg_swap_limit_kb);
	if (ev->kmem_usage_kb != OOM_NA && ev->kmem_usage_kb && strcmp(at_limit, "kernel memory"))
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

/* ---- swap ------------------------------------------------------------ */

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

/* ---- the ledger ------------------------------------------------------------ */

static const char *share(struct oom_say *s, int64_t kb, int64_t of_kb)
{
	int64_t tenths = oom_ledger_share(kb, of_kb);

	if (tenths == OOM_NA)
		return "-";
	return oom_say_z(s, "%s%lld.%lld %%", tenths < 0 ? "-" : "", (long long)(tenths < 0 ? -tenths : tenths) / 10,
			 (long long)(tenths < 0 ? -tenths : tenths) % 10);
}

static void say_row(struct oom_say *s, const struct oom_ledger *l, const char *name, int64_t kb)
{
	oom_say(s, OOM_NODE_ROW, OOM_TONE_PLAIN, OOM_NA, NULL, "%s\t%s\t%s", name, oom_say_kb(s, kb),
		share(s, kb, l->total_kb));
}

/* What is above 1 % of the total, the largest first, parts below their whole; then what no row has. */
static void say_ledger(struct oom_say *s, const struct oom_ledger *l)
{
	const struct oom_ledger_row *done = NULL;
	const int64_t least = l->total_kb / 100;

	if (l->total_kb == OOM_NA || l->unaccounted_kb == OOM_NA || l->total_kb <= 0)
		return;
	oom_say(s, OOM_NODE_TABLE, OOM_TONE_PLAIN, l->total_line, NULL, "%s, %s\t>size\t>share",
		l->domain == OOM_LEDGER_MEMCG ? "charged to the cgroup" :
		l->domain == OOM_LEDGER_NODE ? oom_say_z(s, "all pages of node %lld", (long long)l->node) : "all pages of RAM",
		oom_say_kb(s, l->total_kb));
	for (;;) {
		const struct oom_ledger_row *next = NULL;

		/* the next smaller one; of equals, the next in the table */
		for (size_t i = 0; i < l->nrows; i++) {
			const struct oom_ledger_row *r = &l->row[i];

			if (r->of == OOM_LEDGER_DISJOINT && r->kb > least && (!next || r->kb > next->kb) &&
			    (!done || r->kb < done->kb || (r->kb == done->kb && r > done)))
				next = r;
		}
		if (!next)
			break;
		done = next;
		say_row(s, l, next->name, next->kb);
		for (size_t i = 0; i < l->nrows; i++)
			if (l->row[i].of == next - l->row && l->row[i].kb > least)
				say_row(s, l, oom_say_z(s, "  of it %s", l->row[i].name), l->row[i].kb);
	}
	say_row(s, l, !l->whole ? "not told by what is left of the dump" :
		l->domain == OOM_LEDGER_NODE ? "slab (not counted by node), and not accounted for" : "not accounted for",
		l->unaccounted_kb);
}

#define LEDGERS_MAX 4      /* the JSON document has the ledgers of all nodes */

void oom_say_where(struct oom_say *s)
{
	const struct oom_books *books = &s->why->books;
	const bool by_node = s->ev->scope == OOM_SCOPE_CPUSET || s->ev->scope == OOM_SCOPE_MEMPOLICY;
	const int64_t not = by_node && oom_books_of(books, OOM_LEDGER_NODE) ? OOM_LEDGER_MACHINE : OOM_LEDGER_NODE;
	size_t n = 0;

	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Where the memory was short");
	say_trigger(s);
	say_scope(s);
	if (s->ev->has_mem_info == 1 && !told(s, "swap_"))
		say_swap(s);
	for (size_t i = 0; i < books->nledgers && n < LEDGERS_MAX && !s->page; i++)
		if (books->ledger[i].domain != not && ++n)
			say_ledger(s, &books->ledger[i]);
}
