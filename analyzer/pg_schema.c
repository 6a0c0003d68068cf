/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tables of a fleet's database: the sections "@postgresql N" of schema.sql, run as those of a store are. */
#include "pg.h"
#include "store_impl.h"

#include <errno.h>
#include <string.h>

/* Beside other programs' advisory locks; the second key is a bucket of hosts, or this. */
#define MIGRATION "1330597196, -1"

bool oom_pg_names_server(const char *dest)
{
	static const char *const begins[] = {
		"postgresql://", "postgres://", "dbname=", "host=", "hostaddr=", "port=", "user=", "service=", "sslmode=",
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(begins); i++)
		if (!strncmp(dest, begins[i], strlen(begins[i])))
			return true;
	return false;
}

static int newest(void)
{
	size_t n;
	int v = 0;

	while (oom_schema_section("postgresql", v + 1, &n))
		v++;
	return v;
}

/* 0: there is none. */
static int get_version(struct oom_pg *pg, int64_t *ret, struct oom_err *reterr)
{
	struct oom_pg_rows *rows = NULL;
	int r = oom_pg_run(pg, "SELECT to_regclass('oomlens_schema') IS NOT NULL", 0, NULL, &rows, reterr);
	bool there = !r && oom_pg_value(rows, 0, 0).i;

	oom_pg_rows_free(rows);
	*ret = 0;
	if (r || !there)
		return r;
	r = oom_pg_run(pg, "SELECT max(version) FROM oomlens_schema", 0, NULL, &rows, reterr);
	if (r)
		return r;
	if (oom_pg_value(rows, 0, 0).kind == OOM_VALUE_INT)
		*ret = oom_pg_value(rows, 0, 0).i;
	oom_pg_rows_free(rows);
	return 0;
}

static int run_section(struct oom_pg *pg, int v, struct oom_err *reterr)
{
	struct oom_buf b = { 0 };
	size_t n = 0;
	const char *p = oom_schema_section("postgresql", v, &n);
	int r;

	if (oom_buf_add(&b, p, n) || oom_buf_fmt(&b, ";\nINSERT INTO oomlens_schema (version) VALUES (%d)", v) ||
	    oom_buf_add(&b, "", 1))
		r = oom_err_set(reterr, ENOMEM, "cannot use '%s': out of memory", oom_pg_name(pg));
	else
		r = oom_pg_script(pg, b.p, reterr);
	oom_buf_release(&b);
	return r;
}

static int migrate_locked(struct oom_pg *pg, struct oom_err *reterr)
{
	int64_t v = 0;
	int r = oom_pg_script(pg, "BEGIN", reterr);

	if (!r)
		r = get_version(pg, &v, reterr);
	while (!r && v < newest())
		r = run_section(pg, (int)++v, reterr);
	if (!r)
		r = oom_pg_script(pg, "COMMIT", reterr);
	oom_pg_rollback(pg);
	return r;
}

/* All steps are one transaction; who comes second waits and finds the work done.  It waits outside of its transaction: the
 * server remembers through a transaction that a table was not there. */
static int migrate(struct oom_pg *pg, struct oom_err *reterr)
{
	int r = oom_pg_script(pg, "SELECT pg_advisory_lock(" MIGRATION ")", reterr);

	if (r)
		return r;
	r = migrate_locked(pg, reterr);
	(void)oom_pg_script(pg, "SELECT pg_advisory_unlock(" MIGRATION ")", NULL);
	return r;
}

int oom_pg_check_schema(struct oom_pg *pg, bool create, struct oom_err *reterr)
{
	int64_t v = 0;
	int r = get_version(pg, &v, reterr);

	if (r || v == newest())
		return r;
	if (v > newest())
		return oom_err_set(reterr, EEXIST, "cannot use '%s': it was made by a newer oomlens (schema %lld, this one "
				   "knows %d)", oom_pg_name(pg), (long long)v, newest());
	if (create)
		return migrate(pg, reterr);
	if (!v)
		return oom_err_set(reterr, ENOENT, "cannot read '%s': it holds no stores; 'oomlens merge' makes the tables",
				   oom_pg_name(pg));
	return oom_err_set(reterr, EROFS, "cannot read '%s': it has the older schema %lld; the next 'oomlens merge' brings it "
			   "up to date", oom_pg_name(pg), (long long)v);
}
