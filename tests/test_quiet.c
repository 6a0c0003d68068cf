/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quiet reading is an optimisation, so it must not be seen: a dump gives the same events whether every line is
 * delivered or only those that the source thinks worth it, wherever in a block the dump begins.
 */
#include "unit.h"

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <oomlens/parse.h>
#include <oomlens/render.h>

#define BLOCK ((size_t)256 << 10)       /* what the source reads at a time */

struct found {
	char *text;             /* the events as JSON */
	size_t size;
	int events, exact;
	int64_t lines;
};

static void take_events(struct oom_parser *p, struct found *f, FILE *out)
{
	struct oom_event ev;
	struct oom_replay r;
	int got;

	while ((got = oom_parser_take(p, &ev)) != 0) {
		assert_int_equal(got, 1);
		/* the lone heading of a table that was cut holds no anchor and tells nothing */
		if (!ev.ntasks && !ev.nvictims && ev.trigger_pid == OOM_NA && !ev.trigger_comm.p) {
			oom_event_release(&ev);
			continue;
		}
		ev.id = ++f->events;
		assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
		assert_int_equal(oom_replay_rank(&r), 0);
		f->exact += r.verdict == OOM_VERDICT_EXACT;
		assert_int_equal(oom_json_event(&ev, &r, out), 0);
		oom_replay_release(&r);
		oom_event_release(&ev);
	}
}

static struct found read_events(const char *path, bool may_be_quiet)
{
	struct found f = { .events = 0 };
	struct oom_source_info info;
	struct oom_input *in;
	struct oom_parser *p;
	struct oom_line line;
	FILE *out = open_memstream(&f.text, &f.size);

	assert_non_null(out);
	assert_int_equal(oom_input_open(&path, 1, &in, NULL), 0);
	assert_int_equal(oom_parser_new(&p), 0);
	assert_int_equal(oom_input_next_text(in, NULL), 1);
	assert_int_equal(oom_parser_begin(p, OOM_STR("log")), 0);
	while (oom_input_next_line(in, may_be_quiet && oom_parser_quiet(p), &line, NULL) == 1) {
		assert_int_equal(oom_parser_feed(p, &line), 0);
		take_events(p, &f, out);
	}
	assert_int_equal(oom_parser_finish(p), 0);
	take_events(p, &f, out);
	oom_input_info(in, &info);
	f.lines = info.lines;
	oom_parser_free(p);
	oom_input_close(in);
	fclose(out);
	return f;
}

/* Lines of no interest, n bytes in all.  Their prefix may not say a time when the dumps around are out of order:
 * a clock that runs back is a reboot, which who passes over the line cannot know. */
static void add_noise(struct oom_buf *b, size_t n, size_t line, const char *prefix)
{
	char text[128];

	for (size_t i = 0; n; i++) {
		size_t len = (size_t)snprintf(text, sizeof(text),
					      "%susb 1-%zu: new high-speed device, oomph %.*s\n", prefix, i % 9, (int)(line + i % 40), "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst");

		if (len > n)
			memset(text, '\n', len = n);
		assert_int_equal(oom_buf_add(b, text, len), 0);
		n -= len;
	}
}

static void put_file(int fd, const struct oom_buf *b)
{
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(pwrite(fd, b->p, b->n, 0), b->n);
}

static void compare(const char *name, int fd, const struct oom_buf *b, size_t at, struct found *alone)
{
	char path[64];
	struct found all, quiet;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	put_file(fd, b);
	all = read_events(path, false);
	quiet = read_events(path, true);
	if (all.lines != quiet.lines)
		fail_msg("%s at %zu: %lld lines, quietly %lld", name, at, (long long)all.lines, (long long)quiet.lines);
	if (all.size != quiet.size || memcmp(all.text, quiet.text, all.size) != 0)
		fail_msg("%s at %zu: %d events, quietly %d:\n%s\n--- quietly:\n%s", name, at, all.events, quiet.events,
			 all.text, quiet.text);
	if (alone && (all.events != alone->events || all.exact != alone->exact))
		fail_msg("%s at %zu: alone %d events, %d exact; among other lines %d, %d", name, at, alone->events,
			 alone->exact, all.events, all.exact);
	free(all.text);
	free(quiet.text);
}

static void load(struct oom_buf *b, const char *path)
{
	char part[4096];
	FILE *f = fopen(path, "rb");
	size_t n;

	assert_non_null(f);
	b->n = 0;
	while ((n = fread(part, 1, sizeof(part), f)) > 0)
		assert_int_equal(oom_buf_add(b, part, n), 0);
	fclose(f);
}

/* This format is known by the first bytes of the text, so that it cannot stand in the middle. */
static bool is_export(const struct oom_buf *b)
{
	return b->n > 9 && !memcmp(b->p, "__CURSOR=", 9);
}

/* OOMLENS_QUIET_STEPS=n: that many places of each dump instead of one. */
static size_t steps(void)
{
	const char *env = getenv("OOMLENS_QUIET_STEPS");

	return env ? (size_t)atoi(env) : 1;
}

static void a_dump_is_found_at_any_place(void **state)
{
	struct oom_buf log = { 0 }, text = { 0 };
	int fd = memfd_create("quiet", 0);
	glob_t g;

	(void)state;
	assert_true(fd >= 0);
	if (glob("tests/cases/*/log", 0, NULL, &g) != 0)
		skip();
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char path[64];
		struct found alone;

		load(&log, g.gl_pathv[i]);
		if (is_export(&log))
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
		put_file(fd, &log);
		alone = read_events(path, false);
		for (size_t k = 0; k < steps(); k++) {
			/* the end of the first block falls somewhere into the dump, or just beside it */
			size_t into = (i * 7919 + k * 104729) % (log.n + 200);
			size_t at = BLOCK + 100 - (into < BLOCK ? into : BLOCK);

			text.n = 0;
			add_noise(&text, at, k % 7, "[    1.000000] ");
			assert_int_equal(oom_buf_add(&text, log.p, log.n), 0);
			add_noise(&text, 3000, 3, "[999999.000000] ");
			compare(g.gl_pathv[i], fd, &text, at, &alone);
		}
		free(alone.text);
	}
	globfree(&g);
	oom_buf_release(&log);
	oom_buf_release(&text);
	close(fd);
}

/* A small generator of our own: the same numbers everywhere. */
static uint32_t next_random(uint32_t *seed)
{
	*seed = *seed * 1664525 + 1013904223;
	return *seed >> 8;
}

/* Dumps with noise, giant lines and odd ends between them. */
static void add_piece(struct oom_buf *b, const struct oom_buf *log, uint32_t *seed)
{
	static const char *const odd[] = { "\r\n", "\n\n", "\r", "x", "Kill", "\x1b[0m" };
	const char *text;
	size_t n;

	switch (next_random(seed) % 8) {
	case 0:
	case 1:
		add_noise(b, next_random(seed) % 20000, next_random(seed) % 7, "<6>");
		return;
	case 2:         /* around the longest line that is kept whole */
		n = OOM_LINE_MAX - 2 + next_random(seed) % 5;
		for (size_t i = 0; i < n; i++)
			assert_int_equal(oom_buf_add(b, "x", 1), 0);
		return;
	case 3:
		text = odd[next_random(seed) % OOM_ARRAY_SIZE(odd)];
		assert_int_equal(oom_buf_add(b, text, strlen(text)), 0);
		return;
	default:        /* whole: the lines in the middle of a dump need not wake the reader */
		assert_int_equal(oom_buf_add(b, log->p, log->n), 0);
	}
}

static void mixed_text_reads_the_same(void **state)
{
	struct oom_buf log = { 0 }, text = { 0 };
	int fd = memfd_create("quiet", 0);
	uint32_t seed = 1;
	glob_t g;

	(void)state;
	assert_true(fd >= 0);
	if (glob("tests/cases/*/log", 0, NULL, &g) != 0)
		skip();
	for (size_t i = 0; i < 20 * steps(); i++) {
		/* one machine each: two in one text are told apart by a clock that only full reading sees */
		load(&log, g.gl_pathv[next_random(&seed) % g.gl_pathc]);
		if (is_export(&log))
			continue;
		text.n = 0;
		add_noise(&text, 100 + next_random(&seed) % 30000, 0, "<6>");
		while (text.n < BLOCK + BLOCK / 4) {
			add_piece(&text, &log, &seed);
		}
		compare("mixed", fd, &text, i, NULL);
	}
	globfree(&g);
	oom_buf_release(&log);
	oom_buf_release(&text);
	close(fd);
}

int test_quiet(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_dump_is_found_at_any_place),
		cmocka_unit_test(mixed_text_reads_the_same),
	};

	return cmocka_run_group_tests_name("quiet", tests, NULL, NULL);
}
