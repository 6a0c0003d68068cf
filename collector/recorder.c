/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorder from its beginning to its end: who opens the rooms, in which order, and what a missing one means. */
#include "recorder_loop.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <sys/signalfd.h>
#include <unistd.h>

void oom_rec_say(struct oom_rec *r, int level, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	if (!r->o->say)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	r->o->say(r->o->arg, level, text);
}

/* ---- beginning ------------------------------------------------------------------------------------------- */

static int open_signals(struct oom_rec *r, struct oom_err *reterr)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* before the writer's thread is made, which inherits the mask */
	(void)sigprocmask(SIG_BLOCK, &set, &r->old_mask);
	r->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	return r->signals < 0 ? oom_err_set(reterr, errno, "cannot wait for signals: %s", strerror(errno)) : 0;
}

static int open_writer(struct oom_rec *r, struct oom_err *reterr)
{
	const struct oom_recorder_opts *o = r->o;
	const struct oom_writer_opts w = {
		.db = o->db, .spool = r->spool, .keep_us = o->keep_us, .max_bytes = o->max_bytes,
		.say = o->say, .arg = o->arg,
	};
	int e = oom_writer_open(&w, &r->writer, reterr);

	struct oom_store_mark *m = &r->before;

	if (e)
		return e;
	*m = (struct oom_store_mark){
		.host = r->self.host, .machine_id = r->self.machine_id, .boot_id = r->self.boot_id,
		.next_line = OOM_NA, .oom_kill = OOM_NA,
	};
	e = oom_writer_mark(r->writer, m, reterr);
	r->has_mark = e > 0;
	m->host = r->self.host;              /* the store's copies are lent */
	m->machine_id = r->self.machine_id;
	m->boot_id = r->self.boot_id;
	r->mark = *m;
	r->next_line = m->next_line;
	return e < 0 ? e : 0;
}

/* Where the log ends now; OOM_NA when it is empty or there is none. */
static int64_t log_end(const struct oom_rec *r)
{
	struct oom_klog *k;
	struct oom_line line;
	int64_t end = OOM_NA;

	if (!r->klog || oom_klog_open(OOM_NA, &k, NULL) < 0)
		return OOM_NA;
	while (oom_klog_next(k, &line, NULL) > 0)
		end = line.lineno + 1;
	oom_klog_close(k);
	return end;
}

/* From which line on, and from which value of the kernel's counter, kills must add up. */
static void begin_counting(struct oom_rec *r, struct oom_join_opts *j)
{
	struct oom_err err = { 0 };
	int64_t again;

	j->since_line = j->oom_kill = OOM_NA;
	if (oom_counters_open(&r->counters, &err) < 0) {
		r->counters = NULL;
		oom_rec_say(r, 4, "counters: %s", err.text);
		return;
	}
	/* a mark with a line speaks of the kills before it: without the log nobody knows of those behind it what was stored */
	if (r->has_mark && r->before.oom_kill != OOM_NA && (r->before.next_line != OOM_NA) == (r->klog != NULL)) {
		j->oom_kill = r->before.oom_kill;
	} else {
		again = oom_counters_kills(r->counters);
		for (int i = 0; i < 8 && again != j->oom_kill; i++) {
			j->oom_kill = again;
			j->since_line = log_end(r);
			again = oom_counters_kills(r->counters);
		}
	}
	r->first_kills = j->oom_kill;
}

static int open_join(struct oom_rec *r, struct oom_err *reterr)
{
	struct oom_join_opts j = { .self = r->self, .has_log = r->klog != NULL, .cgroup_path = oom_cgroup_path };

	begin_counting(r, &j);
	if (oom_parser_new(&r->parser) < 0 || oom_parser_begin(r->parser, OOM_STR("/dev/kmsg")) < 0 ||
	    oom_join_new(&j, &r->join) < 0)
		return oom_err_set(reterr, ENOMEM, "cannot start the recorder: out of memory");
	return 0;
}

static void open_flight(struct oom_rec *r)
{
	struct oom_err err = { 0 };

	if (!r->o->flight_us)
		return;
	if (oom_flight_new(r->o->flight_us, &r->flight, &err) < 0) {
		r->flight = NULL;
		oom_rec_say(r, 4, "flight recorder: %s", err.text);
		return;
	}
	r->tick_us = r->now_us;
}

/* At most so long that a disk in trouble keeps nobody waiting. */
static void wait_for_writer(struct oom_rec *r)
{
	struct pollfd fd = { .fd = oom_writer_fd(r->writer), .events = POLLIN };

	for (int i = 0; r->unwritten && i < 50; i++)
		if (poll(&fd, 1, 100) > 0)
			oom_rec_committed(r);
}

/* What the kernel overwrites is read before what takes its time, and stored meanwhile. */
static int open_witnesses(struct oom_rec *r, struct oom_err *reterr)
{
	int e;

	oom_rec_open_log(r);
	e = open_join(r, reterr);
	if (e)
		return e;
	oom_rec_turn(r);
	oom_rec_remember(r);
	/* to load a BPF program takes megabytes for a moment: not while the backlog has its own, and before the feeds' rings */
	wait_for_writer(r);
	oom_rec_trim();
	open_flight(r);
	oom_rec_turn(r);
	oom_rec_trim();
	oom_rec_open_feeds(r);
	if (!r->klog && !oom_rec_tells(r, OOM_FACT_MARK_VICTIM))
		return oom_err_set(reterr, ENODATA, "nothing tells of the OOM killer here: not the kernel log (%s), and no "
				   "feed", r->log_err.text);
	return 0;
}

static int begin(struct oom_rec *r, struct oom_err *reterr)
{
	int e = oom_rec_check_names(r, reterr);

	if (!e)
		e = oom_status_open(r->o->runtime_dir, &r->status, reterr);
	if (!e)
		e = oom_rec_self(r, reterr);
	if (!e)
		e = open_signals(r, reterr);
	if (e)
		return e;
	oom_rec_one_heap();
	e = open_writer(r, reterr);
	if (!e)
		e = open_witnesses(r, reterr);
	if (e)
		return e;
	oom_join_reserve(r->join);
	oom_rec_protect(r);
	r->watchdog_every_us = oom_notify_watchdog_us();
	r->watchdog_us = r->watchdog_every_us ? r->now_us : OOM_NEVER;
	return 0;
}

/* ---- end ------------------------------------------------------------------------------------------------- */

/* Stores what is known.  What the log had not finished is stored as it is, and read again by the next run. */
static int end(struct oom_rec *r, struct oom_err *reterr)
{
	int e;

	(void)oom_notify("STOPPING=1");
	oom_rec_turn(r);
	oom_rec_refresh_mark(r);
	r->closing = true;
	if (oom_parser_finish(r->parser) < 0)
		oom_rec_say(r, 3, "out of memory: what the log had not finished is read again by the next run");
	oom_rec_log_take(r);
	oom_join_finish(r->join);
	oom_rec_put(r);
	(void)oom_writer_put(r->writer, NULL, &r->mark);
	/* so that the last state tells of all that was stored; what cannot be stored goes to the spool after that */
	wait_for_writer(r);
	oom_rec_write_status(r);
	e = oom_writer_close(r->writer, reterr);
	r->writer = NULL;
	return e;
}

static void release(struct oom_rec *r)
{
	oom_rec_close_feeds(r);
	oom_klog_close(r->klog);
	if (r->writer)
		(void)oom_writer_close(r->writer, NULL);
	oom_flight_free(r->flight);
	oom_counters_close(r->counters);
	oom_join_free(r->join);
	oom_parser_free(r->parser);
	oom_status_close(r->status);
	if (r->signals >= 0) {
		(void)close(r->signals);
		(void)sigprocmask(SIG_SETMASK, &r->old_mask, NULL);
	}
	oom_arena_release(&r->arena);
}

int oom_recorder_run(const struct oom_recorder_opts *opts, struct oom_err *reterr)
{
	struct oom_rec r = {
		.o = opts, .signals = -1, .now_us = oom_rec_clock(), .changed = true, .first_kills = OOM_NA,
		.last_kill_us = OOM_NA, .in_hand = OOM_NA, .clock_us = OOM_NEVER, .tick_us = OOM_NEVER, .watchdog_us = OOM_NEVER,
		.mark_us = OOM_NEVER,
	};
	int e;

	r.started_us = r.now_us;
	e = begin(&r, reterr);
	if (!e) {
		(void)oom_notify("READY=1");
		oom_rec_turn(&r);
		oom_rec_status(&r);
		oom_rec_run(&r);
		e = end(&r, reterr);
	}
	release(&r);
	return e;
}
