-- SPDX-License-Identifier: GPL-2.0-or-later
-- what recorders know to have missed, a line each boot
-- unaccounted: kills that the kernel counted and nobody told of, those before the recorder among them.
-- log_lost: those that only the feeds told of; rate_limited: the kill line alone is in the log.
-- --since and --until are about when the recorder last wrote.
SELECT hostname AS host, boot_id, seen, oom_kill - kills AS unaccounted, log_lost, rate_limited,
	log_records_lost, facts_lost
FROM v_recorder
WHERE (:since IS NULL OR seen_us >= :since) AND (:until IS NULL OR seen_us < :until)
	AND (:host IS NULL OR hostname = :host)
	AND (oom_kill > kills OR log_lost > 0 OR rate_limited > 0 OR log_records_lost > 0 OR facts_lost > 0)
ORDER BY seen_us DESC NULLS LAST, host NULLS LAST, boot_id
LIMIT coalesce(:top, 50);
