/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The running kernel's side of the recorder: feeds and facts.  A feed is one way in which the kernel tells
 * what its OOM killer does; a fact is what one feed saw at one moment.  Facts are not yet an event: who joins
 * them keeps in mind that two feeds may tell the same thing and that each feed may lose some.
 */
#ifndef OOMLENS_LIVE_H
#define OOMLENS_LIVE_H

#include <oomlens/base.h>
#include <oomlens/event.h>
#include <oomlens/fact.h>

extern const char *const oom_fact_kind_names[];
/* Name of a single bit of oom_fact.flags, NULL if there is no such bit. */
const char *oom_fact_flag_name(unsigned bit);

/* What is unknown is OOM_NA or has p == NULL.  comm is lent until the callback returns. */
struct oom_fact {
	int64_t kind;                 /* enum oom_fact_kind */
	int64_t mono_us;              /* CLOCK_MONOTONIC */
	int64_t round;                /* joins the facts of one selection; each feed has its own */
	int64_t flags, count;
	/* whom it is about; for SELECTION and NO_VICTIM whose allocation failed */
	int64_t pid, tgid, uid, oom_score_adj;
	struct oom_str comm;
	int64_t start_us;             /* start of the process, CLOCK_BOOTTIME: with tgid, one process */
	int64_t memcg_id;             /* kernfs id; SELECTION: of the one at its limit, 0 = global */
	int64_t total_vm_pages, rss_anon_pages, rss_file_pages, rss_shmem_pages, swap_pages, pgtables_bytes;
	/* the selection */
	int64_t points;               /* the kernel's own badness */
	int64_t total_pages;
	int64_t constraint;           /* the kernel's: 0 none, 1 cpuset, 2 memory policy, 3 memcg */
	int64_t gfp_mask, order;
	/* RETRY_ZONE, COMPACT_RETRY */
	int64_t node, zone, reclaimable_pages, available_pages, min_wmark_pages;
	int64_t retries, max_retries, result, priority, retry;
};
/* The columns of a fact; array and count mean nothing here. */
extern const struct oom_record oom_fact_record;

struct oom_feed;                      /* one open feed */
struct oom_feed_opt {
	bool reclaim;                 /* also RETRY_ZONE and COMPACT_RETRY */
	size_t ring_bytes;            /* of the ballot, a power of two, at least 1 MiB; 0 = 2 MiB */
};

typedef void oom_fact_fn(void *arg, const struct oom_fact *fact);

/* Whatever a feed needs is allocated by open; the other functions allocate nothing and do not wait. */
struct oom_feed_ops {
	const char *name, *help;
	const char *serves;           /* of feeds that serve the same, open the first that can be opened */
	/* 0, or -errno and in reterr the reason in one sentence for a person.  opt may be NULL. */
	int  (*open)(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr);
	int  (*fd)(const struct oom_feed *feed);                           /* readable when there are facts */
	/* Number of facts, or -errno.  Counts alone make nothing readable: call it now and then. */
	int  (*drain)(struct oom_feed *feed, oom_fact_fn *fn, void *arg);
	uint64_t (*lost)(const struct oom_feed *feed);                     /* facts lost since open */
	const char *(*limits)(const struct oom_feed *feed);                /* "cannot tell ..."; or NULL */
	bool (*tells)(const struct oom_feed *feed, enum oom_fact_kind kind);   /* can facts of the kind come? */
	void (*close)(struct oom_feed *feed);                              /* NULL is fine */
};
/* In order of preference, ends with name == NULL. */
extern const struct oom_feed_ops oom_feeds[];

/* Path of a memory cgroup below its mount point, from memcg_id, if it still exists: "/a/b", "/" for the root.
 * Bytes of the path without its NUL, or -errno: -ENOENT: it is gone, -EPERM: no CAP_DAC_READ_SEARCH. */
int oom_cgroup_path(int64_t memcg_id, char *buf, size_t size);

/* One raw event of a trace buffer, decoded by the text of its format file; n bytes from the common fields on.
 * ret->comm points into raw.  0, or -errno: -ENOTSUP for an event of others, or without libtraceevent. */
int oom_trace_decode(struct oom_str format, const void *raw, size_t n, int64_t mono_us, struct oom_fact *ret,
		     struct oom_err *reterr);

/* ---- the kernel log while it is written: /dev/kmsg --------------------------------------------------------- */

struct oom_line;
struct oom_klog;
/* From record next_line on (OOM_NA: from the oldest); a line's number is its record's sequence number + 1. */
int  oom_klog_open(int64_t next_line, struct oom_klog **ret, struct oom_err *reterr);
void oom_klog_close(struct oom_klog *k);
int  oom_klog_fd(const struct oom_klog *k);
/* 1 = *ret, lent until the next call; ret->lost tells of records that were overwritten before it.  0 = no more now,
 * -errno. */
int  oom_klog_next(struct oom_klog *k, struct oom_line *ret, struct oom_err *reterr);

#endif
