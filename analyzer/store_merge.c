/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A store into a store.  The source is attached; one statement says which of its events are new here, the better of two
 * accounts is found by the rule of digest.h, and runs of events are copied (store_copy.c).
 */
#include "store_copy.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#define LOCK_MS 600000          /* another merge may take that long */

/* An event of the source that is to come, and where to. */
struct pick { int64_t src, id; bool replace; };

struct merge {
	struct oom_store *s, *source;
	const char *name;               /* of the source */
	struct oom_copy copy;
	struct oom_buf picks;
	int64_t next;                   /* id of the next new event */
	struct oom_sql_stmt *rule;
	struct oom_merged done;
};

static int damaged(const struct merge *m, int64_t event, const char *what, struct oom_err *reterr)
{
	return oom_err_set(reterr, EBADMSG, "cannot merge '%s': the %s of its event %lld is damaged", m->name, what, (long long)event);
}

/* ---- two accounts of one event ----------------------------------------------------------------------- */

/* NULL is less than anything, as in C. */
static const char rule[] =
	"SELECT sd.weight > d.weight OR (sd.weight = d.weight AND"
	" (sp.text IS NOT NULL, ifnull(sp.text, ''), s.first_line IS NOT NULL, ifnull(s.first_line, 0))"
	" < (p.text IS NOT NULL, ifnull(p.text, ''), e.first_line IS NOT NULL, ifnull(e.first_line, 0))),"
	" sd.weight, d.weight IS NULL OR (SELECT text FROM main.word WHERE word_id = v.engine_w) IS NOT ?3"
	" FROM src.event AS s JOIN src.digest AS sd ON sd.event_id = s.event_id"
	" LEFT JOIN src.word AS sp ON sp.word_id = s.path_w, main.event AS e"
	" LEFT JOIN main.word AS p ON p.word_id = e.path_w"
	" LEFT JOIN main.digest AS d ON d.event_id = e.event_id LEFT JOIN main.verdict AS v ON v.event_id = e.event_id"
	" WHERE s.event_id = ?1 AND e.event_id = ?2";

/* 1: the source's account is the better one. */
static int is_better(struct merge *m, int64_t src, int64_t id, const char *print, bool again, struct oom_err *reterr)
{
	bool better, stale;
	int64_t weight;
	int r;

	oom_sql_bind_int(m->rule, 1, src);
	oom_sql_bind_int(m->rule, 2, id);
	oom_sql_bind_text(m->rule, 3, OOM_STR(OOMLENS_VERSION));
	r = oom_sql_step(m->s->sql, m->rule, reterr);
	better = r == 1 && oom_sql_int(m->rule, 0) == 1;
	weight = r == 1 ? oom_sql_int(m->rule, 1) : 0;
	stale = r == 1 && oom_sql_int(m->rule, 2) == 1;
	oom_sql_reset(m->rule);
	if (r != 1)
		return r ? r : damaged(m, src, "digest", reterr);
	if (stale && !again) {
		r = oom_store_judge(m->s, id, reterr);
		return r ? r : is_better(m, src, id, print, true, reterr);
	}
	r = better ? oom_store_prove(m->source, src, print, weight, reterr) : 0;
	return r ? r : better;
}

/* ---- the plan ---------------------------------------------------------------------------------------- */

static int pick(struct merge *m, struct oom_sql_stmt *st, struct oom_err *reterr)
{
	struct pick p = { .src = oom_sql_int(st, 0), .id = oom_sql_int(st, 2) };
	struct oom_str print = oom_sql_bytes(st, 1);
	char text[33];
	int r;

	if (p.src < 0 || p.src >= OOM_EVENT_ID_MAX || !oom_store_is_fingerprint(print))
		return damaged(m, p.src, "fingerprint", reterr);
	memcpy(text, print.p, 32);
	text[32] = '\0';
	p.replace = p.id != OOM_NA;
	if (p.replace) {
		r = is_better(m, p.src, p.id, text, false, reterr);
		m->done.replaced += r == 1;
		m->done.known += r == 0;
		if (r <= 0)
			return r;
	} else {
		p.id = m->next++;
		m->done.added++;
	}
	return oom_buf_add(&m->picks, &p, sizeof(p)) ? oom_store_fail(m->s, ENOMEM, "cannot write", reterr) : 0;
}

static int plan(struct merge *m, struct oom_err *reterr)
{
	struct oom_sql *sql = m->s->sql;
	struct oom_sql_stmt *st = NULL;
	int r = oom_sql_get_int(sql, "SELECT ifnull(max(event_id), 0) + 1 FROM main.event", &m->next, reterr);

	if (!r)
		r = oom_sql_prepare(sql, rule, &m->rule, NULL, reterr);
	if (!r)
		r = oom_sql_prepare(sql, "SELECT s.event_id, lower(hex(s.fingerprint)), e.event_id FROM src.event AS s NOT INDEXED"
				    " LEFT JOIN main.event AS e ON e.fingerprint = s.fingerprint"
				    " WHERE oom_blob(s.fingerprint) ORDER BY s.event_id", &st, NULL, reterr);
	while (!r && (r = oom_sql_step(sql, st, reterr)) == 1)
		r = pick(m, st, reterr);
	oom_sql_finalize(st);
	if (!r && m->next >= OOM_EVENT_ID_MAX)
		return oom_store_fail(m->s, ENOSPC, "cannot write", reterr);
	return r;
}

/* ---- copying ----------------------------------------------------------------------------------------- */

static struct pick pick_at(const struct merge *m, size_t i)
{
	struct pick p;

	memcpy(&p, m->picks.p + i * sizeof(p), sizeof(p));
	return p;
}

/* Neighbours that stay neighbours go together. */
static int copy_run(struct merge *m, size_t *i, struct oom_err *reterr)
{
	struct pick first = pick_at(m, *i), p = first;
	size_t n = m->picks.n / sizeof(p);
	int r = 0;

	for (++*i; *i < n; ++*i) {
		struct pick q = pick_at(m, *i);

		if (q.src != p.src + 1 || q.id != p.id + 1 || q.replace || p.replace)
			break;
		p = q;
	}
	if (first.replace)
		r = oom_store_clear(m->s, first.id, reterr);
	return r ? r : oom_copy_events(&m->copy, first.src, p.src + 1, first.id - first.src, reterr);
}

static int merge_all(struct merge *m, struct oom_err *reterr)
{
	int r = plan(m, reterr);

	if (!r)
		r = oom_copy_begin(&m->copy, reterr);
	for (size_t i = 0; !r && i < m->picks.n / sizeof(struct pick);)
		r = copy_run(m, &i, reterr);
	return r ? r : oom_copy_recorders(&m->copy, reterr);
}

static void release(struct merge *m)
{
	oom_sql_finalize(m->rule);
	oom_copy_release(&m->copy);
	oom_buf_release(&m->picks);
}

/* ---- one merge --------------------------------------------------------------------------------------- */

/* Whose fault an error in the middle was.  Damage can be on either side, and SQLite does not say on which. */
static int blame(struct merge *m, int r, struct oom_err *reterr)
{
	if (r == -EBADMSG || r == -EIO) {
		if (!oom_sql_is_sound(m->s->sql))
			return 1;
		oom_sql_detach(m->s->sql);
		if (oom_sql_is_sound(m->s->sql))
			return r == -EIO ? r : 1;
		*reterr = (struct oom_err){ 0 };
		return oom_err_set(reterr, EBADMSG, "cannot write '%s': the file is damaged", oom_sql_path(m->s->sql));
	}
	return oom_sql_of_content(-r) ? 1 : r;
}

static int same_file(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Another merge may be at work: its lock is waited for. */
static int lock(struct oom_store *s, struct oom_err *reterr)
{
	char text[64];
	int r;

	snprintf(text, sizeof(text), "PRAGMA temp_store = MEMORY; PRAGMA busy_timeout = %d", LOCK_MS);
	r = oom_sql_exec(s->sql, text, reterr);
	return r ? r : oom_store_begin(s, reterr);
}

int oom_store_merge(struct oom_store *s, struct oom_store *source, struct oom_merged *ret, struct oom_err *reterr)
{
	const char *name = oom_sql_path(source->sql), *path = source->copy ? source->copy : name;
	struct merge m = { .s = s, .source = source, .name = name, .copy = { .s = s, .source = name } };
	int64_t limit = oom_store_source_limit(path);
	int r;

	if (same_file(oom_sql_path(s->sql), name))
		return oom_err_set(reterr, EINVAL, "cannot merge '%s': it is the destination", name), 1;
	if (oom_sql_in_transaction(s->sql))
		return oom_err_set(reterr, EBUSY, "cannot merge into '%s': it is being written", oom_sql_path(s->sql));
	r = oom_sql_attach(s->sql, path, name, reterr);
	if (r)
		return r == -ENOMEM ? r : 1;
	r = lock(s, reterr);
	oom_sql_limit(s->sql, limit);
	oom_sql_limit(source->sql, limit);
	if (!r)
		r = merge_all(&m, reterr);
	release(&m);
	oom_sql_limit(s->sql, 0);
	if (!r)
		r = oom_store_commit(s, reterr);
	else
		oom_store_rollback(s);
	if (r)
		r = blame(&m, r, reterr);
	else
		*ret = m.done;
	oom_sql_detach(s->sql);
	return r;
}
