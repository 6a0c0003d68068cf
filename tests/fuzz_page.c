/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: any bytes as a log; each event as a page and as Markdown, as it is and redacted, and what both promise:
 * no markup of the log's own, valid UTF-8, no byte that steers a terminal. */
#include <oomlens/page.h>
#include <oomlens/parse.h>
#include <oomlens/redact.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Elements that the page has of itself; a name of the log must not add one. */
static void check_html(const char *text, size_t size)
{
	static const char *const none[] = { "<img", "<iframe", "<object", "<link", "<form" };
	const char *body = strstr(text, "</head>");
	size_t cols, n;

	must(body && strstr(text, "default-src 'none'"));
	/* as text those may stand there, but then '<' and quotes are escaped */
	for (size_t i = 0; i < OOM_ARRAY_SIZE(none); i++)
		must(!strstr(body, none[i]));
	for (struct oom_str s = { text, size }; (n = oom_str_glyph(s, &cols)) != 0; s = oom_str_sub(s, n, s.n))
		must(cols < 4 * n || s.p[0] == '\n' || s.p[0] == '\t');
}

static void check_markdown(const char *text)
{
	must(!strchr(text, '<'));
}

static void render(const struct oom_event *ev, bool redacted)
{
	struct oom_replay r;
	struct oom_page page;
	char *html = NULL, *md = NULL;
	size_t nhtml, nmd;
	FILE *a = open_memstream(&html, &nhtml), *b = open_memstream(&md, &nmd);

	must(a && b && oom_replay_run(ev, NULL, &r) == 0 && oom_replay_rank(&r) == 0);
	must(oom_page_make(&r, NULL, NULL, &page) == 0);
	page.redacted = redacted;
	must(oom_page_html(&page, a) == 0 && oom_page_markdown(&page, b) == 0);
	fclose(a);
	fclose(b);
	check_html(html, nhtml);
	check_markdown(md);
	free(html);
	free(md);
	oom_page_release(&page);
	oom_replay_release(&r);
}

static void take(struct oom_parser *p)
{
	static const struct oom_redact_key key = { { 1, 2 } };
	struct oom_event ev, red;

	while (oom_parser_take(p, &ev) == 1) {
		render(&ev, false);
		must(oom_redact(&ev, &key, &red) == 0);
		render(&red, true);
		oom_event_release(&red);
		oom_event_release(&ev);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oom_prefix_state st = { .last = 0 };
	struct oom_buf scratch = { .p = NULL };
	const char *p = (const char *)data, *end = p + size;
	struct oom_parser *parser;
	int64_t lineno = 0;

	if (oom_parser_new(&parser) < 0)
		return 0;
	must(oom_parser_begin(parser, OOM_STR("fuzz")) == 0);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		struct oom_str raw = { p, (size_t)((nl ? nl : end) - p) };
		struct oom_line line;

		oom_prefix_parse(&st, raw, &scratch, &line);
		line.raw = raw;
		line.lineno = ++lineno;
		must(oom_parser_feed(parser, &line) == 0);
		take(parser);
		p += raw.n + 1;
	}
	must(oom_parser_finish(parser) == 0);
	take(parser);
	oom_parser_free(parser);
	oom_buf_release(&scratch);
	return 0;
}
