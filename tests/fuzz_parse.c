/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: any bytes as a log, through the prefix parser, the parser, the replay, the cause, the explanation
 * and JSON, and what every event, verdict and ledger promises. */
#include <oomlens/parse.h>
#include <oomlens/render.h>

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

/* "exact" is a claim: there is a complete table, and who was killed is who was expected. */
static void check_claim(const struct oom_replay *r)
{
	const struct oom_event *ev = r->event;
	ptrdiff_t n = (ptrdiff_t)ev->ntasks;

	must(r->winner >= -1 && r->winner < n && r->runner_up >= -1 && r->runner_up < n);
	must(r->actual >= -1 && r->actual < n && r->text.p);
	if (r->verdict != OOM_VERDICT_EXACT)
		return;
	must(r->profile && ev->table_complete == 1);
	must(r->reason == OOM_REASON_NO_KILLABLE ? !ev->nvictims : r->winner >= 0 && r->winner == r->actual);
}

/* One finding is primary, the first; the rows that stand alone and the remainder make the total. */
static void why(const struct oom_replay *r)
{
	struct oom_diagnosis d;

	must(oom_diagnose(r, &d) == 0);
	must(d.nfindings > 0 && d.finding[0].primary);
	for (size_t i = 0; i < d.nfindings; i++) {
		must(i == 0 || !d.finding[i].primary);
		must((d.finding[i].confidence == OOM_CONFIDENCE_NONE) ==
		     (d.finding[i].cause == oom_cause_named("not_determined")));
	}
	for (size_t i = 0; i < d.books.nledgers; i++) {
		const struct oom_ledger *l = &d.books.ledger[i];
		int64_t sum = l->unaccounted_kb;

		for (size_t k = 0; k < l->nrows; k++) {
			must(l->row[k].kb >= 0 && l->row[k].of < (ptrdiff_t)k);
			sum += sum != OOM_NA && l->row[k].of == OOM_LEDGER_DISJOINT ? l->row[k].kb : 0;
		}
		must(l->unaccounted_kb == OOM_NA || sum == l->total_kb);
	}
	oom_diagnosis_release(&d);
}

static void replay(const struct oom_event *ev)
{
	struct oom_replay r;
	struct oom_doc doc = { .node = NULL };
	char *text = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&text, &size);

	must(f && oom_replay_run(ev, NULL, &r) == 0);
	check_claim(&r);
	must(oom_replay_rank(&r) == 0);
	why(&r);
	must(oom_explain(&r, NULL, &doc) == 0);
	oom_render_text(&doc, 40 + (unsigned)(ev->last_line & 63), ev->last_line & 1, f);
	must(oom_json_event(ev, &r, f) == 0);
	must(fclose(f) == 0);
	must(!memchr(text, '\0', size));
	free(text);
	oom_doc_release(&doc);
	oom_replay_release(&r);
}

static int64_t take(struct oom_parser *p, int64_t before)
{
	struct oom_event ev;

	while (oom_parser_take(p, &ev) == 1) {
		must(ev.first_line >= before);
		before = ev.first_line;
		check(&ev);
		replay(&ev);
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
