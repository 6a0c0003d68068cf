-- SPDX-License-Identifier: GPL-2.0-or-later
-- the same command of the same unit killed again and again on a host
-- seconds_between: on average.  Containers have no unit here: it would be another after each restart.
WITH e AS MATERIALIZED (
	SELECT hostname, CASE WHEN runtime IS NULL THEN unit END AS unit, runtime, victim_comm,
	wall_us, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND victim_pid IS NOT NULL
)
SELECT hostname AS host, unit, runtime, victim_comm AS command, count(*) AS kills,
	min(realtime) AS first_seen, max(realtime) AS last_seen,
	(max(wall_us) / 1000000 - min(wall_us) / 1000000) / nullif(count(wall_us) - 1, 0) AS seconds_between
FROM e
GROUP BY hostname, unit, runtime, victim_comm
HAVING count(*) > 1
ORDER BY kills DESC, seconds_between NULLS LAST, host NULLS LAST, unit NULLS LAST, runtime NULLS LAST,
	command NULLS LAST
LIMIT coalesce(:top, 50);
