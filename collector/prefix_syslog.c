/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stamps, hosts and tags of syslog daemons, journalctl and container runtimes.  None of these formats says
 * where its parts end when one is missing, and every part goes missing somewhere: hosts (journalctl of old,
 * some appliances), tags (relays), both (docker --timestamps).
 */
#include "prefix.h"

#include <string.h>

#define TAG_MAX  96
#define HOST_MAX 256

static bool digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

bool oom_px_clock(struct oom_str *s, int64_t *ret)
{
	const char *p = s->p;
	int h, m, sec;

	if (s->n < 8 || p[2] != ':' || p[5] != ':' || !digit(p[0]) || !digit(p[1]) || !digit(p[3]) ||
	    !digit(p[4]) || !digit(p[6]) || !digit(p[7]))
		return false;
	h = (p[0] - '0') * 10 + p[1] - '0';
	m = (p[3] - '0') * 10 + p[4] - '0';
	sec = (p[6] - '0') * 10 + p[7] - '0';
	if (h > 23 || m > 59 || sec > 60)
		return false;
	*ret = (h * 60 + m) * 60 + sec;
	*s = oom_str_sub(*s, 8, s->n);
	return true;
}

/* Days since 1970-01-01 of the proleptic Gregorian calendar; years are counted from March, so that the leap
 * day is the last of them. */
static int64_t days(int64_t y, int64_t m, int64_t d)
{
	int64_t era, yoe, doy;

	y -= m <= 2;
	era = y / 400;
	yoe = y - era * 400;
	doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
	return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

/* "Z", "+02:00", "+0200", "-05"; *ret in seconds east */
static bool take_zone(struct oom_str *s, int64_t *ret)
{
	struct oom_str r = *s;
	int64_t h, m = 0, sign;

	if (oom_take_char(s, 'Z')) {
		*ret = 0;
		return true;
	}
	if (!r.n || (r.p[0] != '+' && r.p[0] != '-'))
		return false;
	sign = r.p[0] == '-' ? -1 : 1;
	r = oom_str_sub(r, 1, r.n);
	if (r.n >= 4 && digit(r.p[2])) {
		if (!oom_px_digits(&r, 4, 4, &h))
			return false;
		m = h % 100;
		h /= 100;
	} else if (!oom_px_digits(&r, 2, 2, &h) || (oom_take_char(&r, ':') && !oom_px_digits(&r, 2, 2, &m))) {
		return false;
	}
	if (h > 15 || m > 59)
		return false;
	*ret = sign * (h * 60 + m) * 60;
	*s = r;
	return true;
}

bool oom_px_datetime(struct oom_str *s, struct oom_px_time *ret)
{
	struct oom_str r = *s;
	int64_t y, m, d, sec, usec = 0, east = 0;

	if (r.n < 19 || r.p[4] != '-' || r.p[7] != '-' || (r.p[10] != 'T' && r.p[10] != ' '))
		return false;
	if (!oom_px_digits(&r, 4, 4, &y) || !oom_take_char(&r, '-') || !oom_px_digits(&r, 2, 2, &m) ||
	    !oom_take_char(&r, '-') || !oom_px_digits(&r, 2, 2, &d))
		return false;
	r = oom_str_sub(r, 1, r.n);
	if (!oom_px_clock(&r, &sec) || m < 1 || m > 12 || d < 1 || d > 31 || y < 1900)
		return false;
	ret->comma = r.n && r.p[0] == ',';
	if ((oom_take_char(&r, ',') || oom_take_char(&r, '.')) && !oom_px_micros(&r, 1, &usec))
		return false;
	ret->zone = take_zone(&r, &east);
	ret->us = (days(y, m, d) * 86400 + sec - east) * 1000000 + usec;
	*s = r;
	return true;
}

/* First words of kernel text that end with a colon, as a tag does. */
static bool kernel_word(struct oom_str w)
{
	static const char *const words[] = {
		"CPU:", "Code:", "Mem-Info:", "Mem-info:", "RIP:", "RSP:", "Pid:", "kmem:", "memory:",
		"memory+swap:", "oom_reaper:", "oom_kill_process:", "swap:", "sysrq:", NULL };

	for (size_t i = 0; words[i]; i++)
		if (oom_str_is(w, words[i]))
			return true;
	return false;
}

/* "kernel: ", "sshd[123]: ": everything up to the first blank, if a colon ends it.  *kernel says whose. */
static bool take_tag(struct oom_str *s, bool *kernel)
{
	const char *blank;
	struct oom_str w;

	if (s->n >= 7 && !memcmp(s->p, "kernel:", 7)) {
		*s = oom_str_sub(*s, 7, s->n);
		(void)oom_take_char(s, ' ');
		*kernel = true;
		return true;
	}
	blank = memchr(s->p, ' ', s->n < TAG_MAX ? s->n : TAG_MAX);
	if (!blank && s->n > TAG_MAX)
		return false;
	w = (struct oom_str){ s->p, blank ? (size_t)(blank - s->p) : s->n };
	if (w.n < 2 || w.p[w.n - 1] != ':' || kernel_word(w))
		return false;
	*kernel = oom_str_starts(w, "kernel[");
	*s = oom_str_sub(*s, w.n, s->n);
	(void)oom_take_char(s, ' ');
	return true;
}

/* "Nov 20 10:08:00": months of any language, fractions (short-precise), a year */
static bool take_3164(struct oom_str *s)
{
	struct oom_str r = *s;
	size_t n = 0;
	int64_t v;

	/* nearly always a month of three letters, and no fraction */
	if (r.n > 15 && r.p[3] == ' ' && r.p[6] == ' ' && r.p[15] == ' ' && !digit(r.p[0]) && r.p[0] != '[' &&
	    digit(r.p[5]) && (digit(r.p[4]) || r.p[4] == ' ')) {
		struct oom_str at = { r.p + 7, 8 };

		if (oom_px_clock(&at, &v)) {
			*s = (struct oom_str){ r.p + 15, r.n - 15 };
			return true;
		}
	}
	while (n < r.n && n < 16 && (unsigned char)r.p[n] > ' ' && !digit(r.p[n]) &&
	       !strchr("[]<>,:;=/", r.p[n]))
		n++;
	if (n < 2 || n >= r.n || r.p[n] != ' ')
		return false;
	r = oom_str_sub(r, n, r.n);
	(void)oom_take_blanks(&r);
	if (!oom_px_digits(&r, 1, 2, &v))
		return false;
	(void)oom_take_char(&r, '.');   /* some languages write days as ordinals */
	if (!oom_take_char(&r, ' '))
		return false;
	if (r.n > 4 && digit(r.p[0]) && digit(r.p[2]) &&
	    (!oom_px_digits(&r, 4, 4, &v) || !oom_take_char(&r, ' ')))
		return false;
	if (!oom_px_clock(&r, &v) || (oom_take_char(&r, '.') && !oom_px_micros(&r, 1, &v)))
		return false;
	*s = r;
	return true;
}

/* Does the kernel's stamp or another daemon's stamp start here? */
static bool stamp_ahead(struct oom_str s)
{
	struct oom_line none;
	struct oom_px probe = { .s = s, .line = &none };
	struct oom_px_time t;

	if (s.n && s.p[0] == '[')
		return oom_px_kernel(&probe) != OOM_THEN_NO || oom_px_ctime(&probe) != OOM_THEN_NO;
	return take_3164(&s) || oom_px_datetime(&s, &t);
}

enum oom_then oom_px_host_tag(struct oom_px *px)
{
	struct oom_str whole = px->s, host;
	const char *blank;
	bool kernel;

	if (oom_take_char(&px->s, ' ')) {
		/* the host's place is empty */
		if (take_tag(&px->s, &kernel))
			goto tagged;
		px->s = whole;
		return OOM_THEN_STAMP;
	}
	if (!px->s.n || px->s.p[0] == '[')
		return OOM_THEN_STAMP;
	if (take_tag(&px->s, &kernel))
		goto tagged;
	blank = memchr(whole.p, ' ', whole.n < HOST_MAX ? whole.n : HOST_MAX);
	if (!blank)
		return OOM_THEN_TEXT;
	host = (struct oom_str){ whole.p, (size_t)(blank - whole.p) };
	px->s = oom_str_sub(whole, host.n + 1, whole.n);
	if (take_tag(&px->s, &kernel)) {
		px->line->host = host;
		goto tagged;
	}
	if (stamp_ahead(px->s)) {
		px->line->host = host;
		return OOM_THEN_ANY;
	}
	/* no tag and no second stamp: what looked like a host is as likely the text's first word */
	px->s = whole;
	return OOM_THEN_TEXT;
tagged:
	px->line->foreign = !kernel;
	return kernel ? OOM_THEN_STAMP : OOM_THEN_ANY;
}

static void put_stamp(struct oom_px *px, struct oom_str rest, int64_t wall_us)
{
	px->line->stamp = (struct oom_str){ px->s.p, (size_t)(rest.p - px->s.p) };
	px->line->wall_us = wall_us;
}

/* "Nov 20 10:08:00" in front of host and tag */
enum oom_then oom_px_rfc3164(struct oom_px *px)
{
	struct oom_str r = px->s, end;

	if (!take_3164(&r))
		return OOM_THEN_NO;
	end = r;
	if (r.n && !oom_take_char(&r, ' ') && !oom_take_lit(&r, ": "))
		return OOM_THEN_NO;
	put_stamp(px, end, OOM_NA);
	px->s = r;
	px->unescape_octal = true;
	return oom_px_host_tag(px);
}

/* RFC 3339 of rsyslog, journalctl -o short-iso, docker logs --timestamps */
enum oom_then oom_px_iso(struct oom_px *px)
{
	struct oom_str r = px->s;
	struct oom_px_time t;

	if (!oom_px_datetime(&r, &t) || (t.comma && t.zone) || !r.n || r.p[0] != ' ')
		return OOM_THEN_NO;
	put_stamp(px, r, t.zone ? t.us : OOM_NA);
	px->s = oom_str_sub(r, 1, r.n);
	px->unescape_octal = true;
	return oom_px_host_tag(px);
}

/* dmesg --time-format iso: a comma and a zone, and never a host */
enum oom_then oom_px_dmesg_iso(struct oom_px *px)
{
	struct oom_str r = px->s;
	struct oom_px_time t;

	if (!oom_px_datetime(&r, &t) || !t.comma || !t.zone || !r.n || r.p[0] != ' ')
		return OOM_THEN_NO;
	put_stamp(px, r, t.us);
	px->s = oom_str_sub(r, 1, r.n);
	return OOM_THEN_TEXT;
}

/* "2026-11-20T10:08:00.123456789Z stdout F ": containerd, CRI-O */
enum oom_then oom_px_container(struct oom_px *px)
{
	struct oom_str r = px->s, stamp;
	struct oom_px_time t;

	if (!oom_px_datetime(&r, &t))
		return OOM_THEN_NO;
	stamp = r;
	if ((!oom_take_lit(&r, " stdout ") && !oom_take_lit(&r, " stderr ")) ||
	    (!oom_take_lit(&r, "F ") && !oom_take_lit(&r, "P ")))
		return OOM_THEN_NO;
	put_stamp(px, stamp, t.zone ? t.us : OOM_NA);
	px->s = r;
	return OOM_THEN_ANY;
}

/* [id name="value" ...]...: values may hold anything, with \" for a quote */
static bool skip_structured_data(struct oom_str *s)
{
	struct oom_str r = *s;
	bool quoted = false;

	if (oom_take_char(s, '-'))
		return true;
	if (!r.n || r.p[0] != '[')
		return false;
	for (size_t i = 0; i < r.n; i++) {
		if (quoted && r.p[i] == '\\')
			i++;
		else if (r.p[i] == '"')
			quoted = !quoted;
		else if (!quoted && r.p[i] == ']' && (i + 1 == r.n || r.p[i + 1] != '[')) {
			*s = oom_str_sub(r, i + 1, r.n);
			return true;
		}
	}
	return false;
}

/* "1 2026-11-20T10:08:00.123Z host app procid msgid - text"; the <PRI> has been taken already */
enum oom_then oom_px_rfc5424(struct oom_px *px)
{
	struct oom_str r = px->s, word[4];
	struct oom_str stamp, at;
	struct oom_px_time t = { .zone = false };

	if (!oom_take_lit(&r, "1 "))
		return OOM_THEN_NO;
	at = r;
	if (!oom_take_lit(&r, "-") && !oom_px_datetime(&r, &t))
		return OOM_THEN_NO;
	stamp = (struct oom_str){ at.p, (size_t)(r.p - at.p) };
	for (size_t i = 0; i < OOM_ARRAY_SIZE(word); i++)
		if (!oom_take_char(&r, ' ') || !oom_take_word(&r, &word[i]))
			return OOM_THEN_NO;
	if (!oom_take_char(&r, ' ') || !skip_structured_data(&r))
		return OOM_THEN_NO;
	(void)oom_take_char(&r, ' ');
	(void)oom_take_lit(&r, "\xef\xbb\xbf");
	px->line->stamp = stamp.n > 1 ? stamp : OOM_STR_NULL;
	px->line->wall_us = t.zone ? t.us : OOM_NA;
	if (!oom_str_is(word[0], "-"))
		px->line->host = word[0];
	if (!oom_str_is(word[1], "-"))
		px->line->foreign = !oom_str_is(word[1], "kernel");
	px->s = r;
	px->unescape_octal = true;
	return px->line->foreign ? OOM_THEN_ANY : OOM_THEN_STAMP;
}

/* journalctl -o short-full: "Fri 2026-11-20 10:08:00 UTC host kernel: ".  Zone names other than these two
 * mean different offsets in different places. */
enum oom_then oom_px_journal_full(struct oom_px *px)
{
	struct oom_str r = px->s, word, zone;
	struct oom_px_time t;

	if (!r.n || digit(r.p[0]) || r.p[0] == '[' || !oom_take_word(&r, &word) || word.n > 16 ||
	    !oom_take_char(&r, ' ') || !r.n || !digit(r.p[0]) || !oom_px_datetime(&r, &t) ||
	    !oom_take_char(&r, ' ') || !oom_take_word(&r, &zone) || !r.n)
		return OOM_THEN_NO;
	put_stamp(px, r, oom_str_is(zone, "UTC") || oom_str_is(zone, "GMT") ? t.us : OOM_NA);
	px->s = oom_str_sub(r, 1, r.n);
	return oom_px_host_tag(px);
}

/* journalctl -o short-unix: "1763633280.123456 host kernel: " */
enum oom_then oom_px_journal_unix(struct oom_px *px)
{
	struct oom_str r = px->s;
	int64_t sec, usec;

	if (!oom_px_digits(&r, 9, 10, &sec) || !oom_take_char(&r, '.') || !oom_px_micros(&r, 6, &usec) ||
	    !r.n || r.p[0] != ' ')
		return OOM_THEN_NO;
	put_stamp(px, r, sec * 1000000 + usec);
	px->s = oom_str_sub(r, 1, r.n);
	return oom_px_host_tag(px);
}

/* "kernel: " with everything before it cut off */
enum oom_then oom_px_tag(struct oom_px *px)
{
	return oom_take_lit(&px->s, "kernel: ") ? OOM_THEN_STAMP : OOM_THEN_NO;
}
