#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_faults.py: hand over the list and the PCRs again and
# again, each time complete under its final name, until the machine is killed.
# Meanwhile files are measured, PCRs are extended and records are made.

cp /out/load_test /tmp/ && LOAD_ENTRIES=1000000 /tmp/load_test >/dev/null &
while :; do
	tpm2_pcrread sha1:10+sha256:10 >/out/pcrs.new
	cat /sys/kernel/security/ima/binary_runtime_measurements >/out/list.new
	mv /out/list.new /out/list
	mv /out/pcrs.new /out/pcrs
done
