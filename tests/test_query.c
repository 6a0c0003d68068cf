/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The names and parameters of reports; what they answer is in tests/cli/reports.sh. */
#include <oomlens/query.h>

#include "unit.h"

static void names_and_sql_are_told_apart(void **state)
{
	static const char *const names[] = { "recent", "kills-by-day", "x", "a_1", "2x" };
	static const char *const sql[] = { "", "-", "--list", "VACUUM", "Recent", "SELECT 1", "recent;", "kills by day", "values(1)", "a.b", "\xc3\xa9" };

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(names); i++)
		assert_true(oom_query_is_name(names[i]));
	for (size_t i = 0; i < OOM_ARRAY_SIZE(sql); i++)
		assert_false(oom_query_is_name(sql[i]));
}

static void the_nearest_name_is_suggested(void **state)
{
	char longest[400];

	(void)state;
	assert_string_equal(oom_query_nearest("kills-by-dya")->name, "kills-by-day");
	assert_string_equal(oom_query_nearest("kills_by_kernel")->name, "kills-by-kernel");
	assert_string_equal(oom_query_nearest("offenders")->name, "repeat-offenders");
	assert_string_equal(oom_query_nearest("unreapd")->name, "unreaped");
	memset(longest, 'z', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	assert_non_null(oom_query_nearest(longest));
}

/* Each file says what it is for, in a line, and asks for rows no more than once. */
static void every_report_is_one_explained_statement(void **state)
{
	(void)state;
	assert_true(oom_named_query_count >= 30);
	for (size_t i = 0; i < oom_named_query_count; i++) {
		const struct oom_named_query *q = &oom_named_queries[i];

		assert_true(oom_query_is_name(q->name));
		assert_ptr_equal(oom_query_named(q->name), q);
		assert_in_range(strlen(q->help), 10, 90);
		assert_true(oom_str_ends(oom_str_from(q->sql), ";\n"));
		for (unsigned p = 0; p < OOM_QUERY_PARAMS; p++)
			assert_true(oom_query_takes(q->sql, (enum oom_query_param)p));
	}
}

static void parameters_are_found_outside_of_text(void **state)
{
	const struct oom_query_args a = { .since_us = 5, .host = "it's", .top = 3 };
	static const char sql[] = "SELECT ':since', \":host\", x::top, :tops /* :top */ -- :until\nFROM v WHERE h = :host AND "
				  "(:until IS NULL OR t < :since)LIMIT :top";
	struct oom_buf b = { 0 };

	(void)state;
	assert_int_equal(oom_query_text(sql, &a, &b), 0);
	assert_string_equal(b.p, "SELECT ':since', \":host\", x::top, :tops /* :top */ -- :until\nFROM v WHERE h = 'it''s' AND "
				 "(NULL IS NULL OR t < 5)LIMIT 3");
	oom_buf_release(&b);
	assert_false(oom_query_takes("SELECT ':since' -- :top", OOM_QUERY_SINCE));
	assert_false(oom_query_takes("SELECT ':since' -- :top", OOM_QUERY_TOP));
	assert_false(oom_query_takes("SELECT ':since", OOM_QUERY_SINCE));
	assert_false(oom_query_takes("/* :since", OOM_QUERY_SINCE));
	assert_true(oom_query_takes("SELECT ''':since'':since:since", OOM_QUERY_SINCE) == false);
	assert_true(oom_query_takes("SELECT '''':since", OOM_QUERY_SINCE));
}

static void a_lack_of_memory_is_said(void **state)
{
	const struct oom_query_args a = { .host = "h'h" };
	struct oom_buf b = { 0 };
	long n;
	int r = -1;

	(void)state;
	for (n = 1; r && n < 50; n++) {
		oom_alloc_fail_at(n);
		b.n = 0;
		r = oom_query_text(oom_named_queries[0].sql, &a, &b);
		oom_alloc_fail_at(0);
		assert_true(r == 0 || r == -12);
		oom_buf_release(&b);
	}
	assert_true(n > 2 && r == 0);
}

int test_query(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_sql_are_told_apart),
		cmocka_unit_test(the_nearest_name_is_suggested),
		cmocka_unit_test(every_report_is_one_explained_statement),
		cmocka_unit_test(parameters_are_found_outside_of_text),
		cmocka_unit_test(a_lack_of_memory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
