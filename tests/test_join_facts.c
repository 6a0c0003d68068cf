/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the feeds and the kernel log of a guest told of the same kills (tests/facts/, made by tests/guest/witness.sh),
 * played to the parser and the join by the clock.  "want" says what must come of it; UPDATE=1 writes it.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include <oomlens/parse.h>

#include "../collector/feed.h"
#include "../collector/recorder_impl.h"

#define S INT64_C(1000000)
#define MAX_EVENTS 64

struct told { struct oom_fact f; size_t index; char feed[16], comm[64]; };

static struct told *facts;
static size_t nfacts;
static struct oom_event event[MAX_EVENTS];
static int firsts[MAX_EVENTS], outs[MAX_EVENTS];
static size_t nevents;

/* ---- reading ---------------------------------------------------------------------------------------------- */

static size_t unescape(const char *s, size_t n, char *to, size_t size)
{
	size_t at = 0;

	for (size_t i = 0; i < n && at < size; i++) {
		unsigned c;

		if (s[i] == '\\' && i + 3 < n && sscanf(s + i + 2, "%2x", &c) == 1) {
			to[at++] = (char)c;
			i += 3;
		} else {
			to[at++] = s[i];
		}
	}
	return at;
}

static void set_field(struct told *t, const char *word, size_t n)
{
	const char *eq = memchr(word, '=', n);

	for (unsigned bit = 0; *word == '+' && oom_fact_flag_name(bit); bit++)
		if (strlen(oom_fact_flag_name(bit)) == n - 1 && !memcmp(oom_fact_flag_name(bit), word + 1, n - 1))
			t->f.flags |= 1 << bit;
	for (size_t i = 0; eq && i < oom_fact_record.nfields; i++) {
		const struct oom_field *field = &oom_fact_record.field[i];

		if (strlen(field->key) != (size_t)(eq - word) || memcmp(field->key, word, (size_t)(eq - word)) != 0)
			continue;
		if (field->type == OOM_TYPE_STR)
			t->f.comm = (struct oom_str){ t->comm,
				unescape(eq + 1, n - (size_t)(eq - word) - 1, t->comm, sizeof(t->comm)) };
		else
			oom_field_set_int(field, &t->f, strtoll(eq + 1, NULL, 10));
	}
}

/* The ballot's selections have the path of their memory cgroup, too. */
static struct { int64_t id; char path[64]; } group[64];
static size_t ngroups;

static void note_path(const char *line)
{
	const char *id = strstr(line, " memcg_id="), *path = strstr(line, " memcg=/");

	if (!id || !path || ngroups == OOM_ARRAY_SIZE(group))
		return;
	group[ngroups].id = strtoll(id + 10, NULL, 10);
	snprintf(group[ngroups].path, sizeof(group[0].path), "%.*s", (int)strcspn(path + 7, " \n"), path + 7);
	ngroups++;
}

static int path_of(int64_t id, char *buf, size_t size)
{
	for (size_t i = 0; i < ngroups; i++)
		if (group[i].id == id)
			return snprintf(buf, size, "%s", group[i].path);
	return -2;
}

/* "feed kind key=value ... +flag ..." as witness prints it; only one of the feeds that serve the same is asked. */
static bool read_fact(const char *line, const char *selection, struct told *t)
{
	char kind[32];
	int at = 0;

	memset(t, 0, sizeof(*t));
	if (*line == '#' || sscanf(line, "%15s %31s%n", t->feed, kind, &at) != 2)
		return false;
	if (strcmp(t->feed, "trace") != 0 && strcmp(t->feed, selection) != 0)
		return false;
	for (int64_t k = 0; k < OOM_FACT_KINDS; k++) {
		if (strcmp(oom_fact_kind_names[k], kind) != 0)
			continue;
		oom_fact_init(&t->f, k, OOM_NA);
		for (const char *p = line + at; *p; ) {
			size_t n;

			p += strspn(p, " \n");
			n = strcspn(p, " \n");
			if (n)
				set_field(t, p, n);
			p += n;
		}
		return true;
	}
	return false;
}

static int by_time(const void *pa, const void *pb)
{
	const struct told *a = pa, *b = pb;

	if (a->f.mono_us != b->f.mono_us)
		return a->f.mono_us < b->f.mono_us ? -1 : 1;
	return a->index < b->index ? -1 : 1;
}

static void read_facts(const char *dir, const char *selection)
{
	char path[256], *line = NULL;
	size_t cap = 0, room = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/seen", dir);
	f = fopen(path, "re");
	assert_non_null(f);
	nfacts = ngroups = 0;
	facts = NULL;
	while (getline(&line, &cap, f) > 0) {
		if (nfacts == room) {
			room = room ? room * 2 : 256;
			facts = realloc(facts, room * sizeof(*facts));
			assert_non_null(facts);
		}
		note_path(line);
		nfacts += read_fact(line, selection, &facts[nfacts]);
	}
	free(line);
	(void)fclose(f);
	for (size_t i = 0; i < nfacts; i++)           /* the array has moved */
		if (facts[i].f.comm.p)
			facts[i].f.comm.p = facts[i].comm;
}

/* A feed's facts stand in its own order; a count without a time goes with the one before it. */
static void order_facts(void)
{
	int64_t last = 0;

	for (size_t i = 0; i < nfacts; i++) {
		if (facts[i].f.mono_us == OOM_NA)
			facts[i].f.mono_us = last;
		last = facts[i].f.mono_us;
		facts[i].index = i;
	}
	qsort(facts, nfacts, sizeof(*facts), by_time);
	for (size_t i = 0; i < nfacts; i++)
		if (facts[i].f.comm.p)
			facts[i].f.comm.p = facts[i].comm;
}

/* ---- playing ---------------------------------------------------------------------------------------------- */

static void keep(struct oom_join_out *out)
{
	char a[33], b[33];

	oom_event_fingerprint(&out->ev, a);
	for (size_t i = 0; i < nevents; i++) {
		oom_event_fingerprint(&event[i], b);
		if (strcmp(a, b) != 0)
			continue;
		assert_int_equal(oom_event_merge(&event[i], &out->ev), 0);
		oom_event_release(&out->ev);
		firsts[i] += out->first;
		outs[i]++;
		return;
	}
	assert_true(nevents < MAX_EVENTS);
	firsts[nevents] = out->first;
	outs[nevents] = 1;
	event[nevents++] = out->ev;
}

static void hand_events(struct oom_parser *p, struct oom_join *j, int64_t now)
{
	struct oom_event ev;

	while (oom_parser_peek(p, &ev) == 1)
		assert_int_equal(oom_join_log(j, &ev, false, now), 0);
	while (oom_parser_take(p, &ev) == 1)
		assert_int_equal(oom_join_log(j, &ev, true, now), 0);
}

static void turns(struct oom_parser *p, struct oom_join *j, int64_t now, int64_t until)
{
	struct oom_join_out out;

	while (now < until) {
		int64_t due;

		assert_int_equal(oom_parser_clock(p, now), 0);
		hand_events(p, j, now);
		oom_join_log_read(j, !oom_parser_quiet(p), now);
		while (oom_join_next(j, now, &out) == 1)
			keep(&out);
		due = oom_join_deadline(j);
		now = due > now + 10000 ? due : now + 10000;
		if (now > until)
			now = until;
	}
}

static void play(const char *dir, struct oom_parser *p, struct oom_join *j)
{
	struct oom_prefix_state st = { 0 };
	struct oom_buf scratch = { 0 };
	char path[256], *text = NULL;
	size_t cap = 0, at = 0;
	int64_t now = 0, lineno = 0;
	ssize_t n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/log", dir);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(oom_parser_begin(p, OOM_STR("kmsg:")), 0);
	while ((n = getline(&text, &cap, f)) > 0) {
		struct oom_line line;

		oom_prefix_parse(&st, (struct oom_str){ text, (size_t)n - 1 }, &scratch, &line);
		line.lineno = ++lineno;
		for (; at < nfacts && line.boot_us != OOM_NA && facts[at].f.mono_us <= line.boot_us; at++) {
			turns(p, j, now, facts[at].f.mono_us);
			now = facts[at].f.mono_us;
			assert_int_equal(oom_join_fact(j, facts[at].feed, &facts[at].f, now), 0);
		}
		if (line.boot_us != OOM_NA && line.boot_us > now) {
			turns(p, j, now, line.boot_us);
			now = line.boot_us;
		}
		assert_int_equal(oom_parser_feed(p, &line), 0);
		scratch.n = 0;
	}
	for (; at < nfacts; at++) {
		turns(p, j, now, facts[at].f.mono_us);
		now = facts[at].f.mono_us;
		assert_int_equal(oom_join_fact(j, facts[at].feed, &facts[at].f, now), 0);
	}
	turns(p, j, now, now + 1000 * S);
	assert_int_equal(oom_join_deadline(j), INT64_MAX);
	free(text);
	oom_buf_release(&scratch);
	(void)fclose(f);
}

/* ---- comparing -------------------------------------------------------------------------------------------- */

static size_t points_known(const struct oom_event *ev)
{
	size_t n = 0;

	for (size_t i = 0; i < ev->ntasks; i++)
		n += ev->task[i].kernel_points != OOM_NA;
	return n;
}

static void put_life(FILE *f, const struct oom_life *l)
{
	fprintf(f, "  %s %lld/%lld %.*s in %s, freed by %s, skips %lld, aborted %s, next %s%s%s%s\n",
		oom_class_names[l->class], (long long)l->pid, (long long)l->tgid, (int)l->comm.n, l->comm.p,
		l->cgroup.p ? l->cgroup.p : "-", oom_freed_by_names[l->freed_by], (long long)l->reap_skips,
		l->aborted_rounds == OOM_NA ? "-" : l->aborted_rounds ? "some" : "none",
		l->next_selected_us == OOM_NA ? "-" : "selected",
		l->killed_us != OOM_NA ? ", killed" : "", l->marked_us != OOM_NA ? ", marked" : "",
		l->freed_us != OOM_NA ? ", gone" : "");
}

static void put_event(FILE *f, size_t i)
{
	const struct oom_event *ev = &event[i];

	assert_int_equal(firsts[i], 1);
	assert_in_range(outs[i], 1, 5);
	fprintf(f, "%s %s by %.*s: %zu tasks, %zu points, ballot %s, totalpages %s, victims", oom_scope_names[ev->scope],
		oom_outcome_names[ev->outcome], (int)ev->feeds.n, ev->feeds.p, ev->ntasks, points_known(ev),
		oom_ballot_names[ev->ballot], ev->total_pages == OOM_NA ? "-" : "known");
	for (size_t k = 0; k < ev->nvictims; k++)
		fprintf(f, " %lld", (long long)ev->victim[k].pid);
	fprintf(f, "%s\n", ev->nvictims ? "" : " none");
	for (size_t k = 0; k < ev->nlives; k++)
		put_life(f, &ev->life[k]);
}

static void compare(const char *dir, const char *selection, char *text, size_t n)
{
	char path[256], *want;
	FILE *f;

	snprintf(path, sizeof(path), "%s/want.%s", dir, selection);
	if (getenv("UPDATE")) {
		f = fopen(path, "we");
		assert_non_null(f);
		assert_int_equal(fwrite(text, 1, n, f), n);
		(void)fclose(f);
	}
	want = calloc(1, n + 2);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_int_equal(fread(want, 1, n + 1, f), n);
	(void)fclose(f);
	assert_string_equal(text, want);
	free(want);
}

/* kills: what /proc/vmstat counted meanwhile */
static void check(const char *dir, const char *selection, int64_t kills)
{
	struct oom_join_opts o = {
		.self = { .host = OOM_STR("guest"), .machine_id = OOM_STR("m"), .boot_id = OOM_STR("b"),
			  .kernel = OOM_STR("6.12"), .page_size = 4096 },
		.has_log = true, .has_ballot = !strcmp(selection, "ballot"), .has_marks = true, .has_exits = true,
		.since_line = OOM_NA, .oom_kill = OOM_NA, .cgroup_path = path_of,
	};
	struct oom_join_tally tally;
	struct oom_parser *p;
	struct oom_join *j;
	char *text = NULL;
	size_t n = 0;
	FILE *f = open_memstream(&text, &n);

	assert_non_null(f);
	nevents = 0;
	read_facts(dir, selection);
	order_facts();
	assert_int_equal(oom_parser_new(&p), 0);
	assert_int_equal(oom_join_new(&o, &j), 0);
	play(dir, p, j);
	for (size_t i = 0; i < nevents; i++) {
		put_event(f, i);
		oom_event_release(&event[i]);
	}
	(void)fclose(f);
	compare(dir, selection, text, n);
	oom_join_tally(j, &tally);
	assert_int_equal(tally.counted, kills);
	free(text);
	free(facts);
	oom_join_free(j);
	oom_parser_free(p);
}

static void test_group_kill(void **state) { (void)state; check("tests/facts/group-kill", "ballot", 5); }
static void test_group_kill_walked(void **state) { (void)state; check("tests/facts/group-kill", "walk", 5); }
static void test_stuck(void **state) { (void)state; check("tests/facts/stuck", "ballot", 2); }
static void test_will_free(void **state) { (void)state; check("tests/facts/will-free", "ballot", 1); }
static void test_storm(void **state) { (void)state; check("tests/facts/storm", "ballot", 17); }
static void test_storm_walked(void **state) { (void)state; check("tests/facts/storm", "walk", 17); }

int test_join_facts(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_group_kill),
		cmocka_unit_test(test_group_kill_walked),
		cmocka_unit_test(test_stuck),
		cmocka_unit_test(test_will_free),
		cmocka_unit_test(test_storm),
		cmocka_unit_test(test_storm_walked),
	};

	return cmocka_run_group_tests_name("join with facts of guests", tests, NULL, NULL);
}
