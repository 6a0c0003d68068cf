/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which memory cgroup each row belongs to, and the order of the rows that makes every subtree one stretch. */
#include "sample_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static ptrdiff_t find_row(const struct oom_sampler *s, int32_t pid)
{
	size_t lo = 0, hi = s->nrows;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (s->task[mid].tgid < pid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo < s->nrows && s->task[lo].tgid == pid ? (ptrdiff_t)lo : -1;
}

static void place(void *self, uint32_t cgroup, int32_t pid)
{
	struct oom_sampler *s = self;
	ptrdiff_t i = find_row(s, pid);

	/* one that moves during the walk may show up twice: the first place counts */
	if (i < 0 || s->row[i].cgroup >= 0)
		return;
	s->row[i].cgroup = (int32_t)cgroup;
	s->by_cgroup[s->nplaced++] = (uint32_t)i;
	s->cgroups.node[cgroup].pub.ntasks++;
}

/* The same order as place() makes, in one pass over the rows. */
static void order_by_cgroup(struct oom_sampler *s)
{
	for (size_t i = 0; i < s->nrows; i++) {
		struct oom_sample_cgroup *c;

		if (s->row[i].cgroup < 0)
			continue;
		c = &s->cgroups.node[s->row[i].cgroup].pub;
		s->by_cgroup[c->first + c->ntasks++] = (uint32_t)i;
		s->nplaced++;
	}
}

static int32_t cgroup_of(struct oom_sampler *s, const char *path)
{
	struct oom_str text;

	if (oom_proc_read(s->proc, path, s->text, sizeof(s->text), &text) < 0)
		return -1;
	text = oom_cgroups_path(&s->cgroups, text);
	return text.p ? oom_cgroups_find(&s->cgroups, text) : -1;
}

static void ask_each_process(struct oom_sampler *s)
{
	char path[48];

	for (size_t i = 0; i < s->nrows; i++) {
		snprintf(path, sizeof(path), "%" PRId64 "/cgroup", s->task[i].tgid);
		s->row[i].cgroup = cgroup_of(s, path);
		if (s->row[i].cgroup >= 0)
			s->cgroups.node[s->row[i].cgroup].pub.ntasks++;
	}
}

/*
 * Every cgroup lists its processes.  On v1 that costs time for each thread (the kernel gathers all of them
 * and sorts), so where threads abound the processes are asked, one small file each; unless /proc and the
 * mount name the same cgroup differently, as in some containers.
 */
static bool threads_abound(const struct oom_sampler *s)
{
	return s->cgroups.version == 1 && s->info.threads > 4 * s->nrows + 1000;
}

struct by_id { uint64_t id; uint32_t node; };

static int by_id(const void *a, const void *b)
{
	const struct by_id *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

/* The census knows the id of each process's cgroup, which is its directory's inode. */
static int place_by_id(struct oom_sampler *s)
{
	const struct by_id *found = NULL;
	size_t n = s->cgroups.n;

	if (oom_sample_room((void **)&s->by_id, &s->cap_by_id, n, sizeof(*s->by_id)) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		s->by_id[i] = (struct by_id){ s->cgroups.node[i].pub.id, (uint32_t)i };
	if (n)
		qsort(s->by_id, n, sizeof(*s->by_id), by_id);
	for (size_t i = 0; i < s->nrows; i++) {
		const struct by_id key = { s->cgroup_id[i], 0 };

		if (!found || found->id != key.id)         /* neighbours are often of one cgroup */
			found = n ? bsearch(&key, s->by_id, n, sizeof(key), by_id) : NULL;
		if (!found)
			continue;
		s->row[i].cgroup = (int32_t)found->node;
		s->cgroups.node[found->node].pub.ntasks++;
	}
	return 0;
}

static int walk(struct oom_sampler *s, bool *asked)
{
	int r;

	if (s->census) {
		*asked = true;
		s->cgroups.each = NULL;
		r = oom_cgroups_walk(&s->cgroups);
		return r < 0 ? r : place_by_id(s);
	}
	*asked = threads_abound(s);
	s->cgroups.self = s;
	s->cgroups.each = *asked ? NULL : place;
	r = oom_cgroups_walk(&s->cgroups);
	if (r < 0 || !*asked)
		return r;
	r = oom_cgroups_index(&s->cgroups);
	if (r < 0)
		return r;
	if (cgroup_of(s, "self/cgroup") >= 0) {
		ask_each_process(s);
		return 0;
	}
	*asked = false;
	s->cgroups.each = place;
	return oom_cgroups_walk(&s->cgroups);
}

int oom_sample_members(struct oom_sampler *s)
{
	struct oom_cgroup *node;
	uint32_t first = 0;
	bool asked;
	size_t n;
	int r;

	s->nplaced = 0;
	r = walk(s, &asked);
	n = s->cgroups.n;
	node = s->cgroups.node;
	if (r == 0)
		r = oom_sample_room((void **)&s->cgroup, &s->cap_cgroups, n, sizeof(*s->cgroup));
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		node[i].pub.first = first;
		first += node[i].pub.ntasks;
		node[i].pub.ntasks_below += node[i].pub.ntasks;
		if (asked)
			node[i].pub.ntasks = 0;      /* counts up once more while the order is made */
	}
	for (size_t i = n; i-- > 1;)
		node[node[i].pub.parent].pub.ntasks_below += node[i].pub.ntasks_below;
	if (asked)
		order_by_cgroup(s);
	for (size_t i = 0; i < s->nrows; i++)
		if (s->row[i].cgroup >= 0)
			s->task[i].cgroup = node[s->row[i].cgroup].pub.path;
	s->info.unplaced = n ? s->nrows - s->nplaced : 0;
	return 0;
}
