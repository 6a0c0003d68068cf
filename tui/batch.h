/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomtop -b: passes as text or JSON, for scripts. */
#ifndef OOMLENS_TUI_BATCH_H
#define OOMLENS_TUI_BATCH_H

#include "model.h"

struct setup;

struct batch_opts {
	int64_t n;                    /* passes; 0 = until stopped */
	int64_t delay_ms;
	size_t top;                   /* rows; 0 = all */
	bool json, domains;
	const struct setup *setup;    /* columns of the text */
	const volatile int *stop;     /* set by a signal */
};
/* Number of rows of the last pass, or -errno; write errors stay in ferror(out). */
int  batch_run(struct model *m, const struct batch_opts *o, FILE *out, struct oom_err *reterr);

#endif
