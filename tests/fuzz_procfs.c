/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: the input as each of the kernel's text files that the sampler reads. */
#include <stdlib.h>
#include <string.h>

#include "../collector/cgroup.h"
#include "../collector/nodes.h"
#include "../collector/procfs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool holds)
{
	if (!holds)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct oom_nodes nodes;
	struct oom_str text = { (const char *)data, size };
	struct oom_cgroups cgroups = { .version = size & 1 ? 1 : 2 };
	struct oom_proc_status a, b;
	struct oom_proc_meminfo mem;
	int32_t set;

	oom_proc_status(text, false, &a);
	oom_proc_status(text, true, &b);
	check(a.ncomm < sizeof(a.comm) && a.ncomm == b.ncomm && !memcmp(a.comm, b.comm, sizeof(a.comm)));
	check(a.vm_swap_kb == OOM_NA || a.vm_swap_kb >= 0);
	oom_proc_meminfo(text, &mem);
	(void)oom_proc_keyed(text, "oom_kill");
	(void)oom_proc_start_ticks(text);
	(void)oom_cgroups_path(&cgroups, text);
	nodes.nsets = 0;
	set = oom_nodes_set(&nodes, text);
	check(set < 0 || oom_nodes_set(&nodes, text) == set);
	text = oom_nodes_bind(text);
	if (text.p)
		(void)oom_nodes_set(&nodes, text);
	return 0;
}
