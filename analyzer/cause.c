/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of causes, and the order in which they are tried. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cause_impl.h"

const char *const oom_confidence_names[] = { "none", "likely", "certain", NULL };

const struct oom_cause oom_causes[] = {
	[OOM_CAUSE_SYSRQ] = { "sysrq", "asked for by hand",
		"find out who writes f to /proc/sysrq-trigger; memory need not be changed",
		"the order were 0 or more and no sysrq stood in the trace" },
	[OOM_CAUSE_MEMCG_LIMIT] = { "memcg_limit", "a memory cgroup was full",
		"raise its limit (memory.max, in cgroup v1 memory.limit_in_bytes), or make what runs in it use less",
		"the oom-kill line had no oom_memcg= or another constraint" },
	[OOM_CAUSE_MEMCG_ANCESTOR] = { "memcg_ancestor_limit", "a memory cgroup above the victim's own was full",
		"look at the ancestor's limit and at all that runs below it: the victim's own limit was not the one",
		"oom_memcg were the victim's own cgroup" },
	[OOM_CAUSE_CPUSET] = { "cpuset", "the nodes that a cpuset allows were full",
		"allow the cpuset more nodes (cpuset.mems), or move work to another one",
		"the other nodes had been as full" },
	[OOM_CAUSE_MEMPOLICY] = { "mempolicy", "the nodes of a memory policy were full",
		"prefer nodes instead of binding to them (MPOL_PREFERRED, numactl --preferred)",
		"the other nodes had been as full" },
	[OOM_CAUSE_FRAGMENTATION] = { "fragmentation", "free memory in pieces too small",
		"avoid large kernel allocations (kvmalloc in drivers, smaller MTU or buffers); a larger vm.min_free_kbytes "
		"leaves compaction more room",
		"a zone above its watermark had a free block of that size and a usable type" },
	[OOM_CAUSE_UNUSABLE_FREE] = { "unusable_free", "free memory that this request may not use",
		"use a 64-bit kernel where HighMem is the point; else make the CMA or Movable area smaller",
		"the request might use the zones or types in which memory was free" },
	[OOM_CAUSE_LOWMEM_RESERVE] = { "lowmem_reserve", "free memory held back by lowmem_reserve",
		"look at vm.lowmem_reserve_ratio: smaller reserves need larger ratios",
		"the free memory of these zones were above watermark plus reserve" },
	[OOM_CAUSE_PROTECTION] = { "memcg_protection", "memory protected by memory.min or memory.low",
		"lower memory.min and memory.low of the cgroups that hold the page cache",
		"there were little clean file cache, or most of it dirty" },
	[OOM_CAUSE_HUGEPAGES] = { "hugepages", "memory set aside as huge pages",
		"lower vm.nr_hugepages: free huge pages are of no use to anybody else",
		"hugepages_total were small" },
	[OOM_CAUSE_PROCESSES] = { "processes", "processes used it up",
		"limit the processes named here in cgroups of their own, or give the machine more memory",
		"anonymous memory were a small part of RAM" },
	[OOM_CAUSE_SHMEM] = { "shmem", "shared memory or tmpfs used it up",
		"look for large files in tmpfs (df -t tmpfs) and mount it with a size; a kill does not free them",
		"the shmem counter were small" },
	[OOM_CAUSE_PINNED] = { "pinned", "memory that may not be swapped out",
		"look at who locks memory (VmLck in /proc/PID/status; ramfs, too) and limit it with RLIMIT_MEMLOCK",
		"the unevictable counter were small" },
	[OOM_CAUSE_SLAB] = { "slab", "the kernel's slab caches used it up",
		"watch the caches with slabtop; a cache that only grows is a leak: update or unload what fills it",
		"the slab counters were small" },
	[OOM_CAUSE_PAGE_TABLES] = { "page_tables", "page tables used it up",
		"map less, or with huge pages; many processes that share much memory each need tables for it",
		"the pagetables counter were small" },
	[OOM_CAUSE_KERNEL_STACKS] = { "kernel_stacks", "stacks of threads used it up",
		"limit the number of threads (TasksMax=, pids.max)",
		"the kernel_stack counter were small" },
	[OOM_CAUSE_COMPRESSED] = { "compressed_memory", "compressed memory (zram, zswap)",
		"look at zramctl: a RAM disk or swap of incompressible data takes as much RAM as it holds",
		"the zspages counters were small" },
	[OOM_CAUSE_KERNEL_MEMORY] = { "kernel_memory", "kernel memory charged to the cgroup",
		"look at slab, pagetables, percpu and vmalloc in the cgroup's memory.stat",
		"kernel in memory.stat were small" },
	[OOM_CAUSE_NETWORK] = { "network_buffers", "network buffers charged to the cgroup",
		"make sockets read what they get, or lower net.ipv4.tcp_rmem and tcp_wmem",
		"sock in memory.stat were small" },
	[OOM_CAUSE_DIRTY_CACHE] = { "dirty_cache", "file cache that was not written yet",
		"lower vm.dirty_bytes where the disk is slow, and look for I/O errors before the kill",
		"the dirty and writeback counters were small" },
	[OOM_CAUSE_UNACCOUNTED] = { "unaccounted", "memory that no counter of the dump names",
		"look at drivers, ZFS (arcstats), balloons and GPUs; memory allocation profiling names the callers",
		"a counter of the dump were not in the ledger" },
	[OOM_CAUSE_SWAP_ABSENT] = { "swap_absent", "no swap",
		"some swap (zram is enough) gives idle memory a place to go",
		"Total swap were above 0" },
	[OOM_CAUSE_SWAP_FULL] = { "swap_full", "swap was full",
		"find out what filled it; more swap only helps if the memory in it is idle",
		"Free swap were well above 0" },
	[OOM_CAUSE_SWAP_DISABLED] = { "swap_disabled", "swap was not allowed",
		"raise memory.swap.max of the cgroup if its idle memory may be swapped out",
		"the swap limit were above 0" },
	[OOM_CAUSE_NOT_DETERMINED] = { "not_determined", "not determined", NULL, NULL },
};
const size_t oom_cause_count = OOM_ARRAY_SIZE(oom_causes);

const struct oom_cause *oom_cause_named(const char *keyword)
{
	for (size_t i = 0; i < oom_cause_count; i++)
		if (!strcmp(oom_causes[i].keyword, keyword))
			return &oom_causes[i];
	return NULL;
}

/* ---- findings --------------------------------------------------------------------------------------- */

static struct oom_finding nowhere;

struct oom_finding *oom_case_find(struct oom_case *c, enum oom_cause_id id, enum oom_confidence confidence, int64_t kb,
				  bool decisive, const char *text)
{
	struct oom_finding *grown = oom_arena_grow(&c->say.doc->arena, c->finding, c->nfindings, &c->cap,
						   sizeof(*c->finding));

	if (!grown) {
		c->say.nomem = true;
		return &nowhere;
	}
	c->finding = grown;
	if (decisive && c->primary < 0)
		c->primary = (ptrdiff_t)c->nfindings;
	c->finding[c->nfindings] = (struct oom_finding){
		.cause = &oom_causes[id], .confidence = confidence, .kb = kb, .text = oom_str_from(text),
	};
	return &c->finding[c->nfindings++];
}

void oom_case_prove(struct oom_case *c, struct oom_finding *f, int64_t line, const char *fmt, ...)
{
	struct oom_evidence *grown;
	const char *text;
	size_t cap = f->nevidence;
	va_list ap;

	if (f == &nowhere)
		return;
	grown = oom_arena_grow(&c->say.doc->arena, f->evidence, f->nevidence, &cap, sizeof(*grown));
	va_start(ap, fmt);
	text = oom_say_zv(&c->say, fmt, ap);
	va_end(ap);
	if (!grown) {
		c->say.nomem = true;
		return;
	}
	f->evidence = grown;
	f->evidence[f->nevidence++] = (struct oom_evidence){ .text = oom_str_from(text), .line = line };
}

void oom_case_lacks(struct oom_case *c, const char *missing)
{
	if (!c->missing)
		c->missing = missing;
}

const char *oom_case_share(struct oom_case *c, int64_t kb, int64_t of_kb)
{
	if (kb == OOM_NA || of_kb == OOM_NA || of_kb <= 0)
		return "";
	if (kb > 0 && kb < of_kb / 100)
		return "less than 1 %";
	if (kb > INT64_MAX / 200 || kb < INT64_MIN / 200 || of_kb > INT64_MAX / 200)
		return "";
	return oom_say_z(&c->say, "%lld %%", (long long)((kb * 100 + of_kb / 2) / of_kb));
}

/* ---- the tests --------------------------------------------------------------------------------------- */

static void sysrq(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	struct oom_finding *f;

	if (ev->sysrq != 1 && ev->scope != OOM_SCOPE_SYSRQ)
		return;
	f = oom_case_find(c, OOM_CAUSE_SYSRQ, OOM_CONFIDENCE_CERTAIN, OOM_NA, true,
			  "Somebody asked for an OOM kill by hand (sysrq-f); memory need not have been short.");
	if (ev->order == -1)
		oom_case_prove(c, f, ev->at[OOM_AT_INVOKED], "order=-1, which only sysrq-f has");
	else
		oom_case_prove(c, f, ev->at[OOM_AT_INVOKED], "the kernel says that it was done by hand");
}

/* A program that decides instead of the kernel names its own constraint. */
static void policy(struct oom_case *c)
{
	if (oom_str_starts(c->ev->constraint, "CONSTRAINT_BPF"))
		oom_case_lacks(c, oom_say_z(&c->say, "a BPF program asked for the kill (%s), and its reasons are not in the log",
					    oom_say_safe(&c->say, c->ev->constraint)));
}

static void need_dump(struct oom_case *c)
{
	if (c->ev->has_mem_info != 1)
		oom_case_lacks(c, oom_event_logged(c->ev) ? "the log holds no memory dump of this kill"
							  : "no memory dump was recorded");
}

/* Whoever held the memory of the machine contributed, also where the zones tell the cause. */
static void machine(struct oom_case *c)
{
	oom_cause_zones(c);
	oom_cause_users(c);
}

/* Each stops the others where it settles the matter: primary found, or something is missing for all that follow. */
static void (*const tests[])(struct oom_case *c) = {
	sysrq, policy, oom_cause_memcg, oom_cause_nodes, need_dump, machine,
};

static void not_determined(struct oom_case *c)
{
	oom_case_find(c, OOM_CAUSE_NOT_DETERMINED, OOM_CONFIDENCE_NONE, OOM_NA, true,
		      oom_say_z(&c->say, "Not determined: %s.",
				c->missing ? c->missing : "the numbers of the log fit no cause that is known here"));
}

/* The primary one to the front; the others stay in the order of the tests. */
static void order(struct oom_case *c)
{
	struct oom_finding first;

	if (c->primary < 0)
		return;               /* out of memory */
	first = c->finding[c->primary];
	for (ptrdiff_t i = c->primary; i > 0; i--)
		c->finding[i] = c->finding[i - 1];
	c->finding[0] = first;
	c->finding[0].primary = true;
}

/* All that the counters name. */
static int64_t named_kb(const struct oom_ledger *l)
{
	int64_t kb = 0;

	for (size_t i = 0; l && i < l->nrows; i++)
		if (l->row[i].of == OOM_LEDGER_DISJOINT && l->row[i].group != OOM_LEDGER_RESERVED)
			kb += l->row[i].kb;
	return kb;
}

static int64_t base_kb(const struct oom_case *c)
{
	int64_t reserved = oom_ledger_kb(c->machine, "reserved"), sum = 0;

	if (c->machine && c->machine->total_kb != OOM_NA && reserved != OOM_NA && reserved < c->machine->total_kb)
		return c->machine->total_kb - reserved;
	/* An edited dump: the zones that are left are those of the machine if they hold all that its counters have. */
	for (size_t i = 0; i < c->zones.n; i++) {
		if (c->zones.zone[i].managed_kb == OOM_NA)
			return OOM_NA;
		sum += c->zones.zone[i].managed_kb;
	}
	return sum > 0 && named_kb(c->machine) <= sum ? sum : OOM_NA;
}

int oom_diagnose(const struct oom_replay *r, struct oom_diagnosis *ret)
{
	struct oom_doc doc = { 0 };
	struct oom_case c = { .ev = r->event, .r = r, .primary = -1, .say = { .ev = r->event, .r = r, .doc = &doc } };
	int code;

	*ret = (struct oom_diagnosis){ 0 };
	code = oom_books_make(r->event, &ret->books);
	if (code == 0)
		code = oom_zones_read(r->event, &doc.arena, &c.zones);
	if (code == 0) {
		c.books = &ret->books;
		c.machine = oom_books_of(c.books, OOM_LEDGER_MACHINE);
		c.memcg = oom_books_of(c.books, OOM_LEDGER_MEMCG);
		c.base_kb = base_kb(&c);
		for (size_t i = 0; i < OOM_ARRAY_SIZE(tests) && c.primary < 0 && !c.missing; i++)
			tests[i](&c);
		oom_cause_members(&c);
		if (c.ev->scope != OOM_SCOPE_SYSRQ)
			oom_cause_swap(&c);
		if (c.primary < 0)
			not_determined(&c);
		order(&c);
		code = c.say.nomem ? -ENOMEM : 0;
	}
	ret->arena = doc.arena;
	ret->finding = c.finding;
	ret->nfindings = c.nfindings;
	return code;
}

void oom_diagnosis_release(struct oom_diagnosis *d)
{
	if (!d)
		return;
	oom_books_release(&d->books);
	oom_arena_release(&d->arena);
	*d = (struct oom_diagnosis){ 0 };
}

const char *oom_diagnosis_keyword(const struct oom_diagnosis *d)
{
	return d->nfindings ? d->finding[0].cause->keyword : "not_determined";
}
