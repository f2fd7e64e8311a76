#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Progress on a long log: on a terminal only, with its size if that is known, and
# gone in the end. A long log with many records still has a short table.
#
# Usage: progress.sh IMATALLY MKLOG

set -euo pipefail

imatally=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
mkdir seed
"$2" seed 2
"$2" . 2 6000 seed/log 25

fail() {
	echo "  FAIL    $*" >&2
	exit 1
}

"$imatally" verify log --pcrs pcrread >out 2>err || fail "status $?: $(cat out err)"
[ ! -s err ] || fail "not on a terminal: $(cat err)"
[ "$(wc -l <out)" -lt 20 ] || fail "a long table: $(cat out)"
grep -qE '^  1 boot +5975 request +5974 +0 +11948 +11948 +0 +0  \(239 intervals\)$' out ||
	fail "no row for many intervals: $(cat out)"

if ! command -v python3 >/dev/null; then
	echo "  SKIP    python3 is not installed"
	exit 0
fi
python3 - "$imatally" <<'END'
import os, pty, re, subprocess, sys, threading, time

data = open("log", "rb").read()
expected = open("out", "rb").read()


def on_terminal(slow):
    """What is on the terminal that stderr is, of a log that comes slowly"""
    terminal, stderr = pty.openpty()
    args = [sys.argv[1], "verify", "-" if slow else "log", "--pcrs", "pcrread"]
    child = subprocess.Popen(args, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=stderr)
    os.close(stderr)
    if slow:
        child.stdin.write(data[:len(data) // 2])
        child.stdin.flush()
        time.sleep(1.2)
        child.stdin.write(data[len(data) // 2:])
    child.stdin.close()
    if child.stdout.read() != expected or child.wait():
        sys.exit("  FAIL    another answer with progress")
    shown = b""
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:     # the other end is closed
        pass
    return shown.decode()


shown = on_terminal(True)
if not re.fullmatch(r"(\r\x1b\[K\d+ entries, \d+ MB)+\r\x1b\[K", shown):
    sys.exit(f"  FAIL    of a slow log: {shown!r}")
shown = on_terminal(False)
if shown:
    sys.exit(f"  FAIL    of a quick one: {shown!r}")
END
