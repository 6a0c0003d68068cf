/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Records with a field a line: dmesg --json, journalctl -o json-pretty and -o verbose.  The stamp stands on a line of
 * its own before the text and is remembered until then.
 */
#include "prefix.h"

#include <string.h>

static bool is_one_of(struct oom_str s, const char *const *words)
{
	for (; *words; words++)
		if (oom_str_is(s, *words))
			return true;
	return false;
}

static bool is_text_key(struct oom_str key)
{
	static const char *const words[] = { "MESSAGE", "msg", NULL };

	return is_one_of(key, words);
}

/* Seconds with a fraction (dmesg) or whole microseconds (journal). */
static void remember_stamp(struct oom_prefix_state *st, struct oom_str key, struct oom_str value)
{
	int64_t s, us = 0;

	oom_take_blanks(&value);
	oom_take_char(&value, '"');
	if (oom_str_is(key, "_SOURCE_MONOTONIC_TIMESTAMP") || oom_str_is(key, "_SOURCE_BOOTTIME_TIMESTAMP")) {
		if (oom_take_i64(&value, &s) && s >= 0)
			st->record_us = 1 + s;
	} else if (oom_str_is(key, "time")) {
		if (oom_take_i64(&value, &s) && s >= 0 && s < INT64_MAX / 2000000 && oom_take_char(&value, '.') &&
		    oom_px_micros(&value, 1, &us))
			st->record_us = 1 + s * 1000000 + us;
	}
}

static enum oom_then take_text(struct oom_prefix_state *st, struct oom_px *px)
{
	px->line->boot_us = st->record_us ? st->record_us - 1 : OOM_NA;
	st->record_us = 0;
	return OOM_THEN_TEXT;
}

/* "key": value, */
static enum oom_then json_field(struct oom_prefix_state *st, struct oom_px *px)
{
	struct oom_str r = px->s, key, text;

	/* text that another layer's escapes have put into scratch is no line of such a record */
	if (px->scratch->p && r.p >= px->scratch->p && r.p <= px->scratch->p + px->scratch->cap)
		return OOM_THEN_NO;
	if (!oom_take_char(&r, '"') || !oom_take_until(&r, '"', &key) || !key.n)
		return OOM_THEN_NO;
	oom_take_char(&r, '"');
	oom_take_blanks(&r);
	if (!oom_take_char(&r, ':'))
		return OOM_THEN_NO;
	if (!is_text_key(key)) {
		remember_stamp(st, key, r);
		px->s = OOM_STR("");
		px->line->foreign = true;
		return OOM_THEN_TEXT;
	}
	/* px->s may lie in scratch, which is about to be written: the record begins at the line's first quote */
	text = oom_str_sub(px->line->raw, (size_t)oom_str_find(px->line->raw, "\""), px->line->raw.n);
	r = oom_str_trim(text);
	if (r.p[r.n - 1] == ',')
		r.n--;
	px->scratch->n = 0;
	if (oom_buf_fmt(px->scratch, "{") < 0 || oom_buf_add(px->scratch, r.p, r.n) < 0 || oom_buf_add(px->scratch, "}", 1) < 0) {
		px->s = text;
		return OOM_THEN_NO;
	}
	px->s = (struct oom_str){ px->scratch->p, px->scratch->n };
	if (oom_px_json(px) != OOM_THEN_NO)
		return take_text(st, px);
	px->s = text;
	return OOM_THEN_NO;
}

/* "    KEY=value", as journalctl -o verbose indents it */
static enum oom_then verbose_field(struct oom_prefix_state *st, struct oom_px *px)
{
	struct oom_str r = px->line->raw, key;

	if (!oom_take_lit(&r, "    ") || !oom_take_until(&r, '=', &key) || !key.n)
		return OOM_THEN_NO;
	for (size_t i = 0; i < key.n; i++)
		if (!(key.p[i] == '_' || (key.p[i] >= 'A' && key.p[i] <= 'Z') || (i && key.p[i] >= '0' && key.p[i] <= '9')))
			return OOM_THEN_NO;
	oom_take_char(&r, '=');
	if (is_text_key(key)) {
		px->s = r;
		return take_text(st, px);
	}
	remember_stamp(st, key, r);
	px->s = OOM_STR("");
	px->line->foreign = true;
	return OOM_THEN_TEXT;
}

enum oom_then oom_px_record(struct oom_prefix_state *st, struct oom_px *px)
{
	return px->s.n && px->s.p[0] == '"' ? json_field(st, px) : verbose_field(st, px);
}
