/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store from elsewhere: opened for reading, every event loaded, listed and seen through the views; then merged into
 * another one, which must stay sound whatever it was.  The
 * first byte of the input says what the rest is: even     patches of a good store: two bytes of position (in
 * units of 16), one of length, then bytes; repeated odd      values: a length byte each, put where the loader
 * reads packed text (raw, memory, shape) and names 'S'      the whole file, as SQLite files begin with it
 */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <oomlens/live.h>
#include <oomlens/store.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char path[64];           /* of a store that is written anew for each input */
static char kept[80];           /* of one whose values change and come back: both its handles stay open */
static char dest[80];           /* of one that others are merged into */
static sqlite3 *writer;
static struct oom_store *reader;
static unsigned char *base;
static size_t base_size;

static const char *const changed[] = { "evidence", "shape", "event", "victim", "task", "task_rare",
	"task_recorded", "life", "flight", "word", "who" };

static void fill(struct oom_event *ev, const struct oom_record *r, void *rec, int64_t n)
{
	for (size_t i = 0; i < r->nfields; i++) {
		if (r->field[i].type == OOM_TYPE_STR)
			oom_field_set_str(&r->field[i], rec,
					  oom_arena_fmt(&ev->arena, "text %lld", (long long)n));
		else
			oom_field_set_int(&r->field[i], rec, r->field[i].type == OOM_TYPE_INT ? n : n % 2);
	}
}

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void remove_files(void)
{
	static const char *const ends[] = { "", "-wal", "-shm" };
	char name[96];

	for (size_t i = 0; i < OOM_ARRAY_SIZE(ends); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		unlink(name);
		snprintf(name, sizeof(name), "%s%s", kept, ends[i]);
		unlink(name);
		snprintf(name, sizeof(name), "%s%s", dest, ends[i]);
		unlink(name);
	}
}

static void finish(void)
{
	(void)oom_store_close(reader, NULL);
	sqlite3_close(writer);
	remove_files();
}

static void make_base(void)
{
	const struct oom_store_mark mark = { .host = OOM_STR("text 0"), .boot_id = OOM_STR("text 0"), .seen_us = 1 };
	const struct oom_fact fact = { .kind = OOM_FACT_SCORE_ADJ, .comm = OOM_STR("text 0") };
	struct oom_store *s;
	struct oom_err err = { 0 };
	int64_t id;
	FILE *f;

	snprintf(path, sizeof(path), "%s/oomlens-fuzz-%d.db", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm",
		 (int)getpid());
	snprintf(kept, sizeof(kept), "%s.kept", path);
	snprintf(dest, sizeof(dest), "%s.dest", path);
	(void)setenv("TMPDIR", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm", 1);
	atexit(finish);
	need(oom_store_open(path, OOM_STORE_WRITE, &s, &err) == 0);
	for (int e = 0; e < 2; e++) {
		struct oom_replay replay;
		struct oom_event ev;

		oom_event_init(&ev);
		fill(&ev, &oom_event_record, &ev, e);
		for (int p = 0; p < OOM_PARTS; p++)
			for (int i = 0; i < 4; i++)
				fill(&ev, oom_parts[p], oom_event_add(&ev, oom_parts[p]), i);
		need(oom_replay_run(&ev, NULL, &replay) == 0 && oom_replay_rank(&replay) == 0);
		need(oom_store_put(s, &ev, &replay, &id, &err) == 1);
		oom_replay_release(&replay);
		oom_event_release(&ev);
	}
	need(oom_store_put_mark(s, &mark, &err) == 0);
	need(oom_store_trace(s, &mark, "trace", &fact, &err) == 0);
	need(oom_store_close(s, &err) == 0);
	f = fopen(path, "rb");
	need(f && fseek(f, 0, SEEK_END) == 0);
	base_size = (size_t)ftell(f);
	base = malloc(base_size);
	rewind(f);
	need(base && fread(base, 1, base_size, f) == base_size);
	fclose(f);
}

static void write_file(const char *name, const unsigned char *p, size_t n)
{
	FILE *f = fopen(name, "wb");

	need(f && fwrite(p, 1, n, f) == n);
	fclose(f);
}

static void patch(const uint8_t *data, size_t size)
{
	unsigned char *copy = malloc(base_size);

	need(copy != NULL);
	memcpy(copy, base, base_size);
	while (size > 3) {
		size_t at = ((size_t)data[0] << 8 | data[1]) * 16 % base_size, n = data[2] % 32;

		data += 3;
		size -= 3;
		n = n < size ? n : size;
		n = n < base_size - at ? n : base_size - at;
		memcpy(copy + at, data, n);
		data += n;
		size -= n;
	}
	write_file(path, copy, base_size);
	free(copy);
}

static void run(const char *sql)
{
	need(sqlite3_exec(writer, sql, NULL, NULL, NULL) == SQLITE_OK);
}

static void restore(void)
{
	run("BEGIN");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(changed); i++) {
		char sql[128];

		snprintf(sql, sizeof(sql), "DELETE FROM %s; INSERT INTO %s SELECT * FROM saved.%s", changed[i],
			 changed[i], changed[i]);
		run(sql);
	}
	run("COMMIT");
}

/* Opening a store costs more than all that is then done with it. */
static void open_kept(void)
{
	write_file(kept, base, base_size);
	need(sqlite3_open(kept, &writer) == SQLITE_OK);
	run("ATTACH ':memory:' AS saved; PRAGMA synchronous = OFF");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(changed); i++) {
		char sql[128];

		snprintf(sql, sizeof(sql), "CREATE TABLE saved.%s AS SELECT * FROM main.%s", changed[i], changed[i]);
		run(sql);
	}
	need(oom_store_open(kept, OOM_STORE_READ, &reader, NULL) == 0);
}

static void set_values(const uint8_t *data, size_t size)
{
	static const char *const sql[] = {
		"UPDATE evidence SET raw = ? WHERE event_id = 1",
		"UPDATE evidence SET memory = CAST(? AS TEXT) WHERE event_id = 1",
		"UPDATE OR IGNORE shape SET shape = CAST(? AS TEXT) WHERE shape_id = 1",
		"UPDATE event SET scope_w = ?",
		"UPDATE word SET text = CAST(? AS TEXT) WHERE word_id % 2",
		"UPDATE who SET comm = CAST(? AS TEXT)",
		"UPDATE task SET who_id = ?",
		"UPDATE task SET pgtables = unicode(?)",
		"UPDATE task_rare SET line_off = ?",
		"UPDATE event SET rows_off = unicode(?)",
		"UPDATE event SET last_line_off = ?",
		"UPDATE task SET k = k + ?",
		"UPDATE OR IGNORE event SET event_id = ?",
		"UPDATE task SET pid = ?",
		"UPDATE task_recorded SET k = k + ?",
		"UPDATE task_recorded SET cgroup_w = ?",
		"UPDATE life SET freed_by_w = unicode(?)",
		"UPDATE life SET marked_us = ?",
		"UPDATE flight SET cmdline_w = unicode(?)",
		"UPDATE event SET ballot_w = unicode(?)",
	};

	run("BEGIN");
	while (size > 2) {
		const char *text = sql[data[0] % OOM_ARRAY_SIZE(sql)];
		size_t n = data[1];
		sqlite3_stmt *st;

		data += 2;
		size -= 2;
		n = n < size ? n : size;
		need(sqlite3_prepare_v2(writer, text, -1, &st, NULL) == SQLITE_OK);
		sqlite3_bind_blob(st, 1, data, (int)n, SQLITE_STATIC);
		sqlite3_step(st);
		sqlite3_finalize(st);
		data += n;
		size -= n;
	}
	run("COMMIT");
}

static int load(void *arg, int64_t id)
{
	struct oom_event ev;

	if (oom_store_load(arg, id, &ev, NULL) == 0)
		oom_event_release(&ev);
	return 0;
}

static int row(void *arg, size_t n, const struct oom_value *v)
{
	size_t *sum = arg;

	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < v[i].s.n; k++)
			*sum += (unsigned char)v[i].s.p[k];
	return 0;
}

static void look(struct oom_store *s)
{
	static const struct oom_query_ops ops = { .row = row };
	static const struct oom_filter everything;
	size_t sum = 0;

	(void)oom_store_each(s, &everything, load, s, NULL);
	for (int64_t id = 0; id < 4; id++)
		load(s, id);
	(void)oom_store_list(s, &everything, &ops, &sum, NULL);
	(void)oom_store_query(s, "SELECT * FROM v_memory; SELECT * FROM v_candidate; SELECT * FROM v_victim;"
			      " SELECT * FROM v_life; SELECT * FROM v_flight; SELECT * FROM v_recorder; SELECT * FROM v_trace",
			      1000, &ops, &sum, NULL);
}

static void look_at_file(void)
{
	struct oom_store *s;

	if (oom_store_open(path, OOM_STORE_READ, &s, NULL))
		return;
	look(s);
	(void)oom_store_close(s, NULL);
}

static void check_dest(void)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *st = NULL;

	need(sqlite3_open(dest, &db) == SQLITE_OK);
	need(sqlite3_prepare_v2(db, "PRAGMA integrity_check", -1, &st, NULL) == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW);
	need(!strcmp((const char *)sqlite3_column_text(st, 0), "ok"));
	sqlite3_finalize(st);
	need(sqlite3_exec(db, "SELECT count(value) FROM v_memory", NULL, NULL, NULL) == SQLITE_OK);
	sqlite3_close(db);
}

/* Whatever is wrong, it is the source's. */
static void merge_file(void)
{
	static int merges;
	struct oom_store *into = NULL, *source = NULL;
	struct oom_merged done;

	if (++merges % 64 == 0 && access(dest, F_OK) == 0) {
		check_dest();
		unlink(dest);
	}
	if (oom_store_open_source(path, &source, NULL))
		return;
	need(oom_store_open(dest, OOM_STORE_WRITE, &into, NULL) == 0);
	need(oom_store_merge(into, source, &done, NULL) >= 0);
	(void)oom_store_close(source, NULL);
	need(oom_store_close(into, NULL) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!base)
		make_base();
	if (!size)
		return 0;
	if (data[0] != 'S' && data[0] % 2) {
		if (!reader)
			open_kept();
		set_values(data + 1, size - 1);
		look(reader);
		restore();
		/* it forgets the texts that it has kept */
		oom_store_rollback(reader);
		return 0;
	}
	if (data[0] == 'S')
		write_file(path, data, size);
	else
		patch(data + 1, size - 1);
	look_at_file();
	merge_file();
	return 0;
}
