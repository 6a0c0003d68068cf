/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The log reader: prefixes, whole texts, archives and directories. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <oomlens/source.h>

#include "../collector/scan.h"

/* ---- one line ------------------------------------------------------------------------------------------ */

struct prefix_case {
	const char *raw, *family, *text, *host, *stamp, *caller;
	int64_t boot_us, wall_us, seq;
	bool foreign;
};

#define NA OOM_NA
#define KILL "Out of memory: Killed process 12 (x)"

static const struct prefix_case cases[] = {
	{ "[  123.456789] " KILL, "dmesg", KILL, NULL, NULL, NULL, 123456789, NA, NA, false },
	{ "[15180285.537297] a b invoked oom-killer: order=0", "dmesg", "a b invoked oom-killer: order=0",
	  NULL, NULL, NULL, 15180285537297, NA, NA, false },
	{ "[    1.000001]  dump_stack+0x1/0x2", "dmesg", " dump_stack+0x1/0x2", NULL, NULL, NULL, 1000001, NA, NA, false },
	{ "[    1.000001][   T98] x", "dmesg", "x", NULL, NULL, "T98", 1000001, NA, NA, false },
	{ "[    1.000001] [ C1] x", "dmesg", "x", NULL, NULL, "C1", 1000001, NA, NA, false },
	{ "[    T98] x", "dmesg", "x", NULL, NULL, "T98", NA, NA, NA, false },
	{ "[    1.000001 <    0.000012>] x", "dmesg", "x", NULL, NULL, NULL, 1000001, NA, NA, false },
	{ "<6>[    1.000001] x", "dmesg", "x", NULL, NULL, NULL, 1000001, NA, NA, false },
	{ "<30>[    1.000001] systemd[1]: x", "dmesg", "systemd[1]: x", NULL, NULL, NULL, 1000001, NA, NA, true },
	{ "<4>x y", "priority", "x y", NULL, NULL, NULL, NA, NA, NA, false },
	{ "kern  :err   : [    1.500000] x", "dmesg-x", "x", NULL, NULL, NULL, 1500000, NA, NA, false },
	{ "daemon:info  : [    1.500000] x", "dmesg-x", "x", NULL, NULL, NULL, 1500000, NA, NA, true },
	{ "\x1b[32m[    1.500000] \x1b[0m\x1b[33moom\x1b[0m: x", "dmesg", "oom: x", NULL, NULL, NULL, 1500000, NA, NA, false },
	{ "[Sat Apr 27 22:56:09 2019] x", "dmesg-T", "x", NULL, "Sat Apr 27 22:56:09 2019", NULL, NA, NA, NA, false },
	{ "[So Jun  9 01:03:02 2013] x", "dmesg-T", "x", NULL, "So Jun  9 01:03:02 2013", NULL, NA, NA, NA, false },
	{ "[\xe5\x9c\x9f  4\xe6\x9c\x88 27 22:56:09 2019] x", "dmesg-T", "x", NULL,
	  "\xe5\x9c\x9f  4\xe6\x9c\x88 27 22:56:09 2019", NULL, NA, NA, NA, false },
	{ "2026-11-20T10:08:00,123456+00:00 Mem-Info:", "dmesg-iso", "Mem-Info:", NULL,
	  "2026-11-20T10:08:00,123456+00:00", NULL, NA, 1795169280123456, NA, false },
	{ "[  +0.002000] x", "dmesg-reltime", "x", NULL, "  +0.002000", NULL, NA, NA, NA, false },
	{ "[<    0.000012>] x", "dmesg-reltime", "x", NULL, "<    0.000012>", NULL, NA, NA, NA, false },
	{ "[Nov20 10:08] x", "dmesg-reltime", "x", NULL, "Nov20 10:08", NULL, NA, NA, NA, false },
	{ "4,1234,56789,-;x: \\x41\\x5c", "kmsg", "x: A\\", NULL, NULL, NULL, 56789, NA, 1234, false },
	{ "4,1234,56789,-,caller=T123;4,5,6,-;x", "kmsg", "4,5,6,-;x", NULL, NULL, "T123", 56789, NA, 1234, false },
	{ "30,1,2,-;systemd[1]: x", "kmsg", "systemd[1]: x", NULL, NULL, NULL, 2, NA, 1, true },
	{ "Nov 20 10:08:00 db7 kernel: x", "syslog", "x", "db7", "Nov 20 10:08:00", NULL, NA, NA, NA, false },
	{ "Nov  2 10:08:00 db7 kernel: [    1.500000] x", "syslog", "x", "db7", "Nov  2 10:08:00", NULL, 1500000, NA, NA, false },
	{ "Nov  2 10:08:00 db7 kernel: [ 1234]     0  1234 7", "syslog", "[ 1234]     0  1234 7", "db7", "Nov  2 10:08:00",
	  NULL, NA, NA, NA, false },
	{ "<4>Nov 20 10:08:00 db7 kernel: x", "syslog", "x", "db7", "Nov 20 10:08:00", NULL, NA, NA, NA, false },
	{ "Nov 20 10:08:00.123456 db7 kernel: x", "syslog", "x", "db7", "Nov 20 10:08:00.123456", NULL, NA, NA, NA, false },
	{ "Jan  5 15:19:27 kernel: [ 5864.708440] x", "syslog", "x", NULL, "Jan  5 15:19:27", NULL, 5864708440, NA, NA, false },
	{ "Feb 18 17:34:47  kernel: x", "syslog", "x", NULL, "Feb 18 17:34:47", NULL, NA, NA, NA, false },
	{ "Jan  5 15:19:27 CRON[14500]: (root) CMD", "syslog", "(root) CMD", NULL, "Jan  5 15:19:27", NULL, NA, NA, NA, true },
	{ "Jan  5 15:19:27 db7 systemd: Starting", "syslog", "Starting", "db7", "Jan  5 15:19:27", NULL, NA, NA, NA, true },
	{ "Jan  5 15:19:27 db7 [    1.500000] x", "syslog", "x", "db7", "Jan  5 15:19:27", NULL, 1500000, NA, NA, false },
	{ "Jan  5 15:19:27 db7 kernel: in:imjournal invoked oom-killer: o", "syslog", "in:imjournal invoked oom-killer: o",
	  "db7", "Jan  5 15:19:27", NULL, NA, NA, NA, false },
	{ "Nov 20 10:08:01 relay Nov 20 10:08:00 db7 kernel: [    1.500000] x", "syslog", "x", "db7", "Nov 20 10:08:00",
	  NULL, 1500000, NA, NA, false },
	{ "Nov 20 10:08:01 db7 kernel: task#011of#033[0m#101-Ubuntu", "syslog", "task\tof\x1b[0m#101-Ubuntu", "db7",
	  "Nov 20 10:08:01", NULL, NA, NA, NA, false },
	{ "2026-11-20T10:08:00.123456+01:00 db7 kernel: x", "iso", "x", "db7", "2026-11-20T10:08:00.123456+01:00", NULL,
	  NA, 1795165680123456, NA, false },
	{ "2026-11-20T10:08:00+0000 db7 kernel: x", "iso", "x", "db7", "2026-11-20T10:08:00+0000", NULL,
	  NA, 1795169280000000, NA, false },
	{ "2026-11-20T10:08:00Z Out of memory: Killed", "iso", "Out of memory: Killed", NULL, "2026-11-20T10:08:00Z", NULL,
	  NA, 1795169280000000, NA, false },
	{ "2026-11-20 10:08:00 db7 kernel: x", "iso", "x", "db7", "2026-11-20 10:08:00", NULL, NA, NA, NA, false },
	{ "<6>1 2026-11-20T10:08:00Z db7 kernel - - - [    1.500000] x", "syslog-5424", "x", "db7", "2026-11-20T10:08:00Z",
	  NULL, 1500000, 1795169280000000, NA, false },
	{ "<30>1 2026-11-20T10:08:00Z db7 sshd 12 - [a b=\"]\\\"\"][c] x", "syslog-5424", "x", "db7", "2026-11-20T10:08:00Z",
	  NULL, NA, 1795169280000000, NA, true },
	{ "Fri 2026-11-20 10:08:00 UTC db7 kernel: x", "journal-full", "x", "db7", "Fri 2026-11-20 10:08:00 UTC", NULL,
	  NA, 1795169280000000, NA, false },
	{ "Fri 2026-11-20 10:08:00 CET db7 kernel: x", "journal-full", "x", "db7", "Fri 2026-11-20 10:08:00 CET", NULL,
	  NA, NA, NA, false },
	{ "[    1.500000] db7 kernel: x", "dmesg", "x", "db7", NULL, NULL, 1500000, NA, NA, false },
	{ "[    1.500000] db7 sshd[7]: x", "dmesg", "x", "db7", NULL, NULL, 1500000, NA, NA, true },
	{ "[    1.500000] systemd[1]: x", "dmesg", "systemd[1]: x", NULL, NULL, NULL, 1500000, NA, NA, false },
	{ "1795169280.123456 db7 kernel: x", "journal-unix", "x", "db7", "1795169280.123456", NULL,
	  NA, 1795169280123456, NA, false },
	{ "2026-11-20T10:08:00.1Z stdout F [    1.500000] x", "container", "x", NULL, "2026-11-20T10:08:00.1Z", NULL,
	  1500000, 1795169280100000, NA, false },
	{ "2026-11-20T10:08:00.1Z stderr F Nov 20 10:07:59 db7 kernel: x", "container", "x", "db7", "Nov 20 10:07:59", NULL,
	  NA, NA, NA, false },
	{ "{\"MESSAGE\":[120,10,255],\"_HOSTNAME\":\"db7\",\"_TRANSPORT\":\"kernel\",\"__REALTIME_TIMESTAMP\":\"17\","
	  "\"_SOURCE_MONOTONIC_TIMESTAMP\":\"5\"}", "json", "x\n\xff", "db7", NULL, NULL, 5, 17, NA, false },
	{ "{\"MESSAGE\":\"x\",\"SYSLOG_IDENTIFIER\":\"sshd\",\"__MONOTONIC_TIMESTAMP\":\"5\"}", "json", "x", NULL, NULL, NULL,
	  NA, NA, NA, true },
	{ "{\"log\":\"[    1.500000] x\\n\",\"stream\":\"stdout\",\"time\":\"2026-11-20T10:08:00.1Z\"}", "json", "x", NULL,
	  "2026-11-20T10:08:00.1Z", NULL, 1500000, 1795169280100000, NA, false },
	{ "kernel: x", "tag", "x", NULL, NULL, NULL, NA, NA, NA, false },
	{ "login: [   34.739137] x", "serial", "x", NULL, NULL, NULL, 34739137, NA, NA, false },
	{ "> +[   34.739137] x", "dmesg", "x", NULL, NULL, NULL, 34739137, NA, NA, false },
	{ ">> \xc2\xa0[   34.739137]\xc2\xa0x", "dmesg", "x", NULL, NULL, NULL, 34739137, NA, NA, false },
	{ "\t  [   34.739137] x", "dmesg", "x", NULL, NULL, NULL, 34739137, NA, NA, false },
	/* no prefixes, though they look like it */
	{ "[ 1234]     0  1234     5", NULL, "[ 1234]     0  1234     5", NULL, NULL, NULL, NA, NA, NA, false },
	{ "[12345]     0 12345     5", NULL, "[12345]     0 12345     5", NULL, NULL, NULL, NA, NA, NA, false },
	{ "runc:[2:INIT] invoked oom-killer: o", NULL, "runc:[2:INIT] invoked oom-killer: o", NULL, NULL, NULL, NA, NA, NA, false },
	{ "Node 0 DMA32: 12*64kB (UM)", NULL, "Node 0 DMA32: 12*64kB (UM)", NULL, NULL, NULL, NA, NA, NA, false },
	{ "12 total pagecache pages", NULL, "12 total pagecache pages", NULL, NULL, NULL, NA, NA, NA, false },
};

static void same(const char *raw, const char *what, struct oom_str got, const char *want)
{
	if (!oom_str_eq(got, oom_str_from(want)))
		fail_msg("%s of '%s': '%.*s', not '%s'", what, raw, (int)got.n, got.p ? got.p : "", want ? want : "(none)");
}

static void each_family_gives_up_its_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(cases); i++) {
		const struct prefix_case *c = &cases[i];
		struct oom_prefix_state st = { .last = 0 };
		struct oom_buf scratch = { .p = NULL };
		const char *family = NULL;
		struct oom_line line;

		oom_prefix_parse(&st, oom_str_from(c->raw), &scratch, &line);
		for (unsigned k = 0; oom_prefix_name(k); k++)
			if (st.hits[k])
				family = oom_prefix_name(k);
		same(c->raw, "family", oom_str_from(family), c->family);
		same(c->raw, "text", line.text, c->text);
		same(c->raw, "host", line.host, c->host);
		same(c->raw, "stamp", line.stamp, c->stamp);
		same(c->raw, "caller", line.caller, c->caller);
		same(c->raw, "raw", line.raw, c->raw);
		if (line.boot_us != c->boot_us || line.wall_us != c->wall_us || line.seq != c->seq)
			fail_msg("'%s': boot %ld wall %ld seq %ld", c->raw, (long)line.boot_us, (long)line.wall_us,
				 (long)line.seq);
		if (line.foreign != c->foreign || line.bare != !c->family)
			fail_msg("'%s': foreign %d bare %d", c->raw, line.foreign, line.bare);
		oom_buf_release(&scratch);
	}
}

static void both_searches_agree(void **state)
{
	char block[4096];
	unsigned seed = 1;

	(void)state;
	for (size_t a = 0; oom_anchors[a]; a++) {
		size_t n = strlen(oom_anchors[a]);

		/* at every place of a block, and cut off at its end */
		for (size_t at = 0; at < 100; at++) {
			memset(block, 'o', sizeof(block));
			memcpy(block + at, oom_anchors[a], n);
			for (size_t size = at; size < at + n + 40; size++) {
				size_t hit = oom_scan_anchor(block, size);

				assert_int_equal(hit, oom_scan_anchor_portable(block, size));
				assert_true(size < at + n || (hit >= at && hit < at + n));
			}
		}
	}
	for (int round = 0; round < 2000; round++) {
		static const char letters[] = "oOmM-_ .Kilfprugsate:\n";
		size_t lines = 0;

		for (size_t i = 0; i < sizeof(block); i++) {
			seed = seed * 1103515245 + 12345;
			block[i] = letters[(seed >> 16) % (sizeof(letters) - 1)];
			lines += block[i] == '\n';
		}
		assert_int_equal(oom_scan_anchor(block, sizeof(block)), oom_scan_anchor_portable(block, sizeof(block)));
		assert_int_equal(oom_scan_newlines(block, sizeof(block)), lines);
	}
}

int test_source(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_family_gives_up_its_text),
		cmocka_unit_test(both_searches_agree),
	};

	return cmocka_run_group_tests_name("source", tests, NULL, NULL);
}
