/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The runtime directory of the recorder, and the service manager's protocol over a real socket. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../collector/recorder_impl.h"

static char dir[64];

static int setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/oomlens-status-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[96];

	(void)state;
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd) ? -1 : 0;
}

static struct oom_status *open_status(void)
{
	struct oom_status *s = NULL;
	struct oom_err err = { 0 };

	if (oom_status_open(dir, &s, &err))
		fail_msg("%s", err.text);
	return s;
}

static void read_status(struct oom_recorder_state *st)
{
	struct oom_err err = { 0 };

	if (oom_recorder_status(dir, st, &err))
		fail_msg("%s", err.text);
}

/* Every field makes the trip, whatever it holds. */
static void state_comes_back(void **state)
{
	struct oom_recorder_feed feeds[2] = {
		{ .name = OOM_STR("log"), .help = OOM_STR("the kernel log"), .open = 1, .facts = 7, .lost = OOM_NA },
		{ .name = OOM_STR("ballot"), .help = OOM_STR(""), .why = OOM_STR("no \"BPF\"\n\x1b"), .facts = OOM_NA },
	};
	struct oom_recorder_state st = { .feed = feeds, .nfeeds = 2 }, back;
	const struct oom_record *r = &oom_recorder_record;
	struct oom_status *s = open_status();

	(void)state;
	for (size_t i = 0; i < r->nfields; i++) {
		if (r->field[i].type == OOM_TYPE_INT)
			oom_field_set_int(&r->field[i], &st, i % 3 ? (int64_t)(i << 40) + 1 : OOM_NA);
		else if (i % 2)
			oom_field_set_str(&r->field[i], &st, OOM_STR("/a b/\"c\".db"));
	}
	assert_int_equal(oom_status_write(s, &st), 0);
	read_status(&back);
	for (size_t i = 0; i < r->nfields; i++) {
		const struct oom_field *f = &r->field[i];

		if (f->type == OOM_TYPE_INT)
			assert_int_equal(oom_field_int(f, &st), oom_field_int(f, &back));
		else
			assert_true(oom_str_eq(oom_field_str(f, &st), oom_field_str(f, &back)));
	}
	assert_int_equal(back.nfeeds, 2);
	assert_int_equal(back.feed[0].lost, OOM_NA);
	assert_int_equal(back.feed[0].facts, 7);
	assert_true(oom_str_eq(back.feed[1].why, feeds[1].why));
	oom_recorder_state_release(&back);
	oom_status_close(s);
}

static void second_is_refused_and_death_is_seen(void **state)
{
	struct oom_recorder_state st = { .seen = 5 }, back;
	struct oom_status *s = NULL, *other = NULL;
	struct oom_err err = { 0 };
	int fds[2], status;
	pid_t child;
	char c;

	(void)state;
	assert_int_equal(oom_recorder_status(dir, &back, &err), -ENOENT);
	assert_int_equal(pipe(fds), 0);
	child = fork();
	if (child == 0) {
		s = open_status();
		(void)oom_status_write(s, &st);
		(void)!write(fds[1], "x", 1);
		for (;;)
			pause();
	}
	assert_int_equal(read(fds[0], &c, 1), 1);
	read_status(&back);
	assert_int_equal(back.running, 1);
	assert_int_equal(back.seen, 5);
	oom_recorder_state_release(&back);
	err.code = 0;
	assert_int_equal(oom_status_open(dir, &other, &err), -EBUSY);
	assert_non_null(strstr(err.text, dir));
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	read_status(&back);
	assert_int_equal(back.running, 0);
	assert_int_equal(back.seen, 5);
	oom_recorder_state_release(&back);
	/* who starts has not said anything yet, and the dead one's words are not its own */
	s = open_status();
	err.code = 0;
	assert_int_equal(oom_recorder_status(dir, &back, &err), -ENOENT);
	oom_status_close(s);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

/* Somebody who may only read must not be able to keep the recorder from starting. */
static void readers_cannot_lock(void **state)
{
	char path[96];
	struct stat st;

	(void)state;
	oom_status_close(open_status());
	snprintf(path, sizeof(path), "%s/lock", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
}

static void damaged_status_is_said(void **state)
{
	struct oom_recorder_state back;
	struct oom_err err = { 0 };
	char path[96];
	FILE *f;

	(void)state;
	snprintf(path, sizeof(path), "%s/status.json", dir);
	f = fopen(path, "w");
	fputs("{\"feeds\": [", f);
	(void)fclose(f);
	assert_int_equal(oom_recorder_status(dir, &back, &err), -EBADMSG);
	assert_non_null(strstr(err.text, "damaged"));
	f = fopen(path, "w");
	fputs("{\"feeds\": [3, {\"name\": 4}], \"seen\": \"x\", \"pid\": 1e99}", f);
	(void)fclose(f);
	read_status(&back);
	assert_int_equal(back.nfeeds, 2);
	assert_null(back.feed[1].name.p);
	assert_int_equal(back.seen, OOM_NA);
	assert_int_equal(back.pid, OOM_NA);
	assert_int_equal(back.running, 0);
	oom_recorder_state_release(&back);
}

/* ---- notify ----------------------------------------------------------------------------------------------- */

static void one_message(const char *name)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(name);
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);
	char got[64] = "";

	memcpy(a.sun_path, name, n);
	if (name[0] == '@')
		a.sun_path[0] = '\0';
	assert_int_equal(bind(fd, (const struct sockaddr *)&a,
			      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", name, 1), 0);
	assert_int_equal(oom_notify("READY=1\nSTATUS=watching"), 0);
	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), 23);
	assert_string_equal(got, "READY=1\nSTATUS=watching");
	(void)close(fd);
	assert_true(oom_notify("WATCHDOG=1") < 0);           /* nobody listens: said, and no signal */
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
}

static void notify_speaks_to_the_manager(void **state)
{
	char name[96];

	(void)state;
	assert_int_equal(unsetenv("NOTIFY_SOCKET"), 0);
	assert_int_equal(oom_notify("READY=1"), 0);
	snprintf(name, sizeof(name), "%s/notify", dir);
	one_message(name);
	snprintf(name, sizeof(name), "@oomlens-test-%d", (int)getpid());
	one_message(name);
}

static void watchdog_is_of_this_process(void **state)
{
	char pid[32];

	(void)state;
	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("WATCHDOG_USEC");
	assert_int_equal(oom_notify_watchdog_us(), 0);
	(void)setenv("WATCHDOG_USEC", "30000000", 1);
	assert_int_equal(oom_notify_watchdog_us(), 15000000);
	(void)setenv("WATCHDOG_PID", "1", 1);
	assert_int_equal(oom_notify_watchdog_us(), 0);
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("WATCHDOG_PID", pid, 1);
	assert_int_equal(oom_notify_watchdog_us(), 15000000);
	(void)setenv("WATCHDOG_USEC", "many", 1);
	assert_int_equal(oom_notify_watchdog_us(), 0);
	(void)unsetenv("WATCHDOG_PID");
	(void)unsetenv("WATCHDOG_USEC");
}

int test_status(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(state_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(second_is_refused_and_death_is_seen, setup, teardown),
		cmocka_unit_test_setup_teardown(readers_cannot_lock, setup, teardown),
		cmocka_unit_test_setup_teardown(damaged_status_is_said, setup, teardown),
		cmocka_unit_test_setup_teardown(notify_speaks_to_the_manager, setup, teardown),
		cmocka_unit_test(watchdog_is_of_this_process),
	};

	return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
