/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens explain: the postmortem of a log or of a stored event. */
#include "cmd.h"

#include <oomlens/explain.h>
#include <oomlens/render.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct explain {
	const struct opts *opts;
	FILE *events;                        /* --json: held back, because sources[] stands first and is known last */
	FILE *sources;
	int64_t nevents, nsources;
	int64_t verdicts[OOM_VERDICT_INSUFFICIENT + 1];
};

static int print_text(const struct explain *x, const struct oom_replay *r)
{
	const struct oom_explain_opts opts = { .top = (size_t)x->opts->top, .all = x->opts->all };
	struct oom_doc doc = { 0 };
	int err = oom_explain(r, &opts, &doc);

	if (err == 0) {
		if (x->nevents > 1)
			putchar('\n');
		oom_render_text(&doc, x->opts->width, x->opts->color, stdout);
	}
	oom_doc_release(&doc);
	return err;
}

static int on_event(void *arg, struct oom_event *ev, const struct oom_replay *r)
{
	struct explain *x = arg;
	int err;

	x->nevents++;
	x->verdicts[r->verdict]++;
	if (x->events) {
		fputs(x->nevents > 1 ? ",\n  " : "\n  ", x->events);
		err = oom_json_event(ev, r, x->events);
	} else {
		err = print_text(x, r);
	}
	if (x->events && ferror(x->events)) {
		complain("cannot write a temporary file: %s", strerror(errno));
		return EXIT_INPUT;
	}
	if (err < 0) {
		complain("out of memory while explaining an event");
		return EXIT_INPUT;
	}
	return 0;
}

static void on_source(void *arg, const struct oom_source_info *info, int64_t events)
{
	struct explain *x = arg;

	if (!x->sources)
		return;
	fputs(x->nsources++ ? ",\n  " : "\n  ", x->sources);
	(void)oom_json_source(info, events, x->sources);
}

static int explain_stored(struct explain *x, const struct oom_profile *profile)
{
	struct oom_event ev = { 0 };
	struct oom_replay r = { 0 };
	int code = load_event(x->opts, &ev);

	if (code != EXIT_DONE)
		return code;
	if (oom_replay_run(&ev, profile, &r) < 0 || oom_replay_rank(&r) < 0)
		code = fail(EXIT_STORE, &(struct oom_err){ .text = "out of memory" });
	else
		code = on_event(x, &ev, &r);
	oom_replay_release(&r);
	oom_event_release(&ev);
	return code;
}

static int copy(FILE *from, FILE *to)
{
	char buf[16384];
	size_t n;

	rewind(from);
	while ((n = fread(buf, 1, sizeof(buf), from)) > 0)
		fwrite(buf, 1, n, to);
	return ferror(from) || ferror(to) ? -EIO : 0;
}

static int print_json(struct explain *x)
{
	int r;

	printf("{\n \"schema\": \"oomlens.explain/1\",\n \"sources\": [");
	r = copy(x->sources, stdout);
	printf("%s],\n \"events\": [", x->nsources ? "\n " : "");
	if (r == 0)
		r = copy(x->events, stdout);
	printf("%s]\n}\n", x->nevents ? "\n " : "");
	return r;
}

/* More than one event: one line that counts them, so that nobody has to. */
static void print_totals(const struct explain *x)
{
	const char *sep = "";

	printf("\n%lld events:", (long long)x->nevents);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(x->verdicts); i++) {
		if (!x->verdicts[i])
			continue;
		printf("%s %lld %s", sep, (long long)x->verdicts[i], oom_verdict_names[i]);
		sep = ",";
	}
	printf("\n");
}

static int explain_inputs(struct explain *x, const struct oom_profile *profile)
{
	struct ingest in = { .opts = x->opts, .profile = profile, .event = on_event, .source = on_source, .arg = x };
	int code = x->opts->event ? explain_stored(x, profile) : ingest_run(&in);

	if (x->events && print_json(x) < 0) {
		complain("cannot copy the result: %s", strerror(errno));
		return EXIT_INPUT;
	}
	if (!x->events && x->nevents > 1)
		print_totals(x);
	if (code == EXIT_NOTHING && !x->events && !x->opts->quiet && !x->opts->event)
		complain("no OOM event in %lld input%s", (long long)in.texts, in.texts == 1 ? "" : "s");
	if (code == EXIT_DONE && x->opts->strict && x->verdicts[OOM_VERDICT_UNEXPLAINED])
		return EXIT_DISAGREES;
	return code;
}

int cmd_explain(const struct opts *o)
{
	const struct oom_profile *profile;
	struct explain x = { .opts = o };
	int code = EXIT_INPUT;

	if (!choose_profile(o, &profile))
		return EXIT_USAGE;
	if (o->event && o->nargs) {
		complain("explain takes files or --event, not both");
		return EXIT_USAGE;
	}
	if (o->json) {
		x.events = tmpfile();
		x.sources = tmpfile();
	}
	if (o->json && (!x.events || !x.sources))
		complain("cannot make a temporary file: %s", strerror(errno));
	else
		code = explain_inputs(&x, profile);
	if (x.events)
		fclose(x.events);
	if (x.sources)
		fclose(x.sources);
	return code;
}
