/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page for a ticket: GitHub-flavoured Markdown, every name escaped so that it stays text. */
#include <oomlens/page.h>

#include <errno.h>
#include <string.h>

#define RANKING 10            /* rows */

struct pen {
	FILE *out;
	bool cell;                /* inside a table, '|' and newlines end a cell */
};

/* Bytes that mean something in Markdown or in the HTML that it may hold; what steers or reorders text by its bytes. */
static void put(struct pen *p, struct oom_str s)
{
	size_t n, cols;

	for (; (n = oom_str_glyph(s, &cols)) != 0; s = oom_str_sub(s, n, s.n)) {
		if (cols >= 4 * n && n == 1 && (unsigned char)s.p[0] >= 0x80)
			fputs("\xef\xbf\xbd", p->out);
		else if (cols >= 4 * n)
			for (size_t i = 0; i < n; i++)
				fprintf(p->out, "\\\\x%02x", (unsigned char)s.p[i]);
		else if (s.p[0] == '<')
			fputs("&lt;", p->out);
		else if (s.p[0] == '&')
			fputs("&amp;", p->out);
		else if (memchr("\\`*_{}[]|#~>!@", s.p[0], 14))
			fprintf(p->out, "\\%c", s.p[0]);
		else
			fwrite(s.p, 1, n, p->out);
	}
}

static void put_line(struct pen *p, int64_t line)
{
	if (line != OOM_NA)
		fprintf(p->out, " (line %lld)", (long long)line);
}

static void row(struct pen *p, struct oom_str text, bool head)
{
	uint64_t right = 0;
	size_t n = 0;

	for (; text.p; n++) {
		const char *tab = text.n ? memchr(text.p, '\t', text.n) : NULL;
		struct oom_str cell = oom_str_sub(text, 0, tab ? (size_t)(tab - text.p) : text.n);

		if (head && oom_take_char(&cell, '>') && n < 64)
			right |= UINT64_C(1) << n;
		fputs("| ", p->out);
		put(p, cell);
		fputc(' ', p->out);
		text = tab ? oom_str_sub(text, cell.n + 1 + (head && right >> n & 1), text.n) : OOM_STR_NULL;
	}
	fputs("|\n", p->out);
	for (size_t i = 0; head && i < n; i++)
		fprintf(p->out, "|%s%s", i < 64 && right >> i & 1 ? " ---:" : " --- ", i + 1 < n ? "" : "|\n");
}

static void node(struct pen *p, const struct oom_doc *d, size_t i)
{
	const struct oom_node *n = &d->node[i];
	bool again = i && d->node[i - 1].kind == n->kind;

	switch ((enum oom_node_kind)n->kind) {
	case OOM_NODE_TITLE:
		fputs("# ", p->out);
		break;
	case OOM_NODE_VERDICT:
		fputs("\n**", p->out);
		put(p, n->text);
		fputs("**\n", p->out);
		return;
	case OOM_NODE_SECTION:
		fputs("\n## ", p->out);
		break;
	case OOM_NODE_FACT:
		fputs(again ? n->key.n ? "- **" : "  - " : "\n- **", p->out);
		put(p, n->key);
		fputs(n->key.n || !again ? "**: " : "", p->out);
		break;
	case OOM_NODE_NOTE:
		fputs(again ? "- " : "\n- ", p->out);
		break;
	case OOM_NODE_TABLE:
		fputc('\n', p->out);
		row(p, n->text, true);
		return;
	case OOM_NODE_ROW:
		row(p, n->text, false);
		return;
	case OOM_NODE_QUOTE:
		fputs("\n> ", p->out);
		break;
	case OOM_NODE_TEXT:
		fputc('\n', p->out);
		break;
	}
	put(p, n->text);
	put_line(p, n->line);
	fputc('\n', p->out);
}

static void put_incident(struct pen *p, const struct oom_incident *in)
{
	if (in->nmoments < 2)
		return;
	fputs("\n## The incident\n\n", p->out);
	for (size_t i = 0; i < in->nmoments; i++) {
		const struct oom_moment *m = &in->moment[i];

		fputs("1. ", p->out);
		if (m->boot_us != OOM_NA && m->boot_us >= 0)
			fprintf(p->out, "%lld.%06lld s: ", (long long)(m->boot_us / 1000000), (long long)(m->boot_us % 1000000));
		if (m->teller != OOM_TELLER_KERNEL)
			fprintf(p->out, "%s: ", oom_teller_names[m->teller]);
		put(p, m->text);
		put_line(p, m->line);
		fputc('\n', p->out);
	}
}

int oom_page_markdown(const struct oom_page *page, FILE *out)
{
	const struct oom_explain_opts opts = { .top = RANKING };
	struct pen p = { .out = out };
	struct oom_doc doc;
	int r = oom_explain(page->replay, &opts, &doc);

	if (r < 0)
		return r;
	for (size_t i = 0; i < doc.nnodes; i++)
		node(&p, &doc, i);
	put_incident(&p, &page->incident);
	fputs(page->redacted ? "\nMade by oomlens " OOMLENS_VERSION "; names, paths and ids are pseudonyms, numbers are the log's.\n"
			     : "\nMade by oomlens " OOMLENS_VERSION ".\n", out);
	oom_doc_release(&doc);
	return 0;
}
