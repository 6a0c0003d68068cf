/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zones of a dump and the kernel's own question to each: may this request take a page here?
 * (mm/page_alloc.c:__zone_watermark_ok(), made again from the printed numbers.)
 */
#ifndef OOMLENS_ANALYZER_ZONES_H
#define OOMLENS_ANALYZER_ZONES_H

#include <oomlens/event.h>

/* In the order of enum zone_type; a kernel has those that its configuration has. */
enum oom_zone_kind { OOM_ZONE_DMA, OOM_ZONE_DMA32, OOM_ZONE_NORMAL, OOM_ZONE_HIGHMEM, OOM_ZONE_MOVABLE, OOM_ZONE_DEVICE,
		     OOM_ZONE_KINDS };

enum oom_answer { OOM_UNTOLD, OOM_NO, OOM_YES };

struct oom_zone {
	int64_t node;                 /* OOM_NA without NUMA */
	struct oom_str name;
	int kind;                     /* enum oom_zone_kind; -1 = a name that is not known */
	int64_t line;
	/* kB; OOM_NA: not printed */
	int64_t free_kb, min_kb, high_kb, managed_kb, free_cma_kb;
	int64_t highatomic_kb;        /* what the check takes off for it: the free part from 6.17 on, else the reserve */
	int64_t reserve_kb;           /* lowmem_reserve against this request; OOM_NA: not known */
	int64_t reserve[8];           /* as printed, pages */
	size_t nreserve;
	int64_t block_kb;             /* free in blocks that are large enough and of a usable type; OOM_NA: no free list */
	int64_t list_kb;              /* free by the free list */

	bool allowed;                 /* may the request use this zone at all? */
	int64_t usable_kb;            /* free less what this request may not take (CMA, highatomic); OOM_NA */
	enum oom_answer min_ok, high_ok;      /* order 0: above that mark + reserve? */
	enum oom_answer block_ok;             /* is there a block of the order asked for? */
};

struct oom_zones {
	struct oom_zone *zone;
	size_t n;
	int class;                    /* enum oom_zone_kind of the request; -1: gfp_mask not known or 0 (page fault) */
	bool movable;                 /* may the request take CMA pages? */
	int64_t order;
	bool absurd;                  /* a watermark larger than its zone */
};

/* All zones that the dump shows, in its order; strings borrow from ev, the array is in the arena.  0, -ENOMEM. */
int oom_zones_read(const struct oom_event *ev, struct oom_arena *a, struct oom_zones *ret);

#endif
