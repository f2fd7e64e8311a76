#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What scripts/check runs in the guest to make the TPM fail, or somebody else use
# it, between two records. /out/rows has rows of scripts/check.d/fault-rows, the
# faults and what to do meanwhile; /out/rows.N/ gets what comes of the Nth: the
# records before and after it and the last one in between, how many requests
# failed, the list and the PCRs.

ima=/sys/kernel/security/ima
files=0 failed=0

record() {
	for _ in $(seq "$1"); do
		echo 1 2>/dev/null >$ima/update_counter || failed=$((failed + 1))
	done
}

measure() {
	for _ in $(seq "$1"); do
		files=$((files + 1))
		echo $files >/ramfs/fault-$files
		cat /ramfs/fault-$files >/dev/null
	done
}

# What runs for the first time is measured: not between two records
tpm2_pcrread >/dev/null 2>&1
seq 1 | tr ';' '\n' >/dev/null
cp /proc/version /dev/null

row=0
while IFS='|' read -r faults commands; do
	row=$((row + 1))
	mkdir /out/row.$row
	record 1
	cat $ima/update_counter >/out/row.$row/before
	[ -z "$faults" ] || echo "$faults" | tr ';' '\n' >>/out/faults
	failed=0
	eval "$commands"
	echo $failed >/out/row.$row/failed
	cat $ima/update_counter >/out/row.$row/made
	record 1
	cat $ima/update_counter >/out/row.$row/after
	cp $ima/binary_runtime_measurements /out/row.$row/list
	tpm2_pcrread >/out/row.$row/pcrs 2>/dev/null
done </out/rows
