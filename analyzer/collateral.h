/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of other programs beside an event; private to the parser, the incident and the redaction. */
#ifndef OOMLENS_ANALYZER_COLLATERAL_H
#define OOMLENS_ANALYZER_COLLATERAL_H

#include <oomlens/incident.h>

/*
 * Events and lines further apart are of two incidents.  Inside one, nothing waits longer: the reaper gives up after about
 * a second, the kernel holds its reports back for 5 s at most, systemd-oomd looks again 15 s after a kill of its own; twice
 * that is allowed.  A container that is started again after being killed waits 10 s at first, and is the same incident.
 */
#define OOM_INCIDENT_GAP_US  (30 * INT64_C(1000000))
#define OOM_COLLATERAL_LINES 200      /* where no clock tells */
#define OOM_COLLATERAL_MAX   64       /* lines of an event */
#define OOM_COLLATERAL_BYTES 400
#define OOM_EARLY_MAX        16       /* lines that are remembered until an event begins */

struct oom_early {
	int64_t lineno, boot_us, wall_us, teller;
	size_t text_n, stamp_n, host_n;
	char text[OOM_COLLATERAL_BYTES], stamp[48], host[64];
};

/* Could the line belong to the event, by its clock or its place? */
bool oom_collateral_near(const struct oom_event *ev, const struct oom_moment *m);
/* The note with other names; what only the line knew is gone.  0, -ENOMEM, -EINVAL: it is no such note. */
int  oom_collateral_rewrite(struct oom_event *ev, struct oom_note *note, const struct oom_moment *with);

#endif
