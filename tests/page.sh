#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# page.sh [CORPUS]: pages opened from the disk in Chromium, through its WebDriver: no request leaves, no console message, the
# charts are there, sorting, filtering and the what-if work with the keyboard alone, names stay text, and on every event the
# script's ranking is that of `oomlens whatif`.  OOMLENS names the program, BENCH_GEN the maker of large logs.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc
corpus=${1:-}
for tool in chromium chromedriver curl; do
	command -v $tool > /dev/null || { echo "SKIP: no $tool here (make deps-page)"; exit 77; }
done

# ---- the driver: one session for everything ----------------------------------------------------------------------

driver=
stop() { [ -z "$driver" ] || kill "$driver" 2> /dev/null; rm -rf "$work"; }
trap stop EXIT
chromedriver --port=0 > "$work/driver.log" 2>&1 &
driver=$!
port=
for _ in $(seq 100); do
	port=$(sed -n 's/.*started successfully on port \([0-9]*\).*/\1/p' "$work/driver.log")
	[ -z "$port" ] || break
	sleep 0.1
done
[ -n "$port" ] || { echo "chromedriver did not start:"; cat "$work/driver.log"; exit 1; }

wd() {           # wd METHOD PATH [BODY]: the value of the answer
	curl -s -X "$1" -H 'Content-Type: application/json' ${3+-d "$3"} "http://127.0.0.1:$port/session${session:+/$session}$2" |
		jq -c .value
}
session=
session=$(wd POST '' "$(jq -n --arg dir "$work/profile" '{capabilities: {alwaysMatch: {
	"goog:loggingPrefs": {browser: "ALL", performance: "ALL"},
	"goog:chromeOptions": {args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
		"--disable-background-networking", "--window-size=1100,900", "--user-data-dir=\($dir)"]}}}}')" | jq -r .sessionId)
case $session in ''|null) echo "no session with Chromium:"; tail -n 5 "$work/driver.log"; exit 1 ;; esac

open_page() { wd POST /url "$(jq -n --arg u "file://$1" '{url: $u}')" > /dev/null; }
run_script() { wd POST /execute/sync "$(jq -n --arg s "$1" '{script: $s, args: []}')"; }
run_file() { wd POST /execute/sync "$(jq -n --rawfile s "$1" '{script: $s, args: []}')"; }
keys() { wd POST /actions "$(jq -n --arg k "$1" '{actions: [{type: "key", id: "k", actions: ($k | explode |
	map([.] | implode) | map({type: "keyDown", value: .}, {type: "keyUp", value: .}))}]}')" > /dev/null; }
tab=$'\ue004' enter=$'\ue006' right=$'\ue014'

quiet() {        # quiet WHAT: nothing on the console, nothing asked of anybody
	same "$1: the console" '[]' "$(wd POST /se/log '{"type": "browser"}' | jq -c '[.[].message]')"
	same "$1: requests" '[]' "$(wd POST /se/log '{"type": "performance"}' | jq -c '[.[].message | fromjson.message |
		select(.method == "Network.requestWillBeSent").params.request.url | select(startswith("file://") | not)] | unique')"
}

# what the browser itself asked for when it started
wd POST /url '{"url": "about:blank"}' > /dev/null
sleep 1
wd POST /se/log '{"type": "performance"}' > /dev/null

# ---- one page, by hand -------------------------------------------------------------------------------------------

expect 0 '' "$OOMLENS" report "$cases/6.12-global/log" -o "$work/page.html"
open_page "$work/page.html"
quiet global
same 'charts' '[true,true]' "$(run_script '
	return [...document.querySelectorAll("figure svg, section[aria-labelledby=h-ledger] > svg")].slice(0, 2).map(s =>
		s.getBoundingClientRect().width > 300 && s.querySelectorAll("rect").length > 3 && s.querySelector("title") !== null)')"
same 'the first in the ranking' '"hog"' "$(run_script 'return document.querySelector("#tasks tbody th").textContent')"
same 'landmarks and headings' 'true' "$(run_script '
	return ["header", "nav", "main", "footer", "h1"].every(t => document.querySelectorAll(t).length === 1) &&
		[...document.querySelectorAll("section")].every(s => s.querySelector("h2")) &&
		[...document.querySelectorAll("svg[role=img]")].every(s => s.getAttribute("aria-labelledby")) &&
		[...document.querySelectorAll("input, select")].every(i => i.labels.length || i.getAttribute("aria-label"))')"
same 'every link has its place' '[]' "$(run_script '
	return [...document.querySelectorAll("a[href^=\"#\"]")].map(a => a.hash.slice(1)).filter(id => !document.getElementById(id))')"
same 'the way back' 'true' "$(run_script '
	const fact = document.querySelector("#verdict ~ * a.line, dd a.line");
	const line = document.getElementById(fact.hash.slice(1));
	return [...line.querySelectorAll("a.back")].some(a => a.hash === "#" + fact.id)')"

# Sorted by name with the keyboard: focus a heading, press Enter.
run_script 'document.querySelector("#tasks th[data-col=name] button").focus()' > /dev/null
keys "$enter"
same 'sorted by name' '["ascending","ballot"]' "$(run_script '
	return [document.querySelector("#tasks th[data-col=name]").getAttribute("aria-sort"),
		document.querySelector("#tasks tbody th").textContent]')"
keys "$enter"
same 'and the other way' '["descending","web-worker"]' "$(run_script '
	return [document.querySelector("#tasks th[data-col=name]").getAttribute("aria-sort"),
		document.querySelector("#tasks tbody th").textContent]')"
run_script 'document.querySelector("#filter").focus()' > /dev/null
keys "web"
same 'filtered' '2' "$(run_script 'return [...document.querySelectorAll("#tasks tbody tr")].filter(r => !r.hidden).length')"
run_script 'document.querySelector("#filter").value = ""; document.querySelector("#filter").dispatchEvent(new Event("input"))' > /dev/null

# The what-if with the keyboard: from the process to its value, one step at a time; then the arithmetic of a row, opened.
want=$("$OOMLENS" whatif --json "$cases/6.12-global/log" --set 186=400 | jq -c '.after.pid')
run_script 'document.querySelector("#who").focus()' > /dev/null
keys "db${tab}"
run_script 'document.querySelector("#adj").select()' > /dev/null
keys "400$tab"
same 'the winner by keyboard' "$want" "$(run_script 'return Number(/pid (\d+)/.exec(document.querySelector("#result").textContent)[1])')"
same 'its rank in the table' '["1","400"]' "$(run_script '
	const row = document.querySelector("#tasks tbody tr"); return [row.cells[0].textContent, row.cells[7].textContent]')"
keys "$right"
same 'a step by the slider' '401' "$(run_script 'return Number(document.querySelector("#adj").value)')"
run_script 'document.querySelector("#reset").focus()' > /dev/null
keys "$enter"
same 'as it was' '["hog","0"]' "$(run_script '
	const row = document.querySelector("#tasks tbody tr"); return [row.cells[2].textContent, row.cells[7].textContent]')"
run_script 'document.querySelector("#tasks summary").focus()' > /dev/null
keys "$enter"
same 'the arithmetic, opened' 'true' "$(run_script '
	const d = document.querySelector("#tasks details"); return d.open && /in RAM.*page tables.*= 25,835/.test(d.textContent)')"
quiet 'after all that'

# Without a script everything can still be read.
same 'no button without a script' '0' "$(grep -o '<section aria-labelledby=h-tasks.*' "$work/page.html" | grep -c '<th[^>]*><button')"

# ---- names that are none -----------------------------------------------------------------------------------------

hostile='<img src=x o=a>'
sed "s/\bhog\b/$hostile/g" "$cases/6.12-global/log" > "$work/hostile.log"
sed "s/\bhog\b/<\/script><b>/g" "$cases/6.12-global/log" > "$work/hostile2.log"
for n in hostile hostile2; do
	expect 0 '' "$OOMLENS" report "$work/$n.log" -o "$work/$n.html"
	open_page "$work/$n.html"
	same "$n: no element of that name" '[0,1,true]' "$(run_script '
		return [document.images.length, [...document.querySelectorAll("b")].filter(b => b.id !== "" || b.parentNode.id === "model").length + 1,
			document.getElementById("model") !== null]')"
	quiet $n
done
same 'it is text' "\"$hostile\"" "$(open_page "$work/hostile.html"; run_script 'return document.querySelector("#tasks tbody th").textContent')"

# ---- the same ranking as whatif ----------------------------------------------------------------------------------

# Three changes of each event: none, the first and the last turned round, everybody at once.
changes_of='[.ranking[] | select(.pid != null)] | group_by(.pid) | map(select(length == 1) | .[0]) | sort_by(.rank) | map(.pid) |
	[{}, (if length > 0 then {(.[0] | tostring): -1000} else {} end) + (if length > 1 then {(.[-1] | tostring): 1000} else {} end) +
	(if length > 3 then {(.[1] | tostring): 37, (.[2] | tostring): -250} else {} end),
	([to_entries[:60][] | {(.value | tostring): ((.key * 37) % 2001 - 1000)}] | add // {})] | unique'
rankings=0 pages=0 silent=0
# What the page says of the winner is never more than whatif says.
sure=0 modest=0
judge() {        # judge LOG N CHANGE 'what the page says' 'VERDICT PID'
	local pid=${5#* } want
	case $4 in
	"The kernel would have chosen "*) want='^(exact|explained) ' ;;
	"It is close: "*) want='^(exact|explained|within_drift) ' ;;
	*) [[ $5 =~ ^(exact|explained)\ [0-9] ]] && modest=$((modest + 1))
	   return ;;
	esac
	sure=$((sure + 1))
	[[ $5 =~ $want && $4 == *"(pid $pid)"* ]] || { failures=$((failures + 1)); echo "$1 event $2, $3: the page says '$4', whatif $5"; }
}
compare() {      # compare LOG N
	local log=$1 n=$2 change sets
	"$OOMLENS" whatif --json "$log" --event "$n" > "$work/plain.json" 2> /dev/null || { silent=$((silent + 1)); return; }
	expect 0 '' "$OOMLENS" report -q "$log" --event "$n" -o "$work/one.html"
	open_page "$work/one.html"
	pages=$((pages + 1))
	sets=$(jq -c "$changes_of" "$work/plain.json")
	[ "$(jq '[.ranking[] | select(.rank != null)] | length' "$work/plain.json")" -gt 0 ] || { silent=$((silent + 1)); return; }
	echo "return $sets.map(c => oomlensRank(c))" > "$work/script.js"
	run_file "$work/script.js" > "$work/ranks.json"
	echo "return $sets.map(c => oomlensSay(c))" > "$work/script.js"
	run_file "$work/script.js" > "$work/says.json"
	same "$log event $n: links without a place" '[]' "$(run_script '
		return [...document.querySelectorAll("a[href^=\"#\"]")].map(a => a.hash.slice(1)).filter(id => !document.getElementById(id))')"
	local i=0
	while IFS= read -r change; do
		local args=()
		while IFS= read -r arg; do [ -z "$arg" ] || args+=(--set "$arg"); done < <(jq -r 'to_entries[] | "\(.key)==\(.value)"' <<< "$change")
		[ "${#args[@]}" -eq 0 ] && cp "$work/plain.json" "$work/whatif.json" ||
			"$OOMLENS" whatif --json "$log" --event "$n" "${args[@]}" > "$work/whatif.json" 2> "$work/err" ||
			{ failures=$((failures + 1)); echo "whatif fails on $log $n: $(head -c 200 "$work/err")"; i=$((i + 1)); continue; }
		# where the log leaves points open, whatif has an interval and the page its middle
		jq -c '[.ranking[] | [.pid, .eligible, (if .eligible then .points else null end)]]' "$work/whatif.json" > "$work/a"
		jq -c --argjson i $i --slurpfile w "$work/whatif.json" '[.[$i], [$w[0].ranking[]]] | transpose |
			[.[] | [.[0][0], (.[0][1] != null), (if .[1].eligible and .[1].points != null then .[0][1] else null end)]]' \
			"$work/ranks.json" > "$work/b"
		cmp -s "$work/a" "$work/b" || { failures=$((failures + 1)); echo "$log event $n, $change: the rankings differ"
			diff <(jq -c '.[]' "$work/a") <(jq -c '.[]' "$work/b") | head -n 5; }
		rankings=$((rankings + 1))
		judge "$log" "$n" "$change" "$(jq -r ".[$i]" "$work/says.json")" "$(jq -r '.after.pid as $p |
			"\(.after.verdict) \(([.ranking[] | select(.tgid == $p or .pid == $p) | .pid] + [$p])[0])"' "$work/whatif.json")"
		i=$((i + 1))
	done < <(jq -c '.[]' <<< "$sets")
}
shopt -s nullglob
for log in "$cases"/*/log* ${corpus:+"$corpus"/*.log}; do
	events=$("$OOMLENS" explain --json "$log" 2> /dev/null | jq '.events | length')
	for n in $(seq "${events:-0}"); do
		compare "$log" "$n"
	done
done
[ $rankings -gt 500 ] || { echo "only $rankings rankings were compared"; failures=$((failures + 1)); }
quiet 'all pages'

# ---- 5,000 processes ---------------------------------------------------------------------------------------------

"$BENCH_GEN" 1 0 5000 < "$cases/6.12-global/log" > "$work/large.log" 2> /dev/null
expect 0 '' "$OOMLENS" report -q "$work/large.log" --event 1 -o "$work/large.html"
size=$(stat -c %s "$work/large.html")
best=9999
for _ in $(seq 20); do       # on a busy machine one of them has the time
	open_page "$work/large.html"
	took=$(run_script 'return Math.round(performance.getEntriesByType("navigation")[0].loadEventEnd)')
	[ "$took" -ge $best ] || best=$took
	[ "$best" -ge 1000 ] || break
done
same '5,000 rows' true "$(run_script 'return document.querySelectorAll("#tasks tbody tr").length >= 5000')"
[ "$size" -lt 3000000 ] || { echo "a page of 5,000 processes has $size bytes"; failures=$((failures + 1)); }
[ "$best" -lt 1000 ] || { echo "a page of 5,000 processes took $best ms to open"; failures=$((failures + 1)); }
quiet large

echo "$pages pages, $rankings rankings equal to whatif's ($sure with a winner named, $modest that whatif knows and the page does not name)," \
	"$silent events without one; 5,000 processes: $size bytes, $best ms"
wd DELETE '' > /dev/null
finish
