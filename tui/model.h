/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the screens show: one pass of a source, the domain that is looked at, its ranking, and the hypothetical
 * changes to it.  Nothing here draws, nothing here writes to the system.
 */
#ifndef OOMLENS_TUI_MODEL_H
#define OOMLENS_TUI_MODEL_H

#include <oomlens/replay.h>
#include <oomlens/sample.h>

/* Where passes come from.  next: *ret is lent until the next pass; view: the event of one domain, lent until then. */
struct source;
struct source_ops {
	const char *name;             /* "proc", "bpf", "event", "demo" */
	bool live;
	bool past;                    /* a selection that was made */
	int  (*next)(struct source *s, struct oom_sample *ret, struct oom_err *reterr);
	int  (*view)(struct source *s, const struct oom_domain *d, struct oom_event *ret);
	/* Of a task of the latest pass; NULL: the source knows no more than its events. */
	int  (*detail)(struct source *s, size_t task, struct oom_sample_detail *ret);
	void (*close)(struct source *s);
};
struct source { const struct source_ops *ops; };      /* first member of each kind */
int  source_live(struct source **ret, struct oom_err *reterr);
/* A stored or parsed selection; takes *ev over. */
int  source_event(struct oom_event *ev, struct source **ret);
int  source_demo(struct source **ret);                 /* a made-up machine that fills up; needs no privilege */

/* "What if its oom_score_adj were": about one process, which may be gone by now. */
struct change {
	int64_t pid, from, to;
	uint64_t ident;
	char comm[16];
};

/* A command line that was read: who it is of, and its name then, since exec() changes both. */
struct command_line { int64_t pid; uint64_t ident; char comm[16]; uint16_t n; char text[254]; };
#define COMMAND_LINES 512

struct row {
	uint32_t task;                /* index of model.ranked->task */
	uint32_t place, place_before; /* 1 = next victim; 0 = no candidate.  before: without the changes */
	int64_t points;               /* pages (per mille with old kernels); OOM_NA for those that are no candidate */
	const struct oom_sample_row *sample;   /* NULL: the source has none */
	bool changed;                 /* its adj, or its place by the change of another */
};

struct model {
	struct source *source;
	struct oom_sample sample;
	struct oom_load load;
	int64_t kills_at_start;       /* load.oom_kills then */

	int64_t scope;                /* the chosen domain; it may vanish and come back.  UNKNOWN: the first */
	char path[4096];
	const struct oom_domain *domain;       /* never NULL after a pass: the whole machine if the chosen one is gone */
	bool domain_gone;

	struct oom_event view;        /* borrowed from the source */
	struct oom_event edited;      /* clone of view with the changes; only if there are any */
	const struct oom_event *ranked;        /* one of the two */
	struct oom_replay replay, before;
	uint32_t *origin;             /* rows of the sample behind the tasks of the view */
	size_t norigin, cap_origin;
	struct row *row;              /* all of the domain, best first, those that are no candidates last */
	size_t nrows, cap_rows;

	struct command_line *line;    /* COMMAND_LINES slots by pid; NULL until the first is learned */

	struct change *change;
	size_t nchanges, cap_changes;
};

void model_init(struct model *m, struct source *s);    /* takes the source over */
void model_release(struct model *m);
/* Reads anew and ranks.  0, -ENOMEM, -errno of the source. */
int  model_next(struct model *m, struct oom_err *reterr);
/* Another domain of the same pass. */
int  model_choose(struct model *m, int64_t scope, struct oom_str path);
/* Hypothetical value for the task of a row, cut to -1000..1000; from == to takes it back.  Ranks anew. */
int  model_set_adj(struct model *m, size_t row, int64_t adj);
int  model_undo(struct model *m, bool all);

/* Of a row's task. */
const struct oom_task *model_task(const struct model *m, const struct row *r);
const struct oom_score *model_score(const struct model *m, const struct row *r);      /* NULL without a profile */
/* Reads the command line of a row's task, unless that was done before. */
void model_learn(struct model *m, const struct row *r);
/* What was learned; n == 0: nothing, or it has none.  Arguments are separated by blanks. */
struct oom_str model_command_line(const struct model *m, const struct row *r);
/* The victim-to-be and the one after it; NULL if there is none. */
const struct row *model_victim(const struct model *m, size_t place);

/* What of the processes cannot be seen, and so not ranked: sentence i; NULL: there are no more.  buf is for those that have
 * to be made. */
const char *model_hidden(const struct model *m, size_t i, char *buf, size_t size);

#endif
