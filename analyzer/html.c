/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sink: the only place where bytes of a log become HTML; numbers and links in their looks. */
#include "html.h"

#include <stdarg.h>
#include <stdlib.h>

static const char *entity(char c)
{
	switch (c) {
	case '&':
		return "&amp;";
	case '<':
		return "&lt;";
	case '>':
		return "&gt;";
	case '"':
		return "&quot;";
	case '\'':
		return "&#39;";
	default:
		return NULL;
	}
}

/* A glyph that needs four columns a byte is one that a terminal must not see either: shown by its bytes. */
static void put_odd(FILE *out, struct oom_str glyph)
{
	if (glyph.n == 1 && (unsigned char)glyph.p[0] >= 0x80) {
		fputs("\xef\xbf\xbd", out);
		return;
	}
	for (size_t i = 0; i < glyph.n; i++)
		fprintf(out, "\\x%02x", (unsigned char)glyph.p[i]);
}

void oom_html_put(struct oom_html *h, struct oom_str s)
{
	size_t n, cols, plain;

	while (s.n) {
		for (plain = 0; plain < s.n; plain++) {
			unsigned char c = (unsigned char)s.p[plain];

			if (c < 0x20 || c >= 0x7f || entity((char)c))
				break;
		}
		if (plain) {
			fwrite(s.p, 1, plain, h->out);
			s = oom_str_sub(s, plain, s.n);
			continue;
		}
		n = oom_str_glyph(s, &cols);
		if (entity(s.p[0]))
			fputs(entity(s.p[0]), h->out);
		else if (cols >= 4 * n)
			put_odd(h->out, oom_str_sub(s, 0, n));
		else
			fwrite(s.p, 1, n, h->out);
		s = oom_str_sub(s, n, s.n);
	}
}

void oom_html_fmt(struct oom_html *h, const char *fmt, ...)
{
	char text[600];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n > 0)
		oom_html_put(h, oom_str_sub(oom_str_from(text), 0, (size_t)n));
}

void oom_html_num(struct oom_html *h, int64_t n)
{
	char digits[24];
	size_t len;

	if (n == OOM_NA) {
		fputc('-', h->out);
		return;
	}
	snprintf(digits, sizeof(digits), "%llu", n < 0 ? -(unsigned long long)n : (unsigned long long)n);
	len = strlen(digits);
	if (n < 0)
		fputc('-', h->out);
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			fputc(',', h->out);
		fputc(digits[i], h->out);
	}
}

void oom_html_range(struct oom_html *h, struct oom_range n)
{
	if (n.lo > n.hi) {
		fputc('-', h->out);
		return;
	}
	oom_html_num(h, n.lo);
	if (n.lo == n.hi)
		return;
	fputs("..", h->out);
	oom_html_num(h, n.hi);
}

void oom_html_kb(struct oom_html *h, int64_t kb)
{
	static const char *const units[] = { "KiB", "MiB", "GiB", "TiB", "PiB" };
	uint64_t n = kb < 0 ? -(uint64_t)kb : (uint64_t)kb, tenths;
	size_t u = 0;

	if (kb == OOM_NA) {
		fputc('-', h->out);
		return;
	}
	/* a tenth of the unit, rounded; 1,023.96 MiB is 1.0 GiB */
	for (tenths = n * 10; tenths >= 10235 && u + 1 < OOM_ARRAY_SIZE(units); u++)
		tenths = (tenths + 512) / 1024;
	if (!u)
		fprintf(h->out, "%s%llu KiB", kb < 0 ? "-" : "", (unsigned long long)n);
	else
		fprintf(h->out, "%s%llu.%llu %s", kb < 0 ? "-" : "", (unsigned long long)(tenths / 10),
			(unsigned long long)(tenths % 10), units[u]);
}

/* ---- facts and their lines -------------------------------------------------------------------------- */

bool oom_html_has_line(const struct oom_html *h, int64_t line)
{
	size_t lo = 0, hi = h->ev->nraw;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (h->ev->raw[mid].line == line)
			return true;
		if (h->ev->raw[mid].line < line)
			lo = mid + 1;
		else
			hi = mid;
	}
	return false;
}

static void add_ref(struct oom_html *h, int64_t line, uint32_t number, bool row, struct oom_str what)
{
	struct oom_ref *grown = oom_arena_grow(&h->arena, h->ref, h->nrefs, &h->cap_refs, sizeof(*grown));

	if (!grown) {
		h->nomem = true;
		return;
	}
	h->ref = grown;
	h->ref[h->nrefs++] = (struct oom_ref){ .line = line, .number = number, .row = row, .what = what };
}

void oom_html_line(struct oom_html *h, int64_t line, struct oom_str what)
{
	if (line == OOM_NA)
		return;
	if (!oom_html_has_line(h, line)) {
		fprintf(h->out, " <span class=line>line %lld</span>", (long long)line);
		return;
	}
	h->facts++;
	fprintf(h->out, " <a class=line id=f%u href=\"#L%lld\">line %lld</a>", h->facts, (long long)line, (long long)line);
	add_ref(h, line, h->facts, false, what);
}

void oom_html_row_line(struct oom_html *h, int64_t line, size_t row)
{
	if (line == OOM_NA)
		return;
	if (!oom_html_has_line(h, line)) {
		fprintf(h->out, "%lld", (long long)line);
		return;
	}
	fprintf(h->out, "<a href=\"#L%lld\">%lld</a>", (long long)line, (long long)line);
	add_ref(h, line, (uint32_t)row, true, OOM_STR("row of the table"));
}
