#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# OOM kills on Debian kernels in a throw-away guest: run.sh [-o DIR] KERNEL SCENARIO…
#
# KERNEL is a series such as 6.1 or 6.12: the newest cloud kernel of that series that Debian offers (oldoldstable
# up to unstable) is fetched with apt into build/guest. SCENARIO is a play_ function of the file scenarios, "pinned"
# or "all". No root and no KVM are needed; a guest is up in a few seconds. DIR (build/guest/out/KERNEL) gets a
# directory per scenario: log, facts and, where BPF may load, ballot.tsv.
# OVERLAY: a directory whose files go into the guest too; MEMORY: MiB (256); APPEND: for the kernel's command line.
# SECONDS_PER_BOOT: until a guest is given up.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
work=$PWD/build/guest
out=
[ "${1-}" != -o ] || { out=$(readlink -m "$2"); shift 2; }
[ $# -ge 2 ] || { sed -n '4,10s/^# \?//p' "$0" >&2; exit 2; }
series=$1
shift
out=${out:-$work/out/$series}
every=$(sed -n 's/^play_\([a-z_0-9]*\)().*/\1/p' "$here/scenarios" | tr _ -)
[ "$1" != all ] || set -- $every pinned

. "$here/guest.inc"

build_initrd()
{
	local root=$work/root-$series
	base_root "$root"
	# The kernel's own count of each selection, where clang and a static libbpf are there to build what listens.
	if clang -target bpf -O2 -g "-I/usr/include/$(gcc -print-multiarch)" -D__TARGET_ARCH_x86 -Wall \
			-c -o "$root/bin/ballot.bpf.o" "$here/ballot.bpf.c" &&
			gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O2 -static -o "$root/bin/ballot" \
			"$here/ballot.c" -lbpf -lelf -lz; then
		strip "$root/bin/ballot"
	else
		rm -f "$root/bin/ballot"
	fi
	[ -z "${OVERLAY-}" ] || cp -R "$OVERLAY/." "$root/"
	pack "$root"
}

# from_console SCENARIO: the log of a guest that could not tell it any more
from_console()
{
	mkdir -p "$out/$1"
	sed -n "/lab: $1 begins/,\$p" "$work/$series-$1.console" > "$out/$1/log"
	if grep -q 'Power Off' "$work/$series-$1.console"; then
		echo 'ended: power off'
	else
		echo 'ended: panic'
	fi >> "$out/$1/facts"
}

main()
{
	mkdir -p "$work" "$out"
	fetch
	build_initrd
	local scenario together='' on_numa=''
	for scenario; do
		rm -rf "${out:?}/$scenario"
		case $scenario in
		panic|panic-memcg|deadlock|console|console-quiet|slab)
			boot "$scenario" 120 "play=$scenario"
			from_console "$scenario" ;;
		pinned)
			# pid 1 itself shares its mm with the process that grows; its own end is not part of the story.
			boot "$scenario" 90 "loglevel=8 rdinit=/bin/actor -- comm=init-twin \
				vm{ comm=twin sleep=2000 grow } sleep=15000"
			mkdir -p "$out/pinned"
			sed -n -e '/Attempted to kill init/q' -e '/Run .bin.actor as init/,$p' \
				"$work/$series-pinned.console" > "$out/pinned/log"
			printf '%s: %s\n' kernel "$series" scenario pinned scope global victim_comm twin \
				note 'a process that shares its mm with pid 1 is chosen: it dies, the mm is pinned' \
				> "$out/pinned/facts" ;;
		movable)
			boot "$scenario" 180 "movablecore=160M play=$scenario"
			from_console "$scenario" ;;
		protected)
			truncate -s 96M "$work/$series-disk"
			boot "$scenario" 90 "play=$scenario" -drive "file=$work/$series-disk,if=virtio,format=raw" ;;
		memcg-v1)
			boot "$scenario" 90 "cgroup1 play=$scenario" ;;
		cpuset|mempolicy|numa)
			on_numa+=,$scenario ;;
		*)
			grep -qx "$scenario" <<< "$every" || [ -n "${OVERLAY-}" ] || { echo "$0: unknown scenario '$scenario'" >&2; exit 2; }
			together+=,$scenario ;;
		esac
	done
	[ -z "$on_numa" ] || boot numa "${SECONDS_PER_BOOT:-180}" "play=${on_numa#,}" $numa
	[ -z "$together" ] || boot together "${SECONDS_PER_BOOT:-600}" "play=${together#,}"
	for scenario; do
		printf '%-6s %-16s %s lines, %s\n' "$series" "$scenario" \
			"$(wc -l 2>/dev/null < "$out/$scenario/log" || echo no)" \
			"$(sed -n 's/^oom_kills: /kills /p' "$out/$scenario/facts" 2>/dev/null | tail -1)"
	done
}

main "$@"; exit
