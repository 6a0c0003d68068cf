/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files that know all rooms share: recorder.c (beginning and end), recorder_loop.c, recorder_feeds.c and
 * recorder_log.c (the witnesses), recorder_self.c (who we are, and how we stay alive), recorder_status.c. */
#ifndef OOMLENS_COLLECTOR_RECORDER_LOOP_H
#define OOMLENS_COLLECTOR_RECORDER_LOOP_H

#include <oomlens/parse.h>

#include <signal.h>

#include "recorder_impl.h"

#define OOM_MAX_WITNESSES 8
#define OOM_NEVER INT64_MAX

/* A row of oom_feeds[], open or not; a row of its own stands for the kernel log. */
struct oom_witness {
	struct oom_rec *rec;
	const struct oom_feed_ops *ops;
	struct oom_feed *feed;
	int64_t facts;
	uint64_t lost;
	struct oom_err err;           /* why it is not open */
};

/* Times are CLOCK_MONOTONIC; deadlines are OOM_NEVER when there is nothing to wait for. */
struct oom_rec {
	const struct oom_recorder_opts *o;
	struct oom_recorder_self self;
	struct oom_arena arena;       /* of self's strings and spool */
	const char *spool;
	int64_t now_us, started_us;

	struct oom_witness witness[OOM_MAX_WITNESSES];
	size_t nwitnesses;
	struct oom_klog *klog;
	struct oom_err log_err;
	int64_t log_lost, next_line;
	int64_t in_hand;              /* first line of an event between parser and join; OOM_NA */

	struct oom_parser *parser;
	struct oom_join *join;
	struct oom_counters *counters;
	struct oom_flight_ring *flight;
	struct oom_writer *writer;
	struct oom_status *status;
	int signals;

	int64_t clock_us, tick_us, watchdog_us, mark_us, status_us, writer_us;
	int64_t watchdog_every_us;
	bool changed;                 /* since the status was written */
	bool unwritten;               /* the writer was given something that it has not stored yet */
	bool stop, closing, short_of_memory, has_mark;
	sigset_t old_mask;

	struct oom_store_mark mark, before;          /* before: as the store had it when we began */
	int64_t seen, last_kill_us;   /* decisions put out; the last one, UTC */
	int64_t after_start;          /* those that the kernel made while we ran */
	int64_t first_kills;          /* the kernel's counter at the start */
	struct oom_writer_state wrote;
};

/* recorder.c */
void oom_rec_say(struct oom_rec *r, int level, const char *fmt, ...) OOM_PRINTF(3, 4);

/* recorder_loop.c */
/* All witnesses, the log's decisions, the counter, and what the join makes of them. */
void oom_rec_turn(struct oom_rec *r);
/* What the join has finished goes to the writer. */
void oom_rec_put(struct oom_rec *r);
/* Where a restart must go on: nothing that is still being waited for may be passed over. */
void oom_rec_refresh_mark(struct oom_rec *r);
/* The same is stored although there is no event to store it with. */
void oom_rec_remember(struct oom_rec *r);
/* The writer has news. */
void oom_rec_committed(struct oom_rec *r);
void oom_rec_status(struct oom_rec *r);
/* Turn after turn until r->stop. */
void oom_rec_run(struct oom_rec *r);

/* recorder_self.c */
int64_t oom_rec_clock(void);
int64_t oom_rec_wall_minus_mono(void);
int  oom_rec_self(struct oom_rec *r, struct oom_err *reterr);
/* Before threads are made: the writer's memory comes from the same heap. */
void oom_rec_one_heap(void);
/* What is free goes back to the system. */
void oom_rec_trim(void);
/* When all is open.  Locked memory, a heap that needs not grow, no favourite of the OOM killer: as far as we are allowed. */
void oom_rec_protect(struct oom_rec *r);

/* recorder_feeds.c */
bool oom_rec_wants(const struct oom_rec *r, const char *name);
int  oom_rec_check_names(const struct oom_rec *r, struct oom_err *reterr);     /* 0, -EINVAL: no such feed */
void oom_rec_open_feeds(struct oom_rec *r);
void oom_rec_close_feeds(struct oom_rec *r);
bool oom_rec_tells(const struct oom_rec *r, enum oom_fact_kind kind);   /* some feed does */
/* The join learns which witnesses there are: after one was opened, or has failed. */
void oom_rec_tell_join(struct oom_rec *r);
/* Reads feeds and log until they have nothing more to say.  True if they said anything. */
bool oom_rec_drain(struct oom_rec *r);
int64_t oom_rec_facts_lost(const struct oom_rec *r);
/* Says once that memory was short, if the result is an error. */
void oom_rec_lost(struct oom_rec *r, int result);

/* recorder_log.c */
void oom_rec_open_log(struct oom_rec *r);
bool oom_rec_log_drain(struct oom_rec *r);
void oom_rec_log_take(struct oom_rec *r);
/* After draining: what was decided is told at once, what is over by the clock is handed over. */
void oom_rec_log_settle(struct oom_rec *r, bool all_read);

/* recorder_status.c */
void oom_rec_write_status(struct oom_rec *r);

#endif
