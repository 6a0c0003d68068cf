/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libFuzzer target: any lines as edits and selectors upon one event, and what a dry run promises of every answer. */
#include <oomlens/whatif.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void make_event(struct oom_event *ev, unsigned profile)
{
	static const char *const cgroups[] = { "/a/b.service/x", "/a/c", "/a", "/a/b.service", NULL };

	oom_event_init(ev);
	ev->kernel = oom_str_from(oom_profiles[profile % oom_profile_count].name);
	ev->scope = profile & 64 ? OOM_SCOPE_GLOBAL : OOM_SCOPE_MEMCG;
	ev->oom_memcg = OOM_STR("/a");
	ev->memcg_limit_kb = ev->memcg_usage_kb = 65536;
	ev->memcg_version = 2;
	ev->page_size = 4096;
	ev->ram_pages = 20000;
	ev->reserved_pages = 0;
	ev->swap_total_kb = ev->swap_free_kb = profile & 128 ? 4096 : 0;
	ev->has_table = ev->table_complete = ev->has_mem_info = 1;
	ev->trigger_pid = 11;
	for (int i = 0; i < 8; i++) {
		struct oom_task *t = oom_event_add_task(ev);

		must(t != NULL);
		t->pid = t->tgid = 10 + i;
		t->uid = i % 2;
		t->comm = oom_str_from(i % 2 ? "db" : "web*");
		t->cgroup = oom_str_from(cgroups[i % 5]);
		t->rss_pages = 100 * (i % 4);
		t->total_vm_pages = 1000;
		t->swap_pages = 0;
		t->pgtables_bytes = 4096;
		t->nr_ptes = 1;
		t->oom_score_adj = i * 250 - 1000;
	}
}

static void check(const struct oom_whatif *w, int r, const struct oom_err *err)
{
	const struct oom_dry_run *d = &w->after;

	must(r == 0 || r == -EINVAL || r == -ENOTSUP);
	must(r == 0 || (err->code && err->text[0]));
	if (r < 0)
		return;
	must(d->winner >= -1 && d->winner < (ptrdiff_t)d->event.ntasks);
	must(w->changed || d->winner < 0 || d->origin[d->winner] == w->before.origin[w->before.winner]);
	for (size_t i = 0; i < d->event.ntasks; i++)
		must(d->origin[i] < w->event->ntasks && d->event.task[i].oom_score_adj >= -1000 &&
		     d->event.task[i].oom_score_adj <= 1000);
	for (size_t i = 0; i < w->nspares; i++)
		must(w->spare[i].adj == OOM_NA || (w->spare[i].adj >= -1000 && w->spare[i].adj <= 1000));
	/* whom a certain answer spares is not chosen */
	for (size_t i = 0; i < w->nspares; i++)
		if (w->spare[i].kind == OOM_SPARE_SOLVED && d->verdict == OOM_VERDICT_EXACT)
			must(d->winner < 0 || d->origin[d->winner] != w->spare[i].task);
}

static void run(struct oom_whatif_opts *o, unsigned profile)
{
	struct oom_event ev;
	struct oom_whatif w;
	struct oom_err err = { 0 };
	struct oom_buf lines = { 0 };
	struct oom_kill *kill;
	struct oom_need need;
	size_t n;
	int r;

	make_event(&ev, profile);
	r = oom_whatif_run(&ev, o, &w, &err);
	check(&w, r, &err);
	if (r == 0) {
		oom_whatif_need(&w, &need);
		must(oom_whatif_kills(&w, need.kb, 0, &kill, &n) == 0 && n <= ev.ntasks);
		for (int how = OOM_APPLY_CHOOM; how <= OOM_APPLY_DOCKER; how++)
			must(oom_whatif_apply(&w, o, (enum oom_apply)how, &lines) == 0);
	}
	oom_buf_release(&lines);
	oom_whatif_release(&w);
	oom_event_release(&ev);
}

/* A byte of the event, then lines: kind, text; the last kind is --spare. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct oom_edit edit[16];
	struct oom_selector spare;
	struct oom_whatif_opts o = { .edit = edit, .drift = OOM_NA };
	struct oom_str rest = { (const char *)data, size }, line;

	if (size < 2)
		return 0;
	rest = oom_str_sub(rest, 1, rest.n);
	o.allow_empty = data[0] & 32;
	while (rest.n && o.nedits < OOM_ARRAY_SIZE(edit)) {
		unsigned kind;

		if (!oom_take_until(&rest, '\n', &line)) {
			line = rest;
			rest.n = 0;
		}
		(void)oom_take_char(&rest, '\n');
		if (!line.n)
			continue;
		kind = (unsigned char)line.p[0] % (OOM_EDIT_COUNT + 1);
		line = oom_str_sub(line, 1, line.n);
		if (kind == OOM_EDIT_COUNT)
			o.spare = oom_selector_parse(line, NULL, &spare, NULL) == 0 ? &spare : o.spare;
		else
			o.nedits += oom_edit_parse((enum oom_edit_kind)kind, line, NULL, &edit[o.nedits], NULL) == 0;
	}
	run(&o, data[0]);
	return 0;
}
