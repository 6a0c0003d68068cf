/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stand-in for trace.c where the build found no libtracefs or libtraceevent. */
#include "feed.h"

#include <errno.h>

static int none(struct oom_err *reterr)
{
	return oom_err_set(reterr, ENOTSUP, "this oomlens was built without libtracefs");
}

int oom_trace_open(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr)
{
	(void)opt;
	(void)ret;
	return none(reterr);
}

int oom_trace_decode(struct oom_str format, const void *raw, size_t n, int64_t mono_us, struct oom_fact *ret,
		     struct oom_err *reterr)
{
	(void)format;
	(void)raw;
	(void)n;
	(void)mono_us;
	(void)ret;
	return none(reterr);
}

int oom_trace_fd(const struct oom_feed *feed)
{
	(void)feed;
	return -1;
}

int oom_trace_drain(struct oom_feed *feed, oom_fact_fn *fn, void *arg)
{
	(void)feed;
	(void)fn;
	(void)arg;
	return -ENOTSUP;
}

uint64_t oom_trace_lost(const struct oom_feed *feed)
{
	(void)feed;
	return 0;
}

const char *oom_trace_limits(const struct oom_feed *feed)
{
	(void)feed;
	return NULL;
}

bool oom_trace_tells(const struct oom_feed *feed, enum oom_fact_kind kind)
{
	(void)feed;
	(void)kind;
	return false;
}

void oom_trace_close(struct oom_feed *feed)
{
	(void)feed;
}
