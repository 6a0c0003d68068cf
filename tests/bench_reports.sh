#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench_reports.sh BUILD [STORE]: what each named report costs on a warm store of a made-up fleet (20,000 events; a large one
# is made as tests/fleet_gen.c says), against SQLite's own count of the same events through the view.  CPU time, best of five.
set -eu
build=$1 store=${2-}
if [ -z "$store" ]; then
	work=$(mktemp -d "${TMPDIR:-/var/tmp}/oomlens-bench-reports-XXXXXX")
	trap 'rm -rf "$work"' EXIT
	"$build/fleet_gen" "$work" hosts=2000 events=20000 tasks=30 stores=1
	store=$work/region-000.db
fi
cat "$store" > /dev/null

best() {         # seconds of user and system
	local TIMEFORMAT='%3U %3S'
	for _ in 1 2 3 4 5; do { time "$@" > /dev/null 2>&1; } 2>&1; done | awk '{ print $1 + $2 }' | sort -n | head -n 1
}
reference=$(best sqlite3 -readonly "$store" "SELECT count(*), max(realtime), min(victim_comm), count(DISTINCT hostname), max(scope) FROM v_event")
printf '%-44s %8.3f s\n' "reports: the reference, five columns of v_event" "$reference"
for name in $("$build/oomlens" query --list --csv | tr -d '\r' | sed '1d; s/,.*//'); do
	printf '%s %s\n' "$(best "$build/oomlens" query --db "$store" "$name")" "$name"
done | sort -rn | awk -v reference="$reference" 'NR <= 5 { printf "%-44s %8.3f s %6.2f x\n", "  " $2, $1, $1 / reference } { n++; sum += $1 }
	END { printf "%-44s %8.3f s %6.2f x\n", "  mean of " n, sum / n, sum / n / reference }'
