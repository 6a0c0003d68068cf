/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events into rows.  Field tables say what is bound; the rows of an event are appended in key order. */
#include <oomlens/explain.h>

#include "store_impl.h"

#include <errno.h>
#include <string.h>

/* The rows of a part on their way into its table. */
struct rows {
	struct oom_sql_feed feed;            /* first: oom_sql_run_feed() hands it back */
	const struct oom_event *ev;
	const struct oom_store_part *part;
	const struct oom_replay *r;          /* NULL = nothing derived */
	const uint32_t *rank;                /* place of each task, from 1; NULL = not ranked */
	const char *array;
	int64_t id;
	uint64_t columns;                    /* bits of those that some row fills; see oom_store_insert() */
};

/* ---- binding ----------------------------------------------------------------------------------------- */

/* NULL for a value without a name. */
static const char *name_of(const struct oom_field *f, int64_t v)
{
	int64_t n = 0;

	while (f->names[n] && n != v)
		n++;
	return f->names[n];
}

/* -EINVAL: an enumeration holds a value without a name. */
static int bind_field(struct oom_sql_stmt *st, int i, const struct oom_field *f, const void *rec)
{
	if (f->type == OOM_TYPE_STR) {
		oom_sql_bind_text(st, i, oom_field_str(f, rec));
	} else if (f->type == OOM_TYPE_INT) {
		oom_sql_bind_int(st, i, oom_field_int(f, rec));
	} else {
		struct oom_str name = oom_str_from(name_of(f, oom_field_int(f, rec)));

		if (!name.p)
			return -EINVAL;
		/* Texts have no ballot: what is not there costs nothing and is NULL. */
		oom_sql_bind_text(st, i, oom_str_is(name, "none") ? OOM_STR_NULL : name);
	}
	return 0;
}

/* ---- rows -------------------------------------------------------------------------------------------- */

/* A derived column of a task; OOM_NA for what there is not. */
static int64_t score_of(const struct rows *w, size_t seq, size_t derived)
{
	const struct oom_replay *r = w->r;
	const struct oom_score *s = r && seq < r->nscores ? &r->score[seq] : NULL;
	bool points = s && derived < 3 && oom_explain_has_points(r, &r->event->task[seq], s);
	bool range = points && s->points.lo != s->points.hi;

	switch (s ? derived : SIZE_MAX) {
	case 0:  return points ? s->nominal : OOM_NA;
	case 1:  return range ? s->points.lo : OOM_NA;
	case 2:  return range ? s->points.hi : OOM_NA;
	case 3:  return w->rank ? w->rank[seq] : OOM_NA;
	case 4:  return s->why_not;
	default: return OOM_NA;
	}
}

static bool field_used(const struct rows *w, const struct oom_field *f)
{
	const char *p = w->array;

	for (size_t i = 0; i < w->feed.rows; i++, p += w->part->rec->size)
		if (f->type == OOM_TYPE_STR ? oom_field_str(f, p).p != NULL : oom_field_int(f, p) != OOM_NA)
			return true;
	return false;
}

static bool score_used(const struct rows *w, size_t derived)
{
	for (size_t i = 0; i < w->feed.rows; i++)
		if (score_of(w, i, derived) != OOM_NA)
			return true;
	return false;
}

static uint64_t columns_of(const struct rows *w)
{
	size_t nfields = w->part->rec->nfields;
	uint64_t ret = 0;

	for (size_t i = 0; i < nfields; i++)
		if (oom_store_has(w->part, &w->part->rec->field[i]))
			ret |= (uint64_t)field_used(w, &w->part->rec->field[i]) << i;
	for (size_t i = 0; i < w->part->nderived; i++)
		ret |= (uint64_t)score_used(w, i) << (nfields + i);
	return ret;
}

static bool has_unnamed(const struct rows *w)
{
	const struct oom_record *rec = w->part->rec;

	for (size_t i = 0; i < rec->nfields; i++)
		for (size_t k = 0; rec->field[i].type == OOM_TYPE_ENUM && k < w->feed.rows; k++)
			if (!name_of(&rec->field[i], oom_field_int(&rec->field[i], w->array + k * rec->size)))
				return true;
	return false;
}

static void send_field(const struct rows *w, struct oom_sql_cell *to, size_t seq, const struct oom_field *f)
{
	const struct oom_record *rec = w->part->rec;
	const char *p = w->array + seq * rec->size;
	enum oom_base base;
	int64_t v;

	if (f->type == OOM_TYPE_STR) {
		oom_sql_send_text(to, oom_field_str(f, p));
		return;
	}
	v = oom_field_int(f, p);
	if (f->type == OOM_TYPE_ENUM) {
		oom_sql_send_text(to, oom_str_from(name_of(f, v)));
		return;
	}
	base = oom_store_base(rec, f);
	if (v != OOM_NA && base != OOM_BASE_NONE)
		v = (int64_t)((uint64_t)v - (uint64_t)oom_store_base_value(w->ev, base, p, seq));
	oom_sql_send_int(to, v);
}

static void send_cell(const struct oom_sql_feed *f, struct oom_sql_cell *to, size_t seq, unsigned column)
{
	const struct rows *w = (const void *)f;
	size_t nfields = w->part->rec->nfields;

	if (!column)
		oom_sql_send_int(to, w->id << OOM_PART_BITS | (int64_t)seq);
	else if (column <= nfields)
		send_field(w, to, seq, &w->part->rec->field[column - 1]);
	else
		oom_sql_send_int(to, score_of(w, seq, column - 1 - nfields));
}

static int put_part(struct oom_store *s, unsigned index, struct rows *w, struct oom_err *reterr)
{
	const char *ev = (const char *)w->ev;
	struct oom_sql_stmt *st;
	int r;

	w->part = &oom_store_parts[index];
	w->feed.cell = send_cell;
	memcpy(&w->array, ev + w->part->rec->array, sizeof(w->array));
	memcpy(&w->feed.rows, ev + w->part->rec->count, sizeof(w->feed.rows));
	if (!w->feed.rows)
		return 0;
	if (has_unnamed(w))
		return oom_err_set(reterr, EINVAL, "cannot store an event in '%s': a %s has a value without a name",
				   oom_sql_path(s->sql), w->part->table);
	w->columns = columns_of(w);
	if (!w->columns && w->part->which == OOM_COLUMNS_RECORDED)
		return 0;
	r = oom_store_insert(s, w->part, w->columns, &st, reterr);
	return r ? r : oom_sql_run_feed(s->sql, st, &w->feed, reterr);
}

/* ---- events' own rows -------------------------------------------------------------------------------- */

/* *id 0: a new one. */
static int put_event(struct oom_store *s, const struct oom_event *ev, int64_t host, const char *print,
		     int64_t *id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r;

	r = oom_store_statement(s, OOM_ST_ADD_EVENT, &st, reterr);
	if (r)
		return r;
	oom_sql_bind_int(st, 1, *id ? *id : OOM_NA);
	oom_sql_bind_int(st, 2, host);
	oom_sql_bind_text(st, 3, oom_str_from(print));
	for (size_t i = 0; i < oom_event_record.nfields; i++)
		if (bind_field(st, (int)i + 4, &oom_event_record.field[i], ev))
			return oom_err_set(reterr, EINVAL,
					   "cannot store an event in '%s': its %s has no name",
					   oom_sql_path(s->sql), oom_event_record.field[i].key);
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

/* ---- derived ----------------------------------------------------------------------------------------- */

/* rank[] lists tasks, best first; rows want the place of each. */
static int places(struct oom_store *s, const struct oom_replay *r, const uint32_t **ret)
{
	size_t size = r->nscores * sizeof(uint32_t);
	uint32_t *place;

	*ret = NULL;
	if (!r->rank || !r->nscores)
		return 0;
	if (s->ranks.cap < size) {
		void *p = oom_realloc(s->ranks.p, size);

		if (!p)
			return -ENOMEM;
		s->ranks.p = p;
		s->ranks.cap = size;
	}
	place = (uint32_t *)(void *)s->ranks.p;
	memset(place, 0, size);
	for (size_t i = 0; i < r->nscores; i++)
		if (r->rank[i] < r->nscores)
			place[r->rank[i]] = (uint32_t)i + 1;
	*ret = place;
	return 0;
}

static int clear_derived(struct oom_store *s, int64_t id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r;

	r = oom_store_clear_verdict(s, id, reterr);
	if (!r)
		r = oom_store_statement(s, OOM_ST_CLEAR_TASKS, &st, reterr);
	if (r)
		return r;
	oom_sql_bind_int(st, 1, id << OOM_PART_BITS);
	oom_sql_bind_int(st, 2, (id + 1) << OOM_PART_BITS);
	return oom_sql_run(s->sql, st, reterr);
}

static int update_scores(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr)
{
	struct rows w = { .r = r };
	struct oom_sql_stmt *st;
	int ret;

	ret = oom_store_statement(s, OOM_ST_SCORE_TASK, &st, reterr);
	if (ret)
		return ret;
	if (places(s, r, &w.rank))
		return oom_store_fail(s, ENOMEM, "cannot write", reterr);
	for (size_t i = 0; !ret && i < r->nscores; i++) {
		for (int k = 0; k < OOM_TASK_DERIVED; k++)
			oom_sql_bind_int(st, k + 1, score_of(&w, i, (size_t)k));
		oom_sql_bind_int(st, 1 + OOM_TASK_DERIVED, id << OOM_PART_BITS | (int64_t)i);
		ret = oom_sql_run(s->sql, st, reterr);
	}
	return ret;
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
	struct oom_sql_stmt *st;
	int r;

	r = oom_store_statement(s, OOM_ST_FIND_EVENT, &st, reterr);
	if (r)
		return r;
	oom_sql_bind_text(st, 1, oom_str_from(print));
	r = oom_sql_step(s->sql, st, reterr);
	if (r == 1)
		*ret = oom_sql_int(st, 0);
	oom_sql_reset(st);
	return r;
}

static int put_all(struct oom_store *s, const struct oom_event *ev, const struct oom_replay *rp,
		   const char *print, int64_t *id, struct oom_err *reterr)
{
	struct rows w = { .ev = ev, .r = rp };
	int64_t host = 0;
	int r = oom_store_host(s, ev->host, ev->machine_id, true, &host, reterr);

	r = r < 0 ? r : 0;
	if (!r && rp && places(s, rp, &w.rank))
		r = oom_store_fail(s, ENOMEM, "cannot write", reterr);
	if (!r)
		r = put_event(s, ev, host, print, id, reterr);
	w.id = *id;
	for (unsigned i = 0; !r && i < OOM_STORE_PARTS; i++)
		r = put_part(s, i, &w, reterr);
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
	int r;

	if (!ev->nvictims || ev->victim[0].killed_us == OOM_NA || !ev->boot_id.p)
		return 0;
	r = oom_store_statement(s, OOM_ST_FIND_KILL, &st, reterr);
	if (r)
		return r;
	oom_sql_bind_int(st, 1, ev->victim[0].pid);
	oom_sql_bind_int(st, 2, ev->victim[0].killed_us);
	oom_sql_bind_text(st, 3, ev->boot_id);
	r = oom_sql_step(s->sql, st, reterr);
	if (r == 1)
		*ret_id = oom_sql_int(st, 0);
	oom_sql_reset(st);
	return r;
}

int oom_store_clear(struct oom_store *s, int64_t id, struct oom_err *reterr)
{
	static const unsigned whole[] = {
		OOM_ST_CLEAR_EVENT, OOM_ST_CLEAR_EVIDENCE, OOM_ST_CLEAR_VERDICT, OOM_ST_CLEAR_DIGEST,
	};
	int r = 0;

	for (unsigned i = 0; !r && i < OOM_ARRAY_SIZE(whole) + OOM_STORE_PARTS; i++) {
		bool part = i >= OOM_ARRAY_SIZE(whole);
		struct oom_sql_stmt *st;

		r = oom_store_statement(s, part ? OOM_ST_CLEAR_PART + i - OOM_ARRAY_SIZE(whole) : whole[i], &st, reterr);
		if (r)
			return r;
		oom_sql_bind_int(st, 1, part ? id << OOM_PART_BITS : id);
		if (part)
			oom_sql_bind_int(st, 2, (id + 1) << OOM_PART_BITS);
		r = oom_sql_run(s->sql, st, reterr);
	}
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
		r = clear_derived(s, id, reterr);
	if (!r)
		r = oom_store_put_verdict(s, rp, id, reterr);
	if (!r)
		r = update_scores(s, rp, id, reterr);
	return oom_store_end_write(s, own, r ? r : !same, reterr);
}
