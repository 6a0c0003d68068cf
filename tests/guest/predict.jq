# SPDX-License-Identifier: GPL-2.0-or-later
# A row for each kill of a scenario. $ahead: microseconds by which the clock of the predictions is ahead of the log's.
def died: [.victims[] | .pid];
def killed: "\(.victims[0].pid) \(.victims[0].comm)";
def domain: if .scope == "memcg" then .memcg.oom_path else .scope end;

[$explained[].events[] | select(.victims | length > 0) | . + {at: (.time.monotonic_us + $ahead)}] as $kills
| range($kills | length) as $i
| $kills[$i] as $kill
| ($kill.at - 1000000) as $by
| ([$passes[] | select(.monotonic_us <= $by)] | last) as $pass
| ([($pass.domains // [])[]
	| select(.domain.kind == $kill.scope and ($kill.scope != "memcg" or .domain.path == $kill.memcg.oom_path))]
	| first | .next_victim) as $said
| [$scenario, $pass.source // "-", ($kill | domain), (if $said then "\($said.pid) \($said.comm)" else "-" end), ($kill | killed),
	if $i > 0 and $kills[$i - 1].at > $by then "too soon after another to be foretold"
	elif $said and ($said.pid | IN($kill | died[])) then "ok"
	else "DIFFERS" end]
| @tsv
