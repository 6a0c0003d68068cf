/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the script of the page needs to make the ranking again with other adjustments: for each candidate its points
 * without any, and for all of them the factor, the bounds and the tie rule of the profile.  Numbers alone: names are taken
 * from the table's cells.
 */
#include "evaluate.h"
#include "html.h"

/* Bits of a row; page.js has the same. */
enum { LEADER = 1, NEVER = 2, ORIGIN = 4, OPEN = 8, FIXED = 16, WHY_SHIFT = 8 };

struct model {
	const struct oom_whatif *w;
	const struct oom_dry_run *d;
	struct oom_eval eval;
	struct oom_event likely;          /* the same with oom_score_adj 1000 everywhere: who is no candidate whatever his is */
	struct oom_replay anew;
	bool open;                        /* some row is an interval */
};

/* Points without adjustment: usage and root's bonus, floor and ceiling come later. */
static int64_t base_of(const struct oom_eval *e, const struct oom_task *t, bool *open)
{
	struct oom_task plain = *t;
	struct oom_terms x = { 0 };
	int64_t lo, hi, mid;

	plain.oom_score_adj = 0;
	if (oom_eval_formula(e, &plain, &x) != OOM_WHY_ELIGIBLE)
		return OOM_NA;
	lo = t->rss_pages + x.swap_lo + x.pt_lo;
	hi = t->rss_pages + x.swap_hi + x.pt_hi;
	mid = lo + (hi - lo) / 2;
	*open = x.lo != x.hi;
	if (e->p->flags & OOM_PROFILE_PER_MILLE)
		mid = oom_eval_per_mille(e->p->flags, mid, e->total.lo + (e->total.hi - e->total.lo) / 2);
	return mid + (t->uid == 0 ? x.root : 0);
}

static unsigned flags_of(struct model *m, size_t i, int64_t *base)
{
	const struct oom_task *t = &m->d->event.task[i];
	const struct oom_score *now = &m->d->replay.score[i], *then = &m->anew.score[i];
	unsigned flags = t->pid == t->tgid || t->tgid == OOM_NA ? LEADER : 0;
	bool open = false;

	if (oom_task_is_origin(&m->d->event, t))
		flags |= ORIGIN;
	if (then->why_not != OOM_WHY_ELIGIBLE)
		return flags | NEVER | (unsigned)then->why_not << WHY_SHIFT;
	*base = base_of(&m->eval, t, &open);
	if (oom_eval_own(&m->eval, t) || *base == OOM_NA) {
		*base = now->nominal;
		return flags | FIXED;
	}
	m->open |= open;
	return flags | (open ? OPEN : 0);
}

static void put_int(struct oom_html *h, const char *sep, int64_t v)
{
	if (v == OOM_NA)
		fprintf(h->out, "%snull", sep);
	else
		fprintf(h->out, "%s%lld", sep, (long long)v);
}

/* [row of the table, pid, adjustment, points without it, flags] in the kernel's order */
static void put_rows(struct oom_html *h, struct model *m)
{
	fputs(",\"rows\":[", h->out);
	for (size_t i = 0; i < m->d->replay.nscores; i++) {
		const struct oom_task *t = &m->d->event.task[i];
		int64_t base = OOM_NA;
		unsigned flags = flags_of(m, i, &base);

		fprintf(h->out, "%s[%u", i ? "," : "", m->d->origin[i]);
		put_int(h, ",", t->pid);
		put_int(h, ",", t->oom_score_adj);
		put_int(h, ",", base);
		fprintf(h->out, ",%u]", flags);
	}
	fputs("]", h->out);
}

/* The factor at both ends of totalpages, where it is known within bounds or not at all. */
static void put_ends(struct oom_html *h, const struct model *m)
{
	struct oom_range t = m->w->after.total;

	if (t.lo > t.hi)
		t = (struct oom_range){ 1, OOM_PAGES_MAX };
	if (t.lo != t.hi && oom_html_linear(m->w))
		fprintf(h->out, ",\"ends\":[%lld,%lld]", (long long)(t.lo / 1000), (long long)(t.hi / 1000));
}

static void put_rules(struct oom_html *h, const struct model *m)
{
	const struct oom_profile *p = m->d->replay.profile;
	bool mille = p->flags & OOM_PROFILE_PER_MILLE;

	fprintf(h->out, "{\"k\":%lld,\"mille\":%s", (long long)(mille ? 1 : m->eval.k), mille ? "true" : "false");
	put_ends(h, m);
	put_int(h, ",\"floor\":", p->floor);
	put_int(h, ",\"ceiling\":", p->ceiling);
	fprintf(h->out, ",\"tie\":%d", m->d->event.scope == OOM_SCOPE_MEMCG ? p->tie_memcg : p->tie_global);
	put_int(h, ",\"bound\":", m->w->before.bound);
	fprintf(h->out, ",\"page\":%lld", (long long)(h->ev->page_size > 0 ? h->ev->page_size : 0));
}

static int model_init(struct model *m, const struct oom_whatif *w)
{
	const struct oom_dry_run *d = &w->after;
	int r = oom_event_clone(&m->likely, &d->event);

	m->w = w;
	m->d = d;
	for (size_t i = 0; i < m->likely.ntasks && r == 0; i++)
		m->likely.task[i].oom_score_adj = 1000;
	if (r == 0)
		r = oom_replay_run(&m->likely, d->replay.profile, &m->anew);
	if (r == 0)
		r = oom_replay_rank(&m->anew);
	if (r == 0) {
		oom_eval_init(&m->eval, d->replay.profile, &d->event);
		oom_eval_total(&m->eval, oom_eval_shown(d->replay.profile, &d->event, d->replay.total));
	}
	return r;
}

void oom_html_model(struct oom_html *h)
{
	const struct oom_whatif *w = &h->page->whatif;
	struct model m = { .w = NULL };

	if (!h->page->has_whatif || !w->after.replay.rank)
		return;
	if (model_init(&m, w) < 0) {
		h->nomem = true;
	} else {
		fputs("<script type=\"application/json\" id=model>", h->out);
		put_rules(h, &m);
		put_rows(h, &m);
		fprintf(h->out, ",\"open\":%s,\"sure\":%s}</script>\n", m.open ? "true" : "false",
			h->page->no_claim ? "false" : "true");
	}
	oom_replay_release(&m.anew);
	oom_event_release(&m.likely);
}
