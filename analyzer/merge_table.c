/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two task tables made into one, and the index by which rows are joined. */
#include "merge.h"

#include <oomlens/fact.h>

#include <errno.h>
#include <stdlib.h>

/* ---- rows by one of their integers ---------------------------------------------------------------------- */

static int by_key(const void *pa, const void *pb)
{
	const struct oom_merge_entry *a = pa, *b = pb;

	if (a->key != b->key)
		return a->key < b->key ? -1 : 1;
	return a->row < b->row ? -1 : a->row > b->row;
}

int oom_merge_index(const struct oom_event *ev, const struct oom_record *rec, size_t key, const bool *taken,
		      struct oom_merge_index *ret)
{
	size_t n = oom_merge_count(ev, rec);

	*ret = (struct oom_merge_index){ .e = oom_malloc((n ? n : 1) * sizeof(*ret->e)) };
	if (!ret->e)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct oom_merge_entry e = { .row = i };

		memcpy(&e.key, oom_merge_row(ev, rec, i) + key, sizeof(e.key));
		if (e.key != OOM_NA && (!taken || !taken[i]))
			ret->e[ret->n++] = e;
	}
	qsort(ret->e, ret->n, sizeof(*ret->e), by_key);
	return 0;
}

/* What is taken at the head of a run is passed over at once: a run may be as long as a table. */
size_t oom_merge_take(struct oom_merge_index *ix, int64_t key)
{
	size_t lo = 0, hi = ix->n, i;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ix->e[mid].key < key)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == ix->n)
		return SIZE_MAX;
	for (i = lo + ix->e[lo].skip; i < ix->n && ix->e[i].key == key; i++) {
		if (ix->e[i].taken)
			continue;
		ix->e[i].taken = true;
		while (lo + ix->e[lo].skip < ix->n && ix->e[lo + ix->e[lo].skip].taken)
			ix->e[lo].skip++;
		return ix->e[i].row;
	}
	return SIZE_MAX;
}

/* ---- the task table ------------------------------------------------------------------------------------ */

/* What the kernel said of a candidate is of one ballot: the stronger one's where there are two. */
static void merge_ballot(struct oom_merge *m, struct oom_task *to, const struct oom_task *from)
{
	if (m->ballot < 0)
		return;
	if (from->kernel_points != OOM_NA && (m->ballot > 0 || to->kernel_points == OOM_NA))
		to->kernel_points = from->kernel_points;
	if (from->kernel_flags != OOM_NA && (m->ballot > 0 || to->kernel_flags == OOM_NA))
		to->kernel_flags = from->kernel_flags;
}

/* match[i]: the row of ev that the i-th of from is, or SIZE_MAX.  The same thread is the same process; where the
 * leader is dead the two may have met different threads of it. */
static int match_tasks(struct oom_merge *m, size_t *match, bool *taken)
{
	static const size_t keys[] = { offsetof(struct oom_task, pid), offsetof(struct oom_task, tgid) };
	const struct oom_event *from = m->from;

	for (size_t i = 0; i < from->ntasks; i++)
		match[i] = SIZE_MAX;
	for (size_t k = 0; k < OOM_ARRAY_SIZE(keys); k++) {
		struct oom_merge_index ix;

		if (oom_merge_index(m->ev, &oom_task_record, keys[k], taken, &ix))
			return -ENOMEM;
		for (size_t i = 0; i < from->ntasks; i++) {
			int64_t key;

			memcpy(&key, (const char *)&from->task[i] + keys[k], sizeof(key));
			if (match[i] != SIZE_MAX || key == OOM_NA)
				continue;
			match[i] = oom_merge_take(&ix, key);
			if (match[i] != SIZE_MAX)
				taken[match[i]] = true;
		}
		oom_free(ix.e);
	}
	return 0;
}

/* Zombies are looked at in a selection and stand in no table. */
static bool belongs(const struct oom_task *t)
{
	bool no_mm = t->kernel_flags != OOM_NA && t->kernel_flags & OOM_FACT_NO_MM;

	return !no_mm && (t->pid != OOM_NA || t->tgid != OOM_NA);
}

/* Number of the rows that only the other account has; *first is one of them. */
static size_t absent(const struct oom_merge *m, const size_t *match, const struct oom_task **first)
{
	size_t n = 0;

	for (size_t i = m->from->ntasks; i--;) {
		const struct oom_task *t = &m->from->task[i];

		if (match[i] != SIZE_MAX || !belongs(t))
			continue;
		n++;
		if (first)
			*first = t;
	}
	return n;
}

struct place { size_t after, seq; };

static int by_place(const void *pa, const void *pb)
{
	const struct place *a = pa, *b = pb;

	if (a->after != b->after)
		return a->after < b->after ? -1 : 1;
	return a->seq < b->seq ? -1 : a->seq > b->seq;
}

/* Both accounts have the kernel's order.  What was cut out of a table comes back where it was: each row behind
 * the one that precedes it in the other account. */
static int fill_gaps(struct oom_merge *m, const size_t *match)
{
	const struct oom_event *from = m->from;
	size_t n = m->ev->ntasks, after = 0, npl = 0;
	struct oom_task *sorted;
	struct place *place;
	int r;

	if (!absent(m, match, NULL))
		return 0;
	place = oom_malloc((n + from->ntasks) * sizeof(*place));
	r = place ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < n; i++)
		place[npl++] = (struct place){ i + 1, i };
	for (size_t i = 0; !r && i < from->ntasks; i++) {
		if (match[i] != SIZE_MAX) {
			after = match[i] + 1;
		} else if (belongs(&from->task[i])) {
			place[npl] = (struct place){ after, npl };
			npl++;
			r = oom_merge_add(m, &oom_task_record, &from->task[i]);
		}
	}
	sorted = r ? NULL : oom_arena_alloc(&m->ev->arena, npl * sizeof(*sorted));
	if (sorted) {
		qsort(place, npl, sizeof(*place), by_place);
		for (size_t i = 0; i < npl; i++)
			sorted[i] = m->ev->task[place[i].seq];
		m->ev->task = sorted;
		m->ev->ntasks = m->ev->cap_tasks = npl;
	} else {
		m->ev->ntasks = n;
	}
	oom_free(place);
	return sorted ? 0 : -ENOMEM;
}

/* A complete table stays what the kernel printed.  A candidate that it lacks was gone by then: that is said. */
static int note_absent(struct oom_merge *m, const size_t *match)
{
	struct oom_note note = { .line = OOM_NA, .kind = OOM_STR("ballot_only") };
	const struct oom_task *first = NULL;
	char text[128];
	size_t n = absent(m, match, &first);

	if (!n || m->from->ballot == OOM_BALLOT_NONE)
		return 0;
	snprintf(text, sizeof(text), "%zu of the candidates that the kernel looked at are not in the table; "
		 "the first has the pid %lld", n, (long long)first->pid);
	note.text = oom_str_from(text);
	return oom_merge_note(m, &note);
}

int oom_merge_tasks(struct oom_merge *m)
{
	size_t n = m->from->ntasks, *match;
	bool *taken, whole = m->ev->table_complete == 1;
	int r;

	if (!m->ev->ntasks || !n)
		return oom_merge_add_all(m, &oom_task_record);
	match = oom_malloc(n * sizeof(*match));
	taken = oom_malloc(m->ev->ntasks * sizeof(*taken));
	r = match && taken ? 0 : -ENOMEM;
	if (!r) {
		memset(taken, 0, m->ev->ntasks * sizeof(*taken));
		r = match_tasks(m, match, taken);
	}
	for (size_t i = 0; !r && i < n; i++) {
		if (match[i] == SIZE_MAX)
			continue;
		r = oom_merge_record(m, &oom_task_record, &m->ev->task[match[i]], &m->from->task[i]);
		merge_ballot(m, &m->ev->task[match[i]], &m->from->task[i]);
	}
	if (!r)
		r = whole ? note_absent(m, match) : fill_gaps(m, match);
	oom_free(match);
	oom_free(taken);
	return r;
}

