/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores from elsewhere, made ready to be merged. */
#include <oomlens/digest.h>

#include "store_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a sound file takes many times over; one whose pages run in circles would never end. */
#define LIMIT_MS         60000
#define LIMIT_MS_PER_MIB 2000

int64_t oom_store_source_limit(const char *path)
{
	struct stat st;

	return LIMIT_MS + (stat(path, &st) == 0 ? (st.st_size >> 20) * LIMIT_MS_PER_MIB : 0);
}

/* ---- private copies ---------------------------------------------------------------------------------- */

void oom_store_remove_copy(char *path)
{
	static const char *const ends[] = { "-wal", "-shm", "-journal", "" };
	size_t n = path ? strlen(path) : 0;
	char name[4200];

	if (!path)
		return;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(ends); i++) {
		snprintf(name, sizeof(name), "%s%s", path, ends[i]);
		(void)unlink(name);
	}
	while (n && path[n] != '/')
		path[n--] = '\0';
	(void)rmdir(path);
	oom_free(path);
}

static int make_copy(const char *source, struct oom_sql *from, char **ret, struct oom_err *reterr)
{
	const char *tmp = getenv("TMPDIR");
	struct oom_sql *to = NULL;
	char *path = oom_malloc(4096);
	int r = 0;

	if (!path)
		return oom_err_set(reterr, ENOMEM, "cannot merge '%s': out of memory", source);
	snprintf(path, 4096 - 16, "%s/oomlens-merge-XXXXXX", tmp && *tmp ? tmp : "/var/tmp");
	if (!mkdtemp(path)) {
		r = oom_err_set(reterr, errno, "cannot merge '%s': no directory '%s' for a copy: %s", source, path, strerror(errno));
		oom_free(path);
		return r;
	}
	strcat(path, "/store.db");
	r = oom_sql_open(path, OOM_SQL_CREATE, &to, reterr);
	if (!r)
		r = oom_sql_exec(to, "PRAGMA synchronous = OFF", reterr);
	if (!r)
		r = oom_sql_copy(from, to, reterr);
	(void)oom_sql_close(to, NULL);
	if (r)
		oom_store_remove_copy(path);
	else
		*ret = path;
	return r;
}

/* ---- bringing it up to date -------------------------------------------------------------------------- */

struct work { struct oom_store *s; struct oom_err *err; };

static int judge(void *arg, int64_t id)
{
	struct work *w = arg;

	return oom_store_judge(w->s, id, w->err);
}

int oom_store_judge(struct oom_store *s, int64_t id, struct oom_err *reterr)
{
	struct oom_replay replay;
	struct oom_event ev;
	int r = oom_store_load(s, id, &ev, reterr);

	if (r)
		return r;
	r = oom_replay_run(&ev, NULL, &replay);
	if (!r)
		r = oom_replay_rank(&replay);
	if (r)
		r = oom_store_fail(s, ENOMEM, "cannot judge an event of", reterr);
	else
		r = oom_store_analyze(s, &replay, reterr);
	oom_replay_release(&replay);
	oom_event_release(&ev);
	return r < 0 ? r : 0;
}

static int bring_up_to_date(const char *path, const char *shown, int64_t limit, struct oom_err *reterr)
{
	static const struct oom_filter stale = { .stale = OOMLENS_VERSION };
	struct oom_store *s = NULL;
	struct work w = { .err = reterr };
	int r = oom_store_open_as(path, OOM_STORE_WRITE, shown, limit, &s, reterr);

	if (r)
		return r;
	w.s = s;
	r = oom_sql_exec(s->sql, "PRAGMA synchronous = OFF", reterr);
	if (!r)
		r = oom_store_begin(s, reterr);
	if (!r)
		r = oom_store_each(s, &stale, judge, &w, reterr);
	if (!r)
		r = oom_store_commit(s, reterr);
	if (r) {
		(void)oom_store_close(s, NULL);
		return r;
	}
	return oom_store_close(s, reterr);
}

static int open_copy(const char *path, struct oom_sql *from, struct oom_store **ret, struct oom_err *reterr)
{
	int64_t limit = oom_store_source_limit(path) * 4;
	char *copy = NULL;
	int r = make_copy(path, from, &copy, reterr);

	if (!r)
		r = bring_up_to_date(copy, path, limit, reterr);
	if (!r)
		r = oom_store_open_as(copy, OOM_STORE_READ, path, limit, ret, reterr);
	if (r)
		oom_store_remove_copy(copy);
	else
		(*ret)->copy = copy;
	return r;
}

/* ---- opening ----------------------------------------------------------------------------------------- */

static int has_stale(struct oom_store *s, struct oom_err *reterr)
{
	struct oom_sql_stmt *st = NULL;
	int r = oom_sql_prepare(s->sql, "SELECT 1 FROM event AS e LEFT JOIN verdict AS v ON v.event_id = e.event_id"
				" LEFT JOIN digest AS d ON d.event_id = e.event_id"
				" WHERE (SELECT text FROM word WHERE word_id = v.engine_w) IS NOT ? OR d.weight IS NULL LIMIT 1", &st, NULL, reterr);

	if (r)
		return r;
	oom_sql_bind_text(st, 1, OOM_STR(OOMLENS_VERSION));
	r = oom_sql_step(s->sql, st, reterr);
	oom_sql_finalize(st);
	return r;
}

static int is_older(const char *path, int64_t limit, struct oom_sql **ret, struct oom_err *reterr)
{
	int r = oom_sql_open(path, OOM_SQL_READ, ret, reterr);

	if (r)
		return r;
	oom_sql_limit(*ret, limit);
	return oom_store_is_older(*ret, reterr);
}

int oom_store_open_source(const char *path, struct oom_store **ret, struct oom_err *reterr)
{
	int64_t limit = oom_store_source_limit(path);
	struct oom_sql *from = NULL;
	struct oom_store *s = NULL;
	int r = is_older(path, limit, &from, reterr), old = r;

	if (!r)
		r = oom_store_open_as(path, OOM_STORE_READ, path, limit, &s, reterr);
	if (!r && s)
		r = old = has_stale(s, reterr);
	if (r == 1 && old)
		r = open_copy(path, from, ret, reterr);
	else if (!r)
		*ret = s;
	if (r || old)
		(void)oom_store_close(s, NULL);
	(void)oom_sql_close(from, NULL);
	if (!r)
		oom_sql_limit((*ret)->sql, 0);
	return r;
}

/* ---- what it claims ---------------------------------------------------------------------------------- */

bool oom_store_is_fingerprint(struct oom_str s)
{
	return s.p && s.n == 32 && strspn(s.p, "0123456789abcdef") >= 32;
}

static int damaged(const struct oom_store *s, int64_t id, const char *what, struct oom_err *reterr)
{
	return oom_err_set(reterr, EBADMSG, "cannot merge '%s': the %s of its event %lld is damaged", oom_sql_path(s->sql), what,
			   (long long)id);
}

int oom_store_prove(struct oom_store *s, int64_t id, const char *fingerprint, int64_t weight, struct oom_err *reterr)
{
	struct oom_replay replay;
	struct oom_digest d = { .weight = 0 };
	struct oom_event ev;
	char real[33];
	int r = oom_store_load(s, id, &ev, reterr);

	if (r)                                  /* also what does not fit into memory: it may claim any size */
		return damaged(s, id, "table", reterr), -EBADMSG;
	oom_event_fingerprint(&ev, real);
	r = oom_replay_run(&ev, NULL, &replay);
	if (!r)
		r = oom_replay_rank(&replay);
	if (!r)
		oom_digest(&replay, &d);
	oom_replay_release(&replay);
	oom_event_release(&ev);
	if (r)
		return oom_store_fail(s, ENOMEM, "cannot read", reterr);
	return d.weight != weight || strcmp(real, fingerprint) ? damaged(s, id, "fingerprint", reterr) : 0;
}
