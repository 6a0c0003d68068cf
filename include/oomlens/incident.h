/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What happened around an event, in order: the trigger, the choice, the kills, the reaper, and what other programs wrote of
 * it in the same log (systemd, systemd-oomd, oomd, earlyoom, nohang, container runtimes).  Those lines are notes of
 * the event, kind "collateral", verbatim, so that a store keeps them; here they are read.  They never make an event:
 * anybody may write such a line.
 */
#ifndef OOMLENS_INCIDENT_H
#define OOMLENS_INCIDENT_H

#include <oomlens/event.h>
#include <oomlens/source.h>

#define OOM_NOTE_COLLATERAL "collateral"

enum oom_teller {
	OOM_TELLER_KERNEL, OOM_TELLER_SYSTEMD, OOM_TELLER_SYSTEMD_OOMD, OOM_TELLER_OOMD, OOM_TELLER_EARLYOOM,
	OOM_TELLER_NOHANG, OOM_TELLER_CONTAINERD, OOM_TELLER_CRIO, OOM_TELLER_DOCKER, OOM_TELLER_KUBELET,
};
enum oom_moment_kind {
	OOM_MOMENT_TRIGGER, OOM_MOMENT_CHOICE, OOM_MOMENT_KILL, OOM_MOMENT_REAP, OOM_MOMENT_END,
	OOM_MOMENT_SAW,               /* a program tells that the kernel killed */
	OOM_MOMENT_FAILED,            /* a unit or container ended by it */
	OOM_MOMENT_OTHER_KILL,        /* a program killed by itself */
	OOM_MOMENT_REMARK,
};
extern const char *const oom_teller_names[], *const oom_moment_names[];

struct oom_moment {
	int64_t kind, teller;         /* enum oom_moment_kind, enum oom_teller */
	int64_t boot_us, wall_us;     /* OOM_NA where the line has no such clock */
	int64_t line;                 /* OOM_NA */
	int64_t event;                /* id of the event it belongs to */
	int64_t pid, count;           /* OOM_NA */
	struct oom_str stamp;         /* as logged; NULL where boot_us tells */
	struct oom_str comm;          /* of pid */
	struct oom_str where;         /* unit, cgroup or container */
	struct oom_str text;          /* one sentence; may hold any bytes of the log */
	bool other;                   /* of another event of the storm */
};

struct oom_incident {
	struct oom_arena arena;
	struct oom_moment *moment;    /* in the order of their lines, else of time */
	size_t nmoments, cap;
};

/* What is kept of the events of one input, so that a page of one of them can tell of the others. */
struct oom_storm {
	struct oom_arena arena;
	struct oom_brief {
		int64_t id, first_line, last_line, first_us, last_us, wall_us, pid, nvictims, verdict, outcome;
		struct oom_str path, host, boot_id, comm;
	} *brief;
	size_t nbriefs, cap;
};

/* Is this line, of whatever program, one of those?  On success *ret holds what it says, borrowing from line->text and
 * static storage; stamps as the line has them. */
bool oom_collateral_match(const struct oom_line *line, struct oom_moment *ret);
/* The same of a note: its verbatim line is parted anew. */
bool oom_collateral_of_note(const struct oom_note *note, struct oom_arena *a, struct oom_moment *ret);

/* storm NULL: of this event alone.  0, -ENOMEM; *ret needs no init and is released in either case. */
int  oom_incident_make(const struct oom_event *ev, const struct oom_storm *storm, struct oom_incident *ret);
void oom_incident_release(struct oom_incident *i);

struct oom_replay;
int  oom_storm_add(struct oom_storm *s, const struct oom_replay *r);      /* zero-initialised is empty; 0, -ENOMEM */
/* The events of the same incident as brief[of], in order; *n of them begin at the returned index. */
size_t oom_storm_of(const struct oom_storm *s, int64_t id, size_t *n);
void oom_storm_release(struct oom_storm *s);

#endif
