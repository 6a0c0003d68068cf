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
void oom_walk_release(struct oom_walk *w);

#endif
