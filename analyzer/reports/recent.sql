-- SPDX-License-Identifier: GPL-2.0-or-later
-- the newest events, a line each
-- The last day: oomlens query recent --since '24h ago' --top 1000
SELECT event, coalesce(realtime, stamp) AS time, hostname AS host, scope, outcome, unit, victim_pid,
	victim_comm, cause, verdict
FROM v_event
WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
	AND (:host IS NULL OR hostname = :host)
ORDER BY wall_us DESC NULLS LAST, event
LIMIT coalesce(:top, 20);
