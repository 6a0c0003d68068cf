-- SPDX-License-Identifier: GPL-2.0-or-later
-- selections that oom_score_adj decided: whom the same rules had chosen without it
-- Only where that is certain.
SELECT event, coalesce(realtime, stamp) AS time, hostname AS host, scope, victim_pid, victim_comm,
	unadjusted_pid, unadjusted_comm, largest_comm, unit, verdict
FROM v_event
WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
	AND (:host IS NULL OR hostname = :host)
	AND adj_decided = 1
ORDER BY wall_us DESC NULLS LAST, event
LIMIT coalesce(:top, 50);
