/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Edits upon the clone: rows first, then what belongs to the domain, then totalpages anew. */
#include <errno.h>
#include <string.h>

#include "evaluate.h"
#include "whatif_impl.h"

#define WORDS(e) (int)((e)->words.n < 200 ? (e)->words.n : 200), (e)->words.p

/* ---- whom ------------------------------------------------------------------------------------------- */

int oom_whatif_select(const struct oom_whatif *w, const struct oom_selector *s, bool allow_empty, bool *mark,
		      struct oom_err *reterr)
{
	const struct oom_dry_run *d = &w->after;
	bool any = false, open = false;
	int n = (int)(s->words.n < 200 ? s->words.n : 200);

	for (size_t i = 0; i < d->event.ntasks; i++) {
		int m = oom_selector_match(s, w->event, d->origin[i]);

		mark[i] = m == 1;
		any |= m == 1;
		open |= m == -1;
	}
	if (any || allow_empty)
		return 0;
	if (s->kind == OOM_SELECT_PID)
		return oom_err_set(reterr, EINVAL, "no task here has the pid %lld", (long long)s->number);
	if (open)
		return oom_err_set(reterr, EINVAL, "'%.*s' selects nobody: the log does not say in which cgroups its tasks were",
				   n, s->words.p);
	return oom_err_set(reterr, EINVAL, "'%.*s' selects nobody", n, s->words.p);
}

struct oom_change *oom_whatif_change(struct oom_whatif *w, size_t row)
{
	uint32_t task = w->after.origin[row];
	size_t cap = w->event->ntasks + 1;     /* one per row is the most there can be */
	struct oom_change *c;

	if (!w->change) {
		w->change = oom_arena_alloc(&w->arena, cap * sizeof(*c));
		w->change_of = oom_arena_alloc(&w->arena, cap * sizeof(*w->change_of));
	}
	if (!w->change || !w->change_of)
		return NULL;
	if (w->change_of[task])
		return &w->change[w->change_of[task] - 1];
	c = &w->change[w->nchanges++];
	w->change_of[task] = (uint32_t)w->nchanges;
	*c = (struct oom_change){
		.task = task, .adj_from = w->event->task[task].oom_score_adj,
		.adj_to = w->event->task[task].oom_score_adj,
	};
	return c;
}

/* ---- rows ------------------------------------------------------------------------------------------- */

/* Which edit of each kind has touched a row. */
struct touch { const struct oom_edit *by[OOM_EDIT_GROW + 1]; };

static int contradiction(const struct oom_edit *a, const struct oom_edit *b, const struct oom_task *t,
			 struct oom_err *reterr)
{
	return oom_err_set(reterr, EINVAL, "contradictory changes of pid %lld: '%.*s' and '%.*s'",
			   (long long)(t->tgid != OOM_NA ? t->tgid : t->pid), WORDS(a), WORDS(b));
}

/* Said twice is no contradiction; two steps are, because nobody can say whether they add up. */
static int check_touch(struct touch *touch, const struct oom_edit *e, const struct oom_task *t, struct oom_err *reterr)
{
	const struct oom_edit *const *by = touch->by;

	if (by[e->kind] && !(e->kind == OOM_EDIT_SET && !e->relative && !by[e->kind]->relative &&
			     by[e->kind]->value == e->value) && e->kind != OOM_EDIT_WITHOUT)
		return contradiction(by[e->kind], e, t, reterr);
	for (int k = OOM_EDIT_SET; k <= OOM_EDIT_GROW; k++)
		if (by[k] && (k == OOM_EDIT_WITHOUT) != (e->kind == OOM_EDIT_WITHOUT))
			return contradiction(by[k], e, t, reterr);
	touch->by[e->kind] = e;
	return 0;
}

static int set_adj(struct oom_change *c, struct oom_task *t, const struct oom_edit *e, struct oom_err *reterr)
{
	int64_t to = e->value;

	if (e->relative && t->oom_score_adj == OOM_NA)
		return oom_err_set(reterr, EINVAL, "'%.*s': the oom_score_adj of pid %lld is not known", WORDS(e),
				   (long long)t->pid);
	if (e->relative)
		to += t->oom_score_adj;
	if (to < -1000 || to > 1000)
		return oom_err_set(reterr, EINVAL, "'%.*s': the oom_score_adj of pid %lld would be %lld, beyond -1000 to 1000",
				   WORDS(e), (long long)t->pid, (long long)to);
	c->negative_step |= e->relative && e->value < 0 && t->oom_score_adj != 0;
	c->adj_to = t->oom_score_adj = to;
	return 0;
}

static int grow(const struct oom_event *ev, struct oom_change *c, struct oom_task *t, const struct oom_edit *e,
		struct oom_err *reterr)
{
	int64_t *const grows[] = { &t->rss_pages, &t->total_vm_pages, &t->rss_anon_pages };

	if (ev->page_size == OOM_NA || ev->page_size <= 0)
		return oom_err_set(reterr, EINVAL, "'%.*s': the size of a page is not known", WORDS(e));
	c->grow_pages = (e->value + ev->page_size - 1) / ev->page_size;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(grows); i++)
		if (oom_eval_pages_ok(*grows[i]))
			*grows[i] = oom_eval_min(*grows[i] + c->grow_pages, OOM_PAGES_MAX);
	return 0;
}

static int edit_row(struct oom_whatif *w, size_t row, const struct oom_edit *e, struct oom_err *reterr)
{
	struct oom_change *c = oom_whatif_change(w, row);
	struct oom_task *t = &w->after.event.task[row];

	if (!c)
		return -ENOMEM;
	if (e->kind == OOM_EDIT_SET)
		return set_adj(c, t, e, reterr);
	if (e->kind == OOM_EDIT_GROW)
		return grow(&w->after.event, c, t, e, reterr);
	c->removed = true;
	return 0;
}

static int edit_rows(struct oom_whatif *w, const struct oom_whatif_opts *o, struct oom_err *reterr)
{
	struct oom_event *ev = &w->after.event;
	struct touch *touch = oom_arena_alloc(&w->arena, (ev->ntasks + 1) * sizeof(*touch));
	bool *mark = oom_arena_alloc(&w->arena, ev->ntasks + 1);
	int r = touch && mark ? 0 : -ENOMEM;

	for (size_t k = 0; k < o->nedits && r == 0; k++) {
		const struct oom_edit *e = &o->edit[k];

		if (e->kind > OOM_EDIT_GROW)
			continue;
		r = oom_whatif_select(w, &e->sel, o->allow_empty, mark, reterr);
		for (size_t i = 0; i < ev->ntasks && r == 0; i++) {
			if (!mark[i])
				continue;
			r = check_touch(&touch[i], e, &ev->task[i], reterr);
			if (r == 0)
				r = edit_row(w, i, e, reterr);
		}
	}
	for (size_t i = 0; i < w->nchanges && r == 0; i++)
		w->grown_kb += w->change[i].grow_pages * (ev->page_size / 1024);
	for (size_t i = ev->ntasks; i-- > 0 && r == 0;) {
		if (!touch[i].by[OOM_EDIT_WITHOUT])
			continue;
		w->grown_kb -= oom_dry_frees_kb(&w->after, w->event, i).lo;
		oom_dry_remove(&w->after, i);
	}
	return r;
}

/* ---- the domain ------------------------------------------------------------------------------------- */

static int edit_limit(struct oom_event *ev, const struct oom_edit *e, struct oom_err *reterr)
{
	if (ev->scope != OOM_SCOPE_MEMCG || ev->memcg_limit_kb == OOM_NA)
		return oom_err_set(reterr, EINVAL, "'%.*s': no limit of a cgroup decides here", WORDS(e));
	if (!oom_str_eq(ev->oom_memcg, e->sel.text))
		return oom_err_set(reterr, EINVAL, "'%.*s': the limit that decides here is that of %.*s", WORDS(e),
				   (int)(ev->oom_memcg.n < 200 ? ev->oom_memcg.n : 200),
				   ev->oom_memcg.p ? ev->oom_memcg.p : "");
	ev->memcg_limit_kb = e->value / 1024;
	return 0;
}

/* Where the log does not say how much there was, this says it. */
static void edit_swap(struct oom_event *ev, const struct oom_edit *e)
{
	bool said = ev->swap_total_kb == OOM_NA;
	int64_t used = 0;

	if (!said && ev->swap_free_kb != OOM_NA && ev->swap_free_kb <= ev->swap_total_kb)
		used = ev->swap_total_kb - ev->swap_free_kb;
	ev->swap_total_kb = e->value / 1024;
	ev->swap_free_kb = said ? OOM_NA : ev->swap_total_kb > used ? ev->swap_total_kb - used : 0;
}

static int edit_group(struct oom_whatif *w, const struct oom_edit *e, bool allow_empty, struct oom_err *reterr)
{
	struct oom_dry_run *d = &w->after;
	bool any = false;
	size_t kept = 0;

	if (d->event.memcg_version == 1)
		return oom_err_set(reterr, EINVAL, "'%.*s': cgroup v1 has no memory.oom.group", WORDS(e));
	for (size_t i = 0; i < d->event.ntasks && !any; i++)
		any = oom_task_in_cgroup(w->event, d->origin[i], e->sel.text) != 0;
	if (!any && !allow_empty)
		return oom_err_set(reterr, EINVAL, "'%.*s': no task here is in that cgroup", WORDS(e));
	for (size_t i = 0; i < d->ngroups; i++)
		if (!oom_str_eq(d->group[i], e->sel.text))
			d->group[kept++] = d->group[i];
	w->changed |= (kept != d->ngroups) != (e->value == 1);
	d->ngroups = kept;
	if (e->value)
		d->group[d->ngroups++] = e->sel.text;  /* room for one per edit was made */
	return 0;
}

static int check_twice(const struct oom_whatif_opts *o, size_t k, struct oom_err *reterr)
{
	const struct oom_edit *e = &o->edit[k], *b;

	for (size_t i = 0; i < k; i++) {
		b = &o->edit[i];
		if (b->kind == e->kind && b->value != e->value && oom_str_eq(b->sel.text, e->sel.text))
			return oom_err_set(reterr, EINVAL, "contradictory changes: '%.*s' and '%.*s'", WORDS(b), WORDS(e));
	}
	return 0;
}

static int edit_domain(struct oom_whatif *w, const struct oom_whatif_opts *o, size_t k, struct oom_err *reterr)
{
	const struct oom_edit *e = &o->edit[k];
	int r = check_twice(o, k, reterr);

	if (r < 0)
		return r;
	switch (e->kind) {
	case OOM_EDIT_LIMIT:
		return edit_limit(&w->after.event, e, reterr);
	case OOM_EDIT_SWAP:
		edit_swap(&w->after.event, e);
		return 0;
	case OOM_EDIT_GROUP:
		return edit_group(w, e, o->allow_empty, reterr);
	default:
		w->changed |= w->after.allocating != (e->value == 1);
		w->after.allocating = e->value == 1;
		return 0;
	}
}

/* ---- totalpages ------------------------------------------------------------------------------------- */

/* As the facts of the event give it, whoever knew it better. */
static struct oom_range total_by_facts(struct oom_whatif *w, const struct oom_event *ev)
{
	struct oom_event facts = *ev;
	struct oom_str how;

	facts.total_pages = OOM_NA;
	return oom_totalpages(w->base.profile, &facts, &w->arena, &how);
}

static int64_t clamp_pages(int64_t v)
{
	return v < 1 ? 1 : oom_eval_min(v, OOM_PAGES_MAX);
}

/*
 * Elsewhere total swap is one of the terms.  What a memory cgroup adds to its limit depends on a swappiness that is not
 * printed; where totalpages was known to be at one end of what the facts allow, it stays at that end.
 */
static void new_total(struct oom_whatif *w)
{
	const struct oom_event *was = w->event, *is = &w->after.event;
	struct oom_range *t = &w->after.total, before, after;
	int64_t page_kb = is->page_size >= 1024 ? is->page_size / 1024 : 4;
	int64_t more;

	if (was->memcg_limit_kb == is->memcg_limit_kb && was->swap_total_kb == is->swap_total_kb)
		return;
	w->changed = true;
	if (was->swap_total_kb == OOM_NA && is->swap_total_kb != OOM_NA) {
		*t = total_by_facts(w, is);
		return;
	}
	if (is->scope != OOM_SCOPE_MEMCG) {
		more = is->swap_total_kb / page_kb - was->swap_total_kb / page_kb;
		if (t->lo <= t->hi)
			*t = (struct oom_range){ clamp_pages(t->lo + more), clamp_pages(t->hi + more) };
		return;
	}
	before = total_by_facts(w, was);
	after = total_by_facts(w, is);
	if (t->lo == t->hi && before.lo < before.hi && t->lo == before.lo)
		after.hi = after.lo;
	else if (t->lo == t->hi && before.lo < before.hi && t->lo == before.hi)
		after.lo = after.hi;
	*t = after;
}

int oom_whatif_edit(struct oom_whatif *w, const struct oom_whatif_opts *o, struct oom_err *reterr)
{
	int r = edit_rows(w, o, reterr);

	for (size_t k = 0; k < o->nedits && r == 0; k++)
		if (o->edit[k].kind > OOM_EDIT_GROW)
			r = edit_domain(w, o, k, reterr);
	if (r < 0)
		return r;
	new_total(w);
	for (size_t i = 0; i < w->nchanges; i++) {
		const struct oom_change *c = &w->change[i];

		w->changed |= c->removed || c->grow_pages || c->adj_from != c->adj_to;
	}
	return 0;
}
