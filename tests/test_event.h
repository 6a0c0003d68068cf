/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OOMLENS_TESTS_TEST_EVENT_H
#define OOMLENS_TESTS_TEST_EVENT_H

#include <oomlens/event.h>

/* Every field of the event and of `parts` rows of each kind holds something, odd bytes and extreme numbers included. */
void test_event_random(struct oom_event *ev, size_t parts);
/* Fails the test and names the field unless all are the same. */
void test_event_same(const struct oom_event *a, const struct oom_event *b);

#endif
