/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metrics in the text format of Prometheus, for the textfile collector.
 *
 * What a store holds falls when old events are removed, and a counter must not: so the counters of one export go on in the
 * next, which reads what the one before it wrote and adds what was stored since.  For the same reason a label keeps the series
 * that it was given first; when there are as many as allowed, everything new is counted as "_other".
 */
#ifndef OOMLENS_METRICS_H
#define OOMLENS_METRICS_H

#include <oomlens/base.h>

enum oom_metric {
	OOM_METRIC_KILLS, OOM_METRIC_UNIT_KILLS, OOM_METRIC_HOST_KILLS, OOM_METRIC_EVENTS, OOM_METRIC_VICTIMS,
	OOM_METRIC_RECORDED, OOM_METRIC_LAST_KILL, OOM_METRIC_UNIT_LAST_KILL,
	OOM_METRIC_STORED, OOM_METRIC_RECORDS_LOST, OOM_METRIC_FACTS_LOST, OOM_METRIC_LAST_WRITE,
	OOM_METRIC_RECORDER_UP, OOM_METRIC_RECORDER_TROUBLE, OOM_METRIC_RECORDER_WAITING,
	OOM_METRIC_RECORDER_DROPPED, OOM_METRIC_FEED_OPEN,
	OOM_METRIC_BUILD, OOM_METRIC_EXPORTED,
	OOM_METRIC_COUNT,
};
#define OOM_METRIC_LABELS 2
struct oom_metric_info {
	const char *name, *type, *help;
	const char *label[OOM_METRIC_LABELS];
	bool goes_on;                /* from one export to the next */
	bool from_logs;              /* its labels are, so that they have no end */
};
extern const struct oom_metric_info oom_metric_infos[OOM_METRIC_COUNT];

struct oom_series { struct oom_str label[OOM_METRIC_LABELS]; int64_t value; };      /* labels as they are printed, not yet escaped */
struct oom_metrics {
	struct oom_arena arena;
	struct { struct oom_series *series; size_t n, cap; } of[OOM_METRIC_COUNT];
	size_t most;                 /* series of a metric whose labels come from logs, without "_other" */
	/* Where the next export goes on. */
	uint64_t device, inode;      /* the store's file */
	int64_t event;               /* the last event that was counted */
};

/* *ret needs no init. */
void oom_metrics_init(struct oom_metrics *ret, size_t most);
void oom_metrics_release(struct oom_metrics *m);
/* Labels are any bytes, NULL is "_none"; they become printable and are cut to 128 bytes.  0, -ENOMEM. */
int  oom_metric_add(struct oom_metrics *m, enum oom_metric which, struct oom_str a, struct oom_str b, int64_t by);
int  oom_metric_set(struct oom_metrics *m, enum oom_metric which, struct oom_str a, struct oom_str b, int64_t value);
/* The greater of the two. */
int  oom_metric_raise(struct oom_metrics *m, enum oom_metric which, struct oom_str a, struct oom_str b, int64_t value);

/* Fills an empty m with what an earlier export printed: where it was, and the metrics that go on.  0, -EINVAL: it is not
 * such a text, or damaged, -ENOMEM; m is as it was before then. */
int  oom_metrics_read(struct oom_metrics *m, struct oom_str text);
void oom_metrics_print(const struct oom_metrics *m, FILE *out);   /* write errors stay in ferror(out) */

#endif
