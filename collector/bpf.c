/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The feeds "ballot" and "walk": loads oomwatch.bpf.c and turns its records into facts.  The only file that
 * knows libbpf.
 *
 * Kernels refuse different parts (lockdown, old verifiers, functions that the compiler inlined), and one
 * refused program fails the whole load.  So a feed is a list of attempts, each with less than the one before.
 */
#include "feed.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "oomwatch.h"
#include "oomwatch.skel.h"
#include "oomwatch_old.skel.h"

#define MIN_RING ((size_t)1 << 20)    /* the largest piece of a ballot is a third of it */

/* Groups of programs. */
enum {
	G_BALLOT    = 1 << 0,
	G_WALK      = 1 << 1,
	G_MARK_TASK = 1 << 2,         /* mark_victim tells the task ... */
	G_MARK_PID  = 1 << 3,         /* ... or, on older kernels, its pid */
	G_REAPER    = 1 << 4,         /* tracepoints */
	G_EXIT      = 1 << 5,         /* entries and returns of functions */
};

/* In a group that an attempt wants, a needed program that the kernel has no place for fails the attempt. */
static const struct program {
	const char *name;
	enum oom_fact_kind kind;      /* what it tells of */
	unsigned group;
	bool needed;
	const char *without;          /* what the feed cannot tell when it is missing */
} programs[] = {
	{ "round_begin",     OOM_FACT_SELECTION,       G_BALLOT,    true,  NULL },
	{ "scored",          OOM_FACT_CANDIDATE,       G_BALLOT,    true,  NULL },
	{ "looked_at",       OOM_FACT_CANDIDATE,       G_BALLOT,    true,  NULL },
	{ "decided",         OOM_FACT_CHOSEN,          G_BALLOT,    true,  NULL },
	{ "round_end",       OOM_FACT_NO_VICTIM,       G_BALLOT,    true,  NULL },
	{ "kill",            OOM_FACT_KILL,            G_EXIT,      false, "the kill itself" },
	{ "walk",            OOM_FACT_CANDIDATE,       G_WALK,      true,  NULL },
	{ "mark_task",       OOM_FACT_MARK_VICTIM,     G_MARK_TASK, false, "marked victims" },
	{ "mark_pid",        OOM_FACT_MARK_VICTIM,     G_MARK_PID,  false, "marked victims" },
	{ "mark_old",        OOM_FACT_EXIT_MMAP_BEGIN, G_MARK_PID,  false, "the victim's exit" },
	{ "wake_reaper",     OOM_FACT_WAKE_REAPER,     G_REAPER,    false, "waking of the reaper" },
	{ "reap_start",      OOM_FACT_REAP_START,      G_REAPER,    false, "start of reaping" },
	{ "reap_finish",     OOM_FACT_REAP_FINISH,     G_REAPER,    false, "end of reaping" },
	{ "reap_skip",       OOM_FACT_REAP_SKIP,       G_REAPER,    false, "skipped reaping" },
	{ "freed",           OOM_FACT_FREED,           G_REAPER,    false, "the end of the victim's task" },
	{ "score_adj",       OOM_FACT_SCORE_ADJ,       G_REAPER,    false, "writes to oom_score_adj" },
	{ "queue_reaper",    OOM_FACT_QUEUE_REAPER,    G_EXIT,      false, "queueing for the reaper" },
	{ "reap_mm_end",     OOM_FACT_REAP_PARTIAL,    G_EXIT,      false, "partial reaping" },
	{ "exit_mmap_begin", OOM_FACT_EXIT_MMAP_BEGIN, G_EXIT,      false, "the exit's own freeing of memory" },
	{ "exit_mmap_end",   OOM_FACT_EXIT_MMAP_END,   G_EXIT,      false, NULL },
};

struct attempt {
	unsigned groups;
	bool probe;
};

struct bpf_feed {
	struct oomwatch_bpf *skel;
	struct ring_buffer *ring;
	uint64_t aborted, no_victim;  /* as told so far */
	bool unscored;                /* the round at hand */
	oom_fact_fn *fn;              /* during a drain */
	void *arg;
	int n;
	char limits[240];
};

/* ---- why it did not work ------------------------------------------------------------------------------ */

/* libbpf's first complaint, kept for the error text: its own return values are bare numbers. */
static char complaint[200];

static OOM_PRINTF(2, 0) int keep_complaint(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	if (level == LIBBPF_WARN && !complaint[0]) {
		(void)vsnprintf(complaint, sizeof(complaint), fmt, ap);
		complaint[strcspn(complaint, "\n")] = 0;
	}
	return 0;
}

static bool locked_down(void)
{
	char text[80] = "";
	FILE *f = fopen("/sys/kernel/security/lockdown", "re");

	if (!f)
		return false;
	if (!fgets(text, sizeof(text), f))
		text[0] = 0;
	(void)fclose(f);
	return strstr(text, "[confidentiality]") != NULL;
}

/* CAP_SYS_ADMIN, or CAP_PERFMON and CAP_BPF (5.8), in the effective set; true when nobody can tell. */
static bool has_capabilities(void)
{
	const uint64_t admin = 1ULL << 21, both = 1ULL << 38 | 1ULL << 39;
	char line[128];
	uint64_t set = admin;
	FILE *f = fopen("/proc/self/status", "re");

	while (f && fgets(line, sizeof(line), f))
		if (!strncmp(line, "CapEff:", 7))
			set = strtoull(line + 7, NULL, 16);
	if (f)
		(void)fclose(f);
	return set & admin || (set & both) == both;
}

static int explain(struct oom_err *reterr, int err, const char *what)
{
	if (err == EPERM && !has_capabilities())
		return oom_err_set(reterr, err, "BPF needs root, or CAP_BPF and CAP_PERFMON");
	if (err == EPERM && locked_down())
		return oom_err_set(reterr, err, "the kernel is locked down and does not let these BPF "
				   "programs %s", what);
	if (err == EPERM)
		return oom_err_set(reterr, err, "the kernel does not let these BPF programs %s: it is "
				   "locked down, or a security module forbids it", what);
	if (err == ENOSYS)
		return oom_err_set(reterr, err, "this kernel was built without BPF");
	return oom_err_set(reterr, err, "BPF programs cannot %s: %s (%s)", what, strerror(err),
			   complaint[0] ? complaint : "libbpf gave no reason");
}

/* ---- what this kernel offers -------------------------------------------------------------------------- */

static bool has_function(const struct btf *btf, const char *name)
{
	return btf__find_by_name_kind(btf, name, BTF_KIND_FUNC) > 0;
}

static bool has_tracepoint(const struct btf *btf, const char *name)
{
	char type[80];

	(void)snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

/* section is "fentry/function" or "tp_btf/tracepoint" */
static bool has_place(const struct btf *btf, const char *section)
{
	const char *name = strchr(section, '/') + 1;

	return strncmp(section, "tp_btf/", 7) ? has_function(btf, name) : has_tracepoint(btf, name);
}

/* First argument of the tracepoint mark_victim: a task (true), or a pid. */
static bool mark_tells_task(const struct btf *btf)
{
	int id = btf__find_by_name_kind(btf, "btf_trace_mark_victim", BTF_KIND_TYPEDEF);
	const struct btf_type *t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;

	while (t && (btf_is_typedef(t) || btf_is_ptr(t)))
		t = btf__type_by_id(btf, t->type);
	if (!t || !btf_is_func_proto(t) || btf_vlen(t) < 2)
		return false;
	id = btf__resolve_type(btf, btf_params(t)[1].type);
	t = id > 0 ? btf__type_by_id(btf, (__u32)id) : NULL;
	return t && btf_is_ptr(t);
}

/* What the programs need, looked up once: the type information is 5 MB, and libbpf wants its own copy. */
struct kernel {
	bool place[OOM_ARRAY_SIZE(programs)];
	bool cast, iter, mark_tells_task;
	bool old;                     /* the object that does not mention functions of newer kernels */
};

/* Both objects have the same programs, maps and variables, so one skeleton serves them. */
static struct oomwatch_bpf *open_object(bool old)
{
	struct oomwatch_bpf *skel;
	int err;

	if (!old)
		return oomwatch_bpf__open();
	skel = calloc(1, sizeof(*skel));      /* freed by oomwatch_bpf__destroy() */
	if (!skel)
		return NULL;
	err = oomwatch_bpf__create_skeleton(skel);
	if (!err) {
		skel->skeleton->data = (void *)oomwatch_old_bpf__elf_bytes(&skel->skeleton->data_sz);
		err = bpf_object__open_skeleton(skel->skeleton, NULL);
	}
	if (err) {
		oomwatch_bpf__destroy(skel);
		errno = -err;
		return NULL;
	}
	return skel;
}

static int look(struct kernel *k, struct oom_err *reterr)
{
	struct oomwatch_bpf *skel = oomwatch_bpf__open();
	struct btf *btf;

	if (!skel)
		return explain(reterr, errno, "be read");
	btf = btf__load_vmlinux_btf();
	if (!btf) {
		oomwatch_bpf__destroy(skel);
		return oom_err_set(reterr, ENOTSUP, "this kernel does not describe its types: there is no "
				   "/sys/kernel/btf/vmlinux");
	}
	for (size_t i = 0; i < OOM_ARRAY_SIZE(programs); i++) {
		struct bpf_program *prog = bpf_object__find_program_by_name(skel->obj, programs[i].name);

		k->place[i] = prog && has_place(btf, bpf_program__section_name(prog));
	}
	k->cast = has_function(btf, "bpf_rdonly_cast");
	k->iter = has_function(btf, "bpf_iter_task_new");
	k->mark_tells_task = mark_tells_task(btf);
	k->old = !k->iter;
	btf__free(btf);
	oomwatch_bpf__destroy(skel);
	return 0;
}

/* ---- loading ------------------------------------------------------------------------------------------ */

static void add_limit(struct bpf_feed *f, const char *text)
{
	size_t n = strlen(f->limits);

	if (text && !strstr(f->limits, text))
		(void)snprintf(f->limits + n, sizeof(f->limits) - n, "%s%s", n ? ", " : "cannot tell ", text);
}

/* Picks the programs of the attempt that this kernel has a place for. */
static int choose(struct bpf_feed *f, const struct kernel *k, unsigned groups, struct oom_err *reterr)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(programs); i++) {
		const struct program *p = &programs[i];
		struct bpf_program *prog = bpf_object__find_program_by_name(f->skel->obj, p->name);
		const char *section = bpf_program__section_name(prog);
		bool wanted = p->group & groups, there = k->place[i];

		if (wanted && !there && p->needed)
			return oom_err_set(reterr, ENOTSUP, "BPF cannot watch '%s' of this kernel",
					   strchr(section, '/') + 1);
		if (wanted && !there)
			add_limit(f, p->without);
		(void)bpf_program__set_autoload(prog, wanted && there);
	}
	/* What the attempt itself leaves out. */
	for (size_t i = 0; i < OOM_ARRAY_SIZE(programs); i++)
		if (programs[i].group & (G_REAPER | G_EXIT) & ~groups)
			add_limit(f, programs[i].without);
	return 0;
}

static int attach(struct bpf_feed *f, struct oom_err *reterr)
{
	int err = oomwatch_bpf__attach(f->skel);

	return err ? explain(reterr, -err, "attach") : 0;
}

static void unload(struct bpf_feed *f)
{
	ring_buffer__free(f->ring);
	f->ring = NULL;
	oomwatch_bpf__destroy(f->skel);
	f->skel = NULL;
}

static int try_load(struct bpf_feed *f, const struct kernel *k, const struct attempt *at, size_t ring_bytes,
		    struct oom_err *reterr)
{
	int err;

	complaint[0] = 0;
	f->limits[0] = 0;
	f->skel = open_object(k->old);
	if (!f->skel)
		return explain(reterr, errno, "be read");
	f->skel->rodata->may_probe = at->probe;
	f->skel->rodata->may_cast = k->cast && !k->old;
	err = choose(f, k, at->groups, reterr);
	if (err)
		return err;
	f->skel->rodata->sees_rounds = bpf_program__autoload(f->skel->progs.round_begin);
	f->skel->rodata->sees_kills = bpf_program__autoload(f->skel->progs.kill);
	f->skel->rodata->sees_exit = bpf_program__autoload(f->skel->progs.exit_mmap_end);
	if (ring_bytes)
		(void)bpf_map__set_max_entries(f->skel->maps.ring, (__u32)ring_bytes);
	err = oomwatch_bpf__load(f->skel);
	if (err)
		return explain(reterr, -err, "load");
	if (!at->probe && !f->skel->rodata->may_cast)
		add_limit(f, "the resident set (lockdown)");
	err = attach(f, reterr);
	if (err)
		return err;
	f->aborted = f->skel->bss->state.aborted;
	f->no_victim = f->skel->bss->state.no_victim;
	return 0;
}

static int on_record(void *ctx, void *data, size_t size);

static int open_any(const struct attempt *list, size_t n, const struct oom_feed_opt *opt,
		    struct oom_feed **ret, struct oom_err *reterr)
{
	size_t ring_bytes = opt ? opt->ring_bytes : 0;
	struct oom_err last = { 0 };
	struct kernel k = { 0 };
	struct bpf_feed *f;
	int err;

	if (ring_bytes && ring_bytes < MIN_RING)
		ring_bytes = MIN_RING;
	(void)libbpf_set_print(keep_complaint);
	err = look(&k, reterr);
	if (err)
		return err;
	if (list[0].groups & G_WALK && !(k.iter && k.mark_tells_task))
		return oom_err_set(reterr, ENOTSUP, "this kernel cannot walk the tasks in BPF (6.7 can)");
	f = oom_malloc(sizeof(*f));
	if (!f)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	memset(f, 0, sizeof(*f));
	err = -ENOTSUP;
	for (size_t i = 0; i < n && err < 0; i++) {
		struct attempt at = list[i];

		if (!(at.groups & G_WALK))
			at.groups |= k.mark_tells_task ? G_MARK_TASK : G_MARK_PID;
		memset(&last, 0, sizeof(last));
		err = try_load(f, &k, &at, ring_bytes, &last);
		if (err < 0)
			unload(f);
	}
	(void)malloc_trim(0);
	if (!err) {
		f->ring = ring_buffer__new(bpf_map__fd(f->skel->maps.ring), on_record, f, NULL);
		if (!f->ring)
			err = oom_err_set(&last, errno, "cannot map the BPF ring: %s", strerror(errno));
	}
	if (err) {
		oom_bpf_close((struct oom_feed *)f);
		return oom_err_set(reterr, last.code, "%s", last.text);
	}
	*ret = (struct oom_feed *)f;
	return 0;
}

int oom_ballot_open(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr)
{
	static const struct attempt list[] = {
		{ G_BALLOT | G_REAPER | G_EXIT, true },
		{ G_BALLOT | G_REAPER | G_EXIT, false },      /* lockdown=confidentiality */
	};

	return open_any(list, OOM_ARRAY_SIZE(list), opt, ret, reterr);
}

int oom_walk_open(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr)
{
	static const struct attempt list[] = {
		{ G_WALK | G_REAPER | G_EXIT, false },
		{ G_WALK | G_REAPER, false },                 /* tracepoints may be watched, functions not */
	};

	return open_any(list, OOM_ARRAY_SIZE(list), opt, ret, reterr);
}

/* ---- draining ----------------------------------------------------------------------------------------- */

static int64_t pages(long long n) { return n > 0 ? n : 0; }

/* Unknown members stay OOM_NA. */
static void to_fact(const struct oomwatch_rec *r, struct oom_fact *f)
{
	oom_fact_init(f, r->kind, (int64_t)(r->ns / 1000));
	f->flags = r->flags;
	if (r->round)
		f->round = (int64_t)r->round;
	if (r->has & (OOMWATCH_HAS_TASK | OOMWATCH_HAS_PID)) {
		f->pid = r->pid;
		if (r->tgid)
			f->tgid = r->tgid;
	}
	if (r->has & OOMWATCH_HAS_TASK) {
		f->uid = r->uid;
		f->oom_score_adj = r->adj;
		f->comm = (struct oom_str){ r->comm, strnlen(r->comm, sizeof(r->comm)) };
		f->start_us = (int64_t)(r->start_ns / 1000);
	}
	if (r->has & OOMWATCH_HAS_MEMCG)
		f->memcg_id = (int64_t)r->memcg_id;
	if (r->has & OOMWATCH_HAS_MM) {
		f->total_vm_pages = (int64_t)r->total_vm;
		f->pgtables_bytes = (int64_t)r->pgtables_bytes;
	}
	if (r->has & OOMWATCH_HAS_RSS) {
		f->rss_file_pages = pages(r->rss[OOMWATCH_FILE]);
		f->rss_anon_pages = pages(r->rss[OOMWATCH_ANON]);
		f->rss_shmem_pages = pages(r->rss[OOMWATCH_SHMEM]);
		f->swap_pages = pages(r->rss[OOMWATCH_SWAP]);
	}
	if (r->has & OOMWATCH_HAS_POINTS)
		f->points = r->points;        /* LONG_MIN, not eligible, is OOM_NA and has its flag */
	if (r->has & OOMWATCH_HAS_ROUND) {
		f->total_pages = (int64_t)r->totalpages;
		f->constraint = r->constraint;
		f->gfp_mask = r->gfp;
		f->order = r->order;
	}
}

/* Aborted rounds come by the hundred and leave no record, only a count; until: how many there were by then. */
static void tell_aborted(struct bpf_feed *f, uint64_t until, int pid, int tgid, uint64_t ns)
{
	struct oom_fact fact;

	if (until <= f->aborted)
		return;
	oom_fact_init(&fact, OOM_FACT_ABORTED, (int64_t)(ns / 1000));
	fact.count = (int64_t)(until - f->aborted);
	fact.pid = pid;
	fact.tgid = tgid;
	f->aborted = until;
	f->fn(f->arg, &fact);
	f->n++;
}

static int on_record(void *ctx, void *data, size_t size)
{
	struct bpf_feed *f = ctx;
	const struct oomwatch_rec *r = data;

	for (; size >= sizeof(*r); r++, size -= sizeof(*r)) {
		struct oom_fact fact;

		if (r->kind == OOM_FACT_ABORTED) {
			tell_aborted(f, r->aborted, r->pid, r->tgid, r->ns);
			continue;
		}
		to_fact(r, &fact);
		if (r->kind == OOM_FACT_SELECTION)
			f->unscored = r->has & OOMWATCH_UNSCORED;
		if (r->kind == OOM_FACT_CANDIDATE && f->unscored)
			fact.flags &= ~OOM_FACT_PASSED_OVER;
		if (r->kind == OOM_FACT_NO_VICTIM)
			fact.count = 1;
		f->fn(f->arg, &fact);
		f->n++;
	}
	return 0;
}

/* Of the rounds that found nobody, at most one a second leaves a record. */
static void tell_no_victim(struct bpf_feed *f)
{
	uint64_t now = __atomic_load_n(&f->skel->bss->state.no_victim, __ATOMIC_ACQUIRE);
	struct oom_fact fact;

	if (now == f->no_victim)
		return;
	oom_fact_init(&fact, OOM_FACT_NO_VICTIM, OOM_NA);
	fact.count = (int64_t)(now - f->no_victim);
	f->no_victim = now;
	f->fn(f->arg, &fact);
	f->n++;
}

int oom_bpf_drain(struct oom_feed *feed, oom_fact_fn *fn, void *arg)
{
	struct bpf_feed *f = (struct bpf_feed *)feed;
	const volatile struct oomwatch_state *s = &f->skel->bss->state;
	/* The count before whom it is for: a change between the two is in the ring, and is told first. */
	uint64_t aborted = __atomic_load_n(&s->aborted, __ATOMIC_ACQUIRE), ns = s->abort_ns;
	int pid = s->abort_pid, tgid = s->abort_tgid, err;

	f->fn = fn;
	f->arg = arg;
	f->n = 0;
	err = ring_buffer__consume(f->ring);
	tell_aborted(f, aborted, pid, tgid, ns);
	tell_no_victim(f);
	return err < 0 ? err : f->n;
}

int oom_bpf_fd(const struct oom_feed *feed)
{
	return ring_buffer__epoll_fd(((const struct bpf_feed *)feed)->ring);
}

uint64_t oom_bpf_lost(const struct oom_feed *feed)
{
	return __atomic_load_n(&((const struct bpf_feed *)feed)->skel->bss->state.lost, __ATOMIC_RELAXED);
}

const char *oom_bpf_limits(const struct oom_feed *feed)
{
	const struct bpf_feed *f = (const struct bpf_feed *)feed;

	return f->limits[0] ? f->limits : NULL;
}

bool oom_bpf_tells(const struct oom_feed *feed, enum oom_fact_kind kind)
{
	const struct bpf_feed *f = (const struct bpf_feed *)feed;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(programs); i++)
		if (programs[i].kind == kind &&
		    bpf_program__autoload(bpf_object__find_program_by_name(f->skel->obj, programs[i].name)))
			return true;
	return false;
}

void oom_bpf_close(struct oom_feed *feed)
{
	struct bpf_feed *f = (struct bpf_feed *)feed;

	if (!f)
		return;
	unload(f);
	oom_free(f);
}
