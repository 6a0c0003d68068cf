/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages: help, one task, the changes. */
#include "ui.h"

#include <oomlens/render.h>

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
	char buf[48];

	if (ui->list[0].cursor >= ui->norder)
		return;
	r = &m->row[ui->order[ui->list[0].cursor]];
	t = model_task(m, r);
	s = model_score(m, r);
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
		fprintf(out, "  %-10s ", columns[i].title);
		oom_put_safe(out, column_cell(&columns[i], m, r, buf, sizeof(buf)));
		fputc('\n', out);
	}
}

/* ---- changes ------------------------------------------------------------------------------------------- */

static void victim_line(const struct oom_replay *r, const char *when, FILE *out)
{
	if (r->winner < 0) {
		fprintf(out, "%s nobody would be killed\n", when);
		return;
	}
	fprintf(out, "%s ", when);
	oom_put_safe(out, r->event->task[r->winner].comm);
	fprintf(out, " (pid %lld) with %lld points\n", (long long)r->event->task[r->winner].pid, (long long)r->winner_score.nominal);
}

void page_whatif(struct ui *ui, FILE *out)
{
	const struct model *m = ui->m;

	if (!m->nchanges) {
		fprintf(out, "No what-if yet.  In the ranking, F7 and F8 (or [ and ]) move the oom_score_adj of a process, = asks for\n"
			     "a value; the ranking shows at once who would die then.  Nothing is written to the system.\n");
		return;
	}
	victim_line(&m->before, "Now:    ", out);
	victim_line(&m->replay, "What if:", out);
	fprintf(out, "\nThe changes:\n\n");
	for (size_t i = 0; i < m->nchanges; i++) {
		fprintf(out, "  %8lld  ", (long long)m->change[i].pid);
		oom_put_safe(out, oom_str_from(m->change[i].comm));
		fprintf(out, ": %lld -> %lld\n", (long long)m->change[i].from, (long long)m->change[i].to);
	}
	fprintf(out, "\nNothing was written.  For the processes that run now, this would make it real (lowering needs\n"
		     "CAP_SYS_RESOURCE):\n\n");
	for (size_t i = 0; i < m->nchanges; i++)
		fprintf(out, "  choom -p %lld -n %lld\n", (long long)m->change[i].pid, (long long)m->change[i].to);
	fprintf(out, "\nFor good, in a drop-in of the service's unit (systemctl edit UNIT):\n");
	for (size_t i = 0; i < m->nchanges; i++) {
		fprintf(out, "\n  # ");
		oom_put_safe(out, oom_str_from(m->change[i].comm));
		fprintf(out, "\n  [Service]\n  OOMScoreAdjust=%lld\n", (long long)m->change[i].to);
	}
}
