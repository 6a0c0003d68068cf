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
#define GROUP(name) int name(void);
#include "unit_groups.inc"
#undef GROUP

#endif
