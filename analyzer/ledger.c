/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger.  Which counters of the kernel are disjoint: free lists, LRU lists, isolated pages, slab, page tables,
 * stacks and huge pages each count pages that no other of them counts (mm/vmstat.h: one list or owner a page).
 * shmem, mlocked, mapped, dirty and the like count pages of these again.
 */
#include <oomlens/ledger.h>

#include <errno.h>
#include <string.h>

#include "dump.h"
#include "evaluate.h"
#include "release.h"

const char *const oom_ledger_domain_names[] = { "machine", "node", "memcg", NULL };
const char *const oom_ledger_group_names[] = {
	"free", "anon", "shared", "file", "kernel", "huge", "reserved", "other", NULL,
};

/* ---- rows ------------------------------------------------------------------------------------------- */

/* Where a counter is looked for, in this order; the first place that has it counts. */
enum place { END, MACHINE, NODES, ZONES, MEMCG, PAGES_OF_HUGETLB };

struct spec {
	const char *key, *name;       /* name: for people */
	uint8_t group;
	const char *of;               /* key of the row that includes it; "" = aside; NULL = disjoint */
	const char *from[3];          /* counters that are added up */
	uint8_t at[3];                /* enum place */
	bool needed;                  /* every kernel's dump has it: without it the ledger is not whole */
};

/* isolated(anon) of nodes and zones is isolated_anon of the machine. */
static const struct spec machine_rows[] = {
	{ "free", "free", OOM_LEDGER_FREE, NULL, { "free" }, { MACHINE }, true },
	{ "free_cma", "reserved for CMA", OOM_LEDGER_FREE, "free", { "free_cma" }, { MACHINE }, false },
	{ "free_highatomic", "kept for atomic requests", OOM_LEDGER_FREE, "free",
	  { "free_highatomic" }, { ZONES }, false },
	{ "free_pcp", "free, in per-CPU lists", OOM_LEDGER_FREE, NULL, { "free_pcp" }, { MACHINE }, false },
	{ "anon", "anonymous and shared memory", OOM_LEDGER_ANON, NULL,
	  { "active_anon", "inactive_anon" }, { MACHINE }, true },
	{ "shmem", "shared memory and tmpfs", OOM_LEDGER_SHARED, "anon", { "shmem" }, { MACHINE }, false },
	{ "file", "file cache", OOM_LEDGER_FILE, NULL, { "active_file", "inactive_file" }, { MACHINE }, true },
	{ "dirty", "not yet written", OOM_LEDGER_FILE, "file", { "dirty" }, { MACHINE }, false },
	{ "writeback", "being written", OOM_LEDGER_FILE, "file", { "writeback" }, { MACHINE }, false },
	{ "unevictable", "unevictable", OOM_LEDGER_OTHER, NULL, { "unevictable" }, { MACHINE }, true },
	{ "mlocked", "locked with mlock", OOM_LEDGER_OTHER, "unevictable", { "mlocked" }, { ZONES }, false },
	{ "isolated", "isolated for reclaim", OOM_LEDGER_OTHER, NULL,
	  { "isolated_anon", "isolated_file" }, { MACHINE }, false },
	{ "slab_reclaimable", "slab, reclaimable", OOM_LEDGER_KERNEL, NULL,
	  { "slab_reclaimable" }, { MACHINE }, true },
	{ "slab_unreclaimable", "slab, not reclaimable", OOM_LEDGER_KERNEL, NULL,
	  { "slab_unreclaimable" }, { MACHINE }, true },
	{ "kernel_misc_reclaimable", "kernel, reclaimable", OOM_LEDGER_KERNEL, NULL,
	  { "kernel_misc_reclaimable" }, { MACHINE }, false },
	{ "pagetables", "page tables", OOM_LEDGER_KERNEL, NULL, { "pagetables" }, { MACHINE }, true },
	{ "sec_pagetables", "page tables of devices and guests", OOM_LEDGER_KERNEL, NULL,
	  { "sec_pagetables" }, { MACHINE }, false },
	{ "kernel_stack", "kernel stacks", OOM_LEDGER_KERNEL, NULL, { "kernel_stack" }, { NODES, ZONES }, false },
	{ "shadow_call_stack", "shadow call stacks", OOM_LEDGER_KERNEL, NULL,
	  { "shadow_call_stack" }, { NODES, ZONES }, false },
	{ "bounce", "bounce buffers", OOM_LEDGER_KERNEL, NULL, { "bounce" }, { MACHINE }, false },
	{ "writeback_tmp", "temporary copies of FUSE", OOM_LEDGER_KERNEL, NULL,
	  { "writeback_tmp" }, { NODES, ZONES }, false },
	{ "zspages", "compressed swap (zsmalloc)", OOM_LEDGER_KERNEL, NULL, { "zspages" }, { ZONES }, false },
	{ "gpu_active", "graphics, in use", OOM_LEDGER_KERNEL, NULL, { "gpu_active" }, { NODES }, false },
	{ "gpu_reclaim", "graphics, pooled", OOM_LEDGER_KERNEL, NULL, { "gpu_reclaim" }, { NODES }, false },
	{ "hugetlb", "huge pages set aside", OOM_LEDGER_HUGE, NULL,
	  { "hugepages_total" }, { PAGES_OF_HUGETLB }, false },
	{ "hugetlb_free", "not in use", OOM_LEDGER_HUGE, "hugetlb",
	  { "hugepages_free" }, { PAGES_OF_HUGETLB }, false },
	/* whether a balloon's pages were taken out of the managed ones depends on its driver (VIRTIO_BALLOON_F_DEFLATE_ON_OOM) */
	{ "balloon", "given to the hypervisor (balloon)", OOM_LEDGER_OTHER, "", { "Balloon" }, { NODES }, false },
};

/* 4.8 moved the LRU lists from zones to nodes, 5.9 the stacks, 5.11 the page tables; 4.13 dropped slab by zone. */
static const struct spec node_rows[] = {
	{ "free", "free", OOM_LEDGER_FREE, NULL, { "free" }, { ZONES }, true },
	{ "free_cma", "reserved for CMA", OOM_LEDGER_FREE, "free", { "free_cma" }, { ZONES }, false },
	{ "free_pcp", "free, in per-CPU lists", OOM_LEDGER_FREE, NULL, { "free_pcp" }, { ZONES }, false },
	{ "anon", "anonymous and shared memory", OOM_LEDGER_ANON, NULL,
	  { "active_anon", "inactive_anon" }, { NODES, ZONES }, true },
	{ "shmem", "shared memory and tmpfs", OOM_LEDGER_SHARED, "anon", { "shmem" }, { NODES, ZONES }, false },
	{ "file", "file cache", OOM_LEDGER_FILE, NULL, { "active_file", "inactive_file" }, { NODES, ZONES }, true },
	{ "unevictable", "unevictable", OOM_LEDGER_OTHER, NULL, { "unevictable" }, { NODES, ZONES }, true },
	{ "mlocked", "locked with mlock", OOM_LEDGER_OTHER, "unevictable", { "mlocked" }, { ZONES }, false },
	{ "isolated", "isolated for reclaim", OOM_LEDGER_OTHER, NULL,
	  { "isolated(anon)", "isolated(file)" }, { NODES, ZONES }, false },
	{ "slab_reclaimable", "slab, reclaimable", OOM_LEDGER_KERNEL, NULL,
	  { "slab_reclaimable" }, { ZONES }, false },
	{ "slab_unreclaimable", "slab, not reclaimable", OOM_LEDGER_KERNEL, NULL,
	  { "slab_unreclaimable" }, { ZONES }, false },
	{ "pagetables", "page tables", OOM_LEDGER_KERNEL, NULL, { "pagetables" }, { NODES, ZONES }, false },
	{ "sec_pagetables", "page tables of devices and guests", OOM_LEDGER_KERNEL, NULL,
	  { "sec_pagetables" }, { NODES }, false },
	{ "kernel_stack", "kernel stacks", OOM_LEDGER_KERNEL, NULL, { "kernel_stack" }, { NODES, ZONES }, false },
	{ "shadow_call_stack", "shadow call stacks", OOM_LEDGER_KERNEL, NULL,
	  { "shadow_call_stack" }, { NODES, ZONES }, false },
	{ "writeback_tmp", "temporary copies of FUSE", OOM_LEDGER_KERNEL, NULL,
	  { "writeback_tmp" }, { NODES, ZONES }, false },
	{ "zspages", "compressed swap (zsmalloc)", OOM_LEDGER_KERNEL, NULL, { "zspages" }, { ZONES }, false },
	{ "gpu_active", "graphics, in use", OOM_LEDGER_KERNEL, NULL, { "gpu_active" }, { NODES }, false },
	{ "gpu_reclaim", "graphics, pooled", OOM_LEDGER_KERNEL, NULL, { "gpu_reclaim" }, { NODES }, false },
	{ "hugetlb", "huge pages set aside", OOM_LEDGER_HUGE, NULL,
	  { "hugepages_total" }, { PAGES_OF_HUGETLB }, false },
	{ "hugetlb_free", "not in use", OOM_LEDGER_HUGE, "hugetlb",
	  { "hugepages_free" }, { PAGES_OF_HUGETLB }, false },
	{ "balloon", "given to the hypervisor (balloon)", OOM_LEDGER_OTHER, "", { "Balloon" }, { NODES }, false },
};

static const struct oom_ledger_row *row_of(const struct oom_ledger *l, const char *key)
{
	for (size_t i = 0; l && i < l->nrows; i++)
		if (!strcmp(l->row[i].key, key))
			return &l->row[i];
	return NULL;
}

int64_t oom_ledger_kb(const struct oom_ledger *l, const char *key)
{
	const struct oom_ledger_row *row = row_of(l, key);

	return row ? row->kb : OOM_NA;
}

int64_t oom_ledger_share(int64_t kb, int64_t of_kb)
{
	const int64_t most = INT64_MAX / 2000;

	if (kb > most || kb < -most || of_kb <= 0 || of_kb > most)
		return OOM_NA;
	return (kb * 1000 + (kb < 0 ? -of_kb : of_kb) / 2) / of_kb;
}

static void add(struct oom_ledger *l, const struct spec *s, struct oom_sum sum)
{
	const struct oom_ledger_row *whole = s->of ? row_of(l, s->of) : NULL;
	struct oom_ledger_row *to = &l->row[l->nrows++];

	*to = (struct oom_ledger_row){ .key = s->key, .name = s->name, .kb = sum.kb, .line = sum.line, .group = s->group,
				       .of = s->of ? OOM_LEDGER_ASIDE : OOM_LEDGER_DISJOINT };
	/* read a moment later, a part can be larger than its whole: then it is only said */
	if (whole && whole->kb >= sum.kb)
		to->of = whole - l->row;
}

static struct oom_sum look(const struct oom_event *ev, int64_t node, enum place at, const char *name)
{
	switch (at) {
	case MACHINE:
		return oom_memory_sum(ev, OOM_AREA_GLOBAL, OOM_ANY_NODE, name);
	case NODES:
		return oom_memory_sum(ev, OOM_AREA_NODE, node, name);
	case ZONES:
		return oom_memory_sum(ev, OOM_AREA_ZONE, node, name);
	case MEMCG:
		return oom_memory_sum(ev, OOM_AREA_MEMCG, OOM_ANY_NODE, name);
	case PAGES_OF_HUGETLB:
		return oom_hugetlb_sum(ev, node, name);
	case END:
		break;
	}
	return (struct oom_sum){ OOM_NA, OOM_NA, 0 };
}

/* All counters of the row from one place, or none. */
static struct oom_sum value_of(const struct oom_event *ev, int64_t node, const struct spec *s)
{
	struct oom_sum sum = { OOM_NA, OOM_NA, 0 }, one;

	for (size_t p = 0; p < OOM_ARRAY_SIZE(s->at) && s->at[p] != END; p++) {
		sum = (struct oom_sum){ 0, OOM_NA, 0 };
		for (size_t i = 0; i < OOM_ARRAY_SIZE(s->from) && s->from[i]; i++) {
			one = look(ev, node, (enum place)s->at[p], s->from[i]);
			if (one.kb == OOM_NA) {
				sum.kb = OOM_NA;
				break;
			}
			sum.kb += one.kb;
			sum.line = sum.line == OOM_NA ? one.line : sum.line;
		}
		if (sum.kb != OOM_NA)
			return sum;
	}
	return sum;
}

static void fill(struct oom_ledger *l, const struct oom_event *ev, const struct spec *spec, size_t nspecs)
{
	const int64_t node = l->domain == OOM_LEDGER_NODE ? l->node : OOM_ANY_NODE;

	l->whole = l->total_kb != OOM_NA;
	for (size_t i = 0; i < nspecs; i++) {
		struct oom_sum sum = value_of(ev, node, &spec[i]);

		if (sum.kb != OOM_NA)
			add(l, &spec[i], sum);
		else
			l->whole &= !spec[i].needed;
	}
}

/* What no row has. */
static void close_ledger(struct oom_ledger *l)
{
	bool any = false;

	l->unaccounted_kb = l->total_kb;
	for (size_t i = 0; i < l->nrows && l->unaccounted_kb != OOM_NA; i++) {
		if (l->row[i].of != OOM_LEDGER_DISJOINT)
			continue;
		l->unaccounted_kb -= l->row[i].kb;
		any |= l->row[i].group != OOM_LEDGER_RESERVED;
	}
	if (!any)
		l->unaccounted_kb = OOM_NA;
}

/* ---- the machine and its nodes ---------------------------------------------------------------------- */

static const struct spec reserved = { "reserved", "reserved at boot", OOM_LEDGER_RESERVED, NULL, { NULL }, { END },
				      true };

/* Estimates are spread about what is printed; of 3.13-3.17, where what is printed is a bound, it is the bound. */
static int64_t nominal(struct oom_range r)
{
	return r.hi - r.lo > r.hi / 50 ? r.hi : r.lo + (r.hi - r.lo) / 2;
}

static void machine(struct oom_ledger *l, const struct oom_event *ev)
{
	struct oom_range managed = oom_managed_pages(ev);
	int64_t kb;

	l->domain = OOM_LEDGER_MACHINE;
	l->total_kb = oom_kb_of_pages(ev, ev->ram_pages);
	l->total_line = ev->at[OOM_AT_RAM];
	l->missing = "memory of drivers, vmalloc and per-CPU data";
	kb = managed.lo <= managed.hi ? oom_kb_of_pages(ev, ev->ram_pages - nominal(managed)) : OOM_NA;
	if (kb != OOM_NA)
		add(l, &reserved, (struct oom_sum){ kb, ev->at[OOM_AT_RAM], 1 });
	fill(l, ev, machine_rows, OOM_ARRAY_SIZE(machine_rows));
	l->whole &= kb != OOM_NA;
	close_ledger(l);
}

/* Are the zones that the dump shows all that there are? */
static bool whole_machine(const struct oom_event *ev)
{
	return oom_eval_pages_ok(ev->ram_pages) &&
	       oom_memory_sum(ev, OOM_AREA_ZONE, OOM_ANY_NODE, "present").kb == oom_kb_of_pages(ev, ev->ram_pages);
}

/* From 6.1 on the dump hides zones above the one that the request could use: then a node has no total. */
static bool all_zones(const struct oom_event *ev)
{
	const int64_t movable = 0xa;      /* __GFP_HIGHMEM | __GFP_MOVABLE, the same bits in every version */
	struct oom_release r;

	if (whole_machine(ev))
		return true;
	if (ev->gfp_mask != OOM_NA && (ev->gfp_mask & movable) == movable)
		return true;
	return ev->kernel.p && oom_release_parse(ev->kernel, &r) && !oom_release_since(&r, 6, 1);
}

static void node(struct oom_ledger *l, const struct oom_event *ev, int64_t nr)
{
	struct oom_sum present = oom_memory_sum(ev, OOM_AREA_ZONE, nr, "present");
	struct oom_sum managed = oom_memory_sum(ev, OOM_AREA_ZONE, nr, "managed");

	l->domain = OOM_LEDGER_NODE;
	l->node = nr;
	l->total_kb = all_zones(ev) ? present.kb : OOM_NA;
	l->total_line = present.line;
	if (l->total_kb != OOM_NA && managed.kb != OOM_NA && managed.kb <= present.kb)
		add(l, &reserved, (struct oom_sum){ present.kb - managed.kb, present.line, 1 });
	fill(l, ev, node_rows, OOM_ARRAY_SIZE(node_rows));
	l->missing = oom_ledger_kb(l, "slab_unreclaimable") != OOM_NA
			     ? "memory of drivers, vmalloc and per-CPU data"
			     : "slab, which is not counted by node, and memory of drivers, vmalloc and per-CPU data";
	close_ledger(l);
}

/* ---- a memory cgroup -------------------------------------------------------------------------------- */

/* memory.stat of cgroup v2, and of v1 from 5.3 to 6.4. */
static const struct spec v2_rows[] = {
	{ "anon", "anonymous memory", OOM_LEDGER_ANON, NULL, { "anon" }, { MEMCG }, true },
	{ "file", "file cache and shared memory", OOM_LEDGER_FILE, NULL, { "file" }, { MEMCG }, true },
	{ "shmem", "shared memory and tmpfs", OOM_LEDGER_SHARED, "file", { "shmem" }, { MEMCG }, false },
	{ "dirty", "not yet written", OOM_LEDGER_FILE, "file", { "file_dirty" }, { MEMCG }, false },
	{ "writeback", "being written", OOM_LEDGER_FILE, "file", { "file_writeback" }, { MEMCG }, false },
	{ "kernel", "kernel memory", OOM_LEDGER_KERNEL, NULL, { "kernel" }, { MEMCG }, false },
	{ "slab", "slab", OOM_LEDGER_KERNEL, "kernel", { "slab" }, { MEMCG }, false },
	{ "kernel_stack", "kernel stacks", OOM_LEDGER_KERNEL, "kernel", { "kernel_stack" }, { MEMCG }, false },
	{ "pagetables", "page tables", OOM_LEDGER_KERNEL, "kernel", { "pagetables" }, { MEMCG }, false },
	{ "sec_pagetables", "page tables of devices and guests", OOM_LEDGER_KERNEL, "kernel",
	  { "sec_pagetables" }, { MEMCG }, false },
	{ "percpu", "per-CPU data", OOM_LEDGER_KERNEL, "kernel", { "percpu" }, { MEMCG }, false },
	{ "vmalloc", "vmalloc", OOM_LEDGER_KERNEL, "kernel", { "vmalloc" }, { MEMCG }, false },
	{ "zswap", "compressed swap (zswap)", OOM_LEDGER_KERNEL, "kernel", { "zswap" }, { MEMCG }, false },
	{ "sock", "network buffers", OOM_LEDGER_KERNEL, NULL, { "sock" }, { MEMCG }, false },
	{ "hugetlb", "huge pages", OOM_LEDGER_HUGE, NULL, { "hugetlb" }, { MEMCG }, false },
	{ "unevictable", "unevictable", OOM_LEDGER_OTHER, "", { "unevictable" }, { MEMCG }, false },
	{ "swapcached", "in the swap cache", OOM_LEDGER_ANON, "", { "swapcached" }, { MEMCG }, false },
};

/* Of v1: totals over the subtree where they are printed (6.5), else a line for each group of it (3.9-5.2). */
static const struct spec v1_rows[] = {
	{ "anon", "anonymous memory", OOM_LEDGER_ANON, NULL, { "total_rss" }, { MEMCG }, true },
	{ "file", "file cache and shared memory", OOM_LEDGER_FILE, NULL, { "total_cache" }, { MEMCG }, true },
	{ "shmem", "shared memory and tmpfs", OOM_LEDGER_SHARED, "file", { "total_shmem" }, { MEMCG }, false },
	{ "dirty", "not yet written", OOM_LEDGER_FILE, "file", { "total_dirty" }, { MEMCG }, false },
	{ "writeback", "being written", OOM_LEDGER_FILE, "file", { "total_writeback" }, { MEMCG }, false },
	{ "unevictable", "unevictable", OOM_LEDGER_OTHER, "", { "total_unevictable" }, { MEMCG }, false },
};
static const struct spec v1_own_rows[] = {
	{ "anon", "anonymous memory", OOM_LEDGER_ANON, NULL, { "rss" }, { MEMCG }, true },
	{ "file", "file cache and shared memory", OOM_LEDGER_FILE, NULL, { "cache" }, { MEMCG }, true },
	{ "shmem", "shared memory and tmpfs", OOM_LEDGER_SHARED, "file", { "shmem" }, { MEMCG }, false },
	{ "dirty", "not yet written", OOM_LEDGER_FILE, "file", { "dirty" }, { MEMCG }, false },
	{ "writeback", "being written", OOM_LEDGER_FILE, "file", { "writeback" }, { MEMCG }, false },
	{ "unevictable", "unevictable", OOM_LEDGER_OTHER, "", { "unevictable" }, { MEMCG }, false },
};
static const struct spec kmem = { "kernel", "kernel memory", OOM_LEDGER_KERNEL, NULL, { NULL }, { END },
				  false };

static bool has(const struct oom_event *ev, const char *name)
{
	return oom_memory_sum(ev, OOM_AREA_MEMCG, OOM_ANY_NODE, name).kb != OOM_NA;
}

static void memcg(struct oom_ledger *l, const struct oom_event *ev)
{
	l->domain = OOM_LEDGER_MEMCG;
	l->path = ev->oom_memcg;
	l->total_kb = oom_kb_ok(ev->memcg_usage_kb) ? ev->memcg_usage_kb : OOM_NA;
	l->total_line = ev->at[OOM_AT_LIMIT];
	/* the kmem line of v2 (up to 5.2) is always 0, and that of v1 is the whole of what memory.stat has in parts */
	if (oom_kb_ok(ev->kmem_usage_kb) && ev->kmem_usage_kb && !has(ev, "kernel"))
		add(l, &kmem, (struct oom_sum){ ev->kmem_usage_kb, l->total_line, 1 });
	if (has(ev, "anon"))
		fill(l, ev, v2_rows, OOM_ARRAY_SIZE(v2_rows));
	else if (has(ev, "total_rss"))
		fill(l, ev, v1_rows, OOM_ARRAY_SIZE(v1_rows));
	else
		fill(l, ev, v1_own_rows, OOM_ARRAY_SIZE(v1_own_rows));
	l->missing = oom_ledger_kb(l, "kernel") == OOM_NA ? "kernel memory, which is not counted as a whole here"
							  : "swap cache and charges kept in advance";
	close_ledger(l);
}

/* ---- the books -------------------------------------------------------------------------------------- */

/* Nodes that have a line of their own, up to 64. */
static uint64_t nodes_of(const struct oom_event *ev)
{
	uint64_t mask = 0;

	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];

		if ((m->area == OOM_AREA_NODE || m->area == OOM_AREA_ZONE) && m->node >= 0 && m->node < 64)
			mask |= (uint64_t)1 << m->node;
	}
	return mask;
}

static struct oom_ledger *next(struct oom_books *b)
{
	const size_t rows = OOM_ARRAY_SIZE(machine_rows) + 2;      /* the longest table, and the row before it */
	struct oom_ledger *l = &b->ledger[b->nledgers];

	*l = (struct oom_ledger){ .node = OOM_NA, .total_kb = OOM_NA, .total_line = OOM_NA, .unaccounted_kb = OOM_NA };
	l->row = oom_arena_alloc(&b->arena, rows * sizeof(*l->row));
	if (!l->row)
		return NULL;
	b->nledgers++;
	return l;
}

int oom_books_make(const struct oom_event *ev, struct oom_books *ret)
{
	uint64_t nodes = nodes_of(ev);
	const int count = __builtin_popcountll(nodes);
	struct oom_ledger *l;

	*ret = (struct oom_books){ 0 };
	ret->ledger = oom_arena_alloc(&ret->arena, (size_t)(2 + count) * sizeof(*ret->ledger));
	if (!ret->ledger)
		return -ENOMEM;
	if (ev->memcg_usage_kb != OOM_NA || ev->scope == OOM_SCOPE_MEMCG) {
		if (!(l = next(ret)))
			return -ENOMEM;
		memcg(l, ev);
	}
	if (ev->has_mem_info == 1) {
		if (!(l = next(ret)))
			return -ENOMEM;
		machine(l, ev);
	}
	/* one node that is the machine has nothing of its own to say */
	for (int64_t nr = 0; nr < 64 && (count > 1 || !whole_machine(ev)); nr++) {
		if (!(nodes >> nr & 1))
			continue;
		if (!(l = next(ret)))
			return -ENOMEM;
		node(l, ev, nr);
	}
	return 0;
}

void oom_books_release(struct oom_books *b)
{
	if (!b)
		return;
	oom_arena_release(&b->arena);
	*b = (struct oom_books){ 0 };
}

const struct oom_ledger *oom_books_of(const struct oom_books *b, enum oom_ledger_domain domain)
{
	for (size_t i = 0; i < b->nledgers; i++)
		if (b->ledger[i].domain == (int64_t)domain)
			return &b->ledger[i];
	return NULL;
}
