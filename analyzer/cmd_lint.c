/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens lint: policy mistakes of this machine or of stored events, each with the past event that it decided. */
#include "cmd.h"

#include <oomlens/lint.h>
#include <oomlens/render.h>

#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#define EVENTS_DEFAULT 256            /* the newest */
#define NAME_SIZE 16

struct lint {
	const struct opts *o;
	struct oom_lint l;
	struct oom_store *store;
	int64_t *id;                  /* of the events to ask, the newest first */
	char (*name)[NAME_SIZE];
	size_t n, cap;
	int code;
};

/* ---- past events -------------------------------------------------------------------------------------- */

static int on_event(void *arg, size_t n, const struct oom_value *v)
{
	struct lint *x = arg;

	if (n != 2 || v[0].kind != OOM_VALUE_INT || x->n == x->cap)
		return 0;
	x->id[x->n] = v[0].i;
	snprintf(x->name[x->n++], NAME_SIZE, "%.*s", v[1].kind == OOM_VALUE_TEXT ? (int)v[1].s.n : 0,
		 v[1].kind == OOM_VALUE_TEXT ? v[1].s.p : "");
	return 0;
}

/* The newest first.  of: a host; "" = of any. */
static int find_events(struct lint *x, const char *of, struct oom_err *reterr)
{
	static const struct oom_query_ops ops = { .row = on_event };
	char sql[600];
	int64_t one = 0;
	int r = x->o->event ? oom_store_resolve(x->store, x->o->event, &one, reterr) : 0;

	if (r < 0)
		return r;
	x->cap = x->o->all ? 100000 : x->o->top ? (size_t)x->o->top : EVENTS_DEFAULT;
	x->id = oom_malloc(x->cap * sizeof(*x->id));
	x->name = oom_malloc(x->cap * sizeof(*x->name));
	if (!x->id || !x->name)
		return oom_err_set(reterr, ENOMEM, "out of memory");
	if (x->o->event)
		snprintf(sql, sizeof(sql), "SELECT event_id, event FROM v_event WHERE event_id = %lld", (long long)one);
	else
		snprintf(sql, sizeof(sql), "SELECT event_id, event FROM v_event WHERE '%s' IN ('', hostname)"
			 " ORDER BY wall_us DESC, event_id DESC LIMIT %zu", of, x->cap);
	return oom_store_query(x->store, sql, 0, &ops, x, reterr);
}

static int ask_events(struct lint *x, struct oom_err *reterr)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && i < x->n; i++) {
		struct oom_event ev;

		r = oom_store_load(x->store, x->id[i], &ev, reterr);
		if (r < 0)
			return r;
		r = oom_lint_event(&x->l, &ev, oom_str_from(x->name[i]));
		oom_event_release(&ev);
	}
	return r < 0 ? oom_err_set(reterr, -r, "out of memory") : 0;
}

/* What goes between quotes in SQL; a host's name has nothing else in it. */
static void host_word(const char *host, char *buf, size_t size)
{
	size_t n = strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_");

	snprintf(buf, size, "%s", host[n] ? "?" : host);
}

static int of_store(struct lint *x, const char *host)
{
	struct oom_err err = { 0 };
	char of[256];
	int r;

	host_word(host, of, sizeof(of));
	r = oom_store_open(x->o->db, OOM_STORE_READ, &x->store, &err);
	if (r == 0)
		r = find_events(x, of, &err);
	if (r >= 0 && x->o->event && !x->n)
		r = oom_err_set(&err, ENOENT, "there is no event '%s' in '%s'", x->o->event, x->o->db);
	if (r >= 0)
		r = ask_events(x, &err);
	(void)oom_store_close(x->store, NULL);
	oom_free(x->id);
	oom_free(x->name);
	return r < 0 ? fail(r == -ENOENT && x->o->event ? EXIT_NOTHING : EXIT_STORE, &err) : EXIT_DONE;
}

/* ---- this moment -------------------------------------------------------------------------------------- */

static int of_moment(struct lint *x)
{
	const struct oom_sampler_opts opts = { .want = OOM_SAMPLE_ALL };
	struct oom_sampler *s = NULL;
	struct oom_sample m;
	struct oom_policy policy;
	struct oom_err err = { 0 };
	int code = EXIT_DONE;

	if (oom_sampler_open(&opts, &s, &err) < 0 || oom_sampler_next(s, &m, &err) < 0) {
		oom_sampler_close(s);
		return fail(EXIT_INPUT, &err);
	}
	oom_policy_read(NULL, &policy);
	if (oom_lint_live(&x->l, &m, &policy) < 0)
		code = out_of_memory();
	else if (!m.event->table_complete && !x->o->quiet)
		complain("not all processes may be read: run as root to look at all of them");
	oom_sampler_close(s);
	return code;
}

static int print(struct lint *x, struct oom_str host)
{
	struct oom_doc doc = { 0 };
	int r;

	if (x->o->json)
		return oom_lint_json(&x->l, host, stdout);
	r = oom_lint_explain(&x->l, host, &doc);
	if (r == 0)
		oom_render_text(&doc, x->o->width, x->o->color, stdout);
	oom_doc_release(&doc);
	return r;
}

int cmd_lint(const struct opts *o)
{
	struct lint x = { .o = o };
	bool past = o->event || o->all || o->host;
	struct utsname u;
	const char *host = past ? o->host ? o->host : "" : uname(&u) ? "" : u.nodename;
	int code = EXIT_DONE;

	if (o->nargs) {
		complain("lint takes no arguments");
		return EXIT_USAGE;
	}
	if (!past)
		code = of_moment(&x);
	if (code == EXIT_DONE && (past || access(o->db, R_OK) == 0))
		code = of_store(&x, host);
	if (code == EXIT_DONE && print(&x, host[0] ? oom_str_from(host) : OOM_STR_NULL) < 0)
		code = out_of_memory();
	if (code == EXIT_DONE && !x.l.nfindings)
		code = EXIT_NOTHING;
	oom_lint_release(&x.l);
	return finish_output(code);
}
