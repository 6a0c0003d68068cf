/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Policy mistakes around the OOM killer, with proof: what is set on this machine, and which past event that decided,
 * as the dry run (whatif.h) shows it.  Pure: the facts are the caller's, nothing is read or changed here.
 */
#ifndef OOMLENS_LINT_H
#define OOMLENS_LINT_H

#include <oomlens/explain.h>
#include <oomlens/sample.h>

/* What the running kernel is set to; OOM_NA = it does not tell. */
struct oom_policy {
	int64_t panic_on_oom, oom_kill_allocating_task, oom_dump_tasks;        /* vm.* */
	int64_t panic_timeout_s;      /* kernel.panic: 0 = a panic lasts */
	int64_t log_bytes;            /* of the kernel's log buffer */
};
/* proc_root: NULL = this machine's "/proc", with the size of its log buffer. */
void oom_policy_read(const char *proc_root, struct oom_policy *ret);

enum oom_severity { OOM_SEVERITY_ERROR, OOM_SEVERITY_WARNING, OOM_SEVERITY_NOTICE };
extern const char *const oom_severity_names[];

struct oom_lint_check {
	const char *name;             /* keyword, for scripts */
	enum oom_severity severity;
	const char *title;            /* what is wrong, in a few words */
	const char *why;              /* what it leads to */
	const char *see;              /* a command that shows it */
	const char *advice;           /* what is safe to do */
};
extern const struct oom_lint_check oom_lint_checks[];
extern const size_t oom_lint_count;

/* A past event that the mistake decided. */
struct oom_proof {
	int64_t id;                   /* of the event in its store */
	struct oom_str event;         /* its portable name; p == NULL: it has none */
	struct oom_str text;          /* a sentence */
	int64_t killed_pid, instead_pid;       /* OOM_NA: nobody, or the dry run does not say */
	struct oom_str killed_comm, instead_comm;
};

#define OOM_LINT_PIDS 8
struct oom_lint_finding {
	const struct oom_lint_check *check;
	bool live;                    /* so it is set now; else only past events show it */
	struct oom_str text;          /* what was found; p == NULL when not live */
	int64_t tasks, kb;            /* it is about; OOM_NA */
	int64_t pid[OOM_LINT_PIDS];   /* the largest of them */
	size_t npids;
	size_t events;                /* past events that it decided */
	struct oom_proof proof;       /* of the first of them that tells who else would have died, else of the first */
};

struct oom_lint {
	struct oom_doc words;         /* owns all text */
	struct oom_lint_finding *finding;  /* one for each check at most, in the order of the table */
	size_t nfindings, cap;
	size_t events;                /* asked about */
};

/* *l starts zeroed; release it whatever the results.  Findings of this moment, before any event is asked.  0, -ENOMEM. */
int  oom_lint_live(struct oom_lint *l, const struct oom_sample *m, const struct oom_policy *p);
/* Did a mistake decide this event?  It counts for the finding of that check, which is made if there is none yet.
 * name: what proofs call it; may be null.  0, -ENOMEM. */
int  oom_lint_event(struct oom_lint *l, const struct oom_event *ev, struct oom_str name);
void oom_lint_release(struct oom_lint *l);

/* host: whose findings these are; may be null.  0, -ENOMEM. */
int  oom_lint_explain(const struct oom_lint *l, struct oom_str host, struct oom_doc *ret);
int  oom_lint_json(const struct oom_lint *l, struct oom_str host, FILE *out);

#endif
