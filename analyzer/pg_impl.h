/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of merging into PostgreSQL share. */
#ifndef OOMLENS_ANALYZER_PG_IMPL_H
#define OOMLENS_ANALYZER_PG_IMPL_H

#include "pg.h"
#include "store_impl.h"

/* An event that the server lacks, or of which it has a lesser account. */
struct oom_pg_event { int64_t local, host, id, page_size; bool beats; };

struct oom_pg_merge {
	struct oom_pg *pg;
	struct oom_store *s;
	struct oom_err *err;
	bool staged;                    /* the tables are foreign: COPY goes there row by row, INSERT does not */
	struct oom_buf hosts;           /* each host's id by its local one */
	struct oom_buf events;          /* struct oom_pg_event: those to be copied */
	struct oom_buf line, text;      /* rows on their way; statements and arrays of ids */
	struct oom_buf memory;
	struct oom_arena a;
	struct oom_merged done;
};

int oom_pg_no_memory(struct oom_pg_merge *m);

/* Ids are made of what they name (pg_choose.c).  hash_bytes() takes one value after the other, from OOM_PG_HASH on. */
#define OOM_PG_HASH 0xcbf29ce484222325ull
uint64_t oom_pg_hash(uint64_t h, struct oom_str s);
int64_t oom_pg_id(uint64_t h);
/* The id of the store's host. */
int64_t oom_pg_host_of(const struct oom_pg_merge *m, int64_t local);

/* Reads the hosts of the store and waits until nobody else writes of them. */
int oom_pg_lock_hosts(struct oom_pg_merge *m);
/* Fills events: what is new, or better than what the server has, of which beats is set. */
int oom_pg_choose(struct oom_pg_merge *m);
/* "{1,2,3}" of the int64_t at offset at of each of n elements. */
int oom_pg_add_ids(struct oom_buf *b, const char *p, size_t n, size_t size, size_t at);

#endif
