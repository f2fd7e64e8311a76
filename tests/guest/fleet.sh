#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/lab/fleet_vm.py: a host of a fleet, which enrolls its AK, runs an agent
# and measures a file now and then. /out has imatally, imatally-agent, the libraries that
# the guest lacks, and the agent's options in /out/options. Whoever runs the fleet puts
# answers there, and says what is to happen by creating files:
#   kexec   execute another kernel after measuring more than it can carry over
#   silent  end the agent
#   end     end

export LD_LIBRARY_PATH=/out/lib
ak=0x81010010

# measure N: N new files
files=0
measure() {
	for _ in $(seq "$1"); do
		files=$((files + 1))
		echo "$BOOT $files" >"/ramfs/$files"
		cat "/ramfs/$files"
	done >/dev/null
}

wait_for() {
	until [ -e "/out/$1" ]; do
		sleep 0.3
	done
}

ip link set lo up
ip link set eth0 up || exit
ip address add 10.0.2.15/24 dev eth0 || exit

if [ "$BOOT" = 1 ]; then
	/out/imatally collect --create-ak /out/ak.pem --ak $ak || exit
	/out/imatally enroll --ak $ak --out /out/request.json || exit
	wait_for challenge.json
	/out/imatally enroll --ak $ak --activate /out/challenge.json --out /out/answer.json || exit
	wait_for host.seed
fi

read -r options </out/options
# shellcheck disable=SC2086 # these are several words
/out/imatally-agent $options &
agent=$!
until [ -e /out/end ]; do
	measure 1
	sleep 1
	[ ! -e /out/silent ] || kill $agent 2>/dev/null
	if [ -e /out/kexec ] && [ "$BOOT" = 1 ]; then
		kill $agent
		vm-kexec-load || exit
		measure 200
		kexec -e
		exit 1
	fi
done
