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
	{ "{\"time\":\"2026-11-20T10:08:00.1Z\",\"log\":\"{\\\"MESSAGE\\\":\\\"[    1.500000] something longer\\\"}\"}", "json",
	  "[    1.500000] something longer", NULL, NULL, NULL, NA, NA, NA, false },
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

/* ---- whole texts ------------------------------------------------------------------------------------------ */

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/oomlens-source-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **state)
{
	char cmd[128];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

/* A path below the directory; four may be in use at a time. */
static const char *at(const char *name)
{
	static char path[4][256];
	static int i;

	i = (i + 1) % 4;
	snprintf(path[i], sizeof(path[i]), "%s/%s", dir, name);
	return path[i];
}

static const char *put(const char *name, const void *p, size_t n)
{
	const char *path = at(name);
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(p, 1, n, f), n);
	fclose(f);
	return path;
}

static const char *puts_at(const char *name, const char *text)
{
	return put(name, text, strlen(text));
}

/* What came out of a walk, one line each: "path" of a text, "LINENO:text" of its lines, "error CODE text". */
static char *read_all(const char *const *specs, size_t n, bool quiet)
{
	struct oom_buf out = { .p = NULL };
	struct oom_input *in;
	struct oom_line line;
	int r;

	assert_int_equal(oom_input_open(specs, n, &in, NULL), 0);
	for (;;) {
		struct oom_err err = { 0 };
		struct oom_source_info info;

		r = oom_input_next_text(in, &err);
		if (!r)
			break;
		if (r > 0) {
			oom_input_info(in, &info);
			assert_int_equal(strncmp(info.path.p, dir, strlen(dir)), 0);
			oom_buf_fmt(&out, "%s\n", info.path.p + strlen(dir) + 1);
			while ((r = oom_input_next_line(in, quiet, &line, &err)) > 0)
				oom_buf_fmt(&out, "%ld:%.*s\n", (long)line.lineno, (int)line.text.n, line.text.p);
		}
		if (r < 0) {
			char *name = strstr(err.text, dir);

			assert_int_equal(r, -err.code);
			/* every message names its file */
			assert_non_null(name);
			oom_buf_fmt(&out, "error %d %s\n", err.code, name + strlen(dir) + 1);
		}
	}
	oom_input_close(in);
	oom_buf_add(&out, "", 1);
	return out.p;
}

static void expect(const char *spec, bool quiet, const char *want)
{
	char *got = read_all(&spec, 1, quiet);

	assert_string_equal(got, want);
	oom_free(got);
}

static void lines_as_they_stand(void **state)
{
	(void)state;
	expect(puts_at("a", "[    1.000001] a\r\n\n[    2.000001] b"), false, "a\n1:a\n2:\n3:b\n");
	expect(puts_at("empty", ""), false, "empty\n");
	expect(puts_at("bom", "\xef\xbb\xbf[    1.000001] a\n"), false, "bom\n1:a\n");
	expect(put("utf16le", "\xff\xfe[\0 \0\x31\0.\0\x30\0\x30\0\x31\0]\0 \0\x3d\xd8\x00\xde\n\0", 26), false,
	       "utf16le\n1:\xf0\x9f\x98\x80\n");
	expect(put("utf16be", "\xfe\xff\0a\0\n\0b", 8), false, "utf16be\n1:a\n2:b\n");
	/* the kernel's task name held a line feed; rsyslog wrote #012 */
	expect(puts_at("lf", "Nov 20 10:08:00 h kernel: a#012b#012\nNov 20 10:08:00 h kernel: c\n"), false,
	       "lf\n1:a\n1:b\n1:\n2:c\n");
	expect(puts_at("kmsg", "6,1,5,-;a\n SUBSYSTEM=pci\n6,2,5,-;b\\x0ac\n"), false, "kmsg\n1:a\n2:\n3:b\n3:c\n");
	expect(at("missing"), false, "error 2 missing': No such file or directory\n");
}

static void lost_records_are_counted(void **state)
{
	const char *spec = puts_at("seq", "6,10,5,-;a\n6,11,6,-;b\n6,15,7,-;c\n");
	struct oom_source_info info;
	struct oom_input *in;
	struct oom_line line;
	int64_t lost[3];

	(void)state;
	assert_int_equal(oom_input_open(&spec, 1, &in, NULL), 0);
	assert_int_equal(oom_input_next_text(in, NULL), 1);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(oom_input_next_line(in, false, &line, NULL), 1);
		lost[i] = line.lost;
	}
	assert_int_equal(lost[0] + lost[1], 0);
	assert_int_equal(lost[2], 3);
	oom_input_info(in, &info);
	assert_int_equal(info.lost, 3);
	assert_string_equal(info.format, "kmsg");
	oom_input_close(in);
}

static void a_giant_line_is_cut(void **state)
{
	struct oom_buf b = { .p = NULL };
	static char x[100000];
	struct oom_source_info info;
	struct oom_input *in;
	struct oom_line line;
	const char *spec;

	(void)state;
	memset(x, 'x', sizeof(x));
	for (int i = 0; i < 300; i++)
		oom_buf_add(&b, "\n", 1);       /* past the head that is never passed over */
	for (int i = 0; i < 50; i++)
		oom_buf_add(&b, x, sizeof(x));
	oom_buf_fmt(&b, "OOM\nOut of memory\n");
	spec = put("giant", b.p, b.n);
	for (int quiet = 0; quiet < 2; quiet++) {
		bool cut = false;

		assert_int_equal(oom_input_open(&spec, 1, &in, NULL), 0);
		assert_int_equal(oom_input_next_text(in, NULL), 1);
		while (oom_input_next_line(in, quiet, &line, NULL) > 0) {
			assert_true(line.raw.n <= OOM_LINE_MAX);
			cut |= line.cut;
			if (line.text.n == 13)
				assert_int_equal(line.lineno, 302);
		}
		assert_int_equal(cut, !quiet);
		oom_input_info(in, &info);
		assert_int_equal(info.lines, 302);
		assert_int_equal(info.damaged_lines, 1);
		assert_int_equal(info.bytes, b.n);
		oom_input_close(in);
	}
	oom_buf_release(&b);
}

/* Quiet reading may pass over lines, but over none that holds an anchor, and it counts them all. */
static void quiet_reading_finds_the_same(void **state)
{
	struct oom_buf b = { .p = NULL };
	struct oom_input *in[2];
	struct oom_source_info info[2];
	struct oom_line loud, quiet;
	unsigned seed = 7, left = 0, skipped = 0;
	const char *spec;

	(void)state;
	for (int i = 0; i < 40000; i++) {
		seed = seed * 1103515245 + 12345;
		oom_buf_fmt(&b, "Nov 20 10:08:00 h %s: %.*s%s%s\n", seed >> 20 & 1 ? "kernel" : "sshd[1]", (int)(seed >> 16 & 63),
			    "in the room stands a bloom of flowers, and nobody is told why they do",
			    (seed >> 16) % 1000 < 3 ? oom_anchors[(seed >> 4) % 20] : "", seed >> 24 & 1 ? "" : " tail");
	}
	spec = put("quiet", b.p, b.n - 1);
	oom_buf_release(&b);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(oom_input_open(&spec, 1, &in[i], NULL), 0);
		assert_int_equal(oom_input_next_text(in[i], NULL), 1);
	}
	while (oom_input_next_line(in[1], true, &quiet, NULL) > 0) {
		for (;;) {
			assert_int_equal(oom_input_next_line(in[0], false, &loud, NULL), 1);
			if (loud.lineno == quiet.lineno)
				break;
			assert_int_equal(oom_scan_anchor(loud.raw.p, loud.raw.n), loud.raw.n);
			skipped++;
		}
		assert_true(oom_str_eq(loud.text, quiet.text) && oom_str_eq(loud.host, quiet.host));
	}
	while (oom_input_next_line(in[0], false, &loud, NULL) > 0)
		left += oom_scan_anchor(loud.raw.p, loud.raw.n) != loud.raw.n;
	assert_int_equal(left, 0);
	assert_true(skipped > 30000);
	for (int i = 0; i < 2; i++) {
		oom_input_info(in[i], &info[i]);
		oom_input_close(in[i]);
	}
	assert_int_equal(info[0].lines, 40000);
	assert_int_equal(info[1].lines, 40000);
	assert_int_equal(info[0].bytes, info[1].bytes);
}

static void export_records_come_whole(void **state)
{
	struct oom_buf b = { .p = NULL };
	struct oom_input *in;
	struct oom_line line;
	const char *spec;
	int n = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		oom_buf_fmt(&b, "__CURSOR=s=%d\n__REALTIME_TIMESTAMP=%d\n_HOSTNAME=db7\n_BOOT_ID=b0\n_TRANSPORT=kernel\n", i, i);
		if (i == 15000) {
			/* a name with a line feed makes the field a binary one: length 19, then the value */
			oom_buf_add(&b, "MESSAGE\n\x13\0\0\0\0\0\0\0Killed process\n\n12\n", 8 + 8 + 20);
			oom_buf_fmt(&b, "_SOURCE_MONOTONIC_TIMESTAMP=77\n\n");
		} else {
			oom_buf_fmt(&b, "MESSAGE=usb 1-%d: new device in the room\n\n", i);
		}
	}
	spec = put("export", b.p, b.n);
	oom_buf_release(&b);
	assert_int_equal(oom_input_open(&spec, 1, &in, NULL), 0);
	assert_int_equal(oom_input_next_text(in, NULL), 1);
	while (oom_input_next_line(in, true, &line, NULL) > 0) {
		if (!oom_str_is(line.text, "Killed process"))
			continue;
		n++;
		assert_int_equal(line.boot_us, 77);
		assert_int_equal(line.wall_us, 15000);
		assert_true(oom_str_is(line.host, "db7") && oom_str_is(line.boot_id, "b0") && !line.foreign);
		assert_int_equal(line.lineno, 15000 * 7 + 6);
	}
	assert_int_equal(n, 1);
	oom_input_close(in);
}

/* ---- archives and directories ------------------------------------------------------------------------------- */

static void add_tar(struct oom_buf *b, const char *name, const void *p, size_t n)
{
	static const char zero[512];
	char head[512] = "";
	unsigned sum = 0;

	snprintf(head, 100, "%s", name);
	snprintf(head + 100, 8, "0000644");
	snprintf(head + 124, 12, "%011zo", n);
	snprintf(head + 136, 12, "%011o", 0);
	memset(head + 148, ' ', 8);
	head[156] = '0';
	memcpy(head + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof(head); i++)
		sum += (unsigned char)head[i];
	snprintf(head + 148, 8, "%06o", sum);
	oom_buf_add(b, head, sizeof(head));
	oom_buf_add(b, p, n);
	oom_buf_add(b, zero, (512 - n % 512) % 512);
}

/* gzip with its deflate blocks stored, not packed */
static void add_gzip(struct oom_buf *b, const char *text)
{
	size_t n = strlen(text);
	uint32_t crc = ~0u;
	unsigned char tail[8];

	oom_buf_add(b, "\x1f\x8b\x08\0\0\0\0\0\0\xff\x01", 11);
	for (int i = 0; i < 4; i++)
		tail[i] = (unsigned char)((i < 2 ? n : ~n) >> 8 * (i % 2));
	oom_buf_add(b, tail, 4);
	oom_buf_add(b, text, n);
	for (size_t i = 0; i < n; i++) {
		crc ^= (unsigned char)text[i];
		for (int k = 0; k < 8; k++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
	}
	for (int i = 0; i < 8; i++)
		tail[i] = (unsigned char)((i < 4 ? ~crc : n) >> 8 * (i % 4));
	oom_buf_add(b, tail, 8);
}

static void archives_give_their_kernel_logs(void **state)
{
	static const char zero[1024];
	struct oom_buf tar = { .p = NULL }, gz = { .p = NULL }, torn = { .p = NULL };
	const char *specs[2];
	char *got;

	(void)state;
	add_gzip(&gz, "[    1.000001] old\n");
	expect(put("dmesg.gz", gz.p, gz.n), false, "dmesg.gz\n1:old\n");
	add_tar(&tar, "sos/var/log/messages.1.gz", gz.p, gz.n);
	add_tar(&tar, "sos/etc/passwd", "root\n", 5);
	add_tar(&tar, "sos/var/log/app.log", "started\n", 8);
	add_tar(&tar, "sos/var/log/serial.log", "[    1.000001] console\n", 23);
	add_tar(&tar, "sos/var/log/user-1000.journal", "LPKSHHRH", 8);
	add_tar(&tar, "sos/sos_commands/kernel/dmesg", "[    2.000001] new\n", 19);
	oom_buf_add(&tar, zero, sizeof(zero));
	expect(put("sos.tar", tar.p, tar.n), false,
	       "sos.tar!sos/var/log/messages.1.gz\n1:old\n"
	       "sos.tar!sos/var/log/serial.log\n1:console\n"
	       "sos.tar!sos/sos_commands/kernel/dmesg\n1:new\n");

	/* cut off: what was good comes first, then one error, then the next file */
	add_gzip(&torn, "[    1.000001] good\n[    2.000001] half of it");
	specs[0] = put("torn.gz", torn.p, torn.n - 15);
	specs[1] = puts_at("next", "[    3.000001] next\n");
	got = read_all(specs, 2, false);
	assert_string_equal(got, "torn.gz\n1:good\n2:hal\nerror 74 torn.gz': truncated gzip data\nnext\n1:next\n");
	oom_free(got);
	specs[0] = put("torn.tar", tar.p, tar.n - sizeof(zero) - 700);
	got = read_all(specs, 2, false);
	assert_non_null(strstr(got, "serial.log\n1:console\n"));
	assert_non_null(strstr(got, "error 74 torn.tar'"));
	assert_null(strstr(strstr(got, "error") + 1, "error"));
	oom_free(got);

	tar.n = 0;
	add_tar(&tar, "etc/passwd", "root\n", 5);
	oom_buf_add(&tar, zero, sizeof(zero));
	expect(put("etc.tar", tar.p, tar.n), false, "error 2 etc.tar'\n");
	oom_buf_release(&tar);
	oom_buf_release(&torn);
	oom_buf_release(&gz);
}

static void directories_give_theirs_oldest_first(void **state)
{
	struct oom_buf gz = { .p = NULL };
	const char *specs[2];
	char *got;

	(void)state;
	add_gzip(&gz, "[    1.000001] two\n");
	mkdir(at("d"), 0700);
	mkdir(at("d/sub"), 0700);
	put("d/kern.log.2.gz", gz.p, gz.n);
	puts_at("d/kern.log.10", "[    1.000001] ten\n");
	puts_at("d/kern.log", "[    1.000001] now\n");
	puts_at("d/kern.log.1", "[    1.000001] one\n");
	puts_at("d/sub/messages", "[    1.000001] now\n");
	puts_at("d/sub/messages-20260102", "[    1.000001] later\n");
	puts_at("d/sub/messages-20251231", "[    1.000001] earlier\n");
	puts_at("d/app.log", "hello\n");
	puts_at("d/notes", "[    1.000001] no log by its name\n");
	assert_int_equal(symlink("kern.log", at("d/dmesg")), 0);
	expect(at("d"), false,
	       "d/kern.log.10\n1:ten\nd/kern.log.2.gz\n1:two\nd/kern.log.1\n1:one\nd/kern.log\n1:now\n"
	       "d/sub/messages-20251231\n1:earlier\nd/sub/messages-20260102\n1:later\nd/sub/messages\n1:now\n");
	oom_buf_release(&gz);

	mkdir(at("p"), 0700);
	puts_at("p/dmesg-efi-176363328000001", "Panic#1 Part1\n<4>[    3.000001] last\n");
	puts_at("p/dmesg-efi-176363328000002", "Panic#1 Part2\n<4>[    2.000001] first\n");
	puts_at("p/dmesg-efi-176363329000001", "Oops#1 Part1\n<4>[    1.000001] next boot\n");
	expect(at("p"), false, "p/dmesg-efi-176363328000002+1\n1:\n2:first\n3:\n4:last\n"
	       "p/dmesg-efi-176363329000001\n1:\n2:next boot\n");
	specs[0] = at("p/dmesg-efi-176363328000001");
	specs[1] = at("p/dmesg-efi-176363328000002");
	got = read_all(specs, 2, false);
	assert_string_equal(got, "p/dmesg-efi-176363328000002+1\n1:\n2:first\n3:\n4:last\n");
	oom_free(got);

	mkdir(at("none"), 0700);
	puts_at("none/app.log", "hello\n");
	expect(at("none"), false, "error 2 none'\n");
}

static void failing_allocations_are_survived(void **state)
{
	static const char json[] = "{\"MESSAGE\":\"Out of memory\",\"_HOSTNAME\":\"h\"}\n";
	struct oom_buf gz = { .p = NULL };
	const char *specs[4];
	long n;

	(void)state;
	mkdir(at("m"), 0700);
	add_gzip(&gz, json);
	put("m/kern.log.1.gz", gz.p, gz.n);
	oom_buf_release(&gz);
	puts_at("m/kern.log", "Nov 20 10:08:00 h kernel: a#012b\n");
	specs[0] = at("m");
	specs[1] = put("m16", "\xff\xfe" "a\0", 4);
	for (n = 1; n < 200; n++) {
		struct oom_input *in;
		struct oom_line line;
		int r, errors = 0;

		oom_alloc_fail_at(n);
		if (oom_input_open(specs, 2, &in, NULL) < 0)
			continue;
		while ((r = oom_input_next_text(in, NULL)) != 0) {
			errors += r < 0;
			while (r > 0)
				r = oom_input_next_line(in, false, &line, NULL);
			errors += r < 0;
			assert_true(errors < 10);
		}
		oom_input_close(in);
	}
	oom_alloc_fail_at(0);
}

int test_source(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_family_gives_up_its_text),
		cmocka_unit_test(both_searches_agree),
		cmocka_unit_test(lines_as_they_stand),
		cmocka_unit_test(lost_records_are_counted),
		cmocka_unit_test(a_giant_line_is_cut),
		cmocka_unit_test(quiet_reading_finds_the_same),
		cmocka_unit_test(export_records_come_whole),
		cmocka_unit_test(archives_give_their_kernel_logs),
		cmocka_unit_test(directories_give_theirs_oldest_first),
		cmocka_unit_test(failing_allocations_are_survived),
	};

	return cmocka_run_group_tests_name("source", tests, make_dir, remove_dir);
}
