/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Links are not followed: reports are full of links between their own files, and every event would be found
 * twice. What cannot be opened below the directory is passed over; the files themselves are tried later.
 */
#include "walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEPTH_MAX 16
#define FILES_MAX 1000000

void oom_walk_release(struct oom_walk *w)
{
	for (size_t i = 0; i < w->n; i++)
		oom_free(w->file[i].path);
	oom_free(w->file);
	*w = (struct oom_walk){ .n = 0 };
}

static int add(struct oom_walk *w, char *path, enum oom_selected what)
{
	if (w->n == w->cap) {
		size_t cap = w->cap ? w->cap * 2 : 16;
		struct oom_walk_file *file = oom_realloc(w->file, cap * sizeof(*file));

		if (!file)
			return -ENOMEM;
		w->file = file;
		w->cap = cap;
	}
	w->file[w->n++] = (struct oom_walk_file){ .path = path, .what = what };
	return 0;
}

static char *join(const char *dir, const char *name)
{
	size_t n = strlen(dir), m = strlen(name) + 1;
	char *path = oom_malloc(n + 1 + m);

	while (n > 1 && dir[n - 1] == '/')
		n--;
	if (path)
		snprintf(path, n + 1 + m, "%.*s/%s", (int)n, dir, name);
	return path;
}

static int walk(struct oom_walk *w, const char *dir, int depth, struct oom_err *reterr);

/* path is taken over */
static int visit(struct oom_walk *w, char *path, int depth)
{
	struct oom_err ignored = { 0 };
	struct stat st;
	enum oom_selected what;
	int r = 0;

	if (lstat(path, &st) < 0)
		st.st_mode = 0;         /* gone since it was listed */
	if (S_ISDIR(st.st_mode) && depth < DEPTH_MAX)
		r = walk(w, path, depth + 1, &ignored);
	else if (S_ISREG(st.st_mode) && w->n < FILES_MAX) {
		what = oom_select(oom_str_from(path));
		if (what != OOM_SELECT_NO) {
			r = add(w, path, what);
			if (!r)
				return 0;
		}
	}
	oom_free(path);
	return r == -ENOMEM ? r : 0;
}

static int walk(struct oom_walk *w, const char *dir, int depth, struct oom_err *reterr)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int r = 0;

	if (!d)
		return oom_err_set(reterr, errno, "cannot read directory '%s': %s", dir, strerror(errno));
	while (!r && (e = readdir(d))) {
		char *path;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		path = join(dir, e->d_name);
		r = path ? visit(w, path, depth) : -ENOMEM;
	}
	closedir(d);
	return r;
}

static struct oom_log_age age_of(const char *path)
{
	char head[64];
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	ssize_t n = fd < 0 ? 0 : read(fd, head, sizeof(head));

	if (fd >= 0)
		close(fd);
	return oom_log_age(oom_str_from(path), (struct oom_str){ head, n > 0 ? (size_t)n : 0 });
}

static int compare(const void *x, const void *y)
{
	const struct oom_walk_file *a = x, *b = y;

	return oom_log_age_cmp(oom_str_from(a->path), a->age, oom_str_from(b->path), b->age);
}

int oom_walk_dir(struct oom_walk *w, const char *dir, struct oom_err *reterr)
{
	int r = walk(w, dir, 0, reterr);

	if (r == -ENOMEM)
		(void)oom_err_set(reterr, ENOMEM, "cannot read directory '%s': out of memory", dir);
	if (r < 0) {
		oom_walk_release(w);
		return r;
	}
	for (size_t i = 0; i < w->n; i++)
		w->file[i].age = age_of(w->file[i].path);
	oom_walk_sort(w);
	return 0;
}

int oom_walk_add_part(struct oom_walk *w, const char *path)
{
	struct oom_log_age age;
	struct stat st;
	size_t n = strlen(path) + 1;
	char *copy;

	/* looking into a pipe would take its first bytes away */
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return 0;
	age = age_of(path);
	if (!age.crash)
		return 0;
	copy = oom_malloc(n);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, path, n);
	if (add(w, copy, OOM_SELECT_YES) < 0) {
		oom_free(copy);
		return -ENOMEM;
	}
	w->file[w->n - 1].age = age;
	return 1;
}

size_t oom_walk_parts(const struct oom_walk *w, size_t i)
{
	const struct oom_walk_file *f = &w->file[i];
	size_t n = 1;

	while (i + n < w->n &&
	       oom_log_same_crash(oom_str_from(f->path), f->age, oom_str_from(f[n].path), f[n].age))
		n++;
	return n;
}

void oom_walk_sort(struct oom_walk *w)
{
	if (w->n)
		qsort(w->file, w->n, sizeof(*w->file), compare);
}
