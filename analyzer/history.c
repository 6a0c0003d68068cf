/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Rows that earlier events of the same boot killed: what the kernel made of them in this selection. */
#include "pass.h"

#include <errno.h>
#include <stdlib.h>

static int by_pid(const void *pa, const void *pb)
{
	const struct oom_prior *a = *(const struct oom_prior *const *)pa,
			       *b = *(const struct oom_prior *const *)pb;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	return a < b ? -1 : a > b;                     /* the order of the array is the order of the kills */
}

/* The latest kill of the pid, or NULL. */
static const struct oom_prior *find_prior(const struct oom_prior **sorted, size_t n, int64_t pid)
{
	size_t lo = 0, hi = n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (sorted[mid]->pid <= pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo && sorted[lo - 1]->pid == pid ? sorted[lo - 1] : NULL;
}

/*
 * A victim whose mm is marked (reaped, or given up on) is passed over by every later scan.  From 4.8 on a
 * victim that is not marked aborts the scan, and then there is no dump: so a row of this dump that was killed
 * before is marked, or its pid has a new owner.  Older kernels let go of the group as soon as the marked
 * thread had exited (TIF_MEMDIE): there it may have been a candidate again.
 */
#define PID_REUSE_US 60000000LL       /* after a minute nobody can say whose pid it is */

static bool is_doubtful(const struct oom_case *c, const struct oom_prior *p)
{
	if (p->reap == OOM_REAP_REAPED || p->reap == OOM_REAP_UNABLE || p->reap == OOM_REAP_PINNED)
		return false;
	if (c->p < oom_profile_named("4.9"))
		return true;
	return p->killed_us < 0 || c->ev->boot_us < 0 || c->ev->boot_us - p->killed_us > PID_REUSE_US;
}

static bool is_same_process(const struct oom_task *t, const struct oom_prior *p)
{
	/* the row of a group whose leader has exited carries the name of another thread */
	return !p->comm.p || oom_str_eq(p->comm, t->comm) || t->pid != t->tgid;
}

int oom_case_skips(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	const struct oom_prior **sorted;
	int64_t killed = ev->nvictims ? ev->victim[0].pid : OOM_NA;
	size_t cap = 0;

	c->skip = NULL;
	c->nskips = 0;
	if (!ev->npriors)
		return 0;
	sorted = oom_arena_alloc(c->arena, ev->npriors * sizeof(*sorted));
	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < ev->npriors; i++)
		sorted[i] = &ev->prior[i];
	qsort(sorted, ev->npriors, sizeof(*sorted), by_pid);
	for (size_t i = 0; i < ev->ntasks; i++) {
		const struct oom_task *t = &ev->task[i];
		const struct oom_prior *p = find_prior(sorted, ev->npriors, t->tgid);
		struct oom_skip *s;

		if (!p)
			p = find_prior(sorted, ev->npriors, t->pid);
		/* the ballot itself shows what had become of it */
		if (ev->ballot != OOM_BALLOT_NONE && t->kernel_flags != OOM_NA)
			continue;
		/* whom the kernel killed again was a candidate again, whatever became of the pid's first
		 * owner */
		if (!p || !is_same_process(t, p) || t->pid == killed || t->tgid == killed ||
		    t->tgid == ev->chosen_pid)
			continue;
		s = oom_arena_grow(c->arena, c->skip, c->nskips, &cap, sizeof(*s));
		if (!s)
			return -ENOMEM;
		c->skip = s;
		c->skip[c->nskips++] =
			(struct oom_skip){ .index = i, .prior = p, .maybe = is_doubtful(c, p) };
	}
	return 0;
}
