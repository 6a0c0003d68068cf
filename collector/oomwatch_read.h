/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How the programs of oomwatch.bpf.c read the kernel's structs.
 *
 * By direct loads of typed pointers, which cost a third of bpf_probe_read_kernel() and stay allowed under
 * lockdown=confidentiality.  The exceptions are marked.
 */
#ifndef OOMLENS_OOMWATCH_READ_H
#define OOMLENS_OOMWATCH_READ_H

#define PF_KTHREAD        0x00200000
#define MMF_OOM_SKIP_BIT  21                  /* linux/sched/coredump.h, linux/mm_types.h; 4.9 to 6.18 */
#define PF_EXITING        0x00000004
#define SIGNAL_GROUP_EXIT 0x00000004
#define MAX_THREADS       64

/* ---- the few members that we touch; libbpf finds where the running kernel has them --------------------- */

#define KERNEL __attribute__((preserve_access_index))

typedef struct { long counter; } atomic_long_t;
typedef struct { unsigned int val; } kuid_t;
struct percpu_counter { long long count; } KERNEL;
struct list_head { struct list_head *next; } KERNEL;
struct kernfs_node { unsigned long long id; } KERNEL;
struct cgroup { struct kernfs_node *kn; } KERNEL;
struct cgroup_subsys_state { struct cgroup *cgroup; } KERNEL;
struct mem_cgroup { struct cgroup_subsys_state css; } KERNEL;
struct css_set { struct cgroup_subsys_state *subsys[16]; } KERNEL;
struct cred { kuid_t uid; } KERNEL;
struct mm_struct {
	atomic_long_t pgtables_bytes;
	unsigned long total_vm;
	unsigned long flags;
	struct percpu_counter rss_stat[4];            /* since 6.2 (f1a7941243c1) */
} KERNEL;
struct mm_rss_stat { atomic_long_t count[4]; } KERNEL;
struct mm_struct___before_6_2 { struct mm_rss_stat rss_stat; } KERNEL;
typedef struct { unsigned long __mm_flags[1]; } mm_flags_t;
struct mm_struct___since_6_18 { mm_flags_t flags; } KERNEL;
struct signal_struct {
	struct list_head thread_head;
	struct mm_struct *oom_mm;
	bool oom_flag_origin;
	short oom_score_adj;
	unsigned int flags;
} KERNEL;
struct task_struct {
	unsigned int flags;
	int pid, tgid;
	char comm[OOMWATCH_COMM];
	unsigned long long start_boottime;
	struct mm_struct *mm;
	struct signal_struct *signal;
	struct task_struct *group_leader, *real_parent;
	const struct cred *real_cred;
	struct css_set *cgroups;
	void *vfork_done;
	struct list_head thread_node;
} KERNEL;
enum oom_constraint { CONSTRAINT_NONE, CONSTRAINT_CPUSET, CONSTRAINT_MEMORY_POLICY, CONSTRAINT_MEMCG };
struct oom_control {
	struct mem_cgroup *memcg;
	unsigned int gfp_mask;
	int order;
	unsigned long totalpages;
	struct task_struct *chosen;
	unsigned long chosen_points;
	enum oom_constraint constraint;
} KERNEL;
enum cgroup_subsys_id { memory_cgrp_id = 1 };

/*
 * Functions of newer kernels.  libbpf before 1.4 searches the modules of older ones for them, which takes
 * CAP_SYS_ADMIN: the object for those (OOMWATCH_OLD) does not mention them.
 */
#ifndef OOMWATCH_OLD
struct bpf_iter_task { unsigned long long opaque[3]; } __attribute__((aligned(8)));
extern int bpf_iter_task_new(struct bpf_iter_task *it, struct task_struct *t, unsigned int how) __weak __ksym;
extern struct task_struct *bpf_iter_task_next(struct bpf_iter_task *it) __weak __ksym;
extern void bpf_iter_task_destroy(struct bpf_iter_task *it) __weak __ksym;
extern void *bpf_rdonly_cast(const void *obj__ign, __u32 btf_id__k) __weak __ksym;
#endif

/* ---- what bpf.c decides before the programs are loaded ------------------------------------------------ */

const volatile bool may_probe;        /* bpf_probe_read_kernel() is not refused */
const volatile bool may_cast;         /* bpf_rdonly_cast(): 6.2 (a35b9af4ec2c) */
const volatile bool sees_rounds;      /* out_of_memory() is watched too */
const volatile bool sees_kills;       /* __oom_kill_process() is */
const volatile bool sees_exit;        /* exit_mmap() is */

/* ---- reading tasks ------------------------------------------------------------------------------------ */

static __always_inline __u64 mm_flags(struct mm_struct *mm)
{
	if (bpf_core_field_exists(((struct mm_struct___since_6_18 *)0)->flags.__mm_flags))
		return ((struct mm_struct___since_6_18 *)mm)->flags.__mm_flags[0];
	return mm->flags;
}

static __always_inline bool has_percpu_rss(void)
{
	return !bpf_core_field_exists(((struct mm_struct___before_6_2 *)0)->rss_stat.count);
}

static __always_inline void copy_rss(struct oomwatch_rec *r, struct mm_struct *mm)
{
	struct mm_struct___before_6_2 *old = (void *)mm;

	if (!bpf_probe_read_kernel(r->rss, sizeof(r->rss), &old->rss_stat))
		r->has |= OOMWATCH_HAS_RSS;
}

/* Literal indexes: a variable one is not relocated. */
static __always_inline void read_mm(struct oomwatch_rec *r, struct mm_struct *mm)
{
	r->has |= OOMWATCH_HAS_MM;
	r->total_vm = mm->total_vm;
	r->pgtables_bytes = mm->pgtables_bytes.counter;
	if ((mm_flags(mm) >> MMF_OOM_SKIP_BIT) & 1)
		r->flags |= OOM_FACT_OOM_SKIP;
	if (has_percpu_rss()) {
		r->rss[0] = mm->rss_stat[0].count;
		r->rss[1] = mm->rss_stat[1].count;
		r->rss[2] = mm->rss_stat[2].count;
		r->rss[3] = mm->rss_stat[3].count;
		r->has |= OOMWATCH_HAS_RSS;
	} else if (may_probe) {
		/* 6.1 cannot load from an array of a typedef ("Type 'atomic_long_t' is not a struct"). */
		copy_rss(r, mm);
	}
}

static __always_inline __u64 mm_flags_by_copy(struct mm_struct *mm)
{
	if (bpf_core_field_exists(((struct mm_struct___since_6_18 *)0)->flags.__mm_flags))
		return BPF_CORE_READ((struct mm_struct___since_6_18 *)mm, flags.__mm_flags[0]);
	return BPF_CORE_READ(mm, flags);
}

/* Before 6.2 a pointer that comes out of a list can only be followed by copying. */
static __always_inline void read_mm_by_copy(struct oomwatch_rec *r, struct mm_struct *mm)
{
	r->total_vm = BPF_CORE_READ(mm, total_vm);
	r->pgtables_bytes = BPF_CORE_READ(mm, pgtables_bytes.counter);
	r->has |= OOMWATCH_HAS_MM;
	if ((mm_flags_by_copy(mm) >> MMF_OOM_SKIP_BIT) & 1)
		r->flags |= OOM_FACT_OOM_SKIP;
	if (has_percpu_rss()) {
		r->rss[0] = BPF_CORE_READ(mm, rss_stat[0].count);
		r->rss[1] = BPF_CORE_READ(mm, rss_stat[1].count);
		r->rss[2] = BPF_CORE_READ(mm, rss_stat[2].count);
		r->rss[3] = BPF_CORE_READ(mm, rss_stat[3].count);
		r->has |= OOMWATCH_HAS_RSS;
	} else {
		copy_rss(r, mm);
	}
}

/* The task whose list entry stands at addr. */
static __always_inline __u64 task_at(__u64 addr)
{
	return addr - bpf_core_field_offset(struct task_struct, thread_node);
}

struct search { __u64 head, at, found; };

#ifndef OOMWATCH_OLD
static __always_inline struct task_struct *as_task(__u64 addr)
{
	return bpf_rdonly_cast((void *)addr, bpf_core_type_id_kernel(struct task_struct));
}
#endif

static __always_inline void read_comm(struct oomwatch_rec *r, struct task_struct *t)
{
	((__u64 *)r->comm)[0] = *(__u64 *)&t->comm[0];
	((__u64 *)r->comm)[1] = *(__u64 *)&t->comm[8];
}

static __always_inline void dead_leader(struct oomwatch_rec *r)
{
	r->flags &= ~OOM_FACT_NO_MM;
	r->flags |= OOM_FACT_DEAD_LEADER;
}

static __always_inline void read_thread(struct oomwatch_rec *r, struct task_struct *t)
{
	r->pid = t->pid;
	r->uid = t->real_cred->uid.val;
	read_comm(r, t);
	read_mm(r, t->mm);
	dead_leader(r);
}

#ifndef OOMWATCH_OLD
static __always_inline bool look_at_thread(struct search *s)
{
	struct task_struct *t = as_task(task_at(s->at));

	if (t->mm) {
		s->found = (__u64)t;
		return true;
	}
	s->at = (__u64)t->thread_node.next;
	return s->at == s->head;
}

static long next_thread(__u32 i, void *ctx) { return look_at_thread(ctx); }
#endif

/* Before 6.2. */
static __always_inline void read_thread_by_copy(struct oomwatch_rec *r, struct search *s)
{
	for (int i = 0; i < MAX_THREADS && s->at && s->at != s->head; i++) {
		struct task_struct *t = (void *)task_at(s->at);
		struct mm_struct *mm = BPF_CORE_READ(t, mm);

		if (mm) {
			r->pid = BPF_CORE_READ(t, pid);
			r->uid = BPF_CORE_READ(t, real_cred, uid.val);
			BPF_CORE_READ_INTO(&r->comm, t, comm);
			read_mm_by_copy(r, mm);
			dead_leader(r);
			return;
		}
		s->at = (__u64)BPF_CORE_READ(t, thread_node.next);
	}
}

/*
 * As find_lock_task_mm() does: the leader has exited, another thread may still hold the mm.  Inside another
 * loop the verifier wants a callback (5.17) to come to an end; elsewhere a plain loop also loads on older
 * kernels.
 */
static __always_inline void read_thread_with_mm(struct oomwatch_rec *r, struct task_struct *leader,
						bool in_loop)
{
	struct signal_struct *sig = leader->signal;
	struct search s = { (__u64)&sig->thread_head, (__u64)sig->thread_head.next, 0 };

	r->flags |= OOM_FACT_NO_MM;
#ifndef OOMWATCH_OLD
	if (may_cast) {
		if (in_loop)
			bpf_loop(MAX_THREADS, next_thread, &s, 0);
		else
			for (int i = 0; i < MAX_THREADS; i++)
				if (look_at_thread(&s))
					break;
		if (s.found)
			read_thread(r, as_task(s.found));
		return;
	}
#endif
	if (may_probe)
		read_thread_by_copy(r, &s);
}

static __always_inline __u64 css_id(struct cgroup_subsys_state *css)
{
	return css->cgroup->kn->id;
}

/* Who it is. */
static __always_inline void read_who(struct oomwatch_rec *r, struct task_struct *t)
{
	r->pid = t->pid;
	r->tgid = t->tgid;
	r->uid = t->real_cred->uid.val;
	r->adj = t->signal->oom_score_adj;
	r->start_ns = t->group_leader->start_boottime;
	read_comm(r, t);
	r->has |= OOMWATCH_HAS_TASK;
	if (bpf_core_enum_value_exists(enum cgroup_subsys_id, memory_cgrp_id)) {
		int i = bpf_core_enum_value(enum cgroup_subsys_id, memory_cgrp_id);

		r->memcg_id = css_id(t->cgroups->subsys[i]);
		r->has |= OOMWATCH_HAS_MEMCG;
	}
}

/* As __task_will_free_mem() sees it, mm/oom_kill.c. */
static __always_inline bool is_dying(struct task_struct *t)
{
	return t->signal->flags & SIGNAL_GROUP_EXIT || t->flags & PF_EXITING;
}

/* The task that runs. */
static __always_inline void read_current(struct oomwatch_rec *r)
{
	if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_get_current_task_btf)) {
		read_who(r, bpf_get_current_task_btf());
	} else {
		/* Before 5.11. */
		r->has |= OOMWATCH_HAS_PID;
		r->pid = (__u32)bpf_get_current_pid_tgid();
		r->tgid = bpf_get_current_pid_tgid() >> 32;
	}
}

/* Who it is and what it holds. */
static __always_inline void read_task(struct oomwatch_rec *r, struct task_struct *t, bool in_loop)
{
	struct mm_struct *mm = t->mm;

	read_who(r, t);
	if (t->signal->oom_mm)
		r->flags |= OOM_FACT_OOM_VICTIM;
	if (!mm) {
		read_thread_with_mm(r, t, in_loop);
		return;
	}
	/* in_vfork(), include/linux/sched/mm.h */
	if (t->vfork_done && (__u64)t->real_parent->mm == (__u64)mm)
		r->flags |= OOM_FACT_VFORK;
	read_mm(r, mm);
}

#endif
