-- SPDX-License-Identifier: GPL-2.0-or-later
--
-- The store of oomlens.  Sections are only ever appended: a new store runs all of them, an older one the rest, each in
-- a transaction of its own that also sets PRAGMA user_version.  Tables may change; the views (v_*) are the contract.
--
-- Integers are whole numbers in the unit that the column's name ends with; NULL is "the source did not say".
-- Text holds the bytes of the log, valid UTF-8 or not.  Lines are lines of the source.
--
-- @version 1

-- A machine, as far as its logs name it.
CREATE TABLE host (
	host_id INTEGER PRIMARY KEY,
	hostname TEXT, machine_id TEXT
);
CREATE INDEX host_name ON host (hostname, machine_id);

-- What the source said about one OOM event; never updated.
CREATE TABLE event (
	event_id INTEGER PRIMARY KEY,
	host_id INTEGER NOT NULL REFERENCES host (host_id),
	fingerprint TEXT NOT NULL UNIQUE,
	origin TEXT, path TEXT, first_line INTEGER, last_line INTEGER,
	host TEXT, boot_id TEXT, machine_id TEXT, kernel TEXT, kernel_from TEXT,
	boot_us INTEGER, wall_us INTEGER, stamp TEXT,
	trigger_comm TEXT, trigger_pid INTEGER, trigger_uid INTEGER, trigger_adj INTEGER,
	"order" INTEGER, gfp_mask INTEGER, gfp_raw TEXT, gfp_flags TEXT, tainted TEXT,
	scope TEXT, "constraint" TEXT, nodemask TEXT, cpuset TEXT, mems_allowed TEXT,
	oom_memcg TEXT, task_memcg TEXT, global_oom INTEGER, memcg_version INTEGER,
	memcg_usage_kb INTEGER, memcg_limit_kb INTEGER, memcg_failcnt INTEGER, memsw_usage_kb INTEGER, memsw_limit_kb INTEGER,
	memcg_swap_usage_kb INTEGER, memcg_swap_limit_kb INTEGER, kmem_usage_kb INTEGER, kmem_limit_kb INTEGER,
	protect_min_kb INTEGER, protect_low_kb INTEGER,
	page_size INTEGER, page_size_from TEXT,
	ram_pages INTEGER, reserved_pages INTEGER, cma_reserved_pages INTEGER, highmem_pages INTEGER, hwpoisoned_pages INTEGER,
	swap_total_kb INTEGER, swap_free_kb INTEGER, boot_swap_total_kb INTEGER, boot_swap_line INTEGER, total_pages INTEGER,
	chosen_pid INTEGER, chosen_uid INTEGER, chosen_comm TEXT, chosen_score INTEGER,
	allocating_task INTEGER, oom_group INTEGER, oom_group_path TEXT, sysrq INTEGER, outcome TEXT, outcome_text TEXT,
	has_invoked INTEGER, has_table INTEGER, table_complete INTEGER, has_mem_info INTEGER,
	suppressed INTEGER, damaged_lines INTEGER,
	at_invoked INTEGER, at_cpuset INTEGER, at_header INTEGER, at_memcg INTEGER, at_limit INTEGER, at_meminfo INTEGER,
	at_swap INTEGER, at_ram INTEGER, at_table INTEGER, at_summary INTEGER, at_score INTEGER, at_kill INTEGER,
	at_outcome INTEGER
);
CREATE INDEX event_host ON event (host_id);

-- The parts of an event are rows with the key k = event_id * 2^20 + position, so that the rows of one event lie
-- together and a range of rowids finds them.

-- A row of the task table.  tgid_off is tgid - pid; line_off is the distance from the line where a table without
-- gaps would have the row (at_table + 1 + position).  Both are 0 nearly always, which costs no byte.
-- From points on: derived by the replay, filled and emptied together with the event's row in verdict.
CREATE TABLE task (
	k INTEGER PRIMARY KEY,
	pid INTEGER, tgid_off INTEGER, uid INTEGER, oom_score_adj INTEGER,
	rss_pages INTEGER, swap_pages INTEGER, pgtables_bytes INTEGER, nr_ptes INTEGER, nr_pmds INTEGER,
	total_vm_pages INTEGER, rss_anon_pages INTEGER, rss_file_pages INTEGER, rss_shmem_pages INTEGER,
	cpu INTEGER, oom_adj INTEGER, line_off INTEGER, comm TEXT, cgroup TEXT, kernel_points INTEGER,
	points INTEGER, points_lo INTEGER, points_hi INTEGER, -- lo and hi only where the table hides a term
	rank INTEGER,
	why_not INTEGER -- 0 = eligible, else a row of why_not
);

-- Why a task was no candidate; written from the names that the engine has.
CREATE TABLE why_not (
	code INTEGER PRIMARY KEY,
	name TEXT NOT NULL
);

CREATE TABLE victim (
	k INTEGER PRIMARY KEY,
	pid INTEGER, uid INTEGER, role TEXT,
	total_vm_kb INTEGER, anon_rss_kb INTEGER, file_rss_kb INTEGER, shmem_rss_kb INTEGER, pgtables_kb INTEGER,
	oom_score_adj INTEGER, killed_us INTEGER, reap TEXT, reap_us INTEGER,
	reap_anon_rss_kb INTEGER, reap_file_rss_kb INTEGER, reap_shmem_rss_kb INTEGER,
	line INTEGER, reap_line INTEGER, comm TEXT
);

-- Victims of earlier events of the same boot that this event's selection had to know.
CREATE TABLE prior (
	k INTEGER PRIMARY KEY,
	pid INTEGER, killed_us INTEGER, reap TEXT, line INTEGER, comm TEXT
);

-- What was odd or missing in the source.
CREATE TABLE note (
	k INTEGER PRIMARY KEY,
	line INTEGER, kind TEXT, text TEXT
);

-- The bulk of an event.  raw: the lines themselves, compressed.  memory: the numbers of the memory dump as a JSON array
-- of groups [shape, line, zone or 0, value ...]; a value is an integer, null or [value, "text beside it"].
-- A group's line counts from the group before it, the first from the event's first line.
CREATE TABLE evidence (
	event_id INTEGER PRIMARY KEY,
	raw BLOB,
	memory TEXT
);

-- What the values of such a group are called; shared by all events of kernels that print the same.
-- {"area": ..., "node": ..., "zone": ... where the group has 0, "facts": [[name, unit, lines below the group's], ...]}
CREATE TABLE shape (
	shape_id INTEGER PRIMARY KEY,
	shape TEXT NOT NULL UNIQUE
);

-- What the replay of an event concluded; may be dropped and made again (oomlens analyze).
CREATE TABLE verdict (
	event_id INTEGER PRIMARY KEY,
	engine TEXT NOT NULL, -- version of oomlens
	verdict TEXT NOT NULL, reason TEXT NOT NULL, text TEXT, evidence_line INTEGER,
	profile TEXT, profile_how TEXT, unit TEXT, -- of points, margin and drift_bound: pages or per_mille
	totalpages_lo INTEGER, totalpages_hi INTEGER, totalpages_how TEXT,
	eligible INTEGER, winner INTEGER, runner_up INTEGER, actual INTEGER, -- the last three: positions in the task table
	margin INTEGER, drift_bound INTEGER
);

-- Recorded tracepoints.
CREATE TABLE trace (
	trace_id INTEGER PRIMARY KEY,
	host_id INTEGER NOT NULL REFERENCES host (host_id),
	boot_id TEXT, monotonic_us INTEGER, name TEXT, pid INTEGER, comm TEXT, detail TEXT
);

CREATE VIEW v_host AS
SELECT host_id, hostname, machine_id FROM host;

CREATE VIEW v_event AS
SELECT e.event_id, e.host_id, h.hostname, e.boot_id, e.kernel,
	e.boot_us AS monotonic_us,
	strftime('%Y-%m-%dT%H:%M:%S', e.wall_us / 1000000, 'unixepoch') || printf('.%06dZ', e.wall_us % 1000000) AS realtime,
	e.stamp, e.wall_us,
	e.trigger_pid, e.trigger_comm, e.trigger_uid, e.trigger_adj,
	coalesce(e.gfp_raw, printf('0x%x', e.gfp_mask)) AS gfp_mask, e.gfp_flags, e."order" AS alloc_order,
	e.scope, e."constraint" AS constraint_name, e.oom_memcg, e.task_memcg,
	e.memcg_usage_kb, e.memcg_limit_kb, e.swap_total_kb, e.swap_free_kb, e.ram_pages,
	CASE WHEN d.totalpages_lo = d.totalpages_hi THEN d.totalpages_lo ELSE e.total_pages END AS totalpages,
	e.page_size, e.outcome, d.verdict, d.reason, d.text AS verdict_text, d.profile, d.engine,
	v.pid AS victim_pid, v.comm AS victim_comm, v.uid AS victim_uid,
	CASE d.unit WHEN 'pages' THEN d.margin END AS margin_pages,
	e.table_complete, e.path, e.first_line, e.last_line, e.fingerprint
FROM event AS e
JOIN host AS h ON h.host_id = e.host_id
LEFT JOIN verdict AS d ON d.event_id = e.event_id
LEFT JOIN victim AS v ON v.k = e.event_id << 20;

CREATE VIEW v_candidate AS
SELECT e.event_id, t.pid, t.pid + t.tgid_off AS tgid, t.uid, t.comm,
	t.total_vm_pages AS total_vm, t.rss_pages AS rss, t.swap_pages AS swapents, t.pgtables_bytes, t.oom_score_adj,
	t.points, t.rank, t.why_not = 0 AS eligible, (SELECT w.name FROM why_not AS w WHERE w.code = t.why_not) AS why_not,
	coalesce(t.points_lo, t.points) AS points_min, coalesce(t.points_hi, t.points) AS points_max,
	t.rss_anon_pages AS rss_anon, t.rss_file_pages AS rss_file, t.rss_shmem_pages AS rss_shmem,
	t.nr_ptes, t.nr_pmds, t.cpu, t.oom_adj, t.cgroup, t.kernel_points,
	coalesce(e.at_table + 1, 0) + (t.k & 1048575) + t.line_off AS line
FROM event AS e
JOIN task AS t ON t.k >= e.event_id << 20 AND t.k < (e.event_id + 1) << 20;

CREATE VIEW v_victim AS
SELECT e.event_id, v.pid, v.comm, v.uid, v.role,
	v.total_vm_kb, v.anon_rss_kb, v.file_rss_kb, v.shmem_rss_kb, v.pgtables_kb, v.oom_score_adj,
	v.reap AS reap_outcome, v.reap_us - v.killed_us AS reap_latency_us,
	v.reap_anon_rss_kb AS anon_rss_kb_after, v.killed_us, v.line, v.reap_line
FROM event AS e
JOIN victim AS v ON v.k >= e.event_id << 20 AND v.k < (e.event_id + 1) << 20;

CREATE VIEW v_trace AS
SELECT host_id, boot_id, monotonic_us, name, pid, comm, detail FROM trace;

-- value_kb is NULL for what is not an amount of memory (counts, ratios); value and unit have every number.
CREATE VIEW v_memory AS
SELECT event_id, node, zone, name,
	CASE unit WHEN 'kB' THEN value WHEN 'bytes' THEN value / 1024 WHEN 'pages' THEN value * page_size / 1024 END AS value_kb,
	area, value, unit, text
FROM (
	SELECT e.event_id, e.page_size, json_extract(s.shape, '$.area') AS area, json_extract(s.shape, '$.node') AS node,
		CASE json_type(g.value, '$[2]') WHEN 'integer' THEN json_extract(s.shape, '$.zone')
			ELSE json_extract(g.value, '$[2]') END AS zone,
		json_extract(f.value, '$[0]') AS name, json_extract(f.value, '$[1]') AS unit,
		CASE json_type(g.value, '$[' || (f.key + 3) || ']')
			WHEN 'array' THEN json_extract(g.value, '$[' || (f.key + 3) || '][0]')
			ELSE json_extract(g.value, '$[' || (f.key + 3) || ']') END AS value,
		json_extract(g.value, '$[' || (f.key + 3) || '][1]') AS text
	FROM evidence AS v
	JOIN event AS e ON e.event_id = v.event_id
	JOIN json_each(v.memory) AS g
	JOIN shape AS s ON s.shape_id = json_extract(g.value, '$[0]')
	JOIN json_each(s.shape, '$.facts') AS f
);

CREATE VIEW v_note AS
SELECT e.event_id, n.line, n.kind, n.text
FROM event AS e
JOIN note AS n ON n.k >= e.event_id << 20 AND n.k < (e.event_id + 1) << 20;

-- @version 2

-- The recorder: its witnesses, the lives of the victims, the tasks before the kill.  What texts do not have stands in
-- tables of its own, or in columns of the event alone: a NULL costs a byte in each row.

DROP VIEW v_event;
DROP VIEW v_candidate;
DROP VIEW v_victim;
DROP VIEW v_trace;

ALTER TABLE event ADD COLUMN feeds TEXT;
ALTER TABLE event ADD COLUMN ballot TEXT;
ALTER TABLE event ADD COLUMN ballot_lost INTEGER;
CREATE INDEX event_time ON event (wall_us);

-- What a recorder knows of a row of the task table beyond what kernels print; same k.
CREATE TABLE task_recorded (
	k INTEGER PRIMARY KEY,
	cgroup TEXT, kernel_points INTEGER, kernel_flags INTEGER
);

-- As before, without what is now in task_recorded.
CREATE TABLE task_1 AS SELECT * FROM task;
DROP TABLE task;
CREATE TABLE task (
	k INTEGER PRIMARY KEY,
	pid INTEGER, tgid_off INTEGER, uid INTEGER, oom_score_adj INTEGER,
	rss_pages INTEGER, swap_pages INTEGER, pgtables_bytes INTEGER, nr_ptes INTEGER, nr_pmds INTEGER,
	total_vm_pages INTEGER, rss_anon_pages INTEGER, rss_file_pages INTEGER, rss_shmem_pages INTEGER,
	cpu INTEGER, oom_adj INTEGER, line_off INTEGER, comm TEXT,
	points INTEGER, points_lo INTEGER, points_hi INTEGER, -- lo and hi only where the table hides a term
	rank INTEGER,
	why_not INTEGER -- 0 = eligible, else a row of why_not
);
INSERT INTO task SELECT k, pid, tgid_off, uid, oom_score_adj, rss_pages, swap_pages, pgtables_bytes, nr_ptes, nr_pmds,
	total_vm_pages, rss_anon_pages, rss_file_pages, rss_shmem_pages, cpu, oom_adj, line_off, comm,
	points, points_lo, points_hi, rank, why_not
FROM task_1;
INSERT INTO task_recorded (k, cgroup, kernel_points)
SELECT k, cgroup, kernel_points FROM task_1 WHERE cgroup IS NOT NULL OR kernel_points IS NOT NULL;
DROP TABLE task_1;

-- The life of each victim as the feeds saw it; times are CLOCK_MONOTONIC, start_us is CLOCK_BOOTTIME.
CREATE TABLE life (
	k INTEGER PRIMARY KEY,
	pid INTEGER, tgid INTEGER, uid INTEGER, class TEXT, start_us INTEGER,
	selected_us INTEGER, killed_us INTEGER, marked_us INTEGER, queued_us INTEGER, woken_us INTEGER,
	reap_start_us INTEGER, reap_end_us INTEGER, reap_skips INTEGER, exit_begin_us INTEGER, exit_end_us INTEGER,
	freed_us INTEGER, freed_by TEXT, aborted_rounds INTEGER, next_selected_us INTEGER, comm TEXT, cgroup TEXT
);

-- The flight recorder: the largest tasks as the last sample before the kill showed them.
CREATE TABLE flight (
	k INTEGER PRIMARY KEY,
	pid INTEGER, uid INTEGER, oom_score_adj INTEGER, sampled_us INTEGER, start_us INTEGER, points INTEGER,
	rss_pages INTEGER, swap_pages INTEGER, pgtables_bytes INTEGER, growth_pages INTEGER, growth_us INTEGER,
	comm TEXT, cgroup TEXT, cmdline TEXT
);

-- How far a recorder has come with a boot, so that the next one goes on there.
CREATE TABLE recorder (
	host_id INTEGER NOT NULL REFERENCES host (host_id),
	boot_id TEXT NOT NULL,
	next_line INTEGER, -- record of /dev/kmsg to go on with
	oom_kill INTEGER, -- of /proc/vmstat, when it was last compared
	kills INTEGER, -- accounted for by then, of those that it counts
	log_lost INTEGER, -- records of the kernel log that nobody could read
	facts_lost INTEGER, -- by the feeds
	seen_us INTEGER, -- UTC of this writing
	PRIMARY KEY (host_id, boot_id)
) WITHOUT ROWID;

-- Rows come in the order of seen_us, the UTC of their writing.
ALTER TABLE trace ADD COLUMN feed TEXT;
ALTER TABLE trace ADD COLUMN seen_us INTEGER;

CREATE VIEW v_event AS
SELECT e.event_id, e.host_id, h.hostname, e.boot_id, e.kernel,
	e.boot_us AS monotonic_us,
	strftime('%Y-%m-%dT%H:%M:%S', e.wall_us / 1000000, 'unixepoch') || printf('.%06dZ', e.wall_us % 1000000) AS realtime,
	e.stamp, e.wall_us,
	e.trigger_pid, e.trigger_comm, e.trigger_uid, e.trigger_adj,
	coalesce(e.gfp_raw, printf('0x%x', e.gfp_mask)) AS gfp_mask, e.gfp_flags, e."order" AS alloc_order,
	e.scope, e."constraint" AS constraint_name, e.oom_memcg, e.task_memcg,
	e.memcg_usage_kb, e.memcg_limit_kb, e.swap_total_kb, e.swap_free_kb, e.ram_pages,
	CASE WHEN d.totalpages_lo = d.totalpages_hi THEN d.totalpages_lo ELSE e.total_pages END AS totalpages,
	e.page_size, e.outcome, d.verdict, d.reason, d.text AS verdict_text, d.profile, d.engine,
	v.pid AS victim_pid, v.comm AS victim_comm, v.uid AS victim_uid,
	CASE d.unit WHEN 'pages' THEN d.margin END AS margin_pages,
	e.table_complete, e.path, e.first_line, e.last_line, e.fingerprint,
	e.origin, e.feeds, e.ballot, e.ballot_lost, l.class
FROM event AS e
JOIN host AS h ON h.host_id = e.host_id
LEFT JOIN verdict AS d ON d.event_id = e.event_id
LEFT JOIN victim AS v ON v.k = e.event_id << 20
LEFT JOIN life AS l ON l.k = e.event_id << 20;

CREATE VIEW v_candidate AS
SELECT e.event_id, t.pid, t.pid + t.tgid_off AS tgid, t.uid, t.comm,
	t.total_vm_pages AS total_vm, t.rss_pages AS rss, t.swap_pages AS swapents, t.pgtables_bytes, t.oom_score_adj,
	t.points, t.rank, t.why_not = 0 AS eligible, (SELECT w.name FROM why_not AS w WHERE w.code = t.why_not) AS why_not,
	coalesce(t.points_lo, t.points) AS points_min, coalesce(t.points_hi, t.points) AS points_max,
	t.rss_anon_pages AS rss_anon, t.rss_file_pages AS rss_file, t.rss_shmem_pages AS rss_shmem,
	t.nr_ptes, t.nr_pmds, t.cpu, t.oom_adj, r.cgroup, r.kernel_points,
	coalesce(e.at_table + 1, 0) + (t.k & 1048575) + t.line_off AS line, r.kernel_flags
FROM event AS e
JOIN task AS t ON t.k >= e.event_id << 20 AND t.k < (e.event_id + 1) << 20
LEFT JOIN task_recorded AS r ON r.k = t.k;

-- memory_free_us: when the one that freed its memory was done.
CREATE VIEW v_life AS
SELECT event_id, pid, tgid, uid, comm, class, cgroup, freed_by,
	marked_us - selected_us AS mark_latency_us, reap_start_us - marked_us AS reap_latency_us,
	memory_free_us - marked_us AS free_latency_us,
	start_us, selected_us, killed_us, marked_us, queued_us, woken_us, reap_start_us, reap_end_us, reap_skips,
	exit_begin_us, exit_end_us, freed_us, aborted_rounds, next_selected_us
FROM (
	SELECT e.event_id, l.*, CASE l.freed_by WHEN 'reaper' THEN l.reap_end_us WHEN 'exit_mmap' THEN l.exit_end_us END
		AS memory_free_us
	FROM event AS e
	JOIN life AS l ON l.k >= e.event_id << 20 AND l.k < (e.event_id + 1) << 20
);

CREATE VIEW v_victim AS
SELECT e.event_id, v.pid, v.comm, v.uid, v.role,
	v.total_vm_kb, v.anon_rss_kb, v.file_rss_kb, v.shmem_rss_kb, v.pgtables_kb, v.oom_score_adj,
	v.reap AS reap_outcome, v.reap_us - v.killed_us AS reap_latency_us,
	v.reap_anon_rss_kb AS anon_rss_kb_after, v.killed_us, v.line, v.reap_line,
	l.class, l.freed_by, l.marked_us - l.selected_us AS mark_latency_us,
	CASE l.freed_by WHEN 'reaper' THEN l.reap_end_us WHEN 'exit_mmap' THEN l.exit_end_us END - l.marked_us
		AS free_latency_us
FROM event AS e
JOIN victim AS v ON v.k >= e.event_id << 20 AND v.k < (e.event_id + 1) << 20
LEFT JOIN life AS l ON l.k = (
	SELECT min(x.k) FROM life AS x
	WHERE x.k >= e.event_id << 20 AND x.k < (e.event_id + 1) << 20 AND (x.tgid = v.pid OR x.pid = v.pid)
);

CREATE VIEW v_flight AS
SELECT e.event_id, f.pid, f.uid, f.comm, f.oom_score_adj, f.points AS points_pages,
	f.rss_pages, f.swap_pages, f.pgtables_bytes, f.growth_pages, f.growth_us, f.sampled_us, f.start_us,
	f.cgroup, f.cmdline
FROM event AS e
JOIN flight AS f ON f.k >= e.event_id << 20 AND f.k < (e.event_id + 1) << 20;

CREATE VIEW v_recorder AS
SELECT r.host_id, h.hostname, r.boot_id,
	strftime('%Y-%m-%dT%H:%M:%S', r.seen_us / 1000000, 'unixepoch') || printf('.%06dZ', r.seen_us % 1000000) AS seen,
	r.oom_kill, r.kills, r.facts_lost, r.log_lost AS log_records_lost,
	coalesce(c.logged, 0) AS logged, coalesce(c.rate_limited, 0) AS rate_limited,
	coalesce(c.already_exiting, 0) AS already_exiting, coalesce(c.group_member, 0) AS group_member,
	coalesce(c.log_lost, 0) AS log_lost, r.next_line, r.seen_us
FROM recorder AS r
JOIN host AS h ON h.host_id = r.host_id
LEFT JOIN (
	SELECT e.host_id, e.boot_id, sum(l.class = 'logged') AS logged, sum(l.class = 'rate_limited') AS rate_limited,
		sum(l.class = 'already_exiting') AS already_exiting, sum(l.class = 'group_member') AS group_member,
		sum(l.class = 'log_lost') AS log_lost
	FROM life AS l
	JOIN event AS e ON e.event_id = l.k >> 20
	GROUP BY e.host_id, e.boot_id
) AS c ON c.host_id = r.host_id AND c.boot_id = r.boot_id;

CREATE VIEW v_trace AS
SELECT host_id, boot_id, monotonic_us, name, pid, comm, detail, feed FROM trace;

-- @version 3

-- The store of a fleet says the same again and again, so its tables hold numbers of what is said once: a column that ends
-- with _w is a row of word, who_id one of who, host_id one of host, and each group of evidence.memory begins with a shape_id.
-- Such numbers are a store's own.  Who copies rows from store to store finds or adds the row that says the same there, and
-- puts its number in the place of the old one; all else depends on event_id alone.
-- Columns that end with _off are distances: of lines from first_line, of others as said beside them.

DROP VIEW v_event;
DROP VIEW v_candidate;
DROP VIEW v_life;
DROP VIEW v_victim;
DROP VIEW v_flight;
DROP VIEW v_recorder;
DROP VIEW v_note;

CREATE TABLE word (
	word_id INTEGER PRIMARY KEY,
	hash INTEGER NOT NULL, -- FNV-1a, its lower 23 bits: an index over the text would double it
	text TEXT NOT NULL
);
CREATE INDEX word_hash ON word (hash);

-- What task tables repeat most.
CREATE TABLE who (
	who_id INTEGER PRIMARY KEY,
	comm TEXT, uid INTEGER, oom_score_adj INTEGER
);
CREATE INDEX who_is ON who (comm, uid, oom_score_adj);

-- What the replay of an event concluded; may be dropped and made again (oomlens analyze).
CREATE TABLE verdict_2 AS SELECT * FROM verdict;
DROP TABLE verdict;
CREATE TABLE verdict (
	event_id INTEGER PRIMARY KEY,
	engine_w INTEGER NOT NULL, -- version of oomlens
	verdict_w INTEGER NOT NULL, reason_w INTEGER NOT NULL, text TEXT, evidence_line INTEGER,
	profile_w INTEGER, profile_how_w INTEGER, unit_w INTEGER, -- of points, margin and drift_bound: pages or per_mille
	totalpages_lo INTEGER, totalpages_hi INTEGER, totalpages_how_w INTEGER,
	adj_pages INTEGER, -- what one step of oom_score_adj is worth in the points of its tasks
	adj_pages_lo INTEGER, adj_pages_hi INTEGER, -- at both ends of totalpages, where they differ
	eligible INTEGER, winner INTEGER, runner_up INTEGER, actual INTEGER, -- the last three: positions in the task table
	margin INTEGER, drift_bound INTEGER
);

-- What reports ask of an event, derived and dropped together with its row in verdict.  Stores of before have none: oomlens
-- analyze makes them.
CREATE TABLE digest (
	event_id INTEGER PRIMARY KEY,
	candidates INTEGER, eligible INTEGER,
	largest_pid INTEGER, largest_comm_w INTEGER, largest_pages INTEGER,
	unadjusted_pid INTEGER, unadjusted_comm_w INTEGER, adj_decided INTEGER,
	unkillable_tasks INTEGER, unkillable_pages INTEGER, free_kb INTEGER,
	grower_pid INTEGER, grower_comm_w INTEGER, growth_kb INTEGER, growth_us INTEGER,
	-- of the victim's cgroup
	unit_w INTEGER, slice_w INTEGER, user_id INTEGER, pod_uid_w INTEGER, container_id_w INTEGER, runtime_w INTEGER, qos_w INTEGER,
	cause_w INTEGER,
	weight INTEGER NOT NULL -- of two accounts of one event the heavier is kept; equal: the lesser (path, first_line), bytewise
);

-- As before.  host and machine_id are those of the host.
CREATE TABLE event_2 AS SELECT * FROM event;
DROP TABLE event;
CREATE TABLE event (
	event_id INTEGER PRIMARY KEY,
	host_id INTEGER NOT NULL REFERENCES host (host_id),
	fingerprint BLOB NOT NULL UNIQUE,
	origin_w INTEGER, path_w INTEGER, first_line INTEGER, last_line_off INTEGER,
	boot_id_w INTEGER, kernel_w INTEGER, kernel_from_w INTEGER,
	boot_us INTEGER, wall_us INTEGER, stamp TEXT,
	trigger_comm_w INTEGER, trigger_pid INTEGER, trigger_uid INTEGER, trigger_adj INTEGER,
	"order" INTEGER, gfp_mask INTEGER, gfp_raw_w INTEGER, gfp_flags_w INTEGER, tainted_w INTEGER,
	scope_w INTEGER, constraint_w INTEGER, nodemask_w INTEGER, cpuset_w INTEGER, mems_allowed_w INTEGER,
	oom_memcg_w INTEGER, task_memcg_w INTEGER, global_oom INTEGER, memcg_version INTEGER,
	memcg_usage_kb INTEGER, memcg_limit_kb INTEGER, memcg_failcnt INTEGER, memsw_usage_kb INTEGER, memsw_limit_kb INTEGER,
	memcg_swap_usage_kb INTEGER, memcg_swap_limit_kb INTEGER, kmem_usage_kb INTEGER, kmem_limit_kb INTEGER,
	protect_min_kb INTEGER, protect_low_kb INTEGER,
	page_size INTEGER, page_size_from_w INTEGER,
	ram_pages INTEGER, reserved_pages INTEGER, cma_reserved_pages INTEGER, highmem_pages INTEGER, hwpoisoned_pages INTEGER,
	swap_total_kb INTEGER, swap_free_kb INTEGER, boot_swap_total_kb INTEGER, boot_swap_line INTEGER, total_pages INTEGER,
	chosen_pid INTEGER, chosen_uid INTEGER, chosen_comm_w INTEGER, chosen_score INTEGER,
	allocating_task INTEGER, oom_group INTEGER, oom_group_path_w INTEGER, sysrq INTEGER, outcome_w INTEGER, outcome_text TEXT,
	feeds_w INTEGER, ballot_w INTEGER, ballot_lost INTEGER,
	has_invoked INTEGER, has_table INTEGER, table_complete INTEGER, has_mem_info INTEGER,
	suppressed INTEGER, damaged_lines INTEGER,
	at_invoked_off INTEGER, at_cpuset_off INTEGER, at_header_off INTEGER, at_memcg_off INTEGER, at_limit_off INTEGER,
	at_meminfo_off INTEGER, at_swap_off INTEGER, at_ram_off INTEGER, at_table_off INTEGER, at_summary_off INTEGER,
	at_score_off INTEGER, at_kill_off INTEGER, at_outcome_off INTEGER,
	rows_off INTEGER -- the line of the first row of the task table; others are taken to follow without gaps
);
CREATE INDEX event_host ON event (host_id);
CREATE INDEX event_time ON event (wall_us);

-- A row of the task table; k as before.  A store has many: nothing stands in here that is nearly always the same.
CREATE TABLE task_2 AS SELECT * FROM task;
DROP TABLE task;
CREATE TABLE task (
	k INTEGER PRIMARY KEY,
	pid INTEGER, who_id INTEGER NOT NULL,
	total_vm_pages INTEGER, rss_pages INTEGER, swap_pages INTEGER,
	pgtables INTEGER, -- pgtables_bytes / 4096, or -1 - nr_ptes
	place INTEGER, -- derived: rank + 2^21 * why_not + 2^26 if it was eligible and has no points
	rss_anon_pages INTEGER, rss_shmem_pages INTEGER
);

-- A row that is not as most are: tgid is not pid, the line not that of event.rows_off + position, points not the sum of rss,
-- swap, pgtables and oom_score_adj * verdict.adj_pages (its bounds likewise), rss_file not what anon and shmem leave, or it
-- has what other kernels do not print.  Where there is a row, all that it holds is said here, NULL included.
CREATE TABLE task_rare (
	k INTEGER PRIMARY KEY,
	tgid_off INTEGER, -- tgid - pid
	line_off INTEGER, -- line - (rows_off + position)
	pgtables_bytes INTEGER, nr_ptes INTEGER, -- unless task.pgtables holds them
	nr_pmds INTEGER, rss_file_pages INTEGER, cpu INTEGER, oom_adj INTEGER,
	points INTEGER, points_lo INTEGER, points_hi INTEGER -- derived; lo and hi only where the table hides a term
);

-- What a recorder knows of a row of the task table beyond what kernels print; same k.
CREATE TABLE task_recorded_2 AS SELECT * FROM task_recorded;
DROP TABLE task_recorded;
CREATE TABLE task_recorded (
	k INTEGER PRIMARY KEY,
	cgroup_w INTEGER, kernel_points INTEGER, kernel_flags INTEGER
);

CREATE TABLE victim_2 AS SELECT * FROM victim;
DROP TABLE victim;
CREATE TABLE victim (
	k INTEGER PRIMARY KEY,
	pid INTEGER, uid INTEGER, role_w INTEGER,
	total_vm_kb INTEGER, anon_rss_kb INTEGER, file_rss_kb INTEGER, shmem_rss_kb INTEGER, pgtables_kb INTEGER,
	oom_score_adj INTEGER, killed_us INTEGER, reap_w INTEGER, reap_us INTEGER,
	reap_anon_rss_kb INTEGER, reap_file_rss_kb INTEGER, reap_shmem_rss_kb INTEGER,
	line INTEGER, reap_line INTEGER, comm_w INTEGER
);

-- Victims of earlier events of the same boot that this event's selection had to know.
CREATE TABLE prior_2 AS SELECT * FROM prior;
DROP TABLE prior;
CREATE TABLE prior (
	k INTEGER PRIMARY KEY,
	pid INTEGER, killed_us INTEGER, reap_w INTEGER, line INTEGER, comm_w INTEGER
);

-- The life of each victim as the feeds saw it; times are CLOCK_MONOTONIC, start_us is CLOCK_BOOTTIME.
CREATE TABLE life_2 AS SELECT * FROM life;
DROP TABLE life;
CREATE TABLE life (
	k INTEGER PRIMARY KEY,
	pid INTEGER, tgid INTEGER, uid INTEGER, class_w INTEGER, start_us INTEGER,
	selected_us INTEGER, killed_us INTEGER, marked_us INTEGER, queued_us INTEGER, woken_us INTEGER,
	reap_start_us INTEGER, reap_end_us INTEGER, reap_skips INTEGER, exit_begin_us INTEGER, exit_end_us INTEGER,
	freed_us INTEGER, freed_by_w INTEGER, aborted_rounds INTEGER, next_selected_us INTEGER, comm_w INTEGER, cgroup_w INTEGER
);

-- The flight recorder: the largest tasks as the last sample before the kill showed them.
CREATE TABLE flight_2 AS SELECT * FROM flight;
DROP TABLE flight;
CREATE TABLE flight (
	k INTEGER PRIMARY KEY,
	pid INTEGER, uid INTEGER, oom_score_adj INTEGER, sampled_us INTEGER, start_us INTEGER, points INTEGER,
	rss_pages INTEGER, swap_pages INTEGER, pgtables_bytes INTEGER, growth_pages INTEGER, growth_us INTEGER,
	comm_w INTEGER, cgroup_w INTEGER, cmdline_w INTEGER
);

-- What was odd or missing in the source.
CREATE TABLE note_2 AS SELECT * FROM note;
DROP TABLE note;
CREATE TABLE note (
	k INTEGER PRIMARY KEY,
	line INTEGER, kind_w INTEGER, text TEXT
);

-- Finds a fact that is there already, when stores are merged.
CREATE INDEX trace_time ON trace (monotonic_us);

-- oom_word(): the number of the word, a new one if it is not there yet.
INSERT INTO verdict
SELECT event_id, oom_word(engine), oom_word(verdict), oom_word(reason), text, evidence_line, oom_word(profile),
	oom_word(profile_how), oom_word(unit), totalpages_lo, totalpages_hi, oom_word(totalpages_how), NULL, NULL, NULL, eligible,
	winner, runner_up, actual, margin, drift_bound
FROM verdict_2;
INSERT INTO event
SELECT event_id, host_id, oom_unhex(fingerprint), oom_word(origin), oom_word(path), first_line,
	last_line - coalesce(first_line, 0), oom_word(boot_id), oom_word(kernel), oom_word(kernel_from), boot_us, wall_us,
	stamp, oom_word(trigger_comm), trigger_pid, trigger_uid, trigger_adj, "order", gfp_mask, oom_word(gfp_raw),
	oom_word(gfp_flags), oom_word(tainted), oom_word(scope), oom_word("constraint"), oom_word(nodemask),
	oom_word(cpuset), oom_word(mems_allowed), oom_word(oom_memcg), oom_word(task_memcg), global_oom, memcg_version,
	memcg_usage_kb, memcg_limit_kb, memcg_failcnt, memsw_usage_kb, memsw_limit_kb, memcg_swap_usage_kb,
	memcg_swap_limit_kb, kmem_usage_kb, kmem_limit_kb, protect_min_kb, protect_low_kb, page_size,
	oom_word(page_size_from), ram_pages, reserved_pages, cma_reserved_pages, highmem_pages, hwpoisoned_pages,
	swap_total_kb, swap_free_kb, boot_swap_total_kb, boot_swap_line, total_pages, chosen_pid, chosen_uid,
	oom_word(chosen_comm), chosen_score, allocating_task, oom_group, oom_word(oom_group_path), sysrq,
	oom_word(outcome), outcome_text, oom_word(feeds), oom_word(ballot), ballot_lost, has_invoked, has_table,
	table_complete, has_mem_info, suppressed, damaged_lines, at_invoked - coalesce(first_line, 0),
	at_cpuset - coalesce(first_line, 0), at_header - coalesce(first_line, 0), at_memcg - coalesce(first_line, 0),
	at_limit - coalesce(first_line, 0), at_meminfo - coalesce(first_line, 0), at_swap - coalesce(first_line, 0),
	at_ram - coalesce(first_line, 0), at_table - coalesce(first_line, 0), at_summary - coalesce(first_line, 0),
	at_score - coalesce(first_line, 0), at_kill - coalesce(first_line, 0), at_outcome - coalesce(first_line, 0),
	coalesce(at_table + 1, 0) - coalesce(first_line, 0)
FROM event_2;
INSERT INTO task_recorded
SELECT k, oom_word(cgroup), kernel_points, kernel_flags
FROM task_recorded_2;
INSERT INTO victim
SELECT k, pid, uid, oom_word(role), total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, pgtables_kb,
	oom_score_adj, killed_us, oom_word(reap), reap_us, reap_anon_rss_kb, reap_file_rss_kb, reap_shmem_rss_kb, line,
	reap_line, oom_word(comm)
FROM victim_2;
INSERT INTO prior
SELECT k, pid, killed_us, oom_word(reap), line, oom_word(comm)
FROM prior_2;
INSERT INTO life
SELECT k, pid, tgid, uid, oom_word(class), start_us, selected_us, killed_us, marked_us, queued_us, woken_us,
	reap_start_us, reap_end_us, reap_skips, exit_begin_us, exit_end_us, freed_us, oom_word(freed_by), aborted_rounds,
	next_selected_us, oom_word(comm), oom_word(cgroup)
FROM life_2;
INSERT INTO flight
SELECT k, pid, uid, oom_score_adj, sampled_us, start_us, points, rss_pages, swap_pages, pgtables_bytes,
	growth_pages, growth_us, oom_word(comm), oom_word(cgroup), oom_word(cmdline)
FROM flight_2;
INSERT INTO note
SELECT k, line, oom_word(kind), text
FROM note_2;
INSERT INTO who (comm, uid, oom_score_adj)
SELECT DISTINCT comm, uid, oom_score_adj FROM task_2;
-- Points of before are said in full: what one step of oom_score_adj was worth is not known here.
INSERT INTO task
SELECT k, pid, (SELECT w.who_id FROM who AS w WHERE w.comm IS t.comm AND w.uid IS t.uid AND w.oom_score_adj IS t.oom_score_adj),
	total_vm_pages, rss_pages, swap_pages, NULL, rank + (why_not << 21) + ((why_not = 0 AND points IS NULL) << 26),
	rss_anon_pages, rss_shmem_pages
FROM task_2 AS t;
INSERT INTO task_rare
SELECT k, tgid_off, line_off, pgtables_bytes, nr_ptes, nr_pmds, rss_file_pages, cpu, oom_adj, points, points_lo, points_hi
FROM task_2;
DROP TABLE verdict_2;
DROP TABLE event_2;
DROP TABLE task_2;
DROP TABLE task_recorded_2;
DROP TABLE victim_2;
DROP TABLE prior_2;
DROP TABLE life_2;
DROP TABLE flight_2;
DROP TABLE note_2;

CREATE VIEW v_event AS
SELECT e.event_id, e.host_id, h.hostname, (SELECT text FROM word WHERE word_id = e.boot_id_w) AS boot_id,
	(SELECT text FROM word WHERE word_id = e.kernel_w) AS kernel, e.boot_us AS monotonic_us,
	strftime('%Y-%m-%dT%H:%M:%S', e.wall_us / 1000000, 'unixepoch') || printf('.%06dZ', e.wall_us % 1000000) AS realtime,
	e.stamp, e.wall_us, e.trigger_pid, (SELECT text FROM word WHERE word_id = e.trigger_comm_w) AS trigger_comm,
	e.trigger_uid, e.trigger_adj,
	coalesce((SELECT text FROM word WHERE word_id = e.gfp_raw_w), printf('0x%x', e.gfp_mask)) AS gfp_mask,
	(SELECT text FROM word WHERE word_id = e.gfp_flags_w) AS gfp_flags, e."order" AS alloc_order,
	(SELECT text FROM word WHERE word_id = e.scope_w) AS scope,
	(SELECT text FROM word WHERE word_id = e.constraint_w) AS constraint_name,
	(SELECT text FROM word WHERE word_id = e.oom_memcg_w) AS oom_memcg,
	(SELECT text FROM word WHERE word_id = e.task_memcg_w) AS task_memcg, e.memcg_usage_kb, e.memcg_limit_kb,
	e.swap_total_kb, e.swap_free_kb, e.ram_pages,
	CASE WHEN d.totalpages_lo = d.totalpages_hi THEN d.totalpages_lo ELSE e.total_pages END AS totalpages,
	e.page_size, (SELECT text FROM word WHERE word_id = e.outcome_w) AS outcome,
	(SELECT text FROM word WHERE word_id = d.verdict_w) AS verdict,
	(SELECT text FROM word WHERE word_id = d.reason_w) AS reason, d.text AS verdict_text,
	(SELECT text FROM word WHERE word_id = d.profile_w) AS profile,
	(SELECT text FROM word WHERE word_id = d.engine_w) AS engine, v.pid AS victim_pid,
	(SELECT text FROM word WHERE word_id = v.comm_w) AS victim_comm, v.uid AS victim_uid,
	CASE (SELECT text FROM word WHERE word_id = d.unit_w) WHEN 'pages' THEN d.margin END AS margin_pages,
	e.table_complete, (SELECT text FROM word WHERE word_id = e.path_w) AS path, e.first_line,
	coalesce(e.first_line, 0) + e.last_line_off AS last_line, lower(hex(e.fingerprint)) AS fingerprint,
	(SELECT text FROM word WHERE word_id = e.origin_w) AS origin,
	(SELECT text FROM word WHERE word_id = e.feeds_w) AS feeds,
	(SELECT text FROM word WHERE word_id = e.ballot_w) AS ballot, e.ballot_lost,
	(SELECT text FROM word WHERE word_id = l.class_w) AS class, lower(hex(substr(e.fingerprint, 1, 6))) AS event,
	(SELECT text FROM word WHERE word_id = g.unit_w) AS unit,
	(SELECT text FROM word WHERE word_id = g.slice_w) AS slice, g.user_id,
	(SELECT text FROM word WHERE word_id = g.pod_uid_w) AS pod_uid,
	(SELECT text FROM word WHERE word_id = g.container_id_w) AS container_id,
	(SELECT text FROM word WHERE word_id = g.runtime_w) AS runtime,
	(SELECT text FROM word WHERE word_id = g.qos_w) AS qos, g.candidates, g.eligible, g.largest_pid,
	(SELECT text FROM word WHERE word_id = g.largest_comm_w) AS largest_comm, g.largest_pages, g.unadjusted_pid,
	(SELECT text FROM word WHERE word_id = g.unadjusted_comm_w) AS unadjusted_comm, g.adj_decided,
	g.unkillable_tasks, g.unkillable_pages, g.free_kb, g.grower_pid,
	(SELECT text FROM word WHERE word_id = g.grower_comm_w) AS grower_comm, g.growth_kb, g.growth_us,
	(SELECT text FROM word WHERE word_id = g.cause_w) AS cause, g.weight
FROM event AS e
JOIN host AS h ON h.host_id = e.host_id
LEFT JOIN verdict AS d ON d.event_id = e.event_id
LEFT JOIN digest AS g ON g.event_id = e.event_id
LEFT JOIN victim AS v ON v.k = e.event_id << 20
LEFT JOIN life AS l ON l.k = e.event_id << 20;

-- CROSS JOIN keeps SQLite from looking for the tasks of a name in any other order than that of the tasks.
CREATE VIEW v_candidate AS
SELECT event_id, pid, tgid, uid, comm, total_vm, rss, swapents, pgtables_bytes, oom_score_adj, points, rank,
	code = 0 AS eligible, (SELECT n.name FROM why_not AS n WHERE n.code = x.code) AS why_not,
	coalesce(points_lo, points + min(adj_lo, adj_hi) - adj, points) AS points_min,
	coalesce(points_hi, points + max(adj_lo, adj_hi) - adj, points) AS points_max,
	rss_anon, rss_file, rss_shmem, nr_ptes, nr_pmds, cpu, oom_adj, cgroup, kernel_points, line, kernel_flags
FROM (
	SELECT e.event_id, t.pid, CASE WHEN r.k IS NULL THEN t.pid ELSE t.pid + r.tgid_off END AS tgid, w.uid, w.comm,
		t.total_vm_pages AS total_vm, t.rss_pages AS rss, t.swap_pages AS swapents,
		CASE WHEN t.pgtables >= 0 THEN t.pgtables * 4096 ELSE r.pgtables_bytes END AS pgtables_bytes,
		w.oom_score_adj,
		CASE WHEN r.k IS NOT NULL THEN r.points
			WHEN t.place < 2097152 THEN coalesce(t.rss_pages, 0) + coalesce(t.swap_pages, 0)
				+ max(coalesce(t.pgtables, 0), -1 - coalesce(t.pgtables, 0))
				+ coalesce(w.oom_score_adj * d.adj_pages, 0)
		END AS points,
		CASE WHEN r.k IS NULL THEN w.oom_score_adj * d.adj_pages END AS adj,
		w.oom_score_adj * d.adj_pages_lo AS adj_lo, w.oom_score_adj * d.adj_pages_hi AS adj_hi,
		nullif(t.place & 2097151, 0) AS rank, t.place >> 21 & 31 AS code, r.points_lo, r.points_hi,
		t.rss_anon_pages AS rss_anon,
		CASE WHEN r.k IS NULL THEN t.rss_pages - t.rss_anon_pages - t.rss_shmem_pages ELSE r.rss_file_pages
		END AS rss_file,
		t.rss_shmem_pages AS rss_shmem, CASE WHEN t.pgtables < 0 THEN -1 - t.pgtables ELSE r.nr_ptes END AS nr_ptes,
		r.nr_pmds, r.cpu, r.oom_adj, (SELECT text FROM word WHERE word_id = c.cgroup_w) AS cgroup, c.kernel_points,
		CASE WHEN r.k IS NULL THEN coalesce(e.first_line, 0) + e.rows_off + (t.k & 1048575)
			ELSE coalesce(coalesce(e.first_line, 0) + e.rows_off + (t.k & 1048575), 0) + r.line_off END AS line,
		c.kernel_flags
	FROM event AS e
	LEFT JOIN verdict AS d ON d.event_id = e.event_id
	CROSS JOIN task AS t ON t.k >= e.event_id << 20 AND t.k < (e.event_id + 1) << 20
	CROSS JOIN who AS w ON w.who_id = t.who_id
	LEFT JOIN task_rare AS r ON r.k = t.k
	LEFT JOIN task_recorded AS c ON c.k = t.k
) AS x;

-- memory_free_us: when the one that freed its memory was done.
CREATE VIEW v_life AS
SELECT event_id, pid, tgid, uid, comm, class, cgroup, freed_by,
	marked_us - selected_us AS mark_latency_us, reap_start_us - marked_us AS reap_latency_us,
	memory_free_us - marked_us AS free_latency_us,
	start_us, selected_us, killed_us, marked_us, queued_us, woken_us, reap_start_us, reap_end_us, reap_skips,
	exit_begin_us, exit_end_us, freed_us, aborted_rounds, next_selected_us
FROM (
	SELECT x.*, CASE x.freed_by WHEN 'reaper' THEN x.reap_end_us WHEN 'exit_mmap' THEN x.exit_end_us END AS memory_free_us
	FROM (
		SELECT e.event_id, l.*, (SELECT text FROM word WHERE word_id = l.comm_w) AS comm,
			(SELECT text FROM word WHERE word_id = l.class_w) AS class,
			(SELECT text FROM word WHERE word_id = l.cgroup_w) AS cgroup,
			(SELECT text FROM word WHERE word_id = l.freed_by_w) AS freed_by
		FROM event AS e
		JOIN life AS l ON l.k >= e.event_id << 20 AND l.k < (e.event_id + 1) << 20
	) AS x
);

CREATE VIEW v_victim AS
SELECT event_id, pid, comm, uid, role,
	total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, pgtables_kb, oom_score_adj,
	reap_outcome, reap_latency_us, anon_rss_kb_after, killed_us, line, reap_line,
	class, freed_by, mark_latency_us,
	CASE freed_by WHEN 'reaper' THEN reap_end_us WHEN 'exit_mmap' THEN exit_end_us END - marked_us AS free_latency_us
FROM (
	SELECT e.event_id, v.pid, (SELECT text FROM word WHERE word_id = v.comm_w) AS comm, v.uid,
		(SELECT text FROM word WHERE word_id = v.role_w) AS role,
		v.total_vm_kb, v.anon_rss_kb, v.file_rss_kb, v.shmem_rss_kb, v.pgtables_kb, v.oom_score_adj,
		(SELECT text FROM word WHERE word_id = v.reap_w) AS reap_outcome, v.reap_us - v.killed_us AS reap_latency_us,
		v.reap_anon_rss_kb AS anon_rss_kb_after, v.killed_us, v.line, v.reap_line,
		(SELECT text FROM word WHERE word_id = l.class_w) AS class,
		(SELECT text FROM word WHERE word_id = l.freed_by_w) AS freed_by,
		l.marked_us - l.selected_us AS mark_latency_us, l.reap_end_us, l.exit_end_us, l.marked_us
	FROM event AS e
	JOIN victim AS v ON v.k >= e.event_id << 20 AND v.k < (e.event_id + 1) << 20
	LEFT JOIN life AS l ON l.k = (
		SELECT min(x.k) FROM life AS x
		WHERE x.k >= e.event_id << 20 AND x.k < (e.event_id + 1) << 20 AND (x.tgid = v.pid OR x.pid = v.pid)
	)
);

CREATE VIEW v_flight AS
SELECT e.event_id, f.pid, f.uid, (SELECT text FROM word WHERE word_id = f.comm_w) AS comm, f.oom_score_adj,
	f.points AS points_pages, f.rss_pages, f.swap_pages, f.pgtables_bytes, f.growth_pages, f.growth_us,
	f.sampled_us, f.start_us, (SELECT text FROM word WHERE word_id = f.cgroup_w) AS cgroup,
	(SELECT text FROM word WHERE word_id = f.cmdline_w) AS cmdline
FROM event AS e
JOIN flight AS f ON f.k >= e.event_id << 20 AND f.k < (e.event_id + 1) << 20;

CREATE VIEW v_note AS
SELECT e.event_id, n.line, (SELECT text FROM word WHERE word_id = n.kind_w) AS kind, n.text
FROM event AS e
JOIN note AS n ON n.k >= e.event_id << 20 AND n.k < (e.event_id + 1) << 20;

CREATE VIEW v_recorder AS
SELECT r.host_id, h.hostname, r.boot_id,
	strftime('%Y-%m-%dT%H:%M:%S', r.seen_us / 1000000, 'unixepoch') || printf('.%06dZ', r.seen_us % 1000000) AS seen,
	r.oom_kill, r.kills, r.facts_lost, r.log_lost AS log_records_lost,
	coalesce(c.logged, 0) AS logged, coalesce(c.rate_limited, 0) AS rate_limited,
	coalesce(c.already_exiting, 0) AS already_exiting, coalesce(c.group_member, 0) AS group_member,
	coalesce(c.log_lost, 0) AS log_lost, r.next_line, r.seen_us
FROM recorder AS r
JOIN host AS h ON h.host_id = r.host_id
LEFT JOIN (
	SELECT x.host_id, b.text AS boot_id, sum(x.class = 'logged') AS logged, sum(x.class = 'rate_limited') AS rate_limited,
		sum(x.class = 'already_exiting') AS already_exiting, sum(x.class = 'group_member') AS group_member,
		sum(x.class = 'log_lost') AS log_lost
	FROM (
		SELECT e.host_id, e.boot_id_w, (SELECT text FROM word WHERE word_id = l.class_w) AS class
		FROM life AS l
		JOIN event AS e ON e.event_id = l.k >> 20
	) AS x
	LEFT JOIN word AS b ON b.word_id = x.boot_id_w
	GROUP BY x.host_id, x.boot_id_w
) AS c ON c.host_id = r.host_id AND c.boot_id = r.boot_id;

-- @postgresql 1

-- Stores of many machines in one PostgreSQL database, or in several behind one that shards by host_id (docs/FLEET.md).  A store
-- never runs these sections; a database runs all that it lacks in one transaction and keeps their numbers in oomlens_schema.
-- The tables hold what the views of the stores show, so the rules that make them stand above alone, and the views give
-- the same columns here.  Ids are hashes: host_id of the machine's id, or its name, event_id of the fingerprint.
-- Text is valid UTF-8 without NUL; bytes that are not became U+FFFD, and are in evidence.raw as they were.  It sorts by bytes,
-- as it does in a store.  Every key has host_id in it, and there are no foreign keys: see docs/FLEET.md for deleting.

CREATE TABLE oomlens_schema (version integer PRIMARY KEY);

-- Each name that a machine had.
CREATE TABLE host (
	host_id bigint NOT NULL, name_id bigint NOT NULL, hostname text COLLATE "C",
	machine_id text COLLATE "C", PRIMARY KEY (host_id, name_id)
);

CREATE TABLE event (
	event_id bigint NOT NULL, host_id bigint NOT NULL, hostname text COLLATE "C", boot_id text COLLATE "C",
	kernel text COLLATE "C", monotonic_us bigint, realtime text COLLATE "C", stamp text COLLATE "C",
	wall_us bigint, trigger_pid bigint, trigger_comm text COLLATE "C", trigger_uid bigint,
	trigger_adj bigint, gfp_mask text COLLATE "C", gfp_flags text COLLATE "C", alloc_order bigint,
	scope text COLLATE "C", constraint_name text COLLATE "C", oom_memcg text COLLATE "C",
	task_memcg text COLLATE "C", memcg_usage_kb bigint, memcg_limit_kb bigint, swap_total_kb bigint,
	swap_free_kb bigint, ram_pages bigint, totalpages bigint, page_size bigint, outcome text COLLATE "C",
	verdict text COLLATE "C", reason text COLLATE "C", verdict_text text COLLATE "C",
	profile text COLLATE "C", engine text COLLATE "C", victim_pid bigint, victim_comm text COLLATE "C",
	victim_uid bigint, margin_pages bigint, table_complete bigint, path text COLLATE "C",
	first_line bigint, last_line bigint, fingerprint text COLLATE "C", origin text COLLATE "C",
	feeds text COLLATE "C", ballot text COLLATE "C", ballot_lost bigint, class text COLLATE "C",
	event text COLLATE "C", unit text COLLATE "C", slice text COLLATE "C", user_id bigint,
	pod_uid text COLLATE "C", container_id text COLLATE "C", runtime text COLLATE "C",
	qos text COLLATE "C", candidates bigint, eligible bigint, largest_pid bigint,
	largest_comm text COLLATE "C", largest_pages bigint, unadjusted_pid bigint,
	unadjusted_comm text COLLATE "C", adj_decided bigint, unkillable_tasks bigint, unkillable_pages bigint,
	free_kb bigint, grower_pid bigint, grower_comm text COLLATE "C", growth_kb bigint, growth_us bigint,
	cause text COLLATE "C", weight bigint, PRIMARY KEY (event_id, host_id)
);

CREATE INDEX event_time ON event (wall_us);
CREATE INDEX event_name ON event (event);

-- Parts of an event; seq is the place among its rows.
CREATE TABLE candidate (
	host_id bigint NOT NULL, event_id bigint NOT NULL, seq bigint NOT NULL, pid bigint, tgid bigint,
	uid bigint, comm text COLLATE "C", total_vm bigint, rss bigint, swapents bigint, pgtables_bytes bigint,
	oom_score_adj bigint, points bigint, rank bigint, eligible bigint, why_not text COLLATE "C",
	points_min bigint, points_max bigint, rss_anon bigint, rss_file bigint, rss_shmem bigint,
	nr_ptes bigint, nr_pmds bigint, cpu bigint, oom_adj bigint, cgroup text COLLATE "C",
	kernel_points bigint, line bigint, kernel_flags bigint, PRIMARY KEY (event_id, seq, host_id)
);

CREATE TABLE victim (
	host_id bigint NOT NULL, event_id bigint NOT NULL, seq bigint NOT NULL, pid bigint,
	comm text COLLATE "C", uid bigint, role text COLLATE "C", total_vm_kb bigint, anon_rss_kb bigint,
	file_rss_kb bigint, shmem_rss_kb bigint, pgtables_kb bigint, oom_score_adj bigint,
	reap_outcome text COLLATE "C", reap_latency_us bigint, anon_rss_kb_after bigint, killed_us bigint,
	line bigint, reap_line bigint, class text COLLATE "C", freed_by text COLLATE "C",
	mark_latency_us bigint, free_latency_us bigint, PRIMARY KEY (event_id, seq, host_id)
);

CREATE TABLE life (
	host_id bigint NOT NULL, event_id bigint NOT NULL, seq bigint NOT NULL, pid bigint, tgid bigint,
	uid bigint, comm text COLLATE "C", class text COLLATE "C", cgroup text COLLATE "C",
	freed_by text COLLATE "C", mark_latency_us bigint, reap_latency_us bigint, free_latency_us bigint,
	start_us bigint, selected_us bigint, killed_us bigint, marked_us bigint, queued_us bigint,
	woken_us bigint, reap_start_us bigint, reap_end_us bigint, reap_skips bigint, exit_begin_us bigint,
	exit_end_us bigint, freed_us bigint, aborted_rounds bigint, next_selected_us bigint,
	PRIMARY KEY (event_id, seq, host_id)
);

CREATE TABLE flight (
	host_id bigint NOT NULL, event_id bigint NOT NULL, seq bigint NOT NULL, pid bigint, uid bigint,
	comm text COLLATE "C", oom_score_adj bigint, points_pages bigint, rss_pages bigint, swap_pages bigint,
	pgtables_bytes bigint, growth_pages bigint, growth_us bigint, sampled_us bigint, start_us bigint,
	cgroup text COLLATE "C", cmdline text COLLATE "C", PRIMARY KEY (event_id, seq, host_id)
);

CREATE TABLE note (
	host_id bigint NOT NULL, event_id bigint NOT NULL, seq bigint NOT NULL, line bigint,
	kind text COLLATE "C", text text COLLATE "C", PRIMARY KEY (event_id, seq, host_id)
);

-- raw: as in a store.  memory: [[area, node, zone, name, value_kb, value, unit, text], ...], which v_memory shows as rows.
CREATE TABLE evidence (
	host_id bigint NOT NULL, event_id bigint NOT NULL, raw bytea, memory json, PRIMARY KEY (event_id, host_id)
);

-- Equal rows are one: trace_id is a hash of all of it.
CREATE TABLE trace (
	host_id bigint NOT NULL, trace_id bigint NOT NULL, boot_id text COLLATE "C", monotonic_us bigint,
	name text COLLATE "C", pid bigint, comm text COLLATE "C", detail text COLLATE "C",
	feed text COLLATE "C", seen_us bigint, PRIMARY KEY (trace_id, host_id)
);

CREATE TABLE recorder (
	host_id bigint NOT NULL, boot_id text COLLATE "C" NOT NULL, hostname text COLLATE "C",
	seen text COLLATE "C", oom_kill bigint, kills bigint, facts_lost bigint, log_records_lost bigint,
	next_line bigint, seen_us bigint, PRIMARY KEY (host_id, boot_id)
);

CREATE VIEW v_host AS
SELECT host_id, min(hostname) AS hostname, min(machine_id) AS machine_id FROM host GROUP BY host_id;

CREATE VIEW v_event AS
SELECT * FROM event;

CREATE VIEW v_candidate AS
SELECT event_id, pid, tgid, uid, comm, total_vm, rss, swapents, pgtables_bytes, oom_score_adj, points, rank,
	eligible, why_not, points_min, points_max, rss_anon, rss_file, rss_shmem, nr_ptes, nr_pmds, cpu,
	oom_adj, cgroup, kernel_points, line, kernel_flags
FROM candidate;

CREATE VIEW v_victim AS
SELECT event_id, pid, comm, uid, role, total_vm_kb, anon_rss_kb, file_rss_kb, shmem_rss_kb, pgtables_kb,
	oom_score_adj, reap_outcome, reap_latency_us, anon_rss_kb_after, killed_us, line, reap_line, class,
	freed_by, mark_latency_us, free_latency_us
FROM victim;

CREATE VIEW v_life AS
SELECT event_id, pid, tgid, uid, comm, class, cgroup, freed_by, mark_latency_us, reap_latency_us,
	free_latency_us, start_us, selected_us, killed_us, marked_us, queued_us, woken_us, reap_start_us,
	reap_end_us, reap_skips, exit_begin_us, exit_end_us, freed_us, aborted_rounds, next_selected_us
FROM life;

CREATE VIEW v_flight AS
SELECT event_id, pid, uid, comm, oom_score_adj, points_pages, rss_pages, swap_pages, pgtables_bytes,
	growth_pages, growth_us, sampled_us, start_us, cgroup, cmdline
FROM flight;

CREATE VIEW v_note AS
SELECT event_id, line, kind, text FROM note;

CREATE VIEW v_trace AS
SELECT host_id, boot_id, monotonic_us, name, pid, comm, detail, feed FROM trace;

CREATE VIEW v_memory AS
SELECT v.event_id, (m.fact ->> 1)::bigint AS node, (m.fact ->> 2) COLLATE "C" AS zone, (m.fact ->> 3) COLLATE "C" AS name,
	(m.fact ->> 4)::bigint AS value_kb, (m.fact ->> 0) COLLATE "C" AS area, (m.fact ->> 5)::bigint AS value,
	(m.fact ->> 6) COLLATE "C" AS unit, (m.fact ->> 7) COLLATE "C" AS text
FROM evidence AS v
CROSS JOIN LATERAL json_array_elements(v.memory) AS m (fact);

CREATE VIEW v_recorder AS
SELECT r.host_id, r.hostname, r.boot_id, r.seen, r.oom_kill, r.kills, r.facts_lost, r.log_records_lost,
	coalesce(c.logged, 0) AS logged, coalesce(c.rate_limited, 0) AS rate_limited,
	coalesce(c.already_exiting, 0) AS already_exiting, coalesce(c.group_member, 0) AS group_member,
	coalesce(c.log_lost, 0) AS log_lost, r.next_line, r.seen_us
FROM recorder AS r
LEFT JOIN (
	SELECT e.host_id, e.boot_id, count(*) FILTER (WHERE l.class = 'logged') AS logged,
		count(*) FILTER (WHERE l.class = 'rate_limited') AS rate_limited,
		count(*) FILTER (WHERE l.class = 'already_exiting') AS already_exiting,
		count(*) FILTER (WHERE l.class = 'group_member') AS group_member,
		count(*) FILTER (WHERE l.class = 'log_lost') AS log_lost
	FROM life AS l
	JOIN event AS e ON e.host_id = l.host_id AND e.event_id = l.event_id
	GROUP BY e.host_id, e.boot_id
) AS c ON c.host_id = r.host_id AND c.boot_id = r.boot_id;
