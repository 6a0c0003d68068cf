/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The saved setup: "key value" lines in $XDG_CONFIG_HOME/oomlens/oomtop. */
#include "ui.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void setup_default(struct setup *s)
{
	*s = (struct setup){ .delay_ms = 2000 };
	for (size_t i = 0; i < ncolumns; i++)
		if (columns[i].on)
			s->column[s->ncolumns++] = (uint8_t)i;
}

static int path_of(char *buf, size_t size, bool make)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	int n;

	if (config && config[0] == '/')
		n = snprintf(buf, size, "%s/oomlens", config);
	else if (home && home[0] == '/')
		n = snprintf(buf, size, "%s/.config/oomlens", home);
	else
		return -ENOENT;
	if (n < 0 || (size_t)n + sizeof("/oomtop.new") > size)
		return -ENAMETOOLONG;
	if (make) {
		*strrchr(buf, '/') = '\0';
		(void)mkdir(buf, 0777);
		buf[strlen(buf)] = '/';
		(void)mkdir(buf, 0777);
	}
	strcat(buf, "/oomtop");
	return 0;
}

/* Each returns false for a value that makes no sense, and then changes nothing. */
bool setup_columns(struct setup *s, struct oom_str v)
{
	struct setup t = *s;

	t.ncolumns = 0;
	while (v.n && t.ncolumns < COLUMNS_MAX) {
		size_t n = 0;
		ptrdiff_t c;

		while (n < v.n && v.p[n] != ' ' && v.p[n] != ',')
			n++;
		c = column_find(oom_str_sub(v, 0, n));

		if (c < 0)
			return false;
		t.column[t.ncolumns++] = (uint8_t)c;
		v = oom_str_sub(v, n + 1, v.n);
	}
	if (!t.ncolumns)
		return false;
	*s = t;
	return true;
}

static bool set_sort(struct setup *s, struct oom_str v)
{
	bool descending = oom_take_char(&v, '-');
	ptrdiff_t c = column_find(v);

	if (c < 0)
		return false;
	s->sort = (uint8_t)c;
	s->descending = descending;
	return true;
}

static bool set_delay(struct setup *s, struct oom_str v)
{
	int64_t ms;

	if (!oom_take_i64(&v, &ms) || v.n || ms < 100 || ms > 3600000)
		return false;
	s->delay_ms = ms;
	return true;
}

static const struct { const char *key; bool (*set)(struct setup *s, struct oom_str v); } settings[] = {
	{ "columns ", setup_columns }, { "sort ", set_sort }, { "delay_ms ", set_delay },
};

static bool set_line(struct setup *s, struct oom_str line)
{
	if (!line.n || line.p[0] == '#')
		return true;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(settings); i++)
		if (oom_take_lit(&line, settings[i].key))
			return settings[i].set(s, line);
	return false;
}

int setup_load(struct setup *s, struct oom_err *reterr)
{
	char path[4096], line[1024];
	FILE *in;
	int r = path_of(path, sizeof(path), false), n = 0;

	if (r)
		return r;
	in = fopen(path, "re");
	if (!in)
		return errno == ENOENT ? -ENOENT : oom_err_set(reterr, errno, "cannot read '%s': %s", path, strerror(errno));
	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		n++;
		if (!set_line(s, oom_str_from(line)))
			oom_err_set(reterr, EINVAL, "'%s', line %d: expected 'columns KEY...', 'sort [-]KEY' or 'delay_ms N'", path, n);
	}
	fclose(in);
	return 0;
}

int setup_save(const struct setup *s, struct oom_err *reterr)
{
	char path[4096], fresh[4096 + 8];
	bool bad;
	FILE *out;
	int r = path_of(path, sizeof(path), true);

	if (r)
		return oom_err_set(reterr, -r, "cannot save the setup: neither XDG_CONFIG_HOME nor HOME is set");
	snprintf(fresh, sizeof(fresh), "%s.new", path);
	out = fopen(fresh, "we");
	if (!out)
		return oom_err_set(reterr, errno, "cannot write '%s': %s", fresh, strerror(errno));
	fprintf(out, "# oomtop; W saves\ncolumns");
	for (size_t i = 0; i < s->ncolumns; i++)
		fprintf(out, " %s", columns[s->column[i]].key);
	fprintf(out, "\nsort %s%s\ndelay_ms %lld\n", s->descending ? "-" : "", columns[s->sort].key, (long long)s->delay_ms);
	bad = ferror(out);
	bad |= fclose(out) != 0;
	if (bad || rename(fresh, path))
		return oom_err_set(reterr, errno ? errno : EIO, "cannot write '%s': %s", path, strerror(errno ? errno : EIO));
	return 0;
}
