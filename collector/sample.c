/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass over /proc.  Two files a process, status and oom_score_adj, give every term of the score; both are
 * opened by path from one directory handle or kept open from the pass before.
 */
#include "sample_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "census.h"

#define PROCESSES_MAX  ((size_t)1 << 20)       /* OOM_MAX_PARTS; the kernel's own limit is 4 Mi */
#define SPARE_FILES    64                      /* left of RLIMIT_NOFILE for everybody else */
#define LEADER_THREADS 64                      /* threads looked at in search of one that has the mm */
#define KTHREAD_EVERY  16                      /* passes until a kernel thread is looked at again */

const char *const oom_sample_points_names[] = { "exact", "precise_sum", "unknown", NULL };

static int64_t clock_us(clockid_t id)
{
	struct timespec t;

	return clock_gettime(id, &t) ? OOM_NA : (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

int oom_sample_room(void **array, size_t *cap, size_t n, size_t size)
{
	size_t want = *cap ? *cap : 64;
	void *p;

	if (n <= *cap)
		return 0;
	while (want < n)
		want *= 2;
	p = oom_realloc(*array, want * size);
	if (!p)
		return -ENOMEM;
	*array = p;
	*cap = want;
	return 0;
}

/* ---- open and close --------------------------------------------------------------------------------- */

static size_t files_to_keep(size_t asked)
{
	struct rlimit l;

	if (!asked || getrlimit(RLIMIT_NOFILE, &l))
		return 0;
	if (l.rlim_cur == RLIM_INFINITY)
		return asked;
	if (l.rlim_cur <= SPARE_FILES)
		return 0;
	return asked < l.rlim_cur - SPARE_FILES ? asked : (size_t)l.rlim_cur - SPARE_FILES;
}

int oom_sampler_open(const struct oom_sampler_opts *opts, struct oom_sampler **ret, struct oom_err *reterr)
{
	const char *proc = opts->proc_root ? opts->proc_root : "/proc";
	const char *cgroups = opts->cgroup_root ? opts->cgroup_root : "/sys/fs/cgroup";
	struct oom_sampler *s = oom_malloc(sizeof(*s));

	if (!s)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	memset(s, 0, offsetof(struct oom_sampler, text));
	s->opts = *opts;
	s->cgroups.root = s->cgroup_mount = -1;
	s->last_us = OOM_NA;
	s->page_kb = (opts->page_size ? opts->page_size : sysconf(_SC_PAGESIZE)) / 1024;
	oom_event_init(&s->event);
	s->proc = s->page_kb > 0 ? oom_proc_root(proc) : -EINVAL;
	if (s->proc < 0) {
		int r = oom_err_set(reterr, -s->proc, "cannot open '%s': %s", proc, strerror(-s->proc));

		s->proc = -1;
		oom_sampler_close(s);
		return r;
	}
	if (opts->want & OOM_SAMPLE_CGROUPS) {
		s->cgroup_mount = oom_proc_root(cgroups);
		oom_cgroups_open(&s->cgroups, s->cgroup_mount);
		s->cgroups.counters = opts->want & OOM_SAMPLE_COUNTERS;
		s->cgroups.text = s->text;
		s->cgroups.text_cap = sizeof(s->text);
	}
	if (opts->want & (OOM_SAMPLE_NODES | OOM_SAMPLE_POLICIES)) {
		s->nodes = oom_malloc(sizeof(*s->nodes));
		if (!s->nodes) {
			oom_sampler_close(s);
			return oom_err_set(reterr, ENOMEM, "out of memory");
		}
		memset(s->nodes, 0, sizeof(*s->nodes));
	}
	s->keep = files_to_keep(opts->keep_files);
	oom_sample_boot(s);
	if (opts->want & OOM_SAMPLE_KERNEL)
		oom_sample_census_open(s);
	*ret = s;
	return 0;
}

static void forget_files(struct oom_sampler *s, struct slot *slot)
{
	int *const fds[] = { &slot->status_fd, &slot->adj_fd };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(fds); i++) {
		if (*fds[i] < 0)
			continue;
		close(*fds[i]);
		*fds[i] = -1;
		s->kept--;
	}
}

/* Out of files: others need them more.  Ours are closed for good; true when a second try makes sense. */
static bool give_back(struct oom_sampler *s, int error)
{
	if ((error != EMFILE && error != ENFILE) || !s->kept)
		return false;
	for (size_t i = 0; i < s->slots.n; i++)
		forget_files(s, &s->slots.v[i]);
	s->keep = 0;
	return true;
}

void oom_sampler_close(struct oom_sampler *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->slots.n; i++)
		forget_files(s, &s->slots.v[i]);
	oom_census_close(s->census);
	oom_cgroups_close(&s->cgroups);
	if (s->proc >= 0)
		close(s->proc);
	if (s->cgroup_mount >= 0)
		close(s->cgroup_mount);
	oom_event_release(&s->event);
	oom_free(s->slots.v);
	oom_free(s->old.v);
	oom_free(s->task);
	oom_free(s->row);
	oom_free(s->all);
	oom_free(s->by_cgroup);
	oom_free(s->cgroup_id);
	oom_free(s->by_id);
	oom_free(s->cgroup);
	oom_free(s->nodes);
	oom_free(s->node_tasks);
	oom_free(s->domain);
	oom_free(s->before);
	oom_free(s->view);
	oom_free(s);
}

/* ---- who is there ----------------------------------------------------------------------------------- */

static int by_pid(const void *a, const void *b)
{
	const struct slot *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

static int list_processes(struct oom_sampler *s, struct slots *list)
{
	struct oom_proc_entry e;
	bool sorted = true;
	int r = oom_proc_dir_open(&s->dir, s->proc, ".");

	if (r < 0 && give_back(s, -r))
		r = oom_proc_dir_open(&s->dir, s->proc, ".");
	list->n = 0;
	if (r < 0)
		return r;
	while (list->n < PROCESSES_MAX && oom_proc_dir_next(&s->dir, &e)) {
		int32_t pid = oom_proc_pid(e.name);

		if (!pid)
			continue;
		r = oom_sample_room((void **)&list->v, &list->cap, list->n + 1, sizeof(*list->v));
		if (r < 0)
			break;
		sorted &= !list->n || list->v[list->n - 1].pid < pid;
		list->v[list->n++] = (struct slot){
			.ino = e.ino, .usage_pages = OOM_NA, .pid = pid, .status_fd = -1, .adj_fd = -1,
		};
	}
	oom_proc_dir_close(&s->dir);
	if (!sorted)                               /* procfs lists by pid; a copy of it on a disk may not */
		qsort(list->v, list->n, sizeof(*list->v), by_pid);
	return r;
}

/* What the last pass knew of the same processes comes along; the files of those that are gone are closed. */
static void inherit(struct oom_sampler *s, struct slots *from, struct slots *to)
{
	size_t j = 0;

	for (size_t i = 0; i < from->n; i++) {
		struct slot *old = &from->v[i];

		while (j < to->n && to->v[j].pid < old->pid)
			j++;
		if (j < to->n && to->v[j].pid == old->pid && to->v[j].ino == old->ino)
			to->v[j] = *old;
		else
			forget_files(s, old);
	}
	from->n = 0;
}

/* ---- one process ------------------------------------------------------------------------------------ */

static void count_failure(struct oom_sampler *s, int error)
{
	if (error == EACCES || error == EPERM)
		s->info.denied++;
	else
		s->info.vanished++;
}

static int open_file(struct oom_sampler *s, const char *path)
{
	int fd = openat(s->proc, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 && give_back(s, errno))
		fd = openat(s->proc, path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* kB of a counter that a sane kernel could have printed, in pages. */
static int64_t pages_of(const struct oom_sampler *s, int64_t kb)
{
	return kb < 0 || kb > (int64_t)1 << 52 ? OOM_NA : kb / s->page_kb;
}

static int64_t known_sum(int64_t a, int64_t b)
{
	return a == OOM_NA ? b : b == OOM_NA ? a : a + b;
}

static int64_t zero_if_unknown(int64_t v)
{
	return v == OOM_NA ? 0 : v;
}

static void fill_row(struct oom_sampler *s, struct slot *slot, const struct oom_proc_status *st, int64_t adj)
{
	struct oom_task *t = &s->task[s->nrows];
	struct oom_sample_row *row = &s->row[s->nrows];
	int64_t pte = known_sum(pages_of(s, st->vm_pte_kb), pages_of(s, st->vm_pmd_kb)), split;

	*t = (struct oom_task){
		.pid = st->pid, .tgid = slot->pid, .uid = st->uid, .oom_score_adj = adj,
		.swap_pages = pages_of(s, st->vm_swap_kb),
		.total_vm_pages = pages_of(s, st->vm_size_kb),
		.pgtables_bytes = pte == OOM_NA ? OOM_NA : pte * s->page_kb * 1024,
		.nr_ptes = OOM_NA, .nr_pmds = OOM_NA, .cpu = OOM_NA, .oom_adj = OOM_NA,
		.rss_anon_pages = pages_of(s, st->rss_anon_kb),
		.rss_file_pages = pages_of(s, st->rss_file_kb),
		.rss_shmem_pages = pages_of(s, st->rss_shmem_kb),
		.line = OOM_NA, .kernel_points = OOM_NA,
		.comm = { row->comm, st->ncomm },
	};
	/* the kernel adds the counters, each taken on its own; VmRSS is the same sum of the same reads,
	 * but stands in kB */
	split = known_sum(known_sum(t->rss_anon_pages, t->rss_file_pages), t->rss_shmem_pages);
	t->rss_pages = split == OOM_NA ? pages_of(s, st->vm_rss_kb) : split;
	*row = (struct oom_sample_row){
		.ident = slot->ino, .ppid = st->ppid, .cgroup = -1, .mems = -1, .bind = -1,
		.prev_usage_pages = slot->usage_pages, .dead_leader = st->pid != slot->pid,
	};
	row->usage_pages = zero_if_unknown(t->rss_pages);
	row->usage_pages += zero_if_unknown(t->swap_pages) + zero_if_unknown(pte);
	memcpy(row->comm, st->comm, sizeof(row->comm));
	if (s->nodes && s->nodes->with_memory > 1 && s->opts.want & OOM_SAMPLE_NODES && st->mems.p)
		row->mems = oom_nodes_set(s->nodes, st->mems);
	slot->usage_pages = row->usage_pages;
	s->info.dead_leaders += row->dead_leader;
	s->info.threads += st->threads > 0 ? (size_t)st->threads : 1;
	s->nrows++;
}

static void read_policy(struct oom_sampler *s, int32_t pid)
{
	char path[32], head[512];
	struct oom_str text;

	snprintf(path, sizeof(path), "%" PRId32 "/numa_maps", pid);
	if (oom_proc_read(s->proc, path, head, sizeof(head), &text) < 0)
		return;
	text = oom_nodes_bind(text);
	if (text.p)
		s->row[s->nrows - 1].bind = oom_nodes_set(s->nodes, text);
}

/* The leader has exited while threads live on: find_lock_task_mm() takes the first of them that has the
 * mm. */
static bool find_live_thread(struct oom_sampler *s, int32_t pid, struct oom_proc_status *st)
{
	char path[64];
	struct oom_proc_entry e;
	struct oom_str text;
	bool found = false;

	snprintf(path, sizeof(path), "%" PRId32 "/task", pid);
	if (oom_proc_dir_open(&s->dir, s->proc, path) < 0)
		return false;
	for (int i = 0; i < LEADER_THREADS && !found && oom_proc_dir_next(&s->dir, &e); i++) {
		int32_t tid = oom_proc_pid(e.name);

		if (!tid || tid == pid)
			continue;
		snprintf(path, sizeof(path), "%" PRId32 "/task/%" PRId32 "/status", pid, tid);
		if (oom_proc_read(s->proc, path, s->text, sizeof(s->text), &text) < 0)
			continue;
		oom_proc_status(text, true, st);
		found = st->vm_size_kb != OOM_NA;
		st->pid = tid;
	}
	oom_proc_dir_close(&s->dir);
	return found;
}

static bool is_kernel_thread(const struct oom_proc_status *st)
{
	if (st->vm_size_kb != OOM_NA || st->kthread == 0)
		return false;
	/* before 6.8 the file does not say it; every kernel thread but the first is a child of kthreadd */
	return st->kthread == 1 || st->ppid == 2 || (st->pid == 2 && st->ppid == 0);
}

static int64_t read_adj(int fd)
{
	char buf[32];
	struct oom_str text;
	int64_t v;

	if (fd < 0 || oom_proc_pread(fd, buf, sizeof(buf), &text) < 0 || !oom_take_i64(&text, &v))
		return OOM_NA;
	return v;
}

static void keep_files(struct oom_sampler *s, struct slot *slot, int status, int adj)
{
	if (slot->status_fd >= 0 || slot->adj_fd >= 0 || s->kept + 2 > s->keep || adj < 0)
		return;
	slot->status_fd = status;
	slot->adj_fd = adj;
	s->kept += 2;
}

/*
 * oom_score_adj is read between open and read of status: an open file of /proc stands for one process and
 * fails once that is gone, so both files belong to the same process when status can still be read, whatever
 * its pid stands for.
 */
static int read_files(struct oom_sampler *s, struct slot *slot, struct oom_proc_status *st, int64_t *adj)
{
	char path[48];
	int status = slot->status_fd, adj_fd = slot->adj_fd, n, r;
	struct oom_str text;

	n = snprintf(path, sizeof(path), "%" PRId32, slot->pid);
	if (status < 0) {
		memcpy(path + n, "/status", sizeof("/status"));
		status = open_file(s, path);
		if (status < 0)
			return status;
	}
	if (adj_fd < 0) {
		memcpy(path + n, "/oom_score_adj", sizeof("/oom_score_adj"));
		adj_fd = open_file(s, path);
	}
	*adj = read_adj(adj_fd);
	r = oom_proc_pread(status, s->text, sizeof(s->text), &text);
	if (r == 0) {
		oom_proc_status(text, s->nodes && s->nodes->with_memory > 1, st);
		r = text.n ? 0 : -ESRCH;
	}
	if (r == 0 && st->vm_size_kb != OOM_NA)
		keep_files(s, slot, status, adj_fd);
	if (status != slot->status_fd)
		close(status);
	if (adj_fd >= 0 && adj_fd != slot->adj_fd)
		close(adj_fd);
	if (r < 0)
		forget_files(s, slot);
	return r;
}

static void read_process(struct oom_sampler *s, struct slot *slot)
{
	struct oom_proc_status st;
	int64_t adj;
	int r;

	if (slot->kernel_thread && ((uint64_t)slot->pid + s->pass) % KTHREAD_EVERY) {
		s->info.kernel_threads++;
		return;
	}
	r = read_files(s, slot, &st, &adj);
	if (r != 0) {
		count_failure(s, -r);
		return;
	}
	slot->kernel_thread = is_kernel_thread(&st);
	if (slot->kernel_thread) {
		s->info.kernel_threads++;
		return;
	}
	if (st.vm_size_kb == OOM_NA && (st.threads <= 1 || !find_live_thread(s, slot->pid, &st))) {
		s->info.no_mm++;
		return;
	}
	if (st.pid == OOM_NA)
		st.pid = slot->pid;
	fill_row(s, slot, &st, adj);
	if (s->nodes && s->nodes->with_memory > 1 && s->opts.want & OOM_SAMPLE_POLICIES)
		read_policy(s, slot->pid);
}

static bool hides_init(const struct oom_sampler *s)
{
	return !s->census && s->slots.n && s->slots.v[0].pid != 1;
}

int oom_sample_rows(struct oom_sampler *s, size_t n)
{
	size_t cap[5];

	if (n <= s->cap_rows)
		return 0;
	/* five arrays of one length: the capacity that all of them have is the one that counts */
	for (size_t i = 0; i < OOM_ARRAY_SIZE(cap); i++)
		cap[i] = s->cap_rows;
	if (oom_sample_room((void **)&s->task, &cap[0], n, sizeof(*s->task)) < 0 ||
	    oom_sample_room((void **)&s->row, &cap[1], n, sizeof(*s->row)) < 0 ||
	    oom_sample_room((void **)&s->all, &cap[2], n, sizeof(*s->all)) < 0 ||
	    oom_sample_room((void **)&s->by_cgroup, &cap[3], n, sizeof(*s->by_cgroup)) < 0 ||
	    oom_sample_room((void **)&s->cgroup_id, &cap[4], n, sizeof(*s->cgroup_id)) < 0)
		return -ENOMEM;
	for (size_t i = s->cap_rows; i < cap[0]; i++)
		s->all[i] = (uint32_t)i;
	s->cap_rows = cap[0];
	return 0;
}

/* ---- the pass --------------------------------------------------------------------------------------- */

struct sample_note { bool yes; const char *kind; size_t n; const char *text; };

static int add_notes(struct oom_sampler *s)
{
	const struct sample_note notes[] = {
		{ s->info.vanished, "vanished", s->info.vanished, "processes went away while being read" },
		{ s->info.denied, "denied", s->info.denied, "processes may not be read by this user" },
		{ s->points == OOM_POINTS_PRECISE_SUM, "precise_sum", (size_t)s->drift_pages,
		  "pages at most lie between a row and the approximate counters that this kernel compares" },
		{ hides_init(s), "hidden_processes", s->nrows,
		  "processes are shown, process 1 is not: /proc hides others (hidepid)" },
		{ s->outer_hidden, "pid_namespace", s->nrows,
		  "processes are shown: those of this PID namespace, not of the whole machine" },
		{ s->cgroups.cut, "cgroups_cut", s->cgroups.n, "cgroups were read, the tree has more" },
		{ s->opts.want & OOM_SAMPLE_CGROUPS && s->cgroups.version == OOM_NA, "no_memory_cgroups", 0,
		  "memory cgroups found" },
		{ s->info.unplaced, "unplaced", s->info.unplaced, "processes are in none of the cgroups" },
		{ s->nodes && s->nodes->full, "node_sets", OOM_NODE_SETS_MAX,
		  "different sets of memory nodes were looked at, there are more" },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(notes); i++) {
		const struct sample_note *n = &notes[i];

		if (n->yes && oom_event_note(&s->event, OOM_NA, n->kind, "%zu %s", n->n, n->text) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int read_proc(struct oom_sampler *s)
{
	int r = list_processes(s, &s->old);
	struct slots swap;

	if (r == 0)
		r = oom_sample_rows(s, s->old.n);
	if (r == 0)                                /* the next pass uses the other list */
		r = oom_sample_room((void **)&s->slots.v, &s->slots.cap, s->old.n, sizeof(*s->slots.v));
	if (r < 0) {
		s->old.n = 0;
		return r;
	}
	inherit(s, &s->slots, &s->old);
	swap = s->slots;
	s->slots = s->old;
	s->old = swap;
	s->info.processes = s->slots.n;
	for (size_t i = 0; i < s->slots.n; i++)
		read_process(s, &s->slots.v[i]);
	return 0;
}

static int read_all(struct oom_sampler *s)
{
	int r = s->census ? oom_sample_census(s) : read_proc(s);

	if (r < 0)
		return r;
	s->event.task = s->task;
	s->event.ntasks = s->nrows;
	s->partial = s->info.denied || s->outer_hidden || hides_init(s);
	s->event.table_complete = !s->partial;
	return oom_sample_members(s);
}

int oom_sampler_next(struct oom_sampler *s, struct oom_sample *ret, struct oom_err *reterr)
{
	int64_t begin = clock_us(CLOCK_MONOTONIC);
	int r;

	s->info = (struct oom_sample_info){ .interval_us = OOM_NA };
	if (s->last_us != OOM_NA)
		s->info.interval_us = begin - s->last_us;
	s->last_us = begin;
	s->nrows = s->ndomains = 0;
	s->pass++;
	r = oom_sample_machine(s);
	if (r == 0) {
		s->event.boot_us = clock_us(CLOCK_BOOTTIME);
		s->event.wall_us = clock_us(CLOCK_REALTIME);
		r = read_all(s);
	}
	if (r == 0)
		r = oom_sample_domains(s);
	if (r == 0)
		r = add_notes(s);
	if (r < 0)
		return oom_err_set(reterr, -r, "cannot sample the processes: %s", strerror(-r));
	s->info.kept_files = s->kept;
	s->info.took_us = clock_us(CLOCK_MONOTONIC) - begin;
	*ret = (struct oom_sample){
		.event = &s->event, .row = s->row, .cgroup = s->cgroup, .ncgroups = s->cgroups.n,
		.domain = s->domain, .ndomains = s->ndomains, .profile = s->profile, .points = s->points,
		.drift_pages = s->drift_pages, .cgroup_version = s->cgroups.version, .info = s->info,
		.kernel_counters = s->census != NULL,
	};
	return 0;
}
