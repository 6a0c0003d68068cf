/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Raw lines as the store packs them: what is left out comes back byte for byte, and what is damaged is refused. */
#include "test_parse.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../analyzer/store_impl.h"

static struct oom_store store;
static size_t events, rows, regenerated, bytes, packed;

static int setup(void **state)
{
	(void)state;
	store = (struct oom_store){ .failed = false };
	return oom_packer_new(&store.packer);
}

static int teardown(void **state)
{
	(void)state;
	oom_packer_free(store.packer);
	oom_buf_release(&store.lines);
	oom_buf_release(&store.packed);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(store.stream); i++)
		oom_buf_release(&store.stream[i]);
	return 0;
}

/* The same event without its lines, which come out of the blob; 0 or -errno. */
static int unpack(const struct oom_event *ev, struct oom_event *ret)
{
	assert_int_equal(oom_event_clone(ret, ev), 0);
	ret->raw = NULL;
	ret->nraw = ret->cap_raw = 0;
	return oom_store_unpack_raw(&store, (struct oom_str){ store.packed.p, store.packed.n }, ret, NULL);
}

static void assert_same_lines(const struct oom_event *a, const struct oom_event *b)
{
	assert_int_equal(a->nraw, b->nraw);
	for (size_t i = 0; i < a->nraw; i++) {
		assert_int_equal(a->raw[i].line, b->raw[i].line);
		if (!oom_str_eq(a->raw[i].text, b->raw[i].text))
			fail_msg("line %lld: '%.*s' became '%.*s'", (long long)a->raw[i].line, (int)a->raw[i].text.n,
				 a->raw[i].text.p, (int)b->raw[i].text.n, b->raw[i].text.p);
	}
}

static void count_rows(const struct oom_event *ev)
{
	for (size_t i = 0; i < ev->ntasks; i++) {
		struct oom_str text = oom_event_line(ev, ev->task[i].line);
		char row[OOM_ROW_MAX];

		rows++;
		for (unsigned f = 1; f < OOM_ROW_FORMATS; f++) {
			size_t n = oom_row_text(f, &ev->task[i], row);

			if (n && text.n >= n && !memcmp(text.p + text.n - n, row, n)) {
				regenerated++;
				break;
			}
		}
	}
}

static void there_and_back(struct oom_event *ev)
{
	struct oom_event back;

	assert_int_equal(oom_store_pack_raw(&store, ev, NULL), 0);
	assert_int_equal(unpack(ev, &back), 0);
	assert_same_lines(ev, &back);
	oom_event_release(&back);
	count_rows(ev);
	events++;
	packed += store.packed.n;
	for (size_t i = 0; i < ev->nraw; i++)
		bytes += ev->raw[i].text.n + 1;
}

/* STORE_LOGS: other logs than the cases. */
static void lines_come_back_as_they_were(void **state)
{
	const char *pattern = getenv("STORE_LOGS");

	(void)state;
	events = rows = regenerated = bytes = packed = 0;
	read_logs(pattern ? pattern : "tests/cases/*/log", there_and_back);
	print_message("%zu events, %zu bytes in %zu; %zu of %zu rows left out\n", events, bytes, packed, regenerated, rows);
	assert_true(pattern || (regenerated * 100 >= rows * 97 && packed * 8 < bytes));
}

/* One row of each kernel's table, in front of it what logs put there. */
static const char tables[] =
	"[  100.000001] a invoked oom-killer: gfp_mask=0x140cca(GFP_HIGHUSER_MOVABLE|__GFP_COMP), order=0, oom_score_adj=5\n"
	"[  100.999999] Tasks state (memory values in pages):\n"
	"[  101.000000] [  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name\n"
	"[  101.000000] [    201]     0   201     3000     1500     1000      500         0    61440       11          -250 x\n"
	"[  101.000001] [1234567]     0 1234567     3000     1500     1000      500         0    61440       11          -250 wide\n"
	"[  101.000001][  T123] [    202]     0   202     3000     1500     1000      500         0    61440       11          -250 y\n"
	"[    203]     0   203     3000     1500     1000      500         0    61440       11          -250 no stamp\n"
	"[  100.000000] [    204]     0   204     3000     1500     1000      500         0    61440       11          -250 back in time\n"
	"[  100.000007] [    205] 0 205 3000 1500 1000 500 0 61440 11 -250 blanks lost\n"
	"[99999.000007] [    206]     0   206     3000     1500     1000      500         0    61440       11          -250 z [1.2] \n"
	"[100000.000008] [    207]     0   207     3000     1500     1000      500         0    61440       11             0 six digits\n";

static void prefixes_of_all_kinds(void **state)
{
	struct oom_event ev[4];
	size_t n = parse_text(tables, ev, 4);

	(void)state;
	assert_true(n >= 1);
	for (size_t i = 0; i < n; i++)
		there_and_back(&ev[i]);
	/* rows that changed since, lines that nobody knows, texts that are not there, no task at all */
	ev[0].task[0].rss_pages++;
	there_and_back(&ev[0]);
	ev[0].task[1].line = OOM_NA;
	ev[0].raw[1].line = OOM_NA;
	ev[0].raw[2].text = OOM_STR_NULL;
	ev[0].raw[3].text = OOM_STR("");
	there_and_back(&ev[0]);
	ev[0].ntasks = 0;
	there_and_back(&ev[0]);
	ev[0].nraw = 0;
	there_and_back(&ev[0]);
	release_events(ev, n < 4 ? n : 4);
}

/* Whatever stands in the streams: an answer, and nothing that is not there is read. */
static void damaged_streams_are_refused(void **state)
{
	struct oom_event ev[4], back;
	size_t n = parse_text(tables, ev, 4), refused = 0;
	struct oom_buf plain = { .p = NULL };
	uint32_t dice = 1;

	(void)state;
	assert_int_equal(oom_store_pack_raw(&store, &ev[0], NULL), 0);
	assert_int_equal(oom_buf_add(&plain, store.lines.p, store.lines.n), 0);
	for (int i = 0; i < 20000; i++) {
		char format = 2, *p;
		size_t len = plain.n;

		store.packed.n = 0;
		assert_int_equal(oom_buf_add(&store.packed, &format, 1), 0);
		p = malloc(plain.n);
		assert_non_null(p);
		memcpy(p, plain.p, plain.n);
		for (int k = 0; k < 1 + i % 3; k++) {
			dice = dice * 1664525 + 1013904223;
			p[(dice >> 8) % (i % 2 ? len : 60)] = (char)(dice >> 24);
		}
		if (i % 5 == 0)
			len = (dice >> 9) % len;
		assert_int_equal(oom_pack(store.packer, (struct oom_str){ p, len }, &store.packed), 0);
		free(p);
		if (unpack(&ev[0], &back) == 0)
			assert_true(back.nraw <= OOM_MAX_PARTS);
		else
			refused++;
		oom_event_release(&back);
	}
	assert_true(refused > 1000);
	oom_buf_release(&plain);
	release_events(ev, n < 4 ? n : 4);
}

int test_store_raw(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back_as_they_were),
		cmocka_unit_test(prefixes_of_all_kinds),
		cmocka_unit_test(damaged_streams_are_refused),
	};

	return cmocka_run_group_tests_name("raw lines", tests, setup, teardown);
}
