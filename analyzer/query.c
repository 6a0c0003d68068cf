/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/query.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
const struct oom_named_query oom_named_queries[] = {
#include "reports.inc"
};
#pragma GCC diagnostic pop
const size_t oom_named_query_count = OOM_ARRAY_SIZE(oom_named_queries);

const struct oom_query_kind oom_query_params[OOM_QUERY_PARAMS] = {
	[OOM_QUERY_SINCE] = { ":since", false },
	[OOM_QUERY_UNTIL] = { ":until", false },
	[OOM_QUERY_HOST] = { ":host", true },
	[OOM_QUERY_TOP] = { ":top", false },
};

/* ---- names ------------------------------------------------------------------------------------------- */

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

bool oom_query_is_name(const char *text)
{
	const char *p = text;

	while (islower((unsigned char)*p) || isdigit((unsigned char)*p) || *p == '_' || *p == '-')
		p++;
	return p != text && !*p && *text != '-';
}

const struct oom_named_query *oom_query_named(const char *name)
{
	for (size_t i = 0; i < oom_named_query_count; i++)
		if (!strcmp(oom_named_queries[i].name, name))
			return &oom_named_queries[i];
	return NULL;
}

#define NAME_MAX_BYTES 63

static unsigned least(unsigned a, unsigned b, unsigned c)
{
	return a < b ? (a < c ? a : c) : b < c ? b : c;
}

/* Letters to be put in, taken out or replaced. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[NAME_MAX_BYTES + 1], diagonal;
	size_t n = strnlen(b, NAME_MAX_BYTES);

	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 0; i < NAME_MAX_BYTES && a[i]; i++) {
		diagonal = row[0]++;
		for (size_t j = 1; j <= n; j++) {
			unsigned same = diagonal + (a[i] != b[j - 1]);

			diagonal = row[j];
			row[j] = least(same, row[j] + 1, row[j - 1] + 1);
		}
	}
	return row[n];
}

const struct oom_named_query *oom_query_nearest(const char *name)
{
	const struct oom_named_query *best = &oom_named_queries[0];

	for (size_t i = 0; i < oom_named_query_count; i++)
		if (strstr(oom_named_queries[i].name, name))
			return &oom_named_queries[i];
	for (size_t i = 1; i < oom_named_query_count; i++)
		if (distance(name, oom_named_queries[i].name) < distance(name, best->name))
			best = &oom_named_queries[i];
	return best;
}

/* ---- parameters -------------------------------------------------------------------------------------- */

int64_t oom_query_int(const struct oom_query_args *a, enum oom_query_param which)
{
	int64_t v = which == OOM_QUERY_SINCE ? a->since_us
		    : which == OOM_QUERY_UNTIL ? a->until_us : which == OOM_QUERY_TOP ? a->top : 0;

	return v ? v : OOM_NA;
}

bool oom_query_given(const struct oom_query_args *a, enum oom_query_param which)
{
	return oom_query_params[which].text ? a->host != NULL : oom_query_int(a, which) != OOM_NA;
}

/* Behind the quoted text or comment that p begins; p if it begins none. */
static const char *skip_aside(const char *p)
{
	const char *end = NULL;

	if (*p == '\'' || *p == '"')
		end = strchr(p + 1, *p);
	else if (p[0] == '-' && p[1] == '-')
		end = strchr(p, '\n');
	else if (p[0] == '/' && p[1] == '*')
		end = (end = strstr(p + 2, "*/")) ? end + 1 : NULL;
	else
		return p;
	return end ? end + 1 : p + strlen(p);
}

static bool param_at(const char *p, enum oom_query_param *ret)
{
	for (unsigned i = 0; i < OOM_QUERY_PARAMS; i++) {
		size_t n = strlen(oom_query_params[i].name);

		if (!strncmp(p, oom_query_params[i].name, n) && !is_word(p[n])) {
			*ret = (enum oom_query_param)i;
			return true;
		}
	}
	return false;
}

const char *oom_query_next_param(const char *sql, enum oom_query_param *ret)
{
	const char *p = sql, *past;

	while (*p) {
		past = skip_aside(p);
		if (past != p) {
			p = past;
			continue;
		}
		if (p[0] == ':' && p[1] == ':') {        /* a cast */
			p += 2;
			continue;
		}
		if (*p == ':' && param_at(p, ret))
			return p;
		p++;
	}
	return NULL;
}

bool oom_query_takes(const char *sql, enum oom_query_param which)
{
	enum oom_query_param found;

	while ((sql = oom_query_next_param(sql, &found)) != NULL) {
		if (found == which)
			return true;
		sql++;
	}
	return false;
}

static int add_literal(struct oom_buf *b, const struct oom_query_args *a, enum oom_query_param which)
{
	int r;

	if (!oom_query_given(a, which))
		return oom_buf_add(b, "NULL", 4);
	if (!oom_query_params[which].text)
		return oom_buf_fmt(b, "%lld", (long long)oom_query_int(a, which));
	r = oom_buf_add(b, "'", 1);
	for (const char *p = a->host; !r && *p; p++)
		r = *p == '\'' ? oom_buf_add(b, "''", 2) : oom_buf_add(b, p, 1);
	return r ? r : oom_buf_add(b, "'", 1);
}

int oom_query_text(const char *sql, const struct oom_query_args *a, struct oom_buf *ret)
{
	enum oom_query_param which;
	const char *p;
	int r = 0;

	while (!r && (p = oom_query_next_param(sql, &which)) != NULL) {
		r = oom_buf_add(ret, sql, (size_t)(p - sql));
		if (!r)
			r = add_literal(ret, a, which);
		sql = p + strlen(oom_query_params[which].name);
	}
	return r ? r : oom_buf_add(ret, sql, strlen(sql) + 1);
}
