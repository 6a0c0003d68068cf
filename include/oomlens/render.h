/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The last step before bytes leave: documents as text, events as JSON.  Every renderer escapes for its own sink.
 */
#ifndef OOMLENS_RENDER_H
#define OOMLENS_RENDER_H

#include <oomlens/cause.h>
#include <oomlens/explain.h>
#include <oomlens/source.h>

/* width: columns, at least 40; color: SGR sequences (never the only sign). */
void oom_render_text(const struct oom_doc *d, unsigned width, bool color, FILE *out);

/* The events[] element of oomlens.explain/1 (interfaces.md), its first line without indentation, the others
 * indented to stand two blanks deep in the document, without a trailing newline.  0 or -ENOMEM; write errors stay
 * in ferror(out). */
int oom_json_event(const struct oom_event *ev, const struct oom_replay *r, FILE *out);
/* A sources[] element likewise. */
int oom_json_source(const struct oom_source_info *s, int64_t events, FILE *out);
/* A row of a ranked replay as an element of ranking[], on one line; rank 0 = none.  key: one more member (NULL = none). */
int oom_json_candidate(const struct oom_replay *r, size_t task, size_t rank, const char *key, int64_t value, FILE *out);
/* The members "cause" and "ledger" of an event: with that indentation of further lines, without a comma before or a newline
 * after them. */
int oom_json_cause(const struct oom_diagnosis *d, const char *indent, FILE *out);
/* "incident": [...] likewise; events that no other program wrote of have no such member. */
int oom_json_incident(const struct oom_event *ev, const char *indent, FILE *out);
/* A string as a JSON string with quotes: invalid UTF-8 becomes U+FFFD. */
int oom_json_string(struct oom_str s, FILE *out);

#endif
