/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running kernel's log.  Each read() of /dev/kmsg gives one record; a reader that was overtaken gets
 * EPIPE once and goes on with the oldest record left.  How much it missed shows in the sequence numbers,
 * which the reader of the text compares.
 */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define RECORD_MAX 8192         /* CONSOLE_EXT_LOG_MAX of kernels before 6.x; later ones use 2048 */

static const char path[] = "/dev/kmsg";

struct kmsg_stream {
	int fd;
	size_t n, at;
	char record[RECORD_MAX];
};

static ssize_t kmsg_read(void *self, char *p, size_t n, struct oom_err *reterr)
{
	struct kmsg_stream *k = self;
	size_t done = 0;

	while (done < n) {
		ssize_t got;
		size_t take;

		if (k->at < k->n) {
			take = k->n - k->at < n - done ? k->n - k->at : n - done;
			memcpy(p + done, k->record + k->at, take);
			k->at += take;
			done += take;
			continue;
		}
		got = read(k->fd, k->record, sizeof(k->record));
		if (got < 0 && (errno == EINTR || errno == EPIPE))
			continue;
		if (got == 0 || (got < 0 && errno == EAGAIN))
			break;
		if (got < 0)
			return oom_err_set(reterr, errno, "cannot read '%s': %s", path, strerror(errno));
		k->n = (size_t)got;
		k->at = 0;
	}
	return (ssize_t)done;
}

static void kmsg_close(void *self)
{
	struct kmsg_stream *k = self;

	close(k->fd);
	oom_free(k);
}

int oom_stream_kmsg(struct oom_stream *s, struct oom_err *reterr)
{
	struct kmsg_stream *k = oom_malloc(sizeof(*k));

	if (!k)
		return oom_err_set(reterr, ENOMEM, "cannot read '%s': out of memory", path);
	k->n = k->at = 0;
	k->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (k->fd < 0) {
		int e = errno;

		oom_free(k);
		return oom_err_set(reterr, e, "cannot read the kernel log '%s': %s", path, strerror(e));
	}
	*s = (struct oom_stream){ .read = kmsg_read, .close = kmsg_close, .self = k };
	return 0;
}
