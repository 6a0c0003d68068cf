-- SPDX-License-Identifier: GPL-2.0-or-later
-- the systemd units whose processes die
-- Processes of containers are in kills-by-container.  No unit: the log does not name the cgroup, or it is
-- none of systemd's.  command is one of them where there are several.
WITH e AS MATERIALIZED (
	SELECT unit, slice, host_id, victim_comm, scope, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND victim_pid IS NOT NULL AND runtime IS NULL AND pod_uid IS NULL
)
SELECT unit, slice, count(*) AS kills, count(DISTINCT host_id) AS hosts,
	count(*) FILTER (WHERE scope = 'global') AS global,
	count(*) FILTER (WHERE scope = 'memcg') AS memcg,
	min(victim_comm) AS command, count(DISTINCT victim_comm) AS commands, max(realtime) AS last_seen
FROM e
GROUP BY unit, slice
ORDER BY kills DESC, unit NULLS LAST, slice NULLS LAST
LIMIT coalesce(:top, 50);
