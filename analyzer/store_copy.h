/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows of an attached store into this one; for one merge, inside its transaction. */
#ifndef OOMLENS_ANALYZER_STORE_COPY_H
#define OOMLENS_ANALYZER_STORE_COPY_H

#include "store_impl.h"

#define OOM_COPY_TABLES 11

/* Numbers of the source's words and tasks, and what they are here; 0 = not asked for yet. */
struct oom_copy_map { struct oom_sql_stmt *find; int64_t *id; size_t cap; };

struct oom_copy {
	struct oom_store *s;
	const char *source;             /* the attached one's name */
	struct oom_sql_stmt *table[OOM_COPY_TABLES], *evidence;
	struct oom_copy_map map[OOM_DICTS];
	struct oom_buf shapes, text;
};

/* Machines and shapes of the source get ids here. */
int  oom_copy_begin(struct oom_copy *c, struct oom_err *reterr);
/* All rows of the events from, from + 1 ... until - 1, each of which gets the id + shift. */
int  oom_copy_events(struct oom_copy *c, int64_t from, int64_t until, int64_t shift, struct oom_err *reterr);
/* Facts and marks. */
int  oom_copy_recorders(struct oom_copy *c, struct oom_err *reterr);
void oom_copy_release(struct oom_copy *c);

#endif
