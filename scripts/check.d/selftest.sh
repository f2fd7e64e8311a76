# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The selftests in the VM, in variants of TPM, banks, policy and kernel

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check
# shellcheck disable=SC2016 # what eval runs is expanded there

# What the guest is told, see scripts/check-guest
tests='update_counter_test request_test' skip='' skip2='' before=true around='' boots=2
settings='KERNEL_IMAGE=/boot/bzImage EXTEND_PCRS=1 EXTEND_ALL_PCRS=1'

reports='WARNING:|Call Trace|INFO: (task|possible)|UBSAN:|BUG: '

# KCSAN finds races in all of the kernel: ours are those with IMA or the TPM
no_reports() {
	! grep -E "$reports" "$dir/console.log" | grep -v 'BUG: KCSAN' &&
		! awk -v RS='=====+' '/BUG: KCSAN/ && /(ima|tpm)[0-9]?_/ { print; found = 1 } END { exit !found }' "$dir/console.log"
}

no_leaks() {
	! awk -v RS='unreferenced object' '/(ima|tpm)[0-9]?_/ { print; found = 1 } END { exit !found }' "$dir"/leaks.*
}

# variant OPTION...: run selftests in the VM, as the variables above say. A test
# that skips itself here is a failure: the variant knows.
variant() {
	local status=0 boot test
	for test in $tests; do cp "$build/selftests/$test" "$dir/"; done
	declare -p tests skip skip2 before around boots settings | sed 's/^declare -- //' >"$dir/variant"
	"$top/scripts/vm" run --kernel "$kernel" --script "$top/scripts/check-guest" --out "$dir" "$@" || status=$?
	for ((boot = 1; boot <= boots; boot++)); do
		for test in $tests; do
			sed -nE "s/^((not )?ok )[0-9]+ (.*)/\1- boot $boot: \3/; s/^(not ok .*|ok [^#]*)\$/\1/p; s/^ok( [^#]*)# SKIP(.*)/not ok\1(skipped:\2)/p; /^# .*(Expected|rror)/p" "$dir/tap.$boot.$test" 2>/dev/null || true
		done
	done
	[[ $status -eq 0 ]] || echo "not ok - the guest ended with status $status"
	[[ ! -e $dir/console.log ]] || tap 'no warning or bug in the kernel log' no_reports
	[[ ! -e $dir/leaks.1 ]] || tap 'no leaked memory that has to do with IMA or the TPM' no_leaks
}

# evmctl takes a bank in the form "PCR-10: AB CD ...", all PCRs of it
evmctl_agrees() {
	local bank pcrs
	for bank in sha1 sha256 sha384 sha512; do
		pcrs=$dir/pcrs.$bank
		awk -v bank="$bank:" '/:$/ { in_bank = $1 == bank; next }
			in_bank { sub(/:/, " "); sub(/0x/, ""); gsub(/../, "& ", $2); printf "PCR-%02d: %s\n", $1, $2 }' \
			"$dir/pcrs" >"$pcrs"
		[[ ! -s $pcrs ]] || evmctl ima_measurement --ignore-violations --pcrs "$bank,$pcrs" "$dir/list" || return
	done
}

no_tpm='-T without_a_tpm_the_record_says_so -T without_a_tpm_it_fails_and_is_logged'
no_policy='-T without_a_rule_there_is_no_record_and_no_message -T without_a_rule_a_request_finds_nothing'
no_kexec='-T execute_record_is_the_last_of_its_kernel'
asked_for='-T resume_makes_a_record -T extends_of_the_ima_pcr_are_those_of_others'

with_tpm() {
	local skip="$no_tpm $no_policy $no_kexec $asked_for" skip2="$no_tpm $no_policy $asked_for"
	variant --mem 768 --append "$tcb crashkernel=64M" "$@"
	tap 'the verifier finds the list complete, and nothing else' verdict 'complete$' 0 --strict
	tap 'evmctl ima_measurement agrees' evmctl_agrees
}

selftest_banks_sha1_sha256() { with_tpm --banks sha1,sha256; }
selftest_banks_sha256() { with_tpm --banks sha256; }
selftest_banks_four() { with_tpm --banks sha1,sha256,sha384,sha512; }
selftest_crb() { with_tpm --tpm crb; }

# The kernel can't compute what it would extend there: zero-padded SHA-1 digests
selftest_bank_without_hash() {
	local without=initcall_blacklist=sha512_generic_mod_init,crypto_sha512_mod_init
	with_tpm --banks sha1,sha256,sha512 --append "$tcb crashkernel=64M $without"
	tap 'the verifier says which bank is padded' grep -q 'bank sha512 holds zero-padded SHA-1' "$dir/answer"
}

without_tpm2() {
	local skip="$no_policy $no_kexec $asked_for -T has_all_keys_in_order -T entries_are_carried_or_extended
		-T counter_at_boot_agrees_with_the_tpm -T banks_are_those_of_the_tpm
		-T counter_moves_with_the_list -T load_record_agrees_with_the_tpm
		-T step_is_one_per_bank -F others -F every_pcr -F violation -T makes_one_record -T neighbouring_records_close"
	local skip2=${skip/$no_kexec/}
	variant --mem 768 --append "$tcb crashkernel=64M" "$@"
}

selftest_no_tpm() { without_tpm2 --tpm none; }
selftest_tpm12() {
	without_tpm2 --tpm12
	tap 'the records say that a TPM 1.2 has no counter' \
		eval '[[ $("$build/imatally" show "$dir/list" | grep -c "error *EOPNOTSUPP") -ge 4 ]]'
}

# Loaded by user space, so that there is no record at boot
policy_of() {
	local tests=policy_test boots=1 settings=LOAD_POLICY=1 skip="-v ${1}"
	variant
	tap 'the verifier finds the list complete, and nothing else' verdict 'complete$' 0 --strict
}

policy_of_the_label() { policy_of of_the_label; }
policy_readable() {
	policy_of with_a_readable_template
	tap 'grep finds the record in the ascii list' grep -q ' pcr_counter version=1;event=policy;pcrUpdateCounter=' "$dir/list.ascii"
}
policy_another_pcr() { policy_of with_another_pcr; }

selftest_resume() {
	local tests=update_counter_test around=across_sleep boots=1 settings=SUSPEND=1 skip='-t resume_makes_a_record'
	variant --append "$tcb" --timeout 60
	tap 'the verifier finds the list complete, and does not judge the resume' verdict 'complete$' 0
}

# Somebody else extends the IMA PCR: nothing explains the PCR's value, but the
# records tell that there were such updates.
selftest_ima_pcr_extended() {
	local tests=request_test boots=1 settings=EXTEND_IMA_PCR=1 skip='-t extends_of_the_ima_pcr_are_those_of_others'
	variant --append "$tcb"
	tap 'the verifier finds a mismatch' verdict 'mismatch' 2
}

without_records() {
	local skip="$no_tpm $asked_for -F records -F kexec -F request -F others -F every_pcr -F violation"
	local skip2=$skip
	variant --append "$1"
	tap 'the verifier finds the list complete, and not counted' verdict 'complete \(not counted\)' 0
}

selftest_no_rule() { without_records ima_policy=tcb; }
selftest_no_policy() { without_records ''; }

under_load() {
	local tests=load_test boots=1 settings=LOAD_ENTRIES=${LOAD_ENTRIES:-1000} skip=''
	variant --append "$tcb" --timeout 1800 "$@"
	tap 'the verifier finds the list complete, and nothing else' verdict 'complete$' 0 --strict
}

load_one_bank() { under_load --banks sha256; }
load_two_banks() { under_load --banks sha1,sha256; }
load_four_banks() { under_load --banks sha1,sha256,sha384,sha512; }

# What IMA could not record for want of memory, on a kernel that also looks for
# errors of memory and locking
under_want() {
	local tests=memory_test boots=1
	variant --mem 1024 --append "$tcb" --timeout 1800
}

nothing_but_dropped() {
	verdict 'incomplete: [0-9]+ measurements? dropped(, [0-9]+ entr(y|ies) whose extend failed)?$' 1
}

# Only 6.12 makes commands to the TPM in pages
debug_memory() {
	local skip='-T loads_that_fail_lose_nothing'
	[[ $base == 6.12 ]] || skip+=' -V pages'
	under_want
	tap 'the verifier finds dropped measurements and failed extends, and nothing else' nothing_but_dropped
}

# Which allocations fail there is a matter of chance
complete_or_failed() {
	local failed='[0-9]+ entr(y|ies) whose extend failed'
	verdict 'complete$' 0 || verdict "incomplete: ([0-9]+ measurements? dropped|$failed)(, $failed)?\$" 1
}

# The allocations that fail are not only IMA's, and others tell of it with a trace
debug_memory_of_loads() {
	local skip='-r memory.slabs.loads_that_fail_lose_nothing' reports=${reports/|Call Trace/}
	under_want
	tap 'the verifier finds the list complete, but for what was dropped or failed' complete_or_failed
}

# User space takes entries off the list: where the kernel lets it
selftest_deletion() {
	local tests=deletion_test boots=1 settings=DELETE_ENTRIES=1
	variant --append "$tcb"
	tap 'the verifier misses them' verdict 'incomplete: [0-9]+ entries lost' 1
}

debug_selftest() { with_tpm --mem 1024 --timeout 1200; }
debug_load() { under_load --mem 1024; }
debug_stress() {
	local LOAD_ENTRIES=${STRESS_ENTRIES:-12000}
	under_load --mem 1024 --timeout 3000
}

kcsan_selftest() { with_tpm --mem 1024 --timeout 1200; }
kcsan_load() { under_load --mem 1024; }

hmac_selftest() { selftest_banks_sha1_sha256; }
hmac_load() { load_two_banks; }

groups selftest quick all vm selftest_banks_sha1_sha256
groups selftest check all vm selftest_banks_sha256 selftest_banks_four selftest_crb selftest_no_tpm \
	selftest_tpm12 selftest_no_rule selftest_no_policy \
	selftest_bank_without_hash selftest_resume selftest_ima_pcr_extended policy_of_the_label \
	policy_readable policy_another_pcr load_one_bank load_two_banks load_four_banks
groups selftest check all vm,hmac hmac_selftest hmac_load
groups selftest check 7.3 vm selftest_deletion
groups selftest check 6.12 vm,debug debug_selftest debug_load debug_memory
groups selftest full 7.3 vm,debug debug_selftest debug_load debug_memory
groups selftest full all vm,debug debug_memory_of_loads
groups selftest full all vm,debug debug_stress
groups selftest full all vm,kcsan kcsan_selftest kcsan_load
