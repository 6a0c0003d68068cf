/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to explain*.c: the pen with which sentences are written, and the sections in the order of the page.
 * Every helper survives a failed allocation: it sets nomem, returns "" and lets the caller go on;
 * oom_explain() reports it once at the end.
 */
#ifndef OOMLENS_ANALYZER_EXPLAIN_IMPL_H
#define OOMLENS_ANALYZER_EXPLAIN_IMPL_H

#include <stdarg.h>

#include <oomlens/cause.h>
#include <oomlens/explain.h>

struct oom_say {
	const struct oom_event *ev;
	const struct oom_replay *r;
	const struct oom_diagnosis *why;    /* not while it is being made */
	size_t top;      /* rows of the ranking */
	bool page;
	struct oom_doc *doc;
	bool nomem;
};

/* ---- words (explain_say.c); all text lives in the document's arena ---------------------- */

const char *oom_say_z(struct oom_say *s, const char *fmt, ...) OOM_PRINTF(2, 3);
const char *oom_say_zv(struct oom_say *s, const char *fmt, va_list ap) OOM_PRINTF(2, 0);
/* A name or path of the log, safe in sentences and cells; quoted when it holds more than word characters. */
const char *oom_say_name(struct oom_say *s, struct oom_str name);
const char *oom_say_safe(struct oom_say *s, struct oom_str text);        /* without quotes */
const char *oom_say_proc(struct oom_say *s, struct oom_str comm, int64_t pid);     /* mysqld (pid 2430) */
const char *oom_say_nodes(struct oom_say *s, struct oom_str list);       /* NUMA node 1; the NUMA nodes 0-1 */
const char *oom_say_num(struct oom_say *s, int64_t n);      /* 12,345 */
const char *oom_say_count(struct oom_say *s, int64_t n, const char *one, const char *many);
const char *oom_say_kb(struct oom_say *s, int64_t kb);      /* 16.6 MiB */
const char *oom_say_some(struct oom_say *s, int64_t kb);      /* 16.6 MiB; "no" for 0 */
const char *oom_say_size(struct oom_say *s, int64_t pages);      /* 16.6 MiB, or 4,242 pages */
const char *oom_say_pages(struct oom_say *s, int64_t pages);      /* 4,242 pages (16.6 MiB) */
const char *oom_say_range(struct oom_say *s, struct oom_range pages);
const char *oom_say_cell(struct oom_say *s, struct oom_range n);      /* 4,242 or 4,000..4,242 */
const char *oom_say_cell_size(struct oom_say *s, struct oom_range pages);
const char *oom_say_join(struct oom_say *s, const char *list, const char *sep, const char *item);
int64_t oom_say_pages_kb(const struct oom_event *ev, int64_t pages);      /* OOM_NA: page size unknown */

void oom_say(struct oom_say *s, enum oom_node_kind kind, enum oom_tone tone, int64_t line, const char *key,
	     const char *fmt, ...) OOM_PRINTF(6, 7);

/* ---- facts that several sections need ------------------------------------------------------------ */

bool oom_say_per_mille(const struct oom_say *s);
bool oom_range_known(struct oom_range r);
bool oom_range_exact(struct oom_range r);

/* The memory-cgroup counter that stood closest to its limit. */
struct oom_limit {
	const char *what;      /* "memory", "memory+swap", ... */
	int64_t usage_kb, limit_kb;   /* OOM_NA */
	bool reached;
};
struct oom_limit oom_say_limit(const struct oom_event *ev);
bool oom_unlimited_kb(int64_t limit_kb);
int64_t oom_resident_kb(const struct oom_victim *v);    /* OOM_NA: not printed */

/* ---- what only a recorder knows (explain_recorder.c, explain_flight.c) ------------------------------ */

/* From a to b; OOM_NA where one is not known or the clocks make no sense. */
int64_t oom_say_since(int64_t a, int64_t b);
/* What the times of a life count from: selection, kill or mark; OOM_NA. */
int64_t oom_say_began(const struct oom_life *l);
const char *oom_say_lapse(struct oom_say *s, int64_t us);    /* 0.21 ms, 23 ms, 2.30 s */
const struct oom_life *oom_say_life_of(const struct oom_event *ev, int64_t pid);      /* NULL */
/* Who freed its memory, and when: a clause; NULL where that was not seen. */
const char *oom_say_freed(struct oom_say *s, const struct oom_life *l);
const char *oom_say_command_of(struct oom_say *s, int64_t pid);      /* NULL */

/* ---- sections ------------------------------------------------------------ */

void oom_say_verdict(struct oom_say *s);    /* explain_verdict.c */
void oom_say_who(struct oom_say *s);        /* explain_who.c: victims and what became of them */
void oom_say_why(struct oom_say *s);        /* explain_why.c: rule, terms, ranking */
void oom_say_cause(struct oom_say *s);      /* explain_cause.c: why there was no memory */
void oom_say_where(struct oom_say *s);      /* explain_where.c: trigger, limit, the ledger */
void oom_say_recorder(struct oom_say *s);   /* explain_recorder.c: witnesses, lives, counters */
void oom_say_flight(struct oom_say *s);     /* explain_flight.c: who was large, who grew */
void oom_say_around(struct oom_say *s);     /* explain_around.c: what other programs wrote */
void oom_say_gaps(struct oom_say *s);       /* explain_gaps.c: what the log does not show */

#endif
