/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/badness.h>

#include <string.h>

#include "release.h"

/*
 * include/linux/gfp.h through the versions.  Five layouts: until 4.3 (with __GFP_WAIT), 4.4 (split into
 * direct and kswapd reclaim), 4.10-4.17 (__GFP_OTHER_NODE gone, the bits above it slid down; __GFP_COLD and
 * __GFP_NOTRACK left in 4.15), 4.18-5.0, and 5.1 (flags of GFP_KERNEL packed).  Names are those of the
 * kernel's own show_gfp_flags().
 */
struct gfp_bit { uint64_t mask; const char *name; };

static const struct gfp_bit until_4_3[] = {
	{ 0x200da,   "GFP_HIGHUSER_MOVABLE" },
	{ 0x200d2,   "GFP_HIGHUSER" },
	{ 0x200d0,   "GFP_USER" },
	{ 0x800d0,   "GFP_TEMPORARY" },
	{ 0xd0,      "GFP_KERNEL" },
	{ 0x50,      "GFP_NOFS" },
	{ 0x20,      "__GFP_HIGH" },
	{ 0x10,      "GFP_NOIO" },
	{ 0x1,       "GFP_DMA" },
	{ 0x2,       "__GFP_HIGHMEM" },
	{ 0x4,       "GFP_DMA32" },
	{ 0x8,       "__GFP_MOVABLE" },
	{ 0x40,      "__GFP_IO" },
	{ 0x80,      "__GFP_FS" },
	{ 0x100,     "__GFP_COLD" },
	{ 0x200,     "__GFP_NOWARN" },
	{ 0x400,     "__GFP_REPEAT" },
	{ 0x800,     "__GFP_NOFAIL" },
	{ 0x1000,    "__GFP_NORETRY" },
	{ 0x2000,    "__GFP_MEMALLOC" },
	{ 0x4000,    "__GFP_COMP" },
	{ 0x8000,    "__GFP_ZERO" },
	{ 0x10000,   "__GFP_NOMEMALLOC" },
	{ 0x20000,   "__GFP_HARDWALL" },
	{ 0x40000,   "__GFP_THISNODE" },
	{ 0x80000,   "__GFP_RECLAIMABLE" },
	{ 0x200000,  "__GFP_NOTRACK" },
	{ 0x400000,  "__GFP_NO_KSWAPD" },
	{ 0x800000,  "__GFP_OTHER_NODE" },
	{ 0x1000000, "__GFP_WRITE" },
	{ 0, NULL },
};

/* The low 20 bits of 4.4-4.17; what 0x100 meant changed with 4.15 (gone) and 4.18 (__GFP_WRITE). */
#define GFP_LOW_4_4 \
	{ 0x1,       "GFP_DMA" }, \
	{ 0x2,       "__GFP_HIGHMEM" }, \
	{ 0x4,       "GFP_DMA32" }, \
	{ 0x8,       "__GFP_MOVABLE" }, \
	{ 0x10,      "__GFP_RECLAIMABLE" }, \
	{ 0x20,      "__GFP_HIGH" }, \
	{ 0x40,      "__GFP_IO" }, \
	{ 0x80,      "__GFP_FS" }, \
	{ 0x200,     "__GFP_NOWARN" }, \
	{ 0x800,     "__GFP_NOFAIL" }, \
	{ 0x1000,    "__GFP_NORETRY" }, \
	{ 0x2000,    "__GFP_MEMALLOC" }, \
	{ 0x4000,    "__GFP_COMP" }, \
	{ 0x8000,    "__GFP_ZERO" }, \
	{ 0x10000,   "__GFP_NOMEMALLOC" }, \
	{ 0x20000,   "__GFP_HARDWALL" }, \
	{ 0x40000,   "__GFP_THISNODE" }, \
	{ 0x80000,   "__GFP_ATOMIC" }

static const struct gfp_bit since_4_4[] = {
	{ 0x24200ca, "GFP_HIGHUSER_MOVABLE" },
	{ 0x24200c2, "GFP_HIGHUSER" },
	{ 0x24200c0, "GFP_USER" },
	{ 0x24000d0, "GFP_TEMPORARY" },
	{ 0x24000c0, "GFP_KERNEL" },
	{ 0x2400040, "GFP_NOFS" },
	{ 0x2080020, "GFP_ATOMIC" },
	{ 0x2400000, "GFP_NOIO" },
	{ 0x100,     "__GFP_COLD" },
	{ 0x400,     "__GFP_REPEAT" },
	GFP_LOW_4_4,
	{ 0x100000,  "__GFP_ACCOUNT" },
	{ 0x200000,  "__GFP_NOTRACK" },
	{ 0x400000,  "__GFP_DIRECT_RECLAIM" },
	{ 0x800000,  "__GFP_OTHER_NODE" },
	{ 0x1000000, "__GFP_WRITE" },
	{ 0x2000000, "__GFP_KSWAPD_RECLAIM" },
	{ 0, NULL },
};

static const struct gfp_bit since_4_11[] = {
	{ 0x14200ca, "GFP_HIGHUSER_MOVABLE" },
	{ 0x14200c2, "GFP_HIGHUSER" },
	{ 0x15000c0, "GFP_KERNEL_ACCOUNT" },
	{ 0x14200c0, "GFP_USER" },
	{ 0x14000c0, "GFP_KERNEL" },
	{ 0x1400040, "GFP_NOFS" },
	{ 0x1080020, "GFP_ATOMIC" },
	{ 0x1400000, "GFP_NOIO" },
	{ 0x100,     "__GFP_COLD" },
	{ 0x400,     "__GFP_RETRY_MAYFAIL" },
	GFP_LOW_4_4,
	{ 0x100000,  "__GFP_ACCOUNT" },
	{ 0x200000,  "__GFP_NOTRACK" },
	{ 0x400000,  "__GFP_DIRECT_RECLAIM" },
	{ 0x800000,  "__GFP_WRITE" },
	{ 0x1000000, "__GFP_KSWAPD_RECLAIM" },
	{ 0x2000000, "__GFP_NOLOCKDEP" },
	{ 0, NULL },
};

static const struct gfp_bit since_4_18[] = {
	{ 0x6200ca,  "GFP_HIGHUSER_MOVABLE" },
	{ 0x6200c2,  "GFP_HIGHUSER" },
	{ 0x7000c0,  "GFP_KERNEL_ACCOUNT" },
	{ 0x6200c0,  "GFP_USER" },
	{ 0x6000c0,  "GFP_KERNEL" },
	{ 0x600040,  "GFP_NOFS" },
	{ 0x480020,  "GFP_ATOMIC" },
	{ 0x600000,  "GFP_NOIO" },
	{ 0x100,     "__GFP_WRITE" },
	{ 0x400,     "__GFP_RETRY_MAYFAIL" },
	GFP_LOW_4_4,
	{ 0x100000,  "__GFP_ACCOUNT" },
	{ 0x200000,  "__GFP_DIRECT_RECLAIM" },
	{ 0x400000,  "__GFP_KSWAPD_RECLAIM" },
	{ 0x800000,  "__GFP_NOLOCKDEP" },
	{ 0, NULL },
};

/* 0x200 was __GFP_ATOMIC until 6.2; from 0x800000 on the bits depend on version and configuration and stay
 * unnamed. */
static const struct gfp_bit since_5_1[] = {
	{ 0x100cca,  "GFP_HIGHUSER_MOVABLE" },
	{ 0x100cc2,  "GFP_HIGHUSER" },
	{ 0x400cc0,  "GFP_KERNEL_ACCOUNT" },
	{ 0x100cc0,  "GFP_USER" },
	{ 0xcc0,     "GFP_KERNEL" },
	{ 0xc40,     "GFP_NOFS" },
	{ 0xa20,     "GFP_ATOMIC" },
	{ 0xc00,     "GFP_NOIO" },
	{ 0x1,       "GFP_DMA" },
	{ 0x2,       "__GFP_HIGHMEM" },
	{ 0x4,       "GFP_DMA32" },
	{ 0x8,       "__GFP_MOVABLE" },
	{ 0x10,      "__GFP_RECLAIMABLE" },
	{ 0x20,      "__GFP_HIGH" },
	{ 0x40,      "__GFP_IO" },
	{ 0x80,      "__GFP_FS" },
	{ 0x100,     "__GFP_ZERO" },
	{ 0x200,     "__GFP_ATOMIC" },
	{ 0x400,     "__GFP_DIRECT_RECLAIM" },
	{ 0x800,     "__GFP_KSWAPD_RECLAIM" },
	{ 0x1000,    "__GFP_WRITE" },
	{ 0x2000,    "__GFP_NOWARN" },
	{ 0x4000,    "__GFP_RETRY_MAYFAIL" },
	{ 0x8000,    "__GFP_NOFAIL" },
	{ 0x10000,   "__GFP_NORETRY" },
	{ 0x20000,   "__GFP_MEMALLOC" },
	{ 0x40000,   "__GFP_COMP" },
	{ 0x80000,   "__GFP_NOMEMALLOC" },
	{ 0x100000,  "__GFP_HARDWALL" },
	{ 0x200000,  "__GFP_THISNODE" },
	{ 0x400000,  "__GFP_ACCOUNT" },
	{ 0, NULL },
};

/* RHEL 8 keeps 4.18's bits; a log without a release is decoded only where the line shapes settle the layout.
 */
static const struct gfp_bit *layout(const struct oom_event *ev)
{
	const struct oom_profile *p[4];
	const char *how;
	struct oom_release r;

	if (ev->kernel.p && oom_release_parse(ev->kernel, &r)) {
		if (r.major < 2 || (r.major == 2 && r.minor < 6))
			return NULL;
		return oom_release_since(&r, 5, 1)    ? since_5_1
		       : oom_release_since(&r, 4, 18) ? since_4_18
		       : oom_release_since(&r, 4, 10) ? since_4_11
		       : oom_release_since(&r, 4, 4)  ? since_4_4
						      : until_4_3;
	}
	if (!oom_profile_for(ev, p, &how))
		return NULL;
	if (!strcmp(p[0]->name, "5.9") || !strcmp(p[0]->name, "5.3"))
		return since_5_1;
	return p[0]->flags & OOM_PROFILE_PER_MILLE || !strcmp(p[0]->name, "3.10.105") ? until_4_3 : NULL;
}

struct oom_str oom_gfp_names(const struct oom_event *ev, struct oom_arena *a)
{
	const struct gfp_bit *bit;
	uint64_t left = (uint64_t)ev->gfp_mask;
	struct oom_str s = { "", 0 };

	if (ev->gfp_flags.p)
		return ev->gfp_flags;
	if (ev->gfp_mask == OOM_NA)
		return OOM_STR_NULL;
	if (!left)
		return OOM_STR("0");
	bit = layout(ev);
	if (!bit)
		return OOM_STR_NULL;
	for (; bit->name && s.p; bit++) {
		if ((left & bit->mask) != bit->mask)
			continue;
		left &= ~bit->mask;
		s = oom_arena_fmt(a, "%.*s%s%s", (int)s.n, s.p, s.n ? "|" : "", bit->name);
	}
	if (left && s.p)
		s = oom_arena_fmt(a, "%.*s%s0x%llx", (int)s.n, s.p, s.n ? "|" : "", (unsigned long long)left);
	return s;
}
