/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The service manager's side of a daemon: one datagram a message, see sd_notify(3). */
#include "recorder_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int oom_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	size_t n = path ? strlen(path) : 0;
	ssize_t sent;
	int fd, r = 0;

	if (!n)
		return 0;
	if ((path[0] != '/' && path[0] != '@') || n >= sizeof(to.sun_path))
		return -EINVAL;
	memcpy(to.sun_path, path, n);
	if (path[0] == '@')
		to.sun_path[0] = '\0';           /* the abstract name space */
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	sent = sendto(fd, state, strlen(state), MSG_NOSIGNAL | MSG_DONTWAIT, (const struct sockaddr *)&to,
		      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
	if (sent < 0)
		r = -errno;
	(void)close(fd);
	return r;
}

static bool env_number(const char *name, int64_t *ret)
{
	struct oom_str s = oom_str_from(getenv(name));

	return oom_take_i64(&s, ret) && !s.n;
}

int64_t oom_notify_watchdog_us(void)
{
	int64_t us, pid;

	/* The variables are inherited; they speak of one process. */
	if (getenv("WATCHDOG_PID") && (!env_number("WATCHDOG_PID", &pid) || pid != getpid()))
		return 0;
	return env_number("WATCHDOG_USEC", &us) && us > 1 ? us / 2 : 0;
}
