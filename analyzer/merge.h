/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the two files of oom_event_merge() share. */
#ifndef OOMLENS_ANALYZER_MERGE_H
#define OOMLENS_ANALYZER_MERGE_H

#include <oomlens/event.h>

struct oom_merge {
	struct oom_event *ev;
	const struct oom_event *from;
	bool lines;                   /* ev knows no source of its own: lines of the other's mean something */
	int ballot;                   /* whose is stronger: < 0 ev's, > 0 the other's */
};

size_t oom_merge_count(const struct oom_event *ev, const struct oom_record *rec);
char  *oom_merge_row(const struct oom_event *ev, const struct oom_record *rec, size_t i);
/* Each takes all that it says or nothing: 0, -ENOMEM. */
int oom_merge_record(struct oom_merge *m, const struct oom_record *rec, void *to, const void *from);
int oom_merge_add(struct oom_merge *m, const struct oom_record *rec, const void *from);       /* a copy of the row */
int oom_merge_add_all(struct oom_merge *m, const struct oom_record *rec);
int oom_merge_note(struct oom_merge *m, const struct oom_note *note);
int oom_merge_tasks(struct oom_merge *m);

/* Rows of ev by one of their integers, those that do not know it left out. */
struct oom_merge_entry { int64_t key; size_t row, skip; bool taken; };
struct oom_merge_index { struct oom_merge_entry *e; size_t n; };

/* key: offset in a row.  taken[] tells rows to leave out, NULL = none.  The caller frees ret->e whatever is returned. */
int oom_merge_index(const struct oom_event *ev, const struct oom_record *rec, size_t key, const bool *taken,
		    struct oom_merge_index *ret);
/* Takes the first row with that key that nobody took yet; SIZE_MAX if there is none. */
size_t oom_merge_take(struct oom_merge_index *ix, int64_t key);

#endif
