/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * libimatally: evidence, which "imatally collect" collects on the measured
 * machine and another machine verifies.  The directory and its manifest are
 * described in imatally-evidence(5).
 *
 * A manifest is what the measured machine claims.  It can be relied on only
 * after imatally_evidence_check(), and only as far as the attestation key (AK)
 * can: that must be a restricted signing key of the machine's TPM, known to the
 * caller from enrolment.
 *
 * Structures are those of the TPM 2.0 Library Specification.  libtss2-mu, which
 * unmarshals them, logs to standard error unless $TSS2_LOG says otherwise.
 */
#ifndef IMATALLY_EVIDENCE_H
#define IMATALLY_EVIDENCE_H

#include "imatally.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ------------------------------------------------------------------------- */
/* evidence.c: the manifest                                                  */

#define IMATALLY_EVIDENCE_VERSION 1	/* the newest that is supported */
#define IMATALLY_EVIDENCE_MANIFEST "manifest.json"
#define IMATALLY_EVIDENCE_LOG "log"
#define IMATALLY_EVIDENCE_FIRMWARE_LOG "firmware_log"

/* A nonce must fit into TPM2B_DATA of a TPM whose largest hash is SHA-256. */
#define IMATALLY_MAX_NONCE 32

struct imatally_bytes {
	uint8_t *data;		/* freed by the owner */
	size_t len;
};

/* A structure that an AK signed. */
struct imatally_attestation {
	struct imatally_bytes attest;	 /* TPMS_ATTEST, of Part 2 */
	struct imatally_bytes signature; /* TPMT_SIGNATURE, of Part 2 */
};

/*
 * A command in the audit session: the bytes over which cpHash and rpHash are
 * computed, as defined in Part 1 (the commands have no handles).
 */
struct imatally_exchange {
	struct imatally_bytes command;	/* commandCode, parameters */
	struct imatally_bytes response;	/* responseCode, commandCode, parameters */
};

/* TPM2_Hash(nonce), and reads of all PCRs with at most 8 values each. */
#define IMATALLY_MAX_EXCHANGES 50

/*
 * Why a manifest has no counter, as the measured machine says: nobody signed
 * it.
 */
enum imatally_no_counter {
	IMATALLY_NO_COUNTER_UNKNOWN,	/* not said, or not known here */
	IMATALLY_NO_COUNTER_SESSIONS,	/* all sessions of the TPM were in use */
	IMATALLY_NO_COUNTER_AUTHORIZATION, /* wrong for the endorsement hierarchy */
	IMATALLY_NO_COUNTER_LOCKOUT,	/* after wrong authorization values */
	IMATALLY_NO_COUNTER_HIERARCHY,	/* the endorsement hierarchy is disabled */
	IMATALLY_NO_COUNTER_TPM,	/* the TPM refused it otherwise */
};

/*
 * Return the name in the manifest ("sessions"), or NULL for
 * IMATALLY_NO_COUNTER_UNKNOWN.
 */
const char *imatally_no_counter_name(enum imatally_no_counter why);

/*
 * A manifest.  Initialize with zeroes; free its members with
 * imatally_evidence_free().
 */
struct imatally_evidence {
	struct imatally_pcrs pcrs;	/* no index is IMATALLY_PCR_OF_LOG */
	/*
	 * From TPM2_Quote.  Absent (attest.data is NULL) if the PCRs changed
	 * too fast; the attested counter is present then, and proves the values
	 * too.
	 */
	struct imatally_attestation quote;
	/*
	 * The attested counter: TPM2_PCR_Read in an audit session.  Absent
	 * (nr_exchanges is 0) if the TPM or its owner did not allow it; the
	 * quote is present then.
	 */
	uint16_t audit_alg;		/* hash algorithm of the session */
	size_t nr_exchanges;
	struct imatally_exchange *exchange;
	struct imatally_attestation audit;	/* by TPM2_GetSessionAuditDigest */
	enum imatally_no_counter no_counter;	/* if nr_exchanges is 0 */
	/*
	 * What booted: PCRs 0 to 9 from another TPM2_Quote with the same nonce,
	 * in the same boot.  Absent (boot_pcrs.nr is 0) in older evidence.
	 */
	struct imatally_pcrs boot_pcrs;
	struct imatally_attestation boot_quote;
	/*
	 * SHA-256 digest of the firmware's log, the file beside the manifest;
	 * empty if there is none.  Nobody signed it: it shows damage.
	 */
	struct imatally_bytes firmware_log;
};

/*
 * Parse a manifest into @evidence.  This only checks its format.  If it fails,
 * @evidence is empty.
 */
enum imatally_status imatally_evidence_parse(struct imatally_evidence *evidence,
					     const char *text, size_t len,
					     struct imatally_error *err);

/*
 * Return a manifest as text, which the caller frees; NULL when out of memory.
 */
char *imatally_evidence_format(const struct imatally_evidence *evidence);

void imatally_evidence_free(struct imatally_evidence *evidence);

/* Remove the quote, the counter, or what booted. */
void imatally_evidence_drop_quote(struct imatally_evidence *evidence);
void imatally_evidence_drop_boot(struct imatally_evidence *evidence);
void imatally_evidence_drop_counter(struct imatally_evidence *evidence);

/*
 * Decode an even number of hexadecimal digits, possibly none, to @bytes.
 */
enum imatally_status imatally_bytes_from_hex(struct imatally_bytes *bytes,
					     const char *digits,
					     struct imatally_error *err);

/* ------------------------------------------------------------------------- */
/* attest.c: whether it is signed by a TPM                                   */

struct imatally_ak;

/*
 * Read an RSA or ECC public key in PEM format ("BEGIN PUBLIC KEY", as written
 * by tpm2_createak -f pem).  The caller frees it with imatally_ak_free().
 */
enum imatally_status imatally_ak_from_pem(struct imatally_ak **ak,
					  const char *text, size_t len,
					  struct imatally_error *err);
void imatally_ak_free(struct imatally_ak *ak);

#define IMATALLY_FINGERPRINT_SIZE 32

/* Return the SHA-256 digest of the key's DER SubjectPublicKeyInfo. */
const uint8_t *imatally_ak_fingerprint(const struct imatally_ak *ak);

/*
 * The TPM's clock (TPMS_CLOCK_INFO of Part 2).  For an AK outside the
 * endorsement hierarchy, the TPM adds a secret constant to reset and restart.
 */
struct imatally_clock {
	uint64_t clock;		/* milliseconds that the TPM was powered */
	uint32_t reset;		/* resetCount: reboots */
	uint32_t restart;	/* restartCount: suspends, restarts */
	bool safe;		/* a power loss has not set the clock back */
};

/* What a TPM attested besides the PCR values. */
struct imatally_attested {
	struct imatally_clock clock;	/* when it signed */
	bool has_counter;
	uint32_t counter;	/* pcrUpdateCounter as of the PCR values */
};

/*
 * Check that the TPM of @ak attested all PCR values in @evidence, in answer to
 * @nonce.  Of the quote, this checks the signature, the nonce and the digest of
 * the values; of the attested counter, the signature, the nonce, the audit
 * digest over commands and responses, that the session began with the nonce,
 * and that the commands read the same values.  PCRs 0 to 9 are checked like the
 * quote, and have to be of the same boot.  If @nonce is NULL, any nonce is
 * accepted, for evidence that was checked earlier.
 *
 * Returns IMATALLY_ERR_NOT_AUTHENTIC, with the reason, if a check fails.
 */
enum imatally_status
imatally_evidence_check(const struct imatally_evidence *evidence,
			const struct imatally_ak *ak, const uint8_t *nonce,
			size_t nonce_len, struct imatally_attested *attested,
			struct imatally_error *err);

/*
 * Check that @now can be later than @before, both by the same AK: resets,
 * restarts, clock and counter never decrease.  Returns
 * IMATALLY_ERR_NOT_AUTHENTIC otherwise: @now is older evidence that was
 * replayed, or the TPM was cleared.  *@rebooted says whether the TPM was reset
 * or restarted in between.
 */
enum imatally_status
imatally_attested_follows(const struct imatally_attested *now,
			  const struct imatally_attested *before,
			  bool *rebooted, struct imatally_error *err);

#ifdef __cplusplus
}
#endif

#endif /* IMATALLY_EVIDENCE_H */
