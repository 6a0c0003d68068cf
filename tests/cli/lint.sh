#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lint: mistakes that stored events show, each proof against the dry run of the same event; this machine; exit codes.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
lint() { "$OOMLENS" lint --db "$work/$1.db" "${@:2}"; }
store() { "$OOMLENS" import -q --db "$work/$1.db" "${@:2}"; }
finding() { jq -c ".findings[] | select(.check == \"$1\") | $2" "$work/stdout"; }

# nothing wrong: an ordinary kill
store plain "$cases/6.12-global/log"
expect 1 '' lint plain --all --json
same 'no finding' '["oomlens.lint/1",1,[]]' "$(jq -c '[.schema, .events, .findings]' "$work/stdout")"
expect 1 '' lint plain --all
same 'it says so' 1 "$(grep -c 'None of' "$work/stdout")"
expect 2 'no arguments' lint plain thing
expect 4 '' lint none --all
expect 1 'there is no event' lint plain --event 999
expect 1 'no event' lint plain --event abcdef012345

# oom_kill_allocating_task: the other one is who the dry run names
store asked "$cases/6.12-allocating-task/log"
expect 0 '' lint asked --all --json
same 'one finding' '["allocating-task"]' "$(jq -c '[.findings[].check]' "$work/stdout")"
same 'its severity' '"warning"' "$(finding allocating-task .severity)"
event=$(finding allocating-task .proof.event | tr -d '"')
same 'it was killed' "$("$OOMLENS" query --db "$work/asked.db" --csv "SELECT victim_pid FROM v_event WHERE event = '$event'" | tail -n 1 | tr -d '\r')" \
	"$(finding allocating-task .proof.killed.pid)"
pid=$(finding allocating-task .proof.instead.pid)
same 'instead' "$("$OOMLENS" whatif --db "$work/asked.db" --event "$event" --allocating-task=0 --json | jq -c .after.pid)" "$pid"
expect 0 '' lint asked --event "$event"
same 'text' 1 "$(grep -c "event $event:" "$work/stdout")"
same 'advice' 1 "$(grep -c 'vm.oom_kill_allocating_task=0' "$work/stdout")"

# panics: whom it would have been
store panic "$cases/6.12-panic/log"
expect 0 '' lint panic --all --json
same 'a panic' '["panic-on-oom"]' "$(jq -c '[.findings[].check]' "$work/stdout")"
same 'nobody was killed' null "$(finding panic-on-oom .proof.killed)"

# a service of a user, small but at 200, died for a larger process of the system
sed -e 's/^\(.* 0   279 .*\) 0 cache$/\1 200 cache/; s/\[    279\]     0   279/[    279]  1000   279/' \
	-e 's/  9965     9839     9664 /  7965     7839     7664 /' \
	-e 's/task=hog,pid=283,uid=0/task=cache,pid=279,uid=1000/' \
	-e 's/Killed process 283 (hog) total-vm:39860kB, anon-rss:38656kB/Killed process 279 (cache) total-vm:21556kB, anon-rss:20480kB/' \
	-e 's/UID:0 pgtables:112kB oom_score_adj:0/UID:1000 pgtables:80kB oom_score_adj:200/' "$cases/6.12-memcg/log" > "$work/user.log"
store user "$work/user.log"
same 'the made log replays' exact "$("$OOMLENS" explain --json "$work/user.log" | jq -r '.events[0].replay.verdict')"
expect 0 '' lint user --all --json
same 'user services' '[279,"cache",283,"hog"]' \
	"$(finding user-services '[.proof.killed.pid, .proof.killed.comm, .proof.instead.pid, .proof.instead.comm]')"

# memory that cannot be killed: the large one at -1000
sed -e 's/^\(.* 0   279 .*\) 0 cache$/\1 -1000 cache/; s/ 5389     5295     5120 /12389    11295    11120 /' "$cases/6.12-memcg/log" > "$work/hard.log"
store hard "$work/hard.log"
expect 0 '' lint hard --all --json
same 'unkillable' '[283,"hog",279,"cache"]' \
	"$(finding unkillable '[.proof.killed.pid, .proof.killed.comm, .proof.instead.pid, .proof.instead.comm]')"
same 'whatif agrees' 279 "$("$OOMLENS" whatif "$work/hard.log" --set 279=0 --json | jq .after.pid)"

# the rest of them
store rest "$cases/6.12-no-dump/log" "$cases/6.12-group-kill/log" "$cases/6.12-unkillable/log"
expect 0 '' lint rest --all --json
same 'in the order of their weight' '["nobody-to-kill","no-task-dump","group-kill"]' "$(jq -c '[.findings[].check]' "$work/stdout")"
same 'none of them is of now' '[false]' "$(jq -c '[.findings[].live] | unique' "$work/stdout")"
same 'a group kill names what was missing' 1 "$(finding group-kill .proof.text | grep -c 'alone gave .* were missing; 3 processes more')"
same 'every finding has advice' true "$(jq '[.findings[] | (.why, .see, .advice) | length > 10] | all' "$work/stdout")"
expect 0 '' lint rest --all --top 1
expect 1 '' lint rest --host nobody.example --json
same 'events of that host alone' 0 "$(jq .events "$work/stdout")"
expect 1 '' lint rest --host "x' OR '1'='1" --json
same 'a name is no SQL' 0 "$(jq .events "$work/stdout")"

# this machine, whatever it is like
lint plain --json > "$work/stdout" 2> "$work/stderr"
code=$?
same 'done, or nothing found' 1 "$(printf '0\n1\n' | grep -cx $code)"
same 'all findings are of now' true "$(jq '[.findings[].live] | all' "$work/stdout")"
same 'the code says if there are any' $code "$(jq 'if .findings == [] then 1 else 0 end' "$work/stdout")"
if [ "$(id -u)" = 0 ] && echo -1000 2> /dev/null > /proc/self/oom_score_adj; then
	sleep 60 &
	lint plain --json > "$work/stdout"
	same 'what inherits -1000 is seen' true "$(jq "[.findings[] | select(.check == \"unkillable\") | .pids[]] | index($!) != null" "$work/stdout")"
	kill $!
	echo 0 > /proc/self/oom_score_adj
fi
finish
