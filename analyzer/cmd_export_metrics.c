/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens export --format prometheus: what the store holds and how the recorder is, as metrics. */
#include "cmd.h"

#include <oomlens/metrics.h>
#include <oomlens/query.h>
#include <oomlens/recorder.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define SERIES      100
#define EARLIER_MAX ((size_t)8 << 20)
/* A kill is put out early and told better for a while (who freed its memory, what the log says): so long it is not counted. */
#define SETTLE_US   60000000

/* ---- what was counted before --------------------------------------------------------------------------- */

static int read_text(const char *path, struct oom_buf *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char part[16384];
	struct stat st;
	ssize_t n;
	int r = 0;

	if (fd < 0)
		return -errno;
	ret->max = EARLIER_MAX;
	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		r = -EINVAL;
	while (!r && (n = read(fd, part, sizeof(part))) != 0)
		r = n < 0 ? -errno : oom_buf_add(ret, part, (size_t)n);
	(void)close(fd);
	return r;
}

/* The counters of an earlier export of the same file; without one, all that is stored is counted. */
static void go_on(struct oom_metrics *m, const struct opts *o)
{
	struct oom_buf text = { 0 };
	struct stat st = { 0 };
	int r;

	(void)stat(o->db, &st);
	r = o->output ? read_text(o->output, &text) : -ENOENT;
	if (!r)
		r = oom_metrics_read(m, (struct oom_str){ text.p ? text.p : "", text.n });
	oom_buf_release(&text);
	if (r && r != -ENOENT && !o->quiet)
		complain("'%s' is not what an earlier export wrote: the counters start again with what is stored", o->output);
	if (!r && (m->device != (uint64_t)st.st_dev || m->inode != (uint64_t)st.st_ino))
		oom_metrics_release(m);
	m->device = (uint64_t)st.st_dev;
	m->inode = (uint64_t)st.st_ino;
}

/* ---- what the store tells ------------------------------------------------------------------------------ */

/* Events with :since < event_id <= :until, and how many processes each killed. */
#define COUNTED " > coalesce(:since, 0) AND event_id <= :until"
/* Containers and scopes (sessions, transient jobs) have names of their own each time: each kind is one label. */
#define KILLS   "WITH e AS MATERIALIZED (SELECT event_id, scope, hostname, wall_us, CASE WHEN runtime IS NOT NULL OR pod_uid IS NOT NULL THEN '_container' " \
		"WHEN substr(unit, -6) = '.scope' THEN '_scope' ELSE unit END AS unit FROM v_event WHERE event_id" COUNTED "), " \
		"k AS MATERIALIZED (SELECT event_id, count(*) AS n FROM v_victim WHERE event_id" COUNTED " GROUP BY event_id) "

/* Labels first, then the number; the most frequent labels first, since not all may get a series. */
static const struct count {
	enum oom_metric which;
	unsigned labels;
	const char *sql;
} counts[] = {
	{ OOM_METRIC_KILLS, 1, KILLS "SELECT coalesce(e.scope, 'unknown'), sum(k.n) FROM e JOIN k ON k.event_id = e.event_id "
	  "GROUP BY 1 ORDER BY 2 DESC, 1" },
	{ OOM_METRIC_UNIT_KILLS, 1, KILLS "SELECT e.unit, sum(k.n) FROM e JOIN k ON k.event_id = e.event_id "
	  "GROUP BY 1 ORDER BY 2 DESC, 1" },
	{ OOM_METRIC_HOST_KILLS, 1, KILLS "SELECT e.hostname, sum(k.n) FROM e JOIN k ON k.event_id = e.event_id "
	  "GROUP BY 1 ORDER BY 2 DESC, 1" },
	{ OOM_METRIC_UNIT_LAST_KILL, 1, KILLS "SELECT e.unit, max(e.wall_us) / 1000000 FROM e JOIN k ON k.event_id = e.event_id "
	  "WHERE e.wall_us IS NOT NULL GROUP BY 1 ORDER BY sum(k.n) DESC, 1" },
	{ OOM_METRIC_LAST_KILL, 0, KILLS "SELECT max(e.wall_us) / 1000000 FROM e JOIN k ON k.event_id = e.event_id "
	  "HAVING max(e.wall_us) IS NOT NULL" },
	{ OOM_METRIC_EVENTS, 2, "SELECT coalesce(outcome, 'truncated'), coalesce(verdict, 'insufficient'), count(*) FROM v_event "
	  "WHERE event_id" COUNTED " GROUP BY 1, 2" },
	{ OOM_METRIC_VICTIMS, 1, "SELECT CASE WHEN freed_by IN ('reaper', 'exit_mmap') OR (reap_outcome IN ('reaped', 'exited_first') "
	  "AND freed_by IS NOT 'nobody') THEN CASE WHEN coalesce(free_latency_us, reap_latency_us) >= 1000000 THEN 'slow' ELSE 'freed' END "
	  "WHEN freed_by = 'nobody' OR reap_outcome IN ('unable', 'skipped', 'pinned') THEN 'unreaped' ELSE 'unseen' END, count(*) "
	  "FROM v_victim WHERE event_id" COUNTED " GROUP BY 1" },
	{ OOM_METRIC_RECORDED, 1, "SELECT class, count(*) FROM v_life WHERE class IS NOT NULL AND event_id" COUNTED " GROUP BY 1" },
	/* of the tables, since the views count and join what nobody asks for here, each minute */
	{ OOM_METRIC_STORED, 0, "SELECT count(*) FROM event" },
	{ OOM_METRIC_RECORDS_LOST, 0, "SELECT log_lost FROM recorder" },
	{ OOM_METRIC_FACTS_LOST, 0, "SELECT facts_lost FROM recorder" },
	{ OOM_METRIC_LAST_WRITE, 0, "SELECT max(seen_us) / 1000000 FROM recorder HAVING max(seen_us) IS NOT NULL" },
};

struct taking { struct oom_metrics *m; const struct count *count; };

static int take_row(void *arg, size_t n, const struct oom_value *v)
{
	const struct taking *t = arg;
	const struct count *c = t->count;
	struct oom_str label[OOM_METRIC_LABELS] = { OOM_STR_NULL, OOM_STR_NULL };
	int64_t value = v[n - 1].kind == OOM_VALUE_INT && v[n - 1].i > 0 ? v[n - 1].i : 0;

	for (unsigned i = 0; i < c->labels; i++)
		label[i] = v[i].kind == OOM_VALUE_TEXT ? v[i].s : OOM_STR_NULL;
	return (oom_metric_infos[c->which].type[0] == 'c' ? oom_metric_add : oom_metric_raise)(t->m, c->which, label[0],
											       label[1], value);
}

static int keep_int(void *arg, size_t n, const struct oom_value *v)
{
	(void)n;
	*(int64_t *)arg = v->kind == OOM_VALUE_INT ? v->i : 0;
	return 0;
}

/* Ids only rise, but where the last events of a store were removed they begin anew: then all that is there is new. */
static int find_end(struct oom_store *s, struct oom_metrics *m, int64_t now_us, int64_t *ret, struct oom_err *err)
{
	static const struct oom_query_ops ops = { .row = keep_int };
	struct oom_buf sql = { 0 };
	int64_t last = 0;
	int r = oom_store_query(s, "SELECT max(event_id) FROM event", 0, &ops, &last, err);

	if (!r && last < m->event)
		m->event = 0;
	if (!r && (oom_buf_fmt(&sql, "SELECT coalesce(min(event_id) - 1, %lld) FROM event WHERE event_id > %lld AND wall_us > %lld "
			       "AND wall_us <= %lld", (long long)last, (long long)m->event, (long long)(now_us - SETTLE_US),
			       (long long)now_us) || oom_buf_add(&sql, "", 1)))
		r = oom_err_set(err, ENOMEM, "out of memory");
	*ret = last;
	if (!r)
		r = oom_store_query(s, sql.p, 0, &ops, ret, err);
	oom_buf_release(&sql);
	return r;
}

/* Words that are known beforehand have their series from the start: of one that appears, Prometheus sees no increase. */
static int add_words(struct oom_metrics *m)
{
	static const char *const memory[] = { "freed", "slow", "unreaped", "unseen" };
	int r = 0;

	for (size_t i = 0; !r && oom_scope_names[i]; i++)
		r = oom_metric_add(m, OOM_METRIC_KILLS, oom_str_from(oom_scope_names[i]), OOM_STR_NULL, 0);
	for (size_t i = 0; !r && oom_outcome_names[i]; i++)
		for (size_t k = 0; !r && k <= OOM_VERDICT_INSUFFICIENT; k++)
			r = oom_metric_add(m, OOM_METRIC_EVENTS, oom_str_from(oom_outcome_names[i]),
					   oom_str_from(oom_verdict_names[k]), 0);
	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(memory); i++)
		r = oom_metric_add(m, OOM_METRIC_VICTIMS, oom_str_from(memory[i]), OOM_STR_NULL, 0);
	for (size_t i = 0; !r && oom_class_names[i]; i++)
		r = oom_metric_add(m, OOM_METRIC_RECORDED, oom_str_from(oom_class_names[i]), OOM_STR_NULL, 0);
	return r;
}

static int count_stored(struct oom_store *s, struct oom_metrics *m, int64_t now_us, struct oom_err *err)
{
	static const struct oom_query_ops ops = { .row = take_row };
	struct oom_query_args args = { 0 };
	int64_t end = 0;
	int r = find_end(s, m, now_us, &end, err);

	if (!r && add_words(m))
		r = oom_err_set(err, ENOMEM, "out of memory");
	args.since_us = m->event;
	args.until_us = end;
	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(counts); i++)
		r = oom_store_query_with(s, counts[i].sql, &args, 0, &ops, &(struct taking){ m, &counts[i] }, err);
	if (end > m->event)
		m->event = end;
	return r;
}

/* ---- what the recorder of this machine tells ----------------------------------------------------------- */

static int put_state(struct oom_metrics *m, const struct oom_recorder_state *st)
{
	const struct { enum oom_metric which; int64_t value; } plain[] = {
		{ OOM_METRIC_RECORDER_UP, st->running },
		{ OOM_METRIC_RECORDER_TROUBLE, st->trouble.p != NULL },
		{ OOM_METRIC_RECORDER_WAITING, st->waiting + st->spooled },
		{ OOM_METRIC_RECORDER_DROPPED, st->dropped },
	};
	int r = 0;

	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(plain); i++)
		r = oom_metric_set(m, plain[i].which, OOM_STR_NULL, OOM_STR_NULL, plain[i].value);
	for (size_t i = 0; !r && st->running && i < st->nfeeds; i++)
		r = oom_metric_set(m, OOM_METRIC_FEED_OPEN, st->feed[i].name, OOM_STR_NULL, st->feed[i].open == 1);
	return r;
}

static int ask_recorder(struct oom_metrics *m, const struct opts *o)
{
	struct oom_recorder_state st;
	struct oom_err err = { 0 };
	int r = oom_recorder_status(o->runtime_dir, &st, &err);

	if (r == -ENOENT)
		return 0;
	if (r) {
		(void)fail(EXIT_INPUT, &err);
		return 0;
	}
	r = put_state(m, &st);
	oom_recorder_state_release(&st);
	return r;
}

int export_metrics(const struct opts *o, struct oom_store *s)
{
	struct oom_err err = { 0 };
	struct oom_metrics m;
	struct timespec now;
	int r;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	oom_metrics_init(&m, o->top ? (size_t)o->top : SERIES);
	go_on(&m, o);
	r = count_stored(s, &m, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, &err);
	if (!r && (ask_recorder(&m, o) ||
		   oom_metric_set(&m, OOM_METRIC_BUILD, OOM_STR(OOMLENS_VERSION), OOM_STR_NULL, 1) ||
		   oom_metric_set(&m, OOM_METRIC_EXPORTED, OOM_STR_NULL, OOM_STR_NULL, now.tv_sec)))
		r = oom_err_set(&err, ENOMEM, "out of memory");
	if (!r)
		oom_metrics_print(&m, stdout);
	oom_metrics_release(&m);
	if (r == -ENOMEM)
		(void)oom_err_set(&err, ENOMEM, "out of memory");
	return r ? fail(EXIT_STORE, &err) : EXIT_DONE;
}
