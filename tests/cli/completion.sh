#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# What the shell offers: commands, each command's own options, words of options, reports.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
. packaging/oomlens.bash

# offers 'WORDS' TYPED...: what completes the last word
offers() {
	local expected=$1
	shift
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
	_oomlens
	same "${*:2}" "$expected" "$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' ')"
}
offers 'explain export' "$OOMLENS" exp
offers '--timeout --top' "$OOMLENS" query --t
offers '' "$OOMLENS" analyze --since
offers 'kills-by-command kills-by-container' "$OOMLENS" query kills-by-co
offers 'unreaped' "$OOMLENS" query --json unr
offers 'prometheus' "$OOMLENS" export --format pro
offers 'prometheus' "$OOMLENS" export --format = pro
offers 'always auto never' "$OOMLENS" list --color ''
offers 'README.md' "$OOMLENS" explain READ
offers '--batch' "$(dirname "$OOMLENS")/oomtop" --ba
# its words are those that the program takes
for word in jsonl csv prometheus; do
	expect 4 'No such file' "$OOMLENS" export -f $word --db "$work/none"
done
for command in $("$OOMLENS" --help | sed -n 's/^  \([a-z]*\) .*/\1/p'); do
	COMP_WORDS=("$OOMLENS" "$command" --) COMP_CWORD=2
	_oomlens
	same "options of $command" "$("$OOMLENS" "$command" --help | grep -cE '^  (-.,|   ) --')" "${#COMPREPLY[@]}"
done
finish
