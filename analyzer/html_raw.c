/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines of the log, each with the way back to what was taken from it. */
#include <stdlib.h>

#include "html.h"

#define BACK_MAX 8            /* ways back of one line */

static int by_line(const void *pa, const void *pb)
{
	const struct oom_ref *a = pa, *b = pb;

	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void put_back(struct oom_html *h, const struct oom_ref *f)
{
	if (f->row) {
		fprintf(h->out, " <a class=back href=\"#t%u\">&#8617; row</a>", f->number);
		return;
	}
	fprintf(h->out, " <a class=back href=\"#f%u\">&#8617; ", f->number);
	oom_html_put(h, f->what);
	fputs("</a>", h->out);
}

/* What the boot had taught before: not of this report, but the replay needs it. */
static void put_context(struct oom_html *h)
{
	struct oom_buf b = { .p = NULL };
	int r;

	for (size_t i = 0; (r = oom_log_context(h->ev, i, &b)) > 0; i++) {
		fputs("<li id=C", h->out);
		fprintf(h->out, "%zu class=dim><b>earlier</b>", i + 1);
		oom_html_put(h, (struct oom_str){ b.p, b.n });
		fputc('\n', h->out);
	}
	h->nomem |= r < 0;
	oom_buf_release(&b);
}

void oom_html_raw(struct oom_html *h)
{
	const struct oom_event *ev = h->ev;
	size_t at = 0;

	if (!ev->nraw)
		return;
	if (h->nrefs)
		qsort(h->ref, h->nrefs, sizeof(*h->ref), by_line);
	fprintf(h->out, "<section aria-labelledby=h-raw%s><h2 id=h-raw>The lines of the log</h2>\n",
		ev->nraw > 250 ? " class=long" : "");
	if (ev->nraw > 250)
		fprintf(h->out, "<p class=paper>%zu lines, in the page itself.</p>\n", ev->nraw);
	fputs("<ol id=lines>\n", h->out);
	put_context(h);
	for (size_t i = 0; i < ev->nraw; i++) {
		const struct oom_raw *raw = &ev->raw[i];
		size_t n = 0;

		fprintf(h->out, "<li id=L%lld><b>%lld</b>", (long long)raw->line, (long long)raw->line);
		oom_html_put(h, raw->text);
		while (at < h->nrefs && h->ref[at].line < raw->line)
			at++;
		for (; at < h->nrefs && h->ref[at].line == raw->line; at++)
			if (n++ < BACK_MAX)
				put_back(h, &h->ref[at]);
		fputc('\n', h->out);
	}
	fputs("</ol></section>\n", h->out);
}
