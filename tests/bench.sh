#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench.sh BUILD: each speed as a ratio against a named reference in the same run; medians of RUNS pairs, all
# from page cache.  CPU time (user + system) counts, since other work on the machine disturbs it least; wall time
# stands beside it.
set -eu
build=$1 runs=${RUNS:-5} oomlens=$1/oomlens
work=${TMPDIR:-/var/tmp}/oomlens-bench.$$
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT
dump=tests/cases/6.12-global/log
export LC_ALL=C

measure() {      # measure COMMAND...: "cpu-ms wall-ms" of one run
	local TIMEFORMAT='%U %S %R'
	{ time sh -c "$1" > /dev/null 2>&1 || true; } 2>&1 | awk '{ printf "%d %d\n", ($1 + $2) * 1000, $3 * 1000 }'
}
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
compare() {      # compare NAME FILE "COMMAND" "REFERENCE"
	local i
	measure "$3" > /dev/null; measure "$4" > /dev/null
	: > "$work/a"; : > "$work/b"
	for i in $(seq "$runs"); do measure "$3" >> "$work/a"; measure "$4" >> "$work/b"; done
	awk -v name="$1" -v bytes="$(stat -c %s "$2")" -v ref="${4%% *}" \
		-v a="$(cut -d' ' -f1 "$work/a" | median)" -v aw="$(cut -d' ' -f2 "$work/a" | median)" \
		-v b="$(cut -d' ' -f1 "$work/b" | median)" -v bw="$(cut -d' ' -f2 "$work/b" | median)" \
		'BEGIN { a += !a; b += !b; aw += !aw; bw += !bw
			printf "%-30s %5d ms CPU %5.0f MB/s  %s %4d ms CPU  ratio %.2f  (wall %d/%d ms, %.2f)\n",
				name, a, bytes / a / 1e3, ref, b, a / b, aw, bw, aw / bw }'
}
peak() {         # peak NAME COMMAND...: most memory that it ever held, against the limit of 64 MiB
	local name=$1
	shift
	/usr/bin/time -o "$work/peak" -f %M "$@" > /dev/null 2>&1 || true
	awk -v name="$name" 'END { printf "%-30s %5.1f MiB  ratio to 64 MiB %.2f\n", name, $1 / 1024, $1 / 65536 }' \
		"$work/peak"
}
many_files() {   # a directory with the logs of many machines
	local i
	mkdir -p "$work/many"
	for i in $(seq 3000); do cat $dump > "$work/many/$i.log"; done
}

"$build/bench_gen" "${MIXED_MIB:-1024}" 9999 < $dump > "$work/mixed.log"
"$build/bench_gen" "${DUMPS_MIB:-256}" 0 < $dump > "$work/small.log"
"$build/bench_gen" "${DUMPS_MIB:-256}" 0 120 < $dump > "$work/large.log"
echo "1 in 10,000 lines is OOM, $(wc -l < "$work/mixed.log") lines:"
compare "explain" "$work/mixed.log" "$oomlens explain $work/mixed.log" \
	"grep -cF 'invoked oom-killer' $work/mixed.log | cat"
for size in small large; do
	log=$work/$size.log events=$(grep -c 'invoked oom-killer' "$work/$size.log")
	echo "nothing but dumps, $events events of $(($(wc -l < "$log") / events)) lines:"
	compare "explain --json" "$log" "$oomlens explain --json $log" "wc -l $log"
	compare "import" "$log" "rm -f $work/db*; $oomlens import -q --db $work/db $log" "wc -l $log"
done
echo "peak memory:"
peak "explain, mixed log" "$oomlens" explain "$work/mixed.log"
rm -f "$work/mixed.log"
peak "import, small dumps" "$oomlens" import -q --db "$work/db2" "$work/small.log"
peak "import, large dumps" "$oomlens" import -q --db "$work/db3" "$work/large.log"
rm -f "$work"/db* "$work"/*.log
many_files
peak "import, 3,000 files" "$oomlens" import -q --db "$work/db4" "$work/many"
head -c "${LINE_MIB:-1024}M" /dev/zero | tr '\0' x > "$work/line"
peak "explain, one line of ${LINE_MIB:-1024} MiB" "$oomlens" explain "$work/line"
for b in "$build"/bench_*; do
	case $b in *.o|*.d|*/bench_gen) continue ;; esac
	"$b"
done
tests/bench_merge.sh "$build"
tests/bench_reports.sh "$build"
tests/bench_record.sh "$build"
