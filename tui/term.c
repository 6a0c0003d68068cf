/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "term.h"

#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include <curses.h>

#define DARK_ORANGE 166               /* of the 256: to be read on black and on white */

static struct { bool open, color, ascii, all; struct grid shown; } term;

/* Colours of the terminal's own palette over its own background, and an attribute each, so that none of them is the
 * only sign and light terminals stay readable. */
static const struct { short fg, bg; attr_t attr; } look[STYLES] = {
	[STYLE_PLAIN]    = { -1, -1, A_NORMAL },
	[STYLE_DIM]      = { -1, -1, A_DIM },
	[STYLE_STRONG]   = { -1, -1, A_BOLD },
	[STYLE_GOOD]     = { COLOR_GREEN, -1, A_NORMAL },
	[STYLE_WARN]     = { COLOR_YELLOW, -1, A_NORMAL },     /* bold would be bright: unreadable on white */
	[STYLE_BAD]      = { COLOR_RED, -1, A_BOLD },
	[STYLE_HEADING]  = { -1, -1, A_REVERSE },
	[STYLE_SELECTED] = { COLOR_BLACK, COLOR_CYAN, A_NORMAL },
	[STYLE_CHANGED]  = { COLOR_MAGENTA, -1, A_BOLD },
	[STYLE_KEY]      = { COLOR_BLACK, COLOR_CYAN, A_NORMAL },
};

static attr_t attributes(enum style s)
{
	if (term.color)
		return look[s].attr | (attr_t)COLOR_PAIR(s + 1);
	return look[s].bg != -1 ? A_REVERSE : look[s].attr;
}

static void start_colors(void)
{
	start_color();
	use_default_colors();
	for (short i = 0; i < STYLES; i++)
		init_pair((short)(i + 1), look[i].fg, look[i].bg);
	if (COLORS >= 256)
		init_pair(STYLE_WARN + 1, DARK_ORANGE, -1);
}

int term_open(bool color, bool mouse, struct oom_err *reterr)
{
	SCREEN *screen;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return oom_err_set(reterr, ENOTTY, "cannot show a screen: this is not a terminal");
	setlocale(LC_CTYPE, "");
	term.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	/* Esc alone is a key here: do not wait long for what may follow it. */
	if (!getenv("ESCDELAY"))
		set_escdelay(25);
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return oom_err_set(reterr, ENOTSUP, "cannot show a screen: the terminal type '%s' is not known",
				   getenv("TERM") ? getenv("TERM") : "");
	set_term(screen);
	raw();
	noecho();
	nonl();
	intrflush(stdscr, FALSE);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	curs_set(0);
	leaveok(stdscr, TRUE);
	term.color = color && has_colors();
	if (term.color)
		start_colors();
	if (mouse)
		mousemask(BUTTON1_PRESSED | BUTTON1_CLICKED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	term.open = term.all = true;
	return 0;
}

void term_close(void)
{
	if (!term.open)
		return;
	term.open = false;
	endwin();
	grid_release(&term.shown);
}

int term_fit(struct grid *g)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_col && ws.ws_row &&
	    (ws.ws_col != COLS || ws.ws_row != LINES)) {
		resizeterm(ws.ws_row, ws.ws_col);
		term.all = true;
	}
	g->ascii = term.ascii;
	return grid_resize(g, COLS, LINES);
}

static bool same_row(const struct grid *g, int y)
{
	size_t at = (size_t)y * (size_t)g->w;

	for (size_t i = at; i < at + (size_t)g->w; i++) {
		const struct cell *a = &g->cell[i], *b = &term.shown.cell[i];

		if (a->n != b->n || a->style != b->style || memcmp(a->text, b->text, a->n) != 0)
			return false;
	}
	return true;
}

/* Runs of one style leave in one piece. */
static void show_row(const struct grid *g, int y)
{
	const struct cell *row = &g->cell[(size_t)y * (size_t)g->w];
	char text[1024];
	size_t n = 0;

	move(y, 0);
	for (int x = 0; x < g->w; x++) {
		memcpy(text + n, row[x].text, row[x].n);
		n += row[x].n;
		if (x + 1 < g->w && row[x + 1].style == row[x].style && n + 2 * sizeof(row->text) < sizeof(text))
			continue;
		attrset(attributes(row[x].style));
		addnstr(text, (int)n);
		n = 0;
	}
}

static void remember(const struct grid *g)
{
	size_t cells = (size_t)g->w * (size_t)g->h;

	if (grid_resize(&term.shown, g->w, g->h) == 0)
		memcpy(term.shown.cell, g->cell, cells * sizeof(*g->cell));
	else
		term.all = true;
}

void term_show(const struct grid *g)
{
	bool all = term.all || g->w != term.shown.w || g->h != term.shown.h;

	if (term.all)
		clearok(stdscr, TRUE);
	term.all = false;
	for (int y = 0; y < g->h; y++)
		if (all || !same_row(g, y))
			show_row(g, y);
	refresh();
	remember(g);
}

void term_redraw(void)
{
	term.all = true;
}

static int mouse_key(int *x, int *y)
{
	MEVENT m;

	if (getmouse(&m) != OK)
		return TERM_NONE;
	*x = m.x;
	*y = m.y;
	if (m.bstate & BUTTON4_PRESSED)
		return TERM_WHEEL_UP;
	if (m.bstate & BUTTON5_PRESSED)
		return TERM_WHEEL_DOWN;
	return m.bstate & (BUTTON1_PRESSED | BUTTON1_CLICKED) ? TERM_CLICK : TERM_NONE;
}

static int named_key(wint_t k)
{
	static const struct { int curses, key; } keys[] = {
		{ KEY_UP, TERM_UP }, { KEY_DOWN, TERM_DOWN }, { KEY_LEFT, TERM_LEFT }, { KEY_RIGHT, TERM_RIGHT },
		{ KEY_PPAGE, TERM_PAGE_UP }, { KEY_NPAGE, TERM_PAGE_DOWN }, { KEY_HOME, TERM_HOME }, { KEY_END, TERM_END },
		{ KEY_ENTER, TERM_ENTER }, { KEY_BTAB, TERM_BACK_TAB }, { KEY_BACKSPACE, TERM_BACKSPACE }, { KEY_DC, TERM_DELETE },
		{ KEY_RESIZE, TERM_RESIZE },
	};

	if (k >= KEY_F(1) && k <= KEY_F(10))
		return TERM_F1 + (int)(k - KEY_F(1));
	for (size_t i = 0; i < OOM_ARRAY_SIZE(keys); i++)
		if ((wint_t)keys[i].curses == k)
			return keys[i].key;
	return TERM_NONE;
}

int term_key(int *x, int *y)
{
	wint_t k;
	int r = get_wch(&k);

	if (r == ERR)
		return TERM_NONE;
	if (r == KEY_CODE_YES)
		return k == KEY_MOUSE ? mouse_key(x, y) : named_key(k);
	switch (k) {
	case '\r': case '\n': return TERM_ENTER;
	case '\t':            return TERM_TAB;
	case 8: case 127:     return TERM_BACKSPACE;
	default:              return (int)k;
	}
}
