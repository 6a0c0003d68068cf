/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The questions to this moment: settings, domains, and who is at which oom_score_adj. */
#include "lint_impl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static void say(struct lint_machine *x, struct oom_lint_finding *f, const char *fmt, ...) OOM_PRINTF(3, 4);
static void say(struct lint_machine *x, struct oom_lint_finding *f, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	f->text = oom_str_from(oom_say_zv(x->s, fmt, ap));
	va_end(ap);
}

/* ---- settings ----------------------------------------------------------------------------------------- */

static void panic_on_oom(struct lint_machine *x, struct oom_lint_finding *f)
{
	int64_t v = x->p->panic_on_oom, back = x->p->panic_timeout_s;
	const char *then = "";

	if (v != 1 && v != 2)
		return;
	if (back == 0)
		then = ", and kernel.panic is 0: it stays down until somebody resets it";
	else if (back > 0)
		then = oom_say_z(x->s, ", and restarts after %lld s", (long long)back);
	say(x, f, "vm.panic_on_oom is %lld: the machine panics %s%s", (long long)v,
	    v == 2 ? "even when only a memory cgroup is full" : "when its memory runs out", then);
}

static void allocating_task(struct lint_machine *x, struct oom_lint_finding *f)
{
	if (x->p->oom_kill_allocating_task > 0)
		say(x, f, "vm.oom_kill_allocating_task is %lld", (long long)x->p->oom_kill_allocating_task);
}

static void no_dump(struct lint_machine *x, struct oom_lint_finding *f)
{
	if (x->p->oom_dump_tasks == 0)
		say(x, f, "vm.oom_dump_tasks is 0");
}

/* A row of the table is about 110 bytes in the buffer (6.8 on; 80 before), what stands around the table of a machine
 * with one node 8 KiB. */
#define ROW_BYTES    110
#define REPORT_BYTES 8192

static void log_buffer(struct lint_machine *x, struct oom_lint_finding *f)
{
	int64_t rows = (int64_t)x->m->event->ntasks, need = REPORT_BYTES + rows * ROW_BYTES;

	if (x->p->log_bytes == OOM_NA || need <= x->p->log_bytes)
		return;
	say(x, f, "a report with %s takes about %s, the kernel's log buffer holds %s",
	    oom_say_count(x->s, rows, "process", "processes"), oom_say_kb(x->s, need / 1024),
	    oom_say_kb(x->s, x->p->log_bytes / 1024));
	f->tasks = rows;
	f->kb = need / 1024;
}

/* ---- processes ---------------------------------------------------------------------------------------- */

struct pick { uint32_t task; int64_t pages; };

static int larger(const void *a, const void *b)
{
	const struct pick *x = a, *y = b;

	return x->pages != y->pages ? (x->pages < y->pages ? 1 : -1) : (x->task > y->task) - (x->task < y->task);
}

static int64_t kb_of(const struct lint_machine *x, int64_t pages)
{
	return oom_say_pages_kb(x->m->event, pages);
}

/* Those of whom `is` holds, largest first, into f; the list of them as a person reads it. */
static const char *list(struct lint_machine *x, struct oom_lint_finding *f, bool (*is)(const struct lint_machine *, size_t))
{
	const struct oom_event *ev = x->m->event;
	struct pick *v = oom_malloc((ev->ntasks + 1) * sizeof(*v));
	const char *text = "";
	int64_t pages = 0;
	size_t n = 0;

	if (!v) {
		x->error = -ENOMEM;
		return text;
	}
	for (size_t i = 0; i < ev->ntasks; i++)
		if (is(x, i)) {
			v[n] = (struct pick){ (uint32_t)i, oom_lint_usage(ev, &ev->task[i]) };
			pages += v[n++].pages;
		}
	qsort(v, n, sizeof(*v), larger);
	f->tasks = (int64_t)n;
	f->kb = kb_of(x, pages);
	for (size_t i = 0; i < n && f->npids < OOM_LINT_PIDS; i++)
		f->pid[f->npids++] = ev->task[v[i].task].tgid;
	for (size_t i = 0; i < n && i < 3; i++) {
		const struct oom_task *t = &ev->task[v[i].task];

		text = oom_say_join(x->s, text, ", ", oom_say_z(x->s, "%s %s", oom_say_proc(x->s, t->comm, t->tgid),
								 oom_say_kb(x->s, kb_of(x, v[i].pages))));
	}
	if (n > 3)
		text = oom_say_z(x->s, "%s and %zu more", text, n - 3);
	oom_free(v);
	return text;
}

static bool is_unkillable(const struct lint_machine *x, size_t i)
{
	const struct oom_task *t = &x->m->event->task[i];

	return t->oom_score_adj == -1000 &&
	       !oom_lint_usual(t, oom_lint_usage(x->m->event, t), x->m->event->total_pages);
}

static void unkillable(struct lint_machine *x, struct oom_lint_finding *f)
{
	const struct oom_event *ev = x->m->event;
	struct oom_lint_finding found = *f;
	const char *who = list(x, &found, is_unkillable), *from = "";
	size_t inherited = 0;

	if (x->error || !found.tasks)
		return;
	for (size_t i = 0; i < ev->ntasks; i++) {
		const struct oom_task *parent = oom_event_task(ev, x->m->row[i].ppid);

		inherited += is_unkillable(x, i) && parent && parent->tgid != 1 && parent->oom_score_adj == -1000;
	}
	if (inherited)
		from = oom_say_z(x->s, "; %zu of them inherited it", inherited);
	*f = found;
	say(x, f, "%s at oom_score_adj -1000 %s %s (%s)%s", oom_say_count(x->s, f->tasks, "process", "processes"),
	    f->tasks == 1 ? "holds" : "hold", oom_say_kb(x->s, f->kb), who, from);
}

static bool is_user_service(const struct lint_machine *x, size_t i)
{
	return oom_lint_user_service(&x->m->event->task[i]);
}

/* It matters when one of them comes first though somebody else holds more. */
static void user_services(struct lint_machine *x, struct oom_lint_finding *f)
{
	const struct oom_event *ev = x->m->event;
	ptrdiff_t victim = x->m->ndomains ? x->m->domain[0].victim : -1, largest = -1;

	if (victim < 0 || !is_user_service(x, (size_t)victim))
		return;
	for (size_t i = 0; i < ev->ntasks; i++)
		if (!is_user_service(x, i) && ev->task[i].oom_score_adj != -1000 && ev->task[i].tgid != 1 &&
		    (largest < 0 || oom_lint_usage(ev, &ev->task[i]) > oom_lint_usage(ev, &ev->task[largest])))
			largest = (ptrdiff_t)i;
	if (largest < 0 || oom_lint_usage(ev, &ev->task[largest]) <= oom_lint_usage(ev, &ev->task[victim]))
		return;
	(void)list(x, f, is_user_service);
	say(x, f, "%s (%s, oom_score_adj %lld) would die before %s (%s, oom_score_adj %lld)",
	    oom_say_proc(x->s, ev->task[victim].comm, ev->task[victim].tgid),
	    oom_say_kb(x->s, kb_of(x, oom_lint_usage(ev, &ev->task[victim]))), (long long)ev->task[victim].oom_score_adj,
	    oom_say_proc(x->s, ev->task[largest].comm, ev->task[largest].tgid),
	    oom_say_kb(x->s, kb_of(x, oom_lint_usage(ev, &ev->task[largest]))), (long long)ev->task[largest].oom_score_adj);
}

/* kubelet, pkg/kubelet/qos/policy.go: adj = 1000 - 1000 * request / capacity, within 3..999. */
static int64_t requested_kb(const struct lint_machine *x, const struct oom_task *t)
{
	int64_t ram_kb = x->m->ndomains ? x->m->domain[0].limit_kb : OOM_NA;
	struct oom_identity id;

	if (ram_kb == OOM_NA || t->oom_score_adj < 3 || t->oom_score_adj > 999)
		return OOM_NA;
	oom_identify(t->cgroup, &id);
	if (!id.qos || strcmp(id.qos, "burstable"))
		return OOM_NA;
	return (1001 - t->oom_score_adj) * (ram_kb / 1000);
}

static bool outgrew_request(const struct lint_machine *x, size_t i)
{
	const struct oom_task *t = &x->m->event->task[i];
	int64_t kb = requested_kb(x, t);

	return kb != OOM_NA && kb_of(x, oom_lint_usage(x->m->event, t)) > 2 * kb;
}

static void pod_request(struct lint_machine *x, struct oom_lint_finding *f)
{
	struct oom_lint_finding found = *f;
	const char *who = list(x, &found, outgrew_request);

	if (x->error || !found.tasks)
		return;
	*f = found;
	say(x, f, "%s of burstable pods %s more than twice what their containers request, by their oom_score_adj: %s",
	    oom_say_count(x->s, f->tasks, "process", "processes"), f->tasks == 1 ? "holds" : "hold", who);
}

/* ---- domains ------------------------------------------------------------------------------------------ */

typedef bool domain_fn(const struct lint_machine *x, const struct oom_domain *d);

/* Names three of the memory cgroups of which `is` holds.  Returns how many there are. */
static size_t name_domains(struct lint_machine *x, domain_fn *is, const char **ret)
{
	size_t n = 0;

	*ret = "";
	for (size_t i = 0; i < x->m->ndomains; i++) {
		const struct oom_domain *d = &x->m->domain[i];

		if (d->scope != OOM_SCOPE_MEMCG || !is(x, d))
			continue;
		if (n++ < 3)
			*ret = oom_say_join(x->s, *ret, ", ", oom_say_name(x->s, d->path));
	}
	if (n > 3)
		*ret = oom_say_z(x->s, "%s and %zu more", *ret, n - 3);
	return n;
}

static bool kills_nobody(const struct lint_machine *x, const struct oom_domain *d)
{
	(void)x;
	return d->kill_disabled == 1 && d->ntasks;
}

static void kill_disabled(struct lint_machine *x, struct oom_lint_finding *f)
{
	const char *names;
	size_t n = name_domains(x, kills_nobody, &names);

	if (n)
		say(x, f, "%s with oom_kill_disable: %s", oom_say_count(x->s, (int64_t)n, "memory cgroup", "memory cgroups"), names);
}

/* Nobody who is at another value than -1000. */
static bool has_nobody(const struct lint_machine *x, const struct oom_domain *d)
{
	if (!x->m->profile || !x->m->event->table_complete || d->victim >= 0 || !d->ntasks)
		return false;
	for (size_t i = 0; i < d->ntasks; i++)
		if (x->m->event->task[d->task[i]].oom_score_adj != -1000)
			return false;
	return true;
}

static void nobody_to_kill(struct lint_machine *x, struct oom_lint_finding *f)
{
	const char *names;
	size_t n = name_domains(x, has_nobody, &names);

	if (n)
		say(x, f, "%s: all tasks of %s", oom_say_count(x->s, (int64_t)n, "memory cgroup with a limit",
		    "memory cgroups with a limit"), names);
}

/* v2: memory.swap.max; v1: memory and swap together are limited to what memory alone is. */
static bool without_swap(const struct lint_machine *x, const struct oom_domain *d)
{
	int64_t limit = x->m->cgroup_version == 2 ? d->swap_limit_kb : d->swap_limit_kb == OOM_NA ||
			d->swap_limit_kb == OOM_UNLIMITED ? OOM_NA : d->swap_limit_kb - d->limit_kb;

	return limit != OOM_NA && limit <= 0 && d->limit_kb != OOM_NA && d->limit_kb != OOM_UNLIMITED && d->ntasks;
}

static void no_swap(struct lint_machine *x, struct oom_lint_finding *f)
{
	int64_t swap = x->m->event->swap_total_kb;
	const char *names;
	size_t n = swap != OOM_NA && swap > 0 ? name_domains(x, without_swap, &names) : 0;

	if (n)
		say(x, f, "%s may not use any of the machine's %s of swap: %s",
		    oom_say_count(x->s, (int64_t)n, "memory cgroup", "memory cgroups"), oom_say_kb(x->s, swap), names);
}

oom_lint_now_fn *const oom_lint_now[LINT_COUNT] = {
	[LINT_KILL_DISABLED] = kill_disabled, [LINT_NOBODY_TO_KILL] = nobody_to_kill, [LINT_UNKILLABLE] = unkillable,
	[LINT_PANIC_ON_OOM] = panic_on_oom, [LINT_ALLOCATING_TASK] = allocating_task, [LINT_NO_DUMP] = no_dump,
	[LINT_LOG_BUFFER] = log_buffer, [LINT_USER_SERVICES] = user_services, [LINT_POD_REQUEST] = pod_request,
	[LINT_NO_SWAP] = no_swap,
};
