#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Run by tests/kernel/test_faults.py: a record, an entry, and many of both at the
# same time, each between two marks in the proxy's log. RECORDS and FILES are how
# many there are at the same time; they are set in /out/settings.

# shellcheck source=/dev/null
. /out/settings

request() { echo 1 >/sys/kernel/security/ima/update_counter; }
mark() { echo "mark $1" >>/out/faults; }
measure() {
	echo "$1" >"/ramfs/$1"
	cat "/ramfs/$1" >/dev/null
}

measure first
mark record
request
mark entry
measure second
mark load
for i in $(seq "$FILES"); do measure "$i"; done &
for _ in $(seq "$RECORDS"); do request; done
wait
mark end
request
