#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# export: JSON lines, CSV and metrics of the same events; counters that never fall; a file that is whole or as it was.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
db=$work/oom.db
export OOMLENS_DB=$db
told() { sed "s/^\[ *\([0-9]*\)\./[ $4\1./; s/^/$2+00:00 $1 kernel: /" "$cases/$3/log"; }
{ told alpha 2026-03-01T05:10:00.000000 6.12-memcg 1
  told alpha 2026-03-01T05:40:00.000000 6.12-group-kill 2
  told beta 2026-03-02T23:59:59.999999 6.12-global 4
} > "$work/log"
expect 0 '' "$OOMLENS" import -q "$work/log" "$cases"/6.18-memcg1-{invalid-utf8-raw,newline,hostile-row}/log
events=$(sqlite3 "$db" 'SELECT count(*) FROM event')

# JSON lines: each is what explain says of the event
expect 0 '' "$OOMLENS" export --format jsonl
same 'lines' "$events" "$(wc -l < "$work/stdout")"
cp "$work/stdout" "$work/lines"
for id in $(sqlite3 "$db" 'SELECT event_id FROM event'); do
	"$OOMLENS" explain --json --event "$id" | jq -S '.events[0]' > "$work/a"
	jq -S "select(.id == $id)" "$work/lines" | cmp -s - "$work/a" || { echo "event $id differs"; failures=$((failures + 1)); }
done
same 'oldest first, undated before' 'null null null alpha alpha beta' "$(jq -r '.host' "$work/lines" | paste -sd' ')"
expect 0 '' "$OOMLENS" export -f jsonl --host alpha --since 2026-03-01Z --until '2026-03-01 05:20:00Z'
same 'filtered' '1 hog' "$(jq -r '"\(.id) \(.victims[0].comm)"' "$work/stdout" | sed 's/^[0-9]*/1/')"
expect 0 '' "$OOMLENS" export -f jsonl --event "$(sqlite3 "$db" "SELECT event FROM v_event WHERE hostname = 'beta'")"
same 'by name' beta "$(jq -r .host "$work/stdout")"
expect 1 '' "$OOMLENS" export -f jsonl --host nobody
same 'nothing' 0 "$(wc -c < "$work/stdout")"
cp "$db" "$work/damaged.db"
sqlite3 "$work/damaged.db" "UPDATE evidence SET memory = '[[' WHERE event_id = 2"
expect 4 'damaged' "$OOMLENS" export -f jsonl --db "$work/damaged.db"
same 'the others are there' $((events - 1)) "$(jq -s length "$work/stdout")"

# CSV
expect 0 '' "$OOMLENS" export -f csv
same 'columns of v_event' "$(sqlite3 -csv -header "$db" 'SELECT * FROM v_event' | head -n 1 | tr -d '\r')" "$(head -n 1 "$work/stdout" | tr -d '\r')"
expect 0 '' "$OOMLENS" export -f csv --what victims --host alpha
same 'victims of alpha' '1 4' "$(tail -n +2 "$work/stdout" | cut -d, -f1 | sort | uniq -c | awk '{ print $1 }' | sort -n | paste -sd' ')"
expect 0 '' "$OOMLENS" export -f csv --what candidates --event 2
same 'candidates of event 2' "$(sqlite3 "$db" 'SELECT count(*) + 1 FROM v_candidate WHERE event_id = 2')" "$(grep -c $'\r$' "$work/stdout")"
same 'raw bytes of a name' 1 "$("$OOMLENS" export -f csv --what victims | LC_ALL=C grep -acP '[\x80-\xff]')"

# -o: whole, or as it was
expect 0 '' "$OOMLENS" export -f csv -o "$work/out.csv"
same 'quiet' 0 "$(wc -c < "$work/stdout")"
"$OOMLENS" export -f csv | cmp - "$work/out.csv" || failures=$((failures + 1))
same 'mode' "$(printf '%o' $((0666 & ~$(umask))))" "$(stat -c %a "$work/out.csv")"
expect 4 'damaged' "$OOMLENS" export -f jsonl --db "$work/damaged.db" -o "$work/out.csv"
same 'a failure leaves the old one' 1 "$("$OOMLENS" export -f csv | cmp -s - "$work/out.csv" && echo 1)"
same 'nothing else is left' 1 "$(find "$work" -name '*out.csv*' | wc -l)"
expect 3 'cannot write' "$OOMLENS" export -f csv -o "$work/no/such/dir/x"
expect 3 'cannot write' "$OOMLENS" export -f csv -o /dev/full
[ -c /dev/full ] || { echo "/dev/full was replaced"; failures=$((failures + 1)); }
same 'a pipe is written as it is' "$events" "$("$OOMLENS" export -f jsonl -o /dev/stdout | wc -l)"

# metrics: counted by hand
prom=$work/oomlens.prom
metric() { sed -n "s/^$(sed 's,[.],\\.,g' <<< "$1") //p" "$prom"; }
expect 0 '' "$OOMLENS" export -f prometheus -o "$prom" --runtime-dir "$work/run"
same 'memcg kills: 1, a group of 4, 3 of hostile names' 8 "$(metric 'oomlens_kills_total{scope="memcg"}')"
same 'global kills' 1 "$(metric 'oomlens_kills_total{scope="global"}')"
same 'of a word that never was' 0 "$(metric 'oomlens_kills_total{scope="sysrq"}')"
same 'by host' '5 1 3' "$(metric 'oomlens_host_kills_total{host="alpha"}') $(metric 'oomlens_host_kills_total{host="beta"}') $(metric 'oomlens_host_kills_total{host="_none"}')"
same 'the last' "$(date -ud '2026-03-02T23:59:59Z' +%s)" "$(metric oomlens_last_kill_timestamp_seconds)"
same 'all events are exact' "$events" "$(metric 'oomlens_events_total{outcome="killed",verdict="exact"}')"
same 'each victim once' 9 "$(grep '^oomlens_victims_total' "$prom" | awk '{ n += $NF } END { print n }')"
same 'stored' "$events" "$(metric oomlens_stored_events)"
same 'no recorder' '' "$(metric oomlens_recorder_up)"
cp "$prom" "$work/first"
stays() { grep -v export_timestamp "$prom" > "$work/now"; grep -v export_timestamp "$work/first" | diff - "$work/now" || { echo "$1"; failures=$((failures + 1)); }; }
expect 0 '' "$OOMLENS" export -f prometheus -o "$prom" --runtime-dir "$work/run"
stays 'a second export counted again'

# retention removes events: counters stay, what says how much is stored falls
forget() { for t in event verdict evidence digest; do echo "DELETE FROM $t WHERE event_id $1;"; done; for t in task victim note; do echo "DELETE FROM $t WHERE k >> 20 $1;"; done; }
sqlite3 "$db" "$(forget '<= 2')"
expect 0 '' "$OOMLENS" export -f prometheus -o "$prom" --runtime-dir "$work/run"
same 'counters after retention' '8 5' "$(metric 'oomlens_kills_total{scope="memcg"}') $(metric 'oomlens_host_kills_total{host="alpha"}')"
same 'stored after retention' $((events - 2)) "$(metric oomlens_stored_events)"
told alpha 2026-02-01T00:00:00.000000 6.12-memcg 7 > "$work/log"
expect 0 '' "$OOMLENS" import -q "$work/log"
expect 0 '' "$OOMLENS" export -f prometheus -o "$prom" --runtime-dir "$work/run"
same 'a kill more, though an older one' "9 6 $(date -ud '2026-03-02T23:59:59Z' +%s)" \
	"$(metric 'oomlens_kills_total{scope="memcg"}') $(metric 'oomlens_host_kills_total{host="alpha"}') $(metric oomlens_last_kill_timestamp_seconds)"
# all gone: ids begin anew, and the next event is still counted once
sqlite3 "$db" "$(forget '> 0')"
told alpha 2026-04-01T00:00:00.000000 6.12-memcg 8 > "$work/log"
expect 0 '' "$OOMLENS" import -q "$work/log"
same 'the id is an old one' 1 "$(sqlite3 "$db" 'SELECT max(event_id) FROM event')"
for _ in 1 2; do
	expect 0 '' "$OOMLENS" export -f prometheus -o "$prom" --runtime-dir "$work/run"
	same 'counted once' '10' "$(metric 'oomlens_kills_total{scope="memcg"}')"
done

# what has just happened is told better for a while, so it is counted a minute later
told alpha "$(date -ud '-20 sec' +%Y-%m-%dT%H:%M:%S.000000)" 6.12-global 9 > "$work/log"
expect 0 '' "$OOMLENS" import -q "$work/log"
expect 0 '' "$OOMLENS" export -f prometheus -o "$prom" --runtime-dir "$work/run"
same 'not yet' 1 "$(metric 'oomlens_kills_total{scope="global"}')"
sqlite3 "$db" 'UPDATE event SET wall_us = wall_us - 60000000 WHERE event_id = 2'
expect 0 '' "$OOMLENS" export -f prometheus -o "$prom" --runtime-dir "$work/run"
same 'now' 2 "$(metric 'oomlens_kills_total{scope="global"}')"

# another store in the place of this one, and another file in the place of the export
cp "$db" "$work/copy.db" && mv "$work/copy.db" "$db"
expect 0 '' "$OOMLENS" export -f prometheus -o "$prom" --runtime-dir "$work/run"
same 'begins with what is stored' '1 1' "$(metric 'oomlens_kills_total{scope="memcg"}') $(metric 'oomlens_kills_total{scope="global"}')"
echo 'oomlens_kills_total{scope="global"} 1000' > "$prom"
expect 0 'not what an earlier export wrote' "$OOMLENS" export -f prometheus -o "$prom" --runtime-dir "$work/run"
same 'nothing is taken from it' 1 "$(metric 'oomlens_kills_total{scope="global"}')"

# many units: as many series as asked for, the others together, and a series that is there stays
for i in 1 2 3 4 5 6; do told h$i 2026-05-0${i}T00:00:00.000000 6.12-memcg 1$i; done > "$work/log"
told h6 2026-05-07T00:00:00.000000 6.12-memcg 20 >> "$work/log"
expect 0 '' "$OOMLENS" import -q --db "$work/many.db" "$work/log"
expect 0 '' "$OOMLENS" export -f prometheus --db "$work/many.db" -o "$work/many.prom" --top 3
same 'the greatest first' '{host="h6"} 2 {host="h1"} 1 {host="h2"} 1 {host="_other"} 3' \
	"$(sed -n 's/^oomlens_host_kills_total//p' "$work/many.prom" | paste -sd' ')"
for i in 1 2 3; do told h5 2026-06-0${i}T00:00:00.000000 6.12-memcg 3$i; done > "$work/log"
expect 0 '' "$OOMLENS" import -q --db "$work/many.db" "$work/log"
expect 0 '' "$OOMLENS" export -f prometheus --db "$work/many.db" -o "$work/many.prom" --top 3
same 'no series moves' '{host="h6"} 2 {host="h1"} 1 {host="h2"} 1 {host="_other"} 6' \
	"$(sed -n 's/^oomlens_host_kills_total//p' "$work/many.prom" | paste -sd' ')"

# usage
expect 2 'needs --format' "$OOMLENS" export
expect 2 "'xml' is nothing for --format" "$OOMLENS" export -f xml
expect 2 'for --format csv' "$OOMLENS" export -f jsonl --what victims
expect 2 'nothing for --what' "$OOMLENS" export -f csv --what tasks
expect 2 'whole store' "$OOMLENS" export -f prometheus --host x
expect 2 'no argument' "$OOMLENS" export -f csv x
expect 2 'needs a store' "$OOMLENS" export -f csv --db postgresql://h/d
expect 4 'No such file' "$OOMLENS" export -f prometheus --db "$work/none.db" -o "$work/none.prom"
[ ! -e "$work/none.prom" ] || { echo "an export without a store"; failures=$((failures + 1)); }
finish
