# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What the scripts beside this file have in common. They source it.

# shellcheck disable=SC2034 # for those who source this
{
	top=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
	build=$top/build
	cache=${XDG_CACHE_HOME:-$HOME/.cache}/ima-update-counter
}

# Scripts call each other: all of them count from the start of the first.
export SAY_START=${SAY_START:-$EPOCHSECONDS}

# say TEXT: progress, on stderr: stdout is for results
say() {
	printf '[%4d s] %s\n' $((EPOCHSECONDS - SAY_START)) "$*" >&2
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

# usage: print the comment at the head of the calling script
usage() {
	sed -n '/^# Usage:/,/^$/{/^$/q;s/^# \{0,1\}//p}' "$0"
}

# run_long WHAT COMMAND...: run a command that may take minutes, its output in
# a log file under build/. Says WHAT, that it still runs every 15 s, and on
# failure shows the end of the log. The command ends when this shell does,
# however that happens.
run_long() {
	local what=$1 start=$EPOCHSECONDS log tick pid ended status
	shift
	log=$build/log/${what//[^[:alnum:].-]/_}.log
	mkdir -p "${log%/*}"

	say "$what"
	setpriv --pdeathsig TERM "$@" </dev/null >"$log" 2>&1 &
	pid=$!
	while true; do
		setpriv --pdeathsig KILL sleep 15 >/dev/null 2>&1 &
		tick=$!
		status=0
		wait -n -p ended "$pid" "$tick" || status=$?
		[[ $ended == "$tick" ]] || break
		say "$what: running for $((EPOCHSECONDS - start)) s (output in $log)"
	done
	kill "$tick" 2>/dev/null || true
	wait "$tick" 2>/dev/null || true
	[[ $status -eq 0 ]] && return
	tail -n 25 "$log" >&2
	say "$what: failed with status $status; the whole output is in $log"
	return "$status"
}
