#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_policies.py: does what /out/step says, executes the
# same kernel once more, and hands over the list and the PCRs.

ima=/sys/kernel/security/ima

measure() {
	echo "$BOOT" >/ramfs/measured
	cat /ramfs/measured >/dev/null
}

# A policy that is loaded takes the place of the built-in one
policy_unsigned() {
	{
		echo 'dont_measure fsname=securityfs'
		echo 'measure func=CRITICAL_DATA label=tpm'
		echo 'measure func=FILE_CHECK mask=MAY_READ uid=0'
		echo 'measure func=BPRM_CHECK'
	} >$ima/policy || return
	measure
}

echo 1 >$ima/update_counter || exit
if [ "$BOOT" = 1 ]; then
	read -r step </out/step
	$step || exit
	echo 1 >$ima/update_counter || exit
	vm-kexec-load || exit
	kexec -e
	exit 1
fi
tpm2_pcrread >/dev/null
cp $ima/ascii_runtime_measurements /out/list.ascii
cp $ima/binary_runtime_measurements /out/list
tpm2_pcrread >/out/pcrs
