/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Charts as inline SVG, made here and not by a script; each is told in words as well, by a table or a list beside it. */
#include <oomlens/cause.h>

#include "html.h"

#define ROWS   10
#define LABEL  190            /* room for names, left */
#define FIGURE 130            /* room for points, right */
#define WIDTH  900
#define STEP   26

static double scaled(int64_t n, int64_t full)
{
	return full > 0 ? (double)n * (WIDTH - LABEL - FIGURE) / (double)full : 0;
}

static void bar(struct oom_html *h, const char *class, double x, double y, double w, double height)
{
	if (w > 0.05)
		fprintf(h->out, "<rect class=%s x=%.1f y=%.1f width=%.1f height=%.1f />", class, x, y, w, height);
}

static void key(struct oom_html *h, const char *class, const char *words)
{
	fprintf(h->out, "<li><svg viewBox=\"0 0 8 8\" aria-hidden=true><rect class=%s width=8 height=8 /></svg> %s</li>\n",
		class, words);
}

/* ---- the ranking ---------------------------------------------------------------------------------------- */

struct bars { int64_t rss, swap, tables, root, adj, points; };

static int64_t middle(struct oom_range r)
{
	return r.lo > r.hi ? 0 : r.lo + (r.hi - r.lo) / 2;
}

static struct bars bars_of(const struct oom_score *c, bool mille)
{
	struct bars b = { .points = c->nominal };

	if (mille)
		return b;
	b.rss = middle(c->rss);
	b.swap = middle(c->swap);
	b.tables = middle(c->pgtables);
	b.root = middle(c->root);
	b.adj = c->adj_pages == OOM_NA ? 0 : c->adj_pages;
	return b;
}

static int64_t used(const struct bars *b, bool mille)
{
	return mille ? b->points : b->rss + b->swap + b->tables;
}

static int64_t longest(const struct oom_html *h, size_t n, bool mille)
{
	int64_t max = 1;

	for (size_t k = 0; k < n; k++) {
		struct bars b = bars_of(&h->r->score[h->r->rank[k]], mille);
		int64_t u = used(&b, mille);

		max = b.points > max ? b.points : max;
		max = u > max ? u : max;
	}
	return max;
}

static void ranking_row(struct oom_html *h, size_t k, int64_t full, bool mille)
{
	uint32_t i = h->r->rank[k];
	const struct oom_task *t = &h->ev->task[i];
	struct bars b = bars_of(&h->r->score[i], mille);
	int64_t u = used(&b, mille);
	double y = (double)k * STEP + 4, x = LABEL;

	fprintf(h->out, "<text x=%d y=%.1f text-anchor=end>", LABEL - 8, y + 14);
	oom_html_put(h, t->comm.p ? t->comm : OOM_STR("?"));
	if (t->pid != OOM_NA)
		fprintf(h->out, " <tspan class=dim>%lld</tspan>", (long long)t->pid);
	fputs("</text>", h->out);
	if (mille) {
		bar(h, "s0", x, y, scaled(b.points, full), 18);
	} else {
		bar(h, "s0", x, y, scaled(b.rss, full), 18);
		bar(h, "s1", x + scaled(b.rss, full), y, scaled(b.swap, full), 18);
		bar(h, "s2", x + scaled(b.rss + b.swap, full), y, scaled(b.tables, full), 18);
		if (b.points > u)
			bar(h, "s4", x + scaled(u, full), y, scaled(b.points - u, full), 18);
		else if (b.points < u)
			bar(h, "cut", x + scaled(b.points > 0 ? b.points : 0, full), y,
			    scaled(u - (b.points > 0 ? b.points : 0), full), 18);
	}
	fprintf(h->out, "<text x=%.1f y=%.1f>", x + scaled(u > b.points ? u : b.points, full) + 6, y + 14);
	if (oom_explain_has_points(h->r, t, &h->r->score[i]))
		oom_html_range(h, h->r->score[i].points);
	fputs("</text>\n", h->out);
}

void oom_html_ranking(struct oom_html *h)
{
	const struct oom_replay *r = h->r;
	bool mille = r->profile && r->profile->flags & OOM_PROFILE_PER_MILLE;
	size_t n = 0;
	int64_t full;

	while (n < r->nscores && n < ROWS && r->score[r->rank[n]].why_not == OOM_WHY_ELIGIBLE)
		n++;
	if (!n || !oom_explain_has_points(r, &h->ev->task[r->rank[0]], &r->score[r->rank[0]]))
		return;
	full = longest(h, n, mille);
	fprintf(h->out, "<figure><svg role=img aria-labelledby=ranking-title viewBox=\"0 0 %d %zu\">"
		"<title id=ranking-title>%s of the first %zu of %zu candidates; the table of all processes has the same "
		"numbers</title>\n", WIDTH, n * STEP + 4, mille ? "Score" : "Points", n, r->neligible);
	fprintf(h->out, "<line class=axis x1=%d x2=%d y1=0 y2=%zu />\n", LABEL, LABEL, n * STEP + 4);
	for (size_t k = 0; k < n; k++)
		ranking_row(h, k, full, mille);
	fputs("</svg><figcaption><ul class=legend>\n", h->out);
	if (mille) {
		key(h, "s0", "score, of 1,000");
	} else {
		key(h, "s0", "in RAM");
		key(h, "s1", "swapped out");
		key(h, "s2", "page tables");
		key(h, "s4", "added by oom_score_adj");
		key(h, "cut", "taken off by oom_score_adj");
	}
	fputs("</ul></figcaption></figure>\n", h->out);
}

/* ---- the ledger ----------------------------------------------------------------------------------------- */

static const char *const groups[] = {
	[OOM_LEDGER_FREE] = "s3", [OOM_LEDGER_ANON] = "s0", [OOM_LEDGER_SHARED] = "s5", [OOM_LEDGER_FILE] = "s4",
	[OOM_LEDGER_KERNEL] = "s1", [OOM_LEDGER_HUGE] = "s2", [OOM_LEDGER_RESERVED] = "s6", [OOM_LEDGER_OTHER] = "s7",
};

static const char *group_of(const struct oom_ledger_row *row)
{
	return row->group < OOM_ARRAY_SIZE(groups) ? groups[row->group] : "s7";
}

static int64_t sum_of(const struct oom_ledger *l)
{
	int64_t sum = 0;

	for (size_t i = 0; i < l->nrows; i++)
		if (l->row[i].of == OOM_LEDGER_DISJOINT && l->row[i].kb > 0)
			sum += l->row[i].kb;
	if (l->unaccounted_kb != OOM_NA && l->unaccounted_kb > 0)
		sum += l->unaccounted_kb;
	return sum > 0 ? sum : 1;
}

static double part_of(int64_t kb, int64_t sum)
{
	return (double)kb * WIDTH / (double)sum;
}

static void ledger_name(struct oom_html *h, const struct oom_ledger *l)
{
	if (l->domain == OOM_LEDGER_NODE) {
		fprintf(h->out, "NUMA node %lld", (long long)l->node);
	} else if (l->domain == OOM_LEDGER_MEMCG) {
		fputs("The memory cgroup ", h->out);
		oom_html_put(h, l->path.p ? l->path : OOM_STR("(not named)"));
	} else {
		fputs("The machine's RAM", h->out);
	}
}

static void ledger_bar(struct oom_html *h, const struct oom_ledger *l, size_t index)
{
	int64_t sum = sum_of(l), at = 0;

	fprintf(h->out, "<svg role=img aria-labelledby=ledger%zu viewBox=\"0 0 %d 34\"><title id=ledger%zu>", index, WIDTH, index);
	ledger_name(h, l);
	fputs(" divided; the table below has the numbers</title>", h->out);
	for (size_t i = 0; i < l->nrows; i++) {
		if (l->row[i].of != OOM_LEDGER_DISJOINT || l->row[i].kb <= 0)
			continue;
		fprintf(h->out, "<rect class=%s x=%.1f y=2 width=%.1f height=30><title>", group_of(&l->row[i]), part_of(at, sum),
			part_of(l->row[i].kb, sum));
		oom_html_put(h, oom_str_from(l->row[i].name));
		fputs(": ", h->out);
		oom_html_kb(h, l->row[i].kb);
		fputs("</title></rect>", h->out);
		at += l->row[i].kb;
	}
	if (l->unaccounted_kb != OOM_NA && l->unaccounted_kb > 0)
		fprintf(h->out, "<rect class=gap x=%.1f y=2 width=%.1f height=30><title>unaccounted</title></rect>",
			part_of(at, sum), part_of(l->unaccounted_kb, sum));
	fprintf(h->out, "<rect class=frame x=0.5 y=2 width=%d height=30 /></svg>\n", WIDTH - 1);
}

static void share(struct oom_html *h, int64_t kb, int64_t total_kb)
{
	int64_t tenths = oom_ledger_share(kb, total_kb);

	if (tenths == OOM_NA)
		fputs("<td class=n>-</td>", h->out);
	else
		fprintf(h->out, "<td class=n>%s%lld.%lld %%</td>", tenths < 0 ? "-" : "",
			(long long)(tenths < 0 ? -tenths : tenths) / 10, (long long)(tenths < 0 ? -tenths : tenths) % 10);
}

static void ledger_row(struct oom_html *h, const struct oom_ledger *l, size_t i, unsigned depth)
{
	const struct oom_ledger_row *row = &l->row[i];

	if (!row->kb)
		return;
	fputs("<tr><td>", h->out);
	if (!depth && row->of == OOM_LEDGER_DISJOINT)
		fprintf(h->out, "<svg class=swatch viewBox=\"0 0 8 8\" aria-hidden=true><rect class=%s width=8 height=8 /></svg> ",
			group_of(row));
	fputs(depth ? "<span class=dim>of it</span> " : row->of == OOM_LEDGER_ASIDE ? "<span class=dim>aside</span> " : "", h->out);
	oom_html_put(h, oom_str_from(row->name));
	oom_html_line(h, row->line, oom_str_from(row->name));
	fputs("</td><td class=n>", h->out);
	oom_html_kb(h, row->kb);
	fputs("</td>", h->out);
	share(h, row->kb, l->total_kb);
	fputs("</tr>\n", h->out);
	for (size_t k = 0; k < l->nrows && depth < 3; k++)
		if (l->row[k].of == (ptrdiff_t)i)
			ledger_row(h, l, k, depth + 1);
}

static void ledger_table(struct oom_html *h, const struct oom_ledger *l)
{
	fputs("<table><thead><tr><th scope=col>what</th><th scope=col class=n>how much</th>"
	      "<th scope=col class=n>of all</th></tr></thead><tbody>\n", h->out);
	for (size_t i = 0; i < l->nrows; i++)
		if (l->row[i].of == OOM_LEDGER_DISJOINT)
			ledger_row(h, l, i, 0);
	if (l->unaccounted_kb != OOM_NA) {
		fputs("<tr><td>unaccounted", h->out);
		if (l->missing) {
			fputs(" <span class=dim>", h->out);
			oom_html_put(h, oom_str_from(l->missing));
			fputs("</span>", h->out);
		}
		fputs("</td><td class=n>", h->out);
		oom_html_kb(h, l->unaccounted_kb);
		fputs("</td>", h->out);
		share(h, l->unaccounted_kb, l->total_kb);
		fputs("</tr>\n", h->out);
	}
	if (l->total_kb != OOM_NA) {
		fputs("<tr class=strong><td>in all", h->out);
		oom_html_line(h, l->total_line, OOM_STR("total"));
		fputs("</td><td class=n>", h->out);
		oom_html_kb(h, l->total_kb);
		fputs("</td><td></td></tr>\n", h->out);
	}
	for (size_t i = 0; i < l->nrows; i++)
		if (l->row[i].of == OOM_LEDGER_ASIDE)
			ledger_row(h, l, i, 0);
	fputs("</tbody></table>\n", h->out);
}

bool oom_html_has_ledgers(const struct oom_html *h)
{
	const struct oom_books *b = &h->page->cause.books;

	for (size_t i = 0; i < b->nledgers; i++)
		if (b->ledger[i].nrows)
			return true;
	return false;
}

void oom_html_ledgers(struct oom_html *h)
{
	const struct oom_books *b = &h->page->cause.books;

	if (!oom_html_has_ledgers(h))
		return;
	fputs("<section aria-labelledby=h-ledger><h2 id=h-ledger>Where the memory was</h2>\n", h->out);
	for (size_t i = 0; i < b->nledgers; i++) {
		const struct oom_ledger *l = &b->ledger[i];

		if (!l->nrows)
			continue;
		fputs("<h3>", h->out);
		ledger_name(h, l);
		if (l->total_kb != OOM_NA) {
			fputs(": ", h->out);
			oom_html_kb(h, l->total_kb);
		}
		fputs("</h3>\n", h->out);
		ledger_bar(h, l, i);
		/* nodes repeat the machine: their numbers are there for who asks */
		if (l->domain == OOM_LEDGER_NODE)
			fputs("<details><summary>the numbers</summary>\n", h->out);
		ledger_table(h, l);
		if (l->domain == OOM_LEDGER_NODE)
			fputs("</details>\n", h->out);
	}
	fputs("</section>\n", h->out);
}
