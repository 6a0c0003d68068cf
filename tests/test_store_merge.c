/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores into one: whatever an event holds arrives, nothing half-done stays.  tests/cli/merge.sh has what files may hold. */
#include "unit.h"
#include "test_event.h"
#include "test_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oomlens/live.h>
#include <oomlens/store.h>

#define EVENTS 30

static char other[128];         /* path of a second store, beside the first */

static struct oom_store *open_at(const char *path, enum oom_store_mode mode)
{
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };

	if (oom_store_open(path, mode, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static void judged(struct oom_store *s, const struct oom_event *ev, int want)
{
	struct oom_replay r;

	assert_int_equal(oom_replay_run(ev, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	store_put(s, ev, &r, want);
	oom_replay_release(&r);
}

/* Random events, whose texts are many; first: those of the second store have other numbers. */
static void fill(struct oom_store *s, struct oom_event *ev, int first, int n)
{
	for (int i = 0; i < n; i++) {
		test_event_random(&ev[i], (size_t)((first + i) * 37 % 50));
		ev[i].boot_us = first + i;
		judged(s, &ev[i], 1);
	}
}

static int merge(struct oom_store *s, const char *path, struct oom_merged *ret, struct oom_err *err)
{
	struct oom_store *source = NULL;
	int r = oom_store_open_source(path, &source, err);

	if (!r)
		r = oom_store_merge(s, source, ret, err);
	(void)oom_store_close(source, NULL);
	return r;
}

static void must_merge(struct oom_store *s, const char *path, int64_t added, int64_t replaced, int64_t known)
{
	struct oom_merged done = { 0 };
	struct oom_err err = { 0 };

	if (merge(s, path, &done, &err))
		fail_msg("%s", err.text);
	assert_int_equal(done.added, added);
	assert_int_equal(done.replaced, replaced);
	assert_int_equal(done.known, known);
}

static int64_t find(struct oom_store *s, const struct oom_event *ev)
{
	char print[33];
	int64_t id = 0;

	oom_event_fingerprint(ev, print);
	assert_int_equal(oom_store_find(s, print, &id, NULL), 1);
	return id;
}

static int setup(void **state)
{
	int r = store_setup(state);

	snprintf(other, sizeof(other), "%s.other", store_db);
	return r;
}

/* The dictionaries of the two are unlike, so that a number which was not translated says something else. */
static void every_field_arrives(void **state)
{
	struct oom_store *a = open_at(other, OOM_STORE_WRITE), *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev[2 * EVENTS], back;

	(void)state;
	fill(a, ev, 0, EVENTS);
	fill(s, ev + EVENTS, EVENTS, EVENTS);
	store_close(a);
	must_merge(s, other, EVENTS, 0, 0);
	must_merge(s, other, 0, 0, EVENTS);
	for (int i = 0; i < 2 * EVENTS; i++) {
		store_load(s, find(s, &ev[i]), &back);
		test_event_same(&ev[i], &back);
		oom_event_release(&back);
		oom_event_release(&ev[i]);
	}
	store_close(s);
}

/* What was derived arrives as if it had been derived here. */
static void scores_arrive(void **state)
{
	static const char sql[] = "SELECT group_concat(x, ' ') FROM (SELECT e.event || pid || ifnull(points, '-') || ifnull(rank, '-')"
				  " || ifnull(c.eligible, '-') || ifnull(line, '-') || verdict || reason || e.weight AS x"
				  " FROM v_candidate AS c JOIN v_event AS e USING (event_id) ORDER BY 1)";
	struct oom_store *a = open_at(other, OOM_STORE_WRITE), *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev[4];
	struct store_answer want, got;

	(void)state;
	fill(a, ev, 5, 4);
	store_close(a);
	must_merge(s, other, 4, 0, 0);
	store_close(s);
	a = open_at(other, OOM_STORE_READ);
	s = store_open(OOM_STORE_READ);
	want = store_ask(a, sql);
	got = store_ask(s, sql);
	assert_string_equal(want.text, got.text);
	store_close(a);
	store_close(s);
	for (int i = 0; i < 4; i++)
		oom_event_release(&ev[i]);
}

/* An account with candidates is worth more than one without, whichever comes first. */
static void the_better_account_stays(void **state)
{
	struct oom_event rich, poor, back;

	(void)state;
	test_event_random(&rich, 20);
	rich.boot_id = OOM_STR("b");
	rich.boot_us = 7;
	assert_int_equal(oom_event_clone(&poor, &rich), 0);
	poor.ntasks = poor.nlives = poor.nflights = poor.nvictims = 0;
	for (int i = 0; i < 2; i++) {
		struct oom_store *a = open_at(other, OOM_STORE_WRITE), *s = store_open(OOM_STORE_WRITE);

		judged(a, i ? &rich : &poor, 1);
		judged(s, i ? &poor : &rich, 1);
		store_close(a);
		must_merge(s, other, 0, i, !i);
		store_load(s, find(s, &rich), &back);
		test_event_same(&rich, &back);
		oom_event_release(&back);
		store_close(s);
		unlink(other);
		unlink(store_db);
	}
	oom_event_release(&rich);
	oom_event_release(&poor);
}

static void facts_are_a_set_and_marks_the_latest(void **state)
{
	struct oom_store_mark m = { .host = OOM_STR("db7"), .boot_id = OOM_STR("b"), .seen_us = 5, .kills = 1 };
	struct oom_fact f = { .kind = OOM_FACT_KILL, .mono_us = 3, .pid = 9, .comm = OOM_STR("hog") };
	struct oom_store *a = open_at(other, OOM_STORE_WRITE), *s = store_open(OOM_STORE_WRITE);

	(void)state;
	assert_int_equal(oom_store_trace(a, &m, "trace", &f, NULL), 0);
	assert_int_equal(oom_store_trace(s, &m, "trace", &f, NULL), 0);
	f.mono_us = 4;
	assert_int_equal(oom_store_trace(a, &m, "trace", &f, NULL), 0);
	f.mono_us = OOM_NA;
	assert_int_equal(oom_store_trace(a, &m, "trace", &f, NULL), 0);
	assert_int_equal(oom_store_put_mark(s, &m, NULL), 0);
	m.seen_us = 6;
	m.kills = 2;
	assert_int_equal(oom_store_put_mark(a, &m, NULL), 0);
	m.boot_id = OOM_STR("c");
	assert_int_equal(oom_store_put_mark(a, &m, NULL), 0);
	store_close(a);
	must_merge(s, other, 0, 0, 0);
	must_merge(s, other, 0, 0, 0);
	m = (struct oom_store_mark){ .host = OOM_STR("db7"), .boot_id = OOM_STR("b"), .seen_us = 4, .kills = 7 };
	a = open_at(other, OOM_STORE_WRITE);
	assert_int_equal(oom_store_put_mark(a, &m, NULL), 0);
	store_close(a);
	must_merge(s, other, 0, 0, 0);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	assert_string_equal(store_ask(s, "SELECT count(*), count(monotonic_us), count(DISTINCT host_id) FROM v_trace").text, "3|2|1");
	assert_string_equal(store_ask(s, "SELECT group_concat(boot_id || kills) FROM v_recorder").text, "b2,c2");
	store_close(s);
}

/* Whose fault it was is in the number: 1 = the source's, and then the next one can be merged. */
static void faults_are_told_apart(void **state)
{
	struct oom_store *a = open_at(other, OOM_STORE_WRITE), *s = store_open(OOM_STORE_WRITE), *b = store_open(OOM_STORE_WRITE);
	struct oom_merged done = { 0 };
	struct oom_err err = { 0 };
	struct oom_event ev[2];

	(void)state;
	fill(a, ev, 20, 2);
	store_close(a);
	store_shell(other, "UPDATE task SET pid = 'x' WHERE k = (SELECT max(k) FROM task)");
	assert_int_equal(merge(s, other, &done, &err), 1);
	assert_non_null(strstr(err.text, other));
	memset(&err, 0, sizeof(err));
	assert_int_equal(merge(s, store_db, &done, &err), 1);
	assert_non_null(strstr(err.text, "destination"));
	store_shell(other, "UPDATE task SET pid = 7 WHERE pid = 'x'");
	must_merge(s, other, 2, 0, 0);
	memset(&err, 0, sizeof(err));
	assert_int_equal(oom_store_begin(s, &err), 0);
	assert_true(merge(s, other, &done, &err) < 0);          /* nobody's transaction is taken over */
	oom_store_rollback(s);
	store_close(b);
	store_close(s);
	oom_event_release(&ev[0]);
	oom_event_release(&ev[1]);
}

/* The n-th allocation fails, for every n: nothing leaks, and the destination is as it was until it is done. */
static void failing_allocations_are_survived(void **state)
{
	struct oom_store *a = open_at(other, OOM_STORE_WRITE), *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev[3];
	bool done = false;

	(void)state;
	fill(a, ev, 3, 3);
	store_close(a);
	for (long n = 1; !done && n < 3000; n++) {
		struct oom_merged got = { 0 };
		struct oom_err err = { 0 };
		int r;

		oom_alloc_fail_at(n);
		r = merge(s, other, &got, &err);
		oom_alloc_fail_at(0);
		done = r == 0;
		if (r && err.code != ENOMEM)
			fail_msg("allocation %ld: %s", n, err.text);
		if (done)
			assert_int_equal(got.added, 3);
	}
	assert_true(done);
	store_close(s);
	for (int i = 0; i < 3; i++)
		oom_event_release(&ev[i]);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, store_teardown)

int test_store_merge(void)
{
	const struct CMUnitTest tests[] = {
		T(every_field_arrives),
		T(scores_arrive),
		T(the_better_account_stays),
		T(facts_are_a_set_and_marks_the_latest),
		T(faults_are_told_apart),
		T(failing_allocations_are_survived),
	};

	return cmocka_run_group_tests_name("store_merge", tests, NULL, NULL);
}
