/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The task table as rows of task, and of task_rare for those that are not as most are (schema.sql).  A store has a hundred
 * such rows for each event, so what follows from the rest of a row is left out of it.
 */
#include <oomlens/explain.h>

#include "evaluate.h"
#include "store_impl.h"

#include <errno.h>
#include <string.h>

#define PLACE_WHY    21                /* bits of task.place: rank, why_not, no points */
#define PLACE_BLANK  ((int64_t)1 << 26)
#define PT_UNIT      4096

/* Columns, in the order of the statements. */
enum { C_K, C_PID, C_WHO, C_TOTAL_VM, C_RSS, C_SWAP, C_PGTABLES, C_PLACE, C_ANON, C_SHMEM, C_COUNT };
enum { R_K, R_TGID, R_LINE, R_PT_BYTES, R_PTES, R_PMDS, R_FILE, R_CPU, R_OOM_ADJ, R_POINTS, R_LO, R_HI, R_COUNT };

struct row { int64_t c[C_COUNT], r[R_COUNT]; bool rare; };

/* The rows of an event on their way into the tables. */
struct rows {
	struct oom_sql_feed feed;            /* first: oom_sql_run_feed() hands it back */
	const struct oom_event *ev;
	const struct oom_replay *r;          /* NULL = nothing derived */
	const uint32_t *rank;                /* place of each task, from 1; NULL = not ranked */
	const int64_t *who;
	const uint32_t *rare;                /* positions of those that have a row in task_rare */
	struct oom_adj_pages adj;
	int64_t id, rows_off;
	struct latest *latest;               /* is made: the rows of a callback are const */
	struct latest { size_t at; struct row cells; } made;     /* the row that is in cells; SIZE_MAX = none */
};

void *oom_store_room(struct oom_buf *b, size_t n, size_t size)
{
	void *p;

	if (n > SIZE_MAX / 2 / size)
		return NULL;
	if (b->cap < n * size || !b->p) {
		p = oom_realloc(b->p, n * size + 1);
		if (!p)
			return NULL;
		b->p = p;
		b->cap = n * size + 1;
	}
	return b->p;
}

static bool is_known(int64_t v)
{
	return v >= 0 && v < (int64_t)1 << 48;
}

/* ---- a row ---------------------------------------------------------------------------------------------- */

static int64_t distance(int64_t v, int64_t from)
{
	return v == OOM_NA ? OOM_NA : (int64_t)((uint64_t)v - (uint64_t)from);
}

static int64_t back(int64_t off, int64_t from)
{
	return off == OOM_NA ? OOM_NA : (int64_t)((uint64_t)off + (uint64_t)from);
}

int64_t oom_store_rows_off(const struct oom_event *ev)
{
	if (!ev->ntasks || !is_known(ev->task[0].line))
		return OOM_NA;
	return ev->task[0].line - oom_store_first_line(ev);
}

/* Where a table without gaps has the row; OOM_NA. */
static int64_t usual_line(const struct oom_event *ev, int64_t rows_off, size_t seq)
{
	return rows_off == OOM_NA ? OOM_NA : back(rows_off, oom_store_first_line(ev)) + (int64_t)seq;
}

static void set_page_tables(struct row *w, const struct oom_task *t)
{
	bool bytes = t->pgtables_bytes != OOM_NA, ptes = t->nr_ptes != OOM_NA;

	w->c[C_PGTABLES] = w->r[R_PT_BYTES] = w->r[R_PTES] = OOM_NA;
	w->r[R_PMDS] = t->nr_pmds;
	if (bytes && !ptes && is_known(t->pgtables_bytes) && t->pgtables_bytes % PT_UNIT == 0) {
		w->c[C_PGTABLES] = t->pgtables_bytes / PT_UNIT;
	} else if (!bytes && ptes && is_known(t->nr_ptes)) {
		w->c[C_PGTABLES] = -1 - t->nr_ptes;
	} else {
		w->r[R_PT_BYTES] = t->pgtables_bytes;
		w->r[R_PTES] = t->nr_ptes;
		w->rare |= bytes || ptes;
	}
	w->rare |= t->nr_pmds != OOM_NA;
}

/* Is rss_file what follows from the other three? */
static bool file_follows(const struct oom_task *t)
{
	if (t->rss_anon_pages == OOM_NA || t->rss_shmem_pages == OOM_NA || t->rss_pages == OOM_NA)
		return t->rss_file_pages == OOM_NA;
	return is_known(t->rss_pages) && is_known(t->rss_anon_pages) && is_known(t->rss_shmem_pages) &&
	       t->rss_file_pages == t->rss_pages - t->rss_anon_pages - t->rss_shmem_pages;
}

/* Are the points what v_candidate adds up for a row that is as most are? */
static bool points_follow(const struct rows *w, const struct row *row, const struct oom_task *t, const struct oom_score *s)
{
	int64_t pt = row->c[C_PGTABLES] == OOM_NA ? 0 : row->c[C_PGTABLES], adj = t->oom_score_adj, sum, a, b;

	if (!is_known(t->rss_pages) || (t->swap_pages != OOM_NA && !is_known(t->swap_pages)) || adj < -1000 || adj > 1000)
		return false;
	sum = t->rss_pages + (t->swap_pages == OOM_NA ? 0 : t->swap_pages) + (pt < 0 ? -1 - pt : pt);
	if (w->adj.shown == OOM_NA)
		return s->nominal == sum && s->points.lo == sum && s->points.hi == sum;
	if (s->nominal != sum + adj * w->adj.shown)
		return false;
	a = sum + adj * (w->adj.lo == OOM_NA ? w->adj.shown : w->adj.lo);
	b = sum + adj * (w->adj.hi == OOM_NA ? w->adj.shown : w->adj.hi);
	return s->points.lo == (a < b ? a : b) && s->points.hi == (a < b ? b : a);
}

static void set_derived(struct row *row, const struct rows *w, size_t seq)
{
	const struct oom_task *t = &w->ev->task[seq];
	const struct oom_score *s = w->r && seq < w->r->nscores ? &w->r->score[seq] : NULL;

	row->c[C_PLACE] = row->r[R_POINTS] = row->r[R_LO] = row->r[R_HI] = OOM_NA;
	if (!s)
		return;
	row->c[C_PLACE] = (w->rank ? w->rank[seq] : 0) + ((int64_t)s->why_not << PLACE_WHY);
	if (!oom_explain_has_points(w->r, t, s)) {
		if (s->why_not == OOM_WHY_ELIGIBLE)
			row->c[C_PLACE] += PLACE_BLANK;
		return;
	}
	row->r[R_POINTS] = s->nominal;
	row->rare |= !points_follow(w, row, t, s);
	if (s->points.lo != s->points.hi) {
		row->r[R_LO] = s->points.lo;
		row->r[R_HI] = s->points.hi;
	}
}

static void make_row(struct row *row, const struct rows *w, size_t seq)
{
	const struct oom_task *t = &w->ev->task[seq];
	int64_t line = usual_line(w->ev, w->rows_off, seq);

	row->c[C_K] = row->r[R_K] = w->id << OOM_PART_BITS | (int64_t)seq;
	row->c[C_PID] = t->pid;
	row->c[C_WHO] = w->who ? w->who[seq] : OOM_NA;
	row->c[C_TOTAL_VM] = t->total_vm_pages;
	row->c[C_RSS] = t->rss_pages;
	row->c[C_SWAP] = t->swap_pages;
	row->c[C_ANON] = t->rss_anon_pages;
	row->c[C_SHMEM] = t->rss_shmem_pages;
	row->r[R_TGID] = distance(t->tgid, oom_store_sane(t->pid));
	row->r[R_LINE] = distance(t->line, line == OOM_NA ? 0 : line);
	row->r[R_FILE] = t->rss_file_pages;
	row->r[R_CPU] = t->cpu;
	row->r[R_OOM_ADJ] = t->oom_adj;
	row->rare = row->r[R_TGID] || t->line != line || t->pid == OOM_NA || t->cpu != OOM_NA || t->oom_adj != OOM_NA ||
		    !file_follows(t);
	set_page_tables(row, t);
	set_derived(row, w, seq);
}

static const struct row *row_at(const struct rows *w, size_t seq)
{
	if (w->latest->at != seq) {
		make_row(&w->latest->cells, w, seq);
		w->latest->at = seq;
	}
	return &w->latest->cells;
}

/* ---- writing --------------------------------------------------------------------------------------------- */

static void send_task(const struct oom_sql_feed *f, struct oom_sql_cell *to, size_t i, unsigned column)
{
	oom_sql_send_int(to, row_at((const void *)f, i)->c[column]);
}

static void send_rare(const struct oom_sql_feed *f, struct oom_sql_cell *to, size_t i, unsigned column)
{
	const struct rows *w = (const void *)f;

	oom_sql_send_int(to, row_at(w, w->rare[i])->r[column]);
}

/* rank[] lists tasks, best first; rows want the place of each. */
static int places(struct oom_store *s, const struct oom_replay *r, const uint32_t **ret)
{
	uint32_t *place;

	*ret = NULL;
	if (!r || !r->rank || !r->nscores)
		return 0;
	place = oom_store_room(&s->ranks, r->nscores, sizeof(*place));
	if (!place)
		return -ENOMEM;
	memset(place, 0, r->nscores * sizeof(*place));
	for (size_t i = 0; i < r->nscores; i++)
		if (r->rank[i] < r->nscores)
			place[r->rank[i]] = (uint32_t)i + 1;
	*ret = place;
	return 0;
}

/* Of page profiles; per mille do not add up to pages. */
struct oom_adj_pages oom_store_adj_pages(const struct oom_replay *r)
{
	struct oom_adj_pages ret = { OOM_NA, OOM_NA, OOM_NA };
	struct oom_eval e;

	if (!r || !r->profile || r->profile->flags & OOM_PROFILE_PER_MILLE || r->total.lo > r->total.hi)
		return ret;
	oom_eval_init(&e, r->profile, r->event);
	oom_eval_total(&e, oom_eval_shown(r->profile, r->event, r->total));
	ret.shown = e.k;
	if (r->total.lo == r->total.hi)
		return ret;
	oom_eval_total(&e, (struct oom_range){ r->total.lo, r->total.lo });
	ret.lo = e.k;
	oom_eval_total(&e, (struct oom_range){ r->total.hi, r->total.hi });
	ret.hi = e.k;
	return ret;
}

static int init(struct rows *w, struct oom_store *s, const struct oom_event *ev, const struct oom_replay *r, int64_t id,
		struct oom_err *reterr)
{
	*w = (struct rows){ .ev = ev, .r = r, .id = id, .adj = oom_store_adj_pages(r),
			    .rows_off = oom_store_rows_off(ev), .latest = &w->made,
			    .made = { .at = SIZE_MAX } };
	return places(s, r, &w->rank) ? oom_store_fail(s, ENOMEM, "cannot write", reterr) : 0;
}

/* Those that are not as most are. */
static int put_rare(struct oom_store *s, struct rows *w, struct oom_err *reterr)
{
	uint32_t *rare = oom_store_room(&s->rare, w->ev->ntasks, sizeof(*rare));
	struct oom_sql_stmt *st;
	size_t n = 0;
	int r;

	if (!rare)
		return oom_store_fail(s, ENOMEM, "cannot write", reterr);
	for (size_t i = 0; i < w->ev->ntasks; i++)
		if (row_at(w, i)->rare)
			rare[n++] = (uint32_t)i;
	if (!n)
		return 0;
	w->rare = rare;
	w->feed = (struct oom_sql_feed){ .rows = n, .cell = send_rare };
	r = oom_store_statement(s, OOM_ST_ADD_RARE, &st, reterr);
	return r ? r : oom_sql_run_feed(s->sql, st, &w->feed, reterr);
}

int oom_store_put_tasks(struct oom_store *s, const struct oom_event *ev, const struct oom_replay *rp, int64_t id,
			struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	struct rows w;
	int64_t *who;
	int r;

	if (!ev->ntasks)
		return 0;
	r = init(&w, s, ev, rp, id, reterr);
	who = oom_store_room(&s->ids, ev->ntasks, sizeof(*who));
	if (!r && !who)
		r = oom_store_fail(s, ENOMEM, "cannot write", reterr);
	for (size_t i = 0; !r && i < ev->ntasks; i++)
		r = oom_dict_who(s, &ev->task[i], &who[i], reterr);
	if (!r)
		r = oom_store_statement(s, OOM_ST_ADD_TASKS, &st, reterr);
	if (r)
		return r;
	w.who = who;
	w.feed = (struct oom_sql_feed){ .rows = ev->ntasks, .cell = send_task };
	r = oom_sql_run_feed(s->sql, st, &w.feed, reterr);
	return r ? r : put_rare(s, &w, reterr);
}

int oom_store_score_tasks(struct oom_store *s, const struct oom_replay *rp, int64_t id, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	struct rows w;
	int r = init(&w, s, rp->event, rp, id, reterr);

	if (!r)
		r = oom_store_statement(s, OOM_ST_CLEAR_RARE, &st, reterr);
	if (r)
		return r;
	/* a store of before has all rows in task_rare, page tables too, and counts lines otherwise */
	oom_sql_bind_int(st, 1, id << OOM_PART_BITS);
	oom_sql_bind_int(st, 2, (id + 1) << OOM_PART_BITS);
	r = oom_sql_run(s->sql, st, reterr);
	if (!r)
		r = oom_store_statement(s, OOM_ST_SET_ROWS, &st, reterr);
	if (r)
		return r;
	oom_sql_bind_int(st, 1, w.rows_off);
	oom_sql_bind_int(st, 2, id);
	r = oom_sql_run(s->sql, st, reterr);
	if (!r)
		r = oom_store_statement(s, OOM_ST_PLACE_TASK, &st, reterr);
	for (size_t i = 0; !r && i < rp->event->ntasks; i++) {
		oom_sql_bind_int(st, 1, row_at(&w, i)->c[C_PLACE]);
		oom_sql_bind_int(st, 2, row_at(&w, i)->c[C_PGTABLES]);
		oom_sql_bind_int(st, 3, row_at(&w, i)->c[C_K]);
		r = oom_sql_run(s->sql, st, reterr);
	}
	return r ? r : put_rare(s, &w, reterr);
}

/* ---- loading ------------------------------------------------------------------------------------------- */

/* Columns of OOM_ST_GET_TASKS that are integers: their places in it, from 1, and in the row. */
static int take_row(struct oom_sql_stmt *st, struct oom_event *ev, struct oom_task *t, int64_t line)
{
	enum { PID = 1, COMM, UID, ADJ, VM, RSS, SWAP, PT, ANON, SHMEM, RARE, TGID, LINE, PT_BYTES, PTES, PMDS, FILES, CPU, OOM_ADJ, WHO };
	bool rare = oom_sql_type(st, RARE) != OOM_SQL_NULL;
	struct oom_str comm = OOM_STR_NULL;
	int64_t v[OOM_ADJ + 1], pt;

	if (oom_sql_type(st, WHO) != OOM_SQL_INT)
		return -EBADMSG;
	for (int i = PID; i <= OOM_ADJ; i++) {
		enum oom_sql_type type = oom_sql_type(st, i);

		if (type != OOM_SQL_NULL && type != (i == COMM ? OOM_SQL_TEXT : OOM_SQL_INT))
			return -EBADMSG;
		v[i] = i == COMM ? 0 : oom_sql_int(st, i);
	}
	if (oom_sql_type(st, COMM) == OOM_SQL_TEXT && oom_arena_str(&ev->arena, oom_sql_bytes(st, COMM), &comm))
		return -ENOMEM;
	pt = v[PT];
	*t = (struct oom_task){
		.pid = v[PID], .uid = v[UID], .oom_score_adj = v[ADJ], .rss_pages = v[RSS], .swap_pages = v[SWAP],
		.total_vm_pages = v[VM], .rss_anon_pages = v[ANON], .rss_shmem_pages = v[SHMEM], .comm = comm,
		.tgid = rare ? back(v[TGID], oom_store_sane(v[PID])) : v[PID],
		.line = rare ? back(v[LINE], line == OOM_NA ? 0 : line) : line, .rss_file_pages = v[FILES],
		.pgtables_bytes = pt != OOM_NA && pt >= 0 ? (int64_t)((uint64_t)pt * PT_UNIT) : v[PT_BYTES],
		.nr_ptes = pt != OOM_NA && pt < 0 ? -1 - pt : v[PTES],
		.nr_pmds = v[PMDS], .cpu = v[CPU], .oom_adj = v[OOM_ADJ], .kernel_points = OOM_NA, .kernel_flags = OOM_NA,
	};
	if (!rare && v[RSS] != OOM_NA && v[ANON] != OOM_NA && v[SHMEM] != OOM_NA)
		t->rss_file_pages = (int64_t)((uint64_t)v[RSS] - (uint64_t)v[ANON] - (uint64_t)v[SHMEM]);
	return 0;
}

/* Positions without a gap, or what refers to them would be wrong. */
int oom_store_load_tasks(struct oom_store *s, struct oom_event *ev, int64_t rows_off, struct oom_err *reterr)
{
	struct oom_sql_stmt *st;
	int r = oom_store_statement(s, OOM_ST_GET_TASKS, &st, reterr);

	if (r)
		return r;
	oom_sql_bind_int(st, 1, ev->id << OOM_PART_BITS);
	oom_sql_bind_int(st, 2, (ev->id + 1) << OOM_PART_BITS);
	for (size_t seq = 0; (r = oom_sql_step(s->sql, st, reterr)) == 1; seq++) {
		struct oom_task *t;

		if ((size_t)(oom_sql_int(st, 0) & OOM_PART_MASK) != seq) {
			r = -EBADMSG;
			break;
		}
		t = oom_event_add_task(ev);
		r = t ? take_row(st, ev, t, usual_line(ev, rows_off, seq)) : -ENOMEM;
		if (r)
			break;
	}
	oom_sql_reset(st);
	return r;
}
