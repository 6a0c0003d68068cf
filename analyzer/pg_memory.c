/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The memory dump of an event as one JSON document: rows of v_memory, which is slow where every row is asked for. */
#include "pg.h"
#include "store_impl.h"

#include <errno.h>

/* As v_memory has it. */
static int64_t kb_of(const struct oom_memory *m, int64_t page_size)
{
	int64_t v = m->value;

	if (v == OOM_NA || m->unit == OOM_UNIT_KB)
		return v;
	if (m->unit == OOM_UNIT_BYTES)
		return v / 1024;
	if (m->unit != OOM_UNIT_PAGES || page_size == OOM_NA || __builtin_mul_overflow(v, page_size, &v))
		return OOM_NA;
	return v / 1024;
}

static int add_int(struct oom_buf *b, int64_t v)
{
	return v == OOM_NA ? oom_buf_fmt(b, "null") : oom_buf_fmt(b, "%lld", (long long)v);
}

/* Valid UTF-8, without the NUL that PostgreSQL has no text for. */
static int add_text(struct oom_buf *b, struct oom_arena *a, struct oom_str s)
{
	int r;

	if (!s.p)
		return oom_buf_fmt(b, "null");
	s = oom_str_utf8(a, s);
	if (!s.p)
		return -ENOMEM;
	r = oom_buf_add(b, "\"", 1);
	for (size_t i = 0; !r && i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			r = oom_buf_fmt(b, "\\%c", c);
		else if (c < 0x20)
			r = oom_buf_fmt(b, "\\u%04x", c ? c : 0xfffd);
		else
			r = oom_buf_add(b, &s.p[i], 1);
	}
	return r ? r : oom_buf_add(b, "\"", 1);
}

static int add_row(struct oom_buf *b, struct oom_event *ev, const struct oom_memory *m)
{
	const struct cell { bool text; int64_t i; struct oom_str s; } cells[] = {
		{ true, 0, oom_str_from(oom_area_names[m->area]) }, { false, m->node, OOM_STR_NULL }, { true, 0, m->zone },
		{ true, 0, m->name }, { false, kb_of(m, ev->page_size), OOM_STR_NULL }, { false, m->value, OOM_STR_NULL },
		{ true, 0, oom_str_from(oom_unit_names[m->unit]) }, { true, 0, m->text },
	};
	int r = 0;

	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(cells); i++) {
		r = oom_buf_add(b, i ? "," : "[", 1);
		if (!r)
			r = cells[i].text ? add_text(b, &ev->arena, cells[i].s) : add_int(b, cells[i].i);
	}
	return r ? r : oom_buf_add(b, "]", 1);
}

int oom_pg_memory(struct oom_store *s, struct oom_str stored, int64_t page_size, struct oom_buf *ret,
		  struct oom_err *reterr)
{
	struct oom_event ev;
	int r;

	oom_event_init(&ev);
	ev.page_size = page_size;
	r = oom_store_unpack_memory(s, stored, &ev, reterr);
	ret->n = 0;
	if (!r)
		r = oom_buf_add(ret, "[", 1);
	for (size_t i = 0; !r && i < ev.nmemory; i++) {
		r = i ? oom_buf_add(ret, ",", 1) : 0;
		r = r ? r : add_row(ret, &ev, &ev.memory[i]);
	}
	if (!r)
		r = oom_buf_add(ret, "]", 1);
	oom_event_release(&ev);
	return r;
}
