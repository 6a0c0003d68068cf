-- SPDX-License-Identifier: GPL-2.0-or-later
-- kills that the kernel log does not have, or not whole
-- By how the first victim of the event is accounted for: rate_limited (the kill line alone),
-- already_exiting (nothing was killed anew), log_lost (only the feeds or the kernel's counter saw it).
WITH e AS MATERIALIZED (
	SELECT hostname, class, victim_comm, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND class IS NOT NULL AND class <> 'logged'
)
SELECT hostname AS host, class, count(*) AS events, min(victim_comm) AS command,
	count(DISTINCT victim_comm) AS commands,
	max(realtime) AS last_seen
FROM e
GROUP BY hostname, class
ORDER BY events DESC, host NULLS LAST, class
LIMIT coalesce(:top, 50);
