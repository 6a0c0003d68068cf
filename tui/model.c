/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model.h"

#include <oomlens/fact.h>

#include <errno.h>
#include <string.h>

void model_init(struct model *m, struct source *s)
{
	*m = (struct model){ .source = s, .scope = OOM_SCOPE_GLOBAL, .kills_at_start = OOM_NA };
}

static void drop_ranking(struct model *m)
{
	/* their memory is used again */
	m->replay = (struct oom_replay){ .arena = m->replay.arena };
	m->before = (struct oom_replay){ .arena = m->before.arena };
	oom_event_release(&m->edited);
	m->ranked = NULL;
	m->nrows = 0;
}

void model_release(struct model *m)
{
	drop_ranking(m);
	oom_replay_release(&m->replay);
	oom_replay_release(&m->before);
	if (m->source)
		m->source->ops->close(m->source);
	oom_free(m->row);
	oom_free(m->origin);
	oom_free(m->change);
	oom_free(m->line);
	*m = (struct model){ 0 };
}

const struct oom_task *model_task(const struct model *m, const struct row *r)
{
	return &m->ranked->task[r->task];
}

const struct oom_score *model_score(const struct model *m, const struct row *r)
{
	return r->task < m->replay.nscores ? &m->replay.score[r->task] : NULL;
}

const struct row *model_victim(const struct model *m, size_t place)
{
	return place && place <= m->nrows && m->row[place - 1].place == place ? &m->row[place - 1] : NULL;
}

/* ---- command lines -------------------------------------------------------------------------------------- */

static struct command_line *line_of(const struct model *m, const struct row *r)
{
	return m->line ? &m->line[(uint64_t)model_task(m, r)->pid % COMMAND_LINES] : NULL;
}

static bool is_of(const struct command_line *l, const struct model *m, const struct row *r)
{
	return l->pid == model_task(m, r)->pid && l->ident == r->sample->ident &&
	       memcmp(l->comm, r->sample->comm, sizeof(l->comm)) == 0;
}

void model_learn(struct model *m, const struct row *r)
{
	struct oom_sample_detail d;
	struct command_line *l;

	if (!m->source->ops->detail || !r->sample || r->task >= m->norigin)
		return;
	if (!m->line) {
		m->line = oom_malloc(COMMAND_LINES * sizeof(*m->line));
		if (!m->line)
			return;
		memset(m->line, 0, COMMAND_LINES * sizeof(*m->line));
	}
	l = line_of(m, r);
	if (is_of(l, m, r))
		return;
	*l = (struct command_line){ .pid = model_task(m, r)->pid, .ident = r->sample->ident };
	memcpy(l->comm, r->sample->comm, sizeof(l->comm));
	if (m->source->ops->detail(m->source, m->origin[r->task], &d))
		return;
	l->n = (uint16_t)(d.ncmdline < sizeof(l->text) ? d.ncmdline : sizeof(l->text));
	memcpy(l->text, d.cmdline, l->n);
	while (l->n && !l->text[l->n - 1])
		l->n--;
	for (size_t i = 0; i < l->n; i++)
		if (!l->text[i])
			l->text[i] = ' ';
}

struct oom_str model_command_line(const struct model *m, const struct row *r)
{
	const struct command_line *l = line_of(m, r);

	return l && r->sample && is_of(l, m, r) ? (struct oom_str){ l->text, l->n } : OOM_STR_NULL;
}

/* ---- domain ------------------------------------------------------------------------------------------- */

static void find_domain(struct model *m)
{
	m->domain = &m->sample.domain[0];
	m->domain_gone = m->scope != OOM_SCOPE_UNKNOWN && m->scope != m->domain->scope;
	for (size_t i = 0; m->domain_gone && i < m->sample.ndomains; i++) {
		const struct oom_domain *d = &m->sample.domain[i];

		if (d->scope != m->scope || !oom_str_is(d->path, m->path))
			continue;
		m->domain = d;
		m->domain_gone = false;
	}
}

/* ---- ranking ------------------------------------------------------------------------------------------ */

static const struct oom_sample_row *sample_row(const struct model *m, size_t task)
{
	return m->sample.row && task < m->norigin ? &m->sample.row[m->origin[task]] : NULL;
}

/* The view leaves out those that the kernel itself passes over. */
static int find_origins(struct model *m)
{
	size_t n = m->domain->ntasks;

	m->norigin = 0;
	if (!m->sample.row)
		return 0;
	if (n > m->cap_origin) {
		uint32_t *p = oom_realloc(m->origin, (n + n / 8) * sizeof(*p));

		if (!p)
			return -ENOMEM;
		m->origin = p;
		m->cap_origin = n + n / 8;
	}
	for (size_t i = 0; i < n; i++)
		if (!m->sample.row[m->domain->task[i]].passed_over)
			m->origin[m->norigin++] = m->domain->task[i];
	return 0;
}

static const struct change *change_of(const struct model *m, const struct oom_task *t, const struct oom_sample_row *s)
{
	for (size_t i = 0; i < m->nchanges; i++)
		if (m->change[i].pid == t->pid && (!s || m->change[i].ident == s->ident))
			return &m->change[i];
	return NULL;
}

static int rank(const struct oom_event *ev, const struct oom_profile *profile, struct oom_replay *ret)
{
	int r = oom_replay_again(ev, profile, ret);

	return r ? r : oom_replay_rank(ret);
}

/* Where the kernel's own points were recorded, they follow. */
static void try(struct oom_event *ev, struct oom_task *t, int64_t adj)
{
	if (t->kernel_points != OOM_NA && ev->total_pages != OOM_NA)
		t->kernel_points += (adj - t->oom_score_adj) * (ev->total_pages / 1000);
	else
		t->kernel_points = OOM_NA;
	if (t->oom_score_adj == -1000 && t->kernel_flags != OOM_NA)
		t->kernel_flags &= ~(int64_t)OOM_FACT_INELIGIBLE;
	t->oom_score_adj = adj;
}

static int apply_changes(struct model *m)
{
	int r;

	if (!m->nchanges)
		return 0;
	r = oom_event_clone(&m->edited, &m->view);
	if (r)
		return r;
	for (size_t i = 0; i < m->edited.ntasks; i++) {
		struct oom_task *t = &m->edited.task[i];
		const struct change *c = change_of(m, t, sample_row(m, i));

		if (c)
			try(&m->edited, t, c->to);
	}
	m->ranked = &m->edited;
	return rank(&m->view, m->sample.profile, &m->before);
}

static bool candidate(const struct oom_replay *r, uint32_t task)
{
	return task < r->nscores && r->score[task].why_not == OOM_WHY_ELIGIBLE;
}

static int reserve_rows(struct model *m, size_t n)
{
	struct row *p;

	if (n <= m->cap_rows)
		return 0;
	p = oom_realloc(m->row, (n + n / 8) * sizeof(*p));
	if (!p)
		return -ENOMEM;
	m->row = p;
	m->cap_rows = n + n / 8;
	return 0;
}

static void places(const struct model *m, const struct oom_replay *r, struct row *rows, size_t n, bool before)
{
	uint32_t place = 0;

	for (size_t i = 0; r->rank && i < r->nscores; i++) {
		uint32_t t = r->rank[i], p;

		if (!candidate(r, t))
			continue;
		p = ++place;
		if (!before)
			rows[t].place = p;
		if (t < n)
			rows[t].place_before = before || !m->nchanges ? p : rows[t].place_before;
	}
}

static int build_rows(struct model *m)
{
	const struct oom_event *ev = m->ranked;
	size_t n = ev->ntasks, at = 0;
	struct row *by_task;

	if (reserve_rows(m, 2 * n))
		return -ENOMEM;
	by_task = m->row + n;
	for (size_t i = 0; i < n; i++)
		by_task[i] = (struct row){ .task = (uint32_t)i, .points = OOM_NA, .sample = sample_row(m, i) };
	places(m, &m->replay, by_task, n, false);
	if (m->nchanges)
		places(m, &m->before, by_task, n, true);
	for (size_t i = 0; i < n; i++) {
		struct row *r = &by_task[i];

		if (r->place)
			r->points = m->replay.score[i].nominal;
		r->changed = m->nchanges && (r->place != r->place_before ||
			      change_of(m, &ev->task[i], r->sample) != NULL);
	}
	/* candidates in the kernel's order of preference, then the rest as they come */
	for (size_t i = 0; m->replay.rank && i < m->replay.nscores; i++)
		if (by_task[m->replay.rank[i]].place)
			m->row[at++] = by_task[m->replay.rank[i]];
	for (size_t i = 0; i < n; i++)
		if (!by_task[i].place)
			m->row[at++] = by_task[i];
	m->nrows = n;
	return 0;
}

static int rank_domain(struct model *m)
{
	int r;

	drop_ranking(m);
	r = m->source->ops->view(m->source, m->domain, &m->view);
	if (r)
		return r;
	m->ranked = &m->view;
	r = find_origins(m);
	if (!r)
		r = apply_changes(m);
	if (!r)
		r = rank(m->ranked, m->sample.profile, &m->replay);
	if (!r)
		r = build_rows(m);
	if (r)
		m->nrows = 0;
	return r;
}

int model_next(struct model *m, struct oom_err *reterr)
{
	int r;

	drop_ranking(m);
	r = m->source->ops->next(m->source, &m->sample, reterr);
	if (r)
		return r;
	if (m->source->ops->live)
		oom_load_read(NULL, &m->load);
	if (m->kills_at_start == OOM_NA)
		m->kills_at_start = m->load.oom_kills;
	find_domain(m);
	r = rank_domain(m);
	return r ? oom_err_set(reterr, -r, "cannot rank the processes: %s", strerror(-r)) : 0;
}

int model_choose(struct model *m, int64_t scope, struct oom_str path)
{
	if (path.n >= sizeof(m->path))
		return -ENAMETOOLONG;
	m->scope = scope;
	memcpy(m->path, path.n ? path.p : "", path.n);
	m->path[path.n] = '\0';
	find_domain(m);
	return rank_domain(m);
}

/* ---- changes ------------------------------------------------------------------------------------------ */

static struct change *add_change(struct model *m, const struct row *r)
{
	const struct oom_task *t = model_task(m, r);
	struct change *c = (struct change *)change_of(m, t, r->sample);
	size_t n;

	if (c)
		return c;
	if (m->nchanges == m->cap_changes) {
		struct change *p = oom_realloc(m->change, (m->cap_changes + 16) * sizeof(*p));

		if (!p)
			return NULL;
		m->change = p;
		m->cap_changes += 16;
	}
	c = &m->change[m->nchanges++];
	*c = (struct change){ .pid = t->pid, .from = t->oom_score_adj, .to = t->oom_score_adj, .ident = r->sample ? r->sample->ident : 0 };
	n = t->comm.n < sizeof(c->comm) - 1 ? t->comm.n : sizeof(c->comm) - 1;
	memcpy(c->comm, t->comm.n ? t->comm.p : "", n);
	return c;
}

int model_set_adj(struct model *m, size_t row, int64_t adj)
{
	struct change *c;

	if (row >= m->nrows || model_task(m, &m->row[row])->oom_score_adj == OOM_NA)
		return -EINVAL;
	c = add_change(m, &m->row[row]);
	if (!c)
		return -ENOMEM;
	c->to = adj < -1000 ? -1000 : adj > 1000 ? 1000 : adj;
	if (c->to == c->from) {
		memmove(c, c + 1, (size_t)(m->change + m->nchanges - c - 1) * sizeof(*c));
		m->nchanges--;
	}
	return rank_domain(m);
}

int model_undo(struct model *m, bool all)
{
	if (!m->nchanges)
		return 0;
	m->nchanges = all ? 0 : m->nchanges - 1;
	return rank_domain(m);
}

/* ---- what is not to be seen ---------------------------------------------------------------------------- */

const char *model_hidden(const struct model *m, size_t i, char *buf, size_t size)
{
	static const struct { const char *kind, *text; } notes[] = {
		{ "hidden_processes", "/proc hides the processes of others (hidepid)." },
		{ "pid_namespace", "Only the processes of this PID namespace." },
		{ "no_memory_cgroups", "No memory cgroups are to be seen." },
	};

	if (!m->source->ops->live)
		return NULL;
	for (size_t k = 0; k < OOM_ARRAY_SIZE(notes); k++)
		if (oom_event_has_note(m->sample.event, notes[k].kind) && !i--)
			return notes[k].text;
	if (!m->sample.info.denied || i)
		return NULL;
	snprintf(buf, size, "%zu processes could not be read: run as root to see them all.", m->sample.info.denied);
	return buf;
}
