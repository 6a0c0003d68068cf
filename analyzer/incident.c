/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The timeline: an event's own moments, what other programs told of it, and the other events of the same storm. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <oomlens/replay.h>

#include "collateral.h"

static struct oom_moment *add(struct oom_incident *in, enum oom_moment_kind kind)
{
	struct oom_moment *grown = oom_arena_grow(&in->arena, in->moment, in->nmoments, &in->cap, sizeof(*grown));
	struct oom_moment *m;

	if (!grown)
		return NULL;
	in->moment = grown;
	m = &in->moment[in->nmoments++];
	*m = (struct oom_moment){ .kind = kind, .boot_us = OOM_NA, .wall_us = OOM_NA, .line = OOM_NA, .event = OOM_NA,
				  .pid = OOM_NA, .count = OOM_NA };
	return m;
}

/* Who: "hog (pid 12)"; its name may be anything. */
static struct oom_str who(struct oom_arena *a, struct oom_str comm, int64_t pid)
{
	if (!comm.p)
		return pid == OOM_NA ? OOM_STR("a process") : oom_arena_fmt(a, "pid %lld", (long long)pid);
	if (pid == OOM_NA)
		return comm;
	return oom_arena_fmt(a, "%.*s (pid %lld)", (int)comm.n, comm.p, (long long)pid);
}

#define W(s) (int)(s).n, (s).p ? (s).p : ""

/* ---- the event itself ------------------------------------------------------------------------------------ */

static int add_trigger(struct oom_incident *in, const struct oom_event *ev)
{
	struct oom_moment *m;
	struct oom_str name;

	if (!ev->trigger_comm.p && ev->trigger_pid == OOM_NA && ev->sysrq != 1)
		return 0;
	m = add(in, OOM_MOMENT_TRIGGER);
	if (!m)
		return -ENOMEM;
	m->boot_us = ev->boot_us;
	m->wall_us = ev->wall_us;
	m->stamp = ev->stamp;
	m->line = ev->at[OOM_AT_INVOKED];
	m->pid = ev->trigger_pid;
	m->comm = ev->trigger_comm;
	name = who(&in->arena, ev->trigger_comm, ev->trigger_pid);
	m->text = ev->sysrq == 1 ? OOM_STR("somebody asked for an OOM kill (sysrq-f)")
				 : oom_arena_fmt(&in->arena, "%.*s asked for memory and there was none", W(name));
	return m->text.p ? 0 : -ENOMEM;
}

static int add_choice(struct oom_incident *in, const struct oom_event *ev)
{
	struct oom_moment *m;
	struct oom_str name;

	if (ev->chosen_pid == OOM_NA)
		return 0;
	m = add(in, OOM_MOMENT_CHOICE);
	if (!m)
		return -ENOMEM;
	m->line = ev->at[OOM_AT_SUMMARY] != OOM_NA ? ev->at[OOM_AT_SUMMARY] : ev->at[OOM_AT_SCORE];
	m->pid = ev->chosen_pid;
	m->comm = ev->chosen_comm;
	m->where = ev->task_memcg;
	for (size_t i = 0; i < ev->nlives; i++)
		if (ev->life[i].tgid == ev->chosen_pid)
			m->boot_us = ev->life[i].selected_us;
	name = who(&in->arena, ev->chosen_comm, ev->chosen_pid);
	m->text = oom_arena_fmt(&in->arena, "the kernel chose %.*s", W(name));
	return m->text.p ? 0 : -ENOMEM;
}

static const char *const roles[] = {
	[OOM_ROLE_CHOSEN] = "", [OOM_ROLE_GROUP] = ", with its group (memory.oom.group)",
	[OOM_ROLE_CHILD] = ", a child of the chosen one", [OOM_ROLE_SHARED_MM] = ", which shares the memory of the chosen one",
};

static int add_kill(struct oom_incident *in, const struct oom_event *ev, const struct oom_victim *v)
{
	struct oom_moment *m = add(in, OOM_MOMENT_KILL);
	struct oom_str name = who(&in->arena, v->comm, v->pid);

	(void)ev;
	if (!m)
		return -ENOMEM;
	m->boot_us = v->killed_us;
	m->line = v->line;
	m->pid = v->pid;
	m->comm = v->comm;
	m->text = oom_arena_fmt(&in->arena, "%.*s was killed%s", W(name),
				v->role >= 0 && v->role < (int64_t)OOM_ARRAY_SIZE(roles) ? roles[v->role] : "");
	return m->text.p ? 0 : -ENOMEM;
}

static const char *const reaps[] = {
	[OOM_REAP_REAPED] = "the oom_reaper freed the memory of %.*s",
	[OOM_REAP_UNABLE] = "the oom_reaper gave up on %.*s: it was stuck",
	[OOM_REAP_SKIPPED] = "the oom_reaper passed over %.*s: its memory was going away",
	[OOM_REAP_EXITED_FIRST] = "%.*s was already exiting",
	[OOM_REAP_PINNED] = "the memory of %.*s is shared with a process that must not die",
};

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
static int add_reap(struct oom_incident *in, const struct oom_victim *v)
{
	struct oom_moment *m;
	struct oom_str name;

	if (v->reap <= OOM_REAP_UNSEEN || v->reap >= (int64_t)OOM_ARRAY_SIZE(reaps) || v->reap_line == OOM_NA)
		return 0;
	m = add(in, OOM_MOMENT_REAP);
	name = who(&in->arena, v->comm, v->pid);
	if (!m)
		return -ENOMEM;
	m->boot_us = v->reap_us;
	m->line = v->reap_line;
	m->pid = v->pid;
	m->comm = v->comm;
	m->text = oom_arena_fmt(&in->arena, reaps[v->reap], W(name));
	return m->text.p ? 0 : -ENOMEM;
}

/* What only a recorder sees: when the memory was back, by whomever, and when the process was gone. */
static int add_life(struct oom_incident *in, const struct oom_life *l)
{
	const struct { int64_t us; const char *words; } seen[] = {
		{ l->freed_by == OOM_FREED_REAPER ? l->reap_end_us : l->exit_end_us, "the memory of %.*s was free again" },
		{ l->freed_us, "%.*s was gone" },
	};
	struct oom_str name = who(&in->arena, l->comm, l->pid);

	for (size_t i = 0; i < OOM_ARRAY_SIZE(seen); i++) {
		struct oom_moment *m = seen[i].us == OOM_NA ? NULL : add(in, OOM_MOMENT_REAP);

		if (seen[i].us == OOM_NA)
			continue;
		if (!m)
			return -ENOMEM;
		m->boot_us = seen[i].us;
		m->pid = l->pid;
		m->comm = l->comm;
		m->text = oom_arena_fmt(&in->arena, seen[i].words, W(name));
		if (!m->text.p)
			return -ENOMEM;
	}
	return 0;
}
#pragma GCC diagnostic pop

static int add_end(struct oom_incident *in, const struct oom_event *ev)
{
	const char *words = ev->outcome == OOM_OUTCOME_PANIC ? "the kernel panicked" :
			    ev->outcome == OOM_OUTCOME_NO_KILLABLE ? "nobody was left that may be killed" :
			    ev->outcome == OOM_OUTCOME_WILL_FREE ? "a dying task was given the reserves" : NULL;
	struct oom_moment *m = words ? add(in, OOM_MOMENT_END) : NULL;

	if (!m)
		return words ? -ENOMEM : 0;
	m->line = ev->at[OOM_AT_OUTCOME];
	m->text = oom_str_from(words);
	return 0;
}

#define KILLS_MAX 200         /* of one event on a timeline */

static int add_own(struct oom_incident *in, const struct oom_event *ev)
{
	int r = add_trigger(in, ev);

	if (r == 0)
		r = add_choice(in, ev);
	for (size_t i = 0; i < ev->nvictims && i < KILLS_MAX && r == 0; i++) {
		r = add_kill(in, ev, &ev->victim[i]);
		if (r == 0)
			r = add_reap(in, &ev->victim[i]);
	}
	for (size_t i = 0; i < ev->nlives && i < KILLS_MAX && r == 0; i++)
		r = add_life(in, &ev->life[i]);
	if (r == 0)
		r = add_end(in, ev);
	for (size_t i = 0; i < in->nmoments; i++)
		in->moment[i].event = ev->id;
	return r;
}

/* ---- what others wrote ------------------------------------------------------------------------------------ */

static int add_collateral(struct oom_incident *in, const struct oom_event *ev)
{
	for (size_t i = 0; i < ev->nnotes; i++) {
		struct oom_moment got, *m;

		if (!oom_collateral_of_note(&ev->note[i], &in->arena, &got))
			continue;
		m = add(in, got.kind);
		if (!m)
			return -ENOMEM;
		got.event = ev->id;
		*m = got;
	}
	return 0;
}

/* ---- the other events of the storm ------------------------------------------------------------------------- */

static int add_others(struct oom_incident *in, const struct oom_event *ev, const struct oom_storm *s)
{
	size_t n = 0, from = s ? oom_storm_of(s, ev->id, &n) : 0;

	for (size_t i = from; i < from + n; i++) {
		const struct oom_brief *b = &s->brief[i];
		struct oom_moment *m;
		struct oom_str name;

		if (b->id == ev->id)
			continue;
		m = add(in, b->nvictims ? OOM_MOMENT_KILL : OOM_MOMENT_END);
		if (!m)
			return -ENOMEM;
		name = who(&in->arena, b->comm, b->pid);
		m->other = true;
		m->event = b->id;
		m->boot_us = b->first_us;
		m->wall_us = b->wall_us;
		m->line = b->first_line;
		m->pid = b->pid;
		m->comm = b->comm;
		if (b->nvictims > 1)
			m->text = oom_arena_fmt(&in->arena, "event %lld: %.*s and %lld more were killed", (long long)b->id,
						W(name), (long long)b->nvictims - 1);
		else if (b->nvictims)
			m->text = oom_arena_fmt(&in->arena, "event %lld: %.*s was killed", (long long)b->id, W(name));
		else
			m->text = oom_arena_fmt(&in->arena, "event %lld, without a kill in the log", (long long)b->id);
		if (!m->text.p)
			return -ENOMEM;
	}
	return 0;
}

static int by_line(const void *pa, const void *pb)
{
	const struct oom_moment *a = pa, *b = pb;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

static int by_time(const void *pa, const void *pb)
{
	const struct oom_moment *a = pa, *b = pb;

	if (a->boot_us != b->boot_us)
		return a->boot_us < b->boot_us ? -1 : 1;
	return a->kind < b->kind ? -1 : a->kind > b->kind;
}

/* Lines are in the order of time; without them, as recorders tell it, the boot clock is. */
static void sort(struct oom_incident *in)
{
	bool lines = true, times = true;

	for (size_t i = 0; i < in->nmoments; i++) {
		lines &= in->moment[i].line != OOM_NA;
		times &= in->moment[i].boot_us != OOM_NA;
	}
	if (in->nmoments && (lines || times))
		qsort(in->moment, in->nmoments, sizeof(*in->moment), lines ? by_line : by_time);
}

int oom_incident_make(const struct oom_event *ev, const struct oom_storm *storm, struct oom_incident *ret)
{
	int r;

	memset(ret, 0, sizeof(*ret));
	r = add_own(ret, ev);
	if (r == 0)
		r = add_collateral(ret, ev);
	if (r == 0)
		r = add_others(ret, ev, storm);
	sort(ret);
	return r;
}

void oom_incident_release(struct oom_incident *in)
{
	if (!in)
		return;
	oom_arena_release(&in->arena);
	memset(in, 0, sizeof(*in));
}

/* ---- the storm -------------------------------------------------------------------------------------------- */

int oom_storm_add(struct oom_storm *s, const struct oom_replay *r)
{
	const struct oom_event *ev = r->event;
	const struct oom_victim *v = ev->nvictims ? &ev->victim[0] : NULL;
	struct oom_brief *grown = oom_arena_grow(&s->arena, s->brief, s->nbriefs, &s->cap, sizeof(*grown)), *b;

	if (!grown)
		return -ENOMEM;
	s->brief = grown;
	b = &s->brief[s->nbriefs];
	*b = (struct oom_brief){
		.id = ev->id, .first_line = ev->first_line, .last_line = ev->last_line, .first_us = ev->boot_us,
		.last_us = v && v->killed_us != OOM_NA ? v->killed_us : ev->boot_us, .wall_us = ev->wall_us,
		.pid = v ? v->pid : OOM_NA, .nvictims = (int64_t)ev->nvictims, .verdict = r->verdict, .outcome = ev->outcome,
	};
	if (oom_arena_str(&s->arena, ev->path, &b->path) < 0 || oom_arena_str(&s->arena, ev->host, &b->host) < 0 ||
	    oom_arena_str(&s->arena, ev->boot_id, &b->boot_id) < 0 ||
	    oom_arena_str(&s->arena, v ? v->comm : OOM_STR_NULL, &b->comm) < 0)
		return -ENOMEM;
	s->nbriefs++;
	return 0;
}

/* Two neighbours in one text: of one boot, and with no longer pause than an incident has. */
static bool together(const struct oom_brief *a, const struct oom_brief *b)
{
	int64_t gap;

	if (!oom_str_eq(a->path, b->path) || !oom_str_eq(a->host, b->host) || !oom_str_eq(a->boot_id, b->boot_id))
		return false;
	if (a->last_us != OOM_NA && b->first_us != OOM_NA)
		return !__builtin_sub_overflow(b->first_us, a->last_us, &gap) && gap >= -OOM_INCIDENT_GAP_US &&
		       gap <= OOM_INCIDENT_GAP_US;
	if (a->wall_us != OOM_NA && b->wall_us != OOM_NA)
		return !__builtin_sub_overflow(b->wall_us, a->wall_us, &gap) && gap >= 0 && gap <= OOM_INCIDENT_GAP_US;
	return b->first_line - a->last_line <= OOM_COLLATERAL_LINES;
}

size_t oom_storm_of(const struct oom_storm *s, int64_t id, size_t *n)
{
	size_t at = 0, from, to;

	while (at < s->nbriefs && s->brief[at].id != id)
		at++;
	*n = 0;
	if (at == s->nbriefs)
		return 0;
	for (from = at; from > 0 && together(&s->brief[from - 1], &s->brief[from]);)
		from--;
	for (to = at + 1; to < s->nbriefs && together(&s->brief[to - 1], &s->brief[to]);)
		to++;
	*n = to - from;
	return from;
}

void oom_storm_release(struct oom_storm *s)
{
	if (!s)
		return;
	oom_arena_release(&s->arena);
	memset(s, 0, sizeof(*s));
}
