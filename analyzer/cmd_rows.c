/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd_rows.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include <oomlens/render.h>

/* Aligned text needs its widths first: those of this many rows decide, later rows follow them. */
#define BLOCK_ROWS  1000
#define BLOCK_BYTES ((size_t)8 << 20)

struct cell { struct oom_str text; size_t cols; bool right; };

struct rows {
	const struct opts *opts;
	const char *const *only;
	struct oom_arena set, block;      /* names and widths; texts of the rows that are held back */
	size_t n;                         /* columns */
	struct oom_str *name;
	bool *shown;
	size_t *width;
	struct cell *cell;                /* nblock rows of n */
	size_t nblock, cap;
	int64_t rows, all;                /* of this result set, of all of them */
	bool open, printed;               /* a result set has begun; its heading was printed */
	bool terminal;                    /* CSV keeps every byte, but not those that steer a terminal */
};

/* ---- values ------------------------------------------------------------------------------------------ */

static struct oom_str hex(struct oom_arena *a, struct oom_str s)
{
	static const char digits[] = "0123456789abcdef";
	char *p = oom_arena_alloc(a, s.n * 2 + 1);

	if (!p)
		return OOM_STR_NULL;
	for (size_t i = 0; i < s.n; i++) {
		p[2 * i] = digits[(unsigned char)s.p[i] >> 4];
		p[2 * i + 1] = digits[s.p[i] & 15];
	}
	return (struct oom_str){ p, s.n * 2 };
}

/* As text: numbers as SQLite writes them, blobs in hexadecimal; p == NULL for NULL and out of memory. */
static struct oom_str value_text(struct oom_arena *a, const struct oom_value *v)
{
	switch (v->kind) {
	case OOM_VALUE_INT:  return oom_arena_fmt(a, "%lld", (long long)v->i);
	case OOM_VALUE_REAL: return oom_arena_fmt(a, "%.15g", v->r);
	case OOM_VALUE_TEXT: return v->s;
	case OOM_VALUE_BLOB: return hex(a, v->s);
	default:             return OOM_STR_NULL;
	}
}

/* ---- aligned text ------------------------------------------------------------------------------------ */

static size_t columns_of(struct oom_str s)
{
	size_t cols = 0, n, c;

	while ((n = oom_str_glyph(s, &c))) {
		cols += c;
		s = oom_str_sub(s, n, s.n);
	}
	return cols;
}

static void put_cell(struct oom_str text, size_t cols, size_t width, bool right, bool last)
{
	if (right && cols < width)
		printf("%*s", (int)(width - cols), "");
	fwrite(text.p, 1, text.n, stdout);
	if (!right && !last && cols < width)
		printf("%*s", (int)(width - cols), "");
}

static void put_heading(struct rows *r)
{
	size_t last = 0;

	for (size_t i = 0; i < r->n; i++)
		last = r->shown[i] ? i : last;
	if (r->opts->color)
		fputs("\033[1m", stdout);
	for (size_t i = 0; i < r->n; i++) {
		if (!r->shown[i])
			continue;
		put_cell(r->name[i], columns_of(r->name[i]), r->width[i], r->nblock && r->cell[i].right,
			 i == last);
		if (i != last)
			fputs("  ", stdout);
	}
	fputs(r->opts->color ? "\033[0m\n" : "\n", stdout);
	r->printed = true;
}

static void put_block(struct rows *r)
{
	size_t last = 0;

	for (size_t i = 0; i < r->n; i++)
		last = r->shown[i] ? i : last;
	if (!r->printed && r->nblock)
		put_heading(r);
	for (size_t k = 0; k < r->nblock; k++) {
		for (size_t i = 0; i < r->n; i++) {
			const struct cell *c = &r->cell[k * r->n + i];

			if (!r->shown[i])
				continue;
			put_cell(c->text, c->cols, r->width[i], c->right, i == last);
			if (i != last)
				fputs("  ", stdout);
		}
		putchar('\n');
	}
	r->nblock = 0;
	oom_arena_reset(&r->block);
}

/* A log's clock has microseconds; a table has no room for them. */
static struct oom_str without_fraction(struct oom_str time, struct oom_arena *a)
{
	if (time.n != 27 || time.p[10] != 'T' || time.p[26] != 'Z')
		return time;
	return oom_arena_fmt(a, "%.10s %.8sZ", time.p, time.p + 11);
}

static int keep_row(struct rows *r, const struct oom_value *v)
{
	struct cell *row;

	if (r->nblock == BLOCK_ROWS || r->block.used > BLOCK_BYTES)
		put_block(r);
	while ((r->nblock + 1) * r->n > r->cap) {
		row = oom_realloc(r->cell, (r->cap * 2 + 4 * r->n) * sizeof(*row));
		if (!row)
			return -ENOMEM;
		r->cell = row;
		r->cap = r->cap * 2 + 4 * r->n;
	}
	row = &r->cell[r->nblock * r->n];
	for (size_t i = 0; i < r->n; i++) {
		struct oom_str text =
			v[i].kind == OOM_VALUE_NULL ? OOM_STR("-") : value_text(&r->block, &v[i]);

		if (r->only && oom_str_is(r->name[i], "time") && text.p)
			text = without_fraction(text, &r->block);
		text = oom_str_safe(&r->block, text);
		if (!text.p)
			return -ENOMEM;
		row[i] = (struct cell){ text, columns_of(text),
					v[i].kind == OOM_VALUE_INT || v[i].kind == OOM_VALUE_REAL };
		if (row[i].cols > r->width[i] && !r->printed)
			r->width[i] = row[i].cols;
	}
	r->nblock++;
	return 0;
}

/* ---- CSV (RFC 4180) and JSON --------------------------------------------------------------------------- */

static void put_csv(struct rows *r, struct oom_str s, bool first)
{
	bool quote = false;

	if (!first)
		putchar(',');
	if (r->terminal)
		s = oom_str_safe(&r->block, s);
	for (size_t i = 0; i < s.n; i++)
		quote = quote || memchr(",\"\r\n", s.p[i], 4);
	if (!quote) {
		fwrite(s.p ? s.p : "", 1, s.n, stdout);
		return;
	}
	putchar('"');
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] == '"')
			putchar('"');
		putchar(s.p[i]);
	}
	putchar('"');
}

static int csv_row(struct rows *r, const struct oom_value *v)
{
	for (size_t i = 0; i < r->n; i++)
		put_csv(r, value_text(&r->block, &v[i]), i == 0);
	fputs("\r\n", stdout);
	return 0;
}

static int json_value(struct rows *r, const struct oom_value *v)
{
	struct oom_str s;

	if (v->kind == OOM_VALUE_NULL || (v->kind == OOM_VALUE_REAL && !isfinite(v->r)))
		return fputs("null", stdout), 0;
	s = value_text(&r->block, v);
	if (!s.p)
		return -ENOMEM;
	if (v->kind == OOM_VALUE_TEXT || v->kind == OOM_VALUE_BLOB)
		return oom_json_string(s, stdout);
	fwrite(s.p, 1, s.n, stdout);
	return 0;
}

static int json_row(struct rows *r, const struct oom_value *v)
{
	fputs(r->rows ? ",\n {" : "\n {", stdout);
	for (size_t i = 0; i < r->n; i++) {
		fputs(i ? ", " : "", stdout);
		if (oom_json_string(r->name[i], stdout))
			return -ENOMEM;
		fputs(": ", stdout);
		if (json_value(r, &v[i]))
			return -ENOMEM;
	}
	putchar('}');
	return 0;
}

/* ---- result sets --------------------------------------------------------------------------------------- */

static void end_set(struct rows *r)
{
	if (!r->open)
		return;
	if (r->opts->json)
		fputs(r->rows ? "\n]\n" : "]\n", stdout);
	else if (!r->opts->csv)
		put_block(r);
	r->open = false;
	r->all += r->rows;
	r->rows = 0;
	oom_arena_release(&r->set);
}

static bool is_shown(const struct rows *r, struct oom_str name)
{
	if (!r->only)
		return true;
	for (size_t i = 0; r->only[i]; i++)
		if (oom_str_is(name, r->only[i]))
			return true;
	return false;
}

static int begin_set(void *arg, size_t n, const char *const *names)
{
	struct rows *r = arg;
	bool text = !r->opts->json && !r->opts->csv;

	if (r->open && text)
		end_set(r), putchar('\n');
	end_set(r);
	r->n = n;
	r->name = oom_arena_alloc(&r->set, n * sizeof(*r->name));
	r->shown = oom_arena_alloc(&r->set, n * sizeof(*r->shown));
	r->width = oom_arena_alloc(&r->set, n * sizeof(*r->width));
	if (!r->name || !r->shown || !r->width)
		return -ENOMEM;
	r->nblock = 0;
	r->printed = false;
	for (size_t i = 0; i < n; i++) {
		struct oom_str name = oom_str_from(names[i]);

		if (oom_arena_str(&r->set, text ? oom_str_safe(&r->set, name) : name, &r->name[i]))
			return -ENOMEM;
		r->shown[i] = is_shown(r, name);
		r->width[i] = columns_of(r->name[i]);
		if (r->opts->csv)
			put_csv(r, name, i == 0);
	}
	if (r->opts->csv)
		fputs("\r\n", stdout);
	if (r->opts->json)
		putchar('[');
	r->open = true;
	return 0;
}

static int take_row(void *arg, size_t n, const struct oom_value *v)
{
	struct rows *r = arg;
	bool text = !r->opts->json && !r->opts->csv;
	int e = text ? keep_row(r, v) : r->opts->json ? json_row(r, v) : csv_row(r, v);

	(void)n;
	if (!text)
		oom_arena_reset(&r->block);
	r->rows++;
	return e ? e : ferror(stdout) ? -EIO : 0;
}

const struct oom_query_ops rows_ops = { begin_set, take_row };

struct rows *rows_new(const struct opts *o, const char *const *only)
{
	struct rows *r = oom_malloc(sizeof(*r));

	if (r)
		*r = (struct rows){ .opts = o, .only = only, .terminal = isatty(STDOUT_FILENO) };
	return r;
}

int64_t rows_end(struct rows *r)
{
	end_set(r);
	return r->all;
}

void rows_free(struct rows *r)
{
	if (!r)
		return;
	oom_arena_release(&r->set);
	oom_arena_release(&r->block);
	oom_free(r->cell);
	oom_free(r);
}
