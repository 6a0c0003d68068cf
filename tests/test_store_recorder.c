/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the recorder asks of the store: events replaced, marks, facts, retention. */
#include "unit.h"
#include "test_event.h"
#include "test_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <oomlens/live.h>

/* Rows that belong to no event, in any table. */
void store_no_orphans(struct oom_store *s)
{
	static const char *const tables[] = { "task", "task_rare", "task_recorded", "victim", "prior", "life", "flight", "note" };
	char sql[256];

	for (size_t i = 0; i < OOM_ARRAY_SIZE(tables); i++) {
		snprintf(sql, sizeof(sql), "SELECT count(*) FROM %s WHERE k >> 20 NOT IN (SELECT event_id FROM event)",
			 tables[i]);
		if (strcmp(store_ask(s, sql).text, "0") != 0)
			fail_msg("%s has rows of no event", tables[i]);
	}
	assert_string_equal(store_ask(s, "SELECT count(*) FROM (SELECT event_id FROM evidence UNION ALL SELECT event_id"
					 " FROM verdict UNION ALL SELECT event_id FROM digest) WHERE event_id NOT IN (SELECT event_id FROM event)").text, "0");
	/* the list above is all of them */
	assert_string_equal(store_ask(s, "SELECT count(DISTINCT m.name) FROM sqlite_schema AS m,"
					 " pragma_table_info(m.name) AS c WHERE m.type = 'table' AND c.name = 'k'").text,
			    "8");
	assert_string_equal(store_ask(s, "PRAGMA integrity_check").text, "ok");
}

static void check_store(void)
{
	struct oom_store *s = store_open(OOM_STORE_READ);

	store_no_orphans(s);
	store_close(s);
}

static void is_stored(struct oom_store *s, int64_t id, const struct oom_event *want)
{
	struct oom_event back;

	store_load(s, id, &back);
	test_event_same(want, &back);
	oom_event_release(&back);
}

/* ---- replacing ----------------------------------------------------------------------------------------- */

static void an_event_takes_the_place_of_another(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_err err = { 0 };
	struct oom_event a, b, c;
	int64_t id, other, found = 0;
	char print[33];

	(void)state;
	test_event_random(&a, 30);
	test_event_random(&b, 7);
	test_event_random(&c, 9);
	id = store_put(s, &a, NULL, 1);
	other = store_put(s, &c, NULL, 1);
	assert_int_equal(oom_store_replace(s, id, &b, NULL, &err), 0);
	is_stored(s, id, &b);
	is_stored(s, other, &c);
	oom_event_fingerprint(&a, print);
	assert_int_equal(oom_store_find(s, print, &found, &err), 0);
	oom_event_fingerprint(&b, print);
	assert_int_equal(oom_store_find(s, print, &found, &err), 1);
	assert_int_equal(found, id);
	assert_int_equal(oom_store_replace(s, 99, &a, NULL, &err), -ENOENT);
	assert_int_equal(oom_store_replace(s, -1, &a, NULL, &err), -ENOENT);
	assert_int_equal(oom_store_replace(s, id, &c, NULL, &err), -EEXIST);
	/* a refusal leaves a transaction alone, and a rollback gives back what was replaced */
	assert_int_equal(oom_store_begin(s, &err), 0);
	assert_int_equal(oom_store_replace(s, 99, &a, NULL, &err), -ENOENT);
	assert_int_equal(oom_store_replace(s, id, &a, NULL, &err), 0);
	oom_store_rollback(s);
	is_stored(s, id, &b);
	assert_int_equal(oom_store_begin(s, &err), 0);
	assert_int_equal(oom_store_replace(s, id, &a, NULL, &err), 0);
	assert_int_equal(oom_store_commit(s, &err), 0);
	is_stored(s, id, &a);
	b.victim[0].role = 77;
	assert_int_equal(oom_store_replace(s, id, &b, NULL, &err), -EINVAL);
	is_stored(s, id, &a);
	store_close(s);
	check_store();
	oom_event_release(&a);
	oom_event_release(&b);
	oom_event_release(&c);
}

/* ---- marks and facts ----------------------------------------------------------------------------------- */

static struct oom_store_mark a_mark(const char *boot)
{
	return (struct oom_store_mark){
		.host = OOM_STR("db7"), .machine_id = OOM_STR("m1"), .boot_id = oom_str_from(boot),
		.next_line = 77, .oom_kill = 5, .kills = 4, .log_lost = 1, .facts_lost = OOM_NA, .seen_us = 1732098480123456,
	};
}

/* A report whose head was overwritten has another first line, and with it another fingerprint. */
static void a_torso_is_known_by_its_kill(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_err err = { 0 };
	struct oom_event ev;
	int64_t id, found = 0;

	(void)state;
	oom_event_init(&ev);
	ev.boot_id = OOM_STR("9ff9a237");
	ev.boot_us = 1000;
	ev.outcome = OOM_OUTCOME_KILLED;
	assert_int_equal(oom_store_find_kill(s, &ev, &found, &err), 0);
	assert_non_null(oom_event_add_victim(&ev));
	ev.victim[0].pid = 7;
	ev.victim[0].killed_us = 1100;
	id = store_put(s, &ev, NULL, 1);
	ev.boot_us = 1050;
	assert_int_equal(oom_store_find_kill(s, &ev, &found, &err), 1);
	assert_int_equal(found, id);
	ev.boot_id = OOM_STR("another");
	assert_int_equal(oom_store_find_kill(s, &ev, &found, &err), 0);
	ev.boot_id = OOM_STR("9ff9a237");
	ev.victim[0].killed_us++;
	assert_int_equal(oom_store_find_kill(s, &ev, &found, &err), 0);
	store_close(s);
	oom_event_release(&ev);
}

static void a_mark_is_one_per_boot(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_store_mark m = a_mark("b1"), back = { .host = OOM_STR("db7"), .boot_id = OOM_STR("b1") };
	struct oom_err err = { 0 };

	(void)state;
	assert_int_equal(oom_store_get_mark(s, &back, &err), 0);
	back.machine_id = OOM_STR("m1");
	assert_int_equal(oom_store_put_mark(s, &m, &err), 0);
	m.kills = 6;
	assert_int_equal(oom_store_put_mark(s, &m, &err), 0);
	m = a_mark("b2");
	assert_int_equal(oom_store_begin(s, &err), 0);
	assert_int_equal(oom_store_put_mark(s, &m, &err), 0);
	assert_int_equal(oom_store_commit(s, &err), 0);
	assert_int_equal(oom_store_get_mark(s, &back, &err), 1);
	assert_int_equal(back.next_line, 77);
	assert_int_equal(back.oom_kill, 5);
	assert_int_equal(back.kills, 6);
	assert_int_equal(back.log_lost, 1);
	assert_int_equal(back.facts_lost, OOM_NA);
	assert_int_equal(back.seen_us, 1732098480123456);
	back.boot_id = OOM_STR("b3");
	assert_int_equal(oom_store_get_mark(s, &back, &err), 0);
	m.boot_id = OOM_STR_NULL;
	assert_int_equal(oom_store_put_mark(s, &m, &err), -EINVAL);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	assert_string_equal(store_ask(s, "SELECT count(*) FROM v_recorder").text, "2");
	assert_string_equal(store_ask(s, "SELECT hostname, seen, oom_kill, kills, facts_lost, log_records_lost, logged"
					 " FROM v_recorder WHERE boot_id = 'b1'").text,
			    "db7|2024-11-20T10:28:00.123456Z|5|6|-|1|0");
	store_close(s);
}

static void a_fact_is_a_row_of_the_trace(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_store_mark m = a_mark("b1");
	struct oom_err err = { 0 };
	struct oom_fact f = { .kind = OOM_FACT_MARK_VICTIM };

	(void)state;
	for (size_t i = 1; i < oom_fact_record.nfields; i++)
		if (oom_fact_record.field[i].type == OOM_TYPE_INT)
			oom_field_set_int(&oom_fact_record.field[i], &f, OOM_NA);
	f.mono_us = 1234;
	f.pid = 20;
	f.comm = OOM_STR("a\"b\\\xff");
	f.oom_score_adj = -5;
	f.flags = OOM_FACT_SILENT | OOM_FACT_OOM_VICTIM;
	assert_int_equal(oom_store_trace(s, &m, "ballot", &f, &err), 0);
	f.flags = 0;
	f.oom_score_adj = OOM_NA;
	assert_int_equal(oom_store_trace(s, &m, "trace", &f, &err), 0);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	assert_string_equal(store_ask(s, "SELECT boot_id, monotonic_us, name, pid, comm, feed, detail FROM v_trace").text,
			    "b1|1234|mark_victim|20|a\"b\\\xff|ballot|"
			    "{\"flags\":[\"oom_victim\",\"silent\"],\"oom_score_adj\":-5}");
	assert_string_equal(store_ask(s, "SELECT detail FROM v_trace WHERE feed = 'trace'").text, "{}");
	assert_string_equal(store_ask(s, "SELECT hostname FROM v_trace JOIN v_host USING (host_id)").text, "db7");
	store_close(s);
}

/* ---- views --------------------------------------------------------------------------------------------- */

static struct oom_life *add_life(struct oom_event *ev, int64_t pid, int64_t class, int64_t freed_by)
{
	struct oom_life *l = oom_event_add_life(ev);

	l->pid = l->tgid = pid;
	l->class = class;
	l->freed_by = freed_by;
	l->selected_us = 1000;
	l->marked_us = 1100;
	l->reap_start_us = 1500;
	l->reap_end_us = 2100;
	l->exit_end_us = 3100;
	return l;
}

static void a_recorded_event(struct oom_event *ev)
{
	oom_event_init(ev);
	ev->origin = OOM_ORIGIN_RECORD;
	ev->host = OOM_STR("db7");
	ev->machine_id = OOM_STR("m1");
	ev->boot_id = OOM_STR("b1");
	ev->boot_us = 5;
	ev->feeds = OOM_STR("log ballot");
	ev->ballot = OOM_BALLOT_RECORDED;
	ev->ballot_lost = 0;
	oom_event_add_victim(ev)->pid = 20;
	oom_event_add_victim(ev)->pid = 31;
	oom_event_add_victim(ev)->pid = 40;
	add_life(ev, 20, OOM_CLASS_LOGGED, OOM_FREED_REAPER);
	add_life(ev, 30, OOM_CLASS_GROUP_MEMBER, OOM_FREED_EXIT_MMAP)->pid = 31;
	add_life(ev, 50, OOM_CLASS_ALREADY_EXITING, OOM_FREED_NOBODY);
	oom_event_add_task(ev)->pid = 20;
	oom_event_add_task(ev)->pid = 30;
	ev->task[1].kernel_points = 900;
	ev->task[1].kernel_flags = OOM_FACT_OOM_VICTIM;
	oom_event_add_flight(ev)->pid = 20;
	ev->flight[0].cmdline = OOM_STR("hog -v");
}

static void views_tell_of_the_recorder(void **state)
{
	static const struct { const char *sql, *want; } facts[] = {
		{ "SELECT origin, feeds, ballot, ballot_lost, class FROM v_event WHERE event_id = 1",
		  "record|log ballot|recorded|0|logged" },
		{ "SELECT origin, feeds, ballot, ballot_lost, class FROM v_event WHERE event_id = 2", "text|-|-|-|-" },
		{ "SELECT class, freed_by, mark_latency_us, free_latency_us FROM v_victim WHERE pid = 20",
		  "logged|reaper|100|1000" },
		{ "SELECT class, freed_by, mark_latency_us, free_latency_us FROM v_victim WHERE pid = 31",
		  "group_member|exit_mmap|100|2000" },
		{ "SELECT class, freed_by, mark_latency_us, free_latency_us FROM v_victim WHERE pid = 40", "-|-|-|-" },
		{ "SELECT count(*) FROM v_victim", "3" },
		{ "SELECT class, freed_by, reap_latency_us, free_latency_us FROM v_life WHERE tgid = 50",
		  "already_exiting|nobody|400|-" },
		{ "SELECT kernel_points, kernel_flags, cgroup FROM v_candidate WHERE pid = 30", "900|32|-" },
		{ "SELECT kernel_points, kernel_flags FROM v_candidate WHERE pid = 20", "-|-" },
		{ "SELECT pid, cmdline, points_pages FROM v_flight", "20|hog -v|-" },
		{ "SELECT logged, rate_limited, already_exiting, group_member, log_lost FROM v_recorder", "1|0|1|1|0" },
		/* what no recorder saw has no row there */
		{ "SELECT count(*) FROM task_recorded WHERE k >> 20 = 2", "0" },
	};
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_store_mark m = a_mark("b1");
	struct oom_err err = { 0 };
	struct oom_event ev;

	(void)state;
	a_recorded_event(&ev);
	store_put(s, &ev, NULL, 1);
	is_stored(s, 1, &ev);
	oom_event_release(&ev);
	oom_event_init(&ev);
	oom_event_add_task(&ev)->pid = 1;
	store_put(s, &ev, NULL, 1);
	oom_event_release(&ev);
	assert_int_equal(oom_store_put_mark(s, &m, &err), 0);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(facts); i++)
		assert_string_equal(store_ask(s, facts[i].sql).text, facts[i].want);
	store_close(s);
}

/* ---- retention ----------------------------------------------------------------------------------------- */

#define DAY_US 86400000000LL

/* Some hundred kilobytes, half of them in evidence that does not compress. */
static void a_large_event(struct oom_event *ev, int n)
{
	static uint32_t seed = 7;
	uint32_t w[4];

	oom_event_init(ev);
	ev->host = OOM_STR("db7");
	ev->machine_id = OOM_STR("m1");
	ev->boot_id = OOM_STR("b1");
	ev->boot_us = n + 1;
	ev->wall_us = (n + 1) * DAY_US;
	for (int i = 0; i < 1000; i++) {
		struct oom_task *t = oom_event_add_task(ev);

		t->pid = t->tgid = 1000000 + i;
		t->rss_pages = (int64_t)1 << 40;
		t->kernel_points = t->rss_pages;
		t->comm = OOM_STR("a_task_of_many");
		oom_event_add_raw(ev)->line = i;
		for (int k = 0; k < 4; k++)
			w[k] = seed = seed * 1664525 + 1013904223;
		ev->raw[i].text = oom_arena_fmt(&ev->arena, "%08x%08x%08x%08x", w[0], w[1], w[2], w[3]);
	}
	oom_event_add_victim(ev)->pid = 1000000;
	add_life(ev, 1000000, OOM_CLASS_LOGGED, OOM_FREED_REAPER);
	oom_event_add_flight(ev)->pid = 1000000;
	oom_event_note(ev, 1, "x", "y");
	oom_event_add_prior(ev)->pid = 3;
}

static void put_many(struct oom_store *s, int from, int to)
{
	struct oom_event ev;

	for (int i = from; i < to; i++) {
		a_large_event(&ev, i);
		store_put(s, &ev, NULL, 1);
		oom_event_release(&ev);
	}
}

static int prune(int64_t until_us, int64_t max_bytes)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_err err = { 0 };
	int r, calls = 0;

	while ((r = oom_store_prune(s, until_us, max_bytes, &err)) == 1)
		calls++;
	if (r < 0)
		fail_msg("%s", err.text);
	store_close(s);
	check_store();
	return calls;
}

static long long number(const char *sql)
{
	struct oom_store *s = store_open(OOM_STORE_READ);
	long long n = atoll(store_ask(s, sql).text);

	store_close(s);
	return n;
}

#define HELD "SELECT (SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count)"

static void the_newest_stay_within_the_size(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	const long long limit = 2 << 20;
	long long last;

	(void)state;
	put_many(s, 0, 100);
	store_close(s);
	assert_true(number(HELD) * 16384 > 2 * limit);
	assert_true(prune(0, limit) >= 1);
	assert_true(number(HELD) * 16384 <= limit);
	assert_true(number("SELECT page_count * 16384 FROM pragma_page_count") <= limit);
	/* what is left is the end of the row, and nearly fills the room */
	assert_int_equal(number("SELECT max(monotonic_us) FROM v_event"), 100);
	assert_int_equal(number("SELECT max(monotonic_us) - min(monotonic_us) + 1 - count(*) FROM v_event"), 0);
	assert_true(number(HELD) * 16384 > limit * 9 / 10);
	/* and the pages of the old ones serve the new ones */
	last = number("SELECT page_count FROM pragma_page_count");
	for (int i = 100; i < 120; i += 5) {
		s = store_open(OOM_STORE_WRITE);
		put_many(s, i, i + 5);
		store_close(s);
		(void)prune(0, limit);
		assert_true(number("SELECT page_count FROM pragma_page_count") <= last + 8);
		assert_int_equal(number("SELECT max(monotonic_us) FROM v_event"), i + 5);
	}
}

/* Each event has names that no other has. */
static void words_go_with_their_events(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev, back;

	(void)state;
	for (int i = 0; i < 100; i++) {
		oom_event_init(&ev);
		ev.boot_us = i;
		ev.wall_us = (i + 1) * DAY_US;
		ev.kernel = OOM_STR("6.1.0");
		for (int k = 0; k < 100; k++) {
			struct oom_task *t = oom_event_add_task(&ev);

			t->pid = t->tgid = k;
			t->comm = oom_arena_fmt(&ev.arena, "p%d.%d", i, k);
			oom_event_add_flight(&ev)->cgroup = oom_arena_fmt(&ev.arena, "/c%d.%d", i, k);
		}
		store_put(s, &ev, NULL, 1);
		oom_event_release(&ev);
	}
	store_close(s);
	assert_int_equal(number("SELECT count(*) FROM who"), 10000);
	(void)prune(98 * DAY_US, 0);
	assert_int_equal(number("SELECT count(*) FROM v_event"), 3);
	assert_int_equal(number("SELECT count(*) FROM who"), 300);
	assert_true(number("SELECT count(*) FROM word") < 320);
	assert_int_equal(number("SELECT count(DISTINCT comm) FROM v_candidate"), 300);
	assert_int_equal(number("SELECT count(DISTINCT cgroup) FROM v_flight"), 300);
	s = store_open(OOM_STORE_READ);
	store_load(s, 99, &back);
	assert_true(oom_str_is(back.kernel, "6.1.0"));
	assert_true(oom_str_is(back.task[7].comm, "p98.7"));
	oom_event_release(&back);
	store_close(s);
}

static void the_old_go_by_age(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_store_mark m = a_mark("b0");
	struct oom_fact f = { .kind = OOM_FACT_SCORE_ADJ };
	struct oom_err err = { 0 };
	struct oom_event ev;

	(void)state;
	put_many(s, 0, 100);
	for (int i = 0; i < 3; i++) {         /* without a time: of a boot long ago, of this one, of nobody knows when */
		a_recorded_event(&ev);
		ev.boot_us = 1000;
		ev.boot_id = i == 0 ? OOM_STR("b0") : i == 1 ? OOM_STR("b1") : OOM_STR_NULL;
		store_put(s, &ev, NULL, 1);
		oom_event_release(&ev);
	}
	m.seen_us = 10 * DAY_US;
	assert_int_equal(oom_store_put_mark(s, &m, &err), 0);
	m.boot_id = OOM_STR("b1");
	m.seen_us = 100 * DAY_US;
	assert_int_equal(oom_store_put_mark(s, &m, &err), 0);
	for (int i = 0; i < 100; i++) {
		m.seen_us = (i + 1) * DAY_US;
		f.mono_us = i;
		assert_int_equal(oom_store_trace(s, &m, "trace", &f, &err), 0);
	}
	store_close(s);
	assert_true(prune(91 * DAY_US, 0) >= 1);      /* 91 and more are too many for one call */
	assert_int_equal(number("SELECT count(*) FROM v_event"), 12);
	assert_int_equal(number("SELECT min(wall_us) / 86400000000 FROM v_event"), 91);
	assert_int_equal(number("SELECT count(*) FROM v_event WHERE boot_id = 'b0'"), 0);
	assert_int_equal(number("SELECT count(*) FROM v_event WHERE wall_us IS NULL"), 2);
	assert_int_equal(number("SELECT count(*) FROM v_trace"), 10);
	assert_int_equal(number("SELECT min(monotonic_us) FROM v_trace"), 90);
	assert_int_equal(prune(91 * DAY_US, 0), 0);
	assert_int_equal(number("SELECT count(*) FROM v_event"), 12);
	/* no room at all: everything goes, and it ends */
	(void)prune(0, 1);
	assert_int_equal(number("SELECT count(*) FROM v_event"), 0);
	assert_int_equal(number("SELECT count(*) FROM v_trace"), 0);
	assert_int_equal(number("SELECT count(*) FROM v_recorder"), 2);
}

/* Facts and events share the room by their age alone. */
static void facts_and_events_share_the_room(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_store_mark m = a_mark("b1");
	struct oom_fact f = { .kind = OOM_FACT_SCORE_ADJ, .comm = OOM_STR("somebody") };
	struct oom_err err = { 0 };

	(void)state;
	put_many(s, 0, 10);
	assert_int_equal(oom_store_begin(s, &err), 0);
	for (int i = 0; i < 30000; i++) {
		m.seen_us = (i / 1000 + 1) * DAY_US - 1;
		assert_int_equal(oom_store_trace(s, &m, "trace", &f, &err), 0);
	}
	assert_int_equal(oom_store_commit(s, &err), 0);
	put_many(s, 10, 30);
	store_close(s);
	assert_true(prune(0, 5 << 20) >= 1);
	assert_true(number(HELD) * 16384 <= 5 << 20);
	assert_int_equal(number("SELECT max(monotonic_us) FROM v_event"), 30);
	assert_true(number("SELECT count(*) FROM v_event") > 5);
	assert_true(number("SELECT count(*) FROM v_trace") > 5000);
	assert_true(number("SELECT abs((SELECT min(seen_us) FROM trace) - (SELECT min(wall_us) FROM event)) / 86400000000") <= 5);
}

/* ---- memory runs out ----------------------------------------------------------------------------------- */

static int do_all(struct oom_store *s, const struct oom_event *ev, struct oom_err *err)
{
	struct oom_store_mark m = a_mark("b9");
	struct oom_fact f = { .kind = OOM_FACT_KILL };
	int r = oom_store_replace(s, 1, ev, NULL, err);

	if (!r)
		r = oom_store_put_mark(s, &m, err);
	if (!r)
		r = oom_store_get_mark(s, &m, err) == 1 ? 0 : -ENOMEM;
	if (!r)
		r = oom_store_trace(s, &m, "trace", &f, err);
	return r ? r : oom_store_prune(s, 1, 1 << 30, err);
}

static void failing_allocations_are_survived(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event a, b;
	bool done = false;

	(void)state;
	test_event_random(&a, 5);
	test_event_random(&b, 6);
	a.wall_us = b.wall_us = 2;
	store_put(s, &a, NULL, 1);
	store_close(s);
	for (long n = 1; !done && n < 500; n++) {
		struct oom_err err = { 0 };
		int r;

		s = store_open(OOM_STORE_WRITE);
		oom_alloc_fail_at(n);
		r = do_all(s, n % 2 ? &a : &b, &err);
		oom_alloc_fail_at(0);
		done = r == 0;
		if (r && r != -ENOMEM)
			fail_msg("allocation %ld: %s", n, err.text);
		store_close(s);
	}
	assert_true(done);
	s = store_open(OOM_STORE_READ);
	store_no_orphans(s);
	assert_string_equal(store_ask(s, "SELECT count(*) FROM v_event").text, "1");
	store_close(s);
	oom_event_release(&a);
	oom_event_release(&b);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int test_store_recorder(void)
{
	const struct CMUnitTest tests[] = {
		T(an_event_takes_the_place_of_another),
		T(a_torso_is_known_by_its_kill),
		T(a_mark_is_one_per_boot),
		T(a_fact_is_a_row_of_the_trace),
		T(views_tell_of_the_recorder),
		T(the_newest_stay_within_the_size),
		T(words_go_with_their_events),
		T(the_old_go_by_age),
		T(facts_and_events_share_the_room),
		T(failing_allocations_are_survived),
	};

	return cmocka_run_group_tests_name("store of a recorder", tests, NULL, NULL);
}
