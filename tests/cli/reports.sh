#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Named reports: what a few events give is counted by hand; every report runs on every kind of store, with the same columns
# and in an order that does not depend on the store.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
db=$work/oom.db

# told HOST TIME CASE N: the dump as the syslog of HOST has it, N minutes of a thousand seconds later on the kernel's clock
told() { sed "s/^\[ *\([0-9]*\)\./[ $4\1./; s/^/$2+00:00 $1 kernel: /" "$cases/$3/log"; }
query() { "$OOMLENS" query --db "$db" --csv "$@" | tr -d '\r' | tail -n +2; }
answers() {      # answers 'ROWS, joined by blanks' NAME OPTIONS...
	local rows=$1
	shift
	same "$*" "$rows" "$(query "$@" | paste -sd' ')"
}

{ told alpha 2026-03-01T05:10:00.000000 6.12-memcg 1
  told alpha 2026-03-01T05:40:00.000000 6.12-memcg 2
  told alpha 2026-03-02T05:10:00.000000 6.12-memcg 3
  told beta 2026-03-02T23:59:59.999999 6.12-global 4
} > "$work/log"
expect 0 '' "$OOMLENS" import -q --db "$db" "$work/log" "$cases/6.12-no-dump/log"
answers '2026-03-02,2,2,2,1,1,2 2026-03-01,2,2,1,0,2,2 ,1,1,1,1,0,0' kills-by-day
answers '2026-03-01,2,2,1,0,2,2' kills-by-day --host alpha --until 2026-03-02Z
answers '2026-03-02,2,2,2,1,1,2' kills-by-day --since 2026-03-02Z
answers '2026-03-02,2,2,2,1,1,2' kills-by-day --top 1
answers '2026-03-01,1,1,1,0,1,1' kills-by-day --since '2026-03-01 05:40:00Z' --until '2026-03-02 05:10:00Z'
answers '05,3,2,1 23,1,1,1' kills-by-hour
answers 'alpha,3,3,0,3,1,2026-03-01T05:10:00.000000Z,2026-03-02T05:10:00.000000Z' kills-by-host --top 1
answers 'alpha,,,hog,3,2026-03-01T05:10:00.000000Z,2026-03-02T05:10:00.000000Z,43200' repeat-offenders
answers '/shop,65536,3,3,1,hog,1,2026-03-02T05:10:00.000000Z' kills-by-limit
answers 'hog,hog,5,5,3,2,2026-03-02T23:59:59.999999Z' triggers
answers '' storms
expect 1 '' "$OOMLENS" query --db "$db" storms
told alpha 2026-03-01T05:59:59.000000 6.12-memcg 5 > "$work/log"
expect 0 '' "$OOMLENS" import -q --db "$db" "$work/log"
answers 'alpha,2026-03-01T05,3,1,0,2026-03-01T05:10:00.000000Z,2026-03-01T05:59:59.000000Z' storms
answers 'events,5 hosts,2 kernels,1 first,2026-03-01T05:10:00.000000Z last,2026-03-02T23:59:59.999999Z' totals --since @1 --top 5
same 'events are named as everywhere' "$(sqlite3 "$db" "SELECT substr(fingerprint, 1, 12) FROM v_event ORDER BY wall_us DESC LIMIT 1")" \
	"$(query recent --top 1 | cut -d, -f1)"

# Who died instead of whom, and what had to wait: facts of the scenarios in guests.
db=$work/scenes.db
expect 0 '' "$OOMLENS" import -q --db "$db" "$cases"/6.12-{adj,unable-to-reap,group-kill,unkillable,cpuset,tie,global,panic}/log
answers 'locked,hog,1,1, sacrifice,hog,1,1,' adj-by-command
same 'decided by adj' '1735,locked,2138,hog 562,sacrifice,572,hog' \
	"$(query decided-by-adj | cut -d, -f5-8 | sort | paste -sd' ')"
same 'larger, but spared' '1735,locked,500,2138,hog,0,26829,104,oom_score_adj 562,sacrifice,1000,572,hog,0,18717,73,oom_score_adj' \
	"$(query not-the-largest --top 2 | cut -d, -f4-12 | paste -sd' ')"
same 'reaped late' '1735,locked,61440,reaped,,2144822,,12' "$(query unreaped | cut -d, -f4-)"
same 'a group' 'memcg,chosen,4,3,0,0,67236,/team' "$(query collateral | cut -d, -f4-)"
same 'free elsewhere' 'cpuset,0,111076,42,cpuset cpuset,0,110756,42,cpuset' \
	"$(query free-memory --top 2 | cut -d, -f4-8 | paste -sd' ')"
same 'ties first' '1529,twin-4,0,0,1529,twin-4,1525,twin-3,exact' "$(query near-misses | cut -d, -f4- | grep twin-4)"
same 'not exact' 'explained,panic_on_oom insufficient,no_task_table' "$(query not-exact | cut -d, -f5,6 | paste -sd' ')"

# What a recorder adds.
cp "$work/oom.db" "$work/seen.db"
db=$work/seen.db
sqlite3 "$db" "INSERT INTO word (word_id, hash, text) VALUES (1000001, 0, 'quiet'), (1000002, 0, 'aside'), (1000003, 0, 'dying'),
	(1000004, 0, 'log_lost'), (1000005, 0, 'group_member'), (1000006, 0, 'already_exiting');
	INSERT INTO life (k, tgid, comm_w, class_w) SELECT event_id << 20, 77, 1000001, 1000004 FROM event WHERE event_id <= 2;
	INSERT INTO life (k, tgid, comm_w, class_w) VALUES ((1 << 20) + 1, 78, 1000002, 1000005), ((2 << 20) + 1, 79, 1000003, 1000006);
	INSERT INTO recorder (host_id, boot_id, oom_kill, kills, log_lost, facts_lost, seen_us)
	SELECT host_id, 'b1', 9, 7, 5, 0, 1772400000000000 FROM host WHERE hostname = 'alpha';
	INSERT INTO recorder (host_id, boot_id, oom_kill, kills, log_lost, facts_lost, seen_us)
	SELECT host_id, 'b2', 3, 3, 0, 0, 1772500000000000 FROM host WHERE hostname = 'beta'"
same 'silent' 'alpha,log_lost,2,quiet,1 alpha,already_exiting,1,dying,1' "$(query silent-kills | cut -d, -f1-5 | paste -sd' ')"
answers 'alpha,b1,2026-03-01T21:20:00.000000Z,2,0,0,5,0' recorder-gaps
same 'who has gone quiet' 'alpha beta' "$(query recorders | cut -d, -f1 | paste -sd' ')"
answers '' recorder-gaps --since 2026-03-02Z

# Every report on every store.  Rows do not depend on ids: two stores that got the same events in another order agree.
: > "$work/none"
mkdir "$work/empty" "$work/one" "$work/two" "$work/fleet"
sqlite3 "$work/oom.db" ".backup $work/empty/oom.db"
sqlite3 "$work/empty/oom.db" "$(sqlite3 "$work/empty/oom.db" "SELECT 'DELETE FROM ' || name || ';' FROM sqlite_master WHERE type = 'table' AND name NOT IN ('shape', 'why_not', 'word', 'who')")"
logs=("$cases"/[5-7].*/log "$cases"/formats-journal-short-iso/log)
reversed=()
for log in "${logs[@]}"; do reversed=("$log" "${reversed[@]}"); done
expect 0 '' "$OOMLENS" import -q --db "$work/one/oom.db" "${logs[@]}"
expect 0 '' "$OOMLENS" import -q --db "$work/two/oom.db" "${reversed[@]}"
same 'as many' "$(sqlite3 "$work/one/oom.db" 'SELECT count(*) FROM event')" "$(sqlite3 "$work/two/oom.db" 'SELECT count(*) FROM event')"
gen=$(dirname "$OOMLENS")/fleet_gen
[ -x "$gen" ] || { echo "no $gen: make $gen"; failures=$((failures + 1)); }
expect 0 '' "$gen" "$work/fleet" hosts=40 events=300 stores=1
names=$("$OOMLENS" query --list --csv | tr -d '\r' | tail -n +2 | cut -d, -f1)
same 'reports' "$(find analyzer/reports -name '*.sql' | wc -l)" "$(wc -w <<< "$names")"
for name in $names; do
	for store in empty/oom one/oom two/oom fleet/region-000; do
		"$OOMLENS" query --db "$work/$store.db" --csv --top 100000 "$name" > "$work/$(dirname $store)/rows" 2> "$work/stderr"
		case $? in 0|1) ;; *) echo "$name on $store"; cat "$work/stderr"; failures=$((failures + 1)) ;; esac
	done
	same "columns of $name without rows" "$(head -n 1 "$work/one/rows")" "$(head -n 1 "$work/empty/rows")"
	[ "$name" = totals ] || same "rows of $name in an empty store" 1 "$(wc -l < "$work/empty/rows")"
	cmp -s "$work/one/rows" "$work/two/rows" || { diff "$work/one/rows" "$work/two/rows" | head -n 4
		echo "$name depends on the store"; failures=$((failures + 1)); }
	"$OOMLENS" query --sql --top 100000 "$name" > "$work/sql"
	sqlite3 -readonly -csv -header "$work/fleet/region-000.db" < "$work/sql" | tr -d '\r"' > "$work/bare"
	[ ! -s "$work/bare" ] || tr -d '\r"' < "$work/fleet/rows" | cmp -s - "$work/bare" ||
		{ echo "$name is another in a bare shell"; failures=$((failures + 1)); }
	"$OOMLENS" query --db "$work/fleet/region-000.db" --json "$name" --since @5 --until @6 --host "it's" | jq -e 'length >= 0' > /dev/null ||
		{ echo "$name --json"; failures=$((failures + 1)); }
done
db=$work/fleet/region-000.db
for name in growth silent-kills recorder-gaps recorders kills-by-pod kills-by-container kills-by-user unkillable repeat-offenders causes; do
	[ -n "$(query $name)" ] || { echo "the fleet has nothing for $name"; failures=$((failures + 1)); }
done

# Names of any bytes.
db=$work/names.db
expect 0 '' "$OOMLENS" import -q --db "$db" "$cases"/6.18-memcg1-{invalid-utf8,newline,escapes,hostile-row}/log
"$OOMLENS" query --db "$db" --json kills-by-command | jq -e 'map(.kills) | add >= 4' > /dev/null ||
	{ echo "JSON of hostile names"; failures=$((failures + 1)); }
same 'nothing steers the terminal' 0 "$("$OOMLENS" query --db "$db" kills-by-command | grep -c $'[\x01-\x08\x0b-\x1f]')"

# The word itself.
expect 2 "no report is called 'kills-by-dya'; did you mean 'kills-by-day'" "$OOMLENS" query --db "$db" kills-by-dya
expect 2 "did you mean 'repeat-offenders'" "$OOMLENS" query --db "$db" offenders
expect 0 '' "$OOMLENS" query --list --json
same 'help and parameters' 'since until host top' "$(jq -r '.[] | select(.name == "recent" and (.help | length > 10)) | .parameters' "$work/stdout")"
expect 2 'no argument' "$OOMLENS" query --list recent
expect 0 '' "$OOMLENS" query --sql recent --host "a'b" --since @5
same 'values in the SQL' 1 "$(grep -c "('a''b' IS NULL OR hostname = 'a''b')" "$work/stdout")"
expect 0 '' "$OOMLENS" query --db "$db" --csv "SELECT :top + 1, :host, :since IS NULL" --top 4 --host x
same 'SQL with parameters' '5,x,1' "$(tail -n 1 "$work/stdout" | tr -d '\r')"
expect 2 'no --host' "$OOMLENS" query --db "$db" 'SELECT 1' --host x
expect 1 '' "$OOMLENS" query --db "$db" - --host x < analyzer/reports/unreaped.sql
finish
