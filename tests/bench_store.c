/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What storing costs: events as a server of 2024 makes them (100 tasks, 200 memory facts, 180 lines),
 * microseconds and bytes. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <oomlens/store.h>

#define EVENTS  4000
#define SAMPLES 50
#define TASKS   100

static uint32_t seed = 1;

static int64_t dice(uint32_t n)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % n;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void add_line(struct oom_event *ev, struct oom_str text)
{
	struct oom_raw *raw = oom_event_add_raw(ev);

	raw->line = ev->first_line + (int64_t)ev->nraw - 1;
	raw->text =
		oom_arena_fmt(&ev->arena, "Jun 20 12:47:43 db7 kernel: [%lld.%06lld] %.*s",
			      (long long)(ev->boot_us / 1000000),
			      (long long)(ev->boot_us % 1000000 + (int64_t)ev->nraw), (int)text.n, text.p);
}

static void add_memory(struct oom_event *ev)
{
	static const char *const zones[] = { "DMA", "DMA32", "Normal" };
	static const char *const names[] = {
		"free",
		"boost",
		"min",
		"low",
		"high",
		"reserved_highatomic",
		"active_anon",
		"inactive_anon",
		"active_file",
		"inactive_file",
		"unevictable",
		"writepending",
		"present",
		"managed",
		"mlocked",
		"bounce",
		"free_pcp",
		"local_pcp",
		"free_cma",
		"shmem",
		"slab_reclaimable",
		"slab_unreclaimable",
		"kernel_stack",
		"pagetables",
		"sec_pagetables",
	};

	for (int area = OOM_AREA_GLOBAL; area <= OOM_AREA_FREELIST; area++) {
		for (int z = 0; z < (area < OOM_AREA_ZONE ? 1 : 3); z++) {
			struct oom_str text = OOM_STR("Node 0");

			for (size_t i = 0; i < (area == OOM_AREA_FREELIST ? 11 : OOM_ARRAY_SIZE(names));
			     i++) {
				struct oom_memory *m = oom_event_add_memory(ev);

				m->area = area;
				m->node = area == OOM_AREA_GLOBAL ? OOM_NA : 0;
				m->unit = area == OOM_AREA_FREELIST ? OOM_UNIT_NONE : OOM_UNIT_KB;
				m->line = ev->first_line + (int64_t)ev->nraw;
				m->zone = area < OOM_AREA_ZONE ? OOM_STR_NULL : oom_str_from(zones[z]);
				m->name = oom_str_from(names[i]);
				m->value = dice(3) ? dice(1000000) : 0;
				if (area == OOM_AREA_FREELIST)
					m->text = OOM_STR("UME");
				text = oom_arena_fmt(&ev->arena, "%.*s %s:%lldkB", (int)text.n, text.p,
						     names[i], (long long)m->value);
			}
			add_line(ev, text);
		}
	}
	while (ev->nraw < 79)
		add_line(ev, OOM_STR(" ? __alloc_pages_slowpath.constprop.0+0xc31/0xd50"));
}

static void make_event(struct oom_event *ev, int n)
{
	static const char *const names[] = {
		"systemd-journal", "systemd-udevd", "sshd",   "bash",	 "postgres", "java",
		"python3",	   "nginx",	    "agetty", "kworker", "cron",
	};

	oom_event_init(ev);
	ev->host = OOM_STR("db7");
	ev->kernel = OOM_STR("6.1.0-28-amd64");
	ev->path = OOM_STR("/var/log/kern.log");
	ev->first_line = 200 * (int64_t)n;
	ev->boot_us = 1000000000 + 7000001 * (int64_t)n;
	ev->stamp = OOM_STR("Jun 20 12:47:43");
	ev->trigger_comm = OOM_STR("postgres");
	ev->gfp_raw = OOM_STR("0x140cca");
	ev->gfp_flags = OOM_STR("GFP_HIGHUSER_MOVABLE|__GFP_COMP");
	ev->constraint = OOM_STR("CONSTRAINT_NONE");
	ev->page_size = 4096;
	add_memory(ev);
	ev->at[OOM_AT_TABLE] = ev->first_line + (int64_t)ev->nraw - 1;
	for (int i = 0; i < TASKS; i++) {
		struct oom_task *t = oom_event_add_task(ev);

		t->pid = t->tgid = 200 + 37 * i + dice(30);
		t->uid = dice(3) ? 0 : 1000;
		t->oom_score_adj = dice(4) ? 0 : -250;
		t->total_vm_pages = dice(500000);
		t->rss_pages = dice(100000);
		t->swap_pages = dice(2) ? dice(5000) : 0;
		t->pgtables_bytes = 4096 * dice(500);
		t->comm = oom_str_from(names[dice(OOM_ARRAY_SIZE(names))]);
		t->line = ev->first_line + (int64_t)ev->nraw;
		add_line(ev, oom_arena_fmt(&ev->arena,
					   "[%7lld] %5lld %5lld %8lld %8lld %8lld %8lld         %5lld %s",
					   (long long)t->pid, (long long)t->uid, (long long)t->tgid,
					   (long long)t->total_vm_pages, (long long)t->rss_pages,
					   (long long)t->pgtables_bytes, (long long)t->swap_pages,
					   (long long)t->oom_score_adj, t->comm.p));
	}
	oom_event_add_victim(ev)->pid = ev->task[50].pid;
	add_line(ev, OOM_STR("Out of memory: Killed process 1234 (java) total-vm:1kB, anon-rss:1kB, "
			     "file-rss:1kB, shmem-rss:1kB"));
}

static void make_replay(struct oom_replay *r, const struct oom_event *ev)
{
	static struct oom_score score[TASKS];
	static uint32_t rank[TASKS];

	memset(r, 0, sizeof(*r));
	for (uint32_t i = 0; i < TASKS; i++) {
		const struct oom_task *t = &ev->task[i];

		score[i].nominal = score[i].points.lo = score[i].points.hi =
			t->rss_pages + t->swap_pages + t->pgtables_bytes / 4096 + t->oom_score_adj * 4000;
		rank[i] = i;
	}
	r->event = ev;
	r->profile = oom_profile_named("5.9");
	r->total = (struct oom_range){ 4000000, 4000000 };
	r->score = score;
	r->nscores = TASKS;
	r->rank = rank;
	r->margin = 100;
	r->drift_bound = r->evidence_line = OOM_NA;
	r->text = OOM_STR("it had the highest badness");
}

static void check(int r, const struct oom_err *err)
{
	if (r < 0) {
		fprintf(stderr, "bench_store: %s\n", err->text);
		exit(1);
	}
}

int main(void)
{
	const char *dir = getenv("TMPDIR");
	char path[256], cmd[800];
	struct oom_store *s;
	struct oom_err err = { 0 };
	struct oom_event ev[SAMPLES], back;
	struct oom_replay r;
	struct stat st;
	double t, spent;
	int64_t id = 0;
	size_t raw = 0;

	snprintf(path, sizeof(path), "%s/oomlens-bench-%d.db", dir ? dir : "/tmp", (int)getpid());
	check(oom_store_open(path, OOM_STORE_WRITE, &s, &err), &err);
	for (int i = 0; i < SAMPLES; i++) {
		make_event(&ev[i], i);
		for (size_t k = 0; k < ev[i].nraw; k++)
			raw += (ev[i].raw[k].text.n + 1) * (EVENTS / SAMPLES);
	}
	t = now();
	for (int n = 0; n < EVENTS; n++) {
		struct oom_event *e = &ev[n % SAMPLES];

		if (n % 1000 == 0)
			check(oom_store_begin(s, &err), &err);
		e->boot_us += 7;                 /* another event to the store */
		make_replay(&r, e);
		check(oom_store_put(s, e, &r, &id, &err), &err);
		if (n % 1000 == 999)
			check(oom_store_commit(s, &err), &err);
	}
	spent = now() - t;
	for (int i = 0; i < SAMPLES; i++)
		oom_event_release(&ev[i]);
	t = now();
	check(oom_store_close(s, &err), &err);
	spent += now() - t;
	stat(path, &st);
	printf("store put   %6.1f us/event %6.2f us/task %6.0f MB/s of log; %lld bytes/event, %.1f "
	       "bytes/task\n",
	       spent / EVENTS * 1e6, spent / EVENTS / TASKS * 1e6, (double)raw / spent / 1e6,
	       (long long)st.st_size / EVENTS, (double)st.st_size / EVENTS / TASKS);
	if (getenv("PUT_ONLY"))
		return puts(path), 0;
	check(oom_store_open(path, OOM_STORE_READ, &s, &err), &err);
	t = now();
	for (id = 1; id <= EVENTS; id++) {
		check(oom_store_load(s, id, &back, &err), &err);
		oom_event_release(&back);
	}
	printf("store load  %6.1f us/event\n", (now() - t) / EVENTS * 1e6);
	check(oom_store_close(s, &err), &err);
	if (getenv("KEEP"))
		return puts(path), 0;
	snprintf(cmd, sizeof(cmd), "rm -f %s %s-wal %s-shm", path, path, path);
	return system(cmd);
}
