/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines above the list: the machine, the domain, and who dies next in it. */
#include "ui.h"

#include <string.h>
#include <time.h>

static void kb_text(int64_t kb, char *buf, size_t size)
{
	if (kb == OOM_UNLIMITED)
		snprintf(buf, size, "no limit");
	else
		pages_text(kb == OOM_NA ? OOM_NA : kb, 1024, buf, size);
}

static int bar(struct grid *g, int x, int y, int width, int64_t used, int64_t total)
{
	int64_t full = used < 0 || total <= 0 ? 0 : used >= total ? width : used * width / total;
	bool high = total > 0 && used > total - total / 10;

	x = grid_put(g, x, y, STYLE_STRONG, OOM_STR("["));
	for (int i = 0; i < width; i++)
		x = grid_put(g, x, y, high ? STYLE_BAD : STYLE_GOOD, i < full ? OOM_STR("|") : OOM_STR(" "));
	return grid_put(g, x, y, STYLE_STRONG, OOM_STR("]"));
}

static void draw_title(struct ui *ui, int y)
{
	const struct oom_event *ev = ui->m->sample.event;
	struct grid *g = &ui->grid;
	char when[24] = "";
	int x;

	if (ui->wall_us != OOM_NA) {
		time_t t = (time_t)(ui->wall_us / 1000000);
		struct tm tm;

		if (localtime_r(&t, &tm))
			strftime(when, sizeof(when), "%H:%M:%S", &tm);
	}
	x = grid_put(g, 0, y, STYLE_STRONG, OOM_STR("oomtop"));
	if (ev->host.n)
		x = grid_fmt(g, x, y, STYLE_PLAIN, " %.*s", (int)ev->host.n, ev->host.p);
	if (ev->kernel.n)
		x = grid_fmt(g, x, y, STYLE_DIM, "  Linux %.*s", (int)ev->kernel.n, ev->kernel.p);
	x = grid_fmt(g, x, y, STYLE_DIM, "  %s", when);
	if (ui->paused)
		x = grid_put(g, x + 1, y, STYLE_WARN, OOM_STR("PAUSED"));
	if (ui->notice)
		grid_put(g, x + 2, y, STYLE_WARN, oom_str_from(ui->notice));
}

/* The machine: memory, swap, pressure, kills. */
static void draw_machine(struct ui *ui, int y)
{
	const struct oom_domain *d = &ui->m->sample.domain[0];
	const struct oom_load *p = &ui->m->load;
	struct grid *g = &ui->grid;
	char used[24], total[24];
	int x;

	kb_text(d->usage_kb, used, sizeof(used));
	kb_text(d->limit_kb, total, sizeof(total));
	x = grid_put(g, 0, y, STYLE_PLAIN, OOM_STR("Mem "));
	x = bar(g, x, y, g->w / 8, d->usage_kb, d->limit_kb);
	x = grid_fmt(g, x, y, STYLE_PLAIN, " %s/%s  Swap ", used, total);
	if (d->swap_limit_kb > 0) {
		kb_text(d->swap_usage_kb, used, sizeof(used));
		kb_text(d->swap_limit_kb, total, sizeof(total));
		x = bar(g, x, y, g->w / 16, d->swap_usage_kb, d->swap_limit_kb);
		x = grid_fmt(g, x, y, STYLE_PLAIN, " %s/%s", used, total);
	} else {
		x = grid_put(g, x, y, STYLE_DIM, d->swap_limit_kb == 0 ? OOM_STR("none") : OOM_STR("-"));
	}
	if (p->some_avg10 != OOM_NA && ui->m->source->ops->live)
		x = grid_fmt(g, x, y, p->some_avg10 >= 1000 ? STYLE_BAD : STYLE_PLAIN, "  PSI some %lld.%02lld full %lld.%02lld",
			     (long long)p->some_avg10 / 100, (long long)p->some_avg10 % 100, (long long)p->full_avg10 / 100,
			     (long long)p->full_avg10 % 100);
	if (p->oom_kills != OOM_NA && ui->m->source->ops->live)
		grid_fmt(g, x, y, p->oom_kills > ui->m->kills_at_start ? STYLE_BAD : STYLE_PLAIN, "  OOM kills %lld (+%lld)",
			 (long long)p->oom_kills, (long long)(p->oom_kills - ui->m->kills_at_start));
}

const char *domain_title(const struct oom_domain *d, char *buf, size_t size)
{
	static const char *const of[] = {
		[OOM_SCOPE_MEMCG] = "memory cgroup", [OOM_SCOPE_CPUSET] = "cpuset, nodes", [OOM_SCOPE_MEMPOLICY] = "memory policy, nodes",
	};

	if (d->scope > OOM_SCOPE_GLOBAL && (size_t)d->scope < OOM_ARRAY_SIZE(of) && of[d->scope])
		snprintf(buf, size, "%s %.*s", of[d->scope], (int)d->path.n, d->path.n ? d->path.p : "");
	else
		snprintf(buf, size, "%s", d->scope == OOM_SCOPE_SYSRQ ? "whole machine (sysrq)" : "whole machine");
	return buf;
}

const char *domain_name(const struct oom_domain *d, char *buf, size_t size)
{
	if (d->scope != OOM_SCOPE_MEMCG || !d->path.n)
		return domain_title(d, buf, size);
	snprintf(buf, size, "%.*s", (int)d->path.n, d->path.p);
	return buf;
}

int64_t domain_seconds_left(const struct model *m, const struct oom_domain *d)
{
	int64_t us = m->sample.info.interval_us, grown;

	if (us == OOM_NA || us <= 0 || d->room_kb == OOM_NA || d->room_kb == OOM_UNLIMITED || d->usage_kb == OOM_NA ||
	    d->prev_usage_kb == OOM_NA)
		return OOM_NA;
	grown = d->usage_kb - d->prev_usage_kb;
	return grown > 0 ? (int64_t)((double)d->room_kb / (double)grown * (double)us / 1e6) : OOM_NA;
}

const char *span_text(int64_t seconds, char *buf, size_t size)
{
	static const struct { int64_t s; char unit; } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
	size_t i = 0;

	if (seconds == OOM_NA) {
		snprintf(buf, size, "-");
		return buf;
	}
	while (i + 1 < OOM_ARRAY_SIZE(units) && seconds < 2 * units[i].s)
		i++;
	if (seconds >= 1000 * INT64_C(86400))
		snprintf(buf, size, "years");
	else
		snprintf(buf, size, "%lld%c", (long long)(seconds / units[i].s), units[i].unit);
	return buf;
}

/* Numbers stay whole; of a long path the end is shown, which tells more than its beginning. */
static int draw_name(struct ui *ui, int x, int y, int tail)
{
	struct grid *g = &ui->grid;
	char name[4200];
	struct oom_str s = oom_str_from(domain_title(ui->m->domain, name, sizeof(name)));
	size_t room = g->w - x - tail > 24 ? (size_t)(g->w - x - tail) : 24;

	if (s.n > room) {
		x = grid_put(g, x, y, STYLE_DIM, OOM_STR("..."));
		s = oom_str_sub(s, s.n - room + 3, room);
	}
	return grid_put(g, x, y, STYLE_STRONG, s);
}

static void draw_domain(struct ui *ui, int y)
{
	const struct oom_domain *d = ui->m->domain;
	struct grid *g = &ui->grid;
	char text[160] = "", kb[24];
	int64_t left = domain_seconds_left(ui->m, d);
	size_t n = 0;
	int x = grid_put(g, 0, y, STYLE_PLAIN, OOM_STR("Domain: "));

	if (d->scope == OOM_SCOPE_MEMCG) {
		kb_text(d->limit_kb, kb, sizeof(kb));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  limit %s", kb);
	}
	if (d->headroom_kb != OOM_NA && d->headroom_kb != OOM_UNLIMITED) {
		kb_text(d->headroom_kb, kb, sizeof(kb));
		n += (size_t)snprintf(text + n, sizeof(text) - n, "  headroom %s", kb);
	}
	if (d->room_kb != OOM_NA && d->room_kb != OOM_UNLIMITED) {
		kb_text(d->room_kb, kb, sizeof(kb));
		n += (size_t)snprintf(text + n, sizeof(text) - n, ", %s with reclaim and swap", kb);
	}
	x = draw_name(ui, x, y, (int)n + (left != OOM_NA ? 15 : 0));
	if (ui->m->domain_gone)
		x = grid_fmt(g, x, y, STYLE_WARN, "  (%s is gone)", ui->m->path);
	x = grid_put(g, x, y, STYLE_PLAIN, oom_str_from(text));
	if (left != OOM_NA)
		x = grid_fmt(g, x, y, left < 600 ? STYLE_BAD : STYLE_PLAIN, "; full in ~%s", span_text(left, kb, sizeof(kb)));
	if (d->kill_disabled == 1)
		grid_put(g, x, y, STYLE_WARN, OOM_STR("  OOM kill disabled: tasks will wait"));
}

const char *domain_victim(const struct model *m, const struct oom_domain *d, char *buf, size_t size)
{
	const struct oom_task *t = d->victim >= 0 && m->sample.event->task ? &m->sample.event->task[d->victim] : NULL;

	if (t)
		snprintf(buf, size, "%lld %.*s%s", (long long)t->pid, (int)t->comm.n, t->comm.n ? t->comm.p : "",
			 d->group >= 0 ? " +group" : "");
	else
		snprintf(buf, size, "none");
	return buf;
}

/* What the kernel did, and whether the rules agree. */
static void draw_past(struct ui *ui, int y)
{
	const struct model *m = ui->m;
	const struct oom_event *ev = &m->view;
	const struct oom_replay *r = m->nchanges ? &m->before : &m->replay;
	bool sure = r->verdict == OOM_VERDICT_EXACT || r->verdict == OOM_VERDICT_EXPLAINED;
	struct grid *g = &ui->grid;
	int x;

	if (ev->nvictims) {
		x = grid_put(g, 0, y, STYLE_PLAIN, OOM_STR("The kernel killed "));
		x = grid_put(g, x, y, STYLE_BAD, ev->victim[0].comm);
		x = grid_fmt(g, x, y, STYLE_PLAIN, " (pid %lld)", (long long)ev->victim[0].pid);
		if (ev->nvictims > 1)
			x = grid_fmt(g, x, y, STYLE_PLAIN, " and %zu more", ev->nvictims - 1);
	} else {
		x = grid_fmt(g, 0, y, STYLE_PLAIN, "The kernel killed nobody (%s)", oom_outcome_names[ev->outcome]);
	}
	x = grid_put(g, x, y, STYLE_PLAIN, OOM_STR("; the rules: "));
	x = grid_put(g, x, y, sure ? STYLE_GOOD : STYLE_WARN, oom_str_from(oom_verdict_names[r->verdict]));
	x = grid_fmt(g, x, y, STYLE_PLAIN, " (%s)", oom_reason_name(r->reason));
	if (ev->ballot == OOM_BALLOT_RECORDED)
		grid_put(g, x, y, STYLE_DIM, OOM_STR("; points are the kernel's own"));
}

/* ---- kills ---------------------------------------------------------------------------------------------- */

const struct kill *domain_kill(const struct ui *ui, const struct oom_domain *d)
{
	for (size_t i = 0; i < kills_count(ui->kills); i++) {
		const struct kill *k = kills_at(ui->kills, i);

		if (d->scope == OOM_SCOPE_MEMCG ? oom_str_is(d->path, k->domain) : d->scope == OOM_SCOPE_GLOBAL && k->global)
			return k;
	}
	return NULL;
}

int domain_marks(struct ui *ui, int x, int y, const struct oom_domain *d)
{
	const struct kill *k = domain_kill(ui, d);
	const struct { const char *name; int64_t kb; } protect[] = { { "min", d->min_kb }, { "low", d->low_kb } };
	struct grid *g = &ui->grid;
	char text[32];

	if (k)
		x = grid_fmt(g, x, y, STYLE_WARN, "  !%s (pid %lld) %s", k->comm, (long long)k->pid,
			     kills_age(k, ui->wall_us, true, text, sizeof(text)));
	if (d->oom_group == 1 && d->scope == OOM_SCOPE_MEMCG)
		x = grid_put(g, x, y, STYLE_DIM, OOM_STR("  oom.group"));
	for (size_t i = 0; i < OOM_ARRAY_SIZE(protect) && d->scope == OOM_SCOPE_MEMCG; i++) {
		if (protect[i].kb == OOM_NA || !protect[i].kb)
			continue;
		kb_text(protect[i].kb, text, sizeof(text));
		x = grid_fmt(g, x, y, STYLE_DIM, "  %s %s", protect[i].name, text);
	}
	if (d->kill_disabled == 1)
		x = grid_put(g, x, y, STYLE_WARN, OOM_STR("  kill disabled"));
	return x;
}

/* The newest one, and how many there were. */
static bool draw_kills(struct ui *ui, int y)
{
	size_t n = kills_count(ui->kills);
	const struct model *m = ui->m;
	struct grid *g = &ui->grid;
	const struct kill *k;
	char age[32];
	int x;

	if (n) {
		k = kills_at(ui->kills, 0);
		x = grid_fmt(g, 0, y, STYLE_WARN, "Killed %s: %s (pid %lld)", kills_age(k, ui->wall_us, false, age, sizeof(age)), k->comm,
			     (long long)k->pid);
		if (k->cgroup[0])
			x = grid_fmt(g, x, y, STYLE_WARN, " in %s", k->cgroup);
		if (n > 1)
			grid_fmt(g, x, y, STYLE_WARN, "; %zu%s in the last 15 min", n, n < KILLS_MAX ? "" : " and more");
		return true;
	}
	if (m->source->ops->live && ui->kills && m->load.oom_kills != OOM_NA && m->load.oom_kills > m->kills_at_start) {
		grid_fmt(g, 0, y, STYLE_WARN, "The kernel counted %lld kills since the start; who died is not to be seen here%s.",
			 (long long)(m->load.oom_kills - m->kills_at_start),
			 kills_sources(ui->kills) ? "" : " (needs a recorder's store or the kernel log)");
		return true;
	}
	return false;
}

static const char *sureness(const struct model *m, const struct row *first, const struct row *second)
{
	if (second && second->points == first->points)
		return ": a tie, the kernel's list decides";
	if (!m->sample.event->table_complete && m->source->ops->live)
		return ", of those we may see";
	if (m->sample.drift_pages && second && first->points - second->points <= 2 * m->sample.drift_pages)
		return ": closer than this kernel's counters are exact";
	return "";
}

static void draw_victim(struct ui *ui, int y)
{
	const struct model *m = ui->m;
	const struct row *first = model_victim(m, 1), *second = model_victim(m, 2);
	struct grid *g = &ui->grid;
	const struct oom_task *t;
	char points[24], margin[24];
	int x = grid_put(g, 0, y, STYLE_PLAIN, m->nchanges ? OOM_STR("Would die next: ") : m->source->ops->past ? OOM_STR("The rules choose: ") :
			 OOM_STR("Next victim: "));

	if (!m->replay.profile) {
		grid_put(g, x, y, STYLE_WARN, OOM_STR("unknown: the rules of this kernel are not known"));
		return;
	}
	if (!first) {
		grid_put(g, x, y, STYLE_WARN, OOM_STR("none: no process here may be killed"));
		return;
	}
	t = model_task(m, first);
	pages_text(first->points, m->ranked->page_size, points, sizeof(points));
	x = grid_put(g, x, y, m->nchanges ? STYLE_CHANGED : STYLE_BAD, t->comm);
	x = grid_fmt(g, x, y, STYLE_PLAIN, " (pid %lld) with %lld points (%s)", (long long)t->pid, (long long)first->points, points);
	if (second) {
		pages_text(first->points - second->points, m->ranked->page_size, margin, sizeof(margin));
		x = grid_fmt(g, x, y, STYLE_PLAIN, ", %s more than ", margin);
		x = grid_put(g, x, y, STYLE_PLAIN, model_task(m, second)->comm);
	}
	x = grid_put(g, x, y, STYLE_WARN, oom_str_from(sureness(m, first, second)));
	if (m->domain->group >= 0 && m->sample.cgroup) {
		x = grid_put(g, x, y, STYLE_BAD, OOM_STR("; memory.oom.group kills all of "));
		grid_put(g, x, y, STYLE_BAD, m->sample.cgroup[m->domain->group].path);
	}
}

static void draw_points(struct ui *ui, int y)
{
	const struct model *m = ui->m;
	static const char *const say[] = {
		[OOM_POINTS_EXACT] = "Points are what the kernel compares.",
		[OOM_POINTS_PRECISE_SUM] = "Points are exact sums; this kernel compares approximate counters",
		[OOM_POINTS_UNKNOWN] = "This kernel's rules are not known: no points.",
	};
	const char *hidden;
	char buf[96];
	int x = 0;

	if (!m->source->ops->live)
		return;
	for (size_t i = 0; (hidden = model_hidden(m, i, buf, sizeof(buf))); i++)
		x = grid_fmt(&ui->grid, x, y, STYLE_WARN, "%s", hidden) + 1;
	if (!x && ui->kills && !kills_sources(ui->kills))
		x = grid_put(&ui->grid, x, y, STYLE_DIM, OOM_STR("Who was killed: no store or kernel log to read.")) + 1;
	x = grid_put(&ui->grid, x, y, STYLE_DIM, oom_str_from(say[m->sample.points]));
	if (m->sample.points == OOM_POINTS_PRECISE_SUM)
		grid_fmt(&ui->grid, x, y, STYLE_DIM, ", up to %lld pages off.", (long long)m->sample.drift_pages);
}

void head_draw(struct ui *ui, int *y)
{
	draw_title(ui, (*y)++);
	draw_machine(ui, (*y)++);
	draw_domain(ui, (*y)++);
	draw_victim(ui, (*y)++);
	if (ui->m->source->ops->past)
		draw_past(ui, (*y)++);
	*y += draw_kills(ui, *y);
	if (ui->m->source->ops->live)
		draw_points(ui, (*y)++);
}
