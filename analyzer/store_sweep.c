/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words and tasks that no row names any more, after events were deleted. */
#include "store_impl.h"

#include <errno.h>

#define SWEEP_AFTER    16              /* deleted events between two looks */
#define ENTRIES        2048            /* what any store may have, */
#define ENTRIES_PER    8               /* and for each event of it */

/* "INSERT ... SELECT x_w FROM t" for each column that holds words. */
static int add_columns(struct oom_store *s, struct oom_buf *b, struct oom_err *reterr)
{
	struct oom_sql_stmt *st = NULL;
	int r = oom_sql_prepare(s->sql, "SELECT m.name, c.name FROM sqlite_schema AS m, pragma_table_info(m.name) AS c"
				" WHERE m.type = 'table' AND c.name LIKE '%\\_w' ESCAPE '\\'", &st, NULL, reterr);

	while (!r && (r = oom_sql_step(s->sql, st, reterr)) == 1) {
		struct oom_str table = oom_sql_bytes(st, 0), column = oom_sql_bytes(st, 1);

		r = oom_buf_fmt(b, "INSERT OR IGNORE INTO temp.used SELECT \"%.*s\" FROM \"%.*s\" WHERE \"%.*s\" IS NOT NULL;",
				(int)column.n, column.p, (int)table.n, table.p, (int)column.n, column.p);
		if (r)
			r = oom_store_fail(s, ENOMEM, "cannot write", reterr);
	}
	oom_sql_finalize(st);
	return r;
}

static int sweep(struct oom_store *s, struct oom_err *reterr)
{
	static const char first[] = "CREATE TEMP TABLE IF NOT EXISTS used (id INTEGER PRIMARY KEY); DELETE FROM temp.used;";
	static const char last[] = "DELETE FROM word WHERE word_id NOT IN (SELECT id FROM temp.used); DELETE FROM temp.used;"
				   "DELETE FROM who WHERE who_id NOT IN (SELECT who_id FROM task)";
	struct oom_buf b = { 0 };
	int r = oom_buf_add(&b, first, sizeof(first) - 1) ? oom_store_fail(s, ENOMEM, "cannot write", reterr) : 0;

	if (!r)
		r = add_columns(s, &b, reterr);
	if (!r && oom_buf_add(&b, last, sizeof(last)))
		r = oom_store_fail(s, ENOMEM, "cannot write", reterr);
	if (!r)
		r = oom_sql_exec(s->sql, b.p, reterr);
	oom_buf_release(&b);
	for (size_t i = 0; i < OOM_DICTS; i++)
		oom_dict_clear(s->dict[i]);
	return r;
}

/* Those of processes and cgroups that come and go would fill a store whose size is limited: they are counted now and then. */
int oom_store_sweep(struct oom_store *s, struct oom_err *reterr)
{
	int64_t entries = 0, events = 0;
	int r;

	if (s->deleted < SWEEP_AFTER)
		return 0;
	s->deleted = 0;
	r = oom_sql_get_int(s->sql, "SELECT (SELECT count(*) FROM word) + (SELECT count(*) FROM who)", &entries, reterr);
	if (!r)
		r = oom_sql_get_int(s->sql, "SELECT count(*) FROM event", &events, reterr);
	return !r && entries > ENTRIES + ENTRIES_PER * events ? sweep(s, reterr) : r;
}
