/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows into events.  The file may come from anywhere: every value is checked for its type before use. */
#include "store_impl.h"

#include <errno.h>

static int damaged(struct oom_store *s, int64_t id, const char *what, struct oom_err *reterr)
{
	return oom_err_set(reterr, EBADMSG, "cannot load event %lld from '%s': its %s is damaged",
			   (long long)id, oom_sql_path(s->sql), what);
}

static int no_memory(struct oom_store *s, int64_t id, struct oom_err *reterr)
{
	return oom_err_set(reterr, ENOMEM, "cannot load event %lld from '%s': it does not fit into memory",
			   (long long)id, oom_sql_path(s->sql));
}

/* 0, -ENOMEM, or -EBADMSG where the value is not of the field's type. */
static int load_field(struct oom_sql_stmt *st, int i, const struct oom_field *f, struct oom_arena *a,
		      void *rec, int64_t base)
{
	enum oom_sql_type type = oom_sql_type(st, i);
	struct oom_str s;

	if (type == OOM_SQL_NULL) {
		if (f->type == OOM_TYPE_INT)
			oom_field_set_int(f, rec, OOM_NA);
		return 0;
	}
	if (f->type == OOM_TYPE_INT) {
		if (type != OOM_SQL_INT)
			return -EBADMSG;
		oom_field_set_int(f, rec, (int64_t)((uint64_t)oom_sql_int(st, i) + (uint64_t)base));
		return 0;
	}
	if (type != OOM_SQL_TEXT)
		return -EBADMSG;
	s = oom_sql_bytes(st, i);
	if (f->type == OOM_TYPE_STR) {
		if (oom_arena_str(a, s, &s))
			return -ENOMEM;
		oom_field_set_str(f, rec, s);
		return 0;
	}
	for (int64_t v = 0; f->names[v]; v++) {
		if (oom_str_is(s, f->names[v])) {
			oom_field_set_int(f, rec, v);
			return 0;
		}
	}
	return -EBADMSG;
}

/* The row at position seq: a new one, or in a table that tells more of tasks, the one that is there. */
static void *row_at(const struct oom_store_part *part, struct oom_event *ev, size_t seq)
{
	return part->extra ? (void *)&ev->task[seq] : oom_event_add(ev, part->rec);
}

static int load_row(struct oom_sql_stmt *st, const struct oom_store_part *part, struct oom_event *ev,
		    size_t seq)
{
	const struct oom_record *rec = part->rec;
	void *p = row_at(part, ev, seq);
	int column = 0, r = 0;

	if (!p)
		return -ENOMEM;
	for (size_t i = 0; !r && i < rec->nfields; i++)
		if (oom_store_column(rec, &rec->field[i]) != OOM_COLUMN_NONE)
			r = load_field(st, ++column, &rec->field[i], &ev->arena, p, 0);
	return r;
}

/* Positions without a gap, or what refers to them would be wrong; what tells more of other rows may have gaps. */
static bool is_next(const struct oom_store_part *part, const struct oom_event *ev, size_t seq, int64_t at)
{
	return part->extra ? (size_t)at < ev->ntasks : (size_t)at == seq;
}

static int load_part(struct oom_store *s, unsigned index, struct oom_event *ev, struct oom_err *reterr)
{
	const struct oom_store_part *part = &oom_store_parts[index];
	struct oom_sql_stmt *st;
	size_t seq = 0;
	int64_t at;
	int r = oom_store_statement(s, OOM_ST_GET_PART + index, &st, reterr);

	if (r)
		return r;
	oom_sql_bind_int(st, 1, ev->id << OOM_PART_BITS);
	oom_sql_bind_int(st, 2, (ev->id + 1) << OOM_PART_BITS);
	while ((r = oom_sql_step(s->sql, st, reterr)) == 1) {
		at = oom_sql_int(st, 0) & OOM_PART_MASK;
		r = is_next(part, ev, seq++, at) ? load_row(st, part, ev, (size_t)at) : -EBADMSG;
		if (r)
			break;
	}
	oom_sql_reset(st);
	if (r == -EBADMSG)
		return damaged(s, ev->id, part->table, reterr);
	return r == -ENOMEM ? no_memory(s, ev->id, reterr) : r;
}

static int load_head(struct oom_store *s, int64_t id, struct oom_event *ev, int64_t *rows_off, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int column = 3, r = oom_store_statement(s, OOM_ST_GET_EVENT, &st, reterr);   /* behind hostname, machine_id, rows_off */

	if (r)
		return r;
	oom_sql_bind_int(st, 1, id);
	r = oom_sql_step(s->sql, st, reterr);
	if (r == 0)
		r = oom_err_set(reterr, ENOENT, "there is no event %lld in '%s'", (long long)id,
				oom_sql_path(s->sql));
	else if (r == 1)
		r = 0;
	if (!r && oom_sql_type(st, 2) != OOM_SQL_INT && oom_sql_type(st, 2) != OOM_SQL_NULL)
		r = damaged(s, id, "task table", reterr);
	if (!r)
		*rows_off = oom_sql_int(st, 2);
	for (size_t i = 0; !r && i < oom_event_record.nfields; i++) {
		const struct oom_field *f = &oom_event_record.field[i];
		enum oom_column as = oom_store_column(&oom_event_record, f);
		bool machine = f->offset == offsetof(struct oom_event, machine_id);

		r = load_field(st, as == OOM_COLUMN_NONE ? machine : column++, f, &ev->arena, ev,
			       as == OOM_COLUMN_LINE ? oom_store_first_line(ev) : 0);
		if (r == -EBADMSG)
			r = damaged(s, id, f->key, reterr);
		else if (r)
			r = no_memory(s, id, reterr);
	}
	oom_sql_reset(st);
	return r;
}

static int load_tasks(struct oom_store *s, struct oom_event *ev, int64_t rows_off, struct oom_err *reterr)
{
	int r = oom_store_load_tasks(s, ev, rows_off, reterr);

	if (r == -EBADMSG)
		return damaged(s, ev->id, "task", reterr);
	return r == -ENOMEM ? no_memory(s, ev->id, reterr) : r;
}

static int load_evidence(struct oom_store *s, struct oom_event *ev, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r = oom_store_statement(s, OOM_ST_GET_EVIDENCE, &st, reterr);

	if (r)
		return r;
	oom_sql_bind_int(st, 1, ev->id);
	r = oom_sql_step(s->sql, st, reterr);
	if (r == 1) {
		r = 0;
		if (oom_sql_type(st, 0) == OOM_SQL_BLOB)
			r = oom_store_unpack_raw(s, oom_sql_bytes(st, 0), ev, reterr);
		else if (oom_sql_type(st, 0) != OOM_SQL_NULL)
			r = -EBADMSG;
		if (!r && oom_sql_type(st, 1) == OOM_SQL_TEXT)
			r = oom_store_unpack_memory(s, oom_sql_bytes(st, 1), ev, reterr);
		else if (!r && oom_sql_type(st, 1) != OOM_SQL_NULL)
			r = -EBADMSG;
	}
	oom_sql_reset(st);
	if (r == -EBADMSG)
		return damaged(s, ev->id, "evidence", reterr);
	return r == -ENOMEM ? no_memory(s, ev->id, reterr) : r;
}

int oom_store_load(struct oom_store *s, int64_t id, struct oom_event *ret, struct oom_err *reterr)
{
	struct oom_event ev;
	int64_t rows_off = OOM_NA;
	int r;

	if (id < 0 || id > OOM_EVENT_ID_MAX)
		return oom_err_set(reterr, ENOENT, "there is no event %lld in '%s'", (long long)id,
				   oom_sql_path(s->sql));
	oom_event_init(&ev);
	ev.id = id;
	r = load_head(s, id, &ev, &rows_off, reterr);
	if (!r)
		r = load_tasks(s, &ev, rows_off, reterr);
	for (unsigned i = 0; !r && i < OOM_STORE_PARTS; i++)
		r = load_part(s, i, &ev, reterr);
	if (!r)
		r = load_evidence(s, &ev, reterr);
	if (r) {
		oom_event_release(&ev);
		return r;
	}
	*ret = ev;
	return 0;
}
