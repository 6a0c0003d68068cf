-- SPDX-License-Identifier: GPL-2.0-or-later
-- hours in which a host killed three times or more
WITH e AS MATERIALIZED (
	SELECT hostname, realtime, victim_comm, scope
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND victim_pid IS NOT NULL AND wall_us IS NOT NULL
)
SELECT hostname AS host, substr(realtime, 1, 13) AS hour, count(*) AS kills,
	count(DISTINCT victim_comm) AS commands, count(*) FILTER (WHERE scope = 'global') AS global,
	min(realtime) AS first_seen, max(realtime) AS last_seen
FROM e
GROUP BY hostname, substr(realtime, 1, 13)
HAVING count(*) >= 3
ORDER BY kills DESC, hour DESC, host NULLS LAST
LIMIT coalesce(:top, 50);
