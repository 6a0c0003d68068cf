/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Questions to the store: filtered events, and SQL that people write. */
#include "store_impl.h"

#include <oomlens/query.h>

#include <errno.h>
#include <string.h>

/* ---- filters ----------------------------------------------------------------------------------------- */

#define FILTER_PARAMETERS 8

/* A condition that is not asked for has a NULL parameter. */
static const char filtered[] = " FROM v_event AS e LEFT JOIN life AS l ON l.k = e.event_id << 20 WHERE"
			       " (?1 IS NULL OR e.wall_us >= ?1) AND (?2 IS NULL OR e.wall_us < ?2)"
			       " AND (?3 IS NULL OR e.hostname = ?3)"
			       " AND (?4 IS NULL OR (SELECT text FROM word WHERE word_id = l.comm_w) GLOB ?4 OR EXISTS (SELECT 1 FROM v_victim AS w WHERE w.event_id = "
			       "e.event_id AND w.comm GLOB ?4))"
			       " AND (?5 IS NULL OR e.oom_memcg GLOB ?5 OR e.task_memcg GLOB ?5)"
			       " AND (?6 IS NULL OR e.verdict = ?6)"
			       " AND (?7 IS NULL OR e.engine IS NOT ?7 OR e.weight IS NULL)"
			       " AND (?8 IS NULL OR e.event_id = ?8)"
			       " ORDER BY e.wall_us, e.event_id LIMIT ?9";

static void bind_filter(struct oom_sql_stmt *st, const struct oom_filter *f)
{
	const char *const text[] = { f->host, f->comm, f->cgroup, f->verdict, f->stale };

	oom_sql_bind_int(st, 1, f->since_us ? f->since_us : OOM_NA);
	oom_sql_bind_int(st, 2, f->until_us ? f->until_us : OOM_NA);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(text); i++)
		oom_sql_bind_text(st, (int)i + 3, oom_str_from(text[i]));
	oom_sql_bind_int(st, FILTER_PARAMETERS, f->id > 0 ? f->id : OOM_NA);
	oom_sql_bind_int(st, FILTER_PARAMETERS + 1, f->limit > 0 ? f->limit : -1);
}

static int prepare_filtered(struct oom_store *s, const char *select, const struct oom_filter *f, const char *rest,
			    struct oom_sql_stmt **ret, struct oom_err *reterr)
{
	static const struct oom_filter everything;
	int r;

	s->text.n = 0;
	if (oom_buf_fmt(&s->text, "%s%s%s", select, filtered, rest) || oom_buf_add(&s->text, "", 1))
		return oom_store_fail(s, ENOMEM, "cannot read", reterr);
	r = oom_sql_prepare(s->sql, s->text.p, ret, NULL, reterr);
	if (!r)
		bind_filter(*ret, f ? f : &everything);
	return r;
}

/* The ids are gathered first: fn may write to the store. */
static int gather(struct oom_store *s, const struct oom_filter *f, struct oom_buf *ids,
		  struct oom_err *reterr)
{
	struct oom_sql_stmt *st = NULL;
	int r = prepare_filtered(s, "SELECT e.event_id", f, "", &st, reterr);

	if (r)
		return r;
	while ((r = oom_sql_step(s->sql, st, reterr)) == 1) {
		int64_t id = oom_sql_int(st, 0);

		if (oom_buf_add(ids, &id, sizeof(id))) {
			r = oom_store_fail(s, ENOMEM, "cannot read", reterr);
			break;
		}
	}
	oom_sql_finalize(st);
	return r;
}

int oom_store_each(struct oom_store *s, const struct oom_filter *f, int (*fn)(void *arg, int64_t id),
		   void *arg, struct oom_err *reterr)
{
	struct oom_buf ids = { 0 };
	int r = gather(s, f, &ids, reterr);

	for (size_t at = 0; !r && at < ids.n; at += sizeof(int64_t)) {
		int64_t id;

		memcpy(&id, ids.p + at, sizeof(id));
		r = fn(arg, id);
	}
	oom_buf_release(&ids);
	return r;
}

/* ---- names of events --------------------------------------------------------------------------------- */

#define ID_DIGITS_MAX 11       /* more digits are a fingerprint that happens to hold no letter */
#define PRINT_MIN     6
#define PRINT_MAX     32

int oom_store_event_word(const char *text, int64_t *ret_id)
{
	struct oom_str s = oom_str_from(text);
	size_t n = strspn(text, "0123456789abcdefABCDEF");

	if (strspn(text, "0123456789") == s.n && s.n <= ID_DIGITS_MAX)
		return oom_take_i64(&s, ret_id) && *ret_id > 0 ? 1 : -EINVAL;
	return n == s.n && n >= PRINT_MIN && n <= PRINT_MAX ? 0 : -EINVAL;
}

/* The sentence says which they are, as far as it has room. */
static int several(struct oom_store *s, struct oom_sql_stmt *st, const char *text, struct oom_err *reterr)
{
	char list[300] = "";
	size_t at = 0;

	do {
		struct oom_str print = oom_sql_bytes(st, 1);

		if (at + 64 > sizeof(list)) {
			snprintf(list + at, sizeof(list) - at, " ...");
			break;
		}
		at += (size_t)snprintf(list + at, sizeof(list) - at, "%s %lld (%.*s)", at ? "," : "",
				       (long long)oom_sql_int(st, 0), (int)(print.n < 20 ? print.n : 20), print.p ? print.p : "");
	} while (oom_sql_step(s->sql, st, reterr) == 1);
	return oom_err_set(reterr, ENOTUNIQ, "'%s' fits several events:%s", text, list);
}

static int find_print(struct oom_store *s, struct oom_sql_stmt *st, const char *text, int64_t *ret_id,
		      struct oom_err *reterr)
{
	char low[PRINT_MAX], high[PRINT_MAX];
	size_t n = strlen(text);
	int r;

	memset(low, '0', sizeof(low));
	memset(high, 'f', sizeof(high));
	for (size_t i = 0; i < n; i++)
		low[i] = high[i] = text[i] >= 'A' && text[i] <= 'F' ? (char)(text[i] | 0x20) : text[i];
	oom_sql_bind_text(st, 1, (struct oom_str){ low, sizeof(low) });
	oom_sql_bind_text(st, 2, (struct oom_str){ high, sizeof(high) });
	r = oom_sql_step(s->sql, st, reterr);
	if (r == 0)
		return oom_err_set(reterr, ENOENT, "there is no event %s in '%s'", text, oom_sql_path(s->sql));
	if (r < 0)
		return r;
	*ret_id = oom_sql_int(st, 0);
	r = oom_sql_step(s->sql, st, reterr);
	if (r != 1)
		return r;
	oom_sql_reset(st);
	r = oom_sql_step(s->sql, st, reterr);
	return r == 1 ? several(s, st, text, reterr) : r;
}

int oom_store_resolve(struct oom_store *s, const char *text, int64_t *ret_id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r = oom_store_event_word(text, ret_id);

	if (r < 0)
		return oom_err_set(reterr, EINVAL, "'%s' names no event: it takes an id, or 6 to 32 hex digits", text);
	if (r > 0)
		return 0;
	r = oom_store_statement(s, OOM_ST_LIKE_EVENT, &st, reterr);
	if (r)
		return r;
	r = find_print(s, st, text, ret_id, reterr);
	oom_sql_reset(st);
	return r;
}

/* ---- result sets ------------------------------------------------------------------------------------- */

static void take_value(struct oom_sql_stmt *st, int i, struct oom_value *ret)
{
	static const enum oom_value_kind kinds[] = {
		[OOM_SQL_NULL] = OOM_VALUE_NULL, [OOM_SQL_INT] = OOM_VALUE_INT,
		[OOM_SQL_REAL] = OOM_VALUE_REAL, [OOM_SQL_TEXT] = OOM_VALUE_TEXT,
		[OOM_SQL_BLOB] = OOM_VALUE_BLOB,
	};

	*ret = (struct oom_value){ .kind = kinds[oom_sql_type(st, i)] };
	if (ret->kind == OOM_VALUE_INT)
		ret->i = oom_sql_int(st, i);
	else if (ret->kind == OOM_VALUE_REAL)
		ret->r = oom_sql_real(st, i);
	else if (ret->kind != OOM_VALUE_NULL)
		ret->s = oom_sql_bytes(st, i);
}

/* 0 or what fn answered. */
static int give_names(struct oom_sql_stmt *st, int n, const struct oom_query_ops *ops, void *arg)
{
	const char **names;
	int r;

	if (!ops->columns)
		return 0;
	names = oom_malloc((size_t)n * sizeof(*names));
	if (!names)
		return -ENOMEM;
	for (int i = 0; i < n; i++) {
		names[i] = oom_sql_column_name(st, i);
		names[i] = names[i] ? names[i] : "";
	}
	r = ops->columns(arg, (size_t)n, names);
	oom_free(names);
	return r;
}

static int give_rows(struct oom_store *s, struct oom_sql_stmt *st, const struct oom_query_ops *ops, void *arg,
		     struct oom_err *reterr)
{
	int n = oom_sql_columns(st), r = n ? give_names(st, n, ops, arg) : 0;
	struct oom_value *v;

	if (r)
		return r == -ENOMEM ? oom_store_fail(s, ENOMEM, "cannot read", reterr) : r;
	v = oom_malloc((size_t)(n ? n : 1) * sizeof(*v));
	if (!v)
		return oom_store_fail(s, ENOMEM, "cannot read", reterr);
	while ((r = oom_sql_step(s->sql, st, reterr)) == 1) {
		for (int i = 0; i < n; i++)
			take_value(st, i, &v[i]);
		r = ops->row ? ops->row(arg, (size_t)n, v) : 0;
		if (r)
			break;
	}
	oom_free(v);
	return r;
}

static void bind_args(struct oom_sql_stmt *st, const struct oom_query_args *args)
{
	for (unsigned i = 0; i < OOM_QUERY_PARAMS; i++) {
		int at = oom_sql_param(st, oom_query_params[i].name);

		if (at && oom_query_params[i].text)
			oom_sql_bind_text(st, at, oom_str_from(args->host));
		else if (at)
			oom_sql_bind_int(st, at, oom_query_int(args, (enum oom_query_param)i));
	}
}

static int query_all(struct oom_store *s, const char *sql, const struct oom_query_args *args,
		     const struct oom_query_ops *ops, void *arg, struct oom_err *reterr)
{
	while (*sql) {
		struct oom_sql_stmt *st = NULL;
		int r = oom_sql_prepare(s->sql, sql, &st, &sql, reterr);

		if (!r && st) {
			if (args)
				bind_args(st, args);
			r = give_rows(s, st, ops, arg, reterr);
		}
		oom_sql_finalize(st);
		if (r)
			return r;
	}
	return 0;
}

int oom_store_query_with(struct oom_store *s, const char *sql, const struct oom_query_args *args, int64_t limit_ms,
			 const struct oom_query_ops *ops, void *arg, struct oom_err *reterr)
{
	int r;

	if (s->mode != OOM_STORE_READ)
		return oom_err_set(reterr, EPERM, "cannot query '%s': it is open for writing",
				   oom_sql_path(s->sql));
	oom_sql_guard(s->sql, limit_ms);
	r = query_all(s, sql, args, ops, arg, reterr);
	oom_sql_unguard(s->sql);
	return r;
}

int oom_store_query(struct oom_store *s, const char *sql, int64_t limit_ms, const struct oom_query_ops *ops,
		    void *arg, struct oom_err *reterr)
{
	return oom_store_query_with(s, sql, NULL, limit_ms, ops, arg, reterr);
}

int oom_store_list(struct oom_store *s, const struct oom_filter *f, const struct oom_query_ops *ops,
		   void *arg, struct oom_err *reterr)
{
	struct oom_sql_stmt *st = NULL;
	int r = prepare_filtered(
		s,
		"SELECT e.event_id AS id, coalesce(e.realtime, e.stamp) AS time, e.hostname AS host, "
		"e.kernel,"
		" e.scope, e.oom_memcg, e.outcome, coalesce(e.victim_pid, l.tgid) AS victim_pid,"
		" coalesce(e.victim_comm, (SELECT text FROM word WHERE word_id = l.comm_w)) AS victim_comm, e.verdict, e.reason,"
		" e.class",
		f, "", &st, reterr);

	if (r)
		return r;
	r = give_rows(s, st, ops, arg, reterr);
	oom_sql_finalize(st);
	return r;
}

int oom_store_rows(struct oom_store *s, enum oom_store_rows what, const struct oom_filter *f,
		   const struct oom_query_ops *ops, void *arg, struct oom_err *reterr)
{
	/* CROSS: the events come first, in their order */
	static const struct { const char *select, *rest; } sql[] = {
		[OOM_ROWS_EVENTS] = { "SELECT e.*", "" },
		[OOM_ROWS_CANDIDATES] = { "SELECT e.event, c.* FROM (SELECT e.event, e.event_id",
					  ") AS e CROSS JOIN v_candidate AS c ON c.event_id = e.event_id" },
		[OOM_ROWS_VICTIMS] = { "SELECT e.event, v.* FROM (SELECT e.event, e.event_id",
				       ") AS e CROSS JOIN v_victim AS v ON v.event_id = e.event_id" },
	};
	struct oom_sql_stmt *st = NULL;
	int r = prepare_filtered(s, sql[what].select, f, sql[what].rest, &st, reterr);

	if (r)
		return r;
	r = give_rows(s, st, ops, arg, reterr);
	oom_sql_finalize(st);
	return r;
}
