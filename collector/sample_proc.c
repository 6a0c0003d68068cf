/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The rows of a pass over /proc.  Two files a process, status and oom_score_adj, give every term of the score; both
 * are opened by path from one directory handle or kept open from the pass before.
 */
#include "sample_impl.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROCESSES_MAX  ((size_t)1 << 20)       /* OOM_MAX_PARTS; the kernel's own limit is 4 Mi */
#define LEADER_THREADS 64                      /* threads looked at in search of one that has the mm */
#define KTHREAD_EVERY  16                      /* passes until a kernel thread is looked at again */

/* ---- kept files ------------------------------------------------------------------------------------- */

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

void oom_sample_proc_forget(struct oom_sampler *s)
{
	for (size_t i = 0; i < s->slots.n; i++)
		forget_files(s, &s->slots.v[i]);
}

/* Out of files: others need them more.  Ours are closed for good; true when a second try makes sense. */
static bool give_back(struct oom_sampler *s, int error)
{
	if ((error != EMFILE && error != ENFILE) || !s->kept)
		return false;
	oom_sample_proc_forget(s);
	s->keep = 0;
	return true;
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
		.ident = slot->ino, .ppid = st->ppid, .threads = st->threads, .cgroup = -1, .mems = -1, .bind = -1,
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

/* ---- the pass --------------------------------------------------------------------------------------- */

int oom_sample_proc(struct oom_sampler *s)
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
