#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_faults.py: three kexecs in a row, each while TPM
# commands are in flight. The last kernel hands over the list, the names of its
# events and the PCRs.

ima=/sys/kernel/security/ima
if [ "$BOOT" -le 3 ]; then
	cp /out/load_test /tmp/ && LOAD_ENTRIES=1000000 /tmp/load_test >/dev/null &
	sleep 2
	vm-kexec-load && kexec -e
	exit 1
fi
tpm2_pcrread >/dev/null
cp $ima/binary_runtime_measurements /out/list
cut -d' ' -f5 $ima/ascii_runtime_measurements >/out/names
tpm2_pcrread >/out/pcrs
