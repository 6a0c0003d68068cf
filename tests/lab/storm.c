/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * storm NAME KILLS AT_ONCE EVERY_MS: OOM kills in memory cgroups of its own, AT_ONCE of them together every EVERY_MS.
 * Prints "PID COMM" of each child that the kernel killed; the names are NAME-1, NAME-2 and so on.
 * The limits are its own: the machine itself is never short of memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LIMIT "3145728"
#define GREED ((size_t)32 << 20)
#define MOST  64

static const char *root, *limit;

static int put(const char *dir, const char *file, const char *text)
{
	char path[300];
	int fd, ok;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
	if (fd >= 0)
		close(fd);
	return ok ? 0 : -1;
}

static void eat(const char *dir, const char *name)
{
	volatile char *p = mmap(NULL, GREED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	prctl(PR_SET_NAME, name);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (p == MAP_FAILED || put(dir, "cgroup.procs", "0") < 0)
		_exit(1);
	for (size_t i = 0; i < GREED; i += 4096)
		p[i] = 1;
	_exit(2);
}

static void nap(long ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000 };

	nanosleep(&t, NULL);
}

int main(int argc, char **argv)
{
	int kills = argc > 2 ? atoi(argv[2]) : 0, at_once = argc > 3 ? atoi(argv[3]) : 1, bad = 0, v1;
	long every_ms = argc > 4 ? atol(argv[4]) : 100;
	char dir[MOST][200], name[32];
	pid_t pid[MOST];

	if (kills < 1 || at_once < 1 || at_once > MOST)
		return 2;
	v1 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) < 0;
	root = v1 ? "/sys/fs/cgroup/memory" : "/sys/fs/cgroup";
	limit = v1 ? "memory.limit_in_bytes" : "memory.max";
	for (int i = 0; i < at_once; i++) {
		snprintf(dir[i], sizeof(dir[i]), "%s/%s-%d", root, argv[1], i);
		if ((mkdir(dir[i], 0755) < 0 && errno != EEXIST) || put(dir[i], limit, LIMIT) < 0) {
			fprintf(stderr, "storm: cannot make '%s': %s\n", dir[i], strerror(errno));
			return 2;
		}
	}
	for (int done = 0; done < kills;) {
		int n = kills - done < at_once ? kills - done : at_once;

		for (int i = 0; i < n; i++) {
			snprintf(name, sizeof(name), "%.9s-%d", argv[1], done + i + 1);
			pid[i] = fork();
			if (!pid[i])
				eat(dir[i], name);
		}
		for (int i = 0; i < n; i++) {
			int status = 0;

			if (pid[i] < 0 || waitpid(pid[i], &status, 0) < 0 || !WIFSIGNALED(status)) {
				bad++;
				continue;
			}
			printf("%d %.9s-%d\n", (int)pid[i], argv[1], done + i + 1);
			fflush(stdout);
		}
		done += n;
		if (done < kills)
			nap(every_ms);
	}
	for (int i = 0; i < at_once; i++)
		for (int n = 0; rmdir(dir[i]) < 0 && n < 20; n++)
			nap(50);
	return bad ? 1 : 0;
}
