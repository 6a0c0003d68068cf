/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A document on a terminal or in a mail: wrapped and aligned, never wider than asked, whatever the log held.
 * Nothing is allocated here, so that it cannot fail.
 */
#include <oomlens/render.h>

#include <string.h>

#define KEY_WIDTH   12
#define COLS_MAX    12        /* what a row has beyond that stays in its last cell */
#define TABLE_INDENT 2
#define WIDTH_MIN   40

struct pen {
	FILE *out;
	size_t width, indent;         /* indent: where wrapped lines begin */
	size_t col;
	bool color;
	bool begun;                   /* a word stands on the line already */
};

static const char *const sgr[] = {
	[OOM_TONE_PLAIN] = "",       [OOM_TONE_GOOD] = "\033[32m", [OOM_TONE_WARN] = "\033[33m",
	[OOM_TONE_BAD] = "\033[31m", [OOM_TONE_DIM] = "\033[2m",   [OOM_TONE_STRONG] = "\033[1m",
};

static void tone_on(const struct pen *p, unsigned tone)
{
	if (p->color && tone < OOM_ARRAY_SIZE(sgr))
		fputs(sgr[tone], p->out);
}

static void tone_off(const struct pen *p, unsigned tone)
{
	if (p->color && tone < OOM_ARRAY_SIZE(sgr) && *sgr[tone])
		fputs("\033[0m", p->out);
}

static size_t columns_of(struct oom_str s)
{
	size_t sum = 0, cols, n;

	while ((n = oom_str_glyph(s, &cols)) != 0) {
		sum += cols;
		s = oom_str_sub(s, n, s.n);
	}
	return sum;
}

/* The longest beginning of s that fits into cols columns. */
static struct oom_str head(struct oom_str s, size_t cols)
{
	size_t at = 0, used = 0, c, n;

	while ((n = oom_str_glyph(oom_str_sub(s, at, s.n), &c)) != 0 && used + c <= cols) {
		at += n;
		used += c;
	}
	return oom_str_sub(s, 0, at);
}

static void blanks(struct pen *p, size_t n)
{
	for (; n; n--, p->col++)
		fputc(' ', p->out);
}

static void put(struct pen *p, struct oom_str s)
{
	p->col += oom_put_safe(p->out, s);
}

static void end_line(struct pen *p)
{
	fputc('\n', p->out);
	p->col = 0;
	p->begun = false;
}

static void new_line(struct pen *p)
{
	end_line(p);
	blanks(p, p->indent);
}

/* One word, after a blank if it is not the first; a word longer than a line is broken where the line ends. */
static void put_word(struct pen *p, struct oom_str w)
{
	size_t cols = columns_of(w);

	if (p->begun && p->col + 1 + cols > p->width)
		new_line(p);
	if (p->begun)
		blanks(p, 1);
	while (p->col + cols > p->width) {
		struct oom_str part = head(w, p->width - p->col);

		put(p, part);
		w = oom_str_sub(w, part.n, w.n);
		cols -= columns_of(part);
		new_line(p);
	}
	put(p, w);
	p->begun = true;
}

static void put_words(struct pen *p, struct oom_str s)
{
	while (s.n) {
		const char *sp = memchr(s.p, ' ', s.n);
		size_t n = sp ? (size_t)(sp - s.p) : s.n;

		if (n)
			put_word(p, oom_str_sub(s, 0, n));
		s = oom_str_sub(s, n + (sp != NULL), s.n);
	}
}

static void put_evidence(struct pen *p, int64_t line)
{
	char text[40];

	if (line == OOM_NA)
		return;
	snprintf(text, sizeof(text), "(line %lld)", (long long)line);
	tone_on(p, OOM_TONE_DIM);
	put_word(p, oom_str_from(text));
	tone_off(p, OOM_TONE_DIM);
}

static void paragraph(struct pen *p, const struct oom_node *n, const char *bullet, size_t indent)
{
	p->indent = indent;
	p->col += oom_put_safe(p->out, oom_str_from(bullet));
	blanks(p, indent - p->col);
	tone_on(p, n->tone);
	put_words(p, n->text);
	tone_off(p, n->tone);
	put_evidence(p, n->line);
	end_line(p);
}

static void put_clipped(struct pen *p, struct oom_str s, size_t cols)
{
	if (columns_of(s) <= cols) {
		put(p, s);
	} else if (cols <= 3) {
		put(p, oom_str_sub(OOM_STR("..."), 0, cols));
	} else {
		put(p, head(s, cols - 3));
		put(p, OOM_STR("..."));
	}
}

static void fact(struct pen *p, const struct oom_node *n)
{
	p->indent = 2 + KEY_WIDTH + 2;
	blanks(p, 2);
	tone_on(p, OOM_TONE_DIM);
	put_clipped(p, n->key, KEY_WIDTH);
	tone_off(p, OOM_TONE_DIM);
	blanks(p, p->indent - p->col);
	tone_on(p, n->tone);
	put_words(p, n->text);
	tone_off(p, n->tone);
	put_evidence(p, n->line);
	end_line(p);
}

/* A line of the log keeps its blanks and is broken only where the terminal ends. */
static void quote(struct pen *p, struct oom_str s)
{
	do {
		struct oom_str part = head(s, p->width - 4);

		fputs("  | ", p->out);
		put(p, part);
		end_line(p);
		s = oom_str_sub(s, part.n, s.n);
	} while (s.n);
}

/* ---- tables ------------------------------------------------------------ */

struct grid {
	size_t n, gap, width[COLS_MAX];
	bool right[COLS_MAX];
};

/* Cuts the next cell from *row; the last one takes what is left. */
static struct oom_str next_cell(struct oom_str *row, size_t index)
{
	const char *tab = row->n && index + 1 < COLS_MAX ? memchr(row->p, '\t', row->n) : NULL;
	size_t n = tab ? (size_t)(tab - row->p) : row->n;
	struct oom_str cell = oom_str_sub(*row, 0, n);

	*row = tab ? oom_str_sub(*row, n + 1, row->n) : OOM_STR_NULL;
	return cell;
}

static void measure(struct grid *g, struct oom_str row, bool heading)
{
	for (size_t i = 0; i < COLS_MAX && row.p; i++) {
		struct oom_str cell = next_cell(&row, i);
		size_t cols;

		if (heading)
			g->right[i] = oom_take_char(&cell, '>');
		cols = columns_of(cell);
		if (cols > g->width[i])
			g->width[i] = cols;
		if (i + 1 > g->n)
			g->n = i + 1;
	}
}

static size_t grid_total(const struct grid *g)
{
	size_t sum = g->n ? (g->n - 1) * g->gap : 0;

	for (size_t i = 0; i < g->n; i++)
		sum += g->width[i];
	return sum;
}

/* Text gives way before numbers: a clipped name is still a name. */
static void squeeze(struct grid *g, size_t room)
{
	static const struct { size_t gap, floor; bool numbers; } passes[] = {
		{ 2, 12, false }, { 1, 8, false }, { 1, 8, true }, { 1, 1, true },
	};

	for (size_t k = 0; k < OOM_ARRAY_SIZE(passes) && (!k || grid_total(g) > room); k++) {
		size_t total;

		g->gap = passes[k].gap;
		while ((total = grid_total(g)) > room) {
			size_t best = COLS_MAX, over = total - room, give;

			for (size_t i = 0; i < g->n; i++)
				if (g->width[i] > passes[k].floor && (passes[k].numbers || !g->right[i]) &&
				    (best == COLS_MAX || g->width[i] > g->width[best]))
					best = i;
			if (best == COLS_MAX)
				break;
			give = g->width[best] - passes[k].floor;
			g->width[best] -= give < over ? give : over;
		}
	}
}

static void row(struct pen *p, const struct grid *g, struct oom_str text, bool heading, unsigned tone)
{
	size_t pending = TABLE_INDENT;

	tone_on(p, tone);
	for (size_t i = 0; i < g->n; i++) {
		struct oom_str cell = text.p ? next_cell(&text, i) : OOM_STR_NULL;
		size_t cols, before;

		if (heading)
			(void)oom_take_char(&cell, '>');
		cols = columns_of(cell);
		if (cols > g->width[i])
			cols = g->width[i];
		if (g->right[i])
			pending += g->width[i] - cols;
		/* Blanks wait for the next cell, so that no line ends in them. */
		if (cols) {
			blanks(p, pending);
			before = p->col;
			put_clipped(p, cell, cols);
			pending = cols - (p->col - before);
		}
		if (!g->right[i])
			pending += g->width[i] - cols;
		pending += g->gap;
	}
	tone_off(p, tone);
	end_line(p);
}

static size_t table(struct pen *p, const struct oom_doc *d, size_t at)
{
	struct grid g = { 0 };
	size_t end = at + 1;

	measure(&g, d->node[at].text, true);
	for (; end < d->nnodes && d->node[end].kind == OOM_NODE_ROW; end++)
		measure(&g, d->node[end].text, false);
	squeeze(&g, p->width - TABLE_INDENT);
	row(p, &g, d->node[at].text, true, OOM_TONE_DIM);
	for (size_t i = at + 1; i < end; i++)
		row(p, &g, d->node[i].text, false, d->node[i].tone);
	return end - 1;
}

void oom_render_text(const struct oom_doc *d, unsigned width, bool color, FILE *out)
{
	struct pen p = { .out = out, .width = width < WIDTH_MIN ? WIDTH_MIN : width, .color = color };

	for (size_t i = 0; i < d->nnodes; i++) {
		const struct oom_node *n = &d->node[i];

		switch ((enum oom_node_kind)n->kind) {
		case OOM_NODE_VERDICT:
		case OOM_NODE_SECTION:
			end_line(&p);
			paragraph(&p, n, "", 0);
			break;
		case OOM_NODE_TITLE:
			paragraph(&p, n, "", 0);
			break;
		case OOM_NODE_TEXT:
			paragraph(&p, n, "", i && d->node[i - 1].kind == OOM_NODE_TITLE ? 0 : 2);
			break;
		case OOM_NODE_FACT:
			fact(&p, n);
			break;
		case OOM_NODE_TABLE:
			i = table(&p, d, i);
			break;
		case OOM_NODE_ROW:
			paragraph(&p, n, "", 2);
			break;
		case OOM_NODE_QUOTE:
			quote(&p, n->text);
			break;
		case OOM_NODE_NOTE:
			paragraph(&p, n, "-", 2);
			break;
		}
	}
}
