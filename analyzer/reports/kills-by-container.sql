-- SPDX-License-Identifier: GPL-2.0-or-later
-- the containers whose processes die
-- command is one of them where there are several.
WITH e AS MATERIALIZED (
	SELECT event_id, container_id
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND victim_pid IS NOT NULL AND container_id IS NOT NULL
), k AS MATERIALIZED (
	SELECT container_id, count(*) AS kills
	FROM e
	GROUP BY container_id
	ORDER BY kills DESC, container_id
	LIMIT coalesce(:top, 50)
)
SELECT k.container_id, min(v.runtime) AS runtime, min(v.pod_uid) AS pod_uid, k.kills,
	count(*) FILTER (WHERE v.scope = 'memcg') AS memcg, max(v.memcg_limit_kb) AS limit_kb,
	min(v.victim_comm) AS command, count(DISTINCT v.victim_comm) AS commands, min(v.hostname) AS host,
	max(v.realtime) AS last_seen
FROM (SELECT event_id FROM e WHERE container_id IN (SELECT container_id FROM k)) AS x
JOIN v_event AS v ON v.event_id = x.event_id
JOIN k ON k.container_id = v.container_id
GROUP BY k.container_id, k.kills
ORDER BY k.kills DESC, k.container_id;
