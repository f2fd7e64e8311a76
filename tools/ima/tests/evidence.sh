#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Evidence from a real TPM implementation: collected from a software TPM,
# checked by tpm2-tools too, verified without a TPM, and refused in every broken
# variant.
#
# Usage: evidence.sh IMATALLY WRITE_BOOT

set -euo pipefail

imatally=$1
write_boot=$2

schema=$(realpath "$(dirname "$0")/../schemas/evidence.schema.json")
result_schema=$(realpath "$(dirname "$0")/../schemas/result.schema.json")
. "$(dirname "$0")/tpm.sh"

# edit NEW PYTHON: a copy of the evidence, with "m", its manifest, changed
edit() {
	rm -rf "$1"
	cp -r ev "$1"
	python3 - "$1/manifest.json" "$2" <<-'PYTHON'
	import json, sys
	m = json.load(open(sys.argv[1]))
	def flip(text, at):
	    return text[:at] + "%x" % (int(text[at], 16) ^ 1) + text[at + 1:]
	exec(sys.argv[2])
	json.dump(m, open(sys.argv[1], "w"))
	PYTHON
}

# What tpm2_checkquote says of the quote
checkquote() {
	python3 - <<-'PYTHON'
	import json
	m = json.load(open("ev/manifest.json"))
	for name, part in ("attest", m["quote"]["attest"]), ("signature", m["quote"]["signature"]):
	    open("quote." + name, "wb").write(bytes.fromhex(part))
	open("quote.pcrs", "wb").write(b"".join(bytes.fromhex(b["10"]) for b in m["pcrs"].values()))
	open("quote.list", "w").write("+".join(a + ":10" for a in m["pcrs"]))
	PYTHON
	tpm2_checkquote -u "$1" -m quote.attest -s quote.signature -q "$2" \
		-F values -f quote.pcrs -l "$(cat quote.list)" >checkquote.out 2>&1
}

# page STATUS TEXT OPTION...: of verify --evidence; what it says
page() {
	expect "$1" . verify "${@:3}" --html page.html
	grep -q -- "$2" page.html || fail "no \"$2\" on the page of ${*:3}"
}

# ---- Every kind of AK, every set of banks

new_tpm sha1,sha256
boot 2
for alg in ecc rsa rsapss; do
	expect 0 "AK ak.ctx, its public key in ak.$alg.pem" \
		create_ak --create-ak "ak.$alg.pem" --ak ak.ctx --ak-alg "$alg"
	rm -rf ev
	expect 0 'evidence in ev: log, PCR 10 in 2 banks quoted, counter attested' collect --ak ak.ctx --out ev
	expect 0 '^verdict: complete$' verify ev --ak "ak.$alg.pem" --nonce "$nonce" --strict
	if [ "$alg" = rsapss ]; then
		# tpm2_checkquote does not know PSS; the signature follows its
		# algorithm, hash and size
		checkquote "ak.$alg.pem" "$nonce" || true
		tail -c +7 quote.signature >quote.rsa
		expect 0 'Verified OK' openssl dgst -sha256 -verify ak.rsapss.pem -sigopt rsa_padding_mode:pss \
			-signature quote.rsa quote.attest
		continue
	fi
	checkquote "ak.$alg.pem" "$nonce" || fail "tpm2_checkquote, $alg: $(cat checkquote.out)"
	! checkquote "ak.$alg.pem" "ff$nonce" || fail "tpm2_checkquote takes any nonce"
done
if python3 -c 'import jsonschema' 2>/dev/null; then
	python3 -W ignore -m jsonschema -i ev/manifest.json "$schema" ||
		fail "the manifest is not of its schema"
	expect 0 '"signer":\{"ak_sha256":"[0-9a-f]{64}",.*"pcrUpdateCounter":[0-9]+,.*"rebooted":null' \
		verify ev --ak ak.rsapss.pem --nonce "$nonce" --json
	python3 -W ignore -m jsonschema -i out "$result_schema" || fail "the answer is not of its schema: $(cat out)"
	expect 4 '"verdict":"not_authentic","status":4,.*"error":\{"text":"the quote: another nonce' \
		verify ev --ak ak.rsapss.pem --nonce "ff$nonce" --json
	python3 -W ignore -m jsonschema -i out "$result_schema" || fail "the answer is not of its schema: $(cat out)"
fi
expect 3 'rsa1024: not one of' create_ak --create-ak no.pem --ak ak.ctx --ak-alg rsa1024

tpm2_createek -c ek.ctx -G rsa -u ek.pub >/dev/null
tpm2_createak -C ek.ctx -c ak.ctx -G ecc -g sha256 -s ecdsa -u ak.pem -f pem >/dev/null
tpm2_flushcontext -t
rm -rf ev
expect 0 'counter attested' collect --ak ak.ctx --out ev
expect 0 '^verdict: complete$' verify ev --ak ak.pem --nonce "$nonce"

for banks in 0:sha256 4:sha1,sha256,sha384,sha512; do
	new_tpm "${banks#*:}"
	boot "${banks%:*}"
	rm -rf ev
	expect 0 AK create_ak --create-ak ak.pem --ak 0x81010010
	expect 0 'counter attested' collect --ak 0x81010010 --out ev
	expect 0 '^verdict: complete$' verify ev --ak ak.pem --nonce "$nonce" --strict
	checkquote ak.pem "$nonce" || fail "tpm2_checkquote, $banks: $(cat checkquote.out)"
done
new_tpm sha1
boot 1
expect 0 AK create_ak --create-ak ak.pem --ak ak.ctx
rm -rf ev
expect 0 'counter attested' collect --ak ak.ctx --out ev
expect 0 'only SHA-1 values are signed' verify ev --ak ak.pem --nonce "$nonce"
expect 1 '^verdict: complete$' verify ev --ak ak.pem --nonce "$nonce" --strict
page 1 'only SHA-1 values are' ev --ak ak.pem --nonce "$nonce" --strict

# ---- What comes after the last record, and a log that went on or is cut

new_tpm sha1,sha256
boot 2
expect 0 AK create_ak --create-ak ak.pem --ak 0x81010010
rm -rf ev
expect 0 'evidence in ev' collect --ak 0x81010010 --out ev
expect 0 '^  [0-9]+ request +\(end\) +3 +- +6 +6 +- +0$' verify ev --ak ak.pem --nonce "$nonce"
expect 0 'signed by the AK sha256:[0-9a-f]{64}$' verify ev --ak ak.pem --nonce "$nonce"
sum=$(openssl pkey -pubin -in ak.pem -outform der | sha256sum | cut -d' ' -f1)
grep -q "$sum" out || fail "not the fingerprint of the AK: $(cat out)"
expect 0 'resetCount [0-9]+, restartCount 0, clock [0-9]+ ms, pcrUpdateCounter [0-9]+$' \
	verify ev --ak ak.pem --nonce "$nonce"

tpm2_pcrextend "11:sha256=$(printf '%064d' 1)"
rm -rf ev2
expect 0 'evidence in ev2' collect --ak 0x81010010 --out ev2
expect 0 '1 update of PCRs by others or unexplained' verify ev2 --ak ak.pem --nonce "$nonce"
expect 1 '1 update of PCRs by others or unexplained' verify ev2 --ak ak.pem --nonce "$nonce" --strict

cp -r ev longer
"$write_boot" longer/log 2 "$booted" 9 >/dev/null
expect 0 '7 entries at the end of the log came after' verify longer --ak ak.pem --nonce "$nonce"

cp -r ev shorter
"$write_boot" shorter/log 2 "$booted" 1 >/dev/null
expect 2 '^verdict: mismatch' verify shorter --ak ak.pem --nonce "$nonce"

# What was trimmed before it is given as a part
cp -r ev trimmed
offset=$("$imatally" show --json ev/log | sed -n '1s/.*"offset": *\([0-9]*\).*/\1/p')
head -c "$offset" ev/log >deleted
tail -c "+$((offset + 1))" ev/log >trimmed/log
expect 0 '^verdict: complete$' verify trimmed --ak ak.pem --nonce "$nonce" deleted
expect 1 '^verdict: incomplete: 1 entry lost$' verify trimmed --ak ak.pem --nonce "$nonce"

cp -r ev edited
sed -i 's/event=request/event=requesT/' edited/log
expect 3 'counter record' verify edited --ak ak.pem --nonce "$nonce"
cp ev/log edited/log
sed -i 's/;entries=5;/;entries=4;/' edited/log
expect 2 'template digest is not that of its data' verify edited --ak ak.pem --nonce "$nonce"
cp ev/log edited/log
sed -i 's/file/filE/' edited/log
expect 2 '^verdict: mismatch' verify edited --ak ak.pem --nonce "$nonce"

# ---- Not authentic

expect 4 'the quote: another nonce: it answers 00112233' verify ev --ak ak.pem --nonce "ff$nonce"
page 4 'the quote: another nonce: it answers 00112233' ev --ak ak.pem --nonce "ff$nonce"
expect 0 AK create_ak --create-ak other.pem --ak other.ctx --ak-alg rsa
expect 4 "the quote: its signature is not this AK's" verify ev --ak other.pem --nonce "$nonce"

edit broken 'm["quote"]["attest"] = flip(m["quote"]["attest"], 60)'
expect 4 "the quote: its signature is not this AK's, or it was edited" verify broken --ak ak.pem --nonce "$nonce"
edit broken 'm["quote"]["signature"] = flip(m["quote"]["signature"], 60)'
expect 4 "the quote: its signature is not this AK's, or it was edited" verify broken --ak ak.pem --nonce "$nonce"
for bank in sha1 sha256; do
	edit broken "m['pcrs']['$bank']['10'] = flip(m['pcrs']['$bank']['10'], 3)"
	expect 4 'the PCR values are not those that were quoted' verify broken --ak ak.pem --nonce "$nonce"
done
edit broken 'del m["pcrs"]["sha256"]'
expect 4 'the quote: it covers PCR 10 of bank 0x000b' verify broken --ak ak.pem --nonce "$nonce"
# the counter is the first thing in the response after two codes
edit broken 'e = m["counter"]["exchanges"][1]; e["response"] = flip(e["response"], 23)'
expect 4 'the attested counter: the commands and responses are not those' verify broken --ak ak.pem --nonce "$nonce"
edit broken 'del m["counter"]["exchanges"][0]'
expect 4 'the attested counter: the commands and responses are not those' verify broken --ak ak.pem --nonce "$nonce"

# a replayed part: the counter of ev beside the quote of ev2, and the reverse
saved=$nonce
nonce=abcdef
rm -rf ev3
expect 0 'evidence in ev3' collect --ak 0x81010010 --out ev3
nonce=$saved
edit broken 'm["quote"] = json.load(open("ev3/manifest.json"))["quote"]'
expect 4 'the quote: another nonce' verify broken --ak ak.pem --nonce "$nonce"
expect 4 'the attested counter: another nonce' verify broken --ak ak.pem --nonce abcdef

# ---- Time

expect 0 'the same boot as the previous evidence' verify ev3 --ak ak.pem --nonce abcdef --previous ev
expect 4 "went back" verify ev --ak ak.pem --nonce "$nonce" --previous ev3
edit broken 'm["quote"]["attest"] = flip(m["quote"]["attest"], 60)'
expect 4 "the previous evidence: the quote: its signature" verify ev3 --ak ak.pem --nonce abcdef --previous broken
reboot_tpm
boot 2
rm -rf ev4
expect 0 'evidence in ev4' collect --ak 0x81010010 --out ev4
expect 0 'rebooted or restarted since' verify ev4 --ak ak.pem --nonce "$nonce" --previous ev3
page 0 'rebooted or restarted since' ev4 --ak ak.pem --nonce "$nonce" --previous ev3
expect 4 'resetCount went back by 1 ' verify ev3 --ak ak.pem --nonce abcdef --previous ev4

# ---- The endorsement hierarchy belongs to somebody; AK with an authorization

tpm2_changeauth -c e secret
rm -rf ev
expect 0 'counter not attested' collect --ak 0x81010010 --out ev
grep -q 'TPM2_GetSessionAuditDigest.*auth' out || fail "no reason: $(cat out)"
expect 0 'pcrUpdateCounter is not attested' verify ev --ak ak.pem --nonce "$nonce"
page 0 'pcrUpdateCounter is not attested' ev --ak ak.pem --nonce "$nonce"
echo secret >endorsement
rm -rf ev
expect 0 'counter attested' collect --ak 0x81010010 --out ev --endorsement-auth file:endorsement
expect 0 '^verdict: complete$' verify ev --ak ak.pem --nonce "$nonce"
rm -rf ev
expect 0 'AK' create_ak --create-ak ak.pem --ak ak.ctx --ak-auth mine --endorsement-auth secret
expect 3 'TPM2_Quote' collect --ak ak.ctx --out ev --endorsement-auth secret
expect 0 'counter attested' collect --ak ak.ctx --out ev --endorsement-auth secret --ak-auth mine
expect 0 '^verdict: complete$' verify ev --ak ak.pem --nonce "$nonce"

# ---- The kernel's file, and errors

: >ima/update_counter
rm -rf ev
expect 0 'evidence in ev' collect --ak ak.ctx --out ev --endorsement-auth secret --ak-auth mine
[ "$(cat ima/update_counter)" = 1 ] || fail "no record was asked for"
! grep -q 'on request' out || fail "$(cat out)"
rm ima/update_counter
[ "$(stat -c %a ev ev/log ev/manifest.json | tr '\n' ' ')" = '700 600 600 ' ] || fail "others may read the evidence"

expect 3 'there is evidence already' collect --ak ak.ctx --out ev
# nor does a link lead out of the folder
mkdir linked
ln -s ../untouched linked/log
expect 3 'linked/log: not a regular file' collect --ak ak.ctx --out linked --endorsement-auth secret --ak-auth mine
[ ! -e untouched ] || fail "a link was followed"
expect 3 'neither a persistent handle .* nor a saved context' collect --ak ak.pem --out none
expect 3 '0x81010099' collect --ak 0x81010099 --out none
expect 3 'give 1 to 32' collect --ak ak.ctx --out none --nonce ""
expect 3 'not an even number' collect --ak ak.ctx --out none --nonce abc
expect 3 'ima/nothing' collect --ak 0x81010010 --out none --ima ima/nothing
[ ! -e none/manifest.json ] || fail "evidence without a log"
expect 3 'no TPM at swtpm:path=/nowhere' collect --ak ak.ctx --out none --tcti swtpm:path=/nowhere
expect 3 'public key in PEM' verify ev --ak ak.ctx --nonce "$nonce"
expect 3 'go together' verify ev --ak ak.pem
tpm2_pcrread >pcrs
expect 3 'has its own' verify ev --ak ak.pem --nonce "$nonce" --pcrs pcrs
expect 3 'manifest.json: line [0-9]' sh -c "mkdir cut && head -c 500 ev/manifest.json >cut/manifest.json && '$imatally' verify --evidence cut --ak ak.pem --nonce $nonce"
# what is no regular file may never end
cp -r ev fifo
rm fifo/log
mkfifo fifo/log
expect 3 'fifo/log: not a regular file' timeout 120 "$imatally" verify --evidence fifo --ak ak.pem --nonce "$nonce"
cp ev/log deleted
expect 3 'fifo/log: not a regular file' timeout 120 "$imatally" verify --evidence fifo --ak ak.pem --nonce "$nonce" deleted
rm fifo/manifest.json
mkfifo fifo/manifest.json
expect 3 'fifo/manifest.json: not a regular file' timeout 120 "$imatally" verify --evidence ev --ak ak.pem \
	--nonce "$nonce" --previous fifo
reboot_tpm
expect 3 'gone when the TPM was reset' collect --ak ak.ctx --out none
