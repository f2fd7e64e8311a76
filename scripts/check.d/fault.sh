# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The TPM fails, or somebody else uses it

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check

# Each command that changes PCRs, or could, between two records
commands() {
	"$top/scripts/vm" run --kernel "$kernel" --script "$top/scripts/check-guest-commands" \
		--out "$dir" --append "$tcb" "$@" || echo "not ok - the guest ended with status $?"
	sed -nE 's/\r$//; s/^((not )?ok) [0-9]+ /\1 /p; /^# /p' "$dir/console.log"
}

commands_one_bank() { commands --banks sha256; }
commands_two_banks() { commands --banks sha1,sha256; }
commands_four_banks() { commands --banks sha1,sha256,sha384,sha512; }

# The TPM fails, or somebody else uses it
faults() {
	echo "$1" >"$dir/rows"
	"$top/scripts/vm" run --kernel "$kernel" --script "$top/scripts/check-guest-faults" --faults \
		--out "$dir" --append "$tcb" "${@:2}" || echo "not ok - the guest ended with status $?"
	sed -nE 's/\r$//; s/^((not )?ok) [0-9]+ /\1 /p; /^# /p' "$dir/console.log"
}

fault_injected_extends() {
	faults injected
	tap 'the verifier finds the list complete' verdict 'complete$' 0
	tap '... and updates that nothing explains' grep -q 'unexplained' "$dir/answer"
	tap '... which is a fault where that is asked for' verdict 'complete' 1 --strict
}

fault_answers() {
	faults answers
	tap 'the verifier finds failed extends' verdict 'incomplete' 1
}

fault_answers_four_banks() {
	faults answers --banks sha1,sha256,sha384,sha512
	tap 'the verifier finds failed extends' verdict 'incomplete' 1
}

fault_tpm_restart() {
	faults restart
	tap 'the verifier finds a mismatch' verdict 'mismatch' 2
}

# The kernel with HMAC sessions between itself and the TPM
hmac_fault_on_the_bus() {
	faults in_session
	tap 'the verifier finds the list complete' verdict 'complete$' 1 --strict
	tap '... and that the counter was no longer read in a session' grep -q 'read without an HMAC session' "$dir/answer"
}

groups fault check all vm fault_injected_extends fault_answers fault_answers_four_banks \
	fault_tpm_restart commands_one_bank commands_two_banks commands_four_banks
groups fault check all vm,hmac hmac_fault_on_the_bus
