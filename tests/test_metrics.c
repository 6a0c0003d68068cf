/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Metrics: labels of hostile bytes, the ceiling of series, and that counters go on. */
#include <oomlens/metrics.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define S OOM_STR

static char text[65536];

static const char *printed(const struct oom_metrics *m)
{
	FILE *f = fmemopen(text, sizeof(text), "w");

	assert_non_null(f);
	oom_metrics_print(m, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void has(const struct oom_metrics *m, const char *line)
{
	if (!strstr(printed(m), line))
		fail_msg("no line '%s' in\n%s", line, text);
}

static void labels_of_any_bytes_are_one_line(void **state)
{
	struct oom_metrics m;
	char longest[600];

	(void)state;
	oom_metrics_init(&m, 10);
	assert_int_equal(oom_metric_add(&m, OOM_METRIC_UNIT_KILLS, S("a\nb\"c\\d"), OOM_STR_NULL, 1), 0);
	assert_int_equal(oom_metric_add(&m, OOM_METRIC_UNIT_KILLS, S("\xff\xfe"), OOM_STR_NULL, 2), 0);
	assert_int_equal(oom_metric_add(&m, OOM_METRIC_UNIT_KILLS, S(""), OOM_STR_NULL, 3), 0);
	assert_int_equal(oom_metric_add(&m, OOM_METRIC_UNIT_KILLS, OOM_STR_NULL, OOM_STR_NULL, 4), 0);
	for (size_t i = 0; i < sizeof(longest); i += 2)
		memcpy(longest + i, "\xc3\xa9", 2);
	assert_int_equal(oom_metric_add(&m, OOM_METRIC_UNIT_KILLS, (struct oom_str){ longest + 1, 401 }, OOM_STR_NULL, 5), 0);
	has(&m, "\noomlens_unit_kills_total{unit=\"a\\\\x0ab\\\"c\\\\d\"} 1\n");
	has(&m, "\noomlens_unit_kills_total{unit=\"\\\\xff\\\\xfe\"} 2\n");
	has(&m, "\noomlens_unit_kills_total{unit=\"\"} 3\n");
	has(&m, "\noomlens_unit_kills_total{unit=\"_none\"} 4\n");
	has(&m, "\noomlens_unit_kills_total{unit=\"\\\\xa9\xc3\xa9");
	assert_int_equal(m.of[OOM_METRIC_UNIT_KILLS].series[4].label[0].n, 128);     /* \xa9 and 62 whole letters */
	oom_metrics_release(&m);
}

static void what_comes_too_late_is_other(void **state)
{
	struct oom_metrics m;
	char name[16];

	(void)state;
	oom_metrics_init(&m, 3);
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 6; i++) {
			snprintf(name, sizeof(name), "u%d", i);
			assert_int_equal(oom_metric_add(&m, OOM_METRIC_UNIT_KILLS, oom_str_from(name), OOM_STR_NULL, 1), 0);
		}
	}
	assert_int_equal(m.of[OOM_METRIC_UNIT_KILLS].n, 4);
	has(&m, "{unit=\"u2\"} 2\n");
	has(&m, "{unit=\"_other\"} 6\n");
	/* a unit that calls itself so is counted there, not printed twice */
	assert_int_equal(oom_metric_add(&m, OOM_METRIC_UNIT_KILLS, S("_other"), OOM_STR_NULL, 1), 0);
	has(&m, "{unit=\"_other\"} 7\n");
	assert_int_equal(m.of[OOM_METRIC_UNIT_KILLS].n, 4);
	/* words of ours have room, whatever --top says */
	for (int i = 0; i < 30; i++) {
		snprintf(name, sizeof(name), "o%d", i);
		assert_int_equal(oom_metric_add(&m, OOM_METRIC_EVENTS, oom_str_from(name), S("exact"), 1), 0);
	}
	assert_int_equal(m.of[OOM_METRIC_EVENTS].n, 30);
	oom_metrics_release(&m);
}

static void counters_go_on(void **state)
{
	struct oom_metrics m, n;
	char before[sizeof(text)];

	(void)state;
	oom_metrics_init(&m, 4);
	m.device = UINT64_MAX;
	m.inode = 7;
	m.event = INT64_MAX;
	oom_metric_add(&m, OOM_METRIC_KILLS, S("global"), OOM_STR_NULL, INT64_MAX);
	oom_metric_add(&m, OOM_METRIC_KILLS, S("global"), OOM_STR_NULL, 1);        /* stays at the greatest */
	oom_metric_add(&m, OOM_METRIC_EVENTS, S("killed"), S("exact"), 3);
	oom_metric_add(&m, OOM_METRIC_UNIT_KILLS, S("x\\\"\n\xff"), OOM_STR_NULL, 8);
	oom_metric_raise(&m, OOM_METRIC_LAST_KILL, OOM_STR_NULL, OOM_STR_NULL, 99);
	memcpy(before, printed(&m), sizeof(before));
	oom_metrics_init(&n, 4);
	assert_int_equal(oom_metrics_read(&n, oom_str_from(before)), 0);
	assert_string_equal(printed(&n), before);
	oom_metric_add(&n, OOM_METRIC_UNIT_KILLS, S("x\\\"\n\xff"), OOM_STR_NULL, 1);
	oom_metric_raise(&n, OOM_METRIC_LAST_KILL, OOM_STR_NULL, OOM_STR_NULL, 98);
	has(&n, "{unit=\"x\\\\\\\"\\\\x0a\\\\xff\"} 9\n");
	has(&n, "oomlens_last_kill_timestamp_seconds 99\n");
	oom_metrics_release(&n);
	/* what is told anew each time is not taken from the past */
	oom_metric_set(&m, OOM_METRIC_STORED, OOM_STR_NULL, OOM_STR_NULL, 5);
	assert_int_equal(oom_metrics_read(&n, oom_str_from(printed(&m))), 0);
	assert_int_equal(n.of[OOM_METRIC_STORED].n, 0);
	oom_metrics_release(&n);
	oom_metrics_release(&m);
}

static void foreign_and_damaged_texts_are_refused(void **state)
{
	static const char head[] = "# oomlens export: the counters go on from here; store 1:2 event 3\n";
	static const char *const bad[] = {
		"oomlens_kills_total{scope=\"global\"} -1\n", "oomlens_kills_total{scope=\"global\"} 1.5\n",
		"oomlens_kills_total{scope=\"global\"} 99999999999999999999\n", "oomlens_kills_total{scope=\"global\" 1\n",
		"oomlens_kills_total{scope=\"global\\\n", "oomlens_kills_total 1\n", "oomlens_kills_total{unit=\"global\"} 1\n",
		"oomlens_events_total{outcome=\"killed\"} 1\n", "oomlens_kills_total{scope=\"global\"} 1",
	};
	struct oom_metrics m;
	char whole[400];

	(void)state;
	oom_metrics_init(&m, 4);
	assert_int_equal(oom_metrics_read(&m, S("")), -EINVAL);
	assert_int_equal(oom_metrics_read(&m, S("oomlens_kills_total{scope=\"global\"} 1\n")), -EINVAL);
	assert_int_equal(oom_metrics_read(&m, S("# oomlens export: the counters go on from here; store 1:2 event -3\n")), -EINVAL);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(bad); i++) {
		snprintf(whole, sizeof(whole), "%soomlens_kills_total{scope=\"memcg\"} 5\n%s", head, bad[i]);
		if (oom_metrics_read(&m, oom_str_from(whole)) != -EINVAL)
			fail_msg("taken: %s", bad[i]);
		assert_int_equal(m.event, 0);
		assert_int_equal(m.of[OOM_METRIC_KILLS].n, 0);
	}
	snprintf(whole, sizeof(whole), "%soomlens_kills_totals 1\nother_metric{a=\"b\"} 7\n", head);
	assert_int_equal(oom_metrics_read(&m, oom_str_from(whole)), 0);
	assert_int_equal(m.inode, 2);
	oom_metrics_release(&m);
}

static void a_lack_of_memory_is_said(void **state)
{
	static const char whole[] = "# oomlens export: the counters go on from here; store 1:2 event 3\n"
				    "oomlens_kills_total{scope=\"memcg\"} 5\noomlens_unit_kills_total{unit=\"a\\\\b\"} 5\n";
	struct oom_metrics m;
	int r = -ENOMEM;
	long n;

	(void)state;
	oom_metrics_init(&m, 4);
	for (n = 1; r && n < 100; n++) {
		oom_alloc_fail_at(n);
		r = oom_metrics_read(&m, oom_str_from(whole));
		oom_alloc_fail_at(0);
		assert_true(r == 0 || r == -ENOMEM);
		assert_int_equal(m.event, r ? 0 : 3);
	}
	assert_true(r == 0 && n > 3);
	oom_metrics_release(&m);
}

int test_metrics(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(labels_of_any_bytes_are_one_line),
		cmocka_unit_test(what_comes_too_late_is_other),
		cmocka_unit_test(counters_go_on),
		cmocka_unit_test(foreign_and_damaged_texts_are_refused),
		cmocka_unit_test(a_lack_of_memory_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
