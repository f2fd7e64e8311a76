# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Tests of the programs that run outside of the measured kernel

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check
# shellcheck disable=SC2016 # what eval runs is expanded there

# cmocka prints TAP itself, but calls a skipped test "not ok", and why it is in a line before
unit_verifier() {
	{ CMOCKA_MESSAGE_OUTPUT=TAP make -C "$top/tools/ima" check 2>&1 || echo 'not ok - make check of the verifier'; } |
		sed -E '/^skipped: / { s///; h; d }
			/^not ok [0-9]+ # SKIP / { G; s/^not ok ([0-9]+) # SKIP ([^\n]*)\n(.*)/ok \1 - \2 # SKIP \3/ }'
}

unit_verifier_sanitized() {
	tap 'the same with address and undefined behaviour sanitizers' \
		make -C "$top/tools/ima" check SANITIZE=1
}

fuzz_verifier() {
	tap 'the fuzzers find nothing in a minute' make -C "$top/tools/ima" fuzz
}

# The example of the -dev package, shared and static, as on a machine that has both
library_packages() {
	local root=$dir/library vectors=$top/tools/testing/selftests/ima/vectors libdir package library
	for package in libimatally0 libimatally-dev; do
		dpkg-deb -x "$build/deb/${package}"_*.deb "$root"
	done
	libdir=$(dirname "$root"/usr/lib/*/libimatally.so.0)
	export PKG_CONFIG_PATH=$libdir/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
	for library in -limatally -l:libimatally.a; do
		# shellcheck disable=SC2046 # options
		cc "$root"/usr/share/doc/libimatally-dev/examples/verdict.c -o "$dir/example" \
			$(pkg-config --cflags libimatally) -L"$libdir" "$library" \
			$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --libs libcrypto jansson tss2-mu) &&
			LD_LIBRARY_PATH=$libdir "$dir/example" "$vectors"/kexec-complete/{list,pcrs} || return
	done
}

package() {
	tap 'Debian packages are built' make -C "$top/tools/ima" deb
	tap 'lintian has nothing to say' lintian --fail-on warning,error --allow-root "$build"/deb/*.changes
	tap 'it has the command and its pages' eval 'dpkg-deb -x "$build"/deb/imatally_*.deb "$dir/root" &&
		"$dir/root/usr/bin/imatally" --version && ls "$dir"/root/usr/share/man/man{1,5}/imatally*'
	tap 'a program is built with those of the library, and runs' library_packages
}

vm_runner() {
	"$top/scripts/test-vm" --kernel "$kernel"
}

static_verifier() {
	tap 'clang, clang-tidy and cppcheck have nothing to say' make -C "$top/tools/ima" lint
}

coverage_verifier() {
	tap 'the tests of the verifier run 95 % of its lines' make -C "$top/tools/ima" coverage
}

page_in_a_browser() {
	tap 'the page of a verdict, in Chromium' make -C "$top/tools/ima" check-page
}

groups unit quick - - unit_verifier
groups unit full - - page_in_a_browser
groups unit check - - unit_verifier_sanitized fuzz_verifier package
groups unit check - vm vm_runner
groups static check - - static_verifier
groups tests full - - coverage_verifier
