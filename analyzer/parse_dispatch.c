/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which rules a line is tried against: by the section of the report and by its first byte, never by all of them. */
#include "rules.h"

#include <string.h>

void oom_rule_hit(struct oom_ctx *c, size_t rule)
{
	c->p->hits[rule]++;
	c->hit = &oom_rules[rule];
}

/* Where " invoked oom-killer:" stands: dashes are rare in everything that a report is made of. */
static ptrdiff_t find_invoked(struct oom_str t)
{
	for (size_t i = 0; i < t.n; i++) {
		const char *q = memchr(t.p + i, '-', t.n - i);
		size_t at;

		if (!q)
			break;
		at = (size_t)(q - t.p);
		if (at >= 12 && t.n - at >= 8 && !memcmp(q - 12, " invoked oom-killer:", 20))
			return (ptrdiff_t)(at - 12);
		i = at;
	}
	return -1;
}

/* The name of the task may be empty; the blank behind it is gone then. */
static bool nobody_invoked(struct oom_str t)
{
	return oom_str_starts(t, "invoked oom-killer:");
}

/* Lines that another task printed while our report was being printed. */
static bool another_may(const struct oom_rule *r)
{
	return r->fn == oom_on_killed || r->fn == oom_on_score || r->fn == oom_on_banner || r->fn == oom_on_reaped ||
	       r->fn == oom_on_unable || r->fn == oom_on_pinned || r->fn == oom_on_sysrq || r->fn == oom_on_panic ||
	       r->fn == oom_on_suppressed;
}

static int try_rules(struct oom_ctx *c)
{
	const struct oom_rule_index *ix = &c->p->index;
	unsigned byte = (unsigned char)c->text.p[0], sec = OOM_IN(c->ep ? c->ep->section : OOM_SEC_IDLE);
	struct oom_caps m;
	int best = OOM_NO;

	for (unsigned i = ix->from[byte]; i < ix->from[byte + 1]; i++) {
		const struct oom_rule *rule = &oom_rules[ix->rule[i]];
		int r;

		if (!(rule->in & sec) || (c->other_caller && !another_may(rule)))
			continue;
		r = (int)oom_rule_match(rule->pattern, c->text, &m);
		/* handlers of broken lines make do with less, once nothing more will come */
		if (r == OOM_MATCH || (r == OOM_PARTIAL && c->final && m.n)) {
			c->rule = rule;
			r = rule->fn ? rule->fn(c, &m) : r;
			if (r == OOM_MATCH) {
				oom_rule_hit(c, (size_t)(rule - oom_rules));
				c->took = c->took ? c->took : c->ep;
				return r;
			}
		}
		if (r < 0)
			return r;
		best = r == OOM_PARTIAL ? r : best;
	}
	return best;
}

enum oom_message oom_take_message(struct oom_str *t)
{
	struct oom_str s = *t, why;

	if (oom_take_lit(&s, "Memory cgroup out of memory:")) {
		*t = oom_str_trim(s);
		return OOM_MSG_MEMCG;
	}
	if (oom_take_lit(&s, "Out of memory:")) {
		*t = oom_str_trim(s);
		return OOM_MSG_GLOBAL;
	}
	if (oom_take_lit(&s, "Out of memory (") && oom_take_until(&s, ')', &why) && oom_take_lit(&s, "):")) {
		*t = oom_str_trim(s);
		return oom_str_is(why, "oom_kill_allocating_task") ? OOM_MSG_ALLOCATING : OOM_MSG_GLOBAL;
	}
	return OOM_MSG_NONE;
}

/* What only the section tells apart: counters, rows, statistics. */
static int try_section(struct oom_ctx *c)
{
	int r = OOM_NO;

	if (!c->ep || c->other_caller)
		return OOM_NO;
	if (c->ep->summary_cut && c->text.p[0] == ',')
		r = oom_on_summary_tail(c);
	else if (c->ep->section == OOM_SEC_TABLE ||
		 (c->ep->section == OOM_SEC_KILL && !c->ep->ev.nvictims && oom_is_row(c->text)))
		r = oom_task_line(c);
	else if (c->ep->section == OOM_SEC_SLAB)
		r = oom_slab_line(c);
	else if (c->ep->section == OOM_SEC_ALLOC)
		r = oom_alloc_line(c);
	else if (c->ep->section == OOM_SEC_MEMCG)
		r = oom_memcg_line(c);
	if (r == OOM_NO && c->ep->section < OOM_SEC_TABLE)
		r = oom_memory_line(c);
	if (r == OOM_NO && c->ep->section == OOM_SEC_FOREIGN)
		r = oom_memory_line(c);
	if (r == OOM_NO && c->ep->section < OOM_SEC_TABLE && oom_is_row(c->text))
		r = oom_task_line(c);         /* a ring buffer that lost the heading */
	if (r == OOM_MATCH)
		c->took = c->ep;
	return r;
}

static int try_names_first(struct oom_ctx *c)
{
	struct oom_caps m;
	int r = OOM_NO;

	if (c->ep && c->ep->section == OOM_SEC_HEAD && c->ep->ev.at[OOM_AT_CPUSET] == OOM_NA &&
	    memchr(c->text.p, '=', c->text.n)) {
		r = (int)oom_rule_match(oom_rules[OOM_RULE_CPUSET].pattern, c->text, &m);
		if (r == OOM_MATCH)
			r = oom_on_cpuset(c, &m);
		else if (r == OOM_PARTIAL && oom_str_find(c->text, " cpuset=") < 0)
			r = OOM_NO;
		if (r == OOM_MATCH) {
			oom_rule_hit(c, OOM_RULE_CPUSET);
			c->took = c->ep;
		}
	}
	return r == OOM_NO ? oom_on_alloc_failure(c) : r;
}

int oom_dispatch(struct oom_ctx *c)
{
	struct oom_str whole = c->text;
	int r = OOM_NO, s;
	ptrdiff_t at;

	if (!whole.n)
		return OOM_NO;
	at = find_invoked(whole);
	if (at >= 0 || nobody_invoked(whole)) {
		struct oom_caps m = { .n = 2 };

		m.s[0] = oom_str_sub(whole, 0, at < 0 ? 0 : (size_t)at);
		m.s[1] = oom_str_sub(whole, (size_t)(at + 20), whole.n);
		c->rule = &oom_rules[OOM_RULE_INVOKED];
		r = oom_on_invoked(c, &m);
		if (r == OOM_MATCH)
			oom_rule_hit(c, OOM_RULE_INVOKED);
		if (r != OOM_NO)
			return r;
	} else if (!c->final && oom_str_ends(whole, " invoked")) {
		return OOM_PARTIAL;
	}
	if (c->ep && !c->other_caller) {
		if (c->ep->section == OOM_SEC_TABLE && whole.p[0] == '[')
			r = oom_task_line(c);
		else if (c->ep->section == OOM_SEC_MEMCG)
			r = oom_memcg_line(c);
		else if (c->ep->section == OOM_SEC_HEAD)
			r = oom_trace_line(c);
		if (r != OOM_NO) {
			c->took = c->ep;
			return r;
		}
	}
	r = try_rules(c);
	if (r == OOM_MATCH || r < 0)
		return r;
	c->message = oom_take_message(&c->text);
	if (c->message != OOM_MSG_NONE) {
		r = c->text.n ? try_rules(c) : OOM_PARTIAL;
		c->text = whole;
		if (r != OOM_NO)
			return r;
	}
	s = try_section(c);
	if (s == OOM_NO)
		s = try_names_first(c);
	return s == OOM_NO ? r : s;
}

/* Would this text, standing alone, be something of its own rather than the rest of a wrapped line? */
bool oom_looks_own(struct oom_ctx *c, struct oom_str t)
{
	const struct oom_rule_index *ix = &c->p->index;
	unsigned byte;
	struct oom_str s = t, word;
	struct oom_caps m;
	int64_t n;

	if (!t.n || oom_is_row(t) || oom_str_starts(t, "[<") || oom_str_starts(t, "[ pid") || find_invoked(t) >= 0 ||
	    nobody_invoked(t) ||	    oom_str_starts(t, "Out of memory") || oom_str_starts(t, "Memory cgroup out of memory"))
		return true;
	if (oom_take_lit(&s, "Node ") && oom_take_i64(&s, &n))
		return true;
	s = t;
	if (oom_take_word(&s, &word) && word.n > 1 && oom_take_blanks(&s) &&
	    (oom_str_starts(s, "free:") || (word.p[word.n - 1] == ':' && oom_take_i64(&s, &n) && oom_take_char(&s, '*'))))
		return true;
	byte = (unsigned char)t.p[0];
	for (unsigned i = ix->from[byte]; i < ix->from[byte + 1]; i++) {
		const char *pat = oom_rules[ix->rule[i]].pattern;
		size_t lit = strcspn(pat, "{");

		if (!lit ? oom_rule_match(pat, t, &m) == OOM_MATCH : lit >= 5 && lit <= t.n && !memcmp(pat, t.p, lit))
			return !(oom_rules[ix->rule[i]].flags & OOM_RULE_START) || oom_rules[ix->rule[i]].arg != 1 ||
			       oom_rules[ix->rule[i]].fn != oom_on_invoked;
	}
	return false;
}
