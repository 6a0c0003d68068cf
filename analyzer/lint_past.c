/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The questions to a past event: would the kernel have done something else without the mistake?  What cannot be shown
 * for certain is no proof. */
#include "lint_impl.h"

#include <errno.h>
#include <string.h>

static void say(struct lint_past *x, const char *fmt, ...) OOM_PRINTF(2, 3);
static void say(struct lint_past *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	x->proof->text = oom_str_from(oom_say_zv(x->s, fmt, ap));
	va_end(ap);
}

/* ---- dry runs ----------------------------------------------------------------------------------------- */

static bool certain(const struct oom_dry_run *d)
{
	return d->winner >= 0 && (d->verdict == OOM_VERDICT_EXACT || d->verdict == OOM_VERDICT_EXPLAINED);
}

/* Row of the event that was asked about; NULL = nobody, or nobody for certain. */
static const struct oom_task *chosen(const struct oom_event *ev, const struct oom_dry_run *d)
{
	return certain(d) ? &ev->task[d->origin[d->winner]] : NULL;
}

static int64_t pid_of(const struct oom_task *t)
{
	return t->tgid != OOM_NA ? t->tgid : t->pid;
}

static void name_killed(struct lint_past *x)
{
	if (!x->ev->nvictims)
		return;
	x->proof->killed_pid = x->ev->victim[0].pid;
	x->proof->killed_comm = x->ev->victim[0].comm;
}

static void name_instead(struct lint_past *x, const struct oom_task *t)
{
	x->proof->instead_pid = pid_of(t);
	x->proof->instead_comm = t->comm;
}

static bool was_killed(const struct oom_event *ev, const struct oom_task *t)
{
	for (size_t i = 0; i < ev->nvictims; i++)
		if (ev->victim[i].pid == t->pid || ev->victim[i].pid == t->tgid)
			return true;
	return false;
}

static const char *killed(struct lint_past *x)
{
	return x->ev->nvictims ? oom_say_proc(x->s, x->ev->victim[0].comm, x->ev->victim[0].pid) : "nobody";
}

static const char *held(struct lint_past *x, const struct oom_task *t)
{
	return oom_say_size(x->s, oom_lint_usage(x->ev, t));
}

/* Whom the kernel would have killed with these edits, when that is certain and somebody who lived; else NULL. */
static int instead(struct lint_past *x, const struct oom_edit *edit, size_t n, const struct oom_task **ret)
{
	const struct oom_whatif_opts opts = { .edit = edit, .nedits = n, .drift = OOM_NA, .allow_empty = true };
	const struct oom_task *t;
	struct oom_whatif w;
	int r = oom_whatif_run(x->ev, &opts, &w, NULL);

	*ret = NULL;
	if (r == 0) {
		t = chosen(x->ev, &w.after);
		if (t && !was_killed(x->ev, t))
			*ret = t;
	}
	oom_whatif_release(&w);
	return r == -ENOMEM ? r : 0;
}

/* The names of those that an edit is about, each once. */
static const char *names(struct lint_past *x, bool (*is)(const struct oom_event *, const struct oom_task *))
{
	const char *text = "";
	struct oom_str seen[4];
	size_t n = 0;

	for (size_t i = 0; i < x->ev->ntasks; i++) {
		const struct oom_task *t = &x->ev->task[i];
		size_t k = 0;

		if (!is(x->ev, t))
			continue;
		while (k < n && !oom_str_eq(seen[k], t->comm))
			k++;
		if (k < n)
			continue;
		if (n == 3)
			return oom_say_z(x->s, "%s and others", text);
		seen[n++] = t->comm;
		text = oom_say_join(x->s, text, ", ", oom_say_name(x->s, t->comm));
	}
	return text;
}

/* As if all of which `is` holds were at 0. */
static int at_zero(struct lint_past *x, bool (*is)(const struct oom_event *, const struct oom_task *),
		   const struct oom_task **ret)
{
	struct oom_edit *edit = oom_malloc((x->ev->ntasks + 1) * sizeof(*edit));
	size_t n = 0;
	int r = 0;

	*ret = NULL;
	if (!edit)
		return -ENOMEM;
	for (size_t i = 0; i < x->ev->ntasks; i++)
		if (is(x->ev, &x->ev->task[i]))
			edit[n++] = (struct oom_edit){
				.kind = OOM_EDIT_SET,
				.sel = { .kind = OOM_SELECT_PID, .number = pid_of(&x->ev->task[i]) },
			};
	if (n)
		r = instead(x, edit, n, ret);
	oom_free(edit);
	return r;
}

/* ---- the questions ------------------------------------------------------------------------------------ */

static bool is_unkillable(const struct oom_event *ev, const struct oom_task *t)
{
	return t->oom_score_adj == -1000 && !oom_lint_usual(t, oom_lint_usage(ev, t), OOM_NA);
}

static int unkillable(struct lint_past *x)
{
	const struct oom_task *t;
	int r = x->ev->nvictims ? at_zero(x, is_unkillable, &t) : 0;

	if (r < 0 || !x->ev->nvictims || !t)
		return r;
	name_killed(x);
	name_instead(x, t);
	say(x, "with oom_score_adj 0 in place of -1000 for %s the kernel would have killed %s, which held %s, and not %s",
	    names(x, is_unkillable), oom_say_proc(x->s, t->comm, pid_of(t)), held(x, t), killed(x));
	return 1;
}

static int nobody_to_kill(struct lint_past *x)
{
	bool none = x->ev->outcome == OOM_OUTCOME_NO_KILLABLE ||
		    (x->ev->outcome == OOM_OUTCOME_PANIC && x->plain && x->plain->base.reason == OOM_REASON_NO_KILLABLE);
	const struct oom_task *t;
	int r = none && !x->ev->nvictims ? at_zero(x, is_unkillable, &t) : 0;

	if (r < 0 || !none || x->ev->nvictims || !t)
		return r;
	name_instead(x, t);
	say(x, "the kernel found nobody to kill; with oom_score_adj 0 in place of -1000 for %s it would have killed %s, "
	    "which held %s", names(x, is_unkillable), oom_say_proc(x->s, t->comm, pid_of(t)), held(x, t));
	return 1;
}

static bool is_user_service(const struct oom_event *ev, const struct oom_task *t)
{
	(void)ev;
	return oom_lint_user_service(t);
}

static int user_services(struct lint_past *x)
{
	const struct oom_task *t;
	int r = x->ev->nvictims ? at_zero(x, is_user_service, &t) : 0;

	if (r < 0 || !x->ev->nvictims || !t)
		return r;
	name_killed(x);
	name_instead(x, t);
	say(x, "with oom_score_adj 0 in place of %s for %s the kernel would have killed %s, which held %s, and not %s",
	    "100 or 200", names(x, is_user_service), oom_say_proc(x->s, t->comm, pid_of(t)), held(x, t), killed(x));
	return 1;
}

static int panic_on_oom(struct lint_past *x)
{
	const struct oom_task *t;

	if (x->ev->outcome != OOM_OUTCOME_PANIC || !x->plain || x->plain->base.reason != OOM_REASON_PANIC_ON_OOM)
		return 0;
	t = chosen(x->ev, &x->plain->before);
	if (t) {
		name_instead(x, t);
		say(x, "the machine panicked; without it the kernel would have killed %s, which held %s",
		    oom_say_proc(x->s, t->comm, pid_of(t)), held(x, t));
	} else {
		say(x, "the machine panicked");
	}
	return 1;
}

static int allocating_task(struct lint_past *x)
{
	const struct oom_edit edit = { .kind = OOM_EDIT_ALLOCATING, .value = 0 };
	const struct oom_task *t;
	int r = x->ev->allocating_task == 1 && x->ev->nvictims ? instead(x, &edit, 1, &t) : 0;

	if (r < 0 || x->ev->allocating_task != 1 || !x->ev->nvictims || !t)
		return r;
	name_killed(x);
	name_instead(x, t);
	say(x, "%s asked for memory and died for it; by its size the kernel would have chosen %s, which held %s", killed(x),
	    oom_say_proc(x->s, t->comm, pid_of(t)), held(x, t));
	return 1;
}

/* A kill whose report was rate-limited has no memory state either. */
static int no_dump(struct lint_past *x)
{
	const struct oom_event *ev = x->ev;

	if (ev->has_table == 1 || ev->has_mem_info != 1 || !ev->nvictims || ev->ntasks || ev->allocating_task == 1)
		return 0;
	name_killed(x);
	say(x, "the report has no table of tasks: nobody can say why it was %s", killed(x));
	return 1;
}

static int log_buffer(struct lint_past *x)
{
	const struct oom_event *ev = x->ev;

	if (ev->has_invoked == 1 || ev->has_table != 1 || !ev->nvictims || ev->ballot != OOM_BALLOT_NONE)
		return 0;
	name_killed(x);
	say(x, "the log begins within the report, at its %s: why %s was killed is lost",
	    oom_say_count(x->s, (int64_t)ev->ntasks, "row", "rows"), killed(x));
	return 1;
}

static int64_t freed_by_others(const struct oom_event *ev)
{
	int64_t kb = 0;

	for (size_t i = 1; i < ev->nvictims; i++)
		if (ev->victim[i].anon_rss_kb != OOM_NA)
			kb += ev->victim[i].anon_rss_kb;
	return kb;
}

static int group_kill(struct lint_past *x)
{
	const struct oom_event *ev = x->ev;
	const struct oom_task *t = x->plain ? chosen(ev, &x->plain->before) : NULL;
	struct oom_need need;
	struct oom_range frees;

	if (ev->oom_group != 1 || ev->nvictims < 2 || !t || !was_killed(ev, t))
		return 0;
	oom_whatif_need(x->plain, &need);
	frees = oom_dry_frees_kb(&x->plain->before, ev, (size_t)x->plain->before.winner);
	if (need.kb == OOM_NA || need.kb <= 0 || frees.lo < need.kb)
		return 0;
	name_killed(x);
	say(x, "%s alone gave %s, more than the %s that were missing; %s more with %s died with it", killed(x),
	    oom_say_kb(x->s, frees.lo), oom_say_kb(x->s, need.kb),
	    oom_say_count(x->s, (int64_t)ev->nvictims - 1, "process", "processes"), oom_say_kb(x->s, freed_by_others(ev)));
	return 1;
}

/* The report of a cgroup does not say what swap the machine has; another one of the same boot may. */
static int no_swap(struct lint_past *x)
{
	const struct oom_event *ev = x->ev;
	int64_t swap = ev->swap_free_kb != OOM_NA ? ev->swap_free_kb : ev->boot_swap_total_kb;
	bool none = ev->memcg_swap_limit_kb == 0 || (ev->memsw_limit_kb != OOM_NA && ev->memcg_limit_kb != OOM_NA &&
						     ev->memsw_limit_kb <= ev->memcg_limit_kb);

	if (ev->scope != OOM_SCOPE_MEMCG || !none || !ev->nvictims || swap == OOM_NA || swap < 1024)
		return 0;
	name_killed(x);
	say(x, "%s was at its limit of %s and lost %s, while the machine has %s of %sswap", oom_say_name(x->s, ev->oom_memcg),
	    oom_say_kb(x->s, ev->memcg_limit_kb), killed(x), oom_say_kb(x->s, swap),
	    ev->swap_free_kb != OOM_NA ? "free " : "");
	return 1;
}

oom_lint_then_fn *const oom_lint_then[LINT_COUNT] = {
	[LINT_NOBODY_TO_KILL] = nobody_to_kill, [LINT_UNKILLABLE] = unkillable, [LINT_PANIC_ON_OOM] = panic_on_oom,
	[LINT_ALLOCATING_TASK] = allocating_task, [LINT_NO_DUMP] = no_dump, [LINT_LOG_BUFFER] = log_buffer,
	[LINT_USER_SERVICES] = user_services, [LINT_GROUP_KILL] = group_kill, [LINT_NO_SWAP] = no_swap,
};
