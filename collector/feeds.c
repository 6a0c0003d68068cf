/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

const struct oom_feed_ops oom_feeds[] = {
	{
		.name = "ballot", .serves = "selection",
		.help = "every candidate with the kernel's own points, while the kernel weighs it (BPF)",
		.open = oom_ballot_open, .fd = oom_bpf_fd, .drain = oom_bpf_drain, .lost = oom_bpf_lost,
		.limits = oom_bpf_limits, .tells = oom_bpf_tells, .close = oom_bpf_close,
	},
	{
		.name = "walk", .serves = "selection",
		.help = "all processes as they stand when a victim is marked (BPF, Linux 6.7 on)",
		.open = oom_walk_open, .fd = oom_bpf_fd, .drain = oom_bpf_drain, .lost = oom_bpf_lost,
		.limits = oom_bpf_limits, .tells = oom_bpf_tells, .close = oom_bpf_close,
	},
	{
		.name = "trace", .serves = "tracepoints",
		.help = "the kernel's oom tracepoints: victims, and what became of them",
		.open = oom_trace_open, .fd = oom_trace_fd, .drain = oom_trace_drain, .lost = oom_trace_lost,
		.limits = oom_trace_limits, .tells = oom_trace_tells, .close = oom_trace_close,
	},
	{ .name = NULL },
};

const char *const oom_fact_kind_names[] = {
	[OOM_FACT_SELECTION] = "selection",
	[OOM_FACT_CANDIDATE] = "candidate",
	[OOM_FACT_CHOSEN] = "chosen",
	[OOM_FACT_NO_VICTIM] = "no_victim",
	[OOM_FACT_ABORTED] = "aborted",
	[OOM_FACT_KILL] = "kill",
	[OOM_FACT_MARK_VICTIM] = "mark_victim",
	[OOM_FACT_QUEUE_REAPER] = "queue_reaper",
	[OOM_FACT_WAKE_REAPER] = "wake_reaper",
	[OOM_FACT_REAP_START] = "reap_start",
	[OOM_FACT_REAP_FINISH] = "reap_finish",
	[OOM_FACT_REAP_PARTIAL] = "reap_partial",
	[OOM_FACT_REAP_SKIP] = "reap_skip",
	[OOM_FACT_EXIT_MMAP_BEGIN] = "exit_mmap_begin",
	[OOM_FACT_EXIT_MMAP_END] = "exit_mmap_end",
	[OOM_FACT_FREED] = "freed",
	[OOM_FACT_SCORE_ADJ] = "score_adj",
	[OOM_FACT_RETRY_ZONE] = "retry_zone",
	[OOM_FACT_COMPACT_RETRY] = "compact_retry",
	[OOM_FACT_KINDS] = NULL,
};

const char *oom_fact_flag_name(unsigned bit)
{
	static const char *const names[] = {
		"reconstructed", "ineligible", "passed_over", "origin", "oom_skip", "oom_victim", "vfork",
		"dead_leader", "no_mm", "silent",
	};

	return bit < OOM_ARRAY_SIZE(names) ? names[bit] : NULL;
}

#define INT(member, u, text) \
	{ .key = #member, .offset = offsetof(struct oom_fact, member), .type = OOM_TYPE_INT, \
	  .unit = OOM_UNIT_##u, .help = text }

static const struct oom_field fact_fields[] = {
	{ .key = "kind", .offset = offsetof(struct oom_fact, kind), .type = OOM_TYPE_ENUM,
	  .names = oom_fact_kind_names, .help = "what happened" },
	INT(mono_us, US, "when, CLOCK_MONOTONIC"),
	INT(round, NONE, "number of the selection"),
	INT(flags, NONE, "bits: see oom_fact_flag_name"),
	INT(count, NONE, "how many such rounds"),
	INT(pid, NONE, "thread"),
	INT(tgid, NONE, "process"),
	INT(uid, NONE, "real user id"),
	INT(oom_score_adj, NONE, "oom_score_adj"),
	{ .key = "comm", .kernel = "comm", .offset = offsetof(struct oom_fact, comm), .type = OOM_TYPE_STR,
	  .help = "name of the thread" },
	INT(start_us, US, "start of the process, CLOCK_BOOTTIME"),
	INT(memcg_id, NONE, "kernfs id of the memory cgroup"),
	INT(total_vm_pages, PAGES, "address space"),
	INT(rss_anon_pages, PAGES, "resident anonymous memory"),
	INT(rss_file_pages, PAGES, "resident file mappings"),
	INT(rss_shmem_pages, PAGES, "resident shared memory"),
	INT(swap_pages, PAGES, "swap entries"),
	INT(pgtables_bytes, BYTES, "page tables"),
	INT(points, PAGES, "the kernel's badness"),
	INT(total_pages, PAGES, "totalpages of the selection"),
	INT(constraint, NONE, "0 none, 1 cpuset, 2 memory policy, 3 memory cgroup"),
	INT(gfp_mask, NONE, "of the allocation that failed"),
	INT(order, NONE, "of the allocation that failed; -1 = sysrq"),
	INT(node, NONE, "memory node"),
	INT(zone, NONE, "index of the zone"),
	INT(reclaimable_pages, PAGES, "could be reclaimed"),
	INT(available_pages, PAGES, "free and reclaimable"),
	INT(min_wmark_pages, PAGES, "the watermark to be met"),
	INT(retries, NONE, "rounds without progress"),
	INT(max_retries, NONE, "rounds allowed"),
	INT(result, NONE, "result of compaction"),
	INT(priority, NONE, "priority of compaction"),
	INT(retry, NONE, "1: the allocator tries again"),
};

const struct oom_record oom_fact_record = {
	.table = "fact", .field = fact_fields, .nfields = OOM_ARRAY_SIZE(fact_fields),
	.size = sizeof(struct oom_fact),
};

void oom_fact_init(struct oom_fact *f, int64_t kind, int64_t mono_us)
{
	memset(f, 0, sizeof(*f));
	for (size_t i = 0; i < OOM_ARRAY_SIZE(fact_fields); i++)
		if (fact_fields[i].type == OOM_TYPE_INT)
			oom_field_set_int(&fact_fields[i], f, OOM_NA);
	f->kind = kind;
	f->mono_us = mono_us;
	f->flags = 0;
}

/* ---- paths of memory cgroups -------------------------------------------------------------------------- */

/* Where the memory controller is mounted: version 1 has a mount of its own. */
static int open_memcg_mount(const char **ret)
{
	static const struct { const char *path; long magic; } mounts[] = {
		{ "/sys/fs/cgroup/memory", CGROUP_SUPER_MAGIC },
		{ "/sys/fs/cgroup", CGROUP2_SUPER_MAGIC },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(mounts); i++) {
		struct statfs fs;

		if (statfs(mounts[i].path, &fs) < 0 || fs.f_type != mounts[i].magic)
			continue;
		*ret = mounts[i].path;
		return open(mounts[i].path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	errno = ENOENT;
	return -1;
}

int oom_cgroup_path(int64_t memcg_id, char *buf, size_t size)
{
	union {
		struct file_handle h;
		char room[sizeof(struct file_handle) + sizeof(int64_t)];
	} u = { .h = { .handle_bytes = sizeof(int64_t), .handle_type = 0xfe } };   /* FILEID_KERNFS, 5.5 on */
	const char *mount = NULL;
	char link[64], path[4096];
	int mount_fd, fd, ret = 0;
	size_t skip;
	ssize_t n;

	if (memcg_id == OOM_NA || !size)
		return -EINVAL;
	mount_fd = open_memcg_mount(&mount);
	if (mount_fd < 0)
		return -errno;
	memcpy(u.h.f_handle, &memcg_id, sizeof(memcg_id));
	fd = open_by_handle_at(mount_fd, &u.h, O_PATH | O_CLOEXEC);
	if (fd < 0) {
		ret = errno == ESTALE ? -ENOENT : -errno;
		goto out;
	}
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path));
	if (n < 0)
		ret = -errno;
	(void)close(fd);
	if (ret < 0)
		goto out;
	skip = strlen(mount);
	if ((size_t)n < skip || memcmp(path, mount, skip) != 0) {
		ret = -ENOENT;
		goto out;
	}
	n -= (ssize_t)skip;
	if (n == 0) {
		path[skip] = '/';
		n = 1;
	}
	if ((size_t)n >= size || skip + (size_t)n >= sizeof(path)) {
		ret = -ENAMETOOLONG;
		goto out;
	}
	memcpy(buf, path + skip, (size_t)n);
	buf[n] = 0;
	ret = (int)n;
out:
	(void)close(mount_fd);
	return ret;
}
