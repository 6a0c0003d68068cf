/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running kernel's log.  Each read() of /dev/kmsg gives one record; a reader that was overtaken gets
 * EPIPE once and goes on with the oldest record left.  How much it missed shows in the sequence numbers,
 * which the reader of the text compares.
 */
#include "kmsg.h"
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const char path[] = "/dev/kmsg";

struct kmsg_stream {
	int fd;
	size_t n, at;
	char record[OOM_KMSG_RECORD_MAX];
};

int oom_kmsg_open(struct oom_err *reterr)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	return fd >= 0 ? fd : oom_err_set(reterr, errno, "cannot read the kernel log '%s': %s", path, strerror(errno));
}

ssize_t oom_kmsg_read(int fd, char *p, struct oom_err *reterr)
{
	ssize_t n;

	do
		n = read(fd, p, OOM_KMSG_RECORD_MAX);
	while (n < 0 && (errno == EINTR || errno == EPIPE));
	if (n >= 0 || errno == EAGAIN)
		return n > 0 ? n : 0;
	return oom_err_set(reterr, errno, "cannot read '%s': %s", path, strerror(errno));
}

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
		got = oom_kmsg_read(k->fd, k->record, reterr);
		if (got < 0)
			return got;
		if (!got)
			break;
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
	k->fd = oom_kmsg_open(reterr);
	if (k->fd < 0) {
		int r = k->fd;

		oom_free(k);
		return r;
	}
	*s = (struct oom_stream){ .read = kmsg_read, .close = kmsg_close, .self = k };
	return 0;
}
