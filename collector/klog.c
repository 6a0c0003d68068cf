/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel log while it is written, record by record.  Nothing is allocated once it is open: lines may come
 * from a machine that has no memory left.
 */
#include "kmsg.h"
#include "prefix.h"

#include <oomlens/live.h>
#include <oomlens/source.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct oom_klog {
	int fd;
	int64_t next_line;              /* the first that was not delivered; OOM_NA before the first */
	struct oom_prefix_state st;
	struct oom_buf scratch;
	struct oom_line cur;
	struct oom_str more;            /* text of cur behind a line feed in it */
	char record[OOM_KMSG_RECORD_MAX];
};

int oom_klog_open(int64_t next_line, struct oom_klog **ret, struct oom_err *reterr)
{
	static const char room[OOM_LINE_MAX];
	struct oom_klog *k = oom_malloc(sizeof(*k));
	int r = -ENOMEM;

	if (!k)
		return oom_err_set(reterr, ENOMEM, "cannot follow the kernel log: out of memory");
	memset(k, 0, sizeof(*k));
	k->next_line = next_line;
	k->st.last = oom_prefix_index("kmsg");
	k->fd = oom_kmsg_open(reterr);
	if (k->fd < 0) {
		r = k->fd;
		oom_free(k);
		return r;
	}
	if (oom_buf_add(&k->scratch, room, sizeof(room)) < 0) {
		oom_klog_close(k);
		return oom_err_set(reterr, ENOMEM, "cannot follow the kernel log: out of memory");
	}
	k->scratch.n = 0;
	*ret = k;
	return 0;
}

void oom_klog_close(struct oom_klog *k)
{
	if (!k)
		return;
	close(k->fd);
	oom_buf_release(&k->scratch);
	oom_free(k);
}

int oom_klog_fd(const struct oom_klog *k)
{
	return k->fd;
}

/* "prio,sequence,stamp,flags;text" LF " KEY=value" ...: the first line of the record, and its number. */
static struct oom_str first_line(const struct oom_klog *k, size_t n, int64_t *lineno)
{
	struct oom_str raw = { k->record, n }, s, prio;
	const char *lf = memchr(raw.p, '\n', n);

	if (lf)
		raw.n = (size_t)(lf - raw.p);
	s = raw;
	if (!oom_take_until(&s, ',', &prio) || !oom_take_char(&s, ',') || !oom_take_i64(&s, lineno))
		return OOM_STR_NULL;
	++*lineno;
	return raw;
}

int oom_klog_next(struct oom_klog *k, struct oom_line *ret, struct oom_err *reterr)
{
	int64_t lineno;
	struct oom_str raw;
	ssize_t n;

	if (k->more.p) {
		*ret = k->cur;
		ret->text = k->more;
		k->more = oom_line_part(ret);
		return 1;
	}
	do {
		n = oom_kmsg_read(k->fd, k->record, reterr);
		if (n <= 0)
			return (int)n;
		raw = first_line(k, (size_t)n, &lineno);
	} while (!raw.p || (k->next_line != OOM_NA && lineno < k->next_line));
	oom_prefix_parse(&k->st, raw, &k->scratch, ret);
	ret->lineno = lineno;
	k->cur = *ret;
	if (k->next_line != OOM_NA)
		ret->lost = lineno - k->next_line;
	k->next_line = lineno + 1;
	k->more = oom_line_part(ret);
	return 1;
}
