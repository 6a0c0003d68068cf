/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store into a fleet's database.  What the views of the store show goes there as it is, so that they are the only place
 * that knows how; ids are made of what they name, so that many writers agree on them without asking.
 *
 * One transaction: lock the hosts, ask which events the server has, decide which accounts are better, delete those that are
 * beaten, copy the others in.  Nothing else is asked of the server than what also works through foreign tables, where there
 * is no INSERT ... ON CONFLICT DO UPDATE.
 */
#include "pg_impl.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define COPY_BYTES   65536
#define DELETE       1000               /* events per statement */
#define TEXT_MAX     65536              /* as in a merge of stores */
#define LIMIT_TIMES  10                 /* as long as a merge of stores may read it: the server takes its time */
#define TRIES        10
#define STALE_TRIES  3

/* ---- small help -------------------------------------------------------------------------------------- */

int oom_pg_no_memory(struct oom_pg_merge *m)
{
	return oom_err_set(m->err, ENOMEM, "cannot merge '%s': out of memory", oom_sql_path(m->s->sql));
}

static int prepare(struct oom_pg_merge *m, const char *sql, struct oom_sql_stmt **ret)
{
	return oom_sql_prepare(m->s->sql, sql, ret, NULL, m->err);
}

static int step(struct oom_pg_merge *m, struct oom_sql_stmt *st)
{
	return oom_sql_step(m->s->sql, st, m->err);
}

static int script(struct oom_pg_merge *m, const char *sql)
{
	return oom_pg_script(m->pg, sql, m->err);
}

/* ---- rows as COPY wants them ------------------------------------------------------------------------- */

/* PostgreSQL holds valid UTF-8 without NUL; the bytes themselves are in the evidence. */
static int add_text(struct oom_pg_merge *m, struct oom_str s)
{
	struct oom_buf *b = &m->line;
	int r = 0;

	oom_arena_reset(&m->a);
	s = oom_str_utf8(&m->a, s);
	if (!s.p)
		return -ENOMEM;
	for (size_t i = 0, from = 0; !r && i <= s.n; i++) {
		const char *as = i == s.n ? "" : s.p[i] == '\\' ? "\\\\" : s.p[i] == '\n' ? "\\n" : s.p[i] == '\r' ? "\\r"
			       : s.p[i] == '\t' ? "\\t" : s.p[i] == '\0' ? "\xef\xbf\xbd" : NULL;

		if (!as)
			continue;
		r = oom_buf_add(b, s.p + from, i - from);
		from = i + 1;
		if (!r)
			r = oom_buf_add(b, as, strlen(as));
	}
	return r;
}

static int add_blob(struct oom_buf *b, struct oom_str s)
{
	static const char digits[] = "0123456789abcdef";
	int r = oom_buf_add(b, "\\\\x", 3);

	for (size_t i = 0; !r && i < s.n; i++) {
		const char hex[] = { digits[(unsigned char)s.p[i] >> 4], digits[s.p[i] & 15] };

		r = oom_buf_add(b, hex, 2);
	}
	return r;
}

static int add_bounded(struct oom_pg_merge *m, struct oom_str s)
{
	if (s.n > TEXT_MAX)
		return oom_err_set(m->err, EBADMSG, "cannot merge '%s': a text is too long", oom_sql_path(m->s->sql));
	return add_text(m, s);
}

static int add_value(struct oom_pg_merge *m, struct oom_sql_stmt *st, int i)
{
	switch (oom_sql_type(st, i)) {
	case OOM_SQL_INT:  return oom_buf_fmt(&m->line, "%lld", (long long)oom_sql_int(st, i));
	case OOM_SQL_REAL: return oom_buf_fmt(&m->line, "%.17g", oom_sql_real(st, i));
	case OOM_SQL_TEXT: return add_bounded(m, oom_sql_bytes(st, i));
	case OOM_SQL_BLOB: return add_blob(&m->line, oom_sql_bytes(st, i));
	default:           return oom_buf_add(&m->line, "\\N", 2);
	}
}

static int flush(struct oom_pg_merge *m, size_t beyond)
{
	int r = m->line.n > beyond ? oom_pg_copy_put(m->pg, m->line.p, m->line.n, m->err) : 0;

	if (m->line.n > beyond)
		m->line.n = 0;
	return r;
}

/* ---- tables ------------------------------------------------------------------------------------------ */

/* What a table's rows have before the columns that its statement returns. */
enum lead { LEAD_NONE, LEAD_HOST, LEAD_PART, LEAD_ID };

static const struct table {
	const char *name;
	enum lead lead;         /* none; host_id; host_id, seq (place among the event's rows); a hash of the row */
	const char *lead_names;
	const char *select;     /* for one event; for LEAD_ID and hosts: all; columns are named as in the table */
	const char *before_insert;
} tables[] = {
	{ "event", LEAD_NONE, "", "SELECT * FROM v_event WHERE event_id = ?", NULL },
	{ "candidate", LEAD_PART, "host_id, seq, ", "SELECT * FROM v_candidate WHERE event_id = ?", NULL },
	{ "victim", LEAD_PART, "host_id, seq, ", "SELECT * FROM v_victim WHERE event_id = ?", NULL },
	{ "life", LEAD_PART, "host_id, seq, ", "SELECT * FROM v_life WHERE event_id = ?", NULL },
	{ "flight", LEAD_PART, "host_id, seq, ", "SELECT * FROM v_flight WHERE event_id = ?", NULL },
	{ "note", LEAD_PART, "host_id, seq, ", "SELECT * FROM v_note WHERE event_id = ?", NULL },
	{ "evidence", LEAD_HOST, "host_id, ", "SELECT event_id, raw, memory FROM evidence WHERE event_id = ?", NULL },
};

static const struct table shared[] = {
	{ "host", LEAD_ID, "name_id, ", "SELECT host_id, hostname, machine_id FROM host", NULL },
	{ "trace", LEAD_ID, "trace_id, ",
	  "SELECT host_id, boot_id, monotonic_us, name, pid, comm, detail, feed, seen_us FROM trace", NULL },
	/* The latest word on a boot. */
	{ "recorder", LEAD_NONE, "",
	  "SELECT host_id, hostname, boot_id, seen, oom_kill, kills, facts_lost, log_records_lost, next_line, seen_us "
	  "FROM v_recorder",
	  "DELETE FROM recorder AS r USING stage_recorder AS n WHERE r.host_id = n.host_id AND r.boot_id = n.boot_id AND "
	  "(coalesce(r.seen_us, -1), coalesce(r.next_line, -1), coalesce(r.oom_kill, -1), coalesce(r.kills, -1), "
	  "coalesce(r.log_records_lost, -1), coalesce(r.facts_lost, -1)) < "
	  "(coalesce(n.seen_us, -1), coalesce(n.next_line, -1), coalesce(n.oom_kill, -1), coalesce(n.kills, -1), "
	  "coalesce(n.log_records_lost, -1), coalesce(n.facts_lost, -1))" },
};

/* COPY into the table itself, or into a temporary one like it. */
static int begin_copy(struct oom_pg_merge *m, const struct table *t, struct oom_sql_stmt *st, bool stage)
{
	struct oom_buf *b = &m->text;
	int r;

	b->n = 0;
	if (stage) {
		if (oom_buf_fmt(b, "CREATE TEMPORARY TABLE stage_%s (LIKE %s) ON COMMIT DROP", t->name, t->name) ||
		    oom_buf_add(b, "", 1))
			return oom_pg_no_memory(m);
		r = script(m, b->p);
		if (r)
			return r;
	}
	b->n = 0;
	r = oom_buf_fmt(b, "COPY %s%s (%s", stage ? "stage_" : "", t->name, t->lead_names);
	for (int i = 0; !r && i < oom_sql_columns(st); i++)
		r = oom_buf_fmt(b, "%s\"%s\"", i ? ", " : "", oom_sql_column_name(st, i));
	if (r || oom_buf_fmt(b, ") FROM STDIN") || oom_buf_add(b, "", 1))
		return oom_pg_no_memory(m);
	m->line.n = 0;
	return oom_pg_copy_begin(m->pg, b->p, m->err);
}

static int end_copy(struct oom_pg_merge *m, const struct table *t, bool stage)
{
	int r = flush(m, 0);

	if (!r)
		r = oom_pg_copy_end(m->pg, m->err);
	if (r || !stage)
		return r;
	if (t->before_insert)
		r = script(m, t->before_insert);
	m->text.n = 0;
	if (!r && (oom_buf_fmt(&m->text, "INSERT INTO %s SELECT * FROM stage_%s%s; DROP TABLE stage_%s", t->name, t->name,
			       t->select[strlen(t->select) - 1] == '?' ? "" : " ON CONFLICT DO NOTHING", t->name) ||
		   oom_buf_add(&m->text, "", 1)))
		return oom_pg_no_memory(m);
	return r ? r : script(m, m->text.p);
}

/* ---- events ------------------------------------------------------------------------------------------ */

static int add_memory(struct oom_pg_merge *m, struct oom_sql_stmt *st, int i, const struct oom_pg_event *ev)
{
	struct oom_str stored = oom_sql_bytes(st, i);
	int r = stored.p ? oom_pg_memory(m->s, stored, ev->page_size, &m->memory, m->err) : 0;

	if (r == -EBADMSG)
		return oom_err_set(m->err, EBADMSG, "cannot merge '%s': the memory dump of event %lld is damaged",
				   oom_sql_path(m->s->sql), (long long)ev->local);
	if (r)
		return r;
	return stored.p ? add_text(m, (struct oom_str){ m->memory.p, m->memory.n }) : oom_buf_add(&m->line, "\\N", 2);
}

static int add_cell(struct oom_pg_merge *m, struct oom_sql_stmt *st, int i, const struct oom_pg_event *ev)
{
	const char *name = oom_sql_column_name(st, i);

	if (!strcmp(name, "event_id"))
		return oom_buf_fmt(&m->line, "%lld", (long long)ev->id);
	if (!strcmp(name, "host_id"))
		return oom_buf_fmt(&m->line, "%lld", (long long)ev->host);
	return strcmp(name, "memory") ? add_value(m, st, i) : add_memory(m, st, i, ev);
}

static int copy_event(struct oom_pg_merge *m, const struct table *t, struct oom_sql_stmt *st, const struct oom_pg_event *ev)
{
	int n = oom_sql_columns(st), r;

	oom_sql_bind_int(st, 1, ev->local);
	for (long long seq = 0; (r = step(m, st)) == 1; seq++) {
		r = t->lead == LEAD_NONE ? 0 : oom_buf_fmt(&m->line, "%lld\t", (long long)ev->host);
		if (!r && t->lead == LEAD_PART)
			r = oom_buf_fmt(&m->line, "%lld\t", seq);
		for (int i = 0; !r && i < n; i++) {
			r = i ? oom_buf_add(&m->line, "\t", 1) : 0;
			if (!r)
				r = add_cell(m, st, i, ev);
		}
		if (!r)
			r = oom_buf_add(&m->line, "\n", 1);
		r = r ? (m->err->code ? r : oom_pg_no_memory(m)) : flush(m, COPY_BYTES);
		if (r)
			return r;
	}
	oom_sql_reset(st);
	return r;
}

static int copy_events(struct oom_pg_merge *m, const struct table *t)
{
	const struct oom_pg_event *ev = (const void *)m->events.p;
	size_t n = m->events.n / sizeof(*ev);
	struct oom_sql_stmt *st = NULL;
	int r = prepare(m, t->select, &st);

	if (!r)
		r = begin_copy(m, t, st, m->staged);
	for (size_t i = 0; !r && i < n; i++)
		r = copy_event(m, t, st, &ev[i]);
	oom_sql_finalize(st);
	return r ? r : end_copy(m, t, m->staged);
}

/* What is beaten goes first, from all tables. */
static int delete_beaten(struct oom_pg_merge *m)
{
	const struct oom_pg_event *ev = (const void *)m->events.p;
	struct oom_buf beaten = { 0 }, hosts = { 0 }, ids = { 0 };
	size_t n = m->events.n / sizeof(*ev), some;
	int r = 0;

	for (size_t i = 0; !r && i < n; i++)
		if (ev[i].beats)
			r = oom_buf_add(&beaten, &ev[i], sizeof(ev[i]));
	for (size_t at = 0; !r && at < beaten.n; at += some * sizeof(*ev)) {
		struct oom_value param[2] = { { .kind = OOM_VALUE_TEXT }, { .kind = OOM_VALUE_TEXT } };

		some = (beaten.n - at) / sizeof(*ev);
		some = some > DELETE ? DELETE : some;
		hosts.n = ids.n = 0;
		r = oom_pg_add_ids(&hosts, beaten.p + at, some, sizeof(*ev), offsetof(struct oom_pg_event, host));
		if (!r)
			r = oom_pg_add_ids(&ids, beaten.p + at, some, sizeof(*ev), offsetof(struct oom_pg_event, id));
		param[0].s = (struct oom_str){ hosts.p, hosts.n };
		param[1].s = (struct oom_str){ ids.p, ids.n };
		for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(tables); i++) {
			char sql[160];

			snprintf(sql, sizeof(sql), "DELETE FROM %s WHERE host_id = ANY ($1::bigint[]) AND event_id = ANY "
				 "($2::bigint[])", tables[i].name);
			r = oom_pg_run(m->pg, sql, 2, param, NULL, m->err);
		}
	}
	oom_buf_release(&beaten);
	oom_buf_release(&hosts);
	oom_buf_release(&ids);
	return r == -ENOMEM ? oom_pg_no_memory(m) : r;
}

/* ---- hosts, traces, recorders ------------------------------------------------------------------------ */

static int copy_row(struct oom_pg_merge *m, const struct table *t, struct oom_sql_stmt *st)
{
	size_t start = m->line.n;
	int r = 0;

	for (int i = 0; !r && i < oom_sql_columns(st); i++) {
		if (i)
			r = oom_buf_add(&m->line, "\t", 1);
		if (!r)
			r = strcmp(oom_sql_column_name(st, i), "host_id") ? add_value(m, st, i)
				: oom_buf_fmt(&m->line, "%lld", (long long)oom_pg_host_of(m, oom_sql_int(st, i)));
	}
	if (!r && t->lead == LEAD_ID) {
		const struct oom_str row = { m->line.p + start, m->line.n - start };
		char id[24];
		int n = snprintf(id, sizeof(id), "%lld\t", (long long)oom_pg_id(oom_pg_hash(OOM_PG_HASH, row)));

		r = oom_buf_add(&m->line, id, (size_t)n);
		if (!r) {
			memmove(m->line.p + start + n, m->line.p + start, m->line.n - start - (size_t)n);
			memcpy(m->line.p + start, id, (size_t)n);
		}
	}
	if (r || oom_buf_add(&m->line, "\n", 1))
		return oom_pg_no_memory(m);
	return flush(m, COPY_BYTES);
}

static int copy_shared(struct oom_pg_merge *m, const struct table *t)
{
	struct oom_sql_stmt *st = NULL;
	int r = prepare(m, t->select, &st);

	if (!r)
		r = begin_copy(m, t, st, true);
	while (!r && (r = step(m, st)) == 1)
		r = copy_row(m, t, st);
	oom_sql_finalize(st);
	return r ? r : end_copy(m, t, true);
}

/* ---- one source -------------------------------------------------------------------------------------- */

static int look_at_tables(struct oom_pg_merge *m)
{
	struct oom_pg_rows *rows = NULL;
	int r = oom_pg_run(m->pg, "SELECT EXISTS (SELECT 1 FROM pg_inherits AS i JOIN pg_class AS c ON c.oid = i.inhrelid "
			   "WHERE i.inhparent = 'event'::regclass AND c.relkind = 'f')", 0, NULL, &rows, m->err);

	m->staged = !r && oom_pg_value(rows, 0, 0).i;
	oom_pg_rows_free(rows);
	return r;
}

static int write_all(struct oom_pg_merge *m)
{
	int r = oom_pg_lock_hosts(m);

	oom_sql_limit(m->s->sql, LIMIT_TIMES * oom_store_source_limit(oom_sql_path(m->s->sql)));
	if (!r)
		r = look_at_tables(m);
	if (!r)
		r = oom_pg_choose(m);
	if (!r)
		r = delete_beaten(m);
	for (size_t i = 0; !r && m->events.n && i < OOM_ARRAY_SIZE(tables); i++)
		r = copy_events(m, &tables[i]);
	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(shared); i++)
		r = copy_shared(m, &shared[i]);
	return r;
}

/* The source is read as of one moment, whoever writes to it. */
static int merge_once(struct oom_pg_merge *m)
{
	int r = oom_sql_exec(m->s->sql, "BEGIN", m->err);

	if (r)
		return r;
	r = script(m, "BEGIN ISOLATION LEVEL READ COMMITTED");
	if (!r)
		r = write_all(m);
	if (!r)
		r = script(m, "COMMIT");
	if (r)
		oom_pg_rollback(m->pg);
	oom_sql_limit(m->s->sql, 0);
	(void)oom_sql_exec(m->s->sql, "ROLLBACK", NULL);
	return r;
}

static void release(struct oom_pg_merge *m)
{
	struct oom_buf *bufs[] = { &m->hosts, &m->events, &m->line, &m->text, &m->memory };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(bufs); i++)
		oom_buf_release(bufs[i]);
	oom_arena_release(&m->a);
}

/* 0.1 s, twice that each time, 5 s at most; writers that met do not meet again. */
static void wait_for(int tries)
{
	long ms = tries < 6 ? 100L << tries : 5000;
	struct timespec ts;

	ms += ms * (long)(getpid() % 64) / 128;
	ts = (struct timespec){ .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };
	(void)nanosleep(&ts, NULL);
}

/* What helps: a new attempt, and a new connection where the old one is gone. */
static bool may_help(int r, int tries)
{
	return (r == -EAGAIN && tries < TRIES) || (r == -ESTALE && tries < STALE_TRIES);
}

int oom_pg_merge(struct oom_pg *pg, struct oom_store *source, void (*retrying)(void *arg, const char *why), void *arg,
		 struct oom_merged *ret, struct oom_err *reterr)
{
	for (int tries = 0;; tries++) {
		struct oom_err err = { 0 };
		struct oom_pg_merge m = { .pg = pg, .s = source, .err = &err };
		enum oom_pg_trouble trouble;
		int r;

		(void)oom_pg_take_trouble(pg);
		r = oom_pg_lost(pg) ? oom_pg_reopen(pg, &err) : 0;
		if (!r)
			r = merge_once(&m);
		if (!r)
			*ret = m.done;
		trouble = oom_pg_take_trouble(pg);
		release(&m);
		if (!r)
			return 0;
		if (may_help(r, tries)) {
			retrying(arg, err.text);
			wait_for(tries);
			continue;
		}
		if (trouble == OOM_PG_ROWS)
			(void)oom_err_set(reterr, EBADMSG, "cannot merge '%s': the server refuses a row: %s",
					  oom_sql_path(source->sql), err.text);
		(void)oom_err_set(reterr, err.code ? err.code : EIO, "%s", err.text);
		return trouble == OOM_PG_SERVER || r == -ENOMEM ? r : 1;
	}
}
