#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# kills.sh: without a kernel log and without a store oomtop marks a kill that the tracepoints tell of, and leaves no trace
# instance behind. The kill is in a memory cgroup whose limit this script sets.
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."
[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 2; }
oomtop=${OOMTOP:-build/gcc/oomtop}
tm() { tmux -L "oomlab-$$" -f /dev/null "$@"; }
work=$(mktemp -d)
trap 'tm kill-server 2> /dev/null || :; rm -rf "$work"' EXIT
instances=$(ls /sys/kernel/tracing/instances)
tm new-session -d -x 100 -y 30 "unshare -m sh -c 'mount --bind $work /dev/kmsg 2> /dev/null || mount -t tmpfs none /dev/ -o size=1m
	exec $oomtop -d 0.5 --db /nonexistent'; exec sleep 60"
sleep 3
tests/lab/memcg.sh -o "$work/out" simple > /dev/null
pid=$(sed -n 's/^victim_pid: //p' "$work/out/simple/facts")
for _ in $(seq 50); do
	! tm capture-pane -p | grep -E "Killed .*\(pid $pid\)" || break
	sleep 0.2
done
tm capture-pane -p | grep -qE "Killed .*\(pid $pid\)" || { tm capture-pane -p; echo "no mark for the kill of $pid"; exit 1; }
tm send-keys q
sleep 1
[ "$instances" = "$(ls /sys/kernel/tracing/instances)" ] || { echo 'a trace instance was left behind'; exit 1; }
