/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stamps of the kernel and of dmesg.  Rows of the task table start with brackets as well ("[ 1234]  0 1234
 * ..."), so nothing counts as a stamp that lacks a fraction, a clock or a sign.
 */
#include "prefix.h"

#include <string.h>

#define SECONDS_MAX 10000000000LL       /* of uptime: ten digits */

static bool digit(char c)
{
	return (unsigned char)(c - '0') < 10;
}

bool oom_px_digits(struct oom_str *s, unsigned least, unsigned most, int64_t *ret)
{
	int64_t v = 0;
	size_t i = 0;

	for (; i < s->n && i < most && digit(s->p[i]); i++)
		v = v * 10 + (s->p[i] - '0');
	if (i < least || (i < s->n && digit(s->p[i])))
		return false;
	s->p += i;
	s->n -= i;
	*ret = v;
	return true;
}

bool oom_px_micros(struct oom_str *s, unsigned least, int64_t *ret)
{
	int64_t v = 0, scale = 100000;
	size_t i = 0;

	for (; i < s->n && i < 9 && digit(s->p[i]); i++, scale /= 10)
		v += (s->p[i] - '0') * scale;
	if (i < least || (i < s->n && digit(s->p[i])))
		return false;
	s->p += i;
	s->n -= i;
	*ret = v;
	return true;
}

static void blanks(struct oom_str *s)
{
	while (s->n && s->p[0] == ' ') {
		s->p++;
		s->n--;
	}
}

/* " <    0.000012>": what dmesg --show-delta adds inside the brackets */
static void skip_delta(struct oom_str *s)
{
	struct oom_str r = *s;
	int64_t v;

	blanks(&r);
	if (!oom_take_char(&r, '<'))
		return;
	blanks(&r);
	if (oom_px_digits(&r, 1, 10, &v) && oom_take_char(&r, '.') && oom_px_micros(&r, 1, &v) &&
	    oom_take_char(&r, '>'))
		*s = r;
}

/* "[T98]", "[    C1]": the task or CPU that printed (CONFIG_PRINTK_CALLER, 5.1+) */
static bool take_caller(struct oom_px *px)
{
	struct oom_str r = px->s, name;
	int64_t v;

	if (!oom_take_char(&r, '['))
		return false;
	blanks(&r);
	name = r;
	if (!oom_take_char(&r, 'T') && !oom_take_char(&r, 'C'))
		return false;
	if (!oom_px_digits(&r, 1, 10, &v))
		return false;
	name.n = (size_t)(r.p - name.p);
	if (!oom_take_char(&r, ']'))
		return false;
	px->line->caller = name;
	px->s = r;
	return true;
}

/* One blank parts a stamp from its text; more belong to the text. */
static void end_of_stamp(struct oom_px *px)
{
	const struct oom_str keep = px->s;

	if (px->s.n > 1 && px->s.p[0] == ' ' && px->s.p[1] == '[') {
		px->s = oom_str_sub(px->s, 1, px->s.n);
		if (!take_caller(px))
			px->s = keep;
	} else if (px->s.n && px->s.p[0] == '[') {
		(void)take_caller(px);
	}
	if (px->s.n && px->s.p[0] == ' ')
		px->s = (struct oom_str){ px->s.p + 1, px->s.n - 1 };
}

/* journalctl -o short-monotonic: a host and a tag behind the bracket.  Kernel text looks much alike, so only
 * "HOST kernel:" and "HOST name[pid]:" count. */
static enum oom_then monotonic_host(struct oom_px *px)
{
	const char *p = px->s.p, *end = p + (px->s.n < 128 ? px->s.n : 128), *w;

	for (w = p; w < end && *w != ' ' && *w != ':' && *w != '[' && *w != '('; w++)
		;
	if (w == p || end - w < 9 || *w != ' ')
		return OOM_THEN_TEXT;
	if (memcmp(w + 1, "kernel:", 7)) {
		const char *t = w + 1, *bracket;

		while (t < end && *t != ' ' && *t != ':' && *t != '[')
			t++;
		bracket = t++;
		if (bracket == w + 1 || bracket >= end || *bracket != '[')
			return OOM_THEN_TEXT;
		while (t < end && digit(*t))
			t++;
		if (t == bracket + 1 || end - t < 2 || t[0] != ']' || t[1] != ':')
			return OOM_THEN_TEXT;
	}
	return oom_px_host_tag(px);
}

/* "[  123.456789]" without help from the takes: every second line of the world begins with it.  Returns the
 * byte behind it or NULL. */
static const char *bracket(const char *p, const char *end, int64_t *ret)
{
	int64_t sec = 0, usec = 0, scale = 100000;
	const char *from;

	for (p++; p < end && *p == ' '; p++)
		;
	for (from = p; p < end && p - from < 11 && digit(*p); p++)
		sec = sec * 10 + (*p - '0');
	if (p == from || p >= end || *p != '.' || sec >= SECONDS_MAX)
		return NULL;
	for (from = ++p; p < end && p - from < 9 && digit(*p); p++, scale /= 10)
		usec += (*p - '0') * scale;
	if (p - from < 3 || p >= end)
		return NULL;
	if (*p != ']') {
		struct oom_str r = { p, (size_t)(end - p) };

		skip_delta(&r);
		if (!r.n || r.p[0] != ']')
			return NULL;
		p = r.p;
	}
	*ret = sec * 1000000 + usec;
	return p + 1;
}

/* "[  123.456789] " */
enum oom_then oom_px_kernel(struct oom_px *px)
{
	const char *end = px->s.p + px->s.n, *p;

	if (!px->s.n || px->s.p[0] != '[')
		return OOM_THEN_NO;
	p = bracket(px->s.p, end, &px->line->boot_us);
	if (!p) {
		/* printk.time=0 leaves the caller alone */
		if (!take_caller(px))
			return OOM_THEN_NO;
		(void)oom_take_char(&px->s, ' ');
		return OOM_THEN_TEXT;
	}
	px->s = (struct oom_str){ p, (size_t)(end - p) };
	end_of_stamp(px);
	return px->outer ? monotonic_host(px) : OOM_THEN_TEXT;
}

/* "[Sat Apr 27 22:56:09 2019] ", in any language: a clock, a blank and four digits of year at the end */
enum oom_then oom_px_ctime(struct oom_px *px)
{
	struct oom_str r = px->s, at;
	int64_t v;
	size_t n;

	if (!oom_take_char(&r, '['))
		return OOM_THEN_NO;
	for (n = 0; n < r.n && n < 64 && r.p[n] != ']' && r.p[n] != '<'; n++)
		;
	while (n && n < r.n && r.p[n] == '<' && r.p[n - 1] == ' ')
		n--;
	if (n < 16 || n >= r.n)
		return OOM_THEN_NO;
	at = oom_str_sub(r, n - 13, 13);
	if (!oom_px_clock(&at, &v) || !oom_take_char(&at, ' ') || !oom_px_digits(&at, 4, 4, &v))
		return OOM_THEN_NO;
	px->line->stamp = oom_str_sub(r, 0, n);
	px->s = oom_str_sub(r, n, r.n);
	skip_delta(&px->s);
	(void)oom_take_char(&px->s, ']');
	end_of_stamp(px);
	return OOM_THEN_TEXT;
}

/* dmesg --reltime and --delta: "[  +0.002]", "[<    0.000012>]", "[Nov20 10:08]" */
enum oom_then oom_px_reltime(struct oom_px *px)
{
	struct oom_str r = px->s, word;
	int64_t v;
	size_t n = 0;

	if (!oom_take_char(&r, '['))
		return OOM_THEN_NO;
	word = r;
	if (r.n && r.p[0] == '<') {
		skip_delta(&r);
	} else if (r.n && (r.p[0] == ' ' || r.p[0] == '+')) {
		blanks(&r);
		if (!oom_take_char(&r, '+') || !oom_px_digits(&r, 1, 10, &v) || !oom_take_char(&r, '.') ||
		    !oom_px_micros(&r, 1, &v))
			return OOM_THEN_NO;
	} else {
		while (n < r.n && n < 16 && !digit(r.p[n]) && r.p[n] != ' ' && r.p[n] != ']')
			n++;
		r = oom_str_sub(r, n, r.n);
		blanks(&r);
		if (n < 2 || !oom_px_digits(&r, 1, 2, &v) || !oom_take_char(&r, ' ') ||
		    !oom_px_digits(&r, 2, 2, &v) || !oom_take_char(&r, ':') || !oom_px_digits(&r, 2, 2, &v))
			return OOM_THEN_NO;
	}
	word.n = (size_t)(r.p - word.p);
	if (!word.n || !oom_take_char(&r, ']'))
		return OOM_THEN_NO;
	px->line->stamp = word;
	px->s = r;
	end_of_stamp(px);
	return OOM_THEN_TEXT;
}

/* dmesg -x: "kern  :err   : " */
enum oom_then oom_px_facility(struct oom_px *px)
{
	static const char *const facility[] = {
		"kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "authpriv",
		"ftp", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7", NULL };
	static const char *const level[] = {
		"emerg", "alert", "crit", "err", "warn", "notice", "info", "debug", NULL };
	const char *const *words[] = { facility, level };
	struct oom_str r = px->s;

	/* names are padded to six; "authpriv" alone is longer */
	if (r.n < 10 || (r.p[6] != ':' && r.p[8] != ':'))
		return OOM_THEN_NO;
	for (size_t k = 0; k < OOM_ARRAY_SIZE(words); k++) {
		const char *const *w = words[k];

		while (*w && !oom_take_lit(&r, *w))
			w++;
		/* "auth" is the front of "authpriv" */
		(void)(*w && oom_take_lit(&r, "priv"));
		if (!*w)
			return OOM_THEN_NO;
		blanks(&r);
		if (!oom_take_char(&r, ':'))
			return OOM_THEN_NO;
	}
	px->line->foreign = !oom_str_starts(px->s, "kern");
	(void)oom_take_char(&r, ' ');
	px->s = r;
	return OOM_THEN_STAMP;
}

/* "4,1234,56789012,-;text" with more fields between the flags and the semicolon: /dev/kmsg, extended
 * netconsole */
enum oom_then oom_px_kmsg(struct oom_px *px)
{
	struct oom_str r = px->s, fields, field;
	int64_t prio, seq, usec;
	const char *semi;

	if (!oom_px_digits(&r, 1, 4, &prio) || !oom_take_char(&r, ',') || !oom_px_digits(&r, 1, 18, &seq) ||
	    !oom_take_char(&r, ',') || !oom_px_digits(&r, 1, 18, &usec) || !oom_take_char(&r, ','))
		return OOM_THEN_NO;
	semi = memchr(r.p, ';', r.n < 256 ? r.n : 256);
	if (!semi)
		return OOM_THEN_NO;
	fields = (struct oom_str){ r.p, (size_t)(semi - r.p) };
	for (; fields.n; (void)oom_take_char(&fields, ',')) {
		if (!oom_take_until(&fields, ',', &field)) {
			field = fields;
			fields.n = 0;
		}
		if (oom_take_lit(&field, "caller="))
			px->line->caller = field;
	}
	px->line->seq = seq;
	px->line->boot_us = usec;
	px->line->foreign = prio >> 3 != 0;
	px->unescape_hex = true;
	px->s = oom_str_sub(r, (size_t)(semi - r.p) + 1, r.n);
	return OOM_THEN_TEXT;
}

/* A serial console shares its line with whoever writes to it: a stamp further on is still a stamp, if it is
 * as long as printk's own. */
enum oom_then oom_px_noise(struct oom_px *px)
{
	enum { REACH = 512, TRIES = 8 };
	struct oom_str r = oom_str_sub(px->s, 0, REACH);

	for (int i = 0; i < TRIES; i++) {
		const char *open = r.n ? memchr(r.p, '[', r.n) : NULL;
		struct oom_str keep = px->s;
		int64_t sec, usec;

		if (!open)
			break;
		r = oom_str_sub(r, (size_t)(open - r.p) + 1, r.n);
		blanks(&r);
		if (!oom_px_digits(&r, 1, 10, &sec) || !oom_take_char(&r, '.') ||
		    !oom_px_micros(&r, 6, &usec) || r.p - open < 13 || !r.n || r.p[0] != ']')
			continue;
		px->s = oom_str_sub(px->s, (size_t)(open - px->s.p), px->s.n);
		if (oom_px_kernel(px) != OOM_THEN_NO)
			return OOM_THEN_TEXT;
		px->s = keep;
	}
	return OOM_THEN_NO;
}

bool oom_pstore_part(struct oom_str s, int64_t *count, int64_t *part)
{
	struct oom_str word;

	return oom_take_until(&s, '#', &word) && word.n > 2 && word.n < 16 && oom_take_char(&s, '#') &&
	       oom_take_i64(&s, count) && oom_take_lit(&s, " Part") && oom_take_i64(&s, part) &&
	       *count >= 0 && *part >= 0;
}
