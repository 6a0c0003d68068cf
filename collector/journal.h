/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's messages in binary journals of systemd: journal.c, or journal_none.c without libsystemd. */
#ifndef OOMLENS_JOURNAL_H
#define OOMLENS_JOURNAL_H

#include "stream.h"

#include <oomlens/source.h>

#define OOM_JOURNAL_MAGIC "LPKSHHRH"

struct oom_journal;
struct oom_text;

/* path is borrowed until close, for messages.  On failure reterr is set and -errno returned. */

/* Files of one machine, as one text in the order of their entries; next(of, i) names the i-th, NULL behind
 * the last.  Files that cannot be opened are told behind the entries of the others; none at all is an error. */
int  oom_journal_open_files(const char *(*next)(const void *of, size_t i), const void *of, const char *path,
			    struct oom_journal **ret, struct oom_err *reterr);
/* A journal inside something else goes through a temporary file.  The stream stays the caller's and is needed
 * no longer. */
int  oom_journal_open_stream(struct oom_stream *s, const char *path, struct oom_journal **ret,
			     struct oom_err *reterr);
/* The running system's, of this boot. */
int  oom_journal_open_running(const char *path, struct oom_journal **ret, struct oom_err *reterr);
void oom_journal_close(struct oom_journal *j);
/* The next kernel message, lent until the next call; numbers and errors go to t.  1, 0 at the end.
 * quiet: only messages that hold an anchor. */
int  oom_journal_next(struct oom_journal *j, struct oom_text *t, bool quiet, struct oom_line *ret);

#endif
