/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * SQL that people write, on a server.  A cursor takes nothing but one statement that returns rows, so nobody can leave the
 * read-only transaction, set anything or copy to a program, whatever the role may do; and rows come a block at a time.
 */
#include "pg.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

#define BLOCK "1000"

static int no_memory(struct oom_pg *pg, struct oom_err *reterr)
{
	return oom_err_set(reterr, ENOMEM, "cannot query '%s': out of memory", oom_pg_name(pg));
}

/* Plans for all the rows, not for the first of them. */
static int begin(struct oom_pg *pg, int64_t limit_ms, struct oom_err *reterr)
{
	char sql[256];

	snprintf(sql, sizeof(sql), "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL cursor_tuple_fraction = 1; "
		 "SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = %lld; SELECT 1", (long long)limit_ms);
	return oom_pg_script(pg, sql, reterr);
}

static int declare(struct oom_pg *pg, const char *sql, const struct oom_query_args *args, struct oom_err *reterr)
{
	struct oom_buf text = { 0 }, plain = { 0 };
	int r = oom_query_text(sql, args, &plain) ||
		oom_buf_fmt(&text, "DECLARE oomlens NO SCROLL CURSOR FOR\n%s", plain.p) || oom_buf_add(&text, "", 1);

	r = r ? no_memory(pg, reterr) : oom_pg_run(pg, text.p, 0, NULL, NULL, reterr);
	oom_buf_release(&text);
	oom_buf_release(&plain);
	return r;
}

static int give_names(struct oom_pg *pg, struct oom_pg_rows *rows, const struct oom_query_ops *ops, void *arg,
		      struct oom_err *reterr)
{
	size_t n = oom_pg_columns(rows);
	const char **names = oom_malloc((n ? n : 1) * sizeof(*names));
	int r;

	if (!names)
		return no_memory(pg, reterr);
	for (size_t i = 0; i < n; i++)
		names[i] = oom_pg_column_name(rows, i);
	r = n && ops->columns ? ops->columns(arg, n, names) : 0;
	oom_free(names);
	return r == -ENOMEM ? no_memory(pg, reterr) : r;
}

static int give_rows(struct oom_pg *pg, struct oom_pg_rows *rows, const struct oom_query_ops *ops, void *arg,
		     struct oom_err *reterr)
{
	size_t n = oom_pg_columns(rows);
	struct oom_value *v = oom_malloc((n ? n : 1) * sizeof(*v));
	int r = v ? 0 : no_memory(pg, reterr);

	for (size_t k = 0; !r && k < oom_pg_count(rows); k++) {
		for (size_t i = 0; i < n; i++)
			v[i] = oom_pg_value(rows, k, i);
		r = ops->row ? ops->row(arg, n, v) : 0;
	}
	oom_free(v);
	return r;
}

static int fetch_all(struct oom_pg *pg, const struct oom_query_ops *ops, void *arg, struct oom_err *reterr)
{
	bool named = false, more = true;
	int r = 0;

	while (!r && more) {
		struct oom_pg_rows *rows = NULL;

		r = oom_pg_run(pg, "FETCH FORWARD " BLOCK " FROM oomlens", 0, NULL, &rows, reterr);
		if (r)
			break;
		if (!named)
			r = give_names(pg, rows, ops, arg, reterr);
		named = true;
		if (!r)
			r = give_rows(pg, rows, ops, arg, reterr);
		more = oom_pg_count(rows) > 0;
		oom_pg_rows_free(rows);
	}
	return r;
}

/* Parameters and the cursor's own words aside, a wrong statement is one that does not read. */
static bool reads(const char *sql)
{
	static const char *const begins[] = { "select", "with", "values", "table", "(", "--", "/*" };

	sql += strspn(sql, " \t\r\n");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(begins); i++)
		if (!strncasecmp(sql, begins[i], strlen(begins[i])))
			return true;
	return false;
}

int oom_pg_query(struct oom_pg *pg, const char *sql, const struct oom_query_args *args, int64_t limit_ms,
		 const struct oom_query_ops *ops, void *arg, struct oom_err *reterr)
{
	int r;

	if (!reads(sql))
		return oom_err_set(reterr, EPERM, "cannot query '%s': only statements that read are allowed", oom_pg_name(pg));
	oom_pg_limit(pg, limit_ms);
	r = begin(pg, limit_ms, reterr);
	if (!r)
		r = declare(pg, sql, args, reterr);
	if (!r)
		r = fetch_all(pg, ops, arg, reterr);
	oom_pg_limit(pg, 0);
	oom_pg_rollback(pg);
	return r;
}
