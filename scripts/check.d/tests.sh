# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of the tests: what of the series they run, and whether they notice what is wrong

# shellcheck disable=SC2154 # $dir, $base, $kernel, $all_bases: from scripts/check

# The groups that boot a kernel, on one that counts which lines run
kernel_coverage() {
	local group
	for group in kunit selftest policy kexec load commands fault hmac; do
		"$top/scripts/check" --base "$base" --config vm,gcov --out "$dir/run" "$group"
	done
	"$top/scripts/check" --base "$base" --kernel "$kernel" --out "$dir/run" debug_memory
	"$top/scripts/coverage" "$build/$base/linux" "$dir/run" >"$dir/table" 2>&1
	local status=$?
	sed 's/^/# /' "$dir/table"
	tap "$(tail -n 1 "$dir/table")" test $status -eq 0
}

as_tap() {
	sed 's/^caught/ok - caught/; s/^NOT/not ok - not/'
}

mutants_caught() {
	"$top/scripts/mutants" --base "$base" | as_tap
}

mutants_on() {
	"$top/scripts/mutate" --base "$1" "$top/scripts/mutants.list" | cut -d' ' -f1 | sort
}

# What breaks the code that all bases share has to be caught on one of them
mutants_of_this_base() {
	comm -13 <(mutants_on "${all_bases[0]}") <(mutants_on "$base") |
		while read -r name; do "$top/scripts/mutants" --base "$base" "$name" </dev/null; done | as_tap
}

groups tests full all vm,gcov kernel_coverage
groups tests full 6.12 vm mutants_caught
groups tests full 7.3 vm mutants_of_this_base
