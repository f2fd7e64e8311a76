# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# A software TPM, a kernel's boots on it, and evidence of them; for tests that set
# $imatally and $write_boot, and go on in a folder of their own.

# shellcheck disable=SC2154 # those two

for need in swtpm swtpm_setup tpm2_checkquote python3; do
	command -v "$need" >/dev/null || { echo "  SKIP    $need is not installed"; exit 0; }
done

# Short: there are sockets in it
dir=$(mktemp -d /tmp/evidence.XXXXXX)
swtpm_pid=
stop_tpm() {
	[ -z "$swtpm_pid" ] || kill "$swtpm_pid" 2>/dev/null || true
	[ -z "$swtpm_pid" ] || wait "$swtpm_pid" 2>/dev/null || true
	swtpm_pid=
}
trap 'stop_tpm; rm -rf "$dir"' EXIT
cd "$dir" || exit

fail() {
	echo "  FAIL    $*" >&2
	exit 1
}

# expect STATUS TEXT COMMAND...: exit status, and a regular expression in output
expect() {
	local status=0
	"${@:3}" >out 2>&1 || status=$?
	[ "$status" = "$1" ] || fail "status $status, not $1: ${*:3}: $(cat out)"
	grep -qE -- "$2" out || fail "no \"$2\" from ${*:3}: $(cat out)"
}

start_tpm() {
	local i
	swtpm socket --tpm2 --tpmstate dir=state --server type=unixio,path="$dir/tpm" \
		--ctrl type=unixio,path="$dir/tpm.ctrl" \
		--flags startup-clear,not-need-init --log file=swtpm.log &
	swtpm_pid=$!
	for ((i = 0; i < 100; i++)); do
		[ ! -S tpm ] || return 0
		sleep 0.05
	done
	fail "swtpm does not start: $(cat swtpm.log)"
}

# What a power cycle with an orderly shutdown does
reboot_tpm() {
	tpm2_shutdown --clear
	stop_tpm
	rm -f tpm tpm.ctrl
	start_tpm
}

new_tpm() {
	stop_tpm
	rm -rf tpm tpm.ctrl state
	mkdir state
	swtpm_setup --tpm2 --config /dev/null --tpm-state state --pcr-banks "$1" >/dev/null
	start_tpm
}

# pcrUpdateCounter: TPM2_PCR_Read of nothing, and bytes 10 to 13 of the answer
counter() {
	printf '\x80\x01\0\0\0\x0e\0\0\x01\x7e\0\0\0\0' | tpm2_send | od -An -tu1 -j10 -N4 |
		awk '{ print (($1 * 256 + $2) * 256 + $3) * 256 + $4 }'
}

# boot BANKS [MORE]: a kernel boots on this TPM, and measures, MORE after its last record
boot() {
	mkdir -p ima
	: >extends
	booted=$(counter)
	grow "$@"
}

# grow BANKS MORE: that kernel measures on, up to MORE
grow() {
	local extend before
	before=$(wc -l <extends)
	"$write_boot" ima/binary_runtime_measurements "$1" "$booted" ${2+"$2"} >extends
	while read -r extend; do tpm2_pcrextend "$extend"; done < <(tail -n "+$((before + 1))" extends)
}

nonce=00112233445566778899aabbccddeeff
collect() {
	"$imatally" collect --tcti "$TPM2TOOLS_TCTI" --ima ima --nonce "$nonce" "$@"
}
create_ak() {
	"$imatally" collect --tcti "$TPM2TOOLS_TCTI" "$@"
}
verify() {
	"$imatally" verify --evidence "$@"
}

export TPM2TOOLS_TCTI="swtpm:path=$dir/tpm"
