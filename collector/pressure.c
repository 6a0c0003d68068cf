/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "pressure.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "procfs.h"

static const struct { const char *zone, *path; } resources[OOM_PRESSURE_RESOURCES] = {
	{ "memory", "pressure/memory" },
	{ "io",     "pressure/io" },
	{ "cpu",    "pressure/cpu" },
};

/* In the order of the file; the line "full" of cpu is there from 5.13 on. */
static const struct { const char *line, *key, *name; int64_t unit; } values[OOM_PRESSURE_VALUES] = {
	{ "some", "avg10=",  "some_avg10",  OOM_UNIT_NONE },       /* averages: hundredths of a percent */
	{ "some", "avg60=",  "some_avg60",  OOM_UNIT_NONE },
	{ "some", "avg300=", "some_avg300", OOM_UNIT_NONE },
	{ "some", "total=",  "some_total",  OOM_UNIT_US },
	{ "full", "avg10=",  "full_avg10",  OOM_UNIT_NONE },
	{ "full", "avg60=",  "full_avg60",  OOM_UNIT_NONE },
	{ "full", "avg300=", "full_avg300", OOM_UNIT_NONE },
	{ "full", "total=",  "full_total",  OOM_UNIT_US },
};

void oom_pressure_open(struct oom_pressure *p, int proc)
{
	for (size_t i = 0; i < OOM_PRESSURE_RESOURCES; i++)
		p->fd[i] = openat(proc, resources[i].path, O_RDONLY | O_CLOEXEC);
}

void oom_pressure_close(struct oom_pressure *p)
{
	for (size_t i = 0; i < OOM_PRESSURE_RESOURCES; i++) {
		if (p->fd[i] >= 0)
			close(p->fd[i]);
		p->fd[i] = -1;
	}
}

/* "12.34" in hundredths, or a plain number. */
static int64_t take_value(struct oom_str s, int64_t unit)
{
	int64_t whole, part = 0;

	if (!oom_take_i64(&s, &whole) || whole < 0)
		return OOM_NA;
	if (unit == OOM_UNIT_US)
		return whole;
	if (whole > 100 || !oom_take_char(&s, '.') || s.n != 2 || !oom_take_i64(&s, &part) || s.n || part < 0)
		return OOM_NA;
	return whole * 100 + part;
}

static void take_line(struct oom_str line, int64_t *v)
{
	struct oom_str kind, word;

	if (!oom_take_word(&line, &kind))
		return;
	while (oom_take_blanks(&line) && oom_take_word(&line, &word))
		for (size_t i = 0; i < OOM_PRESSURE_VALUES; i++)
			if (oom_str_is(kind, values[i].line) && oom_take_lit(&word, values[i].key))
				v[i] = take_value(word, values[i].unit);
}

void oom_pressure_read(const struct oom_pressure *p, struct oom_pressure_values *ret)
{
	struct oom_str text, line;
	char buf[512];

	for (size_t i = 0; i < OOM_PRESSURE_RESOURCES; i++) {
		for (size_t k = 0; k < OOM_PRESSURE_VALUES; k++)
			ret->v[i][k] = OOM_NA;
		if (p->fd[i] < 0 || oom_proc_pread(p->fd[i], buf, sizeof(buf), &text) < 0)
			continue;
		while (oom_proc_line(&text, &line))
			take_line(line, ret->v[i]);
	}
}

static int add_row(struct oom_event *ev, size_t resource, size_t value, const char *prefix, int64_t v)
{
	struct oom_memory *m = oom_event_add_memory(ev);

	if (!m)
		return -ENOMEM;
	m->area = OOM_AREA_PSI;
	m->value = v;
	m->unit = values[value].unit;
	m->zone = oom_str_from(resources[resource].zone);
	m->name = oom_arena_fmt(&ev->arena, "%s%s", prefix, values[value].name);
	return m->name.p ? 0 : -ENOMEM;
}

int oom_pressure_add(const struct oom_pressure_values *p, const char *prefix, struct oom_event *ev)
{
	int r = 0;

	for (size_t i = 0; i < OOM_PRESSURE_RESOURCES && r == 0; i++)
		for (size_t k = 0; k < OOM_PRESSURE_VALUES && r == 0; k++)
			if (p->v[i][k] != OOM_NA)
				r = add_row(ev, i, k, prefix, p->v[i][k]);
	return r;
}
