/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything compressed or packed comes through libarchive.  Filters and formats are named one by one: "all"
 * would run outside programs for some, and read texts as archives for others.
 */
#include "archive.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <string.h>

struct oom_archive {
	struct archive *a;
	struct oom_stream in;
	struct oom_err err;             /* of the stream below */
	const char *path;
	char block[65536];
};

bool oom_archive_magic(struct oom_str head)
{
	static const struct magic {
		size_t at, n;
		const char *bytes;
	} magics[] = {
		{ 0,   2, "\x1f\x8b" },             /* gzip */
		{ 0,   2, "\x1f\x9d" },             /* compress */
		{ 0,   6, "\xfd""7zXZ\0" },
		{ 0,   4, "\x28\xb5\x2f\xfd" },     /* zstd */
		{ 0,   3, "BZh" },
		{ 0,   4, "\x04\x22\x4d\x18" },     /* lz4 */
		{ 0,   5, "\x5d\0\0\x80\0" },       /* lzma, as xz --format=lzma writes it */
		{ 0,   4, "PK\x03\x04" },
		{ 0,   6, "070701" },               /* cpio newc */
		{ 0,   6, "070707" },               /* cpio odc */
		{ 257, 5, "ustar" },
	};

	for (size_t i = 0; i < OOM_ARRAY_SIZE(magics); i++) {
		const struct magic *m = &magics[i];

		if (head.n >= m->at + m->n && !memcmp(head.p + m->at, m->bytes, m->n))
			return true;
	}
	return false;
}

static la_ssize_t pull(struct archive *a, void *self, const void **block)
{
	struct oom_archive *ar = self;
	ssize_t n = oom_stream_read(&ar->in, ar->block, sizeof(ar->block), &ar->err);

	if (n < 0) {
		archive_set_error(a, (int)-n, "%s", ar->err.text);
		return -1;
	}
	*block = ar->block;
	return n;
}

static int failed(const struct oom_archive *ar, struct oom_err *reterr)
{
	const char *why = archive_error_string(ar->a);

	if (ar->err.code)
		return oom_err_set(reterr, ar->err.code, "%s", ar->err.text);
	return oom_err_set(reterr, EBADMSG, "cannot unpack '%s': %s", ar->path, why ? why : "damaged");
}

int oom_archive_open(struct oom_stream *in, const char *path, struct oom_archive **ret,
		     struct oom_err *reterr)
{
	struct oom_archive *ar = oom_malloc(sizeof(*ar));
	int r;

	if (!ar) {
		oom_stream_close(in);
		return oom_err_set(reterr, ENOMEM, "cannot unpack '%s': out of memory", path);
	}
	memset(ar, 0, offsetof(struct oom_archive, block));
	ar->in = *in;
	ar->path = path;
	ar->a = archive_read_new();
	if (!ar->a) {
		oom_archive_close(ar);
		return oom_err_set(reterr, ENOMEM, "cannot unpack '%s': out of memory", path);
	}
	archive_read_support_filter_gzip(ar->a);
	archive_read_support_filter_bzip2(ar->a);
	archive_read_support_filter_xz(ar->a);
	archive_read_support_filter_lzma(ar->a);
	archive_read_support_filter_zstd(ar->a);
	archive_read_support_filter_lz4(ar->a);
	archive_read_support_filter_compress(ar->a);
	archive_read_support_format_tar(ar->a);
	archive_read_support_format_zip_streamable(ar->a);
	archive_read_support_format_cpio(ar->a);
	archive_read_support_format_raw(ar->a);
	archive_read_support_format_empty(ar->a);
	if (archive_read_open(ar->a, ar, NULL, pull, NULL) != ARCHIVE_OK) {
		r = failed(ar, reterr);
		oom_archive_close(ar);
		return r;
	}
	*ret = ar;
	return 0;
}

void oom_archive_close(struct oom_archive *ar)
{
	if (!ar)
		return;
	if (ar->a)
		archive_read_free(ar->a);
	oom_stream_close(&ar->in);
	oom_free(ar);
}

int oom_archive_next(struct oom_archive *ar, struct oom_str *name, struct oom_err *reterr)
{
	for (;;) {
		struct archive_entry *e;
		int r = archive_read_next_header(ar->a, &e);

		if (r == ARCHIVE_EOF)
			return 0;
		if (r == ARCHIVE_RETRY)
			continue;
		if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
			return failed(ar, reterr);
		if (archive_format(ar->a) == ARCHIVE_FORMAT_RAW) {
			*name = OOM_STR_NULL;
			return 1;
		}
		if (archive_entry_filetype(e) != AE_IFREG)
			continue;
		*name = oom_str_from(archive_entry_pathname(e));
		if (name->p)
			return 1;
	}
}

static ssize_t data_read(void *self, char *p, size_t n, struct oom_err *reterr)
{
	struct oom_archive *ar = self;

	for (;;) {
		la_ssize_t got = archive_read_data(ar->a, p, n);

		if (got >= 0)
			return got;
		if (got != ARCHIVE_RETRY)
			return failed(ar, reterr);
	}
}

void oom_archive_data(struct oom_archive *ar, struct oom_stream *ret)
{
	*ret = (struct oom_stream){ .read = data_read, .self = ar };
}
