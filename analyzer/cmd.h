/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command layer: the only code that prints to people and chooses exit codes.  Commands and options are tables in
 * main.c; a command is one cmd_<name>.c.
 */
#ifndef OOMLENS_CMD_H
#define OOMLENS_CMD_H

#include <oomlens/event.h>
#include <oomlens/replay.h>
#include <oomlens/source.h>
#include <oomlens/store.h>

enum exit_code {
	EXIT_DONE = 0,
	EXIT_NOTHING = 1,            /* done, but nothing found */
	EXIT_USAGE = 2,
	EXIT_INPUT = 3,              /* the input could not be read or is damaged beyond use */
	EXIT_STORE = 4,
	EXIT_DISAGREES = 5,          /* --strict: an event's replay does not agree with the kernel's choice */
};

/* An option of whatif that may be given several times, in the order of the command line. */
struct edit_arg { int kind; const char *text; };      /* enum oom_edit_kind */
#define EDITS_MAX 64

/* Every option of every command; a command sees those that its row names. */
struct opts {
	const char *db;              /* never NULL once parsed */
	bool json, csv, strict, all, quiet;
	bool color;                  /* decided: --color, NO_COLOR and whether stdout is a terminal */
	unsigned width;              /* columns of the output */
	const char *event;           /* what oom_store_event_word() takes; NULL = not given */
	int64_t top;                 /* 0 = default */
	const char *host, *profile;
	struct oom_filter filter;    /* list and its kin; filter.host is host */
	bool list, sql;                               /* query */
	const char *format, *what, *output;           /* export */
	bool live, watch, allow_empty;                /* whatif */
	struct edit_arg edit[EDITS_MAX];
	size_t nedits;
	const char *spare, *apply_as;
	int64_t need_bytes, kills;   /* 0 = not given */
	int64_t timeout_us;          /* query; 0 = off */
	bool status, reclaim;                         /* record */
	int64_t once;                /* 0 = not given */
	int64_t keep_us, max_bytes, flight_us;        /* 0 = off */
	const char *without, *runtime_dir;
	const char *redact_key;                       /* report */
	bool redact;
	char **arg;                  /* what is left of the command line */
	int nargs;
};

struct cmd {
	const char *name, *args, *help, *more;
	const char *opts;            /* names of the options it takes, blank-separated */
	int (*run)(const struct opts *o);   /* returns an enum exit_code */
};
extern const struct cmd commands[];

/* To stderr: "oomlens: ..." */
void complain(const char *fmt, ...) OOM_PRINTF(1, 2);
/* Prints err and returns the exit code that its kind has (store errors are EXIT_STORE). */
int fail(int code, const struct oom_err *err);
/* Says so; EXIT_INPUT. */
int out_of_memory(void);
/* Reports a write error on stdout (full disk, closed pipe): returns code, or EXIT_INPUT if output was lost. */
int finish_output(int code);

/* "@SECONDS", "YYYY-MM-DD[ HH:MM[:SS]]" (local time; UTC with a trailing Z), "N(s|min|h|d|w) ago", now, today, yesterday. */
int parse_time(const char *text, int64_t *ret_us);
/* "N(s|min|h|d|w)", seconds without a unit, more than none; or "off", which is 0.  0 or -EINVAL. */
int parse_duration(const char *text, int64_t *ret_us);

/* ---- reading inputs, shared by explain and import ------------------------------------------------------ */

struct ingest {
	const struct opts *opts;
	const struct oom_profile *profile;    /* forced, or NULL */
	/* An event and its ranked replay; may modify neither after it returns.  Non-zero stops (an exit code). */
	int (*event)(void *arg, struct oom_event *ev, const struct oom_replay *r);
	void (*source)(void *arg, const struct oom_source_info *info, int64_t events);   /* one text is over; may be NULL */
	void *arg;
	int64_t events, texts, failed;        /* results; failed = texts that could not be read to their end */
	bool stopped;                         /* by event() or for want of memory: not every text was read */
};
/* Returns EXIT_DONE, EXIT_NOTHING, EXIT_INPUT or what event() returned.  No args = the running kernel's log. */
int ingest_run(struct ingest *in);
/* --profile: NULL if the option is not given; false and a message if there is no such profile. */
bool choose_profile(const struct opts *o, const struct oom_profile **ret);

/* --event: opens the store, loads what is named and closes it.  EXIT_DONE, or the exit code of what it complained about. */
int load_event(const struct opts *o, struct oom_event *ret);

/* -o: stdout goes to a file beside path, which takes its place when all of it was written; a device or pipe is written as it
 * is.  NULL leaves stdout alone.  EXIT_DONE or EXIT_INPUT; output_end() returns code, or EXIT_INPUT if output was lost. */
int output_begin(const char *path);
int output_end(int code);

/* export --format prometheus */
int export_metrics(const struct opts *o, struct oom_store *s);

int cmd_explain(const struct opts *o);
int cmd_import(const struct opts *o);
int cmd_list(const struct opts *o);
int cmd_analyze(const struct opts *o);
int cmd_merge(const struct opts *o);
int cmd_query(const struct opts *o);
int cmd_export(const struct opts *o);
int cmd_report(const struct opts *o);
int cmd_record(const struct opts *o);
int cmd_whatif(const struct opts *o);
int cmd_lint(const struct opts *o);

#endif
