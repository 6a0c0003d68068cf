#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# witness.sh [-o DIR] KERNEL SCENARIO…: as run.sh, with the recorder's feeds watching; then compares what they saw of each
# candidate with the kernel's own table.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
make -s build/gcc/witness
overlay=$(mktemp -d)
trap 'rm -rf "$overlay"' EXIT
mkdir "$overlay/bin"
strip -o "$overlay/bin/witness" build/gcc/witness
cp "$here/scenarios" "$overlay/scenarios.plain"
cp "$here/witness.scenarios" "$overlay/scenarios"
out=$PWD/build/guest/witness
[ "${1-}" != -o ] || { out=$(readlink -m "$2"); shift 2; }
OVERLAY=$overlay "$here/run.sh" -o "$out/$1" "$@"
series=$1
shift
for scenario; do
	for feed in ballot walk; do
		printf '%-5s %-14s %-7s' "$series" "$scenario" "$feed"
		awk -v feed="$feed" -f "$here/compare.awk" "$out/$series/$scenario/log" "$out/$series/$scenario/seen"
	done
done
