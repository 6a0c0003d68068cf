/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in for census.c in a build without libbpf. */
#include "census.h"

#include <errno.h>

int oom_census_open(unsigned int what, unsigned int room, struct oom_census **ret, struct oom_err *reterr)
{
	(void)what;
	(void)room;
	(void)ret;
	return oom_err_set(reterr, ENOTSUP, "this oomlens was built without BPF");
}

int oom_census_read(struct oom_census *c, int (*each)(void *arg, const struct census_rec *r), void *arg)
{
	(void)c;
	(void)each;
	(void)arg;
	return -ENOTSUP;
}

void oom_census_close(struct oom_census *c)
{
	(void)c;
}
