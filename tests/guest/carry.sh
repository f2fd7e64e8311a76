#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Loads a kernel, measures as many files as /out/files says, executes it, and
# hands over the list and the PCRs of the second kernel. Before that, loads the
# policy in /out/policy, if it has one. If there is /out/imatally, it keeps a copy
# of the first kernel's list in /out/copy, until right before the kexec.

ima=/sys/kernel/security/ima
if [ "$BOOT" = 1 ]; then
	[ ! -s /out/policy ] || cat /out/policy >$ima/policy
	if [ -e /out/imatally ]; then
		LD_LIBRARY_PATH=/out/lib /out/imatally watch --keep /out/copy &
		watcher=$!
		# its libraries are measured, too
		until [ -s /out/copy/0000000001-0000000001 ]; do
			kill -0 "$watcher" || exit
			sleep 0.1
		done
	fi
	vm-kexec-load || exit
	read -r files </out/files
	i=0
	while [ $i -lt "$files" ]; do
		echo $i >/ramfs/$i
		cat /ramfs/$i >/dev/null
		i=$((i + 1))
	done
	# The verifier does not see this one
	wc -l <$ima/ascii_runtime_measurements >/out/count-before-kexec
	cat $ima/ascii_runtime_measurements >/out/before.ascii
	if [ -e /out/imatally ]; then
		kill "$watcher"
		wait "$watcher" || exit
	fi
	kexec -e
	exit
fi
tpm2_pcrread >/dev/null
cp $ima/ascii_runtime_measurements /out/list.ascii
cp $ima/binary_runtime_measurements /out/list
tpm2_pcrread >/out/pcrs
