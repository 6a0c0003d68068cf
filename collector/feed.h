/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The feeds behind the table of live.h.  Each file has its own struct behind the opaque struct oom_feed. */
#ifndef OOMLENS_FEED_H
#define OOMLENS_FEED_H

#include <oomlens/live.h>

/* All integers OOM_NA but flags (0); no comm. */
void oom_fact_init(struct oom_fact *f, int64_t kind, int64_t mono_us);

/* bpf.c or bpf_none.c */
int oom_ballot_open(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr);
int oom_walk_open(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr);
int oom_bpf_fd(const struct oom_feed *feed);
int oom_bpf_drain(struct oom_feed *feed, oom_fact_fn *fn, void *arg);
uint64_t oom_bpf_lost(const struct oom_feed *feed);
const char *oom_bpf_limits(const struct oom_feed *feed);
bool oom_bpf_tells(const struct oom_feed *feed, enum oom_fact_kind kind);
void oom_bpf_close(struct oom_feed *feed);

/* trace.c or trace_none.c */
int oom_trace_open(const struct oom_feed_opt *opt, struct oom_feed **ret, struct oom_err *reterr);
int oom_trace_fd(const struct oom_feed *feed);
int oom_trace_drain(struct oom_feed *feed, oom_fact_fn *fn, void *arg);
uint64_t oom_trace_lost(const struct oom_feed *feed);
const char *oom_trace_limits(const struct oom_feed *feed);
bool oom_trace_tells(const struct oom_feed *feed, enum oom_fact_kind kind);
void oom_trace_close(struct oom_feed *feed);

#endif
