#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_ltp.py: LTP's tests of IMA, with the programs and data
# in /out/ltp. What each prints is in /out/printed.

# What is read from the host would be measured each time
cp -r /out/ltp /out/lib /out/evmctl /out/tsspcrread /tmp
mkdir -p /ramfs/tmp /dev/shm /out/printed

# LTP's programs are static. These get their libraries by a wrapper.
for program in evmctl tsspcrread; do
	cat >/usr/bin/$program <<END
#!/bin/sh
LD_LIBRARY_PATH=/tmp/lib exec /tmp/$program "\$@"
END
	chmod +x /usr/bin/$program
done
export TPM_INTERFACE_TYPE=dev TPM_DEVICE=/dev/tpmrm0

# A tmpfs is not measured, so LTP would need a loop device there
export LTPROOT=/tmp/ltp TMPDIR=/ramfs/tmp PATH="/tmp/ltp/testcases/bin:$PATH"
export LTP_COLORIZE_OUTPUT=0 LTP_TIMEOUT_MUL=10
export KCONFIG_PATH=/out/config IMA_KEXEC_IMAGE=/boot/kernel

run() {
	name=$1
	shift
	"$@" >"/out/printed/$name" 2>&1
	echo "status $?" >>"/out/printed/$name"
}

# Without those that need auditd, SELinux, the measuring of keys, or appraisal.
# The first two need the built-in policy, which a loaded one replaces.
run measurements ima_measurements.sh
run tpm ima_tpm.sh
export LTP_IMA_LOAD_POLICY=1
for test in policy kexec; do
	run $test ima_$test.sh
done
for what in uid fowner gid fgroup; do
	run conditionals_$what ima_conditionals.sh -r $what
done
exit 0
