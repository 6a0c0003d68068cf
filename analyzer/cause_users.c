/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who held the memory: the rows of a ledger, the largest of them as the cause if it is more than half. */
#include <stdlib.h>

#include "cause_impl.h"

#include "release.h"

struct user {
	enum oom_cause_id id;
	const char *rows[2], *less;   /* rows of the ledger added up; one that the first includes and that is not meant */
	int64_t tell;                 /* per mille of the whole from which it is worth telling */
	bool swappable, never_alone;
	const char *what;
};

/*
 * What is worth telling: a tenth, as the tools for live systems have it for memory that has no owner; a quarter for
 * processes, whose memory it should be.  Page tables are a 512th of what they map, so a twentieth is a lot of them, and
 * of stacks it is thousands of threads.
 */
static const struct user of_machine[] = {
	{ OOM_CAUSE_PROCESSES, { "anon" }, "shmem", 250, true, false, "Anonymous memory of processes" },
	{ OOM_CAUSE_SHMEM, { "shmem" }, NULL, 100, true, false, "Shared memory and files in tmpfs" },
	{ OOM_CAUSE_PINNED, { "unevictable" }, NULL, 100, false, false, "Memory that may not be swapped out" },
	{ OOM_CAUSE_SLAB, { "slab_unreclaimable", "slab_reclaimable" }, NULL, 100, false, false, "The kernel's slab caches" },
	{ OOM_CAUSE_PAGE_TABLES, { "pagetables", "sec_pagetables" }, NULL, 50, false, false, "Page tables" },
	{ OOM_CAUSE_KERNEL_STACKS, { "kernel_stack" }, NULL, 50, false, false, "Stacks of threads" },
	{ OOM_CAUSE_COMPRESSED, { "zspages" }, NULL, 100, false, false, "Compressed memory (zram, zswap)" },
	{ OOM_CAUSE_HUGEPAGES, { "hugetlb" }, NULL, 100, false, false, "Huge pages that are set aside" },
	{ OOM_CAUSE_DIRTY_CACHE, { "dirty", "writeback" }, NULL, 100, false, true, "File cache that had to be written first" },
	{ OOM_CAUSE_UNACCOUNTED, { NULL }, NULL, 100, false, false, "Memory that no counter of the dump names" },
};
/* In a group, whoever has a quarter of it is part of the story. */
static const struct user of_memcg[] = {
	{ OOM_CAUSE_PROCESSES, { "anon" }, NULL, 250, true, true, "Anonymous memory of its processes" },
	{ OOM_CAUSE_SHMEM, { "shmem" }, NULL, 250, true, true, "Shared memory and files in tmpfs" },
	{ OOM_CAUSE_DIRTY_CACHE, { "dirty", "writeback" }, NULL, 250, false, true, "File cache that had to be written first" },
	{ OOM_CAUSE_KERNEL_MEMORY, { "kernel" }, NULL, 250, false, true, "Kernel memory" },
	{ OOM_CAUSE_NETWORK, { "sock" }, NULL, 250, false, true, "Network buffers" },
};

static int64_t amount(const struct oom_ledger *l, const struct user *u)
{
	int64_t kb = OOM_NA, less = u->less ? oom_ledger_kb(l, u->less) : 0;

	if (u->id == OOM_CAUSE_UNACCOUNTED)
		return l->whole && l->unaccounted_kb > 0 ? l->unaccounted_kb : OOM_NA;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(u->rows) && u->rows[i]; i++) {
		int64_t one = oom_ledger_kb(l, u->rows[i]);

		if (one != OOM_NA)
			kb = (kb == OOM_NA ? 0 : kb) + one;
	}
	if (kb == OOM_NA || less == OOM_NA)
		return kb;
	return kb > less ? kb - less : 0;
}

static int64_t line_of(const struct oom_ledger *l, const struct user *u)
{
	for (size_t i = 0; i < l->nrows && u->rows[0]; i++)
		if (oom_str_is(oom_str_from(l->row[i].key), u->rows[0]))
			return l->row[i].line;
	return OOM_NA;
}

/* ---- names ------------------------------------------------------------------------------------------ */

#define NAMED 3

/* The largest first. */
struct top { size_t at[NAMED]; int64_t kb[NAMED]; size_t n; };

static void enter(struct top *t, size_t at, int64_t kb)
{
	size_t i;

	if (t->n == NAMED && kb <= t->kb[NAMED - 1])
		return;
	for (i = t->n < NAMED ? t->n++ : NAMED - 1; i > 0 && t->kb[i - 1] < kb; i--) {
		t->at[i] = t->at[i - 1];
		t->kb[i] = t->kb[i - 1];
	}
	t->at[i] = at;
	t->kb[i] = kb;
}

static int64_t task_kb(const struct oom_event *ev, const struct oom_task *t)
{
	return oom_kb_of_pages(ev, t->rss_anon_pages != OOM_NA ? t->rss_anon_pages : t->rss_pages);
}

static void top_tasks(const struct oom_event *ev, struct top *top)
{
	for (size_t i = 0; i < ev->ntasks; i++) {
		int64_t kb = task_kb(ev, &ev->task[i]);

		if (kb > 0)
			enter(top, i, kb);
	}
}

static int by_name(const void *a, const void *b, void *tasks)
{
	const struct oom_task *task = *(const struct oom_task *const *)tasks;
	const uint32_t *x = a, *y = b;
	int order = oom_str_cmp(task[*x].comm, task[*y].comm);

	return order ? order : (*x > *y) - (*x < *y);
}

/* The name whose processes hold most together.  Their resident sets share pages, so the sum only picks the name and is
 * never told. */
static struct oom_crowd find_crowd(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	const struct oom_task *tasks = ev->task;
	struct oom_crowd best = { .n = 0 }, run = { .n = 0 };
	int64_t most = -1, sum = 0;
	uint32_t *at = oom_arena_alloc(&c->say.doc->arena, (ev->ntasks + 1) * sizeof(*at));

	if (!at) {
		c->say.nomem = true;
		return best;
	}
	for (size_t i = 0; i < ev->ntasks; i++)
		at[i] = (uint32_t)i;
	qsort_r(at, ev->ntasks, sizeof(*at), by_name, &tasks);
	for (size_t i = 0; i < ev->ntasks; i++) {
		const struct oom_task *t = &ev->task[at[i]];
		int64_t kb = task_kb(ev, t);

		if (!i || !oom_str_eq(run.comm, t->comm)) {
			run = (struct oom_crowd){ .comm = t->comm, .largest = at[i] };
			sum = 0;
		}
		run.n++;
		if (kb > task_kb(ev, &ev->task[run.largest]))
			run.largest = at[i];
		if (kb > 0 && __builtin_add_overflow(sum, kb, &sum))
			sum = INT64_MAX;
		if (sum > most) {
			most = sum;
			best = run;
		}
	}
	return best;
}

/* Sorting thousands of names takes longer than the replay: once is enough. */
static const struct oom_crowd *crowd_of(struct oom_case *c)
{
	if (!c->crowd_known)
		c->crowd = find_crowd(c);
	c->crowd_known = true;
	return &c->crowd;
}

#define CROWD 3

/* Resident sets share pages: each is told by itself, none are added. */
static void prove_tasks(struct oom_case *c, struct oom_finding *f, int64_t whole_kb)
{
	const struct oom_event *ev = c->ev;
	struct oom_say *s = &c->say;
	const struct oom_crowd *crowd = crowd_of(c);
	struct top top = { .n = 0 };

	top_tasks(ev, &top);
	if (crowd->n >= CROWD) {
		const struct oom_task *t = &ev->task[crowd->largest];

		oom_case_prove(c, f, t->line, "%s named %s, the largest of them with %s",
			       oom_say_count(s, (int64_t)crowd->n, "process", "processes"), oom_say_name(s, crowd->comm),
			       oom_say_kb(s, task_kb(ev, t)));
	}
	for (size_t i = 0; i < top.n; i++) {
		const struct oom_task *t = &ev->task[top.at[i]];
		const char *share = oom_case_share(c, top.kb[i], whole_kb);

		if (top.kb[i] < whole_kb / 100 && (i || crowd->n >= CROWD))
			break;
		oom_case_prove(c, f, t->line, "%s: %s%s%s%s", oom_say_proc(s, t->comm, t->pid), oom_say_kb(s, top.kb[i]),
			       t->rss_anon_pages != OOM_NA ? " anonymous" : " in RAM", *share ? ", " : "", share);
	}
	if (!top.n && ev->nvictims && ev->victim[0].anon_rss_kb > 0)
		oom_case_prove(c, f, ev->victim[0].line, "the victim %s: %s anonymous (there is no task table)",
			       oom_say_proc(s, ev->victim[0].comm, ev->victim[0].pid), oom_say_kb(s, ev->victim[0].anon_rss_kb));
}

static void prove_page_tables(struct oom_case *c, struct oom_finding *f)
{
	const struct oom_event *ev = c->ev;
	const struct oom_task *most = NULL;

	for (size_t i = 0; i < ev->ntasks; i++)
		if (ev->task[i].pgtables_bytes > 0 && (!most || ev->task[i].pgtables_bytes > most->pgtables_bytes))
			most = &ev->task[i];
	if (most)
		oom_case_prove(c, f, most->line, "%s has %s of page tables", oom_say_proc(&c->say, most->comm, most->pid),
			       oom_say_kb(&c->say, most->pgtables_bytes / 1024));
}

/* Caches of the slab table, or callers of the allocation profile, by what they hold. */
static void prove_named(struct oom_case *c, struct oom_finding *f, enum oom_area area, const char *name, int64_t whole_kb)
{
	const struct oom_event *ev = c->ev;
	struct oom_say *s = &c->say;
	struct top top = { .n = 0 };

	for (size_t i = 0; i < ev->nmemory; i++) {
		int64_t kb;

		if (ev->memory[i].area != area || !oom_str_is(ev->memory[i].name, name))
			continue;
		kb = oom_memory_kb(ev, &ev->memory[i]);
		if (kb > 0)
			enter(&top, i, kb);
	}
	for (size_t i = 0; i < top.n; i++) {
		const struct oom_memory *m = &ev->memory[top.at[i]];
		const char *share = area == OOM_AREA_SLAB ? oom_case_share(c, top.kb[i], whole_kb) : "";

		if (i && top.kb[i] < whole_kb / 50)
			break;
		oom_case_prove(c, f, m->line, "%s %s: %s%s%s%s", area == OOM_AREA_SLAB ? "cache" : "allocated by",
			       area == OOM_AREA_SLAB ? oom_say_name(s, m->zone) : oom_say_safe(s, m->zone),
			       oom_say_kb(s, top.kb[i]), *share ? " (" : "", share, *share ? " of all slab)" : "");
	}
}

static void prove(struct oom_case *c, struct oom_finding *f, const struct user *u, int64_t kb, int64_t whole_kb)
{
	switch (u->id) {
	case OOM_CAUSE_PROCESSES:
		prove_tasks(c, f, whole_kb);
		break;
	case OOM_CAUSE_PAGE_TABLES:
		prove_page_tables(c, f);
		break;
	case OOM_CAUSE_SLAB:
		prove_named(c, f, OOM_AREA_SLAB, "total", kb);
		prove_named(c, f, OOM_AREA_ALLOC, "bytes", kb);
		break;
	case OOM_CAUSE_UNACCOUNTED:
		prove_named(c, f, OOM_AREA_ALLOC, "bytes", kb);
		break;
	case OOM_CAUSE_HUGEPAGES:
		if (oom_ledger_kb(c->machine, "hugetlb_free") > 0)
			oom_case_prove(c, f, f->nevidence ? f->evidence[0].line : OOM_NA, "%s of them not in use",
				       oom_say_kb(&c->say, oom_ledger_kb(c->machine, "hugetlb_free")));
		break;
	default:
		break;
	}
}

/* The sentence that may be forwarded alone names who it was: one process with a tenth of it or more, or a name. */
static const char *who(struct oom_case *c, const struct user *u, int64_t kb)
{
	const struct oom_event *ev = c->ev;
	struct oom_say *s = &c->say;
	struct top top = { .n = 0 };
	const struct oom_crowd *crowd;

	if (u->id != OOM_CAUSE_PROCESSES || ev->table_complete != 1)
		return "";
	top_tasks(ev, &top);
	if (top.n && top.kb[0] >= kb / 10)
		return oom_say_z(s, ", most of all %s with %s%s",
				 oom_say_proc(s, ev->task[top.at[0]].comm, ev->task[top.at[0]].pid), oom_say_kb(s, top.kb[0]),
				 ev->task[top.at[0]].rss_anon_pages == OOM_NA ? " in RAM" : "");
	crowd = crowd_of(c);
	if (crowd->n < CROWD)
		return "";
	return oom_say_z(s, ", spread over %s, %s of them named %s",
			 oom_say_count(s, (int64_t)ev->ntasks, "process", "processes"), oom_say_num(s, (int64_t)crowd->n),
			 oom_say_name(s, crowd->comm));
}

static void tell(struct oom_case *c, const struct oom_ledger *l, const struct user *u, int64_t whole_kb, bool decisive,
		 enum oom_confidence confidence)
{
	struct oom_say *s = &c->say;
	int64_t kb = amount(l, u);
	const char *share = oom_case_share(c, kb, whole_kb);
	const char *whole = l->domain == OOM_LEDGER_MEMCG ? "the cgroup" : "RAM";
	struct oom_finding *f;

	f = oom_case_find(c, u->id, confidence, kb, decisive,
			  oom_say_z(s, "%s took %s, %s of %s%s.", u->what, oom_say_kb(s, kb), share, whole,
				    who(c, u, kb)));
	oom_case_prove(c, f, line_of(l, u), "%s of %s", oom_say_kb(s, kb), oom_say_kb(s, whole_kb));
	prove(c, f, u, kb, whole_kb);
	if (decisive)
		oom_case_prove_zones(c, f);
}

/* ---- is there a cause in it? ------------------------------------------------------------------------ */

/* The invoked line has the nodemask from 4.9 on, and what a task was bound to shows nowhere else. */
static bool hides_policies(const struct oom_event *ev)
{
	struct oom_release r;
	bool numa = false;

	for (size_t i = 0; i < ev->nmemory; i++)
		numa |= ev->memory[i].area == OOM_AREA_ZONE && ev->memory[i].node > 0;
	return numa && ev->kernel.p && oom_release_parse(ev->kernel, &r) && !oom_release_since(&r, 4, 9);
}

/* Nothing of it says why there was none, if there was some. */
static const char *was_there(struct oom_case *c)
{
	struct oom_say *s = &c->say;
	int64_t free_kb = oom_ledger_kb(c->machine, "free");
	const enum oom_answer is_short = oom_case_short(c);

	if (c->base_kb == OOM_NA)
		return "the log does not tell how much memory the machine has";
	if (c->zones.absurd)
		return "a watermark in the dump is larger than its zone, so the kernel's own counters were wrong, and why is "
		       "not in the log";
	/* A tenth: what the victim before gave back meanwhile.  As much as that was there when nobody died before. */
	if (is_short == OOM_YES || (free_kb != OOM_NA && free_kb < c->base_kb / 10))
		return NULL;
	if (c->ev->gfp_mask == 0)
		return oom_say_z(s, "%s were free, and the failed page fault does not say what it had asked for",
				 oom_say_kb(s, free_kb));
	if (is_short == OOM_NO)
		return oom_say_z(s, "%s were free, and a zone that the request may use was above its high watermark%s",
				 oom_say_kb(s, free_kb), hides_policies(c->ev) ? "; this kernel does not print a memory policy that "
				 "would have forbidden it" : "");
	return free_kb == OOM_NA ? "the log does not show whether the zones that the request may use were below their "
				   "watermarks"
				 : oom_say_z(s, "%s were free, and the log does not show whether that was below the watermarks of "
						"the zones that the request may use", oom_say_kb(s, free_kb));
}

/* No single user: the largest ones as they stood. */
static const char *nobody(struct oom_case *c)
{
	struct oom_say *s = &c->say;
	const char *list = "";

	if (!c->machine->whole)
		return "counters are missing in the dump, so that who held most of the memory cannot be told";
	for (size_t i = 0; i < OOM_ARRAY_SIZE(of_machine); i++) {
		int64_t kb = amount(c->machine, &of_machine[i]);

		if (kb != OOM_NA && kb >= c->base_kb / 10)
			list = oom_say_join(s, list, ", ",
					    oom_say_z(s, "%s %s", oom_causes[of_machine[i].id].keyword,
						      oom_case_share(c, kb, c->base_kb)));
	}
	return oom_say_z(s, "no single use of memory was half of it%s%s%s", *list ? " (" : "", list, *list ? ")" : "");
}

static const char *not_swapped(struct oom_case *c, const struct user *u)
{
	struct oom_say *s = &c->say;
	int64_t free_kb = oom_case_swap_free(c);

	/* As in cause_swap.c, the last tenth of swap is not to be had. */
	if (!u->swappable || free_kb == OOM_NA || c->ev->swap_total_kb == OOM_NA || free_kb <= c->ev->swap_total_kb / 10)
		return NULL;
	return oom_say_z(s, "%s was %s of RAM, but %s of %s swap were free, and why it was not swapped out is not in the log",
			 u->id == OOM_CAUSE_SHMEM ? "shared memory" : "memory of processes",
			 oom_case_share(c, amount(c->machine, u), c->base_kb), oom_say_kb(s, free_kb),
			 oom_say_kb(s, c->ev->swap_total_kb));
}

/* File cache that could have been dropped at once; OOM_NA. */
static int64_t clean_cache_kb(const struct oom_case *c)
{
	int64_t file = oom_ledger_kb(c->machine, "file"), dirty = oom_ledger_kb(c->machine, "dirty");
	int64_t writeback = oom_ledger_kb(c->machine, "writeback");

	if (file == OOM_NA)
		return OOM_NA;
	file -= (dirty > 0 ? dirty : 0) + (writeback > 0 ? writeback : 0);
	return file > 0 ? file : 0;
}

/* 6.19 on: clean file cache that reclaim had to leave alone. */
static void protection(struct oom_case *c, bool is_short)
{
	struct oom_say *s = &c->say;
	int64_t file = clean_cache_kb(c), kb = oom_case_protected_kb(c->ev);
	struct oom_finding *f;

	/* Half of the cache must be covered.  A tenth of RAM is worth telling; a quarter is the cause, since reclaim takes clean
	 * cache before all else. */
	if (file == OOM_NA || file < c->base_kb / 10 || kb < file / 2)
		return;
	f = oom_case_find(c, OOM_CAUSE_PROTECTION, OOM_CONFIDENCE_LIKELY, file, is_short && file >= c->base_kb / 4,
			  oom_say_z(s, "%s of clean file cache were there, and cgroups protect %s from reclaim.",
				    oom_say_kb(s, file), oom_say_kb(s, kb)));
	oom_case_prove(c, f, OOM_NA, "memory.min protects %s, memory.low %s", oom_say_kb(s, c->ev->protect_min_kb),
		       oom_say_kb(s, c->ev->protect_low_kb));
	oom_case_prove_zones(c, f);
}

/* As much as that is never left over: something kept reclaim from it. */
static const char *not_reclaimed(struct oom_case *c)
{
	int64_t file = clean_cache_kb(c);

	if (file == OOM_NA || file < c->base_kb / 4)
		return NULL;
	return oom_say_z(&c->say, "%s of clean file cache were there, and why they were not reclaimed is not in the log (what "
				  "cgroups protect is printed from 6.19 on)", oom_say_kb(&c->say, file));
}

static const struct user *largest(const struct oom_case *c)
{
	const struct user *most = NULL;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(of_machine); i++) {
		int64_t kb = amount(c->machine, &of_machine[i]);

		if (!of_machine[i].never_alone && kb != OOM_NA && (!most || kb > amount(c->machine, most)))
			most = &of_machine[i];
	}
	/* Huge pages that nobody uses are memory thrown away: from a quarter of RAM on they come before those who had to do
	 * with the rest. */
	if (oom_ledger_kb(c->machine, "hugetlb_free") >= c->base_kb / 4)
		for (size_t i = 0; i < OOM_ARRAY_SIZE(of_machine); i++)
			if (of_machine[i].id == OOM_CAUSE_HUGEPAGES)
				return &of_machine[i];
	return most;
}

void oom_cause_users(struct oom_case *c)
{
	const struct user *most;
	const char *no = c->machine ? was_there(c) : "the log holds no memory dump of this kill";
	enum oom_confidence confidence = OOM_CONFIDENCE_LIKELY;
	int64_t kb;

	if (c->base_kb == OOM_NA) {
		oom_case_lacks(c, no);
		return;
	}
	protection(c, !no);
	if (!no)
		no = not_reclaimed(c);
	most = largest(c);
	kb = most ? amount(c->machine, most) : OOM_NA;
	/* Half: below that the others together are to blame as much. */
	if (!no && (kb == OOM_NA || (kb < c->base_kb / 2 && most->id != OOM_CAUSE_HUGEPAGES)))
		no = nobody(c);
	if (!no)
		no = not_swapped(c, most);
	if (no)
		oom_case_lacks(c, no);
	/* Three quarters, and the zones' own arithmetic: nothing else of that size can be hidden beside it. */
	if (kb >= c->base_kb / 4 * 3 && oom_case_short(c) == OOM_YES)
		confidence = OOM_CONFIDENCE_CERTAIN;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(of_machine); i++) {
		const struct user *u = &of_machine[i];
		int64_t has = amount(c->machine, u);

		if (u == most && !no)
			tell(c, c->machine, u, c->base_kb, true, confidence);
		else if (has != OOM_NA && has >= c->base_kb / 1000 * u->tell)
			tell(c, c->machine, u, c->base_kb, false, OOM_CONFIDENCE_CERTAIN);
	}
}

void oom_cause_members(struct oom_case *c)
{
	const struct oom_ledger *l = c->memcg;

	if (c->ev->scope != OOM_SCOPE_MEMCG || !l || l->total_kb == OOM_NA || l->total_kb <= 0)
		return;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(of_memcg); i++) {
		int64_t has = amount(l, &of_memcg[i]);

		if (has != OOM_NA && has >= l->total_kb / 1000 * of_memcg[i].tell && has > 0)
			tell(c, l, &of_memcg[i], l->total_kb, false, OOM_CONFIDENCE_CERTAIN);
	}
}
