/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Everything that can run out of memory, the one with the least time left first. */
#include "ui.h"

#include <stdlib.h>
#include <string.h>

/* The order lives in branch[], which only one of the two lists of domains uses at a time. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct ui *ui = arg;
	size_t x = *(const size_t *)a, y = *(const size_t *)b;
	int d = oom_domain_compare(&ui->m->sample.domain[x], &ui->m->sample.domain[y]);

	return d ? d : (x > y) - (x < y);
}

static void load(struct ui *ui)
{
	ui->nbranch = 0;
	if (!ui_reserve_branch(ui, ui->m->sample.ndomains))
		return;
	for (size_t i = 0; i < ui->m->sample.ndomains; i++) {
		char name[300];

		domain_title(&ui->m->sample.domain[i], name, sizeof(name));
		if (!ui->filter[0] || ui_has(oom_str_from(name), ui->filter))
			ui->branch[ui->nbranch++] = i;
	}
	qsort_r(ui->branch, ui->nbranch, sizeof(*ui->branch), compare, ui);
}

static size_t count(const struct ui *ui) { return ui->nbranch; }
static const struct oom_domain *domain_at(const struct ui *ui, size_t i) { return &ui->m->sample.domain[ui->branch[i]]; }

static uint64_t id(const struct ui *ui, size_t i)
{
	const struct oom_domain *d = domain_at(ui, i);
	uint64_t x = (uint64_t)d->scope + 1;

	for (size_t k = 0; k < d->path.n; k++)
		x = x * 1099511628211u ^ (unsigned char)d->path.p[k];
	return x;
}

static bool holds(const struct ui *ui, size_t i, const char *needle)
{
	char name[300];

	return ui_has(oom_str_from(domain_title(domain_at(ui, i), name, sizeof(name))), needle);
}

#define FORMAT "%6s %6s %6s %5s %6s  "

static void heading(struct ui *ui, int y)
{
	int x = grid_fmt(&ui->grid, -ui->x, y, STYLE_HEADING, FORMAT, "LIMIT", "USED", "ROOM", "FULL", "TASKS");

	x = grid_field(&ui->grid, x, y, 20, false, STYLE_HEADING, OOM_STR("NEXT VICTIM"));
	x = grid_put(&ui->grid, x, y, STYLE_HEADING, OOM_STR("  DOMAIN"));
	for (; x < ui->grid.w; x++)
		grid_put(&ui->grid, x, y, STYLE_HEADING, OOM_STR(" "));
}

static void draw(struct ui *ui, size_t i, int y, bool selected)
{
	const struct oom_domain *d = domain_at(ui, i);
	bool tight = d->room_kb != OOM_NA && d->limit_kb > 0 && d->limit_kb != OOM_UNLIMITED && d->room_kb < d->limit_kb / 10;
	enum style style = tight ? STYLE_BAD : d == ui->m->domain ? STYLE_STRONG : STYLE_PLAIN;
	char limit[24], used[24], room[24], tasks[24], left[24], name[4200], victim[64];
	struct grid *g = &ui->grid;
	int x;

	snprintf(tasks, sizeof(tasks), "%zu", d->ntasks);
	x = grid_fmt(g, -ui->x, y, style, FORMAT, limit_text(d->limit_kb, limit, sizeof(limit)),
		     limit_text(d->usage_kb, used, sizeof(used)),
		     limit_text(d->room_kb, room, sizeof(room)), span_text(domain_seconds_left(ui->m, d), left, sizeof(left)), tasks);
	x = grid_field(g, x, y, 20, false, style, oom_str_from(domain_victim(ui->m, d, victim, sizeof(victim))));
	x = grid_put(g, x, y, style, d == ui->m->domain ? OOM_STR(" *") : OOM_STR("  "));
	x = grid_put(g, x, y, style, oom_str_from(domain_name(d, name, sizeof(name))));
	domain_marks(ui, x, y, d);
	if (selected)
		grid_style(g, 0, y, -1, STYLE_SELECTED);
}

static void choose(struct ui *ui, size_t i)
{
	const struct oom_domain *d = domain_at(ui, i);
	char name[300];

	domain_title(d, name, sizeof(name));
	if (model_choose(ui->m, d->scope, d->path)) {
		ui_say(ui, "cannot look at this domain: out of memory");
		return;
	}
	ui_show(ui, 0);
	ui_say(ui, "the ranking is now that of: %s", name);
}

const struct view view_domains = {
	.name = "Domains", .title = "what can run out of memory", .place = PLACE_LIST, .load = load, .count = count,
	.heading = heading, .draw = draw, .id = id, .holds = holds, .open = choose,
	.empty = "the source has no domains, or none that the filter shows",
};
