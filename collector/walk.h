/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel logs below a directory. */
#ifndef OOMLENS_WALK_H
#define OOMLENS_WALK_H

#include "select.h"

struct oom_walk_file {
	char *path;
	struct oom_log_age age;
	enum oom_selected what;
};

struct oom_walk {
	struct oom_walk_file *file;
	size_t n, cap;
};

/* Fills an empty walk, oldest rotated logs first.  0, or -errno if the directory itself cannot be read. */
int  oom_walk_dir(struct oom_walk *w, const char *dir, struct oom_err *reterr);
/* Adds a file that the caller named, if it is a part of a crash dump or a binary journal: 1, else 0, or
 * -ENOMEM. */
int  oom_walk_add_part(struct oom_walk *w, const char *path);
/* How many files from i on are parts of one crash dump (oldest first) or of one journal; at least 1. */
size_t oom_walk_parts(const struct oom_walk *w, size_t i);
/* Brings files that were added into order. */
void oom_walk_sort(struct oom_walk *w);
void oom_walk_release(struct oom_walk *w);

#endif
