/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An event for other eyes: every name is replaced by a pseudonym, every number stays, so that the receiver can replay it.
 *
 * Names: hosts, machine and boot ids, process names, command lines, cgroup and cpuset paths part by part (unit names,
 * container and pod ids), hardware, workqueues, modules, build hosts, the source's path.  Kept: pids, uids, times, sizes,
 * the kernel's release, its functions and caches, and the names that every Linux system has (redact_names.c).
 * The lines of the log are written anew from those that the parser knows; what it does not know is left out.
 */
#ifndef OOMLENS_REDACT_H
#define OOMLENS_REDACT_H

#include <oomlens/event.h>

/* The same key gives the same pseudonyms, in any event; without the key they cannot be undone. */
struct oom_redact_key { uint64_t k[2]; };
/* From a word: who can guess the word can try names. */
struct oom_redact_key oom_redact_key_of(struct oom_str word);

/* *ret is the redacted event, released by the caller whatever the result.  0 or -ENOMEM. */
int oom_redact(const struct oom_event *ev, const struct oom_redact_key *key, struct oom_event *ret);

#endif
