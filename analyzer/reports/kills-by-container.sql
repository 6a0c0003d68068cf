-- SPDX-License-Identifier: GPL-2.0-or-later
-- the containers whose processes die
WITH e AS MATERIALIZED (
	SELECT container_id, runtime, pod_uid, hostname, victim_comm, scope, realtime, memcg_limit_kb
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND victim_pid IS NOT NULL AND (container_id IS NOT NULL OR runtime IS NOT NULL)
)
SELECT container_id, runtime, pod_uid, count(*) AS kills, count(*) FILTER (WHERE scope = 'memcg') AS memcg,
	max(memcg_limit_kb) AS limit_kb, min(victim_comm) AS command,
		count(DISTINCT victim_comm) AS commands,
	min(hostname) AS host, max(realtime) AS last_seen
FROM e
GROUP BY container_id, runtime, pod_uid
ORDER BY kills DESC, container_id NULLS LAST, runtime NULLS LAST, pod_uid NULLS LAST
LIMIT coalesce(:top, 50);
