#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# query: whatever the SQL is, it only looks, and it ends.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
db=$work/oom.db
"$OOMLENS" import -q --db "$db" "$log" || { echo 'no store'; exit 1; }
before=$(sha256sum < "$db")

# Time: between the steps of SQLite and inside one.
endless='WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 99999999)'
expect 4 'time limit' timeout 10 "$OOMLENS" query --db "$db" --timeout 1s "$endless SELECT max(i) FROM n"
expect 4 'time limit' timeout 10 "$OOMLENS" query --db "$db" --timeout=1 --csv "$endless SELECT i FROM n"
expect 4 'time limit' timeout 10 "$OOMLENS" query --db "$db" --timeout 1s \
	"SELECT instr(zeroblob(60000000), CAST(zeroblob(20000000) || char(1) AS BLOB))"
expect 0 '' "$OOMLENS" query --db "$db" --timeout off 'SELECT 1'
expect 2 'not a valid value' "$OOMLENS" query --db "$db" --timeout never 'SELECT 1'
"$OOMLENS" query --help | grep -q 'default: 60s' || { echo 'no default time limit'; failures=$((failures + 1)); }

# Memory.
expect 4 'out of memory|too big' "$OOMLENS" query --db "$db" \
	"SELECT length(group_concat(a)) FROM (${endless/99999999/300} SELECT hex(zeroblob(1000000)) AS a FROM n)"
long="hex(zeroblob(100000000))"
expect 4 'out of memory' "$OOMLENS" query --db "$db" "SELECT $long < $long || 'a' OR $long || 'b' < $long"
expect 4 'too big' "$OOMLENS" query --db "$db" 'SELECT zeroblob(1000000000)'

# Writing, attaching, loading, files, settings.
while read -r sql; do
	expect 2 'only statements that read|no such (function|table|module)|may not be modified' \
		"$OOMLENS" query --db "$db" "${sql//FILE/$work/x}"
done <<'SQL'
INSERT INTO host (hostname) VALUES ('x')
UPDATE event SET stamp = 'x'
DELETE FROM task
DROP VIEW v_event
CREATE TEMP TABLE t (a)
CREATE VIRTUAL TABLE temp.t USING fts5(a)
CREATE VIRTUAL TABLE temp.t USING csv(filename = '/etc/passwd')
ATTACH 'FILE' AS x
DETACH main
VACUUM
VACUUM INTO 'FILE'
REINDEX
ANALYZE
BEGIN IMMEDIATE
SAVEPOINT a
EXPLAIN ATTACH 'FILE' AS x
WITH a AS (SELECT 1) DELETE FROM event
SELECT load_extension('FILE')
SELECT readfile('/etc/passwd')
SELECT writefile('FILE', 'x')
SELECT edit('x')
SELECT fts3_tokenizer('simple')
SELECT fts3_tokenizer('mine', x'4141414141414141')
SELECT * FROM fsdir('/')
SELECT * FROM feed
PRAGMA writable_schema = ON
PRAGMA trusted_schema = ON
PRAGMA query_only = OFF
PRAGMA temp_store_directory = '/'
PRAGMA wal_checkpoint
PRAGMA optimize
PRAGMA journal_mode = DELETE
PRAGMA hard_heap_limit = 0
PRAGMA incremental_vacuum
PRAGMA user_version = 9
PRAGMA temp.user_version = 9
SELECT * FROM pragma_wal_checkpoint
SELECT * FROM pragma_optimize
UPDATE sqlite_master SET sql = 'x'
INSERT INTO sqlite_dbpage VALUES (1, zeroblob(16384))
SQL
same 'the store is as it was' "$before" "$(sha256sum < "$db")"
[ ! -e "$work/x" ] || { echo 'a query wrote a file'; failures=$((failures + 1)); }
finish
