#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench.sh BUILD: speeds as ratios against a named reference in the same run; the median of RUNS pairs, both from page cache.
set -eu
build=$1 runs=${RUNS:-5} oomlens=$1/oomlens
work=${TMPDIR:-/var/tmp}/oomlens-bench.$$
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
dump=tests/cases/6.12-global/log
export LC_ALL=C

seconds() {      # seconds COMMAND...: wall time of one run
	local t0 t1
	t0=$(date +%s%N); "$@" > /dev/null 2>&1 || true; t1=$(date +%s%N)
	echo $(((t1 - t0) / 1000))
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
compare() {      # compare NAME FILE "COMMAND" "REFERENCE"
	local name=$1 file=$2 a=() b=() i mib
	mib=$(($(stat -c %s "$file") >> 20))
	seconds sh -c "$3" > /dev/null; seconds sh -c "$4" > /dev/null
	for i in $(seq "$runs"); do a+=("$(seconds sh -c "$3")"); b+=("$(seconds sh -c "$4")"); done
	awk -v name="$name" -v a="$(printf '%s\n' "${a[@]}" | median)" -v b="$(printf '%s\n' "${b[@]}" | median)" -v mib="$mib" -v ref="${4%% *}" \
		'BEGIN { printf "%-34s %7.3f s %7.0f MB/s   %-6s %7.3f s   ratio %.2f\n", name, a / 1e6, mib * 1.048576 / (a / 1e6), ref, b / 1e6, a / b }'
}
peak() { /usr/bin/time -o "$work/peak" -f %M "$@" > /dev/null 2>&1 || true; echo $(($(tail -n 1 "$work/peak") >> 10)); }

"$build/bench_gen" "${MIXED_MIB:-1024}" 9999 < $dump > "$work/mixed.log"
"$build/bench_gen" "${DUMPS_MIB:-256}" 0 < $dump > "$work/dumps.log"
echo "1 in 10,000 lines is OOM, $(wc -l < "$work/mixed.log") lines:"
compare "explain" "$work/mixed.log" "$oomlens explain $work/mixed.log" "grep -cF 'invoked oom-killer' $work/mixed.log | cat"
echo "nothing but dumps, $(grep -c 'invoked oom-killer' "$work/dumps.log") events:"
compare "explain --json" "$work/dumps.log" "$oomlens explain --json $work/dumps.log" "wc -l $work/dumps.log"
compare "import" "$work/dumps.log" "rm -f $work/db*; $oomlens import -q --db $work/db $work/dumps.log" "wc -l $work/dumps.log"
echo "peak memory: explain $(peak "$oomlens" explain "$work/mixed.log") MiB, import $(peak "$oomlens" import --db "$work/db2" "$work/dumps.log") MiB"
for b in "$build"/bench_*; do
	case $b in *.o|*.d|*/bench_gen) continue ;; esac
	"$b"
done
