/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to whatif*.c. */
#ifndef OOMLENS_ANALYZER_WHATIF_IMPL_H
#define OOMLENS_ANALYZER_WHATIF_IMPL_H

#include <oomlens/whatif.h>

/* whatif_edit.c: the edits upon w->after; 0, -ENOMEM, -EINVAL with *reterr. */
int oom_whatif_edit(struct oom_whatif *w, const struct oom_whatif_opts *o, struct oom_err *reterr);
/* Marks the selected rows of w->after; -EINVAL when there are none and that is not allowed. */
int oom_whatif_select(const struct oom_whatif *w, const struct oom_selector *s, bool allow_empty, bool *mark,
		      struct oom_err *reterr);
/* A further change, or that of the row already in the list; NULL when out of memory. */
struct oom_change *oom_whatif_change(struct oom_whatif *w, size_t row);

/* whatif_spare.c: solves, and gives the rows of w->after their new values; 0, -ENOMEM, -EINVAL. */
int oom_whatif_spare(struct oom_whatif *w, const struct oom_whatif_opts *o, struct oom_err *reterr);

/* whatif.c */
/* Did the log show that something other than the score decided, or that its table cannot be trusted? */
bool oom_whatif_forbidden(const struct oom_replay *base);
void oom_dry_remove(struct oom_dry_run *d, size_t row);
/* The nominal choice alone: replay without rank; the caller releases it.  0 or -ENOMEM. */
int oom_dry_replay(struct oom_dry_run *d, const struct oom_profile *p, struct oom_replay *ret);
/* Do the sizes say that two rows may be one address space? */
bool oom_dry_one_mm(const struct oom_task *a, const struct oom_task *b);
/* Fills replay, winner, verdict ...; may be called again after a change.  0 or -ENOMEM. */
int oom_dry_decide(const struct oom_whatif *w, struct oom_dry_run *d, int64_t drift);
bool oom_dry_per_mille(const struct oom_dry_run *d);
/* The value of totalpages that d's rows are weighed at; OOM_NA: the event's own facts decide. */
int64_t oom_dry_total(const struct oom_dry_run *d, const struct oom_profile *p);
/* The process that the allocation was made by, where it has a row; -1. */
ptrdiff_t oom_dry_trigger(const struct oom_dry_run *d);

#endif
