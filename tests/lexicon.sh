#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# lexicon.sh OUT: learns a dictionary for the raw lines of stores from the cases, as analyzer/lexicon.zdict was.  That one is
# never made again: stores are full of lines packed with it.  A better one would be a further format in store_raw.c.
set -eu
cd "$(dirname "$0")/.."
make -s build/gcc/lexicon
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
build/gcc/lexicon "$work" tests/cases/*/log
zstd -q --train "$work"/* --maxdict=16384 -o "$1"
