#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Usage: tests/bad_input.sh IMATALLY
#
# Damaged lists, to the command: an error with the entry and the offset, status 3,
# little memory and little time. What the reader makes of each byte that is missing
# is in test_log.c.

set -euo pipefail

imatally=$1
vector=vectors/two-kernels
dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
size=$(stat -c %s "$vector/list")

# Address space in KiB; sanitizers reserve terabytes of it
limit=262144
! grep -q __asan_init "$imatally" || limit=unlimited

# refused TEXT: the list in $dir/list is refused so, from a file and from a pipe
refused() {
	local status=0 input
	for input in "$dir/list" -; do
		status=0
		(ulimit -v "$limit" && timeout 20 "$imatally" verify "$input" --pcrs "$vector/pcrs" <"$dir/list") \
			>"$dir/out" 2>"$dir/err" || status=$?
		if [[ $status -ne 3 || -s $dir/out || $(wc -l <"$dir/err") -ne 1 ]] ||
			! grep -qE "^imatally: .*: $1" "$dir/err" || LC_ALL=C grep -q '[^ -~]' "$dir/err"; then
			echo "status $status, not '$1':"
			cat "$dir/out" "$dir/err"
			exit 1
		fi
	done
}

# put OFFSET BYTES: the list with these bytes written over it
put() {
	cp "$vector/list" "$dir/list"
	printf '%b' "$2" | dd of="$dir/list" bs=1 seek="$1" conv=notrunc status=none
}

# one cut in each part of the second entry, a record, and one a byte before the end
for cut in 102 110 125 130 140 170 200 $((size - 1)); do
	head -c "$cut" "$vector/list" >"$dir/list"
	refused "entry [0-9]+, offset [0-9]+: .*(the log ends|no room|claims)"
done

# each length of the first entry and of the second, at 4 GiB and at its half
for lie in '\xff\xff\xff\xff' '\xfb\xff\xff\xff' '\x00\x00\x00\x80'; do
	put 24 "$lie"
	refused 'entry 0, offset 24: a template.s name of '
	put 34 "$lie"
	refused 'entry 0, offset 38: the log ends within the template data: [0-9]+ bytes needed, [0-9]+ there'
	put 38 "$lie"
	refused 'entry 0, offset 38: field d-ng claims '
	put 82 "$lie"
	refused 'entry 0, offset 82: field n-ng claims '
done
put 0 '\xff'
refused 'entry 0, offset 0: PCR index 255'
put 28 'imaxng'
refused 'entry 0, offset 28: unknown template "imaxng"'
put 28 '\x1b[31m\n'
refused 'entry 0, offset 28: unknown template "\?\[31m\?"'

# a record that is none
offset=$(grep -abom 1 'version=1;' "$vector/list" | head -n 1)
put "${offset%%:*}" 'version=x;'
refused "entry 1, offset $((${offset%%:*} + 8)): counter record: version: not a decimal number"

: >"$dir/list"
refused 'the log is empty'
for seed in 1 2 3 4 5; do
	openssl enc -aes-128-ctr -K "$seed" -iv 0 -in /dev/zero 2>/dev/null | head -c 100000 >"$dir/list" || true
	refused 'entry 0, offset 0: PCR index '
done
# whatever it says of its length, an endless list that is none ends at its first entry
status=0
(ulimit -v "$limit" && timeout 20 "$imatally" verify - --pcrs "$vector/pcrs" </dev/urandom) 2>"$dir/err" || status=$?
[[ $status -eq 3 ]] || { echo "an endless list: status $status"; exit 1; }
