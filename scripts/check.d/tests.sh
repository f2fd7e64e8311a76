# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of the tests: what of the series they run, and whether they notice what is wrong

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check

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

mutants_caught() {
	"$top/scripts/mutants" --base "$base" | sed 's/^caught/ok - caught/; s/^NOT/not ok - not/'
}

groups tests full all vm,gcov kernel_coverage
groups tests full all vm mutants_caught
