# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What groups have in common

# shellcheck disable=SC2154 # $dir and $build: from scripts/check
# shellcheck disable=SC2034 # for the other files
tcb='ima_policy=tcb ima_policy=critical_data'

# tap DESCRIPTION COMMAND...: one test line, with the output of a failure
tap() {
	local log=$dir/log
	if "${@:2}" >"$log" 2>&1; then
		echo "ok - $1"
	else
		echo "not ok - $1"
		sed 's/^/# /' "$log"
	fi
}

# verdict TEXT STATUS [OPTION...]: what the verifier says of the list
verdict() {
	local status=0
	"$build/imatally" verify "${@:3}" "$dir/list" --pcrs "$dir/pcrs" >"$dir/answer" 2>&1 || status=$?
	cat "$dir/answer"
	[[ $status -eq $2 ]] && grep -qE "^verdict: $1" "$dir/answer"
}
