/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fact model: one struct oom_event is one OOM episode (an invocation and all it caused).  It holds what a
 * source said and nothing that was concluded from it: scores and verdicts are derived (replay.h).
 *
 * Every quantity ends with its unit: pages, kb (1024 bytes), bytes, us (microseconds).  Unknown integers are
 * OOM_NA, unknown strings have p == NULL.  Every `line` is the 1-based line of the source, OOM_NA if it had none.
 *
 * The field tables below are the only place that knows the columns: SQL, JSON, CSV and edits walk them.
 */
#ifndef OOMLENS_EVENT_H
#define OOMLENS_EVENT_H

#include <oomlens/base.h>

/* ---- enumerations, each with its names (NULL-terminated, indexed by value) --------------------------- */

enum oom_origin { OOM_ORIGIN_TEXT, OOM_ORIGIN_RECORD, OOM_ORIGIN_LIVE };

/* What the allocation was confined to, in the words of interfaces.md. */
enum oom_scope {
	OOM_SCOPE_UNKNOWN, OOM_SCOPE_GLOBAL, OOM_SCOPE_MEMCG, OOM_SCOPE_CPUSET, OOM_SCOPE_MEMPOLICY, OOM_SCOPE_SYSRQ,
};

enum oom_outcome {
	OOM_OUTCOME_TRUNCATED,      /* the text ends before the kernel said what it did */
	OOM_OUTCOME_KILLED, OOM_OUTCOME_PANIC, OOM_OUTCOME_NO_KILLABLE,
	OOM_OUTCOME_WILL_FREE,      /* a dying task was given the reserves; nothing was killed anew */
};

enum oom_role { OOM_ROLE_CHOSEN, OOM_ROLE_GROUP, OOM_ROLE_CHILD, OOM_ROLE_SHARED_MM };

/* How the recorder accounts for a kill that it saw (docs/DESIGN.md, "The recorder"). */
enum oom_class {
	OOM_CLASS_LOGGED,           /* the kernel log has the dump and the kill */
	OOM_CLASS_RATE_LIMITED,     /* the kill line alone: the dump was suppressed */
	OOM_CLASS_ALREADY_EXITING,  /* it was dying: nothing was killed anew, nothing logged, nothing counted */
	OOM_CLASS_GROUP_MEMBER,     /* died with the chosen one of its memory.oom.group */
	OOM_CLASS_LOG_LOST,         /* a feed or a counter saw it; its lines are not in the log */
};
/* Who freed a victim's memory first. */
enum oom_freed_by { OOM_FREED_UNSEEN, OOM_FREED_REAPER, OOM_FREED_EXIT_MMAP, OOM_FREED_NOBODY };
/* The kernel's own view of the candidates. */
enum oom_ballot {
	OOM_BALLOT_NONE,
	OOM_BALLOT_RECORDED,        /* as the kernel weighed them, with its own points */
	OOM_BALLOT_RECONSTRUCTED,   /* as they stood at the kill, without points */
};

enum oom_reap {
	OOM_REAP_UNSEEN,            /* the log says nothing: normal for a quick exit */
	OOM_REAP_REAPED, OOM_REAP_UNABLE, OOM_REAP_SKIPPED, OOM_REAP_EXITED_FIRST, OOM_REAP_PINNED,
};

extern const char *const oom_scope_names[], *const oom_outcome_names[], *const oom_role_names[], *const oom_reap_names[];
extern const char *const oom_class_names[], *const oom_freed_by_names[], *const oom_ballot_names[];

/* ---- parts ------------------------------------------------------------------------------------------- */

/* A row of the task table (mm/oom_kill.c:dump_task): one thread group that still had an mm. */
struct oom_task {
	int64_t pid;                  /* TID of the first thread with an mm; differs from tgid when the leader is dead */
	int64_t tgid;
	int64_t uid;
	int64_t oom_score_adj;        /* OOM_NA where the table has no such column */
	int64_t rss_pages;
	int64_t swap_pages;           /* swapents */
	int64_t pgtables_bytes;       /* 4.15+ */
	int64_t nr_ptes, nr_pmds;     /* pages; 3.6-4.14, 4.0-4.14 */
	int64_t total_vm_pages;
	int64_t rss_anon_pages, rss_file_pages, rss_shmem_pages;  /* 6.8+ */
	int64_t cpu, oom_adj;         /* up to 3.5 */
	int64_t line;
	struct oom_str comm;
	struct oom_str cgroup;        /* recorder and sampler only */
	int64_t kernel_points;        /* the kernel's own badness, where a ballot recorded it; pages */
	int64_t kernel_flags;         /* OOM_FACT_INELIGIBLE ... of fact.h, where a ballot was recorded */
};

/* A process that was killed: the chosen one first, each pid once. */
struct oom_victim {
	int64_t pid, uid, role;       /* enum oom_role */
	int64_t total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, pgtables_kb, oom_score_adj;
	int64_t killed_us;            /* boot clock */
	int64_t reap;                 /* enum oom_reap */
	int64_t reap_us;              /* boot clock */
	int64_t reap_anon_rss_kb, reap_file_rss_kb, reap_shmem_rss_kb;   /* what was left after reaping */
	int64_t line, reap_line;
	struct oom_str comm;
};

/* One number of the memory dump: Mem-Info, zones, free lists, hugepages, slab, allocation tags, memcg. */
enum oom_unit { OOM_UNIT_NONE, OOM_UNIT_PAGES, OOM_UNIT_KB, OOM_UNIT_BYTES, OOM_UNIT_US };
enum oom_area {
	OOM_AREA_GLOBAL,              /* Mem-Info counters, pagecache, swap cache, pages RAM ...; pages */
	OOM_AREA_NODE, OOM_AREA_ZONE, /* kB; zone also has lowmem_reserve[i] in pages */
	OOM_AREA_FREELIST,            /* name = block size in kB ("4kB"), value = count, text = migrate letters */
	OOM_AREA_HUGEPAGES,           /* name = hugepages_total ...; zone = size ("2048kB") */
	OOM_AREA_SLAB,                /* zone = cache name, name = used | total; kB */
	OOM_AREA_ALLOC,               /* zone = "file:line func:name", name = bytes | calls */
	OOM_AREA_MEMCG,               /* zone = memcg path; memory.stat and limits; kB or counts */
	OOM_AREA_COUNTER,             /* recorder: zone = vmstat, or file and memcg path; the kernel's counts */
	OOM_AREA_PSI,                 /* recorder: zone = memory, io, cpu; name = some_avg10 ...; 1/100 %, or us */
};
extern const char *const oom_unit_names[], *const oom_area_names[];
struct oom_memory {
	int64_t area, node;           /* enum oom_area; node OOM_NA where the line names none */
	int64_t value, unit;          /* enum oom_unit */
	int64_t line;
	struct oom_str zone, name, text;
};

/* A victim of an earlier event of the same boot whose pid stands in this event's table or is its victim:
 * the kernel treats it differently (already dying, reaped, given up), so the replay must know. */
struct oom_prior {
	int64_t pid, killed_us, reap; /* enum oom_reap */
	int64_t line;                 /* of the earlier kill or reaper line */
	struct oom_str comm;
};

/* The life of one victim as the feeds of the running kernel saw it.  Recorder only; one per thread group that
 * was killed or, dying already, was given the reserves.  Times: CLOCK_MONOTONIC. */
struct oom_life {
	int64_t pid, tgid, uid;       /* pid: the thread that the kernel marked */
	int64_t class;                /* enum oom_class */
	int64_t start_us;             /* start of the process, CLOCK_BOOTTIME */
	int64_t selected_us, killed_us, marked_us, queued_us, woken_us;
	int64_t reap_start_us, reap_end_us;
	int64_t reap_skips;           /* times the reaper could not take the mmap lock, or found nothing to do */
	int64_t exit_begin_us, exit_end_us;          /* exit_mmap() */
	int64_t freed_us;             /* the task itself is gone */
	int64_t freed_by;             /* enum oom_freed_by */
	int64_t aborted_rounds;       /* selections given up because this one had yet to free its memory */
	int64_t next_selected_us;     /* another victim was selected while this one's memory was not yet freed */
	struct oom_str comm, cgroup;
};

/* A row of the flight recorder: a task as the last sample before the kill showed it.  Recorder only. */
struct oom_flight {
	int64_t pid, uid, oom_score_adj;
	int64_t sampled_us;           /* CLOCK_MONOTONIC */
	int64_t start_us;             /* CLOCK_BOOTTIME */
	int64_t points;               /* badness for the whole machine; see sample.h for how exact */
	int64_t rss_pages, swap_pages, pgtables_bytes;
	int64_t growth_pages;         /* of rss + swap + page tables, over growth_us */
	int64_t growth_us;
	struct oom_str comm, cgroup, cmdline;
};

/* Something odd or missing, with the line it was noticed on.  kind is a stable keyword: "no_task_table",
 * "truncated_table", "no_header", "damaged_line", "interleaved", "callbacks_suppressed", ... */
struct oom_note {
	int64_t line;
	struct oom_str kind, text;
};

/* A line of evidence, verbatim as it stood in the source, prefix included. */
struct oom_raw {
	int64_t line;
	struct oom_str text;
};

/* Where the main facts stood, for provenance: index of oom_event.at[]. */
enum oom_at {
	OOM_AT_INVOKED, OOM_AT_CPUSET, OOM_AT_HEADER, OOM_AT_MEMCG, OOM_AT_LIMIT, OOM_AT_MEMINFO, OOM_AT_SWAP, OOM_AT_RAM,
	OOM_AT_TABLE, OOM_AT_SUMMARY, OOM_AT_SCORE, OOM_AT_KILL, OOM_AT_OUTCOME, OOM_AT_COUNT,
};

struct oom_event {
	struct oom_arena arena;       /* owns everything below */
	int64_t id;                   /* position in the input, or the store's id */
	int64_t origin;               /* enum oom_origin */

	/* where and when */
	struct oom_str path;          /* source file; archive members as archive!member */
	int64_t first_line, last_line;
	struct oom_str host, boot_id, machine_id;
	struct oom_str kernel;        /* release, as `uname -r` says it */
	struct oom_str kernel_from;   /* "header" (CPU: line), "banner" (Linux version), "earlier_event", "live" */
	int64_t boot_us, wall_us;     /* first line: boot clock; UTC, only if the log said the zone */
	struct oom_str stamp;         /* the wall-clock text of the first line as logged, e.g. "Jun 20 12:47:43" */

	/* trigger: the task whose allocation failed */
	struct oom_str trigger_comm;
	int64_t trigger_pid, trigger_uid, trigger_adj;
	int64_t order;                /* -1 = sysrq-f */
	int64_t gfp_mask;
	struct oom_str gfp_raw;       /* "0xcc0" */
	struct oom_str gfp_flags;     /* names as the kernel printed them, "GFP_KERNEL|__GFP_ZERO"; NULL before 4.6 */
	struct oom_str tainted;

	/* what the allocation was confined to */
	int64_t scope;                /* enum oom_scope */
	struct oom_str constraint;    /* CONSTRAINT_... as printed; NULL where the line did not exist */
	struct oom_str nodemask, cpuset, mems_allowed;   /* as printed; nodemask "(null)" kept */
	struct oom_str oom_memcg, task_memcg;
	int64_t global_oom;           /* 1 if the summary said global_oom */
	int64_t memcg_version;        /* 1, 2 */
	int64_t memcg_usage_kb, memcg_limit_kb, memcg_failcnt;
	int64_t memsw_usage_kb, memsw_limit_kb;          /* v1 memory+swap */
	int64_t memcg_swap_usage_kb, memcg_swap_limit_kb;/* v2 swap */
	int64_t kmem_usage_kb, kmem_limit_kb;
	int64_t protect_min_kb, protect_low_kb;          /* 6.19+ memcg protection line */

	/* the machine */
	int64_t page_size;            /* bytes; OOM_NA if nothing in the log tells */
	struct oom_str page_size_from;/* "free_lists", "victim", "earlier_event", "hugepages", "live" */
	int64_t ram_pages, reserved_pages, cma_reserved_pages, highmem_pages, hwpoisoned_pages;
	int64_t swap_total_kb, swap_free_kb;
	int64_t boot_swap_total_kb;   /* Total swap of another dump of the same boot, where this one prints none */
	int64_t boot_swap_line;
	int64_t total_pages;          /* only when the kernel itself told it (ballot); else the replay recovers it */

	/* the decision, as the log states it */
	int64_t chosen_pid, chosen_uid;                  /* summary line, or "Kill process P" */
	struct oom_str chosen_comm;
	int64_t chosen_score;         /* "score S", up to 5.0 */
	int64_t allocating_task;      /* 1: oom_kill_allocating_task prefix; 0 otherwise */
	int64_t oom_group;            /* 1: "Tasks in ... are going to be killed due to memory.oom.group set" */
	struct oom_str oom_group_path;
	int64_t sysrq;                /* 1: order -1, moom_callback in the trace, or a manual-execution line */
	int64_t outcome;              /* enum oom_outcome */
	struct oom_str outcome_text;  /* the panic or no-killable line, without prefix */

	/* the recorder's witnesses */
	struct oom_str feeds;         /* what told of the event: "log ballot trace"; NULL for texts */
	int64_t ballot;               /* enum oom_ballot */
	int64_t ballot_lost;          /* candidates that the feed lost */

	/* completeness, as found */
	int64_t has_invoked, has_table, table_complete;  /* complete: heading seen and followed by a later section */
	int64_t has_mem_info;
	int64_t suppressed;           /* "N callbacks suppressed" printed with this event */
	int64_t damaged_lines;        /* lines inside the event that looked like its own but could not be read */

	int64_t at[OOM_AT_COUNT];

	struct oom_task   *task;   size_t ntasks,   cap_tasks;
	struct oom_victim *victim; size_t nvictims, cap_victims;
	struct oom_memory *memory; size_t nmemory,  cap_memory;
	struct oom_prior  *prior;  size_t npriors,  cap_priors;
	struct oom_life   *life;   size_t nlives,   cap_lives;
	struct oom_flight *flight; size_t nflights, cap_flights;
	struct oom_note   *note;   size_t nnotes,   cap_notes;
	struct oom_raw    *raw;    size_t nraw,     cap_raw;
};

/* ---- field tables -------------------------------------------------------------------------------------- */

enum oom_type { OOM_TYPE_INT, OOM_TYPE_STR, OOM_TYPE_ENUM };

struct oom_field {
	const char *key;              /* name in SQL, JSON and edits */
	const char *kernel;           /* the kernel's heading or word for it; NULL if it has none */
	uint16_t offset;
	uint8_t type, unit;           /* enum oom_type, enum oom_unit */
	const char *const *names;     /* OOM_TYPE_ENUM */
	const char *help;
};

struct oom_record {
	const char *table;            /* "event", "task", "victim", "memory", "prior", "life", "flight", "note", "raw" */
	const struct oom_field *field;
	size_t nfields, size;
	size_t array, count;          /* offsets in struct oom_event of the array pointer and its length; 0,0 for the event */
	size_t cap;
};

extern const struct oom_record oom_event_record, oom_task_record, oom_victim_record, oom_memory_record,
	oom_prior_record, oom_life_record, oom_flight_record, oom_note_record, oom_raw_record;

/* The parts of an event, i.e. every record but the event itself. */
#define OOM_PARTS 8
extern const struct oom_record *const oom_parts[OOM_PARTS];


static inline int64_t oom_field_int(const struct oom_field *f, const void *rec)
{
	int64_t v;

	memcpy(&v, (const char *)rec + f->offset, sizeof(v));
	return v;
}

static inline struct oom_str oom_field_str(const struct oom_field *f, const void *rec)
{
	struct oom_str v;

	memcpy(&v, (const char *)rec + f->offset, sizeof(v));
	return v;
}

static inline void oom_field_set_int(const struct oom_field *f, void *rec, int64_t v)
{
	memcpy((char *)rec + f->offset, &v, sizeof(v));
}

static inline void oom_field_set_str(const struct oom_field *f, void *rec, struct oom_str v)
{
	memcpy((char *)rec + f->offset, &v, sizeof(v));
}

/* ---- life cycle ---------------------------------------------------------------------------------------- */

/* Every integer OOM_NA, except flags and counts (0), scope UNKNOWN, outcome TRUNCATED. */
void oom_event_init(struct oom_event *ev);
void oom_event_release(struct oom_event *ev);                    /* NULL and never-initialised zeroes are fine */
int  oom_event_clone(struct oom_event *dst, const struct oom_event *src);   /* deep; dst needs no init; 0, -ENOMEM */

/* Append one part, all fields unknown; NULL when out of memory or past OOM_MAX_PARTS. */
#define OOM_MAX_PARTS ((size_t)1 << 20)
struct oom_task   *oom_event_add_task(struct oom_event *ev);
struct oom_victim *oom_event_add_victim(struct oom_event *ev);
struct oom_memory *oom_event_add_memory(struct oom_event *ev);
struct oom_prior  *oom_event_add_prior(struct oom_event *ev);
struct oom_life   *oom_event_add_life(struct oom_event *ev);
struct oom_flight *oom_event_add_flight(struct oom_event *ev);
struct oom_raw    *oom_event_add_raw(struct oom_event *ev);
/* Generic form, for loaders: one part of the record's kind. */
void *oom_event_add(struct oom_event *ev, const struct oom_record *r);
/* kind must be a string literal; text is formatted into the arena.  Out of memory: -ENOMEM. */
int oom_event_note(struct oom_event *ev, int64_t line, const char *kind, const char *fmt, ...) OOM_PRINTF(4, 5);
/*
 * Both are of one event: ev gains what only from knows and loses nothing; what both know stays as ev has it.
 * Strings are copied.  0, -ENOMEM: part of it is done, and it can be done again.  A second time changes nothing
 * (where a table has no pid twice).
 *
 * Outcome, scope and reap: said beats not said.  Flags, and counts of the same things: the greater.  Ballot: recorded
 * beats reconstructed beats none, and kernel_points, kernel_flags and ballot_lost are those of the winner.  Lines,
 * path and raw lines are taken only by an ev that has none of them: they mean nothing beside another source's.
 *
 * Tasks are joined by pid, then by tgid.  A complete table stays what the kernel printed: candidates that it lacks make
 * a note "ballot_only".  One that is cut gets them where they stood in the kernel's order.  Victims and priors are
 * joined by pid, lives by tgid and start_us.  The dump's memory facts are taken whole or not at all, counters and PSI
 * one by one, flight rows all or none.
 *
 * Class of a life: already_exiting, group_member, logged, rate_limited, log_lost, the first of them that either says;
 * "logged" counts as not said in an event without an invoked line.  Who joins a log to an event whose lives were
 * log_lost classifies them again.
 */
int oom_event_merge(struct oom_event *ev, const struct oom_event *from);
/* Does the event hold lines of a log, or only what the feeds of a running kernel told? */
bool oom_event_logged(const struct oom_event *ev);
/* Did a recorder add anything to it: witnesses, lives, a ballot, flight rows? */
bool oom_event_recorded(const struct oom_event *ev);
bool oom_event_has_note(const struct oom_event *ev, const char *kind);

const struct oom_task   *oom_event_task(const struct oom_event *ev, int64_t pid);     /* by pid, then tgid; NULL */
const struct oom_victim *oom_event_victim(const struct oom_event *ev, int64_t pid);
/* The verbatim text of a source line that belongs to the event, p == NULL if it was not kept. */
struct oom_str oom_event_line(const struct oom_event *ev, int64_t line);

/* The one rule of sameness (interfaces.md): 32 hex digits of a hash over host, boot and the kernel's time of
 * the first line, or over the event's text where those are missing. */
void oom_event_fingerprint(const struct oom_event *ev, char ret[33]);

#endif
