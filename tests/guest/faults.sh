#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_faults.py: make the TPM fail, or let somebody else use
# it, between two records. /out/rows has a line NAME|FAULTS|COMMANDS for each row
# of tests/fault-rows. Writes to /out/NAME/: the records before the row and after
# it, the last record made by it, how many requests failed, when the row began and
# ended, the list and the PCRs.

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

user() {
	tpm2_pcrread sha256:0 >/dev/null 2>&1
}

# A program is measured when it first runs: not between two records
tpm2_pcrread >/dev/null 2>&1
seq 1 | tr ';' '\n' >/dev/null
cp /proc/version /dev/null

while IFS='|' read -r name faults commands; do
	row=/out/$name
	mkdir "$row"
	record 1
	cat $ima/update_counter >"$row/before"
	[ -z "$faults" ] || echo "$faults" | tr ';' '\n' >>/out/faults
	failed=0
	cut -d ' ' -f 1 /proc/uptime >"$row/began"
	eval "$commands"
	cut -d ' ' -f 1 /proc/uptime >"$row/ended"
	echo $failed >"$row/failed"
	cat $ima/update_counter >"$row/made"
	record 1
	cat $ima/update_counter >"$row/after"
	cp $ima/binary_runtime_measurements "$row/list"
	tpm2_pcrread >"$row/pcrs" 2>/dev/null
done </out/rows
