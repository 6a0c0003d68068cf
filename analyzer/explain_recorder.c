/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the recorder saw beside the log: the witnesses, each victim's life, pressure and counters. */
#include <string.h>

#include "explain_impl.h"

#define LIVES_MAX 4           /* victims whose life is told; further ones are counted */

/* ---- times ------------------------------------------------------------------------------------------------ */

const char *oom_say_lapse(struct oom_say *s, int64_t us)
{
	if (us < 10000)
		return oom_say_z(s, "%lld.%02lld ms", (long long)(us / 1000), (long long)(us % 1000 / 10));
	if (us < 1000000)
		return oom_say_z(s, "%lld ms", (long long)((us + 500) / 1000));
	if (us < 100000000)
		return oom_say_z(s, "%lld.%02lld s", (long long)(us / 1000000), (long long)(us % 1000000 / 10000));
	return oom_say_z(s, "%s s", oom_say_num(s, us / 1000000));
}

/* From a to b; OOM_NA where one is not known or the clocks make no sense. */
int64_t oom_say_since(int64_t a, int64_t b)
{
	int64_t us;

	return a == OOM_NA || b == OOM_NA || __builtin_sub_overflow(b, a, &us) || us == OOM_NA ? OOM_NA : us;
}

static const struct { size_t offset; const char *what, *after; } origins[] = {
	{ offsetof(struct oom_life, selected_us), "selected", "after the selection" },
	{ offsetof(struct oom_life, killed_us), "SIGKILL", "after the kill" },
	{ offsetof(struct oom_life, marked_us), "marked as a victim", "after it was marked" },
};

static int64_t time_at(const struct oom_life *l, size_t offset)
{
	int64_t us;

	memcpy(&us, (const char *)l + offset, sizeof(us));
	return us;
}

/* What the times of a life count from: the first of its origins that was seen, or the last one. */
static size_t origin_of(const struct oom_life *l)
{
	size_t i = 0;

	while (i + 1 < OOM_ARRAY_SIZE(origins) && time_at(l, origins[i].offset) == OOM_NA)
		i++;
	return i;
}

int64_t oom_say_began(const struct oom_life *l)
{
	return time_at(l, origins[origin_of(l)].offset);
}

/* " 23 ms after the selection", or nothing. */
static const char *after_selection(struct oom_say *s, const struct oom_life *l, int64_t at)
{
	int64_t us = oom_say_since(oom_say_began(l), at);

	return us == OOM_NA || us < 0 ? "" : oom_say_z(s, " %s %s", oom_say_lapse(s, us), origins[origin_of(l)].after);
}

/* ---- a victim's life -------------------------------------------------------------------------------------- */

static int64_t memory_free(const struct oom_life *l)
{
	return l->freed_by == OOM_FREED_REAPER ? l->reap_end_us :
	       l->freed_by == OOM_FREED_EXIT_MMAP ? l->exit_end_us : OOM_NA;
}

static const char *in_vain(struct oom_say *s, const struct oom_life *l)
{
	return l->reap_skips <= 0 ? "" : oom_say_z(s, " %s of the oom_reaper in vain",
						   oom_say_count(s, l->reap_skips, "attempt", "attempts"));
}

const char *oom_say_freed(struct oom_say *s, const struct oom_life *l)
{
	const char *vain = in_vain(s, l);
	int64_t took = oom_say_since(l->reap_start_us, l->reap_end_us);

	switch ((enum oom_freed_by)l->freed_by) {
	case OOM_FREED_REAPER:
		return oom_say_z(s, "the oom_reaper freed its memory%s%s%s%s", after_selection(s, l, l->reap_end_us),
				 took == OOM_NA || took < 0 ? "" : oom_say_z(s, ", in %s", oom_say_lapse(s, took)),
				 *vain ? "; before that" : "", vain);
	case OOM_FREED_EXIT_MMAP:
		if (*vain)
			return oom_say_z(s, "its own exit freed the memory%s, after%s",
					 after_selection(s, l, l->exit_end_us), vain);
		return oom_say_z(s, "its own exit freed the memory%s%s", after_selection(s, l, l->exit_end_us),
				 l->reap_start_us == OOM_NA ? "; the oom_reaper was not needed" : "");
	case OOM_FREED_NOBODY:
		return oom_say_z(s, "nobody freed its memory while the recorder watched%s%s", *vain ? ":" : "", vain);
	case OOM_FREED_UNSEEN:
		break;
	}
	if (l->freed_us != OOM_NA)
		return oom_say_z(s, "the process was gone%s; %s", after_selection(s, l, l->freed_us),
				 l->reap_start_us == OOM_NA && !*vain ? "the oom_reaper was not seen at work on it" :
				 "whether its exit or the oom_reaper freed the memory was not seen");
	return NULL;
}

static const char *deed(const struct oom_life *l)
{
	if (l->class == OOM_CLASS_ALREADY_EXITING)
		return l->selected_us != OOM_NA ?
			"was dying already when the kernel selected it and gave it the memory reserves" :
			"was dying already and got the memory reserves";
	if (l->class == OOM_CLASS_GROUP_MEMBER)
		return "was killed with the group of the selected process";
	return l->selected_us != OOM_NA ? "was selected and killed" : "was killed";
}

static const struct { size_t offset; const char *what; } steps[] = {
	{ offsetof(struct oom_life, killed_us), "SIGKILL" },
	{ offsetof(struct oom_life, marked_us), "marked as a victim" },
	{ offsetof(struct oom_life, queued_us), "queued for the oom_reaper" },
	{ offsetof(struct oom_life, woken_us), "oom_reaper woken" },
	{ offsetof(struct oom_life, reap_start_us), "reaping began" },
	{ offsetof(struct oom_life, reap_end_us), "reaping done" },
	{ offsetof(struct oom_life, exit_begin_us), "exit began to free" },
	{ offsetof(struct oom_life, exit_end_us), "exit had freed" },
	{ offsetof(struct oom_life, freed_us), "process gone" },
};

/* When a step was, counted from the origin; OOM_NA for the origin itself. */
static int64_t step_at(const struct oom_life *l, size_t i)
{
	size_t from = origin_of(l);

	return steps[i].offset == origins[from].offset ? OOM_NA :
	       oom_say_since(oom_say_began(l), time_at(l, steps[i].offset));
}

/* The steps in the order of their times, which is not that of the table: exit and reaper race. */
static const char *timeline(struct oom_say *s, const struct oom_life *l)
{
	const char *list = "";
	int64_t last = INT64_MIN;

	for (size_t told = 0; told < OOM_ARRAY_SIZE(steps); told++) {
		int64_t best = INT64_MAX;
		size_t n = 0;

		for (size_t i = 0; i < OOM_ARRAY_SIZE(steps); i++)
			if (step_at(l, i) != OOM_NA && step_at(l, i) > last && step_at(l, i) < best)
				best = step_at(l, i);
		if (best == INT64_MAX)
			break;
		for (size_t i = 0; i < OOM_ARRAY_SIZE(steps); i++)
			if (step_at(l, i) == best)
				list = oom_say_join(s, list, n++ ? " and " : ", ", steps[i].what);
		list = oom_say_z(s, "%s %s%s", list, best < 0 ? "-" : "+", oom_say_lapse(s, best < 0 ? -best : best));
		last = best;
	}
	return *list ? oom_say_z(s, "%s, %s", origins[origin_of(l)].what, list) : "";
}

static void say_next_victim(struct oom_say *s, const struct oom_life *l)
{
	int64_t early = oom_say_since(l->next_selected_us, memory_free(l)), late;

	if (l->next_selected_us == OOM_NA)
		return;
	if (early != OOM_NA && early >= 0) {
		oom_say(s, OOM_NODE_TEXT, OOM_TONE_WARN, OOM_NA, NULL,
			"A second victim was selected %s before this memory was free, and may not have been needed.",
			oom_say_lapse(s, early));
		return;
	}
	late = oom_say_since(oom_say_began(l), l->next_selected_us);
	oom_say(s, OOM_NODE_TEXT, OOM_TONE_WARN, OOM_NA, NULL, "A second victim was selected%s, when this memory was "
		"not yet free%s.", late == OOM_NA || late < 0 ? "" : oom_say_z(s, " %s later", oom_say_lapse(s, late)),
		l->reap_skips > 0 ? " and the oom_reaper had not got at it" : "");
}

static void say_life(struct oom_say *s, const struct oom_life *l)
{
	const char *freed = oom_say_freed(s, l), *line = timeline(s, l);

	if (l->pid == OOM_NA && l->tgid == OOM_NA)
		return;               /* counted, never seen */
	oom_say(s, OOM_NODE_TEXT, OOM_TONE_PLAIN, OOM_NA, NULL, "%s %s; %s.",
		oom_say_proc(s, l->comm, l->tgid != OOM_NA ? l->tgid : l->pid), deed(l),
		freed ? freed : "what became of its memory was not seen");
	if (*line)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "timeline", "%s", line);
	if (l->aborted_rounds > 0)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "meanwhile",
			"%s given up, because its memory was not yet free",
			oom_say_count(s, l->aborted_rounds, "further selection was", "further selections were"));
	say_next_victim(s, l);
}

/* Those that are not told one by one, by who freed their memory. */
static void say_other_lives(struct oom_say *s)
{
	static const char *const by[] = {
		[OOM_FREED_UNSEEN] = "not seen", [OOM_FREED_REAPER] = "by the oom_reaper",
		[OOM_FREED_EXIT_MMAP] = "by their own exit", [OOM_FREED_NOBODY] = "by nobody so far",
	};
	int64_t n[OOM_ARRAY_SIZE(by)] = { 0 };
	const char *list = "";

	for (size_t i = LIVES_MAX; i < s->ev->nlives; i++) {
		int64_t who = s->ev->life[i].freed_by;

		n[who >= 0 && who < (int64_t)OOM_ARRAY_SIZE(by) ? who : OOM_FREED_UNSEEN]++;
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(by); i++)
		if (n[i])
			list = oom_say_join(s, list, ", ", oom_say_z(s, "%s %s", oom_say_num(s, n[i]), by[i]));
	if (*list)
		oom_say(s, OOM_NODE_TEXT, OOM_TONE_DIM, OOM_NA, NULL, "... and %s; memory freed: %s",
			oom_say_count(s, (int64_t)(s->ev->nlives - LIVES_MAX), "more process", "more processes"), list);
}

const struct oom_life *oom_say_life_of(const struct oom_event *ev, int64_t pid)
{
	for (size_t i = 0; i < ev->nlives; i++)
		if (pid != OOM_NA && (ev->life[i].tgid == pid || ev->life[i].pid == pid))
			return &ev->life[i];
	return NULL;
}

/* ---- the witnesses ---------------------------------------------------------------------------------------- */

static const struct { const char *feed, *words; } witnesses[] = {
	{ "log",    "the kernel log" },
	{ "ballot", "the kernel's ballot (BPF)" },
	{ "walk",   "a walk over all processes at the kill (BPF)" },
	{ "trace",  "the oom tracepoints" },
	{ "counter", "the kernel's counter of kills" },
};

static const char *feed_words(struct oom_say *s, struct oom_str feed)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(witnesses); i++)
		if (oom_str_is(feed, witnesses[i].feed))
			return witnesses[i].words;
	return oom_say_name(s, feed);
}

static void say_witnesses(struct oom_say *s)
{
	struct oom_str rest = s->ev->feeds, one;
	const char *list = "";

	while (rest.n) {
		if (!oom_take_until(&rest, ' ', &one)) {
			one = rest;
			rest.n = 0;
		} else {
			(void)oom_take_char(&rest, ' ');
		}
		if (one.n)
			list = oom_say_join(s, list, ", ", feed_words(s, one));
	}
	if (*list)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "witnesses", "%s", list);
}

static const struct { enum oom_tone tone; const char *words; } classes[] = {
	[OOM_CLASS_LOGGED] = { OOM_TONE_PLAIN, "has the dump and the kill" },
	[OOM_CLASS_RATE_LIMITED] = { OOM_TONE_WARN, "has the kill line alone: its rate limit suppressed the dump" },
	[OOM_CLASS_ALREADY_EXITING] = { OOM_TONE_PLAIN,
		"has nothing of it: of a process that is dying already the kernel prints no line, nor does it count "
		"it" },
	[OOM_CLASS_GROUP_MEMBER] = { OOM_TONE_PLAIN,
		"names the process that was chosen; this one died with its group" },
	[OOM_CLASS_LOG_LOST] = { OOM_TONE_WARN, "gave no line of it: overwritten, dropped, or not read at all" },
};

static void say_class(struct oom_say *s)
{
	int64_t class = s->ev->nlives ? s->ev->life[0].class : OOM_NA;

	if (class >= 0 && class < (int64_t)OOM_ARRAY_SIZE(classes))
		oom_say(s, OOM_NODE_FACT, classes[class].tone, OOM_NA, "kernel log", "%s", classes[class].words);
}

/* How the formula stands against the kernel's own points; by how much it differs, the reason has said. */
static const char *checked(struct oom_say *s)
{
	const struct oom_ballot_check *k = &s->r->ballot;
	const char *why = "";

	if (!k->compared)
		return "";
	if (!k->differ && k->compared == 1)
		return "; the formula agrees";
	if (!k->differ)
		return k->compared == k->points ? "; the formula agrees for all" :
						  "; the formula agrees for all whose terms are known";
	if (s->r->profile->flags & OOM_PROFILE_EXACT_SUMS && !s->ev->has_table)
		why = ": this kernel sums its per-CPU counters for the choice, the feed reads them unsummed";
	return oom_say_z(s, "; the formula gives other points for %s%s", oom_say_num(s, (int64_t)k->differ), why);
}

static void say_ballot(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const struct oom_ballot_check *k = &s->r->ballot;
	bool beyond = k->differ && k->off > s->r->drift_bound;

	if (ev->ballot == OOM_BALLOT_RECORDED && k->points)
		oom_say(s, OOM_NODE_FACT, beyond ? OOM_TONE_BAD : OOM_TONE_PLAIN, OOM_NA, "ballot",
			"recorded as the kernel voted: its own points of %s%s",
			oom_say_count(s, (int64_t)k->points, "candidate", "candidates"), checked(s));
	else if (ev->ballot == OOM_BALLOT_RECORDED)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "ballot", "recorded: whom the kernel looked at, "
			"without points");
	else if (ev->ballot == OOM_BALLOT_RECONSTRUCTED && ev->has_table)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "ballot",
			"reconstructed: the log's own table, with the marks of its processes as they stood at the "
			"kill");
	else if (ev->ballot == OOM_BALLOT_RECONSTRUCTED)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "ballot",
			"reconstructed: the processes as they stood at the kill, without the kernel's points; replayed "
			"like a table of the log");
	else if (ev->origin == OOM_ORIGIN_RECORD)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "ballot", "none: no feed saw the candidates");
	if (ev->ballot_lost > 0)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_WARN, OOM_NA, "lost", "%s of the ballot",
			oom_say_count(s, ev->ballot_lost, "candidate", "candidates"));
}

/* ---- counters and pressure -------------------------------------------------------------------------------- */

/* As it stood at the kill; else as the last sample before it had it. */
static const struct oom_memory *psi(const struct oom_event *ev, const char *resource, const char *name)
{
	const struct oom_memory *sampled = NULL;

	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];
		struct oom_str key = m->name;

		if (m->area != OOM_AREA_PSI || !oom_str_is(m->zone, resource) || m->value < 0)
			continue;
		if (oom_str_is(key, name))
			return m;
		if (oom_take_lit(&key, "sampled_") && oom_str_is(key, name))
			sampled = m;
	}
	return sampled;
}

/* "for memory 43.2 % (all tasks at once 12.0 %)"; nothing where nobody waited. */
static const char *waited(struct oom_say *s, const char *resource)
{
	const struct oom_memory *some = psi(s->ev, resource, "some_avg10"), *full = psi(s->ev, resource, "full_avg10");
	const char *list;

	if (!some || some->value < 10)
		return "";
	list = oom_say_z(s, "for %s %lld.%lld %%", resource, (long long)(some->value / 100),
			 (long long)(some->value % 100 / 10));
	/* of the whole machine, all tasks never wait for the CPU at once */
	if (!full || full->value < 10 || !strcmp(resource, "cpu"))
		return list;
	return oom_say_z(s, "%s (all at once %lld.%lld %%)", list, (long long)(full->value / 100),
			 (long long)(full->value % 100 / 10));
}

static void say_pressure(struct oom_say *s)
{
	static const char *const resources[] = { "memory", "io", "cpu" };
	const char *list = "";
	bool any = false;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(resources); i++) {
		any |= psi(s->ev, resources[i], "some_avg10") != NULL;
		list = oom_say_join(s, list, ", ", waited(s, resources[i]));
	}
	if (*list)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "pressure",
			"of the last 10 s some tasks of the machine waited %s", list);
	else if (any)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "pressure",
			"no task of the machine waited in the last 10 s");
}

#define COUNTERS_MAX 12
static void say_counters(struct oom_say *s)
{
	const char *list = "";
	struct oom_str zone = OOM_STR_NULL;
	size_t n = 0;

	for (size_t i = 0; i < s->ev->nmemory && n < COUNTERS_MAX; i++) {
		const struct oom_memory *m = &s->ev->memory[i];

		/* 0 says nothing; of a cgroup with groups below, the sum is enough */
		if (m->area != OOM_AREA_COUNTER || m->value <= 0 || oom_str_starts(m->zone, "memory.events.local "))
			continue;
		if (!n++ || !oom_str_eq(zone, m->zone))
			list = oom_say_z(s, "%s%s%s: ", list, *list ? "; " : "", oom_say_safe(s, m->zone));
		else
			list = oom_say_z(s, "%s, ", list);
		zone = m->zone;
		list = oom_say_z(s, "%s%s %s", list, oom_say_safe(s, m->name), oom_say_num(s, m->value));
	}
	if (*list)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "counters", "%s", list);
}

void oom_say_recorder(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;

	if (!oom_event_recorded(ev))
		return;
	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "What the recorder saw");
	for (size_t i = 0; i < ev->nlives && i < LIVES_MAX; i++)
		say_life(s, &ev->life[i]);
	say_other_lives(s);
	say_witnesses(s);
	say_class(s);
	say_ballot(s);
	say_pressure(s);
	say_counters(s);
	if (ev->nflights)
		oom_say_flight(s);
}
