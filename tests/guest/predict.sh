#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# predict.sh KERNEL [judge|SCENARIO…]: oomtop in a guest with that kernel, twice a second, while the scenarios are played.
# Whom it named a second before each kill, for the domain that ran out of memory, must be whom the kernel killed, wherever
# that was decided by badness. Prints a table; fails when one differs.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
series=$1
shift
oomlens=${OOMLENS:-$PWD/build/gcc/oomlens}
oomtop=${OOMTOP:-${oomlens%/*}/oomtop}
out=$PWD/build/guest/predict/$series

# Decided by badness, all of them; the rest is one kill that others decide, none at all, or a kernel that stops.
scenarios="global memcg memcg-swap group-kill adj tree shared-mm vfork no-dump swap names dead-leader hugepages
	cpuset mempolicy numa"

overlay()
{
	local dir=$1 lib
	mkdir -p "$dir/bin"
	cp "$here/scenarios" "$dir/scenarios.plain"
	cp "$here/predict.scenarios" "$dir/scenarios"
	strip -o "$dir/bin/oomtop" "$oomtop"
	for lib in $(ldd "$oomtop" | grep -o '/[^ ]*'); do
		mkdir -p "$dir$(dirname "$lib")"
		cp -L "$lib" "$dir$lib"
		strip --strip-unneeded "$dir$lib" 2> /dev/null || :
	done
}

judge()
{
	local dir=$1 scenario=${1##*/} log_us
	[ -s "$dir/predictions" ] || { printf '%s\t-\t-\t-\t-\tno predictions\n' "$scenario"; return; }
	"$oomlens" explain --json "$dir/log" > "$dir/kills.json" 2> /dev/null || :
	log_us=$(sed -n 's/^\[ *\([0-9]*\)\.\([0-9]*\)\] lab: .* clock$/\1\2/p' "$dir/log")
	jq -rn --arg scenario "$scenario" --argjson ahead "$(($(sed -n 's/^uptime_us: //p' "$dir/facts") - log_us))" \
		--slurpfile explained "$dir/kills.json" --slurpfile passes "$dir/predictions" -f "$here/predict.jq"
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ "${1-}" = judge ]; then
	set -- $scenarios
else
	overlay "$work"
	set -- ${*:-$scenarios}
	SECONDS_PER_BOOT=${SECONDS_PER_BOOT:-1200} MEMORY=${MEMORY:-384} OVERLAY=$work "$here/run.sh" -o "$out" "$series" "$@" > "$work/played"
fi
{
	printf 'scenario\tcounters\tdomain\tpredicted\tkilled\tresult\n'
	for scenario; do
		[ ! -d "$out/$scenario" ] || judge "$out/$scenario"
	done
} > "$work/table"
column -t -s "$(printf '\t')" "$work/table"
[ "$(wc -l < "$work/table")" -gt 1 ] && ! sed 1d "$work/table" | grep -qvE '	(ok|too soon.*)$'
