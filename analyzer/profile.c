/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <oomlens/badness.h>

#include <string.h>

#include "release.h"

/* ---- the release string ---------------------------------------------------------------------------- */

static int64_t take_number(struct oom_str *s)
{
	int64_t v = OOM_NA;

	if (s->n && s->p[0] >= '0' && s->p[0] <= '9')
		(void)oom_take_i64(s, &v);
	return v > 1000000000 ? OOM_NA : v;
}

static const struct { const char *mark; enum oom_vendor vendor; } vendor_marks[] = {
	{ "uek",    OOM_VENDOR_UEK },
	{ ".oe",    OOM_VENDOR_EULER },
	{ "eulerosv", OOM_VENDOR_EULER },
	{ ".an7",   OOM_VENDOR_ANOLIS },
	{ ".an8",   OOM_VENDOR_ANOLIS },
	{ ".an23",  OOM_VENDOR_ANOLIS },
	{ ".al7",   OOM_VENDOR_ANOLIS },
	{ ".al8",   OOM_VENDOR_ANOLIS },
	{ "alios",  OOM_VENDOR_ANOLIS },
	{ "tlinux", OOM_VENDOR_TENCENT },
	{ ".tl",    OOM_VENDOR_TENCENT },
	{ "stab",   OOM_VENDOR_OPENVZ },
	{ ".vz",    OOM_VENDOR_OPENVZ },
};

static int64_t rhel_major(struct oom_str s)
{
	ptrdiff_t at = oom_str_find(s, ".el");
	int64_t v = OOM_NA;

	if (at < 0)
		return 0;
	s = oom_str_sub(s, (size_t)at + 3, s.n);
	v = take_number(&s);
	return v > 0 && v < 100 ? v : 0;
}

/* "-g" and at least seven hexadecimal digits: setlocalversion's mark of a build between releases. */
static bool has_commit(struct oom_str s)
{
	for (size_t i = 0; i + 9 <= s.n; i++) {
		size_t n = 0;

		if (s.p[i] != '-' || s.p[i + 1] != 'g')
			continue;
		while (i + 2 + n < s.n && strchr("0123456789abcdef", s.p[i + 2 + n]) && s.p[i + 2 + n])
			n++;
		if (n >= 7)
			return true;
	}
	return false;
}

bool oom_release_parse(struct oom_str s, struct oom_release *ret)
{
	struct oom_str rest = s;

	memset(ret, 0, sizeof(*ret));
	ret->major = take_number(&rest);
	if (ret->major < 0 || !oom_take_char(&rest, '.'))
		return false;
	ret->minor = take_number(&rest);
	if (ret->minor < 0)
		return false;
	ret->patch = 0;
	if (oom_take_char(&rest, '.')) {
		ret->patch = take_number(&rest);
		if (ret->patch == OOM_NA)
			ret->patch = 0;
	}
	/* before 3.0 the fourth number is the stable release and the third the version */
	ret->build = OOM_NA;
	if (oom_take_char(&rest, '-'))
		ret->build = take_number(&rest);
	ret->el = rhel_major(s);
	ret->vendor = ret->el ? OOM_VENDOR_RHEL : OOM_VENDOR_NONE;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(vendor_marks); i++)
		if (oom_str_find(s, vendor_marks[i].mark) >= 0)
			ret->vendor = vendor_marks[i].vendor;
	/* 5.4.0-150-generic, 3.10.0-229.42.x86_64, 5.3.18-24-default, 5.4.17-2136.el8uek */
	ret->opaque = (ret->build != OOM_NA && ret->patch == 0) || ret->vendor == OOM_VENDOR_UEK ||
		      oom_str_ends(s, "-default");
	ret->dev = oom_str_find(s, "-next") >= 0 ||
		   (oom_str_find(s, "-rc") < 0 && ret->patch == 0 && has_commit(s));
	return true;
}

bool oom_release_since(const struct oom_release *r, int64_t major, int64_t minor)
{
	return r->major > major || (r->major == major && r->minor >= minor);
}

/* ---- release -> profile ---------------------------------------------------------------------------- */

static const struct {
	int64_t major, minor;
	const char *profile;
} mainline[] = {
	{ 7,  0, "7.0" },
	{ 5,  9, "5.9" },
	{ 5,  3, "5.3" },
	{ 5,  1, "5.1" },
	{ 4, 17, "4.17" },
	{ 4,  9, "4.9" },
	{ 4,  7, "4.7" },
	{ 3, 14, "3.14" },
	{ 3,  5, "3.5" },
	{ 3,  2, "3.2" },
	{ 3,  0, "2.6.39" },
};

/*
 * Point releases of a branch that departed from their mainline version.  The ranges that nobody read name
 * both rule sets, the likelier first; patch_to -1 is the row for distributions that hide the point release.
 */
static const struct {
	int64_t major, minor, patch_from, patch_to;
	const char *profile[2];
} branches[] = {
	{ 3,  0,  1, 9999,  { "2.6.39", "3.2" } },         /* 56c6a8a4aadc went to stable; not read */
	{ 3,  1,  1, 9999,  { "3.2", "2.6.39" } },         /* 3.1-stable has the overflow fix */
	{ 3,  2,  8, 70,    { "3.2", "3.2.71" } },         /* 3.2.7 has -30, 3.2.71 the relative bonus */
	{ 3,  2, 71, 9999,  { "3.2.71", NULL } },
	{ 3,  2, -1, -1,    { "3.2.71", "3.2" } },
	{ 3, 10,  1, 104,   { "3.10.105", "3.5" } },       /* 3.10.105 has it, where it came is not known */
	{ 3, 10, 105, 9999, { "3.10.105", NULL } },
	{ 3, 10, -1, -1,    { "3.10.105", "3.5" } },       /* kernels made from RHEL 7's */
	{ 3, 12, 11, 9999,  { "3.10.105", "3.5" } },       /* 3.12.10 has not */
	{ 3, 13,  1, 9,     { "3.5", "3.10.105" } },
	{ 3, 13, 10, 9999,  { "3.10.105", NULL } },
	{ 3, 13, -1, -1,    { "3.10.105", "3.5" } },
	{ 5,  3, -1, -1,    { "5.3", "5.9" } },            /* SUSE's 5.3.18 follows later stable trees */
	{ 5,  4, 144, 9999, { "5.9", NULL } },             /* 5.4.144: the calculation of 5.9 */
	{ 5,  4, -1, -1,    { "5.9", "5.3" } },
};

static size_t add(const struct oom_profile *ret[4], size_t n, const char *name)
{
	const struct oom_profile *p = name ? oom_profile_named(name) : NULL;

	for (size_t i = 0; i < n; i++)
		if (ret[i] == p)
			return n;
	if (p && n < 4)
		ret[n++] = p;
	return n;
}

static const char *mainline_profile(int64_t major, int64_t minor, int64_t patch)
{
	if (major == 2 && minor == 6)
		return patch >= 39 ? "2.6.39" : patch >= 36 ? "2.6.36" : NULL;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(mainline); i++)
		if (major > mainline[i].major || (major == mainline[i].major && minor >= mainline[i].minor))
			return mainline[i].profile;
	return NULL;
}

/* RHEL 6 carries the 3.2 formula, RHEL 7 the relative bonus; RHEL 8 moved with its minor releases. */
static size_t rhel_profiles(const struct oom_release *r, const struct oom_profile *ret[4])
{
	size_t n = 0;

	if (r->el == 6 && r->major == 2 && r->minor == 6 && r->patch == 32)
		return add(ret, n, "3.2");
	if (r->el == 7 && r->major == 3)
		return add(ret, n, "3.10.105");
	if (r->el != 8 || r->major != 4 || r->minor != 18 || r->build == OOM_NA)
		return 0;
	if (r->build >= 348)                       /* 8.5 */
		return add(ret, n, "5.9");
	if (r->build > 240)
		n = add(ret, n, "5.3"), n = add(ret, n, "5.9");
	else if (r->build == 240)                  /* 8.3 */
		n = add(ret, n, "5.3");
	else if (r->build > 147)
		n = add(ret, n, "5.1"), n = add(ret, n, "5.3");
	else                                       /* 8.1; 8.0 may still sacrifice children */
		n = add(ret, n, "5.1"), n = r->build < 147 ? add(ret, n, "4.17") : n;
	return n;
}

static size_t release_profiles(const struct oom_release *r, const struct oom_profile *ret[4])
{
	size_t n = rhel_profiles(r, ret);

	if (n || r->vendor == OOM_VENDOR_OPENVZ)   /* OpenVZ chooses by beancounter, on its own rules */
		return n;
	/* openEuler 4.19: floor 1 kept, no leader rule, the last of equals wins */
	if (r->vendor == OOM_VENDOR_EULER && r->major == 4 && r->minor == 19)
		n = add(ret, n, "5.3");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(branches); i++) {
		if (r->major != branches[i].major || r->minor != branches[i].minor)
			continue;
		if (r->opaque ? branches[i].patch_from != -1 :
				r->patch < branches[i].patch_from || r->patch > branches[i].patch_to)
			continue;
		n = add(ret, n, branches[i].profile[0]);
		n = add(ret, n, branches[i].profile[1]);
	}
	if (!n)
		n = add(ret, n, mainline_profile(r->major, r->minor, r->patch));
	if (r->dev)
		n = add(ret, n, mainline_profile(r->major, r->minor + 1, 0));
	return n;
}

/* ---- shapes ---------------------------------------------------------------------------------------- */

/* Words of the memory dump that first appeared with or after 5.9. */
static bool has_young_words(const struct oom_event *ev)
{
	static const char *const young[] = {
		"sec_pagetables", "kernel_misc_reclaimable", "boost", "zspages", "free_highatomic", "zswapped",
		"file_thp", "pgscan_khugepaged", "workingset_refault_anon", "percpu", "vmalloc",
	};

	if (ev->protect_min_kb != OOM_NA)
		return true;
	for (size_t i = 0; i < ev->nmemory; i++)
		for (size_t w = 0; w < OOM_ARRAY_SIZE(young); w++)
			if (oom_str_is(ev->memory[i].name, young[w]))
				return true;
	return false;
}

/* Tables with page-table columns in pages, 3.6-4.14 and RHEL 7. */
static size_t ptes_profiles(const struct oom_event *ev, const struct oom_victim *v, bool pmds,
			    const struct oom_profile *ret[4])
{
	size_t n = 0;

	if (!pmds) {
		/* mainline named uid and shmem-rss after nr_pmds: such a kill line is RHEL 7's */
		n = add(ret, n, "3.10.105");
		if (v && (v->uid != OOM_NA || v->shmem_rss_kb != OOM_NA))
			return n;
		n = add(ret, n, "3.14");
		return add(ret, n, "3.5");
	}
	if (ev->nodemask.p)                                  /* in the invocation from 4.9 */
		return add(ret, n, "4.9");
	if (ev->has_invoked == 1 && !ev->gfp_flags.p)        /* names of the flags from 4.6 */
		return add(ret, n, "3.14");
	if (v && v->shmem_rss_kb == OOM_NA)                  /* 4.5 */
		return add(ret, n, "3.14");
	if (ev->has_invoked != 1)
		n = add(ret, n, "4.9");
	n = add(ret, n, "3.14");
	return add(ret, n, "4.7");
}

/* Tables with pgtables_bytes, 4.15 on. */
static size_t bytes_profiles(const struct oom_event *ev, const struct oom_victim *v,
			     const struct oom_profile *ret[4])
{
	size_t n = 0;

	if (v && v->pgtables_kb != OOM_NA) {                 /* 5.4 */
		n = add(ret, n, "5.9");
		return add(ret, n, "5.3");
	}
	if (ev->chosen_score != OOM_NA) {                    /* a first kill line: until 5.0 */
		n = add(ret, n, "4.17");
		return add(ret, n, "4.9");
	}
	if (v && v->shmem_rss_kb != OOM_NA && !ev->damaged_lines) {
		/* 5.1-5.3; with the uid alone RHEL 8.3, which chooses as 5.3 */
		n = v->uid == OOM_NA ? add(ret, n, "5.1") : n;
		return add(ret, n, "5.3");
	}
	n = add(ret, n, "5.9");
	n = add(ret, n, "5.3");
	n = add(ret, n, "5.1");
	return ev->at[OOM_AT_SUMMARY] == OOM_NA ? add(ret, n, "4.17") : n;
}

static size_t shape_profiles(const struct oom_event *ev, const struct oom_profile *ret[4])
{
	const struct oom_task *t = ev->ntasks ? &ev->task[0] : NULL;
	const struct oom_victim *v = ev->nvictims ? &ev->victim[0] : NULL;
	size_t n = 0;

	if ((t && t->rss_anon_pages != OOM_NA) || has_young_words(ev))
		return add(ret, n, "5.9");             /* "7.0" computes the same from the same table */
	if (t && t->oom_adj != OOM_NA) {
		n = add(ret, n, "3.2");                /* RHEL 6 is by far the commonest of these */
		if (v && v->uid != OOM_NA)             /* and the only one whose kill line has a uid */
			return n;
		n = add(ret, n, "2.6.39");
		n = add(ret, n, "2.6.36");
		return add(ret, n, "3.5");
	}
	if (t && t->nr_ptes != OOM_NA)
		return ptes_profiles(ev, v, t->nr_pmds != OOM_NA, ret);
	if ((t && t->pgtables_bytes != OOM_NA) || (v && v->pgtables_kb != OOM_NA))
		return bytes_profiles(ev, v, ret);
	return 0;
}

static const struct { const char *from, *words; } sources[] = {
	{ "header", "the kernel release in the stack header" },
	{ "banner", "the kernel release in the boot banner" },
	{ "live",   "the running kernel" },
};

size_t oom_profile_for(const struct oom_event *ev, const struct oom_profile *ret[4], const char **how)
{
	struct oom_release r;

	*how = "the log names no kernel and its lines leave it open";
	if (oom_event_has_note(ev, "unsupported_kernel")) {
		*how = "its lines are older than 2.6.36";
		return 0;
	}
	if (ev->kernel.p && oom_release_parse(ev->kernel, &r)) {
		*how = "the kernel release elsewhere in the log";
		for (size_t i = 0; i < OOM_ARRAY_SIZE(sources); i++)
			if (oom_str_is(ev->kernel_from, sources[i].from))
				*how = sources[i].words;
		return release_profiles(&r, ret);
	}
	size_t n = shape_profiles(ev, ret);

	if (n)
		*how = "the shape of the lines";
	return n;
}
