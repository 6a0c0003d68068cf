#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# record_frozen.sh [SECONDS]: the store's file system is frozen during a storm, so that the writer waits in the kernel and cannot
# say so itself.  The status tells of it, and when the disk answers again, every kill is stored once.
. "$(dirname "$(readlink -f "$0")")/record.inc"
seconds=${1:-12}
for tool in mkfs.ext4 fsfreeze; do command -v $tool > /dev/null || give_up "needs $tool"; done

mkdir "$work/mnt"
truncate -s 32M "$work/image"
mkfs.ext4 -q "$work/image"
mount -o loop "$work/image" "$work/mnt" 2> /dev/null || give_up "no loop device with ext4"
thaw() {
	fsfreeze -u "$work/mnt" 2> /dev/null || true
	[ -z "$recorder" ] || { kill -9 "$recorder"; wait "$recorder"; } 2> /dev/null || true
	for _ in 1 2 3 4 5; do umount "$work/mnt" 2> /dev/null && break; sleep 0.5; done
	lab_over
}
trap thaw EXIT
db=$work/mnt/oom.db

begin
"$storm" "$root" $v2 $((seconds * 3)) 3 > "$work/pids" & storms=$!
sleep 1
fsfreeze -f "$work/mnt"
sleep "$seconds"
trouble=$(status trouble) waiting=$(status waiting) ticks=$(awk '{ print $14 + $15 }' "/proc/$recorder/stat")
case $trouble in *"does not answer"*) ;; *) same "trouble" "does not answer" "$trouble" ;; esac
same "events wait" 1 "$((waiting > 0))"
fsfreeze -u "$work/mnt"
wait $storms
sleep 4
same "trouble afterwards" null "$(status trouble)"
end
each_once "$work/pids"
intact
grep -q 'does not answer' "$work/said" || same "said" "does not answer" ""
grep -q 'answers again' "$work/said" || same "said" "answers again" ""
echo "$(uname -r), cgroup v$((v2 + 1)): $waiting events waited; $(wc -l < "$work/pids") kills, $(wc -l < "$work/stored") victims;" \
	"CPU $ticks ticks until then"
passed
