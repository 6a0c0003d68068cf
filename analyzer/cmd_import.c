/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens import: logs -> store, all or nothing. */
#include "cmd.h"

struct import {
	struct oom_store *store;
	struct oom_err err;
	int64_t added, known;
};

static int on_event(void *arg, struct oom_event *ev, const struct oom_replay *r)
{
	struct import *im = arg;
	int64_t id;
	int got = oom_store_put(im->store, ev, r, &id, &im->err);

	if (got < 0)
		return fail(EXIT_STORE, &im->err);
	im->added += got == 1;
	im->known += got == 0;
	return 0;
}

static void report(const struct opts *o, const struct import *im, const struct ingest *in)
{
	if (o->json)
		printf("{\"schema\": \"oomlens.import/1\", \"texts\": %lld, \"failed\": %lld, \"added\": %lld, \"known\": %lld}\n",
		       (long long)in->texts, (long long)in->failed, (long long)im->added, (long long)im->known);
	else if (!o->quiet)
		printf("%lld new event%s, %lld known already, from %lld text%s\n", (long long)im->added, im->added == 1 ? "" : "s",
		       (long long)im->known, (long long)in->texts, in->texts == 1 ? "" : "s");
}

/* One transaction: a failed import leaves the store as it was.  A text that could not be read to its end is no
 * failure of the import: its good events count. */
static int import_all(const struct opts *o, const struct oom_profile *profile, struct import *im)
{
	struct ingest in = { .opts = o, .profile = profile, .event = on_event, .arg = im };
	int code;

	if (oom_store_begin(im->store, &im->err) < 0)
		return fail(EXIT_STORE, &im->err);
	code = ingest_run(&in);
	if (in.stopped) {
		oom_store_rollback(im->store);
		return code;
	}
	if (oom_store_commit(im->store, &im->err) < 0)
		return fail(EXIT_STORE, &im->err);
	report(o, im, &in);
	return code;
}

int cmd_import(const struct opts *o)
{
	const struct oom_profile *profile;
	struct import im = { 0 };
	int code;

	if (!o->nargs) {
		complain("import needs a file, a directory or '-'; see 'oomlens import --help'");
		return EXIT_USAGE;
	}
	if (!choose_profile(o, &profile))
		return EXIT_USAGE;
	if (oom_store_open(o->db, OOM_STORE_WRITE, &im.store, &im.err) < 0)
		return fail(EXIT_STORE, &im.err);
	code = import_all(o, profile, &im);
	if (oom_store_close(im.store, &im.err) < 0 && code != EXIT_STORE)
		code = fail(EXIT_STORE, &im.err);
	return code;
}
