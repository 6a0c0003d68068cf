/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which files of a directory or an archive hold kernel logs, and in which order they were written. */
#ifndef OOMLENS_SELECT_H
#define OOMLENS_SELECT_H

#include <oomlens/base.h>

/* LOOK: if its text looks like a kernel's */
enum oom_selected { OOM_SELECT_NO, OOM_SELECT_YES, OOM_SELECT_LOOK };

enum oom_selected oom_select(struct oom_str path);

#define OOM_AGE_JOURNAL (-1)

/* Where a file stands among its rotated siblings; rank grows with time. */
struct oom_log_age {
	size_t stem;            /* length of the path without what rotation added */
	int64_t rank;
	int64_t crash;          /* what is read as one text shares it: parts of a crash dump in pstore, and
				 * the files of a binary journal (OOM_AGE_JOURNAL); 0 for all else */
};
/* head: the file's first bytes (may be empty); journals, and crash dumps in pstore, are known by them. */
struct oom_log_age oom_log_age(struct oom_str path, struct oom_str head);
bool oom_log_same_crash(struct oom_str path_a, struct oom_log_age a,
			struct oom_str path_b, struct oom_log_age b);
int oom_log_age_cmp(struct oom_str path_a, struct oom_log_age a, struct oom_str path_b, struct oom_log_age b);

#endif
