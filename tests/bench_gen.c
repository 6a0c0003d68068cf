/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * bench_gen MIB FILLER < log: writes a syslog of about MIB mebibytes in which the OOM dump on stdin (raw dmesg lines) returns
 * again and again under new clocks and pids, with FILLER ordinary lines for each line of a dump (0 = nothing but dumps).
 */
#include <oomlens/base.h>

#include <stdlib.h>
#include <string.h>

#define LINES_MAX 4096

static struct oom_str line[LINES_MAX];
static size_t nlines;
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

static void read_dump(void)
{
	static char buf[1 << 20];
	size_t n = fread(buf, 1, sizeof(buf), stdin);
	struct oom_str all = { buf, n }, one;

	while (nlines < LINES_MAX && oom_take_until(&all, '\n', &one)) {
		struct oom_str t = one;

		oom_take_char(&all, '\n');
		if (oom_take_char(&t, '[')) {            /* the dump's own clock gives way to ours */
			ptrdiff_t end = oom_str_find(t, "] ");

			if (end > 0)
				one = oom_str_sub(t, (size_t)end + 2, t.n);
		}
		line[nlines++] = one;
	}
}

int main(int argc, char **argv)
{
	long long size = argc > 1 ? atoll(argv[1]) << 20 : 0, filler = argc > 2 ? atoll(argv[2]) : 0, n = 0;

	read_dump();
	if (!nlines || size <= 0) {
		fputs("usage: bench_gen MIB FILLER < dump\n", stderr);
		return 2;
	}
	while (written < size) {
		for (long long i = 0; i < filler * (long long)nlines && written < size; i++)
			put_filler(n++);
		for (size_t i = 0; i < nlines; i++) {
			clock_us += 11;
			put_prefix();
			fwrite(line[i].p, 1, line[i].n, stdout);
			putchar('\n');
			written += (long long)line[i].n + 1;
		}
		clock_us += 30000000;
	}
	return ferror(stdout) ? 1 : 0;
}
