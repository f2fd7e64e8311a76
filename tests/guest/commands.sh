#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_commands.py: compare the TPM driver's account with the
# TPM. Each row is a command that changes PCRs, or might, between two records: the
# counter must move by what the account says, and by what the specification says.
# Writes TAP to /out/tap; the tests' names are read from here, see row.

request=/sys/kernel/security/ima/update_counter
digest_of() { printf "%0$((2 * $1))d" 7; }
sha1=$(digest_of 20) sha256=$(digest_of 32) sha384=$(digest_of 48) sha512=$(digest_of 64)
head -c 100 /dev/zero >/tmp/event
exec >/out/tap
cd /tmp || exit

value() { echo "$2" | sed -n "s/.*;$1=\([0-9]*\);.*/\1/p"; }
on() { tpm2_getcap pcrs | grep -c "$1: \[ [0-9]"; }
number=0

# row NAME EXPECTED COMMAND...: EXPECTED is by how much the counter must move. The
# TPM must refuse the command if NAME begins with "refused", and else execute it.
row() {
	name=$1 expected=$2
	shift 2
	echo 1 >$request
	before=$(cat $request)
	"$@" >/tmp/log 2>&1
	status=$?
	echo 1 >$request
	after=$(cat $request)

	banks=$(value banks "$after")
	counted=$(($(value pcrUpdateCounter "$after") - $(value pcrUpdateCounter "$before") - banks))
	account=$(($(value updates "$after") - $(value updates "$before") - banks))
	number=$((number + 1))
	result="not ok"
	[ $counted -ne $account ] || [ $account -ne $((expected)) ] ||
		[ "$(value uncertain "$after")" != 0 ] || result=ok
	case $name in
	refused*)	[ $status -ne 0 ] || result="not ok" ;;
	*)		[ $status -eq 0 ] || result="not ok" ;;
	esac
	echo "# counter +$counted, account +$account, expected +$((expected)), status $status"
	[ "$result" = ok ] || sed 's/^/# /' /tmp/log
	echo "$result $number $device.$name"
}

# send HEX...: send a command as it is; fails if the TPM refuses it
send() {
	printf '%s' "$*" | tr -d ' ' | sed 's/../\\x&/g' >/tmp/escaped
	# shellcheck disable=SC2059 # the format is the bytes to send
	printf "$(cat /tmp/escaped)" | tpm2_send >/tmp/response &&
		[ "$(head -c 10 /tmp/response | tail -c 4 | od -An -tx1 | tr -d ' \n')" = 00000000 ]
}

with_session() {
	tpm2_startauthsession --hmac-session -S /tmp/session &&
		tpm2_pcrevent -P session:/tmp/session 11 /tmp/event
	result_of=$?
	tpm2_flushcontext /tmp/session
	return $result_of
}

in_event_sequence() {
	send 8001 0000000e 00000186 0000 0010 || return	# TPM2_HashSequenceStart, TPM_ALG_NULL
	handle=$(head -c 14 /tmp/response | tail -c 4 | od -An -tx1 | tr -d ' \n')
	# TPM2_EventSequenceComplete: PCR, sequence, two empty passwords, no data
	send 8002 0000002a 00000185 "$1" "$handle" 00000012 40000009 0000 00 0000 \
		40000009 0000 00 0000 0000
}

rows_of_each_device() {
	row extend_of_one_digest sha256_on tpm2_pcrextend "11:sha256=$sha256"
	row extend_of_two_digests "sha1_on + sha256_on" tpm2_pcrextend "11:sha1=$sha1,sha256=$sha256"
	row extend_of_a_bank_that_may_be_off sha384_on tpm2_pcrextend "11:sha384=$sha384"
	row extend_of_all_banks_that_may_be_on all tpm2_pcrextend \
		"11:sha1=$sha1,sha256=$sha256,sha384=$sha384,sha512=$sha512"
	row extend_of_two_pcrs "2 * sha256_on" tpm2_pcrextend "11:sha256=$sha256" "12:sha256=$sha256"
	row extend_of_pcr_16_which_never_counts 0 tpm2_pcrextend "16:sha256=$sha256"
	row extend_of_pcr_23_which_never_counts 0 tpm2_pcrextend "23:sha256=$sha256"
	row refused_extend_of_pcr_18_of_another_locality 0 tpm2_pcrextend "18:sha256=$sha256"
	row extend_of_the_null_handle 0 send 8002 00000041 00000182 40000007 00000009 \
		40000009 0000 00 0000 00000001 000b "$sha256"
	row event all tpm2_pcrevent 11 /tmp/event
	row event_in_an_hmac_session all with_session
	row event_of_pcr_16 0 tpm2_pcrevent 16 /tmp/event
	row event_of_the_null_handle 0 tpm2_pcrevent /tmp/event
	row reset_of_pcr_16 0 tpm2_pcrreset 16
	row reset_of_pcr_23 0 tpm2_pcrreset 23
	row refused_reset_of_pcr_11 0 tpm2_pcrreset 11
	row get_random 0 tpm2_getrandom 8
	row clear 1 tpm2_clear
	# Firmware keeps the authorization
	row refused_change_pps 0 tpm2_changepps
	row refused_half_a_command 0 send 8002 0000003d 00000182 0000000b 00000009
	row refused_extend_with_a_digest_less_than_it_says 0 send 8002 0000003d 00000182 0000000b \
		00000009 40000009 0000 00 0000 00000002 000b "$sha256"
}

# Two processes, and tpmrm0 flushes what the first one started when that closes it
rows_of_tpm0() {
	row event_sequence_complete all in_event_sequence 0000000b
}

for device in tpm0 tpmrm0; do
	export TPM2TOOLS_TCTI=device:/dev/$device
	# shellcheck disable=SC2034 # used in arithmetic, by name
	all=$(value banks "$(echo 1 >$request; cat $request)")
	# shellcheck disable=SC2034
	sha1_on=$(on sha1) sha256_on=$(on sha256) sha384_on=$(on sha384) sha512_on=$(on sha512)
	rows_of_each_device
	[ $device = tpmrm0 ] || rows_of_tpm0
done
echo "1..$number"
