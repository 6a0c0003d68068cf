/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How hard it is to get memory, and how often the kernel killed for it. */
#include <oomlens/sample.h>

#include <unistd.h>

#include "pressure.h"
#include "procfs.h"

void oom_load_read(const char *proc_root, struct oom_load *ret)
{
	int dir = oom_proc_root(proc_root ? proc_root : "/proc");
	struct oom_pressure_values v;
	struct oom_pressure p;
	struct oom_str text;
	char buf[16384];

	*ret = (struct oom_load){ OOM_NA, OOM_NA, OOM_NA };
	if (dir < 0)
		return;
	if (oom_proc_read(dir, "vmstat", buf, sizeof(buf), &text) == 0)
		ret->oom_kills = oom_proc_keyed(text, "oom_kill");
	oom_pressure_open(&p, dir);
	oom_pressure_read(&p, &v);
	oom_pressure_close(&p);
	/* memory's some and full, avg10 each, in the order of the file */
	ret->some_avg10 = v.v[0][0];
	ret->full_avg10 = v.v[0][4];
	close(dir);
}
