-- SPDX-License-Identifier: GPL-2.0-or-later
-- how the events ended: kills, panics, nobody to kill
WITH e AS MATERIALIZED (
	SELECT outcome, scope, host_id, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
)
SELECT outcome, scope, count(*) AS events, count(DISTINCT host_id) AS hosts, min(realtime) AS first_seen,
	max(realtime) AS last_seen
FROM e
GROUP BY outcome, scope
ORDER BY events DESC, outcome NULLS LAST, scope NULLS LAST
LIMIT coalesce(:top, 50);
