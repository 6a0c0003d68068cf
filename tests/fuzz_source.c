/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: every line of the input through the prefix parser, the whole of it through both searches
 * and, in small reads, through the reader of texts, quiet and not.
 */
#include <oomlens/source.h>

#include <stdlib.h>
#include <string.h>

#include "../collector/scan.h"
#include "../collector/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct bytes {
	const uint8_t *p;
	size_t n, step;
};

static ssize_t take(void *self, char *p, size_t n, struct oom_err *reterr)
{
	struct bytes *b = self;

	(void)reterr;
	if (n > b->step)
		n = b->step;
	if (n > b->n)
		n = b->n;
	memcpy(p, b->p, n);
	b->p += n;
	b->n -= n;
	return (ssize_t)n;
}

static void inside(struct oom_str s, const struct oom_line *line, const struct oom_buf *scratch)
{
	bool in_raw = s.p >= line->raw.p && s.p + s.n <= line->raw.p + line->raw.n;
	bool in_scratch = scratch->p && s.p >= scratch->p && s.p + s.n <= scratch->p + scratch->cap;

	if (s.p && s.n && !in_raw && !in_scratch)
		abort();
}

static void prefixes(const char *p, const char *end)
{
	struct oom_prefix_state st = { .last = 0 };
	struct oom_buf scratch = { .p = NULL };

	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		/* its own block, so that a read behind the end shows */
		char *copy = malloc(n + 1);
		struct oom_line line;

		if (!copy)
			break;
		memcpy(copy, p, n);
		oom_prefix_parse(&st, (struct oom_str){ copy, n }, &scratch, &line);
		inside(line.text, &line, &scratch);
		inside(line.host, &line, &scratch);
		inside(line.stamp, &line, &scratch);
		inside(line.caller, &line, &scratch);
		inside(line.boot_id, &line, &scratch);
		free(copy);
		p += n + 1;
	}
	oom_buf_release(&scratch);
}

/* How many physical lines the reader counted. */
static int64_t read_text(const uint8_t *data, size_t size, size_t step, bool quiet)
{
	static struct oom_text t;
	struct bytes b = { data, size, step };
	struct oom_stream s = { .read = take, .self = &b };
	struct oom_line line;
	uint64_t sum = 0;

	if (oom_text_open(&t, &s, NULL) < 0)
		return -1;
	while (oom_text_next(&t, quiet, &line, NULL) > 0)
		for (size_t i = 0; i < line.text.n; i++)
			sum += (uint8_t)line.text.p[i];
	oom_text_close(&t);
	return sum == UINT64_MAX ? -1 : t.lines;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *p = (const char *)data;
	size_t step = size ? 1 + data[0] * 16u : 1;
	int64_t lines;

	if (size && oom_scan_anchor(p, size) != oom_scan_anchor_portable(p, size))
		abort();
	prefixes(p, p + size);
	lines = read_text(data, size, step, false);
	if (lines != read_text(data, size, step, true))
		abort();
	return 0;
}
