/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Kills of the last quarter of an hour on this machine, told by the recorder's store, the kernel log, the tracepoints. */
#ifndef OOMLENS_TUI_KILLS_H
#define OOMLENS_TUI_KILLS_H

#include <oomlens/event.h>

#define KILLS_RECENT_US (15 * 60 * INT64_C(1000000))
#define KILLS_MAX 64

struct kill {
	int64_t wall_us, pid;
	char comm[16];
	char cgroup[256];             /* of the victim; "" = not known */
	char domain[256];             /* the memory cgroup that was at its limit; "" = the machine, or not known */
	bool global;                  /* the machine ran out of memory */
};

struct kills;
enum { KILLS_LOG = 1 << 0, KILLS_TRACE = 1 << 1 };                /* witnesses to ask */
/* The store, unless db is NULL, the kernel log, and where neither can be read the tracepoints, from now on.  What cannot be
 * read is left out; kills_sources() says what is read.  0, -ENOMEM. */
int  kills_open(const char *db, unsigned witnesses, struct kills **ret);
void kills_close(struct kills *k);
/* What is new, and forgets what is old.  Costs a stat or two and one read while nothing happens.  Before Linux 6.8 the
 * tracepoint has no name: it comes from before, the processes as they were lately (NULL = not known). */
void kills_poll(struct kills *k, const struct oom_event *before, int64_t wall_us);
/* "the store and the kernel log"; NULL: nobody may tell us. */
const char *kills_sources(const struct kills *k);
/* A kill that was seen; those known already (same process, within ten seconds) gain what they lack. */
void kills_add(struct kills *k, const struct kill *what);

size_t kills_count(const struct kills *k);                        /* k may be NULL */
const struct kill *kills_at(const struct kills *k, size_t i);      /* newest first */
/* The newest that a row with this cgroup and name should remind of: of the same cgroup, but for the root, else of the
 * same name.  NULL. */
const struct kill *kills_like(const struct kills *k, struct oom_str cgroup, struct oom_str comm);
/* "just now", "2 min ago"; brief: "0s", "2m"; buf is returned. */
const char *kills_age(const struct kill *what, int64_t wall_us, bool brief, char *buf, size_t size);

#endif
