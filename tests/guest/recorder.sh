#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# recorder.sh KERNEL [BOOT…|fetch]: `oomlens record` in guests with that kernel. Each boot plays its scenarios; what they
# know goes to build/guest/recorder/KERNEL/SCENARIO, the store and the recorder's own words to .../BOOT.
# The store lies on a disk, and so do the program and its libraries. judge.sh says what it is worth.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
work=$PWD/build/guest
series=$1
shift
PATH=$PATH:/usr/sbin:/sbin
out=$work/recorder/$series
MEMORY=${MEMORY:-352}
oomlens=${OOMLENS:-$PWD/build/gcc/oomlens}

. "$here/guest.inc"

declare -A plays=(
	# Who has not freed its memory after a minute is told so: pinned comes first.
	[main]="start pinned global memcg group-kill cpuset mempolicy allocating-task sysrq adj tree shared-mm vfork no-dump swap
		unkillable stuck will-free unable-to-reap storm crowd deluge stop again panic"
	[integrity]="integrity no-tracefs no-bpf"
	[confidentiality]="confidentiality"
)
declare -A append=([main]='' [integrity]=lockdown=integrity [confidentiality]=lockdown=confidentiality)

build_initrd()
{
	local root=$work/root-$series
	base_root "$root"
	mv "$root/scenarios" "$root/scenarios.plain"
	install -m 644 "$here/recorder.scenarios" "$root/scenarios"
	pack "$root"
}

build_disk()
{
	local root=$work/disk-$series library
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/lib"
	strip -o "$root/bin/oomlens" "$oomlens"
	for library in $(ldd "$oomlens" | grep -o '/[^ ]*'); do
		cp -L "$library" "$root/lib/"
	done
	rm -f "$work/$series-disk"
	mke2fs -q -F -t ext4 -d "$root" "$work/$series-disk" 128M > /dev/null
	rm -rf "$root"
}

# What is on the disk, also after a panic.
read_disk()
{
	local disk=$1 dir=$2
	e2fsck -p "$disk" > /dev/null || [ $? -le 2 ] || { echo "$disk: damaged" >&2; return 1; }
	rm -rf "$dir"
	mkdir -p "$dir"
	debugfs -R "rdump / $dir" "$disk" 2> /dev/null
	rm -rf "$dir"/{bin,lib,lost+found}
}

play_boot()
{
	local boot=$1 scenario
	shift
	for scenario; do
		rm -rf "${out:?}/$scenario"
	done
	cp --sparse=always "$work/$series-disk" "$work/$series-$boot.disk"
	boot "$boot" "${SECONDS_PER_BOOT:-1200}" "${append[$boot]} play=$(tr ' ' , <<< "$*") ACTORS=/run/actors \
		rdinit=/bin/actor -- comm=init-twin fork{ exec /init } reap wait=/run/pin \
		cgroup=/sys/fs/cgroup/pin/cgroup.procs vm{ comm=twin grow } hold" $numa \
		-drive "file=$work/$series-$boot.disk,format=raw,if=virtio,cache=writeback"
	read_disk "$work/$series-$boot.disk" "$out/boot-$boot"
	rm -f "$work/$series-$boot.disk"
	for scenario; do
		case $scenario in start|stop|again|panic) ;; *) echo "$scenario" ;; esac
	done > "$out/boot-$boot/plays"
}

main()
{
	local boot
	mkdir -p "$work" "$out"
	fetch
	[ "${1-}" != fetch ] || return 0
	build_initrd
	build_disk
	for boot in ${*:-main integrity confidentiality}; do
		play_boot "$boot" ${PLAY:-${plays[$boot]}}
	done
}

main "$@"; exit
