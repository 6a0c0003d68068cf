/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <oomlens/render.h>

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "test_sample.h"

static struct sample s;

static int setup(void **state)
{
	(void)state;
	return sample_make(&s);
}

static int teardown(void **state)
{
	(void)state;
	sample_release(&s);
	return 0;
}

static char *event_json(void)
{
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(oom_json_event(&s.ev, &s.r, f), 0);
	assert_int_equal(fclose(f), 0);
	return text;
}

/* The texts must come one after the other. */
static void expect_in_order(const char *const want[])
{
	char *text = event_json();
	const char *at = text;

	for (size_t i = 0; want[i]; i++) {
		const char *hit = strstr(at, want[i]);

		if (!hit)
			fail_msg("no %s after %s in:\n%s", want[i], i ? want[i - 1] : "the beginning", text);
		else
			at = hit + strlen(want[i]);
	}
	free(text);
}
#define EXPECT(...) expect_in_order((const char *const[]){ __VA_ARGS__, NULL })

static void keys_stand_in_the_order_of_the_contract(void **state)
{
	(void)state;
	EXPECT("\"id\": 1", "\"source\"", "\"path\"", "\"first_line\"", "\"last_line\"", "\"host\"",
	       "\"kernel\"", "\"time\"", "\"monotonic_us\"", "\"realtime\"", "\"trigger\"", "\"pid\"",
	       "\"comm\"", "\"oom_score_adj\"", "\"order\"", "\"gfp_mask\"", "\"raw\"", "\"flags\"",
	       "\"scope\"", "\"constraint\"", "\"memcg\"", "\"oom_path\"", "\"task_path\"", "\"version\"",
	       "\"limit_kb\"", "\"usage_kb\"", "\"totalpages\"", "\"page_size\"", "\"tasks\"",
	       "\"table_complete\"", "\"victims\"", "\"pid\"", "\"comm\"", "\"uid\"", "\"role\"",
	       "\"total_vm_kb\"", "\"anon_rss_kb\"", "\"file_rss_kb\"", "\"shmem_rss_kb\"", "\"pgtables_kb\"",
	       "\"oom_score_adj\"", "\"score\"", "\"reap\"", "\"outcome\"", "\"anon_rss_kb_after\"",
	       "\"latency_us\"", "\"outcome\"", "\"replay\"", "\"profile\"", "\"verdict\"", "\"reason\"",
	       "\"text\"", "\"winner\"", "\"pid\"", "\"points\"", "\"score\"", "\"margin_pages\"",
	       "\"ranking\"", "\"rank\"", "\"pid\"", "\"tgid\"", "\"comm\"", "\"uid\"", "\"points\"",
	       "\"rss_pages\"", "\"swap_pages\"", "\"pgtables_pages\"", "\"adj\"", "\"adj_pages\"",
	       "\"eligible\"", "\"why_not\"");
}

static void values_of_a_known_event(void **state)
{
	(void)state;
	EXPECT("\"realtime\": \"2026-10-21T02:08:00.123456Z\"", "\"flags\": [\"GFP_KERNEL\"]",
	       "\"scope\": \"memcg\"", "\"totalpages\": 25600", "\"latency_us\": 2020000",
	       "\"verdict\": \"exact\"", "\"points\": 16618", "\"rank\": 1, \"pid\": 2430",
	       "\"eligible\": true, \"why_not\": null",
	       "\"eligible\": false, \"why_not\": \"oom_score_adj_min\"");
}

static void unknown_is_null(void **state)
{
	(void)state;
	s.ev.host = OOM_STR_NULL;
	s.ev.wall_us = s.ev.trigger_pid = s.ev.page_size = s.ev.gfp_mask = OOM_NA;
	s.ev.gfp_raw = s.ev.gfp_flags = OOM_STR_NULL;
	s.ev.victim[0].reap_us = OOM_NA;
	s.r.total = (struct oom_range){ 1, 0 };
	EXPECT("\"host\": null", "\"realtime\": null", "\"pid\": null", "\"gfp_mask\": null",
	       "\"totalpages\": null", "\"page_size\": null", "\"latency_us\": null",
	       "\"totalpages_range\": null");
}

static void an_interval_is_null_with_its_bounds(void **state)
{
	(void)state;
	s.r.total.hi = 30000;
	s.score[1].points.hi = 20000;
	s.r.winner_score = s.score[1];
	EXPECT("\"totalpages\": null", "\"winner\": {\"pid\": 2430, \"points\": null, \"score\": null",
	       "\"points_range\": [16618, 20000]", "\"totalpages_range\": [25600, 30000]");
}

static void bytes_of_a_name_cannot_break_the_text(void **state)
{
	(void)state;
	s.ev.victim[0].comm = OOM_STR("a\"\\\xff\xfe\0\n\xc3\xa9");
	EXPECT("\"comm\": \"a\\\"\\\\\xef\xbf\xbd\\u0000\\n\xc3\xa9\"");
}

static void leap_days_and_years_before_1970(void **state)
{
	(void)state;
	s.ev.wall_us = INT64_C(951782400000000) - 1;         /* 2000-02-29T00:00:00Z */
	EXPECT("2000-02-28T23:59:59.999999Z");
	s.ev.wall_us = INT64_C(951782400000000);
	EXPECT("2000-02-29T00:00:00.000000Z");
	s.ev.wall_us = -1;
	EXPECT("1969-12-31T23:59:59.999999Z");
	s.ev.wall_us = INT64_MAX;
	EXPECT("\"realtime\": null");
}

static void without_a_profile_nothing_is_scored(void **state)
{
	(void)state;
	s.r.profile = NULL;
	s.r.score = NULL;
	s.r.nscores = 0;
	s.r.rank = NULL;
	s.r.winner = -1;
	s.r.margin = OOM_NA;
	s.r.verdict = OOM_VERDICT_INSUFFICIENT;
	s.r.reason = OOM_REASON_UNKNOWN_KERNEL;
	EXPECT("\"profile\": null", "\"reason\": \"unknown_kernel\"", "\"winner\": null",
	       "\"margin_pages\": null", "\"rank\": null, \"pid\": 2400", "\"points\": null",
	       "\"eligible\": null");
}

static void recorded_only_where_it_was(void **state)
{
	char *text = event_json();

	(void)state;
	assert_null(strstr(text, "recorded"));
	assert_null(strstr(text, "kernel_points"));
	free(text);
	assert_int_equal(sample_record(&s), 0);
	s.ev.task[0].rss_pages++;
	s.score[0].rss.lo++;
	s.score[0].rss.hi++;
	s.r.ballot.differ = 1;
	s.r.ballot.off = 1;
	EXPECT("\"kernel_points\": 916, \"formula_points\": 917", "\"kernel_points\": null, \"formula_points\": null",
	       "\"recorded\": {", "\"feeds\": [\"log\", \"ballot\", \"trace\"]", "\"ballot\": \"recorded\"",
	       "\"ballot_lost\": 0",
	       "\"ballot_matches\": 2", "\"ballot_differs\": 1", "\"ballot_off_pages\": 1", "\"drift_pages\": 768",
	       "\"lives\"", "\"class\": \"logged\"", "\"woken_us\": null", "\"freed_by\": \"exit_mmap\"", "\"flight\"",
	       "\"growth_pages\": -25", "java -jar x.jar \\u001B[2J\xef\xbf\xbd",
	       "\"psi\": {\"memory\": {\"some_avg10\": 8312",
	       "\"counters\": {\"vmstat\": {\"oom_kill\": 3}");
}

/* ---- the document and its schema ------------------------------------------------------------------------- */

static bool is_type(const json_t *v, const char *type)
{
	return !strcmp(type, json_is_null(v) ? "null" : json_is_boolean(v) ? "boolean" :
			     json_is_integer(v) ? "integer" : json_is_string(v) ? "string" :
			     json_is_array(v) ? "array" : "object");
}

static void check(const json_t *schema, const json_t *v, const char *where);

static void check_members(const json_t *schema, json_t *v, const char *where)
{
	const json_t *required = json_object_get(schema, "required"),
		     *properties = json_object_get(schema, "properties"),
		     *more = json_object_get(schema, "additionalProperties");
	const char *key;
	json_t *member;

	for (size_t i = 0; i < json_array_size(required); i++)
		if (!json_object_get(v, json_string_value(json_array_get(required, i))))
			fail_msg("%s lacks %s", where, json_string_value(json_array_get(required, i)));
	json_object_foreach(v, key, member) {
		const json_t *s_of = json_object_get(properties, key);

		if (!s_of && !more)
			fail_msg("%s has %s, which the schema does not know", where, key);
		check(s_of ? s_of : more, member, key);
	}
}

/* What docs/explain-json.schema.json uses of JSON Schema; and no key may be left out of it. */
static void check(const json_t *schema, const json_t *v, const char *where)
{
	const json_t *type = json_object_get(schema, "type"), *values = json_object_get(schema, "enum");
	bool good = !type || (json_is_string(type) && is_type(v, json_string_value(type)));

	for (size_t i = 0; !good && i < json_array_size(type); i++)
		good = is_type(v, json_string_value(json_array_get(type, i)));
	if (!good)
		fail_msg("%s is of the wrong type", where);
	for (size_t i = 0; i < json_array_size(values) && values; i++) {
		if (json_equal(json_array_get(values, i), v))
			values = NULL;
	}
	if (values)
		fail_msg("%s has a value that the schema does not know", where);
	for (size_t i = 0; i < json_array_size(v); i++)
		check(json_object_get(schema, "items"), json_array_get(v, i), where);
	if (json_is_object(v))
		check_members(schema, (json_t *)(uintptr_t)v, where);
}

static void keeps_to_its_schema(void **state)
{
	json_t *schema = json_load_file("docs/explain-json.schema.json", 0, NULL), *one, *v;

	(void)state;
	assert_non_null(schema);
	one = json_object_get(json_object_get(json_object_get(schema, "properties"), "events"), "items");
	for (int recorded = 0; recorded < 2; recorded++) {
		char *text;

		if (recorded)
			assert_int_equal(sample_record(&s), 0);
		text = event_json();
		v = json_loads(text, 0, NULL);
		assert_non_null(v);
		check(one, v, "event");
		json_decref(v);
		free(text);
	}
	json_decref(schema);
}

static void each_failed_allocation_is_survived(void **state)
{
	FILE *f = fopen("/dev/null", "w");
	int r = -ENOMEM;

	(void)state;
	assert_int_equal(sample_record(&s), 0);
	assert_non_null(f);
	for (long n = 1; r < 0; n++) {
		assert_true(n < 100000);
		oom_alloc_fail_at(n);
		r = oom_json_event(&s.ev, &s.r, f);
		oom_alloc_fail_at(0);
		if (r < 0)
			assert_int_equal(r, -ENOMEM);
	}
	fclose(f);
}

static void source_line(void **state)
{
	struct oom_source_info info = {
		.path = OOM_STR("a.tar!kern.log"), .format = "syslog", .bytes = 123, .lines = 45
	};
	char text[400] = "";
	FILE *f = fmemopen(text, sizeof(text), "w");

	(void)state;
	assert_non_null(f);
	assert_int_equal(oom_json_source(&info, 2, f), 0);
	fclose(f);
	assert_string_equal(text, "{\"path\": \"a.tar!kern.log\", \"format\": \"syslog\", \"bytes\": "
				  "123, \"lines\": 45, "
				  "\"events\": 2, \"damaged_lines\": 0, \"lost\": 0}");
}

int test_json(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(keys_stand_in_the_order_of_the_contract, setup, teardown),
		cmocka_unit_test_setup_teardown(values_of_a_known_event, setup, teardown),
		cmocka_unit_test_setup_teardown(unknown_is_null, setup, teardown),
		cmocka_unit_test_setup_teardown(an_interval_is_null_with_its_bounds, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_of_a_name_cannot_break_the_text, setup, teardown),
		cmocka_unit_test_setup_teardown(leap_days_and_years_before_1970, setup, teardown),
		cmocka_unit_test_setup_teardown(without_a_profile_nothing_is_scored, setup, teardown),
		cmocka_unit_test_setup_teardown(recorded_only_where_it_was, setup, teardown),
		cmocka_unit_test_setup_teardown(keeps_to_its_schema, setup, teardown),
		cmocka_unit_test_setup_teardown(each_failed_allocation_is_survived, setup, teardown),
		cmocka_unit_test(source_line),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
