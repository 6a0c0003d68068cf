/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Selections whose ballot was recorded: the kernel's own points decide.  Made by hand, at random against a naive loop,
 * and from the ballots that guests recorded beside the logs of tests/cases.
 */
#include "unit.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <oomlens/fact.h>
#include <oomlens/parse.h>
#include <oomlens/render.h>

#include "test_sample.h"

/* An event that no log tells of: what the feeds of a 6.12 kernel gave. */
static void facts_only(struct oom_event *ev)
{
	oom_event_init(ev);
	ev->origin = OOM_ORIGIN_RECORD;
	ev->kernel = OOM_STR("6.12.43");
	ev->kernel_from = OOM_STR("live");
	ev->page_size = 4096;
	ev->scope = OOM_SCOPE_GLOBAL;
	ev->total_pages = 1000000;
	ev->ballot = OOM_BALLOT_RECORDED;
	ev->table_complete = 1;
	ev->feeds = OOM_STR("ballot trace");
	ev->outcome = OOM_OUTCOME_KILLED;
}

static struct oom_task *row(struct oom_event *ev, int64_t pid, const char *comm, int64_t points, int64_t flags)
{
	struct oom_task *t = oom_event_add_task(ev);

	t->pid = t->tgid = pid;
	t->uid = 1000;
	t->comm = oom_str_from(comm);
	t->total_vm_pages = 200000;
	t->rss_pages = points == OOM_NA ? 90000 : points;
	t->swap_pages = 0;
	t->pgtables_bytes = 0;
	t->oom_score_adj = 0;
	t->kernel_points = points;
	t->kernel_flags = flags;
	return t;
}

static void chosen(struct oom_event *ev, int64_t pid, const char *comm)
{
	ev->chosen_pid = pid;
	ev->chosen_comm = oom_str_from(comm);
}

/* Replayed and ranked; the caller releases. */
static struct oom_replay replay(const struct oom_event *ev, enum oom_verdict verdict, enum oom_reason reason)
{
	struct oom_replay r;

	assert_int_equal(oom_replay_run(ev, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	if (r.verdict != verdict || r.reason != reason)
		fail_msg("%s/%s: %.*s", oom_verdict_names[r.verdict], oom_reason_name(r.reason),
			 (int)r.text.n, r.text.p);
	return r;
}

static void expect(const struct oom_event *ev, enum oom_verdict verdict, enum oom_reason reason)
{
	struct oom_replay r = replay(ev, verdict, reason);

	oom_replay_release(&r);
}

static void expect_text(const struct oom_replay *r, const char *want)
{
	if (!oom_str_is(r->text, want))
		fail_msg("\"%.*s\" is not \"%s\"", (int)r->text.n, r->text.p, want);
}

/* ---- by hand ------------------------------------------------------------------------------------------- */

static void own_points_decide(void **state)
{
	struct oom_event ev;
	struct oom_replay r;

	(void)state;
	facts_only(&ev);
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 16100, 0);
	chosen(&ev, 30, "b");
	r = replay(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	assert_int_equal(r.ballot.points, 2);
	assert_int_equal(r.ballot.compared, 2);
	assert_int_equal(r.ballot.differ, 0);
	assert_int_equal(r.margin, 100);
	assert_string_equal(r.profile_how, "the running kernel");
	expect_text(&r, "b (pid 30) was chosen because it had the highest badness of 2 tasks by the kernel's own "
			"count: 16,100 points (62.9 MiB), 100 (0.4 MiB) more than the next, a (pid 20).");
	oom_replay_release(&r);
	/* a few pages, which in a log would be drift, are a contradiction here */
	chosen(&ev, 20, "a");
	r = replay(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
	expect_text(&r, "Not explained: a (pid 20) was killed with 16,000 points (62.5 MiB), but the kernel itself "
			"gave b (pid 30) 16,100 points (62.9 MiB), and nothing recorded says why it was passed over.");
	assert_int_equal(r.winner, 1);
	oom_replay_release(&r);
	/* the last of equals */
	ev.task[0].kernel_points = 16100;
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_HIGHER_SCORE_PASSED_OVER);
	chosen(&ev, 30, "b");
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_TIE_BREAK);
	oom_event_release(&ev);
}

/* The row is what the log printed a moment later: the formula has other points than the kernel had. */
static void differences_are_told(void **state)
{
	struct oom_event ev;
	struct oom_replay r;

	(void)state;
	facts_only(&ev);
	row(&ev, 20, "a", 16000, 0)->rss_pages = 16300;
	row(&ev, 30, "b", 16100, 0);
	row(&ev, 40, "c", 50, 0)->rss_pages = OOM_NA;      /* lockdown: the points, but not what they are made of */
	chosen(&ev, 30, "b");
	r = replay(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	assert_int_equal(r.ballot.points, 3);
	assert_int_equal(r.ballot.compared, 2);
	assert_int_equal(r.ballot.differ, 1);
	assert_int_equal(r.ballot.off, 300);
	assert_int_equal(r.neligible, 3);
	assert_non_null(strstr(r.text.p, "By the formula 1 of 2 candidates differs from the kernel's own points, by at "
				       "most 300 points (1.2 MiB); stated drift 1,024 points (4.0 MiB)."));
	oom_replay_release(&r);
	oom_event_release(&ev);
}

static void flags_say_why_not(void **state)
{
	static const struct { int64_t flags, adj; enum oom_why_not why; } rows[] = {
		{ OOM_FACT_INELIGIBLE, -1000, OOM_WHY_ADJ_MIN },
		{ OOM_FACT_INELIGIBLE | OOM_FACT_VFORK, 0, OOM_WHY_VFORK_CHILD },
		{ OOM_FACT_INELIGIBLE | OOM_FACT_NO_MM, 0, OOM_WHY_NO_MM },
		{ OOM_FACT_INELIGIBLE | OOM_FACT_OOM_SKIP, 0, OOM_WHY_MM_SKIPPED },
		{ OOM_FACT_INELIGIBLE, 0, OOM_WHY_REFUSED },
		{ OOM_FACT_PASSED_OVER | OOM_FACT_OOM_VICTIM, 0, OOM_WHY_ALREADY_VICTIM },
		{ OOM_FACT_PASSED_OVER | OOM_FACT_OOM_VICTIM | OOM_FACT_OOM_SKIP | OOM_FACT_NO_MM, 0,
		  OOM_WHY_ALREADY_VICTIM },
		{ OOM_FACT_PASSED_OVER, 0, OOM_WHY_OTHER_NODES },
		{ OOM_NA, 0, OOM_WHY_NOT_SCANNED },
	};
	struct oom_event ev;
	struct oom_replay r;

	(void)state;
	facts_only(&ev);
	row(&ev, 5, "victim", 100, OOM_FACT_DEAD_LEADER);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rows); i++)
		row(&ev, 10 + (int64_t)i, "x", OOM_NA, rows[i].flags)->oom_score_adj = rows[i].adj;
	chosen(&ev, 5, "victim");
	r = replay(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	assert_int_equal(r.neligible, 1);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rows); i++)
		assert_int_equal(r.score[i + 1].why_not, rows[i].why);
	assert_int_equal(r.score[0].why_not, OOM_WHY_ELIGIBLE);
	oom_replay_release(&r);
	/* where candidates were lost, a row without a word of the kernel may have been one of them */
	ev.ballot_lost = 3;
	ev.table_complete = 0;
	r = replay(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_BALLOT_LOST);
	assert_int_equal(r.score[OOM_ARRAY_SIZE(rows)].why_not, OOM_WHY_ELIGIBLE);
	oom_replay_release(&r);
	oom_event_release(&ev);
}

static void who_asked_to_be_first(void **state)
{
	struct oom_event ev;
	struct oom_replay r;

	(void)state;
	facts_only(&ev);
	row(&ev, 20, "swapoff", OOM_NA, OOM_FACT_ORIGIN)->rss_pages = 300;
	row(&ev, 30, "b", 16100, 0);
	chosen(&ev, 20, "swapoff");
	r = replay(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_OOM_TASK_ORIGIN);
	assert_int_equal(r.winner, 0);
	assert_int_equal(r.rank[0], 0);
	oom_replay_release(&r);
	chosen(&ev, 30, "b");
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_OOM_TASK_ORIGIN);
	ev.task[0].kernel_flags |= OOM_FACT_OOM_VICTIM;    /* killed before */
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	oom_event_release(&ev);
}

/* A walk shows processes as they stood at the kill, without points: as good as a table of the log. */
static void reconstructed_like_a_table(void **state)
{
	struct oom_event ev;
	struct oom_replay r;

	(void)state;
	facts_only(&ev);
	ev.ballot = OOM_BALLOT_RECONSTRUCTED;
	ev.total_pages = OOM_NA;
	row(&ev, 20, "a", OOM_NA, OOM_FACT_RECONSTRUCTED)->rss_pages = 16000;
	row(&ev, 30, "b", OOM_NA, OOM_FACT_RECONSTRUCTED)->rss_pages = 16100;
	row(&ev, 40, "vforked", OOM_NA, OOM_FACT_RECONSTRUCTED | OOM_FACT_VFORK);
	row(&ev, 50, "earlier", OOM_NA, OOM_FACT_RECONSTRUCTED | OOM_FACT_OOM_VICTIM);
	chosen(&ev, 30, "b");
	r = replay(&ev, OOM_VERDICT_EXACT, OOM_REASON_HIGHEST_BADNESS);
	assert_int_equal(r.ballot.points, 0);
	assert_int_equal(r.score[2].why_not, OOM_WHY_VFORK_CHILD);
	assert_int_equal(r.score[3].why_not, OOM_WHY_ALREADY_VICTIM);
	oom_replay_release(&r);
	chosen(&ev, 20, "a");
	expect(&ev, OOM_VERDICT_WITHIN_DRIFT, OOM_REASON_COUNTER_DRIFT);
	/* in whose domain? all processes were walked, not all were candidates */
	ev.table_complete = 0;
	expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_UNKNOWN_DOMAIN);
	oom_event_release(&ev);
}

static void already_exiting(void **state)
{
	struct oom_event ev;
	struct oom_replay r;
	struct oom_life *l;

	(void)state;
	facts_only(&ev);
	ev.outcome = OOM_OUTCOME_WILL_FREE;
	chosen(&ev, 20, "a");
	l = oom_event_add_life(&ev);
	l->pid = l->tgid = 20;
	l->class = OOM_CLASS_ALREADY_EXITING;
	ev.ballot = OOM_BALLOT_NONE;
	r = replay(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_WILL_FREE);
	expect_text(&r, "Nobody was killed anew: a (pid 20) was exiting already and got the memory reserves; the "
			"kernel logs and counts no such case.");
	oom_replay_release(&r);
	ev.ballot = OOM_BALLOT_RECORDED;
	row(&ev, 20, "a", 16000, 0);
	row(&ev, 30, "b", 15000, 0);
	r = replay(&ev, OOM_VERDICT_EXPLAINED, OOM_REASON_WILL_FREE);
	expect_text(&r, "Nobody was killed anew: a (pid 20) had the highest badness of 2 tasks, 16,000 points "
			"(62.5 MiB), but was exiting already and got the memory reserves; the kernel logs and "
			"counts no such case.");
	oom_replay_release(&r);
	oom_event_release(&ev);
}

static void without_a_victim_or_a_ballot(void **state)
{
	struct oom_event ev;
	struct oom_replay r;

	(void)state;
	facts_only(&ev);
	row(&ev, 20, "a", OOM_NA, OOM_FACT_INELIGIBLE)->oom_score_adj = -1000;
	ev.outcome = OOM_OUTCOME_NO_KILLABLE;
	expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_NO_KILLABLE);
	row(&ev, 30, "b", 16100, 0);
	expect(&ev, OOM_VERDICT_UNEXPLAINED, OOM_REASON_NO_KILLABLE);
	oom_event_release(&ev);
	facts_only(&ev);
	ev.ballot = OOM_BALLOT_NONE;
	chosen(&ev, 20, "a");
	r = replay(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_NO_TASK_TABLE);
	expect_text(&r, "a (pid 20) was killed, but no feed told of the candidates, so nobody can be compared "
			"with it.");
	oom_replay_release(&r);
	oom_event_release(&ev);
}

/* Numbers that no kernel writes are damage, wherever they come from. */
static void hostile_points(void **state)
{
	static const int64_t wild[] = { INT64_MAX, INT64_MIN + 1, (int64_t)1 << 50, -((int64_t)1 << 50) };
	struct oom_event ev;

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(wild); i++) {
		facts_only(&ev);
		row(&ev, 20, "a", 16000, 0);
		row(&ev, 30, "b", 100, 0)->kernel_points = wild[i];
		chosen(&ev, 20, "a");
		expect(&ev, OOM_VERDICT_INSUFFICIENT, OOM_REASON_DAMAGED_TABLE);
		oom_event_release(&ev);
	}
}

/* ---- at random ------------------------------------------------------------------------------------------ */

static uint64_t seed = 1;
static int64_t upto(int64_t n)
{
	seed = seed * 6364136223846793005u + 1442695040888963407u;
	return (int64_t)((seed >> 33) % (uint64_t)n);
}

static const int64_t not_taken[] = {
	OOM_FACT_INELIGIBLE, OOM_FACT_INELIGIBLE | OOM_FACT_VFORK, OOM_FACT_INELIGIBLE | OOM_FACT_NO_MM,
	OOM_FACT_PASSED_OVER, OOM_FACT_PASSED_OVER | OOM_FACT_OOM_VICTIM, OOM_NA,
};

static void random_ballot(struct oom_event *ev, size_t n, size_t *differ, int64_t *off)
{
	facts_only(ev);
	ev->scope = upto(2) ? OOM_SCOPE_GLOBAL : OOM_SCOPE_MEMCG;
	*differ = 0;
	*off = 0;
	for (size_t i = 0; i < n; i++) {
		bool is_out = !upto(4);
		int64_t rss = upto(40), adj = upto(3) ? 0 : upto(1999) - 999, by = 0;
		struct oom_task *t = row(ev, 100 + (int64_t)i, "t", OOM_NA, is_out ? not_taken[upto(6)] : 0);

		t->oom_score_adj = adj;
		t->rss_pages = rss;
		if (is_out)
			continue;
		by = upto(5) ? 0 : upto(21) - 10;
		t->kernel_points = rss + adj * (ev->total_pages / 1000) + by;
		*differ += by != 0;
		*off = llabs(by) > *off ? llabs(by) : *off;
		if (!upto(50)) {
			t->kernel_flags = OOM_FACT_ORIGIN;
			t->kernel_points = OOM_NA;
			*differ -= by != 0;
		}
	}
}

/* select_bad_process() and oom_evaluate_task() of 5.9 and later, as they are written. */
static ptrdiff_t naive(const struct oom_event *ev, bool *origin)
{
	int64_t best = INT64_MIN, points;
	ptrdiff_t at = -1;

	*origin = false;
	for (size_t i = 0; i < ev->ntasks; i++) {
		const struct oom_task *t = &ev->task[i];

		if (t->kernel_flags == OOM_NA || t->kernel_flags & (OOM_FACT_PASSED_OVER | OOM_FACT_INELIGIBLE))
			continue;
		points = t->kernel_flags & OOM_FACT_ORIGIN ? INT64_MAX : t->kernel_points;
		*origin |= t->kernel_flags & OOM_FACT_ORIGIN;
		if (points < best)
			continue;
		best = points;
		at = (ptrdiff_t)i;
	}
	return at;
}

static void random_ballots(void **state)
{
	(void)state;
	for (int turn = 0; turn < 3000; turn++) {
		size_t n = 1 + (size_t)upto(60), differ, other;
		int64_t off;
		struct oom_event ev;
		struct oom_replay r;
		ptrdiff_t winner;
		bool origin;

		random_ballot(&ev, n, &differ, &off);
		winner = naive(&ev, &origin);
		if (winner < 0) {
			ev.outcome = OOM_OUTCOME_NO_KILLABLE;
			expect(&ev, OOM_VERDICT_EXACT, OOM_REASON_NO_KILLABLE);
			oom_event_release(&ev);
			continue;
		}
		chosen(&ev, ev.task[winner].tgid, "t");
		assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
		assert_int_equal(oom_replay_rank(&r), 0);
		assert_int_equal(r.verdict, origin ? OOM_VERDICT_EXPLAINED : OOM_VERDICT_EXACT);
		assert_int_equal(r.winner, winner);
		assert_int_equal(r.rank[0], winner);
		assert_int_equal(r.ballot.differ, differ);
		if (differ)
			assert_true(r.ballot.off > 0 && r.ballot.off <= off);
		oom_replay_release(&r);
		/* had it taken anybody else, nothing would explain it */
		other = (size_t)upto((int64_t)n);
		if ((ptrdiff_t)other != winner && ev.task[other].kernel_flags != OOM_NA) {
			chosen(&ev, ev.task[other].tgid, "t");
			assert_int_equal(oom_replay_run(&ev, NULL, &r), 0);
			assert_int_equal(r.verdict, OOM_VERDICT_UNEXPLAINED);
			assert_int_equal(r.winner, winner);
			oom_replay_release(&r);
		}
		oom_event_release(&ev);
	}
}

/* ---- from a store that somebody wrote into --------------------------------------------------------------- */

static void show(const struct oom_event *ev)
{
	FILE *out = fopen("/dev/null", "w");
	struct oom_replay r;
	struct oom_doc doc;

	assert_non_null(out);
	assert_int_equal(oom_replay_run(ev, NULL, &r), 0);
	assert_int_equal(oom_replay_rank(&r), 0);
	assert_int_equal(oom_explain(&r, NULL, &doc), 0);
	oom_render_text(&doc, 80, false, out);
	assert_int_equal(oom_json_event(ev, &r, out), 0);
	oom_doc_release(&doc);
	oom_replay_release(&r);
	fclose(out);
}

static void *first_row(struct oom_event *ev, const struct oom_record *rec)
{
	void *p = ev;

	if (rec != &oom_event_record)
		memcpy(&p, (char *)ev + rec->array, sizeof(p));
	return p;
}

/* Each number of the event in turn is as wrong as it can be; the sanitizers watch. */
static void wild_numbers(void **state)
{
	static const int64_t wild[] = {
		INT64_MAX, INT64_MIN, INT64_MIN + 1, -1, 0, (int64_t)1 << 44, -((int64_t)1 << 50),
	};
	const struct oom_record *records[OOM_PARTS + 1] = { &oom_event_record };
	struct sample s;

	(void)state;
	memcpy(&records[1], oom_parts, sizeof(oom_parts));
	for (int kind = 0; kind < 3; kind++) {
		assert_int_equal(sample_make(&s), 0);
		assert_int_equal(sample_record(&s), 0);
		s.ev.ballot = kind;
		s.ev.table_complete = kind < 2;
		if (kind)
			s.ev.first_line = s.ev.has_table = OOM_NA;
		for (size_t k = 0; k < OOM_ARRAY_SIZE(records); k++)
			for (size_t i = 0; first_row(&s.ev, records[k]) && i < records[k]->nfields; i++) {
				const struct oom_field *f = &records[k]->field[i];

				for (size_t w = 0; f->type == OOM_TYPE_INT && w < OOM_ARRAY_SIZE(wild); w++) {
					struct oom_event ev;

					assert_int_equal(oom_event_clone(&ev, &s.ev), 0);
					oom_field_set_int(f, first_row(&ev, records[k]), wild[w]);
					show(&ev);
					oom_event_release(&ev);
				}
			}
		sample_release(&s);
	}
}

/* ---- what guests recorded ------------------------------------------------------------------------------- */

#define ROUNDS 64
#define ROWS 256
struct vote { int64_t tgid, pid, points, total, adj, mm[6]; bool refused; char comm[20]; };
struct round { struct vote vote[ROWS], chosen; size_t n; };
struct ballots { struct round round[ROUNDS]; size_t n; };

static int64_t number(const char *cell)
{
	return !strcmp(cell, "-") || !strcmp(cell, "ineligible") ? OOM_NA : strtoll(cell, NULL, 10);
}

static struct vote read_vote(char *cell[15])
{
	struct vote v = { .pid = number(cell[2]), .tgid = number(cell[3]), .points = number(cell[6]),
			  .total = number(cell[7]), .adj = number(cell[8]), .refused = !strcmp(cell[6], "ineligible") };

	for (int i = 0; i < 6; i++)        /* per-CPU counters may stand a little below 0, and count as 0 */
		v.mm[i] = number(cell[9 + i]) > 0 ? number(cell[9 + i]) : 0;
	snprintf(v.comm, sizeof(v.comm), "%s", cell[5]);
	return v;
}

static void read_ballots(const char *path, struct ballots *b)
{
	char line[400], *cell[15], *at;
	int64_t round = -1;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	b->n = 0;
	while (fgets(line, sizeof(line), f)) {
		size_t n = 0;

		at = line;
		while (n < 15 && (cell[n] = strsep(&at, "\t\n")) != NULL)
			n++;
		if (n < 15 || !strcmp(cell[0], "round"))
			continue;
		if (number(cell[0]) != round) {
			assert_true(b->n < ROUNDS);
			b->round[b->n++].n = 0;
			round = number(cell[0]);
		}
		struct round *r = &b->round[b->n - 1];

		assert_true(r->n < ROWS);
		if (!strcmp(cell[1], "chosen"))
			r->chosen = read_vote(cell);
		else if (strcmp(cell[3], "1"))                 /* the recorder does not tell of init */
			r->vote[r->n++] = read_vote(cell);
	}
	fclose(f);
}

static bool chosen_before(const struct ballots *b, size_t round, int64_t tgid)
{
	for (size_t i = 0; i < round; i++)
		if (b->round[i].chosen.tgid == tgid)
			return true;
	return false;
}

/* The flags that the recorder has and the file has not: what the scenario makes of its cast. */
static int64_t flags_of(const struct ballots *b, size_t round, const struct vote *v)
{
	if (v->points != OOM_NA)
		return 0;
	if (!v->refused)
		return OOM_FACT_PASSED_OVER | (chosen_before(b, round, v->tgid) ? OOM_FACT_OOM_VICTIM : 0);
	return OOM_FACT_INELIGIBLE | (!strncmp(v->comm, "vfork", 5) ? OOM_FACT_VFORK : 0);
}

static void put_vote(struct oom_task *t, const struct ballots *b, size_t round, const struct vote *v)
{
	t->kernel_points = v->points;
	t->kernel_flags = flags_of(b, round, v);
	t->oom_score_adj = v->adj;
	t->rss_pages = OOM_NA;
	if (!v->mm[0])                     /* its leader had exited: the file has the points alone */
		return;
	t->total_vm_pages = v->mm[0];
	t->rss_pages = v->mm[1] + v->mm[2] + v->mm[3];
	t->swap_pages = v->mm[4];
	t->pgtables_bytes = v->mm[5];
}

/* A file of the case, "key: value". */
static void fact_of(const char *dir, const char *key, char *ret, size_t size)
{
	char path[300], line[400];
	FILE *f;

	snprintf(path, sizeof(path), "%s/facts", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	ret[0] = 0;
	while (fgets(line, sizeof(line), f))
		if (!strncmp(line, key, strlen(key)) && line[strlen(key)] == ':')
			snprintf(ret, size, "%.*s", (int)strcspn(line + strlen(key) + 2, "\n"), line + strlen(key) + 2);
	fclose(f);
}

/* As it would be stored if no line of the log had come. */
static void check_alone(const char *dir, const struct ballots *b, size_t round, size_t *compared)
{
	const struct round *r = &b->round[round];
	char kernel[80], scope[40];
	struct oom_event ev;
	struct oom_replay x;
	bool differ;

	fact_of(dir, "kernel", kernel, sizeof(kernel));
	fact_of(dir, "scope", scope, sizeof(scope));
	facts_only(&ev);
	ev.kernel = oom_str_from(kernel);
	ev.total_pages = r->chosen.total;
	ev.scope = !strcmp(scope, "memcg") ? OOM_SCOPE_MEMCG : OOM_SCOPE_GLOBAL;
	for (size_t i = 0; i < r->n; i++) {
		struct oom_task *t = row(&ev, r->vote[i].tgid, r->vote[i].comm, OOM_NA, OOM_NA);

		t->pid = r->vote[i].pid;
		put_vote(t, b, round, &r->vote[i]);
	}
	chosen(&ev, r->chosen.tgid, r->chosen.comm);
	assert_int_equal(oom_replay_run(&ev, NULL, &x), 0);
	assert_int_equal(oom_replay_rank(&x), 0);
	/* from 7.0 on the kernel sums the counters that a feed reads as they are */
	differ = x.ballot.differ && (!(x.profile->flags & OOM_PROFILE_EXACT_SUMS) || x.ballot.off > x.drift_bound);
	if (x.verdict != OOM_VERDICT_EXACT || differ || ev.task[x.winner].tgid != r->chosen.tgid)
		fail_msg("%s, round %zu: %s, %zu of %zu differ: %.*s", dir, round, oom_verdict_names[x.verdict],
			 x.ballot.differ, x.ballot.compared, (int)x.text.n, x.text.p);
	*compared += x.ballot.compared;
	for (size_t i = 0; i < r->n; i++) {
		const struct vote *v = &r->vote[i];
		enum oom_why_not want = v->points != OOM_NA		    ? OOM_WHY_ELIGIBLE
					: !v->refused			    ? chosen_before(b, round, v->tgid)
						? OOM_WHY_ALREADY_VICTIM : OOM_WHY_OTHER_NODES
					: v->adj == -1000		    ? OOM_WHY_ADJ_MIN
					: !strncmp(v->comm, "vfork", 5)     ? OOM_WHY_VFORK_CHILD
									    : OOM_WHY_REFUSED;

		assert_int_equal(x.score[i].why_not, want);
	}
	oom_replay_release(&x);
	oom_event_release(&ev);
}

/* ---- and the log of the same kills ------------------------------------------------------------------------ */

static size_t read_log(const char *dir, struct oom_event *ev, size_t max)
{
	char pattern[300];
	const char *path;
	glob_t g;
	size_t n = 0;
	struct oom_input *in;
	struct oom_parser *p;
	struct oom_line line;

	snprintf(pattern, sizeof(pattern), "%s/log*", dir);
	assert_int_equal(glob(pattern, 0, NULL, &g), 0);
	path = g.gl_pathv[0];
	assert_int_equal(oom_input_open(&path, 1, &in, NULL), 0);
	assert_int_equal(oom_parser_new(&p), 0);
	assert_int_equal(oom_input_next_text(in, NULL), 1);
	assert_int_equal(oom_parser_begin(p, OOM_STR("log")), 0);
	while (oom_input_next_line(in, false, &line, NULL) == 1)
		assert_int_equal(oom_parser_feed(p, &line), 0);
	assert_int_equal(oom_parser_finish(p), 0);
	while (n < max && oom_parser_take(p, &ev[n]) == 1)
		n++;
	oom_parser_free(p);
	oom_input_close(in);
	globfree(&g);
	return n;
}

static bool has_moved(const char *dir, int64_t pid)
{
	char path[300], line[400];
	bool moved = false;
	long long who;
	FILE *f;

	snprintf(path, sizeof(path), "%s/facts", dir);
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f))
		moved |= sscanf(line, "moved: pid=%lld", &who) == 1 && who == pid;
	fclose(f);
	return moved;
}

static const struct vote *vote_of(const struct round *r, int64_t tgid)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->vote[i].tgid == tgid)
			return &r->vote[i];
	return NULL;
}

/* The log's own rows, with the kernel's points beside them. */
static void check_joined(const char *dir, struct oom_event *ev, const struct ballots *b, size_t round)
{
	const struct round *r = &b->round[round];
	struct oom_replay x;
	size_t moved = 0;

	ev->origin = OOM_ORIGIN_RECORD;
	ev->ballot = OOM_BALLOT_RECORDED;
	ev->total_pages = r->chosen.total;
	for (size_t i = 0; i < ev->ntasks; i++) {
		const struct vote *v = vote_of(r, ev->task[i].tgid);

		if (!v)
			continue;
		moved += has_moved(dir, ev->task[i].pid);
		ev->task[i].kernel_points = v->points;
		ev->task[i].kernel_flags = flags_of(b, round, v);
	}
	assert_int_equal(oom_replay_run(ev, NULL, &x), 0);
	if (x.verdict != OOM_VERDICT_EXACT || x.ballot.differ > moved || !x.ballot.compared)
		fail_msg("%s, round %zu: %s, %zu of %zu differ: %.*s", dir, round, oom_verdict_names[x.verdict],
			 x.ballot.differ, x.ballot.compared, (int)x.text.n, x.text.p);
	oom_replay_release(&x);
}

/* The n-th round that took a process belongs to the n-th event that did. */
static size_t join_rounds(const char *dir, const struct ballots *b)
{
	static struct oom_event ev[ROUNDS];
	bool used[ROUNDS] = { false };
	size_t n = read_log(dir, ev, ROUNDS), joined = 0;

	for (size_t i = 0; i < b->n; i++) {
		int64_t tgid = b->round[i].chosen.tgid;

		if (!b->round[i].n)
			continue;
		for (size_t k = 0; k < n; k++) {
			const struct oom_task *t = oom_event_task(&ev[k], ev[k].chosen_pid);

			if (used[k] || !t || t->tgid != tgid || ev[k].outcome != OOM_OUTCOME_KILLED ||
			    ev[k].allocating_task == 1 || !ev[k].table_complete)
				continue;
			used[k] = true;
			check_joined(dir, &ev[k], b, i);
			joined++;
			break;
		}
	}
	for (size_t k = 0; k < n; k++)
		oom_event_release(&ev[k]);
	return joined;
}

static void what_guests_recorded(void **state)
{
	static struct ballots b;
	size_t rounds = 0, joined = 0, compared = 0;
	glob_t g;

	(void)state;
	assert_int_equal(glob("tests/cases/*/ballot.tsv", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char dir[256];

		snprintf(dir, sizeof(dir), "%.*s", (int)(strrchr(g.gl_pathv[i], '/') - g.gl_pathv[i]), g.gl_pathv[i]);
		read_ballots(g.gl_pathv[i], &b);
		for (size_t k = 0; k < b.n; k++) {
			if (!b.round[k].n)         /* oom_kill_allocating_task: nobody was looked at */
				continue;
			check_alone(dir, &b, k, &compared);
			rounds++;
		}
		joined += join_rounds(dir, &b);
	}
	assert_true(compared >= 500);
	assert_true(rounds >= 180);
	assert_true(joined >= 150);
	globfree(&g);
	print_message("%zu rounds, %zu points compared, %zu joined to logs\n", rounds, compared, joined);
}

int test_ballot(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(own_points_decide),
		cmocka_unit_test(differences_are_told),
		cmocka_unit_test(flags_say_why_not),
		cmocka_unit_test(who_asked_to_be_first),
		cmocka_unit_test(reconstructed_like_a_table),
		cmocka_unit_test(already_exiting),
		cmocka_unit_test(without_a_victim_or_a_ballot),
		cmocka_unit_test(hostile_points),
		cmocka_unit_test(random_ballots),
		cmocka_unit_test(wild_numbers),
		cmocka_unit_test(what_guests_recorded),
	};

	return cmocka_run_group_tests_name("ballot", tests, NULL, NULL);
}
