/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "test_parse.h"

#include <errno.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

#include <oomlens/source.h>

int feed_text(struct oom_parser *p, const char *text)
{
	struct oom_prefix_state st = { .last = 0 };
	struct oom_buf scratch = { .p = NULL };
	int64_t n = 0;
	int r = 0;

	while (*text && r == 0) {
		struct oom_str raw = { text, strcspn(text, "\n") };
		struct oom_line line;

		oom_prefix_parse(&st, raw, &scratch, &line);
		line.raw = raw;
		line.lineno = ++n;
		r = oom_parser_feed(p, &line);
		text += raw.n + (text[raw.n] == '\n');
	}
	oom_buf_release(&scratch);
	return r;
}

size_t parse_text(const char *text, struct oom_event *ev, size_t max)
{
	struct oom_parser *p;
	struct oom_event one;
	size_t n = 0;

	assert_int_equal(oom_parser_new(&p), 0);
	assert_int_equal(oom_parser_begin(p, OOM_STR("test.log")), 0);
	assert_int_equal(feed_text(p, text), 0);
	assert_int_equal(oom_parser_finish(p), 0);
	assert_true(oom_parser_quiet(p));
	while (oom_parser_take(p, &one) == 1) {
		if (n < max)
			ev[n] = one;
		else
			oom_event_release(&one);
		n++;
	}
	oom_parser_free(p);
	return n;
}

void release_events(struct oom_event *ev, size_t n)
{
	for (size_t i = 0; i < n; i++)
		oom_event_release(&ev[i]);
}

static void take_all(struct oom_parser *p, void (*fn)(struct oom_event *ev))
{
	struct oom_event ev;

	while (oom_parser_take(p, &ev) == 1) {
		fn(&ev);
		oom_event_release(&ev);
	}
}

void read_logs(const char *pattern, void (*fn)(struct oom_event *ev))
{
	glob_t found;

	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		const char *spec = found.gl_pathv[i];
		struct oom_input *input;
		struct oom_parser *p;
		struct oom_line line;

		assert_int_equal(oom_input_open(&spec, 1, &input, NULL), 0);
		assert_int_equal(oom_parser_new(&p), 0);
		while (oom_input_next_text(input, NULL) > 0) {
			assert_int_equal(oom_parser_begin(p, oom_str_from(spec)), 0);
			while (oom_input_next_line(input, oom_parser_quiet(p), &line, NULL) > 0) {
				assert_int_equal(oom_parser_feed(p, &line), 0);
				take_all(p, fn);
			}
			assert_int_equal(oom_parser_finish(p), 0);
			take_all(p, fn);
		}
		oom_parser_free(p);
		oom_input_close(input);
	}
	globfree(&found);
}

static const char report[] =
	"[  100.000001] eater invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=5\n"
	"[  100.000002] CPU: 1 UID: 1000 PID: 321 Comm: eater Not tainted 6.12.9-test #1\n"
	"[  100.000003] Call Trace:\n"
	"[  100.000004]  out_of_memory+0x100/0x590\n"
	"[  100.000005] Mem-Info:\n"
	"[  100.000006] active_anon:100 inactive_anon:200 isolated_anon:0\n"
	"                free:300 free_pcp:1 free_cma:0\n"
	"[  100.000007] Node 0 DMA: 1*4kB (U) 2*8kB (UM) = 20kB\n"
	"[  100.000008] Free swap  = 0kB\n"
	"[  100.000009] Total swap = 1024kB\n"
	"[  100.000010] 130944 pages RAM\n"
	"[  100.000011] 9000 pages reserved\n"
	"[  100.000012] Tasks state (memory values in pages):\n"
	"[  100.000013] [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name\n"
	"[  100.000014] [    201]     0   201     3000     1500     1000      500         0    61440       11          -250 systemd-journal\n"
	"[  100.000015] [    321]  1000   321   100000    90000    89000     1000         0   770048        0             5 eater\n"
	"[  100.000016] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/user,task=eater,pid=321,uid=1000\n"
	"[  100.000017] Out of memory: Killed process 321 (eater) total-vm:400000kB, anon-rss:356000kB, file-rss:4000kB, shmem-rss:0kB, UID:1000 pgtables:752kB oom_score_adj:5\n"
	"[  102.000018] oom_reaper: reaped process 321 (eater), now anon-rss:0kB, file-rss:4kB, shmem-rss:0kB\n";

static void check_report(const struct oom_event *ev)
{
	const struct oom_victim *v = &ev->victim[0];

	assert_str(ev->trigger_comm, "eater");
	assert_int_equal(ev->trigger_pid, 321);
	assert_int_equal(ev->trigger_uid, 1000);
	assert_int_equal(ev->trigger_adj, 5);
	assert_int_equal(ev->order, 0);
	assert_int_equal(ev->gfp_mask, 0x140cca);
	assert_str(ev->gfp_flags, "GFP_HIGHUSER_MOVABLE|__GFP_COMP");
	assert_str(ev->kernel, "6.12.9-test");
	assert_int_equal(ev->scope, OOM_SCOPE_GLOBAL);
	assert_int_equal(ev->page_size, 4096);
	assert_int_equal(ev->ram_pages, 130944);
	assert_int_equal(ev->swap_total_kb, 1024);
	assert_int_equal(ev->table_complete, 1);
	assert_int_equal(ev->ntasks, 2);
	assert_str(ev->task[0].comm, "systemd-journal");
	assert_int_equal(ev->task[0].swap_pages, 11);
	assert_int_equal(ev->task[0].rss_pages, 1500);
	assert_int_equal(ev->task[0].oom_score_adj, -250);
	assert_int_equal(ev->task[1].pgtables_bytes, 770048);
	assert_str(ev->task[1].comm, "eater");
	assert_int_equal(ev->chosen_pid, 321);
	assert_str(ev->task_memcg, "/user");
	assert_int_equal(ev->outcome, OOM_OUTCOME_KILLED);
	assert_int_equal(ev->nvictims, 1);
	assert_int_equal(v->pgtables_kb, 752);
	assert_int_equal(v->oom_score_adj, 5);
	assert_int_equal(v->uid, 1000);
	assert_int_equal(v->reap, OOM_REAP_REAPED);
	assert_int_equal(v->reap_file_rss_kb, 4);
	assert_int_equal(ev->damaged_lines, 0);
}

static void whole_report(void **state)
{
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(report, &ev, 1), 1);
	check_report(&ev);
	assert_int_equal(ev.victim[0].reap_us - ev.victim[0].killed_us, 2000001);
	assert_int_equal(ev.nraw, 19);
	assert_true(oom_str_ends(oom_event_line(&ev, 11), "130944 pages RAM"));
	assert_int_equal(ev.at[OOM_AT_RAM], 11);
	assert_int_equal(ev.first_line, 1);
	assert_int_equal(ev.last_line, 19);
	oom_event_release(&ev);
}

/* A mail breaks lines at blanks: the rest stands on the next line without a stamp. */
static char *wrapped(const char *text, size_t width)
{
	char *ret = malloc(strlen(text) * 2), *to = ret;

	assert_non_null(ret);
	while (*text) {
		size_t n = strcspn(text, "\n"), cut = n;

		if (n > width) {
			for (cut = width; cut > 20 && text[cut] != ' '; cut--)
				;
			if (cut == 20)
				cut = n;
		}
		memcpy(to, text, cut);
		to += cut;
		*to++ = '\n';
		text += cut;
		while (*text == ' ')
			text++;
		text += *text == '\n';
	}
	*to = '\0';
	return ret;
}

static void wrapped_text_is_the_same_report(void **state)
{
	(void)state;
	for (size_t width = 60; width < 130; width += 3) {
		char *text = wrapped(report, width);
		struct oom_event ev;

		assert_int_equal(parse_text(text, &ev, 1), 1);
		check_report(&ev);
		oom_event_release(&ev);
		free(text);
	}
}

static void cut_anywhere(void **state)
{
	size_t all = strlen(report), summary = (size_t)(strstr(report, "oom-kill:") - report);

	(void)state;
	for (size_t n = 1; n < all; n++) {
		char *text = strndup(report, n);
		struct oom_event ev;
		size_t events = parse_text(text, &ev, 1);

		assert_true(events <= 1);
		if (events) {
			assert_false(ev.table_complete && n < summary + 9);
			assert_true(ev.nvictims || ev.outcome == OOM_OUTCOME_TRUNCATED);
			oom_event_release(&ev);
		}
		free(text);
	}
}

static int parse_with_little_memory(const char *text)
{
	struct oom_parser *p = NULL;
	struct oom_event ev;
	int r = oom_parser_new(&p);

	if (r == 0)
		r = oom_parser_begin(p, OOM_STR("test.log"));
	if (r == 0)
		r = feed_text(p, text);
	if (r == 0)
		r = oom_parser_finish(p);
	while (r == 0 && oom_parser_take(p, &ev) == 1)
		oom_event_release(&ev);
	oom_parser_free(p);
	return r;
}

/* A row may lose its end, or the newline behind it: the table is not whole then, and no number is half a number. */
static void rows_cut_at_any_column(void **state)
{
	const char *row = strstr(report, "[    201]");
	size_t at = (size_t)(row - report), n = strcspn(row, "\n");
	char text[sizeof(report)];
	struct oom_event ev;

	(void)state;
	for (size_t keep = 1; keep <= n + 1; keep++) {
		memcpy(text, report, at + keep);
		/* at the end: without the newline, so that the next row follows on the same line */
		strcpy(text + at + keep - (keep > n), row + n);
		if (keep > n)
			strcpy(text + at + n, strchr(row + n, ']') + 2);
		assert_int_equal(parse_text(text, &ev, 1), 1);
		if (keep < n - strlen("systemd-journal") || keep > n)
			assert_false(ev.table_complete);
		for (size_t i = 0; i < ev.ntasks; i++)
			assert_true(ev.task[i].oom_score_adj == (ev.task[i].pid == 201 ? -250 : 5));
		oom_event_release(&ev);
	}
}

static void empty_name_invokes(void **state)
{
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text("[    1.000001]  invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=7\n"
				    "[    1.000002] CPU: 0 UID: 0 PID: 15407 Comm:  Not tainted 6.18.4-test #1 PREEMPT(none) \n",
				    &ev, 1), 1);
	assert_int_equal(ev.first_line, 1);
	assert_str(ev.trigger_comm, "");
	assert_int_equal(ev.trigger_adj, 7);
	assert_int_equal(ev.trigger_pid, 15407);
	assert_str(ev.kernel, "6.18.4-test");
	oom_event_release(&ev);
}

/* Rows that other damage has moved or spoilt must not be missed in silence. */
static void displaced_rows_are_damage(void **state)
{
	static const char *const spoilt[] = {
		"[  100.000014][[    201]     0   201     3000     1500     1000      500         0    61440       11          -250 sd",
		"[  100.000014] [201000 sd",
		"[  100.000014] [    201]     0   201     30 0     1500     1000      500         0    61440       11          -250 sd",
		"[  100.000014]         0          -250 sd",
		"14] [    201]     0   201     3000     1500     1000      500         0    61440       11          -250 sd",
		"[  100.000014] [ x 201]     0   201     3000     1500     1000      500         0    61440       11          -250 sd",
		("[  100.000014] [    201]     0   201     3000     1500     1000      500         0    61440       11          -250 "
		 "sd[  100.000014] [    202]     0   202     3000     1500     1000      500         0    61440       11          -250 x"),
	};
	const char *row = strstr(report, "[  100.000014]"), *rest = strstr(report, "[  100.000015]"),
		   *tail = strstr(report, "Out of memory") - strlen("[  100.000017] ");
	char text[sizeof(report) + 512];
	struct oom_event ev;

	(void)state;
	for (size_t i = 0; i <= OOM_ARRAY_SIZE(spoilt); i++) {
		if (i < OOM_ARRAY_SIZE(spoilt))
			snprintf(text, sizeof(text), "%.*s%s\n%s", (int)(row - report), report, spoilt[i], rest);
		else             /* behind the summary */
			snprintf(text, sizeof(text), "%.*s%.*s%.*s%s", (int)(row - report), report, (int)(tail - rest), rest,
				 (int)(rest - row), row, tail);
		assert_int_equal(parse_text(text, &ev, 1), 1);
		if (ev.table_complete)
			fail_msg("%zu: complete with %zu rows", i, ev.ntasks);
		oom_event_release(&ev);
	}
}

/* Until 4.20 only the pages of RAM tell that zones of other nodes were left out of the dump. */
static void zones_that_a_cpuset_hides(void **state)
{
	static const char head[] =
		"[  100.000001] eater invoked oom-killer: gfp_mask=0x24000c0(GFP_KERNEL), order=0, oom_score_adj=0\n"
		"[  100.000001] eater cpuset=b mems_allowed=1\n"
		"[  100.000001] CPU: 1 PID: 321 Comm: eater Not tainted 4.8.17 #1\n"
		"[  100.000001] Mem-Info:\n"
		"[  100.000001] Node 1 Normal free:10kB min:20kB low:30kB high:40kB present:400000kB managed:390000kB mlocked:0kB\n"
		"[  100.000001] Node 1 Normal: 1*4kB (U) = 4kB\n";
	char text[1024];
	struct oom_event ev;

	(void)state;
	snprintf(text, sizeof(text), "%s[  100.000001] 200000 pages RAM\n", head);
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_int_equal(ev.scope, OOM_SCOPE_CPUSET);
	oom_event_release(&ev);
	snprintf(text, sizeof(text), "%s[  100.000001] 100000 pages RAM\n", head);
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_int_equal(ev.scope, OOM_SCOPE_GLOBAL);
	oom_event_release(&ev);
}

static void failing_allocations(void **state)
{
	char *text = wrapped(report, 100);
	long n = 0;
	int r;

	(void)state;
	do {
		oom_alloc_fail_at(++n);
		r = parse_with_little_memory(text);
		assert_true(r == 0 || r == -ENOMEM);
	} while (r == -ENOMEM && n < 10000);
	oom_alloc_fail_at(0);
	assert_int_equal(r, 0);
	assert_true(n > 5);
	free(text);
}

/* ---- more than one ---------------------------------------------------------------------------------------- */

static void hosts_come_apart(void **state)
{
	static const char *const hosts[] = { "alpha", "beta" };
	char text[2 * sizeof(report) + 19 * 2 * 40], *to = text;
	struct oom_event ev[3];

	(void)state;
	for (const char *p = report; *p; ) {
		int n = (int)strcspn(p, "\n");
		bool cont = *p == ' ';

		for (size_t h = 0; h < 2; h++)
			to += cont ? sprintf(to, "Jun  1 10:00:00 %s kernel: [  100.000006]  free:300 free_pcp:1 free_cma:0\n", hosts[h])
				   : sprintf(to, "Jun  1 10:00:00 %s kernel: %.*s\n", hosts[h], n, p);
		p += n + 1;
	}
	assert_int_equal(parse_text(text, ev, 3), 2);
	for (size_t h = 0; h < 2; h++) {
		check_report(&ev[h]);
		assert_str(ev[h].host, hosts[h]);
		assert_int_equal(ev[h].first_line, 1 + (int)h);
	}
	release_events(ev, 2);
}

static void truncated_report_before_a_whole_one(void **state)
{
	char text[2 * sizeof(report)];
	struct oom_event ev[2];

	(void)state;
	sprintf(text, "%.*s%s", (int)(strstr(report, "[    321]") - report), report, report);
	assert_int_equal(parse_text(text, ev, 2), 2);
	assert_int_equal(ev[0].outcome, OOM_OUTCOME_TRUNCATED);
	assert_int_equal(ev[0].table_complete, 0);
	assert_true(oom_event_has_note(&ev[0], "no_kill_line"));
	assert_int_equal(ev[0].nvictims, 0);
	check_report(&ev[1]);
	release_events(ev, 2);
}

static void group_kill_is_one_event(void **state)
{
	static const char text[] =
		"[1.000001] oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=/g,task_memcg=/g,task=cc1,pid=7,uid=0\n"
		"[1.000002] Memory cgroup out of memory: Killed process 7 (cc1) total-vm:70kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n"
		"[1.000003] Tasks in /g are going to be killed due to memory.oom.group set\n"
		"[1.000004] Memory cgroup out of memory: Killed process 7 (cc1) total-vm:70kB, anon-rss:0kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n"
		"[1.000005] Memory cgroup out of memory: Killed process 8 (make) total-vm:80kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n"
		"[3.000005] oom_reaper: reaped process 8 (make), now anon-rss:0kB, file-rss:0kB, shmem-rss:0kB\n";
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_int_equal(ev.nvictims, 2);
	assert_int_equal(ev.victim[0].role, OOM_ROLE_CHOSEN);
	assert_int_equal(ev.victim[0].anon_rss_kb, 7);
	assert_int_equal(ev.victim[1].role, OOM_ROLE_GROUP);
	assert_int_equal(ev.victim[1].reap, OOM_REAP_REAPED);
	assert_int_equal(ev.oom_group, 1);
	assert_str(ev.oom_group_path, "/g");
	assert_int_equal(ev.scope, OOM_SCOPE_MEMCG);
	oom_event_release(&ev);
}

static void kills_without_reports(void **state)
{
	static const char text[] =
		"[1.000002] Out of memory: Killed process 7 (a) total-vm:70kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n"
		"[1.000004] Out of memory: Killed process 8 (b) total-vm:80kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n"
		"[2.000004] oom_reaper: unable to reap pid:7 (a)\n"
		"[9.000004] oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/,task=c,pid=9,uid=0\n";
	struct oom_event ev[3];

	(void)state;
	assert_int_equal(parse_text(text, ev, 3), 3);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(ev[i].nvictims, 1);
		assert_true(oom_event_has_note(&ev[i], "no_dump"));
		assert_int_equal(ev[i].scope, OOM_SCOPE_GLOBAL);
	}
	assert_int_equal(ev[0].victim[0].reap, OOM_REAP_UNABLE);
	assert_int_equal(ev[1].victim[0].reap, OOM_REAP_UNSEEN);
	assert_int_equal(ev[2].chosen_pid, 9);
	assert_int_equal(ev[2].nvictims, 0);
	release_events(ev, 3);
}

/* The second report's table still holds the victim of the first. */
static void history_of_the_boot(void **state)
{
	static const char first[] =
		"[50.000002] Out of memory: Killed process 201 (old) total-vm:70kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n";
	static const char reap[] = "[53.000002] oom_reaper: unable to reap pid:201 (old)\n";
	static const char boot[] = "[    0.000000] Linux version 6.9.1 (builder) #1 SMP\n";
	char text[sizeof(first) + sizeof(reap) + sizeof(boot) + sizeof(report)];
	struct oom_event ev[2];

	(void)state;
	sprintf(text, "%s%s%s", first, reap, report);
	assert_int_equal(parse_text(text, ev, 2), 2);
	assert_int_equal(ev[1].npriors, 1);
	assert_int_equal(ev[1].prior[0].pid, 201);
	assert_int_equal(ev[1].prior[0].reap, OOM_REAP_UNABLE);
	assert_int_equal(ev[1].prior[0].line, 2);
	assert_int_equal(ev[1].prior[0].killed_us, 50000002);
	release_events(ev, 2);

	sprintf(text, "%s%s%s", first, boot, report);     /* another boot, another process 201 */
	assert_int_equal(parse_text(text, ev, 2), 2);
	assert_int_equal(ev[1].npriors, 0);
	release_events(ev, 2);
}

static void a_banner_names_the_kernel(void **state)
{
	static const char text[] =
		"[    0.000000] Linux version 6.9.1-rt (builder@host) (gcc) #1 SMP\n"
		"[    5.000000] Memory cgroup out of memory: Killed process 7 (a) total-vm:70kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n";
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_str(ev.kernel, "6.9.1-rt");
	assert_str(ev.kernel_from, "banner");
	assert_int_equal(ev.scope, OOM_SCOPE_MEMCG);
	oom_event_release(&ev);
}

/* ---- what is no OOM --------------------------------------------------------------------------------------- */

static const char failure[] =
	"[  100.000004] net: page allocation failure: order:3, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)\n"
	"[  100.000004] CPU: 0 UID: 0 PID: 99 Comm: net Not tainted 6.12.9-test #1\n"
	"[  100.000004] Mem-Info:\n"
	"[  100.000004] active_anon:77 inactive_anon:77 isolated_anon:0\n"
	"[  100.000004] Node 0 DMA: 7*16kB (U) = 112kB\n"
	"[  100.000004] 777 pages RAM\n";

static void allocation_failures_are_no_events(void **state)
{
	char text[sizeof(report) + 2 * sizeof(failure)];
	const char *after = strstr(report, "[  102.");
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(failure, &ev, 1), 0);
	/* printed right after the kill */
	sprintf(text, "%.*s%s%s", (int)(after - report), report, failure, after);
	assert_int_equal(parse_text(text, &ev, 1), 1);
	check_report(&ev);
	oom_event_release(&ev);
	/* printed into the call trace: nobody can tell whose memory dump is whose */
	after = strstr(report, "[  100.000004]");
	sprintf(text, "%.*s%s%s", (int)(after - report), report, failure, after);
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_int_equal(ev.ram_pages, OOM_NA);
	assert_int_equal(ev.has_mem_info, 0);
	assert_true(oom_event_has_note(&ev, "interleaved"));
	assert_int_equal(ev.trigger_pid, 321);
	assert_int_equal(ev.table_complete, 1);
	oom_event_release(&ev);
}

/* With caller tags there is no doubt. */
static void callers_come_apart(void **state)
{
	static const char text[] =
		"[    1.000001][  T321] eater invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n"
		"[    1.000002][   T99] net: page allocation failure: order:3, mode:0x40cc0(GFP_KERNEL|__GFP_COMP), nodemask=(null)\n"
		"[    1.000003][   T99] Mem-Info:\n"
		"[    1.000004][   T99] 777 pages RAM\n"
		"[    1.000005][  T321] Mem-Info:\n"
		"[    1.000006][   T99] 778 pages RAM\n"
		"[    1.000007][  T321] 130944 pages RAM\n"
		"[    1.000008][  T321] Out of memory: Killed process 7 (a) total-vm:70kB, anon-rss:7kB, file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:4kB oom_score_adj:0\n";
	struct oom_event ev;

	(void)state;
	assert_int_equal(parse_text(text, &ev, 1), 1);
	assert_int_equal(ev.ram_pages, 130944);
	assert_int_equal(ev.nraw, 4);
	oom_event_release(&ev);
}

static void quiet_between_episodes(void **state)
{
	struct oom_parser *p;

	(void)state;
	assert_int_equal(oom_parser_new(&p), 0);
	assert_true(oom_parser_quiet(p));
	assert_int_equal(feed_text(p, "[    1.000000] a invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"), 0);
	assert_false(oom_parser_quiet(p));
	assert_int_equal(feed_text(p, "[    1.000000] Out of memory: Kill process 1 (a) score 1 or sacrifice child\n"
				      "[    1.000000] Killed process 1 (a) total-vm:4kB, anon-rss:4kB, file-rss:0kB\n"), 0);
	assert_true(oom_parser_quiet(p));
	/* a report that was cut is given up */
	assert_int_equal(feed_text(p, "[    1.000000] a invoked oom-killer: gfp_mask=0xd0, order=0, oom_score_adj=0\n"), 0);
	assert_int_equal(feed_text(p, "[    2.000000] usb 1-1: new device\n"), 0);
	assert_false(oom_parser_quiet(p));
	assert_int_equal(feed_text(p, "[  200.000000] usb 1-1: gone\n"), 0);
	assert_true(oom_parser_quiet(p));
	oom_parser_free(p);
}

int test_parse(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_report),
		cmocka_unit_test(wrapped_text_is_the_same_report),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(rows_cut_at_any_column),
		cmocka_unit_test(empty_name_invokes),
		cmocka_unit_test(displaced_rows_are_damage),
		cmocka_unit_test(zones_that_a_cpuset_hides),
		cmocka_unit_test(failing_allocations),
		cmocka_unit_test(hosts_come_apart),
		cmocka_unit_test(truncated_report_before_a_whole_one),
		cmocka_unit_test(group_kill_is_one_event),
		cmocka_unit_test(kills_without_reports),
		cmocka_unit_test(history_of_the_boot),
		cmocka_unit_test(a_banner_names_the_kernel),
		cmocka_unit_test(allocation_failures_are_no_events),
		cmocka_unit_test(callers_come_apart),
		cmocka_unit_test(quiet_between_episodes),
	};

	return cmocka_run_group_tests_name("parse", tests, NULL, NULL);
}
