#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# bench_merge.sh BUILD [KEY=N ...]: stores of a made-up fleet into one, against sqlite3's own ATTACH and INSERT ... SELECT of the
# same rows with shifted keys.  The reference neither looks for events that are there already nor translates shapes nor checks
# a value; machines and words are counted on, not found again.  RUNS pairs, CPU time (user + system).  KEY=N: see fleet_gen.c.
set -eu
build=$1
shift
work=$(mktemp -d "${TMPDIR:-/var/tmp}/oomlens-bench-merge-XXXXXX")
trap 'rm -rf "$work"' EXIT
"$build/fleet_gen" "$work/fleet" hosts=1000 events=8000 tasks=100 stores=8 twins=0 "$@"
stores=("$work"/fleet/*.db)

# The tables' columns, as the schema has them: the key first, shifted by P (parts) or E (events).
reference() {    # reference STORE: SQL that copies it
	local t key shift columns
	echo "ATTACH '$1' AS src;"
	echo "CREATE TEMP TABLE s AS SELECT (SELECT ifnull(max(event_id), 0) FROM main.event) AS e,"
	echo "(SELECT ifnull(max(host_id), 0) FROM main.host) AS h, (SELECT ifnull(max(word_id), 0) FROM main.word) AS w,"
	echo "(SELECT ifnull(max(who_id), 0) FROM main.who) AS p;"
	echo "BEGIN; INSERT OR IGNORE INTO main.shape SELECT * FROM src.shape;"
	while read -r t key shift; do
		columns=$(sqlite3 "$1" "SELECT group_concat('\"' || name || '\"' || CASE WHEN name = 'host_id' THEN ' + s.h'
			WHEN name = 'who_id' THEN ' + s.p' WHEN name LIKE '%\_w' ESCAPE '\' THEN ' + s.w' ELSE '' END, ', ')
			FROM pragma_table_info('$t') WHERE name NOT IN ('$key', 'trace_id')")
		echo "INSERT INTO main.$t (${key:+$key, }${columns// + s.[hpw]/}) SELECT ${key:+$key + $shift, }$columns FROM src.$t, temp.s;"
	done <<-'TABLES'
		host host_id s.h
		word word_id s.w
		who who_id s.p
		event event_id s.e
		verdict event_id s.e
		digest event_id s.e
		evidence event_id s.e
		task k (s.e<<20)
		task_rare k (s.e<<20)
		task_recorded k (s.e<<20)
		victim k (s.e<<20)
		prior k (s.e<<20)
		life k (s.e<<20)
		flight k (s.e<<20)
		note k (s.e<<20)
		recorder
		trace
	TABLES
	echo "COMMIT; DROP TABLE temp.s; DETACH src;"
}
for s in "${stores[@]}"; do reference "$s"; done > "$work/reference.sql"

empty() { rm -f "$work"/"$1"*; "$build/oomlens" import -q --db "$work/$1" /dev/null || true; }
cpu() {          # cpu COMMAND...: ms of CPU, ms of wall time, peak KiB
	/usr/bin/time -o "$work/time" -f '%U %S %e %M' "$@" > /dev/null
	awk '{ printf "%d %d %d\n", ($1 + $2) * 1000, $3 * 1000, $4 }' "$work/time"
}
for _ in $(seq "${RUNS:-3}"); do
	empty b.db
	cpu sqlite3 "$work/b.db" ".read $work/reference.sql" >> "$work/b"
	empty a.db
	cpu "$build/oomlens" merge -q "$work/a.db" "$work/fleet" >> "$work/a"
done
for t in event task task_rare evidence victim life flight trace recorder; do
	a=$(sqlite3 "$work/a.db" "SELECT count(*) FROM $t") b=$(sqlite3 "$work/b.db" "SELECT count(*) FROM $t")
	[ "$a" = "$b" ] || { echo "rows of $t: $a, of the reference: $b"; exit 1; }
done
tasks=$(sqlite3 "$work/a.db" 'SELECT count(*) FROM task')
median() { sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
awk -v a="$(cut -d' ' -f1 "$work/a" | median)" -v b="$(cut -d' ' -f1 "$work/b" | median)" \
	-v aw="$(cut -d' ' -f2 "$work/a" | median)" -v bw="$(cut -d' ' -f2 "$work/b" | median)" \
	-v kib="$(cut -d' ' -f3 "$work/a" | median)" -v tasks="$tasks" -v size="$(stat -c %s "$work/a.db")" 'BEGIN {
	printf "merge, %d candidates        %5d ms CPU, %.2f us/candidate  sqlite3 %5d ms CPU  ratio %.2f  (wall %d/%d ms, %.2f)\n",
		tasks, a, a * 1000 / tasks, b, b / a, aw, bw, bw / aw
	printf "merge, peak memory             %5.1f MiB  ratio to 256 MiB %.2f; store %.1f bytes/candidate\n",
		kib / 1024, kib / 262144, size / tasks }'
