/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cgroup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- which hierarchy -------------------------------------------------------------------------------- */

static bool word_in(struct oom_str s, const char *word)
{
	struct oom_str w;

	while (s.n) {
		if (oom_take_word(&s, &w) && oom_str_is(oom_str_trim(w), word))
			return true;
		if (!oom_take_blanks(&s))
			break;
	}
	return false;
}

/* cgroup.controllers ends in a newline, which is no blank to a take. */
static bool has_memory(int root, const char *path)
{
	char buf[512];
	struct oom_str s, line;

	if (oom_proc_read(root, path, buf, sizeof(buf), &s) < 0)
		return false;
	return oom_proc_line(&s, &line) && word_in(line, "memory");
}

static int open_path(int root, const char *path)
{
	return openat(root, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

void oom_cgroups_open(struct oom_cgroups *c, int mount_root)
{
	c->version = OOM_NA;
	c->root = -1;
	if (mount_root < 0)
		return;
	if (has_memory(mount_root, "cgroup.controllers")) {
		c->root = open_path(mount_root, ".");
		c->version = 2;
	} else if (!faccessat(mount_root, "memory/cgroup.procs", F_OK, 0)) {
		c->root = open_path(mount_root, "memory");
		c->version = 1;
	} else if (has_memory(mount_root, "unified/cgroup.controllers")) {
		c->root = open_path(mount_root, "unified");
		c->version = 2;
	} else if (!faccessat(mount_root, "cgroup.procs", F_OK, 0)) {
		c->root = open_path(mount_root, ".");   /* no memory controller: paths are worth having */
	}
	if (c->root < 0)
		c->version = OOM_NA;
}

void oom_cgroups_close(struct oom_cgroups *c)
{
	if (c->root >= 0)
		close(c->root);
	c->root = -1;
	oom_free(c->node);
	oom_free(c->index);
	c->node = NULL;
	c->index = NULL;
	c->n = c->cap = c->index_size = 0;
	oom_buf_release(&c->pool);
	oom_buf_release(&c->names);
}

/* ---- files of one cgroup ---------------------------------------------------------------------------- */

enum { KB, COUNT };

struct file {
	const char *name;
	uint16_t offset;
	uint8_t version, kind;
	bool counters;                 /* only when counters are asked for */
};

#define M(version_, counters_, kind_, name_, m) \
	{ name_, offsetof(struct oom_cgroup_memory, m), version_, kind_, counters_ }
static const struct file files[] = {
	M(2, false, KB,    "memory.current",              usage_kb),
	M(2, false, KB,    "memory.swap.max",             swap_limit_kb),
	M(2, false, KB,    "memory.swap.current",         swap_usage_kb),
	M(2, true,  KB,    "memory.min",                  min_kb),
	M(2, true,  KB,    "memory.low",                  low_kb),
	M(2, false, COUNT, "memory.oom.group",            oom_group),       /* 4.19+ */
	M(1, false, KB,    "memory.usage_in_bytes",       usage_kb),
	M(1, false, KB,    "memory.memsw.limit_in_bytes", swap_limit_kb),
	M(1, false, KB,    "memory.memsw.usage_in_bytes", swap_usage_kb),
	M(1, false, COUNT, "memory.swappiness",           swappiness),
	M(1, false, COUNT, "memory.use_hierarchy",        use_hierarchy),
	M(1, true,  COUNT, "memory.failcnt",              max_events),
};
#undef M

static void memory_clear(struct oom_cgroup_memory *m)
{
	m->limit_kb = m->usage_kb = m->swap_limit_kb = m->swap_usage_kb = OOM_NA;
	m->swappiness = m->use_hierarchy = OOM_NA;
	m->min_kb = m->low_kb = m->oom_group = m->kill_disabled = m->under_oom = m->reclaimable_kb = OOM_NA;
	m->max_events = m->oom_events = m->oom_kills = OOM_NA;
}

static int64_t read_value(int dir, const char *file, int kind)
{
	int64_t v = oom_proc_number(dir, file);

	return kind == KB && v != OOM_NA && v != OOM_UNLIMITED ? v / 1024 : v;
}

static int64_t sum_of(struct oom_str text, const char *const *keys)
{
	int64_t sum = OOM_NA, v;

	for (; *keys; keys++) {
		v = oom_proc_keyed(text, *keys);
		if (v >= 0)
			sum = (sum == OOM_NA ? 0 : sum) + v / 1024;
	}
	return sum;
}

static void read_counters(struct oom_cgroups *c, int dir, struct oom_cgroup_memory *m)
{
	/* Shared memory is on the anonymous lists, so the file lists are what reclaim can drop or write
	 * back. */
	static const char *const v2[] = { "inactive_file", "active_file", "slab_reclaimable", NULL };
	static const char *const v1[] = { "total_inactive_file", "total_active_file", NULL };
	struct oom_str s;

	if (oom_proc_read(dir, "memory.stat", c->text, c->text_cap, &s) == 0)
		m->reclaimable_kb = sum_of(s, c->version == 2 ? v2 : v1);
	if (c->version == 2 && oom_proc_read(dir, "memory.events", c->text, c->text_cap, &s) == 0) {
		m->max_events = oom_proc_keyed(s, "max");
		m->oom_events = oom_proc_keyed(s, "oom");
		m->oom_kills = oom_proc_keyed(s, "oom_kill");
	} else if (c->version == 1 &&
		   oom_proc_read(dir, "memory.oom_control", c->text, c->text_cap, &s) == 0) {
		m->kill_disabled = oom_proc_keyed(s, "oom_kill_disable");
		m->under_oom = oom_proc_keyed(s, "under_oom");
		m->oom_kills = oom_proc_keyed(s, "oom_kill");           /* 4.13+ */
	}
}

static void read_memory(struct oom_cgroups *c, int dir, struct oom_cgroup_memory *m)
{
	m->limit_kb = read_value(dir, c->version == 2 ? "memory.max" : "memory.limit_in_bytes", KB);
	if (!oom_cgroup_limited(m))
		return;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(files); i++) {
		int64_t v;

		if (files[i].version != c->version || (files[i].counters && !c->counters))
			continue;
		v = read_value(dir, files[i].name, files[i].kind);
		memcpy((char *)m + files[i].offset, &v, sizeof(v));
	}
	if (c->counters)
		read_counters(c, dir, m);
}

#define PID_LIMIT (1 << 22)

static void take_pid(struct oom_cgroups *c, uint32_t index, int64_t *pid)
{
	if (*pid && *pid <= PID_LIMIT)                     /* 0: a process of another PID namespace */
		c->each(c->self, index, (int32_t)*pid);
	*pid = 0;
}

/* The file may be long (v1 gathers the process of every thread before it sorts them), so it is read block
 * by block. */
static void read_procs(struct oom_cgroups *c, int dir, uint32_t index)
{
	int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
	int64_t pid = 0;
	ssize_t got;

	if (fd < 0)
		return;
	while ((got = read(fd, c->text, c->text_cap)) > 0 || (got < 0 && errno == EINTR))
		for (ssize_t i = 0; i < got; i++) {
			if (c->text[i] < '0' || c->text[i] > '9')
				take_pid(c, index, &pid);
			else if (pid <= PID_LIMIT)
				pid = pid * 10 + (c->text[i] - '0');
		}
	take_pid(c, index, &pid);
	close(fd);
}

/* ---- the walk --------------------------------------------------------------------------------------- */

static struct oom_cgroup *add_node(struct oom_cgroups *c)
{
	if (c->n == c->cap) {
		size_t cap = c->cap ? c->cap * 2 : 64;
		struct oom_cgroup *p = oom_realloc(c->node, cap * sizeof(*p));

		if (!p)
			return NULL;
		c->node = p;
		c->cap = cap;
	}
	c->node[c->n] = (struct oom_cgroup){ .pub = { .parent = -1, .domain = -1 } };
	memory_clear(&c->node[c->n].memory);
	return &c->node[c->n++];
}

/* Entries of the names buffer, aligned so that a level can be sorted in place. */
struct child { uint64_t ino; char name[256]; };

static int by_age(const void *a, const void *b)
{
	const struct child *x = a, *y = b;

	/* kernfs hands out inode numbers in order; the kernel walks siblings by age */
	return x->ino != y->ino ? (x->ino > y->ino) - (x->ino < y->ino) : strcmp(x->name, y->name);
}

static void sort_children(struct child *v, size_t n)
{
	struct child t;

	/* insertion: levels come nearly sorted or small, and qsort() may allocate */
	if (n > 64) {
		qsort(v, n, sizeof(*v), by_age);
		return;
	}
	for (size_t i = 1; i < n; i++) {
		size_t j = i;

		if (by_age(&v[i - 1], &v[i]) <= 0)
			continue;
		t = v[i];
		for (; j > 0 && by_age(&v[j - 1], &t) > 0; j--)
			v[j] = v[j - 1];
		v[j] = t;
	}
}

static int list_children(struct oom_cgroups *c, int dir, size_t *ret)
{
	struct oom_proc_dir d;
	struct oom_proc_entry e;
	struct child child;
	struct stat st;
	size_t n = 0;
	int r = 0;

	*ret = 0;
	/* kernfs counts subdirectories in the links: most cgroups are leaves and need no look inside */
	if (!fstat(dir, &st) && st.st_nlink == 2)
		return 0;
	if (oom_proc_dir_open(&d, dir, ".") < 0)
		return 0;
	while (r == 0 && oom_proc_dir_next(&d, &e)) {
		size_t len = strlen(e.name);

		if (!e.maybe_dir || len >= sizeof(child.name))
			continue;
		memset(&child, 0, sizeof(child));
		child.ino = e.ino;
		memcpy(child.name, e.name, len);
		r = oom_buf_add(&c->names, &child, sizeof(child));
		n++;
	}
	oom_proc_dir_close(&d);
	if (r == 0 && n)
		sort_children((struct child *)(void *)(c->names.p + c->names.n) - n, n);
	*ret = r == 0 ? n : 0;
	return r;
}

static int visit(struct oom_cgroups *c, int dir, int32_t parent, uint32_t depth, uint64_t id,
		 const char *name);

static int visit_children(struct oom_cgroups *c, int dir, int32_t self, uint32_t depth)
{
	size_t from = c->names.n, n;
	int r = list_children(c, dir, &n);

	for (size_t i = 0; i < n && r == 0; i++) {
		struct child child;
		int fd;

		if (depth + 1 >= OOM_CGROUP_DEPTH || c->n >= OOM_CGROUP_MAX) {
			c->cut = true;
			break;
		}
		memcpy(&child, c->names.p + from + i * sizeof(child), sizeof(child));
		fd = openat(dir, child.name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0)
			continue;                        /* removed meanwhile, or a plain file */
		r = visit(c, fd, self, depth + 1, child.ino, child.name);
		close(fd);
	}
	c->names.n = from;
	return r;
}

static int add_path(struct oom_cgroups *c, struct oom_cgroup *n, const char *name)
{
	int32_t up = n->pub.parent;
	int r = 0;

	n->path = c->pool.n;
	/* the buffer may move while it grows, so the parent's part is copied from its offset after making
	 * room */
	if (up >= 0 && c->node[up].npath > 1) {
		size_t len = c->node[up].npath;
		char copy[4096];

		if (len > sizeof(copy))
			len = sizeof(copy);
		memcpy(copy, c->pool.p + c->node[up].path, len);
		r = oom_buf_add(&c->pool, copy, len);
	}
	if (r == 0)
		r = oom_buf_add(&c->pool, "/", 1);
	if (r == 0)
		r = oom_buf_add(&c->pool, name, strlen(name));
	n->npath = c->pool.n - n->path;
	return r;
}

static int visit(struct oom_cgroups *c, int dir, int32_t parent, uint32_t depth, uint64_t id,
		 const char *name)
{
	struct oom_cgroup *n = add_node(c);
	size_t self = c->n - 1;
	int r;

	if (!n)
		return -ENOMEM;
	n->pub.parent = parent;
	n->pub.depth = depth;
	n->pub.id = id;
	r = add_path(c, n, name);
	if (r < 0)
		return r;
	if (c->version != OOM_NA)
		read_memory(c, dir, &n->memory);
	if (c->each)
		read_procs(c, dir, (uint32_t)self);
	r = visit_children(c, dir, (int32_t)self, depth);
	c->node[self].pub.end = (uint32_t)c->n;
	return r;
}

int oom_cgroups_walk(struct oom_cgroups *c)
{
	struct stat st;
	int dir, r;

	c->n = c->pool.n = c->names.n = 0;
	c->cut = false;
	if (c->root < 0)
		return 0;
	dir = openat(c->root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return 0;
	r = visit(c, dir, -1, 0, fstat(dir, &st) ? 0 : (uint64_t)st.st_ino, "");
	close(dir);
	for (size_t i = 0; i < c->n; i++)
		c->node[i].pub.path = (struct oom_str){ c->pool.p + c->node[i].path, c->node[i].npath };
	return r;
}

/* "4:memory:/a/b", or "0::/a/b" on v2: the rest of the line is the path, whatever bytes it holds but a
 * newline. */
struct oom_str oom_cgroups_path(const struct oom_cgroups *c, struct oom_str text)
{
	struct oom_str line, names, word;
	int64_t id;

	while (oom_proc_line(&text, &line)) {
		if (!oom_take_i64(&line, &id) || !oom_take_char(&line, ':') ||
		    !oom_take_until(&line, ':', &names))
			continue;
		line = oom_str_sub(line, 1, line.n);
		if (c->version != 1 && id == 0)
			return line;
		/* controllers that are mounted together share a line */
		for (bool more = c->version == 1; more; more = oom_take_char(&names, ',')) {
			word = names;
			if (oom_take_until(&names, ',', &word) ? oom_str_is(word, "memory")
							       : oom_str_is(names, "memory"))
				return line;
		}
	}
	return OOM_STR_NULL;
}

static uint64_t hash_path(struct oom_str s)
{
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
	return h;
}

int oom_cgroups_index(struct oom_cgroups *c)
{
	size_t size = 64;

	while (size < c->n * 2)
		size *= 2;
	if (size > c->index_size) {
		uint32_t *p = oom_realloc(c->index, size * sizeof(*p));

		if (!p)
			return -ENOMEM;
		c->index = p;
		c->index_size = size;
	}
	memset(c->index, 0, c->index_size * sizeof(*c->index));
	for (size_t i = 0; i < c->n; i++) {
		size_t at = hash_path(c->node[i].pub.path) & (c->index_size - 1);

		while (c->index[at])
			at = (at + 1) & (c->index_size - 1);
		c->index[at] = (uint32_t)i + 1;
	}
	return 0;
}

int32_t oom_cgroups_find(const struct oom_cgroups *c, struct oom_str path)
{
	size_t at = hash_path(path) & (c->index_size - 1);

	for (; c->index[at]; at = (at + 1) & (c->index_size - 1))
		if (oom_str_eq(c->node[c->index[at] - 1].pub.path, path))
			return (int32_t)c->index[at] - 1;
	return -1;
}

int64_t oom_cgroups_group(struct oom_cgroups *c, size_t i)
{
	struct oom_cgroup *n = &c->node[i];
	char path[4096 + 32];

	/* the root has no such file, and cgroup v1 knows no groups */
	if (c->version != 2 || n->group_read || oom_cgroup_limited(&n->memory) || n->npath < 2 ||
	    n->npath > 4096)
		return n->memory.oom_group;
	memcpy(path, n->pub.path.p + 1, n->npath - 1);
	memcpy(path + n->npath - 1, "/memory.oom.group", sizeof("/memory.oom.group"));
	n->memory.oom_group = oom_proc_number(c->root, path);
	n->group_read = true;
	return n->memory.oom_group;
}
