/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "grid.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>

static struct cell *at(struct grid *g, int x, int y)
{
	return &g->cell[(size_t)y * (size_t)g->w + (size_t)x];
}

static void blank(struct cell *c, enum style style)
{
	c->text[0] = ' ';
	c->n = 1;
	c->style = style;
}

int grid_resize(struct grid *g, int w, int h)
{
	struct cell *p;

	if (w < 1 || h < 1 || w > 4096 || h > 4096)
		return -EINVAL;
	if (w != g->w || h != g->h) {
		p = oom_realloc(g->cell, (size_t)w * (size_t)h * sizeof(*p));
		if (!p)
			return -ENOMEM;
		g->cell = p;
		g->w = w;
		g->h = h;
	}
	grid_clear(g);
	return 0;
}

void grid_release(struct grid *g)
{
	oom_free(g->cell);
	*g = (struct grid){ 0 };
}

void grid_clear(struct grid *g)
{
	for (size_t i = 0; i < (size_t)g->w * (size_t)g->h; i++)
		blank(&g->cell[i], STYLE_PLAIN);
}

/* Half of a wide character cannot stay when the other half is overwritten. */
static void unpair(struct grid *g, int x, int y)
{
	struct cell *c = at(g, x, y);

	if (!c->n && x > 0)
		blank(c - 1, c[-1].style);
	if (x + 1 < g->w && !c[1].n)
		blank(c + 1, c[1].style);
}

static int put_cell(struct grid *g, int x, int y, enum style style, const char *p, size_t n, size_t cols)
{
	if (y < 0 || y >= g->h || x >= g->w)
		return x + (int)cols;
	if (cols == 0) {
		/* a combining mark joins the character before it, where there is room */
		struct cell *c = x > 0 ? at(g, x - 1, y) : NULL;

		if (c && !c->n && x > 1)
			c--;
		if (c && c->n + n < sizeof(c->text)) {
			memcpy(c->text + c->n, p, n);
			c->n = (uint8_t)(c->n + n);
		}
		return x;
	}
	for (size_t i = 0; i < cols && x + (int)i < g->w; i++) {
		if (x + (int)i < 0)
			continue;
		unpair(g, x + (int)i, y);
		blank(at(g, x + (int)i, y), style);
	}
	if (x >= 0 && x + (int)cols <= g->w) {
		struct cell *c = at(g, x, y);

		memcpy(c->text, p, n);
		c->n = (uint8_t)n;
		if (cols == 2)
			c[1].n = 0;
	}
	return x + (int)cols;
}

/* What stands for a character that must not, or on this terminal cannot, be shown. */
static size_t stand_in(const struct grid *g, struct oom_str s, size_t n, size_t cols, char *ret)
{
	size_t len = 0;

	if (cols <= 2 && (!g->ascii || (unsigned char)s.p[0] < 0x80))
		return 0;
	if (cols <= 2) {
		memset(ret, '?', cols);
		return cols;
	}
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(ret + len, 5, "\\x%02x", (unsigned char)s.p[i]);
	return len;
}

/* The first n bytes of s, one character of cols cells; returns the x behind it. */
static int put_glyph(struct grid *g, int x, int y, enum style style, struct oom_str s, size_t n, size_t cols)
{
	char other[4 * 4 + 1];
	size_t len = stand_in(g, s, n, cols, other);

	if (!len)
		return put_cell(g, x, y, style, s.p, n, cols);
	for (size_t i = 0; i < len; i++)
		x = put_cell(g, x, y, style, other + i, 1, 1);
	return x;
}

int grid_put(struct grid *g, int x, int y, enum style style, struct oom_str s)
{
	size_t n, cols;

	for (; s.n && x < g->w; s = oom_str_sub(s, n, s.n)) {
		n = oom_str_glyph(s, &cols);
		x = put_glyph(g, x, y, style, s, n, cols);
	}
	return x;
}

int grid_fmt(struct grid *g, int x, int y, enum style style, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return grid_put(g, x, y, style, oom_str_from(text));
}

static int width_of(struct oom_str s, int max)
{
	size_t n, cols;
	int w = 0;

	for (; s.n && w <= max; s = oom_str_sub(s, n, s.n)) {
		n = oom_str_glyph(s, &cols);
		w += (int)cols;
	}
	return w;
}

int grid_field(struct grid *g, int x, int y, int width, bool right, enum style style, struct oom_str s)
{
	struct oom_str mark = g->ascii ? OOM_STR("~") : OOM_STR("…");
	int w = width_of(s, width), end = x + width;
	bool cut = w > width;
	size_t n, cols;

	if (width <= 0)
		return x;
	for (int i = x; i < end; i++)
		put_cell(g, i, y, style, " ", 1, 1);
	if (right && !cut)
		x = end - w;
	for (; s.n; s = oom_str_sub(s, n, s.n)) {
		n = oom_str_glyph(s, &cols);
		if (x + (int)cols > end - cut)
			break;
		x = put_glyph(g, x, y, style, s, n, cols);
	}
	if (cut)
		grid_put(g, x, y, style, mark);
	return end;
}

void grid_style(struct grid *g, int x, int y, int n, enum style style)
{
	if (y < 0 || y >= g->h)
		return;
	for (int i = x < 0 ? 0 : x; i < g->w && (n < 0 || i < x + n); i++)
		at(g, i, y)->style = style;
}

void grid_text(const struct grid *g, bool styles, FILE *out)
{
	static const char letter[STYLES] = { '.', 'd', 's', 'g', 'w', 'b', 'h', 'S', 'c', 'k' };

	for (int y = 0; y < g->h; y++) {
		const struct cell *row = &g->cell[(size_t)y * (size_t)g->w];
		int end = g->w;

		while (end && row[end - 1].n == 1 && row[end - 1].text[0] == ' ' && (!styles || row[end - 1].style == STYLE_PLAIN))
			end--;
		for (int x = 0; x < end; x++) {
			if (styles)
				fputc(letter[row[x].style], out);
			else
				fwrite(row[x].text, 1, row[x].n, out);
		}
		fputc('\n', out);
	}
}
