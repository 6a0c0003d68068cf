-- SPDX-License-Identifier: GPL-2.0-or-later
-- What the store s says of the scenarios, held against what they know of themselves (truth, actor; see judge.sh).
-- One row per scenario: scenario, kernel, victim, stored, verdict, ballot, class, memory, complaints.

CREATE TEMP VIEW scene AS
SELECT scenario, max(value) FILTER (WHERE key = 'kernel') AS kernel,
	max(value + 0) FILTER (WHERE key = 'began_us') AS began_us, max(value + 0) FILTER (WHERE key = 'ended_us') AS ended_us,
	max(value + 0) FILTER (WHERE key = 'log_began_us') AS log_began_us,
	max(value + 0) FILTER (WHERE key = 'oom_kills') AS oom_kills, max(value + 0) FILTER (WHERE key = 'victim_pid') AS pid,
	max(value) FILTER (WHERE key = 'victim_comm') AS comm, max(value) FILTER (WHERE key = 'outcome') AS outcome
FROM truth GROUP BY scenario;

-- What a scenario is about, where it is more than "somebody is killed, and the log says so": classes that must be there
-- and that may be there, and what must become of the memory of one of the victims.
CREATE TEMP TABLE expect (scenario TEXT, must TEXT, may TEXT, memory TEXT);
INSERT INTO expect VALUES
	('group-kill', 'group_member', '', ''),
	('shared-mm', '', 'already_exiting', ''),
	('vfork', '', 'already_exiting', ''),
	('stuck', '', '', 'reaper, reaped'),
	('will-free', 'already_exiting', '', 'reaper'),
	('unable-to-reap', '', '', 'exit_mmap, unable, another chosen before'),
	('pinned', '', '', '%, pinned'),
	('storm', 'rate_limited', '', ''),
	('deluge', '', 'rate_limited', '');

-- The log's clock and CLOCK_MONOTONIC run apart; an event that the feeds know has the latter.
CREATE TEMP TABLE happened AS
SELECT e.event_id, c.scenario
FROM s.v_event AS e
JOIN scene AS c ON coalesce(
	(SELECT min(coalesce(l.selected_us, l.marked_us)) FROM s.v_life AS l WHERE l.event_id = e.event_id)
		BETWEEN c.began_us AND c.ended_us,
	e.monotonic_us BETWEEN c.log_began_us AND c.log_began_us + c.ended_us - c.began_us);

-- Whoever is stored as a victim, by the log, by the feeds or by both; memory: who freed it, what the log says of the
-- reaper, and whether the kernel chose another victim before that.
CREATE TEMP TABLE stored AS
SELECT h.scenario, h.event_id, coalesce(v.pid, l.tgid) AS pid, coalesce(v.comm, l.comm) AS comm, v.role, l.tgid,
	l.pid AS thread, l.class, l.aborted_rounds, l.freed_by || coalesce(', ' || nullif(v.reap_outcome, 'unseen'), '')
		|| CASE WHEN l.next_selected_us IS NULL THEN '' ELSE ', another chosen before' END AS memory
FROM happened AS h
JOIN s.v_victim AS v ON v.event_id = h.event_id
LEFT JOIN s.v_life AS l ON l.event_id = v.event_id AND v.pid IN (l.pid, l.tgid)
UNION ALL
SELECT h.scenario, h.event_id, l.tgid, l.comm, NULL, l.tgid, l.pid, l.class, l.aborted_rounds, l.freed_by
FROM happened AS h
JOIN s.v_life AS l ON l.event_id = h.event_id
WHERE NOT EXISTS (SELECT 1 FROM s.v_victim AS v WHERE v.event_id = l.event_id AND v.pid IN (l.pid, l.tgid));

-- The formula once more, in SQL, beside the points that the kernel itself gave.
CREATE TEMP TABLE points AS
SELECT h.scenario, h.event_id, e.ballot, d.drift_bound, c.kernel_points,
	c.rss + coalesce(c.swapents, 0) + c.pgtables_bytes / e.page_size + c.oom_score_adj * (e.totalpages / 1000) AS points
FROM happened AS h
JOIN s.v_event AS e ON e.event_id = h.event_id
JOIN s.v_candidate AS c ON c.event_id = h.event_id
LEFT JOIN s.verdict AS d ON d.event_id = h.event_id
WHERE c.kernel_points IS NOT NULL;

CREATE TEMP TABLE complaint (scenario TEXT, text TEXT);
INSERT INTO complaint
SELECT scenario, 'pid ' || value || ' became a victim and is not stored' FROM truth AS t
WHERE key = 'marked' AND NOT EXISTS
	(SELECT 1 FROM stored AS s WHERE s.scenario = t.scenario AND t.value + 0 IN (s.pid, s.tgid, s.thread));
INSERT INTO complaint
SELECT scenario, 'pid ' || pid || ' really died and is not stored' FROM scene AS c
WHERE pid IS NOT NULL AND outcome IS NOT 'will_free' AND NOT EXISTS
	(SELECT 1 FROM stored AS s WHERE s.scenario = c.scenario AND c.pid IN (s.pid, s.tgid, s.thread));
INSERT INTO complaint
SELECT scenario, 'pid ' || pid || ' (' || comm || ') is stored and was no victim' FROM stored AS s
WHERE EXISTS (SELECT 1 FROM truth AS t WHERE t.scenario = s.scenario AND t.key = 'marked')
	AND NOT EXISTS (SELECT 1 FROM truth AS t WHERE t.scenario = s.scenario AND t.key = 'marked'
		AND t.value + 0 IN (s.pid, s.tgid, s.thread))
	AND NOT EXISTS (SELECT 1 FROM actor AS a WHERE a.scenario = s.scenario AND a.died AND s.pid IN (a.pid, a.tgid));
INSERT INTO complaint
SELECT scenario, 'pid ' || pid || ' is stored ' || count(*) || ' times' FROM stored
GROUP BY scenario, pid HAVING count(*) > 1;
-- Of a group, too, the kernel marks the chosen one first.
INSERT INTO complaint
SELECT h.scenario, 'event ' || e.event_id || ' should name pid ' || t.value FROM happened AS h
JOIN s.v_event AS e ON e.event_id = h.event_id
JOIN (SELECT scenario, value, min(rowid) FROM truth WHERE key = 'marked' GROUP BY 1) AS t ON t.scenario = h.scenario
WHERE (SELECT count(*) FROM happened AS x WHERE x.scenario = h.scenario) = 1 AND t.value + 0 NOT IN (
	SELECT s.pid FROM stored AS s WHERE s.event_id = e.event_id AND e.victim_pid IN (s.pid, s.tgid, s.thread)
	UNION SELECT s.thread FROM stored AS s WHERE s.event_id = e.event_id AND e.victim_pid IN (s.pid, s.tgid, s.thread));
-- The kernel counts the chosen one of a group kill twice.
INSERT INTO complaint
SELECT c.scenario, c.oom_kills || ' kills counted, ' || k.n || ' stored' FROM scene AS c
JOIN (SELECT c.scenario, (SELECT count(*) FROM stored AS s WHERE s.scenario = c.scenario
		AND s.role IS NOT 'shared_mm' AND s.class IS NOT 'already_exiting')
	+ (SELECT count(DISTINCT event_id) FROM stored AS s WHERE s.scenario = c.scenario AND s.role = 'group') AS n
	FROM scene AS c) AS k ON k.scenario = c.scenario
WHERE c.oom_kills <> k.n;
INSERT INTO complaint
SELECT c.scenario, 'nothing is stored' FROM scene AS c
WHERE NOT EXISTS (SELECT 1 FROM happened AS h WHERE h.scenario = c.scenario);
INSERT INTO complaint
SELECT h.scenario, 'event ' || e.event_id || ': ' || e.verdict || ', ' || e.reason FROM happened AS h
JOIN s.v_event AS e ON e.event_id = h.event_id
WHERE e.verdict NOT IN ('exact', 'explained')
	AND NOT (e.verdict = 'insufficient' AND e.ballot = 'none' AND e.table_complete IS NOT 1);
INSERT INTO complaint
SELECT scenario, 'event ' || event_id || ': points are ' || max(abs(points - kernel_points)) || ' off' FROM points
WHERE abs(points - kernel_points) > coalesce(drift_bound, 0) GROUP BY scenario, event_id;
INSERT INTO complaint
SELECT x.scenario, 'nobody is ' || x.must FROM expect AS x JOIN scene AS c ON c.scenario = x.scenario
WHERE x.must <> '' AND NOT EXISTS (SELECT 1 FROM stored AS s WHERE s.scenario = x.scenario AND s.class = x.must);
INSERT INTO complaint
SELECT s.scenario, 'pid ' || s.pid || ' is ' || coalesce(s.class, 'of no class') FROM stored AS s
LEFT JOIN expect AS x ON x.scenario = s.scenario
WHERE s.class IS NOT 'logged' AND s.class IS NOT nullif(x.must, '') AND s.class IS NOT nullif(x.may, '');
INSERT INTO complaint
SELECT x.scenario, 'no memory: ' || x.memory FROM expect AS x JOIN scene AS c ON c.scenario = x.scenario
WHERE x.memory <> ''
	AND NOT EXISTS (SELECT 1 FROM stored AS s WHERE s.scenario = x.scenario AND s.memory LIKE x.memory || '%');
-- While nobody gets at its memory, each failing allocation waits for it.
INSERT INTO complaint
SELECT scenario, 'no round was given up for pid ' || pid FROM stored
WHERE scenario = 'unable-to-reap' AND memory LIKE '%unable%' AND NOT coalesce(aborted_rounds, 0) > 0;

CREATE TEMP VIEW counted AS
SELECT scenario, 'class' AS what, class AS word, count(*) AS n FROM stored WHERE class IS NOT NULL GROUP BY 1, 3
UNION ALL
SELECT scenario, 'memory', memory || CASE WHEN aborted > 0 THEN ' after ' || aborted || ' aborted rounds' ELSE '' END, n
FROM (SELECT scenario, memory, sum(aborted_rounds) AS aborted, count(*) AS n FROM stored
	WHERE memory IS NOT NULL GROUP BY 1, 2)
UNION ALL
SELECT h.scenario, 'verdict', e.verdict || ' ' || e.reason, count(*) FROM happened AS h
JOIN s.v_event AS e ON e.event_id = h.event_id GROUP BY 1, 3
UNION ALL
SELECT scenario, 'stored', comm || ' ' || pid || coalesce(' and ' || nullif(n - 1, 0), ''), 1
FROM (SELECT scenario, comm, pid, min(rowid), count(DISTINCT pid) AS n FROM stored GROUP BY 1)
UNION ALL
SELECT scenario, 'victim', coalesce((SELECT a.comm || ' ' FROM actor AS a WHERE a.scenario = t.scenario
	AND t.value + 0 IN (a.pid, a.tgid)), '') || value || coalesce(' and ' || nullif(n - 1, 0), ''), 1
FROM (SELECT scenario, value, min(rowid), count(*) AS n FROM truth WHERE key = 'marked' GROUP BY 1) AS t;

CREATE TEMP VIEW cell AS
SELECT scenario, what, group_concat(CASE n WHEN 1 THEN word ELSE n || ' ' || word END, '; ') AS text
FROM (SELECT * FROM counted ORDER BY n DESC, word) GROUP BY 1, 2;

SELECT c.scenario, c.kernel,
	coalesce((SELECT text FROM cell WHERE scenario = c.scenario AND what = 'victim'), c.comm || ' ' || c.pid, 'nobody'),
	coalesce((SELECT text FROM cell WHERE scenario = c.scenario AND what = 'stored'), 'nobody'),
	coalesce((SELECT text FROM cell WHERE scenario = c.scenario AND what = 'verdict'), '-'),
	coalesce((SELECT sum(points = kernel_points) || ' of ' || count(*)
		|| CASE WHEN max(abs(points - kernel_points)) > 0 THEN ', drift ' || max(abs(points - kernel_points)) ELSE '' END
		FROM points AS p WHERE p.scenario = c.scenario AND p.ballot = 'recorded' HAVING count(*) > 0), '-'),
	coalesce((SELECT text FROM cell WHERE scenario = c.scenario AND what = 'class'), '-'),
	coalesce((SELECT text FROM cell WHERE scenario = c.scenario AND what = 'memory'), '-'),
	coalesce((SELECT group_concat(text, '; ') FROM complaint AS x WHERE x.scenario = c.scenario), 'ok')
FROM scene AS c
WHERE c.outcome IS NOT 'panic'
ORDER BY coalesce(c.began_us, 0);
