/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel log as a witness: lines into the parser, and what it decided into the join. */
#include "recorder_loop.h"

#include <errno.h>

#define BATCH   256             /* records between two looks at the feeds */
#define EVERY_US INT64_C(1000000)

void oom_rec_open_log(struct oom_rec *r)
{
	if (!oom_rec_wants(r, "log")) {
		(void)oom_err_set(&r->log_err, ECANCELED, "switched off");
		return;
	}
	if (oom_klog_open(r->next_line, &r->klog, &r->log_err) < 0) {
		r->klog = NULL;
		oom_rec_say(r, 4, "log: %s", r->log_err.text);
	}
}

static void to_join(struct oom_rec *r, struct oom_event *ev, bool final)
{
	int e = oom_join_log(r->join, ev, final, r->now_us);

	if (e == -ENOBUFS) {
		r->in_hand = ev->first_line;
		oom_rec_put(r);
		r->in_hand = OOM_NA;
		e = oom_join_log(r->join, ev, final, r->now_us);
		if (e == -ENOBUFS)
			oom_event_release(ev);
	}
	oom_rec_lost(r, e);
}

void oom_rec_log_take(struct oom_rec *r)
{
	struct oom_event ev;
	int n;

	while ((n = oom_parser_take(r->parser, &ev)) > 0)
		to_join(r, &ev, true);
	oom_rec_lost(r, n);
}

bool oom_rec_log_drain(struct oom_rec *r)
{
	struct oom_line line;
	struct oom_err err = { 0 };
	int n = 0, i;

	for (i = 0; r->klog && i < BATCH && (n = oom_klog_next(r->klog, &line, &err)) > 0; i++) {
		r->next_line = line.lineno + 1;
		r->log_lost += line.lost;
		oom_rec_lost(r, oom_parser_feed(r->parser, &line));
	}
	oom_rec_log_take(r);
	if (n < 0) {
		r->log_err = err;
		oom_rec_say(r, 3, "log: %s", err.text);
		oom_klog_close(r->klog);
		r->klog = NULL;
		oom_rec_tell_join(r);
		r->changed = true;
	}
	return i > 0;
}

void oom_rec_log_settle(struct oom_rec *r, bool all_read)
{
	struct oom_event ev;
	int n;

	while ((n = oom_parser_peek(r->parser, &ev)) > 0)
		to_join(r, &ev, false);
	oom_rec_lost(r, n);
	if (r->clock_us <= r->now_us) {
		oom_rec_lost(r, oom_parser_clock(r->parser, r->now_us));
		oom_rec_log_take(r);
	}
	if (oom_parser_waiting(r->parser) == OOM_NA)
		r->clock_us = OOM_NEVER;
	else if (r->clock_us <= r->now_us || r->clock_us == OOM_NEVER)
		r->clock_us = r->now_us + EVERY_US;
	if (all_read)
		oom_join_log_read(r->join, !oom_parser_quiet(r->parser), r->now_us);
}
