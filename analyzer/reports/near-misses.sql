-- SPDX-License-Identifier: GPL-2.0-or-later
-- selections decided by the smallest margin, and who came next
-- highest and next are the first two of the replay; a margin of 0 is a tie, which the order of the kernel's
-- scan decided.
WITH e AS MATERIALIZED (
	SELECT event_id, event, wall_us, realtime, stamp, hostname, victim_pid, victim_comm, margin_pages,
		page_size, verdict
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND margin_pages IS NOT NULL
	ORDER BY margin_pages, wall_us DESC NULLS LAST, event
	LIMIT coalesce(:top, 50)
)
SELECT event, coalesce(realtime, stamp) AS time, hostname AS host, victim_pid, victim_comm, margin_pages,
	CASE WHEN margin_pages < 1099511627776 AND page_size <= 65536
		THEN margin_pages * page_size / 1024 END AS margin_kb,
	(SELECT min(c.pid) FROM v_candidate AS c WHERE c.event_id = e.event_id AND c.rank = 1) AS highest_pid,
	(SELECT min(c.comm) FROM v_candidate AS c WHERE c.event_id = e.event_id AND c.rank = 1) AS highest_comm,
	(SELECT min(c.pid) FROM v_candidate AS c WHERE c.event_id = e.event_id AND c.rank = 2) AS next_pid,
	(SELECT min(c.comm) FROM v_candidate AS c WHERE c.event_id = e.event_id AND c.rank = 2) AS next_comm,
	verdict
FROM e
ORDER BY margin_pages, wall_us DESC NULLS LAST, event;
