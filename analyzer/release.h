/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A kernel release string taken apart, as far as the rules of the selection depend on it. */
#ifndef OOMLENS_ANALYZER_RELEASE_H
#define OOMLENS_ANALYZER_RELEASE_H

#include <oomlens/event.h>

enum oom_vendor {
	OOM_VENDOR_NONE,
	OOM_VENDOR_RHEL,
	OOM_VENDOR_UEK,
	OOM_VENDOR_EULER,
	OOM_VENDOR_ANOLIS,
	OOM_VENDOR_TENCENT,
	OOM_VENDOR_OPENVZ,
};

struct oom_release {
	int64_t major, minor, patch;
	int64_t build;               /* the number after the first '-', OOM_NA if none */
	enum oom_vendor vendor;
	int64_t el;                  /* RHEL major version, 0 if none */
	bool opaque; /* patch says nothing about stable backports: distributions that keep x.y.0-N */
	bool dev;    /* -next or a git build after a release: may hold the next version's changes */
};

bool oom_release_parse(struct oom_str s, struct oom_release *ret);
bool oom_release_since(const struct oom_release *r, int64_t major, int64_t minor);

#endif
