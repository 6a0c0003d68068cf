/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes that nobody can trust, made fit for a sink.  A process name is 15 arbitrary bytes: it may hold terminal
 * escapes, half a character, or marks that reverse the text around it.
 */
#include <oomlens/base.h>

#include <string.h>

/* Length of the valid UTF-8 sequence at p (RFC 3629: shortest form, no surrogates), 0 if there is none. */
static size_t utf8_len(const unsigned char *p, size_t n, uint32_t *cp)
{
	static const struct { unsigned char mask, lead, len; uint32_t min; } form[] = {
		{ 0x80, 0x00, 1, 0 }, { 0xe0, 0xc0, 2, 0x80 }, { 0xf0, 0xe0, 3, 0x800 }, { 0xf8, 0xf0, 4, 0x10000 },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(form); i++) {
		uint32_t v;
		size_t k;

		if ((p[0] & form[i].mask) != form[i].lead)
			continue;
		if (form[i].len > n)
			return 0;
		v = p[0] & (unsigned char)~form[i].mask;
		for (k = 1; k < form[i].len; k++) {
			if ((p[k] & 0xc0) != 0x80)
				return 0;
			v = v << 6 | (p[k] & 0x3f);
		}
		if (v < form[i].min || v > 0x10ffff || (v >= 0xd800 && v <= 0xdfff))
			return 0;
		*cp = v;
		return form[i].len;
	}
	return 0;
}

struct span { uint32_t lo, hi; };

static bool in_spans(uint32_t cp, const struct span *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (cp >= s[i].lo && cp <= s[i].hi)
			return true;
	return false;
}

/* Controls, line separators, and the marks that reorder or hide text (Unicode TR 36). */
static bool is_unsafe(uint32_t cp)
{
	static const struct span unsafe[] = {
		{ 0x00, 0x1f }, { 0x7f, 0x9f }, { 0x061c, 0x061c }, { 0x200b, 0x200f }, { 0x2028, 0x202e },
		{ 0x2060, 0x206f }, { 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe007f },
	};

	return in_spans(cp, unsafe, OOM_ARRAY_SIZE(unsafe));
}

/* Good enough for names in a table: East Asian Wide blocks and emoji take two columns, combining marks none. */
static size_t columns(uint32_t cp)
{
	static const struct span wide[] = {
		{ 0x1100, 0x115f }, { 0x2e80, 0x303e }, { 0x3041, 0x33ff }, { 0x3400, 0x4dbf }, { 0x4e00, 0x9fff },
		{ 0xa000, 0xa4cf }, { 0xac00, 0xd7a3 }, { 0xf900, 0xfaff }, { 0xfe30, 0xfe6f }, { 0xff00, 0xff60 },
		{ 0xffe0, 0xffe6 }, { 0x1f300, 0x1f64f }, { 0x1f900, 0x1f9ff }, { 0x20000, 0x3fffd },
	};
	static const struct span none[] = { { 0x0300, 0x036f }, { 0x1ab0, 0x1aff }, { 0x20d0, 0x20ff }, { 0xfe00, 0xfe0f } };

	if (cp < 0x300)
		return 1;
	if (in_spans(cp, none, OOM_ARRAY_SIZE(none)))
		return 0;
	return in_spans(cp, wide, OOM_ARRAY_SIZE(wide)) ? 2 : 1;
}

size_t oom_str_glyph(struct oom_str s, size_t *cols)
{
	uint32_t cp;
	size_t len;

	if (!s.n)
		return 0;
	len = utf8_len((const unsigned char *)s.p, s.n, &cp);
	*cols = len && !is_unsafe(cp) ? columns(cp) : 4 * (len ? len : 1);
	return len ? len : 1;
}

struct sink { FILE *out; struct oom_buf *buf; int err; size_t cols; };

static void emit(struct sink *k, const void *p, size_t n, size_t cols)
{
	if (k->out)
		fwrite(p, 1, n, k->out);
	else if (!k->err)
		k->err = oom_buf_add(k->buf, p, n);
	k->cols += cols;
}

static void emit_safe(struct sink *k, struct oom_str s)
{
	const unsigned char *p = (const unsigned char *)s.p;

	for (size_t i = 0; i < s.n;) {
		uint32_t cp;
		size_t len = utf8_len(p + i, s.n - i, &cp);
		size_t bad = len ? len : 1;

		if (len && !is_unsafe(cp)) {
			emit(k, p + i, len, columns(cp));
			i += len;
			continue;
		}
		for (; bad--; i++) {
			char esc[5];

			snprintf(esc, sizeof(esc), "\\x%02x", p[i]);
			emit(k, esc, 4, 4);
		}
	}
}

size_t oom_put_safe(FILE *out, struct oom_str s)
{
	struct sink k = { .out = out };

	emit_safe(&k, s);
	return k.cols;
}

static struct oom_str take_buf(struct oom_arena *a, struct sink *k)
{
	struct oom_str r = OOM_STR_NULL;

	if (!k->err)
		(void)oom_arena_str(a, (struct oom_str){ k->buf->p ? k->buf->p : "", k->buf->n }, &r);
	oom_buf_release(k->buf);
	return r;
}

struct oom_str oom_str_safe(struct oom_arena *a, struct oom_str s)
{
	struct oom_buf b = { 0 };
	struct sink k = { .buf = &b };

	if (!s.p)
		return s;
	emit_safe(&k, s);
	return take_buf(a, &k);
}

struct oom_str oom_str_utf8(struct oom_arena *a, struct oom_str s)
{
	const unsigned char *p = (const unsigned char *)s.p;
	struct oom_buf b = { 0 };
	struct sink k = { .buf = &b };
	uint32_t cp;
	size_t i = 0, len;

	while (i < s.n && (len = utf8_len(p + i, s.n - i, &cp)) != 0)
		i += len;
	if (i == s.n)
		return s;
	for (i = 0; i < s.n; i += len) {
		len = utf8_len(p + i, s.n - i, &cp);
		if (len) {
			emit(&k, p + i, len, 0);
			continue;
		}
		emit(&k, "\xef\xbf\xbd", 3, 0);
		/* One replacement for a whole run of broken bytes. */
		for (len = 1; i + len < s.n && !utf8_len(p + i + len, s.n - i - len, &cp);)
			len++;
	}
	return take_buf(a, &k);
}
