/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Causes and ledgers of real dumps (tests/cases), and of texts made to be got wrong. */
#include "test_parse.h"

#include <oomlens/cause.h>

#include <glob.h>
#include <stdlib.h>
#include <string.h>

static char *read_text(const char *path)
{
	FILE *f = fopen(path, "rb");
	char *text = malloc((size_t)4 << 20);
	size_t n;

	assert_non_null(f);
	assert_non_null(text);
	n = fread(text, 1, ((size_t)4 << 20) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static void each_case(void (*check)(const char *path, const struct oom_event *ev, const struct oom_diagnosis *d))
{
	static struct oom_event ev[128];
	glob_t logs;

	assert_int_equal(glob("tests/cases/*/log", 0, NULL, &logs), 0);
	assert_true(logs.gl_pathc > 200);
	for (size_t i = 0; i < logs.gl_pathc; i++) {
		char *text = read_text(logs.gl_pathv[i]);
		size_t n = parse_text(text, ev, OOM_ARRAY_SIZE(ev));

		assert_true(n <= OOM_ARRAY_SIZE(ev));
		for (size_t k = 0; k < n; k++) {
			struct oom_diagnosis d;
			struct oom_replay r;

			assert_int_equal(oom_replay_run(&ev[k], NULL, &r), 0);
			assert_int_equal(oom_diagnose(&r, &d), 0);
			check(logs.gl_pathv[i], &ev[k], &d);
			oom_diagnosis_release(&d);
			oom_replay_release(&r);
		}
		release_events(ev, n);
		free(text);
	}
	globfree(&logs);
}

static size_t machines;

/* All rows that stand alone and the remainder make the total; what the dump of a guest that runs nothing else does not
 * name is a small part of its RAM, and nothing is counted twice. */
static void adds_up(const char *path, const struct oom_event *ev, const struct oom_diagnosis *d)
{
	for (size_t i = 0; i < d->books.nledgers; i++) {
		const struct oom_ledger *l = &d->books.ledger[i];
		int64_t sum = l->unaccounted_kb;

		for (size_t k = 0; k < l->nrows; k++) {
			const struct oom_ledger_row *row = &l->row[k];

			assert_true(row->kb >= 0 && row->of < (ptrdiff_t)k);
			if (row->of >= 0)
				assert_true(l->row[row->of].kb >= row->kb && l->row[row->of].of == OOM_LEDGER_DISJOINT);
			sum += row->of == OOM_LEDGER_DISJOINT ? row->kb : 0;
		}
		if (l->unaccounted_kb == OOM_NA)
			continue;
		if (sum != l->total_kb)
			fail_msg("%s: rows %lld, total %lld", path, (long long)sum, (long long)l->total_kb);
		if (l->domain != OOM_LEDGER_MACHINE || !l->whole)
			continue;
		machines++;
		assert_int_equal(l->total_kb, ev->ram_pages * (ev->page_size / 1024));
		if (l->unaccounted_kb < -l->total_kb / 200 || l->unaccounted_kb > l->total_kb / 8)
			fail_msg("%s: %lld kB of %lld unaccounted", path, (long long)l->unaccounted_kb,
				 (long long)l->total_kb);
	}
}

static void ledgers_add_up(void **state)
{
	(void)state;
	each_case(adds_up);
	assert_true(machines > 100);
}

/* What the log itself says cannot be missed. */
static void says_the_obvious(const char *path, const struct oom_event *ev, const struct oom_diagnosis *d)
{
	const char *keyword = oom_diagnosis_keyword(d);

	assert_true(d->nfindings > 0 && d->finding[0].primary);
	for (size_t i = 1; i < d->nfindings; i++)
		assert_false(d->finding[i].primary);
	assert_ptr_equal(oom_cause_named(keyword), d->finding[0].cause);
	if ((ev->scope == OOM_SCOPE_SYSRQ) != !strcmp(keyword, "sysrq"))
		fail_msg("%s: %s", path, keyword);
	if (ev->scope != OOM_SCOPE_MEMCG && strstr(keyword, "memcg_"))
		fail_msg("%s: %s", path, keyword);
}

static void causes_of_cases(void **state)
{
	(void)state;
	each_case(says_the_obvious);
}

int test_cause(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ledgers_add_up),
		cmocka_unit_test(causes_of_cases),
	};

	return cmocka_run_group_tests_name("causes and ledgers", tests, NULL, NULL);
}
