/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the store remembers: the history view, and the explanation of one event of it. */
#include "ui.h"

#include <oomlens/render.h>
#include <oomlens/store.h>

#include <string.h>

/* ---- reading ------------------------------------------------------------------------------------------- */

struct reading { struct oom_arena *a; struct past *past; size_t n, max; };

static int on_row(void *arg, size_t n, const struct oom_value *v)
{
	struct reading *r = arg;
	struct past *p;
	struct oom_str *to[6];

	if (n != 9 || r->n >= r->max)
		return 1;
	p = &r->past[r->n++];
	*p = (struct past){ .id = v[0].i, .wall_us = v[1].kind == OOM_VALUE_INT ? v[1].i : OOM_NA,
			    .victim_pid = v[2].kind == OOM_VALUE_INT ? v[2].i : OOM_NA };
	to[0] = &p->when, to[1] = &p->host, to[2] = &p->scope, to[3] = &p->memcg, to[4] = &p->victim, to[5] = &p->verdict;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(to); i++)
		if (v[i + 3].kind == OOM_VALUE_TEXT && oom_arena_str(r->a, v[i + 3].s, to[i]))
			return 1;
	return 0;
}

int past_read(const char *db, size_t max, struct oom_arena *a, struct past **ret, size_t *n, struct oom_err *reterr)
{
	static const struct oom_query_ops ops = { .row = on_row };
	struct reading rd = { .a = a, .max = max };
	struct oom_store *s;
	char sql[512];
	int r;

	rd.past = oom_arena_alloc(a, max * sizeof(*rd.past));
	if (!rd.past)
		return -1;
	r = oom_store_open(db, OOM_STORE_READ, &s, reterr);
	if (r)
		return r;
	snprintf(sql, sizeof(sql),
		 "SELECT event_id, wall_us, victim_pid, coalesce(realtime, stamp, printf('[%%.6f]', monotonic_us / 1e6)), hostname,"
		 " scope, oom_memcg, victim_comm, verdict FROM v_event ORDER BY coalesce(wall_us, 0) DESC, event_id DESC LIMIT %zu", max);
	r = oom_store_query(s, sql, 2000, &ops, &rd, reterr);
	(void)oom_store_close(s, NULL);
	*ret = rd.past;
	*n = rd.n;
	return r < 0 ? r : 0;
}

static int explain(struct oom_event *ev, struct oom_doc *ret)
{
	struct oom_replay rp;
	int r = oom_replay_run(ev, NULL, &rp);

	if (!r)
		r = oom_replay_rank(&rp);
	if (!r)
		r = oom_explain(&rp, &(struct oom_explain_opts){ 0 }, ret);
	oom_replay_release(&rp);
	return r;
}

int past_explain(const char *db, int64_t id, struct oom_doc *ret, struct oom_err *reterr)
{
	struct oom_store *s;
	struct oom_event ev;
	int r = oom_store_open(db, OOM_STORE_READ, &s, reterr);

	if (r)
		return r;
	r = oom_store_load(s, id, &ev, reterr);
	(void)oom_store_close(s, NULL);
	if (r)
		return r;
	r = explain(&ev, ret);
	oom_event_release(&ev);
	return r ? oom_err_set(reterr, -r, "cannot explain event %lld: out of memory", (long long)id) : 0;
}

/* ---- the view ------------------------------------------------------------------------------------------ */

#define PAST_MAX 500

static void load(struct ui *ui)
{
	struct oom_err err = { 0 };

	oom_arena_release(&ui->past_arena);
	ui->past = NULL;
	ui->npast = 0;
	if (ui->db && past_read(ui->db, PAST_MAX, &ui->past_arena, &ui->past, &ui->npast, &err))
		ui_say(ui, "%s", err.text);
}

static size_t count(const struct ui *ui) { return ui->npast; }
static uint64_t id(const struct ui *ui, size_t i) { return (uint64_t)ui->past[i].id; }

static bool holds(const struct ui *ui, size_t i, const char *needle)
{
	const struct past *p = &ui->past[i];

	return ui_has(p->host, needle) || ui_has(p->memcg, needle) || ui_has(p->victim, needle) || ui_has(p->when, needle) ||
	       ui_has(p->scope, needle) || ui_has(p->verdict, needle);
}

static const struct { const char *title; int width; } cols[] = {
	{ "ID", 6 }, { "WHEN", 23 }, { "HOST", 12 }, { "SCOPE", 9 }, { "VICTIM", 24 }, { "VERDICT", 12 }, { "CGROUP", 0 },
};

static void cells(struct ui *ui, int y, enum style style, const struct oom_str *s)
{
	struct grid *g = &ui->grid;
	int x = -ui->x;

	for (size_t i = 0; i < OOM_ARRAY_SIZE(cols); i++) {
		x = grid_field(g, x, y, cols[i].width ? cols[i].width : g->w - x, !i, style, s[i]);
		x = grid_put(g, x, y, style, OOM_STR(" "));
	}
}

static void heading(struct ui *ui, int y)
{
	struct oom_str s[OOM_ARRAY_SIZE(cols)];

	for (size_t i = 0; i < OOM_ARRAY_SIZE(cols); i++)
		s[i] = oom_str_from(cols[i].title);
	cells(ui, y, STYLE_HEADING, s);
}

/* A kill of the last quarter of an hour. */
static bool recent(const struct ui *ui, const struct past *p)
{
	return ui->wall_us != OOM_NA && p->wall_us != OOM_NA && ui->wall_us - p->wall_us < 15 * 60 * INT64_C(1000000);
}

static void draw(struct ui *ui, size_t i, int y, bool selected)
{
	const struct past *p = &ui->past[i];
	char n[24], victim[64];
	struct oom_str none = OOM_STR("-");

	snprintf(n, sizeof(n), "%lld", (long long)p->id);
	victim[0] = '\0';
	if (p->victim_pid != OOM_NA)
		snprintf(victim, sizeof(victim), "%lld %.*s", (long long)p->victim_pid, (int)p->victim.n, p->victim.n ? p->victim.p : "");
	cells(ui, y, recent(ui, p) ? STYLE_WARN : STYLE_PLAIN,
	      (struct oom_str[]){ oom_str_from(n), p->when.p ? p->when : none, p->host.p ? p->host : none, p->scope,
				  victim[0] ? oom_str_from(victim) : none, p->verdict.p ? p->verdict : none,
				  p->memcg.p ? p->memcg : none });
	if (selected)
		grid_style(&ui->grid, 0, y, -1, STYLE_SELECTED);
}

static void page_event(struct ui *ui, FILE *out)
{
	struct oom_err err = { 0 };
	struct oom_doc doc = { 0 };

	if (past_explain(ui->db, ui->past_id, &doc, &err))
		fprintf(out, "%s\n", err.text);
	else
		oom_render_text(&doc, (unsigned)(ui->grid.w < 40 ? 40 : ui->grid.w), false, out);
	oom_doc_release(&doc);
}

static void open_event(struct ui *ui, size_t i)
{
	char title[40];

	ui->past_id = ui->past[i].id;
	snprintf(title, sizeof(title), "Event %lld", (long long)ui->past_id);
	ui_page(ui, title, page_event);
}

const struct view view_history = {
	.name = "History", .title = "stored events", .place = PLACE_LIST, .load = load, .count = count,
	.heading = heading, .draw = draw, .id = id, .holds = holds, .open = open_event,
	.empty = "no stored events: oomlens record or oomlens import put them into the store (--db)",
};
