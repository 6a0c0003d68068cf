#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# merge: once is once, in any order, killed at any moment, two at a time, from any version; what is hostile or damaged is told
# and passed over.  SANITIZED runs what could crash.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
gen=$(dirname "$OOMLENS")/fleet_gen
[ -x "$gen" ] || { echo "SKIP: no $gen"; exit 77; }
sanitized=${SANITIZED:-$OOMLENS}
[ -x "$sanitized" ] || sanitized=$OOMLENS

# All that a store tells, without its own ids: every view, and the evidence.
dump() {         # dump DB > text
	local view sql
	for view in $(sqlite3 "$1" "SELECT name FROM sqlite_schema WHERE type = 'view' ORDER BY 1"); do
		sql=$(sqlite3 "$1" "SELECT 'SELECT ''$view'', ' || group_concat(CASE name WHEN 'event_id' THEN 'hex(e.fingerprint)'
				WHEN 'host_id' THEN 'coalesce(h.machine_id, h.hostname)' ELSE 'v.\"' || name || '\"' END) || ' FROM $view AS v'
				|| CASE WHEN sum(name = 'event_id') THEN ' JOIN event AS e USING (event_id)' ELSE '' END
				|| CASE WHEN sum(name = 'host_id') THEN ' JOIN host AS h ON h.host_id = v.host_id' ELSE '' END
			FROM pragma_table_info('$view')")
		sqlite3 "$1" "$sql" | sort
	done
	sqlite3 "$1" "SELECT hex(fingerprint), hex(raw) FROM evidence JOIN event USING (event_id) ORDER BY 1"
}
is_same() {      # is_same WHAT DB EXPECTED-DUMP
	dump "$2" > "$work/found"
	cmp -s "$3" "$work/found" || { failures=$((failures + 1)); echo "$1: differs"; diff "$3" "$work/found" | head -n 6 | cut -c1-300; }
}

# ---- what a merge is ------------------------------------------------------------------------------------

"$gen" "$work/fleet" hosts=40 events=300 tasks=12 stores=4 twins=20 || exit 1
one=$work/fleet/region-000.db two=$work/fleet/region-001.db three=$work/fleet/region-002.db
sums=$(sha256sum "$work"/fleet/*.db)
expect 0 '' "$OOMLENS" merge --json "$work/all.db" "$work/fleet"
same 'sources' '4,0' "$(jq -r '"\(.sources),\(.failed)"' "$work/stdout")"
same 'each event of the fleet' 300 "$(jq .added "$work/stdout")"
same 'twins' "$(( $(for s in "$work"/fleet/*.db; do sqlite3 "$s" 'SELECT count(*) FROM event'; done | paste -sd+) - 300 ))" \
	"$(jq '.replaced + .known' "$work/stdout")"
same 'integrity' ok "$(sqlite3 "$work/all.db" 'PRAGMA integrity_check')"
same 'rows of no event' 0 "$(sqlite3 "$work/all.db" 'SELECT count(*) FROM task WHERE k >> 20 NOT IN (SELECT event_id FROM event)')"
dump "$work/all.db" > "$work/want"
expect 0 '' "$OOMLENS" merge --json "$work/all.db" "$work/fleet"
same 'once is once' '0,0' "$(jq -r '"\(.added),\(.replaced)"' "$work/stdout")"
is_same 'a second time' "$work/all.db" "$work/want"
expect 0 '' "$OOMLENS" merge -q "$work/back.db" "$work/fleet/region-003.db" "$three" "$two" "$one"
is_same 'the other way round' "$work/back.db" "$work/want"
expect 0 '' "$OOMLENS" merge -q "$work/half.db" "$one" "$two"
expect 0 '' "$OOMLENS" merge -q "$work/tree.db" "$work/fleet/region-003.db" "$work/half.db" "$three"
is_same 'a merge of merges' "$work/tree.db" "$work/want"
same 'the sources are as they were' "$sums" "$(sha256sum "$work"/fleet/*.db)"
same 'a fact stands once' 0 "$(sqlite3 "$work/all.db" 'SELECT count(*) - count(DISTINCT host_id || boot_id || monotonic_us || name ||
	coalesce(pid, 0) || coalesce(seen_us, 0)) FROM trace')"
same 'an event loads' 0 "$("$OOMLENS" explain --json --db "$work/all.db" --event 7 > "$work/event.json"; echo $?)"

# Two accounts: the heavier, then the lesser path.
db=$work/path-b.db
"$OOMLENS" import -q --db "$db" "$log"; cp "$db" "$work/path-a.db"
sqlite3 "$work/path-a.db" "UPDATE word SET text = '/a' WHERE word_id IN (SELECT path_w FROM event)"
sqlite3 "$db" "UPDATE word SET text = '/b' WHERE word_id IN (SELECT path_w FROM event)"
for order in 'a b' 'b a'; do
	rm -f "$work/two.db"*
	for p in $order; do expect 0 '' "$OOMLENS" merge -q "$work/two.db" "$work/path-$p.db"; done
	same "of two paths, $order" /a "$(sqlite3 "$work/two.db" 'SELECT group_concat(DISTINCT path) FROM v_event')"
done
sqlite3 "$db" 'UPDATE digest SET weight = weight + 1'
expect 3 'fingerprint of its event [0-9]+ is damaged' "$OOMLENS" merge "$work/two.db" "$db"
same 'who claims to know more' /a "$(sqlite3 "$work/two.db" 'SELECT group_concat(DISTINCT path) FROM v_event')"

# A later mark knows more.
sqlite3 "$one" "SELECT host_id, boot_id FROM recorder LIMIT 1" | { IFS='|' read -r h b
	cp "$one" "$work/later.db"
	sqlite3 "$work/later.db" "UPDATE recorder SET seen_us = seen_us + 1, kills = 77 WHERE host_id = $h AND boot_id = '$b'"
	rm -f "$work/marks.db"*
	"$OOMLENS" merge -q "$work/marks.db" "$work/later.db" "$one" > "$work/out" 2>&1
	same 'the later mark' 77 "$(sqlite3 "$work/marks.db" "SELECT kills FROM recorder WHERE boot_id = '$b'")"; }

# ---- older versions, other engines ------------------------------------------------------------------------

sqlite3 "$work/old.db" < tests/stores/version-2.sql
cp "$work/old.db" "$work/upgraded.db"
"$OOMLENS" analyze -q --db "$work/upgraded.db"
dump "$work/upgraded.db" > "$work/want-old"
sum=$(sha256sum < "$work/old.db")
expect 0 '' env TMPDIR="$work" "$OOMLENS" merge "$work/from-old.db" "$work/old.db"
is_same 'from an older version' "$work/from-old.db" "$work/want-old"
same 'that store' "2,$sum" "$(sqlite3 "$work/old.db" 'PRAGMA user_version'),$(sha256sum < "$work/old.db")"
# The destination may be the older one.
expect 0 '' "$OOMLENS" import -q --db "$work/new.db" "$cases/6.12-global/log" "$cases/6.12-memcg/log" "$cases/5.10-adj/log"
dump "$work/new.db" > "$work/want-new"
expect 0 '' "$OOMLENS" merge "$work/from-old.db" "$work/new.db"
dump "$work/from-old.db" > "$work/want-both"
expect 0 '' "$OOMLENS" merge "$work/old.db" "$work/new.db"
expect 0 '' "$OOMLENS" analyze -q --db "$work/old.db"
is_same 'into an older one' "$work/old.db" "$work/want-both"
cp "$work/new.db" "$work/stale.db"
sqlite3 "$work/stale.db" "UPDATE word SET text = '0.0' WHERE word_id IN (SELECT engine_w FROM verdict);
	UPDATE verdict SET verdict_w = reason_w; UPDATE task SET place = 1; UPDATE task_rare SET points = 1; UPDATE digest SET weight = 9"
rm -f "$work/from-old.db"*
expect 0 '' env TMPDIR="$work" "$OOMLENS" merge "$work/from-old.db" "$work/stale.db"
is_same 'verdicts of another engine' "$work/from-old.db" "$work/want-new"
same 'no copy is left' 0 "$(find "$work" -name 'oomlens-merge-*' | wc -l)"

# ---- what goes wrong ---------------------------------------------------------------------------------------

expect 2 'merge needs' "$OOMLENS" merge "$work/all.db"
expect 2 'merge needs' "$OOMLENS" merge
expect 4 'is a directory' "$OOMLENS" merge "$work" "$one"
expect 4 '' "$OOMLENS" merge /proc/none.db "$one"
mkdir "$work/empty"
expect 1 '' "$OOMLENS" merge "$work/none.db" "$work/empty"
expect 3 'destination' "$OOMLENS" merge "$work/all.db" "$work/all.db"
ln -s "$work/all.db" "$work/link.db"
expect 3 'destination' "$OOMLENS" merge "$work/all.db" "$work/link.db"
expect 3 'destination' "$OOMLENS" merge "$work/link.db" "$work/all.db"
ln "$work/all.db" "$work/hard.db"
expect 3 'destination' "$OOMLENS" merge "$work/all.db" "$work/hard.db"
rm "$work/hard.db" "$work/link.db"
expect 3 'No such file' "$OOMLENS" merge "$work/all.db" "$work/nowhere.db"
mkfifo "$work/fifo.db"
expect 3 'not a regular file' timeout 10 "$OOMLENS" merge "$work/all.db" "$work/fifo.db"
is_same 'after all that' "$work/all.db" "$work/want"

# A directory: stores by their header, deep down; the destination and files of others are passed over.
mkdir -p "$work/dir/a/b"
cp "$one" "$work/dir/a/b/store"; cp "$two" "$work/dir/x.db"; echo text > "$work/dir/notes.txt"; : > "$work/dir/empty.db"
sqlite3 "$work/dir/other.db" 'CREATE TABLE mine (a)'; ln -s .. "$work/dir/a/up"
"$OOMLENS" merge -q "$work/dir/all.db" "$work/dir" > "$work/out" 2>&1
expect 0 '' "$OOMLENS" merge --json "$work/dir/all.db" "$work/dir"
same 'stores of a directory' '2,0' "$(jq -r '"\(.sources),\(.failed)"' "$work/stdout")"

# ---- hostile stores: told, passed over, nothing of them stays -----------------------------------------------

trap_is_refused() {      # trap_is_refused SQL [REGEX]: run on a good store, makes it one that is not merged
	rm -f "$work/trap.db"*
	cp "$two" "$work/trap.db"
	sqlite3 "$work/trap.db" "$1" > "$work/out" 2>&1 || { failures=$((failures + 1)); echo "no trap: $1"; cat "$work/out"; }
	rm -f "$work/dest.db"*
	cp "$work/one.db" "$work/dest.db"
	expect 3 "cannot (merge|use|read|open|load).*trap.db.*${2:-}" timeout 100 "$sanitized" merge "$work/dest.db" "$work/trap.db" "$three"
	is_same "beside: $1" "$work/dest.db" "$work/want-one-three"
}
cp "$work/fleet/region-003.db" "$work/one.db"     # none of its events is in the store that becomes the trap
"$OOMLENS" merge -q "$work/one-three.db" "$work/one.db" "$three"
dump "$work/one-three.db" > "$work/want-one-three"
writable='PRAGMA writable_schema = ON;'
deep='WITH RECURSIVE n(k) AS (SELECT 1 UNION ALL SELECT k + 1 FROM n)'
while IFS=';' read -r regex sql; do
	trap_is_refused "$sql" "$regex"
done <<TRAPS
trigger;CREATE TRIGGER t AFTER INSERT ON task BEGIN DELETE FROM event; END
trigger;CREATE TRIGGER t BEFORE INSERT ON event BEGIN SELECT load_extension('x'); END
view 'v_event';DROP VIEW v_event; CREATE VIEW v_event AS $deep SELECT k AS event_id FROM n
table 'task';DROP TABLE task; CREATE VIEW task AS $deep SELECT k FROM n
table 'host';DROP TABLE host; CREATE VIEW host AS SELECT 1 AS host_id, hex(zeroblob(900000000)) AS hostname, NULL AS machine_id
table 'note';DROP TABLE note
table 'note';ALTER TABLE note ADD COLUMN x AS (abs(1))
table 'note';DROP TABLE note; CREATE TABLE note (k INTEGER PRIMARY KEY, line INTEGER, kind TEXT, text TEXT AS (hex(zeroblob(900000000))))
table 'prior';ALTER TABLE prior RENAME COLUMN pid TO pids
table 'note';$writable UPDATE sqlite_schema SET sql = 'CREATE VIRTUAL TABLE note USING fts4(k, line, kind, text)' WHERE name = 'note'
index 'event_time';DROP INDEX event_time
table 'task';$writable UPDATE sqlite_schema SET sql = replace(sql, 'INTEGER PRIMARY KEY', 'INTEGER PRIMARY KEY CHECK (abs(k))') WHERE name = 'task'
newer;PRAGMA user_version = 99
not a store;PRAGMA user_version = -7
not a store;PRAGMA application_id = 7
;PRAGMA user_version = 1
wrong type;UPDATE task SET pid = 'x' WHERE k = (SELECT max(k) FROM task)
wrong type;UPDATE task_rare SET points = 'x' WHERE k = (SELECT max(k) FROM task_rare)
wrong type;UPDATE task SET who_id = 'x' WHERE k = (SELECT max(k) FROM task)
not there, or damaged;UPDATE task SET who_id = 123456789 WHERE k = (SELECT max(k) FROM task)
not there, or damaged;UPDATE task SET who_id = -1
damaged;UPDATE who SET comm = x'00' WHERE who_id = (SELECT max(who_id) FROM task)
damaged;UPDATE who SET uid = 'root'
wrong type;UPDATE event SET page_size = 1.5
wrong type;UPDATE event SET path_w = x'2f'
not there, or damaged;UPDATE event SET path_w = 1 << 60
damaged;UPDATE word SET text = x'2f' WHERE word_id = (SELECT path_w FROM event LIMIT 1)
wrong type;UPDATE victim SET role_w = 1.5
wrong type;UPDATE host SET hostname = x'2f'
wrong type;UPDATE evidence SET raw = 'text'
wrong type;UPDATE verdict SET margin = 'much'
wrong type;UPDATE digest SET candidates = 'all'
wrong type;UPDATE recorder SET kills = 'all'
wrong type;UPDATE trace SET pid = 'x'
damaged;UPDATE word SET text = printf('%*c', 70000, 'x') WHERE word_id = (SELECT path_w FROM event WHERE event_id = 3)
too long;UPDATE host SET machine_id = printf('%*c', 70000, 'x')
too (long|big)|damaged;UPDATE who SET comm = printf('%*c', 200000000, 'x') WHERE who_id = (SELECT who_id FROM task LIMIT 1)
wrong type;UPDATE event SET fingerprint = 'x' WHERE event_id = 2
wrong type;UPDATE event SET fingerprint = '../../../../../../../../../../a' WHERE event_id = 2
fingerprint;UPDATE event SET fingerprint = x'' WHERE event_id = 2
fingerprint;UPDATE event SET fingerprint = zeroblob(1000) WHERE event_id = 2
fingerprint|no event;UPDATE event SET event_id = -5 WHERE event_id = 2
fingerprint|no event;UPDATE event SET event_id = 9223372036854775807 WHERE event_id = 2
shape|JSON;UPDATE shape SET shape = '{' WHERE shape_id = 2
shape;UPDATE shape SET shape = '{"facts":[1]}' WHERE shape_id = 2
shape;UPDATE shape SET shape = '{"facts":{}}' WHERE shape_id = 2
memory dump;UPDATE evidence SET memory = '[1]'
memory dump;UPDATE evidence SET memory = '[[999999,0,0,1]]'
memory dump;UPDATE evidence SET memory = '{"a":[[1]]}'
memory dump;UPDATE evidence SET memory = x'5b5d'
memory dump;UPDATE evidence SET memory = '[[1,0,0,1]'
memory dump;UPDATE evidence SET memory = '[[1,0,0,01]]'
memory dump;UPDATE evidence SET memory = '[[1,0,0,1.5]]'
memory dump;UPDATE evidence SET memory = '[[1,0,0,{}]]'
memory dump;UPDATE evidence SET memory = '[[1,0,0,[1,"\u0x1f"]]]'
memory dump;UPDATE evidence SET memory = '[[1,0,"\n",1]]'
NOT NULL;UPDATE event SET host_id = 4711 WHERE event_id = 2
TRAPS
# Ids at the far end of what there is are ids like others; what belongs to no event stays behind.
far=$(( (1 << 43) - 2 ))
cp "$two" "$work/far.db"
sqlite3 "$work/far.db" "UPDATE task SET k = (k & 1048575) | ($far << 20) WHERE k >> 20 = 2; UPDATE victim SET k = (k & 1048575) | ($far << 20)
	WHERE k >> 20 = 2; UPDATE note SET k = (k & 1048575) | ($far << 20) WHERE k >> 20 = 2;
	UPDATE life SET k = (k & 1048575) | ($far << 20) WHERE k >> 20 = 2; UPDATE flight SET k = (k & 1048575) | ($far << 20) WHERE k >> 20 = 2;
	UPDATE task_rare SET k = (k & 1048575) | ($far << 20) WHERE k >> 20 = 2;
	UPDATE task_recorded SET k = (k & 1048575) | ($far << 20) WHERE k >> 20 = 2; UPDATE prior SET k = (k & 1048575) | ($far << 20) WHERE k >> 20 = 2;
	UPDATE event SET event_id = $far WHERE event_id = 2; UPDATE verdict SET event_id = $far WHERE event_id = 2;
	UPDATE digest SET event_id = $far WHERE event_id = 2; UPDATE evidence SET event_id = $far WHERE event_id = 2;
	INSERT INTO task (k, who_id) VALUES (-1, 1), (9223372036854775807, 2), (4000 << 20, 3); INSERT INTO note (k) VALUES (-9223372036854775808)"
rm -f "$work/dest.db"*; "$OOMLENS" merge -q "$work/dest.db" "$two"; dump "$work/dest.db" > "$work/want-two"
rm -f "$work/dest.db"*
expect 0 '' "$sanitized" merge "$work/dest.db" "$work/far.db"
is_same 'ids far away' "$work/dest.db" "$work/want-two"
same 'ids stay small' 1 "$(sqlite3 "$work/dest.db" 'SELECT max(event_id) < 1000 FROM event')"

# Another encoding, no database at all, half of one, a locked one, an unreadable one, one that is written to.
sqlite3 "$two" .dump > "$work/two.sql"
{ echo "PRAGMA encoding = 'UTF-16';"; cat "$work/two.sql"; echo 'PRAGMA application_id = 0x4f4f4d4c; PRAGMA user_version = 3;'; } |
	sqlite3 "$work/utf16.db" > "$work/out" 2>&1
expect 3 'utf16.db' "$sanitized" merge "$work/dest.db" "$work/utf16.db"
head -c 30000 /dev/urandom > "$work/garbage.db"
expect 3 'garbage.db.*not a database' "$sanitized" merge "$work/dest.db" "$work/garbage.db"
head -c $(( $(stat -c %s "$two") / 2 )) "$two" > "$work/cut.db"
expect 3 'cut.db' "$sanitized" merge "$work/dest.db" "$work/cut.db"
cp "$two" "$work/journal.db"; head -c 5000 /dev/urandom > "$work/journal.db-journal"
"$sanitized" merge "$work/dest.db" "$work/journal.db" > "$work/out" 2>&1; [ $? -le 3 ] || { echo 'a foreign journal'; failures=$((failures + 1)); }
cp "$two" "$work/wal.db"; head -c 50000 /dev/urandom > "$work/wal.db-wal"; head -c 32768 /dev/urandom > "$work/wal.db-shm"
expect 0 '' "$sanitized" merge "$work/dest.db" "$work/wal.db"
is_same 'after those' "$work/dest.db" "$work/want-two"
cp "$two" "$work/locked.db"; sqlite3 "$work/locked.db" 'PRAGMA journal_mode = DELETE' > "$work/out"
coproc HOLD { sqlite3 "$work/locked.db"; }
echo 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 1;' >&"${HOLD[1]}"
read -r _ <&"${HOLD[0]}"; read -r _ <&"${HOLD[0]}"
expect 3 'locked.db.*holds the lock' "$OOMLENS" merge "$work/dest.db" "$work/locked.db"
eval "exec ${HOLD[1]}>&-"; wait "$HOLD_PID" 2> /dev/null
cp "$two" "$work/busy.db"
(for i in $(seq 400); do echo "UPDATE recorder SET seen_us = seen_us; INSERT INTO trace (host_id, name) VALUES (1, 'x$i');"; done |
	sqlite3 "$work/busy.db" 2> /dev/null) &
for _ in 1 2 3; do expect 0 '' "$OOMLENS" merge -q "$work/busy-dest.db" "$work/busy.db"; done
wait $!
expect 0 '' "$OOMLENS" merge -q "$work/busy-dest.db" "$work/busy.db"
same 'what was written meanwhile' 400 "$(sqlite3 "$work/busy-dest.db" "SELECT count(*) FROM trace WHERE name GLOB 'x*'")"

# ---- killed, and two at a time --------------------------------------------------------------------------------

"$gen" "$work/big" hosts=40 events=600 tasks=40 stores=6 twins=10
"$OOMLENS" merge -q "$work/clean.db" "$work/big"
dump "$work/clean.db" > "$work/want-big"
for i in $(seq "${ROUNDS:-12}"); do
	rm -f "$work/killed.db"*
	for _ in 1 2 3; do
		"$OOMLENS" merge -q "$work/killed.db" "$work/big" 2> "$work/out" &
		sleep "0.0$((RANDOM % 10))$((RANDOM % 10))"
		kill -9 $! 2> /dev/null
		wait $! 2> /dev/null
	done
	expect 0 '' "$OOMLENS" merge -q "$work/killed.db" "$work/big"
	is_same "killed, round $i" "$work/killed.db" "$work/want-big"
done
for i in $(seq $((${ROUNDS:-12} / 3))); do
	rm -f "$work/both.db"*
	"$OOMLENS" merge -q "$work/both.db" "$work/big" 2> "$work/out" &
	expect 0 '' "$OOMLENS" merge -q "$work/both.db" "$work/big/region-005.db" "$work/big/region-002.db" "$work/big"
	wait $! || { failures=$((failures + 1)); echo "two at once: the other failed"; cat "$work/out"; }
	is_same "two at once, round $i" "$work/both.db" "$work/want-big"
done
finish
