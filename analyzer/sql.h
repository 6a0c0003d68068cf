/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one door to SQLite: handles, prepared statements and result codes turned into errnos with a sentence.
 * Private to the store.  A handle and its statements are for one thread.
 */
#ifndef OOMLENS_ANALYZER_SQL_H
#define OOMLENS_ANALYZER_SQL_H

#include <oomlens/base.h>

struct oom_sql;
struct oom_sql_stmt;

enum oom_sql_mode { OOM_SQL_READ, OOM_SQL_WRITE, OOM_SQL_CREATE };

/* path "" is a private database in memory.  WRITE wants an existing file, CREATE makes one.  READ falls back
 * to an immutable open where the medium cannot be written at all.  0 or -errno, *reterr names the path. */
int  oom_sql_open(const char *path, enum oom_sql_mode mode, struct oom_sql **ret, struct oom_err *reterr);
/* Views of the file may use functions that SQLite takes for unsafe; those of JSON among them, by mistake, up
 * to 3.40.1. Only for a file whose schema was compared. */
void oom_sql_trust(struct oom_sql *db);
/* Rolls back what is open and finalizes every statement; NULL is fine.  0 or -errno. */
int  oom_sql_close(struct oom_sql *db, struct oom_err *reterr);
/* Errors will call it shown. */
int  oom_sql_show(struct oom_sql *db, const char *shown, struct oom_err *reterr);
const char *oom_sql_path(const struct oom_sql *db);
bool oom_sql_in_transaction(const struct oom_sql *db);

int  oom_sql_exec(struct oom_sql *db, const char *sql, struct oom_err *reterr);
/* First column of the first row as an integer. */
int  oom_sql_get_int(struct oom_sql *db, const char *sql, int64_t *ret, struct oom_err *reterr);
int64_t oom_sql_last_id(struct oom_sql *db);

/* Compiles the first statement of sql; *tail (may be NULL) points behind it.  *ret is NULL for blanks and
 * comments. */
int oom_sql_prepare(struct oom_sql *db, const char *sql, struct oom_sql_stmt **ret, const char **tail,
		    struct oom_err *reterr);
void oom_sql_finalize(struct oom_sql_stmt *st);

/* Parameters count from 1.  Bytes are borrowed until they are bound anew or the statement is reset and not
 * run again. */
void oom_sql_bind_int(struct oom_sql_stmt *st, int i, int64_t v);       /* OOM_NA binds NULL */
void oom_sql_bind_text(struct oom_sql_stmt *st, int i, struct oom_str s);/* p == NULL binds NULL */
void oom_sql_bind_blob(struct oom_sql_stmt *st, int i, const void *p, size_t n);
int  oom_sql_param(struct oom_sql_stmt *st, const char *name);           /* index of ":name"; 0 = it has none */
void oom_sql_unbind(struct oom_sql_stmt *st);                            /* every parameter NULL */

/* 1 = a row, 0 = done, -errno.  reset makes it ready for the next run. */
int  oom_sql_step(struct oom_sql *db, struct oom_sql_stmt *st, struct oom_err *reterr);
void oom_sql_reset(struct oom_sql_stmt *st);
/* For statements that return no rows: step and reset. */
int  oom_sql_run(struct oom_sql *db, struct oom_sql_stmt *st, struct oom_err *reterr);

/* Rows for one statement, as the read-only table "feed" with the columns c0, c1 ...: INSERT ... SELECT from it costs
 * half of binding each value.  cell() sends the value at (row, column) with one oom_sql_send_*(). */
#define OOM_SQL_FEED_COLUMNS 40
struct oom_sql_cell;
struct oom_sql_feed {
	size_t rows;
	void (*cell)(const struct oom_sql_feed *f, struct oom_sql_cell *to, size_t row, unsigned column);
};
int  oom_sql_feed_init(struct oom_sql *db, struct oom_err *reterr);      /* once, before statements name the table */
int  oom_sql_run_feed(struct oom_sql *db, struct oom_sql_stmt *st, const struct oom_sql_feed *f, struct oom_err *reterr);
void oom_sql_send_int(struct oom_sql_cell *to, int64_t v);               /* OOM_NA sends NULL */
void oom_sql_send_text(struct oom_sql_cell *to, struct oom_str s);       /* lent until the statement is done */

/* Functions that the sections of schema.sql use: oom_word(text) -> the number that word() gives it, NULL for NULL;
 * oom_unhex(text) -> its bytes, NULL if those are no digits.  No view or trigger of a file may call them. */
int  oom_sql_functions(struct oom_sql *db, int (*word)(void *arg, struct oom_str text, int64_t *ret), void *arg,
		       struct oom_err *reterr);

/* oom_map(dictionary, number, other ...) -> what map() makes of the number, NULL for NULL; refuses what is no number, the others
 * included, and what map() refuses. */
int  oom_sql_map(struct oom_sql *db, int (*map)(void *arg, int dictionary, int64_t src, int64_t *ret), void *arg,
		 struct oom_err *reterr);

enum oom_sql_type { OOM_SQL_NULL, OOM_SQL_INT, OOM_SQL_REAL, OOM_SQL_TEXT, OOM_SQL_BLOB };
int            oom_sql_columns(struct oom_sql_stmt *st);
const char    *oom_sql_column_name(struct oom_sql_stmt *st, int i);
enum oom_sql_type oom_sql_type(struct oom_sql_stmt *st, int i);
int64_t        oom_sql_int(struct oom_sql_stmt *st, int i);             /* OOM_NA for NULL */
double         oom_sql_real(struct oom_sql_stmt *st, int i);
struct oom_str oom_sql_bytes(struct oom_sql_stmt *st, int i); /* lent until the next step; NULL for NULL */

/* Statements stop limit_ms from now with -ETIME; 0 = no limit. */
void oom_sql_limit(struct oom_sql *db, int64_t limit_ms);

/* ---- a second file ----------------------------------------------------------------------------------- */

/* Attaches the database at path for reading, as "src"; shown is its name in errors.  From then on errors about what is in a
 * file name that one.  Values of more than 64 MiB are refused.  Statements may ask oom_int(...), oom_text(...) and
 * oom_blob(...): 1, or an error if an argument is neither of that type nor NULL, or a text is longer than 64 KiB. */
int  oom_sql_attach(struct oom_sql *db, const char *path, const char *shown, struct oom_err *reterr);
void oom_sql_detach(struct oom_sql *db);
/* Is the error about what is in a file, not about the file? */
bool oom_sql_of_content(int code);
/* All of the database that is attached, or of this one, is read: 1 = it is sound. */
bool oom_sql_is_sound(struct oom_sql *db);
/* A copy of all of from, as it is at one moment, in the place of what to holds. */
int  oom_sql_copy(struct oom_sql *from, struct oom_sql *to, struct oom_err *reterr);

/* From here on the handle only looks: anything that could write, attach, load or change a setting is refused
 * by the compiler of statements; statements stop after limit_ms (0 = none) with -ETIME. */
void oom_sql_guard(struct oom_sql *db, int64_t limit_ms);
void oom_sql_unguard(struct oom_sql *db);

#endif
