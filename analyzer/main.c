/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oomlens: the command and option tables, dispatch and help.
 */
#include "cmd.h"
#include "pg.h"

#include <oomlens/whatif.h>

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

const struct cmd commands[] = {
	{ "explain", "[FILE...]", "say why the OOM killer chose its victim",
	  "Reads kernel logs of any format; '-' is stdin, no FILE is the running kernel's log.",
	  "event db json strict all top profile color quiet", cmd_explain },
	{ "import", "FILE...", "store every OOM event of logs, archives and directories",
	  "The same text imported twice is stored once.",
	  "db json host profile quiet", cmd_import },
	{ "list", "", "list stored events",
	  NULL, "db json csv since until host comm cgroup verdict top color quiet", cmd_list },
	{ "analyze", "", "rebuild the derived scores and verdicts of stored events",
	  NULL, "db json all quiet", cmd_analyze },
	{ "whatif", "[FILE]", "dry run: whom the kernel would kill with other values",
	  "Of one event of a log, of a stored event, or of this moment.  Nothing is ever changed.\n"
	  "SELECTOR is PID, comm:PATTERN, cgroup:PATH, uid:N|NAME or unit:NAME.",
	  "event live cgroup watch set spare without grow limit swap oom-group allocating-task need kills apply-as "
	  "allow-empty top db profile json color quiet", cmd_whatif },
	{ "lint", "", "find policy mistakes, with the past events that they decided",
	  "Of this machine now, with its events of the store as proof; with --event, --host or --all of stored events alone.\n"
	  "Nothing is ever changed.  1: nothing was found.",
	  "event host all top db json color quiet", cmd_lint },
	{ "query", "NAME|SQL", "answer a named report, or read-only SQL over the store",
	  "A word of small letters and '-' is the NAME of a report, '-' alone reads the SQL from stdin.  The views are described in oomlens-schema(5).\n"
	  "SQL too may have the parameters :since, :until, :host and :top.",
	  "list sql since until host top db json csv timeout color quiet", cmd_query },
	{ "export", "", "write stored events as JSON lines or CSV, or count them as Prometheus metrics",
	  "prometheus: for the textfile collector; with -o the counters go on from those in FILE, so that they never fall\n"
	  "when old events are removed.  --top is then the most series of a metric (default: 100).",
	  "format what output event since until host comm cgroup verdict top runtime-dir db quiet", cmd_export },
	{ "report", "FILE|ID", "a page of one event, to be forwarded",
	  "One HTML file that loads nothing, of the last event of a log, or of a stored one; ID may be the first digits of its\n"
	  "fingerprint.",
	  "output format:page redact redact-key event db profile quiet", cmd_report },
	{ "merge", "DEST SOURCE...", "merge stores into one",
	  "A SOURCE is a store or a directory of stores.  What is merged twice is there once; the better account of an event\n"
	  "stays.  A damaged source is reported and passed over.  DEST may be a server: postgresql://...",
	  "json quiet", cmd_merge },
	{ "record", "", "watch the OOM killer and store every kill, until stopped",
	  "SIGTERM ends it when all that was seen is stored, SIGHUP opens the store anew.\n"
	  "With --status: what the running recorder says of itself; 1 if none runs.",
	  "db once keep max-size flight reclaim without:feeds runtime-dir status json color quiet", cmd_record },
	{ .name = NULL },
};

/* ---- options ------------------------------------------------------------------------------------------- */

enum opt_kind { OPT_FLAG, OPT_TEXT, OPT_COUNT, OPT_TIME, OPT_COLOR, OPT_BYTES, OPT_EDIT, OPT_SWITCH, OPT_DURATION, OPT_EVENT };

static const struct opt {
	const char *name;             /* behind a ':' what tells it from another command's of the same name */
	char letter;
	enum opt_kind kind;
	const char *arg, *help;
	size_t offset;
} options[] = {
#define AT(m) offsetof(struct opts, m)
	{ "db", 0, OPT_TEXT, "PATH", "the store (default: $OOMLENS_DB, else the system's or your state directory)", AT(db) },
	{ "event", 0, OPT_EVENT, "ID", "a stored event: its id, or how its fingerprint begins (whatif FILE: its ID-th)", AT(event) },
	{ "live", 0, OPT_FLAG, NULL, "one sample of the running system", AT(live) },
	{ "watch", 0, OPT_FLAG, NULL, "with --live: again every second", AT(watch) },
	{ "list", 0, OPT_FLAG, NULL, "name the reports", AT(list) },
	{ "sql", 0, OPT_FLAG, NULL, "print the SQL instead of running it", AT(sql) },
	{ "format", 'f', OPT_TEXT, "FORMAT", "jsonl, csv or prometheus", AT(format) },
	{ "what", 0, OPT_TEXT, "ROWS", "csv: events, candidates or victims (default: events)", AT(what) },
	{ "output", 'o', OPT_TEXT, "FILE", "write FILE, at once when all is there, instead of standard output", AT(output) },
	{ "json", 'J', OPT_FLAG, NULL, "JSON output", AT(json) },
	{ "csv", 0, OPT_FLAG, NULL, "CSV output", AT(csv) },
	{ "strict", 0, OPT_FLAG, NULL, "exit with 5 if a replay does not agree with the kernel", AT(strict) },
	{ "all", 0, OPT_FLAG, NULL, "every row, every event", AT(all) },
	{ "top", 'n', OPT_COUNT, "N", "at most N rows", AT(top) },
	{ "profile", 0, OPT_TEXT, "NAME", "judge by the rules of this kernel (5.9 ...), whatever the log says", AT(profile) },
	{ "since", 'S', OPT_TIME, "TIME", "not before TIME: 2026-11-20 10:08, '3h ago', @SECONDS", AT(filter.since_us) },
	{ "until", 'U', OPT_TIME, "TIME", "not after TIME", AT(filter.until_us) },
	{ "host", 0, OPT_TEXT, "NAME", "this host (import: of logs that name none)", AT(host) },
	{ "comm", 0, OPT_TEXT, "PATTERN", "victims of this name", AT(filter.comm) },
	{ "cgroup", 0, OPT_TEXT, "PATTERN", "memory cgroup: its path, or a shell pattern for list", AT(filter.cgroup) },
	{ "set", 's', OPT_EDIT, "SELECTOR=ADJ", "give an oom_score_adj; +N and -N are steps, ==-N is a value", OOM_EDIT_SET },
	{ "spare", 0, OPT_TEXT, "SELECTOR", "solve for the smallest change of oom_score_adj that spares it", AT(spare) },
	{ "without", 0, OPT_EDIT, "SELECTOR", "as if it were not there", OOM_EDIT_WITHOUT },
	{ "grow", 0, OPT_EDIT, "SELECTOR=BYTES", "each of them that much larger", OOM_EDIT_GROW },
	{ "limit", 0, OPT_EDIT, "CGROUP=BYTES", "another memory limit of the cgroup that ran out", OOM_EDIT_LIMIT },
	{ "swap", 0, OPT_EDIT, "BYTES", "that much swap in all", OOM_EDIT_SWAP },
	{ "oom-group", 0, OPT_EDIT, "CGROUP=0|1", "memory.oom.group", OOM_EDIT_GROUP },
	{ "allocating-task", 0, OPT_SWITCH, "0|1", "vm.oom_kill_allocating_task", OOM_EDIT_ALLOCATING },
	{ "need", 0, OPT_BYTES, "BYTES", "kills in order until that much is freed", AT(need_bytes) },
	{ "kills", 0, OPT_COUNT, "N", "the first N kills in order", AT(kills) },
	{ "apply-as", 0, OPT_TEXT, "HOW", "print the lines that would do it: choom, systemd, kubernetes, docker", AT(apply_as) },
	{ "allow-empty", 0, OPT_FLAG, NULL, "a selector that selects nobody is no error", AT(allow_empty) },
	{ "verdict", 0, OPT_TEXT, "WORD", "exact, explained, within_drift, unexplained or insufficient", AT(filter.verdict) },
	{ "once", 0, OPT_COUNT, "N", "stop after N new events: 1 waits for the next kill", AT(once) },
	{ "keep", 0, OPT_DURATION, "TIME", "remove events that are older: 90d, 12h, 4w (default: off)", AT(keep_us) },
	{ "max-size", 0, OPT_BYTES, "BYTES", "remove the oldest events beyond that: 500M, 1G", AT(max_bytes) },
	{ "flight", 0, OPT_DURATION, "TIME", "look at the largest tasks every TIME (default: 5s), or off", AT(flight_us) },
	{ "reclaim", 0, OPT_FLAG, NULL, "also the allocator's retries before a kill", AT(reclaim) },
	{ "without:feeds", 0, OPT_TEXT, "FEEDS", "do without these: ballot,walk,trace,log", AT(without) },
	{ "runtime-dir", 0, OPT_TEXT, "DIR", "for status and spool (default: /run/oomlens, or yours)", AT(runtime_dir) },
	{ "status", 0, OPT_FLAG, NULL, "tell how the recorder is", AT(status) },
	{ "timeout", 0, OPT_DURATION, "TIME", "give up after TIME (default: 60s), or off", AT(timeout_us) },
	{ "format:page", 'f', OPT_TEXT, "FORMAT", "html, md (Markdown), or log (the lines alone)", AT(format) },
	{ "redact", 0, OPT_FLAG, NULL, "pseudonyms for every name, path and id; numbers stay", AT(redact) },
	{ "redact-key", 0, OPT_TEXT, "WORD", "the same pseudonyms in every report with the same WORD", AT(redact_key) },
	{ "color", 0, OPT_COLOR, "WHEN", "auto, always or never; NO_COLOR is honoured", AT(color) },
	{ "quiet", 'q', OPT_FLAG, NULL, "no messages but errors", AT(quiet) },
#undef AT
};

static bool takes(const struct cmd *c, const char *name)
{
	size_t n = strlen(name);

	for (const char *p = c->opts; (p = strstr(p, name)) != NULL; p += n)
		if ((p == c->opts || p[-1] == ' ') && (p[n] == ' ' || p[n] == '\0'))
			return true;
	return false;
}

static const struct opt *find_option(const struct cmd *c, const char *name, size_t n, char letter)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(options); i++) {
		const struct opt *o = &options[i];

		if (!takes(c, o->name))
			continue;
		if (letter ? o->letter == letter : strcspn(o->name, ":") == n && memcmp(o->name, name, n) == 0)
			return o;
	}
	return NULL;
}

static int usage_error(const struct cmd *c, const char *problem, const char *what)
{
	fprintf(stderr, "oomlens %s: %s '", c->name, problem);
	oom_put_safe(stderr, oom_str_from(what));
	fprintf(stderr, "'; see 'oomlens %s --help'\n", c->name);
	return EXIT_USAGE;
}

static bool want_color(const char *when, bool *ret)
{
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (!when || strcmp(when, "auto") == 0)
		*ret = isatty(STDOUT_FILENO) && !(no && *no) && !(term && strcmp(term, "dumb") == 0);
	else if (strcmp(when, "always") == 0 || strcmp(when, "never") == 0)
		*ret = when[0] == 'a';
	else
		return false;
	return true;
}

static bool set_option(struct opts *o, const struct opt *opt, const char *value)
{
	char *field = (char *)o + opt->offset;
	struct oom_str s = oom_str_from(value);
	int64_t v;
	bool on = true;

	switch (opt->kind) {
	case OPT_FLAG:
		memcpy(field, &on, sizeof(on));
		return true;
	case OPT_TEXT:
		/* an empty variable in a script: no store, host or pattern has an empty name */
		if (!*value)
			return false;
		memcpy(field, &value, sizeof(value));
		return true;
	case OPT_EVENT:
		if (oom_store_event_word(value, &v) < 0)
			return false;
		memcpy(field, &value, sizeof(value));
		return true;
	case OPT_COUNT:
		if (!oom_take_i64(&s, &v) || s.n || v <= 0)
			return false;
		memcpy(field, &v, sizeof(v));
		return true;
	case OPT_TIME:
		if (parse_time(value, &v) < 0)
			return false;
		memcpy(field, &v, sizeof(v));
		return true;
	case OPT_BYTES:
		if (!oom_take_bytes(&s, &v) || v <= 0)
			return false;
		memcpy(field, &v, sizeof(v));
		return true;
	case OPT_DURATION:
		if (parse_duration(value, &v) < 0)
			return false;
		memcpy(field, &v, sizeof(v));
		return true;
	case OPT_EDIT:
	case OPT_SWITCH:
		if (o->nedits >= EDITS_MAX)
			return false;
		o->edit[o->nedits++] = (struct edit_arg){ (int)opt->offset, value };
		return true;
	case OPT_COLOR:
		return want_color(value, &o->color);
	}
	return false;
}

/* Long options may be written --name=value or --name value, short ones -nVALUE, -n VALUE or bundled flags. */
static int parse_long(const struct cmd *c, struct opts *o, int argc, char **argv, int *i)
{
	const char *name = argv[*i] + 2, *eq = strchr(name, '=');
	const struct opt *opt = find_option(c, name, eq ? (size_t)(eq - name) : strlen(name), 0);
	const char *value = eq ? eq + 1 : NULL;

	if (!opt)
		return usage_error(c, "unknown option", argv[*i]);
	if (opt->kind == OPT_FLAG && eq)
		return usage_error(c, "no value is taken by option", argv[*i]);
	if (opt->kind == OPT_SWITCH && !value)
		value = "1";
	if (opt->kind != OPT_FLAG && !value) {
		if (*i + 1 >= argc)
			return usage_error(c, "no value for option", argv[*i]);
		value = argv[++*i];
	}
	return set_option(o, opt, value) ? 0 : usage_error(c, "not a valid value for option", argv[*i]);
}

static int parse_short(const struct cmd *c, struct opts *o, int argc, char **argv, int *i)
{
	for (const char *p = argv[*i] + 1; *p; p++) {
		const struct opt *opt = find_option(c, NULL, 0, *p);
		const char *value = NULL;

		if (!opt)
			return usage_error(c, "unknown option", argv[*i]);
		if (opt->kind != OPT_FLAG) {
			value = p[1] ? p + 1 : *i + 1 < argc ? argv[++*i] : NULL;
			if (!value)
				return usage_error(c, "no value for option", argv[*i]);
		}
		if (!set_option(o, opt, value))
			return usage_error(c, "not a valid value for option", argv[*i]);
		if (value)
			break;
	}
	return 0;
}

static void print_help(const struct cmd *c)
{
	printf("usage: oomlens %s [options] %s\n\n%c%s.\n", c->name, c->args, c->help[0] - 32, c->help + 1);
	if (c->more)
		printf("%s\n", c->more);
	printf("\noptions:\n");
	for (size_t i = 0; i < OOM_ARRAY_SIZE(options); i++) {
		const struct opt *o = &options[i];
		char left[64];

		if (!takes(c, o->name))
			continue;
		snprintf(left, sizeof(left), "%c%c%c --%.*s%s%s%s", o->letter ? '-' : ' ', o->letter ? o->letter : ' ',
			 o->letter ? ',' : ' ', (int)strcspn(o->name, ":"), o->name, o->kind == OPT_SWITCH ? "[=" : o->arg ? "=" : "",
			 o->arg ? o->arg : "", o->kind == OPT_SWITCH ? "]" : "");
		printf("  %-27s %s\n", left, o->help);
	}
	printf("  %-27s %s\n", "-h, --help", "this text");
}

static void print_usage(FILE *out)
{
	fprintf(out, "usage: oomlens COMMAND [options] [arguments]\n\n"
		"Kernel OOM kills, explained by the kernel's own arithmetic.\n\ncommands:\n");
	for (const struct cmd *c = commands; c->name; c++)
		fprintf(out, "  %-9s %s\n", c->name, c->help);
	fprintf(out, "\n'oomlens COMMAND --help' tells more.  'oomlens --version' prints the version.\n"
		"Exit status: 0 done, 1 nothing found, 2 usage, 3 input, 4 store, 5 (--strict) disagreement.\n");
}

/* ---- defaults ------------------------------------------------------------------------------------------ */

static void make_parents(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')) != NULL; p++) {
		*p = '\0';
		(void)mkdir(path, 0755);         /* what cannot be made is reported when the store is opened */
		*p = '/';
	}
}

/* Only who writes makes the directory: reading a log leaves nothing behind. */
static const char *default_db(bool writes)
{
	static char path[4096];
	const char *env = getenv("OOMLENS_DB");

	oom_store_default_path(path, sizeof(path));
	if (writes && !(env && *env))
		make_parents(path);
	return path;
}

static unsigned output_width(void)
{
	struct winsize ws;
	const char *env = getenv("COLUMNS");
	struct oom_str s = oom_str_from(env ? env : "");
	int64_t n = 0;

	if (!oom_take_i64(&s, &n) || s.n)
		n = 0;
	if (n <= 0 && isatty(STDOUT_FILENO) && ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0)
		n = ws.ws_col;
	if (n <= 0)
		n = 80;
	return n < 40 ? 40 : n > 200 ? 200 : (unsigned)n;
}

/* ---- shared by the commands ---------------------------------------------------------------------------- */

void complain(const char *fmt, ...)
{
	char text[8192];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	fflush(stdout);
	fputs("oomlens: ", stderr);
	oom_put_safe(stderr, oom_str_from(text));
	fputc('\n', stderr);
}

int fail(int code, const struct oom_err *err)
{
	fflush(stdout);
	fputs("oomlens: ", stderr);
	oom_put_safe(stderr, oom_str_from(err->text));
	fputc('\n', stderr);
	return code;
}

int out_of_memory(void)
{
	complain("out of memory");
	return EXIT_INPUT;
}

int load_event(const struct opts *o, struct oom_event *ret)
{
	struct oom_store *store = NULL;
	struct oom_err err = { 0 };
	int64_t id;
	int r = oom_store_open(o->db, OOM_STORE_READ, &store, &err);

	if (r < 0)
		return fail(EXIT_STORE, &err);
	r = oom_store_resolve(store, o->event, &id, &err);
	if (!r)
		r = oom_store_load(store, id, ret, &err);
	(void)oom_store_close(store, NULL);
	if (r < 0)
		return fail(r == -ENOENT ? EXIT_NOTHING : r == -ENOTUNIQ ? EXIT_USAGE : EXIT_STORE, &err);
	return EXIT_DONE;
}

int finish_output(int code)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return code;
	if (errno == EPIPE)
		return code;
	complain("cannot write the output: %s", strerror(errno));
	return EXIT_INPUT;
}

/* ---- dispatch ------------------------------------------------------------------------------------------ */

static int run(const struct cmd *c, int argc, char **argv)
{
	struct opts o = { .width = output_width(), .flight_us = 5000000, .timeout_us = 60000000 };
	bool only_args = false;
	int r = 0;

	o.arg = argv;                            /* arguments are moved to the front */
	want_color(NULL, &o.color);
	for (int i = 0; i < argc; i++) {
		const char *a = argv[i];

		if (only_args || a[0] != '-' || a[1] == '\0')
			o.arg[o.nargs++] = argv[i];
		else if (strcmp(a, "--") == 0)
			only_args = true;
		else if (strcmp(a, "-h") == 0 || strcmp(a, "--help") == 0)
			return print_help(c), finish_output(EXIT_DONE);
		else if (a[1] == '-')
			r = parse_long(c, &o, argc, argv, &i);
		else
			r = parse_short(c, &o, argc, argv, &i);
		if (r)
			return r;
	}
	if (!o.db)
		o.db = default_db(c->run == cmd_import || (c->run == cmd_record && !o.status));
	if (takes(c, "db") && c->run != cmd_query && oom_pg_names_server(o.db)) {
		complain("%s needs a store: --db names a server, where only query reads and merge writes", c->name);
		return EXIT_USAGE;
	}
	o.filter.host = o.host;
	o.filter.limit = o.top;
	return finish_output(c->run(&o));
}

/* A caller may have closed the standard streams.  A file opened later would take the place of one of them, and
 * messages would be written into it: the places are filled, each so that its use still fails. */
static void fill_standard_streams(void)
{
	int fd;

	for (fd = 0; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

static const struct cmd *find_command(const char *name)
{
	for (const struct cmd *c = commands; c->name; c++)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

int main(int argc, char **argv)
{
	const char *name = argc > 1 ? argv[1] : "";
	const struct cmd *c;

	fill_standard_streams();
	if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0)
		return printf("oomlens %s\n", OOMLENS_VERSION), finish_output(EXIT_DONE);
	if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || (strcmp(name, "help") == 0 && argc == 2))
		return print_usage(stdout), finish_output(EXIT_DONE);
	if (strcmp(name, "help") == 0) {
		c = find_command(argv[2]);
		if (c)
			return print_help(c), finish_output(EXIT_DONE);
		name = argv[2];
	}
	c = find_command(name);
	if (c)
		return run(c, argc - 2, argv + 2);
	if (*name)
		complain("unknown command '%s'", name);
	print_usage(stderr);
	return EXIT_USAGE;
}
