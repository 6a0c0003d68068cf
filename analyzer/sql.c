/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sql_impl.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUSY_MS        4000
#define SCHEMA_MS      60000            /* a file whose pages run in circles has no end */


static sqlite3_stmt *handle(struct oom_sql_stmt *st)
{
	return (sqlite3_stmt *)st;
}

/* ---- errors ------------------------------------------------------------------------------------------ */

static int errno_of(sqlite3 *db, int rc)
{
	int os = db ? sqlite3_system_errno(db) : 0;

	switch (rc & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:   return EAGAIN;
	case SQLITE_FULL:     return ENOSPC;
	case SQLITE_READONLY: return EROFS;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
	case SQLITE_MISMATCH: return EBADMSG;
	case SQLITE_NOMEM:    return ENOMEM;
	case SQLITE_TOOBIG:   return EOVERFLOW;
	case SQLITE_AUTH:
	case SQLITE_PERM:     return EPERM;
	case SQLITE_INTERRUPT:return ETIME;
	case SQLITE_CANTOPEN: return os ? os : EACCES;
	case SQLITE_IOERR:    return os == ENOSPC || os == EROFS || os == EDQUOT ? os : EIO;
	default:              return EINVAL;
	}
}

bool oom_sql_of_content(int code)
{
	return code == EBADMSG || code == EINVAL || code == EOVERFLOW || code == ETIME;
}

static const char *words_of(sqlite3 *db, int code, int rc)
{
	switch (code) {
	case EAGAIN:  return "another program holds the lock";
	case ENOSPC:  return "no space left on the device";
	case EDQUOT:  return "disk quota exceeded";
	case EROFS:   return "the file or its directory cannot be written";
	case EBADMSG: return "the file is damaged or is not a database";
	case ENOMEM:  return "out of memory";
	default:      return db && (rc & 0xff) != SQLITE_CANTOPEN && (rc & 0xff) != SQLITE_IOERR ?
			     sqlite3_errmsg(db) : strerror(code);
	}
}

int oom_sql_fail(struct oom_sql *db, int rc, const char *what, struct oom_err *reterr)
{
	int code = db->denied ? EPERM : errno_of(db->db, rc);
	bool source = db->source && (db->attaching || oom_sql_of_content(code));
	const char *path = source ? db->source : db->path;

	if (source)
		what = "cannot merge";
	if (db->denied)
		return oom_err_set(reterr, EPERM, "%s '%s': only statements that read are allowed (%s)", what,
				   path, sqlite3_errmsg(db->db));
	if (code == ETIME && db->late)
		return oom_err_set(reterr, ETIME, "%s '%s': it took longer than its time limit", what,
				   path);
	return oom_err_set(reterr, code, "%s '%s': %s", what, path, words_of(db->db, code, rc));
}

/* ---- open and close ---------------------------------------------------------------------------------- */

int oom_sql_uri(const char *path, const char *query, struct oom_buf *ret)
{
	int r = oom_buf_fmt(ret, "file:");

	for (; !r && *path; path++) {
		if (strchr("?#%", *path))
			r = oom_buf_fmt(ret, "%%%02X", (unsigned char)*path);
		else
			r = oom_buf_add(ret, path, 1);
	}
	if (!r)
		r = oom_buf_add(ret, query, strlen(query) + 1);
	return r;
}

static int open_with(struct oom_sql *db, int flags, const char *query)
{
	struct oom_buf uri = { 0 };
	int rc = SQLITE_NOMEM;

	if (!*db->path)
		return sqlite3_open_v2(":memory:", &db->db, flags, NULL);
	if (!oom_sql_uri(db->path, query, &uri))
		rc = sqlite3_open_v2(uri.p, &db->db, flags | SQLITE_OPEN_URI, NULL);
	oom_buf_release(&uri);
	return rc;
}

/* A store is data from elsewhere: nothing in it may act (triggers, views with side effects, odd settings). */
static void harden(struct oom_sql *db)
{
	static const struct { int what, value; } limits[] = {
		{ SQLITE_LIMIT_LENGTH, LENGTH_MAX }, { SQLITE_LIMIT_TRIGGER_DEPTH, 1 },
		{ SQLITE_LIMIT_EXPR_DEPTH, 200 }, { SQLITE_LIMIT_SQL_LENGTH, 1 << 20 },
		{ SQLITE_LIMIT_ATTACHED, 1 },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(limits); i++)
		sqlite3_limit(db->db, limits[i].what, limits[i].value);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, NULL);
	sqlite3_extended_result_codes(db->db, 1);
	sqlite3_busy_timeout(db->db, BUSY_MS);
	(void)sqlite3_exec(db->db, "PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0", NULL, NULL, NULL);
}

void oom_sql_trust(struct oom_sql *db)
{
	sqlite3_db_config(db->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 1, NULL);
}

/* The first look at the file: SQLite opens lazily. */
static int touch(struct oom_sql *db)
{
	return sqlite3_exec(db->db, "SELECT 1 FROM sqlite_schema LIMIT 1", NULL, NULL, NULL);
}

bool oom_sql_has_wal(const char *path)
{
	struct oom_buf name = { 0 };
	struct stat st;
	bool ret = true;

	if (!oom_buf_fmt(&name, "%s-wal", path) && !oom_buf_add(&name, "", 1))
		ret = stat(name.p, &st) == 0 && st.st_size > 0;
	oom_buf_release(&name);
	return ret;
}

/*
 * A WAL database wants its -shm file, which cannot be made on read-only media.  There nobody writes either,
 * so the file may be taken as immutable; unless a -wal with newer pages lies beside it, which that mode would
 * overlook.
 */
static int open_immutable(struct oom_sql *db, int rc, struct oom_err *reterr)
{
	if (oom_sql_has_wal(db->path))
		return oom_err_set(reterr, EROFS,
				   "cannot read '%s': its newest part is in '%s-wal' and the directory "
				   "cannot be written; copy both files to a place that can",
				   db->path, db->path);
	(void)sqlite3_close_v2(db->db);
	db->db = NULL;
	if (open_with(db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, "?immutable=1") == SQLITE_OK) {
		harden(db);
		if (touch(db) == SQLITE_OK)
			return 0;
	}
	return oom_sql_fail(db, rc, "cannot read", reterr);
}

/* A writer makes files beside the database; SQLite's own words for what then fails name none of them. */
static int check_writable(const char *path, struct oom_err *reterr)
{
	const char *slash = strrchr(path, '/');
	struct oom_buf dir = { 0 };
	int r = 0;

	if (access(path, W_OK) < 0)
		return oom_err_set(reterr, errno, "cannot write '%s': the file cannot be written: %s", path,
				   strerror(errno));
	if (oom_buf_add(&dir, slash ? path : ".", slash && slash != path ? (size_t)(slash - path) : 1) ||
	    oom_buf_add(&dir, "", 1))
		r = oom_err_set(reterr, ENOMEM, "cannot open '%s': out of memory", path);
	else if (access(dir.p, W_OK) < 0)
		r = oom_err_set(reterr, errno, "cannot write '%s': its directory cannot be written: %s", path,
				strerror(errno));
	oom_buf_release(&dir);
	return r;
}

static int check_file(const char *path, enum oom_sql_mode mode, struct oom_err *reterr)
{
	struct stat st;

	if (!*path)
		return 0;
	if (stat(path, &st) < 0) {
		if (errno == ENOENT && mode == OOM_SQL_CREATE)
			return 0;
		return oom_err_set(reterr, errno, "cannot open '%s': %s", path, strerror(errno));
	}
	if (S_ISDIR(st.st_mode))
		return oom_err_set(reterr, EISDIR, "cannot open '%s': it is a directory", path);
	if (!S_ISREG(st.st_mode))
		return oom_err_set(reterr, EINVAL, "cannot open '%s': it is not a regular file", path);
	return mode == OOM_SQL_READ ? 0 : check_writable(path, reterr);
}

static int open_db(struct oom_sql *db, enum oom_sql_mode mode, struct oom_err *reterr)
{
	static const int flags[] = {
		[OOM_SQL_READ] = SQLITE_OPEN_READONLY, [OOM_SQL_WRITE] = SQLITE_OPEN_READWRITE,
		[OOM_SQL_CREATE] = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
	};
	int rc = open_with(db, flags[mode] | SQLITE_OPEN_NOMUTEX, "");

	if (rc == SQLITE_OK) {
		harden(db);
		oom_sql_limit(db, SCHEMA_MS);
		rc = touch(db);
		oom_sql_limit(db, 0);
	}
	if (rc == SQLITE_OK && mode != OOM_SQL_READ && *db->path && sqlite3_db_readonly(db->db, "main") == 1)
		return oom_err_set(reterr, EROFS, "cannot write '%s': the file cannot be written", db->path);
	if (rc == SQLITE_OK)
		return 0;
	if (mode == OOM_SQL_READ && *db->path &&
	    ((rc & 0xff) == SQLITE_CANTOPEN || (rc & 0xff) == SQLITE_READONLY))
		return open_immutable(db, rc, reterr);
	return oom_sql_fail(db, rc, "cannot open", reterr);
}

int oom_sql_open(const char *path, enum oom_sql_mode mode, struct oom_sql **ret, struct oom_err *reterr)
{
	struct oom_sql *db;
	int r = check_file(path, mode, reterr);

	if (r)
		return r;
	db = oom_malloc(sizeof(*db));
	if (!db)
		return oom_err_set(reterr, ENOMEM, "cannot open '%s': out of memory", path);
	*db = (struct oom_sql){ .path = oom_malloc(strlen(path) + 1) };
	if (!db->path) {
		oom_free(db);
		return oom_err_set(reterr, ENOMEM, "cannot open '%s': out of memory", path);
	}
	memcpy(db->path, path, strlen(path) + 1);
	r = open_db(db, mode, reterr);
	if (r) {
		(void)oom_sql_close(db, NULL);
		return r;
	}
	*ret = db;
	return 0;
}

int oom_sql_close(struct oom_sql *db, struct oom_err *reterr)
{
	sqlite3_stmt *st;
	int rc, r = 0;

	if (!db)
		return 0;
	oom_free(db->source);
	db->source = NULL;
	while (db->db && (st = sqlite3_next_stmt(db->db, NULL)))
		(void)sqlite3_finalize(st);
	rc = sqlite3_close(db->db);
	if (rc != SQLITE_OK)
		r = oom_sql_fail(db, rc, "cannot close", reterr);
	oom_free(db->path);
	oom_free(db);
	return r;
}

int oom_sql_show(struct oom_sql *db, const char *shown, struct oom_err *reterr)
{
	char *path = oom_malloc(strlen(shown) + 1);

	if (!path)
		return oom_err_set(reterr, ENOMEM, "cannot open '%s': out of memory", shown);
	strcpy(path, shown);
	oom_free(db->path);
	db->path = path;
	return 0;
}

const char *oom_sql_path(const struct oom_sql *db)
{
	return db->path;
}

bool oom_sql_in_transaction(const struct oom_sql *db)
{
	return !sqlite3_get_autocommit(db->db);
}

/* ---- statements -------------------------------------------------------------------------------------- */

int oom_sql_exec(struct oom_sql *db, const char *sql, struct oom_err *reterr)
{
	int rc = sqlite3_exec(db->db, sql, NULL, NULL, NULL);

	return rc == SQLITE_OK ? 0 : oom_sql_fail(db, rc, "cannot use", reterr);
}

int oom_sql_prepare(struct oom_sql *db, const char *sql, struct oom_sql_stmt **ret, const char **tail,
		    struct oom_err *reterr)
{
	sqlite3_stmt *st = NULL;
	int rc = sqlite3_prepare_v3(db->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, tail);

	if (rc != SQLITE_OK)
		return oom_sql_fail(db, rc, db->guarded ? "cannot query" : "cannot use", reterr);
	if (db->guarded && st && !sqlite3_stmt_readonly(st)) {
		(void)sqlite3_finalize(st);
		return oom_err_set(reterr, EPERM, "cannot query '%s': only statements that read are allowed",
				   db->path);
	}
	*ret = (struct oom_sql_stmt *)st;
	return 0;
}

int oom_sql_get_int(struct oom_sql *db, const char *sql, int64_t *ret, struct oom_err *reterr)
{
	struct oom_sql_stmt *st = NULL;
	int r = oom_sql_prepare(db, sql, &st, NULL, reterr);

	if (r)
		return r;
	r = oom_sql_step(db, st, reterr);
	if (r == 1)
		*ret = sqlite3_column_int64(handle(st), 0);
	else if (r == 0)
		r = oom_err_set(reterr, EBADMSG, "cannot use '%s': nothing came of '%s'", db->path, sql);
	oom_sql_finalize(st);
	return r < 0 ? r : 0;
}

int64_t oom_sql_last_id(struct oom_sql *db)
{
	return sqlite3_last_insert_rowid(db->db);
}

void oom_sql_finalize(struct oom_sql_stmt *st)
{
	(void)sqlite3_finalize(handle(st));
}

/* Binding fails only for an index that the statement lacks, or for more bytes than any arena holds. */
void oom_sql_bind_int(struct oom_sql_stmt *st, int i, int64_t v)
{
	if (v == OOM_NA)
		(void)sqlite3_bind_null(handle(st), i);
	else
		(void)sqlite3_bind_int64(handle(st), i, v);
}

void oom_sql_bind_text(struct oom_sql_stmt *st, int i, struct oom_str s)
{
	if (s.p)
		(void)sqlite3_bind_text64(handle(st), i, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
	else
		(void)sqlite3_bind_null(handle(st), i);
}

void oom_sql_bind_blob(struct oom_sql_stmt *st, int i, const void *p, size_t n)
{
	if (p)
		(void)sqlite3_bind_blob64(handle(st), i, p, n, SQLITE_STATIC);
	else
		(void)sqlite3_bind_null(handle(st), i);
}

int oom_sql_param(struct oom_sql_stmt *st, const char *name)
{
	return sqlite3_bind_parameter_index(handle(st), name);
}

void oom_sql_unbind(struct oom_sql_stmt *st)
{
	(void)sqlite3_clear_bindings(handle(st));
}

int oom_sql_step(struct oom_sql *db, struct oom_sql_stmt *st, struct oom_err *reterr)
{
	int rc = sqlite3_step(handle(st));

	if (rc == SQLITE_ROW)
		return 1;
	return rc == SQLITE_DONE ? 0 : oom_sql_fail(db, rc, db->guarded ? "cannot query" : "cannot use", reterr);
}

void oom_sql_reset(struct oom_sql_stmt *st)
{
	(void)sqlite3_reset(handle(st));
}

int oom_sql_run(struct oom_sql *db, struct oom_sql_stmt *st, struct oom_err *reterr)
{
	int r = oom_sql_step(db, st, reterr);

	oom_sql_reset(st);
	return r < 0 ? r : 0;
}

/* ---- feed -------------------------------------------------------------------------------------------- */

struct feed_table { sqlite3_vtab base; struct oom_sql *db; };
struct feed_cursor { sqlite3_vtab_cursor base; size_t row; };

static const struct oom_sql_feed *feed_of(const struct feed_cursor *c)
{
	return ((const struct feed_table *)(const void *)c->base.pVtab)->db->feed;
}

static int feed_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **ret, char **err)
{
	char text[16 + 5 * OOM_SQL_FEED_COLUMNS] = "CREATE TABLE x(c0";
	struct feed_table *t;
	size_t n = strlen(text);
	int rc;

	(void)argc;
	(void)argv;
	(void)err;
	for (int i = 1; i < OOM_SQL_FEED_COLUMNS; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, ",c%d", i);
	snprintf(text + n, sizeof(text) - n, ")");
	rc = sqlite3_declare_vtab(db, text);
	if (rc == SQLITE_OK)
		rc = sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY);
	if (rc != SQLITE_OK)
		return rc;
	t = oom_malloc(sizeof(*t));
	if (!t)
		return SQLITE_NOMEM;
	*t = (struct feed_table){ .db = aux };
	*ret = &t->base;
	return SQLITE_OK;
}

static int feed_disconnect(sqlite3_vtab *t)
{
	oom_free(t);
	return SQLITE_OK;
}

static int feed_plan(sqlite3_vtab *t, sqlite3_index_info *info)
{
	(void)t;
	info->estimatedCost = 1;
	return SQLITE_OK;
}

static int feed_open(sqlite3_vtab *t, sqlite3_vtab_cursor **ret)
{
	struct feed_cursor *c = oom_malloc(sizeof(*c));

	(void)t;
	if (!c)
		return SQLITE_NOMEM;
	*c = (struct feed_cursor){ .row = 0 };
	*ret = &c->base;
	return SQLITE_OK;
}

static int feed_close(sqlite3_vtab_cursor *c)
{
	oom_free(c);
	return SQLITE_OK;
}

static int feed_rewind(sqlite3_vtab_cursor *c, int plan, const char *name, int argc, sqlite3_value **argv)
{
	(void)plan;
	(void)name;
	(void)argc;
	(void)argv;
	((struct feed_cursor *)(void *)c)->row = 0;
	return SQLITE_OK;
}

static int feed_next(sqlite3_vtab_cursor *c)
{
	((struct feed_cursor *)(void *)c)->row++;
	return SQLITE_OK;
}

static int feed_end(sqlite3_vtab_cursor *base)
{
	const struct feed_cursor *c = (const void *)base;
	const struct oom_sql_feed *f = feed_of(c);

	return !f || c->row >= f->rows;
}

static int feed_column(sqlite3_vtab_cursor *base, sqlite3_context *to, int i)
{
	const struct feed_cursor *c = (const void *)base;
	const struct oom_sql_feed *f = feed_of(c);

	f->cell(f, (struct oom_sql_cell *)to, c->row, (unsigned)i);
	return SQLITE_OK;
}

static int feed_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *ret)
{
	*ret = (sqlite3_int64)((const struct feed_cursor *)(const void *)c)->row;
	return SQLITE_OK;
}

int oom_sql_feed_init(struct oom_sql *db, struct oom_err *reterr)
{
	static const sqlite3_module module = {
		.xConnect = feed_connect, .xBestIndex = feed_plan, .xDisconnect = feed_disconnect,
		.xOpen = feed_open, .xClose = feed_close, .xFilter = feed_rewind, .xNext = feed_next,
		.xEof = feed_end, .xColumn = feed_column, .xRowid = feed_rowid,
	};
	int rc = sqlite3_create_module(db->db, "feed", &module, db);

	return rc == SQLITE_OK ? 0 : oom_sql_fail(db, rc, "cannot use", reterr);
}

int oom_sql_run_feed(struct oom_sql *db, struct oom_sql_stmt *st, const struct oom_sql_feed *f, struct oom_err *reterr)
{
	int r;

	db->feed = f;
	r = oom_sql_run(db, st, reterr);
	db->feed = NULL;
	return r;
}

void oom_sql_send_int(struct oom_sql_cell *to, int64_t v)
{
	if (v != OOM_NA)
		sqlite3_result_int64((sqlite3_context *)to, v);
}

void oom_sql_send_text(struct oom_sql_cell *to, struct oom_str s)
{
	if (s.p)
		sqlite3_result_text64((sqlite3_context *)to, s.p, s.n, SQLITE_STATIC, SQLITE_UTF8);
}

/* ---- columns ----------------------------------------------------------------------------------------- */

int oom_sql_columns(struct oom_sql_stmt *st)
{
	return sqlite3_column_count(handle(st));
}

const char *oom_sql_column_name(struct oom_sql_stmt *st, int i)
{
	return sqlite3_column_name(handle(st), i);
}

enum oom_sql_type oom_sql_type(struct oom_sql_stmt *st, int i)
{
	switch (sqlite3_column_type(handle(st), i)) {
	case SQLITE_INTEGER: return OOM_SQL_INT;
	case SQLITE_FLOAT:   return OOM_SQL_REAL;
	case SQLITE_TEXT:    return OOM_SQL_TEXT;
	case SQLITE_BLOB:    return OOM_SQL_BLOB;
	default:             return OOM_SQL_NULL;
	}
}

int64_t oom_sql_int(struct oom_sql_stmt *st, int i)
{
	if (sqlite3_column_type(handle(st), i) == SQLITE_NULL)
		return OOM_NA;
	return sqlite3_column_int64(handle(st), i);
}

double oom_sql_real(struct oom_sql_stmt *st, int i)
{
	return sqlite3_column_double(handle(st), i);
}

struct oom_str oom_sql_bytes(struct oom_sql_stmt *st, int i)
{
	const char *p;

	if (sqlite3_column_type(handle(st), i) == SQLITE_NULL)
		return OOM_STR_NULL;
	p = sqlite3_column_blob(handle(st), i);
	return (struct oom_str){ p ? p : "", (size_t)sqlite3_column_bytes(handle(st), i) };
}
