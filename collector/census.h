/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All processes in one pass of a BPF program: the kernel's own counters, as its selection compares them, in a
 * fortieth of the time that /proc takes or less.  Private to the sampler; shared with the BPF programs.
 */
#ifndef OOMLENS_COLLECTOR_CENSUS_H
#define OOMLENS_COLLECTOR_CENSUS_H

#include "oomwatch.h"

/* What a walk passes by; the kernel's enum of iterators over tasks. */
enum { CENSUS_PROCESSES, CENSUS_THREADS };

/* Nothing but what a row needs: each byte is written ten thousand times. */
struct census_rec {
	int tgid, pid;                        /* pid: of the thread that has the mm */
	int ppid, threads;
	unsigned int uid;
	short adj;
	unsigned short flags;                 /* OOM_FACT_... up to OOM_FACT_SILENT */
	unsigned long long has;               /* OOMWATCH_HAS_... */
	char comm[OOMWATCH_COMM];
	unsigned long long start_ns, memcg_id;
	unsigned long long total_vm, pgtables_bytes;
	long long rss[OOMWATCH_RSS];          /* pages; an approximate counter may stand a little below 0 */
	unsigned long long mems, bind;        /* nodes 0 to 63 of its cpuset, and of its MPOL_BIND policy; 0 = none */
};

#ifndef __bpf__
#include <oomlens/base.h>

struct oom_census;
enum {
	CENSUS_V2    = 1 << 0,                /* memcg_id is that of the process's cgroup on the default hierarchy */
	CENSUS_NODES = 1 << 1,                /* mems and bind, too */
};
/* what: CENSUS_...  room: processes that there is memory for at first, 0 = enough for most machines.  0, or -errno with
 * the reason in one sentence. */
int  oom_census_open(unsigned int what, unsigned int room, struct oom_census **ret, struct oom_err *reterr);
/* Calls each for every process that is no kernel thread, by pid; allocates only when there are more processes
 * than ever before.  0; what each returned; -ENODEV: it cannot be used any more; -errno. */
int  oom_census_read(struct oom_census *c, int (*each)(void *arg, const struct census_rec *r), void *arg);
void oom_census_close(struct oom_census *c);
#endif

#endif
