/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Facts of the feeds: which case each belongs to, and what it says. */
#include "join_impl.h"

#include <errno.h>

static void keep_comm(char *buf, struct oom_str *ret, struct oom_str s)
{
	size_t n = s.n < JOIN_COMM ? s.n : JOIN_COMM;

	if (!s.p || ret->p)
		return;
	memcpy(buf, s.p, n);
	*ret = (struct oom_str){ buf, n };
}

static void note_time(struct join_case *c, struct join_life *l, int64_t us)
{
	join_min(&l->begin_us, us);
	if (!c->selected)
		join_min(&c->begin_us, us);
	if (c->last_us == OOM_NA || us > c->last_us)
		c->last_us = us;
}

/* Who the fact is about, as far as it was not yet known. */
static void note_who(const struct oom_join *j, struct join_life *l, const struct oom_fact *f)
{
	join_fill(&l->row.pid, f->pid);
	join_fill(&l->row.tgid, f->tgid);
	join_fill(&l->row.uid, f->uid);
	join_fill(&l->row.start_us, f->start_us);
	join_fill(&l->adj, f->oom_score_adj);
	join_fill(&l->total_vm, f->total_vm_pages);
	join_fill(&l->rss_anon, f->rss_anon_pages);
	join_fill(&l->rss_file, f->rss_file_pages);
	join_fill(&l->rss_shmem, f->rss_shmem_pages);
	join_fill(&l->pgtables_bytes, f->pgtables_bytes);
	keep_comm(l->comm, &l->row.comm, f->comm);
	if (l->memcg_id != OOM_NA || f->memcg_id == OOM_NA)
		return;
	l->memcg_id = f->memcg_id;
	l->cgroup = join_path(j, f->memcg_id);        /* now, since the group may be gone soon */
	l->row.cgroup = oom_str_from(l->cgroup);
}

static void add_decision(struct oom_join *j, const struct join_case *c, int64_t us)
{
	j->decision[j->ndecisions++ % JOIN_DECISIONS] =
		(struct join_decision){ .us = us, .memcg_id = OOM_NA, .constraint = OOM_NA, .of = c };
}

static struct join_case *case_for(struct oom_join *j, int feed, const struct oom_fact *f, int64_t now_us)
{
	struct join_case *c = join_case_of_round(j, feed, f->round);

	if (c)
		return c;
	c = join_case_new(j, now_us);
	if (!c)
		return NULL;
	if (f->round != OOM_NA) {
		c->round_feed = feed;
		c->round = f->round;
	}
	return c;
}

/* ---- the ballot --------------------------------------------------------------------------------------- */

static int on_selection(struct oom_join *j, int feed, const struct oom_fact *f, int64_t now_us)
{
	struct join_case *c;

	for (c = j->newest; c; c = c->prev)           /* whose end got lost */
		if (c->round_feed == feed)
			c->open = false;
	c = case_for(j, feed, f, now_us);
	if (!c)
		return -ENOBUFS;
	c->feeds |= 1u << feed;
	c->selected = c->open = true;
	c->reconstructed = f->flags & OOM_FACT_RECONSTRUCTED;
	c->trigger = *f;
	c->trigger.comm = OOM_STR_NULL;
	keep_comm(c->trigger_comm, &c->trigger.comm, f->comm);
	c->begin_us = f->mono_us;
	if (!c->oom_path)                             /* a round that is told twice */
		c->oom_path = join_path(j, f->memcg_id);
	return 0;
}

static struct join_candidate *candidate_slot(struct oom_join *j, struct join_case *c)
{
	size_t cap = c->cap_candidates ? c->cap_candidates * 2 : 64;
	struct join_candidate *p;

	if (c->ncandidates < c->cap_candidates)
		return &c->candidate[c->ncandidates++];
	p = cap <= JOIN_CANDIDATES ? oom_realloc(c->candidate, cap * sizeof(*p)) : NULL;
	if (!p)
		return NULL;
	j->bytes += (cap - c->cap_candidates) * sizeof(*p);
	c->candidate = p;
	c->cap_candidates = cap;
	return &p[c->ncandidates++];
}

static int on_candidate(struct oom_join *j, int feed, const struct oom_fact *f, int64_t now_us)
{
	struct join_case *c = case_for(j, feed, f, now_us);
	struct join_candidate *k;

	if (!c)
		return -ENOBUFS;
	c->feeds |= 1u << feed;
	k = candidate_slot(j, c);
	if (!k) {
		c->lost++;
		return -ENOMEM;
	}
	*k = (struct join_candidate){
		.pid = (int32_t)f->pid, .tgid = (int32_t)(f->tgid != OOM_NA ? f->tgid : f->pid),
		.uid = (uint32_t)f->uid, .flags = (uint32_t)f->flags, .adj = (int16_t)f->oom_score_adj,
		.has_who = f->uid != OOM_NA && f->oom_score_adj != OOM_NA,
		.has_mm = f->total_vm_pages != OOM_NA, .has_rss = f->rss_anon_pages != OOM_NA,
		.memcg_id = f->memcg_id, .points = f->points, .total_vm = f->total_vm_pages,
		.rss_anon = f->rss_anon_pages, .rss_file = f->rss_file_pages, .rss_shmem = f->rss_shmem_pages,
		.swap = f->swap_pages, .pgtables_bytes = f->pgtables_bytes,
	};
	k->comm_n = (uint8_t)(f->comm.n < JOIN_COMM ? f->comm.n : JOIN_COMM);
	if (f->comm.p)
		memcpy(k->comm, f->comm.p, k->comm_n);
	return 0;
}

static int on_chosen(struct oom_join *j, int feed, const struct oom_fact *f, int64_t now_us)
{
	struct join_case *c = case_for(j, feed, f, now_us);
	struct join_life *l;

	if (!c)
		return -ENOBUFS;
	l = join_life_in(c, f);
	if (!l)
		l = join_life_add(j, c);
	if (!l)
		return -ENOMEM;
	c->feeds |= 1u << feed;
	c->chosen = true;
	c->open = false;
	c->choice = *f;
	c->choice.comm = OOM_STR_NULL;
	keep_comm(c->choice_comm, &c->choice.comm, f->comm);
	note_who(j, l, f);
	join_min(&l->row.selected_us, f->mono_us);
	note_time(c, l, f->mono_us);
	add_decision(j, c, f->mono_us);
	join_touch(c, now_us);
	return 0;
}

static int on_no_victim(struct oom_join *j, int feed, const struct oom_fact *f, int64_t now_us)
{
	struct join_case *c = join_case_of_round(j, feed, f->round);

	if (!c)                               /* the count alone */
		return 0;
	c->no_victim = true;
	c->open = false;
	c->last_us = f->mono_us;
	join_touch(c, now_us);
	return 0;
}

/* ---- kills and marks ---------------------------------------------------------------------------------- */

/* dmesg's clock is not that of the feeds. */
static int64_t skew_of(const struct join_case *c)
{
	return c->feeds == JOIN_LOG ? JOIN_LOG_SKEW_US : JOIN_FEED_SKEW_US;
}

static bool kill_fits(struct join_life *l, const struct join_case *c, int feed, const struct oom_fact *f)
{
	(void)feed;
	return l->begin_us == OOM_NA || join_apart(l->begin_us, f->mono_us) <= skew_of(c);
}

/* The kernel marks a thread once: what the same feed tells twice is two threads, one of them long gone. */
static bool mark_fits(struct join_life *l, const struct join_case *c, int feed, const struct oom_fact *f)
{
	struct join_mark *m = join_mark_of(l, f->pid);
	int64_t skew = skew_of(c);

	if (m && m->feeds & 1u << feed)
		return false;
	if (m && m->us != OOM_NA)
		return join_apart(m->us, f->mono_us) <= skew;
	if (l->begin_us == OOM_NA)
		return true;
	if (f->mono_us < l->begin_us - skew || f->mono_us > l->begin_us + JOIN_WINDOW_US)
		return false;
	/* another thread of it, or the first mark of one that was chosen, killed or logged */
	return l->nmarks ? l->row.freed_us == OOM_NA || f->mono_us < l->row.freed_us
			 : join_apart(l->begin_us, f->mono_us) <= JOIN_LOG_SKEW_US;
}

typedef bool fits_fn(struct join_life *l, const struct join_case *c, int feed, const struct oom_fact *f);

static const struct join_life *fitting(struct join_case *c, int feed, const struct oom_fact *f, fits_fn *fits)
{
	for (size_t i = 0; i < c->nlives; i++)
		if (join_life_is(&c->life[i], f) && fits(&c->life[i], c, feed, f))
			return &c->life[i];
	return NULL;
}

/* The case of the fact's round, else one that knows the process, better than its thread, else a new one.  NULL: no
 * slot is free. */
static struct join_case *case_of(struct oom_join *j, int feed, const struct oom_fact *f, fits_fn *fits, int64_t now_us)
{
	struct join_case *c = join_case_of_round(j, feed, f->round), *x;

	if (c)
		return c;
	for (x = j->newest; x; x = x->prev) {
		const struct join_life *l = fitting(x, feed, f, fits);

		if (l && (!c || (f->tgid != OOM_NA && l->row.tgid == f->tgid)))
			c = x;
		if (l && l->row.tgid != OOM_NA)
			break;
	}
	if (!c)
		return case_for(j, feed, f, now_us);
	if (c->round_feed < 0 && f->round != OOM_NA) {
		c->round_feed = feed;
		c->round = f->round;
	}
	return c;
}

/* The log, or a feed that knows neither rounds nor processes, may have told of this one before. */
static int gather(struct oom_join *j, struct join_case *c, int feed, const struct oom_fact *f, fits_fn *fits)
{
	struct join_case *x, *prev;

	for (x = j->newest; x; x = prev) {
		prev = x->prev;
		if (x == c || x->round_feed >= 0 || (x->has_log && c->has_log) || !fitting(x, feed, f, fits))
			continue;
		if (join_absorb(j, c, x))
			return -ENOMEM;
	}
	return 0;
}

static struct join_life *life_of(struct oom_join *j, struct join_case *c, const struct oom_fact *f)
{
	struct join_life *l = join_life_in(c, f);

	if (!l)
		l = join_life_add(j, c);
	if (l)
		note_who(j, l, f);
	return l;
}

static int on_kill(struct oom_join *j, int feed, const struct oom_fact *f, int64_t now_us)
{
	struct join_case *c = case_of(j, feed, f, kill_fits, now_us);
	struct join_life *l = c ? life_of(j, c, f) : NULL;

	if (!l)
		return c ? -ENOMEM : -ENOBUFS;
	c->feeds |= 1u << feed;
	join_min(&l->row.killed_us, f->mono_us);
	note_time(c, l, f->mono_us);
	l->kills++;
	l->loud = true;
	join_touch(c, now_us);
	return gather(j, c, feed, f, kill_fits);
}

static void add_mark(struct oom_join *j, struct join_life *l, int feed, const struct oom_fact *f)
{
	struct join_mark *m = join_mark_add(l, f->pid);
	bool tells = j->o.has_ballot && !strcmp(j->feed_name[feed], "ballot");

	m->feeds |= 1u << feed;
	join_min(&m->us, f->mono_us);
	join_min(&l->row.marked_us, f->mono_us);
	if (f->flags & OOM_FACT_SILENT)
		l->silent = true;
	else if (tells)
		l->loud = true;
}

static int on_mark(struct oom_join *j, int feed, const struct oom_fact *f, int64_t now_us)
{
	struct join_case *c = case_of(j, feed, f, mark_fits, now_us);
	struct join_life *l = c ? life_of(j, c, f) : NULL;

	if (!l)
		return c ? -ENOMEM : -ENOBUFS;
	c->feeds |= 1u << feed;
	c->open = false;                      /* a walk tells of no choice */
	if (!c->chosen && !l->nmarks)
		add_decision(j, c, f->mono_us);
	note_time(c, l, f->mono_us);
	add_mark(j, l, feed, f);
	join_touch(c, now_us);
	return gather(j, c, feed, f, mark_fits);
}

/* ---- what follows ------------------------------------------------------------------------------------- */

static void add_time(int64_t *list, unsigned *n, int64_t us)
{
	if (*n < JOIN_ATTEMPTS)
		list[(*n)++] = us;
}

static void tell_life(struct oom_join *j, struct join_life *l, int feed, const struct oom_fact *f)
{
	struct oom_life *r = &l->row;

	switch (f->kind) {
	case OOM_FACT_QUEUE_REAPER:
		join_min(&r->queued_us, f->mono_us);
		break;
	case OOM_FACT_WAKE_REAPER:
		join_min(&r->woken_us, f->mono_us);
		break;
	case OOM_FACT_REAP_START:
		join_min(&r->reap_start_us, f->mono_us);
		break;
	case OOM_FACT_REAP_FINISH:
		add_time(l->finish, &l->nfinish, f->mono_us);
		break;
	case OOM_FACT_REAP_PARTIAL:
		add_time(l->partial, &l->npartial, f->mono_us);
		break;
	case OOM_FACT_REAP_SKIP:
		l->skips[feed]++;
		break;
	case OOM_FACT_EXIT_MMAP_BEGIN:
		join_min(&r->exit_begin_us, f->mono_us);
		break;
	case OOM_FACT_EXIT_MMAP_END:
		join_min(&r->exit_end_us, f->mono_us);
		break;
	case OOM_FACT_FREED:
		join_min(&r->freed_us, f->mono_us);
		break;
	default:
		r->aborted_rounds = f->count + (r->aborted_rounds == OOM_NA ? 0 : r->aborted_rounds);
	}
	if (f->kind == OOM_FACT_EXIT_MMAP_BEGIN || f->kind == OOM_FACT_EXIT_MMAP_END)
		j->sees_exits = true;
	join_fill(&r->tgid, f->tgid);
}

static bool on_life(struct oom_join *j, int feed, const struct oom_fact *f, int64_t now_us)
{
	struct join_case *c = NULL;
	struct join_life *l = join_life_find(j, f, JOIN_FEED_SKEW_US, &c);

	if (!l)
		return false;
	c->feeds |= 1u << feed;
	tell_life(j, l, feed, f);
	join_touch(c, now_us);
	return true;
}

/* What came before anybody told who it is about. */
void join_adopt_orphans(struct oom_join *j, int64_t now_us)
{
	for (unsigned i = 0; i < j->norphans; i++) {
		struct oom_fact *f = &j->orphan[i].f;

		if (f->kind != OOM_FACT_KINDS && on_life(j, j->orphan[i].feed, f, now_us))
			f->kind = OOM_FACT_KINDS;
	}
}

static void keep_orphan(struct oom_join *j, int feed, const struct oom_fact *f)
{
	unsigned i = j->next_orphan++ % JOIN_ORPHANS;

	j->orphan[i].f = *f;
	j->orphan[i].f.comm = OOM_STR_NULL;
	j->orphan[i].feed = feed;
	if (j->norphans < JOIN_ORPHANS)
		j->norphans++;
}

int oom_join_fact(struct oom_join *j, const char *feed, const struct oom_fact *f, int64_t now_us)
{
	static int (*const on[OOM_FACT_KINDS])(struct oom_join *, int, const struct oom_fact *, int64_t) = {
		[OOM_FACT_SELECTION] = on_selection,
		[OOM_FACT_CANDIDATE] = on_candidate,
		[OOM_FACT_CHOSEN] = on_chosen,
		[OOM_FACT_NO_VICTIM] = on_no_victim,
		[OOM_FACT_KILL] = on_kill,
		[OOM_FACT_MARK_VICTIM] = on_mark,
	};
	int i = join_feed(j, feed), r;

	if (i < 0 || f->kind < 0 || f->kind >= OOM_FACT_KINDS)
		return 0;
	if (on[f->kind]) {
		r = on[f->kind](j, i, f, now_us);
		if (f->kind == OOM_FACT_KILL || f->kind == OOM_FACT_MARK_VICTIM)
			join_adopt_orphans(j, now_us);
	} else {
		r = 0;
		if ((f->kind == OOM_FACT_ABORTED || (f->kind >= OOM_FACT_QUEUE_REAPER && f->kind <= OOM_FACT_FREED)) &&
		    !on_life(j, i, f, now_us))
			keep_orphan(j, i, f);
	}
	if (!r)
		j->tally.facts++;
	return r;
}

void oom_join_lost(struct oom_join *j, const char *feed, uint64_t n)
{
	int i = join_feed(j, feed);

	for (struct join_case *c = j->newest; c && n; c = c->prev)
		if (c->round_feed == i && c->selected && !c->put)
			c->lost += (int64_t)n;
}

/* ---- who freed its memory ----------------------------------------------------------------------------- */

/* __oom_reap_task_mm() says that parts are left, then the reaper's attempt ends: that end is no success. */
#define PARTIAL_US 50000

int64_t join_reaped(const struct join_life *l)
{
	int64_t best = OOM_NA;

	for (unsigned i = 0; i < l->nfinish; i++) {
		bool partial = false;

		for (unsigned k = 0; k < l->npartial; k++)
			partial |= l->partial[k] <= l->finish[i] && l->finish[i] - l->partial[k] <= PARTIAL_US;
		if (!partial)
			join_min(&best, l->finish[i]);
	}
	return best;
}

int64_t join_freed(const struct oom_join *j, const struct join_life *l, bool over, int64_t *by)
{
	int64_t reap = l->unable ? OOM_NA : join_reaped(l), end = l->row.exit_end_us, who = OOM_FREED_UNSEEN;

	if (reap != OOM_NA && (end == OOM_NA || reap <= end))
		who = OOM_FREED_REAPER;
	else if (end != OOM_NA)
		who = OOM_FREED_EXIT_MMAP;
	else if (l->reaped)
		who = OOM_FREED_REAPER;
	else if (over && l->row.marked_us != OOM_NA && l->row.freed_us == OOM_NA && (j->sees_exits || j->o.has_exits))
		who = OOM_FREED_NOBODY;
	if (by)
		*by = who;
	return who == OOM_FREED_REAPER && reap != OOM_NA ? reap : end != OOM_NA ? end : l->row.freed_us;
}
