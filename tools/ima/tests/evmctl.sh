#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The logs that the other tests are made of, judged by somebody else: evmctl of
# ima-evm-utils must find the same PCRs as imatally, and both must refuse a log
# that was changed.
#
# Usage: evmctl.sh IMATALLY MKLOG

set -euo pipefail

imatally=$1
mklog=$2
vectors=$(realpath "$(dirname "$0")/../vectors")

if ! command -v evmctl >/dev/null; then
	echo "  SKIP    evmctl is not installed (package ima-evm-utils)"
	exit 0
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

fail() {
	echo "  FAIL    $*" >&2
	exit 1
}

algs=(sha1 sha256 sha384 sha512)
for banks in 1 2 4; do
	"$mklog" "$dir" "$banks"
	# bank by bank, as evmctl takes three at most; there is a violation
	for alg in "${algs[@]:0:banks}"; do
		evmctl ima_measurement --ignore-violations \
			--pcrs "$alg,$dir/evmctl-$alg" "$dir/log" \
			>"$dir/evmctl.out" 2>&1 ||
			fail "$alg of $banks: evmctl: $(cat "$dir/evmctl.out")"
	done
	"$imatally" verify "$dir/log" --pcrs "$dir/pcrread" >"$dir/out" ||
		fail "$banks banks: imatally: $(cat "$dir/out")"

	# change the last byte of the last name
	printf 'x' | dd of="$dir/log" bs=1 conv=notrunc status=none \
		seek=$(($(stat -c %s "$dir/log") - 2))
	for alg in "${algs[@]:0:banks}"; do
		if evmctl ima_measurement --ignore-violations \
				--pcrs "$alg,$dir/evmctl-$alg" "$dir/log" \
				>/dev/null 2>&1; then
			fail "$alg of $banks: evmctl accepts a changed log"
		fi
	done
	status=0
	"$imatally" verify "$dir/log" --pcrs "$dir/pcrread" >/dev/null ||
		status=$?
	[ "$status" = 2 ] ||
		fail "$banks banks: status $status for a changed log"
done

# Long lists like that one, without records and with them, and with one entry more
for every in 0 100; do
	mkdir "$dir/long.$every"
	"$mklog" "$dir/long.$every" 2 3000 "$dir/log" "$every"
	cd "$dir/long.$every"
	evmctl ima_measurement --pcrs sha1,evmctl-sha1 \
		--pcrs sha256,evmctl-sha256 log >"$dir/evmctl.out" 2>&1 ||
		fail "a long list: evmctl: $(cat "$dir/evmctl.out")"
	"$imatally" verify --strict log --pcrs pcrread >"$dir/out" ||
		fail "a long list: imatally: $(cat "$dir/out")"
	records=$((every ? 30 : 0))
	grep -q "^log: 3000 entries, $records counter records" "$dir/out" ||
		fail "a long list: $(cat "$dir/out")"
	cat next >>log
	"$imatally" verify --strict log --pcrs pcrread.next >"$dir/out" ||
		fail "one entry more: imatally: $(cat "$dir/out")"
done

# Lists of real boots, bank by bank. Where entries or extends are missing evmctl
# can't replay the list, and imatally goes on from a record.
for list in "$vectors"/*/list; do
	pcrs=${list%list}pcrs agrees=yes
	for alg in "${algs[@]}"; do
		# evmctl wants all PCRs of a bank
		awk -v bank="$alg:" '/:$/ { in_bank = $1 == bank; next }
			in_bank { sub(/:/, " "); sub(/0x/, ""); gsub(/../, "& ", $2); pcr[$1] = zero = $2 }
			END { gsub(/[0-9A-Fa-f]/, "0", zero)
			      for (i = 0; zero && i < 24; i++) printf "PCR-%02d: %s\n", i, i in pcr ? pcr[i] : zero }' \
			"$pcrs" >"$dir/vector.$alg"
		[ ! -s "$dir/vector.$alg" ] ||
			evmctl ima_measurement --ignore-violations \
				--pcrs "$alg,$dir/vector.$alg" "$list" >/dev/null 2>&1 ||
			agrees=no
	done
	"$imatally" verify "$list" --pcrs "$pcrs" >"$dir/out" || true
	case $(head -n 1 "$dir/out") in
	'verdict: complete'* | *' dropped')	expected=yes ;;
	*)					expected=no ;;
	esac
	[ "$agrees" = "$expected" ] ||
		fail "$list: evmctl agrees: $agrees, imatally: $(cat "$dir/out")"
done
