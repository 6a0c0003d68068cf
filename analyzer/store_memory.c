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
#define CACHE_SLOTS 4096       /* a power of two */
#define CACHE_BYTES ((size_t)4 << 20)

/* ---- shapes known by their text ------------------------------------------------------------------------ */

struct slot { uint64_t hash; int64_t id; uint32_t at, n; };
struct oom_shape_cache {
	struct oom_buf text;
	size_t used;
	struct slot slot[CACHE_SLOTS];
};

void oom_shape_cache_clear(struct oom_shape_cache *c)
{
	c->text.n = c->used = 0;
	memset(c->slot, 0, sizeof(c->slot));
}

void oom_shape_cache_free(struct oom_shape_cache *c)
{
	if (!c)
		return;
	oom_buf_release(&c->text);
	oom_free(c);
}

static uint64_t hash_of(struct oom_str s)
{
	uint64_t h = s.n * 0x9e3779b97f4a7c15u;

	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		uint64_t w;

		memcpy(&w, s.p, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	for (; s.n; s.p++, s.n--)
		h = (h ^ (unsigned char)*s.p) * 0x100000001b3u;
	return h ^ h >> 29;
}

/* The slot that holds s, or the free one where it belongs. */
static struct slot *slot_of(struct oom_shape_cache *c, struct oom_str s, uint64_t hash)
{
	size_t i = hash % CACHE_SLOTS;

	for (; c->slot[i].id; i = (i + 1) % CACHE_SLOTS)
		if (c->slot[i].hash == hash && c->slot[i].n == s.n &&
		    !memcmp(c->text.p + c->slot[i].at, s.p, s.n))
			break;
	return &c->slot[i];
}

int oom_store_shape(struct oom_store *s, struct oom_str shape, int64_t *ret, struct oom_err *reterr)
{
	struct oom_sql_stmt *find, *add;
	int r = oom_store_statement(s, OOM_ST_FIND_SHAPE, &find, reterr);

	if (!r)
		r = oom_store_statement(s, OOM_ST_ADD_SHAPE, &add, reterr);
	if (r)
		return r;
	oom_sql_bind_text(find, 1, shape);
	r = oom_sql_step(s->sql, find, reterr);
	if (r == 1)
		*ret = oom_sql_int(find, 0);
	oom_sql_reset(find);
	if (r)
		return r < 0 ? r : 0;
	oom_sql_bind_text(add, 1, shape);
	r = oom_sql_run(s->sql, add, reterr);
	*ret = oom_sql_last_id(s->sql);
	return r;
}

static int shape_id(struct oom_store *s, struct oom_str shape, int64_t *ret, struct oom_err *reterr)
{
	struct oom_shape_cache *c = s->shapes;
	uint64_t hash = hash_of(shape);
	struct slot *slot = slot_of(c, shape, hash);
	int r;

	if (slot->id) {
		*ret = slot->id;
		return 0;
	}
	r = oom_store_shape(s, shape, ret, reterr);
	if (r)
		return r;
	if (c->used >= CACHE_SLOTS / 2 || c->text.n + shape.n > CACHE_BYTES) {
		oom_shape_cache_clear(c);
		slot = slot_of(c, shape, hash);
	}
	if (*ret <= 0 || oom_buf_add(&c->text, shape.p, shape.n))
		return 0;
	*slot = (struct slot){ hash, *ret, (uint32_t)(c->text.n - shape.n), (uint32_t)shape.n };
	c->used++;
	return 0;
}

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
	r = shape_id(s, (struct oom_str){ s->lines.p, s->lines.n }, &id, reterr);
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
	if (!s->shapes) {
		s->shapes = oom_malloc(sizeof(*s->shapes));
		if (!s->shapes)
			return oom_store_fail(s, ENOMEM, "cannot write", reterr);
		s->shapes->text = (struct oom_buf){ 0 };
		oom_shape_cache_clear(s->shapes);
	}
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
