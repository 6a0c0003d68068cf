-- SPDX-License-Identifier: GPL-2.0-or-later
-- events that killed more than one process
WITH v AS MATERIALIZED (
	SELECT event_id, count(*) AS killed, count(*) FILTER (WHERE role = 'group') AS of_group,
		count(*) FILTER (WHERE role = 'child') AS children,
		count(*) FILTER (WHERE role = 'shared_mm') AS sharing_memory,
		CAST(sum(anon_rss_kb) FILTER (WHERE anon_rss_kb < 1099511627776) AS BIGINT) AS anon_rss_kb
	FROM v_victim
	GROUP BY event_id
	HAVING count(*) > 1
)
SELECT e.event, coalesce(e.realtime, e.stamp) AS time, e.hostname AS host, e.scope, e.victim_comm,
	v.killed, v.of_group,
	v.children, v.sharing_memory, v.anon_rss_kb, e.oom_memcg
FROM v
JOIN v_event AS e ON e.event_id = v.event_id
WHERE (:since IS NULL OR e.wall_us >= :since) AND (:until IS NULL OR e.wall_us < :until)
	AND (:host IS NULL OR e.hostname = :host)
ORDER BY v.killed DESC, e.wall_us DESC NULLS LAST, e.event
LIMIT coalesce(:top, 50);
