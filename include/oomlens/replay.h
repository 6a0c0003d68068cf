/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The selection, made again: every row of the table scored under the profile of its kernel, in the kernel's scan
 * order, with the kernel's tie rule, and the result held against what the kernel did.  A verdict is a claim about
 * the kernel's arithmetic; it is never upgraded by guessing.
 */
#ifndef OOMLENS_REPLAY_H
#define OOMLENS_REPLAY_H

#include <oomlens/badness.h>

enum oom_verdict {
	OOM_VERDICT_EXACT, OOM_VERDICT_EXPLAINED, OOM_VERDICT_WITHIN_DRIFT, OOM_VERDICT_UNEXPLAINED, OOM_VERDICT_INSUFFICIENT,
};
extern const char *const oom_verdict_names[];

/* Rows of the reason table in replay.c: name (JSON) and a sentence for people. */
enum oom_reason {
	OOM_REASON_HIGHEST_BADNESS, OOM_REASON_TIE_BREAK, OOM_REASON_ALLOCATING_TASK, OOM_REASON_SYSRQ, OOM_REASON_CHILD_SACRIFICED,
	OOM_REASON_PREVIOUS_VICTIM_SKIPPED, OOM_REASON_GROUP_KILL, OOM_REASON_COUNTER_DRIFT, OOM_REASON_ROOT_BONUS,
	OOM_REASON_HIDDEN_TERM, OOM_REASON_OOM_TASK_ORIGIN, OOM_REASON_POLICY, OOM_REASON_THREAD_OF_CHOSEN,
	OOM_REASON_NO_KILLABLE, OOM_REASON_PANIC_ON_OOM, OOM_REASON_WILL_FREE,
	OOM_REASON_NO_TASK_TABLE, OOM_REASON_TRUNCATED_TABLE, OOM_REASON_DAMAGED_TABLE, OOM_REASON_NO_KILL_LINE,
	OOM_REASON_VICTIM_NOT_IN_TABLE, OOM_REASON_UNKNOWN_KERNEL, OOM_REASON_UNSUPPORTED_KERNEL, OOM_REASON_UNKNOWN_TOTALPAGES,
	OOM_REASON_HIGHER_SCORE_PASSED_OVER,
	OOM_REASON_VFORK_CHILD,       /* the higher row shares its mm with the victim's: a vfork child, never eligible from 4.8 on */
	OOM_REASON_SCORE_MISMATCH,    /* the winner agrees, but the "score" line contradicts the arithmetic */
	OOM_REASON_BALLOT_LOST,       /* candidates of the kernel's ballot were lost on the way */
	OOM_REASON_UNKNOWN_DOMAIN,    /* whose memory ran out, and so who was a candidate, is not known */
	OOM_REASON_COUNT,
};
const char *oom_reason_name(enum oom_reason r);

/* A recorded ballot against the formula of the profile.  The kernel's own points decide; these counts tell whether
 * the profile would have found them. */
struct oom_ballot_check {
	size_t points;                /* candidates with the kernel's own points */
	size_t compared, differ;      /* of those, whose terms are known; whose formula gives something else */
	int64_t off;                  /* the largest difference, pages */
};

struct oom_replay {
	struct oom_arena arena;
	const struct oom_event *event;         /* borrowed; must outlive the replay */
	const struct oom_profile *profile;     /* NULL = unsupported or unknown kernel */
	const char *profile_how;
	struct oom_range total;                /* totalpages; lo > hi = unknown */
	struct oom_str total_how;
	struct oom_score *score;               /* one per event->task, same index; NULL (and nscores 0) until ranked */
	size_t nscores;
	size_t neligible;
	ptrdiff_t winner;                      /* index into task/score of the replay's choice; -1 = none decidable */
	ptrdiff_t runner_up;                   /* -1 = none */
	ptrdiff_t actual;                      /* the task that the kernel chose; -1 = not in the table or not said */
	int64_t margin;                        /* winner minus runner-up, in the profile's unit; OOM_NA if not decidable */
	int64_t drift_bound;                   /* what the counters may have moved between selection and table; same unit; OOM_NA */
	struct oom_ballot_check ballot;
	struct oom_score winner_score, actual_score;   /* valid without ranking where the index is not -1 */
	enum oom_verdict verdict;
	enum oom_reason reason;
	struct oom_str text;                   /* one sentence for a person; valid UTF-8 not guaranteed (names) */
	int64_t evidence_line;                 /* the line that holds the rule or the gap; OOM_NA */
	uint32_t *rank;                        /* task indices, best first, eligible before ineligible; NULL until ranked */
};

/* forced: use this profile whatever the log says (NULL = find it).  0 or -ENOMEM.  *ret needs no init and is released
 * by the caller in either case. */
int  oom_replay_run(const struct oom_event *ev, const struct oom_profile *forced, struct oom_replay *ret);
/* The same in the memory of an earlier replay, released or not, whose event may be gone: what is made alike again
 * allocates nothing. */
int  oom_replay_again(const struct oom_event *ev, const struct oom_profile *forced, struct oom_replay *io);
/* Fills score[] and rank[]: nominal points descending, ties as the kernel breaks them.  0 or -ENOMEM (then neither is
 * filled).  Without a profile (unsupported or unknown kernel) there are no scores: nscores stays 0, rank NULL. */
int  oom_replay_rank(struct oom_replay *r);
void oom_replay_release(struct oom_replay *r);

#endif
