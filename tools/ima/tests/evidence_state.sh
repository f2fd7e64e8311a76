#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Evidence of one machine time after time, with a state, and of many machines at once:
# only what is new is looked at, and where the state is not of this list, the answer
# says why; one bad folder changes nothing for the others.
#
# Usage: evidence_state.sh IMATALLY WRITE_BOOT

set -euo pipefail

imatally=$1
write_boot=$2

. "$(dirname "$0")/tpm.sh"

# take NEW: evidence with the nonce
take() {
	rm -rf "$1"
	expect 0 "evidence in $1: .*counter attested" collect --ak 0x81010010 --out "$1"
}

# resume EVIDENCE STATUS TEXT [STATE [AK]]: what the answer says of the state
resume() {
	expect "$2" "$3" verify "$1" --ak "${5-ak.pem}" --nonce "$nonce" --state "${4-kept}"
}

# The answer but for the intervals of before, and what became of the state
answer() {
	"$imatally" verify --json --evidence "$@" --ak ak.pem --nonce "$nonce" | python3 -c '
import json, sys
answer = json.load(sys.stdin)
for key in "resumption", "resumed":
    answer.pop(key, None)
answer["intervals"] = answer["intervals"][-1:]
print(json.dumps(answer, indent=1))'
}

# ---- A list that grows

new_tpm sha1,sha256
expect 0 AK create_ak --create-ak ak.pem --ak 0x81010010
boot 2 0
take first
resume first 0 '^verdict: complete$'
! grep '^state:' out || fail "there was no state yet"
cp kept kept.first
grow 2 3
take second
answer second >whole
cp kept kept.again
answer second --state kept.again >again
cmp -s whole again || fail "another answer with a state: $(diff whole again)"
resume second 0 '^state: 6 entries verified before, 3 new$'
! grep -E '^  (\(start\)|1 boot)' out || fail "what was told before: $(cat out)"
resume second 0 '^state: 9 entries verified before, 0 new$'

cp kept.first kept.page
expect 0 '^state: 6 entries verified before, 3 new$' verify second --ak ak.pem --nonce "$nonce" \
	--state kept.page --html page.html
grep -q '<dt>State</dt><dd>6 entries verified before, 3 new</dd>' page.html || fail "not on the page"
grep -q '<svg class="plot"' page.html || fail "no plot"

# ---- Nothing is learnt from what nobody vouches for

cp kept kept.before
expect 0 AK create_ak --create-ak other.pem --ak other.ctx --ak-alg rsa
resume second 4 "the quote: its signature is not this AK's" kept other.pem
expect 4 'another nonce' verify second --ak ak.pem --nonce "ff$nonce" --state kept
cp -r second edited
sed -i 's/file5/filE5/' edited/log
resume edited 2 '^state: verified anew from the start: it is of another log: a reboot\?$'
cp kept.first kept.edited
resume edited 2 '^state: verified anew from the start: the replay does not go on from it$' kept.edited
cmp -s kept.first kept.edited || fail "the state was replaced"
# what it vouches for may be right, and not what is in the list after it
cp -r second edited.tail
"$write_boot" edited.tail/log 2 "$booted" 6 >extends.tail
sed -i 's/file8/filE8/' edited.tail/log
resume edited.tail 2 '^state: 6 entries verified before, 6 new$' kept.edited
cmp -s kept.first kept.edited || fail "the state was replaced"
cp -r second shortened
cp first/log shortened/log
resume shortened 2 '^state: verified anew from the start: the log ends before it does: a reboot\?$'
cmp -s kept kept.before || fail "the state was replaced"
echo damage >>kept
resume second 3 'kept: the state is damaged'
cp kept.before kept

# another AK of the same TPM vouches for the same list
rm -rf by_other
expect 0 'evidence in by_other' collect --ak other.ctx --out by_other
resume by_other 0 '^state: 9 entries verified before, 0 new$' kept other.pem

# an earlier list, vouched for as well
resume first 0 '^state: verified anew from the start: the log ends before it does: a reboot\?$'
cmp -s <(sed 1q kept) <(sed 1q kept.before) && fail "the state is still that of the longer list"
resume second 0 '^state: 6 entries verified before, 3 new$'

# ---- A reboot in between: shorter, as long, and the same entry in the same place

cp kept kept.before
reboot_tpm
boot 2 0
take rebooted
resume rebooted 0 '^state: verified anew from the start: the log ends before it does: a reboot\?$'
reboot_tpm
# else the same list comes again: the counter always starts at the same number
tpm2_pcrextend "11:sha256=$(printf '%064d' 1)"
boot 2 4
take rebooted
resume rebooted 0 '^state: verified anew from the start: it is of another log: a reboot\?$'
resume rebooted 0 '^state: verified anew from the start: the replay does not go on from it$' kept.before
resume rebooted 0 '^state: 10 entries verified before, 0 new$' kept.before

# ---- Another machine, and many at once

mkdir -p fleet keys states
cp -r rebooted fleet/a
cp ak.pem keys/a.pem
new_tpm sha256
expect 0 AK create_ak --create-ak keys/b.pem --ak 0x81010010
boot 0 4
take fleet/b
cp kept states/b
resume fleet/b 0 '^state: verified anew from the start: it is of another log: a reboot\?$' states/b keys/b.pem
cp -r fleet/b fleet/c
cp keys/b.pem keys/c.pem
cp -r rebooted fleet/d
cp ak.pem keys/d.pem

# fleet STATUS SUMMARY [OPTION]...: as one by one, and in the order that was asked for
fleet() {
	local name status worst=0
	: >one_by_one
	for name in d b c a; do
		status=0
		verify "fleet/$name" --ak "keys/$name.pem" --nonce "$nonce" --json >>one_by_one 2>/dev/null || status=$?
		[ "$status" -le "$worst" ] || worst=$status
	done
	[ "$worst" = "$1" ] || fail "one by one: $worst, not $1"
	for jobs in 1 3 0; do
		expect "$1" "^4 logs: $2\$" "$imatally" verify --jobs "$jobs" --ak keys --nonce "$nonce" \
			fleet/d fleet/b fleet/c fleet/a
		[ "$(sed -n 's|^fleet/\(.\): .*|\1|p' out | tr -d '\n')" = dbca ] || fail "another order: $(cat out)"
		status=0
		"$imatally" verify --jobs "$jobs" --json --ak keys --nonce "$nonce" \
			fleet/d fleet/b fleet/c fleet/a >together 2>/dev/null || status=$?
		[ "$status" = "$1" ] || fail "status $status of --json, not $1"
		sed 's|"log":"fleet/[a-d]",||' together | diff - <(sed 's|"log":"fleet/[a-d]",||' one_by_one) >out ||
			fail "--jobs $jobs: not as one by one: $(cat out)"
	done
}

fleet 0 '4 complete'
# one key for all
expect 0 '^2 logs: 2 complete$' "$imatally" verify --jobs 2 --ak ak.pem --nonce "$nonce" fleet/a fleet/d
sed -i 's/file2/filE2/' fleet/c/log
fleet 2 '3 complete, 1 mismatch'
rm fleet/c/log
fleet 3 '3 complete, 1 error'
cp keys/b.pem keys/d.pem
fleet 4 '2 complete, 1 error, 1 not authentic'
cp ak.pem keys/d.pem

# each goes on from its own state, and the bad one has none
rm -f states/*
for said in '' '"resumption":"resumed","resumed":10,'; do
	expect 3 "\"verdict\":\"complete\".*$said" "$imatally" verify --jobs 2 --json --ak keys --nonce "$nonce" \
		--state states fleet/d fleet/b fleet/c fleet/a
	[ "$(grep -c "\"verdict\":\"complete\".*$said" out)" = 3 ] || fail "not three: $(cat out)"
	[ "$(cd states; echo *)" = 'a b d' ] || fail "states: $(ls states)"
done
