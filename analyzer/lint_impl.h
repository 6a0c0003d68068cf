/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to lint*.c: a check is a row of the table with two questions, one to the machine and one to an event. */
#ifndef OOMLENS_ANALYZER_LINT_IMPL_H
#define OOMLENS_ANALYZER_LINT_IMPL_H

#include <oomlens/identity.h>
#include <oomlens/lint.h>
#include <oomlens/whatif.h>

#include "explain_impl.h"

enum oom_lint_row {
	LINT_KILL_DISABLED, LINT_NOBODY_TO_KILL, LINT_UNKILLABLE, LINT_PANIC_ON_OOM, LINT_ALLOCATING_TASK, LINT_NO_DUMP,
	LINT_LOG_BUFFER, LINT_USER_SERVICES, LINT_POD_REQUEST, LINT_GROUP_KILL, LINT_NO_SWAP,
	LINT_COUNT,
};

struct lint_machine {
	const struct oom_sample *m;
	const struct oom_policy *p;
	struct oom_say *s;
	int error;                    /* -ENOMEM */
};

struct lint_past {
	const struct oom_event *ev;
	struct oom_whatif *plain;     /* without any edit; NULL: nobody knows the rules */
	struct oom_say *s;
	struct oom_proof *proof;      /* to be filled */
};

/* lint_live.c: fills f->text and more when it is so. */
typedef void oom_lint_now_fn(struct lint_machine *x, struct oom_lint_finding *f);
/* lint_past.c: 1 and a proof, 0, -ENOMEM */
typedef int oom_lint_then_fn(struct lint_past *x);

extern oom_lint_now_fn *const oom_lint_now[LINT_COUNT];        /* NULL: nothing to see */
extern oom_lint_then_fn *const oom_lint_then[LINT_COUNT];

/* Daemons that protect themselves with -1000 by design, as long as they are small. */
bool oom_lint_usual(const struct oom_task *t, int64_t usage_pages, int64_t total_pages);
/* A service of a user's own manager, by the cgroup where it is known, else by its uid; with the manager's default adj. */
bool oom_lint_user_service(const struct oom_task *t);
/* rss + swap + page tables; what is not known counts as 0. */
int64_t oom_lint_usage(const struct oom_event *ev, const struct oom_task *t);

#endif
