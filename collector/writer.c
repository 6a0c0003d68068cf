/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's pen: a bounded queue and a thread that empties it into the store.  The thread alone touches the
 * store and the spool.  While the store cannot be written, events wait in memory, then in the spool, a store like the
 * other in the runtime directory, from which they are moved when the store works again.
 */
#include "writer_impl.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define QUEUE_BYTES ((size_t)8 << 20)
#define EVENT_BYTES ((size_t)4 << 10)          /* what an arena holds beyond what it gave away, and the struct */
#define STACK_BYTES ((size_t)512 << 10)        /* SQLite and the replay need a tenth of it */
#define PATIENCE_US (2 * OOM_SECOND_US)
#define STALL_US    (5 * OOM_SECOND_US)        /* a device that is frozen or gone keeps its writer in the kernel */

/* ---- works --------------------------------------------------------------------------------------------- */

void oom_works_init(struct oom_work_list *l)
{
	l->first = NULL;
	l->end = &l->first;
}

void oom_works_add(struct oom_work_list *l, struct oom_work *k)
{
	k->next = NULL;
	*l->end = k;
	l->end = &k->next;
}

void oom_works_append(struct oom_work_list *l, struct oom_work_list *from)
{
	if (!from->first)
		return;
	*l->end = from->first;
	l->end = from->end;
	oom_works_init(from);
}

struct oom_work *oom_works_take(struct oom_work_list *l)
{
	struct oom_work *k = l->first;

	l->first = k->next;
	if (!l->first)
		l->end = &l->first;
	return k;
}

size_t oom_works_count(const struct oom_work_list *l, bool events)
{
	size_t n = 0;

	for (const struct oom_work *k = l->first; k; k = k->next)
		n += events == (k->ev != NULL);
	return n;
}

void oom_work_free(struct oom_work *k)
{
	if (k->ev)
		oom_event_release(k->ev);
	oom_free(k);
}

/* ---- the queue: any thread ----------------------------------------------------------------------------- */

static struct oom_work *work_new(size_t more)
{
	struct oom_work *k = oom_malloc(sizeof(*k) + more);

	if (k)
		*k = (struct oom_work){ .bytes = sizeof(*k) + more, .decided_us = OOM_NA };
	return k;
}

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
	w->mark_alone |= !k;
	if (!r && k) {
		w->bytes += k->bytes;
		w->state.waiting += k->ev != NULL;
		oom_works_add(&w->queue, k);
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
	oom_work_free(k);
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
	oom_work_free(k);
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
	int64_t sorted[OOM_WRITER_LATENCIES];
	uint64_t told;
	size_t n;

	(void)!read(w->event_fd, &told, sizeof(told));
	pthread_mutex_lock(&w->lock);
	*ret = w->state;
	if (w->busy_us && oom_writer_now() - w->busy_us > STALL_US)
		ret->stalled_us = oom_writer_now() - w->busy_us;
	n = w->nlatency < OOM_WRITER_LATENCIES ? (size_t)w->nlatency : OOM_WRITER_LATENCIES;
	memcpy(sorted, w->latency, n * sizeof(sorted[0]));
	pthread_mutex_unlock(&w->lock);
	if (ret->stalled_us)
		snprintf(ret->trouble, sizeof(ret->trouble), "'%s' does not answer: the disk has kept a write waiting for %lld s",
			 w->db_path, (long long)(ret->stalled_us / OOM_SECOND_US));
	qsort(sorted, n, sizeof(sorted[0]), by_value);
	ret->latency_us[0] = n ? sorted[n / 2] : OOM_NA;
	ret->latency_us[1] = n ? sorted[n - 1] : OOM_NA;
}

/* ---- open and close ------------------------------------------------------------------------------------ */

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
	oom_works_init(&w->queue);
	oom_works_init(&w->pending);
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
	w->opened_us = oom_writer_now();
	if (!w->opt.max_queue_bytes)
		w->opt.max_queue_bytes = QUEUE_BYTES;
	w->prune_us = oom_writer_retains(w) ? 0 : INT64_MAX;
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
	r = pthread_create(&w->thread, &attr, oom_writer_run, w);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	(void)pthread_attr_destroy(&attr);
	return r ? oom_err_set(reterr, r, "cannot start the writer: %s", strerror(r)) : 0;
}

static void release(struct oom_writer *w)
{
	oom_writer_done(w, SIZE_MAX);
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
		r = oom_writer_first(w, reterr);
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
	if (r < 0 && !oom_writer_may_pass(r))
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
	int r = 0, code;

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
	code = w->trouble.code ? w->trouble.code : EIO;
	if (st.waiting)
		r = oom_err_set(reterr, code, "%s; %lld events are lost", w->trouble.text, (long long)st.waiting);
	else if (w->in_spool)
		r = oom_err_set(reterr, code, "%s; what was seen meanwhile is in '%s' and will be stored by the next run",
				w->trouble.text, w->spool_path);
	release(w);
	return r;
}
