/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The whole of oomtop on a terminal, refreshed each second, over many idle processes: CPU time as a share of one core
 * and memory, with BPF and without the right to it.  bench_top [PROCESSES [SECONDS]]
 */
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "crowd.h"

#define NOBODY 65534
#define WARM_UP_S 3

static double cpu_s(pid_t pid)
{
	char path[64], text[1024], *p;
	unsigned long user, kernel;
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')');
	if (!p || sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &kernel) != 2)
		return 0;
	return (double)(user + kernel) / (double)sysconf(_SC_CLK_TCK);
}

static double peak_mib(pid_t pid)
{
	char path[64], line[256];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmHWM: %lf", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib / 1024;
}

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Reads what the screen gets, as a terminal does, until then. */
static size_t swallow(int fd, double until)
{
	char buf[16384];
	size_t bytes = 0;
	double left;

	while ((left = until - now_s()) > 0) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		ssize_t n;

		if (poll(&p, 1, (int)(left * 1e3) + 1) <= 0)
			continue;
		n = read(fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		bytes += (size_t)n;
	}
	return bytes;
}

static void watch(const char *oomtop, const char *what, uid_t uid, int seconds, double goal)
{
	struct winsize size = { .ws_row = 50, .ws_col = 132 };
	double begin, used, share, peak;
	size_t bytes;
	int fd;
	pid_t pid = forkpty(&fd, NULL, NULL, &size);

	if (pid < 0)
		return;
	if (pid == 0) {
		setenv("TERM", "xterm-256color", 1);
		if (uid && setuid(uid))
			_exit(127);
		execl(oomtop, oomtop, "-d", "1", "--db", "/nonexistent", (char *)NULL);
		_exit(127);
	}
	(void)swallow(fd, now_s() + WARM_UP_S);
	begin = now_s();
	used = cpu_s(pid);
	bytes = swallow(fd, begin + seconds);
	share = (cpu_s(pid) - used) / (now_s() - begin) * 100;
	peak = peak_mib(pid);
	printf("%-34s %7.2f %% of a core (goal %.0f)   %.1f MiB (goal 32)   %zu bytes a second\n", what, share, goal, peak,
	       bytes / (size_t)seconds);
	kill(pid, SIGTERM);
	(void)swallow(fd, now_s() + 0.5);
	close(fd);
	waitpid(pid, NULL, 0);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	int seconds = argc > 2 ? atoi(argv[2]) : 10;
	char oomtop[4096];
	struct rlimit l;
	char *slash;

	snprintf(oomtop, sizeof(oomtop), "%s", argv[0]);
	slash = strrchr(oomtop, '/');
	snprintf(slash ? slash + 1 : oomtop, 16, "oomtop");
	if (!getrlimit(RLIMIT_NOFILE, &l)) {
		l.rlim_cur = l.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
	gather(n);
	printf("oomtop, 132x50, a pass each second over %zu processes:\n", ncrowd);
	fflush(stdout);
	watch(oomtop, "the user's rights", 0, seconds > 0 ? seconds : 10, geteuid() ? 12 : 2);
	if (!geteuid())
		watch(oomtop, "as nobody: /proc", NOBODY, seconds > 0 ? seconds : 10, 12);
	disperse();
	return 0;
}
