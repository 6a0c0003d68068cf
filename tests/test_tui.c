/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * oomtop's screens as text.  tests/screens/NAME.keys says what is shown and what is typed, NAME.txt what must be seen:
 *
 *   demo 80x24 | log FILE 80x24     the source and the size of the screen; first line
 *   key NAME...                     F8, Enter, Esc, Up ..., or a character
 *   type TEXT                       the characters of TEXT
 *   pass                            one more pass of the source
 *   kill SECS PID COMM CGROUP DOMAIN   a kill SECS seconds ago; DOMAIN "global": the machine ran out
 *   size 132x50
 *   show                            the screen goes to the text; styles: as letters
 *
 * UPDATE=1 rewrites the texts: read the diff.
 */
#include "unit.h"

#include "../tui/term.h"
#include "../tui/ui.h"

#include <oomlens/fact.h>
#include <oomlens/parse.h>
#include <oomlens/store.h>

#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* ---- the grid ------------------------------------------------------------------------------------------ */

static void text_is(const struct grid *g, const char *want)
{
	char *text = NULL;
	size_t n = 0;
	FILE *out = open_memstream(&text, &n);

	assert_non_null(out);
	grid_text(g, false, out);
	fclose(out);
	assert_string_equal(text, want);
	free(text);
}

static void hostile_bytes_never_reach_a_cell(void **state)
{
	struct grid g = { 0 };

	(void)state;
	assert_int_equal(grid_resize(&g, 24, 2), 0);
	assert_int_equal(grid_put(&g, 0, 0, STYLE_PLAIN, OOM_STR("a\033[31mb\xff")), 1 + 4 + 4 + 1 + 4);
	grid_put(&g, 0, 1, STYLE_PLAIN, OOM_STR("\xe2\x80\xae" "evil"));
	text_is(&g, "a\\x1b[31mb\\xff\n\\xe2\\x80\\xaeevil\n");
	grid_release(&g);
}

static void wide_characters_are_never_halved(void **state)
{
	struct grid g = { 0 };

	(void)state;
	assert_int_equal(grid_resize(&g, 5, 3), 0);
	assert_int_equal(grid_put(&g, 0, 0, STYLE_PLAIN, OOM_STR("日本語")), 6);
	grid_put(&g, 1, 1, STYLE_PLAIN, OOM_STR("日本"));
	grid_put(&g, 2, 1, STYLE_PLAIN, OOM_STR("x"));
	assert_int_equal(grid_field(&g, 0, 2, 4, false, STYLE_PLAIN, OOM_STR("日本語")), 4);
	text_is(&g, "日本\n  x本\n日…\n");
	grid_release(&g);
}

static void a_field_is_cut_and_aligned(void **state)
{
	struct grid g = { 0 };

	(void)state;
	assert_int_equal(grid_resize(&g, 12, 4), 0);
	grid_field(&g, 0, 0, 6, true, STYLE_PLAIN, OOM_STR("123"));
	grid_put(&g, 6, 0, STYLE_PLAIN, OOM_STR("|"));
	grid_field(&g, 0, 1, 6, true, STYLE_PLAIN, OOM_STR("1234567"));
	grid_field(&g, 0, 2, 6, false, STYLE_PLAIN, OOM_STR("ab"));
	grid_put(&g, 6, 2, STYLE_PLAIN, OOM_STR("|"));
	g.ascii = true;
	grid_field(&g, 0, 3, 6, false, STYLE_PLAIN, OOM_STR("é1234567"));
	text_is(&g, "   123|\n12345…\nab    |\n?1234~\n");
	grid_put(&g, -3, 0, STYLE_PLAIN, OOM_STR("abcde"));
	grid_put(&g, 0, 9, STYLE_PLAIN, OOM_STR("nowhere"));
	text_is(&g, "de 123|\n12345…\nab    |\n?1234~\n");
	grid_release(&g);
}

static void every_key_means_one_thing_in_its_place(void **state)
{
	(void)state;
	for (unsigned place = 1; place < PLACE_ALL; place <<= 1)
		for (size_t i = 0; i < nbindings; i++)
			for (size_t k = 0; k < OOM_ARRAY_SIZE(bindings[i].key) && bindings[i].key[k]; k++)
				if (bindings[i].places & place)
					assert_int_equal(key_action(bindings[i].key[k], place), bindings[i].action);
}

/* ---- screens ------------------------------------------------------------------------------------------- */

static const struct { const char *name; int key; } names[] = {
	{ "F1", TERM_F1 }, { "F2", TERM_F2 }, { "F3", TERM_F3 }, { "F4", TERM_F4 }, { "F5", TERM_F5 }, { "F6", TERM_F6 },
	{ "F7", TERM_F7 }, { "F8", TERM_F8 }, { "F10", TERM_F10 }, { "Enter", TERM_ENTER }, { "Esc", TERM_ESC }, { "Up", TERM_UP },
	{ "Down", TERM_DOWN }, { "PgUp", TERM_PAGE_UP }, { "PgDn", TERM_PAGE_DOWN }, { "Home", TERM_HOME }, { "End", TERM_END },
	{ "Left", TERM_LEFT }, { "Right", TERM_RIGHT }, { "Tab", TERM_TAB }, { "Bksp", TERM_BACKSPACE }, { "Space", ' ' },
};

static int key_named(const char *name)
{
	for (size_t i = 0; i < OOM_ARRAY_SIZE(names); i++)
		if (!strcmp(names[i].name, name))
			return names[i].key;
	assert_int_equal(strlen(name), 1);
	return (unsigned char)name[0];
}

static void event_of(const char *path, struct oom_event *ret)
{
	struct oom_input *in;
	struct oom_parser *p;
	struct oom_line line;
	struct oom_err err = { 0 };

	assert_int_equal(oom_input_open(&path, 1, &in, &err), 0);
	assert_int_equal(oom_parser_new(&p), 0);
	assert_int_equal(oom_input_next_text(in, &err), 1);
	while (oom_input_next_line(in, false, &line, &err) == 1)
		assert_int_equal(oom_parser_feed(p, &line), 0);
	assert_int_equal(oom_parser_finish(p), 0);
	assert_int_equal(oom_parser_take(p, ret), 1);
	oom_parser_free(p);
	oom_input_close(in);
}

static void begin(char *line, struct model *m, struct ui *ui)
{
	char *kind = strtok(line, " "), *file = strcmp(kind, "log") ? NULL : strtok(NULL, " "), *size = strtok(NULL, " ");
	struct oom_err err = { 0 };
	struct oom_event ev;
	struct source *s;
	int w, h;

	if (file) {
		event_of(file, &ev);
		assert_int_equal(source_event(&ev, &s), 0);
	} else {
		assert_int_equal(source_demo(&s), 0);
	}
	model_init(m, s);
	if (file)
		m->scope = OOM_SCOPE_UNKNOWN;
	assert_int_equal(ui_init(ui, m, NULL), 0);
	assert_int_equal(sscanf(size, "%dx%d", &w, &h), 2);
	assert_int_equal(grid_resize(&ui->grid, w, h), 0);
	assert_int_equal(model_next(m, &err), 0);
	ui_refreshed(ui);
	ui_draw(ui);
}

static void add_kill(struct ui *ui, const char *text)
{
	struct kill k = { 0 };
	long long ago, pid;

	if (!ui->kills)
		assert_int_equal(kills_open(NULL, 0, &ui->kills), 0);
	ui->wall_us = INT64_C(1700000000000000);
	assert_int_equal(sscanf(text, "%lld %lld %15s %255s %255s", &ago, &pid, k.comm, k.cgroup, k.domain), 5);
	k.wall_us = ui->wall_us - ago * 1000000;
	k.pid = pid;
	k.global = !strcmp(k.domain, "global");
	if (k.global)
		k.domain[0] = '\0';
	kills_add(ui->kills, &k);
}

static void step(char *line, struct ui *ui, FILE *out)
{
	char *word = strtok(line, " "), *arg;
	struct oom_err err = { 0 };
	int w, h;

	if (!strcmp(word, "key")) {
		while ((arg = strtok(NULL, " ")) != NULL)
			ui_key(ui, key_named(arg), 0, 0);
	} else if (!strcmp(word, "type")) {
		for (arg = strtok(NULL, ""); *arg; arg++)
			ui_key(ui, (unsigned char)*arg, 0, 0);
	} else if (!strcmp(word, "click")) {
		assert_int_equal(sscanf(strtok(NULL, ""), "%d %d", &w, &h), 2);
		ui_key(ui, TERM_CLICK, w, h);
	} else if (!strcmp(word, "pass")) {
		assert_int_equal(model_next(ui->m, &err), 0);
		ui_refreshed(ui);
	} else if (!strcmp(word, "kill")) {
		add_kill(ui, strtok(NULL, ""));
	} else if (!strcmp(word, "size")) {
		assert_int_equal(sscanf(strtok(NULL, ""), "%dx%d", &w, &h), 2);
		assert_int_equal(grid_resize(&ui->grid, w, h), 0);
	} else {
		bool styles = !strcmp(word, "styles");

		assert_true(styles || !strcmp(word, "show"));
		ui_draw(ui);
		fprintf(out, "---- %s\n", word);
		grid_text(&ui->grid, styles, out);
	}
	ui_draw(ui);
}

static char *play(const char *path)
{
	char line[256], *text = NULL;
	size_t n = 0;
	FILE *in = fopen(path, "r"), *out = open_memstream(&text, &n);
	struct model m;
	struct ui ui;

	assert_non_null(in);
	assert_non_null(out);
	assert_non_null(fgets(line, sizeof(line), in));
	line[strcspn(line, "\n")] = '\0';
	begin(line, &m, &ui);
	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] && line[0] != '#')
			step(line, &ui, out);
	}
	fprintf(out, "---- %s\n", ui.quit ? "quit" : "on");
	fclose(in);
	fclose(out);
	kills_close(ui.kills);
	ui_release(&ui);
	model_release(&m);
	return text;
}

static void compare(const char *path, const char *got)
{
	static char want[1 << 18];
	char name[300];
	FILE *f;
	size_t n;

	snprintf(name, sizeof(name), "%.*stxt", (int)(strlen(path) - 4), path);
	if (getenv("UPDATE")) {
		f = fopen(name, "w");
		assert_non_null(f);
		fputs(got, f);
		fclose(f);
	}
	f = fopen(name, "r");
	if (!f)
		fail_msg("%s is missing", name);
	n = fread(want, 1, sizeof(want) - 1, f);
	want[n] = '\0';
	fclose(f);
	if (strcmp(want, got))
		fail_msg("%s: the screens differ; got:\n%s", name, got);
}

static void screens_are_as_they_were_read(void **state)
{
	glob_t g;

	(void)state;
	setenv("TZ", "UTC", 1);
	assert_int_equal(glob("tests/screens/*.keys", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++) {
		char *got = play(g.gl_pathv[i]);

		compare(g.gl_pathv[i], got);
		free(got);
	}
	globfree(&g);
}

/* No size makes it write beyond its cells (the sanitizers watch), and every view can be drawn at each. */
static void any_size_is_drawn(void **state)
{
	static const int sizes[][2] = { { 1, 1 }, { 10, 3 }, { 20, 7 }, { 40, 8 }, { 80, 5 }, { 300, 100 } };
	struct oom_err err = { 0 };
	struct source *s;
	struct model m;
	struct ui ui;

	(void)state;
	assert_int_equal(source_demo(&s), 0);
	model_init(&m, s);
	assert_int_equal(ui_init(&ui, &m, NULL), 0);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(sizes); i++) {
		assert_int_equal(grid_resize(&ui.grid, sizes[i][0], sizes[i][1]), 0);
		for (const char *k = "1jjG2jG3G4?G\033w\033f"; *k; k++) {
			assert_int_equal(model_next(&m, &err), 0);
			ui_refreshed(&ui);
			ui_key(&ui, *k, 0, 0);
			ui_draw(&ui);
		}
		ui_key(&ui, TERM_ESC, 0, 0);
	}
	ui_release(&ui);
	model_release(&m);
}

/* ---- the model ----------------------------------------------------------------------------------------- */

static void undoing_every_change_gives_the_ranking_back(void **state)
{
	struct oom_err err = { 0 };
	struct source *s;
	struct model m;
	struct row before[64];

	(void)state;
	assert_int_equal(source_demo(&s), 0);
	model_init(&m, s);
	assert_int_equal(model_next(&m, &err), 0);
	memcpy(before, m.row, m.nrows * sizeof(*before));
	for (size_t i = 0; i < 40; i++)
		assert_int_equal(model_set_adj(&m, i * 7 % m.nrows, (int64_t)i * 97 % 2001 - 1000), 0);
	assert_true(m.nchanges > 10);
	for (size_t i = 0; i < m.nrows; i++)
		assert_true(m.row[i].task < m.nrows);
	assert_int_equal(model_undo(&m, true), 0);
	assert_memory_equal(before, m.row, m.nrows * sizeof(*before));
	/* a value set back by hand is no change either */
	assert_int_equal(model_set_adj(&m, 3, 5), 0);
	assert_int_equal(m.nchanges, 1);
	model_release(&m);
}

static void a_protected_process_is_no_candidate(void **state)
{
	struct oom_err err = { 0 };
	struct source *s;
	struct model m;
	int64_t pid, second;

	(void)state;
	assert_int_equal(source_demo(&s), 0);
	model_init(&m, s);
	assert_int_equal(model_next(&m, &err), 0);
	pid = model_task(&m, model_victim(&m, 1))->pid;
	second = model_task(&m, model_victim(&m, 2))->pid;
	assert_int_equal(model_set_adj(&m, 0, -1000), 0);
	assert_int_equal(model_task(&m, model_victim(&m, 1))->pid, second);
	for (size_t i = 0; i < m.nrows; i++)
		if (model_task(&m, &m.row[i])->pid == pid) {
			assert_int_equal(m.row[i].place, 0);
			assert_int_equal(m.row[i].place_before, 1);
			assert_int_equal(m.row[i].points, OOM_NA);
		}
	model_release(&m);
}

/* The kernel's own points lead, and a hypothetical adjustment moves them as it would move the formula's. */
static void recorded_points_follow_a_what_if(void **state)
{
	static const struct { int64_t pid, adj, rss, kernel; } rows[] = { { 10, 0, 5000, 5040 }, { 11, 0, 4000, 4900 }, { 12, -1000, 9000, OOM_NA } };
	struct oom_err err = { 0 };
	struct oom_event ev;
	struct source *s;
	struct model m;

	(void)state;
	oom_event_init(&ev);
	ev.kernel = OOM_STR("6.12.1");
	ev.page_size = 4096;
	ev.scope = OOM_SCOPE_GLOBAL;
	ev.total_pages = 100000;
	ev.has_table = ev.table_complete = 1;
	ev.ballot = OOM_BALLOT_RECORDED;
	ev.ballot_lost = 0;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(rows); i++) {
		struct oom_task *t = oom_event_add_task(&ev);

		assert_non_null(t);
		t->pid = t->tgid = rows[i].pid;
		t->oom_score_adj = rows[i].adj;
		t->rss_pages = rows[i].rss;
		t->swap_pages = t->pgtables_bytes = 0;
		t->kernel_points = rows[i].kernel;
		t->kernel_flags = rows[i].kernel == OOM_NA ? OOM_FACT_INELIGIBLE : 0;
		t->comm = OOM_STR("x");
	}
	assert_int_equal(source_event(&ev, &s), 0);
	model_init(&m, s);
	m.scope = OOM_SCOPE_UNKNOWN;
	assert_int_equal(model_next(&m, &err), 0);
	assert_int_equal(m.row[0].points, 5040);
	assert_int_equal(m.row[1].points, 4900);
	assert_int_equal(m.row[2].place, 0);
	assert_int_equal(model_set_adj(&m, 1, 2), 0);
	assert_int_equal(model_task(&m, model_victim(&m, 1))->pid, 11);
	assert_int_equal(m.row[0].points, 4900 + 2 * 100);
	/* refused for its adjustment alone: with another one it is a candidate */
	assert_int_equal(model_set_adj(&m, 2, 0), 0);
	assert_int_equal(model_task(&m, model_victim(&m, 1))->pid, 12);
	assert_int_equal(model_victim(&m, 1)->points, 9000);
	model_release(&m);
}

/* A sampler over files, as oomtop has one over the system. */
struct files { struct source base; struct oom_sampler *sampler; };

static int files_next(struct source *s, struct oom_sample *ret, struct oom_err *reterr)
{
	return oom_sampler_next(((struct files *)s)->sampler, ret, reterr);
}

static int files_view(struct source *s, const struct oom_domain *d, struct oom_event *ret)
{
	return oom_sampler_view(((struct files *)s)->sampler, d, ret);
}

static void files_close(struct source *s)
{
	oom_sampler_close(((struct files *)s)->sampler);
}

static void a_pass_allocates_nothing_once_warm(void **state)
{
	static const struct source_ops ops = { "proc", true, false, files_next, files_view, NULL, files_close };
	struct files f = { .base = { &ops } };
	struct oom_sampler_opts opts = { .proc_root = "tests/proc/6.1-v2/proc", .cgroup_root = "tests/proc/6.1-v2/cgroup",
					 .want = OOM_SAMPLE_ALL };
	struct oom_err err = { 0 };
	struct model m;
	struct ui ui;

	(void)state;
	assert_int_equal(oom_sampler_open(&opts, &f.sampler, &err), 0);
	model_init(&m, &f.base);
	assert_int_equal(ui_init(&ui, &m, NULL), 0);
	for (int i = 0; i < 10; i++) {
		oom_alloc_fail_at(i < 3 ? 0 : 1);
		assert_int_equal(model_next(&m, &err), 0);
		assert_true(m.nrows > 1 && model_victim(&m, 1));
		ui_refreshed(&ui);
		ui_draw(&ui);
	}
	oom_alloc_fail_at(0);
	ui_release(&ui);
	model_release(&m);
}

/* ---- kills --------------------------------------------------------------------------------------------- */

static int64_t wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

static void put_kill(const char *db, const char *boot_id, int64_t when, int64_t pid, const char *cgroup)
{
	struct oom_err err = { 0 };
	struct oom_store *s;
	struct oom_event ev;
	struct oom_victim *v;
	int64_t id;

	oom_event_init(&ev);
	ev.boot_id = oom_str_from(boot_id);
	ev.wall_us = when;
	ev.boot_us = pid;
	ev.scope = OOM_SCOPE_MEMCG;
	ev.outcome = OOM_OUTCOME_KILLED;
	ev.oom_memcg = OOM_STR("/limit");
	ev.task_memcg = oom_str_from(cgroup);
	for (int i = 0; i < 2; i++) {
		v = oom_event_add_victim(&ev);
		assert_non_null(v);
		v->pid = pid + i;
		v->role = i ? OOM_ROLE_GROUP : OOM_ROLE_CHOSEN;
		v->comm = OOM_STR("hog");
	}
	assert_int_equal(oom_store_open(db, OOM_STORE_WRITE, &s, &err), 0);
	assert_int_equal(oom_store_put(s, &ev, NULL, &id, &err), 1);
	assert_int_equal(oom_store_close(s, &err), 0);
	oom_event_release(&ev);
}

static const struct kill *kill_of(const struct kills *k, int64_t pid)
{
	for (size_t i = 0; i < kills_count(k); i++)
		if (kills_at(k, i)->pid == pid)
			return kills_at(k, i);
	return NULL;
}

static void the_store_tells_of_kills_of_this_boot(void **state)
{
	char dir[] = "/tmp/oomlens-tui-XXXXXX", db[64], boot[64], other[64], text[300];
	int64_t now = wall_us();
	struct kills *k;
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "r");

	(void)state;
	assert_non_null(f);
	assert_non_null(fgets(boot, sizeof(boot), f));
	fclose(f);
	boot[strcspn(boot, "\n")] = '\0';
	memcpy(other, boot, sizeof(other));
	other[0] = other[0] == 'a' ? 'b' : 'a';
	assert_non_null(mkdtemp(dir));
	snprintf(db, sizeof(db), "%s/oom.db", dir);
	put_kill(db, boot, now - 120 * INT64_C(1000000), 5000001, "/limit/a");
	put_kill(db, boot, now - 16 * 60 * INT64_C(1000000), 5000011, "/limit/old");
	put_kill(db, other, now, 5000021, "/limit/other");
	assert_int_equal(kills_open(db, 0, &k), 0);
	kills_poll(k, NULL, now);
	assert_non_null(kill_of(k, 5000001));
	assert_string_equal(kill_of(k, 5000001)->domain, "/limit");
	assert_non_null(kill_of(k, 5000002));
	assert_null(kill_of(k, 5000011));
	assert_null(kill_of(k, 5000021));
	assert_ptr_equal(kills_like(k, OOM_STR("/limit/a"), OOM_STR_NULL), kill_of(k, 5000001));
	/* the boot id without dashes, as the journal writes it, while we watch */
	for (char *p = boot; *p;)
		if (*p == '-')
			memmove(p, p + 1, strlen(p));
		else
			p++;
	put_kill(db, boot, now - 1000000, 5000031, "/limit/b");
	kills_poll(k, NULL, now + 1000000);
	assert_non_null(kill_of(k, 5000031));
	kills_poll(k, NULL, now + 14 * 60 * INT64_C(1000000));
	assert_null(kill_of(k, 5000001));
	assert_non_null(kill_of(k, 5000031));
	kills_close(k);
	snprintf(text, sizeof(text), "rm -rf %s", dir);
	assert_int_equal(system(text), 0);
}

/* ---- containers ---------------------------------------------------------------------------------------- */

#define ID "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

static void containers_are_found_in_paths(void **state)
{
	static const struct { const char *path, *want; } cases[] = {
		{ "/docker/" ID, "0123456789ab" },
		{ "/system.slice/docker-" ID ".scope", "0123456789ab" },
		{ "/machine.slice/libpod-" ID ".scope/container", "0123456789ab" },
		{ "/kubepods/burstable/pod0a1b2c3d-1111-2222-3333-444455556666/" ID, "0123456789ab pod 0a1b2c3d" },
		{ "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod0a1b2c3d_1111_2222_3333_444455556666.slice/"
		  "cri-containerd-" ID ".scope", "0123456789ab pod 0a1b2c3d" },
		{ "/kubepods.slice/kubepods-pod0a1b2c3d_1111_2222_3333_444455556666.slice", "pod 0a1b2c3d" },
		{ "/system.slice/podman.service", "-" },
		{ "/user.slice/" ID "0", "-" },
		{ "/", "-" },
	};
	const struct column *c = &columns[column_find(OOM_STR("container"))];
	struct oom_err err = { 0 };
	struct source *s;
	struct model m;
	char buf[COLUMN_TEXT_MAX];

	(void)state;
	assert_int_equal(source_demo(&s), 0);
	model_init(&m, s);
	assert_int_equal(model_next(&m, &err), 0);
	for (size_t i = 0; i < OOM_ARRAY_SIZE(cases); i++) {
		m.view.task[m.row[0].task].cgroup = oom_str_from(cases[i].path);
		assert_true(oom_str_is(column_cell(c, &m, &m.row[0], buf, sizeof(buf)), cases[i].want));
	}
	model_release(&m);
}

int test_tui(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hostile_bytes_never_reach_a_cell),
		cmocka_unit_test(wide_characters_are_never_halved),
		cmocka_unit_test(a_field_is_cut_and_aligned),
		cmocka_unit_test(every_key_means_one_thing_in_its_place),
		cmocka_unit_test(screens_are_as_they_were_read),
		cmocka_unit_test(any_size_is_drawn),
		cmocka_unit_test(undoing_every_change_gives_the_ranking_back),
		cmocka_unit_test(a_protected_process_is_no_candidate),
		cmocka_unit_test(recorded_points_follow_a_what_if),
		cmocka_unit_test(a_pass_allocates_nothing_once_warm),
		cmocka_unit_test(the_store_tells_of_kills_of_this_boot),
		cmocka_unit_test(containers_are_found_in_paths),
	};

	return cmocka_run_group_tests_name("tui", tests, NULL, NULL);
}
