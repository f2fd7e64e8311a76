# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What can be said of the scripts and of the series without running them

# shellcheck disable=SC2154 # $dir, $base, $kernel: from scripts/check

spelling() {
	cd "$top" && git ls-files -z -- ':!LICENSE' | xargs -0 codespell --ignore-words-list=extraversion
}

# --help prints the comment at the head to its end
help() {
	local scripts script last
	mapfile -t scripts < <(grep -lsE '^# Usage:' "$top"/scripts/*)
	for script in "${scripts[@]}"; do
		last=$(awk '/^# Usage:/, !/^#/ { if (!/^#/) exit; if (/^# /) last = substr($0, 3) } END { print last }' "$script")
		"$script" --help | grep -qxF -- "$last" || { echo "$script: not \"$last\""; return 1; }
	done
}

static_scripts() {
	local scripts
	mapfile -t scripts < <(grep -lE '^#!/bin/(ba)?sh|^# shellcheck shell' "$top"/scripts/{,check.d/}* "$top"/tools/ima/tests/*.sh "$top"/tools/ima/packaging/{deb,imatally.bash-completion} "$top"/.ci/run)
	tap 'shellcheck of the scripts' shellcheck -x -P SCRIPTDIR "${scripts[@]}"
	tap 'spelling' spelling
	tap 'help of the scripts' help
}

# In a checkout of the base of those folders only that the series touches
am_on_a_clean_base() {
	local tree=$build/$base/linux clean=$dir/linux
	git -C "$tree" worktree prune
	git -C "$tree" worktree add --quiet --no-checkout --detach "$clean" base || return
	cd "$clean" || return
	git -C "$tree" diff --name-only base series | git sparse-checkout set --no-cone --stdin && git checkout --quiet &&
		git -c user.name=check -c user.email=check@localhost am --quiet "$build/$base/series.mbox" &&
		git diff --exit-code series
	local status=$?
	git -C "$tree" worktree remove --force "$clean"
	return $status
}

# checkpatch says on each patch that there is nothing to say, but for the commits
# that a patch fixes, which this tree does not have. Debian's Python
# has what its SPDX check needs.
checkpatch() {
	cd "$build/$base/linux" || return
	PATH=/usr/bin:$PATH scripts/checkpatch.pl --strict --ignore UNKNOWN_COMMIT_ID --git base..series | tee "$dir/checkpatch"
	! grep -qE '^(ERROR|WARNING|CHECK):|Traceback' "$dir/checkpatch"
}

# The same configuration, in a build directory of its own, since W=1 would make
# the next build of the kernel compile these files again.
without_warnings() {
	local obj=$build/$base/static
	mkdir -p "$obj"
	cmp --silent "${kernel%/arch/*}/.config" "$obj/.config" || cp "${kernel%/arch/*}/.config" "$obj/"
	builds_without_warnings "$build/$base/linux" "$obj" base series "$dir/warnings" C=1
}

static_series() {
	"$top/scripts/series" --base "$base" >"$dir/series" 2>&1 || { echo 'not ok - the series is written'; return; }
	tap 'git am of the series onto a clean base gives the tree' am_on_a_clean_base
	tap 'checkpatch --strict has nothing to say' checkpatch
	tap 'builds without warnings: W=1, sparse' without_warnings
}

# What Sphinx says of documents that the series does not touch is not ours
documentation() {
	"$top/scripts/docs" --base "$base" || return
	! git -C "$build/$base/linux" diff --name-only base series -- Documentation | grep -F -f - "$build/$base/docs/sphinx.log"
}

# In the files that the series adds, of each function that others call
kernel_doc() {
	local files
	mapfile -t files < <(git -C "$build/$base/linux" diff --name-only --diff-filter=A base series -- 'drivers/*.[ch]' 'security/*.[ch]')
	cd "$build/$base/linux" && scripts/kernel-doc -none -Werror "${files[@]}"
}

static_docs() {
	tap 'Sphinx has no warning' documentation
	tap 'kernel-doc has no warning' kernel_doc
}

# Semantic patches say on lines of the series that there is nothing to say. Not by
# way of make, which would compile each file, and the tests are part of another.
coccicheck() {
	local file
	cd "$build/$base/linux" || return
	git diff --name-only base series -- '*.c' ':!tools' | while read -r file; do
		C=2 V=1 MODE=report srctree=. LINUXINCLUDE='-Iarch/x86/include -Iinclude' scripts/coccicheck "$file" || exit
	done >"$dir/cocci" || { tail "$dir/cocci"; return 1; }
	grep -q '^Running .*spatch' "$dir/cocci" || { echo 'it ran nothing'; return 1; }
	changed_lines . base series >"$dir/changed"
	! sed 's|^\./||' "$dir/cocci" | grep -F -f "$dir/changed"
}

clang_without_warnings() {
	local obj=$build/$base/clang
	mkdir -p "$obj"
	cp "${kernel%/arch/*}/.config" "$obj/"
	make -C "$build/$base/linux" O="$obj" LLVM=-19 -s olddefconfig || return
	builds_without_warnings "$build/$base/linux" "$obj" base series "$dir/warnings" \
		LLVM=-19 CC='ccache clang-19' HOSTCC='ccache clang-19'
}

static_semantic() {
	tap 'coccicheck has nothing to say' coccicheck
}

static_clang() {
	tap 'clang builds without warnings: W=1' clang_without_warnings
}

groups static quick - - static_scripts
groups static check all vm static_series static_docs
groups static full all vm static_semantic static_clang
