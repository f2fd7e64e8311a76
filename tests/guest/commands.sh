#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# What scripts/check runs in the guest to hold the TPM driver's account against
# the TPM: one command that changes PCRs, or could, between two records. The
# counter moves by what the account says, and by what the TPM does according to
# the specification. Prints TAP.

request=/sys/kernel/security/ima/update_counter
digest_of() { printf "%0$((2 * $1))d" 7; }
sha1=$(digest_of 20) sha256=$(digest_of 32) sha384=$(digest_of 48) sha512=$(digest_of 64)
head -c 100 /dev/zero >/tmp/event
cd /tmp || exit

value() { echo "$2" | sed -n "s/.*;$1=\([0-9]*\);.*/\1/p"; }
on() { tpm2_getcap pcrs | grep -c "$1: \[ [0-9]"; }
number=0

# row EXPECTED DESCRIPTION COMMAND...: EXPECTED is what the counter is to move by
row() {
	expected=$1 what=$2
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
	# A command that is to fail, or not to
	case $what in
	refused:*)	[ $status -ne 0 ] || result="not ok" ;;
	*)		[ $status -eq 0 ] || result="not ok" ;;
	esac
	echo "$result $number - $device: $what: counter +$counted, account +$account"
	[ "$result" = ok ] || { echo "# expected +$((expected)), status $status"; sed 's/^/# /' /tmp/log; }
}

# send HEX...: a command as it is; fails if the TPM refuses it
send() {
	printf '%s' "$*" | tr -d ' ' | sed 's/../\\x&/g' >/tmp/escaped
	# shellcheck disable=SC2059 # these are the bytes
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

for device in tpm0 tpmrm0; do
	export TPM2TOOLS_TCTI=device:/dev/$device
	# shellcheck disable=SC2034 # used in arithmetic, by name
	all=$(value banks "$(echo 1 >$request; cat $request)")
	# shellcheck disable=SC2034
	sha1_on=$(on sha1) sha256_on=$(on sha256) sha384_on=$(on sha384) sha512_on=$(on sha512)

	row "sha256_on" 'TPM2_PCR_Extend, one digest' tpm2_pcrextend "11:sha256=$sha256"
	row "sha1_on + sha256_on" '... two digests' tpm2_pcrextend "11:sha1=$sha1,sha256=$sha256"
	row "sha384_on" '... of a bank that may be off' tpm2_pcrextend "11:sha384=$sha384"
	row "all" '... of all that there may be' tpm2_pcrextend \
		"11:sha1=$sha1,sha256=$sha256,sha384=$sha384,sha512=$sha512"
	row "2 * sha256_on" '... of two PCRs' tpm2_pcrextend "11:sha256=$sha256" "12:sha256=$sha256"
	row 0 '... of PCR 16, which never counts' tpm2_pcrextend "16:sha256=$sha256"
	row 0 '... of PCR 23, which never counts' tpm2_pcrextend "23:sha256=$sha256"
	row 0 'refused: TPM2_PCR_Extend of PCR 18, another locality' tpm2_pcrextend "18:sha256=$sha256"
	row 0 'TPM2_PCR_Extend of TPM_RH_NULL' send 8002 00000041 00000182 40000007 00000009 \
		40000009 0000 00 0000 00000001 000b "$sha256"
	row "all" 'TPM2_PCR_Event' tpm2_pcrevent 11 /tmp/event
	row "all" '... in an HMAC session' with_session
	row 0 '... of PCR 16' tpm2_pcrevent 16 /tmp/event
	row 0 '... of TPM_RH_NULL' tpm2_pcrevent /tmp/event
	row 0 'TPM2_PCR_Reset of PCR 16' tpm2_pcrreset 16
	row 0 '... of PCR 23' tpm2_pcrreset 23
	row 0 'refused: TPM2_PCR_Reset of PCR 11' tpm2_pcrreset 11
	[ $device = tpmrm0 ] ||
		row "all" 'TPM2_EventSequenceComplete' in_event_sequence 0000000b
	row 0 'TPM2_GetRandom' tpm2_getrandom 8
	row 1 'TPM2_Clear' tpm2_clear
	row 0 'refused: TPM2_ChangePPS, firmware keeps the authorization' tpm2_changepps
	row 0 'refused: half a command' send 8002 0000003d 00000182 0000000b 00000009
	row 0 'refused: TPM2_PCR_Extend with a digest less than it says' send 8002 0000003d 00000182 0000000b \
		00000009 40000009 0000 00 0000 00000002 000b "$sha256"
done
echo "1..$number"
