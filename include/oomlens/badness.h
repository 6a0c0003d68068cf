/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's badness, one row per rule set.  One evaluator serves all rows and follows mm/oom_kill.c:
 * oom_badness() step by step, in the kernel's own integer arithmetic.  What the dump hides makes an interval.
 */
#ifndef OOMLENS_BADNESS_H
#define OOMLENS_BADNESS_H

#include <oomlens/event.h>

struct oom_range { int64_t lo, hi; };                    /* closed; lo == hi means known */

enum oom_root_rule { OOM_ROOT_NONE, OOM_ROOT_MINUS_30, OOM_ROOT_ADJ_MINUS_30, OOM_ROOT_MINUS_3_PERCENT };
enum oom_tie_rule {
	OOM_TIE_FIRST,            /* strictly greater replaces */
	OOM_TIE_FIRST_LEADER,     /* 3.14-4.16: an equal score replaces unless the best is a group leader */
	OOM_TIE_LAST,             /* equal replaces */
};
enum oom_profile_flags {
	OOM_PROFILE_PER_MILLE     = 1 << 0,   /* score 1..1000, not pages */
	OOM_PROFILE_INT_OVERFLOW  = 1 << 1,   /* 2.6.39-3.1: points * 1000 wraps as int32 */
	OOM_PROFILE_PTES          = 1 << 2,   /* page tables count */
	OOM_PROFILE_SIGNED        = 1 << 3,   /* no floor; LONG_MIN is "not eligible" (5.9+) */
	OOM_PROFILE_CHILD         = 1 << 4,   /* a child may be sacrificed */
	OOM_PROFILE_MEMCG_THREADS = 1 << 5,   /* memcg scan order is not the table's (before 5.3): ties undecidable there */
	OOM_PROFILE_EXACT_SUMS    = 1 << 6,   /* 7.0+: per-CPU counters summed */
};

struct oom_profile {
	const char *name;         /* "5.9": the first mainline release with these rules */
	const char *since, *until;/* "5.9".."6.19", for people */
	unsigned flags;
	enum oom_root_rule root;
	enum oom_tie_rule tie_global, tie_memcg;
	int64_t floor;            /* lowest score of an eligible task; OOM_NA = none */
	int64_t ceiling;          /* OOM_NA = none */
	const char *formula;      /* one line for people */
	const char *change;       /* the kernel commit that made it differ from the row above */
};
extern const struct oom_profile oom_profiles[];
extern const size_t oom_profile_count;

/* Candidates for the event: usually one; several when the log names no release and its shapes leave a choice, or when a
 * stable branch changed rules at an unknown point release.  Best first.  *how (static) says how it was known:
 * "the kernel release in the log", "the shape of the lines", ...  0 = unsupported (before 2.6.36, not RHEL 6). */
size_t oom_profile_for(const struct oom_event *ev, const struct oom_profile *ret[4], const char **how);
const struct oom_profile *oom_profile_named(const char *name);

/* Not a candidate, and why; NULL-terminated names are the JSON's why_not. */
enum oom_why_not {
	OOM_WHY_ELIGIBLE, OOM_WHY_ADJ_MIN, OOM_WHY_ALREADY_VICTIM, OOM_WHY_GLOBAL_INIT, OOM_WHY_ADJ_UNKNOWN, OOM_WHY_DAMAGED_ROW,
	/* what only the kernel itself can tell, where a ballot was recorded (the stored numbers: append only) */
	OOM_WHY_OTHER_NODES,      /* it may not use the nodes that were short of memory */
	OOM_WHY_NO_MM,            /* no thread of it had memory any more */
	OOM_WHY_MM_SKIPPED,       /* MMF_OOM_SKIP: its mm was reaped or given up for another process */
	OOM_WHY_VFORK_CHILD,      /* it borrows its parent's memory until it calls exec */
	OOM_WHY_REFUSED,          /* the kernel refused it; the record does not show why */
	OOM_WHY_NOT_SCANNED,      /* it has a row in the log, but the selection did not look at it */
};
extern const char *const oom_why_not_names[];

/* Terms of one task; pages, or per mille where the profile says so.  Sum, floor and ceiling are in `points`. */
struct oom_score {
	struct oom_range points;  /* the badness; meaningless unless why_not is ELIGIBLE */
	int64_t nominal;          /* the one value to show and to rank by: hidden terms at half of their bound, uid 0 taken to
				   * hold CAP_SYS_ADMIN, which the table does not tell; == points where that is known */
	struct oom_range rss, swap, pgtables;         /* pages */
	struct oom_range root;    /* <= 0: {-bonus, 0} for uid 0 in profiles with a bonus; in the profile's unit */
	int64_t adj_pages;        /* adj * (totalpages / 1000), or adj itself per mille; 0 when totalpages is unknown and adj is 0 */
	uint8_t why_not;
};

/* total: totalpages as recovered, lo > hi = not known.  Only adds terms the profile has.  Where the event has a ballot,
 * the kernel's own word comes first: points that it recorded are the points, whatever the terms add up to. */
void oom_badness(const struct oom_profile *p, const struct oom_event *ev, const struct oom_task *t,
		 struct oom_range total, struct oom_score *ret);

/* ret[i] = the nominal points of ev->task[task[i]], OOM_NA where it is not eligible: what oom_badness() says of each, for
 * those who ask about ten thousand tasks every second. */
void oom_badness_points(const struct oom_profile *p, const struct oom_event *ev, struct oom_range total,
			const uint32_t *task, size_t n, int64_t *ret);

/* Did it ask to be the first (swapoff, ksm), as a recorded ballot shows?  Then it is taken without a score. */
bool oom_task_is_origin(const struct oom_event *ev, const struct oom_task *t);

/* The denominator that the kernel used, in pages, with its provenance as a sentence fragment (static or in arena).
 * lo > hi: nothing in the log tells. */
struct oom_range oom_totalpages(const struct oom_profile *p, const struct oom_event *ev, struct oom_arena *a,
				struct oom_str *how);
/* The kernel's percent form: points * 1000 / totalpages as the old "score N" line prints it; OOM_NA if unknown. */
int64_t oom_score_per_mille(const struct oom_profile *p, int64_t points, struct oom_range total);

/* gfp_mask -> names, decoded with the bit table of the event's kernel; prefers the names that the kernel printed.
 * OOM_STR_NULL when the kernel is unknown and the bits are ambiguous. */
struct oom_str oom_gfp_names(const struct oom_event *ev, struct oom_arena *a);

#endif
