#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# The kernel's own points (ballot.tsv) against the replay's, candidate by candidate.  A task that ran on between its scoring
# and its row is named in the case's facts: "moved: pid=...".
set -u
cd "$(dirname "$0")/../cases" || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Rows: number of the event, tgid of who was chosen, candidate's tgid, points ("-" unknown, "no" for none), reason.
replayed() {
	"$OOMLENS" explain --json "$1" | jq -r '.events | to_entries[] | .key as $n | .value | select(.tasks > 0 and (.victims | length) > 0) |
		.victims[0].pid as $v | .replay as $r |
		([$r.ranking[] | select(.tgid == $v or .pid == $v) | .tgid] | first) as $chosen | select($chosen != null) | $r.ranking[] |
		[$n, $chosen, .tgid, (if .eligible then .points // "-" else "no" end), $r.reason] | @tsv'
}

# Rounds of the same choice meet events of the same choice in their order; a round without a report is passed over.
compare() {
	awk -F'\t' -v moved="$(sed -n 's/^moved: pid=\([0-9]*\).*/\1/p' "$1/facts" | tr '\n' ' ')" -v name="$1" '
	BEGIN { split(moved, m, " "); for (i in m) ran[m[i]] = 1 }
	FILENAME == ARGV[1] {
		if (!(($1, $2) in seen)) { seen[$1, $2] = 1; event[$2, ++events[$2]] = $1 }
		points[$1, $3] = $4; reason[$1] = $5; next
	}
	FNR == 1 { next }
	$1 != round { n = 0; round = $1 }
	$2 == "candidate" && $4 != 1 { n++; tgid[n] = $4; kernel[n] = $7; next }
	$2 == "chosen" {
		if (!(($4, ++used[$4]) in event)) next
		e = event[$4, used[$4]]
		for (i = 1; i <= n; i++) {
			if (kernel[i] == "-" || tgid[i] in ran) continue
			ours = (e, tgid[i]) in points ? points[e, tgid[i]] : "no"
			if (ours == "-") continue
			compared++
			if (kernel[i] == "ineligible" ? ours == "no" || reason[e] == "vfork_child" : ours == kernel[i]) continue
			printf "%s: task %s in round %s: the kernel has %s, the replay %s\n", name, tgid[i], round, kernel[i], ours
			bad++
		}
	}
	END { print compared + 0 > "/dev/stderr"; exit bad > 0 }' "$work/rows" "$1/ballot.tsv" 2> "$work/n"
}

status=0 total=0
for ballot in */ballot.tsv; do
	dir=${ballot%/*}
	log=$(find "$dir" -name 'log*' | head -n 1)
	replayed "$log" > "$work/rows"
	compare "$dir" || status=1
	total=$((total + $(cat "$work/n")))
done
echo "$total candidates compared"
[ $total -ge 300 ] || { echo "too few: the rounds no longer meet their events"; status=1; }
exit $status
