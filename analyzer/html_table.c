/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every row of the task table with the arithmetic of its points, and the panel of the what-if. */
#include <oomlens/whatif.h>

#include "html.h"

static bool per_mille(const struct oom_html *h)
{
	return h->r->profile && h->r->profile->flags & OOM_PROFILE_PER_MILLE;
}

/* ---- the arithmetic of one row ------------------------------------------------------------------------ */

static void put_adj_term(struct oom_html *h, const struct oom_task *t, const struct oom_score *c)
{
	if (per_mille(h)) {
		fprintf(h->out, " &times; 1,000 / totalpages, adj %lld", (long long)t->oom_score_adj);
		return;
	}
	fprintf(h->out, " + adj %lld", (long long)t->oom_score_adj);
	if (t->oom_score_adj && h->r->total.lo <= h->r->total.hi && h->r->total.lo == h->r->total.hi) {
		fputs(" &times; ", h->out);
		oom_html_num(h, h->r->total.lo / 1000);
		if (c->adj_pages != t->oom_score_adj * (h->r->total.lo / 1000))
			fputs(" (bounded)", h->out);
	} else if (t->oom_score_adj) {
		fputs(" &times; totalpages/1000", h->out);
	}
}

static bool has_sum(const struct oom_score *c, const struct oom_profile *p)
{
	int64_t sum = c->rss.lo + c->swap.lo + c->pgtables.lo + c->root.lo + c->adj_pages;

	return c->rss.lo == c->rss.hi && c->swap.lo == c->swap.hi && c->pgtables.lo == c->pgtables.hi &&
	       (p->floor == OOM_NA || sum > 0) && sum == c->points.lo && c->points.lo == c->points.hi;
}

static void put_arithmetic(struct oom_html *h, const struct oom_task *t, const struct oom_score *c)
{
	const struct oom_profile *p = h->r->profile;

	oom_html_range(h, c->rss);
	fputs(" in RAM + ", h->out);
	oom_html_range(h, c->swap);
	fputs(" swapped", h->out);
	if (p->flags & OOM_PROFILE_PTES) {
		fputs(" + ", h->out);
		oom_html_range(h, c->pgtables);
		fputs(" page tables", h->out);
	}
	put_adj_term(h, t, c);
	if (p->root != OOM_ROOT_NONE && (c->root.lo || c->root.hi)) {
		fputs(", root ", h->out);
		oom_html_range(h, c->root);
	}
	if (h->ev->ballot == OOM_BALLOT_RECORDED && t->kernel_points != OOM_NA)
		fputs(has_sum(c, p) ? " = " : "; by the kernel itself ", h->out);
	else if (p->floor != OOM_NA && !per_mille(h) && c->points.lo == p->floor && c->points.hi == p->floor)
		fputs(", at least ", h->out);
	else
		fputs(" = ", h->out);
	oom_html_range(h, c->points);
}

/* ---- the table ---------------------------------------------------------------------------------------- */

static void put_head(struct oom_html *h, bool scored)
{
	fputs("<thead><tr><th scope=col class=n data-col=rank>#</th><th scope=col class=n data-col=pid>pid</th>"
	      "<th scope=col data-col=name>process</th><th scope=col class=n data-col=uid>uid</th>", h->out);
	fputs("<th scope=col class=n data-col=rss>in RAM</th><th scope=col class=n data-col=swap>swapped</th>"
	      "<th scope=col class=n data-col=pt>page tables</th><th scope=col class=n data-col=adj>adj</th>", h->out);
	if (scored && !per_mille(h))
		fputs("<th scope=col class=n data-col=part>adj &times; totalpages/1000</th>", h->out);
	if (scored)
		fprintf(h->out, "<th scope=col class=n data-col=points>%s</th>", per_mille(h) ? "score" : "points");
	fputs("<th scope=col data-col=note>remark</th><th scope=col class=n data-col=line>line</th></tr></thead>\n", h->out);
}

static void put_pgtables(struct oom_html *h, const struct oom_task *t)
{
	if (t->pgtables_bytes >= 0 && h->ev->page_size > 0)
		oom_html_num(h, t->pgtables_bytes / h->ev->page_size);
	else if (t->nr_ptes != OOM_NA)
		oom_html_num(h, t->nr_ptes + (t->nr_pmds > 0 ? t->nr_pmds : 0));
	else
		fputc('-', h->out);
}

static void put_points(struct oom_html *h, const struct oom_task *t, const struct oom_score *c)
{
	if (!per_mille(h)) {
		fputs("<td>", h->out);
		if (c->why_not != OOM_WHY_ELIGIBLE || (t->oom_score_adj && h->r->total.lo > h->r->total.hi))
			fputc('-', h->out);
		else
			oom_html_num(h, c->adj_pages);
	}
	fputs("<td>", h->out);
	if (!oom_explain_has_points(h->r, t, c)) {
		fputc('-', h->out);
		return;
	}
	fputs("<details><summary>", h->out);
	oom_html_range(h, c->points);
	fputs("</summary>", h->out);
	put_arithmetic(h, t, c);
	fputs("</details>", h->out);
}

static const char *note(const struct oom_html *h, size_t i, const struct oom_score *c)
{
	const struct oom_task *t = &h->ev->task[i];
	const struct oom_victim *v = t->pid == OOM_NA ? NULL : oom_event_victim(h->ev, t->pid);

	if (!v && t->tgid != OOM_NA)
		v = oom_event_victim(h->ev, t->tgid);
	if (v)
		return "killed";
	if ((ptrdiff_t)i == h->r->actual)
		return "chosen";
	if (c && c->why_not != OOM_WHY_ELIGIBLE)
		return oom_explain_why_not(h->ev, c->why_not);
	return h->ev->trigger_pid != OOM_NA && (t->pid == h->ev->trigger_pid || t->tgid == h->ev->trigger_pid)
		? "asked for memory" : "";
}

static void put_row(struct oom_html *h, size_t i, size_t rank)
{
	const struct oom_task *t = &h->ev->task[i];
	const struct oom_score *c = h->r->nscores ? &h->r->score[i] : NULL;
	const char *what = note(h, i, c);

	fprintf(h->out, "<tr id=t%zu%s><td>", i, !strcmp(what, "killed") || !strcmp(what, "chosen") ? " class=killed" : "");
	oom_html_num(h, rank ? (int64_t)rank : OOM_NA);
	if (t->pid == OOM_NA)
		fputs("<td>-", h->out);
	else
		fprintf(h->out, "<td>%lld", (long long)t->pid);
	fputs("<th scope=row>", h->out);
	oom_html_put(h, t->comm.p ? t->comm : OOM_STR("(unknown)"));
	if (t->uid == OOM_NA)
		fputs("<td>-", h->out);
	else
		fprintf(h->out, "<td>%lld", (long long)t->uid);
	fputs("<td>", h->out);
	oom_html_num(h, t->rss_pages);
	fputs("<td>", h->out);
	oom_html_num(h, t->swap_pages);
	fputs("<td>", h->out);
	put_pgtables(h, t);
	if (t->oom_score_adj == OOM_NA)
		fputs("<td>-", h->out);
	else
		fprintf(h->out, "<td>%lld", (long long)t->oom_score_adj);
	if (c)
		put_points(h, t, c);
	fprintf(h->out, "<td class=note>%s<td>", what);
	oom_html_row_line(h, t->line, i);
	fputc('\n', h->out);
}

static void put_panel(struct oom_html *h)
{
	fputs("<div class=\"panel script\" id=whatif hidden><h3 id=whatif-title>What if?</h3>\n"
	      "<p>Another <code>oom_score_adj</code>, the same arithmetic. Nothing is sent anywhere.</p>\n", h->out);
	if (h->page->no_claim) {
		fputs("<p class=warn>", h->out);
		oom_html_put(h, oom_str_from(h->page->no_claim));
		fputs(" The order below is that of the arithmetic alone.</p>\n", h->out);
	}
	fputs("<div role=group aria-labelledby=whatif-title><label>process <select id=who></select></label>\n"
	      "<label>oom_score_adj <input type=number id=adj min=-1000 max=1000 step=1></label>\n"
	      "<input type=range id=drag min=-1000 max=1000 step=1 aria-label=\"oom_score_adj, by dragging\">\n"
	      "<button type=button id=reset>as it was</button></div>\n"
	      "<output id=result for=\"who adj drag\" aria-live=polite></output><p id=changes class=dim></p></div>\n", h->out);
}

static void put_no_model(struct oom_html *h)
{
	if (!h->page->no_whatif[0])
		return;
	fputs("<p class=dim>No what-if: ", h->out);
	oom_html_put(h, oom_str_from(h->page->no_whatif));
	fputs("</p>\n", h->out);
}

void oom_html_tasks(struct oom_html *h)
{
	const struct oom_replay *r = h->r;
	size_t rank = 0;

	if (!h->ev->ntasks)
		return;
	fprintf(h->out, "<section aria-labelledby=h-tasks%s><h2 id=h-tasks>All processes of the table</h2>\n",
		h->ev->ntasks > 250 ? " class=long" : "");
	if (h->page->has_whatif && h->page->whatif.after.replay.rank)
		put_panel(h);
	else
		put_no_model(h);
	fputs("<p class=script hidden><label>filter <input type=search id=filter placeholder=\"name, pid, uid\"></label> "
	      "<span id=shown role=status class=dim></span></p>\n", h->out);
	fprintf(h->out, "<p class=dim>%s</p>\n", !r->nscores ? "In the order of the log." :
		"All amounts are pages. The points open to show how they were made.");
	if (h->ev->ntasks > 40)
		fprintf(h->out, "<p class=paper>The first 40 of %zu rows.</p>\n", h->ev->ntasks);
	fputs("<div class=wide tabindex=0 role=region aria-label=\"task table\"><table id=tasks>"
	      "<caption>The table as the kernel printed it, by rank</caption>\n", h->out);
	put_head(h, r->nscores);
	fputs("<tbody>\n", h->out);
	for (size_t k = 0; k < h->ev->ntasks; k++) {
		size_t i = r->nscores ? r->rank[k] : k;
		bool in = r->nscores && r->score[i].why_not == OOM_WHY_ELIGIBLE;

		rank += in;
		put_row(h, i, in ? rank : 0);
	}
	fputs("</tbody></table></div>\n", h->out);
	oom_html_model(h);
	fputs("</section>\n", h->out);
}
