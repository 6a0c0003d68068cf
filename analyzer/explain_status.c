/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the recorder says of itself, as a page. */
#include <errno.h>

#include "explain_impl.h"

#define SECOND INT64_C(1000000)

static const char *duration(struct oom_say *s, int64_t from_us, int64_t to_us)
{
	static const struct { int64_t s; const char *one, *many; } unit[] = {
		{ 86400, "day", "days" }, { 3600, "hour", "hours" }, { 60, "minute", "minutes" }, { 1, "second", "seconds" },
	};
	int64_t t;
	size_t i = 0;

	if (from_us < 0 || to_us < from_us)      /* not told, or the clock was set */
		return "an unknown time";
	t = (to_us - from_us) / SECOND;
	while (i + 1 < OOM_ARRAY_SIZE(unit) && t < 2 * unit[i].s)
		i++;
	return oom_say_count(s, t / unit[i].s, unit[i].one, unit[i].many);
}

static const char *latency(struct oom_say *s, int64_t us)
{
	return us < 10000 ? oom_say_z(s, "%lld.%lld ms", (long long)(us / 1000), (long long)(us / 100 % 10)) :
			    oom_say_z(s, "%s ms", oom_say_num(s, us / 1000));
}

static void fact(struct oom_say *s, enum oom_tone tone, const char *key, const char *text)
{
	oom_say(s, OOM_NODE_FACT, tone, OOM_NA, key, "%s", text);
}

static void say_head(struct oom_say *s, const struct oom_recorder_state *st, int64_t now_us)
{
	const char *on = st->host.p ? oom_say_z(s, " on %s", oom_say_name(s, st->host)) : "";

	if (st->running)
		oom_say(s, OOM_NODE_TITLE, OOM_TONE_GOOD, OOM_NA, NULL, "The recorder runs%s (pid %lld), for %s", on,
			(long long)st->pid, duration(s, st->started_us, now_us));
	else
		oom_say(s, OOM_NODE_TITLE, OOM_TONE_BAD, OOM_NA, NULL, "No recorder runs%s; what one last said, %s ago", on,
			duration(s, st->written_us, now_us));
	fact(s, OOM_TONE_PLAIN, "store", oom_say_safe(s, st->db));
	if (st->trouble.p)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_BAD, OOM_NA, "trouble", "%s", oom_say_safe(s, st->trouble));
}

static void say_feeds(struct oom_say *s, const struct oom_recorder_state *st)
{
	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Witnesses");
	for (size_t i = 0; i < st->nfeeds; i++) {
		const struct oom_recorder_feed *f = &st->feed[i];
		const char *t = oom_say_safe(s, f->help);

		if (f->open != 1) {
			oom_say(s, OOM_NODE_FACT, OOM_TONE_WARN, OOM_NA, oom_say_safe(s, f->name), "does not run: %s",
				f->why.p ? oom_say_safe(s, f->why) : "no reason is known");
			continue;
		}
		if (f->facts != OOM_NA)
			t = oom_say_z(s, "%s; %s", t, oom_say_count(s, f->facts, "fact", "facts"));
		if (f->lost != OOM_NA && f->lost)
			t = oom_say_z(s, "%s, %s lost", t, oom_say_num(s, f->lost));
		if (f->why.p)
			t = oom_say_z(s, "%s; %s", t, oom_say_safe(s, f->why));
		fact(s, f->lost > 0 ? OOM_TONE_WARN : OOM_TONE_PLAIN, oom_say_safe(s, f->name), t);
	}
	if (st->flight_us > 0)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "flight", "the largest tasks, every %s",
			duration(s, 0, st->flight_us));
	else
		fact(s, OOM_TONE_PLAIN, "flight", "off");
}

static void say_kills(struct oom_say *s, const struct oom_recorder_state *st, int64_t now_us)
{
	const struct { int64_t n; const char *what; } classes[] = {
		{ st->logged, "with their report in the log" },
		{ st->rate_limited, "whose report the log suppressed" },
		{ st->already_exiting, "of tasks that were dying already: not logged, not counted" },
		{ st->group_member, "with the chosen one of their group" },
		{ st->log_lost, "whose lines are not in the log" },
	};

	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Kills since the start");
	oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "decisions", "%s%s%s%s", oom_say_num(s, st->seen),
		st->last_kill_us != OOM_NA ? "; the last kill " : "",
		st->last_kill_us != OOM_NA ? duration(s, st->last_kill_us, now_us) : "",
		st->last_kill_us != OOM_NA ? " ago" : "");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(classes); i++)
		if (classes[i].n > 0)
			oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, oom_say_num(s, classes[i].n), "%s", classes[i].what);
	if (st->kernel_kills != OOM_NA)
		oom_say(s, OOM_NODE_FACT, st->kernel_kills > st->kills_counted ? OOM_TONE_WARN : OOM_TONE_PLAIN, OOM_NA,
			"counter", "the kernel counts %s, %s accounted for", oom_say_count(s, st->kernel_kills, "kill", "kills"),
			st->kills_counted == st->kernel_kills ? "all" : oom_say_num(s, st->kills_counted));
	if (st->records_lost > 0)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_WARN, OOM_NA, "log", "%s overwritten before anybody could read them",
			oom_say_count(s, st->records_lost, "record was", "records were"));
}

static void say_store(struct oom_say *s, const struct oom_recorder_state *st)
{
	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Events");
	oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "stored", "%s; later knowledge added %s", oom_say_num(s, st->stored),
		oom_say_count(s, st->merged, "time", "times"));
	if (st->waiting > 0)
		fact(s, OOM_TONE_WARN, "waiting", oom_say_num(s, st->waiting));
	if (st->spooled > 0)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_WARN, OOM_NA, "spooled", "%s, in %s", oom_say_num(s, st->spooled),
			oom_say_safe(s, st->spool));
	oom_say(s, OOM_NODE_FACT, st->dropped > 0 ? OOM_TONE_BAD : OOM_TONE_PLAIN, OOM_NA, "lost", "%s",
		st->dropped > 0 ? oom_say_num(s, st->dropped) : "none");
	if (st->facts_dropped > 0)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_WARN, OOM_NA, "trace", "%s not stored",
			oom_say_count(s, st->facts_dropped, "fact was", "facts were"));
	if (st->latency_us > 0)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "latency", "%s from kill to commit at the median, %s at worst",
			latency(s, st->latency_us), latency(s, st->latency_max_us));
}

int oom_explain_recorder(const struct oom_recorder_state *st, int64_t now_us, struct oom_doc *ret)
{
	struct oom_say s = { .doc = ret };

	memset(ret, 0, sizeof(*ret));
	say_head(&s, st, now_us);
	say_feeds(&s, st);
	say_kills(&s, st, now_us);
	say_store(&s, st);
	if (!s.nomem)
		return 0;
	oom_doc_release(ret);
	return -ENOMEM;
}
