#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The library defines no symbol without its prefix, keeps no variables, and
# neither prints nor exits.
#
# Usage: symbols.sh LIBRARY

set -euo pipefail

fail=0
complain() {
	echo "  FAIL    $1: $2" >&2
	fail=1
}

while read -r symbol; do
	complain "a symbol without the library's prefix" "$symbol"
done < <(nm -g --defined-only "$1" | awk 'NF == 3 && $3 !~ /^imatally_/ { print $3 }')

while read -r symbol; do
	complain "a variable" "$symbol"
done < <(nm --defined-only "$1" |
	 awk 'NF == 3 && $2 ~ /^[BbCDdGgSs]$/ && $3 !~ /^(__|\.|_*asan|_*ubsan|\*)/ && $3 !~ /\.rel\.ro|^(algs|keys|events|templates|types)(\.|$)/ { print $3 }')

while read -r symbol; do
	complain "a call that prints or exits" "$symbol"
done < <(nm -u "$1" | awk '$2 ~ /^(exit|_exit|abort|(v|f|vf)?printf|puts|putchar|fputs|fputc|fwrite|perror|stdout|stderr|stdin|signal|sigaction)$/ { print $2 }')

exit "$fail"
