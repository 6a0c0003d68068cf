/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The record that the programs of oomwatch.bpf.c hand to bpf.c: integers of fixed size, no pointers. */
#ifndef OOMLENS_OOMWATCH_H
#define OOMLENS_OOMWATCH_H

#define OOMWATCH_COMM  16
#define OOMWATCH_STAGE 16384          /* records of one round; a power of two */
#define OOMWATCH_CHUNK 2048           /* of them in one piece; many pieces take the verifier long */

/* Which groups of a record's members were filled. */
enum {
	OOMWATCH_HAS_TASK   = 1 << 0,
	OOMWATCH_HAS_MM     = 1 << 1,     /* total_vm, pgtables_bytes */
	OOMWATCH_HAS_RSS    = 1 << 2,     /* rss[] */
	OOMWATCH_HAS_POINTS = 1 << 3,
	OOMWATCH_HAS_ROUND  = 1 << 4,     /* totalpages, constraint, gfp, order */
	OOMWATCH_HAS_MEMCG  = 1 << 5,
	OOMWATCH_HAS_PID    = 1 << 6,     /* nothing but the pid is known of the task */
	OOMWATCH_UNSCORED   = 1 << 7,     /* of a round: no score was seen, oom_badness() is inlined */
};

/* The kernel's order of mm_struct.rss_stat (include/linux/mm_types_task.h). */
enum { OOMWATCH_FILE, OOMWATCH_ANON, OOMWATCH_SWAP, OOMWATCH_SHMEM, OOMWATCH_RSS };

struct oomwatch_rec {
	unsigned long long ns;            /* CLOCK_MONOTONIC */
	unsigned long long round;
	unsigned int kind;                /* enum oom_fact_kind */
	unsigned int has;
	unsigned int flags;               /* OOM_FACT_... */
	unsigned int uid;
	int pid, tgid, adj, pad;
	char comm[OOMWATCH_COMM];
	unsigned long long start_ns, memcg_id;
	unsigned long long total_vm, pgtables_bytes;
	long long rss[OOMWATCH_RSS];      /* pages; an approximate counter may stand a little below 0 */
	union {
		long long points;
		unsigned long long aborted;   /* OOM_FACT_ABORTED: oomwatch_state.aborted of then */
	};
	unsigned long long totalpages;
	unsigned int gfp;
	int order, constraint, pad2;
};

/* Counters of the programs, which bpf.c reads while they change. */
struct oomwatch_state {
	unsigned long long rounds, lost;
	unsigned long long aborted, abort_ns;   /* rounds given up; when and for whom the last one was */
	unsigned long long no_victim;           /* rounds that found nobody and left no record */
	int abort_pid, abort_tgid;
};

/* The programs' own.  Global, and so here, since clang takes a static one to pieces, of which the kernel then
 * refuses the type information. */
struct oomwatch_round {
	unsigned long long owner, begin_ns;       /* the task that is inside out_of_memory(); 0 = nobody */
	unsigned long long last_task;             /* the last one that was scored */
	unsigned long long quiet_until_ns;        /* ballots without a victim are told once a second */
	unsigned int n;                           /* records staged, but for slot 0 */
	_Bool evaluated, decided, dying, marked, in_kill;
};

#endif
