/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A report in HTML (oomlens report) holds the lines of its log: who is sent one can replay it. */
#include "text.h"

#include <string.h>

static ptrdiff_t find(struct oom_str s, const char *lit)
{
	return oom_str_find(s, lit);
}

bool oom_text_is_page(const char *head, size_t n)
{
	struct oom_str s = { head, n < 2048 ? n : 2048 };

	return oom_str_starts(s, "<!DOCTYPE html>") && find(s, "<meta name=generator content=\"oomlens ") >= 0;
}

static const struct { const char *entity; char byte; } entities[] = {
	{ "&amp;", '&' }, { "&lt;", '<' }, { "&gt;", '>' }, { "&quot;", '"' }, { "&#39;", '\'' },
};

/* What is decoded is never longer than it was. */
static size_t decode(char *p, size_t n)
{
	size_t out = 0;

	for (size_t i = 0; i < n;) {
		size_t k = OOM_ARRAY_SIZE(entities), len = 0;

		for (size_t e = 0; p[i] == '&' && e < OOM_ARRAY_SIZE(entities) && k == OOM_ARRAY_SIZE(entities); e++) {
			len = strlen(entities[e].entity);
			if (n - i >= len && !memcmp(p + i, entities[e].entity, len))
				k = e;
		}
		p[out++] = k < OOM_ARRAY_SIZE(entities) ? entities[k].byte : p[i];
		i += k < OOM_ARRAY_SIZE(entities) ? len : 1;
	}
	return out;
}

/* "<li id=L12><b>12</b>[ 1.2] text <a class=back ..." */
bool oom_page_line(char *buf, struct oom_str *line)
{
	struct oom_str s = *line;
	ptrdiff_t at;

	if (!oom_take_lit(&s, "<li id=L") && !oom_take_lit(&s, "<li id=C"))
		return false;
	at = find(s, "</b>");
	if (at < 0)
		return false;
	s = oom_str_sub(s, (size_t)at + 4, s.n);
	at = find(s, " <a class=back ");
	if (at >= 0)
		s.n = (size_t)at;
	s.n = decode(buf + (s.p - buf), s.n);
	*line = s;
	return true;
}
