/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as journalctl users write them. */
#include "cmd.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#define SECOND INT64_C(1000000)

/* A number and its unit; a bare number is so many seconds if that is allowed. */
static bool take_duration(struct oom_str *s, bool bare, int64_t *ret_us)
{
	static const struct { const char *name; int64_t us; } unit[] = {
		{ "min", 60 * SECOND }, { "m", 60 * SECOND }, { "s", SECOND }, { "h", 3600 * SECOND },
		{ "d", 86400 * SECOND }, { "w", 604800 * SECOND },
	};
	int64_t n;

	if (!oom_take_i64(s, &n) || n < 0)
		return false;
	oom_take_blanks(s);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(unit); i++)
		if (oom_take_lit(s, unit[i].name))
			return !__builtin_mul_overflow(n, unit[i].us, ret_us);
	return bare && !__builtin_mul_overflow(n, SECOND, ret_us);
}

int parse_duration(const char *text, int64_t *ret_us)
{
	struct oom_str s = oom_str_from(text);
	int64_t us = 0;

	if (strcmp(text, "off") != 0 && (!take_duration(&s, true, &us) || s.n || us <= 0))
		return -EINVAL;
	*ret_us = us;
	return 0;
}

static int parse_ago(struct oom_str s, int64_t now_us, int64_t *ret_us)
{
	int64_t us;

	if (!take_duration(&s, false, &us))
		return -EINVAL;
	oom_take_blanks(&s);
	if (!oom_str_is(s, "ago") || us > now_us)
		return -EINVAL;
	*ret_us = now_us - us;
	return 0;
}

static int parse_date(const char *text, int64_t *ret_us)
{
	static const char *const form[] = { "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%d" };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(form); i++) {
		struct tm tm = { .tm_isdst = -1 };
		const char *rest = strptime(text, form[i], &tm);
		bool utc = rest && strcmp(rest, "Z") == 0;
		time_t t;

		if (!rest || (*rest && !utc))
			continue;
		t = utc ? timegm(&tm) : mktime(&tm);
		if (t == (time_t)-1)
			return -EINVAL;
		*ret_us = (int64_t)t * SECOND;
		return 0;
	}
	return -EINVAL;
}

int parse_time(const char *text, int64_t *ret_us)
{
	struct oom_str s = oom_str_from(text);
	time_t now = time(NULL);
	struct tm day;
	int64_t v;

	if (oom_take_char(&s, '@')) {
		if (!oom_take_i64(&s, &v) || s.n || v < 0 || v > INT64_MAX / SECOND)
			return -EINVAL;
		*ret_us = v * SECOND;
		return 0;
	}
	if (strcmp(text, "now") == 0) {
		*ret_us = (int64_t)now * SECOND;
		return 0;
	}
	if (strcmp(text, "today") == 0 || strcmp(text, "yesterday") == 0) {
		if (!localtime_r(&now, &day))
			return -EINVAL;
		day.tm_hour = day.tm_min = day.tm_sec = 0;
		day.tm_mday -= text[0] == 'y';
		day.tm_isdst = -1;
		*ret_us = (int64_t)mktime(&day) * SECOND;
		return 0;
	}
	if (oom_str_ends(s, "ago"))
		return parse_ago(s, (int64_t)now * SECOND, ret_us);
	return parse_date(text, ret_us);
}
