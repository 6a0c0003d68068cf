#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Real OOM kills inside memory cgroups of the running machine: memcg.sh [-o DIR] [SCENARIO…]
#
# Needs root. Every kill happens in a cgroup whose limit this script has set, so the machine itself is never
# short of memory. DIR gets one directory per scenario: log (dmesg), raw (the bytes of syslog(2)), kmsg (records),
# facts (who was there, who died, by what limit; none of it taken from the log).
set -eu

here=$(dirname "$(readlink -f "$0")")
out=$PWD/build/lab
[ "${1-}" != -o ] || { out=$2; shift 2; }
work=$(mktemp -d)
actor=$work/actor
run=$work/run
ALL='simple nested adj tie hostile-total-vm hostile-pid-uid hostile-row newline escapes empty-name utf8 invalid-utf8
unprivileged tree dead-leader unkillable threads shmem four-kills no-dump cgroup-names'

[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 2; }
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
	root=/sys/fs/cgroup limit_file=memory.max swap_file=memory.swap.max
	version=2
else
	root=/sys/fs/cgroup/memory limit_file=memory.limit_in_bytes swap_file=memory.memsw.limit_in_bytes
	version=1
fi

cleanup()
{
	everybody | xargs -r kill -9 2>/dev/null || :
	sleep 0.2
	find "$root/oomlab" -depth -type d -exec rmdir {} + 2>/dev/null || :
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

# everybody: the pids of all processes in the cgroups of this script
everybody() { find "$root/oomlab" -name cgroup.procs -exec cat {} + 2>/dev/null || :; }

oom_kills() { sed -n 's/^oom_kill //p' /proc/vmstat; }

fact() { printf '%s: %s\n' "$1" "$2" >> "$dst/facts"; }

# group PATH LIMIT_MIB: a memory cgroup below the scenario's own
group()
{
	mkdir -p "$root/oomlab/$1"
	echo "$2M" > "$root/oomlab/$1/$limit_file"
	echo "$2M" > "$root/oomlab/$1/$swap_file" 2>/dev/null || :
	fact "limit_kb" "$(($2 * 1024)) /oomlab/$1"
}

# act GROUP STEPS…: one process that starts its part inside the group
act()
{
	into=$root/oomlab/$1/cgroup.procs
	shift
	$aslr "$actor" "cgroup=$into" "$@" &
	pids="$pids $!"
}

# A process is gone when no thread of it lives: its leader alone may be a zombie.
died() { ! grep -qv ') [ZX] ' "/proc/$1/task"/*/stat 2>/dev/null; }

wait_death()
{
	n=0
	while [ $n -lt 200 ]; do
		[ "$(oom_kills)" = "$kills_before" ] || { sleep 0.4; return 0; }
		n=$((n + 1))
		sleep 0.05
	done
	echo "$s: nobody died" >&2
}

scenario()
{
	s=$1
	case $s in
	simple)
		fact note 'one process outgrows its group, two others stay small'
		group "$s" 48
		act "$s" comm=bystander mem=8 hold
		act "$s" comm=sidecar mem=4 hold
		sleep 0.3
		act "$s" comm=hog grow ;;
	nested)
		fact note 'the limit of an ancestor is hit: the largest process of the whole subtree dies, not the one that allocates'
		group "$s" 64
		group "$s/front" 60
		group "$s/back" 60
		group "$s/back/pool" 50
		act "$s/back/pool" comm=pool-worker mem=36 hold
		act "$s/front" comm=web mem=4 hold
		sleep 0.3
		act "$s/front" comm=cache grow ;;
	adj)
		fact note 'a small process with oom_score_adj 500 dies before the large one'
		group "$s" 64
		act "$s" comm=volunteer adj=500 mem=6 hold
		act "$s" comm=batch adj=100 mem=24 hold
		sleep 0.3
		act "$s" comm=large grow ;;
	tie)
		fact note 'equal twins, page tables included; the last of them in the list dies'
		aslr='setarch -R'
		group "$s" 64
		for i in 1 2 3 4; do
			act "$s" comm=twin-$i mem=15 hold
			sleep 0.1
		done
		act "$s" comm=small grow=4 ;;
	hostile-total-vm)	named 'x) total-vm:9kB' ;;
	hostile-pid-uid)	named ',pid=1,uid=0' ;;
	hostile-row)		named 'a b) [9] 0' ;;
	newline)		named 'evil\x0a[    1.0] x' ;;
	escapes)		named '\x1b[31mred\x1b[0m\x07' ;;
	empty-name)		named '' ;;
	utf8)			named 'größe-日本' ;;
	invalid-utf8)		named 'a\xff\xfe\x80b\xc3' ;;
	unprivileged)
		fact note 'processes of users without privileges'
		group "$s" 48
		act "$s" comm=alice-app uid=1001 mem=8 hold
		act "$s" comm=nobody-app uid=65534 mem=6 hold
		sleep 0.3
		act "$s" comm=bob-app uid=4294967294 grow ;;
	tree)
		fact note 'a parent with four children; the largest child dies, parent and siblings live'
		group "$s" 64
		act "$s" comm=parent mem=2 fork{ comm=child-1 mem=6 hold } fork{ comm=child-2 mem=8 hold } \
			fork{ comm=child-3 mem=4 hold } fork{ comm=child-4 sleep=400 grow } hold ;;
	dead-leader)
		fact note 'the thread group leader has exited, a thread lives on and owns the memory'
		group "$s" 48
		act "$s" comm=bystander mem=4 hold
		act "$s" comm=dead-leader report thread{ comm=live-thread sleep=300 grow } leave ;;
	threads)
		fact note 'a thread with a name of its own allocates; the table names the leader'
		group "$s" 48
		act "$s" comm=bystander mem=4 hold
		act "$s" comm=leader-name report thread{ comm=idle-thread hold } thread{ comm=greedy-thread sleep=300 grow } hold ;;
	shmem)
		fact note 'shared anonymous memory: rss_shmem decides'
		group "$s" 48
		act "$s" comm=anon-user mem=14 hold
		act "$s" comm=shm-user shmem=20 hold
		sleep 0.3
		act "$s" comm=late grow ;;
	four-kills)
		fact note 'four kills of one group in a row, until the process that grows is the largest'
		group "$s" 64
		for i in 1 2 3; do
			act "$s" "comm=service-$i" adj=$((800 + 50 * i)) mem=$((6 + i)) hold
		done
		sleep 0.3
		act "$s" comm=hog grow ;;
	no-dump)
		fact note 'vm.oom_dump_tasks=0: a kill without a task table'
		group "$s" 48
		keep=$(cat /proc/sys/vm/oom_dump_tasks)
		echo 0 > /proc/sys/vm/oom_dump_tasks
		act "$s" comm=bystander mem=4 hold
		act "$s" comm=hog grow
		wait_death
		echo "$keep" > /proc/sys/vm/oom_dump_tasks ;;
	cgroup-names)
		fact note 'cgroup names that look like fields of the summary line'
		group "$s" 64
		group "$s/a b,task=init" 48
		group "$s/a b,task=init/x,pid=1,uid=0" 40
		act "$s/a b,task=init/x,pid=1,uid=0" comm=inner mem=6 hold
		sleep 0.2
		act "$s/a b,task=init/x,pid=1,uid=0" comm=hog grow ;;
	unkillable)
		# Lowering the value needs CAP_SYS_RESOURCE, which containers and small machines do not have.
		if ! sh -c 'echo -1000 > /proc/self/oom_score_adj' 2>/dev/null; then
			echo "$s: not allowed to lower oom_score_adj here, skipped" >&2
			return 1
		fi
		fact note 'only a process that cannot be killed: the kernel gives up, again and again'
		group "$s" 32
		act "$s" comm=immortal adj=-1000 grow
		sleep 1
		return 0 ;;
	*)
		echo "$0: unknown scenario '$s'" >&2
		exit 2 ;;
	esac
	wait_death
	[ "$s" != four-kills ] || sleep 1
}

named()
{
	fact note "the victim has a hostile name"
	group "$s" 40
	act "$s" comm=bystander mem=4 hold
	sleep 0.2
	act "$s" "comm=$1" grow
}

# finish: who is still here is a survivor, who has gone was killed
finish()
{
	dead=
	while read -r line; do
		pid=${line#pid=} tgid=${line#*tgid=}
		pid=${pid%% *} tgid=${tgid%% *}
		if died "$tgid"; then
			fact died "$line"
			case "$dead " in
			*" $tgid "*) ;;
			*) dead="$dead $tgid" victim_comm=${line#*comm=} ;;
			esac
		else
			fact survived "$line"
		fi
	done < "$ACTORS"
	if [ "$(echo $dead | wc -w)" = 1 ]; then
		fact victim_pid "${dead# }"
		fact victim_comm "$victim_comm"
	fi
	fact oom_kills "$(($(oom_kills) - kills_before))"
	for pid in $pids; do
		kill -9 "$pid" 2>/dev/null || :
		wait "$pid" 2>/dev/null || :
	done
	everybody | xargs -r kill -9 2>/dev/null || :
}

gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O2 -static -pthread -o "$actor" "$here/../guest/actor.c"
chmod 755 "$work"
mkdir -p "$root/oomlab" "$run"
[ $version = 1 ] || echo +memory > "$root/oomlab/cgroup.subtree_control"
export ACTORS="$run/actors"
for s in ${*:-$ALL}; do
	dst=$out/$s
	rm -rf "$dst"
	mkdir -p "$dst"
	pids='' aslr=''
	: > "$ACTORS"
	chmod 666 "$ACTORS"
	chmod 755 "$run"
	kills_before=$(oom_kills)
	mark="lab $$: $s"
	fact kernel "$(uname -r)"
	fact scenario "$s"
	fact scope memcg
	fact cgroup_version $version
	fact swap_kb "$(sed -n 's/^SwapTotal: *\([0-9]*\) kB/\1/p' /proc/meminfo)"
	echo "<6>$mark begins" > /dev/kmsg
	scenario "$s" || { rm -rf "$dst"; continue; }
	finish
	sleep 0.2
	echo "<6>$mark is over" > /dev/kmsg
	sleep 0.1
	# The stretch between the two marks, as each reader of the log shows it.
	dmesg -S | sed -n "/$mark begins/,/$mark is over/p" > "$dst/log"
	busybox dmesg -r | sed -n "/$mark begins/,/$mark is over/p" > "$dst/raw"
	dd if=/dev/kmsg iflag=nonblock bs=8192 2>/dev/null | sed -n "/$mark begins/,/$mark is over/p" > "$dst/kmsg" || :
	echo "$s: $(grep -c . "$dst/log") lines, $(grep -c ^died: "$dst/facts" || :) died"
done
