/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <oomlens/render.h>

#include <errno.h>
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
	s.ev.wall_us = s.ev.trigger_pid = s.ev.page_size = OOM_NA;
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

static void each_failed_allocation_is_survived(void **state)
{
	FILE *f = fopen("/dev/null", "w");
	int r = -ENOMEM;

	(void)state;
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
		cmocka_unit_test_setup_teardown(each_failed_allocation_is_survived, setup, teardown),
		cmocka_unit_test(source_line),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
