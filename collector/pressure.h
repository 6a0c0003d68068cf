/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pressure stall information: files that stay open and are read again and again, without allocation. */
#ifndef OOMLENS_COLLECTOR_PRESSURE_H
#define OOMLENS_COLLECTOR_PRESSURE_H

#include <oomlens/event.h>

enum { OOM_PRESSURE_RESOURCES = 3, OOM_PRESSURE_VALUES = 8 };

struct oom_pressure { int fd[OOM_PRESSURE_RESOURCES]; };          /* -1: the kernel has none (before 4.20, psi=0) */
struct oom_pressure_values { int64_t v[OOM_PRESSURE_RESOURCES][OOM_PRESSURE_VALUES]; };    /* OOM_NA */

void oom_pressure_open(struct oom_pressure *p, int proc);
void oom_pressure_close(struct oom_pressure *p);
void oom_pressure_read(const struct oom_pressure *p, struct oom_pressure_values *ret);
/* Rows of OOM_AREA_PSI for what is known; their names begin with prefix.  0 or -ENOMEM. */
int  oom_pressure_add(const struct oom_pressure_values *p, const char *prefix, struct oom_event *ev);

#endif
