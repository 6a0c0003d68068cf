#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# record: options, the state of a recorder alive and dead, who may run it and what is said to those who may not.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
db=$work/oom.db run=$work/run
chmod 755 "$work"
none=ballot,walk,trace,log
trap 'kill -9 $pid 2> /dev/null; rm -rf "$work"' EXIT
pid=

wait_for() {     # wait_for WHAT COMMAND...: at most 20 s
	local what=$1
	shift
	for _ in $(seq 400); do "$@" > /dev/null 2>&1 && return; sleep 0.05; done
	failures=$((failures + 1)); echo "never: $what"; cat "$work/record" 2> /dev/null
}
status() { "$OOMLENS" record --status --runtime-dir "$run" "$@"; }

# words that are no options, values that are none
expect 2 'no argument' "$OOMLENS" record thing
expect 2 'unknown option' "$OOMLENS" record --strict
expect 2 'is for --status' "$OOMLENS" record --json
for bad in --once=0 --once=x --keep=0 --keep=90x --keep=-1d --max-size=0 --max-size=1X --max-size=off --flight=often \
	--keep= --db= --runtime-dir=; do
	expect 2 'not a valid value' "$OOMLENS" record "$bad"
done
expect 2 'no value' "$OOMLENS" record --keep
expect 0 '' "$OOMLENS" record --help
for o in once keep max-size flight reclaim without runtime-dir status; do
	grep -q -- " --$o" "$work/stdout" || { echo "help lacks --$o"; failures=$((failures + 1)); }
done

# nobody there
expect 1 'no recorder has run' status
expect 1 '' status -q
expect 2 "no feed 'ballo'" "$OOMLENS" record --db "$db" --runtime-dir "$run" --without=ballo
expect 3 '' "$OOMLENS" record --db "$db" --runtime-dir "$run" --without="$none"
grep -q 'nothing tells' "$work/stderr" || { echo "no word of why:"; cat "$work/stderr"; failures=$((failures + 1)); }
expect 4 'is a directory' "$OOMLENS" record --db "$work" --runtime-dir "$run"
dd if=/dev/kmsg iflag=nonblock bs=8192 count=1 of="$work/record" status=none 2> /dev/null ||
	{ echo "cannot run here: the kernel log may not be read"; exit 77; }

# alive
"$OOMLENS" record --db "$db" --runtime-dir "$run" --keep 90d --max-size 1G --flight 1s 2> "$work/record" &
pid=$!
wait_for 'a recorder that runs' status
expect 0 '' status
for word in 'The recorder runs' "pid $pid" "$db" 'Witnesses' 'log  ' 'flight'; do
	grep -qF -- "$word" "$work/stdout" || { echo "status lacks '$word'"; failures=$((failures + 1)); }
done
same 'widest line of status fits' 0 "$(awk 'length > 80' "$work/stdout" | wc -l)"
expect 0 '' status --json
same 'JSON of status' "oomlens.record/1,1,$pid,$db" "$(jq -r '"\(.schema),\(.running),\(.pid),\(.db)"' "$work/stdout")"
same 'the log runs' 1 "$(jq '.feeds[] | select(.name == "log").open' "$work/stdout")"
expect 3 'another recorder runs' "$OOMLENS" record --db "$work/other.db" --runtime-dir "$run"
[ ! -e "$work/other.db" ] || { echo "a refused recorder made a store"; failures=$((failures + 1)); }

# SIGHUP opens the store anew, SIGTERM ends it
wait_for 'a store' test -s "$db"
mv "$db" "$work/moved.db"
kill -HUP $pid
wait_for 'a new store' test -s "$db"
kill -TERM $pid
wait $pid
same 'exit status after SIGTERM' 0 $?
same 'the stores are whole' 'ok,ok' "$(sqlite3 "$db" 'PRAGMA integrity_check'),$(sqlite3 "$work/moved.db" 'PRAGMA integrity_check')"
expect 1 '' status
grep -q 'No recorder runs' "$work/stdout" || { echo "a dead one is not told"; failures=$((failures + 1)); }

# kill -9 leaves a state that is not taken for life, and no lock
"$OOMLENS" record --db "$db" --runtime-dir "$run" --flight off 2> "$work/record" &
pid=$!
wait_for 'a recorder that runs' status
kill -9 $pid
wait $pid 2> /dev/null
expect 1 '' status --json
same 'not running' 0 "$(jq .running "$work/stdout")"
"$OOMLENS" record --db "$db" --runtime-dir "$run" --flight off 2> "$work/record" &
pid=$!
wait_for 'a recorder after kill -9' status
kill -TERM $pid
wait $pid
same 'exit status' 0 $?

# without root: whatever may be read, and a sentence; no directory of one's own is said as well
if [ "$(id -u)" = 0 ]; then
	mkdir -m 777 "$work/theirs"
	as=(setpriv --reuid=65534 --regid=65534 --clear-groups)
	expect 1 'no recorder has run' "${as[@]}" env XDG_RUNTIME_DIR="$work/theirs/x" "$OOMLENS" record --status --runtime-dir "$work/theirs/r"
	expect 4 'runtime' "${as[@]}" "$OOMLENS" record --db "$work/theirs/oom.db" --runtime-dir "$run"
	expect 3 'not root' "${as[@]}" "$OOMLENS" record --db "$work/theirs/oom.db" --runtime-dir "$work/theirs/run" --without="$none"
	# anybody may ask
	"$OOMLENS" record --db "$db" --runtime-dir "$run" --flight off 2> "$work/record" &
	pid=$!
	wait_for 'a recorder that runs' "${as[@]}" "$OOMLENS" record --status --runtime-dir "$run"
	kill -TERM $pid
	wait $pid
fi
pid=
finish
