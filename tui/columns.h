/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The columns of the ranking: one table for headings, cells, sorting, searching and the saved setup. */
#ifndef OOMLENS_TUI_COLUMNS_H
#define OOMLENS_TUI_COLUMNS_H

#include "model.h"

enum column_kind { COLUMN_INT, COLUMN_PAGES, COLUMN_SHARE, COLUMN_TEXT };

struct column {
	const char *key;              /* in the setup file and for --columns */
	const char *title;
	int width;                    /* cells; 0 = what is left of the line, or COLUMN_OPEN before other columns */
	enum column_kind kind;
	bool on;                      /* shown unless the setup says otherwise */
	uint8_t yield;                /* on a narrow screen the highest goes first; 0 = stays */
	bool ascending;               /* sorted this way first */
	/* INT, PAGES: the number; SHARE: 1/100 %; OOM_NA = "-" */
	int64_t (*number)(const struct model *m, const struct row *r);
	struct oom_str (*text)(const struct model *m, const struct row *r, char *buf, size_t size);
	const char *help;
};
extern const struct column columns[];
extern const size_t ncolumns;
#define COLUMNS_MAX 32
#define COLUMN_OPEN 16
#define COLUMN_TEXT_MAX 300           /* room for any cell */

ptrdiff_t column_find(struct oom_str key);     /* -1 */
/* Path of the memory cgroup of a row; p == NULL: not known. */
struct oom_str column_cgroup(const struct model *m, const struct row *r);
/* The cell as it is shown; buf is for those that have to be made. */
struct oom_str column_cell(const struct column *c, const struct model *m, const struct row *r, char *buf, size_t size);
/* Order of two rows by a column; rows without a value come last whatever the direction. */
int  column_compare(const struct column *c, const struct model *m, const struct row *a, const struct row *b, bool descending);

/* Pages as a person reads them: "512K", "25.8M", "1.20G". */
void pages_text(int64_t pages, int64_t page_size, char *buf, size_t size);
/* kB likewise; "none" where there is no limit.  Returns buf. */
const char *limit_text(int64_t kb, char *buf, size_t size);

#endif
