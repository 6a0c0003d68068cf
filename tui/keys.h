/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keys mean.  The table is the only place that knows; help and the key bar are printed from it. */
#ifndef OOMLENS_TUI_KEYS_H
#define OOMLENS_TUI_KEYS_H

#include <oomlens/base.h>

enum action {
	ACT_NONE,
	ACT_HELP, ACT_BACK, ACT_QUIT,
	ACT_UP, ACT_DOWN, ACT_PAGE_UP, ACT_PAGE_DOWN, ACT_TOP, ACT_BOTTOM, ACT_LEFT, ACT_RIGHT, ACT_OPEN,
	ACT_NEXT_VIEW, ACT_PREV_VIEW,
	ACT_VIEW_RANK, ACT_VIEW_DOMAINS, ACT_VIEW_TREE, ACT_VIEW_HISTORY, ACT_VIEW_WHATIF,
	ACT_SEARCH, ACT_SEARCH_NEXT, ACT_FILTER, ACT_USER, ACT_CLEAR,
	ACT_SORT, ACT_SORT_NEXT, ACT_SORT_PREV, ACT_INVERT, ACT_SORT_MEM, ACT_SORT_PID,
	ACT_COLUMNS, ACT_TOGGLE_LEFT, ACT_TOGGLE_RIGHT, ACT_FOLD,
	ACT_PAUSE, ACT_DELAY, ACT_REDRAW, ACT_SAVE,
	ACT_ADJ_DOWN, ACT_ADJ_UP, ACT_ADJ_SET, ACT_UNDO, ACT_UNDO_ALL,
	ACT_COUNT,
};

/* Where a binding holds. */
enum place {
	PLACE_LIST = 1,               /* any list of rows */
	PLACE_RANK = 2,               /* rows are tasks */
	PLACE_DOC = 4,                /* text that scrolls */
	PLACE_COLUMNS = 8,
	PLACE_ALL = 15,
};

struct binding {
	enum action action;
	int key[4];                   /* enum term_key or characters; 0 = none */
	unsigned places;
	const char *bar;              /* word for the key bar; NULL = not there */
	const char *help;
};
extern const struct binding bindings[];
extern const size_t nbindings;

enum action key_action(int key, unsigned place);
/* "F7 [" ...: the names of a binding's keys; buf is returned. */
const char *key_names(const struct binding *b, char *buf, size_t size);

#endif
