#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: tests/coverage.sh OBJ MINIMUM
#
# Prints which part of the lines of each file below lib/ and programs/ ran, by the
# objects' folder OBJ, with the reason that tests/coverage.exceptions gives for a
# file; fails if a file has less than MINIMUM percent without a reason there, or all
# of them together.

set -euo pipefail

obj=$1 minimum=$2
for file in lib/*.c programs/*.c; do
	gcov --no-output --object-file "$obj/${file%.c}.gcda" "$file" 2>/dev/null |
		awk -v file="$file" '/^File/ { wanted = $0 == "File '\''" file "'\''" }
			wanted && /^Lines executed/ { split($2, part, /[:%]/); print file, $4, part[2]; exit }'
done | awk -v minimum="$minimum" -v exceptions=tests/coverage.exceptions '
	BEGIN {
		while ((getline line <exceptions) > 0) {
			if (line ~ /^#/ || line == "")
				continue
			file = line
			sub(/[ \t].*/, "", file)
			sub(/^[^ \t]*[ \t]+/, "", line)
			reason[file] = line
		}
		printf "%-28s %6s %8s\n", "file", "lines", "run"
	}
	{
		lines += $2
		run += $2 * $3 / 100
		low = $3 < minimum && !reason[$1]
		bad += low
		printf "%-28s %6d %7.1f%%  %s\n", $1, $2, $3, low ? "TOO FEW" : reason[$1]
	}
	END {
		printf "%-28s %6d %7.1f%%\n", "all", lines, 100 * run / lines
		exit bad || 100 * run < minimum * lines
	}'
