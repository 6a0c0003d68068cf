/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Cases, and the processes in them. */
#include "join_impl.h"

#include <errno.h>

int join_feed(struct oom_join *j, const char *name)
{
	for (int i = 1; i < j->nfeeds; i++)
		if (!strncmp(j->feed_name[i], name, sizeof(j->feed_name[i]) - 1))
			return i;
	if (j->nfeeds == JOIN_FEEDS)
		return -1;
	snprintf(j->feed_name[j->nfeeds], sizeof(j->feed_name[0]), "%s", name);
	return j->nfeeds++;
}

char *join_path(const struct oom_join *j, int64_t memcg_id)
{
	char path[4096], *copy;
	int n;

	if (!j->o.cgroup_path || memcg_id == OOM_NA || memcg_id <= 0)
		return NULL;
	n = j->o.cgroup_path(memcg_id, path, sizeof(path));
	copy = n > 0 ? oom_malloc((size_t)n + 1) : NULL;
	if (copy) {
		memcpy(copy, path, (size_t)n);
		copy[n] = 0;
	}
	return copy;
}

/* ---- cases -------------------------------------------------------------------------------------------- */

static void forget_decisions(struct oom_join *j, const struct join_case *c)
{
	for (size_t i = 0; i < JOIN_DECISIONS; i++) {
		struct join_decision *d = &j->decision[i];

		if (d->of != c)
			continue;
		d->of = NULL;
		d->memcg_id = c->selected ? c->trigger.memcg_id : c->global ? 0 : OOM_NA;
		d->constraint = c->selected ? c->trigger.constraint : c->global ? 0 : OOM_NA;
		if (!c->chosen && c->was_silent)
			d->us = OOM_NA;
	}
}

/* Slots are there from the start, so that a kill finds a place when memory is short. */
struct join_case *join_case_new(struct oom_join *j, int64_t now_us)
{
	struct join_case *c;

	for (c = j->oldest; !j->unused && j->nslots == JOIN_CASES && c; c = c->next)
		if (c->put && !c->has_ev) {
			join_case_drop(j, c);
			break;
		}
	c = j->unused;
	if (c)
		j->unused = c->next;
	else if (j->nslots < JOIN_CASES)
		c = &j->slot[j->nslots++];
	else
		return NULL;
	memset(c, 0, sizeof(*c));
	c->round_feed = -1;
	c->round = c->begin_us = c->last_us = c->first_line = c->put_us = OOM_NA;
	c->told_us = c->change_us = now_us;
	c->life = &c->first_life;
	c->cap_lives = 1;
	c->sees_marks = j->o.has_marks;
	c->prev = j->newest;
	if (j->newest)
		j->newest->next = c;
	else
		j->oldest = c;
	j->newest = c;
	j->ncases++;
	return c;
}

void join_candidates_free(struct oom_join *j, struct join_case *c)
{
	j->bytes -= c->cap_candidates * sizeof(*c->candidate);
	oom_free(c->candidate);
	c->candidate = NULL;
	c->ncandidates = c->cap_candidates = 0;
}

void join_event_free(struct oom_join *j, struct join_case *c)
{
	if (!c->has_ev)
		return;
	j->bytes -= c->ev_bytes;
	oom_event_release(&c->ev);
	c->has_ev = false;
}

void join_case_drop(struct oom_join *j, struct join_case *c)
{
	join_candidates_free(j, c);
	join_event_free(j, c);
	oom_free(c->ident.path);
	for (size_t i = 0; i < c->nlives; i++)
		oom_free(c->life[i].cgroup);
	if (c->life != &c->first_life) {
		j->bytes -= c->cap_lives * sizeof(*c->life);
		oom_free(c->life);
	}
	oom_free(c->oom_path);
	forget_decisions(j, c);
	if (c->put && c->has_log) {
		unsigned i = j->nleft++ % JOIN_LEFT;

		j->left[i].first_line = c->first_line;
		j->left[i].counted = c->counted;
		j->left[i].early = c->early_kills;
		j->left[i].final = c->final;
	}
	if (c->prev)
		c->prev->next = c->next;
	else
		j->oldest = c->next;
	if (c->next)
		c->next->prev = c->prev;
	else
		j->newest = c->prev;
	c->next = j->unused;
	j->unused = c;
	j->ncases--;
}

struct join_case *join_case_of_round(struct oom_join *j, int feed, int64_t round)
{
	if (round == OOM_NA)
		return NULL;
	for (struct join_case *c = j->newest; c; c = c->prev)
		if (c->round_feed == feed && c->round == round)
			return c;
	return NULL;
}

void join_touch(struct join_case *c, int64_t now_us)
{
	c->change_us = now_us;
	c->dirty = true;
}

/* ---- processes ---------------------------------------------------------------------------------------- */

static void clear_life(struct join_life *l)
{
	memset(l, 0, sizeof(*l));
	for (size_t i = 0; i < oom_life_record.nfields; i++)
		if (oom_life_record.field[i].type == OOM_TYPE_INT)
			oom_field_set_int(&oom_life_record.field[i], &l->row, OOM_NA);
	l->memcg_id = l->begin_us = OOM_NA;
	l->total_vm = l->rss_anon = l->rss_file = l->rss_shmem = l->pgtables_bytes = l->adj = OOM_NA;
	l->tallied = -1;
}

/* A row's strings live in the row, which moves when the array grows. */
static void point(struct join_case *c)
{
	for (size_t i = 0; i < c->nlives; i++) {
		struct join_life *l = &c->life[i];

		if (l->row.comm.p)
			l->row.comm.p = l->comm;
		l->row.cgroup = oom_str_from(l->cgroup);
	}
}

static int reserve(struct oom_join *j, struct join_case *c, size_t n)
{
	struct join_life *life;
	size_t cap = c->cap_lives;

	while (cap < n)
		cap *= 2;
	if (cap == c->cap_lives)
		return 0;
	life = cap <= JOIN_LIVES ? oom_malloc(cap * sizeof(*life)) : NULL;
	if (!life)
		return -ENOMEM;
	memcpy(life, c->life, c->nlives * sizeof(*life));
	if (c->life != &c->first_life) {
		oom_free(c->life);
		j->bytes -= c->cap_lives * sizeof(*life);
	}
	j->bytes += cap * sizeof(*life);
	c->life = life;
	c->cap_lives = cap;
	point(c);
	return 0;
}

struct join_life *join_life_add(struct oom_join *j, struct join_case *c)
{
	if (reserve(j, c, c->nlives + 1))
		return NULL;
	clear_life(&c->life[c->nlives]);
	return &c->life[c->nlives++];
}

/* The same process, as far as the fact can say; a pid alone may be that of any of its marked threads. */
bool join_life_is(const struct join_life *l, const struct oom_fact *f)
{
	if (f->start_us != OOM_NA && l->row.start_us != OOM_NA && f->start_us != l->row.start_us)
		return false;
	if (f->tgid != OOM_NA && l->row.tgid != OOM_NA)
		return f->tgid == l->row.tgid;
	for (unsigned i = 0; i < l->nmarks; i++)
		if (l->mark[i].pid == f->pid || l->mark[i].pid == f->tgid)
			return true;
	return f->pid != OOM_NA && (f->pid == l->row.pid || f->pid == l->row.tgid);
}

struct join_life *join_life_in(const struct join_case *c, const struct oom_fact *f)
{
	for (size_t i = 0; i < c->nlives; i++)
		if (join_life_is(&c->life[i], f))
			return &c->life[i];
	return NULL;
}

/* Could the fact be of this life, going by the time?  A pid is used again only after its task is gone. */
static bool in_time(const struct join_life *l, const struct oom_fact *f, int64_t skew_us)
{
	if (f->mono_us == OOM_NA || l->begin_us == OOM_NA)
		return true;
	if (f->mono_us < l->begin_us - skew_us || f->mono_us > l->begin_us + JOIN_LATE_US)
		return false;
	return l->row.freed_us == OOM_NA || f->mono_us <= l->row.freed_us + skew_us;
}

/* The latest of those that it can be. */
struct join_life *join_life_find(struct oom_join *j, const struct oom_fact *f, int64_t skew_us, struct join_case **ret)
{
	struct join_life *best = NULL;

	for (struct join_case *c = j->newest; c; c = c->prev)
		for (size_t i = 0; i < c->nlives; i++) {
			struct join_life *l = &c->life[i];

			if (!join_life_is(l, f) || !in_time(l, f, c->feeds == JOIN_LOG ? JOIN_LOG_SKEW_US : skew_us))
				continue;
			if (best && l->begin_us <= best->begin_us)
				continue;
			best = l;
			*ret = c;
		}
	return best;
}

struct join_mark *join_mark_of(struct join_life *l, int64_t pid)
{
	for (unsigned i = 0; i < l->nmarks; i++)
		if (l->mark[i].pid == pid)
			return &l->mark[i];
	return NULL;
}

/* The first thread stays; of many others the oldest gives way. */
struct join_mark *join_mark_add(struct join_life *l, int64_t pid)
{
	struct join_mark *m = join_mark_of(l, pid);

	if (m)
		return m;
	if (l->nmarks == JOIN_THREADS) {
		memmove(&l->mark[1], &l->mark[2], (JOIN_THREADS - 2) * sizeof(*m));
		l->nmarks--;
	}
	m = &l->mark[l->nmarks++];
	*m = (struct join_mark){ .pid = pid, .us = OOM_NA };
	return m;
}

/* ---- two into one ------------------------------------------------------------------------------------- */

static void merge_marks(struct join_life *dst, const struct join_life *src)
{
	for (unsigned i = 0; i < src->nmarks; i++) {
		struct join_mark *m = join_mark_add(dst, src->mark[i].pid);

		m->feeds |= src->mark[i].feeds;
		join_min(&m->us, src->mark[i].us);
	}
}

static void add_times(int64_t *dst, unsigned *n, const int64_t *src, unsigned nsrc)
{
	for (unsigned i = 0; i < nsrc && *n < JOIN_ATTEMPTS; i++)
		dst[(*n)++] = src[i];
}

/* Both are one process; src gives up its path. */
static void merge_life(struct join_life *dst, struct join_life *src)
{
	struct oom_life *a = &dst->row, *b = &src->row;
	int64_t *const time[][2] = {
		{ &a->selected_us, &b->selected_us }, { &a->killed_us, &b->killed_us }, { &a->marked_us, &b->marked_us },
		{ &a->queued_us, &b->queued_us }, { &a->woken_us, &b->woken_us },
		{ &a->reap_start_us, &b->reap_start_us }, { &a->exit_begin_us, &b->exit_begin_us },
		{ &a->exit_end_us, &b->exit_end_us }, { &a->freed_us, &b->freed_us },
		{ &dst->begin_us, &src->begin_us },
	};
	int64_t *const known[][2] = {
		{ &a->pid, &b->pid }, { &a->tgid, &b->tgid }, { &a->uid, &b->uid }, { &a->start_us, &b->start_us },
		{ &dst->memcg_id, &src->memcg_id }, { &dst->total_vm, &src->total_vm },
		{ &dst->rss_anon, &src->rss_anon }, { &dst->rss_file, &src->rss_file },
		{ &dst->rss_shmem, &src->rss_shmem }, { &dst->pgtables_bytes, &src->pgtables_bytes },
		{ &dst->adj, &src->adj },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(time); i++)
		join_min(time[i][0], *time[i][1]);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(known); i++)
		join_fill(known[i][0], *known[i][1]);
	if (b->aborted_rounds != OOM_NA)
		a->aborted_rounds = b->aborted_rounds + (a->aborted_rounds == OOM_NA ? 0 : a->aborted_rounds);
	for (size_t i = 0; i < JOIN_FEEDS; i++)
		dst->skips[i] += src->skips[i];
	merge_marks(dst, src);
	add_times(dst->finish, &dst->nfinish, src->finish, src->nfinish);
	add_times(dst->partial, &dst->npartial, src->partial, src->npartial);
	if (!a->comm.p && b->comm.p) {
		memcpy(dst->comm, src->comm, sizeof(dst->comm));
		a->comm = (struct oom_str){ dst->comm, b->comm.n };
	}
	if (!dst->cgroup) {
		dst->cgroup = src->cgroup;
		src->cgroup = NULL;
		a->cgroup = oom_str_from(dst->cgroup);
	}
	dst->kills += src->kills;
	dst->silent |= src->silent;
	dst->loud |= src->loud;
	dst->in_log |= src->in_log;
	dst->unable |= src->unable;
	dst->reaped |= src->reaped;
	if (src->in_log)
		dst->role = src->role;
	if (dst->tallied < 0)
		dst->tallied = src->tallied;
}

static void take_selection(struct join_case *dst, struct join_case *src)
{
	if (dst->selected || dst->chosen || !(src->selected || src->chosen))
		return;
	dst->selected = src->selected;
	dst->chosen = src->chosen;
	dst->reconstructed = src->reconstructed;
	dst->no_victim = src->no_victim;
	dst->open = src->open;
	dst->lost = src->lost;
	dst->trigger = src->trigger;
	dst->choice = src->choice;
	memcpy(dst->trigger_comm, src->trigger_comm, JOIN_COMM);
	memcpy(dst->choice_comm, src->choice_comm, JOIN_COMM);
	if (dst->trigger.comm.p)
		dst->trigger.comm.p = dst->trigger_comm;
	if (dst->choice.comm.p)
		dst->choice.comm.p = dst->choice_comm;
	dst->candidate = src->candidate;
	dst->ncandidates = src->ncandidates;
	dst->cap_candidates = src->cap_candidates;
	src->candidate = NULL;
	src->ncandidates = src->cap_candidates = 0;
}

static void take_log(struct join_case *dst, struct join_case *src)
{
	if (dst->has_log || !src->has_log)
		return;
	dst->has_log = true;
	dst->final = src->final;
	dst->past = src->past;
	dst->has_dump = src->has_dump;
	dst->ev_will_free = src->ev_will_free;
	dst->global |= src->global;
	dst->logged_kills = src->logged_kills;
	dst->early_kills = src->early_kills;
	dst->ev = src->ev;
	dst->has_ev = src->has_ev;
	dst->ev_bytes = src->ev_bytes;
	dst->first_line = src->first_line;
	dst->log_us = src->log_us;
	src->has_log = src->has_ev = false;
}

/* There is room for them. */
static void take_lives(struct oom_join *j, struct join_case *dst, struct join_case *src)
{
	for (size_t i = 0; i < src->nlives; i++) {
		struct join_life *s = &src->life[i], *d;
		struct oom_fact who = { .pid = s->row.pid, .tgid = s->row.tgid, .start_us = s->row.start_us };

		d = join_life_in(dst, &who);
		if (!d)
			d = join_life_add(j, dst);
		if (d)
			merge_life(d, s);
	}
}

int join_absorb(struct oom_join *j, struct join_case *dst, struct join_case *src)
{
	if (dst == src || (dst->put && src->put))
		return 0;
	if (reserve(j, dst, dst->nlives + src->nlives))
		return -ENOMEM;
	take_lives(j, dst, src);
	take_selection(dst, src);
	take_log(dst, src);
	if (!dst->oom_path) {
		dst->oom_path = src->oom_path;
		src->oom_path = NULL;
	}
	if (dst->round_feed < 0) {
		dst->round_feed = src->round_feed;
		dst->round = src->round;
	}
	dst->feeds |= src->feeds;
	join_min(&dst->begin_us, src->begin_us);
	if (src->last_us != OOM_NA && (dst->last_us == OOM_NA || src->last_us > dst->last_us))
		dst->last_us = src->last_us;
	if (src->told_us < dst->told_us)
		dst->told_us = src->told_us;
	join_touch(dst, src->change_us > dst->change_us ? src->change_us : dst->change_us);
	for (size_t i = 0; i < JOIN_DECISIONS; i++)
		if (j->decision[i].of == src)
			j->decision[i].of = dst;
	if (src->put) {
		dst->put = true;
		dst->outs = src->outs;
		dst->put_us = src->put_us;
		dst->mid_done = src->mid_done;
		dst->window_done = src->window_done;
		dst->amendable = src->amendable;
		dst->ident = src->ident;
		dst->counted = src->counted;
		memset(&src->ident, 0, sizeof(src->ident));
	}
	join_case_drop(j, src);
	return 0;
}
