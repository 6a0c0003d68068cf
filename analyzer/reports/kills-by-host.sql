-- SPDX-License-Identifier: GPL-2.0-or-later
-- the hosts that kill most
WITH e AS MATERIALIZED (
	SELECT hostname, scope, victim_pid, victim_comm, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
)
SELECT hostname AS host, count(victim_pid) AS kills, count(*) AS events,
	count(*) FILTER (WHERE scope = 'global') AS global,
	count(*) FILTER (WHERE scope = 'memcg') AS memcg,
	count(DISTINCT victim_comm) AS commands, min(realtime) AS first_seen, max(realtime) AS last_seen
FROM e
GROUP BY hostname
ORDER BY kills DESC, events DESC, host NULLS LAST
LIMIT coalesce(:top, 50);
