# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Building kernels, for those scripts that do. They source it after lib.sh.

# shellcheck disable=SC2154 # from lib.sh
# make_in TREE OBJ: have "${make[@]}" build in OBJ, with the compiler's results
# in a ccache outside of the checkout. CROSS_COMPILE may be set.
make_in() {
	mkdir -p "$2"
	# Another checkout at another path finds the same objects.
	# shellcheck disable=SC2034 # for the caller
	make=(env CCACHE_DIR="$cache/ccache" CCACHE_MAXSIZE=10G CCACHE_BASEDIR="$top" CCACHE_NOHASHDIR=1
		KBUILD_BUILD_TIMESTAMP=@0 KBUILD_BUILD_USER=ima KBUILD_BUILD_HOST=ima
		make -C "$1" O="$2" CC="ccache ${CROSS_COMPILE-}gcc" HOSTCC="ccache gcc" LOCALVERSION= -j"$(nproc)")
}

# changed_lines TREE FROM TO: the lines of C that FROM..TO has changed, such as
# drivers/char/tpm/tpm.h:17:
changed_lines() {
	git -C "$1" diff --unified=0 "$2" "$3" -- '*.[ch]' | awk '
		/^\+\+\+ / { file = substr($2, 3) }
		/^@@/ { split($3, at, ","); n = at[2] == "" ? 1 : at[2]
			for (i = 0; i < n; i++) print file ":" at[1] - 0 + i ":" }' | tr -d +
}

# warnings_of TREE FROM TO OUTPUT: the warnings in a build's output that are on
# lines that FROM..TO has changed. What the base warns about is not ours.
warnings_of() {
	changed_lines "$1" "$2" "$3" >"$4.changed"
	grep -E 'warning:|error:' "$4" | sed "s|^[./]*$1/||; s|^\.\./${1##*/}/||" | grep -F -f "$4.changed"
}

# builds_without_warnings TREE OBJ FROM TO OUTPUT ARGUMENT...: compile what the
# series touches with W=1 and the ARGUMENTs to make.
builds_without_warnings() {
	local tree=$1 obj=$2 from=$3 to=$4 output=$5 make
	shift 5
	make_in "$tree" "$obj"
	"${make[@]}" -s "$@" prepare >"$output" 2>&1 || { cat "$output"; return 1; }
	rm -f "$obj"/security/integrity/ima/*.o "$obj"/drivers/char/tpm/*.o "$obj"/kernel/kexec_*.o
	local objects=(security/integrity/ima/ drivers/char/tpm/) file
	for file in kexec_core kexec_file; do
		! grep -q "^CONFIG_${file^^}=y" "$obj/.config" || objects+=("kernel/$file.o")
	done
	"${make[@]}" -s "$@" W=1 "${objects[@]}" >"$output" 2>&1 || { cat "$output"; return 1; }
	if warnings_of "$tree" "$from" "$to" "$output"; then return 1; fi
}
