/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of policy mistakes, and the run over it. */
#include "lint_impl.h"

#include <errno.h>
#include <string.h>

const char *const oom_severity_names[] = { "error", "warning", "notice", NULL };

const struct oom_lint_check oom_lint_checks[] = {
	[LINT_KILL_DISABLED] = { "oom-kill-disabled", OOM_SEVERITY_ERROR, "a memory cgroup where nobody is killed",
		"Its tasks stop for good when it is full, holding whatever locks they have, until somebody makes room.",
		"grep -r 'oom_kill_disable 1' /sys/fs/cgroup/memory --include=memory.oom_control",
		"Write 0 to memory.oom_control, unless a manager listens for its events and acts." },
	[LINT_NOBODY_TO_KILL] = { "nobody-to-kill", OOM_SEVERITY_ERROR, "all candidates are at oom_score_adj -1000",
		"When it is full the kernel finds nobody: a memory cgroup stalls or fails each allocation, a machine panics.",
		"oomtop -b --domains", "Leave one process above -1000 that can be lost; -999 protects as well as it ever can." },
	[LINT_UNKILLABLE] = { "unkillable", OOM_SEVERITY_WARNING, "memory that no kill can free",
		"oom_score_adj -1000 is inherited: a daemon's jobs and shells keep it, and whoever leaks among them lives while "
		"all others die for it.",
		"grep -l -- -1000 /proc/[0-9]*/oom_score_adj",
		"Give -900 in place of -1000 (OOMScoreAdjust= of the unit), and 0 to what it starts (choom -n 0 -- command)." },
	[LINT_PANIC_ON_OOM] = { "panic-on-oom", OOM_SEVERITY_WARNING, "the machine panics in place of a kill",
		"One leaking process takes everything down; what was to be known of it is lost unless a dump or console keeps it.",
		"sysctl vm.panic_on_oom kernel.panic",
		"vm.panic_on_oom=0, unless a cluster fails over by it; then kernel.panic > 0, so that the machine comes back." },
	[LINT_ALLOCATING_TASK] = { "allocating-task", OOM_SEVERITY_WARNING, "whoever asks for memory dies, large or not",
		"The process whose allocation fails is killed without a choice, though it may hold next to nothing.",
		"sysctl vm.oom_kill_allocating_task", "vm.oom_kill_allocating_task=0." },
	[LINT_NO_DUMP] = { "no-task-dump", OOM_SEVERITY_WARNING, "kills leave no table of candidates",
		"Without it nobody can say from the log why this process was chosen, or who held the memory.",
		"sysctl vm.oom_dump_tasks", "vm.oom_dump_tasks=1; where the table is too long, a larger log buffer." },
	[LINT_LOG_BUFFER] = { "log-buffer", OOM_SEVERITY_NOTICE, "a log buffer smaller than one report",
		"The end of a report overwrites its beginning: who asked and why is lost, unless a daemon reads fast enough.",
		"dmesg | grep -i 'log_buf_len\\|log buf'", "Boot with log_buf_len= of at least that size (a power of two)." },
	[LINT_USER_SERVICES] = { "user-services", OOM_SEVERITY_NOTICE, "services of users die before larger processes",
		"A user's service manager starts everything with oom_score_adj 100 or 200: a tenth or a fifth of all memory on top.",
		"systemctl --user show -p DefaultOOMScoreAdjust",
		"DefaultOOMScoreAdjust=0 in user.conf, or OOMScoreAdjust= of the services that matter." },
	[LINT_POD_REQUEST] = { "pod-request", OOM_SEVERITY_NOTICE, "pods hold far more than they request",
		"The kubelet gives a burstable container an oom_score_adj by its request: a request too small makes it the first "
		"victim of the node whatever else happens there.",
		"oomtop -b --columns=adj,rss,container", "Set the memory request to what the container needs." },
	[LINT_GROUP_KILL] = { "group-kill", OOM_SEVERITY_NOTICE, "group kills that took more than was needed",
		"memory.oom.group kills all processes of the cgroup for one that is too large.",
		"grep -rl 1 /sys/fs/cgroup --include=memory.oom.group",
		"memory.oom.group=0 (OOMPolicy=continue or stop, singleProcessOOMKill of the kubelet) where parts can live without "
		"each other." },
	[LINT_NO_SWAP] = { "no-swap", OOM_SEVERITY_NOTICE, "limits without swap on a machine that has some",
		"Idle anonymous memory of such a cgroup cannot leave, so it runs out sooner than it needs to.",
		"grep -r . /sys/fs/cgroup --include=memory.swap.max",
		"memory.swap.max (MemorySwapMax=) of some hundred MiB, where latency allows." },
};
const size_t oom_lint_count = OOM_ARRAY_SIZE(oom_lint_checks);

/* ---- what both questions need ------------------------------------------------------------------------- */

#define USUAL_SHARE 200               /* of totalpages: half a per cent */

bool oom_lint_usual(const struct oom_task *t, int64_t usage_pages, int64_t total_pages)
{
	static const char *const names[] = {
		"systemd-udevd", "(udev-worker)", "udevd", "sshd", "auditd", "multipathd", "dmeventd", "iscsid", "lvmetad",
		"systemd-journal", "oomlens",
	};

	if (t->tgid == 1)
		return true;
	if (total_pages != OOM_NA && usage_pages > total_pages / USUAL_SHARE)
		return false;
	for (size_t i = 0; i < OOM_ARRAY_SIZE(names); i++)
		if (oom_str_is(t->comm, names[i]))
			return true;
	return false;
}

#define FIRST_USER 1000               /* login.defs */
#define NOBODY     65534

static bool holds(struct oom_str s, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= s.n; i++)
		if (!memcmp(s.p + i, word, n))
			return true;
	return false;
}

bool oom_lint_user_service(const struct oom_task *t)
{
	if (t->oom_score_adj != 100 && t->oom_score_adj != 200)
		return false;
	if (t->cgroup.p)
		return holds(t->cgroup, "/user@");
	return t->uid >= FIRST_USER && t->uid != NOBODY;
}

static int64_t known(int64_t v)
{
	return v == OOM_NA ? 0 : v;
}

int64_t oom_lint_usage(const struct oom_event *ev, const struct oom_task *t)
{
	int64_t pt = t->pgtables_bytes != OOM_NA && ev->page_size > 0 ? t->pgtables_bytes / ev->page_size : known(t->nr_ptes);

	return known(t->rss_pages) + known(t->swap_pages) + pt;
}

/* ---- the run ------------------------------------------------------------------------------------------ */

static struct oom_lint_finding *add(struct oom_lint *l, const struct oom_lint_check *c)
{
	struct oom_lint_finding *p = oom_arena_grow(&l->words.arena, l->finding, l->nfindings, &l->cap, sizeof(*p));
	size_t at = 0;

	if (!p)
		return NULL;
	l->finding = p;
	while (at < l->nfindings && p[at].check < c)
		at++;
	memmove(&p[at + 1], &p[at], (l->nfindings - at) * sizeof(*p));
	l->nfindings++;
	p[at] = (struct oom_lint_finding){ .check = c, .tasks = OOM_NA, .kb = OOM_NA };
	return &p[at];
}

static struct oom_lint_finding *of_check(struct oom_lint *l, const struct oom_lint_check *c)
{
	for (size_t i = 0; i < l->nfindings; i++)
		if (l->finding[i].check == c)
			return &l->finding[i];
	return add(l, c);
}

int oom_lint_live(struct oom_lint *l, const struct oom_sample *m, const struct oom_policy *p)
{
	struct oom_say s = { .ev = m->event, .doc = &l->words };
	struct lint_machine x = { .m = m, .p = p, .s = &s };

	for (size_t i = 0; i < oom_lint_count; i++) {
		struct oom_lint_finding f = { .check = &oom_lint_checks[i], .live = true, .tasks = OOM_NA, .kb = OOM_NA }, *to;

		if (!oom_lint_now[i])
			continue;
		oom_lint_now[i](&x, &f);
		if (x.error || s.nomem)
			return -ENOMEM;
		if (!f.text.p)
			continue;
		to = add(l, f.check);
		if (!to)
			return -ENOMEM;
		*to = f;
	}
	return 0;
}

static int ask(struct oom_lint *l, struct lint_past x, size_t check, struct oom_str name)
{
	struct oom_proof proof = { .id = x.ev->id, .killed_pid = OOM_NA, .instead_pid = OOM_NA };
	struct oom_lint_finding *f;
	int r;

	if (!oom_lint_then[check])
		return 0;
	x.proof = &proof;
	r = oom_lint_then[check](&x);
	if (r <= 0)
		return r;
	f = of_check(l, &oom_lint_checks[check]);
	if (!f || x.s->nomem)
		return -ENOMEM;
	/* a proof that names who would have died says more than one that does not */
	if (!f->events++ || (f->proof.instead_pid == OOM_NA && proof.instead_pid != OOM_NA)) {
		f->proof = proof;
		if (oom_arena_str(&l->words.arena, name, &f->proof.event) < 0 ||
		    oom_arena_str(&l->words.arena, proof.killed_comm, &f->proof.killed_comm) < 0 ||
		    oom_arena_str(&l->words.arena, proof.instead_comm, &f->proof.instead_comm) < 0)
			return -ENOMEM;
	}
	return 0;
}

int oom_lint_event(struct oom_lint *l, const struct oom_event *ev, struct oom_str name)
{
	const struct oom_whatif_opts opts = { .drift = OOM_NA, .allow_empty = true };
	struct oom_say s = { .ev = ev, .doc = &l->words };
	struct oom_whatif plain;
	struct lint_past x = { .ev = ev, .s = &s };
	int r = oom_whatif_run(ev, &opts, &plain, NULL);

	if (r == 0)
		x.plain = &plain;
	else if (r != -ENOMEM)
		r = 0;
	for (size_t i = 0; r == 0 && i < oom_lint_count; i++)
		r = ask(l, x, i, name);
	oom_whatif_release(&plain);
	l->events += r == 0;
	return r;
}

void oom_lint_release(struct oom_lint *l)
{
	oom_doc_release(&l->words);
	*l = (struct oom_lint){ 0 };
}
