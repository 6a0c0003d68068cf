/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One text: blocks in, lines out. */
#ifndef OOMLENS_TEXT_H
#define OOMLENS_TEXT_H

#include "journal.h"
#include "stream.h"

#include <oomlens/source.h>

struct oom_text {
	struct oom_stream in;
	char *buf;                      /* OOM_TEXT_BLOCK bytes, kept from text to text */
	size_t at, end;                 /* what is read but not yet delivered */
	bool eof;
	bool live;                      /* a kernel's own records: each one counts, none is passed over */
	bool export;                    /* journal export format: records of several lines */
	bool page;                      /* our own report: the log's lines are marked in it */
	struct oom_journal *journal;    /* a binary journal: then nothing comes from in */
	bool skipping;                  /* inside the rest of a line that was cut */
	int owed;                       /* lines to deliver as they are: a hit and the line before it */
	int error;                      /* met by a read; told when the good lines are out */
	struct oom_err err;
	int64_t bytes, lines, damaged_lines, lost, seq;
	struct oom_prefix_state st;
	struct oom_buf scratch;
	struct oom_line cur;
	struct oom_str more;            /* text of the current line behind a line feed in it */
};

#define OOM_TEXT_BLOCK ((size_t)256 << 10)

/* Takes the stream over, also on failure.  The struct must be zero or closed before. */
int  oom_text_open(struct oom_text *t, struct oom_stream *in, struct oom_err *reterr);
/* Takes the journal over; cannot fail. */
void oom_text_open_journal(struct oom_text *t, struct oom_journal *j);
void oom_text_close(struct oom_text *t);  /* numbers stay readable until the next open */
void oom_text_release(struct oom_text *t);
/* As oom_input_next_line(). */
int  oom_text_next(struct oom_text *t, bool quiet, struct oom_line *ret, struct oom_err *reterr);
/* Name of the line family that most lines belong to. */
const char *oom_text_format(const struct oom_text *t);
/* Does the part that is read so far look as if a kernel had written some of it? */
bool oom_text_is_kernel(struct oom_text *t);

/* text.c, for export.c: more bytes behind the ones there are.  1, or 0 at the end or if the buffer is full. */
int  oom_text_fill(struct oom_text *t);
/* page.c: is this the beginning of a report in HTML?  Its line, in buf, as the line of the log that it shows, decoded in
 * place; false if it shows none. */
bool oom_text_is_page(const char *head, size_t n);
bool oom_page_line(char *buf, struct oom_str *line);
/* export.c: the next record that has a message.  1, 0 at the end. */
int  oom_export_next(struct oom_text *t, struct oom_line *ret);

#endif
