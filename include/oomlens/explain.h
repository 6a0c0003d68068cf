/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Event and replay -> a document for a tired person.  Sentences are written here once; render.h gives them looks.
 */
#ifndef OOMLENS_EXPLAIN_H
#define OOMLENS_EXPLAIN_H

#include <oomlens/recorder.h>
#include <oomlens/replay.h>

enum oom_node_kind {
	OOM_NODE_TITLE,       /* one line naming the event: when, where, which kernel */
	OOM_NODE_VERDICT,     /* the sentence that says it all */
	OOM_NODE_SECTION,     /* heading */
	OOM_NODE_TEXT,        /* a paragraph */
	OOM_NODE_FACT,        /* key: text */
	OOM_NODE_TABLE,       /* begins a table; text = column headings separated by '\t'; '>' before a heading = right-aligned */
	OOM_NODE_ROW,         /* a table row; cells separated by '\t' */
	OOM_NODE_QUOTE,       /* a line of the log, verbatim */
	OOM_NODE_NOTE,        /* what the log does not show */
};
enum oom_tone { OOM_TONE_PLAIN, OOM_TONE_GOOD, OOM_TONE_WARN, OOM_TONE_BAD, OOM_TONE_DIM, OOM_TONE_STRONG };

struct oom_node {
	uint8_t kind, tone;
	struct oom_str key, text;    /* any bytes of the log; '\t' only as a cell separator (log bytes are made safe first) */
	int64_t line;                /* the evidence; OOM_NA */
};
struct oom_doc {
	struct oom_arena arena;
	struct oom_node *node;
	size_t nnodes, cap;
};

struct oom_explain_opts {
	size_t top;                  /* rows of the ranking; 0 = default */
	bool all;                    /* every row */
	bool page;                   /* for a page: the cause first; ranking, ledger and incident have looks of their own */
};

int  oom_explain(const struct oom_replay *r, const struct oom_explain_opts *opts, struct oom_doc *ret);   /* 0, -ENOMEM; r must be ranked */
/* What a recorder says of itself, read at now_us (UTC).  0, -ENOMEM. */
int  oom_explain_recorder(const struct oom_recorder_state *st, int64_t now_us, struct oom_doc *ret);
void oom_doc_release(struct oom_doc *d);

/* Do the points of a score mean anything?  Not those of a task that is not eligible, nor those that need totalpages
 * where the log does not tell them. */
bool oom_explain_has_points(const struct oom_replay *r, const struct oom_task *t, const struct oom_score *c);

/* Why a row was no candidate, as a clause (static). */
const char *oom_explain_why_not(const struct oom_event *ev, uint8_t why);

#endif
