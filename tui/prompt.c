/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The line at the bottom that asks for a text: search, filters, numbers. */
#include "ui.h"

#include "term.h"

#include <stdlib.h>
#include <string.h>

static const char *const asks[] = {
	[PROMPT_SEARCH] = "Search: ", [PROMPT_FILTER] = "Show only rows with: ", [PROMPT_USER] = "Show only user: ",
	[PROMPT_DELAY] = "Seconds between refreshes: ", [PROMPT_ADJ] = "What if oom_score_adj were: ",
};

void prompt_draw(struct ui *ui, int y)
{
	struct grid *g = &ui->grid;
	int x;

	x = grid_put(g, 0, y, STYLE_STRONG, oom_str_from(asks[ui->prompt]));
	x = grid_put(g, x, y, STYLE_PLAIN, oom_str_from(ui->input));
	grid_put(g, x, y, STYLE_STRONG, OOM_STR("_"));
}

void prompt_ask(struct ui *ui, enum prompt p)
{
	ui->prompt = p;
	ui->input[0] = '\0';
	ui->asked_at = ui->list[ui->view].cursor;
}

static void set_delay(struct ui *ui)
{
	char *end;
	double s = strtod(ui->input, &end);

	if (end == ui->input || *end || !(s >= 0.1 && s <= 3600))
		ui_say(ui, "a delay is 0.1 to 3600 seconds, not '%s'", ui->input);
	else
		ui->setup.delay_ms = (int64_t)(s * 1000);
}

static void set_adj(struct ui *ui)
{
	struct oom_str s = oom_str_from(ui->input);
	int64_t v;

	if (!oom_take_i64(&s, &v) || s.n || v < -1000 || v > 1000)
		ui_say(ui, "oom_score_adj is -1000 to 1000, not '%s'", ui->input);
	else if (ui->norder && model_set_adj(ui->m, ui->order[ui->list[0].cursor], v))
		ui_say(ui, "cannot try this value on that process");
	ui_load(ui);
}

static void answer(struct ui *ui)
{
	enum prompt p = ui->prompt;

	ui->prompt = PROMPT_NONE;
	switch (p) {
	case PROMPT_SEARCH:
		if (ui->search[0] && !ui_search(ui, ui->list[ui->view].cursor))
			ui_say(ui, "'%s' is not on this page", ui->search);
		break;
	case PROMPT_USER:
		snprintf(ui->user, sizeof(ui->user), "%.32s", ui->input);
		ui_load(ui);
		break;
	case PROMPT_DELAY: set_delay(ui); break;
	case PROMPT_ADJ:   set_adj(ui); break;
	case PROMPT_FILTER: case PROMPT_NONE: break;
	}
}

/* Search and filter follow each letter. */
static void typed(struct ui *ui)
{
	if (ui->prompt == PROMPT_SEARCH) {
		snprintf(ui->search, sizeof(ui->search), "%s", ui->input);
		if (!ui_search(ui, ui->asked_at))
			ui_move(ui, ui->asked_at);
	} else if (ui->prompt == PROMPT_FILTER) {
		snprintf(ui->filter, sizeof(ui->filter), "%s", ui->input);
		ui_load(ui);
	}
}

static void cancel(struct ui *ui)
{
	ui->input[0] = '\0';
	typed(ui);
	ui->prompt = PROMPT_NONE;
}

static void put_key(struct ui *ui, int key)
{
	size_t n = strlen(ui->input);

	if (key == TERM_BACKSPACE) {
		while (n && ((unsigned char)ui->input[n - 1] & 0xc0) == 0x80)
			n--;
		ui->input[n ? n - 1 : 0] = '\0';
	} else if (key >= ' ' && key < 0x80 && n + 1 < sizeof(ui->input)) {
		ui->input[n] = (char)key;
		ui->input[n + 1] = '\0';
	} else if (key >= 0xa0 && key < 0x110000 && n + 4 < sizeof(ui->input)) {
		char *p = ui->input + n;

		if (key < 0x800)
			*p++ = (char)(0xc0 | key >> 6);
		else if (key < 0x10000)
			*p++ = (char)(0xe0 | key >> 12);
		else
			*p++ = (char)(0xf0 | key >> 18);
		if (key >= 0x10000)
			*p++ = (char)(0x80 | (key >> 12 & 0x3f));
		if (key >= 0x800)
			*p++ = (char)(0x80 | (key >> 6 & 0x3f));
		*p++ = (char)(0x80 | (key & 0x3f));
		*p = '\0';
	}
}

void prompt_key(struct ui *ui, int key)
{
	if (key == TERM_ENTER) {
		answer(ui);
	} else if (key == TERM_ESC) {
		cancel(ui);
	} else if (key == TERM_F3 && ui->prompt == PROMPT_SEARCH) {
		if (ui_search(ui, ui->list[ui->view].cursor + 1))
			ui->asked_at = ui->list[ui->view].cursor;
	} else {
		put_key(ui, key);
		typed(ui);
	}
}
