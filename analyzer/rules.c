/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of line shapes and the matcher of their patterns. */
#include "rules.h"

#include <string.h>

#define ANY  OOM_IN_ANY
#define OPEN OOM_IN_OPEN
#define MEM  (OOM_IN(OOM_SEC_HEAD) | OOM_IN(OOM_SEC_MEMCG) | OOM_IN(OOM_SEC_MEMINFO) | OOM_IN(OOM_SEC_ALLOC) | \
	      OOM_IN(OOM_SEC_SLAB) | OOM_IN(OOM_SEC_FOREIGN))
#define EV(member) ((int64_t)offsetof(struct oom_event, member))

/* One row per shape, aligned so that the table can be read as one. */
const struct oom_rule oom_rules[] = {
	/* called from code: they begin with a name or a number that may be anything */
	[OOM_RULE_INVOKED]       = { "invoked", "{comm} invoked oom-killer: gfp_mask={mask}", "2.6.36-7.1", ANY, oom_on_invoked, OOM_RULE_CODE | OOM_RULE_START, 0 },
	[OOM_RULE_CPUSET]        = { "cpuset", "{comm*} cpuset={cpuset*} mems_allowed={mems}", "2.6.36-4.20", OPEN, oom_on_cpuset, OOM_RULE_CODE, 0 },
	[OOM_RULE_TRACE]         = { "trace_line", "{function}+{offset}", "2.6.36-7.1", OPEN, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_COUNTERS]      = { "counters", "{name}:{count} ...", "2.6.36-7.1", MEM, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_NODE]          = { "node", "Node {node} active_anon:{n}kB ...", "4.8-7.1", MEM, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_ZONE]          = { "zone", "[Node {node} ]{zone} free:{n}kB ...", "2.6.36-7.1", MEM, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_FREELIST]      = { "free_list", "[Node {node} ]{zone}: {n}*{size}kB ({types}) ... = {n}kB", "2.6.36-7.1", MEM, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_PERCPU]        = { "per_cpu", "[Node {node} ]{zone} per-cpu:", "2.6.36-4.0", MEM, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_MEMSTAT]       = { "memory_stat", "{name} {bytes}", "5.3-7.1", OPEN, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_SLAB_ROW]      = { "slab_row", "{cache} {used}KB {total}KB", "4.15-7.1", OPEN, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_ALLOC_ROW]     = { "allocation_row", "{bytes} {calls} {file}:{line} func:{function}", "6.10-7.1", OPEN, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_ROW]           = { "task_row", "[ {pid}] {columns} {name}", "2.6.36-7.1", OPEN, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_ALLOC_FAILURE] = { "allocation_failure", "{comm}: page allocation failure", "2.6.36-7.1", ANY, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_ALLOC_STALL]   = { "allocation_stall", "{comm}: page allocation stalls for {ms}ms", "4.9-4.14", ANY, NULL, OOM_RULE_CODE, 0 },
	[OOM_RULE_SUMMARY_TAIL]  = { "summary_tail", ",task={comm},pid={pid},uid={uid}", "5.0-7.1, broken by other output", OPEN, NULL, OOM_RULE_CODE, 0 },

	{ "invoked_tail",   "oom-killer: gfp_mask={mask}", "wrapped before it", ANY, oom_on_invoked, OOM_RULE_START, 1 },
	{ "compaction",     "COMPACTION is disabled!!!", "4.9-7.1", OPEN, oom_on_remark, 0, 0 },
	{ "pid",            "Pid: {#pid}, comm: {rest}", "2.6.36-3.9", ANY, oom_on_pid, 0, 0 },
	{ "cpu",            "CPU: {#cpu} PID: {#pid} Comm: {rest}", "3.10-6.10", ANY, oom_on_cpu, 0, 0 },
	{ "cpu_uid",        "CPU: {#cpu} UID: {#uid} PID: {#pid} Comm: {rest}", "6.11-7.1", ANY, oom_on_cpu_uid, 0, 0 },
	{ "hardware",       "Hardware name: {model}", "3.10-7.1", OPEN, NULL, 0, 0 },
	{ "workqueue",      "Workqueue: {name}", "3.10-7.1", OPEN, NULL, 0, 0 },
	{ "taint_names",    "Tainted: {flags}", "6.11-7.1", OPEN, NULL, 0, 0 },
	{ "call_trace",     "Call Trace:", "2.6.36-7.1", OPEN, oom_on_trace, 0, 0 },
	{ "call_trace_arm64", "Call trace:", "3.10-7.1", OPEN, oom_on_trace, 0, 0 },
	{ "backtrace",      "Backtrace:", "arm", OPEN, oom_on_trace, 0, 0 },
	{ "banner",         "Linux version {release} {rest}", "2.6.36-7.1", ANY, oom_on_banner, 0, 0 },

	{ "limit",          "Task in {task*} killed as a result of limit of {memcg}", "2.6.36-3.14, 3.18-4.20", ANY, oom_on_task_in, OOM_RULE_START, 0 },
	{ "limit_broken",   "killed as a result of limit of {memcg}", "3.15-3.17", ANY, oom_on_limit_of, OOM_RULE_START, 0 },
	{ "limit_reached",  "Memory limit reached of cgroup {memcg}", "4.1-4.20", ANY, oom_on_limit_reached, OOM_RULE_START, 0 },
	{ "memcg_memory",   "memory: usage {#usage}kB, limit {#limit}kB, failcnt {#count}", "2.6.36-7.1", ANY, oom_on_counter, OOM_RULE_START, 0 },
	{ "memcg_memsw",    "memory+swap: usage {#usage}kB, limit {#limit}kB, failcnt {#count}", "2.6.36-7.1", OPEN, oom_on_counter, 0, 1 },
	{ "memcg_kmem",     "kmem: usage {#usage}kB, limit {#limit}kB, failcnt {#count}", "3.8-7.1", OPEN, oom_on_counter, 0, 2 },
	{ "memcg_swap",     "swap: usage {#usage}kB, limit {#limit}kB, failcnt {#count}", "5.3-7.1", OPEN, oom_on_counter, 0, 3 },
	{ "memcg_stats",    "Memory cgroup stats{rest}", "3.9-7.1", ANY, oom_on_stats, OOM_RULE_START, 0 },
	{ "protection",     "Memory cgroup min protection {#min}kB -- low protection {#low}kB", "6.19-7.1", OPEN, oom_on_protection, 0, 0 },

	{ "mem_info",       "Mem-Info:", "2.6.36-7.1", OPEN, oom_on_meminfo, 0, 0 },
	{ "mem_info_arm",   "Mem-info:", "arm, 2.6.36-3.19", OPEN, oom_on_meminfo, 0, 0 },
	{ "cpu_pages",      "CPU {#cpu}: hi:{#hi}, btch:{#batch} usd:{#used}", "2.6.36-4.0", MEM, NULL, 0, 0 },
	{ "lowmem_reserve", "lowmem_reserve[]: {pages}", "2.6.36-7.1", MEM, oom_on_lowmem, 0, 0 },
	{ "hugepages",      "Node {#node} hugepages_total={#total} hugepages_free={#free} hugepages_surp={#surplus} hugepages_size={#size}kB", "3.10-7.1", MEM, oom_on_hugepages, 0, 0 },
	{ "page_cache",     "{#n} total pagecache pages", "2.6.36-7.1", MEM, oom_on_pages, 0, -1 },
	{ "swap_cache",     "{#n} pages in swap cache", "2.6.36-7.1", MEM, oom_on_pages, 0, -1 },
	{ "swap_cache_stats", "Swap cache stats: add {#add}, delete {#delete}, find {#found}/{#sought}", "2.6.36-5.19", MEM, oom_on_swapcache, 0, 0 },
	{ "swap_free",      "Free swap = {#n}kB", "2.6.36-7.1", MEM, oom_on_swap, 0, EV(swap_free_kb) },
	{ "swap_total",     "Total swap = {#n}kB", "2.6.36-7.1", MEM, oom_on_swap, 0, EV(swap_total_kb) },
	{ "ram",            "{#n} pages RAM", "2.6.36-7.1", MEM, oom_on_pages, 0, EV(ram_pages) },
	{ "highmem_movable", "{#n} pages HighMem/MovableOnly", "3.13-7.1", MEM, oom_on_pages, 0, EV(highmem_pages) },
	{ "highmem",        "{#n} pages HighMem", "2.6.36-3.12", MEM, oom_on_pages, 0, EV(highmem_pages) },
	{ "reserved",       "{#n} pages reserved", "2.6.36-7.1", MEM, oom_on_pages, 0, EV(reserved_pages) },
	{ "cma_reserved",   "{#n} pages cma reserved", "3.19-7.1", MEM, oom_on_pages, 0, EV(cma_reserved_pages) },
	{ "hwpoisoned",     "{#n} pages hwpoisoned", "3.14-7.1", MEM, oom_on_pages, 0, EV(hwpoisoned_pages) },
	{ "shared",         "{#n} pages shared", "2.6.36-3.12", MEM, oom_on_pages, 0, -1 },
	{ "non_shared",     "{#n} pages non-shared", "2.6.36-3.12", MEM, oom_on_pages, 0, -1 },
	{ "pagetable_cache", "{#n} pages in pagetable cache", "2.6.36-5.3", MEM, oom_on_pages, 0, -1 },
	{ "arm_ram",        "{#n} pages of RAM", "arm, 2.6.36-3.19", MEM, oom_on_pages, 0, EV(ram_pages) },
	{ "arm_free",       "{#n} free pages", "arm, 2.6.36-3.19", MEM, oom_on_pages, 0, -1 },
	{ "arm_reserved",   "{#n} reserved pages", "arm, 2.6.36-3.19", MEM, oom_on_pages, 0, EV(reserved_pages) },
	{ "arm_slab",       "{#n} slab pages", "arm, 2.6.36-3.19", MEM, oom_on_pages, 0, -1 },
	{ "arm_swap_cached", "{#n} pages swap cached", "arm, 2.6.36-3.19", MEM, oom_on_pages, 0, -1 },
	{ "allocations",    "Memory allocations{rest}", "6.10-7.1", OPEN, oom_on_alloc_info, 0, 0 },
	{ "slab_info",      "Unreclaimable slab info:", "4.15-7.1", OPEN, oom_on_slab_info, 0, 0 },
	{ "slab_heading",   "Name Used Total", "4.15-7.1", OPEN, oom_on_slab_info, 0, 0 },
	{ "slab_busy",      "excessive unreclaimable slab but cannot dump stats", "4.15-7.1", OPEN, oom_on_remark, 0, 0 },

	{ "tasks_state",    "Tasks state (memory values in pages):", "4.19-7.1", ANY, oom_on_tasks_state, OOM_RULE_START, 0 },
	{ "heading",        "[ pid ] {columns}", "2.6.36-7.1", ANY, oom_on_heading, OOM_RULE_START, 0 },

	{ "summary",        "oom-kill:{fields}", "5.0-7.1", ANY, oom_on_summary, OOM_RULE_START, 0 },
	{ "score",          "Kill process {#pid} ({comm*}) score {#score} or sacrifice child", "2.6.36-5.0", ANY, oom_on_score, OOM_RULE_START, 0 },
	{ "score_old",      "kill process {#pid} ({comm*}) score {#score} or a child", "up to 2.6.35: unsupported", ANY, oom_on_score, OOM_RULE_START, 1 },
	{ "sharing",        "Kill process {#pid} ({comm*}) sharing same memory", "2.6.37-4.3", ANY, oom_on_sharing, OOM_RULE_START, 0 },
	{ "killed",         "Killed process {rest}", "2.6.36-7.1", ANY, oom_on_killed, OOM_RULE_START, 0 },
	{ "exiting",        "OOM victim {#pid} ({comm*}) is already exiting. Skip killing the task", "5.9-7.1", ANY, oom_on_exiting, OOM_RULE_START, 0 },
	{ "group",          "Tasks in {path*} are going to be killed due to memory.oom.group set", "4.19-7.1", ANY, oom_on_group, OOM_RULE_START, 0 },
	{ "would_have",     "oom_kill_process: would have killed process {#pid} ({comm*}), but continuing instead", "test kernels", ANY, oom_on_would_have, OOM_RULE_START, 0 },
	{ "would_have_el6", "Would have killed process {#pid} ({comm*}). But continuing instead", "RHEL 6", ANY, oom_on_would_have, OOM_RULE_START, 0 },
	{ "no_killable",    "Out of memory and no killable processes...", "4.19-7.1", ANY, oom_on_no_killable, OOM_RULE_START, 0 },
	{ "panic_old",      "Kernel panic - not syncing: Out of memory and no killable processes...", "2.6.36-4.18", ANY, oom_on_panic, OOM_RULE_START, 1 },
	{ "panic_on_oom",   "Kernel panic - not syncing: Out of memory: {why} panic_on_oom is enabled", "2.6.36-7.1", ANY, oom_on_panic, OOM_RULE_START, 0 },
	{ "panic_deadlock", "Kernel panic - not syncing: System is deadlocked on memory", "4.19-7.1", ANY, oom_on_panic, OOM_RULE_START, 1 },

	{ "reaped",         "oom_reaper: reaped process {#pid} ({comm*}), now anon-rss:{#anon}kB, file-rss:{#file}kB, shmem-rss:{rest}", "4.6-7.1", ANY, oom_on_reaped, 0, 0 },
	{ "unable",         "oom_reaper: unable to reap pid:{#pid} ({comm})", "4.6-7.1", ANY, oom_on_unable, 0, 0 },
	{ "giving_up",      "oom_reaper: giving up pid:{#pid} ({comm})", "4.8", ANY, oom_on_unable, 0, 0 },
	{ "pinned",         "oom killer {#pid} ({comm}) has mm pinned by {#pinner} ({name*})", "4.8-7.1", ANY, oom_on_pinned, 0, 0 },
	{ "no_reaper",      "Unable to start OOM reaper {rest}", "4.6-4.14", ANY, NULL, 0, 0 },

	{ "sysrq_old",      "SysRq : Manual OOM execution", "2.6.36-3.19", ANY, oom_on_sysrq, 0, 0 },
	{ "sysrq_41",       "sysrq: SysRq : Manual OOM execution", "4.1-5.0", ANY, oom_on_sysrq, 0, 0 },
	{ "sysrq",          "sysrq: Manual OOM execution", "5.4-7.1", ANY, oom_on_sysrq, 0, 0 },
	{ "ignored",        "OOM request ignored{why}", "4.1-7.1", OPEN, oom_on_remark, 0, 0 },
	{ "ignored_sysrq",  "sysrq: OOM request ignored{why}", "4.1-7.1", OPEN, oom_on_remark, 0, 0 },
	{ "disabled",       "OOM killer disabled.", "4.12-7.1", ANY, NULL, 0, 0 },
	{ "enabled",        "OOM killer enabled.", "4.12-7.1", ANY, NULL, 0, 0 },
	{ "suppressed",     "oom_kill_process: {#n} callbacks suppressed", "3.4-7.1", ANY, oom_on_suppressed, 0, 0 },
	{ "suppressed_dump", "dump_header: {#n} callbacks suppressed", "inlined differently", ANY, oom_on_suppressed, 0, 0 },
	{ "suppressed_out", "out_of_memory: {#n} callbacks suppressed", "inlined differently", ANY, oom_on_suppressed, 0, 0 },
	{ "heaviest",       "heaviest_task:{rest}", "Samsung 4.14", OPEN, oom_on_remark, 0, 0 },
	{ "page_fault",     "Huh VM_FAULT_OOM leaked out to the #PF handler. Retrying PF", "5.16-7.1 and older stable", ANY, NULL, 0, 0 },
};
const size_t oom_nrules = OOM_ARRAY_SIZE(oom_rules);

/* ---- the matcher --------------------------------------------------------------------------------------- */

/* Length of the literal that p begins with. */
static size_t literal_len(const char *p)
{
	size_t n = 0;

	while (p[n] && p[n] != '{')
		n++;
	return n;
}

/* Matches lit at text[at]; returns the position after it, -1 no, -2 the text ended first.  *got counts pattern bytes. */
static ptrdiff_t literal_at(struct oom_str text, size_t at, const char *lit, size_t n, size_t *got)
{
	size_t i = 0;

	for (i = 0; i < n; i++) {
		if (lit[i] == ' ') {
			size_t from = at;

			while (at < text.n && (text.p[at] == ' ' || text.p[at] == '\t'))
				at++;
			if (at == from && at < text.n)
				break;
			if (at == text.n && i + 1 < n)
				goto ended;
			if (at == from)
				goto ended;
		} else if (at == text.n) {
			goto ended;
		} else if (text.p[at] == lit[i]) {
			at++;
		} else {
			break;
		}
	}
	*got = i;
	return i == n ? (ptrdiff_t)at : -1;
ended:
	*got = i;
	return -2;
}

/* First or last place at or after from where lit matches. */
static ptrdiff_t literal_find(struct oom_str text, size_t from, const char *lit, size_t n, bool last, size_t *end)
{
	ptrdiff_t found = -1;
	size_t got;

	for (size_t i = from; i < text.n; i++) {
		const char *q = memchr(text.p + i, lit[0], text.n - i);
		ptrdiff_t e;

		if (!q)
			break;
		i = (size_t)(q - text.p);
		e = literal_at(text, i, lit, n, &got);
		if (e < 0)
			continue;
		found = (ptrdiff_t)i;
		*end = (size_t)e;
		if (!last)
			break;
	}
	return found;
}

static enum oom_match number_hole(struct oom_str text, size_t *at, struct oom_caps *caps)
{
	struct oom_str s;

	while (*at < text.n && text.p[*at] == ' ')
		(*at)++;
	s = oom_str_sub(text, *at, text.n - *at);
	if (!s.n)
		return OOM_PARTIAL;
	if (!oom_take_i64(&s, &caps->v[caps->n]))
		return OOM_NO;
	caps->s[caps->n] = oom_str_sub(text, *at, (size_t)(s.p - text.p) - *at);
	caps->n++;
	*at = (size_t)(s.p - text.p);
	return OOM_MATCH;
}

/* A short word or a lone number may be the beginning of anything: ask for a good piece of the literals. */
static enum oom_match partial(size_t literals)
{
	return literals >= 8 ? OOM_PARTIAL : OOM_NO;
}

enum oom_match oom_rule_match(const char *p, struct oom_str text, struct oom_caps *caps)
{
	size_t at = 0, end = 0, n = literal_len(p), got = 0, literals = n;
	ptrdiff_t e = literal_at(text, 0, p, n, &got);

	caps->n = 0;
	if (e == -2)
		return partial(got);
	if (e < 0)
		return OOM_NO;
	at = (size_t)e;
	p += n;
	while (*p == '{') {
		const char *close = strchr(p, '}');
		bool number = p[1] == '#', last = close[-1] == '*';
		enum oom_match r;

		p = close + 1;
		n = literal_len(p);
		if (number) {
			r = number_hole(text, &at, caps);
			if (r != OOM_MATCH)
				return r == OOM_PARTIAL ? partial(literals) : r;
			e = literal_at(text, at, p, n, &got);
			if (e < 0)
				return e == -2 ? partial(literals + got) : OOM_NO;
			at = (size_t)e;
		} else if (!n) {
			caps->s[caps->n++] = oom_str_sub(text, at, text.n - at);
			at = text.n;
		} else {
			e = literal_find(text, at, p, n, last, &end);
			if (e < 0) {
				caps->s[caps->n++] = oom_str_sub(text, at, text.n - at);
				return partial(literals);
			}
			caps->s[caps->n++] = oom_str_sub(text, at, (size_t)e - at);
			at = end;
		}
		p += n;
		literals += n;
	}
	return at == text.n || text.p[at] == ' ' || text.p[at] == '.' || text.p[at] == '\t' || !text.n ? OOM_MATCH : OOM_NO;
}

void oom_rule_index(struct oom_rule_index *ix)
{
	unsigned n = 0;

	for (unsigned b = 0; b < 256; b++) {
		ix->from[b] = (uint16_t)n;
		for (size_t i = 0; i < oom_nrules; i++) {
			const struct oom_rule *r = &oom_rules[i];
			bool digit = r->pattern[0] == '{' && r->pattern[1] == '#';

			if (r->flags & OOM_RULE_CODE)
				continue;
			if (digit ? b >= '0' && b <= '9' : (unsigned char)r->pattern[0] == b)
				ix->rule[n++] = (uint16_t)i;
		}
	}
	ix->from[256] = (uint16_t)n;
}

size_t oom_parser_rules(const struct oom_parser *p, struct oom_rule_use *ret, size_t max)
{
	for (size_t i = 0; i < oom_nrules && i < max; i++)
		ret[i] = (struct oom_rule_use){ oom_rules[i].name, oom_rules[i].pattern, oom_rules[i].seen,
						p ? p->hits[i] : 0 };
	return oom_nrules;
}
