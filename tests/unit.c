/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One binary, one group of tests per file. */
#include "unit.h"

int main(void)
{
	static int (*const groups[])(void) = {
		test_base,
		test_badness,
		test_replay,
		test_ballot,
		test_render,
		test_domain,
		test_sampler,
		test_source,
		test_journal,
		test_quiet,
		test_explain,
		test_json,
		test_merge,
		test_store, test_store_recorder, test_parse, test_parse_lines,
		test_klog,
		test_status,
		test_writer,
		test_trace,
		test_join,
		test_join_facts,
		test_whatif,
		test_flight,
		test_tui,
	};
	int failed = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		failed += groups[i]();
	return failed ? 1 : 0;
}
