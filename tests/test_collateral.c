/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Lines of other programs beside the kernel's: which are known, to which event they belong, and that none makes a kill. */
#include "test_parse.h"

#include <stdlib.h>
#include <string.h>

#include <oomlens/incident.h>
#include <oomlens/page.h>
#include <oomlens/store.h>

#include "test_store.h"

static bool match(const char *raw, struct oom_line *line, struct oom_moment *ret)
{
	static struct oom_buf scratch;
	struct oom_prefix_state st = { .last = 0 };

	oom_prefix_parse(&st, oom_str_from(raw), &scratch, line);
	line->raw = oom_str_from(raw);
	line->lineno = 7;
	return oom_collateral_match(line, ret);
}

static void shapes(void **state)
{
	static const struct { const char *line; enum oom_teller teller; enum oom_moment_kind kind; const char *where, *comm; int64_t pid; } want[] = {
		{ "Sep 23 14:09:18 ip-172-31-16-253 systemd[1]: erigon.service: A process of this unit has been killed by the OOM killer.",
		  OOM_TELLER_SYSTEMD, OOM_MOMENT_SAW, "erigon.service", NULL, OOM_NA },
		{ "Jun 19 16:23:32 ripper systemd[5971]: app-org.kde.konsole-10418.scope: The kernel OOM killer killed some processes in this unit.",
		  OOM_TELLER_SYSTEMD, OOM_MOMENT_SAW, "app-org.kde.konsole-10418.scope", NULL, OOM_NA },
		{ "Sep 23 14:09:19 ip-172-31-16-253 systemd[1]: erigon.service: Failed with result 'oom-kill'.",
		  OOM_TELLER_SYSTEMD, OOM_MOMENT_FAILED, "erigon.service", NULL, OOM_NA },
		{ "2026-04-12T19:04:42+0100 host systemd-oomd[939]: Killed /user.slice/a.service due to memory pressure for /user.slice being 82.36% > 80.00% for > 20s with reclaim activity",
		  OOM_TELLER_SYSTEMD_OOMD, OOM_MOMENT_OTHER_KILL, "/user.slice/a.service", NULL, OOM_NA },
		{ "Apr 12 19:04:42 host systemd-oomd[939]: Killed /a.slice/b.scope due to memory used (16000000000) / total (16600000000) and swap used (8000000000) / total (8500000000) being more than 90.00%",
		  OOM_TELLER_SYSTEMD_OOMD, OOM_MOMENT_OTHER_KILL, "/a.slice/b.scope", NULL, OOM_NA },
		{ "Apr 12 19:04:43 host systemd[1]: b.scope: systemd-oomd killed 19 process(es) in this unit.",
		  OOM_TELLER_SYSTEMD, OOM_MOMENT_SAW, "b.scope", NULL, OOM_NA },
		{ "<6>[1813654.116643] oomd kill: 81.28 80.05 42.78 system.slice/a.service 1000 ruleset:[test] detectorgroup:[x] killer:y v2",
		  OOM_TELLER_OOMD, OOM_MOMENT_OTHER_KILL, "system.slice/a.service", NULL, OOM_NA },
		{ "Jun 20 12:47:31 web1 earlyoom[812]: sending SIGTERM to process 1985588 uid 1000 \"(sd-pam)\": badness 733, VmRSS 3 MiB",
		  OOM_TELLER_EARLYOOM, OOM_MOMENT_OTHER_KILL, NULL, "(sd-pam)", 1985588 },
		{ "Jun 20 12:47:31 web1 earlyoom[812]: sending SIGKILL to process 12 uid 0 \"a b\": oom_score 900, VmRSS 3 MiB, cmdline \"a b\"",
		  OOM_TELLER_EARLYOOM, OOM_MOMENT_OTHER_KILL, NULL, "a b", 12 },
		{ "Oct 02 14:14:06 aks containerd[2827]: time=\"2026-10-02T14:14:06.821383123Z\" level=info msg=\"TaskOOM event container_id:\\\"c44d2f7a9f1f16bb\\\"\"",
		  OOM_TELLER_CONTAINERD, OOM_MOMENT_SAW, "c44d2f7a9f1f16bb", NULL, OOM_NA },
		{ "Oct 02 14:14:06 n kubelet[27]: I1002 event: 'SystemOOM' System OOM encountered, victim process: k3s-agent, pid: 1184",
		  OOM_TELLER_KUBELET, OOM_MOMENT_SAW, NULL, "k3s-agent", 1184 },
	};

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(want); i++) {
		struct oom_line line;
		struct oom_moment m;

		if (!match(want[i].line, &line, &m))
			fail_msg("not known: %s", want[i].line);
		assert_int_equal(m.teller, want[i].teller);
		assert_int_equal(m.kind, want[i].kind);
		assert_true(oom_str_eq(m.where, oom_str_from(want[i].where)));
		assert_true(oom_str_eq(m.comm, oom_str_from(want[i].comm)));
		assert_true(m.pid == want[i].pid);
		assert_int_equal(m.line, 7);
	}
}

static void what_is_none(void **state)
{
	static const char *const lines[] = {
		"Jun 20 12:47:31 web1 systemd[1]: a.service: Failed with result 'exit-code'.",
		"Jun 20 12:47:31 web1 logger: somebody said that the OOM killer killed a thing",
		"Jun 20 12:47:31 web1 systemd[1]: two words: A process of this unit has been killed by the OOM killer.",
		"Jun 20 12:47:31 web1 kernel: [  1.0] Out of memory: Killed process 12 (a) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB",
		"Jun 20 12:47:31 web1 sending SIGTERM to process 1 uid 0 \"a\": badness 1",
		"", "oomd kill: ", "oomd kill: 1 2 3", "earlyoom: sending SIGTERM to process",
	};
	struct oom_line line;
	struct oom_moment m;

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(lines); i++)
		if (match(lines[i], &line, &m))
			fail_msg("taken for a line of %s: %s", oom_teller_names[m.teller], lines[i]);
}

#define KILL(stamp, us, pid) \
	"Jun 20 " stamp " web1 kernel: [" us "] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=hog,pid=" pid ",uid=0\n" \
	"Jun 20 " stamp " web1 kernel: [" us "] Out of memory: Killed process " pid " (hog) total-vm:1kB, anon-rss:1kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n"
#define FAILED(stamp, unit) "Jun 20 " stamp " web1 systemd[1]: " unit ".service: Failed with result 'oom-kill'.\n"

static size_t company(const struct oom_event *ev)
{
	size_t n = 0;

	for (size_t i = 0; i < ev->nnotes; i++)
		n += oom_str_is(ev->note[i].kind, OOM_NOTE_COLLATERAL);
	return n;
}

static void beside_the_nearest_event(void **state)
{
	static const char log[] = FAILED("10:00:10", "before") KILL("10:00:20", "100.000001", "11") FAILED("10:00:21", "first")
		KILL("10:05:00", "380.000001", "12") FAILED("10:05:01", "second") FAILED("10:09:00", "late")
		"Jun 20 10:05:02 db9 systemd[1]: other.service: Failed with result 'oom-kill'.\n";
	struct oom_event ev[4];

	(void)state;
	assert_int_equal(parse_text(log, ev, 4), 2);
	assert_int_equal(company(&ev[0]), 2);
	assert_int_equal(company(&ev[1]), 1);
	assert_str(ev[0].note[0].text, "Jun 20 10:00:10 systemd: before.service: Failed with result 'oom-kill'.");
	assert_int_equal(ev[0].note[0].line, 1);
	assert_int_equal(ev[0].nvictims, 1);
	release_events(ev, 2);
}

/* Hearsay alone is no event, however much of it there is, and much of it does not fill an event. */
static void no_kill_is_made_of_it(void **state)
{
	struct oom_buf b = { .p = NULL };
	struct oom_event ev[2];

	(void)state;
	assert_int_equal(parse_text(FAILED("10:00:10", "a") FAILED("10:00:11", "b"), ev, 2), 0);
	assert_true(oom_buf_fmt(&b, "%s", KILL("10:00:20", "100.000001", "11")) >= 0);
	for (int i = 0; i < 500; i++)
		assert_true(oom_buf_fmt(&b, "Jun 20 10:00:20 web1 systemd[1]: a%d.service: Failed with result 'oom-kill'.\n", i) >= 0);
	assert_int_equal(oom_buf_add(&b, "", 1), 0);
	assert_int_equal(parse_text(b.p, ev, 2), 1);
	assert_true(company(&ev[0]) >= 32 && company(&ev[0]) <= 64);
	assert_int_equal(ev[0].nvictims, 1);
	release_events(ev, 1);
	oom_buf_release(&b);
}

static void the_timeline(void **state)
{
	static const char log[] = FAILED("10:00:19", "a") KILL("10:00:20", "100.000001", "11") FAILED("10:00:21", "b");
	struct oom_incident in;
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(log, &ev, 1), 1);
	assert_int_equal(oom_incident_make(&ev, NULL, &in), 0);
	assert_int_equal(in.nmoments, 4);
	assert_str(in.moment[0].where, "a.service");
	assert_int_equal(in.moment[1].kind, OOM_MOMENT_CHOICE);
	assert_int_equal(in.moment[2].kind, OOM_MOMENT_KILL);
	assert_int_equal(in.moment[2].teller, OOM_TELLER_KERNEL);
	assert_str(in.moment[3].where, "b.service");
	oom_incident_release(&in);
	oom_event_release(&ev);
}

/* A store keeps what the log said, and tells it again. */
static void through_the_store(void **state)
{
	struct oom_store *s = store_open(OOM_STORE_WRITE);
	struct oom_event ev, back;
	struct oom_incident a, b;
	int64_t id;

	(void)state;
	assert_int_equal(parse_text(FAILED("10:00:19", "a") KILL("10:00:20", "100.000001", "11"), &ev, 1), 1);
	id = store_put(s, &ev, NULL, 1);
	store_load(s, id, &back);
	assert_int_equal(oom_incident_make(&ev, NULL, &a), 0);
	assert_int_equal(oom_incident_make(&back, NULL, &b), 0);
	assert_int_equal(a.nmoments, b.nmoments);
	for (size_t i = 0; i < a.nmoments; i++) {
		assert_true(oom_str_eq(a.moment[i].text, b.moment[i].text));
		assert_int_equal(a.moment[i].line, b.moment[i].line);
	}
	oom_incident_release(&a);
	oom_incident_release(&b);
	oom_event_release(&ev);
	oom_event_release(&back);
	store_close(s);
}

/* ---- storms ------------------------------------------------------------------------------------------------ */

static void events_of_one_incident(void **state)
{
	static const char log[] = KILL("10:00:20", "100.000001", "11") KILL("10:00:45", "125.000001", "12") KILL("10:01:10", "150.000001", "13")
		KILL("10:02:00", "200.000001", "14") KILL("10:00:02", "10.000001", "15");
	struct oom_event ev[6];
	struct oom_storm s = { .brief = NULL };
	struct oom_incident in;
	size_t n;

	(void)state;
	assert_int_equal(parse_text(log, ev, 6), 5);
	for (size_t i = 0; i < 5; i++) {
		struct oom_replay r;

		assert_int_equal(oom_replay_run(&ev[i], NULL, &r), 0);
		assert_int_equal(oom_storm_add(&s, &r), 0);
		oom_replay_release(&r);
	}
	/* 25 s apart each: a chain; 50 s: another incident; then another boot */
	assert_int_equal(oom_storm_of(&s, ev[1].id, &n), 0);
	assert_int_equal(n, 3);
	assert_int_equal(oom_storm_of(&s, ev[3].id, &n), 3);
	assert_int_equal(n, 1);
	assert_int_equal(oom_storm_of(&s, ev[4].id, &n), 4);
	assert_int_equal(n, 1);
	(void)oom_storm_of(&s, 99, &n);
	assert_int_equal(n, 0);
	assert_int_equal(oom_incident_make(&ev[1], &s, &in), 0);
	n = 0;
	for (size_t i = 0; i < in.nmoments; i++)
		n += in.moment[i].other;
	assert_int_equal(n, 2);
	oom_incident_release(&in);
	oom_storm_release(&s);
	release_events(ev, 5);
}

int test_collateral(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(shapes),
		cmocka_unit_test(what_is_none),
		cmocka_unit_test(beside_the_nearest_event),
		cmocka_unit_test(no_kill_is_made_of_it),
		cmocka_unit_test(the_timeline),
		cmocka_unit_test_setup_teardown(through_the_store, store_setup, store_teardown),
		cmocka_unit_test(events_of_one_incident),
	};

	return cmocka_run_group_tests_name("collateral", tests, NULL, NULL);
}
