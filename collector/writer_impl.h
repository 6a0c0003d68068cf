/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writer's halves: writer.c has the queue, the thread and what to do in trouble; writer_store.c writes. */
#ifndef OOMLENS_COLLECTOR_WRITER_IMPL_H
#define OOMLENS_COLLECTOR_WRITER_IMPL_H

#include "recorder_impl.h"

#include <sys/types.h>

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

#endif
