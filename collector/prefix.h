/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One prefix after the other is taken off the front of a line; each taker is a row of the table in prefix.c. */
#ifndef OOMLENS_PREFIX_H
#define OOMLENS_PREFIX_H

#include <oomlens/source.h>

/* What may stand behind a prefix that matched. */
enum oom_then {
	OOM_THEN_NO,            /* it did not match; nothing was changed */
	OOM_THEN_TEXT,          /* the kernel's text */
	OOM_THEN_STAMP,         /* the kernel's own stamp, or the text */
	OOM_THEN_ANY,           /* another whole prefix: forwarded, or logged by a container */
};

/* A line on its way: s is what is left of it. */
struct oom_px {
	struct oom_str s;
	struct oom_line *line;
	struct oom_buf *scratch;
	bool unescape_octal;    /* rsyslog was at work: #011 is a tab */
	bool unescape_hex;      /* kmsg was at work: \x0a is a line feed */
	bool outer;             /* nothing has been taken off yet */
};

/* prefix_stamp.c: what the kernel or dmesg puts in front */
enum oom_then oom_px_kernel(struct oom_px *px);
enum oom_then oom_px_ctime(struct oom_px *px);
enum oom_then oom_px_reltime(struct oom_px *px);
enum oom_then oom_px_facility(struct oom_px *px);
enum oom_then oom_px_kmsg(struct oom_px *px);
enum oom_then oom_px_noise(struct oom_px *px);

/* prefix_syslog.c: what daemons put in front */
enum oom_then oom_px_rfc3164(struct oom_px *px);
enum oom_then oom_px_iso(struct oom_px *px);
enum oom_then oom_px_dmesg_iso(struct oom_px *px);
enum oom_then oom_px_container(struct oom_px *px);
enum oom_then oom_px_rfc5424(struct oom_px *px);
enum oom_then oom_px_journal_full(struct oom_px *px);
enum oom_then oom_px_journal_unix(struct oom_px *px);
enum oom_then oom_px_tag(struct oom_px *px);
/* HOST TAG: behind a stamp. */
enum oom_then oom_px_host_tag(struct oom_px *px);

/* prefix_record.c: a field a line; lines that hold no text come out empty and foreign */
enum oom_then oom_px_record(struct oom_prefix_state *st, struct oom_px *px);

/* jsonline.c */
enum oom_then oom_px_json(struct oom_px *px);

/* Digits of fixed or bounded number: takes least..most of them, no more may follow. */
bool oom_px_digits(struct oom_str *s, unsigned least, unsigned most, int64_t *ret);
/* A fraction's digits (1 to 9 of them) as microseconds. */
bool oom_px_micros(struct oom_str *s, unsigned least, int64_t *ret);
/* HH:MM:SS; *ret in seconds of the day. */
bool oom_px_clock(struct oom_str *s, int64_t *ret);
/* YYYY-MM-DD and T or blank, HH:MM:SS, fraction, zone. */
struct oom_px_time {
	int64_t us;             /* UTC if a zone was given; else the same sum over local figures */
	bool comma, zone;       /* the fraction's separator was a comma; a zone was given */
};
bool oom_px_datetime(struct oom_str *s, struct oom_px_time *ret);

/* Line feeds inside the text (undone escapes) part it into lines of the same prefix: cuts it at the first and returns
 * the rest; NULL if there is none. */
struct oom_str oom_line_part(struct oom_line *line);

/* "Panic#2 Part3", the first line of a file in pstore: parts are numbered from the newest on. */
bool oom_pstore_part(struct oom_str s, int64_t *count, int64_t *part);

/* Index of a row by its name, for texts whose family is known beforehand. */
unsigned oom_prefix_index(const char *name);

#endif
