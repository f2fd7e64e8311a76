// SPDX-License-Identifier: GPL-2.0-only
/*
 * The input is a manifest.  If it is valid, it must be the same after
 * formatting and parsing it.  Then it is signed with our own key and correct
 * digests, since otherwise no input would get past the check of the signature.
 */

#include <stdlib.h>
#include <tss2/tss2_mu.h>

#include "../tests/attester.h"
#include "limit.h"

static void write_and_parse(const struct imatally_evidence *evidence)
{
	char *text = imatally_evidence_format(evidence);
	struct imatally_evidence again;
	struct imatally_error err;

	if (!text || imatally_evidence_parse(&again, text, strlen(text), &err))
		abort();
	imatally_evidence_free(&again);
	free(text);
}

static bool unmarshal(const struct imatally_bytes *bytes, TPMS_ATTEST *attest)
{
	size_t at = 0;

	memset(attest, 0, sizeof(*attest));
	return !Tss2_MU_TPMS_ATTEST_Unmarshal(bytes->data, bytes->len, &at,
					      attest);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct attester tpm;
	static struct imatally_ak *ak;
	struct imatally_attested attested;
	struct imatally_error err;
	bool has_quote, has_counter;

	if (!ak) {
		attester_init(&tpm, TPM2_ALG_ECDSA, TPM2_ALG_SHA256);
		ak = attester_ak(&tpm);
	}
	/* a hash table for each pair of braces */
	limit_begin(size, 256);
	if (imatally_evidence_parse(&tpm.evidence, (const char *)data, size,
				    &err)) {
		expect_message(&err);
		limit_end();
		return 0;
	}
	write_and_parse(&tpm.evidence);
	imatally_evidence_check(&tpm.evidence, ak, NULL, 0, &attested, &err);
	has_quote = tpm.evidence.quote.attest.data;
	has_counter = tpm.evidence.nr_exchanges;
	if ((!has_quote ||
	     unmarshal(&tpm.evidence.quote.attest, &tpm.quote)) &&
	    (!has_counter ||
	     unmarshal(&tpm.evidence.audit.attest, &tpm.audit))) {
		if (tpm.evidence.boot_pcrs.nr &&
		    unmarshal(&tpm.evidence.boot_quote.attest, &tpm.boot))
			tpm.boot.type = 0;
		if (!has_quote)
			tpm.quote = tpm.audit;
		else if (tpm.quote.type == TPM2_ST_ATTEST_QUOTE)
			attester_quote(&tpm);
		if (!has_counter)
			tpm.audit = tpm.quote;
		else if (tpm.audit.type == TPM2_ST_ATTEST_SESSION_AUDIT)
			attester_audit(&tpm);
		attester_sign(&tpm);
		if (!has_quote)
			imatally_evidence_drop_quote(&tpm.evidence);
		imatally_evidence_check(&tpm.evidence, ak, NULL, 0, &attested,
					&err);
	}
	imatally_evidence_free(&tpm.evidence);
	limit_end();
	return 0;
}
