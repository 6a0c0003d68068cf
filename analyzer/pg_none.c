/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands in for pg.c where libpq is absent: nobody gets a handle, so the rest is never called. */
#include "pg.h"

#include <errno.h>

static int none(struct oom_err *reterr)
{
	return oom_err_set(reterr, ENOTSUP, "cannot connect: this oomlens was built without libpq; merge into a file, or build "
			   "it where libpq-dev is installed");
}

int oom_pg_open(const char *url, struct oom_pg **ret, struct oom_err *reterr)
{
	(void)url;
	(void)ret;
	return none(reterr);
}

int oom_pg_reopen(struct oom_pg *pg, struct oom_err *reterr)
{
	(void)pg;
	return none(reterr);
}

void oom_pg_close(struct oom_pg *pg)
{
	(void)pg;
}

const char *oom_pg_name(const struct oom_pg *pg)
{
	(void)pg;
	return "";
}

bool oom_pg_lost(const struct oom_pg *pg)
{
	(void)pg;
	return true;
}

void oom_pg_limit(struct oom_pg *pg, int64_t limit_ms)
{
	(void)pg;
	(void)limit_ms;
}

int oom_pg_run(struct oom_pg *pg, const char *sql, size_t n, const struct oom_value *param, struct oom_pg_rows **ret,
	       struct oom_err *reterr)
{
	(void)pg;
	(void)sql;
	(void)n;
	(void)param;
	(void)ret;
	return none(reterr);
}

int oom_pg_script(struct oom_pg *pg, const char *sql, struct oom_err *reterr)
{
	(void)pg;
	(void)sql;
	return none(reterr);
}

enum oom_pg_trouble oom_pg_take_trouble(struct oom_pg *pg)
{
	(void)pg;
	return OOM_PG_SERVER;
}

void oom_pg_rollback(struct oom_pg *pg)
{
	(void)pg;
}

size_t oom_pg_count(const struct oom_pg_rows *r)
{
	(void)r;
	return 0;
}

size_t oom_pg_columns(const struct oom_pg_rows *r)
{
	(void)r;
	return 0;
}

const char *oom_pg_column_name(const struct oom_pg_rows *r, size_t col)
{
	(void)r;
	(void)col;
	return "";
}

struct oom_value oom_pg_value(struct oom_pg_rows *r, size_t row, size_t col)
{
	(void)r;
	(void)row;
	(void)col;
	return (struct oom_value){ .kind = OOM_VALUE_NULL, .i = OOM_NA };
}

void oom_pg_rows_free(struct oom_pg_rows *r)
{
	(void)r;
}

int oom_pg_copy_begin(struct oom_pg *pg, const char *sql, struct oom_err *reterr)
{
	(void)pg;
	(void)sql;
	return none(reterr);
}

int oom_pg_copy_put(struct oom_pg *pg, const char *p, size_t n, struct oom_err *reterr)
{
	(void)pg;
	(void)p;
	(void)n;
	return none(reterr);
}

int oom_pg_copy_end(struct oom_pg *pg, struct oom_err *reterr)
{
	(void)pg;
	return none(reterr);
}
