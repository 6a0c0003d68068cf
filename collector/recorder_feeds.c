/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The witnesses: the feeds of live.h and the kernel log.  Each that cannot be had says why, the others go on. */
#include "procfs.h"
#include "recorder_loop.h"

#include <errno.h>
#include <fcntl.h>

#define MAX_PASSES 64           /* a log that grows as fast as it is read must not keep events back */

/* ---- opening ------------------------------------------------------------------------------------------- */

/* The next name of the list. */
static bool next_name(struct oom_str *list, struct oom_str *ret)
{
	if (!list->n)
		return false;
	if (!oom_take_until(list, ',', ret)) {
		*ret = *list;
		list->n = 0;
	}
	(void)oom_take_char(list, ',');
	*ret = oom_str_trim(*ret);
	return true;
}

bool oom_rec_wants(const struct oom_rec *r, const char *name)
{
	struct oom_str list = oom_str_from(r->o->without), one;

	while (next_name(&list, &one))
		if (oom_str_is(one, name))
			return false;
	return true;
}

int oom_rec_check_names(const struct oom_rec *r, struct oom_err *reterr)
{
	struct oom_str list = oom_str_from(r->o->without), one;

	while (next_name(&list, &one)) {
		bool known = !one.n || oom_str_is(one, "log");

		for (const struct oom_feed_ops *ops = oom_feeds; ops->name; ops++)
			known |= oom_str_is(one, ops->name);
		if (!known)
			return oom_err_set(reterr, ENXIO, "there is no feed '%.*s'", (int)one.n, one.p);
	}
	return 0;
}

static bool is_served(const struct oom_rec *r, const char *serves)
{
	for (size_t i = 0; i < r->nwitnesses; i++)
		if (r->witness[i].feed && !strcmp(r->witness[i].ops->serves, serves))
			return true;
	return false;
}

static void open_feed(struct oom_witness *w)
{
	const struct oom_feed_opt opt = { .reclaim = w->rec->o->reclaim };
	const char *limits;

	if (w->ops->open(&opt, &w->feed, &w->err) < 0) {
		w->feed = NULL;
		oom_rec_say(w->rec, 4, "%s: %s", w->ops->name, w->err.text);
		return;
	}
	limits = w->ops->limits(w->feed);
	oom_rec_say(w->rec, 6, "%s: watching%s%s", w->ops->name, limits ? "; " : "", limits ? limits : "");
}

void oom_rec_open_feeds(struct oom_rec *r)
{
	for (const struct oom_feed_ops *ops = oom_feeds; ops->name && r->nwitnesses < OOM_MAX_WITNESSES; ops++) {
		struct oom_witness *w = &r->witness[r->nwitnesses];

		*w = (struct oom_witness){ .rec = r, .ops = ops };
		if (!oom_rec_wants(r, ops->name)) {
			(void)oom_err_set(&w->err, ECANCELED, "switched off");
		} else if (is_served(r, ops->serves)) {
			(void)oom_err_set(&w->err, ECANCELED, "not needed: a better feed runs");
		} else {
			open_feed(w);
		}
		r->nwitnesses++;
		oom_rec_tell_join(r);
		oom_rec_turn(r);              /* the next one may take a second to open */
	}
}

bool oom_rec_tells(const struct oom_rec *r, enum oom_fact_kind kind)
{
	for (size_t i = 0; i < r->nwitnesses; i++)
		if (r->witness[i].feed && r->witness[i].ops->tells(r->witness[i].feed, kind))
			return true;
	return false;
}

void oom_rec_tell_join(struct oom_rec *r)
{
	const struct oom_join_opts j = {
		.has_log = r->klog != NULL,
		/* who sees rounds and kills knows when there was none */
		.has_ballot = oom_rec_tells(r, OOM_FACT_CHOSEN) && oom_rec_tells(r, OOM_FACT_KILL),
		.has_marks = oom_rec_tells(r, OOM_FACT_MARK_VICTIM), .has_exits = oom_rec_tells(r, OOM_FACT_EXIT_MMAP_END),
	};

	oom_join_witnesses(r->join, &j);
}

void oom_rec_close_feeds(struct oom_rec *r)
{
	for (size_t i = 0; i < r->nwitnesses; i++)
		r->witness[i].ops->close(r->witness[i].feed);
	r->nwitnesses = 0;
}

int64_t oom_rec_facts_lost(const struct oom_rec *r)
{
	uint64_t n = 0;

	for (size_t i = 0; i < r->nwitnesses; i++)
		n += r->witness[i].lost;
	return (int64_t)n;
}

/* ---- draining ------------------------------------------------------------------------------------------ */

void oom_rec_lost(struct oom_rec *r, int result)
{
	if (result >= 0 || r->short_of_memory)
		return;
	r->short_of_memory = true;
	oom_rec_say(r, 3, "out of memory: some of what the kernel told is lost");
}

/* A tracepoint tells the thread; its process can be asked for while it lives. */
static int64_t tgid_of(int64_t pid)
{
	char path[40], text[4096];
	struct oom_proc_status st;
	struct oom_str s;

	snprintf(path, sizeof(path), "/proc/%lld/status", (long long)pid);
	if (oom_proc_read(AT_FDCWD, path, text, sizeof(text), &s) < 0)
		return OOM_NA;
	oom_proc_status(s, false, &st);
	return st.tgid;
}

/* Candidates belong to their event; of what two feeds tell, the first one's is kept, which knows the process as well. */
static bool is_trace(const struct oom_witness *w, enum oom_fact_kind kind)
{
	const struct oom_rec *r = w->rec;

	if (kind == OOM_FACT_SELECTION || kind == OOM_FACT_CANDIDATE)
		return false;
	for (const struct oom_witness *o = r->witness; o < w; o++)
		if (o->feed && o->ops->tells(o->feed, kind))
			return false;
	return true;
}

static void on_fact(void *arg, const struct oom_fact *fact)
{
	struct oom_witness *w = arg;
	struct oom_rec *r = w->rec;
	struct oom_fact f = *fact;
	int e;

	w->facts++;
	if (f.tgid == OOM_NA && f.pid > 0)
		f.tgid = tgid_of(f.pid);
	e = oom_join_fact(r->join, w->ops->name, &f, r->now_us);
	if (e == -ENOBUFS) {
		oom_rec_put(r);
		e = oom_join_fact(r->join, w->ops->name, &f, r->now_us);
	}
	oom_rec_lost(r, e);
	if (is_trace(w, (enum oom_fact_kind)f.kind))
		(void)oom_writer_trace(r->writer, w->ops->name, &f, &r->mark);
}

static bool drain_feed(struct oom_witness *w)
{
	struct oom_rec *r = w->rec;
	uint64_t lost;
	int n = w->feed ? w->ops->drain(w->feed, on_fact, w) : 0;

	if (n < 0) {
		(void)oom_err_set(&w->err, -n, "stopped: %s", strerror(-n));
		oom_rec_say(r, 3, "%s: %s", w->ops->name, w->err.text);
		w->ops->close(w->feed);
		w->feed = NULL;
		oom_rec_tell_join(r);
		r->changed = true;
	}
	if (!w->feed)
		return false;
	lost = w->ops->lost(w->feed);
	if (lost > w->lost) {
		oom_join_lost(r->join, w->ops->name, lost - w->lost);
		w->lost = lost;
		r->changed = true;
	}
	return n > 0;
}

bool oom_rec_drain(struct oom_rec *r)
{
	bool more = true;
	int pass;

	for (pass = 0; more && pass < MAX_PASSES; pass++) {
		r->now_us = oom_rec_clock();
		more = false;
		for (size_t i = 0; i < r->nwitnesses; i++)
			more |= drain_feed(&r->witness[i]);
		more |= oom_rec_log_drain(r);
	}
	oom_rec_log_settle(r, !more);
	return pass > 1;
}
