/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The head of a report: who asked for memory, on which kernel, and how it got here. */
#include "rules.h"

#include <errno.h>
#include <string.h>

#define SYSRQ_US    (30 * INT64_C(1000000))
#define SYSRQ_LINES 50

/* ---- invocation ---------------------------------------------------------------------------------------- */

struct invocation {
	struct oom_str comm, mask, flags, nodemask;
	int64_t order, adj, score_adj;
	bool complete;
};

/* A name longer than the kernel's 15 bytes has other text in front of it: console output of a program that
 * did not end its line. */
static struct oom_str only_comm(struct oom_str s)
{
	ptrdiff_t at;

	s = oom_str_trim(s);
	if (s.n <= OOM_COMM_LEN)
		return s;
	at = oom_str_rfind(s, "] ");
	if (at >= 0 && s.n - (size_t)at - 2 <= OOM_COMM_LEN)
		return oom_str_sub(s, (size_t)at + 2, s.n);
	at = oom_str_rfind(s, " ");
	if (at >= 0 && s.n - (size_t)at - 1 <= OOM_COMM_LEN)
		return oom_str_sub(s, (size_t)at + 1, s.n);
	return OOM_STR_NULL;
}

static int64_t number_after(struct oom_str s, const char *key)
{
	ptrdiff_t at = oom_str_find(s, key);
	struct oom_str t;
	int64_t v;

	if (at < 0)
		return OOM_NA;
	t = oom_str_sub(s, (size_t)at + strlen(key), s.n);
	return oom_take_i64(&t, &v) ? v : OOM_NA;
}

/* The last "...adj=": misspelt in some published logs, so only its end is asked for. */
static void read_adj(struct oom_str s, struct invocation *in)
{
	ptrdiff_t at = oom_str_rfind(s, "adj=");
	struct oom_str t;

	in->adj = number_after(s, "oom_adj=");
	in->score_adj = OOM_NA;
	if (at < 0)
		return;
	t = oom_str_sub(s, (size_t)at + 4, s.n);
	if (at >= 4 && !memcmp(s.p + at - 4, "oom_", 4)) {
		in->complete = in->adj != OOM_NA;
		return;
	}
	in->complete = oom_take_i64(&t, &in->score_adj);
}

static void read_invocation(struct oom_str s, struct invocation *in)
{
	ptrdiff_t order = oom_str_find(s, "order="), mask = oom_str_find(s, "nodemask=");
	struct oom_str t = s;

	if (!oom_take_lit(&t, "gfp_mask="))
		return;
	in->mask = t;
	for (in->mask.n = 0; in->mask.n < t.n && !strchr("(, \t", t.p[in->mask.n]); )
		in->mask.n++;
	t = oom_str_trim(oom_str_sub(t, in->mask.n, t.n));
	if (oom_take_char(&t, '(') && !oom_take_until(&t, ')', &in->flags))
		in->flags = OOM_STR_NULL;
	if (mask >= 0 && order > mask) {       /* a list of nodes holds commas itself */
		in->nodemask = oom_str_trim(oom_str_sub(s, (size_t)mask + 9, (size_t)(order - mask) - 9));
		if (in->nodemask.n && in->nodemask.p[in->nodemask.n - 1] == ',')
			in->nodemask.n--;
	}
	in->order = number_after(s, "order=");
	read_adj(s, in);
}

/* Only the kernel's own worker handles sysrq; an ordinary invocation may come in between. */
static bool sysrq_pending(const struct oom_ctx *c, struct oom_str comm)
{
	const struct oom_host *h = c->h;

	if (h->sysrq_line == OOM_NA || !(oom_str_starts(comm, "kworker") || oom_str_starts(comm, "events/")))
		return false;
	if (h->sysrq_us != OOM_NA && h->now_us != OOM_NA)
		return h->now_us - h->sysrq_us < SYSRQ_US;
	return c->line->lineno - h->sysrq_line < SYSRQ_LINES;
}

static int store_invocation(struct oom_ctx *c, struct oom_episode *ep, const struct invocation *in)
{
	struct oom_event *ev = &ep->ev;
	struct oom_str mask = in->mask;
	uint64_t hex;

	ev->has_invoked = 1;
	ev->at[OOM_AT_INVOKED] = c->line->lineno;
	ev->order = in->order;
	ev->trigger_adj = in->score_adj;
	ep->legacy = in->complete && in->score_adj == OOM_NA;
	if (oom_take_hex(&mask, &hex) && hex <= INT64_MAX)
		ev->gfp_mask = (int64_t)hex;
	if (sysrq_pending(c, in->comm) || in->order == -1) {
		ev->sysrq = 1;
		c->h->sysrq_line = OOM_NA;
	}
	ep->mem_doubt = c->h->alloc_failure_line != OOM_NA && c->line->lineno - c->h->alloc_failure_line < 20;
	if (oom_keep(ep, in->comm, &ev->trigger_comm) < 0 || oom_keep(ep, in->mask, &ev->gfp_raw) < 0 ||
	    oom_keep(ep, in->flags, &ev->gfp_flags) < 0 || oom_keep(ep, in->nodemask, &ev->nodemask) < 0)
		return -ENOMEM;
	if (ev->suppressed &&
	    oom_event_note(ev, c->line->lineno, "callbacks_suppressed", "%lld reports before this one were suppressed",
			   (long long)ev->suppressed) < 0)
		return -ENOMEM;
	if (!in->complete)
		return oom_damaged(c, ep, "the invocation line is cut");
	return 0;
}

int oom_on_invoked(struct oom_ctx *c, const struct oom_caps *m)
{
	struct invocation in = { .order = OOM_NA, .adj = OOM_NA, .score_adj = OOM_NA };
	struct oom_episode *ep;
	struct oom_str rest = oom_str_trim(m->s[m->n > 1]);

	if (c->rule->arg) {           /* the rule has eaten the key already */
		rest = c->text;
		(void)oom_take_lit(&rest, "oom-killer:");
		rest = oom_str_trim(rest);
	} else {
		in.comm = only_comm(m->s[0]);
	}
	read_invocation(rest, &in);
	if (!in.complete && !c->final)
		return OOM_PARTIAL;
	ep = oom_episode_begin(c);
	if (!ep)
		return -ENOMEM;
	return store_invocation(c, ep, &in) < 0 ? -ENOMEM : OOM_MATCH;
}

int oom_on_cpuset(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_event *ev = &c->ep->ev;
	struct oom_str mems = m->s[2], word;

	if (ev->trigger_comm.p && !oom_str_eq(oom_str_trim(m->s[0]), ev->trigger_comm))
		return OOM_NO;
	if (!oom_take_word(&mems, &word))
		return OOM_PARTIAL;
	ev->at[OOM_AT_CPUSET] = c->line->lineno;
	if (oom_keep(c->ep, m->s[1], &ev->cpuset) < 0 || oom_keep(c->ep, word, &ev->mems_allowed) < 0)
		return -ENOMEM;
	return OOM_MATCH;
}

/* ---- the CPU line -------------------------------------------------------------------------------------- */

struct header {
	struct oom_str comm, taint, release;
	bool complete;
};

static bool is_release(struct oom_str w)
{
	return w.n > 2 && w.p[0] >= '0' && w.p[0] <= '9' && memchr(w.p, '.', w.n);
}

/* "<comm> [Kdump: loaded ]Not tainted|Tainted: <flags> <release> <version>"; the name may hold anything. */
static void read_header(struct oom_str s, struct oom_str expect, struct header *hd)
{
	static const char *const marks[] = { " Not tainted", " Tainted:" };
	ptrdiff_t at = -1, kdump;
	struct oom_str t, word = OOM_STR_NULL, flags;
	size_t blank = 1;             /* before the mark */
	bool clean = false;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(marks); i++) {
		ptrdiff_t q = oom_str_rfind(s, marks[i]);

		if (q > at) {
			at = q;
			clean = i == 0;
		}
	}
	for (size_t i = 0; at < 0 && i < OOM_ARRAY_SIZE(marks); i++)
		if (oom_str_starts(s, marks[i] + 1)) {        /* the name is empty, and its blanks are gone */
			at = 0;
			clean = i == 0;
			blank = 0;
		}
	if (at < 0)
		return;
	hd->comm = oom_str_trim(oom_str_sub(s, 0, (size_t)at));
	kdump = oom_str_rfind(hd->comm, " Kdump: loaded");
	if (kdump >= 0)
		hd->comm = oom_str_trim(oom_str_sub(hd->comm, 0, (size_t)kdump));
	if (expect.p && expect.n < s.n && !memcmp(s.p, expect.p, expect.n) && s.p[expect.n] == ' ')
		hd->comm = oom_str_sub(s, 0, expect.n);
	t = oom_str_trim(oom_str_sub(s, (size_t)at + strlen(marks[!clean]) - 1 + blank, s.n));
	flags = t;
	flags.n = 0;
	while (oom_take_word(&t, &word) && !is_release(word)) {
		flags.n = (size_t)(word.p + word.n - flags.p);
		(void)oom_take_blanks(&t);
		word = OOM_STR_NULL;
	}
	if (!is_release(word))
		return;
	hd->taint = clean ? OOM_STR("") : flags;
	hd->release = word;
	hd->complete = oom_str_find(t, "#") >= 0;
}

static int header(struct oom_ctx *c, int64_t pid, int64_t uid, struct oom_str rest)
{
	struct header hd = { OOM_STR_NULL, OOM_STR_NULL, OOM_STR_NULL, false };
	struct oom_event *ev;

	if (!c->ep)
		return OOM_MATCH;
	ev = &c->ep->ev;
	read_header(rest, ev->trigger_comm, &hd);
	if (!hd.complete && !c->final)
		return OOM_PARTIAL;
	if (ev->at[OOM_AT_HEADER] != OOM_NA || c->ep->section != OOM_SEC_HEAD || !hd.comm.p)
		return OOM_NO;        /* another splat in the middle of ours */
	/* of a name with a newline in it the invocation shows the end only */
	if (ev->trigger_comm.p && hd.comm.n > ev->trigger_comm.n && memchr(hd.comm.p, '\n', hd.comm.n) &&
	    !memcmp(hd.comm.p + hd.comm.n - ev->trigger_comm.n, ev->trigger_comm.p, ev->trigger_comm.n))
		ev->trigger_comm = OOM_STR_NULL;
	if (ev->trigger_comm.p && !oom_str_eq(hd.comm, ev->trigger_comm))
		return OOM_NO;
	ev->at[OOM_AT_HEADER] = c->line->lineno;
	ev->trigger_pid = pid;
	ev->trigger_uid = uid;
	if (oom_keep(c->ep, hd.taint, &ev->tainted) < 0 || oom_keep(c->ep, hd.release, &ev->kernel) < 0 ||
	    (!ev->trigger_comm.p && oom_keep(c->ep, hd.comm, &ev->trigger_comm) < 0))
		return -ENOMEM;
	if (!hd.release.p)
		return OOM_MATCH;
	ev->kernel_from = OOM_STR("header");
	if (hd.release.n < sizeof(c->h->kernel)) {
		memcpy(c->h->kernel, hd.release.p, hd.release.n);
		c->h->kernel[hd.release.n] = '\0';
		c->h->kernel_banner = false;
	}
	return OOM_MATCH;
}

int oom_on_cpu(struct oom_ctx *c, const struct oom_caps *m)
{
	return m->n < 3 ? OOM_PARTIAL : header(c, m->v[1], OOM_NA, m->s[2]);
}

int oom_on_cpu_uid(struct oom_ctx *c, const struct oom_caps *m)
{
	return m->n < 4 ? OOM_PARTIAL : header(c, m->v[2], m->v[1], m->s[3]);
}

int oom_on_pid(struct oom_ctx *c, const struct oom_caps *m)
{
	return m->n < 2 ? OOM_PARTIAL : header(c, m->v[0], OOM_NA, m->s[1]);
}

int oom_on_banner(struct oom_ctx *c, const struct oom_caps *m)
{
	struct oom_str release = m->s[0];

	if (!is_release(release))
		return OOM_NO;
	if (oom_boot_changed(c->p, c->h) < 0)
		return -ENOMEM;
	c->ep = NULL;
	if (release.n < sizeof(c->h->kernel)) {
		memcpy(c->h->kernel, release.p, release.n);
		c->h->kernel[release.n] = '\0';
		c->h->kernel_banner = true;
	}
	return OOM_MATCH;
}

/* ---- call trace and neighbours ---------------------------------------------------------------------------- */

int oom_on_trace(struct oom_ctx *c, const struct oom_caps *m)
{
	(void)c;
	(void)m;
	return OOM_MATCH;
}

/* The function of " ? name+0x12/0x34", "[<addr>] name+0x12/0x34" or of a decoded "name (file.c:12)"; NULL if it is none.
 * *sure: it stands without the question mark of a stale stack entry. */
static struct oom_str symbol(struct oom_str t, bool *sure)
{
	const char *plus = memchr(t.p, '+', t.n), *end = t.p + t.n, *sym;

	*sure = true;
	if (plus && end - plus > 3 && plus[1] == '0' && plus[2] == 'x') {
		sym = plus;
		while (sym > t.p && sym[-1] != ' ' && sym[-1] != '(')
			sym--;
		*sure = !(sym - t.p > 1 && sym[-2] == '?');
		if (sym > t.p && *t.p != '?' && *t.p != '[' && *t.p != '(')
			return OOM_STR_NULL;
		return (struct oom_str){ sym, (size_t)(plus - sym) };
	}
	if (oom_take_lit(&t, "? "))
		*sure = false;
	sym = memchr(t.p, ' ', t.n);
	if (!sym || end - sym < 6 || sym[1] != '(' || !(oom_str_find(t, ".c:") >= 0 || oom_str_find(t, ".h:") >= 0))
		return OOM_STR_NULL;
	return (struct oom_str){ t.p, (size_t)(sym - t.p) };
}

/* A line of the call trace: it tells who called. */
int oom_trace_line(struct oom_ctx *c)
{
	bool sure;
	struct oom_str s = symbol(c->text, &sure);

	if (!s.p)
		return OOM_NO;
	oom_rule_hit(c, OOM_RULE_TRACE);
	if (s.n < 13 || !sure)
		return OOM_MATCH;
	if (oom_str_is(s, "moom_callback"))
		c->ep->stack_sysrq = true;
	else if (*s.p == '_' && oom_str_starts(s, "__alloc_pages"))
		c->ep->stack_alloc = true;
	else if (*s.p == 'm' && (oom_str_is(s, "mem_cgroup_out_of_memory") || oom_str_is(s, "mem_cgroup_oom_synchronize")))
		c->ep->stack_memcg = true;
	else if (*s.p == 'p' && oom_str_is(s, "pagefault_out_of_memory") && !oom_event_has_note(&c->ep->ev, "page_fault") &&
		 oom_event_note(&c->ep->ev, c->line->lineno, "page_fault", "called on the way out of a page fault") < 0)
		return -ENOMEM;
	return OOM_MATCH;
}

/* A failed allocation prints the same memory dump, which is not ours. */
int oom_on_alloc_failure(struct oom_ctx *c)
{
	ptrdiff_t at = oom_str_find(c->text, ": page allocation ");
	struct oom_str s;
	bool stall;

	if (at < 0)
		return OOM_NO;
	s = oom_str_sub(c->text, (size_t)at + 18, c->text.n);
	stall = oom_str_starts(s, "stalls for");
	if (!stall && !oom_str_starts(s, "failure"))
		return OOM_NO;
	oom_rule_hit(c, stall ? OOM_RULE_ALLOC_STALL : OOM_RULE_ALLOC_FAILURE);
	c->h->alloc_failure_line = c->line->lineno;
	if (c->ep && !c->other_caller && !(c->ep->seen & OOM_IN(OOM_SEC_MEMINFO)))
		c->ep->mem_doubt = true;
	return OOM_MATCH;
}

int oom_on_sysrq(struct oom_ctx *c, const struct oom_caps *m)
{
	(void)m;
	c->h->sysrq_line = c->line->lineno;
	c->h->sysrq_us = c->h->now_us;
	return OOM_MATCH;
}

int oom_on_suppressed(struct oom_ctx *c, const struct oom_caps *m)
{
	if (m->v[0] > 0 && m->v[0] < INT32_MAX && c->h->suppressed < INT32_MAX)
		c->h->suppressed += m->v[0];
	return OOM_MATCH;
}

/* Worth telling, nothing more: the rule's name is the kind of the note. */
int oom_on_remark(struct oom_ctx *c, const struct oom_caps *m)
{
	(void)m;
	if (oom_event_has_note(&c->ep->ev, c->rule->name))
		return OOM_MATCH;
	if (oom_event_note(&c->ep->ev, c->line->lineno, c->rule->name, "%.*s", (int)c->text.n, c->text.p) < 0)
		return -ENOMEM;
	return OOM_MATCH;
}
