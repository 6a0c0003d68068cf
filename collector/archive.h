/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compressed texts and archives, read in order. */
#ifndef OOMLENS_ARCHIVE_H
#define OOMLENS_ARCHIVE_H

#include "stream.h"

struct oom_archive;

/* Do these first bytes belong to a format that oom_archive_open() reads? */
bool oom_archive_magic(struct oom_str head);
/* Takes the stream over, also on failure.  path is borrowed until close, for messages. */
int  oom_archive_open(struct oom_stream *in, const char *path, struct oom_archive **ret,
		      struct oom_err *reterr);
void oom_archive_close(struct oom_archive *a);
/* The next regular file: 1 with its name (NULL if the archive is but a compressed text), 0 at the end,
 * -errno.  The name lives until the next call. */
int  oom_archive_next(struct oom_archive *a, struct oom_str *name, struct oom_err *reterr);
/* The current file's bytes; valid until the next oom_archive_next(). */
void oom_archive_data(struct oom_archive *a, struct oom_stream *ret);

#endif
