/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A made-up machine with 8 GiB: a leak in one container, a cache in another.  Shows every view, needs nothing. */
#include "model.h"

#include <errno.h>
#include <string.h>

#define PAGE_KB 4
#define RAM_KB (INT64_C(8) << 20)
#define SWAP_KB (INT64_C(1) << 20)

static const struct { const char *path; int32_t parent; uint32_t depth; int64_t limit_mb; bool group; } groups[] = {
	{ "/", -1, 0, 0, false },
	{ "/system.slice", 0, 1, 0, false },
	{ "/system.slice/postgresql.service", 1, 2, 3072, false },
	{ "/system.slice/nginx.service", 1, 2, 0, false },
	{ "/system.slice/ssh.service", 1, 2, 0, false },
	{ "/kubepods.slice", 0, 1, 4096, false },
	{ "/kubepods.slice/pod-shop", 5, 2, 1024, true },
	{ "/kubepods.slice/pod-search", 5, 2, 2048, false },
	{ "/user.slice", 0, 1, 0, false },
};

static const struct { const char *comm; int64_t pid, uid, adj, anon_mb, file_mb, shmem_mb, swap_mb, grow_kb; int32_t group; } tasks[] = {
	{ "systemd", 1, 0, 0, 6, 9, 0, 1, 0, 0 },
	{ "systemd-journal", 412, 0, -250, 12, 40, 0, 2, 0, 1 },
	{ "sshd", 811, 0, -1000, 2, 6, 0, 0, 0, 4 },
	{ "nginx", 902, 0, 0, 4, 10, 0, 0, 0, 3 },
	{ "nginx", 903, 33, 0, 22, 14, 0, 0, 0, 3 },
	{ "nginx", 904, 33, 0, 21, 14, 0, 0, 0, 3 },
	{ "postgres", 1201, 107, -900, 18, 30, 120, 4, 0, 2 },
	{ "postgres", 1210, 107, 0, 40, 25, 700, 0, 256, 2 },
	{ "postgres", 1211, 107, 0, 38, 25, 640, 0, 128, 2 },
	{ "postgres", 1212, 107, 0, 60, 25, 480, 10, 0, 2 },
	{ "node", 2004, 1000, 996, 310, 48, 0, 0, 640, 6 },
	{ "node", 2005, 1000, 996, 120, 48, 0, 0, 0, 6 },
	{ "redis-server", 2080, 999, 996, 180, 6, 0, 0, 0, 6 },
	{ "java", 2300, 1000, 850, 1480, 36, 0, 60, 2048, 7 },
	{ "bash", 3100, 1001, 0, 3, 4, 0, 1, 0, 8 },
	{ "vim", 3155, 1001, 0, 14, 9, 0, 0, 0, 8 },
	{ "firefox", 3201, 1001, 100, 620, 210, 90, 120, -512, 8 },
	{ "Isolated Web Co", 3244, 1001, 167, 410, 90, 30, 40, 1024, 8 },
};
#define NTASKS OOM_ARRAY_SIZE(tasks)
#define NGROUPS OOM_ARRAY_SIZE(groups)

struct demo {
	struct source base;
	int64_t step;
	struct oom_event ev;
	struct oom_sample_row row[NTASKS];
	struct oom_sample_cgroup cgroup[NGROUPS];
	struct oom_domain domain[NGROUPS];
	size_t ndomains;
	uint32_t members[NGROUPS][NTASKS];
	struct oom_task gathered[NTASKS];
};

static bool below(int32_t group, int32_t ancestor)
{
	while (group >= 0 && group != ancestor)
		group = groups[group].parent;
	return group == ancestor;
}

/* A triangle: the leak grows for a while, is killed, and grows again. */
static int64_t grown_kb(int64_t grow_kb, int64_t step)
{
	return grow_kb * (step % 60);
}

static void fill_task(struct demo *d, size_t i)
{
	struct oom_task *t = &d->ev.task[i];
	struct oom_sample_row *r = &d->row[i];
	int64_t before = d->step ? r->usage_pages : OOM_NA, grow = grown_kb(tasks[i].grow_kb, d->step);

	t->pid = t->tgid = tasks[i].pid;
	t->uid = tasks[i].uid;
	t->oom_score_adj = tasks[i].adj;
	t->rss_anon_pages = (tasks[i].anon_mb * 1024 + grow) / PAGE_KB;
	t->rss_file_pages = tasks[i].file_mb * 1024 / PAGE_KB;
	t->rss_shmem_pages = tasks[i].shmem_mb * 1024 / PAGE_KB;
	t->rss_pages = t->rss_anon_pages + t->rss_file_pages + t->rss_shmem_pages;
	t->swap_pages = tasks[i].swap_mb * 1024 / PAGE_KB;
	t->pgtables_bytes = (t->rss_pages / 400 + 12) * 4096;
	t->total_vm_pages = t->rss_pages * 3;
	t->comm = oom_str_from(tasks[i].comm);
	t->cgroup = oom_str_from(groups[tasks[i].group].path);
	*r = (struct oom_sample_row){
		.ident = (uint64_t)tasks[i].pid, .ppid = 1, .threads = 1, .cgroup = tasks[i].group, .mems = -1, .bind = -1, .prev_usage_pages = before,
		.usage_pages = t->rss_pages + t->swap_pages + t->pgtables_bytes / 4096,
	};
}

static int64_t fill_members(struct demo *d, int32_t group, size_t *n)
{
	int64_t kb = 0;

	*n = 0;
	for (size_t i = 0; i < NTASKS; i++) {
		if (!below(tasks[i].group, group))
			continue;
		d->members[group][(*n)++] = (uint32_t)i;
		kb += (d->row[i].usage_pages - d->ev.task[i].swap_pages) * PAGE_KB;
	}
	return kb;
}

static void fill_victim(struct demo *d, struct oom_domain *to)
{
	struct oom_event view;
	struct oom_replay r;

	to->victim = -1;
	if (d->base.ops->view(&d->base, to, &view) || oom_replay_run(&view, oom_profile_named("5.9"), &r))
		return;
	if (r.winner >= 0) {
		to->victim = to->task[r.winner];
		to->points = r.winner_score.nominal;
	}
	oom_replay_release(&r);
}

static void fill_groups(struct demo *d)
{
	d->ndomains = 0;
	for (size_t i = 0; i < NGROUPS; i++) {
		struct oom_sample_cgroup *c = &d->cgroup[i];
		struct oom_domain *to = &d->domain[d->ndomains];
		int64_t limit = i ? groups[i].limit_mb * 1024 : RAM_KB, before = d->step ? to->usage_kb : OOM_NA;
		size_t n = 0;
		int64_t used = fill_members(d, (int32_t)i, &n);

		*c = (struct oom_sample_cgroup){ .path = oom_str_from(groups[i].path), .id = i + 1, .parent = groups[i].parent,
						 .depth = groups[i].depth, .domain = -1, .ntasks_below = (uint32_t)n };
		for (c->end = (uint32_t)i + 1; c->end < NGROUPS && below((int32_t)c->end, (int32_t)i); c->end++)
			;
		if (!limit)
			continue;
		c->domain = (int32_t)d->ndomains++;
		*to = (struct oom_domain){
			.scope = i ? OOM_SCOPE_MEMCG : OOM_SCOPE_GLOBAL, .path = i ? c->path : OOM_STR_NULL, .cgroup = (int32_t)i,
			.parent = i ? 0 : -1, .total_pages = (limit + (i ? 0 : SWAP_KB)) / PAGE_KB, .limit_kb = limit, .usage_kb = used,
			.headroom_kb = limit - used, .room_kb = limit - used, .swap_limit_kb = SWAP_KB, .swap_usage_kb = 238 << 10,
			.reclaimable_kb = 0, .prev_usage_kb = before, .group = groups[i].group ? (int32_t)i : -1, .oom_group = groups[i].group,
			.kill_disabled = 0, .task = d->members[i], .ntasks = n, .victim = -1, .runner_up = -1,
		};
		fill_victim(d, to);
	}
}

static int demo_next(struct source *s, struct oom_sample *ret, struct oom_err *reterr)
{
	struct demo *d = (struct demo *)s;

	(void)reterr;
	for (size_t i = 0; i < NTASKS; i++)
		fill_task(d, i);
	fill_groups(d);
	*ret = (struct oom_sample){
		.event = &d->ev, .row = d->row, .cgroup = d->cgroup, .ncgroups = NGROUPS, .domain = d->domain, .ndomains = d->ndomains,
		.profile = oom_profile_named("5.9"), .points = OOM_POINTS_EXACT, .cgroup_version = 2,
	};
	ret->info.processes = NTASKS;
	ret->info.interval_us = d->step++ ? 2000000 : OOM_NA;
	return 0;
}

static int demo_view(struct source *s, const struct oom_domain *dom, struct oom_event *ret)
{
	struct demo *d = (struct demo *)s;

	*ret = d->ev;
	ret->scope = dom->scope;
	ret->oom_memcg = dom->path;
	ret->total_pages = dom->total_pages;
	for (size_t i = 0; i < dom->ntasks; i++)
		d->gathered[i] = d->ev.task[dom->task[i]];
	ret->task = d->gathered;
	ret->ntasks = dom->ntasks;
	return 0;
}

static void demo_close(struct source *s)
{
	oom_event_release(&((struct demo *)s)->ev);
	oom_free(s);
}

int source_demo(struct source **ret)
{
	static const struct source_ops ops = { "demo", false, false, demo_next, demo_view, NULL, demo_close };
	struct demo *d = oom_malloc(sizeof(*d));

	if (!d)
		return -ENOMEM;
	memset(d, 0, sizeof(*d));
	d->base.ops = &ops;
	oom_event_init(&d->ev);
	d->ev.origin = OOM_ORIGIN_LIVE;
	d->ev.scope = OOM_SCOPE_GLOBAL;
	d->ev.host = OOM_STR("demo");
	d->ev.kernel = OOM_STR("6.1.0-demo");
	d->ev.page_size = PAGE_KB * 1024;
	d->ev.table_complete = d->ev.has_table = 1;
	d->ev.total_pages = (RAM_KB + SWAP_KB) / PAGE_KB;
	for (size_t i = 0; i < NTASKS; i++)
		if (!oom_event_add_task(&d->ev)) {
			demo_close(&d->base);
			return -ENOMEM;
		}
	*ret = &d->base;
	return 0;
}
