#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# run.sh: everything that `make check` runs once the three builds are there.  UPDATE=1 rewrites the expected files of the
# cases (read the diff before you commit it).  A skip says why; with CI=true a skip that this machine could have run fails.
set -u
cd "$(dirname "$0")/.." || exit
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
# that the scenario itself recorded.  The log is called log, or log.<packing>, or is what FILE in facts names.
case_matches() {
	local dir=$1 log id
	cd "$dir" || return 1
	log=$(ls -d log* | head -n 1)
	"$oomlens" explain --json "$log" > "$work/event.json" || [ $? = 1 ] || return 1
	"$oomlens" explain "$log" > "$work/explain.txt" || [ $? = 1 ] || return 1
	"$sanitized" explain --json "$log" | cmp - "$work/event.json" || return 1
	if [ -n "${UPDATE:-}" ]; then
		cp "$work/event.json" event.json
		cp "$work/explain.txt" explain.txt
	fi
	diff -u event.json "$work/event.json" && diff -u explain.txt "$work/explain.txt" || return 1
	rm -f "$work/case.db"*
	"$sanitized" import -q --db "$work/case.db" "$log" || [ $? = 1 ] || return 1
	for id in $(sqlite3 "$work/case.db" 'SELECT event_id FROM event ORDER BY 1'); do
		"$oomlens" explain --json --db "$work/case.db" --event "$id"
	done | jq -S '.events[] | del(.id)' > "$work/stored"
	jq -S '.events[] | del(.id)' event.json | diff -u - "$work/stored" || return 1
	[ ! -e facts ] || truth_holds
}

# What the scenario itself knows (facts): how many the kernel killed, who survived, and who was to die, by process id.
truth_holds() {
	local kills victims dead pid
	victims=$(jq -r '.events[].victims[].pid' event.json | sort -u)
	kills=$(sed -n 's/^oom_kills: *//p' facts)
	# The kernel's own counter takes the first victim of a group kill twice.
	! grep -q '"role": "group"' event.json || kills=$((kills - 1))
	[ -z "$kills" ] || [ "$kills" = "$(echo "$victims" | grep -c .)" ] ||
		{ echo "the kernel killed $kills, found:" $victims; return 1; }
	# A victim may still be dying when the scenario looks; only without the kernel's count is that suspicious.
	for dead in $victims; do
		[ -n "$kills" ] || ! grep -q "^survived: pid=$dead " facts || { echo "victim $dead survived"; return 1; }
	done
	pid=$(sed -n 's/^victim_pid: *//p' facts | head -n 1)
	[ -z "$pid" ] && return
	for dead in $victims; do
		[ "$dead" != "$pid" ] && ! grep -q "^died: pid=$dead tgid=$pid " facts || return 0
	done
	echo "$pid really died and is no victim"
	return 1
}

# Other looks of the same log give the same event, apart from where it stood and what only its prefix knew.
same_event() {
	local f='.events[] | del(.id, .source, .host, .time, .stamp, .notes, .kernel_from, .replay.evidence_line) | del(.. | .line?)'
	"$oomlens" explain --json "$1"/log* | jq -S "$f" > "$work/a" && "$oomlens" explain --json "$2"/log* | jq -S "$f" > "$work/b" &&
		[ -s "$work/a" ] && diff -u "$work/a" "$work/b"
}

replay_crashes() {
	local files
	shopt -s nullglob
	files=(tests/crashes/"$1"/* tests/cases/*/log)
	"build/gcc-debug/replay_$1" "${files[@]}"
}

for build in gcc clang gcc-debug; do
	attempt "unit tests, $build" "build/$build/unit"
	n=$(grep -c '^\[       OK \]' "$work/out")
	passed=$((passed + (n > 0 ? n - 1 : 0)))
done
for dir in tests/cases/*/; do
	status=0
	(case_matches "$dir") > "$work/out" 2>&1 || status=$?
	report "case $(basename "$dir")" $status
done
for dir in tests/cases/formats-*/; do
	attempt "same event in $(basename "$dir")" same_event tests/cases/formats-dmesg "$dir"
done
for script in tests/cli/*.sh; do
	[ -e "$script" ] || continue
	OOMLENS=$oomlens SANITIZED=$sanitized attempt "cli $(basename "$script" .sh)" bash "$script"
done
for t in ${FUZZ:-}; do
	attempt "crashes of fuzz target $t" replay_crashes "$t"
done
attempt "docs/KERNELS.md says what the tables say" sh -c 'build/gcc/kernels | diff -u docs/KERNELS.md -'
attempt "structure" tests/lint.sh --structure
attempt "causes" tests/causes.sh "$oomlens" "${CORPUS:-}"
OOMLENS=$oomlens BENCH_GEN=$PWD/build/gcc/bench_gen attempt "pages in Chromium" tests/page.sh "${CORPUS:-}"
grep '^[0-9]* pages' "$work/out"
attempt "corpus" tests/corpus.sh "$sanitized" "${CORPUS:-}"
sed -n '/^kernel/,$p' "$work/out"
OOMLENS=$oomlens attempt "guests" tests/guest/check.sh
sed -n '/^scenario/,$p' "$work/out"

echo
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed = 0 ]
