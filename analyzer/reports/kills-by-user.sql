-- SPDX-License-Identifier: GPL-2.0-or-later
-- the user sessions whose processes die
-- The user of a slice user-ID.slice; processes of services count as none's.
WITH e AS MATERIALIZED (
	SELECT user_id, host_id, victim_comm, scope, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND victim_pid IS NOT NULL AND user_id IS NOT NULL
)
SELECT user_id, count(*) AS kills, count(DISTINCT host_id) AS hosts,
	count(*) FILTER (WHERE scope = 'memcg') AS memcg, min(victim_comm) AS command,
	count(DISTINCT victim_comm) AS commands, max(realtime) AS last_seen
FROM e
GROUP BY user_id
ORDER BY kills DESC, user_id
LIMIT coalesce(:top, 50);
