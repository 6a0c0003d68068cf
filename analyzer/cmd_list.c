/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens list: the stored events, a line each. */
#include "cmd_rows.h"

#include <errno.h>
#include <string.h>

/* What fits into 80 columns; JSON and CSV have the rest as well. */
static const char *const shown[] = {
	"id", "time", "host", "scope", "victim_pid", "victim_comm", "verdict", NULL,
};

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
	rows = rows_new(o, shown);
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
