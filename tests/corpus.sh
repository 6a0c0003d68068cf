#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# corpus.sh OOMLENS DIR: every log of a directory of real logs, held against its MANIFEST.tsv (file, source, kernel, format,
# n_invocations, n_kills, has_task_table, complete, victims, constraint, notes).  Prints kernel generation x verdict.
set -u
oomlens=$1 corpus=$2
if [ -z "$corpus" ] || [ ! -e "$corpus/MANIFEST.tsv" ]; then
	echo "SKIP: no corpus of logs here (CORPUS=dir)"
	exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0 files=0 ledgers=0
complain() { bad=$((bad + 1)); echo "  $1: $2"; }

# An empty field must stay one: blanks and tabs would merge.
while IFS=$'\x1f' read -r file _ kernel _ invocations _ _ complete victims _ _; do
	[ "$file" = file ] && continue
	[ -e "$corpus/$file" ] || continue
	files=$((files + 1))
	json="$work/out.json"
	timeout 20 "$oomlens" explain --json "$corpus/$file" > "$json" 2> "$work/err"
	code=$?
	[ $code -le 1 ] || complain "$file" "exit status $code: $(head -c 300 "$work/err")"
	jq -e . "$json" > "$work/pretty" 2> "$work/err" || { complain "$file" "not JSON: $(cat "$work/err")"; continue; }
	got=$(jq '[.events[] | select(.trigger.comm != null)] | length' "$json")
	# The manifest counts lines, so an invocation that a mail wrapped is one more here.
	[ "$got" -ge "$invocations" ] || complain "$file" "$invocations invocations, $got events with one"
	want=$(printf '%s' "$victims" | tr ';' '\n' | sort -u)
	have=$(jq -r '.events[].victims[] | select(.role != "shared_mm") | "\(.pid):\(.comm)"' "$json" | sort -u)
	[ "$want" = "$have" ] || complain "$file" "victims differ: expected [$(echo $want)], found [$(echo $have)]"
	jq -r --arg k "$(echo "$kernel" | grep -oE '^[0-9]+\.[0-9]+' || echo '?')" --arg f "$file" --arg c "$complete" '.events[] |
		[$k, .replay.verdict, .replay.reason, .replay.profile, $c, $f, (.id|tostring)] | @tsv' "$json" >> "$work/verdicts"
	if [ "$complete" = 1 ] && jq -e '[.events[] | select(.replay.verdict == "unexplained")] | length > 0' "$json" > /dev/null; then
		complain "$file" "unexplained: $(jq -r '[.events[] | select(.replay.verdict == "unexplained") | .replay.text] | join(" / ")' "$json")"
	fi
	# Every ledger adds up, and of a whole report none is without a remainder.
	off=$(jq -r '.events[] | .id as $id | .ledger[] | select(.unaccounted_kb != null) |
		select(([.rows[] | select(.disjoint) | .kb] | add) + .unaccounted_kb != .total_kb) | "event \($id) \(.domain)"' "$json")
	[ -z "$off" ] || complain "$file" "rows and remainder are not the total: $off"
	sums=$(jq '[.events[].ledger[] | select(.domain == "machine" and .whole)] | length' "$json")
	ledgers=$((ledgers + sums))
	if [ "$complete" = 1 ] && jq -e '[.events[] | select(.scope == "global" and .outcome == "killed" and .tasks > 0 and
		any(.ledger[]; .domain == "machine" and .whole and (.unaccounted_kb == null or .unaccounted_kb < -.total_kb / 200)))] |
		length > 0' "$json" > /dev/null; then
		complain "$file" "a whole ledger without a remainder, or counted twice"
	fi
done < <(tr '\t' '\037' < "$corpus/MANIFEST.tsv")

# Releases in groups of five, each a row.
awk -F'\t' '
	{ split($1, v, "."); g = v[1] == "?" ? "?" : v[1] == 2 ? $1 : v[1] "." int(v[2] / 5) * 5 "-" v[1] "." int(v[2] / 5) * 5 + 4
	  order = v[1] == "?" ? 99999 : v[1] * 1000 + v[2] - v[2] % 5
	  print order "\t" g "\t" $2 }' "$work/verdicts" | sort -n | awk -F'\t' '
	BEGIN { k = split("exact explained within_drift unexplained insufficient", word, " ")
		printf "%-10s", "kernel"; for (i = 1; i <= k; i++) printf " %12s", word[i]; print "" }
	function row(name, c,  i) { printf "%-10s", name; for (i = 1; i <= k; i++) printf " %12d", c[word[i]]; print "" }
	$2 != last && NR > 1 { row(last, n); split("", n) }
	{ last = $2; n[$3]++; all[$3]++ }
	END { row(last, n); row("all", all) }'
[ -z "${VERBOSE:-}" ] || sort "$work/verdicts"
echo "$files logs, $ledgers whole ledgers of machines add up, $bad complaints"
[ $bad = 0 ]
