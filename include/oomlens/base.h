/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Ground under everything else: borrowed strings, takes, arenas, errors and the printing of bytes that
 * nobody can trust.  Depends on the C library alone; knows no clock, no file and no terminal.
 */
#ifndef OOMLENS_BASE_H
#define OOMLENS_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define OOMLENS_VERSION "0.1.0"

/* The source did not say.  Never 0, never guessed; SQL NULL, JSON null, "-" on screen. */
#define OOM_NA INT64_MIN

#define OOM_ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define OOM_PRINTF(f, a)  __attribute__((format(printf, f, a)))

/* ---- borrowed strings ------------------------------------------------------------------------------ */

/* Borrowed bytes, not NUL-terminated, any byte allowed.  p == NULL means "not known", n == 0 means empty.
 * Whoever stores one says in its header who owns the bytes. */
struct oom_str {
	const char *p;
	size_t n;
};

#define OOM_STR(lit) ((struct oom_str){ (lit), sizeof(lit) - 1 })
#define OOM_STR_NULL ((struct oom_str){ NULL, 0 })

/* The short ones are here, so that the length of a literal is known where they are used. */
static inline struct oom_str oom_str_from(const char *z)        /* z may be NULL; borrows z */
{
	return (struct oom_str){ z, z ? strlen(z) : 0 };
}

static inline bool oom_str_eq(struct oom_str a, struct oom_str b)   /* NULL equals only NULL */
{
	if (!a.p || !b.p)
		return a.p == b.p;
	return a.n == b.n && memcmp(a.p, b.p, a.n) == 0;
}

static inline bool oom_str_is(struct oom_str s, const char *lit)
{
	return oom_str_eq(s, oom_str_from(lit));
}

static inline bool oom_str_starts(struct oom_str s, const char *lit)
{
	size_t n = strlen(lit);

	return s.p && s.n >= n && memcmp(s.p, lit, n) == 0;
}

static inline struct oom_str oom_str_sub(struct oom_str s, size_t from, size_t n)   /* clamps to s */
{
	if (from > s.n)
		from = s.n;
	if (n > s.n - from)
		n = s.n - from;
	return (struct oom_str){ s.p ? s.p + from : NULL, n };
}

bool oom_str_ends(struct oom_str s, const char *lit);
int  oom_str_cmp(struct oom_str a, struct oom_str b);           /* byte order; NULL first */
/* Offset of the first (last) occurrence of lit in s, or -1. */
ptrdiff_t oom_str_find(struct oom_str s, const char *lit);
ptrdiff_t oom_str_rfind(struct oom_str s, const char *lit);
struct oom_str oom_str_trim(struct oom_str s);                  /* blanks, tabs and CR at both ends */

/* Takes advance *s only on success. */
static inline bool oom_take_lit(struct oom_str *s, const char *lit)
{
	size_t n = strlen(lit);

	if (!oom_str_starts(*s, lit))
		return false;
	*s = (struct oom_str){ s->p + n, s->n - n };
	return true;
}

static inline bool oom_take_char(struct oom_str *s, char c)
{
	if (!s->n || s->p[0] != c)
		return false;
	*s = (struct oom_str){ s->p + 1, s->n - 1 };
	return true;
}

static inline bool oom_take_blanks(struct oom_str *s)           /* one or more of " \t" */
{
	size_t i = 0;

	while (i < s->n && (s->p[i] == ' ' || s->p[i] == '\t'))
		i++;
	*s = oom_str_sub(*s, i, s->n);
	return i != 0;
}

bool oom_take_i64(struct oom_str *s, int64_t *out);             /* decimal, optional '-'; refuses overflow */
bool oom_take_hex(struct oom_str *s, uint64_t *out);            /* "0x" optional; refuses overflow */
bool oom_take_until(struct oom_str *s, char stop, struct oom_str *out);  /* stops before stop, which must come */
bool oom_take_word(struct oom_str *s, struct oom_str *out);     /* one or more non-blank bytes */

/* ---- errors ---------------------------------------------------------------------------------------- */

/* For a person; the first message wins; lower case, no full stop, names the file, line or SQL it is about. */
struct oom_err {
	int code;                /* a positive errno */
	char text[400];
};

/* Sets *err unless it is NULL or already set; returns -code, so that `return oom_err_set(...)` works. */
int oom_err_set(struct oom_err *err, int code, const char *fmt, ...) OOM_PRINTF(3, 4);

/* ---- memory ---------------------------------------------------------------------------------------- */

/* Like malloc, realloc and free.  All memory of the project comes from here, so that a test can make
 * allocation number n fail: oom_alloc_fail_at(n) counts from 1, 0 switches it off. */
void *oom_malloc(size_t size);
void *oom_realloc(void *p, size_t size);
void  oom_free(void *p);
void  oom_alloc_fail_at(long n);

/* Chunked bump allocator; zero-initialised struct is ready to use (limit 0 = OOM_ARENA_LIMIT). */
#define OOM_ARENA_LIMIT ((size_t)256 << 20)
struct oom_arena {
	struct oom_chunk *head;
	size_t used, limit;
};

void *oom_arena_alloc(struct oom_arena *a, size_t size);  /* zeroed, 16-byte aligned; NULL when out of memory or over limit */
int   oom_arena_str(struct oom_arena *a, struct oom_str s, struct oom_str *ret);  /* copy; 0 or -ENOMEM; keeps NULL NULL */
/* printf into the arena; OOM_STR_NULL when out of memory. */
struct oom_str oom_arena_fmt(struct oom_arena *a, const char *fmt, ...) OOM_PRINTF(2, 3);
void  oom_arena_release(struct oom_arena *a);             /* frees everything, leaves it ready to use */
void  oom_arena_reset(struct oom_arena *a);               /* forgets everything, keeps one chunk for reuse */
/* The same, but that chunk has room for all that was there: who fills it alike again allocates nothing. */
void  oom_arena_fold(struct oom_arena *a);

/* Grows an arena array that holds n elements of size bytes and has *cap slots so that one more fits; new slots hold
 * anything.
 * Returns the (possibly moved) array or NULL; the old array stays valid on failure. */
void *oom_arena_grow(struct oom_arena *a, void *array, size_t n, size_t *cap, size_t size);

/* Growable byte buffer on the heap; zero-initialised is ready; max 0 = no ceiling. */
struct oom_buf {
	char *p;
	size_t n, cap, max;
};
int  oom_buf_add(struct oom_buf *b, const void *p, size_t n);   /* 0, -ENOMEM, -EOVERFLOW past max */
int  oom_buf_fmt(struct oom_buf *b, const char *fmt, ...) OOM_PRINTF(2, 3);
void oom_buf_release(struct oom_buf *b);

/* ---- bytes that nobody can trust ------------------------------------------------------------------- */

/* Writes s for a terminal: valid printable UTF-8 as it is; control bytes (C0, DEL, C1), invalid UTF-8 and
 * bidirectional overrides as \xNN.  Returns the display columns written (wide characters count 2). */
size_t oom_put_safe(FILE *out, struct oom_str s);
/* Bytes of the first character of s (0 at its end) and the columns that oom_put_safe() needs for it. */
size_t oom_str_glyph(struct oom_str s, size_t *cols);
/* The same as oom_put_safe() into the arena. */
struct oom_str oom_str_safe(struct oom_arena *a, struct oom_str s);
/* s as valid UTF-8: each maximal invalid sequence becomes U+FFFD.  Borrows s when it is valid already. */
struct oom_str oom_str_utf8(struct oom_arena *a, struct oom_str s);

#endif
