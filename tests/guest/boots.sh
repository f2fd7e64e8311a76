#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/series/test_each_patch.py: does IMA measure, with a TPM?

ima=/sys/kernel/security/ima
cat /bin/busybox >/dev/null
echo x >/ramfs/file && cat /ramfs/file >/dev/null
[ "$(cat $ima/runtime_measurements_count)" -gt 1 ] || exit 1
tpm2_pcrread sha256:10 | grep '10: 0x' | grep -qv '0x0*$'
