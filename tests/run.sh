#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh: everything that `make check` runs once the three builds are there.  UPDATE=1 rewrites the expected files of the
# cases (read the diff before you commit it).  A skip says why; with CI=true a skip that this machine could have run fails.
set -u
cd "$(dirname "$0")/.."
export LC_ALL=C.UTF-8 TZ=UTC COLUMNS=80 NO_COLOR=1
export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
oomlens=$PWD/build/gcc/oomlens sanitized=$PWD/build/gcc-debug/oomlens
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

report() {       # report NAME STATUS: 0 passed, 77 skipped, else failed; details are in $work/out
	case $2 in
	0) passed=$((passed + 1)) ;;
	77) skipped=$((skipped + 1)); echo "skip  $1: $(tail -n 1 "$work/out")"
	    if [ "${CI:-}" = true ] && ! grep -q 'cannot run here' "$work/out"; then failed=$((failed + 1)); fi ;;
	*) failed=$((failed + 1)); echo "FAIL  $1"; sed 's/^/      /' "$work/out" | tail -n 40 ;;
	esac
}
attempt() {      # attempt NAME COMMAND...
	local name=$1 status=0
	shift
	"$@" > "$work/out" 2>&1 || status=$?
	report "$name" $status
}

# A case: text and JSON as expected, the same under the sanitizers, the same after a trip through the store, and the truth
# that the scenario itself recorded.
case_matches() {
	local dir=$1 got want
	cd "$dir" || return 1
	"$oomlens" explain --json log > "$work/event.json" && "$oomlens" explain log > "$work/explain.txt" || return 1
	"$sanitized" explain --json log | cmp - "$work/event.json" || return 1
	if [ -n "${UPDATE:-}" ]; then
		cp "$work/event.json" event.json
		cp "$work/explain.txt" explain.txt
	fi
	diff -u event.json "$work/event.json" && diff -u explain.txt "$work/explain.txt" || return 1
	rm -f "$work/case.db"*
	"$sanitized" import -q --db "$work/case.db" log || return 1
	got=$(jq '.events | length' event.json)
	for id in $(seq 1 "$got"); do
		"$oomlens" explain --json --db "$work/case.db" --event "$id"
	done | jq -S '.events[] | del(.id)' > "$work/stored"
	jq -S '.events[] | del(.id)' event.json | diff -u - "$work/stored" || return 1
	want=$(sed -n 's/^victim_pid: *//p' facts 2>/dev/null | head -n 1)
	[ -z "$want" ] || jq -e --argjson p "$want" '[.events[].victims[].pid] | index($p) != null' event.json > /dev/null ||
		{ echo "the process that really died, $want, is no victim"; return 1; }
}

# Other looks of the same log must give the same event, apart from where it stood and what its prefix knew.
same_event() {
	local f='.events[] | del(.id, .source, .host, .time, .stamp, .notes, .replay.evidence_line) | del(.. | .line?)'
	"$oomlens" explain --json "$1" | jq -S "$f" > "$work/a" && "$oomlens" explain --json "$2" | jq -S "$f" > "$work/b" &&
		diff -u "$work/a" "$work/b"
}

replay_crashes() {
	local files=(tests/crashes/"$1"/* tests/cases/*/log)
	shopt -s nullglob
	"build/gcc-debug/replay_$1" "${files[@]}"
}

for build in gcc clang gcc-debug; do
	attempt "unit tests, $build" "build/$build/unit"
	n=$(grep -c '^\[       OK \]' "$work/out")
	passed=$((passed + (n > 0 ? n - 1 : 0)))
done
for dir in tests/cases/*/; do
	[ -e "$dir/log" ] || continue
	(case_matches "$dir") > "$work/out" 2>&1
	report "case $(basename "$dir")" $?
done
for script in tests/cli/*.sh; do
	[ -e "$script" ] || continue
	OOMLENS=$oomlens SANITIZED=$sanitized attempt "cli $(basename "$script" .sh)" bash "$script"
done
for t in $FUZZ; do
	attempt "crashes of fuzz target $t" replay_crashes "$t"
done
attempt "structure" tests/lint.sh --structure
attempt "corpus" tests/corpus.sh "$sanitized" "$CORPUS"
[ ! -s "$work/out" ] || sed -n '/^kernel/,$p' "$work/out"

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
