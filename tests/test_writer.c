/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The recorder's writer in the weather that it is made for: real files, real locks of other processes, a file system
 * that is full or read-only, a store that is taken away, kill -9.  Every event must end in the store, once, in order.
 */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../collector/recorder_impl.h"

#define PATIENCE_US 100000

static char dir[64], db[128], spool[96];

/* What the writer said, from its thread. */
static pthread_mutex_t said_lock = PTHREAD_MUTEX_INITIALIZER;
static char said[8192];

static void on_say(void *arg, int level, const char *text)
{
	size_t n;

	(void)arg;
	pthread_mutex_lock(&said_lock);
	n = strlen(said);
	snprintf(said + n, sizeof(said) - n, "<%d>%s\n", level, text);
	pthread_mutex_unlock(&said_lock);
}

static int times_said(const char *what)
{
	int n = 0;

	pthread_mutex_lock(&said_lock);
	for (const char *p = said; (p = strstr(p, what)) != NULL; p++)
		n++;
	pthread_mutex_unlock(&said_lock);
	return n;
}

static int setup(void **state)
{
	(void)state;
	said[0] = '\0';
	snprintf(dir, sizeof(dir), "/tmp/oomlens-writer-XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(db, sizeof(db), "%s/oom.db", dir);
	snprintf(spool, sizeof(spool), "%s/spool.db", dir);
	return 0;
}

static int teardown(void **state)
{
	char cmd[160];

	(void)state;
	snprintf(cmd, sizeof(cmd), "umount %s/mnt 2> /dev/null; rm -rf %s", dir, dir);
	return system(cmd) ? -1 : 0;
}

/* ---- a writer ------------------------------------------------------------------------------------------ */

static struct oom_writer *open_writer(const char *with_spool, size_t max_bytes)
{
	const struct oom_writer_opts o = {
		.db = db, .spool = with_spool, .max_queue_bytes = max_bytes, .patience_us = PATIENCE_US, .say = on_say,
	};
	struct oom_writer *w = NULL;
	struct oom_err err = { 0 };

	if (oom_writer_open(&o, &w, &err))
		fail_msg("%s", err.text);
	return w;
}

static void close_writer(struct oom_writer *w)
{
	struct oom_err err = { 0 };

	if (oom_writer_close(w, &err))
		fail_msg("%s", err.text);
}

static int64_t now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000;
}

static struct oom_store_mark mark_at(int64_t line)
{
	return (struct oom_store_mark){
		.host = OOM_STR("db7"), .machine_id = OOM_STR("m"), .boot_id = OOM_STR("b"), .next_line = line,
		.oom_kill = line, .kills = line, .seen_us = line,
	};
}

/* Event number n as the log tells it. */
static void make_event(struct oom_event *ev, int64_t n)
{
	struct oom_victim *v;

	oom_event_init(ev);
	ev->host = OOM_STR("db7");
	ev->machine_id = OOM_STR("m");
	ev->boot_id = OOM_STR("b");
	ev->boot_us = n * 1000;
	ev->wall_us = INT64_C(1700000000000000) + n * 1000;
	ev->outcome = OOM_OUTCOME_KILLED;
	ev->feeds = OOM_STR("log");
	ev->chosen_pid = 1000 + n;
	v = oom_event_add_victim(ev);
	assert_non_null(v);
	v->pid = 1000 + n;
	v->comm = OOM_STR("hog");
}

static int put(struct oom_writer *w, int64_t n)
{
	struct oom_join_out out = { .decided_us = now_us(), .first = true };
	const struct oom_store_mark mark = mark_at(n);

	make_event(&out.ev, n);
	return oom_writer_put(w, &out, &mark);
}

/* Until the writer's state is as wanted; it tells by its descriptor. */
#define wait_until(w, st, condition) do { \
	int64_t limit_ = now_us() + 20000000; \
	for (oom_writer_state(w, st); !(condition); oom_writer_state(w, st)) { \
		struct pollfd p_ = { .fd = oom_writer_fd(w), .events = POLLIN }; \
		if (now_us() > limit_) \
			fail_msg("never: %s; said:\n%s", #condition, said); \
		(void)poll(&p_, 1, 100); \
	} \
} while (0)

/* ---- what is in a store -------------------------------------------------------------------------------- */

struct found { int64_t n[1000]; size_t count; };

static int find_one(void *arg, int64_t id)
{
	struct found *f = arg;

	f->n[f->count++] = id;
	return 0;
}

/* Pids of the victims in the order of the ids: the order in which they were stored. */
static void events_of(const char *path, struct found *ret)
{
	const struct oom_filter all = { .limit = 0 };
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };

	ret->count = 0;
	if (oom_store_open(path, OOM_STORE_READ, &s, &err) || oom_store_each(s, &all, find_one, ret, &err))
		fail_msg("%s", err.text);
	for (size_t i = 0; i < ret->count; i++) {
		struct oom_event ev;

		assert_int_equal(ret->n[i], i + 1);
		assert_int_equal(oom_store_load(s, ret->n[i], &ev, &err), 0);
		assert_int_equal(ev.nvictims, 1);
		ret->n[i] = ev.victim[0].pid;
		oom_event_release(&ev);
	}
	(void)oom_store_close(s, NULL);
}

/* Events from to to, each once, in order. */
static void holds(const char *path, int64_t from, int64_t to)
{
	struct found f;

	events_of(path, &f);
	for (size_t i = 0; i < f.count; i++)
		assert_int_equal(f.n[i], 1000 + from + (int64_t)i);
	assert_int_equal(f.count, to - from + 1);
}

static int64_t next_line_in(struct oom_writer *w)
{
	struct oom_store_mark m = mark_at(OOM_NA);

	return oom_writer_mark(w, &m, NULL) == 1 ? m.next_line : OOM_NA;
}

/* ---- somebody else's lock ------------------------------------------------------------------------------ */

struct holder { pid_t pid; int end; };

static struct holder lock_store(void)
{
	int begin[2], end[2];
	struct holder h;
	char c;

	assert_int_equal(pipe2(begin, O_CLOEXEC), 0);
	assert_int_equal(pipe2(end, O_CLOEXEC), 0);
	h.pid = fork();
	if (h.pid == 0) {
		struct oom_store *s = NULL;

		(void)close(end[1]);
		if (oom_store_open(db, OOM_STORE_WRITE, &s, NULL) || oom_store_begin(s, NULL))
			_exit(1);
		(void)!write(begin[1], "x", 1);
		(void)!read(end[0], &c, 1);
		(void)oom_store_close(s, NULL);
		_exit(0);
	}
	(void)close(begin[1]);
	(void)close(end[0]);
	assert_int_equal(read(begin[0], &c, 1), 1);
	(void)close(begin[0]);
	h.end = end[1];
	return h;
}

static void unlock_store(struct holder *h)
{
	int status;

	(void)close(h->end);
	assert_int_equal(waitpid(h->pid, &status, 0), h->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* ---- fair weather -------------------------------------------------------------------------------------- */

static void stores_events_mark_and_facts(void **state)
{
	const struct oom_fact fact = { .kind = OOM_FACT_MARK_VICTIM, .mono_us = 5, .pid = 1001, .comm = OOM_STR("hog") };
	struct oom_writer *w = open_writer(spool, 0);
	struct oom_writer_state st;

	(void)state;
	assert_int_equal(next_line_in(w), OOM_NA);
	for (int64_t n = 1; n <= 40; n++) {
		const struct oom_store_mark mark = mark_at(n);

		assert_int_equal(put(w, n), 0);
		assert_int_equal(oom_writer_trace(w, "trace", &fact, &mark), 0);
	}
	wait_until(w, &st, st.stored == 40);
	assert_int_equal(st.merged, 0);
	assert_int_equal(st.waiting, 0);
	assert_int_equal(st.trouble[0], 0);
	assert_true(st.latency_us[0] > 0 && st.latency_us[0] <= st.latency_us[1]);
	close_writer(w);
	holds(db, 1, 40);
	assert_string_equal(said, "");
	assert_int_not_equal(access(spool, F_OK), 0);
	w = open_writer(spool, 0);
	assert_int_equal(next_line_in(w), 40);
	close_writer(w);
}

static struct oom_event load_first(void)
{
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };
	struct oom_event ev = { .ntasks = 0 };

	if (oom_store_open(db, OOM_STORE_READ, &s, &err) || oom_store_load(s, 1, &ev, &err))
		fail_msg("%s", err.text);
	(void)oom_store_close(s, NULL);
	return ev;
}

/* Knowledge comes later, or is seen again with less: nothing is lost, and what is known is not written again. */
static void later_knowledge_is_added(void **state)
{
	struct oom_writer *w = open_writer(NULL, 0);
	struct oom_join_out out = { .decided_us = OOM_NA };
	struct oom_writer_state st;
	struct oom_life *life;
	struct oom_event ev;

	(void)state;
	assert_int_equal(put(w, 1), 0);
	wait_until(w, &st, st.stored == 1);
	make_event(&out.ev, 1);
	out.ev.feeds = OOM_STR("log ballot");
	out.ev.ballot = OOM_BALLOT_RECORDED;
	life = oom_event_add_life(&out.ev);
	life->pid = life->tgid = 1001;
	life->freed_us = 77;
	assert_int_equal(oom_writer_put(w, &out, NULL), 0);
	wait_until(w, &st, st.merged == 1);
	close_writer(w);

	w = open_writer(NULL, 0);
	assert_int_equal(put(w, 1), 0);          /* the log alone, read again after a restart */
	assert_int_equal(put(w, 2), 0);
	wait_until(w, &st, st.stored == 1);
	assert_int_equal(st.merged, 0);
	close_writer(w);
	ev = load_first();
	assert_int_equal(ev.nlives, 1);
	assert_int_equal(ev.life[0].freed_us, 77);
	assert_int_equal(ev.ballot, OOM_BALLOT_RECORDED);
	oom_event_release(&ev);
	holds(db, 1, 2);
}

/* ---- trouble ------------------------------------------------------------------------------------------- */

static void short_lock_is_waited_for(void **state)
{
	struct oom_writer *w = open_writer(spool, 0);
	struct oom_writer_state st;
	struct holder h;

	(void)state;
	assert_int_equal(put(w, 1), 0);
	wait_until(w, &st, st.stored == 1);
	h = lock_store();
	assert_int_equal(put(w, 2), 0);
	(void)usleep(PATIENCE_US / 4);
	unlock_store(&h);
	wait_until(w, &st, st.stored == 2);
	close_writer(w);
	assert_string_equal(said, "");
	holds(db, 1, 2);
}

static void locked_store_is_spooled_for(void **state)
{
	struct oom_writer *w = open_writer(spool, 0);
	struct oom_writer_state st;
	struct holder h;

	(void)state;
	assert_int_equal(put(w, 1), 0);
	wait_until(w, &st, st.stored == 1);
	h = lock_store();
	for (int64_t n = 2; n <= 30; n++)
		assert_int_equal(put(w, n), 0);
	wait_until(w, &st, st.spooled == 29);
	assert_int_equal(st.waiting, 0);
	assert_non_null(strstr(st.trouble, "holds the lock"));
	assert_int_equal(put(w, 31), 0);
	wait_until(w, &st, st.spooled == 30);
	assert_int_equal(next_line_in(w), 31);   /* the spool has it */
	unlock_store(&h);
	wait_until(w, &st, st.stored == 31 && !st.trouble[0]);
	assert_int_equal(st.spooled, 0);
	assert_int_equal(put(w, 32), 0);
	close_writer(w);
	holds(db, 1, 32);
	assert_int_not_equal(access(spool, F_OK), 0);
	assert_int_equal(times_said("events go to"), 1);
	assert_int_equal(times_said("is written again"), 1);
	assert_int_equal(times_said("30 events came from the spool"), 1);
}

/* The spool of a run that was killed is the next run's. */
static void killed_while_spooling(void **state)
{
	struct oom_writer_state st;
	struct oom_writer *w = open_writer(spool, 0);
	struct holder h;
	int ready[2], status;
	pid_t child;
	char c;

	(void)state;
	assert_int_equal(put(w, 1), 0);
	wait_until(w, &st, st.stored == 1);
	close_writer(w);
	h = lock_store();
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	child = fork();
	if (child == 0) {
		w = open_writer(spool, 0);
		for (int64_t n = 1; n <= 20; n++)        /* the first one it has stored already */
			(void)put(w, n);
		wait_until(w, &st, st.spooled == 20);
		(void)!write(ready[1], "x", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	unlock_store(&h);
	(void)close(ready[0]);
	(void)close(ready[1]);
	w = open_writer(spool, 0);
	assert_int_equal(next_line_in(w), 20);
	oom_writer_state(w, &st);
	assert_int_equal(st.stored, 19);
	close_writer(w);
	holds(db, 1, 20);
	assert_int_not_equal(access(spool, F_OK), 0);
	assert_int_equal(times_said("19 events that an earlier run spooled"), 1);
}

/* Stopped while the store is in trouble: said, and nothing is lost. */
static void stopped_in_trouble(void **state)
{
	struct oom_writer *w = open_writer(spool, 0);
	struct holder h = lock_store();
	struct oom_err err = { 0 };

	(void)state;
	for (int64_t n = 1; n <= 5; n++)
		assert_int_equal(put(w, n), 0);
	assert_int_equal(oom_writer_close(w, &err), -EAGAIN);
	assert_non_null(strstr(err.text, spool));
	unlock_store(&h);
	holds(spool, 1, 5);
	close_writer(open_writer(spool, 0));
	holds(db, 1, 5);
}

static void full_memory_drops_and_says_so(void **state)
{
	struct oom_writer *w = open_writer(NULL, (size_t)200 << 10);
	struct oom_writer_state st;
	struct holder h = lock_store();
	int64_t n = 1, kept;

	(void)state;
	while (put(w, n) == 0)
		n++;
	kept = n - 1;
	assert_true(kept > 3 && kept < 60);
	assert_int_equal(put(w, n + 1), -ENOBUFS);
	oom_writer_state(w, &st);
	assert_int_equal(st.dropped, 2);
	assert_int_equal(st.waiting, kept);
	wait_until(w, &st, times_said("dropped") == 1);
	unlock_store(&h);
	wait_until(w, &st, st.stored == kept);
	assert_int_equal(put(w, n + 2), 0);
	wait_until(w, &st, st.stored == kept + 1);
	/* the next run must look at the dropped ones again */
	assert_int_equal(next_line_in(w), kept);
	close_writer(w);
}

static void store_that_is_taken_away(void **state)
{
	struct oom_writer *w = open_writer(spool, 0);
	struct oom_writer_state st;
	char moved[128], wal[160];

	(void)state;
	snprintf(moved, sizeof(moved), "%s/old.db", dir);
	snprintf(wal, sizeof(wal), "%s-wal", db);
	assert_int_equal(put(w, 1), 0);
	assert_int_equal(put(w, 2), 0);
	wait_until(w, &st, st.stored == 2);
	assert_int_equal(rename(db, moved), 0);
	assert_int_equal(put(w, 3), 0);
	assert_int_equal(put(w, 4), 0);
	wait_until(w, &st, st.stored == 4);
	holds(moved, 1, 2);
	assert_int_equal(unlink(db), 0);
	assert_int_equal(unlink(wal), 0);
	assert_int_equal(put(w, 5), 0);
	wait_until(w, &st, st.stored == 5);
	assert_int_equal(times_said("was moved or removed"), 2);
	close_writer(w);
	holds(db, 5, 5);
}

static void reopened_on_request(void **state)
{
	struct oom_writer *w = open_writer(spool, 0);
	struct oom_writer_state st;
	char moved[128];

	(void)state;
	snprintf(moved, sizeof(moved), "%s/old.db", dir);
	assert_int_equal(put(w, 1), 0);
	wait_until(w, &st, st.stored == 1);
	assert_int_equal(rename(db, moved), 0);
	oom_writer_reopen(w);
	wait_until(w, &st, access(db, F_OK) == 0);
	holds(moved, 1, 1);
	assert_int_equal(put(w, 2), 0);
	close_writer(w);
	holds(db, 2, 2);
	assert_string_equal(said, "");
}

static void write_garbage(const char *path)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	for (int i = 0; i < 1000; i++)
		fputs("this is not a database, however long it goes on ", f);
	assert_int_equal(fclose(f), 0);
}

static void damaged_files(void **state)
{
	const struct oom_writer_opts o = { .db = db, .patience_us = PATIENCE_US };
	struct oom_err err = { 0 };
	struct oom_writer *w = NULL;
	char aside[128];

	(void)state;
	/* a spool that nobody can read is out of the way */
	write_garbage(spool);
	w = open_writer(spool, 0);
	assert_int_equal(put(w, 1), 0);
	close_writer(w);
	holds(db, 1, 1);
	snprintf(aside, sizeof(aside), "%s.damaged", spool);
	assert_int_equal(access(aside, F_OK), 0);
	assert_int_equal(times_said("it is kept as"), 1);
	/* a store that nobody can read is for a person to look at */
	assert_int_equal(unlink(db), 0);
	write_garbage(db);
	assert_int_equal(oom_writer_open(&o, &w, &err), -EBADMSG);
	assert_non_null(strstr(err.text, db));
}

/* Damage that comes while the recorder runs: the events are safe, and stored when somebody has put a store there. */
static void store_damaged_under_way(void **state)
{
	struct oom_writer *w = open_writer(spool, 0);
	struct oom_writer_state st;
	char aside[128];

	(void)state;
	assert_int_equal(put(w, 1), 0);
	wait_until(w, &st, st.stored == 1);
	assert_int_equal(unlink(db), 0);
	write_garbage(db);
	assert_int_equal(put(w, 2), 0);
	wait_until(w, &st, st.spooled == 1);
	assert_non_null(strstr(st.trouble, "damaged or is not a database"));
	snprintf(aside, sizeof(aside), "%s/garbage", dir);
	assert_int_equal(rename(db, aside), 0);
	assert_int_equal(put(w, 3), 0);
	wait_until(w, &st, st.stored == 3);
	close_writer(w);
	holds(db, 2, 3);
}

/* ---- file systems -------------------------------------------------------------------------------------- */

/* A small file system of our own; the name space is private to this process. */
static void mount_small(void)
{
	static bool apart;
	char mnt[80];

	if (!apart && (unshare(CLONE_NEWNS) || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL))) {
		print_message("cannot run here: mounting needs root\n");
		skip();
	}
	apart = true;
	snprintf(mnt, sizeof(mnt), "%s/mnt", dir);
	assert_int_equal(mkdir(mnt, 0755), 0);
	assert_int_equal(mount("none", mnt, "tmpfs", 0, "size=4m"), 0);
	snprintf(db, sizeof(db), "%s/oom.db", mnt);
}

static int fill(const char *path)
{
	static const char block[65536];
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	while (write(fd, block, sizeof(block)) > 0)
		;
	return close(fd);
}

static void full_disk(void **state)
{
	struct oom_writer_state st;
	struct oom_writer *w;
	char filler[128];
	int64_t n = 1;

	(void)state;
	mount_small();
	w = open_writer(spool, 0);
	assert_int_equal(put(w, n++), 0);
	wait_until(w, &st, st.stored == 1);
	snprintf(filler, sizeof(filler), "%s/mnt/filler", dir);
	assert_int_equal(fill(filler), 0);
	/* what SQLite has already may take some */
	do {
		assert_int_equal(put(w, n++), 0);
		wait_until(w, &st, st.waiting == 0);
	} while (!st.spooled && n < 500);
	assert_true(st.spooled > 0);
	assert_non_null(strstr(st.trouble, "no space left"));
	for (int i = 0; i < 10; i++)
		assert_int_equal(put(w, n++), 0);
	wait_until(w, &st, st.waiting == 0);
	assert_int_equal(unlink(filler), 0);
	wait_until(w, &st, st.stored == n - 1);
	assert_int_equal(st.dropped, 0);
	close_writer(w);
	holds(db, 1, n - 1);
	assert_int_not_equal(access(spool, F_OK), 0);
	assert_int_equal(times_said("events go to"), 1);
}

/* A recorder that starts where the file system was made read-only after an error. */
static void read_only_disk(void **state)
{
	struct oom_writer_state st;
	struct oom_writer *w;
	char mnt[80];

	(void)state;
	mount_small();
	snprintf(mnt, sizeof(mnt), "%s/mnt", dir);
	w = open_writer(spool, 0);
	assert_int_equal(put(w, 1), 0);
	close_writer(w);
	assert_int_equal(mount(NULL, mnt, NULL, MS_REMOUNT | MS_RDONLY, NULL), 0);
	w = open_writer(spool, 0);
	assert_int_equal(next_line_in(w), 1);    /* it can be read */
	assert_int_equal(put(w, 2), 0);
	wait_until(w, &st, st.spooled == 1);
	assert_int_equal(next_line_in(w), 2);
	assert_non_null(strstr(st.trouble, db));
	assert_int_equal(mount(NULL, mnt, NULL, MS_REMOUNT, NULL), 0);
	wait_until(w, &st, st.stored == 1);
	close_writer(w);
	holds(db, 1, 2);
}

/* Neither takes anything: memory is what is left, and it is enough. */
static void store_and_spool_full(void **state)
{
	struct oom_writer_state st;
	struct oom_writer *w;
	char filler[128], inside[128];
	int64_t n = 1;

	(void)state;
	mount_small();
	snprintf(inside, sizeof(inside), "%s/mnt/spool.db", dir);
	w = open_writer(inside, 0);
	assert_int_equal(put(w, n++), 0);
	wait_until(w, &st, st.stored == 1);
	snprintf(filler, sizeof(filler), "%s/mnt/filler", dir);
	assert_int_equal(fill(filler), 0);
	while (!times_said("wait in memory") && n < 500) {
		assert_int_equal(put(w, n++), 0);
		(void)usleep(2000);
	}
	assert_int_equal(times_said("wait in memory"), 1);
	assert_int_equal(unlink(filler), 0);
	wait_until(w, &st, st.stored == n - 1);
	close_writer(w);
	holds(db, 1, n - 1);
}

static void old_events_go(void **state)
{
	const struct oom_writer_opts o = { .db = db, .keep_us = INT64_C(3600) * 1000000, .patience_us = PATIENCE_US };
	struct oom_writer *w = open_writer(NULL, 0);
	struct found f = { .count = 1 };
	struct oom_err err = { 0 };

	(void)state;
	assert_int_equal(put(w, 1), 0);          /* of 2023 */
	close_writer(w);
	if (oom_writer_open(&o, &w, &err))
		fail_msg("%s", err.text);
	for (int i = 0; i < 200 && f.count; i++) {
		(void)usleep(10000);
		events_of(db, &f);
	}
	assert_int_equal(f.count, 0);
	close_writer(w);
}

int test_writer(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(stores_events_mark_and_facts), T(later_knowledge_is_added), T(short_lock_is_waited_for),
		T(locked_store_is_spooled_for), T(killed_while_spooling), T(stopped_in_trouble),
		T(full_memory_drops_and_says_so), T(store_that_is_taken_away), T(reopened_on_request), T(damaged_files),
		T(store_damaged_under_way), T(full_disk), T(read_only_disk), T(store_and_spool_full), T(old_events_go),
	};
#undef T

	return cmocka_run_group_tests_name("writer", tests, NULL, NULL);
}
