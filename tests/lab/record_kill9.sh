#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# record_kill9.sh [ROUNDS [PER_SECOND]]: the recorder is killed by surprise at so many random moments of a storm, and
# started again each time; every other one dies 0.3 to 1.5 s after it was started, ready or not.  Afterwards the store
# has each kill exactly once, the recorders' account is the kernel's, and the store was intact each time.
. "$(dirname "$(readlink -f "$0")")/record.inc"
rounds=${1:-50} rate=${2:-5}
RANDOM=${SEED:-1}

: > "$work/pids"
begin
sleep 12                         # what the log had before is settled, and the mark is behind it
end
first=$(first_count)
begin
while [ ! -e "$work/enough" ]; do "$storm" "$root" $v2 $((rate * 4)) "$rate" 2> /dev/null >> "$work/pids" || break; done &
storms=$!
for round in $(seq "$rounds"); do
	sleep "$((RANDOM % 2)).$(printf %03d $((RANDOM % 1000)))"
	kill -9 "$recorder"
	wait "$recorder" 2> /dev/null || true
	intact " after kill $round"
	if [ $((round % 2)) = 1 ]; then
		"$oomlens" record --db "$db" >> "$work/said" 2>&1 &
		recorder=$!
		ms=$((300 + RANDOM % 1200))
		sleep $((ms / 1000)).$(printf %03d $((ms % 1000)))
		kill -9 "$recorder"
		wait "$recorder" 2> /dev/null || true
		intact " after the short life $round"
	fi
	begin
done
touch "$work/enough"
wait $storms
sleep 4
end

each_once "$work/pids"
counted "$first"
intact
echo "$(uname -r), cgroup v$((v2 + 1)): $rounds times kill -9, $(wc -l < "$work/pids") kills," \
	"$(sql 'SELECT count(*) FROM v_event') events, $(wc -l < "$work/stored") victims"
sql "SELECT '  ' || class, count(*) FROM v_life GROUP BY class" | tr '|' ' '
passed
