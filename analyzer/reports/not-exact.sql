-- SPDX-License-Identifier: GPL-2.0-or-later
-- events whose replay does not simply agree, the unexplained first
SELECT event, coalesce(realtime, stamp) AS time, hostname AS host, kernel, verdict, reason, victim_pid,
	victim_comm, candidates, path, first_line
FROM v_event
WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
	AND (:host IS NULL OR hostname = :host)
	AND (verdict <> 'exact' OR verdict IS NULL)
ORDER BY CASE verdict
		WHEN 'unexplained' THEN 1 WHEN 'within_drift' THEN 2 WHEN 'explained' THEN 3 WHEN 'insufficient' THEN 4
		ELSE 5 END,
	wall_us DESC NULLS LAST, event
LIMIT coalesce(:top, 50);
