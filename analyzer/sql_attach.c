/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A second file beside the database: for merging, and to copy. */
#include "sql_impl.h"

#include <errno.h>
#include <string.h>

#define VALUE_MAX (64 << 20)
#define TEXT_MAX  (64 << 10)

/* ---- types ------------------------------------------------------------------------------------------- */

struct type { int type; const char *name; };
static struct type types[] = { { SQLITE_INTEGER, "oom_int" }, { SQLITE_TEXT, "oom_text" }, { SQLITE_BLOB, "oom_blob" } };

static void check_type(sqlite3_context *to, int n, sqlite3_value **v)
{
	const struct type *want = sqlite3_user_data(to);

	for (int i = 0; i < n; i++) {
		int type = sqlite3_value_type(v[i]);

		if (type != want->type && type != SQLITE_NULL)
			sqlite3_result_error(to, "a value is of the wrong type", -1);
		else if (type == SQLITE_TEXT && sqlite3_value_bytes(v[i]) > TEXT_MAX)
			sqlite3_result_error(to, "a text is too long", -1);
		else
			continue;
		return;
	}
	sqlite3_result_int(to, 1);
}

static int add_functions(struct oom_sql *db)
{
	int rc = SQLITE_OK;

	for (size_t i = 0; rc == SQLITE_OK && i < OOM_ARRAY_SIZE(types); i++)
		rc = sqlite3_create_function(db->db, types[i].name, -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, &types[i], check_type,
					     NULL, NULL);
	return rc;
}

/* ---- attach ------------------------------------------------------------------------------------------ */

static int attach(struct oom_sql *db, const char *path, const char *query)
{
	struct oom_buf uri = { 0 };
	sqlite3_stmt *st = NULL;
	int rc = SQLITE_NOMEM;

	if (!oom_sql_uri(path, query, &uri))
		rc = sqlite3_prepare_v2(db->db, "ATTACH ? AS src", -1, &st, NULL);
	if (rc == SQLITE_OK) {
		sqlite3_bind_text(st, 1, uri.p, -1, SQLITE_STATIC);
		rc = sqlite3_step(st) == SQLITE_DONE ? SQLITE_OK : SQLITE_ERROR;
		rc = sqlite3_finalize(st) == SQLITE_OK ? rc : sqlite3_extended_errcode(db->db);
	}
	oom_buf_release(&uri);
	return rc;
}

/* Where nobody can write, SQLite can read a write-ahead log database only as one that nobody writes. */
int oom_sql_attach(struct oom_sql *db, const char *path, const char *shown, struct oom_err *reterr)
{
	char *name = oom_malloc(strlen(shown) + 1);
	int rc;

	if (!name)
		return oom_err_set(reterr, ENOMEM, "cannot merge '%s': out of memory", shown);
	strcpy(name, shown);
	oom_free(db->source);
	db->source = name;
	db->attaching = true;
	rc = add_functions(db);
	if (rc == SQLITE_OK)
		rc = attach(db, path, "?mode=ro");
	if (((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY) && !oom_sql_has_wal(path))
		rc = attach(db, path, "?immutable=1");
	if (rc != SQLITE_OK) {
		rc = oom_sql_fail(db, rc, "cannot merge", reterr);
		oom_sql_detach(db);
		return rc;
	}
	db->attaching = false;
	sqlite3_limit(db->db, SQLITE_LIMIT_LENGTH, VALUE_MAX);
	return 0;
}

void oom_sql_detach(struct oom_sql *db)
{
	(void)sqlite3_exec(db->db, "DETACH src", NULL, NULL, NULL);
	sqlite3_limit(db->db, SQLITE_LIMIT_LENGTH, LENGTH_MAX);
	oom_free(db->source);
	db->source = NULL;
	db->attaching = false;
}

bool oom_sql_is_sound(struct oom_sql *db)
{
	sqlite3_stmt *st = NULL;
	bool ret = sqlite3_prepare_v2(db->db, db->source ? "PRAGMA src.quick_check(1)" : "PRAGMA main.quick_check(1)", -1, &st,
				      NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW;

	ret = ret && sqlite3_column_bytes(st, 0) == 2 && !memcmp(sqlite3_column_text(st, 0), "ok", 2);
	(void)sqlite3_finalize(st);
	return ret;
}

/* ---- copy -------------------------------------------------------------------------------------------- */

int oom_sql_copy(struct oom_sql *from, struct oom_sql *to, struct oom_err *reterr)
{
	sqlite3_backup *b = sqlite3_backup_init(to->db, "main", from->db, "main");
	int rc;

	if (!b)
		return oom_sql_fail(to, sqlite3_errcode(to->db), "cannot write", reterr);
	(void)sqlite3_backup_step(b, -1);
	rc = sqlite3_backup_finish(b);
	return rc == SQLITE_OK ? 0 : oom_sql_fail(from, rc, "cannot make a copy of", reterr);
}
