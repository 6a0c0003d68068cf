/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomtop: options, and the loop that feeds keys and passes to the screens. */
#include "batch.h"
#include "term.h"
#include "ui.h"

#include <oomlens/parse.h>
#include <oomlens/store.h>

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { EXIT_DONE = 0, EXIT_NOTHING = 1, EXIT_USAGE = 2, EXIT_INPUT = 3, EXIT_STORE = 4 };

struct opts {
	const char *db, *replay, *cgroup, *color, *columns;
	int64_t n, top;
	const char *event;
	double delay;                 /* seconds; 0 = not given */
	bool batch, json, domains, demo, no_mouse;
};

/* ---- options ------------------------------------------------------------------------------------------- */

enum { LONG_JSON = 256, LONG_CGROUP, LONG_TOP, LONG_DOMAINS, LONG_REPLAY, LONG_EVENT, LONG_DB, LONG_DEMO, LONG_COLOR, LONG_NO_MOUSE, LONG_COLUMNS };
static const struct { int code; const char *name, *arg, *help; } options[] = {
	{ 'b', "batch", NULL, "no screen: print passes and end" },
	{ 'n', "iterations", "N", "number of passes (batch; default 1)" },
	{ 'd', "delay", "SECS", "seconds between passes (default 2)" },
	{ LONG_JSON, "json", NULL, "batch as JSON, a line for each pass" },
	{ LONG_TOP, "top", "K", "only the first K rows (batch)" },
	{ LONG_CGROUP, "cgroup", "PATH", "look at this memory cgroup" },
	{ LONG_DOMAINS, "domains", NULL, "batch: a row for everything that can run out of memory" },
	{ LONG_REPLAY, "replay", "FILE", "show the selection that a kernel log tells of (its first; --event N: its n-th)" },
	{ LONG_EVENT, "event", "ID", "show a stored selection: its id, or how its fingerprint begins" },
	{ LONG_DB, "db", "PATH", "the store (default: $OOMLENS_DB, else the system's or your state directory)" },
	{ LONG_DEMO, "demo", NULL, "a made-up machine; needs no privilege" },
	{ LONG_COLUMNS, "columns", "KEY,...", "these columns (keys: 'oomtop --columns=help')" },
	{ LONG_COLOR, "color", "WHEN", "auto, always or never" },
	{ LONG_NO_MOUSE, "no-mouse", NULL, "leave the mouse to the terminal" },
	{ 'h', "help", NULL, "this text" },
	{ 'V', "version", NULL, "the version" },
};

static void print_help(void)
{
	printf("usage: oomtop [options]\n\nWho dies next, and how far away is it?  The ranking of the OOM killer, live.\n\noptions:\n");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(options); i++) {
		char left[48];
		bool letter = options[i].code < 256;

		snprintf(left, sizeof(left), "%c%c%c --%s%s%s", letter ? '-' : ' ', letter ? options[i].code : ' ', letter ? ',' : ' ',
			 options[i].name, options[i].arg ? "=" : "", options[i].arg ? options[i].arg : "");
		printf("  %-22s %s\n", left, options[i].help);
	}
	printf("\nKeys are shown by ? on the screen.  Nothing is ever written to the system.\n");
}

static void print_columns(void)
{
	for (size_t i = 0; i < ncolumns; i++)
		printf("%-10s %s\n", columns[i].key, columns[i].help);
}

static int complain(int code, const char *text)
{
	fflush(stdout);
	fputs("oomtop: ", stderr);
	oom_put_safe(stderr, oom_str_from(text));
	fputc('\n', stderr);
	return code;
}

static bool count(const char *text, int64_t *ret)
{
	struct oom_str s = oom_str_from(text);
	int64_t v;

	if (!oom_take_i64(&s, &v) || s.n || v <= 0)
		return false;
	*ret = v;
	return true;
}

static bool seconds(const char *text, double *ret)
{
	char *end;

	*ret = strtod(text, &end);
	return end != text && !*end && *ret >= 0.1 && *ret <= 3600;
}

static bool set(struct opts *o, int code, const char *value)
{
	switch (code) {
	case 'b':           o->batch = true; return true;
	case 'n':           return count(value, &o->n);
	case 'd':           return seconds(value, &o->delay);
	case LONG_JSON:     o->json = true; return true;
	case LONG_TOP:      return count(value, &o->top);
	case LONG_CGROUP:   o->cgroup = value; return *value == '/';
	case LONG_DOMAINS:  o->domains = true; return true;
	case LONG_REPLAY:   o->replay = value; return true;
	case LONG_EVENT:    o->event = value; return oom_store_event_word(value, &(int64_t){ 0 }) >= 0;
	case LONG_DB:       o->db = value; return *value != '\0';
	case LONG_DEMO:     o->demo = true; return true;
	case LONG_COLUMNS:  o->columns = value; return setup_columns(&(struct setup){ 0 }, oom_str_from(value));
	case LONG_NO_MOUSE: o->no_mouse = true; return true;
	case LONG_COLOR:
		o->color = value;
		return !strcmp(value, "auto") || !strcmp(value, "always") || !strcmp(value, "never");
	default:            return false;
	}
}

/* -1 = go on, else the exit code. */
static int parse(struct opts *o, int argc, char **argv)
{
	struct option longs[OOM_ARRAY_SIZE(options) + 1] = { 0 };
	char text[300], shorts[2 * OOM_ARRAY_SIZE(options) + 1];
	size_t n = 0;
	int c;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(options); i++) {
		longs[i] = (struct option){ options[i].name, options[i].arg ? required_argument : no_argument, NULL, options[i].code };
		if (options[i].code < 256)
			n += (size_t)snprintf(shorts + n, sizeof(shorts) - n, "%c%s", options[i].code, options[i].arg ? ":" : "");
	}
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		if (c == 'h')
			return print_help(), EXIT_DONE;
		if (c == 'V')
			return printf("oomtop %s\n", OOMLENS_VERSION), EXIT_DONE;
		if (c == LONG_COLUMNS && !strcmp(optarg, "help"))
			return print_columns(), EXIT_DONE;
		if (c == '?')
			return complain(EXIT_USAGE, "see 'oomtop --help'");
		if (!set(o, c, optarg)) {
			snprintf(text, sizeof(text), "not a valid value for its option: '%s'; see 'oomtop --help'", optarg);
			return complain(EXIT_USAGE, text);
		}
	}
	if (optind < argc) {
		snprintf(text, sizeof(text), "'%s' is not an option, and oomtop takes no arguments; see 'oomtop --help'", argv[optind]);
		return complain(EXIT_USAGE, text);
	}
	if ((o->demo && (o->replay || o->event || o->cgroup)) || (o->cgroup && (o->replay || o->event)))
		return complain(EXIT_USAGE, "--demo, --cgroup and --replay or --event exclude each other");
	return -1;
}

/* ---- sources ------------------------------------------------------------------------------------------- */

/* The n-th event of a kernel log.  1 = found, 0 = there are fewer, -errno. */
static int event_of_text(struct oom_input *in, struct oom_parser *p, int64_t *n, struct oom_event *ret, struct oom_err *reterr)
{
	struct oom_source_info info;
	struct oom_line line;
	bool more = true;
	int r;

	oom_input_info(in, &info);
	r = oom_parser_begin(p, info.path);
	while (r >= 0 && more) {
		r = oom_input_next_line(in, oom_parser_quiet(p), &line, reterr);
		more = r > 0;
		if (r >= 0)
			r = more ? oom_parser_feed(p, &line) : oom_parser_finish(p);
		while (r >= 0 && (r = oom_parser_take(p, ret)) == 1) {
			if (--*n <= 0)
				return 1;
			oom_event_release(ret);
		}
	}
	return r < 0 ? r : 0;
}

static int event_of_file(const char *path, int64_t n, struct oom_event *ret, struct oom_err *reterr)
{
	struct oom_input *in = NULL;
	struct oom_parser *p = NULL;
	int r = oom_input_open(&path, 1, &in, reterr);

	if (!r && oom_parser_new(&p))
		r = oom_err_set(reterr, ENOMEM, "out of memory");
	while (!r) {
		r = oom_input_next_text(in, reterr);
		if (r <= 0)
			break;
		r = event_of_text(in, p, &n, ret, reterr);
	}
	oom_parser_free(p);
	oom_input_close(in);
	return r;
}

static int event_of_store(const char *db, const char *name, struct oom_event *ret, struct oom_err *reterr)
{
	struct oom_store *s;
	int64_t id;
	int r = oom_store_open(db, OOM_STORE_READ, &s, reterr);

	if (r)
		return r;
	r = oom_store_resolve(s, name, &id, reterr);
	if (!r)
		r = oom_store_load(s, id, ret, reterr);
	(void)oom_store_close(s, NULL);
	return r;
}

/* 0, else an exit code. */
static int open_source(const struct opts *o, struct source **ret)
{
	struct oom_err err = { 0 };
	struct oom_event ev;
	int64_t n = 1;
	int r;

	if (o->demo)
		return source_demo(ret) ? complain(EXIT_INPUT, "out of memory") : 0;
	if (!o->replay && !o->event)
		return source_live(ret, &err) ? complain(EXIT_INPUT, err.text) : 0;
	if (o->replay && o->event && oom_store_event_word(o->event, &n) != 1)
		return complain(EXIT_USAGE, "with --replay, --event takes a number");
	if (o->replay)
		r = event_of_file(o->replay, n, &ev, &err);
	else
		r = event_of_store(o->db, o->event, &ev, &err);
	if (r < 0)
		return complain(o->replay ? EXIT_INPUT : EXIT_STORE, err.text[0] ? err.text : strerror(-r));
	if (o->replay && r == 0)
		return complain(EXIT_NOTHING, "the log tells of no such OOM event");
	return source_event(&ev, ret) ? complain(EXIT_INPUT, "out of memory") : 0;
}

/* ---- the screen ---------------------------------------------------------------------------------------- */

static volatile int stop;

static void on_signal(int sig)
{
	stop = sig;
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int pass(struct ui *ui, struct oom_err *reterr)
{
	struct timespec ts;
	int r;

	clock_gettime(CLOCK_REALTIME, &ts);
	ui->wall_us = ts.tv_sec * INT64_C(1000000) + ts.tv_nsec / 1000;
	if (ui->kills)
		kills_poll(ui->kills, ui->m->sample.event, ui->wall_us);
	r = model_next(ui->m, reterr);
	if (r)
		return r;
	ui_refreshed(ui);
	return 0;
}

static int show(struct ui *ui)
{
	int r = term_fit(&ui->grid);

	if (r)
		return r;
	ui_draw(ui);
	term_show(&ui->grid);
	return 0;
}

static void keys(struct ui *ui)
{
	int x = 0, y = 0, key;

	while (!ui->quit && (key = term_key(&x, &y)) != TERM_NONE) {
		if (key == 12)
			term_redraw();
		ui_key(ui, key, x, y);
	}
}

static int loop(struct ui *ui, struct oom_err *reterr)
{
	struct pollfd in = { .fd = STDIN_FILENO, .events = POLLIN };
	int64_t next = 0;
	int r;

	while (!ui->quit && !stop) {
		int64_t now = now_ms(), delay = ui->setup.delay_ms;

		if (now >= next && !ui->paused) {
			r = pass(ui, reterr);
			if (r)
				return r;
			next = now + delay;
		}
		if (next > now + delay)
			next = now + delay;
		if (show(ui))
			return oom_err_set(reterr, ENOMEM, "out of memory");
		r = poll(&in, 1, ui->paused ? -1 : (int)(next > now ? next - now : 0));
		if (r > 0 && in.revents & (POLLERR | POLLHUP | POLLNVAL))
			break;                   /* the terminal is gone */
		keys(ui);
	}
	return 0;
}

static bool want_color(const struct opts *o)
{
	const char *no = getenv("NO_COLOR");

	if (o->color && strcmp(o->color, "auto") != 0)
		return !strcmp(o->color, "always");
	return !(no && *no);
}

static int run_screen(const struct opts *o, struct model *m)
{
	struct oom_err err = { 0 }, setup_err = { 0 };
	struct ui ui;
	int r = ui_init(&ui, m, o->db);

	if (r)
		return complain(EXIT_INPUT, "out of memory");
	(void)setup_load(&ui.setup, &setup_err);
	if (setup_err.text[0])
		ui_say(&ui, "%s", setup_err.text);
	if (o->columns)
		(void)setup_columns(&ui.setup, oom_str_from(o->columns));
	if (o->delay > 0)
		ui.setup.delay_ms = (int64_t)(o->delay * 1000);
	if (o->demo)
		ui.notice = "DEMO: a made-up machine";
	else if (o->replay || o->event)
		ui.notice = "a selection of the past";
	ui.paused = o->replay || o->event;
	if (m->source->ops->live && kills_open(o->db, KILLS_LOG | KILLS_TRACE, &ui.kills)) {
		ui_release(&ui);
		return complain(EXIT_INPUT, "out of memory");
	}
	r = model_next(m, &err);
	if (!r)
		r = term_open(want_color(o), !o->no_mouse, &err);
	if (!r) {
		ui_refreshed(&ui);
		r = loop(&ui, &err);
	}
	term_close();
	kills_close(ui.kills);
	ui_release(&ui);
	if (r)
		return complain(EXIT_INPUT, err.text[0] ? err.text : strerror(-r));
	return EXIT_DONE;
}

static int run_batch(const struct opts *o, struct model *m)
{
	struct setup setup;
	struct batch_opts b = {
		.n = o->n ? o->n : 1, .delay_ms = o->delay > 0 ? (int64_t)(o->delay * 1000) : 2000, .top = (size_t)o->top,
		.json = o->json, .domains = o->domains, .stop = &stop,
		.setup = &setup,
	};
	struct oom_err err = { 0 };
	int r;

	setup_default(&setup);
	if (o->columns)
		(void)setup_columns(&setup, oom_str_from(o->columns));
	r = batch_run(m, &b, stdout, &err);
	if (r < 0)
		return complain(EXIT_INPUT, err.text[0] ? err.text : strerror(-r));
	if (fflush(stdout) || ferror(stdout))
		return errno == EPIPE ? EXIT_DONE : complain(EXIT_INPUT, "cannot write the output");
	if (m->domain_gone)
		return complain(EXIT_NOTHING, "this memory cgroup does not exist or has no limit: that was the whole machine");
	return r ? EXIT_DONE : EXIT_NOTHING;
}

static void watch_signals(void)
{
	static const int sigs[] = { SIGTERM, SIGINT, SIGHUP };
	struct sigaction sa = { .sa_handler = on_signal };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(sigs); i++)
		sigaction(sigs[i], &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int main(int argc, char **argv)
{
	char db[4096];
	struct opts o = { 0 };
	struct source *source;
	struct model m;
	int code;

	oom_store_default_path(db, sizeof(db));
	o.db = db;
	code = parse(&o, argc, argv);
	if (code >= 0)
		return code;
	code = open_source(&o, &source);
	if (code)
		return code;
	watch_signals();
	model_init(&m, source);
	if (o.cgroup) {
		m.scope = OOM_SCOPE_MEMCG;
		snprintf(m.path, sizeof(m.path), "%s", o.cgroup);
	} else if (o.replay || o.event) {
		m.scope = OOM_SCOPE_UNKNOWN;
	}
	code = o.batch || o.json || o.domains ? run_batch(&o, &m) : run_screen(&o, &m);
	model_release(&m);
	return code;
}
