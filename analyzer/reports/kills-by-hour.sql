-- SPDX-License-Identifier: GPL-2.0-or-later
-- kills by the hour of the day (UTC): what comes with a timer
WITH e AS MATERIALIZED (
	SELECT realtime, host_id, victim_pid
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND wall_us IS NOT NULL
)
SELECT substr(realtime, 12, 2) AS hour, count(victim_pid) AS kills,
	count(DISTINCT substr(realtime, 1, 10)) AS days, count(DISTINCT host_id) AS hosts
FROM e
GROUP BY substr(realtime, 12, 2)
ORDER BY hour
LIMIT coalesce(:top, 24);
