/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens record: the running kernel's OOM killer -> store, and the state of who does it. */
#include "cmd.h"

#include <oomlens/explain.h>
#include <oomlens/recorder.h>
#include <oomlens/render.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct voice { bool quiet, journal; };

/* The journal wants to know how urgent a line is; people see it from the words. */
static bool into_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	char own[64];
	struct stat st;

	if (!stream || fstat(STDERR_FILENO, &st) < 0)
		return false;
	snprintf(own, sizeof(own), "%llu:%llu", (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	return strcmp(stream, own) == 0;
}

/* From two threads: a line is one write. */
static void on_say(void *arg, int level, const char *text)
{
	const struct voice *v = arg;

	if (v->quiet && level > 3)
		return;
	flockfile(stderr);
	if (v->journal)
		fprintf(stderr, "<%d>", level);
	else
		fputs("oomlens: ", stderr);
	oom_put_safe(stderr, oom_str_from(text));
	fputc('\n', stderr);
	funlockfile(stderr);
}

static int record(const struct opts *o)
{
	struct voice voice = { .quiet = o->quiet, .journal = into_journal() };
	const struct oom_recorder_opts opts = {
		.db = o->db, .runtime_dir = o->runtime_dir, .once = o->once, .flight_us = o->flight_us,
		.keep_us = o->keep_us, .max_bytes = o->max_bytes, .without = o->without, .reclaim = o->reclaim,
		.say = on_say, .arg = &voice,
	};
	struct oom_err err = { 0 };
	int r;

	if (geteuid() != 0)
		on_say(&voice, 5, "not root: the kernel may refuse its log, its tracepoints and BPF programs; "
				  "'oomlens record --status' tells what runs");
	r = oom_recorder_run(&opts, &err);
	if (!r)
		return EXIT_DONE;
	on_say(&voice, 3, err.text);
	if (r == -ENXIO)
		return EXIT_USAGE;
	return r == -ENODATA || r == -EBUSY ? EXIT_INPUT : EXIT_STORE;
}

static int print_page(const struct opts *o, const struct oom_recorder_state *st)
{
	struct timespec now;
	struct oom_doc doc;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	if (oom_explain_recorder(st, (int64_t)now.tv_sec * 1000000, &doc) < 0)
		return -ENOMEM;
	oom_render_text(&doc, o->width, o->color, stdout);
	oom_doc_release(&doc);
	return 0;
}

static int status(const struct opts *o)
{
	struct oom_recorder_state st;
	struct oom_err err = { 0 };
	int r = oom_recorder_status(o->runtime_dir, &st, &err);
	int code;

	if (r)
		return r == -ENOENT && o->quiet ? EXIT_NOTHING : fail(r == -ENOENT ? EXIT_NOTHING : EXIT_INPUT, &err);
	code = st.running ? EXIT_DONE : EXIT_NOTHING;
	r = o->json ? oom_recorder_json(&st, stdout) : print_page(o, &st);
	oom_recorder_state_release(&st);
	if (!r)
		return code;
	complain("out of memory");
	return EXIT_INPUT;
}

int cmd_record(const struct opts *o)
{
	if (o->nargs) {
		complain("record takes no argument: '%s'", o->arg[0]);
		return EXIT_USAGE;
	}
	if (o->json && !o->status) {
		complain("--json is for --status");
		return EXIT_USAGE;
	}
	return o->status ? status(o) : record(o);
}
