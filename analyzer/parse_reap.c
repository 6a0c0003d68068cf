/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What became of a victim: the reaper speaks seconds later, perhaps when the next report is already being printed. */
#include "rules.h"

#include <errno.h>

static struct oom_victim *victim(struct oom_ctx *c, int64_t pid, enum oom_reap reap)
{
	struct oom_past *past = oom_past_find(c->h, pid, INT64_MAX);
	struct oom_victim *v = NULL;
	struct oom_episode *ep = oom_episode_of(c->p, c->h, pid, &v);

	if (past && past->reap == OOM_REAP_UNSEEN) {
		past->reap = reap;
		past->reap_line = c->line->lineno;
	}
	c->took = ep;
	if (!ep || v->reap != OOM_REAP_UNSEEN)        /* a stuck reaper repeats itself */
		return NULL;
	v->reap = reap;
	v->reap_us = oom_ctx_us(c);
	v->reap_line = c->line->lineno;
	return v;
}

int oom_on_reaped(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_victim *v;
	struct oom_str shmem = m->n > 4 ? m->s[4] : OOM_STR_NULL;
	int64_t kb = OOM_NA;

	if (m->n > 4 && (!oom_take_i64(&shmem, &kb) || !shmem.n)) {
		if (!c->final)
			return OOM_PARTIAL;
		kb = OOM_NA;
	}
	if (m->n < 2)
		return OOM_NO;
	v = victim(c, m->v[0], OOM_REAP_REAPED);
	if (!v)
		return OOM_MATCH;
	v->reap_anon_rss_kb = m->n > 2 ? m->v[2] : OOM_NA;
	v->reap_file_rss_kb = m->n > 3 ? m->v[3] : OOM_NA;
	v->reap_shmem_rss_kb = kb;
	return OOM_MATCH;
}

int oom_on_unable(struct oom_ctx *c, const struct oom_caps *m)
{
	if (!m->n)
		return OOM_NO;
	(void)victim(c, m->v[0], OOM_REAP_UNABLE);
	return OOM_MATCH;
}

int oom_on_pinned(struct oom_ctx *c, const struct oom_caps *m)
{
	if (!m->n)
		return OOM_NO;
	(void)victim(c, m->v[0], OOM_REAP_PINNED);
	return OOM_MATCH;
}
