-- SPDX-License-Identifier: GPL-2.0-or-later
-- victims that were not the largest consumer, and why
-- Largest: RSS, swap and page tables together, whatever its oom_score_adj.  why: the rule that kept the
-- largest from being chosen; oom_score_adj if without it somebody else had been chosen; else the reason of
-- the verdict.
WITH e AS MATERIALIZED (
	SELECT event_id, event, wall_us, realtime, stamp, hostname, victim_pid, victim_comm, largest_pid,
		largest_comm, largest_pages, page_size, adj_decided, verdict, reason
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND victim_pid IS NOT NULL AND largest_pid IS NOT NULL AND largest_pid <> victim_pid
	ORDER BY largest_pages DESC, event
	LIMIT coalesce(:top, 50)
), f AS (
	SELECT e.*, (
		SELECT min(c.why_not) FROM v_candidate AS c
		WHERE c.event_id = e.event_id AND c.pid = e.largest_pid
	) AS why_not, (
		SELECT min(c.oom_score_adj) FROM v_candidate AS c
		WHERE c.event_id = e.event_id AND c.pid = e.largest_pid
	) AS largest_adj, (
		SELECT min(v.oom_score_adj) FROM v_victim AS v
		WHERE v.event_id = e.event_id AND v.pid = e.victim_pid
	) AS victim_adj
	FROM e
)
SELECT event, coalesce(realtime, stamp) AS time, hostname AS host, victim_pid, victim_comm, victim_adj,
	largest_pid, largest_comm, largest_adj, largest_pages,
	CASE WHEN largest_pages < 1099511627776 AND page_size <= 65536
		THEN largest_pages * page_size / 1048576 END AS largest_mib,
	CASE WHEN why_not IS NOT NULL THEN why_not WHEN adj_decided = 1 THEN 'oom_score_adj'
		ELSE reason END AS why, verdict
FROM f
ORDER BY largest_pages DESC, event;
