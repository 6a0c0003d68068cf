/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a memory cgroup's report says of the group: paths, limits, statistics. */
#include "rules.h"

#include <errno.h>
#include <string.h>

/* A report begins here when its head was cut off: then this is an episode of its own. */
static struct oom_episode *block(struct oom_ctx *c)
{
	struct oom_episode *ep = c->ep;

	if (!ep || (ep->seen & (OOM_IN(OOM_SEC_TABLE) | OOM_IN(OOM_SEC_KILL))))
		ep = oom_episode_begin(c);
	if (!ep)
		return NULL;
	ep->memcg_block = true;
	oom_episode_enter(c, ep, OOM_SEC_MEMCG);
	return ep;
}

/* ---- header ---------------------------------------------------------------------------------------------- */

int oom_on_task_in(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep = block(c);

	if (!ep)
		return -ENOMEM;
	ep->ev.at[OOM_AT_MEMCG] = c->line->lineno;
	if (oom_keep(ep, m->s[0], &ep->ev.task_memcg) < 0 ||
	    (m->n > 1 && oom_keep(ep, oom_str_trim(m->s[1]), &ep->ev.oom_memcg) < 0))
		return -ENOMEM;
	return OOM_MATCH;
}

/* 3.15-3.17 printed the header in three records. */
int oom_on_limit_of(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep = c->ep && c->ep->memcg_block ? c->ep : block(c);

	if (!ep)
		return -ENOMEM;
	if (!m->n)
		return OOM_NO;
	return oom_keep(ep, oom_str_trim(m->s[0]), &ep->ev.oom_memcg) < 0 ? -ENOMEM : OOM_MATCH;
}

int oom_on_limit_reached(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep;

	if (!m->n)
		return OOM_NO;
	ep = block(c);
	if (!ep)
		return -ENOMEM;
	ep->ev.at[OOM_AT_MEMCG] = c->line->lineno;
	return oom_keep(ep, oom_str_trim(m->s[0]), &ep->ev.oom_memcg) < 0 ? -ENOMEM : OOM_MATCH;
}

/* ---- counters -------------------------------------------------------------------------------------------- */

static int64_t *slot(struct oom_event *ev, size_t offset)
{
	return (int64_t *)(void *)((char *)ev + offset);
}

int oom_on_counter(struct oom_ctx *c, const struct oom_caps *m)
{
	static const struct { size_t usage, limit; const char *name; } to[] = {
		{ offsetof(struct oom_event, memcg_usage_kb), offsetof(struct oom_event, memcg_limit_kb), "memory" },
		{ offsetof(struct oom_event, memsw_usage_kb), offsetof(struct oom_event, memsw_limit_kb), "memory+swap" },
		{ offsetof(struct oom_event, kmem_usage_kb), offsetof(struct oom_event, kmem_limit_kb), "kmem" },
		{ offsetof(struct oom_event, memcg_swap_usage_kb), offsetof(struct oom_event, memcg_swap_limit_kb), "swap" },
	};
	size_t which = (size_t)c->rule->arg;
	struct oom_episode *ep = c->ep;

	if (m->n < 3 && !c->final)
		return OOM_PARTIAL;
	if (m->n < 2)
		return OOM_NO;
	if (!ep || (which == 0 && ep->ev.memcg_usage_kb == OOM_NA))
		ep = ep && ep->section == OOM_SEC_MEMCG ? ep : block(c);
	if (!ep)
		return -ENOMEM;
	if (*slot(&ep->ev, to[which].usage) != OOM_NA)
		return OOM_NO;        /* duplicates go to nobody */
	*slot(&ep->ev, to[which].usage) = m->v[0];
	*slot(&ep->ev, to[which].limit) = m->v[1];
	if (which == 0) {
		ep->ev.memcg_failcnt = m->n > 2 ? m->v[2] : OOM_NA;
		ep->ev.at[OOM_AT_LIMIT] = c->line->lineno;
	}
	if (which == 3)
		ep->ev.memcg_version = 2;     /* 5.3+: v2 prints swap, v1 memory+swap */
	c->took = ep;
	return OOM_MATCH;
}

/* ---- statistics ------------------------------------------------------------------------------------------ */

static int stat_value(struct oom_ctx *c, struct oom_str name, int64_t value, enum oom_unit unit)
{
	struct oom_memory *e;

	c->took = c->ep;
	if (oom_full(c->ep) || c->ep->ev.nmemory >= OOM_MAX_PARTS)
		return OOM_MATCH;
	e = oom_memory_add(c, OOM_AREA_MEMCG, c->ep->zone, name);
	if (!e)
		return -ENOMEM;
	e->value = value;
	e->unit = unit;
	return OOM_MATCH;
}

/* " cache:0KB rss:12KB ..." as far as it goes; returns the number of pairs or -ENOMEM. */
static int stat_pairs(struct oom_ctx *c, struct oom_str s)
{
	struct oom_str word, name;
	int n = 0;
	int64_t v;

	while (oom_take_blanks(&s) || s.n) {
		if (!oom_take_word(&s, &word) || !oom_take_until(&word, ':', &name) || !name.n ||
		    !oom_take_char(&word, ':') || !oom_take_i64(&word, &v))
			break;
		if (stat_value(c, name, v, OOM_UNIT_KB) < 0)
			return -ENOMEM;
		n++;
	}
	return n;
}

/* "stats for <path>:" alone, or with pairs behind it; 3.9-3.14 could leave the path out. */
static bool split_stats(struct oom_str s, struct oom_str *path, struct oom_str *pairs)
{
	ptrdiff_t at = -1;

	s = oom_str_trim(s);
	*path = OOM_STR_NULL;
	for (size_t i = 0; i + 1 < s.n && at < 0; i++) {      /* ": name:digits" */
		struct oom_str t = oom_str_sub(s, i + 1, s.n), word, name;
		int64_t v;

		if (s.p[i] == ':' && oom_take_blanks(&t) && oom_take_word(&t, &word) &&
		    oom_take_until(&word, ':', &name) && oom_take_char(&word, ':') && oom_take_i64(&word, &v))
			at = (ptrdiff_t)i;
	}
	if (at < 0 && s.n && s.p[s.n - 1] == ':')
		at = (ptrdiff_t)s.n - 1;
	if (at < 0)
		return false;
	*pairs = oom_str_sub(s, (size_t)at + 1, s.n);
	s.n = (size_t)at;
	if (oom_take_lit(&s, "for "))
		*path = oom_str_trim(s);
	return true;
}

int oom_on_stats(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_str path, pairs;
	struct oom_episode *ep = c->ep;

	if (!m->n)
		return OOM_NO;
	if (!split_stats(m->s[0], &path, &pairs))
		return c->final ? OOM_NO : OOM_PARTIAL;
	if (!ep || !(ep->seen & OOM_IN(OOM_SEC_MEMCG)) || ep->section > OOM_SEC_MEMCG)
		ep = block(c);
	if (!ep)
		return -ENOMEM;
	c->ep = ep;
	ep->section = OOM_SEC_MEMCG;
	ep->zone = oom_intern(c->p, ep, path.p ? path : OOM_STR(""));
	if (!ep->zone.p || stat_pairs(c, pairs) < 0)
		return -ENOMEM;
	/* one path in a block of its own line is the limited group's */
	if (!ep->ev.oom_memcg.p && path.p && !pairs.n)
		ep->ev.oom_memcg = ep->zone;
	return OOM_MATCH;
}

/* Events are counted, the rest of memory.stat is in bytes (mm/memcontrol.c:memcg_page_state_output_unit). */
static enum oom_unit stat_unit(struct oom_str name)
{
	static const char *const counts[] = { "pg", "workingset_", "thp_", "numa_", "zsw", "pswp", "swpin_", "swpout_" };

	(void)oom_take_lit(&name, "total_");
	if (oom_str_is(name, "zswap") || oom_str_is(name, "zswapped"))
		return OOM_UNIT_BYTES;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(counts); i++)
		if (oom_str_starts(name, counts[i]))
			return OOM_UNIT_NONE;
	return OOM_UNIT_BYTES;
}

/* "name value" of memory.stat, or pairs that a wrap carried over. */
int oom_memcg_line(struct oom_ctx *c)
{
	struct oom_str s = c->text, name, word;
	int64_t v;
	int n;

	if (!c->ep->zone.p || s.p[0] < 'a' || s.p[0] > 'z' || !oom_take_word(&s, &name))
		return OOM_NO;
	if (memchr(name.p, ':', name.n)) {
		word = name;
		if (!oom_take_until(&word, ':', &name) || !oom_take_char(&word, ':') || !oom_take_i64(&word, &v))
			return OOM_NO;
		n = stat_pairs(c, c->text);
		return n < 0 ? n : n ? OOM_MATCH : OOM_NO;
	}
	if (!oom_take_blanks(&s) || !oom_take_i64(&s, &v) || s.n)
		return OOM_NO;
	oom_rule_hit(c, OOM_RULE_MEMSTAT);
	return stat_value(c, name, v, stat_unit(name));
}

int oom_on_protection(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_event *ev = &c->ep->ev;

	if (m->n < 2)
		return OOM_NO;
	if (ev->protect_min_kb != OOM_NA)
		return OOM_NO;
	ev->protect_min_kb = m->v[0];
	ev->protect_low_kb = m->v[1];
	ev->memcg_version = 2;
	return OOM_MATCH;
}
