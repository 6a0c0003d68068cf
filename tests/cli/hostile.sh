#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Hostile names, closed streams, empty options: nothing steers the terminal, nothing is written where it does not belong.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
db=$work/oom.db
esc=$'\e]0;x\a\xc2\x9b1m\xe2\x80\xae'

# No byte of the caller's or of a log's reaches the terminal as it is.
clean() {        # clean WHAT FILE
	if LC_ALL=C grep -qP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\x8e\x8f\xaa-\xae]|\xe2\x81[\xa6-\xa9]' "$2"; then
		failures=$((failures + 1))
		echo "$1: bytes that steer a terminal"
		LC_ALL=C grep -aP '[\x00-\x08\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80|\xe2\x81' "$2" | head -n 3 | cat -v
	fi
}
expect 2 'unknown option' "$OOMLENS" explain "--$esc"
clean 'an option' "$work/stderr"
expect 2 'unknown command' "$OOMLENS" "$esc"
clean 'a command' "$work/stderr"
expect 3 'cannot open' "$OOMLENS" explain "$work/$esc"
clean 'a file' "$work/stderr"
expect 2 'no argument' "$OOMLENS" list "$esc"
clean 'an argument' "$work/stderr"
expect 2 'no kernel profile' "$OOMLENS" explain --profile "$esc" "$log"
clean 'a profile' "$work/stderr"

sed "s/hog/h$esc/g; s/\(Linux version\|Not tainted\) [0-9][^ ]*/&$esc/" "$log" > "$work/$esc.log"
expect 0 '' "$OOMLENS" explain --color=never "$work/$esc.log"
clean 'explain' "$work/stdout"
expect 0 '' "$OOMLENS" explain --json "$work/$esc.log"
clean 'explain --json' "$work/stdout"
same 'the name in JSON' "h$esc" "$(jq -r '[.events[].victims[].comm][0]' "$work/stdout")"
expect 0 '' "$OOMLENS" import --db "$db" --host "$esc" "$work/$esc.log"
clean 'import' "$work/stdout"
expect 0 '' "$OOMLENS" list --color=never --db "$db"
clean 'list' "$work/stdout"
expect 0 '' "$OOMLENS" query --json --db "$db" 'SELECT comm AS "'"$esc"'" FROM v_victim'
clean 'query --json' "$work/stdout"
expect 0 '' "$OOMLENS" query --db "$db" 'SELECT comm AS "'"$esc"'" FROM v_victim'
clean 'query' "$work/stdout"
expect 0 '' "$OOMLENS" query --csv --db "$db" 'SELECT comm FROM v_victim LIMIT 1'
same 'CSV in a file keeps every byte' "h$esc" "$(sed -n '2s/\r//p' "$work/stdout")"

# An empty variable in a script names no store.
expect 2 'not a valid value' "$OOMLENS" import --db '' "$log"
expect 2 'not a valid value' "$OOMLENS" list --db=
expect 2 'no verdict' "$OOMLENS" list --db "$db" --verdict wrong
expect 2 'no kernel profile' "$OOMLENS" import --db "$work/none.db" --profile 9.9 "$log"
[ ! -e "$work/none.db" ] || { echo 'a usage error made a store'; failures=$((failures + 1)); }
expect 0 '' "$OOMLENS" import -q --db "$work/forced.db" --profile 5.9 "$log"
same 'import --profile' 5.9 "$("$OOMLENS" query --csv --db "$work/forced.db" 'SELECT profile FROM v_event LIMIT 1' | sed -n '2s/\r//p')"

# Reading leaves nothing behind, not even a directory.
mkdir "$work/home"
expect 0 '' env -u OOMLENS_DB HOME="$work/home" XDG_STATE_HOME="$work/home/state" "$OOMLENS" explain "$log"
same 'files at home' '' "$(ls -A "$work/home")"

# Closed streams: a file that is opened does not take their place.
"$OOMLENS" explain --json "$work/missing" "$log" 2>&- > "$work/stdout"
same 'JSON without stderr' 1 "$(jq '.events | length' "$work/stdout" 2>&1)"
for closed in '>&-' '<&-' '2>&-' '<&- >&- 2>&-'; do
	rm -f "$db"*
	sh -c "\"\$0\" import --db \"\$1\" \"\$2\" $closed" "$OOMLENS" "$db" "$log" > "$work/stdout" 2> "$work/stderr"
	same "the store with $closed" ok "$(sqlite3 "$db" 'PRAGMA integrity_check' 2>&1)"
done
expect 3 'Bad file descriptor' sh -c '"$0" explain "$1" >&-' "$OOMLENS" "$log"
expect 3 'Bad file descriptor' sh -c '"$0" explain - <&-' "$OOMLENS"

# Help and the manual name the same options.
for c in $("$OOMLENS" --help | sed -n 's/^  \([a-z]*\)  *[a-z].*/\1/p'); do
	"$OOMLENS" "$c" --help | grep -oE -- '--[a-z]+' | sort -u
done | sort -u > "$work/help"
grep -oE -- '(Fl|,) -[a-z]+' docs/oomlens.1 | sed 's/.* /-/' | sort -u > "$work/manual"
same 'options only in the help' '' "$(comm -23 "$work/help" "$work/manual" | tr '\n' ' ')"
same 'options only in the manual' '' "$(comm -13 "$work/help" "$work/manual" | grep -vx -- --version | tr '\n' ' ')"
finish
