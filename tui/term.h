/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal: the only room that knows curses. */
#ifndef OOMLENS_TUI_TERM_H
#define OOMLENS_TUI_TERM_H

#include "grid.h"

/* A key is a Unicode character or one of these. */
enum term_key {
	TERM_NONE = 0,
	TERM_ESC = 27,
	TERM_UP = 0x200000, TERM_DOWN, TERM_LEFT, TERM_RIGHT, TERM_PAGE_UP, TERM_PAGE_DOWN, TERM_HOME, TERM_END,
	TERM_ENTER, TERM_TAB, TERM_BACK_TAB, TERM_BACKSPACE, TERM_DELETE,
	TERM_F1, TERM_F2, TERM_F3, TERM_F4, TERM_F5, TERM_F6, TERM_F7, TERM_F8, TERM_F9, TERM_F10,
	TERM_CLICK, TERM_WHEEL_UP, TERM_WHEEL_DOWN,   /* at *x, *y */
	TERM_RESIZE,
};

/* color: colours may be used.  0, or -errno with a sentence: no terminal, or one that curses does not know. */
int  term_open(bool color, bool mouse, struct oom_err *reterr);
/* As it was before open; fine when it was not opened. */
void term_close(void);
/* Of the terminal now; sets g->ascii. */
int  term_fit(struct grid *g);
void term_show(const struct grid *g);           /* writes only what changed */
void term_redraw(void);                         /* next show writes everything */
/* Does not wait: poll() standard input first. */
int  term_key(int *x, int *y);

#endif
