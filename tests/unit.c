/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One binary, one group of tests per function test_<name>() of the files test_*.c; the Makefile lists them. */
#include "unit.h"

int main(void)
{
	static int (*const groups[])(void) = {
#define GROUP(name) name,
#include "unit_groups.inc"
#undef GROUP
	};
	int failed = 0;

	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		failed += groups[i]();
	return failed ? 1 : 0;
}
