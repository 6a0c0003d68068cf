/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens export: stored events for other programs. */
#include "cmd_rows.h"

#include <oomlens/render.h>

#include <errno.h>
#include <string.h>

/* ---- JSON lines -------------------------------------------------------------------------------------- */

struct lines {
	struct oom_store *store;
	FILE *out;                   /* into squeeze() */
	bool indent;                 /* at the begin of a line of the document */
	int64_t events, failed;
};

/* The document of an event as one line: a string in JSON holds no line feed, so each that comes is layout. */
static ssize_t squeeze(void *cookie, const char *buf, size_t size)
{
	struct lines *l = cookie;

	for (size_t i = 0; i < size; i++) {
		if (buf[i] == '\n')
			l->indent = true;
		else if (!l->indent || buf[i] != ' ') {
			l->indent = false;
			putchar(buf[i]);
		}
	}
	return (ssize_t)size;
}

static int put_line(struct lines *l, const struct oom_event *ev)
{
	struct oom_replay r = { 0 };
	int e = oom_replay_run(ev, NULL, &r);

	if (!e)
		e = oom_replay_rank(&r);
	if (!e)
		e = oom_json_event(ev, &r, l->out);
	oom_replay_release(&r);
	(void)fflush(l->out);
	putchar('\n');
	return e;
}

/* An event that cannot be read is said, and the others are written. */
static int on_event(void *arg, int64_t id)
{
	struct lines *l = arg;
	struct oom_event ev = { 0 };
	struct oom_err err = { 0 };
	int r = oom_store_load(l->store, id, &ev, &err);

	if (r < 0) {
		l->failed++;
		(void)fail(EXIT_STORE, &err);
	} else {
		r = put_line(l, &ev);
		l->events++;
	}
	oom_event_release(&ev);
	return r == -ENOMEM ? r : ferror(stdout) ? -EIO : 0;
}

static int export_lines(struct oom_store *s, const struct oom_filter *f)
{
	struct lines l = { .store = s };
	struct oom_err err = { 0 };
	int r;

	l.out = fopencookie(&l, "w", (cookie_io_functions_t){ .write = squeeze });
	r = l.out ? oom_store_each(s, f, on_event, &l, &err) : -ENOMEM;
	if (l.out)
		fclose(l.out);
	if (r == -ENOMEM && !err.code)
		(void)oom_err_set(&err, ENOMEM, "out of memory");
	if (r < 0 && err.code)
		return fail(EXIT_STORE, &err);
	return l.failed ? EXIT_STORE : l.events ? EXIT_DONE : EXIT_NOTHING;
}

/* ---- CSV --------------------------------------------------------------------------------------------- */

static const char *const rows_names[] = {
	[OOM_ROWS_EVENTS] = "events", [OOM_ROWS_CANDIDATES] = "candidates", [OOM_ROWS_VICTIMS] = "victims",
};

static int export_rows(const struct opts *o, struct oom_store *s, const struct oom_filter *f, enum oom_store_rows what)
{
	struct opts csv = *o;
	struct oom_err err = { 0 };
	struct rows *rows;
	int64_t n;
	int r;

	csv.csv = true;
	rows = rows_new(&csv, NULL);
	if (!rows)
		return fail(EXIT_STORE, &(struct oom_err){ .text = "out of memory" });
	r = oom_store_rows(s, what, f, &rows_ops, rows, &err);
	n = rows_end(rows);
	rows_free(rows);
	if (r < 0 && err.code)
		return fail(EXIT_STORE, &err);
	return n ? EXIT_DONE : EXIT_NOTHING;
}

/* ---- the command ------------------------------------------------------------------------------------- */

enum format { JSONL, CSV, PROMETHEUS, FORMATS };
static const char *const format_names[FORMATS] = { "jsonl", "csv", "prometheus" };

static bool word_of(const char *option, const char *word, const char *const *names, size_t n, unsigned *ret)
{
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(word, names[i])) {
			*ret = (unsigned)i;
			return true;
		}
	}
	complain("'%s' is nothing for --%s; see 'oomlens export --help'", word, option);
	return false;
}

static bool has_filter(const struct opts *o)
{
	const struct oom_filter *f = &o->filter;

	return o->event || o->host || f->since_us || f->until_us || f->comm || f->cgroup || f->verdict;
}

static bool fits(const struct opts *o, enum format format)
{
	if (o->what && format != CSV)
		complain("--what is for --format csv");
	else if (format == PROMETHEUS && has_filter(o))
		complain("metrics are of the whole store: no filter goes with --format prometheus");
	else if (o->nargs)
		complain("export takes no argument: '%s'", o->arg[0]);
	else
		return true;
	return false;
}

static int export_store(const struct opts *o, struct oom_store *s, enum format format, enum oom_store_rows what)
{
	struct oom_filter f = o->filter;
	struct oom_err err = { 0 };
	int r = o->event ? oom_store_resolve(s, o->event, &f.id, &err) : 0;

	if (r)
		return fail(r == -ENOENT ? EXIT_NOTHING : r == -ENOTUNIQ ? EXIT_USAGE : EXIT_STORE, &err);
	if (format == PROMETHEUS)
		return export_metrics(o, s);
	return format == CSV ? export_rows(o, s, &f, what) : export_lines(s, &f);
}

int cmd_export(const struct opts *o)
{
	unsigned format, what = OOM_ROWS_EVENTS;
	struct oom_store *s = NULL;
	struct oom_err err = { 0 };
	int code;

	if (!o->format) {
		complain("export needs --format: jsonl, csv or prometheus");
		return EXIT_USAGE;
	}
	if (!word_of("format", o->format, format_names, FORMATS, &format) ||
	    (o->what && !word_of("what", o->what, rows_names, OOM_ARRAY_SIZE(rows_names), &what)) ||
	    !fits(o, (enum format)format))
		return EXIT_USAGE;
	if (oom_store_open(o->db, OOM_STORE_READ, &s, &err) < 0)
		return fail(EXIT_STORE, &err);
	code = output_begin(o->output);
	if (code == EXIT_DONE)
		code = output_end(export_store(o, s, (enum format)format, (enum oom_store_rows)what));
	(void)oom_store_close(s, NULL);
	return code;
}
