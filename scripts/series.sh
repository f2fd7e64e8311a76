# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# How the series is kept in this repository, for those scripts that read or
# write it. They source it after lib.sh.
#
# patches/TOPIC/BASE/NNNN-*.patch hold the commit messages and the edits of
# existing files; topics apply in the order of their names. New files live whole at their path in this repository, shared by all
# bases; a patch names those that its commit adds, one a line:
#
#	New-file: security/integrity/ima/ima_update_counter.c
#
# A later patch may change such a file: here it is as the whole series leaves it.
#
# In build/BASE/linux, a git tree, the tag "base" is the source as it came, and
# the branch "series" has the series on top of it.

# shellcheck disable=SC2154 # from lib.sh
# patch_files BASE: its patches in the order in which they apply
patch_files() { printf '%s\n' "$top"/patches/*/"$1"/*.patch; }

# bases: those that there are patches for, the oldest first
bases() { printf '%s\n' "$top"/patches/*/*/ | xargs -n 1 basename | sort -uV; }

# new_files PATCH...: the new files that these patches name
new_files() { sed -n 's/^New-file: //p' "$@"; }

# has_work TREE: are there commits or edits that the patches don't have? The tag
# "applied" is where the patches led; without it they have not been applied.
has_work() {
	local known
	known=$(git -C "$1" rev-parse --quiet --verify refs/tags/applied ||
		git -C "$1" rev-parse refs/tags/base)
	[[ $(git -C "$1" rev-parse HEAD) != "$known" ]] ||
		[[ $(git -C "$1" status --porcelain --untracked-files=no) ]]
}

# series_state BASE TREE: a digest of all that the tree is made of
series_state() {
	local patches file
	mapfile -t patches < <(patch_files "$1")
	{
		git -C "$2" rev-parse base
		for file in "${patches[@]}"; do cat "$file"; done
		for file in $(new_files "${patches[@]}"); do cat "$top/$file"; done
	} | sha256sum | cut -d' ' -f1
}
