/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two programs with one result.  From Linux 6.7 on a program walks the list of processes by itself and leaves
 * its records in memory that user space maps: no system call, no copy and no reference count per process.  For
 * older kernels (OOMWATCH_OLD) the iterator of tasks calls a program for each, which writes to a file.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <oomlens/fact.h>

#include "census.h"
#include "oomwatch_read.h"

char LICENSE[] SEC("license") = "GPL";

struct signal_struct___threads { int nr_threads; } KERNEL;
struct css_set___v2 { struct cgroup *dfl_cgrp; } KERNEL;
struct task_struct___v2 { struct css_set___v2 *cgroups; } KERNEL;

/* Set before the program is loaded: a process may be deeper than the cgroup that accounts its memory. */
const volatile bool on_v2;
const volatile bool with_nodes;

#define MPOL_BIND 2

typedef struct { unsigned long bits[1]; } KERNEL nodemask_t;
struct task_struct___cpuset { nodemask_t mems_allowed; } KERNEL;
struct mempolicy { unsigned short mode; nodemask_t nodes; } KERNEL;       /* nodes: since 5.14 (269fbe72cded) */
struct task_struct___numa { struct mempolicy *mempolicy; } KERNEL;

/* What oom_cpuset_eligible() looks at. */
static __always_inline void read_nodes(struct census_rec *r, struct task_struct *t)
{
	struct mempolicy *p;

	r->mems = r->bind = 0;
	if (!with_nodes)
		return;
	if (bpf_core_field_exists(((struct task_struct___cpuset *)0)->mems_allowed))
		r->mems = ((struct task_struct___cpuset *)t)->mems_allowed.bits[0];
	if (!bpf_core_field_exists(((struct task_struct___numa *)0)->mempolicy) ||
	    !bpf_core_field_exists(((struct mempolicy *)0)->nodes))
		return;
	p = ((struct task_struct___numa *)t)->mempolicy;
	if (p && p->mode == MPOL_BIND)
		r->bind = p->nodes.bits[0];
}

static __always_inline int threads_of(struct task_struct *t)
{
	return ((struct signal_struct___threads *)t->signal)->nr_threads;
}

static __always_inline void record(struct census_rec *r, const struct oomwatch_rec *full, struct task_struct *t)
{
	r->tgid = full->tgid;
	r->pid = full->pid;
	r->ppid = t->real_parent->tgid;
	r->threads = threads_of(t);
	r->uid = full->uid;
	r->adj = (short)full->adj;
	r->flags = (unsigned short)full->flags;
	r->has = full->has;
	__builtin_memcpy(r->comm, full->comm, sizeof(r->comm));
	r->start_ns = full->start_ns;
	r->memcg_id = on_v2 ? ((struct task_struct___v2 *)t)->cgroups->dfl_cgrp->kn->id : full->memcg_id;
	r->total_vm = full->total_vm;
	r->pgtables_bytes = full->pgtables_bytes;
	__builtin_memcpy(r->rss, full->rss, sizeof(r->rss));
	read_nodes(r, t);
}

#ifdef OOMWATCH_OLD
struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; } KERNEL;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } KERNEL;

SEC("iter/task")
int census(struct bpf_iter__task *ctx)
{
	struct oomwatch_rec full = { 0 };
	struct task_struct *t = ctx->task;
	struct census_rec r;

	/* threads pass by here, too */
	if (!t || t->flags & PF_KTHREAD || t->pid != t->tgid)
		return 0;
	read_task(&full, t, false);
	record(&r, &full, t);
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
#else
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);           /* as many as census.c makes room for */
	__type(key, __u32);
	__type(value, struct census_rec);
} records SEC(".maps");

__u32 how;                                /* CENSUS_PROCESSES, CENSUS_THREADS */
__u32 processes;                          /* there are; so many records when there is room */
__u32 dead_leaders;                       /* of them have an exited leader */

/* Not on the stack: what the verifier knows of that makes each way through a loop another one to follow. */
struct oomwatch_rec full;

/*
 * Nobody holds the mm, which may be freed and become another process's while it is read.  A task lets go of its
 * mm before that is freed: who still has the same one had it all the time.  Who has not exits, or becomes
 * another program; the next pass will tell.
 */
static __always_inline void read_held(struct task_struct *t)
{
	struct mm_struct *mm = t->mm;

	full.flags |= OOM_FACT_NO_MM;
	if (!mm)
		return;
	/* in_vfork(), include/linux/sched/mm.h */
	if (t->vfork_done && (__u64)t->real_parent->mm == (__u64)mm)
		full.flags |= OOM_FACT_VFORK;
	read_mm(&full, mm);
	barrier();
	if (t->mm == mm)
		full.flags &= ~OOM_FACT_NO_MM;
}

/* A leader, or the first of a dead one's threads that has the mm, as find_lock_task_mm() takes it. */
static __always_inline void read_process(struct census_rec *r, struct task_struct *t, bool leads)
{
	if (!leads && (!(r->flags & OOM_FACT_NO_MM) || r->tgid != t->tgid || !t->mm))
		return;
	full.has = full.flags = 0;
	full.memcg_id = full.total_vm = full.pgtables_bytes = 0;
	__builtin_memset(full.rss, 0, sizeof(full.rss));
	read_who(&full, t);
	read_held(t);
	if (leads)
		dead_leaders += full.flags & OOM_FACT_NO_MM && threads_of(t) > 1;
	else if (full.flags & OOM_FACT_NO_MM)
		return;
	else
		full.flags |= OOM_FACT_DEAD_LEADER;
	record(r, &full, t);
}

/* Never attached: census.c runs it. */
SEC("raw_tp/mark_victim")
int census(void *ctx)
{
	struct bpf_iter_task it;
	struct task_struct *t;
	__u32 i;

	processes = dead_leaders = 0;
	bpf_iter_task_new(&it, NULL, how);
	while ((t = bpf_iter_task_next(&it))) {
		bool leads = t->pid == t->tgid;
		struct census_rec *r;

		if (t->flags & PF_KTHREAD)
			continue;
		processes += leads;
		i = processes - 1;
		r = bpf_map_lookup_elem(&records, &i);
		if (r)
			read_process(r, t, leads);
	}
	bpf_iter_task_destroy(&it);
	return 0;
}
#endif
