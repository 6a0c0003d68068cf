/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Text in, events out, for the parser's tests. */
#ifndef OOMLENS_TESTS_PARSE_H
#define OOMLENS_TESTS_PARSE_H

#include "unit.h"

#include <oomlens/parse.h>

/* A kernel's text in any log format, line by line through the prefix parser; stops at the first error. */
int feed_text(struct oom_parser *p, const char *text);
/* Returns the number of events; the first max of them go to ev, the caller releases them. */
size_t parse_text(const char *text, struct oom_event *ev, size_t max);
void release_events(struct oom_event *ev, size_t n);
/* Gives fn each event of the logs that the pattern names. */
void read_logs(const char *pattern, void (*fn)(struct oom_event *ev));

#define assert_str(s, z) assert_true(oom_str_is(s, z))

#endif
