/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The ledger: memory divided into all that the dump names, and what is left over.  A row is a sum that the kernel
 * keeps apart from the others, or a part of such a row; resident sets of processes are never added, since they
 * share pages.  The remainder may be negative: the counters are read one after another while the system runs.
 */
#ifndef OOMLENS_LEDGER_H
#define OOMLENS_LEDGER_H

#include <oomlens/event.h>

enum oom_ledger_domain { OOM_LEDGER_MACHINE, OOM_LEDGER_NODE, OOM_LEDGER_MEMCG };
/* What a row is made of, for colours and sums. */
enum oom_ledger_group {
	OOM_LEDGER_FREE, OOM_LEDGER_ANON, OOM_LEDGER_SHARED, OOM_LEDGER_FILE, OOM_LEDGER_KERNEL, OOM_LEDGER_HUGE,
	OOM_LEDGER_RESERVED,      /* never handed out: firmware, the kernel's image, struct page */
	OOM_LEDGER_OTHER,
};
extern const char *const oom_ledger_domain_names[], *const oom_ledger_group_names[];

#define OOM_LEDGER_DISJOINT (-1)      /* a row of its own: these and the remainder add up to the total */
#define OOM_LEDGER_ASIDE    (-2)      /* true, but which rows it stands in is not told; never added */

struct oom_ledger_row {
	const char *key;          /* stable word: "anon", "shmem", "slab_unreclaimable", ... (static) */
	const char *name;         /* for people (static) */
	int64_t kb;               /* never OOM_NA: what the dump does not say has no row */
	int64_t line;             /* where it (or its first summand) stood; OOM_NA */
	ptrdiff_t of;             /* index of the row that it is a part of, or one of the two above */
	uint8_t group;            /* enum oom_ledger_group */
};

struct oom_ledger {
	int64_t domain;           /* enum oom_ledger_domain */
	int64_t node;             /* OOM_LEDGER_NODE */
	struct oom_str path;      /* OOM_LEDGER_MEMCG; p == NULL: the log does not name the group */
	int64_t total_kb;         /* pages RAM; present pages of a node; usage of a memcg; OOM_NA */
	int64_t total_line;
	int64_t unaccounted_kb;   /* total less the disjoint rows; OOM_NA without a total or without rows */
	bool whole;               /* all the counters that such a dump of this kernel has were there */
	const char *missing;      /* what the dump does not name here although it uses memory (static); NULL */
	struct oom_ledger_row *row;
	size_t nrows;
};

struct oom_books {
	struct oom_arena arena;
	struct oom_ledger *ledger;    /* the memcg's first, then the machine's, then the nodes' */
	size_t nledgers;
};

/* 0 or -ENOMEM; *ret needs no init and is released by the caller in either case.  Borrows from ev. */
int  oom_books_make(const struct oom_event *ev, struct oom_books *ret);
void oom_books_release(struct oom_books *b);
/* The first ledger of that kind; NULL if the dump gives none. */
const struct oom_ledger *oom_books_of(const struct oom_books *b, enum oom_ledger_domain domain);
/* kb of the row with that key; OOM_NA if there is none (l may be NULL). */
int64_t oom_ledger_kb(const struct oom_ledger *l, const char *key);
/* kb of of_kb in tenths of a percent, rounded to the nearest; OOM_NA where that means nothing. */
int64_t oom_ledger_share(int64_t kb, int64_t of_kb);

#endif
