/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Quiet reading: nearly every byte of a log is looked at here and nowhere else, so a block is searched for
 * all anchors in one pass.  Four neighbouring bytes of each anchor are its print; the anchors are dealt to
 * eight buckets, one bit each, and for each of the four places two tables of sixteen entries (by low and by
 * high half of the byte) hold the buckets that could have this byte there.  Sixteen-entry tables are what a
 * byte shuffle looks up 32 at a time; the AND of the eight answers leaves few places, which are then compared
 * in full.
 */
#include "scan.h"

#include <oomlens/source.h>

#include <pthread.h>
#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define PRINT   4
#define BUCKETS 8

/* X(text, place of its print, bucket), ordered by bucket.  Prints are rare letter groups; those that share a
 * bucket are chosen so that mixtures of their halves make no common groups either. */
#define ANCHORS(X) \
	X("oom-kill",           0, 0) /* invoked oom-killer:, oom-kill:constraint= */ \
	X("oom_",               0, 0) /* oom_reaper:, oom_kill_process:, the table's heading */ \
	X("oom.group",          0, 0) \
	X("oomd",               0, 0) /* systemd-oomd and oomd: what they killed is told beside the kernel's kills */ \
	X("earlyoom[",          5, 0) \
	X("earlyoom:",          5, 0) \
	X("earlyoom\"",         5, 0) /* as a field of JSON */ \
	X("oom killer",         2, 1) /* has mm pinned by (4.8+) */ \
	X("ould have killed",   8, 1) \
	X("OOM",                0, 2) /* OOM killer disabled, Manual OOM execution, VM_FAULT_OOM */ \
	X("MESSAGE\":[",        6, 2) /* journal JSON hides text with odd bytes in arrays of numbers */ \
	X("MESSAGE\" : [",      6, 2) \
	X("Kill process",       0, 3) \
	X("Killed process",     0, 3) \
	X("page allocation",    6, 3) /* its dump looks like the one of an OOM */ \
	X("deadlocked on memory", 3, 3) /* the panic that follows when nothing can be killed */ \
	X("ut of memory",       4, 4) \
	X("result of limit",    8, 4) /* Task in ... killed as a result of limit of (2.6.36-4.20) */ \
	X("reached of cgroup",  9, 4) /* Memory limit reached of cgroup (4.1-4.20, no victim) */ \
	X("memory: usage ",     5, 5) /* the memcg block of a dump whose head is missing */ \
	X("Linux version ",     4, 6) /* the boot banner ends what was known of this boot */ \
	X("Mem-Info:",          2, 7) \
	X("Mem-info:",          2, 7) \
	X("nohang",             2, 7) \
	X("cgroup stats for",   0, 7) /* a memcg block may begin with it (4.20+), were it cut */

#define ANCHOR_TEXT(text, at, bucket)  text,
#define ANCHOR_PLACE(text, at, bucket) { sizeof(text) - 1, at, bucket },

const char *const oom_anchors[] = { ANCHORS(ANCHOR_TEXT) NULL };

static const struct place {
	uint8_t n, at, bucket;
} places[] = { ANCHORS(ANCHOR_PLACE) };

static struct tables {
	uint8_t lo[PRINT][16], hi[PRINT][16];
	uint8_t all[PRINT][256];        /* the same by whole byte, for one byte at a time */
	uint8_t first[BUCKETS + 1];     /* each bucket's anchors */
	bool avx2;
} tables;

static pthread_once_t tables_once = PTHREAD_ONCE_INIT;

static void tables_make(void)
{
	for (size_t a = 0; a < OOM_ARRAY_SIZE(places); a++) {
		uint8_t bit = (uint8_t)(1u << places[a].bucket);

		tables.first[places[a].bucket + 1] = (uint8_t)(a + 1);
		for (size_t k = 0; k < PRINT; k++) {
			size_t i = places[a].at + k;

			if (i < places[a].n) {
				uint8_t c = (uint8_t)oom_anchors[a][i];

				tables.lo[k][c & 15] |= bit;
				tables.hi[k][c >> 4] |= bit;
				continue;
			}
			/* a text shorter than its print: any byte may stand there */
			for (size_t h = 0; h < 16; h++) {
				tables.lo[k][h] |= bit;
				tables.hi[k][h] |= bit;
			}
		}
	}
	for (size_t k = 0; k < PRINT; k++)
		for (size_t c = 0; c < 256; c++)
			tables.all[k][c] = tables.lo[k][c & 15] & tables.hi[k][c >> 4];
#if defined(__x86_64__)
	tables.avx2 = __builtin_cpu_supports("avx2");
#endif
}

/* Is one of the buckets' anchors really there, its print at p[i]? */
static bool confirm(const char *p, size_t n, size_t i, unsigned buckets)
{
	for (; buckets; buckets &= buckets - 1) {
		unsigned b = (unsigned)__builtin_ctz(buckets);

		for (unsigned a = tables.first[b]; a < tables.first[b + 1]; a++) {
			const struct place *pl = &places[a];

			if (i >= pl->at && n - (i - pl->at) >= pl->n &&
			    !memcmp(p + i - pl->at, oom_anchors[a], pl->n))
				return true;
		}
	}
	return false;
}

/* From offset i on; bytes past the end count as "could be anything". */
static size_t anchor_from(const char *p, size_t n, size_t i)
{
	const uint8_t *u = (const uint8_t *)p;

	for (; i < n; i++) {
		unsigned m = tables.all[0][u[i]];

		for (size_t k = 1; m && k < PRINT && i + k < n; k++)
			m &= tables.all[k][u[i + k]];
		if (m && confirm(p, n, i, m))
			return i;
	}
	return n;
}

size_t oom_scan_anchor_portable(const char *p, size_t n)
{
	pthread_once(&tables_once, tables_make);
	return anchor_from(p, n, 0);
}

#if defined(__x86_64__)

#define AVX2 __attribute__((target("avx2")))

AVX2 static inline __m256i buckets_at(const char *p, size_t k, __m256i lo, __m256i hi)
{
	__m256i v = _mm256_loadu_si256((const __m256i *)(p + k));
	__m256i half = _mm256_set1_epi8(15);
	__m256i l = _mm256_shuffle_epi8(lo, _mm256_and_si256(v, half));
	__m256i h = _mm256_shuffle_epi8(hi, _mm256_and_si256(_mm256_srli_epi16(v, 4), half));

	return _mm256_and_si256(l, h);
}

AVX2 static inline __m256i table_load(const uint8_t *t)
{
	return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)t));
}

AVX2 static size_t anchor_avx2(const char *p, size_t n)
{
	__m256i lo[PRINT], hi[PRINT];
	size_t i = 0;

	for (size_t k = 0; k < PRINT; k++) {
		lo[k] = table_load(tables.lo[k]);
		hi[k] = table_load(tables.hi[k]);
	}
	for (; i + 32 + PRINT - 1 <= n; i += 32) {
		__m256i m = _mm256_and_si256(
			_mm256_and_si256(buckets_at(p + i, 0, lo[0], hi[0]),
					 buckets_at(p + i, 1, lo[1], hi[1])),
			_mm256_and_si256(buckets_at(p + i, 2, lo[2], hi[2]),
					 buckets_at(p + i, 3, lo[3], hi[3])));
		uint8_t bucket[32];
		uint32_t hit;

		if (__builtin_expect(_mm256_testz_si256(m, m), 1))
			continue;
		_mm256_storeu_si256((__m256i *)bucket, m);
		hit = ~(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(m, _mm256_setzero_si256()));
		for (; hit; hit &= hit - 1) {
			size_t j = (size_t)__builtin_ctz(hit);

			if (confirm(p, n, i + j, bucket[j]))
				return i + j;
		}
	}
	return anchor_from(p, n, i);
}

AVX2 static size_t newlines_avx2(const char *p, size_t n)
{
	const __m256i nl = _mm256_set1_epi8('\n');
	__m256i sum = _mm256_setzero_si256();
	size_t i = 0, total = 0;
	uint64_t part[4];

	while (n - i >= 32) {
		__m256i acc = _mm256_setzero_si256();

		/* a byte counts to 255 before its lane must be emptied */
		for (int k = 0; k < 255 && n - i >= 32; k++, i += 32) {
			__m256i v = _mm256_loadu_si256((const __m256i *)(p + i));

			acc = _mm256_sub_epi8(acc, _mm256_cmpeq_epi8(v, nl));
		}
		sum = _mm256_add_epi64(sum, _mm256_sad_epu8(acc, _mm256_setzero_si256()));
	}
	_mm256_storeu_si256((__m256i *)part, sum);
	for (; i < n; i++)
		total += p[i] == '\n';
	return total + part[0] + part[1] + part[2] + part[3];
}

#else

static size_t anchor_avx2(const char *p, size_t n)
{
	return anchor_from(p, n, 0);
}

static size_t newlines_avx2(const char *p, size_t n)
{
	(void)p;
	return n;
}

#endif

size_t oom_scan_anchor(const char *p, size_t n)
{
	pthread_once(&tables_once, tables_make);
	return tables.avx2 ? anchor_avx2(p, n) : anchor_from(p, n, 0);
}

size_t oom_scan_newlines(const char *p, size_t n)
{
	size_t total = 0;

	pthread_once(&tables_once, tables_make);
	if (tables.avx2)
		return newlines_avx2(p, n);
	for (size_t i = 0; i < n; i++)
		total += p[i] == '\n';
	return total;
}

/* Sixteen bytes at a time in the compiler's own vectors: lines are short, and every target has these. */
typedef uint8_t bytes16 __attribute__((vector_size(16)));

static bool special_byte(uint8_t c)
{
	return c == 0x1b || c == 0xc2 || c == '#' || c == '\\';
}

bool oom_scan_special(const char *p, size_t n)
{
	size_t i = 0;

	for (; i + 16 <= n; i += 16) {
		bytes16 v;
		uint64_t half[2];

		memcpy(&v, p + i, 16);
		v = (bytes16)((v == 0x1b) | (v == 0xc2) | (v == '#') | (v == '\\'));
		memcpy(half, &v, 16);
		if (half[0] | half[1])
			return true;
	}
	for (; i < n; i++)
		if (special_byte((uint8_t)p[i]))
			return true;
	return false;
}
