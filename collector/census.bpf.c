/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <oomlens/fact.h>

#include "census.h"
#include "oomwatch_read.h"

char LICENSE[] SEC("license") = "GPL";

struct seq_file;
struct bpf_iter_meta { struct seq_file *seq; } KERNEL;
struct bpf_iter__task { struct bpf_iter_meta *meta; struct task_struct *task; } KERNEL;
struct signal_struct___threads { int nr_threads; } KERNEL;
struct css_set___v2 { struct cgroup *dfl_cgrp; } KERNEL;
struct task_struct___v2 { struct css_set___v2 *cgroups; } KERNEL;

/* Set before the program is loaded: a process may be deeper than the cgroup that accounts its memory. */
const volatile bool on_v2;

SEC("iter/task")
int census(struct bpf_iter__task *ctx)
{
	struct census_rec r = { 0 };
	struct task_struct *t = ctx->task;

	/* threads pass by here, too */
	if (!t || t->flags & PF_KTHREAD || t->pid != t->tgid)
		return 0;
	read_task(&r.task, t, false);
	r.ppid = t->real_parent->tgid;
	r.threads = ((struct signal_struct___threads *)t->signal)->nr_threads;
	if (on_v2)
		r.task.memcg_id = ((struct task_struct___v2 *)t)->cgroups->dfl_cgrp->kn->id;
	bpf_seq_write(ctx->meta->seq, &r, sizeof(r));
	return 0;
}
