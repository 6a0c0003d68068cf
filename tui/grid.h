/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A screen as a grid of character cells.  Views draw into it, term.c puts it on a terminal, tests read it as text.
 * Whatever is drawn is made safe here: control bytes, invalid UTF-8 and marks that reorder text become \xNN.
 */
#ifndef OOMLENS_TUI_GRID_H
#define OOMLENS_TUI_GRID_H

#include <oomlens/base.h>

enum style {
	STYLE_PLAIN, STYLE_DIM, STYLE_STRONG, STYLE_GOOD, STYLE_WARN, STYLE_BAD,
	STYLE_HEADING,                /* of a table */
	STYLE_SELECTED,               /* the row that the next key is about */
	STYLE_CHANGED,                /* hypothetical: what-if */
	STYLE_KEY,                    /* of the key bar */
	STYLES,
};

struct cell {
	char text[13];                /* one character with its combining marks, UTF-8 */
	uint8_t n;                    /* bytes; 0 = right half of the wide character before it */
	uint8_t style;
};

struct grid {
	int w, h;
	bool ascii;                   /* no character beyond ASCII is drawn */
	struct cell *cell;            /* h rows of w */
};

int  grid_resize(struct grid *g, int w, int h);        /* blank afterwards; 0, -ENOMEM (as before) */
void grid_release(struct grid *g);
void grid_clear(struct grid *g);

/* From (x, y), clipped at the edges; returns the x behind the last cell. */
int  grid_put(struct grid *g, int x, int y, enum style style, struct oom_str s);
int  grid_fmt(struct grid *g, int x, int y, enum style style, const char *fmt, ...) OOM_PRINTF(5, 6);
/* A field of exactly width cells; what does not fit ends with an ellipsis.  Returns x + width. */
int  grid_field(struct grid *g, int x, int y, int width, bool right, enum style style, struct oom_str s);
/* Gives n cells another style; n < 0 = to the edge. */
void grid_style(struct grid *g, int x, int y, int n, enum style style);

/* Rows as lines, blanks at their ends removed.  styles: a letter per cell instead of its text. */
void grid_text(const struct grid *g, bool styles, FILE *out);

#endif
