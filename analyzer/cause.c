/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of causes, and the order in which they are tried. */
#include <errno.h>
#include <stdarg.h>
#include <string.h>

#include "cause_impl.h"

const char *const oom_confidence_names[] = { "none", "likely", "certain", NULL };

const struct oom_cause oom_causes[] = {
	[OOM_WHY_SYSRQ] = { "sysrq", "asked for by hand",
		"find out who wrote f to /proc/sysrq-trigger or pressed the keys; memory need not be changed",
		"an invocation with an order of 0 or more that no sysrq line precedes" },
	[OOM_WHY_MEMCG_LIMIT] = { "memcg_limit", "a memory cgroup was full",
		"raise the limit of that cgroup, or make what runs in it use less",
		"a usage well below every limit of the group" },
	[OOM_WHY_MEMCG_ANCESTOR] = { "memcg_ancestor_limit", "a memory cgroup above the victim's own was full",
		"look at the limit of that ancestor and at all that runs below it: the victim's own limit was not reached",
		"a usage well below every limit of the ancestor" },
	[OOM_WHY_NOT_DETERMINED] = { "not_determined", "not determined", NULL, NULL },
};
const size_t oom_cause_count = OOM_ARRAY_SIZE(oom_causes);

const struct oom_cause *oom_cause_named(const char *keyword)
{
	for (size_t i = 0; i < oom_cause_count; i++)
		if (!strcmp(oom_causes[i].keyword, keyword))
			return &oom_causes[i];
	return NULL;
}

/* ---- findings --------------------------------------------------------------------------------------- */

static struct oom_finding nowhere;

struct oom_finding *oom_case_find(struct oom_case *c, enum oom_why why, enum oom_confidence confidence, int64_t kb,
				  const char *text)
{
	struct oom_finding *grown = oom_arena_grow(&c->say.doc->arena, c->finding, c->nfindings, &c->cap,
						   sizeof(*c->finding));

	if (!grown) {
		c->say.nomem = true;
		return &nowhere;
	}
	c->finding = grown;
	c->finding[c->nfindings] = (struct oom_finding){
		.cause = &oom_causes[why], .confidence = confidence, .kb = kb, .text = oom_str_from(text),
	};
	return &c->finding[c->nfindings++];
}

void oom_case_prove(struct oom_case *c, struct oom_finding *f, int64_t line, const char *fmt, ...)
{
	struct oom_evidence *grown;
	const char *text;
	size_t cap = f->nevidence;
	va_list ap;

	if (f == &nowhere)
		return;
	grown = oom_arena_grow(&c->say.doc->arena, f->evidence, f->nevidence, &cap, sizeof(*grown));
	va_start(ap, fmt);
	text = oom_say_zv(&c->say, fmt, ap);
	va_end(ap);
	if (!grown) {
		c->say.nomem = true;
		return;
	}
	f->evidence = grown;
	f->evidence[f->nevidence++] = (struct oom_evidence){ .text = oom_str_from(text), .line = line };
}

/* ---- the tests --------------------------------------------------------------------------------------- */

void oom_cause_sysrq(struct oom_case *c)
{
	const struct oom_event *ev = c->ev;
	struct oom_finding *f;

	if (ev->sysrq != 1)
		return;
	f = oom_case_find(c, OOM_WHY_SYSRQ, OOM_CONFIDENCE_CERTAIN, OOM_NA,
			  "Somebody asked for an OOM kill by hand (sysrq-f); memory need not have been short.");
	oom_case_prove(c, f, ev->at[OOM_AT_INVOKED], "%s", ev->order == -1 ? "order=-1, which only sysrq-f has"
									     : "the kernel says that it was done by hand");
}

static void (*const tests[])(struct oom_case *c) = {
	oom_cause_sysrq, oom_cause_memcg,
};

static void not_determined(struct oom_case *c)
{
	struct oom_finding *f;
	const char *why = c->missing ? c->missing : "the log has no memory dump";

	f = oom_case_find(c, OOM_WHY_NOT_DETERMINED, OOM_CONFIDENCE_NONE, OOM_NA,
			  oom_say_z(&c->say, "Not determined: %s.", why));
	f->primary = true;
}

int oom_diagnose(const struct oom_replay *r, struct oom_diagnosis *ret)
{
	struct oom_doc doc = { 0 };
	struct oom_case c = { .ev = r->event, .r = r, .say = { .ev = r->event, .r = r, .doc = &doc } };
	int code;

	*ret = (struct oom_diagnosis){ 0 };
	code = oom_books_make(r->event, &ret->books);
	if (code < 0)
		return code;
	c.books = &ret->books;
	c.machine = oom_books_of(c.books, OOM_LEDGER_MACHINE);
	c.memcg = oom_books_of(c.books, OOM_LEDGER_MEMCG);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(tests) && !c.nfindings; i++)
		tests[i](&c);
	if (c.nfindings)
		c.finding[0].primary = true;
	else
		not_determined(&c);
	ret->arena = doc.arena;
	ret->finding = c.finding;
	ret->nfindings = c.nfindings;
	return c.say.nomem ? -ENOMEM : 0;
}

void oom_diagnosis_release(struct oom_diagnosis *d)
{
	if (!d)
		return;
	oom_books_release(&d->books);
	oom_arena_release(&d->arena);
	*d = (struct oom_diagnosis){ 0 };
}

const char *oom_diagnosis_keyword(const struct oom_diagnosis *d)
{
	return d->nfindings ? d->finding[0].cause->keyword : "not_determined";
}
