/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The decision: summary, score, kill lines, and what the kernel says when it kills nothing. */
#include "rules.h"

#include <errno.h>
#include <string.h>

#define RECENT_US    (5 * INT64_C(1000000))
#define RECENT_LINES 300

/* Did the episode say something just now? */
static bool recent(const struct oom_ctx *c, const struct oom_episode *ep)
{
	if (ep->own_us != OOM_NA && c->h->now_us != OOM_NA && c->h->now_us - ep->own_us > RECENT_US)
		return false;
	return c->line->lineno - ep->own_line < RECENT_LINES;
}

static struct oom_episode *settled(const struct oom_ctx *c)
{
	struct oom_episode *last = c->h->last;

	return !c->ep && last && last->state == OOM_EP_SETTLED && recent(c, last) ? last : NULL;
}

/* The episode that comes to its decision with this line. */
static struct oom_episode *deciding(struct oom_ctx *c, bool again)
{
	struct oom_episode *ep = c->ep;

	if (!ep || c->other_caller || again)
		ep = oom_episode_begin(c);
	if (!ep)
		return NULL;
	oom_episode_enter(c, ep, OOM_SEC_KILL);
	if (c->message != OOM_MSG_NONE)
		ep->message = c->message;
	if (c->message == OOM_MSG_ALLOCATING)
		ep->ev.allocating_task = 1;
	return ep;
}

/* ---- summary --------------------------------------------------------------------------------------------- */

struct summary {
	struct oom_str constraint, nodemask, cpuset, mems, oom_memcg, task_memcg, comm;
	int64_t pid, uid;
	bool global, complete, ended;
};

static struct oom_str unseparated(struct oom_str s)
{
	while (s.n && (s.p[0] == ',' || s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	return s;
}

/* Splits s at the last "<sep>key": what stands before goes back to *s. */
static bool cut_right(struct oom_str *s, const char *key, struct oom_str *value)
{
	struct oom_str head = *s;
	ptrdiff_t at = oom_str_rfind(head, key);

	while (at > 0 && !strchr(", ", head.p[at - 1])) {
		head.n = (size_t)at;
		at = oom_str_rfind(head, key);
	}
	if (at < 0)
		return false;
	*value = oom_str_trim(oom_str_sub(*s, (size_t)at + strlen(key), s->n));
	s->n = at > 0 ? (size_t)at - 1 : 0;
	return true;
}

/* ",task=...,pid=...,uid=..." from the right: only numbers may follow the name. */
static bool read_tail(struct oom_str *s, struct summary *q)
{
	struct oom_str head = *s, value;

	q->pid = q->uid = OOM_NA;
	if (cut_right(&head, "uid=", &value) && oom_take_i64(&value, &q->uid) && !value.n)
		q->complete = true;
	else
		head = *s;
	if (!cut_right(&head, "pid=", &value) || !oom_take_i64(&value, &q->pid) || !cut_right(&head, "task=", &q->comm)) {
		q->complete = false;
		q->pid = OOM_NA;
		return false;
	}
	q->complete = q->complete && !value.n;
	*s = head;
	return true;
}

/* The value between key and whichever of the next keys comes first. */
static bool take_value(struct oom_str *s, const char *key, const char *const *next, struct oom_str *value)
{
	ptrdiff_t end;
	struct oom_str t = unseparated(*s);

	if (!oom_take_lit(&t, key))
		return false;
	end = (ptrdiff_t)t.n;
	for (; *next; next++) {
		ptrdiff_t at = oom_str_find(t, *next);

		if (at >= 0 && at < end)
			end = at;
	}
	*value = oom_str_trim(oom_str_sub(t, 0, (size_t)end));
	*s = oom_str_sub(t, (size_t)end, t.n);
	return true;
}

/* The killed task's group lies below the limited one: that tells which comma ends the path. */
static void read_groups(struct oom_str s, struct summary *q)
{
	struct oom_str t = unseparated(s), rest;
	ptrdiff_t at = -1;

	q->global = oom_take_lit(&t, "global_oom");
	t = unseparated(t);
	if (oom_take_lit(&t, "oom_memcg=")) {
		for (size_t i = 0; i + 12 < t.n; i++) {
			rest = oom_str_sub(t, i, t.n);
			if (rest.p[0] != ',' && rest.p[0] != ' ')
				continue;
			rest = unseparated(rest);
			if (!oom_take_lit(&rest, "task_memcg="))
				continue;
			if (at < 0)
				at = (ptrdiff_t)i;
			if (rest.n >= i && !memcmp(rest.p, t.p, i)) {
				at = (ptrdiff_t)i;
				break;
			}
		}
		q->oom_memcg = at < 0 ? t : oom_str_sub(t, 0, (size_t)at);
		t = at < 0 ? OOM_STR_NULL : unseparated(oom_str_sub(t, (size_t)at, t.n));
	}
	if (oom_take_lit(&t, "task_memcg="))
		q->task_memcg = t;
}

static const char *const after_constraint[] = { ",", " nodemask=", NULL };
static const char *const after_nodemask[] = { ",cpuset=", ", cpuset=", ",mems_allowed=", ",global_oom", ",oom_memcg=",
					      ",task_memcg=", NULL };
static const char *const after_cpuset[] = { ",mems_allowed=", ", mems_allowed=", NULL };
static const char *const after_word[] = { " ", NULL };

/* A form that was posted but never merged separates with blanks. */
static void read_posted(struct oom_str s, struct summary *q)
{
	(void)take_value(&s, "nodemask=", after_word, &q->nodemask);
	(void)take_value(&s, "origin_memcg=", after_word, &q->oom_memcg);
	(void)take_value(&s, "kill_memcg=", after_word, &q->task_memcg);
}

static bool read_summary(struct oom_str s, struct summary *q)
{
	bool tail = read_tail(&s, q);
	size_t n = 0;

	if (take_value(&s, "constrain=", after_word, &q->constraint)) {
		read_posted(s, q);
		return true;
	}
	if (!take_value(&s, "constraint=", after_constraint, &q->constraint))
		return false;
	(void)take_value(&s, "nodemask=", after_nodemask, &q->nodemask);
	if (take_value(&s, "cpuset=", after_cpuset, &q->cpuset)) {
		s = unseparated(s);
		if (oom_take_lit(&s, "mems_allowed=")) {
			while (n < s.n && ((s.p[n] >= '0' && s.p[n] <= '9') || s.p[n] == '-' || s.p[n] == ','))
				n++;
			q->mems = oom_str_sub(s, 0, n);
			s = oom_str_sub(s, n, s.n);
			while (q->mems.n && q->mems.p[q->mems.n - 1] == ',')
				q->mems.n--;
		}
	}
	q->ended = tail;
	read_groups(s, q);
	return true;
}

static int store_summary(struct oom_ctx *c, struct oom_episode *ep, const struct summary *q)
{
	struct oom_event *ev = &ep->ev;

	ev->at[OOM_AT_SUMMARY] = c->line->lineno;
	ev->global_oom = q->global;
	ev->chosen_pid = q->pid;
	ev->chosen_uid = q->uid;
	if (oom_keep(ep, q->constraint, &ev->constraint) < 0 || oom_keep(ep, q->comm, &ev->chosen_comm) < 0 ||
	    (q->nodemask.p && oom_keep(ep, q->nodemask, &ev->nodemask) < 0) ||
	    (q->cpuset.p && oom_keep(ep, q->cpuset, &ev->cpuset) < 0) ||
	    (q->mems.p && oom_keep(ep, q->mems, &ev->mems_allowed) < 0) ||
	    (q->oom_memcg.p && oom_keep(ep, q->oom_memcg, &ev->oom_memcg) < 0) ||
	    (q->task_memcg.p && oom_keep(ep, q->task_memcg, &ev->task_memcg) < 0))
		return -ENOMEM;
	return 0;
}

int oom_on_summary(struct oom_ctx *c, const struct oom_caps *m)
{
	struct summary q;
	struct oom_episode *ep;

	memset(&q, 0, sizeof(q));
	if (!m->n)
		return OOM_NO;
	if (!read_summary(oom_str_trim(m->s[0]), &q))
		return oom_str_trim(m->s[0]).n ? OOM_NO : OOM_PARTIAL;
	if (!q.complete && !c->final)
		return OOM_PARTIAL;
	ep = deciding(c, c->ep && c->ep->ev.at[OOM_AT_SUMMARY] != OOM_NA);
	if (!ep || store_summary(c, ep, &q) < 0)
		return -ENOMEM;
	ep->summary_cut = q.pid == OOM_NA;
	if (!q.complete && oom_damaged(c, ep, "the summary line is cut") < 0)
		return -ENOMEM;
	return OOM_MATCH;
}

/* Another CPU broke the line before ",task=" (it is built from many pieces). */
int oom_on_summary_tail(struct oom_ctx *c)
{
	struct oom_event *ev = &c->ep->ev;
	struct summary q;
	struct oom_str s = c->text;

	memset(&q, 0, sizeof(q));
	if (!oom_str_starts(s, ",task=") || !read_tail(&s, &q))
		return OOM_NO;
	oom_rule_hit(c, OOM_RULE_SUMMARY_TAIL);
	c->ep->summary_cut = false;
	ev->chosen_pid = q.pid;
	ev->chosen_uid = q.uid;
	return oom_keep(c->ep, q.comm, &ev->chosen_comm) < 0 ? -ENOMEM : OOM_MATCH;
}

/* ---- score ------------------------------------------------------------------------------------------------ */

int oom_on_score(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_str comm = m->n > 1 ? m->s[1] : OOM_STR_NULL;
	struct oom_episode *ep = c->ep;
	ptrdiff_t close;

	if (m->n < 3 && !c->final)
		return OOM_PARTIAL;
	if (m->n < 2)
		return OOM_NO;
	if (m->n < 3) {       /* cut behind the name, or in it */
		close = oom_str_rfind(comm, ")");
		if (close < 0 || oom_str_find(comm, "sharing") >= 0)
			return OOM_NO;
		comm.n = (size_t)close;
	}
	ep = deciding(c, ep && (ep->stage1 || (ep->ev.chosen_pid != OOM_NA && ep->ev.chosen_pid != m->v[0])));
	if (!ep)
		return -ENOMEM;
	ep->stage1 = true;
	ep->legacy |= c->rule->arg == 1;
	ep->ev.chosen_pid = m->v[0];
	ep->ev.chosen_score = m->n > 2 ? m->v[2] : OOM_NA;
	ep->ev.at[OOM_AT_SCORE] = c->line->lineno;
	return oom_keep(ep, comm, &ep->ev.chosen_comm) < 0 ? -ENOMEM : OOM_MATCH;
}

/* ---- kill lines ------------------------------------------------------------------------------------------- */

struct kill {
	struct oom_victim v;
	bool complete, legacy, cut, junk;
};

static bool take_uid(struct oom_str *s, int64_t *uid)
{
	struct oom_str t = *s;

	if (!oom_take_char(&t, ','))
		return false;
	(void)oom_take_blanks(&t);
	if (!oom_take_lit(&t, "UID") || !oom_take_blanks(&t) || !oom_take_i64(&t, uid))
		return false;
	(void)oom_take_char(&t, ',');
	*s = oom_str_trim(t);
	return true;
}

/* "4503 ((sd-pam))", "12, UID 48, (php)", "12 (php), UID 48,": the name lies between the outermost parentheses. */
static bool read_who(struct oom_str s, struct kill *k)
{
	ptrdiff_t uid, close;
	struct oom_str t;

	s = oom_str_trim(s);
	if (!oom_take_i64(&s, &k->v.pid))
		return false;
	(void)take_uid(&s, &k->v.uid);
	s = oom_str_trim(s);
	uid = oom_str_rfind(s, "), UID ");
	if (uid >= 0) {
		t = oom_str_sub(s, (size_t)uid + 1, s.n);
		if (take_uid(&t, &k->v.uid) && !t.n)
			s.n = (size_t)uid + 1;
	}
	if (!s.n)
		k->cut = true;
	if (!oom_take_char(&s, '('))
		return k->cut;
	close = oom_str_rfind(s, ")");
	k->cut = close < 0 || (size_t)close + 1 != s.n;
	if (close >= 0)
		k->v.comm = oom_str_sub(s, 0, (size_t)close);
	return true;
}

static const struct { const char *key; size_t offset; bool kb; } sizes[] = {
	{ "total-vm", offsetof(struct oom_victim, total_vm_kb), true },
	{ "vsz", offsetof(struct oom_victim, total_vm_kb), true },
	{ "anon-rss", offsetof(struct oom_victim, anon_rss_kb), true },
	{ "file-rss", offsetof(struct oom_victim, file_rss_kb), true },
	{ "shmem-rss", offsetof(struct oom_victim, shmem_rss_kb), true },
	{ "pgtables", offsetof(struct oom_victim, pgtables_kb), true },
	{ "UID", offsetof(struct oom_victim, uid), false },
	{ "oom_score_adj", offsetof(struct oom_victim, oom_score_adj), false },
};

/* The "key:value" list; what follows it is somebody's remark, or text that does not belong to it. */
static void read_sizes(struct oom_str s, struct kill *k)
{
	struct oom_str word, key = OOM_STR_NULL;
	bool comma = false, number = true, tail = false;

	while (s.n && !k->junk) {
		int64_t v;

		(void)oom_take_blanks(&s);
		if (!oom_take_word(&s, &word))
			break;
		comma = word.p[word.n - 1] == ',';
		word.n -= comma;
		if (!oom_take_until(&word, ':', &key) || !oom_take_char(&word, ':')) {
			k->junk = true;
			break;
		}
		number = oom_take_i64(&word, &v);
		for (size_t i = 0; number && i < OOM_ARRAY_SIZE(sizes); i++) {
			if (!oom_str_is(key, sizes[i].key))
				continue;
			tail = sizes[i].offset != offsetof(struct oom_victim, uid) &&
			       sizes[i].offset != offsetof(struct oom_victim, pgtables_kb) && i > 2;
			/* "anon-rss:12" at the end of a clipped line may have been 123kB */
			if (sizes[i].kb && !word.n && !s.n) {
				number = false;
				break;
			}
			memcpy((char *)&k->v + sizes[i].offset, &v, sizeof(v));
		}
	}
	k->complete = number && !comma && (tail || k->junk);
	k->cut |= !number;
}

static bool read_kill(struct oom_str s, struct kill *k)
{
	ptrdiff_t at = oom_str_rfind(s, " total-vm:");
	const int64_t na = OOM_NA;

	memset(k, 0, sizeof(*k));
	for (size_t i = 0; i < OOM_ARRAY_SIZE(sizes); i++)
		memcpy((char *)&k->v + sizes[i].offset, &na, sizeof(na));
	k->v.reap_us = k->v.reap_anon_rss_kb = k->v.reap_file_rss_kb = k->v.reap_shmem_rss_kb = k->v.reap_line = OOM_NA;
	if (at < 0) {
		at = oom_str_rfind(s, " vsz:");
		k->legacy = at >= 0;
	}
	if (!read_who(at < 0 ? s : oom_str_sub(s, 0, (size_t)at), k))
		return false;
	if (at < 0)
		return true;
	read_sizes(oom_str_sub(s, (size_t)at + 1, s.n), k);
	return true;
}

static bool same_caller(const struct oom_ctx *c, const struct oom_episode *ep)
{
	return ep->caller[0] != 'T' || !c->line->caller.n || c->line->caller.p[0] != 'T' ||
	       oom_str_is(c->line->caller, ep->caller);
}

/* Which episode is this kill's?  *again: the kernel repeats a victim that it has named already. */
static struct oom_episode *kill_owner(struct oom_ctx *c, const struct kill *k, bool *again)
{
	struct oom_episode *last = settled(c);
	const struct oom_victim *v;

	*again = false;
	if (!last || !same_caller(c, last))
		return deciding(c, false);
	v = oom_event_victim(&last->ev, k->v.pid);
	*again = v && (last->group || v->total_vm_kb == k->v.total_vm_kb) && v->role != OOM_ROLE_SHARED_MM;
	if (*again || last->group || (!last->ev.nvictims && last->ev.chosen_pid == k->v.pid)) {
		c->took = last;
		return last;
	}
	return deciding(c, false);
}

/* A name holding ",task=" was split at the wrong place in the summary: the kill line knows it whole. */
static void mend_summary(struct oom_event *ev, const struct oom_victim *v)
{
	size_t more;

	if (v->pid != ev->chosen_pid || !ev->chosen_comm.p || !v->comm.p || v->comm.n <= ev->chosen_comm.n ||
	    memcmp(v->comm.p + v->comm.n - ev->chosen_comm.n, ev->chosen_comm.p, ev->chosen_comm.n) != 0)
		return;
	more = v->comm.n - ev->chosen_comm.n;
	ev->chosen_comm = v->comm;
	if (ev->task_memcg.n >= more)
		ev->task_memcg.n -= more;
}

static int add_victim(struct oom_ctx *c, struct oom_episode *ep, const struct oom_victim *from, enum oom_role role)
{
	struct oom_victim *v;

	if (ep->ev.nvictims >= OOM_MAX_VICTIMS)
		return 0;
	v = oom_event_add_victim(&ep->ev);
	if (!v)
		return -ENOMEM;
	*v = *from;
	v->role = role;
	v->line = c->line->lineno;
	v->killed_us = oom_ctx_us(c);
	oom_past_add(c->h, v);
	return oom_keep(ep, from->comm, &v->comm);
}

int oom_on_killed(struct oom_ctx *c, const struct oom_caps *m)
{
	bool joined = c->line == &c->h->hold.line && !c->final, again;
	struct oom_episode *ep;
	struct kill k;

	if (!m->n || !read_kill(m->s[0], &k))
		return OOM_NO;
	if (k.junk && joined)
		return OOM_NO;
	if (!k.complete && !c->final)
		return OOM_PARTIAL;
	ep = kill_owner(c, &k, &again);
	if (!ep)
		return -ENOMEM;
	if (again)
		return OOM_MATCH;
	ep->legacy |= k.legacy;
	if (c->message != OOM_MSG_NONE)
		ep->message = c->message;
	if (add_victim(c, ep, &k.v, ep->ev.nvictims ? OOM_ROLE_GROUP : OOM_ROLE_CHOSEN) < 0)
		return -ENOMEM;
	if (ep->ev.nvictims == 1) {
		ep->ev.at[OOM_AT_KILL] = c->line->lineno;
		mend_summary(&ep->ev, &ep->ev.victim[0]);
	}
	if (k.cut && oom_damaged(c, ep, "the kill line is cut") < 0)
		return -ENOMEM;
	return oom_episode_settle(c->p, ep) < 0 ? -ENOMEM : OOM_MATCH;
}

int oom_on_sharing(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep = c->ep ? c->ep : c->h->last;
	struct oom_victim v;

	if (m->n < 2 || !ep || ep->state == OOM_EP_DONE)
		return m->n < 2 ? OOM_NO : OOM_MATCH;
	c->took = ep;
	if (oom_event_victim(&ep->ev, m->v[0]))
		return OOM_MATCH;
	memset(&v, 0, sizeof(v));
	v.pid = m->v[0];
	v.comm = m->s[1];
	v.uid = v.total_vm_kb = v.anon_rss_kb = v.file_rss_kb = v.shmem_rss_kb = v.pgtables_kb = v.oom_score_adj = OOM_NA;
	v.reap_us = v.reap_anon_rss_kb = v.reap_file_rss_kb = v.reap_shmem_rss_kb = v.reap_line = OOM_NA;
	return add_victim(c, ep, &v, OOM_ROLE_SHARED_MM) < 0 ? -ENOMEM : OOM_MATCH;
}

int oom_on_group(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep = c->ep;

	if (!m->n)
		return OOM_NO;
	if (oom_str_find(c->text, " are going to be killed due to memory.oom.group set") < 0)
		return c->final ? OOM_NO : OOM_PARTIAL;
	if (!ep)
		ep = settled(c);
	if (!ep)
		ep = oom_episode_begin(c);
	if (!ep)
		return -ENOMEM;
	c->took = ep;
	ep->group = true;
	ep->ev.oom_group = 1;
	ep->ev.memcg_version = 2;
	return oom_keep(ep, m->s[0], &ep->ev.oom_group_path) < 0 ? -ENOMEM : OOM_MATCH;
}

/* ---- nothing was killed ------------------------------------------------------------------------------------- */

static int conclude(struct oom_ctx *c, struct oom_episode *ep, enum oom_outcome outcome)
{
	if (!ep)
		return -ENOMEM;
	c->took = ep;
	ep->ev.outcome = outcome;
	ep->ev.at[OOM_AT_OUTCOME] = c->line->lineno;
	if (oom_keep(ep, c->text, &ep->ev.outcome_text) < 0)
		return -ENOMEM;
	return oom_episode_settle(c->p, ep) < 0 ? -ENOMEM : OOM_MATCH;
}

int oom_on_exiting(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep = settled(c);

	if (m->n < 2)
		return OOM_NO;
	if (ep && ep->group) {        /* a member of the group, on its way out */
		c->took = ep;
		return OOM_MATCH;
	}
	ep = deciding(c, false);
	if (!ep)
		return -ENOMEM;
	if (ep->ev.chosen_pid == OOM_NA) {
		ep->ev.chosen_pid = m->v[0];
		if (oom_keep(ep, m->s[1], &ep->ev.chosen_comm) < 0)
			return -ENOMEM;
	}
	return conclude(c, ep, OOM_OUTCOME_WILL_FREE);
}

int oom_on_would_have(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep;

	if (m->n < 2)
		return OOM_NO;
	ep = deciding(c, false);
	if (!ep)
		return -ENOMEM;
	ep->ev.chosen_pid = m->v[0];
	if (oom_keep(ep, m->s[1], &ep->ev.chosen_comm) < 0 ||
	    oom_event_note(&ep->ev, c->line->lineno, "would_have_killed", "a test kernel named the victim and let it live") < 0)
		return -ENOMEM;
	return conclude(c, ep, OOM_OUTCOME_TRUNCATED);
}

int oom_on_no_killable(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep = deciding(c, false);

	(void)m;
	if (!ep)
		return -ENOMEM;
	ep->no_killable = true;
	return conclude(c, ep, OOM_OUTCOME_NO_KILLABLE);
}

int oom_on_panic(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_episode *ep = settled(c);

	if (!c->rule->arg && !m->n)
		return OOM_NO;
	if (ep && ep->ev.outcome == OOM_OUTCOME_PANIC) {      /* consoles repeat it */
		c->took = ep;
		return OOM_MATCH;
	}
	if (!ep || !ep->no_killable)
		ep = deciding(c, false);
	if (ep && c->rule->arg)
		ep->no_killable = true;
	/* memory cgroups do not panic for want of a victim, and mode 1 panics on CONSTRAINT_NONE alone */
	if (ep && (c->rule->arg || oom_str_is(m->s[0], "system-wide")))
		ep->deadlock = true;
	return conclude(c, ep, OOM_OUTCOME_PANIC);
}
