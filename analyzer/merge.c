/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two accounts of one event made into one.  The rule of a field is a row of the table below; without one, what
 * is known fills what is not.  Parts are joined by the process that they are about, the n-th row of a process
 * with the n-th.  Whatever is taken is complete when it is taken, so that a merge that ran out of memory can be
 * done again.
 */
#include "merge.h"

#include <errno.h>
#include <string.h>

/* ---- fields -------------------------------------------------------------------------------------------- */

enum how {
	FILL,                         /* known beats unknown */
	MORE,                         /* the greater: flags, and counts of the same things */
	WEIGH,                        /* an enumeration: the better informed value by its weight */
	APART,                        /* has a function of its own */
};

/* A field with an anchor says more about the anchor's value: it is not taken beside another value. */
#define ALONE 0
struct rule {
	const struct oom_record *rec;
	size_t offset, anchor;
	enum how how;
	const int8_t *weight;
};

static const int8_t origin_weight[] = { 0, 1, 0 };             /* the recorder was there */
static const int8_t known_weight[] = { 0, 1, 1, 1, 1, 1 };     /* 0 is what was not said */
static const int8_t ballot_weight[] = { [OOM_BALLOT_RECORDED] = 2, [OOM_BALLOT_RECONSTRUCTED] = 1 };
/* Nobody within the window may be somebody after it. */
static const int8_t freed_weight[] = {
	[OOM_FREED_NOBODY] = 1, [OOM_FREED_REAPER] = 2, [OOM_FREED_EXIT_MMAP] = 2,
};

#define E(m, ...) { &oom_event_record, offsetof(struct oom_event, m), __VA_ARGS__ }
#define V(m, ...) { &oom_victim_record, offsetof(struct oom_victim, m), __VA_ARGS__ }
#define L(m, ...) { &oom_life_record, offsetof(struct oom_life, m), __VA_ARGS__ }
#define ON(S, m) offsetof(struct S, m)
static const struct rule rules[] = {
	E(origin, ALONE, WEIGH, origin_weight),
	E(scope, ALONE, WEIGH, known_weight),
	E(outcome, ALONE, WEIGH, known_weight),
	E(outcome_text, ON(oom_event, outcome), FILL, NULL),
	E(ballot, ALONE, WEIGH, ballot_weight),
	E(ballot_lost, ALONE, APART, NULL),
	E(feeds, ALONE, APART, NULL),
	E(kernel_from, ON(oom_event, kernel), FILL, NULL),
	E(page_size_from, ON(oom_event, page_size), FILL, NULL),
	E(boot_swap_line, ON(oom_event, boot_swap_total_kb), FILL, NULL),
	E(trigger_comm, ON(oom_event, trigger_pid), FILL, NULL),
	E(trigger_uid, ON(oom_event, trigger_pid), FILL, NULL),
	E(trigger_adj, ON(oom_event, trigger_pid), FILL, NULL),
	E(gfp_raw, ON(oom_event, gfp_mask), FILL, NULL),
	E(gfp_flags, ON(oom_event, gfp_mask), FILL, NULL),
	E(chosen_uid, ON(oom_event, chosen_pid), FILL, NULL),
	E(chosen_comm, ON(oom_event, chosen_pid), FILL, NULL),
	E(chosen_score, ON(oom_event, chosen_pid), FILL, NULL),
	E(global_oom, ALONE, MORE, NULL),
	E(allocating_task, ALONE, MORE, NULL),
	E(oom_group, ALONE, MORE, NULL),
	E(sysrq, ALONE, MORE, NULL),
	E(has_invoked, ALONE, MORE, NULL),
	E(has_table, ALONE, MORE, NULL),
	E(table_complete, ALONE, MORE, NULL),
	E(has_mem_info, ALONE, MORE, NULL),
	E(suppressed, ALONE, MORE, NULL),
	E(damaged_lines, ALONE, MORE, NULL),
	{ &oom_task_record, offsetof(struct oom_task, kernel_points), ALONE, APART, NULL },
	{ &oom_task_record, offsetof(struct oom_task, kernel_flags), ALONE, APART, NULL },
	V(reap, ALONE, WEIGH, known_weight),
	V(reap_us, ON(oom_victim, reap), FILL, NULL),
	V(reap_anon_rss_kb, ON(oom_victim, reap), FILL, NULL),
	V(reap_file_rss_kb, ON(oom_victim, reap), FILL, NULL),
	V(reap_shmem_rss_kb, ON(oom_victim, reap), FILL, NULL),
	V(reap_line, ON(oom_victim, reap), FILL, NULL),
	L(class, ALONE, APART, NULL),
	L(freed_by, ALONE, WEIGH, freed_weight),
	L(reap_skips, ALONE, MORE, NULL),
	L(aborted_rounds, ALONE, MORE, NULL),
};
#undef E
#undef V
#undef L

static const struct rule *rule_of(const struct oom_record *rec, size_t offset)
{
	static const struct rule fill = { .how = FILL };

	for (size_t i = 0; i < OOM_ARRAY_SIZE(rules); i++)
		if (rules[i].rec == rec && rules[i].offset == offset)
			return &rules[i];
	return &fill;
}

/* The source and its lines: of no meaning beside those of another source. */
static bool is_source(const struct oom_field *f)
{
	size_t n = strlen(f->key);

	return !strncmp(f->key, "at_", 3) || !strcmp(f->key, "path") || (n >= 4 && !strcmp(f->key + n - 4, "line"));
}

static bool is_known(const struct oom_field *f, const void *rec)
{
	if (f->type == OOM_TYPE_STR)
		return oom_field_str(f, rec).p != NULL;
	return oom_field_int(f, rec) != (f->type == OOM_TYPE_INT ? OOM_NA : 0);
}

static bool contradicts(const struct oom_record *rec, size_t anchor, const void *to, const void *from)
{
	for (size_t i = 0; anchor && i < rec->nfields; i++) {
		const struct oom_field *f = &rec->field[i];

		if (f->offset != anchor || !is_known(f, to) || !is_known(f, from))
			continue;
		return f->type == OOM_TYPE_STR ? !oom_str_eq(oom_field_str(f, to), oom_field_str(f, from))
					       : oom_field_int(f, to) != oom_field_int(f, from);
	}
	return false;
}

static int fill_string(struct oom_arena *a, const struct oom_field *f, void *to, const void *from)
{
	struct oom_str s;

	if (oom_field_str(f, to).p)
		return 0;
	if (oom_arena_str(a, oom_field_str(f, from), &s))
		return -ENOMEM;
	oom_field_set_str(f, to, s);
	return 0;
}

static bool is_better(const struct oom_field *f, const struct rule *rule, int64_t to, int64_t from)
{
	switch (rule->how) {
	case MORE:  return from > to;
	case WEIGH: return rule->weight[from] > rule->weight[to];
	case FILL:  return f->type == OOM_TYPE_INT && to == OOM_NA;
	default:    return false;
	}
}

static bool may_take(const struct oom_merge *m, const struct oom_record *rec, const struct oom_field *f,
		     const struct rule *rule, const void *to, const void *from)
{
	return is_known(f, from) && rule->how != APART && (m->lines || !is_source(f)) &&
	       !contradicts(rec, rule->anchor, to, from);
}

/* Numbers last: they cannot fail. */
int oom_merge_record(struct oom_merge *m, const struct oom_record *rec, void *to, const void *from)
{
	for (size_t i = 0; i < rec->nfields; i++) {
		const struct oom_field *f = &rec->field[i];

		if (f->type == OOM_TYPE_STR && may_take(m, rec, f, rule_of(rec, f->offset), to, from) &&
		    fill_string(&m->ev->arena, f, to, from))
			return -ENOMEM;
	}
	for (size_t i = 0; i < rec->nfields; i++) {
		const struct oom_field *f = &rec->field[i];
		const struct rule *rule = rule_of(rec, f->offset);

		if (f->type != OOM_TYPE_STR && may_take(m, rec, f, rule, to, from) &&
		    is_better(f, rule, oom_field_int(f, to), oom_field_int(f, from)))
			oom_field_set_int(f, to, oom_field_int(f, from));
	}
	return 0;
}

/* ---- parts --------------------------------------------------------------------------------------------- */

size_t oom_merge_count(const struct oom_event *ev, const struct oom_record *rec)
{
	size_t n;

	memcpy(&n, (const char *)ev + rec->count, sizeof(n));
	return n;
}

char *oom_merge_row(const struct oom_event *ev, const struct oom_record *rec, size_t i)
{
	char *p;

	memcpy(&p, (const char *)ev + rec->array, sizeof(p));
	return p + i * rec->size;
}

/* Appends a copy of the row; all of it or nothing. */
int oom_merge_add(struct oom_merge *m, const struct oom_record *rec, const void *from)
{
	size_t n = oom_merge_count(m->ev, rec);
	char *row = oom_event_add(m->ev, rec);

	for (size_t i = 0; row && i < rec->nfields; i++) {
		const struct oom_field *f = &rec->field[i];
		struct oom_str s;

		if (f->type == OOM_TYPE_STR) {
			if (oom_arena_str(&m->ev->arena, oom_field_str(f, from), &s))
				row = NULL;
			else
				oom_field_set_str(f, row, s);
		} else if (!is_source(f) || m->lines) {
			oom_field_set_int(f, row, oom_field_int(f, from));
		}
	}
	if (!row)
		memcpy((char *)m->ev + rec->count, &n, sizeof(n));
	return row ? 0 : -ENOMEM;
}

int oom_merge_add_all(struct oom_merge *m, const struct oom_record *rec)
{
	size_t n = oom_merge_count(m->ev, rec);
	int r = 0;

	for (size_t i = 0; !r && i < oom_merge_count(m->from, rec); i++)
		r = oom_merge_add(m, rec, oom_merge_row(m->from, rec, i));
	if (r)
		memcpy((char *)m->ev + rec->count, &n, sizeof(n));
	return r;
}

/* Joins by key; rows that only the other has are appended, those without a key only to none. */
static int join_rows(struct oom_merge *m, const struct oom_record *rec, size_t key)
{
	struct oom_merge_index ix;
	int r;

	if (!oom_merge_count(m->ev, rec))
		return oom_merge_add_all(m, rec);
	r = oom_merge_index(m->ev, rec, key, NULL, &ix);
	for (size_t i = 0; !r && i < oom_merge_count(m->from, rec); i++) {
		const char *from = oom_merge_row(m->from, rec, i);
		int64_t k;
		size_t at;

		memcpy(&k, from + key, sizeof(k));
		if (k == OOM_NA)
			continue;
		at = oom_merge_take(&ix, k);
		if (at == SIZE_MAX) {
			r = oom_merge_add(m, rec, from);
			continue;
		}
		r = oom_merge_record(m, rec, oom_merge_row(m->ev, rec, at), from);
	}
	oom_free(ix.e);
	return r;
}

/* ---- the other parts ----------------------------------------------------------------------------------- */

/*
 * How much a class says.  LOGGED is what a life has that nobody classified, unless its event has the dump.
 * That its log was lost is said for want of anything better; that the dump was suppressed, until it is found.
 * What a feed saw of the kill itself stands above what the log has of it.
 */
static int class_weight(const struct oom_event *ev, int64_t class)
{
	static const int8_t weight[] = {
		[OOM_CLASS_LOG_LOST] = 1, [OOM_CLASS_RATE_LIMITED] = 2, [OOM_CLASS_LOGGED] = 3,
		[OOM_CLASS_GROUP_MEMBER] = 4, [OOM_CLASS_ALREADY_EXITING] = 5,
	};

	return class == OOM_CLASS_LOGGED && !ev->has_invoked ? 0 : weight[class];
}

static void merge_class(struct oom_merge *m, void *to, const void *from)
{
	struct oom_life *a = to;
	const struct oom_life *b = from;

	if (class_weight(m->from, b->class) > class_weight(m->ev, a->class))
		a->class = b->class;
}

/* /proc tells the start of a process in ticks, the feeds in nanoseconds. */
#define TICK_US 10000

/* A tracepoint and a kill line know the thread alone: the process may become known later. */
static bool same_life(const struct oom_life *a, const struct oom_life *b)
{
	if (a->start_us != OOM_NA && b->start_us != OOM_NA &&
	    (uint64_t)a->start_us - (uint64_t)b->start_us + TICK_US - 1 > 2 * TICK_US - 2)
		return false;
	if (a->tgid != OOM_NA && b->tgid != OOM_NA)
		return a->tgid == b->tgid;
	return a->pid != OOM_NA && a->pid == b->pid;
}

static int merge_lives(struct oom_merge *m)
{
	size_t n = m->ev->nlives;
	bool *taken = oom_malloc((n ? n : 1) * sizeof(*taken));
	int r = taken ? 0 : -ENOMEM;

	for (size_t i = 0; taken && i < n; i++)
		taken[i] = false;
	for (size_t i = 0; !r && i < m->from->nlives; i++) {
		const struct oom_life *from = &m->from->life[i];
		size_t k = 0;

		while (k < n && (taken[k] || !same_life(&m->ev->life[k], from)))
			k++;
		if (k < n) {
			taken[k] = true;
			r = oom_merge_record(m, &oom_life_record, &m->ev->life[k], from);
			merge_class(m, &m->ev->life[k], from);
		} else if (!n || from->pid != OOM_NA || from->tgid != OOM_NA) {
			r = oom_merge_add(m, &oom_life_record, from);
		}
	}
	oom_free(taken);
	return r;
}

static bool is_counted(const struct oom_memory *f)
{
	return f->area == OOM_AREA_COUNTER || f->area == OOM_AREA_PSI;
}

static bool has_fact(const struct oom_event *ev, size_t n, const struct oom_memory *f)
{
	for (size_t i = 0; i < n; i++)
		if (ev->memory[i].area == f->area && oom_str_eq(ev->memory[i].zone, f->zone) &&
		    oom_str_eq(ev->memory[i].name, f->name))
			return true;
	return false;
}

/* The dump is taken whole or not at all, the recorder's counters one by one. */
static int merge_memory(struct oom_merge *m)
{
	size_t n = m->ev->nmemory;
	bool dump = false;
	int r = 0;

	for (size_t i = 0; i < n && !dump; i++)
		dump = !is_counted(&m->ev->memory[i]);
	for (size_t i = 0; !r && i < m->from->nmemory; i++) {
		const struct oom_memory *f = &m->from->memory[i];

		if (is_counted(f) ? !has_fact(m->ev, n, f) : !dump)
			r = oom_merge_add(m, &oom_memory_record, f);
	}
	if (r)
		m->ev->nmemory = n;
	return r;
}

int oom_merge_note(struct oom_merge *m, const struct oom_note *note)
{
	int64_t line = m->lines ? note->line : OOM_NA;

	for (size_t i = 0; i < m->ev->nnotes; i++) {
		const struct oom_note *n = &m->ev->note[i];

		if ((n->line == line || n->line == note->line) && oom_str_eq(n->kind, note->kind) &&
		    oom_str_eq(n->text, note->text))
			return 0;
	}
	return oom_merge_add(m, &oom_note_record, note);
}

static int merge_notes(struct oom_merge *m)
{
	int r = 0;

	for (size_t i = 0; !r && i < m->from->nnotes; i++)
		r = oom_merge_note(m, &m->from->note[i]);
	return r;
}

static bool has_word(struct oom_str s, struct oom_str word)
{
	struct oom_str w;

	while (oom_take_blanks(&s), oom_take_word(&s, &w))
		if (oom_str_eq(w, word))
			return true;
	return false;
}

/* The words of both, each once. */
static int merge_feeds(struct oom_merge *m)
{
	struct oom_str rest = m->from->feeds, word;
	struct oom_str *all = &m->ev->feeds;

	if (!all->p)
		return oom_arena_str(&m->ev->arena, rest, all);
	while (oom_take_blanks(&rest), oom_take_word(&rest, &word)) {
		char *p;

		if (has_word(*all, word))
			continue;
		p = oom_arena_alloc(&m->ev->arena, all->n + word.n + 1);
		if (!p)
			return -ENOMEM;
		memcpy(p, all->p, all->n);
		p[all->n] = ' ';
		memcpy(p + all->n + 1, word.p, word.n);
		*all = (struct oom_str){ p, all->n + 1 + word.n };
	}
	return 0;
}

static void merge_ballot_lost(struct oom_merge *m)
{
	int64_t *to = &m->ev->ballot_lost, from = m->from->ballot_lost;

	if (m->ballot > 0 || (m->ballot == 0 && from > *to))
		*to = from;
}

/* ---- events -------------------------------------------------------------------------------------------- */

static int merge_parts(struct oom_merge *m)
{
	int r = oom_merge_tasks(m);

	if (!r)
		r = join_rows(m, &oom_victim_record, offsetof(struct oom_victim, pid));
	if (!r)
		r = join_rows(m, &oom_prior_record, offsetof(struct oom_prior, pid));
	if (!r)
		r = merge_lives(m);
	if (!r && !m->ev->nflights)
		r = oom_merge_add_all(m, &oom_flight_record);
	if (!r)
		r = merge_memory(m);
	if (!r)
		r = merge_notes(m);
	return r ? r : merge_feeds(m);
}

/* The head last, and with it the lines: a merge that is done again must find what it found before. */
static int merge_head(struct oom_merge *m)
{
	size_t n = m->ev->nraw;
	int r = 0;

	if (m->lines)
		r = oom_merge_add_all(m, &oom_raw_record);
	if (!r)
		r = oom_merge_record(m, &oom_event_record, m->ev, m->from);
	if (r)
		m->ev->nraw = n;
	else
		merge_ballot_lost(m);
	return r;
}

int oom_event_merge(struct oom_event *ev, const struct oom_event *from)
{
	struct oom_merge m = {
		.ev = ev, .from = from,
		.lines = ev->first_line == OOM_NA && !ev->nraw,
		.ballot = ballot_weight[from->ballot] - ballot_weight[ev->ballot],
	};
	int r;

	if (ev == from)
		return 0;
	r = merge_parts(&m);
	return r ? r : merge_head(&m);
}
