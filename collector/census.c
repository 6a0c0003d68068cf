/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "census.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "census.skel.h"
#include "census_old.skel.h"

#define FIRST_ROOM 4096               /* processes */
#define MOST_ROOM  (1u << 22)         /* PID_MAX_LIMIT */
#define DIGIT      11                 /* bits; two of them make a pid */

struct oom_census {
	unsigned int what;            /* CENSUS_V2, CENSUS_NODES */
	struct census_bpf *skel;      /* walks by itself, or: */
	void *memory;                 /* mapped: what it wrote, in the kernel's order of processes */
	const struct census_rec *rec;
	uint32_t room;
	uint32_t *order;              /* two of room: records by pid, and a draft of it */

	struct census_old_bpf *old;   /* is called for each task */
	struct bpf_link *link;
	/* The kernel writes whole records, but a read may end within one. */
	_Alignas(8) char buf[256 * sizeof(struct census_rec)];
};

static OOM_PRINTF(2, 0) int hush(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

/* ---- load ----------------------------------------------------------------------------------------------- */

static void unload(struct oom_census *c)
{
	if (c->memory)
		(void)munmap(c->memory, c->room * sizeof(*c->rec));
	c->memory = NULL;
	c->rec = NULL;
	census_bpf__destroy(c->skel);
	c->skel = NULL;
	oom_free(c->order);
	c->order = NULL;
	bpf_link__destroy(c->link);
	c->link = NULL;
	census_old_bpf__destroy(c->old);
	c->old = NULL;
}

static int load_walk(struct oom_census *c, uint32_t room)
{
	void *p;
	int r;

	c->skel = census_bpf__open();
	if (!c->skel)
		return -errno;
	c->skel->rodata->on_v2 = c->what & CENSUS_V2;
	c->skel->rodata->with_nodes = c->what & CENSUS_NODES;
	(void)bpf_map__set_max_entries(c->skel->maps.records, room);
	r = census_bpf__load(c->skel);
	if (r)
		return r;
	p = mmap(NULL, room * sizeof(*c->rec), PROT_READ, MAP_SHARED, bpf_map__fd(c->skel->maps.records), 0);
	if (p == MAP_FAILED)
		return -errno;
	c->rec = c->memory = p;
	c->room = room;
	c->order = oom_malloc(2 * room * sizeof(*c->order));
	return c->order ? 0 : -ENOMEM;
}

static int load_iterator(struct oom_census *c, bool probe)
{
	int r;

	c->old = census_old_bpf__open();
	if (!c->old)
		return -errno;
	c->old->rodata->on_v2 = c->what & CENSUS_V2;
	c->old->rodata->with_nodes = c->what & CENSUS_NODES;
	c->old->rodata->may_probe = probe;
	r = census_old_bpf__load(c->old);
	if (r)
		return r;
	c->link = bpf_program__attach_iter(c->old->progs.census, NULL);
	return c->link ? 0 : -errno;
}

/* What is faster first; then without what lockdown refuses. */
static int load(struct oom_census *c, uint32_t room)
{
	int r = load_walk(c, room);

	for (int probe = 1; r && probe >= 0; probe--) {
		unload(c);
		r = load_iterator(c, probe);
	}
	return r;
}

void oom_census_close(struct oom_census *c)
{
	if (!c)
		return;
	unload(c);
	oom_free(c);
}

int oom_census_open(unsigned int what, unsigned int room, struct oom_census **ret, struct oom_err *reterr)
{
	struct oom_census *c = oom_malloc(sizeof(*c));
	libbpf_print_fn_t before;
	int r;

	if (!c)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	memset(c, 0, offsetof(struct oom_census, buf));
	c->what = what;
	before = libbpf_set_print(hush);
	r = load(c, room ? room : FIRST_ROOM);
	(void)libbpf_set_print(before);
	if (r) {
		oom_census_close(c);
		return oom_err_set(reterr, -r, "the kernel does not let BPF walk its tasks: %s", strerror(-r));
	}
	*ret = c;
	return 0;
}

/* ---- read ----------------------------------------------------------------------------------------------- */

/* More processes than ever: the memory of a program cannot grow, so it is loaded anew. */
static int make_room(struct oom_census *c, uint32_t processes)
{
	libbpf_print_fn_t before = libbpf_set_print(hush);
	uint32_t room = c->room;
	int r;

	while (room < processes && room < MOST_ROOM)
		room *= 2;
	unload(c);
	r = load_walk(c, room);
	(void)libbpf_set_print(before);
	if (r)
		unload(c);
	return r ? -ENODEV : 0;
}

/* Threads are passed by only while somebody's leader is dead: they are many, and hardly ever is one needed. */
static int run_once(struct oom_census *c)
{
	struct bpf_test_run_opts opts = { .sz = sizeof(opts) };
	int r = bpf_prog_test_run_opts(bpf_program__fd(c->skel->progs.census), &opts);
	__u32 how = c->skel->bss->dead_leaders ? CENSUS_THREADS : CENSUS_PROCESSES;

	if (r || how == c->skel->bss->how)
		return r;
	c->skel->bss->how = how;
	return how == CENSUS_THREADS ? run_once(c) : 0;
}

static int run(struct oom_census *c, uint32_t *n)
{
	int r = 0;

	/* others may come while room is made */
	for (int i = 0; i < 4; i++) {
		if (!c->skel)                      /* it could not be loaded again */
			return -ENODEV;
		r = run_once(c);
		*n = c->skel->bss->processes;
		if (r || *n <= c->room)
			return r;
		r = make_room(c, *n + *n / 4);
		if (r)
			return r;
	}
	*n = c->room;
	return 0;
}

static void sort_by(const struct oom_census *c, uint32_t n, int shift, const uint32_t *from, uint32_t *to)
{
	const uint32_t mask = (1u << DIGIT) - 1;
	uint32_t start[1u << DIGIT] = { 0 }, at = 0;

	for (uint32_t i = 0; i < n; i++)
		start[(uint32_t)c->rec[i].tgid >> shift & mask]++;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(start); i++) {
		uint32_t count = start[i];

		start[i] = at;
		at += count;
	}
	for (uint32_t i = 0; i < n; i++) {
		uint32_t x = from ? from[i] : i;

		to[start[(uint32_t)c->rec[x].tgid >> shift & mask]++] = x;
	}
}

/* The kernel lists processes as they were made, which is by pid until pids are used again.  NULL = by pid. */
static const uint32_t *order_by_pid(const struct oom_census *c, uint32_t n)
{
	uint32_t i = 1;

	while (i < n && c->rec[i - 1].tgid < c->rec[i].tgid)
		i++;
	if (i >= n)
		return NULL;
	sort_by(c, n, 0, NULL, c->order + c->room);
	sort_by(c, n, DIGIT, c->order + c->room, c->order);
	return c->order;
}

static int walk(struct oom_census *c, int (*each)(void *arg, const struct census_rec *r), void *arg)
{
	const uint32_t *order;
	uint32_t n;
	int r = run(c, &n);

	if (r)
		return r;
	order = order_by_pid(c, n);
	for (uint32_t i = 0; !r && i < n; i++)
		r = each(arg, &c->rec[order ? order[i] : i]);
	return r;
}

static int iterate(struct oom_census *c, int (*each)(void *arg, const struct census_rec *r), void *arg)
{
	int fd = bpf_iter_create(bpf_link__fd(c->link)), r = 0;
	size_t have = 0;
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	while (!r && (n = read(fd, c->buf + have, sizeof(c->buf) - have)) != 0) {
		size_t at = 0;

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0) {
			r = -errno;
			break;
		}
		have += (size_t)n;
		for (; !r && have - at >= sizeof(struct census_rec); at += sizeof(struct census_rec))
			r = each(arg, (const struct census_rec *)(const void *)(c->buf + at));
		memmove(c->buf, c->buf + at, have - at);
		have -= at;
	}
	close(fd);
	return r;
}

int oom_census_read(struct oom_census *c, int (*each)(void *arg, const struct census_rec *r), void *arg)
{
	return c->link ? iterate(c, each, arg) : walk(c, each, arg);
}
