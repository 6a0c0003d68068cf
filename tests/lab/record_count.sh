#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# record_count.sh: whose kills a recorder counts.  --once 1 waits for the next kill, whatever the log still has of earlier
# ones; kills while nobody watched, and whose lines were overwritten before somebody did, are told by their number.
. "$(dirname "$(readlink -f "$0")")/record.inc"
kernel_kills() { awk '$1 == "oom_kill" { print $2 }' /proc/vmstat; }

"$storm" "$root" $v2 1 1 8 > "$work/pids"
begin --once 1
sleep 3
if [ "$(sql 'SELECT count(*) FROM v_event')" = 0 ]; then echo "the log's own kill is not stored"; exit 1; fi
kill -0 "$recorder" || { echo "an earlier kill ended the wait for the next one"; cat "$work/said"; exit 1; }
"$storm" "$root" $v2 1 1 8 >> "$work/pids"
for _ in $(seq 100); do kill -0 "$recorder" 2> /dev/null || break; sleep 0.1; done
same "a recorder that waited for one kill has ended" gone "$(kill -0 "$recorder" 2> /dev/null && echo here || echo gone)"
wait "$recorder" || same "its exit status" 0 $?
recorder=''
each_once "$work/pids"

begin
sleep 12                         # what was read is settled: none of it is read again
end
before=$(kernel_kills) told=$(unseen)
"$storm" "$root" $v2 7 10 8 > /dev/null
dmesg > "$work/dmesg"
n=0 lines=$(wc -l < "$work/dmesg")
mark="oomlens lab $$"
echo "$mark" > /dev/kmsg
for _ in $(seq $((lines * 20))); do
	printf '%0800d\n' 0 > /dev/kmsg
	[ $((++n % 200)) != 0 ] || dmesg | grep -qF "$mark" || break
done
! dmesg | grep -qF "$mark" || give_up "the kernel log is too large to be overwritten"
lost=$(($(kernel_kills) - before))
begin
sleep 4
end
same "kills that the counter alone told of" "$lost" "$(($(unseen) - told))"
same "kills that the kernel counted" "$(status kernel_kills)" "$(status kills_counted)"
same "their class" "$lost" "$(status log_lost)"
intact
echo "$(uname -r), cgroup v$((v2 + 1)): $lost kills that nobody saw and no line tells of are counted"
passed
