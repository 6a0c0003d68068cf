/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's loop.  A turn: read every witness until it has nothing more to say, hand
 * what the log decided to the join, give what the join has finished to the writer.  Nothing in it waits, nothing in it
 * looks at /proc as a whole while a kill is not yet stored; what can be put off (samples, status) is.
 */
#include "recorder_loop.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#define SECOND_US    INT64_C(1000000)
#define PUT_OFF_US   (SECOND_US / 10)    /* a sample that came at the wrong time */
#define REMEMBER_US  (60 * SECOND_US)
#define SOON_US      (SECOND_US / 5)

/* ---- from the witnesses to the writer -------------------------------------------------------------------- */

void oom_rec_refresh_mark(struct oom_rec *r)
{
	const int64_t waiting[] = { oom_parser_waiting(r->parser), r->in_hand, oom_join_waiting(r->join) };
	struct oom_join_past past;

	if (!r->closing) {
		r->mark.next_line = r->next_line;
		for (size_t i = 0; i < OOM_ARRAY_SIZE(waiting); i++)
			if (waiting[i] != OOM_NA && waiting[i] < r->mark.next_line)
				r->mark.next_line = waiting[i];
	}
	past = oom_join_past(r->join, r->mark.next_line);
	r->mark.oom_kill = past.oom_kill;
	r->mark.kills = r->before.kills + past.kills;
	r->mark.log_lost = r->before.log_lost + r->log_lost;
	r->mark.facts_lost = r->before.facts_lost + oom_rec_facts_lost(r);
	r->mark.seen_us = r->now_us + r->self.wall_minus_mono_us;
}

static void complete(struct oom_rec *r, struct oom_join_out *out)
{
	bool ours = out->decided_us != OOM_NA && out->decided_us >= r->started_us;
	int e = 0;

	if (out->first)
		r->seen++;
	if (out->first && ours)
		r->after_start++;
	if (out->decided_us != OOM_NA)
		r->last_kill_us = out->decided_us + r->self.wall_minus_mono_us;
	/* what /proc and cgroups say now is nothing to an old kill */
	if (out->has_cgroup && ours && r->counters)
		e = oom_counters_attach(r->counters, &out->ev);
	if (out->first && ours && r->flight && e >= 0)
		e = oom_flight_attach(r->flight, out->decided_us, &out->ev);
	if (!ours)
		out->decided_us = OOM_NA;            /* nobody could have stored it in time */
	if (e < 0)
		oom_rec_say(r, 4, "out of memory: an event is stored without what the counters and samples told");
}

void oom_rec_put(struct oom_rec *r)
{
	struct oom_join_out out;
	int n;

	while ((n = oom_join_next(r->join, r->now_us, &out)) > 0) {
		complete(r, &out);
		oom_rec_refresh_mark(r);
		(void)oom_writer_put(r->writer, &out, &r->mark);       /* the writer counts and tells what it drops */
		if (!r->unwritten)
			r->writer_us = r->now_us + SECOND_US;
		r->unwritten = r->changed = true;
	}
	if (n < 0)
		oom_rec_say(r, 3, "out of memory: an event has to wait");
}

void oom_rec_turn(struct oom_rec *r)
{
	r->self.wall_minus_mono_us = oom_rec_wall_minus_mono();
	oom_join_wall(r->join, r->self.wall_minus_mono_us);
	if (oom_rec_drain(r)) {
		r->changed = true;
		if (r->mark_us == OOM_NEVER)
			r->mark_us = r->now_us + REMEMBER_US;
	}
	if (r->counters && oom_join_wants_counter(r->join, r->now_us))
		oom_join_counter(r->join, oom_counters_kills(r->counters), r->now_us);
	oom_rec_put(r);
}

/* ---- what else there is to do ---------------------------------------------------------------------------- */

/* Is a kill known, or about to be, that is not stored yet? */
static bool is_busy(const struct oom_rec *r)
{
	return (r->unwritten && !r->wrote.stalled_us) || oom_join_waiting(r->join) != OOM_NA || !oom_parser_quiet(r->parser) ||
	       oom_join_deadline(r->join) < r->now_us + SOON_US;
}

static void tick(struct oom_rec *r)
{
	if (r->tick_us > r->now_us)
		return;
	if (is_busy(r)) {
		r->tick_us = r->now_us + PUT_OFF_US;
		return;
	}
	(void)oom_flight_tick(r->flight, r->now_us);
	r->tick_us = r->now_us + r->o->flight_us;
	/* a kill that no witness told of shows here at the latest */
	if (r->counters)
		oom_join_counter(r->join, oom_counters_kills(r->counters), r->now_us);
}

static void watchdog(struct oom_rec *r)
{
	if (r->watchdog_us > r->now_us)
		return;
	(void)oom_notify("WATCHDOG=1");
	r->watchdog_us = r->now_us + r->watchdog_every_us;
}

void oom_rec_status(struct oom_rec *r)
{
	if (!r->changed || r->status_us > r->now_us)
		return;
	oom_rec_write_status(r);
	r->changed = false;
	r->status_us = r->now_us + SECOND_US;
}

void oom_rec_remember(struct oom_rec *r)
{
	r->mark_us = OOM_NEVER;
	oom_rec_refresh_mark(r);
	(void)oom_writer_put(r->writer, NULL, &r->mark);
}

static void tell_stall(struct oom_rec *r, bool before)
{
	if (r->wrote.stalled_us && !before)
		oom_rec_say(r, 3, "%s; events are kept in memory", r->wrote.trouble);
	else if (before && !r->wrote.stalled_us)
		oom_rec_say(r, 6, "'%s' answers again", r->o->db);
}

void oom_rec_committed(struct oom_rec *r)
{
	bool stalled = r->wrote.stalled_us > 0;

	oom_writer_state(r->writer, &r->wrote);
	tell_stall(r, stalled);
	r->writer_us = r->now_us + SECOND_US;
	r->unwritten = r->wrote.waiting > 0;
	r->changed = true;
	if (r->o->once && r->after_start >= r->o->once && !r->unwritten)
		r->stop = true;
}

static void signalled(struct oom_rec *r)
{
	struct signalfd_siginfo si;

	while (read(r->signals, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGHUP)
			oom_writer_reopen(r->writer);
		else
			r->stop = true;
	}
}

/* ---- the loop -------------------------------------------------------------------------------------------- */

static int timeout_ms(const struct oom_rec *r)
{
	const int64_t at[] = { oom_join_deadline(r->join), r->clock_us, r->tick_us, r->watchdog_us, r->mark_us,
			       r->changed ? r->status_us : OOM_NEVER, r->unwritten ? r->writer_us : OOM_NEVER };
	int64_t next = OOM_NEVER, us;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(at); i++)
		if (at[i] < next)
			next = at[i];
	if (next == OOM_NEVER)
		return -1;
	us = next - oom_rec_clock();
	return us <= 0 ? 0 : us > 3600 * SECOND_US ? 3600 * 1000 : (int)((us + 999) / 1000);
}

void oom_rec_run(struct oom_rec *r)
{
	struct pollfd fd[3 + OOM_MAX_WITNESSES];

	while (!r->stop) {
		nfds_t n = 0;

		fd[n++] = (struct pollfd){ .fd = r->signals, .events = POLLIN };
		fd[n++] = (struct pollfd){ .fd = oom_writer_fd(r->writer), .events = POLLIN };
		fd[n++] = (struct pollfd){ .fd = r->klog ? oom_klog_fd(r->klog) : -1, .events = POLLIN };
		for (size_t i = 0; i < r->nwitnesses; i++)
			if (r->witness[i].feed)
				fd[n++] = (struct pollfd){ .fd = r->witness[i].ops->fd(r->witness[i].feed), .events = POLLIN };
		if (poll(fd, n, timeout_ms(r)) < 0 && errno != EINTR)
			oom_rec_say(r, 3, "cannot wait: %s", strerror(errno));
		oom_rec_turn(r);
		if (fd[0].revents)
			signalled(r);
		if (fd[1].revents || (r->unwritten && r->writer_us <= r->now_us))
			oom_rec_committed(r);
		/* how far the log was read is stored with events; where none come, now and then */
		if (r->mark_us <= r->now_us)
			oom_rec_remember(r);
		tick(r);
		watchdog(r);
		oom_rec_status(r);
	}
}
