/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The attesting part of a machine's TPM, for tests: an AK, a clock, and
 * evidence that is created as by a TPM and "imatally collect".  Creation takes
 * two steps, so that a test can change the evidence in between.
 */
#ifndef TESTS_ATTESTER_H
#define TESTS_ATTESTER_H

#include <openssl/evp.h>
#include <tss2/tss2_tpm2_types.h>

#include "imatally-evidence.h"
#include "mklog.h"

struct attester {
	EVP_PKEY *pkey;
	uint16_t scheme, hash;		/* of signatures */
	TPMS_CLOCK_INFO clock;
	/* to be signed */
	TPMS_ATTEST quote, audit, boot;
	struct imatally_evidence evidence;
};

/* @scheme is TPM2_ALG_RSASSA, TPM2_ALG_RSAPSS or TPM2_ALG_ECDSA. */
void attester_init(struct attester *a, uint16_t scheme, uint16_t hash);
void attester_free(struct attester *a);

/* Get the public key of the AK. */
struct imatally_ak *attester_ak(const struct attester *a);

/* Read and quote PCR 10 of @m, and PCRs 0 to 9, in all banks. */
void attester_read(struct attester *a, const struct machine *m,
		   const char *nonce);
/* Answer another nonce, of any bytes. */
void attester_answer(struct attester *a, const void *nonce, size_t len);
/* Update the audit digest after a change of the exchanges. */
void attester_audit(struct attester *a);
/* Update the quoted digests, over the PCR values of the evidence in order. */
void attester_quote(struct attester *a);
void attester_sign(struct attester *a);

/* All steps */
void attester_attest(struct attester *a, const struct machine *m,
		     const char *nonce);

#endif /* TESTS_ATTESTER_H */
