/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Result sets for people and programs: aligned text, CSV, JSON. */
#ifndef OOMLENS_ANALYZER_CMD_ROWS_H
#define OOMLENS_ANALYZER_CMD_ROWS_H

#include "cmd.h"

struct rows;

extern const struct oom_query_ops rows_ops;             /* their arg is a struct rows */

/* only: NULL-terminated names of the columns that the aligned text shows; NULL = all.  NULL when out of
 * memory. */
struct rows *rows_new(const struct opts *o, const char *const *only);
/* The last result set is over: writes what is still held back.  Returns the number of rows in all. */
int64_t rows_end(struct rows *r);
void rows_free(struct rows *r);

#endif
