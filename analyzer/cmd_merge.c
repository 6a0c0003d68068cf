/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens merge: stores into one. */
#include "cmd.h"
#include "pg.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 16            /* of directories in directories */

struct merging {
	const struct opts *opts;
	struct oom_store *dest;         /* or */
	struct oom_pg *server;
	struct oom_merged all;
	int64_t sources, failed;
	int code;                       /* EXIT_STORE: the destination failed, nothing more is tried */
};

static void add(struct merging *m, const struct oom_merged *one, const char *path)
{
	m->all.added += one->added;
	m->all.replaced += one->replaced;
	m->all.known += one->known;
	if (!m->opts->quiet && !m->opts->json && isatty(STDERR_FILENO))
		complain("%s: %lld new", path, (long long)one->added);
}

static void on_retry(void *arg, const char *why)
{
	const struct merging *m = arg;

	if (!m->opts->quiet)
		complain("%s; trying again", why);
}

static void merge_file(struct merging *m, const char *path)
{
	struct oom_store *source = NULL;
	struct oom_merged one = { 0 };
	struct oom_err err = { 0 };
	int r = oom_store_open_source(path, &source, &err);

	m->sources++;
	if (r)
		r = 1;
	else if (m->server)
		r = oom_pg_merge(m->server, source, on_retry, m, &one, &err);
	else
		r = oom_store_merge(m->dest, source, &one, &err);
	(void)oom_store_close(source, NULL);
	if (!r) {
		add(m, &one, path);
		return;
	}
	m->failed += r > 0;
	m->code = fail(r > 0 ? EXIT_INPUT : EXIT_STORE, &err);
}

/* ---- directories ------------------------------------------------------------------------------------- */

/* By its header, or by a name that says that it should be one. */
static bool is_store(const char *path, const char *name)
{
	static const unsigned char application[] = { 'O', 'O', 'M', 'L' };
	unsigned char head[100];
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, head, sizeof(head));
	const char *dot = strrchr(name, '.');

	if (fd >= 0)
		close(fd);
	if (n == (ssize_t)sizeof(head) && !memcmp(head, "SQLite format 3", 16))
		return !memcmp(head + 68, application, 4);
	return n != 0 && dot && !strcmp(dot, ".db");
}

static bool is_dest(const struct merging *m, const struct stat *st)
{
	struct stat dest;

	return stat(m->opts->arg[0], &dest) == 0 && dest.st_dev == st->st_dev && dest.st_ino == st->st_ino;
}

static void merge_dir(struct merging *m, const char *dir, int depth);

/* What lies in a directory: stores and directories; others are passed over, and so is the destination. */
static void merge_entry(struct merging *m, const char *dir, const char *name, int depth)
{
	struct oom_buf path = { 0 };
	struct stat st;

	if (oom_buf_fmt(&path, "%s/%s", dir, name) || oom_buf_add(&path, "", 1)) {
		complain("out of memory");
		m->code = EXIT_STORE;
	} else if (lstat(path.p, &st) == 0 && S_ISDIR(st.st_mode)) {
		merge_dir(m, path.p, depth + 1);
	} else if (stat(path.p, &st) == 0 && S_ISREG(st.st_mode) && !is_dest(m, &st) && is_store(path.p, name)) {
		merge_file(m, path.p);
	}
	oom_buf_release(&path);
}

static void merge_dir(struct merging *m, const char *dir, int depth)
{
	struct dirent **names = NULL;
	int n = depth < DEPTH_MAX ? scandir(dir, &names, NULL, alphasort) : (errno = ELOOP, -1);

	if (n < 0) {
		complain("cannot read '%s': %s", dir, strerror(errno));
		m->failed++;
		m->code = EXIT_INPUT;
	}
	for (int i = 0; i < n; i++) {
		if (m->code != EXIT_STORE && strcmp(names[i]->d_name, ".") && strcmp(names[i]->d_name, ".."))
			merge_entry(m, dir, names[i]->d_name, depth);
		free(names[i]);
	}
	free(names);
}

/* ---- all of it --------------------------------------------------------------------------------------- */

static void report(const struct merging *m)
{
	if (m->opts->json)
		printf("{\"schema\": \"oomlens.merge/1\", \"sources\": %lld, \"failed\": %lld, \"added\": %lld, \"replaced\": %lld,"
		       " \"known\": %lld}\n", (long long)m->sources, (long long)m->failed, (long long)m->all.added,
		       (long long)m->all.replaced, (long long)m->all.known);
	else if (!m->opts->quiet)
		printf("%lld new event%s, %lld better known now, %lld known already, from %lld store%s\n", (long long)m->all.added,
		       m->all.added == 1 ? "" : "s", (long long)m->all.replaced, (long long)m->all.known,
		       (long long)(m->sources - m->failed), m->sources - m->failed == 1 ? "" : "s");
}

static void merge_sources(struct merging *m)
{
	struct stat st;

	(void)oom_store_keep_model(true, NULL);        /* it is quicker, no more */
	for (int i = 1; m->code != EXIT_STORE && i < m->opts->nargs; i++) {
		if (oom_pg_names_server(m->opts->arg[i])) {
			complain("a server can be merged into, it is no source");
			m->failed++;
			m->code = EXIT_INPUT;
		} else if (stat(m->opts->arg[i], &st) == 0 && S_ISDIR(st.st_mode))
			merge_dir(m, m->opts->arg[i], 0);
		else
			merge_file(m, m->opts->arg[i]);
	}
	(void)oom_store_keep_model(false, NULL);
	report(m);
}

static int open_dest(struct merging *m, struct oom_err *err)
{
	const char *dest = m->opts->arg[0];
	int r;

	if (!oom_pg_names_server(dest))
		return oom_store_open(dest, OOM_STORE_WRITE, &m->dest, err);
	r = oom_pg_open(dest, &m->server, err);
	return r ? r : oom_pg_check_schema(m->server, true, err);
}

int cmd_merge(const struct opts *o)
{
	struct merging m = { .opts = o };
	struct oom_err err = { 0 };

	/* A server's tables are made without a source too, by who may make them. */
	if (o->nargs < 2 && !(o->nargs == 1 && oom_pg_names_server(o->arg[0]))) {
		complain("merge needs a destination and a source; see 'oomlens merge --help'");
		return EXIT_USAGE;
	}
	if (open_dest(&m, &err) < 0)
		m.code = fail(EXIT_STORE, &err);
	else
		merge_sources(&m);
	oom_pg_close(m.server);
	if (oom_store_close(m.dest, &err) < 0)
		return fail(EXIT_STORE, &err);
	if (m.code)
		return m.code;
	return o->nargs == 1 || m.all.added + m.all.replaced + m.all.known ? EXIT_DONE : EXIT_NOTHING;
}
