/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the store share. */
#ifndef OOMLENS_ANALYZER_STORE_IMPL_H
#define OOMLENS_ANALYZER_STORE_IMPL_H

#include <oomlens/store.h>

#include "pack.h"
#include "sql.h"

/* Key of the part at position seq of an event; see schema.sql. */
#define OOM_PART_BITS 20
#define OOM_PART_MASK (((int64_t)1 << OOM_PART_BITS) - 1)
#define OOM_EVENT_ID_MAX (INT64_MAX >> OOM_PART_BITS)

#define OOM_STORE_PARTS 6            /* tables of rows that the field tables describe; tasks have their own (store_task.c) */

/* Statements with a fixed text; those that walk the field tables stand behind them. */
enum oom_statement {
	OOM_ST_FIND_EVENT, OOM_ST_LIKE_EVENT, OOM_ST_FIND_KILL, OOM_ST_HAS_EVENT, OOM_ST_CLEAR_EVENT, OOM_ST_CLEAR_EVIDENCE,
	OOM_ST_FIND_HOST, OOM_ST_ADD_HOST, OOM_ST_ADD_EVIDENCE, OOM_ST_GET_EVIDENCE,
	OOM_ST_FIND_WORD, OOM_ST_ADD_WORD, OOM_ST_FIND_WHO, OOM_ST_ADD_WHO, OOM_ST_FIND_SHAPE, OOM_ST_ADD_SHAPE, OOM_ST_GET_SHAPE,
	OOM_ST_ADD_TASKS, OOM_ST_ADD_RARE, OOM_ST_GET_TASKS, OOM_ST_SET_ROWS, OOM_ST_PLACE_TASK, OOM_ST_CLEAR_TASKS, OOM_ST_CLEAR_RARE,
	OOM_ST_ADD_VERDICT, OOM_ST_SAME_VERDICT, OOM_ST_CLEAR_VERDICT, OOM_ST_ADD_DIGEST, OOM_ST_CLEAR_DIGEST,
	OOM_ST_GET_MARK, OOM_ST_PUT_MARK, OOM_ST_ADD_TRACE,
	OOM_ST_OLDEST_EVENTS, OOM_ST_OLDEST_TRACE, OOM_ST_CLEAR_TRACE,
	OOM_ST_FIXED,
	OOM_ST_ADD_EVENT = OOM_ST_FIXED, OOM_ST_GET_EVENT,
	OOM_ST_GET_PART,                                      /* + index in oom_store_parts */
	OOM_ST_CLEAR_PART = OOM_ST_GET_PART + OOM_STORE_PARTS,
	OOM_ST_COUNT = OOM_ST_CLEAR_PART + OOM_STORE_PARTS,
};

/* extra: rows tell more of tasks that there are. */
struct oom_store_part { const char *table; const struct oom_record *rec; bool extra; };
extern const struct oom_store_part oom_store_parts[OOM_STORE_PARTS];

/* How the tables of schema.sql hold a field; the column's name is its key and a suffix. */
enum oom_column {
	OOM_COLUMN_NONE,             /* elsewhere, or not at all */
	OOM_COLUMN_PLAIN,
	OOM_COLUMN_WORD,             /* _w: number of a word */
	OOM_COLUMN_LINE,             /* _off: distance from the event's first line */
};
enum oom_column oom_store_column(const struct oom_record *r, const struct oom_field *f);
/* From what OOM_COLUMN_LINE counts. */
int64_t oom_store_first_line(const struct oom_event *ev);
/* 0 for what no kernel and no text has, so that distances do not overflow. */
int64_t oom_store_sane(int64_t v);

/* INSERTs into a part name only the columns that the event fills (a bit each).  The latest few are kept. */
#define OOM_STORE_INSERTS 12
struct oom_store_insert {
	const struct oom_store_part *part;
	uint64_t columns;
	struct oom_sql_stmt *st;
};

/* What a store numbers, as far as this handle met it (store_dict.c). */
enum oom_dict_kind { OOM_DICT_WORD, OOM_DICT_SHAPE, OOM_DICT_WHO, OOM_DICTS };
struct oom_dict;

struct oom_store {
	struct oom_sql *sql;
	enum oom_store_mode mode;
	unsigned deleted;                    /* events, since words were last counted (store_sweep.c) */
	bool failed; /* a write failed half-way: only a rollback helps */
	struct oom_sql_stmt *st[OOM_ST_COUNT];
	struct oom_store_insert insert[OOM_STORE_INSERTS];
	unsigned next_insert;                                 /* the one to be replaced */
	struct oom_packer *packer;
	struct oom_dict *dict[OOM_DICTS];
	struct oom_buf stream[5];                             /* of raw lines */
	struct oom_buf lines, packed, memory, text; /* reused from event to event; text: of statements */
	struct oom_buf ids, rare, ranks;                      /* arrays of the rows that are being written */
	struct oom_str last_host, last_machine;               /* into last_host_text */
	struct oom_buf last_host_text;
	int64_t last_host_id;                                 /* 0 = none */
	char *copy;                                           /* path of a private copy that close() removes, or NULL */
};

/* Section v, from 1, of schema.sql: of what a store runs ("version") or a fleet's database ("postgresql").  Its length in *n,
 * NULL past the last. */
const char *oom_schema_section(const char *what, int v, size_t *n);
/* Prepares on first use; the store keeps it. */
int oom_store_statement(struct oom_store *s, unsigned id, struct oom_sql_stmt **ret, struct oom_err *reterr);
/* INSERT of all rows of the feed: its column 0 is k, column i + 1 the part's column i. */
int oom_store_insert(struct oom_store *s, const struct oom_store_part *part, uint64_t columns,
		     struct oom_sql_stmt **ret, struct oom_err *reterr);
/* A write is one transaction, the caller's if there is one (own: there is none).  end() returns r, or what became of
 * the commit. */
int oom_store_begin_write(struct oom_store *s, bool own, struct oom_err *reterr);
int oom_store_end_write(struct oom_store *s, bool own, int r, struct oom_err *reterr);
/* Deletes every row of the event. */
int oom_store_clear(struct oom_store *s, int64_t id, struct oom_err *reterr);
/* Verdict and digest of an event: both added, both deleted. */
int oom_store_put_verdict(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr);
int oom_store_clear_verdict(struct oom_store *s, int64_t id, struct oom_err *reterr);
/* 1 = the event has this verdict for this reason already. */
int oom_store_same_verdict(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr);
/* After events were deleted: drops what only they named, if it has become much. */
int oom_store_sweep(struct oom_store *s, struct oom_err *reterr);
/* Id of the machine: 1, or 0 if it is not known and may not be added, or -errno. */
int oom_store_host(struct oom_store *s, struct oom_str host, struct oom_str machine_id, bool add, int64_t *ret,
		   struct oom_err *reterr);
/* As oom_store_open(), for a file of others: errors call it shown, and what is read of it may take limit_ms in all (0 = any
 * time), until oom_sql_limit() says otherwise. */
int oom_store_open_as(const char *path, enum oom_store_mode mode, const char *shown, int64_t limit_ms,
		      struct oom_store **ret, struct oom_err *reterr);
/* How long reading a store of others may take, in ms. */
int64_t oom_store_source_limit(const char *path);
/* Judges a stored event anew. */
int oom_store_judge(struct oom_store *s, int64_t id, struct oom_err *reterr);
/* Who takes the place of another is looked at: it must be the event that its fingerprint names, and know what it claims, else
 * -EBADMSG. */
int oom_store_prove(struct oom_store *s, int64_t id, const char *fingerprint, int64_t weight, struct oom_err *reterr);
bool oom_store_is_fingerprint(struct oom_str s);
/* Removes it, its -wal and -shm, and the directory that was made for it.  Frees the path; NULL is fine. */
void oom_store_remove_copy(char *path);
/* A store that an older version made: 1, 0, or -errno. */
int oom_store_is_older(struct oom_sql *sql, struct oom_err *reterr);
/* Sets *reterr to -code's sentence about this store. */
int oom_store_fail(struct oom_store *s, int code, const char *what, struct oom_err *reterr);

/* The row of the task table as kernels with that heading print it (store_row.c); its bytes, 0 = such a row would say what
 * the task does not know. */
#define OOM_ROW_FORMATS  7
#define OOM_ROW_NAME_MAX 64
#define OOM_ROW_MAX      (16 * 32 + OOM_ROW_NAME_MAX)
size_t oom_row_text(unsigned format, const struct oom_task *t, char buf[OOM_ROW_MAX]);

/* Evidence: the event's lines as a blob in s->packed, its memory facts as JSON in s->memory; and back. */
int  oom_store_pack_raw(struct oom_store *s, const struct oom_event *ev, struct oom_err *reterr);
int oom_store_unpack_raw(struct oom_store *s, struct oom_str blob, struct oom_event *ev,
			 struct oom_err *reterr);
int  oom_store_pack_memory(struct oom_store *s, const struct oom_event *ev, struct oom_err *reterr);
int oom_store_unpack_memory(struct oom_store *s, struct oom_str json, struct oom_event *ev,
			    struct oom_err *reterr);

/* The number of what says this, added if it is new.  0 or -errno. */
int oom_dict_text(struct oom_store *s, enum oom_dict_kind kind, struct oom_str text, int64_t *ret, struct oom_err *reterr);
int oom_dict_who(struct oom_store *s, const struct oom_task *t, int64_t *ret, struct oom_err *reterr);
/* 1 = the word has a number, 0 = it has none, -errno. */
int oom_dict_known(struct oom_store *s, struct oom_str word, int64_t *ret, struct oom_err *reterr);
/* oom_dict_text() for words, as oom_sql_functions() wants it. */
int oom_dict_word(void *store, struct oom_str text, int64_t *ret);
void oom_dict_clear(struct oom_dict *d);
void oom_dict_free(struct oom_dict *d);

/* Rows of the task table, with what r derived (NULL = nothing); to write them, the new derived columns alone, to load. */
int oom_store_put_tasks(struct oom_store *s, const struct oom_event *ev, const struct oom_replay *r, int64_t id,
			struct oom_err *reterr);
int oom_store_score_tasks(struct oom_store *s, const struct oom_replay *r, int64_t id, struct oom_err *reterr);
int oom_store_load_tasks(struct oom_store *s, struct oom_event *ev, int64_t rows_off, struct oom_err *reterr);
/* event.rows_off; OOM_NA: there is no row, or it has no line. */
int64_t oom_store_rows_off(const struct oom_event *ev);
/* What one step of oom_score_adj is worth in their points: as shown, and at both ends of totalpages; OOM_NA. */
struct oom_adj_pages { int64_t shown, lo, hi; };
struct oom_adj_pages oom_store_adj_pages(const struct oom_replay *r);
/* Room for n things of size bytes in b, as they are; NULL when out of memory. */
void *oom_store_room(struct oom_buf *b, size_t n, size_t size);

#endif
