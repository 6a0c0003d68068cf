/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is meant, whose turn it is, and which events of a store the server needs. */
#include "pg_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define LOCK_CLASS   "1330597196"       /* "OOML" */
#define BUCKETS      256                /* of hosts: a lock each, however many hosts a store has */
#define ASK          1000               /* events per question */

struct host { int64_t local, id; };

/* ---- ids --------------------------------------------------------------------------------------------- */

/* FNV-1a with murmur3's last steps: the same everywhere and for ever, since ids are kept. */
uint64_t oom_pg_hash(uint64_t h, struct oom_str s)
{
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3ull;
	return (h ^ 0xff) * 0x100000001b3ull;            /* "ab", "c" is not "a", "bc" */
}

int64_t oom_pg_id(uint64_t h)
{
	h = (h ^ h >> 33) * 0xff51afd7ed558ccdull;
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ull;
	return (int64_t)((h ^ h >> 33) & INT64_MAX);
}

/* What an event's fingerprint calls the machine. */
static int64_t host_id(struct oom_str hostname, struct oom_str machine_id)
{
	return oom_pg_id(oom_pg_hash(OOM_PG_HASH, machine_id.p ? machine_id : hostname));
}

static int by_local(const void *key, const void *elem)
{
	int64_t a = *(const int64_t *)key, b = ((const struct host *)elem)->local;

	return (a > b) - (a < b);
}

int64_t oom_pg_host_of(const struct oom_pg_merge *m, int64_t local)
{
	const struct host *h = bsearch(&local, m->hosts.p, m->hosts.n / sizeof(*h), sizeof(*h), by_local);

	return h ? h->id : host_id(OOM_STR_NULL, OOM_STR_NULL);
}

/* "{1,2,3}" of the int64_t at offset at of each element. */
int oom_pg_add_ids(struct oom_buf *b, const char *p, size_t n, size_t size, size_t at)
{
	int r = oom_buf_add(b, "{", 1);

	for (size_t i = 0; !r && i < n; i++) {
		int64_t v;

		memcpy(&v, p + i * size + at, sizeof(v));
		r = oom_buf_fmt(b, i ? ",%lld" : "%lld", (long long)v);
	}
	return r ? r : oom_buf_add(b, "}", 1);
}

/* ---- which events ------------------------------------------------------------------------------------ */

/* An account of an event, as far as the rule of merging looks. */
struct account { struct oom_pg_event ev; int64_t weight, first_line; struct oom_str path, engine; char print[33]; };

/* The greater weight; of equal ones the lesser path and line.  What is not known is less than what is.  The same account again:
 * that of the newer engine. */
static bool is_better(const struct account *a, const struct account *b)
{
	int paths = oom_str_cmp(a->path, b->path);

	if (a->weight != b->weight)
		return a->weight > b->weight;
	if (paths || a->first_line != b->first_line)
		return paths ? paths < 0 : a->first_line < b->first_line;
	return a->engine.p && (!b->engine.p || strverscmp(a->engine.p, b->engine.p) > 0);
}

static int by_key(const void *pa, const void *pb)
{
	const struct account *a = pa, *b = pb;

	if (a->ev.id != b->ev.id)
		return a->ev.id < b->ev.id ? -1 : 1;
	return (a->ev.host > b->ev.host) - (a->ev.host < b->ev.host);
}

static struct oom_value text_param(const struct oom_buf *b)
{
	return (struct oom_value){ .kind = OOM_VALUE_TEXT, .s = { b->p, b->n } };
}

/* Those of the n accounts that the server has, sorted. */
static int ask(struct oom_pg_merge *m, const struct account *acc, size_t n, struct oom_pg_rows **ret)
{
	struct oom_buf hosts = { 0 }, ids = { 0 };
	int r = oom_pg_add_ids(&hosts, (const char *)acc, n, sizeof(*acc), offsetof(struct account, ev.host));

	if (!r)
		r = oom_pg_add_ids(&ids, (const char *)acc, n, sizeof(*acc), offsetof(struct account, ev.id));
	if (r) {
		r = oom_pg_no_memory(m);
	} else {
		const struct oom_value param[] = { text_param(&hosts), text_param(&ids) };

		r = oom_pg_run(m->pg, "SELECT host_id, event_id, weight, first_line, path, engine FROM event WHERE host_id = ANY "
			       "($1::bigint[]) AND event_id = ANY ($2::bigint[])", 2, param, ret, m->err);
	}
	oom_buf_release(&hosts);
	oom_buf_release(&ids);
	return r;
}

static struct account account_at(struct oom_pg_rows *rows, size_t i)
{
	return (struct account){
		.ev.host = oom_pg_value(rows, i, 0).i, .ev.id = oom_pg_value(rows, i, 1).i, .weight = oom_pg_value(rows, i, 2).i,
		.first_line = oom_pg_value(rows, i, 3).i, .path = oom_pg_value(rows, i, 4).s, .engine = oom_pg_value(rows, i, 5).s,
	};
}

static int decide(struct oom_pg_merge *m, struct account *acc, size_t n)
{
	struct oom_pg_rows *rows = NULL;
	int r = ask(m, acc, n, &rows);
	size_t have = r ? 0 : oom_pg_count(rows);
	struct account *there = oom_malloc((have ? have : 1) * sizeof(*there));

	if (!r && !there)
		r = oom_pg_no_memory(m);
	for (size_t i = 0; !r && i < have; i++)
		there[i] = account_at(rows, i);
	if (!r)
		qsort(there, have, sizeof(*there), by_key);
	for (size_t i = 0; !r && i < n; i++) {
		const struct account *old = bsearch(&acc[i], there, have, sizeof(*there), by_key);
		bool better = !old || is_better(&acc[i], old);

		acc[i].ev.beats = old != NULL;
		m->done.added += !old;
		m->done.replaced += old && better;
		m->done.known += !better;
		if (old && better)
			r = oom_store_prove(m->s, acc[i].ev.local, acc[i].print, acc[i].weight, m->err);
		if (better && !r)
			r = oom_buf_add(&m->events, &acc[i].ev, sizeof(acc[i].ev)) ? oom_pg_no_memory(m) : 0;
	}
	oom_free(there);
	oom_pg_rows_free(rows);
	return r;
}

/* Text of the source, to be compared with the server's; ends with a NUL. */
static int take_text(struct oom_pg_merge *m, struct oom_sql_stmt *st, int i, struct oom_arena *a, struct oom_str *ret)
{
	struct oom_str s = oom_sql_bytes(st, i);

	if (!s.p)
		return 0;
	*ret = oom_str_utf8(a, s);
	if (ret->p)
		*ret = oom_arena_fmt(a, "%.*s", (int)ret->n, ret->p);
	return ret->p ? 0 : oom_pg_no_memory(m);
}

static int take_account(struct oom_pg_merge *m, struct oom_sql_stmt *st, struct oom_arena *a, struct account *ret)
{
	struct oom_str print = oom_sql_bytes(st, 2);
	int r;

	*ret = (struct account){
		.ev = { .local = oom_sql_int(st, 0), .host = oom_pg_host_of(m, oom_sql_int(st, 1)),
			.id = oom_pg_id(oom_pg_hash(OOM_PG_HASH, print)), .page_size = oom_sql_int(st, 6) },
		.weight = oom_sql_int(st, 3), .first_line = oom_sql_int(st, 4),
	};
	if (!oom_store_is_fingerprint(print))
		return oom_err_set(m->err, EBADMSG, "cannot merge '%s': the fingerprint of its event %lld is damaged",
				   oom_sql_path(m->s->sql), (long long)ret->ev.local);
	memcpy(ret->print, print.p, print.n);
	r = take_text(m, st, 5, a, &ret->path);
	return r ? r : take_text(m, st, 7, a, &ret->engine);
}

int oom_pg_choose(struct oom_pg_merge *m)
{
	struct account *acc = oom_malloc(ASK * sizeof(*acc));
	struct oom_arena paths = { 0 };
	struct oom_sql_stmt *st = NULL;
	size_t n = 0;
	int more = 1, r = acc ? 0 : oom_pg_no_memory(m);

	if (!r)
		r = oom_sql_prepare(m->s->sql, "SELECT event_id, host_id, fingerprint, weight, first_line, path, page_size, "
				    "engine FROM v_event", &st, NULL, m->err);
	while (!r && more) {
		more = oom_sql_step(m->s->sql, st, m->err);
		r = more < 0 ? more : more ? take_account(m, st, &paths, &acc[n++]) : 0;
		if (r || (more && n < ASK))
			continue;
		r = decide(m, acc, n);
		oom_arena_reset(&paths);
		n = 0;
	}
	oom_sql_finalize(st);
	oom_arena_release(&paths);
	oom_free(acc);
	return r;
}

/* ---- hosts ------------------------------------------------------------------------------------------- */

static int load_hosts(struct oom_pg_merge *m)
{
	struct oom_sql_stmt *st = NULL;
	int r = oom_sql_prepare(m->s->sql, "SELECT host_id, hostname, machine_id FROM host ORDER BY host_id", &st, NULL, m->err);

	while (!r && (r = oom_sql_step(m->s->sql, st, m->err)) == 1) {
		const struct host h = { oom_sql_int(st, 0), host_id(oom_sql_bytes(st, 1), oom_sql_bytes(st, 2)) };

		r = oom_buf_add(&m->hosts, &h, sizeof(h)) ? oom_pg_no_memory(m) : 0;
	}
	oom_sql_finalize(st);
	return r;
}

/* Writers of the same hosts take turns, in an order that all keep. */
int oom_pg_lock_hosts(struct oom_pg_merge *m)
{
	const struct host *h;
	bool bucket[BUCKETS] = { false };
	struct oom_value param;
	const char *sep = "{";
	int r = load_hosts(m);

	if (r || !m->hosts.n)
		return r;
	h = (const void *)m->hosts.p;
	for (size_t i = 0; i < m->hosts.n / sizeof(*h); i++)
		bucket[h[i].id % BUCKETS] = true;
	m->text.n = 0;
	for (int i = 0; i < BUCKETS; i++) {
		if (bucket[i] && oom_buf_fmt(&m->text, "%s%d", sep, i))
			return oom_pg_no_memory(m);
		sep = bucket[i] ? "," : sep;
	}
	if (oom_buf_add(&m->text, "}", 1))
		return oom_pg_no_memory(m);
	param = text_param(&m->text);
	return oom_pg_run(m->pg, "SELECT pg_advisory_xact_lock(" LOCK_CLASS ", b) FROM unnest($1::integer[]) AS b", 1, &param,
			  NULL, m->err);
}

