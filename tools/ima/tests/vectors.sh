#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: tests/vectors.sh IMATALLY FOLDER
#
# The lists of real boots in FOLDER get the answers that are kept beside them.

set -eu

imatally=$(realpath "$1")
failed=0 compared=0
for vector in "$2"/*/; do
	status=0
	( cd "$vector"; "$imatally" verify --json list --pcrs pcrs || true ) |
		python3 -m json.tool | diff -u "$vector/result.json" - || status=1
	[ $status -eq 0 ] || { echo "  FAIL    $vector" >&2; failed=1; }
	compared=$((compared + 1))
done
[ $compared -gt 10 ] || { echo "  FAIL    only $compared vectors in $2" >&2; failed=1; }
exit $failed
