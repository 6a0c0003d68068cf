/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines in, events out: hosts, wrapped text, and which rules a line is tried against. */
#include <oomlens/parse.h>

#include "rules.h"

#include <errno.h>
#include <string.h>

/* ---- life cycle ---------------------------------------------------------------------------------------- */

int oom_parser_new(struct oom_parser **ret)
{
	struct oom_parser *p = oom_malloc(sizeof(*p));

	if (!p)
		return -ENOMEM;
	memset(p, 0, sizeof(*p));
	p->hits = oom_malloc(oom_nrules * sizeof(*p->hits));
	if (!p->hits) {
		oom_free(p);
		return -ENOMEM;
	}
	memset(p->hits, 0, oom_nrules * sizeof(*p->hits));
	oom_rule_index(&p->index);
	*ret = p;
	return 0;
}

static void hold_release(struct oom_hold *hold)
{
	oom_buf_release(&hold->text);
	oom_buf_release(&hold->bytes);
	oom_buf_release(&hold->raw);
}

static void host_unlink(struct oom_parser *p, struct oom_host *h)
{
	*(h->newer ? &h->newer->older : &p->newest) = h->older;
	*(h->older ? &h->older->newer : &p->oldest) = h->newer;
}

static void host_link(struct oom_parser *p, struct oom_host *h)
{
	h->newer = NULL;
	h->older = p->newest;
	*(p->newest ? &p->newest->newer : &p->oldest) = h;
	p->newest = h;
}

static void host_free(struct oom_host *h)
{
	hold_release(&h->hold);
	oom_free(h->name);
	oom_free(h);
}

static void forget(struct oom_parser *p)
{
	struct oom_episode *ep, *next;
	struct oom_host *h, *older;

	for (ep = p->first; ep; ep = next) {
		next = ep->next;
		oom_episode_free(p, ep);
	}
	for (h = p->newest; h; h = older) {
		older = h->older;
		host_free(h);
	}
	memset(p->host, 0, sizeof(p->host));
	p->first = p->last = p->live = NULL;
	p->newest = p->oldest = p->current = NULL;
	p->nhosts = p->npending = p->nopen = p->nheld = 0;
	p->intern_of = NULL;
	p->lineno = 0;
}

void oom_parser_free(struct oom_parser *p)
{
	if (!p)
		return;
	forget(p);
	oom_buf_release(&p->joined);
	oom_free(p->path);
	oom_free(p->hits);
	oom_free(p);
}

int oom_parser_begin(struct oom_parser *p, struct oom_str path)
{
	char *copy = NULL;

	forget(p);
	if (path.p) {
		copy = oom_malloc(path.n + 1);
		if (!copy)
			return -ENOMEM;
		memcpy(copy, path.p, path.n);
		copy[path.n] = '\0';
	}
	oom_free(p->path);
	p->path = copy;
	p->path_n = path.n;
	return 0;
}

void oom_parser_keep_raw(struct oom_parser *p, bool keep)
{
	p->no_raw = !keep;
}

bool oom_parser_quiet(const struct oom_parser *p)
{
	return !p->nopen && !p->nheld;
}

/* ---- hosts --------------------------------------------------------------------------------------------- */

static size_t host_slot(struct oom_str name)
{
	uint32_t x = 2166136261u;

	for (size_t i = 0; i < name.n; i++)
		x = (x ^ (unsigned char)name.p[i]) * 16777619u;
	return x % OOM_ARRAY_SIZE(((struct oom_parser *)0)->host);
}

static int flush_hold(struct oom_parser *p, struct oom_host *h);

static int host_retire(struct oom_parser *p, struct oom_host *h)
{
	struct oom_host **at = &p->host[host_slot((struct oom_str){ h->name ? h->name : "", h->name_n })];
	int r = flush_hold(p, h);

	for (struct oom_episode *ep = p->first; ep; ep = ep->next)
		if (ep->host == h) {
			if (r >= 0)
				r = oom_episode_close(p, ep);
			ep->host = NULL;
		}
	if (r < 0)
		return r;
	while (*at != h)
		at = &(*at)->chain;
	*at = h->chain;
	host_unlink(p, h);
	p->nhosts--;
	host_free(h);
	return 0;
}

static struct oom_host *host_find(struct oom_parser *p, struct oom_str name)
{
	struct oom_host *h = p->host[host_slot(name)];

	while (h && !(h->name_n == name.n && !h->name == !name.p && (!name.n || !memcmp(h->name, name.p, name.n))))
		h = h->chain;
	return h;
}

static struct oom_host *host_new(struct oom_parser *p, struct oom_str name)
{
	struct oom_host *h;

	if (p->nhosts >= OOM_MAX_HOSTS && host_retire(p, p->oldest) < 0)
		return NULL;
	h = oom_malloc(sizeof(*h));
	if (!h)
		return NULL;
	memset(h, 0, sizeof(*h));
	if (name.p) {
		h->name = oom_malloc(name.n + 1);
		if (!h->name) {
			oom_free(h);
			return NULL;
		}
		memcpy(h->name, name.p, name.n);
		h->name_n = name.n;
	}
	h->now_us = h->sysrq_line = h->sysrq_us = h->alloc_failure_line = OOM_NA;
	oom_boot_reset(h);
	h->chain = p->host[host_slot(name)];
	p->host[host_slot(name)] = h;
	host_link(p, h);
	p->nhosts++;
	return h;
}

/* Continuations carry no prefix: they belong to whoever spoke last. */
static struct oom_host *host_of(struct oom_parser *p, const struct oom_line *line)
{
	struct oom_host *h = p->current;

	if (h && (line->bare || line->cont))
		return h;
	if (h && h->name_n == line->host.n && !h->name == !line->host.p &&
	    (!h->name_n || !memcmp(h->name, line->host.p, h->name_n)))
		return h;
	/* a continuation would have come right away; and events keep the order of their first lines */
	if (h && flush_hold(p, h) < 0)
		return NULL;
	h = host_find(p, line->host);
	if (!h)
		h = host_new(p, line->host);
	if (h && h != p->newest) {
		host_unlink(p, h);
		host_link(p, h);
	}
	if (h)
		p->current = h;
	return h;
}

/* ---- dispatch ------------------------------------------------------------------------------------------ */

void oom_rule_hit(struct oom_ctx *c, size_t rule)
{
	c->p->hits[rule]++;
}

/* Where " invoked oom-killer:" stands: dashes are rare in everything that a report is made of. */
static ptrdiff_t find_invoked(struct oom_str t)
{
	for (size_t i = 0; i < t.n; i++) {
		const char *q = memchr(t.p + i, '-', t.n - i);
		size_t at;

		if (!q)
			break;
		at = (size_t)(q - t.p);
		if (at >= 12 && t.n - at >= 8 && !memcmp(q - 12, " invoked oom-killer:", 20))
			return (ptrdiff_t)(at - 12);
		i = at;
	}
	return -1;
}

/* Lines that another task printed while our report was being printed. */
static bool another_may(const struct oom_rule *r)
{
	return r->fn == oom_on_killed || r->fn == oom_on_score || r->fn == oom_on_banner || r->fn == oom_on_reaped ||
	       r->fn == oom_on_unable || r->fn == oom_on_pinned || r->fn == oom_on_sysrq || r->fn == oom_on_panic ||
	       r->fn == oom_on_suppressed;
}

static int try_rules(struct oom_ctx *c)
{
	const struct oom_rule_index *ix = &c->p->index;
	unsigned byte = (unsigned char)c->text.p[0], sec = OOM_IN(c->ep ? c->ep->section : OOM_SEC_IDLE);
	struct oom_caps m;
	int best = OOM_NO;

	for (unsigned i = ix->from[byte]; i < ix->from[byte + 1]; i++) {
		const struct oom_rule *rule = &oom_rules[ix->rule[i]];
		int r;

		if (!(rule->in & sec) || (c->other_caller && !another_may(rule)))
			continue;
		r = (int)oom_rule_match(rule->pattern, c->text, &m);
		/* handlers of broken lines make do with less, once nothing more will come */
		if (r == OOM_MATCH || (r == OOM_PARTIAL && c->final && m.n)) {
			c->rule = rule;
			r = rule->fn ? rule->fn(c, &m) : r;
			if (r == OOM_MATCH) {
				c->p->hits[rule - oom_rules]++;
				c->took = c->took ? c->took : c->ep;
				return r;
			}
		}
		if (r < 0)
			return r;
		best = r == OOM_PARTIAL ? r : best;
	}
	return best;
}

static enum oom_message take_message(struct oom_str *t)
{
	struct oom_str s = *t, why;

	if (oom_take_lit(&s, "Memory cgroup out of memory:")) {
		*t = oom_str_trim(s);
		return OOM_MSG_MEMCG;
	}
	if (oom_take_lit(&s, "Out of memory:")) {
		*t = oom_str_trim(s);
		return OOM_MSG_GLOBAL;
	}
	if (oom_take_lit(&s, "Out of memory (") && oom_take_until(&s, ')', &why) && oom_take_lit(&s, "):")) {
		*t = oom_str_trim(s);
		return oom_str_is(why, "oom_kill_allocating_task") ? OOM_MSG_ALLOCATING : OOM_MSG_GLOBAL;
	}
	return OOM_MSG_NONE;
}

/* What only the section tells apart: counters, rows, statistics. */
static int try_section(struct oom_ctx *c)
{
	int r = OOM_NO;

	if (!c->ep || c->other_caller)
		return OOM_NO;
	if (c->ep->summary_cut && c->text.p[0] == ',')
		r = oom_on_summary_tail(c);
	else if (c->ep->section == OOM_SEC_TABLE)
		r = oom_task_line(c);
	else if (c->ep->section == OOM_SEC_SLAB)
		r = oom_slab_line(c);
	else if (c->ep->section == OOM_SEC_ALLOC)
		r = oom_alloc_line(c);
	else if (c->ep->section == OOM_SEC_MEMCG)
		r = oom_memcg_line(c);
	if (r == OOM_NO && c->ep->section < OOM_SEC_TABLE)
		r = oom_memory_line(c);
	if (r == OOM_NO && c->ep->section == OOM_SEC_FOREIGN)
		r = oom_memory_line(c);
	if (r == OOM_NO && c->ep->section < OOM_SEC_TABLE && oom_is_row(c->text))
		r = oom_task_line(c);         /* a ring buffer that lost the heading */
	if (r == OOM_MATCH)
		c->took = c->ep;
	return r;
}

static int try_names_first(struct oom_ctx *c)
{
	struct oom_caps m;
	int r = OOM_NO;

	if (c->ep && c->ep->section == OOM_SEC_HEAD && c->ep->ev.at[OOM_AT_CPUSET] == OOM_NA &&
	    memchr(c->text.p, '=', c->text.n)) {
		r = (int)oom_rule_match(oom_rules[OOM_RULE_CPUSET].pattern, c->text, &m);
		if (r == OOM_MATCH)
			r = oom_on_cpuset(c, &m);
		else if (r == OOM_PARTIAL && oom_str_find(c->text, " cpuset=") < 0)
			r = OOM_NO;
		if (r == OOM_MATCH) {
			oom_rule_hit(c, OOM_RULE_CPUSET);
			c->took = c->ep;
		}
	}
	return r == OOM_NO ? oom_on_alloc_failure(c) : r;
}

int oom_dispatch(struct oom_ctx *c)
{
	struct oom_str whole = c->text;
	int r = OOM_NO, s;
	ptrdiff_t at;

	if (!whole.n)
		return OOM_NO;
	at = find_invoked(whole);
	if (at >= 0) {
		struct oom_caps m = { .n = 2 };

		m.s[0] = oom_str_sub(whole, 0, (size_t)at);
		m.s[1] = oom_str_sub(whole, (size_t)at + 20, whole.n);
		c->rule = &oom_rules[OOM_RULE_INVOKED];
		r = oom_on_invoked(c, &m);
		if (r == OOM_MATCH)
			oom_rule_hit(c, OOM_RULE_INVOKED);
		if (r != OOM_NO)
			return r;
	} else if (!c->final && oom_str_ends(whole, " invoked")) {
		return OOM_PARTIAL;
	}
	if (c->ep && !c->other_caller) {
		if (c->ep->section == OOM_SEC_TABLE && whole.p[0] == '[')
			r = oom_task_line(c);
		else if (c->ep->section == OOM_SEC_MEMCG)
			r = oom_memcg_line(c);
		else if (c->ep->section == OOM_SEC_HEAD)
			r = oom_trace_line(c);
		if (r != OOM_NO) {
			c->took = c->ep;
			return r;
		}
	}
	r = try_rules(c);
	if (r == OOM_MATCH || r < 0)
		return r;
	c->message = take_message(&c->text);
	if (c->message != OOM_MSG_NONE) {
		r = c->text.n ? try_rules(c) : OOM_PARTIAL;
		c->text = whole;
		if (r != OOM_NO)
			return r;
	}
	s = try_section(c);
	if (s == OOM_NO)
		s = try_names_first(c);
	return s == OOM_NO ? r : s;
}

/* Would this text, standing alone, be something of its own rather than the rest of a wrapped line? */
bool oom_looks_own(struct oom_ctx *c, struct oom_str t)
{
	const struct oom_rule_index *ix = &c->p->index;
	unsigned byte;
	struct oom_str s = t, word;
	struct oom_caps m;
	int64_t n;

	if (!t.n || oom_is_row(t) || oom_str_starts(t, "[<") || oom_str_starts(t, "[ pid") || find_invoked(t) >= 0 ||
	    oom_str_starts(t, "Out of memory") || oom_str_starts(t, "Memory cgroup out of memory"))
		return true;
	if (oom_take_lit(&s, "Node ") && oom_take_i64(&s, &n))
		return true;
	s = t;
	if (oom_take_word(&s, &word) && word.n > 1 && oom_take_blanks(&s) &&
	    (oom_str_starts(s, "free:") || (word.p[word.n - 1] == ':' && oom_take_i64(&s, &n) && oom_take_char(&s, '*'))))
		return true;
	byte = (unsigned char)t.p[0];
	for (unsigned i = ix->from[byte]; i < ix->from[byte + 1]; i++) {
		const char *pat = oom_rules[ix->rule[i]].pattern;
		size_t lit = strcspn(pat, "{");

		if (!lit ? oom_rule_match(pat, t, &m) == OOM_MATCH : lit >= 5 && lit <= t.n && !memcmp(pat, t.p, lit))
			return !(oom_rules[ix->rule[i]].flags & OOM_RULE_START) || oom_rules[ix->rule[i]].arg != 1 ||
			       oom_rules[ix->rule[i]].fn != oom_on_invoked;
	}
	return false;
}

/* ---- wrapped lines ------------------------------------------------------------------------------------- */

static int hold_part(struct oom_hold *hold, const struct oom_line *line)
{
	if (hold->nparts >= OOM_ARRAY_SIZE(hold->part))
		return 0;
	if (oom_buf_add(&hold->raw, line->raw.p, line->raw.n) < 0)
		return -ENOMEM;
	hold->part[hold->nparts].lineno = line->lineno;
	hold->part[hold->nparts++].n = line->raw.n;
	return 0;
}

static int hold_start(struct oom_parser *p, struct oom_host *h, const struct oom_ctx *c)
{
	struct oom_hold *hold = &h->hold;
	const struct oom_str *from[] = { &c->line->host, &c->line->stamp, &c->line->caller, &c->line->boot_id };
	struct oom_str *to[] = { &hold->line.host, &hold->line.stamp, &hold->line.caller, &hold->line.boot_id };
	size_t at = 0;

	hold->text.n = hold->bytes.n = hold->raw.n = 0;
	hold->nparts = hold->joins = 0;
	hold->line = *c->line;
	if (oom_buf_add(&hold->text, c->text.p, c->text.n) < 0 || hold_part(hold, c->line) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(from); i++)
		if (from[i]->p && oom_buf_add(&hold->bytes, from[i]->p, from[i]->n) < 0)
			return -ENOMEM;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(from); i++) {
		if (!from[i]->p)
			continue;
		*to[i] = (struct oom_str){ hold->bytes.p + at, from[i]->n };
		at += from[i]->n;
	}
	hold->line.raw = hold->line.text = OOM_STR_NULL;
	hold->active = true;
	p->nheld++;
	return 0;
}

static void hold_end(struct oom_parser *p, struct oom_host *h)
{
	h->hold.active = false;
	p->nheld--;
}

static void ctx_init(struct oom_ctx *c, struct oom_parser *p, struct oom_host *h, const struct oom_line *line)
{
	*c = (struct oom_ctx){ .p = p, .h = h, .ep = h->open, .line = line };
	c->other_caller = c->ep && c->ep->caller[0] == 'T' && line->caller.n && line->caller.p[0] == 'T' &&
			  !oom_str_is(line->caller, c->ep->caller);
}

/* After dispatch: the physical lines go to whoever took them, unknown ones to the open episode. */
static int account(struct oom_ctx *c, int r, const struct oom_hold *hold)
{
	struct oom_episode *ep = c->took ? c->took : c->h->open;
	size_t at = 0;
	int e = 0;

	if (r < 0)
		return r;
	if (!ep || (c->other_caller && !c->took))
		return 0;
	if (c->took) {
		ep->idle = 0;
		ep->own_line = c->p->lineno;
		ep->own_us = c->h->now_us;
		ep->ev.last_line = c->line->lineno;
	}
	if (!hold)
		return oom_episode_raw(c->p, ep, c->line->lineno, c->line->raw);
	for (unsigned i = 0; i < hold->nparts && e >= 0; i++) {
		e = oom_episode_raw(c->p, ep, hold->part[i].lineno, (struct oom_str){ hold->raw.p + at, hold->part[i].n });
		at += hold->part[i].n;
		if (c->took)
			ep->ev.last_line = hold->part[i].lineno;
	}
	return e;
}

static int flush_hold(struct oom_parser *p, struct oom_host *h)
{
	struct oom_ctx c;
	int r;

	if (!h->hold.active)
		return 0;
	ctx_init(&c, p, h, &h->hold.line);
	c.text = (struct oom_str){ h->hold.text.p, h->hold.text.n };
	c.final = true;
	hold_end(p, h);
	r = oom_dispatch(&c);
	return account(&c, r, &h->hold);
}

static int dispatch_joined(struct oom_ctx *c, struct oom_hold *hold, struct oom_str text, const char *glue)
{
	struct oom_buf *b = &c->p->joined;

	b->n = 0;
	if (oom_buf_add(b, hold->text.p, hold->text.n) < 0 || oom_buf_add(b, glue, strlen(glue)) < 0 ||
	    oom_buf_add(b, text.p, text.n) < 0)
		return -ENOMEM;
	c->text = (struct oom_str){ b->p, b->n };
	return oom_dispatch(c);
}

/* Tries the held text with this line joined to it.  Returns 1 when the line was used up, 0 when it stands alone. */
static int hold_continue(struct oom_parser *p, struct oom_host *h, const struct oom_line *line, struct oom_str text)
{
	struct oom_hold *hold = &h->hold;
	struct oom_ctx c;
	int r;

	ctx_init(&c, p, h, &hold->line);
	if (!(line->bare || line->cont) || oom_looks_own(&c, text) || oom_str_starts(text, "...") ||
	    hold->joins + 1 >= OOM_MAX_JOINS || hold->text.n + text.n >= OOM_LINE_MAX)
		goto alone;
	r = dispatch_joined(&c, hold, text, " ");
	if (r == OOM_NO || r == OOM_PARTIAL) {
		/* terminals wrap in the middle of a word */
		int tight = dispatch_joined(&c, hold, text, "");

		if (tight == OOM_MATCH || tight < 0)
			r = tight;
	}
	if (r == OOM_NO)
		goto alone;
	if (r < 0 || hold_part(hold, line) < 0) {
		hold_end(p, h);
		return r < 0 ? r : -ENOMEM;
	}
	if (r == OOM_MATCH) {
		hold_end(p, h);
		r = account(&c, r, hold);
		return r < 0 ? r : 1;
	}
	hold->joins++;
	if (oom_buf_add(&hold->text, " ", 1) < 0 || oom_buf_add(&hold->text, text.p, text.n) < 0)
		return -ENOMEM;
	return 1;
alone:
	return flush_hold(p, h);
}

/* ---- feeding ------------------------------------------------------------------------------------------- */

/* Blanks at the ends, and the arrows that people paint behind a line. */
static struct oom_str clean(struct oom_str text)
{
	struct oom_str t = oom_str_trim(text);
	size_t n = t.n;

	if (n < 4 || t.p[n - 1] != '=')
		return t;
	while (n && t.p[n - 1] == '=')
		n--;
	if (n && t.p[n - 1] == '<' && t.n - n >= 2)
		t = oom_str_trim((struct oom_str){ t.p, n - 1 });
	return t;
}

int oom_boot_changed(struct oom_parser *p, struct oom_host *h)
{
	int r = flush_hold(p, h);

	if (r >= 0 && h->open) {
		h->open->boot_edge = true;
		r = oom_episode_settle(p, h->open);
	}
	h->last = NULL;
	oom_boot_reset(h);
	return r;
}

/* The boot clock running backwards by more than printk's disorder, or another boot id: the machine was restarted. */
static int watch_boot(struct oom_parser *p, struct oom_host *h, const struct oom_line *line)
{
	int r = 0;

	if (line->boot_id.n && line->boot_id.n < sizeof(h->boot_id)) {
		if (h->boot_id[0] && !oom_str_is(line->boot_id, h->boot_id))
			r = oom_boot_changed(p, h);
		memcpy(h->boot_id, line->boot_id.p, line->boot_id.n);
		h->boot_id[line->boot_id.n] = '\0';
	}
	if (line->boot_us == OOM_NA)
		return r;
	if (r >= 0 && h->now_us != OOM_NA && line->boot_us < h->now_us && h->now_us - line->boot_us > 60 * INT64_C(1000000))
		r = oom_boot_changed(p, h);
	h->now_us = line->boot_us;
	return r;
}

static int unknown(struct oom_parser *p, struct oom_host *h, const struct oom_ctx *c)
{
	struct oom_episode *ep = h->open;

	if (!ep || c->took == ep)
		return 0;
	ep->idle++;
	if (ep->idle > OOM_MAX_IDLE_LINES ||
	    (ep->own_us != OOM_NA && h->now_us != OOM_NA && h->now_us - ep->own_us > OOM_MAX_IDLE_US))
		return oom_episode_settle(p, ep);
	return 0;
}

static int feed_alone(struct oom_parser *p, struct oom_host *h, const struct oom_line *line, struct oom_str text)
{
	struct oom_ctx c;
	int r;

	ctx_init(&c, p, h, line);
	c.text = text;
	r = oom_dispatch(&c);
	if (r == OOM_PARTIAL)
		return hold_start(p, h, &c);
	r = account(&c, r, NULL);
	return r < 0 ? r : unknown(p, h, &c);
}

int oom_parser_feed(struct oom_parser *p, const struct oom_line *line)
{
	struct oom_host *h;
	struct oom_str text;
	int r;

	p->lineno = line->lineno;
	if (line->foreign)
		return 0;
	h = host_of(p, line);
	if (!h)
		return -ENOMEM;
	h->now_line = line->lineno;
	r = watch_boot(p, h, line);
	if (r >= 0 && line->lost > 0 && h->open) {
		h->open->table_bad = true;
		r = oom_event_note(&h->open->ev, line->lineno, "lost_records", "%lld records are missing before this line",
				   (long long)line->lost);
	}
	text = clean(line->text);
	if (r >= 0 && h->hold.active)
		r = hold_continue(p, h, line, text);
	if (r == 0)
		r = feed_alone(p, h, line, text);
	return r < 0 ? r : oom_episode_expire(p, false);
}

int oom_parser_finish(struct oom_parser *p)
{
	int r = 0;

	for (struct oom_host *h = p->newest; h && r >= 0; h = h->older)
		r = flush_hold(p, h);
	for (struct oom_host *h = p->newest; h && r >= 0; h = h->older)
		if (h->open)
			r = oom_episode_settle(p, h->open);
	return r < 0 ? r : oom_episode_expire(p, true);
}
