-- SPDX-License-Identifier: GPL-2.0-or-later
-- whose memory ran out: the machine's, a cgroup's, a cpuset's
WITH e AS MATERIALIZED (
	SELECT scope, constraint_name, host_id, victim_pid, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
)
SELECT scope, constraint_name, count(victim_pid) AS kills, count(*) AS events,
	count(DISTINCT host_id) AS hosts, max(realtime) AS last_seen
FROM e
GROUP BY scope, constraint_name
ORDER BY kills DESC, events DESC, scope NULLS LAST, constraint_name NULLS LAST
LIMIT coalesce(:top, 50);
