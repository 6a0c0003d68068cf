/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One pass of the sampler over many idle processes against `ps -eo pid,rss`, in turns: CPU time, median of
 * RUNS; and what the flight recorder makes of it. bench_sample [PROCESSES [RUNS]]
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <oomlens/sample.h>

#include "../collector/recorder_impl.h"
#include "crowd.h"

static double ms(struct timeval a, struct timeval b)
{
	return (double)(b.tv_sec - a.tv_sec) * 1e3 + (double)(b.tv_usec - a.tv_usec) / 1e3;
}

static double cpu_ms(int who, const struct rusage *before)
{
	struct rusage now;

	getrusage(who, &now);
	return ms(before->ru_utime, now.ru_utime) + ms(before->ru_stime, now.ru_stime);
}

/* Not by fork(), after which the next pass would pay for copies of all pages of this process that it writes to. */
static double run_ps(void)
{
	char ps[] = "ps", which[] = "-eo", what[] = "pid,rss", *const argv[] = { ps, which, what, NULL };
	posix_spawn_file_actions_t quiet;
	struct rusage before;
	pid_t pid;

	getrusage(RUSAGE_CHILDREN, &before);
	posix_spawn_file_actions_init(&quiet);
	posix_spawn_file_actions_addopen(&quiet, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
	if (!posix_spawnp(&pid, "ps", &quiet, NULL, argv, environ))
		waitpid(pid, NULL, 0);
	posix_spawn_file_actions_destroy(&quiet);
	return cpu_ms(RUSAGE_CHILDREN, &before);
}

static double run_pass(struct oom_sampler *s, struct oom_sample *sample)
{
	struct rusage before;
	struct oom_err err = { 0 };

	getrusage(RUSAGE_SELF, &before);
	if (oom_sampler_next(s, sample, &err) < 0) {
		fprintf(stderr, "bench_sample: %s\n", err.text);
		disperse();
		exit(1);
	}
	return cpu_ms(RUSAGE_SELF, &before);
}

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), ascending);
	return v[n / 2];
}

static const struct { const char *name; struct oom_sampler_opts opts; } ways[] = {
	{ "files opened each pass",           { .want = 0 } },
	{ "files opened each pass, cgroups",  { .want = OOM_SAMPLE_ALL } },
	{ "files kept open",                  { .want = 0, .keep_files = 1 << 20 } },
	{ "files kept open, cgroups",         { .want = OOM_SAMPLE_ALL, .keep_files = 1 << 20 } },
	{ "BPF",                              { .want = OOM_SAMPLE_KERNEL } },
	{ "BPF, cgroups",                     { .want = OOM_SAMPLE_ALL | OOM_SAMPLE_KERNEL } },
};

static void compare(size_t way, size_t runs)
{
	struct oom_sample_rank top[64];
	struct oom_sampler *s;
	struct oom_sample sample;
	struct oom_err err = { 0 };
	double pass[32], ps[32], first;

	if (oom_sampler_open(&ways[way].opts, &s, &err) < 0) {
		fprintf(stderr, "bench_sample: %s\n", err.text);
		return;
	}
	first = run_pass(s, &sample);
	if (ways[way].opts.want & OOM_SAMPLE_KERNEL && !sample.kernel_counters) {
		printf("%-34s cannot be loaded here\n", ways[way].name);
		oom_sampler_close(s);
		return;
	}
	for (size_t i = 0; i < runs; i++) {
		pass[i] = run_pass(s, &sample);
		ps[i] = run_ps();
	}
	printf(
	    "%-34s %7.1f ms (first %.1f)   ps %7.1f ms   %.2fx faster   %zu rows, %zu files kept, top %zu\n",
	    ways[way].name, median(pass, runs), first, median(ps, runs),
	    median(ps, runs) / median(pass, runs), sample.event->ntasks, sample.info.kept_files,
	    oom_sampler_top(s, &sample.domain[0], OOM_ARRAY_SIZE(top), top));
	oom_sampler_close(s);
}

static void fly(size_t runs)
{
	struct oom_flight_ring *ring;
	struct oom_err err = { 0 };
	double tick[32];

	if (oom_flight_new(0, &ring, &err) < 0 || oom_flight_tick(ring, 0) < 0) {
		fprintf(stderr, "bench_sample: no flight recorder: %s\n", err.text);
		return;
	}
	for (size_t i = 0; i < runs; i++) {
		struct rusage before;

		getrusage(RUSAGE_SELF, &before);
		(void)oom_flight_tick(ring, (int64_t)i);
		tick[i] = cpu_ms(RUSAGE_SELF, &before);
	}
	printf("%-34s %7.1f ms, every 5 s: %.1f s an hour\n", "tick of the flight recorder", median(tick, runs),
	       median(tick, runs) * 3600 / 5 / 1e3);
	oom_flight_free(ring);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000,
	       runs = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
	struct rlimit l;

	if (runs < 1 || runs > 32)
		runs = 5;
	if (!getrlimit(RLIMIT_NOFILE, &l)) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	gather(n);
	printf("one pass over %zu processes, every term of the score, CPU time:\n", ncrowd);
	fflush(stdout);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(ways); i++)
		compare(i, runs);
	fly(runs);
	disperse();
	return 0;
}
