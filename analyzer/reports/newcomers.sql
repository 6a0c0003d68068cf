-- SPDX-License-Identifier: GPL-2.0-or-later
-- commands by when they first died, newest first: what a release brought
-- --since and --until are about the first death.  Containers have no unit here: it would be new each time.
WITH e AS MATERIALIZED (
	SELECT victim_comm, CASE WHEN runtime IS NULL THEN unit END AS unit, runtime, host_id, wall_us,
	realtime
	FROM v_event
	WHERE (:host IS NULL OR hostname = :host) AND victim_pid IS NOT NULL AND wall_us IS NOT NULL
)
SELECT victim_comm AS command, unit, runtime, min(realtime) AS first_seen, max(realtime) AS last_seen,
	count(*) AS kills, count(DISTINCT host_id) AS hosts
FROM e
GROUP BY victim_comm, unit, runtime
HAVING (:since IS NULL OR min(wall_us) >= :since) AND (:until IS NULL OR min(wall_us) < :until)
ORDER BY first_seen DESC, command NULLS LAST, unit NULLS LAST, runtime NULLS LAST
LIMIT coalesce(:top, 50);
