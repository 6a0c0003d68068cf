/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "select.h"
#include "prefix.h"

#include <fnmatch.h>
#include <string.h>

/* By the file's name without directories, compression and rotation; the first row that matches decides. */
static const struct pattern {
	const char *glob;
	enum oom_selected what;
} patterns[] = {
	{ "user-[0-9]*.journal*", OOM_SELECT_NO },      /* the kernel's messages are in the system's */
	{ "*.journal",          OOM_SELECT_YES },
	{ "*.journal~",         OOM_SELECT_YES },       /* was not closed, or found damaged */
	{ "*.conf",             OOM_SELECT_NO },
	{ "dmesg*",             OOM_SELECT_YES },       /* also pstore's dmesg-ramoops-0, dmesg-efi-... */
	{ "vmcore-dmesg*",      OOM_SELECT_YES },
	{ "kern.log*",          OOM_SELECT_YES },
	{ "kern",               OOM_SELECT_YES },
	{ "kernel.log*",        OOM_SELECT_YES },
	{ "kmsg*",              OOM_SELECT_YES },
	{ "messages*",          OOM_SELECT_YES },
	{ "syslog*",            OOM_SELECT_YES },
	{ "console-ramoops*",   OOM_SELECT_YES },
	{ "journalctl*",        OOM_SELECT_YES },       /* sos_commands/logs of a sosreport */
	{ "journal.txt",        OOM_SELECT_YES },
	{ "netconsole*",        OOM_SELECT_YES },
	{ "serial*",            OOM_SELECT_LOOK },
	{ "console*",           OOM_SELECT_LOOK },
	{ "*.log",              OOM_SELECT_LOOK },
	{ "*.txt",              OOM_SELECT_LOOK },
	{ "*oom*",              OOM_SELECT_LOOK },
};

static struct oom_str base_name(struct oom_str path)
{
	ptrdiff_t slash = oom_str_rfind(path, "/");

	return oom_str_sub(path, (size_t)(slash + 1), path.n);
}

static struct oom_str uncompressed(struct oom_str path)
{
	static const char *const suffix[] = { ".gz", ".xz", ".bz2", ".zst", ".lz4", ".lzma", ".Z", NULL };

	for (size_t i = 0; suffix[i]; i++)
		if (oom_str_ends(path, suffix[i]))
			return oom_str_sub(path, 0, path.n - strlen(suffix[i]));
	return path;
}

/* Digits at the end of s: how many, and their value. */
static size_t trailing_number(struct oom_str s, int64_t *ret)
{
	size_t n = 0;
	struct oom_str digits;

	while (n < s.n && n < 18 && s.p[s.n - n - 1] >= '0' && s.p[s.n - n - 1] <= '9')
		n++;
	digits = oom_str_sub(s, s.n - n, n);
	return n && oom_take_i64(&digits, ret) ? n : 0;
}

#define RANK_PLAIN 1            /* younger than any rotated sibling */

/* system.journal, system@ID-SEQNUM-TIME.journal and system@TIME-ID.journal~ are files of one journal. */
static size_t journal_stem(struct oom_str path)
{
	struct oom_str name = base_name(path);
	ptrdiff_t end = oom_str_find(name, "@");

	if (end < 0)
		end = oom_str_rfind(name, ".journal");
	return end < 0 ? path.n : path.n - name.n + (size_t)end;
}

struct oom_log_age oom_log_age(struct oom_str path, struct oom_str head)
{
	struct oom_str s = uncompressed(path);
	int64_t v = 0, count, part;
	size_t n = trailing_number(s, &v);

	if (oom_str_starts(head, "LPKSHHRH"))
		return (struct oom_log_age){ journal_stem(s), RANK_PLAIN, OOM_AGE_JOURNAL };
	if (n && n < s.n && s.p[s.n - n - 1] == '-' && oom_pstore_part(head, &count, &part)) {
		/* EFI's names begin with the second of the crash; counts start anew with each boot */
		int64_t second = n >= 14 ? v / 100000 : 0;
		int64_t crash = second % (1LL << 36) * 4096 + count % 4096 + 1;

		return (struct oom_log_age){ s.n - n, crash * 4096 - part % 4096, crash };
	}
	if (n && n <= 4 && n < s.n && s.p[s.n - n - 1] == '.')
		return (struct oom_log_age){ s.n - n - 1, -v, 0 };
	if (n >= 8 && n < s.n && (s.p[s.n - n - 1] == '-' || s.p[s.n - n - 1] == '.'))
		return (struct oom_log_age){ s.n - n - 1, v - INT64_MAX / 2, 0 };
	if (oom_str_ends(s, ".old"))
		return (struct oom_log_age){ s.n - 4, 0, 0 };
	return (struct oom_log_age){ s.n, RANK_PLAIN, 0 };
}

bool oom_log_same_crash(struct oom_str path_a, struct oom_log_age a,
			struct oom_str path_b, struct oom_log_age b)
{
	return a.crash && a.crash == b.crash &&
	       oom_str_eq(oom_str_sub(path_a, 0, a.stem), oom_str_sub(path_b, 0, b.stem));
}

int oom_log_age_cmp(struct oom_str path_a, struct oom_log_age a, struct oom_str path_b, struct oom_log_age b)
{
	int c = oom_str_cmp(oom_str_sub(path_a, 0, a.stem), oom_str_sub(path_b, 0, b.stem));

	if (c || a.rank == b.rank)
		return c ? c : oom_str_cmp(path_a, path_b);
	return a.rank < b.rank ? -1 : 1;
}

enum oom_selected oom_select(struct oom_str path)
{
	struct oom_str name = base_name(path);
	struct oom_log_age age = oom_log_age(name, OOM_STR_NULL);
	char z[256];

	if (name.n > age.stem)
		name.n = age.stem;
	if (!name.n || name.n >= sizeof(z))
		return OOM_SELECT_NO;
	memcpy(z, name.p, name.n);
	z[name.n] = 0;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(patterns); i++)
		if (!fnmatch(patterns[i].glob, z, 0))
			return patterns[i].what;
	return OOM_SELECT_NO;
}
