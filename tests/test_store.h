/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store for each test, in a directory of its own; whatever fails fails the test with its sentence. */
#ifndef OOMLENS_TESTS_TEST_STORE_H
#define OOMLENS_TESTS_TEST_STORE_H

#include <oomlens/store.h>

extern char store_db[];                /* path of the store of the test that runs */
int store_setup(void **state);
int store_teardown(void **state);

struct oom_store *store_open(enum oom_store_mode mode);
void store_close(struct oom_store *s);
int64_t store_put(struct oom_store *s, const struct oom_event *ev, const struct oom_replay *r, int want);
void store_load(struct oom_store *s, int64_t id, struct oom_event *ret);

/* Values of the first row as text, apart by |, NULL as -; and the number of rows. */
struct store_answer { char text[4096]; int rows; };
struct store_answer store_ask(struct oom_store *s, const char *sql);
/* Fails if a table has rows of no event. */
void store_no_orphans(struct oom_store *s);
/* Runs SQL with the shell that everybody has. */
void store_shell(const char *path, const char *sql);

#endif
