/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Compression of evidence; the only user of libzstd.  Private to the store. */
#ifndef OOMLENS_ANALYZER_PACK_H
#define OOMLENS_ANALYZER_PACK_H

#include <oomlens/base.h>

struct oom_packer;

int  oom_packer_new(struct oom_packer **ret);        /* 0, -ENOMEM */
void oom_packer_free(struct oom_packer *p);          /* NULL is fine */
/* Appends in, compressed, to *out.  0, -ENOMEM, -EOVERFLOW. */
int  oom_pack(struct oom_packer *p, struct oom_str in, struct oom_buf *out);
/* Replaces *out by what was packed; plain: without the lexicon, as stores of before have it.  0, -ENOMEM, -EBADMSG (damaged,
 * or more than max bytes). */
int  oom_unpack(struct oom_packer *p, struct oom_str in, bool plain, size_t max, struct oom_buf *out);

#endif
