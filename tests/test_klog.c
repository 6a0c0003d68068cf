/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A log that is read while it is written: what may be seen early, and what that must not change. */
#include "test_parse.h"

#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../collector/feed.h"
#include "../collector/recorder_loop.h"

/* ---- peeking ------------------------------------------------------------------------------------------------ */

static void dump_record(const struct oom_record *r, const void *rec, FILE *out)
{
	for (size_t i = 0; i < r->nfields; i++) {
		struct oom_str s = OOM_STR_NULL;

		if (r->field[i].type == OOM_TYPE_STR)
			s = oom_field_str(&r->field[i], rec);
		else if (oom_field_int(&r->field[i], rec) != OOM_NA)
			fprintf(out, "%s=%lld ", r->field[i].key, (long long)oom_field_int(&r->field[i], rec));
		if (s.p)
			fprintf(out, "%s=%zu:%.*s ", r->field[i].key, s.n, (int)s.n, s.p);
	}
	fputc('\n', out);
}

static void dump_event(const struct oom_event *ev, FILE *out)
{
	dump_record(&oom_event_record, ev, out);
	for (size_t i = 0; i < OOM_PARTS; i++) {
		const struct oom_record *r = oom_parts[i];
		const char *array;
		size_t n;

		memcpy(&array, (const char *)ev + r->array, sizeof(array));
		memcpy(&n, (const char *)ev + r->count, sizeof(n));
		fprintf(out, "%s %zu\n", r->table, n);
		for (size_t k = 0; k < n; k++)
			dump_record(r, array + k * r->size, out);
	}
}

static size_t take_all(struct oom_parser *p, FILE *out)
{
	struct oom_event ev;
	size_t n = 0;

	for (; oom_parser_take(p, &ev) == 1; n++) {
		dump_event(&ev, out);
		oom_event_release(&ev);
	}
	return n;
}

struct reading { char *text; size_t size, events, peeks, decided; };

static struct reading read_log(const char *path, bool peek)
{
	struct reading ret = { .text = NULL };
	struct oom_input *in;
	struct oom_parser *p;
	struct oom_event ev;
	struct oom_line line;
	FILE *out = open_memstream(&ret.text, &ret.size);

	assert_non_null(out);
	assert_int_equal(oom_input_open(&path, 1, &in, NULL), 0);
	assert_int_equal(oom_parser_new(&p), 0);
	assert_int_equal(oom_input_next_text(in, NULL), 1);
	assert_int_equal(oom_parser_begin(p, OOM_STR("log")), 0);
	while (oom_input_next_line(in, false, &line, NULL) == 1) {
		assert_int_equal(oom_parser_feed(p, &line), 0);
		ret.events += take_all(p, out);
		while (peek && oom_parser_peek(p, &ev) == 1) {
			assert_true(ev.nvictims || ev.outcome != OOM_OUTCOME_TRUNCATED);
			ret.peeks++;
			oom_event_release(&ev);
		}
	}
	assert_int_equal(oom_parser_finish(p), 0);
	ret.events += take_all(p, out);
	oom_parser_free(p);
	oom_input_close(in);
	fclose(out);
	return ret;
}

static void peeking_changes_nothing(void **state)
{
	size_t peeks = 0;
	glob_t g;

	(void)state;
	assert_int_equal(glob("tests/cases/*/log", 0, NULL, &g), 0);
	assert_true(g.gl_pathc > 100);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		struct reading a = read_log(g.gl_pathv[i], false), b = read_log(g.gl_pathv[i], true);

		if (a.size != b.size || memcmp(a.text, b.text, a.size) != 0)
			fail_msg("%s reads otherwise when it is peeked at", g.gl_pathv[i]);
		peeks += b.peeks;
		free(a.text);
		free(b.text);
	}
	assert_true(peeks > g.gl_pathc);
	globfree(&g);
}

/* One line after the other of a log that goes on. */
static void say(struct oom_parser *p, int64_t lineno, const char *text)
{
	struct oom_prefix_state st = { .last = 0 };
	struct oom_buf scratch = { .p = NULL };
	struct oom_line line;

	oom_prefix_parse(&st, oom_str_from(text), &scratch, &line);
	line.lineno = lineno;
	assert_int_equal(oom_parser_feed(p, &line), 0);
	oom_buf_release(&scratch);
}

#define SIZES "total-vm:70kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0"

static size_t peeked_victims(struct oom_parser *p)
{
	struct oom_event ev;
	size_t n;

	assert_int_equal(oom_parser_peek(p, &ev), 1);
	assert_int_equal(ev.outcome, OOM_OUTCOME_KILLED);
	assert_int_equal(ev.scope, OOM_SCOPE_MEMCG);
	assert_true(oom_event_has_note(&ev, "no_dump"));
	n = ev.nvictims;
	oom_event_release(&ev);
	assert_int_equal(oom_parser_peek(p, &ev), 0);
	return n;
}

static void a_kill_is_seen_at_once(void **state)
{
	struct oom_parser *p;
	struct oom_event ev;

	(void)state;
	assert_int_equal(oom_parser_new(&p), 0);
	assert_int_equal(oom_parser_begin(p, OOM_STR_NULL), 0);
	assert_int_equal(oom_parser_waiting(p), OOM_NA);
	say(p, 41, "[1.000001] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/g,"
		   "task_memcg=/g,task=cc1,pid=7,uid=0");
	assert_int_equal(oom_parser_peek(p, &ev), 0);
	assert_int_equal(oom_parser_waiting(p), 41);
	say(p, 42, "[1.000002] Memory cgroup out of memory: Killed process 7 (cc1) " SIZES);
	assert_int_equal(peeked_victims(p), 1);
	say(p, 43, "[1.000003] Tasks in /g are going to be killed due to memory.oom.group set");
	say(p, 44, "[1.000004] usb 1-1: nobody asked");
	say(p, 45, "[1.000005] Memory cgroup out of memory: Killed process 8 (make) " SIZES);
	assert_int_equal(peeked_victims(p), 2);
	say(p, 46, "[1.000006] Memory cgroup out of memory: Killed process 9 (sh) " SIZES);
	assert_int_equal(peeked_victims(p), 3);
	say(p, 47, "[1.000007] usb 1-1: still nobody");
	assert_int_equal(oom_parser_peek(p, &ev), 0);
	assert_int_equal(oom_parser_waiting(p), 41);
	assert_int_equal(oom_parser_clock(p, 9000000), 0);
	assert_int_equal(oom_parser_take(p, &ev), 0);
	assert_int_equal(oom_parser_clock(p, 12000000), 0);
	assert_int_equal(oom_parser_take(p, &ev), 1);
	assert_int_equal(ev.nvictims, 3);
	oom_event_release(&ev);
	assert_int_equal(oom_parser_waiting(p), OOM_NA);
	oom_parser_free(p);
}

/* The clock ends the wait for the rest of a broken line, and for a report that breaks off. */
static void the_clock_ends_waiting(void **state)
{
	struct oom_parser *p;
	struct oom_event ev;

	(void)state;
	assert_int_equal(oom_parser_new(&p), 0);
	assert_int_equal(oom_parser_begin(p, OOM_STR_NULL), 0);
	say(p, 1, "[5.000000] Out of memory: Killed process 7 (a) total-vm:70kB, anon-rss:7kB,");
	assert_int_equal(oom_parser_waiting(p), 1);
	assert_int_equal(oom_parser_peek(p, &ev), 0);
	assert_int_equal(oom_parser_clock(p, 5200000), 0);
	assert_int_equal(oom_parser_peek(p, &ev), 1);
	assert_int_equal(ev.victim[0].anon_rss_kb, 7);
	oom_event_release(&ev);
	say(p, 2, "[6.000000] a invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0");
	assert_int_equal(oom_parser_clock(p, 60000000), 0);
	assert_int_equal(oom_parser_take(p, &ev), 1);
	oom_event_release(&ev);
	assert_int_equal(oom_parser_take(p, &ev), 0);
	assert_int_equal(oom_parser_waiting(p), 2);
	assert_int_equal(oom_parser_clock(p, 200000000), 0);
	assert_int_equal(oom_parser_take(p, &ev), 1);
	assert_int_equal(ev.outcome, OOM_OUTCOME_TRUNCATED);
	oom_event_release(&ev);
	oom_parser_free(p);
}

/* ---- /dev/kmsg ---------------------------------------------------------------------------------------------- */

/* Reads on until text comes, for a second at most.  Its line is lent as by oom_klog_next(). */
static bool read_until(struct oom_klog *k, const char *text, struct oom_line *ret)
{
	struct pollfd fd = { .fd = oom_klog_fd(k), .events = POLLIN };

	for (int i = 0; i < 10; i++) {
		while (oom_klog_next(k, ret, NULL) == 1)
			if (oom_str_is(ret->text, text))
				return true;
		(void)poll(&fd, 1, 100);
	}
	return false;
}

static void the_kernel_log_as_it_is_written(void **state)
{
	char mark[64], first[64];
	struct oom_klog *k = NULL;
	struct oom_line line;
	int64_t lineno, oldest;
	int n, fd = open("/dev/kmsg", O_WRONLY | O_CLOEXEC);

	(void)state;
	if (fd < 0 || oom_klog_open(OOM_NA, &k, NULL) < 0) {
		if (fd >= 0)
			close(fd);
		skip();
	}
	n = snprintf(mark, sizeof(mark), "<6>oomlens test %d\nsecond\n", (int)getpid());
	snprintf(first, sizeof(first), "oomlens test %d", (int)getpid());
	assert_int_equal(oom_klog_next(k, &line, NULL), 1);
	oldest = line.lineno;
	assert_int_equal(line.lineno, line.seq + 1);
	assert_int_equal(line.lost, 0);
	assert_int_equal(write(fd, mark, (size_t)n), n);
	assert_true(read_until(k, first, &line));
	lineno = line.lineno;
	assert_true(line.foreign);             /* programs may write there; the kernel did not say it */
	assert_true(line.boot_us > 0 && oom_str_ends(line.raw, "\\x0asecond"));
	assert_int_equal(oom_klog_next(k, &line, NULL), 1);
	assert_str(line.text, "second");
	assert_int_equal(line.lineno, lineno);
	assert_int_equal(line.lost, 0);
	oom_klog_close(k);

	/* on from there, and from a record that nobody can read any more */
	assert_int_equal(oom_klog_open(lineno, &k, NULL), 0);
	assert_int_equal(oom_klog_next(k, &line, NULL), 1);
	assert_str(line.text, first);
	assert_int_equal(line.lost, 0);
	oom_klog_close(k);
	assert_int_equal(oom_klog_open(oldest - 5, &k, NULL), 0);
	assert_int_equal(oom_klog_next(k, &line, NULL), 1);
	assert_int_equal(line.lost, line.lineno - (oldest - 5));
	oom_klog_close(k);
	close(fd);
}

/* It cannot be read any more: feeds are believed without it, and who asks is told why. */
static void the_log_may_end(void **state)
{
	const struct oom_recorder_opts opts = { .db = "" };
	const struct oom_join_opts j = { .has_log = true, .has_marks = true, .oom_kill = OOM_NA, .since_line = OOM_NA };
	struct oom_rec r = { .o = &opts, .next_line = OOM_NA, .in_hand = OOM_NA, .clock_us = OOM_NEVER, .now_us = 5000000 };
	struct oom_fact mark;
	int dir = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	(void)state;
	if (oom_klog_open(OOM_NA, &r.klog, NULL) < 0) {
		close(dir);
		skip();
	}
	assert_int_equal(oom_join_new(&j, &r.join), 0);
	assert_int_equal(oom_parser_new(&r.parser), 0);
	assert_int_equal(oom_parser_begin(r.parser, OOM_STR("/dev/kmsg")), 0);
	oom_fact_init(&mark, OOM_FACT_MARK_VICTIM, 5000000);
	mark.pid = mark.tgid = 7;
	assert_int_equal(oom_join_fact(r.join, "trace", &mark, r.now_us), 0);
	assert_in_range(oom_join_deadline(r.join), 5300000, 6000000);
	assert_int_equal(dup2(dir, oom_klog_fd(r.klog)), oom_klog_fd(r.klog));
	assert_false(oom_rec_log_drain(&r));
	assert_null(r.klog);
	assert_non_null(strstr(r.log_err.text, "/dev/kmsg"));
	assert_true(r.changed);
	assert_in_range(oom_join_deadline(r.join), 5000001, 5200000);
	oom_join_free(r.join);
	oom_parser_free(r.parser);
	close(dir);
}

int test_klog(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(peeking_changes_nothing),
		cmocka_unit_test(a_kill_is_seen_at_once),
		cmocka_unit_test(the_clock_ends_waiting),
		cmocka_unit_test(the_kernel_log_as_it_is_written),
		cmocka_unit_test(the_log_may_end),
	};

	return cmocka_run_group_tests_name("klog", tests, NULL, NULL);
}
