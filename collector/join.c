/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The join's handle, and when each case is due. */
#include "join_impl.h"

#include <errno.h>

#define MS INT64_C(1000)
#define GRACE_US       (15 * MS)      /* for what the log says of the same kill in its next lines */
#define SILENT_US      (60 * MS)      /* for the same mark by another feed */
#define UNLOGGED_US    (100 * MS)     /* ... where no log is read */
#define LOG_US         (400 * MS)     /* for the kill line of a mark */
#define LOG_LATEST_US  (2 * OOM_SEC_US)
#define AGAIN_US       (200 * MS)     /* between looks whether the log was read */
#define GAIN_US        (100 * MS)     /* for more lines of an event that was put out */
#define MID_US         (3 * OOM_SEC_US / 2)   /* most victims are gone by then */
#define FREED_US       (500 * MS)     /* from the end of the memory to that of the task */
#define FORGET_US      (5 * OOM_SEC_US)
#define ABANDON_US     (180 * OOM_SEC_US)     /* an event that the parser never handed over */
#define MAX_GAINS      3

/* ---- the handle --------------------------------------------------------------------------------------- */

static int copy_self(struct oom_join *j)
{
	struct oom_str *s[] = { &j->o.self.host, &j->o.self.machine_id, &j->o.self.boot_id, &j->o.self.kernel };
	size_t n = 1;
	char *p;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(s); i++)
		n += s[i]->n;
	p = j->self_text = oom_malloc(n);
	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(s); i++) {
		if (!s[i]->p)
			continue;
		memcpy(p, s[i]->p, s[i]->n);
		s[i]->p = p;
		p += s[i]->n;
	}
	return 0;
}

int oom_join_new(const struct oom_join_opts *o, struct oom_join **ret)
{
	struct oom_join *j = oom_malloc(sizeof(*j));

	if (!j)
		return -ENOMEM;
	memset(j, 0, offsetof(struct oom_join, slot));
	j->o = *o;
	j->nfeeds = 1;                        /* 0 is the log */
	j->log_read_us = j->count.since_us = j->count.read_us = j->count.told_us = INT64_MIN / 2;
	j->count.base = j->count.value = o->oom_kill;
	if (copy_self(j)) {
		oom_free(j);
		return -ENOMEM;
	}
	*ret = j;
	return 0;
}

void oom_join_reserve(struct oom_join *j)
{
	memset(&j->slot[j->nslots], 0, (JOIN_CASES - j->nslots) * sizeof(j->slot[0]));
}

void oom_join_witnesses(struct oom_join *j, const struct oom_join_opts *o)
{
	j->o.has_log = o->has_log;
	j->o.has_ballot = o->has_ballot;
	j->o.has_marks = o->has_marks;
	j->o.has_exits = o->has_exits;
}

void oom_join_free(struct oom_join *j)
{
	if (!j)
		return;
	while (j->oldest)
		join_case_drop(j, j->oldest);
	oom_free(j->self_text);
	oom_free(j);
}

void oom_join_wall(struct oom_join *j, int64_t wall_minus_mono_us)
{
	j->o.self.wall_minus_mono_us = wall_minus_mono_us;
}

void oom_join_finish(struct oom_join *j)
{
	j->finishing = true;
}

int64_t oom_join_waiting(const struct oom_join *j)
{
	int64_t line = OOM_NA;

	for (const struct join_case *c = j->oldest; c; c = c->next)
		if (c->has_ev)
			join_min(&line, c->first_line);
	return line;
}

void oom_join_tally(const struct oom_join *j, struct oom_join_tally *ret)
{
	*ret = j->tally;
}

/* ---- when --------------------------------------------------------------------------------------------- */

static bool all_silent(const struct join_case *c)
{
	for (size_t i = 0; i < c->nlives; i++)
		if (c->life[i].loud || !c->life[i].silent)
			return false;
	return c->nlives > 0;
}

static int64_t since(const struct join_case *c)
{
	return c->last_us != OOM_NA ? c->last_us : c->told_us;
}

int64_t join_ripe(const struct oom_join *j, const struct join_case *c)
{
	if (all_silent(c))
		return since(c) + SILENT_US;
	return since(c) + (j->o.has_log ? LOG_US : UNLOGGED_US);
}

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static int64_t sooner(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Other kills must be told and counted, or a stranger's would be taken for this one's.  In a storm they never are. */
int64_t join_settled(const struct oom_join *j, const struct join_case *c)
{
	int64_t calm = later(j->count.since_us, j->count.told_us) + AGAIN_US;

	return sooner(later(join_ripe(j, c), calm), since(c) + LOG_LATEST_US);
}

/* A case that the log has nothing of: once log and counter were read after it, or at the latest. */
static int64_t facts_due(const struct oom_join *j, const struct join_case *c)
{
	int64_t ripe = join_ripe(j, c), last = since(c) + LOG_LATEST_US, us = ripe;

	if (!c->nlives)
		return c->no_victim && !j->o.has_log ? ripe : c->told_us + FORGET_US;
	if (all_silent(c))
		return ripe;
	if (j->o.has_log && (j->log_read_us < ripe || j->log_busy))
		us = later(us, j->log_read_us + AGAIN_US);
	if (join_undecided(j, c) && j->count.read_us < join_settled(j, c))
		us = later(us, join_settled(j, c));
	return sooner(us, last);
}

/* The deadline may come before the facts are ripe: somebody has to look at log and counter. */
static bool facts_ready(const struct oom_join *j, const struct join_case *c, int64_t now_us)
{
	int64_t ripe = join_ripe(j, c);

	if (now_us >= since(c) + LOG_LATEST_US || all_silent(c))
		return true;
	if (j->o.has_log && (j->log_read_us < ripe || j->log_busy))
		return false;
	return !join_undecided(j, c) || j->count.read_us >= join_settled(j, c);
}

static bool memory_is_free(const struct oom_join *j, const struct join_case *c)
{
	for (size_t i = 0; i < c->nlives; i++)
		if (join_freed(j, &c->life[i], false, NULL) == OOM_NA)
			return false;
	return true;
}

static bool all_gone(const struct join_case *c)
{
	for (size_t i = 0; i < c->nlives; i++)
		if (c->life[i].nmarks && c->life[i].row.freed_us == OOM_NA)
			return false;
	return true;
}

/* Somebody told of its life, and may go on. */
static bool has_life(const struct join_case *c)
{
	return (c->feeds & ~JOIN_LOG) && c->nlives;
}

static bool final(const struct join_case *c)
{
	return c->final || !c->has_log;
}

/* The next version of what was put out before. */
static int64_t amend_due(const struct oom_join *j, const struct join_case *c)
{
	int64_t us = INT64_MAX;

	if (c->has_ev)
		return c->final ? c->log_us : c->outs < MAX_GAINS ? c->log_us + GAIN_US : INT64_MAX;
	if (c->dirty && c->amendable && !c->past) {
		if (!c->mid_done)
			us = c->put_us + MID_US;
		if (final(c) && memory_is_free(j, c))
			us = sooner(us, c->change_us + FREED_US);
	}
	if (has_life(c) && c->amendable && !c->window_done && !memory_is_free(j, c) &&
	    (c->dirty || j->sees_exits || j->o.has_exits))
		us = sooner(us, c->begin_us + JOIN_WINDOW_US);
	return us;
}

/* Nothing more will be told of it. */
static int64_t close_due(const struct oom_join *j, const struct join_case *c)
{
	if (c->has_ev || !c->put)
		return INT64_MAX;
	if (!final(c))
		return c->put_us + ABANDON_US;
	if (c->past || !c->amendable || !(j->o.has_marks || j->o.has_ballot))
		return c->put_us;
	if (!has_life(c))
		return c->put_us + FORGET_US;
	if (all_gone(c) && !c->dirty)
		return later(c->put_us, c->change_us) + FORGET_US;
	return c->begin_us + (j->sees_exits || j->o.has_exits ? JOIN_LATE_US : JOIN_WINDOW_US + OOM_SEC_US);
}

static int64_t first_due(const struct oom_join *j, const struct join_case *c)
{
	if (!c->has_ev)
		return facts_due(j, c);
	return c->final || c->past ? c->log_us : c->log_us + GRACE_US;
}

static bool too_many(const struct oom_join *j)
{
	return j->ncases > JOIN_OPEN || j->bytes > JOIN_BYTES;
}

int64_t oom_join_deadline(const struct oom_join *j)
{
	int64_t us = j->count.unseen ? INT64_MIN : join_compare_due(j);

	if ((j->finishing && j->oldest) || too_many(j))
		return INT64_MIN;
	for (const struct join_case *c = j->oldest; c; c = c->next)
		us = sooner(us, c->put ? sooner(amend_due(j, c), close_due(j, c)) : first_due(j, c));
	return us;
}

/* ---- next --------------------------------------------------------------------------------------------- */

enum todo { WAIT, PUT, DROP };

static bool is_nothing(const struct oom_join *j, const struct join_case *c)
{
	return !c->has_ev && !c->nlives && !(c->no_victim && !j->o.has_log);
}

static enum todo look(struct oom_join *j, struct join_case *c, int64_t now_us, bool forced)
{
	if (!c->put) {
		if (is_nothing(j, c))
			return forced || now_us >= facts_due(j, c) ? DROP : WAIT;
		if (forced)
			return PUT;
		if (now_us < first_due(j, c))
			return WAIT;
		return c->has_ev || facts_ready(j, c, now_us) ? PUT : WAIT;
	}
	if (forced)
		return c->has_ev || (c->dirty && c->amendable) ? PUT : DROP;
	if (now_us >= amend_due(j, c))
		return PUT;
	return now_us >= close_due(j, c) ? DROP : WAIT;
}

static int put(struct oom_join *j, struct join_case *c, int64_t now_us, struct oom_join_out *ret)
{
	bool first = !c->put;
	int r;

	join_decide(j, c);
	if (!first && now_us >= c->begin_us + JOIN_WINDOW_US)
		c->window_done = true;
	r = join_put_case(j, c, now_us, ret);
	if (r < 0)
		return r;
	c->mid_done |= !first && now_us >= c->put_us + MID_US;
	if (first)
		c->put_us = now_us;
	c->put = true;
	c->dirty = false;
	c->outs++;
	return 1;
}

/* Who makes room: the oldest that was put out, so that the others are still met by their log lines. */
static const struct join_case *given_up(const struct oom_join *j)
{
	const struct join_case *c = j->oldest;

	while (c && !c->put)
		c = c->next;
	return c ? c : j->oldest;
}

int oom_join_next(struct oom_join *j, int64_t now_us, struct oom_join_out *ret)
{
	struct join_case *c, *next;

	join_compare(j, now_us);
	for (c = j->oldest; c; c = next) {
		enum todo t = look(j, c, now_us, j->finishing || (too_many(j) && c == given_up(j)));

		next = c->next;
		if (t == PUT)
			return put(j, c, now_us, ret);
		if (t == DROP)
			join_case_drop(j, c);
	}
	return j->count.unseen ? join_put_unseen(j, now_us, ret) : 0;
}
