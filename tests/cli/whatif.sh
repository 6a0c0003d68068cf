#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# whatif: inputs, exit codes, clear errors, the JSON document, the lines to run; and nothing is written to the system.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc

global=$cases/6.12-global/log group=$cases/6.1-group-kill/log two=$cases/6.12-adj/log
answer() { jq -r "$1" "$work/stdout"; }

expect 2 'takes a FILE, --event ID or --live' "$OOMLENS" whatif
expect 2 'takes a FILE, --event ID or --live' "$OOMLENS" whatif --live "$global"
expect 2 'takes one FILE' "$OOMLENS" whatif "$global" "$two"
expect 2 'go with --live' "$OOMLENS" whatif --cgroup /a "$global"
expect 2 "holds 2 events: say which with --event" "$OOMLENS" whatif "$two"
expect 1 'holds 2 events, not 3' "$OOMLENS" whatif "$two" --event 3
expect 1 'no OOM event' "$OOMLENS" whatif /dev/null
expect 3 'missing.log' "$OOMLENS" whatif "$work/missing.log"
expect 4 'cannot open' "$OOMLENS" whatif --event 1 --db "$work/none.db"
expect 2 'there is no user of this name' "$OOMLENS" whatif "$global" --spare uid:no-such-user
expect 2 'selects nobody' "$OOMLENS" whatif "$global" --set comm:nobody=5
expect 2 'no task here has the pid 99999' "$OOMLENS" whatif "$global" --set 99999=5
expect 0 '' "$OOMLENS" whatif "$global" --set 99999=5 --allow-empty
expect 2 'from -1000 to 1000' "$OOMLENS" whatif "$global" --set comm:hog=1001
expect 2 'beyond -1000 to 1000' "$OOMLENS" whatif "$global" --set comm:hog=+1000 --set comm:db=+1001
expect 2 'contradictory' "$OOMLENS" whatif "$global" --set comm:hog=5 --set 'comm:h*=6'
expect 2 'contradictory' "$OOMLENS" whatif "$global" --swap 1G --swap 2G
expect 2 'no limit of a cgroup decides' "$OOMLENS" whatif "$global" --limit /a=1G
expect 2 'not a valid value' "$OOMLENS" whatif "$global" --need 1X
expect 2 "knows choom, systemd, kubernetes and docker" "$OOMLENS" whatif "$global" --apply-as crontab
expect 3 "there is no memory cgroup '/no/such'" "$OOMLENS" whatif --live --cgroup /no/such

# Nothing changed.
expect 0 '' "$OOMLENS" whatif --json "$global"
same schema oomlens.whatif/1 "$(answer .schema)"
same unchanged 'false 204 204 exact exact' "$(answer '"\(.changed) \(.before.pid) \(.after.pid) \(.before.verdict) \(.after.verdict)"')"
same 'one kill, enough' 'hog true' "$(answer '"\(.kills[0].comm) \(.need.covered)"')"
same ranking "$("$OOMLENS" explain --json "$global" | jq -c '[.events[0].replay.ranking[].pid]')" "$(answer '[.ranking[].pid] | tostring')"

# The solved value and the one above it: who dies changes between them.
expect 0 '' "$OOMLENS" whatif --json "$global" --spare comm:hog
adj=$(answer '.spare[0].adj')
same 'solved' 'solved db' "$(answer '"\(.spare[0].result) \(.after.winner.comm)"')"
expect 0 '' "$OOMLENS" whatif --json "$global" --set "comm:hog==$adj"
same "at $adj" db "$(answer .after.winner.comm)"
expect 0 '' "$OOMLENS" whatif --json "$global" --set "comm:hog==$((adj + 1))"
same "at $((adj + 1))" hog "$(answer .after.winner.comm)"
expect 0 '' "$OOMLENS" whatif --json "$global" --spare 'comm:*'
same 'all of them' 'nobody_else null no_killable' "$(answer '"\(.spare[] | select(.pid == 204).result) \(.after.pid) \(.after.reason)"')"
same 'the largest would be unkillable' '["largest_unkillable"]' "$(answer '.warnings | tostring')"

# Kills in order, with whoever dies with them.
expect 0 '' "$OOMLENS" whatif --json "$global" --kills 3
same 'three kills' 'hog db web-worker' "$(answer '[.kills[].comm] | join(" ")')"
expect 0 '' "$OOMLENS" whatif --json "$group"
same 'the group' 'chosen group group group' "$(answer '[.kills[].role] | join(" ")')"
expect 0 '' "$OOMLENS" whatif --json "$group" --oom-group /team=0
same 'no group' 1 "$(answer '.kills | length')"
expect 0 '' "$OOMLENS" whatif --json "$group" --limit /team=1G
same 'a limit that is not reached' 0 "$(answer .need.kb)"

# A stored event is the event of its log.
expect 0 '' "$OOMLENS" import -q --db "$work/w.db" "$global"
expect 0 '' "$OOMLENS" whatif --json --db "$work/w.db" --event 1 --set comm:db=+500
same 'from the store' 'db 186' "$(answer '"\(.after.winner.comm) \(.after.pid)"')"

# Lines to run, one each; a hostile name stands in none of them.
expect 0 '' "$OOMLENS" whatif --json "$global" --set comm:db=+500 --apply-as choom
same choom "pgrep -x 'db' | xargs -r -n 1 choom -n 500 -p" "$(answer '.apply[0]')"
expect 0 '' "$OOMLENS" whatif "$cases/6.18-memcg1-escapes/log" --set 'uid:0=+5' --apply-as choom --allow-empty
! grep -q $'\x1b' "$work/stdout" || { echo "escapes of a name came through"; failures=$((failures + 1)); }

# This moment: one sample, its age, and nobody's value is touched.
before=$(cat /proc/self/oom_score_adj)
expect 0 '' "$OOMLENS" whatif --live --json --set "$$=+100"
same live "true $$ $before $((before + 100))" "$(answer '"\(.source.live) \(.changes[0].pid) \(.changes[0].adj_from) \(.changes[0].adj_to)"')"
[ "$(answer '.source.age_us')" -lt 60000000 ] || { echo "no age of the sample"; failures=$((failures + 1)); }
same 'still the same' "$before" "$(cat "/proc/$$/oom_score_adj")"
timeout 3 "$OOMLENS" whatif --live --watch --json > "$work/stdout"
[ "$(jq -s length "$work/stdout")" -ge 2 ] || { echo "--watch does not repeat"; failures=$((failures + 1)); }
finish
