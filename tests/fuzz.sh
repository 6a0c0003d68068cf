#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz.sh TARGET SECONDS: build tests/fuzz_TARGET.c with libFuzzer and the sanitizers, run it on the cases as seeds.
set -eu
target=$1 seconds=$2 dir=build/fuzz
mkdir -p "$dir/gen" "$dir/seeds-$target" "tests/crashes/$target"
make -s BUILD="$dir" "$dir"/gen/{schema,reports,lexicon,page_css,page_css_hash,page_js,page_js_hash}.inc
pkgs="sqlite3 libarchive jansson libzstd zlib liblzma" other=journal
! pkg-config --exists libsystemd || { pkgs="$pkgs libsystemd"; other=journal_none; }
# shellcheck disable=SC2010
sources=$(ls analyzer/*.c collector/*.c | grep -vE 'analyzer/(main|cmd_.*)\.c|analyzer/pg\.c|collector/(bpf|census|trace|.*\.bpf|'$other')\.c')
# shellcheck disable=SC2046,SC2086
clang -g -O1 -std=gnu11 -D_GNU_SOURCE -Iinclude "-I$dir/gen" $(pkg-config --cflags $pkgs) \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o "$dir/$target" \
	"tests/fuzz_$target.c" $sources $(pkg-config --libs $pkgs)
if [ "$target" = store ]; then       # its inputs are patches and values, see the target; a dump is neither
	printf '\001\000\020hello world 0123' > "$dir/seeds-store/raw"
	printf '\001\001\010[[1,2,3]' > "$dir/seeds-store/memory"
	printf '\000\000\020\010abcdefgh' > "$dir/seeds-store/patch"
	max="1024 -len_control=0"
elif [ "$target" = whatif ]; then    # lines of a kind (a letter: see the target) and a text
	printf '%s\n' '@pcomm:db=+5' 'wuid:1' > "$dir/seeds-whatif/set"
	printf '%s\n' 'Kquid:0' 'rcgroup:/a/b.service=1.5M' 'wunit:b' > "$dir/seeds-whatif/rows"
	printf '%s\n' '.s/a=32M' 't1G' 'u/a/c=1' 'v1' 'w11' 'p12==-500' > "$dir/seeds-whatif/domain"
	max=512
elif [ "$target" = join ]; then      # a byte of options, then operations: see the target
	printf '\377\024\007\005\000\001\005\000\002\005\000\004\007\000' > "$dir/seeds-join/kill"
	max=1024
elif [ "$target" = metrics ]; then
	printf '%s\n' '# oomlens export: the counters go on from here; store 1:2 event 3' 'oomlens_kills_total{scope="global"} 5' \
		'oomlens_events_total{outcome="killed",verdict="exact"} 7' 'oomlens_unit_kills_total{unit="a\\x0a\""} 1' \
		'oomlens_last_kill_timestamp_seconds 9' > "$dir/seeds-metrics/earlier"
	max=4096
else
	i=0 max=131072
	for log in tests/cases/*/log; do
		i=$((i + 1))
		head -c 65536 "$log" > "$dir/seeds-$target/case-$i"
	done
fi
# shellcheck disable=SC2086
"$dir/$target" -max_total_time="$seconds" -max_len=$max -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	-artifact_prefix="tests/crashes/$target/" "$dir/seeds-$target"
