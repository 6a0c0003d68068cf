/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The reader of what store_memory.c writes.  It takes that form of JSON alone, once over, whatever the file
 * holds. */
#include "store_impl.h"

#include <errno.h>

/* A take that knows where strings go. */
struct reader {
	struct oom_str s;
	struct oom_event *ev;
};

static bool take_int(struct oom_str *s, int64_t *ret)
{
	if (oom_take_lit(s, "null")) {
		*ret = OOM_NA;
		return true;
	}
	return oom_take_i64(s, ret);
}

/* Length of the text between s's first byte, a quote, and the quote that ends it; -1 if none does. */
static ptrdiff_t string_length(struct oom_str s)
{
	if (!s.n || s.p[0] != '"')
		return -1;
	for (size_t i = 1; i < s.n; i++) {
		if (s.p[i] == '"')
			return (ptrdiff_t)i - 1;
		i += s.p[i] == '\\';
	}
	return -1;
}

/* \u00XX and \udcXX are the byte XX; nothing else is ever written. */
static bool take_escape(struct oom_str *s, char *ret)
{
	uint64_t v;
	struct oom_str hex;

	if (!oom_take_lit(s, "u00") && !oom_take_lit(s, "udc")) {
		*ret = s->n ? s->p[0] : 0;
		return oom_take_lit(s, "\"") || oom_take_lit(s, "\\");
	}
	hex = oom_str_sub(*s, 0, 2);
	if (hex.n != 2 || !oom_take_hex(&hex, &v) || hex.n)
		return false;
	*s = oom_str_sub(*s, 2, s->n);
	*ret = (char)v;
	return true;
}

/* 0, -ENOMEM, -EBADMSG. */
static int take_string(struct reader *r, struct oom_str *ret)
{
	ptrdiff_t len = string_length(r->s);
	struct oom_str in;
	char *out;
	size_t n = 0;

	if (oom_take_lit(&r->s, "null")) {
		*ret = OOM_STR_NULL;
		return 0;
	}
	if (len < 0)
		return -EBADMSG;
	in = oom_str_sub(r->s, 1, (size_t)len);
	out = oom_arena_alloc(&r->ev->arena, in.n + 1);
	if (!out)
		return -ENOMEM;
	while (in.n) {
		if (oom_take_char(&in, '\\')) {
			if (!take_escape(&in, &out[n]))
				return -EBADMSG;
			n++;
			continue;
		}
		out[n++] = in.p[0];
		in = oom_str_sub(in, 1, in.n);
	}
	r->s = oom_str_sub(r->s, (size_t)len + 2, r->s.n);
	*ret = (struct oom_str){ out, n };
	return 0;
}

static int take_name(struct reader *r, const char *const *names, int64_t *ret)
{
	struct oom_str s;
	int e = take_string(r, &s);

	if (e)
		return e;
	for (*ret = 0; names[*ret]; ++*ret)
		if (oom_str_is(s, names[*ret]))
			return 0;
	return -EBADMSG;
}

/* ---- a shape and the values of a group, side by side -----------------------------------------------------
 */

/* {"area":...,"node":...,"zone":...,"facts":[ */
static int take_head(struct reader *shape, struct oom_memory *m)
{
	int r;

	if (!oom_take_lit(&shape->s, "{\"area\":"))
		return -EBADMSG;
	r = take_name(shape, oom_area_names, &m->area);
	if (r)
		return r;
	if (!oom_take_lit(&shape->s, ",\"node\":") || !take_int(&shape->s, &m->node))
		return -EBADMSG;
	if (oom_take_lit(&shape->s, ",\"zone\":")) {
		r = take_string(shape, &m->zone);
		if (r)
			return r;
	}
	return oom_take_lit(&shape->s, ",\"facts\":[") ? 0 : -EBADMSG;
}

/* [name,unit,distance] */
static int take_fact(struct reader *shape, int64_t line, struct oom_memory *m)
{
	int64_t distance;
	int r;

	if (!oom_take_char(&shape->s, '['))
		return -EBADMSG;
	r = take_string(shape, &m->name);
	if (r)
		return r;
	if (!oom_take_char(&shape->s, ','))
		return -EBADMSG;
	r = take_name(shape, oom_unit_names, &m->unit);
	if (r)
		return r;
	if (!oom_take_char(&shape->s, ',') || !oom_take_i64(&shape->s, &distance) ||
	    !oom_take_char(&shape->s, ']'))
		return -EBADMSG;
	m->line = line == OOM_NA ? OOM_NA : (int64_t)((uint64_t)line + (uint64_t)distance);
	return 0;
}

/* value or [value,"text"] */
static int take_value(struct reader *group, struct oom_memory *m)
{
	bool pair = oom_take_char(&group->s, '[');
	int r;

	if (!take_int(&group->s, &m->value))
		return -EBADMSG;
	if (!pair)
		return 0;
	if (!oom_take_char(&group->s, ','))
		return -EBADMSG;
	r = take_string(group, &m->text);
	if (r)
		return r;
	return oom_take_char(&group->s, ']') ? 0 : -EBADMSG;
}

static int load_facts(struct reader *shape, struct reader *group, const struct oom_memory *like, int64_t line)
{
	bool first = true;

	while (!oom_take_lit(&shape->s, "]}")) {
		struct oom_memory *m = oom_event_add_memory(group->ev);
		int r;

		if (!m)
			return -ENOMEM;
		m->area = like->area;
		m->node = like->node;
		m->zone = like->zone;
		if (!first && !oom_take_char(&shape->s, ','))
			return -EBADMSG;
		first = false;
		r = take_fact(shape, line, m);
		if (r)
			return r;
		if (!oom_take_char(&group->s, ','))
			return -EBADMSG;
		r = take_value(group, m);
		if (r)
			return r;
	}
	return shape->s.n ? -EBADMSG : 0;
}

/* [shape,line,zone or 0,value...] */
static int load_group(struct oom_store *s, struct reader *group, int64_t *last, struct oom_err *reterr)
{
	struct oom_memory like = { 0 };
	struct reader shape = { .ev = group->ev };
	struct oom_sql_stmt *st;
	int64_t id, line;
	int r;

	if (!oom_take_char(&group->s, '[') || !oom_take_i64(&group->s, &id) ||
	    !oom_take_char(&group->s, ',') || !take_int(&group->s, &line) || !oom_take_char(&group->s, ','))
		return -EBADMSG;
	if (line != OOM_NA)
		line = *last = (int64_t)((uint64_t)*last + (uint64_t)line);
	r = oom_store_statement(s, OOM_ST_GET_SHAPE, &st, reterr);
	if (r)
		return r;
	oom_sql_bind_int(st, 1, id);
	r = oom_sql_step(s->sql, st, reterr);
	if (r == 1) {
		shape.s = oom_sql_bytes(st, 0);
		r = take_head(&shape, &like);
		if (!r && !oom_take_char(&group->s, '0'))
			r = take_string(group, &like.zone);
		if (!r)
			r = load_facts(&shape, group, &like, line);
	} else if (!r) {
		r = -EBADMSG;
	}
	oom_sql_reset(st);
	if (r)
		return r;
	return oom_take_char(&group->s, ']') ? 0 : -EBADMSG;
}

int oom_store_unpack_memory(struct oom_store *s, struct oom_str json, struct oom_event *ev,
			    struct oom_err *reterr)
{
	struct reader group = { .s = json, .ev = ev };
	int64_t line = ev->first_line == OOM_NA ? 0 : ev->first_line;
	int r = 0;

	if (!oom_take_char(&group.s, '['))
		return -EBADMSG;
	while (!r) {
		r = load_group(s, &group, &line, reterr);
		if (!r && !oom_take_char(&group.s, ','))
			break;
	}
	if (r)
		return r;
	return oom_take_char(&group.s, ']') && !group.s.n ? 0 : -EBADMSG;
}
