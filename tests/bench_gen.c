/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_gen MIB FILLER [TASKS] < log: writes a syslog of about MIB mebibytes in which the OOM dump on stdin (raw
 * dmesg lines) returns again and again under new clocks, with FILLER ordinary lines for each line of a dump (0 =
 * nothing but dumps).  With TASKS, its task table has as many rows: those of the dump again, with other numbers.
 */
#include <oomlens/base.h>

#include <stdlib.h>
#include <string.h>

#define LINES_MAX 4096

static struct oom_str line[LINES_MAX];
static size_t nlines;
static size_t row, nrows;                 /* first row of the task table among the lines; their number */
static long long clock_us = 1000000000, written;

static void put_prefix(void)
{
	long long s = clock_us / 1000000;

	written += printf("Nov %2lld %02lld:%02lld:%02lld node7 kernel: [%5lld.%06lld] ", s / 86400 % 28 + 1, s / 3600 % 24, s / 60 % 60,
			  s % 60, s, clock_us % 1000000);
}

static void put_filler(long long n)
{
	clock_us += 1000 + n % 7919;
	put_prefix();
	if (n % 3 == 0)
		written += printf("audit: type=1400 apparmor=\"ALLOWED\" operation=\"open\" profile=\"/usr/sbin/unit\" pid=%lld\n", n);
	else if (n % 3 == 1)
		written += printf("nfs: server files1 not responding, still trying, request %lld of the machine room\n", n);
	else
		written += printf("EXT4-fs (dm-3): mounted filesystem with ordered data mode. Opts: discard, sequence %lld\n", n);
}

/* "[  204]     0   204 ...": only a task table has those. */
static bool take_row(struct oom_str *s, int64_t *uid)
{
	int64_t pid;

	if (!oom_take_char(s, '['))
		return false;
	(void)oom_take_blanks(s);
	if (!oom_take_i64(s, &pid) || !oom_take_lit(s, "] "))
		return false;
	(void)oom_take_blanks(s);
	if (!oom_take_i64(s, uid))
		return false;
	(void)oom_take_blanks(s);
	return oom_take_i64(s, &pid);
}

static void put_line(struct oom_str text)
{
	clock_us += 11;
	put_prefix();
	fwrite(text.p, 1, text.n, stdout);
	putchar('\n');
	written += (long long)text.n + 1;
}

/* The numbers with other digits from the third on: no two processes are of one size, and a compressor would know.
 * An oom_score_adj of 1000 stays one. */
static void put_numbers(struct oom_str s)
{
	static uint32_t dice = 1;
	size_t digits = 0;

	for (size_t i = 0; i < s.n; i++) {
		bool digit = s.p[i] >= '0' && s.p[i] <= '9';

		digits = digit ? digits + 1 : 0;
		dice = dice * 1664525 + 1013904223;
		putchar(digits > 2 && s.p[i - digits + 1] != '1' ? '0' + (int)(dice >> 24) % 10 : s.p[i]);
	}
	written += (long long)s.n;
}

/* Row i of a table that has more of them than the dump's. */
static void put_row(long long i)
{
	struct oom_str rest = line[row + (size_t)i % nrows];
	int64_t uid;

	clock_us += 11;
	(void)take_row(&rest, &uid);
	put_prefix();
	written += printf("[%7lld] %5lld %5lld", 20000 + i, (long long)uid, 20000 + i) + 1;
	put_numbers(rest);
	putchar('\n');
}

static void put_dump(long long tasks)
{
	for (size_t i = 0; i < nlines; i++) {
		put_line(line[i]);
		for (long long k = (long long)nrows; nrows && i + 1 == row + nrows && k < tasks; k++)
			put_row(k);
	}
	clock_us += 30000000;
}

static void read_dump(void)
{
	static char buf[1 << 20];
	size_t n = fread(buf, 1, sizeof(buf), stdin);
	struct oom_str all = { buf, n }, one;

	while (nlines < LINES_MAX && oom_take_until(&all, '\n', &one)) {
		struct oom_str t = one;
		int64_t uid;

		oom_take_char(&all, '\n');
		if (oom_take_char(&t, '[')) {            /* the dump's own clock gives way to ours */
			ptrdiff_t end = oom_str_find(t, "] ");

			if (end > 0)
				one = oom_str_sub(t, (size_t)end + 2, t.n);
		}
		t = one;
		if (take_row(&t, &uid) && (!nrows || row + nrows == nlines)) {
			row = nrows ? row : nlines;
			nrows++;
		}
		line[nlines++] = one;
	}
}

int main(int argc, char **argv)
{
	long long size = argc > 1 ? atoll(argv[1]) << 20 : 0, filler = argc > 2 ? atoll(argv[2]) : 0;
	long long tasks = argc > 3 ? atoll(argv[3]) : 0, n = 0;

	read_dump();
	if (!nlines || size <= 0) {
		fputs("usage: bench_gen MIB FILLER [TASKS] < dump\n", stderr);
		return 2;
	}
	while (written < size) {
		for (long long i = 0; i < filler * (long long)nlines && written < size; i++)
			put_filler(n++);
		put_dump(tasks);
	}
	return ferror(stdout) ? 1 : 0;
}
