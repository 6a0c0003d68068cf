/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fleet_gen DIR [KEY=N ...]: a made-up year of a fleet of machines, as regional stores DIR/region-000.db ...  The same
 * numbers and the same dumps give the same stores.  Run it at the top of the source tree:
 *
 *   make build/gcc/fleet_gen && build/gcc/fleet_gen /tmp/fleet             a small one: 200 hosts, 1200 events, seconds
 *   build/gcc/fleet_gen /tmp/fleet hosts=10000 events=200000 tasks=100 stores=100 jobs=2       the large one: minutes
 *
 * KEY: hosts, events, tasks (rows of a table, about), stores, seed, jobs (processes), twins (of 100 events, how many are in a
 * second store too, as another account).  The dumps of tests/cases are told again (fleet_text.c) with other processes, pods,
 * units, sizes and clocks, so that events are parsed and judged as ever.  A fifth of the hosts runs a recorder: lives, flight
 * rows, ballots, marks, facts, silent kills.  Another has a central log without a zone, the others journals and dated logs.
 * Some hosts and workloads come again and again.
 */
#include "fleet.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <oomlens/live.h>
#include <oomlens/replay.h>
#include <oomlens/store.h>

#define YEAR_BEGINS 1761955200ll         /* 2025-11-01 */
#define DAY_US      86400000000ll
#define BATCH       500                  /* events of a transaction */

enum { DICE_HOST = 1, DICE_EVENT, DICE_BOOT, DICE_WORK };
enum platform { KUBERNETES, KUBERNETES_FS, DOCKER, PODMAN, SYSTEMD };
enum log_kind { RECORDER, JOURNAL, DATED, UNDATED };

static struct { const char *key; int64_t n; } option[] = {
	{ "hosts", 200 }, { "events", 1200 }, { "tasks", 40 }, { "stores", 4 }, { "seed", 1 }, { "jobs", 1 },
	{ "twins", 5 },
};
enum { HOSTS, EVENTS, TASKS, STORES, SEED, JOBS, TWINS };

struct host {
	int64_t n;
	enum platform platform;
	enum log_kind log;
	int series;
	int64_t boot_days, first_boot_us;    /* a boot lasts so long; UTC of the first */
	char name[32], machine_id[33];
};
struct boot { int64_t n, utc_us; char id[37]; };
struct work { const char *comm; char memcg[256], task[400]; };

/* ---- who --------------------------------------------------------------------------------------------- */

static void hex(struct dice *d, char *p, int n)
{
	for (int i = 0; i < n; i++)
		p[i] = "0123456789abcdef"[roll(d, 16)];
	p[n] = '\0';
}

static void uuid(struct dice *d, char sep, char *p)
{
	static const int part[] = { 8, 4, 4, 4, 12 };

	for (int i = 0; i < 5; i++) {
		hex(d, p, part[i]);
		p += part[i];
		*p++ = i < 4 ? sep : '\0';
	}
}

static struct host host_of(int64_t n)
{
	static const char *const roles[] = { "web", "db", "k8s", "batch", "ci", "cache" };
	static const char *const places[] = { "fra1", "ams2", "sin1", "iad3" };
	struct dice d = dice_of((uint64_t)option[SEED].n, DICE_HOST, (uint64_t)n);
	struct host h = { .n = n };

	h.platform = (enum platform)roll(&d, SYSTEMD + 1);
	h.log = (enum log_kind[]){ RECORDER, JOURNAL, JOURNAL, DATED, UNDATED }[roll(&d, 5)];
	h.series = (int)roll(&d, fleet_series());
	h.boot_days = 15 + roll(&d, 80);
	h.first_boot_us = YEAR_BEGINS * 1000000 - roll(&d, h.boot_days * DAY_US);
	snprintf(h.name, sizeof(h.name), "%s-%05lld.%s", roles[roll(&d, OOM_ARRAY_SIZE(roles))], (long long)n,
		 places[roll(&d, OOM_ARRAY_SIZE(places))]);
	hex(&d, h.machine_id, 32);
	return h;
}

static struct boot boot_of(const struct host *h, int64_t utc_us)
{
	struct boot b = { .n = (utc_us - h->first_boot_us) / (h->boot_days * DAY_US) };
	struct dice d = dice_of((uint64_t)option[SEED].n, DICE_BOOT, (uint64_t)(h->n << 8 | b.n));

	b.utc_us = h->first_boot_us + b.n * h->boot_days * DAY_US;
	uuid(&d, '-', b.id);
	return b;
}

/* Number k of a host's workloads; its container lives for a month. */
static struct work work_of(const struct host *h, int64_t k, int64_t month)
{
	static const char *const comms[] = { "java", "postgres", "python3", "node", "ruby", "mysqld", "chrome", "cc1plus",
					     "prometheus", "clickhouse-serv" };
	static const char *const qos[] = { "kubepods-burstable", "kubepods-besteffort", "kubepods" };
	struct dice d = dice_of((uint64_t)option[SEED].n, DICE_WORK, (uint64_t)(h->n << 8 | k));
	struct work w = { .comm = comms[roll(&d, OOM_ARRAY_SIZE(comms))] };
	char pod[40], id[65];
	int q = (int)roll(&d, 3), uid = 1000 + (int)roll(&d, 5);

	uuid(&d, h->platform == KUBERNETES ? '_' : '-', pod);
	d.s ^= (uint64_t)month << 32;
	hex(&d, id, 64);
	switch (h->platform) {
	case KUBERNETES:
		snprintf(w.memcg, sizeof(w.memcg), "/kubepods.slice/%s%s%s-pod%s.slice", q < 2 ? qos[q] : "", q < 2 ? ".slice/" : "",
			 qos[q], pod);
		snprintf(w.task, sizeof(w.task), "%s/cri-containerd-%s.scope", w.memcg, id);
		break;
	case KUBERNETES_FS:
		snprintf(w.memcg, sizeof(w.memcg), "/kubepods/%spod%s", (const char *[]){ "burstable/", "besteffort/", "" }[q], pod);
		snprintf(w.task, sizeof(w.task), "%s/%s", w.memcg, id);
		break;
	case DOCKER:
		snprintf(w.memcg, sizeof(w.memcg), q ? "/system.slice/docker-%s.scope" : "/docker/%s", id);
		snprintf(w.task, sizeof(w.task), "%s", w.memcg);
		break;
	case PODMAN:
		snprintf(w.memcg, sizeof(w.memcg), "/user.slice/user-%d.slice/user@%d.service/user.slice/libpod-%s.scope", uid, uid, id);
		snprintf(w.task, sizeof(w.task), "%s/container", w.memcg);
		break;
	case SYSTEMD:
		if (q)
			snprintf(w.memcg, sizeof(w.memcg), "/system.slice/%s.service", w.comm);
		else
			snprintf(w.memcg, sizeof(w.memcg), "/user.slice/user-%d.slice/session-%d.scope", uid, (int)roll(&d, 90));
		snprintf(w.task, sizeof(w.task), "%s", w.memcg);
		break;
	}
	return w;
}

/* ---- events ------------------------------------------------------------------------------------------ */

/* One event of the year: who and when; the rest is diced when it is told. */
struct plan { int64_t n, host, utc_us, store, second; struct dice d; };

static struct plan plan_of(int64_t n)
{
	struct plan p = { .n = n, .d = dice_of((uint64_t)option[SEED].n, DICE_EVENT, (uint64_t)n) };
	int64_t hot = option[HOSTS].n / 20 + 1;

	p.host = chance(&p.d, 40) ? roll(&p.d, hot) : n < option[HOSTS].n ? n : roll(&p.d, option[HOSTS].n);
	p.utc_us = YEAR_BEGINS * 1000000 + roll(&p.d, 365 * DAY_US);
	p.store = p.host % option[STORES].n;
	p.second = chance(&p.d, (int)option[TWINS].n) ? (p.store + 1) % option[STORES].n : p.store;
	return p;
}

struct making {
	struct oom_store *store;
	struct oom_parser *parser;
	struct oom_err err;
	int64_t put;
};

static void check(struct making *m, int r)
{
	if (r < 0)
		fleet_die("%s", m->err.code ? m->err.text : strerror(-r));
}

static struct oom_str text_of(struct oom_event *ev, const char *z)
{
	struct oom_str s = OOM_STR_NULL;

	if (oom_arena_str(&ev->arena, oom_str_from(z), &s))
		fleet_die("out of memory");
	return s;
}

static void judge(const struct oom_event *ev, struct oom_replay *r)
{
	if (oom_replay_run(ev, NULL, r) || oom_replay_rank(r))
		fleet_die("out of memory");
}

static void add_life(struct oom_event *ev, const struct oom_victim *v, const struct work *w, enum oom_class class, struct dice *d)
{
	struct oom_life *l = oom_event_add_life(ev);
	int64_t us = v && v->killed_us != OOM_NA ? v->killed_us : ev->boot_us;

	if (!l)
		fleet_die("out of memory");
	*l = (struct oom_life){
		.pid = v ? v->pid : 4000 + roll(d, 9000), .uid = v ? v->uid : 0, .class = class, .start_us = us - roll(d, DAY_US),
		.selected_us = us - 400, .killed_us = us, .marked_us = us + 20, .queued_us = us + 60,
		.woken_us = OOM_NA, .reap_start_us = OOM_NA, .reap_end_us = OOM_NA, .reap_skips = 0,
		.exit_begin_us = us + 900 + roll(d, 20000), .aborted_rounds = roll(d, 4), .next_selected_us = OOM_NA,
		.freed_by = OOM_FREED_EXIT_MMAP, .comm = v ? v->comm : text_of(ev, w->comm), .cgroup = text_of(ev, w->task),
	};
	l->tgid = l->pid;
	l->exit_end_us = l->exit_begin_us + 500 + roll(d, 90000);
	l->freed_us = l->exit_end_us + 70;
	if (chance(d, 30)) {                     /* it was slow: the reaper was first */
		l->woken_us = us + 2000000;
		l->reap_start_us = l->woken_us + 50;
		l->reap_end_us = l->reap_start_us + 1000 + roll(d, 3000000);
		l->exit_begin_us = l->reap_end_us + roll(d, 9000000);
		l->exit_end_us = l->freed_us = OOM_NA;
		l->freed_by = OOM_FREED_REAPER;
	} else if (chance(d, 3)) {
		l->exit_begin_us = l->exit_end_us = l->freed_us = OOM_NA;
		l->freed_by = OOM_FREED_NOBODY;
		l->reap_skips = 10;
	}
}

static void add_flights(struct oom_event *ev, const struct work *w, struct dice *d)
{
	int64_t n = ev->ntasks < 8 ? (int64_t)ev->ntasks : 8;

	for (int64_t i = 0; i < n; i++) {
		const struct oom_task *t = &ev->task[(size_t)roll(d, (int64_t)ev->ntasks)];
		struct oom_flight *f = oom_event_add_flight(ev);

		if (!f)
			fleet_die("out of memory");
		*f = (struct oom_flight){
			.pid = t->tgid, .uid = t->uid, .oom_score_adj = t->oom_score_adj,
			.sampled_us = ev->boot_us - roll(d, 5000000), .start_us = ev->boot_us - roll(d, DAY_US),
			.points = t->rss_pages, .rss_pages = t->rss_pages, .swap_pages = t->swap_pages,
			.pgtables_bytes = t->pgtables_bytes, .growth_pages = roll(d, 1 + t->rss_pages / 2), .growth_us = 60000000,
			.comm = t->comm, .cgroup = text_of(ev, w->task), .cmdline = text_of(ev, "/usr/bin/worker --queue=main"),
		};
	}
}

/* What a recorder would have known beside the log. */
static void watch(struct oom_event *ev, const struct work *w, struct dice *d)
{
	struct oom_replay r;

	ev->origin = OOM_ORIGIN_RECORD;
	for (size_t i = 0; i < ev->nvictims; i++)
		add_life(ev, &ev->victim[i], w, i ? OOM_CLASS_GROUP_MEMBER : OOM_CLASS_LOGGED, d);
	add_flights(ev, w, d);
	ev->feeds = ev->ntasks && chance(d, 70) ? OOM_STR("log ballot trace") : OOM_STR("log trace");
	if (ev->feeds.n < 12)
		return;
	judge(ev, &r);
	if (r.nscores && r.winner >= 0 && r.winner == r.actual) {
		ev->ballot = OOM_BALLOT_RECORDED;
		ev->ballot_lost = 0;
		ev->total_pages = r.total.lo;
	}
	for (size_t i = 0; ev->ballot == OOM_BALLOT_RECORDED && i < r.nscores; i++) {
		bool eligible = r.score[i].why_not == OOM_WHY_ELIGIBLE;

		ev->task[i].kernel_points = eligible ? r.score[i].nominal : OOM_NA;
		ev->task[i].kernel_flags = eligible ? 0 : OOM_FACT_INELIGIBLE;
	}
	oom_replay_release(&r);
}

static struct oom_store_mark mark_of(const struct host *h, const struct boot *b, int64_t utc_us)
{
	struct dice d = dice_of((uint64_t)option[SEED].n, DICE_BOOT, (uint64_t)(h->n << 8 | b->n) ^ 0x5555);
	int64_t kills = roll(&d, 40);

	return (struct oom_store_mark){
		.host = oom_str_from(h->name), .machine_id = oom_str_from(h->machine_id), .boot_id = oom_str_from(b->id),
		.next_line = 1000 + roll(&d, 100000), .oom_kill = kills, .kills = kills - (chance(&d, 5) ? 1 : 0),
		.log_lost = chance(&d, 6) ? 1 + roll(&d, 900) : 0, .facts_lost = chance(&d, 4) ? roll(&d, 50) : 0, .seen_us = utc_us,
	};
}

static void put_facts(struct making *m, const struct oom_event *ev, const struct host *h, const struct boot *b, int64_t utc_us)
{
	static const int kinds[] = { OOM_FACT_MARK_VICTIM, OOM_FACT_SCORE_ADJ };
	struct oom_store_mark who = mark_of(h, b, utc_us);

	for (size_t i = 0; ev->nlives && i < OOM_ARRAY_SIZE(kinds); i++) {
		struct oom_fact f = { .kind = kinds[i], .comm = ev->life[0].comm };

		for (size_t k = 1; k < oom_fact_record.nfields; k++)
			if (oom_fact_record.field[k].type == OOM_TYPE_INT)
				oom_field_set_int(&oom_fact_record.field[k], &f, OOM_NA);
		f.mono_us = ev->boot_us + (int64_t)i;
		f.pid = ev->life[0].pid;
		f.oom_score_adj = 0;
		f.flags = 0;
		check(m, oom_store_trace(m->store, &who, "trace", &f, &m->err));
	}
}

static void put(struct making *m, const struct oom_event *ev)
{
	struct oom_replay r;
	int64_t id;

	judge(ev, &r);
	check(m, oom_store_put(m->store, ev, &r, &id, &m->err));
	oom_replay_release(&r);
	if (++m->put % BATCH == 0) {
		check(m, oom_store_commit(m->store, &m->err));
		check(m, oom_store_begin(m->store, &m->err));
	}
}

/* A kill of which the log says nothing. */
static void make_silent(struct oom_event *ev, const struct work *w, int64_t boot_us, int64_t utc_us, struct dice *d)
{
	static const enum oom_class classes[] = { OOM_CLASS_ALREADY_EXITING, OOM_CLASS_RATE_LIMITED, OOM_CLASS_LOG_LOST };

	oom_event_init(ev);
	ev->boot_us = boot_us;
	ev->wall_us = utc_us;
	ev->outcome = OOM_OUTCOME_KILLED;
	ev->scope = OOM_SCOPE_MEMCG;
	ev->page_size = 4096;
	ev->oom_memcg = text_of(ev, w->memcg);
	ev->task_memcg = text_of(ev, w->task);
	ev->feeds = OOM_STR("trace");
	add_life(ev, NULL, w, classes[roll(d, 3)], d);
	ev->origin = OOM_ORIGIN_RECORD;
}

/* twin: the account that a second store has of it. */
static void make_told(struct making *m, struct plan *p, const struct host *h, const struct boot *b, const struct work *w, bool twin,
		      struct oom_event *ev)
{
	const struct dump *t = fleet_dump(h->series, chance(&p->d, 65), &p->d);
	struct telling how = {
		.host = oom_str_from(h->name), .boot_id = h->log == UNDATED || h->log == DATED ? OOM_STR_NULL : oom_str_from(b->id),
		.path = twin ? OOM_STR("/srv/archive/all.log") : OOM_STR("/var/log/kern.log"), .boot_us = p->utc_us - b->utc_us,
		.wall_us = p->utc_us, .zone = h->log != UNDATED, .comm = w->comm, .oom_memcg = w->memcg, .task_memcg = w->task,
		.tasks = (int)option[TASKS].n, .shield = chance(&p->d, 12), .favour = chance(&p->d, 10), .rival = chance(&p->d, 15),
		.roomy = chance(&p->d, 4), .cut = chance(&p->d, 1),
	};

	fleet_tell(t, &how, &p->d, m->parser);
	if (oom_parser_take(m->parser, ev) != 1)
		fleet_die("a dump of series %d gave no event", h->series);
}

static void make(struct making *m, struct plan p, bool twin)
{
	struct host h = host_of(p.host);
	struct boot b = boot_of(&h, p.utc_us);
	struct work w = work_of(&h, chance(&p.d, 60) ? 0 : roll(&p.d, 5), (p.utc_us / 1000000 - YEAR_BEGINS) / 2592000);
	struct oom_event ev;

	if (h.log == RECORDER && chance(&p.d, 10))
		make_silent(&ev, &w, p.utc_us - b.utc_us, p.utc_us, &p.d);
	else
		make_told(m, &p, &h, &b, &w, twin, &ev);
	if (h.log == RECORDER) {
		ev.host = text_of(&ev, h.name);
		ev.machine_id = text_of(&ev, h.machine_id);
		ev.boot_id = text_of(&ev, b.id);
		if (!twin && !ev.nlives)
			watch(&ev, &w, &p.d);
		put_facts(m, &ev, &h, &b, p.utc_us);
	}
	put(m, &ev);
	oom_event_release(&ev);
}

static void put_marks(struct making *m, int64_t store)
{
	int64_t end = (YEAR_BEGINS + 365 * 86400) * 1000000;

	for (int64_t n = store; n < option[HOSTS].n; n += option[STORES].n) {
		struct host h = host_of(n);

		for (int64_t us = h.first_boot_us; h.log == RECORDER && us < end; us += h.boot_days * DAY_US) {
			struct boot b = boot_of(&h, us);
			struct oom_store_mark mark = mark_of(&h, &b, us + h.boot_days * DAY_US - 1);

			check(m, oom_store_put_mark(m->store, &mark, &m->err));
		}
	}
}

static void make_store(const char *dir, int64_t store)
{
	struct making m = { .put = 0 };
	char path[4096];

	snprintf(path, sizeof(path), "%s/region-%03lld.db", dir, (long long)store);
	(void)unlink(path);
	if (oom_parser_new(&m.parser))
		fleet_die("out of memory");
	check(&m, oom_store_open(path, OOM_STORE_WRITE, &m.store, &m.err));
	check(&m, oom_store_begin(m.store, &m.err));
	for (int64_t n = 0; n < option[EVENTS].n; n++) {
		struct plan p = plan_of(n);

		if (p.store == store)
			make(&m, p, false);
		else if (p.second == store)
			make(&m, p, true);
	}
	put_marks(&m, store);
	check(&m, oom_store_commit(m.store, &m.err));
	check(&m, oom_store_close(m.store, &m.err));
	oom_parser_free(m.parser);
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static void take_option(const char *arg)
{
	const char *eq = strchr(arg, '=');

	for (size_t i = 0; eq && i < OOM_ARRAY_SIZE(option); i++) {
		if (strncmp(arg, option[i].key, (size_t)(eq - arg)) || option[i].key[eq - arg])
			continue;
		option[i].n = atoll(eq + 1);
		if (option[i].n > 0 || (i == TWINS && !option[i].n))
			return;
	}
	fleet_die("what is '%s'?  hosts=N events=N tasks=N stores=N seed=N jobs=N", arg);
}

int main(int argc, char **argv)
{
	int bad = 0, status;

	if (argc < 2)
		fleet_die("DIR [hosts=N events=N tasks=N stores=N seed=N jobs=N twins=PERCENT]");
	for (int i = 2; i < argc; i++)
		take_option(argv[i]);
	fleet_load("tests/cases");
	(void)mkdir(argv[1], 0755);
	for (int64_t job = 0; job < option[JOBS].n; job++) {
		if (fork() != 0)
			continue;
		for (int64_t s = job; s < option[STORES].n; s += option[JOBS].n)
			make_store(argv[1], s);
		exit(0);
	}
	while (wait(&status) > 0)
		bad |= status;
	return bad ? 1 : 0;
}
