#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# import: once is once, all or nothing, every broken store a clear error.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
db=$work/oom.db

expect 2 'import needs' "$OOMLENS" import --db "$db"
expect 0 '' "$OOMLENS" import --json --db "$db" "$log"
n=$(jq .added "$work/stdout")
expect 0 '' "$OOMLENS" import --json --db "$db" "$log"
same 'a second import adds' 0 "$(jq .added "$work/stdout")"
same 'a second import knows' "$n" "$(jq .known "$work/stdout")"
same 'sqlite3 sees' "$n" "$(sqlite3 "$db" 'SELECT count(*) FROM v_event')"
same 'integrity' ok "$(sqlite3 "$db" 'PRAGMA integrity_check')"

expect 3 'missing' "$OOMLENS" import --db "$db" "$work/missing"
expect 1 '' "$OOMLENS" import --db "$db" /dev/null
expect 1 'event' "$OOMLENS" explain --db "$db" --event 999999
expect 4 '' "$OOMLENS" explain --db "$work/none.db" --event 1

# A central log of many hosts, their lines mixed in any way: each host has its own kernel, boot and history, as if it had
# a file of its own; a directory and an archive of those files tell nothing new.
mkdir "$work/hosts"
for c in 6.12-global 5.10-adj 7.2-memcg 6.1-storm 6.17-group-kill 5.10-unable-to-reap 6.1-shared-mm 5.10-no-dump; do
	sed "s/^/Nov 20 10:08:00 host-$c kernel: /" "$cases/$c/log" > "$work/hosts/$c.log"
done
told() {         # told DB: all of it but the lines' numbers and files
	sqlite3 "$1" "SELECT fingerprint, hostname, boot_id, kernel, monotonic_us, scope, outcome, verdict, reason, verdict_text, victim_pid,
			margin_pages, totalpages, page_size, table_complete, candidates, unadjusted_pid, free_kb, weight FROM v_event ORDER BY 1;
		SELECT fingerprint, c.pid, c.comm, points, rank, why_not, rss, c.oom_score_adj FROM v_candidate AS c JOIN v_event USING (event_id)
			ORDER BY 1, 2;
		SELECT fingerprint, v.pid, role, reap_outcome FROM v_victim AS v JOIN v_event USING (event_id) ORDER BY 1, 2;
		SELECT fingerprint, n.kind, n.text FROM v_note AS n JOIN v_event USING (event_id) ORDER BY 1, 2, 3"
}
expect 0 '' "$OOMLENS" import -q --db "$work/apart.db" "$work"/hosts/*.log
told "$work/apart.db" > "$work/apart"
for seed in 1 2 3 4 5; do
	awk -v seed=$seed 'BEGIN { srand(seed) } FNR == 1 { f++ } { line[f, ++n[f]] = $0; left++ } END {
		while (left) { k = int(rand() * f) + 1; if (p[k] < n[k]) { print line[k, ++p[k]]; left-- } } }' "$work"/hosts/*.log > "$work/central.log"
	rm -f "$work/central.db"*
	expect 0 '' "$OOMLENS" import -q --db "$work/central.db" "$work/central.log"
	told "$work/central.db" > "$work/central"
	cmp -s "$work/apart" "$work/central" || { failures=$((failures + 1)); echo "hosts in one log, mixed by $seed"; diff "$work/apart" "$work/central" | head -n 4; }
done
tar -czf "$work/hosts.tar.gz" -C "$work" hosts
for from in "$work/hosts" "$work/hosts.tar.gz"; do
	expect 0 '' "$OOMLENS" import --json --db "$work/central.db" "$from"
	same "new in $from" "0,$(sqlite3 "$work/apart.db" 'SELECT count(*) FROM event')" "$(jq -r '"\(.added),\(.known)"' "$work/stdout")"
done

# Broken stores.
head -c 8192 /dev/urandom > "$work/garbage.db"
expect 4 'garbage.db' "$OOMLENS" import --db "$work/garbage.db" "$log"
cp "$db" "$work/newer.db"; sqlite3 "$work/newer.db" 'PRAGMA user_version = 999'
expect 4 'newer' "$OOMLENS" import --db "$work/newer.db" "$log"
expect 4 'newer' "$OOMLENS" list --db "$work/newer.db"
expect 4 '' "$OOMLENS" import --db "$work" "$log"
expect 4 '' "$OOMLENS" import --db /proc/oom.db "$log"

# A store that another program holds.
cp "$db" "$work/locked.db"
coproc HOLD { sqlite3 "$work/locked.db"; }
echo 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 1;' >&"${HOLD[1]}"
read -r _ <&"${HOLD[0]}"; read -r _ <&"${HOLD[0]}"
expect 4 'locked' "$OOMLENS" import --db "$work/locked.db" "$log"
eval "exec ${HOLD[1]}>&-"; wait "$HOLD_PID" 2> /dev/null

# A full disk: the store stays as it was.
if mkdir "$work/small" && mount -t tmpfs -o size=700k tmpfs "$work/small" 2> /dev/null; then
	cp "$db" "$work/small/oom.db"
	before=$(sqlite3 "$work/small/oom.db" 'SELECT count(*) FROM v_event')
	find "$cases" -name log | sort | xargs cat > "$work/many.log"
	expect 4 'full|space' "$OOMLENS" import --db "$work/small/oom.db" "$work/many.log"
	same 'events after a full disk' "$before" "$(sqlite3 "$work/small/oom.db" 'SELECT count(*) FROM v_event')"
	same 'integrity after a full disk' ok "$(sqlite3 "$work/small/oom.db" 'PRAGMA integrity_check')"
	umount "$work/small"
fi
finish
