/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "unit.h"

#include <oomlens/event.h>

#include <errno.h>
#include <string.h>

static void takes_advance_only_on_success(void **state)
{
	struct oom_str s = OOM_STR("99999999999999999999 x"), t = OOM_STR("-5,"), u = OOM_STR("0x12345678123456789");
	int64_t v = 7;
	uint64_t h = 7;

	(void)state;
	assert_false(oom_take_i64(&s, &v));
	assert_int_equal(v, 7);
	assert_int_equal(s.n, 22);
	assert_true(oom_take_i64(&t, &v));
	assert_int_equal(v, -5);
	assert_true(oom_take_char(&t, ','));
	assert_false(oom_take_hex(&u, &h));
	u = OOM_STR("0xcc0(GFP_KERNEL)");
	assert_true(oom_take_hex(&u, &h));
	assert_int_equal(h, 0xcc0);
	assert_true(oom_str_is(u, "(GFP_KERNEL)"));
}

static void most_negative_number_is_not_a_number(void **state)
{
	struct oom_str s = OOM_STR("-9223372036854775808");
	int64_t v = 0;

	(void)state;
	assert_false(oom_take_i64(&s, &v));      /* it would read as OOM_NA */
}

static void find_from_both_ends(void **state)
{
	struct oom_str s = OOM_STR(",pid=1,pid=2");

	(void)state;
	assert_int_equal(oom_str_find(s, ",pid="), 0);
	assert_int_equal(oom_str_rfind(s, ",pid="), 6);
	assert_int_equal(oom_str_rfind(s, "zzz"), -1);
	assert_int_equal(oom_str_rfind(OOM_STR_NULL, "a"), -1);
}

static void safe_text_keeps_words_and_disarms_the_rest(void **state)
{
	static const struct { const char *in; size_t n; const char *out; } t[] = {
		{ "plain", 5, "plain" },
		{ "\x1b[31mred", 8, "\\x1b[31mred" },
		{ "a\nb\0c", 5, "a\\x0ab\\x00c" },
		{ "caf\xc3\xa9", 5, "caf\xc3\xa9" },
		{ "bad\xc3", 4, "bad\\xc3" },
		{ "\xc0\xaf", 2, "\\xc0\\xaf" },                       /* overlong '/' */
		{ "\xe2\x80\xae" "evil", 7, "\\xe2\\x80\\xae" "evil" },  /* right-to-left override */
		{ "\xc2\x9b" "31m", 5, "\\xc2\\x9b" "31m" },             /* C1 CSI */
	};
	struct oom_arena a = { 0 };

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(t); i++) {
		struct oom_str r = oom_str_safe(&a, (struct oom_str){ t[i].in, t[i].n });

		assert_int_equal(r.n, strlen(t[i].out));
		assert_memory_equal(r.p, t[i].out, r.n);
	}
	oom_arena_release(&a);
}

static void utf8_replaces_runs_of_broken_bytes(void **state)
{
	struct oom_arena a = { 0 };
	struct oom_str ok = OOM_STR("caf\xc3\xa9");

	(void)state;
	assert_ptr_equal(oom_str_utf8(&a, ok).p, ok.p);
	assert_true(oom_str_is(oom_str_utf8(&a, OOM_STR("a\xff\xfe" "b\xc3")), "a\xef\xbf\xbd" "b\xef\xbf\xbd"));
	oom_arena_release(&a);
}

static void arena_has_a_limit(void **state)
{
	struct oom_arena a = { .limit = 1000 };

	(void)state;
	assert_non_null(oom_arena_alloc(&a, 900));
	assert_null(oom_arena_alloc(&a, 200));
	oom_arena_release(&a);
}

static void fill(struct oom_event *ev)
{
	oom_event_init(ev);
	ev->host = OOM_STR("db7");
	ev->boot_us = 1234;
	for (int i = 0; i < 40; i++) {
		struct oom_task *t = oom_event_add_task(ev);

		t->pid = 100 + i;
		t->rss_pages = i;
		t->comm = OOM_STR("hog");
	}
	oom_event_add_victim(ev)->pid = 117;
	assert_int_equal(oom_event_note(ev, 3, "no_dump", "line %d", 3), 0);
}

static void a_fresh_event_knows_nothing(void **state)
{
	struct oom_event ev;

	(void)state;
	oom_event_init(&ev);
	assert_int_equal(ev.page_size, OOM_NA);
	assert_int_equal(ev.order, OOM_NA);          /* 0 would claim an order-0 request */
	assert_int_equal(ev.at[OOM_AT_KILL], OOM_NA);
	assert_int_equal(ev.table_complete, 0);
	assert_int_equal(oom_event_add_task(&ev)->oom_score_adj, OOM_NA);
	oom_event_release(&ev);
}

static void a_clone_shares_nothing(void **state)
{
	struct oom_event a, b;

	(void)state;
	fill(&a);
	assert_int_equal(oom_event_clone(&b, &a), 0);
	assert_ptr_not_equal(a.task, b.task);
	assert_ptr_not_equal(a.host.p, b.host.p);
	oom_event_release(&a);
	assert_int_equal(b.ntasks, 40);
	assert_int_equal(oom_event_task(&b, 139)->rss_pages, 39);
	assert_true(oom_event_has_note(&b, "no_dump"));
	oom_event_release(&b);
}

static void a_clone_survives_each_failed_allocation(void **state)
{
	struct oom_event a, b;
	long n = 1;

	(void)state;
	fill(&a);
	for (int r = -ENOMEM; r < 0; n++) {
		oom_alloc_fail_at(n);
		r = oom_event_clone(&b, &a);
		oom_alloc_fail_at(0);
		assert_true(r == 0 || r == -ENOMEM);
	}
	assert_true(n > 2);
	oom_event_release(&b);
	oom_event_release(&a);
}

static void sameness(void **state)
{
	struct oom_event a, b;
	char fa[33], fb[33];

	(void)state;
	fill(&a);
	fill(&b);
	b.path = OOM_STR("elsewhere");
	b.first_line = 99;
	oom_event_fingerprint(&a, fa);
	oom_event_fingerprint(&b, fb);
	assert_string_equal(fa, fb);                 /* where it was read does not matter */
	b.boot_us++;
	oom_event_fingerprint(&b, fb);
	assert_string_not_equal(fa, fb);
	b.boot_us = a.boot_us;
	b.host = OOM_STR("db8");
	oom_event_fingerprint(&b, fb);
	assert_string_not_equal(fa, fb);
	oom_event_release(&a);
	oom_event_release(&b);
}

static void every_field_has_its_own_key_and_place(void **state)
{
	const struct oom_record *r[OOM_PARTS + 1] = { &oom_event_record };

	(void)state;
	memcpy(r + 1, oom_parts, sizeof(oom_parts));
	for (size_t k = 0; k < OOM_ARRAY_SIZE(r); k++)
		for (size_t i = 0; i < r[k]->nfields; i++)
			for (size_t j = 0; j < i; j++) {
				assert_string_not_equal(r[k]->field[i].key, r[k]->field[j].key);
				assert_int_not_equal(r[k]->field[i].offset, r[k]->field[j].offset);
			}
}

int test_base(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_advance_only_on_success),
		cmocka_unit_test(most_negative_number_is_not_a_number),
		cmocka_unit_test(find_from_both_ends),
		cmocka_unit_test(safe_text_keeps_words_and_disarms_the_rest),
		cmocka_unit_test(utf8_replaces_runs_of_broken_bytes),
		cmocka_unit_test(arena_has_a_limit),
		cmocka_unit_test(a_fresh_event_knows_nothing),
		cmocka_unit_test(a_clone_shares_nothing),
		cmocka_unit_test(a_clone_survives_each_failed_allocation),
		cmocka_unit_test(sameness),
		cmocka_unit_test(every_field_has_its_own_key_and_place),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
