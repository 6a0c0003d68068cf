/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Binary journals, read by libsystemd: it knows every compression, and how entries of several files follow
 * each other.  It drops a file whose chain of entries is broken without a word, and refuses one
 * that is shorter than its header says; both are made up for here.
 */
#include "journal.h"
#include "journal_fields.h"
#include "scan.h"
#include "text.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#define FILE_MAX ((uint64_t)4 << 30)    /* journald never writes a larger one (JOURNAL_SIZE_MAX) */
#define HEADER 104                      /* of it, up to arena_size */
#define BLOCK ((size_t)64 << 10)

struct journal_file {
	const char *path;
	char *made;                     /* the same, if the file is ours to unlink */
};

struct oom_journal {
	sd_journal *j;
	const char *path;
	struct journal_file *file;      /* until they are open */
	size_t n, cap;
	uint64_t usage;                 /* bytes of all files, as libsystemd counts them */
	struct oom_buf fields;          /* values of the current entry */
	struct oom_err err;             /* told behind the good entries; the first one */
};

static const char *reason(int r)
{
	switch (-r) {
	case EBADMSG:
	case EIO:
		return "it is damaged";
	case ENODATA:
		return "it is cut short";
	case EPROTONOSUPPORT:
		return "it uses features that this libsystemd does not know";
	default:
		return strerror(-r);
	}
}

static int no_memory(const char *path, struct oom_err *reterr)
{
	return oom_err_set(reterr, ENOMEM, "cannot read '%s': out of memory", path);
}

/* ---- temporary files ----------------------------------------------------------------------------------- */

/* Bytes that a journal has by its own header (header_size at 88, arena_size at 96); 0 if it is no header. */
static uint64_t size_by_header(const char *head, size_t n)
{
	uint64_t size[2] = { 0, 0 };

	if (n < HEADER || memcmp(head, OOM_JOURNAL_MAGIC, 8) != 0)
		return 0;
	for (int i = 7; i >= 0; i--) {
		size[0] = size[0] << 8 | (unsigned char)head[88 + i];
		size[1] = size[1] << 8 | (unsigned char)head[96 + i];
	}
	return size[0] <= FILE_MAX && size[1] <= FILE_MAX ? size[0] + size[1] : UINT64_MAX;
}

/* libsystemd refuses files without a name: whoever opens it unlinks it. */
static int temporary(struct journal_file *f)
{
	const char *dir = getenv("TMPDIR"), *tail = "/oomlens-XXXXXX";
	char *name;
	size_t n;
	int fd;

	if (!dir || !*dir)
		dir = "/var/tmp";
	n = strlen(dir);
	name = oom_malloc(n + strlen(tail) + 1);
	if (!name)
		return -ENOMEM;
	memcpy(name, dir, n);
	memcpy(name + n, tail, strlen(tail) + 1);
	fd = mkostemp(name, O_CLOEXEC);
	if (fd < 0) {
		fd = -errno;
		oom_free(name);
		return fd;
	}
	f->path = f->made = name;
	return fd;
}

static bool is_zero(const char *p, size_t n)
{
	return !n || (!*p && !memcmp(p, p + 1, n - 1));
}

/* The stream into fd, up to size; what is missing stays zero and is no entry. */
static int fill(int fd, struct oom_stream *s, const char *name, uint64_t size, char *block,
		struct oom_err *later)
{
	struct oom_err err = { 0 };
	uint64_t at = 0;
	ssize_t n = 0;

	while (at < size) {
		n = oom_stream_read(s, block, size - at < BLOCK ? (size_t)(size - at) : BLOCK, &err);
		if (n <= 0)
			break;
		/* half of a journal is room for more: holes stay holes */
		if (!is_zero(block, (size_t)n)) {
			ssize_t done = pwrite(fd, block, (size_t)n, (off_t)at);

			if (done != n)
				return done < 0 ? -errno : -ENOSPC;
		}
		at += (uint64_t)n;
	}
	if (n < 0)
		(void)oom_err_set(later, (int)-n, "%s", err.text);
	else if (at < size)
		(void)oom_err_set(later, ENODATA, "journal '%s' is cut short: %llu of its %llu bytes "
				  "are there", name, (unsigned long long)at, (unsigned long long)size);
	return ftruncate(fd, (off_t)size) < 0 ? -errno : 0;
}

static void forget(struct journal_file *f)
{
	if (f->made)
		(void)unlink(f->made);
	oom_free(f->made);
	f->made = NULL;
}

/* A file of ours with what the stream, called name, holds; what it lacks is told in *later.  0 or -errno. */
static int copy(struct oom_stream *s, const char *name, struct journal_file *ret, struct oom_err *later)
{
	char *block = oom_malloc(BLOCK);
	struct oom_str head = OOM_STR_NULL;
	uint64_t size;
	int fd, r;

	if (!block)
		return no_memory(name, later);
	if (!s->head_n)
		(void)oom_stream_peek(s, &head, NULL);
	size = size_by_header(s->head, s->head_n);
	if (!size || size > FILE_MAX) {
		oom_free(block);
		return oom_err_set(later, EBADMSG, "cannot read journal '%s': its header is damaged", name);
	}
	fd = temporary(ret);
	r = fd < 0 ? fd : fill(fd, s, name, size, block, later);
	oom_free(block);
	if (fd >= 0)
		close(fd);
	if (r >= 0)
		return 0;
	forget(ret);
	return oom_err_set(later, -r, "cannot unpack journal '%s' into a temporary file: %s (TMPDIR names "
			   "another place)", name, strerror(-r));
}

/* ---- opening ------------------------------------------------------------------------------------------- */

static void forget_files(struct oom_journal *j)
{
	for (size_t i = 0; i < j->n; i++)
		forget(&j->file[i]);
	oom_free(j->file);
	j->file = NULL;
	j->n = j->cap = 0;
}

void oom_journal_close(struct oom_journal *j)
{
	if (!j)
		return;
	sd_journal_close(j->j);
	forget_files(j);
	oom_buf_release(&j->fields);
	oom_free(j);
}

static struct oom_journal *new_journal(const char *path, struct oom_err *reterr)
{
	struct oom_journal *j = oom_malloc(sizeof(*j));

	if (j)
		*j = (struct oom_journal){ .path = path };
	else
		(void)no_memory(path, reterr);
	return j;
}

/* Takes the file over if libsystemd can open it. */
static void add(struct oom_journal *j, struct journal_file f, const char *name)
{
	const char *paths[] = { f.path, NULL };
	sd_journal *alone;
	int r;

	if (j->n == j->cap) {
		size_t cap = j->cap ? j->cap * 2 : 8;
		struct journal_file *more = oom_realloc(j->file, cap * sizeof(*more));

		if (!more) {
			forget(&f);
			(void)no_memory(name, &j->err);
			return;
		}
		j->file = more;
		j->cap = cap;
	}
	/* together, one bad file would spoil all */
	r = sd_journal_open_files(&alone, paths, 0);
	if (r < 0) {
		forget(&f);
		(void)oom_err_set(&j->err, -r, "cannot read journal '%s': %s", name, reason(r));
		return;
	}
	sd_journal_close(alone);
	j->file[j->n++] = f;
}

/* libsystemd refuses a file that is shorter than its header says. */
static bool is_whole(int fd)
{
	struct stat st;
	char head[HEADER];
	ssize_t n = pread(fd, head, sizeof(head), 0);

	if (n != sizeof(head) || fstat(fd, &st) < 0)
		return false;
	return size_by_header(head, HEADER) <= (uint64_t)st.st_size;
}

static void add_file(struct oom_journal *j, const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct journal_file f = { .path = name };
	struct oom_stream s;

	if (fd < 0) {
		(void)oom_err_set(&j->err, errno, "cannot open '%s': %s", name, strerror(errno));
	} else if (is_whole(fd)) {
		close(fd);
		add(j, f, name);
	} else if (oom_stream_fd(&s, fd, name) < 0) {
		(void)no_memory(name, &j->err);
	} else {
		if (copy(&s, name, &f, &j->err) == 0)
			add(j, f, name);
		oom_stream_close(&s);
	}
}

/* Kernel messages only; fields come no longer than a line may be. */
static int begin(struct oom_journal *j, int r)
{
	if (r >= 0)
		r = sd_journal_add_match(j->j, "_TRANSPORT=kernel", 0);
	if (r >= 0)
		r = sd_journal_set_data_threshold(j->j, 2 * OOM_LINE_MAX);
	if (r >= 0)
		r = sd_journal_get_usage(j->j, &j->usage);
	return r;
}

static int open_all(struct oom_journal *j)
{
	const char **paths = oom_malloc((j->n + 1) * sizeof(*paths));
	int r;

	if (!paths)
		return -ENOMEM;
	for (size_t i = 0; i < j->n; i++)
		paths[i] = j->file[i].path;
	paths[j->n] = NULL;
	r = begin(j, sd_journal_open_files(&j->j, paths, 0));
	oom_free(paths);
	return r;
}

static int open_files(struct oom_journal *j, struct oom_journal **ret, struct oom_err *reterr)
{
	int r = j->n ? open_all(j) : -j->err.code;

	if (r >= 0) {
		forget_files(j);
		*ret = j;
		return 0;
	}
	(void)oom_err_set(&j->err, -r, "cannot read journal '%s': %s", j->path, reason(r));
	r = oom_err_set(reterr, j->err.code, "%s", j->err.text);
	oom_journal_close(j);
	return r;
}

int oom_journal_open_files(const char *(*next)(const void *of, size_t i), const void *of, const char *path,
			   struct oom_journal **ret, struct oom_err *reterr)
{
	struct oom_journal *j = new_journal(path, reterr);
	const char *name;

	if (!j)
		return -ENOMEM;
	for (size_t i = 0; (name = next(of, i)) != NULL; i++)
		add_file(j, name);
	return open_files(j, ret, reterr);
}

int oom_journal_open_stream(struct oom_stream *s, const char *path, struct oom_journal **ret,
			    struct oom_err *reterr)
{
	struct oom_journal *j = new_journal(path, reterr);
	struct journal_file f = { .path = path };

	if (!j)
		return -ENOMEM;
	if (copy(s, path, &f, &j->err) == 0)
		add(j, f, path);
	return open_files(j, ret, reterr);
}

int oom_journal_open_running(const char *path, struct oom_journal **ret, struct oom_err *reterr)
{
	struct oom_journal *j = new_journal(path, reterr);
	char match[] = "_BOOT_ID=0123456789abcdef0123456789abcdef";
	sd_id128_t boot;
	int r;

	if (!j)
		return -ENOMEM;
	r = begin(j, sd_journal_open(&j->j, SD_JOURNAL_LOCAL_ONLY | SD_JOURNAL_SYSTEM));
	if (r >= 0)
		r = sd_id128_get_boot(&boot);
	if (r >= 0) {
		(void)sd_id128_to_string(boot, match + strlen("_BOOT_ID="));
		r = sd_journal_add_match(j->j, match, 0);
	}
	if (r < 0)
		r = oom_err_set(reterr, -r, "cannot read the system's journal: %s", reason(r));
	else if (sd_journal_has_runtime_files(j->j) <= 0 && sd_journal_has_persistent_files(j->j) <= 0)
		r = oom_err_set(reterr, ENOENT, "the system has no journal that you may read; root and members "
				"of group systemd-journal may read it");
	if (r >= 0)
		*ret = j;
	else
		oom_journal_close(j);
	return r < 0 ? r : 0;
}

/* ---- reading ------------------------------------------------------------------------------------------- */

/* The value of a field of the current entry, lent until the next question.  0 or -errno. */
static int get(struct oom_journal *j, const char *name, struct oom_str *ret)
{
	size_t skip = strlen(name) + 1, n;
	const void *p;
	int r = sd_journal_get_data(j->j, name, &p, &n);

	if (r < 0)
		return r;
	if (n < skip)
		return -EBADMSG;
	*ret = (struct oom_str){ (const char *)p + skip, n - skip };
	return 0;
}

/* The message and what else is known about it, all of it in j->fields. */
static int gather(struct oom_journal *j, struct oom_str message, struct oom_journal_fields *f)
{
	static const char *const names[] = {
		"MESSAGE", "_HOSTNAME", "_BOOT_ID", "SYSLOG_IDENTIFIER", "SYSLOG_FACILITY",
		"_SOURCE_MONOTONIC_TIMESTAMP", "_SOURCE_BOOTTIME_TIMESTAMP",
	};
	size_t at[OOM_ARRAY_SIZE(names)], n[OOM_ARRAY_SIZE(names)];

	j->fields.n = 0;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(names); i++) {
		struct oom_str value = message;

		at[i] = j->fields.n;
		n[i] = SIZE_MAX;
		if (i && get(j, names[i], &value) < 0)
			continue;
		n[i] = value.n < OOM_LINE_MAX + 1 ? value.n : OOM_LINE_MAX + 1;
		if (oom_buf_add(&j->fields, value.p, n[i]) < 0)
			return -ENOMEM;
	}
	/* an empty message is one, too */
	if (oom_buf_add(&j->fields, "", 1) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(names); i++) {
		struct oom_str *slot = oom_journal_field(f, oom_str_from(names[i]));

		if (n[i] != SIZE_MAX && slot && !slot->p)
			*slot = (struct oom_str){ j->fields.p + at[i], n[i] };
	}
	f->transport = OOM_STR("kernel");
	return 0;
}

static int deliver(struct oom_journal *j, struct oom_text *t, struct oom_str message, struct oom_line *line)
{
	struct oom_journal_fields f = { .message = OOM_STR_NULL };
	struct oom_px px = { .line = line };
	uint64_t realtime;

	*line = (struct oom_line){ .boot_us = OOM_NA, .wall_us = OOM_NA, .seq = OOM_NA, .lineno = t->lines };
	if (gather(j, message, &f) < 0)
		return no_memory(j->path, &t->err);
	(void)oom_journal_fill(&f, &px);
	if (sd_journal_get_realtime_usec(j->j, &realtime) >= 0 && realtime <= INT64_MAX)
		line->wall_us = (int64_t)realtime;
	if (px.s.n > OOM_LINE_MAX) {
		px.s.n = OOM_LINE_MAX;
		line->cut = true;
		t->damaged_lines++;
	}
	line->text = line->raw = px.s;
	return 1;
}

/* libsystemd gave up on some file on the way if it now counts fewer bytes. */
static int finish(struct oom_journal *j, struct oom_text *t, int r)
{
	uint64_t usage = j->usage;

	if (r < 0)
		(void)oom_err_set(&j->err, -r, "cannot read journal '%s': %s", j->path, reason(r));
	else if (sd_journal_get_usage(j->j, &usage) >= 0 && usage < j->usage)
		(void)oom_err_set(&j->err, EBADMSG, "journal '%s' is damaged: entries behind the damage "
				  "are lost", j->path);
	t->err = j->err;
	t->error = -j->err.code;
	j->err = (struct oom_err){ 0 };
	j->usage = usage;
	return 0;
}

int oom_journal_next(struct oom_journal *j, struct oom_text *t, bool quiet, struct oom_line *ret)
{
	struct oom_str message;
	int r;

	while ((r = sd_journal_next(j->j)) > 0) {
		r = get(j, "MESSAGE", &message);
		if (r == -ENOENT)
			continue;
		t->lines++;
		if (r < 0) {
			t->damaged_lines++;
			(void)oom_err_set(&j->err, -r, "journal '%s' has entries that cannot be read: %s",
					  j->path, reason(r));
			continue;
		}
		t->bytes += (int64_t)message.n;
		if (quiet && oom_scan_anchor(message.p, message.n) == message.n)
			continue;
		r = deliver(j, t, message, ret);
		if (r > 0)
			return 1;
		t->error = r;
		return 0;
	}
	return finish(j, t, r);
}
