-- SPDX-License-Identifier: GPL-2.0-or-later
-- the memory cgroups that hit their limit
WITH e AS MATERIALIZED (
	SELECT oom_memcg, memcg_limit_kb, host_id, victim_pid, victim_comm, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND scope = 'memcg'
)
SELECT oom_memcg, memcg_limit_kb AS limit_kb, count(victim_pid) AS kills, count(*) AS events,
	count(DISTINCT host_id) AS hosts, min(victim_comm) AS command,
		count(DISTINCT victim_comm) AS commands,
	max(realtime) AS last_seen
FROM e
GROUP BY oom_memcg, memcg_limit_kb
ORDER BY kills DESC, events DESC, oom_memcg NULLS LAST, limit_kb NULLS LAST
LIMIT coalesce(:top, 50);
