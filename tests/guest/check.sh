#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# check.sh [KERNEL…]: the guest lab of the recorder, all kernels (6.1, 6.12) side by side. Plays the scenarios of
# recorder.sh, then prints one table: what the kernel did, what the store holds. Fails when the two differ. Then those of
# predict.sh: whom oomtop foretold, whom the kernel killed.
set -uo pipefail

here=$(dirname "$(readlink -f "$0")")
work=$PWD/build/guest
kernels=${*:-6.1 6.12}

PATH=$PATH:/usr/sbin:/sbin

cannot() { echo "cannot run here: $*"; exit 77; }

for program in qemu-system-x86_64 busybox cpio mke2fs debugfs e2fsck sqlite3 xz; do
	command -v "$program" > /dev/null || cannot "$program is not installed (make deps-guest)"
done
[ "$(uname -m)" = x86_64 ] || cannot "the programs of this machine do not run in a guest of another kind"
mkdir -p "$work"
for series in $kernels; do
	"$here/recorder.sh" "$series" fetch > "$work/$series-fetch" 2>&1 ||
		cannot "no kernel $series: $(tail -n 1 "$work/$series-fetch")"
done
running=
for series in $kernels; do
	"$here/recorder.sh" "$series" > "$work/$series-recorder" 2>&1 &
	running+=" $!"
done
for pid in $running; do
	wait "$pid" || echo "a guest failed, see $work/*-recorder"
done
failed=0
"$here/judge.sh" $kernels || failed=1
running=
for series in $kernels; do
	"$here/predict.sh" "$series" > "$work/$series-predict" 2>&1 &
	running+=" $!"
done
for pid in $running; do
	wait "$pid" || failed=1
done
for series in $kernels; do
	echo "oomtop, a second before each kill, $series:"
	cat "$work/$series-predict"
done
[ $failed = 0 ]
