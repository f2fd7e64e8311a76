#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the kernel's selftests of the TPM and of kexec, with the host's Python: a
# folder of tests in /out/selftests, what they print in /out/printed.

# IMA would measure what is read from the host each time
cp -r /out/python /tmp
ln -s /tmp/python/python3 /usr/bin/python3
export PYTHONHOME=/tmp/python LD_LIBRARY_PATH=/tmp/python/lib

# Where the tests look for the kernel and its configuration
mkdir -p "/lib/modules/$(uname -r)" /tmp/boot
cp /out/config "/lib/modules/$(uname -r)/config"
cp /boot/kernel "/tmp/boot/vmlinuz-$(uname -r)"
mount --bind /tmp/boot /boot

cp -r /out/selftests /tmp
mkdir /out/printed
for test in /tmp/selftests/*/test_*.sh; do
	cd "${test%/*}" || exit
	sh "./${test##*/}" >"/out/printed/${test##*/}" 2>&1
	echo "status $?" >>"/out/printed/${test##*/}"
done
exit 0
