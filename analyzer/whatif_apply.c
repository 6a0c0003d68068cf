/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The lines that would make a change real.  They are printed for a person to read and run; names come from processes
 * that nobody can trust, so only plain ones stand in a command. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include <oomlens/identity.h>

#include "whatif_impl.h"

const char *const oom_apply_names[] = { "none", "choom", "systemd", "kubernetes", "docker", NULL };

struct pen { const struct oom_whatif *w; struct oom_buf *out; struct oom_arena arena; };

static bool is_plain(struct oom_str s)
{
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && !memchr("_.:@/+-", s.p[i], 7))
			return false;
	return s.n > 0 && s.p[0] != '-';
}

static bool is_live(const struct pen *p)
{
	return p->w->event->origin == OOM_ORIGIN_LIVE;
}

static const char *safe(struct pen *p, struct oom_str s)
{
	struct oom_str z = oom_str_safe(&p->arena, s.p ? s : OOM_STR("?"));

	return z.p ? z.p : "?";
}

static const struct oom_task *task_of(const struct pen *p, const struct oom_change *c)
{
	return &p->w->event->task[c->task];
}

static long long pid_of(const struct oom_task *t)
{
	return (long long)(t->tgid != OOM_NA ? t->tgid : t->pid);
}

/* ---- one process ------------------------------------------------------------------------------------ */

static int by_choom(struct pen *p, const struct oom_change *c)
{
	const struct oom_task *t = task_of(p, c);
	long long adj = (long long)c->adj_to;

	if (is_live(p))
		return oom_buf_fmt(p->out, "choom -n %lld -p %lld  # %s\n", adj, pid_of(t), safe(p, t->comm));
	/* the process of that time is gone: its successors have its name */
	if (is_plain(t->comm))
		return oom_buf_fmt(p->out, "pgrep -x '%.*s' | xargs -r -n 1 choom -n %lld -p\n", (int)t->comm.n,
				   t->comm.p, adj);
	return oom_buf_fmt(p->out, "# choom -n %lld -p PID, of the process named %s\n", adj, safe(p, t->comm));
}

/* Where the cgroup is not known, the reader must name the unit. */
static struct oom_str unit_of(const struct pen *p, const struct oom_change *c)
{
	const struct oom_task *t = task_of(p, c);
	struct oom_str path = t->cgroup;
	struct oom_identity id;

	if (!path.p && p->w->event->task_memcg.p && (t->tgid == p->w->event->chosen_pid))
		path = p->w->event->task_memcg;
	oom_identify(path, &id);
	return id.unit;
}

static int by_systemd(struct pen *p, const struct oom_change *c)
{
	const struct oom_task *t = task_of(p, c);
	struct oom_str unit = unit_of(p, c);
	long long adj = (long long)c->adj_to;

	if (!oom_str_ends(unit, ".service") || !is_plain(unit))
		return oom_buf_fmt(p->out, "# %s (pid %lld) belongs to no service that is known here; in its unit:\n"
				   "# [Service]\n# OOMScoreAdjust=%lld\n", safe(p, t->comm), pid_of(t), adj);
	for (const struct oom_change *e = p->w->change; e < c; e++)
		if (oom_str_eq(unit_of(p, e), unit)) {
			if (e->adj_to == c->adj_to)
				return 0;
			return oom_buf_fmt(p->out, "# %s (pid %lld) of the same unit would need %lld: a unit has one "
					   "value\n", safe(p, t->comm), pid_of(t), adj);
		}
	return oom_buf_fmt(p->out, "mkdir -p '/etc/systemd/system/%.*s.d'\n"
			   "printf '[Service]\\nOOMScoreAdjust=%%s\\n' %lld > '/etc/systemd/system/%.*s.d/oom.conf'\n"
			   "systemctl daemon-reload && systemctl restart '%.*s'\n",
			   (int)unit.n, unit.p, adj, (int)unit.n, unit.p, (int)unit.n, unit.p);
}

/* The kubelet gives: Guaranteed -997, BestEffort 1000, Burstable 1000 - 1000 * request / capacity within 3..999. */
static int by_kubernetes(struct pen *p, const struct oom_change *c)
{
	const struct oom_task *t = task_of(p, c);
	long long adj = (long long)c->adj_to;
	int r = oom_buf_fmt(p->out, "# %s (pid %lld): oom_score_adj %lld follows from the pod's resources\n",
			    safe(p, t->comm), pid_of(t), adj);

	if (r < 0)
		return r;
	if (adj >= 1000)
		return oom_buf_fmt(p->out, "resources: {}  # BestEffort\n");
	if (adj >= 3)
		return oom_buf_fmt(p->out, "resources:\n  requests:\n    memory: \"...\"  # Burstable: %lld/1000 of the "
				   "node's memory\n", 1000 - adj);
	if (adj > -997)
		return oom_buf_fmt(p->out, "# no class of pods has %lld; Guaranteed, with -997, is the next below:\n"
				   "resources:\n  requests: { cpu: \"...\", memory: \"...\" }\n"
				   "  limits: { cpu: \"...\", memory: \"...\" }  # equal to the requests\n", adj);
	if (adj == -997)
		return oom_buf_fmt(p->out, "resources:\n  requests: { cpu: \"...\", memory: \"...\" }\n"
				   "  limits: { cpu: \"...\", memory: \"...\" }  # equal to the requests: Guaranteed\n");
	return oom_buf_fmt(p->out, "# no class of pods has %lld\n", adj);
}

/* As docker prints it; of other runtimes there is nothing that its commands could name. */
static struct oom_str docker_id(struct oom_str path)
{
	struct oom_identity id;

	oom_identify(path, &id);
	return id.runtime && strcmp(id.runtime, "docker") == 0 ? oom_container_short(id.container_id) : OOM_STR_NULL;
}

static int by_docker(struct pen *p, const struct oom_change *c)
{
	const struct oom_task *t = task_of(p, c);
	struct oom_str id = docker_id(t->cgroup);

	return oom_buf_fmt(p->out, "docker run --oom-score-adj=%lld ...  # %s (pid %lld)%s%.*s: a running container keeps "
			   "its value\n", (long long)c->adj_to, safe(p, t->comm), pid_of(t),
			   id.n ? " in container " : "", (int)id.n, id.n ? id.p : "");
}

/* ---- the domain ------------------------------------------------------------------------------------- */

/* The unit or slice whose cgroup the path is itself. */
static struct oom_str own_unit(struct oom_str path)
{
	struct oom_identity id;

	oom_identify(path, &id);
	if (id.slice.p && id.slice.p + id.slice.n == path.p + path.n)
		return id.slice;
	return id.unit.p && id.unit.p + id.unit.n == path.p + path.n ? id.unit : OOM_STR_NULL;
}

static int limit_line(struct pen *p, enum oom_apply how, const struct oom_edit *e)
{
	struct oom_str unit = own_unit(e->sel.text), id = docker_id(e->sel.text);
	long long bytes = (long long)e->value;

	if (how == OOM_APPLY_SYSTEMD && is_plain(unit))
		return oom_buf_fmt(p->out, "systemctl set-property '%.*s' MemoryMax=%lld\n", (int)unit.n, unit.p, bytes);
	if (how == OOM_APPLY_DOCKER && id.n)
		return oom_buf_fmt(p->out, "docker update --memory=%lld %.*s\n", bytes, (int)id.n, id.p);
	if (how == OOM_APPLY_KUBERNETES)
		return oom_buf_fmt(p->out, "resources:\n  limits:\n    memory: \"%lldKi\"\n", bytes / 1024);
	return oom_buf_fmt(p->out, "# %s: the limit would be %lld bytes\n", safe(p, e->sel.text), bytes);
}

static int edit_line(struct pen *p, enum oom_apply how, const struct oom_edit *e)
{
	struct oom_identity id;

	oom_identify(e->sel.text, &id);
	switch (e->kind) {
	case OOM_EDIT_LIMIT:
		return limit_line(p, how, e);
	case OOM_EDIT_ALLOCATING:
		return oom_buf_fmt(p->out, "sysctl vm.oom_kill_allocating_task=%lld\n", (long long)e->value);
	case OOM_EDIT_GROUP:
		if (how == OOM_APPLY_SYSTEMD && oom_str_ends(id.unit, ".service") && is_plain(id.unit))
			return oom_buf_fmt(p->out, "# in a drop-in of %.*s: [Service] OOMPolicy=%s\n", (int)id.unit.n,
					   id.unit.p, e->value ? "kill" : "continue");
		return oom_buf_fmt(p->out, "# %s: memory.oom.group would be %lld\n", safe(p, e->sel.text),
				   (long long)e->value);
	case OOM_EDIT_SWAP:
		return oom_buf_fmt(p->out, "# the machine would have %lld bytes of swap\n", (long long)e->value);
	default:                               /* tasks have their own lines; growth is nobody's wish */
		return 0;
	}
}

int oom_whatif_apply(const struct oom_whatif *w, const struct oom_whatif_opts *o, enum oom_apply how,
		     struct oom_buf *ret)
{
	static int (*const one[])(struct pen *, const struct oom_change *) = {
		[OOM_APPLY_CHOOM] = by_choom, [OOM_APPLY_SYSTEMD] = by_systemd,
		[OOM_APPLY_KUBERNETES] = by_kubernetes, [OOM_APPLY_DOCKER] = by_docker,
	};
	struct pen p = { .w = w, .out = ret };
	int r = 0;

	if (how == OOM_APPLY_NONE)
		return 0;
	for (size_t i = 0; i < w->nchanges && r == 0; i++)
		if (w->change[i].adj_from != w->change[i].adj_to)
			r = one[how](&p, &w->change[i]);
	for (size_t i = 0; i < o->nedits && r == 0; i++)
		r = edit_line(&p, how, &o->edit[i]);
	oom_arena_release(&p.arena);
	return r;
}
