/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The page: title, then the sections from the most to the least urgent. */
#include <errno.h>
#include <string.h>

#include "explain_impl.h"

#define TOP_DEFAULT 8

static const char *when(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const char *boot = "";

	if (ev->boot_us != OOM_NA && ev->boot_us >= 0)
		boot = oom_say_z(s, "%lld.%06lld s after boot", (long long)(ev->boot_us / 1000000),
				 (long long)(ev->boot_us % 1000000));
	if (!ev->stamp.p || !ev->stamp.n)
		return boot;
	return oom_say_join(s, oom_say_z(s, "%.*s", (int)ev->stamp.n, ev->stamp.p), ", ", boot);
}

static void say_title(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const char *t = ev->id == OOM_NA ? "OOM event" : oom_say_z(s, "OOM event %lld", (long long)ev->id);

	if (ev->host.p && ev->host.n)
		t = oom_say_z(s, "%s on %s", t, oom_say_name(s, ev->host));
	t = oom_say_join(s, t, ", ", when(s));
	if (ev->kernel.p && ev->kernel.n)
		t = oom_say_z(s, "%s, Linux %s", t, oom_say_name(s, ev->kernel));
	oom_say(s, OOM_NODE_TITLE, OOM_TONE_STRONG, OOM_NA, NULL, "%s", t);
	if (ev->path.p && ev->first_line != OOM_NA)
		oom_say(s, OOM_NODE_TEXT, OOM_TONE_DIM, OOM_NA, NULL, "%s, lines %lld to %lld",
			oom_say_name(s, ev->path), (long long)ev->first_line, (long long)ev->last_line);
}

int oom_explain(const struct oom_replay *r, const struct oom_explain_opts *opts, struct oom_doc *ret)
{
	struct oom_diagnosis why;
	struct oom_say s = { .ev = r->event, .r = r, .why = &why, .doc = ret, .top = TOP_DEFAULT };

	memset(ret, 0, sizeof(*ret));
	if (oom_diagnose(r, &why) < 0) {
		oom_diagnosis_release(&why);
		return -ENOMEM;
	}
	if (opts && opts->top)
		s.top = opts->top;
	s.page = opts && opts->page;
	if (opts && opts->all)
		s.top = SIZE_MAX;
	say_title(&s);
	oom_say_verdict(&s);
	if (s.page)
		oom_say_cause(&s);
	oom_say_who(&s);
	if (!s.page)
		oom_say_cause(&s);
	oom_say_why(&s);
	oom_say_where(&s);
	oom_say_recorder(&s);
	if (!s.page)
		oom_say_around(&s);
	oom_say_gaps(&s);
	oom_diagnosis_release(&why);
	if (s.nomem) {
		oom_doc_release(ret);
		return -ENOMEM;
	}
	return 0;
}

void oom_doc_release(struct oom_doc *d)
{
	if (!d)
		return;
	oom_arena_release(&d->arena);
	memset(d, 0, sizeof(*d));
}
