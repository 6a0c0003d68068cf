/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder: one poll loop joins the kernel log and the feeds into events, a thread of its own writes them to the
 * store.  The loop never waits for the disk; what cannot be stored is kept in memory and in a spool file.
 */
#ifndef OOMLENS_RECORDER_H
#define OOMLENS_RECORDER_H

#include <oomlens/event.h>

struct oom_recorder_opts {
	const char *db;               /* store; created if missing */
	const char *runtime_dir;      /* for the status file and the spool; NULL = $RUNTIME_DIRECTORY, /run/oomlens,
				       * or below $XDG_RUNTIME_DIR for those who may not write there */
	int64_t once;                 /* stop when so many events from after the start are stored; 0 = run until stopped */
	int64_t flight_us;            /* flight recorder: time between samples, 0 = off */
	int64_t keep_us, max_bytes;   /* retention; 0 = keep all */
	const char *without;          /* names of feeds not to open, separated by commas: "ballot,log"; NULL */
	bool reclaim;                 /* also the allocator's retries */
	/* Sentences for a person, one at a time; level as in syslog: 3 error, 4 warning, 6 information. */
	void (*say)(void *arg, int level, const char *text);
	void *arg;
};

/* Runs until SIGTERM or SIGINT, or until opts->once: then all that was seen is stored.  SIGHUP opens the store anew.
 * 0; -ENXIO: opts->without names no feed; -ENODATA: not one witness could be opened; -EBUSY: another recorder runs on
 * this runtime directory; -errno of the store at the start, or with events left in the spool: reterr says so. */
int oom_recorder_run(const struct oom_recorder_opts *opts, struct oom_err *reterr);

/* One witness of the recorder, open or not. */
struct oom_recorder_feed {
	struct oom_str name, help;
	struct oom_str why;           /* why it is not open, or what it cannot tell; NULL */
	int64_t open;                 /* 1, 0 */
	int64_t facts, lost;          /* since the start; OOM_NA where nobody counts them */
};

/* What a recorder says of itself.  Counts are since its start. */
struct oom_recorder_state {
	struct oom_arena arena;       /* owns what oom_recorder_status() filled in; else all is borrowed */
	struct oom_recorder_feed *feed; size_t nfeeds;
	struct oom_str version, db, spool, host, kernel, boot_id;
	struct oom_str trouble;       /* what keeps the store from being written; NULL */
	int64_t running;              /* 1, 0: of oom_recorder_status() */
	int64_t pid, started_us, written_us, last_kill_us;   /* UTC: its start, this writing, the last kill seen */
	int64_t flight_us;            /* time between samples, 0 = off */
	int64_t seen;                 /* decisions of the OOM killer */
	int64_t stored, merged;       /* events: new ones; later knowledge of known ones */
	int64_t waiting, spooled;     /* now in memory, now in the spool */
	int64_t dropped, facts_dropped;   /* memory and spool were full */
	int64_t logged, rate_limited, already_exiting, group_member, log_lost;   /* kills, by enum oom_class */
	int64_t kills_counted;        /* of those, the ones that the kernel's counter counts */
	int64_t kernel_kills;         /* what that counter rose by */
	int64_t records_lost;         /* of the kernel log, that nobody could read */
	int64_t latency_us, latency_max_us;   /* kill to commit: median and worst of the latest 512 */
};
extern const struct oom_record oom_recorder_record, oom_recorder_feed_record;

/* The state of the recorder of a runtime directory.  NULL: of the first that runs of those named above, else of the
 * first that ever ran.  0, -ENOENT if none ran since boot, -errno.  *ret needs no init. */
int  oom_recorder_status(const char *runtime_dir, struct oom_recorder_state *ret, struct oom_err *reterr);
void oom_recorder_state_release(struct oom_recorder_state *st);
/* As JSON, "oomlens.record/1".  0, -ENOMEM. */
int  oom_recorder_json(const struct oom_recorder_state *st, FILE *out);

#endif
