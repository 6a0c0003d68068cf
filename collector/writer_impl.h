/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writer in three files: writer.c has the queue, writer_thread.c says what is written where and when, writer_store.c
 * writes. */
#ifndef OOMLENS_COLLECTOR_WRITER_IMPL_H
#define OOMLENS_COLLECTOR_WRITER_IMPL_H

#include "recorder_impl.h"

#include <pthread.h>
#include <sys/types.h>
#include <time.h>

#define OOM_SECOND_US        INT64_C(1000000)
#define OOM_WRITER_LATENCIES 512

/* One piece of work: an event, or a fact of a feed.  Followed by what it points to. */
struct oom_work {
	struct oom_work *next;
	size_t bytes;                 /* that it holds in memory, more or less */
	struct oom_event *ev;         /* NULL: a fact */
	int64_t decided_us;           /* of an event that is put out for the first time; OOM_NA */
	const char *feed;
	struct oom_fact *fact;
};

struct oom_work_list { struct oom_work *first, **end; };

void oom_works_init(struct oom_work_list *l);
void oom_works_add(struct oom_work_list *l, struct oom_work *k);
void oom_works_append(struct oom_work_list *l, struct oom_work_list *from);       /* which is empty then */
struct oom_work *oom_works_take(struct oom_work_list *l);                         /* the first; l is not empty */
size_t oom_works_count(const struct oom_work_list *l, bool events);              /* events, or facts */
void oom_work_free(struct oom_work *k);

/* A store that the writer writes to. */
struct oom_target {
	const char *path;
	struct oom_store *store;      /* NULL = not open */
	dev_t dev;
	ino_t ino;
	int busy_ms;                  /* how long to wait for others' locks */
	bool judge;                   /* store what the replay says as well */
};
struct oom_target_tally { int64_t stored, merged; };

int  oom_target_open(struct oom_target *t, struct oom_err *reterr);
void oom_target_close(struct oom_target *t);
/* The path leads elsewhere by now: the file was moved or removed. */
bool oom_target_gone(const struct oom_target *t);
/* The works from first on, up to n, in one transaction, and the mark unless it is NULL; who: host of the facts. */
int  oom_target_write(struct oom_target *t, struct oom_work *first, size_t n, const struct oom_store_mark *who,
		      const struct oom_store_mark *mark, struct oom_target_tally *tally, struct oom_err *reterr);
/* Whether a store of its own would take it: if not, the fault is the work's. */
bool oom_target_sound(struct oom_work *k, const struct oom_store_mark *who);
/* Every event of one store into another, and the mark of the last one's boot.  *ret_unread: events that are damaged.
 * *from_failed tells whose error it is. */
int  oom_target_move(struct oom_target *from, struct oom_target *to, struct oom_target_tally *tally,
		     int64_t *ret_unread, bool *from_failed, struct oom_err *reterr);
/* Removes the files of a closed store, or with a suffix names them so. */
void oom_target_remove(const struct oom_target *t, const char *suffix);

struct oom_writer {
	struct oom_writer_opts opt;
	char *db_path, *spool_path;
	int event_fd;
	int64_t opened_us;
	pthread_t thread;

	/* between the threads */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct oom_work_list queue;
	size_t bytes;                    /* of all works, those that the thread has taken included */
	bool closing, reopen, mark_alone;
	bool frozen;                     /* an event was dropped: the mark stays before it */
	struct oom_store_mark mark;      /* of the last put; strings in ids */
	bool has_who, has_mark;          /* it has a key; numbers as well */
	struct oom_arena ids;
	struct oom_writer_state state;
	int64_t busy_us;                 /* since when the thread is at the disk; 0 = it is not */
	int64_t latency[OOM_WRITER_LATENCIES];
	uint64_t nlatency;

	/* the thread's own */
	struct oom_work_list pending;    /* taken from the queue, not yet written */
	struct oom_store_mark taken;     /* with them */
	const struct oom_store_mark *who, *upto;   /* it or NULL: as the key of facts, as a mark to be written */
	struct oom_target db, spool;
	bool in_spool;                   /* the spool holds events */
	struct oom_err trouble;          /* of the store; code 0 = none */
	bool said, said_spooling, said_full;
	int64_t trouble_us, retry_us, backoff_us, spool_retry_us;
	int64_t facts_us;                /* when the oldest waiting fact came */
	int64_t prune_us;
	int64_t moved, dropped_said;
	struct oom_err last_said;
};

static inline int64_t oom_writer_clock(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * OOM_SECOND_US + ts.tv_nsec / 1000;
}

static inline int64_t oom_writer_now(void)
{
	return oom_writer_clock(CLOCK_MONOTONIC);
}

static inline bool oom_writer_retains(const struct oom_writer *w)
{
	return w->opt.keep_us || w->opt.max_bytes;
}

/* Thread function of w; the other two are for when it does not run. */
void *oom_writer_run(void *w);
/* Opens the store and empties the spool.  Trouble that may pass is no reason not to start. */
int  oom_writer_first(struct oom_writer *w, struct oom_err *reterr);
void oom_writer_done(struct oom_writer *w, size_t n);     /* with the first n pending works, written or not */
bool oom_writer_may_pass(int r);

#endif
