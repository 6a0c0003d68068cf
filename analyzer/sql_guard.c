/* SPDX-License-Identifier: GPL-2.0-or-later */
/* SQL of others, and files of others: what may be done, for how long, with how much memory. */
#include "sql_impl.h"

#include <string.h>
#include <time.h>

#define GUARDED_HEAP  ((sqlite3_int64)512 << 20)       /* of all handles, while one runs SQL of others */
#define PROGRESS_OPS  2000             /* steps of SQLite between two looks at the clock: below 1 ms */

/* Settings that only tell; most of the others change something or reach for files. */
static bool pragma_tells(const char *name, const char *arg)
{
	static const char *const with_arg[] = {
		"table_info", "table_xinfo", "table_list", "index_list", "index_info", "index_xinfo",
		"foreign_key_list", "integrity_check", "quick_check",
	};
	static const char *const without[] = {
		"user_version", "application_id", "schema_version", "page_count", "page_size",
		"freelist_count", "database_list", "compile_options", "function_list", "encoding",
		"journal_mode", "collation_list",
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(with_arg); i++)
		if (!sqlite3_stricmp(name, with_arg[i]))
			return true;
	for (size_t i = 0; !arg && i < OOM_ARRAY_SIZE(without); i++)
		if (!sqlite3_stricmp(name, without[i]))
			return true;
	return false;
}

static bool harmless(int action, const char *a, const char *b)
{
	switch (action) {
	case SQLITE_SELECT:
	case SQLITE_READ:
	case SQLITE_RECURSIVE:
		return true;
	case SQLITE_FUNCTION:
		return b && sqlite3_stricmp(b, "load_extension") && sqlite3_stricmp(b, "fts3_tokenizer");
	case SQLITE_PRAGMA:
		return a && pragma_tells(a, b);
	case SQLITE_UPDATE:
		/* Asked when json_each and its like describe themselves; a real one is refused by SQLite. */
		return a && !strcmp(a, "sqlite_master");
	default:
		return false;
	}
}

static int authorize(void *arg, int action, const char *a, const char *b, const char *dbname,
		     const char *inner)
{
	struct oom_sql *db = arg;

	(void)dbname;
	(void)inner;
	if (harmless(action, a, b))
		return SQLITE_OK;
	db->denied = true;
	return SQLITE_DENY;
}

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static int progress(void *arg)
{
	struct oom_sql *db = arg;

	db->late = now_us() >= db->deadline_us;
	return db->late;
}

void oom_sql_limit(struct oom_sql *db, int64_t limit_ms)
{
	db->late = false;
	db->deadline_us = now_us() + limit_ms * 1000;
	sqlite3_progress_handler(db->db, limit_ms > 0 ? PROGRESS_OPS : 0, limit_ms > 0 ? progress : NULL, db);
}

void oom_sql_guard(struct oom_sql *db, int64_t limit_ms)
{
	(void)sqlite3_set_authorizer(db->db, authorize, db);
	db->guarded = true;
	db->denied = false;
	(void)sqlite3_hard_heap_limit64(GUARDED_HEAP);
	oom_sql_limit(db, limit_ms);
}

void oom_sql_unguard(struct oom_sql *db)
{
	db->guarded = db->denied = false;
	(void)sqlite3_hard_heap_limit64(0);
	(void)sqlite3_set_authorizer(db->db, NULL, NULL);
	oom_sql_limit(db, 0);
}
