/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The facts of an event with pseudonyms; what a column holds is said once, in the table. */
#include <oomlens/redact.h>

#include <errno.h>
#include <string.h>

#include "collateral.h"
#include "redact.h"

enum kind { COMM, PATH, ID, HOST, COMMAND, SOURCE, ZONE };

#define E(m) offsetof(struct oom_event, m)
static const struct { size_t offset; enum kind kind; } of_event[] = {
	{ E(path), SOURCE }, { E(host), HOST }, { E(boot_id), ID }, { E(machine_id), ID }, { E(trigger_comm), COMM },
	{ E(cpuset), PATH }, { E(oom_memcg), PATH }, { E(task_memcg), PATH }, { E(chosen_comm), COMM }, { E(oom_group_path), PATH },
};

struct column { size_t offset; enum kind kind; };
static const struct part {
	const struct oom_record *rec;
	struct column col[4];
	size_t n;
} of_parts[] = {
	{ &oom_task_record, { { offsetof(struct oom_task, comm), COMM }, { offsetof(struct oom_task, cgroup), PATH } }, 2 },
	{ &oom_victim_record, { { offsetof(struct oom_victim, comm), COMM } }, 1 },
	{ &oom_prior_record, { { offsetof(struct oom_prior, comm), COMM } }, 1 },
	{ &oom_life_record, { { offsetof(struct oom_life, comm), COMM }, { offsetof(struct oom_life, cgroup), PATH } }, 2 },
	{ &oom_flight_record, { { offsetof(struct oom_flight, comm), COMM }, { offsetof(struct oom_flight, cgroup), PATH },
				{ offsetof(struct oom_flight, cmdline), COMMAND } }, 3 },
	{ &oom_memory_record, { { offsetof(struct oom_memory, zone), ZONE } }, 1 },
};

/* Of memory facts: a path, a file of a path ("memory.events /a/b"), a slab cache, or a word of the kernel. */
static struct oom_str zone(struct oom_redactor *r, struct oom_str s)
{
	ptrdiff_t at = oom_str_starts(s, "/") ? 0 : oom_str_find(s, " /") + 1;
	struct oom_str path, both;

	if (!oom_str_starts(s, "/") && at == 0)
		return oom_redact_cache(r, s);
	path = oom_redact_path(r, oom_str_sub(s, (size_t)at, s.n));
	both = oom_arena_fmt(r->arena, "%.*s%.*s", (int)at, s.p, (int)path.n, path.p ? path.p : "");
	r->nomem |= !both.p;
	return both;
}

static struct oom_str redacted(struct oom_redactor *r, enum kind kind, struct oom_str s)
{
	if (!s.p)
		return s;
	switch (kind) {
	case COMM:
		return oom_redact_comm(r, s);
	case PATH:
		return oom_redact_path(r, s);
	case ID:
		return oom_redact_id(r, s);
	case HOST:
		return oom_redact_word(r, "host", s);
	case COMMAND:
		return oom_redact_word(r, "command", s);
	case SOURCE:
		return OOM_STR("redacted");
	case ZONE:
		return zone(r, s);
	}
	return OOM_STR_NULL;
}

static void at_offset(struct oom_redactor *r, void *rec, size_t offset, enum kind kind)
{
	struct oom_str s;

	memcpy(&s, (char *)rec + offset, sizeof(s));
	s = redacted(r, kind, s);
	memcpy((char *)rec + offset, &s, sizeof(s));
}

/* "acme.c:12 [acme] func:f": whose module it is tells whose machine it is. */
static void drop_module(struct oom_memory *m)
{
	if (m->area == OOM_AREA_ALLOC && oom_str_find(m->zone, "[") >= 0)
		m->zone = OOM_STR("a module");
}

static void redact_parts(struct oom_redactor *r, struct oom_event *ev)
{
	for (size_t k = 0; k < OOM_ARRAY_SIZE(of_parts); k++) {
		const struct part *p = &of_parts[k];
		char *array;
		size_t n;

		memcpy(&array, (char *)ev + p->rec->array, sizeof(array));
		memcpy(&n, (char *)ev + p->rec->count, sizeof(n));
		for (size_t i = 0; i < n; i++)
			for (size_t c = 0; c < p->n; c++)
				at_offset(r, array + i * p->rec->size, p->col[c].offset, p->col[c].kind);
	}
	for (size_t i = 0; i < ev->nmemory; i++)
		drop_module(&ev->memory[i]);
}

/* Remarks that are the parser's own words stay; those of a log, or of other programs, are written anew or go. */
static int redact_notes(struct oom_redactor *r, struct oom_event *ev)
{
	size_t kept = 0;
	int e = 0;

	for (size_t i = 0; i < ev->nnotes && e >= 0; i++) {
		struct oom_note n = ev->note[i];
		struct oom_moment m;

		if (oom_str_is(n.kind, OOM_NOTE_COLLATERAL)) {
			if (!oom_collateral_of_note(&n, r->arena, &m))
				continue;
			m.where = oom_redact_path(r, m.where);
			m.comm = oom_redact_comm(r, m.comm);
			e = oom_collateral_rewrite(ev, &n, &m);
		} else if (oom_str_is(n.kind, "heaviest")) {
			n.text = OOM_STR_NULL;
		}
		ev->note[kept++] = n;
	}
	ev->nnotes = kept;
	return e;
}

int oom_redact(const struct oom_event *ev, const struct oom_redact_key *key, struct oom_event *ret)
{
	struct oom_redactor r = { .key = key, .arena = &ret->arena };
	int e = oom_event_clone(ret, ev);

	if (e < 0)
		return e;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(of_event); i++)
		at_offset(&r, ret, of_event[i].offset, of_event[i].kind);
	redact_parts(&r, ret);
	e = redact_notes(&r, ret);
	if (e == 0)
		e = oom_redact_lines(&r, ev, ret);
	return e < 0 ? e : r.nomem ? -ENOMEM : 0;
}
