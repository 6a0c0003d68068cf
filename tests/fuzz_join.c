/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libFuzzer target: facts and events of the log in any order, with any times, about few processes, so that they meet.
 * What must hold whatever is told: no crash, no leak, no negative count, and the deadline lies in the future unless
 * somebody must look: no busy loop.  In between honest kills, told by up to three witnesses in any order, as late as
 * 0.3 s: each of them is in exactly one event.
 */
#include "../collector/recorder_impl.h"

#include "../collector/feed.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS    INT64_C(1000)
#define S     (1000 * MS)
#define KILLS 64
#define LATE  (300 * MS)
#define MOST  1024

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct input { const uint8_t *p; size_t n; } in;
/* What the kernel did: one process each.  tell: bits of who has yet to tell; print: the event that has it. */
enum { WALK = 1, TRACE = 2, LOG = 4 };
static struct { int64_t us; unsigned tell, told; char print[33]; } kill[KILLS];
static size_t nkills;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static unsigned take(void)
{
	if (!in.n)
		return 0;
	in.n--;
	return *in.p++;
}

static int path_of(int64_t id, char *buf, size_t size)
{
	return id % 3 ? snprintf(buf, size, "/c%d", (int)id) : -2;
}

static struct oom_join *begin(void)
{
	unsigned bits = take();
	struct oom_join_opts o = {
		.self = { .host = OOM_STR("h"), .machine_id = OOM_STR("m"), .boot_id = OOM_STR("b"), .kernel = OOM_STR("6.12.1"),
			  .page_size = 4096, .wall_minus_mono_us = 1000 * S },
		.has_log = true, .has_ballot = bits & 2, .has_marks = true, .has_exits = bits & 8,
		.oom_kill = bits & 32 ? 40 : OOM_NA, .cgroup_path = path_of,
	};
	struct oom_join *j;

	must(oom_join_new(&o, &j) == 0);
	return j;
}

static struct oom_fact any_fact(int64_t now)
{
	static char comm[16];
	unsigned who = take(), bits = take();
	struct oom_fact f;

	oom_fact_init(&f, take() % OOM_FACT_KINDS, now - (int64_t)take() * MS);
	f.round = bits & 1 ? OOM_NA : (int64_t)(take() % 8);
	f.flags = bits & 2 ? (int64_t)take() << (bits >> 6) * 2 : 0;
	f.count = bits & 4 ? take() : OOM_NA;
	f.pid = who % 32;
	f.tgid = bits & 8 ? OOM_NA : f.pid & ~1;
	f.start_us = bits & 16 ? OOM_NA : f.pid;
	f.memcg_id = who >> 5;
	f.constraint = who >> 6;
	f.points = f.rss_anon_pages = bits;
	if (bits & 32) {
		memset(comm, (int)who, sizeof(comm));
		f.comm = (struct oom_str){ comm, bits % 16 };
	}
	return f;
}

static void any_event(struct oom_event *ev, int64_t now)
{
	unsigned bits = take(), n = take() % 4;

	oom_event_init(ev);
	ev->first_line = take() + 1;
	ev->last_line = ev->first_line + take();
	ev->boot_us = bits & 1 ? OOM_NA : now - (int64_t)take() * 50 * MS;
	ev->has_invoked = ev->has_table = (bits & 2) != 0;
	ev->scope = bits & 4 ? OOM_SCOPE_MEMCG : OOM_SCOPE_GLOBAL;
	ev->outcome = take() % (OOM_OUTCOME_WILL_FREE + 1);
	ev->trigger_pid = bits & 8 ? (int64_t)take() % 32 : OOM_NA;
	ev->chosen_pid = bits & 16 ? (int64_t)take() % 32 : OOM_NA;
	if (bits & 32)
		ev->oom_memcg = OOM_STR("/c1");
	for (unsigned i = 0; i < n; i++) {
		struct oom_victim *v = oom_event_add_victim(ev);
		struct oom_task *t = oom_event_add_task(ev);
		struct oom_raw *raw = oom_event_add_raw(ev);

		must(v && t && raw);
		v->pid = t->pid = take() % 32;
		t->tgid = t->pid & ~1;
		v->role = i ? OOM_ROLE_GROUP : OOM_ROLE_CHOSEN;
		v->killed_us = bits & 64 ? OOM_NA : now - (int64_t)take() * MS;
		raw->text = OOM_STR("Out of memory: Killed process 1 (x)");
	}
}

#define PID(k) (1000 + (int64_t)(k))

static void one_event_each(const struct oom_event *ev, int64_t pid, const char *print)
{
	if (pid < PID(0) || pid >= PID(nkills))
		return;
	must(ev->nlives == 1);
	if (kill[pid - PID(0)].print[0])
		must(!strcmp(kill[pid - PID(0)].print, print));
	else
		memcpy(kill[pid - PID(0)].print, print, sizeof(kill[0].print));
}

/* As the store would: another version of an event has its fingerprint. */
static void keep(struct oom_join_out *out)
{
	char print[33];

	oom_event_fingerprint(&out->ev, print);
	for (size_t i = 0; i < out->ev.nlives; i++) {
		const struct oom_life *l = &out->ev.life[i];

		must(l->class >= 0 && l->class <= OOM_CLASS_LOG_LOST);
		one_event_each(&out->ev, l->pid, print);
	}
	oom_event_release(&out->ev);
}

static void turn(struct oom_join *j, int64_t now, bool busy, int64_t counter)
{
	struct oom_join_out out;
	int n = 0;

	for (int again = 0; !again || (!busy && oom_join_deadline(j) <= now); again++) {
		must(again < 4);
		oom_join_log_read(j, busy, now);
		if (oom_join_wants_counter(j, now))
			oom_join_counter(j, counter, now);
		while (oom_join_next(j, now, &out) == 1) {
			must(++n < 10000);
			keep(&out);
		}
	}
}

/* ---- honest kills ---------------------------------------------------------------------------------------------- */

static void tell_fact(struct oom_join *j, const char *feed, struct oom_fact *f, int64_t now)
{
	int r = oom_join_fact(j, feed, f, now);

	must(r == 0 || r == -ENOBUFS);
	if (!r)
		return;
	turn(j, now, true, 40);
	must(oom_join_fact(j, feed, f, now) == 0);
}

static void tell_log(struct oom_join *j, size_t k, int64_t now)
{
	struct oom_event ev;
	struct oom_victim *v;

	oom_event_init(&ev);
	v = oom_event_add_victim(&ev);
	must(v != NULL);
	v->pid = PID(k);
	v->killed_us = ev.boot_us = kill[k].us;
	ev.first_line = ev.last_line = PID(k);
	ev.outcome = OOM_OUTCOME_KILLED;
	if (oom_join_log(j, &ev, true, now) == 0)
		return;
	turn(j, now, true, 40);
	must(oom_join_log(j, &ev, true, now) == 0);
}

static void tell(struct oom_join *j, size_t k, unsigned who, int64_t now)
{
	struct oom_fact f;

	who &= kill[k].tell;
	who &= -who;
	kill[k].tell &= ~who;
	kill[k].told |= who;
	oom_fact_init(&f, OOM_FACT_MARK_VICTIM, kill[k].us + who);
	f.pid = f.tgid = PID(k);
	if (who == WALK)
		f.start_us = PID(k);
	if (who == LOG)
		tell_log(j, k, now);
	else if (who)
		tell_fact(j, who == WALK ? "walk" : "trace", &f, now);
}

static void tell_late(struct oom_join *j, int64_t now)
{
	for (size_t k = 0; k < nkills; k++)
		while (kill[k].tell && now - kill[k].us > LATE)
			tell(j, k, kill[k].tell, now);
}

static void check_kills(void)
{
	for (size_t k = 0; k < nkills; k++)
		must(!kill[k].told == !kill[k].print[0]);
}

/* ---- the input ------------------------------------------------------------------------------------------------- */

static void noise(struct oom_join *j, unsigned op, int64_t now)
{
	static const char *const feeds[] = { "ballot", "walk", "trace", "other" };
	struct oom_event ev;
	struct oom_fact f;

	if (op & 1) {
		f = any_fact(now);
		(void)oom_join_fact(j, feeds[take() & 3], &f, now);
		return;
	}
	any_event(&ev, now);
	if (oom_join_log(j, &ev, op & 8, now) < 0)
		oom_event_release(&ev);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oom_join *j;
	struct oom_join_tally t;
	int64_t now = 200 * S, counter = 40;

	in = (struct input){ data, size < MOST ? size : MOST };     /* with more, the oldest cases are given up */
	nkills = 0;
	j = begin();
	while (in.n) {
		unsigned op = take();

		now += 1 + (int64_t)(op >> 4) * (op & 128 ? 20 * MS : 3);
		tell_late(j, now);
		if ((op & 7) < 4) {
			noise(j, op, now);
		} else if ((op & 7) == 4 && nkills < KILLS) {
			memset(&kill[nkills], 0, sizeof(kill[0]));
			kill[nkills].us = now;
			kill[nkills++].tell = take() & 7;
		} else if ((op & 7) == 5 && nkills) {
			tell(j, take() % nkills, take(), now);
		} else if ((op & 7) == 6) {
			counter += take() & 3;
		} else {
			turn(j, now, take() & 1, counter);
		}
	}
	tell_late(j, now += S);
	for (int i = 0; i < 4000 && oom_join_deadline(j) != INT64_MAX; i++) {
		now = oom_join_deadline(j) > now ? oom_join_deadline(j) : now;
		turn(j, now, false, counter);
	}
	must(oom_join_deadline(j) == INT64_MAX);
	oom_join_finish(j);
	turn(j, now, false, counter);
	check_kills();
	oom_join_tally(j, &t);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(t.by_class); i++)
		must(t.by_class[i] >= 0);
	must(oom_join_waiting(j) == OOM_NA);
	oom_join_free(j);
	return 0;
}
