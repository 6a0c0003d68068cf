/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Binary journals: which files are one text, what each line says, and memory that runs out. */
#include "unit.h"
#include "../collector/select.h"

#include <oomlens/source.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Made by systemd-journal-remote from the same records as formats-journal-export. */
#define PACKED "tests/cases/formats-journal-file/log.journal.xz"

static char plain[64];

static int unpack(void **state)
{
	char cmd[256];
	int fd;

	(void)state;
	strcpy(plain, "/tmp/oomlens-journal-XXXXXX");
	fd = mkstemp(plain);
	if (fd < 0)
		return -1;
	close(fd);
	snprintf(cmd, sizeof(cmd), "xz -dc %s > %s", PACKED, plain);
	return system(cmd);
}

static int forget(void **state)
{
	(void)state;
	return unlink(plain);
}

/* Opens the first text; skips the test where libsystemd is absent. */
static struct oom_input *open_first(const char *const *spec)
{
	struct oom_input *in;
	int r;

	assert_int_equal(oom_input_open(spec, 1, &in, NULL), 0);
	r = oom_input_next_text(in, NULL);
	if (r == -ENOTSUP) {
		oom_input_close(in);
		skip();
	}
	assert_int_equal(r, 1);
	return in;
}

static void files_of_one_journal_are_one_text(void **state)
{
	static const struct {
		const char *a, *b;
		bool same;
	} rows[] = {
		{ "d/system.journal", "d/system@0f-0001-00ff.journal", true },
		{ "d/system@0f-0001-00ff.journal", "d/system@0006-0af.journal~", true },
		{ "d/system.journal", "d/user-1000.journal", false },
		{ "d/system.journal", "e/system.journal", false },
		{ "d@1/system.journal", "d@2/system.journal", false },
		{ "d/remote-a.journal", "d/remote-b.journal", false },
		{ "d/remote-a.journal", "d/remote-a@0f-01-02.journal", true },
	};
	const struct oom_str head = OOM_STR("LPKSHHRH\0\0\0\0");

	(void)state;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rows); i++) {
		struct oom_str a = oom_str_from(rows[i].a), b = oom_str_from(rows[i].b);

		assert_int_equal(oom_log_same_crash(a, oom_log_age(a, head), b, oom_log_age(b, head)),
				 rows[i].same);
		/* a text of that name is none */
		assert_int_equal(oom_log_age(a, OOM_STR("[    0.000000] x")).crash, 0);
	}
	assert_int_equal(oom_select(OOM_STR("x/system@0f-0001-00ff.journal")), OOM_SELECT_YES);
	assert_int_equal(oom_select(OOM_STR("x/system@0006-0af.journal~")), OOM_SELECT_YES);
	assert_int_equal(oom_select(OOM_STR("x/user-1000@0006-0af.journal~")), OOM_SELECT_NO);
}

static void lines_say_what_the_journal_knows(void **state)
{
	const char *const spec = plain;
	struct oom_input *in = open_first(&spec);
	struct oom_source_info info;
	struct oom_line line;
	int foreign = 0;

	(void)state;
	while (oom_input_next_line(in, false, &line, NULL) > 0) {
		foreign += line.foreign;
		if (line.lineno != 2)
			continue;
		assert_true(oom_str_is(line.text, "hog invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), "
				       "order=0, oom_score_adj=0"));
		assert_true(oom_str_is(line.host, "db7"));
		assert_true(oom_str_is(line.boot_id, "d0f9e23f8021492ca0e7ed5baad2d289"));
		/* the kernel's own stamp, not that of the record's arrival */
		assert_int_equal(line.boot_us, 3400512830);
		assert_int_equal(line.wall_us, 1795181264298644);
	}
	/* two lines were written to /dev/kmsg by a program */
	assert_int_equal(foreign, 2);
	oom_input_info(in, &info);
	assert_string_equal(info.format, "journal");
	assert_int_equal(info.lines, 83);
	oom_input_close(in);
}

static void failing_allocations_are_survived(void **state)
{
	const char *specs[2] = { PACKED, plain };
	const char *const first = plain;

	(void)state;
	oom_input_close(open_first(&first));
	for (long n = 1; n < 60; n++) {
		struct oom_input *in;
		struct oom_line line;
		int r, errors = 0;

		oom_alloc_fail_at(n);
		if (oom_input_open(specs, 2, &in, NULL) < 0)
			continue;
		while ((r = oom_input_next_text(in, NULL)) != 0) {
			errors += r < 0;
			while (r > 0)
				r = oom_input_next_line(in, false, &line, NULL);
			errors += r < 0;
			assert_true(errors < 10);
		}
		oom_input_close(in);
	}
	oom_alloc_fail_at(0);
}

int test_journal(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_of_one_journal_are_one_text),
		cmocka_unit_test(lines_say_what_the_journal_knows),
		cmocka_unit_test(failing_allocations_are_survived),
	};

	return cmocka_run_group_tests_name("journal", tests, unpack, forget);
}
