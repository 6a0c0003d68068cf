-- SPDX-License-Identifier: GPL-2.0-or-later
-- what the kills were due to
-- No cause: the event does not tell.
WITH e AS MATERIALIZED (
	SELECT cause, scope, host_id, victim_pid, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
)
SELECT cause, scope, count(victim_pid) AS kills, count(*) AS events, count(DISTINCT host_id) AS hosts,
	max(realtime) AS last_seen
FROM e
GROUP BY cause, scope
ORDER BY events DESC, cause NULLS LAST, scope NULLS LAST
LIMIT coalesce(:top, 100);
