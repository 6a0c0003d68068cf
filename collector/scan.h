/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whole-block searches: anchors, newlines, and the bytes that make a line need unescaping. */
#ifndef OOMLENS_SCAN_H
#define OOMLENS_SCAN_H

#include <stdbool.h>
#include <stddef.h>

/* Offset of some byte of the first anchor in p[0..n), or n if there is none.  No byte outside is read. */
size_t oom_scan_anchor(const char *p, size_t n);
/* The same search without vector instructions: what other CPUs run; the tests hold both to one answer. */
size_t oom_scan_anchor_portable(const char *p, size_t n);
size_t oom_scan_newlines(const char *p, size_t n);
/* Does the line hold an escape character, a byte of U+00A0, '#' or a backslash? */
bool oom_scan_special(const char *p, size_t n);

#endif
