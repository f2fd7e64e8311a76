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

# ends WHY...: status 3, soon, for these reasons
ends() {
	local status=0 why
	timeout 5 tail --pid="$pid" -f /dev/null || fail "it goes on: $(cat "$dir/err")"
	wait "$pid" || status=$?
	pid=
	[ "$status" = 3 ] || fail "status $status, not 3: $(cat "$dir/err")"
	for why; do
		[ "$(grep -c "$why" "$dir/err")" = 1 ] || fail "not once \"$why\": $(cat "$dir/err")"
	done
}

start --interval 1
ends 'update_counter is missing'
# what is wrong with a record may pass; without a number there is no rhythm
mkdir "$dir/update_counter"
start --every 1
ends 'update_counter: Is a directory' 'runtime_measurements_count: No such file'
rmdir "$dir/update_counter"
ln -s /dev/full "$dir/update_counter"
for number in many -1; do
	echo "$number" >"$dir/runtime_measurements_count"
	start --every 1
	ends 'update_counter: No space left' 'runtime_measurements_count: no number'
done
rm "$dir/update_counter" "$dir/runtime_measurements_count"

"$imatally" watch --help | grep -q '^Usage: imatally watch' || fail 'no help'
for bad in '' '--interval 0' '--interval 1s' '--every -1' '--every' '--often 1' '--interval 1 --every 1' '--interval 1 x'; do
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
kill -STOP "$pid"
requests 1 >/dev/null
sleep 8
kill -CONT "$pid"
n=$(requests 2)
{ [ "$n" -ge 1 ] && [ "$n" -le 5 ]; } || fail "$n records in the 2 s after it was stopped for 9"
mv "$dir/update_counter" "$dir/moved"
ends 'update_counter is missing'
requests 1 >/dev/null
mv "$dir/moved" "$dir/update_counter"

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
rm "$dir/runtime_measurements_count"
ends 'runtime_measurements_count: No such file'
