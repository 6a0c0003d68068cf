#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The metrics before Prometheus' own tool: accepted for names of any bytes; dashboard and alerts ask for what is exported.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
command -v promtool > /dev/null || { echo "no promtool: make deps-metrics"; exit 77; }
command -v systemd-analyze > /dev/null && verify=systemd-analyze
db=$work/oom.db prom=$work/oomlens.prom

# accepted WHAT: the file is, and no label of it spans lines
accepted() {
	promtool check metrics < "$prom" > "$work/lint" 2>&1 || { echo "$1:"; cat "$work/lint"; failures=$((failures + 1)); }
	[ ! -s "$work/lint" ] || { echo "$1:"; cat "$work/lint"; failures=$((failures + 1)); }
	same "$1: lines that are none" 0 "$(grep -vcE '^(#.*|oomlens_[a-z_]+(\{([a-z]+="([^"\\]|\\.)*",?)+\})? [0-9]+)$' "$prom")"
}
: > "$work/none"
expect 1 '' "$OOMLENS" import -q --db "$db" "$work/none"
expect 0 '' "$OOMLENS" export -f prometheus --db "$db" -o "$prom" --runtime-dir "$work/run"
accepted 'an empty store'
same 'series of an empty store have no value yet' 0 "$(grep -E '^oomlens_(kills|victims|events|recorded_victims)_total' "$prom" | grep -vc ' 0$')"
expect 0 '' "$OOMLENS" import -q --db "$db" "$cases"/*/log

# names that no host and no unit should have, in all lengths
sqlite3 "$db" "UPDATE host SET hostname = CAST(x'225c0a0d00ffc3281b5b33316de280ae' AS TEXT) || host_id;
	INSERT INTO word (word_id, hash, text) VALUES (1000000, 0, 'a\"} 1' || char(10) || 'oomlens_fake 7'), (1000001, 0, ''), (1000002, 0, '_other'),
	(1000003, 0, CAST(x'fffe' AS TEXT) || '.service'), (1000004, 0, replace(hex(zeroblob(500)), '0', 'é')), (1000005, 0, '{}\\');
	INSERT INTO word SELECT 2000000 + event_id, 0, 'x' || event_id || '\"\\' FROM event;
	INSERT INTO word SELECT 3000000 + event_id, 0, 'y' || event_id || char(10) FROM event;
	UPDATE digest SET unit_w = 1000000 + event_id % 6, runtime_w = NULL;
	UPDATE event SET scope_w = 2000000 + event_id WHERE event_id % 2;
	UPDATE verdict SET verdict_w = 3000000 + event_id WHERE event_id % 3 = 0"
same 'the words are in place' 1 "$(sqlite3 "$db" "SELECT count(*) > 100 FROM v_event WHERE scope LIKE 'x%' AND unit IS NOT NULL")"
rm -f "$prom"
for _ in 1 2; do
	expect 0 '' "$OOMLENS" export -f prometheus --db "$db" -o "$prom" --runtime-dir "$work/run"
	accepted 'hostile names'
done
same 'no series of another name' 0 "$(grep -c '^oomlens_fake' "$prom")"
same 'words have an end' 1 "$(grep -c '^oomlens_kills_total' "$prom" | awk '{ print ($1 <= 65) }')"

# All that may be exported: a recorder's marks, and its state, which is absent where none ran.
gen=$(dirname "$OOMLENS")/fleet_gen
expect 0 '' "$gen" "$work/fleet" hosts=40 events=300 stores=1
expect 0 '' "$OOMLENS" export -f prometheus --db "$work/fleet/region-000.db" -o "$prom" --runtime-dir "$work/run"
accepted 'a fleet'
sed -n 's/^# HELP \([^ ]*\) .*/\1/p' "$prom" > "$work/exported"
sed -n 's/.*\[OOM_METRIC_RECORDER.*{ "\([a-z_]*\)".*/\1/p; s/.*\[OOM_METRIC_FEED.*{ "\([a-z_]*\)".*/\1/p' analyzer/metrics.c >> "$work/exported"
same 'all metrics' "$(grep -c '^	\[OOM_METRIC_' analyzer/metrics.c)" "$(sort -u "$work/exported" | wc -l)"
for file in packaging/grafana-oomlens.json packaging/oomlens.rules.yml; do
	grep -oE 'oomlens_[a-z_]+' "$file" | sort -u > "$work/asked"
	[ "$(wc -l < "$work/asked")" -gt 8 ] || { echo "$file asks for nothing"; failures=$((failures + 1)); }
	same "$file asks for what nobody exports" '' "$(sort -u "$work/exported" | comm -13 - "$work/asked" | paste -sd' ')"
done

# The dashboard's questions are PromQL, the rules are rules and fire for what they are for.
jq '{groups: [{name: "dashboard", rules: ([.panels[].targets[]?.expr | gsub("\\$__range"; "1h") | gsub("\\$__rate_interval"; "5m")]
	| to_entries | map({record: "d\(.key)", expr: .value}))}]}' packaging/grafana-oomlens.json > "$work/dashboard.yml"
same 'questions of the dashboard' "$(grep -c '"expr"' packaging/grafana-oomlens.json)" "$(jq '.groups[0].rules | length' "$work/dashboard.yml")"
expect 0 '' promtool check rules "$work/dashboard.yml"
same 'panels have places of their own' "$(jq '.panels | length' packaging/grafana-oomlens.json)" \
	"$(jq -c '.panels[] | [.gridPos.x, .gridPos.y]' packaging/grafana-oomlens.json | sort -u | wc -l)"
expect 0 '' promtool check rules packaging/oomlens.rules.yml
cp packaging/oomlens.rules.yml tests/oomlens.rules.test.yml "$work"
expect 0 '' promtool test rules "$work/oomlens.rules.test.yml"
same 'each alert is tested' '' "$(sed -n 's/.*- alert: //p' packaging/oomlens.rules.yml | while read -r a; do
	grep -q "$a" tests/oomlens.rules.test.yml || echo "$a"; done | paste -sd' ')"
# a test that cannot fail tests nothing
sed -i 's/>= 10/>= 100/' "$work/oomlens.rules.yml"
expect 1 '' promtool test rules "$work/oomlens.rules.test.yml"

# The units, as systemd reads them; its verify wants the program to be there.
if [ -n "${verify:-}" ]; then
	sed "s|/usr/local/bin/oomlens|$OOMLENS|; s|^Documentation=.*||" packaging/oomlens-export.service > "$work/oomlens-export.service"
	sed 's|^Documentation=.*||' packaging/oomlens-export.timer > "$work/oomlens-export.timer"
	SYSTEMD_UNIT_PATH="$work:" "$verify" verify "$work/oomlens-export.service" "$work/oomlens-export.timer" > "$work/verify" 2>&1
	same 'systemd has nothing to say' '' "$(grep oomlens "$work/verify")"
fi
finish
