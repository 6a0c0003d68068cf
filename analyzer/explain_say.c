/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words: numbers, sizes and names as people read them.  No decision about an event is made here. */
#include <ctype.h>
#include <stdarg.h>
#include <string.h>

#include "explain_impl.h"

/* A number of pages beyond any machine is how kernel and replay say "no bound". */
#define NO_BOUND ((int64_t)1 << 40)

const char *oom_say_zv(struct oom_say *s, const char *fmt, va_list ap)
{
	va_list again;
	char *p;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, again);
	va_end(again);
	p = n < 0 ? NULL : oom_arena_alloc(&s->doc->arena, (size_t)n + 1);
	if (!p) {
		s->nomem = true;
		return "";
	}
	vsnprintf(p, (size_t)n + 1, fmt, ap);
	return p;
}

const char *oom_say_z(struct oom_say *s, const char *fmt, ...)
{
	const char *p;
	va_list ap;

	va_start(ap, fmt);
	p = oom_say_zv(s, fmt, ap);
	va_end(ap);
	return p;
}

void oom_say(struct oom_say *s, enum oom_node_kind kind, enum oom_tone tone, int64_t line, const char *key,
	     const char *fmt, ...)
{
	struct oom_doc *d = s->doc;
	struct oom_node *grown = oom_arena_grow(&d->arena, d->node, d->nnodes, &d->cap, sizeof(*d->node));
	const char *text;
	va_list ap;

	if (!grown) {
		s->nomem = true;
		return;
	}
	d->node = grown;
	va_start(ap, fmt);
	text = oom_say_zv(s, fmt, ap);
	va_end(ap);
	d->node[d->nnodes++] = (struct oom_node){
		.kind = (uint8_t)kind,
		.tone = (uint8_t)tone,
		.key = oom_str_from(key),
		.text = oom_str_from(text),
		.line = line,
	};
}

/* ---- names ------------------------------------------------------------ */

static bool is_plain(struct oom_str name)
{
	for (size_t i = 0; i < name.n; i++)
		if (!isalnum((unsigned char)name.p[i]) && !memchr("_./:@+-#[]", name.p[i], 11))
			return false;
	return name.n > 0;
}

const char *oom_say_safe(struct oom_say *s, struct oom_str text)
{
	struct oom_str safe = oom_str_safe(&s->doc->arena, text.p ? text : OOM_STR(""));

	if (!safe.p)
		s->nomem = true;
	return safe.p ? safe.p : "";
}

const char *oom_say_name(struct oom_say *s, struct oom_str name)
{
	const char *safe;

	if (!name.p)
		return "(unknown)";
	safe = oom_say_safe(s, name);
	/* A name may read like the rest of our sentence: quotes show where it ends. */
	return is_plain(name) ? safe : oom_say_z(s, "\"%s\"", safe);
}

const char *oom_say_proc(struct oom_say *s, struct oom_str comm, int64_t pid)
{
	if (!comm.p && pid == OOM_NA)
		return "a process that the log does not name";
	if (!comm.p)
		return oom_say_z(s, "pid %lld", (long long)pid);
	if (pid == OOM_NA)
		return oom_say_name(s, comm);
	return oom_say_z(s, "%s (pid %lld)", oom_say_name(s, comm), (long long)pid);
}

const char *oom_say_join(struct oom_say *s, const char *list, const char *sep, const char *item)
{
	if (!*item)
		return list;
	return *list ? oom_say_z(s, "%s%s%s", list, sep, item) : item;
}

const char *oom_say_nodes(struct oom_say *s, struct oom_str list)
{
	if (!list.p || !list.n)
		return "the NUMA nodes";
	for (size_t i = 0; i < list.n; i++)
		if (!isdigit((unsigned char)list.p[i]))
			return oom_say_z(s, "the NUMA nodes %s", oom_say_name(s, list));
	return oom_say_z(s, "NUMA node %s", oom_say_name(s, list));
}

/* ---- numbers ------------------------------------------------------------ */

const char *oom_say_num(struct oom_say *s, int64_t n)
{
	char digits[24], out[32];
	size_t len, at = 0;

	if (n == OOM_NA)
		return "unknown";
	snprintf(digits, sizeof(digits), "%llu", n < 0 ? -(unsigned long long)n : (unsigned long long)n);
	len = strlen(digits);
	if (n < 0)
		out[at++] = '-';
	for (size_t i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			out[at++] = ',';
		out[at++] = digits[i];
	}
	return oom_say_z(s, "%.*s", (int)at, out);
}

const char *oom_say_count(struct oom_say *s, int64_t n, const char *one, const char *many)
{
	return oom_say_z(s, "%s %s", oom_say_num(s, n), n == 1 || n == -1 ? one : many);
}

/* Integers only: the decimal point must not follow the locale. */
const char *oom_say_kb(struct oom_say *s, int64_t kb)
{
	static const struct { unsigned shift; const char *name; } units[] = {
		{ 40, "PiB" }, { 30, "TiB" }, { 20, "GiB" }, { 10, "MiB" },
	};
	uint64_t n = kb < 0 ? -(uint64_t)kb : (uint64_t)kb, whole, tenth;

	if (kb == OOM_NA)
		return "unknown";
	for (size_t i = 0; i < OOM_ARRAY_SIZE(units); i++) {
		if (n < (uint64_t)1 << units[i].shift)
			continue;
		whole = n >> units[i].shift;
		tenth = ((n & (((uint64_t)1 << units[i].shift) - 1)) * 10 +
			 ((uint64_t)1 << (units[i].shift - 1))) >>
			units[i].shift;
		if (tenth == 10) {
			whole++;
			tenth = 0;
		}
		return oom_say_z(s, "%s%llu.%llu %s", kb < 0 ? "-" : "", (unsigned long long)whole,
				 (unsigned long long)tenth, units[i].name);
	}
	return oom_say_z(s, n ? "%s%llu KiB" : "%s%llu", kb < 0 ? "-" : "", (unsigned long long)n);
}

const char *oom_say_some(struct oom_say *s, int64_t kb)
{
	return kb ? oom_say_kb(s, kb) : "no";
}

int64_t oom_say_pages_kb(const struct oom_event *ev, int64_t pages)
{
	int64_t bytes;

	if (pages == 0)
		return 0;
	if (pages == OOM_NA || ev->page_size == OOM_NA ||
	    __builtin_mul_overflow(pages, ev->page_size, &bytes))
		return OOM_NA;
	return bytes / 1024;
}

const char *oom_say_size(struct oom_say *s, int64_t pages)
{
	int64_t kb = oom_say_pages_kb(s->ev, pages);

	if (kb == OOM_NA && pages != OOM_NA && pages)
		return oom_say_count(s, pages, "page", "pages");
	return oom_say_kb(s, kb);
}

const char *oom_say_pages(struct oom_say *s, int64_t pages)
{
	int64_t kb = oom_say_pages_kb(s->ev, pages);

	if (pages == OOM_NA)
		return "an unknown number of pages";
	if (kb == OOM_NA || !pages)
		return oom_say_count(s, pages, "page", "pages");
	return oom_say_z(s, "%s (%s)", oom_say_count(s, pages, "page", "pages"), oom_say_kb(s, kb));
}

bool oom_range_known(struct oom_range r)
{
	return r.lo <= r.hi && r.lo != OOM_NA;
}

bool oom_range_exact(struct oom_range r)
{
	return oom_range_known(r) && r.lo == r.hi;
}

const char *oom_say_range(struct oom_say *s, struct oom_range pages)
{
	const char *lo, *hi, *size;

	if (!oom_range_known(pages))
		return "an unknown number of pages";
	if (pages.lo >= NO_BOUND)
		return "unlimited";
	if (pages.lo == pages.hi)
		return oom_say_pages(s, pages.lo);
	if (pages.hi >= NO_BOUND)
		return oom_say_z(s, "at least %s", oom_say_pages(s, pages.lo));
	lo = oom_say_num(s, pages.lo);
	hi = oom_say_num(s, pages.hi);
	if (oom_say_pages_kb(s->ev, pages.hi) == OOM_NA)
		return oom_say_z(s, "between %s and %s pages", lo, hi);
	size = oom_say_size(s, pages.lo);
	if (strcmp(size, oom_say_size(s, pages.hi)))
		size = oom_say_z(s, "%s to %s", size, oom_say_size(s, pages.hi));
	return oom_say_z(s, "between %s and %s pages (%s)", lo, hi, size);
}

/* An interval in a cell, either end of which may be open; lo and hi are its ends in words. */
static const char *cell(struct oom_say *s, struct oom_range n, const char *lo, const char *hi)
{
	if (n.lo == n.hi)
		return lo;
	if (n.hi >= NO_BOUND)
		return oom_say_z(s, ">= %s", lo);
	if (n.lo <= -NO_BOUND)
		return oom_say_z(s, "<= %s", hi);
	return oom_say_z(s, "%s..%s", lo, hi);
}

const char *oom_say_cell(struct oom_say *s, struct oom_range n)
{
	return oom_range_known(n) ? cell(s, n, oom_say_num(s, n.lo), oom_say_num(s, n.hi)) : "-";
}

const char *oom_say_cell_size(struct oom_say *s, struct oom_range pages)
{
	if (!oom_range_known(pages) || oom_say_pages_kb(s->ev, pages.hi) == OOM_NA)
		return "-";
	return cell(s, pages, oom_say_size(s, pages.lo), oom_say_size(s, pages.hi));
}

bool oom_explain_has_points(const struct oom_replay *r, const struct oom_task *t, const struct oom_score *c)
{
	if (!r->profile || c->why_not != OOM_WHY_ELIGIBLE)
		return false;
	/* Without totalpages only the terms that do not need it are known. */
	return oom_range_known(r->total) || (!(r->profile->flags & OOM_PROFILE_PER_MILLE) &&
					     !t->oom_score_adj && r->profile->root != OOM_ROOT_ADJ_MINUS_30);
}

bool oom_say_per_mille(const struct oom_say *s)
{
	return s->r->profile && s->r->profile->flags & OOM_PROFILE_PER_MILLE;
}
