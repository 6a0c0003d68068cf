/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The live sample: /proc and the memory cgroups read as a struct oom_event without a kill (origin LIVE), and
 * the domains of it that can run out of memory.  oom_replay_run() over the sample, or over the view of one
 * domain, says who would be chosen now.  Nothing is ever written to the system.
 *
 * What /proc does not tell, and no sample claims to know: processes that share one mm (die together), an OOM
 * victim that is still dying (the kernel waits for it), and, on 6.2-6.19, the kernel's own approximate
 * counters: there the points are precise sums, up to drift_pages away from what the kernel compares.
 */
#ifndef OOMLENS_SAMPLE_H
#define OOMLENS_SAMPLE_H

#include <oomlens/badness.h>

#define OOM_UNLIMITED INT64_MAX        /* a limit that is not set; a fact, unlike OOM_NA */

enum oom_sample_want {
	OOM_SAMPLE_CGROUPS  = 1 << 0,  /* the cgroup of each task, and a domain per memory cgroup with a
				        * limit */
	OOM_SAMPLE_COUNTERS = 1 << 1,  /* per cgroup domain: what can be reclaimed, protection, event
				        * counts, oom.group */
	OOM_SAMPLE_NODES    = 1 << 2,  /* cpuset domains; costs nothing on a machine with one memory node */
	OOM_SAMPLE_POLICIES = 1 << 3,  /* mempolicy domains; one more file per process on a machine with
				        * several nodes */
	OOM_SAMPLE_ALL      = 15,
	OOM_SAMPLE_KERNEL   = 1 << 4,  /* the kernel's own counters, in one pass of a BPF program: far cheaper,
				        * and what this kernel compares; from /proc where that cannot be (no
				        * privilege, an inner PID namespace, more than 64 memory nodes, 7.0+) */
};

struct oom_sampler_opts {
	const char *proc_root;         /* NULL = "/proc" */
	const char *cgroup_root;       /* NULL = "/sys/fs/cgroup" */
	unsigned want;                 /* enum oom_sample_want; every term of the score is always read */
	size_t keep_files;             /* process files kept open between passes (two a process): twice as
				        * fast, for about 5 KiB of kernel memory a process; cut to what
				        * RLIMIT_NOFILE leaves; 0 = none */
	int64_t page_size;             /* bytes; 0 = this machine's */
};

/* ---- the sample ------------------------------------------------------------------------------------- */

/* How the points of the sample relate to those that this kernel compares. */
enum oom_sample_points {
	OOM_POINTS_EXACT,              /* the same counters, read the same way (up to 6.1, from 7.0) */
	OOM_POINTS_PRECISE_SUM,        /* per-CPU counters summed; the kernel compares approximations
				        * (6.2-6.19) */
	OOM_POINTS_UNKNOWN,            /* no profile for this kernel: nobody can be ranked */
};
extern const char *const oom_sample_points_names[];

/* Beside event->task[i]: what belongs to a live process and not into the fact model. */
struct oom_sample_row {
	uint64_t ident;                /* the same while the process lives, another one when its pid is
				        * used again */
	int64_t ppid, threads;
	int64_t usage_pages;           /* rss + swap + page tables */
	int64_t prev_usage_pages;      /* in the pass before; OOM_NA for newcomers */
	int32_t cgroup;                /* index into oom_sample.cgroup; -1 = not known */
	uint64_t cgroup_id;            /* of its memory cgroup, without OOM_SAMPLE_CGROUPS too where the kernel's
				        * own counters were read; 0 = not known */
	int32_t mems, bind;            /* node sets of its cpuset and of its MPOL_BIND policy; -1 = none or
				        * not asked for */
	bool dead_leader;              /* the thread group leader has exited; the row shows the thread that
				        * has the mm */
	bool passed_over;              /* it would have been chosen, but the kernel's own oom_score says
				        * that it is no candidate: a vfork child, or its memory was reaped
				        * already (5.9+) */
	char comm[16];
};

struct oom_sample_cgroup {
	struct oom_str path;           /* from the root of the hierarchy: "/a/b" */
	uint64_t id;                   /* inode of its directory: the kernel's cgroup id on 64-bit machines */
	int32_t parent, domain;        /* indices, -1 = none */
	uint32_t depth;
	uint32_t first, ntasks;        /* its own tasks in the sample's by_cgroup order */
	uint32_t end, ntasks_below;    /* one past its last descendant; tasks of the whole subtree, its own
				        * included */
};

/* Something that can run out of memory by itself.  kB of a machine or of a cgroup; pages where the kernel
 * counts pages. */
struct oom_domain {
	int64_t scope;                 /* enum oom_scope: GLOBAL, MEMCG, CPUSET, MEMPOLICY */
	struct oom_str path;           /* MEMCG: cgroup path; CPUSET, MEMPOLICY: list of nodes ("0-1,3");
				        * GLOBAL: NULL */
	int32_t cgroup, parent;        /* cgroup index; the nearest enclosing memcg domain, else 0
				        * (global); -1 = none */
	int64_t total_pages;           /* the kernel's totalpages for this domain; OOM_NA where it cannot
				        * be known */

	int64_t limit_kb;              /* MEMCG: its limit; else the memory of the machine or of the nodes */
	int64_t usage_kb;
	int64_t headroom_kb;           /* MEMCG: limit - usage, before any reclaim; else free and available
				        * memory */
	int64_t swap_limit_kb;         /* v2: swap.max; v1: memory+swap limit; GLOBAL: total swap;
				        * OOM_UNLIMITED */
	int64_t swap_usage_kb;         /* in the same terms */
	int64_t reclaimable_kb;        /* page cache and slab that reclaim could free first (COUNTERS) */
	int64_t room_kb;               /* what can still be allocated before an OOM: headroom + reclaimable
				        * + free swap, an estimate, never more than the enclosing domains
				        * leave; OOM_NA */
	int64_t prev_usage_kb;         /* in the pass before; OOM_NA for a new one */

	int64_t min_kb, low_kb;        /* v2 protection */
	int64_t oom_group, kill_disabled, under_oom;         /* 0, 1; OOM_NA where the kernel has no such
							      * file */
	int64_t max_events, oom_events, oom_kills;           /* memory.events (v2, with the groups below);
							      * failcnt and oom_control (v1, kills of its
							      * own tasks alone) */
	int64_t swappiness;

	const uint32_t *task;          /* candidates: indices of event->task in the kernel's scan order as
				        * far as it shows */
	size_t ntasks;
	ptrdiff_t victim, runner_up;   /* indices of event->task; -1 = none */
	int64_t points, margin_pages;  /* the victim's; OOM_NA */
	size_t tied;                   /* candidates that have the victim's points, itself included */
	bool certain;                  /* no tie, a margin larger than twice drift_pages, no process hidden
				        * from us (event->table_complete) */
	int32_t group;                 /* memory.oom.group reaches up to this cgroup: all its tasks die; -1
				        * = only one */
};

struct oom_sample_info {           /* one pass */
	size_t processes;              /* entries of /proc, kernel threads included */
	size_t kernel_threads, no_mm;  /* passed over: nothing to kill */
	size_t vanished;               /* went away while being read */
	size_t denied;                 /* could not be read for lack of permission */
	size_t unplaced;               /* rows whose cgroup was not found */
	size_t dead_leaders;
	size_t threads;                /* of all rows */
	size_t kept_files;
	int64_t interval_us;           /* since the pass before; OOM_NA on the first */
	int64_t took_us;
};

/* All of it belongs to the sampler and lives until its next pass or its end. */
struct oom_sample {
	const struct oom_event *event; /* scope GLOBAL, total_pages set, tasks by pid; notes say what is
				        * missing */
	const struct oom_sample_row *row;      /* one per event->task */
	const struct oom_sample_cgroup *cgroup;
	size_t ncgroups;
	const struct oom_domain *domain;       /* [0] is the global one; memcgs in tree order */
	size_t ndomains;
	const struct oom_profile *profile;     /* NULL = nobody can be ranked */
	enum oom_sample_points points;
	int64_t drift_pages;           /* how far a row may be from the kernel's value, either way; 0 when
				        * exact */
	int64_t cgroup_version;        /* of the memory controller: 1, 2, OOM_NA */
	bool kernel_counters;          /* a BPF program gave the rows, not /proc */
	struct oom_sample_info info;
};

struct oom_sampler;
/* Opens the roots.  0, -ENOMEM, or -errno when proc_root cannot be read (reterr says so); missing cgroups
 * are a note of each sample, not an error. */
int  oom_sampler_open(const struct oom_sampler_opts *opts, struct oom_sampler **ret, struct oom_err *reterr);
void oom_sampler_close(struct oom_sampler *s);
/* One pass.  *ret is lent until the next pass; oom_event_clone() keeps an event.  Allocates only while
 * something grows beyond what earlier passes saw.  0, -ENOMEM, -errno when /proc itself fails. */
int  oom_sampler_next(struct oom_sampler *s, struct oom_sample *ret, struct oom_err *reterr);

/* ---- beside the pass: two files, no sampler needed ---------------------------------------------------- */

struct oom_load {                      /* OOM_NA where the kernel does not tell */
	int64_t oom_kills;             /* since boot (vmstat oom_kill, 4.13+) */
	int64_t some_avg10, full_avg10;/* memory pressure in 1/100 % (PSI, 4.20+) */
};
void oom_load_read(const char *proc_root, struct oom_load *ret);            /* NULL = "/proc" */

/* ---- questions to the last pass --------------------------------------------------------------------- */

/* The event as the kernel would see it were this domain out of memory: scope, limits, totalpages and
 * candidates. Rows are gathered, strings shared; lent until the next view or pass.  Do not release it.  0,
 * -ENOMEM. */
int oom_sampler_view(struct oom_sampler *s, const struct oom_domain *d, struct oom_event *ret);

/* memory.oom.group of cgroup i of the last pass, read now: 0, 1; OOM_NA: there is no such file. */
int64_t oom_sampler_group(struct oom_sampler *s, size_t i);

struct oom_sample_rank {
	uint32_t task;                 /* index of event->task */
	int64_t points;                /* pages; in the unit of the profile */
};
/* The k candidates of d with the most points, best first, ties as the kernel breaks them; ineligible ones
 * are left out. Allocates nothing.  Returns how many were written. */
size_t oom_sampler_top(const struct oom_sampler *s, const struct oom_domain *d, size_t k,
		       struct oom_sample_rank *ret);

/* < 0 when a runs out before b: by the time that is left at the present growth, then by the share that is
 * left. */
int oom_domain_compare(const struct oom_domain *a, const struct oom_domain *b);

struct oom_sample_detail {
	int64_t start_us;              /* boot clock */
	char cmdline[256];             /* arguments separated by NUL, cut; untrusted bytes */
	size_t ncmdline;               /* 0 = none or not readable */
};
/* More about one process: two files.  0, -ESRCH when it is gone, its pid belongs to another process by
 * now, or /proc has forgotten it under memory pressure; -errno. */
int oom_sampler_detail(struct oom_sampler *s, size_t task, struct oom_sample_detail *ret);

#endif
