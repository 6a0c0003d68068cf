/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Lines in, events out.  Line shapes are a table of rules (docs/KERNELS.md lists them); columns of the task table
 * come from its own heading; kernel versions play no part here.  Odd input is never an error: it becomes a note
 * with its line number.  One parser serves one text; hosts in it come apart, each with its own state.
 */
#ifndef OOMLENS_PARSE_H
#define OOMLENS_PARSE_H

#include <oomlens/event.h>
#include <oomlens/source.h>

struct oom_parser;

int  oom_parser_new(struct oom_parser **ret);                     /* 0, -ENOMEM */
void oom_parser_free(struct oom_parser *p);
/* Forget open episodes and hosts; path (copied) names the text that follows. */
int  oom_parser_begin(struct oom_parser *p, struct oom_str path);
int  oom_parser_feed(struct oom_parser *p, const struct oom_line *line);   /* 0, -ENOMEM */
/* The text is over: open episodes are closed with what they have. */
int  oom_parser_finish(struct oom_parser *p);
/* Hands over the next finished event in order of its first line; 1 = *ret is the caller's, 0 = none ready, -ENOMEM. */
int  oom_parser_take(struct oom_parser *p, struct oom_event *ret);
/* For a log that is read while it is written.  The parser waits for lines that may still belong to an event (the
 * reaper's); these let its reader see an event at once and end the wait when nothing more is written. */
/* A clone, as take() would hand it over now, of the oldest waiting event that says what the kernel did and gained
 * lines since it was peeked at last.  1, 0 none, -ENOMEM. */
int oom_parser_peek(struct oom_parser *p, struct oom_event *ret);
/* The boot clock shows now_us: events whose last line is old enough are ready to be taken.  0, -ENOMEM. */
int oom_parser_clock(struct oom_parser *p, int64_t now_us);
/* First line of the oldest event that was not taken yet; OOM_NA if there is none. */
int64_t oom_parser_waiting(const struct oom_parser *p);
/* True while no episode is open on any host: the source may then skip lines without anchors. */
bool oom_parser_quiet(const struct oom_parser *p);

/* How often each rule matched since new(): the coverage test wants none at 0. */
struct oom_rule_use { const char *name, *pattern, *seen; uint64_t hits; };   /* seen: kernels that print it */
size_t oom_parser_rules(const struct oom_parser *p, struct oom_rule_use *ret, size_t max);   /* returns the number of rules */

#endif
