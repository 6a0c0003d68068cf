#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# report: inputs, formats, exit codes; a redacted page can be replayed; other programs' lines beside an event.
# shellcheck source=tests/cli/common.inc disable=SC2154
. tests/cli/common.inc

global=$cases/6.12-global/log two=$cases/6.12-adj/log

expect 2 'takes one FILE, or the id' "$OOMLENS" report
expect 2 'takes one FILE, or the id' "$OOMLENS" report "$global" "$two"
expect 2 'knows html, md and log' "$OOMLENS" report --format pdf "$global"
expect 2 'goes with --redact' "$OOMLENS" report --redact-key k "$global"
expect 1 'no OOM event' "$OOMLENS" report /dev/null
expect 3 'cannot' "$OOMLENS" report "$global" -o "$work/no/such/page.html"
expect 1 'holds 2 events, not 3' "$OOMLENS" report "$two" --event 3
expect 0 'holds 2 events: this is the last one' "$OOMLENS" report "$two"
expect 0 '' "$OOMLENS" report -q "$two"
cp "$work/stdout" "$work/last"
expect 0 '' "$OOMLENS" report "$two" --event 2
same 'the last one is the second' '' "$(diff "$work/last" "$work/stdout")"

# One file: nothing is asked of anybody, and a page that could not be written is none.
expect 0 '' "$OOMLENS" report "$global" -o "$work/page.html"
same 'no address in it' '' "$(grep -oE '(src|href)=.?(https?:)?//[^ >]*|url\(|@import' "$work/page.html")"
same 'the policy' 1 "$(grep -c "Content-Security-Policy content=\"default-src 'none'; style-src 'sha256-[A-Za-z0-9+/=]*'; script-src 'sha256-[A-Za-z0-9+/=]*'; base-uri 'none'; form-action 'none'\"" "$work/page.html")"
# the digests are those of what stands in the page
for part in style script; do
	want=$(sed -n "s/.*$part-src 'sha256-\([^']*\)'.*/\1/p" "$work/page.html")
	got=$(awk -v open="<$part>" -v close_="</$part>" '{ if ((i = index($0, open)) > 0) { on = 1; $0 = substr($0, i + length(open)) }
		if (on && (i = index($0, close_)) > 0) { printf "%s", substr($0, 1, i - 1); exit } if (on) print }' "$work/page.html" |
		openssl dgst -sha256 -binary | base64)
	same "the digest of the $part" "$want" "$got"
done
same 'one page from the sanitizers' '' "$("$SANITIZED" report "$global" | diff - "$work/page.html")"

# A page is a log again, with the same event.
facts='.events[0] | del(.id, .source, .notes) | del(.. | .line?, .evidence_line?)'
"$OOMLENS" explain --json "$global" | jq -S "$facts" > "$work/a"
"$OOMLENS" explain --json "$work/page.html" | jq -S "$facts" > "$work/b"
same 'the page read again' '' "$(diff "$work/a" "$work/b")"

# From a store, by id and by fingerprint.
expect 0 '' "$OOMLENS" import -q --db "$work/r.db" "$global"
expect 0 '' "$OOMLENS" report --db "$work/r.db" 1
cp "$work/stdout" "$work/one"
name=$(sqlite3 "$work/r.db" 'SELECT event FROM v_event')
expect 0 '' "$OOMLENS" report --db "$work/r.db" "$name"
same 'by its name' '' "$(diff "$work/one" "$work/stdout")"
expect 0 '' "$OOMLENS" report --db "$work/r.db" --event 1
same 'by its id' '' "$(diff "$work/one" "$work/stdout")"
expect 1 '' "$OOMLENS" report --db "$work/r.db" 2

# What other programs wrote: beside the event, in the store, and never an event.
{
	echo 'Jun 20 12:47:31 web1 earlyoom[812]: sending SIGTERM to process 4411 uid 1000 "acme-ui": badness 812, VmRSS 2210 MiB'
	sed 's/^\[/Jun 20 12:47:43 web1 kernel: [/' "$global"
	echo "Jun 20 12:47:44 web1 systemd[1]: billing.service: Failed with result 'oom-kill'."
} > "$work/syslog"
expect 0 '' "$OOMLENS" explain --json "$work/syslog"
same 'who wrote' '["earlyoom","kernel","kernel","kernel","systemd"]' "$(jq -c '[.events[0].incident[].who]' "$work/stdout")"
same 'one event' 1 "$(jq '.events | length' "$work/stdout")"
expect 0 '' "$OOMLENS" explain "$work/syslog"
same 'in the text' 1 "$(grep -c 'sent SIGTERM to acme-ui (pid 4411)' "$work/stdout")"
expect 0 '' "$OOMLENS" import -q --db "$work/r.db" "$work/syslog"
same 'in the store' 5 "$("$OOMLENS" explain --json --db "$work/r.db" --event 2 | jq '.events[0].incident | length')"
expect 0 '' "$OOMLENS" report "$work/syslog" -o "$work/page.html"
same 'in the page' 1 "$(grep -c 'billing.service failed with the result oom-kill' "$work/page.html")"

# Redacted: other names every time, the same with a key, the same verdict, and no name in it.
for format in html md log; do
	expect 0 '' "$OOMLENS" report --redact --format $format "$work/syslog"
	same "$format: no name" '' "$(sed 's/<script>.*//; /^"use strict/,$d' "$work/stdout" |
		grep -oE 'hog|web-worker|web1|acme-ui|billing|i440FX|Debian' | sort -u | tr '\n' ' ')"
	cp "$work/stdout" "$work/first"
	expect 0 '' "$OOMLENS" report --redact --format $format "$work/syslog"
	cmp -s "$work/first" "$work/stdout" && { echo "$format: the same pseudonyms without a key"; failures=$((failures + 1)); }
	expect 0 '' "$OOMLENS" report --redact --redact-key k --format $format "$work/syslog"
	cp "$work/stdout" "$work/first"
	expect 0 '' "$SANITIZED" report --redact --redact-key k --format $format "$work/syslog"
	same "$format: the same with a key" '' "$(diff "$work/first" "$work/stdout")"
done
expect 0 '' "$OOMLENS" report --redact "$work/syslog" -o "$work/page.html"
same 'the verdict of a redacted page' 'exact highest_badness 13871' "$("$OOMLENS" explain --json "$work/page.html" |
	jq -r '.events[0].replay | "\(.verdict) \(.reason) \(.margin_pages)"')"
# swapoff is taken by its name: a verdict that rests on it must not change with the name.
sed -e 's/ db$/ swapoff/' -e '/oom-kill:\|Killed process/{s/hog/swapoff/;s/204/186/;s/total-vm:.*/total-vm:48180kB, anon-rss:40960kB,'\
' file-rss:0kB, shmem-rss:6764kB, UID:0 pgtables:132kB oom_score_adj:0/}' "$cases/6.12-global/log" > "$work/swapoff.log"
expect 0 '' "$OOMLENS" report --redact --format log "$work/swapoff.log" -o "$work/redacted.log"
for log in swapoff redacted; do
	same "$log: the verdict" 'insufficient oom_task_origin' "$("$OOMLENS" explain --json "$work/$log.log" |
		jq -r '.events[0].replay | "\(.verdict) \(.reason)"')"
done
finish
