/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Events of the log and the kernel's counter: which case they belong to, and what became known by them. */
#include "join_impl.h"

#include <errno.h>

/* ---- matching ----------------------------------------------------------------------------------------- */

static int64_t when(const struct oom_event *ev, const struct oom_victim *v)
{
	return v && v->killed_us != OOM_NA ? v->killed_us : ev->boot_us;
}

static bool near(int64_t a, int64_t b)
{
	return a == OOM_NA || b == OOM_NA || join_apart(a, b) <= JOIN_LOG_SKEW_US;
}

static bool has_thread(const struct join_life *l, int64_t pid)
{
	for (unsigned i = 0; i < l->nmarks; i++)
		if (l->mark[i].pid == pid)
			return true;
	return l->row.pid == pid || l->row.tgid == pid;
}

/* The oldest without a log of its own that the line can be about: both tell kills in the kernel's order. */
static struct join_case *case_of_pid(struct oom_join *j, int64_t pid, int64_t us)
{
	for (struct join_case *c = j->oldest; c; c = c->next) {
		if (c->has_log)
			continue;
		for (size_t i = 0; i < c->nlives; i++)
			if (has_thread(&c->life[i], pid) && (c->life[i].loud || !c->life[i].silent) &&
			    near(c->life[i].begin_us, us))
				return c;
	}
	return NULL;
}

/* A report without a victim: by whom the kernel chose, else by who asked. */
static struct join_case *case_of_trigger(struct oom_join *j, const struct oom_event *ev)
{
	struct join_case *c = ev->chosen_pid == OOM_NA ? NULL : case_of_pid(j, ev->chosen_pid, ev->boot_us);

	if (c || ev->trigger_pid == OOM_NA)
		return c;
	for (c = j->oldest; c; c = c->next)
		if (!c->has_log && c->selected && c->trigger.pid == ev->trigger_pid &&
		    c->no_victim == (ev->outcome == OOM_OUTCOME_NO_KILLABLE || ev->outcome == OOM_OUTCOME_PANIC) &&
		    near(c->begin_us, ev->boot_us))
			return c;
	return NULL;
}

static struct join_case *case_of_lines(struct oom_join *j, const struct oom_event *ev)
{
	for (struct join_case *c = j->newest; c; c = c->prev)
		if (c->has_log && c->first_line == ev->first_line && ev->first_line != OOM_NA)
			return c;
	return NULL;
}

static struct join_case *find_case(struct oom_join *j, const struct oom_event *ev)
{
	struct join_case *c = case_of_lines(j, ev);

	for (size_t i = 0; !c && i < ev->nvictims; i++)
		c = case_of_pid(j, ev->victim[i].pid, when(ev, &ev->victim[i]));
	return c ? c : ev->nvictims ? NULL : case_of_trigger(j, ev);
}

/* ---- what the log says of each victim ------------------------------------------------------------------ */

static int64_t tgid_of(const struct oom_event *ev, int64_t pid)
{
	const struct oom_task *t = oom_event_task(ev, pid);

	return t ? t->tgid : OOM_NA;
}

static struct join_life *life_of(struct oom_join *j, struct join_case *c, const struct oom_event *ev,
				 const struct oom_victim *v)
{
	int64_t tgid = tgid_of(ev, v->pid);
	struct join_life *l;

	for (size_t i = 0; i < c->nlives; i++)
		if (has_thread(&c->life[i], v->pid) || (tgid != OOM_NA && c->life[i].row.tgid == tgid))
			return &c->life[i];
	l = join_life_add(j, c);
	if (!l)
		return NULL;
	l->row.tgid = tgid;
	l->begin_us = when(ev, v);
	return l;
}

static void copy_comm(struct join_life *l, struct oom_str s)
{
	if (!s.p || l->row.comm.p)
		return;
	l->row.comm = (struct oom_str){ l->comm, s.n < JOIN_COMM ? s.n : JOIN_COMM };
	memcpy(l->comm, s.p, l->row.comm.n);
}

/* The kill line names the thread that was marked. */
static void note_victim(struct join_life *l, const struct oom_victim *v)
{
	l->row.pid = v->pid;
	if (l->row.uid == OOM_NA)
		l->row.uid = v->uid;
	copy_comm(l, v->comm);
	l->in_log = l->loud = true;
	l->role = v->role;
	l->unable |= v->reap == OOM_REAP_UNABLE;
	l->reaped |= v->reap == OOM_REAP_REAPED;
}

/* Without memory for another row the event itself still goes its way. */
static void note_victims(struct oom_join *j, struct join_case *c, const struct oom_event *ev)
{
	for (size_t i = 0; i < ev->nvictims; i++) {
		const struct oom_victim *v = &ev->victim[i];
		struct join_case *other = case_of_pid(j, v->pid, when(ev, v));
		struct join_life *l;

		if (other && other != c)
			(void)join_absorb(j, c, other);
		l = life_of(j, c, ev, v);
		if (l)
			note_victim(l, v);
	}
}

static void note_domain(struct join_case *c, const struct oom_event *ev)
{
	if (!c->oom_path && ev->oom_memcg.p) {
		c->oom_path = oom_malloc(ev->oom_memcg.n + 1);
		if (c->oom_path) {
			memcpy(c->oom_path, ev->oom_memcg.p, ev->oom_memcg.n);
			c->oom_path[ev->oom_memcg.n] = 0;
		}
	}
	c->global |= ev->scope == OOM_SCOPE_GLOBAL;
}

/* It may have been put out and accounted for before it was given up: then what comes now is a later version. */
static void resume(struct oom_join *j, struct join_case *c)
{
	unsigned n = j->nleft < JOIN_LEFT ? j->nleft : JOIN_LEFT, i = 0;

	while (i < n && (j->left[i].final || j->left[i].first_line != c->first_line))
		i++;
	if (i == n)
		return;
	j->left[i].first_line = OOM_NA;
	c->put = c->mid_done = true;
	c->put_us = c->log_us;
	c->ident.boot_us = c->ev.boot_us;
	c->counted = j->left[i].counted;
	for (size_t k = 0; k < c->nlives; k++)
		c->life[k].tallied = (int)join_class(c, &c->life[k]);
}

/* No process's name has room for the words and a digit; a cgroup's has, behind a '/' or a '='. */
static bool is_kill_line(struct oom_str s)
{
	static const char words[] = "Killed process ";
	ptrdiff_t at = oom_str_find(s, words);
	struct oom_str before = oom_str_sub(s, 0, at < 0 ? 0 : (size_t)at), pid;
	int64_t ignored;

	if (at < 0 || oom_str_find(before, "/") >= 0 || oom_str_find(before, "=") >= 0)
		return false;
	pid = oom_str_sub(s, (size_t)at + sizeof(words) - 1, s.n);
	return oom_take_i64(&pid, &ignored);
}

/*
 * __oom_kill_process() counts each call that finds an mm: the first victim of a group kill twice, since it is a member
 * of its group; not the processes that merely share the mm; and nothing where a dying task is only marked.
 */
static int64_t killed_lines(const struct oom_event *ev, int64_t since_line)
{
	int64_t lines = 0, victims = 0;

	for (size_t i = 0; i < ev->nraw; i++)
		lines += ev->raw[i].line >= since_line && is_kill_line(ev->raw[i].text);
	for (size_t i = 0; i < ev->nvictims; i++) {
		const struct oom_victim *v = &ev->victim[i];

		victims += v->role != OOM_ROLE_SHARED_MM && (v->line == OOM_NA ? ev->last_line : v->line) >= since_line;
	}
	return lines > victims ? lines : victims;
}

static void count_lines(const struct oom_join *j, struct join_case *c, const struct oom_event *ev)
{
	c->logged_kills = killed_lines(ev, j->o.since_line);
	c->early_kills = killed_lines(ev, OOM_NA) - c->logged_kills;
}

/* ---- events ------------------------------------------------------------------------------------------- */

/* Nothing of a kill so long ago is still to come from the feeds. */
static bool is_past(const struct join_case *c, const struct oom_event *ev, int64_t now_us)
{
	int64_t us = when(ev, ev->nvictims ? &ev->victim[ev->nvictims - 1] : NULL);

	return c->feeds == JOIN_LOG && us != OOM_NA && now_us - us > JOIN_LOG_SKEW_US;
}

int oom_join_log(struct oom_join *j, struct oom_event *ev, bool final, int64_t now_us)
{
	struct join_case *c = find_case(j, ev);
	bool fresh = !c;

	if (!c) {
		c = join_case_new(j, now_us);
		if (!c)
			return -ENOBUFS;
		c->begin_us = ev->boot_us;
	}
	c->feeds |= JOIN_LOG;
	c->has_log = true;
	c->final |= final;
	c->has_dump = ev->has_invoked || ev->has_table || ev->has_mem_info;
	c->ev_will_free = ev->outcome == OOM_OUTCOME_WILL_FREE;
	c->first_line = ev->first_line;
	c->log_us = now_us;
	count_lines(j, c, ev);
	note_victims(j, c, ev);
	note_domain(c, ev);
	c->past = is_past(c, ev, now_us);
	join_event_free(j, c);
	c->ev = *ev;
	c->has_ev = true;
	c->ev_bytes = c->ev.arena.used;
	j->bytes += c->ev_bytes;
	if (fresh)
		resume(j, c);
	memset(ev, 0, sizeof(*ev));
	join_touch(c, now_us);
	join_adopt_orphans(j, now_us);
	return 0;
}

void oom_join_log_read(struct oom_join *j, bool busy, int64_t now_us)
{
	j->log_read_us = now_us;
	j->log_busy = busy;
}

/* ---- classes ------------------------------------------------------------------------------------------ */

static bool is_first(const struct join_case *c, const struct join_life *l)
{
	if (c->chosen)
		return join_life_is(l, &c->choice);
	for (size_t i = 0; i < c->nlives; i++)
		if (c->life[i].begin_us < l->begin_us)
			return false;
	return true;
}

int64_t join_class(const struct join_case *c, const struct join_life *l)
{
	bool silent = (l->silent && !l->loud) || (c->was_silent && !l->in_log);

	if (l->in_log && l->role == OOM_ROLE_GROUP)
		return OOM_CLASS_GROUP_MEMBER;
	if (l->in_log)
		return c->has_dump ? OOM_CLASS_LOGGED : OOM_CLASS_RATE_LIMITED;
	/* __oom_kill_process() found no mm any more: it neither kills nor marks */
	if (c->sees_marks && !l->nmarks && !c->lost)
		silent = true;
	if (silent || c->ev_will_free)
		return OOM_CLASS_ALREADY_EXITING;
	return c->nlives > 1 && !is_first(c, l) ? OOM_CLASS_GROUP_MEMBER : OOM_CLASS_LOG_LOST;
}

/* ---- the counter -------------------------------------------------------------------------------------- */

int64_t join_expected_kills(const struct join_case *c)
{
	int64_t n = 0;

	for (size_t i = 0; i < c->nlives; i++) {
		const struct join_life *l = &c->life[i];

		if (l->nmarks && (l->loud || !l->silent))
			n += l->kills > 1 ? l->kills : 1;
	}
	return n;
}

static int64_t kills_of(const struct join_case *c)
{
	int64_t told = c->was_silent ? 0 : join_expected_kills(c);

	return c->logged_kills > told ? c->logged_kills : told;
}

/* Puts the case into the tally, or corrects what the tally has of it. */
void join_account(struct oom_join *j, struct join_case *c)
{
	int64_t n = kills_of(c);

	if (n != c->counted) {
		j->tally.counted += n - c->counted;
		c->counted = n;
		j->count.told_us = c->change_us;
	}
	for (size_t i = 0; i < c->nlives; i++) {
		struct join_life *l = &c->life[i];
		int class = (int)join_class(c, l);

		if (class == l->tallied)
			continue;
		if (l->tallied >= 0)
			j->tally.by_class[l->tallied]--;
		j->tally.by_class[class]++;
		if (class == OOM_CLASS_LOG_LOST && !l->kills && l->tallied < 0)
			j->count.blind++;
		l->tallied = class;
	}
}

/* Marked by a feed that cannot tell a kill from a mark alone, and nothing in the log: the counter knows. */
bool join_undecided(const struct oom_join *j, const struct join_case *c)
{
	if (c->has_log || c->resolved || j->count.base == OOM_NA)
		return false;
	for (size_t i = 0; i < c->nlives; i++)
		if (c->life[i].silent || c->life[i].loud)
			return false;
	return c->nlives > 0;
}

static int64_t excess(const struct oom_join *j)
{
	return j->count.value - j->count.base - j->tally.counted;
}

/* An old value of the counter lacks the newest kills, which the rest of the sum has. */
static bool is_stale(const struct oom_join *j)
{
	if (j->count.read_us < j->count.told_us)
		return true;
	for (const struct join_case *c = j->oldest; c; c = c->next)
		if (j->count.read_us < c->change_us)
			return true;
	return false;
}

void join_decide(struct oom_join *j, struct join_case *c)
{
	int64_t told = 0;

	if (!join_undecided(j, c) || is_stale(j))
		return;
	for (const struct join_case *x = j->oldest; x; x = x->next)
		if (!x->put && x != c && !join_undecided(j, x))
			told += kills_of(x);
	c->resolved = true;
	c->was_silent = excess(j) - told < join_expected_kills(c);
}

bool oom_join_wants_counter(const struct oom_join *j, int64_t now_us)
{
	if (j->count.base == OOM_NA)
		return false;
	for (const struct join_case *c = j->oldest; c; c = c->next)
		if (!c->put && join_undecided(j, c) && (j->finishing || now_us >= join_settled(j, c)) &&
		    (is_stale(j) || (!j->finishing && j->count.read_us < join_settled(j, c))))
			return true;
	return now_us >= join_compare_due(j);
}

void oom_join_counter(struct oom_join *j, int64_t oom_kill, int64_t now_us)
{
	if (j->count.base == OOM_NA || oom_kill == OOM_NA)
		return;
	if (oom_kill != j->count.value) {
		j->count.value = oom_kill;
		j->count.since_us = now_us;
	}
	j->count.read_us = now_us;
}

/* Kills come at once, the counter and what tells of them in any order: both must have been still for a while. */
#define STILL_US (OOM_SEC_US + OOM_SEC_US / 2)

static bool any_waiting(const struct oom_join *j)
{
	for (const struct join_case *c = j->oldest; c; c = c->next)
		if (!c->put && c->nlives)
			return true;
	return false;
}

/* When the counter is to be read again for a comparison; INT64_MAX: it was, and agreed. */
int64_t join_compare_due(const struct oom_join *j)
{
	int64_t us;

	if (j->count.base == OOM_NA || any_waiting(j))
		return INT64_MAX;
	us = j->count.told_us > j->count.since_us ? j->count.told_us : j->count.since_us;
	if (j->count.read_us >= us + STILL_US && excess(j) == 0)
		return INT64_MAX;
	return us + STILL_US;
}

void join_compare(struct oom_join *j, int64_t now_us)
{
	int64_t us = join_compare_due(j), n;

	if (us == INT64_MAX || j->count.read_us < us || now_us < us)
		return;
	n = excess(j);
	if (n > 0) {
		int64_t twice = n < j->count.blind / 2 ? n : j->count.blind / 2;

		j->count.unseen += n - twice;
		j->tally.counted += n - twice;
		n = twice;
	}
	j->count.base += n;                   /* agreed from here on */
	j->count.blind = 0;
}

/* Lines from next_line on are read again: neither they nor what the counter had of them before we began are past. */
struct oom_join_past oom_join_past(const struct oom_join *j, int64_t next_line)
{
	int64_t line = next_line == OOM_NA ? INT64_MAX : next_line, counted = 0, early = 0;
	struct oom_join_past past = { .oom_kill = OOM_NA };

	for (const struct join_case *c = j->oldest; c; c = c->next) {
		if (!c->has_log || c->first_line < line)
			continue;
		counted += c->counted;
		early += c->early_kills;
	}
	for (unsigned i = 0; i < JOIN_LEFT && i < j->nleft; i++) {
		if (j->left[i].first_line == OOM_NA || j->left[i].first_line < line)
			continue;
		counted += j->left[i].counted;
		early += j->left[i].early;
	}
	past.kills = j->tally.counted - j->count.unseen - counted;
	if (j->count.base != OOM_NA)
		past.oom_kill = j->count.base + past.kills - early;
	return past;
}
