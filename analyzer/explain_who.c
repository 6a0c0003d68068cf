/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who died, what it held and what became of it. */
#include <string.h>

#include "explain_impl.h"

#define GROUP_ROWS 6          /* further victims shown by name */

static int64_t plus(int64_t a, int64_t b)
{
	int64_t sum;

	if (b == OOM_NA)
		return a;
	return a == OOM_NA || __builtin_add_overflow(a, b, &sum) ? OOM_NA : sum;
}

/* The three parts of RSS are disjoint for one process, so their sum is what it held in RAM. */
int64_t oom_resident_kb(const struct oom_victim *v)
{
	return plus(plus(v->anon_rss_kb, v->file_rss_kb), v->shmem_rss_kb);
}

static const char *held(struct oom_say *s, const struct oom_victim *v)
{
	const char *t;

	if (v->anon_rss_kb == OOM_NA)
		return oom_event_logged(s->ev) ? "the log does not say how much" : "how much was not recorded";
	if (!oom_resident_kb(v))
		return "nothing in RAM";
	t = oom_say_z(s, "%s in RAM: %s anonymous", oom_say_kb(s, oom_resident_kb(v)),
		      oom_say_some(s, v->anon_rss_kb));
	/* Before 4.5 shared memory is inside file-rss. */
	if (v->file_rss_kb > 0)
		t = oom_say_z(s, "%s, %s %s", t, oom_say_kb(s, v->file_rss_kb),
			      v->shmem_rss_kb == OOM_NA ? "file and shared memory" : "file");
	if (v->shmem_rss_kb > 0)
		t = oom_say_z(s, "%s, %s shared memory", t, oom_say_kb(s, v->shmem_rss_kb));
	return t;
}

static const char *const roles[] = {
	[OOM_ROLE_CHOSEN] = "chosen",
	[OOM_ROLE_GROUP] = "memory.oom.group",
	[OOM_ROLE_CHILD] = "child",
	[OOM_ROLE_SHARED_MM] = "same memory",
};

static const char *role_name(int64_t role)
{
	return role >= 0 && role < (int64_t)OOM_ARRAY_SIZE(roles) ? roles[role] : "-";
}

static const char *identity(struct oom_say *s, const struct oom_victim *v)
{
	const struct oom_task *t = oom_event_task(s->ev, v->pid);
	int64_t uid = v->uid != OOM_NA ? v->uid : t ? t->uid : OOM_NA;
	int64_t adj = v->oom_score_adj != OOM_NA ? v->oom_score_adj : t ? t->oom_score_adj : OOM_NA;
	const char *text = oom_say_proc(s, v->comm, v->pid);

	if (uid != OOM_NA)
		text = oom_say_z(s, "%s, uid %lld", text, (long long)uid);
	if (adj != OOM_NA)
		text = oom_say_z(s, "%s, oom_score_adj %lld", text, (long long)adj);
	return text;
}

static const char *delay(struct oom_say *s, int64_t us)
{
	if (us < 10000000)
		return oom_say_z(s, "%lld ms", (long long)((us + 500) / 1000));
	return oom_say_z(s, "%lld s", (long long)((us + 500000) / 1000000));
}

static const char *after_kill(struct oom_say *s, const struct oom_victim *v)
{
	int64_t us;

	if (v->killed_us == OOM_NA || v->reap_us == OOM_NA ||
	    __builtin_sub_overflow(v->reap_us, v->killed_us, &us) || us < 0 || us > INT64_MAX / 2)
		return "";
	return oom_say_z(s, " %s after the kill", delay(s, us));
}

/* What the recorder saw is more than the log says, but for a reaper that gave up or could not. */
static const char *seen_fate(struct oom_say *s, const struct oom_victim *v)
{
	const struct oom_life *l = oom_say_life_of(s->ev, v->pid);

	if (!l || v->reap == OOM_REAP_UNABLE || v->reap == OOM_REAP_PINNED)
		return NULL;
	return oom_say_freed(s, l);
}

static const char *fate(struct oom_say *s, const struct oom_victim *v)
{
	const char *seen = seen_fate(s, v);

	if (seen)
		return seen;
	switch ((enum oom_reap)v->reap) {
	case OOM_REAP_REAPED:
		if (v->reap_anon_rss_kb == OOM_NA)
			return oom_say_z(s, "reaped%s", after_kill(s, v));
		return oom_say_z(s, "reaped%s; %s anonymous memory was left", after_kill(s, v),
				 oom_say_some(s, v->reap_anon_rss_kb));
	case OOM_REAP_UNABLE:
		return oom_say_z(s, "the oom_reaper gave up on its memory%s: the process was stuck",
				 after_kill(s, v));
	case OOM_REAP_SKIPPED:
		return "the oom_reaper passed over it: its memory was already going away";
	case OOM_REAP_EXITED_FIRST:
		return "it was already exiting when the kernel chose it";
	case OOM_REAP_PINNED:
		return "its memory is shared with a process that must not die, so it could not be reaped";
	case OOM_REAP_UNSEEN:
		break;
	}
	return "not shown (normal for a process that exits quickly)";
}

/* Which java?  Only a recorder knows. */
static void say_command(struct oom_say *s, int64_t pid)
{
	const char *command = oom_say_command_of(s, pid);

	if (command)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "command", "%s", command);
}

static void say_cgroup(struct oom_say *s, int64_t pid)
{
	const struct oom_life *l = oom_say_life_of(s->ev, pid);
	struct oom_str path = s->ev->task_memcg.p || !l ? s->ev->task_memcg : l->cgroup;

	if (path.p)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "cgroup", "%s", oom_say_name(s, path));
}

static void say_first(struct oom_say *s, const struct oom_victim *v)
{

	oom_say(s, OOM_NODE_FACT, OOM_TONE_STRONG, v->line, "killed", "%s", identity(s, v));
	oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "held", "%s", held(s, v));
	/* task_memcg names the cgroup of the chosen process, not of the one that asked for memory. */
	if (v->role == OOM_ROLE_CHOSEN)
		say_cgroup(s, v->pid);
	say_command(s, v->pid);
	oom_say(s, OOM_NODE_FACT,
		v->reap == OOM_REAP_UNABLE || v->reap == OOM_REAP_PINNED ? OOM_TONE_WARN : OOM_TONE_PLAIN,
		v->reap_line, "afterwards", "%s", fate(s, v));
}

static void say_rest(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	size_t n = 1;

	if (ev->nvictims < 2)
		return;
	if (ev->oom_group == 1)
		oom_say(s, OOM_NODE_TEXT, OOM_TONE_PLAIN, OOM_NA, NULL,
			"With it died the rest of the cgroup %s, because memory.oom.group is set there:",
			oom_say_name(s, ev->oom_group_path));
	oom_say(s, OOM_NODE_TABLE, OOM_TONE_PLAIN, OOM_NA, NULL, ">pid\tprocess\tdied as\t>in RAM\t>adj");
	for (; n < ev->nvictims && n <= GROUP_ROWS; n++) {
		const struct oom_victim *v = &ev->victim[n];

		oom_say(s, OOM_NODE_ROW, OOM_TONE_PLAIN, v->line, NULL, "%s\t%s\t%s\t%s\t%s",
			v->pid == OOM_NA ? "-" : oom_say_z(s, "%lld", (long long)v->pid),
			oom_say_name(s, v->comm), role_name(v->role),
			v->anon_rss_kb == OOM_NA ? "-" : oom_say_kb(s, oom_resident_kb(v)),
			v->oom_score_adj == OOM_NA ? "-" : oom_say_z(s, "%lld", (long long)v->oom_score_adj));
	}
	if (n < ev->nvictims)
		oom_say(s, OOM_NODE_TEXT, OOM_TONE_DIM, OOM_NA, NULL, "... and %s",
			oom_say_count(s, (int64_t)(ev->nvictims - n), "more", "more"));
}

void oom_say_who(struct oom_say *s)
{
	const struct oom_event *ev = s->ev;
	const struct oom_task *t;
	const struct oom_life *l;
	const char *freed;

	if (ev->nvictims) {
		oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Who");
		say_first(s, &ev->victim[0]);
		say_rest(s);
		return;
	}
	if (ev->chosen_pid == OOM_NA)
		return;
	t = oom_event_task(ev, ev->chosen_pid);
	oom_say(s, OOM_NODE_SECTION, OOM_TONE_STRONG, OOM_NA, NULL, "Who");
	oom_say(s, OOM_NODE_FACT, OOM_TONE_STRONG, ev->at[OOM_AT_SUMMARY],
		ev->outcome == OOM_OUTCOME_WILL_FREE && !oom_event_logged(ev) ? "dying" : "chosen", "%s%s",
		oom_say_proc(s, ev->chosen_comm, ev->chosen_pid), t && t->rss_pages != OOM_NA ?
		oom_say_z(s, ", %s in RAM", oom_say_size(s, t->rss_pages)) : "");
	say_cgroup(s, ev->chosen_pid);
	say_command(s, ev->chosen_pid);
	l = oom_say_life_of(ev, ev->chosen_pid);
	freed = l ? oom_say_freed(s, l) : NULL;
	if (freed)
		oom_say(s, OOM_NODE_FACT, OOM_TONE_PLAIN, OOM_NA, "afterwards", "%s", freed);
}
