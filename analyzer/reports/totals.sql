-- SPDX-License-Identifier: GPL-2.0-or-later
-- how much there is, and from when to when
WITH e AS MATERIALIZED (
	SELECT host_id, realtime, outcome, scope, verdict, kernel, victim_pid
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
), t AS MATERIALIZED (
	SELECT count(*) AS events, count(DISTINCT host_id) AS hosts, count(DISTINCT kernel) AS kernels,
		min(realtime) AS first_seen, max(realtime) AS last_seen, count(realtime) AS dated,
		count(victim_pid) AS kills,
		count(*) FILTER (WHERE outcome = 'panic') AS panics,
		count(*) FILTER (WHERE outcome = 'no_killable') AS nobody,
		count(*) FILTER (WHERE scope = 'global') AS global,
		count(*) FILTER (WHERE scope = 'memcg') AS memcg,
		count(*) FILTER (WHERE verdict = 'exact') AS exact,
		count(*) FILTER (WHERE verdict = 'explained') AS explained,
		count(*) FILTER (WHERE verdict = 'within_drift') AS within_drift,
		count(*) FILTER (WHERE verdict = 'unexplained') AS unexplained,
		count(*) FILTER (WHERE verdict = 'insufficient') AS insufficient
	FROM e
)
SELECT what, value
FROM (
	SELECT 1 AS place, 'events' AS what, CAST(events AS TEXT) AS value FROM t
	UNION ALL SELECT 2, 'hosts', CAST(hosts AS TEXT) FROM t
	UNION ALL SELECT 3, 'kernels', CAST(kernels AS TEXT) FROM t
	UNION ALL SELECT 4, 'first', first_seen FROM t
	UNION ALL SELECT 5, 'last', last_seen FROM t
	UNION ALL SELECT 6, 'without a time', CAST(events - dated AS TEXT) FROM t
	UNION ALL SELECT 7, 'that killed', CAST(kills AS TEXT) FROM t
	UNION ALL SELECT 8, 'panics', CAST(panics AS TEXT) FROM t
	UNION ALL SELECT 9, 'nobody to kill', CAST(nobody AS TEXT) FROM t
	UNION ALL SELECT 10, 'whole system', CAST(global AS TEXT) FROM t
	UNION ALL SELECT 11, 'limit of a memory cgroup', CAST(memcg AS TEXT) FROM t
	UNION ALL SELECT 12, 'verdict exact', CAST(exact AS TEXT) FROM t
	UNION ALL SELECT 13, 'verdict explained', CAST(explained AS TEXT) FROM t
	UNION ALL SELECT 14, 'verdict within_drift', CAST(within_drift AS TEXT) FROM t
	UNION ALL SELECT 15, 'verdict unexplained', CAST(unexplained AS TEXT) FROM t
	UNION ALL SELECT 16, 'verdict insufficient', CAST(insufficient AS TEXT) FROM t
) AS u
ORDER BY place
LIMIT coalesce(:top, 100);
