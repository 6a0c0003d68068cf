/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "census.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "census.skel.h"

struct oom_census {
	struct census_bpf *skel;
	struct bpf_link *link;
	/* The kernel writes whole records, but a read may end within one. */
	_Alignas(8) char buf[256 * sizeof(struct census_rec)];
};

static OOM_PRINTF(2, 0) int hush(enum libbpf_print_level level, const char *fmt, va_list ap)
{
	(void)level;
	(void)fmt;
	(void)ap;
	return 0;
}

static int try_load(struct oom_census *c, bool v2, bool probe, bool cast)
{
	c->skel = census_bpf__open();
	if (!c->skel)
		return -errno;
	c->skel->rodata->on_v2 = v2;
	c->skel->rodata->may_probe = probe;
	c->skel->rodata->may_cast = cast;
	return census_bpf__load(c->skel);
}

/* With all that kernels have, then without what lockdown or an old verifier refuses. */
static int load(struct oom_census *c, bool v2)
{
	static const struct { bool probe, cast; } attempts[] = { { true, true }, { false, true }, { true, false } };
	int r = -ENOTSUP;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(attempts); i++) {
		r = try_load(c, v2, attempts[i].probe, attempts[i].cast);
		if (!r)
			return 0;
		census_bpf__destroy(c->skel);
		c->skel = NULL;
	}
	return r;
}

void oom_census_close(struct oom_census *c)
{
	if (!c)
		return;
	bpf_link__destroy(c->link);
	census_bpf__destroy(c->skel);
	oom_free(c);
}

int oom_census_open(bool v2, struct oom_census **ret, struct oom_err *reterr)
{
	struct oom_census *c = oom_malloc(sizeof(*c));
	libbpf_print_fn_t before;
	int r;

	if (!c)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	memset(c, 0, offsetof(struct oom_census, buf));
	before = libbpf_set_print(hush);
	r = load(c, v2);
	if (!r) {
		c->link = bpf_program__attach_iter(c->skel->progs.census, NULL);
		if (!c->link)
			r = -errno;
	}
	(void)libbpf_set_print(before);
	if (r) {
		oom_census_close(c);
		return oom_err_set(reterr, -r, "the kernel does not let BPF walk its tasks: %s", strerror(-r));
	}
	*ret = c;
	return 0;
}

int oom_census_read(struct oom_census *c, int (*each)(void *arg, const struct census_rec *r), void *arg)
{
	int fd = bpf_iter_create(bpf_link__fd(c->link)), r = 0;
	size_t have = 0;
	ssize_t n = 0;

	if (fd < 0)
		return fd;
	while (!r && (n = read(fd, c->buf + have, sizeof(c->buf) - have)) != 0) {
		size_t at = 0;

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0) {
			r = -errno;
			break;
		}
		have += (size_t)n;
		for (; !r && have - at >= sizeof(struct census_rec); at += sizeof(struct census_rec))
			r = each(arg, (const struct census_rec *)(const void *)(c->buf + at));
		memmove(c->buf, c->buf + at, have - at);
		have -= at;
	}
	close(fd);
	return r;
}
