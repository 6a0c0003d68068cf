/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rows of an attached store ("src") into this one, by SQL inside SQLite: the keys are shifted, the columns are what the
 * schema says.  What refers to a dictionary is translated: hosts by a temporary table, words and tasks by oom_map(), shapes
 * where they are used.
 * Every value's type is checked on the way: the file may come from anywhere.
 */
#include "store_copy.h"

#include <errno.h>
#include <string.h>

/* Rows of an event.  Their key is the event's id, or begins with it.  There are a hundred times as many tasks as anything
 * else, and to look at each value twice takes half as long again: so of theirs only what reports count and add up is
 * checked, by oom_map().  Whoever loads an event checks all of it. */
static const struct copied { const char *table, *key; bool part, mapped; } copied[] = {
	{ "event", "event_id", false, false }, { "verdict", "event_id", false, false }, { "digest", "event_id", false, false },
	{ "task", "k", true, true }, { "task_rare", "k", true, false }, { "task_recorded", "k", true, false },
	{ "victim", "k", true, false }, { "prior", "k", true, false }, { "life", "k", true, false },
	{ "flight", "k", true, false }, { "note", "k", true, false },
};

/* Values that one of the functions of oom_sql_attach() checks. */
static const struct { const char *type, *check; } checks[] = {
	{ "INTEGER", "oom_int" }, { "TEXT", "oom_text" }, { "BLOB", "oom_blob" },
};

static int no_memory(struct oom_copy *c, struct oom_err *reterr)
{
	return oom_store_fail(c->s, ENOMEM, "cannot write", reterr);
}

/* ---- statements -------------------------------------------------------------------------------------- */

/* Of a table, behind its key. */
struct column { char name[64], type[16]; };

static struct column column_at(const struct oom_buf *columns, size_t i)
{
	struct column ret;

	memcpy(&ret, columns->p + i * sizeof(ret), sizeof(ret));
	return ret;
}

static int read_columns(struct oom_copy *c, const struct copied *t, struct oom_sql_stmt *st, struct oom_buf *ret,
			struct oom_err *reterr)
{
	int r;

	ret->n = 0;
	oom_sql_bind_text(st, 1, oom_str_from(t->table));
	oom_sql_bind_text(st, 2, oom_str_from(t->key));
	while ((r = oom_sql_step(c->s->sql, st, reterr)) == 1) {
		struct oom_str name = oom_sql_bytes(st, 0), type = oom_sql_bytes(st, 1);
		struct column column;

		snprintf(column.name, sizeof(column.name), "%.*s", (int)name.n, name.p);
		snprintf(column.type, sizeof(column.type), "%.*s", (int)type.n, type.p);
		if (oom_buf_add(ret, &column, sizeof(column))) {
			r = no_memory(c, reterr);
			break;
		}
	}
	oom_sql_reset(st);
	return r;
}

/* Calls add() with each column; type: only such. */
static int each_column(const struct oom_buf *columns, const char *type, int (*add)(struct oom_buf *b, const char *name),
		       struct oom_buf *b)
{
	int r = 0;

	for (size_t i = 0; !r && i < columns->n / sizeof(struct column); i++) {
		struct column column = column_at(columns, i);

		if (!type || !strcmp(column.type, type))
			r = add(b, column.name);
	}
	return r;
}

static int add_name(struct oom_buf *b, const char *name)
{
	return oom_buf_fmt(b, ", \"%s\"", name);
}

/* Of a word or a task; its type is looked at where it is translated. */
static bool is_number(const char *name)
{
	return oom_str_ends(oom_str_from(name), "_w") || !strcmp(name, "who_id");
}

/* The id that the row's machine has here; NULL, which is refused, if the source has no such machine. */
static int add_value(struct oom_buf *b, const char *name)
{
	if (!strcmp(name, "host_id"))
		return oom_buf_fmt(b, ", (SELECT h.id FROM temp.merge_host AS h WHERE h.src = t.host_id)");
	if (!strcmp(name, "who_id"))           /* a call for each row counts: this one checks the others, too */
		return oom_buf_fmt(b, ", oom_map(%d, t.who_id, t.pid, t.rss_pages, t.swap_pages, t.pgtables, t.place)", OOM_DICT_WHO);
	if (is_number(name))
		return oom_buf_fmt(b, ", oom_map(%d, t.\"%s\")", OOM_DICT_WORD, name);
	return oom_buf_fmt(b, ", t.\"%s\"", name);
}

static int add_argument(struct oom_buf *b, const char *name)
{
	if (is_number(name))
		return 0;
	return oom_buf_fmt(b, "%st.\"%s\"", b->p[b->n - 1] == '(' ? "" : ", ", name);
}

static int add_checks(const struct oom_buf *columns, struct oom_buf *b)
{
	int r = 0;

	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(checks); i++) {
		size_t before = b->n, empty;

		r = oom_buf_fmt(b, " AND %s(", checks[i].check);
		empty = b->n;
		if (!r)
			r = each_column(columns, checks[i].type, add_argument, b);
		if (b->n == empty)
			b->n = before;
		else if (!r)
			r = oom_buf_fmt(b, ")");
	}
	return r;
}

/* ?1: what is added to keys, ?2 and ?3: the first key and the one behind the last. */
static int text_of(const struct copied *t, const struct oom_buf *columns, struct oom_buf *b)
{
	int r = oom_buf_fmt(b, "INSERT OR FAIL INTO main.%s (%s", t->table, t->key);

	if (!r)
		r = each_column(columns, NULL, add_name, b);
	if (!r)
		r = oom_buf_fmt(b, ") SELECT t.%s + ?1", t->key);
	if (!r)
		r = each_column(columns, NULL, add_value, b);
	if (!r)
		r = oom_buf_fmt(b, " FROM src.%s AS t NOT INDEXED WHERE t.%s >= ?2 AND t.%s < ?3", t->table, t->key, t->key);
	if (!r && !t->mapped)
		r = add_checks(columns, b);
	return r ? r : oom_buf_add(b, "", 1);
}

static int prepare_tables(struct oom_copy *c, struct oom_err *reterr)
{
	struct oom_buf b = { 0 }, columns = { 0 };
	struct oom_sql_stmt *st = NULL;
	int r = oom_sql_prepare(c->s->sql, "SELECT name, type FROM pragma_table_info(?1, 'main') WHERE name <> ?2", &st, NULL,
				reterr);

	_Static_assert(OOM_ARRAY_SIZE(copied) == OOM_COPY_TABLES, "a statement for each table");
	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(copied); i++) {
		b.n = 0;
		r = read_columns(c, &copied[i], st, &columns, reterr);
		if (!r && text_of(&copied[i], &columns, &b))
			r = no_memory(c, reterr);
		if (!r)
			r = oom_sql_prepare(c->s->sql, b.p, &c->table[i], NULL, reterr);
	}
	oom_sql_finalize(st);
	oom_buf_release(&columns);
	oom_buf_release(&b);
	return r;
}

static int prepare(struct oom_copy *c, struct oom_err *reterr)
{
	int r = prepare_tables(c, reterr);

	return r ? r : oom_sql_prepare(c->s->sql, "SELECT t.event_id, t.raw, t.memory FROM src.evidence AS t NOT INDEXED"
				       " WHERE t.event_id >= ? AND t.event_id < ? AND oom_blob(t.raw)", &c->evidence, NULL, reterr);
}

void oom_copy_release(struct oom_copy *c)
{
	for (size_t i = 0; i < OOM_COPY_TABLES; i++)
		oom_sql_finalize(c->table[i]);
	oom_sql_finalize(c->evidence);
	for (size_t i = 0; i < OOM_DICTS; i++) {
		oom_sql_finalize(c->map[i].find);
		oom_free(c->map[i].id);
	}
	oom_buf_release(&c->shapes);
	oom_buf_release(&c->text);
}

/* ---- dictionaries ------------------------------------------------------------------------------------ */

static int map_host(struct oom_copy *c, struct oom_sql_stmt *from, struct oom_sql_stmt *to, struct oom_err *reterr)
{
	int64_t id = 0;
	int r = oom_store_host(c->s, oom_sql_bytes(from, 1), oom_sql_bytes(from, 2), true, &id, reterr);

	if (r < 0)
		return r;
	oom_sql_bind_int(to, 1, oom_sql_int(from, 0));
	oom_sql_bind_int(to, 2, id);
	return oom_sql_run(c->s->sql, to, reterr);
}

static int map_hosts(struct oom_copy *c, struct oom_err *reterr)
{
	struct oom_sql *sql = c->s->sql;
	struct oom_sql_stmt *from = NULL, *to = NULL;
	int r = oom_sql_exec(sql, "CREATE TABLE IF NOT EXISTS temp.merge_host (src INTEGER PRIMARY KEY, id INTEGER);"
			     " DELETE FROM temp.merge_host", reterr);

	if (!r)
		r = oom_sql_prepare(sql, "SELECT host_id, hostname, machine_id FROM src.host AS t NOT INDEXED"
				    " WHERE oom_text(hostname, machine_id)", &from, NULL, reterr);
	if (!r)
		r = oom_sql_prepare(sql, "INSERT INTO temp.merge_host (src, id) VALUES (?, ?)", &to, NULL, reterr);
	while (!r && (r = oom_sql_step(sql, from, reterr)) == 1)
		r = map_host(c, from, to, reterr);
	oom_sql_finalize(from);
	oom_sql_finalize(to);
	return r;
}

#define MAP_MAX ((int64_t)1 << 22)      /* numbers beyond that are asked for each time: no store has them */

/* The place of the number in the map, NULL if it has none. */
static int64_t *place_of(struct oom_copy_map *m, int64_t src)
{
	size_t cap = m->cap ? m->cap : 1024;
	int64_t *p;

	if (src < 0 || src >= MAP_MAX)
		return NULL;
	while (cap <= (size_t)src)
		cap *= 2;
	if (cap > m->cap) {
		p = oom_realloc(m->id, cap * sizeof(*p));
		if (!p)
			return NULL;
		memset(p + m->cap, 0, (cap - m->cap) * sizeof(*p));
		m->id = p;
		m->cap = cap;
	}
	return &m->id[src];
}

static int take_entry(struct oom_copy *c, int dictionary, struct oom_sql_stmt *st, int64_t *ret)
{
	struct oom_task t = { .comm = oom_sql_bytes(st, 0) };

	if (dictionary == OOM_DICT_WORD)
		return t.comm.p ? oom_dict_text(c->s, OOM_DICT_WORD, t.comm, ret, NULL) : -EBADMSG;
	t.uid = oom_sql_int(st, 1);
	t.oom_score_adj = oom_sql_int(st, 2);
	return oom_dict_who(c->s, &t, ret, NULL);
}

static int map_number(void *arg, int dictionary, int64_t src, int64_t *ret)
{
	struct oom_copy *c = arg;
	struct oom_copy_map *m = &c->map[dictionary];
	int64_t *place = place_of(m, src);
	int r;

	if (place && *place) {
		*ret = *place;
		return 0;
	}
	oom_sql_bind_int(m->find, 1, src);
	r = oom_sql_step(c->s->sql, m->find, NULL);
	r = r == 1 ? take_entry(c, dictionary, m->find, ret) : -EBADMSG;
	oom_sql_reset(m->find);
	if (!r && place)
		*place = *ret;
	return r;
}

static int map_dictionaries(struct oom_copy *c, struct oom_err *reterr)
{
	struct oom_sql *sql = c->s->sql;
	int r = oom_sql_prepare(sql, "SELECT text FROM src.word WHERE word_id = ? AND oom_text(text)", &c->map[OOM_DICT_WORD].find,
				NULL, reterr);

	if (!r)
		r = oom_sql_prepare(sql, "SELECT comm, uid, oom_score_adj FROM src.who WHERE who_id = ? AND oom_text(comm)"
				    " AND oom_int(uid, oom_score_adj)", &c->map[OOM_DICT_WHO].find, NULL, reterr);
	return r ? r : oom_sql_map(sql, map_number, c, reterr);
}

struct shape { int64_t src, id; };

/* A shape whose facts are not arrays would break every question about memory, so such a source is refused. */
static int map_shapes(struct oom_copy *c, struct oom_err *reterr)
{
	struct oom_sql *sql = c->s->sql;
	struct oom_sql_stmt *st = NULL;
	int r = oom_sql_prepare(sql, "SELECT shape_id, shape, oom_text(shape) AND json_valid(shape)"
				" AND coalesce(json_type(shape, '$.facts'), '') = 'array' AND NOT EXISTS"
				" (SELECT 1 FROM json_each(shape, '$.facts') AS f WHERE f.type <> 'array')"
				" FROM src.shape AS t NOT INDEXED ORDER BY shape_id", &st, NULL, reterr);

	while (!r && (r = oom_sql_step(sql, st, reterr)) == 1) {
		struct shape s = { .src = oom_sql_int(st, 0) };

		r = oom_sql_int(st, 2) == 1 ? oom_dict_text(c->s, OOM_DICT_SHAPE, oom_sql_bytes(st, 1), &s.id, reterr)
					    : oom_err_set(reterr, EBADMSG, "cannot merge '%s': its shape %lld is damaged",
							  c->source, (long long)s.src);
		if (!r && oom_buf_add(&c->shapes, &s, sizeof(s)))
			r = no_memory(c, reterr);
	}
	oom_sql_finalize(st);
	return r;
}

int oom_copy_begin(struct oom_copy *c, struct oom_err *reterr)
{
	int r = map_hosts(c, reterr);

	if (!r)
		r = map_shapes(c, reterr);
	if (!r)
		r = map_dictionaries(c, reterr);
	return r ? r : prepare(c, reterr);
}

/* ---- evidence ---------------------------------------------------------------------------------------- */

static const struct shape *find_shape(const struct oom_copy *c, int64_t id)
{
	const char *p = c->shapes.p;
	size_t lo = 0, hi = c->shapes.n / sizeof(struct shape);
	static _Thread_local struct shape found;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		memcpy(&found, p + mid * sizeof(found), sizeof(found));
		if (found.src == id)
			return &found;
		if (found.src < id)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

static bool take_number(struct oom_str *s)
{
	struct oom_str t = *s;
	int64_t v;

	(void)oom_take_char(&t, '-');
	if (t.n > 1 && t.p[0] == '0' && t.p[1] >= '0' && t.p[1] <= '9')
		return false;
	return oom_take_lit(s, "null") || oom_take_i64(s, &v);
}

static bool take_string(struct oom_str *s)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	size_t i = 1;

	if (!s->n || s->p[0] != '"')
		return false;
	for (; i < s->n && s->p[i] != '"'; i++) {
		if ((unsigned char)s->p[i] < 0x20)
			return false;
		if (s->p[i] != '\\' || ++i == s->n || s->p[i] == '"' || s->p[i] == '\\')
			continue;
		if (s->p[i] != 'u' || s->n - i < 5)
			return false;
		for (size_t end = i + 4; i < end; i++)
			if (!memchr(hex, s->p[i + 1], sizeof(hex) - 1))
				return false;
	}
	if (i >= s->n)
		return false;
	*s = oom_str_sub(*s, i + 1, s->n);
	return true;
}

/* The rest of a group: ",line,zone,value ...]".  SQLite refuses to ask what is no JSON, so nothing else may come in. */
static bool take_values(struct oom_str *s)
{
	for (size_t i = 0; oom_take_char(s, ','); i++) {
		if (i == 1 && take_string(s))
			continue;
		if (i < 2 || !oom_take_char(s, '[')) {
			if (!take_number(s))
				return false;
		} else if (!take_number(s) || !oom_take_char(s, ',') || !take_string(s) || !oom_take_char(s, ']')) {
			return false;
		}
	}
	return oom_take_char(s, ']');
}

/* "[[shape, ...], [shape, ...]]", with the shapes' ids of here.  Only what the store itself writes: no blanks.  0, -ENOMEM,
 * -EBADMSG. */
static int translate(struct oom_copy *c, struct oom_str memory)
{
	int r = 0;

	c->text.n = 0;
	for (char before = '['; !r && oom_take_char(&memory, before); before = ',') {
		const struct shape *s;
		struct oom_str rest;
		int64_t id;

		if (!oom_take_char(&memory, '[') || !oom_take_i64(&memory, &id) || !(s = find_shape(c, id)))
			return -EBADMSG;
		rest = memory;
		if (!take_values(&memory))
			return -EBADMSG;
		r = oom_buf_fmt(&c->text, "%c[%lld", before, (long long)s->id);
		if (!r)
			r = oom_buf_add(&c->text, rest.p, rest.n - memory.n);
	}
	if (!r && (!oom_take_char(&memory, ']') || memory.n || !c->text.n))
		return -EBADMSG;
	return r ? r : oom_buf_add(&c->text, "]", 1);
}

static int copy_one_evidence(struct oom_copy *c, int64_t id, struct oom_err *reterr)
{
	struct oom_sql_stmt *from = c->evidence, *to;
	struct oom_str raw = oom_sql_bytes(from, 1), memory = oom_sql_bytes(from, 2);
	int r = oom_store_statement(c->s, OOM_ST_ADD_EVIDENCE, &to, reterr);

	if (r)
		return r;
	if (memory.p) {
		r = oom_sql_type(from, 2) == OOM_SQL_TEXT ? translate(c, memory) : -EBADMSG;
		memory = (struct oom_str){ c->text.p, c->text.n };
	}
	if (r == -EBADMSG)
		return oom_err_set(reterr, EBADMSG, "cannot merge '%s': the memory dump of its event %lld is damaged", c->source,
				   (long long)oom_sql_int(from, 0));
	if (r)
		return no_memory(c, reterr);
	oom_sql_unbind(to);
	oom_sql_bind_int(to, 1, id);
	oom_sql_bind_blob(to, 2, raw.p, raw.n);
	oom_sql_bind_text(to, 3, memory);
	return oom_sql_run(c->s->sql, to, reterr);
}

static int copy_evidence(struct oom_copy *c, int64_t from, int64_t until, int64_t shift, struct oom_err *reterr)
{
	int r;

	oom_sql_bind_int(c->evidence, 1, from);
	oom_sql_bind_int(c->evidence, 2, until);
	while ((r = oom_sql_step(c->s->sql, c->evidence, reterr)) == 1) {
		r = copy_one_evidence(c, oom_sql_int(c->evidence, 0) + shift, reterr);
		if (r)
			break;
	}
	oom_sql_reset(c->evidence);
	return r;
}

/* ---- events ------------------------------------------------------------------------------------------ */

int oom_copy_events(struct oom_copy *c, int64_t from, int64_t until, int64_t shift, struct oom_err *reterr)
{
	int r = 0;

	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(copied); i++) {
		int bits = copied[i].part ? OOM_PART_BITS : 0;
		struct oom_err err = { 0 };

		oom_sql_bind_int(c->table[i], 1, shift * ((int64_t)1 << bits));
		oom_sql_bind_int(c->table[i], 2, from << bits);
		oom_sql_bind_int(c->table[i], 3, until << bits);
		r = oom_sql_run(c->s->sql, c->table[i], &err);
		if (r && oom_sql_of_content(-r))
			(void)oom_err_set(reterr, -r, "%s (table %s)", err.text, copied[i].table);
		else if (r)
			(void)oom_err_set(reterr, -r, "%s", err.text);
	}
	return r ? r : copy_evidence(c, from, until, shift, reterr);
}

/* ---- what is a host's, not an event's ---------------------------------------------------------------- */

/* Facts are a set: one that stands there already, in every column, is the same.  Marks: the later knows more. */
int oom_copy_recorders(struct oom_copy *c, struct oom_err *reterr)
{
	int r = oom_sql_exec(c->s->sql,
		"INSERT OR FAIL INTO main.trace (host_id, boot_id, monotonic_us, name, pid, comm, detail, feed, seen_us)"
		" SELECT DISTINCT h.id, t.boot_id, t.monotonic_us, t.name, t.pid, t.comm, t.detail, t.feed, t.seen_us"
		" FROM src.trace AS t NOT INDEXED CROSS JOIN temp.merge_host AS h ON h.src = t.host_id"
		" WHERE oom_int(t.monotonic_us, t.pid, t.seen_us) AND oom_text(t.boot_id, t.name, t.comm, t.detail, t.feed)"
		" AND (t.detail IS NULL OR json_valid(t.detail))"
		" AND NOT EXISTS (SELECT 1 FROM main.trace AS d WHERE d.monotonic_us IS t.monotonic_us AND d.host_id = h.id"
		" AND d.boot_id IS t.boot_id AND d.name IS t.name AND d.pid IS t.pid AND d.comm IS t.comm AND d.detail IS t.detail"
		" AND d.feed IS t.feed AND d.seen_us IS t.seen_us)", reterr);

	if (r)
		return r;
	return oom_sql_exec(c->s->sql,
		"INSERT INTO main.recorder (host_id, boot_id, next_line, oom_kill, kills, log_lost, facts_lost, seen_us)"
		" SELECT h.id, t.boot_id, t.next_line, t.oom_kill, t.kills, t.log_lost, t.facts_lost, t.seen_us"
		" FROM src.recorder AS t CROSS JOIN temp.merge_host AS h ON h.src = t.host_id"
		" WHERE oom_text(t.boot_id)"
		" AND oom_int(t.next_line, t.oom_kill, t.kills, t.log_lost, t.facts_lost, t.seen_us)"
		" ON CONFLICT (host_id, boot_id) DO UPDATE SET next_line = excluded.next_line, oom_kill = excluded.oom_kill,"
		" kills = excluded.kills, log_lost = excluded.log_lost, facts_lost = excluded.facts_lost,"
		" seen_us = excluded.seen_us"
		" WHERE (ifnull(excluded.seen_us, -1), ifnull(excluded.next_line, -1), ifnull(excluded.oom_kill, -1),"
		" ifnull(excluded.kills, -1), ifnull(excluded.log_lost, -1), ifnull(excluded.facts_lost, -1))"
		" > (ifnull(seen_us, -1), ifnull(next_line, -1), ifnull(oom_kill, -1), ifnull(kills, -1), ifnull(log_lost, -1),"
		" ifnull(facts_lost, -1))", reterr);
}
