/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder: one poll loop joins the kernel log and the feeds into events, a thread of its own writes them to the
 * store.  The loop never waits for the disk; what cannot be stored is kept in memory and in a spool file.
 */
#ifndef OOMLENS_RECORDER_H
#define OOMLENS_RECORDER_H

#include <oomlens/base.h>

struct oom_recorder_opts {
	const char *db;               /* store; created if missing */
	const char *runtime_dir;      /* for the status file and the spool; NULL = $RUNTIME_DIRECTORY, /run/oomlens,
				       * or below $XDG_RUNTIME_DIR for those who may not write there */
	int64_t once;                 /* stop after so many stored events; 0 = run until stopped */
	int64_t flight_us;            /* flight recorder: time between samples, 0 = off */
	int64_t keep_us, max_bytes;   /* retention; 0 = keep all */
	const char *without;          /* names of feeds not to open, separated by commas: "ballot,log"; NULL */
	bool reclaim;                 /* also the allocator's retries */
	/* Sentences for a person, one at a time; level as in syslog: 3 error, 4 warning, 6 information. */
	void (*say)(void *arg, int level, const char *text);
	void *arg;
};

/* Runs until SIGTERM or SIGINT, or until opts->once: then all that was seen is stored.  SIGHUP opens the store anew.
 * 0; -ENODATA: not one witness could be opened; -EBUSY: another recorder runs on this runtime directory;
 * -errno of the store at the start, or with events left in the spool: reterr says so. */
int oom_recorder_run(const struct oom_recorder_opts *opts, struct oom_err *reterr);

/* The state of the recorder of a runtime directory (NULL as above) as JSON, "oomlens.record/1"; *running tells whether
 * it is alive.  0, -ENOENT if none ran since boot, -errno. */
int oom_recorder_status(const char *runtime_dir, struct oom_buf *ret, bool *running, struct oom_err *reterr);

#endif
