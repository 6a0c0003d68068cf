#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# causes.sh OOMLENS [CORPUS]: the causes that the engine finds, against those that a person judged (causes.tsv).  Logs of the
# corpus are left out where there is none.
set -u
shopt -s extglob nullglob
cd "$(dirname "$0")" || exit
oomlens=$1 corpus=${2:-}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
asked=0 wrong=0 absent=0 events=0

check() {        # check LOG EVENT CAUSE OTHERS
	local got others
	got=$("$oomlens" explain --json "$1" 2> "$work/err" | jq -r --arg id "$2" '.events[] | select($id == "*" or (.id|tostring) == $id) |
		[.id, .cause.keyword, ([.cause.findings[].keyword] | join(" "))] | join("\t")')
	[ -n "$got" ] || { wrong=$((wrong + 1)); echo "$1 event $2: no such event"; return; }
	while IFS=$'\t' read -r id keyword others; do
		events=$((events + 1))
		if [ "$keyword" != "$3" ]; then
			wrong=$((wrong + 1))
			echo "$1 event $id: judged $3, found $keyword ($others)"
		elif [ "$4" != - ] && [[ " $others " != *" $4 "* ]]; then
			wrong=$((wrong + 1))
			echo "$1 event $id: $4 is missing among $others"
		fi
	done <<< "$got"
}

while IFS=$'\t' read -r log event cause others _; do
	[ -n "$log" ] && [ "${log:0:1}" != '#' ] || continue
	if [ "${log:0:6}" = cases/ ]; then
		asked=$((asked + 1))
		# shellcheck disable=SC2086
		set -- $log
		[ $# -gt 0 ] || { wrong=$((wrong + 1)); echo "$log: no such case"; }
		for path; do check "$path" "$event" "$cause" "$others"; done
	elif [ -n "$corpus" ] && [ -e "$corpus/$log" ]; then
		asked=$((asked + 1))
		check "$corpus/$log" "$event" "$cause" "$others"
	else
		absent=$((absent + 1))
	fi
done < causes.tsv
echo "$asked keys, $events events, $wrong wrong, $absent of logs that are not here"
[ $wrong = 0 ]
