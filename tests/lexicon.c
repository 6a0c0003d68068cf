/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * lexicon DIR LOG...: what the store would compress of each event's lines, a file each, to learn a dictionary from
 * (tests/lexicon.sh).
 */
#include <stdio.h>
#include <stdlib.h>

#include <oomlens/parse.h>
#include <oomlens/source.h>

#include "../analyzer/store_impl.h"

static const char *dir;
static int64_t written;

static void need(bool ok)
{
	if (!ok)
		abort();
}

static void take_all(struct oom_store *s, struct oom_parser *p)
{
	struct oom_event ev;
	char path[256];
	FILE *f;

	while (oom_parser_take(p, &ev) == 1) {
		need(oom_store_pack_raw(s, &ev, NULL) == 0);
		snprintf(path, sizeof(path), "%s/%06lld", dir, (long long)written++);
		f = fopen(path, "wb");
		need(f && fwrite(s->lines.p, 1, s->lines.n, f) == s->lines.n && fclose(f) == 0);
		oom_event_release(&ev);
	}
}

int main(int argc, char **argv)
{
	struct oom_store s = { .failed = false };
	struct oom_input *in;
	struct oom_parser *p;
	struct oom_line line;

	need(argc > 2);
	dir = argv[1];
	need(oom_packer_new(&s.packer) == 0);
	need(oom_input_open((const char *const *)argv + 2, (size_t)argc - 2, &in, NULL) == 0 && oom_parser_new(&p) == 0);
	while (oom_input_next_text(in, NULL) > 0) {
		need(oom_parser_begin(p, OOM_STR("log")) == 0);
		while (oom_input_next_line(in, oom_parser_quiet(p), &line, NULL) > 0) {
			need(oom_parser_feed(p, &line) == 0);
			take_all(&s, p);
		}
		need(oom_parser_finish(p) == 0);
		take_all(&s, p);
	}
	oom_parser_free(p);
	oom_input_close(in);
	printf("%lld events\n", (long long)written);
	return 0;
}
