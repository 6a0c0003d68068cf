/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kills.h"

#include <oomlens/live.h>
#include <oomlens/parse.h>
#include <oomlens/store.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* What tells that a file was written. */
struct stamp { int64_t ino, size, ns; };

struct kills {
	struct kill v[KILLS_MAX];              /* newest first */
	size_t n;
	char boot_id[40];
	char db[4096], wal[4096 + 4];
	struct stamp db_was, wal_was;
	bool db_read;
	struct oom_klog *log;
	struct oom_parser *parser;
	const struct oom_feed_ops *trace;
	struct oom_feed *feed;                 /* NULL = the tracepoints are not asked */
};

/* ---- the list -------------------------------------------------------------------------------------------- */

static void say(char *to, const char *from, size_t size)
{
	if (!to[0])
		snprintf(to, size, "%s", from);
}

static struct kill *known(struct kills *k, const struct kill *what)
{
	for (size_t i = 0; i < k->n; i++)
		if (k->v[i].pid == what->pid && llabs(k->v[i].wall_us - what->wall_us) < 10000000)
			return &k->v[i];
	return NULL;
}

void kills_add(struct kills *k, const struct kill *what)
{
	struct kill *have = known(k, what);
	size_t at = 0;

	if (have) {
		say(have->comm, what->comm, sizeof(have->comm));
		say(have->cgroup, what->cgroup, sizeof(have->cgroup));
		say(have->domain, what->domain, sizeof(have->domain));
		have->global |= what->global;
		return;
	}
	while (at < k->n && k->v[at].wall_us >= what->wall_us)
		at++;
	if (at == KILLS_MAX)
		return;
	k->n -= k->n == KILLS_MAX;
	memmove(&k->v[at + 1], &k->v[at], (k->n - at) * sizeof(*k->v));
	k->v[at] = *what;
	k->n++;
}

size_t kills_count(const struct kills *k)
{
	return k ? k->n : 0;
}

const struct kill *kills_at(const struct kills *k, size_t i)
{
	return &k->v[i];
}

const struct kill *kills_like(const struct kills *k, struct oom_str cgroup, struct oom_str comm)
{
	for (size_t i = 0; i < kills_count(k) && cgroup.n > 1; i++)
		if (oom_str_is(cgroup, k->v[i].cgroup))
			return &k->v[i];
	for (size_t i = 0; i < kills_count(k); i++)
		if (comm.n && oom_str_is(comm, k->v[i].comm))
			return &k->v[i];
	return NULL;
}

const char *kills_age(const struct kill *what, int64_t wall_us, bool brief, char *buf, size_t size)
{
	int64_t s = wall_us == OOM_NA ? 0 : (wall_us - what->wall_us) / 1000000;

	if (brief)
		snprintf(buf, size, "%lld%c", (long long)(s < 60 ? s : s / 60), s < 60 ? 's' : 'm');
	else if (s < 2)
		snprintf(buf, size, "just now");
	else if (s < 60)
		snprintf(buf, size, "%lld s ago", (long long)s);
	else
		snprintf(buf, size, "%lld min ago", (long long)s / 60);
	return buf;
}

/* ---- the store ------------------------------------------------------------------------------------------- */

static void copy(char *to, size_t size, struct oom_str s)
{
	snprintf(to, size, "%.*s", (int)(s.n < size ? s.n : size - 1), s.n ? s.p : "");
}

static int on_row(void *arg, size_t n, const struct oom_value *v)
{
	struct kill what = { 0 };
	struct { char *to; size_t size; } text[] = {
		{ what.comm, sizeof(what.comm) }, { what.cgroup, sizeof(what.cgroup) }, { what.domain, sizeof(what.domain) },
	};

	if (n != 6 || v[0].kind != OOM_VALUE_INT || v[1].kind != OOM_VALUE_INT)
		return 0;
	what.wall_us = v[0].i;
	what.pid = v[1].i;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(text); i++)
		if (v[i + 2].kind == OOM_VALUE_TEXT)
			copy(text[i].to, text[i].size, v[i + 2].s);
	what.global = v[5].kind == OOM_VALUE_INT && v[5].i;
	kills_add(arg, &what);
	return 0;
}

/* A store may hold the logs of other machines, too: only what was seen in this boot counts. */
static void read_store(struct kills *k, int64_t wall_us)
{
	static const struct oom_query_ops ops = { .row = on_row };
	struct oom_store *s;
	char sql[700];

	if (oom_store_open(k->db, OOM_STORE_READ, &s, NULL))
		return;
	snprintf(sql, sizeof(sql),
		 "SELECT e.wall_us, v.pid, v.comm, e.task_memcg, e.oom_memcg, e.scope = 'global' FROM v_event AS e"
		 " JOIN v_victim AS v ON v.event_id = e.event_id"
		 " WHERE e.event_id > (SELECT coalesce(max(event_id), 0) - 256 FROM v_event) AND e.wall_us > %" PRId64
		 " AND replace(e.boot_id, '-', '') = replace('%s', '-', '') ORDER BY e.event_id", wall_us - KILLS_RECENT_US, k->boot_id);
	if (oom_store_query(s, sql, 500, &ops, k, NULL) >= 0)
		k->db_read = true;
	(void)oom_store_close(s, NULL);
}

static bool written(const char *path, struct stamp *was)
{
	struct stamp now = { 0 };
	struct stat st;
	bool differs;

	if (stat(path, &st) == 0)
		now = (struct stamp){ (int64_t)st.st_ino, st.st_size, st.st_mtim.tv_sec * INT64_C(1000000000) + st.st_mtim.tv_nsec };
	differs = memcmp(&now, was, sizeof(now)) != 0;
	*was = now;
	return differs;
}

/* ---- the kernel log -------------------------------------------------------------------------------------- */

static int64_t clock_us(clockid_t id)
{
	struct timespec t;

	return clock_gettime(id, &t) ? 0 : t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void add_event(struct kills *k, const struct oom_event *ev, int64_t wall_us, int64_t now_us)
{
	for (size_t i = 0; i < ev->nvictims; i++) {
		const struct oom_victim *v = &ev->victim[i];
		int64_t when = v->killed_us != OOM_NA ? v->killed_us : ev->boot_us;
		struct kill what = { .pid = v->pid, .global = ev->scope == OOM_SCOPE_GLOBAL };

		if (when == OOM_NA || v->pid == OOM_NA)
			continue;
		what.wall_us = wall_us - (now_us > when ? now_us - when : 0);
		copy(what.comm, sizeof(what.comm), v->comm);
		copy(what.cgroup, sizeof(what.cgroup), ev->task_memcg);
		copy(what.domain, sizeof(what.domain), ev->oom_memcg);
		if (wall_us - what.wall_us < KILLS_RECENT_US)
			kills_add(k, &what);
	}
}

/* An event is looked at as soon as it says who died; taking it only makes room. */
static void read_log(struct kills *k, int64_t wall_us)
{
	int64_t now_us = clock_us(CLOCK_MONOTONIC);
	struct oom_event ev;
	struct oom_line line;

	while (oom_klog_next(k->log, &line, NULL) == 1)
		if (oom_parser_feed(k->parser, &line))
			return;
	while (oom_parser_peek(k->parser, &ev) == 1) {
		add_event(k, &ev, wall_us, now_us);
		oom_event_release(&ev);
	}
	(void)oom_parser_clock(k->parser, now_us);
	while (oom_parser_take(k->parser, &ev) == 1) {
		add_event(k, &ev, wall_us, now_us);
		oom_event_release(&ev);
	}
}

/* ---- the tracepoints ------------------------------------------------------------------------------------- */

struct hearing { struct kills *k; const struct oom_event *before; int64_t wall_us, now_us; };

static void on_fact(void *arg, const struct oom_fact *fact)
{
	const struct hearing *h = arg;
	struct kill what = { .wall_us = h->wall_us, .pid = fact->pid };
	const struct oom_task *t;

	if (fact->kind != OOM_FACT_MARK_VICTIM || fact->pid == OOM_NA)
		return;
	if (fact->mono_us != OOM_NA && fact->mono_us < h->now_us)
		what.wall_us -= h->now_us - fact->mono_us;
	t = h->before ? oom_event_task(h->before, fact->pid) : NULL;
	copy(what.comm, sizeof(what.comm), fact->comm.n || !t ? fact->comm : t->comm);
	copy(what.cgroup, sizeof(what.cgroup), t ? t->cgroup : OOM_STR_NULL);
	kills_add(h->k, &what);
}

static void open_trace(struct kills *k)
{
	for (const struct oom_feed_ops *f = oom_feeds; f->name; f++)
		if (!strcmp(f->name, "trace") && f->open(NULL, &k->feed, NULL) == 0)
			k->trace = f;
}

/* ---- life ------------------------------------------------------------------------------------------------ */

int kills_open(const char *db, unsigned witnesses, struct kills **ret)
{
	struct kills *k = oom_malloc(sizeof(*k));
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");

	if (k) {
		memset(k, 0, sizeof(*k));
		if (!f || !fgets(k->boot_id, sizeof(k->boot_id), f))
			k->boot_id[0] = '\0';
		k->boot_id[strspn(k->boot_id, "0123456789abcdef-")] = '\0';
		snprintf(k->db, sizeof(k->db), "%s", db ? db : "");
		snprintf(k->wal, sizeof(k->wal), "%s-wal", k->db);
		if (witnesses & KILLS_LOG && (oom_klog_open(OOM_NA, &k->log, NULL) || oom_parser_new(&k->parser))) {
			oom_klog_close(k->log);
			k->log = NULL;
		}
		if (witnesses & KILLS_TRACE && !k->log && (!k->db[0] || access(k->db, R_OK)))
			open_trace(k);
		*ret = k;
	}
	if (f)
		fclose(f);
	return k ? 0 : -ENOMEM;
}

void kills_close(struct kills *k)
{
	if (!k)
		return;
	oom_klog_close(k->log);
	oom_parser_free(k->parser);
	if (k->feed)
		k->trace->close(k->feed);
	oom_free(k);
}

void kills_poll(struct kills *k, const struct oom_event *before, int64_t wall_us)
{
	struct hearing h = { k, before, wall_us, clock_us(CLOCK_MONOTONIC) };
	bool db = k->db[0] && k->boot_id[0] && written(k->db, &k->db_was);

	if (k->db[0] && k->boot_id[0] && (written(k->wal, &k->wal_was) || db))
		read_store(k, wall_us);
	if (k->log)
		read_log(k, wall_us);
	if (k->feed)
		(void)k->trace->drain(k->feed, on_fact, &h);
	while (k->n && wall_us - k->v[k->n - 1].wall_us > KILLS_RECENT_US)
		k->n--;
}

const char *kills_sources(const struct kills *k)
{
	if (k->db_read)
		return k->log ? "the store and the kernel log" : "the store";
	return k->log ? "the kernel log" : k->feed ? "the tracepoints" : NULL;
}
