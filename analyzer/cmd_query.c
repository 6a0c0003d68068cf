/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens query: named reports, and SQL that only reads. */
#include "cmd_rows.h"
#include "pg.h"

#include <oomlens/query.h>

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#define SQL_MAX ((size_t)1 << 20)

/* *ret is NUL-terminated. */
static int read_stdin(struct oom_buf *ret, struct oom_err *err)
{
	char part[4096];
	size_t n;

	ret->max = SQL_MAX;
	while ((n = fread(part, 1, sizeof(part), stdin)) > 0)
		if (oom_buf_add(ret, part, n))
			return oom_err_set(err, EFBIG, "the SQL on stdin is longer than 1 MiB");
	if (ferror(stdin))
		return oom_err_set(err, errno, "cannot read stdin: %s", strerror(errno));
	if (memchr(ret->p ? ret->p : "", 0, ret->n))
		return oom_err_set(err, EINVAL, "the SQL on stdin holds a NUL byte");
	return oom_buf_add(ret, "", 1) ? oom_err_set(err, ENOMEM, "out of memory") : 0;
}

/* ---- what there is ----------------------------------------------------------------------------------- */

/* "since until host": what the SQL takes. */
static struct oom_str params_of(const char *sql, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (unsigned i = 0; i < OOM_QUERY_PARAMS && n < size; i++)
		if (oom_query_takes(sql, (enum oom_query_param)i))
			n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? " " : "", oom_query_params[i].name + 1);
	return oom_str_from(buf);
}

static int list_reports(struct rows *rows)
{
	static const char *const names[] = { "name", "help", "parameters" };
	struct oom_value v[OOM_ARRAY_SIZE(names)];
	char params[80];
	int r = rows_ops.columns(rows, OOM_ARRAY_SIZE(names), names);

	for (size_t i = 0; !r && i < oom_named_query_count; i++) {
		const struct oom_named_query *q = &oom_named_queries[i];

		v[0] = (struct oom_value){ .kind = OOM_VALUE_TEXT, .s = oom_str_from(q->name) };
		v[2] = (struct oom_value){ .kind = OOM_VALUE_TEXT, .s = params_of(q->sql, params, sizeof(params)) };
		v[1] = (struct oom_value){ .kind = OOM_VALUE_TEXT, .s = oom_str_from(q->help) };
		r = rows_ops.row(rows, OOM_ARRAY_SIZE(v), v);
	}
	rows_end(rows);
	if (r != -ENOMEM)
		return EXIT_DONE;
	complain("out of memory");
	return EXIT_STORE;
}

static int print_sql(const char *sql, const struct oom_query_args *args)
{
	struct oom_buf text = { 0 };
	int r = oom_query_text(sql, args, &text);

	if (!r)
		fputs(text.p, stdout);
	oom_buf_release(&text);
	if (!r)
		return EXIT_DONE;
	complain("out of memory");
	return EXIT_STORE;
}

/* ---- running it --------------------------------------------------------------------------------------- */

/* One step of SQLite may last (instr() in long strings): between steps the store watches the clock, here is
 * who watches it inside one.  All that is open is open for reading. */
static void too_late(int sig)
{
	static const char text[] = "oomlens: the query took longer than its time limit (--timeout)\n";
	ssize_t n = write(STDERR_FILENO, text, sizeof(text) - 1);

	(void)sig;
	(void)n;
	_exit(EXIT_STORE);
}

static void watch_clock(const struct opts *o)
{
	int64_t s = o->timeout_us / 1000000 + 2;

	(void)signal(SIGALRM, too_late);
	(void)alarm(o->timeout_us && s < UINT_MAX ? (unsigned)s : 0);
}

/* Wrong or forbidden SQL is the caller's; a lost stdout is reported by whoever called us. */
static int end_query(struct rows *rows, int r, const struct oom_err *err)
{
	int64_t n = rows_end(rows);

	(void)alarm(0);
	if (r == -EINVAL || r == -EPERM)
		return fail(EXIT_USAGE, err);
	if (r < 0 && err->code)
		return fail(EXIT_STORE, err);
	return n ? EXIT_DONE : EXIT_NOTHING;
}

static int query_server(const struct opts *o, const char *sql, const struct oom_query_args *args, struct rows *rows)
{
	struct oom_pg *pg = NULL;
	struct oom_err err = { 0 };
	int r = oom_pg_open(o->db, &pg, &err);

	if (!r)
		r = oom_pg_check_schema(pg, false, &err);
	if (r) {
		oom_pg_close(pg);
		return fail(EXIT_STORE, &err);
	}
	watch_clock(o);
	r = oom_pg_query(pg, sql, args, o->timeout_us / 1000, &rows_ops, rows, &err);
	oom_pg_close(pg);
	return end_query(rows, r, &err);
}

static int query_store(const struct opts *o, const char *sql, const struct oom_query_args *args, struct rows *rows)
{
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };
	int code, r;

	if (oom_store_open(o->db, OOM_STORE_READ, &s, &err) < 0)
		return fail(EXIT_STORE, &err);
	watch_clock(o);
	r = oom_store_query_with(s, sql, args, o->timeout_us / 1000, &rows_ops, rows, &err);
	code = end_query(rows, r, &err);
	if (oom_store_close(s, &err) < 0)
		return fail(EXIT_STORE, &err);
	return code;
}

/* An option that the SQL does not ask for would be ignored without a word. */
static bool all_taken(const char *what, const char *sql, const struct oom_query_args *args)
{
	for (unsigned i = 0; i < OOM_QUERY_PARAMS; i++) {
		if (!oom_query_given(args, (enum oom_query_param)i) || oom_query_takes(sql, (enum oom_query_param)i))
			continue;
		complain("%s takes no --%s: it has no parameter %s", what, oom_query_params[i].name + 1,
			 oom_query_params[i].name);
		return false;
	}
	return true;
}

static int answer(const struct opts *o, const char *text)
{
	const struct oom_query_args args = {
		.since_us = o->filter.since_us, .until_us = o->filter.until_us, .host = o->host, .top = o->top,
	};
	const struct oom_named_query *named = oom_query_is_name(text) ? oom_query_named(text) : NULL;
	const char *sql = named ? named->sql : text;
	struct rows *rows;
	int code;

	if (!named && oom_query_is_name(text)) {
		complain("no report is called '%s'; did you mean '%s'? 'oomlens query --list' names them all",
			 text, oom_query_nearest(text)->name);
		return EXIT_USAGE;
	}
	if (!all_taken(named ? named->name : "this SQL", sql, &args))
		return EXIT_USAGE;
	if (o->sql)
		return print_sql(sql, &args);
	rows = rows_new(o, NULL);
	if (!rows) {
		complain("out of memory");
		return EXIT_STORE;
	}
	code = (oom_pg_names_server(o->db) ? query_server : query_store)(o, sql, &args, rows);
	rows_free(rows);
	return code;
}

static int list(const struct opts *o)
{
	static const char *const shown[] = { "name", "help", NULL };
	struct rows *rows;
	int code;

	if (o->nargs) {
		complain("--list takes no argument: '%s'", o->arg[0]);
		return EXIT_USAGE;
	}
	rows = rows_new(o, shown);      /* they take the same parameters, as good as all */
	if (!rows) {
		complain("out of memory");
		return EXIT_STORE;
	}
	code = list_reports(rows);
	rows_free(rows);
	return code;
}

int cmd_query(const struct opts *o)
{
	struct oom_buf text = { 0 };
	struct oom_err err = { 0 };
	int code;

	if (o->list)
		return list(o);
	if (o->nargs != 1) {
		complain(o->nargs ? "query takes one argument: quote the SQL"
				  : "query needs SQL, '-' or the name of a report (--list); see 'oomlens query --help'");
		return EXIT_USAGE;
	}
	if (strcmp(o->arg[0], "-") != 0)
		return answer(o, o->arg[0]);
	code = read_stdin(&text, &err) < 0 ? fail(EXIT_INPUT, &err) : answer(o, text.p);
	oom_buf_release(&text);
	return code;
}
