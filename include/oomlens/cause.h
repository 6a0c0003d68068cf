/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why there was no memory: an ordered table of causes, each held against the numbers of the dump.  One finding is
 * primary, the others contributed.  Where the text cannot decide, the primary one is "not_determined" and says what
 * is missing: a wrong cause is worse than none.
 */
#ifndef OOMLENS_CAUSE_H
#define OOMLENS_CAUSE_H

#include <oomlens/ledger.h>
#include <oomlens/replay.h>

enum oom_confidence {
	OOM_CONFIDENCE_NONE,      /* not_determined */
	OOM_CONFIDENCE_LIKELY,    /* the numbers fit it, and something that the dump does not show could refute it */
	OOM_CONFIDENCE_CERTAIN,   /* the kernel's own word, or its own arithmetic made again */
};
extern const char *const oom_confidence_names[];      /* "none", "likely", "certain" */

/* A row of the table of causes; all strings are static. */
struct oom_cause {
	const char *keyword;      /* stable: JSON, SQL */
	const char *title;        /* a few words for people */
	const char *advice;       /* what would help: one line, safe to follow; NULL as the one below in not_determined */
	const char *refute;       /* it would be wrong if ...: a clause */
};
extern const struct oom_cause oom_causes[];
extern const size_t oom_cause_count;
const struct oom_cause *oom_cause_named(const char *keyword);      /* NULL */

struct oom_evidence {
	struct oom_str text;      /* a clause with the numbers used; safe for a terminal */
	int64_t line;             /* where they stand; OOM_NA */
};

struct oom_finding {
	const struct oom_cause *cause;
	enum oom_confidence confidence;
	bool primary;
	struct oom_str text;      /* one sentence; safe for a terminal */
	int64_t kb;               /* memory that it accounts for; OOM_NA */
	struct oom_evidence *evidence;
	size_t nevidence;
};

struct oom_diagnosis {
	struct oom_arena arena;
	struct oom_books books;               /* the ledgers that it was made on */
	struct oom_finding *finding;          /* at least one: the primary one first, then the others by weight */
	size_t nfindings;
};

/* r need not be ranked and must outlive the diagnosis, as must its event.  0 or -ENOMEM; *ret needs no init and is
 * released by the caller in either case. */
int  oom_diagnose(const struct oom_replay *r, struct oom_diagnosis *ret);
void oom_diagnosis_release(struct oom_diagnosis *d);
/* The keyword to store: that of the primary finding. */
const char *oom_diagnosis_keyword(const struct oom_diagnosis *d);

#endif
