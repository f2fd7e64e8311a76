#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_evidence.py on a kernel that can stage and delete
# entries: collect evidence while an agent does so. /out has imatally and its
# libraries. What the agent deletes is in /out/part.N, in order.

export LD_LIBRARY_PATH=/out/lib
imatally=/out/imatally
staged=/sys/kernel/security/ima/binary_runtime_measurements_staged

files=0
measure() {
	for _ in $(seq "$1"); do
		files=$((files + 1))
		echo "$2 $files" >"/ramfs/$2.$files"
		cat "/ramfs/$2.$files"
	done >/dev/null
}

# The kernel refuses both while somebody has a list open
stage() {
	until echo A >$staged; do sleep 0.01; done 2>/dev/null
}

delete() {
	until echo D >$staged; do sleep 0.01; done 2>/dev/null
}

# collect NAME NONCE
collect() {
	$imatally collect --ak 0x81010010 --nonce "$2" --out "/out/evidence.$1"
}

# keep N: what is staged goes to the part of that number
keep() {
	cat $staged >"/out/part.$1"
	delete
}

$imatally collect --create-ak /out/ak.pem --ak 0x81010010 || exit
measure 20 a
stage
measure 5 b
collect staged 01 || exit
keep 1
measure 5 c
collect deleted 02 || exit

# an agent that never rests
(
	part=2
	while [ ! -e /ramfs/enough ]; do
		stage
		measure 2 d
		keep $part
		part=$((part + 1))
	done
) &
agent=$!
for nonce in 03 04 05; do
	collect "busy.$nonce" $nonce || exit
done
touch /ramfs/enough
wait $agent

stage
wc -l <"${staged%binary*}ascii_runtime_measurements_staged" >/out/unread
delete
measure 5 e
collect unread 06
