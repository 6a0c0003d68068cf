-- SPDX-License-Identifier: GPL-2.0-or-later
-- how much there is, and from when to when
WITH e AS MATERIALIZED (
	SELECT event_id, host_id, realtime, outcome, scope, verdict, kernel, victim_pid
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
)
SELECT what, value
FROM (
	SELECT 1 AS place, 'events' AS what, CAST(count(*) AS TEXT) AS value FROM e
	UNION ALL SELECT 2, 'hosts', CAST(count(DISTINCT host_id) AS TEXT) FROM e
	UNION ALL SELECT 3, 'kernels', CAST(count(DISTINCT kernel) AS TEXT) FROM e
	UNION ALL SELECT 4, 'first', min(realtime) FROM e
	UNION ALL SELECT 5, 'last', max(realtime) FROM e
	UNION ALL SELECT 6, 'without a time', CAST(count(*) AS TEXT) FROM e WHERE realtime IS NULL
	UNION ALL SELECT 7, 'that killed', CAST(count(*) AS TEXT) FROM e WHERE victim_pid IS NOT NULL
	UNION ALL SELECT 8, 'panics', CAST(count(*) AS TEXT) FROM e WHERE outcome = 'panic'
	UNION ALL SELECT 9, 'nobody to kill', CAST(count(*) AS TEXT) FROM e WHERE outcome = 'no_killable'
	UNION ALL SELECT 10, 'whole system', CAST(count(*) AS TEXT) FROM e WHERE scope = 'global'
	UNION ALL SELECT 11, 'limit of a memory cgroup', CAST(count(*) AS TEXT) FROM e WHERE scope = 'memcg'
	UNION ALL SELECT 12, 'verdict exact', CAST(count(*) AS TEXT) FROM e WHERE verdict = 'exact'
	UNION ALL SELECT 13, 'verdict explained', CAST(count(*) AS TEXT) FROM e WHERE verdict = 'explained'
	UNION ALL SELECT 14, 'verdict within_drift',
		CAST(count(*) AS TEXT) FROM e WHERE verdict = 'within_drift'
	UNION ALL SELECT 15, 'verdict unexplained',
		CAST(count(*) AS TEXT) FROM e WHERE verdict = 'unexplained'
	UNION ALL SELECT 16, 'verdict insufficient',
		CAST(count(*) AS TEXT) FROM e WHERE verdict = 'insufficient'
) AS t
ORDER BY place
LIMIT coalesce(:top, 100);
