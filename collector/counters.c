/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's own counts: how many it killed, what pressure it measured, and what the memory cgroups of an event have
 * been through.  Files that are always there stay open; those of a cgroup are opened when an event names it.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cgroup.h"
#include "pressure.h"
#include "procfs.h"
#include "recorder_impl.h"

struct oom_counters {
	int vmstat;                    /* -1 = not readable */
	struct oom_pressure pressure;
	struct oom_cgroups cgroups;    /* its root and version alone */
	char text[32768];
};

/* What a kernel log calls "/a" is the mount's "a" only where cgroups begin at the machine's root:
 * PROC_CGROUP_INIT_INO (4.6+; before there was one namespace for all). */
static bool outermost_cgroups(int proc)
{
	struct stat st;

	return fstatat(proc, "self/ns/cgroup", &st, 0) || st.st_ino == 0xEFFFFFFBu;
}

int oom_counters_open_at(const char *proc_root, const char *cgroup_root, struct oom_counters **ret,
			 struct oom_err *reterr)
{
	struct oom_counters *c = oom_malloc(sizeof(*c));
	int proc, mount;

	if (!c)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	memset(c, 0, offsetof(struct oom_counters, text));
	proc = oom_proc_root(proc_root);
	mount = outermost_cgroups(proc) ? oom_proc_root(cgroup_root) : -1;
	c->vmstat = openat(proc, "vmstat", O_RDONLY | O_CLOEXEC);
	oom_pressure_open(&c->pressure, proc);
	oom_cgroups_open(&c->cgroups, mount);
	if (proc >= 0)
		close(proc);
	if (mount >= 0)
		close(mount);
	*ret = c;
	return 0;
}

int oom_counters_open(struct oom_counters **ret, struct oom_err *reterr)
{
	return oom_counters_open_at("/proc", "/sys/fs/cgroup", ret, reterr);
}

void oom_counters_close(struct oom_counters *c)
{
	if (!c)
		return;
	if (c->vmstat >= 0)
		close(c->vmstat);
	oom_pressure_close(&c->pressure);
	oom_cgroups_close(&c->cgroups);
	oom_free(c);
}

/* One read() of this file ends after a page, wherever that is. */
int64_t oom_counters_kills(struct oom_counters *c)
{
	size_t n = 0;
	ssize_t got;

	while (c->vmstat >= 0 && n < sizeof(c->text)) {
		got = pread(c->vmstat, c->text + n, sizeof(c->text) - n, (off_t)n);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	return oom_proc_keyed((struct oom_str){ c->text, n }, "oom_kill");
}

/* ---- rows ------------------------------------------------------------------------------------------- */

static int add_row(struct oom_event *ev, struct oom_str zone, struct oom_str name, int64_t value)
{
	struct oom_memory *m;

	if (!zone.p || !name.p)
		return -ENOMEM;
	m = oom_event_add_memory(ev);
	if (!m)
		return -ENOMEM;
	m->area = OOM_AREA_COUNTER;
	m->unit = OOM_UNIT_NONE;
	m->value = value;
	m->zone = zone;
	m->name = name;
	return 0;
}

static const struct { int64_t version; const char *file, *single; } files[] = {
	{ 2, "memory.events",       NULL },          /* with the groups below, 5.2+; before that its own */
	{ 2, "memory.events.local", NULL },          /* 5.2+ */
	{ 1, "memory.oom_control",  NULL },
	{ 1, "memory.failcnt",      "failcnt" },
};

/* A text of lines "key N", or of one number whose name is `single`. */
static int add_file(struct oom_event *ev, const char *file, const char *single, struct oom_str path,
		    struct oom_str text)
{
	struct oom_str line, key, name, zone;
	int64_t v;
	int r = 0;

	zone = oom_arena_fmt(&ev->arena, "%s %.*s", file, (int)path.n, path.p);
	while (r == 0 && oom_proc_line(&text, &line)) {
		key = oom_str_from(single);
		if (!single && (!oom_take_word(&line, &key) || !oom_take_blanks(&line)))
			continue;
		if (!oom_take_i64(&line, &v))
			continue;
		r = oom_arena_str(&ev->arena, key, &name);
		if (r == 0)
			r = add_row(ev, zone, name, v);
	}
	return r;
}

/* Paths come out of a log: none that leaves the hierarchy or would be cut. */
static bool inside(struct oom_str path)
{
	if (path.n < 1 || path.n > 4096 || path.p[0] != '/' || memchr(path.p, '\0', path.n))
		return false;
	for (size_t i = 0; i + 2 < path.n; i++)
		if (!memcmp(path.p + i, "/..", 3) && (i + 3 == path.n || path.p[i + 3] == '/'))
			return false;
	return true;
}

static int add_cgroup(struct oom_counters *c, struct oom_str path, struct oom_event *ev)
{
	char name[4096 + 2];
	struct oom_str text;
	int dir, r = 0;

	if (c->cgroups.root < 0 || !inside(path))
		return 0;
	memcpy(name, ".", 1);
	memcpy(name + 1, path.p, path.n);
	name[path.n + 1] = '\0';
	dir = openat(c->cgroups.root, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return 0;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(files) && r == 0; i++)
		if (files[i].version == c->cgroups.version &&
		    oom_proc_read(dir, files[i].file, c->text, sizeof(c->text), &text) == 0)
			r = add_file(ev, files[i].file, files[i].single, path, text);
	close(dir);
	return r;
}

int oom_counters_attach(struct oom_counters *c, struct oom_event *ev)
{
	struct oom_pressure_values now;
	int64_t kills = oom_counters_kills(c);
	int r = 0;

	if (kills != OOM_NA)
		r = add_row(ev, OOM_STR("vmstat"), OOM_STR("oom_kill"), kills);
	oom_pressure_read(&c->pressure, &now);
	if (r == 0)
		r = oom_pressure_add(&now, "", ev);
	if (r == 0)
		r = add_cgroup(c, ev->oom_memcg, ev);
	if (r == 0 && !oom_str_eq(ev->oom_memcg, ev->task_memcg))
		r = add_cgroup(c, ev->task_memcg, ev);
	return r;
}
