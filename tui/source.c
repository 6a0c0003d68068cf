/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where passes come from: the running system, or one selection of the past. */
#include "model.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

/* ---- the running system -------------------------------------------------------------------------------- */

struct live { struct source base; struct oom_sampler *sampler; };

static int live_next(struct source *s, struct oom_sample *ret, struct oom_err *reterr)
{
	return oom_sampler_next(((struct live *)s)->sampler, ret, reterr);
}

static int live_view(struct source *s, const struct oom_domain *d, struct oom_event *ret)
{
	return oom_sampler_view(((struct live *)s)->sampler, d, ret);
}

static int live_detail(struct source *s, size_t task, struct oom_sample_detail *ret)
{
	return oom_sampler_detail(((struct live *)s)->sampler, task, ret);
}

static void live_close(struct source *s)
{
	oom_sampler_close(((struct live *)s)->sampler);
	oom_free(s);
}

/* Shells give few, and the hard limit is what the administrator allows. */
static void raise_file_limit(void)
{
	struct rlimit l;

	if (getrlimit(RLIMIT_NOFILE, &l) || l.rlim_cur == l.rlim_max)
		return;
	l.rlim_cur = l.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &l);
}

int source_live(struct source **ret, struct oom_err *reterr)
{
	static const struct source_ops ops = { "proc", true, false, live_next, live_view, live_detail, live_close };
	/* kept files make a pass twice as fast; the sampler takes as many as the limits leave */
	struct oom_sampler_opts opts = { .want = OOM_SAMPLE_ALL | OOM_SAMPLE_KERNEL, .keep_files = 40000 };
	struct live *l = oom_malloc(sizeof(*l));
	int r;

	if (!l)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	l->base.ops = &ops;
	raise_file_limit();
	r = oom_sampler_open(&opts, &l->sampler, reterr);
	if (r) {
		oom_free(l);
		return r;
	}
	*ret = &l->base;
	return 0;
}

/* ---- one selection of the past ------------------------------------------------------------------------- */

struct past_source { struct source base; struct oom_event ev; struct oom_domain domain; };

static int past_next(struct source *s, struct oom_sample *ret, struct oom_err *reterr)
{
	struct past_source *p = (struct past_source *)s;

	(void)reterr;
	*ret = (struct oom_sample){ .event = &p->ev, .domain = &p->domain, .ndomains = 1, .cgroup_version = OOM_NA };
	ret->info.interval_us = OOM_NA;
	return 0;
}

static int past_view(struct source *s, const struct oom_domain *d, struct oom_event *ret)
{
	(void)d;
	*ret = ((struct past_source *)s)->ev;
	return 0;
}

static void past_close(struct source *s)
{
	oom_event_release(&((struct past_source *)s)->ev);
	oom_free(s);
}

static int64_t machine_kb(const struct oom_event *ev)
{
	if (ev->ram_pages == OOM_NA || ev->page_size == OOM_NA)
		return OOM_NA;
	return (ev->ram_pages - (ev->reserved_pages == OOM_NA ? 0 : ev->reserved_pages)) * (ev->page_size / 1024);
}

int source_event(struct oom_event *ev, struct source **ret)
{
	static const struct source_ops ops = { "event", false, true, past_next, past_view, NULL, past_close };
	struct past_source *p = oom_malloc(sizeof(*p));
	bool memcg = ev->scope == OOM_SCOPE_MEMCG;
	struct oom_replay replay;
	int r;

	if (!p) {
		oom_event_release(ev);
		return -ENOMEM;
	}
	*p = (struct past_source){ .base = { &ops }, .ev = *ev };
	p->domain = (struct oom_domain){
		.scope = ev->scope, .path = memcg ? ev->oom_memcg : ev->mems_allowed, .cgroup = -1, .parent = -1, .group = -1,
		.total_pages = ev->total_pages, .limit_kb = memcg ? ev->memcg_limit_kb : machine_kb(ev),
		.usage_kb = memcg ? ev->memcg_usage_kb : OOM_NA, .headroom_kb = OOM_NA, .room_kb = OOM_NA, .reclaimable_kb = OOM_NA,
		.swap_limit_kb = ev->swap_total_kb,
		.swap_usage_kb = ev->swap_total_kb == OOM_NA || ev->swap_free_kb == OOM_NA ? OOM_NA : ev->swap_total_kb - ev->swap_free_kb,
		.prev_usage_kb = OOM_NA, .kill_disabled = OOM_NA, .oom_group = OOM_NA, .victim = -1, .runner_up = -1,
		.ntasks = ev->ntasks,
	};
	*ev = (struct oom_event){ 0 };
	r = oom_replay_run(&p->ev, NULL, &replay);
	p->domain.victim = replay.winner;
	oom_replay_release(&replay);
	if (r) {
		past_close(&p->base);
		return r;
	}
	*ret = &p->base;
	return 0;
}
