#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# accept.sh DIR PREFIX: what a run of the lab left in DIR becomes tests/cases/PREFIX-SCENARIO
set -eu

cases=$(dirname "$(readlink -f "$0")")/../cases
[ $# = 2 ] && [ -d "$1" ] || { echo "usage: $0 DIR PREFIX" >&2; exit 2; }
for dir in "$1"/*/; do
	name=$(basename "$dir")
	# Names with control bytes look different to each reader of the log: keep what each of them shows.
	case $name in escapes|newline|invalid-utf8) variants='raw kmsg' ;; *) variants= ;; esac
	[ -s "$dir/log" ] || [ -n "$(find "$dir" -name 'log.*')" ] || { echo "$name: no log, left out" >&2; continue; }
	mkdir -p "$cases/$2-$name"
	for file in "$dir"/log "$dir"/log.* "$dir"/facts "$dir"/ballot.tsv; do
		[ ! -s "$file" ] || cp "$file" "$cases/$2-$name/"
	done
	for as in $variants; do
		mkdir -p "$cases/$2-$name-$as"
		cp "$dir/$as" "$cases/$2-$name-$as/log"
		cp "$dir/facts" "$cases/$2-$name-$as/facts"
	done
done
