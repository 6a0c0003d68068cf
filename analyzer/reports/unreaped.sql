-- SPDX-License-Identifier: GPL-2.0-or-later
-- victims whose memory was not freed, or took a second or longer
-- Where the log says no more than that the reaper gave up, the exit of the victim may have freed it later.
-- First those of which no end was seen.
WITH v AS MATERIALIZED (
	SELECT event_id, pid, comm, anon_rss_kb, reap_outcome, freed_by, reap_latency_us, free_latency_us,
		anon_rss_kb_after
	FROM v_victim
	WHERE event_id >= -9223372036854775807 -- all are: SQLite then reads in this order
		AND (reap_outcome IN ('unable', 'skipped', 'pinned') OR freed_by = 'nobody'
			OR free_latency_us >= 1000000 OR reap_latency_us >= 1000000)
)
SELECT e.event, coalesce(e.realtime, e.stamp) AS time, e.hostname AS host, v.pid, v.comm AS command,
	v.anon_rss_kb, v.reap_outcome, v.freed_by, v.reap_latency_us, v.free_latency_us, v.anon_rss_kb_after
FROM v
JOIN v_event AS e ON e.event_id = v.event_id
WHERE (:since IS NULL OR e.wall_us >= :since) AND (:until IS NULL OR e.wall_us < :until)
	AND (:host IS NULL OR e.hostname = :host)
ORDER BY v.free_latency_us DESC NULLS FIRST, v.reap_latency_us DESC NULLS FIRST,
	v.anon_rss_kb DESC NULLS LAST, e.wall_us DESC NULLS LAST, e.event, v.pid
LIMIT coalesce(:top, 50);
