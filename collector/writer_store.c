/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events into a store: new ones, and what is known later of known ones. */
#include "writer_impl.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#define MOVE_STEP 32            /* events per transaction when a spool is taken over */

/* ---- open and close -------------------------------------------------------------------------------------- */

int oom_target_open(struct oom_target *t, struct oom_err *reterr)
{
	struct stat st;
	int r = oom_store_open(t->path, OOM_STORE_WRITE, &t->store, reterr);

	if (r) {
		t->store = NULL;
		return r;
	}
	r = oom_store_durable(t->store, t->busy_ms, reterr);
	if (!r && *t->path && stat(t->path, &st) < 0)
		r = oom_err_set(reterr, errno, "cannot open '%s': %s", t->path, strerror(errno));
	if (r) {
		oom_target_close(t);
	} else if (*t->path) {
		t->dev = st.st_dev;
		t->ino = st.st_ino;
	}
	return r;
}

void oom_target_close(struct oom_target *t)
{
	if (t->store)
		oom_store_settle(t->store);
	(void)oom_store_close(t->store, NULL);
	t->store = NULL;
}

bool oom_target_gone(const struct oom_target *t)
{
	struct stat st;

	if (!t->store || !*t->path)
		return false;
	if (stat(t->path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR;
	return st.st_dev != t->dev || st.st_ino != t->ino;
}

void oom_target_remove(const struct oom_target *t, const char *suffix)
{
	static const char *const parts[] = { "", "-wal", "-shm" };
	char from[4200], to[4300];

	for (size_t i = 0; i < OOM_ARRAY_SIZE(parts); i++) {
		snprintf(from, sizeof(from), "%s%s", t->path, parts[i]);
		snprintf(to, sizeof(to), "%s%s%s", t->path, suffix ? suffix : "", parts[i]);
		(void)(suffix ? rename(from, to) : unlink(from));
	}
}

/* ---- sameness ---------------------------------------------------------------------------------------------- */

static bool same_record(const struct oom_record *r, const void *a, const void *b)
{
	for (size_t i = 0; i < r->nfields; i++) {
		const struct oom_field *f = &r->field[i];

		if (f->type == OOM_TYPE_STR ? !oom_str_eq(oom_field_str(f, a), oom_field_str(f, b)) :
					      oom_field_int(f, a) != oom_field_int(f, b))
			return false;
	}
	return true;
}

static bool same_part(const struct oom_record *r, const struct oom_event *a, const struct oom_event *b)
{
	const char *x, *y;
	size_t n, m;

	memcpy(&x, (const char *)a + r->array, sizeof(x));
	memcpy(&y, (const char *)b + r->array, sizeof(y));
	memcpy(&n, (const char *)a + r->count, sizeof(n));
	memcpy(&m, (const char *)b + r->count, sizeof(m));
	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!same_record(r, x + i * r->size, y + i * r->size))
			return false;
	return true;
}

static bool same_event(const struct oom_event *a, const struct oom_event *b)
{
	bool same = same_record(&oom_event_record, a, b);

	for (size_t i = 0; same && i < OOM_PARTS; i++)
		same = same_part(oom_parts[i], a, b);
	return same;
}

/* ---- one event --------------------------------------------------------------------------------------------- */

/* Adds to ev what the store knows of it.  1 = ev tells something new, 0, -errno. */
static int learn(struct oom_target *t, int64_t id, struct oom_event *ev, struct oom_err *reterr)
{
	struct oom_event old;
	struct oom_err err = { 0 };
	int r = oom_store_load(t->store, id, &old, &err);

	if (r == -EBADMSG)
		return 1;                        /* damaged rows: what we have is better */
	if (r)
		return oom_err_set(reterr, -r, "%s", err.text);
	r = oom_event_merge(ev, &old);
	if (r)
		(void)oom_err_set(reterr, -r, "cannot write '%s': %s", t->path, strerror(-r));
	else
		r = !same_event(ev, &old);
	oom_event_release(&old);
	return r;
}

/* Without memory for the replay the facts are stored; 'oomlens analyze' judges them later. */
static int write_event(struct oom_target *t, int64_t id, const struct oom_event *ev, struct oom_err *reterr)
{
	struct oom_replay r, *use = NULL;
	int ret;

	if (t->judge) {
		ret = oom_replay_run(ev, NULL, &r);
		if (!ret)
			ret = oom_replay_rank(&r);
		use = ret ? NULL : &r;
	}
	ret = id ? oom_store_replace(t->store, id, ev, use, reterr) : oom_store_put(t->store, ev, use, &id, reterr);
	if (t->judge)
		oom_replay_release(&r);
	return ret < 0 ? ret : 0;
}

static int put_event(struct oom_target *t, struct oom_event *ev, struct oom_target_tally *tally,
		     struct oom_err *reterr)
{
	char print[33];
	int64_t id = 0;
	int known, r;

	oom_event_fingerprint(ev, print);
	known = oom_store_find(t->store, print, &id, reterr);
	r = known == 1 ? learn(t, id, ev, reterr) : known;
	if (r < 0 || (known && !r))
		return r;
	if (!known && !ev->has_invoked) {
		/* the rest of a report that was stored whole before a restart: it tells nothing new */
		r = oom_store_find_kill(t->store, ev, &id, reterr);
		if (r)
			return r < 0 ? r : 0;
	}
	r = write_event(t, known ? id : 0, ev, reterr);
	if (!r)
		*(known ? &tally->merged : &tally->stored) += 1;
	return r;
}

/* ---- transactions ------------------------------------------------------------------------------------------ */

static int end(struct oom_target *t, int r, struct oom_err *reterr)
{
	if (!r)
		return oom_store_commit(t->store, reterr);
	oom_store_rollback(t->store);
	return r;
}

int oom_target_write(struct oom_target *t, struct oom_work *first, size_t n, const struct oom_store_mark *who,
		     const struct oom_store_mark *mark, struct oom_target_tally *tally, struct oom_err *reterr)
{
	int r = oom_store_begin(t->store, reterr);

	*tally = (struct oom_target_tally){ 0 };
	if (r)
		return r;
	for (struct oom_work *k = first; !r && k && n; k = k->next, n--) {
		if (k->ev)
			r = put_event(t, k->ev, tally, reterr);
		else if (who)
			r = oom_store_trace(t->store, who, k->feed, k->fact, reterr);
	}
	if (!r && mark)
		r = oom_store_put_mark(t->store, mark, reterr);
	return end(t, r, reterr);
}

bool oom_target_sound(struct oom_work *k, const struct oom_store_mark *who)
{
	struct oom_target own = { .path = "", .judge = true };
	struct oom_target_tally tally;
	bool ret = true;

	if (oom_target_open(&own, NULL))
		return true;                     /* not to be told now */
	ret = oom_target_write(&own, k, 1, who, NULL, &tally, NULL) == 0;
	oom_target_close(&own);
	return ret;
}

/* ---- from one store to another -------------------------------------------------------------------------------- */

struct move {
	struct oom_target *from, *to;
	struct oom_target_tally now, committed;
	struct oom_store_mark who;       /* of the last event, in ids */
	struct oom_arena ids;
	int64_t unread, done;
	bool from_failed;
	struct oom_err *err;
};

static int keep_who(struct move *m, const struct oom_event *ev)
{
	oom_arena_reset(&m->ids);
	if (oom_arena_str(&m->ids, ev->host, &m->who.host) || oom_arena_str(&m->ids, ev->machine_id, &m->who.machine_id) ||
	    oom_arena_str(&m->ids, ev->boot_id, &m->who.boot_id))
		return oom_err_set(m->err, ENOMEM, "cannot read '%s': out of memory", m->from->path);
	return 0;
}

static int move_one(void *arg, int64_t id)
{
	struct move *m = arg;
	struct oom_event ev;
	struct oom_err err = { 0 };
	int r = oom_store_load(m->from->store, id, &ev, &err);

	if (r == -EBADMSG) {
		m->unread++;
		return 0;
	}
	if (r) {
		m->from_failed = r != -ENOMEM;
		return oom_err_set(m->err, -r, "%s", err.text);
	}
	r = keep_who(m, &ev);
	if (!r)
		r = put_event(m->to, &ev, &m->now, m->err);
	oom_event_release(&ev);
	if (r || ++m->done % MOVE_STEP)
		return r;
	r = oom_store_commit(m->to->store, m->err);
	if (r)
		return r;
	m->committed = m->now;
	return oom_store_begin(m->to->store, m->err);
}

/* The spool's mark is the newer one, unless somebody used another store in between. */
static int move_mark(struct move *m)
{
	struct oom_store_mark spooled = m->who, have = m->who;
	int r = m->done ? oom_store_get_mark(m->from->store, &spooled, m->err) : 0;

	m->from_failed = r < 0;
	if (r <= 0)
		return r;
	r = oom_store_get_mark(m->to->store, &have, m->err);
	if (r < 0 || (r == 1 && have.seen_us > spooled.seen_us))
		return r < 0 ? r : 0;
	spooled.host = m->who.host;
	spooled.machine_id = m->who.machine_id;
	spooled.boot_id = m->who.boot_id;
	return oom_store_put_mark(m->to->store, &spooled, m->err);
}

int oom_target_move(struct oom_target *from, struct oom_target *to, struct oom_target_tally *tally,
		    int64_t *ret_unread, bool *from_failed, struct oom_err *reterr)
{
	const struct oom_filter all = { .limit = 0 };
	struct oom_err err = { 0 };
	struct move m = { .from = from, .to = to, .err = &err };
	struct oom_err each = { 0 };
	int r = oom_store_begin(to->store, &err);

	if (!r) {
		r = oom_store_each(from->store, &all, move_one, &m, &each);
		m.from_failed = m.from_failed || (r && !err.code);
		r = r ? r : move_mark(&m);
		r = end(to, r, &err);
	}
	oom_arena_release(&m.ids);
	*tally = r ? m.committed : m.now;
	*ret_unread = m.unread;
	*from_failed = m.from_failed;
	return r ? oom_err_set(reterr, -r, "%s", err.code ? err.text : each.text) : 0;
}
