-- SPDX-License-Identifier: GPL-2.0-or-later
-- victims that the kernel log does not have, or not whole
-- rate_limited: the kill line alone is there; already_exiting: it was dying, nothing was killed anew; log_lost:
-- only the feeds or the kernel's counter saw it.  Only what oomlens record watched.
WITH l AS MATERIALIZED (
	SELECT event_id, class, comm
	FROM v_life
	WHERE event_id >= -9223372036854775807 -- all are: SQLite then reads in this order
		AND class IN ('rate_limited', 'already_exiting', 'log_lost')
)
SELECT e.hostname AS host, l.class, count(*) AS victims, min(l.comm) AS command,
	count(DISTINCT l.comm) AS commands, max(e.realtime) AS last_seen
FROM l
JOIN v_event AS e ON e.event_id = l.event_id
WHERE (:since IS NULL OR e.wall_us >= :since) AND (:until IS NULL OR e.wall_us < :until)
	AND (:host IS NULL OR e.hostname = :host)
GROUP BY e.hostname, l.class
ORDER BY victims DESC, host NULLS LAST, l.class
LIMIT coalesce(:top, 50);
