/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bounded readers of kernel text files below a directory, and the parsers of those the sampler needs: private
 * to the sampler.  No stdio and no allocation: the caller's buffers are used again and again.
 */
#ifndef OOMLENS_COLLECTOR_PROCFS_H
#define OOMLENS_COLLECTOR_PROCFS_H

#include <oomlens/base.h>

/* Opens a directory for openat() alone (O_PATH); -errno. */
int oom_proc_root(const char *path);
/* Up to cap bytes of dirfd/path; ret borrows buf.  0 or -errno. */
int oom_proc_read(int dirfd, const char *path, char *buf, size_t cap, struct oom_str *ret);
/* The same from an open file's start, in one read: enough for the one-record files of a process. */
int oom_proc_pread(int fd, char *buf, size_t cap, struct oom_str *ret);
/* A file that holds one number; OOM_NA when it cannot be read, OOM_UNLIMITED for "max" and what is past
 * the counters. */
int64_t oom_proc_number(int dirfd, const char *path);
/* The value of "key N" in a file of such lines; OOM_NA. */
int64_t oom_proc_keyed(struct oom_str text, const char *key);
/* Lines, one after the other, without their end. */
bool oom_proc_line(struct oom_str *rest, struct oom_str *line);

/* A directory read in blocks. */
struct oom_proc_dir {
	int fd;
	long have, at;
	_Alignas(16) char block[32768];
};
struct oom_proc_entry { const char *name; uint64_t ino; bool maybe_dir; };
int  oom_proc_dir_open(struct oom_proc_dir *d, int dirfd, const char *path);    /* 0 or -errno */
/* no "." and ".."; name lent until the next */
bool oom_proc_dir_next(struct oom_proc_dir *d, struct oom_proc_entry *ret);
void oom_proc_dir_close(struct oom_proc_dir *d);
/* The name as a pid: digits alone, no leading zero, within the kernel's range; 0 if it is none. */
int32_t oom_proc_pid(const char *name);

/* /proc/PID/status.  kB as the kernel prints them; OOM_NA for lines that are not there (an old kernel, no
 * mm). */
struct oom_proc_status {
	int64_t tgid, pid, ppid, uid, kthread, threads;
	int64_t vm_size_kb, vm_rss_kb, rss_anon_kb, rss_file_kb, rss_shmem_kb, vm_pte_kb, vm_pmd_kb,
	    vm_swap_kb;
	struct oom_str mems;          /* Mems_allowed_list; borrows the text */
	char comm[16];
	size_t ncomm;
};
/* whole: read on for Mems_allowed_list, which comes late. */
void oom_proc_status(struct oom_str text, bool whole, struct oom_proc_status *ret);

struct oom_proc_meminfo { int64_t total_kb, free_kb, available_kb, swap_total_kb, swap_free_kb; };
void oom_proc_meminfo(struct oom_str text, struct oom_proc_meminfo *ret);

/* Start time in clock ticks since boot from /proc/PID/stat; the name in it ends at the last ')'.  OOM_NA. */
int64_t oom_proc_start_ticks(struct oom_str stat);

#endif
