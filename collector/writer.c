/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's pen: a bounded queue and a thread that empties it into the store.  The thread alone touches the
 * store and the spool.  While the store cannot be written, events wait in memory, then in the spool, a store like the
 * other in the runtime directory, from which they are moved when the store works again.
 */
#include "writer_impl.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SECOND         INT64_C(1000000)
#define QUEUE_BYTES    ((size_t)8 << 20)
#define EVENT_BYTES    ((size_t)4 << 10)       /* what an arena holds beyond what it gave away, and the struct */
#define STACK_BYTES    ((size_t)512 << 10)     /* SQLite and the replay need a tenth of it */
#define PATIENCE_US    (2 * SECOND)
#define BACKOFF_US     (30 * SECOND)           /* the longest wait between two tries */
#define FACTS_US       SECOND                  /* facts without an event are written together */
#define PRUNE_SOON_US  (10 * SECOND)
#define PRUNE_LATER_US (6 * 3600 * SECOND)
#define LATENCIES      512
#define SPOOL_MAX      ((off_t)64 << 20)       /* the runtime directory is memory */

struct oom_writer {
	struct oom_writer_opts opt;
	char *db_path, *spool_path;
	int event_fd;
	int64_t opened_us;
	pthread_t thread;

	/* between the threads */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct oom_work_list queue;
	size_t bytes;                    /* of all works, those that the thread has taken included */
	bool closing, reopen;
	bool frozen;                     /* an event was dropped: the mark stays before it */
	struct oom_store_mark mark;      /* of the last put; strings in ids */
	bool has_who, has_mark;          /* it has a key; numbers as well */
	struct oom_arena ids;
	struct oom_writer_state state;
	int64_t latency[LATENCIES];
	uint64_t nlatency;

	/* the thread's own */
	struct oom_work_list pending;    /* taken from the queue, not yet written */
	struct oom_store_mark taken;     /* with them */
	const struct oom_store_mark *who, *upto;   /* it or NULL: as the key of facts, as a mark to be written */
	struct oom_target db, spool;
	bool in_spool;                   /* the spool holds events */
	struct oom_err trouble;          /* of the store; code 0 = none */
	bool said, said_spooling, said_full;
	int64_t trouble_us, retry_us, backoff_us, spool_retry_us;
	int64_t facts_us;                /* when the oldest waiting fact came */
	int64_t prune_us;
	int64_t moved, dropped_said;
	struct oom_err last_said;
};

static int64_t clock_us(clockid_t clock)
{
	struct timespec ts;

	(void)clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

static int64_t now_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
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

/* ---- works --------------------------------------------------------------------------------------------- */

static void list_init(struct oom_work_list *l)
{
	l->first = NULL;
	l->end = &l->first;
}

static void list_add(struct oom_work_list *l, struct oom_work *k)
{
	k->next = NULL;
	*l->end = k;
	l->end = &k->next;
}

static void list_append(struct oom_work_list *l, struct oom_work_list *from)
{
	if (!from->first)
		return;
	*l->end = from->first;
	l->end = from->end;
	list_init(from);
}

static struct oom_work *list_take(struct oom_work_list *l)
{
	struct oom_work *k = l->first;

	l->first = k->next;
	if (!l->first)
		l->end = &l->first;
	return k;
}

static size_t list_count(const struct oom_work_list *l, bool events)
{
	size_t n = 0;

	for (const struct oom_work *k = l->first; k; k = k->next)
		n += events == (k->ev != NULL);
	return n;
}

static struct oom_work *work_new(size_t more)
{
	struct oom_work *k = oom_malloc(sizeof(*k) + more);

	if (k)
		*k = (struct oom_work){ .bytes = sizeof(*k) + more, .decided_us = OOM_NA };
	return k;
}

static void work_free(struct oom_work *k)
{
	if (k->ev)
		oom_event_release(k->ev);
	oom_free(k);
}

/* The front of the pending works is done with, written or not. */
static void done(struct oom_writer *w, size_t n)
{
	while (n-- && w->pending.first) {
		struct oom_work *k = list_take(&w->pending);

		pthread_mutex_lock(&w->lock);
		w->bytes -= k->bytes;
		w->state.waiting -= k->ev != NULL;
		pthread_mutex_unlock(&w->lock);
		work_free(k);
	}
}

/* ---- the queue: any thread ----------------------------------------------------------------------------- */

/* Called with the lock.  The strings of the mark do not change while a recorder runs, in practice. */
static void take_mark(struct oom_writer *w, const struct oom_store_mark *mark)
{
	struct oom_store_mark m = *mark;

	if (w->frozen && w->has_who)
		return;
	if (w->has_who && oom_str_eq(m.host, w->mark.host) && oom_str_eq(m.machine_id, w->mark.machine_id) &&
	    oom_str_eq(m.boot_id, w->mark.boot_id)) {
		m.host = w->mark.host;
		m.machine_id = w->mark.machine_id;
		m.boot_id = w->mark.boot_id;
	} else if (oom_arena_str(&w->ids, m.host, &m.host) || oom_arena_str(&w->ids, m.machine_id, &m.machine_id) ||
		   oom_arena_str(&w->ids, m.boot_id, &m.boot_id)) {
		return;
	}
	w->mark = m;
	w->has_who = true;
	w->has_mark = !w->frozen && m.boot_id.p;
}

/* k may be NULL: the mark alone, or no memory for it. */
static int enqueue(struct oom_writer *w, struct oom_work *k, size_t max, const struct oom_store_mark *mark)
{
	int r = 0;

	pthread_mutex_lock(&w->lock);
	if (k && w->bytes && w->bytes + k->bytes > max)
		r = -ENOBUFS;
	if (!r && mark)
		take_mark(w, mark);
	if (!r && k) {
		w->bytes += k->bytes;
		w->state.waiting += k->ev != NULL;
		list_add(&w->queue, k);
	}
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return r;
}

static int dropped(struct oom_writer *w, bool event)
{
	pthread_mutex_lock(&w->lock);
	*(event ? &w->state.dropped : &w->state.facts_dropped) += 1;
	w->frozen = w->frozen || event;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	return -ENOBUFS;
}

int oom_writer_put(struct oom_writer *w, struct oom_join_out *out, const struct oom_store_mark *mark)
{
	struct oom_work *k;

	if (!out)
		return enqueue(w, NULL, 0, mark);
	k = work_new(sizeof(*k->ev));
	if (!k) {
		oom_event_release(&out->ev);
		return dropped(w, true);
	}
	k->ev = (struct oom_event *)(void *)(k + 1);
	*k->ev = out->ev;
	k->decided_us = out->first ? out->decided_us : OOM_NA;
	k->bytes += out->ev.arena.used + EVENT_BYTES;
	if (!enqueue(w, k, w->opt.max_queue_bytes, mark))
		return 0;
	work_free(k);
	return dropped(w, true);
}

int oom_writer_trace(struct oom_writer *w, const char *feed, const struct oom_fact *f, const struct oom_store_mark *mark)
{
	struct oom_work *k = work_new(sizeof(*f) + f->comm.n);
	char *comm;

	if (!k)
		return dropped(w, false);
	k->feed = feed;
	k->fact = (struct oom_fact *)(void *)(k + 1);
	*k->fact = *f;
	if (f->comm.p) {
		comm = (char *)(k->fact + 1);
		memcpy(comm, f->comm.p, f->comm.n);
		k->fact->comm.p = comm;
	}
	if (!enqueue(w, k, w->opt.max_queue_bytes / 2, mark))
		return 0;
	work_free(k);
	return dropped(w, false);
}

void oom_writer_reopen(struct oom_writer *w)
{
	pthread_mutex_lock(&w->lock);
	w->reopen = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
}

int oom_writer_fd(const struct oom_writer *w)
{
	return w->event_fd;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

void oom_writer_state(struct oom_writer *w, struct oom_writer_state *ret)
{
	int64_t sorted[LATENCIES];
	uint64_t told;
	size_t n;

	(void)!read(w->event_fd, &told, sizeof(told));
	pthread_mutex_lock(&w->lock);
	*ret = w->state;
	n = w->nlatency < LATENCIES ? (size_t)w->nlatency : LATENCIES;
	memcpy(sorted, w->latency, n * sizeof(sorted[0]));
	pthread_mutex_unlock(&w->lock);
	qsort(sorted, n, sizeof(sorted[0]), by_value);
	ret->latency_us[0] = n ? sorted[n / 2] : OOM_NA;
	ret->latency_us[1] = n ? sorted[n - 1] : OOM_NA;
}

static void tell(struct oom_writer *w)
{
	const uint64_t one = 1;

	(void)!write(w->event_fd, &one, sizeof(one));
}

/* ---- writing: the thread, and open and close when there is none ---------------------------------------- */

/* Errors that speak of what is written rather than of where. */
static bool about_work(int r)
{
	return r == -EINVAL || r == -EOVERFLOW;
}

static void account(struct oom_writer *w, const struct oom_target *t, size_t n, const struct oom_target_tally *tally)
{
	int64_t now = now_us();

	pthread_mutex_lock(&w->lock);
	if (t == &w->spool) {
		w->state.spooled += tally->stored;
	} else {
		w->state.stored += tally->stored;
		w->state.merged += tally->merged;
	}
	for (const struct oom_work *k = w->pending.first; t == &w->db && k && n--; k = k->next)
		if (k->decided_us >= w->opened_us)       /* OOM_NA is below */
			w->latency[w->nlatency++ % LATENCIES] = now - k->decided_us;
	pthread_mutex_unlock(&w->lock);
}

static void refuse(struct oom_writer *w, const struct oom_err *err)
{
	bool event = w->pending.first->ev != NULL;

	say(w, 3, "%s: no store takes this %s, it is dropped", err->text, event ? "event" : "fact");
	pthread_mutex_lock(&w->lock);
	*(event ? &w->state.dropped : &w->state.facts_dropped) += 1;
	pthread_mutex_unlock(&w->lock);
	done(w, 1);
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

		if (oom_target_gone(t))
			r = follow_path(w, t, &err);
		if (!r)
			r = oom_target_write(t, w->pending.first, step, w->who, step == n ? w->upto : NULL, &tally, &err);
		if (!r && oom_target_gone(t))
			continue;
		if (!r) {
			account(w, t, step, &tally);
			done(w, step);
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
		w->spool_retry_us = now_us() + BACKOFF_US;
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

	list_init(&events);
	list_init(&facts);
	while (w->pending.first) {
		struct oom_work *k = list_take(&w->pending);

		list_add(k->ev ? &events : &facts, k);
	}
	list_append(&w->pending, &events);
	list_append(&w->pending, &facts);
	return list_count(&w->pending, true);
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
	int64_t now = now_us();

	if (!w->trouble.code) {
		w->trouble_us = now;
		w->backoff_us = w->opt.patience_us / 2;
	} else if (w->backoff_us < BACKOFF_US) {
		w->backoff_us = w->backoff_us * 2 < BACKOFF_US ? w->backoff_us * 2 : BACKOFF_US;
	}
	w->trouble = *err;
	w->retry_us = now + w->backoff_us;
	if (err->code != EAGAIN && err->code != ENOSPC && err->code != EDQUOT)
		oom_target_close(&w->db);
	if (!w->said && (err->code != EAGAIN || now - w->trouble_us >= w->opt.patience_us)) {
		say(w, 4, "%s; events are kept in memory until it can be written", err->text);
		w->said = true;
	}
	set_trouble(w, err->text);
}

static void end_trouble(struct oom_writer *w)
{
	int64_t lasted = (now_us() - w->trouble_us) / SECOND;

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
		say(w, 4, "%s; events go to '%s' until it can be written", w->trouble.text, w->spool.path);
	w->said = true;
	w->said_full = r != 0;
	w->said_spooling = w->said_spooling || !r;
}

static bool must_spool(struct oom_writer *w, bool closing)
{
	bool crowded;
	int64_t now = now_us();

	if (!w->spool_path || !w->trouble.code || (!closing && now < w->spool_retry_us))
		return false;
	pthread_mutex_lock(&w->lock);
	crowded = w->bytes > w->opt.max_queue_bytes / 2;
	pthread_mutex_unlock(&w->lock);
	return closing || crowded || now - w->trouble_us >= w->opt.patience_us;
}

static void spool(struct oom_writer *w)
{
	size_t n = list_count(&w->pending, true);
	struct oom_err err = { 0 };
	int r = write_spool(w, &err);

	if (r)
		w->spool_retry_us = now_us() + SECOND;
	if (n || r)
		say_spooling(w, n, r, &err);
	tell(w);
}

/* ---- retention ----------------------------------------------------------------------------------------- */

static bool retains(const struct oom_writer *w)
{
	return w->opt.keep_us || w->opt.max_bytes;
}

/* A slice of the work, in idle moments.  That it fails is said once; it keeps nobody from writing. */
static void prune(struct oom_writer *w)
{
	int64_t now = now_us(), until = 0;
	struct oom_err err = { 0 };
	int r;

	if (now < w->prune_us)
		return;
	if (w->opt.keep_us)
		until = clock_us(CLOCK_REALTIME) - w->opt.keep_us;
	r = oom_store_prune(w->db.store, until, w->opt.max_bytes, &err);
	w->prune_us = r == 1 ? now : r == 0 ? now + PRUNE_LATER_US : now + 60 * SECOND;
	if (r < 0 && r != -EAGAIN)
		say_once(w, &err);
}

/* ---- the thread ---------------------------------------------------------------------------------------- */

static int deliver(struct oom_writer *w, struct oom_err *reterr)
{
	size_t n = list_count(&w->pending, true) + list_count(&w->pending, false);
	int r = w->db.store ? 0 : oom_target_open(&w->db, reterr);

	if (!r && w->in_spool && now_us() >= w->spool_retry_us)
		r = empty_spool(w, reterr);
	return !r && (n || w->upto) ? write_pending(w, &w->db, n, reterr) : r;
}

/* What came in is written, spooled, or kept. */
static void turn(struct oom_writer *w, bool closing, bool reopen)
{
	struct oom_err err = { 0 };

	if (reopen)
		oom_target_close(&w->db);
	if (w->trouble.code && !closing && !reopen && now_us() < w->retry_us) {
		if (must_spool(w, false))
			spool(w);
	} else if (deliver(w, &err)) {
		begin_trouble(w, &err);
		if (must_spool(w, closing))
			spool(w);
	} else {
		if (w->trouble.code)
			end_trouble(w);
		if (retains(w) && w->prune_us > now_us() + PRUNE_SOON_US)
			w->prune_us = now_us() + PRUNE_SOON_US;
		tell(w);
	}
	say_dropped(w);
}

static int64_t least(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

/* When the thread has something to do if nothing comes in.  Called with the lock. */
static int64_t deadline(struct oom_writer *w)
{
	int64_t t = INT64_MAX;

	if (w->closing || w->reopen)
		return 0;
	if (w->trouble.code) {
		t = least(t, w->retry_us);
		if (w->spool_path && list_count(&w->pending, true))
			t = least(t, most(w->spool_retry_us, w->trouble_us + w->opt.patience_us));
		return t;
	}
	if (list_count(&w->queue, true))
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
			w->facts_us = now_us();
		/* In trouble news are taken when they come, lest the queue fills up unseen. */
		if (w->trouble.code && list_count(&w->queue, true))
			return;
		t = deadline(w);
		if (t <= now_us())
			return;
		until = (struct timespec){ .tv_sec = t / SECOND, .tv_nsec = t % SECOND * 1000 };
		if (t == INT64_MAX)
			(void)pthread_cond_wait(&w->wake, &w->lock);
		else
			(void)pthread_cond_timedwait(&w->wake, &w->lock, &until);
	}
}

static void *run(void *arg)
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
		work = w->queue.first != NULL;
		list_append(&w->pending, &w->queue);
		w->facts_us = 0;
		w->taken = w->mark;
		w->who = w->has_who ? &w->taken : NULL;
		w->upto = w->has_mark ? &w->taken : NULL;
		pthread_mutex_unlock(&w->lock);
		if (work || w->trouble.code || closing || reopen || (w->in_spool && now_us() >= w->spool_retry_us))
			turn(w, closing, reopen);
		else
			prune(w);
	}
	return NULL;
}

/* ---- open and close ------------------------------------------------------------------------------------ */

/* What passes by itself, or when somebody makes room, is no reason not to start. */
static bool may_pass(int r)
{
	static const int codes[] = { EAGAIN, ENOSPC, EDQUOT, EROFS, EIO, ENOMEM, EMFILE, ENFILE };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(codes); i++)
		if (r == -codes[i])
			return true;
	return false;
}

static char *copy_path(const char *path)
{
	size_t n = strlen(path) + 1;
	char *p = oom_malloc(n);

	return p ? memcpy(p, path, n) : NULL;
}

static int prepare(struct oom_writer *w, struct oom_err *reterr)
{
	pthread_condattr_t attr;
	int busy_ms;

	(void)pthread_mutex_init(&w->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&w->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	list_init(&w->queue);
	list_init(&w->pending);
	w->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (w->event_fd < 0)
		return oom_err_set(reterr, errno, "cannot start the writer: %s", strerror(errno));
	w->db_path = copy_path(w->opt.db);
	w->spool_path = w->opt.spool ? copy_path(w->opt.spool) : NULL;
	if (!w->db_path || (w->opt.spool && !w->spool_path))
		return oom_err_set(reterr, ENOMEM, "cannot start the writer: out of memory");
	if (!w->opt.patience_us)
		w->opt.patience_us = PATIENCE_US;
	/* others' transactions are short; a longer one is trouble, which has its own ways */
	busy_ms = (int)(w->opt.patience_us / 2000);
	w->db = (struct oom_target){ .path = w->db_path, .judge = true, .busy_ms = busy_ms };
	w->spool = (struct oom_target){ .path = w->spool_path, .busy_ms = busy_ms };
	w->in_spool = w->spool_path && access(w->spool_path, F_OK) == 0;
	w->opened_us = now_us();
	if (!w->opt.max_queue_bytes)
		w->opt.max_queue_bytes = QUEUE_BYTES;
	w->prune_us = retains(w) ? 0 : INT64_MAX;
	return 0;
}

/* Signals are the main thread's. */
static int start(struct oom_writer *w, struct oom_err *reterr)
{
	pthread_attr_t attr;
	sigset_t all, before;
	int r;

	(void)pthread_attr_init(&attr);
	(void)pthread_attr_setstacksize(&attr, STACK_BYTES);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, &attr, run, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return r ? oom_err_set(reterr, r, "cannot start the writer: %s", strerror(r)) : 0;
}

static void release(struct oom_writer *w)
{
	done(w, SIZE_MAX);
	oom_target_close(&w->db);
	oom_target_close(&w->spool);
	if (w->event_fd >= 0)
		(void)close(w->event_fd);
	(void)pthread_cond_destroy(&w->wake);
	(void)pthread_mutex_destroy(&w->lock);
	oom_arena_release(&w->ids);
	oom_free(w->db_path);
	oom_free(w->spool_path);
	oom_free(w);
}

static int first_contact(struct oom_writer *w, struct oom_err *reterr)
{
	struct oom_err err = { 0 };
	int r = deliver(w, &err);

	if (r && !may_pass(r))
		return oom_err_set(reterr, -r, "%s", err.text);
	if (r)
		begin_trouble(w, &err);
	else if (w->moved)
		say(w, 6, "%lld events that an earlier run spooled are in '%s' now", (long long)w->moved, w->db.path);
	w->moved = 0;
	return 0;
}

int oom_writer_open(const struct oom_writer_opts *o, struct oom_writer **ret, struct oom_err *reterr)
{
	struct oom_writer *w = oom_malloc(sizeof(*w));
	int r;

	if (!w)
		return oom_err_set(reterr, ENOMEM, "cannot start the writer: out of memory");
	memset(w, 0, sizeof(*w));
	w->opt = *o;
	r = prepare(w, reterr);
	if (!r)
		r = first_contact(w, reterr);
	if (!r)
		r = start(w, reterr);
	if (r)
		release(w);
	else
		*ret = w;
	return r;
}

/* By a look of its own: the thread has the handles.  0, 1 and *io, -errno.  None where the store is in trouble. */
static int mark_in(const char *path, struct oom_store_mark *io, struct oom_err *reterr)
{
	struct oom_store_mark m = *io;
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };
	int r;

	if (!path || access(path, F_OK) < 0)
		return 0;
	r = oom_store_open(path, OOM_STORE_READ, &s, &err);
	if (!r)
		r = oom_store_get_mark(s, &m, &err);
	if (r == 1) {
		m.host = io->host;
		m.machine_id = io->machine_id;
		m.boot_id = io->boot_id;
		*io = m;
	}
	(void)oom_store_close(s, NULL);
	if (r < 0 && !may_pass(r))
		return oom_err_set(reterr, -r, "%s", err.text);
	return r == 1;
}

/* Without the spool's word the store's is older, which costs a second look at lines that are known. */
int oom_writer_mark(struct oom_writer *w, struct oom_store_mark *io, struct oom_err *reterr)
{
	int r = mark_in(w->spool_path, io, NULL);

	return r == 1 ? 1 : mark_in(w->db_path, io, reterr);
}

int oom_writer_close(struct oom_writer *w, struct oom_err *reterr)
{
	struct oom_writer_state st;
	int r = 0;

	if (!w)
		return 0;
	pthread_mutex_lock(&w->lock);
	w->closing = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	(void)pthread_join(w->thread, NULL);
	oom_writer_state(w, &st);
	if (!w->trouble.code)
		w->trouble = w->last_said;
	if (st.waiting)
		r = oom_err_set(reterr, w->trouble.code, "%s; %lld events are lost", w->trouble.text, (long long)st.waiting);
	else if (w->in_spool)
		r = oom_err_set(reterr, w->trouble.code, "%s; what was seen meanwhile is in '%s' and will be stored by the "
				"next run", w->trouble.text, w->spool_path);
	release(w);
	return r;
}
