#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# fuzz.sh TARGET SECONDS: build tests/fuzz_TARGET.c with libFuzzer and the sanitizers, run it on the cases as seeds.
set -eu
target=$1 seconds=$2 dir=build/fuzz
mkdir -p "$dir/gen" "$dir/seeds-$target" "tests/crashes/$target"
sed -e 's/[\\"]/\\&/g' -e 's/.*/"&\\n"/' schema.sql > "$dir/gen/schema.inc"
sources=$(ls analyzer/*.c collector/*.c | grep -vE 'analyzer/(main|cmd_.*)\.c|collector/(bpf|trace|.*\.bpf)\.c')
# shellcheck disable=SC2046,SC2086
clang -g -O1 -std=gnu11 -D_GNU_SOURCE -Iinclude "-I$dir/gen" $(pkg-config --cflags sqlite3 libarchive jansson libzstd zlib liblzma) \
	-fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -o "$dir/$target" \
	"tests/fuzz_$target.c" $sources $(pkg-config --libs sqlite3 libarchive jansson libzstd zlib liblzma)
i=0
for log in tests/cases/*/log; do
	i=$((i + 1))
	head -c 65536 "$log" > "$dir/seeds-$target/case-$i"
done
"$dir/$target" -max_total_time="$seconds" -max_len=131072 -timeout=10 -rss_limit_mb=2048 -print_final_stats=1 \
	-artifact_prefix="tests/crashes/$target/" "$dir/seeds-$target"
