/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Prediction against the kernel: random processes with random oom_score_adj in random cgroups below one
 * limit, one of them grows step by step; before each step the sampler says who would die, after the fatal one
 * the kernel has said it.
 *
 * 	predict ROUNDS [SEED [OOMTOP]]
 *
 * With OOMTOP it must also be the one that `OOMTOP -b --json --cgroup=PATH` says.
 *
 * Every kill happens below a limit of at most 160 MiB that this program sets.  Exit status 1: a certain
 * prediction failed.
 */
#include <sys/stat.h>

#include <oomlens/replay.h>
#include <oomlens/sample.h>

#include "cast.h"

#define STEP      ((size_t)64 << 10)
#define BATCH     64
#define CAST      12
#define GROUPS    3

static char root[256], top[300];
static bool v2;

static char group[GROUPS + 1][400];    /* top, top/a, top/a/c, top/d */

/* v2 counts upwards through the tree, v1 only in the victim's own cgroup. */
static long kills(void)
{
	long n = 0;

	for (int i = 0; i <= (v2 ? 0 : GROUPS); i++)
		n += kills_in(group[i], v2);
	return n;
}

struct told { pid_t chosen, replayed, shown; int64_t margin; bool certain, inner; };

static const char *oomtop;             /* NULL: it is not asked */

/* Which limit will be hit?  That of top, or below it that of top/a when the one who grows is in there. */
static const struct oom_domain *first_to_end(const struct oom_sample *m, bool inside)
{
	const struct oom_domain *best = NULL;

	for (size_t i = 0; i < m->ndomains; i++) {
		const struct oom_domain *d = &m->domain[i];

		if (!oom_str_is(d->path, group[0] + strlen(root)) &&
		    !(inside && oom_str_is(d->path, group[1] + strlen(root))))
			continue;
		if (!best || d->room_kb < best->room_kb)
			best = d;
	}
	return best;
}

/* The victim-to-be that a script would read. */
static pid_t ask_oomtop(struct oom_str path)
{
	static char line[1 << 16];
	char command[1024], *at;
	FILE *f;

	snprintf(command, sizeof(command), "%s -b --json --top 1 --cgroup='%.*s'", oomtop, (int)path.n, path.p);
	f = popen(command, "r");
	at = f && fgets(line, sizeof(line), f) ? strstr(line, "\"next_victim\": {\"pid\": ") : NULL;
	if (f)
		pclose(f);
	return at ? (pid_t)strtol(at + strlen("\"next_victim\": {\"pid\": "), NULL, 10) : 0;
}

static struct told ask(struct oom_sampler *s, bool inside)
{
	struct told t = { 0, 0, 0, OOM_NA, false, false };
	struct oom_err err = { 0 };
	const struct oom_domain *d;
	struct oom_sample m;
	struct oom_event view;
	struct oom_replay r;

	if (oom_sampler_next(s, &m, &err) < 0)
		return t;
	d = first_to_end(&m, inside);
	if (!d || d->victim < 0 || oom_sampler_view(s, d, &view) < 0)
		return t;
	t.chosen = (pid_t)m.event->task[d->victim].pid;
	t.margin = d->margin_pages;
	/* the last step moves the one who grows, and counters move in batches */
	t.certain = d->certain && (d->runner_up < 0 || d->margin_pages > (int64_t)(STEP / PAGE + BATCH));
	t.inner = oom_str_is(d->path, group[1] + strlen(root));
	if (oom_replay_run(&view, NULL, &r) == 0 && r.winner >= 0)
		t.replayed = (pid_t)view.task[r.winner].pid;
	oom_replay_release(&r);
	t.shown = oomtop ? ask_oomtop(d->path) : t.replayed;
	return t;
}

/* Waits for the step to be done, or for a kill. */
static bool killed_by_step(const struct actor *a, long before)
{
	char c;

	fcntl(a->done[0], F_SETFL, O_NONBLOCK);
	grow(a, STEP / PAGE);
	for (int i = 0; i < 5000; i++) {
		if (kills() != before)
			return true;
		if (read(a->done[0], &c, 1) == 1)
			return kills() != before;
		usleep(1000);
	}
	return true;
}

static void limit(const char *dir, size_t bytes)
{
	char text[32];

	snprintf(text, sizeof(text), "%zu", bytes);
	put(dir, v2 ? "memory.max" : "memory.limit_in_bytes", text);
}

static void make_groups(size_t outer, size_t inner)
{
	static const char *const below[GROUPS + 1] = { "", "/a", "/a/c", "/d" };

	for (int i = 0; i <= GROUPS; i++) {
		snprintf(group[i], sizeof(group[i]), "%s%s", top, below[i]);
		mkdir(group[i], 0755);
		if (v2 && i < 2)
			put(group[i], "cgroup.subtree_control", "+memory");
		/* up to 5.10 a limit of v1 holds for its subtree only when told so, before there is one */
		if (!v2 && i == 0 && !put(group[i], "memory.use_hierarchy", "1"))
			exit(3);
	}
	limit(group[0], outer);
	if (inner)
		limit(group[1], inner);
}

/* The processes of a round and what they hold: in all, and below top/a. */
struct scene {
	struct actor cast[CAST];
	size_t n, outer, inner, inside;
	int spread;
	bool grower_inside;
};

static void fill(struct scene *sc)
{
	for (size_t i = 0; i < sc->n; i++) {
		/* small differences of adj among processes of nearly one size make close calls */
		size_t share = sc->outer / sc->n, bytes = share * 8 / 10 + (size_t)(rand() % 256) * 4096;
		/* v2 keeps processes in the leaves */
		int at = v2 ? 2 + rand() % 2 : rand() % (GROUPS + 1);

		if (sc->spread > 30)
			bytes = (size_t)rand() % share / 4096 * 4096;
		if ((at == 1 || at == 2) && sc->inner && sc->inside + bytes + 8 * MIB > sc->inner)
			at = GROUPS;
		sc->grower_inside = at == 1 || at == 2;
		sc->inside += sc->grower_inside ? bytes : 0;
		start(&sc->cast[i], group[at], rand() % (sc->spread + 1), bytes);
	}
}

static size_t usage(const char *dir)
{
	char path[1024];
	unsigned long long bytes = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, v2 ? "memory.current" : "memory.usage_in_bytes");
	f = fopen(path, "re");
	if (!f || fscanf(f, "%llu", &bytes) != 1)
		bytes = 0;
	if (f)
		fclose(f);
	return (size_t)bytes;
}

/* Far from both limits nothing can happen, so nobody needs to be asked. */
static bool near_the_end(const struct scene *sc)
{
	if (sc->inner && sc->grower_inside && usage(group[1]) + MIB > sc->inner)
		return true;
	return usage(group[0]) + MIB > sc->outer;
}

static void clear(const struct scene *sc)
{
	for (size_t i = 0; i < sc->n; i++)
		dismiss(&sc->cast[i]);
	for (int i = GROUPS; i >= 0; i--)
		for (int k = 0; k < 200 && rmdir(group[i]) && errno == EBUSY; k++)
			usleep(5000);
}

static int play_round(struct oom_sampler *s, int number, int *certain, int *right)
{
	static const int spreads[] = { 0, 30, 200, 1000, 1000 };
	struct scene sc = { .n = 3 + (size_t)(rand() % (CAST - 3)) };
	struct told told = { 0 };
	bool over = false;
	pid_t dead;
	long before;

	sc.spread = spreads[rand() % 5];
	sc.outer = (size_t)(48 + rand() % 112) * MIB;
	sc.inner = rand() % 2 ? 0 : sc.outer * 6 / 10;
	make_groups(sc.outer, sc.inner);
	fill(&sc);
	before = kills();
	for (int i = 0; i < 20000 && !over; i++) {
		if (near_the_end(&sc))
			told = ask(s, sc.grower_inside);
		over = killed_by_step(&sc.cast[sc.n - 1], before);
	}
	dead = who_died();
	printf("%3d: %2zu processes, %3zu MiB%s, adj to %4d: predicted %d ", number, sc.n, sc.outer / MIB,
	       told.inner ? " (inner limit)" : "", sc.spread, told.chosen);
	printf("(replay %d, oomtop %d, margin %lld%s), killed %d%s\n", told.replayed, told.shown, (long long)told.margin,
	       told.certain ? "" : ", a close call", dead, dead == told.chosen ? "" : "   DIFFERS");
	clear(&sc);
	*certain += told.certain;
	*right += dead == told.shown;
	return dead == told.chosen && told.chosen == told.replayed && told.shown == told.chosen ? 0 : told.certain ? 2 : 1;
}

int main(int argc, char **argv)
{
	int rounds = argc > 1 ? atoi(argv[1]) : 50, wrong = 0, drift = 0, certain = 0, right = 0;
	struct oom_sampler_opts opts = { .want = OOM_SAMPLE_CGROUPS | OOM_SAMPLE_COUNTERS | OOM_SAMPLE_KERNEL };
	struct oom_sampler *s;
	struct oom_err err = { 0 };

	oomtop = argc > 3 ? argv[3] : NULL;
	srand(argc > 2 ? (unsigned)atoi(argv[2]) : 1);
	v2 = access("/sys/fs/cgroup/cgroup.controllers", F_OK) == 0;
	snprintf(root, sizeof(root), "/sys/fs/cgroup%s", v2 ? "" : "/memory");
	snprintf(top, sizeof(top), "%s/oomlens-predict-%d", root, getpid());
	if (v2)
		put(root, "cgroup.subtree_control", "+memory");
	if (oom_sampler_open(&opts, &s, &err) < 0) {
		fprintf(stderr, "predict: %s\n", err.text);
		return 3;
	}
	for (int i = 1; i <= rounds; i++) {
		int r = play_round(s, i, &certain, &right);

		wrong += r == 2;
		drift += r == 1;
	}
	oom_sampler_close(s);
	printf("%d rounds: %d predicted right; %d certain predictions, %d of them wrong; %d close calls differed, as they "
	       "said they might\n",
	       rounds, right, certain, wrong, drift);
	return wrong ? 1 : 0;
}
