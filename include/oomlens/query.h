/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Named reports: what is often asked of a fleet, as SQL over the views (analyzer/reports/NAME.sql) that says the same on
 * SQLite and on PostgreSQL.  Like SQL that people write it may name the parameters :since :until :host :top; whoever runs it
 * binds them, NULL where one is not given.
 */
#ifndef OOMLENS_QUERY_H
#define OOMLENS_QUERY_H

#include <oomlens/base.h>

struct oom_named_query {
	const char *name;            /* lower-case words joined by '-' */
	const char *help;            /* one line */
	const char *sql;             /* one statement, with the comments that explain it */
};
extern const struct oom_named_query oom_named_queries[];
extern const size_t oom_named_query_count;

/* A word of lower-case letters, digits, '-' and '_' is a name; anything else is SQL. */
bool oom_query_is_name(const char *text);
const struct oom_named_query *oom_query_named(const char *name);         /* NULL: there is none */
const struct oom_named_query *oom_query_nearest(const char *name);       /* by letters that differ; never NULL */

struct oom_query_args {                  /* zero-initialised = nothing given */
	int64_t since_us, until_us;  /* UTC; 0 = not given */
	const char *host;
	int64_t top;                 /* rows; 0 = not given */
};

enum oom_query_param { OOM_QUERY_SINCE, OOM_QUERY_UNTIL, OOM_QUERY_HOST, OOM_QUERY_TOP, OOM_QUERY_PARAMS };
struct oom_query_kind { const char *name; bool text; };                  /* name with its ':'; else a 64-bit integer */
extern const struct oom_query_kind oom_query_params[OOM_QUERY_PARAMS];

bool oom_query_given(const struct oom_query_args *a, enum oom_query_param which);
int64_t oom_query_int(const struct oom_query_args *a, enum oom_query_param which);           /* OOM_NA = NULL */
/* Where the next parameter stands outside of quotes and comments: its ':', and which one it is.  NULL: no more. */
const char *oom_query_next_param(const char *sql, enum oom_query_param *ret);
bool oom_query_takes(const char *sql, enum oom_query_param which);
/* The SQL with the values in place of the parameters, for any shell; NUL-terminated.  0, -ENOMEM. */
int oom_query_text(const char *sql, const struct oom_query_args *a, struct oom_buf *ret);

#endif
