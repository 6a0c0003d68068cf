/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a page is made of, and its frame: the most urgent first, nothing loaded, nothing but our own script run. */
#include <oomlens/page.h>

#include <errno.h>
#include <string.h>

#include "html.h"
#include "whatif_impl.h"

/* ISO C promises 4095 bytes of string literal; both compilers take any length. */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Woverlength-strings"
static const char css[] =
#include "page_css.inc"
;
static const char js[] =
#include "page_js.inc"
;
#pragma GCC diagnostic pop
static const char css_hash[] =
#include "page_css_hash.inc"
;
static const char js_hash[] =
#include "page_js_hash.inc"
;

/* ---- what it is made of ----------------------------------------------------------------------------------- */

static bool several_rules(const struct oom_event *ev)
{
	const struct oom_profile *p[4];
	const char *how;

	return oom_profile_for(ev, p, &how) > 1;
}

/* Where points are linear in totalpages, what holds at both of its ends holds between them: the script looks at both. */
bool oom_html_linear(const struct oom_whatif *w)
{
	const struct oom_profile *p = w->base.profile;

	return !(p->flags & OOM_PROFILE_PER_MILLE) && p->root != OOM_ROOT_ADJ_MINUS_30;
}

/* The ranking follows arithmetic alone.  Where something else decides as well, no winner is named. */
static const char *doubt(const struct oom_whatif *w, bool forced)
{
	const struct oom_range t = w->after.total;

	if (oom_whatif_forbidden(&w->base))
		return "Something other than points decided here, or the table cannot be trusted: see the verdict.";
	if (w->after.allocating)
		return "vm.oom_kill_allocating_task is set: whoever asks for memory is taken, whatever the points.";
	if (t.lo != t.hi && !oom_html_linear(w))
		return t.lo > t.hi ? "What the kernel took as the size of all memory (totalpages) is not known."
				   : "What the kernel took as the size of all memory (totalpages) is known within bounds only.";
	if (!forced && several_rules(w->event))
		return "The log leaves open by which of several sets of rules this kernel chooses.";
	return NULL;
}

static int make_whatif(struct oom_page *p, const struct oom_profile *forced)
{
	const struct oom_whatif_opts opts = { .profile = forced, .drift = OOM_NA };
	struct oom_err err = { 0 };
	int r;

	if (!p->replay->nscores) {
		snprintf(p->no_whatif, sizeof(p->no_whatif), "%s", "there is no table, or nobody knows the rules of this kernel");
		return 0;
	}
	r = oom_whatif_run(p->replay->event, &opts, &p->whatif, &err);
	p->has_whatif = r == 0;
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		snprintf(p->no_whatif, sizeof(p->no_whatif), "%s", err.text);
	else
		p->no_claim = doubt(&p->whatif, forced != NULL);
	return 0;
}

int oom_page_make(const struct oom_replay *r, const struct oom_profile *forced, const struct oom_storm *storm,
		  struct oom_page *ret)
{
	const struct oom_explain_opts opts = { .page = true };
	int err;

	memset(ret, 0, sizeof(*ret));
	ret->replay = r;
	ret->storm = storm;
	err = oom_explain(r, &opts, &ret->doc);
	if (err == 0)
		err = oom_diagnose(r, &ret->cause);
	if (err == 0)
		err = oom_incident_make(r->event, storm, &ret->incident);
	if (err == 0)
		err = make_whatif(ret, forced);
	return err;
}

void oom_page_release(struct oom_page *p)
{
	if (!p)
		return;
	oom_doc_release(&p->doc);
	oom_diagnosis_release(&p->cause);
	oom_incident_release(&p->incident);
	oom_whatif_release(&p->whatif);
	memset(p, 0, sizeof(*p));
}

/* ---- the frame -------------------------------------------------------------------------------------------- */

static void put_title(struct oom_html *h)
{
	fputs("<title>", h->out);
	for (size_t i = 0; i < h->page->doc.nnodes; i++)
		if (h->page->doc.node[i].kind == OOM_NODE_TITLE) {
			oom_html_put(h, h->page->doc.node[i].text);
			break;
		}
	fputs("</title>\n", h->out);
}

static void put_head(struct oom_html *h)
{
	fprintf(h->out, "<!DOCTYPE html>\n<html lang=en><head><meta charset=utf-8>\n"
		"<meta http-equiv=Content-Security-Policy content=\"default-src 'none'; style-src 'sha256-%s'; "
		"script-src 'sha256-%s'; base-uri 'none'; form-action 'none'\">\n"
		"<meta name=viewport content=\"width=device-width, initial-scale=1\">\n"
		"<meta name=referrer content=no-referrer><meta name=generator content=\"oomlens " OOMLENS_VERSION "\">\n",
		css_hash, js_hash);
	put_title(h);
	fprintf(h->out, "<style>%s</style></head>\n<body>\n<a class=skip href=\"#main\">Skip to the report</a>\n", css);
}

/* Title, source and verdict come before the first section. */
static size_t first_section(const struct oom_doc *d)
{
	size_t i = 0;

	while (i < d->nnodes && d->node[i].kind != OOM_NODE_SECTION)
		i++;
	return i;
}

static size_t next_section(const struct oom_doc *d, size_t i)
{
	for (i++; i < d->nnodes && d->node[i].kind != OOM_NODE_SECTION;)
		i++;
	return i;
}

/* The sections of the page, in their order, to go to. */
static void put_nav(struct oom_html *h)
{
	const struct oom_doc *d = &h->page->doc;
	size_t first = first_section(d);

	fputs("<nav aria-label=Sections><ul>\n", h->out);
	for (size_t i = first; i < d->nnodes; i = next_section(d, i)) {
		fprintf(h->out, "<li><a href=\"#s%zu\">", i);
		oom_html_put(h, d->node[i].text);
		fputs("</a></li>\n", h->out);
		if (i == first && oom_html_has_ledgers(h))
			fputs("<li><a href=\"#h-ledger\">Where the memory was</a></li>\n", h->out);
		if (i == first && h->page->incident.nmoments > 1)
			fputs("<li><a href=\"#h-incident\">The incident</a></li>\n", h->out);
	}
	if (h->ev->ntasks)
		fputs("<li><a href=\"#h-tasks\">All processes and what-if</a></li>\n", h->out);
	if (h->ev->nraw)
		fputs("<li><a href=\"#h-raw\">The lines</a></li>\n", h->out);
	fputs("</ul></nav>\n", h->out);
}

static void put_section(struct oom_html *h, size_t from, size_t to)
{
	const struct oom_doc *d = &h->page->doc;

	fprintf(h->out, "<section aria-labelledby=s%zu><h2 id=s%zu>", from, from);
	oom_html_put(h, d->node[from].text);
	fputs("</h2>\n", h->out);
	if (oom_str_is(d->node[from].text, "Against whom"))
		oom_html_ranking(h);
	oom_html_doc(h, d, from + 1, to);
	fputs("</section>\n", h->out);
}

/* The first section says why there was no memory; where it was, and what happened, belong to that. */
static void put_sections(struct oom_html *h)
{
	const struct oom_doc *d = &h->page->doc;
	size_t first = first_section(d);

	for (size_t i = first, next; i < d->nnodes; i = next) {
		next = next_section(d, i);
		put_section(h, i, next);
		if (i != first)
			continue;
		oom_html_ledgers(h);
		oom_html_incident(h);
	}
}

static void put_foot(struct oom_html *h)
{
	fputs("<footer><p>Made by oomlens " OOMLENS_VERSION ". ", h->out);
	if (h->page->redacted)
		fputs("Names, paths and ids are pseudonyms; numbers are the log's. ", h->out);
	fputs("The lines of this page are a log: <code>oomlens explain PAGE.html</code> reads them again.</p></footer>\n", h->out);
}

int oom_page_html(const struct oom_page *p, FILE *out)
{
	struct oom_html h = { .out = out, .page = p, .ev = p->replay->event, .r = p->replay };

	put_head(&h);
	fputs("<header>\n", out);
	oom_html_doc(&h, &p->doc, 0, first_section(&p->doc));
	put_nav(&h);
	fputs("</header>\n<main id=main>\n", out);
	put_sections(&h);
	oom_html_tasks(&h);
	oom_html_raw(&h);
	fputs("</main>\n", out);
	put_foot(&h);
	fprintf(out, "<script>%s</script></body></html>\n", js);
	oom_arena_release(&h.arena);
	return h.nomem ? -ENOMEM : 0;
}
