/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "columns.h"

#include <oomlens/identity.h>

#include <pwd.h>
#include <string.h>

/* ---- values ------------------------------------------------------------------------------------------- */

static int64_t number_rank(const struct model *m, const struct row *r) { (void)m; return r->place ? r->place : OOM_NA; }
static int64_t number_points(const struct model *m, const struct row *r) { (void)m; return r->points; }
static int64_t number_pid(const struct model *m, const struct row *r) { return model_task(m, r)->pid; }
static int64_t number_adj(const struct model *m, const struct row *r) { return model_task(m, r)->oom_score_adj; }
static int64_t number_rss(const struct model *m, const struct row *r) { return model_task(m, r)->rss_pages; }
static int64_t number_swap(const struct model *m, const struct row *r) { return model_task(m, r)->swap_pages; }
static int64_t number_vm(const struct model *m, const struct row *r) { return model_task(m, r)->total_vm_pages; }
static int64_t number_anon(const struct model *m, const struct row *r) { return model_task(m, r)->rss_anon_pages; }
static int64_t number_ppid(const struct model *m, const struct row *r) { (void)m; return r->sample ? r->sample->ppid : OOM_NA; }

static int64_t number_threads(const struct model *m, const struct row *r)
{
	(void)m;
	return r->sample ? r->sample->threads : OOM_NA;
}

static int64_t number_pgtables(const struct model *m, const struct row *r)
{
	const struct oom_score *s = model_score(m, r);

	return s && s->pgtables.lo == s->pgtables.hi ? s->pgtables.lo : OOM_NA;
}

/* What is left of totalpages when the kernel's own adj term is taken out says little; the share is of the points. */
static int64_t number_share(const struct model *m, const struct row *r)
{
	int64_t total = m->replay.total.lo;

	if (r->points == OOM_NA || total <= 0 || total != m->replay.total.hi)
		return OOM_NA;
	return r->points * 10000 / total;
}

/* The file's value: of the whole machine, with the steps that it has. */
static int64_t number_score(const struct model *m, const struct row *r)
{
	int64_t total = m->replay.total.lo, points;

	if (m->domain->scope != OOM_SCOPE_GLOBAL || r->points == OOM_NA || total <= 0 || total != m->replay.total.hi ||
	    !m->replay.profile || !(m->replay.profile->flags & OOM_PROFILE_SIGNED))
		return OOM_NA;
	points = 1000 + r->points * 1000 / total;
	return points > 0 ? points * 2 / 3 : 0;
}

static int64_t number_growth(const struct model *m, const struct row *r)
{
	int64_t us = m->sample.info.interval_us;

	if (!r->sample || r->sample->prev_usage_pages == OOM_NA || us == OOM_NA || us <= 0)
		return OOM_NA;
	return (r->sample->usage_pages - r->sample->prev_usage_pages) * 60000000 / us;
}

static int64_t number_kernel(const struct model *m, const struct row *r) { return model_task(m, r)->kernel_points; }

static struct oom_str text_comm(const struct model *m, const struct row *r, char *buf, size_t size)
{
	(void)buf;
	(void)size;
	return model_task(m, r)->comm;
}

static struct oom_str text_command_line(const struct model *m, const struct row *r, char *buf, size_t size)
{
	struct oom_str s = model_command_line(m, r);

	if (s.n)
		return s;
	/* as ps shows those that have none */
	snprintf(buf, size, "[%.*s]", (int)model_task(m, r)->comm.n, model_task(m, r)->comm.n ? model_task(m, r)->comm.p : "");
	return oom_str_from(buf);
}

struct oom_str column_cgroup(const struct model *m, const struct row *r)
{
	const struct oom_task *t = model_task(m, r);

	if (t->cgroup.p)
		return t->cgroup;
	if (r->sample && r->sample->cgroup >= 0 && m->sample.cgroup)
		return m->sample.cgroup[r->sample->cgroup].path;
	return OOM_STR_NULL;
}

static struct oom_str text_cgroup(const struct model *m, const struct row *r, char *buf, size_t size)
{
	(void)buf;
	(void)size;
	return column_cgroup(m, r);
}

/* A process outside of all units is in a slice. */
static struct oom_str text_unit(const struct model *m, const struct row *r, char *buf, size_t size)
{
	struct oom_identity id;

	(void)buf;
	(void)size;
	oom_identify(column_cgroup(m, r), &id);
	return id.unit.p ? id.unit : id.slice;
}

static struct oom_str text_container(const struct model *m, const struct row *r, char *buf, size_t size)
{
	struct oom_identity id;
	struct oom_str container;

	oom_identify(column_cgroup(m, r), &id);
	container = oom_container_short(id.container_id);
	if (!container.n && !id.pod_uid[0])
		return OOM_STR_NULL;
	snprintf(buf, size, "%.*s%s%.8s", (int)container.n, container.n ? container.p : "",
		 id.pod_uid[0] ? container.n ? " pod " : "pod " : "", id.pod_uid);
	return oom_str_from(buf);
}

/* Names of users, asked for once each. */
static struct oom_str text_user(const struct model *m, const struct row *r, char *buf, size_t size)
{
	static struct { int64_t uid; char name[33]; } known[64];
	static size_t used;
	int64_t uid = model_task(m, r)->uid;
	size_t i = 0;

	(void)buf;
	(void)size;
	if (uid == OOM_NA)
		return OOM_STR_NULL;
	while (i < used && known[i].uid != uid)
		i++;
	if (i == used) {
		const struct passwd *pw = m->source->ops->live ? getpwuid((uid_t)uid) : NULL;

		i = used < OOM_ARRAY_SIZE(known) ? used++ : (size_t)uid % used;
		known[i].uid = uid;
		if (pw)
			snprintf(known[i].name, sizeof(known[i].name), "%s", pw->pw_name);
		else
			snprintf(known[i].name, sizeof(known[i].name), "%lld", (long long)uid);
	}
	return oom_str_from(known[i].name);
}

/* ---- the table ---------------------------------------------------------------------------------------- */

const struct column columns[] = {
	{ "rank", "#", 4, COLUMN_INT, true, 0, true, number_rank, NULL, "place in the ranking; 1 dies next, - is no candidate" },
	{ "pid", "PID", 7, COLUMN_INT, true, 0, true, number_pid, NULL, "process id" },
	{ "ppid", "PPID", 7, COLUMN_INT, false, 6, true, number_ppid, NULL, "parent's process id" },
	{ "user", "USER", 9, COLUMN_TEXT, true, 3, true, NULL, text_user, "user" },
	{ "adj", "ADJ", 5, COLUMN_INT, true, 0, false, number_adj, NULL, "oom_score_adj" },
	{ "points", "POINTS", 9, COLUMN_INT, true, 0, false, number_points, NULL, "badness in pages, as the kernel compares it" },
	{ "kernel", "KERNEL", 9, COLUMN_INT, false, 1, false, number_kernel, NULL, "the points that the kernel itself gave, where a recorder saw it" },
	{ "share", "SHARE", 6, COLUMN_SHARE, true, 4, false, number_share, NULL, "points as a share of the domain's totalpages" },
	{ "score", "SCORE", 5, COLUMN_INT, false, 5, false, number_score, NULL, "what /proc/PID/oom_score says (whole machine, coarse steps)" },
	{ "rss", "RSS", 6, COLUMN_PAGES, true, 0, false, number_rss, NULL, "resident memory" },
	{ "anon", "ANON", 6, COLUMN_PAGES, false, 7, false, number_anon, NULL, "of it anonymous" },
	{ "swap", "SWAP", 6, COLUMN_PAGES, true, 8, false, number_swap, NULL, "in swap" },
	{ "pgtables", "PGTBL", 6, COLUMN_PAGES, true, 9, false, number_pgtables, NULL, "page tables" },
	{ "virt", "VIRT", 6, COLUMN_PAGES, false, 10, false, number_vm, NULL, "address space; the kernel does not count it" },
	{ "threads", "THR", 5, COLUMN_INT, false, 6, false, number_threads, NULL, "threads" },
	{ "growth", "GROW/m", 7, COLUMN_PAGES, true, 2, false, number_growth, NULL, "growth per minute, by the latest two passes" },
	{ "unit", "UNIT", 20, COLUMN_TEXT, false, 1, true, NULL, text_unit, "unit of the service manager" },
	{ "container", "CONTAINER", 25, COLUMN_TEXT, false, 1, true, NULL, text_container, "container and pod, by the cgroup's path" },
	{ "cgroup", "CGROUP", 20, COLUMN_TEXT, false, 1, true, NULL, text_cgroup, "memory cgroup" },
	{ "command", "COMMAND", 0, COLUMN_TEXT, true, 0, true, NULL, text_comm, "name of the process" },
	{ "cmdline", "COMMAND LINE", 0, COLUMN_TEXT, false, 0, true, NULL, text_command_line, "the arguments, of the rows on the screen" },
};
const size_t ncolumns = OOM_ARRAY_SIZE(columns);

ptrdiff_t column_find(struct oom_str key)
{
	for (size_t i = 0; i < ncolumns; i++)
		if (oom_str_is(key, columns[i].key))
			return (ptrdiff_t)i;
	return -1;
}

/* ---- cells -------------------------------------------------------------------------------------------- */

void pages_text(int64_t pages, int64_t page_size, char *buf, size_t size)
{
	static const char unit[] = "KMGTP";
	double v;
	size_t u = 0;

	if (pages == OOM_NA || page_size == OOM_NA) {
		snprintf(buf, size, "-");
		return;
	}
	if (!pages) {
		snprintf(buf, size, "0");
		return;
	}
	v = (double)pages * (double)page_size / 1024;
	while ((v >= 1000 || v <= -1000) && u + 2 < sizeof(unit)) {
		v /= 1024;
		u++;
	}
	snprintf(buf, size, "%.*f%c", v > -10 && v < 10 && u ? 2 : v > -100 && v < 100 && u ? 1 : 0, v, unit[u]);
}

const char *limit_text(int64_t kb, char *buf, size_t size)
{
	if (kb == OOM_UNLIMITED)
		snprintf(buf, size, "none");
	else
		pages_text(kb, 1024, buf, size);
	return buf;
}

struct oom_str column_cell(const struct column *c, const struct model *m, const struct row *r, char *buf, size_t size)
{
	struct oom_str s;
	int64_t v;

	if (c->kind == COLUMN_TEXT) {
		s = c->text(m, r, buf, size);
		return s.p ? s : OOM_STR("-");
	}
	v = c->number(m, r);
	if (v == OOM_NA)
		return OOM_STR("-");
	if (c->kind == COLUMN_PAGES)
		pages_text(v, m->ranked->page_size, buf, size);
	else if (c->kind == COLUMN_SHARE)
		snprintf(buf, size, "%s%lld.%lld%%", v < 0 ? "-" : "", (long long)(v < 0 ? -v : v) / 100, (long long)(v < 0 ? -v : v) / 10 % 10);
	else
		snprintf(buf, size, "%lld", (long long)v);
	return oom_str_from(buf);
}

int column_compare(const struct column *c, const struct model *m, const struct row *a, const struct row *b, bool descending)
{
	int d;

	if (c->kind == COLUMN_TEXT) {
		char one[COLUMN_TEXT_MAX], other[COLUMN_TEXT_MAX];
		struct oom_str x = c->text(m, a, one, sizeof(one)), y = c->text(m, b, other, sizeof(other));
		size_t n = x.n < y.n ? x.n : y.n;

		if (!x.p || !y.p)
			return !x.p - !y.p;
		d = n ? memcmp(x.p, y.p, n) : 0;
		d = d ? d : (x.n > y.n) - (x.n < y.n);
	} else {
		int64_t x = c->number(m, a), y = c->number(m, b);

		if (x == OOM_NA || y == OOM_NA)
			return (x == OOM_NA) - (y == OOM_NA);
		d = (x > y) - (x < y);
	}
	return descending ? -d : d;
}
