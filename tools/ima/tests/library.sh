#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The library as others use it: installed, found by pkg-config, linked shared and
# static, from C and C++; and it exports what its headers declare, and no more.
#
# Usage: library.sh VECTORS, in the folder of the Makefile; CC, CXX and MAKEFLAGS as usual

set -euo pipefail

vectors=$(realpath "$1")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
fail() {
	echo "  FAIL    $1" >&2
	exit 1
}

make --no-print-directory install-lib DESTDIR="$root" PREFIX=/usr LIBDIR=/usr/lib >"$root/log" 2>&1 ||
	{ cat "$root/log" >&2; fail 'make install-lib'; }
export PKG_CONFIG_PATH=$root/usr/lib/pkgconfig PKG_CONFIG_SYSROOT_DIR=$root
lib=$root/usr/lib

# Every function that a header declares, and those that the library exports
grep -ohE '\bimatally_[a-z0-9_]+\(' "$root"/usr/include/imatally*.h | tr -d '(' |
	grep -vE '_fn$|^imatally_record_has$' | sort -u >"$root/declared"
nm -D --defined-only "$lib/libimatally.so" | awk '$2 == "T" { sub(/@.*/, "", $3); print $3 }' | sort -u >"$root/exported"
diff "$root/declared" "$root/exported" >&2 || fail 'declared (<) and exported (>) functions differ'
nm -D --defined-only "$lib/libimatally.so" | grep -q ' imatally_verify@@LIBIMATALLY_0$' || fail 'symbols have no version'
readelf -d "$lib/libimatally.so" | grep -q 'SONAME.*\[libimatally.so.0\]' || fail 'the soname'

verdict_of() {
	local status=0
	LD_LIBRARY_PATH=$lib "$1" "$vectors/$2/list" "$vectors/$2/pcrs" >"$root/answer" 2>&1 || status=$?
	[[ $status -eq $3 ]] || { cat "$root/answer" >&2; fail "$1 $2: status $status"; }
}

# shellcheck disable=SC2046 # options
${CC:-cc} -Wall -Wextra -Werror examples/verdict.c $(pkg-config --cflags --libs libimatally) -o "$root/shared"
# shellcheck disable=SC2046
${CC:-cc} -Wall -Wextra -Werror examples/verdict.c $(pkg-config --cflags libimatally) "$lib/libimatally.a" \
	$(PKG_CONFIG_SYSROOT_DIR='' pkg-config --libs libcrypto jansson tss2-mu) -o "$root/static"
readelf -d "$root/shared" | grep -q 'NEEDED.*libimatally.so.0' || fail 'the shared library is not linked'
# shellcheck disable=SC2046
${CC:-cc} -Wall -Wextra -Werror examples/entries.c $(pkg-config --cflags --libs libimatally) -o "$root/entries"
LD_LIBRARY_PATH=$lib "$root/entries" <"$vectors/two-kernels/list" | grep -q ' boot_aggregate$' || fail 'entries'
for program in shared static; do
	verdict_of "$root/$program" kexec-complete 0
	verdict_of "$root/$program" kexec-cut 1
	verdict_of "$root/$program" tpm-restarted 2
	verdict_of "$root/$program" ../../Makefile 3
done

printf '#include <imatally.h>\n#include <imatally-evidence.h>\nint main() { imatally_pcrs pcrs = {}; imatally_pcrs_free(&pcrs); }\n' >"$root/main.cc"
# shellcheck disable=SC2046
${CXX:-c++} -std=c++17 -Wall -Wextra -Werror "$root/main.cc" $(pkg-config --cflags --libs libimatally) -o "$root/cxx"
LD_LIBRARY_PATH=$lib "$root/cxx" || fail 'from C++'
