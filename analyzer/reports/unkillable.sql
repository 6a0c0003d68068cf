-- SPDX-License-Identifier: GPL-2.0-or-later
-- hosts by the memory of processes that may not be killed (oom_score_adj -1000)
-- The most that an event of the host showed.
WITH e AS MATERIALIZED (
	SELECT hostname, unkillable_tasks, unkillable_pages,
		CASE WHEN unkillable_pages < 1099511627776 AND page_size <= 65536
			THEN unkillable_pages * page_size / 1024 END AS kb,
		CASE WHEN ram_pages < 1099511627776 AND page_size <= 65536 AND ram_pages * page_size > 1024
			THEN ram_pages * page_size / 1024 END AS ram_kb, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND unkillable_pages > 0
)
SELECT hostname AS host, count(*) AS events, max(unkillable_tasks) AS most_tasks,
	max(unkillable_pages) AS most_pages,
	max(kb) AS most_kb, max(kb * 100 / ram_kb) AS most_percent_of_ram, max(realtime) AS last_seen
FROM e
GROUP BY hostname
ORDER BY most_kb DESC NULLS LAST, most_pages DESC, host NULLS LAST
LIMIT coalesce(:top, 50);
