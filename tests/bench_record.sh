#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench_record.sh BUILD: what the recorder costs while nothing happens, beside daemons of its kind, all of them over the
# same IDLE_SECONDS: CPU time of all threads from the scheduler's own clock, wake-ups, memory.
set -eu
oomlens=$1/oomlens seconds=${IDLE_SECONDS:-60}
[ "$(id -u)" = 0 ] || { echo "idle cost of the recorder: not measured, needs root"; exit 0; }
work=$(mktemp -d)
names=() pids=()
cleanup() { [ ${#pids[@]} = 0 ] || kill "${pids[@]}" 2> /dev/null || true; wait; rm -rf "$work"; }
trap cleanup EXIT

# as NAME COMMAND...: a daemon of the comparison; the command execs, so the pid is its own
as() {
	names+=("$1")
	"${@:2}" > "$work/${#pids[@]}.out" 2>&1 &
	pids+=($!)
}
recorder() {     # recorder DIR OPTIONS...
	mkdir "$work/$1"
	RUNTIME_DIRECTORY=$work/$1 exec "$oomlens" record --db "$work/$1/db" "${@:2}"
}
usage() {        # usage PID: "cpu-ns wake-ups" of all threads since their start
	awk '/^[0-9]/ { ns += $1 } /^voluntary/ { n += $2 } END { printf "%.0f %d\n", ns, n }' \
		/proc/"$1"/task/*/schedstat /proc/"$1"/task/*/status
}
memory() { sed -n 's/^VmRSS:[^0-9]*\([0-9]*\) kB/\1/p' "/proc/$1/status"; }

# A Debian package is unpacked, not installed: installed, it would start by itself, and earlyoom kills.
unpacked() {     # unpacked PACKAGE PATH: prints where its program is
	command -v "$1" && return
	[ -e "$work/$1/$2" ] || (cd "$work" && apt-get -qq download "$1" && dpkg -x "$1"_*.deb "$1") > /dev/null 2>&1 ||
		{ echo "$1: not at hand, left out" >&2; return 1; }
	echo "$work/$1/$2"
}

as "oomlens record" recorder with
as "oomlens record, no flight recorder" recorder without --flight off
if daemon=$(unpacked rasdaemon usr/sbin/rasdaemon); then
	# it wants debugfs: in a mount namespace of its own
	as rasdaemon unshare -m sh -c "mount -t debugfs none /sys/kernel/debug; exec $daemon -f"
fi
if daemon=$(unpacked earlyoom usr/bin/earlyoom); then
	as earlyoom "$daemon" --dryrun
fi
facts() { jq '[.feeds[].facts // 0] | add' "$work/with/status.json"; }       # what the kernel had to tell

for attempt in 1 2 3 4 5; do     # what others do is no idleness
	sleep 10                 # what was told of before is settled
	before=$(facts)
	for i in "${!pids[@]}"; do
		usage "${pids[i]}" > "$work/$i.before" || { echo "${names[i]} did not start:"; cat "$work/$i.out"; exit 1; }
	done
	sleep "$seconds"
	for i in "${!pids[@]}"; do { usage "${pids[i]}"; memory "${pids[i]}"; } > "$work/$i.after"; done
	sleep 1.5                # until the state is written
	[ "$(facts)" != "$before" ] || break
done
echo "idle for $seconds s, $(find /proc -maxdepth 1 -name '[0-9]*' | wc -l) processes," \
	"$(($(facts) - before)) facts of the OOM killer meanwhile, attempt $attempt:"
printf '%-36s %16s %12s %10s\n' '' 'CPU s per hour' 'wake-ups/s' 'RSS KiB'
for i in "${!pids[@]}"; do
	cat "$work/$i.before" "$work/$i.after" | tr '\n' ' ' | awk -v name="${names[i]}" \
		-v t="$seconds" '{ printf "%-36s %16.3f %12.2f %10d\n", name, ($3 - $1) / 1e9 * 3600 / t, ($4 - $2) / t, $5 }'
done
