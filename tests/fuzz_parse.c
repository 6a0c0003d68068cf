/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: any bytes as a log, through the prefix parser and the parser, and what every event promises. */
#include <oomlens/parse.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* Reads every byte of every string, so that the sanitizer sees borrowed memory that is gone. */
static unsigned touch(const struct oom_record *r, const void *rec)
{
	unsigned sum = 0;

	for (size_t i = 0; i < r->nfields; i++) {
		struct oom_str s = r->field[i].type == OOM_TYPE_STR ? oom_field_str(&r->field[i], rec) : OOM_STR_NULL;

		for (size_t k = 0; k < s.n; k++)
			sum += (unsigned char)s.p[k];
	}
	return sum;
}

static void check(const struct oom_event *ev)
{
	unsigned sum = touch(&oom_event_record, ev);

	must(ev->first_line <= ev->last_line);
	must(!ev->table_complete || (ev->has_table && (ev->ntasks || !ev->nvictims)));
	must((ev->nvictims > 0) == (ev->outcome == OOM_OUTCOME_KILLED));
	for (size_t i = 0; i < ev->ntasks; i++)
		sum += touch(&oom_task_record, &ev->task[i]);
	for (size_t i = 0; i < ev->nmemory; i++)
		sum += touch(&oom_memory_record, &ev->memory[i]);
	for (size_t i = 0; i < ev->nvictims; i++)
		sum += touch(&oom_victim_record, &ev->victim[i]);
	for (size_t i = 0; i < ev->npriors; i++)
		sum += touch(&oom_prior_record, &ev->prior[i]);
	for (size_t i = 0; i < ev->nnotes; i++)
		sum += touch(&oom_note_record, &ev->note[i]);
	for (size_t i = 0; i < ev->nraw; i++) {
		sum += touch(&oom_raw_record, &ev->raw[i]);
		must(!i || ev->raw[i - 1].line < ev->raw[i].line);
	}
	*(volatile unsigned *)&sum = sum;
}

static int64_t take(struct oom_parser *p, int64_t before)
{
	struct oom_event ev;

	while (oom_parser_take(p, &ev) == 1) {
		must(ev.first_line >= before);
		before = ev.first_line;
		check(&ev);
		oom_event_release(&ev);
	}
	return before;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oom_prefix_state st = { .last = 0 };
	struct oom_buf scratch = { .p = NULL };
	const char *p = (const char *)data, *end = p + size;
	struct oom_parser *parser;
	int64_t lineno = 0, before = 0;

	if (oom_parser_new(&parser) < 0)
		return 0;
	must(oom_parser_begin(parser, OOM_STR("fuzz")) == 0);
	while (p < end) {
		const char *nl = memchr(p, '\n', (size_t)(end - p));
		size_t n = (size_t)((nl ? nl : end) - p);
		char *copy = malloc(n + 1);    /* its own block, gone after the call: nothing may borrow it */
		struct oom_line line;

		if (!copy)
			break;
		memcpy(copy, p, n);
		oom_prefix_parse(&st, (struct oom_str){ copy, n }, &scratch, &line);
		line.raw = (struct oom_str){ copy, n };
		line.lineno = ++lineno;
		must(oom_parser_feed(parser, &line) == 0);
		before = take(parser, before);
		free(copy);
		p += n + 1;
	}
	must(oom_parser_finish(parser) == 0);
	must(oom_parser_quiet(parser));
	take(parser, before);
	oom_parser_free(parser);
	oom_buf_release(&scratch);
	return 0;
}
