#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The manual page formats without a warning.
#
# Usage: manpage.sh PAGE

set -euo pipefail

if ! command -v groff >/dev/null; then
	echo "  SKIP    groff is not installed"
	exit 0
fi
if ! warnings=$(groff -man -ww -z -Tutf8 "$1" 2>&1); then
	echo "  FAIL    $1: $warnings" >&2
	exit 1
fi
if [ -n "$warnings" ]; then
	echo "  FAIL    $warnings" >&2
	exit 1
fi
