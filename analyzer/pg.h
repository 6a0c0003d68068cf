/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The one door to PostgreSQL and what speaks its protocol: connections, statements, COPY and results.  pg.c talks to
 * libpq; pg_none.c stands in for it where libpq is absent.  A handle is for one thread.
 *
 * Errors are a sentence with a code.  What may work when the transaction is run again is -EAGAIN (serialization, deadlocks,
 * a server that went away or is starting: oom_pg_lost() tells whether the connection is gone) or -ESTALE (a row that another
 * writer brought meanwhile).  -EPERM: the transaction only reads; -EACCES: no privilege; -EINVAL: the SQL is wrong; -ETIME:
 * the time limit; others: -errno.
 */
#ifndef OOMLENS_ANALYZER_PG_H
#define OOMLENS_ANALYZER_PG_H

#include <oomlens/query.h>
#include <oomlens/store.h>

struct oom_pg;
struct oom_pg_rows;

/* "postgresql://...", "postgres://..." or libpq's "dbname=... host=...": not the name of a file. */
bool oom_pg_names_server(const char *dest);

/* Connects; the URL says how, TLS included.  Waits 10 s unless it says otherwise.  url is borrowed until close. */
int  oom_pg_open(const char *url, struct oom_pg **ret, struct oom_err *reterr);
/* The same server anew; what the old connection had begun is rolled back. */
int  oom_pg_reopen(struct oom_pg *pg, struct oom_err *reterr);
void oom_pg_close(struct oom_pg *pg);                    /* NULL is fine */
const char *oom_pg_name(const struct oom_pg *pg);        /* "postgresql://host:port/db", without passwords */
bool oom_pg_lost(const struct oom_pg *pg);
/* Statements that are not done when limit_ms are over are cancelled, whatever the server's own setting; 0 = no limit. */
void oom_pg_limit(struct oom_pg *pg, int64_t limit_ms);

/* One statement with its parameters $1 ...: integers, or text of the type that a cast right behind it names: a value that is
 * converted in the statement would not be sent to shards, but all rows fetched from there.  ret may be NULL. */
int  oom_pg_run(struct oom_pg *pg, const char *sql, size_t n, const struct oom_value *param, struct oom_pg_rows **ret,
		struct oom_err *reterr);
/* Statements without parameters, separated by semicolons; from our own texts only. */
int  oom_pg_script(struct oom_pg *pg, const char *sql, struct oom_err *reterr);
/* Whom the latest error was about, if there was one since it was last asked: nobody, the server, or rows that it refused. */
enum oom_pg_trouble { OOM_PG_FINE, OOM_PG_SERVER, OOM_PG_ROWS };
enum oom_pg_trouble oom_pg_take_trouble(struct oom_pg *pg);
/* Ends a COPY and the transaction that are open, if there are any; never fails in a way that matters. */
void oom_pg_rollback(struct oom_pg *pg);

size_t oom_pg_count(const struct oom_pg_rows *r);
size_t oom_pg_columns(const struct oom_pg_rows *r);
const char *oom_pg_column_name(const struct oom_pg_rows *r, size_t col);
/* Lent until the rows are freed.  Booleans and whole numbers are integers; a numeric with a fraction is a real. */
struct oom_value oom_pg_value(struct oom_pg_rows *r, size_t row, size_t col);
void oom_pg_rows_free(struct oom_pg_rows *r);            /* NULL is fine */

/* COPY ... FROM STDIN in the text format. */
int  oom_pg_copy_begin(struct oom_pg *pg, const char *sql, struct oom_err *reterr);
int  oom_pg_copy_put(struct oom_pg *pg, const char *p, size_t n, struct oom_err *reterr);
int  oom_pg_copy_end(struct oom_pg *pg, struct oom_err *reterr);

/* ---- the fleet's database (pg_schema.c) ---------------------------------------------------------------- */

/* The tables are there and of this version: made or brought up to date if create, else an error says what to do.
 * -EEXIST: they are newer. */
int  oom_pg_check_schema(struct oom_pg *pg, bool create, struct oom_err *reterr);

/* ---- merging (pg_merge.c) ------------------------------------------------------------------------------ */

/* An event's memory dump, from the form that a store has it in: "[[area, node, zone, name, value_kb, value, unit, text], ...]".
 * 0, -EBADMSG or -ENOMEM without a sentence of its own. */
int  oom_pg_memory(struct oom_store *s, struct oom_str stored, int64_t page_size, struct oom_buf *ret,
		   struct oom_err *reterr);

/* All of a store that is open for merging goes into the database, by the rules of oom_store_merge(), in one transaction that
 * is run again where that may help; retrying() is told why each time.  0; 1: something is wrong with source; -errno: with the
 * server.  Unless it is 0, nothing of the source is there; if the connection was lost at the very end it may be. */
int  oom_pg_merge(struct oom_pg *pg, struct oom_store *source, void (*retrying)(void *arg, const char *why), void *arg,
		  struct oom_merged *ret, struct oom_err *reterr);

/* ---- questions (pg_query.c) ---------------------------------------------------------------------------- */

/* One statement that reads, row by row, in a transaction that can do nothing else; args: of its parameters. */
int  oom_pg_query(struct oom_pg *pg, const char *sql, const struct oom_query_args *args, int64_t limit_ms,
		  const struct oom_query_ops *ops, void *arg, struct oom_err *reterr);

#endif
