#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# explain: exit codes, bad input, pipes, compressed input.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc

expect 2 'usage: oomlens' "$OOMLENS"
expect 2 "unknown command 'exlain'" "$OOMLENS" exlain
expect 2 "unknown option '--frob'" "$OOMLENS" explain --frob
expect 2 "no value for option '--top'" "$OOMLENS" explain --top
expect 2 "not a valid value" "$OOMLENS" explain --top=0 "$log"
expect 2 "no kernel profile is named '9.9'" "$OOMLENS" explain --profile 9.9 "$log"
expect 0 '' "$OOMLENS" --version
for c in explain import list analyze query; do expect 0 '' "$OOMLENS" $c --help; done

expect 0 '' "$OOMLENS" explain "$log"
expect 0 '' "$OOMLENS" explain - < "$log"
cat "$work/stdout" > "$work/from-stdin"

: > "$work/empty"
expect 1 'no OOM event' "$OOMLENS" explain "$work/empty"
head -c 300000 /dev/urandom > "$work/binary"
expect 1 'no OOM event' "$OOMLENS" explain "$work/binary"
expect 3 'missing.log' "$OOMLENS" explain "$work/missing.log"
mkdir "$work/dir"; : > "$work/dir/readme.txt"
expect 3 "no kernel log in directory" "$OOMLENS" explain "$work/dir"
expect 3 'missing.log' "$OOMLENS" explain "$work/missing.log" "$log"
grep -q "pid" "$work/stdout" || { echo "the good log was lost beside the missing one"; failures=$((failures + 1)); }

for z in gzip xz zstd bzip2; do
	command -v $z > /dev/null || continue
	$z -c < "$log" > "$work/log.$z"
	expect 0 '' "$OOMLENS" explain --json "$work/log.$z"
	same "$z" "$(jq '.events | length' < <("$OOMLENS" explain --json "$log"))" "$(jq '.events | length' "$work/stdout")"
done
# Ten dumps and a cut: what was good is explained, the cut is named.
for i in 0 1 2 3 4 5 6 7 8 9; do sed "s/^\\[ *\\([0-9]*\\)\\./[1${i}\\1./" "$log"; done | gzip -c > "$work/many.gz"
size=$(stat -c %s "$work/many.gz")
head -c $((size - 100)) "$work/many.gz" > "$work/cut.gz"
expect 3 'cut.gz' "$OOMLENS" explain --json "$work/cut.gz"
[ "$(jq '.events | length' "$work/stdout")" -ge 8 ] || { echo "a cut archive lost its good events"; failures=$((failures + 1)); }

# Lost output is an error; a closed pipe is not.
if [ -e /dev/full ]; then
	expect 3 'cannot write' sh -c '"$0" explain "$1" > /dev/full' "$OOMLENS" "$log"
fi
"$OOMLENS" explain "$log" | head -n 1 > /dev/null

# A single line of 256 MiB costs no memory: 96 MiB of address space must do.
(ulimit -v 98304; head -c 268435456 /dev/zero | tr '\0' 'x' | "$OOMLENS" explain - > /dev/null 2> "$work/stderr")
same "exit status for a huge line" 1 $?
finish
