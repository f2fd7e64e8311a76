# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The TPM fails, or somebody else uses it

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check
# shellcheck disable=SC2016 # what eval runs is expanded there

# Each command that changes PCRs, or could, between two records
commands() {
	"$top/scripts/vm" run --kernel "$kernel" --script "$top/scripts/check-guest-commands" \
		--out "$dir" --append "$tcb" "$@" || echo "not ok - the guest ended with status $?"
	sed -nE 's/\r$//; s/^((not )?ok) [0-9]+ /\1 /p; /^# /p' "$dir/console.log"
}

commands_one_bank() { commands --banks sha256; }
commands_two_banks() { commands --banks sha1,sha256; }
commands_four_banks() { commands --banks sha1,sha256,sha384,sha512; }

# The rows of scripts/check.d/fault-rows, see there; each is judged in its own folder

# moved KEY: by how much, from the record before the row to the one after it
moved() { echo $(($(value "$1" after) - $(value "$1" before))); }
value() { sed -n "s/.*;$1=\([0-9]*\);.*/\1/p" "$2"; }

# What the verifier says of the list so far, a line a finding, without the places
findings() {
	python3 -c 'import json; print(*(finding["text"] for finding in json.load(open("answer"))["findings"]), sep="\n")' |
		sed -E 's/,? between [^:]*( \([a-z_]+\)|the end of the log)//; s/entry [0-9]+/entry N/' | LC_ALL=C sort
}

# What became of the row in whose folder this runs, in the form of the columns
# $moved | $verdict | $findings
outcome() {
	local unexplained=- verdict=- status
	[[ ! $(value pcrUpdateCounter before) || ! $(value pcrUpdateCounter after) ]] ||
		unexplained=$(($(moved pcrUpdateCounter) - $(moved updates)))
	: >answer
	if [[ -s pcrs ]]; then
		status=0
		"$build/imatally" verify --json list --pcrs pcrs >answer || status=$?
		verdict="$(sed 's/.*"verdict":"\([a-z]*\)".*/\1/' answer) $status"
	fi
	cp ../found .
	[[ ! -s answer ]] || findings >found
	echo "$unexplained $(moved uncertain) $(moved failed) $(<failed) |" \
		"$verdict |" \
		"$(LC_ALL=C comm -13 ../found found | uniq -c | sed -E 's/^ *([0-9]+) /\1 x /; s/^1 x //' | paste -sd\;)"
	cp found ..
}

# fault_rows TAG [OPTION...]: those rows, in one VM
fault_rows() {
	local moved has verdict findings what row=0 found expected
	sed -nE "/^([^#|]* )?$1 [^|]*\|/s/ *\| */|/gp" "$top/scripts/check.d/fault-rows" >"$dir/table"
	cut -d'|' -f2,3 "$dir/table" >"$dir/rows"
	: >"$dir/found"
	"$top/scripts/vm" run --kernel "$kernel" --script "$top/scripts/check-guest-faults" --faults \
		--out "$dir" --append "$tcb" "${@:2}" || echo "not ok - the guest ended with status $?"
	while IFS='|' read -r moved has verdict findings what; do
		row=$((row + 1))
		cd "$dir/row.$row" || return
		expected="$moved | $verdict | $findings"
		expected=${expected//banks/$(value banks after)}
		found=$(outcome)
		# shellcheck disable=SC2053 # a pattern
		if [[ $found == $expected && $(<made) == *$has* ]]; then
			echo "ok - $what: $found"
		else
			printf 'not ok - %s: %s\n' "$what" "$found"
			printf '# %s\n' "expected $expected" "with $has in the record: $(<made)" "before: $(<before)" "after: $(<after)"
		fi
	done < <(cut -d'|' -f4- "$dir/table")
	tap 'each of the faults happened' diff <(sort "$dir/faults") \
		<(sed -n 's/^.*  # //p; /^\(inject\|restart\|startup\)/p' "$dir/commands" | sort)
}

fault_one_bank() { fault_rows banks --banks sha256; }
fault_two_banks() { fault_rows all; }
fault_four_banks() { fault_rows banks --banks sha1,sha256,sha384,sha512; }
hmac_fault() { fault_rows hmac; }

# The kernel waits two minutes for an answer to each of these reads
fault_slow() { fault_rows slow --timeout 600; }

# between FROM TO: the commands that the TPM got between two marks
between() { sed "1,/^mark $1\$/d; /^mark $2\$/,\$d" "$dir/commands"; }

# What the list's lock is held for: an extend for each entry, and for a record one
# read more, directly before its own extend whatever else is going on
fault_cost() {
	local records=10 files=40
	cat >"$dir/script" <<-EOF
	request() { echo 1 >/sys/kernel/security/ima/update_counter; }
	measure() { echo \$1 >/ramfs/\$1; cat /ramfs/\$1 >/dev/null; }
	mark() { echo mark \$1 >>/out/faults; }
	measure first
	mark record; request
	mark entry; measure second
	mark load
	for i in \$(seq $files); do measure \$i; done &
	for i in \$(seq $records); do request; done
	wait
	mark end; request
	EOF
	"$top/scripts/vm" run --kernel "$kernel" --script "$dir/script" --faults --out "$dir" --append "$tcb" ||
		echo "not ok - the guest ended with status $?"
	tap 'a record costs the list TPM2_PCR_Read and TPM2_PCR_Extend' \
		diff <(printf 'PCR_%s\n' Read Extend) <(between record entry)
	tap 'another entry costs it TPM2_PCR_Extend' diff <(echo PCR_Extend) <(between entry load)
	tap 'under load: no command comes between the two' \
		diff <(seq $records) <(between load end | grep -A1 PCR_Read | grep -c Extend | xargs seq)
	tap '... and there are no others' diff <(printf '%s\n' $records $((records + files))) \
		<(between load end | grep -c PCR_Read; between load end | grep -c PCR_Extend)
}

# Files are measured, PCRs extended and records made in the background: load_test
under_way='cp /out/load_test /tmp/ && LOAD_ENTRIES=1000000 /tmp/load_test >/dev/null &'

# Three kexecs in a row, each with TPM commands in flight. What does not fit is cut,
# and what was sent after the execute record has no explanation.
fault_kexec_in_flight() {
	cp "$build/selftests/load_test" "$dir/"
	cat >"$dir/script" <<-EOF
	ima=/sys/kernel/security/ima
	if [ "\$BOOT" -le 3 ]; then
		$under_way
		sleep 2
		vm-kexec-load && kexec -e
		exit 1
	fi
	tpm2_pcrread >/dev/null
	cp \$ima/binary_runtime_measurements /out/list
	cut -d' ' -f5 \$ima/ascii_runtime_measurements >/out/names
	tpm2_pcrread >/out/pcrs
	EOF
	"$top/scripts/vm" run --kernel "$kernel" --script "$dir/script" --out "$dir" --mem 768 --append "$tcb" ||
		echo "not ok - the guest ended with status $?"
	tap 'each kernel ends with a record' eval '[[ $(grep -x -A1 pcr_counter "$dir/names" | grep -cx boot_aggregate) -eq 3 ]]'
	tap 'the list is complete, or the records say what was cut' \
		eval 'verdict "complete$" 0 || verdict "incomplete: [0-9]+ entr(y|ies) lost$" 1'
	tap '... with all that the TPM acknowledged' eval '! grep -E "fewer than were made|disagree" "$dir/answer"'
	tap 'nothing is measured after the record at execute' eval '! grep -E "lost between entry [0-9]+ \(kexec_execute\)" "$dir/answer"'
	tap 'no warning or bug in the kernel log' no_reports
}

# killed_after SECONDS: the machine dies that long after it handed over a first list
killed_after() {
	local runner
	mkdir -p "$dir/$1"
	cp "$build/selftests/load_test" "$dir/$1/"
	"$top/scripts/vm" run --kernel "$kernel" --script "$dir/script" --out "$dir/$1" --mem 768 --append "$tcb" 2>"$dir/$1/log" &
	runner=$!
	until [[ -e $dir/$1/pcrs ]]; do
		kill -0 $runner && sleep 0.1 || return
	done
	sleep "$1"
	pkill -KILL -P $runner qemu
	! wait $runner
}

# What was handed over by then is complete. What was being written is not, and
# gets an answer all the same. KILLS=N in the environment: N machines instead of 4.
fault_killed() {
	local after status
	cat >"$dir/script" <<-EOF
	$under_way
	while :; do
		tpm2_pcrread sha1:10+sha256:10 >/out/pcrs.new
		cat /sys/kernel/security/ima/binary_runtime_measurements >/out/list.new
		mv /out/list.new /out/list
		mv /out/pcrs.new /out/pcrs
	done
	EOF
	for after in $(shuf -n "${KILLS:-4}" -i 0-3000 | awk '{ print $1 / 1000 }'); do
		tap "the machine dies after $after s" killed_after "$after"
		tap '... what it has handed over is complete' \
			"$build/imatally" verify "$dir/$after/list" --pcrs "$dir/$after/pcrs"
		[[ ! -e $dir/$after/list.new ]] || tap '... and what it was about to is read' \
			eval 'status=0; "$build/imatally" verify "$dir/$after/list.new" --pcrs "$dir/$after/pcrs" || status=$?; [[ $status -le 3 ]]'
	done
}

groups fault check all vm fault_one_bank fault_two_banks fault_four_banks fault_cost \
	fault_kexec_in_flight commands_one_bank commands_two_banks commands_four_banks
groups fault check all vm,hmac hmac_fault
groups fault full all vm fault_slow
groups fault check 6.12 vm fault_killed
