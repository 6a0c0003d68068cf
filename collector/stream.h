/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes from somewhere, in order, with a look at their head before anybody reads them. */
#ifndef OOMLENS_STREAM_H
#define OOMLENS_STREAM_H

#include <oomlens/base.h>

#include <sys/types.h>

#define OOM_HEAD 1024

struct oom_stream {
	/* up to n bytes; 0 at the end, -errno with reterr set */
	ssize_t (*read)(void *self, char *p, size_t n, struct oom_err *reterr);
	void (*close)(void *self);      /* may be NULL */
	void *self;
	char head[OOM_HEAD];            /* read ahead by peek */
	size_t head_n, head_at;
};

ssize_t oom_stream_read(struct oom_stream *s, char *p, size_t n, struct oom_err *reterr);
/* The first bytes, as many as there are up to OOM_HEAD, lent; only before the first read. */
int oom_stream_peek(struct oom_stream *s, struct oom_str *ret, struct oom_err *reterr);
void oom_stream_close(struct oom_stream *s);

/* Takes the descriptor over; path (borrowed until close) is for messages. */
int oom_stream_fd(struct oom_stream *s, int fd, const char *path);
/* Files one behind the other; next(of, i) names the i-th, NULL behind the last.  of is borrowed. */
int oom_stream_files(struct oom_stream *s, const char *(*next)(const void *of, size_t i), const void *of);
/* UTF-16 as UTF-8; takes in over on success. */
int oom_stream_utf16(struct oom_stream *s, struct oom_stream *in, bool big_endian);
/* Wraps s in the decoder of its compression (unpack.c).  1, 0 if it has none of ours, -errno; s stays the
 * caller's in any case.  path is borrowed until close. */
int oom_stream_unpack(struct oom_stream *s, const char *path, struct oom_err *reterr);
/* The records that the running kernel holds, one after the other (kmsg.c). */
int oom_stream_kmsg(struct oom_stream *s, struct oom_err *reterr);

#endif
