/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef OOMLENS_COLLECTOR_STATUS_H
#define OOMLENS_COLLECTOR_STATUS_H

#include <oomlens/recorder.h>

/* The reverse of oom_recorder_json().  0, -EBADMSG, -ENOMEM. */
int oom_recorder_parse(struct oom_str text, struct oom_recorder_state *ret);

#endif
