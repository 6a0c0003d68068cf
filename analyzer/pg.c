/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pg.h"

#include <dlfcn.h>
#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PARAMS_MAX 16

/* Types of results and parameters; their numbers are fixed in PostgreSQL's catalog. */
enum { OID_BOOL = 16, OID_BYTEA = 17, OID_INT8 = 20, OID_INT2 = 21, OID_INT4 = 23, OID_OID = 26,
       OID_FLOAT4 = 700, OID_FLOAT8 = 701, OID_NUMERIC = 1700 };

struct oom_pg {
	PGconn *conn;
	const char *url;
	char name[300];
	int64_t limit_ms;
	enum oom_pg_trouble trouble;
};

struct oom_pg_rows {
	PGresult *res;
	struct oom_arena bytes;         /* of unescaped byteas; given back with the rows */
};

/*
 * libpq is loaded when it is first needed: with it come TLS, Kerberos and LDAP, which would double the memory of a recorder
 * and the start of every other command.
 */
#define LIBPQ "libpq.so.5"
#define FUNCTIONS(F) \
	F(PQcancel) F(PQclear) F(PQconnectdbParams) F(PQconsumeInput) F(PQdb) F(PQerrorMessage) \
	F(PQfinish) F(PQfname) F(PQfreeCancel) F(PQfreemem) F(PQftype) F(PQgetCancel) \
	F(PQgetResult) F(PQgetisnull) F(PQgetlength) F(PQgetvalue) F(PQhost) F(PQisBusy) \
	F(PQnfields) F(PQntuples) F(PQport) F(PQputCopyData) F(PQputCopyEnd) F(PQresultErrorField) \
	F(PQresultStatus) F(PQsendQuery) F(PQsendQueryParams) F(PQsetNoticeProcessor) F(PQsocket) \
	F(PQstatus) F(PQtransactionStatus) F(PQunescapeBytea)

static struct {
	bool loaded;
#define F(name) __typeof__(name) *name;
	FUNCTIONS(F)
#undef F
} pq;

static int load(struct oom_err *reterr)
{
	void *lib = pq.loaded ? NULL : dlopen(LIBPQ, RTLD_NOW | RTLD_LOCAL), *f;

	if (pq.loaded)
		return 0;
	if (!lib)
		return oom_err_set(reterr, ENOTSUP, "cannot connect: %s; it is in the package libpq5", dlerror());
#define F(name) \
	f = dlsym(lib, #name); \
	if (!f) \
		return oom_err_set(reterr, ENOTSUP, "cannot connect: " LIBPQ " has no " #name); \
	memcpy(&pq.name, &f, sizeof(f));
	FUNCTIONS(F)
#undef F
	pq.loaded = true;
	return 0;
}

/* ---- errors ------------------------------------------------------------------------------------------ */

/* By the first characters of the SQLSTATE, the longest first. */
static int errno_of(const char *state)
{
	static const struct { const char *state; int code; } codes[] = {
		{ "40", EAGAIN },       /* serialization, deadlock */
		{ "23505", ESTALE },    /* unique: another writer was faster */
		{ "55P03", EAGAIN },    /* lock not available */
		{ "57P", EAGAIN },      /* the server is going down or coming up */
		{ "08", EAGAIN },       /* connection, also that between a coordinator and a shard */
		{ "53300", EAGAIN },    /* too many connections */
		{ "57014", ETIME },
		{ "42501", EACCES },    /* privilege */
		{ "25P03", EAGAIN },    /* idle for too long */
		{ "25", EPERM },        /* read-only transaction */
		{ "53100", ENOSPC }, { "53", ENOMEM },
		{ "42", EINVAL }, { "22", EINVAL }, { "0A", EINVAL }, { "26", EINVAL }, { "3F", EINVAL }, { "44", EINVAL },
		{ "54", EINVAL },
		{ "XX", EBADMSG },
	};

	for (size_t i = 0; state && i < OOM_ARRAY_SIZE(codes); i++)
		if (!strncmp(state, codes[i].state, strlen(codes[i].state)))
			return codes[i].code;
	return EIO;
}

/* What libpq says ends with a line break and may have more of them. */
static void one_line(const char *text, char *buf, size_t size)
{
	size_t n = 0;

	while (*text && n + 1 < size) {
		if (*text != '\n' && *text != '\t')
			buf[n++] = *text;
		else if (n && buf[n - 1] != ' ' && text[1])
			buf[n++] = ' ';
		text++;
	}
	buf[n] = '\0';
}

static int fail_conn(struct oom_pg *pg, const char *what, struct oom_err *reterr)
{
	char text[300];

	pg->trouble = OOM_PG_SERVER;
	one_line(pq.PQerrorMessage(pg->conn), text, sizeof(text));
	return oom_err_set(reterr, pq.PQstatus(pg->conn) == CONNECTION_BAD ? EAGAIN : EIO, "%s '%s': %s", what, pg->name, text);
}

/* Data that does not fit its column, keys that come twice, values beyond a limit. */
static bool is_about_rows(const char *state)
{
	return state && (!strncmp(state, "22", 2) || !strncmp(state, "23", 2) || !strncmp(state, "54", 2));
}

static int fail_res(struct oom_pg *pg, const PGresult *res, struct oom_err *reterr)
{
	const char *primary = pq.PQresultErrorField(res, PG_DIAG_MESSAGE_PRIMARY);
	const char *detail = pq.PQresultErrorField(res, PG_DIAG_MESSAGE_DETAIL);
	const char *state = pq.PQresultErrorField(res, PG_DIAG_SQLSTATE);
	char text[300];

	if (oom_pg_lost(pg) || !primary)
		return fail_conn(pg, "cannot use", reterr);
	pg->trouble = is_about_rows(state) ? OOM_PG_ROWS : OOM_PG_SERVER;
	one_line(primary, text, sizeof(text));
	if (state && !strcmp(state, "57014"))
		return oom_err_set(reterr, ETIME, "cannot query '%s': it took longer than its time limit", pg->name);
	return oom_err_set(reterr, errno_of(state), "cannot use '%s': %s%s%.80s", pg->name, text, detail ? "; " : "",
			   detail ? detail : "");
}

/* ---- connections ------------------------------------------------------------------------------------- */

bool oom_pg_lost(const struct oom_pg *pg)
{
	return pq.PQstatus(pg->conn) == CONNECTION_BAD;
}

const char *oom_pg_name(const struct oom_pg *pg)
{
	return pg->name;
}

void oom_pg_limit(struct oom_pg *pg, int64_t limit_ms)
{
	pg->limit_ms = limit_ms;
}

/* Notices are for people who type SQL. */
static void ignore_notice(void *arg, const char *text)
{
	(void)arg;
	(void)text;
}

/* Values before "dbname" are defaults for what the URL does not say, those behind it are ours. */
static PGconn *dial(const char *url)
{
	const char *env = getenv("PGCONNECT_TIMEOUT");
	const char *const keys[] = { "connect_timeout", "dbname", "fallback_application_name", "client_encoding", NULL };
	const char *const values[] = { env && *env ? env : "10", url, "oomlens", "UTF8", NULL };

	return pq.PQconnectdbParams(keys, values, 1);
}

static const char *or_empty(const char *s)
{
	return s ? s : "";
}

static int check_connection(struct oom_pg *pg, struct oom_err *reterr)
{
	char text[300];

	snprintf(pg->name, sizeof(pg->name), "postgresql://%s:%s/%s", or_empty(pq.PQhost(pg->conn)), or_empty(pq.PQport(pg->conn)),
		 or_empty(pq.PQdb(pg->conn)));
	if (pq.PQstatus(pg->conn) != CONNECTION_OK) {
		one_line(pq.PQerrorMessage(pg->conn), text, sizeof(text));
		return oom_err_set(reterr, EAGAIN, "cannot connect: %s", text);
	}
	(void)pq.PQsetNoticeProcessor(pg->conn, ignore_notice, NULL);
	return 0;
}

int oom_pg_open(const char *url, struct oom_pg **ret, struct oom_err *reterr)
{
	struct oom_pg *pg;
	int r = load(reterr);

	if (r)
		return r;
	pg = oom_malloc(sizeof(*pg));
	if (!pg)
		return oom_err_set(reterr, ENOMEM, "cannot connect: out of memory");
	*pg = (struct oom_pg){ .url = url, .conn = dial(url) };
	r = pg->conn ? check_connection(pg, reterr) : oom_err_set(reterr, ENOMEM, "cannot connect: out of memory");
	if (r) {
		oom_pg_close(pg);
		return r;
	}
	*ret = pg;
	return 0;
}

int oom_pg_reopen(struct oom_pg *pg, struct oom_err *reterr)
{
	PGconn *conn = dial(pg->url);

	if (!conn)
		return oom_err_set(reterr, ENOMEM, "cannot connect: out of memory");
	pq.PQfinish(pg->conn);
	pg->conn = conn;
	return check_connection(pg, reterr);
}

void oom_pg_close(struct oom_pg *pg)
{
	if (!pg)
		return;
	pq.PQfinish(pg->conn);
	oom_free(pg);
}

/* ---- statements -------------------------------------------------------------------------------------- */

static int64_t now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void cancel(struct oom_pg *pg)
{
	char text[256];
	PGcancel *c = pq.PQgetCancel(pg->conn);

	(void)pq.PQcancel(c, text, sizeof(text));
	pq.PQfreeCancel(c);
}

/* Until libpq has a result, or until then; a server that does not answer the request to cancel either is given up. */
#define CANCEL_MS 5000
static int await(struct oom_pg *pg, struct oom_err *reterr)
{
	int64_t until = pg->limit_ms ? now_ms() + pg->limit_ms : 0;
	bool cancelled = false;

	while (pq.PQisBusy(pg->conn)) {
		struct pollfd fd = { .fd = pq.PQsocket(pg->conn), .events = POLLIN };
		int64_t left = until ? until - now_ms() : -1;
		int n = until && left <= 0 ? 0 : poll(&fd, 1, left < 0 ? -1 : left > 60000 ? 60000 : (int)left);

		if (n > 0 && !pq.PQconsumeInput(pg->conn))
			return fail_conn(pg, "cannot use", reterr);
		if (n > 0 || !until || now_ms() < until)
			continue;
		if (cancelled)
			return oom_err_set(reterr, ETIME, "cannot query '%s': it took longer than its time limit", pg->name);
		cancel(pg);
		cancelled = true;
		until = now_ms() + CANCEL_MS;
	}
	return 0;
}

/* The last result of what was sent; an error comes before those that follow it. */
static int collect(struct oom_pg *pg, PGresult **ret, struct oom_err *reterr)
{
	PGresult *res, *last = NULL;
	int r = 0;

	while (!(r = await(pg, reterr)) && (res = pq.PQgetResult(pg->conn))) {
		ExecStatusType status = pq.PQresultStatus(res);

		if (last && pq.PQresultStatus(last) == PGRES_FATAL_ERROR) {
			pq.PQclear(res);
			continue;
		}
		pq.PQclear(last);
		last = res;
		if (status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH)
			break;
	}
	if (r) {
		pq.PQclear(last);
		return r;
	}
	*ret = last;
	return last ? 0 : fail_conn(pg, "cannot use", reterr);
}

static int result(struct oom_pg *pg, ExecStatusType also, struct oom_pg_rows **ret, struct oom_err *reterr)
{
	PGresult *res = NULL;
	int r = collect(pg, &res, reterr);
	struct oom_pg_rows *rows;

	if (r)
		return r;
	if (pq.PQresultStatus(res) != PGRES_COMMAND_OK && pq.PQresultStatus(res) != PGRES_TUPLES_OK && pq.PQresultStatus(res) != also)
		r = fail_res(pg, res, reterr);
	if (r || !ret) {
		pq.PQclear(res);
		return r;
	}
	rows = oom_malloc(sizeof(*rows));
	if (!rows) {
		pq.PQclear(res);
		return oom_err_set(reterr, ENOMEM, "cannot use '%s': out of memory", pg->name);
	}
	*rows = (struct oom_pg_rows){ .res = res };
	*ret = rows;
	return 0;
}

int oom_pg_run(struct oom_pg *pg, const char *sql, size_t n, const struct oom_value *param, struct oom_pg_rows **ret,
	       struct oom_err *reterr)
{
	const char *values[PARAMS_MAX];
	struct oom_arena a = { 0 };
	Oid types[PARAMS_MAX];
	bool ok = n <= PARAMS_MAX;

	for (size_t i = 0; ok && i < n; i++) {
		const struct oom_value *v = &param[i];
		bool text = v->kind == OOM_VALUE_TEXT;
		struct oom_str s = text ? oom_arena_fmt(&a, "%.*s", (int)v->s.n, v->s.p ? v->s.p : "")
					: oom_arena_fmt(&a, "%lld", (long long)v->i);

		types[i] = text ? 0 : OID_INT8;          /* text: what the statement makes of it */
		values[i] = (text ? !v->s.p : v->i == OOM_NA) ? NULL : s.p;
		ok = s.p != NULL;
	}
	if (!ok) {
		oom_arena_release(&a);
		return oom_err_set(reterr, ENOMEM, "cannot use '%s': out of memory", pg->name);
	}
	ok = pq.PQsendQueryParams(pg->conn, sql, (int)n, types, values, NULL, NULL, 0);
	oom_arena_release(&a);
	return ok ? result(pg, PGRES_TUPLES_OK, ret, reterr) : fail_conn(pg, "cannot use", reterr);
}

int oom_pg_script(struct oom_pg *pg, const char *sql, struct oom_err *reterr)
{
	return pq.PQsendQuery(pg->conn, sql) ? result(pg, PGRES_TUPLES_OK, NULL, reterr) : fail_conn(pg, "cannot use", reterr);
}

enum oom_pg_trouble oom_pg_take_trouble(struct oom_pg *pg)
{
	enum oom_pg_trouble ret = pg->trouble;

	pg->trouble = OOM_PG_FINE;
	return ret;
}

void oom_pg_rollback(struct oom_pg *pg)
{
	enum oom_pg_trouble trouble = pg->trouble;       /* what is given up here is no news */

	if (oom_pg_lost(pg))
		return;
	if (pq.PQtransactionStatus(pg->conn) == PQTRANS_ACTIVE) {
		(void)pq.PQputCopyEnd(pg->conn, "given up");
		(void)result(pg, PGRES_TUPLES_OK, NULL, NULL);
	}
	if (pq.PQtransactionStatus(pg->conn) != PQTRANS_IDLE)
		(void)oom_pg_script(pg, "ROLLBACK", NULL);
	pg->trouble = trouble;
}

/* ---- COPY -------------------------------------------------------------------------------------------- */

int oom_pg_copy_begin(struct oom_pg *pg, const char *sql, struct oom_err *reterr)
{
	return pq.PQsendQuery(pg->conn, sql) ? result(pg, PGRES_COPY_IN, NULL, reterr) : fail_conn(pg, "cannot use", reterr);
}

int oom_pg_copy_put(struct oom_pg *pg, const char *p, size_t n, struct oom_err *reterr)
{
	return pq.PQputCopyData(pg->conn, p, (int)n) == 1 ? 0 : fail_conn(pg, "cannot use", reterr);
}

int oom_pg_copy_end(struct oom_pg *pg, struct oom_err *reterr)
{
	if (pq.PQputCopyEnd(pg->conn, NULL) != 1)
		return fail_conn(pg, "cannot use", reterr);
	return result(pg, PGRES_TUPLES_OK, NULL, reterr);
}

/* ---- results ----------------------------------------------------------------------------------------- */

size_t oom_pg_count(const struct oom_pg_rows *r)
{
	return (size_t)pq.PQntuples(r->res);
}

size_t oom_pg_columns(const struct oom_pg_rows *r)
{
	return (size_t)pq.PQnfields(r->res);
}

const char *oom_pg_column_name(const struct oom_pg_rows *r, size_t col)
{
	return or_empty(pq.PQfname(r->res, (int)col));
}

static struct oom_value number(struct oom_str s)
{
	struct oom_value v = { .kind = OOM_VALUE_INT };
	struct oom_str rest = s;

	if (oom_take_i64(&rest, &v.i) && !rest.n && v.i != OOM_NA)
		return v;
	return (struct oom_value){ .kind = OOM_VALUE_REAL, .r = strtod(s.p, NULL) };
}

static struct oom_value bytes(struct oom_arena *a, const char *text)
{
	size_t n = 0;
	unsigned char *p = pq.PQunescapeBytea((const unsigned char *)text, &n);
	struct oom_value v = { .kind = OOM_VALUE_NULL };

	if (p && !oom_arena_str(a, (struct oom_str){ (const char *)p, n }, &v.s))
		v.kind = OOM_VALUE_BLOB;
	pq.PQfreemem(p);
	return v;
}

struct oom_value oom_pg_value(struct oom_pg_rows *r, size_t row, size_t col)
{
	struct oom_str s = { pq.PQgetvalue(r->res, (int)row, (int)col), (size_t)pq.PQgetlength(r->res, (int)row, (int)col) };

	if (pq.PQgetisnull(r->res, (int)row, (int)col))
		return (struct oom_value){ .kind = OOM_VALUE_NULL, .i = OOM_NA };
	switch (pq.PQftype(r->res, (int)col)) {
	case OID_BOOL:
		return (struct oom_value){ .kind = OOM_VALUE_INT, .i = s.p[0] == 't' };
	case OID_INT2: case OID_INT4: case OID_INT8: case OID_OID: case OID_NUMERIC:
		return number(s);
	case OID_FLOAT4: case OID_FLOAT8:
		return (struct oom_value){ .kind = OOM_VALUE_REAL, .r = strtod(s.p, NULL) };
	case OID_BYTEA:
		return bytes(&r->bytes, s.p);
	default:
		return (struct oom_value){ .kind = OOM_VALUE_TEXT, .s = s };
	}
}

void oom_pg_rows_free(struct oom_pg_rows *r)
{
	if (!r)
		return;
	pq.PQclear(r->res);
	oom_arena_release(&r->bytes);
	oom_free(r);
}
