/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The runtime directory: "lock" keeps a second recorder out, "status.json" is what the recorder last said of itself,
 * and "alive" is a socket that takes connections only while its owner lives.  Whoever may look may tell a live
 * recorder from a dead one, and nobody but its owner can take the lock away.
 */
#include "recorder_impl.h"
#include "status.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define STATUS_MAX ((size_t)1 << 20)

struct oom_status {
	int dir, lock, alive;
	char path[4096];
};

/* ---- which directory ----------------------------------------------------------------------------------- */

struct places { char path[3][4096]; size_t n; };

static void add_place(struct places *p, const char *dir, size_t n, const char *below)
{
	if (n && n + strlen(below) < sizeof(p->path[0]))
		snprintf(p->path[p->n++], sizeof(p->path[0]), "%.*s%s", (int)n, dir, below);
}

/* The service manager's list is separated by colons. */
static void places_of(const char *given, struct places *ret)
{
	const char *service = getenv("RUNTIME_DIRECTORY"), *user = getenv("XDG_RUNTIME_DIR");

	ret->n = 0;
	if (given) {
		add_place(ret, given, strlen(given), "");
		return;
	}
	if (service)
		add_place(ret, service, strcspn(service, ":"), "");
	add_place(ret, "/run/oomlens", strlen("/run/oomlens"), "");
	if (user)
		add_place(ret, user, strlen(user), "/oomlens");
}

static int open_dir(const char *path)
{
	int fd;

	if (mkdir(path, geteuid() == 0 ? 0755 : 0700) < 0 && errno != EEXIST)
		return -errno;
	if (access(path, W_OK) < 0)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int choose_dir(const char *given, struct oom_status *s, struct oom_err *reterr)
{
	struct places p;
	int r = -ENAMETOOLONG;

	places_of(given, &p);
	for (size_t i = 0; i < p.n; i++) {
		r = open_dir(p.path[i]);
		if (r >= 0) {
			s->dir = r;
			memcpy(s->path, p.path[i], sizeof(s->path));
			return 0;
		}
	}
	if (given || p.n > 1)
		return oom_err_set(reterr, -r, "cannot use the runtime directory '%s': %s",
				   p.n ? p.path[p.n - 1] : given, strerror(-r));
	return oom_err_set(reterr, -r, "cannot use '/run/oomlens' (%s), and XDG_RUNTIME_DIR names no directory of "
			   "yours: name one with --runtime-dir", strerror(-r));
}

/* ---- the lock and the sign of life ----------------------------------------------------------------------- */

static int take_lock(struct oom_status *s, struct oom_err *reterr)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	s->lock = openat(s->dir, "lock", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (s->lock < 0)
		return oom_err_set(reterr, errno, "cannot open '%s/lock': %s", s->path, strerror(errno));
	if (fcntl(s->lock, F_OFD_SETLK, &l) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return oom_err_set(reterr, EBUSY, "another recorder runs with the runtime directory '%s': see "
				   "'oomlens record --status'", s->path);
	return oom_err_set(reterr, errno, "cannot lock '%s/lock': %s", s->path, strerror(errno));
}

/* Paths of sockets are short; one through the directory's descriptor always is. */
static struct sockaddr_un alive_address(int dir)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	snprintf(a.sun_path, sizeof(a.sun_path), "/proc/self/fd/%d/alive", dir);
	return a;
}

static int show_alive(struct oom_status *s, struct oom_err *reterr)
{
	struct sockaddr_un a = alive_address(s->dir);

	(void)unlinkat(s->dir, "alive", 0);
	s->alive = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (s->alive < 0 || bind(s->alive, (const struct sockaddr *)&a, sizeof(a)) < 0 ||
	    fchmodat(s->dir, "alive", 0666, 0) < 0)
		return oom_err_set(reterr, errno, "cannot make '%s/alive': %s", s->path, strerror(errno));
	return 0;
}

static bool is_alive(int dir)
{
	struct sockaddr_un a = alive_address(dir);
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool ret = fd >= 0 && connect(fd, (const struct sockaddr *)&a, sizeof(a)) == 0;

	if (fd >= 0)
		(void)close(fd);
	return ret;
}

int oom_status_open(const char *runtime_dir, struct oom_status **ret, struct oom_err *reterr)
{
	struct oom_status *s = oom_malloc(sizeof(*s));
	int r;

	if (!s)
		return oom_err_set(reterr, ENOMEM, "cannot start the recorder: out of memory");
	s->dir = s->lock = s->alive = -1;
	r = choose_dir(runtime_dir, s, reterr);
	if (!r)
		r = take_lock(s, reterr);
	/* nobody shall take the state of an earlier one for that of this one, which has yet to open its feeds */
	if (!r)
		(void)unlinkat(s->dir, "status.json", 0);
	if (!r)
		r = show_alive(s, reterr);
	if (r)
		oom_status_close(s);
	else
		*ret = s;
	return r;
}

void oom_status_close(struct oom_status *s)
{
	const int *fd;

	if (!s)
		return;
	if (s->alive >= 0)
		(void)unlinkat(s->dir, "alive", 0);
	fd = (const int[]){ s->alive, s->lock, s->dir };
	for (int i = 0; i < 3; i++)
		if (fd[i] >= 0)
			(void)close(fd[i]);
	oom_free(s);
}

const char *oom_status_dir(const struct oom_status *s)
{
	return s->path;
}

/* ---- the file --------------------------------------------------------------------------------------------- */

static int write_file(int dir, const struct oom_recorder_state *st)
{
	int fd = openat(dir, "status.new", O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644), r;
	FILE *out = fd < 0 ? NULL : fdopen(fd, "w");

	if (!out) {
		r = -errno;
		if (fd >= 0)
			(void)close(fd);
		return r;
	}
	(void)fchmod(fd, 0644);              /* whatever the umask: it is for everyone to read */
	r = oom_recorder_json(st, out);
	errno = 0;
	if (fflush(out) != 0 || ferror(out))
		r = errno ? -errno : -EIO;
	(void)fclose(out);
	return r;
}

int oom_status_write(struct oom_status *s, struct oom_recorder_state *st)
{
	struct timespec now;
	int r;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	st->written_us = (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
	st->running = 1;
	r = write_file(s->dir, st);
	if (!r && renameat(s->dir, "status.new", s->dir, "status.json") < 0)
		r = -errno;
	return r;
}

static int read_file(int dir, struct oom_buf *b)
{
	int fd = openat(dir, "status.json", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC), r = 0;
	char part[4096];
	ssize_t n;

	if (fd < 0)
		return -errno;
	b->max = STATUS_MAX;
	while ((n = read(fd, part, sizeof(part))) > 0 && !r)
		r = oom_buf_add(b, part, (size_t)n);
	if (n < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

static int read_place(const char *path, struct oom_recorder_state *ret, struct oom_err *reterr)
{
	struct oom_buf b = { 0 };
	int dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = dir < 0 ? -errno : read_file(dir, &b);

	if (!r)
		r = oom_recorder_parse((struct oom_str){ b.p, b.n }, ret);
	if (!r)
		ret->running = is_alive(dir);
	else if (r == -ENOENT)
		(void)oom_err_set(reterr, ENOENT,
				  "no recorder has run, or it is only starting: there is no '%s/status.json'", path);
	else
		(void)oom_err_set(reterr, -r, "cannot read '%s/status.json': %s", path,
				  r == -EBADMSG ? "it is damaged" : strerror(-r));
	oom_buf_release(&b);
	if (dir >= 0)
		(void)close(dir);
	return r;
}

int oom_recorder_status(const char *runtime_dir, struct oom_recorder_state *ret, struct oom_err *reterr)
{
	struct places p;
	struct oom_err first = { 0 };
	bool have = false;

	places_of(runtime_dir, &p);
	for (size_t i = 0; i < p.n && !(have && ret->running); i++) {
		struct oom_recorder_state st;

		if (read_place(p.path[i], &st, &first))
			continue;
		if (!have || st.running) {
			if (have)
				oom_recorder_state_release(ret);
			*ret = st;
			have = true;
		} else {
			oom_recorder_state_release(&st);
		}
	}
	return have ? 0 : oom_err_set(reterr, first.code ? first.code : ENOENT, "%s", first.text);
}
