/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pass over the candidates (pass.c) and the judgement of what it finds (weigh.c, verdict.c, words.c):
 * private to the replay.
 */
#ifndef OOMLENS_ANALYZER_PASS_H
#define OOMLENS_ANALYZER_PASS_H

#include <oomlens/replay.h>

#include "evaluate.h"

/* A row that an earlier event of the boot killed.  maybe: it may or may not have been a candidate again. */
struct oom_skip {
	size_t index;                /* of the task */
	const struct oom_prior *prior;
	bool maybe;
};

/* Which end of each interval a pass takes. */
enum oom_side { OOM_SIDE_NOMINAL, OOM_SIDE_LOW, OOM_SIDE_HIGH };

struct oom_pass {
	const struct oom_event *ev;
	const struct oom_eval *eval;
	enum oom_tie_rule tie;
	const struct oom_skip *skip; /* ascending index */
	size_t nskips;
	enum oom_side side;
	ptrdiff_t apart;             /* this row takes apart_points instead; -1 = none */
	int64_t apart_points;
};

struct oom_pick {
	ptrdiff_t best, second;      /* -1 = none */
	int64_t best_points, second_points;
	ptrdiff_t top;               /* the row that could score highest, whatever its interval; -1 = none */
	int64_t top_points, next_points;    /* its upper end, and the highest upper end of all others */
	size_t eligible, tied;       /* tied: how many have best_points, the best included */
	size_t damaged;              /* rows that could not be scored: damaged, or without an adjustment */
	bool wide;                   /* some candidate's score is an interval, or its candidacy is in doubt */
	bool any_adj;                /* some candidate has an adjustment, so that totalpages matters */
};

void oom_pass_run(const struct oom_pass *p, struct oom_pick *ret);

/* ---- one profile's case ---------------------------------------------------------------------------------
 */

struct oom_case {
	const struct oom_event *ev;
	const struct oom_profile *p;
	struct oom_arena *arena;
	struct oom_eval eval;
	struct oom_range total;      /* narrowed by the score line where that helps */
	struct oom_str total_how;
	enum oom_tie_rule tie;
	bool scope_doubt;            /* nothing says which nodes totalpages covers */
	bool order_known;            /* the table's order is the kernel's scan order */
	struct oom_skip *skip;
	size_t nskips;

	struct oom_pick pick;        /* nominal values, totalpages at its middle */
	ptrdiff_t chosen_row, victim_row;   /* rows of the pids that the log calls chosen, and killed; -1 */
	ptrdiff_t actual;
	struct oom_terms actual_terms;
	bool actual_eligible;
	bool by_thread; /* the chosen pid is not a row of its own: a thread, found through the victim */
	ptrdiff_t child;             /* row of a victim that is not the chosen one; -1 */

	ptrdiff_t winner, runner_up, other;   /* other: a row that the sentence needs */
	int64_t margin, drift, drift_pages, elapsed_us;     /* drift: in the profile's unit */
	enum oom_verdict verdict;
	enum oom_reason reason;
	int64_t line;
	struct oom_ballot_check check;
	struct oom_str detail;       /* what the sentence cannot know by the reason alone */
};

/* Fills everything from `eval` on; 0 or -ENOMEM.  The caller set ev, p and arena. */
int oom_case_judge(struct oom_case *c);
/* ---- weigh.c: what holds for the whole range of what the log leaves open */

bool oom_case_per_mille(const struct oom_case *c);
bool oom_case_total_known(const struct oom_case *c);
bool oom_case_skipped(const struct oom_case *c, ptrdiff_t row);
/* The nominal choice: pick, winner, runner-up and margin. */
void oom_case_look(struct oom_case *c);
/* must: the actual row wins whatever is hidden; may: it could.  trust_root: without the doubt about uid 0. */
void oom_case_weigh(const struct oom_case *c, bool trust_root, bool *must, bool *may);
/* Does the choice depend on where in its range totalpages lies? */
bool oom_case_total_matters(const struct oom_case *c);
/* Does the table lack a column that the profile counts? */
bool oom_case_hides_terms(const struct oom_case *c);
void oom_case_drift(struct oom_case *c);
/* 0: the score line agrees (or there is none); 1: it agrees within the drift; 2: it contradicts. */
int oom_case_check_score(const struct oom_case *c);
/* A memcg's totalpages depends on swappiness and swap that are not printed; S = points * 1000 / T (3.5-5.0)
 * says where between its ends it was. */
void oom_case_narrow(struct oom_case *c);
/* Opens totalpages where the log does not say, and the score line does not confirm, that all nodes were allowed. */
void oom_case_doubt_scope(struct oom_case *c);
void oom_case_check_ballot(const struct oom_case *c, struct oom_ballot_check *ret);
/* Were both rows (b may be -1) scored by the kernel itself, in a recorded ballot?  Then nothing can have drifted. */
bool oom_case_own(const struct oom_case *c, ptrdiff_t a, ptrdiff_t b);

/* The sentence for people. */
struct oom_str oom_case_text(const struct oom_case *c);
/* Rows of earlier victims, ascending; 0 or -ENOMEM. */
int oom_case_skips(struct oom_case *c);
/* Fewer digits for the reader: 1,234 and 4.8 MiB; from the case's arena ("?" when that is full). */
const char *oom_case_number(const struct oom_case *c, int64_t v);

#endif
