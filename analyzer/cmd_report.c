/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens report: one event as a page or as Markdown. */
#include "cmd.h"

#include <oomlens/page.h>
#include <oomlens/redact.h>

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

enum format { HTML, MARKDOWN, LOG, FORMATS };
static const char *const formats[FORMATS] = { [HTML] = "html", [MARKDOWN] = "md", [LOG] = "log" };

struct report {
	const struct opts *o;
	const struct oom_profile *profile;
	struct oom_event event;          /* the one that is reported */
	struct oom_storm storm;          /* all of its log */
	bool of_log;
	int64_t want;                    /* number of the event in its log; 0 = the last */
	int format;                      /* enum format */
	struct oom_redact_key key;
};

/* ---- which event ------------------------------------------------------------------------------------------ */

/* What is told of an event is told of the redacted one, if so asked. */
static int take(struct report *x, const struct oom_event *ev, struct oom_event *ret)
{
	return x->o->redact ? oom_redact(ev, &x->key, ret) : oom_event_clone(ret, ev);
}

static int remember(struct report *x, const struct oom_event *ev)
{
	struct oom_replay r;
	int e = oom_replay_run(ev, x->profile, &r);

	if (e == 0)
		e = oom_storm_add(&x->storm, &r);
	oom_replay_release(&r);
	return e;
}

/* The last one, or the one that was asked for. */
static int on_event(void *arg, struct oom_event *ev, const struct oom_replay *r)
{
	struct report *x = arg;
	struct oom_event one;
	int e = take(x, ev, &one);

	(void)r;
	if (e == 0)
		e = remember(x, &one);
	if (e == 0 && (!x->want || ev->id == x->want)) {
		oom_event_release(&x->event);
		x->event = one;
		return 0;
	}
	oom_event_release(&one);
	return e < 0 ? out_of_memory() : 0;
}

static int read_log(struct report *x)
{
	struct ingest in = { .opts = x->o, .profile = x->profile, .event = on_event, .arg = x };
	int code;

	if (x->o->event && oom_store_event_word(x->o->event, &x->want) != 1) {
		complain("of a log --event takes a number, not '%s'", x->o->event);
		return EXIT_USAGE;
	}
	code = ingest_run(&in);
	if (code == EXIT_NOTHING)
		complain("no OOM event in '%s'", x->o->arg[0]);
	if (code != EXIT_DONE)
		return code;
	if (x->want > in.events) {
		complain("'%s' holds %lld events, not %lld", x->o->arg[0], (long long)in.events, (long long)x->want);
		return EXIT_NOTHING;
	}
	x->of_log = true;
	if (in.events > 1 && !x->want && !x->o->quiet)
		complain("'%s' holds %lld events: this is the last one; --event N takes another", x->o->arg[0],
			 (long long)in.events);
	return EXIT_DONE;
}

static int read_store(struct report *x)
{
	struct opts o = *x->o;
	struct oom_event whole = { 0 };
	int code;

	if (o.nargs)
		o.event = o.arg[0];
	code = load_event(&o, &whole);
	if (code == EXIT_DONE && take(x, &whole, &x->event) < 0)
		code = out_of_memory();
	oom_event_release(&whole);
	return code;
}

/* A file is a log; what is none may be an event of the store. */
static bool is_file(const char *name)
{
	return strcmp(name, "-") == 0 || strchr(name, ':') || access(name, F_OK) == 0;
}

/* ---- the page --------------------------------------------------------------------------------------------- */

static int write_page(const struct report *x, const struct oom_replay *r, FILE *out)
{
	struct oom_page page;
	int err;

	if (x->format == LOG)
		return oom_page_log(r->event, out) < 0 ? out_of_memory() : EXIT_DONE;
	err = oom_page_make(r, x->profile, x->of_log ? &x->storm : NULL, &page);
	page.redacted = x->o->redact;
	if (err == 0)
		err = x->format == MARKDOWN ? oom_page_markdown(&page, out) : oom_page_html(&page, out);
	oom_page_release(&page);
	return err < 0 ? out_of_memory() : EXIT_DONE;
}

static int report(const struct report *x)
{
	struct oom_replay r;
	bool to_stdout = !x->o->output || strcmp(x->o->output, "-") == 0;
	int code = output_begin(to_stdout ? NULL : x->o->output);

	if (code != EXIT_DONE)
		return code;
	if (oom_replay_run(&x->event, x->profile, &r) < 0 || oom_replay_rank(&r) < 0)
		code = out_of_memory();
	else
		code = write_page(x, &r, stdout);
	oom_replay_release(&r);
	return output_end(code);
}

/* ---- the command ------------------------------------------------------------------------------------------ */

static bool choose_key(struct report *x)
{
	if (x->o->redact_key && !x->o->redact) {
		complain("--redact-key goes with --redact");
		return false;
	}
	if (x->o->redact_key)
		x->key = oom_redact_key_of(oom_str_from(x->o->redact_key));
	else if (x->o->redact && getrandom(&x->key, sizeof(x->key), 0) != (ssize_t)sizeof(x->key)) {
		complain("cannot get random bytes for the pseudonyms: %s", strerror(errno));
		return false;
	}
	return true;
}

static bool choose_format(struct report *x)
{
	const char *name = x->o->format ? x->o->format : "html";

	while (x->format < FORMATS && strcmp(formats[x->format], name) != 0)
		x->format++;
	if (x->format == FORMATS)
		complain("--format knows html, md and log, not '%s'", name);
	return x->format < FORMATS;
}

int cmd_report(const struct opts *o)
{
	struct report x = { .o = o };
	int code;

	if (!choose_profile(o, &x.profile) || !choose_format(&x) || !choose_key(&x))
		return EXIT_USAGE;
	if (o->nargs > 1 || (!o->nargs && !o->event)) {
		complain("report takes one FILE, or the id of a stored event");
		return EXIT_USAGE;
	}
	code = o->nargs && is_file(o->arg[0]) ? read_log(&x) : read_store(&x);
	if (code == EXIT_DONE)
		code = report(&x);
	oom_event_release(&x.event);
	oom_storm_release(&x.storm);
	return code;
}
