#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# imatally watch asks for records at its rhythm: a pipe in the place of the
# kernel's file.
#
# Usage: watch.sh IMATALLY

set -euo pipefail

imatally=$1
dir=$(mktemp -d)
pid=
trap '[ -z "$pid" ] || kill "$pid" 2>/dev/null; rm -rf "$dir"' EXIT

fail() {
	echo "  FAIL    $*" >&2
	exit 1
}

# requests SECONDS: how many come in that time. Time may run out within a line.
requests() {
	local part line='' n=0 end=$((SECONDS + $1))
	while [ "$SECONDS" -lt "$end" ]; do
		if read -r -t 0.2 part <&3; then
			[ "$line$part" = 1 ] || fail "written: $line$part"
			line=''
			n=$((n + 1))
		else
			line+=$part
		fi
	done
	echo "$n"
}

start() {
	"$imatally" watch --ima "$dir" "$@" 2>"$dir/err" &
	pid=$!
}
stop() {
	kill "$pid"
	wait "$pid" || true
	pid=
}

status=0
"$imatally" watch --interval 1 --ima "$dir" 2>"$dir/err" || status=$?
[ "$status" = 3 ] || fail "status $status without the kernel's file"
grep -q 'update_counter is missing' "$dir/err" || fail "$(cat "$dir/err")"
for bad in '' '--interval 0' '--interval 1s' '--every -1' '--interval 1 --every 1' '--interval 1 x'; do
	status=0
	# shellcheck disable=SC2086 # options
	"$imatally" watch $bad 2>/dev/null || status=$?
	[ "$status" = 3 ] || fail "status $status for: watch $bad"
done

mkfifo "$dir/update_counter"
exec 3<>"$dir/update_counter"

start --interval 1
n=$(requests 5)
{ [ "$n" -ge 3 ] && [ "$n" -le 7 ]; } || fail "$n records in 5 s, one a second"
stop
requests 1 >/dev/null

# One at the start, and then as entries come; its own records don't count
echo 100 >"$dir/runtime_measurements_count"
start --every 10
n=$(requests 3)
[ "$n" = 1 ] || fail "$n records while nothing came"
echo 109 >"$dir/runtime_measurements_count"
n=$(requests 3)
[ "$n" = 0 ] || fail "$n records for 9 entries"
echo 110 >"$dir/runtime_measurements_count"
n=$(requests 3)
[ "$n" = 1 ] || fail "$n records for 10 entries"
stop
