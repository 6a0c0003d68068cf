/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the flight recorder had before the kill: who was large, who grew, and by which command line. */
#include <string.h>

#include "explain_impl.h"

#define COMMAND_MAX 160       /* bytes of a command line, or little more */
#define LARGEST 5
#define GROWN   3

static int64_t size_pages(const struct oom_event *ev, const struct oom_flight *f)
{
	int64_t pages = f->rss_pages == OOM_NA ? 0 : f->rss_pages;

	if (f->swap_pages != OOM_NA && __builtin_add_overflow(pages, f->swap_pages, &pages))
		return INT64_MAX;
	if (f->pgtables_bytes != OOM_NA && ev->page_size > 0 &&
	    __builtin_add_overflow(pages, f->pgtables_bytes / ev->page_size, &pages))
		return INT64_MAX;
	return pages;
}

/* Pages a minute; OOM_NA where the ring was too young to tell. */
static int64_t growth(const struct oom_flight *f)
{
	int64_t pages;

	if (f->growth_pages == OOM_NA || f->growth_us == OOM_NA || f->growth_us <= 0 ||
	    __builtin_mul_overflow(f->growth_pages, 60000000, &pages))
		return OOM_NA;
	return pages / f->growth_us;
}

struct picks { size_t at[LARGEST + GROWN], n; };

static bool is_picked(const struct picks *p, size_t i)
{
	for (size_t k = 0; k < p->n; k++)
		if (p->at[k] == i)
			return true;
	return false;
}

/* In the cgroup that hit its limit, as far as is known: whoever is outside of it is a bystander. */
static bool is_inside(const struct oom_event *ev, const struct oom_flight *f)
{
	struct oom_str top = ev->oom_memcg;

	if (ev->scope != OOM_SCOPE_MEMCG || !top.p || oom_str_is(top, "/") || !f->cgroup.p)
		return true;
	return f->cgroup.n >= top.n && !memcmp(f->cgroup.p, top.p, top.n) &&
	       (f->cgroup.n == top.n || f->cgroup.p[top.n] == '/');
}

static void pick(const struct oom_event *ev, struct picks *p, size_t n, bool by_growth)
{
	for (; n; n--) {
		size_t best = SIZE_MAX;
		int64_t most = 0;

		for (size_t i = 0; i < ev->nflights; i++) {
			int64_t v = by_growth ? growth(&ev->flight[i]) : size_pages(ev, &ev->flight[i]);

			if (v != OOM_NA && v > most && is_inside(ev, &ev->flight[i]) && !is_picked(p, i)) {
				most = v;
				best = i;
			}
		}
		if (best == SIZE_MAX)
			return;
		p->at[p->n++] = best;
	}
}

/* What does not fit is left out, never half a character. */
static const char *command(struct oom_say *s, const struct oom_flight *f)
{
	size_t n = f->cmdline.n, cols;

	if (!f->cmdline.p || !n)
		return oom_say_name(s, f->comm);
	if (n <= COMMAND_MAX)
		return oom_say_safe(s, f->cmdline);
	for (n = 0; n < COMMAND_MAX;)
		n += oom_str_glyph(oom_str_sub(f->cmdline, n, f->cmdline.n), &cols);
	return oom_say_z(s, "%s...", oom_say_safe(s, oom_str_sub(f->cmdline, 0, n)));
}

static const char *growth_cell(struct oom_say *s, const struct oom_flight *f)
{
	int64_t pages = growth(f);

	if (pages == OOM_NA)
		return "-";
	return oom_say_z(s, "%s%s", pages > 0 ? "+" : "", oom_say_size(s, pages));
}

/* /proc tells the start of a process in ticks, the feeds in nanoseconds. */
#define TICK_US 10000

/* A pid may have a new owner since the sample. */
static bool is_of(const struct oom_flight *f, const struct oom_life *l)
{
	int64_t apart = l ? oom_say_since(f->start_us, l->start_us) : OOM_NA;

	return apart == OOM_NA || (apart > -TICK_US && apart < TICK_US);
}

const char *oom_say_command_of(struct oom_say *s, int64_t pid)
{
	const struct oom_life *l = oom_say_life_of(s->ev, pid);

	for (size_t i = 0; i < s->ev->nflights; i++)
		if (s->ev->flight[i].pid == pid && s->ev->flight[i].cmdline.n && is_of(&s->ev->flight[i], l))
			return command(s, &s->ev->flight[i]);
	return NULL;
}

static void say_flight_row(struct oom_say *s, const struct oom_flight *f, bool swap)
{
	const struct oom_life *l = oom_say_life_of(s->ev, f->pid);
	bool dead = (l || oom_event_victim(s->ev, f->pid)) && is_of(f, l);

	oom_say(s, OOM_NODE_ROW, dead ? OOM_TONE_STRONG : OOM_TONE_PLAIN, OOM_NA, NULL, "%s\t%s\t%s%s%s\t%s\t%s\t%s",
		f->pid == OOM_NA ? "-" : oom_say_z(s, "%lld", (long long)f->pid), oom_say_name(s, f->comm),
		f->rss_pages == OOM_NA ? "-" : oom_say_size(s, f->rss_pages), swap ? "\t" : "",
		!swap ? "" : f->swap_pages == OOM_NA ? "-" : oom_say_size(s, f->swap_pages), growth_cell(s, f),
		dead ? "victim" : "", command(s, f));
}

/* "2.3 s before the selection" */
static const char *sampled(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	int64_t us = ev->nlives ? oom_say_since(ev->flight[0].sampled_us, oom_say_began(&ev->life[0])) : OOM_NA;

	return us == OOM_NA || us < 0 ? "" : oom_say_z(s, ", %s before the kill,", oom_say_lapse(s, us));
}

/* The fastest, in the numbers that were measured: a minute is a projection. */
static void say_fastest(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const struct oom_flight *f;
	struct picks p = { .n = 0 };

	pick(ev, &p, 1, true);
	if (!p.n)
		return;
	f = &ev->flight[p.at[0]];
	oom_say(s, OOM_NODE_TEXT, OOM_TONE_PLAIN, OOM_NA, NULL, "%s grew fastest: by %s in %s.",
		oom_say_proc(s, f->comm, f->pid), oom_say_size(s, f->growth_pages), oom_say_lapse(s, f->growth_us));
}

static const char *where(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	int64_t n = 0;

	for (size_t i = 0; i < ev->nflights; i++)
		n += is_inside(ev, &ev->flight[i]);
	if (n == (int64_t)ev->nflights)
		return "";
	return oom_say_z(s, ", %s of them in %s", n ? oom_say_num(s, n) : "none", oom_say_name(s, ev->oom_memcg));
}

void oom_say_flight(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	struct picks p = { .n = 0 };
	bool swap = false;

	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Before the kill: who was large, who grew");
	oom_say(s, OOM_NODE_TEXT, OOM_TONE_PLAIN, OOM_NA, NULL,
		"The flight recorder's last sample%s kept the %s largest processes%s.", sampled(s),
		oom_say_num(s, (int64_t)ev->nflights), where(s));
	say_fastest(s);
	pick(ev, &p, LARGEST, false);
	pick(ev, &p, GROWN, true);
	for (size_t k = 0; k < p.n; k++)
		swap |= ev->flight[p.at[k]].swap_pages > 0;
	if (p.n)
		oom_say(s, OOM_NODE_TABLE, OOM_TONE_PLAIN, OOM_NA, NULL,
			">pid\tprocess\t>in RAM%s\t>growth/min\t\tcommand", swap ? "\t>swapped" : "");
	for (size_t k = 0; k < p.n; k++)
		say_flight_row(s, &ev->flight[p.at[k]], swap);
}
