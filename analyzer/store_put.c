/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events into rows.  Field tables say what is bound; the rows of an event are appended in key order. */
#include "store_impl.h"

#include <errno.h>
#include <string.h>

/* The rows of a part on their way into its table. */
struct rows {
	struct oom_sql_feed feed;            /* first: oom_sql_run_feed() hands it back */
	const struct oom_store_part *part;
	const char *array;
	const int64_t *words;                /* of row i, field k: at i * nfields + k */
	int64_t id;
	uint64_t columns;                    /* bits of those that some row fills; see oom_store_insert() */
};

/* The digits of a fingerprint as bytes. */
#define OOM_PRINT_BYTES 16
static void print_bytes(const char *print, unsigned char *ret)
{
	for (size_t i = 0; i < OOM_PRINT_BYTES; i++) {
		struct oom_str two = { print + 2 * i, 2 };
		uint64_t v = 0;

		(void)oom_take_hex(&two, &v);
		ret[i] = (unsigned char)v;
	}
}

/* NULL for a value without a name. */
static const char *name_of(const struct oom_field *f, int64_t v)
{
	int64_t n = 0;

	while (f->names[n] && n != v)
		n++;
	return f->names[n];
}

/* The number of what the field says, OOM_NA for nothing.  -EINVAL: an enumeration holds a value without a name. */
static int word_of(struct oom_store *s, const struct oom_field *f, const void *rec, int64_t *ret, struct oom_err *reterr)
{
	struct oom_str text = f->type == OOM_TYPE_STR ? oom_field_str(f, rec) : oom_str_from(name_of(f, oom_field_int(f, rec)));

	*ret = OOM_NA;
	if (!text.p && f->type == OOM_TYPE_ENUM)
		return oom_err_set(reterr, EINVAL, "cannot store an event in '%s': its %s has no name",
				   oom_sql_path(s->sql), f->key);
	/* texts have no ballot: what is not there is NULL */
	if (!text.p || (f->type == OOM_TYPE_ENUM && oom_str_is(text, "none")))
		return 0;
	return oom_dict_text(s, OOM_DICT_WORD, text, ret, reterr);
}

/* ---- rows -------------------------------------------------------------------------------------------- */

static int find_words(struct oom_store *s, struct rows *w, struct oom_err *reterr)
{
	const struct oom_record *rec = w->part->rec;
	int64_t *words = oom_store_room(&s->ids, w->feed.rows * rec->nfields, sizeof(*words));
	int r = 0;

	if (!words)
		return oom_store_fail(s, ENOMEM, "cannot write", reterr);
	for (size_t i = 0; i < w->feed.rows; i++)
		for (size_t k = 0; !r && k < rec->nfields; k++)
			if (oom_store_column(rec, &rec->field[k]) == OOM_COLUMN_WORD)
				r = word_of(s, &rec->field[k], w->array + i * rec->size, &words[i * rec->nfields + k], reterr);
	w->words = words;
	return r;
}

static bool is_used(const struct rows *w, size_t k)
{
	const struct oom_field *f = &w->part->rec->field[k];
	const char *p = w->array;

	for (size_t i = 0; i < w->feed.rows; i++, p += w->part->rec->size)
		if (f->type == OOM_TYPE_STR ? oom_field_str(f, p).p != NULL : oom_field_int(f, p) != OOM_NA)
			return true;
	return false;
}

static uint64_t columns_of(const struct rows *w)
{
	uint64_t ret = 0;

	for (size_t i = 0; i < w->part->rec->nfields; i++)
		if (oom_store_column(w->part->rec, &w->part->rec->field[i]) != OOM_COLUMN_NONE)
			ret |= (uint64_t)is_used(w, i) << i;
	return ret;
}

static void send_cell(const struct oom_sql_feed *feed, struct oom_sql_cell *to, size_t seq, unsigned column)
{
	const struct rows *w = (const void *)feed;
	const struct oom_record *rec = w->part->rec;
	const struct oom_field *f;

	if (!column) {
		oom_sql_send_int(to, w->id << OOM_PART_BITS | (int64_t)seq);
		return;
	}
	f = &rec->field[column - 1];
	if (oom_store_column(rec, f) == OOM_COLUMN_WORD)
		oom_sql_send_int(to, w->words[seq * rec->nfields + column - 1]);
	else if (f->type == OOM_TYPE_STR)
		oom_sql_send_text(to, oom_field_str(f, w->array + seq * rec->size));
	else
		oom_sql_send_int(to, oom_field_int(f, w->array + seq * rec->size));
}

static int put_part(struct oom_store *s, const struct oom_event *event, int64_t id, unsigned index, struct oom_err *reterr)
{
	const char *ev = (const char *)event;
	struct rows w = { .part = &oom_store_parts[index], .id = id, .feed = { .cell = send_cell } };
	struct oom_sql_stmt *st;
	int r;

	memcpy(&w.array, ev + w.part->rec->array, sizeof(w.array));
	memcpy(&w.feed.rows, ev + w.part->rec->count, sizeof(w.feed.rows));
	if (!w.feed.rows)
		return 0;
	w.columns = columns_of(&w);
	if (!w.columns && w.part->extra)
		return 0;
	r = find_words(s, &w, reterr);
	if (!r)
		r = oom_store_insert(s, w.part, w.columns, &st, reterr);
	return r ? r : oom_sql_run_feed(s->sql, st, &w.feed, reterr);
}

/* ---- events' own rows -------------------------------------------------------------------------------- */

static int bind_field(struct oom_store *s, struct oom_sql_stmt *st, int i, const struct oom_field *f,
		      const struct oom_event *ev, struct oom_err *reterr)
{
	int64_t v;
	int r;

	switch (oom_store_column(&oom_event_record, f)) {
	case OOM_COLUMN_WORD:
		r = word_of(s, f, ev, &v, reterr);
		oom_sql_bind_int(st, i, v);
		return r;
	case OOM_COLUMN_LINE:
		v = oom_field_int(f, ev);
		oom_sql_bind_int(st, i, v == OOM_NA ? v : (int64_t)((uint64_t)v - (uint64_t)oom_store_first_line(ev)));
		return 0;
	default:
		if (f->type == OOM_TYPE_STR)
			oom_sql_bind_text(st, i, oom_field_str(f, ev));
		else
			oom_sql_bind_int(st, i, oom_field_int(f, ev));
		return 0;
	}
}

/* *id 0: a new one. */
static int put_event(struct oom_store *s, const struct oom_event *ev, int64_t host, const char *print,
		     int64_t *id, struct oom_err *reterr)
{
	unsigned char bytes[OOM_PRINT_BYTES];
	struct oom_sql_stmt *st;
	int i = 4, r;

	r = oom_store_statement(s, OOM_ST_ADD_EVENT, &st, reterr);
	if (r)
		return r;
	print_bytes(print, bytes);
	oom_sql_bind_int(st, 1, *id ? *id : OOM_NA);
	oom_sql_bind_int(st, 2, host);
	oom_sql_bind_blob(st, 3, bytes, sizeof(bytes));
	oom_sql_bind_int(st, 4, oom_store_rows_off(ev));
	for (size_t k = 0; !r && k < oom_event_record.nfields; k++)
		if (oom_store_column(&oom_event_record, &oom_event_record.field[k]) != OOM_COLUMN_NONE)
			r = bind_field(s, st, ++i, &oom_event_record.field[k], ev, reterr);
	if (!r)
		r = oom_sql_run(s->sql, st, reterr);
	*id = oom_sql_last_id(s->sql);
	if (!r && *id > OOM_EVENT_ID_MAX)
		r = oom_err_set(reterr, EOVERFLOW, "cannot store more events in '%s'", oom_sql_path(s->sql));
	return r;
}

static int put_evidence(struct oom_store *s, const struct oom_event *ev, int64_t id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r;

	r = oom_store_statement(s, OOM_ST_ADD_EVIDENCE, &st, reterr);
	if (r)
		return r;
	if (!ev->nraw && !ev->nmemory)
		return 0;
	r = oom_store_pack_raw(s, ev, reterr);
	if (!r)
		r = oom_store_pack_memory(s, ev, reterr);
	if (r)
		return r;
	oom_sql_unbind(st);
	oom_sql_bind_int(st, 1, id);
	if (ev->nraw)
		oom_sql_bind_blob(st, 2, s->packed.p, s->packed.n);
	if (ev->nmemory)
		oom_sql_bind_text(st, 3, (struct oom_str){ s->memory.p, s->memory.n });
	return oom_sql_run(s->sql, st, reterr);
}

/* ---- events ------------------------------------------------------------------------------------------ */

static int find_host(struct oom_store *s, struct oom_str host, struct oom_str machine, bool add, int64_t *ret,
		     struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r = oom_store_statement(s, OOM_ST_FIND_HOST, &st, reterr);

	if (r)
		return r;
	oom_sql_bind_text(st, 1, host);
	oom_sql_bind_text(st, 2, machine);
	r = oom_sql_step(s->sql, st, reterr);
	if (r == 1)
		*ret = oom_sql_int(st, 0);
	oom_sql_reset(st);
	if (r || !add)
		return r;
	r = oom_store_statement(s, OOM_ST_ADD_HOST, &st, reterr);
	if (r)
		return r;
	oom_sql_bind_text(st, 1, host);
	oom_sql_bind_text(st, 2, machine);
	r = oom_sql_run(s->sql, st, reterr);
	*ret = oom_sql_last_id(s->sql);
	return r ? r : 1;
}

/* Logs come host by host: the last one is remembered. */
int oom_store_host(struct oom_store *s, struct oom_str host, struct oom_str machine, bool add, int64_t *ret,
		   struct oom_err *reterr)
{
	struct oom_buf *b = &s->last_host_text;
	int r;

	if (s->last_host_id && oom_str_eq(host, s->last_host) && oom_str_eq(machine, s->last_machine)) {
		*ret = s->last_host_id;
		return 1;
	}
	r = find_host(s, host, machine, add, ret, reterr);
	s->last_host_id = 0;
	b->n = 0;
	if (r <= 0 || oom_buf_add(b, host.p, host.n) || oom_buf_add(b, machine.p, machine.n) ||
	    oom_buf_add(b, "", 1))
		return r;
	s->last_host = host.p ? (struct oom_str){ b->p, host.n } : OOM_STR_NULL;
	s->last_machine = machine.p ? (struct oom_str){ b->p + host.n, machine.n } : OOM_STR_NULL;
	s->last_host_id = *ret;
	return 1;
}

static int find_event(struct oom_store *s, const char *print, int64_t *ret, struct oom_err *reterr)
{
	unsigned char bytes[OOM_PRINT_BYTES];
	struct oom_sql_stmt *st;
	int r;

	r = oom_store_statement(s, OOM_ST_FIND_EVENT, &st, reterr);
	if (r)
		return r;
	print_bytes(print, bytes);
	oom_sql_bind_blob(st, 1, bytes, sizeof(bytes));
	r = oom_sql_step(s->sql, st, reterr);
	if (r == 1)
		*ret = oom_sql_int(st, 0);
	oom_sql_reset(st);
	return r;
}

static int put_all(struct oom_store *s, const struct oom_event *ev, const struct oom_replay *rp,
		   const char *print, int64_t *id, struct oom_err *reterr)
{
	int64_t host = 0;
	int r = oom_store_host(s, ev->host, ev->machine_id, true, &host, reterr);

	r = r < 0 ? r : 0;
	if (!r)
		r = put_event(s, ev, host, print, id, reterr);
	if (!r)
		r = oom_store_put_tasks(s, ev, rp, *id, reterr);
	for (unsigned i = 0; !r && i < OOM_STORE_PARTS; i++)
		r = put_part(s, ev, *id, i, reterr);
	if (!r)
		r = put_evidence(s, ev, *id, reterr);
	if (!r && rp)
		r = oom_store_put_verdict(s, rp, *id, reterr);
	return r;
}

/* SQLite may have rolled back by itself after a failure: what follows must not slip in alone. */
int oom_store_begin_write(struct oom_store *s, bool own, struct oom_err *reterr)
{
	if (s->failed)
		return oom_err_set(reterr, EIO, "cannot write '%s': an earlier step failed",
				   oom_sql_path(s->sql));
	return own ? oom_store_begin(s, reterr) : 0;
}

/* Half an event must not stay: without a transaction of the caller's there is one of our own, with one it
 * is spoilt. */
int oom_store_end_write(struct oom_store *s, bool own, int r, struct oom_err *reterr)
{
	int c;

	if (!own) {
		s->failed = s->failed || r < 0;
		return r;
	}
	if (r < 0) {
		oom_store_rollback(s);
		return r;
	}
	c = oom_store_commit(s, reterr);
	return c ? c : r;
}

int oom_store_put(struct oom_store *s, const struct oom_event *ev, const struct oom_replay *rp,
		  int64_t *ret_id, struct oom_err *reterr)
{
	bool own = !oom_sql_in_transaction(s->sql);
	char print[33];
	int64_t id = 0;
	int r;

	oom_event_fingerprint(ev, print);
	r = oom_store_begin_write(s, own, reterr);
	if (r)
		return r;
	r = find_event(s, print, &id, reterr);
	if (r == 0) {
		r = put_all(s, ev, rp, print, &id, reterr);
		r = r ? r : 1;
	} else if (r > 0) {
		r = 0;
	}
	r = oom_store_end_write(s, own, r, reterr);
	if (r >= 0)
		*ret_id = id;
	return r;
}

int oom_store_find(struct oom_store *s, const char *fingerprint, int64_t *ret_id, struct oom_err *reterr)
{
	return find_event(s, fingerprint, ret_id, reterr);
}

int oom_store_find_kill(struct oom_store *s, const struct oom_event *ev, int64_t *ret_id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int64_t boot;
	int r;

	if (!ev->nvictims || ev->victim[0].killed_us == OOM_NA || !ev->boot_id.p)
		return 0;
	r = oom_dict_known(s, ev->boot_id, &boot, reterr);
	if (r == 1)
		r = oom_store_statement(s, OOM_ST_FIND_KILL, &st, reterr);
	else
		return r;
	if (r)
		return r;
	oom_sql_bind_int(st, 1, ev->victim[0].pid);
	oom_sql_bind_int(st, 2, ev->victim[0].killed_us);
	oom_sql_bind_int(st, 3, boot);
	r = oom_sql_step(s->sql, st, reterr);
	if (r == 1)
		*ret_id = oom_sql_int(st, 0);
	oom_sql_reset(st);
	return r;
}

/* Statements that delete all rows of an event: by its id, by the range of k. */
static const unsigned by_id[] = { OOM_ST_CLEAR_EVENT, OOM_ST_CLEAR_EVIDENCE, OOM_ST_CLEAR_VERDICT, OOM_ST_CLEAR_DIGEST };
static const unsigned by_range[] = { OOM_ST_CLEAR_TASKS, OOM_ST_CLEAR_RARE };

static int clear_by(struct oom_store *s, unsigned statement, int64_t a, int64_t b, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r = oom_store_statement(s, statement, &st, reterr);

	if (r)
		return r;
	oom_sql_bind_int(st, 1, a);
	if (b != OOM_NA)
		oom_sql_bind_int(st, 2, b);
	return oom_sql_run(s->sql, st, reterr);
}

int oom_store_clear(struct oom_store *s, int64_t id, struct oom_err *reterr)
{
	int64_t from = id << OOM_PART_BITS, to = (id + 1) << OOM_PART_BITS;
	int r = 0;

	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(by_id); i++)
		r = clear_by(s, by_id[i], id, OOM_NA, reterr);
	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(by_range); i++)
		r = clear_by(s, by_range[i], from, to, reterr);
	for (unsigned i = 0; !r && i < OOM_STORE_PARTS; i++)
		r = clear_by(s, OOM_ST_CLEAR_PART + i, from, to, reterr);
	return r;
}

/* 1 = there is such an event. */
static int has_event(struct oom_store *s, int64_t id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r = oom_store_statement(s, OOM_ST_HAS_EVENT, &st, reterr);

	if (r)
		return r;
	oom_sql_bind_int(st, 1, id);
	r = oom_sql_step(s->sql, st, reterr);
	oom_sql_reset(st);
	return r;
}

/* Refusals come before anything is written: they leave the caller's transaction as it was. */
static int may_replace(struct oom_store *s, int64_t id, const char *print, struct oom_err *reterr)
{
	int64_t other = id;
	int r = id > 0 && id <= OOM_EVENT_ID_MAX ? has_event(s, id, reterr) : 0;

	if (r == 0)
		return oom_err_set(reterr, ENOENT, "there is no event %lld in '%s'", (long long)id,
				   oom_sql_path(s->sql));
	if (r > 0)
		r = find_event(s, print, &other, reterr);
	if (r > 0 && other != id)
		return oom_err_set(reterr, EEXIST, "cannot replace event %lld in '%s': event %lld is the same",
				   (long long)id, oom_sql_path(s->sql), (long long)other);
	return r < 0 ? r : 0;
}

int oom_store_replace(struct oom_store *s, int64_t id, const struct oom_event *ev, const struct oom_replay *rp,
		      struct oom_err *reterr)
{
	bool own = !oom_sql_in_transaction(s->sql);
	char print[33];
	int r = oom_store_begin_write(s, own, reterr);

	if (r)
		return r;
	oom_event_fingerprint(ev, print);
	r = may_replace(s, id, print, reterr);
	if (r && !own)
		return r;
	if (!r)
		r = oom_store_clear(s, id, reterr);
	if (!r)
		r = put_all(s, ev, rp, print, &id, reterr);
	return oom_store_end_write(s, own, r, reterr);
}

int oom_store_analyze(struct oom_store *s, const struct oom_replay *rp, struct oom_err *reterr)
{
	bool own = !oom_sql_in_transaction(s->sql);
	int64_t id = rp->event->id;
	int same, r = oom_store_begin_write(s, own, reterr);

	if (r)
		return r;
	same = r = oom_store_same_verdict(s, rp, id, reterr);
	if (r >= 0)
		r = oom_store_clear_verdict(s, id, reterr);
	if (!r)
		r = oom_store_put_verdict(s, rp, id, reterr);
	if (!r)
		r = oom_store_score_tasks(s, rp, id, reterr);
	return oom_store_end_write(s, own, r ? r : !same, reterr);
}
