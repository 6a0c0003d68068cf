-- SPDX-License-Identifier: GPL-2.0-or-later
-- the Kubernetes pods whose containers die
-- A pod's uid is what the kernel knows of it: kubectl get pod -A -o json has its name.
WITH e AS MATERIALIZED (
	SELECT pod_uid, qos, container_id, hostname, victim_comm, scope, realtime, memcg_limit_kb
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND victim_pid IS NOT NULL AND pod_uid IS NOT NULL
)
SELECT pod_uid, min(qos) AS qos, count(*) AS kills, count(DISTINCT container_id) AS containers,
	count(*) FILTER (WHERE scope = 'memcg') AS memcg, max(memcg_limit_kb) AS limit_kb,
	min(victim_comm) AS command, count(DISTINCT victim_comm) AS commands, min(hostname) AS host,
		max(realtime) AS last_seen
FROM e
GROUP BY pod_uid
ORDER BY kills DESC, pod_uid
LIMIT coalesce(:top, 50);
