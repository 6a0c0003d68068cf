#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# oomtop: batch, a past selection, the setup file, and once through a real terminal.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
oomtop=${OOMLENS%oomlens}oomtop
export HOME=$work/home XDG_CONFIG_HOME=$work/config
unset OOMLENS_DB

# batch: the process that runs is in it, with the values of /proc
expect 0 '' "$oomtop" -b --json
same 'schema' oomlens.top/1 "$(jq -r .schema "$work/stdout")"
same 'our shell is ranked' "$(cat /proc/$$/oom_score_adj)" "$(jq ".ranking[] | select(.pid == $$) | .adj" "$work/stdout")"
same 'ranks count up' true "$(jq '[.ranking[] | select(.eligible) | .rank] | . == [range(1; length + 1)]' "$work/stdout")"
same 'points go down' true "$(jq '[.ranking[] | select(.eligible) | .points] | . == (sort | reverse)' "$work/stdout")"
same 'the victim leads' true "$(jq '.next_victim.pid == .ranking[0].pid' "$work/stdout")"
expect 0 '' "$oomtop" -b -n 3 -d 0.1 --json --top 2
same 'a line for each pass' 3 "$(wc -l < "$work/stdout")"
same '--top' '[2]' "$(jq -s -c '[.[] | .ranking | length] | unique' "$work/stdout")"
expect 0 '' "$oomtop" --domains --json
same 'the machine is a domain' global "$(jq -r '.domains[].domain | select(.path == null) | .kind' "$work/stdout" | head -n 1)"
expect 1 'does not exist' "$oomtop" -b --cgroup /no/such/cgroup
expect 0 '' "$oomtop" --columns=help
same 'columns have keys' 1 "$(grep -c '^points ' "$work/stdout")"
expect 0 '' "$oomtop" -b --columns=pid,adj,cmdline
same 'the command line of our shell' "$(tr '\0' ' ' < /proc/$$/cmdline | sed 's/ $//')" "$(awk -v p=$$ '$1 == p { $1 = $2 = ""; print substr($0, 3) }' "$work/stdout")"
expect 2 'not a valid value' "$oomtop" --columns=pid,nothing
expect 2 'exclude' "$oomtop" --demo --replay x
expect 2 'not a valid value' "$oomtop" -d 0
expect 2 'takes no arguments' "$oomtop" thing
expect 3 'not a terminal' "$oomtop" --demo
expect 0 '' "$oomtop" --demo -b
same 'demo' 'node' "$(awk 'NR == 2 { print $NF }' "$work/stdout")"

# /proc that hides the processes of others: it is said, and no victim is named as if all were known
hidden() {       # hidden HIDEPID COMMAND...: as nobody
	local how=$1
	shift
	unshare -m sh -c "mount -t proc -o hidepid=$how proc /proc && exec \"\$@\"" sh \
		setpriv --reuid=65534 --regid=65534 --clear-groups "$@"
}
if hidden 2 test -x "$oomtop" 2> /dev/null; then
	for how in 1 2; do
		expect 0 '' hidden $how "$oomtop" -b --json --db /nonexistent
		same "hidepid=$how: the ranking is not complete" false "$(jq .complete "$work/stdout")"
		same "hidepid=$how: it says what is hidden" 1 "$(jq -r '.hidden[]' "$work/stdout" | grep -cE 'hidepid|could not be read')"
		same "hidepid=$how: only our own" '[65534]' "$(jq -c '[.ranking[].uid] | unique' "$work/stdout")"
	done
	expect 0 '' "$oomtop" -b --json
	same 'nothing is hidden from root' 'true []' "$(jq -r '"\(.complete) \(.hidden)"' "$work/stdout")"
else
	echo 'hidepid was not tried: it takes root and a program that nobody may run'
fi

# a past selection, from its log and from the store
expect 0 '' "$oomtop" -b --json --replay "$cases/6.12-adj/log"
jq '.ranking[] | {pid, points}' "$work/stdout" > "$work/a"
"$OOMLENS" explain --json "$cases/6.12-adj/log" | jq '.events[0].replay.ranking[] | {pid, points}' > "$work/b"
cmp -s "$work/a" "$work/b" || { echo 'a past selection is ranked as explain ranks it'; diff "$work/a" "$work/b" | head; failures=$((failures + 1)); }
"$OOMLENS" import -q --db "$work/oom.db" "$cases/6.12-adj/log"
expect 0 '' "$oomtop" -b --json --db "$work/oom.db" --event 1
same 'the same from the store' "$(cat "$work/a")" "$(jq '.ranking[] | {pid, points}' "$work/stdout")"
expect 4 'no event 99' "$oomtop" -b --db "$work/oom.db" --event 99
expect 1 'no such OOM event' "$oomtop" -b --replay "$cases/6.12-adj/log" --event 9

# a terminal
command -v tmux > /dev/null || { [ $failures = 0 ] || finish; echo 'no tmux: screens were not tried in a terminal'; exit 77; }
tm() { tmux -L "oomtop-$$" -f /dev/null "$@"; }
shows() {        # shows WHAT REGEX: within five seconds
	for _ in $(seq 50); do
		tm capture-pane -p | grep -qE -- "$2" && return
		sleep 0.1
	done
	failures=$((failures + 1))
	echo "the screen lacks $1: /$2/"
	tm capture-pane -p
}
tm new-session -d -x 100 -y 30 "$oomtop --demo --db $work/oom.db; echo ended with \$?; stty -a | grep -o -- '-\?icanon\|-\?echo\b' | tr '\n' ' '; exec sleep 60"
trap 'tm kill-server 2> /dev/null; rm -rf "$work"' EXIT
shows 'the next victim' 'Next victim: node'
tm send-keys M
shows 'sorting' 'sorted by RSS'
tm send-keys /
tm send-keys vim Enter
tm send-keys Enter
shows 'the searched task' 'vim \(pid 3155\): place'
tm send-keys Escape
tm send-keys d
shows 'the domains' 'pod-shop'
tm send-keys 1
tm send-keys -- '[' '[' F8
shows 'a what-if' 'only a what-if'
tm send-keys w
shows 'its page' 'Who would die'
tm send-keys 4
shows 'the history' 'sacrifice'
tm send-keys Enter
shows 'the explanation' 'was killed'
tm resize-window -x 70 -y 20
shows 'the smaller screen' 'Mem \[.{8}\]'
tm send-keys W
shows 'the saved setup' 'saved'
tm send-keys q
shows 'its end' 'ended with 0'
shows 'a terminal as before' '^icanon echo'

# no colours and no character beyond ASCII where they were not asked for
tm respawn-pane -k "NO_COLOR=1 LC_ALL=C $oomtop --demo --columns=rank,pid,container,cgroup,command"
shows 'the next victim' 'Next victim: node'
shows 'a cut field in ASCII' 'system[^ ]*~ '
same 'no colours' 0 "$(tm capture-pane -p -e | grep -cE $'\033\\[([0-9]+;)*(3[0-7]|4[0-7]|38|48)[;m]')"
same 'only ASCII' 0 "$(tm capture-pane -p | LC_ALL=C grep -c '[^ -~]')"
if hidden 2 test -x "$oomtop" 2> /dev/null; then
	tm respawn-pane -k "unshare -m sh -c 'mount -t proc -o hidepid=2 proc /proc && exec setpriv --reuid=65534 --regid=65534 \
		--clear-groups $oomtop --db /nonexistent'"
	tm resize-window -x 80 -y 24
	shows 'that others are hidden' 'hides the processes of others'
	shows 'that it does not know all' 'of those we may see'
	tm respawn-pane -k "NO_COLOR=1 LC_ALL=C $oomtop --demo --columns=rank,pid,container,cgroup,command"
	shows 'the next victim' 'Next victim: node'
fi
# letter by letter
tm send-keys F4
tm send-keys -l cgroup:/kubepods.slice/pod-shop
shows 'what the filter left' 'redis-server'
same 'and nothing else' 0 "$(tm capture-pane -p | grep -c postgres)"
tm send-keys Escape
shows 'all of it again' 'postgres'
tm send-keys q

same 'setup file' 'sort -rss' "$(grep ^sort "$XDG_CONFIG_HOME/oomlens/oomtop")"
finish
