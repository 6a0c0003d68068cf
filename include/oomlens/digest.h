/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What reports over many events ask of one: whose cgroup, who was the largest, what the adjustments decided, how much
 * the account knows.  Derived as the verdict is, and kept beside it.
 */
#ifndef OOMLENS_DIGEST_H
#define OOMLENS_DIGEST_H

#include <oomlens/identity.h>
#include <oomlens/replay.h>

/* Digits of the fingerprint that name an event, in every store. */
#define OOM_EVENT_NAME 12

struct oom_digest {                  /* strings and rows are the event's; OOM_NA or -1 = not known, or there is none */
	struct oom_identity identity;    /* of the victim's cgroup */
	int64_t candidates, eligible;
	ptrdiff_t largest;               /* row that holds most (rss, swap, page tables), whatever its oom_score_adj */
	int64_t largest_pages;
	ptrdiff_t unadjusted;            /* row that the same rules had chosen if every oom_score_adj were 0, if certain */
	int64_t adj_decided;             /* 1: that is somebody else than the replay's winner; 0 */
	int64_t unkillable_tasks, unkillable_pages;      /* oom_score_adj -1000 */
	int64_t free_kb;                 /* free memory of the machine, as the dump says */
	ptrdiff_t grower;                /* flight row that grew most */
	int64_t growth_kb, growth_us;
	const char *cause;               /* keyword; NULL = not determined */
	/* How much this account knows: what a recorder saw comes before text, then a complete table, then candidates,
	 * then parts.  Of two accounts of one event stores that are merged keep the heavier, of equal ones the one with
	 * the lesser (path, first_line). */
	int64_t weight;
};

/* r must be ranked. */
void oom_digest(const struct oom_replay *r, struct oom_digest *ret);
/* The cgroup of the first victim: as the log says, else as a recorder saw it.  OOM_STR_NULL. */
struct oom_str oom_victim_cgroup(const struct oom_event *ev);

#endif
