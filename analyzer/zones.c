/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "zones.h"

#include <errno.h>
#include <string.h>

#include "dump.h"

/* 64 nodes, five populated zones each, and some. */
#define ZONES_MAX 512

static const char *const kinds[OOM_ZONE_KINDS] = { "DMA", "DMA32", "Normal", "HighMem", "Movable", "Device" };

static int kind_of(struct oom_str name)
{
	for (int k = 0; k < OOM_ZONE_KINDS; k++)
		if (oom_str_is(name, kinds[k]))
			return k;
	return -1;
}

/* ---- reading ---------------------------------------------------------------------------------------- */

static void begin(struct oom_zone *z, const struct oom_memory *m)
{
	*z = (struct oom_zone){ .node = m->node, .name = m->zone, .kind = kind_of(m->zone), .line = m->line,
				.free_kb = OOM_NA, .min_kb = OOM_NA, .high_kb = OOM_NA, .managed_kb = OOM_NA,
				.free_cma_kb = OOM_NA, .highatomic_kb = OOM_NA, .reserve_kb = OOM_NA, .block_kb = OOM_NA,
				.list_kb = OOM_NA, .usable_kb = OOM_NA };
}

static void take(const struct oom_event *ev, struct oom_zone *z, const struct oom_memory *m)
{
	const struct { const char *name; int64_t *to; } fields[] = {
		{ "free", &z->free_kb }, { "min", &z->min_kb }, { "high", &z->high_kb }, { "managed", &z->managed_kb },
		{ "free_cma", &z->free_cma_kb }, { "reserved_highatomic", &z->highatomic_kb },
		/* printed after it from 6.17 on: only the free part is taken off */
		{ "free_highatomic", &z->highatomic_kb },
	};

	if (oom_str_starts(m->name, "lowmem_reserve[") && z->nreserve < OOM_ARRAY_SIZE(z->reserve)) {
		z->reserve[z->nreserve++] = m->value;
		return;
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(fields); i++)
		if (oom_str_is(m->name, fields[i].name))
			*fields[i].to = oom_memory_kb(ev, m);
}

static struct oom_zone *find(struct oom_zones *zs, const struct oom_memory *m)
{
	for (size_t i = zs->n; i--;)
		if (zs->zone[i].node == m->node && oom_str_eq(zs->zone[i].name, m->zone))
			return &zs->zone[i];
	return NULL;
}

/* Migrate types by the letters of the free list: 3.8-4.3 print R for MIGRATE_RESERVE, the last resort of all. */
static bool usable_types(const struct oom_zones *zs, struct oom_str letters)
{
	if (!letters.p)
		return true;          /* before 3.8 */
	for (size_t i = 0; i < letters.n; i++)
		if (strchr("UMER", letters.p[i]) || (zs->movable && letters.p[i] == 'C'))
			return true;
	return false;
}

static void take_blocks(const struct oom_event *ev, struct oom_zones *zs, const struct oom_memory *m)
{
	struct oom_zone *z = find(zs, m);
	struct oom_str size = m->name;
	int64_t kb, each;

	if (!oom_take_i64(&size, &each) || m->value < 0 || __builtin_mul_overflow(each, m->value, &kb) || kb < 0 ||
	    kb > (int64_t)1 << 50)
		return;
	if (!z && zs->n == ZONES_MAX)
		return;
	if (!z) {                     /* an edited log that has the free lists alone */
		z = &zs->zone[zs->n++];
		begin(z, m);
	}
	z->list_kb = (z->list_kb == OOM_NA ? 0 : z->list_kb) + kb;
	z->block_kb = z->block_kb == OOM_NA ? 0 : z->block_kb;
	if (ev->page_size >= 1024 && each >= (ev->page_size / 1024) << zs->order && usable_types(zs, m->text))
		z->block_kb += kb;
}

/* ---- the request ------------------------------------------------------------------------------------ */

/* include/linux/gfp.h:gfp_zone(); the four bits are the same in every version. */
static int class_of(int64_t gfp)
{
	const int64_t dma = 1, highmem = 2, dma32 = 4, movable = 8;

	if (gfp & dma)
		return OOM_ZONE_DMA;
	if (gfp & dma32)
		return OOM_ZONE_DMA32;
	if (gfp & highmem)
		return gfp & movable ? OOM_ZONE_MOVABLE : OOM_ZONE_HIGHMEM;
	return OOM_ZONE_NORMAL;
}

/* The place of a kind in lowmem_reserve[] under a configuration, a set of kinds: that of the highest zone not above it. */
static int index_in(unsigned config, int kind)
{
	int at = -1;

	for (int k = 0; k <= kind; k++)
		at += config >> k & 1;
	return at;
}

/* Could a kernel with these zones have printed this?  No zone is reserved against itself or a lower one. */
static bool fits(const struct oom_zones *zs, unsigned config)
{
	for (size_t i = 0; i < zs->n; i++) {
		const struct oom_zone *z = &zs->zone[i];

		if (z->kind < 0)
			continue;
		if (!(config >> z->kind & 1))
			return false;
		if (!z->nreserve)
			continue;
		if (z->nreserve != (size_t)__builtin_popcount(config))
			return false;
		for (int k = 0; k <= index_in(config, z->kind); k++)
			if (z->reserve[k])
				return false;
	}
	return true;
}

/* The configurations that a kernel with these zones may have, a bit for each set of kinds. */
static uint64_t configurations(const struct oom_zones *zs)
{
	const unsigned always = 1U << OOM_ZONE_NORMAL | 1U << OOM_ZONE_MOVABLE;
	/* HighMem is for 32 bits, where there is neither DMA32 nor Device memory */
	const unsigned wide = 1U << OOM_ZONE_DMA32 | 1U << OOM_ZONE_DEVICE;
	uint64_t set = 0;

	for (unsigned config = 0; config < 1U << OOM_ZONE_KINDS; config++) {
		if ((config & always) != always || (config >> OOM_ZONE_HIGHMEM & 1 && config & wide))
			continue;
		if (fits(zs, config))
			set |= (uint64_t)1 << config;
	}
	return set;
}

/*
 * lowmem_reserve[] has a number for each zone of the kernel's configuration, which the dump does not name.  Every
 * configuration that fits is tried (with and without DMA, DMA32, HighMem and Device); what all agree on is known.
 */
static int64_t reserve_pages(const struct oom_zones *zs, const struct oom_zone *z, uint64_t configs)
{
	int64_t pages = OOM_NA;

	for (unsigned config = 0; config < 1U << OOM_ZONE_KINDS; config++) {
		int class = zs->class, at;

		if (!(configs >> config & 1))
			continue;
		/* without CONFIG_ZONE_DMA or DMA32 such a request is one for Normal (OPT_ZONE_DMA) */
		if (class < OOM_ZONE_NORMAL && !(config >> class & 1))
			class = OOM_ZONE_NORMAL;
		at = index_in(config, class);
		if (at < 0 || (size_t)at >= z->nreserve)
			return OOM_NA;
		if (pages != OOM_NA && pages != z->reserve[at])
			return OOM_NA;
		pages = z->reserve[at];
	}
	return pages;
}

/* ---- the question ----------------------------------------------------------------------------------- */

static enum oom_answer above(const struct oom_zone *z, int64_t mark_kb)
{
	if (z->usable_kb == OOM_NA || mark_kb == OOM_NA || z->reserve_kb == OOM_NA)
		return OOM_UNTOLD;
	/* "if (free_pages <= min + z->lowmem_reserve[highest_zoneidx]) return false;" */
	return z->usable_kb > mark_kb + z->reserve_kb ? OOM_YES : OOM_NO;
}

static void judge(const struct oom_event *ev, struct oom_zones *zs, struct oom_zone *z, uint64_t configs)
{
	int64_t pages = zs->class >= 0 ? reserve_pages(zs, z, configs) : OOM_NA;
	int64_t rest_kb = oom_kb_of_pages(ev, ((int64_t)1 << zs->order) - 1);

	z->allowed = zs->class < 0 || z->kind < 0 || z->kind <= zs->class;
	z->reserve_kb = oom_kb_of_pages(ev, pages);
	if (z->block_kb != OOM_NA)
		z->block_ok = z->block_kb > 0 ? OOM_YES : OOM_NO;
	z->usable_kb = rest_kb == OOM_NA ? OOM_NA : z->free_kb;
	if (z->usable_kb == OOM_NA)
		return;
	if (!zs->movable && z->free_cma_kb > 0)
		z->usable_kb -= z->free_cma_kb;
	if (z->highatomic_kb > 0)
		z->usable_kb -= z->highatomic_kb;
	/* all but one of the pages that are asked for count as gone */
	z->usable_kb -= rest_kb;
	if (z->managed_kb != OOM_NA && z->min_kb != OOM_NA && z->min_kb > z->managed_kb && z->managed_kb > 0) {
		zs->absurd = true;
		return;
	}
	z->min_ok = above(z, z->min_kb);
	z->high_ok = above(z, z->high_kb);
}

int oom_zones_read(const struct oom_event *ev, struct oom_arena *a, struct oom_zones *ret)
{
	struct oom_zone *z;
	uint64_t configs;
	size_t most = 0;

	*ret = (struct oom_zones){ .class = -1, .order = 0 };
	for (size_t i = 0; i < ev->nmemory; i++)
		most += (ev->memory[i].area == OOM_AREA_ZONE && oom_str_is(ev->memory[i].name, "free")) ||
			ev->memory[i].area == OOM_AREA_FREELIST;
	if (!most)
		return 0;
	if (most > ZONES_MAX)
		most = ZONES_MAX;
	ret->zone = oom_arena_alloc(a, most * sizeof(*ret->zone));
	if (!ret->zone)
		return -ENOMEM;
	if (ev->gfp_mask != OOM_NA && ev->gfp_mask) {
		ret->class = class_of(ev->gfp_mask);
		ret->movable = ev->gfp_mask & 8;
	}
	if (ev->order != OOM_NA && ev->order > 0 && ev->order < 12)
		ret->order = ev->order;
	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];

		if (m->area == OOM_AREA_FREELIST)
			take_blocks(ev, ret, m);
		if (m->area != OOM_AREA_ZONE)
			continue;
		if (oom_str_is(m->name, "free") && ret->n < ZONES_MAX)
			begin(&ret->zone[ret->n++], m);
		z = ret->n ? &ret->zone[ret->n - 1] : NULL;
		if (z && z->node == m->node && oom_str_eq(z->name, m->zone))
			take(ev, z, m);
	}
	configs = configurations(ret);
	for (size_t i = 0; i < ret->n; i++)
		judge(ev, ret, &ret->zone[i], configs);
	return 0;
}
