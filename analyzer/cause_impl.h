/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to cause*.c.  A test looks at the case and adds findings; the order of the table of tests is the order in
 * which decisive findings become the primary one.  Every helper survives a failed allocation (explain_impl.h).
 */
#ifndef OOMLENS_ANALYZER_CAUSE_IMPL_H
#define OOMLENS_ANALYZER_CAUSE_IMPL_H

#include <oomlens/cause.h>

#include "dump.h"
#include "explain_impl.h"

/* Rows of oom_causes[]. */
enum oom_why {
	OOM_WHY_SYSRQ, OOM_WHY_MEMCG_LIMIT, OOM_WHY_MEMCG_ANCESTOR, OOM_WHY_NOT_DETERMINED, OOM_WHY_COUNT,
};

struct oom_case {
	const struct oom_event *ev;
	const struct oom_replay *r;
	const struct oom_books *books;
	const struct oom_ledger *machine, *memcg;     /* NULL */
	struct oom_say say;                           /* the pen; writes into the diagnosis */
	struct oom_finding *finding;
	size_t nfindings, cap;
	const char *missing;                          /* why nothing could be decided: a clause; NULL */
};

/* Adds a finding; never NULL (after a failed allocation it is one that nobody sees). */
struct oom_finding *oom_case_find(struct oom_case *c, enum oom_why why, enum oom_confidence confidence, int64_t kb,
				  const char *text);
void oom_case_prove(struct oom_case *c, struct oom_finding *f, int64_t line, const char *fmt, ...) OOM_PRINTF(4, 5);

void oom_cause_sysrq(struct oom_case *c);
void oom_cause_memcg(struct oom_case *c);      /* cause_memcg.c */

#endif
