/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the recorder says of itself while it runs. */
#include "recorder_loop.h"

#include <unistd.h>

static void add_witnesses(const struct oom_rec *r, struct oom_recorder_feed *feed, size_t *n)
{
	for (size_t i = 0; i < r->nwitnesses; i++) {
		const struct oom_witness *w = &r->witness[i];
		const char *limits = w->feed ? w->ops->limits(w->feed) : w->err.text;

		feed[(*n)++] = (struct oom_recorder_feed){
			.name = oom_str_from(w->ops->name), .help = oom_str_from(w->ops->help), .why = oom_str_from(limits),
			.open = w->feed != NULL, .facts = w->facts, .lost = (int64_t)w->lost,
		};
	}
	feed[(*n)++] = (struct oom_recorder_feed){
		.name = OOM_STR("log"), .help = OOM_STR("the kernel log: reports and kills as printed"),
		.why = r->klog ? OOM_STR_NULL : oom_str_from(r->log_err.text),
		.open = r->klog != NULL, .facts = OOM_NA, .lost = r->log_lost,
	};
}

static void add_kills(struct oom_rec *r, struct oom_recorder_state *st)
{
	struct oom_join_tally t;
	int64_t now = r->counters ? oom_counters_kills(r->counters) : OOM_NA;

	oom_join_tally(r->join, &t);
	st->logged = t.by_class[OOM_CLASS_LOGGED];
	st->rate_limited = t.by_class[OOM_CLASS_RATE_LIMITED];
	st->already_exiting = t.by_class[OOM_CLASS_ALREADY_EXITING];
	st->group_member = t.by_class[OOM_CLASS_GROUP_MEMBER];
	st->log_lost = t.by_class[OOM_CLASS_LOG_LOST];
	st->kills_counted = t.counted;
	st->kernel_kills = now == OOM_NA || r->first_kills == OOM_NA ? OOM_NA : now - r->first_kills;
}

void oom_rec_write_status(struct oom_rec *r)
{
	struct oom_recorder_feed feed[OOM_MAX_WITNESSES + 1];
	struct oom_recorder_state st = {
		.feed = feed, .version = OOM_STR(OOMLENS_VERSION), .db = oom_str_from(r->o->db),
		.spool = oom_str_from(r->spool), .host = r->self.host, .kernel = r->self.kernel, .boot_id = r->self.boot_id,
		.trouble = r->wrote.trouble[0] ? oom_str_from(r->wrote.trouble) : OOM_STR_NULL,
		.pid = getpid(), .started_us = r->started_us + r->self.wall_minus_mono_us, .last_kill_us = r->last_kill_us,
		.flight_us = r->flight ? r->o->flight_us : 0, .seen = r->seen,
		.stored = r->wrote.stored, .merged = r->wrote.merged, .waiting = r->wrote.waiting,
		.spooled = r->wrote.spooled, .dropped = r->wrote.dropped, .facts_dropped = r->wrote.facts_dropped,
		.records_lost = r->log_lost, .latency_us = r->wrote.latency_us[0], .latency_max_us = r->wrote.latency_us[1],
	};

	add_witnesses(r, feed, &st.nfeeds);
	add_kills(r, &st);
	(void)oom_status_write(r->status, &st);
}
