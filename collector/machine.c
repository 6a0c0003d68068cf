/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The machine as the sample sees it: kernel, memory, swap, and how its counters relate to those the kernel
 * compares. */
#include "sample_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

/* ---- once ------------------------------------------------------------------------------------------- */

static void read_word(struct oom_sampler *s, const char *path, char *ret, size_t cap)
{
	struct oom_str text, line = OOM_STR_NULL;

	if (oom_proc_read(s->proc, path, s->text, cap - 1, &text) == 0)
		(void)oom_proc_line(&text, &line);
	if (line.n)
		memcpy(ret, line.p, line.n);
	ret[line.n] = '\0';
}

/* The cpuN lines lead /proc/stat; where there are too many of them for the buffer the C library counts. */
static int64_t count_cpus(struct oom_sampler *s)
{
	struct oom_str text, line;
	int64_t n = 0;

	if (oom_proc_read(s->proc, "stat", s->text, sizeof(s->text), &text) < 0)
		return sysconf(_SC_NPROCESSORS_ONLN);
	while (oom_proc_line(&text, &line)) {
		if (!oom_take_lit(&line, "cpu"))
			return n > 0 ? n : 1;
		n += line.n && line.p[0] >= '0' && line.p[0] <= '9';
	}
	return sysconf(_SC_NPROCESSORS_ONLN);
}

static bool since(struct oom_str release, int64_t major, int64_t minor)
{
	int64_t a, b;

	if (!oom_take_i64(&release, &a) || !oom_take_char(&release, '.') || !oom_take_i64(&release, &b))
		return false;
	return a > major || (a == major && b >= minor);
}

/*
 * f1a7941243c1 (6.2) made the counters per-CPU: the selection compares the approximate sums.  /proc showed
 * the same ones until 82241a83cd15 (6.16, and stable trees before it) summed exactly; from 7.0 on the
 * selection does, too.  RHEL 9's 5.14 holds much of the later mm code and is taken for one of these.
 */
static void relate_points(struct oom_sampler *s)
{
	struct oom_str release = oom_str_from(s->kernel);
	int64_t batch = s->cpus * 2 > 32 ? s->cpus * 2 : 32;

	s->drift_pages = 0;
	if (!s->profile) {
		s->points = OOM_POINTS_UNKNOWN;
	} else if (!(s->profile->flags & OOM_PROFILE_EXACT_SUMS) &&
		   (since(release, 6, 2) || oom_str_find(release, ".el9") >= 0)) {
		s->points = OOM_POINTS_PRECISE_SUM;
		/* three rss counters and swap, each off by less than batch a CPU */
		s->drift_pages = 4 * batch * s->cpus;
	} else {
		s->points = OOM_POINTS_EXACT;
	}
}

static void head(struct oom_sampler *s)
{
	struct oom_event *ev = &s->event;
	struct oom_arena keep = ev->arena;

	oom_arena_reset(&keep);
	oom_event_init(ev);
	ev->arena = keep;
	ev->origin = OOM_ORIGIN_LIVE;
	ev->scope = OOM_SCOPE_GLOBAL;
	ev->constraint = OOM_STR("CONSTRAINT_NONE");
	ev->kernel = s->kernel[0] ? oom_str_from(s->kernel) : OOM_STR_NULL;
	ev->kernel_from = s->kernel[0] ? OOM_STR("live") : OOM_STR_NULL;
	ev->host = s->host[0] ? oom_str_from(s->host) : OOM_STR_NULL;
	ev->boot_id = s->boot_id[0] ? oom_str_from(s->boot_id) : OOM_STR_NULL;
	ev->page_size = s->page_kb * 1024;
	ev->page_size_from = OOM_STR("live");
	ev->has_table = 1;
	ev->table_complete = 1;
}

/* PROC_PID_INIT_INO: the machine's own PID namespace has had this number since there are numbers (3.8). */
static bool in_inner_namespace(const struct oom_sampler *s)
{
	static const char outermost[] = "pid:[4026531836]";
	char link[64];
	ssize_t n = readlinkat(s->proc, "self/ns/pid", link, sizeof(link));

	return n > 0 && ((size_t)n != sizeof(outermost) - 1 || memcmp(link, outermost, (size_t)n) != 0);
}

void oom_sample_boot(struct oom_sampler *s)
{
	const struct oom_profile *found[4];
	const char *how;

	s->outer_hidden = in_inner_namespace(s);
	read_word(s, "sys/kernel/osrelease", s->kernel, sizeof(s->kernel));
	read_word(s, "sys/kernel/hostname", s->host, sizeof(s->host));
	read_word(s, "sys/kernel/random/boot_id", s->boot_id, sizeof(s->boot_id));
	s->cpus = count_cpus(s);
	head(s);
	s->profile = s->kernel[0] && oom_profile_for(&s->event, found, &how) ? found[0] : NULL;
	relate_points(s);
}

/* ---- every pass ------------------------------------------------------------------------------------- */

static int64_t pages(const struct oom_sampler *s, int64_t kb)
{
	return kb == OOM_NA ? OOM_NA : kb / s->page_kb;
}

/* "pages RAM" and "reserved" as the kernel's dump counts them, where they lead to the totalram_pages of
 * /proc/meminfo: balloons and hot-plugged memory need not be in the zones' managed counters. */
static void ram(struct oom_sampler *s)
{
	int64_t present = 0, managed = 0;

	if (!s->nodes)
		return;
	for (size_t i = 0; i < s->nodes->n; i++) {
		present += s->nodes->node[i].present;
		managed += s->nodes->node[i].managed;
	}
	if (managed != pages(s, s->mem.total_kb))
		return;
	s->event.ram_pages = present;
	s->event.reserved_pages = present - managed;
}

static int policies(struct oom_sampler *s)
{
	int64_t v;

	if (oom_proc_number(s->proc, "sys/vm/oom_kill_allocating_task") > 0 &&
	    oom_event_note(&s->event, OOM_NA, "allocating_task",
			   "vm.oom_kill_allocating_task is set: a global OOM kills whoever allocates") < 0)
		return -ENOMEM;
	v = oom_proc_number(s->proc, "sys/vm/panic_on_oom");
	if (v > 0 && oom_event_note(&s->event, OOM_NA, "panic_on_oom", "vm.panic_on_oom is %" PRId64 ": %s",
				    v, v > 1 ? "any OOM panics" : "a global OOM panics") < 0)
		return -ENOMEM;
	return 0;
}

int oom_sample_machine(struct oom_sampler *s)
{
	struct oom_event *ev = &s->event;
	struct oom_str text;

	head(s);
	s->mem = (struct oom_proc_meminfo){ OOM_NA, OOM_NA, OOM_NA, OOM_NA, OOM_NA };
	if (oom_proc_read(s->proc, "meminfo", s->text, sizeof(s->text), &text) == 0)
		oom_proc_meminfo(text, &s->mem);
	s->swappiness = oom_proc_number(s->proc, "sys/vm/swappiness");
	if (s->nodes)
		oom_nodes_read(s->nodes, s->proc, s->text, sizeof(s->text));
	ev->swap_total_kb = s->mem.swap_total_kb;
	ev->swap_free_kb = s->mem.swap_free_kb;
	/* a kernel without CONFIG_SWAP prints zeros, so an absent line is an unknown */
	if (s->mem.total_kb != OOM_NA && s->mem.swap_total_kb != OOM_NA)
		ev->total_pages = pages(s, s->mem.total_kb) + pages(s, s->mem.swap_total_kb);
	ram(s);
	return policies(s);
}
