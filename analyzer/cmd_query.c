/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens query: SQL that only reads. */
#include "cmd_rows.h"

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

static int query(const struct opts *o, struct oom_store *s, const char *sql)
{
	struct rows *rows = rows_new(o, NULL);
	struct oom_err err = { 0 };
	int64_t n;
	int r;

	if (!rows) {
		complain("out of memory");
		return EXIT_STORE;
	}
	watch_clock(o);
	r = oom_store_query(s, sql, o->timeout_us / 1000, &rows_ops, rows, &err);
	(void)alarm(0);
	n = rows_end(rows);
	rows_free(rows);
	/* Wrong or forbidden SQL is the caller's; a lost stdout is reported by whoever called us. */
	if (r == -EINVAL || r == -EPERM)
		return fail(EXIT_USAGE, &err);
	if (r < 0 && err.code)
		return fail(EXIT_STORE, &err);
	return n ? EXIT_DONE : EXIT_NOTHING;
}

static int query_store(const struct opts *o, const char *sql)
{
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };
	int code;

	if (oom_store_open(o->db, OOM_STORE_READ, &s, &err) < 0)
		return fail(EXIT_STORE, &err);
	code = query(o, s, sql);
	if (oom_store_close(s, &err) < 0)
		return fail(EXIT_STORE, &err);
	return code;
}

int cmd_query(const struct opts *o)
{
	struct oom_buf text = { 0 };
	struct oom_err err = { 0 };
	int code;

	if (o->nargs != 1) {
		complain(o->nargs ? "query takes one argument: quote the SQL"
				  : "query needs SQL or '-'; see 'oomlens query --help'");
		return EXIT_USAGE;
	}
	if (strcmp(o->arg[0], "-") != 0)
		return query_store(o, o->arg[0]);
	code = read_stdin(&text, &err) < 0 ? fail(EXIT_INPUT, &err) : query_store(o, text.p);
	oom_buf_release(&text);
	return code;
}
