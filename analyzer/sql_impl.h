/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files behind sql.h share, which alone know sqlite3.h. */
#ifndef OOMLENS_ANALYZER_SQL_IMPL_H
#define OOMLENS_ANALYZER_SQL_IMPL_H

#include "sql.h"

#include <sqlite3.h>

#define LENGTH_MAX (1 << 28)           /* of one value; the arena of an event is no larger */

struct oom_sql {
	sqlite3 *db;
	char *path;
	int64_t deadline_us;            /* 0 = none */
	bool guarded;
	char *source;                   /* path of the attached file, or NULL */
	bool attaching;                 /* what goes wrong is about that file */
	bool late, denied;              /* why the guard stopped a statement */
	const struct oom_sql_feed *feed;/* of the statement that runs; NULL: the table is empty */
	int (*word)(void *arg, struct oom_str text, int64_t *ret);      /* oom_word() */
	void *word_arg;
	int (*map)(void *arg, int dictionary, int64_t src, int64_t *ret);      /* oom_map() */
	void *map_arg;
};

/* A file: URI, for the names that contain what URIs reserve; NUL-terminated. */
int oom_sql_uri(const char *path, const char *query, struct oom_buf *ret);
/* Does a -wal file with something in it lie beside the database? */
bool oom_sql_has_wal(const char *path);
/* The sentence of SQLite's result code rc; returns the -errno. */
int oom_sql_fail(struct oom_sql *db, int rc, const char *what, struct oom_err *reterr);

#endif
