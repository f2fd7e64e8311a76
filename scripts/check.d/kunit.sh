# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The kernel's own unit tests

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check

# They print TAP to the console at boot, whether there is a TPM or not. The policy is
# for the one that makes records.
kunit_boot() {
	echo 'exit 0' >"$dir/script"
	"$top/scripts/vm" run --kernel "$kernel" --tpm none --append "kunit.enable=1 kunit.autorun=1 ima_policy=critical_data" \
		--script "$dir/script" --out "$dir" || echo 'not ok - boot'
	sed -nE 's/\r$//; s/^(\[[^]]*\])? {5,}((not )?ok) [0-9]+ /\2 - /p' "$dir/console.log"
	local suite
	for suite in tpm2_account tpm2_pcr_allocation tpm2_pcr_read tpm_update_counter ima_update_counter; do
		tap "the suite $suite was run" grep -qE "ok [0-9]+ $suite\b" "$dir/console.log"
	done
}

# As a developer runs them, without the rest of this project
kunit_py() (
	local where=()
	# kunit.py takes any /dev/kvm that it finds, also one without hardware behind it, which boots nothing
	if [[ -e /dev/kvm ]] && ! grep -qwE 'vmx|svm' /proc/cpuinfo; then
		# shellcheck disable=SC2016 # it is the inner shell's to expand
		where=(unshare --map-root-user --mount sh -c 'mount --bind /dev/null /dev/kvm && exec "$@"' sh)
	fi
	cd "$build/$base/linux" && "${where[@]}" python3 tools/testing/kunit/kunit.py run --arch=x86_64 \
		--kunitconfig="$1" --build_dir="$build/$base/kunit" --jobs=2 --make_options='CC=ccache gcc'
)

kunit_tool() {
	tap 'kunit.py runs those of the TPM driver' kunit_py drivers/char/tpm
	tap 'kunit.py runs those of IMA' kunit_py security/integrity/ima
}

groups KUnit quick all vm kunit_boot
groups KUnit full all vm kunit_tool
