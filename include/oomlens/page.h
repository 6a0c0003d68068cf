/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One event as a page that can be forwarded: HTML that loads nothing from anywhere, or Markdown for a ticket.  Both show
 * what oom_explain() says, and around it what only a page has room for.
 */
#ifndef OOMLENS_PAGE_H
#define OOMLENS_PAGE_H

#include <oomlens/cause.h>
#include <oomlens/explain.h>
#include <oomlens/incident.h>
#include <oomlens/whatif.h>

struct oom_page {
	const struct oom_replay *replay;       /* borrowed, ranked; must outlive the page, as must its event */
	const struct oom_storm *storm;         /* borrowed; the other events of its incident; NULL = not known */
	struct oom_doc doc;
	struct oom_diagnosis cause;
	struct oom_incident incident;
	struct oom_whatif whatif;
	bool has_whatif;
	char no_whatif[400];                   /* why there is none */
	const char *no_claim;                  /* why a winner of the what-if is not certain, a sentence; NULL = it is */
	bool redacted;                         /* the event was redacted: the page says so */
};

/* 0 or -ENOMEM; *ret needs no init and is released by the caller in either case.  profile: as for the replay. */
int  oom_page_make(const struct oom_replay *r, const struct oom_profile *forced, const struct oom_storm *storm,
		   struct oom_page *ret);
void oom_page_release(struct oom_page *p);

/* 0 or -ENOMEM; write errors stay in ferror(out). */
int  oom_page_html(const struct oom_page *p, FILE *out);
int  oom_page_markdown(const struct oom_page *p, FILE *out);
/* The lines of the event as a log; what its boot had taught before, of which the replay must know, stands in front: the kernel's
 * release, and of earlier victims a kill line each, which make events of their own.  0, -ENOMEM. */
int  oom_page_log(const struct oom_event *ev, FILE *out);
/* Line i of those in front, into ret.  1, 0: there are no more, -ENOMEM. */
int  oom_log_context(const struct oom_event *ev, size_t i, struct oom_buf *ret);

#endif
