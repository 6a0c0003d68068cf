/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A document as HTML: sections with headings, facts as a description list, tables with headers. */
#include "html.h"

static const char *const tones[] = {
	[OOM_TONE_PLAIN] = "", [OOM_TONE_GOOD] = " class=good", [OOM_TONE_WARN] = " class=warn",
	[OOM_TONE_BAD] = " class=bad", [OOM_TONE_DIM] = " class=dim", [OOM_TONE_STRONG] = " class=strong",
};

static const char *tone(const struct oom_node *n)
{
	return n->tone < OOM_ARRAY_SIZE(tones) ? tones[n->tone] : "";
}

static struct oom_str next_cell(struct oom_str *row)
{
	const char *tab = row->n ? memchr(row->p, '\t', row->n) : NULL;
	size_t n = tab ? (size_t)(tab - row->p) : row->n;
	struct oom_str cell = oom_str_sub(*row, 0, n);

	*row = tab ? oom_str_sub(*row, n + 1, row->n) : OOM_STR_NULL;
	return cell;
}

static size_t columns(struct oom_str row)
{
	size_t n = 0;

	for (; row.p; n++)
		(void)next_cell(&row);
	return n;
}

static void heading(struct oom_html *h, struct oom_str row, uint64_t *right)
{
	*right = 0;
	fputs("<thead><tr>", h->out);
	for (size_t i = 0; row.p; i++) {
		struct oom_str cell = next_cell(&row);
		bool number = oom_take_char(&cell, '>');

		*right |= number && i < 64 ? UINT64_C(1) << i : 0;
		fprintf(h->out, "<th scope=col%s>", number ? " class=n" : "");
		oom_html_put(h, cell);
		fputs("</th>", h->out);
	}
	fputs("</tr></thead>\n", h->out);
}

static void row(struct oom_html *h, const struct oom_node *n, uint64_t right, size_t cols)
{
	struct oom_str rest = n->text;
	size_t i = 0;

	fprintf(h->out, "<tr%s>", tone(n));
	for (; rest.p; i++) {
		fputs(i < 64 && right >> i & 1 ? "<td class=n>" : "<td>", h->out);
		oom_html_put(h, next_cell(&rest));
		if (!rest.p)
			oom_html_line(h, n->line, OOM_STR("row"));
		fputs("</td>", h->out);
	}
	for (; i < cols; i++)
		fputs("<td></td>", h->out);
	fputs("</tr>\n", h->out);
}

static size_t table(struct oom_html *h, const struct oom_doc *d, size_t at, size_t to)
{
	size_t cols = columns(d->node[at].text);
	uint64_t right;

	fputs("<table>\n", h->out);
	heading(h, d->node[at].text, &right);
	fputs("<tbody>\n", h->out);
	for (at++; at < to && d->node[at].kind == OOM_NODE_ROW; at++)
		row(h, &d->node[at], right, cols);
	fputs("</tbody></table>\n", h->out);
	return at - 1;
}

/* Facts in a row are one list, and so are notes. */
static size_t list(struct oom_html *h, const struct oom_doc *d, size_t at, size_t to)
{
	uint8_t kind = d->node[at].kind;
	bool facts = kind == OOM_NODE_FACT;

	fputs(facts ? "<dl>\n" : "<ul>\n", h->out);
	for (; at < to && d->node[at].kind == kind; at++) {
		const struct oom_node *n = &d->node[at];

		if (facts) {
			/* without a key it is one more of the fact before */
			fputs(n->key.n ? "<dt>" : "", h->out);
			oom_html_put(h, n->key);
			fprintf(h->out, "%s<dd%s>", n->key.n ? "</dt>" : "", tone(n));
		} else {
			fprintf(h->out, "<li%s>", tone(n));
		}
		oom_html_put(h, n->text);
		oom_html_line(h, n->line, facts ? n->key : OOM_STR("remark"));
		fputs(facts ? "</dd>\n" : "</li>\n", h->out);
	}
	fputs(facts ? "</dl>\n" : "</ul>\n", h->out);
	return at - 1;
}

static void paragraph(struct oom_html *h, const struct oom_node *n, const char *tag, struct oom_str what)
{
	fprintf(h->out, "<%s%s>", tag, tone(n));
	oom_html_put(h, n->text);
	oom_html_line(h, n->line, what);
	fprintf(h->out, "</%s>\n", tag);
}

void oom_html_doc(struct oom_html *h, const struct oom_doc *d, size_t from, size_t to)
{
	for (size_t i = from; i < to && i < d->nnodes; i++) {
		const struct oom_node *n = &d->node[i];

		switch ((enum oom_node_kind)n->kind) {
		case OOM_NODE_TITLE:
			fputs("<h1>", h->out);
			oom_html_put(h, n->text);
			fputs("</h1>\n", h->out);
			break;
		case OOM_NODE_VERDICT:
			fprintf(h->out, "<p id=verdict%s>", tone(n));
			oom_html_put(h, n->text);
			oom_html_line(h, n->line, OOM_STR("verdict"));
			fputs("</p>\n", h->out);
			break;
		case OOM_NODE_SECTION:          /* page.c's, which gives them a place in the page */
			break;
		case OOM_NODE_TEXT:
			paragraph(h, n, "p", OOM_STR("sentence"));
			break;
		case OOM_NODE_FACT:
		case OOM_NODE_NOTE:
			i = list(h, d, i, to);
			break;
		case OOM_NODE_TABLE:
			i = table(h, d, i, to);
			break;
		case OOM_NODE_ROW:
			paragraph(h, n, "p", OOM_STR("row"));
			break;
		case OOM_NODE_QUOTE:
			fputs("<pre>", h->out);
			oom_html_put(h, n->text);
			fputs("</pre>\n", h->out);
			break;
		}
	}
}
