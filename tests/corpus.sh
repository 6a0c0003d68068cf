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
bad=0 files=0
complain() { bad=$((bad + 1)); echo "  $1: $2"; }

while IFS=$'\t' read -r file _ kernel _ invocations _ _ complete victims _ _; do
	[ "$file" = file ] && continue
	[ -e "$corpus/$file" ] || continue
	files=$((files + 1))
	json="$work/out.json"
	timeout 20 "$oomlens" explain --json "$corpus/$file" > "$json" 2> "$work/err"
	code=$?
	[ $code -le 1 ] || complain "$file" "exit status $code: $(head -c 300 "$work/err")"
	jq -e . "$json" > "$work/pretty" 2> "$work/err" || { complain "$file" "not JSON: $(cat "$work/err")"; continue; }
	got=$(jq '[.events[] | select(.trigger.comm != null)] | length' "$json")
	[ "$got" = "$invocations" ] || complain "$file" "$invocations invocations, $got events with one"
	want=$(printf '%s' "$victims" | tr ';' '\n' | sort -u)
	have=$(jq -r '.events[].victims[] | "\(.pid):\(.comm)"' "$json" | sort -u)
	[ "$want" = "$have" ] || complain "$file" "victims differ: expected [$(echo $want)], found [$(echo $have)]"
	jq -r --arg k "$(echo "$kernel" | grep -oE '^[0-9]+\.[0-9]+' || echo '?')" --arg f "$file" --arg c "$complete" '.events[] |
		[$k, .replay.verdict, .replay.reason, .replay.profile, $c, $f, (.id|tostring)] | @tsv' "$json" >> "$work/verdicts"
	if [ "$complete" = 1 ] && jq -e '[.events[] | select(.replay.verdict == "unexplained")] | length > 0' "$json" > /dev/null; then
		complain "$file" "unexplained: $(jq -r '[.events[] | select(.replay.verdict == "unexplained") | .replay.text] | join(" / ")' "$json")"
	fi
done < "$corpus/MANIFEST.tsv"

awk -F'\t' '
	{ g = $1; split(g, v, "."); gen = v[1] == "?" ? "?" : v[1] "." (v[1] == 2 ? v[2] : int(v[2] / 5) * 5 "+"); n[gen, $2]++; gens[gen] = v[1] * 1000 + v[2]; t[$2]++ }
	END {
		split("exact explained within_drift unexplained insufficient", word, " ")
		printf "%-8s", "kernel"; for (i = 1; i <= 5; i++) printf " %12s", word[i]; print ""
		m = asorti(gens, order)
		for (g = 1; g <= m; g++) { printf "%-8s", order[g]; for (i = 1; i <= 5; i++) printf " %12d", n[order[g], word[i]]; print "" }
		printf "%-8s", "all"; for (i = 1; i <= 5; i++) printf " %12d", t[word[i]]; print ""
	}' "$work/verdicts" 2>/dev/null || sort "$work/verdicts" | cut -f1,2 | uniq -c
[ -z "${VERBOSE:-}" ] || sort "$work/verdicts"
echo "$files logs, $bad complaints"
[ $bad = 0 ]
