/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rooms of the recorder.  recorder.c and its loop (recorder_loop.h) know them all; they do not know each other:
 * join (facts and parsed events -> finished events; no system calls), flight (the ring of samples), counters (vmstat,
 * memory.events, PSI), writer (queue, thread, spool), status and notify.
 */
#ifndef OOMLENS_COLLECTOR_RECORDER_IMPL_H
#define OOMLENS_COLLECTOR_RECORDER_IMPL_H

#include <oomlens/event.h>
#include <oomlens/live.h>
#include <oomlens/recorder.h>
#include <oomlens/source.h>
#include <oomlens/store.h>

/* Who and when we are: constant while we run. */
struct oom_recorder_self {
	struct oom_str host, machine_id, boot_id, kernel;
	int64_t page_size;            /* bytes */
	int64_t wall_minus_mono_us;   /* as of now */
};

/* ---- join: what belongs together ------------------------------------------------------------------------- */

/*
 * A case is one decision of the OOM killer as all witnesses tell it: a ballot or walk (round), marks, kills and what
 * follows (by tgid and start), and the event that the log gave.  The log may come first, last or never.  Pure: the
 * clock is a parameter, memory is bounded (the oldest case is given up to the writer with what it has).
 *
 * One turn of the loop: drain each feed (fact, then lost), read the log (log, then log_read), counter if it is wanted,
 * then next until it has nothing.
 */
struct oom_join;
struct oom_join_opts {
	struct oom_recorder_self self;  /* strings are copied */
	bool has_log;                 /* the kernel log is read: wait for its lines */
	bool has_ballot;              /* SILENT can be told */
	bool has_marks;               /* some feed tells of mark_victim */
	bool has_exits;               /* some feed tells of exit_mmap(): that nobody freed the memory can be told */
	int64_t oom_kill;             /* the counter before the first kill that is told; OOM_NA = there is none */
	int64_t since_line;           /* it has the kills whose lines are before this one; OOM_NA = of no line */
	/* oom_cgroup_path(), or NULL */
	int (*cgroup_path)(int64_t memcg_id, char *buf, size_t size);
};
int  oom_join_new(const struct oom_join_opts *o, struct oom_join **ret);
void oom_join_free(struct oom_join *j);
/* Its room for cases becomes resident, so that a kill finds a place when memory is short. */
void oom_join_reserve(struct oom_join *j);
void oom_join_wall(struct oom_join *j, int64_t wall_minus_mono_us);           /* the wall clock was set */
/* From now on: feeds are opened while the log is read already, and a log may end.  Of *o only what begins with has_. */
void oom_join_witnesses(struct oom_join *j, const struct oom_join_opts *o);

/* All times CLOCK_MONOTONIC.  feed: the ops->name.  A tracepoint tells the thread alone: who can look it up while it
 * lives sets f->tgid.  0; -ENOMEM: the fact, or a ballot's candidate, is lost; -ENOBUFS: call next() and try again. */
int  oom_join_fact(struct oom_join *j, const char *feed, const struct oom_fact *f, int64_t now_us);
/* The feed lost n facts since the last call: the ballots that came meanwhile are incomplete.  After each drain. */
void oom_join_lost(struct oom_join *j, const char *feed, uint64_t n);
/* An event of the log; final: the parser handed it over, else it was peeked at.  Takes *ev over, but for -ENOBUFS. */
int  oom_join_log(struct oom_join *j, struct oom_event *ev, bool final, int64_t now_us);
/* All lines that the log had at now_us were parsed; busy: the parser is inside a report (not quiet). */
void oom_join_log_read(struct oom_join *j, bool busy, int64_t now_us);
/* The kernel's counter of kills: when it is wanted, and whenever else it was read (after feeds and log). */
bool oom_join_wants_counter(const struct oom_join *j, int64_t now_us);
void oom_join_counter(struct oom_join *j, int64_t oom_kill, int64_t now_us);
/* When oom_join_next() may have something next if nothing more comes in; INT64_MAX = never. */
int64_t oom_join_deadline(const struct oom_join *j);

/* One piece of work for the writer: an event to be stored, or to be merged into the one with its fingerprint. */
struct oom_join_out {
	struct oom_event ev;          /* the caller's */
	int64_t decided_us;           /* of the kill; OOM_NA */
	bool first;                   /* the first time that this decision is put out */
	bool has_cgroup;              /* counters of ev.oom_memcg, task_memcg are wanted */
};
int  oom_join_next(struct oom_join *j, int64_t now_us, struct oom_join_out *ret);   /* 1, 0, -ENOMEM */
/* Over: everything that is left comes out of next() whatever the clock says. */
void oom_join_finish(struct oom_join *j);
/* First log line that a case not yet put out depends on; OOM_NA. */
int64_t oom_join_waiting(const struct oom_join *j);
/* Kills accounted for since new(), by enum oom_class; those that /proc/vmstat counts. */
struct oom_join_tally { int64_t by_class[5], counted, facts; };
void oom_join_tally(const struct oom_join *j, struct oom_join_tally *ret);
/* For the mark: of all that was put out, but for the events that a restart from next_line on reads again, the kills that
 * the counter counts, and what the counter was by them (OOM_NA without a counter). */
struct oom_join_past { int64_t kills, oom_kill; };
struct oom_join_past oom_join_past(const struct oom_join *j, int64_t next_line);

/* ---- flight: who was large, and who grew ------------------------------------------------------------------ */

struct oom_flight_ring;
/* every_us: the time between ticks, which says how many samples are kept: about a minute of them. */
int  oom_flight_new(int64_t every_us, struct oom_flight_ring **ret, struct oom_err *reterr);
int  oom_flight_new_at(const char *proc_root, const char *cgroup_root, int64_t every_us, struct oom_flight_ring **ret,
		       struct oom_err *reterr);
void oom_flight_free(struct oom_flight_ring *r);
/* One sample; allocates only while there are more processes than ever before.  0, -ENOMEM, -errno when /proc fails. */
int  oom_flight_tick(struct oom_flight_ring *r, int64_t now_us);
/* Rows of the last sample that was over by until_us, growth over the ring, as parts of ev; PSI of then as memory facts
 * whose names begin with "sampled_".  0 or -ENOMEM. */
int  oom_flight_attach(const struct oom_flight_ring *r, int64_t until_us, struct oom_event *ev);

/* ---- counters ---------------------------------------------------------------------------------------------- */

struct oom_counters;                  /* open files, read again and again */
int  oom_counters_open(struct oom_counters **ret, struct oom_err *reterr);
int  oom_counters_open_at(const char *proc_root, const char *cgroup_root, struct oom_counters **ret,
			  struct oom_err *reterr);
void oom_counters_close(struct oom_counters *c);
int64_t oom_counters_kills(struct oom_counters *c);                          /* /proc/vmstat oom_kill; OOM_NA before 4.13 */
/* vmstat oom_kill, PSI as it stands, and memory.events(.local) or memory.oom_control and memory.failcnt of the event's
 * cgroups, as far as they still exist.  0 or -ENOMEM. */
int  oom_counters_attach(struct oom_counters *c, struct oom_event *ev);

/* ---- writer ------------------------------------------------------------------------------------------------- */

struct oom_writer;
struct oom_writer_opts {
	const char *db, *spool;       /* spool: path of the spool store; NULL = none */
	int64_t keep_us, max_bytes;
	size_t max_queue_bytes;       /* of events waiting in memory; 0 = 8 MiB */
	int64_t patience_us;          /* trouble that lasts longer goes to the spool; 0 = 2 s */
	void (*say)(void *arg, int level, const char *text);         /* from the writer's thread */
	void *arg;
};
struct oom_writer_state {             /* counts since open */
	int64_t stored, merged;       /* events: new ones; later knowledge of known ones */
	int64_t waiting, spooled;     /* events: now in memory, now in the spool */
	int64_t dropped, facts_dropped;
	int64_t latency_us[2];        /* kill to commit: median and worst of the latest 512 */
	int64_t stalled_us;           /* how long the disk has owed an answer, if that is long; else 0 */
	char trouble[240];            /* what keeps the store from being written; "" = nothing */
};
/* Opens the store, takes over what an earlier run spooled, starts the thread.  0, -errno of the store. */
int  oom_writer_open(const struct oom_writer_opts *o, struct oom_writer **ret, struct oom_err *reterr);
/* The mark of this boot as the store has it: 1, 0 none, -errno.  Before the first put. */
int  oom_writer_mark(struct oom_writer *w, struct oom_store_mark *io, struct oom_err *reterr);
/* Never waits.  Takes out->ev over; mark is written with it (out NULL: alone).  0; -ENOBUFS: memory
 * and spool are full, it is dropped.  After that the store's mark stays where it is, so that the next run looks again. */
int  oom_writer_put(struct oom_writer *w, struct oom_join_out *out, const struct oom_store_mark *mark);
/* A fact for v_trace; copied.  Dropped (and counted) when the queue is full: facts come second. */
int  oom_writer_trace(struct oom_writer *w, const char *feed, const struct oom_fact *f, const struct oom_store_mark *mark);
void oom_writer_reopen(struct oom_writer *w);                                 /* SIGHUP */
int  oom_writer_fd(const struct oom_writer *w);                               /* readable after each commit */
void oom_writer_state(struct oom_writer *w, struct oom_writer_state *ret);    /* clears fd */
/* Stores or spools what waits, then ends.  0, or -errno when events are left in the spool. */
int  oom_writer_close(struct oom_writer *w, struct oom_err *reterr);

/* ---- status and notify --------------------------------------------------------------------------------------- */

struct oom_status;                    /* the runtime directory, locked while we run */
int  oom_status_open(const char *runtime_dir, struct oom_status **ret, struct oom_err *reterr);   /* -EBUSY: another runs */
void oom_status_close(struct oom_status *s);                                  /* leaves the last state to be read */
const char *oom_status_dir(const struct oom_status *s);
/* Replaces the status file as a whole; sets written_us.  0, -errno. */
int  oom_status_write(struct oom_status *s, struct oom_recorder_state *st);

/* The service manager's protocol, see sd_notify(3); nothing to do without NOTIFY_SOCKET. */
int  oom_notify(const char *state);
int64_t oom_notify_watchdog_us(void);                                         /* half of WATCHDOG_USEC; 0 = none */

#endif
