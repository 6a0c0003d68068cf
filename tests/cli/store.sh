#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# list, query, analyze: output formats, filters, exit codes, stores that cannot be used.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
db=$work/oom.db

expect 4 'No such file' "$OOMLENS" list --db "$db"
expect 4 'No such file' "$OOMLENS" analyze --db "$db"
[ ! -e "$db" ] || { echo "a reader made a store"; failures=$((failures + 1)); }
expect 0 '' "$OOMLENS" import -q --db "$db" "$cases/6.12-global/log" "$cases/6.12-memcg/log"
events=$(sqlite3 "$db" 'SELECT count(*) FROM event')

# list: a line each, the same rows in every format
expect 0 '' "$OOMLENS" list --db "$db"
same 'lines of list' $((events + 1)) "$(wc -l < "$work/stdout")"
same 'widest line fits' 0 "$(awk 'length > 80' "$work/stdout" | wc -l)"
expect 0 '' "$OOMLENS" list --json --db "$db"
same 'rows of list --json' "$events" "$(jq length "$work/stdout")"
expect 0 '' "$OOMLENS" list --csv --db "$db"
same 'CSV lines end with CRLF' $((events + 1)) "$(grep -c $'\r$' "$work/stdout")"
expect 0 '' "$OOMLENS" list --json --top 1 --db "$db"
same 'list --top 1' 1 "$(jq length "$work/stdout")"
expect 0 '' "$OOMLENS" list --json --verdict exact --db "$db"
same 'list --verdict' "$(sqlite3 "$db" "SELECT count(*) FROM v_event WHERE verdict = 'exact'")" "$(jq length "$work/stdout")"
expect 1 'no event' "$OOMLENS" list --db "$db" --host nobody
expect 1 '' "$OOMLENS" list --db "$db" --comm 'no-such-*'
expect 2 'no argument' "$OOMLENS" list --db "$db" thing
same 'no class without a recorder' 0 "$("$OOMLENS" list --db "$db" | grep -c class)"
same 'class of texts in JSON' '[null]' "$("$OOMLENS" list --db "$db" --json | jq -c 'map(.class) | unique')"
cp "$db" "$work/seen.db"
sqlite3 "$work/seen.db" "INSERT INTO word VALUES (9001, 0, 'silent'), (9002, 0, 'logged'), (9003, 0, 'already_exiting');
	INSERT INTO life (k, tgid, comm_w, class_w) VALUES (2 << 20, 77, 9001, 9002)"
same 'what is logged needs no class' 0 "$("$OOMLENS" list --db "$work/seen.db" | grep -c class)"
sqlite3 "$work/seen.db" "UPDATE life SET class_w = 9003; DELETE FROM victim WHERE k >> 20 = 2"
same 'class where it is not as usual' "already_exiting" "$("$OOMLENS" list --db "$work/seen.db" | awk '$1 == 2 { print $NF }')"
same 'who was dying already' '1' "$("$OOMLENS" list --db "$work/seen.db" --comm 'sil*' | grep -c ' 77  silent ')"

# query
expect 0 '' "$OOMLENS" query --db "$db" --csv "SELECT 'a,\"b', NULL, 1, 2.5, x'00ff'"
same 'CSV' $'"a,""b",,1,2.5,00ff\r' "$(tail -n 1 "$work/stdout")"
expect 0 '' "$OOMLENS" query --db "$db" --json "SELECT 'a\"', NULL AS b, 1 AS c, CAST(x'ff' AS TEXT) AS d"
same 'JSON' 'a",null,1,�' "$(jq -r '.[0] | [.[]] | map(. // "null" | tostring) | join(",")' "$work/stdout")"
expect 0 '' "$OOMLENS" query --db "$db" "SELECT CAST(x'1b5b33316d' AS TEXT) AS x"
same 'escape bytes stay visible' '\x1b[31m' "$(tail -n 1 "$work/stdout")"
echo 'SELECT count(*) AS n FROM v_candidate' > "$work/sql"
expect 0 '' "$OOMLENS" query --db "$db" - < "$work/sql"
expect 1 '' "$OOMLENS" query --db "$db" 'SELECT 1 WHERE 0'
expect 2 'needs SQL' "$OOMLENS" query --db "$db"
expect 2 'syntax error' "$OOMLENS" query --db "$db" 'SELEC 1'
expect 2 'no such column' "$OOMLENS" query --db "$db" 'SELECT moon FROM v_event'
for sql in 'DELETE FROM event' 'PRAGMA user_version = 3' "ATTACH '$work/x' AS x" "VACUUM INTO '$work/x'" 'SELECT 1; DROP TABLE task'; do
	expect 2 'only statements that read' "$OOMLENS" query --db "$db" "$sql"
done
same 'nothing was lost' "$events" "$(sqlite3 "$db" 'SELECT count(*) FROM event')"
same 'the views of a bare shell' 0 "$(sqlite3 "$db" 'SELECT count(*) FROM v_memory WHERE name IS NULL')"

# an event goes by its id or by its name
name=$(sqlite3 "$db" 'SELECT event FROM v_event WHERE event_id = 1')
expect 0 '' "$OOMLENS" explain --db "$db" --event 1 --json
cp "$work/stdout" "$work/by-id"
expect 0 '' "$OOMLENS" explain --db "$db" --event "$name" --json
same 'the same event' "$(cat "$work/by-id")" "$(cat "$work/stdout")"
expect 0 '' "$OOMLENS" whatif --db "$db" --event "${name:0:8}" --set 'comm:*=0' --json
expect 1 'no event ffffff0' "$OOMLENS" explain --db "$db" --event ffffff0
expect 2 'not a valid value' "$OOMLENS" explain --db "$db" --event nothex
expect 2 'takes a number' "$OOMLENS" whatif "$cases/6.12-global/log" --event "$name"
cp "$db" "$work/twins.db"
sqlite3 "$work/twins.db" "UPDATE event SET fingerprint = CAST(x'abcdef' || substr(fingerprint, 4) AS BLOB)"
expect 2 'fits several events: 1 .abcdef.*, 2 .abcdef' "$OOMLENS" explain --db "$work/twins.db" --event abcdef

# analyze
expect 0 '' "$OOMLENS" analyze --json --db "$db"
same 'nothing is stale' 0 "$(jq .analyzed "$work/stdout")"
expect 0 '' "$OOMLENS" analyze --json --all --db "$db"
same 'all again' "$events,0" "$(jq -r '"\(.analyzed),\(.changed)"' "$work/stdout")"
sqlite3 "$db" "SELECT event_id, pid, points, rank, eligible, why_not FROM v_candidate" > "$work/before"
sqlite3 "$db" "DELETE FROM verdict; UPDATE task SET place = NULL; UPDATE task_rare SET points = NULL"
expect 0 '' "$OOMLENS" analyze --json --db "$db"
same 'dropped verdicts come back' "$events,$events" "$(jq -r '"\(.analyzed),\(.changed)"' "$work/stdout")"
sqlite3 "$db" "SELECT event_id, pid, points, rank, eligible, why_not FROM v_candidate" | cmp - "$work/before" ||
	{ echo "analyze made other scores than import"; failures=$((failures + 1)); }

# stores that cannot be used
echo 'no database at all, but long enough to look like a file' > "$work/garbage"
expect 4 'damaged or is not a database' "$OOMLENS" list --db "$work/garbage"
expect 4 'is a directory' "$OOMLENS" list --db "$work"
cp "$db" "$work/newer.db"; sqlite3 "$work/newer.db" 'PRAGMA user_version = 99'
expect 4 'newer oomlens' "$OOMLENS" list --db "$work/newer.db"
expect 4 'newer oomlens' "$OOMLENS" import --db "$work/newer.db" "$log"
head -c 20000 "$db" > "$work/cut.db"
expect 4 'cut.db' "$OOMLENS" list --db "$work/cut.db"
sqlite3 "$work/other.db" 'CREATE TABLE mine (a)'
expect 4 'not a store' "$OOMLENS" import --db "$work/other.db" "$log"

# A full disk and read-only media need mounts; /dev/full has no room either, but is no file.
if [ "$(id -u)" = 0 ] && unshare -m true 2> /dev/null; then
	mkdir "$work/mnt"
	unshare -m bash -c '
		set -u; m=$1/mnt db=$1/oom.db out=$1/full
		mount -t tmpfs -o size=1400k none "$m" || exit 9
		"$2" import -q --db "$m/oom.db" "$3" && before=$(sqlite3 "$m/oom.db" "SELECT count(*) FROM event") || exit 8
		for i in $(seq 2000); do sed "s/\(\[ *[0-9]*\)\./\1$i./" "$3"; done > "$1/many.log"
		"$2" import -q --db "$m/oom.db" "$1/many.log" 2> "$out"; [ $? = 4 ] || exit 7
		grep -q "no space left" "$out" || exit 6
		[ "$(sqlite3 "$m/oom.db" "SELECT count(*) FROM event")" = "$before" ] || exit 5
		rm -f "$m"/*; cp "$db" "$m/a b?#%.db" && mount -o remount,ro "$m" || exit 4
		"$2" list --db "$m/a b?#%.db" > "$out" || exit 3
		"$2" import --db "$m/a b?#%.db" "$3" 2> "$out"; [ $? = 4 ] || exit 2
		grep -q "cannot be written" "$out" || exit 1
	' sh "$work" "$OOMLENS" "$log" || { echo "full or read-only file system: step $?"; cat "$work/full"; failures=$((failures + 1)); }
fi
finish
