#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# predict.sh [ROUNDS [SEED]]: the sampler's next victim against the kernel's, in memory cgroups of the running machine.
set -eu
cd "$(dirname "$(readlink -f "$0")")/../.."
[ "$(id -u)" = 0 ] || { echo "$0: needs root" >&2; exit 2; }
make -s BUILD=build/gcc build/gcc/lab_predict
exec build/gcc/lab_predict "$@"
