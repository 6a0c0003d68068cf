-- SPDX-License-Identifier: GPL-2.0-or-later
-- the recorders, by when they last wrote: who has gone quiet
-- most: in one boot.  --since and --until are about when the recorder last wrote.
SELECT hostname AS host, max(seen) AS last_seen, count(*) AS boots, max(oom_kill) AS most_kernel_kills,
	CAST(sum(logged) AS BIGINT) AS logged,
	CAST(sum(rate_limited + already_exiting + group_member + log_lost) AS BIGINT) AS not_logged_whole,
	max(log_records_lost) AS most_log_records_lost, max(facts_lost) AS most_facts_lost
FROM v_recorder
WHERE (:since IS NULL OR seen_us >= :since) AND (:until IS NULL OR seen_us < :until)
	AND (:host IS NULL OR hostname = :host)
GROUP BY hostname
ORDER BY last_seen NULLS FIRST, host NULLS LAST
LIMIT coalesce(:top, 50);
