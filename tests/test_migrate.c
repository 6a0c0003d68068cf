/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores of older schemas: what they held is there, and looks the same through the views. */
#include "test_parse.h"
#include "test_event.h"
#include "test_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <oomlens/replay.h>

#define DATA "tests/stores/version-2.sql"

/* The logs that the store of the second schema was made of; the event of the second has rows by hand. */
static const char *const logs[] = {
	"tests/stores/version-2.log", "tests/cases/5.10-dead-leader/log", "tests/cases/6.1-numa/log",
};

static void run(const char *fmt, ...) OOM_PRINTF(1, 2);
static void run(const char *fmt, ...)
{
	char cmd[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(cmd, sizeof(cmd), fmt, ap);
	va_end(ap);
	if (system(cmd))
		fail_msg("%s", cmd);
}

static void make_second(void)
{
	run("sqlite3 '%s' < " DATA, store_db);
}

/* The same events in a store of the first schema, which had no room for what recorders tell. */
static void make_first(void)
{
	static const char copy[] =
		"PRAGMA application_id = 0x4f4f4d4c; PRAGMA user_version = 1; PRAGMA journal_mode = wal;"
		"ATTACH '%s' AS new;"
		"INSERT INTO host SELECT * FROM new.host; INSERT INTO shape SELECT * FROM new.shape;"
		"INSERT INTO evidence SELECT * FROM new.evidence; INSERT INTO verdict SELECT * FROM new.verdict;"
		"INSERT INTO victim SELECT * FROM new.victim; INSERT INTO prior SELECT * FROM new.prior;"
		"INSERT INTO note SELECT * FROM new.note; INSERT INTO why_not SELECT * FROM new.why_not;"
		"ALTER TABLE new.event DROP COLUMN feeds; ALTER TABLE new.event DROP COLUMN ballot;"
		"ALTER TABLE new.event DROP COLUMN ballot_lost; INSERT INTO event SELECT * FROM new.event;"
		"INSERT INTO task SELECT k, pid, tgid_off, uid, oom_score_adj, rss_pages, swap_pages, pgtables_bytes,"
		" nr_ptes, nr_pmds, total_vm_pages, rss_anon_pages, rss_file_pages, rss_shmem_pages, cpu, oom_adj, line_off,"
		" comm, NULL, NULL, points, points_lo, points_hi, rank, why_not FROM new.task;"
		"INSERT INTO trace (host_id, name) SELECT host_id, 'old' FROM host LIMIT 1";
	char second[128], sql[sizeof(copy) + sizeof(second)];

	run("sqlite3 '%s.2' < " DATA, store_db);
	run("sqlite3 '%s.2' \"SELECT 'DROP VIEW ' || name || ';' FROM sqlite_schema WHERE type = 'view'\" | sqlite3 '%s.2'", store_db,
	    store_db);
	run("sed '/^-- @version 2/,$d' schema.sql | sqlite3 -cmd 'PRAGMA page_size = 16384' '%s'", store_db);
	snprintf(second, sizeof(second), "%s.2", store_db);
	snprintf(sql, sizeof(sql), copy, second);
	store_shell(store_db, sql);
}

/* What the shell shows of a view's columns, as they were in the second schema, goes to FILE. */
static void show(const char *file)
{
	static const char *const views[] = { "host", "event", "candidate", "victim", "life", "flight", "memory", "note", "trace",
					     "recorder" };

	run("rm -f '%s'", file);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(views); i++)
		run("sqlite3 -header '%s' \"SELECT $(sed -n 's/^%s: //p' tests/stores/version-2.columns) FROM v_%s\" >> '%s'",
		    store_db, views[i], views[i], file);
}

static size_t compared;

static void is_in_the_store(struct oom_event *ev)
{
	struct oom_store *s = store_open(OOM_STORE_READ);
	struct oom_err err = { 0 };
	struct oom_event back;
	char print[33];
	int64_t id;

	oom_event_fingerprint(ev, print);
	assert_int_equal(oom_store_find(s, print, &id, &err), 1);
	store_load(s, id, &back);
	test_event_same(ev, &back);
	oom_event_release(&back);
	store_close(s);
	compared++;
}

static void all_events_are_there(void)
{
	compared = 0;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(logs); i++)
		read_logs(logs[i], is_in_the_store);
	assert_int_equal(compared, 4);
}

static void analyze_all(void)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_err err = { 0 };

	for (int64_t id = 1; id <= 5; id += id == 2 ? 2 : 1) {   /* what was put into the third by hand makes no sense */
		struct oom_event ev;
		struct oom_replay r;

		store_load(s, id, &ev);
		assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
		assert_int_equal(oom_replay_rank(&r), 0);
		assert_true(oom_store_analyze(s, &r, &err) >= 0);
		oom_replay_release(&r);
		oom_event_release(&ev);
	}
	store_close(s);
}

/* Tables, indexes and views are those of a store that was never older. */
static void looks_like_new(void)
{
	static const char all[] = "SELECT group_concat(type || name || sql, char(10)), count(*) FROM "
				  "(SELECT * FROM sqlite_schema ORDER BY name)";
	struct oom_store *s = store_open(OOM_STORE_READ);
	struct store_answer old = store_ask(s, all), fresh;

	store_no_orphans(s);
	store_close(s);
	run("mv '%s' '%s.old'", store_db, store_db);
	store_close(store_open(OOM_STORE_WRITE));
	s = store_open(OOM_STORE_READ);
	fresh = store_ask(s, all);
	store_close(s);
	assert_string_equal(old.text, fresh.text);
	run("mv '%s.old' '%s'", store_db, store_db);
}

static void the_second_schema(void **state)
{
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };
	char before[128], after[128];

	(void)state;
	make_second();
	snprintf(before, sizeof(before), "%s.before", store_db);
	snprintf(after, sizeof(after), "%s.after", store_db);
	show(before);
	assert_int_equal(oom_store_open(store_db, OOM_STORE_READ, &s, &err), -EROFS);
	store_close(store_open(OOM_STORE_WRITE));
	all_events_are_there();
	show(after);
	run("diff '%s' '%s'", before, after);
	looks_like_new();
	/* events of before are stale: they have no digest; analyzed anew they are as if they had come today */
	analyze_all();
	all_events_are_there();
	show(after);
	run("diff '%s' '%s'", before, after);
	s = store_open(OOM_STORE_READ);
	assert_string_equal(store_ask(s, "SELECT count(*), count(weight) FROM v_event").text, "5|4");
	/* what old kernels print, a dead leader, a bonus of root; but not what is as usual */
	assert_string_equal(store_ask(s, "SELECT count(*) FROM task_rare WHERE k >> 20 IN (1, 2)").text, "6");
	assert_string_equal(store_ask(s, "SELECT count(*) FROM task_rare WHERE k >> 20 = 4 AND tgid_off <> 0").text, "1");
	assert_string_equal(store_ask(s, "SELECT count(*) FROM task_rare WHERE k >> 20 = 5").text, "0");
	store_close(s);
}

static void the_first_schema(void **state)
{
	struct oom_store *s;
	struct oom_event ev;
	struct oom_err err = { 0 };

	(void)state;
	make_first();
	assert_int_equal(oom_store_open(store_db, OOM_STORE_READ, &s, &err), -EROFS);
	store_close(store_open(OOM_STORE_WRITE));
	all_events_are_there();
	looks_like_new();
	/* and it takes what is new */
	s = store_open(OOM_STORE_WRITE);
	test_event_random(&ev, 5);
	memset(&err, 0, sizeof(err));
	assert_int_equal(oom_store_replace(s, 1, &ev, NULL, &err), 0);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	assert_string_equal(store_ask(s, "SELECT count(*), max(name), max(feed) FROM v_trace").text, "1|old|-");
	store_no_orphans(s);
	store_close(s);
	oom_event_release(&ev);
}

int test_migrate(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_second_schema, store_setup, store_teardown),
		cmocka_unit_test_setup_teardown(the_first_schema, store_setup, store_teardown),
	};

	return cmocka_run_group_tests_name("older stores", tests, NULL, NULL);
}
