/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Private to redact*.c. */
#ifndef OOMLENS_ANALYZER_REDACT_H
#define OOMLENS_ANALYZER_REDACT_H

#include <oomlens/redact.h>

struct oom_redactor {
	const struct oom_redact_key *key;
	struct oom_arena *arena;          /* of the redacted event: pseudonyms live there */
	bool nomem;
};

/* redact_names.c; NULL stays NULL, empty stays empty. */
struct oom_str oom_redact_comm(struct oom_redactor *r, struct oom_str comm);
struct oom_str oom_redact_path(struct oom_redactor *r, struct oom_str path);      /* of a cgroup or cpuset */
struct oom_str oom_redact_word(struct oom_redactor *r, const char *kind, struct oom_str word);   /* kind-k3f9q2x */
struct oom_str oom_redact_id(struct oom_redactor *r, struct oom_str id);          /* hex digits stay hex digits */
struct oom_str oom_redact_cache(struct oom_redactor *r, struct oom_str cache);    /* a slab cache: kmalloc-64(12:unit) */

/* redact_lines.c: raw lines of ev into ret, which has its other parts redacted already; 0 or -ENOMEM. */
int oom_redact_lines(struct oom_redactor *r, const struct oom_event *ev, struct oom_event *ret);

#endif
