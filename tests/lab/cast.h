/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes that hold and take memory on command, for the programs that provoke kills in memory cgroups. */
#ifndef OOMLENS_LAB_CAST_H
#define OOMLENS_LAB_CAST_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB  ((size_t)1 << 20)
#define PAGE 4096

struct actor { pid_t pid; int go[2], done[2]; };

static inline bool put(const char *dir, const char *file, const char *text)
{
	char path[2048];
	bool done;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY);
	done = fd >= 0 && write(fd, text, strlen(text)) >= 0;
	if (!done)
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return done;
}

/* OOM kills that the cgroup has counted: on v2 also those below it. */
static inline long kills_in(const char *dir, bool v2)
{
	char path[2048], buf[512];
	const char *at;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, v2 ? "memory.events" : "memory.oom_control");
	fd = open(path, O_RDONLY);
	n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
	if (fd >= 0)
		close(fd);
	if (n < 0)
		return 0;
	buf[n] = '\0';
	at = strstr(buf, "oom_kill ");
	return at ? strtol(at + 9, NULL, 10) : 0;
}

static inline void touch(size_t bytes)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; p != MAP_FAILED && i < bytes; i += PAGE)
		p[i] = 1;
}

static inline void play(const struct actor *a, const char *into, int adj, size_t bytes)
{
	char text[16];
	uint32_t pages;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(text, sizeof(text), "%d", adj);
	put("/proc/self", "oom_score_adj", text);
	put(into, "cgroup.procs", "0");
	touch(bytes);
	for (;;) {
		if (write(a->done[1], "", 1) != 1 || read(a->go[0], &pages, sizeof(pages)) != sizeof(pages))
			_exit(0);
		touch((size_t)pages * PAGE);
	}
}

/* Returns when it holds its memory. */
static inline void start(struct actor *a, const char *into, int adj, size_t bytes)
{
	char c;

	if (pipe(a->go) || pipe(a->done))
		exit(3);
	fflush(stdout);
	a->pid = fork();
	if (a->pid == 0)
		play(a, into, adj, bytes);
	(void)!read(a->done[0], &c, 1);
}

/* It takes so much more; whether it has, or somebody died of it, done[0] tells. */
static inline void grow(const struct actor *a, uint32_t pages)
{
	(void)!write(a->go[1], &pages, sizeof(pages));
}

static inline pid_t who_died(void)
{
	for (int i = 0; i < 5000; i++) {
		int status;
		pid_t pid = waitpid(-1, &status, WNOHANG);

		if (pid > 0 && WIFSIGNALED(status))
			return pid;
		usleep(1000);
	}
	return 0;
}

static inline void dismiss(const struct actor *a)
{
	kill(a->pid, SIGKILL);
	waitpid(a->pid, NULL, 0);
	close(a->go[0]), close(a->go[1]), close(a->done[0]), close(a->done[1]);
}

#endif
