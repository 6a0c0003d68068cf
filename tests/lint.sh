#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lint.sh [--structure] SOURCES...: who may know whom (docs/DESIGN.md), then clang-tidy, cppcheck, shellcheck and mandoc.
set -u
cd "$(dirname "$0")/.." || exit
bad=0
complain() { bad=$((bad + 1)); echo "lint: $*"; }

# Each foreign header and the only files that may include it.
while read -r header files; do
	for f in $(grep -lE "^#include <$header" analyzer/*.c analyzer/*.h collector/*.c collector/*.h tui/*.c tui/*.h 2>/dev/null); do
		case " $files " in *" $f "*) ;; *) complain "$f includes <$header>; only $files may" ;; esac
	done
done <<'TABLE'
sqlite3.h analyzer/sql_impl.h
zstd.h analyzer/pack.c collector/unpack.c
zlib.h collector/unpack.c
lzma.h collector/unpack.c
jansson.h analyzer/json.c collector/jsonline.c collector/status_json.c
archive collector/archive.c
curses.h tui/term.c
tracefs.h collector/trace.c
bpf/ collector/bpf.c collector/oomwatch.bpf.c collector/census.c collector/census.bpf.c
kbuffer.h collector/trace.c
event-parse.h collector/trace.c
systemd/ collector/journal.c
libpq-fe.h analyzer/pg.c
TABLE
# Across directories only the contracts.
for f in analyzer/*.[ch] collector/*.[ch] tui/*.[ch]; do
	[ -e "$f" ] || continue
	grep -nE '^#include "(\.\./|analyzer/|collector/|tui/)' "$f" && complain "$f reaches into another directory"
	head -n 1 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || complain "$f has no SPDX line"
done
# The pure core has no clock, no files, no terminal.
for f in analyzer/*.c; do
	case $f in analyzer/main.c|analyzer/cmd_*.c|analyzer/store*.c|analyzer/sql*.c|analyzer/pack.c|analyzer/pg*.c) continue ;; esac
	grep -nE '^#include <(time|unistd|fcntl|dirent|poll|sys/[a-z]*)\.h>' "$f" && complain "$f: the core may not include this"
done
blanks=$(git ls-files -z 2>/dev/null | grep -zvE '^(tests/(cases|crashes|proc)/|LICENSE)' | xargs -0 -r grep -nE '[[:blank:]]+$')
[ -z "$blanks" ] || { echo "$blanks"; complain "blanks at line ends"; }
[ "${1:-}" != --structure ] || { [ $bad = 0 ]; exit; }

# Texts that the build embeds; not the skeletons beside them, which are not ours to judge.
mkdir -p build/lint/gen
cp "${LINT_GEN:?}"/*.inc build/lint/gen
cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 -Iinclude -Ibuild/lint/gen \
	-D__x86_64__ --suppress=missingIncludeSystem "$@" || complain cppcheck
for f in "$@"; do
	checks=
	# A path through the header that bpftool generates, which cannot be taken.
	case $f in collector/bpf.c|collector/census.c) checks=--checks=-clang-analyzer-unix.Malloc ;; esac
	# shellcheck disable=SC2086
	clang-tidy --quiet $checks --warnings-as-errors='*' "$f" -- -std=gnu11 -D_GNU_SOURCE -Iinclude -Ibuild/lint/gen \
		${LINT_CFLAGS-} 2>/dev/null || complain "clang-tidy $f"
done
shellcheck -S warning tests/*.sh tests/cli/*.sh packaging/oomlens.bash .ci/run || complain shellcheck
for f in docs/*.[158]; do
	[ ! -e "$f" ] || mandoc -T lint -W warning "$f" || complain "mandoc $f"
done
[ $bad = 0 ] && echo "lint: quiet"
