/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of the sampler: sample_proc.c or sample_census.c reads processes, members.c places them in cgroups,
 * domain.c makes domains of them, rank.c answers questions; sample.c puts these together.
 */
#ifndef OOMLENS_COLLECTOR_SAMPLE_IMPL_H
#define OOMLENS_COLLECTOR_SAMPLE_IMPL_H

#include "cgroup.h"
#include "nodes.h"
#include "procfs.h"

/* What is remembered of an entry of /proc from one pass to the next. */
struct slot {
	uint64_t ino;                  /* procfs numbers each process anew: another process of the same pid
				        * has another one */
	int64_t usage_pages;           /* in the last pass; OOM_NA */
	int32_t pid;
	int32_t status_fd, adj_fd;     /* kept open; -1 = not */
	bool kernel_thread;            /* seen to be one; looked at again only now and then */
};

struct slots { struct slot *v; size_t n, cap; };

struct domain_memory { uint64_t id; int64_t usage_kb; };

struct oom_sampler {
	struct oom_sampler_opts opts;
	int proc, cgroup_mount;
	int64_t page_kb;
	uint64_t pass;
	int64_t last_us;               /* monotonic clock of the last pass; OOM_NA */

	struct oom_census *census;     /* NULL = rows come from /proc */
	bool census_nodes;             /* it reads node sets */
	uint64_t *cgroup_id;           /* of the rows, from a census */
	size_t before_at;              /* place in slots while a census is read */
	enum oom_sample_points proc_points;     /* what holds without it */
	int64_t proc_drift_pages;

	struct slots slots, old;
	size_t keep, kept;             /* files that may be, and are, kept open */

	struct oom_event event;
	char kernel[128], host[128], boot_id[64];
	int64_t cpus;
	bool outer_hidden;             /* not the machine's own PID namespace: others are not shown */
	const struct oom_profile *profile;
	enum oom_sample_points points;
	int64_t drift_pages;

	struct oom_task *task;         /* cap_rows of each of these */
	struct oom_sample_row *row;
	uint32_t *all, *by_cgroup;     /* 0, 1, 2 ...; rows in the walk order of their cgroups */
	size_t nrows, cap_rows, nplaced;

	struct oom_cgroups cgroups;
	struct by_id *by_id;           /* members.c: cgroups by their id, for a census */
	size_t cap_by_id;
	struct oom_sample_cgroup *cgroup;
	size_t cap_cgroups;

	struct oom_nodes *nodes;       /* NULL unless asked for */
	uint32_t *node_tasks;          /* candidates of the node domains, one after the other */
	size_t nnode_tasks, cap_node_tasks;

	struct oom_domain *domain;
	size_t ndomains, cap_domains;
	struct domain_memory *before;  /* usage of the pass before, in its order of domains */
	size_t nbefore, cap_before;

	struct oom_proc_meminfo mem;
	int64_t swappiness;

	struct oom_task *view;
	size_t cap_view;

	struct oom_sample_info info;
	bool partial;                  /* processes that the kernel would look at are missing here */
	struct oom_proc_dir dir;
	char text[65536];
};

/* Room for n elements of size bytes; contents kept, new room not cleared.  0 or -ENOMEM. */
int oom_sample_room(void **array, size_t *cap, size_t n, size_t size);

/* Room for n rows.  0 or -ENOMEM. */
int oom_sample_rows(struct oom_sampler *s, size_t n);

/* sample_proc.c: the rows of a pass over /proc; closes the files that are kept open.  0 or -errno. */
int oom_sample_proc(struct oom_sampler *s);
void oom_sample_proc_forget(struct oom_sampler *s);
/* sample_census.c: BPF, where there is one that serves; then one pass of it.  When it fails it is given up:
 * census is NULL, no row was made, the result is 0.  0 or -ENOMEM. */
void oom_sample_census_open(struct oom_sampler *s);
int oom_sample_census(struct oom_sampler *s);
/* members.c: the tree of cgroups and who is where.  0 or -ENOMEM. */
int oom_sample_members(struct oom_sampler *s);
/* machine.c: what does not change while the sampler is open, then the facts of one pass.  0 or -ENOMEM. */
void oom_sample_boot(struct oom_sampler *s);
int oom_sample_machine(struct oom_sampler *s);
/* domain.c: 0 or -ENOMEM */
int oom_sample_domains(struct oom_sampler *s);

/* rank.c */
struct scorer {
	const struct oom_event *ev;
	const struct oom_profile *p;
	struct oom_range total;
	enum oom_tie_rule tie;
};
/* false when nobody can be scored: no profile, or totalpages unknown while an adjustment needs it. */
bool oom_scorer_init(struct scorer *sc, const struct oom_sampler *s, const struct oom_domain *d);
/* Fills victim, runner_up, points, margin, tied and certain. */
void oom_scorer_choose(struct oom_sampler *s, struct oom_domain *d);

#endif
