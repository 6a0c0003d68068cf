#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# import: once is once, all or nothing, every broken store a clear error.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
db=$work/oom.db

expect 2 'import needs' "$OOMLENS" import --db "$db"
expect 0 '' "$OOMLENS" import --json --db "$db" "$log"
n=$(jq .added "$work/stdout")
expect 0 '' "$OOMLENS" import --json --db "$db" "$log"
same 'a second import adds' 0 "$(jq .added "$work/stdout")"
same 'a second import knows' "$n" "$(jq .known "$work/stdout")"
same 'sqlite3 sees' "$n" "$(sqlite3 "$db" 'SELECT count(*) FROM v_event')"
same 'integrity' ok "$(sqlite3 "$db" 'PRAGMA integrity_check')"

expect 3 'missing' "$OOMLENS" import --db "$db" "$work/missing"
expect 1 '' "$OOMLENS" import --db "$db" /dev/null
expect 1 'event' "$OOMLENS" explain --db "$db" --event 999999
expect 4 '' "$OOMLENS" explain --db "$work/none.db" --event 1

# Broken stores.
head -c 8192 /dev/urandom > "$work/garbage.db"
expect 4 'garbage.db' "$OOMLENS" import --db "$work/garbage.db" "$log"
cp "$db" "$work/newer.db"; sqlite3 "$work/newer.db" 'PRAGMA user_version = 999'
expect 4 'newer' "$OOMLENS" import --db "$work/newer.db" "$log"
expect 4 'newer' "$OOMLENS" list --db "$work/newer.db"
expect 4 '' "$OOMLENS" import --db "$work" "$log"
expect 4 '' "$OOMLENS" import --db /proc/oom.db "$log"

# A store that another program holds.
cp "$db" "$work/locked.db"
coproc HOLD { sqlite3 "$work/locked.db"; }
echo 'PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; SELECT 1;' >&"${HOLD[1]}"
read -r _ <&"${HOLD[0]}"; read -r _ <&"${HOLD[0]}"
expect 4 'locked' "$OOMLENS" import --db "$work/locked.db" "$log"
eval "exec ${HOLD[1]}>&-"; wait "$HOLD_PID" 2> /dev/null

# A full disk: the store stays as it was.
if mkdir "$work/small" && mount -t tmpfs -o size=700k tmpfs "$work/small" 2> /dev/null; then
	cp "$db" "$work/small/oom.db"
	before=$(sqlite3 "$work/small/oom.db" 'SELECT count(*) FROM v_event')
	find "$cases" -name log | sort | xargs cat > "$work/many.log"
	expect 4 'full|space' "$OOMLENS" import --db "$work/small/oom.db" "$work/many.log"
	same 'events after a full disk' "$before" "$(sqlite3 "$work/small/oom.db" 'SELECT count(*) FROM v_event')"
	same 'integrity after a full disk' ok "$(sqlite3 "$work/small/oom.db" 'PRAGMA integrity_check')"
	umount "$work/small"
fi
finish
