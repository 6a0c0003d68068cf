/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mem-Info: counters, nodes, zones, free lists, huge pages, slab caches, allocation profiles. */
#include "rules.h"

#include <errno.h>
#include <string.h>

struct oom_memory *oom_memory_add(struct oom_ctx *c, enum oom_area area, struct oom_str zone, struct oom_str name)
{
	struct oom_memory *e = oom_event_add_memory(&c->ep->ev);

	if (!e)
		return NULL;
	e->area = area;
	e->node = c->ep->node;
	e->line = c->line->lineno;
	e->zone = zone;
	e->name = oom_intern(c->p, c->ep, name);
	return e->name.p ? e : NULL;
}

/* One more value of this event's own dump.  0, or -ENOMEM; past OOM_MAX_PARTS the rest is dropped. */
static int put(struct oom_ctx *c, enum oom_area area, struct oom_str name, int64_t value, enum oom_unit unit,
	       struct oom_str text)
{
	struct oom_event *ev = &c->ep->ev;
	struct oom_memory *e;

	if (oom_full(c->ep) || ev->nmemory >= OOM_MAX_PARTS)
		return 0;
	e = oom_memory_add(c, area, c->ep->zone, name);
	if (!e)
		return -ENOMEM;
	e->value = value;
	e->unit = unit;
	if (!text.p)
		return 0;
	e->text = oom_intern(c->p, c->ep, text);
	return e->text.p ? 0 : -ENOMEM;
}

/* ---- whose dump is it? ----------------------------------------------------------------------------------- */

static void forget_meminfo(struct oom_episode *ep)
{
	struct oom_event *ev = &ep->ev;

	ev->nmemory = ep->mem_from;
	ev->has_mem_info = 0;
	ev->ram_pages = ev->reserved_pages = ev->cma_reserved_pages = ev->highmem_pages = ev->hwpoisoned_pages = OOM_NA;
	ev->swap_total_kb = ev->swap_free_kb = OOM_NA;
	ev->at[OOM_AT_MEMINFO] = ev->at[OOM_AT_SWAP] = ev->at[OOM_AT_RAM] = OOM_NA;
}

static void begin_meminfo(struct oom_ctx *c, struct oom_episode *ep)
{
	ep->mem_from = ep->ev.nmemory;
	oom_episode_enter(c, ep, OOM_SEC_MEMINFO);
	ep->ev.has_mem_info = 1;
	ep->ev.at[OOM_AT_MEMINFO] = c->line->lineno;
}

int oom_on_meminfo(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep = c->ep;
	bool twice = ep->seen & OOM_IN(OOM_SEC_MEMINFO);

	(void)m;
	if (ep->section >= OOM_SEC_TABLE && ep->section != OOM_SEC_FOREIGN)
		return OOM_NO;        /* a failed allocation's; rows go on after it */
	if (!twice) {
		begin_meminfo(c, ep);
		return OOM_MATCH;
	}
	/* two dumps and no telling which is ours: neither is */
	if (ep->mem_doubt && ep->ev.has_mem_info) {
		forget_meminfo(ep);
		if (oom_event_note(&ep->ev, c->line->lineno, "interleaved",
				   "a failed allocation printed its memory dump at the same time; both are left out") < 0)
			return -ENOMEM;
	}
	oom_episode_enter(c, ep, OOM_SEC_FOREIGN);
	return OOM_MATCH;
}

/* May this line's numbers be stored?  An edited log can lack the "Mem-Info:" line. */
static bool ours(struct oom_ctx *c)
{
	struct oom_episode *ep = c->ep;

	if ((ep->section == OOM_SEC_HEAD || ep->section == OOM_SEC_MEMCG) && !(ep->seen & OOM_IN(OOM_SEC_MEMINFO)))
		begin_meminfo(c, ep);
	return ep->section == OOM_SEC_MEMINFO;
}

/* ---- "key:value" lists ------------------------------------------------------------------------------------- */

static bool is_key(struct oom_str k)
{
	for (size_t i = 0; i < k.n; i++) {
		char b = k.p[i];

		if (!((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') || b == '_' || b == '(' ||
		      b == ')'))
			return false;
	}
	return k.n > 0 && k.n < 40;
}

/* "123", "123kB" or "123KB". */
static bool take_amount(struct oom_str w, int64_t *v, bool *kb)
{
	if (!oom_take_i64(&w, v))
		return false;
	*kb = oom_take_lit(&w, "kB") || oom_take_lit(&w, "KB");
	return !w.n;
}

struct pair {
	struct oom_str key, text;
	int64_t value;
	bool kb;
};

/* Next pair of a list; the kernel puts a blank before some values, a wrap may put a line end there. */
static bool take_pair(struct oom_str *s, struct oom_str *pending, struct pair *q)
{
	struct oom_str word, rest;

	(void)oom_take_blanks(s);
	if (!oom_take_word(s, &word))
		return false;
	q->text = OOM_STR_NULL;
	q->kb = false;
	if (pending->p) {
		q->key = *pending;
		*pending = OOM_STR_NULL;
		return take_amount(word, &q->value, &q->kb);
	}
	if (word.p[word.n - 1] == ':' || word.p[word.n - 1] == '?') {
		q->key = (struct oom_str){ word.p, word.n - 1 };
		if (!is_key(q->key))
			return false;
		(void)oom_take_blanks(s);
		if (!s->n) {
			*pending = q->key;
			return false;
		}
		if (word.p[word.n - 1] == ':')
			return oom_take_word(s, &word) && take_amount(word, &q->value, &q->kb);
		q->value = OOM_NA;
		return oom_take_word(s, &q->text);
	}
	rest = word;
	return oom_take_until(&rest, ':', &q->key) && is_key(q->key) && oom_take_char(&rest, ':') &&
	       take_amount(rest, &q->value, &q->kb);
}

/* Stores the pairs of s; returns how many there were, or -ENOMEM. */
static int put_pairs(struct oom_ctx *c, struct oom_str s, enum oom_area area, bool store)
{
	struct oom_str pending = store ? c->ep->key : OOM_STR_NULL;
	struct pair q;
	int n = 0;

	while (take_pair(&s, &pending, &q)) {
		enum oom_unit unit = q.kb ? OOM_UNIT_KB : q.text.p ? OOM_UNIT_NONE : OOM_UNIT_PAGES;

		if (store && put(c, area, q.key, q.value, unit, q.text) < 0)
			return -ENOMEM;
		n++;
	}
	if (store)
		c->ep->key = pending.p ? oom_intern(c->p, c->ep, pending) : pending;
	return n;
}

/* Is the first word of s such a pair? */
static bool starts_pair(struct oom_str s)
{
	struct oom_str pending = OOM_STR_NULL;
	struct pair q;

	return take_pair(&s, &pending, &q) || pending.p;
}

/* Counters of the machine, or the rest of a node's or zone's line that was wrapped. */
static int counters(struct oom_ctx *c)
{
	struct oom_episode *ep = c->ep;
	enum oom_area area = ep->area == OOM_NA ? OOM_AREA_GLOBAL : (enum oom_area)ep->area;
	int n;

	if (!(ep->key.p && ep->section == OOM_SEC_MEMINFO) && !starts_pair(c->text))
		return OOM_NO;
	if (ep->section == OOM_SEC_HEAD || ep->section == OOM_SEC_MEMCG) {
		if (!oom_str_starts(c->text, "active_anon:") || !ours(c))
			return OOM_NO;
	}
	if (ep->section != OOM_SEC_MEMINFO && ep->section != OOM_SEC_FOREIGN)
		return OOM_NO;
	n = put_pairs(c, c->text, area, ep->section == OOM_SEC_MEMINFO);
	if (n < 0)
		return n;
	oom_rule_hit(c, OOM_RULE_COUNTERS);
	return OOM_MATCH;
}

/* ---- nodes, zones, free lists --------------------------------------------------------------------------- */

static int node_line(struct oom_ctx *c, int64_t node, struct oom_str s)
{
	bool store = ours(c);

	if (store) {
		c->ep->node = node;
		c->ep->area = OOM_AREA_NODE;
		c->ep->zone = OOM_STR_NULL;
	}
	oom_rule_hit(c, OOM_RULE_NODE);
	return put_pairs(c, s, OOM_AREA_NODE, store) < 0 ? -ENOMEM : OOM_MATCH;
}

static int zone_line(struct oom_ctx *c, int64_t node, struct oom_str zone, struct oom_str s)
{
	bool store = ours(c);

	if (store) {
		c->ep->node = node;
		c->ep->area = OOM_AREA_ZONE;
		c->ep->zone = oom_intern(c->p, c->ep, zone);
		if (!c->ep->zone.p)
			return -ENOMEM;
	}
	oom_rule_hit(c, OOM_RULE_ZONE);
	return put_pairs(c, s, OOM_AREA_ZONE, store) < 0 ? -ENOMEM : OOM_MATCH;
}

/* One "count*sizekB (types)". */
static bool take_block(struct oom_str *s, int64_t *count, int64_t *kb, struct oom_str *types)
{
	struct oom_str t = *s;

	(void)oom_take_blanks(&t);
	if (!oom_take_i64(&t, count) || !oom_take_char(&t, '*') || !oom_take_i64(&t, kb) || !oom_take_lit(&t, "kB"))
		return false;
	*s = t;
	*types = OOM_STR_NULL;
	(void)oom_take_blanks(&t);
	if (oom_take_char(&t, '(') && oom_take_until(&t, ')', types) && oom_take_char(&t, ')'))
		*s = t;
	else
		*types = OOM_STR_NULL;
	return true;
}

static int free_list(struct oom_ctx *c, int64_t node, struct oom_str zone, struct oom_str s)
{
	struct oom_event *ev = &c->ep->ev;
	struct oom_str types, t = s;
	int64_t count, kb, n;
	bool first = true, store;

	while (take_block(&t, &count, &kb, &types))
		;
	(void)oom_take_blanks(&t);
	if (!c->final && (!oom_take_char(&t, '=') || !(oom_take_blanks(&t) && oom_take_i64(&t, &n))))
		return OOM_PARTIAL;
	store = ours(c);
	c->ep->node = store ? node : c->ep->node;
	if (store) {
		c->ep->area = OOM_AREA_FREELIST;
		c->ep->zone = oom_intern(c->p, c->ep, zone);
		if (!c->ep->zone.p)
			return -ENOMEM;
	}
	oom_rule_hit(c, OOM_RULE_FREELIST);
	for (; store && take_block(&s, &count, &kb, &types); first = false) {
		char name[32];

		snprintf(name, sizeof(name), "%lldkB", (long long)kb);
		if (put(c, OOM_AREA_FREELIST, oom_str_from(name), count, OOM_UNIT_NONE, types) < 0)
			return -ENOMEM;
		if (first && ev->page_size == OOM_NA && kb >= 4 && kb <= 256 && !(kb & (kb - 1))) {
			ev->page_size = kb * 1024;
			ev->page_size_from = OOM_STR("free_lists");
		}
	}
	return OOM_MATCH;
}

int oom_on_lowmem(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_str s = m->n ? m->s[0] : OOM_STR_NULL;
	int64_t v;

	if (c->ep->section != OOM_SEC_MEMINFO || c->ep->area != OOM_AREA_ZONE)
		return OOM_MATCH;
	for (unsigned i = 0; i < 16 && oom_take_i64(&s, &v); i++) {
		char name[32];

		snprintf(name, sizeof(name), "lowmem_reserve[%u]", i);
		if (put(c, OOM_AREA_ZONE, oom_str_from(name), v, OOM_UNIT_PAGES, OOM_STR_NULL) < 0)
			return -ENOMEM;
		(void)oom_take_blanks(&s);
	}
	return OOM_MATCH;
}

/* "Node 0 DMA free:", "Normal free:", "Node 0 active_anon:", "DMA32: 1*4kB", "Normal per-cpu:" */
int oom_memory_line(struct oom_ctx *c)
{
	struct oom_str s = c->text, zone, t;
	int64_t node = OOM_NA, v;

	if (oom_take_lit(&s, "Node ")) {
		if (!oom_take_i64(&s, &node) || !oom_take_blanks(&s))
			return OOM_NO;
		if (oom_str_starts(s, "active_anon:"))
			return node_line(c, node, s);
	}
	t = s;
	if (!oom_take_word(&t, &zone) || zone.n > 16)
		return node == OOM_NA ? counters(c) : OOM_NO;
	(void)oom_take_blanks(&t);
	if (oom_str_starts(t, "free:"))
		return zone_line(c, node, zone, t);
	if (oom_str_starts(t, "per-cpu:")) {
		oom_rule_hit(c, OOM_RULE_PERCPU);
		(void)ours(c);
		return OOM_MATCH;
	}
	s = t;
	if (zone.n > 1 && zone.p[zone.n - 1] == ':' && oom_take_i64(&s, &v) && oom_take_char(&s, '*'))
		return free_list(c, node, (struct oom_str){ zone.p, zone.n - 1 }, t);
	return node == OOM_NA ? counters(c) : OOM_NO;
}

/* ---- huge pages and totals ------------------------------------------------------------------------------- */

int oom_on_hugepages(struct oom_ctx *c, const struct oom_caps *m)
{
	static const char *const names[] = { "hugepages_total", "hugepages_free", "hugepages_surp" };
	char size[32];

	if (m->n < 5)
		return c->final ? OOM_NO : OOM_PARTIAL;
	if (!ours(c))
		return OOM_MATCH;
	c->ep->node = m->v[0];
	c->ep->area = OOM_AREA_HUGEPAGES;
	if (m->v[0] >= 0 && m->v[0] < 63)
		c->ep->node_seen_mask |= INT64_C(1) << m->v[0];
	snprintf(size, sizeof(size), "%lldkB", (long long)m->v[4]);
	c->ep->zone = oom_intern(c->p, c->ep, oom_str_from(size));
	if (!c->ep->zone.p)
		return -ENOMEM;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(names); i++)
		if (put(c, OOM_AREA_HUGEPAGES, oom_str_from(names[i]), m->v[i + 1], OOM_UNIT_NONE, OOM_STR_NULL) < 0)
			return -ENOMEM;
	return OOM_MATCH;
}

static int global(struct oom_ctx *c, const char *name, int64_t v, enum oom_unit unit)
{
	struct oom_episode *ep = c->ep;

	ep->node = OOM_NA;
	ep->zone = OOM_STR_NULL;
	ep->area = OOM_AREA_GLOBAL;
	return put(c, OOM_AREA_GLOBAL, oom_str_from(name), v, unit, OOM_STR_NULL);
}

int oom_on_pages(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_event *ev = &c->ep->ev;

	if (!m->n)
		return OOM_NO;
	if (!ours(c))
		return OOM_MATCH;
	if (c->rule->arg >= 0)
		memcpy((char *)ev + c->rule->arg, &m->v[0], sizeof(m->v[0]));
	if (c->rule->arg == (int64_t)offsetof(struct oom_event, ram_pages))
		ev->at[OOM_AT_RAM] = c->line->lineno;
	return global(c, c->rule->name, m->v[0], OOM_UNIT_PAGES) < 0 ? -ENOMEM : OOM_MATCH;
}

int oom_on_swapcache(struct oom_ctx *c, const struct oom_caps *m)
{
	static const char *const names[] = { "swap_cache_add", "swap_cache_delete", "swap_cache_found", "swap_cache_sought" };

	if (m->n < 4 && !c->final)
		return OOM_PARTIAL;
	if (!ours(c))
		return OOM_MATCH;
	for (size_t i = 0; i < m->n && i < OOM_ARRAY_SIZE(names); i++)
		if (global(c, names[i], m->v[i], OOM_UNIT_NONE) < 0)
			return -ENOMEM;
	return OOM_MATCH;
}

int oom_on_swap(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_event *ev = &c->ep->ev;

	if (!m->n || !ours(c))
		return m->n ? OOM_MATCH : OOM_NO;
	memcpy((char *)ev + c->rule->arg, &m->v[0], sizeof(m->v[0]));
	if (c->rule->arg == (int64_t)offsetof(struct oom_event, swap_total_kb))
		ev->at[OOM_AT_SWAP] = c->line->lineno;
	return global(c, c->rule->name, m->v[0], OOM_UNIT_KB) < 0 ? -ENOMEM : OOM_MATCH;
}

/* ---- slab caches and allocation profile ------------------------------------------------------------------ */

int oom_on_slab_info(struct oom_ctx *c, const struct oom_caps *m)
{
	(void)m;
	if (c->ep->section >= OOM_SEC_TABLE)
		return OOM_NO;
	oom_episode_enter(c, c->ep, OOM_SEC_SLAB);
	return OOM_MATCH;
}

static bool last_word(struct oom_str *s, struct oom_str *word)
{
	*s = oom_str_trim(*s);
	word->p = s->p + s->n;
	for (word->n = 0; s->n && s->p[s->n - 1] != ' ' && s->p[s->n - 1] != '\t'; s->n--, word->n++)
		word->p--;
	*s = oom_str_trim(*s);
	return word->n > 0;
}

int oom_slab_line(struct oom_ctx *c)
{
	struct oom_str name = c->text, used, total;
	int64_t u, t;
	bool ukb, tkb;

	if (!last_word(&name, &total) || !last_word(&name, &used) || !name.n || !take_amount(total, &t, &tkb) ||
	    !take_amount(used, &u, &ukb) || !ukb || !tkb)
		return OOM_NO;
	oom_rule_hit(c, OOM_RULE_SLAB_ROW);
	c->ep->node = OOM_NA;
	c->ep->zone = oom_intern(c->p, c->ep, name);
	if (!c->ep->zone.p || put(c, OOM_AREA_SLAB, OOM_STR("used"), u, OOM_UNIT_KB, OOM_STR_NULL) < 0 ||
	    put(c, OOM_AREA_SLAB, OOM_STR("total"), t, OOM_UNIT_KB, OOM_STR_NULL) < 0)
		return -ENOMEM;
	return OOM_MATCH;
}

int oom_on_alloc_info(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_str s = m->n ? oom_str_trim(m->s[0]) : OOM_STR_NULL;

	if (!(oom_str_is(s, ":") || oom_str_starts(s, "(profiling")) || c->ep->section >= OOM_SEC_TABLE)
		return OOM_NO;
	oom_episode_enter(c, c->ep, OOM_SEC_ALLOC);
	return OOM_MATCH;
}

/* 6.10-6.11 print bytes, 6.12 and later a rounded size such as "13.4 MiB" (string_get_size). */
static bool take_size(struct oom_str *s, int64_t *bytes, struct oom_str *text)
{
	static const char units[] = "KMGTPE";
	struct oom_str t = *s, word;
	const char *from = s->p, *unit;
	int64_t whole, tenths = 0, scale = 1, digits = 1;

	if (!oom_take_i64(&t, &whole) || whole < 0)
		return false;
	if (oom_take_char(&t, '.'))
		for (; t.n && t.p[0] >= '0' && t.p[0] <= '9' && digits < 1000; t.p++, t.n--, digits *= 10)
			tenths = tenths * 10 + (t.p[0] - '0');
	*text = OOM_STR_NULL;
	word = t;
	(void)oom_take_blanks(&word);
	unit = word.n > 2 && word.p[1] == 'i' && word.p[2] == 'B' ? strchr(units, word.p[0]) : NULL;
	if (unit && *unit) {
		scale = INT64_C(1) << (10 * (unit - units + 1));
		t = oom_str_sub(word, 3, word.n);
	} else if (oom_take_lit(&word, "B ")) {
		t = word;
	}
	if (whole > INT64_MAX / scale - 1)
		return false;
	*bytes = whole * scale + tenths * (scale / digits);
	if (scale > 1)
		*text = (struct oom_str){ from, (size_t)(t.p - from) };
	*s = t;
	return oom_take_blanks(s);
}

int oom_alloc_line(struct oom_ctx *c)
{
	struct oom_str s = c->text, text;
	int64_t bytes, calls;

	if (!take_size(&s, &bytes, &text) || !oom_take_i64(&s, &calls) || !oom_take_blanks(&s) || oom_str_find(s, "func:") < 0)
		return OOM_NO;
	oom_rule_hit(c, OOM_RULE_ALLOC_ROW);
	c->ep->node = OOM_NA;
	c->ep->zone = oom_intern(c->p, c->ep, s);
	if (!c->ep->zone.p || put(c, OOM_AREA_ALLOC, OOM_STR("bytes"), bytes, OOM_UNIT_BYTES, text) < 0 ||
	    put(c, OOM_AREA_ALLOC, OOM_STR("calls"), calls, OOM_UNIT_NONE, OOM_STR_NULL) < 0)
		return -ENOMEM;
	return OOM_MATCH;
}
