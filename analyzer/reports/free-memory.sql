-- SPDX-License-Identifier: GPL-2.0-or-later
-- kills while the machine had memory free, and why that did not help
-- At least 4 % of RAM, where that is known.  The limit of a memory cgroup does not ask what is free: left
-- out.  v_memory has each zone's free, min and low of an event.
WITH e AS MATERIALIZED (
	SELECT event_id, event, wall_us, realtime, stamp, hostname, scope, cause, alloc_order,
		gfp_flags, free_kb,
		CASE WHEN ram_pages < 1099511627776 AND page_size <= 65536 AND ram_pages * page_size > 1024
			THEN ram_pages * page_size / 1024 END AS ram_kb, victim_comm
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND scope <> 'memcg' AND free_kb < 1099511627776
)
SELECT event, coalesce(realtime, stamp) AS time, hostname AS host, scope, alloc_order, free_kb,
	free_kb * 100 / ram_kb AS percent_of_ram, cause, gfp_flags, victim_comm
FROM e
WHERE ram_kb IS NULL OR free_kb * 25 >= ram_kb
ORDER BY free_kb DESC, wall_us DESC NULLS LAST, event
LIMIT coalesce(:top, 50);
