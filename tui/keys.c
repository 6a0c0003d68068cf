/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "keys.h"

#include "term.h"

#include <string.h>

#define CTRL(c) ((c) & 0x1f)

/* As htop has them; where top differs its key works too, if htop has no other use for it.  The order is that of the help
 * and of the key bar. */
const struct binding bindings[] = {
	{ ACT_HELP,       { TERM_F1, 'h', '?' }, PLACE_ALL, "Help", "this page" },
	{ ACT_COLUMNS,    { TERM_F2, 'f', 'S' }, PLACE_ALL, "Columns", "choose columns" },
	{ ACT_SEARCH,     { TERM_F3, '/' }, PLACE_ALL, "Search", "search: text in any column; Enter or n goes to the next match" },
	{ ACT_SEARCH_NEXT, { 'n' }, PLACE_ALL, NULL, "next match" },
	{ ACT_FILTER,     { TERM_F4, '\\' }, PLACE_LIST | PLACE_RANK, "Filter", "show only rows that hold a text" },
	{ ACT_USER,       { 'u' }, PLACE_RANK, NULL, "show only the processes of a user" },
	{ ACT_CLEAR,      { CTRL('L') }, PLACE_ALL, NULL, "clear filters and redraw the screen" },
	{ ACT_FOLD,       { ' ', '+', '-' }, PLACE_LIST, NULL, "fold or unfold a branch of the cgroup tree" },
	{ ACT_SORT,       { TERM_F6, '>' , '.' }, PLACE_LIST | PLACE_RANK, "Sort", "sort by the next column" },
	{ ACT_SORT_PREV,  { '<', ',' }, PLACE_LIST | PLACE_RANK, NULL, "sort by the column before" },
	{ ACT_INVERT,     { 'I', 'R' }, PLACE_LIST | PLACE_RANK, NULL, "the other way round" },
	{ ACT_SORT_MEM,   { 'M' }, PLACE_RANK, NULL, "sort by resident memory" },
	{ ACT_SORT_PID,   { 'N' }, PLACE_RANK, NULL, "sort by process id" },
	{ ACT_ADJ_DOWN,   { TERM_F7, '[' }, PLACE_RANK, "Adj-", "what if its oom_score_adj were lower by 50" },
	{ ACT_ADJ_UP,     { TERM_F8, ']' }, PLACE_RANK, "Adj+", "what if its oom_score_adj were higher by 50" },
	{ ACT_ADJ_SET,    { '=' }, PLACE_RANK, NULL, "what if its oom_score_adj were ... (asks)" },
	{ ACT_UNDO,       { 'U', TERM_BACKSPACE }, PLACE_ALL, NULL, "take back the latest what-if" },
	{ ACT_UNDO_ALL,   { 'X' }, PLACE_ALL, NULL, "take back every what-if" },
	{ ACT_VIEW_RANK,  { '1', 'r' }, PLACE_ALL, NULL, "ranking: who dies next in the chosen domain" },
	{ ACT_VIEW_DOMAINS, { '2', 'd' }, PLACE_ALL, NULL, "domains: everything that can run out of memory; Enter chooses one" },
	{ ACT_VIEW_TREE,  { TERM_F5, '3', 't', 'c' }, PLACE_ALL, "Tree", "tree of memory cgroups" },
	{ ACT_VIEW_HISTORY, { '4', 'e' }, PLACE_ALL, NULL, "history: stored events; Enter explains one" },
	{ ACT_VIEW_WHATIF, { '5', 'w' }, PLACE_ALL, NULL, "what-if: the changes made, and the commands that would make them real" },
	{ ACT_NEXT_VIEW,  { TERM_TAB }, PLACE_ALL, NULL, "next view" },
	{ ACT_PREV_VIEW,  { TERM_BACK_TAB }, PLACE_ALL, NULL, "view before" },
	{ ACT_UP,         { TERM_UP, 'k', TERM_WHEEL_UP }, PLACE_ALL, NULL, "up" },
	{ ACT_DOWN,       { TERM_DOWN, 'j', TERM_WHEEL_DOWN }, PLACE_ALL, NULL, "down" },
	{ ACT_PAGE_UP,    { TERM_PAGE_UP, CTRL('B') }, PLACE_ALL, NULL, "page up" },
	{ ACT_PAGE_DOWN,  { TERM_PAGE_DOWN, CTRL('F') }, PLACE_ALL, NULL, "page down" },
	{ ACT_TOP,        { TERM_HOME, 'g' }, PLACE_ALL, NULL, "first row" },
	{ ACT_BOTTOM,     { TERM_END, 'G' }, PLACE_ALL, NULL, "last row" },
	{ ACT_LEFT,       { TERM_LEFT }, PLACE_ALL, NULL, "scroll left" },
	{ ACT_RIGHT,      { TERM_RIGHT }, PLACE_ALL, NULL, "scroll right" },
	{ ACT_OPEN,       { TERM_ENTER }, PLACE_ALL, NULL, "more about the row" },
	{ ACT_PAUSE,      { 'Z', 'p' }, PLACE_ALL, NULL, "pause, go on" },
	{ ACT_DELAY,      { 's', 'D' }, PLACE_ALL, NULL, "seconds between refreshes (asks)" },
	{ ACT_SAVE,       { 'W' }, PLACE_ALL, NULL, "save columns, sort order and delay" },
	{ ACT_BACK,       { TERM_ESC }, PLACE_ALL, NULL, "back; ends a filter" },
	{ ACT_QUIT,       { TERM_F10, 'q', CTRL('C') }, PLACE_ALL, "Quit", "quit" },
};
const size_t nbindings = OOM_ARRAY_SIZE(bindings);

enum action key_action(int key, unsigned place)
{
	for (size_t i = 0; key && i < nbindings; i++) {
		if (!(bindings[i].places & place))
			continue;
		for (size_t k = 0; k < OOM_ARRAY_SIZE(bindings[i].key); k++)
			if (bindings[i].key[k] == key)
				return bindings[i].action;
	}
	return ACT_NONE;
}

static const char *name_of(int key, char *buf, size_t size)
{
	static const struct { int key; const char *name; } names[] = {
		{ TERM_ESC, "Esc" }, { TERM_UP, "Up" }, { TERM_DOWN, "Down" }, { TERM_LEFT, "Left" }, { TERM_RIGHT, "Right" },
		{ TERM_PAGE_UP, "PgUp" }, { TERM_PAGE_DOWN, "PgDn" }, { TERM_HOME, "Home" }, { TERM_END, "End" },
		{ TERM_ENTER, "Enter" }, { TERM_TAB, "Tab" }, { TERM_BACK_TAB, "S-Tab" }, { TERM_BACKSPACE, "Bksp" }, { ' ', "Space" },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(names); i++)
		if (names[i].key == key)
			return names[i].name;
	if (key >= TERM_F1 && key <= TERM_F10)
		snprintf(buf, size, "F%d", key - TERM_F1 + 1);
	else if (key < ' ')
		snprintf(buf, size, "^%c", key + 'A' - 1);
	else if (key < 0x80)
		snprintf(buf, size, "%c", key);
	else
		return NULL;          /* the mouse wheel */
	return buf;
}

const char *key_names(const struct binding *b, char *buf, size_t size)
{
	size_t n = 0;

	buf[0] = '\0';
	for (size_t i = 0; i < OOM_ARRAY_SIZE(b->key) && b->key[i] && n < size; i++) {
		char one[8];
		const char *name = name_of(b->key[i], one, sizeof(one));

		if (name)
			n += (size_t)snprintf(buf + n, size - n, "%s%s", n ? " " : "", name);
	}
	return buf;
}
