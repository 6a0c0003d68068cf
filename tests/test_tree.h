/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Trees of files in the shape of /proc and of a cgroup mount, made for one test each; samplers over them. */
#ifndef OOMLENS_TESTS_TREE_H
#define OOMLENS_TESTS_TREE_H

#include "unit.h"

#include <oomlens/sample.h>

extern char tree_dir[];                /* of the test that runs: <tree_dir>/proc, <tree_dir>/cgroup */

/* Set-up gives a kernel 6.1 with 4,000,000 kB of memory, 400,000 kB of swap and no process. */
int  tree_set_up(void **state);
int  tree_tear_down(void **state);
void tree_put(const char *path, const char *fmt, ...) OOM_PRINTF(2, 3);        /* a file with all above it */
void tree_process(int pid, int adj, int rss_kb, int swap_kb, int pte_kb);
void tree_clear(const char *path);     /* with all below it */

struct oom_sampler *tree_open_at(const char *proc, const char *cgroup, unsigned want, size_t keep);
struct oom_sampler *tree_open_keeping(unsigned want, size_t keep);
struct oom_sampler *tree_open(unsigned want);
struct oom_sampler *tree_open_recorded(unsigned want);         /* tests/proc/6.1-v2 */

struct oom_sample tree_pass(struct oom_sampler *s);            /* fails the test when the pass fails */
const struct oom_domain *tree_domain(const struct oom_sample *m, const char *path);

#endif
