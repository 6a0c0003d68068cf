/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages: help, one task, the changes. */
#include "ui.h"

#include <oomlens/render.h>
#include <oomlens/whatif.h>

#include <errno.h>
#include <string.h>

void page_help(struct ui *ui, FILE *out)
{
	(void)ui;
	fprintf(out, "oomtop shows whom the OOM killer would choose now, in the domain that is looked at: the whole\n"
		     "machine, a memory cgroup with a limit, a cpuset or a memory policy.  It never writes to the system.\n\n");
	for (size_t i = 0; i < nbindings; i++) {
		char names[64];

		if (bindings[i].help)
			fprintf(out, "  %-14s %s\n", key_names(&bindings[i], names, sizeof(names)), bindings[i].help);
	}
	fprintf(out, "\nA kill of the last 15 minutes leaves marks: \"!2m\" stands beside processes of the same name, \"!hog 2m\"\n"
		     "beside those of the cgroup that lost hog, and beside the domain that ran out of memory.  In a selection of\n"
		     "the past: \"!killed\", \"!group\" with its memory.oom.group, \"!child\" in its parent's place, \"!same mm\",\n"
		     "\"!before\" by an earlier event of the boot.\n");
	fprintf(out, "\nColumns (F2 chooses them):\n\n");
	for (size_t i = 0; i < ncolumns; i++)
		fprintf(out, "  %-14s %s\n", columns[i].title, columns[i].help);
}

/* ---- one task ------------------------------------------------------------------------------------------ */

static void term_line(FILE *out, const char *what, int64_t pages, int64_t page_size)
{
	char text[24];

	pages_text(pages, page_size, text, sizeof(text));
	fprintf(out, "  %12lld  %-22s %s\n", (long long)pages, what, text);
}

static void arithmetic(const struct model *m, const struct oom_task *t, const struct oom_score *s, FILE *out)
{
	int64_t size = m->ranked->page_size;
	bool pages = !(m->replay.profile->flags & OOM_PROFILE_PER_MILLE);

	fprintf(out, "Badness by the rules of Linux %s to %s:\n  %s\n\n", m->replay.profile->since, m->replay.profile->until,
		m->replay.profile->formula);
	if (!pages) {
		fprintf(out, "  %lld points of 1000\n", (long long)s->nominal);
		return;
	}
	term_line(out, "resident pages", s->rss.lo, size);
	term_line(out, "swap entries", s->swap.lo, size);
	if (m->replay.profile->flags & OOM_PROFILE_PTES)
		term_line(out, "page tables", s->pgtables.lo, size);
	if (s->adj_pages) {
		char what[64];

		snprintf(what, sizeof(what), "oom_score_adj %lld", (long long)t->oom_score_adj);
		term_line(out, what, s->adj_pages, size);
		fprintf(out, "                = %lld x (%lld totalpages / 1000)\n", (long long)t->oom_score_adj, (long long)m->replay.total.lo);
	}
	fprintf(out, "  ------------\n");
	term_line(out, "points", s->nominal, size);
	if (t->kernel_points != OOM_NA)
		term_line(out, "as the kernel said", t->kernel_points, size);
}

static void neighbours(const struct model *m, const struct row *r, FILE *out)
{
	for (size_t place = r->place > 2 ? r->place - 2 : 1; place <= r->place + 2u; place++) {
		const struct row *other = model_victim(m, place);
		char text[24];

		if (!other)
			continue;
		pages_text(other->points, m->ranked->page_size, text, sizeof(text));
		fprintf(out, "  %s%4u  %12lld  %8s  ", other == r ? ">" : " ", other->place, (long long)other->points, text);
		oom_put_safe(out, model_task(m, other)->comm);
		fprintf(out, " (pid %lld)\n", (long long)model_task(m, other)->pid);
	}
}

static const char *why_not(const struct oom_score *s)
{
	if (!s)
		return "the rules of this kernel are not known";
	switch (s->why_not) {
	case OOM_WHY_ADJ_MIN:        return "oom_score_adj -1000: never";
	case OOM_WHY_GLOBAL_INIT:    return "it is init";
	case OOM_WHY_ALREADY_VICTIM: return "it is dying already";
	default:                     return "its values cannot be read";
	}
}

void page_task(struct ui *ui, FILE *out)
{
	const struct model *m = ui->m;
	const struct row *r;
	const struct oom_task *t;
	const struct oom_score *s;
	char buf[COLUMN_TEXT_MAX];

	if (ui->list[0].cursor >= ui->norder)
		return;
	r = &m->row[ui->order[ui->list[0].cursor]];
	t = model_task(m, r);
	s = model_score(m, r);
	model_learn(ui->m, r);
	oom_put_safe(out, t->comm);
	fprintf(out, " (pid %lld): ", (long long)t->pid);
	if (r->place == 1)
		fprintf(out, "the next victim of this domain, of %zu processes\n\n", m->nrows);
	else if (r->place)
		fprintf(out, "place %u of %zu processes\n\n", r->place, m->nrows);
	else
		fprintf(out, "no candidate: %s\n\n", why_not(s));
	if (r->place && s)
		arithmetic(m, t, s, out);
	if (r->place) {
		fprintf(out, "\nAround it:\n\n");
		neighbours(m, r, out);
	}
	fputc('\n', out);
	for (size_t i = 0; i < ncolumns; i++) {
		fprintf(out, "  %-12s ", columns[i].title);
		oom_put_safe(out, column_cell(&columns[i], m, r, buf, sizeof(buf)));
		fputc('\n', out);
	}
}

/* ---- changes ------------------------------------------------------------------------------------------- */

/* The changes as the edits of a dry run; text lives as long as they do. */
struct edits { struct oom_edit *edit; char (*text)[48]; };

static int edits_of(const struct model *m, struct edits *ret)
{
	struct oom_err err = { 0 };

	ret->edit = oom_malloc(m->nchanges * sizeof(*ret->edit));
	ret->text = oom_malloc(m->nchanges * sizeof(*ret->text));
	for (size_t i = 0; ret->edit && ret->text && i < m->nchanges; i++) {
		/* "==": absolute, whatever the sign */
		snprintf(ret->text[i], sizeof(ret->text[i]), "%lld==%lld", (long long)m->change[i].pid, (long long)m->change[i].to);
		if (oom_edit_parse(OOM_EDIT_SET, oom_str_from(ret->text[i]), NULL, &ret->edit[i], &err))
			return -EINVAL;
	}
	return ret->edit && ret->text ? 0 : -ENOMEM;
}

static int tell(const struct oom_whatif_answer *a, unsigned width, FILE *out)
{
	struct oom_doc doc = { 0 };
	int r = oom_whatif_explain(a, &doc);

	if (!r)
		oom_render_text(&doc, width, false, out);
	oom_doc_release(&doc);
	return r;
}

static int tell_commands(const struct oom_whatif *w, const struct oom_whatif_opts *opts, FILE *out)
{
	static const enum oom_apply how[] = { OOM_APPLY_CHOOM, OOM_APPLY_SYSTEMD, OOM_APPLY_KUBERNETES };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(how); i++) {
		struct oom_buf b = { 0 };
		int r = oom_whatif_apply(w, opts, how[i], &b);

		if (!r) {
			fprintf(out, "\nTo make it real with %s (nothing was written):\n\n", oom_apply_names[how[i]]);
			fwrite(b.p, 1, b.n, out);
		}
		oom_buf_release(&b);
		if (r)
			return r;
	}
	return 0;
}

static int dry_run(struct ui *ui, const struct edits *e, FILE *out)
{
	const struct model *m = ui->m;
	const struct oom_whatif_opts opts = {
		.edit = e->edit, .nedits = m->nchanges, .allow_empty = true, .profile = m->sample.profile,
		.drift = m->sample.drift_pages ? 2 * m->sample.drift_pages : OOM_NA,
	};
	struct oom_whatif_answer a = { .opts = &opts, .sample_us = OOM_NA, .took_us = OOM_NA, .age_us = OOM_NA };
	struct oom_err err = { 0 };
	struct oom_whatif w;
	int r = oom_whatif_run(&m->view, &opts, &w, &err);

	if (r && err.text[0]) {
		fprintf(out, "%s\n", err.text);
		r = 0;
	} else if (!r) {
		a.w = &w;
		oom_whatif_need(&w, &a.need);
		r = tell(&a, (unsigned)(ui->grid.w < 40 ? 40 : ui->grid.w), out);
		if (!r)
			r = tell_commands(&w, &opts, out);
	}
	oom_whatif_release(&w);
	return r;
}

void page_whatif(struct ui *ui, FILE *out)
{
	struct edits e = { 0 };
	int r;

	if (!ui->m->nchanges) {
		fprintf(out, "No what-if yet.  In the ranking, F7 and F8 (or [ and ]) move the oom_score_adj of a process, = asks for\n"
			     "a value; the ranking shows at once who would die then.  Nothing is written to the system.\n");
		return;
	}
	r = edits_of(ui->m, &e);
	if (!r)
		r = dry_run(ui, &e, out);
	if (r)
		fprintf(out, "cannot tell: %s\n", strerror(-r));
	oom_free(e.edit);
	oom_free(e.text);
}
