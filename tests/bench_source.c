/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Speeds of the log reader's inner loops, in memory: searching a block, and taking a prefix off a line. */
#include <oomlens/source.h>

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "../collector/scan.h"

/* of this process, so that neighbours do not count */
static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

/* The reference: the C library's search for a byte that does not come. */
static size_t with_memchr(const char *p, size_t n)
{
	return memchr(p, '\1', n) ? 0 : n;
}

static double search(const char *what, size_t (*scan)(const char *p, size_t n), double reference)
{
	enum { BLOCK = 256 << 10, ROUNDS = 2000 };
	static char block[BLOCK];
	static const char text[] = "Nov 20 10:08:00 web1 sshd[4711]: Accepted publickey for deploy\n";
	size_t found = 0;
	double t;

	for (size_t i = 0; i < BLOCK; i++)
		block[i] = text[i % (sizeof(text) - 1)];
	t = now();
	for (int i = 0; i < ROUNDS; i++)
		found += scan(block, BLOCK);
	t = now() - t;
	printf("%-34s %7.2f GB/s  ratio to memchr %.2f%s\n", what, (double)BLOCK * ROUNDS / t * 1e-9,
	       reference ? t / reference : 1, found ? "" : " (nothing read)");
	return t;
}

static double prefixes(const char *line, double reference)
{
	enum { ROUNDS = 2000000 };
	struct oom_prefix_state st = { .last = 0 };
	struct oom_buf scratch = { .p = NULL };
	struct oom_line got;
	unsigned family = 0;
	double t = now();

	for (int i = 0; i < ROUNDS; i++)
		oom_prefix_parse(&st, oom_str_from(line), &scratch, &got);
	t = now() - t;
	while (oom_prefix_name(family) && !st.hits[family])
		family++;
	printf("prefix %-27s %7.1f ns/line  ratio to the first %.2f\n",
	       oom_prefix_name(family) ? oom_prefix_name(family) : "bare", t / ROUNDS * 1e9, reference ? t / reference : 1);
	oom_buf_release(&scratch);
	return t;
}

int main(void)
{
	static const char *const lines[] = {
		"[15180285.537297] [ 1234]  1000  1234  57093  28584  471040  0  0 node",
		"Nov 20 10:08:00 web1 kernel: [15180285.537297] [ 1234]  1000  1234  57093  28584  471040  0 node",
		"2026-11-20T10:08:00.123456+00:00 web1 kernel: [ 1234]  1000  1234  57093  28584  471040  0  0 node",
		"[Sat Apr 27 22:56:09 2019] [ 1234]  1000  1234  57093  28584  471040  0  0 node",
		"6,1234,15180285537297,-,caller=T98;[ 1234]  1000  1234  57093  28584  471040  0  0 node",
		"[ 1234]  1000  1234  57093  28584  471040  0  0 node",
	};
	double reference;

	reference = search("memchr", with_memchr, 0);
	(void)search("anchors", oom_scan_anchor, reference);
	(void)search("anchors, without vectors", oom_scan_anchor_portable, reference);
	(void)search("newlines", oom_scan_newlines, reference);
	reference = prefixes(lines[0], 0);
	for (size_t i = 1; i < OOM_ARRAY_SIZE(lines); i++)
		(void)prefixes(lines[i], reference);
	return 0;
}
