/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log record as a line of JSON: journalctl -o json (-sse, -seq), docker's json-file, fluentd. */
#include "journal_fields.h"

#include <jansson.h>
#include <pthread.h>
#include <string.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void use_our_memory(void)
{
	json_set_alloc_funcs(oom_malloc, oom_free);
}

/* Copies a value behind what scratch holds; the caller made room.  The journal writes text that is no clean
 * UTF-8 as an array of byte values. */
static struct oom_str copy_value(struct oom_buf *scratch, const json_t *v)
{
	struct oom_str s = { scratch->p + scratch->n, 0 };

	if (json_is_string(v)) {
		s.n = json_string_length(v);
		if (s.n > scratch->cap - scratch->n)
			return OOM_STR_NULL;
		memcpy(scratch->p + scratch->n, json_string_value(v), s.n);
	} else if (json_is_array(v)) {
		s.n = json_array_size(v);
		if (s.n > scratch->cap - scratch->n)
			return OOM_STR_NULL;
		for (size_t i = 0; i < s.n; i++)
			scratch->p[scratch->n + i] = (char)json_integer_value(json_array_get(v, i));
	} else {
		return OOM_STR_NULL;
	}
	scratch->n += s.n;
	return s;
}

static bool in_line(const struct oom_px *px, struct oom_str s)
{
	return s.p >= px->line->raw.p && s.p <= px->line->raw.p + px->line->raw.n;
}

enum oom_then oom_px_json(struct oom_px *px)
{
	struct oom_journal_fields f = { .message = OOM_STR_NULL };
	struct oom_str r = px->s;
	enum oom_then then = OOM_THEN_NO;
	const char *key;
	json_t *root, *v;
	json_error_t e;

	(void)(oom_take_char(&r, 0x1e) || oom_take_lit(&r, "data: "));
	if (r.n < 2 || r.p[0] != '{' || !memchr(r.p, '"', r.n))
		return OOM_THEN_NO;
	pthread_once(&once, use_our_memory);
	root = json_loadb(r.p, r.n, JSON_DISABLE_EOF_CHECK | JSON_ALLOW_NUL, &e);
	if (!root)
		return OOM_THEN_NO;
	/* what an outer prefix left in scratch goes; its stamp may be all that tells a time, but not as garbage */
	if (px->line->stamp.p && !in_line(px, px->line->stamp))
		px->line->stamp = OOM_STR_NULL;
	/* values are never longer than the line that spelled them; r may lie in scratch, but has been read */
	px->scratch->n = 0;
	if (oom_buf_add(px->scratch, px->line->raw.p, px->line->raw.n) < 0)
		goto out;
	px->scratch->n = 0;
	json_object_foreach(root, key, v) {
		struct oom_str *slot = oom_journal_field(&f, oom_str_from(key));

		if (slot && !slot->p)
			*slot = copy_value(px->scratch, v);
	}
	then = oom_journal_fill(&f, px);
out:
	json_decref(root);
	return then;
}
