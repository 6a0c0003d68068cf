-- SPDX-License-Identifier: GPL-2.0-or-later
-- who grew most before the kill, as the flight recorder saw it
-- Only events that oomlens record watched.  died: was it the victim.
SELECT event, coalesce(realtime, stamp) AS time, hostname AS host, grower_pid, grower_comm, growth_kb,
	growth_us,
	CASE WHEN growth_us > 0 AND growth_kb < 1099511627776
		THEN growth_kb * 1000000 / growth_us END AS kb_per_second,
	victim_pid, victim_comm,
		CASE WHEN grower_pid = victim_pid THEN 1 WHEN victim_pid IS NOT NULL THEN 0 END AS died
FROM v_event
WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
	AND (:host IS NULL OR hostname = :host)
	AND growth_kb > 0
ORDER BY growth_kb DESC, wall_us DESC NULLS LAST, event
LIMIT coalesce(:top, 50);
