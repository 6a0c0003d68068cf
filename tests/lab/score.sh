#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# score.sh [SAMPLES [OOMTOP]]: /proc/PID/oom_score, made again from the points of `oomtop -b --json`, against the files
# that the kernel gives, while processes come, grow and go.  Each file is read before and after the pass: a score between
# the two agrees, since no one can read a moving process at one moment.  Exit status 1: fewer than 99.9 % agree, or a process that did
# not run meanwhile differs.
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."
samples=${1:-100} oomtop=${2:-build/gcc/oomtop}
work=$(mktemp -d)
load=()
finish() { for pid in "${load[@]}"; do kill "$pid" 2> /dev/null || true; done; rm -rf "$work"; }
trap finish EXIT

churn() { while :; do dd if=/dev/zero of=/dev/null bs=$((RANDOM % 48 + 1))M count=2 2> /dev/null; sleep 0.0$((RANDOM % 9)); done; }
for _ in 1 2 3; do churn & load+=($!); done
# "pid score" of each, and in FILE.ran "pid nanoseconds" that it has run
read_all() { grep -H . /proc/[0-9]*/"$1" 2> /dev/null | sed "s|^/proc/||; s|/$1:| |" > "$2" || true; }

for _ in $(seq "$samples"); do
	read_all schedstat "$work/before.ran"
	read_all oom_score "$work/before"
	"$oomtop" -b --json > "$work/top"
	read_all oom_score "$work/after"
	read_all schedstat "$work/after.ran"
	jq -r '.domain.totalpages as $t | .source as $s | .ranking[]
		| [.tgid, $t, $s, (if .eligible then .points else "none" end), (.comm | gsub("[ \t]"; "_"))] | @tsv' "$work/top" |
	awk -v before="$work/before" -v after="$work/after" '
		BEGIN { while ((getline l < before) > 0) { split(l, f, " "); b[f[1]] = f[2] }
			while ((getline l < after) > 0) { split(l, f, " "); a[f[1]] = f[2] }
			while ((getline l < (before ".ran")) > 0) { split(l, f, " "); ran[f[1]] = f[2] }
			while ((getline l < (after ".ran")) > 0) { split(l, f, " "); ran[f[1]] = f[2] - ran[f[1]] } }
		function again(points, total) { return points == "none" ? 0 : int((1000 + int(points * 1000 / total)) * 2 / 3) }
		!($1 in b) || !($1 in a) { print "came or went"; next }
		{ s = again($4, $2); lo = a[$1] < b[$1] ? a[$1] : b[$1]; hi = a[$1] + b[$1] - lo
		  if (s >= lo && s <= hi) print "agrees", $3
		  else print "MISS", $5 " (pid " $1 "): " s " from " $4 " points, the file said " b[$1] " and " a[$1] (ran[$1] > 0 ? ": it ran meanwhile" : ": UNEXPLAINED") }'
done > "$work/all"
awk '/^agrees/ { ok++; from[$2]++ } /^MISS/ { miss++; bad += /UNEXPLAINED/; print } /^came/ { gone++ }
	END { for (s in from) printf "%d scores from %s\n", from[s], s
		printf "%d of %d scores agree (%.3f %%), %d misses, %d of them by processes that did not run; %d rows came or went\n",
			ok, ok + miss, 100 * ok / (ok + miss), miss, bad, gone
		exit !(ok && ok / (ok + miss) >= 0.999 && !bad) }' "$work/all"
