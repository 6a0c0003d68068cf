/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a recorder keeps beside events: how far it has come, single facts, and not too much of all. */
#include <oomlens/live.h>

#include "store_impl.h"

#include <errno.h>

/* ---- marks ------------------------------------------------------------------------------------------- */

int oom_store_get_mark(struct oom_store *s, struct oom_store_mark *io, struct oom_err *reterr)
{
	int64_t *const values[] = { &io->next_line, &io->oom_kill, &io->kills, &io->log_lost, &io->facts_lost,
				    &io->seen_us };
	struct oom_sql_stmt *st;
	int64_t host = 0;
	int r = oom_store_host(s, io->host, io->machine_id, false, &host, reterr);

	if (r <= 0)
		return r;
	r = oom_store_statement(s, OOM_ST_GET_MARK, &st, reterr);
	if (r)
		return r;
	oom_sql_bind_int(st, 1, host);
	oom_sql_bind_text(st, 2, io->boot_id);
	r = oom_sql_step(s->sql, st, reterr);
	for (size_t i = 0; r == 1 && i < OOM_ARRAY_SIZE(values); i++)
		*values[i] = oom_sql_int(st, (int)i);
	oom_sql_reset(st);
	return r;
}

static int put_mark(struct oom_store *s, const struct oom_store_mark *m, struct oom_err *reterr)
{
	const int64_t values[] = { m->next_line, m->oom_kill, m->kills, m->log_lost, m->facts_lost, m->seen_us };
	struct oom_sql_stmt *st;
	int64_t host = 0;
	int r = oom_store_host(s, m->host, m->machine_id, true, &host, reterr);

	if (r >= 0)
		r = oom_store_statement(s, OOM_ST_PUT_MARK, &st, reterr);
	if (r < 0)
		return r;
	oom_sql_bind_int(st, 1, host);
	oom_sql_bind_text(st, 2, m->boot_id);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(values); i++)
		oom_sql_bind_int(st, (int)i + 3, values[i]);
	return oom_sql_run(s->sql, st, reterr);
}

int oom_store_put_mark(struct oom_store *s, const struct oom_store_mark *m, struct oom_err *reterr)
{
	bool own = !oom_sql_in_transaction(s->sql);
	int r;

	if (!m->boot_id.p)
		return oom_err_set(reterr, EINVAL, "cannot write '%s': the recorder does not know its boot id",
				   oom_sql_path(s->sql));
	r = oom_store_begin_write(s, own, reterr);
	return r ? r : oom_store_end_write(s, own, put_mark(s, m, reterr), reterr);
}

/* ---- facts ------------------------------------------------------------------------------------------- */

static int add_flags(struct oom_buf *b, int64_t flags)
{
	const char *name, *comma = "";
	int r = oom_buf_fmt(b, "[");

	for (unsigned bit = 0; !r && (name = oom_fact_flag_name(bit)); bit++) {
		if (!(flags >> bit & 1))
			continue;
		r = oom_buf_fmt(b, "%s\"%s\"", comma, name);
		comma = ",";
	}
	return r ? r : oom_buf_fmt(b, "]");
}

/* Has a column of its own, or says nothing. */
static bool is_left_out(const struct oom_field *f, const struct oom_fact *fact)
{
	int64_t v = f->type == OOM_TYPE_INT ? oom_field_int(f, fact) : OOM_NA;

	return v == OOM_NA || f->offset == offsetof(struct oom_fact, mono_us) ||
	       f->offset == offsetof(struct oom_fact, pid) || (f->offset == offsetof(struct oom_fact, flags) && !v);
}

static int add_detail(struct oom_buf *b, const struct oom_fact *fact)
{
	const char *comma = "";
	int r = oom_buf_fmt(b, "{");

	for (size_t i = 0; !r && i < oom_fact_record.nfields; i++) {
		const struct oom_field *f = &oom_fact_record.field[i];

		if (is_left_out(f, fact))
			continue;
		r = oom_buf_fmt(b, "%s\"%s\":", comma, f->key);
		comma = ",";
		if (r)
			break;
		r = f->offset == offsetof(struct oom_fact, flags) ? add_flags(b, fact->flags)
								  : oom_buf_fmt(b, "%lld", (long long)oom_field_int(f, fact));
	}
	return r ? r : oom_buf_fmt(b, "}");
}

static int put_trace(struct oom_store *s, const struct oom_store_mark *who, const char *feed,
		     const struct oom_fact *f, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int64_t host = 0;
	int i = 0, r = oom_store_host(s, who->host, who->machine_id, true, &host, reterr);

	if (r >= 0)
		r = oom_store_statement(s, OOM_ST_ADD_TRACE, &st, reterr);
	if (r < 0)
		return r;
	s->memory.n = 0;
	if (add_detail(&s->memory, f))
		return oom_store_fail(s, ENOMEM, "cannot write", reterr);
	oom_sql_bind_int(st, ++i, host);
	oom_sql_bind_text(st, ++i, who->boot_id);
	oom_sql_bind_int(st, ++i, f->mono_us);
	oom_sql_bind_text(st, ++i, oom_str_from(oom_fact_kind_names[f->kind]));
	oom_sql_bind_int(st, ++i, f->pid);
	oom_sql_bind_text(st, ++i, f->comm);
	oom_sql_bind_text(st, ++i, (struct oom_str){ s->memory.p, s->memory.n });
	oom_sql_bind_text(st, ++i, oom_str_from(feed));
	oom_sql_bind_int(st, ++i, who->seen_us);
	return oom_sql_run(s->sql, st, reterr);
}

int oom_store_trace(struct oom_store *s, const struct oom_store_mark *who, const char *feed, const struct oom_fact *f,
		    struct oom_err *reterr)
{
	bool own = !oom_sql_in_transaction(s->sql);
	int r = oom_store_begin_write(s, own, reterr);

	return r ? r : oom_store_end_write(s, own, put_trace(s, who, feed, f, reterr), reterr);
}

/* ---- retention --------------------------------------------------------------------------------------- */

/* Per call: some ten milliseconds of work. */
#define EVENTS_MAX 64
#define FACTS_MAX  4096
#define PAGES_MAX  256

struct oldest {
	size_t n, next;
	struct { int64_t id, t; } event[EVENTS_MAX];
};

/* until_us OOM_NA: of any age. */
static int oldest_events(struct oom_store *s, int64_t until_us, struct oldest *ret, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r = oom_store_statement(s, OOM_ST_OLDEST_EVENTS, &st, reterr);

	ret->n = ret->next = 0;
	if (r)
		return r;
	oom_sql_bind_int(st, 1, EVENTS_MAX);
	oom_sql_bind_int(st, 2, until_us);
	while (ret->n < EVENTS_MAX && (r = oom_sql_step(s->sql, st, reterr)) == 1) {
		ret->event[ret->n].id = oom_sql_int(st, 0);
		ret->event[ret->n++].t = oom_sql_int(st, 1);
	}
	oom_sql_reset(st);
	return r < 0 ? r : 0;
}

/* Deletes facts that were written before, at most FACTS_MAX, and those of unknown age if any_age.  Their number, or
 * -errno. */
static int drop_facts(struct oom_store *s, int64_t until_us, bool any_age, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int64_t last = 0;
	int n = 0, r = oom_store_statement(s, OOM_ST_OLDEST_TRACE, &st, reterr);

	if (r)
		return r;
	oom_sql_bind_int(st, 1, FACTS_MAX);
	while ((r = oom_sql_step(s->sql, st, reterr)) == 1) {
		int64_t t = oom_sql_int(st, 1);

		if (t == OOM_NA ? !any_age : t >= until_us)
			break;
		last = oom_sql_int(st, 0);
		n++;
	}
	oom_sql_reset(st);
	if (r < 0 || !n)
		return r < 0 ? r : 0;
	r = oom_store_statement(s, OOM_ST_CLEAR_TRACE, &st, reterr);
	if (r)
		return r;
	oom_sql_bind_int(st, 1, last);
	r = oom_sql_run(s->sql, st, reterr);
	return r ? r : n;
}

/* 1 = there may be more. */
static int prune_age(struct oom_store *s, int64_t until_us, struct oom_err *reterr)
{
	struct oldest old;
	int facts = 0, r = oldest_events(s, until_us, &old, reterr);

	for (; !r && old.next < old.n; old.next++, s->deleted++)
		r = oom_store_clear(s, old.event[old.next].id, reterr);
	if (!r)
		r = facts = drop_facts(s, until_us, false, reterr);
	return r < 0 ? r : old.n == EVENTS_MAX || facts == FACTS_MAX;
}

static int pages(struct oom_store *s, int64_t *count, int64_t *spare, struct oom_err *reterr)
{
	int r = oom_sql_get_int(s->sql, "PRAGMA page_count", count, reterr);

	return r ? r : oom_sql_get_int(s->sql, "PRAGMA freelist_count", spare, reterr);
}

/* Deletes the oldest event, or facts that are older.  The work in facts, 0 = nothing is left, -errno. */
static int drop_oldest(struct oom_store *s, struct oldest *old, struct oom_err *reterr)
{
	bool any = old->next < old->n;
	int r = drop_facts(s, any ? old->event[old->next].t : INT64_MAX, true, reterr);

	if (r || !any)
		return r;
	s->deleted++;
	r = oom_store_clear(s, old->event[old->next++].id, reterr);
	return r ? r : FACTS_MAX / EVENTS_MAX;
}

/* The last pages move into free ones, where the file was made for that. */
static int shrink(struct oom_store *s, int64_t page_size, int64_t max_bytes, struct oom_err *reterr)
{
	int64_t before = 0, after = 0, spare = 0;
	char sql[64];
	int r = pages(s, &before, &spare, reterr);

	if (r || before * page_size <= max_bytes || !spare)
		return r;
	snprintf(sql, sizeof(sql), "PRAGMA incremental_vacuum(%d)", PAGES_MAX);
	r = oom_sql_exec(s->sql, sql, reterr);
	if (!r)
		r = pages(s, &after, &spare, reterr);
	return r ? r : after < before && spare && after * page_size > max_bytes;
}

/* 1 = there is more to do. */
static int prune_size(struct oom_store *s, int64_t max_bytes, struct oom_err *reterr)
{
	int64_t size = 0, count = 0, spare = 0;
	struct oldest old = { .n = 0 };
	int r = oom_sql_get_int(s->sql, "PRAGMA page_size", &size, reterr);

	if (!r)
		r = pages(s, &count, &spare, reterr);
	if (!r && (count - spare) * size > max_bytes)
		r = oldest_events(s, OOM_NA, &old, reterr);
	for (int work = 0; !r && (count - spare) * size > max_bytes;) {
		if (work >= FACTS_MAX)
			return 1;
		r = drop_oldest(s, &old, reterr);
		if (!r)
			break;
		work += r;
		r = r < 0 ? r : pages(s, &count, &spare, reterr);
	}
	return r ? r : shrink(s, size, max_bytes, reterr);
}

static int prune(struct oom_store *s, int64_t until_us, int64_t max_bytes, struct oom_err *reterr)
{
	int age = until_us ? prune_age(s, until_us, reterr) : 0, size = 0, swept = 0;

	if (age >= 0 && max_bytes)
		size = prune_size(s, max_bytes, reterr);
	if (age >= 0 && size >= 0)
		swept = oom_store_sweep(s, reterr);
	return age < 0 ? age : size < 0 ? size : swept < 0 ? swept : age | size;
}

int oom_store_prune(struct oom_store *s, int64_t until_us, int64_t max_bytes, struct oom_err *reterr)
{
	bool own = !oom_sql_in_transaction(s->sql);
	int r = oom_store_begin_write(s, own, reterr);

	return r ? r : oom_store_end_write(s, own, prune(s, until_us, max_bytes, reterr), reterr);
}
