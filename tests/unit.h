/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every test file needs; cmocka wants these four headers before its own. */
#ifndef OOMLENS_TESTS_UNIT_H
#define OOMLENS_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

/* Each runs its file's table of tests and returns the number of failures. */
int test_base(void);
int test_badness(void);
int test_explain(void);
int test_ballot(void);
int test_replay(void);
int test_render(void);
int test_domain(void);
int test_sampler(void);
int test_json(void);
int test_merge(void);
int test_source(void);
int test_journal(void);
int test_quiet(void);
int test_store(void);
int test_store_recorder(void);
int test_parse(void);
int test_parse_lines(void);
int test_klog(void);
int test_status(void);
int test_writer(void);
int test_trace(void);
int test_join(void);
int test_join_facts(void);
int test_whatif(void);
int test_flight(void);
int test_tui(void);

#endif
