/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens.whatif/1.  Values are numbers and strings of one level, so the frame is written as it stands. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "whatif_impl.h"

#include <oomlens/render.h>

struct pen { FILE *out; int err; const char *sep; };

static void key(struct pen *p, const char *name)
{
	fprintf(p->out, "%s\"%s\": ", p->sep, name);
	p->sep = ", ";
}

static void put_int(struct pen *p, const char *name, int64_t v)
{
	key(p, name);
	if (v == OOM_NA)
		fputs("null", p->out);
	else
		fprintf(p->out, "%" PRId64, v);
}

static void put_bool(struct pen *p, const char *name, bool v)
{
	key(p, name);
	fputs(v ? "true" : "false", p->out);
}

static void put_str(struct pen *p, const char *name, struct oom_str s)
{
	key(p, name);
	if (oom_json_string(s, p->out) < 0)
		p->err = -ENOMEM;
}

static void put_text(struct pen *p, const char *name, const char *z)
{
	put_str(p, name, oom_str_from(z));
}

/* A number where it is one, and its ends where it is not. */
static void put_range(struct pen *p, const char *name, struct oom_range r)
{
	put_int(p, name, r.lo == r.hi ? r.lo : OOM_NA);
	if (r.lo >= r.hi)
		return;
	fprintf(p->out, ", \"%s_range\": [%" PRId64 ", %" PRId64 "]", name, r.lo, r.hi);
}

static void begin(struct pen *p, const char *text)
{
	fputs(text, p->out);
	p->sep = "";
}

static int64_t pid_of(const struct oom_whatif *w, uint32_t task)
{
	const struct oom_task *t = &w->event->task[task];

	return t->tgid != OOM_NA ? t->tgid : t->pid;
}

static void put_who(struct pen *p, const struct oom_whatif *w, uint32_t task)
{
	put_int(p, "pid", pid_of(w, task));
	put_str(p, "comm", w->event->task[task].comm);
}

static void put_side(struct pen *p, const struct oom_whatif *w, const struct oom_dry_run *d, const char *name)
{
	bool any = d->winner >= 0, own = any && d->winner == d->replay.winner;
	const struct oom_score *x = own ? &d->replay.winner_score : NULL;
	bool points = own && oom_explain_has_points(&d->replay, &d->event.task[d->winner], x) &&
		      x->points.lo == x->points.hi;

	fprintf(p->out, ",\n \"%s\": ", name);
	begin(p, "{\"winner\": ");
	if (any) {
		begin(p, "{");
		put_who(p, w, d->origin[d->winner]);
		put_int(p, "points", points ? x->points.lo : OOM_NA);
		put_int(p, "oom_score_adj", d->event.task[d->winner].oom_score_adj);
		put_range(p, "frees_kb", oom_dry_frees_kb(d, w->event, (size_t)d->winner));
		fputs("}", p->out);
	} else {
		fputs("null", p->out);
	}
	p->sep = ", ";
	put_int(p, "pid", any ? pid_of(w, d->origin[d->winner]) : OOM_NA);
	put_text(p, "verdict", oom_verdict_names[d->verdict]);
	put_text(p, "reason", oom_reason_name(d->reason));
	put_int(p, "margin", own ? d->margin : OOM_NA);
	put_int(p, "drift_bound", d->bound);
	put_range(p, "totalpages", d->total);
	fputs("}", p->out);
}

static void put_changes(struct pen *p, const struct oom_whatif *w)
{
	fputs(",\n \"changes\": [", p->out);
	for (size_t i = 0; i < w->nchanges; i++) {
		const struct oom_change *c = &w->change[i];

		begin(p, i ? ",\n  {" : "\n  {");
		put_who(p, w, c->task);
		put_int(p, "adj_from", c->adj_from);
		put_int(p, "adj_to", c->removed ? OOM_NA : c->adj_to);
		put_bool(p, "removed", c->removed);
		put_int(p, "grow_pages", c->grow_pages);
		put_bool(p, "solved", c->spared);
		fputs("}", p->out);
	}
	fputs("]", p->out);
}

static void put_ranking(struct pen *p, const struct oom_whatif *w)
{
	const struct oom_dry_run *a = &w->after, *b = &w->before;
	uint32_t *rank = oom_malloc((w->event->ntasks + 1) * sizeof(*rank));

	if (!rank) {
		p->err = -ENOMEM;
		return;
	}
	memset(rank, 0, (w->event->ntasks + 1) * sizeof(*rank));
	for (size_t k = 0; k < b->replay.nscores; k++)
		rank[b->origin[b->replay.rank[k]]] = (uint32_t)k + 1;
	fputs(",\n \"ranking\": [", p->out);
	for (size_t k = 0; k < a->event.ntasks; k++) {
		uint32_t i = a->replay.rank ? a->replay.rank[k] : (uint32_t)k;
		int64_t was = rank[a->origin[i]];

		fputs(k ? ",\n  " : "\n  ", p->out);
		if (oom_json_candidate(&a->replay, i, a->replay.rank ? k + 1 : 0, "rank_before", was ? was : OOM_NA,
				       p->out) < 0)
			p->err = -ENOMEM;
	}
	fputs("]", p->out);
	oom_free(rank);
}

static void put_kills(struct pen *p, const struct oom_whatif_answer *a)
{
	fputs(",\n \"kills\": [", p->out);
	for (size_t i = 0; i < a->nkills; i++) {
		const struct oom_kill *k = &a->kill[i];

		begin(p, i ? ",\n  {" : "\n  {");
		put_who(p, a->w, k->task);
		put_range(p, "frees_kb", k->frees_kb);
		put_range(p, "total_kb", k->total_kb);
		put_text(p, "role", k->with ? oom_role_names[k->role] : "chosen");
		put_bool(p, "certain", !k->doubtful);
		fputs("}", p->out);
	}
	fputs("]", p->out);
}

static void put_need(struct pen *p, const struct oom_whatif_answer *a)
{
	const struct oom_range *got = a->nkills ? &a->kill[a->nkills - 1].total_kb : NULL;

	begin(p, ",\n \"need\": {");
	put_int(p, "kb", a->need.kb);
	put_text(p, "what", a->need.what);
	put_str(p, "where", a->need.where);
	key(p, "covered");
	fputs(a->need.kb == OOM_NA || (!got && a->need.kb) ? "null" : !a->need.kb || got->lo >= a->need.kb ? "true" :
	      got->hi < a->need.kb ? "false" : "null", p->out);
	fputs("}", p->out);
}

static void put_spare(struct pen *p, const struct oom_whatif *w)
{
	static const char *const kinds[] = {
		[OOM_SPARE_NONE] = "none", [OOM_SPARE_ALREADY] = "already", [OOM_SPARE_SOLVED] = "solved",
		[OOM_SPARE_ONLY_MIN] = "only_min", [OOM_SPARE_NOBODY_ELSE] = "nobody_else",
		[OOM_SPARE_IMPOSSIBLE] = "impossible", [OOM_SPARE_UNDECIDABLE] = "undecidable",
	};

	fputs(",\n \"spare\": [", p->out);
	for (size_t i = 0; i < w->nspares; i++) {
		const struct oom_spare *x = &w->spare[i];

		begin(p, i ? ",\n  {" : "\n  {");
		put_who(p, w, x->task);
		put_text(p, "result", kinds[x->kind]);
		put_int(p, "adj_from", x->adj_from);
		put_int(p, "adj", x->adj);
		put_int(p, "adj_certain", x->adj_certain);
		put_int(p, "instead_pid", x->rival < 0 ? OOM_NA : pid_of(w, (uint32_t)x->rival));
		fputs("}", p->out);
	}
	fputs("]", p->out);
}

static void put_apply(struct pen *p, struct oom_str lines)
{
	fputs(",\n \"apply\": [", p->out);
	for (const char *sep = "\n  "; lines.n; sep = ",\n  ") {
		struct oom_str one;

		if (!oom_take_until(&lines, '\n', &one))
			break;
		(void)oom_take_char(&lines, '\n');
		fputs(sep, p->out);
		if (oom_json_string(one, p->out) < 0)
			p->err = -ENOMEM;
	}
	fputs("]", p->out);
}

static void put_head(struct pen *p, const struct oom_whatif_answer *a)
{
	const struct oom_event *ev = a->w->event;
	unsigned found = oom_whatif_warnings(a->w);

	begin(p, "{\n \"schema\": \"oomlens.whatif/1\",\n \"source\": {");
	put_bool(p, "live", ev->origin == OOM_ORIGIN_LIVE);
	put_int(p, "event", ev->origin == OOM_ORIGIN_LIVE ? OOM_NA : ev->id);
	put_str(p, "path", ev->path);
	put_str(p, "host", ev->host);
	put_str(p, "kernel", ev->kernel);
	put_text(p, "profile", a->w->base.profile->name);
	put_int(p, "sampled_us", a->sample_us);
	put_int(p, "age_us", a->age_us);
	put_int(p, "took_us", a->took_us);
	begin(p, "},\n \"domain\": {");
	put_text(p, "kind", oom_scope_names[ev->scope]);
	put_str(p, "path", ev->scope == OOM_SCOPE_MEMCG ? ev->oom_memcg : OOM_STR_NULL);
	fputs("}", p->out);
	fprintf(p->out, ",\n \"changed\": %s,\n \"warnings\": [", a->w->changed ? "true" : "false");
	fputs(found & OOM_WHATIF_KILLS_PROTECTED ? "\"kills_protected\"" : "", p->out);
	fputs(found == (OOM_WHATIF_KILLS_PROTECTED | OOM_WHATIF_LARGEST_UNKILLABLE) ? ", " : "", p->out);
	fputs(found & OOM_WHATIF_LARGEST_UNKILLABLE ? "\"largest_unkillable\"" : "", p->out);
	fputs("]", p->out);
}

int oom_whatif_json(const struct oom_whatif_answer *a, FILE *out)
{
	struct pen p = { .out = out };
	const struct oom_whatif *w = a->w;

	put_head(&p, a);
	put_side(&p, w, &w->before, "before");
	put_side(&p, w, &w->after, "after");
	put_changes(&p, w);
	put_spare(&p, w);
	put_need(&p, a);
	put_kills(&p, a);
	put_ranking(&p, w);
	put_apply(&p, a->apply);
	fputs("\n}\n", out);
	return p.err;
}
