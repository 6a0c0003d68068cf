/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The arithmetic of every rule set, totalpages per constraint, releases to profiles, gfp masks. */
#include "unit.h"

#include <string.h>

#include <oomlens/badness.h>

static const struct oom_range none = { 1, 0 };

static struct oom_range total(int64_t v)
{
	return (struct oom_range){ v, v };
}

static void with_kernel(struct oom_event *ev, const char *release)
{
	oom_event_init(ev);
	ev->kernel = oom_str_from(release);
	ev->kernel_from = OOM_STR("header");
	ev->page_size = 4096;
}

static struct oom_task task(int64_t rss, int64_t swap, int64_t pgtables_bytes, int64_t adj)
{
	struct oom_event ev;
	struct oom_task t;

	oom_event_init(&ev);
	t = *oom_event_add_task(&ev);
	oom_event_release(&ev);
	t.pid = t.tgid = 100;
	t.uid = 1000;
	t.rss_pages = rss;
	t.swap_pages = swap;
	t.pgtables_bytes = pgtables_bytes;
	t.oom_score_adj = adj;
	return t;
}

static int64_t points(const char *profile, const struct oom_task *t, int64_t totalpages)
{
	struct oom_event ev;
	struct oom_score s;

	with_kernel(&ev, "0.0");
	oom_badness(oom_profile_named(profile), &ev, t, total(totalpages), &s);
	assert_int_equal(s.why_not, OOM_WHY_ELIGIBLE);
	assert_int_equal(s.points.lo, s.points.hi);
	assert_int_equal(s.nominal, s.points.lo);
	return s.points.lo;
}

static void pages_profiles(void **state)
{
	struct oom_task t = task(1000, 20, 3 * 4096 + 4095, 0);

	(void)state;
	assert_int_equal(points("5.9", &t, 1000000), 1000 + 20 + 3);
	t.oom_score_adj = -500;
	/* 1999 / 1000 is 1 before the product: 500 pages off, not 999 */
	assert_int_equal(points("5.9", &t, 1999), 1023 - 500);
	assert_int_equal(points("5.9", &t, 999), 1023);
	/* no floor since 5.9, at least 1 before */
	assert_int_equal(points("5.9", &t, 4000000), 1023 - 500 * 4000);
	assert_int_equal(points("7.0", &t, 4000000), 1023 - 500 * 4000);
	assert_int_equal(points("5.3", &t, 4000000), 1);
	assert_int_equal(points("4.17", &t, 4000000), 1);
	t.oom_score_adj = 1000;
	assert_int_equal(points("5.3", &t, 4000000), 1023 + 1000 * 4000);
}

static void page_table_columns(void **state)
{
	struct oom_task t = task(1000, 20, OOM_NA, 0);

	(void)state;
	t.nr_ptes = 7;
	assert_int_equal(points("3.14", &t, 1000000), 1027);
	t.nr_pmds = 2;
	assert_int_equal(points("4.9", &t, 1000000), 1029);
}

static void root_bonus(void **state)
{
	struct oom_task t = task(1000, 0, OOM_NA, 0);
	struct oom_event ev;
	struct oom_score s;

	(void)state;
	t.nr_ptes = 10;
	t.uid = 0;
	with_kernel(&ev, "0.0");
	oom_badness(oom_profile_named("3.14"), &ev, &t, total(1000000), &s);
	assert_int_equal(s.points.lo, 1010 - 1010 * 3 / 100);
	assert_int_equal(s.points.hi, 1010);           /* uid 0 need not hold CAP_SYS_ADMIN */
	assert_int_equal(s.nominal, s.points.lo);
	assert_int_equal(s.root.lo, -30);
	oom_badness(oom_profile_named("3.5"), &ev, &t, total(20000), &s);
	assert_int_equal(s.points.lo, 1010 - 30 * 20);
	assert_int_equal(s.points.hi, 1010);
	oom_badness(oom_profile_named("4.17"), &ev, &t, total(20000), &s);
	assert_int_equal(s.points.lo, 1010);
	assert_int_equal(s.root.lo, 0);
}

static void per_mille_profiles(void **state)
{
	struct oom_task t = task(250000, 0, 0, 0);

	(void)state;
	assert_int_equal(points("2.6.36", &t, 1000000), 250);
	assert_int_equal(points("3.2", &t, 1000000), 250);
	t.oom_score_adj = 900;
	assert_int_equal(points("3.2", &t, 1000000), 1000);
	t.oom_score_adj = -900;
	assert_int_equal(points("3.2", &t, 1000000), 1);
	/* page tables count from 2.6.39 on */
	t = task(250000, 0, OOM_NA, 0);
	t.nr_ptes = 50000;
	assert_int_equal(points("2.6.36", &t, 1000000), 250);
	assert_int_equal(points("2.6.39", &t, 1000000), 300);
	/* the int of 2.6.39-3.1 wraps above 8 GiB: 2228224 * 1000 becomes negative and ends as 1 */
	t = task(2228224, 0, 0, 0);
	assert_int_equal(points("2.6.39", &t, 4194304), 1);
	assert_int_equal(points("3.2", &t, 4194304), 531);
}

static void hidden_terms(void **state)
{
	struct oom_event ev;
	struct oom_score s;
	struct oom_task t = task(1000, OOM_NA, OOM_NA, 0);
	struct oom_memory *m;

	(void)state;
	with_kernel(&ev, "3.5.0");
	ev.has_mem_info = 1;
	ev.ram_pages = 100000;
	ev.swap_total_kb = 4000;
	ev.swap_free_kb = 3600;
	m = oom_event_add_memory(&ev);
	m->area = OOM_AREA_GLOBAL;
	m->unit = OOM_UNIT_PAGES;
	m->name = OOM_STR("pagetables");
	m->value = 70;
	t.total_vm_pages = 5000;
	oom_badness(oom_profile_named("3.5"), &ev, &t, total(100000), &s);
	assert_int_equal(s.swap.hi, 100);              /* swap in use on the machine */
	assert_int_equal(s.pgtables.hi, 70);           /* page tables of the machine */
	assert_int_equal(s.points.lo, 1000);
	assert_int_equal(s.points.hi, 1170);
	t.total_vm_pages = 1030;                       /* the address space bounds both */
	oom_badness(oom_profile_named("3.5"), &ev, &t, total(100000), &s);
	assert_int_equal(s.swap.hi, 30);
	ev.swap_total_kb = ev.swap_free_kb = 0;
	oom_badness(oom_profile_named("3.5"), &ev, &t, total(100000), &s);
	assert_int_equal(s.swap.hi, 0);
	oom_event_release(&ev);
}

/* Points are shown with a cgroup's swap, but never with a bound that nobody has. */
static void shown_total(void **state)
{
	struct oom_task t = task(1000, 0, 0, 100);
	struct oom_event ev;
	struct oom_score s;

	(void)state;
	with_kernel(&ev, "6.12.0");
	ev.scope = OOM_SCOPE_MEMCG;
	oom_badness(oom_profile_named("5.9"), &ev, &t, (struct oom_range){ 10000, 14000 }, &s);
	assert_int_equal(s.nominal, 1000 + 1400);
	assert_int_equal(s.points.lo, 1000 + 1000);
	assert_int_equal(s.points.hi, 1000 + 1400);
	oom_badness(oom_profile_named("5.9"), &ev, &t, (struct oom_range){ 10000, (int64_t)1 << 44 }, &s);
	assert_int_equal(s.nominal, 1000 + 1000);
	oom_badness(oom_profile_named("5.9"), &ev, &t, (struct oom_range){ 100000, 102000 }, &s);
	assert_int_equal(s.nominal, 1000 + 10100);
}

static void not_candidates(void **state)
{
	struct oom_event ev;
	struct oom_score s;
	struct oom_task t = task(1000, 0, 0, -1000);
	const struct oom_profile *p = oom_profile_named("5.9");

	(void)state;
	with_kernel(&ev, "5.10.0");
	oom_badness(p, &ev, &t, total(1000), &s);
	assert_int_equal(s.why_not, OOM_WHY_ADJ_MIN);
	t.oom_score_adj = OOM_NA;
	oom_badness(p, &ev, &t, total(1000), &s);
	assert_int_equal(s.why_not, OOM_WHY_ADJ_UNKNOWN);
	t.oom_score_adj = 1001;
	oom_badness(p, &ev, &t, total(1000), &s);
	assert_int_equal(s.why_not, OOM_WHY_DAMAGED_ROW);
	t.oom_score_adj = 0;
	t.rss_pages = INT64_MAX;
	oom_badness(p, &ev, &t, total(1000), &s);
	assert_int_equal(s.why_not, OOM_WHY_DAMAGED_ROW);
	t.rss_pages = -1;
	oom_badness(p, &ev, &t, none, &s);
	assert_int_equal(s.why_not, OOM_WHY_DAMAGED_ROW);
	t.rss_pages = 5;
	t.tgid = 1;
	oom_badness(p, &ev, &t, total(1000), &s);
	assert_int_equal(s.why_not, OOM_WHY_GLOBAL_INIT);
	assert_string_equal(oom_why_not_names[OOM_WHY_GLOBAL_INIT], "global_init");
}

static void releases(void **state)
{
	static const struct { const char *release, *first, *second; } rows[] = {
		{ "2.6.32-642.11.1.el6.x86_64", "3.2", NULL },
		{ "2.6.32-5-amd64", NULL, NULL },
		{ "2.6.35.4", NULL, NULL },
		{ "2.6.38.8", "2.6.36", NULL },
		{ "2.6.39", "2.6.39", NULL },
		{ "3.0.0", "2.6.39", NULL },
		{ "3.2.0-4-amd64", "3.2.71", "3.2" },
		{ "3.2.7", "3.2", NULL },
		{ "3.2.78", "3.2.71", NULL },
		{ "3.4.111", "3.2", NULL },
		{ "3.8.13", "3.5", NULL },
		{ "3.10.0-1160.el7.x86_64", "3.10.105", NULL },
		{ "3.10.108", "3.10.105", NULL },
		{ "3.10.50", "3.10.105", "3.5" },
		{ "3.13.0-24-generic", "3.10.105", "3.5" },
		{ "3.16.0-4-amd64", "3.14", NULL },
		{ "4.4.0-210-generic", "3.14", NULL },
		{ "4.8.17", "4.7", NULL },
		{ "4.15.0-213-generic", "4.9", NULL },
		{ "4.18.0-147.el8.x86_64", "5.1", NULL },
		{ "4.18.0-193.el8.x86_64", "5.1", "5.3" },
		{ "4.18.0-240.el8.x86_64", "5.3", NULL },
		{ "4.18.0-305.el8.x86_64", "5.3", "5.9" },
		{ "4.18.0-553.el8_10.x86_64", "5.9", NULL },
		{ "4.18.0-25-generic", "4.17", NULL },
		{ "5.0.4", "4.17", NULL },
		{ "5.2.1", "5.1", NULL },
		{ "5.4.143", "5.3", NULL },
		{ "5.4.144", "5.9", NULL },
		{ "5.4.0-150-generic", "5.9", "5.3" },
		{ "5.4.17-2136.300.7.el8uek.x86_64", "5.9", "5.3" },
		{ "5.8.0-rc6-next-20200721", "5.3", "5.9" },
		{ "5.14.0-427.el9.x86_64", "5.9", NULL },
		{ "6.19.1", "5.9", NULL },
		{ "7.1.5", "7.0", NULL },
		{ "garbage", NULL, NULL },
	};

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rows); i++) {
		const struct oom_profile *p[4] = { NULL };
		struct oom_event ev;
		const char *how;
		size_t n, want = !rows[i].first ? 0 : rows[i].second ? 2 : 1;

		with_kernel(&ev, rows[i].release);
		n = oom_profile_for(&ev, p, &how);
		if (n != want)
			fail_msg("%s: %zu profiles", rows[i].release, n);
		if (n)
			assert_string_equal(p[0]->name, rows[i].first);
		if (n > 1)
			assert_string_equal(p[1]->name, rows[i].second);
		assert_non_null(how);
	}
}

static void shapes(void **state)
{
	const struct oom_profile *p[4];
	struct oom_event ev;
	struct oom_task *t;
	const char *how;

	(void)state;
	with_kernel(&ev, NULL);
	assert_int_equal(oom_profile_for(&ev, p, &how), 0);
	t = oom_event_add_task(&ev);
	t->rss_anon_pages = 5;
	assert_int_equal(oom_profile_for(&ev, p, &how), 1);
	assert_string_equal(p[0]->name, "5.9");
	assert_string_equal(how, "the shape of the lines");
	t->rss_anon_pages = OOM_NA;
	t->nr_ptes = 5;
	assert_int_equal(oom_profile_for(&ev, p, &how), 3);
	t->nr_pmds = 1;
	assert_int_equal(oom_profile_for(&ev, p, &how), 3);
	assert_string_equal(p[0]->name, "4.9");
	t->nr_ptes = t->nr_pmds = OOM_NA;
	t->oom_adj = 0;
	assert_int_equal(oom_profile_for(&ev, p, &how), 4);
	assert_int_equal(oom_event_note(&ev, 1, "unsupported_kernel", "old"), 0);
	assert_int_equal(oom_profile_for(&ev, p, &how), 0);
	oom_event_release(&ev);
}

static struct oom_range totalpages(struct oom_event *ev)
{
	const struct oom_profile *p[4];
	struct oom_arena a = { 0 };
	struct oom_range r;
	struct oom_str s;
	const char *how;

	assert_true(oom_profile_for(ev, p, &how) > 0);
	r = oom_totalpages(p[0], ev, &a, &s);
	assert_non_null(s.p);
	oom_arena_release(&a);
	return r;
}

static void zone(struct oom_event *ev, int64_t node, const char *name, int64_t kb)
{
	struct oom_memory *m = oom_event_add_memory(ev);

	m->area = OOM_AREA_ZONE;
	m->node = node;
	m->zone = OOM_STR("Normal");
	m->name = oom_str_from(name);
	m->value = kb;
	m->unit = OOM_UNIT_KB;
}

static void total_of_machine(void **state)
{
	struct oom_event ev;
	struct oom_range r;

	(void)state;
	with_kernel(&ev, "5.10.44");
	assert_true(totalpages(&ev).lo > totalpages(&ev).hi);
	ev.scope = OOM_SCOPE_GLOBAL;
	ev.has_mem_info = 1;
	ev.ram_pages = 1000000;
	ev.reserved_pages = 50000;
	ev.cma_reserved_pages = 4096;                  /* not subtracted from 4.2 on */
	ev.swap_total_kb = 40000;
	r = totalpages(&ev);
	assert_int_equal(r.lo, 960000);
	assert_int_equal(r.hi, 960000);
	ev.page_size = 65536;
	assert_int_equal(totalpages(&ev).lo, 950000 + 625);
	ev.page_size = 4096;
	ev.swap_total_kb = OOM_NA;                     /* no CONFIG_SWAP */
	assert_int_equal(totalpages(&ev).hi, 950000);
	ev.kernel = OOM_STR("4.1.3");
	assert_int_equal(totalpages(&ev).hi, 950000 - 4096);
	ev.kernel = OOM_STR("3.11.0");                 /* page flags were counted, an estimate */
	r = totalpages(&ev);
	assert_true(r.lo < 950000 && r.hi > 950000);
	ev.kernel = OOM_STR("3.16.0");                 /* `reserved` holds one zone only */
	zone(&ev, 0, "present", 4000000);
	zone(&ev, 0, "managed", 3700000);
	r = totalpages(&ev);
	assert_int_equal(r.lo, 925000);
	assert_int_equal(r.hi, 925000);
	ev.total_pages = 77;                           /* a ballot knows */
	assert_int_equal(totalpages(&ev).lo, 77);
	oom_event_release(&ev);
}

static void total_of_nodes(void **state)
{
	struct oom_event ev;
	struct oom_range r;

	(void)state;
	with_kernel(&ev, "5.10.44");
	ev.scope = OOM_SCOPE_MEMPOLICY;
	ev.nodemask = OOM_STR("1,3-4");
	ev.swap_total_kb = 4000;
	for (int node = 0; node < 6; node++)
		zone(&ev, node, "present", 4 << node);
	r = totalpages(&ev);
	assert_int_equal(r.lo, 2 + 8 + 16 + 1000);
	assert_int_equal(r.hi, r.lo);
	ev.scope = OOM_SCOPE_CPUSET;
	ev.mems_allowed = OOM_STR("0");
	assert_int_equal(totalpages(&ev).lo, 1 + 1000);
	ev.kernel = OOM_STR("4.19.0");                 /* spanned pages: only a lower bound */
	r = totalpages(&ev);
	assert_int_equal(r.lo, 1 + 1000);
	assert_true(r.hi > r.lo);
	oom_event_release(&ev);
}

static void total_of_memcg(void **state)
{
	struct oom_event ev;
	struct oom_range r;

	(void)state;
	with_kernel(&ev, "5.10.44");
	ev.scope = OOM_SCOPE_MEMCG;
	assert_true(totalpages(&ev).lo > totalpages(&ev).hi);
	ev.memcg_limit_kb = 65536;
	ev.memcg_swap_limit_kb = 0;
	r = totalpages(&ev);
	assert_int_equal(r.lo, 16384);
	assert_int_equal(r.hi, 16384);
	ev.memcg_swap_limit_kb = 9007199254740988;     /* unlimited: what the machine has */
	ev.boot_swap_total_kb = 4000;
	r = totalpages(&ev);
	assert_int_equal(r.lo, 16384);                 /* swappiness may be 0 */
	assert_int_equal(r.hi, 17384);
	ev.memcg_swap_limit_kb = OOM_NA;               /* v1 */
	ev.memsw_limit_kb = 65536 + 400;
	assert_int_equal(totalpages(&ev).hi, 16384 + 100);
	ev.memsw_limit_kb = 65536;
	r = totalpages(&ev);
	assert_int_equal(r.lo, r.hi);
	oom_event_release(&ev);
}

static struct oom_str gfp(const char *release, int64_t mask, struct oom_arena *a)
{
	struct oom_event ev;

	with_kernel(&ev, release);
	ev.gfp_mask = mask;
	return oom_gfp_names(&ev, a);
}

static void gfp_masks(void **state)
{
	struct oom_arena a = { 0 };
	struct oom_event ev;

	(void)state;
	assert_true(oom_str_is(gfp("2.6.32-642.el6.x86_64", 0x201da, &a), "GFP_HIGHUSER_MOVABLE|__GFP_COLD"));
	assert_true(oom_str_is(gfp("3.10.0-957.el7.x86_64", 0xd0, &a), "GFP_KERNEL"));
	assert_true(oom_str_is(gfp("4.4.0-1-generic", 0x24280ca, &a), "GFP_HIGHUSER_MOVABLE|__GFP_ZERO"));
	assert_true(oom_str_is(gfp("4.13.0", 0x14000c0, &a), "GFP_KERNEL"));
	assert_true(oom_str_is(gfp("4.18.0-80.el8.x86_64", 0x6202c2, &a), "GFP_HIGHUSER|__GFP_NOWARN"));
	assert_true(oom_str_is(gfp("5.4.0", 0x400dc0, &a), "GFP_KERNEL_ACCOUNT|__GFP_ZERO"));
	assert_true(oom_str_is(gfp("6.1.0", 0x1100cca, &a), "GFP_HIGHUSER_MOVABLE|0x1000000"));
	assert_true(oom_str_is(gfp("5.4.0", 0, &a), "0"));
	assert_null(gfp(NULL, 0xcc0, &a).p);
	with_kernel(&ev, "6.1.0");
	assert_null(oom_gfp_names(&ev, &a).p);
	ev.gfp_mask = 0xcc0;
	ev.gfp_flags = OOM_STR("GFP_AS_PRINTED");
	assert_true(oom_str_is(oom_gfp_names(&ev, &a), "GFP_AS_PRINTED"));
	oom_arena_release(&a);
}

static void old_score_line(void **state)
{
	const struct oom_profile *p = oom_profile_named("4.17");

	(void)state;
	assert_int_equal(oom_score_per_mille(p, 16618, total(16384)), 1014);
	assert_int_equal(oom_score_per_mille(p, 16618, none), OOM_NA);
	assert_int_equal(oom_score_per_mille(p, 16618, (struct oom_range){ 16384, 20000 }), OOM_NA);
	assert_int_equal(oom_score_per_mille(oom_profile_named("3.2"), 123, none), 123);
}

int test_badness(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_profiles),
		cmocka_unit_test(page_table_columns),
		cmocka_unit_test(root_bonus),
		cmocka_unit_test(per_mille_profiles),
		cmocka_unit_test(hidden_terms),
		cmocka_unit_test(shown_total),
		cmocka_unit_test(not_candidates),
		cmocka_unit_test(releases),
		cmocka_unit_test(shapes),
		cmocka_unit_test(total_of_machine),
		cmocka_unit_test(total_of_nodes),
		cmocka_unit_test(total_of_memcg),
		cmocka_unit_test(gfp_masks),
		cmocka_unit_test(old_score_line),
	};

	return cmocka_run_group_tests_name("badness", tests, NULL, NULL);
}
