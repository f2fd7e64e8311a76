#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_evidence.py: collect evidence. /out has imatally
# and the libraries that the guest lacks. Evidence comes to /out/evidence.NAME:
# of this boot, after "imatally watch" in both its rhythms, and of the boot after
# a kexec, with an update of a PCR that IMA did not make, and while much is measured.

export LD_LIBRARY_PATH=/out/lib
imatally=/out/imatally

# measure N: N new files
files=0
measure() {
	for _ in $(seq "$1"); do
		files=$((files + 1))
		echo "$BOOT $files" >"/ramfs/$files"
		cat "/ramfs/$files"
	done >/dev/null
}

# Until there is a new record, however slow this machine is
last=
wait_for_record() {
	for _ in $(seq 300); do
		now=$(cat /sys/kernel/security/ima/update_counter)
		if [ "$now" != "$last" ]; then
			last=$now
			return
		fi
		sleep 0.1
	done
	echo "no new record came"
	return 1
}

# collect NAME NONCE
collect() {
	$imatally collect --ak 0x81010010 --nonce "$2" --out "/out/evidence.$1"
}

measure 20
if [ "$BOOT" = 2 ]; then
	tpm2_pcrextend "11:sha256=$(printf '%064d' 7)" || exit
	collect second 02 || exit
	# while files are measured without a pause
	while :; do measure 100; done &
	busy=$!
	collect busy 05
	status=$?
	kill $busy
	exit $status
fi

$imatally collect --create-ak /out/ak.pem --ak 0x81010010 || exit
collect first 01 || exit
wait_for_record
$imatally watch --interval 1 &
watcher=$!
for _ in 1 2 3; do
	measure 3
	wait_for_record || exit
done
kill $watcher
collect interval 03 || exit
wait_for_record
$imatally watch --every 10 &
watcher=$!
wait_for_record || exit
for _ in 1 2 3; do
	measure 10
	wait_for_record || exit
done
kill $watcher
collect every 04 || exit
vm-kexec-load || exit
kexec -e
exit 1
