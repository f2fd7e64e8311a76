# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own unit tests

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check

# The kernel's own unit tests print TAP to the console at boot
kunit_account() {
	echo 'exit 0' >"$dir/script"
	"$top/scripts/vm" run --kernel "$kernel" --tpm none --append "kunit.enable=1 kunit.autorun=1" --script "$dir/script" --out "$dir" || echo 'not ok - boot'
	sed -nE 's/\r$//; s/^(\[[^]]*\])? {5,}((not )?ok) [0-9]+ /\2 - /p' "$dir/console.log"
}

groups KUnit quick all vm kunit_account
