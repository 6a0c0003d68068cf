/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ui.h"

#include "term.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const struct view *const views[VIEWS] = { &view_rank, &view_domains, &view_tree, &view_history };

/* ---- life cycle ---------------------------------------------------------------------------------------- */

int ui_init(struct ui *ui, struct model *m, const char *db)
{
	*ui = (struct ui){ .m = m, .db = db, .wall_us = OOM_NA };
	setup_default(&ui->setup);
	return grid_resize(&ui->grid, 80, 24);
}

void ui_release(struct ui *ui)
{
	grid_release(&ui->grid);
	free(ui->page);
	oom_free(ui->order);
	oom_free(ui->branch);
	oom_arena_release(&ui->past_arena);
	*ui = (struct ui){ 0 };
}

void ui_say(struct ui *ui, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ui->message, sizeof(ui->message), fmt, ap);
	va_end(ap);
}

bool ui_has(struct oom_str s, const char *needle)
{
	size_t n = strlen(needle);

	for (size_t i = 0; i + n <= s.n; i++) {
		size_t k = 0;

		while (k < n && tolower((unsigned char)s.p[i + k]) == tolower((unsigned char)needle[k]))
			k++;
		if (k == n)
			return true;
	}
	return false;
}

/* ---- lists --------------------------------------------------------------------------------------------- */

static const struct view *current(const struct ui *ui)
{
	return views[ui->view];
}

static unsigned place_of(const struct ui *ui)
{
	return ui->columns_open ? PLACE_COLUMNS : ui->page ? PLACE_DOC : current(ui)->place;
}

static void keep_in_sight(struct ui *ui)
{
	struct list *l = &ui->list[ui->view];
	size_t n = current(ui)->count(ui), rows = ui->rows > 0 ? (size_t)ui->rows : 1;

	l->cursor = n && l->cursor >= n ? n - 1 : n ? l->cursor : 0;
	if (l->top > l->cursor)
		l->top = l->cursor;
	if (l->cursor >= l->top + rows)
		l->top = l->cursor - rows + 1;
	if (l->top + rows > n)
		l->top = n > rows ? n - rows : 0;
}

void ui_move(struct ui *ui, size_t i)
{
	struct list *l = &ui->list[ui->view];

	l->cursor = i;
	keep_in_sight(ui);
	l->id = current(ui)->count(ui) ? current(ui)->id(ui, l->cursor) : 0;
}

/* The same thing under the cursor as before, wherever it stands now.  On the first row the cursor stays there: whoever
 * watches the top wants the top. */
static void follow(struct ui *ui)
{
	struct list *l = &ui->list[ui->view];
	size_t n = current(ui)->count(ui);

	if (l->cursor && (l->cursor >= n || current(ui)->id(ui, l->cursor) != l->id))
		for (size_t i = 0; i < n; i++)
			if (current(ui)->id(ui, i) == l->id) {
				l->cursor = i;
				break;
			}
	ui_move(ui, l->cursor);
}

void ui_load(struct ui *ui)
{
	if (current(ui)->load)
		current(ui)->load(ui);
	follow(ui);
}

void ui_show(struct ui *ui, size_t view)
{
	free(ui->page);
	ui->page = NULL;
	ui->columns_open = false;
	ui->view = view % VIEWS;
	ui_load(ui);
}

bool ui_search(struct ui *ui, size_t from)
{
	size_t n = current(ui)->count(ui);

	for (size_t k = 0; k < n && ui->search[0]; k++)
		if (current(ui)->holds(ui, (from + k) % n, ui->search)) {
			ui_move(ui, (from + k) % n);
			return true;
		}
	return false;
}

bool ui_reserve_branch(struct ui *ui, size_t n)
{
	size_t *p;

	if (n <= ui->cap_branch)
		return true;
	p = oom_realloc(ui->branch, (n + n / 4) * sizeof(*p));
	if (!p) {
		ui_say(ui, "out of memory");
		return false;
	}
	ui->branch = p;
	ui->cap_branch = n + n / 4;
	return true;
}

/* ---- pages --------------------------------------------------------------------------------------------- */

static void make_page(struct ui *ui)
{
	size_t size = 0;
	char *text = NULL;
	FILE *out = open_memstream(&text, &size);

	if (!out)
		return;
	ui->page_width = ui->grid.w;
	ui->page_make(ui, out);
	if (fclose(out)) {
		free(text);
		return;
	}
	free(ui->page);
	ui->page = text;
	ui->page_lines = 0;
	for (size_t i = 0; i < size; i++)
		ui->page_lines += text[i] == '\n';
}

void ui_page(struct ui *ui, const char *title, void (*make)(struct ui *ui, FILE *out))
{
	snprintf(ui->page_title, sizeof(ui->page_title), "%s", title);
	ui->page_make = make;
	ui->page_top = 0;
	make_page(ui);
	if (!ui->page)
		ui_say(ui, "out of memory");
}

static void scroll_page(struct ui *ui, int64_t by)
{
	int64_t last = (int64_t)ui->page_lines - ui->rows, to = (int64_t)ui->page_top + by;

	ui->page_top = (size_t)(to < 0 || last < 0 ? 0 : to > last ? last : to);
}

static void draw_page(struct ui *ui)
{
	const char *p = ui->page;
	int y = ui->body;

	for (size_t i = 0; i < ui->page_top && p; i++) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	for (; p && *p && y < ui->body + ui->rows; y++) {
		const char *end = strchr(p, '\n');
		struct oom_str line = { p, end ? (size_t)(end - p) : strlen(p) };

		grid_put(&ui->grid, -ui->x, y, STYLE_PLAIN, line);
		p = end ? end + 1 : NULL;
	}
}

/* ---- columns ------------------------------------------------------------------------------------------- */

static ptrdiff_t shown_at(const struct ui *ui, size_t column)
{
	for (size_t i = 0; i < ui->setup.ncolumns; i++)
		if (ui->setup.column[i] == column)
			return (ptrdiff_t)i;
	return -1;
}

static void draw_columns(struct ui *ui)
{
	struct grid *g = &ui->grid;
	size_t first = ui->column_cursor >= (size_t)ui->rows ? ui->column_cursor - (size_t)ui->rows + 1 : 0;

	for (size_t i = first; i < ncolumns && ui->body + (int)(i - first) < ui->body + ui->rows; i++) {
		int y = ui->body + (int)(i - first);

		grid_fmt(g, 1, y, STYLE_PLAIN, "[%c] %-10s %s", shown_at(ui, i) >= 0 ? 'x' : ' ', columns[i].title, columns[i].help);
		if (i == ui->column_cursor)
			grid_style(g, 0, y, -1, STYLE_SELECTED);
	}
}

/* Columns stand in the table's order, whatever the order of choosing. */
static void toggle_column(struct ui *ui, size_t column)
{
	struct setup *s = &ui->setup;
	ptrdiff_t at = shown_at(ui, column);
	size_t i = 0;

	if (at >= 0) {
		if (s->ncolumns == 1) {
			ui_say(ui, "one column has to stay");
			return;
		}
		s->ncolumns--;
		memmove(&s->column[at], &s->column[at + 1], s->ncolumns - (size_t)at);
		return;
	}
	if (s->ncolumns >= COLUMNS_MAX)
		return;
	while (i < s->ncolumns && s->column[i] < column)
		i++;
	memmove(&s->column[i + 1], &s->column[i], s->ncolumns - i);
	s->column[i] = (uint8_t)column;
	s->ncolumns++;
}

static bool act_columns(struct ui *ui, enum action a)
{
	switch (a) {
	case ACT_UP:      ui->column_cursor -= ui->column_cursor > 0; return true;
	case ACT_DOWN:    ui->column_cursor += ui->column_cursor + 1 < ncolumns; return true;
	case ACT_TOP:     ui->column_cursor = 0; return true;
	case ACT_BOTTOM:  ui->column_cursor = ncolumns - 1; return true;
	case ACT_OPEN:    toggle_column(ui, ui->column_cursor); return true;
	case ACT_BACK:
	case ACT_COLUMNS: ui->columns_open = false; return true;
	default:          return false;
	}
}

/* ---- drawing ------------------------------------------------------------------------------------------- */

static void draw_bar(struct ui *ui)
{
	struct grid *g = &ui->grid;
	int y = g->h - 1, x = 0;

	if (ui->prompt) {
		prompt_draw(ui, y);
		return;
	}
	if (ui->message[0]) {
		grid_put(g, 0, y, STYLE_WARN, oom_str_from(ui->message));
		return;
	}
	for (size_t i = 0; i < nbindings; i++) {
		char names[64], *end;

		if (!bindings[i].bar || !(bindings[i].places & place_of(ui)))
			continue;
		key_names(&bindings[i], names, sizeof(names));
		end = strchr(names, ' ');
		if (end)
			*end = '\0';
		x = grid_put(g, x, y, STYLE_STRONG, oom_str_from(names));
		x = grid_put(g, x, y, STYLE_KEY, oom_str_from(bindings[i].bar));
		x++;
	}
}

static void draw_tabs(struct ui *ui, int y)
{
	struct grid *g = &ui->grid;
	int x = 0;

	for (size_t i = 0; i < VIEWS; i++) {
		bool on = i == ui->view && !ui->page && !ui->columns_open;

		x = grid_fmt(g, x, y, on ? STYLE_SELECTED : STYLE_DIM, " %zu %s ", i + 1, views[i]->name) + 1;
	}
	if (ui->columns_open)
		grid_put(g, x, y, STYLE_SELECTED, OOM_STR(" Columns: Enter shows or hides, Esc ends "));
	else if (ui->page)
		grid_fmt(g, x, y, STYLE_SELECTED, " %s ", ui->page_title);
	else if (ui->filter[0] || ui->user[0])
		grid_fmt(g, x, y, STYLE_CHANGED, "%s%s%s%s", ui->filter[0] ? " with: " : "", ui->filter, ui->user[0] ? " user: " : "",
			 ui->user);
}

static void draw_list(struct ui *ui)
{
	const struct view *v = current(ui);
	size_t n;

	v->heading(ui, ui->body);
	ui->body++;
	ui->rows--;
	keep_in_sight(ui);
	n = v->count(ui);
	if (!n)
		grid_put(&ui->grid, 1, ui->body, STYLE_DIM, oom_str_from(v->empty));
	for (size_t i = ui->list[ui->view].top, y = 0; i < n && (int)y < ui->rows; i++, y++)
		v->draw(ui, i, ui->body + (int)y, i == ui->list[ui->view].cursor);
}

void ui_draw(struct ui *ui)
{
	int y = 0;

	grid_clear(&ui->grid);
	head_draw(ui, &y);
	draw_tabs(ui, y++);
	ui->body = y;
	ui->rows = ui->grid.h - 1 - y;
	if (ui->rows > 1 && ui->columns_open) {
		draw_columns(ui);
	} else if (ui->rows > 1 && ui->page) {
		if (ui->page_width != ui->grid.w)
			make_page(ui);
		scroll_page(ui, 0);
		draw_page(ui);
	} else if (ui->rows > 1) {
		draw_list(ui);
	}
	draw_bar(ui);
}

void ui_refreshed(struct ui *ui)
{
	ui_load(ui);
	if (ui->page && ui->page_make == page_whatif)
		make_page(ui);
}

/* ---- keys ---------------------------------------------------------------------------------------------- */

static bool act_move(struct ui *ui, enum action a)
{
	struct list *l = &ui->list[ui->view];
	size_t n = current(ui)->count(ui), page = ui->rows > 1 ? (size_t)ui->rows : 1;

	switch (a) {
	case ACT_UP:        ui_move(ui, l->cursor ? l->cursor - 1 : 0); return true;
	case ACT_DOWN:      ui_move(ui, l->cursor + 1); return true;
	case ACT_PAGE_UP:   ui_move(ui, l->cursor > page ? l->cursor - page : 0); return true;
	case ACT_PAGE_DOWN: ui_move(ui, l->cursor + page); return true;
	case ACT_TOP:       ui_move(ui, 0); return true;
	case ACT_BOTTOM:    ui_move(ui, n); return true;
	case ACT_SEARCH_NEXT:
		if (!ui_search(ui, l->cursor + 1))
			ui_say(ui, ui->search[0] ? "'%s' is not on this page" : "nothing was searched yet%s", ui->search);
		return true;
	case ACT_OPEN:
		if (n)
			current(ui)->open(ui, l->cursor);
		return true;
	default:
		return false;
	}
}

static bool act_page(struct ui *ui, enum action a)
{
	switch (a) {
	case ACT_UP:        scroll_page(ui, -1); return true;
	case ACT_DOWN:      scroll_page(ui, 1); return true;
	case ACT_PAGE_UP:   scroll_page(ui, -ui->rows); return true;
	case ACT_PAGE_DOWN: scroll_page(ui, ui->rows); return true;
	case ACT_TOP:       scroll_page(ui, INT32_MIN); return true;
	case ACT_BOTTOM:    scroll_page(ui, INT32_MAX); return true;
	case ACT_OPEN: case ACT_SEARCH: case ACT_SEARCH_NEXT: return true;
	case ACT_BACK:
		free(ui->page);
		ui->page = NULL;
		return true;
	default:
		return false;
	}
}

static void act_save(struct ui *ui)
{
	struct oom_err err = { 0 };

	if (setup_save(&ui->setup, &err))
		ui_say(ui, "%s", err.text);
	else
		ui_say(ui, "saved: columns, sort order, delay");
}

static void act_back(struct ui *ui)
{
	if (ui->filter[0] || ui->user[0]) {
		ui->filter[0] = ui->user[0] = '\0';
		ui_load(ui);
	} else if (ui->view) {
		ui_show(ui, 0);
	}
}

static void act_any(struct ui *ui, enum action a)
{
	switch (a) {
	case ACT_HELP:         ui_page(ui, "Help", page_help); break;
	case ACT_COLUMNS:      ui->columns_open = true; break;
	case ACT_SEARCH:       prompt_ask(ui, PROMPT_SEARCH); break;
	case ACT_FILTER:       prompt_ask(ui, PROMPT_FILTER); break;
	case ACT_USER:         prompt_ask(ui, PROMPT_USER); break;
	case ACT_DELAY:        prompt_ask(ui, PROMPT_DELAY); break;
	case ACT_ADJ_SET:      prompt_ask(ui, PROMPT_ADJ); break;
	case ACT_VIEW_RANK:    ui_show(ui, 0); break;
	case ACT_VIEW_DOMAINS: ui_show(ui, 1); break;
	case ACT_VIEW_TREE:    ui_show(ui, 2); break;
	case ACT_VIEW_HISTORY: ui_show(ui, 3); break;
	case ACT_VIEW_WHATIF:  ui_page(ui, "What if", page_whatif); break;
	case ACT_NEXT_VIEW:    ui_show(ui, ui->view + 1); break;
	case ACT_PREV_VIEW:    ui_show(ui, ui->view + VIEWS - 1); break;
	case ACT_PAUSE:        ui->paused = !ui->paused; break;
	case ACT_LEFT:         ui->x -= ui->x >= 8 ? 8 : ui->x; break;
	case ACT_RIGHT:        ui->x += ui->x < 512 ? 8 : 0; break;
	case ACT_SAVE:         act_save(ui); break;
	case ACT_UNDO: case ACT_UNDO_ALL:
		if (model_undo(ui->m, a == ACT_UNDO_ALL))
			ui_say(ui, "out of memory");
		ui_refreshed(ui);
		break;
	case ACT_CLEAR:
		ui->filter[0] = ui->user[0] = ui->search[0] = '\0';
		ui_load(ui);
		break;
	case ACT_BACK:         act_back(ui); break;
	case ACT_QUIT:         ui->quit = true; break;
	default:               break;
	}
}

static void click(struct ui *ui, int x, int y)
{
	size_t i = ui->list[ui->view].top + (size_t)(y - ui->body);

	if (y == ui->body - 1 && !ui->page && !ui->columns_open && current(ui)->click) {
		current(ui)->click(ui, x);
		return;
	}
	if (y < ui->body || y >= ui->body + ui->rows || ui->page || ui->columns_open || i >= current(ui)->count(ui))
		return;
	if (i == ui->list[ui->view].cursor)
		current(ui)->open(ui, i);
	else
		ui_move(ui, i);
}

void ui_key(struct ui *ui, int key, int x, int y)
{
	enum action a;

	ui->message[0] = '\0';
	if (ui->prompt) {
		prompt_key(ui, key);
		return;
	}
	if (key == TERM_CLICK) {
		click(ui, x, y);
		return;
	}
	a = key_action(key, place_of(ui));
	if (ui->columns_open ? act_columns(ui, a) : ui->page ? act_page(ui, a) : false)
		return;
	if (!ui->page && !ui->columns_open) {
		const struct view *v = current(ui);

		if (act_move(ui, a) || (v->act && v->act(ui, a, ui->list[ui->view].cursor)))
			return;
	}
	act_any(ui, a);
}
