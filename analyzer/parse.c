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
	p->nearly = 0;
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
	hold->blank_end = c->line->text.n && c->line->text.p[c->line->text.n - 1] == ' ';
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
		ep->grown = true;
		if (c->p->saw && (r = c->p->saw(c->p->saw_arg, ep, c->hit, c->line, c->text)) < 0)
			return r;
	}
	if (!hold)
		return oom_episode_raw(ep, c->line->lineno, c->line->raw);
	for (unsigned i = 0; i < hold->nparts && e >= 0; i++) {
		e = oom_episode_raw(ep, hold->part[i].lineno, (struct oom_str){ hold->raw.p + at, hold->part[i].n });
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
	/* a name with a newline in it broke its record: both halves carry the record's stamp */
	bool broken = !line->bare && !line->cont && line->boot_us != OOM_NA && line->boot_us == hold->line.boot_us;
	const char *glue = broken ? "\n" : " ";
	struct oom_ctx c;
	int r;

	ctx_init(&c, p, h, &hold->line);
	if (!(line->bare || line->cont || broken) || oom_looks_own(&c, text) || oom_str_starts(text, "...") ||
	    hold->joins + 1 >= OOM_MAX_JOINS || hold->text.n + text.n >= OOM_LINE_MAX)
		goto alone;
	r = dispatch_joined(&c, hold, text, glue);
	if (!broken && (r == OOM_NO || r == OOM_PARTIAL)) {
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
	if (oom_buf_add(&hold->text, glue, 1) < 0 || oom_buf_add(&hold->text, text.p, text.n) < 0)
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
	if (r >= 0 && !c.took)
		r = oom_collateral_feed(p, line);
	return r < 0 ? r : unknown(p, h, &c);
}

int oom_parser_feed(struct oom_parser *p, const struct oom_line *line)
{
	struct oom_host *h;
	struct oom_str text;
	int r;

	p->lineno = line->lineno;
	if (line->foreign)
		return oom_collateral_feed(p, line);
	h = host_of(p, line);
	if (!h)
		return -ENOMEM;
	h->now_line = line->lineno;
	r = watch_boot(p, h, line);
	if (r >= 0 && line->lost > 0 && h->open) {
		h->open->table_bad = true;
		if (!oom_event_has_note(&h->open->ev, "lost_records"))
			r = oom_event_note(&h->open->ev, line->lineno, "lost_records",
					   "%lld records are missing before this line", (long long)line->lost);
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

int oom_parser_clock(struct oom_parser *p, int64_t now_us)
{
	int r = 0;

	for (struct oom_host *h = p->newest; p->nheld && h && r >= 0; h = h->older)
		if (h->hold.active && h->hold.line.boot_us != OOM_NA && now_us - h->hold.line.boot_us > OOM_HOLD_US)
			r = flush_hold(p, h);
	return r < 0 ? r : oom_episode_clock(p, now_us);
}

int64_t oom_parser_waiting(const struct oom_parser *p)
{
	int64_t line = p->first ? p->first->ev.first_line : OOM_NA;

	for (const struct oom_host *h = p->newest; p->nheld && h; h = h->older)
		if (h->hold.active && (line == OOM_NA || h->hold.line.lineno < line))
			line = h->hold.line.lineno;
	return line;
}
