/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Episodes: when one begins, settles and is handed over, and what a boot remembers from one to the next. */
#include "rules.h"

#include <errno.h>
#include <string.h>

/* Nothing that real kernels print comes near; what comes after is dropped. */
bool oom_full(const struct oom_episode *ep)
{
	return ep->ev.arena.used > OOM_MAX_EVENT_BYTES;
}

int oom_keep(struct oom_episode *ep, struct oom_str s, struct oom_str *ret)
{
	if (oom_full(ep)) {
		*ret = OOM_STR_NULL;
		return 0;
	}
	return oom_arena_str(&ep->ev.arena, s, ret);
}

struct oom_str oom_intern(struct oom_parser *p, struct oom_episode *ep, struct oom_str s)
{
	size_t n = OOM_ARRAY_SIZE(p->intern.tab), at = s.n;
	struct oom_str copy;

	if (oom_full(ep))
		return OOM_STR("");
	if (p->intern_of != ep) {
		memset(&p->intern, 0, sizeof(p->intern));
		p->intern_of = ep;
	}
	for (size_t i = 0; i < s.n; i++)
		at = at * 31 + (unsigned char)s.p[i];
	for (size_t i = 0; i < 4; i++) {
		struct oom_str *slot = &p->intern.tab[(at + i) % n];

		if (slot->p && slot->n == s.n && !memcmp(slot->p, s.p, s.n))
			return *slot;
		if (slot->p)
			continue;
		return oom_keep(ep, s, slot) < 0 ? OOM_STR_NULL : *slot;
	}
	return oom_keep(ep, s, &copy) < 0 ? OOM_STR_NULL : copy;
}

int64_t oom_ctx_us(const struct oom_ctx *c)
{
	return c->line->boot_us != OOM_NA ? c->line->boot_us :
	       c->line->bare || c->line->cont ? c->h->now_us : OOM_NA;
}

int oom_damaged(struct oom_ctx *c, struct oom_episode *ep, const char *what)
{
	ep->ev.damaged_lines++;
	c->took = ep;
	if (ep->ev.damaged_lines > 20)       /* the count says the rest */
		return 0;
	return oom_event_note(&ep->ev, c->line->lineno, "damaged_line", "%s", what);
}

int oom_episode_raw(struct oom_episode *ep, int64_t line, struct oom_str raw)
{
	struct oom_raw *slot;

	if (oom_full(ep) || ep->ev.nraw >= OOM_MAX_RAW_LINES || ep->raw_bytes + raw.n > OOM_MAX_RAW_BYTES)
		return 0;
	/* a record that was broken into lines is one physical line */
	if (ep->ev.nraw && ep->ev.raw[ep->ev.nraw - 1].line >= line)
		return 0;
	slot = oom_event_add_raw(&ep->ev);
	if (!slot)
		return -ENOMEM;
	slot->line = line;
	ep->raw_bytes += raw.n;
	return oom_keep(ep, raw, &slot->text);
}

/* ---- begin --------------------------------------------------------------------------------------------- */

static int identify(struct oom_ctx *c, struct oom_episode *ep)
{
	struct oom_event *ev = &ep->ev;
	const struct oom_line *l = c->line;
	struct oom_str host = { c->h->name, c->h->name_n }, boot = OOM_STR_NULL;

	oom_event_init(ev);
	ev->id = ++c->p->next_id;
	ev->origin = OOM_ORIGIN_TEXT;
	ev->first_line = ev->last_line = l->lineno;
	ev->boot_us = l->boot_us;
	ev->wall_us = l->wall_us;
	if (c->h->boot_id[0])
		boot = oom_str_from(c->h->boot_id);
	if (oom_keep(ep, (struct oom_str){ c->p->path, c->p->path_n }, &ev->path) < 0 ||
	    oom_keep(ep, host.n ? host : OOM_STR_NULL, &ev->host) < 0 || oom_keep(ep, boot, &ev->boot_id) < 0 ||
	    oom_keep(ep, l->stamp, &ev->stamp) < 0)
		return -ENOMEM;
	if (l->caller.n < sizeof(ep->caller))
		memcpy(ep->caller, l->caller.p ? l->caller.p : "", l->caller.n);
	ep->own_line = c->p->lineno;
	ep->own_us = c->h->now_us;
	ep->area = ep->node = OOM_NA;
	return oom_collateral_begin(c->p, ep);
}

struct oom_episode *oom_episode_begin(struct oom_ctx *c)
{
	struct oom_parser *p = c->p;
	struct oom_host *h = c->h;
	struct oom_episode *ep;

	if (h->open && oom_episode_settle(p, h->open) < 0)
		return NULL;
	ep = oom_malloc(sizeof(*ep));
	if (!ep)
		return NULL;
	memset(ep, 0, sizeof(*ep));
	ep->host = h;
	if (identify(c, ep) < 0) {
		oom_event_release(&ep->ev);
		oom_free(ep);
		return NULL;
	}
	ep->section = OOM_SEC_HEAD;
	ep->ev.suppressed = h->suppressed;
	h->suppressed = 0;
	if (p->last)
		p->last->next = ep;
	else
		p->first = ep;
	p->last = ep;
	if (!p->live)
		p->live = ep;
	p->npending++;
	p->nopen++;
	h->open = h->last = c->ep = c->took = ep;
	c->other_caller = false;
	return ep;
}

void oom_episode_enter(struct oom_ctx *c, struct oom_episode *ep, enum oom_section sec)
{
	if (ep->section == OOM_SEC_TABLE && sec != OOM_SEC_TABLE) {
		ep->table_over = true;
		if (sec == OOM_SEC_KILL)
			ep->table_follows = true;
	}
	ep->section = sec;
	ep->seen |= OOM_IN(sec);
	ep->zone = ep->key = OOM_STR_NULL;
	ep->area = ep->node = OOM_NA;
	c->took = ep;
}

/* ---- what the boot remembers ---------------------------------------------------------------------------- */

void oom_boot_reset(struct oom_host *h)
{
	h->kernel[0] = '\0';
	h->kernel_banner = false;
	h->page_size = h->swap_total_kb = h->swap_line = OOM_NA;
	h->heading.n = 0;
	h->sysrq_line = h->sysrq_us = h->alloc_failure_line = OOM_NA;
	h->suppressed = 0;
	h->npast = 0;
}

void oom_past_add(struct oom_host *h, const struct oom_victim *v)
{
	struct oom_past *q = &h->past[h->npast++ % OOM_MAX_PAST];

	*q = (struct oom_past){ .pid = v->pid, .killed_us = v->killed_us, .line = v->line, .reap = OOM_REAP_UNSEEN,
				.reap_line = OOM_NA, .comm_known = v->comm.p != NULL };
	q->comm_n = (uint8_t)(v->comm.n < OOM_COMM_LEN ? v->comm.n : OOM_COMM_LEN);
	if (v->comm.p)
		memcpy(q->comm, v->comm.p, q->comm_n);
}

/* The newest record of pid from before that line. */
struct oom_past *oom_past_find(struct oom_host *h, int64_t pid, int64_t before)
{
	unsigned n = h->npast < OOM_MAX_PAST ? h->npast : OOM_MAX_PAST;

	for (unsigned i = 1; i <= n; i++)
		if (h->past[(h->npast - i) % OOM_MAX_PAST].pid == pid && h->past[(h->npast - i) % OOM_MAX_PAST].line < before)
			return &h->past[(h->npast - i) % OOM_MAX_PAST];
	return NULL;
}

static int add_prior(struct oom_event *ev, const struct oom_past *q)
{
	bool reaped = q->reap_line != OOM_NA && q->reap_line < ev->first_line;
	struct oom_prior *prior = oom_event_add_prior(ev);

	if (!prior)
		return -ENOMEM;
	prior->pid = q->pid;
	prior->killed_us = q->killed_us;
	prior->reap = reaped ? q->reap : OOM_REAP_UNSEEN;
	prior->line = reaped ? q->reap_line : q->line;
	if (!q->comm_known)
		return 0;
	return oom_arena_str(&ev->arena, (struct oom_str){ q->comm, q->comm_n }, &prior->comm);
}

/* A pid of this event: was it a victim before? */
static int seen_before(struct oom_episode *ep, int64_t pid)
{
	struct oom_event *ev = &ep->ev;
	const struct oom_past *q = oom_past_find(ep->host, pid, ev->first_line);

	for (size_t i = 0; q && i < ev->npriors; i++)
		if (ev->prior[i].pid == pid)
			return 0;
	return q ? add_prior(ev, q) : 0;
}

/* Earlier victims of this boot whose pid stands in this table.  A bit per pid keeps long tables cheap. */
static int add_priors(struct oom_episode *ep)
{
	const struct oom_host *h = ep->host;
	struct oom_event *ev = &ep->ev;
	unsigned n = h->npast < OOM_MAX_PAST ? h->npast : OOM_MAX_PAST;
	bool bits[4096] = { false };
	int r = 0;

	for (unsigned i = 0; i < n; i++)
		bits[(uint64_t)h->past[i].pid & 4095] = true;
	for (size_t i = 0; i < ev->ntasks && n && r >= 0; i++) {
		if (bits[(uint64_t)ev->task[i].pid & 4095])
			r = seen_before(ep, ev->task[i].pid);
		if (r >= 0 && ev->task[i].tgid != ev->task[i].pid && bits[(uint64_t)ev->task[i].tgid & 4095])
			r = seen_before(ep, ev->task[i].tgid);
	}
	for (size_t i = 0; i < ev->nvictims && r >= 0; i++)
		r = seen_before(ep, ev->victim[i].pid);
	return r;
}

/* ---- settle and close ------------------------------------------------------------------------------------ */

/* total-vm kB / total_vm pages of the same process is the page size, when it is a plausible one. */
static int64_t victim_page_size(const struct oom_event *ev)
{
	for (size_t i = 0; i < ev->nvictims; i++) {
		const struct oom_victim *v = &ev->victim[i];
		const struct oom_task *t = oom_event_task(ev, v->pid);
		int64_t kb;

		if (!t || t->total_vm_pages <= 0 || v->total_vm_kb <= 0 || v->total_vm_kb % t->total_vm_pages)
			continue;
		kb = v->total_vm_kb / t->total_vm_pages;
		if (kb >= 4 && kb <= 256 && !(kb & (kb - 1)))
			return kb * 1024;
	}
	return OOM_NA;
}

static int learn(struct oom_episode *ep)
{
	struct oom_host *h = ep->host;
	struct oom_event *ev = &ep->ev;

	if (!ev->kernel.p && h->kernel[0]) {
		if (oom_keep(ep, oom_str_from(h->kernel), &ev->kernel) < 0)
			return -ENOMEM;
		ev->kernel_from = h->kernel_banner ? OOM_STR("banner") : OOM_STR("earlier_event");
	}
	if (ev->page_size == OOM_NA) {
		ev->page_size = victim_page_size(ev);
		if (ev->page_size != OOM_NA)
			ev->page_size_from = OOM_STR("victim");
	}
	if (ev->page_size != OOM_NA) {
		h->page_size = ev->page_size;
	} else if (h->page_size != OOM_NA) {
		ev->page_size = h->page_size;
		ev->page_size_from = OOM_STR("earlier_event");
	}
	if (ev->swap_total_kb != OOM_NA) {
		h->swap_total_kb = ev->swap_total_kb;
		h->swap_line = ev->at[OOM_AT_SWAP];
	} else {
		ev->boot_swap_total_kb = h->swap_total_kb;
		ev->boot_swap_line = h->swap_line;
	}
	return add_priors(ep);
}

int oom_episode_settle(struct oom_parser *p, struct oom_episode *ep)
{
	if (ep->state != OOM_EP_OPEN)
		return 0;
	ep->state = OOM_EP_SETTLED;
	ep->section = OOM_SEC_IDLE;
	ep->host->open = NULL;
	p->nopen--;
	return learn(ep);
}

int oom_episode_close(struct oom_parser *p, struct oom_episode *ep)
{
	int r;

	if (ep->state == OOM_EP_DONE)
		return 0;
	r = oom_episode_settle(p, ep);
	if (r >= 0)
		r = oom_finish_event(ep);
	if (ep->host->last == ep)
		ep->host->last = NULL;
	ep->state = OOM_EP_DONE;
	p->npending--;
	return r;
}

void oom_episode_free(struct oom_parser *p, struct oom_episode *ep)
{
	if (p->intern_of == ep)
		p->intern_of = NULL;
	oom_event_release(&ep->ev);
	oom_free(ep);
}

static bool expired(const struct oom_parser *p, const struct oom_episode *ep)
{
	int64_t lines = p->lineno - ep->own_line;

	if (p->npending > OOM_MAX_PENDING)
		return true;
	if (ep->state == OOM_EP_OPEN)           /* of a host that fell silent */
		return lines > 4 * OOM_SETTLE_LINES;
	return lines > OOM_SETTLE_LINES ||
	       (ep->own_us != OOM_NA && ep->host->now_us != OOM_NA && ep->host->now_us - ep->own_us > OOM_SETTLE_US);
}

int oom_episode_expire(struct oom_parser *p, bool all)
{
	int r = 0;

	while (p->live && r >= 0) {
		if (p->live->state != OOM_EP_DONE && !all && !expired(p, p->live))
			break;
		r = oom_episode_close(p, p->live);
		p->live = p->live->next;
	}
	return r;
}

int oom_episode_clock(struct oom_parser *p, int64_t now_us)
{
	int r = 0;

	while (p->live && r >= 0) {
		const struct oom_episode *ep = p->live;
		/* a slow console may hold up a report that is not over */
		int64_t limit = ep->state == OOM_EP_OPEN ? OOM_MAX_IDLE_US : OOM_SETTLE_US;

		if (ep->state != OOM_EP_DONE && (ep->own_us == OOM_NA || now_us - ep->own_us <= limit))
			break;
		r = oom_episode_close(p, p->live);
		p->live = p->live->next;
	}
	return r;
}

struct oom_episode *oom_episode_of(struct oom_parser *p, const struct oom_host *h, int64_t pid, struct oom_victim **ret)
{
	struct oom_episode *found = NULL;

	for (struct oom_episode *ep = p->live; ep; ep = ep->next) {
		if (ep->host != h || ep->state == OOM_EP_DONE)
			continue;
		for (size_t i = 0; i < ep->ev.nvictims; i++)
			if (ep->ev.victim[i].pid == pid) {
				found = ep;
				*ret = &ep->ev.victim[i];
			}
	}
	return found;
}

int oom_parser_take(struct oom_parser *p, struct oom_event *ret)
{
	struct oom_episode *ep = p->first;

	if (!ep || ep->state != OOM_EP_DONE)
		return 0;
	p->first = ep->next;
	if (p->live == ep)
		p->live = ep->next;
	if (!p->first)
		p->last = NULL;
	*ret = ep->ev;
	memset(&ep->ev, 0, sizeof(ep->ev));
	oom_episode_free(p, ep);
	return 1;
}

/* What take() would hand over, made of a copy: the episode goes on. */
int oom_parser_peek(struct oom_parser *p, struct oom_event *ret)
{
	struct oom_episode *ep = p->live, look;
	int r;

	while (ep && !(ep->grown && ep->state == OOM_EP_SETTLED &&
		       (ep->ev.nvictims || ep->ev.outcome != OOM_OUTCOME_TRUNCATED)))
		ep = ep->next;
	if (!ep)
		return 0;
	look = *ep;
	r = oom_event_clone(&look.ev, &ep->ev);
	if (r < 0)
		return r;
	r = oom_finish_event(&look);
	if (r < 0) {
		oom_event_release(&look.ev);
		return r;
	}
	ep->grown = false;
	*ret = look.ev;
	return 1;
}
