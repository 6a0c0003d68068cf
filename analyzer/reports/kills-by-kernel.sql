-- SPDX-License-Identifier: GPL-2.0-or-later
-- kills by kernel release, and how often the replay agrees there
WITH e AS MATERIALIZED (
	SELECT kernel, host_id, victim_pid, verdict
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
)
SELECT kernel, count(victim_pid) AS kills, count(*) AS events, count(DISTINCT host_id) AS hosts,
	count(*) FILTER (WHERE verdict = 'exact') AS exact,
	count(*) FILTER (WHERE verdict IN ('explained', 'within_drift')) AS explained,
	count(*) FILTER (WHERE verdict = 'unexplained') AS unexplained,
	count(*) FILTER (WHERE verdict = 'insufficient' OR verdict IS NULL) AS insufficient
FROM e
GROUP BY kernel
ORDER BY kills DESC, events DESC, kernel NULLS LAST
LIMIT coalesce(:top, 50);
