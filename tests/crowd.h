/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Many idle processes, for the benchmarks that look at them. */
#ifndef OOMLENS_TESTS_CROWD_H
#define OOMLENS_TESTS_CROWD_H

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t *crowd;
static size_t ncrowd;

static void disperse(void)
{
	for (size_t i = 0; i < ncrowd; i++)
		kill(crowd[i], SIGKILL);
	for (size_t i = 0; i < ncrowd; i++)
		waitpid(crowd[i], NULL, 0);
	free(crowd);
	crowd = NULL;
	ncrowd = 0;
}

/* A process of the crowd costs about 150 KiB of kernel memory: not on a machine that could feel it. */
static size_t affordable(size_t n)
{
	size_t kib = (size_t)sysconf(_SC_AVPHYS_PAGES) * ((size_t)sysconf(_SC_PAGESIZE) / 1024);

	return n * 300 > kib ? kib / 300 : n;
}

static void gather(size_t n)
{
	pid_t self = getpid();

	n = affordable(n);
	crowd = calloc(n, sizeof(*crowd));
	for (; crowd && ncrowd < n; ncrowd++) {
		crowd[ncrowd] = fork();
		if (crowd[ncrowd] < 0)
			break;
		if (crowd[ncrowd] == 0) {
			/* nobody stays behind, whatever becomes of the parent */
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			while (getppid() == self)
				pause();
			_exit(0);
		}
	}
	if (ncrowd < n)
		fprintf(stderr, "only %zu of %zu processes\n", ncrowd, n);
}

#endif
