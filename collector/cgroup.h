/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The tree of memory cgroups, v1 or v2, in the order in which the kernel walks it: private to the sampler.
 */
#ifndef OOMLENS_COLLECTOR_CGROUP_H
#define OOMLENS_COLLECTOR_CGROUP_H

#include <oomlens/sample.h>

#include "procfs.h"

/* A deeper or larger tree is cut there, and said to be. */
#define OOM_CGROUP_DEPTH 64
#define OOM_CGROUP_MAX   65536

/* What the memory controller says of one cgroup with a limit: bytes -> kB; OOM_NA for a file that is not
 * there. */
struct oom_cgroup_memory {
	int64_t limit_kb, usage_kb;
	int64_t swap_limit_kb, swap_usage_kb;     /* v1: memory+swap */
	int64_t swappiness;                       /* v1 only */
	int64_t use_hierarchy;                    /* v1 only */
	int64_t min_kb, low_kb, oom_group;        /* v2 only */
	int64_t kill_disabled, under_oom;         /* v1 only */
	int64_t max_events, oom_events, oom_kills;
	int64_t reclaimable_kb;
};

/* One cgroup while the walk goes on: names are offsets, because the pool may move. */
struct oom_cgroup {
	struct oom_sample_cgroup pub;
	size_t path, npath;                       /* in the pool */
	bool group_read;                          /* memory.oom_group was asked for already */
	struct oom_cgroup_memory memory;          /* beyond limit_kb only where there is a limit */
};

struct oom_cgroups {
	int root;                                 /* O_PATH of the hierarchy's root; -1 = there is none */
	int64_t version;                          /* of the memory controller: 1, 2; OOM_NA = only paths
						   * are known */
	bool counters;                            /* read events, protection and memory.stat too */
	struct oom_cgroup *node;
	size_t n, cap;
	struct oom_buf pool;                      /* paths */
	struct oom_buf names;                     /* children waiting for their visit */
	bool cut;                                 /* depth, number or memory did not suffice */
	char *text;                               /* scratch for files */
	size_t text_cap;
	uint32_t *index;                          /* path -> node + 1, open addressing; valid after
						   * oom_cgroups_index() */
	size_t index_size;
	/* Called for every pid of a cgroup, in the order of the file; NULL = nobody asks for them. */
	void (*each)(void *self, uint32_t cgroup, int32_t pid);
	void *self;
};

/* Finds the hierarchy that has the memory controller below the mount root; none is fine. */
void oom_cgroups_open(struct oom_cgroups *c, int mount_root);
void oom_cgroups_close(struct oom_cgroups *c);
/* One walk, parents before children, siblings by age.  0 or -ENOMEM. */
int  oom_cgroups_walk(struct oom_cgroups *c);
/* The other way round: from /proc/PID/cgroup to the path of the memory cgroup (NULL if there is none), and
 * from that to its node (-1), once the paths of the last walk are indexed (0 or -ENOMEM). */
struct oom_str oom_cgroups_path(const struct oom_cgroups *c, struct oom_str text);
int     oom_cgroups_index(struct oom_cgroups *c);
int32_t oom_cgroups_find(const struct oom_cgroups *c, struct oom_str path);
/* memory.oom.group of node i, or OOM_NA: only asked for on the way from a victim to its domain. */
int64_t oom_cgroups_group(struct oom_cgroups *c, size_t i);

static inline bool oom_cgroup_limited(const struct oom_cgroup_memory *m)
{
	return m->limit_kb != OOM_NA && m->limit_kb != OOM_UNLIMITED;
}

#endif
