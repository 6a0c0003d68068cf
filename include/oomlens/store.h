/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Events in SQLite.  Tables are made by schema.sql alone; the views in it are the contract with users (interfaces.md).
 * A store handle is for one thread.
 */
#ifndef OOMLENS_STORE_H
#define OOMLENS_STORE_H

#include <oomlens/event.h>
#include <oomlens/replay.h>

struct oom_store;

enum oom_store_mode {
	OOM_STORE_READ,              /* must exist; never writes, works on read-only media and while a writer is at work */
	OOM_STORE_WRITE,             /* created if missing, migrated if older */
};
/* $OOMLENS_DB, else the system's store, or that of the user who may not read it. */
void oom_store_default_path(char *buf, size_t size);
/* 0 or -errno: -EEXIST newer schema, -EBADMSG corrupt or not a store, -EAGAIN locked, -EROFS, -ENOSPC, -ENOENT ... with a
 * sentence that names the file. */
int  oom_store_open(const char *path, enum oom_store_mode mode, struct oom_store **ret, struct oom_err *reterr);
int  oom_store_close(struct oom_store *s, struct oom_err *reterr);     /* NULL is fine; rolls back an open transaction */

/* For a recorder: what is committed is on the disk, even if the power fails (else the last commits may be lost), less is
 * held in memory, and others' locks are waited for no longer than busy_ms. */
int  oom_store_durable(struct oom_store *s, int busy_ms, struct oom_err *reterr);
/* Moves what lies in the -wal file into the store's own, as far as readers let it: then the file is whole by itself, even if
 * it was renamed. */
void oom_store_settle(struct oom_store *s);

int  oom_store_begin(struct oom_store *s, struct oom_err *reterr);
int  oom_store_commit(struct oom_store *s, struct oom_err *reterr);
void oom_store_rollback(struct oom_store *s);

/* Stores the event and, unless r is NULL, what was derived from it.  1 = new, 0 = known already (same fingerprint), -errno.
 * *ret_id is its id in the store either way. */
int  oom_store_put(struct oom_store *s, const struct oom_event *ev, const struct oom_replay *r, int64_t *ret_id,
		   struct oom_err *reterr);
/* 1 = an event with the fingerprint is stored, *ret_id is its id; 0 = none, -errno. */
int  oom_store_find(struct oom_store *s, const char *fingerprint, int64_t *ret_id, struct oom_err *reterr);
/* The same for the kill line of ev's first victim, among the latest 512 events: a report whose head was overwritten before
 * it was read again has another fingerprint. */
int  oom_store_find_kill(struct oom_store *s, const struct oom_event *ev, int64_t *ret_id, struct oom_err *reterr);
/* The event and what was derived from it take the place of the event id; the fingerprint becomes ev's.  0, -ENOENT,
 * -EEXIST: another event has that fingerprint; neither spoils a transaction of the caller's.  -errno. */
int  oom_store_replace(struct oom_store *s, int64_t id, const struct oom_event *ev, const struct oom_replay *r,
		       struct oom_err *reterr);
/* How people name a stored event: by its id, a number of up to 11 digits, or by how its fingerprint begins, 6 to 32 hex
 * digits; the first twelve are the column `event` of v_event.  1 = an id, *ret_id; 0 = a fingerprint, -EINVAL = neither. */
int  oom_store_event_word(const char *text, int64_t *ret_id);
/* 0 and the id of what is named so (of an id: that number, stored or not); -EINVAL, -ENOENT, -ENOTUNIQ: several, which
 * *reterr lists; -errno. */
int  oom_store_resolve(struct oom_store *s, const char *text, int64_t *ret_id, struct oom_err *reterr);
/* Deep load: the event as it was put, ev->id = id.  -ENOENT if there is none. */
int  oom_store_load(struct oom_store *s, int64_t id, struct oom_event *ret, struct oom_err *reterr);
/* Replaces the derived rows of a stored event, r->event->id.  1 = its verdict or the reason changed, 0 = neither, -errno. */
int  oom_store_analyze(struct oom_store *s, const struct oom_replay *r, struct oom_err *reterr);

/* ---- merging ------------------------------------------------------------------------------------------- */

/* Who opens many stores, on one thread, keeps what their schemas are compared with. */
int  oom_store_keep_model(bool keep, struct oom_err *reterr);
/* Opens a store from elsewhere to be merged, for reading.  One of an older version, or with verdicts of another engine, is
 * copied to a private file ($TMPDIR, else /var/tmp) and brought up to date there; the file itself never changes.  Time and
 * sizes are limited. */
int  oom_store_open_source(const char *path, struct oom_store **ret, struct oom_err *reterr);

struct oom_merged { int64_t added, replaced, known; };   /* events */
/* All of source goes into s, in one transaction: events that s lacks, better accounts of those that it has (see
 * digest.h), facts that are not there yet, later marks.  0; 1: something is wrong with source; -errno: with s.  Unless it is
 * 0, s is as it was before.  A second time changes nothing, and the order of sources does not matter, ids aside. */
int  oom_store_merge(struct oom_store *s, struct oom_store *source, struct oom_merged *ret, struct oom_err *reterr);

/* ---- the recorder's own ------------------------------------------------------------------------------- */

/* What a recorder must remember of a boot to go on where it stopped; one row per host and boot, written in the same
 * transaction as the events that it speaks of. */
struct oom_store_mark {
	struct oom_str host, machine_id, boot_id;   /* key; after a load lent until the next call */
	int64_t next_line;           /* record of /dev/kmsg (sequence number + 1) to go on with; OOM_NA */
	int64_t oom_kill;            /* /proc/vmstat oom_kill when it was last compared; OOM_NA */
	int64_t kills;               /* kills that were accounted for by then, of those that the counter counts */
	int64_t log_lost;            /* records of the kernel log that nobody could read */
	int64_t facts_lost;          /* facts that feeds lost */
	int64_t seen_us;             /* UTC of this writing */
};
int  oom_store_get_mark(struct oom_store *s, struct oom_store_mark *io, struct oom_err *reterr);  /* 1, 0 none, -errno */
int  oom_store_put_mark(struct oom_store *s, const struct oom_store_mark *m, struct oom_err *reterr);

struct oom_fact;
/* A fact as a row of v_trace; name is its kind, detail its other fields as JSON.  who->seen_us is its age for
 * oom_store_prune(), so facts are written in the order of time. */
int  oom_store_trace(struct oom_store *s, const struct oom_store_mark *who, const char *feed, const struct oom_fact *f,
		     struct oom_err *reterr);

/* Retention.  Deletes events and facts from before until_us (UTC; events without a time by the mark of their boot), then
 * the oldest until what the file holds is at most max_bytes (0 = no limit each); events that nobody can date are kept by
 * age and are the first to go by size.  Free pages are used again; a file that is larger than max_bytes shrinks, unless
 * it was made by the first schema.  At most 64 events or some 4000 facts per call: 1 = there is more to do, 0, -errno. */
int  oom_store_prune(struct oom_store *s, int64_t until_us, int64_t max_bytes, struct oom_err *reterr);

struct oom_filter {                  /* zero-initialised = everything */
	int64_t since_us, until_us;  /* UTC; 0 = open.  Events without wall time are left out when either is set */
	const char *host, *comm, *cgroup, *verdict;   /* comm and cgroup: GLOB; comm matches any victim */
	const char *stale;           /* engine version: only events not analyzed by it, or without a digest */
	int64_t id;                  /* this event alone; 0 = any */
	int64_t limit;               /* 0 = all */
};
/* Calls fn with the id of each match, oldest first; fn returns non-zero to stop.  0, fn's value, or -errno. */
int  oom_store_each(struct oom_store *s, const struct oom_filter *f, int (*fn)(void *arg, int64_t id), void *arg,
		    struct oom_err *reterr);

/* A result set of read-only SQL, row by row.  Values are lent until the next row. */
enum oom_value_kind { OOM_VALUE_NULL, OOM_VALUE_INT, OOM_VALUE_REAL, OOM_VALUE_TEXT, OOM_VALUE_BLOB };
struct oom_value { enum oom_value_kind kind; int64_t i; double r; struct oom_str s; };
struct oom_query_ops {
	int (*columns)(void *arg, size_t n, const char *const *names);
	int (*row)(void *arg, size_t n, const struct oom_value *v);      /* non-zero stops */
};
/* One statement, or several of which all are run.  Refuses with -EPERM whatever could write, attach or load; ends what lasts
 * longer than limit_ms (0 = no limit) with -ETIME, what needs more than 512 MiB with -ENOMEM.  Needs OOM_STORE_READ. */
int  oom_store_query(struct oom_store *s, const char *sql, int64_t limit_ms, const struct oom_query_ops *ops, void *arg,
		     struct oom_err *reterr);
/* The same for SQL with the parameters of query.h. */
struct oom_query_args;
int  oom_store_query_with(struct oom_store *s, const char *sql, const struct oom_query_args *args, int64_t limit_ms,
			  const struct oom_query_ops *ops, void *arg, struct oom_err *reterr);
/* The rows of v_event, v_candidate or v_victim of the events that match; the latter two begin with the event's name. */
enum oom_store_rows { OOM_ROWS_EVENTS, OOM_ROWS_CANDIDATES, OOM_ROWS_VICTIMS };
int  oom_store_rows(struct oom_store *s, enum oom_store_rows what, const struct oom_filter *f,
		    const struct oom_query_ops *ops, void *arg, struct oom_err *reterr);
/* Same result columns as `oomlens list` shows, honouring the filter. */
int  oom_store_list(struct oom_store *s, const struct oom_filter *f, const struct oom_query_ops *ops, void *arg,
		    struct oom_err *reterr);

#endif
