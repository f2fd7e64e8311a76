# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The list carried over by a kexec, and what may go wrong with that

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check
# shellcheck disable=SC2016 # what eval runs is expanded there
# shellcheck disable=SC2034 # variant hands these to the guest

# The TPM goes away beneath the kernel, which goes on and says so
kexec_without_the_tpm() {
	local tests=update_counter_test before=unbind_tpm
	local skip="$no_tpm $no_policy $no_kexec $asked_for" skip2="-F records -F kexec $no_policy"
	variant --mem 768 --append "$tcb crashkernel=64M"
	tap 'the record at kexec load says error=' \
		eval '"$build/imatally" show "$dir/list" | grep -A3 kexec_load | grep -q "error *EIO"'
	tap 'the verifier finds failed extends' verdict 'incomplete' 1
}

# A load that fails leaves the loaded kernel and its segment alone. Its records
# do not fit any more: the list is cut, and the verifier knows.
kexec_after_failed_loads() {
	local tests='' before=fail_to_load
	variant --append "$tcb"
	tap 'the verifier finds the list cut' verdict 'incomplete: [0-9]+ entries lost' 1
}

# After an unload there is no segment to copy the list to
kexec_after_unload() {
	local tests='' before=unload
	variant --append "$tcb"
	tap 'the mapping is gone' grep -q '^mapped before: yes, after: no' "$dir/console.log"
	tap 'the verifier finds the list complete' verdict 'complete$' 0
}

# The second kernel that is loaded takes the place of the first
kexec_load_twice() {
	local tests='' before=vm-kexec-load
	variant --append "$tcb"
	tap 'the verifier finds the list complete, and nothing else' verdict 'complete$' 0 --strict
	tap 'each load made a record' eval '[[ $("$build/imatally" show "$dir/list" | grep -c kexec_load) -eq 2 ]]'
}

# Each kernel carries over what it was handed itself
kexec_three_in_a_row() {
	local tests='' boots=4
	variant --append "$tcb"
	tap 'the verifier finds the list complete, and nothing else' verdict 'complete$' 0 --strict
	tap 'it has four kernels' grep -q ', 4 kernels$' "$dir/answer"
}

# A custom template is listed by its format, which takes room too
kexec_custom_template() {
	local tests='' before=measure_many
	variant --append "$tcb ima_template_fmt=d-ng|n-ng|sig"
	tap 'the verifier finds the list complete, and nothing else' verdict 'complete$' 0 --strict
}

# What is staged is carried over too, and is in front of the list
kexec_staged() {
	local tests='' before=stage_list
	variant --append "$tcb"
	tap 'the verifier finds the list complete, and nothing else' verdict 'complete$' 0 --strict
}

kexec_deleted() {
	local tests='' before=delete_entries
	variant --append "$tcb"
	tap 'the verifier misses the entries' verdict 'incomplete: 5 entries lost \(trimmed: user space deleted 5 from the start\)$' 1
}

# All is deleted, and of what comes then not all arrives: both are told apart, and the
# replay goes on from the execute record's PCR values.
kexec_deleted_overflow() {
	local tests='' before=delete_and_overflow deleted left arrived
	variant --append "$tcb"
	deleted=$(<"$dir/deleted") left=$(<"$dir/left")
	# the old kernel's, without its last record; it logs an event of its own before that
	arrived=$(($(grep -n ' boot_aggregate$' "$dir/list.ascii" | sed -n '$s/:.*//p') - 2))
	tap "the verifier misses $deleted deleted entries" verdict \
		"incomplete: $((deleted + left + 1 - arrived)) entries lost \(trimmed: user space deleted $deleted from the start\)$" 1
	tap '... before the first record' grep -q "^  $deleted entries lost between the start of the log and entry [0-9]* (request)" "$dir/answer"
	tap "... and $((left + 1 - arrived)) that did not arrive, after it" \
		grep -q "^  $((left + 1 - arrived)) entries lost between entry [0-9]* (request) and entry [0-9]* (kexec_execute)" "$dir/answer"
	tap 'the replay goes on from the record at the end, and reaches the PCRs' \
		eval '[[ $(grep -c "the same as the replay$" "$dir/answer") -eq 2 ]] && ! grep -E "stops|unexplained|can.t" "$dir/answer"'
}

kexec_overflow() {
	local lost
	"$top/scripts/demo" --base "$base" --kernel "$kernel" --out "$dir" >"$dir/demo" 2>&1 || true
	tap 'a list that fits is complete' grep -q '^verdict: complete  *(a)' "$dir/demo"
	lost=$(sed -n 's/^Counted .* \([0-9]*\) missing$/\1/p' "$dir/demo" | tail -n 1)
	tap "a list that does not fit is incomplete, by ${lost:-?} entries as counted in the guest" \
		grep -q "^verdict: incomplete: ${lost:-none} entries lost  *(b)" "$dir/demo"
	tap 'the record at execute is carried in any case' grep -aq ';event=kexec_execute;' "$dir/overflow/list"
	tap 'the next kernel can read all of it' eval '! grep "Failed to restore" "$dir/overflow/console.log"'
}

groups selftest check all vm kexec_without_the_tpm kexec_after_failed_loads kexec_after_unload \
	kexec_load_twice kexec_three_in_a_row kexec_custom_template kexec_overflow
groups selftest check 7.3 vm kexec_staged kexec_deleted kexec_deleted_overflow
