/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens analyze: judge stored events again, with this version's rules. */
#include "cmd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Events per transaction: an interrupted run keeps what it has done. */
#define BATCH 200

struct work {
	struct oom_store *store;
	struct oom_err err;
	int64_t analyzed, changed, damaged;
};

static int judge(struct work *w, const struct oom_event *ev)
{
	struct oom_replay r;
	int e = oom_replay_run(ev, NULL, &r);

	if (!e)
		e = oom_replay_rank(&r);
	if (e)
		(void)oom_err_set(&w->err, -e, "cannot replay event %lld: %s", (long long)ev->id,
				  strerror(-e));
	else
		e = oom_store_analyze(w->store, &r, &w->err);
	oom_replay_release(&r);
	return e;
}

/* An event that cannot be loaded is reported and left as it is. */
static int analyze_one(void *arg, int64_t id)
{
	struct work *w = arg;
	struct oom_event ev;
	struct oom_err err = { 0 };
	int r = oom_store_load(w->store, id, &ev, &err);

	if (r == -EBADMSG) {
		fail(EXIT_STORE, &err);
		w->damaged++;
		return 0;
	}
	if (r < 0) {
		w->err = err;
		return r;
	}
	r = judge(w, &ev);
	oom_event_release(&ev);
	if (r < 0)
		return r;
	w->changed += r;
	if (++w->analyzed % BATCH)
		return 0;
	r = oom_store_commit(w->store, &w->err);
	return r ? r : oom_store_begin(w->store, &w->err);
}

static int analyze_all(const struct opts *o, struct work *w)
{
	struct oom_filter f = { .stale = o->all ? NULL : OOMLENS_VERSION };

	if (oom_store_begin(w->store, &w->err) < 0 ||
	    oom_store_each(w->store, &f, analyze_one, w, &w->err) < 0 ||
	    oom_store_commit(w->store, &w->err) < 0)
		return fail(EXIT_STORE, &w->err);
	if (o->json)
		printf("{\"schema\": \"oomlens.analyze/1\", \"analyzed\": %lld, \"changed\": %lld, "
		       "\"damaged\": %lld}\n",
		       (long long)w->analyzed, (long long)w->changed, (long long)w->damaged);
	else if (!o->quiet)
		printf("%lld event%s analyzed, %lld verdict%s changed\n", (long long)w->analyzed,
		       w->analyzed == 1 ? "" : "s", (long long)w->changed, w->changed == 1 ? "" : "s");
	return w->damaged ? EXIT_STORE : EXIT_DONE;
}

int cmd_analyze(const struct opts *o)
{
	struct work w = { 0 };
	int code;

	if (o->nargs) {
		complain("analyze takes no argument: '%s'", o->arg[0]);
		return EXIT_USAGE;
	}
	if (access(o->db, F_OK) < 0) {           /* opening it for writing would make one */
		oom_err_set(&w.err, errno, "cannot open '%s': %s", o->db, strerror(errno));
		return fail(EXIT_STORE, &w.err);
	}
	if (oom_store_open(o->db, OOM_STORE_WRITE, &w.store, &w.err) < 0)
		return fail(EXIT_STORE, &w.err);
	code = analyze_all(o, &w);
	if (oom_store_close(w.store, &w.err) < 0 && code != EXIT_STORE)
		code = fail(EXIT_STORE, &w.err);
	return code;
}
