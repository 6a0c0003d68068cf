/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The ranking of the chosen domain. */
#include "ui.h"

#include <stdlib.h>
#include <string.h>

/* ---- which rows, in which order ------------------------------------------------------------------------ */

static bool is_user(const struct ui *ui, const struct row *r)
{
	char name[COLUMN_TEXT_MAX], uid[24];

	snprintf(uid, sizeof(uid), "%lld", (long long)model_task(ui->m, r)->uid);
	return !strcmp(ui->user, uid) ||
	       oom_str_is(columns[column_find(OOM_STR("user"))].text(ui->m, r, name, sizeof(name)), ui->user);
}

static bool cell_has(const struct ui *ui, const struct column *c, const struct row *r, const char *needle)
{
	char buf[COLUMN_TEXT_MAX];

	return ui_has(column_cell(c, ui->m, r, buf, sizeof(buf)), needle);
}

/* "cgroup:/kubepods" looks in one column, other text in all that hold words or whole numbers. */
static bool shown(const struct ui *ui, const struct row *r)
{
	const char *colon = strchr(ui->filter, ':');
	ptrdiff_t one = colon ? column_find((struct oom_str){ ui->filter, (size_t)(colon - ui->filter) }) : -1;

	if (ui->user[0] && !is_user(ui, r))
		return false;
	if (!ui->filter[0])
		return true;
	if (one >= 0)
		return cell_has(ui, &columns[one], r, colon + 1);
	for (size_t i = 0; i < ncolumns; i++)
		if ((columns[i].kind == COLUMN_TEXT || columns[i].kind == COLUMN_INT) && cell_has(ui, &columns[i], r, ui->filter))
			return true;
	return false;
}

static int compare(const void *a, const void *b, void *arg)
{
	const struct ui *ui = arg;
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	int d = column_compare(&columns[ui->setup.sort], ui->m, &ui->m->row[x], &ui->m->row[y], ui->setup.descending);

	return d ? d : (x > y) - (x < y);
}

static void load(struct ui *ui)
{
	size_t n = ui->m->nrows;

	if (n > ui->cap_order) {
		uint32_t *p = oom_realloc(ui->order, (n + n / 8) * sizeof(*p));

		if (!p) {
			ui->norder = 0;
			ui_say(ui, "out of memory");
			return;
		}
		ui->order = p;
		ui->cap_order = n + n / 8;
	}
	ui->norder = 0;
	for (size_t i = 0; i < n; i++)
		if (shown(ui, &ui->m->row[i]))
			ui->order[ui->norder++] = (uint32_t)i;
	/* the rows of the model are in the order of the ranking already */
	if (columns[ui->setup.sort].number != columns[0].number || ui->setup.descending)
		qsort_r(ui->order, ui->norder, sizeof(*ui->order), compare, ui);
}

static size_t count(const struct ui *ui)
{
	return ui->norder;
}

static const struct row *row_at(const struct ui *ui, size_t i)
{
	return &ui->m->row[ui->order[i]];
}

static uint64_t id(const struct ui *ui, size_t i)
{
	const struct row *r = row_at(ui, i);

	return r->sample ? r->sample->ident : (uint64_t)model_task(ui->m, r)->pid;
}

static bool holds(const struct ui *ui, size_t i, const char *needle)
{
	for (size_t k = 0; k < ui->setup.ncolumns; k++)
		if (cell_has(ui, &columns[ui->setup.column[k]], row_at(ui, i), needle))
			return true;
	return false;
}

/* ---- drawing ------------------------------------------------------------------------------------------- */

/* Whoever scrolls sideways gets all that was chosen. */
static void fit(struct ui *ui)
{
	int w = 0;

	ui->nfit = ui->setup.ncolumns;
	memcpy(ui->fit, ui->setup.column, ui->nfit);
	for (size_t i = 0; i < ui->nfit; i++)
		w += 1 + (columns[ui->fit[i]].width ? columns[ui->fit[i]].width : COLUMN_OPEN);
	while (w > ui->grid.w + 1 && !ui->x) {
		size_t out = 0;

		for (size_t i = 1; i < ui->nfit; i++)
			if (columns[ui->fit[i]].yield > columns[ui->fit[out]].yield)
				out = i;
		if (!columns[ui->fit[out]].yield)
			break;
		w -= 1 + columns[ui->fit[out]].width;
		memmove(&ui->fit[out], &ui->fit[out + 1], --ui->nfit - out);
	}
}

static int cell_width(const struct ui *ui, size_t k, int x)
{
	int width = columns[ui->fit[k]].width, left = ui->grid.w - x;

	return width ? width : k + 1 < ui->nfit || left < COLUMN_OPEN ? COLUMN_OPEN : left;
}

static void heading(struct ui *ui, int y)
{
	struct grid *g = &ui->grid;
	int x = -ui->x;

	fit(ui);
	for (size_t k = 0; k < ui->nfit; k++) {
		const struct column *c = &columns[ui->fit[k]];
		int width = cell_width(ui, k, x);
		bool sorted = ui->setup.sort == ui->fit[k];

		x = grid_field(g, x, y, width, c->kind != COLUMN_TEXT, sorted ? STYLE_SELECTED : STYLE_HEADING, oom_str_from(c->title));
		x = grid_put(g, x, y, STYLE_HEADING, OOM_STR(" "));
	}
	for (; x < g->w; x++)
		grid_put(g, x, y, STYLE_HEADING, OOM_STR(" "));
}

static enum style style_of(const struct ui *ui, const struct row *r, const struct column *c)
{
	if (r->changed)
		return STYLE_CHANGED;
	if (r->place == 1)
		return STYLE_BAD;
	if (!r->place)
		return STYLE_DIM;
	if (c->kind == COLUMN_PAGES && !strcmp(c->key, "growth") && c->number(ui->m, r) > 0)
		return STYLE_WARN;
	return STYLE_PLAIN;
}

/* Of a selection of the past: what the kernel did with it. */
static const char *mark_of_past(const struct model *m, const struct oom_task *t)
{
	static const char *const roles[] = {
		[OOM_ROLE_CHOSEN] = "!killed", [OOM_ROLE_GROUP] = "!group", [OOM_ROLE_CHILD] = "!child", [OOM_ROLE_SHARED_MM] = "!same mm",
	};
	const struct oom_victim *v = oom_event_victim(&m->view, t->pid);

	if (!v && t->tgid != OOM_NA)
		v = oom_event_victim(&m->view, t->tgid);
	if (v)
		return v->role >= 0 && (size_t)v->role < OOM_ARRAY_SIZE(roles) ? roles[v->role] : "!killed";
	for (size_t i = 0; i < m->view.npriors; i++)
		if (m->view.prior[i].pid == t->pid)
			return "!before";
	return "";
}

/* Whoever looks for the next of a series wants to see where the last one was. */
static const char *mark_of(const struct ui *ui, const struct row *r, char *buf, size_t size)
{
	const struct oom_task *t = model_task(ui->m, r);
	const struct kill *k;
	char age[32];

	if (ui->m->source->ops->past)
		return mark_of_past(ui->m, t);
	k = kills_like(ui->kills, column_cgroup(ui->m, r), t->comm);
	if (!k)
		return "";
	kills_age(k, ui->wall_us, true, age, sizeof(age));
	if (k->pid == t->tgid || k->pid == t->pid)
		snprintf(buf, size, "!killed %s", age);
	else if (oom_str_is(t->comm, k->comm))
		snprintf(buf, size, "!%s", age);
	else
		snprintf(buf, size, "!%s %s", k->comm, age);
	return buf;
}

static int width_of(struct oom_str s)
{
	size_t n, cols;
	int w = 0;

	for (; s.n; s = oom_str_sub(s, n, s.n)) {
		n = oom_str_glyph(s, &cols);
		w += (int)cols;
	}
	return w;
}

static bool lines_shown(const struct ui *ui)
{
	for (size_t k = 0; k < ui->nfit; k++)
		if (!strcmp(columns[ui->fit[k]].key, "cmdline"))
			return true;
	return false;
}

static void draw(struct ui *ui, size_t i, int y, bool selected)
{
	const struct row *r = row_at(ui, i);
	struct grid *g = &ui->grid;
	char text[64];
	const char *mark = mark_of(ui, r, text, sizeof(text));
	int x = -ui->x, end = -1;

	if (lines_shown(ui))
		model_learn(ui->m, r);
	for (size_t k = 0; k < ui->nfit; k++) {
		const struct column *c = &columns[ui->fit[k]];
		int width = cell_width(ui, k, x);
		char buf[COLUMN_TEXT_MAX], moved[64];
		struct oom_str s = column_cell(c, ui->m, r, buf, sizeof(buf));

		if (!k && r->changed && r->place_before && r->place && r->place != r->place_before) {
			snprintf(moved, sizeof(moved), "%s%.*s", r->place < r->place_before ? "^" : "v", (int)s.n, s.p);
			s = oom_str_from(moved);
		}
		if (!c->width && k + 1 == ui->nfit)
			end = x + width_of(s) + 1;
		x = grid_field(g, x, y, width, c->kind != COLUMN_TEXT, style_of(ui, r, c), s);
		x = grid_put(g, x, y, STYLE_PLAIN, OOM_STR(" "));
	}
	/* a name is worth more than its mark, the end of a command line is not */
	if (end > g->w - (int)strlen(mark) && lines_shown(ui))
		end = g->w - (int)strlen(mark);
	if (end >= 0)
		grid_put(g, end, y, STYLE_WARN, oom_str_from(mark));
	if (selected)
		grid_style(g, 0, y, -1, STYLE_SELECTED);
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

static void sort_by(struct ui *ui, size_t column)
{
	ui->setup.sort = (uint8_t)column;
	ui->setup.descending = !columns[column].ascending;
	load(ui);
	ui_say(ui, "sorted by %s", columns[column].title);
}

/* The next column that is shown. */
static void sort_step(struct ui *ui, int by)
{
	size_t n = ui->setup.ncolumns, at = 0;

	while (at < n && ui->setup.column[at] != ui->setup.sort)
		at++;
	sort_by(ui, ui->setup.column[at == n ? 0 : (at + n + (size_t)by) % n]);
}

static void try_adj(struct ui *ui, size_t i, int64_t by)
{
	int64_t adj;

	if (i >= ui->norder)
		return;
	adj = model_task(ui->m, row_at(ui, i))->oom_score_adj;
	if (adj == OOM_NA || model_set_adj(ui->m, ui->order[i], adj + by)) {
		ui_say(ui, "cannot try another value on this process");
		return;
	}
	ui_refreshed(ui);
	ui_say(ui, "only a what-if: nothing is written to the system; w shows the commands, U takes it back");
}

static bool act(struct ui *ui, enum action a, size_t i)
{
	switch (a) {
	case ACT_SORT: case ACT_SORT_NEXT: sort_step(ui, 1); return true;
	case ACT_SORT_PREV: sort_step(ui, -1); return true;
	case ACT_SORT_MEM:  sort_by(ui, (size_t)column_find(OOM_STR("rss"))); return true;
	case ACT_SORT_PID:  sort_by(ui, (size_t)column_find(OOM_STR("pid"))); return true;
	case ACT_INVERT:
		ui->setup.descending = !ui->setup.descending;
		load(ui);
		return true;
	case ACT_ADJ_DOWN:  try_adj(ui, i, -50); return true;
	case ACT_ADJ_UP:    try_adj(ui, i, 50); return true;
	default:            return false;
	}
}

/* The column under the mouse; once more turns the order round. */
static void click(struct ui *ui, int at)
{
	int x = -ui->x;

	for (size_t k = 0; k < ui->nfit; k++) {
		x += cell_width(ui, k, x) + 1;
		if (at >= x)
			continue;
		if (ui->fit[k] == ui->setup.sort)
			(void)act(ui, ACT_INVERT, 0);
		else
			sort_by(ui, ui->fit[k]);
		return;
	}
}

static void open_task(struct ui *ui, size_t i)
{
	(void)i;
	ui_page(ui, "Why is it there?", page_task);
}

const struct view view_rank = {
	.name = "Ranking", .title = "who dies next", .place = PLACE_LIST | PLACE_RANK, .load = load, .count = count,
	.heading = heading, .draw = draw, .id = id, .holds = holds, .open = open_task, .act = act, .click = click,
	.empty = "no process is in this domain, or none that the filter shows",
};
