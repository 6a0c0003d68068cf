#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# judge.sh KERNEL…: what recorder.sh left behind, as one table; fails when the store disagrees with the scenarios.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
work=$PWD/build/guest
oomlens=${OOMLENS:-$PWD/build/gcc/oomlens}
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

# truth DIR SCENARIO…: rows for the tables truth (scenario, key, value) and actor (scenario, died, pid, tgid, comm)
truth()
{
	local dir=$1 scenario
	shift
	for scenario; do
		if [ ! -e "$dir/$scenario/facts" ]; then
			printf '%s\t%s\t-\t-\t-\t-\t-\t-\tleft no facts\n' "$scenario" "${dir##*/}"
			continue
		fi
		sed -n 's/^\([a-z_]*\): /'"$scenario"'\t\1\t/p' "$dir/$scenario/facts" |
			grep -vP '\t(died|survived)\t' >> "$tmp/truth"
		sed -n 's/^\(died\|survived\): pid=\([0-9]*\) tgid=\([0-9]*\) .*comm=\(.*\)/'"$scenario"'\t\1\t\2\t\3\t\4/p' \
			"$dir/$scenario/facts" | sed 's/\tdied\t/\t1\t/; s/\tsurvived\t/\t0\t/' >> "$tmp/actor"
		sed -n "s/^\[ *\([0-9]*\)\.\([0-9]*\)\] lab: .* begins\$/$scenario\tlog_began_us\t\1\2/p" \
			"$dir/$scenario/log" >> "$tmp/truth"
	done
}

# judge DIR BOOT SCENARIO…: the rows of one boot
judge()
{
	local dir=$1 store=$1/boot-$2/oom.db
	shift 2
	: > "$tmp/truth"
	: > "$tmp/actor"
	truth "$dir" "$@"
	[ -s "$store" ] || { echo "$store: no store" >&2; return 1; }
	[ "$(sqlite3 "$store" 'PRAGMA integrity_check')" = ok ] || { echo "$store: integrity_check fails" >&2; return 1; }
	sqlite3 -bail -batch -tabs :memory: <<-SQL
		CREATE TABLE truth (scenario TEXT, key TEXT, value TEXT);
		CREATE TABLE actor (scenario TEXT, died INTEGER, pid INTEGER, tgid INTEGER, comm TEXT);
		.import $tmp/truth truth
		.import $tmp/actor actor
		ATTACH '$store' AS s;
		.read $here/judge.sql
	SQL
}

# said BOOT_DIR SCENARIO: the recorder's own words at its start
said() { sed -n "/^# $2\$/,/^# /p" "$1/said" | grep -v '^#'; }

# A witness that is missing has a sentence to itself.
declare -A sentence=(
	[no-tracefs]='there is no tracefs'
	[no-bpf]='does not describe its types'
	[confidentiality]='locked down'
)
check_said()
{
	said "$1" "$2" | sed "s/^/$3 $2: /"
	[ -n "${sentence[$2]-}" ] || return 0
	said "$1" "$2" | grep -q "${sentence[$2]}" || { echo "$3 $2: it should say '${sentence[$2]}'"; return 1; }
}

# A panic leaves nothing but the console; what was stored before it is judged with the rest.
panic_row()
{
	local dir=$1 series=$2 words all='"\(.outcome) \(.replay.verdict) \(.replay.reason) \(.victims | length)"'
	sed -n '/lab: panic begins/,$p' "$work/$series-main.console" > "$tmp/console"
	"$oomlens" explain --json "$tmp/console" > "$tmp/panic" || return 1
	words=$(jq -r "[.events[] | $all] | join(\"; \")" "$tmp/panic")
	printf '%s\t' panic "$(sed -n 's/^kernel: //p' "$dir/panic/facts")" nobody nobody "${words% 0}" - - -
	[ "$words" = 'panic explained panic_on_oom 0' ] && echo ok || echo 'should be panic explained panic_on_oom'
}

# What the kernel spent on the ballot, per task that it looked at: programs that run for each task, or once for all of
# them. The best of five selections of each, since a guest that has to wait for a processor counts that too. The kernel's
# counting is part of what it counts, and under emulation a large one: the smallest of the programs that run for each
# task does next to nothing, so what it shows is taken for that.
cost()
{
	sed -n 's/^run_times: //p' "$1/crowd/facts" | awk -v series="$2" '
		{
			n = split($0, program, ";")
			for (i = 1; i <= n; i++) {
				split(program[i], c, " ")
				ns = c[1] - ns_before[i]
				runs = c[2] - runs_before[i]
				ns_before[i] = c[1]
				runs_before[i] = c[2]
				us = runs > 1400 ? ns / runs / 1000 : runs > 0 && runs < 3 ? ns / 1500 / 1000 : 0
				if (runs > 1400) each[i] = 1
				if (NR > 2 && us > 0 && (!best[i] || us < best[i])) best[i] = us
			}
		}
		END {
			for (i in best) {
				all += best[i]
				if (each[i] && (!counting || best[i] < counting)) counting = best[i]
			}
			for (i in each) programs++
			if (!all) { print series ": no selection of 1500 tasks was seen"; exit 1 }
			printf "%s: the ballot costs %.2f us for each of 1500 tasks as the kernel counts it, %.2f without the counting\n",
				series, all, all - programs * counting
		}'
}

# What must hold of each run of the recorder, and what it said.
run_of()
{
	local dir=$1 run=$2 series=$3
	jq -r --arg series "$series" --arg run "$run" --arg rss "$(cat "$dir/rss-$run")" \
		'"\($series) \($run): RSS \($rss) kB, kill to commit \((.latency_us // 0) / 1000) ms (median),",
		"\(.seen) seen, \(.stored) stored, lost: \(.records_lost) log records",
		(.feeds[] | select((.lost // 0) > 0) | ", \(.lost) facts of \(.name)")' \
		"$dir/status-$run" | paste -sd' '
	[ "$(cat "$dir/exit-$run")" = 0 ] ||
		{ echo "$series $run: the recorder ended with $(cat "$dir/exit-$run")"; return 1; }
	jq -e '(.records_lost == 0) and ([.feeds[].lost // 0] | add == 0) and .dropped == 0' "$dir/status-$run" > /dev/null ||
		{ echo "$series $run: something was lost"; return 1; }
}

failed=0
: > "$tmp/table"
: > "$tmp/rest"
for series; do
	dir=$work/recorder/$series
	for boot in "$dir"/boot-*; do
		name=${boot##*/boot-}
		judge "$dir" "$name" $(cat "$boot/plays") >> "$tmp/table" || failed=1
		for run in "$boot"/exit-*; do
			run_of "$boot" "${run##*/exit-}" "$series" >> "$tmp/rest" || failed=1
		done
		case $name in
		main) panic_row "$dir" "$series" >> "$tmp/table" || failed=1 ;;
		*) for scenario in $(cat "$boot/plays"); do
				check_said "$boot" "$scenario" "$series" >> "$tmp/rest" || failed=1
			done ;;
		esac
	done
	cost "$dir" "$series" >> "$tmp/rest" || failed=1
done
{ printf 'scenario\tkernel\tvictim\tstored\tverdict\tballot\tclass\tmemory freed by\tresult\n'; cat "$tmp/table"; } |
	column -t -s "$(printf '\t')"
echo
cat "$tmp/rest"
[ $failed = 0 ] && ! grep -qv '	ok$' "$tmp/table" && [ -s "$tmp/table" ]
