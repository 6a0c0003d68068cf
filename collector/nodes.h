/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory nodes, and the sets of them that cpusets and memory policies allow: private to the sampler.
 */
#ifndef OOMLENS_COLLECTOR_NODES_H
#define OOMLENS_COLLECTOR_NODES_H

#include <oomlens/base.h>

#define OOM_NODES_MAX     1024         /* the kernel's largest MAX_NUMNODES */
#define OOM_NODE_SETS_MAX 64           /* different sets in use at a time; machines have a handful */

/* pages; file: page cache that reclaim could drop */
struct oom_node { int64_t present, spanned, managed, free, file; };

struct oom_node_set {
	uint64_t bit[OOM_NODES_MAX / 64];
	char text[64];                     /* as the kernel prints it */
};

struct oom_nodes {
	struct oom_node node[OOM_NODES_MAX];
	size_t n, with_memory;             /* one past the highest node; how many of them have memory */
	struct oom_node_set set[OOM_NODE_SETS_MAX];
	size_t nsets;
	bool full;                         /* a set did not fit */
};

/* /proc/zoneinfo, block by block: large machines have megabytes of it.  Without it there are no nodes. */
void oom_nodes_read(struct oom_nodes *n, int proc, char *buf, size_t cap);
/* Index of the set "0-3,5"; -1 when it is damaged or there is no room. */
int32_t oom_nodes_set(struct oom_nodes *n, struct oom_str list);
/* The same for nodes 0 to 63 as bits. */
int32_t oom_nodes_mask(struct oom_nodes *n, uint64_t mask);
/* The node list of a bind policy at the head of /proc/PID/numa_maps; NULL for any other policy. */
struct oom_str oom_nodes_bind(struct oom_str numa_maps);
bool oom_nodes_meet(const struct oom_node_set *a, const struct oom_node_set *b);
/* Does the set hold every node that has memory?  Then it confines nothing. */
bool oom_nodes_all(const struct oom_nodes *n, const struct oom_node_set *set);
struct oom_node oom_nodes_sum(const struct oom_nodes *n, const struct oom_node_set *set);

#endif
