/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

ssize_t oom_stream_read(struct oom_stream *s, char *p, size_t n, struct oom_err *reterr)
{
	size_t left = s->head_n - s->head_at;

	if (!left)
		return s->read(s->self, p, n, reterr);
	if (left > n)
		left = n;
	memcpy(p, s->head + s->head_at, left);
	s->head_at += left;
	return (ssize_t)left;
}

int oom_stream_peek(struct oom_stream *s, struct oom_str *ret, struct oom_err *reterr)
{
	while (s->head_n < OOM_HEAD) {
		ssize_t n = s->read(s->self, s->head + s->head_n, OOM_HEAD - s->head_n, reterr);

		if (n < 0)
			return (int)n;
		if (n == 0)
			break;
		s->head_n += (size_t)n;
	}
	*ret = (struct oom_str){ s->head, s->head_n };
	return 0;
}

void oom_stream_close(struct oom_stream *s)
{
	if (s->close)
		s->close(s->self);
	*s = (struct oom_stream){ .read = NULL };
}

/* ---- descriptors ------------------------------------------------------------------------------------- */

struct fd_stream {
	const char *path;
	int fd;
};

static ssize_t fd_read(void *self, char *p, size_t n, struct oom_err *reterr)
{
	const struct fd_stream *f = self;

	for (;;) {
		ssize_t got = read(f->fd, p, n);

		if (got >= 0)
			return got;
		if (errno != EINTR)
			return oom_err_set(reterr, errno, "cannot read '%s': %s", f->path, strerror(errno));
	}
}

static void fd_close(void *self)
{
	struct fd_stream *f = self;

	if (f->fd > STDERR_FILENO)
		close(f->fd);
	oom_free(f);
}

int oom_stream_fd(struct oom_stream *s, int fd, const char *path)
{
	struct fd_stream *f = oom_malloc(sizeof(*f));

	if (!f) {
		if (fd > STDERR_FILENO)
			close(fd);
		return -ENOMEM;
	}
	*f = (struct fd_stream){ .path = path, .fd = fd };
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	*s = (struct oom_stream){ .read = fd_read, .close = fd_close, .self = f };
	return 0;
}

/* ---- several files ------------------------------------------------------------------------------------- */

struct files_stream {
	const char *(*next)(const void *of, size_t i);
	const void *of;
	size_t i;
	struct oom_stream file;         /* the one at hand */
};

static ssize_t files_read(void *self, char *p, size_t n, struct oom_err *reterr)
{
	struct files_stream *f = self;

	for (;;) {
		const char *path;
		ssize_t got;
		int fd;

		if (f->file.read) {
			got = oom_stream_read(&f->file, p, n, reterr);
			if (got)
				return got;
			oom_stream_close(&f->file);
		}
		path = f->next(f->of, f->i);
		if (!path)
			return 0;
		f->i++;
		fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
		if (fd < 0)
			return oom_err_set(reterr, errno, "cannot open '%s': %s", path, strerror(errno));
		if (oom_stream_fd(&f->file, fd, path) < 0)
			return oom_err_set(reterr, ENOMEM, "cannot open '%s': out of memory", path);
	}
}

static void files_close(void *self)
{
	struct files_stream *f = self;

	oom_stream_close(&f->file);
	oom_free(f);
}

int oom_stream_files(struct oom_stream *s, const char *(*next)(const void *of, size_t i), const void *of)
{
	struct files_stream *f = oom_malloc(sizeof(*f));

	if (!f)
		return -ENOMEM;
	*f = (struct files_stream){ .next = next, .of = of };
	*s = (struct oom_stream){ .read = files_read, .close = files_close, .self = f };
	return 0;
}

/* ---- UTF-16 ------------------------------------------------------------------------------------------ */

struct utf16_stream {
	struct oom_stream in;
	unsigned high;                  /* first half of a pair, 0 if none */
	size_t n;                       /* bytes in raw: at most one is left between reads */
	bool big_endian;
	unsigned char raw[4096];
};

static size_t put_utf8(char *p, unsigned c)
{
	if (c < 0x80) {
		p[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (char)(0xc0 | c >> 6);
		p[1] = (char)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (char)(0xe0 | c >> 12);
		p[1] = (char)(0x80 | (c >> 6 & 63));
		p[2] = (char)(0x80 | (c & 63));
		return 3;
	}
	p[0] = (char)(0xf0 | c >> 18);
	p[1] = (char)(0x80 | (c >> 12 & 63));
	p[2] = (char)(0x80 | (c >> 6 & 63));
	p[3] = (char)(0x80 | (c & 63));
	return 4;
}

/* One unit; lone halves of pairs become U+FFFD. */
static size_t put_unit(struct utf16_stream *u, char *p, unsigned c)
{
	unsigned high = u->high;
	size_t n = 0;

	u->high = 0;
	if (high && c >= 0xdc00 && c < 0xe000)
		return put_utf8(p, 0x10000 + ((high - 0xd800) << 10) + (c - 0xdc00));
	if (high)
		n = put_utf8(p, 0xfffd);
	if (c >= 0xd800 && c < 0xdc00) {
		u->high = c;
		return n;
	}
	return n + put_utf8(p + n, c >= 0xdc00 && c < 0xe000 ? 0xfffd : c);
}

static ssize_t utf16_read(void *self, char *p, size_t n, struct oom_err *reterr)
{
	struct utf16_stream *u = self;
	size_t out = 0, i;

	/* two bytes become three at most, six where a lone half came before */
	if (n < 16)
		return 0;
	while (!out) {
		size_t want = n / 4 < sizeof(u->raw) ? n / 4 : sizeof(u->raw);
		ssize_t got;

		got = oom_stream_read(&u->in, (char *)u->raw + u->n, want - u->n, reterr);
		if (got <= 0)
			return got;
		u->n += (size_t)got;
		for (i = 0; i + 2 <= u->n; i += 2) {
			unsigned c = u->big_endian ? (unsigned)u->raw[i] << 8 | u->raw[i + 1]
						   : (unsigned)u->raw[i + 1] << 8 | u->raw[i];

			if (c != 0xfeff)
				out += put_unit(u, p + out, c);
		}
		u->n -= i;
		if (u->n)
			u->raw[0] = u->raw[i];
	}
	return (ssize_t)out;
}

static void utf16_close(void *self)
{
	struct utf16_stream *u = self;

	oom_stream_close(&u->in);
	oom_free(u);
}

int oom_stream_utf16(struct oom_stream *s, struct oom_stream *in, bool big_endian)
{
	struct utf16_stream *u = oom_malloc(sizeof(*u));

	if (!u)
		return -ENOMEM;
	u->in = *in;
	u->high = 0;
	u->n = 0;
	u->big_endian = big_endian;
	*s = (struct oom_stream){ .read = utf16_read, .close = utf16_close, .self = u };
	return 0;
}
