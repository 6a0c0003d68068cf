/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files behind sql.h share, which alone know sqlite3.h. */
#ifndef OOMLENS_ANALYZER_SQL_IMPL_H
#define OOMLENS_ANALYZER_SQL_IMPL_H

#include "sql.h"

#include <sqlite3.h>

struct oom_sql {
	sqlite3 *db;
	char *path;
	int64_t deadline_us;            /* 0 = none */
	bool guarded;
	bool late, denied;              /* why the guard stopped a statement */
	const struct oom_sql_feed *feed;/* of the statement that runs; NULL: the table is empty */
};

/* The sentence of SQLite's result code rc; returns the -errno. */
int oom_sql_fail(struct oom_sql *db, int rc, const char *what, struct oom_err *reterr);

#endif
