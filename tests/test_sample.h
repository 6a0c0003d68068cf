/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A memory-cgroup kill on 5.15, with its replay, made by hand, for the tests of the explanation and the JSON. */
#ifndef OOMLENS_TESTS_SAMPLE_H
#define OOMLENS_TESTS_SAMPLE_H

#include <oomlens/replay.h>

struct sample {
	struct oom_event ev;
	struct oom_replay r;
	struct oom_score score[4];
	uint32_t rank[4];
};

/* Fills *s; its event is released with sample_release(), whatever the result.  0 or -ENOMEM. */
int sample_make(struct sample *s);
/* Adds what a recorder would: ballot, a life, flight rows, pressure, counters.  0 or -ENOMEM. */
int sample_record(struct sample *s);
void sample_release(struct sample *s);

#endif
