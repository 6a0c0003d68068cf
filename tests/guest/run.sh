#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# OOM kills on Debian kernels in a throw-away guest: run.sh [-o DIR] KERNEL SCENARIO…
#
# KERNEL is a series such as 6.1 or 6.12: the newest cloud kernel of that series that Debian offers (oldoldstable
# up to unstable) is fetched with apt into build/guest. SCENARIO is a play_ function of the file scenarios, "pinned"
# or "all". No root and no KVM are needed; a guest is up in a few seconds. DIR (build/guest/out/KERNEL) gets a
# directory per scenario: log, facts and, where BPF may load, ballot.tsv.
# OVERLAY: a directory whose files go into the guest too; MEMORY: MiB (256); APPEND: for the kernel's command line.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
work=$PWD/build/guest
out=
[ "${1-}" != -o ] || { out=$(readlink -m "$2"); shift 2; }
[ $# -ge 2 ] || { sed -n '4,10s/^# \?//p' "$0" >&2; exit 2; }
series=$1
shift
out=${out:-$work/out/$series}
every=$(sed -n 's/^play_\([a-z_0-9]*\)().*/\1/p' "$here/scenarios" | tr _ -)
[ "$1" != all ] || set -- $every pinned

# Debian's archive through a private apt: nothing of the system's own configuration is touched.
apt_setup()
{
	local apt=$work/apt key=/usr/share/keyrings/debian-archive-keyring.gpg mirror=${MIRROR:-}
	# The mirror that this machine itself uses, unless MIRROR names another.
	[ -n "$mirror" ] || mirror=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sed -n 's,/debian/*$,,p' | head -n 1)
	export APT_CONFIG=$apt/conf
	[ ! -e "$apt/conf" ] || return 0
	[ -n "$mirror" ] || { echo "no mirror of Debian's archive is configured here; set MIRROR" >&2; exit 1; }
	mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
	while read -r where suite; do
		echo "deb [arch=amd64 signed-by=$key] $mirror/$where $suite main"
	done > "$apt/sources" <<-EOF
		debian bullseye
		debian-security bullseye-security
		debian bookworm
		debian-security bookworm-security
		debian trixie-backports
		debian sid
	EOF
	cat > "$apt/conf.new" <<-EOF
		Dir::Etc::sourcelist "$apt/sources";
		Dir::Etc::sourceparts "-";
		Dir::State::lists "$apt/lists";
		Dir::Cache "$apt/cache";
		APT::Sandbox::User "$(id -un)";
		Acquire::Languages "none";
	EOF
	APT_CONFIG=$apt/conf.new apt-get -q=2 update
	mv "$apt/conf.new" "$apt/conf"
}

# fetch: sets $kernel and $modules (which may be empty: some backports come without them)
fetch()
{
	local dir=$work/kernel/$series image package
	if [ ! -e "$dir/done" ]; then
		apt_setup
		image=$(apt-cache search "^linux-image-${series//./\\.}[.].*-cloud-amd64\$" |
			cut -d' ' -f1 | sort -V | tail -1)
		[ -n "$image" ] || { echo "$0: Debian offers no cloud kernel $series" >&2; exit 3; }
		rm -rf "$dir"
		mkdir -p "$dir/debs"
		# From 6.19 on the image package is empty and depends on two others.
		for package in "$image" "${image/image/binary}" "${image/image/modules}"; do
			(cd "$dir/debs" && apt-get -q=2 download "$package" 2>/dev/null) || :
		done
		for package in "$dir"/debs/*.deb; do
			dpkg-deb -x "$package" "$dir"
		done
		rm -rf "$dir/debs"
		touch "$dir/done"
	fi
	kernel=$(find "$dir" -name 'vmlinuz*' | head -1)
	modules=$(find "$dir" -type d -path '*/modules/*/kernel' | head -1)
	[ -n "$kernel" ] || { echo "$0: no kernel in the packages of $series" >&2; exit 3; }
}

# add_modules DIR NAME…: modules of this kernel with all they depend on, uncompressed
add_modules()
{
	local dir=$1 name file
	[ -n "$modules" ] || return 0
	shift
	for name; do
		file=$(find "$modules" \( -name "$name.ko" -o -name "$name.ko.xz" \) 2>/dev/null | head -1)
		[ -n "$file" ] && [ ! -e "$dir/$name.ko" ] || continue
		case $file in *.xz) xz -dc "$file" ;; *) cat "$file" ;; esac > "$dir/$name.ko"
		add_modules "$dir" $(tr '\0' '\n' < "$dir/$name.ko" | LC_ALL=C sed -n 's/^depends=//p' | tr , ' ')
	done
}

# Everything in the guest is static but dmesg: its formats are part of what we test.
build_initrd()
{
	local root=$work/root-$series program lib
	rm -rf "$root"
	mkdir -p "$root/bin" "$root/modules"
	chmod 755 "$root"
	for program in actor stall; do
		gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O2 -static -pthread \
			-o "$root/bin/$program" "$here/$program.c"
	done
	# The kernel's own count of each selection, where clang and a static libbpf are there to build what listens.
	if clang -target bpf -O2 -g "-I/usr/include/$(gcc -print-multiarch)" -D__TARGET_ARCH_x86 -Wall \
			-c -o "$root/bin/ballot.bpf.o" "$here/ballot.bpf.c" &&
			gcc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -O2 -static -o "$root/bin/ballot" \
			"$here/ballot.c" -lbpf -lelf -lz; then
		strip "$root/bin/ballot"
	else
		rm -f "$root/bin/ballot"
	fi
	cp "$(command -v busybox)" "$root/bin/busybox"
	ln -s busybox "$root/bin/sh"
	for lib in $(command -v dmesg) $(ldd "$(command -v dmesg)" | grep -o '/[^ ]*'); do
		mkdir -p "$root$(dirname "$lib")"
		cp -L "$lib" "$root$lib"
	done
	cp -L "$(command -v dmesg)" "$root/bin/dmesg"
	install -m 755 "$here/init" "$root/init"
	install -m 644 "$here/scenarios" "$root/scenarios"
	[ -z "${OVERLAY-}" ] || cp -R "$OVERLAY/." "$root/"
	add_modules "$root/modules" zram lzo lzo-rle fuse ext4 crc32c_generic
	(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet | gzip -1) > "$work/initrd-$series"
	rm -rf "$root"
}

# boot NAME SECONDS APPEND [QEMU OPTION…]: console to NAME.console, results to NAME.tar
boot()
{
	local name=$work/$series-$1 seconds=$2 append=$3
	shift 3
	timeout "$seconds" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -m "${MEMORY:-256}" -smp 2 -display none \
		-nodefaults -no-reboot -serial "file:$name.console" -serial "file:$name.tar" \
		-kernel "$kernel" -initrd "$work/initrd-$series" \
		-append "console=ttyS0 panic=-1 quiet loglevel=4 log_buf_len=2M no_timer_check $append ${APPEND-}" "$@" ||
		echo "$name: the guest ended with $?" >&2
	[ ! -s "$name.tar" ] || gzip -dc "$name.tar" 2>/dev/null | tar x -C "$out" --ignore-zeros 2>/dev/null || :
}

# from_console SCENARIO: the log of a guest that could not tell it any more
from_console()
{
	mkdir -p "$out/$1"
	sed -n "/lab: $1 begins/,\$p" "$work/$series-$1.console" > "$out/$1/log"
	if grep -q 'Power Off' "$work/$series-$1.console"; then
		echo 'ended: power off'
	else
		echo 'ended: panic'
	fi >> "$out/$1/facts"
}

numa="-object memory-backend-ram,size=128M,id=m0 -object memory-backend-ram,size=128M,id=m1
	-numa node,nodeid=0,cpus=0,memdev=m0 -numa node,nodeid=1,cpus=1,memdev=m1"

main()
{
	mkdir -p "$work" "$out"
	fetch
	build_initrd
	local scenario together='' on_numa=''
	for scenario; do
		rm -rf "${out:?}/$scenario"
		case $scenario in
		panic|panic-memcg|deadlock|console|console-quiet|slab)
			boot "$scenario" 120 "play=$scenario"
			from_console "$scenario" ;;
		pinned)
			# pid 1 itself shares its mm with the process that grows; its own end is not part of the story.
			boot "$scenario" 90 "loglevel=8 rdinit=/bin/actor -- comm=init-twin \
				vm{ comm=twin sleep=2000 grow } sleep=15000"
			mkdir -p "$out/pinned"
			sed -n -e '/Attempted to kill init/q' -e '/Run .bin.actor as init/,$p' \
				"$work/$series-pinned.console" > "$out/pinned/log"
			printf '%s: %s\n' kernel "$series" scenario pinned scope global victim_comm twin \
				note 'a process that shares its mm with pid 1 is chosen: it dies, the mm is pinned' \
				> "$out/pinned/facts" ;;
		memcg-v1)
			boot "$scenario" 90 "cgroup1 play=$scenario" ;;
		cpuset|mempolicy|numa)
			on_numa+=,$scenario ;;
		*)
			grep -qx "$scenario" <<< "$every" || [ -n "${OVERLAY-}" ] || { echo "$0: unknown scenario '$scenario'" >&2; exit 2; }
			together+=,$scenario ;;
		esac
	done
	[ -z "$on_numa" ] || boot numa 180 "play=${on_numa#,}" $numa
	[ -z "$together" ] || boot together 600 "play=${together#,}"
	for scenario; do
		printf '%-6s %-16s %s lines, %s\n' "$series" "$scenario" \
			"$(wc -l 2>/dev/null < "$out/$scenario/log" || echo no)" \
			"$(sed -n 's/^oom_kills: /kills /p' "$out/$scenario/facts" 2>/dev/null | tail -1)"
	done
}

main "$@"; exit
