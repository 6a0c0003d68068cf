-- SPDX-License-Identifier: GPL-2.0-or-later
-- the commands that die: every process killed, also with its group or for its parent
WITH e AS MATERIALIZED (
	SELECT event_id, host_id, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
)
SELECT v.comm AS command, count(*) AS kills, count(DISTINCT e.host_id) AS hosts,
	count(*) FILTER (WHERE v.role <> 'chosen') AS not_chosen,
	max(v.anon_rss_kb) AS largest_anon_kb, min(v.oom_score_adj) AS least_adj,
		max(v.oom_score_adj) AS greatest_adj,
	max(e.realtime) AS last_seen
FROM e
JOIN v_victim AS v ON v.event_id = e.event_id
GROUP BY v.comm
ORDER BY kills DESC, command NULLS LAST
LIMIT coalesce(:top, 50);
