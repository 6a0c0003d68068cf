/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How long a replay takes per candidate: bench_replay [candidates].  Prints the best of several runs and its ratio
 * to one loop over the same rows that adds up what makes a badness. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <oomlens/replay.h>

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void fill(struct oom_event *ev, size_t n, const char *release)
{
	uint64_t x = 42;

	oom_event_init(ev);
	ev->kernel = oom_str_from(release);
	ev->scope = OOM_SCOPE_GLOBAL;
	ev->page_size = 4096;
	ev->has_table = ev->table_complete = ev->has_mem_info = 1;
	ev->ram_pages = 8000000;
	ev->reserved_pages = 100000;
	ev->swap_total_kb = 0;
	ev->outcome = OOM_OUTCOME_KILLED;
	for (size_t i = 0; i < n; i++) {
		struct oom_task *t = oom_event_add_task(ev);

		if (!t)
			exit(1);
		x = x * 6364136223846793005u + 1442695040888963407u;
		t->pid = t->tgid = 100 + (int64_t)i;
		t->uid = i % 3 ? 1000 : 0;
		t->comm = OOM_STR("task");
		t->rss_pages = (int64_t)(x >> 44);
		t->total_vm_pages = t->rss_pages * 3;
		t->swap_pages = (int64_t)(x >> 50) % 1000;
		t->pgtables_bytes = t->rss_pages * 8;
		t->oom_score_adj = i % 10 ? 0 : (int64_t)(x >> 33) % 2001 - 1000;
	}
}

static double plain_loop(const struct oom_event *ev)
{
	double t = now_ms();
	volatile int64_t result;
	int64_t sum = 0;

	for (size_t i = 0; i < ev->ntasks; i++)
		sum += ev->task[i].rss_pages + ev->task[i].swap_pages + ev->task[i].pgtables_bytes / 4096 +
		       ev->task[i].oom_score_adj;
	result = sum;
	(void)result;
	return now_ms() - t;
}

static void measure(size_t n, const char *release)
{
	double run = 1e9, rank = 1e9, plain = 1e9, first = 0;
	struct oom_event ev;

	fill(&ev, n, release);
	/* the ordinary case: the kernel took the task that the replay takes */
	struct oom_replay once;

	if (oom_replay_run(&ev, NULL, &once) < 0)
		exit(1);
	if (once.winner >= 0)
		ev.chosen_pid = ev.task[once.winner].tgid;
	oom_replay_release(&once);
	for (int i = 0; i < 20; i++) {
		struct oom_replay r;
		double d = plain_loop(&ev), a = now_ms(), b, c;

		if (oom_replay_run(&ev, NULL, &r) < 0)
			exit(1);
		b = now_ms();
		if (oom_replay_rank(&r) < 0)
			exit(1);
		c = now_ms();
		first = i ? first : b - a;
		run = b - a < run ? b - a : run;
		rank = c - b < rank ? c - b : rank;
		plain = d < plain ? d : plain;
		oom_replay_release(&r);
	}
	printf("%-8s %zu candidates: run %.3f ms (%.1f ns each, first %.3f ms), rank %.3f ms; a loop that adds %.3f ms,"
	       " ratio %.1f\n", release, n, run, run * 1e6 / (double)n, first, rank, plain, run / plain);
	oom_event_release(&ev);
}

int main(int argc, char **argv)
{
	size_t n = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;

	measure(n, "6.1.0");
	measure(n, "4.19.0");
	measure(n, "4.4.0");
	return 0;
}
