/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The field tables of the fact model: the only place that knows the columns.  SQL, JSON, CSV and edits walk them.
 */
#include <oomlens/event.h>

#include <string.h>

const char *const oom_scope_names[] = { "unknown", "global", "memcg", "cpuset", "mempolicy", "sysrq", NULL };
const char *const oom_outcome_names[] = { "truncated", "killed", "panic", "no_killable", "will_free", NULL };
const char *const oom_role_names[] = { "chosen", "group", "child", "shared_mm", NULL };
const char *const oom_reap_names[] = { "unseen", "reaped", "unable", "skipped", "exited_first", "pinned", NULL };
const char *const oom_class_names[] = { "logged", "rate_limited", "already_exiting", "group_member", "log_lost", NULL };
const char *const oom_freed_by_names[] = { "unseen", "reaper", "exit_mmap", "nobody", NULL };
const char *const oom_ballot_names[] = { "none", "recorded", "reconstructed", NULL };
const char *const oom_unit_names[] = { "", "pages", "kB", "bytes", "us", NULL };
const char *const oom_area_names[] = { "global", "node", "zone", "freelist", "hugepages", "slab", "alloc", "memcg",
	"counter", "psi", NULL };
static const char *const origin_names[] = { "text", "record", "live", NULL };

#define INT(S, m, unit_, kernel_, help_) \
	{ .key = #m, .kernel = kernel_, .offset = offsetof(struct S, m), .type = OOM_TYPE_INT, .unit = OOM_UNIT_##unit_, .help = help_ }
#define STR(S, m, kernel_, help_) \
	{ .key = #m, .kernel = kernel_, .offset = offsetof(struct S, m), .type = OOM_TYPE_STR, .help = help_ }
#define ENUM(S, m, names_, help_) \
	{ .key = #m, .offset = offsetof(struct S, m), .type = OOM_TYPE_ENUM, .names = names_, .help = help_ }

#define AT(i, key_) { .key = key_, .offset = offsetof(struct oom_event, at[OOM_AT_##i]), .type = OOM_TYPE_INT }

#define E oom_event
static const struct oom_field event_fields[] = {
	ENUM(E, origin, origin_names, "who saw it: a text, the recorder, the live system"),
	STR(E, path, NULL, "source file; archive members as archive!member"),
	INT(E, first_line, NONE, NULL, "first line of the source that belongs to the event"),
	INT(E, last_line, NONE, NULL, "last line of the source that belongs to the event"),
	STR(E, host, NULL, "host name of the log prefix"),
	STR(E, boot_id, NULL, "boot id, where the source knows it"),
	STR(E, machine_id, NULL, "machine id, where the source knows it"),
	STR(E, kernel, NULL, "kernel release"),
	STR(E, kernel_from, NULL, "where the release was read"),
	INT(E, boot_us, US, NULL, "boot clock of the first line"),
	INT(E, wall_us, US, NULL, "UTC of the first line"),
	STR(E, stamp, NULL, "wall-clock text of the first line, as logged"),
	STR(E, trigger_comm, NULL, "task whose allocation failed"),
	INT(E, trigger_pid, NONE, NULL, "its pid"),
	INT(E, trigger_uid, NONE, NULL, "its uid"),
	INT(E, trigger_adj, NONE, "oom_score_adj", "its oom_score_adj"),
	INT(E, order, NONE, "order", "the request was for 2^order pages; -1 = sysrq"),
	INT(E, gfp_mask, NONE, "gfp_mask", "allocation flags, as a number"),
	STR(E, gfp_raw, "gfp_mask", "allocation flags, as printed"),
	STR(E, gfp_flags, NULL, "their names, as printed"),
	STR(E, tainted, NULL, "taint text of the stack header"),
	ENUM(E, scope, oom_scope_names, "what the allocation was confined to"),
	STR(E, constraint, "constraint", "the same, as the kernel printed it"),
	STR(E, nodemask, "nodemask", "nodes of the memory policy, as printed"),
	STR(E, cpuset, "cpuset", "cpuset of the trigger"),
	STR(E, mems_allowed, "mems_allowed", "nodes that cpuset allows"),
	STR(E, oom_memcg, "oom_memcg", "memory cgroup that hit its limit"),
	STR(E, task_memcg, "task_memcg", "memory cgroup of the chosen task"),
	INT(E, global_oom, NONE, "global_oom", "1: the summary line said global_oom"),
	INT(E, memcg_version, NONE, NULL, "cgroup version of the memory controller"),
	INT(E, memcg_usage_kb, KB, "memory: usage", NULL),
	INT(E, memcg_limit_kb, KB, "memory: limit", NULL),
	INT(E, memcg_failcnt, NONE, "memory: failcnt", NULL),
	INT(E, memsw_usage_kb, KB, "memory+swap: usage", NULL),
	INT(E, memsw_limit_kb, KB, "memory+swap: limit", NULL),
	INT(E, memcg_swap_usage_kb, KB, "swap: usage", NULL),
	INT(E, memcg_swap_limit_kb, KB, "swap: limit", NULL),
	INT(E, kmem_usage_kb, KB, "kmem: usage", NULL),
	INT(E, kmem_limit_kb, KB, "kmem: limit", NULL),
	INT(E, protect_min_kb, KB, "Memory cgroup min protection", NULL),
	INT(E, protect_low_kb, KB, "low protection", NULL),
	INT(E, page_size, BYTES, NULL, "size of a page"),
	STR(E, page_size_from, NULL, "what told it"),
	INT(E, ram_pages, PAGES, "pages RAM", NULL),
	INT(E, reserved_pages, PAGES, "pages reserved", NULL),
	INT(E, cma_reserved_pages, PAGES, "pages cma reserved", NULL),
	INT(E, highmem_pages, PAGES, "pages HighMem/MovableOnly", NULL),
	INT(E, hwpoisoned_pages, PAGES, "pages hwpoisoned", NULL),
	INT(E, swap_total_kb, KB, "Total swap", NULL),
	INT(E, swap_free_kb, KB, "Free swap", NULL),
	INT(E, boot_swap_total_kb, KB, NULL, "Total swap of another dump of the same boot"),
	INT(E, boot_swap_line, NONE, NULL, "the line that said so"),
	INT(E, total_pages, PAGES, NULL, "totalpages, where the kernel itself told it"),
	INT(E, chosen_pid, NONE, "pid", "the task that the kernel selected"),
	INT(E, chosen_uid, NONE, "uid", NULL),
	STR(E, chosen_comm, "task", NULL),
	INT(E, chosen_score, NONE, "score", "its printed score, up to 5.0"),
	INT(E, allocating_task, NONE, NULL, "1: vm.oom_kill_allocating_task"),
	INT(E, oom_group, NONE, NULL, "1: memory.oom.group"),
	STR(E, oom_group_path, NULL, "memory cgroup killed as a group"),
	INT(E, sysrq, NONE, NULL, "1: asked for by sysrq-f"),
	ENUM(E, outcome, oom_outcome_names, "what the kernel did"),
	STR(E, outcome_text, NULL, "its line that says so"),
	STR(E, feeds, NULL, "what told of the event, where it was recorded live"),
	ENUM(E, ballot, oom_ballot_names, "the kernel's own view of the candidates"),
	INT(E, ballot_lost, NONE, NULL, "candidates of it that were lost"),
	INT(E, has_invoked, NONE, NULL, "1: the invoked line is there"),
	INT(E, has_table, NONE, NULL, "1: a task table is there"),
	INT(E, table_complete, NONE, NULL, "1: nothing of the table is missing"),
	INT(E, has_mem_info, NONE, NULL, "1: the memory dump is there"),
	INT(E, suppressed, NONE, NULL, "dumps that the rate limit suppressed"),
	INT(E, damaged_lines, NONE, NULL, "lines of the event that could not be read"),
	/* Where the main facts stood: lines of the source. */
	AT(INVOKED, "at_invoked"),
	AT(CPUSET, "at_cpuset"),
	AT(HEADER, "at_header"),
	AT(MEMCG, "at_memcg"),
	AT(LIMIT, "at_limit"),
	AT(MEMINFO, "at_meminfo"),
	AT(SWAP, "at_swap"),
	AT(RAM, "at_ram"),
	AT(TABLE, "at_table"),
	AT(SUMMARY, "at_summary"),
	AT(SCORE, "at_score"),
	AT(KILL, "at_kill"),
	AT(OUTCOME, "at_outcome"),
};
#undef E
#define T oom_task
static const struct oom_field task_fields[] = {
	INT(T, pid, NONE, "pid", "thread id of the first thread with an mm"),
	INT(T, tgid, NONE, "tgid", "process id"),
	INT(T, uid, NONE, "uid", "real user id"),
	INT(T, oom_score_adj, NONE, "oom_score_adj", NULL),
	INT(T, rss_pages, PAGES, "rss", NULL),
	INT(T, swap_pages, PAGES, "swapents", NULL),
	INT(T, pgtables_bytes, BYTES, "pgtables_bytes", NULL),
	INT(T, nr_ptes, PAGES, "nr_ptes", NULL),
	INT(T, nr_pmds, PAGES, "nr_pmds", NULL),
	INT(T, total_vm_pages, PAGES, "total_vm", NULL),
	INT(T, rss_anon_pages, PAGES, "rss_anon", NULL),
	INT(T, rss_file_pages, PAGES, "rss_file", NULL),
	INT(T, rss_shmem_pages, PAGES, "rss_shmem", NULL),
	INT(T, cpu, NONE, "cpu", NULL),
	INT(T, oom_adj, NONE, "oom_adj", NULL),
	INT(T, line, NONE, NULL, "line of the source"),
	STR(T, comm, "name", "process name"),
	STR(T, cgroup, NULL, "memory cgroup, where the source knows it"),
	INT(T, kernel_points, PAGES, NULL, "the kernel's own badness, where it was recorded"),
	INT(T, kernel_flags, NONE, NULL, "how the kernel looked at it, where that was recorded"),
};
#undef T
#define V oom_victim
static const struct oom_field victim_fields[] = {
	INT(V, pid, NONE, NULL, "process id"),
	INT(V, uid, NONE, "UID", NULL),
	ENUM(V, role, oom_role_names, "why it died"),
	INT(V, total_vm_kb, KB, "total-vm", NULL),
	INT(V, anon_rss_kb, KB, "anon-rss", NULL),
	INT(V, file_rss_kb, KB, "file-rss", NULL),
	INT(V, shmem_rss_kb, KB, "shmem-rss", NULL),
	INT(V, pgtables_kb, KB, "pgtables", NULL),
	INT(V, oom_score_adj, NONE, "oom_score_adj", NULL),
	INT(V, killed_us, US, NULL, "boot clock of the kill line"),
	ENUM(V, reap, oom_reap_names, "what became of its memory"),
	INT(V, reap_us, US, NULL, "boot clock of the reaper's line"),
	INT(V, reap_anon_rss_kb, KB, "now anon-rss", NULL),
	INT(V, reap_file_rss_kb, KB, "now file-rss", NULL),
	INT(V, reap_shmem_rss_kb, KB, "now shmem-rss", NULL),
	INT(V, line, NONE, NULL, "line of the source"),
	INT(V, reap_line, NONE, NULL, "line of the source that tells of the reaping"),
	STR(V, comm, NULL, "process name"),
};
#undef V
#define M oom_memory
static const struct oom_field memory_fields[] = {
	ENUM(M, area, oom_area_names, "part of the memory dump"),
	INT(M, node, NONE, "Node", NULL),
	INT(M, value, NONE, NULL, "the number"),
	ENUM(M, unit, oom_unit_names, "its unit"),
	INT(M, line, NONE, NULL, "line of the source"),
	STR(M, zone, NULL, "zone, size, cache, tag or memory cgroup"),
	STR(M, name, NULL, "what the number counts"),
	STR(M, text, NULL, "what stood beside it"),
};
#undef M
static const struct oom_field prior_fields[] = {
	INT(oom_prior, pid, NONE, NULL, "victim of an earlier event of the same boot"),
	INT(oom_prior, killed_us, US, NULL, "boot clock of that kill"),
	ENUM(oom_prior, reap, oom_reap_names, "what became of its memory"),
	INT(oom_prior, line, NONE, NULL, "line of the source that says so"),
	STR(oom_prior, comm, NULL, "its name"),
};
#define L oom_life
static const struct oom_field life_fields[] = {
	INT(L, pid, NONE, NULL, "thread that was marked as a victim"),
	INT(L, tgid, NONE, NULL, "process id"),
	INT(L, uid, NONE, NULL, "real user id"),
	ENUM(L, class, oom_class_names, "how the kill is accounted for"),
	INT(L, start_us, US, NULL, "start of the process, boot clock"),
	INT(L, selected_us, US, NULL, "the kernel chose it; monotonic clock, like all that follow"),
	INT(L, killed_us, US, NULL, "SIGKILL was sent"),
	INT(L, marked_us, US, "mark_victim", "it was given the memory reserves"),
	INT(L, queued_us, US, NULL, "queued for the reaper"),
	INT(L, woken_us, US, "wake_reaper", "the reaper was woken for it"),
	INT(L, reap_start_us, US, "start_task_reaping", NULL),
	INT(L, reap_end_us, US, "finish_task_reaping", NULL),
	INT(L, reap_skips, NONE, "skip_task_reaping", "attempts at reaping that came to nothing"),
	INT(L, exit_begin_us, US, NULL, "its exit began to free the memory"),
	INT(L, exit_end_us, US, NULL, "its exit had freed the memory"),
	INT(L, freed_us, US, NULL, "the task itself was gone"),
	ENUM(L, freed_by, oom_freed_by_names, "who freed its memory"),
	INT(L, aborted_rounds, NONE, NULL, "selections given up while it had yet to free its memory"),
	INT(L, next_selected_us, US, NULL, "another victim was selected before its memory was free"),
	STR(L, comm, NULL, "process name"),
	STR(L, cgroup, NULL, "its memory cgroup"),
};
#undef L
#define F oom_flight
static const struct oom_field flight_fields[] = {
	INT(F, pid, NONE, NULL, "process id"),
	INT(F, uid, NONE, NULL, "real user id"),
	INT(F, oom_score_adj, NONE, "oom_score_adj", NULL),
	INT(F, sampled_us, US, NULL, "when it was looked at, monotonic clock"),
	INT(F, start_us, US, NULL, "start of the process, boot clock"),
	INT(F, points, PAGES, NULL, "badness for the whole machine"),
	INT(F, rss_pages, PAGES, "rss", NULL),
	INT(F, swap_pages, PAGES, "swapents", NULL),
	INT(F, pgtables_bytes, BYTES, "pgtables_bytes", NULL),
	INT(F, growth_pages, PAGES, NULL, "by how much it grew in growth_us"),
	INT(F, growth_us, US, NULL, "the time that growth_pages is about"),
	STR(F, comm, NULL, "process name"),
	STR(F, cgroup, NULL, "its memory cgroup"),
	STR(F, cmdline, NULL, "its command line, arguments apart by blanks"),
};
#undef F
static const struct oom_field note_fields[] = {
	INT(oom_note, line, NONE, NULL, "line of the source"),
	STR(oom_note, kind, NULL, "keyword"),
	STR(oom_note, text, NULL, "what is odd or missing"),
};
static const struct oom_field raw_fields[] = {
	INT(oom_raw, line, NONE, NULL, "line of the source"),
	STR(oom_raw, text, NULL, "the line, verbatim"),
};

#define PART(t, S, array_, n_, cap_) { \
	.table = #t, .field = t##_fields, .nfields = OOM_ARRAY_SIZE(t##_fields), .size = sizeof(struct S), \
	.array = offsetof(struct oom_event, array_), .count = offsetof(struct oom_event, n_), .cap = offsetof(struct oom_event, cap_) }

const struct oom_record oom_event_record = {
	.table = "event", .field = event_fields, .nfields = OOM_ARRAY_SIZE(event_fields), .size = sizeof(struct oom_event),
};
const struct oom_record oom_task_record = PART(task, oom_task, task, ntasks, cap_tasks);
const struct oom_record oom_victim_record = PART(victim, oom_victim, victim, nvictims, cap_victims);
const struct oom_record oom_memory_record = PART(memory, oom_memory, memory, nmemory, cap_memory);
const struct oom_record oom_prior_record = PART(prior, oom_prior, prior, npriors, cap_priors);
const struct oom_record oom_life_record = PART(life, oom_life, life, nlives, cap_lives);
const struct oom_record oom_flight_record = PART(flight, oom_flight, flight, nflights, cap_flights);
const struct oom_record oom_note_record = PART(note, oom_note, note, nnotes, cap_notes);
const struct oom_record oom_raw_record = PART(raw, oom_raw, raw, nraw, cap_raw);

const struct oom_record *const oom_parts[OOM_PARTS] = {
	&oom_task_record, &oom_victim_record, &oom_memory_record, &oom_prior_record, &oom_life_record,
	&oom_flight_record, &oom_note_record, &oom_raw_record,
};
