/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The answer as a document: who would die, what that gives, and what to mind. */
#include <errno.h>
#include <string.h>

#include "evaluate.h"
#include "explain_impl.h"
#include "whatif_impl.h"

#define TOP_DEFAULT 8
#define ROWS_MAX    20

struct page {
	struct oom_say s;
	const struct oom_whatif_answer *a;
	const struct oom_whatif *w;
};

#define PLAIN(p, kind, key, ...) oom_say(&(p)->s, kind, OOM_TONE_PLAIN, OOM_NA, key, __VA_ARGS__)
#define WARN(p, key, ...)        oom_say(&(p)->s, OOM_NODE_FACT, OOM_TONE_WARN, OOM_NA, key, __VA_ARGS__)

static const char *who(struct page *p, ptrdiff_t task)
{
	const struct oom_task *t = task < 0 ? NULL : &p->w->event->task[task];

	return t ? oom_say_proc(&p->s, t->comm, t->tgid != OOM_NA ? t->tgid : t->pid) : "nobody";
}

static ptrdiff_t winner(const struct oom_dry_run *d)
{
	return d->winner < 0 ? -1 : (ptrdiff_t)d->origin[d->winner];
}

static const char *adj(struct page *p, int64_t v)
{
	return v == OOM_NA ? "-" : oom_say_z(&p->s, "%lld", (long long)v);
}

/* ---- title and verdict ------------------------------------------------------------------------------ */

static const char *place(struct page *p)
{
	const struct oom_event *ev = p->w->event;
	const char *host = ev->host.n ? oom_say_z(&p->s, " on %s", oom_say_name(&p->s, ev->host)) : "";

	switch ((enum oom_scope)ev->scope) {
	case OOM_SCOPE_MEMCG:
		return oom_say_z(&p->s, "the cgroup %s%s", oom_say_name(&p->s, ev->oom_memcg), host);
	case OOM_SCOPE_CPUSET:
		return oom_say_z(&p->s, "%s of a cpuset%s", oom_say_nodes(&p->s, ev->mems_allowed), host);
	case OOM_SCOPE_MEMPOLICY:
		return oom_say_z(&p->s, "%s of a memory policy%s", oom_say_nodes(&p->s, ev->nodemask), host);
	default:
		return oom_say_z(&p->s, "the whole machine%s", host);
	}
}

static void say_title(struct page *p)
{
	const struct oom_event *ev = p->w->event;
	const char *what;

	if (ev->origin == OOM_ORIGIN_LIVE)
		what = "Dry run of this moment";
	else
		what = ev->id == OOM_NA ? "Dry run" : oom_say_z(&p->s, "Dry run of OOM event %lld", (long long)ev->id);
	what = oom_say_z(&p->s, "%s: %s", what, place(p));
	if (ev->kernel.n)
		what = oom_say_z(&p->s, "%s, Linux %s", what, oom_say_name(&p->s, ev->kernel));
	oom_say(&p->s, OOM_NODE_TITLE, OOM_TONE_STRONG, OOM_NA, NULL, "%s", what);
	if (p->a->age_us != OOM_NA)
		oom_say(&p->s, OOM_NODE_TEXT, OOM_TONE_DIM, OOM_NA, NULL, "one sample, %lld.%lld ms old, taken within %lld.%lld ms",
			(long long)(p->a->age_us / 1000), (long long)(p->a->age_us / 100 % 10),
			(long long)(p->a->took_us / 1000), (long long)(p->a->took_us / 100 % 10));
}

/* Why a prediction is none. */
static const char *doubt(struct page *p, const struct oom_dry_run *d)
{
	static const struct { enum oom_reason reason; const char *text; } words[] = {
		{ OOM_REASON_ALLOCATING_TASK, "the kernel takes whoever allocates, and who that is is not known" },
		{ OOM_REASON_HIDDEN_TERM, "the table hides terms of the score that decide" },
		{ OOM_REASON_ROOT_BONUS, "nothing tells whether a process of root has the capability that gives it a bonus" },
		{ OOM_REASON_TIE_BREAK, "the first have equal points, and nothing tells in which order the kernel looks at them" },
		{ OOM_REASON_UNKNOWN_TOTALPAGES, "it hangs on totalpages, which is not known well enough" },
		{ OOM_REASON_PREVIOUS_VICTIM_SKIPPED, "an earlier victim may or may not be a candidate again" },
		{ OOM_REASON_TRUNCATED_TABLE, "the list of tasks is not complete" },
		{ OOM_REASON_DAMAGED_TABLE, "the list of tasks is damaged" },
		{ OOM_REASON_NO_TASK_TABLE, "there is no list of tasks" },
		{ OOM_REASON_HIGHER_SCORE_PASSED_OVER, "what the kernel did then is not explained by its own arithmetic" },
		{ OOM_REASON_PANIC_ON_OOM, "this kernel panics instead (vm.panic_on_oom)" },
		{ OOM_REASON_WILL_FREE, "nobody was selected: a dying task was given the reserves" },
		{ OOM_REASON_UNKNOWN_KERNEL, "the log does not settle by which rules its kernel chooses, and they differ here" },
		{ OOM_REASON_POLICY, "a policy beside the score chose" },
		{ OOM_REASON_OOM_TASK_ORIGIN, "the kernel took a task that had asked to be taken first, whatever its score" },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(words); i++)
		if (words[i].reason == d->reason)
			return words[i].text;
	return oom_say_z(&p->s, "%s", oom_reason_name(d->reason));
}

static const char *certainty(struct page *p, const struct oom_dry_run *d)
{
	const char *name = oom_verdict_names[d->verdict];

	if (d->verdict != OOM_VERDICT_WITHIN_DRIFT || d->margin == OOM_NA)
		return name;
	return oom_say_z(&p->s, "%s: the margin of %s is no more than the %s that the counters may be off", name,
			 oom_say_num(&p->s, d->margin), oom_say_num(&p->s, d->bound));
}

static void say_verdict(struct page *p)
{
	const struct oom_dry_run *b = &p->w->before, *a = &p->w->after;
	const char *changed = p->w->changed ? "With these changes" : "With nothing changed";
	enum oom_tone tone = a->verdict <= OOM_VERDICT_EXPLAINED ? OOM_TONE_GOOD : OOM_TONE_WARN;
	const char *text;

	if (a->verdict == OOM_VERDICT_INSUFFICIENT && a->winner < 0)
		text = oom_say_z(&p->s, "Whom the kernel would kill cannot be told: %s (insufficient).", doubt(p, a));
	else if (a->verdict == OOM_VERDICT_INSUFFICIENT)
		text = oom_say_z(&p->s, "%s has the most points, but nobody can be sure of the kernel's choice: %s "
				 "(insufficient).", who(p, winner(a)), doubt(p, a));
	else if (a->winner < 0)
		text = oom_say_z(&p->s, "%s nobody could be killed: %s (%s).", changed, p->w->event->scope == OOM_SCOPE_MEMCG ?
				 "allocations in the cgroup would fail or wait" : "the kernel would panic",
				 certainty(p, a));
	else if (winner(a) == winner(b))
		text = oom_say_z(&p->s, "%s the kernel %s %s (%s).", changed, p->w->changed ? "would still kill" : "kills",
				 who(p, winner(a)), certainty(p, a));
	else
		text = oom_say_z(&p->s, "%s the kernel would kill %s instead of %s (%s).", changed, who(p, winner(a)),
				 b->winner < 0 ? "whomever it took" : who(p, winner(b)), certainty(p, a));
	oom_say(&p->s, OOM_NODE_VERDICT, tone, OOM_NA, NULL, "%s", text);
}

/* ---- what was changed ------------------------------------------------------------------------------- */

static void say_changes(struct page *p)
{
	const struct oom_whatif *w = p->w;
	size_t n = 0;

	if (!w->nchanges && !p->a->opts->nedits)
		return;
	PLAIN(p, OOM_NODE_SECTION, NULL, "Changes");
	if (w->nchanges)
		PLAIN(p, OOM_NODE_TABLE, NULL, ">pid\tprocess\t>adj\t>new adj\t");
	for (size_t i = 0; i < w->nchanges && n < ROWS_MAX; i++, n++) {
		const struct oom_change *c = &w->change[i];
		const struct oom_task *t = &w->event->task[c->task];
		const char *more = c->removed ? "not there" : c->spared ? "solved" : "";

		if (c->grow_pages)
			more = oom_say_join(&p->s, more, ", ",
					    oom_say_z(&p->s, "%s more", oom_say_size(&p->s, c->grow_pages)));
		PLAIN(p, OOM_NODE_ROW, NULL, "%lld\t%s\t%s\t%s\t%s", (long long)(t->tgid != OOM_NA ? t->tgid : t->pid),
		      oom_say_name(&p->s, t->comm), adj(p, c->adj_from), c->removed ? "-" : adj(p, c->adj_to), more);
	}
	if (n < w->nchanges)
		oom_say(&p->s, OOM_NODE_TEXT, OOM_TONE_DIM, OOM_NA, NULL, "... and %s",
			oom_say_count(&p->s, (int64_t)(w->nchanges - n), "more", "more"));
	for (size_t i = 0; i < p->a->opts->nedits; i++) {
		static const char *const names[OOM_EDIT_COUNT] = {
			[OOM_EDIT_LIMIT] = "limit", [OOM_EDIT_SWAP] = "swap", [OOM_EDIT_GROUP] = "oom.group",
			[OOM_EDIT_ALLOCATING] = "allocating",
		};
		const struct oom_edit *e = &p->a->opts->edit[i];

		if (names[e->kind])
			PLAIN(p, OOM_NODE_FACT, names[e->kind], "%s", oom_say_safe(&p->s, e->words));
	}
}

/* ---- who dies, and what that gives ------------------------------------------------------------------ */

static const char *size_range(struct page *p, struct oom_range kb)
{
	if (kb.lo == kb.hi)
		return oom_say_kb(&p->s, kb.lo);
	return oom_say_z(&p->s, "at most %s", oom_say_kb(&p->s, kb.hi));
}

static const char *amount(struct page *p, int64_t n)
{
	return oom_say_per_mille(&p->s) ? oom_say_count(&p->s, n, "point", "points") : oom_say_pages(&p->s, n);
}

static void say_margin(struct page *p)
{
	const struct oom_dry_run *a = &p->w->after;
	ptrdiff_t second = a->replay.runner_up;

	if (a->winner < 0 || a->winner != a->replay.winner)
		return;
	if (second < 0)
		PLAIN(p, OOM_NODE_FACT, "margin", "there is no other candidate");
	else if (a->margin != OOM_NA)
		PLAIN(p, OOM_NODE_FACT, "margin", "%s; next is %s", amount(p, a->margin),
		      who(p, (ptrdiff_t)a->origin[second]));
}

static void say_with(struct page *p)
{
	const struct oom_dry_run *a = &p->w->after;
	const char *sure = "", *maybe = "";
	int64_t n[2] = { 0, 0 };

	for (size_t i = 0; a->winner >= 0 && i < a->event.ntasks; i++) {
		enum oom_role role;
		int with = oom_dry_dies_with(a, p->w->event, (size_t)a->winner, i, &role);
		const char **list = with == 1 ? &sure : &maybe;

		if (!with || n[with == 1]++ >= 6)
			continue;
		*list = oom_say_join(&p->s, *list, ", ", oom_say_z(&p->s, "%s (%s)", who(p, (ptrdiff_t)a->origin[i]),
				     role == OOM_ROLE_GROUP ? "memory.oom.group" : "same memory"));
	}
	for (int k = 0; k < 2; k++)
		if (n[k] > 6)
			*(k ? &sure : &maybe) = oom_say_z(&p->s, "%s and %s more", k ? sure : maybe,
							  oom_say_num(&p->s, n[k] - 6));
	if (n[1])
		WARN(p, "dies with it", "%s", sure);
	if (n[0])
		PLAIN(p, OOM_NODE_FACT, "may die too", "%s", maybe);
}

static void say_need(struct page *p)
{
	const struct oom_need *need = &p->a->need;
	const struct oom_range *got = p->a->nkills ? &p->a->kill[p->a->nkills - 1].total_kb : NULL;
	const char *enough;

	if (need->kb == OOM_NA)
		return;
	if (!need->kb) {
		PLAIN(p, OOM_NODE_FACT, "needed", "nothing: there would have been no OOM");
		return;
	}
	enough = !got ? "" : got->lo >= need->kb ? "; that is covered" : got->hi >= need->kb ? "; that may be covered"
		 : "; that is NOT covered";
	PLAIN(p, OOM_NODE_FACT, "needed", "%s%s%s%s%s%s", oom_say_kb(&p->s, need->kb), need->what ? " " : "",
	      need->what ? need->what : "", need->where.n ? " " : "",
	      need->where.n ? oom_say_name(&p->s, need->where) : "", enough);
	if (p->w->event->order > 0 && need->what && p->w->event->scope != OOM_SCOPE_MEMCG)
		PLAIN(p, OOM_NODE_FACT, "order", "%lld: the pages must lie side by side, which no amount promises",
		      (long long)p->w->event->order);
}

static void say_who(struct page *p)
{
	const struct oom_whatif *w = p->w;
	const struct oom_dry_run *a = &w->after;

	PLAIN(p, OOM_NODE_SECTION, NULL, "Who would die");
	PLAIN(p, OOM_NODE_FACT, "before", "%s (%s)", who(p, winner(&w->before)), oom_verdict_names[w->before.verdict]);
	oom_say(&p->s, OOM_NODE_FACT, OOM_TONE_STRONG, OOM_NA, "after", "%s (%s)", who(p, winner(a)),
		oom_verdict_names[a->verdict]);
	say_margin(p);
	if (a->winner >= 0)
		PLAIN(p, OOM_NODE_FACT, "frees", "%s", size_range(p, oom_dry_frees_kb(a, w->event, (size_t)a->winner)));
	say_with(p);
	if (w->base.profile->flags & OOM_PROFILE_CHILD && a->winner >= 0)
		PLAIN(p, OOM_NODE_FACT, "children", "up to 5.0 a child of it with memory of its own dies in its place");
	say_need(p);
}

/* ---- warnings --------------------------------------------------------------------------------------- */

static void say_warnings(struct page *p)
{
	const struct oom_whatif *w = p->w;
	const struct oom_dry_run *a = &w->after;
	unsigned found = oom_whatif_warnings(w);

	if (found & OOM_WHATIF_KILLS_PROTECTED)
		WARN(p, "warning", "%s dies although somebody protected it (oom_score_adj %lld)", who(p, winner(a)),
		     (long long)a->event.task[a->winner].oom_score_adj);
	if (found & OOM_WHATIF_LARGEST_UNKILLABLE)
		WARN(p, "warning", "who holds the most memory could not be killed any more");
	if (a->reason == OOM_REASON_UNKNOWN_TOTALPAGES && a->event.swap_total_kb == OOM_NA)
		PLAIN(p, OOM_NODE_FACT, "note", "the log does not say how much swap the machine had; --swap BYTES does");
	for (size_t i = 0; i < w->nchanges; i++)
		if (w->change[i].negative_step) {
			WARN(p, "note", "a value with a sign is a step: %s goes from %lld to %lld ('==' sets the value itself)",
			     who(p, (ptrdiff_t)w->change[i].task), (long long)w->change[i].adj_from,
			     (long long)w->change[i].adj_to);
			break;
		}
	for (size_t i = 0; i < w->event->nnotes; i++)
		if (w->event->origin == OOM_ORIGIN_LIVE && oom_str_is(w->event->note[i].kind, "precise_sum"))
			PLAIN(p, OOM_NODE_FACT, "note", "%s", oom_say_safe(&p->s, w->event->note[i].text));
}

/* ---- ranking ---------------------------------------------------------------------------------------- */

/* Row of the event that was asked about -> its rank before, from 1; 0 = it was no candidate. */
static uint32_t *ranks_before(struct page *p)
{
	const struct oom_dry_run *b = &p->w->before;
	uint32_t *rank = oom_arena_alloc(&p->s.doc->arena, (p->w->event->ntasks + 1) * sizeof(*rank));

	p->s.nomem |= !rank;
	for (size_t k = 0; rank && k < b->replay.nscores; k++)
		if (b->replay.score[b->replay.rank[k]].why_not == OOM_WHY_ELIGIBLE)
			rank[b->origin[b->replay.rank[k]]] = (uint32_t)k + 1;
	return rank;
}

static const char *moved(struct page *p, uint32_t was, size_t is)
{
	if (!was)
		return "new";
	if (was == is)
		return "";
	return oom_say_z(&p->s, "%s%lld", was > is ? "up " : "down ",
			 (long long)(was > is ? was - is : is - was));
}

static void say_ranking(struct page *p)
{
	const struct oom_dry_run *a = &p->w->after;
	size_t top = p->a->top ? p->a->top : TOP_DEFAULT, shown = 0, n = 0;
	uint32_t *before = ranks_before(p);

	if (!before || !a->replay.neligible || !a->replay.nscores)
		return;
	PLAIN(p, OOM_NODE_SECTION, NULL, "Ranking");
	PLAIN(p, OOM_NODE_TABLE, NULL, ">#\t>was\tmoved\t>pid\tprocess\t>%s\t>in RAM\t>adj",
	      oom_say_per_mille(&p->s) ? "score" : "points");
	for (size_t k = 0; k < a->replay.nscores; k++) {
		uint32_t i = a->replay.rank[k], task = a->origin[i];
		const struct oom_task *t = &a->event.task[i];
		bool touched = p->w->change_of && p->w->change_of[task];

		if (a->replay.score[i].why_not != OOM_WHY_ELIGIBLE)
			continue;
		n++;
		if (n > top && !(touched && shown < top + ROWS_MAX))
			continue;
		shown++;
		oom_say(&p->s, OOM_NODE_ROW, (ptrdiff_t)i == a->winner ? OOM_TONE_STRONG : OOM_TONE_PLAIN, OOM_NA, NULL,
			"%zu\t%s\t%s\t%lld\t%s\t%s\t%s\t%s", n,
			before[task] ? oom_say_z(&p->s, "%u", before[task]) : "-", moved(p, before[task], n),
			(long long)t->pid, oom_say_name(&p->s, t->comm),
			oom_explain_has_points(&a->replay, t, &a->replay.score[i]) ?
			oom_say_cell(&p->s, a->replay.score[i].points) : "-",
			oom_say_size(&p->s, t->rss_pages), adj(p, t->oom_score_adj));
	}
	if (n > shown)
		oom_say(&p->s, OOM_NODE_TEXT, OOM_TONE_DIM, OOM_NA, NULL, "... and %s",
			oom_say_count(&p->s, (int64_t)(n - shown), "more candidate", "more candidates"));
}

/* ---- spare ------------------------------------------------------------------------------------------ */

static const char *solution(struct page *p, const struct oom_spare *x)
{
	switch (x->kind) {
	case OOM_SPARE_ALREADY:
		return oom_say_z(&p->s, "it is not chosen as it is, nor up to %lld", (long long)x->adj);
	case OOM_SPARE_SOLVED:
		return oom_say_z(&p->s, "%lld instead of %lld; at %lld it dies", (long long)x->adj, (long long)x->adj_from,
				 (long long)x->adj + 1);
	case OOM_SPARE_ONLY_MIN:
		return x->in_group ? "only -1000 does it: it would die with its group" : "only -1000 does it";
	case OOM_SPARE_NOBODY_ELSE:
		return oom_say_z(&p->s, "no value does it any good: nobody else can be killed, and at -1000 %s",
				 p->w->event->scope == OOM_SCOPE_MEMCG ? "allocations in the cgroup would fail or wait" :
				 "the kernel would panic");
	case OOM_SPARE_IMPOSSIBLE:
		return "no value does it: another rule than the score takes it";
	default:
		return "cannot be solved: the weight of an adjustment is not known here";
	}
}

static void say_spare(struct page *p)
{
	const struct oom_whatif *w = p->w;

	if (!w->nspares)
		return;
	PLAIN(p, OOM_NODE_SECTION, NULL, "The smallest change that spares it");
	for (size_t i = 0; i < w->nspares && i < ROWS_MAX; i++) {
		const struct oom_spare *x = &w->spare[i];

		PLAIN(p, OOM_NODE_TEXT, NULL, "%s: %s%s", who(p, (ptrdiff_t)x->task), solution(p, x),
		      x->kind <= OOM_SPARE_SOLVED && x->adj_certain != OOM_NA && x->adj_certain < x->adj &&
		      x->adj_certain < x->adj_from ?
		      oom_say_z(&p->s, "; at %lld it lives even if the counters are off",
				(long long)x->adj_certain) : "");
	}
	PLAIN(p, OOM_NODE_FACT, "instead", "%s", who(p, winner(&w->after)));
}

/* ---- following kills -------------------------------------------------------------------------------- */

static void say_kills(struct page *p)
{
	const struct oom_whatif_answer *a = p->a;
	size_t n = 0;

	if (a->nkills < 2)
		return;
	PLAIN(p, OOM_NODE_SECTION, NULL, "Kills in order");
	PLAIN(p, OOM_NODE_TABLE, NULL, ">#\t>pid\tprocess\t>frees\t>in all\t");
	for (size_t i = 0; i < a->nkills; i++) {
		const struct oom_kill *k = &a->kill[i];
		const struct oom_task *t = &p->w->event->task[k->task];

		n += !k->with;
		PLAIN(p, OOM_NODE_ROW, NULL, "%s\t%lld\t%s\t%s\t%s\t%s", k->with ? "+" : oom_say_z(&p->s, "%zu", n),
		      (long long)(t->tgid != OOM_NA ? t->tgid : t->pid), oom_say_name(&p->s, t->comm),
		      size_range(p, k->frees_kb), size_range(p, k->total_kb),
		      k->with ? "dies with it" : k->doubtful ? "not certain" : "");
	}
}

/* ---- all of it -------------------------------------------------------------------------------------- */

int oom_whatif_explain(const struct oom_whatif_answer *a, struct oom_doc *ret)
{
	struct page p = {
		.s = { .ev = &a->w->after.event, .r = &a->w->after.replay, .doc = ret }, .a = a, .w = a->w,
	};

	memset(ret, 0, sizeof(*ret));
	say_title(&p);
	say_verdict(&p);
	say_changes(&p);
	say_who(&p);
	say_warnings(&p);
	say_spare(&p);
	say_ranking(&p);
	say_kills(&p);
	if (p.s.nomem) {
		oom_doc_release(ret);
		return -ENOMEM;
	}
	return 0;
}
