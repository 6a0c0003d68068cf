/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's ballot, and the life of its victims.
 *
 * oom_lock is held from out_of_memory() to its return, so the one state below has one writer; only
 * oom_badness() has other callers (each read of /proc/PID/oom_score), told apart by the task that owns the
 * round.
 *
 * Candidates are staged and go to the ring in large pieces once the kernel has decided.  While a victim is
 * dying each failing allocation scans again and aborts, hundreds of times: such rounds are only counted.
 *
 * Whatever is read of the kernel's structs stands in oomwatch_read.h.
 */
#include <linux/bpf.h>
#include <stdbool.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#include <oomlens/fact.h>

#include "oomwatch.h"
#include "oomwatch_read.h"

#define SCAN_ABORTED      ((unsigned long)-1) /* oom_control.chosen after a scan met an unfinished victim */
#define LONG_MIN          (-9223372036854775807L - 1)
#define QUIET_NS          1000000000ULL

char LICENSE[] SEC("license") = "GPL";

/* ---- state -------------------------------------------------------------------------------------------- */

struct stage { struct oomwatch_rec rec[OOMWATCH_STAGE]; };
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct stage);
} stages SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 2 << 20);         /* twice the address space and the resident set */
} ring SEC(".maps");

/* mm of each victim whose memory is not yet freed */
struct victim { int pid, tgid; };
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, __u64);
	__type(value, struct victim);
} victim_mm SEC(".maps");
/* thread group of each victim that is not yet gone */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 4096);
	__type(key, int);
	__type(value, __u64);                 /* its mm */
} victim_tgid SEC(".maps");

/* Read by bpf.c while it is written here; each member only grows, but for the abort's. */
struct oomwatch_state state;

struct oomwatch_round cur;

static __always_inline void lost(__u64 n) { __sync_fetch_and_add(&state.lost, n); }

/* ---- staging and handing over ------------------------------------------------------------------------- */

static __always_inline void clear(struct oomwatch_rec *r, __u32 kind, __u64 ns)
{
	r->ns = ns;
	r->round = state.rounds;
	r->kind = kind;
	r->has = 0;
	r->flags = 0;
}

static __always_inline struct stage *get_stage(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&stages, &zero);
}

/* Slot 0 is the round's own record; NULL when the stage is full. */
static __always_inline struct oomwatch_rec *stage_slot(struct stage *s)
{
	__u32 n = cur.n;

	if (!s || n >= OOMWATCH_STAGE - 1) {
		lost(1);
		return NULL;
	}
	cur.n = n + 1;
	return &s->rec[(n + 1) & (OOMWATCH_STAGE - 1)];
}

/* The round and its candidates, in pieces.  The first wakes a reader that sleeps, as every record does. */
static __always_inline void hand_over(struct stage *s)
{
	__u64 total = (__u64)cur.n + 1;

	for (__u64 at = 0; at < OOMWATCH_STAGE && at < total; at += OOMWATCH_CHUNK) {
		__u64 count = total - at;

		if (count > OOMWATCH_CHUNK)
			count = OOMWATCH_CHUNK;
		/* Nothing new, but in a form that clang cannot undo and the verifier of 6.1 understands. */
		asm volatile("" : "+r"(count));
		count = ((count - 1) & (OOMWATCH_CHUNK - 1)) + 1;
		if (bpf_ringbuf_output(&ring, &s->rec[at], count * sizeof(s->rec[0]), 0))
			lost(count);
	}
}

static __always_inline struct oomwatch_rec *reserve(__u32 kind)
{
	struct oomwatch_rec *r = bpf_ringbuf_reserve(&ring, sizeof(*r), 0);

	if (r)
		clear(r, kind, bpf_ktime_get_ns());
	else
		lost(1);
	return r;
}

static __always_inline void tell_task(__u32 kind, struct task_struct *t, __u64 round)
{
	struct oomwatch_rec *r = reserve(kind);

	if (!r)
		return;
	r->round = round;
	read_who(r, t);
	bpf_ringbuf_submit(r, 0);
}

static __always_inline void tell_pid(__u32 kind, int pid, int tgid)
{
	struct oomwatch_rec *r = reserve(kind);

	if (!r)
		return;
	r->round = 0;
	r->has = OOMWATCH_HAS_PID;
	r->pid = pid;
	r->tgid = tgid;
	bpf_ringbuf_submit(r, 0);
}

/* The round's own record: who asked, and for what. */
static __always_inline void stage_round(struct stage *s, struct oom_control *oc)
{
	struct oomwatch_rec *r = &s->rec[0];

	clear(r, OOM_FACT_SELECTION, cur.begin_ns);
	read_current(r);
	r->has |= OOMWATCH_HAS_ROUND | OOMWATCH_HAS_MEMCG;
	r->memcg_id = oc->memcg ? css_id(&oc->memcg->css) : 0;
	r->gfp = oc->gfp_mask;
	r->order = oc->order;
	r->totalpages = oc->totalpages;
	r->constraint = oc->constraint;
	if (!cur.last_task)
		r->has |= OOMWATCH_UNSCORED;
}

/* ---- one round of the killer -------------------------------------------------------------------------- */

SEC("fentry/out_of_memory")
int BPF_PROG(round_begin, struct oom_control *oc)
{
	state.rounds++;
	cur.owner = bpf_get_current_task();
	cur.begin_ns = bpf_ktime_get_ns();
	cur.last_task = 0;
	cur.n = 0;
	cur.evaluated = cur.decided = cur.dying = cur.marked = cur.in_kill = false;
	return 0;
}

SEC("fexit/oom_badness")
int BPF_PROG(scored, struct task_struct *task, unsigned long totalpages, long points)
{
	struct oomwatch_rec *r;

	if (bpf_get_current_task() != cur.owner)
		return 0;
	cur.last_task = (__u64)task;
	r = stage_slot(get_stage());
	if (!r)
		return 0;
	clear(r, OOM_FACT_CANDIDATE, cur.begin_ns);
	r->has = OOMWATCH_HAS_POINTS;
	r->points = points;
	if (points == LONG_MIN)
		r->flags = OOM_FACT_INELIGIBLE;
	read_task(r, task, false);
	return 0;
}

/* Rounds are given up for another victim from now on: those until now leave a record of whom they were for. */
static __always_inline void give_up_for(struct task_struct *victim)
{
	struct oomwatch_rec *r;

	if (state.abort_tgid == victim->tgid)
		return;
	r = state.abort_tgid ? reserve(OOM_FACT_ABORTED) : NULL;
	if (r) {
		r->has = OOMWATCH_HAS_PID;
		r->ns = state.abort_ns;
		r->pid = state.abort_pid;
		r->tgid = state.abort_tgid;
		r->aborted = state.aborted;
		bpf_ringbuf_submit(r, 0);
	}
	state.abort_pid = victim->pid;
	state.abort_tgid = victim->tgid;
}

/* Runs for each task that was looked at, scored or not. */
SEC("fexit/oom_evaluate_task")
int BPF_PROG(looked_at, struct task_struct *task, void *oc, int stop)
{
	struct oomwatch_rec *r;

	cur.evaluated = true;
	if (stop) {
		give_up_for(task);
		return 0;
	}
	if (cur.last_task == (__u64)task || task->flags & PF_KTHREAD || task->tgid == 1)
		return 0;
	r = stage_slot(get_stage());
	if (!r)
		return 0;
	clear(r, OOM_FACT_CANDIDATE, cur.begin_ns);
	read_task(r, task, false);
	/* oom_task_origin() is asked before the score and wins without one. */
	r->flags |= task->signal->oom_flag_origin ? OOM_FACT_ORIGIN : OOM_FACT_PASSED_OVER;
	return 0;
}

SEC("fentry/oom_kill_process")
int BPF_PROG(decided, struct oom_control *oc, const char *message)
{
	struct stage *s = get_stage();
	struct oomwatch_rec *r;

	if (!s)
		return 0;
	cur.decided = true;
	cur.dying = is_dying(oc->chosen);
	stage_round(s, oc);
	hand_over(s);
	r = reserve(OOM_FACT_CHOSEN);
	if (!r)
		return 0;
	/* oom_kill_allocating_task takes the task that asks, without a scan and without points. */
	r->has = cur.evaluated ? OOMWATCH_HAS_POINTS : 0;
	r->points = oc->chosen_points;
	read_task(r, oc->chosen, false);
	bpf_ringbuf_submit(r, 0);
	return 0;
}

static __always_inline void round_failed(struct oom_control *oc)
{
	struct stage *s = get_stage();
	struct oomwatch_rec *r;
	__u64 now = bpf_ktime_get_ns();

	if (!s || now < cur.quiet_until_ns) {
		state.no_victim++;
		return;
	}
	cur.quiet_until_ns = now + QUIET_NS;
	stage_round(s, oc);
	hand_over(s);
	r = reserve(OOM_FACT_NO_VICTIM);
	if (!r)
		return;
	read_current(r);
	bpf_ringbuf_submit(r, 0);
}

SEC("fexit/out_of_memory")
int BPF_PROG(round_end, struct oom_control *oc, int ret)
{
	unsigned long chosen = (unsigned long)oc->chosen;

	if (chosen == SCAN_ABORTED) {
		state.abort_ns = bpf_ktime_get_ns();
		state.aborted++;
	} else if (!cur.decided && !cur.marked && cur.evaluated && !chosen) {
		round_failed(oc);
	}
	cur.owner = 0;
	return 0;
}

/* ---- a victim's life ---------------------------------------------------------------------------------- */

SEC("fentry/__oom_kill_process")
int BPF_PROG(kill, struct task_struct *victim)
{
	cur.in_kill = true;
	tell_task(OOM_FACT_KILL, victim, sees_rounds ? state.rounds : 0);
	return 0;
}

static __always_inline void remember(struct task_struct *t)
{
	struct mm_struct *mm = t->signal->oom_mm ? t->signal->oom_mm : t->mm;
	struct victim v = { t->pid, t->tgid };
	__u64 key = (__u64)mm;

	if (!mm)
		return;
	if (bpf_map_update_elem(&victim_mm, &key, &v, BPF_ANY) ||
	    bpf_map_update_elem(&victim_tgid, &v.tgid, &key, BPF_ANY))
		lost(1);
}

/*
 * Silent: task_will_free_mem() was true, of the task that asked or of the chosen one.  That no kill was seen
 * would not do as the only sign: a compiler may inline __oom_kill_process() into one of its callers.
 */
static __always_inline __u32 begin_mark(void)
{
	bool silent = sees_rounds && sees_kills && !cur.in_kill && (!cur.decided || cur.dying);

	cur.in_kill = false;
	cur.marked = true;
	return silent ? OOM_FACT_SILENT : 0;
}

static __always_inline void tell_mark(struct task_struct *t, __u32 flags)
{
	struct oomwatch_rec *r;

	flags |= begin_mark();
	r = reserve(OOM_FACT_MARK_VICTIM);
	if (!r)
		return;
	r->flags = flags;
	read_task(r, t, false);
	r->flags &= ~OOM_FACT_OOM_VICTIM;     /* as of this very moment */
	bpf_ringbuf_submit(r, 0);
}

/* 6.9, 6.1.140 and other stable branches of 2025 on: the tracepoint has the task. */
SEC("tp_btf/mark_victim")
int BPF_PROG(mark_task, struct task_struct *task)
{
	remember(task);
	tell_mark(task, 0);
	return 0;
}

/* Before: it has the pid alone, and fires for a task whose TIF_MEMDIE was not yet set. */
SEC("tp_btf/mark_victim")
int BPF_PROG(mark_pid, int pid)
{
	__u32 flags = begin_mark();
	struct oomwatch_rec *r;

	r = reserve(OOM_FACT_MARK_VICTIM);
	if (!r)
		return 0;
	r->has = OOMWATCH_HAS_PID;
	r->pid = pid;
	r->tgid = 0;
	r->flags = flags;
	bpf_ringbuf_submit(r, 0);
	return 0;
}

SEC("fentry/mark_oom_victim")
int BPF_PROG(mark_old, struct task_struct *task)
{
	remember(task);
	return 0;
}

SEC("fentry/queue_oom_reaper")
int BPF_PROG(queue_reaper, struct task_struct *task)
{
	tell_pid(OOM_FACT_QUEUE_REAPER, task->pid, task->tgid);
	return 0;
}

SEC("tp_btf/wake_reaper")
int BPF_PROG(wake_reaper, int pid)
{
	tell_pid(OOM_FACT_WAKE_REAPER, pid, 0);
	return 0;
}

SEC("tp_btf/start_task_reaping")
int BPF_PROG(reap_start, int pid)
{
	tell_pid(OOM_FACT_REAP_START, pid, 0);
	return 0;
}

SEC("tp_btf/finish_task_reaping")
int BPF_PROG(reap_finish, int pid)
{
	tell_pid(OOM_FACT_REAP_FINISH, pid, 0);
	return 0;
}

SEC("tp_btf/skip_task_reaping")
int BPF_PROG(reap_skip, int pid)
{
	tell_pid(OOM_FACT_REAP_SKIP, pid, 0);
	return 0;
}

static __always_inline void tell_mm(__u32 kind, struct mm_struct *mm, bool forget)
{
	__u64 key = (__u64)mm;
	struct victim *v = bpf_map_lookup_elem(&victim_mm, &key);

	if (!v)
		return;
	tell_pid(kind, v->pid, v->tgid);
	if (forget)
		bpf_map_delete_elem(&victim_mm, &key);
}

/* process_mrelease(2) comes here too; of that only victims interest. */
SEC("fexit/__oom_reap_task_mm")
int BPF_PROG(reap_mm_end, struct mm_struct *mm, int ret)
{
	if (!(ret & 1))
		tell_mm(OOM_FACT_REAP_PARTIAL, mm, false);
	return 0;
}

SEC("fentry/exit_mmap")
int BPF_PROG(exit_mmap_begin, struct mm_struct *mm)
{
	tell_mm(OOM_FACT_EXIT_MMAP_BEGIN, mm, false);
	return 0;
}

SEC("fexit/exit_mmap")
int BPF_PROG(exit_mmap_end, struct mm_struct *mm)
{
	tell_mm(OOM_FACT_EXIT_MMAP_END, mm, true);
	return 0;
}

/* Every task of the machine ends here, so what is told of a victim's threads is only the leader's end. */
SEC("tp_btf/sched_process_free")
int BPF_PROG(freed, struct task_struct *task)
{
	int tgid = task->tgid;
	__u64 *mm = task->pid == tgid ? bpf_map_lookup_elem(&victim_tgid, &tgid) : NULL;
	__u64 key;

	if (!mm)
		return 0;
	/* The mm may live on in another process that shares it; but its end is not always seen. */
	key = *mm;
	if (!sees_exit)
		bpf_map_delete_elem(&victim_mm, &key);
	bpf_map_delete_elem(&victim_tgid, &tgid);
	tell_pid(OOM_FACT_FREED, tgid, tgid);
	return 0;
}

SEC("tp_btf/oom_score_adj_update")
int BPF_PROG(score_adj, struct task_struct *task)
{
	tell_task(OOM_FACT_SCORE_ADJ, task, 0);
	return 0;
}

/* ---- where the selection cannot be watched: a walk at the kill ---------------------------------------- */

/*
 * oom_lock is still held and the victim has not run since, so these are the values of the selection.  The
 * members of a group that is killed as a whole are marked one after the other by the same task: one walk
 * serves them all.
 */
SEC("tp_btf/mark_victim")
int BPF_PROG(walk, struct task_struct *victim)
{
#ifndef OOMWATCH_OLD
	__u64 now = bpf_ktime_get_ns(), owner = bpf_get_current_task();
	struct stage *s = get_stage();
	struct bpf_iter_task it;
	struct task_struct *t;

	if (!s)
		return 0;
	remember(victim);
	if (owner != cur.owner || now - cur.begin_ns > QUIET_NS / 100) {
		state.rounds++;
		cur.n = 0;
		bpf_iter_task_new(&it, NULL, 0 /* all processes */);
		while ((t = bpf_iter_task_next(&it))) {
			struct oomwatch_rec *r;

			if (t->flags & PF_KTHREAD || t->tgid == 1)
				continue;
			r = stage_slot(s);
			if (!r)
				break;
			clear(r, OOM_FACT_CANDIDATE, now);
			read_task(r, t, true);
			if (t->tgid == victim->tgid)
				r->flags &= ~OOM_FACT_OOM_VICTIM;     /* as of this very moment */
			r->flags |= OOM_FACT_RECONSTRUCTED;
		}
		bpf_iter_task_destroy(&it);
		clear(&s->rec[0], OOM_FACT_SELECTION, now);
		s->rec[0].flags = OOM_FACT_RECONSTRUCTED;
		read_current(&s->rec[0]);
		s->rec[0].has &= ~OOMWATCH_HAS_MEMCG;
		hand_over(s);
	}
	cur.owner = owner;
	cur.begin_ns = bpf_ktime_get_ns();
	tell_mark(victim, OOM_FACT_RECONSTRUCTED);
#endif
	return 0;
}
