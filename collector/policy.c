/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running kernel is set to do when memory runs out. */
#include <oomlens/lint.h>

#include <sys/klog.h>
#include <unistd.h>

#include "procfs.h"

#define SYSLOG_ACTION_SIZE_BUFFER 10          /* syslog(2) */

void oom_policy_read(const char *proc_root, struct oom_policy *ret)
{
	const struct { int64_t *to; const char *path; } files[] = {
		{ &ret->panic_on_oom, "sys/vm/panic_on_oom" },
		{ &ret->oom_kill_allocating_task, "sys/vm/oom_kill_allocating_task" },
		{ &ret->oom_dump_tasks, "sys/vm/oom_dump_tasks" },
		{ &ret->panic_timeout_s, "sys/kernel/panic" },
	};
	int proc = oom_proc_root(proc_root ? proc_root : "/proc");
	int bytes = proc_root ? -1 : klogctl(SYSLOG_ACTION_SIZE_BUFFER, NULL, 0);

	ret->log_bytes = bytes > 0 ? bytes : OOM_NA;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(files); i++)
		*files[i].to = proc >= 0 ? oom_proc_number(proc, files[i].path) : OOM_NA;
	if (proc >= 0)
		close(proc);
}
