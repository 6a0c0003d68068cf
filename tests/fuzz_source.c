/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: every line of the input through the prefix parser, the whole of it through both searches. */
#include <oomlens/source.h>

#include <stdlib.h>
#include <string.h>

#include "../collector/scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct oom_str s, const struct oom_line *line, const struct oom_buf *scratch)
{
	bool in_raw = s.p >= line->raw.p && s.p + s.n <= line->raw.p + line->raw.n;
	bool in_scratch = scratch->p && s.p >= scratch->p && s.p + s.n <= scratch->p + scratch->cap;

	if (s.p && s.n && !in_raw && !in_scratch)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oom_prefix_state st = { .last = 0 };
	struct oom_buf scratch = { .p = NULL };
	const char *p = (const char *)data, *end = p + size;

	if (size && oom_scan_anchor(p, size) != oom_scan_anchor_portable(p, size))
		abort();
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
	return 0;
}
