/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the log does not show, so that nobody reads more into the page than it holds. */
#include <ctype.h>
#include <string.h>

#include <oomlens/incident.h>

#include "explain_impl.h"

#define NOTES_MAX 10          /* of the parser's own; a ruined log has thousands */

/* own: the parser's keyword for the same gap; where it left a note, ours is not needed. */
static void gap(struct oom_say *s, const char *own, int64_t line, const char *text)
{
	if (!own || !oom_event_has_note(s->ev, own))
		oom_say(s, OOM_NODE_NOTE, OOM_TONE_PLAIN, line, NULL, "%s", text);
}

static void gaps_of_dump(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const bool told = oom_event_has_note(ev, "no_dump");

	if (!oom_event_logged(ev)) {
		if (!oom_event_has_note(ev, "already_exiting") && !oom_event_has_note(ev, "unseen_kills"))
			gap(s, "log_lost", OOM_NA, "No line of the kernel log tells of this event: all of it comes "
			    "from the feeds of the recorder.");
		return;
	}
	if (!ev->has_invoked && !told)
		gap(s, "no_header", OOM_NA,
		    "The line that names the task which asked for memory is not in the log.");
	if (!ev->has_table && !told && ev->ballot == OOM_BALLOT_NONE)
		gap(s, "no_task_table", OOM_NA,
		    "There is no task table (the sysctl oom_dump_tasks may be 0, the dump was "
		    "rate-limited, or the log is cut), so the other candidates are unknown.");
	else if (ev->has_table && !ev->table_complete)
		gap(s, "truncated_table", ev->at[OOM_AT_TABLE],
		    "The task table is cut or not known to be whole: candidates may be missing.");
	if (ev->suppressed)
		gap(s, "callbacks_suppressed", OOM_NA,
		    oom_say_z(s, "The kernel suppressed %s before this one, because too many came at once.",
			      oom_say_count(s, ev->suppressed, "dump", "dumps")));
	if (ev->damaged_lines)
		gap(s, "damaged_line", OOM_NA, oom_say_z(s, "%s of the event could not be read.",
		    oom_say_count(s, ev->damaged_lines, "line", "lines")));
	if (ev->page_size == OOM_NA && ev->ntasks)
		gap(s, NULL, OOM_NA,
		    "Nothing in the log tells the page size, so most sizes are given in pages only.");
}

static bool any_hidden(const struct oom_replay *r, bool swap)
{
	for (size_t i = 0; i < r->nscores; i++) {
		const struct oom_range *x = swap ? &r->score[i].swap : &r->score[i].pgtables;

		if (r->score[i].why_not == OOM_WHY_ELIGIBLE && !oom_range_exact(*x))
			return true;
	}
	return false;
}

static bool any_root(const struct oom_replay *r)
{
	for (size_t i = 0; i < r->nscores; i++)
		if (r->score[i].why_not == OOM_WHY_ELIGIBLE && r->score[i].root.lo != r->score[i].root.hi)
			return true;
	return false;
}

static void gaps_of_replay(struct oom_say *s)
{
	const struct oom_replay *r = s->r;
	const struct oom_profile *p = r->profile;

	if (s->ev->ballot == OOM_BALLOT_RECONSTRUCTED && !s->ev->has_table)
		gap(s, NULL, OOM_NA,
		    "The candidates were walked at the kill, not while the kernel weighed them: whom it passed "
		    "over then is seen only by the marks that were left.");
	if (!s->ev->kernel.p)
		gap(s, NULL, OOM_NA,
		    p ? "The log names no kernel release; the rule was found by other signs."
		      : "The log names no kernel release, so the rule of the choice is unknown.");
	if (!p || !r->nscores)
		return;
	if (any_hidden(r, true))
		gap(s, NULL, OOM_NA,
		    "This kernel counts swapped-out memory but does not print it per process, so the points "
		    "are known only within bounds.");
	if (p->flags & OOM_PROFILE_PTES && any_hidden(r, false))
		gap(s, NULL, OOM_NA,
		    "This kernel counts page tables but does not print them per process, so the points are "
		    "known only within bounds.");
	if (p->root != OOM_ROOT_NONE && any_root(r))
		gap(s, NULL, OOM_NA,
		    "This kernel favours processes with CAP_SYS_ADMIN. The log shows only user ids, so "
		    "whether those of root had it is not known.");
	if (s->ev->scope == OOM_SCOPE_MEMCG && oom_range_known(r->total) && !oom_range_exact(r->total))
		gap(s, NULL, OOM_NA,
		    "The swappiness of the cgroup is not printed, so whether swap counted in totalpages is "
		    "not known.");
}

/* Notes are written like error messages; the page has sentences. */
static const char *sentence(struct oom_say *s, struct oom_str text)
{
	const char *z = oom_say_safe(s, text);
	size_t n = strlen(z);

	if (!n)
		return z;
	return oom_say_z(s, "%c%s%s", toupper((unsigned char)z[0]), z + 1,
			 strchr(".!?", z[n - 1]) ? "" : ".");
}

static void notes_of_parser(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	size_t n = 0;

	for (size_t i = 0; i < ev->nnotes; i++) {
		const struct oom_note *note = &ev->note[i];

		/* what other programs wrote is no gap */
		if (oom_str_is(note->kind, OOM_NOTE_COLLATERAL) || n++ >= NOTES_MAX)
			continue;
		oom_say(s, OOM_NODE_NOTE, OOM_TONE_PLAIN, note->line, NULL, "%s",
			sentence(s, note->text.p && note->text.n ? note->text : note->kind));
	}
	if (n > NOTES_MAX)
		oom_say(s, OOM_NODE_NOTE, OOM_TONE_DIM, OOM_NA, NULL, "... and %s",
			oom_say_count(s, (int64_t)(n - NOTES_MAX), "more remark", "more remarks"));
}

void oom_say_gaps(struct oom_say *s)
{
	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "%s",
		oom_event_recorded(s->ev) ? "What is not known" : "What the log does not show");
	gaps_of_dump(s);
	gaps_of_replay(s);
	notes_of_parser(s);
	if (s->ev->nflights)
		gap(s, NULL, OOM_NA,
		    "Who grew before the kill need not be the culprit, nor need the victim: samples are seconds apart, "
		    "and a process that came and went between two of them is in none.");
	else
		gap(s, NULL, OOM_NA,
	    "A dump is one moment: it cannot tell which process grew, and the victim need not be the "
	    "culprit.");
}
