#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# whatif.sh [ROUNDS [TIGHT [SEED [MIB]]]]: dry runs against the kernel, in memory cgroups of the running machine; see
# whatif.c.  The tight rounds fill a cgroup of MIB: 5120 where the kernel compares counters that are no exact sums.
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."
[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 2; }
build=${BUILD:-build/gcc}
make -s BUILD="$build" all "$build/lab_whatif"
exec "$build/lab_whatif" "$build/oomlens" "${1:-120}" "${2:-8}" "${3:-1}" "${4:-5120}"
