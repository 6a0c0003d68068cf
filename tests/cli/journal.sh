#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# journal: binary journals as files, pipes, directories and members of archives; cut, damaged, and built without.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc

packed=$cases/formats-journal-file/log.journal.xz
facts='.events[] | del(.source)'
events() { "$OOMLENS" explain --json "$@" 2> "$work/stderr" | jq "$facts"; }
want=$(jq "$facts" "$cases/formats-journal-file/event.json")
mkdir "$work/tmp"
export TMPDIR=$work/tmp
xz -dc "$packed" > "$work/plain"

expect 0 '' "$OOMLENS" explain "$packed"
same "a journal of any name" "$want" "$(events "$work/plain")"
same "a journal from a pipe" "$want" "$(events - < <(cat "$work/plain"))"
same "a journal from standard input" "$want" "$(events - < "$work/plain")"

# A machine's directory: the files of one journal are one text, an entry that two of them hold is one line.
id=$work/log/journal/0123456789abcdef0123456789abcdef
mkdir -p "$id"
cp "$work/plain" "$id/system.journal"
cp "$work/plain" "$id/system@9def753ca63443a485bf5ed011a33d09-0000000000000001-000660b5358aa7ff.journal"
cp "$work/plain" "$id/user-1000.journal"
expect 0 '' "$OOMLENS" explain --json "$work/log/journal"
same "events of a directory" "$want" "$(jq "$facts" "$work/stdout")"
same "texts of a directory" "$id/system.journal+1" "$(jq -r '.sources[].path' "$work/stdout")"
expect 0 '' "$OOMLENS" explain --json "$id"/system*
same "files named in a row" "$id/system.journal+1" "$(jq -r '.sources[].path' "$work/stdout")"
head -c 300 /dev/zero >> "$id/system@0006.journal~"
printf 'LPKSHHRH' | dd of="$id/system@0006.journal~" conv=notrunc status=none
expect 3 'system@0006.journal~.*it is damaged' "$OOMLENS" explain --json "$work/log"
same "good files beside a bad one" "$want" "$(jq "$facts" "$work/stdout")"

tar cf "$work/report.tar" -C "$work" log/journal
expect 3 'report.tar!.*system@0006.journal~' "$OOMLENS" explain --json "$work/report.tar"
same "journals in an archive" 2 "$(jq '.events | length' "$work/stdout")"

# Cut short: the entries that are there are read.
end=$(LC_ALL=C grep -abo 'Memory cgroup out of memory: Killed' "$work/plain" | tail -n 1 | cut -d: -f1)
head -c $((end + 2000)) "$work/plain" > "$work/cut.journal"
expect 3 'cut short' "$OOMLENS" explain --json "$work/cut.journal"
same "events of a cut journal" 1 "$(jq '.events | length' "$work/stdout")"
head -c 150 "$work/plain" > "$work/stub.journal"
expect 3 'stub.journal' "$OOMLENS" explain "$work/stub.journal"
head -c 50 "$work/plain" > "$work/stub.journal"
expect 3 'header is damaged' "$OOMLENS" explain "$work/stub.journal"
head -c 5000 "$packed" > "$work/cut.journal.xz"
expect 3 'cut.journal.xz' "$SANITIZED" explain "$work/cut.journal.xz"

same "temporary files left" '' "$(ls "$TMPDIR")"
TMPDIR=$work/nowhere expect 3 'temporary file: No such file or directory' "$OOMLENS" explain "$packed"

# Built without libsystemd, it says what to run instead; other inputs are read.
bare=${OOMLENS}_bare
if [ -x "$bare" ]; then
	expect 3 "run 'journalctl -k -o export --file $work/plain . oomlens explain -'" "$bare" explain "$work/plain"
	expect 3 'built without libsystemd' "$bare" explain "$packed"
	expect 3 "run 'journalctl -k -o export . oomlens explain -'" "$bare" explain journal:
	expect 3 'built without libsystemd' "$bare" explain --json "$work/log" "$log"
	same "a log beside a journal that cannot be read" 1 "$(jq '.events | length' "$work/stdout")"
fi

# Damage anywhere is survived, and told or without effect.
for at in 16 100 136 264 5000 40000 60000 80000 $end; do
	cp "$work/plain" "$work/damaged.journal"
	head -c 64 /dev/zero | tr '\0' '\377' | dd of="$work/damaged.journal" bs=1 seek="$at" conv=notrunc status=none
	got=0
	"$SANITIZED" explain --json "$work/damaged.journal" > "$work/stdout" 2> "$work/stderr" || got=$?
	case $got in
	0) ;;
	1|3) grep -q damaged.journal "$work/stderr" || [ $got = 1 ] ||
		{ echo "damage at $at is not told"; failures=$((failures + 1)); } ;;
	*) echo "damage at $at: exit status $got"; tail -n 5 "$work/stderr"; failures=$((failures + 1)) ;;
	esac
done
finish
