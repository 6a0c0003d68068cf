/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Memory that was free and yet not for this request: in pieces too small, of the wrong kind, or held back. */
#include "cause_impl.h"

#include "release.h"

/* What is free but withheld is worth telling from a tenth of RAM on.  A quarter of it is the cause: less would have gone
 * the way of the rest within moments. */
static bool part(const struct oom_case *c, int64_t kb, int64_t nth)
{
	return c->base_kb == OOM_NA ? kb >= 256 << 10 : kb >= c->base_kb / nth;
}

static const char *zone_name(struct oom_case *c, const struct oom_zone *z)
{
	struct oom_say *s = &c->say;
	bool numa = false;

	for (size_t i = 0; i < c->zones.n; i++)
		numa |= c->zones.zone[i].node > 0;
	return numa && z->node != OOM_NA ? oom_say_z(s, "%s of node %lld", oom_say_name(s, z->name), (long long)z->node)
					 : oom_say_name(s, z->name);
}

/* ---- was it short at all? --------------------------------------------------------------------------- */

/*
 * Before it kills, the allocator asks once more, for the high watermark (__alloc_pages_may_oom): an order-0 request
 * that is met in the dump was met too late or was not about memory.
 */
enum oom_answer oom_case_short(const struct oom_case *c)
{
	size_t allowed = 0;
	bool untold = false;

	for (size_t i = 0; i < c->zones.n; i++) {
		const struct oom_zone *z = &c->zones.zone[i];

		if (!z->allowed)
			continue;
		allowed++;
		if (z->high_ok == OOM_YES)
			return OOM_NO;
		untold |= z->high_ok == OOM_UNTOLD;
	}
	return untold || !allowed || c->zones.class < 0 ? OOM_UNTOLD : OOM_YES;
}

static const char *mark_of(struct oom_case *c, const struct oom_zone *z)
{
	struct oom_say *s = &c->say;
	const char *t = oom_say_z(s, "min %s", oom_say_kb(s, z->min_kb));

	if (z->reserve_kb > 0)
		t = oom_say_z(s, "%s + lowmem_reserve %s", t, oom_say_kb(s, z->reserve_kb));
	return t;
}

#define ZONES_SHOWN 6
void oom_case_prove_zones(struct oom_case *c, struct oom_finding *f)
{
	struct oom_say *s = &c->say;
	size_t shown = 0;

	for (size_t i = 0; i < c->zones.n && shown < ZONES_SHOWN; i++) {
		const struct oom_zone *z = &c->zones.zone[i];
		const char *free = oom_say_kb(s, z->free_kb), *taken = "";

		if (!z->allowed || z->min_ok == OOM_UNTOLD)
			continue;
		shown++;
		if (!c->zones.movable && z->free_cma_kb > 0)
			taken = oom_say_z(s, ", %s of it CMA", oom_say_kb(s, z->free_cma_kb));
		if (z->highatomic_kb > 0)
			taken = oom_say_z(s, "%s, less %s kept for atomic requests", taken, oom_say_kb(s, z->highatomic_kb));
		oom_case_prove(c, f, z->line, "zone %s: %s free%s, %s %s", zone_name(c, z), free, taken,
			       z->min_ok == OOM_NO ? "not above" : "above", mark_of(c, z));
	}
}

/* ---- fragmentation ---------------------------------------------------------------------------------- */

/* Enough pages for a single one (by its watermark), no block of the order.  Where an edited log lacks the watermarks:
 * more than kernels set aside by themselves, 64 MiB (init_per_zone_wmark_min() before 5.9). */
static enum oom_answer in_pieces(const struct oom_zone *z)
{
	if (!z->allowed || z->block_ok == OOM_UNTOLD)
		return OOM_UNTOLD;
	if (z->block_ok == OOM_YES)
		return OOM_NO;
	if (z->min_ok != OOM_UNTOLD)
		return z->min_ok;
	return z->free_kb == OOM_NA && z->list_kb >= 64 << 10 ? OOM_YES : OOM_UNTOLD;
}

static void fragmentation(struct oom_case *c)
{
	struct oom_say *s = &c->say;
	const struct oom_zone *worst = NULL;
	const struct oom_zone *z;
	struct oom_finding *f;
	const char *size = oom_say_kb(s, oom_kb_of_pages(c->ev, (int64_t)1 << c->zones.order));

	if (!c->zones.order || c->zones.class < 0)
		return;
	for (size_t i = 0; i < c->zones.n; i++) {
		z = &c->zones.zone[i];
		if (z->allowed && z->block_ok == OOM_YES && z->min_ok != OOM_NO)
			return;       /* it could have been met there */
		if (in_pieces(z) == OOM_YES && (!worst || z->list_kb > worst->list_kb))
			worst = z;
	}
	if (!worst)
		return;
	f = oom_case_find(c, OOM_CAUSE_FRAGMENTATION,
			  worst->min_ok == OOM_YES ? OOM_CONFIDENCE_CERTAIN : OOM_CONFIDENCE_LIKELY, worst->list_kb, true,
			  oom_say_z(s, "%s were free in zone %s, but no block of %s (order %lld) that this request may take.",
				    oom_say_kb(s, worst->list_kb), zone_name(c, worst), size, (long long)c->zones.order));
	oom_case_prove_zones(c, f);
	if (worst->min_ok == OOM_UNTOLD)
		oom_case_prove(c, f, worst->line, "zone %s: %s free, all in smaller blocks or of types that it may not take",
			       zone_name(c, worst), oom_say_kb(s, worst->list_kb));
	if (oom_event_has_note(c->ev, "compaction"))
		oom_case_prove(c, f, OOM_NA, "this kernel cannot compact memory (CONFIG_COMPACTION=n)");
}

/* ---- the wrong kind --------------------------------------------------------------------------------- */

static const char *kind_words(struct oom_case *c)
{
	static const char *const words[] = { "zone DMA alone", "zones up to DMA32", "zones up to Normal (kernel memory)",
					     "zones up to HighMem, not Movable" };

	return c->zones.class >= 0 && c->zones.class < OOM_ZONE_MOVABLE ? words[c->zones.class] : "CMA pages not";
}

/* Is there memory above this zone, and none of it for this request?  Its lowmem_reserve says so: what is held back for a
 * class counts the zones above up to that class. */
static bool tops_the_request(const struct oom_zone *z)
{
	if (z->reserve_kb != 0)
		return false;
	for (size_t i = 0; i < z->nreserve; i++)
		if (z->reserve[i] > 0)
			return true;
	return false;
}

/* From 6.1 on the dump hides the zones above the one that the request could use; the machine's counter has them. */
static int64_t hidden(const struct oom_case *c)
{
	int64_t all = oom_ledger_kb(c->machine, "free"), shown = 0;
	struct oom_release release;
	bool more = false;

	if (all == OOM_NA || c->ev->scope != OOM_SCOPE_GLOBAL || c->zones.class == OOM_ZONE_MOVABLE)
		return 0;
	if (!c->ev->kernel.p || !oom_release_parse(c->ev->kernel, &release) || !oom_release_since(&release, 6, 1))
		return 0;
	for (size_t i = 0; i < c->zones.n; i++) {
		const struct oom_zone *z = &c->zones.zone[i];

		if (z->free_kb == OOM_NA || z->node > 0)
			return 0;     /* other nodes may be missing for other reasons */
		shown += z->free_kb;
		more |= tops_the_request(z);
	}
	/* read at two moments, the two may differ by what per-CPU counters hold */
	return more && all > shown && all - shown > all / 10 ? all - shown : 0;
}

static void unusable(struct oom_case *c)
{
	struct oom_say *s = &c->say;
	const int64_t above = hidden(c);
	int64_t kb = above, cma = 0, atomic = 0;
	struct oom_finding *f;
	const char *list = "";

	if (c->zones.class < 0 || !c->zones.n)
		return;
	if (kb)
		list = oom_say_z(s, "%s in higher zones, which this dump does not show", oom_say_kb(s, kb));
	for (size_t i = 0; i < c->zones.n; i++) {
		const struct oom_zone *z = &c->zones.zone[i];

		if (z->allowed) {
			cma += !c->zones.movable && z->free_cma_kb > 0 ? z->free_cma_kb : 0;
			atomic += z->highatomic_kb > 0 && z->free_kb != OOM_NA && z->highatomic_kb < z->free_kb ? z->highatomic_kb : 0;
		} else if (z->free_kb > 0) {
			kb += z->free_kb;
			list = oom_say_join(s, list, ", ", oom_say_z(s, "%s in zone %s", oom_say_kb(s, z->free_kb),
								     zone_name(c, z)));
		}
	}
	if (cma)
		list = oom_say_join(s, list, ", ", oom_say_z(s, "%s reserved for CMA", oom_say_kb(s, cma)));
	if (atomic)
		list = oom_say_join(s, list, ", ", oom_say_z(s, "%s kept for atomic requests", oom_say_kb(s, atomic)));
	kb += cma + atomic;
	if (!part(c, kb, 10))
		return;
	/* only zones that were really below their marks make it the cause */
	f = oom_case_find(c, OOM_CAUSE_UNUSABLE_FREE, OOM_CONFIDENCE_CERTAIN, kb,
			  part(c, kb, 4) && oom_case_short(c) == OOM_YES,
			  oom_say_z(s, "%s were free where this request may not take memory: %s.", oom_say_kb(s, kb), list));
	oom_case_prove(c, f, c->ev->at[OOM_AT_INVOKED], "gfp_mask %s: %s may be used",
		       c->ev->gfp_raw.p ? oom_say_name(s, c->ev->gfp_raw) : "as recorded", kind_words(c));
	if (above)
		oom_case_prove(c, f, c->ev->at[OOM_AT_MEMINFO], "%s free in the machine, %s of it in the zones that are shown; "
			       "lowmem_reserve[] tells that there are higher ones",
			       oom_say_kb(s, oom_ledger_kb(c->machine, "free")),
			       oom_say_kb(s, oom_ledger_kb(c->machine, "free") - above));
	oom_case_prove_zones(c, f);
}

/* ---- held back -------------------------------------------------------------------------------------- */

static void held_back(struct oom_case *c)
{
	struct oom_say *s = &c->say;
	struct oom_finding *f;
	int64_t kb = 0;

	for (size_t i = 0; i < c->zones.n; i++) {
		const struct oom_zone *z = &c->zones.zone[i];

		if (z->allowed && z->min_ok == OOM_NO && z->reserve_kb > 0 && z->usable_kb > z->min_kb)
			kb += z->usable_kb - z->min_kb;
	}
	/* A hundredth is worth telling; what holds back DMA's 16 MiB on a large machine is not. */
	if (!kb || c->base_kb == OOM_NA || kb < c->base_kb / 100)
		return;
	f = oom_case_find(c, OOM_CAUSE_LOWMEM_RESERVE, OOM_CONFIDENCE_CERTAIN, kb,
			  part(c, kb, 4) && oom_case_short(c) == OOM_YES,
			  oom_say_z(s, "%s above the watermarks were held back for requests that can use only lower zones.",
				    oom_say_kb(s, kb)));
	oom_case_prove_zones(c, f);
}

void oom_cause_zones(struct oom_case *c)
{
	fragmentation(c);
	unusable(c);
	held_back(c);
}
