/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "journal_fields.h"

#define FIELD(m) offsetof(struct oom_journal_fields, m)

static const struct key {
	const char *name;
	size_t offset;
} keys[] = {
	{ "MESSAGE",                     FIELD(message) },
	{ "_HOSTNAME",                   FIELD(host) },
	{ "_BOOT_ID",                    FIELD(boot_id) },
	{ "SYSLOG_IDENTIFIER",           FIELD(identifier) },
	{ "_TRANSPORT",                  FIELD(transport) },
	{ "SYSLOG_FACILITY",             FIELD(facility) },
	{ "__REALTIME_TIMESTAMP",        FIELD(realtime) },
	/* the kernel's own stamp; __MONOTONIC_TIMESTAMP is when the journal got the record */
	{ "_SOURCE_MONOTONIC_TIMESTAMP", FIELD(monotonic) },
	{ "_SOURCE_BOOTTIME_TIMESTAMP",  FIELD(monotonic) },
	/* docker's json-file, fluentd, vector and their like */
	{ "log",                         FIELD(log) },
	{ "message",                     FIELD(log) },
	{ "msg",                         FIELD(log) },
	{ "host",                        FIELD(host) },
	{ "hostname",                    FIELD(host) },
	{ "time",                        FIELD(time) },
	{ "timestamp",                   FIELD(time) },
	{ "@timestamp",                  FIELD(time) },
};

struct oom_str *oom_journal_field(struct oom_journal_fields *f, struct oom_str key)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(keys); i++)
		if (oom_str_is(key, keys[i].name))
			return (struct oom_str *)((char *)f + keys[i].offset);
	return NULL;
}

static int64_t number(struct oom_str s)
{
	int64_t v;

	return s.p && oom_take_i64(&s, &v) && !s.n && v >= 0 ? v : OOM_NA;
}

enum oom_then oom_journal_fill(const struct oom_journal_fields *f, struct oom_px *px)
{
	struct oom_str time = f->time, text = f->message.p ? f->message : f->log;
	struct oom_px_time t;

	if (!text.p)
		return OOM_THEN_NO;
	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	px->s = text;
	px->line->host = f->host;
	px->line->boot_id = f->boot_id;
	px->line->boot_us = number(f->monotonic);
	px->line->wall_us = number(f->realtime);
	if (time.p && oom_px_datetime(&time, &t)) {
		px->line->stamp = f->time;
		if (t.zone && px->line->wall_us == OOM_NA)
			px->line->wall_us = t.us;
	}
	if (f->transport.p || f->identifier.p)
		px->line->foreign = !oom_str_is(f->transport, "kernel") &&
				    !oom_str_is(f->identifier, "kernel");
	/* programs write to /dev/kmsg too, and say so by their facility */
	if (!px->line->foreign && f->facility.p && !oom_str_is(f->facility, "0"))
		px->line->foreign = true;
	return f->message.p ? OOM_THEN_TEXT : OOM_THEN_ANY;
}
