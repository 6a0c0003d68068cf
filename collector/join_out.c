/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the writer gets of a case: the log's event or one made of facts, with the ballot and its victims' lives. */
#include "join_impl.h"

#include <errno.h>

/* ---- who and when ------------------------------------------------------------------------------------- */

static int say(struct oom_event *ev, struct oom_str s, struct oom_str *ret)
{
	return oom_arena_str(&ev->arena, s, ret);
}

/* What the fingerprint is made of comes from here alone, so that all versions of an event agree on it. */
static int set_self(const struct oom_join *j, const struct join_case *c, struct oom_event *ev)
{
	const struct oom_recorder_self *s = &j->o.self;

	ev->origin = OOM_ORIGIN_RECORD;
	if (c && c->put)
		ev->boot_us = c->ident.boot_us;
	if (ev->wall_us == OOM_NA && ev->boot_us != OOM_NA)
		ev->wall_us = ev->boot_us + s->wall_minus_mono_us;
	if (ev->page_size == OOM_NA && s->page_size > 0) {
		ev->page_size = s->page_size;
		ev->page_size_from = OOM_STR("live");
	}
	if (!ev->kernel.p && s->kernel.p) {
		if (say(ev, s->kernel, &ev->kernel))
			return -ENOMEM;
		ev->kernel_from = OOM_STR("live");
	}
	if (say(ev, s->host, &ev->host) || say(ev, s->machine_id, &ev->machine_id) || say(ev, s->boot_id, &ev->boot_id))
		return -ENOMEM;
	return 0;
}

/* The log first, then by name: the order in which feeds were read plays no part. */
static int set_feeds(const struct oom_join *j, const struct join_case *c, struct oom_event *ev)
{
	static const char *const names[] = { "ballot", "trace", "walk" };
	struct oom_str s = c->has_log ? OOM_STR("log") : OOM_STR("");

	for (size_t k = 0; k < OOM_ARRAY_SIZE(names); k++)
		for (int i = 1; i < j->nfeeds; i++) {
			if (!(c->feeds >> i & 1) || strcmp(j->feed_name[i], names[k]) != 0)
				continue;
			s = oom_arena_fmt(&ev->arena, "%.*s%s%s", (int)s.n, s.p, s.n ? " " : "", names[k]);
			if (!s.p)
				return -ENOMEM;
		}
	ev->feeds = s;
	return 0;
}

/* ---- the selection ------------------------------------------------------------------------------------ */

static const struct { const char *name; int64_t scope; } constraints[] = {
	{ "CONSTRAINT_NONE", OOM_SCOPE_GLOBAL },
	{ "CONSTRAINT_CPUSET", OOM_SCOPE_CPUSET },
	{ "CONSTRAINT_MEMORY_POLICY", OOM_SCOPE_MEMPOLICY },
	{ "CONSTRAINT_MEMCG", OOM_SCOPE_MEMCG },
};

/* The kernel's own word is better than what was read out of the text. */
static void set_scope(const struct oom_fact *f, struct oom_event *ev)
{
	if (f->order == -1)
		ev->sysrq = 1;
	if (f->constraint < 0 || f->constraint >= (int64_t)OOM_ARRAY_SIZE(constraints))
		return;
	if (!ev->constraint.p)
		ev->constraint = oom_str_from(constraints[f->constraint].name);
	ev->scope = ev->sysrq ? OOM_SCOPE_SYSRQ : constraints[f->constraint].scope;
}

static int set_trigger(const struct join_case *c, struct oom_event *ev)
{
	const struct oom_fact *f = &c->trigger;

	if (!c->selected)
		return 0;
	set_scope(f, ev);
	if (f->total_pages > 0)
		ev->total_pages = f->total_pages;
	if (!ev->trigger_comm.p) {
		if (say(ev, f->comm, &ev->trigger_comm))
			return -ENOMEM;
		ev->trigger_pid = f->pid;
		ev->trigger_uid = f->uid;
		ev->trigger_adj = f->oom_score_adj;
	}
	if (ev->order == OOM_NA)
		ev->order = f->order;
	if (ev->gfp_mask == OOM_NA && f->gfp_mask != OOM_NA) {
		ev->gfp_raw = oom_arena_fmt(&ev->arena, "0x%llx", (unsigned long long)f->gfp_mask);
		if (!ev->gfp_raw.p)
			return -ENOMEM;
		ev->gfp_mask = f->gfp_mask;
	}
	return 0;
}

static const struct join_life *first_life(const struct join_case *c);

static int set_choice(const struct join_case *c, struct oom_event *ev)
{
	const struct join_life *l = first_life(c);

	if (ev->oom_memcg.p == NULL && c->oom_path && ev->scope == OOM_SCOPE_MEMCG &&
	    say(ev, oom_str_from(c->oom_path), &ev->oom_memcg))
		return -ENOMEM;
	if (!l || (ev->chosen_pid == OOM_NA && c->has_log && !c->chosen))
		return 0;
	if (!ev->task_memcg.p && say(ev, l->row.cgroup, &ev->task_memcg))
		return -ENOMEM;
	/* taken without a look at anybody: vm.oom_kill_allocating_task */
	if (c->selected && c->chosen && !c->ncandidates && !c->lost && c->choice.points == OOM_NA &&
	    c->choice.tgid == c->trigger.tgid)
		ev->allocating_task = 1;
	if (ev->chosen_pid != OOM_NA)
		return 0;
	/* as the summary line has it: the process, even where a thread of it got the signal */
	ev->chosen_pid = l->row.tgid != OOM_NA ? l->row.tgid : l->row.pid;
	ev->chosen_uid = l->row.uid;
	return say(ev, l->row.comm, &ev->chosen_comm);
}

/* ---- the ballot --------------------------------------------------------------------------------------- */

/* Paths of the memory cgroups of one ballot: many tasks, few groups. */
#define MAX_PATHS 512
struct paths {
	const struct oom_join *j;
	struct oom_arena *arena;
	struct { int64_t id; struct oom_str path; } *tab;
	size_t n;
};

static int path_of(struct paths *p, int64_t id, struct oom_str *ret)
{
	char *path;
	int r;

	*ret = OOM_STR_NULL;
	if (id == OOM_NA || id <= 0)
		return 0;
	for (size_t i = 0; i < p->n; i++)
		if (p->tab[i].id == id) {
			*ret = p->tab[i].path;
			return 0;
		}
	if (p->n == MAX_PATHS)
		return 0;
	path = join_path(p->j, id);
	r = oom_arena_str(p->arena, oom_str_from(path), ret);
	oom_free(path);
	if (r)
		return r;
	p->tab[p->n].id = id;
	p->tab[p->n++].path = *ret;
	return 0;
}

static bool is_below(struct oom_str path, struct oom_str top)
{
	if (!path.p || !top.p)
		return false;
	if (oom_str_is(top, "/"))
		return true;
	return path.n >= top.n && !memcmp(path.p, top.p, top.n) && (path.n == top.n || path.p[top.n] == '/');
}

/* The kernel's table shows who has an mm and may run where memory is short; a walk sees all processes. */
static bool in_table(const struct join_case *c, const struct oom_event *ev, const struct join_candidate *k,
		     struct oom_str cgroup)
{
	if (k->flags & OOM_FACT_NO_MM || !k->has_mm)
		return false;
	if (k->flags & OOM_FACT_PASSED_OVER && !(k->flags & OOM_FACT_OOM_VICTIM))
		return false;
	return !c->reconstructed || ev->scope != OOM_SCOPE_MEMCG || is_below(cgroup, ev->oom_memcg);
}

static int add_row(struct oom_event *ev, const struct join_candidate *k, struct oom_str cgroup)
{
	struct oom_task *t = oom_event_add_task(ev);

	if (!t || say(ev, (struct oom_str){ k->comm, k->comm_n }, &t->comm))
		return -ENOMEM;
	t->pid = k->pid;
	t->tgid = k->tgid;
	if (k->has_who) {
		t->uid = k->uid;
		t->oom_score_adj = k->adj;
	}
	t->total_vm_pages = k->total_vm;
	t->pgtables_bytes = k->pgtables_bytes;
	t->cgroup = cgroup;
	t->kernel_points = k->points;
	t->kernel_flags = k->flags;
	if (!k->has_rss)
		return 0;
	t->rss_anon_pages = k->rss_anon;
	t->rss_file_pages = k->rss_file;
	t->rss_shmem_pages = k->rss_shmem;
	t->rss_pages = k->rss_anon + k->rss_file + k->rss_shmem;
	t->swap_pages = k->swap;
	return 0;
}

/* Rows and candidates have the kernel's order, so the next row is usually the one. */
static struct oom_task *row_of(struct oom_event *ev, const struct join_candidate *k, size_t *hint)
{
	for (size_t n = 0, i = *hint; n < ev->ntasks; n++, i++) {
		struct oom_task *t = &ev->task[i % ev->ntasks];

		if (t->tgid == k->tgid || (t->tgid == OOM_NA && t->pid == k->pid)) {
			*hint = i % ev->ntasks + 1;
			return t;
		}
	}
	return NULL;
}

/* A walk sees all processes and knows nothing of the domain: only the log's own word for it tells the candidates from the
 * others, who would look as if they had been passed over. */
static bool knows_domain(const struct join_case *c, const struct oom_event *ev)
{
	return !c->reconstructed || (ev->constraint.p && (ev->scope == OOM_SCOPE_GLOBAL ||
							  (ev->scope == OOM_SCOPE_MEMCG && ev->oom_memcg.p)));
}

static bool ballot_is_whole(const struct join_case *c)
{
	return c->selected && !c->open && !c->lost && (c->reconstructed || c->chosen || c->no_victim);
}

static int add_candidates(const struct join_case *c, struct oom_event *ev, struct paths *p)
{
	bool table = (ev->has_table && ev->table_complete && ev->ntasks) || !knows_domain(c, ev);
	size_t hint = 0;

	if (!table)
		ev->ntasks = 0;
	for (size_t i = 0; i < c->ncandidates; i++) {
		const struct join_candidate *k = &c->candidate[i];
		struct oom_task *t = table ? row_of(ev, k, &hint) : NULL;
		struct oom_str cgroup;

		if (table && !t)
			continue;
		if (path_of(p, k->memcg_id, &cgroup))
			return -ENOMEM;
		if (!table) {
			if (in_table(c, ev, k, cgroup) && add_row(ev, k, cgroup))
				return -ENOMEM;
			continue;
		}
		t->cgroup = cgroup;
		t->kernel_points = k->points;
		t->kernel_flags = k->flags;
	}
	if (!table && ballot_is_whole(c))
		ev->table_complete = 1;
	return 0;
}

static int set_ballot(const struct oom_join *j, const struct join_case *c, struct oom_event *ev)
{
	struct paths p = { .j = j, .arena = &ev->arena };
	int r;

	if (!c->ncandidates)
		return 0;
	p.tab = oom_malloc(MAX_PATHS * sizeof(*p.tab));
	if (!p.tab)
		return -ENOMEM;
	r = add_candidates(c, ev, &p);
	oom_free(p.tab);
	if (!ev->ntasks)
		return r;
	ev->ballot = c->reconstructed ? OOM_BALLOT_RECONSTRUCTED : OOM_BALLOT_RECORDED;
	ev->ballot_lost = c->lost;
	return r;
}

/* ---- lives -------------------------------------------------------------------------------------------- */

static bool precedes(const struct join_case *c, const struct join_life *a, const struct join_life *b)
{
	bool chosen_a = c->chosen && join_life_is(a, &c->choice), chosen_b = c->chosen && join_life_is(b, &c->choice);

	if (chosen_a != chosen_b)
		return chosen_a;
	if (a->begin_us != b->begin_us)
		return a->begin_us < b->begin_us;
	return a->row.pid < b->row.pid;
}

/* The n-th of the case, the chosen one first; after: the one before it. */
static const struct join_life *next_life(const struct join_case *c, const struct join_life *after)
{
	const struct join_life *best = NULL;

	for (size_t i = 0; i < c->nlives; i++) {
		const struct join_life *l = &c->life[i];

		if ((!after || precedes(c, after, l)) && (!best || precedes(c, l, best)))
			best = l;
	}
	return best;
}

static const struct join_life *first_life(const struct join_case *c)
{
	return next_life(c, NULL);
}

static bool same_domain(const struct join_decision *d, const struct join_case *c, const struct join_life *l)
{
	const struct join_case *of = d->of;
	int64_t id = of && of->selected ? of->trigger.memcg_id : d->memcg_id;
	int64_t constraint = of && of->selected ? of->trigger.constraint : d->constraint;

	if (of && !of->selected && of->global)
		return true;
	if (constraint == 1 || constraint == 2)       /* other nodes: its memory may not have helped */
		return c->selected && c->trigger.constraint == constraint;
	if (id == 0)
		return constraint == 0;
	if (id != OOM_NA && (id == l->memcg_id || (c->selected && id == c->trigger.memcg_id)))
		return true;
	return of && of->oom_path && l->cgroup && is_below(oom_str_from(l->cgroup), oom_str_from(of->oom_path));
}

static bool was_a_kill(const struct join_decision *d)
{
	if (!d->of || d->of->chosen)
		return true;
	for (size_t i = 0; i < d->of->nlives; i++)
		if (join_class(d->of, &d->of->life[i]) != OOM_CLASS_ALREADY_EXITING)
			return true;
	return false;
}

/* Another victim while this one's memory could still have come free, and would have helped. */
static int64_t next_selected(const struct oom_join *j, const struct join_case *c, const struct join_life *l)
{
	int64_t freed = join_freed(j, l, false, NULL), best = OOM_NA;

	if (!l->nmarks || !(j->sees_exits || j->o.has_exits))
		return OOM_NA;
	for (unsigned i = 0; i < j->ndecisions && i < JOIN_DECISIONS; i++) {
		const struct join_decision *d = &j->decision[i];

		if (d->of == c || d->us == OOM_NA || d->us <= l->begin_us || (freed != OOM_NA && d->us >= freed))
			continue;
		if (same_domain(d, c, l) && was_a_kill(d))
			join_min(&best, d->us);
	}
	return best;
}

static int64_t marked_pid(const struct join_life *l)
{
	const struct join_mark *first = NULL;

	for (unsigned i = 0; i < l->nmarks; i++)
		if (!first || l->mark[i].us < first->us)
			first = &l->mark[i];
	return first && !l->in_log ? first->pid : l->row.pid;
}

static int64_t skips_of(const struct join_life *l)
{
	int64_t most = l->nmarks ? 0 : OOM_NA;

	for (size_t i = 0; i < JOIN_FEEDS; i++)
		if (l->skips[i] > most)
			most = l->skips[i] ? l->skips[i] : most;
	return most;
}

static int add_life(const struct oom_join *j, const struct join_case *c, const struct join_life *l, int64_t now_us,
		    struct oom_event *ev)
{
	bool over = c->window_done || now_us >= l->begin_us + JOIN_WINDOW_US;
	struct oom_life *r = oom_event_add_life(ev);

	if (!r)
		return -ENOMEM;
	*r = l->row;
	r->comm = r->cgroup = OOM_STR_NULL;
	if (say(ev, l->row.comm, &r->comm) || say(ev, l->row.cgroup, &r->cgroup))
		return -ENOMEM;
	r->pid = marked_pid(l);
	r->class = join_class(c, l);
	r->reap_end_us = join_reaped(l);
	r->reap_skips = skips_of(l);
	if (r->aborted_rounds == OOM_NA && c->selected && !c->reconstructed)
		r->aborted_rounds = 0;
	(void)join_freed(j, l, over, &r->freed_by);
	r->next_selected_us = next_selected(j, c, l);
	return 0;
}

static int set_lives(const struct oom_join *j, const struct join_case *c, int64_t now_us, struct oom_event *ev)
{
	int r = 0;

	ev->nlives = 0;
	for (const struct join_life *l = first_life(c); !r && l; l = next_life(c, l))
		r = add_life(j, c, l, now_us, ev);
	return r;
}

/* ---- without a log ------------------------------------------------------------------------------------ */

static int64_t kb(const struct oom_join *j, int64_t pages)
{
	return pages == OOM_NA || j->o.self.page_size < 1024 ? OOM_NA : pages * (j->o.self.page_size / 1024);
}

static int add_victim(const struct oom_join *j, struct oom_event *ev, const struct join_life *l)
{
	struct oom_victim *v = oom_event_add_victim(ev);

	if (!v || say(ev, l->row.comm, &v->comm))
		return -ENOMEM;
	v->pid = marked_pid(l);
	v->uid = l->row.uid;
	v->role = ev->nvictims > 1 ? OOM_ROLE_GROUP : OOM_ROLE_CHOSEN;
	v->killed_us = l->row.killed_us != OOM_NA ? l->row.killed_us : l->row.marked_us;
	v->oom_score_adj = l->adj;
	v->total_vm_kb = kb(j, l->total_vm);
	v->anon_rss_kb = kb(j, l->rss_anon);
	v->file_rss_kb = kb(j, l->rss_file);
	v->shmem_rss_kb = kb(j, l->rss_shmem);
	v->pgtables_kb = l->pgtables_bytes == OOM_NA ? OOM_NA : l->pgtables_bytes / 1024;
	return 0;
}

static bool is_killed(const struct join_case *c, const struct join_life *l)
{
	return l->nmarks && join_class(c, l) != OOM_CLASS_ALREADY_EXITING;
}

/* Victims that the log does not name: all of them, or the rest of a report that lost its kill line. */
static int add_victims(const struct oom_join *j, const struct join_case *c, struct oom_event *ev)
{
	if (ev->nvictims)
		return 0;
	for (const struct join_life *l = first_life(c); l; l = next_life(c, l))
		if (is_killed(c, l) && add_victim(j, ev, l)) {
			ev->nvictims = 0;
			return -ENOMEM;
		}
	if (ev->nvictims)
		ev->outcome = OOM_OUTCOME_KILLED;
	return 0;
}

static int set_outcome(const struct oom_join *j, const struct join_case *c, struct oom_event *ev)
{
	if (ev->outcome != OOM_OUTCOME_TRUNCATED)
		return 0;
	if (!c->nlives) {
		if (!c->has_log)
			ev->outcome = OOM_OUTCOME_NO_KILLABLE;
		return 0;
	}
	if (add_victims(j, c, ev))
		return -ENOMEM;
	if (ev->nvictims)
		return c->has_log ? 0 : oom_event_note(ev, OOM_NA, "log_lost", "the kernel's log does not have this kill; "
						       "the recorder's feeds saw it");
	if (c->has_log)
		return 0;
	ev->outcome = OOM_OUTCOME_WILL_FREE;
	return oom_event_note(ev, OOM_NA, "already_exiting", "the process was dying already: the kernel let it use its "
			      "reserves, killed nobody and logged nothing");
}

/* ---- the whole ---------------------------------------------------------------------------------------- */

static int keep_ident(struct join_case *c, const struct oom_event *ev)
{
	char *path = NULL;

	if (ev->path.p) {
		path = oom_malloc(ev->path.n + 1);
		if (!path)
			return -ENOMEM;
		memcpy(path, ev->path.p, ev->path.n);
		path[ev->path.n] = 0;
	}
	c->ident = (struct join_ident){
		.first_line = ev->first_line, .last_line = ev->last_line, .boot_us = ev->boot_us,
		.wall_us = ev->wall_us, .scope = ev->scope, .path = path,
	};
	for (size_t i = 0; i < OOM_ARRAY_SIZE(constraints); i++)
		if (oom_str_is(ev->constraint, constraints[i].name))
			c->ident.constraint = constraints[i].name;
	return 0;
}

static int begin_event(const struct join_case *c, struct oom_event *ev)
{
	oom_event_init(ev);
	if (!c->put) {
		ev->boot_us = c->begin_us;
		return 0;
	}
	ev->first_line = c->ident.first_line;
	ev->last_line = c->ident.last_line;
	ev->boot_us = c->ident.boot_us;
	ev->wall_us = c->ident.wall_us;
	ev->scope = c->ident.scope;
	ev->constraint = oom_str_from(c->ident.constraint);
	return say(ev, oom_str_from(c->ident.path), &ev->path);
}

static int fill_event(const struct oom_join *j, const struct join_case *c, int64_t now_us, struct oom_event *ev)
{
	bool whole = c->has_ev || !c->put, ballot = whole || c->ncandidates;  /* which may come after the log */
	int r = set_self(j, c, ev);

	if (!r)
		r = set_feeds(j, c, ev);
	if (!r && ballot)
		r = set_trigger(c, ev);
	if (!r && ballot)
		r = set_choice(c, ev);
	if (!r && whole)
		r = set_outcome(j, c, ev);
	if (!r)
		r = set_ballot(j, c, ev);
	return r ? r : set_lives(j, c, now_us, ev);
}

static int64_t decided_at(const struct join_case *c, const struct oom_event *ev)
{
	const struct join_life *l = first_life(c);

	if (c->past)
		return OOM_NA;
	if (!l)
		return c->last_us != OOM_NA ? c->last_us : ev->boot_us;
	return l->begin_us;
}

/* The event is built in place and handed over when nothing can fail any more; what is built twice is the same. */
int join_put_case(struct oom_join *j, struct join_case *c, int64_t now_us, struct oom_join_out *ret)
{
	struct oom_event fresh, *ev = &fresh;
	int r = 0;

	if (c->has_ev)
		ev = &c->ev;
	else
		r = begin_event(c, &fresh);
	if (!r)
		r = fill_event(j, c, now_us, ev);
	if (!r && !c->put)
		r = keep_ident(c, ev);
	if (r) {
		if (ev == &fresh)
			oom_event_release(&fresh);
		return r;
	}
	c->amendable = ev->boot_id.p && ev->boot_us != OOM_NA;
	join_account(j, c);
	if (c->has_ev)
		j->bytes -= c->ev_bytes;
	c->has_ev = false;
	join_candidates_free(j, c);
	ret->ev = *ev;
	ret->decided_us = decided_at(c, ev);
	ret->first = !c->put;
	ret->has_cgroup = ret->first && (ev->oom_memcg.p || ev->task_memcg.p);
	return 1;
}

/* The counter rose, and nobody told why. */
int join_put_unseen(struct oom_join *j, int64_t now_us, struct oom_join_out *ret)
{
	struct oom_event ev;
	struct oom_life *l;
	int r;

	oom_event_init(&ev);
	ev.boot_us = now_us;
	ev.outcome = OOM_OUTCOME_KILLED;
	ev.feeds = OOM_STR("counter");
	r = set_self(j, NULL, &ev);
	l = r ? NULL : oom_event_add_life(&ev);
	if (l)
		l->class = OOM_CLASS_LOG_LOST;
	if (!l || oom_event_note(&ev, OOM_NA, "unseen_kills", "the kernel counted %lld kills of which neither its log nor "
				 "a feed told", (long long)j->count.unseen)) {
		oom_event_release(&ev);
		return -ENOMEM;
	}
	j->tally.by_class[OOM_CLASS_LOG_LOST] += j->count.unseen;
	j->count.unseen = 0;
	*ret = (struct oom_join_out){ .ev = ev, .decided_us = OOM_NA, .first = true };
	return 1;
}
