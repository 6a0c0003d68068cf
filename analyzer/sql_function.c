/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions for the sections of schema.sql that bring an older store up to date, and for merging. */
#include "sql_impl.h"

#include <errno.h>
#include <string.h>

static struct oom_str text_of(sqlite3_value *v)
{
	const char *p = (const char *)sqlite3_value_text(v);

	return (struct oom_str){ p, p ? (size_t)sqlite3_value_bytes(v) : 0 };
}

static void call_word(sqlite3_context *to, int argc, sqlite3_value **argv)
{
	const struct oom_sql *db = sqlite3_user_data(to);
	struct oom_str s = text_of(argv[0]);
	int64_t id;

	(void)argc;
	if (!s.p)
		return;
	if (db->word(db->word_arg, s, &id) < 0)
		sqlite3_result_error_code(to, SQLITE_ABORT);
	else
		sqlite3_result_int64(to, id);
}

static int digit(char c)
{
	const char *p = c ? strchr("0123456789abcdef", c) : NULL;

	return p ? (int)(p - "0123456789abcdef") : -1;
}

static void call_unhex(sqlite3_context *to, int argc, sqlite3_value **argv)
{
	struct oom_str s = text_of(argv[0]);
	char bytes[64];

	(void)argc;
	if (!s.p || s.n % 2 || s.n / 2 > sizeof(bytes))
		return;
	for (size_t i = 0; i < s.n; i += 2) {
		int high = digit(s.p[i]), low = digit(s.p[i + 1]);

		if (high < 0 || low < 0)
			return;
		bytes[i / 2] = (char)(high << 4 | low);
	}
	sqlite3_result_blob(to, bytes, (int)(s.n / 2), SQLITE_TRANSIENT);
}

int oom_sql_functions(struct oom_sql *db, int (*word)(void *arg, struct oom_str text, int64_t *ret), void *arg,
		      struct oom_err *reterr)
{
	const int flags = SQLITE_UTF8 | SQLITE_DIRECTONLY;
	int rc;

	db->word = word;
	db->word_arg = arg;
	rc = sqlite3_create_function(db->db, "oom_word", 1, flags, db, call_word, NULL, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_create_function(db->db, "oom_unhex", 1, flags, db, call_unhex, NULL, NULL);
	return rc == SQLITE_OK ? 0 : oom_sql_fail(db, rc, "cannot use", reterr);
}

/* What it was that failed inside, so that it is not taken for damage. */
static int code_of(int code)
{
	return code == ENOMEM ? SQLITE_NOMEM : code == ENOSPC || code == EDQUOT ? SQLITE_FULL : SQLITE_IOERR;
}

static void call_map(sqlite3_context *to, int argc, sqlite3_value **argv)
{
	const struct oom_sql *db = sqlite3_user_data(to);
	int64_t id;
	int r;

	for (int i = 1; i < argc; i++) {
		int type = sqlite3_value_type(argv[i]);

		if (type == SQLITE_INTEGER || type == SQLITE_NULL)
			continue;
		sqlite3_result_error(to, "a value is of the wrong type", -1);
		return;
	}
	if (sqlite3_value_type(argv[1]) == SQLITE_NULL)
		return;
	r = db->map(db->map_arg, sqlite3_value_int(argv[0]), sqlite3_value_int64(argv[1]), &id);
	if (!r)
		sqlite3_result_int64(to, id);
	else if (r == -EBADMSG)
		sqlite3_result_error(to, "a word is not there, or damaged", -1);
	else
		sqlite3_result_error_code(to, code_of(-r));
}

int oom_sql_map(struct oom_sql *db, int (*map)(void *arg, int dictionary, int64_t src, int64_t *ret), void *arg,
		struct oom_err *reterr)
{
	int rc;

	db->map = map;
	db->map_arg = arg;
	rc = sqlite3_create_function(db->db, "oom_map", -1, SQLITE_UTF8 | SQLITE_DIRECTONLY, db, call_map, NULL, NULL);
	return rc == SQLITE_OK ? 0 : oom_sql_fail(db, rc, "cannot use", reterr);
}
