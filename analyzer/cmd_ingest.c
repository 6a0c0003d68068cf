/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Inputs -> lines -> events -> replays: what explain and import have in common. */
#include "cmd.h"

#include <oomlens/parse.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct progress { bool on; time_t start, last; };

/* Only on a terminal, and only once the work has lasted. */
static void show_progress(struct progress *p, const struct oom_input *input, const struct ingest *in)
{
	struct oom_source_info info;
	time_t now;

	if (!p->on)
		return;
	now = time(NULL);
	if (now == p->last || now - p->start < 2)
		return;
	p->last = now;
	oom_input_info(input, &info);
	fprintf(stderr, "\r%lld MiB of the current file, %lld OOM events\033[K", (long long)(info.bytes >> 20), (long long)in->events);
}

static int no_memory_to_read(void)
{
	complain("out of memory while reading the log");
	return EXIT_INPUT;
}

static int deliver(struct ingest *in, struct oom_parser *parser, int64_t *in_text)
{
	struct oom_event ev;
	struct oom_replay r;
	int code = 0, got;

	while (!code && (got = oom_parser_take(parser, &ev)) != 0) {
		if (got < 0)
			return no_memory_to_read();
		if (in->opts->host && !ev.host.p)
			ev.host = oom_str_from(in->opts->host);
		ev.id = ++in->events;
		++*in_text;
		if (oom_replay_run(&ev, in->profile, &r) < 0 || oom_replay_rank(&r) < 0)
			code = no_memory_to_read();
		else
			code = in->event(in->arg, &ev, &r);
		oom_replay_release(&r);
		oom_event_release(&ev);
	}
	return code;
}

static int ingest_text(struct ingest *in, struct oom_input *input, struct oom_parser *parser, struct progress *p)
{
	struct oom_source_info info;
	struct oom_err err = { 0 };
	struct oom_line line;
	int64_t events = 0;
	int code = 0, r;

	oom_input_info(input, &info);
	if (oom_parser_begin(parser, info.path) < 0)
		return no_memory_to_read();
	while (!code && (r = oom_input_next_line(input, oom_parser_quiet(parser), &line, &err)) > 0) {
		if (oom_parser_feed(parser, &line) < 0)
			return no_memory_to_read();
		code = deliver(in, parser, &events);
		show_progress(p, input, in);
	}
	/* A text that ends badly keeps what was good. */
	if (!code && oom_parser_finish(parser) < 0)
		return no_memory_to_read();
	if (!code)
		code = deliver(in, parser, &events);
	if (!code && r < 0) {
		in->failed++;
		fail(EXIT_INPUT, &err);
	}
	oom_input_info(input, &info);
	if (in->source)
		in->source(in->arg, &info, events);
	return code;
}

static int ingest_all(struct ingest *in, struct oom_input *input, struct oom_parser *parser)
{
	struct progress p = { .on = !in->opts->quiet && isatty(STDERR_FILENO), .start = time(NULL) };
	int code = 0, r;

	for (;;) {
		struct oom_err err = { 0 };

		r = oom_input_next_text(input, &err);
		if (r == 0)
			break;
		if (r < 0) {
			in->failed++;
			fail(EXIT_INPUT, &err);
			continue;
		}
		in->texts++;
		code = ingest_text(in, input, parser, &p);
		if (code)
			break;
	}
	if (p.last)
		fputs("\r\033[K", stderr);
	return code;
}

bool choose_profile(const struct opts *o, const struct oom_profile **ret)
{
	*ret = o->profile ? oom_profile_named(o->profile) : NULL;
	if (!o->profile || *ret)
		return true;
	complain("no kernel profile is named '%s'; there are:", o->profile);
	for (size_t i = 0; i < oom_profile_count; i++)
		fprintf(stderr, "  %-10s %s to %s\n", oom_profiles[i].name, oom_profiles[i].since, oom_profiles[i].until);
	return false;
}

/* The running kernel's log: its own buffer, or, where that is closed to this user (kernel.dmesg_restrict),
 * what the journal kept of it. */
static const char *running_kernel(const struct opts *opts)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		close(fd);
	else if (errno == EACCES || errno == EPERM) {
		if (!opts->quiet)
			complain("you may not read /dev/kmsg (%s): reading this boot's kernel messages in the "
				 "journal", strerror(errno));
		return "journal:";
	}
	return "kmsg:";
}

int ingest_run(struct ingest *in)
{
	const char *const own[] = { in->opts->nargs ? NULL : running_kernel(in->opts) };
	const char *const *specs = in->opts->nargs ? (const char *const *)in->opts->arg : own;
	struct oom_input *input = NULL;
	struct oom_parser *parser = NULL;
	struct oom_err err = { 0 };
	int code;

	if (oom_input_open(specs, in->opts->nargs ? (size_t)in->opts->nargs : 1, &input, &err) < 0)
		return fail(EXIT_INPUT, &err);
	if (oom_parser_new(&parser) < 0)
		code = no_memory_to_read();
	else
		code = ingest_all(in, input, parser);
	oom_parser_free(parser);
	oom_input_close(input);
	in->stopped = code != 0;
	if (code)
		return code;
	return in->failed ? EXIT_INPUT : in->events ? EXIT_DONE : EXIT_NOTHING;
}
