/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of a memory dump in kB, for those who judge them.  What no machine can have (damage, or a counter that
 * went below zero and was printed unsigned) is OOM_NA. */
#ifndef OOMLENS_ANALYZER_DUMP_H
#define OOMLENS_ANALYZER_DUMP_H

#include <oomlens/event.h>

#define OOM_ANY_NODE (OOM_NA + 1)

struct oom_sum {
	int64_t kb;      /* OOM_NA: no line has it */
	int64_t line;    /* of the first summand */
	size_t n;        /* summands */
};

bool oom_kb_ok(int64_t kb);              /* something a machine can have */
int64_t oom_kb_of_pages(const struct oom_event *ev, int64_t pages);
int64_t oom_memory_kb(const struct oom_event *ev, const struct oom_memory *m);
/* Everything of that name in an area; node: OOM_ANY_NODE, or the only one that counts. */
struct oom_sum oom_memory_sum(const struct oom_event *ev, enum oom_area area, int64_t node, const char *name);
/* hugepages_total or hugepages_free, of all sizes, in kB. */
struct oom_sum oom_hugetlb_sum(const struct oom_event *ev, int64_t node, const char *name);

#endif
