/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The writer's thread: what it writes where, and what it does when that fails. */
#include "writer_impl.h"

#include <errno.h>
#include <stdarg.h>
#include <sys/stat.h>
#include <unistd.h>

#define BACKOFF_US     (30 * OOM_SECOND_US)    /* the longest wait between two tries */
#define FACTS_US       OOM_SECOND_US           /* facts without an event are written together */
#define PRUNE_SOON_US  (10 * OOM_SECOND_US)
#define PRUNE_LATER_US (6 * 3600 * OOM_SECOND_US)
#define SPOOL_MAX      ((off_t)64 << 20)       /* the runtime directory is memory */

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void say(struct oom_writer *w, int level, const char *fmt, ...) OOM_PRINTF(3, 4);
static void say(struct oom_writer *w, int level, const char *fmt, ...)
{
	char text[800];
	va_list ap;

	if (!w->opt.say)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->opt.say(w->opt.arg, level, text);
}

/* What keeps happening and is in nobody's way. */
static void say_once(struct oom_writer *w, const struct oom_err *err)
{
	if (strcmp(err->text, w->last_said.text) != 0)
		say(w, 4, "%s", err->text);
	w->last_said = *err;
}

static void tell(struct oom_writer *w)
{
	const uint64_t one = 1;

	(void)!write(w->event_fd, &one, sizeof(one));
}

/* The front of the pending works is done with, written or not. */
void oom_writer_done(struct oom_writer *w, size_t n)
{
	while (n-- && w->pending.first) {
		struct oom_work *k = oom_works_take(&w->pending);

		pthread_mutex_lock(&w->lock);
		w->bytes -= k->bytes;
		w->state.waiting -= k->ev != NULL;
		pthread_mutex_unlock(&w->lock);
		oom_work_free(k);
	}
}

/* ---- writing ------------------------------------------------------------------------------------------- */

/* Errors that speak of what is written rather than of where. */
static bool about_work(int r)
{
	return r == -EINVAL || r == -EOVERFLOW;
}

static void account(struct oom_writer *w, const struct oom_target *t, size_t n, const struct oom_target_tally *tally)
{
	int64_t now = oom_writer_now();

	pthread_mutex_lock(&w->lock);
	if (t == &w->spool) {
		w->state.spooled += tally->stored;
	} else {
		w->state.stored += tally->stored;
		w->state.merged += tally->merged;
	}
	for (const struct oom_work *k = w->pending.first; t == &w->db && k && n--; k = k->next)
		if (k->decided_us >= w->opened_us)       /* OOM_NA is below */
			w->latency[w->nlatency++ % OOM_WRITER_LATENCIES] = now - k->decided_us;
	pthread_mutex_unlock(&w->lock);
}

static void refuse(struct oom_writer *w, const struct oom_err *err)
{
	bool event = w->pending.first->ev != NULL;

	say(w, 3, "%s: no store takes this %s, it is dropped", err->text, event ? "event" : "fact");
	pthread_mutex_lock(&w->lock);
	*(event ? &w->state.dropped : &w->state.facts_dropped) += 1;
	pthread_mutex_unlock(&w->lock);
	oom_writer_done(w, 1);
}

/* What was committed to a file that the path no longer leads to was not stored. */
static int follow_path(struct oom_writer *w, struct oom_target *t, struct oom_err *reterr)
{
	say(w, 4, "'%s' was moved or removed: events go to a new store there", t->path);
	oom_target_close(t);
	return oom_target_open(t, reterr);
}

/* The first n pending works, together if that goes, else one by one. */
static int write_pending(struct oom_writer *w, struct oom_target *t, size_t n, struct oom_err *reterr)
{
	struct oom_target_tally tally;
	size_t step = n;
	int r = 0;

	do {
		struct oom_err err = { 0 };

		if (oom_target_gone(t) && (r = follow_path(w, t, reterr)) != 0)
			return r;
		r = oom_target_write(t, w->pending.first, step, w->who, step == n ? w->upto : NULL, &tally, &err);
		if (!r && oom_target_gone(t))
			continue;
		if (!r) {
			account(w, t, step, &tally);
			oom_writer_done(w, step);
			n -= step;
		} else if (about_work(r) && step > 1) {
			step = 1;
			r = 0;
		} else if (about_work(r) && n && !oom_target_sound(w->pending.first, w->who)) {
			refuse(w, &err);
			n--;
			r = 0;
		} else {
			(void)oom_err_set(reterr, -r, "%s", err.text);
		}
	} while (n && !r);
	return r;
}

/* ---- spool --------------------------------------------------------------------------------------------- */

static void add_moved(struct oom_writer *w, const struct oom_target_tally *tally)
{
	w->moved += tally->stored + tally->merged;
	pthread_mutex_lock(&w->lock);
	w->state.stored += tally->stored;
	w->state.merged += tally->merged;
	if (!w->in_spool)
		w->state.spooled = 0;
	pthread_mutex_unlock(&w->lock);
}

/* Moves what the spool holds to the store.  0, or what is wrong with the store: a spool that cannot be read is set aside,
 * or tried again later, and not in the way. */
static int empty_spool(struct oom_writer *w, struct oom_err *reterr)
{
	struct oom_target_tally tally = { 0 };
	struct oom_err err = { 0 };
	bool own = true;
	int64_t unread = 0;
	int r = w->spool.store ? 0 : oom_target_open(&w->spool, &err);

	if (!r)
		r = oom_target_move(&w->spool, &w->db, &tally, &unread, &own, &err);
	if (!r && unread)
		(void)oom_err_set(&err, EBADMSG, "%lld events in '%s' are damaged", (long long)unread, w->spool.path);
	if (r && !own) {
		(void)oom_err_set(reterr, -r, "%s", err.text);
	} else if (r && r != -EBADMSG && r != -EEXIST) {
		say_once(w, &err);
		w->spool_retry_us = oom_writer_now() + BACKOFF_US;
	} else {
		oom_target_close(&w->spool);
		oom_target_remove(&w->spool, err.code ? ".damaged" : NULL);
		if (err.code)
			say(w, 3, "%s; it is kept as '%s.damaged'", err.text, w->spool.path);
		w->in_spool = false;
	}
	add_moved(w, &tally);
	return r && !own ? r : 0;
}

static bool spool_is_full(const struct oom_writer *w)
{
	struct stat st;

	return stat(w->spool.path, &st) == 0 && st.st_size > SPOOL_MAX;
}

/* Events go first, facts stay in memory as long as there is room. */
static size_t events_first(struct oom_writer *w)
{
	struct oom_work_list events, facts;

	oom_works_init(&events);
	oom_works_init(&facts);
	while (w->pending.first) {
		struct oom_work *k = oom_works_take(&w->pending);

		oom_works_add(k->ev ? &events : &facts, k);
	}
	oom_works_append(&w->pending, &events);
	oom_works_append(&w->pending, &facts);
	return oom_works_count(&w->pending, true);
}

static int write_spool(struct oom_writer *w, struct oom_err *reterr)
{
	size_t n = events_first(w);
	int r = 0;

	if (!n)
		return 0;
	if (spool_is_full(w))
		return oom_err_set(reterr, ENOSPC, "cannot write '%s': it has the size that is allowed", w->spool.path);
	if (!w->spool.store)
		r = oom_target_open(&w->spool, reterr);
	if (r)
		return r;
	w->in_spool = true;
	return write_pending(w, &w->spool, n, reterr);
}

/* ---- trouble ------------------------------------------------------------------------------------------- */

static void set_trouble(struct oom_writer *w, const char *text)
{
	pthread_mutex_lock(&w->lock);
	snprintf(w->state.trouble, sizeof(w->state.trouble), "%.*s", (int)sizeof(w->state.trouble) - 1, text);
	pthread_mutex_unlock(&w->lock);
	tell(w);
}

/* Somebody else's transaction is no news until it lasts. */
static void begin_trouble(struct oom_writer *w, const struct oom_err *err)
{
	int64_t now = oom_writer_now();

	if (!w->trouble.code) {
		w->trouble_us = now;
		w->backoff_us = w->opt.patience_us / 2;
	} else {
		w->backoff_us = least(w->backoff_us * 2, BACKOFF_US);
	}
	w->trouble = *err;
	w->retry_us = now + w->backoff_us;
	if (err->code != EAGAIN && err->code != ENOSPC && err->code != EDQUOT)
		oom_target_close(&w->db);
	if (!w->said && (err->code != EAGAIN || now - w->trouble_us >= w->opt.patience_us)) {
		say(w, 3, "%s; events are kept in memory until it can be written", err->text);
		w->said = true;
	}
	set_trouble(w, err->text);
}

static void end_trouble(struct oom_writer *w)
{
	int64_t lasted = (oom_writer_now() - w->trouble_us) / OOM_SECOND_US;

	if (w->said && w->moved)
		say(w, 6, "'%s' is written again after %lld s; %lld events came from the spool", w->db.path,
		    (long long)lasted, (long long)w->moved);
	else if (w->said)
		say(w, 6, "'%s' is written again after %lld s", w->db.path, (long long)lasted);
	w->trouble = (struct oom_err){ 0 };
	w->said = w->said_spooling = w->said_full = false;
	w->spool_retry_us = 0;
	w->moved = 0;
	set_trouble(w, "");
}

static void say_dropped(struct oom_writer *w)
{
	int64_t n;

	pthread_mutex_lock(&w->lock);
	n = w->state.dropped;
	pthread_mutex_unlock(&w->lock);
	if (n == w->dropped_said || (w->trouble.code && w->dropped_said))
		return;
	w->dropped_said = n;
	say(w, 3, "no room is left for events that wait for '%s': %lld dropped so far, the newest first", w->db.path,
	    (long long)n);
}

static void say_spooling(struct oom_writer *w, size_t n, int r, const struct oom_err *err)
{
	if (r && !w->said_full)
		say(w, 3, "%s; %zu events wait in memory", err->text, n);
	else if (!r && n && !w->said_spooling)
		say(w, 3, "%s; events go to '%s' until it can be written", w->trouble.text, w->spool.path);
	w->said = true;
	w->said_full = r != 0;
	w->said_spooling = w->said_spooling || !r;
}

static bool must_spool(struct oom_writer *w, bool closing)
{
	bool crowded;
	int64_t now = oom_writer_now();

	if (!w->spool_path || !w->trouble.code || (!closing && now < w->spool_retry_us))
		return false;
	pthread_mutex_lock(&w->lock);
	crowded = w->bytes > w->opt.max_queue_bytes / 2;
	pthread_mutex_unlock(&w->lock);
	return closing || crowded || now - w->trouble_us >= w->opt.patience_us;
}

static void spool(struct oom_writer *w)
{
	size_t n = oom_works_count(&w->pending, true);
	struct oom_err err = { 0 };
	int r = write_spool(w, &err);

	if (r)
		w->spool_retry_us = oom_writer_now() + OOM_SECOND_US;
	if (n || r)
		say_spooling(w, n, r, &err);
	tell(w);
}

/* ---- retention ----------------------------------------------------------------------------------------- */

/* A slice of the work, in idle moments.  That it fails is said once; it keeps nobody from writing. */
static void prune(struct oom_writer *w)
{
	int64_t now = oom_writer_now(), until = 0;
	struct oom_err err = { 0 };
	int r;

	if (now < w->prune_us)
		return;
	if (w->opt.keep_us)
		until = oom_writer_clock(CLOCK_REALTIME) - w->opt.keep_us;
	r = oom_store_prune(w->db.store, until, w->opt.max_bytes, &err);
	w->prune_us = r == 1 ? now : r == 0 ? now + PRUNE_LATER_US : now + 60 * OOM_SECOND_US;
	if (r < 0 && r != -EAGAIN)
		say_once(w, &err);
}

/* ---- the thread ---------------------------------------------------------------------------------------- */

static int deliver(struct oom_writer *w, struct oom_err *reterr)
{
	size_t n = oom_works_count(&w->pending, true) + oom_works_count(&w->pending, false);
	int r = w->db.store ? 0 : oom_target_open(&w->db, reterr);

	if (!r && w->in_spool && oom_writer_now() >= w->spool_retry_us)
		r = empty_spool(w, reterr);
	return !r && (n || w->upto) ? write_pending(w, &w->db, n, reterr) : r;
}

/* What came in is written, spooled, or kept. */
static void turn(struct oom_writer *w, bool closing, bool reopen)
{
	struct oom_err err = { 0 };

	if (reopen)
		oom_target_close(&w->db);
	if (w->trouble.code && !closing && !reopen && oom_writer_now() < w->retry_us) {
		if (must_spool(w, false))
			spool(w);
	} else if (deliver(w, &err)) {
		begin_trouble(w, &err);
		if (must_spool(w, closing))
			spool(w);
	} else {
		if (w->trouble.code)
			end_trouble(w);
		if (oom_writer_retains(w) && w->prune_us > oom_writer_now() + PRUNE_SOON_US)
			w->prune_us = oom_writer_now() + PRUNE_SOON_US;
		tell(w);
	}
	say_dropped(w);
}

/* When the thread has something to do if nothing comes in.  Called with the lock. */
static int64_t deadline(struct oom_writer *w)
{
	int64_t t = INT64_MAX;

	if (w->closing || w->reopen)
		return 0;
	if (w->trouble.code) {
		t = least(t, w->retry_us);
		if (w->spool_path && oom_works_count(&w->pending, true))
			t = least(t, most(w->spool_retry_us, w->trouble_us + w->opt.patience_us));
		return t;
	}
	if (w->mark_alone || oom_works_count(&w->queue, true))
		return 0;
	if (w->queue.first)
		t = least(t, w->facts_us + FACTS_US);
	if (w->in_spool)
		t = least(t, w->spool_retry_us);
	return least(t, w->prune_us);
}

/* Called with the lock. */
static void wait_for_work(struct oom_writer *w)
{
	for (;;) {
		struct timespec until;
		int64_t t;

		if (w->queue.first && !w->facts_us)
			w->facts_us = oom_writer_now();
		/* In trouble news are taken when they come, lest the queue fills up unseen. */
		if (w->trouble.code && oom_works_count(&w->queue, true))
			return;
		t = deadline(w);
		if (t <= oom_writer_now())
			return;
		until = (struct timespec){ .tv_sec = t / OOM_SECOND_US, .tv_nsec = t % OOM_SECOND_US * 1000 };
		if (t == INT64_MAX)
			(void)pthread_cond_wait(&w->wake, &w->lock);
		else
			(void)pthread_cond_timedwait(&w->wake, &w->lock, &until);
	}
}

void *oom_writer_run(void *arg)
{
	struct oom_writer *w = arg;
	bool closing = false;

	while (!closing) {
		bool reopen, work;

		pthread_mutex_lock(&w->lock);
		wait_for_work(w);
		closing = w->closing;
		reopen = w->reopen;
		w->reopen = false;
		work = w->queue.first || w->mark_alone;
		w->mark_alone = false;
		oom_works_append(&w->pending, &w->queue);
		w->facts_us = 0;
		w->taken = w->mark;
		w->who = w->has_who ? &w->taken : NULL;
		w->upto = w->has_mark ? &w->taken : NULL;
		w->busy_us = oom_writer_now();
		pthread_mutex_unlock(&w->lock);
		if (work || w->trouble.code || closing || reopen || (w->in_spool && oom_writer_now() >= w->spool_retry_us))
			turn(w, closing, reopen);
		else
			prune(w);
		pthread_mutex_lock(&w->lock);
		w->busy_us = 0;
		pthread_mutex_unlock(&w->lock);
	}
	return NULL;
}

/* What passes by itself, or when somebody makes room, is no reason not to start. */
bool oom_writer_may_pass(int r)
{
	static const int codes[] = { EAGAIN, ENOSPC, EDQUOT, EROFS, EIO, ENOMEM, EMFILE, ENFILE };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(codes); i++)
		if (r == -codes[i])
			return true;
	return false;
}

int oom_writer_first(struct oom_writer *w, struct oom_err *reterr)
{
	struct oom_err err = { 0 };
	int r = deliver(w, &err);

	if (r && !oom_writer_may_pass(r))
		return oom_err_set(reterr, -r, "%s", err.text);
	if (r)
		begin_trouble(w, &err);
	else if (w->moved)
		say(w, 6, "%lld events that an earlier run spooled are in '%s' now", (long long)w->moved, w->db.path);
	w->moved = 0;
	return 0;
}
