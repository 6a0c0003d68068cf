/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Findings as a document and as JSON, schema oomlens.lint/1. */
#include "lint_impl.h"

#include <errno.h>
#include <inttypes.h>

#include <oomlens/render.h>

#define FACT(s, key, ...) oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, key, __VA_ARGS__)

static const char *event_name(struct oom_say *s, const struct oom_proof *p)
{
	if (p->event.n)
		return oom_say_safe(s, p->event);
	return p->id != OOM_NA ? oom_say_z(s, "%lld", (long long)p->id) : "";
}

static void say_finding(struct oom_say *s, const struct oom_lint *l, const struct oom_lint_finding *f)
{
	static const enum oom_tone tones[] = { OOM_TONE_BAD, OOM_TONE_WARN, OOM_TONE_STRONG };
	const struct oom_lint_check *c = f->check;

	oom_say(s, OOM_NODE_SECTION, tones[c->severity], OOM_NA, NULL, "%s: %s (%s)",
		oom_severity_names[c->severity], c->title, c->name);
	if (f->text.p)
		FACT(s, "found", "%.*s", (int)f->text.n, f->text.p);
	if (f->events)
		FACT(s, "proof", "event %s: %.*s", event_name(s, &f->proof), (int)f->proof.text.n, f->proof.text.p);
	if (f->events > 1)
		FACT(s, "events", "%zu of the %zu that were asked", f->events, l->events);
	FACT(s, "why", "%s", c->why);
	FACT(s, "see", "%s", c->see);
	FACT(s, "advice", "%s", c->advice);
}

int oom_lint_explain(const struct oom_lint *l, struct oom_str host, struct oom_doc *ret)
{
	struct oom_say s = { .doc = ret };
	size_t proven = 0;

	for (size_t i = 0; i < l->nfindings; i++)
		proven += l->finding[i].events > 0;
	oom_say(&s, OOM_NODE_TITLE, OOM_TONE_STRONG, OOM_NA, NULL, "OOM policy%s%s", host.n ? " of " : "",
		host.n ? oom_say_name(&s, host) : "");
	if (!l->nfindings && !l->events)
		oom_say(&s, OOM_NODE_VERDICT, OOM_TONE_GOOD, OOM_NA, NULL,
			"None of %zu mistakes was found; no past event is known.", oom_lint_count);
	else if (!l->nfindings)
		oom_say(&s, OOM_NODE_VERDICT, OOM_TONE_GOOD, OOM_NA, NULL,
			"None of %zu mistakes was found, nor did one decide any of %s.", oom_lint_count,
			oom_say_count(&s, (int64_t)l->events, "past event", "past events"));
	else
		oom_say(&s, OOM_NODE_VERDICT, OOM_TONE_PLAIN, OOM_NA, NULL, "%s; for %zu of them one of %s is the proof.",
			oom_say_count(&s, (int64_t)l->nfindings, "finding", "findings"), proven,
			oom_say_count(&s, (int64_t)l->events, "past event", "past events"));
	for (size_t i = 0; i < l->nfindings; i++)
		say_finding(&s, l, &l->finding[i]);
	return s.nomem ? -ENOMEM : 0;
}

/* ---- JSON --------------------------------------------------------------------------------------------- */

struct pen { FILE *out; int error; };

static void text(struct pen *p, const char *key, struct oom_str s)
{
	fprintf(p->out, ", \"%s\": ", key);
	if (!s.p)
		fputs("null", p->out);
	else if (oom_json_string(s, p->out) < 0)
		p->error = -ENOMEM;
}

static void number(struct pen *p, const char *key, int64_t v)
{
	if (v == OOM_NA)
		fprintf(p->out, ", \"%s\": null", key);
	else
		fprintf(p->out, ", \"%s\": %" PRId64, key, v);
}

static void process(struct pen *p, const char *key, int64_t pid, struct oom_str comm)
{
	if (pid == OOM_NA) {
		fprintf(p->out, ", \"%s\": null", key);
		return;
	}
	fprintf(p->out, ", \"%s\": {\"pid\": %" PRId64, key, pid);
	text(p, "comm", comm);
	fputc('}', p->out);
}

static void finding(struct pen *p, const struct oom_lint_finding *f)
{
	const struct oom_lint_check *c = f->check;

	fprintf(p->out, "{\"check\": \"%s\", \"severity\": \"%s\", \"live\": %s", c->name, oom_severity_names[c->severity],
		f->live ? "true" : "false");
	text(p, "title", oom_str_from(c->title));
	text(p, "text", f->text);
	number(p, "tasks", f->tasks);
	number(p, "kb", f->kb);
	fputs(", \"pids\": [", p->out);
	for (size_t i = 0; i < f->npids; i++)
		fprintf(p->out, i ? ", %" PRId64 : "%" PRId64, f->pid[i]);
	fputs("]", p->out);
	number(p, "events", (int64_t)f->events);
	if (f->events) {
		fputs(",\n   \"proof\": {\"id\": ", p->out);
		if (f->proof.id == OOM_NA)
			fputs("null", p->out);
		else
			fprintf(p->out, "%" PRId64, f->proof.id);
		text(p, "event", f->proof.event);
		text(p, "text", f->proof.text);
		process(p, "killed", f->proof.killed_pid, f->proof.killed_comm);
		process(p, "instead", f->proof.instead_pid, f->proof.instead_comm);
		fputs("}", p->out);
	} else {
		fputs(",\n   \"proof\": null", p->out);
	}
	text(p, "why", oom_str_from(c->why));
	text(p, "see", oom_str_from(c->see));
	text(p, "advice", oom_str_from(c->advice));
	fputc('}', p->out);
}

int oom_lint_json(const struct oom_lint *l, struct oom_str host, FILE *out)
{
	struct pen p = { .out = out };

	fputs("{\"schema\": \"oomlens.lint/1\"", out);
	text(&p, "host", host);
	number(&p, "events", (int64_t)l->events);
	fputs(",\n \"findings\": [", out);
	for (size_t i = 0; i < l->nfindings; i++) {
		fputs(i ? ",\n  " : "\n  ", out);
		finding(&p, &l->finding[i]);
	}
	fputs(l->nfindings ? "\n ]}\n" : "]}\n", out);
	return p.error;
}
