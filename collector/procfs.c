/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <oomlens/sample.h>

int oom_proc_root(const char *path)
{
	int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int oom_proc_pread(int fd, char *buf, size_t cap, struct oom_str *ret)
{
	ssize_t n;

	*ret = OOM_STR_NULL;
	do
		n = pread(fd, buf, cap, 0);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	*ret = (struct oom_str){ buf, (size_t)n };
	return 0;
}

int oom_proc_read(int dirfd, const char *path, char *buf, size_t cap, struct oom_str *ret)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC), r = 0;
	size_t n = 0;

	*ret = OOM_STR_NULL;
	if (fd < 0)
		return -errno;
	/* seq files end a read() where the next record does not fit, wherever that is */
	while (n < cap) {
		ssize_t got = read(fd, buf + n, cap - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			r = -errno;
		if (got <= 0)
			break;
		n += (size_t)got;
	}
	close(fd);
	*ret = (struct oom_str){ buf, n };
	return r;
}

/* Page counters hold at most LONG_MAX bytes, rounded down to pages: 64 KiB is the largest page. */
#define COUNTER_MAX (INT64_MAX - 65535)

int64_t oom_proc_number(int dirfd, const char *path)
{
	char buf[64];
	struct oom_str s;
	int64_t v;

	if (oom_proc_read(dirfd, path, buf, sizeof(buf), &s) < 0)
		return OOM_NA;
	if (oom_str_starts(s, "max"))
		return OOM_UNLIMITED;
	if (!s.n || !oom_take_i64(&s, &v))
		return s.n == sizeof(buf) || (s.n && s.p[0] >= '0' && s.p[0] <= '9') ? OOM_UNLIMITED : OOM_NA;
	return v >= COUNTER_MAX ? OOM_UNLIMITED : v;
}

bool oom_proc_line(struct oom_str *rest, struct oom_str *line)
{
	const char *end;

	if (!rest->n)
		return false;
	end = memchr(rest->p, '\n', rest->n);
	*line = (struct oom_str){ rest->p, end ? (size_t)(end - rest->p) : rest->n };
	rest->p += line->n + (end != NULL);
	rest->n -= line->n + (end != NULL);
	return true;
}

int64_t oom_proc_keyed(struct oom_str text, const char *key)
{
	struct oom_str line;
	int64_t v;

	while (oom_proc_line(&text, &line))
		if (oom_take_lit(&line, key) && oom_take_blanks(&line) && oom_take_i64(&line, &v))
			return v;
	return OOM_NA;
}

/* ---- directories ------------------------------------------------------------------------------------ */

int oom_proc_dir_open(struct oom_proc_dir *d, int dirfd, const char *path)
{
	d->have = d->at = 0;
	d->fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return d->fd < 0 ? -errno : 0;
}

bool oom_proc_dir_next(struct oom_proc_dir *d, struct oom_proc_entry *ret)
{
	const struct dirent64 *e;

	do {
		if (d->at >= d->have) {
			d->at = 0;
			d->have = syscall(SYS_getdents64, d->fd, d->block, sizeof(d->block));
			if (d->have <= 0)
				return false;
		}
		e = (const void *)(d->block + d->at);
		d->at += e->d_reclen;
	} while (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."));
	*ret = (struct oom_proc_entry){
		.name = e->d_name,
		.ino = e->d_ino,
		.maybe_dir = e->d_type == DT_DIR || e->d_type == DT_UNKNOWN,
	};
	return true;
}

void oom_proc_dir_close(struct oom_proc_dir *d)
{
	close(d->fd);
	d->fd = -1;
}

int32_t oom_proc_pid(const char *name)
{
	int64_t v = 0;

	if (*name < '1' || *name > '9')
		return 0;
	for (; *name; name++) {
		if (*name < '0' || *name > '9' || v > 1 << 22)     /* PID_MAX_LIMIT is 4 Mi */
			return 0;
		v = v * 10 + (*name - '0');
	}
	return (int32_t)v;
}

/* ---- status ----------------------------------------------------------------------------------------- */

enum value { NUMBER, LIST };

static const struct { const char *key; uint8_t kind; uint8_t last; uint16_t offset; } lines[] = {
#define S(key_, kind_, m) { key_, kind_, 0, offsetof(struct oom_proc_status, m) }
	S("Tgid:",              NUMBER, tgid),
	S("Pid:",               NUMBER, pid),
	S("PPid:",              NUMBER, ppid),
	S("Uid:",               NUMBER, uid),              /* the first of four: the real one */
	S("Kthread:",           NUMBER, kthread),          /* 6.8+ */
	S("VmSize:",            NUMBER, vm_size_kb),
	S("VmRSS:",             NUMBER, vm_rss_kb),
	S("RssAnon:",           NUMBER, rss_anon_kb),      /* 4.5+ */
	S("RssFile:",           NUMBER, rss_file_kb),
	S("RssShmem:",          NUMBER, rss_shmem_kb),
	S("VmPTE:",             NUMBER, vm_pte_kb),        /* all levels from 4.15 on */
	S("VmPMD:",             NUMBER, vm_pmd_kb),        /* 4.0-4.14 */
	S("VmSwap:",            NUMBER, vm_swap_kb),
	S("Threads:",           NUMBER, threads),
	S("Mems_allowed_list:", LIST,   mems),
#undef S
};
enum { LINE_THREADS = 13 };

/* The kernel writes a newline of the name as \n and a backslash as \\; every other byte stands as it is. */
static void take_name(struct oom_str s, struct oom_proc_status *ret)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n < sizeof(ret->comm) - 1; i++) {
		char c = s.p[i];

		if (c == '\\' && i + 1 < s.n && (s.p[i + 1] == 'n' || s.p[i + 1] == '\\'))
			c = s.p[++i] == 'n' ? '\n' : '\\';
		ret->comm[n++] = c;
	}
	ret->comm[n] = '\0';
	ret->ncomm = n;
}

static void take_value(struct oom_str s, size_t i, struct oom_proc_status *ret)
{
	char *field = (char *)ret + lines[i].offset;
	int64_t v;

	while (s.n && (s.p[0] == ' ' || s.p[0] == '\t')) {
		s.p++;
		s.n--;
	}
	if (lines[i].kind == LIST)
		memcpy(field, &s, sizeof(s));
	else if (s.n && s.p[0] != '-' && oom_take_i64(&s, &v))
		memcpy(field, &v, sizeof(v));
}

static void status_clear(struct oom_proc_status *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (size_t i = 0; i < OOM_ARRAY_SIZE(lines); i++)
		if (lines[i].kind == NUMBER)
			memcpy((char *)ret + lines[i].offset, &(int64_t){ OOM_NA }, sizeof(int64_t));
}

void oom_proc_status(struct oom_str text, bool whole, struct oom_proc_status *ret)
{
	struct oom_str line;
	size_t next = 0;               /* the kernel's order, so one comparison a line nearly always */

	status_clear(ret);
	/* Only the first line is the name: it cannot hold a newline, so no name can pass for another line. */
	if (oom_proc_line(&text, &line) && oom_take_lit(&line, "Name:\t"))
		take_name(line, ret);
	while (oom_proc_line(&text, &line)) {
		for (size_t i = next; i < OOM_ARRAY_SIZE(lines); i++) {
			if (line.n < 4 || line.p[0] != lines[i].key[0] || line.p[2] != lines[i].key[2] ||
			    !oom_take_lit(&line, lines[i].key))
				continue;
			take_value(line, i, ret);
			if (i == LINE_THREADS && !whole)
				return;
			next = i + 1;
			break;
		}
	}
}

int64_t oom_proc_start_ticks(struct oom_str stat)
{
	ptrdiff_t paren = oom_str_rfind(stat, ")");
	struct oom_str word;
	int64_t v;

	if (paren < 0)
		return OOM_NA;
	stat = oom_str_sub(stat, (size_t)paren + 1, stat.n);
	/* field 22; the state behind the name is field 3 */
	for (int i = 3; i < 22; i++)
		if (!oom_take_blanks(&stat) || !oom_take_word(&stat, &word))
			return OOM_NA;
	return oom_take_blanks(&stat) && oom_take_i64(&stat, &v) ? v : OOM_NA;
}

void oom_proc_meminfo(struct oom_str text, struct oom_proc_meminfo *ret)
{
	ret->total_kb = oom_proc_keyed(text, "MemTotal:");
	ret->free_kb = oom_proc_keyed(text, "MemFree:");
	ret->available_kb = oom_proc_keyed(text, "MemAvailable:");      /* 3.14+ */
	ret->swap_total_kb = oom_proc_keyed(text, "SwapTotal:");
	ret->swap_free_kb = oom_proc_keyed(text, "SwapFree:");
}
