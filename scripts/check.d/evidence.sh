# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Evidence that the TPM in the VM signs, verified outside of it

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check
# shellcheck disable=SC2016 # what eval runs is expanded there

# evidence NAME NONCE STATUS TEXT: what the verifier says of evidence
evidence() {
	local status=0
	"$build/imatally" verify --evidence "$dir/evidence.$1" --ak "$dir/ak.pem" --nonce "$2" "${@:5}" >"$dir/answer" 2>&1 || status=$?
	cat "$dir/answer"
	[[ $status -eq $3 ]] && grep -qE "$4" "$dir/answer"
}

# records_requested MIN: intervals between two records on request
records_requested() {
	local n
	n=$(grep -cE '^  [0-9]+ request +[0-9]+ request ' "$dir/answer")
	[[ $n -ge $1 ]] || { echo "$n intervals"; return 1; }
}

# For the guest: imatally, and below lib the libraries that it needs beside libc
take_imatally() {
	mkdir -p "$dir/lib"
	cp "$build/imatally" "$dir/"
	ldd "$build/imatally" | awk '/=> \// && !/libc\.so/ { print $3 }' | xargs cp -t "$dir/lib"
}

evidence_of_the_vm() {
	take_imatally
	tap 'evidence is collected before and after a kexec' "$top/scripts/vm" run --kernel "$kernel" \
		--script "$top/scripts/check-guest-evidence" --out "$dir" --mem 768 --append "$tcb"
	tap 'it verifies here' evidence first 01 0 '^verdict: complete$' --strict
	tap 'with a record a second, a loss is located within it' evidence interval 03 0 '^verdict: complete$' --strict --previous "$dir/evidence.first"
	tap 'records came at that rhythm' records_requested 3
	tap 'with a record every 10 entries, too' evidence every 04 0 '^verdict: complete$' --strict
	tap 'none of them later than 12 entries' eval '! grep -E "^  [0-9]+ request +[0-9]+ request +(1[3-9]|[2-9][0-9]) " "$dir/answer"'
	tap 'after a kexec, it is the same boot of the TPM' evidence second 02 0 'the same boot as the previous evidence' --previous "$dir/evidence.every"
	tap 'an update by others is noticed' grep -q '^  1 update of PCRs by others' "$dir/answer"
	# the software TPM may be too slow for some extends then; the kernel notices
	tap 'it is authentic where files are measured without a pause' eval \
		'evidence busy 05 0 "^verdict: complete$" || evidence busy 05 1 "^verdict: incomplete: [0-9]+ entr[a-z]+ whose extend failed$"'
	tap 'another nonce is not authentic' evidence second 01 4 '^verdict: not authentic'
	tap 'evidence from before is not authentic' evidence first 01 4 'went back' --previous "$dir/evidence.second"
	cp -r "$dir/evidence.second" "$dir/evidence.edited"
	sed -i 's/event=request;pcrUpdateCounter=[0-9]/event=request;pcrUpdateCounter=9/' "$dir/evidence.edited/log"
	tap 'an edited record is noticed' evidence edited 02 2 'template digest is not that of its data'
}

# No rule asks for records: evidence all the same
evidence_without_a_rule() {
	take_imatally
	cat >"$dir/script" <<-'EOF'
	export LD_LIBRARY_PATH=/out/lib
	/out/imatally collect --create-ak /out/ak.pem --ak /tmp/ak.ctx --ak-alg rsa &&
		/out/imatally collect --ak /tmp/ak.ctx --nonce 01 --out /out/evidence.first
	EOF
	tap 'evidence is collected' "$top/scripts/vm" run --kernel "$kernel" --script "$dir/script" --out "$dir" --append ima_policy=tcb
	tap 'and it is said that there is no record' grep -q 'no rule of the IMA policy asks for counter records' "$dir/console.log"
	tap 'it verifies here' evidence first 01 0 '^verdict: complete \(not counted\)$'
}

groups evidence check all vm evidence_of_the_vm evidence_without_a_rule
