#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# predict.sh [ROUNDS [SEED]]: the next victim of the sampler and of oomtop against the kernel's, in memory cgroups of the running machine.
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."
[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 2; }
make -s BUILD=build/gcc build/gcc/lab_predict build/gcc/oomtop
exec build/gcc/lab_predict "${1:-50}" "${2:-1}" build/gcc/oomtop
