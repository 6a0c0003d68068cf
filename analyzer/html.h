/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Private to html*.c and markdown.c: the page.  Bytes of a log become HTML in one place, oom_html_put(); the script gets
 * numbers alone, so that no text of a log ever stands in a script.
 */
#ifndef OOMLENS_ANALYZER_HTML_H
#define OOMLENS_ANALYZER_HTML_H

#include <oomlens/page.h>
#include <oomlens/render.h>

/* A place of the page that speaks of a line of the log. */
struct oom_ref {
	int64_t line;
	uint32_t number;                  /* of the fact; row of the table where `row` */
	bool row;
	struct oom_str what;              /* the fact's key; borrowed */
};

struct oom_html {
	FILE *out;
	const struct oom_page *page;
	const struct oom_event *ev;
	const struct oom_replay *r;
	struct oom_arena arena;
	struct oom_ref *ref;
	size_t nrefs, cap_refs;
	uint32_t facts;
	bool nomem;
};

/* Text or an attribute's value in double quotes: markup is escaped, what is no UTF-8 becomes U+FFFD, what steers or
 * reorders text is shown as \xNN. */
void oom_html_put(struct oom_html *h, struct oom_str s);
void oom_html_fmt(struct oom_html *h, const char *fmt, ...) OOM_PRINTF(2, 3);      /* likewise, what is formatted */
void oom_html_num(struct oom_html *h, int64_t n);               /* 12,345; "-" for OOM_NA */
void oom_html_range(struct oom_html *h, struct oom_range n);    /* 4,000 or 4,000..4,242; "-" */
void oom_html_kb(struct oom_html *h, int64_t kb);               /* 16.6 MiB */

/* A link to the line, and the place to come back to; a line that was not kept is only named.  OOM_NA: nothing. */
void oom_html_line(struct oom_html *h, int64_t line, struct oom_str what);
void oom_html_row_line(struct oom_html *h, int64_t line, size_t row);
/* Is the line among those that the page shows? */
bool oom_html_has_line(const struct oom_html *h, int64_t line);

void oom_html_doc(struct oom_html *h, const struct oom_doc *d, size_t from, size_t to);   /* html_doc.c */
void oom_html_ranking(struct oom_html *h);                      /* html_chart.c */
bool oom_html_has_ledgers(const struct oom_html *h);
void oom_html_ledgers(struct oom_html *h);
void oom_html_incident(struct oom_html *h);                     /* html_incident.c */
void oom_html_tasks(struct oom_html *h);                        /* html_table.c: table, arithmetic, what-if */
bool oom_html_linear(const struct oom_whatif *w);               /* page.c */
void oom_html_model(struct oom_html *h);                        /* html_model.c: the numbers for the script */
void oom_html_raw(struct oom_html *h);                          /* html_raw.c */

#endif
