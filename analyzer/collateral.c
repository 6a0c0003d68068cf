/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What programs write about kills: the shapes of their lines, and which event a line stands beside.  Such a line is
 * hearsay, since anybody may write one: it becomes a note of an event that the kernel's own lines made, never an event.
 */
#include "collateral.h"

#include <errno.h>
#include <string.h>

#include "rules.h"

const char *const oom_teller_names[] = {
	[OOM_TELLER_KERNEL] = "kernel",         [OOM_TELLER_SYSTEMD] = "systemd",
	[OOM_TELLER_SYSTEMD_OOMD] = "systemd-oomd", [OOM_TELLER_OOMD] = "oomd",
	[OOM_TELLER_EARLYOOM] = "earlyoom",     [OOM_TELLER_NOHANG] = "nohang",
	[OOM_TELLER_CONTAINERD] = "containerd", [OOM_TELLER_CRIO] = "conmon",
	[OOM_TELLER_DOCKER] = "dockerd",        [OOM_TELLER_KUBELET] = "kubelet", NULL,
};
const char *const oom_moment_names[] = {
	[OOM_MOMENT_TRIGGER] = "trigger", [OOM_MOMENT_CHOICE] = "choice", [OOM_MOMENT_KILL] = "kill", [OOM_MOMENT_REAP] = "reap",
	[OOM_MOMENT_END] = "end", [OOM_MOMENT_SAW] = "saw", [OOM_MOMENT_FAILED] = "failed",
	[OOM_MOMENT_OTHER_KILL] = "other_kill", [OOM_MOMENT_REMARK] = "remark", NULL,
};

/* pattern: of rules.c, with the holes where, comm, #pid, #n and rest; it stands at the beginning of the message, behind
 * `after` if that is given.  tag must stand in the line: with it, each line holds one of the source's anchors. */
static const struct shape {
	enum oom_teller teller;
	enum oom_moment_kind kind;
	const char *tag, *after, *pattern;
	const char *words;            /* {where}, {comm}, {pid}, {n} as they were found */
} shapes[] = {
	{ OOM_TELLER_SYSTEMD, OOM_MOMENT_SAW, "OOM", NULL, "{where*}: A process of this unit has been killed by the OOM killer",
	  "the kernel killed a process of {where}" },
	{ OOM_TELLER_SYSTEMD, OOM_MOMENT_SAW, "OOM", NULL, "{where*}: The kernel OOM killer killed some processes in this unit",
	  "the kernel killed processes of {where}" },
	{ OOM_TELLER_SYSTEMD, OOM_MOMENT_FAILED, "oom-kill", NULL, "{where*}: Failed with result 'oom-kill'",
	  "{where} failed with the result oom-kill; OOMPolicy= decides whether its other processes were ended as well" },
	{ OOM_TELLER_SYSTEMD, OOM_MOMENT_SAW, "oomd", NULL, "{where*}: systemd-oomd killed {#n} process(es) in this unit",
	  "systemd-oomd killed {n} of the processes of {where}: this was not the kernel" },
	{ OOM_TELLER_SYSTEMD_OOMD, OOM_MOMENT_OTHER_KILL, "oomd", NULL, "Killed {where*} due to memory pressure for {rest}",
	  "killed all of {where}, for memory pressure: this was not the kernel" },
	{ OOM_TELLER_SYSTEMD_OOMD, OOM_MOMENT_OTHER_KILL, "oomd", NULL, "Killed {where*} due to memory used {rest}",
	  "killed all of {where}, for memory and swap in use: this was not the kernel" },
	{ OOM_TELLER_SYSTEMD_OOMD, OOM_MOMENT_OTHER_KILL, "oomd", NULL, "Killed {where*} due to swap used {rest}",
	  "killed all of {where}, for swap in use: this was not the kernel" },
	{ OOM_TELLER_OOMD, OOM_MOMENT_OTHER_KILL, "oomd kill: ", NULL, "oomd kill: {rest} {rest} {rest} {where} {rest}",
	  "killed all of {where}: this was not the kernel" },
	{ OOM_TELLER_EARLYOOM, OOM_MOMENT_OTHER_KILL, "earlyoom", NULL, "sending SIGTERM to process {#pid} uid {#n} \"{comm}\": {rest}",
	  "sent SIGTERM to {comm} (pid {pid}): this was not the kernel" },
	{ OOM_TELLER_EARLYOOM, OOM_MOMENT_OTHER_KILL, "earlyoom", NULL, "sending SIGKILL to process {#pid} uid {#n} \"{comm}\": {rest}",
	  "sent SIGKILL to {comm} (pid {pid}): this was not the kernel" },
	{ OOM_TELLER_EARLYOOM, OOM_MOMENT_REMARK, "earlyoom", NULL, "low memory! at or below SIGTERM limits: {rest}",
	  "found memory below its first limit" },
	{ OOM_TELLER_EARLYOOM, OOM_MOMENT_REMARK, "earlyoom", NULL, "low memory! at or below SIGKILL limits: {rest}",
	  "found memory below its second limit" },
	{ OOM_TELLER_NOHANG, OOM_MOMENT_OTHER_KILL, "nohang", NULL, "[ OK ] Sending SIGTERM{rest}",
	  "sent SIGTERM to a victim of its own: this was not the kernel" },
	{ OOM_TELLER_NOHANG, OOM_MOMENT_OTHER_KILL, "nohang", NULL, "[ OK ] Sending SIGKILL{rest}",
	  "sent SIGKILL to a victim of its own: this was not the kernel" },
	{ OOM_TELLER_CONTAINERD, OOM_MOMENT_SAW, "TaskOOM", NULL, "TaskOOM event container_id:\\\"{where}\\{rest}",
	  "the container {where} ran into its limit" },
	{ OOM_TELLER_CONTAINERD, OOM_MOMENT_SAW, "TaskOOM", "msg=\"", "TaskOOM event container_id:\\\"{where}\\{rest}",
	  "the container {where} ran into its limit" },
	{ OOM_TELLER_CONTAINERD, OOM_MOMENT_SAW, "TaskOOM", "msg=\"", "TaskOOM event &TaskOOM{ContainerID:",
	  "a container ran into its limit" },
	{ OOM_TELLER_DOCKER, OOM_MOMENT_SAW, "TaskOOM", " container=", "{where} module=libcontainerd {rest}",
	  "the container {where} ran into its limit" },
	{ OOM_TELLER_CRIO, OOM_MOMENT_SAW, "OOM", "conmon ", "{where} {rest}: OOM received", "the container {where} ran into its limit" },
	{ OOM_TELLER_CRIO, OOM_MOMENT_SAW, "OOM", "conmon ", "{where} {rest}: OOM event received",
	  "the container {where} ran into its limit" },
	{ OOM_TELLER_KUBELET, OOM_MOMENT_SAW, "OOM", "System OOM encountered, victim process: ", "{comm*}, pid: {#pid}",
	  "the kernel killed {comm} (pid {pid}), and all of the machine was short" },
};

/* ---- matching ------------------------------------------------------------------------------------------- */

/* The name of the hole that p points at, without marks. */
static struct oom_str hole_name(const char *p)
{
	const char *end = strchr(p, '}');

	p += p[1] == '#' ? 2 : 1;
	return (struct oom_str){ p, (size_t)(end - p) - (end[-1] == '*') };
}

static void take_holes(const char *pattern, const struct oom_caps *m, struct oom_moment *ret)
{
	unsigned i = 0;

	for (const char *p = strchr(pattern, '{'); p && strchr(p, '}') && i < m->n; p = strchr(p + 1, '{'), i++) {
		struct oom_str name = hole_name(p);

		if (oom_str_is(name, "where"))
			ret->where = m->s[i];
		else if (oom_str_is(name, "comm"))
			ret->comm = m->s[i];
		else if (oom_str_is(name, "pid"))
			ret->pid = m->v[i];
		else if (oom_str_is(name, "n"))
			ret->count = m->v[i];
	}
}

static bool fits(const struct shape *s, struct oom_str text, struct oom_moment *ret)
{
	struct oom_caps m = { .n = 0 };
	bool literal = !strchr(s->pattern, '}');

	if (s->after) {
		ptrdiff_t at = oom_str_find(text, s->after);

		if (at < 0)
			return false;
		text = oom_str_sub(text, (size_t)at + strlen(s->after), text.n);
	}
	if (literal ? !oom_str_starts(text, s->pattern) : oom_rule_match(s->pattern, text, &m) != OOM_MATCH)
		return false;
	ret->teller = s->teller;
	ret->kind = s->kind;
	ret->where = ret->comm = OOM_STR_NULL;
	ret->pid = ret->count = OOM_NA;
	if (!literal)
		take_holes(s->pattern, &m, ret);
	/* no unit, cgroup or container has blanks in its name, and none is empty */
	if (ret->where.p && (!ret->where.n || memchr(ret->where.p, ' ', ret->where.n)))
		return false;
	return true;
}

static const struct shape *find_shape(struct oom_str raw, struct oom_str text, struct oom_moment *ret)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(shapes); i++)
		if (oom_str_find(raw, shapes[i].tag) >= 0 && fits(&shapes[i], text, ret))
			return &shapes[i];
	return NULL;
}

/* "systemd[1]: " and the like, where the prefix of the line left it. */
static struct oom_str without_tag(struct oom_str text)
{
	struct oom_str s = text, name;
	int64_t pid;

	if (oom_take_until(&s, '[', &name) && name.n && name.n < 32 && !memchr(name.p, ' ', name.n) && oom_take_char(&s, '[') &&
	    oom_take_i64(&s, &pid) && oom_take_lit(&s, "]: "))
		return s;
	return text;
}

static const struct shape *match(const struct oom_line *line, struct oom_moment *ret)
{
	const struct shape *s;
	struct oom_str text = oom_str_trim(line->text);

	if (oom_str_find(line->raw, "oom") < 0 && oom_str_find(line->raw, "OOM") < 0 && oom_str_find(line->raw, "nohang") < 0)
		return NULL;
	s = find_shape(line->raw, text, ret);
	return s ? s : find_shape(line->raw, without_tag(text), ret);
}

bool oom_collateral_match(const struct oom_line *line, struct oom_moment *ret)
{
	struct oom_moment m = { .line = line->lineno, .boot_us = line->boot_us, .wall_us = line->wall_us, .stamp = line->stamp,
				.event = OOM_NA };
	const struct shape *s = match(line, &m);

	if (!s)
		return false;
	m.text = oom_str_from(s->words);
	*ret = m;
	return true;
}

/* Fills the holes of a template with what the moment knows; the others come out empty. */
static int fill(struct oom_buf *b, const char *form, const struct oom_moment *m)
{
	int r = 0;

	while (*form && r >= 0) {
		const char *hole = strchr(form, '{'), *end = hole ? strchr(hole, '}') : NULL;
		struct oom_str name;

		r = oom_buf_add(b, form, hole && end ? (size_t)(hole - form) : strlen(form));
		if (!hole || !end || r < 0)
			break;
		name = hole_name(hole);
		if (oom_str_is(name, "where"))
			r = oom_buf_add(b, m->where.p ? m->where.p : "", m->where.n);
		else if (oom_str_is(name, "comm"))
			r = oom_buf_add(b, m->comm.p ? m->comm.p : "", m->comm.n);
		else if (oom_str_is(name, "pid") && m->pid != OOM_NA)
			r = oom_buf_fmt(b, "%lld", (long long)m->pid);
		else if (oom_str_is(name, "n") && m->count != OOM_NA)
			r = oom_buf_fmt(b, "%lld", (long long)m->count);
		else if (oom_str_is(name, "rest"))
			r = oom_buf_add(b, "-", 1);
		form = end + 1;
	}
	return r;
}

/* ---- notes ---------------------------------------------------------------------------------------------- */

/* "Jun 20 12:47:43 systemd: a.service: Failed ...", "[12.345678] oomd: ...": what a line said, whatever its format was. */
static int put_note(struct oom_event *ev, const struct oom_moment *m, struct oom_str message)
{
	const char *teller = oom_teller_names[m->teller];

	if (m->boot_us != OOM_NA && m->boot_us >= 0)
		return oom_event_note(ev, m->line, OOM_NOTE_COLLATERAL, "[%lld.%06lld] %s: %.*s", (long long)(m->boot_us / 1000000),
				      (long long)(m->boot_us % 1000000), teller, (int)message.n, message.p);
	return oom_event_note(ev, m->line, OOM_NOTE_COLLATERAL, "%.*s%s%s: %.*s", (int)m->stamp.n, m->stamp.p ? m->stamp.p : "",
			      m->stamp.n ? " " : "", teller, (int)message.n, message.p);
}

static void take_stamp(struct oom_str stamp, struct oom_moment *ret)
{
	struct oom_str s = stamp;
	int64_t sec, us;

	if (oom_take_char(&s, '[') && oom_take_i64(&s, &sec) && oom_take_char(&s, '.') && oom_take_i64(&s, &us) &&
	    oom_str_is(s, "]") && sec >= 0 && sec < INT64_MAX / 2000000 && us >= 0 && us < 1000000)
		ret->boot_us = sec * 1000000 + us;
	else
		ret->stamp = stamp.n ? stamp : OOM_STR_NULL;
}

static const struct shape *note_shape(const struct oom_note *note, struct oom_moment *ret)
{
	for (size_t i = 1; oom_teller_names[i]; i++) {
		char tag[40];
		int n = snprintf(tag, sizeof(tag), "%s: ", oom_teller_names[i]);
		ptrdiff_t at = oom_str_find(note->text, tag);
		struct oom_moment m = { .line = note->line, .boot_us = OOM_NA, .wall_us = OOM_NA, .event = OOM_NA };
		const struct shape *s;

		if (at < 0 || (at && note->text.p[at - 1] != ' '))
			continue;
		s = find_shape(note->text, oom_str_sub(note->text, (size_t)at + (size_t)n, note->text.n), &m);
		if (!s || s->teller != (enum oom_teller)i)
			continue;
		take_stamp(oom_str_trim(oom_str_sub(note->text, 0, (size_t)at)), &m);
		*ret = m;
		return s;
	}
	return NULL;
}

bool oom_collateral_of_note(const struct oom_note *note, struct oom_arena *a, struct oom_moment *ret)
{
	struct oom_buf b = { .p = NULL };
	const struct shape *s;
	bool ok;

	if (!oom_str_is(note->kind, OOM_NOTE_COLLATERAL))
		return false;
	s = note_shape(note, ret);
	if (!s)
		return false;
	ok = fill(&b, s->words, ret) == 0 && oom_arena_str(a, (struct oom_str){ b.p, b.n }, &ret->text) == 0;
	oom_buf_release(&b);
	return ok;
}

int oom_collateral_rewrite(struct oom_event *ev, struct oom_note *note, const struct oom_moment *with)
{
	struct oom_buf b = { .p = NULL };
	struct oom_moment m;
	const struct shape *s = note_shape(note, &m);
	int r = s ? 0 : -EINVAL;

	if (!s)
		return r;
	m.where = with->where;
	m.comm = with->comm;
	if (m.boot_us != OOM_NA)
		r = oom_buf_fmt(&b, "[%lld.%06lld] ", (long long)(m.boot_us / 1000000), (long long)(m.boot_us % 1000000));
	else if (m.stamp.n)
		r = oom_buf_add(&b, m.stamp.p, m.stamp.n) < 0 || oom_buf_add(&b, " ", 1) < 0 ? -ENOMEM : 0;
	if (r >= 0)
		r = oom_buf_fmt(&b, "%s: %s", oom_teller_names[m.teller], s->after ? s->after : "");
	if (r >= 0)
		r = fill(&b, s->pattern, &m);
	if (r >= 0)
		r = oom_arena_str(&ev->arena, (struct oom_str){ b.p, b.n }, &note->text);
	oom_buf_release(&b);
	return r;
}

/* ---- beside which event --------------------------------------------------------------------------------- */

/* "12:47:43" in a stamp, as seconds of the day; -1. */
static int64_t clock_of(struct oom_str stamp)
{
	for (size_t i = 0; stamp.p && i + 8 <= stamp.n; i++) {
		const char *p = stamp.p + i;
		int64_t v = 0;
		bool ok = p[2] == ':' && p[5] == ':';

		for (size_t k = 0; k < 8 && ok; k++) {
			if (k == 2 || k == 5)
				continue;
			ok = p[k] >= '0' && p[k] <= '9';
			v = v * 10 + (p[k] - '0');
		}
		if (ok)
			return v / 10000 * 3600 + v / 100 % 100 * 60 + v % 100;
	}
	return -1;
}

static bool within(int64_t a, int64_t b, int64_t limit)
{
	int64_t d;

	return !__builtin_sub_overflow(a, b, &d) && d >= -limit && d <= limit;
}

bool oom_collateral_near(const struct oom_event *ev, const struct oom_moment *m)
{
	int64_t a = clock_of(ev->stamp), b = clock_of(m->stamp), gap;

	if (ev->boot_us != OOM_NA && m->boot_us != OOM_NA)
		return within(m->boot_us, ev->boot_us, OOM_INCIDENT_GAP_US);
	if (ev->wall_us != OOM_NA && m->wall_us != OOM_NA)
		return within(m->wall_us, ev->wall_us, OOM_INCIDENT_GAP_US);
	if (a >= 0 && b >= 0) {
		gap = a > b ? a - b : b - a;
		gap = gap > 43200 ? 86400 - gap : gap;
		return gap * 1000000 <= OOM_INCIDENT_GAP_US;
	}
	return m->line - ev->last_line <= OOM_COLLATERAL_LINES && ev->first_line - m->line <= OOM_COLLATERAL_LINES;
}

static bool same_host(const struct oom_event *ev, struct oom_str host)
{
	return !ev->host.p || !host.p || oom_str_eq(ev->host, host);
}

static int attach(struct oom_event *ev, const struct oom_moment *m, struct oom_str message)
{
	size_t n = 0;

	for (size_t i = 0; i < ev->nnotes; i++)
		n += oom_str_is(ev->note[i].kind, OOM_NOTE_COLLATERAL);
	return n < OOM_COLLATERAL_MAX ? put_note(ev, m, message) : 0;
}

static int keep_early(struct oom_parser *p, const struct oom_line *line, int64_t teller, struct oom_str message)
{
	struct oom_early *e = &p->early[p->nearly++ % OOM_EARLY_MAX];

	*e = (struct oom_early){ .lineno = line->lineno, .boot_us = line->boot_us, .wall_us = line->wall_us, .teller = teller };
	e->text_n = message.n < sizeof(e->text) ? message.n : sizeof(e->text);
	memcpy(e->text, message.p ? message.p : "", e->text_n);
	e->stamp_n = line->stamp.n < sizeof(e->stamp) ? line->stamp.n : sizeof(e->stamp);
	memcpy(e->stamp, line->stamp.p ? line->stamp.p : "", e->stamp_n);
	e->host_n = line->host.n < sizeof(e->host) ? line->host.n : sizeof(e->host);
	memcpy(e->host, line->host.p ? line->host.p : "", e->host_n);
	return 0;
}

int oom_collateral_feed(struct oom_parser *p, const struct oom_line *line)
{
	struct oom_episode *best = NULL;
	struct oom_moment m = { .line = line->lineno, .boot_us = line->boot_us, .wall_us = line->wall_us, .stamp = line->stamp };
	struct oom_str message;

	if (!match(line, &m))
		return 0;
	message = oom_str_sub(without_tag(oom_str_trim(line->text)), 0, OOM_COLLATERAL_BYTES);
	for (struct oom_episode *ep = p->live; ep; ep = ep->next)
		if (ep->state != OOM_EP_DONE && same_host(&ep->ev, line->host) && oom_collateral_near(&ep->ev, &m))
			best = ep;
	if (!best)
		return keep_early(p, line, m.teller, message);
	best->grown = true;
	return attach(&best->ev, &m, message);
}

/* What was told before the first line of an event that it belongs to. */
int oom_collateral_begin(struct oom_parser *p, struct oom_episode *ep)
{
	unsigned n = p->nearly < OOM_EARLY_MAX ? p->nearly : OOM_EARLY_MAX;
	int r = 0;

	for (unsigned i = n; i >= 1 && r >= 0; i--) {
		const struct oom_early *e = &p->early[(p->nearly - i) % OOM_EARLY_MAX];
		struct oom_str host = { e->host_n ? e->host : NULL, e->host_n };
		struct oom_moment m = {
			.line = e->lineno, .boot_us = e->boot_us, .wall_us = e->wall_us, .teller = e->teller,
			.stamp = { e->stamp_n ? e->stamp : NULL, e->stamp_n },
		};

		if (same_host(&ep->ev, host) && oom_collateral_near(&ep->ev, &m))
			r = attach(&ep->ev, &m, (struct oom_str){ e->text, e->text_n });
	}
	p->nearly = 0;
	return r;
}
