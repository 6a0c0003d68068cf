/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What of PostgreSQL needs no server: tests/cli/fleet.sh has the rest. */
#include "unit.h"

#include "../analyzer/pg_impl.h"

static struct oom_sql *model(void)
{
	struct oom_sql *db = NULL;
	struct oom_err err = { 0 };
	size_t n;

	assert_int_equal(oom_sql_open("", OOM_SQL_CREATE, &db, &err), 0);
	assert_int_equal(oom_sql_functions(db, oom_dict_word, NULL, &err), 0);
	for (int v = 1; oom_schema_section("version", v, &n); v++) {
		struct oom_buf b = { 0 };

		assert_int_equal(oom_buf_add(&b, oom_schema_section("version", v, &n), n), 0);
		assert_int_equal(oom_buf_add(&b, "", 1), 0);
		assert_int_equal(oom_sql_exec(db, b.p, &err), 0);
		oom_buf_release(&b);
	}
	return db;
}

/* The definition of a table in the sections for PostgreSQL. */
static struct oom_str definition(const char *table)
{
	char head[80];
	size_t n;
	const char *p = oom_schema_section("postgresql", 1, &n), *from, *to;

	snprintf(head, sizeof(head), "CREATE TABLE %s (", table);
	from = strstr(p, head);
	assert_non_null(from);
	to = strstr(from, ");");
	assert_non_null(to);
	return (struct oom_str){ from, (size_t)(to - from) };
}

/* Who gives a view a column gives it to the table over there too: COPY names every column. */
static void every_column_of_the_views_is_there(void **state)
{
	static const struct { const char *view, *table; } of[] = {
		{ "v_event", "event" }, { "v_candidate", "candidate" }, { "v_victim", "victim" }, { "v_life", "life" },
		{ "v_flight", "flight" }, { "v_note", "note" }, { "v_trace", "trace" }, { "v_host", "host" },
	};
	struct oom_sql *db = model();

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(of); i++) {
		struct oom_str have = definition(of[i].table);
		struct oom_sql_stmt *st = NULL;
		char sql[80];
		int columns = 0;

		snprintf(sql, sizeof(sql), "SELECT name FROM pragma_table_xinfo('%s')", of[i].view);
		assert_int_equal(oom_sql_prepare(db, sql, &st, NULL, NULL), 0);
		for (; oom_sql_step(db, st, NULL) == 1; columns++) {
			struct oom_str name = oom_sql_bytes(st, 0);
			char word[80];

			snprintf(word, sizeof(word), "%.*s ", (int)name.n, name.p);
			if (oom_str_find(have, word) < 0)
				fail_msg("%s has no column %s", of[i].table, word);
		}
		assert_true(columns > 2);
		oom_sql_finalize(st);
	}
	assert_int_equal(oom_sql_close(db, NULL), 0);
}

/* Ids are kept in databases for ever. */
static void ids_never_change(void **state)
{
	(void)state;
	assert_int_equal(oom_pg_id(oom_pg_hash(OOM_PG_HASH, OOM_STR_NULL)), 1998855519756462295);
	assert_int_equal(oom_pg_id(oom_pg_hash(OOM_PG_HASH, OOM_STR("db7"))), 8339707546233268267);
	assert_true(oom_pg_hash(oom_pg_hash(OOM_PG_HASH, OOM_STR("ab")), OOM_STR("c")) !=
		    oom_pg_hash(oom_pg_hash(OOM_PG_HASH, OOM_STR("a")), OOM_STR("bc")));
}

static void a_server_is_no_file(void **state)
{
	static const char *const servers[] = { "postgresql://h/d", "postgres://", "dbname=fleet host=h", "service=fleet" };
	static const char *const files[] = { "fleet.db", "./postgresql://x", "/x/dbname=y", "postgresql", "" };

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(servers); i++)
		assert_true(oom_pg_names_server(servers[i]));
	for (size_t i = 0; i < OOM_ARRAY_SIZE(files); i++)
		assert_false(oom_pg_names_server(files[i]));
}

int test_pg(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_column_of_the_views_is_there),
		cmocka_unit_test(ids_never_change),
		cmocka_unit_test(a_server_is_no_file),
	};

	return cmocka_run_group_tests_name("pg", tests, NULL, NULL);
}
