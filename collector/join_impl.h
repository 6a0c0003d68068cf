/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside the join.  join.c: handles, when something is due; join_case.c: cases and the processes in them; join_fact.c:
 * facts; join_log.c: events of the log, and the counter; join_out.c: what the writer gets.
 */
#ifndef OOMLENS_COLLECTOR_JOIN_IMPL_H
#define OOMLENS_COLLECTOR_JOIN_IMPL_H

#include "recorder_impl.h"

#define OOM_SEC_US        INT64_C(1000000)
#define JOIN_CASES        320         /* slots */
#define JOIN_OPEN         256         /* cases; with more the oldest is given up */
#define JOIN_BYTES        ((size_t)6 << 20)
#define JOIN_FEEDS        8
#define JOIN_ORPHANS      64
#define JOIN_DECISIONS    256
#define JOIN_LEFT         1024
#define JOIN_LIVES        4096        /* in one case */
#define JOIN_CANDIDATES   16384
#define JOIN_COMM         16
#define JOIN_THREADS      16          /* of one victim; as a rule it is one */
#define JOIN_ATTEMPTS     24          /* the reaper makes 10, and two feeds tell of them */

#define JOIN_LOG_SKEW_US  (5 * OOM_SEC_US)    /* dmesg's clock against CLOCK_MONOTONIC, and how late a line may be */
#define JOIN_FEED_SKEW_US OOM_SEC_US          /* the same moment as two feeds tell it */
#define JOIN_WINDOW_US    (60 * OOM_SEC_US)   /* for the victim's memory */
#define JOIN_LATE_US      (900 * OOM_SEC_US)  /* then a victim that is still there is forgotten */

/* Bits of join_case.feeds. */
#define JOIN_LOG 1u

/* A task that the kernel looked at, without what a row of the table has no room for. */
struct join_candidate {
	int32_t pid, tgid;
	uint32_t uid, flags;
	int16_t adj;
	uint8_t comm_n;
	bool has_who, has_mm, has_rss;
	char comm[JOIN_COMM];
	int64_t memcg_id, points;
	int64_t total_vm, rss_anon, rss_file, rss_shmem, swap, pgtables_bytes;
};

/* One process that was chosen, killed or marked.  Times are the earliest that any feed tells, so that the order in
 * which feeds are read plays no part. */
struct join_life {
	struct oom_life row;          /* comm and cgroup point below */
	char comm[JOIN_COMM], *cgroup;
	int64_t memcg_id;
	struct join_mark { int64_t pid, us; unsigned feeds; } mark[JOIN_THREADS];
	unsigned nmarks;
	int64_t begin_us;             /* the earliest that we know of it */
	int64_t finish[JOIN_ATTEMPTS], partial[JOIN_ATTEMPTS];
	unsigned nfinish, npartial;
	int64_t skips[JOIN_FEEDS];
	int64_t kills;                /* KILL facts */
	bool silent, loud;            /* a mark said SILENT; something else says that it was killed */
	bool in_log, unable, reaped;  /* the log has its kill line; what its reaper lines say */
	int64_t role;                 /* enum oom_role */
	int tallied;                  /* class that the tally has it under; -1 */
	/* as of the mark */
	int64_t total_vm, rss_anon, rss_file, rss_shmem, pgtables_bytes, adj;
};

struct join_case {
	struct join_case *next, *prev;        /* by age */
	unsigned feeds;               /* bits: who told of it */
	int round_feed;               /* -1: without a round */
	int64_t round;
	int64_t begin_us;             /* selection, else the earliest mark or kill */
	int64_t last_us;              /* latest mark or kill */

	/* the selection */
	bool selected, chosen, reconstructed, no_victim, open;        /* open: candidates are still coming */
	struct oom_fact trigger;      /* SELECTION; comm points below */
	char trigger_comm[JOIN_COMM];
	struct oom_fact choice;       /* CHOSEN */
	char choice_comm[JOIN_COMM];
	char *oom_path;
	struct join_candidate *candidate;
	size_t ncandidates, cap_candidates;
	int64_t lost;                 /* facts that the ballot's feed lost meanwhile */

	struct join_life *life, first_life;
	size_t nlives, cap_lives;

	/* the log's event */
	bool has_log, final, past;    /* past: happened long before it was read */
	bool has_dump;                /* the log printed more than the kill */
	bool ev_will_free;            /* it says that the chosen one was dying already */
	bool global;                  /* it says that the whole machine was short */
	int64_t logged_kills;         /* its lines of a kill, ... */
	int64_t early_kills;          /* ... but for these, which the counter had before */
	struct oom_event ev;          /* not yet put out */
	bool has_ev;
	size_t ev_bytes;
	int64_t first_line, log_us;   /* log_us: when the newest version came */

	/* what was put out */
	bool put, mid_done, window_done, dirty;
	int outs;
	int64_t put_us, change_us, told_us;
	struct join_ident {           /* what a later version needs to be merged into the first */
		int64_t first_line, last_line, boot_us, wall_us, scope;
		const char *constraint;
		char *path;
	} ident;
	bool amendable;
	int64_t counted;              /* kills of it that the counter has */
	bool resolved, was_silent;    /* by the counter: killed, or marked only */
	bool sees_marks;              /* who was killed was marked */
};

struct join_decision { int64_t us, memcg_id, constraint; const struct join_case *of; };

struct oom_join {
	struct oom_join_opts o;
	char *self_text;
	struct join_case *oldest, *newest, *unused;
	size_t ncases, bytes, nslots;         /* nslots: that were ever used; those in *unused are of them */
	char feed_name[JOIN_FEEDS][16];
	int nfeeds;
	struct { struct oom_fact f; int feed; } orphan[JOIN_ORPHANS];
	unsigned norphans, next_orphan;
	struct join_decision decision[JOIN_DECISIONS];
	unsigned ndecisions;
	/* the latest events of the log that were put out and left their slots */
	struct { int64_t first_line, counted, early; bool final; } left[JOIN_LEFT];
	unsigned nleft;
	bool finishing, sees_exits, log_busy;
	int64_t log_read_us;
	struct oom_join_tally tally;
	struct {
		int64_t base, value, since_us, read_us;  /* value since since_us */
		int64_t told_us;      /* when a kill was accounted for last */
		int64_t unseen;       /* kills that nobody told of, to be put out */
		int64_t blind;        /* lost kills of which no KILL was told: a group's first counts twice */
	} count;
	struct join_case slot[JOIN_CASES];
};

/* join_case.c */
int  join_feed(struct oom_join *j, const char *name);                         /* index, -1 = too many */
struct join_case *join_case_new(struct oom_join *j, int64_t now_us);          /* NULL: no slot is free */
void join_case_drop(struct oom_join *j, struct join_case *c);
struct join_case *join_case_of_round(struct oom_join *j, int feed, int64_t round);
/* The process in c, or a new row for it.  NULL: no memory. */
struct join_life *join_life_add(struct oom_join *j, struct join_case *c);
struct join_life *join_life_in(const struct join_case *c, const struct oom_fact *f);
struct join_life *join_life_find(struct oom_join *j, const struct oom_fact *f, int64_t skew_us, struct join_case **ret);
bool join_life_is(const struct join_life *l, const struct oom_fact *f);
/* What src knows becomes dst's; src is dropped. */
int  join_absorb(struct oom_join *j, struct join_case *dst, struct join_case *src);
struct join_mark *join_mark_of(struct join_life *l, int64_t pid);              /* NULL: not marked */
struct join_mark *join_mark_add(struct join_life *l, int64_t pid);
void join_candidates_free(struct oom_join *j, struct join_case *c);
void join_event_free(struct oom_join *j, struct join_case *c);
void join_touch(struct join_case *c, int64_t now_us);
char *join_path(const struct oom_join *j, int64_t memcg_id);                  /* NULL: unknown */

/* join_fact.c */
void join_adopt_orphans(struct oom_join *j, int64_t now_us);
/* End of the reaper's first attempt that left nothing, OOM_NA. */
int64_t join_reaped(const struct join_life *l);
/* When its memory was freed, OOM_NA; who did it goes to *by unless by is NULL. */
int64_t join_freed(const struct oom_join *j, const struct join_life *l, bool over, int64_t *by);

/* join_log.c */
int64_t join_class(const struct join_case *c, const struct join_life *l);
void join_account(struct oom_join *j, struct join_case *c);
/* Kills of a case without a log line that the counter must have if they were kills. */
int64_t join_expected_kills(const struct join_case *c);
bool join_undecided(const struct oom_join *j, const struct join_case *c);
void join_decide(struct oom_join *j, struct join_case *c);
/* When a case without a log line is told without it, and when the counter settles what it was. */
int64_t join_ripe(const struct oom_join *j, const struct join_case *c);
int64_t join_settled(const struct oom_join *j, const struct join_case *c);
int64_t join_compare_due(const struct oom_join *j);
void join_compare(struct oom_join *j, int64_t now_us);

/* join_out.c */
int  join_put_case(struct oom_join *j, struct join_case *c, int64_t now_us, struct oom_join_out *ret);
int  join_put_unseen(struct oom_join *j, int64_t now_us, struct oom_join_out *ret);

static inline void join_min(int64_t *p, int64_t v)
{
	if (v != OOM_NA && (*p == OOM_NA || v < *p))
		*p = v;
}

static inline void join_fill(int64_t *p, int64_t v)
{
	if (*p == OOM_NA)
		*p = v;
}

static inline int64_t join_apart(int64_t a, int64_t b)
{
	return a > b ? a - b : b - a;
}

#endif
