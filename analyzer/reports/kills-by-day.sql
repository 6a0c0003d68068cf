-- SPDX-License-Identifier: GPL-2.0-or-later
-- kills of each day (UTC), newest first
-- Kills are events that killed; events also those that found nobody, or a victim that was dying already.
-- Events that have no time are the last row.
WITH e AS MATERIALIZED (
	SELECT substr(realtime, 1, 10) AS day, host_id, scope, victim_pid, verdict
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
)
SELECT day, count(victim_pid) AS kills, count(*) AS events, count(DISTINCT host_id) AS hosts,
	count(*) FILTER (WHERE scope = 'global') AS global,
	count(*) FILTER (WHERE scope = 'memcg') AS memcg,
	count(*) FILTER (WHERE verdict = 'exact') AS exact
FROM e
GROUP BY day
ORDER BY day DESC NULLS LAST
LIMIT coalesce(:top, 100000);
