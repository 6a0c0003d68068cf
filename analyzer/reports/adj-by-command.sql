-- SPDX-License-Identifier: GPL-2.0-or-later
-- how often oom_score_adj decided, by who died and who was spared
WITH e AS MATERIALIZED (
	SELECT victim_comm, unadjusted_comm, host_id, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
		AND adj_decided = 1
)
SELECT victim_comm AS victim_command, unadjusted_comm AS spared_command, count(*) AS events,
	count(DISTINCT host_id) AS hosts,
	max(realtime) AS last_seen
FROM e
GROUP BY victim_comm, unadjusted_comm
ORDER BY events DESC, victim_command NULLS LAST, spared_command NULLS LAST
LIMIT coalesce(:top, 50);
