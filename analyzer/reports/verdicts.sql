-- SPDX-License-Identifier: GPL-2.0-or-later
-- how often the replay agrees with the kernel, and why not
WITH e AS MATERIALIZED (
	SELECT verdict, reason, host_id, kernel, realtime
	FROM v_event
	WHERE (:since IS NULL OR wall_us >= :since) AND (:until IS NULL OR wall_us < :until)
		AND (:host IS NULL OR hostname = :host)
)
SELECT verdict, reason, count(*) AS events, count(*) * 1000 / (SELECT count(*) FROM e) AS per_mille,
	count(DISTINCT host_id) AS hosts, count(DISTINCT kernel) AS kernels, max(realtime) AS last_seen
FROM e
GROUP BY verdict, reason
ORDER BY events DESC, verdict NULLS LAST, reason NULLS LAST
LIMIT coalesce(:top, 100);
