/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens list: the stored events, a line each. */
#include "cmd_rows.h"

#include <errno.h>
#include <string.h>

/* What fits into 80 columns; JSON and CSV have the rest as well.  How the kernel log accounts for a kill is shown
 * where it is not as usual: a store made from texts alone has no such column. */
static const char *const shown[] = {
	"id", "time", "host", "scope", "victim_pid", "victim_comm", "verdict", NULL,
};
static const char *const shown_with_class[] = {
	"id", "time", "host", "scope", "victim_pid", "victim_comm", "verdict", "class", NULL,
};

static int note_row(void *arg, size_t n, const struct oom_value *v)
{
	bool *any = arg;

	(void)n, (void)v;
	*any = true;
	return 0;
}

/* Not to be told is no reason to fail: the list itself will say what is wrong with the store. */
static bool has_unlogged(struct oom_store *s)
{
	static const struct oom_query_ops ops = { .row = note_row };
	bool any = false;

	(void)oom_store_query(s, "SELECT 1 FROM v_life WHERE class <> 'logged' LIMIT 1", 0, &ops, &any, NULL);
	return any;
}

static int list(const struct opts *o, struct oom_store *s, struct rows *rows)
{
	struct oom_err err = { 0 };
	int r = oom_store_list(s, &o->filter, &rows_ops, rows, &err);
	int64_t n = rows_end(rows);

	if (r < 0 && r != -EIO)
		return fail(EXIT_STORE, &err);
	if (!n && !o->quiet)
		complain("no event in '%s' matches", o->db);
	return n ? EXIT_DONE : EXIT_NOTHING;
}

static bool is_verdict(const char *word)
{
	for (size_t i = 0; i <= OOM_VERDICT_INSUFFICIENT; i++)
		if (!strcmp(word, oom_verdict_names[i]))
			return true;
	return false;
}

int cmd_list(const struct opts *o)
{
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };
	struct rows *rows;
	int code;

	if (o->nargs) {
		complain("list takes no argument: '%s'", o->arg[0]);
		return EXIT_USAGE;
	}
	if (o->filter.verdict && !is_verdict(o->filter.verdict)) {
		complain("no verdict is called '%s'; see 'oomlens list --help'", o->filter.verdict);
		return EXIT_USAGE;
	}
	if (oom_store_open(o->db, OOM_STORE_READ, &s, &err) < 0)
		return fail(EXIT_STORE, &err);
	rows = rows_new(o, has_unlogged(s) ? shown_with_class : shown);
	if (!rows) {
		complain("out of memory");
		code = EXIT_STORE;
	} else {
		code = list(o, s, rows);
	}
	rows_free(rows);
	if (oom_store_close(s, &err) < 0)
		return fail(EXIT_STORE, &err);
	return code;
}
