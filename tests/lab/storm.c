/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm ROOT V2 KILLS PER_SECOND [GROUPS]: kills in memory cgroups, one process each.
 *
 * Makes GROUPS cgroups ROOT/0, ROOT/1 ... of 4 MiB, V2 is 1 where ROOT belongs to cgroup v2.  Each process goes into one
 * of them, alone, and touches memory until the kernel kills it; at most eight at a time, none more than 64 MiB whatever
 * the limit does.  Prints the pid of each that died so.  Exit status 1: somebody did not.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT "4194304"
#define HOG   ((size_t)64 << 20)
#define JOBS  8

static const char *root;

static void die(const char *what)
{
	fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
	exit(2);
}

static bool put(long group, const char *file, const char *text)
{
	char path[512];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%ld/%s", root, group, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	done = fd >= 0 && write(fd, text, strlen(text)) >= 0;
	if (fd >= 0)
		close(fd);
	return done;
}

static void make_groups(long n, bool v2)
{
	char path[512];

	for (long i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%ld", root, i);
		if (mkdir(path, 0755) && errno != EEXIST)
			die(path);
		if (!put(i, v2 ? "memory.max" : "memory.limit_in_bytes", LIMIT))
			die("limit");
		/* not there without swap accounting, and then there is no swap either */
		(void)put(i, v2 ? "memory.swap.max" : "memory.memsw.limit_in_bytes", v2 ? "0" : LIMIT);
	}
}

static void remove_groups(long n)
{
	char path[512];

	for (long i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%ld", root, i);
		(void)rmdir(path);
	}
}

static pid_t start(long group)
{
	pid_t self = getpid(), pid = fork();
	char *p;

	if (pid < 0)
		die("fork");
	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "storm-hog");
	if (getppid() != self || !put(group, "cgroup.procs", "0"))
		_exit(3);
	p = mmap(NULL, HOG, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	for (size_t i = 0; p != MAP_FAILED && i < HOG; i += 4096)
		p[i] = 1;
	_exit(4);
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Whoever has ended: its place is free again. */
static long collect(pid_t *job, long *alive)
{
	long bad = 0;
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
			printf("%d\n", pid);
		else
			bad++;
		for (long j = 0; j < JOBS; j++)
			if (job[j] == pid)
				job[j] = 0;
		--*alive;
	}
	return bad;
}

int main(int argc, char **argv)
{
	long kills, groups, alive = 0, bad = 0, begun = 0;
	double rate, from;
	pid_t job[JOBS] = { 0 };

	if (argc < 5) {
		fprintf(stderr, "usage: storm ROOT V2 KILLS PER_SECOND [GROUPS]\n");
		return 2;
	}
	root = argv[1];
	kills = atol(argv[3]);
	rate = atof(argv[4]);
	groups = argc > 5 ? atol(argv[5]) : 64;
	groups -= groups % JOBS;
	make_groups(groups, !strcmp(argv[2], "1"));
	from = now();
	while (begun < kills || alive) {
		for (long j = 0; j < JOBS && begun < kills && now() >= from + (double)begun / rate; j++) {
			if (job[j])
				continue;
			/* place j has the groups j, j + JOBS, j + 2 JOBS ... to itself */
			job[j] = start((begun * JOBS + j) % groups);
			begun++;
			alive++;
		}
		usleep(1000);
		bad += collect(job, &alive);
	}
	fprintf(stderr, "storm: %ld kills in %.1f s\n", kills - bad, now() - from);
	remove_groups(groups);
	return bad ? 1 : 0;
}
