#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Loads a kernel, measures as many files as /out/files says, executes it, and
# hands over the list and the PCRs of the second kernel. Before that, loads the
# policy in /out/policy, if it has one.

ima=/sys/kernel/security/ima
if [ "$BOOT" = 1 ]; then
	[ ! -s /out/policy ] || cat /out/policy >$ima/policy
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
	kexec -e
	exit
fi
tpm2_pcrread >/dev/null
cp $ima/ascii_runtime_measurements /out/list.ascii
cp $ima/binary_runtime_measurements /out/list
tpm2_pcrread >/out/pcrs
