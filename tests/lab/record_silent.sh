#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# record_silent.sh: a kill of which the kernel log says nothing.  A process waits in D state for a frozen file system, is
# killed and cannot die; then its memory cgroup runs out.  The kernel chooses it, sees that it is dying already, and
# hands it to the reaper without a word.
. "$(dirname "$(readlink -f "$0")")/record.inc"
for tool in mkfs.ext4 fsfreeze; do command -v $tool > /dev/null || give_up "needs $tool"; done
gcc -std=gnu11 -D_GNU_SOURCE -O2 -static -pthread -o "$work/actor" tests/guest/actor.c

mkdir "$work/mnt"
truncate -s 32M "$work/image"
mkfs.ext4 -q "$work/image"
mount -o loop "$work/image" "$work/mnt" 2> /dev/null || give_up "no loop device with ext4"
frozen_over() {
	fsfreeze -u "$work/mnt" 2> /dev/null || true
	find "$root" -name cgroup.procs -exec cat {} + 2> /dev/null | xargs -r kill -9 2> /dev/null || true
	for _ in 1 2 3 4 5; do umount "$work/mnt" 2> /dev/null && break; sleep 0.5; done
	lab_over
}
trap frozen_over EXIT

mkdir "$root/silent"
limit=$((40 << 20))
if [ $v2 = 1 ]; then
	echo $limit > "$root/silent/memory.max"
	echo 0 > "$root/silent/memory.swap.max" 2> /dev/null || true
else
	echo $limit > "$root/silent/memory.limit_in_bytes"
	echo $limit > "$root/silent/memory.memsw.limit_in_bytes" 2> /dev/null || true
fi
begin
fsfreeze -f "$work/mnt"
"$work/actor" "cgroup=$root/silent/cgroup.procs" comm=dying mem=24 "write=$work/mnt/file" hold & dying=$!
disown $dying             # the shell need not tell of its end
# for good, not for a moment: the open() of the file is what waits
for _ in $(seq 50); do grep -q percpu_rwsem_wait /proc/$dying/wchan && break; sleep 0.1; done
grep -q ') D ' /proc/$dying/stat || give_up "no D state on a frozen file system"
kill -9 $dying
"$work/actor" "cgroup=$root/silent/cgroup.procs" comm=second mem=28 hold & second=$!
disown $second
sleep 6                          # the reaper waits for two seconds
same "the second process lives" S "$(sed 's/.*) \(.\) .*/\1/' /proc/$second/stat)"
fsfreeze -u "$work/mnt"
sleep 1
end

one="FROM v_life WHERE tgid = $dying"
same "lives" 1 "$(sql "SELECT count(*) $one")"
same "class" already_exiting "$(sql "SELECT class $one")"
same "freed by" reaper "$(sql "SELECT freed_by $one")"
same "a reaper's time from 1.5 to 4 s" 1 "$(sql "SELECT reap_end_us - marked_us BETWEEN 1500000 AND 4000000 $one")"
same "outcome" will_free "$(sql "SELECT e.outcome FROM v_event e JOIN v_life l USING (event_id) WHERE l.tgid = $dying")"
same "the log is silent" "" "$(dmesg | grep "Killed process $dying " || true)"
intact
sql "SELECT 'silent kill of ' || comm || ': ' || class || ', marked, reaped after ' || (reap_end_us - marked_us) || ' µs, freed by ' ||
	freed_by $one"
passed
