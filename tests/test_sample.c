/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_sample.h"

#include <errno.h>
#include <string.h>

/* pid, rss, page tables in bytes, adj, name; shared by event and score */
static const struct { int64_t pid, rss, pt_bytes, adj; const char *comm; } rows[] = {
	{ 2400, 900,   65536,  0,     "bash" },
	{ 2430, 16574, 180224, 0,     "mysqld" },
	{ 2431, 4000,  98304,  500,   "java" },
	{ 2432, 700,   61440,  -1000, "sshd" },
};

static void make_event(struct oom_event *ev)
{
	ev->id = 1;
	ev->path = OOM_STR("kern.log");
	ev->first_line = 10;
	ev->last_line = 210;
	ev->host = OOM_STR("db7");
	ev->kernel = OOM_STR("5.15.0-91-generic");
	ev->kernel_from = OOM_STR("header");
	ev->boot_us = 119969781;
	ev->wall_us = 1792548480123456;
	ev->trigger_comm = OOM_STR("mysqld");
	ev->trigger_pid = 2430;
	ev->trigger_adj = 0;
	ev->order = 0;
	ev->gfp_mask = 0xcc0;
	ev->gfp_raw = OOM_STR("0xcc0");
	ev->gfp_flags = OOM_STR("GFP_KERNEL");
	ev->scope = OOM_SCOPE_MEMCG;
	ev->constraint = OOM_STR("CONSTRAINT_MEMCG");
	ev->oom_memcg = OOM_STR("/db.slice");
	ev->task_memcg = OOM_STR("/db.slice/mysql.service");
	ev->memcg_version = 2;
	ev->memcg_usage_kb = 102400;
	ev->memcg_limit_kb = 102400;
	ev->page_size = 4096;
	ev->chosen_pid = 2430;
	ev->chosen_comm = OOM_STR("mysqld");
	ev->outcome = OOM_OUTCOME_KILLED;
	ev->has_invoked = ev->has_table = ev->table_complete = 1;
}

static int make_parts(struct oom_event *ev)
{
	struct oom_victim *v = oom_event_add_victim(ev);

	if (!v)
		return -ENOMEM;
	v->pid = 2430;
	v->comm = OOM_STR("mysqld");
	v->uid = 27;
	v->role = OOM_ROLE_CHOSEN;
	v->total_vm_kb = 200000;
	v->anon_rss_kb = 65000;
	v->file_rss_kb = 1296;
	v->shmem_rss_kb = 0;
	v->pgtables_kb = 176;
	v->oom_score_adj = 0;
	v->killed_us = 119970000;
	v->reap = OOM_REAP_REAPED;
	v->reap_us = 121990000;
	v->reap_anon_rss_kb = 0;
	v->line = 205;
	v->reap_line = 206;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rows); i++) {
		struct oom_task *t = oom_event_add_task(ev);

		if (!t)
			return -ENOMEM;
		t->pid = t->tgid = rows[i].pid;
		t->uid = 27;
		t->oom_score_adj = rows[i].adj;
		t->rss_pages = rows[i].rss;
		t->swap_pages = 0;
		t->pgtables_bytes = rows[i].pt_bytes;
		t->comm = oom_str_from(rows[i].comm);
		t->line = 190 + (int64_t)i;
	}
	return 0;
}

static struct oom_range one(int64_t n)
{
	return (struct oom_range){ n, n };
}

static void make_replay(struct sample *s)
{
	struct oom_replay *r = &s->r;
	const int64_t thousandth = 25600 / 1000;

	r->event = &s->ev;
	r->profile = oom_profile_named("5.9");
	r->profile_how = "the kernel release in the log";
	r->total = one(25600);
	r->total_how = OOM_STR("the memory limit of the cgroup");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rows); i++) {
		int64_t adj = rows[i].adj * thousandth, pt = rows[i].pt_bytes / 4096;

		s->score[i] = (struct oom_score){
			.points = one(rows[i].rss + pt + adj),
			.nominal = rows[i].rss + pt + adj,
			.rss = one(rows[i].rss),
			.swap = one(0),
			.pgtables = one(pt),
			.root = one(0),
			.adj_pages = adj,
			.why_not = rows[i].adj == -1000 ? OOM_WHY_ADJ_MIN : OOM_WHY_ELIGIBLE,
		};
	}
	memcpy(s->rank, (const uint32_t[]){ 1, 2, 0, 3 }, sizeof(s->rank));
	r->score = s->score;
	r->nscores = OOM_ARRAY_SIZE(rows);
	r->neligible = 3;
	r->winner = r->actual = 1;
	r->winner_score = r->actual_score = s->score[1];
	r->runner_up = 2;
	r->margin = s->score[1].nominal - s->score[2].nominal;
	r->drift_bound = OOM_NA;
	r->verdict = OOM_VERDICT_EXACT;
	r->reason = OOM_REASON_HIGHEST_BADNESS;
	r->text = OOM_STR("mysqld has the highest points of 3 candidates.");
	r->evidence_line = OOM_NA;
	r->rank = s->rank;
}

int sample_make(struct sample *s)
{
	int r;

	memset(s, 0, sizeof(*s));
	oom_event_init(&s->ev);
	make_event(&s->ev);
	r = make_parts(&s->ev);
	if (r < 0)
		return r;
	make_replay(s);
	return 0;
}

static int make_life(struct oom_event *ev)
{
	const int64_t t0 = 119969781;
	struct oom_life *l = oom_event_add_life(ev);

	if (!l)
		return -ENOMEM;
	l->pid = l->tgid = 2430;
	l->comm = OOM_STR("mysqld");
	l->cgroup = OOM_STR("/db.slice/mysql.service");
	l->class = OOM_CLASS_LOGGED;
	l->selected_us = t0;
	l->killed_us = t0 + 214;
	l->marked_us = t0 + 231;
	l->queued_us = t0 + 231;
	l->exit_begin_us = t0 + 4100;
	l->exit_end_us = t0 + 23200;
	l->freed_us = t0 + 1045000;
	l->freed_by = OOM_FREED_EXIT_MMAP;
	return 0;
}

static int make_flight(struct oom_event *ev)
{
	static const struct { int64_t pid, rss, growth; const char *comm, *cmdline; } flights[] = {
		{ 2430, 16000, 6400, "mysqld", "/usr/sbin/mysqld --defaults-file=/etc/my.cnf" },
		{ 2431, 4000, -25, "java", "java -jar x.jar \033[2J\xff" },
		{ 2433, 10, 0, "sh", "" },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(flights); i++) {
		struct oom_flight *f = oom_event_add_flight(ev);

		if (!f)
			return -ENOMEM;
		f->pid = flights[i].pid;
		f->rss_pages = flights[i].rss;
		f->swap_pages = 0;
		f->growth_pages = flights[i].growth;
		f->growth_us = 15000000;
		f->sampled_us = 117600000;
		f->comm = oom_str_from(flights[i].comm);
		f->cmdline = oom_str_from(flights[i].cmdline);
	}
	return 0;
}

static int make_counters(struct oom_event *ev)
{
	static const struct { int64_t area, value; const char *zone, *name; } facts[] = {
		{ OOM_AREA_PSI, 8312, "memory", "some_avg10" },
		{ OOM_AREA_PSI, 6111, "memory", "full_avg10" },
		{ OOM_AREA_PSI, 205, "io", "some_avg10" },
		{ OOM_AREA_COUNTER, 3, "vmstat", "oom_kill" },
		{ OOM_AREA_COUNTER, 0, "memory.events /db.slice", "high" },
		{ OOM_AREA_COUNTER, 1311, "memory.events /db.slice", "max" },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(facts); i++) {
		struct oom_memory *m = oom_event_add_memory(ev);

		if (!m)
			return -ENOMEM;
		m->area = facts[i].area;
		m->value = facts[i].value;
		m->zone = oom_str_from(facts[i].zone);
		m->name = oom_str_from(facts[i].name);
	}
	return 0;
}

int sample_record(struct sample *s)
{
	struct oom_event *ev = &s->ev;

	ev->origin = OOM_ORIGIN_RECORD;
	ev->feeds = OOM_STR("log ballot trace");
	ev->ballot = OOM_BALLOT_RECORDED;
	ev->ballot_lost = 0;
	for (size_t i = 0; i < ev->ntasks; i++) {
		ev->task[i].kernel_points = s->score[i].why_not ? OOM_NA : s->score[i].points.lo;
		ev->task[i].kernel_flags = 0;
	}
	s->r.ballot = (struct oom_ballot_check){ .points = 3, .compared = 3 };
	s->r.drift_bound = 768;
	return make_life(ev) || make_flight(ev) || make_counters(ev) ? -ENOMEM : 0;
}

void sample_release(struct sample *s)
{
	oom_event_release(&s->ev);
}
