/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stands in for journal.c where libsystemd is absent: says what to do instead. */
#include "journal.h"

#include <errno.h>

int oom_journal_open_files(const char *(*next)(const void *of, size_t i), const void *of, const char *path,
			   struct oom_journal **ret, struct oom_err *reterr)
{
	const char *first = next(of, 0);

	(void)ret;
	return oom_err_set(reterr, ENOTSUP, "'%s' is a binary journal and this oomlens was built without "
			   "libsystemd; run 'journalctl -k -o export --file %s | oomlens explain -'", path,
			   first ? first : path);
}

int oom_journal_open_stream(struct oom_stream *s, const char *path, struct oom_journal **ret,
			    struct oom_err *reterr)
{
	(void)s;
	(void)ret;
	return oom_err_set(reterr, ENOTSUP, "'%s' is a binary journal and this oomlens was built without "
			   "libsystemd; unpack it and run 'journalctl -k -o export --file FILE | oomlens "
			   "explain -'", path);
}

int oom_journal_open_running(const char *path, struct oom_journal **ret, struct oom_err *reterr)
{
	(void)ret;
	return oom_err_set(reterr, ENOTSUP, "cannot read '%s': this oomlens was built without libsystemd; "
			   "run 'journalctl -k -o export | oomlens explain -'", path);
}

void oom_journal_close(struct oom_journal *j)
{
	(void)j;
}

int oom_journal_next(struct oom_journal *j, struct oom_text *t, bool quiet, struct oom_line *ret)
{
	(void)j;
	(void)t;
	(void)quiet;
	(void)ret;
	return 0;
}
