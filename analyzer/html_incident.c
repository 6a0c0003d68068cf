/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The timeline of the incident, and of its text the other events. */
#include <oomlens/incident.h>

#include "html.h"

static const char *class_of(const struct oom_moment *m)
{
	if (m->other || m->teller != OOM_TELLER_KERNEL)
		return " class=other";
	return m->kind == OOM_MOMENT_KILL || m->kind == OOM_MOMENT_END ? " class=kill" : "";
}

static int64_t first_us(const struct oom_incident *in)
{
	for (size_t i = 0; i < in->nmoments; i++)
		if (in->moment[i].boot_us != OOM_NA)
			return in->moment[i].boot_us;
	return OOM_NA;
}

/* Since the first moment that the boot clock knows; else what the line had. */
static void put_time(struct oom_html *h, const struct oom_moment *m, int64_t first)
{
	int64_t us;

	fputs("<span class=t>", h->out);
	if (m->boot_us != OOM_NA && first != OOM_NA && !__builtin_sub_overflow(m->boot_us, first, &us) && us > INT64_MIN / 2) {
		uint64_t n = us < 0 ? -(uint64_t)us : (uint64_t)us;

		fprintf(h->out, "%s%llu.%03llu s", us < 0 ? "-" : "+", (unsigned long long)(n / 1000000),
			(unsigned long long)(n % 1000000 / 1000));
	} else if (m->stamp.n) {
		oom_html_put(h, m->stamp);
	}
	fputs("</span> ", h->out);
}

static void put_moment(struct oom_html *h, const struct oom_moment *m, int64_t first)
{
	fprintf(h->out, "<li%s>", class_of(m));
	put_time(h, m, first);
	if (m->teller != OOM_TELLER_KERNEL)
		fprintf(h->out, "<b>%s:</b> ", oom_teller_names[m->teller]);
	oom_html_put(h, m->text);
	oom_html_line(h, m->line, oom_str_from(oom_moment_names[m->kind]));
	fputs("</li>\n", h->out);
}

/* The lines themselves: they are not among those of the event. */
static void put_notes(struct oom_html *h)
{
	const struct oom_incident *in = &h->page->incident;
	bool any = false;

	for (size_t i = 0; i < in->nmoments; i++)
		any |= in->moment[i].teller != OOM_TELLER_KERNEL;
	if (!any)
		return;
	fputs("<details><summary>What those programs wrote</summary><pre>", h->out);
	for (size_t i = 0; i < h->ev->nnotes; i++) {
		const struct oom_note *n = &h->ev->note[i];

		if (!oom_str_is(n->kind, OOM_NOTE_COLLATERAL))
			continue;
		fprintf(h->out, "%lld: ", (long long)n->line);
		oom_html_put(h, n->text);
		fputc('\n', h->out);
	}
	fputs("</pre><p class=dim>Anybody may write such a line; the kernel's own are those below.</p></details>\n", h->out);
}

static void put_storm(struct oom_html *h)
{
	const struct oom_storm *s = h->page->storm;
	size_t n = 0, from = s ? oom_storm_of(s, h->ev->id, &n) : 0;

	(void)from;
	if (!s || s->nbriefs < 2)
		return;
	fprintf(h->out, "<p>This is event %lld of the %zu in this log; %zu of them, no more than 30 s apart, are this "
		"incident.</p>\n", (long long)h->ev->id, s->nbriefs, n);
}

void oom_html_incident(struct oom_html *h)
{
	const struct oom_incident *in = &h->page->incident;
	int64_t first = first_us(in);

	if (in->nmoments < 2)
		return;
	fputs("<section aria-labelledby=h-incident><h2 id=h-incident>The incident</h2>\n", h->out);
	put_storm(h);
	fputs("<ol id=timeline>\n", h->out);
	for (size_t i = 0; i < in->nmoments; i++)
		put_moment(h, &in->moment[i], first);
	fputs("</ol>\n", h->out);
	put_notes(h);
	fputs("</section>\n", h->out);
}
