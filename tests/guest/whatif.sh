#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# whatif.sh KERNEL [ROUNDS [TIGHT [SEED]]]: dry runs against the kernel of a guest, where values below 0 may be given; see
# tests/lab/whatif.c.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
build=${BUILD:-build/gcc}
make -s BUILD="$build" all "$build/lab_whatif"
overlay=$(mktemp -d)
trap 'rm -rf "$overlay"' EXIT
mkdir "$overlay/bin"
strip -o "$overlay/bin/oomlens" "$build/oomlens"
strip -o "$overlay/bin/lab_whatif" "$build/lab_whatif"
for lib in $(ldd "$build/oomlens" | grep -o '/[^ ]*'); do
	mkdir -p "$overlay$(dirname "$lib")"
	cp -L "$lib" "$overlay$lib"
done
cat > "$overlay/scenarios" <<-EOT
	play_whatif()
	{
		mount -o remount,size=90% / 2>/dev/null
		lab_whatif /bin/oomlens ${2:-60} ${3:-10} ${4:-1} 100 > /out/\$s/told 2>&1
		echo "exit status \$?" >> /out/\$s/told
	}
EOT
out=$PWD/build/guest/whatif
MEMORY=1024 OVERLAY=$overlay "$here/run.sh" -o "$out/$1" "$1" whatif
grep -E 'WRONG|rounds;|exit status' "$out/$1/whatif/told"
