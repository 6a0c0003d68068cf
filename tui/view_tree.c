/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree of memory cgroups: where the memory is, and where limits are. */
#include "ui.h"

#include <string.h>

static ptrdiff_t fold_of(const struct ui *ui, uint64_t id)
{
	for (size_t i = 0; i < ui->nfolds; i++)
		if (ui->fold[i] == id)
			return (ptrdiff_t)i;
	return -1;
}

/* Cgroups are in tree order: a fold passes over all up to its end. */
static void load(struct ui *ui)
{
	const struct oom_sample *s = &ui->m->sample;

	ui->nbranch = 0;
	if (!ui_reserve_branch(ui, s->ncgroups))
		return;
	for (size_t i = 0; i < s->ncgroups; i++) {
		if (!ui->filter[0] || ui_has(s->cgroup[i].path, ui->filter))
			ui->branch[ui->nbranch++] = i;
		if (fold_of(ui, s->cgroup[i].id) >= 0 && s->cgroup[i].end > i)
			i = s->cgroup[i].end - 1;
	}
}

static size_t count(const struct ui *ui) { return ui->nbranch; }
static const struct oom_sample_cgroup *cgroup_at(const struct ui *ui, size_t i) { return &ui->m->sample.cgroup[ui->branch[i]]; }
static uint64_t id(const struct ui *ui, size_t i) { return cgroup_at(ui, i)->id; }
static bool holds(const struct ui *ui, size_t i, const char *needle) { return ui_has(cgroup_at(ui, i)->path, needle); }

#define FORMAT "%6s %6s %5s %6s  "

static void heading(struct ui *ui, int y)
{
	int x = grid_fmt(&ui->grid, -ui->x, y, STYLE_HEADING, FORMAT, "LIMIT", "USED", "FULL", "TASKS");

	x = grid_field(&ui->grid, x, y, 20, false, STYLE_HEADING, OOM_STR("NEXT VICTIM"));
	x = grid_put(&ui->grid, x, y, STYLE_HEADING, OOM_STR("  CGROUP"));
	for (; x < ui->grid.w; x++)
		grid_put(&ui->grid, x, y, STYLE_HEADING, OOM_STR(" "));
}

static struct oom_str last_part(struct oom_str path)
{
	size_t at = path.n;

	while (at && path.p[at - 1] != '/')
		at--;
	return at < path.n ? oom_str_sub(path, at, path.n) : OOM_STR("/");
}

/* A kill that took somebody from a cgroup without a limit of its own. */
static void mark_kill(struct ui *ui, int x, int y, struct oom_str path)
{
	char age[32];

	for (size_t i = 0; i < kills_count(ui->kills); i++) {
		const struct kill *k = kills_at(ui->kills, i);

		if (!oom_str_is(path, k->cgroup))
			continue;
		grid_fmt(&ui->grid, x, y, STYLE_WARN, "  !%s (pid %lld) %s", k->comm, (long long)k->pid,
			 kills_age(k, ui->wall_us, true, age, sizeof(age)));
		return;
	}
}

static void draw(struct ui *ui, size_t i, int y, bool selected)
{
	const struct oom_sample_cgroup *c = cgroup_at(ui, i);
	const struct oom_domain *d = c->domain >= 0 ? &ui->m->sample.domain[c->domain] : NULL;
	bool parent = c->end > ui->branch[i] + 1, folded = fold_of(ui, c->id) >= 0;
	enum style style = d && d == ui->m->domain ? STYLE_STRONG : d ? STYLE_PLAIN : STYLE_DIM;
	char limit[24] = "", used[24] = "", left[24] = "", tasks[24], victim[64] = "";
	int x;

	if (d && d->limit_kb != OOM_UNLIMITED)
		pages_text(d->limit_kb, 1024, limit, sizeof(limit));
	if (d) {
		pages_text(d->usage_kb, 1024, used, sizeof(used));
		span_text(domain_seconds_left(ui->m, d), left, sizeof(left));
		domain_victim(ui->m, d, victim, sizeof(victim));
	}
	snprintf(tasks, sizeof(tasks), "%u", c->ntasks_below);
	x = grid_fmt(&ui->grid, -ui->x, y, style, FORMAT, limit, used, left, tasks);
	x = grid_field(&ui->grid, x, y, 20, false, style, oom_str_from(victim));
	x = grid_put(&ui->grid, x, y, style, d && d == ui->m->domain ? OOM_STR(" *") : OOM_STR("  "));
	x = grid_put(&ui->grid, x + 2 * (int)c->depth, y, style, folded ? OOM_STR("+ ") : parent ? OOM_STR("- ") : OOM_STR("  "));
	x = grid_put(&ui->grid, x, y, style, last_part(c->path));
	if (d)
		domain_marks(ui, x, y, d);
	else
		mark_kill(ui, x, y, c->path);
	if (selected)
		grid_style(&ui->grid, 0, y, -1, STYLE_SELECTED);
}

static void choose(struct ui *ui, size_t i)
{
	const struct oom_sample_cgroup *c = cgroup_at(ui, i);

	if (c->domain < 0) {
		ui_say(ui, "this cgroup has no limit of its own: it cannot run out of memory by itself");
		return;
	}
	if (model_choose(ui->m, ui->m->sample.domain[c->domain].scope, ui->m->sample.domain[c->domain].path))
		ui_say(ui, "cannot look at this domain: out of memory");
	else
		ui_show(ui, 0);
}

static bool act(struct ui *ui, enum action a, size_t i)
{
	ptrdiff_t at;

	if (a != ACT_FOLD || i >= ui->nbranch)
		return false;
	at = fold_of(ui, cgroup_at(ui, i)->id);
	if (at >= 0)
		ui->fold[at] = ui->fold[--ui->nfolds];
	else if (ui->nfolds < OOM_ARRAY_SIZE(ui->fold))
		ui->fold[ui->nfolds++] = cgroup_at(ui, i)->id;
	load(ui);
	return true;
}

const struct view view_tree = {
	.name = "Tree", .title = "memory cgroups", .place = PLACE_LIST, .load = load, .count = count,
	.heading = heading, .draw = draw, .id = id, .holds = holds, .open = choose, .act = act,
	.empty = "no memory cgroups are to be seen here",
};
