/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "batch.h"

#include "columns.h"
#include "ui.h"

#include <oomlens/render.h>

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

/* ---- JSON: oomlens.top/1 of interfaces.md -------------------------------------------------------------- */

static void number(FILE *out, const char *key, int64_t v)
{
	if (v == OOM_NA || v == OOM_UNLIMITED)
		fprintf(out, ", \"%s\": null", key);
	else
		fprintf(out, ", \"%s\": %" PRId64, key, v);
}

static void text(FILE *out, const char *key, struct oom_str s)
{
	fprintf(out, ", \"%s\": ", key);
	if (s.p)
		(void)oom_json_string(s, out);
	else
		fputs("null", out);
}

static void flag(FILE *out, const char *key, int64_t v)
{
	fprintf(out, ", \"%s\": %s", key, v == OOM_NA ? "null" : v ? "true" : "false");
}

static void json_domain(FILE *out, const struct model *m, const struct oom_domain *d, int64_t totalpages)
{
	fprintf(out, "\"domain\": {\"kind\": \"%s\"", oom_scope_names[d->scope]);
	text(out, "path", d->path);
	number(out, "totalpages", totalpages);
	number(out, "usage_kb", d->usage_kb);
	number(out, "limit_kb", d->limit_kb);
	number(out, "headroom_kb", d->headroom_kb);
	flag(out, "oom_group", d->oom_group);
	number(out, "room_kb", d->room_kb);
	number(out, "full_in_s", domain_seconds_left(m, d));
	number(out, "tasks", (int64_t)d->ntasks);
	fputc('}', out);
}

static void json_victim(FILE *out, const struct oom_task *t, int64_t points, int64_t margin)
{
	if (!t) {
		fputs(", \"next_victim\": null", out);
		return;
	}
	fprintf(out, ", \"next_victim\": {\"pid\": %" PRId64, t->pid);
	text(out, "comm", t->comm);
	number(out, "points", points);
	number(out, "margin_pages", margin);
	fputc('}', out);
}

static void json_row(FILE *out, const struct model *m, const struct row *r)
{
	const struct oom_task *t = model_task(m, r);
	const struct oom_score *s = model_score(m, r);

	fprintf(out, "{\"rank\": ");
	if (r->place)
		fprintf(out, "%u", r->place);
	else
		fputs("null", out);
	number(out, "pid", t->pid);
	number(out, "tgid", t->tgid);
	text(out, "comm", t->comm);
	number(out, "uid", t->uid);
	number(out, "points", r->points);
	number(out, "rss_pages", t->rss_pages);
	number(out, "swap_pages", t->swap_pages);
	number(out, "pgtables_pages", s && s->pgtables.lo == s->pgtables.hi ? s->pgtables.lo : OOM_NA);
	number(out, "adj", t->oom_score_adj);
	number(out, "adj_pages", s ? s->adj_pages : OOM_NA);
	fprintf(out, ", \"eligible\": %s, \"why_not\": ", r->place ? "true" : "false");
	if (r->place || !s)
		fputs("null}", out);
	else
		fprintf(out, "\"%s\"}", oom_why_not_names[s->why_not]);
}

/* Who reads a ranking by machine has to know that it is not of all. */
static void json_hidden(FILE *out, const struct model *m)
{
	const char *hidden;
	char buf[96];

	fprintf(out, ", \"complete\": %s, \"hidden\": [", m->sample.event->table_complete == 1 ? "true" : "false");
	for (size_t i = 0; (hidden = model_hidden(m, i, buf, sizeof(buf))); i++) {
		fputs(i ? ", " : "", out);
		(void)oom_json_string(oom_str_from(hidden), out);
	}
	fputs("], ", out);
}

static void json_head(FILE *out, const struct model *m)
{
	struct timespec ts;
	struct tm tm;
	char when[32];

	clock_gettime(CLOCK_REALTIME, &ts);
	gmtime_r(&ts.tv_sec, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%S", &tm);
	fprintf(out, "{\"schema\": \"oomlens.top/1\", \"time\": \"%s.%06ldZ\"", when, ts.tv_nsec / 1000);
	number(out, "monotonic_us", m->sample.event->boot_us);
	fprintf(out, ", \"source\": \"%s\", \"points\": \"%s\", \"drift_pages\": %" PRId64,
		m->sample.kernel_counters ? "bpf" : m->source->ops->name, oom_sample_points_names[m->sample.points],
		m->sample.drift_pages);
	json_hidden(out, m);
}

static void json_pass(FILE *out, const struct model *m, size_t top)
{
	const struct row *first = model_victim(m, 1), *second = model_victim(m, 2);
	int64_t total = m->replay.total.lo == m->replay.total.hi ? m->replay.total.lo : OOM_NA;

	json_head(out, m);
	json_domain(out, m, m->domain, total);
	json_victim(out, first ? model_task(m, first) : NULL, first ? first->points : OOM_NA,
		    second ? first->points - second->points : OOM_NA);
	fputs(", \"ranking\": [", out);
	for (size_t i = 0; i < m->nrows && (!top || i < top); i++) {
		fputs(i ? ", " : "", out);
		json_row(out, m, &m->row[i]);
	}
	fputs("]}\n", out);
}

static void json_domains(FILE *out, const struct model *m)
{
	json_head(out, m);
	fputs("\"domains\": [", out);
	for (size_t i = 0; i < m->sample.ndomains; i++) {
		const struct oom_domain *d = &m->sample.domain[i];

		fputs(i ? ", {" : "{", out);
		json_domain(out, m, d, d->total_pages);
		json_victim(out, d->victim >= 0 ? &m->sample.event->task[d->victim] : NULL, d->points, d->margin_pages);
		fputc('}', out);
	}
	fputs("]}\n", out);
}

/* ---- text ---------------------------------------------------------------------------------------------- */

static void field(FILE *out, const struct column *c, struct oom_str s, bool more)
{
	size_t cols, n, w = 0, width = c->width || !more ? (size_t)c->width : COLUMN_OPEN;

	for (struct oom_str t = s; t.n; t = oom_str_sub(t, n, t.n)) {
		n = oom_str_glyph(t, &cols);
		w += cols;
	}
	for (; c->kind != COLUMN_TEXT && w < width; w++)
		fputc(' ', out);
	oom_put_safe(out, s);
	for (; more && c->kind == COLUMN_TEXT && w < width; w++)
		fputc(' ', out);
}

static void text_pass(FILE *out, struct model *m, const struct setup *setup, size_t top)
{
	char buf[COLUMN_TEXT_MAX];

	for (size_t k = 0; k < setup->ncolumns; k++) {
		const struct column *c = &columns[setup->column[k]];

		fputs(k ? " " : "", out);
		field(out, c, oom_str_from(c->title), k + 1 < setup->ncolumns);
	}
	fputc('\n', out);
	for (size_t r = 0; r < m->nrows && (!top || r < top); r++) {
		for (size_t k = 0; k < setup->ncolumns; k++) {
			const struct column *c = &columns[setup->column[k]];

			if (!strcmp(c->key, "cmdline"))
				model_learn(m, &m->row[r]);
			fputs(k ? " " : "", out);
			field(out, c, column_cell(c, m, &m->row[r], buf, sizeof(buf)), k + 1 < setup->ncolumns);
		}
		fputc('\n', out);
	}
}

static void text_domains(FILE *out, const struct model *m)
{
	fprintf(out, "%8s %8s %8s %6s  %-24s  DOMAIN\n", "LIMIT", "USED", "ROOM", "TASKS", "NEXT VICTIM");
	for (size_t i = 0; i < m->sample.ndomains; i++) {
		const struct oom_domain *d = &m->sample.domain[i];
		char a[24], b[24], c[24];
		size_t n = 0;

		fprintf(out, "%8s %8s %8s %6zu  ", limit_text(d->limit_kb, a, sizeof(a)), limit_text(d->usage_kb, b, sizeof(b)),
			limit_text(d->room_kb, c, sizeof(c)), d->ntasks);
		if (d->victim >= 0) {
			const struct oom_task *t = &m->sample.event->task[d->victim];

			n = (size_t)fprintf(out, "%" PRId64 " ", t->pid);
			n += oom_put_safe(out, t->comm);
		} else {
			n = (size_t)fprintf(out, "none");
		}
		fprintf(out, "%*s  %s ", n < 24 ? (int)(24 - n) : 0, "", oom_scope_names[d->scope]);
		oom_put_safe(out, d->path);
		fputc('\n', out);
	}
}

/* ---- passes -------------------------------------------------------------------------------------------- */

static void wait_until(int64_t *next_ms, int64_t delay_ms, const volatile int *stop)
{
	struct timespec ts;

	*next_ms += delay_ms;
	ts.tv_sec = *next_ms / 1000;
	ts.tv_nsec = *next_ms % 1000 * 1000000;
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &ts, NULL) == EINTR && !*stop)
		;
}

int batch_run(struct model *m, const struct batch_opts *o, FILE *out, struct oom_err *reterr)
{
	struct timespec ts;
	int64_t next_ms;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	next_ms = ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
	for (int64_t i = 0; (!o->n || i < o->n) && !*o->stop && !ferror(out); i++) {
		int r;

		if (i)
			wait_until(&next_ms, o->delay_ms, o->stop);
		if (*o->stop)
			break;
		r = model_next(m, reterr);
		if (r)
			return r;
		if (i && !o->json)
			fputc('\n', out);
		if (o->json)
			o->domains ? json_domains(out, m) : json_pass(out, m, o->top);
		else if (o->domains)
			text_domains(out, m);
		else
			text_pass(out, m, o->setup, o->top);
		fflush(out);
	}
	return m->nrows > INT32_MAX ? INT32_MAX : (int)m->nrows;
}
