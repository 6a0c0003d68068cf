-- SPDX-License-Identifier: GPL-2.0-or-later
-- whose allocation killed whom
-- trigger_command asked for the memory: rarely is it to blame.
WITH e AS MATERIALIZED (
	SELECT trigger_comm, victim_comm, trigger_pid, victim_pid, host_id, scope, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND victim_pid IS NOT NULL
)
SELECT trigger_comm AS trigger_command, victim_comm AS victim_command, count(*) AS kills,
	count(*) FILTER (WHERE trigger_pid = victim_pid) AS of_itself, count(DISTINCT host_id) AS hosts,
	count(*) FILTER (WHERE scope = 'global') AS global, max(realtime) AS last_seen
FROM e
GROUP BY trigger_comm, victim_comm
ORDER BY kills DESC, trigger_command NULLS LAST, victim_command NULLS LAST
LIMIT coalesce(:top, 50);
