/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The screens: keys in, grid out.  Nothing here knows curses, clocks or sleeping: oomtop.c drives it, tests do, too.
 * A view is a list of rows; a page is text over it.
 */
#ifndef OOMLENS_TUI_UI_H
#define OOMLENS_TUI_UI_H

#include "columns.h"
#include "grid.h"
#include "keys.h"
#include "kills.h"
#include "model.h"

#include <oomlens/explain.h>

struct ui;

struct view {
	const char *name, *title;
	unsigned place;
	void (*load)(struct ui *ui);                   /* the model has changed; NULL = nothing to do */
	size_t (*count)(const struct ui *ui);
	void (*heading)(struct ui *ui, int y);
	void (*draw)(struct ui *ui, size_t i, int y, bool selected);
	uint64_t (*id)(const struct ui *ui, size_t i); /* the cursor follows it from pass to pass */
	bool (*holds)(const struct ui *ui, size_t i, const char *needle);
	void (*open)(struct ui *ui, size_t i);
	bool (*act)(struct ui *ui, enum action a, size_t i);  /* false = not mine; i may be past the end; may be NULL */
	void (*click)(struct ui *ui, int x);           /* on the heading; may be NULL */
	const char *empty;            /* what to say when there are no rows */
};
extern const struct view view_rank, view_domains, view_tree, view_history;
extern const struct view *const views[];
#define VIEWS 4

enum prompt { PROMPT_NONE, PROMPT_SEARCH, PROMPT_FILTER, PROMPT_USER, PROMPT_DELAY, PROMPT_ADJ };

/* A stored event, as the history lists it. */
struct past {
	int64_t id, wall_us, victim_pid;
	struct oom_str when, host, scope, memcg, victim, verdict;
};
/* Reads the store's events, newest first; all strings live in the arena. */
int past_read(const char *db, size_t max, struct oom_arena *a, struct past **ret, size_t *n, struct oom_err *reterr);
/* The explanation of a stored event. */
int past_explain(const char *db, int64_t id, struct oom_doc *ret, struct oom_err *reterr);

struct setup {                        /* what is saved */
	uint8_t column[COLUMNS_MAX];  /* indices of columns[], in the order shown */
	size_t ncolumns;
	uint8_t sort;
	bool descending;
	int64_t delay_ms;
};
void setup_default(struct setup *s);
/* Keys of columns, separated by blanks or commas; false: one is none, and nothing has changed. */
bool setup_columns(struct setup *s, struct oom_str keys);
/* The file in the user's configuration directory.  load: what it does not say, or says wrongly, stays as it is and
 * reterr tells the first such line.  0, -ENOENT, -errno. */
int  setup_load(struct setup *s, struct oom_err *reterr);
int  setup_save(const struct setup *s, struct oom_err *reterr);

struct list { size_t cursor, top; uint64_t id; };

struct ui {
	struct model *m;
	struct grid grid;
	struct setup setup;
	const char *db;               /* NULL = no history */
	struct kills *kills;          /* borrowed; NULL = nobody tells of kills */
	const char *notice;           /* about the source, always on the screen; NULL */

	size_t view;                  /* index of views[] */
	struct list list[VIEWS];
	int body, rows, x;            /* first line of the body and its height; cells scrolled to the right */

	char *page;                   /* text over the view; NULL = none */
	char page_title[80];
	size_t page_top, page_lines;
	int page_width;               /* it was made for */
	void (*page_make)(struct ui *ui, FILE *out);   /* makes it anew */

	uint8_t fit[COLUMNS_MAX];     /* view_rank: columns of the setup that the width leaves room for */
	size_t nfit;
	uint32_t *order;              /* view_rank: rows of the model that are shown */
	size_t norder, cap_order;
	uint64_t fold[256];           /* view_tree: ids of folded cgroups */
	size_t nfolds;
	size_t *branch;               /* view_domains, view_tree: domains or cgroups that are shown */
	size_t nbranch, cap_branch;

	struct oom_arena past_arena;
	struct past *past;
	size_t npast;
	int64_t past_id;              /* of the page */

	enum prompt prompt;
	char input[64];
	size_t asked_at;              /* the cursor when it began */
	char search[64], filter[64], user[33];
	char message[200];
	int64_t wall_us;              /* of this refresh; OOM_NA in tests */
	bool paused, quit, columns_open;
	size_t column_cursor;
};

int  ui_init(struct ui *ui, struct model *m, const char *db);
void ui_release(struct ui *ui);
void ui_refreshed(struct ui *ui);              /* after model_next() */
void ui_draw(struct ui *ui);
void ui_key(struct ui *ui, int key, int x, int y);

/* For views. */
void ui_say(struct ui *ui, const char *fmt, ...) OOM_PRINTF(2, 3);
void ui_show(struct ui *ui, size_t view);
void ui_page(struct ui *ui, const char *title, void (*make)(struct ui *ui, FILE *out));
bool ui_reserve_branch(struct ui *ui, size_t n);
bool ui_has(struct oom_str s, const char *needle);      /* letters of either case are equal */

/* The cursor to row i; to the next row from `from` on that the search finds, if there is one; all rows anew. */
void ui_move(struct ui *ui, size_t i);
bool ui_search(struct ui *ui, size_t from);
void ui_load(struct ui *ui);

void prompt_ask(struct ui *ui, enum prompt p);
void prompt_key(struct ui *ui, int key);
void prompt_draw(struct ui *ui, int y);
void head_draw(struct ui *ui, int *y);          /* the lines above the body */
/* "memory cgroup /a/b"; buf is returned. */
const char *domain_title(const struct oom_domain *d, char *buf, size_t size);
/* The same for lists: a memory cgroup is its path. */
const char *domain_name(const struct oom_domain *d, char *buf, size_t size);
/* Seconds until it is full at the growth between the latest two passes; OOM_NA: it does not grow, or nobody can tell. */
int64_t domain_seconds_left(const struct model *m, const struct oom_domain *d);
/* "40s", "3m", "2h", "5d"; "-" for OOM_NA.  buf is returned. */
const char *span_text(int64_t seconds, char *buf, size_t size);
/* Who would be chosen in it: "2004 node +group", "none"; buf is returned. */
const char *domain_victim(const struct model *m, const struct oom_domain *d, char *buf, size_t size);
/* The newest kill by this domain; NULL. */
const struct kill *domain_kill(const struct ui *ui, const struct oom_domain *d);
/* What else is to be known of it: its group, protection, a kill; returns the x behind it. */
int  domain_marks(struct ui *ui, int x, int y, const struct oom_domain *d);
void page_help(struct ui *ui, FILE *out);
void page_task(struct ui *ui, FILE *out);
void page_whatif(struct ui *ui, FILE *out);

#endif
