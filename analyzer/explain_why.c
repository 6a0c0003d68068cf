/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arithmetic of the choice, term by term, and the field it was made from. */
#include <string.h>

#include "explain_impl.h"

#define NAMES_MAX 6           /* processes named in one sentence */
#define MARKS_MAX 256         /* victims looked up for a row: a hostile log may hold a million */
#define QUOTE_MAX 400         /* bytes of a quoted line */

/* ---- terms ------------------------------------------------------------ */

static void term(struct oom_say *s, const char *label, struct oom_range pages)
{
	oom_say(s, OOM_NODE_ROW, OOM_TONE_PLAIN, OOM_NA, NULL, "%s\t%s\t%s", label, oom_say_cell(s, pages),
		oom_say_cell_size(s, pages));
}

static struct oom_range exactly(int64_t n)
{
	return n == OOM_NA ? (struct oom_range){ 1, 0 } : (struct oom_range){ n, n };
}

static struct oom_range adj_term(const struct oom_replay *r, const struct oom_task *t,
				 const struct oom_score *c)
{
	int64_t a, b;

	if (!t->oom_score_adj)
		return exactly(0);
	if (t->oom_score_adj == OOM_NA || !oom_range_known(r->total))
		return exactly(OOM_NA);
	if (r->total.lo == r->total.hi)
		return exactly(c->adj_pages);
	/* The kernel divides first: adj * (totalpages / 1000). */
	if (__builtin_mul_overflow(t->oom_score_adj, r->total.lo / 1000, &a) ||
	    __builtin_mul_overflow(t->oom_score_adj, r->total.hi / 1000, &b))
		return exactly(OOM_NA);
	return a < b ? (struct oom_range){ a, b } : (struct oom_range){ b, a };
}

static const char *root_label(enum oom_root_rule rule)
{
	static const char *const labels[] = {
		[OOM_ROOT_NONE] = "",
		[OOM_ROOT_MINUS_30] = "root bonus: 30 of 1,000",
		[OOM_ROOT_ADJ_MINUS_30] = "root bonus: 3 % of totalpages",
		[OOM_ROOT_MINUS_3_PERCENT] = "root bonus: 3 % of the above",
	};

	return labels[rule];
}

static const char *thousandth(struct oom_say *s)
{
	struct oom_range total = s->r->total;

	if (!oom_range_exact(total) || total.lo >> 40)
		return "totalpages/1000";
	return oom_say_z(s, "%s (totalpages/1000)", oom_say_num(s, total.lo / 1000));
}

static void say_usage(struct oom_say *s, const struct oom_score *c)
{
	term(s, "memory in RAM (rss)", c->rss);
	term(s, "swapped out (swapents)", c->swap);
	if (s->r->profile->flags & OOM_PROFILE_PTES)
		term(s, "page tables", c->pgtables);
}

/* Do the terms of the row make the points that the kernel gave? */
static bool sums_up(const struct oom_score *c)
{
	return oom_range_exact(c->rss) && oom_range_exact(c->swap) && oom_range_exact(c->pgtables) &&
	       c->rss.lo + c->swap.lo + c->pgtables.lo + c->adj_pages == c->points.lo;
}

static void say_terms_pages(struct oom_say *s, const struct oom_task *t, const struct oom_score *c)
{
	const struct oom_profile *p = s->r->profile;
	const char *adj = "oom_score_adj", *label = "= points";

	if (t->oom_score_adj != OOM_NA)
		adj = oom_say_z(s, "adj %lld x %s", (long long)t->oom_score_adj, thousandth(s));
	oom_say(s, OOM_NODE_TABLE, OOM_TONE_PLAIN, OOM_NA, NULL, "%s\t>pages\t>size",
		oom_say_proc(s, t->comm, t->pid));
	say_usage(s, c);
	if (p->root != OOM_ROOT_NONE && !(c->root.lo == 0 && c->root.hi == 0))
		term(s, root_label(p->root), c->root);
	term(s, adj, adj_term(s->r, t, c));
	if (s->ev->ballot == OOM_BALLOT_RECORDED && t->kernel_points != OOM_NA)
		label = oom_say_z(s, "%s points, by the kernel itself", sums_up(c) ? "=" : "(not the sum)");
	oom_say(s, OOM_NODE_ROW, OOM_TONE_STRONG, OOM_NA, NULL, "%s\t%s\t%s", label,
		oom_say_cell(s, c->points), oom_say_cell_size(s, c->points));
}

static void say_terms_per_mille(struct oom_say *s, const struct oom_task *t, const struct oom_score *c)
{
	const struct oom_profile *p = s->r->profile;

	oom_say(s, OOM_NODE_TABLE, OOM_TONE_PLAIN, OOM_NA, NULL, "%s\t>pages\t>size\t>of 1,000",
		oom_say_proc(s, t->comm, t->pid));
	say_usage(s, c);
	if (p->root != OOM_ROOT_NONE && !(c->root.lo == 0 && c->root.hi == 0))
		oom_say(s, OOM_NODE_ROW, OOM_TONE_PLAIN, OOM_NA, NULL, "%s\t\t\t%s", root_label(p->root),
			oom_say_cell(s, c->root));
	oom_say(s, OOM_NODE_ROW, OOM_TONE_PLAIN, OOM_NA, NULL, "oom_score_adj\t\t\t%s",
		oom_say_cell(s, exactly(t->oom_score_adj)));
	oom_say(s, OOM_NODE_ROW, OOM_TONE_STRONG, OOM_NA, NULL, "= score, usage x 1,000 / totalpages\t\t\t%s",
		oom_say_cell(s, c->points));
}

static bool has_terms(const struct oom_replay *r)
{
	return r->actual >= 0 && oom_explain_has_points(r, &r->event->task[r->actual], &r->actual_score);
}

static void say_terms(struct oom_say *s)
{
	const struct oom_replay *r = s->r;
	const struct oom_task *t;
	const struct oom_score *c = &r->actual_score;

	if (!has_terms(r))
		return;
	t = &s->ev->task[r->actual];
	if (oom_say_per_mille(s))
		say_terms_per_mille(s, t, c);
	else
		say_terms_pages(s, t, c);
}

static void say_rule(struct oom_say *s)
{
	const struct oom_replay *r = s->r;
	const struct oom_profile *p = r->profile;
	const char *span;

	span = p->until && strcmp(p->since, p->until) ? oom_say_z(s, "%s to %s", p->since, p->until)
						      : p->since;
	oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "rule", "%sLinux %s, from %s",
		r->reason == OOM_REASON_UNKNOWN_KERNEL ? "perhaps " : "", span,
		r->profile_how ? r->profile_how : "the request of the user");
	if (!has_terms(r))
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "points", "%s", p->formula);
}

static void say_total(struct oom_say *s)
{
	const struct oom_replay *r = s->r;
	const char *how;

	how = r->total_how.p ? oom_say_z(s, ": %s", oom_say_safe(s, r->total_how)) : "";
	if (oom_range_known(r->total))
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "totalpages", "%s%s",
			oom_say_range(s, r->total), how);
	else
		oom_say(s, OOM_NODE_FACT, OOM_TONE_WARN, OOM_NA, "totalpages", "unknown%s", how);
}

/* ---- ranking ------------------------------------------------------------ */

static bool is_victim(const struct oom_event *ev, const struct oom_task *t)
{
	for (size_t i = 0; i < ev->nvictims && i < MARKS_MAX; i++)
		if (ev->victim[i].pid == t->pid || ev->victim[i].pid == t->tgid)
			return true;
	return false;
}

static bool is_trigger(const struct oom_event *ev, const struct oom_task *t)
{
	return ev->trigger_pid != OOM_NA && (t->pid == ev->trigger_pid || t->tgid == ev->trigger_pid);
}

static const char *mark(struct oom_say *s, uint32_t i)
{
	const struct oom_task *t = &s->ev->task[i];
	const char *m = "";

	if (is_victim(s->ev, t))
		m = "killed";
	else if ((ptrdiff_t)i == s->r->actual)
		m = "chosen";
	if (oom_task_is_origin(s->ev, t))
		m = oom_say_join(s, m, ", ", "first by its own wish");
	return is_trigger(s->ev, t) ? oom_say_join(s, m, ", ", "asked") : m;
}

static bool must_show(const struct oom_say *s, uint32_t i)
{
	const struct oom_event *ev = s->ev;
	const struct oom_task *t = &ev->task[i];

	return (ptrdiff_t)i == s->r->actual || (ptrdiff_t)i == s->r->winner || is_trigger(ev, t) ||
	       (ev->nvictims && (t->pid == ev->victim[0].pid || t->tgid == ev->victim[0].pid));
}

static bool any_swap(const struct oom_event *ev)
{
	for (size_t i = 0; i < ev->ntasks; i++)
		if (ev->task[i].swap_pages != OOM_NA && ev->task[i].swap_pages)
			return true;
	return false;
}

static void say_rank_row(struct oom_say *s, size_t rank, uint32_t i, bool swap)
{
	const struct oom_task *t = &s->ev->task[i];

	oom_say(s, OOM_NODE_ROW, (ptrdiff_t)i == s->r->actual ? OOM_TONE_STRONG : OOM_TONE_PLAIN, OOM_NA,
		NULL, "%zu\t%s\t%s\t%s\t%s\t%s%s%s\t%s", rank,
		t->pid == OOM_NA ? "-" : oom_say_z(s, "%lld", (long long)t->pid), oom_say_name(s, t->comm),
		oom_explain_has_points(s->r, t, &s->r->score[i]) ? oom_say_cell(s, s->r->score[i].points)
								 : "-",
		t->rss_pages == OOM_NA ? "-" : oom_say_size(s, t->rss_pages),
		swap ? t->swap_pages == OOM_NA ? "-" : oom_say_size(s, t->swap_pages) : "", swap ? "\t" : "",
		t->oom_score_adj == OOM_NA ? "-" : oom_say_z(s, "%lld", (long long)t->oom_score_adj),
		mark(s, i));
}

static void say_ranking(struct oom_say *s)
{
	const struct oom_replay *r = s->r;
	bool swap = any_swap(s->ev);
	size_t shown = 0, eligible = 0;

	if (!r->neligible) {
		oom_say(s, OOM_NODE_TEXT, OOM_TONE_PLAIN, OOM_NA, NULL,
			"No row of the table can be scored.");
		return;
	}
	oom_say(s, OOM_NODE_TABLE, OOM_TONE_PLAIN, OOM_NA, NULL, ">#\t>pid\tprocess\t>%s\t>in RAM%s\t>adj\t",
		oom_say_per_mille(s) ? "score" : "points", swap ? "\t>swapped" : "");
	for (size_t k = 0; k < r->nscores; k++) {
		uint32_t i = r->rank[k];

		if (r->score[i].why_not != OOM_WHY_ELIGIBLE)
			continue;
		eligible++;
		if (eligible > s->top && !must_show(s, i))
			continue;
		say_rank_row(s, eligible, i, swap);
		shown++;
	}
	if (eligible > shown)
		oom_say(s, OOM_NODE_TEXT, OOM_TONE_DIM, OOM_NA, NULL, "... and %s",
			oom_say_count(s, (int64_t)(eligible - shown), "more candidate", "more candidates"));
}

static void say_margin(struct oom_say *s)
{
	const struct oom_replay *r = s->r;
	const struct oom_task *w, *u;
	const char *by, *lead = "";

	if (r->margin == OOM_NA || r->winner < 0 || r->runner_up < 0)
		return;
	w = &s->ev->task[r->winner];
	u = &s->ev->task[r->runner_up];
	by = oom_say_per_mille(s) ? oom_say_count(s, r->margin, "point", "points")
				  : oom_say_pages(s, r->margin);
	if (!r->margin) {
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "margin", "none: %s has the same points",
			oom_say_proc(s, u->comm, u->pid));
		return;
	}
	if (r->winner != r->actual)
		lead = oom_say_z(s, "%s leads by ", oom_say_proc(s, w->comm, w->pid));
	oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "margin", "%s%s; next is %s", lead, by,
		oom_say_proc(s, u->comm, u->pid));
}

/* ---- who was not eligible ------------------------------------------------------------ */

static const char *const why_not_words[] = {
	[OOM_WHY_ADJ_MIN] = "oom_score_adj -1000 forbids it",
	[OOM_WHY_ALREADY_VICTIM] = "already killed or given up earlier in this log",
	[OOM_WHY_GLOBAL_INIT] = "the init process is never chosen",
	[OOM_WHY_ADJ_UNKNOWN] = "their oom_score_adj is not in the log",
	[OOM_WHY_DAMAGED_ROW] = "their row of the table is damaged",
	[OOM_WHY_OTHER_NODES] = "they may not use the NUMA nodes that were short, so the kernel passed them over",
	[OOM_WHY_NO_MM] = "they had no memory of their own any more",
	[OOM_WHY_MM_SKIPPED] = "their memory was reaped or given up for another process",
	[OOM_WHY_VFORK_CHILD] = "a vfork child that still borrows its parent's memory",
	[OOM_WHY_REFUSED] = "the kernel refused them; why was not recorded",
	[OOM_WHY_NOT_SCANNED] = "in the table, but the kernel did not look at them when it chose",
};

/* An earlier kill need not be in this log where the kernel itself told of it. */
const char *oom_explain_why_not(const struct oom_event *ev, uint8_t why)
{
	if (why == OOM_WHY_ALREADY_VICTIM && ev->ballot != OOM_BALLOT_NONE)
		return "already killed or given up earlier";
	return why < OOM_ARRAY_SIZE(why_not_words) && why_not_words[why] ? why_not_words[why] : "";
}

static void say_not_eligible(struct oom_say *s, uint8_t why)
{
	const struct oom_replay *r = s->r;
	const char *list = "";
	int64_t n = 0;

	for (size_t i = 0; i < r->nscores; i++) {
		const struct oom_task *t = &s->ev->task[i];

		if (r->score[i].why_not != why)
			continue;
		if (n++ < NAMES_MAX)
			list = oom_say_join(s, list, ", ", oom_say_proc(s, t->comm, t->pid));
	}
	if (!n)
		return;
	if (n > NAMES_MAX)
		list = oom_say_z(s, "%s and %s more", list, oom_say_num(s, n - NAMES_MAX));
	oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "not eligible", "%s: %s",
		oom_explain_why_not(s->ev, why), list);
}

static void say_reason(struct oom_say *s)
{
	const struct oom_replay *r = s->r;
	struct oom_str quote = oom_event_line(s->ev, r->evidence_line);

	if (r->text.p && r->text.n)
		oom_say(s, OOM_NODE_TEXT, OOM_TONE_PLAIN, r->evidence_line, NULL, "%s",
			oom_say_safe(s, r->text));
	/* An exception from the rule is believed only when it is seen. */
	if (quote.p && r->verdict == OOM_VERDICT_EXPLAINED)
		oom_say(s, OOM_NODE_QUOTE, OOM_TONE_DIM, OOM_NA, NULL, "%s",
			oom_say_safe(s, oom_str_sub(quote, 0, QUOTE_MAX)));
}

void oom_say_why(struct oom_say *s)
{
	const struct oom_replay *r = s->r;
	const bool scored = r->profile && r->rank && r->nscores &&
			    (!oom_say_per_mille(s) || oom_range_known(r->total));

	if (!scored && r->reason == OOM_REASON_NO_TASK_TABLE)
		return;               /* the verdict has said it */
	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "%s",
		s->ev->nvictims || s->ev->chosen_pid != OOM_NA ? "Why this process" : "The choice");
	say_reason(s);
	if (!scored && !has_terms(r))
		return;
	say_rule(s);
	say_terms(s);
	say_total(s);
	if (!scored)
		return;
	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Against whom");
	if (!s->page || !r->neligible)
		say_ranking(s);
	say_margin(s);
	for (unsigned why = OOM_WHY_ELIGIBLE + 1; why < OOM_ARRAY_SIZE(why_not_words); why++)
		say_not_eligible(s, (uint8_t)why);
}
