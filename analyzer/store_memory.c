/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The memory facts of an event as JSON.  A dump has some two hundred numbers, and the next dump of that
 * kernel calls them the same: names, units and relative lines are kept once, as a shape, and an event has the
 * values (schema.sql describes both).  Consecutive facts of one area, node and zone make a group.
 */
#include "store_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define GROUP_MAX   64         /* facts; keeps shapes few where a list varies in length */
#define LINES_MAX   1000       /* lines that a group may span */

/* ---- writing ------------------------------------------------------------------------------------------- */

/* Room for n more bytes, to be filled through the pointer. */
static char *room(struct oom_buf *b, size_t n)
{
	if (n > b->cap - b->n) {
		size_t cap = b->cap * 2 + n;
		char *p = oom_realloc(b->p, cap);

		if (!p)
			return NULL;
		b->p = p;
		b->cap = cap;
	}
	return b->p + b->n;
}

static char *put_int(char *p, int64_t v)
{
	char digits[20];
	size_t n = sizeof(digits);
	uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

	if (v == OOM_NA)
		return memcpy(p, "null", 4), p + 4;
	if (v < 0)
		*p++ = '-';
	do {
		digits[--n] = (char)('0' + u % 10);
		u /= 10;
	} while (u);
	memcpy(p, digits + n, sizeof(digits) - n);
	return p + sizeof(digits) - n;
}

/*
 * Bytes pass as they are, UTF-8 or not, but for what JSON reserves.  SQLite ends a string at \u0000, so NUL
 * is written as the lone surrogate \udc00; \xed may begin the bytes of one and is written as \udced.
 */
static char *put_string(char *p, struct oom_str s)
{
	static const char hex[] = "0123456789abcdef";

	*p++ = '"';
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\') {
			*p++ = '\\';
			*p++ = (char)c;
		} else if (c < 0x20 || c == 0xed) {
			memcpy(p, c && c < 0x20 ? "\\u00" : "\\udc", 4);
			p[4] = hex[c >> 4];
			p[5] = hex[c & 15];
			p += 6;
		} else {
			*p++ = (char)c;
		}
	}
	*p++ = '"';
	return p;
}

/* Zones of these areas are few and come back; those of the others are paths and names of programs. */
static bool zone_in_shape(const struct oom_memory *m)
{
	return m->area != OOM_AREA_MEMCG && m->area != OOM_AREA_ALLOC && m->area != OOM_AREA_COUNTER;
}

static bool same_group(const struct oom_memory *first, const struct oom_memory *m)
{
	if (m->area != first->area || m->node != first->node || !oom_str_eq(m->zone, first->zone))
		return false;
	if (m->line == OOM_NA || first->line == OOM_NA)
		return m->line == first->line;
	return m->line >= first->line && (uint64_t)m->line - (uint64_t)first->line < LINES_MAX;
}

static int put_shape(struct oom_buf *b, const struct oom_memory *m, size_t n)
{
	const char *area = oom_area_names[m->area];
	char *p;

	b->n = 0;
	p = room(b, 128 + m->zone.n * 6);
	if (!p)
		return -ENOMEM;
	p += sprintf(p, "{\"area\":\"%s\",\"node\":", area);
	p = put_int(p, m->node);
	if (zone_in_shape(m) && m->zone.p) {
		p += sprintf(p, ",\"zone\":");
		p = put_string(p, m->zone);
	}
	p += sprintf(p, ",\"facts\":[");
	b->n = (size_t)(p - b->p);
	for (size_t i = 0; i < n; i++) {
		const char *unit = oom_unit_names[m[i].unit];
		size_t len = strlen(unit);

		p = room(b, 80 + m[i].name.n * 6);
		if (!p)
			return -ENOMEM;
		*p++ = i ? ',' : '[';
		if (i)
			*p++ = '[';
		p = m[i].name.p ? put_string(p, m[i].name) : put_int(p, OOM_NA);
		*p++ = ',';
		p = put_string(p, (struct oom_str){ unit, len });
		*p++ = ',';
		p = put_int(p, m->line == OOM_NA ? 0 : m[i].line - m->line);
		*p++ = ']';
		b->n = (size_t)(p - b->p);
	}
	return oom_buf_add(b, "]}", 2);
}

static int put_values(struct oom_buf *b, const struct oom_memory *m, size_t n, int64_t id, int64_t line)
{
	char *p = room(b, 80 + m->zone.n * 6);

	if (!p)
		return -ENOMEM;
	*p++ = b->n ? ',' : '[';
	*p++ = '[';
	p = put_int(p, id);
	*p++ = ',';
	p = put_int(p, line);
	*p++ = ',';
	if (zone_in_shape(m))
		*p++ = '0';
	else
		p = m->zone.p ? put_string(p, m->zone) : put_int(p, OOM_NA);
	b->n = (size_t)(p - b->p);
	for (size_t i = 0; i < n; i++) {
		p = room(b, 40 + m[i].text.n * 6);
		if (!p)
			return -ENOMEM;
		*p++ = ',';
		if (m[i].text.p)
			*p++ = '[';
		p = put_int(p, m[i].value);
		if (m[i].text.p) {
			*p++ = ',';
			p = put_string(p, m[i].text);
			*p++ = ']';
		}
		b->n = (size_t)(p - b->p);
	}
	return oom_buf_add(b, "]", 1);
}

static bool named(int64_t v, const char *const *names)
{
	int64_t n = 0;

	while (names[n] && n != v)
		n++;
	return names[n];
}

static int pack_group(struct oom_store *s, const struct oom_memory *m, size_t n, int64_t *line,
		      struct oom_err *reterr)
{
	int64_t id = 0, delta = m->line == OOM_NA ? OOM_NA : (int64_t)((uint64_t)m->line - (uint64_t)*line);
	int r;

	r = put_shape(&s->lines, m, n);
	if (r)
		return oom_store_fail(s, -r, "cannot write", reterr);
	r = oom_dict_text(s, OOM_DICT_SHAPE, (struct oom_str){ s->lines.p, s->lines.n }, &id, reterr);
	if (r)
		return r;
	r = put_values(&s->memory, m, n, id, delta);
	if (m->line != OOM_NA)
		*line = m->line;
	return r ? oom_store_fail(s, -r, "cannot write", reterr) : 0;
}

int oom_store_pack_memory(struct oom_store *s, const struct oom_event *ev, struct oom_err *reterr)
{
	int64_t line = ev->first_line == OOM_NA ? 0 : ev->first_line;
	int r = 0;

	s->memory.n = 0;
	for (size_t i = 0, n; !r && i < ev->nmemory; i += n) {
		const struct oom_memory *m = &ev->memory[i];

		for (n = 0; n < GROUP_MAX && i + n < ev->nmemory && same_group(m, &m[n]); n++)
			if (!named(m[n].area, oom_area_names) || !named(m[n].unit, oom_unit_names))
				return oom_store_fail(s, EINVAL, "cannot write", reterr);
		r = pack_group(s, m, n, &line, reterr);
	}
	if (!r && ev->nmemory)
		r = oom_buf_add(&s->memory, "]", 1) ? oom_store_fail(s, ENOMEM, "cannot write", reterr) : 0;
	return r;
}
