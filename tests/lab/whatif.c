/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Dry runs against the kernel: processes of random sizes and values fill a memory cgroup nearly up to its limit,
 * `oomlens whatif --live` says who would die with other values, the processes really get these values, one more of them
 * grows past the limit, and the kernel says who dies.
 *
 * 	whatif OOMLENS ROUNDS TIGHT [SEED [MIB]]
 *
 * ROUNDS of --set with random values; TIGHT pairs of --spare: one round at the value that was solved, where the process
 * must survive, one at a value higher by one, where it must die.  Without CAP_SYS_RESOURCE no value is below 0.  MIB: the
 * limit of the tight rounds.  One step of oom_score_adj weighs a thousandth of the limit: to be beyond the doubt of
 * counters that are no exact sums (6.2-6.19), it must be large.
 *
 * Exit status 1: a certain prediction failed.
 */
#include <sys/stat.h>

#include "cast.h"

#define CAST 10

static char top[300];
static bool v2, may_lower;
static const char *oomlens;

struct told { int pid; char verdict[16]; long margin, adj; char result[16]; };
struct tally { int rounds, certain, wrong, drift, drift_agreed; };

/* ---- the cgroup ------------------------------------------------------------------------------------- */

static long number_in(const char *file)
{
	char path[512], text[32] = "";
	int fd;

	snprintf(path, sizeof(path), "%s/%s", top, file);
	fd = open(path, O_RDONLY);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		exit(3);
	close(fd);
	return atol(text);
}

static long usage(void)
{
	return number_in(v2 ? "memory.current" : "memory.usage_in_bytes");
}

static void make_group(size_t bytes)
{
	char text[32];

	mkdir(top, 0755);
	snprintf(text, sizeof(text), "%zu", bytes);
	if (!put(top, v2 ? "memory.max" : "memory.limit_in_bytes", text))
		exit(3);
}

static void set_adj(pid_t pid, int adj)
{
	char dir[32], text[16];

	snprintf(dir, sizeof(dir), "/proc/%d", pid);
	snprintf(text, sizeof(text), "%d", adj);
	if (!put(dir, "oom_score_adj", text))
		exit(3);
}

/* Up to within half a MiB of the limit: what may happen until it is reached is far below the doubt of a close call. */
static void fill(const struct actor *a, size_t limit)
{
	char c;

	for (;;) {
		long room = (long)limit - usage() - (long)MIB / 2;

		if (room < (long)PAGE * 16)
			return;
		grow(a, (uint32_t)(room > (long)(8 * MIB) ? 2 * MIB / PAGE : 16));
		if (read(a->done[0], &c, 1) != 1)
			exit(3);
	}
}

/* While the first victim's memory is on its way back the kernel may kill a second one: its log says who was first. */
static pid_t first_killed(int kmsg, const struct actor *cast, size_t n)
{
	char record[8192];
	ssize_t len;

	for (int i = 0; i < 2000; i++) {
		const char *at;
		pid_t pid;

		len = read(kmsg, record, sizeof(record) - 1);
		if (len < 0 && errno == EAGAIN)
			usleep(1000);
		record[len > 0 ? len : 0] = '\0';
		at = strstr(record, "Killed process ");
		pid = at ? (pid_t)atol(at + 15) : 0;
		for (size_t k = 0; k < n; k++)
			if (pid == cast[k].pid)
				return pid;
	}
	return 0;
}

/* The last of the cast grows past the limit, step by step. */
static pid_t provoke(const struct actor *cast, size_t n)
{
	int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK);
	const struct actor *a = &cast[n - 1];
	pid_t dead = 0;
	char c;

	lseek(kmsg, 0, SEEK_END);
	fcntl(a->done[0], F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 400 && !dead; i++) {
		grow(a, 4);
		for (int wait = 0; wait < 5000; wait++) {
			if (kills_in(top, v2)) {
				dead = first_killed(kmsg, cast, n);
				break;
			}
			if (read(a->done[0], &c, 1) == 1)
				break;
			usleep(200);
		}
	}
	close(kmsg);
	return dead;
}

/* One of n that divide what is left among them. */
static void take_share(const struct actor *a, size_t limit, size_t n)
{
	long room = (long)limit - usage() - (long)MIB / 2;
	char c;

	if (room < (long)(n * PAGE))
		return;
	grow(a, (uint32_t)(room / (long)n / PAGE));
	if (read(a->done[0], &c, 1) != 1)
		exit(3);
}

/* ---- what oomlens says ------------------------------------------------------------------------------ */

static void word_after(const char *text, const char *key, char *ret, size_t size)
{
	const char *at = text ? strstr(text, key) : NULL;
	size_t n = 0;

	for (at = at ? at + strlen(key) : ""; at[n] && at[n] != '"' && n + 1 < size; n++)
		ret[n] = at[n];
	ret[n] = '\0';
}

static long number_after(const char *text, const char *key)
{
	const char *at = text ? strstr(text, key) : NULL;

	return at ? atol(at + strlen(key)) : -1;
}

static struct told ask(const char *options)
{
	char command[2048], text[65536];
	const char *after, *spare;
	struct told t = { .pid = -1 };
	size_t n;
	FILE *f;
	int status;

	snprintf(command, sizeof(command), "%s whatif --live --json --cgroup %s %s", oomlens,
		 strrchr(top, '/'), options);
	f = popen(command, "r");
	if (!f)
		exit(3);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	status = pclose(f);
	if (status) {
		fprintf(stderr, "%s: status %d\n", command, status);
		exit(3);
	}
	after = strstr(text, "\"after\"");
	spare = strstr(text, "\"spare\": [\n");
	t.pid = (int)number_after(after, "\"pid\": ");
	t.margin = number_after(after, "\"margin\": ");
	word_after(after, "\"verdict\": \"", t.verdict, sizeof(t.verdict));
	t.adj = number_after(spare, "\"adj\": ");
	word_after(spare, "\"result\": \"", t.result, sizeof(t.result));
	return t;
}

/* ---- rounds ----------------------------------------------------------------------------------------- */

static void judge(struct tally *t, const struct told *told, pid_t dead, bool agrees, const char *what)
{
	bool certain = !strcmp(told->verdict, "exact");

	t->rounds++;
	t->certain += certain;
	t->wrong += certain && !agrees;
	t->drift += !certain;
	t->drift_agreed += !certain && agrees;
	printf("%3d: %s: predicted %d (%s, margin %ld), killed %d%s\n", t->rounds, what, told->pid, told->verdict,
	       told->margin, dead, agrees ? "" : certain ? "   WRONG" : "   differs");
	fflush(stdout);
}

static void end(const struct actor *cast, size_t n)
{
	for (size_t i = 0; i < n; i++)
		dismiss(&cast[i]);
	for (int k = 0; k < 400 && rmdir(top) && errno == EBUSY; k++)
		usleep(5000);
}

static int any_adj(int spread)
{
	return rand() % (spread + 1) - (may_lower ? spread / 2 : 0);
}

static void set_round(struct tally *t)
{
	static const int spreads[] = { 4, 20, 100, 400, 1000 };
	struct actor cast[CAST + 1];
	size_t n = 3 + (size_t)rand() % (CAST - 3), limit = (48 + (size_t)rand() % 112) * MIB;
	size_t changes = 1 + (size_t)rand() % 3, used = 0;
	int spread = spreads[rand() % 5], even = rand() % 2, adj[CAST];
	char options[512] = "", what[64];
	struct told told;
	pid_t dead;

	make_group(limit);
	for (size_t i = 0; i < n; i++) {
		size_t share = limit / n;
		/* all of nearly one size, or of any, and the last one takes the rest */
		size_t bytes = even ? share * 8 / 10 + (size_t)rand() % (share / 16) : (size_t)rand() % (share * 9 / 10);

		adj[i] = any_adj(spread);
		start(&cast[i], top, adj[i], bytes);
	}
	/* who grows past the limit is no candidate for the first place: nobody else moves after the prediction */
	start(&cast[n], top, 0, 16 * PAGE);
	for (size_t i = 0; i < n && even; i++)
		take_share(&cast[i], limit, n - i);
	fill(&cast[n - 1], limit);
	for (size_t k = 0, first = (size_t)rand(); k < changes; k++) {
		size_t i = (first + k) % n;

		adj[i] = any_adj(spread);
		used += (size_t)snprintf(options + used, sizeof(options) - used, " --set %d==%d", cast[i].pid, adj[i]);
	}
	if (kills_in(top, v2)) {
		printf("     (somebody died too early: not a round)\n");
		end(cast, n + 1);
		return;
	}
	told = ask(options);
	for (size_t i = 0; i < n; i++)
		set_adj(cast[i].pid, adj[i]);
	dead = provoke(cast, n + 1);
	snprintf(what, sizeof(what), "%zu processes, %zu MiB, adj over %d", n, limit / MIB, spread);
	judge(t, &told, dead, dead == told.pid, what);
	end(cast, n + 1);
}

/*
 * The first has the most points by its value, the second comes next.  With its memory moved so that the solved value
 * leaves half a step, both that value and the one above it are as far from a tie as can be.
 */
static void spare_round(struct tally *t, size_t limit, bool survives)
{
	struct actor cast[5];
	int base = may_lower ? rand() % 600 - 500 : 300 + rand() % 400;
	long step = (long)(limit / PAGE / 1000), gap;
	char options[128], what[96];
	struct told told;
	bool agrees;
	pid_t dead;
	char c;

	make_group(limit);
	start(&cast[0], top, base + rand() % 200, limit * (30 + (size_t)rand() % 10) / 100);
	start(&cast[1], top, base, limit * (28 + (size_t)rand() % 6) / 100);
	start(&cast[2], top, base, limit * (size_t)(1 + rand() % 4) / 100);
	start(&cast[3], top, base - rand() % 200, MIB);
	start(&cast[4], top, base - 200, 16 * PAGE);
	fill(&cast[3], limit - 2 * (size_t)step * PAGE);
	snprintf(options, sizeof(options), "--spare %d", cast[0].pid);
	told = ask(options);
	if (!strcmp(told.result, "solved") && told.margin >= 0) {
		gap = ((told.margin - step / 2) % step + step) % step;
		grow(&cast[0], (uint32_t)gap);
		(void)!read(cast[0].done[0], &c, 1);
	}
	fill(&cast[3], limit);
	told = ask(options);
	if (strcmp(told.result, "solved") || (told.adj < 0 && !may_lower)) {
		printf("     (%s at %ld: not a round)\n", told.result, told.adj);
		end(cast, 5);
		return;
	}
	if (!survives) {
		long adj = told.adj + 1;

		snprintf(options, sizeof(options), "--set %d==%ld", cast[0].pid, adj);
		told = ask(options);
		told.adj = adj;
	}
	set_adj(cast[0].pid, (int)told.adj);
	dead = provoke(cast, 5);
	agrees = dead == told.pid && (dead == cast[0].pid) != survives;
	snprintf(what, sizeof(what), "%zu MiB, spared at %ld: %s", limit / MIB, survives ? told.adj : told.adj - 1,
		 survives ? "survives there" : "dies one above");
	judge(t, &told, dead, agrees, what);
	end(cast, 5);
}

static int report(const char *name, const struct tally *t)
{
	printf("%s: %d rounds; %d certain, %d of them wrong; %d within drift, of which the kernel agreed with %d\n", name,
	       t->rounds, t->certain, t->wrong, t->drift, t->drift_agreed);
	return t->wrong;
}

int main(int argc, char **argv)
{
	int rounds = argc > 2 ? atoi(argv[2]) : 100, tight = argc > 3 ? atoi(argv[3]) : 5, fd;
	size_t mib = argc > 5 ? (size_t)atoi(argv[5]) : 100;
	struct tally set = { 0 }, spare = { 0 };

	if (argc < 2)
		return 2;
	oomlens = argv[1];
	srand(argc > 4 ? (unsigned)atoi(argv[4]) : 1);
	v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
	snprintf(top, sizeof(top), "/sys/fs/cgroup%s/oomlens-whatif-%d", v2 ? "" : "/memory", getpid());
	if (v2)
		put("/sys/fs/cgroup", "cgroup.subtree_control", "+memory");
	fd = open("/proc/self/oom_score_adj", O_RDWR);
	may_lower = fd >= 0 && write(fd, "-1", 2) == 2 && pwrite(fd, "0", 1, 0) == 1;
	for (int i = 0; i < rounds; i++)
		set_round(&set);
	for (int i = 0; i < 2 * tight; i++)
		spare_round(&spare, mib * MIB, i % 2 == 0);
	return report("--set", &set) + report("--spare", &spare) ? 1 : 0;
}
