/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to cause*.c.  A test looks at the case and adds findings; the first decisive one, in the order of the tests,
 * is the primary one.  Every helper survives a failed allocation (explain_impl.h).
 */
#ifndef OOMLENS_ANALYZER_CAUSE_IMPL_H
#define OOMLENS_ANALYZER_CAUSE_IMPL_H

#include <oomlens/cause.h>

#include "dump.h"
#include "explain_impl.h"
#include "zones.h"

/* Rows of oom_causes[]. */
enum oom_cause_id {
	OOM_CAUSE_SYSRQ, OOM_CAUSE_MEMCG_LIMIT, OOM_CAUSE_MEMCG_ANCESTOR, OOM_CAUSE_CPUSET, OOM_CAUSE_MEMPOLICY,
	OOM_CAUSE_FRAGMENTATION, OOM_CAUSE_UNUSABLE_FREE, OOM_CAUSE_LOWMEM_RESERVE, OOM_CAUSE_PROTECTION,
	OOM_CAUSE_HUGEPAGES, OOM_CAUSE_PROCESSES, OOM_CAUSE_SHMEM, OOM_CAUSE_PINNED, OOM_CAUSE_SLAB, OOM_CAUSE_PAGE_TABLES,
	OOM_CAUSE_KERNEL_STACKS, OOM_CAUSE_COMPRESSED, OOM_CAUSE_KERNEL_MEMORY,
	OOM_CAUSE_NETWORK, OOM_CAUSE_DIRTY_CACHE, OOM_CAUSE_UNACCOUNTED,
	OOM_CAUSE_SWAP_ABSENT, OOM_CAUSE_SWAP_FULL, OOM_CAUSE_SWAP_DISABLED, OOM_CAUSE_NOT_DETERMINED,
};

/* Processes of one name. */
struct oom_crowd { struct oom_str comm; size_t n, largest; };

struct oom_case {
	const struct oom_event *ev;
	const struct oom_replay *r;
	const struct oom_books *books;
	const struct oom_ledger *machine, *memcg;     /* NULL */
	int64_t base_kb;                              /* RAM that can be handed out; OOM_NA */
	struct oom_zones zones;
	struct oom_say say;                           /* the pen; writes into the diagnosis */
	struct oom_finding *finding;
	size_t nfindings, cap;
	ptrdiff_t primary;                            /* -1 */
	struct oom_crowd crowd;                       /* cause_users.c */
	bool crowd_known;
	const char *missing;                          /* why nothing could be decided: a clause; NULL */
};

/* Adds a finding, at its place only while nothing is added after it; never NULL (after a failed allocation it is one that
 * nobody sees).  decisive: it is the primary one if none was before. */
struct oom_finding *oom_case_find(struct oom_case *c, enum oom_cause_id id, enum oom_confidence confidence, int64_t kb,
				  bool decisive, const char *text);
void oom_case_prove(struct oom_case *c, struct oom_finding *f, int64_t line, const char *fmt, ...) OOM_PRINTF(4, 5);
/* The first reason counts. */
void oom_case_lacks(struct oom_case *c, const char *missing);
/* "(87 %)" without the brackets; "" if the whole is not known. */
const char *oom_case_share(struct oom_case *c, int64_t kb, int64_t of_kb);

void oom_cause_memcg(struct oom_case *c);      /* cause_memcg.c */
int64_t oom_case_protected_kb(const struct oom_event *ev);     /* by memory.min and memory.low; 0 before 6.19 */
void oom_cause_nodes(struct oom_case *c);      /* cause_nodes.c: cpuset, memory policy */
void oom_cause_zones(struct oom_case *c);      /* cause_zones.c: fragmentation, what may not be used or is held back */
/* Do the zones' own numbers say that there was nothing left for this request?  YES, NO, or they do not tell. */
enum oom_answer oom_case_short(const struct oom_case *c);
void oom_case_prove_zones(struct oom_case *c, struct oom_finding *f);
void oom_cause_users(struct oom_case *c);      /* cause_users.c: who held the memory of the machine */
/* The same of a memory cgroup, as what contributed. */
void oom_cause_members(struct oom_case *c);
void oom_cause_swap(struct oom_case *c);       /* cause_swap.c */
/* Swap that could still have taken pages: kB, 0 where there is none; OOM_NA. */
int64_t oom_case_swap_free(const struct oom_case *c);

#endif
