/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Kernel text, line by line, from wherever it lies: files of any log format, archives, directories, stdin,
 * /dev/kmsg.  The source undoes the prefix (time stamp, host, level, caller) and says what it held; the text
 * that is left is what the kernel printed.  The format is found per line family, never asked for.
 */
#ifndef OOMLENS_SOURCE_H
#define OOMLENS_SOURCE_H

#include <oomlens/base.h>

/* A longer physical line is cut there and marked damaged; the rest of it is skipped, not stored. */
#define OOM_LINE_MAX 16384

struct oom_line {
	struct oom_str text;      /* the kernel's own text: prefix removed, escapes (#011, \x0a ...) undone, no EOL */
	struct oom_str raw;       /* the physical line as it stood, no EOL */
	struct oom_str host;      /* NULL where the prefix names none */
	struct oom_str stamp;     /* wall-clock text of the prefix, verbatim; NULL if none */
	struct oom_str caller;    /* "T98", "C1" (CONFIG_PRINTK_CALLER); NULL if none */
	struct oom_str boot_id;   /* journal; NULL if none */
	int64_t boot_us;          /* [seconds.micros] of the kernel; OOM_NA */
	int64_t wall_us;          /* UTC; only where the prefix said its zone; OOM_NA otherwise */
	int64_t seq;              /* /dev/kmsg and netconsole sequence number; OOM_NA */
	int64_t lineno;           /* physical line, 1-based; in a binary journal the kernel's n-th message */
	int64_t lost;             /* records known to be missing before this line (kmsg); 0 normally */
	bool bare;                /* no prefix at all was found on this line */
	bool cont;                /* bare, but other lines of this file carry prefixes: likely wrapped or continued text */
	bool cut;                 /* longer than OOM_LINE_MAX */
	bool foreign;             /* the prefix says that a program other than the kernel wrote it */
};

struct oom_source_info {
	struct oom_str path;      /* archive members as "archive!member"; "-" for stdin */
	const char *format;       /* name of the line family that most lines matched; "bare" if none did */
	int64_t bytes, lines;     /* read so far, decompressed */
	int64_t damaged_lines;    /* cut lines */
	int64_t lost;             /* kmsg records overwritten before they could be read */
};

/* A walk over inputs: each spec is a path (file, archive, directory), "-" or "kmsg:" (the running kernel's log;
 * reads what is there and ends) or "journal:" (what the running system's journal holds of it, of this boot).  Of
 * binary journals only the kernel's messages are read, and the files of one journal in a directory are one text.  Archives give their kernel logs in the order they were packed, directories
 * theirs in a stable order: rotated logs oldest first, the parts of a crash dump in pstore as one text.  Binary and foreign files inside archives and directories are passed over silently;
 * a file named by the caller is always read.  Specs are borrowed until close. */
struct oom_input;
int  oom_input_open(const char *const *specs, size_t n, struct oom_input **ret, struct oom_err *reterr);
void oom_input_close(struct oom_input *in);
/* Opens the next text.  1 = there is one, 0 = no more, -errno = this one could not be read (call again for the
 * rest): reterr names it. */
int  oom_input_next_text(struct oom_input *in, struct oom_err *reterr);
/* Next line of the current text, lent until the next call.  1, 0 at its end, -errno.
 * quiet: the caller is waiting for an episode to begin, so the source may pass over any line that holds none of
 * the anchors (oom_anchors()); it still counts them.  Streaming, memory bounded whatever the input's size. */
int  oom_input_next_line(struct oom_input *in, bool quiet, struct oom_line *ret, struct oom_err *reterr);
/* About the current (or just ended) text; strings lent until the next oom_input_next_text(). */
void oom_input_info(const struct oom_input *in, struct oom_source_info *ret);

/* Byte strings of which every line that can begin an episode, kill line or boot banner holds at least one.
 * NULL-terminated.  The parser owns the truth (parse.h); the source searches for them in whole blocks. */
extern const char *const oom_anchors[];

/* One physical line without its EOL -> line (text, stamps, host ...), as the source does it; for tests, fuzzing
 * and live readers.  scratch holds unescaped text and must live as long as *ret.  State carries what earlier lines
 * taught (which family matched, whether lines carry prefixes); zero-initialise it. */
struct oom_prefix_state {
	unsigned last;
	uint64_t hits[40], bare;
	int64_t record_us;        /* 1 + the stamp that stood on a line of its own, for the text that follows; 0 = none */
};
void oom_prefix_parse(struct oom_prefix_state *st, struct oom_str raw, struct oom_buf *scratch, struct oom_line *ret);
const char *oom_prefix_name(unsigned index);   /* NULL past the end of the table */

#endif
