/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a kill gives, what was needed, and who would follow. */
#include <errno.h>
#include <string.h>

#include "evaluate.h"
#include "whatif_impl.h"

/* ---- what it gives ---------------------------------------------------------------------------------- */

static int64_t page_kb(const struct oom_event *ev)
{
	return ev->page_size >= 1024 && ev->page_size <= 1 << 20 ? ev->page_size / 1024 : 4;
}

/* Page tables, as far as the table shows them. */
static int64_t tables_kb(const struct oom_event *ev, const struct oom_task *t)
{
	if (t->pgtables_bytes >= 0 && oom_eval_pages_ok(t->pgtables_bytes / 4096))
		return t->pgtables_bytes / 1024;
	if (oom_eval_pages_ok(t->nr_ptes))
		return (t->nr_ptes + (oom_eval_pages_ok(t->nr_pmds) ? t->nr_pmds : 0)) * page_kb(ev);
	return 0;
}

/* The kill line parts the victim's memory where the table does not. */
static int64_t anon_kb(const struct oom_dry_run *d, const struct oom_event *asked, size_t row)
{
	const struct oom_task *t = &d->event.task[row], *was = &asked->task[d->origin[row]];
	const struct oom_victim *v;

	if (oom_eval_pages_ok(t->rss_anon_pages))
		return t->rss_anon_pages * page_kb(asked);
	v = oom_event_victim(asked, t->tgid != OOM_NA ? t->tgid : t->pid);
	if (!v || !oom_eval_pages_ok(v->anon_rss_kb) || t->rss_pages < was->rss_pages)
		return OOM_NA;
	return v->anon_rss_kb + (t->rss_pages - was->rss_pages) * page_kb(asked);
}

struct oom_range oom_dry_frees_kb(const struct oom_dry_run *d, const struct oom_event *asked, size_t row)
{
	const struct oom_task *t = &d->event.task[row];
	int64_t tables = tables_kb(asked, t), anon = anon_kb(d, asked, row);

	if (anon != OOM_NA)
		return (struct oom_range){ anon + tables, anon + tables };
	if (!oom_eval_pages_ok(t->rss_pages))
		return (struct oom_range){ 0, 0 };
	return (struct oom_range){ tables, tables + t->rss_pages * page_kb(asked) };
}

/* mem_cgroup_get_oom_group(): the highest cgroup with memory.oom.group between the victim's and the domain's. */
static struct oom_str group_of(const struct oom_dry_run *d, const struct oom_event *ev, uint32_t victim, int *sure)
{
	struct oom_str top = OOM_STR_NULL;

	*sure = 1;
	for (size_t i = 0; i < d->ngroups; i++) {
		struct oom_str g = d->group[i];
		int in = oom_task_in_cgroup(ev, victim, g);

		if (!in || (ev->scope == OOM_SCOPE_MEMCG && ev->oom_memcg.p && g.n < ev->oom_memcg.n) ||
		    (top.p && top.n <= g.n))
			continue;
		top = g;
		*sure = in;
	}
	return top;
}

bool oom_dry_one_mm(const struct oom_task *a, const struct oom_task *b)
{
	return a->total_vm_pages == b->total_vm_pages && a->rss_pages == b->rss_pages && a->rss_pages > 0 &&
	       a->total_vm_pages != OOM_NA && a->swap_pages == b->swap_pages &&
	       a->pgtables_bytes == b->pgtables_bytes && a->nr_ptes == b->nr_ptes && a->uid == b->uid;
}

static const struct oom_victim *as_victim(const struct oom_event *asked, uint32_t task)
{
	const struct oom_task *t = &asked->task[task];

	return oom_event_victim(asked, t->tgid != OOM_NA ? t->tgid : t->pid);
}

int oom_dry_dies_with(const struct oom_dry_run *d, const struct oom_event *asked, size_t victim, size_t other,
		      enum oom_role *role)
{
	const struct oom_task *t = &d->event.task[other];
	const struct oom_victim *v = as_victim(asked, d->origin[other]), *first = asked->nvictims ? asked->victim : NULL;
	int sure;
	struct oom_str group;

	*role = OOM_ROLE_GROUP;
	if (victim == other || t->tgid == 1)
		return 0;
	/* oom_kill_memcg_member(): all of the group but those at -1000 */
	group = group_of(d, asked, d->origin[victim], &sure);
	if (group.p && t->oom_score_adj != -1000) {
		int in = oom_task_in_cgroup(asked, d->origin[other], group);

		if (in)
			return in == 1 && sure == 1 ? 1 : -1;
	}
	*role = OOM_ROLE_SHARED_MM;
	/* the log told that they share their memory, or their sizes say that they may */
	if (v && v->role == OOM_ROLE_SHARED_MM && first && as_victim(asked, d->origin[victim]) == first)
		return 1;
	return oom_dry_one_mm(&d->event.task[victim], t) ? -1 : 0;
}

/* ---- what was needed -------------------------------------------------------------------------------- */

static int64_t zone_kb(const struct oom_event *ev, const struct oom_memory *z, const char *name)
{
	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];

		if (m->area == OOM_AREA_ZONE && m->node == z->node && oom_str_eq(m->zone, z->zone) &&
		    oom_str_is(m->name, name))
			return m->unit == OOM_UNIT_PAGES ? m->value * page_kb(ev) : m->value;
	}
	return OOM_NA;
}

/* Against requests that could have used a higher zone, a zone keeps more; the last value is that for all of them. */
static int64_t reserve_kb(const struct oom_event *ev, const struct oom_memory *z)
{
	int64_t most = 0;
	char name[32];

	for (int i = 0; i < 8; i++) {
		int64_t kb;

		snprintf(name, sizeof(name), "lowmem_reserve[%d]", i);
		kb = zone_kb(ev, z, name);
		if (kb != OOM_NA && kb > most)
			most = kb;
	}
	return most;
}

#define GFP_LOW_ZONES 0x5                  /* __GFP_DMA, __GFP_DMA32: bits that never moved */

/* Of the zones the largest: what a kill frees lies there, and an allocation looks there first. */
static void need_of_zones(const struct oom_event *ev, int64_t chunk_kb, struct oom_need *ret)
{
	int64_t largest = 0;

	if (ev->gfp_mask != OOM_NA && ev->gfp_mask & GFP_LOW_ZONES)
		return;
	for (size_t i = 0; i < ev->nmemory; i++) {
		const struct oom_memory *m = &ev->memory[i];
		int64_t size, min;

		if (m->area != OOM_AREA_ZONE || !oom_str_is(m->name, "free") || m->unit != OOM_UNIT_KB)
			continue;
		size = zone_kb(ev, m, "managed");
		if (size == OOM_NA)
			size = zone_kb(ev, m, "present");
		min = zone_kb(ev, m, "min");
		if (size <= largest || min < 0 || m->value < 0)
			continue;
		largest = size;
		ret->kb = min + reserve_kb(ev, m) + chunk_kb - m->value;
		if (ret->kb < chunk_kb)        /* enough is free by now, but not in one piece or a moment too late */
			ret->kb = chunk_kb;
		ret->what = "to reach the min watermark of the zone";
		ret->where = m->zone;
	}
}

static void need_of_limit(const struct oom_event *ev, int64_t chunk_kb, struct oom_need *ret)
{
	const struct { int64_t usage, limit; const char *what; } limits[] = {
		{ ev->memcg_usage_kb, ev->memcg_limit_kb, "to stay within the memory limit of the cgroup" },
		{ ev->memsw_usage_kb, ev->memsw_limit_kb, "to stay within the memory+swap limit of the cgroup" },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(limits); i++) {
		int64_t lacks;

		if (limits[i].usage < 0 || limits[i].limit < 0 || limits[i].limit >= (int64_t)1 << 52)
			continue;
		lacks = limits[i].usage + chunk_kb - limits[i].limit;
		if (ret->kb != OOM_NA && lacks <= ret->kb)
			continue;
		ret->kb = lacks;
		ret->what = limits[i].what;
		ret->where = ev->oom_memcg;
	}
}

void oom_whatif_need(const struct oom_whatif *w, struct oom_need *ret)
{
	const struct oom_event *ev = &w->after.event;
	int64_t chunk_kb = page_kb(ev);

	*ret = (struct oom_need){ .kb = OOM_NA };
	/* nobody has asked for memory yet, or a person asked for a kill */
	if (ev->origin == OOM_ORIGIN_LIVE || w->event->sysrq == 1)
		return;
	if (ev->order > 0 && ev->order < 20)
		chunk_kb <<= ev->order;
	if (ev->scope == OOM_SCOPE_MEMCG)
		need_of_limit(ev, chunk_kb, ret);
	else if (ev->scope == OOM_SCOPE_GLOBAL)
		need_of_zones(ev, chunk_kb, ret);
	if (ret->kb != OOM_NA)
		ret->kb = ret->kb + w->grown_kb > 0 ? ret->kb + w->grown_kb : 0;
}

/* ---- who follows ------------------------------------------------------------------------------------ */

struct list { struct oom_kill *kill; size_t n, cap; struct oom_range total; };

static int add_kill(struct oom_whatif *w, struct list *l, const struct oom_dry_run *d, size_t row, struct oom_kill k)
{
	struct oom_kill *grown = oom_arena_grow(&w->arena, l->kill, l->n, &l->cap, sizeof(*l->kill));

	if (!grown)
		return -ENOMEM;
	l->kill = grown;
	k.task = d->origin[row];
	if (!k.with || k.role != OOM_ROLE_SHARED_MM)  /* shared memory is freed once */
		k.frees_kb = oom_dry_frees_kb(d, w->event, row);
	l->total.lo += k.frees_kb.lo;
	l->total.hi += k.frees_kb.hi;
	k.total_kb = l->total;
	l->kill[l->n++] = k;
	return 0;
}

/* The victim and who dies with it, taken out of the clone from the end. */
static int kill_row(struct oom_whatif *w, struct list *l, struct oom_dry_run *d, size_t row, struct oom_kill k,
		    bool *dead)
{
	enum oom_role role;
	int r = add_kill(w, l, d, row, k);

	for (size_t i = 0; i < d->event.ntasks && r == 0; i++) {
		dead[i] = i == row || oom_dry_dies_with(d, w->event, row, i, &role) == 1;
		if (dead[i] && i != row)
			r = add_kill(w, l, d, i, (struct oom_kill){
				.with = true, .role = role, .points = OOM_NA, .doubtful = k.doubtful,
			});
	}
	for (size_t i = d->event.ntasks; i-- > 0 && r == 0;)
		if (dead[i])
			oom_dry_remove(d, i);
	return r;
}

static int next_kill(struct oom_whatif *w, struct oom_dry_run *d, int64_t bound, ptrdiff_t *row, struct oom_kill *k)
{
	struct oom_replay r;
	int err = oom_dry_replay(d, w->base.profile, &r);

	*k = (struct oom_kill){ .points = OOM_NA };
	*row = err < 0 ? -1 : r.winner;
	if (*row >= 0) {
		k->points = r.winner_score.nominal;
		k->doubtful = r.runner_up >= 0 && (r.margin == OOM_NA || (bound != OOM_NA && r.margin <= bound));
	}
	oom_replay_release(&r);
	return err;
}

static int kill_on(struct oom_whatif *w, struct oom_dry_run *d, struct list *l, int64_t need_kb, size_t max, bool *dead)
{
	ptrdiff_t row = w->after.winner;
	struct oom_kill k = {
		.points = row < 0 || w->after.replay.winner != row ? OOM_NA : w->after.replay.winner_score.nominal,
		.doubtful = w->after.verdict > OOM_VERDICT_EXPLAINED,
	};
	size_t kills = 0;
	int r = 0;

	while (row >= 0 && kills < max && r == 0) {
		r = kill_row(w, l, d, (size_t)row, k, dead);
		kills++;
		if ((need_kb != OOM_NA && l->total.hi >= need_kb) || d->allocating || kills == max)
			break;
		if (r == 0)
			r = next_kill(w, d, w->after.bound, &row, &k);
	}
	return r;
}

int oom_whatif_kills(struct oom_whatif *w, int64_t need_kb, size_t max, struct oom_kill **ret, size_t *nret)
{
	size_t n = w->after.event.ntasks;
	struct oom_dry_run d = w->after;
	struct list l = { 0 };
	uint32_t *origin = oom_arena_alloc(&w->arena, (n + 1) * sizeof(*origin));
	bool *dead = oom_arena_alloc(&w->arena, n + 1);
	int r = origin && dead ? oom_event_clone(&d.event, &w->after.event) : -ENOMEM;

	*ret = NULL;
	*nret = 0;
	if (r < 0)
		return r;
	memcpy(origin, d.origin, n * sizeof(*origin));
	d.origin = origin;
	r = kill_on(w, &d, &l, need_kb, max && max < OOM_KILLS_MAX ? max : OOM_KILLS_MAX, dead);
	oom_event_release(&d.event);
	*ret = l.kill;
	*nret = l.n;
	return r;
}
