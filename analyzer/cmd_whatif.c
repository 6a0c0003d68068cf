/* SPDX-License-Identifier: GPL-2.0-or-later */
/* oomlens whatif: the dry run of a past event or of this moment.  Nothing is ever written to the system. */
#include "cmd.h"

#include <oomlens/render.h>
#include <oomlens/sample.h>
#include <oomlens/whatif.h>

#include <errno.h>
#include <pwd.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

struct whatif {
	const struct opts *o;
	struct oom_edit edit[EDITS_MAX];
	struct oom_selector spare;
	struct oom_whatif_opts opts;
	enum oom_apply apply;
	struct oom_whatif_answer answer;

	struct oom_event event;          /* of a log */
	int64_t events, want;            /* how many it holds, and which is meant */
};

/* ---- the command line ------------------------------------------------------------------------------- */

static int64_t uid_of(const char *name)
{
	const struct passwd *pw = getpwnam(name);

	return pw ? (int64_t)pw->pw_uid : OOM_NA;
}

static bool parse_edits(struct whatif *x)
{
	struct oom_err err = { 0 };
	const struct opts *o = x->o;

	for (size_t i = 0; i < o->nedits; i++)
		if (oom_edit_parse((enum oom_edit_kind)o->edit[i].kind, oom_str_from(o->edit[i].text), uid_of,
				   &x->edit[i], &err) < 0) {
			fail(EXIT_USAGE, &err);
			return false;
		}
	if (o->spare && oom_selector_parse(oom_str_from(o->spare), uid_of, &x->spare, &err) < 0) {
		fail(EXIT_USAGE, &err);
		return false;
	}
	x->opts.edit = x->edit;
	x->opts.nedits = o->nedits;
	x->opts.spare = o->spare ? &x->spare : NULL;
	x->opts.allow_empty = o->allow_empty;
	x->opts.drift = OOM_NA;
	return true;
}

static bool parse_apply(struct whatif *x)
{
	if (!x->o->apply_as)
		return true;
	for (int i = 1; oom_apply_names[i]; i++)
		if (!strcmp(x->o->apply_as, oom_apply_names[i]))
			x->apply = (enum oom_apply)i;
	if (!x->apply)
		complain("--apply-as knows choom, systemd, kubernetes and docker, not '%s'", x->o->apply_as);
	return x->apply != OOM_APPLY_NONE;
}

static bool check_input(const struct opts *o)
{
	const char *problem = NULL;

	if ((o->live && (o->nargs || o->event)) || (!o->live && !o->nargs && !o->event))
		problem = "whatif takes a FILE, --event ID or --live";
	else if (o->nargs > 1)
		problem = "whatif takes one FILE";
	else if ((o->filter.cgroup || o->watch) && !o->live)
		problem = "--cgroup and --watch go with --live";
	if (problem)
		complain("%s", problem);
	return !problem;
}

/* ---- the answer ------------------------------------------------------------------------------------- */

static int print_answer(const struct whatif *x)
{
	struct oom_doc doc = { 0 };
	int r;

	if (x->o->json)
		return oom_whatif_json(&x->answer, stdout);
	r = oom_whatif_explain(&x->answer, &doc);
	if (r == 0)
		oom_render_text(&doc, x->o->width, x->o->color, stdout);
	oom_doc_release(&doc);
	if (r == 0 && x->answer.apply.n)
		printf("\nTo make it real (nothing was run)\n%.*s", (int)x->answer.apply.n, x->answer.apply.p);
	return r;
}

static int complete(struct whatif *x, struct oom_whatif *w, struct oom_buf *lines)
{
	struct oom_kill *kill;
	int64_t until = x->o->need_bytes ? (x->o->need_bytes + 1023) / 1024 : OOM_NA;
	size_t max = x->o->kills ? (size_t)x->o->kills : until == OOM_NA ? 1 : 0;
	int r;

	oom_whatif_need(w, &x->answer.need);
	if (until != OOM_NA)
		x->answer.need = (struct oom_need){ .kb = until };
	r = oom_whatif_kills(w, until, max, &kill, &x->answer.nkills);
	x->answer.kill = kill;
	if (r == 0)
		r = oom_whatif_apply(w, &x->opts, x->apply, lines);
	x->answer.w = w;
	x->answer.opts = &x->opts;
	x->answer.top = x->o->top ? (size_t)x->o->top : 0;
	x->answer.apply = (struct oom_str){ lines->p, lines->n };
	return r;
}

static int answer(struct whatif *x, const struct oom_event *ev)
{
	struct oom_err err = { 0 };
	struct oom_buf lines = { 0 };
	struct oom_whatif w;
	int r = oom_whatif_run(ev, &x->opts, &w, &err), code = EXIT_DONE;

	if (r < 0)
		code = fail(r == -EINVAL ? EXIT_USAGE : EXIT_INPUT, &err);
	else if (complete(x, &w, &lines) < 0 || print_answer(x) < 0)
		code = out_of_memory();
	x->answer = (struct oom_whatif_answer){ 0 };      /* it pointed into what ends here */
	oom_buf_release(&lines);
	oom_whatif_release(&w);
	return code;
}

/* ---- past events ------------------------------------------------------------------------------------ */

static int on_event(void *arg, struct oom_event *ev, const struct oom_replay *r)
{
	struct whatif *x = arg;

	(void)r;
	if (++x->events != x->want)
		return 0;
	return oom_event_clone(&x->event, ev) < 0 ? out_of_memory() : 0;
}

static int of_log(struct whatif *x)
{
	struct ingest in = { .opts = x->o, .profile = x->opts.profile, .event = on_event, .arg = x };
	int code;

	x->want = 1;
	if (x->o->event && oom_store_event_word(x->o->event, &x->want) != 1) {
		complain("of a log --event takes a number, not '%s'", x->o->event);
		return EXIT_USAGE;
	}
	code = ingest_run(&in);
	if (code == EXIT_NOTHING)
		complain("no OOM event in '%s'", x->o->arg[0]);
	if (code != EXIT_DONE)
		return code;
	if (!x->o->event && x->events > 1) {
		complain("'%s' holds %lld events: say which with --event N", x->o->arg[0], (long long)x->events);
		return EXIT_USAGE;
	}
	if (x->want > x->events) {
		complain("'%s' holds %lld events, not %lld", x->o->arg[0], (long long)x->events, (long long)x->want);
		return EXIT_NOTHING;
	}
	return answer(x, &x->event);
}

static int of_store(struct whatif *x)
{
	int code = load_event(x->o, &x->event);

	return code == EXIT_DONE ? answer(x, &x->event) : code;
}

/* ---- this moment ------------------------------------------------------------------------------------ */

static const struct oom_domain *find_domain(const struct oom_sample *m, const char *path)
{
	struct oom_str want = oom_str_from(path);

	if (!path)
		return &m->domain[0];
	while (want.n > 1 && want.p[want.n - 1] == '/')
		want.n--;
	for (size_t i = 0; i < m->ndomains; i++)
		if (m->domain[i].scope == OOM_SCOPE_MEMCG && oom_str_eq(m->domain[i].path, want))
			return &m->domain[i];
	for (size_t i = 0; i < m->ncgroups; i++) {
		int32_t up = m->cgroup[i].parent;

		if (!oom_str_eq(m->cgroup[i].path, want))
			continue;
		while (up >= 0 && m->cgroup[up].domain < 0)
			up = m->cgroup[up].parent;
		if (up < 0)
			complain("the cgroup '%s' has no memory limit, nor has one above it: leave --cgroup out", path);
		else
			complain("the cgroup '%s' has no memory limit of its own: it runs out with '%.*s'", path,
				 (int)m->cgroup[up].path.n, m->cgroup[up].path.p);
		return NULL;
	}
	complain("there is no memory cgroup '%s'", path);
	return NULL;
}

/* cgroup v1 knows no groups, and of v2 only the few with the file set matter. */
static int find_groups(struct whatif *x, struct oom_sampler *s, const struct oom_sample *m, struct oom_str **ret)
{
	size_t n = 0;

	*ret = NULL;
	if (m->cgroup_version != 2)
		return 0;
	*ret = oom_malloc((m->ncgroups + 1) * sizeof(**ret));
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < m->ncgroups; i++)
		if (m->cgroup[i].ntasks_below && oom_sampler_group(s, i) == 1)
			(*ret)[n++] = m->cgroup[i].path;
	x->opts.group = *ret;
	x->opts.ngroups = n;
	return 0;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int of_sample(struct whatif *x, struct oom_sampler *s)
{
	struct oom_err err = { 0 };
	struct oom_sample m;
	struct oom_event view;
	struct oom_str *groups = NULL;
	const struct oom_domain *d;
	int code;

	if (oom_sampler_next(s, &m, &err) < 0)
		return fail(EXIT_INPUT, &err);
	d = find_domain(&m, x->o->filter.cgroup);
	if (!d)
		return EXIT_INPUT;
	if (oom_sampler_view(s, d, &view) < 0 || find_groups(x, s, &m, &groups) < 0)
		return out_of_memory();
	view.oom_group = 0;              /* each victim's group is found anew */
	/* each of two rows may be off, and in opposite directions */
	x->opts.drift = 2 * m.drift_pages;
	x->answer.sample_us = view.wall_us;
	x->answer.took_us = m.info.took_us;
	x->answer.age_us = now_us() - view.wall_us;
	code = answer(x, &view);
	oom_free(groups);
	return code;
}

static int of_moment(struct whatif *x)
{
	const struct oom_sampler_opts opts = { .want = OOM_SAMPLE_ALL };
	struct oom_sampler *s = NULL;
	struct oom_err err = { 0 };
	int code;

	if (oom_sampler_open(&opts, &s, &err) < 0)
		return fail(EXIT_INPUT, &err);
	code = of_sample(x, s);
	while (x->o->watch && code == EXIT_DONE && !ferror(stdout)) {
		if (!x->o->json)
			putchar('\n');
		fflush(stdout);
		sleep(1);
		code = of_sample(x, s);
	}
	oom_sampler_close(s);
	return code;
}

int cmd_whatif(const struct opts *o)
{
	struct whatif x = { .o = o, .answer = { .sample_us = OOM_NA, .took_us = OOM_NA, .age_us = OOM_NA } };
	int code = EXIT_USAGE;

	if (check_input(o) && choose_profile(o, &x.opts.profile) && parse_edits(&x) && parse_apply(&x))
		code = o->live ? of_moment(&x) : o->nargs ? of_log(&x) : of_store(&x);
	oom_event_release(&x.event);
	return code;
}
