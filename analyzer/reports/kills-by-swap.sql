-- SPDX-License-Identifier: GPL-2.0-or-later
-- what swap was left when the machine ran out
-- Full: less than 1 % is free, nearly full: less than 10 %.  Limits of memory cgroups are left out: their
-- swap is another. Kills with swap free point at memory that cannot be swapped, or at cpusets.
WITH e AS MATERIALIZED (
	SELECT CASE
			WHEN swap_total_kb IS NULL OR swap_free_kb IS NULL THEN 'not known'
			WHEN swap_total_kb = 0 THEN 'no swap'
			WHEN swap_free_kb < swap_total_kb / 100 THEN 'full'
			WHEN swap_free_kb < swap_total_kb / 10 THEN 'nearly full'
			ELSE 'free' END AS swap,
		host_id, victim_pid, swap_free_kb, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND scope <> 'memcg'
)
SELECT swap, count(victim_pid) AS kills, count(*) AS events, count(DISTINCT host_id) AS hosts,
	max(swap_free_kb) AS most_free_kb, max(realtime) AS last_seen
FROM e
GROUP BY swap
ORDER BY kills DESC, swap
LIMIT coalesce(:top, 50);
