#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# merge and query with PostgreSQL: one server, and a coordinator with two shards.  Many writers, writers and servers that die,
# and the same answers as SQLite gives.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
# shellcheck source=tests/cli/postgres.inc
. tests/cli/postgres.inc
gen=$(dirname "$OOMLENS")/fleet_gen
[ -x "$gen" ] || { echo "no $gen: make it first"; exit 1; }
tables='host event candidate victim life flight note evidence trace recorder'

pg_init
port=$(free_ports)
pg_start one $port
one() { pg_url $port "$1"; }
"$gen" "$work/fleet" hosts=60 events=400 tasks=12 > /dev/null || { echo 'no fleet'; exit 1; }
stores=("$work"/fleet/*.db)
rm -f "$work/names.db"
"$OOMLENS" import -q --db "$work/names.db" tests/cases/5.10-names/log tests/cases/5.10-numa/log
stores+=("$work/names.db")

# Everything that a database holds, in no order: two of the same hold the same.
digest_of() {
	local t
	for t in $tables; do
		sql "$1" -c "SELECT '$t', count(*), md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))) FROM (SELECT * FROM $t) AS t"
	done
}
new_db() { sql "$(one postgres)" -c "SET client_min_messages = warning" -c "DROP DATABASE IF EXISTS $1" -c "CREATE DATABASE $1"; }
merge() { "$OOMLENS" merge -q "$@" > "$work/merge.out" 2> "$work/merge.err"; }
must_merge() { merge "$@" || { failures=$((failures + 1)); echo "merge failed:"; head -n 5 "$work/merge.err"; }; }

# ---- the same answers as SQLite ------------------------------------------------------------------------------

ref=$work/ref.db
must_merge "$ref" "${stores[@]}"
new_db fleet
must_merge "$(one fleet)" "${stores[@]}"
digest_of "$(one fleet)" > "$work/clean"
grep -q '^event|[1-9]' "$work/clean" || { echo 'nothing was merged'; cat "$work/clean"; exit 1; }
reports=$("$OOMLENS" query --list --json | jq -r '.[].name')

same_reports() { # same_reports WHAT URL OPTIONS...: each report with each set of options
	local name args what=$1 url=$2
	shift 2
	for name in $reports; do
		for args in "$@"; do
			# shellcheck disable=SC2086
			"$OOMLENS" query "$name" --json --db "$ref" $args > "$work/a" 2> "$work/a.err" &
			# shellcheck disable=SC2086
			"$OOMLENS" query "$name" --json --db "$url" $args > "$work/b" 2> "$work/b.err"
			wait $!
			cmp -s "$work/a" "$work/b" || { failures=$((failures + 1)); echo "$what: $name $args differs"
				cat "$work/a.err" "$work/b.err"; diff "$work/a" "$work/b" | head -n 6; }
		done
	done
}
# The views: the same columns in the same order, the same rows apart from the ids.
same_views() {
	local v cols
	for v in v_event v_candidate v_victim v_life v_flight v_note v_memory v_trace v_recorder v_host; do
		cols=$(sqlite3 "$ref" "SELECT group_concat(name, ',') FROM pragma_table_xinfo('$v')")
		same "columns of $v" "$cols" "$(sql "$2" -c "SELECT string_agg(attname, ',' ORDER BY attnum) FROM pg_attribute
			WHERE attrelid = '$v'::regclass AND attnum > 0")"
		cols=$(sqlite3 "$ref" "SELECT group_concat('\"' || name || '\"', ',') FROM pragma_table_xinfo('$v')
			WHERE name NOT IN ('event_id', 'host_id')")
		"$OOMLENS" query --json --db "$ref" "SELECT $cols FROM $v" | sort > "$work/a"
		"$OOMLENS" query --json --db "$2" "SELECT $cols FROM $v" | sort > "$work/b"
		diff <(sed 's/,$//' "$work/a" | sort) <(sed 's/,$//' "$work/b" | sort) > "$work/diff" ||
			{ failures=$((failures + 1)); echo "$1: $v differs"; head -n 4 "$work/diff" | cut -c 1-300; }
	done
}
same_reports 'one server' "$(one fleet)" '' '--top=3 --since=2026-02-01 --until=2026-06-01'
same_views 'one server' "$(one fleet)"
# shellcheck disable=SC2086
host=$("$OOMLENS" query --json --top 1 --db "$ref" kills-by-host | jq -r '.[0].host')
same 'a parameter of text' "$("$OOMLENS" query recent --csv --host "$host" --db "$ref")" \
	"$("$OOMLENS" query recent --csv --host "$host" --db "$(one fleet)")"

# ---- again, in another order, many at once, killed -----------------------------------------------------------

equals_clean() { # equals_clean WHAT URL
	digest_of "$2" | diff "$work/clean" - > "$work/diff" || { failures=$((failures + 1)); echo "$1: not what one merge gives"; cat "$work/diff"; }
}
must_merge "$(one fleet)" "${stores[@]}"
equals_clean 'merged twice' "$(one fleet)"
new_db backwards
for ((i = ${#stores[@]} - 1; i >= 0; i--)); do must_merge "$(one backwards)" "${stores[i]}"; done
equals_clean 'merged backwards' "$(one backwards)"

at_once() { # at_once URL: two writers for each store, on an empty database
	local s pids=()
	for s in "${stores[@]}" "${stores[@]}"; do
		"$OOMLENS" merge -q "$1" "$s" > /dev/null 2>> "$work/at_once.err" & pids+=($!)
	done
	for s in "${pids[@]}"; do wait "$s" || { failures=$((failures + 1)); echo 'a writer failed'; cat "$work/at_once.err"; }; done
}
new_db many
at_once "$(one many)"
equals_clean 'ten writers at once' "$(one many)"

killed() { # killed URL
	local i
	for i in 1 2 3 4 5 6; do
		"$OOMLENS" merge -q "$1" "${stores[@]}" > /dev/null 2>&1 &
		sleep "0.0$((RANDOM % 10))$((i * 3))"
		kill -9 $! 2> /dev/null
		wait $! 2> /dev/null
	done
}
new_db killed
killed "$(one killed)"
must_merge "$(one killed)" "${stores[@]}"
equals_clean 'killed six times' "$(one killed)"

# A writer waits for its turn, the server is restarted, and the writer goes on.
new_db restarted
must_merge "$(one restarted)" "$work/names.db"
sql "$(one restarted)" -c 'SELECT pg_advisory_lock(1330597196, b), pg_sleep(CASE b WHEN 255 THEN 60 END) FROM generate_series(0, 255) AS b' \
	> /dev/null 2>&1 & holder=$!
for i in $(seq 50); do
	[ "$(sql "$(one restarted)" -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'")" = 256 ] && break
	sleep 0.1
done
"$OOMLENS" merge "$(one restarted)" "${stores[@]}" > "$work/merge.out" 2> "$work/merge.err" & writer=$!
for i in $(seq 50); do
	[ "$(sql "$(one restarted)" -c "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted")" = 1 ] && break
	sleep 0.1
done
pg_stop one
pg_start one $port
wait $writer || { failures=$((failures + 1)); echo 'a writer did not survive a restart'; cat "$work/merge.err"; }
wait $holder 2> /dev/null
grep -q 'again' "$work/merge.err" || { failures=$((failures + 1)); echo 'no word of the restart'; cat "$work/merge.err"; }
equals_clean 'server restarted' "$(one restarted)"

# ---- what does not work says so ------------------------------------------------------------------------------

sql "$(one fleet)" -c "CREATE ROLE reader LOGIN PASSWORD 'r-secret'" -c "CREATE ROLE writer LOGIN PASSWORD 'w-secret'" \
	-c "$(grep '^GRANT ' docs/FLEET.md)"
at=127.0.0.1:$port
expect 4 'password authentication failed' "$OOMLENS" merge "postgresql://writer:w-wrong@$at/fleet" "${stores[0]}"
same 'no password in messages' 0 "$(grep -c 'w-wrong' "$work/stderr")"
expect 4 'does not exist' "$OOMLENS" merge "postgresql://writer:w-secret@$at/nowhere" "${stores[0]}"
expect 4 'refused' "$OOMLENS" merge "postgresql://writer:w-secret@127.0.0.1:1/fleet" "${stores[0]}"
expect 4 'invalid' "$OOMLENS" merge 'postgresql://writer@h:port/fleet' "${stores[0]}"
expect 4 'permission denied' "$OOMLENS" merge "postgresql://reader:r-secret@$at/fleet" "${stores[0]}"
expect 0 '' "$OOMLENS" merge "host=127.0.0.1 port=$port dbname=fleet user=writer password=w-secret" "${stores[@]}"
expect 0 '' "$OOMLENS" query --db "postgres://reader:r-secret@$at/fleet" totals
equals_clean 'writer role' "$(one fleet)"
expect 2 'needs a store' "$OOMLENS" list --db "$(one fleet)"
expect 3 'no source' "$OOMLENS" merge "$work/x.db" 'postgresql://u:x-secret@h/d'
same 'no password in this message' 0 "$(grep -c x-secret "$work/stderr")"
new_db empty
expect 4 'holds no stores' "$OOMLENS" query --db "$(one empty)" totals
sql "$(one empty)" -c 'CREATE TABLE oomlens_schema (version integer)' -c 'INSERT INTO oomlens_schema VALUES (99)'
expect 4 'newer oomlens' "$OOMLENS" query --db "$(one empty)" totals
expect 4 'newer oomlens' "$OOMLENS" merge "$(one empty)" "${stores[0]}"

# Sources that are not what they claim are passed over, and the others land.
new_db hostile
head -c 50000 "${stores[0]}" > "$work/cut.db"
cp "${stores[0]}" "$work/typed.db"; sqlite3 "$work/typed.db" "UPDATE event SET boot_us = 'x' WHERE event_id = 7"
cp "${stores[1]}" "$work/forged.db"; sqlite3 "$work/forged.db" 'UPDATE digest SET weight = weight + 1'
cp "${stores[0]}" "$work/long.db"; sqlite3 "$work/long.db" "UPDATE event SET stamp = hex(zeroblob(40000)) WHERE event_id = 3"
cp "${stores[0]}" "$work/acting.db"; sqlite3 "$work/acting.db" 'CREATE TRIGGER t AFTER INSERT ON event BEGIN SELECT 1; END'
expect 3 'cut.db.*' "$OOMLENS" merge "$(one hostile)" "$work/cut.db" "$work/typed.db" "$work/long.db" "${stores[@]}" \
	"$work/forged.db" "$work/acting.db" "$work/nowhere.db"
for name in cut typed forged long acting nowhere; do
	same "word of $name.db" 1 "$(grep -c "$name.db" "$work/stderr")"
done
equals_clean 'hostile sources' "$(one hostile)"

# Even who owns everything only looks.
sql "$(one fleet)" -c 'CREATE SEQUENCE s'
while read -r sql; do
	expect 2 'only statements that read|multiple commands|data-modifying|syntax error|read-write mode must be set|read-only|not allowed here' \
		"$OOMLENS" query --db "$(one fleet)" "${sql//FILE/$pg_dir/x}"
done <<'SQL'
DELETE FROM event
SELECT 1; DELETE FROM event
WITH d AS (DELETE FROM event RETURNING 1) SELECT * FROM d
COPY (SELECT 1) TO PROGRAM 'touch FILE'
COMMIT
/* */ COMMIT
SET default_transaction_read_only = off
SELECT set_config('transaction_read_only', 'off', true)
SELECT * INTO x FROM event
SELECT * FROM event FOR UPDATE
SELECT nextval('s')
SELECT setval('s', 1)
DO 'BEGIN DELETE FROM event; END'
SQL
[ ! -e "$pg_dir/x" ] || { failures=$((failures + 1)); echo 'a query wrote a file'; }
expect 4 'time limit' "$OOMLENS" query --db "$(one fleet)" --timeout 1s 'SELECT pg_sleep(20)'
expect 4 'time limit' "$OOMLENS" query --db "$(one fleet)" --timeout 1s \
	"SELECT set_config('statement_timeout', '0', false) FROM generate_series(1, 5000) AS i, pg_sleep(i / 2000 * 10)"
expect 1 '' "$OOMLENS" query --db "$(one fleet)" 'SELECT 1 WHERE false'
expect 2 'does not exist' "$OOMLENS" query --db "$(one fleet)" 'SELECT moon FROM v_event'
same 'types' '7,7.5,,1,"a""b",00ff' "$("$OOMLENS" query --csv --db "$(one fleet)" \
	"SELECT 7::bigint, 7.50, NULL, true, 'a\"b', '\\x00ff'::bytea" | tail -n 1 | tr -d '\r')"
equals_clean 'after the queries' "$(one fleet)"

# ---- TLS, as libpq gives it ----------------------------------------------------------------------------------

if command -v openssl > /dev/null; then
	as_postgres openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1 \
		-keyout "$pg_dir/one/server.key" -out "$pg_dir/one/server.crt" 2> /dev/null
	tls="postgresql://reader:r-secret@$at/fleet?sslmode"
	expect 4 'does not support SSL' "$OOMLENS" query --db "$tls=require" 'SELECT 1'
	sql "$(one postgres)" -c "ALTER SYSTEM SET ssl = on" -c 'SELECT pg_reload_conf()' > /dev/null
	sleep 0.5
	encrypted='SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()'
	same 'sslmode=require' 1 "$("$OOMLENS" query --csv --db "$tls=require" "$encrypted" | tail -n 1 | tr -d '\r')"
	same 'sslmode=disable' 0 "$("$OOMLENS" query --csv --db "$tls=disable" "$encrypted" | tail -n 1 | tr -d '\r')"
	expect 4 'root certificate' "$OOMLENS" query --db "$tls=verify-full&sslrootcert=/nowhere" "$encrypted"
	cp "$pg_dir/one/server.crt" "$work/root.crt"
	expect 0 '' "$OOMLENS" query --db "$tls=verify-full&sslrootcert=$work/root.crt" "$encrypted"
fi

# ---- a coordinator and two shards ----------------------------------------------------------------------------

pg_start shard0 $((port + 1))
pg_start shard1 $((port + 2))
for i in 0 1; do
	sql "$(pg_url $((port + i + 1)) postgres)" -c 'CREATE DATABASE fleet'
	must_merge "$(pg_url $((port + i + 1)) fleet)"
done
coordinator() { # coordinator DB
	new_db "$1"
	must_merge "$(one "$1")"
	sql "$(one "$1")" -c 'CREATE EXTENSION postgres_fdw'
	for i in 0 1; do
		sql "$(one "$1")" -c "CREATE SERVER oomlens_shard_$i FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$pg_dir',
			port '$((port + i + 1))', dbname 'fleet', batch_size '1000', fetch_size '10000', async_capable 'true')" \
			-c "CREATE USER MAPPING FOR boss SERVER oomlens_shard_$i OPTIONS (user 'boss')"
	done
	sql "$(one "$1")" -f packaging/postgresql-shards.sql
}
empty_shards() {
	for i in 0 1; do
		sql "$(pg_url $((port + i + 1)) fleet)" -c "TRUNCATE $(echo $tables | tr ' ' ',')"
	done
}
coordinator sharded
sharded=$(one sharded)
must_merge "$sharded" "${stores[@]}"
equals_clean 'sharded' "$sharded"
for i in 0 1; do
	n=$(sql "$(pg_url $((port + i + 1)) fleet)" -c 'SELECT count(*) FROM event')
	[ "$n" -gt 100 ] || { failures=$((failures + 1)); echo "shard $i has $n events"; }
done
same_reports sharded "$sharded" '--until=2026-06-01'
must_merge "$sharded" "${stores[@]}"
equals_clean 'sharded, merged twice' "$sharded"
empty_shards
at_once "$sharded"
equals_clean 'sharded, ten writers at once' "$sharded"
empty_shards
killed "$sharded"
must_merge "$sharded" "${stores[@]}"
equals_clean 'sharded, killed six times' "$sharded"

# Who may write and who may read the coordinator needs no more there than on one server, and a mapping.
for i in 0 1; do
	sql "$sharded" -c "CREATE USER MAPPING FOR writer SERVER oomlens_shard_$i OPTIONS (user 'boss', password_required 'false')"
done
sql "$sharded" -c "$(grep '^GRANT ' docs/FLEET.md)"
expect 0 '' "$OOMLENS" merge "postgresql://writer:w-secret@$at/sharded" "${stores[@]}"
same 'a reader of shards' "$("$OOMLENS" query --csv kills-by-scope --db "$ref")" \
	"$("$OOMLENS" query --csv kills-by-scope --db "postgresql://reader:r-secret@$at/sharded")"
equals_clean 'sharded, writer role' "$sharded"

# A shard dies while it is written to, and comes back; and so does the coordinator.
for name in shard1 one; do
	empty_shards
	"$OOMLENS" merge "$sharded" "${stores[@]}" > /dev/null 2> "$work/merge.err" & writer=$!
	sleep 0.3
	pg_stop $name
	sleep 0.5
	pg_start $name "$([ $name = one ] && echo "$port" || echo $((port + 2)))"
	wait $writer || cat "$work/merge.err"
	must_merge "$sharded" "${stores[@]}"
	equals_clean "sharded, $name restarted" "$sharded"
done
finish
