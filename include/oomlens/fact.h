/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kinds and flags of a fact (live.h).  Apart, and without a header of its own, since BPF programs use
 * them too. */
#ifndef OOMLENS_FACT_H
#define OOMLENS_FACT_H

enum oom_fact_kind {
	/* the ballot: facts of one round carry its number and come in this order */
	OOM_FACT_SELECTION,           /* a round that was decided began: trigger, gfp, order, memcg ... */
	OOM_FACT_CANDIDATE,           /* a task the kernel looked at, in its order */
	OOM_FACT_CHOSEN,              /* the kernel decided; always after all candidates of the round */
	OOM_FACT_NO_VICTIM,           /* nobody may be killed; count such rounds, told once a second */
	OOM_FACT_ABORTED,             /* count rounds were given up: victim pid had yet to free its memory */
	/* a victim's life */
	OOM_FACT_KILL,                /* SIGKILL is being sent; to each member of a group of its own */
	OOM_FACT_MARK_VICTIM,         /* it may use the reserves; also without a kill (SILENT) */
	OOM_FACT_QUEUE_REAPER,
	OOM_FACT_WAKE_REAPER,
	OOM_FACT_REAP_START,
	OOM_FACT_REAP_FINISH,
	OOM_FACT_REAP_PARTIAL,        /* the reaper had to leave parts of the mm and will try again */
	OOM_FACT_REAP_SKIP,           /* the mmap lock was taken, or there was nothing left to do */
	OOM_FACT_EXIT_MMAP_BEGIN,     /* the last user of its mm is gone: the exit frees the memory */
	OOM_FACT_EXIT_MMAP_END,
	OOM_FACT_FREED,               /* the task itself is gone: its parent or init has waited for it */
	/* around it */
	OOM_FACT_SCORE_ADJ,           /* somebody wrote an oom_score_adj */
	OOM_FACT_RETRY_ZONE,          /* on request: the allocator considers one more round of reclaim */
	OOM_FACT_COMPACT_RETRY,       /* on request: ... of compaction */
	OOM_FACT_KINDS,
};

/* Bits of oom_fact.flags. */
enum {
	OOM_FACT_RECONSTRUCTED = 1 << 0,   /* as it stood at the kill, not as the kernel weighed it */
	OOM_FACT_INELIGIBLE    = 1 << 1,   /* scored as "never this one" */
	OOM_FACT_PASSED_OVER   = 1 << 2,   /* looked at, not scored: other cpuset, or an earlier victim */
	OOM_FACT_ORIGIN        = 1 << 3,   /* asked to be the first (swapoff, ksm) */
	OOM_FACT_OOM_SKIP      = 1 << 4,   /* MMF_OOM_SKIP: reaped, or given up */
	OOM_FACT_OOM_VICTIM    = 1 << 5,   /* marked as a victim before */
	OOM_FACT_VFORK         = 1 << 6,   /* vfork child that still borrows its parent's mm */
	OOM_FACT_DEAD_LEADER   = 1 << 7,   /* the leader has exited: pid and comm are of a living thread */
	OOM_FACT_NO_MM         = 1 << 8,   /* no thread has an mm */
	OOM_FACT_SILENT        = 1 << 9,   /* it was dying already: nothing is killed, nothing is logged */
};

#endif
