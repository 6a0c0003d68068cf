/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dry run: an event, or the view of a domain that a live sample gives, with other values; the same replay
 * over a clone says whom the kernel would have killed.  Pure: nothing is read from or written to the system.
 *
 * A prediction is a verdict (replay.h): EXACT or EXPLAINED when it holds for all that the source leaves open,
 * WITHIN_DRIFT when the margin is no larger than what the counters may have moved, INSUFFICIENT when what is
 * hidden, or a rule other than the score, decides.
 */
#ifndef OOMLENS_WHATIF_H
#define OOMLENS_WHATIF_H

#include <oomlens/explain.h>

/* ---- whom, and what to change ----------------------------------------------------------------------- */

enum oom_selector_kind { OOM_SELECT_PID, OOM_SELECT_COMM, OOM_SELECT_CGROUP, OOM_SELECT_UID, OOM_SELECT_UNIT };

/* "PID", "comm:PATTERN", "cgroup:PATH" (with everything below), "uid:N|NAME", "unit:PATTERN". */
struct oom_selector {
	enum oom_selector_kind kind;
	int64_t number;               /* PID, UID */
	struct oom_str text;          /* COMM, CGROUP, UNIT; borrows what was parsed */
	struct oom_str words;         /* as written, for messages; borrowed likewise */
};

/* The uid of a user name, or OOM_NA; the core knows no users. */
typedef int64_t oom_uid_of(const char *name);

/* uid_of: NULL = uids are numbers only.  0, -EINVAL with the reason in *reterr. */
int oom_selector_parse(struct oom_str text, oom_uid_of *uid_of, struct oom_selector *ret, struct oom_err *reterr);
/* 1: the row is selected; 0: it is not; -1: the event does not tell (no cgroup of that row is known). */
int oom_selector_match(const struct oom_selector *s, const struct oom_event *ev, size_t task);
/* The same question for one cgroup. */
int oom_task_in_cgroup(const struct oom_event *ev, size_t task, struct oom_str path);
/* "4096", "64K", "1.5G", "2GiB": bytes; powers of 1024.  Advances on success alone. */
bool oom_take_bytes(struct oom_str *s, int64_t *ret);

enum oom_edit_kind {
	OOM_EDIT_SET,                 /* SELECTOR=ADJ: absolute; +N and -N: relative; ==ADJ: absolute with a sign */
	OOM_EDIT_WITHOUT,             /* SELECTOR: as if it were not there */
	OOM_EDIT_GROW,                /* SELECTOR=BYTES: each task with that much more anonymous memory */
	OOM_EDIT_LIMIT,               /* CGROUP=BYTES: the limit of the domain */
	OOM_EDIT_SWAP,                /* BYTES: total swap of the machine */
	OOM_EDIT_GROUP,               /* CGROUP=0|1: memory.oom.group */
	OOM_EDIT_ALLOCATING,          /* 0|1: vm.oom_kill_allocating_task */
	OOM_EDIT_COUNT,
};

struct oom_edit {
	enum oom_edit_kind kind;
	bool relative;                /* SET */
	struct oom_selector sel;      /* LIMIT, GROUP: kind CGROUP */
	int64_t value;                /* adj, bytes, 0 or 1 */
	struct oom_str words;         /* as written; borrowed */
};

/* 0, -EINVAL with the reason in *reterr. */
int oom_edit_parse(enum oom_edit_kind kind, struct oom_str text, oom_uid_of *uid_of, struct oom_edit *ret,
		   struct oom_err *reterr);

/* ---- the run ---------------------------------------------------------------------------------------- */

struct oom_whatif_opts {
	const struct oom_edit *edit;
	size_t nedits;
	const struct oom_selector *spare;      /* NULL = nobody is to be spared */
	bool allow_empty;                      /* a selector that selects nobody is no error */
	const struct oom_profile *profile;     /* NULL = find it */
	int64_t drift;                         /* a margin up to this is WITHIN_DRIFT (the profile's unit);
						* OOM_NA = the replay's own bound */
	const struct oom_str *group;           /* cgroups known to have memory.oom.group set; besides them
						* the one that a log names */
	size_t ngroups;
};

/* One side of the comparison. */
struct oom_dry_run {
	struct oom_event event;       /* what was weighed: no outcome, the edits applied */
	uint32_t *origin;             /* row of event -> row of the event that was asked about */
	struct oom_range total;       /* totalpages; lo > hi = unknown */
	struct oom_replay replay;     /* of event, ranked, at one totalpages */
	bool allocating;              /* the task that allocates is taken, without a selection */
	struct oom_str *group;        /* cgroups with memory.oom.group */
	size_t ngroups;

	ptrdiff_t winner;             /* row of event; -1 = nobody (reason NO_KILLABLE) or not decidable */
	enum oom_verdict verdict;
	enum oom_reason reason;
	int64_t margin, bound;        /* the profile's unit; OOM_NA */
};

struct oom_change {               /* one task that was touched */
	uint32_t task;                /* row of the event that was asked about */
	int64_t adj_from, adj_to;     /* equal when only the rest changed */
	int64_t grow_pages;
	bool removed, spared;         /* spared: the value is the solver's */
	bool negative_step;           /* a relative step down from another value than 0 */
};

/* Why a value is what it is. */
enum oom_spare_kind {
	OOM_SPARE_NONE,               /* not asked for, or nobody selected */
	OOM_SPARE_ALREADY,            /* it is not chosen as it is */
	OOM_SPARE_SOLVED,
	OOM_SPARE_ONLY_MIN,           /* no other value than -1000 does it */
	OOM_SPARE_NOBODY_ELSE,        /* at -1000 nobody is left: the kernel panics, or the cgroup stalls */
	OOM_SPARE_IMPOSSIBLE,         /* a rule that no value changes */
	OOM_SPARE_UNDECIDABLE,        /* the weight of a value is not known */
};
struct oom_spare {                /* one task that is to be spared */
	uint32_t task;                /* row of the event that was asked about */
	enum oom_spare_kind kind;
	int64_t adj_from;
	int64_t adj;                  /* the highest value at which it survives; OOM_NA */
	int64_t adj_certain;          /* the same beyond drift and hidden terms; OOM_NA */
	ptrdiff_t rival;              /* who comes before it then: row likewise; -1 */
	bool in_group;                /* it would die with the group of the next victim */
};

struct oom_whatif {
	struct oom_arena arena;
	const struct oom_event *event;         /* borrowed; must outlive this */
	struct oom_replay base;                /* what the kernel did, judged; of a live view: nothing yet */
	struct oom_dry_run before, after;
	bool forced;                           /* by a profile that was asked for */
	bool changed;                          /* any edit had an effect */
	struct oom_change *change;
	size_t nchanges;
	uint32_t *change_of;                   /* row of event -> place in change, from 1; 0 = none */
	int64_t grown_kb;                      /* what the edits add to the memory in use, at least */
	struct oom_spare *spare;
	size_t nspares;
};

/* Do not move *ret afterwards; release it whatever the result.  0, -ENOMEM; -EINVAL: an edit or selector does
 * not fit the event (reterr); -ENOTSUP: nobody knows by which rules this kernel chooses. */
int  oom_whatif_run(const struct oom_event *ev, const struct oom_whatif_opts *opts, struct oom_whatif *ret,
		    struct oom_err *reterr);
void oom_whatif_release(struct oom_whatif *w);

/* What to mind before the changes are made real; bits. */
enum {
	OOM_WHATIF_KILLS_PROTECTED    = 1 << 0,   /* the new victim has an oom_score_adj below 0 */
	OOM_WHATIF_LARGEST_UNKILLABLE = 1 << 1,   /* nobody holds more memory than one that goes to -1000 */
};
unsigned oom_whatif_warnings(const struct oom_whatif *w);

/* The highest oom_score_adj, -1000 to 1000, at which row `task` of d->event is not preferred to row `rival`; solved from
 * the profile's integer arithmetic and tie rule.  slack: by so many points (the profile's unit) at least, and
 * whatever is hidden; -1 = at the nominal values.  OOM_NA: totalpages is unknown. */
int64_t oom_dry_threshold(const struct oom_dry_run *d, size_t task, size_t rival, int64_t slack);

/* ---- what a kill gives ------------------------------------------------------------------------------ */

/* Anonymous memory and page tables, kB; lo < hi where the table does not part it from mapped files. */
struct oom_range oom_dry_frees_kb(const struct oom_dry_run *d, const struct oom_event *asked, size_t task);
/* Does row `other` die with row `victim`?  1 yes, 0 no, -1 perhaps.  *role: OOM_ROLE_GROUP or _SHARED_MM. */
int oom_dry_dies_with(const struct oom_dry_run *d, const struct oom_event *asked, size_t victim, size_t other,
		      enum oom_role *role);

struct oom_need { int64_t kb; const char *what; struct oom_str where; };
/* What the allocation was short of: kb OOM_NA = the event does not tell; 0 = nothing: there would be no OOM. */
void oom_whatif_need(const struct oom_whatif *w, struct oom_need *ret);

struct oom_kill {
	uint32_t task;                /* row of the event that was asked about */
	bool with;                    /* dies with the last one that is not: by its role */
	enum oom_role role;
	bool doubtful;                /* within drift, or hidden terms decide */
	int64_t points;               /* the profile's unit; OOM_NA */
	struct oom_range frees_kb;
	struct oom_range total_kb;    /* freed by now */
};
#define OOM_KILLS_MAX 4096
/* Kills of w->after in order, until at least need_kb are freed at most (hi; OOM_NA = no matter) or max kills
 * have been made (0 = OOM_KILLS_MAX), or nobody is left.  *ret lives in w->arena.  0 or -ENOMEM. */
int oom_whatif_kills(struct oom_whatif *w, int64_t need_kb, size_t max, struct oom_kill **ret, size_t *nret);

/* ---- how it is told --------------------------------------------------------------------------------- */

enum oom_apply { OOM_APPLY_NONE, OOM_APPLY_CHOOM, OOM_APPLY_SYSTEMD, OOM_APPLY_KUBERNETES, OOM_APPLY_DOCKER };
extern const char *const oom_apply_names[];
/* Appends the lines that would make the changes real; nobody runs them.  0 or -ENOMEM. */
int oom_whatif_apply(const struct oom_whatif *w, const struct oom_whatif_opts *opts, enum oom_apply how,
		     struct oom_buf *ret);

/* What the command knows beside the run. */
struct oom_whatif_answer {
	struct oom_whatif *w;
	const struct oom_whatif_opts *opts;
	struct oom_need need;         /* the event's own, or --need's */
	const struct oom_kill *kill;
	size_t nkills;
	size_t top;                   /* rows of the ranking; 0 = default */
	int64_t sample_us, took_us, age_us;    /* live: UTC of the sample, its duration and age; OOM_NA */
	struct oom_str apply;         /* lines; n 0 = not asked for */
};
int oom_whatif_explain(const struct oom_whatif_answer *a, struct oom_doc *ret);       /* 0, -ENOMEM */
int oom_whatif_json(const struct oom_whatif_answer *a, FILE *out);                    /* likewise */

#endif
