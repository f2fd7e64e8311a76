#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs the selftests before and after a kexec, except those that the variant
# leaves out, and hands over the list and the PCRs. /out/variant, written by
# tests/lab/selftests.py, sets:
#	tests	the test programs to run
#	skip	tests that don't apply: options of the test programs
#	skip2	the same for the second boot
#	before	a command to run before the kexec
#	around	a command that runs the test programs, or nothing
#	boots	2, or 1 for no kexec
#	settings what the tests are to find in their environment

# The chip stays known to IMA, and every command to it fails
unbind_tpm() {
	device=$(readlink -f /sys/class/tpm/tpm0/device)
	echo "${device##*/}" >"$device/driver/unbind"
}

# The command line is too long for the architecture: fails after IMA was asked
fail_to_load() {
	vm-kexec-load || return
	long=$(head -c 3000 /dev/zero | tr '\0' x)
	for i in $(seq 25); do
		! kexec -s -l /boot/kernel --command-line="$i$long" 2>/dev/null || return
	done
	kexec -e
}

# On a kernel that looks for leaked memory: what it has found. A block has to be
# some seconds old, and to be unreachable in two scans.
find_leaks() {
	[ -e /sys/kernel/debug/kmemleak ] || return 0
	sleep 6
	echo scan >/sys/kernel/debug/kmemleak
	echo scan >/sys/kernel/debug/kmemleak
	cat /sys/kernel/debug/kmemleak >"/out/leaks.$BOOT"
}

mapped() {
	if grep -q kimage_map_segment /proc/vmallocinfo; then echo yes; else echo no; fi
}

# The one that ima_kexec_post_load() has allocated
has_dump_buffer() {
	if grep 'ima_.*kexec' /proc/vmallocinfo | grep -q vmalloc; then echo yes; else echo no; fi
}

unload() {
	vm-kexec-load || return
	was=$(mapped) had=$(has_dump_buffer)
	kexec -s -u || return
	echo "mapped before: $was, after: $(mapped)"
	echo "dump buffer before: $had, after: $(has_dump_buffer)"
}

stage_list() {
	echo A >/sys/kernel/security/ima/binary_runtime_measurements_staged
}

delete_entries() {
	echo 5 >/sys/kernel/security/ima/binary_runtime_measurements
}

# Then more is measured than the segment has room for. What is to be missing: what
# was deleted, and later what did not arrive.
delete_and_overflow() {
	vm-kexec-load || return
	echo A >$ima/binary_runtime_measurements_staged
	wc -l <$ima/ascii_runtime_measurements_staged >/out/deleted
	echo D >$ima/binary_runtime_measurements_staged
	echo 1 >$ima/update_counter
	measure_many
	wc -l <$ima/ascii_runtime_measurements >/out/left
	kexec -e
}

# The shared folder does not survive that memory is denied to it: docs/testing.md
copied_kernel() {
	cp /boot/kernel /tmp/kernel
	"$@"
}

# More entries than the half page in reserve could make up for
measure_many() {
	i=0
	while [ $i -lt 800 ]; do
		echo $i >/ramfs/$i
		cat /ramfs/$i >/dev/null
		i=$((i + 1))
	done
}

# The transport of the shared folders does not survive that the machine sleeps
across_sleep() {
	umount /out /boot /control
	for device in /sys/bus/virtio/drivers/9pnet_virtio/virtio*; do
		devices="$devices ${device##*/}"
		echo "${device##*/}" >/sys/bus/virtio/drivers/9pnet_virtio/unbind
	done
	touch /tmp/slept
	"$@"
	result=$?
	for device in $devices; do
		echo "$device" >/sys/bus/virtio/drivers/9pnet_virtio/bind
	done
	for share in out boot control; do
		mount -t 9p -o trans=virtio,version=9p2000.L,msize=262144 $share /$share
	done
	return $result
}

# Those folders can be unmounted only if nothing runs from there
if [ "$0" != /tmp/selftests ]; then
	cp "$0" /tmp/selftests
	exec sh /tmp/selftests
fi

# shellcheck disable=SC1091,SC2154 # written on the host
. /out/variant
ima=/sys/kernel/security/ima
export KERNEL_IMAGE=/boot/kernel EXTEND_PCRS=1

# shellcheck disable=SC2154
[ "$BOOT" = 1 ] || skip=$skip2
# shellcheck disable=SC2154
for test in $tests; do
	cp "/out/$test" "/tmp/$test"
	# shellcheck disable=SC2086,SC2154 # commands, options and settings
	$around env $settings "/tmp/$test" $skip >"/tmp/tap.$test" 2>&1
	status=$?
	cp "/tmp/tap.$test" "/out/tap.$BOOT.$test"
	[ "$status" = 0 ] || exit "$status"
done
find_leaks

# shellcheck disable=SC2154
if [ "$BOOT" -lt "$boots" ]; then
	# shellcheck disable=SC2154
	$before || exit
	vm-kexec-load || exit
	kexec -e
	exit 1
fi
tpm2_pcrread >/dev/null 2>&1
cp $ima/ascii_runtime_measurements /out/list.ascii
cp $ima/binary_runtime_measurements /out/list
if [ -e /dev/tpmrm0 ]; then
	tpm2_pcrread >/out/pcrs
fi
