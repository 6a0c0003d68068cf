/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to the parser: the rule table, what a line is matched against, and the state that the handlers share.
 *
 * A handler is called with one logical line (wrapped pieces joined).  It looks at the whole line first and changes
 * state only when it returns OOM_MATCH, so that a line may be tried again after more text was joined to it.
 */
#ifndef OOM_RULES_H
#define OOM_RULES_H

#include <oomlens/parse.h>

#include "collateral.h"

enum oom_match {
	OOM_NO,
	OOM_MATCH,
	OOM_PARTIAL,                  /* the text ended in the middle of the pattern: join the next line and try again */
};

/* ---- sections of a report, in the order the kernel prints them ---------------------------------------- */

enum oom_section {
	OOM_SEC_IDLE,                 /* no episode is open */
	OOM_SEC_HEAD,                 /* invocation, cpuset, CPU line, call trace */
	OOM_SEC_MEMCG, OOM_SEC_MEMINFO, OOM_SEC_ALLOC, OOM_SEC_SLAB,
	OOM_SEC_TABLE,
	OOM_SEC_KILL,                 /* summary or score line seen */
	OOM_SEC_FOREIGN,              /* a memory dump that is not this episode's */
};
#define OOM_IN(sec) (1u << (sec))
#define OOM_IN_ANY  0xffffu
#define OOM_IN_OPEN (OOM_IN_ANY & ~OOM_IN(OOM_SEC_IDLE))

/* ---- rules -------------------------------------------------------------------------------------------- */

#define OOM_MAX_CAPS 10

/* What the holes of a pattern caught, in their order; v[] only for {#number} holes. */
struct oom_caps {
	size_t n;
	struct oom_str s[OOM_MAX_CAPS];
	int64_t v[OOM_MAX_CAPS];
};

struct oom_ctx;

struct oom_rule {
	const char *name;
	/* Literal text with holes: {x} up to the next literal, {x*} up to its last occurrence, {#x} a number, a hole at
	 * the end takes the rest.  A blank matches any run of blanks: mails and terminals collapse them. */
	const char *pattern;
	const char *seen;             /* kernels that print it */
	unsigned in;                  /* sections it is looked for in: OOM_IN(...) */
	/* NULL: recognised and passed over.  Rules without a literal start are called from the section's own code. */
	int (*fn)(struct oom_ctx *c, const struct oom_caps *m);
	unsigned flags;
	int64_t arg;                  /* for handlers that serve several rules: offset or enum */
};
enum {
	OOM_RULE_CODE = 1,            /* matched by the section's code, not through the pattern */
	OOM_RULE_START = 2,           /* opens an episode if none is open */
};

/* Rules that code names directly. */
enum oom_rule_id {
	OOM_RULE_INVOKED, OOM_RULE_CPUSET, OOM_RULE_TRACE, OOM_RULE_COUNTERS, OOM_RULE_NODE, OOM_RULE_ZONE,
	OOM_RULE_FREELIST, OOM_RULE_PERCPU, OOM_RULE_MEMSTAT, OOM_RULE_SLAB_ROW, OOM_RULE_ALLOC_ROW, OOM_RULE_ROW,
	OOM_RULE_ALLOC_FAILURE, OOM_RULE_ALLOC_STALL, OOM_RULE_SUMMARY_TAIL, OOM_RULE_BY_CODE,
};

extern const struct oom_rule oom_rules[];
extern const size_t oom_nrules;

enum oom_match oom_rule_match(const char *pattern, struct oom_str text, struct oom_caps *caps);

/* Rules by the first byte of their literal start: at most a handful are tried on any line. */
struct oom_rule_index {
	uint16_t from[257];
	uint16_t rule[320];
};
void oom_rule_index(struct oom_rule_index *ix);

/* ---- episodes ----------------------------------------------------------------------------------------- */

#define OOM_MAX_COLUMNS     32
#define OOM_MAX_IDLE_LINES  600           /* unknown lines in a row until an open episode is given up */
#define OOM_MAX_IDLE_US     (120 * INT64_C(1000000))
#define OOM_SETTLE_US       (10 * INT64_C(1000000))  /* the reaper speaks 2-3 s after the kill */
#define OOM_SETTLE_LINES    5000
#define OOM_HOLD_US         INT64_C(100000)          /* a live log: the rest of a broken line comes at once or never */
#define OOM_MAX_PENDING     64            /* episodes not yet handed over, all hosts */
#define OOM_MAX_RAW_LINES   ((size_t)1 << 16)
#define OOM_MAX_RAW_BYTES   ((size_t)8 << 20)
#define OOM_MAX_EVENT_BYTES ((size_t)96 << 20)
#define OOM_MAX_JOINS       24
#define OOM_MAX_VICTIMS     8192
#define OOM_MAX_HOSTS       4096
#define OOM_MAX_PAST        256
#define OOM_COMM_LEN        15            /* TASK_COMM_LEN - 1 */

enum oom_message { OOM_MSG_NONE, OOM_MSG_GLOBAL, OOM_MSG_MEMCG, OOM_MSG_ALLOCATING };

/* A column of the task table: where its number goes. */
struct oom_column {
	const struct oom_field *field;    /* NULL: not ours, skipped by position */
};
struct oom_heading {
	struct oom_column col[OOM_MAX_COLUMNS];
	unsigned n;                       /* columns before the name */
	bool clipped;
};

/* Short strings that repeat in one event (counter and zone names) are stored once. */
struct oom_intern {
	struct oom_str tab[512];
};

enum oom_ep_state { OOM_EP_OPEN, OOM_EP_SETTLED, OOM_EP_DONE };

struct oom_host;

struct oom_episode {
	struct oom_episode *next;         /* all pending ones, in the order of their first lines */
	struct oom_host *host;
	struct oom_event ev;
	enum oom_ep_state state;
	enum oom_section section;
	unsigned seen;                    /* OOM_IN() of sections that have begun */
	unsigned idle;                    /* lines since one was recognised */
	int64_t own_line, own_us;         /* of the last line that was recognised */
	size_t raw_bytes;
	char caller[16];                  /* "T123" of the invocation */
	enum oom_message message;
	bool group;                       /* memory.oom.group was announced */
	bool legacy;                      /* text of 2.6.35 and older */
	bool stage1;                      /* "Kill process P ... score" seen */
	bool memcg_block;                 /* counters, stats or header of a memory cgroup seen */
	bool mem_doubt;                   /* a failed allocation was announced before our Mem-Info came */
	bool table_bad, table_over, table_follows;
	bool stack_sysrq, stack_memcg, stack_alloc; /* who called, by the trace */
	bool no_killable;
	bool deadlock;                    /* a panic that only a machine-wide OOM ends in */
	bool summary_cut;                 /* oom-kill: line broken before task= */
	bool boot_edge;                   /* closed because the machine booted */
	bool grown;                       /* it took a line since it was peeked at */
	struct oom_heading heading;
	/* where a wrapped continuation of the memory dump belongs */
	int64_t area, node;
	struct oom_str zone, key;
	int64_t node_seen_mask;           /* nodes with hugepages lines, 0..62: unfiltered up to 5.19 */
	size_t mem_from;                  /* memory entries before the Mem-Info in doubt */
};

struct oom_past {
	int64_t pid, killed_us, line, reap, reap_line;
	char comm[OOM_COMM_LEN + 1];
	uint8_t comm_n;
	bool comm_known;
};

/* A line that ended in the middle of a pattern, waiting for its continuation. */
struct oom_hold {
	bool active, blank_end;           /* blank_end: a blank ended the first line */
	unsigned joins;
	struct oom_line line;             /* strings in bytes */
	struct oom_buf text, bytes, raw;  /* raw: physical lines, one after another */
	struct { int64_t lineno; size_t n; } part[OOM_MAX_JOINS + 1];
	unsigned nparts;
};

struct oom_host {
	struct oom_host *chain, *newer, *older;
	char *name;                       /* NULL: lines without a host */
	size_t name_n;
	struct oom_episode *open, *last;  /* last: newest that may still take lines */
	int64_t now_us, now_line;
	char boot_id[48];
	struct oom_hold hold;
	/* facts of this boot that earlier text taught */
	char kernel[96];
	bool kernel_banner;
	int64_t page_size, swap_total_kb, swap_line;
	struct oom_heading heading;
	int64_t sysrq_line, sysrq_us;     /* "Manual OOM execution" not yet followed by an invocation */
	int64_t suppressed;
	int64_t alloc_failure_line;
	struct oom_past past[OOM_MAX_PAST];
	unsigned npast;                   /* ever; the ring holds the last OOM_MAX_PAST */
};

struct oom_parser {
	struct oom_host *host[1024];      /* hash chains */
	struct oom_host *newest, *oldest, *current;
	size_t nhosts;
	struct oom_episode *first, *last; /* not yet taken, in order of first line */
	struct oom_episode *live;         /* all before it are done */
	size_t npending, nopen, nheld;
	char *path;
	size_t path_n;
	int64_t lineno, next_id;
	struct oom_buf joined;
	struct oom_intern intern;         /* of the episode intern_of */
	struct oom_episode *intern_of;
	struct oom_rule_index index;
	uint64_t *hits;
	struct oom_early early[OOM_EARLY_MAX];    /* lines of other programs that no event was near to yet */
	unsigned nearly;                  /* ever */
	/* For who reads the lines again: each logical line that an episode took, by which rule (NULL: by none of the table). */
	int (*saw)(void *arg, const struct oom_episode *ep, const struct oom_rule *rule, const struct oom_line *line,
		   struct oom_str text);
	void *saw_arg;
};

/* One logical line on its way through the handlers. */
struct oom_ctx {
	struct oom_parser *p;
	struct oom_host *h;
	struct oom_episode *ep;           /* open episode of the host, or NULL */
	struct oom_episode *took;         /* the episode that the line turned out to belong to */
	const struct oom_line *line;      /* where it began */
	struct oom_str text;              /* trimmed */
	const struct oom_rule *rule, *hit;        /* tried; matched */
	enum oom_message message;         /* "Out of memory: " and its kin stood before text */
	bool final;                       /* no more text will come: make do with what is there */
	bool other_caller;                /* printed by another task than the one that invoked the killer */
};

/* ---- parse.c, parse_dispatch.c, parse_episode.c --------------------------------------------------------------------------- */

void oom_rule_hit(struct oom_ctx *c, size_t rule);
int  oom_boot_changed(struct oom_parser *p, struct oom_host *h);
int  oom_dispatch(struct oom_ctx *c);
/* Takes "Out of memory:" and its kin from the front of *t. */
enum oom_message oom_take_message(struct oom_str *t);
bool oom_looks_own(struct oom_ctx *c, struct oom_str text);

/* A new episode of the host.  NULL when out of memory. */
struct oom_episode *oom_episode_begin(struct oom_ctx *c);
void oom_episode_enter(struct oom_ctx *c, struct oom_episode *ep, enum oom_section sec);
int  oom_episode_settle(struct oom_parser *p, struct oom_episode *ep);
int  oom_episode_close(struct oom_parser *p, struct oom_episode *ep);
void oom_episode_free(struct oom_parser *p, struct oom_episode *ep);
int  oom_episode_raw(struct oom_episode *ep, int64_t line, struct oom_str raw);
int  oom_episode_expire(struct oom_parser *p, bool all);
/* By the clock instead of by lines: those that said nothing for long are closed. */
int  oom_episode_clock(struct oom_parser *p, int64_t now_us);
/* The settled or open episode that killed pid, newest first; NULL. */
struct oom_episode *oom_episode_of(struct oom_parser *p, const struct oom_host *h, int64_t pid, struct oom_victim **ret);
bool oom_full(const struct oom_episode *ep);
int  oom_keep(struct oom_episode *ep, struct oom_str s, struct oom_str *ret);
/* Like oom_keep(), for short strings that repeat; OOM_STR_NULL when out of memory. */
struct oom_str oom_intern(struct oom_parser *p, struct oom_episode *ep, struct oom_str s);
void oom_boot_reset(struct oom_host *h);
void oom_past_add(struct oom_host *h, const struct oom_victim *v);
struct oom_past *oom_past_find(struct oom_host *h, int64_t pid, int64_t before);
int64_t oom_ctx_us(const struct oom_ctx *c);
int  oom_damaged(struct oom_ctx *c, struct oom_episode *ep, const char *what);
int  oom_finish_event(struct oom_episode *ep);

/* ---- handlers, by file ----------------------------------------------------------------------------------- */

/* parse_head.c */
int oom_on_invoked(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_cpuset(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_cpu(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_cpu_uid(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_pid(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_banner(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_trace(struct oom_ctx *c, const struct oom_caps *m);
int oom_trace_line(struct oom_ctx *c);
int oom_on_alloc_failure(struct oom_ctx *c);
int oom_on_sysrq(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_suppressed(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_remark(struct oom_ctx *c, const struct oom_caps *m);
/* parse_memory.c */
int oom_on_meminfo(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_lowmem(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_hugepages(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_pages(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_swapcache(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_swap(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_slab_info(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_alloc_info(struct oom_ctx *c, const struct oom_caps *m);
int oom_memory_line(struct oom_ctx *c);
int oom_slab_line(struct oom_ctx *c);
int oom_alloc_line(struct oom_ctx *c);
struct oom_memory *oom_memory_add(struct oom_ctx *c, enum oom_area area, struct oom_str zone, struct oom_str name);
/* parse_memcg.c */
int oom_on_task_in(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_limit_of(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_limit_reached(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_counter(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_stats(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_protection(struct oom_ctx *c, const struct oom_caps *m);
int oom_memcg_line(struct oom_ctx *c);
/* parse_task.c */
int oom_on_tasks_state(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_heading(struct oom_ctx *c, const struct oom_caps *m);
int oom_task_line(struct oom_ctx *c);
bool oom_is_row(struct oom_str text);
/* parse_kill.c */
int oom_on_summary(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_summary_tail(struct oom_ctx *c);
int oom_on_score(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_killed(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_sharing(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_exiting(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_group(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_would_have(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_no_killable(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_panic(struct oom_ctx *c, const struct oom_caps *m);
/* collateral.c: a line of another program; what was told before an event began.  0, -ENOMEM */
int oom_collateral_feed(struct oom_parser *p, const struct oom_line *line);
int oom_collateral_begin(struct oom_parser *p, struct oom_episode *ep);
/* parse_reap.c */
int oom_on_reaped(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_unable(struct oom_ctx *c, const struct oom_caps *m);
int oom_on_pinned(struct oom_ctx *c, const struct oom_caps *m);

#endif
