/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recorder's state as JSON and back, by its field tables. */
#include "status.h"

#include <oomlens/render.h>

#include <errno.h>
#include <jansson.h>

#define INT(S, m, u, text) \
	{ .key = #m, .offset = offsetof(struct S, m), .type = OOM_TYPE_INT, .unit = OOM_UNIT_##u, .help = text }
#define STR(S, m, text) { .key = #m, .offset = offsetof(struct S, m), .type = OOM_TYPE_STR, .help = text }

#define R oom_recorder_state
static const struct oom_field state_fields[] = {
	INT(R, running, NONE, "1: the recorder is alive"),
	STR(R, version, "of oomlens"),
	STR(R, host, "host name"),
	STR(R, kernel, "release"),
	STR(R, boot_id, "this boot"),
	STR(R, db, "the store"),
	STR(R, spool, "where events go while the store cannot be written"),
	STR(R, trouble, "what keeps the store from being written"),
	INT(R, pid, NONE, "of the recorder"),
	INT(R, started_us, US, "its start, UTC"),
	INT(R, written_us, US, "when this was written, UTC"),
	INT(R, last_kill_us, US, "the last kill seen, UTC"),
	INT(R, flight_us, US, "between two samples of the flight recorder; 0 = off"),
	INT(R, seen, NONE, "decisions of the OOM killer"),
	INT(R, stored, NONE, "events stored"),
	INT(R, merged, NONE, "times that later knowledge was added to a stored event"),
	INT(R, waiting, NONE, "events in memory"),
	INT(R, spooled, NONE, "events in the spool"),
	INT(R, dropped, NONE, "events lost: memory and spool were full"),
	INT(R, facts_dropped, NONE, "facts lost: memory was full"),
	INT(R, logged, NONE, "kills with their dump in the log"),
	INT(R, rate_limited, NONE, "kills whose dump was suppressed"),
	INT(R, already_exiting, NONE, "victims that were dying already"),
	INT(R, group_member, NONE, "kills of members of a group"),
	INT(R, log_lost, NONE, "kills whose lines are not in the log"),
	INT(R, kills_counted, NONE, "kills seen, of those that the kernel's counter counts"),
	INT(R, kernel_kills, NONE, "what the kernel's counter rose by"),
	INT(R, records_lost, NONE, "records of the kernel log that nobody could read"),
	INT(R, latency_us, US, "kill to commit: median of the latest 512"),
	INT(R, latency_max_us, US, "kill to commit: worst of the latest 512"),
};
#undef R
#define F oom_recorder_feed
static const struct oom_field feed_fields[] = {
	STR(F, name, "of the feed"),
	STR(F, help, "what it tells"),
	INT(F, open, NONE, "1: it runs"),
	STR(F, why, "why it does not run, or what it cannot tell"),
	INT(F, facts, NONE, "that it told"),
	INT(F, lost, NONE, "facts that it lost"),
};
#undef F

const struct oom_record oom_recorder_record = {
	.table = "recorder", .field = state_fields, .nfields = OOM_ARRAY_SIZE(state_fields),
	.size = sizeof(struct oom_recorder_state),
};
const struct oom_record oom_recorder_feed_record = {
	.table = "feed", .field = feed_fields, .nfields = OOM_ARRAY_SIZE(feed_fields),
	.size = sizeof(struct oom_recorder_feed),
};

/* ---- writing ------------------------------------------------------------------------------------------- */

static int put_fields(const struct oom_record *r, const void *rec, const char *between, FILE *out)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < r->nfields; i++) {
		const struct oom_field *f = &r->field[i];
		int64_t v = f->type == OOM_TYPE_INT ? oom_field_int(f, rec) : 0;

		fprintf(out, "%s\"%s\": ", i ? between : "", f->key);
		if (f->type == OOM_TYPE_STR && oom_field_str(f, rec).p)
			ret = oom_json_string(oom_field_str(f, rec), out);
		else if (f->type == OOM_TYPE_STR || v == OOM_NA)
			fputs("null", out);
		else
			fprintf(out, "%lld", (long long)v);
	}
	return ret;
}

int oom_recorder_json(const struct oom_recorder_state *st, FILE *out)
{
	int r;

	fputs("{\"schema\": \"oomlens.record/1\",\n \"feeds\": [", out);
	for (size_t i = 0; i < st->nfeeds; i++) {
		fprintf(out, "%s\n  {", i ? "," : "");
		r = put_fields(&oom_recorder_feed_record, &st->feed[i], ", ", out);
		if (r)
			return r;
		fputc('}', out);
	}
	fputs("],\n ", out);
	r = put_fields(&oom_recorder_record, st, ",\n ", out);
	fputs("}\n", out);
	return r;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* What is missing or of another type stays unknown: another version may have written it. */
static int get_fields(const json_t *o, const struct oom_record *r, struct oom_arena *a, void *rec)
{
	for (size_t i = 0; i < r->nfields; i++) {
		const struct oom_field *f = &r->field[i];
		const json_t *v = json_object_get(o, f->key);
		struct oom_str s = OOM_STR_NULL;

		if (f->type == OOM_TYPE_INT) {
			oom_field_set_int(f, rec, json_is_integer(v) ? json_integer_value(v) : OOM_NA);
			continue;
		}
		if (json_is_string(v))
			s = (struct oom_str){ json_string_value(v), json_string_length(v) };
		if (oom_arena_str(a, s, &s))
			return -ENOMEM;
		oom_field_set_str(f, rec, s);
	}
	return 0;
}

static int get_state(const json_t *root, struct oom_recorder_state *st)
{
	const json_t *feeds = json_object_get(root, "feeds");
	size_t n = json_array_size(feeds);
	int r = get_fields(root, &oom_recorder_record, &st->arena, st);

	st->feed = r || !n ? NULL : oom_arena_alloc(&st->arena, n * sizeof(*st->feed));
	if (r || (n && !st->feed))
		return -ENOMEM;
	for (size_t i = 0; !r && i < n; i++)
		r = get_fields(json_array_get(feeds, i), &oom_recorder_feed_record, &st->arena, &st->feed[i]);
	st->nfeeds = n;
	return r;
}

int oom_recorder_parse(struct oom_str text, struct oom_recorder_state *ret)
{
	struct oom_recorder_state st = { .feed = NULL };
	json_t *root = json_loadb(text.p ? text.p : "", text.n, 0, NULL);
	int r = json_is_object(root) ? get_state(root, &st) : -EBADMSG;

	json_decref(root);
	if (r)
		oom_arena_release(&st.arena);
	else
		*ret = st;
	return r;
}

void oom_recorder_state_release(struct oom_recorder_state *st)
{
	if (st)
		oom_arena_release(&st->arena);
}
