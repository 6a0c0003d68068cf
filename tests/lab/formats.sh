#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# One real kill, written down by every reader of the kernel log at hand: formats.sh DIR
#
# Needs root, systemd-journald and rsyslogd (RSYSLOGD and RSYSLOG_MODULES name one that is only unpacked). Both
# run in a mount namespace of their own, so that nothing of them stays. DIR gets a directory per format.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
[ $# = 1 ] || { sed -n '3,6s/^# \?//p' "$0" >&2; exit 2; }
dir=$(readlink -m "$1")
scenario=simple
host=db7
if [ "${IN_NAMESPACE-}" != 1 ]; then
	IN_NAMESPACE=1 exec unshare --mount --uts "$0" "$dir"
fi

mount --make-rprivate /
work=$(mktemp -d)
mkdir -p "$work/run" "$work/log" "$dir"
trap 'kill $(jobs -p) 2>/dev/null; wait; umount -l /run /etc/machine-id 2>/dev/null; rm -rf "$work"' EXIT
mount --bind "$work/run" /run
mkdir -p /run/systemd/journal /run/log/journal
hostname $host
echo 0123456789abcdef0123456789abcdef > "$work/machine-id"
mount --bind "$work/machine-id" /etc/machine-id
/usr/lib/systemd/systemd-journald &
cat > "$work/rsyslog.conf" <<EOF
module(load="imklog" permitnonkernelfacility="on")
global(workDirectory="$work" localHostname="$host")
*.* action(type="omfile" file="$work/rfc3164" template="RSYSLOG_TraditionalFileFormat")
*.* action(type="omfile" file="$work/rfc3339" template="RSYSLOG_FileFormat")
*.* action(type="omfile" file="$work/rfc5424" template="RSYSLOG_SyslogProtocol23Format")
EOF
"${RSYSLOGD:-rsyslogd}" ${RSYSLOG_MODULES:+-M "$RSYSLOG_MODULES"} -n -f "$work/rsyslog.conf" -i "$work/rsyslog.pid" &
sleep 3
from=$(date '+%F %T')
sleep 1
"$here/memcg.sh" -o "$work/out" $scenario
sleep 2

# keep NAME: stdin becomes the log of that format
keep()
{
	mkdir -p "$dir/$1"
	cat > "$dir/$1/${2-log}"
	cp "$work/out/$scenario/facts" "$dir/$1/facts"
}
# between: from the first mark of the scenario to the second
mark=$(sed -n '1s/.*\(lab [0-9]*\):.*/\1/p' "$work/out/$scenario/log")
between() { sed -n "/$mark:.*begins/,/$mark:.*is over/p"; }

keep dmesg < "$work/out/$scenario/log"
keep syslog-raw < "$work/out/$scenario/raw"
keep kmsg < "$work/out/$scenario/kmsg"
dmesg -r | between | keep dmesg-raw
dmesg -T | between | keep dmesg-ctime
dmesg -x | between | keep dmesg-decode
dmesg -T -x | between | keep dmesg-ctime-decode
dmesg --color=always | between | keep dmesg-color
dmesg --color=always -T | between | keep dmesg-color-ctime
dmesg --time-format notime | between | keep dmesg-notime
for format in iso delta reltime; do
	dmesg --time-format $format | between | keep dmesg-$format
done
dmesg --json --since "$from" | keep dmesg-json
journal() { journalctl -D /run/log/journal -k --no-pager -q --since "$from" "$@"; }
for format in short short-precise short-iso short-iso-precise short-full short-monotonic short-unix with-unit \
		verbose cat json export; do
	journal -o $format | keep journal-$format
done
# The binary journal that any libsystemd reads; on a small file system its hash tables are small.
remote=/usr/lib/systemd/systemd-journal-remote
if [ -x $remote ]; then
	mkdir "$work/small"
	mount -t tmpfs -o size=4m none "$work/small"
	SYSTEMD_JOURNAL_COMPACT=0 $remote --compress=no -o "$work/small/log.journal" "$dir/journal-export/log"
	xz -9c "$work/small/log.journal" | keep journal-file log.journal.xz
	umount "$work/small"
fi
for format in rfc3164 rfc3339 rfc5424; do
	between < "$work/$format" | keep $format
done
gzip -9n < "$work/out/$scenario/log" | keep gzip log.gz
xz -9 < "$work/out/$scenario/log" | keep xz log.xz
zstd -q -19 < "$work/out/$scenario/log" | keep zstd log.zst
bzip2 -9 < "$work/out/$scenario/log" | keep bzip2 log.bz2
mkdir -p "$work/sosreport-$host/sos_commands/kernel" "$work/sosreport-$host/var/log"
cp "$work/out/$scenario/log" "$work/sosreport-$host/sos_commands/kernel/dmesg"
echo 'nothing of interest' > "$work/sosreport-$host/var/log/other"
tar cJ --owner=0 --group=0 -C "$work" "sosreport-$host" | keep tar log.tar.xz
