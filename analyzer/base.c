/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/base.h>

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- borrowed strings ------------------------------------------------------------------------------ */

bool oom_str_ends(struct oom_str s, const char *lit)
{
	size_t n = strlen(lit);

	return s.p && s.n >= n && memcmp(s.p + s.n - n, lit, n) == 0;
}

int oom_str_cmp(struct oom_str a, struct oom_str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int c;

	if (!a.p || !b.p)
		return (a.p != NULL) - (b.p != NULL);
	c = n ? memcmp(a.p, b.p, n) : 0;
	return c ? c : (a.n > b.n) - (a.n < b.n);
}

ptrdiff_t oom_str_find(struct oom_str s, const char *lit)
{
	const char *hit = s.p ? memmem(s.p, s.n, lit, strlen(lit)) : NULL;

	return hit ? hit - s.p : -1;
}

ptrdiff_t oom_str_rfind(struct oom_str s, const char *lit)
{
	size_t n = strlen(lit);

	if (!s.p || s.n < n || n == 0)
		return -1;
	for (size_t i = s.n - n + 1; i-- > 0;)
		if (s.p[i] == lit[0] && memcmp(s.p + i, lit, n) == 0)
			return (ptrdiff_t)i;
	return -1;
}

static bool is_trim(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

struct oom_str oom_str_trim(struct oom_str s)
{
	while (s.n && is_trim(s.p[0])) {
		s.p++;
		s.n--;
	}
	while (s.n && is_trim(s.p[s.n - 1]))
		s.n--;
	return s;
}

static void advance(struct oom_str *s, size_t n)
{
	s->p += n;
	s->n -= n;
}

bool oom_take_i64(struct oom_str *s, int64_t *out)
{
	size_t neg = s->n && s->p[0] == '-', i;
	int64_t v = 0;

	for (i = neg; i < s->n && s->p[i] >= '0' && s->p[i] <= '9'; i++) {
		/* The most negative value stays out: it is OOM_NA. */
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_add_overflow(v, s->p[i] - '0', &v))
			return false;
	}
	if (i == neg)
		return false;
	advance(s, i);
	*out = neg ? -v : v;
	return true;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool oom_take_hex(struct oom_str *s, uint64_t *out)
{
	size_t start = s->n > 2 && s->p[0] == '0' && (s->p[1] | 0x20) == 'x' ? 2 : 0, i;
	uint64_t v = 0;

	for (i = start; i < s->n && hex_digit(s->p[i]) >= 0; i++) {
		if (v >> 60)
			return false;
		v = v << 4 | (uint64_t)hex_digit(s->p[i]);
	}
	if (i == start)
		return false;
	advance(s, i);
	*out = v;
	return true;
}

bool oom_take_until(struct oom_str *s, char stop, struct oom_str *out)
{
	const char *hit = s->n ? memchr(s->p, stop, s->n) : NULL;

	if (!hit)
		return false;
	*out = (struct oom_str){ s->p, (size_t)(hit - s->p) };
	advance(s, out->n);
	return true;
}

bool oom_take_word(struct oom_str *s, struct oom_str *out)
{
	size_t i = 0;

	while (i < s->n && s->p[i] != ' ' && s->p[i] != '\t')
		i++;
	if (!i)
		return false;
	*out = (struct oom_str){ s->p, i };
	advance(s, i);
	return true;
}

/* ---- errors ---------------------------------------------------------------------------------------- */

int oom_err_set(struct oom_err *err, int code, const char *fmt, ...)
{
	va_list ap;

	if (err && !err->code) {
		err->code = code;
		va_start(ap, fmt);
		vsnprintf(err->text, sizeof(err->text), fmt, ap);
		va_end(ap);
	}
	return -code;
}

/* ---- memory ---------------------------------------------------------------------------------------- */

static long fail_countdown;

void oom_alloc_fail_at(long n)
{
	fail_countdown = n;
}

static bool fail_now(void)
{
	return fail_countdown > 0 && --fail_countdown == 0;
}

void *oom_malloc(size_t size)
{
	return fail_now() ? NULL : malloc(size ? size : 1);
}

void *oom_realloc(void *p, size_t size)
{
	return fail_now() ? NULL : realloc(p, size ? size : 1);
}

void oom_free(void *p)
{
	free(p);
}

struct oom_chunk {
	struct oom_chunk *next;
	size_t size, used;
	_Alignas(16) unsigned char data[];
};

#define CHUNK_MIN ((size_t)2 << 10)     /* the recorder holds hundreds of small events */
#define CHUNK_MAX ((size_t)1 << 20)

static struct oom_chunk *chunk_new(struct oom_arena *a, size_t need)
{
	size_t size = a->head ? a->head->size * 2 : CHUNK_MIN;
	struct oom_chunk *c;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	if (size < need)
		size = need;
	c = oom_malloc(sizeof(*c) + size);
	if (!c)
		return NULL;
	*c = (struct oom_chunk){ .next = a->head, .size = size };
	a->head = c;
	return c;
}

/* Not zeroed. */
static void *arena_take(struct oom_arena *a, size_t size)
{
	size_t limit = a->limit ? a->limit : OOM_ARENA_LIMIT;
	struct oom_chunk *c = a->head;
	void *p;

	if (size > limit || a->used > limit - size)
		return NULL;
	size = (size + 15) & ~(size_t)15;
	if (!c || c->size - c->used < size) {
		c = chunk_new(a, size);
		if (!c)
			return NULL;
	}
	p = c->data + c->used;
	c->used += size;
	a->used += size;
	return p;
}

void *oom_arena_alloc(struct oom_arena *a, size_t size)
{
	void *p = arena_take(a, size);

	return p ? memset(p, 0, size) : NULL;
}

int oom_arena_str(struct oom_arena *a, struct oom_str s, struct oom_str *ret)
{
	char *p;

	if (!s.p) {
		*ret = OOM_STR_NULL;
		return 0;
	}
	p = arena_take(a, s.n + 1);
	if (!p)
		return -ENOMEM;
	memcpy(p, s.p, s.n);
	p[s.n] = '\0';
	*ret = (struct oom_str){ p, s.n };
	return 0;
}

struct oom_str oom_arena_fmt(struct oom_arena *a, const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	p = n < 0 ? NULL : oom_arena_alloc(a, (size_t)n + 1);
	if (!p)
		return OOM_STR_NULL;
	va_start(ap, fmt);
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	va_end(ap);
	return (struct oom_str){ p, (size_t)n };
}

void oom_arena_release(struct oom_arena *a)
{
	struct oom_chunk *c = a->head, *next;

	for (; c; c = next) {
		next = c->next;
		oom_free(c);
	}
	a->head = NULL;
	a->used = 0;
}

void oom_arena_reset(struct oom_arena *a)
{
	struct oom_chunk *keep = a->head;

	if (!keep)
		return;
	a->head = keep->next;
	oom_arena_release(a);
	keep->next = NULL;
	keep->used = 0;
	a->head = keep;
}

void oom_arena_fold(struct oom_arena *a)
{
	size_t used = a->used;
	struct oom_chunk *c;

	if (!a->head || !a->head->next) {
		oom_arena_reset(a);
		return;
	}
	oom_arena_release(a);
	c = oom_malloc(sizeof(*c) + used);
	if (!c)
		return;
	*c = (struct oom_chunk){ .size = used };
	a->head = c;
}

void *oom_arena_grow(struct oom_arena *a, void *array, size_t n, size_t *cap, size_t size)
{
	size_t want = *cap ? *cap * 2 : 16;
	void *p;

	if (n < *cap)
		return array;
	if (want > SIZE_MAX / 2 / size)
		return NULL;
	p = arena_take(a, want * size);
	if (!p)
		return NULL;
	if (n)
		memcpy(p, array, n * size);
	*cap = want;
	return p;
}

static int buf_room(struct oom_buf *b, size_t n)
{
	size_t cap = b->cap ? b->cap : 256;
	char *p;

	if (n > SIZE_MAX / 4 - b->n || (b->max && b->n + n > b->max))
		return -EOVERFLOW;
	if (b->n + n <= b->cap)
		return 0;
	while (cap < b->n + n)
		cap *= 2;
	p = oom_realloc(b->p, cap);
	if (!p)
		return -ENOMEM;
	b->p = p;
	b->cap = cap;
	return 0;
}

int oom_buf_add(struct oom_buf *b, const void *p, size_t n)
{
	int r = buf_room(b, n);

	if (r < 0)
		return r;
	if (n)
		memcpy(b->p + b->n, p, n);
	b->n += n;
	return 0;
}

int oom_buf_fmt(struct oom_buf *b, const char *fmt, ...)
{
	va_list ap;
	int n, r;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0)
		return -EINVAL;
	r = buf_room(b, (size_t)n + 1);   /* room for the NUL, which is not counted */
	if (r < 0)
		return r;
	va_start(ap, fmt);
	vsnprintf(b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
	return 0;
}

void oom_buf_release(struct oom_buf *b)
{
	oom_free(b->p);
	b->p = NULL;
	b->n = b->cap = 0;
}
