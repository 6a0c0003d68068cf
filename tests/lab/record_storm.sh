#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# record_storm.sh [KILLS [PER_SECOND]]: 500 kills in memory cgroups within a minute.  None lost, none doubled, on disk 100 ms
# after the kill at the median, 24 MiB at most.  OOMLENS names the program, KEEP=1 keeps the store.
. "$(dirname "$(readlink -f "$0")")/record.inc"
kills=${1:-500} rate=${2:-10}

begin
"$storm" "$root" $v2 "$kills" "$rate" > "$work/pids"
sleep 4                          # reapers are woken two seconds after the mark
peak=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$recorder/status")
latency=$(status latency_us) worst=$(status latency_max_us)
end

same "processes that the storm lost" "$kills" "$(wc -l < "$work/pids")"
each_once "$work/pids"
intact
most "median from kill to commit, µs" 100000 "$latency"
most "most memory, KiB" $((24 * 1024)) "$peak"
same "events dropped" 0 "$(status dropped)"
echo "$(uname -r), cgroup v$((v2 + 1)): $kills kills, $(sql 'SELECT count(*) FROM v_event') events," \
	"$(wc -l < "$work/stored") victims; kill to commit $latency µs, worst $worst µs; peak $peak KiB"
sql "SELECT '  ' || class, count(*) FROM v_life GROUP BY class" | tr '|' ' '
jq -r '.feeds[] | "  feed \(.name): \(if .open == 1 then "open" else "not open" end), \(.facts) facts, \(.lost) lost"' \
	"$RUNTIME_DIRECTORY/status.json"
passed
