/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * actor: one process of an OOM scenario. Its arguments are steps, done from left to right, so that a whole
 * cast fits in one command line of a shell script:
 *
 *	actor comm=db adj=-500 mem=40 fork{ comm=worker mem=10 hold } touch=/run/ready grow
 *
 * Every process and thread that reaches hold, grow or report adds a line to $ACTORS: what it is, in its own
 * words. Who died is then known without a look at the kernel log.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB (1024UL * 1024UL)
#define PAGE 4096UL
#define ANONYMOUS (MAP_ANONYMOUS | MAP_NORESERVE)

static void die(const char *what)
{
	fprintf(stderr, "actor %d: %s: %s\n", getpid(), what, strerror(errno));
	_exit(3);
}

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0666);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		die(path);
	close(fd);
}

static unsigned long number(const char *arg)
{
	return strtoul(arg, NULL, 10);
}

/* \xNN becomes its byte: names may hold what a shell cannot pass on. */
static void set_comm(char *arg)
{
	char name[16];
	size_t n = 0;

	while (*arg && n < sizeof(name) - 1) {
		if (arg[0] == '\\' && arg[1] == 'x' && isxdigit(arg[2]) && isxdigit(arg[3])) {
			const char hex[3] = { arg[2], arg[3], 0 };

			name[n++] = (char)strtoul(hex, NULL, 16);
			arg += 4;
		} else {
			name[n++] = *arg++;
		}
	}
	name[n] = 0;
	if (prctl(PR_SET_NAME, name))
		die("PR_SET_NAME");
}

static void report(const char *step)
{
	const char *path = getenv("ACTORS");
	char comm[17] = "", text[160], adj[16] = "0\n";
	size_t n;
	int fd;

	if (!path)
		return;
	prctl(PR_GET_NAME, comm);
	fd = open("/proc/self/oom_score_adj", O_RDONLY);
	if (fd >= 0 && read(fd, adj, sizeof(adj) - 1) < 0)
		die("oom_score_adj");
	close(fd);
	n = (size_t)snprintf(text, sizeof(text), "pid=%ld tgid=%d ppid=%d uid=%u adj=%d does=%.8s comm=",
			     syscall(SYS_gettid), getpid(), getppid(), getuid(), atoi(adj), step);
	for (const unsigned char *c = (unsigned char *)comm; *c; c++)
		n += (size_t)snprintf(text + n, sizeof(text) - n,
				      isprint(*c) && *c != '\\' ? "%c" : "\\x%02x", *c);
	snprintf(text + n, sizeof(text) - n, "\n");
	put(path, text);
}

static void take(size_t bytes, int flags)
{
	char *p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags | ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	for (size_t i = 0; i < bytes; i += PAGE)
		memset(p + i, (int)(i / PAGE) | 1, 64);
}

/* One page in each 2 MiB: as many page tables as pages. */
static void sparse(char *arg)
{
	unsigned long n = number(arg);
	char *p = mmap(NULL, n * 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	for (unsigned long i = 0; i < n; i++)
		p[i * 2 * MIB] = 1;
}

/* Mappings without a page behind them: kernel memory (slab) that is in nobody's RSS. */
static void mappings(char *arg)
{
	unsigned long n = number(arg);
	char *p = mmap(NULL, 2 * n * PAGE, PROT_NONE, MAP_PRIVATE | ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		die("mmap");
	for (unsigned long i = 0; i < n; i++)
		if (mprotect(p + 2 * i * PAGE, PAGE, PROT_READ))
			break;
}

/* Steps of so many KiB; $PACE: ms that a MiB takes, for those who want to see it coming. */
static void grow(char *arg)
{
	unsigned long kib = *arg ? number(arg) : 64;
	const char *pace = getenv("PACE");

	report("grow");
	for (;;) {
		take(kib * 1024, MAP_PRIVATE);
		if (pace)
			usleep((useconds_t)(number(pace) * kib * 1000 / 1024));
	}
}

static void hold(char *arg)
{
	(void)arg;
	report("hold");
	for (;;)
		pause();
}

static void await(char *path)
{
	while (access(path, F_OK))
		usleep(20000);
}

/* Everything from here on stays in RAM. */
static void do_mlock(char *arg)
{
	(void)arg;
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall");
}

/* As many bytes as asked, in one write() that may well never come back. */
static void write_file(char *arg)
{
	char *size = strrchr(arg, ':');
	size_t n = size ? strtoul(size + 1, NULL, 10) : PAGE;
	char *buf = calloc(1, n);
	int fd;

	if (size)
		*size = 0;
	fd = open(arg, O_WRONLY | O_CREAT, 0644);
	if (fd < 0 || !buf || write(fd, buf, n) < 0)
		die(arg);
	fsync(fd);
}

static void set_uid(char *arg)
{
	uid_t uid = (uid_t)number(arg);

	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		die("uid");
}

static void bind_node(char *arg)
{
	unsigned long mask = 1UL << number(arg);

	if (syscall(SYS_set_mempolicy, 2 /* MPOL_BIND */, &mask, 8 * sizeof(mask)))
		die("set_mempolicy");
}

/* On the file of stall.c: waits for ever in mmap(), and holds the mmap lock for writing all the while. */
static void lock_mm(char *path)
{
	int fd = open(path, O_RDWR), direct = open(path, O_RDWR | O_SYNC);
	char *p = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd < 0 || direct < 0 || p == MAP_FAILED)
		die(path);
	*p = 1;
	report("lock-mm");
	if (mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, direct, 0) == MAP_FAILED)
		die("private mapping");
}

static void play(char **steps);

static void *play_thread(void *steps)
{
	play(steps);
	return NULL;
}

static int play_clone(void *steps)
{
	play(steps);
	return 0;
}

/* The steps up to the matching brace go to a new process or thread. Returns the step behind the brace. */
static char **branch(char **step)
{
	const char *kind = *step++;
	char **end = step;
	pthread_t thread;

	for (int depth = 1; *end; end++) {
		size_t n = strlen(*end);

		depth += n > 1 && (*end)[n - 1] == '{';
		depth -= !strcmp(*end, "}");
		if (!depth)
			break;
	}
	if (!*end)
		die("no closing brace");
	*end = NULL;
	if (!strcmp(kind, "thread{")) {
		if (pthread_create(&thread, NULL, play_thread, step))
			die("pthread_create");
	} else if (!strcmp(kind, "vm{") || !strcmp(kind, "vfork{")) {
		char *stack = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | ANONYMOUS, -1, 0);
		int flags = CLONE_VM | SIGCHLD | (kind[1] == 'f' ? CLONE_VFORK : 0);

		if (stack == MAP_FAILED || clone(play_clone, stack + MIB, flags, step) < 0)
			die("clone");
	} else if (!fork()) {
		play(step);
		_exit(0);
	}
	return end + 1;
}

static void do_adj(char *arg)		{ put("/proc/self/oom_score_adj", arg); }
static void do_cgroup(char *arg)	{ put(arg, "0"); }
static void do_mem(char *arg)		{ take(number(arg) * MIB, MAP_PRIVATE); }
static void do_kib(char *arg)		{ take(number(arg) * 1024, MAP_PRIVATE); }
static void do_shmem(char *arg)		{ take(number(arg) * MIB, MAP_SHARED); }
static void do_touch(char *arg)		{ put(arg, ""); }
static void do_sleep(char *arg)		{ usleep((useconds_t)number(arg) * 1000); }
static void do_report(char *arg)	{ (void)arg; report("report"); }
/* Takes a capability, by its number, from all that it will run. */
static void do_uncap(char *arg)		{ prctl(PR_CAPBSET_DROP, number(arg)); }
/* As the first process: nobody else waits for the orphans. */
static void do_reap(char *arg)		{ (void)arg; signal(SIGCHLD, SIG_IGN); }
/* Only this thread: the leader of a process may go before its threads do. */
static void do_leave(char *arg)		{ (void)arg; syscall(SYS_exit, 0); }

static const struct {
	const char *word;
	void (*run)(char *arg);
} all_steps[] = {
	{ "comm", set_comm }, { "adj", do_adj }, { "uid", set_uid }, { "cgroup", do_cgroup },
	{ "bind", bind_node }, { "mem", do_mem }, { "kib", do_kib }, { "shmem", do_shmem },
	{ "mlock", do_mlock }, { "sparse", sparse }, { "mappings", mappings }, { "lock-mm", lock_mm }, { "write", write_file },
	{ "wait", await }, { "touch", do_touch }, { "sleep", do_sleep }, { "report", do_report },
	{ "grow", grow }, { "hold", hold }, { "leave", do_leave },
	{ "uncap", do_uncap }, { "reap", do_reap },
};

static void play(char **steps)
{
	const size_t n_steps = sizeof(all_steps) / sizeof(all_steps[0]);
	char none[] = "";

	while (*steps) {
		char *step = *steps, *arg = strchr(step, '=');
		size_t key = arg ? (size_t)(arg - step) : strlen(step), i;

		if (!strcmp(step, "exec")) {
			execv(steps[1], steps + 1);
			die(steps[1]);
		}
		if (!arg && key && step[key - 1] == '{') {
			steps = branch(steps);
			continue;
		}
		for (i = 0; i < n_steps; i++)
			if (strlen(all_steps[i].word) == key && !memcmp(all_steps[i].word, step, key))
				break;
		if (i == n_steps)
			die(step);
		all_steps[i].run(arg ? arg + 1 : none);
		steps++;
	}
}

int main(int argc, char **argv)
{
	(void)argc;
	play(argv + 1);
	return 0;
}
