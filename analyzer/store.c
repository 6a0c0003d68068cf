/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The store's life: open, check, migrate, transactions, statements.  Rows are written in store_put.c and read
 * in store_load.c and store_query.c. */
#include "store_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define APPLICATION_ID 0x4f4f4d4c       /* "OOML": tells a store from any other SQLite file */

/* ISO C promises 4095 bytes of string literal; both compilers take any length. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char schema[] =
#include "schema.inc"
;
#pragma GCC diagnostic pop

const struct oom_store_part oom_store_parts[OOM_STORE_PARTS] = {
	{ "task_recorded", &oom_task_record, true },
	{ "victim", &oom_victim_record, false },
	{ "prior", &oom_prior_record, false },
	{ "life", &oom_life_record, false },
	{ "flight", &oom_flight_record, false },
	{ "note", &oom_note_record, false },
};

/* ---- columns ----------------------------------------------------------------------------------------- */

static bool is_any(const struct oom_field *f, const uint16_t *offset, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (f->offset == offset[i])
			return true;
	return false;
}

static enum oom_column event_column(const struct oom_field *f)
{
	static const uint16_t of_host[] = { offsetof(struct oom_event, host), offsetof(struct oom_event, machine_id) };
	static const uint16_t own[] = { offsetof(struct oom_event, stamp), offsetof(struct oom_event, outcome_text) };

	if (is_any(f, of_host, OOM_ARRAY_SIZE(of_host)))
		return OOM_COLUMN_NONE;
	if (f->type != OOM_TYPE_INT)
		return is_any(f, own, OOM_ARRAY_SIZE(own)) ? OOM_COLUMN_PLAIN : OOM_COLUMN_WORD;
	return f->offset == offsetof(struct oom_event, last_line) || f->offset >= offsetof(struct oom_event, at)
		       ? OOM_COLUMN_LINE : OOM_COLUMN_PLAIN;
}

enum oom_column oom_store_column(const struct oom_record *r, const struct oom_field *f)
{
	static const uint16_t recorded[] = {
		offsetof(struct oom_task, cgroup), offsetof(struct oom_task, kernel_points), offsetof(struct oom_task, kernel_flags),
	};

	if (r == &oom_event_record)
		return event_column(f);
	if (r == &oom_task_record && !is_any(f, recorded, OOM_ARRAY_SIZE(recorded)))
		return OOM_COLUMN_NONE;
	if (f->type == OOM_TYPE_INT || (r == &oom_note_record && f->offset == offsetof(struct oom_note, text)))
		return OOM_COLUMN_PLAIN;
	return OOM_COLUMN_WORD;
}

int64_t oom_store_sane(int64_t v)
{
	return v >= 0 && v < (int64_t)1 << 48 ? v : 0;
}

int64_t oom_store_first_line(const struct oom_event *ev)
{
	return oom_store_sane(ev->first_line);
}

/* ---- statements -------------------------------------------------------------------------------------- */

static const char *const fixed[OOM_ST_FIXED] = {
	[OOM_ST_FIND_EVENT] = "SELECT event_id FROM event WHERE fingerprint = ?",
	[OOM_ST_LIKE_EVENT] =
		("SELECT event_id, lower(hex(fingerprint)) FROM event WHERE fingerprint BETWEEN oom_unhex(?) AND oom_unhex(?)"
		 " ORDER BY event_id"),
	[OOM_ST_FIND_KILL] = "SELECT e.event_id FROM victim AS v JOIN event AS e ON e.event_id = v.k >> 20 WHERE v.k > "
		"((SELECT max(event_id) FROM event) - 512) << 20 AND v.pid = ? AND v.killed_us = ? AND e.boot_id_w = ? LIMIT 1",
	[OOM_ST_HAS_EVENT] = "SELECT 1 FROM event WHERE event_id = ?",
	[OOM_ST_CLEAR_EVENT] = "DELETE FROM event WHERE event_id = ?",
	[OOM_ST_CLEAR_EVIDENCE] = "DELETE FROM evidence WHERE event_id = ?",
	[OOM_ST_FIND_HOST] = "SELECT host_id FROM host WHERE hostname IS ? AND machine_id IS ?",
	[OOM_ST_ADD_HOST] = "INSERT INTO host (hostname, machine_id) VALUES (?, ?)",
	[OOM_ST_ADD_EVIDENCE] = "INSERT INTO evidence (event_id, raw, memory) VALUES (?, ?, ?)",
	[OOM_ST_GET_EVIDENCE] = "SELECT raw, memory FROM evidence WHERE event_id = ?",
	[OOM_ST_FIND_WORD] = "SELECT word_id FROM word WHERE text = ? AND hash = ?",
	[OOM_ST_ADD_WORD] = "INSERT INTO word (text, hash) VALUES (?, ?)",
	[OOM_ST_FIND_WHO] = "SELECT who_id FROM who WHERE comm IS ? AND uid IS ? AND oom_score_adj IS ?",
	[OOM_ST_ADD_WHO] = "INSERT INTO who (comm, uid, oom_score_adj) VALUES (?, ?, ?)",
	[OOM_ST_FIND_SHAPE] = "SELECT shape_id FROM shape WHERE shape = ?",
	[OOM_ST_ADD_SHAPE] = "INSERT INTO shape (shape) VALUES (?)",
	[OOM_ST_GET_SHAPE] = "SELECT shape FROM shape WHERE shape_id = ?",
	/* OR FAIL: see text_of_insert() */
	[OOM_ST_ADD_TASKS] =
		("INSERT OR FAIL INTO task (k, pid, who_id, total_vm_pages, rss_pages, swap_pages, pgtables, place,"
		 " rss_anon_pages, rss_shmem_pages) SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9 FROM feed"),
	[OOM_ST_ADD_RARE] =
		("INSERT OR FAIL INTO task_rare (k, tgid_off, line_off, pgtables_bytes, nr_ptes, nr_pmds, rss_file_pages,"
		 " cpu, oom_adj, points, points_lo, points_hi) SELECT c0, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11 FROM feed"),
	[OOM_ST_GET_TASKS] =
		("SELECT t.k, t.pid, w.comm, w.uid, w.oom_score_adj, t.total_vm_pages, t.rss_pages, t.swap_pages, t.pgtables,"
		 " t.rss_anon_pages, t.rss_shmem_pages, r.k, r.tgid_off, r.line_off, r.pgtables_bytes, r.nr_ptes, r.nr_pmds,"
		 " r.rss_file_pages, r.cpu, r.oom_adj, w.who_id FROM task AS t LEFT JOIN who AS w ON w.who_id = t.who_id"
		 " LEFT JOIN task_rare AS r ON r.k = t.k WHERE t.k >= ? AND t.k < ? ORDER BY t.k"),
	[OOM_ST_SET_ROWS] = "UPDATE event SET rows_off = ? WHERE event_id = ?",
	[OOM_ST_PLACE_TASK] = "UPDATE task SET place = ?, pgtables = ? WHERE k = ?",
	[OOM_ST_CLEAR_TASKS] = "DELETE FROM task WHERE k >= ? AND k < ?",
	[OOM_ST_CLEAR_RARE] = "DELETE FROM task_rare WHERE k >= ? AND k < ?",
	[OOM_ST_ADD_VERDICT] =
		("INSERT INTO verdict (event_id, engine_w, verdict_w, reason_w, text, evidence_line, profile_w,"
		 " profile_how_w, unit_w, totalpages_lo, totalpages_hi, totalpages_how_w, adj_pages, adj_pages_lo,"
		 " adj_pages_hi, eligible, winner, runner_up,"
		 " actual, margin, drift_bound) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
	[OOM_ST_SAME_VERDICT] = "SELECT 1 FROM verdict WHERE event_id = ? AND verdict_w = ? AND reason_w = ?",
	[OOM_ST_CLEAR_VERDICT] = "DELETE FROM verdict WHERE event_id = ?",
	[OOM_ST_ADD_DIGEST] =
		("INSERT INTO digest (event_id, candidates, eligible, largest_pid, largest_comm_w, largest_pages,"
		 " unadjusted_pid, unadjusted_comm_w, adj_decided, unkillable_tasks, unkillable_pages, free_kb, grower_pid,"
		 " grower_comm_w, growth_kb, growth_us, unit_w, slice_w, user_id, pod_uid_w, container_id_w, runtime_w, qos_w,"
		 " cause_w, weight) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),
	[OOM_ST_CLEAR_DIGEST] = "DELETE FROM digest WHERE event_id = ?",
	[OOM_ST_GET_MARK] =
		("SELECT next_line, oom_kill, kills, log_lost, facts_lost, seen_us FROM recorder"
		 " WHERE host_id = ? AND boot_id = ?"),
	[OOM_ST_PUT_MARK] =
		("INSERT OR REPLACE INTO recorder (host_id, boot_id, next_line, oom_kill, kills, log_lost,"
		 " facts_lost, seen_us) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"),
	[OOM_ST_ADD_TRACE] =
		("INSERT INTO trace (host_id, boot_id, monotonic_us, name, pid, comm, detail, feed, seen_us)"
		 " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"),
	/* Those that nobody can date come first.  Dated ones come by their index, the others are few where a
	 * recorder writes: it knows the time. */
	[OOM_ST_OLDEST_EVENTS] =
		("SELECT event_id, t FROM ("
		 "SELECT * FROM (SELECT event_id, wall_us AS t FROM event WHERE wall_us IS NOT NULL"
		 " ORDER BY wall_us, event_id LIMIT ?1)"
		 " UNION ALL SELECT e.event_id, r.seen_us AS t FROM event AS e"
		 " LEFT JOIN word AS b ON b.word_id = e.boot_id_w"
		 " LEFT JOIN recorder AS r ON r.host_id = e.host_id AND r.boot_id = b.text WHERE e.wall_us IS NULL"
		 ") WHERE ?2 IS NULL OR t < ?2 ORDER BY t, event_id LIMIT ?1"),
	[OOM_ST_OLDEST_TRACE] =
		("SELECT t.trace_id, coalesce(t.seen_us, r.seen_us) FROM trace AS t"
		 " LEFT JOIN recorder AS r ON r.host_id = t.host_id AND r.boot_id = t.boot_id"
		 " ORDER BY t.trace_id LIMIT ?"),
	[OOM_ST_CLEAR_TRACE] = "DELETE FROM trace WHERE trace_id <= ?",
};

/* Names in the tables are plain ASCII words of ours, but "order" and "constraint" are SQL's as well. */
static int add_column(struct oom_buf *b, const struct oom_field *f, enum oom_column as)
{
	static const char *const suffix[] = { [OOM_COLUMN_PLAIN] = "", [OOM_COLUMN_WORD] = "_w", [OOM_COLUMN_LINE] = "_off" };

	return oom_buf_fmt(b, ", \"%s%s\"", f->key, suffix[as]);
}

static int add_columns(struct oom_buf *b, const struct oom_record *r)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < r->nfields; i++) {
		enum oom_column as = oom_store_column(r, &r->field[i]);

		if (as != OOM_COLUMN_NONE)
			ret = add_column(b, &r->field[i], as);
	}
	return ret;
}

/* The same to be read: words as their texts. */
static int add_values(struct oom_buf *b, const struct oom_record *r)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < r->nfields; i++) {
		enum oom_column as = oom_store_column(r, &r->field[i]);

		if (as == OOM_COLUMN_WORD)
			ret = oom_buf_fmt(b, ", (SELECT text FROM word WHERE word_id = \"%s_w\")", r->field[i].key);
		else if (as != OOM_COLUMN_NONE)
			ret = add_column(b, &r->field[i], as);
	}
	return ret;
}

static int add_holes(struct oom_buf *b, size_t n)
{
	int ret = oom_buf_fmt(b, "(?");

	for (size_t i = 1; !ret && i < n; i++)
		ret = oom_buf_fmt(b, ", ?");
	return ret ? ret : oom_buf_fmt(b, ")");
}

/* OR FAIL: with ABORT, which is the default, SQLite copies every page before a statement of many rows writes to it, to
 * undo that statement alone.  Whoever writes here rolls back the whole transaction. */
static int text_of_insert(struct oom_buf *b, const struct oom_store_part *p, uint64_t columns)
{
	int r = oom_buf_fmt(b, "INSERT OR FAIL INTO %s (k", p->table);

	for (size_t i = 0; !r && i < p->rec->nfields; i++)
		if (columns >> i & 1)
			r = add_column(b, &p->rec->field[i], oom_store_column(p->rec, &p->rec->field[i]));
	if (!r)
		r = oom_buf_fmt(b, ") SELECT c0");
	for (size_t i = 0; !r && i < p->rec->nfields; i++)
		if (columns >> i & 1)
			r = oom_buf_fmt(b, ", c%zu", i + 1);
	return r ? r : oom_buf_fmt(b, " FROM feed");
}

static size_t count_columns(const struct oom_record *r)
{
	size_t n = 0;

	for (size_t i = 0; i < r->nfields; i++)
		n += oom_store_column(r, &r->field[i]) != OOM_COLUMN_NONE;
	return n;
}

static int text_of(struct oom_buf *b, unsigned id)
{
	const struct oom_store_part *p;
	int r;

	if (id < OOM_ST_FIXED)
		return oom_buf_fmt(b, "%s", fixed[id]);
	if (id == OOM_ST_ADD_EVENT) {
		r = oom_buf_fmt(b, "INSERT INTO event (event_id, host_id, fingerprint, rows_off");
		if (!r)
			r = add_columns(b, &oom_event_record);
		if (!r)
			r = oom_buf_fmt(b, ") VALUES ");
		return r ? r : add_holes(b, 4 + count_columns(&oom_event_record));
	}
	if (id == OOM_ST_GET_EVENT) {
		r = oom_buf_fmt(b, "SELECT hostname, machine_id, rows_off");
		if (!r)
			r = add_values(b, &oom_event_record);
		return r ? r : oom_buf_fmt(b, " FROM event AS e LEFT JOIN host AS h ON h.host_id = e.host_id WHERE event_id = ?");
	}
	if (id >= OOM_ST_CLEAR_PART)
		return oom_buf_fmt(b, "DELETE FROM %s WHERE k >= ? AND k < ?",
				   oom_store_parts[id - OOM_ST_CLEAR_PART].table);
	p = &oom_store_parts[id - OOM_ST_GET_PART];
	r = oom_buf_fmt(b, "SELECT k");
	if (!r)
		r = add_values(b, p->rec);
	return r ? r : oom_buf_fmt(b, " FROM %s WHERE k >= ? AND k < ? ORDER BY k", p->table);
}

int oom_store_statement(struct oom_store *s, unsigned id, struct oom_sql_stmt **ret, struct oom_err *reterr)
{
	int r = 0;

	if (!s->st[id]) {
		s->text.n = 0;
		if (text_of(&s->text, id) || oom_buf_add(&s->text, "", 1))
			return oom_store_fail(s, ENOMEM, "cannot use", reterr);
		r = oom_sql_prepare(s->sql, s->text.p, &s->st[id], NULL, reterr);
	}
	*ret = s->st[id];
	return r;
}

int oom_store_insert(struct oom_store *s, const struct oom_store_part *part, uint64_t columns,
		     struct oom_sql_stmt **ret, struct oom_err *reterr)
{
	struct oom_store_insert *in;
	int r;

	for (size_t i = 0; i < OOM_STORE_INSERTS; i++) {
		in = &s->insert[i];
		if (in->part == part && in->columns == columns) {
			*ret = in->st;
			return 0;
		}
	}
	in = &s->insert[s->next_insert++ % OOM_STORE_INSERTS];
	oom_sql_finalize(in->st);
	*in = (struct oom_store_insert){ 0 };
	s->text.n = 0;
	if (text_of_insert(&s->text, part, columns) || oom_buf_add(&s->text, "", 1))
		return oom_store_fail(s, ENOMEM, "cannot use", reterr);
	r = oom_sql_prepare(s->sql, s->text.p, ret, NULL, reterr);
	if (!r)
		*in = (struct oom_store_insert){ part, columns, *ret };
	return r;
}

int oom_store_fail(struct oom_store *s, int code, const char *what, struct oom_err *reterr)
{
	return oom_err_set(reterr, code, "%s '%s': %s", what, oom_sql_path(s->sql), strerror(code));
}

/* ---- schema ------------------------------------------------------------------------------------------ */

const char *oom_schema_section(const char *what, int v, size_t *n)
{
	char mark[32];
	const char *p, *end;

	snprintf(mark, sizeof(mark), "-- @%s %d\n", what, v);
	p = strstr(schema, mark);
	if (!p)
		return NULL;
	end = strstr(p + strlen(mark), "\n-- @");
	*n = end ? (size_t)(end - p) : strlen(p);
	return p;
}

static int newest(void)
{
	size_t n;
	int v = 0;

	while (oom_schema_section("version", v + 1, &n))
		v++;
	return v;
}

static int run_section(struct oom_sql *sql, int v, struct oom_buf *b, struct oom_err *reterr)
{
	size_t n = 0;
	const char *p = oom_schema_section("version", v, &n);

	b->n = 0;
	if (oom_buf_add(b, p, n) || oom_buf_fmt(b, ";\nPRAGMA user_version = %d", v) || oom_buf_add(b, "", 1))
		return oom_err_set(reterr, ENOMEM, "cannot use '%s': out of memory", oom_sql_path(sql));
	return oom_sql_exec(sql, b->p, reterr);
}

static int check_schema(struct oom_sql *sql, int version, struct oom_err *reterr);

/* Each step looks at the version again: another process may be migrating the same file.  check: it may come from anywhere;
 * what stands in the place of a table of ours is not to be run. */
static int migrate(struct oom_sql *sql, int to, bool check, struct oom_err *reterr)
{
	struct oom_buf b = { 0 };
	int64_t v = 0;
	int r = 0;

	while (!r && v < to) {
		r = oom_sql_exec(sql, "BEGIN IMMEDIATE", reterr);
		if (!r)
			r = oom_sql_get_int(sql, "PRAGMA user_version", &v, reterr);
		if (!r && v < to && check)
			r = check_schema(sql, (int)v, reterr);
		if (!r && v < to)
			r = run_section(sql, (int)++v, &b, reterr);
		if (!r)
			r = oom_sql_exec(sql, "COMMIT", reterr);
		if (r && oom_sql_in_transaction(sql))
			(void)oom_sql_exec(sql, "ROLLBACK", NULL);
	}
	oom_buf_release(&b);
	return r;
}

/* Everything that schema.sql makes must stand in the file word for word, and no trigger may: a file from
 * elsewhere could otherwise hold a view or a computed column in the place of a table, and run what its author
 * wrote. */
static int compare_schema(struct oom_sql *sql, struct oom_sql *model, struct oom_err *reterr)
{
	struct oom_sql_stmt *want = NULL, *have = NULL;
	int r = oom_sql_prepare(model, "SELECT type, name, sql FROM sqlite_schema", &want, NULL, reterr);

	if (!r)
		r = oom_sql_prepare(
			sql,
			"SELECT count(*) FROM sqlite_schema WHERE type = ? AND name = ? AND sql IS ?"
			" AND NOT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'trigger')",
			&have, NULL, reterr);
	while (!r && (r = oom_sql_step(model, want, reterr)) == 1) {
		for (int i = 0; i < 3; i++)
			oom_sql_bind_text(have, i + 1, oom_sql_bytes(want, i));
		r = oom_sql_step(sql, have, reterr);
		if (r == 1 && oom_sql_int(have, 0) != 1)
			r = oom_err_set(
				reterr, EBADMSG,
				"cannot use '%s': its %s '%.*s' is not the one that oomlens makes, or it has "
				"triggers",
				oom_sql_path(sql), oom_sql_bytes(want, 0).p, (int)oom_sql_bytes(want, 1).n,
				oom_sql_bytes(want, 1).p);
		oom_sql_reset(have);
		r = r < 0 ? r : 0;
	}
	oom_sql_finalize(want);
	oom_sql_finalize(have);
	return r;
}

static int make_model(int version, struct oom_sql **ret, struct oom_err *reterr)
{
	int r = oom_sql_open("", OOM_SQL_CREATE, ret, reterr);

	if (r)
		return r;
	r = oom_sql_functions(*ret, oom_dict_word, NULL, reterr);        /* never called: its tables are empty */
	if (!r)
		r = migrate(*ret, version, false, reterr);
	if (r)
		(void)oom_sql_close(*ret, NULL);
	return r;
}

/* To make one takes longer than to open a store; see oom_store_keep_model(). */
static struct oom_sql *kept;

int oom_store_keep_model(bool keep, struct oom_err *reterr)
{
	if (keep && !kept)
		return make_model(newest(), &kept, reterr);
	if (!keep) {
		(void)oom_sql_close(kept, NULL);
		kept = NULL;
	}
	return 0;
}

static int check_schema(struct oom_sql *sql, int version, struct oom_err *reterr)
{
	struct oom_sql *model = version == newest() ? kept : NULL;
	int r;

	if (model)
		return compare_schema(sql, model, reterr);
	r = make_model(version, &model, reterr);
	if (r)
		return r;
	r = compare_schema(sql, model, reterr);
	(void)oom_sql_close(model, NULL);
	return r;
}

/* ---- open and close ---------------------------------------------------------------------------------- */

/* Readers never wait for a writer with a write-ahead log; a power cut may cost the last
 * commits, never the file. */
static int settings(struct oom_sql *sql, struct oom_err *reterr)
{
	return oom_sql_exec(
		sql,
		"PRAGMA synchronous = NORMAL; PRAGMA cache_size = -16000; PRAGMA wal_autocheckpoint = 4000;"
		" PRAGMA foreign_keys = OFF",
		reterr);
}

static int create(struct oom_sql *sql, struct oom_err *reterr)
{
	int r = oom_sql_exec(sql, "PRAGMA page_size = 16384; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL", reterr);
	char text[64];

	snprintf(text, sizeof(text), "PRAGMA application_id = %d", APPLICATION_ID);
	return r ? r : oom_sql_exec(sql, text, reterr);
}

static int check_version(struct oom_sql *sql, enum oom_store_mode mode, int64_t version,
			 struct oom_err *reterr)
{
	const char *path = oom_sql_path(sql);

	if (version > newest())
		return oom_err_set(
			reterr, EEXIST,
			"cannot use '%s': it was made by a newer oomlens (schema %lld, this one knows %d)",
			path, (long long)version, newest());
	if (version < newest() && mode == OOM_STORE_READ)
		return oom_err_set(
			reterr, EROFS,
			"cannot read '%s': it has the older schema %lld; 'oomlens analyze --db %s' "
			"brings it up to date where it can be written",
			path, (long long)version, path);
	return 0;
}

static int open_schema(struct oom_sql *sql, enum oom_store_mode mode, struct oom_err *reterr)
{
	int64_t objects = 0, app = 0, version = 0;
	int r = oom_sql_get_int(sql, "SELECT count(*) FROM sqlite_schema", &objects, reterr);

	if (!r)
		r = oom_sql_get_int(sql, "PRAGMA application_id", &app, reterr);
	if (!r)
		r = oom_sql_get_int(sql, "PRAGMA user_version", &version, reterr);
	if (r)
		return r;
	if (version < 0)
		return oom_err_set(reterr, EBADMSG, "cannot use '%s': it is not a store of oomlens", oom_sql_path(sql));
	if (!objects && !version && (!app || app == APPLICATION_ID) && mode == OOM_STORE_WRITE)
		r = create(sql, reterr);
	else if (app != APPLICATION_ID || !objects)
		return oom_err_set(reterr, EBADMSG, "cannot use '%s': it is not a store of oomlens",
				   oom_sql_path(sql));
	if (!r)
		r = check_version(sql, mode, version, reterr);
	if (!r && version < newest())
		r = migrate(sql, newest(), true, reterr);
	if (!r)
		r = check_schema(sql, newest(), reterr);
	if (!r)
		oom_sql_trust(sql);
	return r;
}

/* The names behind task.why_not, for shells that do not know the enumeration. */
static int write_names(struct oom_sql *sql, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int64_t have = 0, want = 1;
	int r = oom_sql_get_int(sql, "SELECT count(*) FROM why_not", &have, reterr);

	while (oom_why_not_names[want])
		want++;
	if (r || have >= want - 1)
		return r;
	r = oom_sql_prepare(sql, "INSERT OR IGNORE INTO why_not (code, name) VALUES (?, ?)", &st, NULL,
			    reterr);
	for (int64_t i = 1; !r && i < want; i++) {
		oom_sql_bind_int(st, 1, i);
		oom_sql_bind_text(st, 2, oom_str_from(oom_why_not_names[i]));
		r = oom_sql_run(sql, st, reterr);
	}
	oom_sql_finalize(st);
	return r;
}

int oom_store_is_older(struct oom_sql *sql, struct oom_err *reterr)
{
	int64_t app = 0, version = 0;
	int r = oom_sql_get_int(sql, "PRAGMA application_id", &app, reterr);

	if (!r)
		r = oom_sql_get_int(sql, "PRAGMA user_version", &version, reterr);
	return r ? r : app == APPLICATION_ID && version > 0 && version < newest();
}

int oom_store_open(const char *path, enum oom_store_mode mode, struct oom_store **ret, struct oom_err *reterr)
{
	return oom_store_open_as(path, mode, NULL, 0, ret, reterr);
}

int oom_store_open_as(const char *path, enum oom_store_mode mode, const char *shown, int64_t limit_ms, struct oom_store **ret,
		      struct oom_err *reterr)
{
	struct oom_store *s = oom_malloc(sizeof(*s));
	int r;

	if (!s)
		return oom_err_set(reterr, ENOMEM, "cannot open '%s': out of memory", path);
	*s = (struct oom_store){ .mode = mode };
	r = oom_sql_open(path, mode == OOM_STORE_READ ? OOM_SQL_READ : OOM_SQL_CREATE, &s->sql, reterr);
	if (!r && shown)
		r = oom_sql_show(s->sql, shown, reterr);
	if (!r && limit_ms)
		oom_sql_limit(s->sql, limit_ms);
	if (!r)
		r = oom_sql_functions(s->sql, oom_dict_word, s, reterr);
	if (!r)
		r = open_schema(s->sql, mode, reterr);
	if (!r && mode == OOM_STORE_WRITE)
		r = settings(s->sql, reterr);
	if (!r && mode == OOM_STORE_WRITE)
		r = oom_sql_feed_init(s->sql, reterr);
	if (!r && mode == OOM_STORE_WRITE)
		r = write_names(s->sql, reterr);
	if (!r && oom_packer_new(&s->packer))
		r = oom_err_set(reterr, ENOMEM, "cannot open '%s': out of memory", path);
	if (r) {
		(void)oom_store_close(s, NULL);
		return r;
	}
	*ret = s;
	return 0;
}

int oom_store_close(struct oom_store *s, struct oom_err *reterr)
{
	struct oom_buf *bufs[8];
	int r;

	if (!s)
		return 0;
	bufs[0] = &s->lines, bufs[1] = &s->packed, bufs[2] = &s->memory, bufs[3] = &s->text;
	bufs[4] = &s->ids, bufs[5] = &s->rare, bufs[6] = &s->ranks, bufs[7] = &s->last_host_text;
	oom_store_rollback(s);
	r = oom_sql_close(s->sql, reterr);
	oom_packer_free(s->packer);
	for (size_t i = 0; i < OOM_DICTS; i++)
		oom_dict_free(s->dict[i]);
	oom_store_remove_copy(s->copy);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(bufs); i++)
		oom_buf_release(bufs[i]);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(s->stream); i++)
		oom_buf_release(&s->stream[i]);
	oom_free(s);
	return r;
}

int oom_store_durable(struct oom_store *s, int busy_ms, struct oom_err *reterr)
{
	char text[160];

	snprintf(text, sizeof(text), "PRAGMA synchronous = FULL; PRAGMA cache_size = -1000; PRAGMA wal_autocheckpoint = 256;"
		 " PRAGMA busy_timeout = %d", busy_ms);
	return oom_sql_exec(s->sql, text, reterr);
}

void oom_store_settle(struct oom_store *s)
{
	(void)oom_sql_exec(s->sql, "PRAGMA wal_checkpoint(TRUNCATE)", NULL);
}

/* ---- transactions ------------------------------------------------------------------------------------ */

int oom_store_begin(struct oom_store *s, struct oom_err *reterr)
{
	return oom_sql_exec(s->sql, "BEGIN IMMEDIATE", reterr);
}

int oom_store_commit(struct oom_store *s, struct oom_err *reterr)
{
	int r;

	if (s->failed) {
		oom_store_rollback(s);
		return oom_err_set(reterr, EIO,
				   "cannot write '%s': an earlier step failed, nothing was stored",
				   oom_sql_path(s->sql));
	}
	r = oom_sql_exec(s->sql, "COMMIT", reterr);
	if (r)
		oom_store_rollback(s);
	return r;
}

void oom_store_rollback(struct oom_store *s)
{
	/* Ids that this transaction gave away are free again. */
	for (size_t i = 0; i < OOM_DICTS; i++)
		oom_dict_clear(s->dict[i]);
	s->last_host_id = 0;
	s->failed = false;
	if (s->sql && oom_sql_in_transaction(s->sql))
		(void)oom_sql_exec(s->sql, "ROLLBACK", NULL);
}
