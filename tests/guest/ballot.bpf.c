/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own count of an OOM selection: every task it looks at, with the points that oom_badness()
 * gave it. All of it runs under oom_lock, so one set of globals is enough; only readers of
 * /proc/PID/oom_score, who call oom_badness() too, must be told apart.
 */
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>

#include "ballot.h"

#define PF_KTHREAD 0x00200000

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)
typedef struct { long counter; } atomic_long_t;
struct kuid { unsigned int val; };
struct cred { struct kuid uid; };
struct signal_struct { short oom_score_adj; };
struct mm_struct { unsigned long total_vm; atomic_long_t pgtables_bytes; };
struct task_struct {
	int pid, tgid;
	unsigned int flags;
	char comm[16];
	struct mm_struct *mm;
	struct signal_struct *signal;
	const struct cred *real_cred;
};
enum oom_constraint { CONSTRAINT_NONE };
struct oom_control {
	unsigned int gfp_mask;
	int order;
	unsigned long totalpages;
	struct task_struct *chosen;
	long chosen_points;
	enum oom_constraint constraint;
};
/* Until 6.1, and from 6.2 on. */
struct mm_rss_stat { atomic_long_t count[4]; };
struct mm_struct___atomic { struct mm_rss_stat rss_stat; };
struct percpu_counter { long long count; };
struct mm_struct___percpu { struct percpu_counter rss_stat[4]; };
#pragma clang attribute pop

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 * 1024 * 1024);
} ring SEC(".maps");

static __u64 owner;
static int round;
static long points;
static bool scored;
static unsigned long totalpages;

/* The index must be a literal: clang relocates no variable one. */
#define COUNTER(mm, i)										\
	(bpf_core_type_exists(struct mm_rss_stat) ?						\
		 BPF_CORE_READ((struct mm_struct___atomic *)(mm), rss_stat.count[i].counter) :	\
		 BPF_CORE_READ((struct mm_struct___percpu *)(mm), rss_stat[i].count))

SEC("fentry/out_of_memory")
int BPF_PROG(begin, struct oom_control *oc)
{
	owner = bpf_get_current_pid_tgid();
	round++;
	return 0;
}

SEC("fexit/out_of_memory")
int BPF_PROG(end, struct oom_control *oc)
{
	owner = 0;
	return 0;
}

SEC("fexit/oom_badness")
int BPF_PROG(badness, struct task_struct *p, unsigned long pages, long ret)
{
	if (owner == bpf_get_current_pid_tgid()) {
		points = ret;
		totalpages = pages;
		scored = true;
	}
	return 0;
}

SEC("fentry/oom_evaluate_task")
int BPF_PROG(look, struct task_struct *task, void *arg)
{
	scored = false;
	return 0;
}

static __always_inline struct ballot_record *record(int kind, struct task_struct *task)
{
	struct ballot_record *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (!r)
		return NULL;
	__builtin_memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->round = round;
	r->pid = BPF_CORE_READ(task, pid);
	r->tgid = BPF_CORE_READ(task, tgid);
	r->adj = BPF_CORE_READ(task, signal, oom_score_adj);
	r->uid = BPF_CORE_READ(task, real_cred, uid.val);
	BPF_CORE_READ_INTO(&r->comm, task, comm);
	return r;
}

SEC("fexit/oom_evaluate_task")
int BPF_PROG(looked, struct task_struct *task, void *arg, int ret)
{
	struct ballot_record *r;
	struct mm_struct *mm;

	if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
		return 0;
	r = record(ret ? BALLOT_ABORTED : BALLOT_CANDIDATE, task);
	if (!r)
		return 0;
	r->scored = scored;
	r->points = points;
	r->totalpages = (long long)totalpages;
	mm = BPF_CORE_READ(task, mm);
	if (mm) {
		r->total_vm = (long long)BPF_CORE_READ(mm, total_vm);
		r->pgtables_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
		r->file = COUNTER(mm, 0);
		r->anon = COUNTER(mm, 1);
		r->swap = COUNTER(mm, 2);
		r->shmem = COUNTER(mm, 3);
	}
	bpf_ringbuf_submit(r, 0);
	return 0;
}

SEC("fentry/oom_kill_process")
int BPF_PROG(chosen, struct oom_control *oc, const char *message)
{
	struct ballot_record *r = record(BALLOT_CHOSEN, BPF_CORE_READ(oc, chosen));

	if (!r)
		return 0;
	r->points = BPF_CORE_READ(oc, chosen_points);
	r->totalpages = (long long)BPF_CORE_READ(oc, totalpages);
	r->gfp = BPF_CORE_READ(oc, gfp_mask);
	r->order = BPF_CORE_READ(oc, order);
	r->constraint = (int)BPF_CORE_READ(oc, constraint);
	bpf_ringbuf_submit(r, 0);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
