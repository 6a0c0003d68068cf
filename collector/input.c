/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From what the caller named to texts: files, directories, archives and what is packed inside them, the
 * standard input, the running kernel.
 */
#include "archive.h"
#include "text.h"
#include "walk.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define NEST_MAX 3              /* compressed in compressed: more is no log */

struct oom_input {
	const char *const *specs;
	size_t n, next;
	struct oom_walk walk;           /* files of the directory at hand */
	size_t next_file, parts_end;    /* the current text is made of the files before parts_end */
	const char *dir;                /* its name while none of its files was a log; then NULL */
	struct oom_archive *archive;    /* the archive at hand */
	const char *archive_path;
	bool archive_named;             /* by the caller, and no log found in it yet */
	bool archive_broken;            /* nothing more can come out of it */
	bool archive_told;              /* the caller knows */
	struct oom_archive *nested[NEST_MAX];   /* compression around the current text, outermost first */
	struct oom_text text;
	struct oom_buf path;            /* of the current text, NUL-terminated */
};

int oom_input_open(const char *const *specs, size_t n, struct oom_input **ret, struct oom_err *reterr)
{
	struct oom_input *in = oom_malloc(sizeof(*in));

	if (!in)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	*in = (struct oom_input){ .specs = specs, .n = n };
	in->text.eof = true;
	*ret = in;
	return 0;
}

static void close_text(struct oom_input *in)
{
	oom_text_close(&in->text);
	for (size_t i = NEST_MAX; i-- > 0;) {
		oom_archive_close(in->nested[i]);
		in->nested[i] = NULL;
	}
}

static void close_archive(struct oom_input *in)
{
	close_text(in);
	oom_archive_close(in->archive);
	in->archive = NULL;
}

void oom_input_close(struct oom_input *in)
{
	if (!in)
		return;
	close_archive(in);
	oom_text_release(&in->text);
	oom_walk_release(&in->walk);
	oom_buf_release(&in->path);
	oom_free(in);
}

static int set_path(struct oom_input *in, const char *path, struct oom_str member, struct oom_err *reterr)
{
	int r;

	in->path.n = 0;
	r = oom_buf_add(&in->path, path, strlen(path));
	if (!r && member.p)
		r = oom_buf_add(&in->path, "!", 1);
	if (!r && member.p)
		r = oom_buf_add(&in->path, member.p, member.n);
	if (!r)
		r = oom_buf_add(&in->path, "", 1);
	return r ? oom_err_set(reterr, ENOMEM, "cannot read '%s': out of memory", path) : 0;
}

/* Opens the stream as the current text; in->path is set.  1, 0 if it is passed over, -errno. */
static int open_text(struct oom_input *in, struct oom_stream *s, enum oom_selected what, bool live,
		     struct oom_err *reterr)
{
	struct oom_str head;
	int r = oom_stream_peek(s, &head, reterr);

	/* an error is told by the text, behind the lines that were good */
	if (r < 0 && !s->head_n)
		goto out;
	head = (struct oom_str){ s->head, s->head_n };
	if (oom_str_starts(head, OOM_JOURNAL_MAGIC)) {
		struct oom_journal *j = NULL;

		r = oom_journal_open_stream(s, in->path.p, &j, reterr);
		if (!r) {
			oom_text_open_journal(&in->text, j);
			r = 1;
		}
		goto out;
	}
	if (head.n >= 2 && (!memcmp(head.p, "\xff\xfe", 2) || !memcmp(head.p, "\xfe\xff", 2))) {
		struct oom_stream utf8;

		r = oom_stream_utf16(&utf8, s, head.p[0] == '\xfe');
		if (r < 0) {
			(void)oom_err_set(reterr, ENOMEM, "cannot read '%s': out of memory", in->path.p);
			goto out;
		}
		*s = utf8;
	}
	r = oom_text_open(&in->text, s, reterr);
	if (r < 0)
		return r;
	in->text.live = live;
	if (what == OOM_SELECT_LOOK && !oom_text_is_kernel(&in->text)) {
		oom_text_close(&in->text);
		return 0;
	}
	return 1;
out:
	oom_stream_close(s);
	return r;
}

/* Takes off all compression that unpack.c knows.  0 with the head of what is inside, -errno. */
static int unpack(struct oom_stream *s, const char *path, struct oom_str *head, struct oom_err *reterr)
{
	int r = 1;

	for (int i = 0; r > 0 && i < NEST_MAX; i++)
		r = oom_stream_unpack(s, path, reterr);
	return r < 0 ? r : oom_stream_peek(s, head, reterr);
}

/* Takes compression off a member until there is text.  1 with *s replaced, 0 if it is an archive, -errno. */
static int unwrap(struct oom_input *in, struct oom_stream *s, struct oom_err *reterr)
{
	struct oom_str head, name;
	int r;

	for (size_t i = 0;; i++) {
		r = unpack(s, in->path.p, &head, reterr);
		/* a member that breaks off has its error told behind its good lines */
		if (r < 0 && !s->head_n)
			break;
		head = (struct oom_str){ s->head, s->head_n };
		if (r < 0 || !oom_archive_magic(head))
			return 1;
		if (i == NEST_MAX) {
			r = 0;
			break;
		}
		r = oom_archive_open(s, in->path.p, &in->nested[i], reterr);
		*s = (struct oom_stream){ .read = NULL };
		if (r < 0)
			return r;
		r = oom_archive_next(in->nested[i], &name, reterr);
		if (r <= 0 || name.p)
			return r < 0 ? r : 0;
		oom_archive_data(in->nested[i], s);
	}
	oom_stream_close(s);
	return r;
}

/* The next log of the archive.  1, 0 at its end, -errno. */
static int next_member(struct oom_input *in, struct oom_err *reterr)
{
	struct oom_stream s;
	struct oom_str name;
	enum oom_selected what;
	int r;

	for (;;) {
		close_text(in);
		r = oom_archive_next(in->archive, &name, reterr);
		in->archive_broken = r < 0;
		if (r <= 0)
			return r;
		what = name.p ? oom_select(name) : OOM_SELECT_YES;
		if (what == OOM_SELECT_NO)
			continue;
		r = set_path(in, in->archive_path, name, reterr);
		if (r < 0)
			return r;
		oom_archive_data(in->archive, &s);
		r = unwrap(in, &s, reterr);
		if (r > 0)
			r = open_text(in, &s, what, false, reterr);
		if (r)
			return r;
	}
}

/* Opens what a path leads to as a text or as the archive at hand.  1: a text; 0: go on; -errno. */
static int open_stream(struct oom_input *in, struct oom_stream *s, const char *path, enum oom_selected what,
		       bool named, struct oom_err *reterr)
{
	struct oom_err err = { 0 };
	struct oom_str head;
	int r = unpack(s, path, &head, &err);

	head = (struct oom_str){ s->head, s->head_n };
	if (r < 0 && !head.n)
		r = oom_err_set(reterr, -r, "%s", err.text);
	else
		r = set_path(in, path, OOM_STR_NULL, reterr);
	if (r < 0) {
		oom_stream_close(s);
		return r;
	}
	if (!oom_archive_magic(head))
		return open_text(in, s, what, false, reterr);
	r = oom_archive_open(s, path, &in->archive, reterr);
	in->archive_path = path;
	in->archive_named = named;
	in->archive_broken = in->archive_told = false;
	return r;
}

static const char *next_part(const void *of, size_t i)
{
	const struct oom_input *in = of;

	return in->next_file + i < in->parts_end ? in->walk.file[in->next_file + i].path : NULL;
}

/* A text of several files is called by its first one and the number of the others. */
static int set_parts_path(struct oom_input *in, const char *first, size_t n, struct oom_err *reterr)
{
	char more[32];
	int r = set_path(in, first, OOM_STR_NULL, reterr);

	if (r < 0 || n == 1)
		return r;
	snprintf(more, sizeof(more), "+%zu", n - 1);
	in->path.n--;
	if (oom_buf_add(&in->path, more, strlen(more) + 1) < 0)
		return oom_err_set(reterr, ENOMEM, "cannot read '%s': out of memory", first);
	return 0;
}

/* A kill may have begun in one file of a journal and ended in the next: they are one text. */
static int open_journal(struct oom_input *in, size_t n, struct oom_err *reterr)
{
	struct oom_journal *j = NULL;
	int r;

	in->parts_end = in->next_file + n;
	r = set_parts_path(in, in->walk.file[in->next_file].path, n, reterr);
	if (!r)
		r = oom_journal_open_files(next_part, in, in->path.p, &j, reterr);
	if (r < 0)
		return r;
	oom_text_open_journal(&in->text, j);
	return 1;
}

static int open_running_journal(struct oom_input *in, const char *spec, struct oom_err *reterr)
{
	struct oom_journal *j = NULL;
	int r = set_path(in, spec, OOM_STR_NULL, reterr);

	if (!r)
		r = oom_journal_open_running(in->path.p, &j, reterr);
	if (r < 0)
		return r;
	oom_text_open_journal(&in->text, j);
	return 1;
}

/* The parts of a crash dump are one text: each is about a kilobyte long on EFI. */
static int open_parts(struct oom_input *in, size_t n, struct oom_err *reterr)
{
	const char *first = in->walk.file[in->next_file].path;
	struct oom_stream s;
	int r;

	in->parts_end = in->next_file + n;
	r = set_parts_path(in, first, n, reterr);
	if (!r && oom_stream_files(&s, next_part, in) < 0)
		r = oom_err_set(reterr, ENOMEM, "cannot read '%s': out of memory", first);
	return r < 0 ? r : open_text(in, &s, OOM_SELECT_YES, false, reterr);
}

static int open_path(struct oom_input *in, const char *path, enum oom_selected what, bool named,
		     struct oom_err *reterr)
{
	struct oom_stream s;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), r;

	if (fd < 0)
		return oom_err_set(reterr, errno, "cannot open '%s': %s", path, strerror(errno));
	r = oom_stream_fd(&s, fd, path);
	if (r < 0)
		return oom_err_set(reterr, ENOMEM, "cannot open '%s': out of memory", path);
	return open_stream(in, &s, path, what, named, reterr);
}

/* The next file of the directory, or as many as are parts of one dump. */
static int open_file(struct oom_input *in, struct oom_err *reterr)
{
	const struct oom_walk_file *f;
	size_t n;

	in->next_file = in->parts_end;
	f = &in->walk.file[in->next_file];
	n = oom_walk_parts(&in->walk, in->next_file);
	if (f->age.crash == OOM_AGE_JOURNAL)
		return open_journal(in, n, reterr);
	if (n > 1)
		return open_parts(in, n, reterr);
	in->parts_end++;
	return open_path(in, f->path, f->what, false, reterr);
}

/* Parts that the caller names in a row come in the order of his shell, newest first; files of one journal are
 * read together. */
static int gather_parts(struct oom_input *in, struct oom_err *reterr)
{
	size_t from = in->next;
	int r = 0;

	while (in->next < in->n && (r = oom_walk_add_part(&in->walk, in->specs[in->next])) > 0)
		in->next++;
	if (r < 0)
		return oom_err_set(reterr, ENOMEM, "cannot read '%s': out of memory", in->specs[from]);
	oom_walk_sort(&in->walk);
	return in->next > from;
}

static int open_spec(struct oom_input *in, const char *spec, struct oom_err *reterr)
{
	struct oom_stream s = { .read = NULL };
	struct stat st;
	int r;

	if (!strcmp(spec, "kmsg:")) {
		r = set_path(in, spec, OOM_STR_NULL, reterr);
		if (!r)
			r = oom_stream_kmsg(&s, reterr);
		return r < 0 ? r : open_text(in, &s, OOM_SELECT_YES, true, reterr);
	}
	if (!strcmp(spec, "journal:"))
		return open_running_journal(in, spec, reterr);
	if (!strcmp(spec, "-")) {
		r = oom_stream_fd(&s, STDIN_FILENO, "standard input");
		if (r < 0)
			return oom_err_set(reterr, ENOMEM, "cannot read standard input: out of memory");
		return open_stream(in, &s, spec, OOM_SELECT_YES, true, reterr);
	}
	if (stat(spec, &st) == 0 && S_ISDIR(st.st_mode)) {
		in->dir = spec;
		return oom_walk_dir(&in->walk, spec, reterr);
	}
	return open_path(in, spec, OOM_SELECT_YES, true, reterr);
}

/* The archive at hand has a text for us, or is done with (0). */
static int from_archive(struct oom_input *in, struct oom_err *reterr)
{
	struct oom_err err = { 0 };
	int r = next_member(in, &err);

	if (r > 0) {
		in->archive_named = false;
		in->archive_told = false;
		in->dir = NULL;
		return 1;
	}
	if (r < 0) {
		in->archive_named = false;
		/* when a text broke off, its reader told why; going on fails for the same reason */
		r = in->archive_broken && in->archive_told ? 0 : oom_err_set(reterr, -r, "%s", err.text);
		if (in->archive_broken)
			close_archive(in);
		return r;
	}
	if (in->archive_named)
		r = oom_err_set(reterr, ENOENT, "no kernel log in archive '%s'", in->archive_path);
	close_archive(in);
	return r;
}

int oom_input_next_text(struct oom_input *in, struct oom_err *reterr)
{
	int r = 0;

	close_text(in);
	for (;;) {
		if (in->archive) {
			r = from_archive(in, reterr);
		} else if (in->parts_end < in->walk.n) {
			r = open_file(in, reterr);
			if (r)
				in->dir = NULL;
		} else if (in->dir) {
			r = oom_err_set(reterr, ENOENT, "no kernel log in directory '%s'", in->dir);
			in->dir = NULL;
		} else if (in->next < in->n) {
			oom_walk_release(&in->walk);
			in->next_file = in->parts_end = 0;
			r = gather_parts(in, reterr);
			if (r > 0)
				continue;
			if (!r)
				r = open_spec(in, in->specs[in->next++], reterr);
			if (r < 0)
				in->dir = NULL;
		} else {
			return 0;
		}
		if (r)
			return r;
	}
}

int oom_input_next_line(struct oom_input *in, bool quiet, struct oom_line *ret, struct oom_err *reterr)
{
	int r;

	if (!in->text.buf && !in->text.journal)
		return 0;
	r = oom_text_next(&in->text, quiet, ret, reterr);
	if (r < 0)
		in->archive_told = true;
	return r;
}

void oom_input_info(const struct oom_input *in, struct oom_source_info *ret)
{
	*ret = (struct oom_source_info){
		.path = { in->path.p, in->path.n ? in->path.n - 1 : 0 },
		.format = oom_text_format(&in->text),
		.bytes = in->text.bytes, .lines = in->text.lines,
		.damaged_lines = in->text.damaged_lines, .lost = in->text.lost,
	};
}
