/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a store says once and numbers: words, who a task is, shapes of memory groups.  What was met lately is remembered,
 * so that an event asks SQLite for what is new alone.
 */
#include "store_impl.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SLOTS_FIRST 256                /* a power of two, as all that follow */
#define SLOTS_MAX   ((size_t)1 << 17)
#define BYTES_MAX   ((size_t)8 << 20)

struct slot { uint64_t hash; int64_t id; uint32_t at, n; };
struct oom_dict {
	struct oom_buf text;
	struct slot *slot;
	size_t cap, used;
};

void oom_dict_clear(struct oom_dict *d)
{
	if (!d)
		return;
	d->text.n = d->used = 0;
	if (d->slot)
		memset(d->slot, 0, d->cap * sizeof(*d->slot));
}

void oom_dict_free(struct oom_dict *d)
{
	if (!d)
		return;
	oom_buf_release(&d->text);
	oom_free(d->slot);
	oom_free(d);
}

static uint64_t hash_of(struct oom_str s)
{
	uint64_t h = s.n * 0x9e3779b97f4a7c15u;

	for (; s.n >= 8; s.p += 8, s.n -= 8) {
		uint64_t w;

		memcpy(&w, s.p, 8);
		h = (h ^ w) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	for (; s.n; s.p++, s.n--)
		h = (h ^ (unsigned char)*s.p) * 0x100000001b3u;
	return h ^ h >> 29;
}

/* The slot that holds s, or the free one where it belongs. */
static struct slot *slot_of(const struct oom_dict *d, struct oom_str s, uint64_t hash)
{
	size_t i = hash & (d->cap - 1);

	for (; d->slot[i].id; i = (i + 1) & (d->cap - 1))
		if (d->slot[i].hash == hash && d->slot[i].n == s.n && !memcmp(d->text.p + d->slot[i].at, s.p, s.n))
			break;
	return &d->slot[i];
}

/* Twice the slots, or all of them empty again. */
static int make_room(struct oom_dict *d)
{
	struct oom_dict wide = { .cap = d->cap ? d->cap * 2 : SLOTS_FIRST };

	if (wide.cap > SLOTS_MAX || d->text.n > BYTES_MAX) {
		oom_dict_clear(d);
		return 0;
	}
	wide.slot = oom_malloc(wide.cap * sizeof(*wide.slot));
	if (!wide.slot)
		return -ENOMEM;
	memset(wide.slot, 0, wide.cap * sizeof(*wide.slot));
	wide.text = d->text;
	for (size_t i = 0; i < d->cap; i++) {
		const struct slot *from = &d->slot[i];

		if (from->id)
			*slot_of(&wide, (struct oom_str){ d->text.p + from->at, from->n }, from->hash) = *from;
	}
	oom_free(d->slot);
	d->slot = wide.slot;
	d->cap = wide.cap;
	return 0;
}

/* 0 = not met.  Out of memory is no reason to fail: the store is asked again. */
static int64_t recall(const struct oom_dict *d, struct oom_str s, uint64_t hash)
{
	return d && d->cap ? slot_of(d, s, hash)->id : 0;
}

static void remember(struct oom_dict **io, struct oom_str s, uint64_t hash, int64_t id)
{
	struct oom_dict *d = *io;

	if (!d) {
		d = *io = oom_malloc(sizeof(*d));
		if (!d)
			return;
		*d = (struct oom_dict){ .cap = 0 };
	}
	if ((d->used >= d->cap / 2 || d->text.n + s.n > BYTES_MAX) && make_room(d))
		return;
	if (id <= 0 || oom_buf_add(&d->text, s.p, s.n))
		return;
	*slot_of(d, s, hash) = (struct slot){ hash, id, (uint32_t)(d->text.n - s.n), (uint32_t)s.n };
	d->used++;
}

/* ---- words and shapes ---------------------------------------------------------------------------------- */

/* FNV-1a, 23 bits: three bytes in a file.  Part of the format. */
static int64_t word_hash(struct oom_str s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (unsigned char)s.p[i]) * 16777619u;
	return h & 0x7fffff;
}

/* Parameters: the text, and its hash where the table has one. */
static void bind_text(struct oom_sql_stmt *st, struct oom_str s, bool hashed)
{
	oom_sql_bind_text(st, 1, s);
	if (hashed)
		oom_sql_bind_int(st, 2, word_hash(s));
}

/* 1 = found, 0 = not, -errno. */
static int ask(struct oom_store *s, struct oom_sql_stmt *st, int64_t *ret, struct oom_err *reterr)
{
	int r = oom_sql_step(s->sql, st, reterr);

	if (r == 1)
		*ret = oom_sql_int(st, 0);
	oom_sql_reset(st);
	return r;
}

static int find_text(struct oom_store *s, enum oom_dict_kind kind, struct oom_str text, bool add, int64_t *ret,
		     struct oom_err *reterr)
{
	static const struct { unsigned find, add; } of[] = {
		[OOM_DICT_WORD] = { OOM_ST_FIND_WORD, OOM_ST_ADD_WORD },
		[OOM_DICT_SHAPE] = { OOM_ST_FIND_SHAPE, OOM_ST_ADD_SHAPE },
	};
	bool hashed = kind == OOM_DICT_WORD;
	struct oom_sql_stmt *st;
	int r = oom_store_statement(s, of[kind].find, &st, reterr);

	if (r)
		return r;
	bind_text(st, text, hashed);
	r = ask(s, st, ret, reterr);
	if (r || !add)
		return r;
	r = oom_store_statement(s, of[kind].add, &st, reterr);
	if (r)
		return r;
	bind_text(st, text, hashed);
	r = oom_sql_run(s->sql, st, reterr);
	*ret = oom_sql_last_id(s->sql);
	return r ? r : 1;
}

int oom_dict_text(struct oom_store *s, enum oom_dict_kind kind, struct oom_str text, int64_t *ret, struct oom_err *reterr)
{
	uint64_t hash = hash_of(text);
	int r;

	*ret = recall(s->dict[kind], text, hash);
	if (*ret)
		return 0;
	r = find_text(s, kind, text, true, ret, reterr);
	if (r > 0)
		remember(&s->dict[kind], text, hash, *ret);
	return r < 0 ? r : 0;
}

int oom_dict_known(struct oom_store *s, struct oom_str word, int64_t *ret, struct oom_err *reterr)
{
	*ret = recall(s->dict[OOM_DICT_WORD], word, hash_of(word));
	return *ret ? 1 : find_text(s, OOM_DICT_WORD, word, false, ret, reterr);
}

int oom_dict_word(void *store, struct oom_str text, int64_t *ret)
{
	return oom_dict_text(store, OOM_DICT_WORD, text, ret, NULL);
}

/* ---- tasks --------------------------------------------------------------------------------------------- */

static int find_who(struct oom_store *s, const struct oom_task *t, int64_t *ret, struct oom_err *reterr)
{
	static const unsigned of[] = { OOM_ST_FIND_WHO, OOM_ST_ADD_WHO };
	int r = 0;

	for (size_t i = 0; !r && i < OOM_ARRAY_SIZE(of); i++) {
		struct oom_sql_stmt *st;

		r = oom_store_statement(s, of[i], &st, reterr);
		if (r)
			return r;
		oom_sql_bind_text(st, 1, t->comm);
		oom_sql_bind_int(st, 2, t->uid);
		oom_sql_bind_int(st, 3, t->oom_score_adj);
		if (i == 0) {
			r = ask(s, st, ret, reterr);
		} else {
			r = oom_sql_run(s->sql, st, reterr);
			*ret = oom_sql_last_id(s->sql);
		}
	}
	return r < 0 ? r : 0;
}

/* Names of kernels are short; a longer one is asked for each time. */
int oom_dict_who(struct oom_store *s, const struct oom_task *t, int64_t *ret, struct oom_err *reterr)
{
	char key[64];
	struct oom_str k = { key, 2 * sizeof(int64_t) + 1 + t->comm.n };
	uint64_t hash;
	int r;

	if (k.n > sizeof(key))
		return find_who(s, t, ret, reterr);
	memcpy(key, &t->uid, sizeof(int64_t));
	memcpy(key + sizeof(int64_t), &t->oom_score_adj, sizeof(int64_t));
	key[2 * sizeof(int64_t)] = t->comm.p != NULL;
	if (t->comm.n)
		memcpy(key + 2 * sizeof(int64_t) + 1, t->comm.p, t->comm.n);
	hash = hash_of(k);
	*ret = recall(s->dict[OOM_DICT_WHO], k, hash);
	if (*ret)
		return 0;
	r = find_who(s, t, ret, reterr);
	if (!r)
		remember(&s->dict[OOM_DICT_WHO], k, hash, *ret);
	return r;
}
