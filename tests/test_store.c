/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store: what goes in comes out, and what is wrong with a file is said in a sentence. */
#include "unit.h"
#include "test_event.h"
#include "test_store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <oomlens/store.h>

static char dir[64];
char store_db[96];

int store_setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/oomlens-store-XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(store_db, sizeof(store_db), "%s/a.db", dir);
	return 0;
}

int store_teardown(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) ? -1 : 0;
}

struct oom_store *store_open(enum oom_store_mode mode)
{
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };

	if (oom_store_open(store_db, mode, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static int open_fails(const char *path, enum oom_store_mode mode, struct oom_err *err)
{
	struct oom_store *s = NULL;

	memset(err, 0, sizeof(*err));
	return oom_store_open(path, mode, &s, err);
}

void store_close(struct oom_store *s)
{
	struct oom_err err = { 0 };

	if (oom_store_close(s, &err))
		fail_msg("%s", err.text);
}

int64_t store_put(struct oom_store *s, const struct oom_event *ev, const struct oom_replay *r, int want)
{
	struct oom_err err = { 0 };
	int64_t id = 0;
	int got = oom_store_put(s, ev, r, &id, &err);

	if (got < 0)
		fail_msg("%s", err.text);
	assert_int_equal(got, want);
	return id;
}

void store_load(struct oom_store *s, int64_t id, struct oom_event *ret)
{
	struct oom_err err = { 0 };

	if (oom_store_load(s, id, ret, &err))
		fail_msg("%s", err.text);
	assert_int_equal(ret->id, id);
}

static int take_row(void *arg, size_t n, const struct oom_value *v)
{
	struct store_answer *a = arg;
	size_t at = 0;

	if (a->rows++)
		return 0;
	for (size_t i = 0; i < n && at < sizeof(a->text) - 64; i++) {
		if (v[i].kind == OOM_VALUE_INT)
			at += (size_t)snprintf(a->text + at, sizeof(a->text) - at, "%s%lld", i ? "|" : "",
					       (long long)v[i].i);
		else if (v[i].kind == OOM_VALUE_NULL)
			at += (size_t)snprintf(a->text + at, sizeof(a->text) - at, "%s-", i ? "|" : "");
		else
			at += (size_t)snprintf(a->text + at, sizeof(a->text) - at, "%s%.*s", i ? "|" : "",
					       (int)v[i].s.n, v[i].s.p);
	}
	return 0;
}

static const struct oom_query_ops ops = { .row = take_row };

struct store_answer store_ask(struct oom_store *s, const char *sql)
{
	struct store_answer a = { .rows = 0 };
	struct oom_err err = { 0 };

	if (oom_store_query(s, sql, 5000, &ops, &a, &err))
		fail_msg("%s", err.text);
	return a;
}

static int count_scans(void *arg, size_t n, const struct oom_value *v)
{
	char text[256];

	snprintf(text, sizeof(text), "%.*s", (int)v[n - 1].s.n, v[n - 1].s.p);
	*(int *)arg += strncmp(text, "SCAN", 4) == 0;
	return 0;
}

/* Tables that the plan of a query reads from end to end. */
static int scans(struct oom_store *s, const char *sql)
{
	const struct oom_query_ops plan = { .row = count_scans };
	struct oom_err err = { 0 };
	char text[512];
	int n = 0;

	snprintf(text, sizeof(text), "EXPLAIN QUERY PLAN %s", sql);
	if (oom_store_query(s, text, 0, &plan, &n, &err))
		fail_msg("%s", err.text);
	return n;
}

void store_shell(const char *path, const char *sql)
{
	char cmd[8192];

	snprintf(cmd, sizeof(cmd), "sqlite3 '%s' \"%s\" > %s/shell.out", path, sql, dir);
	if (system(cmd))
		fail_msg("the sqlite3 shell failed: %s", sql);
}

/* ---- tests --------------------------------------------------------------------------------------------- */

static void every_field_survives(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev, back;

	(void)state;
	for (int i = 0; i < 40; i++) {
		int64_t id;

		test_event_random(&ev, (size_t)(i * 37 % 70));
		ev.boot_us = i;
		id = store_put(s, &ev, NULL, 1);
		store_load(s, id, &back);
		test_event_same(&ev, &back);
		oom_event_release(&back);
		oom_event_release(&ev);
	}
	store_close(s);
}

static void an_empty_event_survives(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev, back;

	(void)state;
	oom_event_init(&ev);
	store_load(s, store_put(s, &ev, NULL, 1), &back);
	test_event_same(&ev, &back);
	oom_event_release(&back);
	oom_event_release(&ev);
	store_close(s);
}

static void the_same_event_is_stored_once(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev;
	int64_t id;

	(void)state;
	test_event_random(&ev, 20);
	id = store_put(s, &ev, NULL, 1);
	assert_int_equal(store_put(s, &ev, NULL, 0), id);
	store_close(s);
	s = store_open(OOM_STORE_WRITE);
	assert_int_equal(store_put(s, &ev, NULL, 0), id);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	assert_string_equal(store_ask(s, "SELECT count(*) FROM v_event").text, "1");
	assert_string_equal(store_ask(s, "SELECT count(*) FROM v_candidate").text, "20");
	store_close(s);
	oom_event_release(&ev);
}

static void rollback_leaves_the_store_as_it_was(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_err err = { 0 };
	struct oom_event a, b, back;
	int64_t id;

	(void)state;
	test_event_random(&a, 5);
	test_event_random(&b, 5);
	store_put(s, &a, NULL, 1);
	assert_int_equal(oom_store_begin(s, &err), 0);
	store_put(s, &b, NULL, 1);
	oom_store_rollback(s);
	id = store_put(s, &b, NULL, 1);
	store_load(s, id, &back);
	test_event_same(&b, &back);
	store_close(s);
	oom_event_release(&a);
	oom_event_release(&b);
	oom_event_release(&back);
}

/* A value that no name belongs to spoils the batch: nothing of it may be committed. */
static void a_failed_put_spoils_its_transaction(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_err err = { 0 };
	struct oom_event good, bad;
	int64_t id;

	(void)state;
	test_event_random(&good, 2);
	test_event_random(&bad, 2);
	bad.victim[1].role = 77;
	assert_int_equal(oom_store_begin(s, &err), 0);
	store_put(s, &good, NULL, 1);
	assert_int_equal(oom_store_put(s, &bad, NULL, &id, &err), -EINVAL);
	assert_true(oom_store_commit(s, &err) < 0);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	assert_string_equal(store_ask(s, "SELECT count(*) FROM v_event").text, "0");
	store_close(s);
	oom_event_release(&good);
	oom_event_release(&bad);
}

static void a_table_has_a_column_for_each_field(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);

	(void)state;
	store_close(s);
	s = store_open(OOM_STORE_READ);
	for (size_t p = 0; p <= OOM_PARTS; p++) {
		const struct oom_record *r = p < OOM_PARTS ? oom_parts[p] : &oom_event_record;
		char sql[256];

		if (r == &oom_memory_record || r == &oom_raw_record)
			continue;
		for (size_t i = 0; i < r->nfields; i++) {
			const char *key = strcmp(r->field[i].key, "host") ? r->field[i].key : "hostname";

			snprintf(
				sql, sizeof(sql),
				"SELECT count(*) FROM sqlite_schema AS s, pragma_table_info(s.name) AS c"
				" WHERE s.name IN ('%s', '%s_recorded', '%s_rare', 'who', 'host')"
				" AND c.name IN ('%s', '%s_off', '%s_w')",
				r->table, r->table, r->table, key, key, key);
			if (strcmp(store_ask(s, sql).text, "0") == 0)
				fail_msg("schema.sql lacks %s.%s", r->table, r->field[i].key);
		}
	}
	store_close(s);
}

static void a_small_event(struct oom_event *ev)
{
	struct oom_memory *m;

	oom_event_init(ev);
	ev->host = OOM_STR("db7");
	ev->kernel = OOM_STR("6.1.0-28-amd64");
	ev->boot_us = 119969781;
	ev->wall_us = 1732098480123456;
	ev->scope = OOM_SCOPE_MEMCG;
	ev->outcome = OOM_OUTCOME_KILLED;
	ev->oom_memcg = OOM_STR("/kube/pod1");
	ev->page_size = 4096;
	ev->first_line = 10;
	ev->at[OOM_AT_TABLE] = 40;
	for (int i = 0; i < 3; i++) {
		struct oom_task *t = oom_event_add_task(ev);

		t->pid = t->tgid = 100 + i;
		t->line = 41 + i;
		t->rss_pages = 1000 * i;
		t->comm = i == 2 ? OOM_STR("hog") : OOM_STR("sh");
	}
	ev->task[1].tgid = 99;
	oom_event_add_victim(ev)->pid = 102;
	ev->victim[0].comm = OOM_STR("hog");
	ev->victim[0].killed_us = 119970000;
	ev->victim[0].reap_us = 119971500;
	ev->victim[0].reap = OOM_REAP_REAPED;
	m = oom_event_add_memory(ev);
	*m = (struct oom_memory){ OOM_AREA_ZONE,   0,		512, OOM_UNIT_KB, 20, OOM_STR("DMA"),
				  OOM_STR("free"), OOM_STR_NULL };
	m = oom_event_add_memory(ev);
	*m = (struct oom_memory){ OOM_AREA_GLOBAL, OOM_NA,	     7,		  OOM_UNIT_PAGES, 21,
				  OOM_STR_NULL,	   OOM_STR("dirty"), OOM_STR_NULL };
	m = oom_event_add_memory(ev);
	*m = (struct oom_memory){ OOM_AREA_FREELIST, 0, 3, OOM_UNIT_NONE, 22, OOM_STR("DMA"), OOM_STR("8kB"),
				  OOM_STR("UM") };
	m = oom_event_add_memory(ev);
	*m = (struct oom_memory){ OOM_AREA_MEMCG,	 OOM_NA,	  8192,	       OOM_UNIT_BYTES, 23,
				  OOM_STR("/kube/pod1"), OOM_STR("anon"), OOM_STR_NULL };
}

static void a_small_replay(struct oom_replay *r, const struct oom_event *ev, struct oom_score score[3],
			   uint32_t rank[3])
{
	memset(r, 0, sizeof(*r));
	memset(score, 0, 3 * sizeof(*score));
	for (int i = 0; i < 3; i++) {
		score[i].points = (struct oom_range){ 100 * i, 100 * i };
		score[i].nominal = 100 * i;
		rank[i] = (uint32_t)(2 - i);
	}
	score[0].why_not = OOM_WHY_ADJ_MIN;
	score[1].points.hi = 150;
	r->event = ev;
	r->score = score;
	r->nscores = 3;
	r->profile = oom_profile_named("5.9");
	r->neligible = 2;
	r->rank = rank;
	r->winner = r->actual = 2;
	r->runner_up = 1;
	r->margin = 50;
	r->drift_bound = r->evidence_line = OOM_NA;
	r->total = (struct oom_range){ 16384, 16384 };
	r->verdict = OOM_VERDICT_EXACT;
	r->reason = OOM_REASON_HIGHEST_BADNESS;
	r->text = OOM_STR("it had the highest badness");
}

static void views_are_for_bare_shells(void **state)
{
	static const struct { const char *sql, *want;
	} facts[] = {
		{ "SELECT hostname, kernel, monotonic_us, realtime, scope, oom_memcg, outcome, victim_pid, "
		  "victim_comm FROM v_event",
		  "db7|6.1.0-28-amd64|119969781|2024-11-20T10:28:00.123456Z|memcg|/kube/"
		  "pod1|killed|102|hog" },
		{ "SELECT verdict, reason, totalpages FROM v_event", "exact|highest_badness|16384" },
		{ "SELECT tgid, points, points_min, points_max, rank, eligible, why_not, line FROM "
		  "v_candidate WHERE pid = 101",
		  "99|100|100|150|2|1|-|42" },
		{ "SELECT points, rank, eligible, why_not FROM v_candidate WHERE pid = 100",
		  "-|3|0|oom_score_adj_min" },
		{ "SELECT reap_outcome, reap_latency_us FROM v_victim", "reaped|1500" },
		{ "SELECT area, node, zone, name, value_kb, value, unit, text FROM v_memory WHERE area = "
		  "'zone'",
		  "zone|0|DMA|free|512|512|kB|-" },
		{ "SELECT area, node, zone, name, value_kb, value, unit FROM v_memory WHERE name = 'dirty'",
		  "global|-|-|dirty|28|7|pages" },
		{ "SELECT zone, name, value_kb, value, text FROM v_memory WHERE area = 'freelist'",
		  "DMA|8kB|-|3|UM" },
		{ "SELECT zone, value_kb FROM v_memory WHERE area = 'memcg'", "/kube/pod1|8" },
		{ "SELECT count(*) FROM v_trace", "0" },
		{ "SELECT hostname, machine_id FROM v_host", "db7|-" },
	};
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev;
	struct oom_replay r;
	struct oom_score score[3];
	uint32_t rank[3];

	(void)state;
	a_small_event(&ev);
	a_small_replay(&r, &ev, score, rank);
	store_put(s, &ev, &r, 1);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(facts); i++)
		assert_string_equal(store_ask(s, facts[i].sql).text, facts[i].want);
	assert_int_equal(scans(s, "SELECT * FROM v_candidate WHERE event_id = 1"), 0);
	assert_int_equal(scans(s, "SELECT * FROM v_victim WHERE event_id = 1"), 0);
	assert_int_equal(scans(s, "SELECT v.kernel, c.comm FROM v_event v JOIN v_candidate c USING "
				  "(event_id) WHERE event_id = 1"),
			 0);
	store_close(s);
	oom_event_release(&ev);
}

static void analyze_replaces_what_was_derived(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_err err = { 0 };
	struct oom_event ev, back;
	struct oom_replay r;
	struct oom_score score[3];
	uint32_t rank[3];
	int64_t id;

	(void)state;
	a_small_event(&ev);
	a_small_replay(&r, &ev, score, rank);
	id = store_put(s, &ev, &r, 1);
	store_load(s, id, &back);
	r.event = &back;
	r.verdict = OOM_VERDICT_INSUFFICIENT;
	r.nscores = 2;
	r.rank = NULL;
	score[1].points = (struct oom_range){ 7, 7 };
	score[1].nominal = 7;
	assert_int_equal(oom_store_analyze(s, &r, &err), 1);
	assert_int_equal(oom_store_analyze(s, &r, &err), 0);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	assert_string_equal(store_ask(s, "SELECT group_concat(verdict) FROM v_event").text, "insufficient");
	assert_string_equal(store_ask(s, "SELECT points, rank, eligible FROM v_candidate WHERE pid = 101").text,
			    "7|-|1");
	assert_string_equal(store_ask(s, "SELECT points, rank, eligible FROM v_candidate WHERE pid = 102").text,
			    "-|-|-");
	store_close(s);
	oom_event_release(&ev);
	oom_event_release(&back);
}

static int count_id(void *arg, int64_t id)
{
	*(int64_t *)arg = *(int64_t *)arg * 10 + id;
	return 0;
}

static void filters_choose_events(void **state)
{
	static const struct { struct oom_filter f; int64_t want; } cases[] = {
		{ { 0 }, 12 },
		{ { .host = "db7" }, 1 },
		{ { .host = "nobody" }, 0 },
		{ { .comm = "h?g" }, 12 },
		{ { .comm = "sh" }, 0 },
		{ { .cgroup = "/kube/*" }, 12 },
		{ { .verdict = "exact" }, 1 },
		{ { .stale = OOMLENS_VERSION }, 2 },
		{ { .stale = "0.0" }, 12 },
		{ { .since_us = 1732098480123457 }, 2 },
		{ { .until_us = 1732098480123457 }, 1 },
		{ { .limit = 1 }, 1 },
	};
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_err err = { 0 };
	struct oom_event ev;
	struct oom_replay r;
	struct oom_score score[3];
	uint32_t rank[3];

	(void)state;
	a_small_event(&ev);
	a_small_replay(&r, &ev, score, rank);
	store_put(s, &ev, &r, 1);
	ev.host = OOM_STR("db8");
	ev.wall_us += 1000000;
	store_put(s, &ev, NULL, 1);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(cases); i++) {
		int64_t got = 0;

		assert_int_equal(oom_store_each(s, &cases[i].f, count_id, &got, &err), 0);
		if (got != cases[i].want)
			fail_msg("filter %zu gives %lld", i, (long long)got);
	}
	store_close(s);
	oom_event_release(&ev);
}

static void queries_only_look(void **state)
{
	static const char *const refused[] = {
		"DELETE FROM event",
		"CREATE TABLE x (a)",
		"PRAGMA user_version = 9",
		"PRAGMA journal_mode = delete",
		"PRAGMA writable_schema = 1",
		"PRAGMA query_only = 0",
		"VACUUM INTO '/tmp/oomlens-stolen'",
		"BEGIN",
		"SELECT load_extension('x')",
		"ATTACH '/tmp/oomlens-stolen' AS x",
		"SELECT 1; DROP TABLE event",
		"WITH a AS (SELECT 1) INSERT INTO host SELECT 1, 2, 3",
	};
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct store_answer a = { .rows = 0 };
	struct oom_err err = { 0 };

	(void)state;
	assert_int_equal(oom_store_query(s, "SELECT 1", 0, &ops, &a, &err), -EPERM);
	store_close(s);
	s = store_open(OOM_STORE_READ);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(refused); i++) {
		memset(&err, 0, sizeof(err));
		if (oom_store_query(s, refused[i], 1000, &ops, &a, &err) != -EPERM)
			fail_msg("%s: %s", refused[i], err.text);
	}
	memset(&err, 0, sizeof(err));
	assert_int_equal(oom_store_query(s,
					 "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
					 "SELECT max(i) FROM n",
					 50, &ops, &a, &err),
			 -ETIME);
	assert_non_null(strstr(err.text, "time limit"));
	memset(&err, 0, sizeof(err));
	assert_int_equal(oom_store_query(s, "SELECT nothing FROM v_event", 0, &ops, &a, &err), -EINVAL);
	assert_non_null(strstr(err.text, "nothing"));
	a = store_ask(s, "SELECT 1; -- two\n SELECT 2;");
	assert_int_equal(a.rows, 2);
	store_close(s);
	assert_int_equal(access("/tmp/oomlens-stolen", F_OK), -1);
}

static void odd_files_are_named(void **state)
{
	struct oom_err err;
	char other[128], garbage[8192];
	int fd;

	(void)state;
	assert_int_equal(open_fails(store_db, OOM_STORE_READ, &err), -ENOENT);
	assert_non_null(strstr(err.text, store_db));
	assert_int_equal(access(store_db, F_OK), -1);
	assert_int_equal(open_fails(dir, OOM_STORE_WRITE, &err), -EISDIR);
	snprintf(other, sizeof(other), "%s/none/a.db", dir);
	assert_true(open_fails(other, OOM_STORE_WRITE, &err) < 0);
	assert_non_null(strstr(err.text, other));

	memset(garbage, 'x', sizeof(garbage));
	fd = open(store_db, O_CREAT | O_WRONLY, 0644);
	assert_int_equal(write(fd, garbage, sizeof(garbage)), sizeof(garbage));
	close(fd);
	assert_int_equal(open_fails(store_db, OOM_STORE_READ, &err), -EBADMSG);
	assert_int_equal(open_fails(store_db, OOM_STORE_WRITE, &err), -EBADMSG);
	unlink(store_db);

	store_shell(store_db, "CREATE TABLE mine (a)");
	assert_int_equal(open_fails(store_db, OOM_STORE_WRITE, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "not a store"));
	unlink(store_db);

	fd = open(store_db, O_CREAT | O_WRONLY, 0644);
	close(fd);
	assert_int_equal(open_fails(store_db, OOM_STORE_READ, &err), -EBADMSG);
	store_close(store_open(OOM_STORE_WRITE));
}

static void newer_and_older_schemas(void **state)
{
	struct oom_err err;

	(void)state;
	store_close(store_open(OOM_STORE_WRITE));
	store_shell(store_db, "PRAGMA user_version = 99");
	assert_int_equal(open_fails(store_db, OOM_STORE_READ, &err), -EEXIST);
	assert_int_equal(open_fails(store_db, OOM_STORE_WRITE, &err), -EEXIST);
	assert_non_null(strstr(err.text, "newer"));
	unlink(store_db);
	/* Before the first section, with the mark of a store: what an interrupted creation leaves. */
	store_shell(store_db, "PRAGMA application_id = 0x4f4f4d4c; PRAGMA journal_mode = wal");
	store_close(store_open(OOM_STORE_WRITE));
	store_close(store_open(OOM_STORE_READ));
}

static void a_file_that_would_act_is_refused(void **state)
{
	static const char *const traps[] = {
		"CREATE TRIGGER t AFTER INSERT ON event BEGIN DELETE FROM task; END",
		"DROP VIEW v_event; CREATE VIEW v_event AS SELECT 1 AS event_id",
		"DROP TABLE task; CREATE VIEW task AS WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k FROM n) SELECT 1",
		"DROP TABLE note",
		"ALTER TABLE note ADD COLUMN x AS (abs(1))",
	};
	struct oom_err err;

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(traps); i++) {
		store_close(store_open(OOM_STORE_WRITE));
		store_shell(store_db, traps[i]);
		assert_int_equal(open_fails(store_db, OOM_STORE_READ, &err), -EBADMSG);
		assert_int_equal(open_fails(store_db, OOM_STORE_WRITE, &err), -EBADMSG);
		unlink(store_db);
	}
}

static void damaged_rows_are_refused(void **state)
{
	static const char *const damage[] = {
		"UPDATE event SET page_size = 'big'",
		"UPDATE event SET rows_off = 'x'",
		"UPDATE word SET text = 'moon' WHERE text = 'memcg'",
		"UPDATE host SET hostname = x'00'",
		"UPDATE who SET comm = x'05'",
		"UPDATE task SET who_id = 99",
		"UPDATE task SET pid = 1.5",
		"INSERT OR REPLACE INTO task_rare (k, cpu) SELECT k, 'x' FROM task",
		"UPDATE task SET k = k + 10 WHERE pid = 102",
		"UPDATE word SET text = 'x' WHERE text = 'chosen'",
		"UPDATE evidence SET raw = x'0128b52ffd'",
		"UPDATE evidence SET raw = 'text'",
		"UPDATE evidence SET memory = '['",
		"UPDATE evidence SET memory = '[[99,0,0,1]]'",
		"UPDATE evidence SET memory = '[[1,0,0,1,2]]'",
		"UPDATE shape SET shape = '{}' WHERE shape_id = 1",
		"UPDATE evidence SET memory = replace(memory, '[1,', '[1,[')",
	};
	struct oom_err err;
	struct oom_event ev, back;
	struct oom_store *s;

	(void)state;
	a_small_event(&ev);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(damage); i++) {
		s = store_open(OOM_STORE_WRITE);
		store_put(s, &ev, NULL, 1);
		store_close(s);
		store_shell(store_db, damage[i]);
		s = store_open(OOM_STORE_READ);
		memset(&err, 0, sizeof(err));
		if (oom_store_load(s, 1, &back, &err) != -EBADMSG)
			fail_msg("%s: %s", damage[i], err.text);
		assert_non_null(strstr(err.text, store_db));
		memset(&err, 0, sizeof(err));
		assert_int_equal(oom_store_load(s, 77, &back, &err), -ENOENT);
		store_close(s);
		unlink(store_db);
	}
	oom_event_release(&ev);
}

/* A writer at work does not hinder readers; a second writer is told why it cannot. */
static void one_writer_many_readers(void **state)
{
	struct oom_store *w = store_open(OOM_STORE_WRITE), *r, *w2;
	struct oom_err err = { 0 };
	struct oom_event ev, back;
	int64_t id;

	(void)state;
	a_small_event(&ev);
	id = store_put(w, &ev, NULL, 1);
	w2 = store_open(OOM_STORE_WRITE);
	assert_int_equal(oom_store_begin(w, &err), 0);
	ev.boot_us++;
	store_put(w, &ev, NULL, 1);
	r = store_open(OOM_STORE_READ);
	assert_string_equal(store_ask(r, "SELECT count(*) FROM v_event").text, "1");
	store_load(r, id, &back);
	oom_event_release(&back);
	assert_int_equal(oom_store_begin(w2, &err), -EAGAIN);
	assert_non_null(strstr(err.text, "lock"));
	memset(&err, 0, sizeof(err));
	assert_int_equal(oom_store_commit(w, &err), 0);
	assert_string_equal(store_ask(r, "SELECT count(*) FROM v_event").text, "2");
	store_close(r);
	store_close(w2);
	store_close(w);
	oom_event_release(&ev);
}

/* The n-th allocation fails, for every n: nothing leaks, nothing half-stored stays. */
static void failing_allocations_are_survived(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev, back;
	bool done = false;

	(void)state;
	test_event_random(&ev, 20);
	for (long n = 1; !done && n < 500; n++) {
		struct oom_store *t = NULL;
		struct oom_err err = { 0 };
		int64_t id;
		int r;

		oom_alloc_fail_at(n);
		r = oom_store_open(store_db, OOM_STORE_WRITE, &t, &err);
		if (!r)
			r = oom_store_put(t, &ev, NULL, &id, &err);
		if (r >= 0) {
			r = oom_store_load(t, id, &back, &err);
			if (!r)
				oom_event_release(&back);
			done = !r;
		}
		oom_alloc_fail_at(0);
		if (r < 0 && r != -ENOMEM)
			fail_msg("allocation %ld: %s", n, err.text);
		(void)oom_store_close(t, NULL);
	}
	assert_true(done);
	store_load(s, store_put(s, &ev, NULL, 0), &back);
	test_event_same(&ev, &back);
	oom_event_release(&back);
	oom_event_release(&ev);
	store_close(s);
}

#define T(f) cmocka_unit_test_setup_teardown(f, store_setup, store_teardown)

int test_store(void)
{
	const struct CMUnitTest tests[] = {
		T(every_field_survives),
		T(an_empty_event_survives),
		T(the_same_event_is_stored_once),
		T(rollback_leaves_the_store_as_it_was),
		T(a_failed_put_spoils_its_transaction),
		T(a_table_has_a_column_for_each_field),
		T(views_are_for_bare_shells),
		T(analyze_replaces_what_was_derived),
		T(filters_choose_events),
		T(queries_only_look),
		T(odd_files_are_named),
		T(newer_and_older_schemas),
		T(a_file_that_would_act_is_refused),
		T(damaged_rows_are_refused),
		T(one_writer_many_readers),
		T(failing_allocations_are_survived),
	};

	return cmocka_run_group_tests_name("store", tests, NULL, NULL);
}
