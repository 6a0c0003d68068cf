/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stand-in for bpf.c where the build found no clang for BPF, no bpftool or no libbpf. */
#include "feed.h"

#include <errno.h>

int oom_ballot_open(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr)
{
	(void)opt;
	(void)ret;
	return oom_err_set(reterr, ENOTSUP, "this oomlens was built without BPF");
}

int oom_walk_open(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr)
{
	return oom_ballot_open(opt, ret, reterr);
}

int oom_bpf_fd(const struct oom_feed *feed)
{
	(void)feed;
	return -1;
}

int oom_bpf_drain(struct oom_feed *feed, oom_fact_fn *fn, void *arg)
{
	(void)feed;
	(void)fn;
	(void)arg;
	return -ENOTSUP;
}

uint64_t oom_bpf_lost(const struct oom_feed *feed)
{
	(void)feed;
	return 0;
}

const char *oom_bpf_limits(const struct oom_feed *feed)
{
	(void)feed;
	return NULL;
}

bool oom_bpf_tells(const struct oom_feed *feed, enum oom_fact_kind kind)
{
	(void)feed;
	(void)kind;
	return false;
}

void oom_bpf_close(struct oom_feed *feed)
{
	(void)feed;
}
