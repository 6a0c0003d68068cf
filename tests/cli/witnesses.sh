#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The recorder's witnesses: where one is missing it says so and goes on with the others; and real kills, where there is a
# memory cgroup to kill in.
# shellcheck disable=SC2154
. tests/cli/common.inc
bare=${OOMLENS}_bare
me=$(id -u)

state() { jq -r "$2" "$work/$1/status.json"; }                 # state NAME FILTER
is_open() { state "$1" ".feeds[] | select(.name == \"$2\") | .open"; }
why() { state "$1" ".feeds[] | select(.name == \"$2\") | .why"; }

# begin NAME COMMAND...: a recorder with a runtime directory and a store of its own; its pid goes to $recorder
begin() {
	local name=$1
	shift
	mkdir -p "$work/$name"
	chmod 777 "$work" "$work/$name"
	RUNTIME_DIRECTORY=$work/$name "$@" --db "$work/$name/oom.db" > "$work/$name.out" 2> "$work/$name.said" &
	recorder=$!
	for _ in $(seq 100); do
		[ ! -s "$work/$name/status.json" ] || return 0
		kill -0 $recorder 2> /dev/null || return 0
		sleep 0.05
	done
}
end() {          # end NAME CODE [PID]
	local got=0
	kill -TERM "${3:-$recorder}" 2> /dev/null
	wait "$recorder" || got=$?
	[ "$got" = "$2" ] || { failures=$((failures + 1)); echo "$1: exit status $got, expected $2:"; cat "$work/$1.said"; }
}
says() {         # says NAME REGEX: in what the recorder said
	grep -qE -- "$2" "$work/$1.said" || { failures=$((failures + 1)); echo "$1 does not say /$2/:"; cat "$work/$1.said"; }
}

# ---- without ... ----------------------------------------------------------------------------------------

begin none "$OOMLENS" record --without=ballot,walk,trace,log
end none 3
says none 'nothing tells of the OOM killer'

if [ -r /dev/kmsg ] && [ "$me" = 0 ]; then
	begin log "$OOMLENS" record --without=ballot,walk,trace
	same 'feeds with the log alone' 1 "$(state log '[.feeds[].open] | add')"
	same 'why there is no ballot' 'switched off' "$(why log ballot)"
	end log 0

	begin bare "$bare" record
	same 'the log without BPF' 1 "$(is_open bare log)"
	says bare 'built without BPF'
	says bare 'built without libtracefs'
	end bare 0

	# the outer processes are not seen from here, but the kernel's log is
	begin inner unshare --mount --pid --fork --mount-proc "$OOMLENS" record
	same 'the log in a PID namespace' 1 "$(is_open inner log)"
	end inner 0 "$(pgrep -P $recorder)"

	# no tracefs, and no place to mount one: an empty /sys/kernel but for the types of BPF
	begin untraced unshare --mount sh -c 'mkdir "$1/btf" && mount --bind /sys/kernel/btf "$1/btf" &&
		mount -t tmpfs none /sys/kernel && mkdir /sys/kernel/btf && mount --move "$1/btf" /sys/kernel/btf &&
		shift && exec "$@"' sh "$work" "$OOMLENS" record
	same 'the log without tracefs' 1 "$(is_open untraced log)"
	same 'trace without tracefs' 0 "$(is_open untraced trace)"
	says untraced 'trace: .*(there is no tracefs|is empty)'
	end untraced 0
fi
if [ "$me" = 0 ] && command -v setpriv > /dev/null; then
	begin nobody setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all "$OOMLENS" record
	says nobody 'ballot: BPF needs root'
	says nobody 'trace: .*(root alone|Permission denied)'
	if [ "$(cat /proc/sys/kernel/dmesg_restrict)" = 1 ]; then
		says nobody 'log: .*permi'
		end nobody 3
	else
		end nobody 0
	fi
fi

# ---- real kills -----------------------------------------------------------------------------------------

memory=/sys/fs/cgroup/memory v2=0
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	memory=/sys/fs/cgroup v2=1
	grep -qw memory $memory/cgroup.controllers && { echo +memory > $memory/cgroup.subtree_control; } 2> /dev/null || memory=
fi
if [ "$me" != 0 ] || [ ! -w "$memory/cgroup.procs" ] || [ "$(readlink /proc/self/ns/pid)" != 'pid:[4026531836]' ]; then
	[ $failures = 0 ] || exit 1
	echo "cannot run here: kills in memory cgroups need root, a memory controller and the machine's own PID namespace"
	exit 77
fi
group=$memory/oomlens-cli.$$
trap 'kill -9 $recorder 2> /dev/null; rmdir "$group"/* "$group" 2> /dev/null; rm -rf "$work"' EXIT
mkdir "$group"
[ $v2 = 0 ] || echo +memory > "$group/cgroup.subtree_control"
gcc -std=gnu11 -D_GNU_SOURCE -O2 -o "$work/storm" tests/lab/storm.c
begin kill "$OOMLENS" record --flight 1s
sleep 0.5                        # for a first sample
db=$work/kill/oom.db
"$work/storm" "$group" $v2 3 20 8 > "$work/pids" 2> /dev/null || { failures=$((failures + 1)); echo "not everybody died"; }
died=$(paste -sd, "$work/pids")
for _ in $(seq 100); do
	[ "$(sqlite3 "$db" "SELECT count(*) FROM life WHERE pid IN ($died) AND marked_us")" != 3 ] || break
	sleep 0.1
done
same 'each who died is the victim of one event' "$(sort "$work/pids")" \
	"$(sqlite3 "$db" "SELECT pid FROM v_victim WHERE pid IN ($died) ORDER BY CAST(pid AS TEXT)")"
same 'each has a life' 3,3,3 "$(sqlite3 -separator , "$db" "SELECT count(*), count(marked_us), sum(class IN ('logged', 'rate_limited'))
	FROM v_life WHERE pid IN ($died)")"
event="(SELECT max(event_id) FROM v_victim WHERE pid IN ($died))"
same 'the kernel counted it' 1 "$(sqlite3 "$db" "SELECT count(*) FROM v_memory WHERE event_id = $event AND zone = 'vmstat'")"
same 'its cgroup makes no shape' 0 "$(sqlite3 "$db" "SELECT count(*) FROM shape WHERE shape LIKE '%oomlens-cli%'")"
same 'it says who was large before' 1 "$(sqlite3 "$db" "SELECT count(*) > 0 FROM flight WHERE k >> 20 = $event")"
for _ in $(seq 30); do           # told at most once a second
	RUNTIME_DIRECTORY=$work/kill expect 0 '' "$OOMLENS" record --status --json
	[ "$(jq .stored "$work/stdout")" -lt 3 ] || break
	sleep 0.1
done
same 'status' true "$(jq '.running == 1 and .stored >= 3 and .logged + .rate_limited >= 3 and .dropped == 0' "$work/stdout")"
end kill 0
same 'integrity' ok "$(sqlite3 "$db" 'PRAGMA integrity_check')"
finish
