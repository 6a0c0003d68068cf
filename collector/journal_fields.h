/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a structured log record says of a line: the journal's fields, and those of container logs. */
#ifndef OOMLENS_JOURNAL_FIELDS_H
#define OOMLENS_JOURNAL_FIELDS_H

#include "prefix.h"

struct oom_journal_fields {
	struct oom_str message, log, host, boot_id, identifier, transport, facility;
	struct oom_str realtime, monotonic, time;
};

/* Where the value of this key belongs; NULL if nobody asks for it. */
struct oom_str *oom_journal_field(struct oom_journal_fields *f, struct oom_str key);
/* Puts the fields into the line and the message into px->s; NO if the record has no message. */
enum oom_then oom_journal_fill(const struct oom_journal_fields *f, struct oom_px *px);

#endif
