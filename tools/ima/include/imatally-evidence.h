/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libimatally: evidence, what "imatally collect" takes on a measured machine
 * and what another machine believes of it.  The folder and its manifest are
 * described in imatally-evidence(5).
 *
 * Everything in a manifest is what the measured machine claims.  It is worth
 * something after imatally_evidence_check() only, and then as much as the
 * attestation key (AK): that must be a restricted signing key of the machine's
 * TPM, which the caller knows from its enrolment.
 *
 * Structures are those of the TPM 2.0 Library Specification.  libtss2-mu, which
 * takes them apart, logs to standard error unless $TSS2_LOG tells it not to.
 */
#ifndef IMATALLY_EVIDENCE_H
#define IMATALLY_EVIDENCE_H

#include "imatally.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------- */
/* evidence.c: the manifest                                                  */

#define IMATALLY_EVIDENCE_VERSION 1	/* the newest that is understood */
#define IMATALLY_EVIDENCE_MANIFEST "manifest.json"
#define IMATALLY_EVIDENCE_LOG "log"

/* A nonce must fit TPM2B_DATA of a TPM whose largest hash is SHA-256. */
#define IMATALLY_MAX_NONCE 32

struct imatally_bytes {
	uint8_t *data;		/* the owner's to free() */
	size_t len;
};

/* What an AK signed. */
struct imatally_attestation {
	struct imatally_bytes attest;	 /* TPMS_ATTEST, of Part 2 */
	struct imatally_bytes signature; /* TPMT_SIGNATURE, of Part 2 */
};

/*
 * A command in the audit session, as the very bytes of which its cpHash and its
 * rpHash are computed, as Part 1 defines them (the commands have no handles).
 */
struct imatally_exchange {
	struct imatally_bytes command;	/* commandCode, parameters */
	struct imatally_bytes response;	/* responseCode, commandCode, parameters */
};

/* Hash(nonce), and reads of all PCRs, of which each returns 8 values at most. */
#define IMATALLY_MAX_EXCHANGES 50

/*
 * A manifest.  Initialize with zeroes; free what is in it with
 * imatally_evidence_free().
 */
struct imatally_evidence {
	struct imatally_pcrs pcrs;	/* no index is IMATALLY_PCR_OF_LOG */
	/*
	 * TPM2_Quote.  Absent (attest.data is NULL) where the PCRs changed too
	 * fast; then there is the counter, which proves the values as well.
	 */
	struct imatally_attestation quote;
	/*
	 * The attested counter: TPM2_PCR_Read in an audit session.  Absent
	 * (nr_exchanges is 0) where the TPM or its owner did not allow it; then
	 * there is the quote.
	 */
	uint16_t audit_alg;		/* hash algorithm of the session */
	size_t nr_exchanges;
	struct imatally_exchange *exchange;
	struct imatally_attestation audit;	/* by TPM2_GetSessionAuditDigest */
};

/*
 * Parse a manifest into @evidence.  Checks the form, and nothing else.  Returns
 * IMATALLY_ERR_MALFORMED with what and where; @evidence is empty then.
 */
enum imatally_status imatally_evidence_parse(struct imatally_evidence *evidence,
					     const char *text, size_t len,
					     struct imatally_error *err);

/* The manifest's text, to be freed; NULL when out of memory. */
char *imatally_evidence_format(const struct imatally_evidence *evidence);

void imatally_evidence_free(struct imatally_evidence *evidence);

/* Leave only the other one of the two. */
void imatally_evidence_drop_quote(struct imatally_evidence *evidence);
void imatally_evidence_drop_counter(struct imatally_evidence *evidence);

/*
 * Decode @digits (terminated, an even number) to @bytes, which may be empty.
 * IMATALLY_ERR_MALFORMED if they are none.
 */
enum imatally_status imatally_bytes_from_hex(struct imatally_bytes *bytes,
					     const char *digits,
					     struct imatally_error *err);

/* ------------------------------------------------------------------------- */
/* attest.c: whether a TPM vouches for it                                    */

struct imatally_ak;

/*
 * A public key in PEM ("BEGIN PUBLIC KEY", as tpm2_createak -f pem writes it):
 * RSA or ECC.  To be freed.
 */
enum imatally_status imatally_ak_from_pem(struct imatally_ak **ak,
					  const char *text, size_t len,
					  struct imatally_error *err);
void imatally_ak_free(struct imatally_ak *ak);

#define IMATALLY_FINGERPRINT_SIZE 32

/* SHA-256 of the key's DER SubjectPublicKeyInfo. */
const uint8_t *imatally_ak_fingerprint(const struct imatally_ak *ak);

/*
 * The TPM's own clock (TPMS_CLOCK_INFO, of Part 2).  For an AK outside of the endorsement
 * hierarchy the TPM adds a constant, secret to it, to reset and restart.
 */
struct imatally_clock {
	uint64_t clock;		/* milliseconds the TPM was powered */
	uint32_t reset;		/* resetCount: reboots */
	uint32_t restart;	/* restartCount: suspends, restarts */
	bool safe;		/* clock has not gone back for a power loss */
};

/* What a TPM said beside the PCR values. */
struct imatally_attested {
	struct imatally_clock clock;	/* when it signed */
	bool has_counter;
	uint32_t counter;	/* pcrUpdateCounter, together with the PCR values */
};

/*
 * Whether @key's TPM vouches for the PCR values of @evidence, all of them, in
 * answer to @nonce: of the quote the signature, the nonce and the digest; and of
 * the attested counter these too, and that the audit digest is that of the commands and responses, that
 * they began with the nonce, and that they read these same values.  @nonce NULL
 * takes whatever nonce was signed, for evidence that was checked before.
 *
 * Returns IMATALLY_ERR_NOT_AUTHENTIC, with the reason, if it does not.
 */
enum imatally_status
imatally_evidence_check(const struct imatally_evidence *evidence,
			const struct imatally_ak *ak, const uint8_t *nonce,
			size_t nonce_len, struct imatally_attested *attested,
			struct imatally_error *err);

/*
 * Whether @now can have come after @before, both of one AK: resets, restarts,
 * clock and counter never go back.  Returns IMATALLY_ERR_NOT_AUTHENTIC if not:
 * one of them is older evidence played again, or the TPM was cleared.
 * *@rebooted tells whether the TPM was reset or restarted in between.
 */
enum imatally_status
imatally_attested_follows(const struct imatally_attested *now,
			  const struct imatally_attested *before,
			  bool *rebooted, struct imatally_error *err);

#ifdef __cplusplus
}
#endif

#endif /* IMATALLY_EVIDENCE_H */
