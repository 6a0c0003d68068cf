/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All processes in one pass of a BPF iterator: the kernel's own counters, as its selection compares them, in a
 * fortieth of the time that /proc takes.  Private to the sampler; shared with the BPF program.
 */
#ifndef OOMLENS_COLLECTOR_CENSUS_H
#define OOMLENS_COLLECTOR_CENSUS_H

#include "oomwatch.h"

struct census_rec {
	struct oomwatch_rec task;             /* has, flags, uid, pid, tgid, adj, comm, start, memcg, mm */
	int ppid, threads;
};

#ifndef __bpf__
#include <oomlens/base.h>

struct oom_census;
/* v2: memcg_id is that of the process's cgroup on the default hierarchy.  0, or -errno with the reason in one
 * sentence. */
int  oom_census_open(bool v2, struct oom_census **ret, struct oom_err *reterr);
/* Calls each for every process that is no kernel thread, by pid; allocates nothing.  0, -errno, or what each
 * returned. */
int  oom_census_read(struct oom_census *c, int (*each)(void *arg, const struct census_rec *r), void *arg);
void oom_census_close(struct oom_census *c);
#endif

#endif
